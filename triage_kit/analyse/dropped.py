"""Tables that the WAL names as dropped: which transaction took each, when, and how many of its rows the WAL holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.falls import steepest
from triage_kit.analyse.ledger import Ledger

REPLACES = ("drop", "recreate", "restore")  # mechanisms after which another object, or none, has the name


@dataclass(frozen=True)
class Drop:
    """One table of the case's database that a committed transaction dropped, as ``wal_dropped`` has it.

    ``rows`` stand in the WAL and can be read back; what was deleted or changed before is counted, too. ``tuples`` is
    the planner's estimate.
    """

    name: str
    xid: int
    at: pd.Timestamp | None
    oid: int
    rows: int
    tuples: int | None
    partition: bool
    made: bool

    def says(self) -> str:
        """The drop as a sentence of evidence."""
        when = f" at {self.at:%Y-%m-%d %H:%M:%S.%f} UTC" if self.at is not None else ""
        held = f"; the WAL holds {self.rows:,} rows of its file" if self.rows else ""
        about = f"; the planner took it for {self.tuples:,} rows" if self.tuples else ""
        return f"transaction {self.xid} dropped {self.name} (OID {self.oid}){when}{held}{about}"


def drops(evidence: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Drop, ...]]:
    """Drops by the table's qualified name, the earliest first; where the schema has no name, the table stands alone.

    >>> drops({name: schemas.empty(name) for name in schemas.evidence_names()})
    {}
    """
    database = first(evidence["identity"]).get("database_oid")
    ended = {row["xid"]: row for row in rows(evidence["wal_transactions"]) if row["outcome"] == "committed"}
    held = {(row["database_oid"], row["filenode"]): row["rows"] or 0 for row in rows(evidence["wal_rows"])}
    found: defaultdict[str, list[Drop]] = defaultdict(list)
    for row in rows(evidence["wal_dropped"]):
        if row["xid"] not in ended or (database is not None and row["database_oid"] != database):
            continue
        name = schemas.qualified(row["schema"], row["table"]) if row["schema"] else row["table"]
        found[name].append(
            Drop(name, row["xid"], ended[row["xid"]]["ended_at"], row["oid"],
                 held.get((row["database_oid"], row["filenode"]), 0),
                 None if row["tuples"] is None else round(row["tuples"]), bool(row["partition"]), bool(row["made"]))
        )  # fmt: skip
    return {name: tuple(sorted(each, key=lambda one: (one.at or pd.Timestamp.max.tz_localize("UTC"), one.xid)))
            for name, each in found.items()}  # fmt: skip


def took(row: Mapping, told: Mapping[str, Sequence[Drop]]) -> Drop | None:
    """The drop that explains a finding, where its mechanism puts another object in its place.

    Of several of its name it is the one with which the number of rows fell most, and the last where nothing tells.
    """
    if row["mechanism"] not in (*REPLACES, "partition_drop") or row["status"] == "intact":
        return None
    mine = told.get(schemas.qualified(row["schema"], row["table"]), ())
    # The drop of the object that stands there now is none: it still stands.
    past = [one for one in mine if row.get("oid") is None or one.oid != row["oid"]]
    held = [one.rows if one.made else one.tuples and max(one.tuples, one.rows) for one in past]
    place = steepest(held, held, row.get("actual_rows")) if past else None
    return past[-1 if place is None else place] if past else None


def _likely(row: Mapping) -> int | None:
    """How many more rows the WAL holds of the table that was dropped than stand, where nothing else tells it."""
    former, stand = row["former_rows"], row.get("actual_rows")
    if row.get("missing_rows") is not None or row["status"] != "partial" or stand is None or former <= stand:
        return None
    return int(former - stand)


def noted(concluded: Sequence[dict], told: Mapping[str, Sequence[Drop]], ledger: Ledger) -> list[dict]:
    """Findings with the drop of their former table as evidence, and how many of its rows the WAL holds."""
    found = []
    for row in concluded:
        one = took(row, told) if told else None
        if one is not None:
            reference = ledger.add("wal", one.says(), "wal_dropped", one.name, one.at)
            row = {**row, "because": (*row["because"], reference), "former_rows": one.rows}
            row["likely_missing"] = _likely(row)
            if one.tuples and row["expected_rows"] is None:
                held = f"how many rows it held is not known: the planner took it for {one.tuples:,}"
                row["bias"] = (*row["bias"], f"{held}, and the WAL holds {one.rows:,}")
        found.append(row)
    return found
