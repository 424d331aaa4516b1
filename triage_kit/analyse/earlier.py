"""What an earlier bundle says of each table: the same object, storage and counters as then, or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from triage_kit.analyse.context import first, rows
from triage_kit.schemas import qualified


@dataclass(frozen=True)
class Earlier:
    """The tables of the earlier bundle by name.

    ``other_cluster``: it was taken from another data directory. ``precedes``: it may tell what stood before the loss.
    """

    source: str
    at: pd.Timestamp | None
    other_cluster: bool | None
    other_database: bool | None
    tables: Mapping[str, dict] = field(default_factory=dict)
    precedes: bool = True

    def standing(self) -> dict[int, dict]:
        """Its tables by OID, where they may tell what stood here before the loss; none otherwise."""
        return {row["oid"]: row for row in self.tables.values()} if self.precedes and not self.other_cluster else {}

    def by_oid(self) -> dict[int, str]:
        """Names that the OIDs had then."""
        return {row["oid"]: name for name, row in self.tables.items()}


def earlier(evidence: Mapping[str, pd.DataFrame]) -> Earlier | None:
    """The earlier bundle from ``baseline`` and ``baseline_tables``; None where the case has none."""
    about, now = first(evidence["baseline"]), first(evidence["identity"])
    if not about:
        return None
    tables = {qualified(row["schema"], row["table"]): row for row in rows(evidence["baseline_tables"])}
    return Earlier(
        about["source"] or "baseline",
        about["collected_at"],
        _differ(about.get("system_identifier"), now.get("system_identifier")),
        _differ(about.get("database_oid"), now.get("database_oid")),
        tables,
        _precedes(evidence, about["collected_at"]),
    )


def _precedes(evidence: Mapping[str, pd.DataFrame], at: pd.Timestamp | None) -> bool:
    """Whether the earlier bundle is from before the loss, as far as anybody says so.

    Who names a baseline says it. One that ``collect --again`` moved aside was collected for the incident itself: rows
    that were gone by then would seem never to have been there, unless people noticed the loss later.
    """
    asked = evidence["questions"]
    named = asked.loc[asked["source"] == "baseline", "named"]
    if named.empty or bool(named.fillna(True).iloc[-1]):
        return True
    noticed = first(evidence["incident"]).get("noticed_at")
    return noticed is not None and at is not None and bool(at < noticed)


def _differ(then: object, now: object) -> bool | None:
    return None if then is None or now is None else then != now


def rows_then(row: Mapping) -> int | None:
    """Rows that stood when the earlier bundle was made: counted, an empty file, or else the server's own estimate."""
    if row.get("rows") is not None:
        return row["rows"]
    if row.get("heap_bytes") == 0 and row.get("kind") == "table":
        return 0
    return row.get("live")


def carried_on(row: Mapping, inserts: int | None, deletes: int | None) -> bool:
    """Whether the counters of now go on from those of then: none of them fell.

    >>> carried_on({"inserts": 10, "deletes": 0}, 12, 3), carried_on({"inserts": 10, "deletes": 0}, 2, 0)
    (True, False)
    """
    if None in (inserts, deletes, row.get("inserts"), row.get("deletes")):
        return False
    return bool(inserts >= row["inserts"] and deletes >= row["deletes"])  # type: ignore[operator]
