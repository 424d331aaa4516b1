"""Names before a message that look like a message's beginning: whoever connects chooses them, refused logins too.

A database called ``x LOG:  y`` would hide what its sessions do, and a user called ``a@b LOG:  statement: DROP TABLE c``
would make a deed up with nothing but a refused login. What the server writes between the arrival of a connection and
its admission, nobody else can: no function runs yet. So names are taken from there alone, and hold for that process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

from triage_kit.parse.kinds import recognise, statement_begins
from triage_kit.parse.languages import UNKNOWN, english
from triage_kit.parse.prefix import SEVERITY, pattern, prefix_pattern

_FAR = 400  # characters before which a message begins, behind a time and two names of 63 bytes
_MOST = 12  # places at which it may begin that are tried
_LET_IN = re.compile(
    r"[^=\n]*?=(?P<role>.+?)(?: [^ =\n]+=| base de donn[ée?]es | database )(?P<database>.+?)"
    r"(?: (?:application_name|[^ =\n]+)=.*| (?:SSL|GSS)\b.*)?"
)
_QUOTED = {
    "role": re.compile(r'\b(?:user|role) "(?P<name>.+?)"(?=, database| does not|, SSL|, no|\Z)'),
    "database": re.compile(r'\bdatabase "(?P<name>.+?)"(?= does not|, SSL|, no|\Z)'),
}
_NOBODY = frozenset((*UNKNOWN, "", None))
_ENTERING = ("connection_received", "connection_authenticated")


class Names:
    """What is known of the names of each session of one log."""

    def __init__(self, prefix: str) -> None:
        whole = pattern(prefix)
        self.head = prefix_pattern(prefix)
        self.tail = whole.pattern.removeprefix(self.head)
        self.named = [each for each in ("role", "database") if each in whole.groupindex]
        self.entering: set[str] = set()
        self.odd: dict[str, re.Pattern[str]] = {}  # lines of sessions whose names hold what begins a message

    def settled(self, key: str, found: re.Match[str] | None = None) -> bool:
        """Whether lines of the process that key names are read as they read by themselves; found is one of them."""
        if not self.named or not key:
            return True
        somebody = found is None or found[self.named[0]] not in _NOBODY
        return somebody and key not in self.odd and key not in self.entering

    def read(self, key: str, line: str, found: re.Match[str]) -> re.Match[str]:
        """The line as it is to be read, of the process that key names; found is how it reads by itself."""
        if self.settled(key, found):
            return found
        if key in self.odd:
            found = self.odd[key].match(line) or found
            if found["severity"] == "FATAL" or _subject(found) == "disconnection":
                del self.odd[key]
        if self._arrives(found):
            self.entering.add(key)
            self.odd.pop(key, None)
        elif key in self.entering:
            if ":  " in found["message"][:_FAR]:
                found = self._admitted(line, found)
            if _subject(found) not in _ENTERING:
                self.entering.discard(key)
                names = found.groupdict()
                if any(":  " in (names.get(each) or "") for each in ("role", "database")):
                    self.odd[key] = self._with(names)
        return found

    def _arrives(self, found: re.Match[str]) -> bool:
        nobody = all((found[each] or "[unknown]").strip() in UNKNOWN for each in self.named)
        return nobody and _subject(found) == "connection_received"

    def _admitted(self, line: str, found: re.Match[str]) -> re.Match[str]:
        """The reading of a line before a session may run anything: its message says the names that stand before it."""
        harmless = [] if statement_begins(found["message"]) else [found]
        for severity in islice(SEVERITY.finditer(line, found.start("severity"), _FAR), _MOST):
            said = _names_in(line[severity.end() :])
            # Each name twice: neither alone tells where it ends.
            told = self._with(said).match(line) if said else None
            if told is not None and told.start("severity") == severity.start():
                return told
            bare = re.compile(self.head, re.DOTALL).fullmatch(line, 0, severity.start())
            if bare is not None and not statement_begins(line[severity.end() :]):
                exact = self._with(bare.groupdict()).match(line)
                harmless += [exact] if exact is not None and _subject(exact) in _ENTERING else []
        return harmless[-1] if harmless else found

    def _with(self, names: Mapping[str, str | None]) -> re.Pattern[str]:
        """The pattern of a line with these names before its severity."""
        written = self.head
        for each in ("role", "database"):
            if name := names.get(each):
                free = re.search(rf"\(\?P<{each}>(?:\.|\\S)\*\?\)", written)
                if free is not None:
                    written = f"{written[: free.start()]}(?P<{each}>{re.escape(name)}){written[free.end() :]}"
        return re.compile(written + self.tail, re.DOTALL)


def _subject(found: re.Match[str]) -> str | None:
    return recognise(found["message"], english(found["severity"]))[0]


def _names_in(message: str) -> dict[str, str]:
    """Role and database of which a message of a login speaks."""
    if recognise(message)[0] == "connection_authorized":
        found = _LET_IN.fullmatch(message)
        return found.groupdict() if found else {}
    quoted = {each: found["name"] for each, words in _QUOTED.items() if (found := words.search(message))}
    return {} if statement_begins(message) else quoted
