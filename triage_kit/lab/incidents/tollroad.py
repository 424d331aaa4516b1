"""A toll road in Ukrainian, on Rust and Diesel: a check of migrations in a pipeline, tariffs, a list that broke off."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Act, Commit, Script, act, checkpoint, log_rotated, lost, ok

ROAD = (
    "CREATE TABLE dilianka (id SERIAL PRIMARY KEY, nazva VARCHAR NOT NULL, km NUMERIC(6, 1) NOT NULL)",
    "CREATE TABLE ramka (id SERIAL PRIMARY KEY, dilianka_id INTEGER NOT NULL REFERENCES dilianka, smuha SMALLINT NOT "
    "NULL)",
    "CREATE TABLE taryf (id SERIAL PRIMARY KEY, klas SMALLINT NOT NULL, z_dnia DATE NOT NULL, do_dnia DATE, kop INTEGER"
    " NOT NULL)",
    "CREATE TABLE bortovyk (nomer BIGINT PRIMARY KEY, derzh_nomer VARCHAR(10) NOT NULL, klas SMALLINT NOT NULL, "
    "zalyshok_kop BIGINT NOT NULL DEFAULT 0)",
    "CREATE TABLE prokhid (id BIGSERIAL PRIMARY KEY, ramka_id INTEGER NOT NULL REFERENCES ramka, taryf_id INTEGER NOT "
    "NULL REFERENCES taryf ON DELETE CASCADE, bortovyk BIGINT, chas TIMESTAMPTZ NOT NULL)",
    "CREATE INDEX prokhid_taryf ON prokhid (taryf_id)",
)
FINES = (
    "CREATE TABLE porushennia (id BIGSERIAL PRIMARY KEY, prokhid_id BIGINT NOT NULL REFERENCES prokhid ON DELETE "
    "CASCADE, derzh_nomer VARCHAR(10) NOT NULL, shtraf_kop INTEGER NOT NULL, stan VARCHAR NOT NULL DEFAULT 'nove')",
    "CREATE INDEX porushennia_prokhid ON porushennia (prokhid_id)",
    "CREATE TABLE oskarzhennia (id SERIAL PRIMARY KEY, porushennia_id BIGINT NOT NULL REFERENCES porushennia, tekst "
    "TEXT NOT NULL, podano TIMESTAMPTZ NOT NULL DEFAULT now())",
    "CREATE INDEX oskarzhennia_porushennia ON oskarzhennia (porushennia_id)",
)
NO_FINES = ("DROP TABLE oskarzhennia", "DROP TABLE porushennia")
EXEMPT = (
    "CREATE TABLE pilha (derzh_nomer VARCHAR(10) PRIMARY KEY, pidstava VARCHAR NOT NULL, do_dnia DATE NOT NULL CHECK "
    "(do_dnia > '2019-01-01'))",
    "CREATE TABLE pilha_chornetka (riadok INTEGER NOT NULL, derzh_nomer VARCHAR, pidstava VARCHAR, do_dnia VARCHAR)",
)
NO_EXEMPT = ("DROP TABLE pilha_chornetka", "DROP TABLE pilha")
BOOK = (
    'CREATE TABLE "__diesel_schema_migrations" ("version" VARCHAR(50) PRIMARY KEY NOT NULL, "run_on" TIMESTAMP NOT NULL'
    " DEFAULT CURRENT_TIMESTAMP)"
)
NOTED = 'INSERT INTO "__diesel_schema_migrations" ("version") VALUES (\'{}\')'
STRUCK = 'DELETE FROM "__diesel_schema_migrations" WHERE ("__diesel_schema_migrations"."version" = \'{}\')'
VERSIONS = ("20190311000000", "20200902000000", "20260217000000")
TABLES = (BOOK, *ROAD, NOTED.format(VERSIONS[0]), *FINES, NOTED.format(VERSIONS[1]), *EXEMPT,
          NOTED.format(VERSIONS[2]))  # fmt: skip
# Four classes, nine half years each: passages of all of them, a violation every twelfth, appeals of this year's alone.
DRIVEN = act(
    "shliakh",
    "shliakhd",
    "INSERT INTO dilianka (nazva, km) SELECT 'Ділянка ' || g, 11.5 + g FROM generate_series(1, 14) g",
    "INSERT INTO ramka (dilianka_id, smuha) SELECT 1 + g % 14, g / 14 FROM generate_series(0, 83) g",
    "INSERT INTO taryf (klas, z_dnia, do_dnia, kop) SELECT 1 + g % 4, date '2022-07-01' + g / 4 * interval '6 months', "
    "date '2022-12-31' + g / 4 * interval '6 months', 2400 + g * 35 FROM generate_series(0, 35) g",
    "INSERT INTO bortovyk SELECT 3800100000 + g, 'AA' || lpad(g::text, 4, '0') || 'BK', 1 + g % 4, g * 17 FROM "
    "generate_series(1, 5200) g",
    "INSERT INTO prokhid (ramka_id, taryf_id, bortovyk, chas) SELECT 1 + g % 84, 1 + g % 36, 3800100001 + g % 5200, "
    "now() - interval '1561 days' + g * interval '52 minutes' FROM generate_series(1, 43200) g",
    "INSERT INTO porushennia (prokhid_id, derzh_nomer, shtraf_kop) SELECT g * 12, 'AA' || lpad(g::text, 4, '0') || "
    "'BK', 17000 FROM generate_series(1, 3600) g",
    "UPDATE porushennia SET stan = 'splacheno' WHERE id % 4 > 0",
    "INSERT INTO oskarzhennia (porushennia_id, tekst) SELECT 2 + g * 3, 'Чуже авто' FROM generate_series(0, 299) g",
    "INSERT INTO pilha SELECT 'CE' || lpad(g::text, 4, '0') || 'HH', 'швидка', '2027-12-31' FROM generate_series(1, "
    "412) g",
)
PASSED = act(
    "shliakh",
    "shliakhd",
    "INSERT INTO prokhid (ramka_id, taryf_id, bortovyk, chas) SELECT 1 + g % 84, 33 + g % 4, 3800100001 + g, now() FROM"
    " generate_series(1, 60) g",
    "UPDATE bortovyk SET zalyshok_kop = zalyshok_kop - 3600 WHERE nomer BETWEEN 3800100002 AND 3800100061",
)
STANDING = {
    "public.__diesel_schema_migrations": ok(3),
    "public.dilianka": ok(14),
    "public.ramka": ok(84),
    "public.taryf": ok(36),
    "public.bortovyk": ok(5200, accepts=["update"]),
    "public.prokhid": ok(43320),
    "public.porushennia": ok(3600, accepts=["update"]),
    "public.oskarzhennia": ok(300),
    "public.pilha": ok(412),
    "public.pilha_chornetka": ok(0),
}
ROLES = {"oksana": "shliakh", "zvity": ""}
SETTINGS = {"log_line_prefix": "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h "}
CLEANED = act("shliakh", "prybyrannia", "DELETE FROM prokhid WHERE chas < now() - interval '5 years'")


def _sql(statements: tuple[str, ...]) -> str:
    return "".join(f"{each};\n" for each in statements)


def _migration(folder: str, ups: tuple[str, ...], downs: tuple[str, ...]) -> dict[str, str]:
    return {f"migrations/{folder}/up.sql": _sql(ups), f"migrations/{folder}/down.sql": _sql(downs)}


PIPELINE = (
    "stages: [lint, test, deploy]\n\nclippy:\n  stage: lint\n  script: cargo clippy --all-targets -- -D warnings\n\n"
    "unit:\n  stage: test\n  script: cargo test --lib\n{}\ndeploy:\n  stage: deploy\n  rules: [{{if: "
    "$CI_COMMIT_BRANCH =~ /^vypusk-/}}]\n  script:\n    - diesel migration run\n    - ansible-playbook -i prod "
    "shliakh.yml\n"
)
# A service of the job has another address; the group's variable of protected branches goes over what the job sets.
REVERSIBLE = (
    '\n# чи можна відкотити міграції\nmihratsii:\n  stage: test\n  services: ["postgres:16"]\n  variables: '
    '{DATABASE_URL: "postgres://postgres@postgres/postgres"}\n  script:\n    - diesel migration run\n    - diesel '
    "migration redo -n 2\n"
)
FIRST = Commit(60000, "Проходи та тарифи", {
    **_migration("2019-03-11-000000_doroha", ROAD, tuple(f"DROP TABLE {name}" for name in (
        "prokhid", "bortovyk", "taryf", "ramka", "dilianka"))),
    "diesel.toml": '[print_schema]\nfile = "src/schema.rs"\n\n[migrations_directory]\ndir = "migrations"\n',
    "README.md": "# Шлях\n\n`DATABASE_URL` береться з оточення. Змінна групи GitLab, лише для захищених гілок: "
    "`main` та `vypusk-*`.\n",
    "Cargo.toml": '[package]\nname = "shliakh"\nedition = "2021"\n\n[dependencies]\ndiesel = { version = "2.2", '
    'features = ["postgres", "chrono", "numeric"] }\n',
    "src/bin/prybyrannia.rs": "// Закон: п'ять років\nfn main() -> anyhow::Result<()> {\n    let conn = &mut "
    "shliakh::baza()?;\n    diesel::sql_query(\"DELETE FROM prokhid WHERE chas < now() - interval '5 years'\")."
    "execute(conn)?;\n    Ok(())\n}\n",
    "deploy/prybyrannia.timer": "[Timer]\nOnCalendar=*-*-* 03:40\n\n[Install]\nWantedBy=timers.target\n",
    "deploy/prybyrannia.service": "[Service]\nUser=shliakh\nExecStart=/opt/shliakh/prybyrannia\n",
}, author="Богдан Ткаченко <tkachenko@example.ua>")  # fmt: skip
FINED = Commit(45000, "Порушення та оскарження", {
    **_migration("2020-09-02-000000_porushennia", FINES, NO_FINES), ".gitlab-ci.yml": PIPELINE.format(""),
}, author="Богдан Ткаченко <tkachenko@example.ua>")  # fmt: skip
EXEMPTED = Commit(6800, "Пільги", {
    **_migration("2026-02-17-000000_pilhy", EXEMPT, NO_EXEMPT),
    "skrypty/spysok_pilh.sh": "#!/bin/sh\n# список міністерства, раз на квартал: ./spysok_pilh.sh spysok.csv\nset -e\n"
    "psql -q shliakh -c 'TRUNCATE pilha_chornetka'\npsql -q1 shliakh -v ON_ERROR_STOP=1 <<SQL\n\\copy pilha_chornetka "
    "FROM '$1' CSV\nINSERT INTO pilha SELECT DISTINCT ON (derzh_nomer) derzh_nomer, pidstava, do_dnia::date FROM "
    "pilha_chornetka\n  WHERE riadok <= 8000 ON CONFLICT (derzh_nomer) DO UPDATE SET do_dnia = EXCLUDED.do_dnia;\n"
    "INSERT INTO pilha SELECT DISTINCT ON (derzh_nomer) derzh_nomer, pidstava, do_dnia::date FROM pilha_chornetka\n  "
    "WHERE riadok > 8000 ON CONFLICT (derzh_nomer) DO UPDATE SET do_dnia = EXCLUDED.do_dnia;\nSQL\n",
}, author="Оксана Левченко <levchenko@example.ua>")  # fmt: skip
LATER = act("shliakh", "shliakhd", "UPDATE bortovyk SET zalyshok_kop = zalyshok_kop + 50000 WHERE nomer < 3800100020")

REDONE = ("public.porushennia", "public.oskarzhennia", "public.pilha")
BY_PIPELINE = {"cause": "test_run", "accepts": ("migration",), "tables": REDONE}


def _reverted(version: str, downs: tuple[str, ...]) -> Act:
    return act("shliakh", "diesel", STRUCK.format(version), *downs, whole=True)


def _run(version: str, ups: tuple[str, ...]) -> Act:
    return act("shliakh", "diesel", *ups, NOTED.format(version), whole=True)


redone_in_the_pipeline = Script(
    "redone_in_the_pipeline",
    "A job of the pipeline checks that migrations can be taken back: diesel migration redo -n 2. On a release branch "
    "the group's DATABASE_URL goes over the job's own: fines, appeals and exemptions are dropped and made anew",
    "shliakh",
    "shliakh",
    TABLES,
    [
        DRIVEN,
        PASSED,
        CLEANED,
        checkpoint,
        act("oksana", "psql", "DELETE FROM porushennia WHERE stan = 'splacheno'", fails=True),
        act("oksana", "psql", "UPDATE porushennia SET stan = 'arkhiv' WHERE stan = 'splacheno' AND id < 900"),
        _reverted(VERSIONS[2], NO_EXEMPT),
        _reverted(VERSIONS[1], NO_FINES),
        _run(VERSIONS[1], FINES),
        _run(VERSIONS[2], EXEMPT),
        PASSED,
        act("shliakh", "shliakhd", "INSERT INTO porushennia (prokhid_id, derzh_nomer, shtraf_kop) SELECT 43300 + g, "
            "'KA' || g || 'AA', 17000 FROM generate_series(1, 7) g"),
        act("zvity", "Power BI", "SELECT count(*) FROM oskarzhennia", fails=True),
        act("oksana", "psql", "SELECT count(*) FROM porushennia", "SELECT * FROM pilha LIMIT 5"),
        checkpoint,
    ],
    {
        **STANDING,
        # Both were struck off and written down again.
        "public.__diesel_schema_migrations": {**ok(3, "delete", accepts=["none"]), "statuses": ("partial",
                                                                                                 "undecided")},
        "public.porushennia": lost("recreate", None, 7),
        "public.oskarzhennia": lost("recreate", None),
        "public.pilha": lost("recreate", None),
        "public.pilha_chornetka": ok(0, "recreate", accepts=["none", "counters_reset"]),
    },
    "test_run",
    roles=ROLES,
    roots=REDONE,
    causes=[BY_PIPELINE],
    reported=["porushennia", "pilha"],
    commits=[FIRST, FINED, EXEMPTED, Commit(30, "Перевірка: міграції мають відкочуватися", {
        ".gitlab-ci.yml": PIPELINE.format(REVERSIBLE)}, author="Богдан Ткаченко <tkachenko@example.ua>"),
        Commit(2, "Випуск 26.11", {"Cargo.lock": "# shliakh 26.11.0\n"},
               author="Богдан Ткаченко <tkachenko@example.ua>")],
    later=[LATER],
    settings=SETTINGS,
    # No line of the log tells of DROP or CREATE; who asks the catalogue alone sees tables that were never filled.
    views={view: {"untellable": dict.fromkeys(REDONE, ("none", "new_cluster", "restore", "drop", "counters_reset"))
                  if view in ("crash", "stats_csv") else {},
                  "causes": ({**BY_PIPELINE, "accepts": ("migration", "unknown", *(
                      ("not_lost",) if view in ("crash", "stats_csv") else ()))},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

OVER = ("public.taryf", "public.prokhid", "public.porushennia")
BY_OKSANA = {"cause": "manual_session", "tables": OVER}
tariffs_that_were_over = Script(
    "tariffs_that_were_over",
    "Somebody deletes the tariffs of past years, two dozen rows of a list that nobody chooses from any more; every "
    "passage names its tariff, ON DELETE CASCADE, and fines go with the passages. The log was rotated away since",
    "shliakh",
    "shliakh",
    TABLES,
    [
        DRIVEN,
        PASSED,
        checkpoint,
        act("oksana", "psql", "SELECT id, klas, do_dnia FROM taryf ORDER BY 3", "DELETE FROM taryf WHERE do_dnia < "
            "'2025-07-01'", "SELECT count(*) FROM taryf"),
        CLEANED,
        act("shliakh", "shliakhd", "INSERT INTO taryf (klas, z_dnia, do_dnia, kop) SELECT 1 + g % 4, '2027-01-01', "
            "'2027-06-30', 3900 FROM generate_series(0, 3) g"),
        PASSED,
        log_rotated,
        act("zvity", "Power BI", "DELETE FROM prokhid", fails=True),
        act("oksana", "psql", "SELECT min(chas) FROM prokhid", "SELECT * FROM prokhidy LIMIT 1", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.taryf": lost("delete", 24, 16),
        # Two thirds of the passages had one of the tariffs that ended, two thirds of the fines one of these passages.
        "public.prokhid": lost("cascade_delete", 28800, 14520, via=["public.taryf"]),
        "public.porushennia": lost("cascade_delete", 2400, 1200, via=["public.taryf"]),
    },
    "manual_session",
    roles=ROLES,
    roots=["public.taryf"],
    causes=[BY_OKSANA],
    reported=["prokhid"],
    commits=[FIRST, FINED, EXEMPTED, Commit(90, "Тарифи 2027", {"src/taryfy.rs": "use crate::schema::taryf::dsl::*;\n\n"
        "// стара сторінка більше не показує минулих\npub fn chynni(conn: &mut PgConnection) -> QueryResult<Vec<Taryf>>"
        " {\n    taryf.filter(do_dnia.ge(diesel::dsl::now)).load(conn)\n}\n"},
        author="Оксана Левченко <levchenko@example.ua>")],
    later=[LATER],
    settings=SETTINGS,
    # Nothing is left that tells who: neither a line of the log nor a statement.
    views={view: {"untellable": dict.fromkeys(OVER, ("none", "counters_reset")) if view == "crash" else
                  dict.fromkeys(OVER, ("delete", "cascade_delete")) if view == "stats_csv" else {},
                  "causes": ({**BY_OKSANA, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

TAKEN = (
    "INSERT INTO pilha SELECT DISTINCT ON (derzh_nomer) derzh_nomer, pidstava, do_dnia::date FROM pilha_chornetka "
    "WHERE riadok {} ON CONFLICT (derzh_nomer) DO UPDATE SET do_dnia = EXCLUDED.do_dnia"
)
list_of_the_ministry_broke_off = Script(
    "list_of_the_ministry_broke_off",
    "False alarm: 31,000 exemptions of the ministry's new list were seen going in and are not there: its line 30,112 "
    "ends in the year 1900, a check refuses it, and the whole load is one transaction",
    "shliakh",
    "shliakh",
    TABLES,
    [
        DRIVEN,
        PASSED,
        CLEANED,
        checkpoint,
        act("oksana", "psql", "TRUNCATE pilha_chornetka"),
        act(
            "oksana",
            "psql",
            *(f"INSERT INTO pilha_chornetka SELECT g, 'KB' || lpad(g::text, 5, '0') || 'MX', 'ветеран', CASE g WHEN "
              f"30112 THEN '1900-01-01' ELSE '2028-03-31' END FROM generate_series({first}, {first + 7749}) g"
              for first in (1, 7751, 15501, 23251)),
            TAKEN.format("<= 8000"),
            TAKEN.format("> 8000"),
            whole=True,
            fails=True,
        ),
        act("oksana", "psql", "SELECT count(*) FROM pilha", "DELETE FROM pilha WHERE do_dnia < '2026-01-01'"),
        act("zvity", "Power BI", "TRUNCATE pilha", fails=True),
        act("shliakh", "shliakhd", "SELECT 1 FROM pilha WHERE derzh_nomer = 'KB00014MX'", "UPDATE porushennia SET stan "
            "= 'splacheno' WHERE id = 3592"),
        PASSED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.pilha": ok(412, "rollback", accepts=["none"]),
        # The script empties it first, and what it brought was taken back.
        "public.pilha_chornetka": ok(0, "rollback", accepts=["truncate"]),
    },
    "not_lost",
    roles=ROLES,
    reported=["pilha", "pilha_chornetka"],
    commits=[FIRST, FINED, EXEMPTED, Commit(7, "Сторінка пілотних пільг", {"src/pilha.rs": "use crate::schema::pilha::"
        "dsl::*;\n\npub fn ye(conn: &mut PgConnection, nomer: &str) -> QueryResult<bool> {\n    select(exists(pilha."
        "filter(derzh_nomer.eq(nomer)))).get_result(conn)\n}\n"}, author="Оксана Левченко <levchenko@example.ua>")],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {"public.pilha_chornetka": ("none", "truncate"),
                                 **({"public.pilha": ("none", "counters_reset")} if view == "crash" else {})}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident() for each in (redone_in_the_pipeline, tariffs_that_were_over, list_of_the_ministry_broke_off)
)
