"""What readers of tables share: a row, the names by which a table is known, and how a cell is taken out of quotes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Fits = Callable[[Sequence[str]], bool]


class Row(NamedTuple):
    """One row: the line that it begins on, the names of the columns as they are written, and a text for each.

    A row that cannot be told into the columns has another number of cells.
    """

    line: int
    header: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """Names by which a table is known: what a written name means, and sets of meanings each of which is enough."""

    meanings: Mapping[str, str]
    enough: Sequence[set[str]]

    def meaning(self, written: str) -> str:
        """What a column's name means, however it is quoted or in whatever case; empty when it is not known."""
        return self.meanings.get(bare(written).lower(), "")

    def known(self, cells: Iterable[str]) -> set[str]:
        return {meaning for cell in cells if (meaning := self.meaning(cell))}

    def fits(self, cells: Sequence[str]) -> bool:
        """Whether these are the names of the columns that are looked for."""
        known = self.known(cells)
        return any(each <= known for each in self.enough)


def bare(written: str) -> str:
    """A cell without blanks around it, and without the marks that Markdown or a program quoted it with.

    >>> bare(" **`a`** "), bare("'b'"), bare("'")
    ('a', 'b', "'")
    """
    text = written.strip()
    for mark in ("**", "__", "`", '"', "'"):
        if len(text) > 2 * len(mark) - 1 and text.startswith(mark) and text.endswith(mark):
            inner = text[len(mark) : -len(mark)]
            if mark in inner.replace(2 * mark, ""):  # `a` or `b`
                continue
            text = inner.replace(2 * mark, mark) if mark in ("'", '"') else inner
    return text


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(_columns(each) for each in text)


def cut(text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
    """The parts of a line between columns of a terminal."""
    at, edges = 0, []
    for each in text:
        edges.append(at)
        at += _columns(each)
    return ["".join(char for char, where in zip(text, edges, strict=True) if begin <= where < end)
            for begin, end in spans]  # fmt: skip


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
