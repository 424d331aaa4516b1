"""Tables that were dropped, as the WAL still describes them: rows of the catalogue that went with them.

The layouts are those of catalog/pg_class.h, pg_attribute.h, pg_type.h and pg_enum.h of 13 to 18; the files of these
carry their OIDs as long as nobody ran VACUUM FULL on the catalogue.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from triage_kit.parse.heap.pages import HEADER, Version
from triage_kit.parse.heap.rows import Column, Unread, one_value, read
from triage_kit.parse.wal.gather import File, Gathered
from triage_kit.parse.wal.lost import LOST, Taking, judged

CLASS, ATTRIBUTE, TYPE, ENUM = 1259, 1249, 1247, 3501
NAMES = {  # pg_type.dat: OIDs of the types that never change
    16: "bool", 17: "bytea", 18: "char", 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid",
    114: "json", 142: "xml", 600: "point", 650: "cidr", 700: "float4", 701: "float8", 774: "macaddr8", 829: "macaddr",
    869: "inet", 1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz",
    1186: "interval", 1266: "timetz", 1560: "bit", 1562: "varbit", 1700: "numeric", 2950: "uuid", 3802: "jsonb",
    1000: "array", 1005: "array", 1007: "array", 1009: "array", 1015: "array", 1016: "array", 1021: "array",
    1022: "array", 1115: "array", 1014: "array", 1182: "array", 1185: "array", 1231: "array", 2951: "array",
    3807: "array", 199: "array",
}  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """Where things stand in a row of pg_attribute; ``fixed`` counts columns and bytes before what may be null."""

    length: int
    number: int
    align: int
    missing: int
    generated: int
    dropped: int
    fixed: tuple[int, int]
    tail: int  # columns that may be null; the last one is attmissingval


LAYOUTS = {  # by the first major of each
    13: Layout(76, 78, 94, 97, 99, 100, (21, 112), 4), 14: Layout(76, 78, 93, 98, 100, 101, (22, 112), 4),
    16: Layout(72, 74, 87, 92, 94, 95, (22, 108), 4), 17: Layout(72, 74, 87, 92, 94, 95, (21, 104), 5),
    18: Layout(72, 74, 83, 88, 90, 91, (20, 100), 5),
}  # fmt: skip


@dataclass(frozen=True)
class Dropped:
    """One table that the transaction ``xid`` dropped: its schema's OID, name, file, TOAST table and columns."""

    xid: int
    namespace: int
    name: str
    oid: int
    file: File
    toast: int
    columns: tuple[Column, ...]
    generated: tuple[str, ...]


def files(database: int) -> set[File]:
    """The catalogue's files that ``dropped`` needs."""
    return {(database, one) for one in (CLASS, ATTRIBUTE, TYPE, ENUM)}


def dropped(
    gathered: Gathered, database: int, xids: frozenset[int], major: int, labels: Mapping[int, str]
) -> list[Dropped]:
    """Ordinary tables whose catalogue rows these transactions deleted, with their columns as far as they are told.

    ``labels`` are those of the enums that are known otherwise, by OID.
    """
    taking = Taking(xids)
    columns = _columns(gathered, database, taking, major)
    labels = {**labels, **_labels(gathered, database)}
    types = _types(gathered, database, major)
    found = []
    for version in _lost(gathered, (database, CLASS), taking):
        fixed = _fixed(version)
        if len(fixed) < 120:
            continue
        oid, name = struct.unpack_from("<I", fixed)[0], _name(fixed, 4)
        namespace, filenode = (struct.unpack_from("<I", fixed, at)[0] for at in (68, 88))
        late = 4 if major >= 18 else 0  # relallfrozen came in between
        toast, kind = struct.unpack_from("<I", fixed, 108 + late)[0], fixed[115 + late : 116 + late]
        if kind != b"r":
            continue
        mine = sorted(columns.get(oid, {}).items())
        told = tuple(_column(row, labels, types) for _, row in mine)
        # A hole in the numbers is a column whose row was not in the WAL: nothing behind it can be read.
        whole = [number for number, _ in mine] == list(range(1, len(mine) + 1))
        took = gathered.tops.get(version.xmax, version.xmax)
        found.append(Dropped(took, namespace, name, oid, (database, filenode), toast, told if whole else (),
                             tuple(row["name"] for _, row in mine if row["generated"])))  # fmt: skip
    return found


def files_of(gathered: Gathered, database: int, oid: int) -> set[File]:
    """Every file that a table had, as far as versions of its row in pg_class stand in the WAL."""
    rows = [_fixed(one) for held in gathered.files.get((database, CLASS), {}).values() for one in held]
    return {(database, struct.unpack_from("<I", fixed, 88)[0]) for fixed in rows
            if len(fixed) >= 92 and struct.unpack_from("<I", fixed)[0] == oid}  # fmt: skip


def _lost(gathered: Gathered, file: File, taking: Taking) -> Iterator[Version]:
    return (version for _, version, state in judged(gathered, file, taking) if state == LOST)


def _fixed(version: Version) -> bytes:
    """The columns that are never null, which stand first in every catalogue."""
    return version.body[version.hoff - HEADER :]


def _columns(gathered: Gathered, database: int, taking: Taking, major: int) -> dict[int, dict[int, dict]]:
    layout = LAYOUTS[max(first for first in LAYOUTS if first <= major)]
    found: dict[int, dict[int, dict]] = {}
    for version in _lost(gathered, (database, ATTRIBUTE), taking):
        fixed = _fixed(version)
        place = struct.unpack_from("<h", fixed, layout.number)[0] if len(fixed) > layout.dropped else 0
        if place > 0:
            found.setdefault(struct.unpack_from("<I", fixed)[0], {})[place] = {
                "name": _name(fixed, 4), "type": struct.unpack_from("<I", fixed, 68)[0],
                "length": struct.unpack_from("<h", fixed, layout.length)[0], "align": chr(fixed[layout.align]),
                "generated": fixed[layout.generated] in b"sv", "dropped": bool(fixed[layout.dropped]),
                "missing": _missing(version, layout) if fixed[layout.missing] else None,
            }  # fmt: skip
    return found


def _missing(version: Version, layout: Layout) -> bytes | None:
    """The array of one element that attmissingval is, behind its header of 20 bytes; empty where it cannot be read."""
    kinds = [("int2", 2, "s"), ("bytea", -1, "i"), ("bytea", -1, "i"), ("bytea", -1, "i"), ("bytea", -1, "d")]
    tail = [Column("", *kind) for kind in kinds[-layout.tail :]]
    try:
        value = read(version, tail, skipped=layout.fixed)[-1]
    except (ValueError, struct.error):
        return b""
    return bytes.fromhex(value[2:])[20:] if isinstance(value, str) else b""


def _types(gathered: Gathered, database: int, major: int) -> dict[int, tuple[str, int]]:
    """Name and, of a domain, the type behind it, of the types whose rows the WAL shows."""
    base = 128 if major < 14 else 132
    rows = [_fixed(one) for held in gathered.files.get((database, TYPE), {}).values() for one in held]
    return {struct.unpack_from("<I", fixed)[0]: (_name(fixed, 4), struct.unpack_from("<I", fixed, base)[0])
            for fixed in rows if len(fixed) >= base + 4}  # fmt: skip


def _labels(gathered: Gathered, database: int) -> dict[int, str]:
    """Labels of enums by OID: pg_enum's rows (oid, enumtypid, enumsortorder, enumlabel) that the WAL shows."""
    rows = [_fixed(one) for held in gathered.files.get((database, ENUM), {}).values() for one in held]
    return {struct.unpack_from("<I", fixed)[0]: _name(fixed, 12) for fixed in rows if len(fixed) >= 76}


def _column(row: dict, labels: Mapping[int, str], types: Mapping[int, tuple[str, int]]) -> Column:
    kind = row["type"]
    for _ in range(20):  # domains over domains
        if kind in NAMES or not types.get(kind, ("", 0))[1]:
            break
        kind = types[kind][1]
    name = NAMES.get(kind) or types.get(kind, ("", 0))[0]
    # Enums are the types of four bytes that a database makes for itself; a label's OID says whether it is one.
    own = kind not in NAMES and row["length"] == 4
    column = Column(row["name"], "enum" if own else name or f"type {kind}", row["length"], row["align"],
                    row["dropped"], labels if own else {})  # fmt: skip
    return column if row["missing"] is None else replace(column, default=_older(column, row["missing"]))


def _older(column: Column, element: bytes) -> str | Unread | None:
    """What rows hold that are older than the column."""
    try:
        return one_value(element, 0, column)[0]
    except (ValueError, struct.error, IndexError):
        return Unread("the value of rows that are older than the column")


def _name(data: bytes, at: int) -> str:
    return data[at : at + 64].split(b"\0", 1)[0].decode("utf-8", "replace")
