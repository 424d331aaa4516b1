"""What an earlier bundle proves; each case is a table as it was then and as it is now, on one server."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

THEN = pd.Timestamp("2025-10-07T12:00:00Z")
FILLED = {
    "oid": 16404, "schema": "s", "table": "notes", "kind": "table", "persistence": "permanent", "filenode": 16404,
    "xmin": 700, "inserts": 143, "updates": 0, "deletes": 0, "live": 143, "dead": 0, "heap_bytes": 16384,
    "columns": ("1 id", "2 body"),
}  # fmt: skip
CRASH = pd.Timestamp("2025-10-08T09:00:00Z")


@pytest.fixture
def compared(make_table, make_evidence):
    def compare(now, then=FILLED, cluster="1", **more):
        others = [make_table(name, 16500 + number) for number, name in enumerate(("users", "tags", "flags"))]
        about = {"source": "evidence-1", "collected_at": THEN, "system_identifier": cluster, "database": "d"}
        tables = [*([make_table("notes", **now)] if now else []), *others]
        unchanged = [{**FILLED, "table": each["name"], "oid": each["oid"], "filenode": each["oid"]} for each in others]
        evidence = make_evidence(tables, baseline=[about], baseline_tables=[then, *unchanged], **more)
        return analyse.investigate(evidence).findings.set_index("table")

    return compare


def test_a_table_that_is_gone_is_missing_with_the_rows_of_then(compared):
    row = compared(None).loc["notes"]
    assert (row["status"], row["mechanism"], row["expected_rows"]) == ("missing", "drop", 143)
    assert row["expected_from"] == "baseline"


def test_a_table_that_has_another_name_now_is_hidden_and_not_missing(compared, make_table, make_evidence):
    row = compared({"oid": 16404, "schema": "s"} | {}, then={**FILLED, "table": "remarks"}).loc["remarks"]
    assert (row["status"], row["hidden_rows"]) == ("hidden", 143)


def test_a_new_oid_under_the_old_name_is_another_table(compared):
    now = {"oid": 24600, "inserts": 2, "rows": 2, "live": 2, "insv": 2, "mod": 2, "analyzes": 0, "sequence": 2}
    row = compared(now).loc["notes"]
    assert (row["mechanism"], row["status"], row["missing_rows"]) == ("recreate", "partial", 141)


def test_storage_that_was_replaced_before_the_earlier_bundle_is_no_sign_of_now(compared):
    # Truncated last year, 40 rows since then; nothing has happened to it.
    old = {"oid": 16404, "filenode": 20000, "inserts": 143, "insv": 40, "rows": 40, "live": 40}
    then = {**FILLED, "filenode": 20000, "live": 40}
    row = compared(old, then=then).loc["notes"]
    assert (row["status"], row["mechanism"], row["missing_rows"]) == ("intact", "none", 0)


def test_deletes_since_then_are_the_incidents(compared):
    # 100 of 243 rows were deleted long ago, the other 143 since the earlier bundle.
    now = {"oid": 16404, "inserts": 243, "deletes": 243, "rows": 0, "live": 0, "dead": 143, "mod": 243}
    then = {**FILLED, "inserts": 243, "deletes": 100}
    row = compared(now, then=then, reported=["notes"]).loc["notes"]
    assert (row["mechanism"], row["missing_rows"], row["expected_from"]) == ("delete", 143, "baseline")


def test_fewer_rows_after_a_crash_are_a_loss_although_no_counter_lives(compared):
    now = {"oid": 16404, "inserts": 0, "rows": 40, "live": 0, "insv": 0, "analyzes": 0}
    row = compared(now, crashed=CRASH, reported=["notes"]).loc["notes"]
    assert row["status"] == "partial"
    assert (row["expected_rows"], row["missing_rows"]) == (143, 103)


def test_another_system_identifier_is_another_data_directory(compared):
    now = {"oid": 16404, "inserts": 0, "rows": 0, "live": 0, "insv": 0, "heap": 0, "pkey": 8192, "analyzes": 0,
           "tuples": -1.0, "sequence": 0}  # fmt: skip
    row = compared(now, cluster="2", reported=["notes"]).loc["notes"]
    assert (row["mechanism"], row["status"], row["missing_rows"]) == ("new_cluster", "wiped", 143)
