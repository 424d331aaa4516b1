"""The application's checkout: migrations and other code with what each would do, and the commits around the incident.

Files are read, never imported or run; the walk is bounded, follows no link, and says what it left out.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import Case, resolve
from triage_kit.collect.blame import read_last_lines
from triage_kit.collect.code import hit_rows, scan, was_read
from triage_kit.collect.files import Contents, walk
from triage_kit.collect.git import NoHistory, read_commits, read_last_changes
from triage_kit.collect.workers import Workers
from triage_kit.errors import SourceError
from triage_kit.parse.checkout import read_migration_file
from triage_kit.parse.django import name_tables
from triage_kit.parse.hits import loses_of
from triage_kit.parse.migration import Migration
from triage_kit.parse.migrations import SUFFIXES
from triage_kit.redact import redact

_COSTS = {
    "migrations": "which migration could have done it, and its line",
    "commits": "which change of the code came before the loss, and whose",
    "code_hits": "which script, job or test could have done it, and its line",
    "last_changes": "who changed such a file last",
}

_NAMED = frozenset(("migrations", "commits"))

Notify = Callable[..., None]


def read_repository(case: Case, draft: Draft, notify: Notify | None = None) -> list[tuple[str, str]]:
    """Read migrations, commits, code_hits and last_changes of the repository that the case names.

    Returns the named sources that could not be read or held nothing, with the reason; each is a row of questions.
    """
    with Workers() as workers:
        reader = _Repository(case, draft, notify or (lambda event, **facts: None), workers)
        reader.read("migrations", reader.migrations)
        reader.read("commits", reader.commits)
        reader.read("code_hits", reader.code_hits)
        reader.read("last_changes", reader.last_changes)
    return reader.unread


class _Repository:
    def __init__(self, case: Case, draft: Draft, notify: Notify, workers: Workers) -> None:
        self.case, self.draft, self.notify, self.workers = case, draft, notify, workers
        self.read_file = Contents()
        self.unread: list[tuple[str, str]] = []

    def read(self, source: str, ask: Callable[[Path], tuple[int, str]]) -> None:
        """Ask one question, and record its answer or the reason for none."""
        if self.draft.has(source):
            return
        named = self.case.repository is not None or (source == "migrations" and bool(self.case.migrations))
        try:
            rows, remark = ask(self._root(source)) if named else (0, "")
        except NoHistory as error:
            # The repository that the case names was read; only who changed what when is not to be had here.
            self._refuse(source, "unavailable", str(error), named=False)
            return
        except SourceError as error:
            self._refuse(source, "unavailable", redact(str(error)), named)
            return
        except OSError as error:
            self._refuse(source, "failed", error.strerror or type(error).__name__, named)
            return
        if not named:
            self._refuse(source, "skipped", "the case names no repository", named)
            return
        self.draft.answer(source=source, status="answered", rows=rows, reason=remark or None, named=True)
        self.notify("question", source=source, status="answered", rows=rows, reason=remark, done=0, total=0)

    def _refuse(self, source: str, status: str, reason: str, named: bool) -> None:
        named = named and source in _NAMED  # one repository that cannot be read is one complaint, not four
        if named:
            self.unread.append((source, reason))
        self.draft.answer(source=source, status=status, reason=reason, costs=_COSTS[source], named=named)
        self.notify("question", source=source, status=status, rows=None, reason=reason, done=0, total=0)

    def _root(self, source: str) -> Path:
        if self.case.repository is None:
            return self.case.folder
        found = [path for path in resolve(self.case, self.case.repository) if path.is_dir()]
        if not found:
            raise SourceError(f"there is no folder {self.case.repository}")
        return found[0]

    def migrations(self, root: Path) -> tuple[int, str]:
        """Write both migration tables; returns the number of migrations and what was passed over."""
        passed: Counter[str] = Counter()
        migrations, read = [], []
        for inside, sha256, found in self._read_migrations(root, passed):
            migrations += [_row(each, inside, sha256) for each in found]
            read += [(inside, each) for each in found]
        name_tables([found for _, found in read])
        operations = [
            each.row()
            | {"path": inside, "revision": found.revision, "text": redact(each.text)}
            | {"loses": loses_of(each) or "nothing"}
            for inside, found in read
            for each in found.operations
        ]
        if self.case.migrations and not migrations:
            raise SourceError(f"no migration was found in {', '.join(self.case.migrations)}")
        self.draft.write("migrations", schemas.frame("migrations", migrations))
        self.draft.write("migration_operations", schemas.frame("migration_operations", operations))
        return len(migrations), ", ".join(f"{count} {what}" for what, count in sorted(passed.items()))

    def _read_migrations(self, root: Path, passed: Counter[str]) -> Iterator[tuple[str, str, list[Migration]]]:
        """The files with migrations in their order: path, hash of the bytes, what was found."""
        paths = list(self._candidates(root, passed))
        zone, chosen = ZoneInfo(self.case.timezone), bool(self.case.migrations)
        sent: deque[tuple[str, str]] = deque()

        def calls() -> Iterator[tuple[str, bytes, ZoneInfo, bool]]:
            for path in paths:
                data = self.read_file(path, passed)
                if data is not None:
                    inside = path.relative_to(root).as_posix()
                    sent.append((inside, hashlib.sha256(data).hexdigest()))
                    yield inside, data, zone, chosen

        for found in self.workers.map(read_migration_file, calls(), len(paths)):
            told = sent.popleft()
            if not was_read(found, told[0], passed):
                continue
            if isinstance(found, str):
                passed[f"{found} files that cannot be parsed"] += 1
            else:
                yield *told, found

    def _candidates(self, root: Path, passed: Counter[str]) -> Iterator[Path]:
        starts = [root / folder for folder in self.case.migrations] or [root]
        for start in starts:
            if not start.exists():
                raise SourceError(f"there is no {start.relative_to(root).as_posix()} in the repository")
            if not start.resolve().is_relative_to(root.resolve()):
                raise SourceError(f"{start.relative_to(root).as_posix()} leads out of the repository")
            yield from walk(start, passed, lambda name: name.endswith(SUFFIXES))

    def code_hits(self, root: Path) -> tuple[int, str]:
        """Write what files outside the migrations could do to data."""
        passed: Counter[str] = Counter()
        migrations = self.draft.written("migrations")["path"] if self.draft.has("migrations") else ()
        found = scan(root, migrations, passed, self.workers, self.read_file)
        rows = self.draft.write("code_hits", schemas.frame("code_hits", hit_rows(found)))
        return rows, ", ".join([f"{found.files} files read", *(f"{n} {what}" for what, n in sorted(passed.items()))])

    def last_changes(self, root: Path) -> tuple[int, str]:
        """Write the last commit of every file that holds a migration or a hit."""
        paths = {path for name in ("migrations", "code_hits") for path in self._paths(name)}
        rows = [
            {"path": path, "sha": each.sha, "author": each.author, "committed_at": each.committed_at,
             "subject": redact(each.subject)}
            for path, each in sorted(read_last_changes(root, paths).items())
        ]  # fmt: skip
        lines, remark = read_last_lines(root, self._lines({row["path"] for row in rows}))
        rows += [
            {"path": path, "line": line, "sha": each.sha, "author": each.author, "committed_at": each.committed_at,
             "subject": redact(each.subject)}
            for (path, line), each in sorted(lines.items())
        ]  # fmt: skip
        return self.draft.write("last_changes", schemas.frame("last_changes", rows)), remark

    def _lines(self, paths: set[str]) -> dict[str, set[int]]:
        """Lines that could have lost something, by file."""
        found: dict[str, set[int]] = {}
        for table in ("migration_operations", "code_hits"):
            if self.draft.has(table):
                written = self.draft.written(table)
                for path, line in zip(written["path"], written["line"], strict=True):
                    if path in paths and line == line and line is not None:
                        found.setdefault(path, set()).add(int(line))
        return found

    def _paths(self, table: str) -> set[str]:
        return set(self.draft.written(table)["path"]) if self.draft.has(table) else set()

    def commits(self, root: Path) -> tuple[int, str]:
        """Write the commits of the window and the newest besides."""
        window = self.case.window
        found = read_commits(root, window.start, window.end)
        rows = [asdict(each) | {"subject": redact(each.subject)} for each in found]
        return self.draft.write("commits", schemas.frame("commits", rows)), ""


def _row(found: Migration, inside: str, sha256: str) -> dict[str, Any]:
    return {
        "path": inside,
        "tool": found.tool,
        "revision": found.revision,
        "parents": found.parents,
        "title": redact(found.title) if found.title else None,
        "created_at": found.created_at,
        "sha256": sha256,
    }
