"""Evidence rows with stable ids: every sentence of the report points to one."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas


class Ledger:
    """Collects evidence rows in the order in which the analysis meets them; the same fact keeps its id.

    >>> ledger = Ledger()
    >>> ledger.add("log", "it failed", "postgresql.log:7"), ledger.add("log", "it failed", "postgresql.log:7")
    ('E1', 'E1')
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str, str, str], str] = {}
        self._rows: list[dict] = []

    def add(self, group: str, says: str, source: str, row: str = "", at: pd.Timestamp | None = None) -> str:
        """Record one fact and return its id."""
        key = (group, says, source, row)
        if key not in self._ids:
            self._ids[key] = f"E{len(self._ids) + 1}"
            self._rows.append(
                {"id": self._ids[key], "group": group, "at": at, "says": says, "source": source, "row": row}
            )
        return self._ids[key]

    def frame(self) -> pd.DataFrame:
        """The rows as table ``evidence``."""
        return schemas.frame("evidence", self._rows)
