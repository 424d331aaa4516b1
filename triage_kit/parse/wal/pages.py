"""One WAL segment: its header, and its pages without theirs."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

PAGE = 8192
LONG, SHORT = 40, 24  # sizes of SizeOfXLogLongPHD and SizeOfXLogShortPHD
CONTINUED = 0x0001  # XLP_FIRST_IS_CONTRECORD
HAS_LONG = 0x0002
MAGICS = {0xD106: 13, 0xD10D: 14, 0xD110: 15, 0xD113: 16, 0xD116: 17, 0xD118: 18}  # XLOG_PAGE_MAGIC
NAME = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:\.partial)?")
_HEAD = struct.Struct("<HHIQI")
_MORE = struct.Struct("<QII")


class NotWal(ValueError):
    """Bytes that are no WAL segment, with the reason."""


@dataclass(frozen=True)
class Segment:
    """What a segment says of itself, and the bytes between its page headers up to the first page that is not its own.

    ``start`` is the LSN of its first byte, ``rest`` the bytes of a record that began in the segment before, ``whole``
    whether all of its pages belong to it: a recycled file keeps pages of an older segment behind its newest ones.
    """

    start: int
    size: int
    timeline: int
    major: int
    system_identifier: str
    rest: int
    payload: bytes
    whole: bool

    def lsn(self, offset: int) -> int:
        """The position in the WAL of an offset into ``payload``."""
        first = PAGE - LONG
        if offset < first:
            return self.start + LONG + offset
        page, inside = divmod(offset - first, PAGE - SHORT)
        return self.start + (page + 1) * PAGE + SHORT + inside


def segment(data: bytes) -> Segment:
    """Read the page headers of one segment file; raises NotWal, which says what was found instead."""
    if len(data) < PAGE:
        raise NotWal(f"got {len(data)} bytes: a segment has at least one page of {PAGE}")
    magic, info, timeline, start, rest = _HEAD.unpack_from(data)
    if magic not in MAGICS:
        hint = "the bytes begin with zeros" if not any(data[:16]) else f"it begins with {magic:#06x}"
        raise NotWal(f"no WAL of PostgreSQL 13 to 18: {hint}")
    if not info & HAS_LONG:
        raise NotWal("its first page has no long header: the beginning of the segment is not there")
    identifier, size, page = _MORE.unpack_from(data, 24)
    if page != PAGE or size < PAGE or size > 1 << 30 or start % size:
        raise NotWal(
            f"its header tells of pages of {page} and segments of {size} bytes at {start:X}, which is not read"
        )
    parts, whole = [], True
    for at in range(0, min(len(data), size), PAGE):
        head = _HEAD.unpack_from(data, at) if len(data) >= at + SHORT else (0, 0, 0, 0, 0)
        if head[0] != magic or head[3] != start + at:
            whole = False
            break
        parts.append(data[at + (SHORT if at else LONG) : at + PAGE])
    continued = rest if info & CONTINUED else 0
    return Segment(start, size, timeline, MAGICS[magic], str(identifier), continued, b"".join(parts),
                   whole and len(data) >= size)  # fmt: skip


def belongs(part: Segment, name: str) -> bool:
    """Whether the file of this name holds this segment: a recycled one still has the pages of an older number."""
    digits = name[8:24]
    return (int(digits[:8], 16) << 32) + int(digits[8:], 16) * part.size == part.start


def position(lsn: int) -> str:
    """An LSN as PostgreSQL writes it.

    >>> position(0x1963AF0)
    '0/1963AF0'
    """
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def number(lsn: str) -> int:
    """The 64-bit position that an LSN means.

    >>> number("1/10") == (1 << 32) + 16
    True
    """
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)
