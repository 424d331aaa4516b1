"""What a message is about, and the numbers in those that carry evidence.

Texts are those of PostgreSQL 13 to 18 in English (src/backend; errmsg and ereport calls). ``KINDS`` is tried in
order and the first match wins; each line is how such a message begins. Other languages are further lines.
"""

from __future__ import annotations

import re

from triage_kit.parse.entry import Entry

_KINDS = r"""
statement
    statement:\x20
    execute [^\n:]*:\x20
duration
    duration: \d
checkpoint_starting
    (?:checkpoint|restartpoint) starting:
checkpoint_complete
    (?:checkpoint|restartpoint) complete:
autovacuum
    automatic (?:aggressive )?vacuum (?:to prevent wraparound )?of table\x20
    automatic aggressive vacuum
autoanalyze
    automatic analyze of table\x20
disconnection
    disconnection: session time
    terminating connection due to
    unexpected EOF on client connection
    could not (?:send data to|receive data from) client
connection
    connection (?:received|authorized|authenticated|ready)
    replication connection authorized
crash
    database system was (?:interrupted|not properly shut down)
    database system was shut down in recovery
    \S+ process \(PID \d+\) was terminated by (?:signal|exception)
    server process \(PID \d+\) exited with exit code
    terminating any other active server processes
    all server processes terminated; reinitializing
    .*\bprocess .*crashed
    issuing SIGKILL to recalcitrant children
shutdown
    received (?:smart|fast|immediate) shutdown request
    aborting any active transactions
    shutting down
    database system is shut down
    database system was shut down
    background worker .* exited with exit code
recovery
    redo (?:starts|done|is not required|in progress)
    entering standby mode
    consistent recovery state reached
    recovery (?:stopping|has paused|is paused|ending|restart)
    last completed transaction was at
    selected new timeline
    archive recovery complete
    starting (?:archive|point-in-time|backup) recovery
    starting backup recovery
    completed backup recovery
    restored log file
    invalid record length at
    invalid (?:magic number|resource manager|checkpoint|primary checkpoint)
    record with incorrect prev-link
    unexpected pageaddr
    automatic recovery in progress
    resetting unlogged relations
    syncing data directory
    received promote request
    using (?:backup|checkpoint)\x20
    backup_label
startup
    starting PostgreSQL\x20
    listening on\x20
    database system is ready to accept
    starting (?:up|background worker)
    redirecting log output
    ending log output
    autovacuum launcher started
parameter_change
    parameter "[^"]+" (?:changed to|removed from|cannot be changed)
    received SIGHUP, reloading
    configuration file .* contains errors
replication
    started streaming WAL
    replication terminated
    (?:logical|physical) (?:replication|decoding)
    logical replication
    starting logical decoding
    standby "
    received replication command
    replication slot
    conflict detected
    invalidating .*slot
    terminating walsender
    primary server contains no more WAL
    streaming replication
    could not receive data from WAL stream
    archiving
    archive command
    archiver
deadlock
    deadlock detected
    process \d+ detected deadlock
    process \d+ avoided deadlock
lock
    process \d+ (?:still waiting|acquired|failed to acquire)
    canceling statement due to lock timeout
    could not obtain lock
    recovery (?:still waiting|finished waiting)
temp_file
    temporary file: path
"""


def _read(table: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    kinds: dict[str, list[str]] = {}
    for line in table.strip("\n").split("\n"):
        if line.startswith(" "):
            kinds[next(reversed(kinds))].append(line.strip())
        else:
            kinds[line] = []
    return tuple((kind, re.compile("|".join(beginnings))) for kind, beginnings in kinds.items())


KINDS = _read(_KINDS)
_ERRORS = frozenset(("ERROR", "FATAL", "PANIC"))
# What an error may still be besides an error; everything else of that severity is one.
_BESIDES = frozenset(("deadlock", "lock", "disconnection", "crash"))


def classify(message: str, severity: str = "LOG") -> str:
    """The kind of a message, a word of log_events.kind; ``other`` when no text is known.

    >>> classify("checkpoint starting: time"), classify('relation "a" does not exist', "ERROR")
    ('checkpoint_starting', 'error')
    """
    for kind, pattern in KINDS:
        if pattern.match(message):
            return kind if severity not in _ERRORS or kind in _BESIDES else "error"
    return "error" if severity in _ERRORS else "other"


_STATEMENT = re.compile(r"(?:statement|execute (?P<fetch>fetch from )?[^\n:]*): (?P<text>.*)", re.DOTALL)
_DURATION = re.compile(r"duration: (\d+(?:\.\d+)?) ms(?:  (.*))?", re.DOTALL)
_RELATION = re.compile(r'of table "(.+?)"(?=:|\n|\Z| system usage)')
_TUPLES = re.compile(r"tuples: (\d+) removed, (\d+) remain")
_BUFFERS = re.compile(r"wrote (\d+) (?:SLRU )?buffers")
_SYNC_FILES = re.compile(r"sync files=(\d+)")


def understand(entry: Entry) -> Entry:
    """Fill what the message itself says: kind, logged statement, duration, table and tuples, buffers and files."""
    entry.kind = classify(entry.message, entry.severity or "LOG")
    reader = _READERS.get(entry.kind)
    if reader:
        reader(entry)
    return entry


def _statement(entry: Entry) -> None:
    if found := _STATEMENT.match(entry.message):
        entry.statement = found["text"]


def _duration(entry: Entry) -> None:
    if not (found := _DURATION.match(entry.message)):
        return
    entry.duration_ms = float(found[1])
    # parse and bind steps name the same text, but run nothing.
    if found[2] and (logged := _STATEMENT.match(found[2])):
        entry.statement = logged["text"]


def _vacuum(entry: Entry) -> None:
    if found := _RELATION.search(entry.message):
        entry.relation = found[1]
    if found := _TUPLES.search(entry.message):
        entry.removed, entry.remain = int(found[1]), int(found[2])


def _checkpoint(entry: Entry) -> None:
    if found := _BUFFERS.search(entry.message):
        entry.buffers = int(found[1])
    if found := _SYNC_FILES.search(entry.message):
        entry.sync_files = int(found[1])


_READERS = {
    "statement": _statement,
    "duration": _duration,
    "autovacuum": _vacuum,
    "autoanalyze": _vacuum,
    "checkpoint_complete": _checkpoint,
}
