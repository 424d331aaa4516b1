"""Which tables' storage was replaced by one transaction.

Tables emptied by one TRUNCATE share one pg_class.xmin; a savepoint, a Django atomic block or a PL/pgSQL exception block
gives near neighbours instead (measured on 18). Neighbours are joined only where commit times agree, or where no commit
time is known and foreign keys join the tables.

pg_class.xmin is the last transaction that replaced a table's storage: where the WAL shows that an earlier one took the
rows, that one is taken in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import networkx as nx
import pandas as pd

from triage_kit.analyse.chains import Chain
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.xids import Clock

NEAR = 3  # subtransactions of one transaction take consecutive xids


@dataclass(frozen=True)
class Replacement:
    """One transaction that replaced the storage of some tables."""

    xids: tuple[int, ...]
    tables: tuple[str, ...]
    committed_at: pd.Timestamp | None
    how: str

    @property
    def xid(self) -> int:
        return self.xids[0]


def replacements(
    found: Sequence[Dossier], dated: Clock, reach: nx.MultiDiGraph, told: Mapping[str, Chain] = MappingProxyType({})
) -> list[Replacement]:
    """Storage replacements grouped by transaction, oldest first; tables written by ALTER afterwards stand alone.

    ``told`` are the chains of the WAL: a table that was emptied twice belongs to the transaction that took its rows.
    """
    by_xid: dict[int, list[str]] = {}
    earlier: set[int] = set()
    for table in found:
        if table.replaced and table.relation["xmin"]:
            last, took = dated.top(table.relation["xmin"]), told[table.name].took if table.name in told else None
            xid = last if took is None or took.dropped else took.xid
            by_xid.setdefault(xid, []).append(table.name)
            earlier |= {xid} - {last}
    times = dated.exact
    joined: list[list[int]] = []
    for xid in sorted(by_xid):
        if joined and xid - joined[-1][-1] <= NEAR and _same(joined[-1], xid, by_xid, times, reach):
            joined[-1].append(xid)
        else:
            joined.append([xid])
    return [_replacement(xids, by_xid, times, earlier) for xids in joined]


def _same(before: list[int], xid: int, by_xid: Mapping[int, list[str]], times: Mapping, reach: nx.MultiDiGraph) -> bool:
    known, last = times.get(xid), times.get(before[-1])
    if known is not None and last is not None:
        return known == last  # a subtransaction carries its parent's commit time
    tables = {table for each in before for table in by_xid[each]}
    return any(reach.has_edge(a, b) or reach.has_edge(b, a) for a in tables for b in by_xid[xid])


def _replacement(
    xids: list[int], by_xid: Mapping[int, list[str]], times: Mapping, earlier: Collection[int]
) -> Replacement:
    tables = tuple(sorted(table for xid in xids for table in by_xid[xid]))
    how = (
        "one transaction id in the catalogue (pg_class.xmin)"
        if len(xids) == 1
        else "neighbouring transaction ids in the catalogue (pg_class.xmin): may be parts of one transaction"
    )
    if len(xids) == 1 and xids[0] in earlier:
        how = "one transaction of the WAL, with which the files that held the rows went"
    return Replacement(tuple(xids), tables, times.get(xids[0]), how)
