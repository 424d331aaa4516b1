"""Logs whose every line, or every block of lines, is a record with the server's own line in one of its fields.

JSON objects a line (docker's json-file, journald, Cloud SQL, Azure, CloudWatch, CloudNativePG), arrays of them as
``gcloud logging read`` prints, and journald's export format (https://systemd.io/JOURNAL_EXPORT_FORMATS/).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from triage_kit.parse.csvlog import COLUMN_NAMES
from triage_kit.parse.lines import LONGEST, Gluer, Line

TEXTS = ("log", "MESSAGE", "textPayload", "event_message", "message", "msg", "line")
STAMPS = ("time", "timestamp", "__REALTIME_TIMESTAMP", "ts", "@timestamp")
# A journal has the pieces of a container's long line as entries of their own.
_EXPORTED = frozenset(("MESSAGE", "__REALTIME_TIMESTAMP", "_PID", "CONTAINER_ID", "CONTAINER_PARTIAL_MESSAGE"))
# Columns that the server writes without quotes.
_BARE = frozenset(
    [
        "log_time",
        "process_id",
        "session_id",
        "session_line_num",
        "session_start_time",
        "transaction_id",
        "error_severity",
        "sql_state_code",
        "internal_query_pos",
        "query_pos",
        "leader_pid",
        "query_id",
    ]
)


def is_record(row: object) -> bool:
    """Whether a JSON value is a record around a line of the log, and not itself an entry of a jsonlog."""
    return isinstance(row, dict) and "error_severity" not in row and _message(row) is not None


def json_records(lines: Iterable[Line]) -> Iterator[Line]:
    """The server's lines out of JSON objects; pieces of a long line, which docker cuts at 16 kB, are one again."""
    pieces = Gluer()
    for line in lines:
        if line.more:
            yield line
            continue
        row = _loaded(line.text.removeprefix("\x1e"))
        message = _message(row) if isinstance(row, dict) else None
        if row is None or message is None:
            yield from pieces.between(line)
            continue
        stream = str(row.get("stream") or row.get("CONTAINER_ID", ""))
        piece = Line(line.number, line.offset, message, _at(row), _pid(row))
        whole = message.endswith("\n") if "log" in row else str(row.get("CONTAINER_PARTIAL_MESSAGE", "")) != "true"
        for each in pieces.add(stream, piece, whole):
            yield from _split(each, cut=not whole)
    for each in pieces.rest():
        yield from _split(each)


def json_array(lines: Iterable[Line]) -> Iterator[Line]:
    """The server's lines out of an array of records over several lines; the newest first becomes the oldest first."""
    found: list[tuple[str, list[Line]]] = []
    block: list[str] = []
    pieces: list[str] = []
    first: Line | None = None
    for line in lines:
        bare = line.text.rstrip(",] ")
        if not block and bare.lstrip(" [\t") == "{":
            block, first, end = ["{"], line, bare.lstrip("[").replace("{", "}")
        elif block == ["{"] and _NESTED.match(line.text):  # of an object around the array
            block = []
        elif block and first is not None and bare == end:
            row = _loaded("\n".join([*block, "}"]))
            if isinstance(row, dict) and (message := _message(row)) is not None:
                at, message = _at(row), "".join([*pieces, message])
                if str(row.get("CONTAINER_PARTIAL_MESSAGE", "")) == "true" and len(message) < LONGEST:
                    pieces = [message]
                else:
                    found.append((at or "", list(_split(Line(first.number, first.offset, message, at, _pid(row))))))
                    pieces = []
            block = []
        elif block:
            block.append(line.text)
    # The order within one instant is the server's own, which a download in reverse order turns around.
    if len(found) > 1 and found[0][0] > found[-1][0]:
        found.reverse()
    for _, parts in sorted(found, key=lambda each: each[0]):
        yield from parts


_NESTED = re.compile(r'\s*"\w+"\s*:\s*\[\s*\Z')


def record_lines(row: Any, line: Line) -> Iterator[Line]:
    """The server's lines in one record that stands on a line."""
    message = _message(row) if isinstance(row, dict) else None
    if message is not None:
        yield from _split(Line(line.number, line.offset, message, _at(row), _pid(row)))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _message(row: dict[str, Any]) -> str | None:
    for key in TEXTS:
        value = row.get(key)
        if key == "msg" and isinstance(row.get("record"), dict):
            return _csv_line(row["record"])
        if isinstance(value, str):
            return value
        if key == "MESSAGE" and isinstance(value, list):  # journald: bytes that are no UTF-8
            return bytes(each for each in value if isinstance(each, int)).decode("utf-8", "surrogateescape")
    inner = row.get("properties")
    return inner["message"] if isinstance(inner, dict) and isinstance(inner.get("message"), str) else None


def _csv_line(record: dict[str, Any]) -> str | None:
    """A record of CloudNativePG, whose keys are the columns of a csvlog, as the csvlog's line."""
    if "error_severity" not in record:
        return None
    values = [(name, str(record.get(name) or "")) for name in COLUMN_NAMES]
    return ",".join(
        value if name in _BARE or not value else '"' + value.replace('"', '""') + '"' for name, value in values
    )


def _at(row: dict[str, Any]) -> str | None:
    for key in STAMPS:
        value = row.get(key)
        if key == "__REALTIME_TIMESTAMP" and value is not None:
            return microseconds(str(value))
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and value > 0:
            return _since_1970(value)
    return None


def _since_1970(value: float) -> str | None:
    """A clock that counts seconds, milliseconds, microseconds or nanoseconds, told apart by how many there are."""
    for limit, factor in ((1e11, 1e6), (1e14, 1e3), (1e17, 1), (1e20, 1e-3)):
        if value < limit:
            return microseconds(str(int(value * factor)))
    return None


def microseconds(value: str) -> str | None:
    """ISO 8601 of journald's clock, which counts microseconds since 1970.

    >>> microseconds("1759868858343123")
    '2025-10-07T20:27:38.343123+00:00'
    """
    try:
        whole, rest = divmod(int(value), 1_000_000)
        return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        return None


def _pid(row: dict[str, Any]) -> int | None:
    value = row.get("_PID")
    return int(value) if isinstance(value, str) and value.isdigit() and len(value) < 12 else None


def _split(line: Line, cut: bool = False) -> Iterator[Line]:
    """The lines of a text; of one that is cut, more of the last comes."""
    *parts, last = line.text.removesuffix("\n").replace("\0", "").split("\n")
    parts = [*(each.removesuffix("\r") for each in parts), last if cut else last.removesuffix("\r")]
    for at, part in enumerate(parts):
        yield line._replace(text=part, more=line.more and not at)


def journal_export(source: Iterable[bytes]) -> Iterator[Line]:
    """The server's lines out of ``journalctl -o export``: a field a line, an empty line between entries."""
    entry: dict[str, str] = {}
    first: Line | None = None
    pieces = Gluer()
    stream = _placed(source)
    for place, raw in stream:
        body = raw.rstrip(b"\r\n")
        if not body:
            yield from _exported(entry, first, pieces)
            entry, first = {}, None
            continue
        first = first or place
        name, equals, value = body.decode("utf-8", "surrogateescape").partition("=")
        if not equals and name.isidentifier():
            value = _binary(stream)
        if name in _EXPORTED:
            entry[name] = value
        elif not equals and not name.isidentifier():
            yield place._replace(text=name.replace("\0", ""))
    yield from _exported(entry, first, pieces)
    for each in pieces.rest():
        yield from _split(each)


def _placed(source: Iterable[bytes]) -> Iterator[tuple[Line, bytes]]:
    offset = 0
    for number, raw in enumerate(source, 1):
        yield Line(number, offset, ""), raw
        offset += len(raw)


def _binary(stream: Iterator[tuple[Line, bytes]]) -> str:
    """A field with bytes that no line may hold: eight bytes of its length, then itself, then a newline."""
    held = bytearray()
    wanted = 8
    for _, raw in stream:
        held += raw
        if len(held) >= 8:
            wanted = 8 + min(int.from_bytes(held[:8], "little"), LONGEST)
        if len(held) > wanted:
            break
    return held[8:wanted].decode("utf-8", "surrogateescape")


def _exported(entry: dict[str, str], first: Line | None, pieces: Gluer) -> Iterator[Line]:
    if first is None or "MESSAGE" not in entry:
        return
    at = microseconds(entry.get("__REALTIME_TIMESTAMP", ""))
    piece = Line(first.number, first.offset, entry["MESSAGE"], at, _pid(dict(entry)))
    whole = entry.get("CONTAINER_PARTIAL_MESSAGE") != "true"
    for each in pieces.add(entry.get("CONTAINER_ID", ""), piece, whole):
        yield from _split(each, cut=not whole)
