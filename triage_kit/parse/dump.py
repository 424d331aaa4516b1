"""The archive formats of pg_dump (custom, directory, tar): their header and table of contents.

The layout is that of pg_backup_archiver.c (ReadHead, ReadToc), archive versions 1.12 (pg_dump 9) to 1.16 (17 and 18),
checked against files that pg_dump 15 and 18 wrote. Nothing is believed: every length is bounded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO

MAGIC = b"PGDMP"
FORMATS = {1: "custom", 3: "tar", 5: "directory"}
PACKINGS = {0: "none", 1: "gzip", 2: "lz4", 3: "zstd"}
OLDEST, NEWEST = (1, 12), (1, 16)
LONGEST_TEXT, MOST_TEXT, MOST_ENTRIES = 64 << 20, 512 << 20, 2_000_000
DATA, BLOBS = 1, 3  # BLK_DATA, BLK_BLOBS


class NotReadable(ValueError):
    """Bytes that are no table of contents of a dump, or one that is cut, with the reason."""


class Cut(NotReadable):
    """A table of contents that ends too early; ``contents`` is what it said until then."""

    def __init__(self, reason: str, contents: Contents | None) -> None:
        super().__init__(reason)
        self.contents = contents


@dataclass(frozen=True)
class Entry:
    """One object of the dump: its number, what it is, its schema and name, and of data the file that holds it."""

    number: int
    what: str
    schema: str
    name: str
    copies: bool
    has_data: bool
    file: str = ""


@dataclass
class Contents:
    """What a dump says of itself; ``began_at`` is the local time of the machine that ran pg_dump, without a zone."""

    version: tuple[int, int, int]
    format: str
    packing: str
    began_at: datetime | None
    database: str
    server_version: str
    by_version: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def data(self) -> list[Entry]:
        """The entries that hold rows of tables."""
        return [entry for entry in self.entries if entry.what == "TABLE DATA"]


class Numbers:
    """Numbers and texts of an archive, as its header says they are written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.int_size = self.offset_size = 4
        self.read_texts = 0
        self.contents: Contents | None = None

    def exactly(self, count: int) -> bytes:
        data = self.stream.read(count)
        if len(data) < count:
            raise Cut("it ends inside its table of contents: it is cut", self.contents)
        return data

    def number(self) -> int:
        raw = self.exactly(1 + self.int_size)
        value = int.from_bytes(raw[1:], "little")
        return -value if raw[0] else value

    def text(self) -> str | None:
        length = self.number()
        if length < 0:
            return None
        self.read_texts += length
        if length > LONGEST_TEXT or self.read_texts > MOST_TEXT:
            raise NotReadable(f"its table of contents holds a text of {length} bytes, which no dump does")
        return self.exactly(length).decode("utf-8", "surrogateescape")


def read_contents(stream: IO[bytes]) -> tuple[Contents, int]:
    """Header and table of contents from the beginning of an archive, and the size of its offsets.

    The stream stands behind the table of contents afterwards, where a custom archive's data begin. Raises NotReadable.
    """
    head = stream.read(11)
    if not head.startswith(MAGIC) or len(head) < 11:
        raise NotReadable("it does not begin as an archive of pg_dump does")
    version = (head[5], head[6], head[7])
    if not OLDEST <= version[:2] <= NEWEST:
        raise NotReadable(f"archive version {version[0]}.{version[1]} is not read: {OLDEST} to {NEWEST} are")
    source = Numbers(stream)
    source.int_size, source.offset_size = head[8], head[9]
    if source.int_size not in (4, 8) or source.offset_size not in (4, 8) or head[10] not in FORMATS:
        raise NotReadable("its header does not hold together")
    if version[:2] >= (1, 15):
        packing = PACKINGS.get(source.exactly(1)[0], "unknown")
    else:
        packing = "none" if source.number() == 0 else "gzip"
    began = _moment([source.number() for _ in range(7)])
    texts = [source.text() or "" for _ in range(3)]
    found = Contents(version, FORMATS[head[10]], packing, began, texts[0], texts[1], texts[2])
    source.contents = found
    count = source.number()
    if not 0 <= count <= MOST_ENTRIES:
        raise NotReadable(f"it claims {count} entries")
    for _ in range(count):
        found.entries.append(_entry(source, found))
    return found, source.offset_size


def _entry(source: Numbers, contents: Contents) -> Entry:
    version = contents.version[:2]
    number, has_data = source.number(), bool(source.number())
    source.text()  # OID of the catalogue
    source.text()  # OID of the object
    name, what = source.text() or "", source.text() or ""
    source.number()  # section
    source.text()  # definition
    source.text()  # DROP statement
    copy = source.text()
    schema = source.text() or ""
    source.text()  # tablespace
    if version >= (1, 14):
        source.text()  # table access method
    if version >= (1, 16):
        source.number()  # relkind
    source.text()  # owner
    source.text()  # WITH OIDS
    while source.text() is not None:
        pass  # numbers of the entries it depends on
    file = ""
    if contents.format == "custom":
        source.exactly(1 + source.offset_size)
    else:
        file = source.text() or ""
    return Entry(number, what, schema, name, bool(copy), has_data, file)


def _moment(parts: list[int]) -> datetime | None:
    second, minute, hour, day, month, year, _ = parts
    try:
        return datetime(year + 1900, month + 1, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
