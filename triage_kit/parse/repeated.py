"""Lines of a plain log that begin like one that was read before: most do, and the pattern need not tell them again.

What stands between the time and the message is looked up as a whole. That reads as it did before only where nothing
else in the line may be taken for a severity, so every line that holds more colons goes through the pattern.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from triage_kit.parse.entry import Entry
from triage_kit.parse.lines import Line

_SECOND, _TIME = len("2025-10-07 20:27:38."), len("2025-10-07 20:27:38.343")
_BEGINNINGS = ("statement: ", "duration: ")
_LONGEST = max(map(len, _BEGINNINGS))
_MOST = 1_000  # heads that are kept


class Head(NamedTuple):
    """Of lines with one head: where their time ends, the fields that all of them have, the key of their session."""

    time: int
    fields: tuple
    key: str


class Repeated:
    """The heads of one log that the pattern has read; none under a prefix that begins otherwise than with %m."""

    def __init__(self, prefix: str) -> None:
        self.known: dict[str, Head] = {}
        self.second = ""  # up to which the time of a line was read last
        self.serves = prefix.startswith("%m ") and "%n" not in prefix

    def find(self, line: Line) -> tuple[Head, int] | None:
        """The head of a line and where its severity ends, if the line surely reads as one that was read before."""
        text = line.text
        if text[:_SECOND] != self.second or line.at or line.pid:
            return None
        end = text.find(":  ", _TIME)
        head = self.known.get(text[_TIME:end])
        if head is None or not _tame(text, end) or not text[_SECOND:_TIME].isdecimal():
            return None
        return head, end

    def learn(self, line: Line, found: re.Match[str], entry: Entry, key: str) -> None:
        """Take a line that the pattern has read."""
        text, end = line.text, found.end("severity")
        if not self.serves or line.at or line.pid or found["severity"] != "LOG" or not _tame(text, end):
            return
        if text.find(":  ", _TIME) == end:
            if len(self.known) >= _MOST:
                self.known.clear()
            fields = (entry.severity, entry.sqlstate, entry.pid, entry.session, entry.role, entry.database,
                      entry.application, entry.client, entry.xid)  # fmt: skip
            self.second, self.known[text[_TIME:end]] = text[:_SECOND], Head(found.end("at"), fields, key)


def _tame(text: str, end: int) -> bool:
    """Whether a message is a statement or a duration, and nothing in it may be taken for a severity or a label."""
    return text.startswith(_BEGINNINGS, end + 3) and text.find(":", end + 3 + _LONGEST) < 0 and text.isascii()
