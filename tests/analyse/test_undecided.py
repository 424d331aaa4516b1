"""What a case that nothing settles asks and proposes, and what it calls missing."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse import provenance

RESTORED = {"rows": 40, "inserts": 40, "live": 40, "insv": 40, "filenode": 99999, "xmin": 900, "created": 900}


def undecided(make_table, make_evidence):
    """People miss rows of a table that is nowhere in this database."""
    found = analyse.investigate(make_evidence([make_table("kept", 16420)], reported=["elsewhere.open"]))
    assert found.findings.set_index("table").loc["open", "status"] == "undecided"
    return found


def test_an_undecided_case_asks_who_ran_a_restore_and_says_what_would_show_it(make_table, make_evidence):
    found = undecided(make_table, make_evidence)
    asked = found.decisions.iloc[-1]
    assert "a restore, a deployment, a job or a script before 2025-10-08 10:37:29 UTC" in asked["decision"]
    assert "what would show it: " in asked["why"]
    step = next(row for row in found.next_steps.itertuples() if row.step.startswith("Ask "))
    assert asked["who"].split(", ")[0] in step.step
    assert "what would show it: " in step.why
    known = set(found.evidence["id"])
    for proof in (asked["because"], step.because):
        assert proof
        assert set(proof) <= known


def test_where_nothing_is_settled_no_step_speaks_of_damaged_tables(make_table, make_evidence):
    found = undecided(make_table, make_evidence)
    said = " ".join([*found.freeze["action"], *found.freeze["why"], *found.next_steps["step"]])
    assert "damaged" not in said
    assert "the tables in question" in said


@pytest.mark.parametrize(
    ("status", "libraries", "asked"),
    [("unavailable", "", False), ("unavailable", "pg_stat_statements", True), ("refused", "", True)],
)
def test_statements_are_not_sought_where_the_extension_is_not_installed(
    make_table, make_evidence, status, libraries, asked
):
    # What a restore leaves looks like a first load: statements that were kept would tell the two apart.
    tables = [make_table("open", 99999, tuples=-1.0, analyzes=0, **RESTORED), make_table("kept", 16420)]
    found = analyse.investigate(make_evidence(tables, reported=["open"],
        questions=[{"source": "statements", "status": status, "reason": "r", "costs": "c"}],
        settings=[{"name": "shared_preload_libraries", "value": libraries}]))  # fmt: skip
    assert found.next_tests["command"].str.contains("pg_stat_statements").any() == asked


@pytest.mark.parametrize(("committed", "costs"), [(True, "nothing here"), (False, "the exact time")])
def test_a_clock_is_no_gap_where_every_loss_is_dated_by_its_commit(committed, costs):
    questions = schemas.frame("questions", [{"source": "log", "status": "answered"},
        {"source": "commit_times", "status": "unavailable", "reason": "off", "costs": "the exact time"}])  # fmt: skip
    at = pd.Timestamp("2025-10-08T10:00:00Z") if committed else None
    groups = schemas.frame("groups", [{"group": "G1", "committed_at": at, "dated_by": "commit record"}])
    nobody = schemas.empty("culprits")
    told = provenance.gaps(questions, groups, schemas.empty("log_sources"), nobody).set_index("source")["costs"]
    assert told["commit_times"].startswith(costs)


@pytest.mark.parametrize(("second", "missed"), [(5, True), (3, False)])
def test_a_log_that_begins_after_the_loss_is_a_gap(second, missed):
    questions = schemas.frame("questions", [{"source": "log:a.log", "status": "answered"}])
    groups = schemas.frame("groups", [{"group": "G1", "committed_at": pd.Timestamp("2025-10-08T10:00:04Z")}])
    read = [
        {"file": name, "first_at": pd.Timestamp(f"2025-10-08T10:00:0{at}Z")} for name, at in (("a", second), ("b", 9))
    ]
    told = provenance.gaps(questions, groups, schemas.frame("log_sources", read), schemas.empty("culprits"))
    assert told["source"].tolist() == (["logs"] if missed else [])
    assert (
        told["reason"].str.contains("begins at 2025-10-08 10:00:05.000000 UTC, after a loss").tolist()
        == [True] * missed
    )


@pytest.mark.parametrize(("text", "costs"), [
    ("DELETE FROM a WHERE b < $1", "the values of the statement that was seen, its session"),
    (None, "which statement it was, who ran it"),
])  # fmt: skip
def test_a_late_log_costs_no_statement_that_another_source_holds(text, costs):
    at = pd.Timestamp("2025-10-08T10:00:04Z")
    questions = schemas.frame("questions", [{"source": "log:a.log", "status": "answered"}])
    groups = schemas.frame("groups", [{"group": "G1", "committed_at": at}])
    read = schemas.frame("log_sources", [{"file": "a", "first_at": at + pd.Timedelta("1s")}])
    did = schemas.frame("culprits", [{"group": "G1", "text": text}])
    assert provenance.gaps(questions, groups, read, did)["costs"][0] == f"{costs}, and who else was connected then"


def test_operations_that_undo_are_told_from_those_that_the_findings_count(make_table, make_evidence):
    told = {"path": "m.py", "line": 1, "operation": "create_table", "object": "x"}
    evidence = make_evidence([make_table("kept", 16420)], migrations=[{"path": "m.py", "tool": "alembic"}],
        migration_operations=[{**told, "direction": way} for way in ("up", "up", "down")])  # fmt: skip
    read = provenance.coverage(evidence).set_index("source").loc["migrations", "read"]
    assert read.startswith("1 file with 3 operations (2 forward, 1 back); ")
