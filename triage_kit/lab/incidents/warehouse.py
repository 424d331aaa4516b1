"""A data warehouse under dbt and Airflow: a full refresh, an empty template, an underscore, staging, a lost client."""

from __future__ import annotations

import psycopg

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE SCHEMA raw",
    "CREATE SCHEMA marts",
    "CREATE SCHEMA prices",
    "CREATE SCHEMA pr_1204",
    "CREATE TABLE raw.stg_sales (line bigint, sku text, qty int, sold_on date)",
    "CREATE TABLE marts.dim_product (product_key int PRIMARY KEY, sku text NOT NULL, family text)",
    "CREATE TABLE marts.dim_store (store_key int PRIMARY KEY, city text)",
    "CREATE TABLE marts.fct_sales (load_date date NOT NULL, line bigint NOT NULL, product_key int, store_key int, "
    "amount numeric)",
    "CREATE TABLE prices.list_price (sku text PRIMARY KEY, cents int)",
    "CREATE TABLE prices.promo (sku text, cents int, until date)",
    "CREATE TABLE pr_1204.fct_sales (LIKE marts.fct_sales)",
    "CREATE INDEX fct_sales_date ON marts.fct_sales (load_date)",
)
# Ten days of 15000 sales each, the last one the twentieth of November.
LOADED = act(
    "dwh",
    "airflow task_runner",
    "INSERT INTO marts.dim_product SELECT g, 'SKU' || g, 'F' || g % 12 FROM generate_series(1, 2400) g",
    "INSERT INTO marts.dim_store SELECT g, 'City ' || g FROM generate_series(1, 55) g",
    "INSERT INTO marts.fct_sales SELECT date '2026-11-11' + g / 15000, g, 1 + g % 2400, 1 + g % 55, 9.9 "
    "FROM generate_series(0, 149999) g",
    "INSERT INTO prices.list_price SELECT 'SKU' || g, g FROM generate_series(1, 2400) g",
    "INSERT INTO prices.promo SELECT 'SKU' || 7 * g, g, '2026-12-24' FROM generate_series(1, 85) g",
    "INSERT INTO pr_1204.fct_sales SELECT '2026-11-11', g FROM generate_series(1, 30) g",
)
OPENED = act("dwh", "airflow task_runner", "INSERT INTO marts.dim_store VALUES (101, 'New'), (102, 'Newer')")
STANDING = {
    "raw.stg_sales": ok(0),
    "marts.dim_product": ok(2400),
    "marts.dim_store": ok(57),
    "marts.fct_sales": ok(150000),
    "prices.list_price": ok(2400),
    "prices.promo": ok(85),
    "pr_1204.fct_sales": ok(30),
}
SCOPE = ["raw", "marts", "prices", "pr_1204"]
SETTINGS = {
    "log_line_prefix": "%m [%p] user=%u,db=%d,app=%a ",
    "log_timezone": "America/Chicago",
    "max_wal_size": "1GB",
}
DAGS = Commit(
    6000,
    "Warehouse",
    {
        "sql/ddl.sql": ";\n".join(statement for statement in TABLES if "pr_1204" not in statement) + ";\n",
        "dbt_project.yml": "name: dwh\n",
    },
)
LATER = act("dwh", "airflow task_runner", "INSERT INTO marts.dim_store VALUES (201, 'A'), (202, 'B'), (203, 'C')")

REFRESH = (
    'create table "dwh"."marts"."fct_sales__dbt_tmp" as (select * from "dwh"."marts"."fct_sales" where load_date > '
    "date '2026-11-20' - 3)",
    'alter table "marts"."fct_sales" rename to "fct_sales__dbt_backup"',
    'alter table "marts"."fct_sales__dbt_tmp" rename to "fct_sales"',
)
fully_refreshed = Script(
    "fully_refreshed",
    "The nightly dbt run was given --full-refresh: an incremental model of ten days is built anew from the last three",
    "dwh",
    "dwh",
    TABLES,
    [
        LOADED,
        OPENED,
        checkpoint,
        act("dbt", "dbt", "SET ROLE dwh", *REFRESH, whole=True),
        act("dbt", "dbt", "SET ROLE dwh", 'drop table if exists "marts"."fct_sales__dbt_backup" cascade'),
        act("dwh", "superset", "SELECT sum(amount) FROM marts.fct_sales WHERE load_date < '2026-11-15'"),
        checkpoint,
    ],
    {**STANDING, "marts.fct_sales": lost("recreate", 105000, 45000)},
    "scheduled_job",
    scope=SCOPE,
    roles={"dbt": "dwh"},
    roots=["marts.fct_sales"],
    reported=["marts.fct_sales"],
    commits=[DAGS, Commit(2000, "Sales", {"models/marts/fct_sales.sql": "{{ config(materialized='incremental', "
        "unique_key='line') }}\nselect * from {{ source('raw', 'sales') }} where load_date > current_date - 3\n"}),
        Commit(10, "Refresh at night", {"dags/dbt_nightly.py": "from airflow import DAG\nfrom "
            "airflow.operators.bash import BashOperator\n\nwith DAG('dbt_nightly', schedule='0 2 * * *') as dag:\n    "
            "BashOperator(task_id='dbt', bash_command='dbt run --full-refresh')\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": {"marts.fct_sales": ("none", "restore")}}},
    holdout=True,
)  # fmt: skip

BACKFILL = "DELETE FROM marts.fct_sales WHERE load_date >= COALESCE(NULLIF('{}', '')::date, '-infinity')"
backfilled_from_nothing = Script(
    "backfilled_from_nothing",
    "A backfill deletes its day before it loads it; the day's template was empty, which means from the beginning",
    "dwh",
    "dwh",
    TABLES,
    [
        LOADED,
        OPENED,
        checkpoint,
        act("airflow", "airflow task_runner", BACKFILL.format("2026-11-21")),
        act("airflow", "airflow task_runner", BACKFILL.format(""),
            "INSERT INTO marts.fct_sales SELECT date '2026-11-20', g, 1, 1, 9.9 FROM generate_series(1, 15000) g",
            whole=True),
        act("rkim", "psql", "TRUNCATE marts.fact_sales", fails=True),
        checkpoint,
    ],
    {**STANDING, "marts.fct_sales": lost("delete", 135000, 15000)},
    "scheduled_job",
    scope=SCOPE,
    roles={"airflow": "dwh", "rkim": "dwh"},
    roots=["marts.fct_sales"],
    reported=["fct_sales"],
    commits=[DAGS, Commit(300, "Backfill", {"dags/backfill_sales.py": "from airflow import DAG\nfrom "
        "airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator\n\nwith DAG('backfill_sales', "
        "schedule='@daily') as dag:\n    SQLExecuteQueryOperator(task_id='load', sql=\""
        + BACKFILL.format("{{ params.day }}") + "\")\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

# Whether the schema of the merged pull request is to be listed among the losses is nobody's question: it is not judged.
GONE = {name: lost("drop", None, None, status="missing") for name in ("prices.list_price", "prices.promo")}
LEFT = {name: told for name, told in STANDING.items() if not name.startswith("pr_")}
underscore_is_a_wildcard = Script(
    "underscore_is_a_wildcard",
    "A nightly job drops the schemas of merged pull requests LIKE 'pr_%': `prices` begins like that as well",
    "dwh",
    "dwh",
    TABLES,
    [
        LOADED,
        OPENED,
        checkpoint,
        act("jenkins", "drop-pr-schemas", "SET ROLE dwh", "DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM "
            "pg_namespace WHERE nspname LIKE 'pr_%' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; END "
            "$$"),
        act("dwh", "superset", "SELECT cents FROM prices.list_price WHERE sku = 'SKU7'", fails=True),
        act("dwh", "airflow task_runner", "VACUUM FULL marts.dim_product"),
        checkpoint,
    ],
    {
        **LEFT,
        **GONE,
    },
    "scheduled_job",
    scope=SCOPE,
    roles={"jenkins": "dwh"},
    roots=list(GONE),
    causes=[{"cause": "scheduled_job", "tables": ("prices.list_price", "prices.promo")}],
    reported=["prices.list_price", "prices.promo"],
    commits=[DAGS, Commit(500, "Drop schemas of merged requests", {"ci/Jenkinsfile": "pipeline {\n  triggers { cron('H "
        "3 * * *') }\n  stages { stage('drop') { steps { sh 'ci/drop-pr-schemas.sh' } } }\n}\n",
        "ci/drop-pr-schemas.sh": "#!/bin/sh\nfor s in $(psql dwh -Atc \"SELECT nspname FROM pg_namespace WHERE nspname "
            "LIKE 'pr_%'\"); do\n  psql dwh -c \"DROP SCHEMA $s CASCADE\"\ndone\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

STAGE = ("TRUNCATE raw.stg_sales",
         "INSERT INTO raw.stg_sales SELECT g, 'SKU1', 1, '2026-11-21' FROM generate_series(1, 15000) g",
         "INSERT INTO marts.fct_sales SELECT sold_on, line, 1, 1, qty FROM raw.stg_sales")  # fmt: skip
staged_and_emptied = Script(
    "staged_and_emptied",
    "False alarm: staging is truncated before and after each load, as every day; an analyst looked into it in between",
    "dwh",
    "dwh",
    TABLES,
    [
        LOADED,
        OPENED,
        *[act("airflow", "airflow task_runner", *STAGE, whole=True) for _ in range(2)],
        act("airflow", "airflow task_runner", "TRUNCATE raw.stg_sales"),
        act("rkim", "psql", "SELECT count(*) FROM raw.stg_sales"),
        act("rkim", "psql", "TRUNCATE marts.fct_sales", undone=True),
        checkpoint,
    ],
    {**STANDING, "raw.stg_sales": ok(0, "truncate"), "marts.fct_sales": ok(180000)},
    "not_lost",
    scope=SCOPE,
    roles={"airflow": "dwh", "rkim": "dwh"},
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["raw.stg_sales"],
    commits=[DAGS, Commit(4000, "Stage sales", {"dags/stage_sales.py": "from airflow import DAG\nfrom "
        "airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator\n\nwith DAG('stage_sales', "
        "schedule='@daily') as dag:\n    SQLExecuteQueryOperator(task_id='stage', sql=[\"" + '", "'.join(STAGE)
        + "\", \"TRUNCATE raw.stg_sales\"])\n"})],
    later=[LATER],
    settings=SETTINGS,
    # A report that names it against its name and its job: that it may be left open, a view without statements allows.
    views={view: {"tables": {"raw.stg_sales": {**ok(0, "truncate"), "statuses": ("undecided",)}},
                  "causes": ({"cause": "not_lost", "accepts": ("scheduled_job", "unknown"), "tables": ()},)}
           for view in ("pg_monitor", "plain", "no_log", "restart", "crash", "vacuum", "day_later", "bundle",
                        "stats_csv")},
    holdout=True,
)  # fmt: skip


def _client_vanished(stage: Stage) -> None:
    """The loader's machine is preempted in the middle of COPY: nothing of it is committed."""
    with base.session(stage.server, stage.database, "airflow", "airflow task_runner") as connection:

        def load() -> None:
            with connection.cursor() as cursor, cursor.copy("COPY marts.fct_sales FROM STDIN") as copy:
                for line in range(20000):
                    copy.write_row(("2026-11-21", 900000 + line, 1, 1, 1))
                raise psycopg.OperationalError("preempted")

        base.attempt(load)


client_vanished = Script(
    "client_vanished",
    "False alarm: the loader's machine vanished in the middle of COPY; its twenty thousand rows were never committed",
    "dwh",
    "dwh",
    TABLES,
    [LOADED, OPENED, checkpoint, _client_vanished, act("rkim", "psql", "SELECT count(*) FROM marts.fct_sales"),
     act("dwh", "airflow task_runner", "CREATE INDEX fct_sales_line ON marts.fct_sales (line)")],
    {**STANDING, "marts.fct_sales": ok(150000, "rollback", accepts=["none"])},
    "not_lost",
    scope=SCOPE,
    roles={"airflow": "dwh", "rkim": "dwh"},
    reported=["marts.fct_sales"],
    commits=[DAGS],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        fully_refreshed, backfilled_from_nothing, underscore_is_a_wildcard, staged_and_emptied, client_vanished,
    )
)  # fmt: skip
