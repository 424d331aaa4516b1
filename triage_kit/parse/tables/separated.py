"""Tables whose cells something separates: CSV in any dialect, psql's unaligned output, columns between blanks."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise, zip_longest

from triage_kit.errors import SourceError
from triage_kit.parse.tables.grid import footer, ruled
from triage_kit.parse.tables.row import Fits, Row, bare, width

_MARKS = (",", ";", "\t", "|")
_FIRST = 200  # lines before which the names must stand
_LONGEST = 20_000  # of a line of names
# Alone: what ends a line elsewhere (a file separator, NEL, U+2028) may separate columns, or stand within a name.
_LINE_END = re.compile(r"\r\n|\n|\r")
_WORD = re.compile(r"\w+")


def read_separated(text: str, fits: Fits) -> list[Row]:
    """Rows below a line of names that one mark, of one or several characters, separates."""
    lines = _LINE_END.split(text)
    if (found := _header(lines, fits)) is None:
        return []
    at, mark, names = found
    # psql counts the rows below its own tables, in which nothing is quoted.
    raw = len(mark) > 1 or (not mark.isprintable() and mark != "\t") or any(map(footer, lines))
    quoted = not raw and (mark != "|" or '"' in text)
    cells = _csv(_lines_below(text, at, mark), mark, at + 1) if quoted else _split(lines[at:], mark, at + 1)
    header = tuple(bare(name) for name in names)
    told = [(number, each) for number, each in cells
            if not fits(each) and not (len(each) == 1 and (footer(each[0]) or ruled(each[0])))]  # fmt: skip
    padded = _padded([names, *(each for _, each in told)]) if raw or mark != "|" else None
    return [Row(number, header, tuple(_cell(cell, padded is None or at in padded, raw) for at, cell in enumerate(each)))
            for number, each in told]  # fmt: skip


def _padded(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns, below their names, in which blanks fill the cells up: alone, they belong to the name of a table."""
    columns = zip_longest(*rows, fillvalue="")
    return {at for at, (name, *cells) in enumerate(columns) if _around_all(cells) or _to_one_width([name, *cells])}


def _around_all(cells: Sequence[str]) -> bool:
    return {cell.strip() != cell for cell in cells if cell.strip()} == {True}


def _to_one_width(column: Sequence[str]) -> bool:
    """Whether blanks on one side bring the name and the cells of a column to one width: the longest needs none."""
    cells = [cell for cell in column if cell]
    aligned = all(cell == cell.lstrip() for cell in cells) or all(cell == cell.rstrip() for cell in cells)
    return aligned and len({width(cell) for cell in cells}) == 1


def _cell(cell: str, padded: bool, raw: bool) -> str:
    """A cell as it was meant; also one that is quoted although blanks stood before the quote, which is no CSV."""
    text = cell.strip()
    if not raw and (text[:1] in ("'", "`") or (text != cell and text[:1] == '"')):
        return bare(text)
    return text if padded else cell


def _lines_below(text: str, at: int, mark: str) -> Iterator[str]:
    """The lines from the names on, with their ends: one within quotes belongs to its cell."""
    lines = islice(io.StringIO(text, newline=""), at, None)
    return (_within(line) + "\n" for line in lines) if mark == "|" else lines


def _header(lines: Sequence[str], fits: Fits) -> tuple[int, str, list[str]] | None:
    for at, line in enumerate(lines[:_FIRST]):
        if len(line) > _LONGEST:
            continue
        told = [(mark, names) for mark in (*_MARKS, *_between(line)) if fits(names := _names(line, mark))]
        if told:  # of | and || the one that leaves no name empty
            mark, names = min(told, key=lambda each: sum(not name.strip() for name in each[1]))
            return at, mark, names
    return None


def _names(line: str, mark: str) -> list[str]:
    if mark == "|" or mark not in _MARKS:
        return (_within(line) if mark == "|" else line).split(mark)
    try:
        return next(iter(csv.reader([line], delimiter=mark)), [])
    except csv.Error:
        return []


def _between(line: str) -> Iterator[str]:
    """What stands between two words of a line, the most frequent first: one of it may separate the columns."""
    words = list(_WORD.finditer(line))
    gaps = [line[one.end() : other.start()] for one, other in pairwise(words)]
    for gap in sorted(set(gaps) - {""}, key=lambda gap: (-gaps.count(gap), gap)):
        if gap.strip(" ") and gap not in _MARKS:
            yield gap


def _within(line: str) -> str:
    """A line without the walls at its ends."""
    text = line.strip()
    return text[1:-1] if len(text) > 1 and text.startswith("|") and text.endswith("|") else line


def _split(lines: Sequence[str], mark: str, first: int) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, first):
        if line.strip():
            yield number, (_within(line) if mark == "|" else line).split(mark)


def _csv(lines: Iterator[str], mark: str, first: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, delimiter=mark, skipinitialspace=mark == "|")
    began = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield first + began, cells
            began = reader.line_num
    except csv.Error as error:
        raise SourceError(f"line {first + reader.line_num} is no CSV: {error}") from error


def read_blanks(text: str, fits: Fits) -> list[Row]:
    """Rows of words between blanks, as a paste leaves them; a row with an empty cell has too few words."""
    found: list[Row] = []
    header: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        cells = tuple(re.split(r"\t| {2,}", line.strip())) if "  " in line or "\t" in line else tuple(line.split())
        words = tuple(line.split())
        if fits(words):
            header = words
        elif header and words and not footer(line) and not ruled(line):
            numbered = len(words) == len(header) + 1 and words[0].isdecimal()  # an index before each row
            right = words[1:] if numbered else words
            spaced = len(right) != len(header) and len(cells) == len(header)  # a blank in a name
            found.append(Row(number, header, cells if spaced else right))
    return found
