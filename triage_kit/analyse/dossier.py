"""Everything that the evidence says of one table, gathered once so that each signal is a few lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from triage_kit.analyse.context import rows
from triage_kit.schemas import qualified


@dataclass(frozen=True)
class Dossier:
    """One table that holds rows itself: its rows of ``relations``, ``balance`` and so on as dicts, missing is None."""

    name: str
    relation: dict
    balance: dict
    counters: dict
    storage: dict
    columns: tuple[dict, ...] = ()
    sequences: tuple[dict, ...] = ()
    policies: tuple[dict, ...] = ()
    primary_key: dict = field(default_factory=dict)
    file_time: dict = field(default_factory=dict)

    @property
    def oid(self) -> int:
        return self.relation["oid"]

    @property
    def replaced(self) -> bool | None:
        """Whether the files are not those the table was created with; None where that cannot be told."""
        if not self.relation["filenode"] or self.relation["kind"] == "materialized_view":
            return None  # measured: on 17 and 18 even a new materialized view has another relfilenode
        return self.relation["filenode"] != self.relation["oid"]

    @property
    def heap_bytes(self) -> int | None:
        return self.storage.get("heap_bytes")

    @property
    def vacuumed(self) -> bool | None:
        """Whether any vacuum ran on it since its counters began; None where that cannot be told."""
        counts = [self.counters.get(name) for name in ("vacuums", "autovacuums")]
        times = [self.counters.get(name) for name in ("last_vacuum", "last_autovacuum")]
        if any(counts) or any(at is not None for at in times):
            return True
        return None if None in counts else False

    @property
    def net(self) -> int | None:
        """Inserts minus deletes, where the counters are alive."""
        row = self.balance
        return row["inserts"] - row["deletes"] if row["counters_alive"] else None

    @property
    def created_xid(self) -> int | None:
        """The transaction that created the table: TRUNCATE leaves the pg_attribute row of its first column alone."""
        standing = [column for column in self.columns if not column["dropped"] and column["xmin"]]
        return min(standing, key=lambda column: column["position"])["xmin"] if standing else None

    @property
    def counted(self) -> bool:
        """Whether the actual rows are known rather than estimated."""
        return self.balance["actual_from"] in ("exact", "empty_file", "pgstattuple")


def dossiers(evidence: Mapping[str, pd.DataFrame], balance: pd.DataFrame) -> list[Dossier]:
    """One dossier for each ordinary table, partition and materialized view, in the order of ``balance``."""
    relations = {row["oid"]: row for row in rows(evidence["relations"])}
    counters = {row["oid"]: row for row in rows(evidence["table_counters"])}
    storage = {row["oid"]: row for row in rows(evidence["storage"])}
    times = {row["oid"]: row for row in rows(evidence["file_times"])}
    columns = _by_table(evidence["columns"])
    sequences = _by_table(evidence["sequences"])
    policies = _by_table(evidence["policies"])
    keys = {row["table_oid"]: row for row in rows(evidence["indexes"]) if row["primary"]}
    return [
        Dossier(
            qualified(row["schema"], row["table"]),
            relations[row["oid"]],
            row,
            counters.get(row["oid"], {}),
            storage.get(row["oid"], {}),
            columns[row["oid"]],
            sequences[row["oid"]],
            policies[row["oid"]],
            keys.get(row["oid"], {}),
            times.get(row["oid"], {}),
        )
        for row in rows(balance)
        if row["kind"] in ("table", "materialized_view") and row["oid"] in relations
    ]


def _by_table(frame: pd.DataFrame) -> defaultdict[int, tuple[dict, ...]]:
    gathered: defaultdict[int, list[dict]] = defaultdict(list)
    for row in rows(frame):
        if row["table_oid"] is not None:
            gathered[row["table_oid"]].append(row)
    return defaultdict(tuple, {oid: tuple(found) for oid, found in gathered.items()})
