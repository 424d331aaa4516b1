"""Scripts, jobs, tests and application code of the checkout: which lines could lose data, and what starts them.

Files are read, never imported or run; links are not followed, and what is too big or binary is counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from triage_kit.collect.files import MOST_BYTES, content, walk
from triage_kit.parse.hits import Hit, as_row, promising, read_hits, readable, started_files
from triage_kit.parse.models import models
from triage_kit.parse.vehicles import schedule, vehicle
from triage_kit.redact import redact

_MOST_HITS = 20_000
_MOST_CALLS = 20_000
_DEFINES = re.compile(r'(?i)\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w."]+)\s*\(')
_ROUTINE = re.compile(r'(?i)\b(?:call|select|perform|exec|execute|from)\s+([\w."\\]*\w\\?"?)\s*\(')
_JOBS = re.compile(rb"(?i)\.(?:sh|bash|py|sql|psql|rb|js|ts|php|pl)\b|scripts?/|bin/")


@dataclass
class Found:
    """What a walk over the checkout gave."""

    hits: list[tuple[str, Hit]] = field(default_factory=list)
    starts: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)  # path of a job's file: its vehicle, its text
    defines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # routine: files that create it
    calls: list[tuple[str, str, int]] = field(default_factory=list)  # routine, file and line that call it
    models: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # class: tables that it stands for
    timers: dict[str, str] = field(default_factory=dict)  # path of a systemd unit without its suffix: its schedule
    files: int = 0


def scan(root: Path, skip: Iterable[str], passed: Counter[str]) -> Found:
    """Read every file that may hold code; skip has the paths of migrations, passed counts what was left out."""
    found, left_out = Found(), frozenset(skip)
    paths = []
    for path in walk(root, passed):
        inside = path.relative_to(root).as_posix()
        if inside not in left_out and (readable(inside) or inside.endswith(".prisma")):
            paths.append((path, inside))
    for inside in sorted(left_out):
        _note_migration(found, root / inside, inside, passed)
    by_name: dict[str, list[str]] = defaultdict(list)
    for _, inside in paths:
        by_name[inside.rsplit("/", 1)[-1]].append(inside)
    for path, inside in paths:
        data = content(path, passed)
        if data is None:
            continue
        found.files += 1
        if inside.endswith(".timer"):
            when = schedule(inside, data.decode("utf-8", "replace"), 0)
            found.timers[inside.removesuffix(".timer")] = when or "as a timer"
        names_files = _JOBS.search(data) is not None
        text = data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").replace("\r\n", "\n")
        _note_routines(found, text, inside)
        for name, table in models(text, inside).items():
            found.models[name].add(table)
        if not (names_files or promising(data)):
            continue
        if promising(data):
            found.hits += [(inside, each) for each in read_hits(text, inside)]
        if names_files:
            _note_starts(found, text, inside, by_name)
        if len(found.hits) > _MOST_HITS:
            passed[f"or more lines beyond the first {_MOST_HITS}"] += 1
            break
    _note_callers(found)
    return found


def _note_migration(found: Found, path: Path, inside: str, passed: Counter[str]) -> None:
    """Routines that a migration in SQL creates: their bodies run when something calls them, not with the migration."""
    data = content(path, passed) if inside.endswith(".sql") and path.is_file() and not path.is_symlink() else None
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n") if data else ""
    defined = [_bare(each[1]) for each in _DEFINES.finditer(text)]
    if not defined:
        return
    for name in defined:
        found.defines[name].add(inside)
    found.hits += [(inside, each) for each in read_hits(text, inside) if each.name]


def _note_routines(found: Found, text: str, inside: str) -> None:
    """Routines that a file creates, else those that it may call, and what starts a file that calls some."""
    for each in _DEFINES.finditer(text):
        found.defines[_bare(each[1])].add(inside)
    calls = list(islice(_called(text, inside), max(0, _MOST_CALLS - len(found.calls))))
    if calls:
        found.calls += calls
        kind = vehicle(inside, text)
        found.jobs.setdefault(inside, (kind, text if kind == "scheduled_job" else ""))


def _called(text: str, inside: str) -> Iterator[tuple[str, str, int]]:
    """Routines that a text may call, with its file and the line; each line is counted once, however many calls."""
    line, counted = 1, 0
    for each in _ROUTINE.finditer(text):
        line, counted = line + text.count("\n", counted, each.start()), each.start()
        yield _bare(each[1]), inside, line


def _note_callers(found: Found) -> None:
    """A file that creates a routine is started by what calls the routine, where one file only creates it."""
    for name, where, line in found.calls:
        created = found.defines.get(name, set())
        if len(created) == 1 and where not in created:
            found.starts[next(iter(created))].append((where, line))


def _bare(name: str) -> str:
    return name.rsplit(".", 1)[-1].strip('"\\').lower()  # a quote in a quoted command of a shell has a backslash


def _note_starts(found: Found, text: str, inside: str, by_name: dict[str, list[str]]) -> None:
    def names(word: str) -> Iterator[str]:
        word = word.removeprefix("./")
        known = by_name.get(word.rsplit("/", 1)[-1], [])
        exact = [each for each in known if each == word or each.endswith("/" + word)]
        # On a server the path is another one; a name that only one file has is enough.
        return iter(exact or (known if len(known) == 1 else []))

    started = list(started_files(text, inside, names))
    if started:
        found.jobs[inside] = (vehicle(inside, text), text)
    for path, line in started:
        if path != inside:
            found.starts[path].append((inside, line))


def hit_rows(found: Found) -> list[dict[str, Any]]:
    """Rows of code_hits: a file that a job starts belongs to that job, by way of other scripts too."""
    rows = []
    for path, hit in found.hits:
        starters = found.starts.get(path, [])
        row = as_row(hit) | {"path": path, "text": redact(hit.text)}
        tables = found.models.get(hit.object or "", set()) if hit.kind == "orm" else set()
        if len(tables) == 1:
            row["object"] = next(iter(tables))
        row["started_by"] = tuple(f"{where}:{line}" for where, line in starters[:50])
        if hit.vehicle in ("script", "application") and (job := _timer(found, path) or _job(found, path)):
            row["vehicle"] = "scheduled_job"
            row["schedule"] = job
        elif (
            hit.vehicle == "script" and starters and all(_kind(found, where) == "application" for where, _ in starters)
        ):
            row["vehicle"] = "application"
        rows.append(row)
    return rows


def _kind(found: Found, path: str) -> str:
    return found.jobs.get(path, ("", ""))[0]


def _timer(found: Found, path: str) -> str | None:
    """The schedule of the systemd timer that starts a unit of the same name."""
    return found.timers.get(path.removesuffix(".service")) if path.endswith(".service") else None


def _job(found: Found, path: str) -> str | None:
    """The schedule of the job that starts a file, directly or through other scripts; None where none does."""
    waiting, seen = deque([path]), {path}
    while waiting and len(seen) < 1_000:
        for where, line in found.starts.get(waiting.popleft(), []):
            if timer := _timer(found, where):
                return timer
            kind, text = found.jobs.get(where, ("", ""))
            if kind == "scheduled_job":
                return schedule(where, text, line) or "as a job"
            if where not in seen:
                seen.add(where)
                waiting.append(where)
    return None


__all__ = ["MOST_BYTES", "Found", "hit_rows", "scan"]
