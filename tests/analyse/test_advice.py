"""Recommendations fit what happened: rows that stand are not saved, and what the freeze list says is not said again."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import schemas
from triage_kit.analyse import advice, freeze
from triage_kit.analyse.ledger import Ledger

EMPTY = {name: schemas.empty(name) for name in schemas.evidence_names()}


def advised(status: str, mechanism: str) -> pd.DataFrame:
    row = {"status": status, "mechanism": mechanism, "because": ("E1",), "reported": True}
    causes, gaps, recovery = (schemas.empty(name) for name in ("causes", "gaps", "recovery"))
    return advice.recommendations([row], causes, gaps, EMPTY, recovery, Ledger())


@pytest.mark.parametrize(("status", "mechanism", "saved"), [("wiped", "truncate", True), ("hidden", "hidden", False)])
def test_nothing_is_advised_to_save_rows_that_stand(status: str, mechanism: str, saved: bool) -> None:
    told = " ".join(advised(status, mechanism)["text"])
    assert "Ask those who can start a session" in told
    for line in ("Take a base backup", "triage baseline", "files or systems that the rows were imported from",
                 "Name the backups"):  # fmt: skip
        assert (line in told) is saved


def test_the_evidence_for_no_backup_is_that_the_case_names_none() -> None:
    ledger = Ledger()
    row = {"status": "wiped", "mechanism": "truncate", "because": ("E1",), "reported": True}
    advice.recommendations(
        [row], schemas.empty("causes"), schemas.empty("gaps"), EMPTY, schemas.empty("recovery"), ledger
    )
    assert list(ledger.frame()["says"]) == ["no backup is named in the case"]


def test_what_is_to_be_stopped_is_not_recommended_once_more() -> None:
    told = advised("wiped", "truncate")
    assert not told["text"].str.contains(r"pg_wal|Stop these things|migration, import", regex=True).any()
    assert "pg_wal" in freeze.KEEP_WAL
