"""One WAL record taken apart: block references, images, the main data of the kinds that matter here."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

HEADER = 24
XLOG, XACT, SMGR, HEAP2, HEAP = 0, 1, 2, 9, 10  # rmgrlist.h, the same from 13 to 18
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
File = tuple[int, int, int]  # tablespace, database, relfilenode
_U16, _U32, _I32 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<i")
_FILE = struct.Struct("<III")


@dataclass
class Block:
    """One block that a record changes: its file, fork and number, with the page image and data that stand there."""

    file: File
    fork: int
    number: int
    image: tuple[int, int, int, int] | None = None  # offset, length, hole offset, image flags
    data: tuple[int, int] | None = None
    gap: int = 0  # bytes of the page's unused middle that a compressed image leaves out


@dataclass
class Ending:
    """A commit, abort or prepare record."""

    at: datetime | None
    subxids: tuple[int, ...] = ()
    files: tuple[File, ...] = ()
    database: int | None = None
    xid: int | None = None  # of a prepared transaction, whose end stands in another session's record
    origin: bool = False


@dataclass
class Parts:
    """The references of a record, and where its main data lies."""

    blocks: list[Block] = field(default_factory=list)
    main: tuple[int, int] = (0, 0)
    top: int | None = None
    origin: int | None = None


class Damaged(ValueError):
    """A record that does not hold together."""


def parts(data: bytes, at: int, size: int, old: bool) -> Parts:
    """Take apart the record at an offset of ``data``; raises Damaged when its lengths do not add up.

    ``old`` says that a server before 15 wrote it.
    """
    found, end, here = Parts(), at + size, at + HEADER
    images: list[tuple[Block, int, int, int]] = []
    lengths: list[int] = []
    payload, main, file = 0, 0, (0, 0, 0)
    try:
        while end - here > payload + main:
            kind = data[here]
            if kind == 255:
                main, here = data[here + 1], here + 2
                break
            if kind == 254:
                main, here = _U32.unpack_from(data, here + 1)[0], here + 5
                break
            if kind == 253:
                found.origin, here = _U16.unpack_from(data, here + 1)[0], here + 3
                continue
            if kind == 252:
                found.top, here = _U32.unpack_from(data, here + 1)[0], here + 5
                continue
            if kind > 32:
                raise Damaged(f"unknown block reference {kind}")
            flags, length = data[here + 1], _U16.unpack_from(data, here + 2)[0]
            here += 4
            size_of_image = hole = info = 0
            if flags & 0x10:
                size_of_image, hole, info = *struct.unpack_from("<HH", data, here), data[here + 4]
                here += 5
            block = Block(file, flags & 0x0F, 0)
            if flags & 0x10:
                images.append((block, size_of_image, hole, info))
                if info & 0x01 and packing(info, old):  # the hole's length stands apart then
                    block.gap, here = _U16.unpack_from(data, here)[0], here + 2
            if not flags & 0x80:
                file, here = _FILE.unpack_from(data, here), here + 12
            block.file, block.number = file, _U32.unpack_from(data, here)[0]
            here += 4
            found.blocks.append(block)
            lengths.append(length)
            payload += size_of_image + length
    except (IndexError, struct.error) as error:
        raise Damaged("it ends inside its own header") from error
    return _place(found, images, lengths, here, end, main)


def packing(info: int, old: bool) -> str:
    """How a page image is compressed: empty, pglz, lz4 or zstd.

    13 and 14 (``old``) mark a compressed image by 0x02, which means "apply" from 15 on, where three bits name methods.
    """
    if old:
        return "pglz" if info & 0x02 else ""
    return "pglz" if info & 0x04 else "lz4" if info & 0x08 else "zstd" if info & 0x10 else ""


def _place(
    found: Parts, images: list[tuple[Block, int, int, int]], lengths: list[int], here: int, end: int, main: int
) -> Parts:
    by_block = {id(block): rest for block, *rest in images}
    for block, length in zip(found.blocks, lengths, strict=True):
        if id(block) in by_block:
            size, hole, info = by_block[id(block)]
            block.image = (here, size, hole, info)
            here += size
        if length:
            block.data = (here, length)
            here += length
    if here + main != end:
        raise Damaged("its parts do not fill it")
    found.main = (here, main)
    return found


def ending(data: bytes, at: int, size: int, info: int, major: int) -> Ending:
    """The main data of a commit (0x00, 0x30) or abort (0x20, 0x40) record: time, subtransactions, removed files.

    ``info`` is the record's xl_info. Lengths that do not fit raise Damaged; what stands behind them is not read.
    """
    end = at + size
    if size < 8:
        raise Damaged("an end of a transaction without its time")
    found = Ending(EPOCH + timedelta(microseconds=max(min(struct.unpack_from("<q", data, at)[0], 1 << 57), -(1 << 55))))
    at += 8
    if not info & 0x80:
        return found
    try:
        bits, at = _U32.unpack_from(data, at)[0], at + 4
        if bits & 1:
            found.database, at = _U32.unpack_from(data, at)[0], at + 8
        if bits & 2:
            count, at = _count(data, at, 4, end)
            found.subxids, at = struct.unpack_from(f"<{count}I", data, at), at + 4 * count
        if bits & 4:
            count, at = _count(data, at, 12, end)
            found.files = tuple(_FILE.unpack_from(data, at + 12 * number) for number in range(count))
            at += 12 * count
        if bits & 256:
            item = 16 if major >= 18 else 12
            count, at = _count(data, at, item, end)
            at += item * count
        if bits & 8:
            count, at = _count(data, at, 16, end)
            at += 16 * count
        if bits & 16:
            found.xid, at = _U32.unpack_from(data, at)[0], at + 4
        found.origin = bool(bits & 32)
    except struct.error as error:
        raise Damaged("an end of a transaction that is cut") from error
    return found


def _count(data: bytes, at: int, item: int, end: int) -> tuple[int, int]:
    count = _I32.unpack_from(data, at)[0]
    if count < 0 or at + 4 + count * item > end:
        raise Damaged(f"a list of {count} things that does not fit")
    return count, at + 4


def offsets(data: bytes, at: int, size: int, fresh: bool) -> Iterator[int]:
    """Line numbers of the rows of a MULTI_INSERT record; on a ``fresh`` page they count from 1 and are not stored."""
    count = _U16.unpack_from(data, at + 2)[0] if size >= 4 else 0
    if fresh:
        yield from range(1, count + 1)
    elif size >= 4 + 2 * count:
        yield from struct.unpack_from(f"<{count}H", data, at + 4)
