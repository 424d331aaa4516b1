"""Rows read back out of WAL or of a copied file, as CSV that COPY takes: an explicit command, never part of collecting.

The server is only read, as everywhere. What is written lies outside the evidence, mode 0600: these are people's rows.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from triage_kit.case import Case
from triage_kit.collect import salvage_files, salvage_wal
from triage_kit.errors import SourceError
from triage_kit.parse.heap import Column, Unread, Version, read, versions
from triage_kit.parse.heap.pages import FROZEN, PAGE, XMAX_COMMITTED, XMIN_INVALID
from triage_kit.parse.wal import catalogue
from triage_kit.parse.wal.gather import File, Gathered
from triage_kit.parse.wal.lost import EARLIER, LOST, STANDING, UNDONE, UNSURE, Taking, judged

LARGEST_FILE = 1 << 30  # PostgreSQL cuts a relation into files of this size


@dataclass(frozen=True)
class Wanted:
    """One table whose rows are to be read back.

    ``files`` (database and relfilenode) held them, ``xids`` took them, of which ``removed`` says that the files went
    whole with the commit. A table without ``files`` is looked for in the catalogue as the WAL has it: by its ``oid``
    among the files ``taken`` with these transactions, or by its name among the tables that they dropped.
    ``columns`` are rows of the evidence table ``columns``, ``missing`` how many rows it lacks, ``namespace`` the OID of
    its schema.
    """

    schema: str
    table: str
    database: int | None
    xids: tuple[int, ...]
    files: tuple[File, ...] = ()
    removed: bool = False
    undone: bool = False
    toast: tuple[File, ...] = ()
    columns: tuple[Mapping, ...] = ()
    missing: int | None = None
    namespace: int | None = None
    oid: int | None = None
    taken: tuple[File, ...] = ()
    gone: bool = False  # the table itself


@dataclass
class Salvaged:
    """What came out for one table: rows by what became of them, where they were written and what they lack."""

    schema: str
    table: str
    missing: int | None = None
    rows: int = 0
    states: dict[str, int] = field(default_factory=dict)
    unread: dict[str, int] = field(default_factory=dict)  # values by column and reason
    damaged: int = 0  # versions whose bytes do not fit the columns
    path: Path | None = None
    command: str | None = None
    remarks: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What came out, for a reader."""
        lacks = "" if self.missing is None else f" of {self.missing} that are missing"
        found = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items())) or "none"
        told = [f"{self.schema}.{self.table}: {self.rows} rows{lacks} read back (row versions found: {found})"]
        told += [f"  not read in {count} rows: column {what}" for what, count in sorted(self.unread.items())]
        told += [f"  {self.damaged} rows whose bytes do not fit the columns"] if self.damaged else []
        told += [f"  {remark}" for remark in self.remarks]
        told += [f"  written: {self.path}"] if self.path else []
        return told + [f"  {part}" for part in (self.command or "").splitlines()]

    def facts(self) -> dict:
        """The same for programs."""
        return {**vars(self), "path": str(self.path) if self.path else None}


def from_wal(
    case: Case, wanted: Sequence[Wanted], folder: Path, labels: Mapping[int, str], every: bool = False
) -> list[Salvaged]:
    """Read the WAL that the case names, else the server's own, and write the lost rows of each table into ``folder``.

    ``every`` writes all versions that were found, each with what became of it. ``labels`` name values of enums by OID.
    Raises SourceError where no WAL can be read.
    """
    known = [one for one in wanted if one.files]
    gone = [one for one in wanted if not one.files]
    files = {file for one in wanted for file in (*one.files, *one.toast)}
    for one in gone:
        files |= catalogue.files(one.database) if one.database else set()
    gathered, spans, remarks = salvage_wal.gather(case, files)
    if gone:
        found = [_sought(one, gathered, spans[-1].major, labels) for one in gone]
        more = {file for one, _ in filter(None, found) for file in (*one.files, *one.toast)}
        if more:
            gathered, spans, remarks = salvage_wal.gather(case, files | more)
        known += [one for one, _ in filter(None, found)]
        columns = {(one.schema, one.table): told for one, told in filter(None, found)}
    else:
        columns = {}
    done = []
    for one in wanted:
        mine = next((each for each in known if (each.schema, each.table) == (one.schema, one.table)), None)
        if mine is None:
            told = Salvaged(one.schema, one.table, one.missing)
            told.remarks.append("the WAL that was read does not show which file it had when its rows went")
            done.append(told)
            continue
        told_columns = columns.get((one.schema, one.table)) or columns_of(mine.columns)
        done.append(_table(mine, told_columns, gathered, folder, every))
    for one in done[-1:]:
        one.remarks += remarks
    return done


def columns_of(rows: Sequence[Mapping]) -> list[Column]:
    """Columns as reading takes them, of rows of the evidence table ``columns`` in the order of their positions."""
    found = []
    for row in sorted(rows, key=lambda row: row["position"]):
        labels = {int(oid): label for oid, _, label in (one.partition(":") for one in row["labels"])}
        found.append(Column(row["name"], "" if row["dropped"] else row["base_type"] or "", row["length"] or 0,
                            row["alignment"] or "c", bool(row["dropped"]), labels, row["missing_value"]))  # fmt: skip
    return found


def _sought(
    one: Wanted, gathered: Gathered, major: int, labels: Mapping[int, str]
) -> tuple[Wanted, list[Column]] | None:
    if one.oid is None or one.database is None:
        return _dropped(one, gathered, major, labels)
    mine = catalogue.files_of(gathered, one.database, one.oid) & set(one.taken)
    return (replace(one, files=tuple(sorted(mine)), removed=True), columns_of(one.columns)) if mine else None


def _dropped(
    one: Wanted, gathered: Gathered, major: int, labels: Mapping[int, str]
) -> tuple[Wanted, list[Column]] | None:
    if one.database is None:
        return None
    tables = catalogue.dropped(gathered, one.database, frozenset(one.xids), major, labels)
    fitting = [each for each in tables if each.name == one.table and one.namespace in (None, each.namespace)]
    if not fitting:
        return None
    table = fitting[-1]
    toast = ((one.database, table.toast),) if table.toast else ()
    told = replace(one, xids=(table.xid,), files=(table.file,), toast=toast, removed=True, gone=True,
                   columns=tuple({"name": name, "generated": "s"} for name in table.generated))  # fmt: skip
    return told, list(table.columns)


def _table(one: Wanted, columns: list[Column], gathered: Gathered, folder: Path, every: bool) -> Salvaged:
    told = Salvaged(one.schema, one.table, one.missing)
    if not columns or any(column.length == 0 for column in columns):
        told.remarks.append("its columns are not known as they are stored: collect again with this version of the kit")
        return told
    taking = Taking(frozenset(one.xids), frozenset(one.files) if one.removed else frozenset(), one.undone)
    chunks = _chunks(gathered, one.toast)
    found = [(place, version, state) for file in one.files for place, version, state in judged(gathered, file, taking)]
    _write(told, one, columns, found, folder, lambda table, chunk: chunks.get(chunk), every)
    if gathered.unknown:
        told.remarks.append(
            f"{gathered.unknown} UPDATE records tell a difference only, from rows that are not in the WAL"
        )
    if gathered.left_out:
        told.remarks.append(f"{gathered.left_out} row versions passed the bound of memory and were left out")
    return told


def _chunks(gathered: Gathered, toast: Sequence[File]) -> dict[int, bytes]:
    """Values stored out of line by their chunk id: rows of TOAST tables (chunk_id oid, chunk_seq int4, chunk_data)."""
    parts: dict[int, dict[int, bytes]] = {}
    columns = [Column("id", "oid", 4, "i"), Column("seq", "int4", 4, "i"), Column("data", "bytea", -1, "i")]
    for file in toast:
        for held in gathered.files.get(file, {}).values():
            for version in held:
                _add_chunk(parts, version, columns)
    return {chunk: b"".join(pieces[at] for at in sorted(pieces)) for chunk, pieces in parts.items()
            if sorted(pieces) == list(range(len(pieces)))}  # fmt: skip


def _add_chunk(parts: dict[int, dict[int, bytes]], version: Version, columns: list[Column]) -> None:
    try:
        chunk, number, data = read(version, columns)
    except (ValueError, struct.error):
        return
    if isinstance(chunk, str) and isinstance(number, str) and isinstance(data, str):
        parts.setdefault(int(chunk), {})[int(number)] = bytes.fromhex(data[2:])


def from_file(
    paths: Sequence[Path], one: Wanted, folder: Path, every: bool = False, pages: Sequence[int] | None = None
) -> Salvaged:
    """Read a copy of a table's file, page by page, and write the dead rows that still stand in it.

    Lost are the versions that a transaction ended, those of ``xids`` alone where they are known; what vacuum or a
    SELECT pruned is not there any more. A table's further files (``.1`` and on) are named with it.
    """
    told = Salvaged(one.schema, one.table, one.missing)
    columns = columns_of(one.columns)
    if not columns or any(column.length == 0 for column in columns):
        raise SourceError(
            f"the columns of {one.schema}.{one.table} are not in the evidence as they are stored: collect again"
        )
    found = [(place, version, _dead(version, set(one.xids))) for place, version in _standing(paths, pages)]
    if not found:
        told.remarks.append("no page of it holds a row: is it a copy of this table's file?")
    _write(told, one, columns, found, folder, None, every)
    return told


def _standing(paths: Sequence[Path], pages: Sequence[int] | None) -> Iterator[tuple[tuple[int, int], Version]]:
    for path in paths:
        ending = path.name.rpartition(".")[2]
        first = int(ending) * (LARGEST_FILE // PAGE) if ending.isdigit() and ending != path.name else 0
        with path.open("rb") as stream:
            number = first
            while len(page := stream.read(PAGE)) == PAGE:
                if pages is None or number in pages:
                    yield from (((number, line), version) for line, version in versions(page))
                number += 1


def _dead(version: Version, xids: set[int]) -> str:
    if version.flags & FROZEN == XMIN_INVALID:
        return UNDONE
    ended = version.ended
    if ended is None:
        return UNSURE
    if not ended:
        return STANDING
    if xids:
        return LOST if ended in xids else EARLIER
    return LOST if version.flags & XMAX_COMMITTED else UNSURE


def _write(
    told: Salvaged, one: Wanted, columns: list[Column], found: Sequence[tuple[tuple[int, int], Version, str]],
    folder: Path, fetch: Callable[[int, int], bytes | None] | None, every: bool,
) -> None:  # fmt: skip
    """Write what is lost, or every version with its state, and count what came out."""
    rows = []
    for (page, line), version, state in found:
        told.states[state] = told.states.get(state, 0) + 1
        if state != LOST and not every:
            continue
        try:
            values = read(version, columns, fetch)
        except (ValueError, struct.error, IndexError):
            told.damaged += 1
            continue
        _count_unread(told, columns, values)
        rows.append((state, f"({page},{line})", version, values))
        told.rows += state == LOST
    if rows:
        generated = {row["name"] for row in one.columns if row.get("generated")}
        salvage_files.write(told, columns, rows, folder, generated, every, one.gone)


def _count_unread(told: Salvaged, columns: list[Column], values: Sequence[object]) -> None:
    for column, value in zip(columns, values, strict=True):
        if isinstance(value, Unread) and not column.dropped:
            key = f"{column.name}: {value.why}"
            told.unread[key] = told.unread.get(key, 0) + 1


__all__ = ["Salvaged", "Wanted", "columns_of", "from_file", "from_wal"]
