"""Scripts, jobs, tests and application code of the checkout: which lines could lose data, and what starts them.

Files are read, never imported or run; links are not followed, and what is too big or binary is counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from triage_kit.collect.files import MOST_BYTES, content, walk
from triage_kit.collect.workers import LOST, UNREAD, Workers
from triage_kit.parse.checkout import MOST_CALLS, Told, read_code, read_routines
from triage_kit.parse.code import MOST_STATEMENTS
from triage_kit.parse.hits import MOST_HITS, Hit, as_row, readable
from triage_kit.parse.vehicles import schedule
from triage_kit.redact import redact

_MOST_HITS = 20_000
# Layouts of Go and Cargo: a program is named after the folder, or the file, that its sources lie in.
_PROGRAM = re.compile(r"(?:\A|/)(?:cmd|src/bin)/([\w-]+)(?:/[^/]+)?\.(?:go|rs)\Z")
_COMPILED = frozenset(("dist", "build", "lib", "out", ".output", "output"))
_WRITTEN_AS = {".js": (".ts", ".tsx", ".mts", ".cts"), ".mjs": (".mts", ".ts"), ".cjs": (".cts", ".ts")}


@dataclass
class Found:
    """What a walk over the checkout gave."""

    hits: list[tuple[str, Hit]] = field(default_factory=list)
    starts: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)  # path of a job's file: its vehicle, its text
    testing: set[tuple[str, int]] = field(default_factory=set)  # files and lines of targets that run the tests
    called: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # file: functions on a schedule
    defines: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # routine: files that create it
    calls: list[tuple[str, str, int]] = field(default_factory=list)  # routine, file and line that call it
    commands: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # a framework's: files with it
    runs: list[tuple[str, str, int]] = field(default_factory=list)  # such a command, file and line that start it
    models: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # class: tables that it stands for
    timers: dict[str, str] = field(default_factory=dict)  # path of a systemd unit without its suffix: its schedule
    files: int = 0


Content = Callable[[Path, Counter[str]], bytes | None]


def scan(
    root: Path, skip: Iterable[str], passed: Counter[str], workers: Workers | None = None, read: Content = content
) -> Found:
    """Read every file that may hold code; skip has the paths of migrations, passed counts what was left out."""
    found, left_out = Found(), frozenset(skip)
    paths = []
    for path in walk(root, passed):
        inside = path.relative_to(root).as_posix()
        if inside not in left_out and (readable(inside) or inside.endswith(".prisma")):
            paths.append((path, inside))
    for inside in sorted(left_out):
        _note_migration(found, root / inside, inside, passed, read)
    by_name: dict[str, list[str]] = defaultdict(list)
    for _, inside in paths:
        by_name[inside.rsplit("/", 1)[-1]].append(inside)
        if program := _PROGRAM.search(inside):
            by_name[f"bin/{program[1]}"].append(inside)
    for inside, told in _read(paths, passed, workers or Workers(1), read):
        found.files += 1
        if told.cut:
            passed[f"files read in part, with more than {MOST_STATEMENTS} statements in literals"] += 1
        if told.full:
            passed[f"files of which only the first {MOST_HITS} lines that may lose something are told"] += 1
        _note(found, told, inside, by_name)
        if len(found.hits) > _MOST_HITS:
            passed[f"or more lines beyond the first {_MOST_HITS}"] += 1
            break
    _note_callers(found)
    return found


def _read(
    paths: list[tuple[Path, str]], passed: Counter[str], workers: Workers, read: Content
) -> Iterator[tuple[str, Told]]:
    """What each file tells, in their order."""
    sent: deque[str] = deque()

    def calls() -> Iterator[tuple[str, bytes]]:
        for path, inside in paths:
            data = read(path, passed)
            if data is not None:
                sent.append(inside)
                yield inside, data

    for told in workers.map(read_code, calls(), len(paths)):
        inside = sent.popleft()
        if was_read(told, inside, passed):
            yield inside, told


_FATAL = "file that ends or holds up whoever reads it"
_LEFT = "files left unread after these"
_MOST_NAMED = 5


def was_read(told: object, inside: str, passed: Counter[str]) -> bool:
    """Whether a worker told something of a file; otherwise it is counted, the first of those that are fatal by name."""
    if told is UNREAD:
        passed[_LEFT] += 1
    elif told is LOST:
        named = sum(_FATAL in each for each in passed) < _MOST_NAMED
        passed[f"{_FATAL}: {inside}" if named else "more files that end or hold up whoever reads them"] += 1
    return told is not UNREAD and told is not LOST


def _note_migration(found: Found, path: Path, inside: str, passed: Counter[str], read: Content) -> None:
    """Routines that a migration in SQL creates."""
    data = read(path, passed) if inside.endswith(".sql") and path.is_file() and not path.is_symlink() else None
    told = read_routines(inside, data or b"")
    for name in told.defines:
        found.defines[name].add(inside)
    found.hits += [(inside, each) for each in told.hits]


def _note(found: Found, told: Told, inside: str, by_name: dict[str, list[str]]) -> None:
    if told.timer:
        found.timers[inside.removesuffix(".timer")] = told.timer
    for name in told.defines:
        found.defines[name].add(inside)
    for name in told.commands:
        found.commands[name].add(inside)
    for name, table in told.models.items():
        found.models[name].add(table)
    found.hits += [(inside, each) for each in told.hits]
    calls = told.calls[: max(0, MOST_CALLS - len(found.calls))]
    found.calls += [(name, inside, line) for name, line in calls]
    started = [(path, line) for word, line in told.starts for path in _named(word, by_name)]
    for word, line, names in told.scheduled:
        for path in _named(word, by_name):
            started.append((path, line))
            found.called[path].update(names)
    found.testing |= {(inside, line) for line in told.testing}
    for path, line in started:
        if path != inside:
            found.starts[path].append((inside, line))
    found.runs += [(name, inside, line) for name, line in told.runs]
    if calls or started or told.runs:
        found.jobs[inside] = (told.vehicle, told.schedule_text)


def _named(word: str, by_name: dict[str, list[str]]) -> list[str]:
    """The files that a word of a shell's line names, else those from which the file that it names is compiled."""
    for name in (word.removeprefix("./"), *_sources(word.removeprefix("./"))):
        known = by_name.get(name.rsplit("/", 1)[-1], [])
        exact = [each for each in known if each == name or each.endswith("/" + name)]
        # On a server the path is another one; a name that only one file has is enough.
        if found := exact or (known if len(known) == 1 else []):
            return found
    return by_name.get(f"bin/{PurePosixPath(word).name}", [])


def _sources(word: str) -> list[str]:
    """What a compiled script may be written as: the compiler of TypeScript keeps the tree below its output folder.

    >>> _sources("dist/jobs/purge.js")[0], _sources("/app/build/main.mjs")[1], _sources("purge.sh")
    ('jobs/purge.ts', 'main.ts', [])
    """
    place = PurePosixPath(word)
    parts = place.parts
    out = max((n for n, part in enumerate(parts[:-1], 1) if part in _COMPILED), default=0)
    return [str(PurePosixPath(*parts[out:]).with_suffix(suffix)) for suffix in _WRITTEN_AS.get(place.suffix, ())]


def _note_callers(found: Found) -> None:
    """A file that creates a routine, or holds a command, is started by what calls it, where it is the only one."""
    for known, calls in ((found.defines, found.calls), (found.commands, found.runs)):
        for name, where, line in calls:
            holding = known.get(name, set())
            if len(holding) == 1 and where not in holding:
                found.starts[next(iter(holding))].append((where, line))


def hit_rows(found: Found) -> list[dict[str, Any]]:
    """Rows of code_hits: a file that a job starts belongs to that job, by way of other scripts too."""
    rows = []
    apart = _apart(found)
    for path, hit in found.hits:
        starters = found.starts.get(path, []) if (path, hit.name) not in apart else []
        row = as_row(hit) | {"path": path, "text": redact(hit.text)}
        tables = found.models.get(hit.object or "", set()) if hit.kind == "orm" else set()
        if len(tables) == 1:
            row["object"] = next(iter(tables))
        row["started_by"] = tuple(f"{where}:{line}" for where, line in starters[:50])
        alone = (path, hit.name) not in apart and not _shared(found, path, hit, starters)
        if hit.vehicle in ("script", "application") and alone and (job := _timer(found, path) or _job(found, path)):
            row["vehicle"] = "scheduled_job"
            row["schedule"] = job
        elif hit.vehicle == "script" and starters and all(_tests(found, where, line) for where, line in starters):
            row["vehicle"] = "test_run"
        elif (
            hit.vehicle == "script" and starters and all(_kind(found, where) == "application" for where, _ in starters)
        ):
            row["vehicle"] = "application"
        rows.append(row)
    return rows


def _apart(found: Found) -> set[tuple[str, str | None]]:
    """Functions beside those of their file that a schedule calls and that hold what was found: others call these."""
    names: dict[str, set[str | None]] = defaultdict(set)
    for path, hit in found.hits:
        if path in found.called:
            names[path].add(hit.name)
    return {(path, name) for path, held in names.items() if held & found.called[path] for name in held
            if name and name not in found.called[path]}  # fmt: skip


def _kind(found: Found, path: str) -> str:
    return found.jobs.get(path, ("", ""))[0]


def _tests(found: Found, path: str, line: int) -> bool:
    """Whether a line that starts a file is the tests': it stands among them, or in a target that runs them."""
    return (path, line) in found.testing or _kind(found, path) == "test_run"


def _shared(found: Found, path: str, hit: Hit, starters: Sequence[tuple[str, int]]) -> bool:
    """Whether a routine is called by the application as well as by a schedule: then it is not the job's alone."""
    routine = hit.name is not None and path.endswith((".sql", ".psql"))
    return routine and any(_kind(found, where) == "application" for where, _ in starters)


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
