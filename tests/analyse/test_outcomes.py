"""One end for each statement, wherever it is told of, and its rows where the counters have them."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse import outcomes
from triage_kit.analyse.statements import Seen

AT = pd.Timestamp("2025-10-08T09:00:00Z")
EMPTIED = {"rows": 0, "live": 0, "heap": 0, "filenode": 24600, "xmin": 742}


def ran(text: str, line: int = 3, **more) -> dict:
    return {"file": "a.log", "line": line, "pid": 7, "at": AT, "severity": "LOG", "database": "d", "role": "ada",
            "kind": "statement", "statement": text, "message": f"statement: {text}", "outcome": "unknown",
            **more}  # fmt: skip


def counted(text: str, rows: int, calls: int = 1, role: str = "ada") -> dict:
    return {"query_id": "1", "database": "d", "role": role, "text": text, "calls": calls, "rows": rows}


def test_what_did_it_ended_alike_in_every_list_of_the_page(make_table, make_evidence):
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]
    deed, other = ran("TRUNCATE s.notes"), ran("DELETE FROM s.users WHERE id < 0", line=4)
    found = analyse.investigate(make_evidence(
        tables, reported=["notes"], log_events=[deed, other], statements=[counted("TRUNCATE s.notes", 0)],
        settings=[{"name": "log_statement", "value": "mod"}]))  # fmt: skip
    assert found.culprits["evidence"].map(len).sum()  # the state of the table shows that it was carried out
    listed = found.statements[found.statements["text"] == "TRUNCATE s.notes"]
    assert listed["outcome"].tolist() == ["carried_out", "carried_out"]  # the log's, and the counters'
    told = found.timeline[found.timeline["kind"] == "statement"]["text"].tolist()
    assert told == ["carried out: TRUNCATE s.notes", "outcome unknown: DELETE FROM s.users WHERE id < 0"]
    assert found.sessions["did"].iloc[0] == tuple(told)


@pytest.mark.parametrize(("entry", "removed"), [
    (counted("DELETE FROM s.notes WHERE id < $1", 0), "0 rows, as the server counted"),
    (counted("DELETE FROM s.notes WHERE id < $1", 40), "40 rows, as the server counted"),
    (counted("DELETE FROM s.notes WHERE id < $1", 0, calls=9), "0 rows, as the server counted"),
    # 40 rows in nine calls: which took them is not known. Another role's statement is another one.
    (counted("DELETE FROM s.notes WHERE id < $1", 40, calls=9), "rows: how many is not logged"),
    (counted("DELETE FROM s.notes WHERE id < $1", 0, role="bob"), "rows: how many is not logged"),
    # As many rows as a DO block has whatever it did.
    (counted("DO $$ BEGIN DELETE FROM s.notes; END $$", 0), "rows: how many is not logged"),
])  # fmt: skip
def test_the_rows_of_a_statement_are_what_the_counters_have_of_it(make_table, make_evidence, entry, removed):
    evidence = make_evidence(
        [make_table("notes", 16404)], log_events=[ran("DELETE FROM s.notes WHERE id < 12")], statements=[entry]
    )
    told = analyse.investigate(evidence).statements
    assert told[told["at"].notna()]["removed"].tolist() == [removed]


def test_counters_end_as_the_logged_statement_of_their_shape(make_table, make_evidence):
    done = ran("DELETE FROM s.notes WHERE id < 7;", outcome="committed")
    entries = [counted(text, 6) for text in ("DELETE FROM s.notes WHERE id < $1", "DELETE FROM s.notes WHERE n = $1")]
    evidence = make_evidence([make_table("notes", 16404)], log_events=[done], statements=entries)
    told = analyse.investigate(evidence).statements
    assert dict(zip(told["text"], told["outcome"], strict=True)) == {
        "DELETE FROM s.notes WHERE id < 7;": "committed",
        "DELETE FROM s.notes WHERE id < $1": "committed",
        "DELETE FROM s.notes WHERE n = $1": "unknown",
    }


def test_more_runs_than_the_counters_have_calls_were_not_all_counted(make_table, make_evidence):
    runs = [ran("DELETE FROM s.notes WHERE id < 1"), ran("DELETE FROM s.notes WHERE id < 2", line=4)]
    told = analyse.investigate(make_evidence([make_table("notes", 16404)], log_events=runs,
                               statements=[counted("DELETE FROM s.notes WHERE id < $1", 0)])).statements  # fmt: skip
    assert set(told[told["at"].notna()]["removed"]) == {"rows: how many is not logged"}


def test_a_text_that_ended_in_two_ways_keeps_what_the_log_says_in_its_session():
    seen = [Seen("delete", "s.a", None, False, outcome, AT, "ada", None, "DELETE FROM s.a", None, f"E{n}", f"a.log:{n}",
                 pid=7) for n, outcome in enumerate(("committed", "unknown"))]  # fmt: skip
    session = {"pid": 7, "seen_from": AT, "seen_to": AT, "did": ("outcome unknown: DELETE FROM s.a",)}
    one = schemas.frame("sessions", [session])
    assert outcomes.retold(one, seen)["did"].iloc[0] == session["did"]
    assert outcomes.retold(one, seen[:1])["did"].iloc[0] == ("committed: DELETE FROM s.a",)
