"""Each row is what real servers of 13 to 18 showed after the named history of a table of 143 rows (115 imported)."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

EMPTY_TRUNCATED = {
    "rows": 0,
    "live": 0,
    "insv": 0,
    "filenode": 24600,
    "heap": 0,
    "pkey": 8192,
    "xmin": 742,
    "tuples": -1.0,
}
CRASHED = {"inserts": 0, "live": 0, "insv": 0, "analyzes": 0}

HISTORIES = {
    "untouched": ({}, "none", "intact", 0),
    "truncated": (EMPTY_TRUNCATED, "truncate", "wiped", 143),
    "truncated, two new rows": (
        {**EMPTY_TRUNCATED, "inserts": 145, "rows": 2, "live": 2, "insv": 2, "mod": 2, "heap": 8192, "pkey": 16384},
        "truncate",
        "partial",
        143,
    ),
    "delete all": ({"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}, "delete", "wiped", None),
    "delete all, vacuumed": (
        {
            "deletes": 143,
            "rows": 0,
            "live": 0,
            "insv": 0,
            "mod": 143,
            "heap": 0,
            "fsm": 16384,
            "vacuums": 1,
            "tuples": 0.0,
        },
        "delete",
        "wiped",
        None,
    ),
    "delete all, vacuumed, crashed": (
        {**CRASHED, "rows": 0, "heap": 0, "fsm": 16384, "tuples": 0.0},
        "delete",
        "wiped",
        None,
    ),
    "insert rolled back": (
        {
            "inserts": 115,
            "rows": 0,
            "live": 0,
            "dead": 115,
            "mod": 0,
            "insv": 115,
            "heap": 8192,
            "analyzes": 0,
            "tuples": -1.0,
            "sequence": 115,
        },
        "rollback",
        "intact",
        0,
    ),
    "truncated, crashed": (
        {**CRASHED, "rows": 0, "filenode": 24600, "heap": 0, "pkey": 8192, "xmin": 742, "tuples": -1.0},
        "truncate",
        "wiped",
        None,
    ),
    "vacuum full": ({"filenode": 24600, "xmin": 742}, "none", "intact", 0),
    "delete rolled back": ({"deletes": 143}, "none", "intact", 0),
    "soft delete": (
        {"updates": 143, "dead": 143, "mod": 143, "columns": ("id", "body", "deleted_at")},
        "update",
        "hidden",
        0,
    ),
    "row security": ({"rls": True}, "hidden", "hidden", 0),
    "unlogged, crashed": (
        {**CRASHED, "rows": 0, "heap": 0, "pkey": 8192, "persistence": "unlogged"},
        "unlogged_reset",
        "wiped",
        None,
    ),
}


@pytest.mark.parametrize("history", sorted(HISTORIES))
def test_a_reported_table_is_read_as_what_happened_to_it(history, make_table, make_evidence):
    facts, mechanism, status, missing = HISTORIES[history]
    crashed = pd.Timestamp("2025-10-08T09:00:00Z") if "crashed" in history else None
    others = [make_table(name, 16500 + number) for number, name in enumerate(("users", "orders", "tags"))]
    reported = [] if mechanism == "none" else ["notes"]
    found = analyse.investigate(
        make_evidence([make_table("notes", 16404, **facts), *others], reported=reported, crashed=crashed)
    )
    row = found.findings.set_index("table").loc["notes"]
    told = None if pd.isna(row["missing_rows"]) else row["missing_rows"]
    assert (row["mechanism"], row["status"], told) == (mechanism, status, missing)
