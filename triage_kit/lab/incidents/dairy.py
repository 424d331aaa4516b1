"""A dairy co-operative in Dutch, on knex: a pod without a claim, twins by mistake, a farm closed, a refresh, a seed."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch integer)",
    "INSERT INTO knex_migrations (name, batch) VALUES ('20250310_melk.js', 1)",
    "CREATE TABLE boerderij (ubn varchar(7) PRIMARY KEY, naam text NOT NULL, plaats text)",
    "CREATE TABLE koe (oornummer bigint PRIMARY KEY, ubn varchar(7) NOT NULL REFERENCES boerderij ON DELETE CASCADE)",
    "CREATE TABLE melkmonster (id serial PRIMARY KEY, oornummer bigint NOT NULL REFERENCES koe ON DELETE CASCADE, "
    "genomen_op date NOT NULL, vet numeric(4, 2), celgetal int)",
    "CREATE TABLE levering (ubn varchar(7) NOT NULL REFERENCES boerderij ON DELETE CASCADE, dag date, liters int, "
    "PRIMARY KEY (ubn, dag))",
    "CREATE TABLE melkprijs (maand date PRIMARY KEY, cent_per_kg numeric(6, 3))",
    "CREATE TABLE route (nr smallint PRIMARY KEY, chauffeur text)",
)
# Each of 30 farms has 60 cows, each cow five samples, one a month; farm 7 sends most milk.
MILKED = act(
    "melk",
    "melk-api",
    "INSERT INTO boerderij SELECT 'UBN' || g, 'Hoeve ' || g, 'Sneek' FROM generate_series(1, 30) g",
    "INSERT INTO koe SELECT 528000000000 + g, 'UBN' || 1 + g % 30 FROM generate_series(1, 1800) g",
    "INSERT INTO melkmonster (oornummer, genomen_op, vet, celgetal) SELECT 528000000001 + g % 1800, date '2026-06-01' "
    "+ 30 * (g / 1800), 4.1, CASE WHEN g % 10 > 0 THEN 150 END FROM generate_series(1, 8999) g",
    "INSERT INTO levering SELECT 'UBN' || 1 + g % 30, date '2026-08-01' + g / 30, 900 FROM generate_series(0, 2999) g",
    "INSERT INTO melkprijs SELECT date '2024-01-01' + 31 * g, 45 + g FROM generate_series(1, 24) g",
)
PLANNED = act("melk", "melk-api", "INSERT INTO route VALUES (1, 'Jansen'), (2, 'De Vries'), (3, 'Bakker')")
STANDING = {
    "public.knex_migrations": ok(1),
    "public.boerderij": ok(30),
    "public.koe": ok(1800),
    "public.melkmonster": ok(8999),
    "public.levering": ok(3000),
    "public.melkprijs": ok(24),
    "public.route": ok(3),
}
SETTINGS = {"log_line_prefix": "%m [%p] %u@%d/%a %v ", "log_timezone": "Europe/Amsterdam"}
KNEX = Commit(5200, "Melk", {"migrations/20250310_melk.js": "exports.up = (knex) => knex.schema.createTable('koe', (t) "
    "=> { t.bigint('oornummer').primary(); });\n"})  # fmt: skip
LATER = act("melk", "melk-api", "INSERT INTO melkprijs VALUES ('2027-01-01', 50), ('2027-02-01', 51)")

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: melk-db}
spec:
  template:
    spec:
      containers:
        - name: postgres
          image: postgres:18
          volumeMounts: [{name: data, mountPath: /var/lib/postgresql}]
      volumes:
        - name: data
"""


def _rescheduled(stage: Stage) -> None:
    """The node was drained: the pod starts elsewhere with an empty emptyDir, and the service migrates it at once."""
    stage.server.renew()
    pod_rescheduled.create(stage.server)


FILLED = ("boerderij", "koe", "melkmonster", "levering", "melkprijs")
pod_rescheduled = Script(
    "pod_rescheduled",
    "A node was drained, and the database's pod came up elsewhere: its data lay in an emptyDir, not in a claim",
    "melk",
    "melk",
    TABLES,
    [MILKED, checkpoint, _rescheduled, PLANNED],
    {
        **{f"public.{name}": lost("new_cluster", None) for name in FILLED},
        # Written by the migration tool, as in the cluster before; the three routes are of today.
        "public.knex_migrations": {**ok(1, accepts=["new_cluster"]), "statuses": ("partial", "undecided")},
        "public.route": {**ok(3, accepts=["new_cluster"]), "statuses": ("partial", "undecided")},
    },
    "storage_replaced",
    reported=["koe", "boerderij"],
    causes=[{"cause": "storage_replaced", "tables": tuple(f"public.{name}" for name in FILLED)}],
    begins=120,
    commits=[KNEX, Commit(3000, "Database in the cluster", {
        "k8s/melk-db.yaml": DEPLOYMENT + "          persistentVolumeClaim: {claimName: melk-db}\n"}),
        Commit(200, "Storage class is gone for now", {"k8s/melk-db.yaml": DEPLOYMENT + "          emptyDir: {}\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": {f"public.{name}": ("none", "recreate", "counters_reset") for name in FILLED}}},
    holdout=True,
)  # fmt: skip

TWINS = (
    "DELETE FROM melkmonster a USING melkmonster b WHERE a.ctid < b.ctid AND a.oornummer = b.oornummer "
    "AND a.vet = b.vet"
)
samples_taken_for_twins = Script(
    "samples_taken_for_twins",
    "A migration removes samples that are there twice before a unique key; it compares cow and fat, and not the day",
    "melk",
    "melk",
    TABLES,
    [
        MILKED,
        PLANNED,
        checkpoint,
        act("melk", "knex", TWINS, "CREATE UNIQUE INDEX melkmonster_eens ON melkmonster (oornummer, genomen_op)",
            "INSERT INTO knex_migrations (name, batch) VALUES ('20261125_eens.js', 2)", whole=True),
        act("melk", "melk-api", "SELECT avg(vet) FROM melkmonster"),
        act("pvisser", "psql", "DELETE FROM levering WHERE dag > '2026-08-01'", undone=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.melkmonster": lost("delete", 7199, 1800),
        # Somebody deleted all of it but a day's, and took it back.
        "public.levering": ok(3000, accepts=["rollback"]),
        "public.knex_migrations": ok(2),
    },
    "migration",
    roles={"pvisser": "melk"},
    roots=["public.melkmonster"],
    reported=["melkmonster"],
    commits=[KNEX, Commit(3, "Ieder monster eens", {"migrations/20261125_eens.js": "exports.up = async (knex) => {\n  "
        f"await knex.raw(`{TWINS}`);\n  await knex.raw('CREATE UNIQUE INDEX melkmonster_eens ON melkmonster "
        "(oornummer, genomen_op)');\n};\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

CLOSE = 'delete from "boerderij" where "ubn" = \'UBN7\''
farm_closed_in_the_portal = Script(
    "farm_closed_in_the_portal",
    "A member closes one account in the portal and means an old one; the farm's cows, samples and milk go by cascade",
    "melk",
    "melk",
    TABLES,
    [
        MILKED,
        PLANNED,
        checkpoint,
        act("melk", "melk-portaal", CLOSE),
        act("melk", "knex", "CREATE INDEX levering_dag ON levering (dag)",
            "INSERT INTO knex_migrations (name, batch) VALUES ('20261126_dag.js', 2)", whole=True),
        act("melk", "melk-portaal", "INSERT INTO levering VALUES ('UBN7', '2026-12-01', 800)", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.boerderij": lost("delete", 1, 29),
        "public.koe": lost("cascade_delete", 60, 1740, via=["public.boerderij"]),
        "public.melkmonster": lost("cascade_delete", 300, 8699, via=["public.boerderij"]),
        "public.levering": lost("cascade_delete", 100, 2900, via=["public.boerderij"]),
        "public.knex_migrations": ok(2),
    },
    "application",
    roots=["public.boerderij"],
    reported=["koe", "levering", "boerderij"],
    commits=[KNEX, Commit(1500, "Account opzeggen", {"src/portaal/opzeggen.js": "export async function opzeggen(knex, "
        "ubn) {\n  await knex('boerderij').where({ ubn }).del();\n}\n"}),
        Commit(1, "Zoeken op dag", {"migrations/20261126_dag.js": "exports.up = (knex) => knex.raw('CREATE INDEX "
            "levering_dag ON levering (dag)');\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

prices_refreshed = Script(
    "prices_refreshed",
    "False alarm: the prices are truncated and loaded again every hour; somebody looked at the counters alone",
    "melk",
    "melk",
    TABLES,
    [
        MILKED,
        PLANNED,
        checkpoint,
        *[act("melk", "prijzen-cron", "TRUNCATE melkprijs", MILKED.statements[4], whole=True) for _ in range(3)],
        act("pvisser", "psql", "DELETE FROM melkprijzen", fails=True),
        act("melk", "melk-api", "SELECT * FROM melkprijs WHERE maand = '2024-02-01'"),
    ],
    {**STANDING, "public.melkprijs": ok(24, "truncate", accepts=["none"])},
    "not_lost",
    roles={"pvisser": ""},
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["melkprijs"],
    commits=[KNEX, Commit(2800, "Prijzen", {"cron/prijzen.sql": "BEGIN;\nTRUNCATE melkprijs;\n"
        f"{MILKED.statements[4]};\nCOMMIT;\n", "cron/crontab": "0 * * * * melk psql melk -f cron/prijzen.sql\n"})],
    later=[LATER],
    settings=SETTINGS,
    # Twenty-four rows after a truncation: that the same stood there before, no view without statements can know.
    views={view: {"untellable": {"public.melkprijs": ("none",)},
                  "tables": {"public.melkprijs": {**ok(24, "truncate", accepts=["none"]), "statuses": ("undecided",)}},
                  "causes": ({"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

seed_run_on_the_server = Script(
    "seed_run_on_the_server",
    "A new colleague follows the README on the wrong machine: knex seed:run deletes prices and routes and adds samples",
    "melk",
    "melk",
    TABLES,
    [
        MILKED,
        PLANNED,
        checkpoint,
        act("njansen", "knex seed:run", 'delete from "melkprijs"', 'delete from "route"',
            "INSERT INTO melkprijs VALUES ('2000-01-01', 1), ('2000-02-01', 2)", "INSERT INTO route VALUES (1, 'T')"),
        act("melk", "melk-api", "SELECT cent_per_kg FROM melkprijs WHERE maand = '2025-02-01'"),
        act("melk", "cron", "VACUUM FULL koe"),
        checkpoint,
    ],
    {**STANDING, "public.melkprijs": lost("delete", 24, 2), "public.route": lost("delete", 3, 1)},
    "manual_session",
    roles={"njansen": "melk"},
    roots=["public.melkprijs", "public.route"],
    reported=["melkprijs"],
    commits=[KNEX, Commit(5000, "Zaad voor ontwikkelaars", {"seeds/01_prijs.js": "exports.seed = async (knex) => {\n  "
        "await knex('melkprijs').del();\n  await knex('route').del();\n  await knex('route').insert({nr: 1});\n};\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        pod_rescheduled, samples_taken_for_twins, farm_closed_in_the_portal, prices_refreshed, seed_run_on_the_server,
    )
)  # fmt: skip
