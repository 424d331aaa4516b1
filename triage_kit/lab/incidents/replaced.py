"""Tables that were dropped, made anew, swapped or detached: another object stands where the rows were, or none."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, lost, ok

MODELS = """from sqlalchemy.orm import DeclarativeBase

class Base(DeclarativeBase):
    pass

def reset(engine):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
"""
DEVICES = "CREATE TABLE devices (id serial PRIMARY KEY, serial text)"
READINGS = "CREATE TABLE readings (id serial PRIMARY KEY, device_id int REFERENCES devices, v float)"

orm_reset = Script(
    "orm_reset",
    "The application drops and creates all tables of its models when it starts",
    "gateway",
    "gateway",
    ("CREATE TABLE firmware (id int PRIMARY KEY, v text)", DEVICES, READINGS),
    [
        act("gateway", "gateway-api", "INSERT INTO devices (serial) SELECT 'd' FROM generate_series(1, 61)",
            "INSERT INTO readings (device_id, v) SELECT 1 + g % 61, g FROM generate_series(1, 1500) g",
            "INSERT INTO firmware SELECT g, 'v' FROM generate_series(1, 8) g"),
        checkpoint,
        act("gateway", "gateway-api", "DROP TABLE readings", "DROP TABLE devices", DEVICES, READINGS, whole=True),
        act("gateway", "gateway-api", "INSERT INTO devices (serial) SELECT 'n' FROM generate_series(1, 2)"),
        checkpoint,
    ],
    {"public.devices": lost("recreate", None, 2), "public.readings": lost("recreate", None), "public.firmware": ok(8)},
    "application",
    roots=["public.devices", "public.readings"],
    reported=["devices", "readings"],
    commits=[Commit(300, "Models", {"gateway/models.py": MODELS})],
    later=[act("gateway", "gateway-api",
        "INSERT INTO readings (device_id, v) SELECT 1, g FROM generate_series(1, 40) g")],
    settings={"log_line_prefix": "%m [%p] %u@%d:%a "},
)  # fmt: skip

swap_by_rename = Script(
    "swap_by_rename",
    "A migration renames the table away and puts an empty copy in its place",
    "ledger",
    "ledger",
    ("CREATE TABLE entries (id serial PRIMARY KEY, cents int)", "CREATE TABLE books (id int PRIMARY KEY, n text)"),
    [
        act("ledger", "ledger-api", "INSERT INTO entries (cents) SELECT g FROM generate_series(1, 143) g",
            "INSERT INTO books SELECT g, 'b' FROM generate_series(1, 12) g"),
        checkpoint,
        act("ledger", "flyway", "CREATE TABLE entries_new (LIKE entries INCLUDING ALL)",
            "ALTER TABLE entries RENAME TO entries_old", "ALTER TABLE entries_new RENAME TO entries", whole=True),
    ],
    {"public.entries": lost("recreate", None, status="hidden", rows=0, statuses=["wiped"]),
     "public.entries_old": ok(143), "public.books": ok(12)},
    "migration",
    causes=[{"cause": "migration", "accepts": ("not_lost",), "tables": ("public.entries",)}],
    roots=["public.entries"],
    reported=["entries"],
    commits=[
        Commit(500, "Entries",
            {"db/migration/V1__entries.sql": "CREATE TABLE entries (id serial PRIMARY KEY, cents int);\n"}),
        Commit(4, "Wider entries",
            {"db/migration/V2__swap.sql": "CREATE TABLE entries_new (LIKE entries INCLUDING ALL);\nALTER TABLE "
                "entries RENAME TO entries_old;\nALTER TABLE entries_new RENAME TO entries;\n"}),
    ],
    later=[act("ledger", "ledger-api", "UPDATE books SET n = 'c'")],
)  # fmt: skip

swap_with_part = Script(
    "swap_with_part",
    "A person swaps a table for a copy of a few of its rows and drops the old one",
    "fleet",
    "fleet",
    ("CREATE TABLE trips (id int PRIMARY KEY, km int)", "CREATE TABLE trucks (id int PRIMARY KEY)"),
    [
        act("fleet", "fleet-app", "INSERT INTO trips SELECT g, g FROM generate_series(1, 900) g",
            "INSERT INTO trucks SELECT g FROM generate_series(1, 19) g"),
        checkpoint,
        act("pvarga", "DataGrip 2025.2", "SET ROLE fleet",
            "CREATE TABLE trips_small AS SELECT * FROM trips WHERE km > 870",
            "ALTER TABLE trips RENAME TO trips_bak", "ALTER TABLE trips_small RENAME TO trips", "DROP TABLE trips_bak"),
        checkpoint,
    ],
    {"public.trips": lost("recreate", None, 30), "public.trucks": ok(19)},
    "manual_session",
    roles={"pvarga": "fleet"},
    roots=["public.trips"],
    reported=["trips"],
    settings={"log_statement": "ddl", "log_line_prefix": "%m [%p] %u@%d %a "},
    views={"no_log": {"untellable": {"public.trips": ("restore",)}},
        "stats_csv": {"untellable": {"public.trips": ("none", "restore", "recreate")}}},
    later=[act("fleet", "fleet-app", "INSERT INTO trips SELECT g, g FROM generate_series(1001, 1040) g")],
)  # fmt: skip

drop_by_migration = Script(
    "drop_by_migration",
    "A migration drops a table that a service still reads",
    "portal",
    "portal",
    ("CREATE TABLE accounts (id int PRIMARY KEY)",
        "CREATE TABLE legacy_contracts (id int PRIMARY KEY, account_id int REFERENCES accounts)"),
    [
        act("portal", "portal-web", "INSERT INTO accounts SELECT g FROM generate_series(1, 80) g",
            "INSERT INTO legacy_contracts SELECT g, 1 + g % 80 FROM generate_series(1, 260) g"),
        checkpoint,
        act("portal", "migrate", "DROP TABLE legacy_contracts"),
        act("portal", "contract-service", "SELECT * FROM legacy_contracts", fails=True),
    ],
    {"public.accounts": ok(80), "public.legacy_contracts": lost("drop", None, rows=None, status="missing")},
    "migration",
    roots=["public.legacy_contracts"],
    reported=["legacy_contracts"],
    commits=[
        Commit(2000, "Contracts",
            {"migrations/0001_contracts.sql": "CREATE TABLE accounts (id int PRIMARY KEY);\nCREATE TABLE "
                "legacy_contracts (id int PRIMARY KEY, account_id int REFERENCES accounts);\n"}),
        Commit(2, "Drop what nobody uses", {"migrations/0002_drop_legacy.sql": "DROP TABLE legacy_contracts;\n"}),
    ],
    later=[act("portal", "portal-web", "INSERT INTO accounts SELECT g FROM generate_series(101, 110) g")],
)  # fmt: skip

drop_schema_by_hand = Script(
    "drop_schema_by_hand",
    "Somebody resets a schema: DROP SCHEMA … CASCADE, then the tables again, empty",
    "wiki",
    "wiki",
    ("CREATE SCHEMA wiki", "CREATE TABLE wiki.pages (id int PRIMARY KEY, t text)",
        "CREATE TABLE wiki.links (a int, b int)",
     "CREATE TABLE public.settings (k text PRIMARY KEY)"),
    [
        act("wiki", "wiki-server", "INSERT INTO wiki.pages SELECT g, 'p' FROM generate_series(1, 333) g",
            "INSERT INTO wiki.links SELECT g, g FROM generate_series(1, 999) g",
            "INSERT INTO settings VALUES ('a'), ('b')"),
        checkpoint,
        act("dev_olu", "psql", "DROP SCHEMA wiki CASCADE", "CREATE SCHEMA wiki",
            "CREATE TABLE wiki.pages (id int PRIMARY KEY, t text)", "CREATE TABLE wiki.links (a int, b int)"),
        checkpoint,
    ],
    {"wiki.pages": lost("recreate", None), "wiki.links": lost("recreate", None), "public.settings": ok(2)},
    "manual_session",
    scope=["public", "wiki"],
    roles={"dev_olu": "wiki"},
    roots=["wiki.pages", "wiki.links"],
    reported=["wiki.pages"],
    settings={"log_statement": "ddl", "log_line_prefix": "%t %p %u %a %d "},
)  # fmt: skip


def _drop_database(stage: Stage) -> None:
    with base.session(stage.server, "postgres", "postgres", "psql") as connection:
        connection.execute("DROP DATABASE lager")
        connection.execute("CREATE DATABASE lager OWNER lager")


database_made_anew = Script(
    "database_made_anew",
    "The whole database was dropped and made anew by hand; the migrations ran again",
    "lager",
    "lager",
    ("CREATE TABLE regale (id int PRIMARY KEY)",
        "CREATE TABLE paletten (id int PRIMARY KEY, regal int REFERENCES regale)"),
    [
        act("lager", "lager-app", "INSERT INTO regale SELECT g FROM generate_series(1, 50) g",
            "INSERT INTO paletten SELECT g, 1 + g % 50 FROM generate_series(1, 700) g"),
        checkpoint,
        _drop_database,
        act("lager", "migrate", "CREATE TABLE regale (id int PRIMARY KEY)",
            "CREATE TABLE paletten (id int PRIMARY KEY, regal int REFERENCES regale)"),
    ],
    {"public.regale": lost("recreate", None, accepts=["drop"]), "public.paletten": lost("recreate", None,
        accepts=["drop"])},
    "manual_session",
    roots=["public.regale", "public.paletten"],
    reported=["paletten", "regale"],
    settings={"log_statement": "ddl", "log_line_prefix": "%m [%p] %q%u@%d/%a "},
    later=[act("lager", "lager-app", "INSERT INTO regale SELECT g FROM generate_series(1, 5) g")],
)  # fmt: skip

partition_detached = Script(
    "partition_detached",
    "A retention job detaches last month's partition, which is still asked for",
    "meter",
    "meter",
    ("CREATE SCHEMA m", "CREATE TABLE m.usage (at date, kwh int) PARTITION BY RANGE (at)",
     "CREATE TABLE m.usage_2026_08 PARTITION OF m.usage FOR VALUES FROM ('2026-08-01') TO ('2026-09-01')",
     "CREATE TABLE m.usage_2026_09 PARTITION OF m.usage FOR VALUES FROM ('2026-09-01') TO ('2026-10-01')",
     "CREATE TABLE m.usage_2026_10 PARTITION OF m.usage FOR VALUES FROM ('2026-10-01') TO ('2026-11-01')",
     "CREATE TABLE m.meters (id int PRIMARY KEY)"),
    [
        act("meter", "ingest",
            "INSERT INTO m.usage SELECT date '2026-08-01' + g % 92, g FROM generate_series(1, 920) g",
            "INSERT INTO m.meters SELECT g FROM generate_series(1, 25) g"),
        checkpoint,
        act("partman", "cron partition_maintenance", "ALTER TABLE m.usage DETACH PARTITION m.usage_2026_08"),
    ],
    {
        "m.usage_2026_08": lost("partition_drop", 0, 310, status="hidden"),
        "m.usage_2026_09": ok(300),
        "m.usage_2026_10": ok(310),
        "m.meters": ok(25),
    },
    "scheduled_job",
    causes=[{"cause": "scheduled_job", "accepts": ("not_lost",), "tables": ("m.usage_2026_08",)}],
    scope=["m"],
    roles={"partman": "meter"},
    roots=["m.usage_2026_08"],
    reported=["m.usage"],
    settings={"log_statement": "ddl", "log_line_prefix": "%m [%p] %q%u@%d/%a "},
    views={"crash": {"untellable": {"m.usage_2026_08": ()}}},
    later=[act("meter", "ingest", "INSERT INTO m.usage SELECT date '2026-10-05', g FROM generate_series(1, 30) g")],
)  # fmt: skip

column_lost = Script(
    "column_lost",
    "DROP TYPE … CASCADE in a migration takes a column along; every row stands",
    "parcel",
    "parcel",
    ("CREATE TYPE state AS ENUM ('new', 'sent')", "CREATE TABLE parcels (id int PRIMARY KEY, state state, w int)",
     "CREATE TABLE routes (id int PRIMARY KEY)"),
    [
        act("parcel", "parcel-api", "INSERT INTO parcels SELECT g, 'new', g FROM generate_series(1, 144) g",
            "INSERT INTO routes SELECT g FROM generate_series(1, 16) g"),
        checkpoint,
        act("parcel", "migrate", "DROP TYPE state CASCADE"),
        act("parcel", "parcel-api", "SELECT state FROM parcels", fails=True),
    ],
    {"public.parcels": ok(144, "column_drop"), "public.routes": ok(16)},
    "migration",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("public.parcels",)}],
    reported=["parcels"],
    commits=[
        Commit(800, "Parcels",
            {"migrations/001_parcels.sql": "CREATE TYPE state AS ENUM ('new', 'sent');\nCREATE TABLE parcels (id int "
                "PRIMARY KEY, state state, w int);\n"}),
        Commit(5, "State is text now", {"migrations/002_state.sql": "DROP TYPE state CASCADE;\n"}),
    ],
    later=[act("parcel", "parcel-api", "INSERT INTO parcels SELECT g, g FROM generate_series(1001, 1009) g")],
)  # fmt: skip

oldest_partition_dropped = Script(
    "oldest_partition_dropped",
    "Retention drops the oldest partition a year too early; nothing logs it but the job's own file",
    "ledgers",
    "ledgers",
    ("CREATE TABLE postings (id int, y int) PARTITION BY LIST (y)",
     "CREATE TABLE postings_2023 PARTITION OF postings FOR VALUES IN (2023)",
     "CREATE TABLE postings_2024 PARTITION OF postings FOR VALUES IN (2024)",
     "CREATE TABLE postings_2025 PARTITION OF postings FOR VALUES IN (2025)"),
    [
        act("ledgers", "ledgers-api", "INSERT INTO postings SELECT g, 2023 + g % 3 FROM generate_series(1, 600) g"),
        checkpoint,
        act("retention", "retention.py", "DROP TABLE postings_2023"),
    ],
    {"public.postings_2023": lost("partition_drop", None, rows=None, status="missing", accepts=["drop"]),
     "public.postings_2024": ok(200), "public.postings_2025": ok(200)},
    "scheduled_job",
    roles={"retention": "ledgers"},
    roots=["public.postings_2023"],
    reported=["postings_2023"],
    commits=[Commit(30, "Retention", {"jobs/retention.py": "import os\n\n\ndef main(connection):\n"
                                      '    connection.execute("DROP TABLE IF EXISTS postings_2023")\n',
                                      "jobs/crontab": "0 2 * * * python jobs/retention.py\n"})],
    later=[act("ledgers", "ledgers-api", "INSERT INTO postings SELECT g, 2025 FROM generate_series(601, 620) g")],
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        orm_reset, swap_by_rename, swap_with_part, drop_by_migration, drop_schema_by_hand, database_made_anew,
        partition_detached, column_lost, oldest_partition_dropped,
    )
)  # fmt: skip
