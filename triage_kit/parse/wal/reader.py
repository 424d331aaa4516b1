"""Reading WAL segment by segment, record by record."""

from __future__ import annotations

import struct

from triage_kit.parse.wal import images
from triage_kit.parse.wal.pages import Segment
from triage_kit.parse.wal.records import (
    HEADER,
    HEAP,
    HEAP2,
    SMGR,
    XACT,
    XLOG,
    Damaged,
    Parts,
    ending,
    offsets,
    packing,
    parts,
)
from triage_kit.parse.wal.tally import Span, Tally

_RECORD = struct.Struct("<IIQBB")
LARGEST = 64 << 20  # bytes of one record; a longer one ends the reading
WANTED = {XLOG, XACT, SMGR, HEAP2, HEAP}
ENDS = {0x00: "committed", 0x20: "rolled_back", 0x30: "committed", 0x40: "rolled_back"}


class Reader:
    """Takes segments in the order of their positions and adds them up in ``tally``.

    A segment that does not follow the one before begins a new span. Every record must point back at the one before it:
    what a recycled file still holds of older times is never taken for WAL.

    >>> Reader().tally.spans
    []
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self._left = b""  # the beginning of a record that ends in the next segment
        self._left_at = 0
        self._before = 0  # LSN of the last record, 0 where it is not known
        self._span: Span | None = None
        self._next = -1

    def feed(self, part: Segment) -> None:
        """Read the records that end in this segment."""
        span = self._span
        follows = (span is not None and not span.broken and part.start == self._next and part.timeline == span.timeline
                   and part.system_identifier == span.system_identifier)  # fmt: skip
        if not follows:
            self._left, self._before = b"", 0
            span = Span(part.timeline, part.start, part.start, part.system_identifier, part.major)
            self._span = span
            self.tally.spans.append(span)
        assert span is not None
        self._next = part.start + part.size
        data, at = part.payload, (part.rest + 7) & ~7
        if self._left:
            record = self._left + data[: part.rest]
            if part.rest and len(record) == struct.unpack_from("<I", record)[0]:
                self._record(span, record, 0, self._left_at, part.lsn(min(at, len(data))), part.major)
            else:
                span.broken = f"a record at {self._left_at:X} does not go on in the next segment"
                self._before = 0
            self._left = b""
        elif part.rest and at >= len(data):
            return  # all of it belongs to a record whose beginning is not there
        self._records(span, part, data, at)

    def _records(self, span: Span, part: Segment, data: bytes, at: int) -> None:
        size = len(data)
        while at + 4 <= size:
            length = struct.unpack_from("<I", data, at)[0]
            if length == 0:
                # Zeros are the end of what was written, or of a segment that a switch closed: the next one tells.
                span.end = part.lsn(at)
                return
            lsn = part.lsn(at)
            if not HEADER <= length <= LARGEST:
                span.broken = f"what stands at {lsn:X} is no record"
                return
            if at + length > size:
                self._carry(span, part, data, at, lsn)
                return
            after = (at + length + 7) & ~7
            end = part.lsn(after) if after < size else part.start + part.size if part.whole else lsn + length
            if not self._record(span, data, at, lsn, end, part.major):
                return
            at = after
        if part.whole:
            span.end = part.start + part.size

    def _carry(self, span: Span, part: Segment, data: bytes, at: int, lsn: int) -> None:
        span.end = lsn
        if part.whole:
            self._left, self._left_at = data[at:], lsn

    def _record(self, span: Span, data: bytes, at: int, lsn: int, end: int, major: int) -> bool:
        size, xid, before, info, manager = _RECORD.unpack_from(data, at)
        if self._before and before != self._before:
            # Behind the newest record a recycled segment holds an older one's; on a broken copy, anything.
            span.end = lsn
            return False
        self._before = lsn
        span.end = end
        span.records += 1
        if manager in WANTED:
            try:
                self._interesting(span, data, at, size, xid, info, manager, lsn, end, major)
            except (Damaged, struct.error, IndexError) as error:
                span.broken = f"the record at {lsn:X} cannot be read: {error}"
                return False
        return True

    def _interesting(
        self, span: Span, data: bytes, at: int, size: int, xid: int, info: int, manager: int, lsn: int, end: int,
        major: int,
    ) -> None:  # fmt: skip
        found = parts(data, at, size, major < 15)
        if found.top:
            self.tally.parents[xid] = found.top
        if manager == XACT:
            self._end(span, data, found, xid, info, lsn, end, major)
        elif manager == SMGR:
            self._storage(data, found, xid, info & 0xF0, lsn)
        elif manager == XLOG:
            if info & 0xF0 in (0xA0, 0xB0):
                self._images(data, found, lsn, major)
        elif found.blocks:
            self._images(data, found, lsn, major)
            self._heap(data, found, xid, info, manager, lsn)

    def _end(
        self, span: Span, data: bytes, found: Parts, xid: int, info: int, lsn: int, end: int, major: int
    ) -> None:  # fmt: skip
        outcome = ENDS.get(info & 0x70)
        if outcome is None:
            return
        told = ending(data, *found.main, info, major)
        span.transactions += 1
        span.from_at = span.from_at or told.at
        span.to_at = told.at
        self.tally.finish(told.xid or xid, outcome, told.at, lsn, end, subxids=told.subxids, files=told.files,
                          database=told.database, origin=found.origin)  # fmt: skip

    def _storage(self, data: bytes, found: Parts, xid: int, info: int, lsn: int) -> None:
        at, size = found.main
        if info == 0x10 and size >= 16:
            *file, fork = struct.unpack_from("<IIIi", data, at)
            if fork == 0:
                self.tally.change(xid, (file[0], file[1], file[2]), "created", 0, lsn)
        elif info == 0x20 and size >= 16 and xid:
            _, *file = struct.unpack_from("<IIII", data, at)
            self.tally.change(xid, (file[0], file[1], file[2]), "truncated", 0, lsn)

    def _images(self, data: bytes, found: Parts, lsn: int, major: int) -> None:
        for block in found.blocks:
            if block.image is None or block.fork:
                continue
            at, size, hole, info = block.image
            bits = images.lines(data[at : at + size], hole, packing(info, major < 15))
            if bits is not None:
                self.tally.row(block.file, block.number, bits, lsn, image=True)

    def _heap(self, data: bytes, found: Parts, xid: int, info: int, manager: int, lsn: int) -> None:
        at, size = found.main
        block, what = found.blocks[0], info & 0x70
        if block.fork:
            return
        if manager == HEAP2:
            if what == 0x50:
                lines = [line for line in offsets(data, at, size, bool(info & 0x80)) if line <= images.LONGEST]
                self.tally.change(xid, block.file, "insert", len(lines), lsn)
                if block.data:
                    self.tally.row(block.file, block.number, sum(1 << line for line in lines), lsn, len(lines))
        elif what == 0x00 and size >= 2:
            self.tally.change(xid, block.file, "insert", 1, lsn)
            self._line(data, at, block, lsn)
        elif what == 0x10:
            self.tally.change(xid, block.file, "delete", 1, lsn)
        elif what in (0x20, 0x40) and size >= 14:
            self.tally.change(xid, block.file, "update", 1, lsn)
            self._line(data, at + 12, block, lsn)

    def _line(self, data: bytes, at: int, block: object, lsn: int) -> None:
        line = struct.unpack_from("<H", data, at)[0]
        if block.data and line <= images.LONGEST:  # type: ignore[attr-defined]
            self.tally.row(block.file, block.number, 1 << line, lsn, 1)  # type: ignore[attr-defined]
