"""Tables in markup: HTML as psql and clients write it, and JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from triage_kit.parse.tables.row import Fits, Row

_DEEPEST = 4  # objects in which a list of rows is looked for


# Not html.parser, which takes minutes for some hundred kilobytes of tags that never end.
_TAG = re.compile(r"<(?P<end>/?)(?P<name>table|thead|tbody|tr|td|th)\b[^<>]*>", re.IGNORECASE)
_OTHER = re.compile(r"<[^<>]*>")

Cells = list[tuple[str, str]]  # the tag, td or th, and the text


def _table_rows(text: str) -> Iterator[tuple[int, Cells]]:
    """The rows of all tables, each with its line; end tags may be left out."""
    row: Cells = []
    number, line, at, cell = 0, 1, 0, ""
    for found in _TAG.finditer(text):
        if cell:
            row.append((cell, _shown(text[at : found.start()])))
        line += text.count("\n", at, found.end())
        at, name = found.end(), found["name"].lower()
        cell = name if name in ("td", "th") and not found["end"] else ""
        if name not in ("td", "th"):
            if row:
                yield number, row
            row, number = [], line
    if row:
        yield number, row


def _shown(inner: str) -> str:
    return " ".join(html.unescape(_OTHER.sub(" ", inner)).split())


def read_html(text: str, fits: Fits) -> list[Row]:
    """Rows of every table that names its columns in its first row, or before each value."""
    if "<" not in text:
        return []
    rows = list(_table_rows(text))
    found: list[Row] = []
    header: tuple[str, ...] = ()
    for number, cells in rows:
        written = tuple(cell for _, cell in cells)
        if fits(written):
            header = written
        elif header and written:
            found.append(Row(number, header, written))
    return found or list(_turned(rows, fits))


def _turned(rows: list[tuple[int, Cells]], fits: Fits) -> Iterator[Row]:
    """Rows of pairs of a heading and its value; a name that comes again begins the next one."""
    held: dict[str, str] = {}
    first = 0
    for number, cells in [*rows, (0, [])]:
        pair = [tag for tag, _ in cells] == ["th", "td"]
        if not pair or cells[0][1] in held:
            if fits(list(held)):
                yield Row(first, tuple(held), tuple(held.values()))
            held = {}
        if pair:
            first = first if held else number
            held[cells[0][1]] = cells[1][1]


def read_json(text: str, fits: Fits) -> list[Row]:
    """Rows of a list of objects, wherever it stands in the document, or of an object a line."""
    if text.lstrip()[:1] not in ("[", "{"):
        return []
    try:
        return [_row(1, row) for row in _objects(json.loads(text), 0) if fits(list(row))]
    except (ValueError, RecursionError):
        pass
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found += [_row(number, row) for row in _objects(json.loads(line), 0) if fits(list(row))]
        except (ValueError, RecursionError):
            continue
    return found


def _objects(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield value
        for each in value.values():
            if isinstance(each, list | dict):
                yield from _objects(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each, depth + 1)


def _row(number: int, row: dict[str, Any]) -> Row:
    written = {name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
               for name, value in row.items()}  # fmt: skip
    return Row(number, tuple(written), tuple(written.values()))
