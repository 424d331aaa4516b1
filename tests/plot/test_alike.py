"""Thousands of statements that differ in their values only are told of once, counted; few are told of one by one."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from triage_kit import plot, schemas

AT = pd.Timestamp("2025-10-07T20:27:38Z")


def statements(many: int) -> pd.DataFrame:
    """So many deletes of single rows out of two tables, one of them failed, and a TRUNCATE among them."""
    table, where = ("s.a", "s.b"), "WHERE id = {} AND w = 'it''s'"
    rows = [{"at": AT + pd.Timedelta(seconds=n), "text": " ".join(["DELETE FROM", table[n % 2], where.format(n)]),
             "operation": "delete", "tables": [table[n % 2]], "outcome": "committed", "user": "app",
             "removed": "1 row", "evidence": f"E{n}"} for n in range(many)]  # fmt: skip
    rows[3]["outcome"] = "failed"
    rows.append({**rows[0], "at": AT, "text": "TRUNCATE s.a", "operation": "truncate", "evidence": "E99999"})
    return schemas.frame("seen_statements", rows)


def shown(markup: str) -> list[str]:
    return [row.get_text(" ") for row in BeautifulSoup(markup, "html.parser").select("tbody tr")]


def test_thousands_that_differ_in_their_values_share_a_row_that_counts_them() -> None:
    said = shown(plot.statement_list(statements(3000)))
    assert len(said) == 4
    one = next(each for each in said if "FROM s.a" in each)
    other = next(each for each in said if "FROM s.b WHERE id = 1 " in each)
    assert "1,499 more that differ in their values only" in one
    assert "1,498 more that differ in their values only" in other
    assert "2025-10-07 21:17:37" in other  # the last, 2,999 seconds later
    assert sum("failed" in each for each in said) == sum("TRUNCATE s.a" in each for each in said) == 1


@pytest.mark.parametrize("many", [8, 999])
def test_few_are_told_of_one_by_one(many: int) -> None:
    said = shown(plot.statement_list(statements(many)))
    assert len(said) == many + 1
    assert not any("more that differ" in each for each in said)


def test_events_of_statements_are_gathered_and_losses_are_not_lost_among_them() -> None:
    given = statements(3000)
    events = [{"at": row.at, "kind": "statement", "text": row.text, "evidence": row.evidence}
              for row in given.itertuples()]  # fmt: skip
    events += [{"at": AT, "kind": "loss", "text": "rows lost", "evidence": "E7"},
               {"at": AT, "kind": "server", "text": "started", "evidence": "E8"}]  # fmt: skip
    said = shown(plot.event_list(schemas.frame("timeline", events)))
    assert [sum(word in each for each in said) for word in ("FROM s.a", "FROM s.b", "TRUNCATE", "rows lost",
                                                            "started")] == [1, 1, 1, 1, 1]  # fmt: skip
    assert any("1,499 more that differ" in each for each in said)


def test_sessions_of_one_client_that_ran_the_same_share_a_row_and_another_stands_for_itself() -> None:
    many = [{"started_at": AT + pd.Timedelta(seconds=n), "role": "app", "pid": n, "groups": (), "destructive": 1,
             "did": (f"VACUUM (PARALLEL {n}) s.a",) * (n % 3 + 1)} for n in range(3000)]  # fmt: skip
    many.append({**many[7], "role": "ada"})
    many.append({**many[7], "did": ("TRUNCATE s.a", "DELETE FROM s.a WHERE id = 8")})
    said = shown(plot.session_list(schemas.frame("sessions", many)))
    assert len(said) == 3
    assert sum("role app" in each and "2,999 sessions more" in each for each in said) == 1
    assert sum("TRUNCATE s.a" in each for each in said) == sum("role ada" in each for each in said) == 1
