"""Salvaged rows as CSV that COPY takes, readable by their owner alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from triage_kit import sql
from triage_kit.files import private_folder, private_stream
from triage_kit.parse.heap import Column, Unread, Version
from triage_kit.parse.heap.values import READERS

STATE = ("state", "place", "xmin", "xmax")


def write(
    told: object, columns: Sequence[Column], rows: Sequence[tuple[str, str, Version, Sequence]], folder: Path,
    generated: set[str], every: bool, gone: bool,
) -> None:  # fmt: skip
    """Write one file and note in ``told`` where it is and how psql loads it beside the table, ``gone`` or not."""
    kept = [at for at, column in enumerate(columns) if not column.dropped and column.name not in generated]
    left = [at for at, column in enumerate(columns) if column.dropped and every]
    heads = [columns[at].name for at in (*kept, *left)]
    private_folder(folder)
    schema, table = told.schema, told.table  # type: ignore[attr-defined]
    path = folder / f"{_plain(schema)}.{_plain(table)}{'.every-version' if every else ''}.csv"
    with private_stream(path) as stream:
        for line in _lines(heads, kept, left, rows, every):
            stream.write(line.encode("utf-8", "surrogateescape"))
    told.path = path  # type: ignore[attr-defined]
    raw = [(place, columns[at].name, one) for _, place, _, values in rows for at in kept
           if isinstance(one := values[at], Unread)]  # fmt: skip
    if raw:
        _write_raw(path.with_suffix(".unread.csv"), raw)
    if not every and all(letter.isprintable() for at in kept for letter in columns[at].name + schema + table):
        beside, kinds = sql.quote_qualified(schema, table + "_salvaged"), [columns[at] for at in kept]
        told.command = _loading(beside, None if gone else sql.quote_qualified(schema, table), kinds, path)  # type: ignore[attr-defined]


def _loading(beside: str, table: str | None, columns: Sequence[Column], path: Path) -> str:
    listed = ", ".join(sql.quote_ident(column.name) for column in columns)
    typed = ", ".join(f"{sql.quote_ident(one.name)} {one.kind if one.kind in READERS else 'text'}" for one in columns)
    name = str(path).replace("'", "''")
    # LIKE would take NOT NULL along, and what could not be read is NULL.
    made = f"AS SELECT {listed} FROM {table} WITH NO DATA" if table else f"({typed})"  # noqa: S608 quoted names
    return (
        "SET default_transaction_read_only = off;\n"  # new sessions are read-only since the freeze
        f"CREATE TABLE {beside} {made};\n"
        f"\\copy {beside} ({listed}) FROM '{name}' WITH (FORMAT csv, HEADER)"
    )


def _write_raw(path: Path, raw: Sequence[tuple[str, str, Unread]]) -> None:
    """The values that could not be read, with their bytes: the row's place joins them to the other file's rows."""
    with private_stream(path) as stream:
        stream.write(_line(["place", "column", "why", "bytes"]).encode())
        for place, column, one in raw:
            stream.write(_line([place, column, one.why, one.data.hex()]).encode("utf-8", "surrogateescape"))


def _lines(
    heads: Sequence[str], kept: Sequence[int], left: Sequence[int], rows: Sequence[tuple], every: bool
) -> Iterator[str]:
    yield _line([*(STATE if every else ()), *heads])
    for state, place, version, values in rows:
        shown = [_cell(values[at], every) for at in (*kept, *left)]
        about = [state, place, str(version.xmin or ""), str(version.xmax or "")] if every else []
        yield _line([*about, *shown])


def _line(cells: Sequence[str | None]) -> str:
    # COPY tells NULL, which has no quotes, from an empty text, which has: Python's csv cannot write that before 3.12.
    return ",".join("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells) + "\n"


def _cell(value: object, raw: bool) -> str | None:
    if isinstance(value, Unread):
        return f"\\x{value.data.hex()}" if raw and value.data else None
    return value  # type: ignore[return-value]


def _plain(name: str) -> str:
    """A name as part of a file's name.

    >>> _plain("a/b c")
    'a_b_c'
    """
    return re.sub(r"[^\w-]+", "_", name)[:80] or "_"
