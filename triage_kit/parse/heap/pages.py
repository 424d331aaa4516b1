"""Heap pages and the row versions on them, as access/htup_details.h and storage/bufpage.h lay them out."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

PAGE = 8192
LONGEST = 291  # lines of a heap page of 8 kB at most (MaxHeapTuplesPerPage)
HEADER = 23  # bytes of a row's header before its bitmap of nulls
XMIN_COMMITTED, XMIN_INVALID, XMAX_COMMITTED, XMAX_INVALID = 0x0100, 0x0200, 0x0400, 0x0800
XMAX_LOCK_ONLY, XMAX_IS_MULTI, XMAX_KEYS = 0x0080, 0x1000, 0x0010
FROZEN = XMIN_COMMITTED | XMIN_INVALID
_HEAD = struct.Struct("<12xHHHH")  # pd_lower, pd_upper, pd_special, size and version
_TUPLE = struct.Struct("<IIIHHHHHB")  # xmin, xmax, cid, ctid (two halves, line), infomask2, infomask, hoff


@dataclass
class Version:
    """One version of a row: who wrote and who ended it, its flags, and its bytes from the bitmap of nulls on."""

    xmin: int
    xmax: int
    flags: int
    flags2: int
    hoff: int
    body: bytes

    @property
    def ended(self) -> int | None:
        """The transaction that deleted or replaced it; 0 for none, None where a multixact hides it."""
        if not self.xmax or self.flags & (XMAX_INVALID | XMAX_LOCK_ONLY):
            return 0
        if self.flags & XMAX_IS_MULTI:
            return None
        # Before 9.3 a lock had no flag of its own; since then FOR UPDATE alone may lack it.
        return self.xmax


def versions(page: bytes) -> Iterator[tuple[int, Version]]:
    """Line numbers and row versions that stand on a page; nothing when it is no heap page."""
    if len(page) < 24:
        return
    lower, upper, special, size = _HEAD.unpack_from(page)
    if special != PAGE or size & 0xFF00 != PAGE or not 24 <= lower <= upper <= PAGE:
        return  # an index page keeps something in its special space, a heap page nothing
    for line in range(1, min((lower - 24) // 4, LONGEST) + 1):
        item = struct.unpack_from("<I", page, 20 + 4 * line)[0]
        at, state, length = item & 0x7FFF, item >> 15 & 3, item >> 17
        if state != 1 or at < upper or at + length > len(page) or length < HEADER:
            continue
        xmin, xmax, _, _, _, _, flags2, flags, hoff = _TUPLE.unpack_from(page, at)
        if HEADER <= hoff <= length:
            yield line, Version(xmin, xmax, flags, flags2, hoff, page[at + HEADER : at + length])
