"""Bytes to numbered lines, whatever a crash, a copy or an editor did to the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST = 64 << 20  # what a wrapper's entry of several lines may hold, in characters and 64 more a line
PIECE = 1 << 20  # bytes or characters of a line from which on it comes in pieces
WAITING = 8 << 20  # bytes, and 64 more a line, of other lines that wait while a long one comes


class Line(NamedTuple):
    """number from 1, offset in bytes, text without its end; foreign bytes are surrogate escapes.

    at (ISO 8601 with an offset) and pid are what a container engine, journal or syslog says of it, where one wrote it.
    more says that it is a further piece of the line before it, whose number and offset it has.
    """

    number: int
    offset: int
    text: str
    at: str | None = None
    pid: int | None = None
    more: bool = False


class Piece(bytes):
    """Bytes that go on with the line before them."""


def numbered(source: Iterable[bytes | Line], whole: bool = False) -> Iterator[Line]:
    r"""The lines of a binary file or of any iterable of byte lines; lines that are numbered already stay as they are.

    NULs (left by a crash or by copytruncate) and a byte order mark are dropped, CRLF is one end of line. A line of
    many megabytes comes in pieces, unless whole is asked for.

    >>> [(each.number, each.offset, each.text) for each in numbered([b"a\r\n", b"\0\0b"])]
    [(1, 0, 'a'), (2, 3, 'b')]
    """
    offset = number = begin = 0
    for raw in source:
        if isinstance(raw, Line):
            if len(raw.text) > PIECE and not whole:
                yield from _in_pieces(raw)
            else:
                yield raw
            continue
        more = isinstance(raw, Piece)
        if not more:
            number, begin = number + 1, offset
        offset += len(raw)
        body = raw.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1 and not more:
            body = body.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in body:
            body = body.replace(b"\0", b"")
        if len(body) <= PIECE or whole:
            yield Line(number, begin, body.decode("utf-8", "surrogateescape"), None, None, more)
        else:
            yield from (Line(number, begin, each.decode("utf-8", "surrogateescape"), more=more or at > 0)
                        for at, each in enumerate(pieces(body)))  # fmt: skip


def _in_pieces(line: Line) -> Iterator[Line]:
    for at in range(0, len(line.text), PIECE):
        yield line._replace(text=line.text[at : at + PIECE], more=line.more or at > 0)


def pieces(raw: bytes) -> Iterator[bytes]:
    """A long line in parts, none of which ends inside a character or an end of line."""
    at = 0
    while at < len(raw):
        end = max(at + 1, cut(raw, at + PIECE)) if at + PIECE < len(raw) else len(raw)
        yield raw[at:end]
        at = end


def cut(raw: bytes, at: int) -> int:
    """The last place up to a byte that cuts neither a character nor an end of line.

    >>> cut(b"ab\\xe2\\x82\\xac", 4), cut(b"ab\\xe2\\x82", 4), cut(b"ab\\xe2\\x82\\xac", 5), cut(b"a\\r\\n", 2)
    (2, 2, 5, 1)
    """
    for lead in range(at - 1, max(-1, at - 4), -1):
        if raw[lead] & 0xC0 == 0x80:
            continue
        if raw[lead] >= 0xC0 and lead + 2 + (raw[lead] >= 0xE0) + (raw[lead] >= 0xF0) > at:
            return lead
        break
    return at - 1 if at > 1 and raw[at - 1] == 13 else at


def joined(lines: Iterable[Line]) -> str:
    """The text of lines that belong together; pieces are one line again."""
    return "".join(each.text if each.more or not at else f"\n{each.text}" for at, each in enumerate(lines))


class Gluer:
    """Lines that an engine has cut into pieces, of several streams between each other, put together again.

    What grows longer than a PIECE is given on while it comes, so that no length is too long. Meanwhile the lines of
    other streams wait; if they wait too long, what nothing ends is ended.
    """

    def __init__(self) -> None:
        self.open: dict[str, list[Line]] = {}
        self.lengths: dict[str, int] = {}
        self.flowing: str | None = None  # the stream of a line that is given on
        self.waiting: list[Line] = []
        self.waits = 0

    def add(self, stream: str, line: Line, ends: bool) -> Iterator[Line]:
        """Take a piece; what it makes whole comes out."""
        if stream == self.flowing:
            yield line._replace(more=True)
            if ends:
                yield from self._let_go()
            return
        held = self.open.setdefault(stream, [])
        held.append(line)
        length = self.lengths[stream] = self.lengths.get(stream, 0) + _size(line.text) + 64
        if self.flowing is not None:
            if ends:
                self.waiting.append(self._whole(stream))
            yield from self._waited(line)
        elif ends or length > PIECE:
            yield self._whole(stream)
            self.flowing = None if ends else stream

    def between(self, line: Line) -> Iterator[Line]:
        """Take a whole line of no stream."""
        if self.flowing is None:
            yield line
        else:
            self.waiting.append(line)
            yield from self._waited(line)

    def rest(self) -> Iterator[Line]:
        """What has not ended when nothing more comes."""
        yield from self._let_go()
        yield from [self._whole(stream) for stream in [*self.open]]

    def _whole(self, stream: str) -> Line:
        del self.lengths[stream]
        held = self.open.pop(stream)
        return held[0] if len(held) == 1 else held[0]._replace(text="".join(each.text for each in held))

    def _waited(self, line: Line) -> Iterator[Line]:
        self.waits += _size(line.text) + 64
        if self.waits > WAITING:  # a line that nothing ends
            yield from self._let_go()

    def _let_go(self) -> Iterator[Line]:
        yield from self.waiting
        self.flowing, self.waiting, self.waits = None, [], 0


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(encoded(text))


def encoded(text: str) -> bytes:
    """The bytes that a text was decoded from."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, as JSON may hold it
        return text.encode("utf-8", "surrogatepass")
