"""A stored jsonb as JSON text (utils/jsonb.h: a tree of containers, each with one word of type and length an entry)."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable

OBJECT, SCALAR, ARRAY = 0x20000000, 0x10000000, 0x40000000
COUNT, LENGTH, HAS_OFFSET = 0x0FFFFFFF, 0x0FFFFFFF, 0x80000000
STRING, NUMERIC, FALSE, TRUE, NULL, CONTAINER = range(0x0, 0x60000000, 0x10000000)
DEEPEST = 500  # nested containers


def text(data: bytes, numeric: Callable[[bytes], str]) -> str:
    """The JSON of a jsonb without its length word; raises ValueError, struct.error or IndexError on other bytes.

    >>> text(struct.pack("<II", ARRAY | SCALAR | 1, 0x00000002) + b"hi", str)
    '"hi"'
    """
    return _container(data, 0, numeric, 0)


def _container(data: bytes, at: int, numeric: Callable[[bytes], str], depth: int) -> str:
    if depth > DEEPEST:
        raise ValueError("nested too deep")
    head = struct.unpack_from("<I", data, at)[0]
    count = head & COUNT
    entries = struct.unpack_from(f"<{count * (2 if head & OBJECT else 1)}I", data, at + 4)
    base = at + 4 + 4 * len(entries)
    # An entry holds its length, every 32nd instead where it ends, counted from the first.
    parts, end = [], 0
    for entry in entries:
        start = end
        end = entry & LENGTH if entry & HAS_OFFSET else start + (entry & LENGTH)
        parts.append(_entry(data, base, start, end, entry & 0x70000000, numeric, depth))
    if head & OBJECT:
        return "{" + ", ".join(f"{key}: {one}" for key, one in zip(parts[:count], parts[count:], strict=True)) + "}"
    if head & SCALAR:
        return parts[0]
    if not head & ARRAY:
        raise ValueError("no jsonb")
    return "[" + ", ".join(parts) + "]"


def _entry(data: bytes, base: int, start: int, end: int, kind: int, numeric: Callable[[bytes], str], depth: int) -> str:
    if base + end > len(data):
        raise ValueError("an entry that does not fit")
    if kind == STRING:
        return json.dumps(data[base + start : base + end].decode("utf-8"), ensure_ascii=False)
    if kind in (FALSE, TRUE, NULL):
        return {FALSE: "false", TRUE: "true", NULL: "null"}[kind]
    # Numbers and containers begin at a multiple of four bytes.
    aligned = base + start + (-(base + start)) % 4
    if kind == CONTAINER:
        return _container(data, aligned, numeric, depth + 1)
    if kind != NUMERIC:
        raise ValueError("an entry of unknown type")
    if data[aligned] & 1:
        return numeric(data[aligned + 1 : aligned + (data[aligned] >> 1)])
    return numeric(data[aligned + 4 : aligned + (struct.unpack_from("<I", data, aligned)[0] >> 2)])
