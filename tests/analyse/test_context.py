"""Rows of frames as steps of the analysis ask for them."""

from triage_kit import schemas
from triage_kit.analyse.context import rows, rows_kept


def test_rows_that_are_kept_are_everybodys_own_and_end_with_the_work():
    notes = schemas.frame("notes", [{"text": "first"}])
    with rows_kept():
        rows(notes)[0]["text"] = "changed by who asked"
        assert [row["text"] for row in rows(notes)] == ["first"]
        assert rows(notes, "text") == [{"text": "first"}]
    notes.loc[0, "text"] = "changed by an analyst"
    with rows_kept():
        assert [row["text"] for row in rows(notes)] == ["changed by an analyst"]
