"""Server logs: finds the files that the case names, parses them, and keeps what an investigation may need.

Every line is read and counted. Kept are all entries of a kind or severity that means something and every statement
that could remove anything; of ordinary traffic a bounded number, and how much was left out stands in log_sources.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import DOCKER, Case, resolve
from triage_kit.collect.log_files import LogFile, opened
from triage_kit.errors import PrefixMismatch, SourceError
from triage_kit.parse import Clock, Entry, Outcomes, Unparsed, check_prefix, detect_format, infer_prefix, parse
from triage_kit.redact import redact
from triage_kit.sql import suspicious

MOST_OTHER = 20_000  # entries of no known kind kept of one file
MOST_ORDINARY = 200_000  # statements, durations and connections that remove nothing, kept of one file
MOST_FILES = 1_000
MOST_UNPARSED = 200  # lines shown of one file
_HEAD = 256 << 10
_LINE_LIMIT = 500
_TEXT_LIMIT = 1 << 20
KEEP_AFTER = 1.0  # seconds: thousands of small files are not written one by one
_COSTS = "statements, errors, sessions, checkpoints and autovacuum runs that only this log tells"
_SERIOUS = frozenset(("NOTICE", "WARNING", "ERROR", "FATAL", "PANIC"))
_ORDINARY = frozenset(("statement", "duration", "connection", "disconnection"))
_REDACTED = ("message", "detail", "hint", "context", "statement", "application")
_FIELDS = tuple(field.name for field in fields(Entry))

Notify = Callable[..., None]


@dataclass
class Read:
    """What one file gave: rows of the three log tables, and why it ended early, if it did."""

    source: dict[str, Any]
    events: list[dict[str, Any]]
    unparsed: list[dict[str, Any]]
    complaint: str = ""


def read_logs(
    case: Case, draft: Draft, settings: dict[str, str] | None = None, notify: Notify | None = None
) -> list[tuple[str, str]]:
    """Read every log that the case names into log_sources, log_events and log_unparsed.

    settings are the server's, name to value, as far as known: log_line_prefix, log_timezone and log_statement are
    used. Returns the named sources that could not be read or held nothing usable, with the reason; each is a row of
    questions too. A source that an interrupted run has read is not read again.
    """
    return _Logs(case, draft, settings or {}, notify or _silent).read()


def _silent(event: str, **facts: Any) -> None:
    """Tell nobody."""


class _Logs:
    def __init__(self, case: Case, draft: Draft, settings: dict[str, str], notify: Notify) -> None:
        self.case, self.draft, self.settings, self.notify = case, draft, settings, notify
        self.unread: list[tuple[str, str]] = []
        self.done = 0
        self.frames: dict[str, list[pd.DataFrame]] = {}
        self.waiting: list[tuple[str, LogFile, Read, float]] = []
        self.kept_at = time.monotonic()

    def read(self) -> list[tuple[str, str]]:
        found = {pattern: self._files(pattern) for pattern in self.case.logs if not pattern.startswith(DOCKER)}
        self.total = sum(max(1, len(found.get(pattern, ()))) for pattern in self.case.logs)
        found = self._bounded(found)
        self.frames = {name: [self.draft.written(name)] for name in ("log_sources", "log_events", "log_unparsed")}
        seen: set[Path] = set()
        for pattern in self.case.logs:
            if pattern.startswith(DOCKER):
                self._refuse(pattern, "not_built", "logs of a container engine are not read yet: save them to a file "
                             f"with `docker logs {pattern.removeprefix(DOCKER)}` and name that")  # fmt: skip
            elif not found[pattern]:
                self._refuse(pattern, "unavailable", "no file matches")
            else:
                files = [path for path in found[pattern] if path.resolve() not in seen]
                seen |= {path.resolve() for path in files}
                self._pattern(files)
        return self.unread

    def _bounded(self, found: dict[str, list[Path]]) -> dict[str, list[Path]]:
        """At most so many files, the last written first: each costs milliseconds, and the loss is of late."""
        every = {path for files in found.values() for path in files}
        if len(every) <= MOST_FILES:
            return found
        kept = set(sorted(every, key=lambda path: (_written_at(path), str(path)), reverse=True)[:MOST_FILES])
        for pattern, files in found.items():
            if left_out := len([path for path in files if path not in kept]):
                reason = (f"{left_out} of the {len(files)} files that match are not read: a case reads the "
                          f"{MOST_FILES} that were written last; name the others in a case of their own")  # fmt: skip
                self.done -= 1
                self._refuse(f"{pattern} (rest)", "skipped", reason)
        return {pattern: [path for path in files if path in kept] or files[:1] for pattern, files in found.items()}

    def _files(self, pattern: str) -> list[Path]:
        files = resolve(self.case, pattern)
        return files if len(files) == 1 else [path for path in files if not path.is_dir()]

    def _pattern(self, files: list[Path]) -> None:
        empty, usable = [], 0
        for path in files:
            name = shown(path, self.case.folder)
            source = f"log:{name}"
            if self.draft.has(source):
                self.done, usable = self.done + 1, usable + 1
                continue
            began = time.monotonic()
            try:
                file = opened(path)
                if not file.size:
                    empty.append((name, file))
                    continue
                read = self._file(file, name)
            except (SourceError, OSError) as error:
                self._refuse(name, "failed", redact(_reason(error)))
                continue
            usable += 1
            self.waiting.append((name, file, read, (time.monotonic() - began) * 1000))
            if time.monotonic() - self.kept_at > KEEP_AFTER:
                self._keep()
        self._keep()
        for name, _ in empty:
            # A rotated log may well have an empty file; a case whose only log is empty has none.
            if usable:
                self._answer(f"log:{name}", 0, reason="the file is empty")
            else:
                self._refuse(name, "failed", "the file is empty")

    def _file(self, file: LogFile, name: str) -> Read:
        seen = file.sha256()
        head = file.head(_HEAD)
        if file.complaint and not head:
            raise SourceError(file.complaint)
        format = detect_format(head)
        if format == "docker":
            raise SourceError("a container engine's json-file is not read yet: save `docker logs NAME` to a file")
        prefix, origin = self._prefix(head) if format == "stderr" else (None, None)
        clock = Clock(self._timezone())
        read = _collect(file, name, format, prefix, clock, self._logs_everything())
        if not read.source["entries"]:
            raise SourceError(file.bomb) if file.bomb else _nothing(read, prefix)
        read.source |= {"prefix": prefix, "prefix_from": origin, "zones_unresolved": clock.unresolved}
        read.source |= {"bytes": file.size, "sha256": seen}
        return read

    def _prefix(self, head: bytes) -> tuple[str, str]:
        sample = head.replace(b"\0", b"").decode("utf-8", "surrogateescape").splitlines()
        if self.case.log_line_prefix != "auto":
            check_prefix(self.case.log_line_prefix, sample)
            return self.case.log_line_prefix, "case"
        if (asked := self.settings.get("log_line_prefix")) is not None:
            try:
                check_prefix(asked, sample)
            except PrefixMismatch:  # the log of another server, or of another time
                return infer_prefix(sample), "inferred"
            return asked, "server"
        return infer_prefix(sample), "inferred"

    def _timezone(self) -> str:
        if "log_timezone" in self.case.model_fields_set:
            return self.case.log_timezone
        return self.settings.get("log_timezone") or self.case.log_timezone

    def _logs_everything(self) -> bool:
        return self.settings.get("log_statement") == "all" or self.settings.get("log_min_duration_statement") in (
            "0",
            "0ms",
        )

    def _keep(self) -> None:
        """Write what was read since the last time; rows and answers count at once, or a kill would double them."""
        if not self.waiting:
            return
        with self.draft.together():
            for name, file, read, ms in self.waiting:
                self._keep_one(name, file, read, ms)
            for table, frames in self.frames.items():
                filled = [frame for frame in frames if len(frame)]
                if len(filled) > 1 or len(frames) > 1:
                    whole = pd.concat(filled, ignore_index=True) if filled else schemas.empty(table)
                    self.frames[table] = [whole]
                    self.draft.write(table, whole)
        self.waiting, self.kept_at = [], time.monotonic()

    def _keep_one(self, name: str, file: LogFile, read: Read, ms: float) -> None:
        rows_of = {"log_sources": [read.source], "log_events": read.events, "log_unparsed": read.unparsed}
        for table, rows in rows_of.items():
            if rows:
                self.frames[table].append(schemas.frame(table, rows))
        not_kept = self.draft.keep_raw(name, file.pieces())
        remarks = [read.complaint, f"raw copy: {not_kept}" if not_kept else "", file.changed(read.source["sha256"])]
        reason = "; ".join(filter(None, remarks)) or None
        self._answer(f"log:{name}", len(read.events), reason=reason, variant=read.source["format"], ms=ms)
        if file.bomb:
            self._refuse(f"{name} (rest)", "skipped", file.bomb)

    def _answer(self, source: str, rows: int, **facts: Any) -> None:
        self.done += 1
        self.draft.answer(source=source, status="answered", rows=rows, named=True, **facts)
        self._tell(source, "answered", rows, facts.get("reason"))

    def _refuse(self, name: str, status: str, reason: str) -> None:
        source = f"log:{name}"
        self.done += 1
        self.unread.append((source, reason))
        self.draft.answer(source=source, status=status, reason=reason, costs=_COSTS, named=True)
        self._tell(source, status, None, reason)

    def _tell(self, source: str, status: str, rows: int | None, reason: str | None) -> None:
        facts = {"source": source, "status": status, "rows": rows, "reason": reason}
        self.notify("question", **facts, done=self.done, total=self.total)


def _written_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _reason(error: Exception) -> str:
    # OSError's own text holds the path on this machine.
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _nothing(read: Read, prefix: str | None) -> SourceError:
    if not read.unparsed:
        return SourceError(read.complaint or "the file holds no line")
    line = read.unparsed[0]["text"]
    if prefix is None:
        return SourceError(f"no line is an entry of the format {read.source['format']}: got {line[:200]!r}")
    return PrefixMismatch(
        f"log_line_prefix {prefix!r} fits no line, as {line[:200]!r}: set log_line_prefix in case.yaml"
    )


def shown(path: Path, folder: Path) -> str:
    """The file's name for people: relative to the case folder, with ``..`` where it lies beside it, else its own name.

    >>> shown(Path("/cases/a/log/x.log"), Path("/cases/a")), shown(Path("/var/log/x.log"), Path("/cases/a"))
    ('log/x.log', 'x.log')
    """
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        pass
    try:
        return f"../{path.resolve().relative_to(folder.resolve().parent).as_posix()}"
    except ValueError:
        return path.name


def _collect(file: LogFile, name: str, format: str, prefix: str | None, clock: Clock, logs_everything: bool) -> Read:
    """Parse the whole file; entries become rows at the end, since an outcome is told by later ones."""
    source: dict[str, Any] = {"file": name, "format": format, "lines": 0, "entries": 0, "unparsed": 0, "left_out": 0}
    kept, unparsed = [], []
    counts = {"other": MOST_OTHER, "ordinary": MOST_ORDINARY}
    parsed = parse(_counted(file.lines(), source), format, prefix or "", clock)
    for entry in Outcomes(logs_everything).follow(parsed):
        if isinstance(entry, Unparsed):
            source["unparsed"] += 1
            if len(unparsed) < MOST_UNPARSED:
                unparsed.append({"file": name, "line": entry.line, "text": redact(entry.text)[:_LINE_LIMIT]})
            continue
        source["entries"] += 1
        if entry.at is not None:
            source["first_at"] = min(source.get("first_at") or entry.at, entry.at)
            source["last_at"] = max(source.get("last_at") or entry.at, entry.at)
        if _wanted(entry, counts):
            kept.append(entry)
        else:
            source["left_out"] += 1
    return Read(source, [_row(entry, name) for entry in kept], unparsed, file.complaint)


def _counted(lines: Iterator[bytes], source: dict[str, Any]) -> Iterator[bytes]:
    for line in lines:
        source["lines"] += 1
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
    row = {field: getattr(entry, field) for field in _FIELDS}
    for field in _REDACTED:
        if row[field]:
            row[field] = redact(row[field])[:_TEXT_LIMIT]
    return row | {"file": name}
