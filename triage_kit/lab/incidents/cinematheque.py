"""A film archive in Danish, on Clojure and Migratus: a time-out, a table that was no copy, October, loans, an index."""

from __future__ import annotations

from psycopg import sql

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

MIGRATIONS = (
    "CREATE TABLE filmarkiv.schema_migrations (id bigint PRIMARY KEY, applied timestamp DEFAULT now(), description "
    "text)"
)
APPLIED = (
    "INSERT INTO filmarkiv.schema_migrations (id, description) VALUES (20230901120000, 'film'), (20240115090000, "
    "'udlaan')"
)
REELS = (
    "CREATE TABLE filmarkiv.film (id int PRIMARY KEY, titel text NOT NULL, år smallint)",
    "CREATE TABLE filmarkiv.rulle (id int PRIMARY KEY, film int NOT NULL REFERENCES filmarkiv.film, meter int)",
    "CREATE TABLE filmarkiv.rulle_gammel (id int PRIMARY KEY, film int NOT NULL REFERENCES filmarkiv.film, boks text)",
    "CREATE TABLE filmarkiv.tilstand (id bigserial PRIMARY KEY, rulle int NOT NULL REFERENCES filmarkiv.rulle, dato "
    "date NOT NULL, eddike smallint)",
    "CREATE TABLE filmarkiv.scanning (id serial PRIMARY KEY, rulle int NOT NULL REFERENCES filmarkiv.rulle, fil text "
    "NOT NULL)",
)
LOANS = (
    'CREATE TABLE "udlån"."lån" (id int PRIMARY KEY, rulle int NOT NULL, ud date NOT NULL, hjem date)',
    'CREATE TABLE "udlån".rykker (id serial PRIMARY KEY, "lån" int NOT NULL REFERENCES "udlån"."lån" ON DELETE CASCADE'
    ", sendt date NOT NULL)",
)
TABLES = ("CREATE SCHEMA filmarkiv", 'CREATE SCHEMA "udlån"', MIGRATIONS, APPLIED, *REELS, *LOANS)
# Films lent before the end of 2021 are on deposit, every fifth; all others have come home.
LENT = (
    'INSERT INTO "udlån"."lån" SELECT g, 1 + g % 820, date \'2018-01-01\' + 3 * g, CASE WHEN g % 5 > 0 THEN date '
    "'2018-01-31' + 3 * g END FROM generate_series(1, 900) g WHERE g % 5 = 0 OR g > 475"
)
SHELVED = act(
    "arkiv",
    "filmarkiv.core",
    "INSERT INTO filmarkiv.film SELECT g, 'Film ' || g, 1910 + g % 110 FROM generate_series(1, 405) g",
    "INSERT INTO filmarkiv.rulle SELECT g, 1 + g % 405, 300 FROM generate_series(1, 820) g",
    "INSERT INTO filmarkiv.rulle_gammel SELECT g, 1 + g % 90, 'N' || g % 40 FROM generate_series(1, 266) g",
    "INSERT INTO filmarkiv.tilstand (rulle, dato, eddike) SELECT 1 + g % 820, date '2024-01-01' + g % 900, g % 4 FROM "
    "generate_series(1, 2050) g",
    "INSERT INTO filmarkiv.scanning (rulle, fil) SELECT 1 + g % 820, 'dpx/' || g FROM generate_series(1, 1640) g",
    LENT,
    'INSERT INTO "udlån".rykker ("lån", sendt) SELECT 5 * (1 + g % 180), date \'2026-01-10\' + g FROM '
    "generate_series(1, 360) g",
)
SEEN = act(
    "arkiv",
    "filmarkiv.core",
    "INSERT INTO filmarkiv.tilstand (rulle, dato, eddike) VALUES (7, '2026-11-24', 1)",
)
STANDING = {
    "filmarkiv.schema_migrations": ok(2),
    "filmarkiv.film": ok(405),
    "filmarkiv.rulle": ok(820),
    "filmarkiv.rulle_gammel": ok(266),
    "filmarkiv.tilstand": ok(2051),
    "filmarkiv.scanning": ok(1640),
    "udlån.lån": ok(520),
    "udlån.rykker": ok(360),
}
SCOPE = ("filmarkiv", "udlån")
ROLES = {"kbruun": "arkiv", "drift": "arkiv", "laeser": ""}
SETTINGS = {"log_line_prefix": "%m %c %v/%x %u/%d/%a/%r ", "log_timezone": "Europe/Copenhagen"}
MIGRATION = "resources/migrations/{}.up.sql"
FIRST = Commit(20000, "Film og ruller", {MIGRATION.format("20230901120000-film"): "\n--;;\n".join(REELS) + "\n",
    MIGRATION.format("20240115090000-udlaan"): "\n--;;\n".join(LOANS) + "\n",
    "src/filmarkiv/core.clj": "(ns filmarkiv.core\n  (:require [next.jdbc :as jdbc] [migratus.core :as migratus]))\n\n"
    "(defn start [config]\n  (migratus/migrate (:migratus config))\n  (jdbc/get-datasource (:db config)))\n",
})  # fmt: skip
LATER = act("arkiv", "filmarkiv.core", "INSERT INTO filmarkiv.tilstand (rulle, dato) VALUES (8, '2026-11-27')")
COLUMN = "ALTER TABLE filmarkiv.rulle ADD COLUMN hylde text"
MIGRATED = act("arkiv", "filmarkiv.core", COLUMN, "INSERT INTO filmarkiv.schema_migrations (id, description) VALUES "
               "(20261126080000, 'hylde')", whole=True)  # fmt: skip
SHELF = Commit(3, "Hyldenummer", {MIGRATION.format("20261126080000-hylde"): COLUMN + "\n"})

CHECK = (
    "SELECT count(*) FROM filmarkiv.tilstand a, filmarkiv.tilstand b, filmarkiv.scanning s WHERE a.dato > b.dato AND "
    "s.rulle >= a.rulle"
)


def _scans_timed_out(stage: Stage) -> None:
    """A lot of scans goes in with a check at its end; the check takes too long, and nothing is committed."""
    with base.session(stage.server, stage.database, "arkiv", "scan-import", autocommit=False) as connection:
        for first, last in ((1, 500), (501, 1000), (1001, 1180)):
            connection.execute(sql.SQL(
                "INSERT INTO filmarkiv.scanning (rulle, fil) SELECT 1 + g % 820, 'lto9/' || g FROM "
                f"generate_series({first}, {last}) g"
            ))  # fmt: skip
        connection.execute("SET LOCAL statement_timeout = '300ms'")
        base.attempt(lambda: connection.execute(sql.SQL(CHECK)))


scans_never_committed = Script(
    "scans_never_committed",
    "False alarm: 1,180 scans were seen going in; the check at their end ran into statement_timeout, and none stayed",
    "film",
    "arkiv",
    TABLES,
    [
        SHELVED,
        SEEN,
        MIGRATED,
        checkpoint,
        _scans_timed_out,
        act("kbruun", "psql", "DELETE FROM filmarkiv.scanning WHERE fil = 'lto9/'"),
        act("laeser", "psql", "DELETE FROM filmarkiv.scanning WHERE rulle = 9", fails=True),
        act("arkiv", "filmarkiv.core", "SELECT count(*) FROM filmarkiv.scanning WHERE fil LIKE 'lto9/%'"),
        checkpoint,
    ],
    {**STANDING, "filmarkiv.schema_migrations": ok(3), "filmarkiv.scanning": ok(1640, "rollback")},
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    reported=["filmarkiv.scanning"],
    commits=[FIRST, SHELF],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

nitrate_taken_for_a_copy = Script(
    "nitrate_taken_for_a_copy",
    "Somebody tidies up in psql: rulle_gammel was taken for an old copy of rulle, and held the reels of nitrate",
    "film",
    "arkiv",
    TABLES,
    [
        SHELVED,
        SEEN,
        act("kbruun", "psql", "CREATE TABLE filmarkiv.rulle_kopi AS SELECT * FROM filmarkiv.rulle"),
        MIGRATED,
        checkpoint,
        act("kbruun", "psql", "SELECT count(*) FROM filmarkiv.rulle_gammel", "DROP TABLE filmarkiv.rulle_kopi, "
            "filmarkiv.rulle_gammel"),
        act("arkiv", "filmarkiv.core", "SELECT boks FROM filmarkiv.rulle_gammel WHERE film = 14", fails=True),
        act("arkiv", "filmarkiv.core", "DELETE FROM filmarkiv.rulle WHERE id = 40", fails=True),
        SEEN,
        checkpoint,
    ],
    {
        **STANDING,
        "filmarkiv.schema_migrations": ok(3),
        "filmarkiv.tilstand": ok(2052),
        "filmarkiv.rulle_gammel": lost("drop", None, None, status="missing"),
    },
    "manual_session",
    scope=SCOPE,
    roles=ROLES,
    roots=["filmarkiv.rulle_gammel"],
    causes=[{"cause": "manual_session", "tables": ("filmarkiv.rulle_gammel",)}],
    reported=["filmarkiv.rulle_gammel"],
    commits=[FIRST, SHELF],
    later=[LATER],
    settings=SETTINGS,
    # The log has the error of who misses the table, and no line of who dropped it.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

OCTOBER: deeds.Dump = {
    "COPY filmarkiv.schema_migrations (id, description) FROM stdin":
        [(20230901120000, "film"), (20240115090000, "udlaan")],
    "COPY filmarkiv.film (id, titel, år) FROM stdin": [(n, f"Film {n}", 1910 + n % 110) for n in range(1, 399)],
    "COPY filmarkiv.rulle (id, film, meter) FROM stdin": [(n, 1 + n % 398, 300) for n in range(1, 801)],
    "COPY filmarkiv.rulle_gammel (id, film, boks) FROM stdin":
        [(n, 1 + n % 90, f"N{n % 40}") for n in range(1, 261)],
    "COPY filmarkiv.tilstand (id, rulle, dato, eddike) FROM stdin":
        [(n, 1 + n % 800, "2026-03-01", n % 4) for n in range(1, 1951)],
    "COPY filmarkiv.scanning (id, rulle, fil) FROM stdin": [(n, 1 + n % 800, f"dpx/{n}") for n in range(1, 1501)],
    'COPY "udlån"."lån" (id, rulle, ud, hjem) FROM stdin': [(n, n, "2022-02-01", None) for n in range(1, 511)],
    'COPY "udlån".rykker (id, "lån", sendt) FROM stdin': [(n, n, "2026-02-10") for n in range(1, 341)],
}  # fmt: skip
COUNTED = tuple(
    f"SELECT pg_catalog.setval('{name}_id_seq', {last}, true)"
    for name, last in (("filmarkiv.tilstand", 1950), ("filmarkiv.scanning", 1500), ('"udlån".rykker', 340))
)
BACKED_UP = {
    "film": 398, "rulle": 800, "rulle_gammel": 260, "tilstand": 1950, "scanning": 1500, "lån": 510, "rykker": 340
}  # fmt: skip


def _october_renamed_in(stage: Stage) -> None:
    """The dump is put into a database of its own, which then takes the name of the one in use."""
    with base.session(stage.server, "postgres", "postgres", "psql") as connection:
        connection.execute("CREATE DATABASE film_ny OWNER arkiv")
    made = [each for each in TABLES if each != APPLIED]
    deeds.copied(Stage(stage.server, "film_ny", stage.folder), "arkiv", "pg_restore", made, OCTOBER, COUNTED)
    with base.session(stage.server, "postgres", "postgres", "psql") as connection:
        with base.session(stage.server, "film", "arkiv", "filmarkiv.core"):
            base.attempt(lambda: connection.execute("ALTER DATABASE film RENAME TO film_gl"))
        connection.execute("ALTER DATABASE film RENAME TO film_gl")
        connection.execute("ALTER DATABASE film_ny RENAME TO film")


BACK = tuple(name for name in STANDING if name != "filmarkiv.schema_migrations")
october_under_the_same_name = Script(
    "october_under_the_same_name",
    "A backup of October, restored beside the database, is renamed in its place; it was meant for the test server",
    "film",
    "arkiv",
    TABLES,
    [
        SHELVED,
        SEEN,
        checkpoint,
        act("kbruun", "psql", "DELETE FROM filmarkiv.scanninger", fails=True),
        _october_renamed_in,
        act("arkiv", "filmarkiv.core", "SELECT fil FROM filmarkiv.scanning WHERE id = 1600",
            "INSERT INTO filmarkiv.film VALUES (399, 'Ny film', 2026)"),
        act("arkiv", "filmarkiv.core", "INSERT INTO filmarkiv.rulle VALUES (820, 402, 120)", fails=True),
        checkpoint,
    ],
    {
        "filmarkiv.schema_migrations": {**ok(2, "restore", accepts=["none", "recreate"]),
                                        "statuses": ("partial", "wiped", "undecided")},
        **{name: lost("restore", None, BACKED_UP[name.split(".")[1]] + (name == "filmarkiv.film")) for name in BACK},
    },
    "restore",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "restore", "tables": BACK}],
    reported=["filmarkiv.scanning", "udlån.lån"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    # A younger database of the same name: that an older one stands beside it proves nothing of what was in use.
    views={view: {"untellable": dict.fromkeys(STANDING, ("recreate", "none"))} for view in BLIND},
    holdout=True,
)  # fmt: skip

TIDIED = """CREATE PROCEDURE "udlån".ryd_op(før date) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM "udlån"."lån" WHERE coalesce(hjem, ud) < før;
END $$"""
BY_JOB = {"cause": "scheduled_job", "tables": ("udlån.lån", "udlån.rykker")}
BY_HAND = {"cause": "manual_session", "tables": ("filmarkiv.scanning",)}
deposits_tidied_away = Script(
    "deposits_tidied_away",
    "The procedure of a timer takes loans without a return for ended ones; and somebody deletes scans by hand that day",
    "film",
    "arkiv",
    (*TABLES, TIDIED),
    [
        SHELVED,
        SEEN,
        checkpoint,
        act("drift", "udlaan-oprydning", "CALL \"udlån\".ryd_op('2021-11-26')"),
        checkpoint,
        act("kbruun", "psql", "SELECT count(*) FROM filmarkiv.scanning WHERE rulle > 700",
            "DELETE FROM filmarkiv.scanning WHERE rulle > 700"),
        act("laeser", "psql", 'DELETE FROM "udlån"."lån" WHERE id = 5', fails=True),
        act("arkiv", "filmarkiv.core", "INSERT INTO \"udlån\".rykker (\"lån\", sendt) VALUES (95, '2026-11-26')",
            fails=True),
        act("arkiv", "filmarkiv.core", "INSERT INTO \"udlån\".rykker (\"lån\", sendt) VALUES (900, '2026-11-26')"),
        checkpoint,
    ],
    {
        **STANDING,
        # Loans 5 to 470 were never returned and began before the limit, every fifth; two reminders are of each.
        "udlån.lån": lost("delete", 94, 426),
        "udlån.rykker": lost("cascade_delete", 188, 173, via=["udlån.lån"]),
        # Two scans are of each reel.
        "filmarkiv.scanning": lost("delete", 240, 1400),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["udlån.lån", "filmarkiv.scanning"],
    causes=[BY_JOB, BY_HAND],
    reported=["udlån.lån", "filmarkiv.scanning"],
    commits=[FIRST, Commit(30, "Oprydning hver nat", {MIGRATION.format("20261125090000-ryd-op"): TIDIED + "\n",
        "ops/udlaan-oprydning.service": "[Service]\nType=oneshot\nUser=drift\nExecStart=/usr/bin/psql -d film -c "
        "\"CALL \\\"udlån\\\".ryd_op((now() - interval '5 years')::date)\"\n",
        "ops/udlaan-oprydning.timer": "[Timer]\nOnCalendar=*-*-* 03:30\n[Install]\nWantedBy=timers.target\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"causes": (BY_JOB, {**BY_HAND, "accepts": ("unknown",)})} for view in BLIND},
    holdout=True,
)  # fmt: skip

INDEX = (
    "CREATE TABLE filmarkiv.index_ny AS SELECT f.id, lower(f.titel) AS ord, count(r.id) AS ruller FROM "
    "filmarkiv.film f LEFT JOIN filmarkiv.rulle r ON r.film = f.id GROUP BY f.id",
    "DROP TABLE IF EXISTS filmarkiv.index",
    "ALTER TABLE filmarkiv.index_ny RENAME TO index",
    "GRANT SELECT ON filmarkiv.index TO arkiv",
)
INDEXED = act("drift", "index-natlig", *INDEX, whole=True)
index_made_every_night = Script(
    "index_made_every_night",
    "False alarm: the index of the search is made anew every night and swapped in; monitoring saw its counters fall",
    "film",
    "arkiv",
    TABLES,
    [
        SHELVED,
        INDEXED,
        SEEN,
        checkpoint,
        INDEXED,
        act("arkiv", "filmarkiv.core", "SELECT ord FROM filmarkiv.index WHERE id = 14",
            "UPDATE filmarkiv.tilstand SET eddike = eddike + 1 WHERE dato < '2024-06-01'"),
        act("kbruun", "psql", "TRUNCATE filmarkiv.tilstand", undone=True),
        act("laeser", "psql", "DROP TABLE filmarkiv.index", fails=True),
        INDEXED,
        checkpoint,
    ],
    {
        **STANDING,
        "filmarkiv.tilstand": ok(2051, accepts=["update"]),
        "filmarkiv.index": ok(405, "recreate", accepts=["none"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["filmarkiv.index"],
    commits=[FIRST, Commit(800, "Søgeindeks", {"ops/index.sql": "BEGIN;\n" + ";\n".join(INDEX) + ";\nCOMMIT;\n",
        "ops/crontab": "0 1 * * * drift psql -d film -f /srv/ops/index.sql\n"})],
    later=[LATER],
    settings=SETTINGS,
    # The repository shows a swap that fills; what the table held before, neither counters nor catalogue know.
    views={view: {"untellable": {"filmarkiv.index": ("none", "restore")},
                  "tables": {"filmarkiv.index": {**ok(405, "recreate", accepts=["none", "restore"]),
                                                 "statuses": ("undecided",)}}} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        scans_never_committed, nitrate_taken_for_a_copy, october_under_the_same_name, deposits_tidied_away,
        index_made_every_night,
    )
)  # fmt: skip
