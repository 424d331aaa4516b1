"""Downloads of a hoster's log pages that are one JSON document on one line, or a csv table with a column of messages.

Azure and CloudWatch put the records into an object (``records``, ``events``); Cloud SQL, Supabase and CloudWatch's
Logs Insights export tables.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from triage_kit.parse.lines import LONGEST, Line
from triage_kit.parse.records import STAMPS, TEXTS, record_lines

_DOCUMENT = re.compile(r'\s*(?:\{\s*"\w+"\s*:\s*)?\[\s*(?=\{)')
_BETWEEN = re.compile(r"[\s,]*")
_LEAST_COLUMNS = 2
_DECODER = json.JSONDecoder()


def is_document(text: str) -> bool:
    """Whether a line begins an array of records, alone or in an object."""
    return _DOCUMENT.match(text) is not None


def document(lines: Iterable[Line]) -> Iterator[Line]:
    """The server's lines out of arrays of records that stand on one line each."""
    for line in lines:
        found = _DOCUMENT.match(line.text)
        at = found.end() if found else -1
        if at < 0:
            yield line
        records: list[list[Line]] = []
        while 0 <= at < len(line.text) and line.text[at] == "{":
            try:
                row, at = _DECODER.raw_decode(line.text, at)
            except (ValueError, RecursionError):  # it was cut
                yield line._replace(text=line.text[at:])
                break
            records.append(list(record_lines(row, line)))
            at = _BETWEEN.match(line.text, at).end()  # type: ignore[union-attr]
        yield from chain.from_iterable(oldest_first(records))


def oldest_first(records: list[list[Line]]) -> list[list[Line]]:
    """Records by their time; the order within one instant is the server's own, which a download may turn around."""
    records = [each for each in records if each]
    if len(records) > 1 and (records[0][0].at or "") > (records[-1][0].at or ""):
        records.reverse()
    return sorted(records, key=lambda each: each[0].at or "")


def header(text: str) -> tuple[int, int] | None:
    """The columns of the message and of the time, when a line names the columns of a table with both; None if not."""
    try:
        names = [each.strip().removeprefix("@") for each in next(csv.reader([text]), [])]
    except csv.Error:
        return None
    message = next((names.index(each) for each in TEXTS if each in names), -1)
    stamp = next((names.index(each) for each in STAMPS if each in names), -1)
    return (message, stamp) if len(names) >= _LEAST_COLUMNS and message >= 0 and stamp >= 0 else None


def table(lines: Iterable[Line]) -> Iterator[Line]:
    """The server's lines out of a csv table whose first line names its columns."""
    columns: tuple[int, int] | None = None
    records: list[list[Line]] = []
    for first, text in _rows(lines):
        if columns is None:
            columns = header(text)
            if columns is None:
                yield first
            continue
        try:
            row = next(csv.reader(text.splitlines(keepends=True), strict=True), [])
        except csv.Error:
            row = []
        if len(row) <= max(columns):
            yield first
            continue
        stamp = row[columns[1]]
        value = int(stamp) if stamp.isdecimal() and len(stamp) < _MOST_DIGITS else stamp.replace(" ", "T", 1)
        records.append(list(record_lines({"message": row[columns[0]], "time": value}, first)))
    yield from chain.from_iterable(oldest_first(records))


_MOST_DIGITS = 20


def _rows(lines: Iterable[Line]) -> Iterator[tuple[Line, str]]:
    """Each row's first line and the text of all of its lines, by its quotes."""
    held: list[Line] = []
    quotes = length = 0
    for line in lines:
        held.append(line)
        quotes, length = quotes + line.text.count('"'), length + len(line.text) + 64
        if quotes % 2 == 0 or length > LONGEST:
            yield held[0], "\n".join(each.text for each in held)
            held, quotes, length = [], 0, 0
    if held:
        yield held[0], "\n".join(each.text for each in held)
