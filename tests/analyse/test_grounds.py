"""Every sentence rests on an evidence row: events, foreign keys, ways back, migration files, decisions."""

from __future__ import annotations

from dataclasses import replace

import claims
import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse import grounds
from triage_kit.analyse.ledger import Ledger

GONE = {"rows": 0, "live": 0, "insv": 0, "filenode": 24600, "heap": 0, "pkey": 8192, "xmin": 742, "tuples": -1.0}


@pytest.fixture
def emptied(make_table, make_evidence) -> analyse.Investigation:
    """Two tables of which one TRUNCATE … CASCADE took the rows, tied by a key without CASCADE."""
    tables = [make_table("parent", 16400, **GONE), make_table("child", 16410, **GONE), make_table("kept", 16420)]
    return analyse.investigate(make_evidence(tables, keys=[("child", "parent", "no_action")], reported=["child"]))


def test_every_event_key_way_step_advice_and_decision_names_an_evidence_row(emptied) -> None:
    found = emptied
    known = set(found.evidence["id"])
    assert set(found.findings.set_index("table").loc[["parent", "child"], "status"]) == {"wiped"}
    assert set(found.timeline["evidence"]) <= known
    assert set(found.foreign_keys["evidence"]) <= known
    for frame in (found.recovery, found.decisions, found.freeze, found.recommendations):
        assert len(frame)
    assert claims.unproved(found) == []


def test_a_claim_without_proof_is_noticed(emptied) -> None:
    bare = replace(emptied, freeze=emptied.freeze.assign(because=[()] * len(emptied.freeze)))
    assert len(claims.unproved(bare)) == len(emptied.freeze)
    told = replace(emptied, next_steps=emptied.next_steps.assign(because=[()] * len(emptied.next_steps)))
    assert claims.unproved(told)
    strange = replace(emptied, recommendations=emptied.recommendations.assign(
        because=[("E99999",)] * len(emptied.recommendations)))  # fmt: skip
    assert len(claims.unproved(strange)) == len(emptied.recommendations)


def test_an_evidence_row_says_where_it_was_read(emptied) -> None:
    evidence = emptied.evidence
    assert evidence["source"].str.len().min() > 0
    keys = evidence[evidence["source"] == "pg_constraint"]
    assert "s.child references s.parent, ON DELETE NO ACTION" in set(keys["says"])


def test_a_flood_of_events_is_cited_up_to_a_bound_and_no_statement_is_left_out() -> None:
    start = pd.Timestamp("2025-10-07T18:00:00Z")
    rows = [{"at": start + pd.Timedelta(seconds=n), "kind": "error", "source": "a.log", "text": str(n)}
            for n in range(2000)]  # fmt: skip
    rows += [{"at": start + pd.Timedelta(hours=9), "kind": "statement", "source": f"a.log:{n}", "text": "TRUNCATE t"}
             for n in range(700)]  # fmt: skip
    told = grounds.of_events(schemas.frame("timeline", rows), {}, Ledger())
    assert told.groupby("kind")["evidence"].count().to_dict() == {"error": grounds.MOST_EVENTS, "statement": 700}


def test_who_must_decide_what_names_the_service_and_the_way_back(emptied) -> None:
    found = emptied
    assert found.decisions["order"].tolist() == list(range(1, len(found.decisions) + 1))
    assert found.decisions["who"].iloc[0] == "the owner of the application"
    assert any("ways back" in words or "way back" in words for words in found.decisions["decision"])


def test_nothing_lost_asks_nobody_to_decide(make_table, make_evidence) -> None:
    found = analyse.investigate(make_evidence([make_table("kept", 16420)]))
    assert found.decisions.empty


def test_an_investigation_shows_its_verdict_and_its_frames_escaped(make_table, make_evidence) -> None:
    evil = make_table("<b>x</b>", 16400, **GONE)
    shown = analyse.investigate(make_evidence([evil, make_table("kept", 16420)]))
    page = shown._repr_html_()
    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page
    assert "<code>findings</code>\u00a0(2)" in page
    assert repr(shown).startswith("<investigation: 1 of 2 tables")
