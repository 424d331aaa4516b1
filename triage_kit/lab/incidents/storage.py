"""Losses below the tables: crashes with unlogged tables, new volumes, restores of older states, other servers."""

from __future__ import annotations

import json

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, lost, ok
from triage_kit.lab.server import Server

unlogged_after_crash = Script(
    "unlogged_after_crash",
    "Unlogged tables are empty after a crash; the logged ones stand",
    "sessions",
    "portal",
    ("CREATE UNLOGGED TABLE web_sessions (id serial PRIMARY KEY, v text)",
        "CREATE TABLE logins (id serial PRIMARY KEY, v text)"),
    [
        act("portal", "portal-web", "INSERT INTO web_sessions (v) SELECT 's' FROM generate_series(1, 240)",
            "INSERT INTO logins (v) SELECT 'l' FROM generate_series(1, 300)"),
        act("portal", "portal-web", "ANALYZE"),
        checkpoint,
        crash,
    ],
    {"public.web_sessions": lost("unlogged_reset", None), "public.logins": ok(300, accepts=["counters_reset"])},
    "crash",
    roots=["public.web_sessions"],
    reported=["web_sessions"],
    later=[act("portal", "portal-web", "INSERT INTO web_sessions (v) SELECT 's' FROM generate_series(1, 11)")],
)  # fmt: skip

left_unlogged = Script(
    "left_unlogged",
    "A bulk load made its table unlogged and never logged again; then the server crashed",
    "genome",
    "genome",
    ("CREATE TABLE variants (id int PRIMARY KEY, v text)", "CREATE TABLE samples (id int PRIMARY KEY)"),
    [
        act("genome", "loader", "INSERT INTO samples SELECT g FROM generate_series(1, 40) g",
            "ALTER TABLE variants SET UNLOGGED", "INSERT INTO variants SELECT g, 'v' FROM generate_series(1, 2000) g"),
        act("genome", "loader", "ANALYZE variants"),
        checkpoint,
        crash,
    ],
    {"public.variants": lost("unlogged_reset", None), "public.samples": ok(40, accepts=["counters_reset"])},
    "crash",
    roots=["public.variants"],
    reported=["variants"],
    later=[act("genome", "loader", "INSERT INTO samples SELECT g FROM generate_series(101, 105) g")],
)  # fmt: skip

TWO = (
    "CREATE TABLE recipes (id serial PRIMARY KEY, t text)",
    "CREATE TABLE steps (id serial PRIMARY KEY, recipe_id int REFERENCES recipes, t text)",
)
COOKED = act(
    "kitchen",
    "kitchen-api",
    "INSERT INTO recipes (t) SELECT 'r' FROM generate_series(1, 88)",
    "INSERT INTO steps (recipe_id, t) SELECT 1 + g % 88, 's' FROM generate_series(1, 700) g",
)


def _new_volume(stage: Stage) -> None:
    """The same compose file with a fresh volume: initdb, then the same migrations."""
    stage.server.renew()
    fresh_volume.create(stage.server)


def _inspected(stage: Stage) -> None:
    made = base.now().isoformat().replace("+00:00", "Z")
    volume = {
        "Name": "kitchen_pgdata",
        "Driver": "local",
        "CreatedAt": made,
        "Mountpoint": "/var/lib/docker/volumes/kitchen_pgdata/_data",
        "Scope": "local",
    }
    container = {
        "Id": "4f1c0ffee", "Name": "/kitchen-db-1", "Created": made, "RestartCount": 0, "Image": "sha256:1",
        "State": {"Status": "running", "Running": True, "StartedAt": made, "FinishedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 0},
        "Config": {"Image": "postgres:18", "Env": ["POSTGRES_DB=kitchen"]},
        "Mounts": [{"Type": "volume", "Name": "kitchen_pgdata", "Destination": "/var/lib/postgresql/data", "RW": True}],
    }  # fmt: skip
    for name, found in (("container.json", [container]), ("volume.json", [volume])):
        (stage.folder / name).write_text(json.dumps(found, indent=1), encoding="utf-8")


fresh_volume = Script(
    "fresh_volume",
    "The same compose file came up with a fresh volume: a new cluster, the same migrations, no rows",
    "kitchen",
    "kitchen",
    TWO,
    [COOKED, checkpoint, _new_volume, _inspected],
    {"public.recipes": lost("new_cluster", None), "public.steps": lost("new_cluster", None)},
    "storage_replaced",
    reported=["recipes", "steps"],
    begins=72,
    case={"containers": ["container.json", "volume.json"]},
    commits=[Commit(500, "Recipes", {"migrations/001.sql": ";\n".join(TWO) + ";\n"})],
    later=[act("kitchen", "kitchen-api", "INSERT INTO recipes (t) SELECT 'n' FROM generate_series(1, 6)")],
    views={"stats_csv": {"untellable": {"public.recipes": ("none",), "public.steps": ("none",)}}},
)  # fmt: skip


def _newer_volume(stage: Stage) -> None:
    stage.server.renew()
    volume_without_traces.create(stage.server)


volume_without_traces = Script(
    "volume_without_traces",
    "A volume was lost with its log beside it; only the age of the cluster tells",
    "kitchen",
    "kitchen",
    TWO,
    [COOKED, _newer_volume, act("kitchen", "kitchen-api", "INSERT INTO recipes (t) VALUES ('first')")],
    {"public.recipes": lost("new_cluster", None, 1), "public.steps": lost("new_cluster", None)},
    "storage_replaced",
    reported=["recipes", "steps"],
    begins=200,
    later=[act("kitchen", "kitchen-api", "INSERT INTO recipes (t) SELECT 'n' FROM generate_series(1, 6)")],
)  # fmt: skip

CLINIC = (
    "CREATE TABLE doctors (id int PRIMARY KEY, n text)",
    "CREATE TABLE appointments (id int PRIMARY KEY, doctor int, at date)",
)
COPIED = (
    "COPY public.doctors (id, n) FROM stdin",
    "COPY public.appointments (id, doctor, at) FROM stdin",
)


def _copy_in(stage: Stage, role: str, before: tuple[str, ...], after: tuple[str, ...], data: dict) -> None:
    """What pg_restore does: the dump's statements, then COPY table by table, then the keys, in one session."""
    with base.session(stage.server, stage.database, role, "pg_restore") as connection:
        for statement in before:
            connection.execute(statement)
        for command, rows in data.items():
            with connection.cursor() as cursor, cursor.copy(command) as copy:
                for row in rows:
                    copy.write_row(row)
        for statement in after:
            connection.execute(statement)


OLD = {
    COPIED[0]: [(n, "d") for n in range(1, 19)],
    COPIED[1]: [(n, 1 + n % 18, "2026-01-01") for n in range(1, 151)],
}


def _restore_clean(stage: Stage) -> None:
    _copy_in(
        stage,
        "postgres",
        ("DROP TABLE public.appointments", "DROP TABLE public.doctors",
         "CREATE TABLE public.doctors (id integer NOT NULL, n text)",
         "CREATE TABLE public.appointments (id integer NOT NULL, doctor integer, at date)",
         "ALTER TABLE public.doctors OWNER TO praxis", "ALTER TABLE public.appointments OWNER TO praxis"),
        ("ALTER TABLE ONLY public.doctors ADD CONSTRAINT doctors_pkey PRIMARY KEY (id)",
         "ALTER TABLE ONLY public.appointments ADD CONSTRAINT appointments_pkey PRIMARY KEY (id)"),
        OLD,
    )  # fmt: skip


CONSULTED = act(
    "praxis",
    "praxis-web",
    "INSERT INTO doctors SELECT g, 'd' FROM generate_series(1, 20) g",
    "INSERT INTO appointments SELECT g, 1 + g % 20, '2026-03-01' FROM generate_series(1, 460) g",
)

restore_of_old_dump = Script(
    "restore_of_old_dump",
    "An old dump was restored over the live tables: pg_restore --clean",
    "praxis",
    "praxis",
    CLINIC,
    [CONSULTED, checkpoint, _restore_clean, checkpoint],
    {"public.doctors": lost("restore", None, 18), "public.appointments": lost("restore", None, 150)},
    "restore",
    reported=["appointments"],
    settings={"log_line_prefix": "%m [%p] %q%u@%d/%a "},
    # Every table of the database is new, as after a first load: only the rows' own xmin and the statements differ.
    views={view: {"untellable": {f"public.{name}": ("none", "recreate") for name in ("doctors", "appointments")}}
           for view in BLIND},
    later=[act("praxis", "praxis-web",
        "INSERT INTO appointments SELECT g, 1, '2026-04-01' FROM generate_series(1001, 1016) g")],
)  # fmt: skip


def _restore_data(stage: Stage) -> None:
    _copy_in(stage, "praxis", ("TRUNCATE appointments, doctors",), (), OLD)


restore_data_only = Script(
    "restore_data_only",
    "Somebody emptied the tables to load an old dump's data into them",
    "praxis",
    "praxis",
    CLINIC,
    [CONSULTED, checkpoint, _restore_data],
    {"public.doctors": lost("restore", 2, 18, accepts=["truncate"]), "public.appointments": lost("restore", 310, 150,
        accepts=["truncate"])},
    "restore",
    roots=["public.appointments", "public.doctors"],
    reported=["appointments"],
    later=[act("praxis", "praxis-web",
        "INSERT INTO appointments SELECT g, 1, '2026-04-01' FROM generate_series(1001, 1016) g")],
)  # fmt: skip


def _replicate(stage: Stage, *deed: str) -> None:
    """A publisher sends its rows, then the deed; it is gone afterwards, as a machine in another network would be."""
    with Server({"wal_level": "logical", "max_wal_senders": 4}, binaries=stage.server.binaries) as publisher:
        base.roles(publisher, stage.database, "hq", {})
        with base.session(publisher, stage.database, "postgres", "psql") as connection:
            connection.execute("CREATE TABLE public.branches (id int PRIMARY KEY, n text)")
            connection.execute("CREATE TABLE public.staff (id int PRIMARY KEY, n text)")
            connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
        source = f"host={publisher.folder} port=5432 dbname={stage.database} user=postgres"
        with base.session(stage.server, stage.database, "postgres", "psql") as connection:
            connection.execute(f"CREATE SUBSCRIPTION from_hq CONNECTION '{source}' PUBLICATION everything")
        with base.session(publisher, stage.database, "postgres", "hq-app") as connection:
            connection.execute("INSERT INTO branches SELECT g, 'b' FROM generate_series(1, 34) g")
            connection.execute("INSERT INTO staff SELECT g, 's' FROM generate_series(1, 280) g")
        _arrived(stage, 280)
        with base.session(publisher, stage.database, "postgres", "psql") as connection:
            for statement in deed:
                connection.execute(statement)
        _arrived(stage, 0)


def _arrived(stage: Stage, rows: int) -> None:
    def check() -> object:
        with base.session(stage.server, stage.database, "postgres", "triage_lab") as connection:
            row = connection.execute("SELECT count(*) FROM public.staff").fetchone()
        return (row or (None,))[0] == rows or row

    base.waited(check, f"{rows} rows on the subscriber")


SUBSCRIBED = ("CREATE TABLE branches (id int PRIMARY KEY, n text)", "CREATE TABLE staff (id int PRIMARY KEY, n text)",
              "CREATE TABLE local_notes (id int PRIMARY KEY)")  # fmt: skip
NOTED = act("branch", "branch-app", "INSERT INTO local_notes SELECT g FROM generate_series(1, 22) g")

subscriber_truncated = Script(
    "subscriber_truncated",
    "A TRUNCATE on the publisher was replicated to this subscriber",
    "branchoffice",
    "branch",
    SUBSCRIBED,
    [NOTED, lambda stage: _replicate(stage, "TRUNCATE staff")],
    {"public.staff": lost("truncate", 280), "public.branches": ok(34), "public.local_notes": ok(22)},
    "replication",
    roots=["public.staff"],
    reported=["staff"],
    settings={"log_line_prefix": "%m [%p] %q%u@%d "},
    later=[act("branch", "branch-app", "INSERT INTO local_notes SELECT g FROM generate_series(31, 35) g")],
)  # fmt: skip

subscriber_deleted = Script(
    "subscriber_deleted",
    "A DELETE on the publisher was replicated, row by row, to this subscriber",
    "branchoffice",
    "branch",
    SUBSCRIBED,
    [NOTED, lambda stage: _replicate(stage, "DELETE FROM staff")],
    {"public.staff": lost("delete", 280), "public.branches": ok(34), "public.local_notes": ok(22)},
    "replication",
    roots=["public.staff"],
    reported=["staff"],
    later=[act("branch", "branch-app", "INSERT INTO local_notes SELECT g FROM generate_series(31, 35) g")],
)  # fmt: skip


standby_asked = Script(
    "standby_asked",
    "The standby was asked instead of the primary: it stopped hearing before the rows were loaded",
    "tracking",
    "tracking",
    ("CREATE TABLE parcels (id int PRIMARY KEY)", "CREATE TABLE depots (id int PRIMARY KEY)"),
    [
        act("tracking", "tracking-api", "INSERT INTO depots SELECT g FROM generate_series(1, 14) g"),
        checkpoint,
        deeds.cut_off,
    ],
    {"public.parcels": {**lost("unknown", None, 0, status="undecided"), "accepts": ("none", "hidden")},
     "public.depots": ok(14, accepts=["counters_reset"])},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("unknown",), "tables": ()}],
    reported=["parcels"],
    views={"everything": None, "vacuum": None, "day_later": None, "crash": None},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        unlogged_after_crash, left_unlogged, fresh_volume, volume_without_traces, restore_of_old_dump,
        restore_data_only, subscriber_truncated, subscriber_deleted, standby_asked,
    )
)  # fmt: skip
