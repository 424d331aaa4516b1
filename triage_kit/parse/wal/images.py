"""Full-page images: which lines of a heap page hold a row."""

from __future__ import annotations

import struct

import pyarrow as pa

from triage_kit.parse.wal.pages import PAGE

_HEAD = struct.Struct("<12xHHH")  # pd_lower, pd_upper, pd_special
LONGEST = 291  # lines of a heap page of 8 kB at most (MaxHeapTuplesPerPage)


def lines(image: bytes, hole: int, packed: str) -> int | None:
    """Bits of the lines whose rows stand on the page, bit n for line n; None when it is no heap page or unreadable.

    ``hole`` is where the unused middle of the page was left out: everything read here lies before it.
    """
    page = _unpacked(image, hole, packed)
    if len(page) < 24:
        return None
    lower, upper, special = _HEAD.unpack_from(page)
    if special != PAGE or not 24 <= lower <= upper <= PAGE or len(page) < lower:
        return None  # an index page keeps something in its special space, a heap page nothing
    count = min((lower - 24) // 4, LONGEST)
    bits = 0
    for line, item in enumerate(struct.unpack_from(f"<{count}I", page, 24), 1):
        if (item >> 15) & 3 == 1:  # LP_NORMAL
            bits |= 1 << line
    return bits


def whole(image: bytes, hole: int, gap: int, packed: str) -> bytes:
    """The page of 8 kB as it stood, its unused middle zero; empty when it cannot be unpacked.

    ``gap`` is how much of the middle was left out, which an image that is not compressed tells by its own length.
    """
    body = _unpacked(image, 0, packed, PAGE - gap)
    gap = PAGE - len(body)
    if not 0 <= gap <= PAGE - hole:
        return b""
    return body[:hole] + bytes(gap) + body[hole:]


def _unpacked(image: bytes, hole: int, packed: str, size: int = PAGE) -> bytes:
    if not packed:
        return image
    if packed == "pglz":
        return pglz(image, min(hole or PAGE, PAGE))
    try:
        if packed == "zstd":
            return pa.CompressedInputStream(pa.BufferReader(image), "zstd").read(size)
        return pa.Codec("lz4_raw").decompress(image, decompressed_size=size, asbytes=True)
    except (pa.ArrowException, OSError):
        return b""


def pglz(image: bytes, wanted: int) -> bytes:
    """As much of a pglz stream as is wanted (common/pg_lzcompress.c): literals, and copies of what came before."""
    out, at = bytearray(), 0
    while at < len(image) and len(out) < wanted:
        control, at = image[at], at + 1
        for bit in range(8):
            if at >= len(image) or len(out) >= wanted:
                break
            if not control >> bit & 1:
                out.append(image[at])
                at += 1
                continue
            if at + 1 >= len(image):
                return bytes(out)
            length, back = (image[at] & 0x0F) + 3, (image[at] & 0xF0) << 4 | image[at + 1]
            at += 2
            if length == 18 and at < len(image):
                length, at = length + image[at], at + 1
            if not 0 < back <= len(out):
                return bytes(out)
            for _ in range(length):
                out.append(out[-back])
    return bytes(out)
