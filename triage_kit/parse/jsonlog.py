"""The JSON log of 15 and newer, one object a line: keys that are empty are left out by the server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.languages import english
from triage_kit.parse.lines import Line, numbered
from triage_kit.parse.long_records import LongJson
from triage_kit.parse.stderr import complete, positioned
from triage_kit.parse.times import Clock


def parse_json(source: Iterable[bytes | Line], clock: Clock | None = None) -> Iterator[Entry | Unparsed]:
    """Entries of a jsonlog; a line that is no object with a severity is Unparsed."""
    clock = clock or Clock()
    for line, row in _rows(numbered(source)):
        if not isinstance(row.get("error_severity") if isinstance(row, dict) else None, str):
            yield Unparsed(line.number, line.offset, line.text)
        else:
            yield complete(_filled(line, row, clock), _text(row, "internal_query"))


def _rows(lines: Iterable[Line]) -> Iterator[tuple[Line, Any]]:
    """Each line and its object; of one that comes in pieces the first piece."""
    first: Line | None = None
    long: LongJson | None = None
    for line in lines:
        if line.more and first is not None:
            if long is None:
                long = LongJson()
                long.add(first.text)
            long.add(line.text)
            continue
        if first is not None:
            yield first, long.row() if long else _loaded(first.text)
        first, long = line, None
    if first is not None:
        yield first, long.row() if long else _loaded(first.text)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(row: dict[str, Any], key: str) -> str | None:
    value = row.get(key)
    if value is None or value == "":
        return None
    return value if type(value) is str else str(value)


def _number(row: dict[str, Any], key: str) -> int | None:
    value = row.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and value > 0 else None


def _filled(line: Line, row: dict[str, Any], clock: Clock) -> Entry:
    host, port = _text(row, "remote_host"), _number(row, "remote_port")
    return Entry(
        line.number,
        line.offset,
        at=clock.instant(_text(row, "timestamp")),
        severity=english(row["error_severity"]),
        sqlstate=_text(row, "state_code") or "00000",  # success is left out like what is empty
        pid=_number(row, "pid"),
        session=_text(row, "session_id"),
        role=_text(row, "user"),
        database=_text(row, "dbname"),
        application=_text(row, "application_name"),
        client=f"{host}:{port}" if host and port else host,
        xid=_number(row, "txid"),
        message=positioned(
            _text(row, "message") or "", _number(row, "cursor_position"), _number(row, "internal_position")
        ),
        detail=_text(row, "detail"),
        hint=_text(row, "hint"),
        context=_text(row, "context"),
        statement=_text(row, "statement"),
    )
