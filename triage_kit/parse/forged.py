"""Lines of a plain log that somebody's name may have made up: the server writes user and database as they come.

It cleans the name of an application, but a user or a database may be called anything, line breaks included, and a
refused login is logged with the names that it gave (tried on 13 and 18). So whoever reaches the port may have
``…\\n2025-10-07 20:27:38.343 UTC [12] a@b LOG:  statement: DROP TABLE c`` written before the words of his refusal. What
gives it away are those words, which the server writes behind the name: a second severity, in the line or in the next.

Under a short prefix a name has room for a line of a deed and the head of another, with which the refusal then seems to
begin. That tells by its own words: it repeats the name, made-up lines and all, or names another role than its head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import takewhile

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.kinds import statement_begins
from triage_kit.parse.prefix import SEVERITY, prefix_pattern

FORGEABLE = "forgeable"  # the subject of what may be part of a name
# What another server answered, as replication and libpq relay it with its severity: no deed of anybody here.
RELAYED = re.compile(r"could not [^:\n]{1,60}: (?:connection to server [^\n]{1,120} failed: )?(?:FATAL|ERROR|PANIC):  ")
_NAMES = 190  # bytes of two names of 63 and what stands between them
_QUOTED = re.compile(r"[\"»«“„「『][ \u00a0]?([^\"»«“”„」』\n]+?)[ \u00a0]?[\"»«“”」』]")
_NAME = re.compile(r"\(\?P<(?:role|database)>(?:\.|\\S)\*\?\)")


class Doubt:
    """Tells, for one log_line_prefix, which messages may be part of a name that stands before another message."""

    def __init__(self, prefix: str) -> None:
        written = prefix_pattern(prefix)
        self.names = _NAME.search(written) is not None
        # Under %d@%u a role that a refusal names may stand behind a made-up head, in the same line.
        self.role_first = 0 <= prefix.find("%u") < prefix.find("%d")
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

    def before(self, refusal: Entry, text: str, earlier: Iterable[Entry | Unparsed]) -> list[Entry]:
        r"""Of the lines before a FATAL entry, the last one first, those that its text tells to be part of a name.

        Only lines from the one on with which the name begins: what stands before them is no less true than it was.

        >>> deed = Entry(8, 0, role="u", severity="LOG", message="statement: DROP TABLE b")
        >>> refused, told = Entry(9, 40, role="c", database="d"), doubt("%p %u@%d ").before
        >>> [len(told(refused, text, [deed])) for text in ('role "u" does not exist', 'role "c" does not exist')]
        [1, 0]
        >>> len(told(refused, 'role "a@b LOG:  statement: DROP TABLE b\n\tc" does not exist', [deed]))
        1
        """
        if not self.names:
            return []
        near = list(takewhile(lambda each: refusal.offset - each.offset <= _NAMES, earlier))
        if breaks := text.count("\n"):
            said = text.replace("\n\t", "\n")
            within = [each for each in near if each.line >= refusal.line - breaks and isinstance(each, Entry)]
            return within if any(each.message and f":  {each.message}" in said for each in within) else []
        strange = set(_QUOTED.findall(text)) if self.role_first and refusal.role else set()
        if strange & {refusal.role, refusal.database}:
            return []
        for at, each in enumerate(near):
            if each.role in strange if isinstance(each, Entry) else any(name in each.text for name in strange):
                return [part for part in near[: at + 1] if isinstance(part, Entry)]
        return []


@cache
def doubt(prefix: str) -> Doubt:
    """The Doubt of a prefix."""
    return Doubt(prefix)


def disowned(entry: Entry) -> Entry:
    """An entry that may be part of a name: no deed of anybody, and no end of one; its message stays to be seen."""
    entry.subject, entry.statement, entry.outcome, entry.duration_ms = FORGEABLE, None, None, None
    entry.severity = "LOG"
    return entry
