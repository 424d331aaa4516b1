"""Tables as text, in whatever form a program printed them or a person kept them: rows of cells under named columns.

psql prints in a dozen forms (https://www.postgresql.org/docs/current/app-psql.html, ``\\pset``), clients export CSV in
as many dialects, people paste into Markdown. A reader knows its table by the names of its columns, which the caller
recognises; one form after the other is tried, those first that cannot be taken for another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from triage_kit.errors import SourceError
from triage_kit.parse.tables.expanded import read_expanded
from triage_kit.parse.tables.grid import read_asciidoc, read_grid
from triage_kit.parse.tables.marked import read_html, read_json
from triage_kit.parse.tables.row import Fits, Names, Row
from triage_kit.parse.tables.separated import read_blanks, read_separated

__all__ = ["Names", "Row", "read_rows", "refuse_headless", "refuse_unreadable"]

_READERS: tuple[Callable[[str, Fits], list[Row]], ...] = (
    read_json, read_html, read_asciidoc, read_grid, read_separated, read_expanded, read_blanks,
)  # fmt: skip
CSV = "`psql --csv -c 'TABLE pg_stat_user_tables'` writes a file that is"
# What no reader is for, by what it begins with or holds.
_AGAIN = "whose escapes are not undone: print it again with \\pset format csv"
_REFUSED = (
    ("PK\x03\x04", "it is a spreadsheet: save its sheet as CSV"),
    ("\\begin{tabular}", f"it is a table for LaTeX, {_AGAIN}"),
    ("\\begin{longtable}", f"it is a table for LaTeX, {_AGAIN}"),
    ("\n.TS\n", f"it is a table for troff, {_AGAIN}"),
    ("INSERT INTO ", "it holds statements, and nothing is executed: export the rows as CSV"),
    ("%PDF-", "it is a PDF: the numbers are wanted as text"),
)  # fmt: skip


def read_rows(text: str, names: Names) -> list[Row]:
    """Rows of the table whose columns ``names`` recognises; empty where no form shows such a table.

    >>> names = Names({"a": "a", "b": "b"}, [{"a", "b"}])
    >>> [(row.line, row.cells) for row in read_rows("| a | b |\\n|---|--:|\\n| `x` | 1 |", names)]
    [(3, ('x', '1'))]
    """
    for candidate in _without_nul(text):
        for read in _READERS:
            if rows := read(candidate, names.fits):
                return rows
    return []


def _without_nul(text: str) -> Sequence[str]:
    """The text as it is, with NULs for the ends of records (``psql -0``), and without them."""
    return (text, text.replace("\0", "\n"), text.replace("\0", "")) if "\0" in text else (text,)


def refuse_unreadable(text: str) -> None:
    """Raise SourceError with the remedy where the text is of a form that is known and not read."""
    for mark, remedy in _REFUSED:
        if text.lstrip().startswith(mark.lstrip("\n")) or (mark[0] in "\\\n" and mark in text[:2_000]):
            raise SourceError(remedy)


def refuse_headless(text: str) -> None:
    """Raise SourceError with the remedy where the rows stand there without the names of the columns."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    if lines and sum(_headless(line) for line in lines) * 2 > len(lines):
        raise SourceError("its first line is a row already: the names of the columns are missing, as after `psql -t` "
                          f"or \\pset tuples_only. Print it again without; {CSV} read")  # fmt: skip


def _headless(line: str) -> bool:
    """Whether a line is cells of which several are numbers."""
    for mark in "|│,;\t":
        cells = [cell.strip() for cell in line.split(mark)]
        if len(cells) > 3 and sum(cell.isdecimal() for cell in cells) > 2:
            return True
    return False
