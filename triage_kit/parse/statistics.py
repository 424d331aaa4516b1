"""Tables of pg_stat_user_tables that people copied by hand: CSV in any dialect, or what psql prints."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from triage_kit.errors import SourceError

# Column of pg_stat_user_tables (or what people call it) -> column of the evidence table table_counters.
COLUMNS = {
    "schemaname": "schema",
    "relname": "table",
    "n_tup_ins": "inserts",
    "n_tup_upd": "updates",
    "n_tup_del": "deletes",
    "n_tup_hot_upd": "hot_updates",
    "n_live_tup": "live",
    "n_dead_tup": "dead",
    "n_mod_since_analyze": "changed_since_analyze",
    "n_ins_since_vacuum": "inserted_since_vacuum",
    "seq_scan": "sequential_scans",
    "idx_scan": "index_scans",
    "last_vacuum": "last_vacuum",
    "last_autovacuum": "last_autovacuum",
    "last_analyze": "last_analyze",
    "last_autoanalyze": "last_autoanalyze",
    "vacuum_count": "vacuums",
    "autovacuum_count": "autovacuums",
    "analyze_count": "analyzes",
    "autoanalyze_count": "autoanalyzes",
    "rows": "rows",
}
TIMES = frozenset(("last_vacuum", "last_autovacuum", "last_analyze", "last_autoanalyze"))
NAMES = frozenset(("schema", "table"))
MISSING = frozenset(("", "null", "\\n", "-", "n/a", "none", "∅"))
LONGEST = 64 << 20
_RULE = re.compile(r"^\s*\|?[\s:|+-]*-{2,}[\s:|+-]*\|?\s*$")
_FOOT = re.compile(r"^\s*\(\d+ \w+\)\s*$")
_SPARE_DIGITS = re.compile(r"(\.\d{6})\d+")
_SHORT_ZONE = re.compile(r"([+-]\d\d)$")


@dataclass
class Statistics:
    """What one file held: ``rows`` by the names of ``table_counters`` (and ``rows``), and what could not be read.

    ``unread`` names lines and cells with their reason; a cell that is unread is missing in its row, not zero.
    """

    rows: list[dict] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    unread: list[str] = field(default_factory=list)


def read_statistics(data: bytes) -> Statistics:
    """Rows of a statistics file; of a table that stands there twice the last reading counts.

    Raises SourceError when no line names the columns that a balance needs.

    >>> read_statistics(b"relname;schemaname;N_TUP_INS;n_tup_del;n_live_tup\\nassets;m;81;33;0").rows[0]["deletes"]
    33
    """
    lines = _text(data).splitlines()
    at, mark, header = _header(lines)
    found = Statistics(columns=tuple(name for name in header if name))
    by_name: dict[tuple[str, str], dict] = {}
    for number, cells in _cells(lines[at + 1 :], mark, at + 2):
        if _again(cells, header):
            continue
        if len(cells) != len(header):
            found.unread.append(f"line {number}: {len(cells)} values for {len(header)} columns")
            continue
        row = _row(dict(zip(header, cells, strict=True)), number, found.unread)
        if row is not None:
            key = (row["schema"], row["table"])
            if key in by_name:
                found.unread.append(f"line {number}: {key[0]}.{key[1]} stands there twice, the last reading counts")
            by_name[key] = row
    found.rows = list(by_name.values())
    if not found.rows:
        raise SourceError(f"the file names its columns on line {at + 1}, and no row below could be read"
                          + (f": {found.unread[0]}" if found.unread else ""))  # fmt: skip
    return found


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # what a redirection of Windows PowerShell writes
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "surrogateescape").replace("\0", "")


def _header(lines: Sequence[str]) -> tuple[int, str, list[str]]:
    """Place and separator of the line that names the columns, and the evidence columns that it means."""
    best: set[str] = set()
    for number, line in enumerate(lines[:200]):
        for mark in ",;\t|":
            names = [_meaning(cell) for cell in _split(line, mark)]
            known = {name for name in names if name}
            if {"schema", "table", "inserts", "deletes"} <= known and known & {"live", "rows"}:
                return number, mark, names
            best = max(best, known, key=len)
    wanted = "schemaname, relname, n_tup_ins, n_tup_del and n_live_tup (or rows)"
    meant = {value: key for key, value in COLUMNS.items()}
    got = ", ".join(sorted(meant[name] for name in best)) or "no such name"
    raise SourceError(f"no line names the columns {wanted}; got {got}: write them as the first line of the file, as "
                      "`psql --csv -c 'TABLE pg_stat_user_tables'` does")  # fmt: skip


def _meaning(cell: str) -> str:
    return COLUMNS.get(cell.strip().strip("\"'`*").strip().lower(), "")


def _split(line: str, mark: str) -> list[str]:
    if mark == "|":
        stripped = line.strip()
        bare = stripped[1:-1] if stripped.startswith("|") and stripped.endswith("|") and len(stripped) > 1 else line
        return bare.split("|")
    return next(iter(csv.reader([line], delimiter=mark)), [])


def _cells(lines: Sequence[str], mark: str, first: int) -> Iterator[tuple[int, list[str]]]:
    if mark == "|":
        for number, line in enumerate(lines, first):
            if line.strip() and not _RULE.match(line) and not _FOOT.match(line):
                yield number, _split(line, mark)
        return
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield first + reader.line_num - 1, cells
    except csv.Error as error:
        raise SourceError(f"line {first + reader.line_num} is no CSV: {error}") from error


def _again(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Whether the line names the columns once more, as files that were joined do."""
    return [_meaning(cell) for cell in cells] == list(header)


def _row(cells: dict[str, str], number: int, unread: list[str]) -> dict | None:
    row: dict = {}
    for name, written in cells.items():
        if not name:
            continue
        try:
            row[name] = _value(name, written.strip())
        except ValueError as error:
            unread.append(f"line {number}, {name}: {error}")
            row[name] = None
    if not row["schema"] or not row["table"]:
        unread.append(f"line {number}: no name of a table")
        return None
    return row


def _value(name: str, written: str) -> str | int | datetime | None:
    if name in NAMES:
        return written
    if written.lower() in MISSING:
        return None
    if name in TIMES:
        return _instant(written)
    number = float(written) if re.fullmatch(r"\d+\.0*", written) else int(written) if written.isdecimal() else None
    if number is None:
        raise ValueError(f"got {written[:40]!r}, want a whole number")
    return int(number)


def _instant(written: str) -> datetime:
    """An instant with its offset, in the precision that PostgreSQL writes; without offset it is none."""
    shorter = _SHORT_ZONE.sub(r"\1:00", _SPARE_DIGITS.sub(r"\1", written.replace(" UTC", "+00:00")))
    try:
        at = datetime.fromisoformat(shorter)
    except ValueError:
        raise ValueError(f"got {written[:40]!r}, want an instant") from None
    if at.tzinfo is None:
        raise ValueError(f"got {written[:40]!r}, an instant without its offset")
    return at.astimezone(UTC)
