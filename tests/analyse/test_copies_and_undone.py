"""What looks like a loss and is none: copies in a table's place, deletes that were undone; and what looks like none."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

AT = pd.Timestamp("2025-10-08T09:00:00Z")
LOGS_ALL = {"settings": [{"name": "log_statement", "value": "all"}]}


def said(text: str, seconds: float = 0, **facts) -> dict:
    line = {"file": "a.log", "line": 7 + int(seconds), "severity": "LOG", "database": "d", "pid": 7, "role": "o",
            "kind": "statement", "outcome": "unknown", "application": "psql"}  # fmt: skip
    return {**line, "at": AT + pd.Timedelta(seconds=seconds), "statement": text, **facts}


def script(*texts: str) -> list[dict]:
    return [said(text, seconds) for seconds, text in enumerate(texts)]


SWAP = ("ALTER TABLE s.notes RENAME TO notes_old", "ALTER TABLE s.notes_new RENAME TO notes", "DROP TABLE s.notes_old")
MADE = {"created": 760, "xmin": 760, "filenode": 16700}


@pytest.mark.parametrize(("copy", "status"), [
    ("INSERT INTO s.notes_new SELECT * FROM s.notes ORDER BY id", "intact"),
    ('CREATE TABLE s."notes_new" AS SELECT id, body FROM s.notes', "intact"),
    ("CREATE TABLE s.notes_new AS TABLE s.notes", "intact"),
    ("INSERT INTO s.notes_new SELECT * FROM s.notes WHERE id > 100", "partial"),
    ("INSERT INTO s.notes_new SELECT * FROM s.notes LIMIT 10", "partial"),
    ("INSERT INTO s.notes_new SELECT DISTINCT body FROM s.notes", "partial"),
    ("INSERT INTO s.notes_new SELECT n.id FROM s.notes, s.users", "partial"),
    ("INSERT INTO s.notes_new SELECT * FROM s.drafts", "partial"),
])  # fmt: skip
def test_a_table_in_whose_place_a_copy_of_all_its_rows_stands_lost_none(make_table, make_evidence, copy, status):
    tables = [make_table("notes", 16700, **MADE), *(make_table(name, 16500 + at) for at, name in enumerate("abc"))]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], log_events=script(copy, *SWAP)))
    told = found.findings.set_index("table")["status"]
    assert told["notes"] == status
    assert ("notes_old" in told.index) == (status == "partial")  # what was dropped is missed unless its rows stand
    assert (found.causes.iloc[0]["cause"] == "not_lost") == (status == "intact")


def test_a_delete_of_all_rows_that_stand_was_rolled_back_and_cascaded_nowhere(make_table, make_evidence):
    owners = make_table("owners", 16400, deletes=143, dead=0, mod=143)
    notes = make_table("notes", 16404, deletes=144, rows=142, live=142, dead=1, mod=144)
    more = {"keys": [("notes", "owners", "cascade")], "log_events": [said("DELETE FROM s.owners")]}
    found = analyse.investigate(make_evidence([owners, notes], **more, **LOGS_ALL))
    assert found.findings.set_index("table")["status"].to_dict() == {"owners": "intact", "notes": "intact"}
    assert found.statements["outcome"].tolist() == ["rolled_back"]
    # The same line where the owners are gone: their state shows that it was carried out.
    gone = {**owners, "rows": 0, "live": 0, "dead": 143, "heap": 16384}
    found = analyse.investigate(make_evidence([gone, {**notes, "rows": 0, "live": 0, "deletes": 143}], **more))
    assert set(found.findings["status"]) == {"wiped"}
    assert found.statements["outcome"].tolist() == ["carried_out"]


@pytest.mark.parametrize(("missed", "status"), [(["notes"], "partial"), ([], "intact")])
def test_tests_that_empty_and_fill_a_table_are_no_habit_where_the_same_statement_took_missed_rows(
    make_table, make_evidence, missed, status
):
    emptied = {"filenode": 24600, "xmin": 742, "inserts": 17, "insv": 2, "live": 1, "rows": 1, "mod": 17}
    tables = [make_table("owners", 16400, **emptied),
              make_table("notes", 16404, filenode=24610, xmin=742, insv=0, live=0, rows=0, heap=0),
              make_table("users", 16500)]  # fmt: skip
    log = [said(text, seconds, pid=pid) for seconds, (text, pid) in enumerate([
        ("TRUNCATE s.owners, s.notes", 7), ("INSERT INTO s.owners VALUES (1)", 7),
        ("TRUNCATE s.owners, s.notes", 8), ("INSERT INTO s.owners VALUES (1)", 8),
    ])]  # fmt: skip
    found = analyse.investigate(make_evidence(tables, reported=missed, log_events=log))
    assert found.findings.set_index("table")["status"]["owners"] == status


@pytest.mark.parametrize(("missed", "absent", "listed"), [
    (["rides"], "rides_2025_06", True), (["users"], "rides_2025_06", False),
    (["rides"], "rides_2025_11", False),  # after all that stand: a month that is still to come
    (["rides"], "rides_archive", False),
])  # fmt: skip
def test_a_partition_that_a_statement_asked_for_in_vain_is_missing(make_table, make_evidence, missed, absent, listed):
    parts = [make_table(f"rides_2025_{month:02}", 16410 + month, parent="rides") for month in (7, 8, 9)]
    tables = [make_table("rides", 16400, kind="partitioned"), *parts, make_table("users", 16500)]
    failed = said(f"TABLE s.{absent}", severity="ERROR", kind="error", outcome="failed",
                  subject="undefined_table", message=f'relation "s.{absent}" does not exist')  # fmt: skip
    found = analyse.investigate(make_evidence(tables, reported=missed, log_events=[failed]))
    assert (absent in set(found.findings["table"])) == listed
    if listed:
        row = found.findings.set_index("table").loc[absent]
        assert (row["status"], row["mechanism"]) == ("missing", "partition_drop")


def in_wal(xid: int, deleted: dict[int, int], **more) -> dict[str, list[dict]]:
    ended = {"xid": xid, "outcome": "committed", "ended_at": AT, "lsn": f"0/{xid}", "source": "w", **more}
    changes = [{"xid": xid, "table_oid": oid, "operation": "delete", "rows": rows} for oid, rows in deleted.items()]
    return {"wal_transactions": [ended], "wal_changes": changes}


@pytest.mark.parametrize(("below", "status"), [(100, "partial"), (5, "intact")])
def test_one_row_that_took_most_of_another_table_along_is_no_ordinary_delete(make_table, make_evidence, below, status):
    tables = [make_table("owners", 16400, deletes=1, rows=142, live=142, dead=1, mod=1),
              make_table("notes", 16404, deletes=below, rows=143 - below, live=143 - below, dead=below, mod=below),
              make_table("users", 16500)]  # fmt: skip
    found = analyse.investigate(make_evidence(tables, keys=[("notes", "owners", "cascade")], reported=["notes"],
                                              **in_wal(760, {16400: 1, 16404: below})))  # fmt: skip
    assert found.findings.set_index("table")["status"]["owners"] == status


@pytest.mark.parametrize(("version", "origin", "commit_origin", "seen"), [
    (130023, 1, None, True), (130023, None, None, False), (180006, None, 1, False),
    (130023, "absent", None, None),  # no function tells the origin of a commit timestamp before 14
    (180006, "absent", None, False), (180006, "absent", 1, True),
])  # fmt: skip
def test_a_transaction_came_by_replication_as_its_commit_record_says(
    make_table, make_evidence, version, origin, commit_origin, seen
):
    gone = make_table("notes", 16404, filenode=24600, insv=0, rows=0, heap=0, pkey=8192, xmin=742, live=0, tuples=-1.0)
    wal = {} if origin == "absent" else in_wal(742, {}, origin=origin)
    commits = [{"xid": 742, "committed_at": AT, "origin": commit_origin}]
    evidence = make_evidence([gone, make_table("users", 16500)], reported=["notes"], commit_times=commits, **wal)
    evidence["identity"] = evidence["identity"].assign(version_num=version)
    moved = analyse.investigate(evidence).cause_evidence
    mine = moved[(moved["item"] == "replicated") & (moved["cause"] == "replication")]["decibans"]
    assert (None if mine.empty else bool(mine.iloc[0] > 0)) == seen


def test_what_n_live_tup_says_already_is_not_counted_twice(make_table, make_evidence):
    """As measured on 13 where an apply worker truncated and went on inserting: its counters had not come yet."""
    late = make_table("quotas", 16404, inserts=1246, insv=1246, live=1246, rows=6, heap=8192, filenode=16440, xmin=520,
                      mod=1246, analyzes=0, tuples=0.0)  # fmt: skip
    found = analyse.investigate(make_evidence([late, make_table("users", 16500)], reported=["quotas"]))
    signals = set(found.mechanism_evidence.query("table == 'quotas'")["signal"])
    assert "live_rows" in signals
    assert "inserted_since_vacuum" not in signals
    assert found.findings.set_index("table")["mechanism"]["quotas"] == "truncate"


def test_a_live_count_of_a_session_that_goes_on_does_not_make_a_truncated_table_whole(make_table, make_evidence):
    """Of two tables truncated together one was proven to hold rows; the other's rows may not have been reported yet."""
    owners = make_table("owners", 16400, filenode=24600, xmin=742, inserts=17, insv=17, live=17, rows=None, mod=17,
                        heap=8192, analyzes=0, tuples=-1.0)  # fmt: skip
    notes = make_table("notes", 16404, filenode=24610, xmin=742, insv=0, live=0, rows=None, heap=0, pkey=8192,
                       tuples=-1.0)  # fmt: skip
    tables = [owners, notes, make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, keys=[("notes", "owners", "cascade")], reported=["notes"]))
    row = found.findings.set_index("table").loc["owners"]
    assert row["status"] in ("undecided", "partial")
    assert row["status_probability"] < 0.8


@pytest.mark.parametrize(("vehicle", "bounded", "key", "missed", "status"), [
    ("application", None, None, False, "intact"), ("scheduled_job", None, None, False, "intact"),
    ("test_run", None, None, False, "wiped"), ("migration", None, None, False, "wiped"),
    ("application", None, 16384, False, "wiped"), ("application", None, None, True, "wiped"),
    ("application", True, None, False, "wiped"),
])  # fmt: skip
def test_a_table_without_a_key_that_the_applications_own_code_empties_is_a_staging_table(
    make_table, make_evidence, vehicle, bounded, key, missed, status
):
    feed = make_table("feed_in", 16400, filenode=24600, xmin=742, inserts=156, insv=0, live=0, rows=0, heap=0, pkey=key,
                      mod=156, tuples=-1.0)  # fmt: skip
    operation = "truncate" if bounded is None else "delete"
    code = {"path": "src/rates.kt", "line": 4, "vehicle": vehicle, "kind": "sql", "operation": operation,
            "loses": "rows", "object": "s.feed_in", "bounded": bounded, "text": "TRUNCATE s.feed_in"}  # fmt: skip
    keys = [{"oid": 1 + oid, "table_oid": oid, "name": "pk", "unique": True, "primary": True}
            for oid in (16500, *([16400] if key else []))]  # fmt: skip
    evidence = make_evidence([feed, make_table("users", 16500)], reported=["feed_in"] if missed else [],
                             code_hits=[code], indexes=keys)  # fmt: skip
    assert analyse.investigate(evidence).findings.set_index("table")["status"]["feed_in"] == status


def test_a_table_without_a_key_that_goes_with_the_filling_of_another_is_a_staging_table(make_table, make_evidence):
    feed = make_table("feed_in", 16400, filenode=24600, xmin=742, inserts=156, insv=0, live=0, rows=0, heap=0,
                      pkey=None, mod=156, tuples=-1.0)  # fmt: skip
    rates = make_table("rates", 16404, filenode=24610, xmin=742, inserts=312, insv=156, live=156, rows=156, tuples=-1.0)
    keys = [{"oid": 1, "table_oid": 16404, "name": "pk", "unique": True, "primary": True}]
    told = {}
    for writer in (742, 743):
        wrote = [{"oid": 16404, "oldest_xid": writer, "newest_xid": writer}]
        evidence = make_evidence([feed, rates, make_table("users", 16500)], indexes=keys, row_transactions=wrote)
        told[writer] = analyse.investigate(evidence).findings.set_index("table")["status"]["feed_in"]
    assert told == {742: "intact", 743: "wiped"}


@pytest.mark.parametrize(("missed", "listed"), [(["rides"], True), (["users"], False)])
def test_a_partition_that_was_seen_made_and_stands_no_more_is_missing(make_table, make_evidence, missed, listed):
    parts = [make_table(f"rides_2025_{month:02}", 16410 + month, parent="rides") for month in (8, 9)]
    tables = [make_table("rides", 16400, kind="partitioned"), *parts, make_table("users", 16500)]
    made = [said(f"CREATE TABLE s.rides_2025_{month:02} PARTITION OF s.rides FOR VALUES FROM ('2025-{month:02}-01') TO "
                 f"('2025-{month + 1:02}-01')") for month in (8, 9, 10)]  # fmt: skip
    found = analyse.investigate(make_evidence(tables, reported=missed, log_events=made)).findings.set_index("table")
    assert ("rides_2025_10" in found.index) == listed
    if listed:
        assert found.loc["rides_2025_10", "status"] == "missing"
        assert found.loc["rides", "status"] == "partial"
