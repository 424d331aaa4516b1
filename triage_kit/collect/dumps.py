"""Dumps looked at without restoring them: whose they are, from when, which tables, how many rows, whole or cut.

Everything streams in bounded memory and time; nothing is unpacked onto the disk, and no name inside is used as a path.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from triage_kit.collect import packed
from triage_kit.errors import SourceError
from triage_kit.parse import dump as archive
from triage_kit.parse.dump import Contents, Entry, NotReadable
from triage_kit.parse.dump_plain import Plain, read_plain
from triage_kit.parse.dump_rows import CopyRows, InsertRows

SECONDS = 60.0  # of counting, for one dump
NO_ZONE = "its clock has no time zone: read as UTC"
TOO_LONG = f"counting ended after {SECONDS:.0f} s"


class TooLong(Exception):
    """Time is up; what was counted until then stands."""


@dataclass
class Looked:
    """One backup: a row of ``backups``, rows of ``backup_tables``, and of ``wal_archive``."""

    backup: dict
    tables: list[dict] = field(default_factory=list)
    archive: list[dict] = field(default_factory=list)


class Watch:
    """Passes pieces on until time is up."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.until = time.monotonic() + seconds

    def pieces(self, source: Iterator[bytes]) -> Iterator[bytes]:
        for piece in source:
            if time.monotonic() > self.until:
                raise TooLong
            yield piece


def custom(stream: IO[bytes], facts: dict) -> Looked:
    """A dump in custom format, from its beginning on."""
    try:
        contents, _ = archive.read_contents(stream)
    except archive.Cut as error:
        return _headless(error, facts)
    tables = {entry.number: _table(entry) for entry in contents.data}
    held = {entry.number for entry in contents.entries if entry.has_data}
    trouble, seen, watch = "", set[int](), Watch()
    try:
        for number, counted in _blocks(stream, contents, watch, tables):
            seen.add(number)
            if number in tables:
                tables[number] |= counted
            if seen >= held:
                break  # what pg_dump wrote to its standard output may have its table of contents again behind it
    except NotReadable as error:
        trouble = str(error)
    except TooLong:
        trouble, seen = TOO_LONG, set(tables)
    lacking = [number for number, row in tables.items() if number not in seen]
    if lacking and not trouble:
        trouble = f"the data of {len(lacking)} of {len(tables)} tables are not in it"
    cut = bool(lacking) or (bool(trouble) and trouble != TOO_LONG)
    return _archived(contents, facts, list(tables.values()), "cut" if cut else "complete", trouble)


def _headless(error: archive.Cut, facts: dict) -> Looked:
    """A dump of which not even the table of contents is whole: nothing can be restored from it."""
    told = error.contents
    known = {} if told is None else {"format": told.format, "began_at": told.began_at, "database": told.database,
                                     "server_version": told.server_version, "by_version": told.by_version}  # fmt: skip
    return Looked(facts | {"kind": "dump", "state": "cut", "trouble": str(error)} | known)


def _blocks(
    stream: IO[bytes], contents: Contents, watch: Watch, tables: dict[int, dict]
) -> Iterator[tuple[int, dict]]:  # fmt: skip
    """The data blocks one after the other: number of the entry, and what was counted in it."""
    source = archive.Numbers(stream)
    while kind := stream.read(1):
        number = source.number()
        if kind[0] == archive.DATA:
            pieces = _chunks(source)
            row = tables.get(number)
            if row is None:
                for _ in watch.pieces(pieces):
                    pass
                yield number, {}
                continue
            counted: dict = {}
            try:
                counted = _count(packed.pieces(Forward(pieces, peek=True)) if contents.packing not in ("none", "gzip")
                                 else _inflated(pieces, contents.packing), watch, row)  # fmt: skip
            finally:
                row |= counted
            yield number, counted
        elif kind[0] == archive.BLOBS:
            while source.number():
                for _ in watch.pieces(_chunks(source)):
                    pass
            yield number, {}
        else:
            raise NotReadable(f"a block of the unknown kind {kind[0]}: it is cut or damaged")


def _chunks(source: archive.Numbers) -> Iterator[bytes]:
    while length := source.number():
        if not 0 < length <= 1 << 26:
            raise NotReadable(f"a chunk of {length} bytes: it is cut or damaged")
        data = source.stream.read(length)
        if len(data) < length:
            raise NotReadable("it ends inside the data of a table: it is cut")
        yield data


def _inflated(pieces: Iterator[bytes], packing: str) -> Iterator[bytes]:
    if packing == "none":
        yield from pieces
        return
    import zlib

    engine = zlib.decompressobj()
    for raw in pieces:
        rest = raw
        while rest:
            try:
                out = engine.decompress(rest, packed.PIECE)
            except zlib.error as error:
                raise NotReadable(f"the packed data of a table are damaged: {error}") from error
            if out:
                yield out
            rest = engine.unconsumed_tail


class Forward:
    """Chunks as a file that can be read forward, and with ``peek`` once back to its beginning."""

    def __init__(self, pieces: Iterator[bytes], peek: bool = False) -> None:
        self._pieces, self._held, self._first = pieces, b"", peek
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        while len(self._held) < size or size < 0:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._held += piece
        if self._first:
            self._first = False
            return self._held[:size]  # the four bytes that tell the packing are read again
        out, self._held = self._held[:size], self._held[size:]
        return out

    def seek(self, _offset: int) -> None:
        """Back to the beginning, of which nothing was taken away yet."""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _count(pieces: Iterator[bytes], watch: Watch, row: dict) -> dict:
    """Count the rows of one table; what was counted so far stands in ``row`` when it ends early."""
    copy, inserts = CopyRows(), InsertRows()
    counter = copy if row["how"] == "copy" else inserts
    try:
        for piece in watch.pieces(pieces):
            counter.feed(piece)
    finally:
        inserts.finish()
        row["rows"] = counter.rows
    return {"rows": counter.rows, "whole": counter.ended}


def _table(entry: Entry) -> dict:
    return {"schema": entry.schema, "table": entry.name, "rows": None, "whole": False,
            "how": "copy" if entry.copies else "inserts"}  # fmt: skip


def _archived(contents: Contents, facts: dict, tables: list[dict], state: str, trouble: str) -> Looked:
    if not tables and state == "complete":
        state = "schema_only"
    counted = [row["rows"] for row in tables if row["rows"] is not None]
    remarks = [trouble, NO_ZONE if contents.began_at else ""]
    backup = facts | {
        "kind": "dump", "format": contents.format, "packing": contents.packing, "began_at": contents.began_at,
        "server_version": contents.server_version, "by_version": contents.by_version, "database": contents.database,
        "tables": len(tables), "rows": sum(counted) if counted or not tables else None, "state": state,
        "trouble": "; ".join(filter(None, remarks)) or None,
    }  # fmt: skip
    return Looked(backup, [row | {"file": facts["file"]} for row in tables])


def directory(folder: Path, facts: dict) -> Looked:
    """A dump in directory format: its table of contents, and the data file of each table."""
    with (folder / "toc.dat").open("rb") as stream:
        contents, _ = archive.read_contents(stream)
    contents.format = "directory"

    def opened(name: str) -> IO[bytes] | None:
        for path in (folder / name, *(folder / (name + end) for end in packed.ENDINGS)):
            if path.is_file() and not path.is_symlink():
                return path.open("rb")
        return None

    facts["bytes"] = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return _by_files(contents, facts, opened)


def tar(path: Path, facts: dict) -> Looked:
    """A dump in tar format; its members are read where they stand."""
    with tarfile.open(path, "r:*") as whole:
        members = {}
        trouble = ""
        try:
            for member in whole:
                if member.isfile() and len(members) < archive.MOST_ENTRIES:
                    members.setdefault(member.name, member)
        except (tarfile.TarError, EOFError, OSError) as error:
            trouble = f"the archive is cut or damaged: {error}"
        stream = whole.extractfile(members["toc.dat"])
        assert stream is not None
        contents, _ = archive.read_contents(stream)
        contents.format = "tar"
        found = _by_files(contents, facts, lambda name: whole.extractfile(members[name]) if name in members else None)
        if trouble:
            found.backup |= {"state": "cut", "trouble": trouble}
        return found


def _by_files(contents: Contents, facts: dict, opened: Callable[[str], IO[bytes] | None]) -> Looked:
    rows, troubles, watch = [], [], Watch()
    for entry in contents.data:
        row = _table(entry)
        rows.append(row)
        if "/" in entry.file or "\\" in entry.file or entry.file in ("", ".", ".."):
            troubles.append(f"the table of contents names the data file {entry.file!r}, which is not looked for")
            continue
        try:
            stream = opened(entry.file)
            if stream is None:
                troubles.append(f"the data file {entry.file} is not there")
                continue
            with stream:
                row |= _count(packed.pieces(stream), watch, row)
                if not row["whole"]:
                    troubles.append(f"the data file {entry.file} ends early")
        except TooLong:
            return _archived(contents, facts, rows, "complete" if not troubles else "cut", TOO_LONG)
        except (SourceError, OSError, tarfile.TarError) as error:
            troubles.append(f"the data file {entry.file}: {error}")
    some = f"{troubles[0]}" + (f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else "") if troubles else ""
    return _archived(contents, facts, rows, "cut" if troubles else "complete", some)


def plain(stream: IO[bytes], facts: dict) -> Looked | None:
    """A dump in SQL, packed or not; None when nothing in it looks like one."""
    trouble, watch = "", Watch()
    broken: list[str] = []

    def pieces() -> Iterator[bytes]:
        try:
            yield from watch.pieces(packed.pieces(stream))
        except TooLong:
            broken.append(TOO_LONG)
        except SourceError as error:
            broken.append(str(error))

    told = read_plain(pieces())
    if not told.recognised:
        return None
    trouble = (
        broken[0] if broken else "" if told.complete else "its last line, which says that it is complete, is not there"
    )
    state = "unknown" if trouble == TOO_LONG else "complete" if told.complete else "cut"
    return _plain(told, facts, state, trouble)


def _plain(told: Plain, facts: dict, state: str, trouble: str) -> Looked:
    rows = [{"file": facts["file"], "schema": one.schema, "table": one.table, "rows": one.rows, "whole": one.whole,
             "how": one.how} for one in told.tables.values()]  # fmt: skip
    if rows and state == "cut" and rows[-1]["how"] == "inserts":
        rows[-1]["whole"] = False  # nothing says that no further INSERT was to come
    databases = sorted({one.database for one in told.tables.values()} | ({told.database} - {""}) | told.leading)
    if not rows and state == "complete":
        state = "schema_only" if told.created else "complete"
    began = _started(told.started)
    backup = facts | {
        "kind": "dump", "format": "plain", "began_at": began, "finished_at": _started(told.completed),
        "server_version": told.server_version or None, "by_version": told.by_version or None,
        "database": ", ".join(filter(None, databases)) or None, "tables": len(rows),
        "rows": sum(row["rows"] for row in rows), "state": state, "trouble": trouble or None,
    }  # fmt: skip
    return Looked(backup, rows)


def _started(text: str) -> object:
    from triage_kit.parse.times import Clock

    return Clock().instant(text) if text else None
