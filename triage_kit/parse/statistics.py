"""Tables of pg_stat_user_tables that people copied by hand, in whatever form: names, whole numbers and instants."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from triage_kit.errors import SourceError
from triage_kit.parse.numbers import Numbers
from triage_kit.parse.tables import CSV, Names, Row, read_rows, refuse_headless, refuse_unreadable
from triage_kit.parse.times import Clock

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
    # What people call them in tables of their own.
    "schema": "schema",
    "schema_name": "schema",
    "table_schema": "schema",
    "table": "table",
    "table_name": "table",
    "tablename": "table",
    "inserts": "inserts",
    "updates": "updates",
    "deletes": "deletes",
    "live": "live",
    "dead": "dead",
}
TIMES = frozenset(("last_vacuum", "last_autovacuum", "last_analyze", "last_autoanalyze"))
NAMES = frozenset(("schema", "table"))
MISSING = frozenset(("", "null", "\\n", "-", "--", "n/a", "na", "nan", "none", "nil", "∅", "␀", "¤", "nbsp"))
LONGEST = 64 << 20
NEEDED = {"schema", "table", "inserts", "deletes"}
_NAMED = Names(COLUMNS, [NEEDED | {"live"}, NEEDED | {"rows"}])
_SPARE_DIGITS = re.compile(r"(\.\d{6})\d+")
_SHORT_ZONE = re.compile(r" ?([+-]\d\d)(?::?(\d\d))?$")
_GERMAN = re.compile(r"(\d\d)\.(\d\d)\.(\d{4}) (.*)")
_DAY = r"(?:(?P<month>[A-Z][a-z]{2}) (?P<day>\d\d)|(?P<first>\d\d) (?P<then>[A-Z][a-z]{2}))"
_POSTGRES = re.compile(rf"[A-Z][a-z]{{2}} {_DAY} (?P<clock>[\d:.]+) (?P<year>\d{{4}}) (?P<zone>\S+)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Statistics:
    """What one file held: ``rows`` by the names of ``table_counters`` (and ``rows``), and what could not be read.

    ``unread`` names lines and cells with their reason; a cell that is unread is missing in its row, not zero.
    ``doubts`` names what was read although it may mean something else.
    """

    rows: list[dict] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    unread: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def read_statistics(data: bytes) -> Statistics:
    """Rows of a statistics file; of a table that stands there twice the last reading counts.

    Raises SourceError when no line names the columns that a balance needs.

    >>> read_statistics(b"relname;schemaname;N_TUP_INS;n_tup_del;n_live_tup\\nassets;m;81;33;0").rows[0]["deletes"]
    33
    """
    found = Statistics()
    text = _text(data, found)
    refuse_unreadable(text)
    written = read_rows(text, _NAMED)
    if not written:
        _refuse(text)
    labels = dict.fromkeys(label for row in written for label in row.header)
    found.columns = tuple(dict.fromkeys(name for label in labels if (name := _NAMED.meaning(label))))
    numbers = Numbers(cell for row in written for cell in row.cells)
    by_name: dict[tuple[str, str], dict] = {}
    for each in written:
        row = _row(each, numbers, found)
        if row is None:
            continue
        key = (row["schema"], row["table"])
        if key in by_name:
            found.unread.append(f"line {each.line}: {key[0]}.{key[1]} stands there twice, the last reading counts")
        by_name[key] = row
    found.rows = list(by_name.values())
    if not found.rows:
        raise SourceError("the file names its columns, and no row below could be read"
                          + (f": {found.unread[0]}" if found.unread else ""))  # fmt: skip
    return found


def _text(data: bytes, found: Statistics) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):  # what a redirection of Windows PowerShell writes, and Excel
        return data.decode("utf-16", "replace")
    if data[:400].count(0) * 3 > len(data[:400]):  # the same without its mark
        return data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found.doubts.append(f"byte {error.start} is no UTF-8: names were read as Windows-1252, as Excel writes them")
        return data.decode("cp1252", "replace")


def _refuse(text: str) -> None:
    best: set[str] = set()
    for line in text.splitlines()[:400]:
        best = max(best, _NAMED.known(re.split(r"[^\w\"'`*]+", line)), key=len)
    if len(best) > 4:
        raise SourceError(f"a line names the columns, and no row below it could be told into them; {CSV} read")
    refuse_headless(text)
    wanted = "schemaname, relname, n_tup_ins, n_tup_del and n_live_tup (or rows)"
    meant = {value: key for key, value in reversed(COLUMNS.items())}
    got = ", ".join(sorted(meant[name] for name in best)) or "no such name"
    raise SourceError(f"no line names the columns {wanted}; got {got}: write them as the first line of the file; "
                      f"{CSV} read")  # fmt: skip


def _row(written: Row, numbers: Numbers, found: Statistics) -> dict | None:
    if len(written.cells) != len(written.header):
        found.unread.append(f"line {written.line}: {len(written.cells)} values for {len(written.header)} columns")
        return None
    row: dict = {}
    for label, cell in zip(written.header, written.cells, strict=True):
        name = _NAMED.meaning(label)
        if not name or name in row:  # a join names some columns twice
            continue
        try:
            row[name] = _value(name, cell, numbers)
        except ValueError as error:
            found.unread.append(f"line {written.line}, {name}: {error}")
            row[name] = None
        if isinstance(row[name], int) and (doubt := numbers.doubt(cell)):
            found.doubts.append(f"line {written.line}, {name}: {doubt}")
    if not row.get("schema") or not row.get("table"):
        found.unread.append(f"line {written.line}: no name of a table")
        return None
    return row


def _value(name: str, written: str, numbers: Numbers) -> str | int | datetime | None:
    if name in NAMES:
        return written
    text = written.strip()
    if text.strip("[]()<>{}«»").lower() in MISSING:
        return None
    return _instant(text) if name in TIMES else numbers.whole(text)


def _instant(written: str) -> datetime:
    """An instant with its offset, in the precision that PostgreSQL writes; without offset it is none."""
    shorter = _SPARE_DIGITS.sub(r"\1", _iso(written))
    clock = Clock("UTC")
    offset = _SHORT_ZONE.sub(lambda found: f"{found[1]}:{found[2] or '00'}", shorter)
    try:
        at = datetime.fromisoformat(offset)
    except ValueError:
        read = clock.instant(shorter)
        if read is None:
            raise ValueError(f"got {written[:40]!r}, want an instant") from None
        if clock.unresolved:
            raise ValueError(f"got {written[:40]!r}, whose zone may be several") from None
        return read
    if at.tzinfo is None:
        raise ValueError(f"got {written[:40]!r}, an instant without its offset")
    return at.astimezone(UTC)


def _iso(written: str) -> str:
    """The order of ISO 8601 for what a server with DateStyle German or Postgres writes."""
    if found := _GERMAN.fullmatch(written):
        return f"{found[3]}-{found[2]}-{found[1]} {found[4]}"
    if (found := _POSTGRES.fullmatch(written)) and (month := found["month"] or found["then"]) in _MONTHS:
        day = found["day"] or found["first"]
        return f"{found['year']}-{_MONTHS.index(month) + 1:02}-{day} {found['clock']} {found['zone']}"
    return written
