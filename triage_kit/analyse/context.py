"""What holds for the whole server: its clock, whether its counters can be believed, and when people noticed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import pandas as pd

from triage_kit.analyse.catalogue import counts_too_little

# initdb and the first start belong together; on 13 and 14 the reset time of a server that never crashed is that start.
FIRST_START = pd.Timedelta(minutes=10)
INITDB = pd.Timedelta(minutes=1)
CRASHES = ("not_shut_down", "all_terminated")
TOGETHER = pd.Timedelta(seconds=5)


@dataclass(frozen=True)
class Context:
    """Facts of server and case that every step needs; instants are aware UTC or None."""

    collected_at: pd.Timestamp | None
    noticed_at: pd.Timestamp | None
    window_start: pd.Timestamp | None
    window_end: pd.Timestamp | None
    version_num: int | None
    in_recovery: bool
    initdb_at: pd.Timestamp | None
    started_at: pd.Timestamp | None
    counters_reset_at: pd.Timestamp | None
    crashed_at: pd.Timestamp | None
    next_xid: int | None
    app_role: str | None
    has_server: bool

    @property
    def counters_since(self) -> pd.Timestamp | None:
        """Since when the counters count: the last crash or reset, else the birth of the cluster."""
        known = [at for at in (self.crashed_at, self.counters_reset_at) if at is not None]
        return max(known) if known else self.initdb_at


def context(evidence: Mapping[str, pd.DataFrame]) -> Context:
    """Read the context from ``identity``, the counters of cluster and database, ``incident`` and ``collection``."""
    identity, cluster = first(evidence["identity"]), first(evidence["cluster_counters"])
    incident, collection = first(evidence["incident"]), first(evidence["collection"])
    version = identity.get("version_num")
    return Context(
        collected_at=collection.get("collected_at"),
        noticed_at=incident.get("noticed_at"),
        window_start=incident.get("window_start"),
        window_end=incident.get("window_end"),
        version_num=version,
        in_recovery=bool(identity.get("in_recovery") or False),
        initdb_at=identity.get("initdb_at"),
        started_at=identity.get("started_at"),
        counters_reset_at=_reset_time(evidence["database_counters"], identity, version),
        crashed_at=_crashed_at(evidence, identity, cluster),
        next_xid=identity.get("next_xid"),
        app_role=incident.get("app_role"),
        has_server=bool(identity),
    )


def _crashed_at(evidence: Mapping[str, pd.DataFrame], identity: dict, cluster: dict) -> pd.Timestamp | None:
    """When a crash wiped the counters: by the times of their reset, by the log where these may mean a first start."""
    initdb_at, reset = identity.get("initdb_at"), cluster.get("bgwriter_reset")
    started, version = identity.get("started_at"), identity.get("version_num")
    found = crash_time(initdb_at, reset, cluster.get("archiver_reset"), started, version)
    if found is not None or reset is None:
        return found
    events = evidence["log_events"]
    logged = events.loc[events["subject"].isin(CRASHES), "at"].dropna()
    near = logged[(logged <= reset + TOGETHER) & (logged >= reset - FIRST_START)]
    if len(near) and (initdb_at is None or near.max() > initdb_at):
        return reset
    return reset if _began_late(evidence, cluster, version) else None


def _began_late(evidence: Mapping[str, pd.DataFrame], cluster: dict, version: int | None) -> bool:
    """Whether counters of 13 or 14 that look as if they began with the first start know nothing of its tables' making.

    Nothing but recovery sets those of cluster and database to zero together; a young server's times alone do not tell.
    """
    reset, archiver = cluster.get("bgwriter_reset"), cluster.get("archiver_reset")
    if version is None or version >= 150000 or archiver is None or abs(reset - archiver) > TOGETHER:
        return False
    return counts_too_little(evidence, reset, TOGETHER)


def crash_time(
    initdb_at: pd.Timestamp | None,
    bgwriter_reset: pd.Timestamp | None,
    archiver_reset: pd.Timestamp | None,
    started_at: pd.Timestamp | None = None,
    version: int | None = None,
) -> pd.Timestamp | None:
    """When a crash wiped the counters, or None.

    Measured on 13 to 18: crash recovery sets both reset times to its end; without a crash they stand at initdb (15 and
    newer, so before any start) or at the first start (13, 14). One that moved alone was reset by hand.

    >>> start = pd.Timestamp("2025-09-25T08:00:00Z")
    >>> crash_time(start, start + pd.Timedelta("3s"), start + pd.Timedelta("3s")) is None
    True
    >>> crash_time(start, start + TOGETHER, start + TOGETHER, start + pd.Timedelta("2s"), 180000) is None
    False
    """
    if initdb_at is None or bgwriter_reset is None or archiver_reset is None:
        return None
    if abs(bgwriter_reset - archiver_reset) > TOGETHER:
        return None
    if (version or 0) >= 150000 and started_at is not None:
        return bgwriter_reset if bgwriter_reset > started_at or bgwriter_reset - initdb_at > INITDB else None
    return bgwriter_reset if bgwriter_reset - initdb_at > FIRST_START else None


SECOND = pd.Timedelta(seconds=1)


def at_latest(stamp: pd.Timestamp) -> pd.Timestamp:
    """The end of the second that a stamp names: a log that writes whole seconds (``%t``) leaves out the rest.

    >>> str(at_latest(pd.Timestamp("2026-05-04T03:02:01Z"))), str(at_latest(pd.Timestamp("2026-05-04T03:02:01.5Z")))
    ('2026-05-04 03:02:02+00:00', '2026-05-04 03:02:01.500000+00:00')
    """
    return stamp if stamp.microsecond or stamp.nanosecond else stamp + SECOND


def first(frame: pd.DataFrame) -> dict:
    """The first row with its missing values as None; an empty dict when there is none."""
    return present(frame.iloc[0].to_dict()) if len(frame) else {}


def rows(frame: pd.DataFrame, *wanted: str) -> list[dict]:
    """All rows as dicts with missing values as None, whole numbers as int.

    ``wanted`` names the columns that are read, every one by default: 200,000 log events have 24, and take seconds.
    """
    if not len(frame):
        return []  # many tables of a case are empty, and a look at each column takes as long as at a full one
    kept = _kept.get()
    if kept is None or len(frame) > KEPT_ROWS:
        return _rows(frame, wanted)
    if (id(frame), wanted) not in kept:
        kept[id(frame), wanted] = (frame, _rows(frame, wanted))  # an id is the frame's own only while that stands
    return [row.copy() for row in kept[id(frame), wanted][1]]  # who asked may change theirs


@contextmanager
def rows_kept() -> Iterator[None]:
    """Within it, ``rows`` walks a frame once, however many steps ask for it; nothing may change a frame meanwhile.

    Thirty steps of an investigation ask for the same few tables, and a look at each column costs more than the rows.
    """
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


KEPT_ROWS = 10_000  # of one frame: rows as dicts take ten times the memory of their columns
_kept: ContextVar[dict[tuple[int, tuple[str, ...]], tuple[pd.DataFrame, list[dict]]] | None] = ContextVar(
    "rows of frames", default=None
)


def _rows(frame: pd.DataFrame, wanted: tuple[str, ...]) -> list[dict]:
    names = list(wanted or frame.columns)
    columns = [_column(frame[name]) for name in names]
    # an index is walked ten times as slowly as a list, and here once for each row
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def by_table(frame: pd.DataFrame) -> defaultdict[int, tuple[dict, ...]]:
    """The rows of each table, by its OID (``table_oid``); empty for a table that has none."""
    gathered: defaultdict[int, list[dict]] = defaultdict(list)
    for row in rows(frame):
        if row["table_oid"] is not None:
            gathered[row["table_oid"]].append(row)
    return defaultdict(tuple, {oid: tuple(found) for oid, found in gathered.items()})


def _column(values: pd.Series) -> list:
    # By column and not by cell: many times faster where a database has thousands of tables.
    array = values.array  # asked itself: a Series around each answer costs more than the answer
    plain = array.to_numpy(dtype=object)
    if values.dtype == object:  # tuples of text are never missing
        return [None if not isinstance(value, tuple) and pd.isna(value) else value for value in plain]
    missing = array.isna()
    if missing.any():
        plain = plain.copy()
        plain[missing] = None
    return plain.tolist()


def in_order(source: str | None) -> tuple[str, int]:
    """What sorts the lines of one file by their number, where their instants are the same.

    >>> sorted(["a.log:105", "a.log:71", "pg_stat_activity"], key=in_order)
    ['a.log:71', 'a.log:105', 'pg_stat_activity']
    """
    file, _, line = (source or "").rpartition(":")
    return (file, int(line)) if file and line.isdecimal() else (source or "", 0)


def present(row: dict) -> dict:
    """A row whose missing values are None instead of NaN, NaT or NA."""
    return {key: None if not isinstance(value, tuple) and pd.isna(value) else value for key, value in row.items()}


def _reset_time(counters: pd.DataFrame, identity: dict, version: int | None) -> pd.Timestamp | None:
    mine = counters[counters["database"] == identity.get("database")] if identity else counters.iloc[:0]
    reset = first(mine).get("reset_at")
    # Up to 14 the time is set when the database is first seen, so it says nothing of a reset.
    return reset if reset is not None and version is not None and version >= 150000 else None
