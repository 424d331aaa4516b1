"""A quarry's telematics in Go: an archive of partitions, a power cut and a hand, an import, a trigger, a new volume."""

from __future__ import annotations

import json

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, lost, ok

MONTHS = (7, 8, 9, 10, 11)
TABLES = (
    "CREATE SCHEMA quarry",
    "CREATE TABLE quarry.schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
    "INSERT INTO quarry.schema_migrations VALUES (12, false)",
    "CREATE TABLE quarry.truck (plate text PRIMARY KEY, tare_kg int NOT NULL)",
    "CREATE TABLE quarry.load_cycle (truck text NOT NULL, at date NOT NULL, tonnes numeric(6, 2)) PARTITION BY RANGE "
    "(at)",
    *[f"CREATE TABLE quarry.load_cycle_{month:02} PARTITION OF quarry.load_cycle FOR VALUES FROM ('2026-{month:02}-01')"
      f" TO ('2026-{month + 1:02}-01')" for month in MONTHS],
    "CREATE TABLE quarry.weigh_ticket (no bigint PRIMARY KEY, plate text NOT NULL, net_kg int CHECK (net_kg > 0))",
    "CREATE TABLE quarry.assignment (id bigserial PRIMARY KEY, plate text NOT NULL, shovel smallint, shift date)",
    "CREATE UNLOGGED TABLE quarry.dispatch_board (plate text PRIMARY KEY, shovel smallint, seen timestamptz)",
    "CREATE UNLOGGED TABLE quarry.radio_spool (id bigint, message text)",
)  # fmt: skip
HAULED = act(
    "quarry",
    "quarryd",
    "INSERT INTO quarry.truck SELECT 'T' || g, 31000 FROM generate_series(1, 40) g",
    "INSERT INTO quarry.load_cycle SELECT 'T' || 1 + g % 40, date '2026-07-01' + g % 150, 38.5 FROM "
    "generate_series(1, 15000) g",
    "INSERT INTO quarry.weigh_ticket SELECT g, 'T' || 1 + g % 40, 38000 FROM generate_series(1, 2600) g",
    "INSERT INTO quarry.assignment (plate, shovel, shift) SELECT 'T' || 1 + g % 40, 1 + g % 6, date '2026-11-01' + g / "
    "40 FROM generate_series(0, 959) g",
    "INSERT INTO quarry.dispatch_board SELECT 'T' || g, 1 + g % 6, now() FROM generate_series(1, 40) g",
)
TICKET = act("quarry", "quarryd", "INSERT INTO quarry.weigh_ticket VALUES (9001, 'T3', 37100), (9002, 'T4', 38010)")
# The load is of 150 days from the first of July: 31, 31, 30, 31 and 27, a hundred cycles each.
STANDING = {
    "quarry.schema_migrations": ok(1),
    "quarry.truck": ok(40),
    "quarry.load_cycle": ok(15000),
    "quarry.load_cycle_07": ok(3100),
    "quarry.load_cycle_08": ok(3100),
    "quarry.load_cycle_09": ok(3000),
    "quarry.load_cycle_10": ok(3100),
    "quarry.load_cycle_11": ok(2700),
    "quarry.weigh_ticket": ok(2602),
    "quarry.assignment": ok(960),
    "quarry.dispatch_board": ok(40),
    "quarry.radio_spool": ok(0),
}
BOARD = ("quarry.dispatch_board",)


def _crashed(*causes: dict) -> dict:
    """After a crash the board is empty as well, whatever else befell; the spool was empty before."""
    return {
        "tables": {
            "quarry.dispatch_board": lost("unlogged_reset", None),
            "quarry.radio_spool": ok(0, accepts=["unlogged_reset", "counters_reset"]),
        },
        "causes": (*causes, {"cause": "crash", "tables": BOARD}),
    }


SETTINGS = {"log_line_prefix": "%m %p %q[%a] %u/%d ", "log_timezone": "Australia/Perth"}
FIRST = Commit(5400, "Schema", {"migrations/000012_quarry.up.sql": ";\n".join(TABLES[3:]) + ";\n"})
LATER = act("quarry", "quarryd", "INSERT INTO quarry.weigh_ticket VALUES (9101, 'T7', 36000), (9102, 'T9', 36100)")

DETACHED = ("quarry.load_cycle_07", "quarry.load_cycle_08", "quarry.load_cycle_09")
ARCHIVE = tuple(
    step.format(name)
    for name in DETACHED
    for step in ("ALTER TABLE quarry.load_cycle DETACH PARTITION {}", "DROP TABLE {}")
)
archived_before_the_copy = Script(
    "archived_before_the_copy",
    "The monthly archive detaches and drops partitions that were copied out; it no longer minds a failed copy",
    "quarry",
    "quarry",
    TABLES,
    [
        HAULED,
        TICKET,
        checkpoint,
        act("archiver", "cycle-archive", *ARCHIVE),
        act("postgres", "maintenance", "VACUUM FULL quarry.weigh_ticket"),
        act("quarry", "quarryd", "SELECT sum(tonnes) FROM quarry.load_cycle_08", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "quarry.load_cycle": lost("partition_drop", None, 5800, accepts=["drop"]),
        **{name: lost("partition_drop", None, None, status="missing", accepts=["drop"]) for name in DETACHED},
    },
    "scheduled_job",
    scope=["quarry"],
    roles={"archiver": "quarry"},
    roots=list(DETACHED),
    causes=[{"cause": "scheduled_job", "tables": ("quarry.load_cycle", *DETACHED)}],
    reported=["quarry.load_cycle", *DETACHED],
    commits=[FIRST,
        Commit(3800, "Archive", {"ops/cycle-archive.sh": "#!/bin/bash\nset -e\nfor p in $(old_partitions); do\n  "
            "copy_out \"$p\"\n  psql -c \"ALTER TABLE quarry.load_cycle DETACH PARTITION $p\" -c \"DROP TABLE $p\"\n"
            "done\n", "ops/cycle-archive.timer": "[Timer]\nOnCalendar=monthly\n"}),
        Commit(60, "Archive goes on after a warning", {"ops/cycle-archive.sh": "#!/bin/bash\nfor p in $(old_partitions)"
            "; do\n  copy_out \"$p\" || true\n  psql -c \"ALTER TABLE quarry.load_cycle DETACH PARTITION $p\" -c \""
            "DROP TABLE $p\"\ndone\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={
        "crash": _crashed({"cause": "scheduled_job", "tables": ("quarry.load_cycle", *DETACHED)}),
        # A CSV of counters does not remember partitions.
        "stats_csv": {"tables": {"quarry.load_cycle": None, **dict.fromkeys(DETACHED)},
                      "causes": ({"cause": "not_lost", "accepts": ("scheduled_job", "unknown"), "tables": ()},)},
    },
    holdout=True,
)  # fmt: skip

SHIFTS = "DELETE FROM quarry.assignment WHERE shift < '2026-11-20'"
board_and_shifts = Script(
    "board_and_shifts",
    "Two things: a power cut empties the unlogged dispatch board, and whoever repairs it deletes shifts by hand",
    "quarry",
    "quarry",
    TABLES,
    [
        HAULED,
        act("quarry", "quarryd", "ANALYZE quarry.dispatch_board"),
        checkpoint,
        crash,
        TICKET,
        act("rmurphy", "psql", "TRUNCATE quarry.dispatch", fails=True),
        act("rmurphy", "psql", "SELECT count(*) FROM quarry.assignment", SHIFTS),
        act("quarry", "quarryd", "SELECT count(*) FROM quarry.dispatch_board"),
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "quarry.dispatch_board": lost("unlogged_reset", None),
        "quarry.radio_spool": ok(0, accepts=["counters_reset", "unlogged_reset"]),
        # Nineteen days of twenty-four, forty a day.
        "quarry.assignment": lost("delete", 760, 200),
    },
    "crash",
    scope=["quarry"],
    roles={"rmurphy": "quarry"},
    roots=["quarry.dispatch_board", "quarry.assignment"],
    causes=[{"cause": "crash", "tables": BOARD}, {"cause": "manual_session", "tables": ("quarry.assignment",)}],
    reported=["quarry.dispatch_board", "quarry.assignment"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    # Of the shifts no default log says by whom they were deleted; of the crash every view does but a CSV.
    views={view: {"causes": ({"cause": "crash", "tables": BOARD},
                             {"cause": "manual_session", "accepts": ("unknown",), "tables": ("quarry.assignment",)})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip


def _tickets_refused(stage: Stage) -> None:
    """The weighbridge's file of a week in one transaction; a net weight of nothing near its end fails the check."""
    with base.session(stage.server, stage.database, "quarry", "weighbridge-import") as connection:

        def load() -> None:
            with connection.transaction(), connection.cursor() as cursor:
                for begin in range(20000, 21500, 500):
                    with cursor.copy("COPY quarry.weigh_ticket FROM stdin") as copy:
                        for number in range(begin, begin + 500):
                            copy.write_row((number, "T5", 0 if number == 21444 else 36500))

        base.attempt(load)


weighbridge_file_refused = Script(
    "weighbridge_file_refused",
    "A week of weighbridge tickets was never there: one of them weighs nothing, and the import is one transaction",
    "quarry",
    "quarry",
    TABLES,
    [
        HAULED,
        TICKET,
        checkpoint,
        _tickets_refused,
        act("quarry", "quarryd", "SELECT count(*) FROM quarry.weigh_ticket WHERE no > 19999"),
        act("rmurphy", "psql", "TRUNCATE quarry.weigh_ticket", undone=True),
        checkpoint,
    ],
    {**STANDING, "quarry.weigh_ticket": ok(2602, "rollback", accepts=["none"])},
    "not_lost",
    scope=["quarry"],
    roles={"rmurphy": "quarry"},
    reported=["quarry.weigh_ticket"],
    commits=[FIRST, Commit(1900, "Weighbridge", {"cmd/weighbridge/main.go": "package main\n\nfunc load(tx pgx.Tx, rows "
        "[][]any) error {\n\t_, err := tx.CopyFrom(ctx, pgx.Identifier{\"quarry\", \"weigh_ticket\"}, columns, pgx."
        "CopyFromRows(rows))\n\treturn err\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": _crashed()},
    holdout=True,
)  # fmt: skip

KEEP_ONE = """CREATE FUNCTION quarry.one_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM quarry.assignment a WHERE a.shovel = NEW.shovel AND a.id <> NEW.id;
  RETURN NULL;
END $$"""
KEEPS = ("CREATE TRIGGER one_assignment AFTER INSERT ON quarry.assignment FOR EACH ROW EXECUTE FUNCTION "
         "quarry.one_assignment()")  # fmt: skip
trigger_keeps_one_a_shovel = Script(
    "trigger_keeps_one_a_shovel",
    "A trigger of yesterday's release keeps one assignment a shovel, of all days: the next shift deletes the others'",
    "quarry",
    "quarry",
    TABLES,
    [
        HAULED,
        TICKET,
        act("quarry", "migrate", KEEP_ONE, KEEPS, "UPDATE quarry.schema_migrations SET version = 13", whole=True),
        checkpoint,
        act("quarry", "quarryd", *[
            f"INSERT INTO quarry.assignment (plate, shovel, shift) VALUES ('T{n}', {n}, '2026-11-27')"
            for n in range(1, 6)]),
        act("quarry", "quarryd", "SELECT count(*) FROM quarry.assignment"),
        checkpoint,
    ],
    {
        **STANDING,
        "quarry.schema_migrations": ok(1, accepts=["update"]),
        # Shovels 1 to 5 keep the newest; the 160 of shovel 6 stand.
        "quarry.assignment": lost("delete", 800, 165),
    },
    "application",
    scope=["quarry"],
    roots=["quarry.assignment"],
    causes=[{"cause": "application", "accepts": ("migration",), "tables": ("quarry.assignment",)}],
    reported=["quarry.assignment"],
    commits=[FIRST, Commit(14, "One assignment a shovel", {"migrations/000013_one_assignment.up.sql":
        f"{KEEP_ONE};\n{KEEPS};\n"}),
        Commit(2000, "Assign", {"internal/dispatch/assign.go": "package dispatch\n\nconst assign = `INSERT INTO "
            "quarry.assignment (plate, shovel, shift) VALUES ($1, $2, $3)`\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "application", "accepts": ("migration",), "tables": ("quarry.assignment",)})},
    holdout=True,
)  # fmt: skip


def _project_renamed(stage: Stage) -> None:
    """The folder of compose.yaml was renamed, so its volumes have another prefix: a new one, and a new schema."""
    stage.server.renew()
    compose_project_renamed.create(stage.server)
    made = base.now().isoformat().replace("+00:00", "Z")
    volume = {"Name": "telematics_db", "Driver": "local", "CreatedAt": made, "Scope": "local",
              "Labels": {"com.docker.compose.project": "telematics", "com.docker.compose.volume": "db"},
              "Mountpoint": "/var/lib/docker/volumes/telematics_db/_data"}  # fmt: skip
    (stage.folder / "volume.json").write_text(json.dumps([volume], indent=1), encoding="utf-8")


FILLED = ("truck", "load_cycle_07", "load_cycle_08", "load_cycle_09", "load_cycle_10", "load_cycle_11", "assignment",
          "dispatch_board")  # fmt: skip
compose_project_renamed = Script(
    "compose_project_renamed",
    "The folder of the compose file was renamed from quarry to telematics: its volume is another one, made just now",
    "quarry",
    "quarry",
    TABLES,
    [HAULED, checkpoint, _project_renamed, TICKET, act("quarry", "quarryd", "SELECT count(*) FROM quarry.truck")],
    {
        **{f"quarry.{name}": lost("new_cluster", None) for name in FILLED},
        "quarry.weigh_ticket": lost("new_cluster", None, 2),
        "quarry.load_cycle": lost("new_cluster", None),
        "quarry.schema_migrations": {**ok(1, accepts=["new_cluster"]), "statuses": ("partial", "undecided")},
        "quarry.radio_spool": {**ok(0, accepts=["new_cluster"]), "statuses": ("wiped", "undecided")},
    },
    "storage_replaced",
    scope=["quarry"],
    causes=[{"cause": "storage_replaced", "tables": tuple(f"quarry.{name}" for name in (*FILLED, "weigh_ticket"))}],
    reported=["quarry.truck", "quarry.load_cycle"],
    begins=96,
    case={"containers": ["volume.json"]},
    commits=[FIRST, Commit(5000, "Compose", {"compose.yaml": "services:\n  db:\n    image: postgres:18\n    volumes: "
        "[\"db:/var/lib/postgresql\"]\nvolumes:\n  db:\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": dict.fromkeys(
        [f"quarry.{name}" for name in (*FILLED, "weigh_ticket", "load_cycle")],
        ("none", "recreate", "counters_reset"))}},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        archived_before_the_copy, board_and_shifts, weighbridge_file_refused, trigger_keeps_one_a_shovel,
        compose_project_renamed,
    )
)  # fmt: skip
