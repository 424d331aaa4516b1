"""A hydrological service on Rust and sqlx: a month sorted as text, a crash, an old dump, a schema, a deferred key."""

from __future__ import annotations

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, crash, lost, ok

NETWORK = (
    "CREATE TABLE pegel.catchment (code text PRIMARY KEY, river text NOT NULL)",
    "CREATE TABLE pegel.station (no int PRIMARY KEY, catchment text NOT NULL, zero_m numeric(8, 3))",
)
MONTHS = [(8, 9), (9, 10), (10, 11), (11, 12)]
TABLES = (
    "CREATE SCHEMA pegel",
    "CREATE SCHEMA qa",
    "CREATE TABLE pegel._sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, success boolean)",
    "INSERT INTO pegel._sqlx_migrations VALUES (20250502110000, 'network', true), (20250901080000, 'qa', true)",
    *NETWORK,
    "CREATE TABLE pegel.reading (station int NOT NULL, at timestamptz NOT NULL, cm real) PARTITION BY RANGE (at)",
    *[f"CREATE TABLE pegel.reading_2026_{month} PARTITION OF pegel.reading FOR VALUES FROM ('2026-{month:02}-01 "
      f"00:00+00') TO ('2026-{following:02}-01 00:00+00')" for month, following in MONTHS],
    "CREATE TABLE pegel.threshold (station int, level smallint, cm int NOT NULL, note text, PRIMARY KEY (station, "
    "level))",
    "CREATE UNLOGGED TABLE pegel.live (station int PRIMARY KEY, cm real, at timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE pegel.curve (id int PRIMARY KEY, station int NOT NULL REFERENCES pegel.station DEFERRABLE INITIALLY "
    "DEFERRED, q real)",
    "CREATE TABLE qa.flag (station int NOT NULL, at timestamptz NOT NULL, code char(2), PRIMARY KEY (station, at))",
    'CREATE TABLE qa."Review" ("Id" bigserial PRIMARY KEY, "Station" int, "By" text NOT NULL)',
)  # fmt: skip
NETTED = act(
    "pegel_svc",
    "network-sync",
    "INSERT INTO pegel.catchment SELECT 'EZG' || g, 'Fluss ' || g % 6 FROM generate_series(1, 34) g",
    "INSERT INTO pegel.station SELECT g, 'EZG' || 1 + g % 34, 100 + g FROM generate_series(1, 210) g",
)
MEASURED = act(
    "pegel_svc",
    "ingestd",
    "INSERT INTO pegel.reading SELECT 1 + g % 210, timestamptz '2026-08-01 00:00+00' + g * interval '14 min', g % 400 "
    "FROM generate_series(0, 11999) g",
    "INSERT INTO pegel.threshold SELECT 1 + (g - 1) / 3, (g - 1) % 3, 100 + g FROM generate_series(1, 540) g",
    "INSERT INTO pegel.live SELECT g, g % 300 FROM generate_series(1, 210) g",
    "INSERT INTO pegel.curve SELECT g, 1 + g % 210, g FROM generate_series(1, 1260) g",
    "INSERT INTO qa.flag SELECT g % 210, timestamptz '2026-09-01 00:00+00' + g * interval '1 hour', 'S1' FROM "
    "generate_series(1, 770) g",
    'INSERT INTO qa."Review" ("Station", "By") SELECT g % 210, \'mk\' FROM generate_series(1, 95) g',
)
ARRIVED = act(
    "pegel_svc",
    "ingestd",
    "INSERT INTO pegel.reading VALUES (7, '2026-11-26 06:00+00', 181), (9, '2026-11-26 06:00+00', 77)",
)
# From the first of August a reading every fourteen minutes: 12,000 of them end on the 25th of November.
HELD = {8: 3189, 9: 3086, 10: 3188, 11: 2537}
STANDING = {
    "pegel._sqlx_migrations": ok(2),
    "pegel.catchment": ok(34),
    "pegel.station": ok(210),
    **{f"pegel.reading_2026_{month}": ok(rows + (2 if month == 11 else 0)) for month, rows in HELD.items()},
    "pegel.reading": ok(12002),
    "pegel.threshold": ok(540),
    "pegel.live": ok(210),
    "pegel.curve": ok(1260),
    "qa.flag": ok(770),
    "qa.Review": ok(95),
}
SCOPE = ("pegel", "qa")
SETTINGS = {"log_line_prefix": "%t [%p-%l] %u@%d/%a ", "log_timezone": "Europe/Vienna"}
FIRST = Commit(8000, "Network", {"migrations/20250502110000_network.sql": ";\n".join(TABLES[4:6]) + ";\n",
                                 "migrations/20250901080000_qa.sql": ";\n".join(TABLES[-2:]) + ";\n"})  # fmt: skip
LATER = act("pegel_svc", "ingestd", "INSERT INTO pegel.reading VALUES (8, '2026-11-26 18:00+00', 99)")
CRASHED = {
    "tables": {"pegel.live": lost("unlogged_reset", None)},
    "causes": ({"cause": "crash", "tables": ("pegel.live",)},),
}


def _crashed(*causes: dict) -> dict:
    """After a crash the live gauges are empty, whatever else befell."""
    return {**CRASHED, "causes": (*causes, *CRASHED["causes"])}


OLDEST = """DO $$
DECLARE oldest regclass;
BEGIN
  SELECT inhrelid::regclass INTO oldest FROM pg_inherits WHERE inhparent = 'pegel.reading'::regclass
    ORDER BY inhrelid::regclass::text LIMIT 1;
  EXECUTE 'DROP TABLE ' || oldest;
END $$"""
DROPPED = {"cause": "scheduled_job", "tables": ("pegel.reading_2026_10", "pegel.reading")}
month_sorted_as_text = Script(
    "month_sorted_as_text",
    "The monthly job drops the oldest partition by name; sorted as text, the tenth month comes before the eighth",
    "hydro",
    "pegel_svc",
    TABLES,
    [
        NETTED,
        MEASURED,
        ARRIVED,
        checkpoint,
        act("rotator", "partition-rotate", OLDEST),
        act("pegel_svc", "pegel-api", "SELECT max(cm) FROM pegel.reading WHERE at < '2026-11-01 00:00+00'"),
        act("mkern", "psql", "DROP TABLE pegel.reading_2026_08", fails=True),
        act("mkern", "psql", "DELETE FROM pegel.reading WHERE cm > 398", undone=True),
        checkpoint,
    ],
    {
        **STANDING,
        "pegel.reading": lost("partition_drop", None, 12002 - HELD[10], accepts=["drop"]),
        "pegel.reading_2026_10": lost("partition_drop", None, None, status="missing", accepts=["drop"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles={"rotator": "pegel_svc", "mkern": "pegel_svc"},
    roots=["pegel.reading_2026_10"],
    causes=[DROPPED],
    reported=["pegel.reading"],
    commits=[FIRST, Commit(1400, "Keep four months", {"ops/partition-rotate.sql": OLDEST + ";\n",
        "ops/partition-rotate.timer": "[Timer]\nOnCalendar=*-*-26 05:00\n[Install]\nWantedBy=timers.target\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "ddl"},
    views={"crash": _crashed(DROPPED)},
    holdout=True,
)  # fmt: skip

live_gauges_after_the_kill = Script(
    "live_gauges_after_the_kill",
    "The kernel kills the server: the unlogged live gauges are empty, and the service has written thirty again",
    "hydro",
    "pegel_svc",
    TABLES,
    [
        NETTED,
        MEASURED,
        ARRIVED,
        act("pegel_svc", "ingestd", "DELETE FROM pegel.live WHERE at < now() - interval '1 day'"),
        act("mkern", "psql", "TRUNCATE pegel.live", undone=True),
        checkpoint,
        crash,
        act("pegel_svc", "ingestd", "INSERT INTO pegel.live SELECT g, 50 FROM generate_series(1, 30) g"),
        act("mkern", "psql", "DELETE FROM pegel.live WHERE cm IS NULL"),
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "pegel.live": lost("unlogged_reset", None, 30),
    },
    "crash",
    scope=SCOPE,
    roles={"mkern": "pegel_svc"},
    roots=["pegel.live"],
    reported=["pegel.live"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": CRASHED},
    holdout=True,
)

SPRING: deeds.Dump = {
    "COPY pegel.station (no, catchment, zero_m) FROM stdin": [(g, f"EZG{1 + g % 34}", 100 + g) for g in range(1, 171)],
    "COPY pegel.threshold (station, level, cm, note) FROM stdin": [(1 + g // 3, g % 3, g, None) for g in range(360)],
}


def _spring_put_back(stage: Stage) -> None:
    """A script of pg_dump --clean for two tables, read by psql."""
    deeds.copied(
        stage, "postgres", "psql",
        ["SELECT pg_catalog.set_config('search_path', '', false)", "ALTER TABLE pegel.curve DROP CONSTRAINT "
         "curve_station_fkey", "DROP TABLE pegel.threshold", "DROP TABLE pegel.station",
         NETWORK[1].replace(" PRIMARY KEY", " NOT NULL"), "ALTER TABLE pegel.station OWNER TO pegel_svc",
         "CREATE TABLE pegel.threshold (station int NOT NULL, level smallint NOT NULL, cm int NOT NULL, note text)",
         "ALTER TABLE pegel.threshold OWNER TO pegel_svc"],
        SPRING,
        ["ALTER TABLE ONLY pegel.station ADD CONSTRAINT station_pkey PRIMARY KEY (no)",
         "ALTER TABLE ONLY pegel.threshold ADD CONSTRAINT threshold_pkey PRIMARY KEY (station, level)"],
    )  # fmt: skip
    with base.session(stage.server, stage.database, "postgres", "psql") as connection:
        base.attempt(
            lambda: connection.execute(
                "ALTER TABLE ONLY pegel.curve ADD CONSTRAINT curve_station_fkey "
                "FOREIGN KEY (station) REFERENCES pegel.station(no) DEFERRABLE"
            )
        )


PUT_BACK = ("pegel.station", "pegel.threshold")
RESTORED = {"cause": "restore", "tables": PUT_BACK}
OR_MADE_ANEW = dict.fromkeys(PUT_BACK, ("recreate",))
thresholds_of_spring = Script(
    "thresholds_of_spring",
    "A dump of spring was to go to the training server: stations and thresholds are those of March",
    "hydro",
    "pegel_svc",
    TABLES,
    [
        NETTED,
        MEASURED,
        ARRIVED,
        checkpoint,
        _spring_put_back,
        act("pegel_svc", "pegel-api", "SELECT cm FROM pegel.threshold WHERE station = 180"),
        act("mkern", "psql", "DELETE FROM pegel.thresholds", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "pegel.station": lost("restore", None, 170),
        "pegel.threshold": lost("restore", None, 360),
    },
    "restore",
    scope=SCOPE,
    roles={"mkern": ""},
    roots=list(PUT_BACK),
    causes=[RESTORED],
    reported=["pegel.threshold"],
    commits=[FIRST],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "ddl"},
    # Without the statements it is a table made anew that was filled at once.
    views={**{view: {"untellable": OR_MADE_ANEW} for view in ("plain", "no_log", "pg_monitor")},
           "stats_csv": {"untellable": dict.fromkeys(PUT_BACK, ("recreate", "none"))},
           "crash": {**_crashed(RESTORED), "untellable": OR_MADE_ANEW}},
    holdout=True,
)  # fmt: skip

CHECKS = ("qa.flag", "qa.Review")
CHECKS_DROPPED = {"cause": "migration", "tables": CHECKS}
quality_schema_dropped = Script(
    "quality_schema_dropped",
    "A migration drops the schema of a plan that was given up; the checks of two years had been put into it as well",
    "hydro",
    "pegel_svc",
    TABLES,
    [
        NETTED,
        MEASURED,
        ARRIVED,
        checkpoint,
        act("pegel_svc", "sqlx migrate", "DROP SCHEMA IF EXISTS qa CASCADE",
            "INSERT INTO pegel._sqlx_migrations VALUES (20261126090000, 'drop qa plan', true)", whole=True),
        act("pegel_svc", "pegel-api", "SELECT code FROM qa.flag WHERE station = 7", fails=True),
        act("mkern", "psql", "ALTER TABLE pegel.curve ADD COLUMN remark text"),
        checkpoint,
    ],
    {
        **{name: told for name, told in STANDING.items() if name not in CHECKS},
        "pegel._sqlx_migrations": ok(3),
        **{name: lost("drop", None, None, status="missing") for name in CHECKS},
    },
    "migration",
    scope=SCOPE,
    roles={"mkern": "pegel_svc"},
    roots=list(CHECKS),
    causes=[CHECKS_DROPPED],
    reported=["qa.flag"],
    commits=[FIRST, Commit(4, "Plan given up", {"migrations/20261126090000_drop_qa_plan.sql": "DROP SCHEMA IF EXISTS "
             "qa CASCADE;\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": _crashed(CHECKS_DROPPED)},
    holdout=True,
)  # fmt: skip


def _curves_refused(stage: Stage) -> None:
    """Every row goes in; the deferred key is asked at COMMIT, and one curve names a station that does not exist."""
    with base.session(stage.server, stage.database, "pegel_svc", "curve-import", autocommit=False) as connection:
        connection.execute("INSERT INTO pegel.curve SELECT 5000 + g, 1 + g % 210, g FROM generate_series(1, 840) g")
        connection.execute("INSERT INTO pegel.curve VALUES (9000, 211, 1)")
        base.attempt(connection.commit)


curves_refused_at_commit = Script(
    "curves_refused_at_commit",
    "False alarm: 841 new curves were seen going in and are not there; a deferred key refused them at COMMIT",
    "hydro",
    "pegel_svc",
    TABLES,
    [
        NETTED,
        MEASURED,
        ARRIVED,
        checkpoint,
        _curves_refused,
        act("mkern", "psql", "DELETE FROM pegel.curve WHERE station > 211"),
        act("pegel_svc", "pegel-api", "SELECT q FROM pegel.curve WHERE id = 5001"),
        checkpoint,
    ],
    {**STANDING, "pegel.curve": ok(1260, "rollback")},
    "not_lost",
    scope=SCOPE,
    roles={"mkern": "pegel_svc"},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    reported=["pegel.curve"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": CRASHED},
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        month_sorted_as_text, live_gauges_after_the_kill, thresholds_of_spring, quality_schema_dropped,
        curves_refused_at_commit,
    )
)  # fmt: skip
