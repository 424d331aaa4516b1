"""What the records of a WAL add up to: by transaction, by file, by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from triage_kit.parse.wal.records import File

FIRST_USER_OBJECT = 16384  # FirstNormalObjectId: catalogues lie below it unless they were rewritten
MOST_OPEN = 100_000  # transactions whose end has not been read yet
MOST_CHANGES = 200_000  # kept changes of transactions that removed something
MANY = 20  # updated rows of one table in one transaction: a mark or a move rather than everyday work
MOST_PAGES = 1_000_000  # pages whose rows are kept apart


@dataclass
class Change:
    """What one transaction did to one file in one way."""

    rows: int = 0
    first: int = 0
    last: int = 0


@dataclass
class Transaction:
    """One transaction with what it did, by file and operation, and how it ended."""

    xid: int
    first: int
    changes: dict[tuple[File, str], Change] = field(default_factory=dict)
    outcome: str = "unknown"
    at: datetime | None = None
    lsn: int | None = None
    end: int | None = None
    subxids: tuple[int, ...] = ()
    database: int | None = None
    removed: tuple[File, ...] = ()
    created: tuple[File, ...] = ()
    origin: int | None = None
    commits: int = 0  # how many commits were read up to its end

    @property
    def deletes(self) -> int:
        """Rows that it deleted from files that are no catalogue's."""
        return sum(change.rows for (file, what), change in self.changes.items()
                   if what == "delete" and file[2] >= FIRST_USER_OBJECT)  # fmt: skip

    @property
    def matters(self) -> bool:
        """Whether rows may be gone by it: it deleted, let files go, cut them, marked many or undid its own inserts."""
        if self.removed or self.deletes or any(what == "truncated" for _, what in self.changes):
            return True
        if self.outcome != "committed":
            return any(what == "insert" for _, what in self.changes)
        return any(what == "update" and change.rows >= MANY for (_, what), change in self.changes.items())


@dataclass
class Stored:
    """Which rows of one file stand in the WAL: bits by page, the inserted ones and those of page images together."""

    inserted: int = 0
    places: dict[int, int] = field(default_factory=dict)
    images: dict[int, int] = field(default_factory=dict)
    first: int = 0
    last: int = 0

    @property
    def rows(self) -> int:
        return sum(bits.bit_count() for bits in self.places.values())


@dataclass
class Span:
    """An unbroken piece of WAL that was read."""

    timeline: int
    start: int
    end: int
    system_identifier: str
    major: int
    records: int = 0
    transactions: int = 0
    from_at: datetime | None = None
    to_at: datetime | None = None
    broken: str = ""


@dataclass
class Tally:
    """Everything that was learned; ``left_out`` counts what passed a bound."""

    spans: list[Span] = field(default_factory=list)
    open: dict[int, Transaction] = field(default_factory=dict)
    kept: list[Transaction] = field(default_factory=list)
    stored: dict[File, Stored] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    commits: int = 0
    changes: int = 0
    pages: int = 0
    left_out: int = 0

    def change(self, xid: int, file: File, what: str, rows: int, lsn: int) -> None:
        """Add to what a transaction did to a file; xid 0 (vacuum, hint bits) belongs to none."""
        if not xid:
            return
        mine = self.open.get(xid)
        if mine is None:
            if len(self.open) >= MOST_OPEN:
                self.left_out += 1
                return
            mine = self.open[xid] = Transaction(xid, lsn)
        change = mine.changes.get((file, what))
        if change is None:
            change = mine.changes[file, what] = Change(0, lsn, lsn)
        change.rows += rows
        change.last = lsn

    def row(self, file: File, page: int, bits: int, lsn: int, inserted: int = 0, image: bool = False) -> None:
        """Note that rows of a page can be read back."""
        if file[2] < FIRST_USER_OBJECT:
            return
        kept = self.stored.get(file)
        if kept is None:
            kept = self.stored[file] = Stored(first=lsn)
        kept.last = lsn
        kept.inserted += inserted
        if page not in kept.places:
            if self.pages >= MOST_PAGES:
                self.left_out += 1
                return
            self.pages += 1
        kept.places[page] = kept.places.get(page, 0) | bits
        if image:
            kept.images[page] = bits.bit_count()

    def finish(self, xid: int, outcome: str, at: datetime | None, lsn: int, end: int, **more: object) -> None:
        """Close a transaction with its subtransactions; it is kept when rows may be gone by it."""
        subxids: tuple[int, ...] = tuple(more.get("subxids", ()))  # type: ignore[arg-type]
        mine = self.open.pop(xid, None) or Transaction(xid, lsn)
        for one in {*subxids, *[sub for sub, top in self.parents.items() if top == xid]} if self.parents else subxids:
            self.parents.pop(one, None)
            below = self.open.pop(one, None)
            if below is None:
                continue
            mine.first = min(mine.first, below.first)
            for key, change in below.changes.items():
                there = mine.changes.setdefault(key, Change(0, change.first, change.last))
                there.rows += change.rows
                there.first, there.last = min(there.first, change.first), max(there.last, change.last)
        mine.outcome, mine.at, mine.lsn, mine.end, mine.subxids = outcome, at, lsn, end, subxids
        mine.removed, mine.database = tuple(more.get("files", ())), more.get("database")  # type: ignore[arg-type, assignment]
        mine.origin = more.get("origin")  # type: ignore[assignment]
        mine.created = tuple(file for file, what in mine.changes if what == "created")
        if outcome == "committed":
            self.commits += 1
        mine.commits = self.commits
        self._keep(mine)

    def _keep(self, mine: Transaction) -> None:
        if not mine.matters:
            return
        if self.changes + len(mine.changes) > MOST_CHANGES:
            self.left_out += 1
            return
        self.changes += len(mine.changes)
        self.kept.append(mine)

    def close(self) -> None:
        """Keep what is still open as of unknown outcome."""
        for xid in sorted(self.open):
            self._keep(self.open[xid])
        self.open.clear()
