"""A file in blocks that begin with an entry each, read with pread, so that several readers may share a file."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Generator, Iterator
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from triage_kit.parse.csvlog import HEAD
from triage_kit.parse.lines import Line, cut
from triage_kit.parse.prefix import matcher
from triage_kit.parse.scan.engine import Lines, Matcher
from triage_kit.parse.scan.formats import SUBS, Shape, shape

if TYPE_CHECKING:
    from triage_kit.parse.scan.ranges import Source

SIZE = 1 << 20
LONG = 1 << 20  # bytes of an entry from which on it is no block any more, but a stretch that is read in pieces
_HEAD = 64 << 10  # bytes of a line by which is told whether an entry begins with it
MOST_TOLD = 2 << 20  # bytes of one entry by which its session is told
WINDOW = 64  # entries behind which a part of one may stand, as in parse.stderr
MOST_WINDOW = 16 << 20  # bytes through which such a part is looked for


class Block:
    """Some whole entries: their bytes, the byte and the line (from 0, of the range) at which they begin."""

    def __init__(self, data: bytes, offset: int, line: int, source: Source, find: Matcher | None = None) -> None:
        self.data, self.offset, self.line, self.length = data, offset, line, len(data)
        self.lines = Lines(data)
        self.bom = offset == 0 and data.startswith(b"\xef\xbb\xbf")
        self.hits = find(self.lines) if find else {}
        self.shape: Shape | None = None
        self.most = MOST_TOLD if source.format == "stderr" else len(data)  # a record is decoded as a whole
        if not self.bom:
            self.shape = shape(self.lines, source.format, source.prefix, self.hits.get("odd"))

    def group(self, at: int) -> Iterator[Line]:
        """The lines of one entry."""
        heads = self.heads
        first, last = heads[at], heads[at + 1] if at + 1 < len(heads) else len(self.lines)
        if last > first + 1 or (self.bom and not first):
            return self._numbered(first, last)
        begin, end = self.places[at], self.places[at + 1]
        return iter((self._line(self.line + first + 1, begin, self.data[begin:end]),))

    def every(self) -> Iterator[Line]:
        return self._numbered(0, len(self.lines))

    @cached_property
    def starts(self) -> np.ndarray:
        """The bytes of the block at which its entries begin, and its end."""
        assert self.shape is not None
        return np.append(self.lines.edges[self.shape.heads], len(self.data))

    @cached_property
    def places(self) -> memoryview:
        """The same, of which one is read much faster."""
        return self.starts.data

    @cached_property
    def heads(self) -> memoryview:
        """The lines at which entries begin, of which one is read much faster."""
        assert self.shape is not None
        return self.shape.heads.data

    def texts(self, lines: np.ndarray) -> Iterator[tuple[int, bytes]]:
        """The entries that these lines belong to, in order, and their bytes."""
        assert self.shape is not None
        groups = np.array(sorted(set(self.of_lines(lines).tolist())), np.int64)
        begins, ends = self.starts[groups].tolist(), self.starts[groups + 1].tolist()
        for group, begin, end in zip(groups.tolist(), begins, ends, strict=True):
            yield group, self.data[begin:end]

    def text(self, at: int) -> bytes:
        """The bytes of one entry; of a very long one of a plain log the beginning, which tells all that is asked."""
        begin = self.places[at]
        return self.data[begin : min(self.places[at + 1], begin + self.most)]

    def begin(self, at: int) -> int:
        """The byte of the block at which an entry begins; behind the last, its end."""
        return self.places[at]

    def of_lines(self, lines: np.ndarray) -> np.ndarray:
        """The entries that these lines belong to."""
        assert self.shape is not None
        return np.searchsorted(self.shape.heads, lines, side="right") - 1

    def of_byte(self, at: int) -> int:
        """The entry that a byte belongs to."""
        return bisect_right(self.places, at, hi=len(self.places) - 1) - 1

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def _numbered(self, first: int, last: int) -> Iterator[Line]:
        edges = self.lines.edges[first : last + 1].tolist()
        for number, (begin, end) in enumerate(pairwise(edges), self.line + first + 1):
            raw = self.data[begin:end]
            yield self._line(number, begin, raw.removeprefix(b"\xef\xbb\xbf") if begin == 0 and self.bom else raw)

    def _line(self, number: int, begin: int, raw: bytes) -> Line:
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        return Line(number, self.offset + begin, raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))


class Stretch(Block):
    """An entry too long for a block, or lines that are none: read in pieces, and by the plain parser alone.

    length and count are known when ``every`` has given the last line; data are the last bytes.
    """

    def __init__(self, bytes_of: _Plain | _Packed, offset: int, line: int, source: Source) -> None:
        self.bytes_of, self.source = bytes_of, source
        self.data, self.offset, self.line, self.length = b"", offset, line, 0
        self.shape, self.hits, self.bom, self.lines_before = None, {}, offset == 0, 0
        self.given = False

    @property
    def count(self) -> int:
        return self.lines_before

    def every(self) -> Iterator[Line]:
        """All lines up to where the next entry begins, long ones in pieces."""
        self.given = True
        begins_line, begin, belongs = True, self.offset, False
        while data := self.bytes_of.read(SIZE_READ, self.offset + self.length):
            at = 0
            while at < len(data):
                newline = data.find(b"\n", at) + 1
                last = self.bytes_of.ended(self.offset + self.length + len(data))
                if not newline and not last and at:
                    break  # to be read from its beginning on
                if begins_line:
                    begin = self.offset + self.length + at
                    if belongs and (end := _behind_tabs(data, at)):
                        yield self._many(data[at:end], begin)
                        at = end
                        continue
                    head = data[at : newline or at + _HEAD]
                    if begin > self.offset and self._begins(head):
                        self._leave(data, at)
                        return
                    self.lines_before += 1
                    belongs = self.source.format == "stderr" and fits(head, self.source.prefix)
                end = newline or (len(data) if last else cut(data, len(data)))
                yield self._piece(data[at:end], begin, not begins_line)
                begins_line, at = bool(newline), end
            self._leave(data, at)

    def _leave(self, data: bytes, at: int) -> None:
        self.length += at
        self.data = data[:at]

    def _begins(self, line: bytes) -> bool:
        return begins(line, self.source.format, self.source.prefix)

    def _many(self, raw: bytes, begin: int) -> Line:
        """Whole lines with a TAB before them, as a further piece of what they belong to."""
        self.lines_before += raw.count(b"\n")
        if b"\r" in raw:
            raw = raw.replace(b"\r\n", b"\n")
        text = raw.removesuffix(b"\n").replace(b"\n\t", b"\n").replace(b"\0", b"")
        return Line(self.line + self.lines_before, begin, f"\n{text[1:].decode('utf-8', 'surrogateescape')}", more=True)

    def _piece(self, raw: bytes, begin: int, more: bool) -> Line:
        raw = raw.removesuffix(b"\n").removesuffix(b"\r")
        if self.bom and begin == 0 and not more:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        text = raw.replace(b"\0", b"").decode("utf-8", "surrogateescape")
        return Line(self.line + self.lines_before, begin, text, more=more)


SIZE_READ = 1 << 20
_END = 8 << 10  # bytes of a block's end in which its last entry mostly begins
_TABS_END = re.compile(rb"\n(?!\t)")


def _behind_tabs(data: bytes, at: int) -> int:
    """Where the lines end that begin with a TAB each from a byte on; 0 when none is whole."""
    if data[at : at + 1] != b"\t":
        return 0
    found = _TABS_END.search(data, at)
    # What ends the data may go on with a TAB or not: the next line tells.
    return found.end() if found else data.rfind(b"\n", at) + 1


def blocks(source: Source, start: int, end: int, find: Matcher | None = None, line: int = 0) -> Iterator[Block]:
    """The blocks of a range, with what find finds in them; an entry longer than LONG is a stretch.

    Before the next block is asked for, the lines of a stretch must be taken, or nobody gets them.
    """
    with _Packed(source.unpacked()) if source.unpacked else _Plain(source.path, end) as bytes_of:
        offset, size = start, SIZE
        while offset < end:
            block: Block
            whole = bytes_of.entries(size, offset, source)
            data = whole or bytes_of.read(min(size, end - offset), offset)
            if not data:
                return
            if whole or bytes_of.ended(offset + len(data)):
                block = Block(data, offset, line, source, find)
            elif cut_at := _cut(data, source):
                block = Block(data[:cut_at], offset, line, source, find)
            elif size < LONG:
                size *= 2
                continue
            else:
                del data
                block = Stretch(bytes_of, offset, line, source)
            yield block
            if isinstance(block, Stretch) and not block.given:
                for _ in block.every():
                    pass
            offset, line, size = offset + block.length, line + block.count, SIZE


class _Plain:
    """The bytes of a file up to one of them."""

    def __init__(self, path: Path, end: int) -> None:
        self.end, self.descriptor = end, os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *error: object) -> None:
        os.close(self.descriptor)

    def read(self, size: int, offset: int) -> bytes:
        return _read(self.descriptor, size, offset)

    def entries(self, size: int, offset: int, source: Source) -> bytes:
        """The whole entries of so many bytes, which need not be copied then; nothing where their end tells none."""
        length = min(_END, size // 2)
        if offset + size >= self.end:
            return b""
        last = self.read(length, offset + size - length)
        cut_at = _cut(last, source) if len(last) == length else 0
        data = self.read(size - length + cut_at, offset) if cut_at else b""
        return data if len(data) == size - length + cut_at else b""

    def ended(self, offset: int) -> bool:
        return offset >= self.end


class _Packed:
    """The bytes of a stream, which is asked for them in their order."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.held, self.begin, self.exhausted = pieces, b"", 0, False

    def __enter__(self) -> _Packed:
        return self

    def __exit__(self, *error: object) -> None:
        if isinstance(self.pieces, Generator):
            self.pieces.close()

    def entries(self, size: int, offset: int, source: Source) -> bytes:
        """Nothing: its end cannot be read before it."""
        return b""

    def read(self, size: int, offset: int) -> bytes:
        at = offset - self.begin
        if at + size > len(self.held) and not self.exhausted:
            new = [self.held[at:]]
            self.begin, at, length = offset, 0, len(new[0])
            while length < size and not self.exhausted:
                piece = next(self.pieces, None)
                self.exhausted = piece is None
                new.append(piece or b"")
                length += len(new[-1])
            self.held = b"".join(new)
        return self.held[at : at + size]

    def ended(self, offset: int) -> bool:
        while offset >= self.begin + len(self.held) and not self.exhausted:
            piece = next(self.pieces, None)
            self.exhausted = piece is None
            self.held += piece or b""
        return offset >= self.begin + len(self.held)


def before(source: Source, end: int, find: Matcher | None = None) -> Iterator[Block]:
    """The blocks before a byte with which an entry begins, the last one first; few, and none that is unclear."""
    start = max(0, end - 4 * SIZE)
    if not end or source.unpacked:  # a stream is one range
        return
    descriptor = os.open(source.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        start = boundary(descriptor, start, end, source.format, source.prefix) if start else 0
    finally:
        os.close(descriptor)
    found = list(blocks(source, start, end, find))
    lines = -sum(each.count for each in found)
    for each in found:
        each.line, lines = lines, lines + each.count
    for each in reversed(found):
        if each.shape is None:
            return
        yield each


def _read(descriptor: int, size: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)  # Windows; nobody shares the descriptor
    return os.read(descriptor, size)


def fits(line: bytes, prefix: str) -> bool:
    """Whether a line of a plain log begins an entry or a part of one."""
    text = line.replace(b"\0", b"").rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    return not text.startswith("\t") and matcher(prefix)(text) is not None


def begins(line: bytes, format: str, prefix: str) -> bool:
    """Whether an entry begins with this line."""
    if format == "json":
        return True
    if format == "stderr" and line.startswith(b"\t"):
        return False
    text = line.replace(b"\0", b"").rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    if format == "csv":
        return HEAD.match(text) is not None
    found = None if text.startswith("\t") else matcher(prefix)(text)
    return found is not None and found["severity"] not in SUBS


def _cut(data: bytes, source: Source) -> int:
    """Where the last entry of the data begins; 0 when it is the only one."""
    at = data.rfind(b"\n") + 1
    if source.format == "json":
        return at
    # The last line may be cut itself: go back over whole lines.
    while at > 0:
        before = data.rfind(b"\n", 0, at - 1) + 1
        if before and begins(data[before:at], source.format, source.prefix):
            return before
        at = before
    return 0


def _heads(descriptor: int, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The beginnings of the lines behind the first line's end from a byte on, and the bytes at which they stand."""
    offset = at
    while offset < end:
        data = _read(descriptor, min(SIZE_READ, end - offset), offset)
        newline = data.find(b"\n")
        last = not data or offset + len(data) >= end
        while newline >= 0:
            begin, newline = newline + 1, data.find(b"\n", newline + 1)
            if newline < 0 and not last and len(data) - begin < _HEAD:
                data = data[: begin - 1]  # read it from its beginning on
                break
            if line := data[begin : min(newline + 1 or len(data), begin + _HEAD)]:
                yield offset + begin, line
        if last:
            return
        offset += max(1, len(data))


def boundary(descriptor: int, at: int, end: int, format: str, prefix: str) -> int:
    """The first byte from ``at`` on with which an entry begins; the file's end when there is none."""
    return next((begin for begin, line in _heads(descriptor, at, end) if begins(line, format, prefix)), end)


def stray_part(descriptor: int, at: int, end: int, prefix: str) -> int | None:
    """The byte of the first DETAIL, STATEMENT or the like soon behind a byte whose own entry stands before it."""
    match, known, entries = matcher(prefix), set[str | None](), 0
    first = _read(descriptor, min(_HEAD, end - at), at).partition(b"\n")[0]
    for begin, line in chain([(at, first)], _heads(descriptor, at, min(end, at + MOST_WINDOW))):
        text = line.rstrip(b"\n").replace(b"\0", b"").removesuffix(b"\r").decode("utf-8", "surrogateescape")
        found = None if text.startswith("\t") else match(text)
        if found is None:
            continue
        groups = found.groupdict()
        session = groups.get("session") or groups.get("pid")
        if found["severity"] not in SUBS:
            known.add(session)
            entries += 1
        elif session not in known:
            return begin
        if entries > WINDOW:
            break
    return None
