"""A row version as values of its table's columns."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from triage_kit.parse.heap.pages import HEADER, Version
from triage_kit.parse.heap.values import ALIGNS, Raw, plain, value
from triage_kit.parse.wal.images import pglz

MOST_PACKED = 300  # bytes that one byte of a compressed value can stand for, at most
_POINTER = struct.Struct("<iIII")  # raw size, stored size and method, chunk id, OID of the TOAST table


@dataclass(frozen=True)
class Unread:
    """A value that is there and not read: why, and its bytes as far as they are at hand."""

    why: str
    data: bytes = b""


@dataclass(frozen=True)
class Column:
    """One column as pg_attribute has it: ``length`` and ``align`` lay it out, ``kind`` is the type behind a domain.

    ``labels`` names the values of an enum by OID; ``default`` is what rows hold that are older than the column.
    """

    name: str
    kind: str
    length: int
    align: str
    dropped: bool = False
    labels: Mapping[int, str] = field(default_factory=dict)
    default: str | Unread | None = None


Value = str | Unread | None
Fetch = Callable[[int, int], bytes | None]  # OID of a TOAST table and chunk id to the bytes stored there


def read(
    version: Version, columns: Sequence[Column], fetch: Fetch | None = None, skipped: tuple[int, int] = (0, 0)
) -> list[Value]:
    """The values of a row version in the order of ``columns``, dropped ones included; None is NULL.

    ``skipped`` are the number and the bytes of fixed columns that stand before these and are not wanted. Raises
    ValueError when the bytes cannot be a row of these columns.
    """
    number, at = version.flags2 & 0x07FF, version.hoff - HEADER
    bitmap, data = version.body[:at] if version.flags & 1 else None, version.body[at:]
    before, place = skipped
    if number > before + len(columns) or (bitmap is not None and len(bitmap) * 8 < number):
        raise ValueError(f"a row of {number} columns, and the table has {len(columns)}")
    found: list[Value] = []
    for index, column in enumerate(columns, before):
        if index >= number:
            found.append(column.default)
        elif bitmap is not None and not bitmap[index // 8] >> index % 8 & 1:
            found.append(None)
        else:
            one, place = one_value(data, place, column, fetch)
            found.append(one)
    if place > len(data):
        raise ValueError("a row that is shorter than its columns")
    return found


def one_value(data: bytes, at: int, column: Column, fetch: Fetch | None = None) -> tuple[Value, int]:
    """The value that begins at an offset, or behind the padding there, and where it ends."""
    align = ALIGNS.get(column.align, 1)
    if column.length > 0:
        at = -(-at // align) * align
        end = at + column.length
        return _shown(data[at:end], column), end
    if column.length == -2:
        end = data.find(b"\0", at)
        if end < 0:
            raise ValueError("a text without an end")
        return _shown(data[at:end], column), end + 1
    if at < len(data) and data[at] == 0:
        at = -(-at // align) * align
    if at >= len(data):
        raise ValueError("a row that is shorter than its columns")
    if data[at] == 1:
        return _pointed(data, at, column, fetch)
    if data[at] & 3 == 2:
        size = struct.unpack_from("<I", data, at)[0] >> 2
        return _unpacked(data[at + 4 : at + size], column), at + size
    try:
        body, end = plain(data, at)
    except (Raw, struct.error) as error:
        raise ValueError(str(error)) from error
    return _shown(body, column), end


def _pointed(data: bytes, at: int, column: Column, fetch: Fetch | None) -> tuple[Value, int]:
    if len(data) < at + 18 or data[at + 1] != 18:
        return Unread("a pointer that is not to a TOAST table"), at + 18
    raw, info, chunk, table = _POINTER.unpack_from(data, at + 2)
    size = info & 0x3FFFFFFF
    stored = fetch(table, chunk) if fetch else None
    if stored is None or len(stored) != size:
        held = 0 if stored is None else len(stored)
        return Unread(f"{raw} bytes stored out of line (TOAST), {held} of {size} found"), at + 18
    if size < raw - 4:
        return _unpacked(stored, column), at + 18
    return _shown(stored, column), at + 18


def _unpacked(data: bytes, column: Column) -> Value:
    """A compressed value: a word of its size and method, and the stream."""
    if len(data) < 4:
        return Unread("a compressed value that is cut", data)
    word = struct.unpack_from("<I", data)[0]
    size, method = word & 0x3FFFFFFF, word >> 30
    if size > MOST_PACKED * len(data) or method > 1:
        return Unread("a value compressed by an unknown method", data)
    try:
        whole = (pglz(data[4:], size) if method == 0
                 else pa.Codec("lz4_raw").decompress(data[4:], decompressed_size=size, asbytes=True))  # fmt: skip
    except (pa.ArrowException, OSError, MemoryError):
        return Unread("a compressed value that is damaged", data)
    return _shown(whole, column) if len(whole) == size else Unread("a compressed value that is cut", data)


def _shown(data: bytes, column: Column) -> Value:
    if column.kind == "enum":
        label = column.labels.get(struct.unpack("<I", data)[0]) if len(data) == 4 else None
        return label if label is not None else Unread("a label of the enum that is not known", data)
    try:
        return value(column.kind, data)
    except Raw as error:
        return Unread(str(error), data)
