"""Tables that transactions dropped and files that tables had: rows of pg_class, read beside the rest of the WAL.

A commit record tells the files that went, not whose they were. The catalogue's row of a dropped table stands in the WAL
as an INSERT or on the image of its page, which the first change after a checkpoint writes (full_page_writes). The
layouts are those of catalog/pg_class.h and pg_namespace.h, the same from 13 to 18 but for one column of 18.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from triage_kit.parse.heap.pages import HEADER, Version
from triage_kit.parse.wal.gather import Gatherer
from triage_kit.parse.wal.reader import Reader
from triage_kit.parse.wal.records import HEAP, Parts
from triage_kit.parse.wal.tally import FIRST_USER_OBJECT, Transaction

CLASS, NAMESPACE = 1259, 2615  # their files bear their OIDs as long as nobody ran VACUUM FULL on the catalogue
MOST = 64 << 20  # bytes of catalogue rows that are kept
TRANSIENT = re.compile(r"pg_temp_\d+")  # a rewrite's helper, which ends up with the old file and goes at once
KINDS = {b"r": "table", b"m": "materialized_view", b"p": "partitioned"}
ROW = struct.Struct("<I64sI")  # oid, relname, relnamespace
File = tuple[int, int]  # database and relfilenode


@dataclass(frozen=True)
class Named:
    """One row of pg_class as it stood: ``pages`` and ``tuples`` are the planner's, from the last VACUUM or ANALYZE."""

    oid: int
    name: str
    namespace: int
    kind: str
    filenode: int
    toast: int
    pages: int
    tuples: float | None
    temporary: bool
    partition: bool


@dataclass(frozen=True)
class Dropped:
    """A table that the transaction ``xid`` dropped; ``made`` says that the WAL shows its making, too."""

    xid: int
    database: int
    schema: str | None
    table: Named
    made: bool


class NamingReader(Reader):
    """Adds up records as ``Reader`` does and keeps the rows of pg_class and pg_namespace on the way.

    >>> NamingReader().dropped({})
    []
    """

    def __init__(self) -> None:
        super().__init__()
        self._catalogue = Gatherer(set(), MOST)
        self._made: set[File] = set()
        self._major = 0

    def dropped(self, schemas: Mapping[int, str]) -> list[Dropped]:
        """Tables that committed transactions dropped for good; ``schemas`` are names by OID that are known otherwise.

        Temporary tables are left out: they go with their session.
        """
        ended = [one for one in self.tally.kept if one.outcome == "committed" and one.removed]
        tops = {xid: one for one in ended for xid in (one.xid, *one.subxids)}
        found = [
            each
            for (database, number), places in sorted(self._catalogue.gathered.files.items())
            if number == CLASS
            for each in self._gone(database, [one for held in places.values() for one in held], tops, schemas)
        ]
        return sorted(found, key=lambda each: (each.xid, each.table.oid))

    def storage(self) -> dict[File, Named]:
        """Every file that a row of pg_class in the WAL gave a table, with that of those rows that counts most pages.

        VACUUM FULL and the like make a helper table, swap its file with the table's and drop it: it is left out.
        """
        found: dict[File, Named] = {}
        for (database, number), places in self._catalogue.gathered.files.items():
            held = [one for versions in places.values() for one in versions] if number == CLASS else []
            rows = [row for one in held if (row := class_row(one, self._major)) is not None]
            for row in rows:
                file = (database, row.filenode)
                if (
                    row.filenode
                    and not TRANSIENT.fullmatch(row.name)
                    and (file not in found or row.pages > found[file].pages)
                ):
                    found[file] = row
        return found

    def _gone(
        self, database: int, versions: list[Version], tops: Mapping[int, Transaction], schemas: Mapping[int, str]
    ) -> Iterator[Dropped]:
        rows = [
            (one, row, tops.get(one.xmin), tops.get(one.ended or 0))
            for one in versions
            if (row := class_row(one, self._major)) is not None
        ]
        # ALTER, TRUNCATE and VACUUM FULL end a row, too, but write the next one of the same OID and leave it.
        renewed = {(writer.xid, row.oid) for _, row, writer, took in rows if writer is not None and writer is not took}
        names = {**self._schemas(database), **schemas}
        told: set[tuple[int, int]] = set()
        for _, row, writer, took in rows:
            if took is None or took is writer or row.temporary or (took.xid, row.oid) in renewed | told:
                continue  # what one transaction made and dropped nobody else ever saw
            told.add((took.xid, row.oid))
            yield Dropped(took.xid, database, names.get(row.namespace), row, self._was_made(database, row))

    def _was_made(self, database: int, row: Named) -> bool:
        if row.kind != "partitioned":
            return (database, row.oid) in self._made
        # It has no file of its own; OIDs and files draw their numbers from one counter.
        return any(number < row.oid for of, number in self._made if of == database)

    def _schemas(self, database: int) -> dict[int, str]:
        held = self._catalogue.gathered.files.get((database, NAMESPACE), {}).values()
        rows = [version.body[version.hoff - HEADER :] for versions in held for version in versions]
        return {struct.unpack_from("<I", row)[0]: _text(row[4:68]) for row in rows if len(row) >= 68}

    def _heap(self, data: bytes, found: Parts, xid: int, info: int, manager: int, lsn: int) -> None:
        super()._heap(data, found, xid, info, manager, lsn)
        block = found.blocks[0]
        if block.file[2] in (CLASS, NAMESPACE) and not block.fork and (manager == HEAP or info & 0x70 == 0x50):
            self._catalogue.change(data, found, xid, info, manager)

    def _images(self, data: bytes, found: Parts, lsn: int, major: int) -> None:
        super()._images(data, found, lsn, major)
        self._major = major
        for block in found.blocks:
            if block.image is not None and not block.fork and block.file[2] in (CLASS, NAMESPACE):
                self._catalogue.image(data, block, major)

    def _storage(self, data: bytes, found: Parts, xid: int, info: int, lsn: int) -> None:
        super()._storage(data, found, xid, info, lsn)
        at, size = found.main
        if info == 0x10 and size >= 16:
            _, database, number, fork = struct.unpack_from("<IIIi", data, at)
            if not fork:
                self._made.add((database, number))


def class_row(version: Version, major: int) -> Named | None:
    """A version of a row of pg_class by its columns that are never null; None for indexes, sequences and the like."""
    fixed = version.body[version.hoff - HEADER :]
    late = 4 if major >= 18 else 0  # relallfrozen came in between
    if len(fixed) < 128 + late:
        return None
    oid, name, namespace = ROW.unpack_from(fixed)
    filenode, _, pages, tuples = struct.unpack_from("<IIif", fixed, 88)
    kind = KINDS.get(fixed[115 + late : 116 + late])
    if kind is None or oid < FIRST_USER_OBJECT:
        return None
    return Named(oid, _text(name), namespace, kind, filenode, struct.unpack_from("<I", fixed, 108 + late)[0], pages,
                 None if tuples < 0 or (tuples == 0 and pages == 0) else tuples,
                 fixed[114 + late : 115 + late] == b"t", bool(fixed[127 + late]))  # fmt: skip


def _text(name: bytes) -> str:
    return name.split(b"\0", 1)[0].decode("utf-8", "replace")
