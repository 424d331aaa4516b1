"""What the bytes of one file of a checkout tell: hits, routines, classes that stand for tables, files that it starts.

Who gathers the files joins what they tell; a reader of one file knows of no other, so that files are read side by side.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import islice
from pathlib import PurePosixPath

from triage_kit.parse.code import overfull
from triage_kit.parse.commands import uncommented
from triage_kit.parse.hits import MOST_HITS, Hit, counted_in_literals, promising, read_hits, started_files, starting
from triage_kit.parse.migration import Migration
from triage_kit.parse.migrations import read_migrations
from triage_kit.parse.models import models
from triage_kit.parse.named_commands import STARTERS, declared_commands, run_commands
from triage_kit.parse.scheduled import scheduled_files
from triage_kit.parse.vehicles import name_of, runs_tests, schedule, vehicle

MOST_CALLS = 20_000
_DEFINES = re.compile(r'(?i)\bcreate\s+(?:or\s+replace\s+)?(?:function|procedure)\s+([\w."]+)\s*\(')
_ROUTINE = re.compile(r'(?i)\b(?:call|select|perform|exec|execute|from)\s+([\w."\\]*\w\\?"?)\s*\(')
# One of these stands in every text that the patterns above take: most files are done without them.
_DEFINING = (b"function", b"procedure")
_CLOCKS = (b"add_job", b"scheduled_job", b"periodic_task", b"cron", b"schedulejob", b"beat_schedule", b"every(")
_CALLING = (b"call", b"select", b"perform", b"exec", b"from")
_JOBS = re.compile(
    rb"(?i)\.(?:sh|bash|py|sql|psql|rb|js|ts|php|pl)\b|scripts?/|bin/|\bpython[\d.]*\W+(?:-\w+\W+)*?-m\b|django-admin"
)


@dataclass
class Told:
    """What a file of code tells."""

    hits: list[Hit] = field(default_factory=list)
    defines: set[str] = field(default_factory=set)  # routines that it creates
    calls: list[tuple[str, int]] = field(default_factory=list)  # routines that it may call, with the line
    models: dict[str, str] = field(default_factory=dict)  # class: the table that it stands for
    cut: bool = False  # it holds more statements than are looked at
    full: bool = False  # it holds as many hits as are told, and may hold more
    starts: list[tuple[str, int]] = field(default_factory=list)  # files that it names, as written, with the line
    runs: list[tuple[str, int]] = field(default_factory=list)  # commands of a framework that it starts, with the line
    commands: set[str] = field(default_factory=set)  # the names by which its own are started
    testing: frozenset[int] = frozenset()  # lines of those that stand in a target which runs the tests
    scheduled: list[tuple[str, int, tuple[str, ...]]] = field(default_factory=list)  # files whose functions it calls
    timer: str | None = None  # when a systemd timer runs its unit
    vehicle: str = ""  # of what starts a file or calls a routine
    schedule_text: str = ""  # the text of a scheduled job: the schedule of a line is read from it later


def read_code(path: str, data: bytes) -> Told:
    """Read one file of code.

    >>> told = read_code("cron/purge", b"5 3 * * * /srv/bin/purge.sh && psql -c 'SELECT tidy(); DELETE FROM a'")
    >>> [(each.operation, each.object) for each in told.hits], told.calls, told.starts, told.vehicle
    ([('delete', 'a')], [('tidy', 1)], [('/srv/bin/purge.sh', 1)], 'scheduled_job')
    """
    told, lowered = Told(), data.lower()
    text = plain(data)
    if path.endswith(".timer"):
        told.timer = schedule(path, data.decode("utf-8", "replace"), 0) or "as a timer"
    told.defines = set(_defined(text)) if _has(lowered, _DEFINING) else set()
    told.calls = list(islice(_called(text), MOST_CALLS)) if _has(lowered, _CALLING) else []
    told.models = models(text, path)
    if promising(lowered):
        told.hits = read_hits(text, path)
        told.full = len(told.hits) == MOST_HITS
        told.cut = counted_in_literals(path) and overfull(text)
    if starting(path) and _JOBS.search(data):
        told.starts = list(started_files(text, path))
        lines = text.splitlines()
        told.testing = frozenset(line for _, line in told.starts if runs_tests(path, name_of(path, lines, line)))
    if starting(path) and STARTERS.search(data):
        told.runs = list(run_commands(uncommented(text)))
    told.commands = set(declared_commands(text, path))
    if _has(lowered, _CLOCKS):
        told.scheduled = list(scheduled_files(text, path))
    if told.calls or told.starts or told.runs or told.scheduled:
        told.vehicle = vehicle(path, text)
        if told.scheduled and told.vehicle == "application":
            told.vehicle = "scheduled_job"  # of what it puts on a schedule, whatever else it is
        told.schedule_text = text if told.vehicle == "scheduled_job" else ""
    return told


def read_routines(path: str, data: bytes) -> Told:
    """Read a migration in SQL for the routines that it creates: their bodies run when something calls them."""
    text = plain(data)
    told = Told(defines=set(_defined(text)))
    told.hits = [each for each in read_hits(text, path) if each.name] if told.defines else []
    return told


def read_migration_file(path: str, data: bytes, zone: tzinfo, chosen: bool) -> list[Migration] | str:
    """The migrations in a file, or the kind of a file that cannot be parsed."""
    try:
        return read_migrations(data.decode("utf-8", "surrogateescape"), path, zone, chosen)
    except (SyntaxError, ValueError):
        return "Python" if path.endswith(".py") else PurePosixPath(path).suffix.removeprefix(".").upper()


def plain(data: bytes) -> str:
    """The text of a file, however its lines end; bytes that are no UTF-8 are kept as surrogates."""
    return data.decode("utf-8", "surrogateescape").removeprefix("\ufeff").replace("\r\n", "\n")


def _has(lowered: bytes, words: tuple[bytes, ...]) -> bool:
    return any(word in lowered for word in words)


def _defined(text: str) -> Iterator[str]:
    return (_bare(each[1]) for each in _DEFINES.finditer(text))


def _called(text: str) -> Iterator[tuple[str, int]]:
    """Routines that a text may call, with the line; each line is counted once, however many calls."""
    line, counted = 1, 0
    for each in _ROUTINE.finditer(text):
        line, counted = line + text.count("\n", counted, each.start()), each.start()
        yield _bare(each[1]), line


def _bare(name: str) -> str:
    return name.rsplit(".", 1)[-1].strip('"\\').lower()  # a quote in a quoted command of a shell has a backslash
