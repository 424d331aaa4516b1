"""Every file that a table let go, in the order of the WAL, and which of these replacements took the rows.

pg_class.xmin and relfilenode tell the last replacement alone. Who truncates twice (a suite run again, a retry, a
TRUNCATE and then DROP and CREATE) leaves the second one there, on a table that was empty by then. The WAL has every one
of them: a commit record names the files that went with it, and a file that was made within the WAL held no more rows
than stand there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pandas as pd

from triage_kit.analyse.context import first, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.falls import FEW, steepest
from triage_kit.analyse.records import Records, position
from triage_kit.analyse.xids import Clock

UNKNOWN = 0  # the file that a link let go, where nothing tells which it was
FAR = pd.Timestamp.max.tz_localize("UTC")


@dataclass(frozen=True)
class Link:
    """One transaction that let a file of a table go.

    ``rows`` stood there at most, ``came`` before some were deleted; None where nothing tells. They are ``counted``
    where the whole life of the file is in the WAL.
    """

    xid: int  # top-level, with its epoch
    at: pd.Timestamp | None
    lsn: str | None
    filenode: int
    rows: int | None = None
    came: int | None = None
    counted: bool = False
    dropped: bool = False  # with the table: another one of its name stands there now


@dataclass(frozen=True)
class Chain:
    """The links of one table, oldest first; ``place`` is that of the one that took its rows, None where nothing tells.

    >>> twice = Chain.of([Link(700, None, None, 16384, 143, 143), Link(702, None, None, 16390, 2, 2)], 0)
    >>> twice.took.xid, [each.xid for each in twice.later]
    (700, [702])
    """

    links: tuple[Link, ...]
    place: int | None = None

    @classmethod
    def of(cls, links: Sequence[Link], stand: int | None) -> Chain:
        held, came = [link.rows for link in links], [link.came for link in links]
        return cls(tuple(links), steepest(held, came, stand))

    @property
    def took(self) -> Link | None:
        return None if self.place is None else self.links[self.place]

    @property
    def later(self) -> tuple[Link, ...]:
        """Replacements after the one that took the rows."""
        return () if self.place is None else self.links[self.place + 1 :]


def chains(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], wal: Records, dated: Clock
) -> dict[str, Chain]:
    """The chain of each permanent table of which the WAL shows a replacement or a DROP."""
    if evidence["wal_changes"].empty:
        return {}
    files = _Files.of(evidence)
    told = ((table, _links(table, files, wal, dated)) for table in tables)
    return {table.name: Chain.of(links, table.balance["actual_rows"]) for table, links in told if links}


def _links(table: Dossier, files: _Files, wal: Records, dated: Clock) -> list[Link]:
    if table.relation["kind"] != "table" or table.relation["persistence"] != "permanent":
        return []  # a REFRESH replaces as well, and of unlogged tables the WAL has no rows
    told: list[tuple[int, Link]] = []
    before = {one.oid: one for one in wal.drops.get(table.name, ()) if one.oid != table.oid}
    for gone in files.removed:
        drop = before.get(gone["owner"])
        if gone["owner"] != table.oid and drop is None:
            continue
        ended, whole = files.ended[gone["xid"]], drop is not None and drop.made and gone["filenode"] == drop.oid
        link = Link(dated.full(gone["xid"]), ended["ended_at"], ended["lsn"], gone["filenode"],
                    *files.rows_in(gone, whole), dropped=drop is not None and drop.xid == gone["xid"])  # fmt: skip
        told.append((position(ended["lsn"]) or 0, link))
    links = [link for _, link in sorted(told, key=lambda each: each[0])]
    links += _last(table, links, files, dated) if links else []
    return [_of_first_file(link, links[number:], table) for number, link in enumerate(links)]


def _last(table: Dossier, links: Sequence[Link], files: _Files, dated: Clock) -> list[Link]:
    """The replacement that made the present file, where no link did: whose file it let go the WAL does not tell."""
    _, made = files.made.get(table.relation["filenode"], (None, None))
    if table.relation["filenode"] == table.oid or (made is None and not table.relation["xmin"]):
        return []
    xid = dated.full(made) if made is not None else dated.top(table.relation["xmin"])
    if xid == links[-1].xid:
        return []
    ended = files.ended.get(made) if made is not None else None
    # Of all tables together: a few rows may be any one's, and no table's loss is dated by what another may have held.
    few = made is not None and (count := files.loose(made)) is not None and count < FEW
    count = 0 if few else None
    return [Link(xid, ended and ended["ended_at"], ended and ended["lsn"], UNKNOWN, count, count)]


def _of_first_file(link: Link, links: Sequence[Link], table: Dossier) -> Link:
    """The first of some links; where it let the table's first file go, with all rows that were in no later one."""
    later, actual = [each.rows for each in links[1:]], table.balance["actual_rows"]
    if link.filenode != table.oid or table.net is None or actual is None or None in later:
        return link
    rows = max(table.net - sum(count or 0 for count in later) - actual, 0)
    return replace(link, rows=rows, came=max(rows, link.came or 0))


@dataclass(frozen=True)
class _Files:
    """The files of the case's database that the WAL tells of."""

    ended: Mapping[int, dict]  # committed transactions
    changes: Sequence[dict]
    held: Mapping[int, int]  # rows that stand in the WAL
    estimates: Mapping[int, float | None]
    owners: Mapping[int, int]
    spans: Sequence[tuple[int, int]]
    logged: bool  # whether every row that comes into a file stands in the WAL
    made: Mapping[int, tuple[int, int]] = field(default_factory=dict)  # where in the WAL, and by which transaction

    @classmethod
    def of(cls, evidence: Mapping[str, pd.DataFrame]) -> _Files:
        database, level = first(evidence["identity"]).get("database_oid"), evidence["settings"]
        here = {name: [row for row in rows(evidence[name]) if database is None or row["database_oid"] == database]
                for name in ("wal_changes", "wal_rows", "wal_storage")}  # fmt: skip
        named = {row["filenode"]: row for row in here["wal_storage"]}
        spans = [(position(row["from_lsn"]), position(row["to_lsn"])) for row in rows(evidence["wal_spans"])]
        return cls(
            {row["xid"]: row for row in rows(evidence["wal_transactions"]) if row["outcome"] == "committed"},
            here["wal_changes"],
            {row["filenode"]: row["rows"] or 0 for row in here["wal_rows"]},
            {number: row["tuples"] for number, row in named.items()},
            {number: row["table_oid"] for number, row in named.items()},
            [(start, end) for start, end in spans if start is not None and end is not None],
            "minimal" not in set(level.loc[level["name"] == "wal_level", "value"]),
            {row["filenode"]: (position(row["first_lsn"]) or 0, row["xid"]) for row in here["wal_changes"]
             if row["operation"] == "created"},
        )  # fmt: skip

    @cached_property
    def removed(self) -> list[dict]:
        """Files that went with a commit, with the table that had each."""
        return [
            row | {"owner": self.owners.get(row["filenode"], row["table_oid"])}
            for row in self.changes
            if row["operation"] == "removed" and row["xid"] in self.ended
        ]

    @cached_property
    def _left(self) -> Mapping[int, int]:
        """Rows of each file that were deleted, or whose insertion was rolled back, before it went."""
        found: defaultdict[int, int] = defaultdict(int)
        for row in self.changes:
            if row["operation"] == ("delete" if row["xid"] in self.ended else "insert"):
                found[row["filenode"]] += row["rows"] or 0
        return found

    def loose(self, xid: int) -> int | None:
        """Rows that stand in the WAL of the files, of tables that are not known, which a transaction let go."""
        mine = [row["filenode"] for row in self.changes if row["xid"] == xid and row["operation"] == "removed"]
        known = {row["filenode"] for row in self.removed if row["owner"] is not None}
        return sum(self.held.get(number, 0) for number in mine if number not in known) if self.held else None

    def rows_in(self, gone: dict, whole: bool) -> tuple[int | None, int | None, bool]:
        """How many rows stood in a file when it went, and how many came into it.

        They are counted where its whole life is in the WAL, as ``whole`` says of a table that was made there as well;
        else estimated as the planner did.
        """
        number, end = gone["filenode"], position(gone["last_lsn"]) or 0
        came, left = self.held.get(number, 0), self._left[number]
        start, _ = self.made.get(number, (None, None))
        unbroken = start is not None and any(begin <= start and end <= until for begin, until in self.spans)
        if self.logged and (unbroken or (whole and len(self.spans) == 1)):
            return max(came - left, 0), came, True
        estimate = self.estimates.get(number)
        if estimate is None:
            return None, None, False
        return max(round(estimate) - left, came - left, 0), max(round(estimate), came), False
