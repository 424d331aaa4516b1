"""The plain text log: a prefix, a severity, a message; further lines of it begin with a TAB.

DETAIL, HINT, QUERY, CONTEXT, STATEMENT and LOCATION come as lines of their own with the same prefix. Without the
logging collector several backends write to one stream, so such a line is joined to the last message of its own
session or process, and only where the prefix names neither to the line before it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from triage_kit.parse.abridge import Text
from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.forged import disowned, doubt
from triage_kit.parse.kinds import statement_begins, understand
from triage_kit.parse.languages import UNKNOWN, english
from triage_kit.parse.lines import Line, numbered
from triage_kit.parse.names import Names
from triage_kit.parse.prefix import SUB_ENTRIES, matcher, pattern
from triage_kit.parse.repeated import Head, Repeated
from triage_kit.parse.times import Clock

# How many later entries may stand between a message and its own DETAIL when backends write at the same time.
_WINDOW = 64
_SUB_ENTRIES = frozenset(SUB_ENTRIES)
_FIELDS = {"DETAIL": "detail", "HINT": "hint", "CONTEXT": "context", "STATEMENT": "statement"}
_VERBOSE = re.compile(r"([0-9A-Z]{5}): (.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(.*)\((\d+)\)")
FAILURES = frozenset(("ERROR", "FATAL", "PANIC"))


def parse_stderr(source: Iterable[bytes | Line], prefix: str, clock: Clock | None = None) -> Iterator[Entry | Unparsed]:
    r"""Entries of a log in stderr format, in the order of the file; every line is in one of them or is Unparsed.

    >>> lines = [b"2025-10-07 20:27:38.343 UTC [12] LOG:  statement: DELETE\n", b"\tFROM a\n"]
    >>> [(each.at.isoformat(), each.statement) for each in parse_stderr(lines, "%m [%p] ")]
    [('2025-10-07T20:27:38.343000+00:00', 'DELETE\nFROM a')]
    """
    return _Reader(prefix, clock or Clock()).read(source)


class _Reader:
    def __init__(self, prefix: str, clock: Clock) -> None:
        self.match, self.first, self.names = matcher(prefix), pattern(prefix).match, Names(prefix)
        self.doubt, self.clock, self.repeated = doubt(prefix), clock, Repeated(prefix)
        self.before: tuple[str, str] | None = None  # of the message that is read: what stands before it, its severity
        self.forgeable: set[int] = set()  # ids of waiting entries that a name may have made up
        self.last = 0  # the number of the last line
        self.waiting: deque[tuple[Entry | Unparsed, str]] = deque()  # with the key of their session
        self.latest: dict[str, Entry] = {}
        self.verbose: set[int] = set()  # ids of waiting entries that have a LOCATION
        self.inner: dict[int, str] = {}  # their QUERY, by id
        self.doubted: dict[int, tuple[str, int]] = {}  # of applications with odd names: line, length of the message
        self.begun: dict[int, datetime | None] = {}  # when their session began, by id, where that is all that is told
        self.target: tuple[Entry, str] | None = None
        self.text = ""  # of the target, the first line
        self.more: Text | None = None  # and all of it, where it has more than that

    def read(self, source: Iterable[bytes | Line]) -> Iterator[Entry | Unparsed]:
        for line in numbered(source):
            self._take(line)
            while len(self.waiting) > _WINDOW:
                yield self._close(*self.waiting.popleft())
        self._flush()
        while self.waiting:
            yield self._close(*self.waiting.popleft())

    def _take(self, line: Line) -> None:
        next_to, self.last = line.number == self.last + 1, line.number
        if line.more:
            if self.target:
                self._add(line.text)
            return
        if line.text.startswith("\t") and self.target:
            self._add(f"\n{line.text[1:]}")
            return
        if (known := self.repeated.find(line)) and self.names.settled(known[0].key):
            self._again(line, *known)
            return
        found = self.match(line.text)
        written = self._flush()
        if found is None:
            if next_to and written and self.doubt.ends_behind(line.text):
                self.forgeable.add(id(written))
            self.waiting.append((Unparsed(line.number, line.offset, line.text), ""))
            return
        groups = found.groupdict()
        key = groups.get("session") or groups.get("pid") or str(line.pid or "")
        if (right := self.names.read(key, line.text, found)) is not found:
            groups = right.groupdict()
            told = None
        else:
            told = line.text[: found.start("severity")], groups["severity"] or ""
        severity, message = english(groups["severity"]), groups["message"]
        groups["severity"] = severity
        if severity not in _SUB_ENTRIES:
            entry = self._entry(line, groups)
            if ":  " in (entry.application or ""):
                self.doubted[id(entry)] = (line.text, len(message))
            self._begin(entry, "message", message, key)
            self.before = told
            if told and self.names.settled(key, found):
                self.repeated.learn(line, found, entry, key)
        elif key in self.latest:
            self._doubt(self.latest[key], severity, groups)
            self._collect(self.latest[key], severity, message)
        else:  # its message stands in an earlier file, or was cut away
            self._begin(self._entry(line, groups), severity, message, key)

    def _again(self, line: Line, head: Head, end: int) -> None:
        """Take a line whose head was read before; its severity ends at a character."""
        self._flush()
        at = self.clock.instant(line.text[: head.time])
        self._begin(Entry(line.number, line.offset, at, *head.fields), "message", line.text[end + 3 :], head.key)
        self.before = line.text[: end - 3], "LOG"

    def _doubt(self, entry: Entry, severity: str, groups: dict[str, str | None]) -> None:
        """A logged statement has no context and names no statement: what has was raised, and the name is shorter."""
        line, length = self.doubted.pop(id(entry), ("", 0))
        first = self.first(line) if line and severity in ("CONTEXT", "STATEMENT", "QUERY") else None
        if first is None or _known(first["application"]) != _known(groups.get("application")):
            return
        if english(first["severity"]) not in _SUB_ENTRIES:
            entry.application, entry.severity = _known(first["application"]), english(first["severity"])
            entry.message = first["message"] + entry.message[length:]

    def _begin(self, entry: Entry, field: str, text: str, key: str) -> None:
        self.waiting.append((entry, key))
        self.latest[key] = entry
        self._collect(entry, field, text)

    def _collect(self, entry: Entry, field: str, text: str) -> None:
        self.target, self.text, self.more, self.before = (entry, field), text, None, None

    def _add(self, piece: str) -> None:
        if self.more is None:  # most texts have one line
            self.more = Text(statement_begins)
            self.more.add(self.text)
        self.more.add(piece)

    def _flush(self) -> Entry | None:
        """Give what was collected to its entry, which is returned if that was its message."""
        if self.target is None:
            return None
        (entry, field), text = self.target, self.text if self.more is None else self.more.text()
        self.target, self.more = None, None
        if field == "message":
            entry.message = text
            if self.before and self.doubt.within(*self.before, text):
                self.forgeable.add(id(entry))
            if entry.severity == "FATAL":
                earlier = (each for each, _ in reversed(self.waiting) if each.offset < entry.offset)
                if made_up := self.doubt.before(entry, text, earlier):
                    self.forgeable |= {id(each) for each in (*made_up, entry)}
            return entry
        if field == "LOCATION":
            self.verbose.add(id(entry))
        elif field == "QUERY":
            self.inner[id(entry)] = text
        elif name := _FIELDS.get(field):
            setattr(entry, name, text)
        return None

    def _entry(self, line: Line, groups: dict[str, str | None]) -> Entry:
        told = groups.get
        at = self.clock.epoch(groups["epoch"] or "") if "epoch" in groups else self.clock.instant(told("at"))
        if at is None and line.at:  # the prefix has no time: what stood around the line has
            at = self.clock.written(line.at)
        pid, xid = told("pid") or line.pid, told("xid")
        entry = Entry(
            line.number,
            line.offset,
            at,
            groups["severity"],
            told("sqlstate"),
            int(pid) if pid else None,
            told("session"),
            _known(told("role")),
            _known(told("database")),
            _known(told("application")),
            _client(told("client")),
            int(xid) if xid and xid != "0" else None,
        )
        if at is None and told("session_start"):
            self.begun[id(entry)] = self.clock.instant(groups["session_start"])
        return entry

    def _close(self, entry: Entry | Unparsed, key: str) -> Entry | Unparsed:
        if isinstance(entry, Unparsed):
            return entry
        if self.latest.get(key) is entry:
            del self.latest[key]
        if self.verbose and id(entry) in self.verbose:
            self.verbose.discard(id(entry))
            if found := _VERBOSE.fullmatch(entry.message):
                entry.sqlstate, entry.message = found[1], found[2]
        if self.doubted:
            self.doubted.pop(id(entry), None)
        complete(entry, self.inner.pop(id(entry), None) if self.inner else None)
        if self.forgeable and id(entry) in self.forgeable:
            self.forgeable.discard(id(entry))
            disowned(entry)
        if self.begun:
            begun = self.begun.pop(id(entry), None)
            if entry.kind == "connection":  # is written when its session begins
                entry.at = entry.at or begun
        return entry


def positioned(message: str, *places: object) -> str:
    """The message as the plain log has it: the first place that is known, in characters, stands at its end."""
    known = [str(place) for place in places if str(place or "0") != "0"]
    return f"{message} at character {known[0]}" if known else message


def complete(entry: Entry, inner_query: str | None) -> Entry:
    """What all formats do at the end of an entry: join the inner query to the context, tell kind and outcome."""
    if inner_query:
        entry.context = "\n".join(part for part in (entry.context, f"QUERY: {inner_query}") if part)
    understand(entry)
    if entry.severity in FAILURES:
        entry.outcome = "failed" if entry.statement else None
    elif entry.kind in ("statement", "duration") and entry.statement:
        entry.outcome = "unknown"
    return entry


def _known(value: str | None) -> str | None:
    text = value.strip() if value else None
    return text if text and text not in UNKNOWN else None


def _client(value: str | None) -> str | None:
    if value and (found := _HOST_PORT.fullmatch(value)):
        return f"{found[1]}:{found[2]}"
    return value or None
