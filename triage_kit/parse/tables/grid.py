"""Tables with a rule below the names: psql's own, aligned or wrapped, those of other clients, Markdown; and AsciiDoc.

In psql's tables a cell that goes on in the next line has a mark at its end, ``.`` or ``…`` where it was wrapped and
``+`` or ``↵`` where a line ended in it; the style old-ascii puts ``;`` or ``:`` between the columns instead.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from triage_kit.parse.tables.row import Fits, Row, bare, cut, width

_DASHES = "-=─━═"
_LINED = r"[\s|:+\-=─━═│┃║┼╋╬╪╫┬┴╤╧╦╩├┤╞╡╟╢╠╣┌┐└┘╔╗╚╝]*"
_RULE, _TWO = re.compile(_LINED), re.compile(r"[-=─━═]{2}")
_FOOT = re.compile(r"\s*\(\d+ [^\W\d]+\)\s*")
_WALL = re.compile(r"[|│┃║]")
_CROSS = re.compile(r"[^\-=─━═\s]")
_WRAPPED, _BROKEN = ".…", "+↵"
_MOST_HEADER = 12  # lines of a header that was wrapped
_ESCAPED = re.compile(r"\\([\\|`*_{}\[\]<>()#+.!-])")
_DOC_CELL = re.compile(r"(?:^|\s)[<>^]?l?(?<!\\)\|")


def footer(line: str) -> bool:
    """Whether the line is psql's count of rows, in whatever language."""
    return _FOOT.fullmatch(line) is not None


def ruled(line: str) -> bool:
    """Whether the line is a rule between the names and the rows, or around them."""
    return _TWO.search(line) is not None and _RULE.fullmatch(line) is not None


def read_grid(text: str, fits: Fits) -> list[Row]:
    """Rows of every table with a rule below its names."""
    lines = text.splitlines()
    rules = [at for at, line in enumerate(lines) if ruled(line)]
    found: list[Row] = []
    done = 0
    among = frozenset(rules)
    for at in rules:
        if at < done:
            continue
        for first in range(at - 1, max(done, at - _MOST_HEADER) - 1, -1):
            if not lines[first].strip() or first in among:
                break
            grid = _Grid(lines[at])
            if not grid.spans:
                break
            header = grid.joined(list(enumerate(lines[first:at], first + 1)))
            if len(header) == 1 and fits(header[0][1]):
                rows, done = _below(grid, lines, at + 1, header[0][1])
                found += [row for row in rows if not fits(row.cells)]
                break
    return found


def _below(grid: _Grid, lines: Sequence[str], first: int, names: tuple[str, ...]) -> tuple[list[Row], int]:
    """The rows under a rule up to an empty line or the footer, and the line behind them."""
    body: list[tuple[int, str]] = []
    at = first
    for at, line in enumerate(lines[first:], first):
        if not line.strip() or footer(line):
            break
        if not ruled(line):
            body.append((at + 1, line))
    else:
        at = len(lines)
    header = tuple(bare(name) for name in names)
    return [Row(number, header, cells) for number, cells in grid.joined(body)], at


class _Grid:
    """The columns of one table, as its rule shows them."""

    def __init__(self, rule: str) -> None:
        edges = [found.start() for found in _CROSS.finditer(rule)]
        self.markdown = "|" in rule and "+" not in rule
        self.walled = bool(edges)
        self.framed = rule.lstrip()[:1] not in _DASHES + ":"
        if self.walled:
            inner = edges if self.framed else [-1, *edges, len(rule) + 10_000]
            self.spans = [(left + 1, right) for left, right in pairwise(inner)]
        else:  # border 0: a blank between the columns, which holds the marks
            runs = [(found.start(), found.end()) for found in re.finditer(rf"[{_DASHES}]+", rule)]
            self.spans = [(begin, end + 1) for begin, end in runs[:-1]] + [(runs[-1][0], 1 << 30)]
            self.last = runs[-1][1]
        self.edges = edges

    def joined(self, lines: Sequence[tuple[int, str]]) -> list[tuple[int, tuple[str, ...]]]:
        """Rows of cells, each with its first line; what was wrapped is one again."""
        rows: list[tuple[int, list[str]]] = []
        before: list[str] = []
        for number, line in lines:
            cells = self._cells(line)
            if rows and len(cells) == len(before) and (ends := self._goes_on(line, before, cells)):
                held = rows[-1][1]
                for at, (end, cell) in enumerate(zip(ends, cells, strict=True)):
                    held[at] = self._glued(held[at], end, cell)
            else:
                rows.append((number, list(cells)))
            before = cells
        return [(number, tuple(self._clean(cell) for cell in cells)) for number, cells in rows]

    def _cells(self, line: str) -> list[str]:
        if not self.walled:
            return cut(line, self.spans)
        text = line
        if self.framed:
            stripped = line.strip()
            text = stripped[1:] if _WALL.match(stripped) else stripped
            text = text[:-1] if _WALL.match(text[-1:]) and not (self.markdown and text.endswith("\\|")) else text
        parts = re.split(r"(?<!\\)\|", text) if self.markdown else _WALL.split(text)
        # A name with a wall in it, or other marks between the columns: by their places.
        if len(parts) != len(self.spans) and not self.markdown and width(line) >= self.spans[-1][0]:
            return cut(line, self.spans)
        return parts

    def _goes_on(self, line: str, before: Sequence[str], cells: Sequence[str]) -> list[str]:
        """For each cell how the one above it ended: wrapped, broken or not at all; empty when this is a new row."""
        if self.markdown:
            return []
        if not self.walled:
            return self._filled(before, cells)
        between = cut(line, [(at, at + 1) for at in self.edges])
        if any(each in (";", ":") for each in between):
            return [_WRAPPED[0] if each == ";" else _BROKEN[0] if each == ":" else ""
                    for each in (between if self.framed else ["", *between])][: len(cells)]  # fmt: skip
        ends = [above.rstrip("\n")[-1:] for above in before]
        wrapped = [end in _WRAPPED and end != "" and cell[:1] in _WRAPPED and cell[:1] != ""
                   for end, cell in zip(ends, cells, strict=True)]  # fmt: skip
        broken = [end in _BROKEN and end != "" for end in ends]
        others = [cell.strip() for cell, one, two in zip(cells, wrapped, broken, strict=True) if not (one or two)]
        if not (any(wrapped) or any(broken)) or any(others):
            return []
        return [end if one or two else "" for end, one, two in zip(ends, wrapped, broken, strict=True)]

    def _filled(self, before: Sequence[str], cells: Sequence[str]) -> list[str]:
        """The same without walls, where the mark stands in the blank behind the column, if the style has one at all."""
        ends = []
        for above, cell, (begin, end) in zip(before, cells, self.spans, strict=True):
            mark = above[-1:] if above[-1:] in (*_WRAPPED, *_BROKEN) and above else ""
            full = width(above.rstrip()) >= min(end, self.last) - begin - (end < 1 << 30)
            ends.append("" if not cell.strip() else mark or (_WRAPPED[0] if full else "?"))
        return [] if "?" in ends or "" not in ends else ends

    def _glued(self, held: str, end: str, cell: str) -> str:
        if not end:
            return held
        if end in _WRAPPED:
            above = held[:-1] if held[-1:] in _WRAPPED else held.removesuffix(" ")
            return above + (cell[1:] if cell[:1] in (*_WRAPPED, " ") else cell)
        return (held[:-1] if held[-1:] in _BROKEN else held).rstrip() + "\n" + cell.strip()

    def _clean(self, cell: str) -> str:
        return bare(_ESCAPED.sub(r"\1", cell)) if self.markdown else cell.strip()


def read_asciidoc(text: str, fits: Fits) -> list[Row]:
    """Rows of tables between lines ``|====``."""
    found: list[Row] = []
    header: tuple[str, ...] = ()
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if re.fullmatch(r"\|={3,}\s*", line):
            inside, header = not inside, ()
            continue
        if not inside or not line.strip():
            continue
        cells = tuple(cell.strip().replace("\\|", "|") for cell in _DOC_CELL.split(line)[1:])
        if fits(cells):
            header = cells
        elif header:
            found.append(Row(number, header, cells))
    return found
