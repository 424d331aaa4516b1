"""Takes a container engine's wrapper off a big log in large pieces, so that the scan reads what the server wrote.

What comes out is what ``wrappers.Unwrapper`` gives line by line, at a tenth of its cost: a record of the usual form is
cut out of its bytes, and only one of an unusual form is decoded. The places of the few entries that the scan keeps are
looked up afterwards, since the scan counts the bytes and lines that it is given.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.lines import PIECE, WAITING, Line, encoded
from triage_kit.parse.wrappers import Unwrapper, without_inner_stamps

STRIPPED = ("json", "cri", "stamped")
_LOG, _STREAM = b'{"log":"', b'","stream":"'
_CUT = 16384  # docker cuts longer lines
_REST = re.compile(rb'","stream":"(\w*)",(?:"attrs":\{(?:"[^"\\\x00-\x1f]*"[:,]?)*\},)?"time":"[^"\\\x00-\x1f]*"\}\s*')
# Nothing is given back once it was taken: a record of another form is told at once.
_RECORD = re.compile(
    rb'^\{"log":"([^"\\\x00\x02-\x1f]*+(?:\\["tu][^"\\\x00\x02-\x1f]*+)*+)\\n","stream":"\w*+",'
    rb'(?:"attrs":\{(?:"[^"\x00-\x1f\\]*+"[:,]?)*+\},)?+"time":"[^"\\\x00-\x1f]*+"\}[ \r\t]*+\n',
    re.MULTILINE,
)
_ESCAPES = ((b'\\"', b'"'), (b"\\t", b"\t"), (b"\\u003c", b"<"), (b"\\u003e", b">"), (b"\\u0026", b"&"))
_CONTROL = re.compile(rb"[\x00-\x1f]")
_STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_CRI = re.compile(_STAMP + rb" (stdout|stderr) ([FP])(?::\w+)*(?: |\r?\Z)")
_STAMPED = re.compile(_STAMP + rb"(?: |\r?\Z)")
_HEADS = {
    "cri": re.compile(rb"^" + _STAMP + rb" (?:stdout|stderr) F(?::\w+)*(?: |(?=\r?$))", re.MULTILINE),
    "stamped": re.compile(rb"^" + _STAMP + rb"(?: |(?=\r?$))", re.MULTILINE),
}
_PIECE = 128 << 10
Found = tuple[bytes, bytes, bool]


@dataclass
class _Held:
    """The pieces of a line that has not ended, and the line and byte of the file where it begins."""

    texts: list[bytes]
    number: int
    offset: int
    length: int = 0

    def text(self, end: bytes = b"\n") -> Given:
        return b"".join([*self.texts, end]), self.number, self.offset


Given = tuple[bytes, int, int]  # what the server wrote, and the line and byte of the file where it stands


@dataclass
class _Open:
    """As lines.Gluer: lines that the engine has cut and that have not ended, by stream."""

    held: dict[bytes, _Held] = field(default_factory=dict)
    flowing: bytes | None = None  # the stream of a long line that is given on while it comes
    waiting: list[Given] = field(default_factory=list)
    waits: int = 0

    def __bool__(self) -> bool:
        return bool(self.held) or self.flowing is not None

    def outline(self) -> _Outline:
        """What is open without its texts, of which places want the lengths alone; not while others wait."""
        held = {stream: (sum(map(len, each.texts)), each) for stream, each in self.held.items()}
        return _Outline(
            tuple((stream, size, each.number, each.offset, each.length) for stream, (size, each) in held.items()),
            self.flowing,
        )

    def add(self, text: bytes, stream: bytes, ends: bool, number: int, offset: int) -> Iterator[Given]:
        """Take a piece; what it makes whole, or goes on with what flows, comes out."""
        if stream == self.flowing:
            yield text + b"\n" if ends else text, number, offset
            if ends:
                yield from self._let_go()
            return
        held = self.held.setdefault(stream, _Held([], number, offset))
        held.texts.append(text)
        held.length += len(text) + 64
        if self.flowing is not None:
            if ends:
                self.waiting.append(self.held.pop(stream).text())
            yield from self._waited((text, number, offset))
        elif ends or held.length > PIECE:
            yield self.held.pop(stream).text(b"\n" if ends else b"")
            self.flowing = None if ends else stream

    def between(self, line: Given) -> Iterator[Given]:
        """Take a whole line of no stream."""
        if self.flowing is None:
            yield line
        else:
            self.waiting.append(line)
            yield from self._waited(line)

    def rest(self) -> Iterator[Given]:
        """What has not ended when nothing more comes."""
        if self.flowing is not None:
            yield b"\n", 0, 0
        yield from self._let_go()
        for each in self.held.values():
            yield each.text()

    def _waited(self, line: Given) -> Iterator[Given]:
        self.waits += len(line[0]) + 64
        if self.waits > WAITING:  # a line that nothing ends
            yield b"\n", line[1], line[2]
            yield from self._let_go()

    def _let_go(self) -> Iterator[Given]:
        yield from self.waiting
        self.flowing, self.waiting, self.waits = None, [], 0


class _Outline(NamedTuple):
    """Lines that have not ended: stream, bytes so far, line and byte of the file, length; and which of them flows."""

    held: tuple[tuple[bytes, int, int, int, int], ...] = ()
    flowing: bytes | None = None

    def filled(self) -> _Open:
        """As it was, with other bytes in the place of the texts."""
        return _Open({stream: _Held([bytes(size)], number, offset, length)
                      for stream, size, number, offset, length in self.held}, self.flowing)  # fmt: skip


class _Mark(NamedTuple):
    """Where a piece begins: the byte of what the server wrote, the byte and the line of the file, and what is open."""

    inner: int
    outer: int
    outer_line: int
    open: _Outline


class Stripped:
    """The server's own bytes out of a log with one wrapper; ``consumed`` are the bytes of the log that were read.

    pieces gives the log's bytes from the beginning, each time it is called.
    """

    def __init__(self, layer: str, pieces: Callable[[], Iterator[bytes]]) -> None:
        self.pieces, self.layer = pieces, layer
        self.strip = {"json": _of_docker, "cri": _of_cri, "stamped": _of_stamps}[layer]
        self.marks: list[_Mark] = []
        self.consumed = self.lines = 0

    def unpacked(self) -> Iterator[bytes]:
        """The server's bytes, in whole lines."""
        marks: list[_Mark] = []
        inner = outer = lines = 0
        still = _Open()
        for chunk in self._chunks():
            if not still.waiting:  # a mark is small, however much the lines that wait may be
                marks.append(_Mark(inner, outer, lines, still.outline()))
                if len(marks) > len(self.marks):  # a second reading may end early
                    self.marks = marks
            out = self._at_once(chunk, outer, still)
            if out is None:
                out = b"".join([text for text, _, _ in self._texts(chunk, outer, lines, still)])
            inner, outer = inner + len(out), outer + len(chunk)
            lines += _lines(chunk)
            self.consumed, self.lines = max(self.consumed, outer), max(self.lines, lines)
            yield out
        yield b"".join([text for text, _, _ in still.rest()])

    def place(self, found: Iterable[Entry | Unparsed]) -> None:
        """Set line and byte of what the scan found to those of the file."""
        waiting = deque(sorted(found, key=lambda each: each.offset))
        ahead = deque(self.marks)
        inner = outer = lines = 0
        still: _Open | None = None
        for chunk in self._chunks():
            if not waiting:
                return
            if ahead and ahead[0].outer == outer:
                mark = ahead.popleft()
                inner, wanted = mark.inner, not ahead or waiting[0].offset < ahead[0].inner
                still = mark.open.filled() if wanted else None
            if still is not None:
                texts = self._places(chunk, outer, lines, still) or self._texts(chunk, outer, lines, still)
                inner = _placed(waiting, inner, texts)
            outer, lines = outer + len(chunk), lines + _lines(chunk)
        if still is not None:
            _placed(waiting, inner, still.rest())

    def _chunks(self) -> Iterator[bytes]:
        """The log in pieces of whole lines."""
        rest: list[bytes] = []
        for piece in self.pieces():
            at = 0
            while (end := piece.rfind(b"\n", at, at + _PIECE) + 1 or piece.find(b"\n", at) + 1) > 0:
                rest.append(piece[at:end])
                chunk, rest, at = b"".join(rest), [], end  # a line of many megabytes is not held in its pieces, too
                yield chunk
                del chunk
            rest.append(piece[at:])
        if last := b"".join(rest):
            yield last

    def _at_once(self, chunk: bytes, outer: int, still: _Open) -> bytes | None:
        """The server's bytes of a piece whose every line is a whole one of the usual form; None for any other."""
        if still or not outer or not chunk.endswith(b"\n"):
            return None
        if self.layer != "json":
            out, told = _HEADS[self.layer].subn(b"", chunk)
            longest = max(map(len, chunk.split(b"\n"))) if self.layer == "stamped" else 0
            return out if told == chunk.count(b"\n") and longest < _CUT else None
        out, told = _RECORD.subn(rb"\1\n", chunk.replace(b"\\\\", b"\1"))
        if told != chunk.count(b"\n"):
            return None
        if b"\\" in out:
            for escaped, text in _ESCAPES:
                out = out.replace(escaped, text)
            if b"\\" in out:
                return None
        return out.replace(b"\1", b"\\")

    def _places(self, chunk: bytes, outer: int, before: int, still: _Open) -> Iterator[Given] | None:
        """As _texts, of a piece whose lines stand for one line each."""
        out = self._at_once(chunk, outer, still)
        if out is None:
            return None
        lengths = [0, *accumulate(len(line) + 1 for line in chunk.split(b"\n"))]
        return ((text + b"\n", before + at + 1, outer + lengths[at])
                for at, text in enumerate(out.split(b"\n")[:-1]))  # fmt: skip

    def _texts(self, chunk: bytes, outer: int, before: int, still: _Open) -> Iterator[Given]:
        """The server's lines of a piece, each with the line and byte of the file where it begins.

        The piece begins at byte ``outer``, behind ``before`` lines; still are lines that the engine has cut and that
        have not ended, by stream.
        """
        lines = chunk.split(b"\n")
        if not lines[-1]:
            lines.pop()
        offset = outer
        for number, raw in enumerate(lines, before + 1):
            line = _clean(raw, number) if b"\r" in raw or b"\0" in raw or number == 1 else raw
            found = self.strip(line)
            if found is None:
                yield from still.between((b"".join(each + b"\n" for each in self._slowly(line)), number, offset))
            elif found[2] and not still:
                yield found[0] + b"\n", number, offset
            else:
                yield from still.add(*found, number, offset)
            offset += len(raw) + 1

    def _slowly(self, line: bytes) -> Iterator[bytes]:
        bare = Line(0, 0, line.decode("utf-8", "surrogateescape"))
        return (encoded(each.text) for each in Unwrapper((self.layer,)).lines([bare]))


def _lines(chunk: bytes) -> int:
    return chunk.count(b"\n") + (not chunk.endswith(b"\n"))


def _placed(waiting: deque[Entry | Unparsed], inner: int, texts: Iterable[Given]) -> int:
    """Set the places of all that waits within these texts; returns the byte behind them."""
    for text, line, offset in texts:
        inner += len(text)
        while waiting and waiting[0].offset < inner:
            each = waiting.popleft()
            each.line, each.offset = line, offset
    return inner


def _clean(raw: bytes, number: int) -> bytes:
    line = raw.removesuffix(b"\r")
    return (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).replace(b"\0", b"")


def _of_docker(line: bytes) -> Found | None:
    """Text, stream and whether the line ends with it; None for what is no record."""
    at = line.find(_STREAM, len(_LOG))
    rest = _REST.fullmatch(line, at) if at > 0 and line.startswith(_LOG) else None
    text = line[8:at]
    if rest is None or _CONTROL.search(text):
        return _decoded(line)
    ends = text.endswith(b"\\n")
    if ends:
        text = text[:-2]
    if b"\\" in text:
        if b"\\\\" in text:
            return _decoded(line)
        if text.count(b'"') != text.count(b'\\"'):
            return _decoded(line)
        text = text.replace(b'\\"', b'"').replace(b"\\t", b"\t")
        if b"\\" in text:
            text = text.replace(b"\\u003c", b"<").replace(b"\\u003e", b">").replace(b"\\u0026", b"&")
            if b"\\" in text:
                return _decoded(line)
    elif b'"' in text:
        return _decoded(line)
    return text, rest[1], ends


def _decoded(line: bytes) -> Found | None:
    try:
        row = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    text = row.get("log") if isinstance(row, dict) else None
    if not isinstance(text, str):
        return None
    return encoded(text.removesuffix("\n")), encoded(str(row.get("stream") or "")), text.endswith("\n")


def _of_cri(line: bytes) -> Found | None:
    found = _CRI.match(line)
    return (line[found.end() :], found[1], found[2] == b"F") if found else None


def _of_stamps(line: bytes) -> Found | None:
    found = _STAMPED.match(line)
    if found is None:
        return None
    text = line[found.end() :]
    return without_inner_stamps(text) if len(text) >= _CUT else text, b"", True
