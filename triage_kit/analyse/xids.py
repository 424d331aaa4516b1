"""Transaction ids as a clock: with their epoch, and between which instants one of them ran.

The catalogue keeps 32 bits of an xid; the epoch comes from the next xid that the server would give. An xid whose commit
time is not known lies between its neighbours that are dated: by commit timestamps, by log lines that carry their xid,
by rows of a table that notes when they were inserted (measured on 13 to 18: these bracket a TRUNCATE correctly), and
by the moments at which somebody read the next xid.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.records import Records

EPOCH = 1 << 32
HALF = 1 << 31
Window = tuple[pd.Timestamp | None, pd.Timestamp | None, str]


def with_epoch(xid: int, next_xid: int | None) -> int:
    """The 64-bit xid of one that the catalogue shows, given the next one; as it is where that is not known.

    >>> with_epoch(742, 900), with_epoch(742, 5 * 2**32 + 900), with_epoch(4294967000, 2**32 + 10)
    (742, 21474837222, 4294967000)
    """
    if next_xid is None or xid >= EPOCH:
        return xid
    epoch = next_xid // EPOCH
    if xid > next_xid % EPOCH:
        epoch -= 1
    return max(epoch, 0) * EPOCH + xid


@dataclass(frozen=True)
class Clock:
    """Dated xids, ascending, with the words for where each date comes from."""

    next_xid: int | None
    xids: tuple[int, ...] = ()
    times: tuple[pd.Timestamp, ...] = ()
    sources: tuple[str, ...] = ()
    exact: Mapping[int, pd.Timestamp] = field(default_factory=dict)
    brackets: Mapping[int, tuple[Window, ...]] = field(default_factory=dict)
    in_wal: frozenset[int] = frozenset()  # of the exact ones, those that the WAL dates
    tops: Mapping[int, int] = field(default_factory=dict)  # subtransaction -> top-level transaction
    lsns: Mapping[int, str] = field(default_factory=dict)

    def full(self, xid: int) -> int:
        """The xid with its epoch."""
        return with_epoch(xid, self.next_xid)

    def top(self, xid: int) -> int:
        """The top-level xid with its epoch, where the WAL tells; else the xid as the catalogue has it."""
        return self.tops.get(self.full(xid), self.full(xid))

    def dated_by(self, xid: int) -> str:
        """How the instant of its commit is known."""
        return "commit record" if self.full(xid) in self.in_wal else "commit timestamp"

    def commit_time(self, xid: int) -> pd.Timestamp | None:
        """The instant of its commit, where the server keeps commit timestamps."""
        return self.exact.get(self.full(xid))

    def windows(self, xid: int) -> list[Window]:
        """Every window that its neighbours give, each with its method; empty where nothing is dated."""
        full = self.full(xid)
        if full in self.exact:
            return [(self.exact[full], self.exact[full], self.dated_by(full))]
        found = list(self.brackets.get(full, ()))
        left, right = bisect_left(self.xids, full) - 1, bisect_right(self.xids, full)
        start = self.times[left] if left >= 0 else None
        end = self.times[right] if right < len(self.xids) else None
        if start is not None or end is not None:
            near = [self.sources[at] for at, known in ((left, start), (right, end)) if known is not None]
            found.append((start, end, f"transaction ids around it ({', '.join(dict.fromkeys(near))})"))
        return [window for window in found if window[0] is None or window[1] is None or window[0] <= window[1]]

    def between(self, xid: int) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
        """The tightest bounds of all windows together."""
        found = self.windows(xid)
        starts = [start for start, _, _ in found if start is not None]
        ends = [end for _, end, _ in found if end is not None]
        return max(starts, default=None), min(ends, default=None)

    def inside(self, xid: int, start: pd.Timestamp | None) -> str:
        """Words for when it ran if it ran after ``start``; empty otherwise.

        Where rows on both sides give its window, it is enough that most of that lies after ``start``.
        """
        begins, ends = self.between(xid)
        if start is None or begins is None:
            return ""
        close = any(None not in window[:2] for window in self.brackets.get(self.full(xid), ()))
        mostly = close and ends is not None and ends - start >= start - begins
        if begins < start and not mostly:
            return ""
        form = (
            "%Y-%m-%d %H:%M:%S.%f" if ends is not None and ends.floor("s") == begins.floor("s") else "%Y-%m-%d %H:%M:%S"
        )
        before = f" and before {ends:{form}} UTC" if ends is not None else ""
        return f"after {begins:{form}} UTC{before}"


def clock(evidence: Mapping[str, pd.DataFrame], about: Context, wal: Records | None = None) -> Clock:
    """The clock of a case: ``commit_times``, ``log_events``, ``row_times``, ``baseline``, ``identity`` and the WAL."""
    known = {row["xid"]: row["committed_at"] for row in rows(evidence["commit_times"])}
    recorded = {xid: at for xid, at in (wal.times if wal else {}).items() if xid not in known}
    exact = {with_epoch(xid, about.next_xid): at for xid, at in {**recorded, **known}.items()}
    dated = [(xid, at, "commit times") for xid, at in exact.items()]
    dated += [(with_epoch(xid, about.next_xid), at, "log lines with their xid") for xid, at in _logged(evidence)]
    then, now = first(evidence["baseline"]), first(evidence["identity"])
    if then.get("next_xid") and then.get("collected_at") is not None:
        dated.append((then["next_xid"], then["collected_at"], "the next xid of the earlier bundle"))
    if now.get("next_xid") and now.get("asked_at") is not None:
        dated.append((now["next_xid"], now["asked_at"], "the next xid when this was collected"))
    if about.initdb_at is not None:
        dated.append((3, about.initdb_at, "the making of the data directory"))
    kept = _ascending(dated)
    return Clock(
        about.next_xid,
        tuple(xid for xid, _, _ in kept),
        tuple(at for _, at, _ in kept),
        tuple(source for _, _, source in kept),
        exact,
        _brackets(evidence, about),
        frozenset(with_epoch(xid, about.next_xid) for xid in recorded),
        {
            with_epoch(sub, about.next_xid): with_epoch(top, about.next_xid)
            for sub, top in (wal.tops if wal else {}).items()
        },
        {with_epoch(xid, about.next_xid): lsn for xid, lsn in (wal.lsns if wal else {}).items()},
    )


def _logged(evidence: Mapping[str, pd.DataFrame]) -> list[tuple[int, pd.Timestamp]]:
    events = evidence["log_events"]
    kept = events[events["xid"].notna() & events["at"].notna() & (events["xid"] > 2).fillna(False)]
    return [(int(xid), at) for xid, at in zip(kept["xid"], kept["at"], strict=True)]


def _ascending(dated: list[tuple[int, pd.Timestamp, str]]) -> list[tuple[int, pd.Timestamp, str]]:
    """Dated xids in order, without those whose time runs against the order: a long transaction ends late."""
    kept: list[tuple[int, pd.Timestamp, str]] = []
    latest = None
    for xid, at, source in sorted(dated, key=lambda point: (point[0], point[1])):
        if latest is not None and at < latest:
            while kept and kept[-1][1] > at:  # the earlier ones ended after this one: they date nothing below them
                kept.pop()
        if kept and kept[-1][0] == xid:
            kept.pop()
        kept.append((xid, at, source))
        latest = at
    return kept


def _brackets(evidence: Mapping[str, pd.DataFrame], about: Context) -> dict[int, tuple[Window, ...]]:
    found: dict[int, list[Window]] = {}
    for row in rows(evidence["row_times"]):
        start, end = row["before_at"], row["after_at"]
        if start is None or end is None or start <= end:  # rows whose times do not follow their xids tell nothing
            how = f"rows of {row['schema']}.{row['table']} written before and after it"
            found.setdefault(with_epoch(row["xid"], about.next_xid), []).append((start, end, how))
    return {xid: tuple(windows) for xid, windows in found.items()}
