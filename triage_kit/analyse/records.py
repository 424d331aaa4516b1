"""What the WAL that was read says of each table: which transaction removed how many rows, and when it committed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from triage_kit.analyse.context import first, rows
from triage_kit.analyse.dropped import Drop, drops

_LSN = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")

OVER = ("rolled_back",)
MANY = 3  # transactions that are no chance any more
BATCHES_APART = pd.Timedelta(minutes=1)


def position(lsn: object) -> int | None:
    """An LSN as a number that can be compared and counted with; None for what is none.

    >>> position("1/10"), position(None)
    (4294967312, None)
    """
    if not isinstance(lsn, str) or not _LSN.fullmatch(lsn):
        return None
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


@dataclass(frozen=True)
class Change:
    """What one transaction did to one table, as the WAL has it."""

    xid: int
    operation: str
    rows: int
    outcome: str
    ended_at: pd.Timestamp | None
    lsn: str | None
    source: str


def _goes_on(before: Change, after: Change) -> bool:
    return after.ended_at - before.ended_at <= BATCHES_APART  # type: ignore[operator]


@dataclass(frozen=True)
class Records:
    """Changes by the OID of their table; top-level xids, commit times and LSNs by xid, subtransactions included."""

    changes: Mapping[int, tuple[Change, ...]] = field(default_factory=dict)
    tops: Mapping[int, int] = field(default_factory=dict)
    times: Mapping[int, pd.Timestamp] = field(default_factory=dict)
    lsns: Mapping[int, str] = field(default_factory=dict)
    begins: pd.Timestamp | None = None  # the first commit that was read
    drops: Mapping[str, tuple[Drop, ...]] = field(default_factory=dict)  # by the name of the table that was dropped

    def deleting(self, oid: int, since: pd.Timestamp | None = None) -> list[Change]:
        """Transactions that deleted rows of the table and were not rolled back, those of most rows first.

        Those that ended before ``since`` are left out where any ended later.
        """
        found = [each for each in self.changes.get(oid, ()) if each.operation == "delete" and each.outcome not in OVER]
        late = [each for each in found if since is None or each.ended_at is None or each.ended_at >= since]
        return sorted(late or found, key=lambda each: (-each.rows, each.xid))

    def only_with(self, oid: int, others: Iterable[int]) -> bool:
        """Whether many transactions deleted rows of the table, and every one of them rows of one of the others."""
        own = {each.xid for each in self.deleting(oid)}
        return len(own) >= MANY and own <= {each.xid for other in others for each in self.deleting(other)}

    def batches(self, oid: int, since: pd.Timestamp | None = None) -> list[Change]:
        """The transaction that deleted most rows of the table with its like before and after it, in their order.

        A purge in many commits is one deed: each as large as a tenth of the biggest, none a minute after the one
        before; what is left over for the last may be less. Both bounds are judgement.
        """
        told = self.deleting(oid, since)
        dated = sorted((each for each in told if each.ended_at is not None), key=lambda each: (each.ended_at, each.xid))
        if not told or told[0] not in dated:
            return told[:1]
        first = last = dated.index(told[0])
        while first > 0 and _goes_on(dated[first - 1], dated[first]) and dated[first - 1].rows * 10 >= told[0].rows:
            first -= 1
        while last + 1 < len(dated) and _goes_on(dated[last], dated[last + 1]):
            last += 1
            if dated[last].rows * 10 < told[0].rows:
                # A small one that ends a row of batches is its rest; behind a single DELETE it is everyday work.
                last -= last - first < 2
                break
        return dated[first : last + 1]


def records(evidence: Mapping[str, pd.DataFrame]) -> Records:
    """From ``wal_transactions``, ``wal_changes`` and ``wal_spans``, as far as they are of this database."""
    database = first(evidence["identity"]).get("database_oid")
    ended = {(row["xid"], row["source"]): row for row in rows(evidence["wal_transactions"])}
    by_xid = {row["xid"]: row for row in ended.values()}
    changes: defaultdict[int, list[Change]] = defaultdict(list)
    for row in rows(evidence["wal_changes"]):
        of = by_xid.get(row["xid"])
        if row["table_oid"] is None or of is None or (database is not None and row["database_oid"] != database):
            continue
        changes[row["table_oid"]].append(
            Change(
                row["xid"], row["operation"], row["rows"] or 0, of["outcome"], of["ended_at"], of["lsn"], of["source"]
            )
        )
    tops = {int(sub): row["xid"] for row in by_xid.values() for sub in row["subxids"]}
    committed = {xid: row for xid, row in by_xid.items() if row["outcome"] == "committed"}
    every = {**{xid: xid for xid in committed}, **{sub: top for sub, top in tops.items() if top in committed}}
    begins = evidence["wal_spans"]["from_at"].dropna()
    return Records(
        {oid: tuple(found) for oid, found in changes.items()},
        tops,
        {xid: committed[top]["ended_at"] for xid, top in every.items() if committed[top]["ended_at"] is not None},
        {xid: committed[top]["lsn"] for xid, top in every.items() if committed[top]["lsn"] is not None},
        begins.min() if len(begins) else None,
        drops(evidence),
    )
