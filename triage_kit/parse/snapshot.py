"""The file that collect.sql writes: answers by name, as psql printed them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from triage_kit.errors import SourceError

FORMAT = 1
FINE = "00000"
FIRST, LAST = "# triage snapshot ", "# end of snapshot"


@dataclass
class Answer:
    """One answer: its rows as JSON gave them, or what the server said instead.

    ``sqlstate`` is 00000 where nothing went wrong and empty where the file ends before the answer does; ``chunks``
    counts the parts that were answered of a question that is asked for some tables at a time, ``asked`` those asked.
    """

    key: str
    variant: str = ""
    role: str = ""
    at: datetime | None = None
    rows: list[dict] = field(default_factory=list)
    chunks: int = 0
    asked: int = 0
    sqlstate: str = ""
    error: str = ""

    @property
    def refused(self) -> bool:
        return self.sqlstate != FINE


@dataclass
class Snapshot:
    """All answers of one file; ``complete`` says whether its last line is there, ``unread`` counts lines of no kind."""

    kit: str
    answers: dict[str, Answer] = field(default_factory=dict)
    complete: bool = False
    unread: list[int] = field(default_factory=list)


def read_snapshot(text: str) -> Snapshot:
    """The answers of a file; raises SourceError when it is none, or of a newer format.

    >>> text = '# triage snapshot 1 kit 0.1\\n# ask a a/130000 {}\\n{"b": 1}\\n# end a 00000 0\\n!'
    >>> read_snapshot(text).answers["a"].rows
    [{'b': 1}]
    """
    lines = text.splitlines() if "\r" in text else text.split("\n")
    snapshot = Snapshot(_kit(lines[0] if lines else ""))
    current: Answer | None = None
    for number, line in enumerate(lines[1:], 2):
        if line.startswith("{") and current is not None:
            _row(line, number, current, snapshot)
        elif line.startswith("# ask "):
            current = _asked(line)
            if current is None:
                snapshot.unread.append(number)
            else:
                snapshot.answers[current.key] = current
        elif line.startswith("# chunk ") and current is not None:
            current.chunks += 1
        elif line.startswith("# end ") and line != LAST:
            current = _ended(line, snapshot)
            if current is None:
                snapshot.unread.append(number)
        elif line.startswith("!") and current is not None:
            current.error = line[1:].strip()
        elif line == LAST:
            snapshot.complete = True
        elif current is not None and current.sqlstate and current.error and line.strip():
            current.error += f" {line.strip()}"  # a message of several lines
        elif line.strip():
            snapshot.unread.append(number)
    return snapshot


def _kit(first: str) -> str:
    if not first.removeprefix("\ufeff").startswith(FIRST):
        raise SourceError(f"it is no snapshot: its first line should begin with {FIRST.strip()!r}, got "
                          f"{first[:60]!r}; `triage collector` prints the script that writes one")  # fmt: skip
    words = first.removeprefix("\ufeff").removeprefix(FIRST).split() or ["unknown"]
    if not words[0].isdecimal() or int(words[0]) > FORMAT:
        raise SourceError(f"it is a snapshot of format {words[0]}; this version reads up to {FORMAT}: update the kit")
    return words[-1]


def _asked(line: str) -> Answer | None:
    """The question of a line; None of one that is damaged."""
    _, _, key, *rest = f"{line} ".split(" ", 4)
    variant = rest.pop(0) if rest else ""
    if not key or not variant:
        return None
    try:
        facts = json.loads(rest[0]) if rest else {}
    except (ValueError, RecursionError):
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    return Answer(key, variant, str(facts.get("role") or ""), instant(facts.get("at")))


def _ended(line: str, snapshot: Snapshot) -> Answer | None:
    """The answer that a line ends; None of one that is damaged."""
    _, _, *words = line.split()
    if not words:
        return None
    key, *rest = words
    answer = snapshot.answers.setdefault(key, Answer(key))
    answer.sqlstate = rest[0] if rest else ""
    answer.asked = int(rest[1]) if len(rest) > 1 and rest[1].isdecimal() else 0
    return answer


def _row(line: str, number: int, current: Answer, snapshot: Snapshot) -> None:
    try:
        current.rows.append(json.loads(line))
    except (ValueError, RecursionError):
        snapshot.unread.append(number)


def instant(value: object) -> datetime | None:
    """An instant as row_to_json writes it; what no datetime can hold (infinity, years before Christ) is missing.

    >>> instant("2025-10-08T10:37:29.5+00:00"), instant("infinity")
    (datetime.datetime(2025, 10, 8, 10, 37, 29, 500000, tzinfo=datetime.timezone.utc), None)
    """
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
