"""Whose an entry is, and what its message says of the session's transaction, told from its bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from triage_kit.parse.csvlog import BEFORE
from triage_kit.parse.forged import doubt
from triage_kit.parse.kinds import recognise
from triage_kit.parse.languages import english
from triage_kit.parse.prefix import matcher, pattern
from triage_kit.parse.scan.significance import DIGITS
from triage_kit.parse.stderr import FAILURES

if TYPE_CHECKING:
    from triage_kit.parse.scan.ranges import Source

Session = str | int
Who = tuple[str | None, str | None]
# A transaction command somewhere in the text, or the end of a session; too much of it does no harm.
TELLING = (
    r"(?i)(?:statement|execute[^:\n]*): *(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b|"
    r"(?:;|\*/|^[\t ]*|\\[nrt])\s*(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b|"
    r"disconnection: |connection (?:received|auth|ready|duration)"
)
CRASH = (
    r"was terminated by|exited with exit code|terminating any other|processes terminated; reinit|was interrupted|"
    r"not properly shut down|in recovery|crashed|issuing SIG"
)
CRASHES = re.compile(CRASH.encode())
_HEADER = r"(?:duration: [\d.]+ ms  )?(?:statement: |execute (?!fetch from )[^\n:]*?: )"
_LOGGED = re.compile(rf"{_HEADER}(.*)", re.DOTALL)
_FETCHED = re.compile(r"(?:duration: [\d.]+ ms  )?(?:statement: |execute [^\n:]*?: )(.*)", re.DOTALL)
_BEGINS = re.compile(r"(?i)\s*(?:begin|start)(?: work| transaction)?(?:[\s,]+[a-z ,]+)?\s*;?\s*")
_ENDS = re.compile(r"(?i)\s*(?:commit|end|rollback|abort)(?: work| transaction)?\s*;?\s*")
# The same of a statement: its first word, or one behind what may stand before a command.
_FIRST = re.compile(r"(?i)\s*(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b")
_LATER = re.compile(r"(?i)(?:;|\*/|\n)\s*(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b")
_RUNS = ("statement: ", "duration: ", "execute ")
_ORDINARY = (*_RUNS, "connection ", "disconnection: ")


class Said:
    """What the message of an entry says; each question is answered once, since many entries say the same."""

    def __init__(self, message: str, severity: str, cut: bool = False) -> None:
        self.message, self.severity = message, severity
        self.cut = cut  # only the beginning of the message is here

    @cached_property
    def ordinary(self) -> bool:
        """Whether it is traffic: a statement, a duration, a connection."""
        return self.severity == "LOG" and self.message.startswith(_ORDINARY)

    @cached_property
    def statement(self) -> str | None:
        """The statement of the message."""
        found = _LOGGED.match(self.message)
        return found[1] if found else None

    @cached_property
    def tells(self) -> bool:
        """Whether a command of a transaction may stand in it, or a session begins or ends."""
        if self.cut:
            return True
        found = _FETCHED.match(self.message)
        if found is None:
            return self.gone or self.comes
        return _FIRST.match(found[1]) is not None or _LATER.search(found[1]) is not None

    @cached_property
    def begins(self) -> bool:
        """Whether it does nothing but begin a transaction."""
        return self.statement is not None and _BEGINS.fullmatch(self.statement) is not None

    @cached_property
    def ends(self) -> bool:
        """Whether it does nothing but end a transaction."""
        return self.statement is not None and _ENDS.fullmatch(self.statement) is not None

    @cached_property
    def runs(self) -> bool:
        """Whether it says something of a statement."""
        return self.message.startswith(_RUNS) and self.kind in ("statement", "duration")

    @cached_property
    def fails(self) -> bool:
        return english(self.severity) in FAILURES

    @cached_property
    def fatal(self) -> bool:
        return english(self.severity) in ("FATAL", "PANIC")

    @cached_property
    def gone(self) -> bool:
        return self.message.startswith("disconnection: ") and self.kind == "disconnection"

    @cached_property
    def comes(self) -> bool:
        return self.message.startswith("connection ") and self.kind == "connection"

    @cached_property
    def kind(self) -> str:
        """A word of log_events.kind, as the plain parser tells it: a damaged message is another one."""
        return recognise(self.message, self.severity)[1]


class About(NamedTuple):
    """Session of an entry, what its message says, and where in its bytes the session's name stands."""

    session: Session
    said: Said
    place: slice | None = None


def reader(source: Source) -> Callable[..., About | None]:
    """What tells session and message of an ordinary entry by its bytes; None where it names no session.

    Its second argument is how many bytes it looks at, where an entry that is cut can be read.
    """
    if source.format == "json":  # whose digits matter: of "01" and "10" one is no number
        return _json
    if source.format == "csv":
        return _remembered(_csv)
    read = _stderr(source.prefix)
    return read if _DIGIT.search(source.prefix) else _remembered(read)


_DIGIT = re.compile(r"[0-9]")
_SHORT, _MOST_KNOWN = 1_000, 4_000  # bytes of an entry that is remembered, and how many are


def _remembered(read: Callable[..., About | None]) -> Callable[..., About | None]:
    """The same, but entries that differ in digits alone are read once: nothing that is asked of them hangs on those."""
    known: dict[bytes, tuple[slice, bool, Said]] = {}

    def about(raw: bytes, most: int = _MOST_READ) -> About | None:
        if len(raw) > _SHORT:
            return read(raw, most)
        form = raw.translate(DIGITS)
        if form in known:
            place, number, said = known[form]
            return About(int(raw[place]) if number else raw[place].decode(), said)
        found = read(raw, most)
        if found is not None and found.place is not None and raw.isascii():
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[form] = found.place, isinstance(found.session, int), found.said
        return found

    return about


_MOST_READ = 1 << 20  # of a message; what stands behind may hold anything
_PART = re.compile(r"\n(?!\t)")  # DETAIL and the like begin without a TAB


def _stderr(prefix: str) -> Callable[..., About | None]:
    match, known, within = matcher(prefix), pattern(prefix).groupindex, doubt(prefix).within
    session_at, pid_at = known.get("session"), known.get("pid")

    def about(raw: bytes, most: int = _MOST_READ) -> About | None:
        cut = len(raw) > most
        if cut:
            raw = raw[:most]
        text = raw.decode("utf-8", "surrogateescape")
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        text = text.removesuffix("\n")
        first, newline, more = text.partition("\n")
        if newline and (part := _PART.search(text)):
            more = text[len(first) + 1 : max(part.start(), len(first) + 1)]
        found = match(first)
        if found is None:
            return None
        at = next((each for each in (session_at, pid_at) if each and found[each]), None)
        if at is None:
            return None
        session: Session = found[at] if at == session_at else int(found[at])
        message = found["message"] + f"\n{more}".replace("\n\t", "\n") if more else found["message"]
        if ":  " in message and within(first[: found.start("severity")], found["severity"], message):
            return None
        return About(session, Said(message, found["severity"], cut), slice(*found.span(at)))

    return about


_CSV = re.compile(BEFORE.encode())
_CSV_KEY = re.compile(rb'[^,]*,(?:"(?:[^"]|"")*")?,(?:"(?:[^"]|"")*")?,\d+,(?:"[^"]*")?,([0-9a-f]+\.[0-9a-f]+),')
_CSV_MESSAGE = re.compile(rb'([^,"]+),[0-9A-Z]{5},"((?:[^"]|"")*)"')


def _csv(raw: bytes, most: int = 0) -> About | None:
    key, head = _CSV_KEY.match(raw), _CSV.match(raw)
    if key is None or head is None:
        return None
    found = _CSV_MESSAGE.match(raw, head.end())
    if found is None:
        return None
    severity, message = (found[at].decode("utf-8", "surrogateescape") for at in (1, 2))
    return About(key[1].decode(), Said(message.replace('""', '"'), severity), slice(*key.span(1)))


def _json(raw: bytes, most: int = 0) -> About | None:
    try:
        row = json.loads(raw.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    session = row.get("session_id") if isinstance(row, dict) else None
    if not isinstance(session, str):
        return None
    message, severity = str(row.get("message") or ""), str(row.get("error_severity"))
    return About(session, _said(message, severity) if len(message) <= _SHORT else Said(message, severity))


_said = lru_cache(_MOST_KNOWN)(Said)  # what is answered once of a message is known of all that are the same
