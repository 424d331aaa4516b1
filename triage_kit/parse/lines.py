"""Bytes to numbered lines, whatever a crash, a copy or an editor did to the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST = 64 << 20  # what one entry of several lines may hold, in characters and 64 more a line


class Line(NamedTuple):
    """number from 1, offset in bytes, text without its end; foreign bytes are surrogate escapes.

    at (ISO 8601 with an offset) and pid are what a container engine, journal or syslog says of it, where one wrote it.
    """

    number: int
    offset: int
    text: str
    at: str | None = None
    pid: int | None = None


def numbered(source: Iterable[bytes | Line]) -> Iterator[Line]:
    r"""The lines of a binary file or of any iterable of byte lines; lines that are numbered already stay as they are.

    NULs (left by a crash or by copytruncate) and a byte order mark are dropped, CRLF is one end of line.

    >>> [(each.number, each.offset, each.text) for each in numbered([b"a\r\n", b"\0\0b"])]
    [(1, 0, 'a'), (2, 3, 'b')]
    """
    offset = 0
    for number, raw in enumerate(source, 1):
        if isinstance(raw, Line):
            yield raw
            continue
        body = raw.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1:
            body = body.removeprefix(b"\xef\xbb\xbf")
        if b"\0" in body:
            body = body.replace(b"\0", b"")
        yield Line(number, offset, body.decode("utf-8", "surrogateescape"))
        offset += len(raw)
