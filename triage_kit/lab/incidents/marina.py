"""A marina on Python, Tortoise and aerich: vessels struck off elsewhere, a power cut, a release and a job, zeros."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, lost, ok

VESSELS = (
    "CREATE TABLE marina.vessel (mmsi bigint PRIMARY KEY, name text NOT NULL, flag char(2) NOT NULL, loa "
    "numeric(5, 2))",
    "CREATE TABLE marina.survey (id uuid PRIMARY KEY, mmsi bigint NOT NULL REFERENCES marina.vessel ON DELETE CASCADE, "
    "done date NOT NULL, passed boolean)",
)
BERTHS = (
    "CREATE TABLE marina.berth (code text PRIMARY KEY, pontoon char(1) NOT NULL, max_loa numeric(5, 2))",
    "CREATE TABLE marina.contract (id serial PRIMARY KEY, berth_code text NOT NULL REFERENCES marina.berth, mmsi bigint"
    " NOT NULL REFERENCES marina.vessel, starts date NOT NULL, ends date)",
    "CREATE TABLE marina.visit (id bigserial PRIMARY KEY, berth_code text NOT NULL REFERENCES marina.berth, mmsi bigint"
    " NOT NULL, arrived timestamptz NOT NULL, departed timestamptz)",
    "CREATE TABLE marina.visit_charge (id bigserial PRIMARY KEY, visit_id bigint NOT NULL REFERENCES marina.visit ON "
    "DELETE CASCADE, item text NOT NULL, cents int NOT NULL)",
    "CREATE INDEX visit_charge_visit_id ON marina.visit_charge (visit_id)",
)
METERS = (
    "CREATE TABLE marina.power_reading (id bigserial PRIMARY KEY, berth_code text NOT NULL, read_at timestamptz "
    "NOT NULL"
    ", kwh numeric(9, 2) NOT NULL)",
    "CREATE TABLE marina.sms_queue (id bigserial PRIMARY KEY, number text NOT NULL, body text)",
)
OLD = (
    "CREATE SCHEMA harbour97",
    "CREATE TABLE harbour97.tide (station int NOT NULL, high_at timestamptz NOT NULL, metres numeric(4, 2), "
    "PRIMARY KEY "
    "(station, high_at))",
    "CREATE TABLE harbour97.logbook (id int PRIMARY KEY, line text NOT NULL)",
)
BOOK = (
    "CREATE TABLE public.aerich (id serial PRIMARY KEY, version varchar(255) NOT NULL, app varchar(100) NOT NULL, "
    "content jsonb)"
)
NOTED = "INSERT INTO public.aerich (version, app, content) VALUES ('{}', 'models', '{{}}')"
TABLES = (
    "CREATE SCHEMA marina",
    BOOK,
    *OLD,
    *VESSELS,
    *BERTHS,
    *METERS,
    NOTED.format("0_20240502101500_init.py"),
    NOTED.format("1_20250311144000_power.py"),
)
WEB = "marina-web"
REGISTERED = (
    "INSERT INTO marina.vessel SELECT 250000000 + g, 'Vessel ' || g, (ARRAY['IE', 'GB', 'FR', 'NL'])[1 + g % 4], 6 + g "
    "% 20 FROM generate_series({}, {}) g"
)
SURVEYED = (
    "INSERT INTO marina.survey SELECT md5(g::text)::uuid, 250000001 + g % 1400, date '2024-01-01' + g % 900, true FROM "
    "generate_series({}, {}) g"
)
LISTED = act("marina", WEB, REGISTERED.format(1, 1400), SURVEYED.format(1, 2100))
MOORED = act(
    "marina",
    WEB,
    "INSERT INTO marina.berth SELECT 'B' || g, chr(65 + g / 60), 8 + g % 12 FROM generate_series(1, 340) g",
    "INSERT INTO marina.contract (berth_code, mmsi, starts, ends) SELECT 'B' || 1 + g % 340, 250000001 + g % 1400, date"
    " '2026-01-01' + g % 90, CASE WHEN g % 3 = 0 THEN date '2026-12-31' END FROM generate_series(1, 520) g",
    "INSERT INTO marina.visit (berth_code, mmsi, arrived, departed) SELECT 'B' || 1 + g % 340, 250000001 + g % 1400, "
    "timestamptz '2023-12-01 12:00+00' + g * interval '345 minutes', CASE WHEN g <= 4350 THEN timestamptz "
    "'2023-12-03 10:00"
    "+00' + g * interval '345 minutes' END FROM generate_series(1, 4500) g",
    "INSERT INTO marina.visit_charge (visit_id, item, cents) SELECT 1 + g % 4500, 'night', 3500 FROM "
    "generate_series(0, 8999) g",
    "INSERT INTO marina.power_reading (berth_code, read_at, kwh) SELECT 'B' || 1 + g % 340, timestamptz '2026-11-01 "
    "00:00+00' + g / 340 * interval '1 hour', g FROM generate_series(0, 16999) g",
    "INSERT INTO harbour97.tide SELECT 1 + g % 4, timestamptz '2026-01-01 05:10+00' + g / 4 * interval '12 hours 25 "
    "minutes', 3.1 FROM generate_series(0, 2799) g",
    "INSERT INTO harbour97.logbook SELECT g, 'Entry ' || g FROM generate_series(1, 6100) g",
)
TEXTED = (
    act("marina", WEB, "INSERT INTO marina.sms_queue (number, body) SELECT '+3538' || g, 'Your berth is ready' FROM "
        "generate_series(1, 75) g"),
    act("scheduler", "apscheduler", "DELETE FROM marina.sms_queue WHERE id IN (SELECT id FROM marina.sms_queue ORDER BY"
        " id LIMIT 1000 FOR UPDATE SKIP LOCKED)"),
)  # fmt: skip
READ = act("marina", "meterd", "INSERT INTO marina.power_reading (berth_code, read_at, kwh) SELECT 'B' || g, "
           "'2026-11-26 10:00+00', 5 FROM generate_series(1, 18) g")  # fmt: skip
STANDING = {
    "public.aerich": ok(2),
    "marina.vessel": ok(1400),
    "marina.survey": ok(2100),
    "marina.berth": ok(340),
    "marina.contract": ok(520),
    "marina.visit": ok(4500),
    "marina.visit_charge": ok(9000),
    "marina.power_reading": ok(17018),
    "marina.sms_queue": ok(0, "delete", accepts=["none"]),
    "harbour97.tide": ok(2800),
    "harbour97.logbook": ok(6100),
}
SCOPE = ("marina", "harbour97", "public")
QUEUE = {"marina.sms_queue": ("none", "rollback")}
ROLES = {"scheduler": "marina", "dwhelan": "marina", "harbourmaster": ""}
SETTINGS = {"log_line_prefix": "%m [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "log_timezone": "Europe/Dublin"}


def _migration(upgrade: tuple[str, ...], downgrade: str = "") -> str:
    return (
        "from tortoise import BaseDBAsyncClient\n\n\nasync def upgrade(db: BaseDBAsyncClient) -> str:\n    return "
        "\"\"\""
        "\n        " + ";\n        ".join(upgrade) + ";\"\"\"\n\n\nasync def downgrade(db: BaseDBAsyncClient) -> str:\n"
        f"    return \"\"\"\n        {downgrade};\"\"\"\n"
    )  # fmt: skip


FIRST = Commit(20000, "Berths, visits, vessels", {
    "migrations/models/0_20240502101500_init.py": _migration((*OLD, *VESSELS, *BERTHS), "DROP SCHEMA marina CASCADE"),
    "migrations/models/1_20250311144000_power.py": _migration(METERS, "DROP TABLE marina.power_reading"),
    "marina/texts.py": "from marina.db import fetch\n\nTAKE = \"\"\"DELETE FROM marina.sms_queue WHERE id IN "
    "(SELECT id "
    "FROM marina.sms_queue ORDER BY id\n    LIMIT 1000 FOR UPDATE SKIP LOCKED) RETURNING number, body\"\"\"\n\n\nasync "
    "def send_texts():\n    for number, body in await fetch(TAKE):\n        await gateway.send(number, body)\n",
    "marina/scheduler.py": "from apscheduler.schedulers.asyncio import AsyncIOScheduler\n\nfrom marina.texts import "
    "send_texts\n\nscheduler = AsyncIOScheduler()\nscheduler.add_job(send_texts, 'interval', minutes=1)\n",
    "pyproject.toml": "[tool.aerich]\ntortoise_orm = \"marina.db.TORTOISE\"\nlocation = \"./migrations\"\n",
})  # fmt: skip
COLUMN = "ALTER TABLE marina.berth ADD COLUMN shore_power boolean NOT NULL DEFAULT true"
MIGRATED = act("marina", "", COLUMN, NOTED.format("2_20261126063000_shore_power.py"), whole=True)
SHORE = Commit(4, "Shore power", {"migrations/models/2_20261126063000_shore_power.py": _migration(
    (COLUMN,), "ALTER TABLE marina.berth DROP COLUMN shore_power")})  # fmt: skip
LATER = act("marina", WEB, "INSERT INTO marina.visit (berth_code, mmsi, arrived) VALUES ('B4', 250000004, now())")


def _struck_off_upstream(stage: Stage) -> None:
    """The authority publishes vessels and surveys; a clerk there strikes off all of one flag, surveys by cascade."""
    deeds.published(
        stage, "marina", ("CREATE SCHEMA marina", *VESSELS), "FOR TABLE marina.vessel, marina.survey",
        [*(REGISTERED.format(first, first + 349) for first in (1, 351, 701, 1051)),
         *(SURVEYED.format(first, first + 699) for first in (1, 701, 1401))],
        ["UPDATE marina.vessel SET name = upper(name) WHERE mmsi <= 250000020",
         "DELETE FROM marina.vessel WHERE flag = 'GB'"],
        "SELECT (SELECT count(*) FROM marina.vessel) + (SELECT count(*) FROM marina.survey)", (3500, 2625),
    )  # fmt: skip


BY_FEED = {"cause": "replication", "tables": ("marina.vessel", "marina.survey")}
vessels_of_one_flag = Script(
    "vessels_of_one_flag",
    "The port authority strikes off every British vessel on its own server; the subscription deletes them here",
    "marina",
    "marina",
    TABLES,
    [
        # Vessels are the authority's: contracts name them, and no key holds them any more.
        act("dwhelan", "psql", "ALTER TABLE marina.contract DROP CONSTRAINT contract_mmsi_fkey"),
        MOORED,
        *TEXTED,
        READ,
        checkpoint,
        MIGRATED,
        _struck_off_upstream,
        act("marina", WEB, "SELECT c.id FROM marina.contract c LEFT JOIN marina.vessel v USING (mmsi) WHERE v IS NULL"),
        act("dwhelan", "psql", "DELETE FROM marina.vessels WHERE flag = 'XX'", fails=True),
        act("dwhelan", "psql", "DELETE FROM marina.survey WHERE done < '2024-01-01'"),
        act("harbourmaster", "DBeaver 25.2.0 - Main <marina>", "TRUNCATE marina.vessel", fails=True),
        *TEXTED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.aerich": ok(3),
        # Every fourth of 1400, and of 2100 surveys those of them.
        "marina.vessel": lost("delete", 350, 1050),
        "marina.survey": lost("delete", 525, 1575, accepts=["cascade_delete"]),
    },
    "replication",
    scope=SCOPE,
    roles=ROLES,
    roots=["marina.vessel", "marina.survey"],
    causes=[BY_FEED],
    reported=["marina.vessel"],
    commits=[FIRST, SHORE, Commit(6000, "Vessels come from the authority", {"ops/subscribe.sql": "-- once, as superuser"
        "\nALTER TABLE marina.contract DROP CONSTRAINT contract_mmsi_fkey;\nCREATE SUBSCRIPTION central CONNECTION "
        "'service=authority' PUBLICATION central;\n"})],
    later=[LATER],
    settings=SETTINGS,
    # The subscription is in the catalogue; whether it, a person or the service deleted is not.
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(BY_FEED["tables"], ("none", "counters_reset"))
                                             if view == "crash" else {})},
                  "causes": ({**BY_FEED, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

FASTER = "ALTER TABLE marina.power_reading SET UNLOGGED"
CUT = {"cause": "crash", "tables": ("marina.power_reading",)}
readings_when_the_shore_power_failed = Script(
    "readings_when_the_shore_power_failed",
    "Readings were made unlogged to spare the disk; a week later the power failed, and recovery emptied them",
    "marina",
    "marina",
    TABLES,
    [
        LISTED,
        MOORED,
        act("marina", "", FASTER, NOTED.format("2_20261119091000_faster_readings.py"), whole=True),
        *TEXTED,
        READ,
        checkpoint,
        act("dwhelan", "psql", "DELETE FROM marina.power_reading WHERE kwh < 0"),
        act("harbourmaster", "psql", "DELETE FROM marina.power_reading", fails=True),
        crash,
        act("marina", "meterd", "INSERT INTO marina.power_reading (berth_code, read_at, kwh) SELECT 'B' || g, "
            "'2026-11-26 11:00+00', 5 FROM generate_series(1, 12) g"),
        *TEXTED,
        act("dwhelan", "psql", "TRUNCATE marina.power_readings", fails=True),
        act("marina", WEB, "INSERT INTO marina.visit (berth_code, mmsi, arrived) VALUES ('B9', 250000009, now())"),
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset", *told["accepts"])} for name, told in STANDING.items()},
        "public.aerich": ok(3, accepts=["counters_reset"]),
        "marina.visit": ok(4501, accepts=["counters_reset"]),
        "marina.power_reading": lost("unlogged_reset", None, 12),
    },
    "crash",
    scope=SCOPE,
    roles=ROLES,
    roots=["marina.power_reading"],
    causes=[CUT],
    reported=["marina.power_reading"],
    commits=[FIRST, Commit(170, "Readings wear out the disk", {"migrations/models/2_20261119091000_faster_readings.py":
        _migration((FASTER,), "ALTER TABLE marina.power_reading SET LOGGED")}),
        Commit(300, "Readings end after two years", {"marina/readings.py": "from marina.db import "
        "execute\n\n\nasync def"
        " purge_readings():\n    await execute(\"DELETE FROM marina.power_reading WHERE read_at < now() - interval '2 "
        "years'\")\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": {"tables": {"marina.power_reading": lost("unlogged_reset", None)}, "causes": (CUT,)},
           "stats_csv": {"untellable": {"marina.power_reading": ("none", "counters_reset", "truncate", "recreate"),
                                        **QUEUE}}},
    holdout=True,
)  # fmt: skip

SWEPT = "DROP SCHEMA harbour97 CASCADE"
STILL_HERE = "DELETE FROM marina.visit WHERE departed < '2023-11-26' OR departed IS NULL"
BY_RELEASE = {"cause": "migration", "tables": ("harbour97.tide", "harbour97.logbook")}
BY_PURGE = {"cause": "scheduled_job", "tables": ("marina.visit", "marina.visit_charge")}
PURGE = (
    'from marina.db import execute\n\n\nasync def purge_visits():\n    await execute(\n        "DELETE FROM '
    "marina.visit WHERE departed < now() - interval '3 years'{}\")\n"
)
old_harbour_dropped_and_guests_purged = Script(
    "old_harbour_dropped_and_guests_purged",
    "A migration drops the old system's schema, whose tides are still read; the purge of visits takes those who are "
    "still here",
    "marina",
    "marina",
    TABLES,
    [
        LISTED,
        MOORED,
        *TEXTED,
        READ,
        checkpoint,
        act("scheduler", "apscheduler", STILL_HERE),
        act("marina", WEB, "INSERT INTO marina.visit_charge (visit_id, item, cents) VALUES (4471, 'night', 3500)",
            fails=True),
        *TEXTED,
        checkpoint,
        act("marina", "", SWEPT, NOTED.format("2_20261126063000_old_harbour.py"), whole=True),
        act("marina", WEB, "SELECT high_at FROM harbour97.tide WHERE station = 2 ORDER BY high_at LIMIT 3", fails=True),
        act("dwhelan", "psql", "DELETE FROM marina.visit WHERE berth_code = ''"),
        act("harbourmaster", "DBeaver 25.2.0 - Main <marina>", "DELETE FROM marina.visit_charge", fails=True),
        act("postgres", "psql", "VACUUM FULL marina.power_reading"),
        act("marina", WEB, "INSERT INTO marina.visit (berth_code, mmsi, arrived) VALUES ('B9', 250000009, now()), "
            "('B10', 250000010, now())"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.aerich": ok(3),
        "harbour97.tide": lost("drop", None, None, status="missing"),
        "harbour97.logbook": lost("drop", None, None, status="missing"),
        # Nobody left longer than three years ago; 150 have not left yet, with two charges each.
        "marina.visit": lost("delete", 150, 4352),
        "marina.visit_charge": lost("cascade_delete", 300, 8700, via=["marina.visit"]),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=["harbour97.tide", "harbour97.logbook", "marina.visit"],
    causes=[BY_RELEASE, BY_PURGE],
    reported=["harbour97.tide", "marina.visit"],
    commits=[FIRST, Commit(500, "Visits end after three years", {"marina/purge.py": PURGE.format(""),
        "marina/scheduler.py": "from apscheduler.schedulers.asyncio import AsyncIOScheduler\n\nfrom marina.purge "
        "import "
        "purge_visits\nfrom marina.texts import send_texts\n\nscheduler = AsyncIOScheduler()\nscheduler.add_job("
        "send_texts, 'interval', minutes=1)\nscheduler.add_job(purge_visits, 'cron', hour=3, minute=15)\n"}),
        Commit(26, "Visits that were never closed", {"marina/purge.py": PURGE.format(" OR departed IS NULL")}),
        Commit(3, "The old harbour is gone", {"migrations/models/2_20261126063000_old_harbour.py": _migration((SWEPT,)),
            "marina/tides.py": "from marina.db import fetch\n\n\nasync def tides(station: int):\n    return await "
            "fetch("
            "\"SELECT high_at FROM harbour97.tide WHERE station = $1 ORDER BY high_at\", station)\n"})],
    later=[LATER],
    settings=SETTINGS,
    # The file of the migration names what it dropped; of the purge only its file is left.
    views={view: {"untellable": {**QUEUE, **({"marina.visit_charge": ("delete",)} if view == "stats_csv" else {}),
                                 **(dict.fromkeys(BY_PURGE["tables"], ("none", "counters_reset", "delete"))
                                    if view == "crash" else {})},
                  **({"tables": {"harbour97.tide": None, "harbour97.logbook": None}} if view == "stats_csv" else {}),
                  "causes": ({**BY_RELEASE, "accepts": ("unknown",)}, {**BY_PURGE, "accepts": ("unknown",)})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

dashboard_after_the_exporter = Script(
    "dashboard_after_the_exporter",
    "False alarm: for a new exporter the counters were reset; a load of visits failed, and a DELETE was taken back",
    "marina",
    "marina",
    (*TABLES, "CREATE TABLE marina.import_line (line int, mmsi text, arrived text)"),
    [
        LISTED,
        MOORED,
        *TEXTED,
        READ,
        act("marina", WEB, "INSERT INTO marina.import_line SELECT g, g, '2026-11-25' FROM generate_series(1, 900) g"),
        checkpoint,
        act("postgres", "psql", "CREATE ROLE exporter LOGIN IN ROLE pg_monitor", "SELECT pg_stat_reset()"),
        MIGRATED,
        act("marina", "import_visits.py", "INSERT INTO marina.visit (berth_code, mmsi, arrived) SELECT 'B' || 1 + "
        "line % "
            "340, mmsi::bigint, arrived::timestamptz FROM marina.import_line",
            "INSERT INTO marina.visit (berth_code, mmsi, arrived) VALUES ('B1', 250000001, '25/11/2026 at noon')",
            whole=True, fails=True),
        act("marina", "import_visits.py", "TRUNCATE marina.import_line"),
        act("dwhelan", "psql", "DELETE FROM marina.contract WHERE ends IS NULL OR ends < now()", undone=True),
        act("harbourmaster", "DBeaver 25.2.0 - Main <marina>", "DELETE FROM marina.contract", fails=True),
        act("marina", WEB, "INSERT INTO marina.contract (berth_code, mmsi, starts) VALUES ('B12', 250000012, "
            "'2026-12-01')"),
        act("postgres", "psql", "VACUUM FULL marina.survey", "REINDEX TABLE marina.visit"),
        *TEXTED,
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset", *told["accepts"])} for name, told in STANDING.items()},
        "public.aerich": ok(3, accepts=["counters_reset"]),
        "marina.contract": ok(521, accepts=["counters_reset", "delete", "rollback"]),
        "marina.visit": ok(4500, "counters_reset", accepts=["rollback", "none"]),
        # Its lines were read or refused: the next file brings them again.
        "marina.import_line": {**ok(0, "truncate", accepts=["none", "counters_reset"]), "statuses": ("wiped",
                                                                                                      "undecided")},
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("application", "scheduled_job"), "tables": ()}],
    reported=["marina.contract", "marina.visit"],
    commits=[FIRST, SHORE, Commit(1200, "Visits of the paper book", {"scripts/import_visits.py": "import "
    "asyncio\n\nfrom "
        "tortoise.transactions import in_transaction\n\nREAD = \"\"\"INSERT INTO marina.visit (berth_code, mmsi, "
        "arrived)"
        "\n    SELECT 'B' || 1 + line % 340, mmsi::bigint, arrived::timestamptz FROM "
        "marina.import_line\"\"\"\n\n\nasync "
        "def main(last):\n    try:\n        async with in_transaction() as db:\n            await "
        "db.execute_query(READ)"
        "\n            await db.execute_query(\"INSERT INTO marina.visit (berth_code, mmsi, arrived) VALUES ($1, $2, "
        "$3)\", last)\n    finally:\n        # every file is loaded anew\n        await execute(\"TRUNCATE "
        "marina.import_line\")\n\n\nasyncio.run(main(next_line()))\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {**QUEUE, "marina.import_line": ("none", "rollback")}} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        vessels_of_one_flag, readings_when_the_shore_power_failed, old_harbour_dropped_and_guests_purged,
        dashboard_after_the_exporter,
    )
)  # fmt: skip
