"""Ways back and the freeze list say what this evidence allows, not what one would wish."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse import commands, dump_ways, merging, remains_ways, renamed_ways, restore_ways, shelf
from triage_kit.analyse.context import context
from triage_kit.analyse.losses import Loss
from triage_kit.analyse.recovery import recovery_options, wal_segments
from triage_kit.analyse.target import Target
from triage_kit.plot import outlook

GONE = {"rows": 0, "live": 0, "insv": 0, "filenode": 24600, "heap": 0, "pkey": 8192, "xmin": 742, "tuples": -1.0}
DELETED = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}
SEGMENT = "00000001000000000000000{}"


def wal(*numbers):
    at = pd.Timestamp("2025-10-08T10:00:00Z")
    return [
        {
            "name": SEGMENT.format(number),
            "bytes": 16 << 20,
            "modified_at": at,
        }
        for number in numbers
    ]


def options(make_table, make_evidence, facts, **more):
    tables = [make_table("orders", 16404, **facts), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["orders"], **more))
    return found, found.recovery.set_index("option")


def test_segments_are_ordered_by_number_and_other_files_are_none():
    names = ["000000010000000000000003", "00000001.history", "000000010000000000000001", "archive_status"]
    files = schemas.frame("wal_files", [{"name": name} for name in names])
    assert wal_segments(files) == ["000000010000000000000001", "000000010000000000000003"]


@pytest.mark.parametrize(("numbers", "told"), [((1, 2), "every row ever written"), ((7, 8), "reaches back to segment")])
def test_wal_reaches_back_to_its_oldest_segment_whatever_its_file_time(make_table, make_evidence, numbers, told):
    _, found = options(make_table, make_evidence, GONE, wal_files=wal(*numbers))
    assert told in found.loc["wal", "why"]


def test_truncate_leaves_no_dead_rows_and_delete_does(make_table, make_evidence):
    _, truncated = options(make_table, make_evidence, GONE)
    _, deleted = options(make_table, make_evidence, DELETED)
    assert truncated.loc["dead_rows", "feasible"] == False  # noqa: E712 a nullable boolean
    assert deleted.loc["dead_rows", "feasible"] == True  # noqa: E712
    assert deleted.loc["dead_rows", "rows"] == 143


def test_no_copy_is_loaded_over_rows_that_stand_out_of_sight() -> None:
    found = {"s.gone": {"status": "wiped", "oid": 1}, "s.hidden": {"status": "hidden", "oid": 2}}
    both = Loss(frozenset({"truncate", "update"}), ("s.gone", "s.hidden"), 9, 0, None, None,
                missing={"s.gone": 9, "s.hidden": 0}, found=found)  # fmt: skip
    empty = {name: schemas.empty(name) for name in schemas.evidence_names()}
    told = recovery_options(both, empty, context(empty)).set_index("option")["tables"]
    assert told["wal"] == told["backup"] == ("s.gone",)


def test_what_loads_rows_into_the_tables_costs_the_dead_ones(make_table, make_evidence):
    """Measured on 18: after an INSERT of the salvaged rows none of 25,992 dead rows was left to read."""
    said = "let the server clear their dead rows"
    _, truncated = options(make_table, make_evidence, GONE)
    _, deleted = options(make_table, make_evidence, DELETED)
    assert said in " ".join(deleted.loc["wal", "preconditions"])
    assert said not in " ".join(deleted.loc["dead_rows", "preconditions"])
    assert said not in " ".join(truncated.loc["wal", "preconditions"])


@pytest.mark.parametrize("persistence", ["permanent", "unlogged"])
def test_an_unlogged_table_is_made_logged_with_its_rows(make_table, make_evidence, persistence):
    _, found = options(make_table, make_evidence, DELETED | {"persistence": persistence}, wal_files=wal(1, 2))
    commands = found.loc["dead_rows", "commands"]
    again = [line for line in commands if "SET LOGGED" in line]
    assert again == (["ALTER TABLE s.orders SET LOGGED;"] if persistence == "unlogged" else [])
    said = " ".join(found.loc["backup", "preconditions"])
    assert ("would be emptied by the next crash again" in said) == (persistence == "unlogged")
    lacks = "rows written while s.orders was unlogged" in found.loc["wal", "brings_not"]
    assert lacks == (persistence == "unlogged")
    for place, line in enumerate(commands):
        assert not line.startswith("COMMIT;") or not again or commands[place - 1] == again[0]


def test_what_the_wal_does_not_hold_has_no_commands_and_no_time_to_do_it_by(make_table, make_evidence):
    _, unread = options(make_table, make_evidence, GONE)
    assert any("triage salvage" in command for command in unread.loc["wal", "commands"])
    _, read = options(make_table, make_evidence, GONE, wal_spans=[{"from_lsn": "0/1000000", "how": "files"}])
    assert read.loc["wal", "feasible"] == False  # noqa: E712 a nullable boolean
    assert read.loc["wal", "commands"] == ()
    assert pd.isna(read.loc["wal", "clock"])
    assert pd.isna(read.loc["wal", "deadline"])


def test_autovacuum_is_held_for_dead_rows_by_a_step_of_its_own_and_else_for_the_traces(make_table, make_evidence):
    truncated, _ = options(make_table, make_evidence, GONE)
    deleted, _ = options(make_table, make_evidence, DELETED)
    for found, action in ((truncated, "Do not restart, vacuum"), (deleted, "Switch autovacuum off")):
        holding = found.freeze[found.freeze["command"].str.contains("ALTER SYSTEM SET autovacuum = off")]
        assert holding["action"].str.startswith(action).tolist() == [True]  # for the traces, or for the rows themselves


def test_every_step_says_what_it_destroys_itself(make_table, make_evidence):
    found, _ = options(make_table, make_evidence, DELETED)
    assert found.freeze["destroys"].str.len().gt(0).all()
    assert found.freeze["order"].tolist() == list(range(1, len(found.freeze) + 1))


def test_without_archiving_there_is_no_point_in_time_to_go_back_to(make_table, make_evidence):
    off = [{"name": "archive_mode", "value": "off"}]
    _, found = options(make_table, make_evidence, GONE, settings=off)
    assert found.loc["pitr", "feasible"] == False  # noqa: E712
    _, unknown = options(make_table, make_evidence, GONE)
    assert pd.isna(unknown.loc["pitr", "feasible"])


def test_nothing_lost_asks_for_nothing(make_table, make_evidence):
    found, recovery = options(make_table, make_evidence, {})
    assert len(found.freeze) == 0
    assert len(recovery) == 0


NOTICED = pd.Timestamp("2025-10-08T10:37:29Z")
OLD, NEW = {"began_at": NOTICED - pd.Timedelta("3D")}, {"began_at": NOTICED + pd.Timedelta("2D")}
DUMP = {
    "file": "dumps/shop.dump", "kind": "dump", "format": "custom", "state": "complete", "database": "d",
    "server_version": "18.0", "packing": "gzip", "bytes": 9_000,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "held", "feasible", "told"),
    [
        (OLD, 143, True, "it holds 143 rows of 143 missing"),
        (NEW, 20, False, "it is newer than the loss"),
        (NEW, 0, False, "it is newer than the loss"),
        ({**OLD, "database": "shop_staging"}, 143, None, "it names the database shop_staging, not d"),
        ({**OLD, "database": "billing"}, None, False, "it is of another database: billing, not d"),
        ({**OLD, "database": "billing", "rows": 0}, None, False, "database: billing, not d, and holds no rows"),
        ({**OLD, "state": "schema_only"}, None, False, "it holds no rows: only the schema was dumped"),
        ({**OLD, "state": "cut", "trouble": "it ends in the middle of a block"}, 70, None, "it is cut"),
    ],
)  # fmt: skip
def test_a_dump_is_called_what_it_is(make_table, make_evidence, more, held, feasible, told):
    tables = [{"file": DUMP["file"], "schema": "s", "table": "orders" if held is not None else "invoices",
               "rows": held or 0, "whole": more.get("state") != "cut"}]  # fmt: skip
    backups = [{**DUMP, **more}]
    _, found = options(make_table, make_evidence, GONE, backups=backups, backup_tables=tables)
    dump = found.loc["backup"]
    assert told in dump["why"]
    assert (None if pd.isna(dump["feasible"]) else bool(dump["feasible"])) is feasible


@pytest.mark.parametrize(
    ("archived_by", "told"),
    [
        # pgBackRest refuses to fetch for a folder that its configuration does not name (run with 2.45).
        ("pgbackrest --stanza=main archive-push %p", 'pgbackrest --stanza=main --pg1-path="$PWD" archive-get %f "%p"'),
        ("barman-wal-archive backup main %p", "barman-wal-restore backup main %f %p"),
        ('cp "%p" "/srv/a b/%f"', 'cp "/srv/a b/%f" "%p"'),
    ],
)
def test_what_was_archived_is_fetched_by_the_tools_own_counterpart(make_evidence, archived_by, told) -> None:
    evidence = make_evidence([])
    evidence["settings"] = schemas.frame("settings", [{"name": "archive_command", "value": archived_by}])
    assert commands.restore_command(evidence) == told
    beside = "\n".join(commands.start_beside(Target(), None, evidence))
    assert "restore_command" not in beside  # where the tool has set its own


@pytest.mark.parametrize(
    ("at", "feasible", "told"),
    [
        ("0/1A000000", True, "had not replayed the loss"),
        ("0/1A0000F0", True, "had not replayed the loss"),  # the commit record begins there
        ("0/1A0000F8", False, "has replayed the loss already"),
        (None, None, "may not have replayed the loss yet"),
    ],
)
def test_a_standby_gives_back_what_it_has_not_replayed(make_table, make_evidence, at, feasible, told):
    standby = {"kind": "standby", "application": "later", "client": "10.0.0.7", "lsn": at}
    evidence = make_evidence([make_table("orders", 16404, **GONE)], replication=[standby])
    lost = Loss(frozenset(("truncate",)), ("s.orders",), 143, 0, 742, None)
    found = restore_ways.standby(lost, Target("lsn", "0/1A0000F0", 742), evidence)
    assert (found["feasible"], told in found["why"]) == (feasible, True)
    assert any("pg_wal_replay_pause" in line for line in found["commands"]) is (feasible is not False)


BASE = {
    "file": "list.json", "format": "list", "state": "complete", "label": "b1", "start_lsn": "0/20000028",
    "stop_lsn": "0/21000050", "began_at": NOTICED - pd.Timedelta("40h"), "finished_at": NOTICED - pd.Timedelta("39h"),
    "server_version": "18", "timeline": 1, "bytes": 31_457_280, "wal_from": "000000010000000000000020",
}  # fmt: skip
ENDED = {"xid": 742, "lsn": "0/25000100", "outcome": "committed", "ended_at": NOTICED, "after": 5, "deletes": 143}
REMOVED = {"xid": 742, "table_oid": 16404, "filenode": 16404, "operation": "removed"}


def run_of(first, last):
    names = (f"{1:08X}{0:08X}{number:08X}" for number in (first, last))
    ends = dict(zip(("first", "last"), names, strict=True))
    return ends | {"source": "archive", "timeline": 1, "segments": last - first + 1, "bytes_each": 16 << 20}


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([(0x20, 0x30)], "ok: the archive runs from 000000010000000000000020 to 000000010000000000000025"),
        ([(0x20, 0x22), (0x24, 0x30)], "bad: the archive has a gap after 000000010000000000000022"),
        ([(0x20, 0x24)], "bad: the archive ends at 000000010000000000000024"),
        ([(0x21, 0x30)], "bad: the archive does not hold 000000010000000000000020"),
    ],
)
def test_an_archive_must_reach_from_the_backup_to_the_target(make_table, make_evidence, runs, told):
    _, found = options(
        make_table, make_evidence, GONE, backups=[BASE | {"kind": "wal_g"}], wal_transactions=[ENDED],
        wal_changes=[REMOVED], wal_archive=[run_of(*each) for each in runs],
    )  # fmt: skip
    assert [each for each in found.loc["pitr", "preconditions"] if each.startswith(told)]
    assert bool(found.loc["pitr", "feasible"]) is told.startswith("ok")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("wal_g", 'wal-g backup-fetch "${NEW:?}" b1'),
        ("barman", 'barman recover --target-xid=742 --exclusive --target-action=promote main b1 "${NEW:?}"'),
        ("pgbackrest", 'pgbackrest --stanza=main --set=b1 --pg1-path="${NEW:?}" --type=xid --target=742'),
    ],
)
def test_each_backup_tool_is_called_by_its_own_words(make_table, make_evidence, kind, told):
    _, found = options(make_table, make_evidence, GONE, backups=[BASE | {"kind": kind, "stanza": "main"}])
    assert [line for line in found.loc["pitr", "commands"] if line.startswith(told)]


def test_what_the_log_says_of_imports_is_told_with_its_line(make_table, make_evidence):
    texts = ["COPY s.orders FROM '/srv/in/orders 1.csv'", "COPY s.orders FROM '/srv/in/orders_2.csv' CSV",
             "INSERT INTO s.orders VALUES (1)", "INSERT INTO s.users VALUES (1)"]  # fmt: skip
    events = [{"file": "pg.log", "line": number, "at": NOTICED, "kind": "statement", "statement": text}
              for number, text in enumerate(texts, 1)]  # fmt: skip
    events.append({**events[2], "line": 9, "severity": "ERROR", "outcome": "failed"})  # which put no row in
    _, found = options(make_table, make_evidence, GONE, log_events=events)
    assert "/srv/in/orders_2.csv (pg.log:2)" in found.loc["reload_sources", "why"]
    assert "3 statements" in found.loc["log_replay", "why"]
    assert "pg.log:1, pg.log:2, pg.log:3" in found.loc["log_replay", "why"]


@pytest.mark.parametrize(
    ("statement", "parameters", "feasible"),
    [
        ("INSERT INTO s.orders (id, note) VALUES (4, 'x')", None, True),
        ("INSERT INTO s.orders (id, note) VALUES ($1, $2)", "$1 = '4', $2 = NULL", True),
        ("INSERT INTO s.orders (id, note) VALUES ($1, $2)", None, None),
        ("INSERT INTO s.orders (id, note) VALUES (4, '***')", None, None),
        ("INSERT INTO s.orders (note) VALUES ('x')", None, None),
        ("INSERT INTO s.orders (id, note) VALUES (4, upper('x'))", None, None),
        ("INSERT INTO s.orders (id, note) VALUES (4, 'x') ON CONFLICT DO NOTHING", None, None),
        ("INSERT INTO s.orders (id, made) VALUES (4, 'x')", None, None),
        ("INSERT INTO s.orders (id, other) VALUES (4, 'x')", None, None),
    ],
)
def test_only_what_the_log_tells_whole_is_printed_to_be_written_again(
    make_table, make_evidence, statement, parameters, feasible
):
    own = [{"table_oid": 16404, "position": at, "name": name, "type": "text", "dropped": False, "generated": made}
           for at, (name, made) in enumerate([("id", None), ("note", None), ("made", "s")], 1)]  # fmt: skip
    key = [{"oid": 1, "name": "k", "kind": "primary_key", "table_oid": 16404, "columns": ["id"]}]
    events = [{"file": "pg.log", "line": 1, "kind": "statement", "statement": statement, "parameters": parameters}]
    _, found = options(make_table, make_evidence, GONE, log_events=events, columns=own, constraints=key)
    told = found.loc["log_replay"]
    assert (told["feasible"] if feasible else pd.isna(told["feasible"])) == True  # noqa: E712 a nullable boolean
    assert any("VALUES ('4', " in line for line in told["commands"]) == bool(feasible)


def test_a_line_break_in_a_name_ends_no_remark_among_the_commands(make_table, make_evidence):
    names = ["outbox\nrm -r .", "alembic_version", "orders"]
    tables = [make_table(name, 16404 + at, **GONE) for at, name in enumerate(names)]
    evidence = make_evidence(tables)
    for frame, key in (("relations", "schema"), ("columns", "name")):
        evidence[frame][key] = evidence[frame][key] + "\ntouch x"
    lost = Loss(frozenset(("truncate",)), tuple(f"s\ntouch x.{name}" for name in names), 9, 0, 742, None)
    told = [*merging.bring_back(lost, evidence, "", lost.tables), *merging.out_of_salvage(lost, lost.tables, evidence)]
    remarks = [line for line in told if line.startswith(("#", "-- "))]
    assert sum("outbox" in line for line in remarks) == 2
    assert sum("alembic_version" in line for line in remarks) == 2
    assert not [line for line in remarks if "\n" in line]


def test_a_managed_service_restores_to_the_second_before_the_loss(make_table, make_evidence):
    settings = [{"name": "rds.extensions", "value": "x"}]
    _, found = options(
        make_table, make_evidence, GONE, settings=settings, wal_transactions=[ENDED], wal_changes=[REMOVED]
    )
    line, *more = found.loc["managed_service", "commands"]
    assert any('--host="${RESTORED:?}"' in each for each in more)  # and goes on: the rows come back from there
    assert line.startswith("aws rds restore-db-instance-to-point-in-time ")
    assert line.endswith("--restore-time 2025-10-08T10:37:28Z")


def test_no_way_back_commits_without_a_word_on_what_to_look_at_first() -> None:
    modules = Path(renamed_ways.__file__).parent.glob("*_ways.py")
    assert not [each.name for each in modules if '"COMMIT;"' in each.read_text("utf-8")]


@pytest.mark.parametrize(("first", "older"), [("0/1000028", False), ("0/2000028", True), ("1/1000028", True)])
def test_only_what_stands_not_is_gained_and_nothing_is_older_than_a_whole_wal(make_evidence, first, older) -> None:
    row = {"oid": 7, "status": "partial", "mechanism": "restore", "actual_rows": 560, "old_rows_left": None}
    evidence = make_evidence(
        [],
        wal_files=wal(1, 2),
        wal_spans=[{"from_lsn": first, "how": "files"}],
        wal_rows=[{"table_oid": 7, "filenode": 7, "rows": 640}],
    )
    lost = Loss(frozenset({"restore"}), ("s.a",), 0, 0, None, None, missing={"s.a": None}, found={"s.a": row})
    found = remains_ways.wal_content(lost, Target(), evidence)
    assert found["rows"] == 80  # 640 - 560
    assert "about 80 of them do not stand now (s.a 80)" in found["why"]
    assert ("loaded before the oldest WAL file" in found["brings_not"]) is older


def test_dead_rows_are_those_of_the_tables_named_and_no_row_of_an_undone_load(make_evidence) -> None:
    facts = {"mechanism": "delete", "status": "wiped"}
    found = {
        "s.sent": {**facts, "oid": 7, "_dead": 131, "deletes": 128, "missing_rows": 128},  # three inserts rolled back
        "s.draft": {
            "mechanism": "truncate",
            "status": "wiped",
            "oid": 8,
            "_dead": 1,
            "deletes": 0,
            "missing_rows": 820,
        },
        "s.crashed": {**facts, "oid": 9, "_dead": 40, "deletes": 0, "missing_rows": None},
    }
    missing = {name: row["missing_rows"] for name, row in found.items()}
    lost = Loss(frozenset({"delete", "truncate"}), tuple(found), 948, 172, None, None, missing=missing, found=found)
    told = remains_ways.dead_rows(lost, Target(), make_evidence([]))
    assert told["tables"] == ("s.sent", "s.crashed")
    assert told["rows"] == 128 + 40
    assert told["why"].startswith("168 dead rows are counted")


def test_rows_that_wait_for_their_parents_are_no_best_way_back(make_table, make_evidence) -> None:
    tables = [make_table(name, 16404 + at, **GONE) for at, name in enumerate(("people", "orders"))]
    held = [{"table_oid": 16405, "filenode": 16405, "rows": 143}]
    more = {"wal_files": wal(7, 8), "wal_spans": [{"from_lsn": "0/7000028", "how": "files"}], "wal_rows": held}
    keys = [("orders", "people", "no_action")]
    found = analyse.investigate(make_evidence(tables, reported=["people", "orders"], keys=keys, **more)).recovery
    options = found.set_index("option")
    assert pd.isna(options.loc["wal", "feasible"])
    assert options.loc["wal", "rows"] == 0
    assert options.loc["backup", "order"] < options.loc["wal", "order"] < options.loc["reload_sources", "order"]
    assert "143 rows are in it, none of them surely goes in now" in options.loc["wal", "why"]
    assert "in this order: s.people, s.orders" in options.loc["wal", "why"]
    assert options.loc["wal", "brings_not"].startswith("143 rows that are in it, as long as the rows of s.people")
    shown = str(outlook.way_back(found, schemas.empty("findings"), "UTC"))
    assert "by itself brings 0 rows, not even the 143 rows that are in it" in shown
    # With the parents in the WAL, too, all of them go in.
    more["wal_rows"] = [*held, {"table_oid": 16404, "filenode": 16404, "rows": 143}]
    found = analyse.investigate(make_evidence(tables, reported=["people", "orders"], keys=keys, **more)).recovery
    assert found["option"].iloc[0] == "wal"
    assert found["rows"].iloc[0] == 286


def test_a_dump_without_the_parents_follows_one_that_has_them(make_evidence) -> None:
    names = ("s.people", "s.orders")
    found = {name: {"status": "wiped", "mechanism": "truncate", "missing_rows": 40} for name in names}
    lost = Loss(frozenset({"truncate"}), names, 80, 0, None, None, missing=dict.fromkeys(names, 40), found=found)
    relations = [
        {"oid": at, "schema": "s", "name": name, "kind": "table"} for at, name in enumerate(("people", "orders"))
    ]
    key = {"kind": "foreign_key", "table_oid": 1, "referenced_oid": 0, "columns": ("p",), "referenced_columns": ("id",)}
    keys = schemas.frame("constraints", [{**key, "oid": 9, "name": "k"}])
    evidence = make_evidence([]) | {"relations": schemas.frame("relations", relations), "constraints": keys}
    half = shelf.Judged({"file": "orders.dump"}, True, "it holds 40 rows", None, {"s.orders": 40})
    brings = dump_ways.brought(lost, half, evidence)
    assert (brings.rows, brings.waits, brings.feasible(True)) == (0, 40, None)
    whole = shelf.Judged({"file": "all.dump"}, True, "it holds 80 rows", None, {"s.people": 40, "s.orders": 40})
    brings = dump_ways.brought(lost, whole, evidence)
    assert (brings.rows, brings.waits, brings.feasible(True)) == (80, 0, True)


def test_the_dump_that_was_restored_is_no_way_back_from_its_restore(make_evidence) -> None:
    at = pd.Timestamp("2025-10-08T10:00:00Z")
    restored = {"status": "partial", "mechanism": "restore", "missing_rows": None}
    found = {"s.bills": {**restored, "actual_rows": 500, "old_rows_left": 500, "inserts": 500},
             "s.paid": {**restored, "actual_rows": 400, "old_rows_left": 400, "inserts": 401}}  # fmt: skip
    lost = Loss(frozenset({"restore"}), tuple(found), 0, 0, None, at, missing=dict.fromkeys(found), found=found)
    dumps = {"12 days old": ("s", {"bills": 500, "paid": 400}), "last night": ("s", {"bills": 500, "paid": 460})}
    backups = [{**DUMP, "file": name, "began_at": at - pd.Timedelta("1D")} for name in dumps]
    tables = [{"file": name, "schema": schema, "table": table, "rows": count, "whole": True}
              for name, (schema, counts) in dumps.items() for table, count in counts.items()]  # fmt: skip
    evidence = make_evidence([], backups=backups, backup_tables=tables)
    first, other = shelf.judge(lost, Target(), evidence)
    assert (first.row["file"], first.usable, first.restored) == ("last night", True, ())
    assert (other.row["file"], other.usable, other.restored) == ("12 days old", False, ("s.bills", "s.paid"))
    assert "edited ones are as they were then" in other.says
    assert dump_ways.brought(lost, first, evidence).rows == 60
    # Alone it leaves a newer one to be asked for.
    told = dump_ways.backup(lost, [other], evidence)
    assert told["feasible"] is None
    assert told["why"].endswith("Ask for a newer one, older than 2025-10-08 10:00:00 UTC")
    # Of a table that was emptied otherwise it brings rows all the same, and of no other.
    emptied = {"status": "wiped", "mechanism": "truncate", "missing_rows": 70, "actual_rows": 0}
    more = replace(lost, tables=(*lost.tables, "s.notes"), found={**found, "s.notes": emptied},
                   missing={**lost.missing, "s.notes": 70})  # fmt: skip
    whole = [*tables, {"file": "12 days old", "schema": "s", "table": "notes", "rows": 70, "whole": True}]
    found = dump_ways.backup(more, shelf.judge(more, Target(), evidence | {
        "backups": schemas.frame("backups", backups[:1]), "backup_tables": schemas.frame("backup_tables", whole)
    }), evidence)  # fmt: skip
    assert (found["feasible"], found["rows"], found["tables"]) == (True, 70, ("s.notes",))
    assert "s.paid (all that is newer than the restored rows)" in found["brings_not"]
