"""Server logs: finds the files that the case names, parses them, and keeps what an investigation may need.

Every line is read and counted. Kept are all entries of a kind or severity that means something and every statement
that could remove anything; of ordinary traffic a bounded number, and how much was left out stands in log_sources.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import DOCKER, Case, resolve
from triage_kit.collect.containers_log import container_log
from triage_kit.collect.log_files import LogFile, opened
from triage_kit.collect.log_reading import HEAD, Chain, Log, Read, first_instant
from triage_kit.collect.named_files import NO_FILE
from triage_kit.errors import PrefixMismatch, SourceError
from triage_kit.parse import Clock, check_prefix, detect_format, infer_prefix
from triage_kit.parse.wrappers import unwrapped_head, wrapping
from triage_kit.redact import redact

MOST_FILES = 1_000
KEEP_AFTER = 1.0  # seconds: thousands of small files are not written one by one
_COSTS = "statements, errors, sessions, checkpoints and autovacuum runs that only this log tells"
Notify = Callable[..., None]


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
        self.waiting: list[tuple[Log, Read, float]] = []
        self.kept_at = time.monotonic()

    def read(self) -> list[tuple[str, str]]:
        found = {pattern: self._files(pattern) for pattern in self.case.logs if not pattern.startswith(DOCKER)}
        self.total = sum(max(1, len(found.get(pattern, ()))) for pattern in self.case.logs)
        found = self._bounded(found)
        self.frames = {name: [self.draft.written(name)] for name in ("log_sources", "log_events", "log_unparsed")}
        seen: set[Path] = set()
        for pattern in self.case.logs:
            if pattern.startswith(DOCKER):
                self._container(pattern)
            elif not found[pattern]:
                self._refuse(pattern, "unavailable", NO_FILE)
            else:
                files = [path for path in found[pattern] if path.resolve() not in seen]
                seen |= {path.resolve() for path in files}
                self._pattern([(path, shown(path, self.case.folder)) for path in files])
        self._keep()
        return self.unread

    def _container(self, pattern: str) -> None:
        if self.draft.has(f"log:{pattern}"):
            self.done += 1
            return
        try:
            with container_log(pattern.removeprefix(DOCKER)) as path:
                self._pattern([(path, pattern)])
                self._keep()  # the file is gone when the context ends
        except (SourceError, OSError) as error:
            self._refuse(pattern, "unavailable", redact(_reason(error)))

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

    def _pattern(self, files: list[tuple[Path, str]]) -> None:
        """Files of one pattern are read in the order of their time: what one begins, the next may end."""
        logs, empty, usable = [], [], 0
        for path, name in files:
            if self.draft.has(f"log:{name}"):
                self.done, usable = self.done + 1, usable + 1
                continue
            with self._refusing(name):
                file = opened(path)
                if file.size:
                    logs.append(self._prepared(file, name))
                else:
                    empty.append(name)
        usable += self._read_in_order(sorted(logs, key=lambda log: (log.first_at is None, log.first_at, log.name)))
        for name in empty:
            # A rotated log may well have an empty file; a case whose only log is empty has none.
            if usable:
                self._answer(f"log:{name}", 0, reason="the file is empty")
            else:
                self._refuse(name, "failed", "the file is empty")

    def _read_in_order(self, logs: list[Log]) -> int:
        chain = Chain(self._logs_everything())
        done: list[tuple[Log, Read, float]] = []
        for at, log in enumerate(logs):
            began = time.monotonic()
            with self._refusing(log.name):
                later = [each.first_at for each in logs[at + 1 :] if each.first_at is not None]
                read = chain.read(log, min(later, default=None), self._progress(log))
                if not read.source["entries"]:
                    raise SourceError(log.file.bomb) if log.file.bomb else _nothing(read, log.prefix)
                done.append((log, read, time.monotonic() - began))
        chain.finish()
        # None of them before all: what a kill left out would be read again without what the others told of it.
        self.waiting += done
        if time.monotonic() - self.kept_at > KEEP_AFTER:
            self._keep()
        return len(done)

    @contextlib.contextmanager
    def _refusing(self, name: str) -> Any:
        try:
            yield
        except (SourceError, OSError) as error:
            self._refuse(name, "failed", redact(_reason(error)))

    def _progress(self, log: Log) -> Callable[[int], None]:
        done = 0

        def tell(size: int) -> None:
            nonlocal done
            done += size
            self.notify("bytes", source=f"log:{log.name}", done=done, total=log.file.size)

        return tell

    def _prepared(self, file: LogFile, name: str) -> Log:
        seen = file.sha256()
        head = file.head(HEAD)
        if file.complaint and not head:
            raise SourceError(file.complaint)
        clock, layers = Clock(self._timezone()), wrapping(head, self._known_prefix())
        inner = unwrapped_head(layers, head, clock) if layers else head
        format = detect_format(inner)
        prefix, origin = self._prefix(inner) if format == "stderr" else (None, None)
        log = Log(file, seen, name, format, prefix, origin, layers, Clock(self._timezone()))
        log.first_at = first_instant(log, head, inner)
        return log

    def _known_prefix(self) -> str | None:
        told = self.case.log_line_prefix
        return self.settings.get("log_line_prefix") if told == "auto" else told

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
            for log, read, seconds in self.waiting:
                self._keep_one(log, read, seconds * 1000)
            for table, frames in self.frames.items():
                filled = [frame for frame in frames if len(frame)]
                if len(filled) > 1 or len(frames) > 1:
                    whole = pd.concat(filled, ignore_index=True) if filled else schemas.empty(table)
                    self.frames[table] = [whole]
                    self.draft.write(table, whole)
        self.waiting, self.kept_at = [], time.monotonic()

    def _keep_one(self, log: Log, read: Read, ms: float) -> None:
        events = read.events()
        for table, rows in {"log_sources": [read.source], "log_events": events, "log_unparsed": read.unparsed}.items():
            if rows:
                self.frames[table].append(schemas.frame(table, rows))
        not_kept = self.draft.keep_raw(log.name, log.file.pieces())
        remarks = [
            read.complaint,
            _undated(read),
            f"raw copy: {not_kept}" if not_kept else "",
            log.file.changed(log.sha256),
        ]
        reason = "; ".join(filter(None, remarks)) or None
        self._answer(f"log:{log.name}", len(events), reason=reason, variant=read.source["format"], ms=ms)
        if log.file.bomb:
            self._refuse(f"{log.name} (rest)", "skipped", log.file.bomb)

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


def _undated(read: Read) -> str:
    """Why most entries of a log have no time, where that is so."""
    without = sum(entry.at is None for entry in read.kept)
    if 2 * without <= len(read.kept):
        return ""
    return (f"{without} of {len(read.kept)} entries have no time: log_line_prefix {read.source['prefix']!r} tells none "
            "but, with %s, that of the session's beginning")  # fmt: skip


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
