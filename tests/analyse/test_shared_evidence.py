"""What tables tell of one another: made anew together, missed with their parent, gone beside what stands."""

from __future__ import annotations

import pandas as pd

from triage_kit import analyse

NEVER_FILLED = {
    "inserts": 0,
    "live": 0,
    "insv": 0,
    "rows": 0,
    "heap": 0,
    "pkey": 8192,
    "analyzes": 0,
    "tuples": -1.0,
    "sequence": None,
    "created": 742,
}


def _row(found: analyse.Investigation, table: str) -> pd.Series:
    return found.findings.set_index("table").loc[table]


def _chance(found: analyse.Investigation, cause: str) -> float:
    return float(found.causes.set_index("cause").loc[cause, "probability"])


def test_a_missed_table_that_was_never_filled_was_made_anew(make_table, make_evidence):
    older = [make_table(name, 16500 + number) for number, name in enumerate(("users", "orders"))]
    notes = make_table("notes", 24600, **NEVER_FILLED)
    found = analyse.investigate(make_evidence([notes, *older], reported=["notes"]))
    assert (_row(found, "notes")["mechanism"], _row(found, "notes")["status"]) == ("recreate", "wiped")


def test_an_unused_table_that_nobody_misses_is_left_alone(make_table, make_evidence):
    older = [make_table(name, 16500 + number) for number, name in enumerate(("users", "orders"))]
    found = analyse.investigate(make_evidence([make_table("notes", 24600, **NEVER_FILLED), *older]))
    assert (_row(found, "notes")["mechanism"], _row(found, "notes")["status"]) == ("none", "intact")


def test_counters_that_leave_more_rows_than_the_file_holds_speak_for_a_loss(make_table, make_evidence):
    facts = {"inserts": 610, "live": 610, "insv": 610, "mod": 610, "rows": None, "filenode": 24600}

    def unharmed(pages: int) -> float:
        notes = make_table("notes", 16404, **facts, heap=pages * 8192)
        found = analyse.investigate(make_evidence([notes, make_table("users", 16500)], reported=["notes"]))
        told = found.mechanism_probabilities
        return float(told[(told["table"] == "notes") & told["mechanism"].isin(["none", "hidden"])]["probability"].sum())

    assert unharmed(pages=1) < 0.15 < unharmed(pages=3)


def test_whole_partitions_do_not_clear_a_parent_that_people_miss_rows_of(make_table, make_evidence):
    parent = make_table("readings", 16400, kind="partitioned")
    leaves = [make_table(f"readings_{year}", 16401 + year, parent="readings") for year in (1, 2)]
    missed = analyse.investigate(make_evidence([parent, *leaves], reported=["readings"]))
    assert (_row(missed, "readings")["status"], _row(missed, "readings")["mechanism"]) == (
        "undecided",
        "partition_drop",
    )
    assert _chance(missed, "not_lost") < 0.5
    assert _row(analyse.investigate(make_evidence([parent, *leaves])), "readings")["status"] == "intact"


def test_a_missed_table_that_is_not_there_is_not_cleared_by_another_that_stands(make_table, make_evidence):
    evidence = make_evidence([make_table("other", 16404, schema="public")], reported=["notes"])
    found = analyse.investigate(evidence)
    assert _row(found, "notes")["status"] == "undecided"
    assert _chance(found, "not_lost") < 0.5


def test_rows_that_the_database_counts_and_no_table_has_tell_that_it_is_the_right_one(make_table, make_evidence):
    evidence = make_evidence([make_table("other", 16404, schema="public")], reported=["notes"])
    evidence["database_counters"]["inserted"] = 90_000
    evidence["namespaces"] = evidence["namespaces"].iloc[:0]
    assert _row(analyse.investigate(evidence), "notes")["status"] == "missing"


def test_a_limited_delete_explains_a_table_that_was_thinned_out(make_table, make_evidence):
    thinned = make_table("notes", 16404, deletes=101, live=42, dead=101, mod=101, rows=42)
    deed = {
        "file": "a.log",
        "line": 7,
        "at": pd.Timestamp("2025-10-08T09:00:00Z"),
        "role": "ada",
        "application": "psql",
        "database": "d",
        "kind": "statement",
        "severity": "LOG",
        "statement": "DELETE FROM s.notes WHERE id > 42",
    }
    found = analyse.investigate(
        make_evidence([thinned, make_table("users", 16500)], reported=["notes"], log_events=[deed])
    )
    items = set(found.cause_evidence["item"])
    assert "statement_by_shell" in items
    assert "nobody_seen" not in items
    assert found.causes.iloc[0]["cause"] == "manual_session"
