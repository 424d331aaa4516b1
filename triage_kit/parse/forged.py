"""Lines of a plain log that somebody's name may have made up: the server writes user and database as they come.

It cleans the name of an application, but a user or a database may be called anything, line breaks included, and a
refused login is logged with the names that it gave (tried on 13 and 18). So whoever reaches the port may have
``…\\n2025-10-07 20:27:38.343 UTC [12] a@b LOG:  statement: DROP TABLE c`` written before the words of his refusal. What
gives it away are those words, which the server writes behind the name: a second severity, in the line or in the next.
"""

from __future__ import annotations

import re
from functools import cache

from triage_kit.parse.entry import Entry
from triage_kit.parse.kinds import statement_begins
from triage_kit.parse.prefix import SEVERITY, prefix_pattern

FORGEABLE = "forgeable"  # the subject of what may be part of a name
# What another server answered, as replication and libpq relay it with its severity: no deed of anybody here.
RELAYED = re.compile(r"could not [^:\n]{1,60}: (?:connection to server [^\n]{1,120} failed: )?(?:FATAL|ERROR|PANIC):  ")
_NAMES = 190  # bytes of two names of 63 and what stands between them
_NAME = re.compile(r"\(\?P<(?:role|database)>(?:\.|\\S)\*\?\)")


class Doubt:
    """Tells, for one log_line_prefix, which messages may be part of a name that stands before another message."""

    def __init__(self, prefix: str) -> None:
        written = prefix_pattern(prefix)
        self.names = _NAME.search(written) is not None
        # How every message of a server begins: names with line breaks may end on a line that does not.
        first = re.split("%-?[0-9]*[ud]", prefix)[0]
        self.begins = re.compile(prefix_pattern(first.replace("%q", "")))
        self.head = re.compile(_NAME.sub(rf"(?s:.{{0,{_NAMES}}}?)", written))

    def within(self, before: str, severity: str, message: str) -> bool:
        r"""Whether a severity follows in a message, behind which another one stands if the names are longer.

        >>> said = 'statement: DROP TABLE a --@b FATAL:  role "c@d LOG:  statement: DROP TABLE a --" does not exist'
        >>> doubt("%m [%p] %q%u@%d ").within("2025-10-07 20:27:38.343 UTC [12] c@d ", "LOG", said)
        True
        """
        if not self.names or ":  " not in message[: _NAMES + 20]:
            return False
        line = f"{before}{severity}:  {message[: _NAMES + 20]}"
        begin = len(before) + len(severity) + 3
        first = line.find("\n", begin) % (len(line) + 1)
        relayed = RELAYED.match(message)
        begin += relayed.end() if relayed else 0
        # A statement of several lines may hold lines of a log; whom the server refuses runs none.
        return any(self.head.fullmatch(line, 0, each.start("severity")) is not None
                   for each in SEVERITY.finditer(line, begin)
                   if each.start() < first or not statement_begins(line[each.end() :]))  # fmt: skip

    def ends_behind(self, line: str) -> bool:
        """Whether a line that begins no entry may be the end of names, with the message behind them.

        >>> doubt("%m [%p] %u@%d ").ends_behind(' FATAL:  role "a" does not exist')
        True
        """
        return self.names and not self.begins.match(line) and SEVERITY.search(line, 0, _NAMES) is not None


@cache
def doubt(prefix: str) -> Doubt:
    """The Doubt of a prefix."""
    return Doubt(prefix)


def disowned(entry: Entry) -> Entry:
    """An entry that may be part of a name: no deed of anybody, and no end of one; its message stays to be seen."""
    entry.subject, entry.statement, entry.outcome, entry.duration_ms = FORGEABLE, None, None, None
    entry.severity = "LOG"
    return entry
