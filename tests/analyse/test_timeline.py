"""What the story says: in which order, what was tried and failed, what was loaded, and what a loss is called."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit.analyse import investigate, timeline
from triage_kit.analyse.groups import Group


@pytest.mark.parametrize(("mechanism", "status", "said"), [
    ("hidden", "hidden", "G1: rows of 2 tables are hidden (dated by the case)"),
    ("update", "hidden", "G1: rows of 2 tables are hidden by update (dated by the case)"),
    ("recreate", "partial", "G1: 2 tables lose rows by being made anew (dated by the case)"),
    ("cascade_delete", "partial", "G1: 2 tables lose rows by cascade delete (dated by the case)"),
])  # fmt: skip
def test_rows_that_stand_are_called_hidden(mechanism: str, status: str, said: str) -> None:
    tables = ("s.a", "s.b")
    group = Group("G1", mechanism, tables, tables, tables, None, None, "the same mechanism")
    hidden = set(tables) if status == "hidden" else set()
    when = {"G1": {"lost_to": pd.Timestamp("2026-01-01T00:00:00Z"), "dated_by": "the case"}}
    assert [event["text"] for event in timeline._losses([group], when, hidden)] == [said]


AT = "2025-10-07T20:00:00Z"


def said(make_table, make_evidence, *lines, **more):
    """The story of a table that lost every row, as time and text, with its log lines at one instant."""
    evidence = make_evidence([make_table("a", 1, rows=0, heap=0, filenode=99)], log_events=[
        {"file": "p.log", "line": n, "pid": 7, "at": AT, "role": "ada", "database": "d", **each}
        for n, each in lines])  # fmt: skip
    return investigate(evidence | more)


def ran(text, **more):
    return {"kind": "statement", "severity": "LOG", "message": f"statement: {text}", "statement": text, **more}


def test_lines_of_one_instant_stand_as_their_file_has_them(make_table, make_evidence) -> None:
    late, early = "TRUNCATE s.a", "DELETE FROM s.a"
    found = said(
        make_table, make_evidence, (105, ran(late, outcome="committed")), (71, ran(early, outcome="committed"))
    )
    assert [row.source for row in found.timeline.itertuples() if row.kind == "statement"] == ["p.log:71", "p.log:105"]
    assert found.statements["source"].tolist() == ["p.log:71", "p.log:105"]


def test_an_attempt_that_the_log_holds_twice_is_told_once_with_why_it_failed(make_table, make_evidence) -> None:
    text = "TRUNCATE s.a"
    error = {"kind": "error", "severity": "ERROR", "message": "cannot truncate it", "statement": text}
    found = said(make_table, make_evidence, (1, ran(text, outcome="failed")), (2, error), (3, error | {"pid": 8}))
    assert found.statements[["pid", "message"]].to_numpy().tolist() == [
        [7, "cannot truncate it"],
        [8, "cannot truncate it"],
    ]
    assert found.timeline["kind"].tolist().count("statement") == 2
    assert "error" not in set(found.timeline["kind"])


def test_a_load_of_a_lost_table_is_told_with_who_loaded_it(make_table, make_evidence) -> None:
    copy = ran("COPY s.a (id) FROM stdin;", application="pg_restore", outcome="committed")
    found = said(make_table, make_evidence, (1, copy), (2, ran("COPY s.b FROM stdin", outcome="committed")))
    [load] = found.timeline[found.timeline["kind"] == "statement"]["text"]
    assert load == "committed: COPY into s.a, role ada, application pg_restore, database d"
    assert found.sessions["loads"].tolist() == [2]
    assert len(timeline._sessions(found.sessions)) == 1


def test_a_way_back_is_not_called_applied(make_table, make_evidence) -> None:
    both = [{"path": f"m/1_a.{way}.sql", "tool": "golang-migrate", "revision": "1", "created_at": AT, "parents": ()}
            for way in ("up", "down")]  # fmt: skip
    noted = [
        {"tool": "schema_migrations", "schema": "s", "table": "schema_migrations", "version": "1", "applied_at": AT}
    ]
    evidence = make_evidence([make_table("a", 5)], migrations=both, version_tables=noted, commits=[
        {"sha": "1" * 40, "committed_at": AT, "author": "ada", "paths": [each["path"] for each in both]}])  # fmt: skip
    story = investigate(evidence).timeline
    told = story.loc[story["source"] == "m/1_a.down.sql", "text"].tolist()
    assert told == ["the way back of migration 1 entered the repository (no version table tells whether it ran)",
                    "the way back of migration 1 was written:"]  # fmt: skip
    assert "migration 1 was applied" in story.loc[story["source"] == "m/1_a.up.sql", "text"].tolist()
