"""Several tables that one session emptied whole, one after another: a test's cleaner, and what it is not."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

AT = pd.Timestamp("2025-10-08T09:00:00Z")
GONE = {"deletes": 143, "live": 0, "dead": 143, "mod": 286, "rows": 0, "heap": 0}
DELETES = {
    "lines": "DELETE FROM s.lines",
    "orders": "DELETE FROM s.orders",
    "routes": "DELETE FROM s.routes",
}
NAMES = tuple(DELETES)


def _deleted(name, seconds, pid, **more):
    at = AT + pd.Timedelta(seconds=seconds)
    return {"file": "a.log", "line": int(seconds * 10) + 1, "at": at, "severity": "LOG", "database": "d", "pid": pid,
            "kind": "statement", "role": "app", "statement": DELETES[name], "outcome": "committed",
            **more}  # fmt: skip


def _cleaned(rounds, every=5.0, names=NAMES):
    return [_deleted(name, number * every + place / 10, 70 + number)
            for number in range(rounds) for place, name in enumerate(names)]  # fmt: skip


@pytest.fixture
def found(make_table, make_evidence):
    def of(events, reported=("orders",), **more):
        tables = [*(make_table(name, 16404 + n, **GONE) for n, name in enumerate(NAMES)), make_table("users", 16500)]
        evidence = make_evidence(tables, reported=list(reported), log_events=events, **more)
        evidence["incident"]["app_role"] = "app"
        return analyse.investigate(evidence)

    return of


def _causes(found):
    return found.causes.drop_duplicates(["group", "cause"]).groupby("cause")["probability"].first()


def test_who_empties_the_same_tables_again_and_again_cleans_between_tests(found):
    once, thrice = found(_cleaned(1)), found(_cleaned(3))
    assert "emptied_in_series" not in set(once.cause_evidence["item"])
    assert _causes(thrice)["test_run"] > 3 * _causes(once)["test_run"]
    told = thrice.cause_evidence.set_index("item").loc["emptied_in_series", "evidence"]
    says = thrice.evidence.set_index("id").loc[told if isinstance(told, str) else told.iloc[0], "says"]
    assert "3 tables were emptied whole one right after another, 3 times: s.lines, s.orders, s.routes" in says


@pytest.mark.parametrize("every", [7200.0, 86400.0])
def test_what_comes_again_after_hours_is_no_series(found, every):
    assert "emptied_in_series" not in set(found(_cleaned(3, every)).cause_evidence["item"])


def test_one_table_that_is_emptied_again_and_again_is_no_series(found):
    assert "emptied_in_series" not in set(found(_cleaned(3, names=("orders",))).cause_evidence["item"])


def test_what_was_emptied_beside_missed_tables_was_no_habit_of_its_own(found):
    rows = found(_cleaned(4)).findings.set_index("table")
    assert rows.loc["lines", "status"] == "wiped"
    # By itself, and with nobody missing anything beside it, it goes so every time.
    alone = found([_deleted("lines", 5.0 * n, 70 + n) for n in range(4)], reported=["users"]).findings
    assert alone.set_index("table").loc["lines", "status"] == "intact"


def test_the_lines_of_a_test_that_name_just_these_tables_are_told_from_others(found):
    code = [{"path": "t/clean.sql", "line": n + 1, "vehicle": "test_run", "kind": "sql", "operation": "delete",
             "object": f"s.{name}", "loses": "rows", "bounded": False, "text": DELETES[name]}
            for n, name in enumerate(NAMES)]  # fmt: skip
    items = set(found(_cleaned(1), code_hits=code).cause_evidence["item"])
    assert "exact_code_of_test_run" in items
    assert "exact_code_of_test_run" not in set(found(_cleaned(1), code_hits=code[:2]).cause_evidence["item"])
