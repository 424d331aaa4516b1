"""Which transactions took rows, and who sent them: from the WAL with the log, or from the log alone."""

import pandas as pd

from triage_kit.analyse import investigate
from triage_kit.analyse.records import Change, Records

AT = pd.Timestamp("2025-10-08T09:00:00Z")
DATABASE = {"database_oid": 5}


def second(number: float) -> pd.Timestamp:
    return AT + pd.Timedelta(seconds=number)


def said(number: float, role: str, text: str, **more: object) -> dict:
    return {
        "at": second(number),
        "severity": "LOG",
        "kind": "statement",
        "statement": text,
        "role": role,
        "outcome": "committed",
        "file": "l",
        "line": int(number) + 1,
        **more,
    }


def in_wal(xid: int, number: float, rows: int) -> tuple[dict, dict]:
    ended = {
        "xid": xid,
        "outcome": "committed",
        "ended_at": second(number),
        "lsn": f"0/{xid}",
        "source": "w",
        **DATABASE,
    }
    return ended, {"xid": xid, "table_oid": 100, "operation": "delete", "rows": rows, **DATABASE}


def transactions(build, table, wal=(), log=()) -> list[tuple]:
    rows = table("notes", 100, deletes=143, live=0, rows=0, heap=16384)
    evidence = build(
        [rows],
        reported=["notes"],
        wal_transactions=[ended for ended, _ in wal],
        wal_changes=[change for _, change in wal],
        log_events=list(log),
    )
    found = investigate(evidence).removals
    return [(row.xid, row.rows, row.role) for row in found.astype(object).where(found.notna(), None).itertuples()]


def test_a_line_goes_with_the_transaction_that_committed_while_it_ran(make_evidence, make_table):
    wal = [in_wal(801, 5.2, 100), in_wal(802, 60.4, 43)]
    log = [said(5, "a", "DELETE FROM s.notes WHERE id < 101"), said(60, "b", "DELETE FROM s.notes")]
    assert transactions(make_evidence, make_table, wal, log) == [(801, 100, "a"), (802, 43, "b")]


def outcomes(build, table, wal=(), log=()) -> dict[str, str]:
    """What the list of statements and the timeline say became of each, which must be the same."""
    rows = table("notes", 100, deletes=143, live=0, rows=0, heap=16384)
    found = investigate(build(
        [rows], reported=["notes"], wal_transactions=[ended for ended, _ in wal],
        wal_changes=[change for _, change in wal], log_events=list(log),
    ))  # fmt: skip
    told = dict(zip(found.statements["text"], found.statements["outcome"], strict=True))
    lane = " ".join(found.timeline.loc[found.timeline["kind"] == "statement", "text"])
    assert all(("committed: " + text in lane) == (word == "committed") for text, word in told.items()), lane
    return told


def test_a_statement_of_which_only_the_wal_has_the_commit_is_committed(make_evidence, make_table):
    text = "DELETE FROM s.notes"
    by_xid = [said(5, "a", text, outcome="unknown", xid=801)]
    assert outcomes(make_evidence, make_table, [in_wal(801, 90, 143)], by_xid) == {text: "committed"}
    by_time = [said(5, "a", text, outcome="unknown")]
    assert outcomes(make_evidence, make_table, [in_wal(801, 5.2, 143)], by_time) == {text: "committed"}
    # That commit is another's or a late one: only the state of the table, which is empty, speaks of this statement.
    assert outcomes(make_evidence, make_table, [in_wal(801, 90, 143)], by_time) == {text: "carried_out"}


def test_a_statement_whose_transaction_the_wal_has_rolled_back_took_nothing(make_evidence, make_table):
    ended, change = in_wal(801, 5.2, 143)
    log = [said(5, "a", "DELETE FROM s.notes", outcome="unknown", xid=801)]
    wal = [({**ended, "outcome": "rolled_back"}, change)]
    assert outcomes(make_evidence, make_table, wal, log) == {"DELETE FROM s.notes": "rolled_back"}


def test_two_lines_of_one_moment_name_nobody(make_evidence, make_table):
    wal = [in_wal(801, 5.2, 100), in_wal(802, 5.4, 43)]
    log = [said(5, "a", "DELETE FROM s.notes WHERE id < 101"), said(5, "b", "DELETE FROM s.notes")]
    assert transactions(make_evidence, make_table, wal, log) == [(801, 100, None), (802, 43, None)]


def test_the_xid_of_a_line_says_it_whatever_the_time(make_evidence, make_table):
    wal = [in_wal(801, 5.2, 100), in_wal(802, 5.4, 43)]
    log = [
        said(5, "b", "DELETE FROM s.notes", xid=802),
        said(5, "a", "DELETE FROM s.notes WHERE id < 101", xid=801),
    ]
    assert transactions(make_evidence, make_table, wal, log) == [(801, 100, "a"), (802, 43, "b")]


def test_the_log_alone_names_what_it_saw_commit(make_evidence, make_table):
    log = [
        said(5, "a", "DELETE FROM s.notes WHERE id < 101"),
        said(6, "c", "DELETE FROM s.notes", outcome="rolled_back"),
        said(60, "b", "DELETE FROM s.notes"),
    ]
    assert transactions(make_evidence, make_table, log=log) == [(None, None, "a"), (None, None, "b")]


def test_of_deletes_before_the_window_none_counts_where_there_are_later_ones():
    def deleted(*moments: float) -> list[int]:
        changes = tuple(Change(int(at) + 500, "delete", 9, "committed", second(at), "0/1", "w") for at in moments)
        return [each.xid for each in Records({100: changes}).deleting(100, since=AT)]

    assert deleted(-60, 0, 60) == [500, 560]
    assert deleted(-60, -30) == [440, 470]  # all that is known of
