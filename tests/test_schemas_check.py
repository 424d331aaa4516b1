"""The door that every frame passes: what has its type passes as it is, what has not is converted or refused."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import schemas

NOTES = schemas.frame("notes", [{"at": "2025-10-08T10:37:29Z", "text": "empty"}, {"text": None}])


def test_a_column_in_its_type_is_taken_without_looking_at_each_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_present", lambda _: pytest.fail("a value was looked at"))
    pd.testing.assert_frame_equal(schemas.check(NOTES, "notes"), NOTES)


def test_a_checked_frame_counts_its_rows_anew_and_does_not_share_changes() -> None:
    taken = schemas.check(NOTES.iloc[1:], "notes")
    taken.loc[0, "text"] = "other"
    assert taken.index.tolist() == [0]
    assert pd.isna(NOTES.loc[1, "text"])


def test_text_in_another_type_becomes_text() -> None:
    given = NOTES.assign(text=pd.Series(["lone \udc80", None], dtype="object"))
    assert schemas.check(given, "notes")["text"].tolist()[0] == "lone \\x80"
