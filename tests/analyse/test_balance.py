"""Expected against actual, on numbers whose truth is known by arithmetic or was measured on real servers."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit.analyse.balance import row_balance
from triage_kit.analyse.context import context, crash_time


def balance(evidence):
    return row_balance(evidence, context(evidence)).set_index("table")


def test_expected_rows_are_inserts_minus_deletes(make_table, make_evidence):
    row = balance(make_evidence([make_table("assets", 1, inserts=81, deletes=33, rows=0, heap=0)])).loc["assets"]
    assert (row["expected_low"], row["expected_high"], row["actual_rows"], row["actual_from"]) == (
        48,
        48,
        0,
        "empty_file",
    )


def test_a_rolled_back_import_is_never_expected(make_table, make_evidence):
    # 115 inserted, none committed: n_mod_since_analyze stays 0.
    imported = make_table("imports", 1, inserts=115, rows=0, live=0, dead=115, mod=0, analyzes=0)
    row = balance(make_evidence([imported])).loc["imports"]
    assert (row["expected_low"], row["expected_high"]) == (0, 0)
    assert row["bias"] == ("115 counted changes were rolled back",)


def test_forty_rolled_back_inserts_among_deletes_leave_bounds(make_table, make_evidence):
    # INSERT 103, DELETE 101, INSERT 40 rolled back: 143 / 101 / 2 rows, mod 204.
    mixed = make_table("flows", 1, inserts=143, deletes=101, rows=2, live=2, dead=141, mod=204, analyzes=0)
    row = balance(make_evidence([mixed])).loc["flows"]
    assert (row["expected_low"], row["expected_high"]) == (2, 82)


def test_after_a_crash_or_on_a_standby_nothing_is_expected(make_table, make_evidence):
    table = make_table("assets", 1)
    crash = pd.Timestamp("2025-10-07T12:00:00Z")
    for evidence in (make_evidence([table], crashed=crash), make_evidence([table], in_recovery=True)):
        row = balance(evidence).loc["assets"]
        assert pd.isna(row["expected_low"])
        assert pd.isna(row["expected_high"])
        assert not row["counters_alive"]


def test_a_table_that_was_not_counted_says_that_its_rows_are_an_estimate(make_table, make_evidence):
    row = balance(make_evidence([make_table("users", 1, rows=None)])).loc["users"]
    assert (row["actual_rows"], row["actual_from"]) == (143, "n_live_tup")
    assert "not counted: n_live_tup is an estimate" in row["bias"]


def test_a_partitioned_parent_is_the_sum_of_its_leaves(make_table, make_evidence):
    parent = make_table("m", 1, kind="partitioned", sequence=None)
    leaves = [make_table(f"m{n}", 10 + n, parent="m", inserts=n * 10, rows=n * 10, live=n * 10) for n in (1, 2)]
    row = balance(make_evidence([parent, *leaves])).loc["m"]
    assert (row["inserts"], row["actual_rows"], row["expected_low"], row["kind"]) == (30, 30, 30, "partitioned")


BORN = pd.Timestamp("2025-09-25T08:00:00Z")


@pytest.mark.parametrize(
    ("bgwriter", "archiver", "crashed"),
    [
        (BORN, BORN, False),  # 15 and newer, never crashed: both stand at initdb
        (BORN + pd.Timedelta(seconds=40), BORN + pd.Timedelta(seconds=40), False),  # 13 and 14: at the first start
        (BORN + pd.Timedelta(days=9), BORN + pd.Timedelta(days=9), True),  # both moved together: a crash
        (BORN + pd.Timedelta(days=9), BORN, False),  # one moved alone: reset by hand
    ],
)
def test_a_crash_moves_both_reset_times(bgwriter, archiver, crashed):
    assert (crash_time(BORN, bgwriter, archiver) == bgwriter) is crashed
