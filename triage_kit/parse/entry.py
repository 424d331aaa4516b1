"""What log parsers give out: an entry of the log, or a line that is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class Entry:
    """One message with what belongs to it; the fields are the columns of log_events without the file.

    line counts from 1 and offset from byte 0 of what was read; at is aware UTC; xid is missing when the server wrote 0.
    """

    line: int
    offset: int
    at: datetime | None = None
    severity: str | None = None
    sqlstate: str | None = None
    pid: int | None = None
    session: str | None = None
    role: str | None = None
    database: str | None = None
    application: str | None = None
    client: str | None = None
    xid: int | None = None
    message: str = ""
    detail: str | None = None
    hint: str | None = None
    context: str | None = None
    statement: str | None = None
    duration_ms: float | None = None
    kind: str = "other"
    outcome: str | None = None
    relation: str | None = None
    removed: int | None = None
    remain: int | None = None
    buffers: int | None = None
    sync_files: int | None = None
    subject: str | None = None
    parameters: str | None = None


@dataclass(slots=True)
class Unparsed:
    """A line that fits nothing: its place and its text."""

    line: int
    offset: int
    text: str
