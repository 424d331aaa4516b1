"""What the story says of a loss: rows that stand out of sight are not called lost."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit.analyse import timeline
from triage_kit.analyse.groups import Group


@pytest.mark.parametrize(("mechanism", "status", "said"), [
    ("hidden", "hidden", "G1: rows of 2 tables are hidden (dated by the case)"),
    ("update", "hidden", "G1: rows of 2 tables are hidden by update (dated by the case)"),
    ("cascade_delete", "partial", "G1: 2 tables lose rows by cascade delete (dated by the case)"),
])  # fmt: skip
def test_rows_that_stand_are_called_hidden(mechanism: str, status: str, said: str) -> None:
    tables = ("s.a", "s.b")
    group = Group("G1", mechanism, tables, tables, tables, None, None, "the same mechanism")
    hidden = set(tables) if status == "hidden" else set()
    when = {"G1": {"lost_to": pd.Timestamp("2026-01-01T00:00:00Z"), "dated_by": "the case"}}
    assert [event["text"] for event in timeline._losses([group], when, hidden)] == [said]
