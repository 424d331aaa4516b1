"""What became of each logged statement, told by what its session logged next.

A statement is logged before it runs. ERROR of the same session says that it failed; COMMIT and ROLLBACK decide a
transaction; a statement outside one is committed when the session went on without an error. BEGIN and COMMIT are in
the log only where everything is (log_statement = all, or a duration threshold of 0): at ``mod`` and ``ddl`` a later
ROLLBACK would not be seen, so silence proves nothing there and the outcome stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.stderr import FAILURES

# Statements kept of one open transaction; the outcome of those beyond stays unknown.
_MOST_OPEN = 10_000
_CONTROL = re.compile(
    r"(?i)\b(?:begin|start\s+transaction|commit|end|rollback|abort|savepoint|prepare\s+transaction|release)\b"
)
# What log_statement = mod would not log: seeing one means that everything is logged.
ONLY_WHEN_ALL = re.compile(
    r"(?i)\s*(?:select|show|begin|start|commit|rollback|end|abort|savepoint|set|fetch|declare|close)\b"
)
# What the server refuses inside a transaction is committed when it has ended well.
_ALONE = re.compile(
    r"(?i)\s*(?:drop\s+(?:database|tablespace)|create\s+(?:database|tablespace)|vacuum|alter\s+system)\b"
)


@dataclass(slots=True)
class _Session:
    """What is known of one session while its log is read."""

    last: Entry | None = None  # the statement that may still be running
    awaiting: Entry | None = None  # the statement whose duration line is still to come
    transaction: list[Entry] = field(default_factory=list)
    marks: list[tuple[str, int]] = field(default_factory=list)  # savepoints: name, statements before it
    open: bool = False
    failed: bool = False
    early: list[Entry] | None = field(default_factory=list)  # taken for committed before any BEGIN was seen
    who: tuple[str | None, str | None] = (None, None)  # role and database: what is logged may be set for each


class Outcomes:
    """Sets ``outcome`` and ``duration_ms`` of earlier entries as later ones are seen; feed it in the log's order.

    logs_everything: the server's settings say that BEGIN and COMMIT are logged; else it is learnt, for each role and
    database, from the first statement that would not be logged otherwise.
    """

    def __init__(self, logs_everything: bool = False) -> None:
        self.logs_everything = logs_everything
        self.open_books: set[tuple[str | None, str | None]] = set()
        self.ended_well: dict[tuple[str | None, str | None], list[Entry]] = {}
        self.sessions: dict[object, _Session] = {}

    def follow(self, entries: Iterable[Entry | Unparsed]) -> Iterator[Entry | Unparsed]:
        """The same entries, each after it was seen: an outcome may still change until the iteration ends."""
        for entry in entries:
            if isinstance(entry, Entry):
                self.see(entry)
            yield entry
        self.finish()

    def finish(self) -> None:
        """The log ends here: a COMMIT or ROLLBACK that nothing contradicts counts, all else stays unknown."""
        for session in self.sessions.values():
            if session.last is not None and _controls(session.last.statement or ""):
                self._succeed(session)
        self.sessions.clear()

    def see(self, entry: Entry) -> None:
        """Learn from one entry what became of the statements before it."""
        if entry.kind == "crash":
            self._crash()
            return
        key = entry.session or entry.pid
        if key is None:
            return
        session = self.sessions.get(key)
        if session is None:
            if entry.kind not in ("statement", "duration") and entry.severity not in FAILURES:
                return
            session = self.sessions[key] = _Session(who=(entry.role, entry.database))
        if entry.severity in FAILURES:
            self._fail(session, entry)
        elif entry.kind == "duration" and not entry.statement:
            self._join(session, entry)
        elif entry.kind in ("statement", "duration"):
            self._run(session, entry)
        elif entry.kind in ("connection", "disconnection"):  # a new one under the number of one that went unseen
            self._end(session)
        if entry.kind in ("connection", "disconnection") or entry.severity in ("FATAL", "PANIC"):
            self.sessions.pop(key, None)

    def _run(self, session: _Session, entry: Entry) -> None:
        self._succeed(session)
        # A slow SELECT is logged with its duration at any setting: it tells nothing.
        if entry.kind == "statement" and ONLY_WHEN_ALL.match(entry.statement or ""):
            self._learn(session.who)
        session.last = entry
        session.awaiting = entry if entry.duration_ms is None else None
        if entry.kind == "duration":  # logged when it was done, and only if nothing failed
            self._succeed(session)

    def _join(self, session: _Session, entry: Entry) -> None:
        # With the extended protocol parse and bind have durations too: they come before their statement is logged,
        # when the one before it already has its own.
        if session.awaiting is not None:
            session.awaiting.duration_ms = entry.duration_ms
            session.awaiting = None
        self._succeed(session)

    def _succeed(self, session: _Session) -> None:
        """The last statement ran to its end: apply it to the transaction."""
        entry, session.last = session.last, None
        if entry is None:
            return
        controls = _controls(entry.statement or "")
        before_open = session.open
        if len(session.transaction) < _MOST_OPEN:
            session.transaction.append(entry)
        for word, name in controls:
            self._control(session, word, name)
        if not session.open and not before_open and not controls:
            self._commit_alone(session)

    def _commit_alone(self, session: _Session) -> None:
        """Statements outside a transaction that anybody saw begin: committed if its BEGIN would have been seen."""
        if _ALONE.match(session.transaction[-1].statement or ""):
            self._settle(session, "committed")
            return
        if self.logs_everything or session.who in self.open_books:
            self._remember_early(session)
            self._settle(session, "committed")
            return
        self._remember_early(session)
        kept = self.ended_well.setdefault(session.who, [])
        kept += session.transaction[: _MOST_OPEN - len(kept)]
        self._settle(session, "unknown")

    def _remember_early(self, session: _Session) -> None:
        if session.early is not None and len(session.early) < _MOST_OPEN:
            session.early += session.transaction

    def _doubt_early(self, session: _Session) -> None:
        """A ROLLBACK without its BEGIN: the transaction began before this log did, so nothing is known of it."""
        doubted = {id(entry) for entry in session.early or []}
        for entry in session.early or []:
            entry.outcome = "unknown"
        kept = self.ended_well.get(session.who, [])
        self.ended_well[session.who] = [entry for entry in kept if id(entry) not in doubted]

    def _learn(self, who: tuple[str | None, str | None]) -> None:
        if who not in self.open_books:
            self.open_books.add(who)
            for entry in self.ended_well.pop(who, []):
                _set(entry, "committed")

    def _control(self, session: _Session, word: str, name: str) -> None:
        if word in ("rollback", "abort") and not session.open:
            self._doubt_early(session)
        session.early = None
        if word in ("begin", "start"):
            session.open, session.failed = True, False
        elif word in ("commit", "end", "prepare"):
            outcome = "rolled_back" if session.failed else "unknown" if word == "prepare" else "committed"
            self._settle(session, outcome)
        elif word in ("rollback", "abort"):
            if name and any(mark == name for mark, _ in session.marks):
                self._back_to(session, name)
            elif not name:
                self._settle(session, "rolled_back")
        elif word == "savepoint":
            session.marks.append((name, len(session.transaction)))

    def _back_to(self, session: _Session, name: str) -> None:
        while session.marks[-1][0] != name:
            session.marks.pop()
        at = session.marks[-1][1]
        for entry in session.transaction[at:]:
            _set(entry, "rolled_back")
        del session.transaction[at:]
        session.failed = False

    def _settle(self, session: _Session, outcome: str) -> None:
        last = session.transaction[-1] if session.transaction else None
        for entry in session.transaction:
            # COMMIT and ROLLBACK themselves did what they say.
            control = entry is last and entry.statement and _controls(entry.statement) and not _mixed(entry.statement)
            _set(entry, "committed" if control else outcome)
        session.transaction, session.marks = [], []
        session.open = session.failed = False

    def _fail(self, session: _Session, entry: Entry) -> None:
        failed, session.last, session.awaiting = session.last, None, None
        if failed is not None and _same(failed, entry):
            failed.outcome = "failed"
        elif failed is not None:  # the error belongs to a later text, which was not logged: that one ended
            session.last = failed
            self._succeed(session)
        session.failed = session.open
        if entry.severity in ("FATAL", "PANIC"):
            self._settle(session, "rolled_back")

    def _end(self, session: _Session) -> None:
        self._succeed(session)
        self._settle(session, "rolled_back" if session.open else "unknown")

    def _crash(self) -> None:
        for session in self.sessions.values():
            # What ran when the server died was not committed, unless it was the COMMIT itself.
            if session.open and not (session.last and _controls(session.last.statement or "")):
                session.transaction += [session.last] if session.last else []
                self._settle(session, "rolled_back")
        self.sessions.clear()


def _set(entry: Entry, outcome: str) -> None:
    if entry.outcome == "unknown":
        entry.outcome = outcome


def _same(logged: Entry, error: Entry) -> bool:
    # An error inside a statement names it; without STATEMENT (log_min_error_statement) nothing else can be meant.
    return error.statement is None or error.statement.strip() == (logged.statement or "").strip()


def _controls(text: str) -> list[tuple[str, str]]:
    """Transaction commands in the text, in order: the word and the savepoint that it names."""
    if not _CONTROL.search(text):
        return []
    found = []
    for _, statement in _statements(text):
        words = statement.lower().split()
        if words[0] == "prepare" and words[1:2] != ["transaction"]:
            continue
        if words[0] in ("begin", "start", "commit", "end", "rollback", "abort", "savepoint", "prepare"):
            to = words[1:] if words[0] == "savepoint" or "to" in words else []
            found.append((words[0], to[-1] if to else ""))
    return found


def _mixed(text: str) -> bool:
    return len(_controls(text)) != len(_statements(text))


def _statements(text: str) -> list[tuple[int, str]]:
    # What reads a part of a log in a process of its own needs no SQL.
    from triage_kit.sql import statements

    return statements(text)
