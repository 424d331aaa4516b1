"""The row versions of some files, put together from the records and page images of the WAL.

A page image replaces what was known of its page; an INSERT, UPDATE or DELETE record changes one line. Every version is
kept with who wrote it and who ended it, so that it can be said afterwards which of them one transaction took away.
Layouts: access/heapam_xlog.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import datetime

from triage_kit.parse.heap.pages import HEADER, XMAX_INVALID, Version, versions
from triage_kit.parse.wal import images
from triage_kit.parse.wal.reader import ENDS, Reader
from triage_kit.parse.wal.records import HEAP, HEAP2, XACT, XLOG, Block, Parts, ending, offsets, packing, parts
from triage_kit.parse.wal.tally import Span

File = tuple[int, int]  # database and relfilenode; WAL of one database never has one number in two tablespaces at once
MOST = 512 << 20  # bytes of rows that are kept
_HEADER = struct.Struct("<HHB")
SUPER, OLD_TUPLE = 0x08, 0x02  # of a DELETE: the insertion is taken back; the old row stands in the record
PREFIX, SUFFIX = 0x20, 0x40  # of an UPDATE: what the new row has in common with the old one is left out


@dataclass
class Ended:
    """How a transaction ended, and where its commit or abort record begins."""

    outcome: str
    lsn: int
    at: datetime | None


@dataclass
class Gathered:
    """Versions by file and place (page and line), the newest of each place last."""

    files: dict[File, dict[tuple[int, int], list[Version]]] = field(default_factory=dict)
    ends: dict[int, Ended] = field(default_factory=dict)  # by id, subtransactions too
    tops: dict[int, int] = field(default_factory=dict)  # subtransaction to its top-level transaction
    bytes: int = 0
    left_out: int = 0
    unknown: int = 0  # UPDATE records whose old row, of which they hold the difference, is not known


class Gatherer(Reader):
    """Reads segments as ``Reader`` does and keeps the row versions of the ``wanted`` files.

    >>> Gatherer({(5, 16384)}).gathered.files
    {}
    """

    def __init__(self, wanted: set[File], most: int = MOST) -> None:
        super().__init__()
        self.wanted = wanted
        self.most = most
        self.gathered = Gathered()

    def _interesting(
        self, span: Span, data: bytes, at: int, size: int, xid: int, info: int, manager: int, lsn: int, end: int,
        major: int,
    ) -> None:  # fmt: skip
        if manager == XACT:
            if (outcome := ENDS.get(info & 0x70)) is not None:
                told = ending(data, *parts(data, at, size, major < 15).main, info, major)
                self._finish(told.xid or xid, told.subxids, Ended(outcome, lsn, told.at))
                span.transactions += 1
                span.from_at, span.to_at = span.from_at or told.at, told.at
            return
        if manager not in (HEAP, HEAP2, XLOG) or (manager == XLOG and info & 0xF0 not in (0xA0, 0xB0)):
            return
        found = parts(data, at, size, major < 15)
        if found.top:
            self.gathered.tops[xid] = found.top
        mine = [block for block in found.blocks if not block.fork and block.file[1:] in self.wanted]
        if not mine:
            return
        if manager == HEAP or (manager == HEAP2 and info & 0x70 == 0x50):
            self.change(data, found, xid, info, manager)
        for block in mine:
            if block.image is not None:
                self.image(data, block, major)

    def _finish(self, xid: int, subxids: tuple[int, ...], ended: Ended) -> None:
        self.gathered.ends[xid] = ended
        for one in subxids:
            self.gathered.ends[one] = ended
            self.gathered.tops[one] = xid

    def image(self, data: bytes, block: Block, major: int) -> None:
        """Take the row versions of a page's image for what is known of the page."""
        at, size, hole, info = block.image  # type: ignore[misc]
        page = images.whole(data[at : at + size], hole, block.gap, packing(info, major < 15))
        for line, version in versions(page):
            self._keep(block, line, version)

    def _keep(self, block: Block, line: int, version: Version) -> None:
        """Remember a version; the same one seen again takes the place of what was known of it."""
        places = self.gathered.files.setdefault((block.file[1], block.file[2]), {})
        there = places.setdefault((block.number, line), [])
        if there and there[-1].xmin == version.xmin and there[-1].hoff == version.hoff:
            there[-1] = version
            return
        if self.gathered.bytes > self.most:
            self.gathered.left_out += 1
            return
        self.gathered.bytes += len(version.body) + 200
        there.append(version)

    def _last(self, block: Block, line: int) -> Version | None:
        there = self.gathered.files.get((block.file[1], block.file[2]), {}).get((block.number, line))
        return there[-1] if there else None

    def change(self, data: bytes, found: Parts, xid: int, info: int, manager: int) -> None:
        """Do to the rows that are known what an INSERT, UPDATE or DELETE record says."""
        at, size = found.main
        what, block = info & 0x70, found.blocks[0]
        if manager == HEAP2:
            self._many(data, block, list(offsets(data, at, size, bool(info & 0x80))), xid)
        elif what == 0x00 and block.data:
            self._keep(block, struct.unpack_from("<H", data, at)[0], _tuple(data, *block.data, xid))
        elif what == 0x10 and size >= 8:
            self._delete(data, block, at, size, xid)
        elif what in (0x20, 0x40) and size >= 14:
            self._update(data, found, at, xid)
        elif what == 0x70 and block.data:
            self._in_place(data, block, struct.unpack_from("<H", data, at)[0])

    def _in_place(self, data: bytes, block: Block, line: int) -> None:
        """A row of the catalogue with figures of VACUUM or ANALYZE written over its own."""
        (here, size), old = block.data or (0, 0), self._last(block, line)
        if old is not None:
            old.body = old.body[: old.hoff - HEADER] + data[here : here + size]

    def _many(self, data: bytes, block: Block, lines: list[int], xid: int) -> None:
        if not block.data:
            return
        here, length = block.data
        start, end = here, here + length
        for line in lines:
            here += (here - start) & 1
            size, flags2, flags, hoff = struct.unpack_from("<HHHB", data, here)
            if here + 7 + size > end:
                return
            self._keep(block, line, Version(xid, 0, flags, flags2, hoff, data[here + 7 : here + 7 + size]))
            here += 7 + size

    def _delete(self, data: bytes, block: Block, at: int, size: int, xid: int) -> None:
        line, flags = struct.unpack_from("<H", data, at + 4)[0], data[at + 7]
        old = self._last(block, line)
        if flags & SUPER:
            self.gathered.files.get((block.file[1], block.file[2]), {}).pop((block.number, line), None)
            return
        if old is None and flags & OLD_TUPLE and size > 13:
            # REPLICA IDENTITY FULL: the record holds the row. Its writer is not told; it was there to be deleted.
            old = _tuple(data, at + 8, size - 8, 0)
            self._keep(block, line, old)
        if old is not None:
            _end(old, xid)

    def _update(self, data: bytes, found: Parts, at: int, xid: int) -> None:
        _, old_line, _, flags, _, line = struct.unpack_from("<IHBBIH", data, at)
        block = found.blocks[0]
        before = found.blocks[1] if len(found.blocks) > 1 else block
        old = self._last(before, old_line)
        if block.data:
            new = _renewed(data, *block.data, flags, old, xid)
            if new is None:
                self.gathered.unknown += 1
            else:
                self._keep(block, line, new)
        if old is not None:
            _end(old, xid)


def _end(version: Version, xid: int) -> None:
    version.xmax = xid
    version.flags &= ~(XMAX_INVALID | 0x1080)  # nor a lock, nor a multixact: this one replaced or deleted it


def _tuple(data: bytes, at: int, size: int, xid: int) -> Version:
    flags2, flags, hoff = _HEADER.unpack_from(data, at)
    return Version(xid, 0, flags, flags2, hoff, data[at + 5 : at + size])


def _renewed(data: bytes, at: int, size: int, flags: int, old: Version | None, xid: int) -> Version | None:
    """The new row of an UPDATE; None where it is told as a difference from a row that is not known."""
    end, before, after = at + size, 0, 0
    if flags & PREFIX:
        before, at = struct.unpack_from("<H", data, at)[0], at + 2
    if flags & SUFFIX:
        after, at = struct.unpack_from("<H", data, at)[0], at + 2
    flags2, bits, hoff = _HEADER.unpack_from(data, at)
    body = data[at + 5 : end]
    if (before or after) and old is None:
        return None
    if before and old is not None:
        head, kept = hoff - HEADER, old.hoff - HEADER
        body = body[:head] + old.body[kept : kept + before] + body[head:]
    if after and old is not None:
        body += old.body[len(old.body) - after :]
    return Version(xid, 0, bits, flags2, hoff, body)
