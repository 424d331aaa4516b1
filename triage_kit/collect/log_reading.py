"""The logs of one pattern, one after the other: rotated files are one log, and what two of them hold is one event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain
from typing import Any

from triage_kit.collect.log_files import LogFile
from triage_kit.parse import Clock, Entry, Outcomes, Unparsed, parse
from triage_kit.parse.lines import Line, Piece
from triage_kit.parse.scan import Source, scan
from triage_kit.parse.scan.ranges import last_instant
from triage_kit.parse.scan.wrapped import STRIPPED, Stripped
from triage_kit.parse.wrappers import Unwrapper
from triage_kit.redact import redact
from triage_kit.sql import suspicious

HEAD = 256 << 10  # bytes by which a log's wrapper, format and prefix are told
SCAN_FROM = 32 << 20  # files of this size and more are scanned; smaller ones keep ordinary traffic too
_SHRINKS = 8  # how many times smaller a log is packed, at least
MOST_OTHER = 20_000  # entries of no known kind kept of one file
MOST_ORDINARY = 200_000  # statements, durations and connections that remove nothing, kept of one file
MOST_UNPARSED = 200  # lines shown of one file
_SKEW = timedelta(seconds=2)  # a process may write its line behind later ones of others
_LINE_LIMIT = 500
_TEXT_LIMIT = 1 << 20
_SERIOUS = frozenset(("NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"))
_ORDINARY = frozenset(("statement", "duration", "connection", "disconnection"))
_REDACTED = ("message", "detail", "hint", "context", "statement", "application", "parameters")
_FIELDS = tuple(each.name for each in fields(Entry))


@dataclass
class Log:
    """One file and how it is read."""

    file: LogFile
    sha256: str  # of its bytes before they were read
    name: str
    format: str
    prefix: str | None
    origin: str | None
    layers: tuple[str, ...]
    clock: Clock
    first_at: datetime | None = None

    @property
    def scanned(self) -> bool:
        large = self.file.size * (_SHRINKS if self.file.packing else 1) >= SCAN_FROM
        return large and (not self.layers or self.stripped is not None)

    @cached_property
    def stripped(self) -> Stripped | None:
        """The log without its one wrapper, where that tells nothing that the server's lines do not."""
        timed = self.format != "stderr" or any(letter in (self.prefix or "") for letter in ("%m", "%t", "%n"))
        if len(self.layers) != 1 or self.layers[0] not in STRIPPED or not timed:
            return None
        if self.layers[0] == "json" and not self.file.head(100).startswith(b'{"log":"'):
            return None
        return Stripped(self.layers[0], self.file.unpacked)


@dataclass
class Read:
    """What one file gave: entries, whose outcome later files may still tell, and why it ended early, if it did."""

    source: dict[str, Any]
    kept: list[Entry] = field(default_factory=list)
    unparsed: list[dict[str, Any]] = field(default_factory=list)
    complaint: str = ""

    def events(self) -> list[dict[str, Any]]:
        """Rows of log_events; asked for when every file was read."""
        return [_row(entry, self.source["file"]) for entry in self.kept]


def first_instant(log: Log, head: bytes, inner: bytes) -> datetime | None:
    """The time of the first entry that has one; head is the file's beginning, inner what the server wrote of it."""
    clock = Clock(str(log.clock.zone) if log.clock.zone is not UTC else "UTC")
    lines: Iterable[bytes | Line] = inner.splitlines(keepends=True)
    if log.layers:
        lines = Unwrapper(log.layers, head, clock, _written(log)).lines(head.splitlines(keepends=True))
    for entry in parse(lines, log.format, log.prefix or "", clock):
        if isinstance(entry, Entry) and entry.at is not None:
            return entry.at
    return None


def _written(log: Log) -> datetime:
    return datetime.fromtimestamp(log.file.path.stat().st_mtime, UTC)


class Chain:
    """Reads files that continue each other; one that goes its own way, as another server's, is followed on its own."""

    def __init__(self, logs_everything: bool = False) -> None:
        self.logs_everything = logs_everything
        self.outcomes = Outcomes(logs_everything)
        self.last_at: datetime | None = None
        self.seen: set[int] = set()

    def read(self, log: Log, next_at: datetime | None, progress: Callable[[int], None]) -> Read:
        """Read one file; next_at is when the earliest of the files behind it begins."""
        read = Read({"file": log.name, "format": log.format, "lines": 0, "entries": 0, "unparsed": 0, "left_out": 0})
        read.source |= {"wrapper": " ".join(log.layers) or None, "unknown": 0, "repeated": 0, "foreign": 0}
        counts = {"other": MOST_OTHER, "ordinary": MOST_ORDINARY}
        overlap = self.last_at is not None and log.first_at is not None and log.first_at < self.last_at
        before = self.last_at if overlap else None
        for entry in self._followed(self._entries(log, read, progress), before, next_at, read):
            if _wanted(entry, counts):
                read.kept.append(entry)
            else:
                read.source["left_out"] += 1
        read.complaint = log.file.complaint
        read.source |= {"prefix": log.prefix, "prefix_from": log.origin, "bytes": log.file.size}
        read.source["sha256"] = log.sha256
        read.source["zones_unresolved"] = read.source.get("zones_unresolved", 0) + log.clock.unresolved
        if last := read.source.get("last_at"):
            self.last_at = max(self.last_at or last, last)
        return read

    def finish(self) -> None:
        """No file comes any more."""
        self.outcomes.finish()

    def _entries(self, log: Log, read: Read, progress: Callable[[int], None]) -> Iterator[Entry]:
        found = self._scanned(log, read, progress) if log.scanned else None
        for entry in _parsed(log, read) if found is None else found:
            if isinstance(entry, Unparsed):
                if found is None:
                    read.source["unparsed"] += 1
                if len(read.unparsed) < MOST_UNPARSED:
                    text = redact(entry.text)[:_LINE_LIMIT]
                    read.unparsed.append({"file": log.name, "line": entry.line, "text": text})
                continue
            read.source["unknown"] += entry.kind == "other" and entry.subject is None
            if entry.at is not None:
                read.source["first_at"] = min(read.source.get("first_at") or entry.at, entry.at)
                read.source["last_at"] = max(read.source.get("last_at") or entry.at, entry.at)
            yield entry

    def _scanned(self, log: Log, read: Read, progress: Callable[[int], None]) -> list[Entry | Unparsed]:
        """What the scan finds."""
        zone = str(log.clock.zone) if log.clock.zone is not UTC else "UTC"
        packed = log.file.unpacked if log.file.packing else None
        packed = log.stripped.unpacked if log.stripped else packed
        source = Source(log.file.path, log.format, log.prefix or "", zone, log.file.size, packed)
        found = scan(source, logs_everything=self.logs_everything, progress=_consumed(log, progress))
        last_at = last_instant(source, found.tail)
        self.outcomes.open_books |= found.books
        if log.stripped:
            log.stripped.place(found.found)
            found.lines = log.stripped.lines
        read.source |= {"lines": found.lines, "entries": found.entries, "unparsed": found.unparsed}
        read.source |= {"first_at": log.first_at, "last_at": last_at}
        read.source["zones_unresolved"] = found.zones_unresolved
        read.source["left_out"] = found.entries - sum(isinstance(each, Entry) for each in found.found)
        return found.found

    def _followed(
        self, entries: Iterator[Entry], before: datetime | None, next_at: datetime | None, read: Read
    ) -> Iterator[Entry]:
        times: Counter[int] = Counter()
        first = next(entries, None)
        if before is not None and first is not None and _key(first, 0) not in self.seen:
            if first.at is None or before - first.at > _SKEW:
                self.outcomes.finish()  # another server, whose processes may have the same numbers
                self.outcomes = Outcomes(self.logs_everything)
            else:  # the file goes on where the one before it ended, and holds nothing of it
                before = None
        for entry in chain([first] if first is not None else [], entries):
            remembered = next_at is not None and entry.at is not None and entry.at >= next_at
            doubtful = before is not None and entry.at is not None and entry.at <= before
            if remembered or doubtful:
                bare = _key(entry, 0)
                key = _key(entry, times[bare])
                times[bare] += 1
                if doubtful and key in self.seen:
                    read.source["repeated"] += 1
                    continue
                self.seen.add(key)
            self.outcomes.see(entry)
            yield entry


def _key(entry: Entry, time: int) -> int:
    return hash(
        (entry.at, entry.pid, entry.session, entry.severity, entry.message, entry.detail, entry.statement, time)
    )


def _parsed(log: Log, read: Read) -> Iterator[Entry | Unparsed]:
    raw = _counted(log.file.lines() if log.layers else log.file.pieced(), read.source)
    unwrapper = Unwrapper(log.layers, log.file.head(HEAD) if log.layers else b"", log.clock, _written(log))
    lines: Iterable[bytes | Line] = unwrapper.lines(raw) if log.layers else raw
    for each in parse(lines, log.format, log.prefix or "", log.clock):
        read.source["entries"] += isinstance(each, Entry)
        yield each
    read.source["foreign"] = unwrapper.foreign


def _consumed(log: Log, progress: Callable[[int], None]) -> Callable[[int], None]:
    """Progress by the bytes on the disk, whatever they unpack to."""
    if not log.file.packing and not log.stripped:
        return progress
    told = 0

    def tell(unpacked: int) -> None:
        nonlocal told
        done = log.stripped.consumed if log.stripped and not log.file.packing else log.file.consumed
        progress(max(0, done - told))
        told = max(told, done)

    return tell


def _counted(lines: Iterator[bytes], source: dict[str, Any]) -> Iterator[bytes]:
    for line in lines:
        source["lines"] += not isinstance(line, Piece)
        yield line


def _wanted(entry: Entry, counts: dict[str, int]) -> bool:
    if entry.severity in _SERIOUS:
        return True
    group = "ordinary" if entry.kind in _ORDINARY else "other" if entry.kind == "other" else ""
    if not group or suspicious(entry.statement or entry.message):
        return True
    counts[group] -= 1
    return counts[group] >= 0


def _row(entry: Entry, name: str) -> dict[str, Any]:
    row = {each: getattr(entry, each) for each in _FIELDS}
    for each in _REDACTED:
        if row[each]:
            row[each] = redact(row[each])[:_TEXT_LIMIT]
    return row | {"file": name}
