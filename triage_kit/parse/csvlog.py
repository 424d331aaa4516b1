"""The csv log: https://www.postgresql.org/docs/current/runtime-config-logging.html (columns of csvlog).

A record spans lines when a text in it does. A cut record would swallow everything behind it, since its open quote
never closes; so every line that can only be the beginning of a record begins one. A line inside a text cannot look
like that: quotes are doubled there.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.languages import SEVERITY_OF, english
from triage_kit.parse.lines import PIECE, Line, joined, numbered
from triage_kit.parse.long_records import MOST_LINES, LongCsv
from triage_kit.parse.stderr import complete, positioned
from triage_kit.parse.times import Clock

_NAMES = (
    "log_time user_name database_name process_id connection_from session_id session_line_num command_tag "
    "session_start_time virtual_transaction_id transaction_id error_severity sql_state_code message detail hint "
    "internal_query internal_query_pos context query query_pos location application_name"
)
_BASE = _NAMES.split()
COLUMN_NAMES = (*_BASE, "backend_type", "leader_pid", "query_id")
# 12 and older, 13, 14 and newer; further columns of a future major come behind and are ignored.
_COLUMNS = {23: _BASE, 24: [*_BASE, "backend_type"], 26: [*_BASE, "backend_type", "leader_pid", "query_id"]}

_TEXT = r'(?:"(?:[^"]|"")*")?'
# Of a record, what stands before its severity; the rest of a time tells no more than its year.
BEFORE = (
    rf"\d{{4}}-[^,\"]+,{_TEXT},{_TEXT},\d+,{_TEXT},[0-9a-f]+\.[0-9a-f]+,\d+,{_TEXT},"
    r'[^,"]*,[^,]*,\d*,'
)
HEAD = re.compile(
    # A field that begins here begins with an odd run of quotes; doubled ones inside a text come in even runs.
    BEFORE + r'[^,"\s]+(?: [^,"\s]+)*,[0-9A-Z]{5},"(?:"")*(?!")'
)


def parse_csv(source: Iterable[bytes | Line], clock: Clock | None = None) -> Iterator[Entry | Unparsed]:
    """Entries of a csvlog; the lines of a cut or broken record are Unparsed one by one."""
    clock = clock or Clock()
    for group in _records(numbered(source)):
        first, fields = (group.first, group.fields()) if isinstance(group, LongCsv) else (group[0], _fields(group))
        entry = _entry(first, fields, clock)
        if entry is not None:
            yield entry
        elif isinstance(group, LongCsv):
            yield from group.unparsed()
        else:
            yield from (Unparsed(line.number, line.offset, line.text) for line in group)


def _records(lines: Iterable[Line]) -> Iterator[list[Line] | LongCsv]:
    """The lines of each record; of one that is very long what its lines hold."""
    group: list[Line] = []
    long: LongCsv | None = None
    quotes = length = 0
    for line in lines:
        # A quote that nothing closes would gather the rest of the file.
        if group and not line.more and (quotes % 2 == 0 or (long and long.lines > MOST_LINES)
                                        or HEAD.match(line.text)):  # fmt: skip
            yield long or group
            group, long, quotes, length = [], None, 0, 0
        length += len(line.text) + 64  # an empty line takes memory too
        quotes += line.text.count('"')
        if long is not None:
            long.add(line)
            continue
        group.append(line)
        if length > PIECE and (len(group) > 1 or line.more):
            long = LongCsv(group[0])
            for each in group:
                long.add(each)
            del group[1:]  # they are in it
    if group:
        yield long or group


def _fields(group: list[Line]) -> list[str]:
    # The reader must see line ends as in the file, or a text of several lines would lose them.
    try:
        rows = list(csv.reader([group[0].text if len(group) == 1 else joined(group)], strict=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def _entry(first: Line, fields: list[str] | None, clock: Clock) -> Entry | None:
    columns = _COLUMNS.get(len(fields or [])) or (_COLUMNS[26] if len(fields or []) > 26 else None)
    if columns is None or fields is None:
        return None
    row = dict(zip(columns, fields, strict=False))
    if not (row["process_id"].isdigit() and (row["error_severity"].isalnum() or row["error_severity"] in SEVERITY_OF)):
        return None
    return complete(_filled(first, row, clock), row["internal_query"] or None)


def _filled(line: Line, row: dict[str, str], clock: Clock) -> Entry:
    xid = row["transaction_id"]
    return Entry(
        line.number,
        line.offset,
        at=clock.instant(row["log_time"]),
        severity=english(row["error_severity"]),
        sqlstate=row["sql_state_code"],
        pid=int(row["process_id"]),
        session=row["session_id"],
        role=row["user_name"] or None,
        database=row["database_name"] or None,
        application=row["application_name"] or None,
        client=row["connection_from"] or None,
        xid=int(xid) if xid.isdigit() and xid != "0" else None,
        message=positioned(row["message"], row["query_pos"], row["internal_query_pos"]),
        detail=row["detail"] or None,
        hint=row["hint"] or None,
        context=row["context"] or None,
        statement=row["query"] or None,
    )


csv.field_size_limit(1 << 30)  # a logged statement may be as long as a statement can be
