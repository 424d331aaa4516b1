"""Who removed how many rows when, as a reader sees it below a finding."""

import pandas as pd
from bs4 import BeautifulSoup

from triage_kit import schemas
from triage_kit.plot import removals

FIRST = {"schema": "m", "table": "notes", "group": "G1", "xid": 801, "rows": 120, "role": "clerk",
         "application": "back-office", "committed_at": "2025-10-08T09:00:05.25Z",
         "text": "DELETE FROM m.notes WHERE id <= 120", "how": "the WAL (w)"}  # fmt: skip
CASCADED = {**FIRST, "table": "lines", "rows": 1}
UNNAMED = {"schema": "m", "table": "notes", "group": "G1", "xid": 802, "how": "the WAL (w)"}


def shown(*rows: dict, group: str = "G1") -> list[str]:
    made = removals.group_removals(schemas.frame("removals", rows), group, "Europe/Berlin")
    return [" ".join(each.get_text().split()) for each in BeautifulSoup(made, "html.parser").find_all("li")]


def test_each_transaction_says_who_removed_how_many_rows_of_what_and_when() -> None:
    one, other = shown(UNNAMED, FIRST, CASCADED)
    assert one.startswith("2025-10-08 09:00:05.250000 UTC")
    for word in ("11:00:05", "transaction 801, role clerk, application back-office, "
                 "120 rows of m.notes; 1 row of m.lines", "DELETE FROM m.notes WHERE id <= 120"):  # fmt: skip
        assert word in one
    assert other.endswith("transaction 802, by whom no source tells, rows of m.notes")


def test_one_transaction_is_told_by_the_finding_alone() -> None:
    assert shown(FIRST, CASCADED) == []
    assert shown(FIRST, UNNAMED, group="G2") == []


def test_no_transaction_of_many_is_left_out() -> None:
    rows = [{**FIRST, "xid": 900 + n, "committed_at": pd.Timestamp("2025-10-08", tz="UTC") + pd.Timedelta(n, "s")}
            for n in range(removals.MOST + 7)]  # fmt: skip
    assert sum("transaction 9" in each for each in shown(*rows)) == removals.MOST + 7
