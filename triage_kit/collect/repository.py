"""The application's checkout: migrations with what each would do, and the commits around the incident.

Files are read, never imported or run; the walk is bounded, follows no link, and says what it left out.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import Case, resolve
from triage_kit.collect.git import NoHistory, read_commits
from triage_kit.errors import SourceError
from triage_kit.parse.alembic import is_alembic, read_alembic
from triage_kit.parse.migration import Migration
from triage_kit.parse.sql_files import marked, read_sql_migration
from triage_kit.redact import redact

MOST_FILES = 50_000
MOST_BYTES = 2 << 20
_TOOL_FOLDERS = (
    ".git .hg .svn node_modules venv .venv env .env __pycache__ .tox .nox .mypy_cache .ruff_cache .pytest_cache "
    "site-packages dist build target .terraform .idea .vscode"
)
_LEFT_OUT = frozenset(_TOOL_FOLDERS.split())
_MIGRATION_FOLDER = re.compile(
    r"(?i)(?:^|[_-])(?:migrations?|migrate|versions|changelogs?|schema_migrations)$|^(?:deploy|revert)$"
)
_MIGRATION_NAME = re.compile(r"(?:\.(?:up|down)\.sql|\A[VU]\d[\d._]*__.*\.sql)\Z")
_COSTS = {
    "migrations": "which migration could have done it, and its line",
    "commits": "which change of the code came before the loss, and whose",
}

Notify = Callable[..., None]


def read_repository(case: Case, draft: Draft, notify: Notify | None = None) -> list[tuple[str, str]]:
    """Read migrations, migration_operations and commits of the repository that the case names.

    Returns the named sources that could not be read or held nothing, with the reason; each is a row of questions.
    """
    reader = _Repository(case, draft, notify or (lambda event, **facts: None))
    reader.read("migrations", reader.migrations)
    reader.read("commits", reader.commits)
    return reader.unread


class _Repository:
    def __init__(self, case: Case, draft: Draft, notify: Notify) -> None:
        self.case, self.draft, self.notify = case, draft, notify
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
        migrations, operations = [], []
        zone = ZoneInfo(self.case.timezone)
        for path in self._candidates(root, passed):
            inside = path.relative_to(root).as_posix()
            data = _content(path, passed)
            if data is None:
                continue
            found = _migration(
                data.decode("utf-8", "surrogateescape"), inside, zone, bool(self.case.migrations), passed
            )
            if found is None:
                continue
            migrations.append(_row(found, inside, data))
            operations += [
                asdict(each) | {"path": inside, "revision": found.revision, "text": redact(each.text)}
                for each in found.operations
            ]
        if self.case.migrations and not migrations:
            raise SourceError(f"no migration was found in {', '.join(self.case.migrations)}")
        self.draft.write("migrations", schemas.frame("migrations", migrations))
        self.draft.write("migration_operations", schemas.frame("migration_operations", operations))
        return len(migrations), ", ".join(f"{count} {what}" for what, count in sorted(passed.items()))

    def _candidates(self, root: Path, passed: Counter[str]) -> Iterator[Path]:
        starts = [root / folder for folder in self.case.migrations] or [root]
        for start in starts:
            if not start.exists():
                raise SourceError(f"there is no {start.relative_to(root).as_posix()} in the repository")
            if not start.resolve().is_relative_to(root.resolve()):
                raise SourceError(f"{start.relative_to(root).as_posix()} leads out of the repository")
            yield from _walk(start, passed)

    def commits(self, root: Path) -> tuple[int, str]:
        """Write the commits of the window and the newest besides."""
        window = self.case.window
        found = read_commits(root, window.start, window.end)
        rows = [asdict(each) | {"subject": redact(each.subject)} for each in found]
        return self.draft.write("commits", schemas.frame("commits", rows)), ""


def _walk(start: Path, passed: Counter[str]) -> Iterator[Path]:
    """Python and SQL files below a folder, sorted, without links and tool folders."""
    seen = 0
    if start.is_file():
        yield start
        return
    for folder, folders, files in os.walk(start, followlinks=False):
        folders[:] = sorted(
            name for name in folders if name not in _LEFT_OUT and not (Path(folder) / name).is_symlink()
        )
        for name in sorted(files):
            seen += 1
            if seen > MOST_FILES:
                passed[f"or more files beyond the first {MOST_FILES}"] += 1
                return
            path = Path(folder) / name
            if path.suffix not in (".py", ".sql"):
                continue
            if path.is_symlink():
                passed["links"] += 1
            else:
                yield path


def _content(path: Path, passed: Counter[str]) -> bytes | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            passed[f"files larger than {MOST_BYTES >> 20} MiB"] += 1
            return None
        data = path.read_bytes()
    except OSError:
        passed["unreadable files"] += 1
        return None
    if b"\0" in data[:8192]:
        passed["binary files"] += 1
        return None
    return data


def _migration(text: str, inside: str, zone: ZoneInfo, chosen: bool, passed: Counter[str]) -> Migration | None:
    if inside.endswith(".py"):
        if not is_alembic(text):
            return None
        try:
            return read_alembic(text, zone)
        except (SyntaxError, ValueError):
            passed["Python files that cannot be parsed"] += 1
            return None
    folders = inside.split("/")[:-1]
    if chosen or any(map(_MIGRATION_FOLDER.search, folders)) or _MIGRATION_NAME.search(inside) or marked(text):
        return read_sql_migration(text, inside)
    return None


def _row(found: Migration, inside: str, data: bytes) -> dict[str, Any]:
    return {
        "path": inside,
        "tool": found.tool,
        "revision": found.revision,
        "parents": found.parents,
        "title": redact(found.title) if found.title else None,
        "created_at": found.created_at,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
