"""What a message is about, and the numbers in those that carry evidence.

``messages.TABLE`` names the subjects; a subject's kind is the coarse word that analyses use. Statements and durations
are recognised in the languages of ``languages``, the messages that carry evidence by ``translations``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

from triage_kit.parse.entry import Entry
from triage_kit.parse.languages import DURATION, EXECUTE, FETCH, STATEMENT, STEP
from triage_kit.parse.messages import TABLE
from triage_kit.parse.translations import TABLE as TRANSLATIONS
from triage_kit.parse.transliteration import spelt


class Subject(NamedTuple):
    """One subject of messages, its kind (a word of log_events.kind) and its meaning in words."""

    name: str
    kind: str
    meaning: str


_OWN = (
    Subject("statement", "statement", "a statement that the server was sent"),
    Subject("execute", "statement", "a prepared statement that ran, as drivers send them"),
    Subject("fetch", "statement", "more rows of a portal"),
    Subject("duration", "duration", "how long the statement before it took"),
    Subject("duration_statement", "duration", "a statement with its duration, logged when it was done"),
    Subject("duration_step", "duration", "how long parsing or binding took: nothing ran"),
    Subject("fastpath", "statement", "a function called by number, outside of SQL"),
)
_STATEMENT = re.compile(STATEMENT + r": (?P<text>.*)", re.DOTALL)
_ENGLISH = "statement: "  # as most messages begin: no pattern of all languages is needed for them
_FETCH = re.compile(FETCH + r" [^\n:]*?[ \u00a0]?: (?P<text>.*)", re.DOTALL)
_EXECUTE = re.compile(EXECUTE + r" [^\n:]*?[ \u00a0]?: (?P<text>.*)", re.DOTALL)
_DURATION = re.compile(DURATION + r"(?:(?:  ?|, )(?P<rest>.*))?", re.DOTALL)
BARE_DURATION = re.compile(r"duration: (\d+\.\d+) ms")  # without a statement, which another line has logged
_VERBOSE = re.compile(r"[0-9A-Z]{5}: ")
_STEP = re.compile(STEP + r"\b")
_FASTPATH = re.compile("fastpath function call: ")
_LITERAL = re.compile(r"[A-Za-z ]*")
_ERRORS = frozenset(("ERROR", "FATAL", "PANIC"))
# What an error may still be besides an error; everything else of that severity is one.
_BESIDES = frozenset(("deadlock", "lock", "disconnection", "crash"))
_SHORT = 3
_RAISED = re.compile(r"\A[^\n]*PL/pgSQL[^\n]*\bRAISE\b")  # what a function says, in words of its own


def _read(table: str) -> tuple[dict[str, Subject], list[tuple[str, Subject]]]:
    subjects = {each.name: each for each in _OWN}
    patterns = []
    subject = _OWN[0]
    for line in table.strip("\n").split("\n"):
        if line.startswith(" "):
            patterns.append((line.strip(), subject))
        else:
            subject = Subject(*(part.strip() for part in line.split("|")))
            subjects[subject.name] = subject
    return subjects, patterns


def _beginning(pattern: str) -> str:
    """The first letters that every match has, empty when there are too few to tell by."""
    literal = _LITERAL.match(pattern)
    text = literal[0] if literal else ""
    if pattern[len(text) : len(text) + 1] in ("?", "*", "{"):
        text = text[:-1]
    return text[:_SHORT] if len(text) >= _SHORT else ""


SUBJECTS, _PATTERNS = _read(TABLE)
_ANY = [(at, subject, text) for at, (text, subject) in enumerate(_PATTERNS) if not _beginning(text)]
_BY_BEGINNING: dict[str, list[tuple[int, Subject, str]]] = {}
for _at, (_text, _subject) in enumerate(_PATTERNS):
    if _start := _beginning(_text):
        _BY_BEGINNING.setdefault(_start, []).append((_at, _subject, _text))
_compiled = cache(re.compile)  # when it is first asked for: one log has few of the kinds


def recognise(message: str, severity: str = "LOG") -> tuple[str | None, str]:
    """Subject and kind of a message; the subject is missing, and the kind ``other`` or ``error``, when it is unknown.

    >>> recognise('truncate cascades to table "b"', "NOTICE"), recognise("something new")
    (('truncate_cascade', 'other'), (None, 'other'))
    """
    failed = severity in _ERRORS
    if not failed and (own := _own(message)):
        return own, SUBJECTS[own].kind
    found = _known(message) if len(message) < _REMEMBERED else _first(message) or _translated(message)
    if failed:
        return (found.name, found.kind if found.kind in _BESIDES else "error") if found else (None, "error")
    if found is None:
        return None, "other"
    return found.name, "other" if found.kind == "error" else found.kind


def classify(message: str, severity: str = "LOG") -> str:
    """The kind of a message, a word of log_events.kind; ``other`` when no text is known.

    >>> classify("checkpoint starting: time"), classify('relation "a" does not exist', "ERROR")
    ('checkpoint_starting', 'error')
    """
    return recognise(message, severity)[1]


def _own(message: str) -> str | None:
    if message.startswith(_ENGLISH) or _STATEMENT.match(message):
        return "statement"
    if found := _DURATION.match(message):
        rest = found["rest"]
        if not rest:
            return "duration"
        return (
            None
            if rest.lstrip().startswith("plan:")
            else "duration_step"
            if _STEP.match(rest)
            else "duration_statement"
        )
    if _FETCH.match(message):
        return "fetch"
    if _EXECUTE.match(message):
        return "execute"
    return "fastpath" if _FASTPATH.match(message) else None


def _first(message: str) -> Subject | None:
    best: tuple[int, Subject] | None = None
    for at, subject, pattern in _BY_BEGINNING.get(message[:_SHORT], ()):
        if _compiled(pattern).match(message):
            best = at, subject
            break
    for at, subject, pattern in _ANY:
        if best is not None and at > best[0]:
            break
        if _compiled(pattern).match(message):
            return subject
    return best[1] if best else None


_REMEMBERED = 1_000  # characters of a message; an application makes the same mistake again and again


@lru_cache(2_000)
def _known(message: str) -> Subject | None:
    return _first(message) or _translated(message)


class _Beginnings(NamedTuple):
    """Patterns of translated messages, by their first character, and those that begin with anything."""

    by_first: dict[str, list[tuple[re.Pattern[str], Subject]]]
    anything: list[tuple[re.Pattern[str], Subject]]

    def find(self, message: str, odd: bool) -> Subject | None:
        """The subject of a message; odd says that it may begin with anything."""
        for pattern, subject in chain(self.by_first.get(message[:1], ()), self.anything if odd else ()):
            if pattern.match(message):
                return subject
        return None


def _lines() -> Iterator[tuple[str, str]]:
    subject = ""
    for line in TRANSLATIONS.strip("\n").split("\n"):
        if line.startswith(" "):
            yield line.strip(" "), subject
        else:
            subject = line


def _compiled_beginnings(told: Iterable[tuple[str, str]]) -> _Beginnings:
    found = _Beginnings({}, [])
    for begin, subject in told:
        end = r"\Z" if begin.endswith("$") else ""
        pattern = re.compile(r"[^\n]{0,200}?".join(map(re.escape, begin.removesuffix("$").split("%"))) + end)
        if begin.startswith("%"):
            found.anything.append((pattern, SUBJECTS[subject]))
        else:
            found.by_first.setdefault(begin[0], []).append((pattern, SUBJECTS[subject]))
    return found


@cache
def _beginnings() -> _Beginnings:
    return _compiled_beginnings(_lines())


@cache
def _spelt_beginnings() -> _Beginnings:
    """The same as a server without a locale spells them, those of which enough letters are left to tell by."""
    meanings: dict[str, set[str]] = {}
    for begin, subject in _lines():
        text = spelt(begin)
        if text != begin and sum(map(str.isalpha, text)) >= _TELLING:
            meanings.setdefault(text, set()).add(subject)
    return _compiled_beginnings((text, named.pop()) for text, named in meanings.items() if len(named) == 1)


def _translated(message: str) -> Subject | None:
    if not message.isascii():
        return _beginnings().find(message, odd=True)
    if found := _beginnings().find(message, odd=False):
        return found
    if found := _spelt_beginnings().find(message, odd="?" in message or ">>" in message or "`" in message):
        return found
    for subject, pattern in _BY_SHAPE.items() if "??" in message else ():
        if pattern.match(message):
            return SUBJECTS[subject]
    return None


_TELLING = 8  # letters that are left of a beginning whose others are question marks
# Of Japanese or Korean no letter is left, but numbers and words of the code stand as they do in every language.
_BY_SHAPE = {
    "checkpoint_complete": re.compile(
        r"\D{1,60}\d+\D{0,60}\(\d+[.,]\d%\)[^;\n]{0,80}; [^;\n]{0,60}WAL[^;\n]{0,80};"
        r"(?: ?[^;,\n]{1,60}[=:] ?\d+[.,]\d{3}\D{1,6}){3}[^\n]*[=:] ?\d+ kB"
    ),
    "checkpoint_starting": re.compile(
        r"[? ]+:(?: (?:shutdown|end-of-recovery|immediate|fast|force|wait|wal|xlog|time|flush-(?:all|unlogged)))+\Z"
    ),
}
_RELATION = re.compile(r'of table "(.+?)"(?=:|\n|\Z| system usage)')
_TUPLES = re.compile(r"tuples: (\d+) removed, (\d+) remain")
_QUOTED = re.compile(r"[\"»«“„「『](?:[ \u00a0])?([^\s\"»«“”„]+\.[^\s\"»«“”„]+\.[^\"»«“”„\n]+?)[ \u00a0]?[\"»«“”」』]")
_LONG_NUMBER = 19  # digits: no count has so many
_CHECKPOINT_NUMBERS = {13: 8, 14: 9}  # how many there are, and where the number of synced files stands
_BUFFERS = re.compile(r"wrote (\d+) (?:SLRU )?buffers")
_SYNC_FILES = re.compile(r"sync files=(\d+)")
_PARAMETERS = re.compile(
    r"(?i)(?:.*\bwith )?(?:parameters|Parameter|parámetros|paramètres|parâmetros|parametry|parametri|"
    r"パラメータ|매개 변수|параметры|parametrar|параметри|参数)[ \u00a0]?: (\$1.*)",
    re.DOTALL,
)


def understand(entry: Entry) -> Entry:
    """Fill what the message itself says: kind, logged statement, duration, table and tuples, buffers and files."""
    if entry.severity != "LOG" or not _ordinary(entry):
        entry.subject, entry.kind = recognise(entry.message, entry.severity or "LOG")
        if entry.subject is None and (entry.sqlstate == "P0001" or _RAISED.search(entry.context or "")):
            entry.subject = "raised" if entry.severity in _ERRORS else "extension_notice"
        if reader := _READERS.get(entry.kind):
            reader(entry)
    for text in (entry.detail, entry.context):
        if text and (found := _PARAMETERS.match(text)):
            entry.parameters = found[1]
            break
    return entry


def _ordinary(entry: Entry) -> bool:
    """Read what most of a log is made of without the patterns of all languages; whether it was that."""
    if entry.message.startswith(_ENGLISH):
        entry.subject, entry.kind, entry.statement = "statement", "statement", entry.message[len(_ENGLISH) :]
        return True
    if found := BARE_DURATION.fullmatch(entry.message):
        entry.subject, entry.kind, entry.duration_ms = "duration", "duration", float(found[1])
        return True
    return False


def statement_begins(message: str) -> int:
    """How many characters of a message stand before the statement that it logs; 0 when it logs none.

    >>> statement_begins("duration: 1.5 ms  statement: SELECT 1")
    29
    """
    for pattern in (_STATEMENT, _FETCH, _EXECUTE):
        if found := pattern.match(message):
            return found.start("text")
    if (found := _DURATION.match(message)) and found["rest"]:
        return found.start("rest") + statement_begins(found["rest"])
    return 7 + statement_begins(message[7:]) if _VERBOSE.match(message) else 0


def _statement(entry: Entry) -> None:
    _set_statement(entry, entry.message)


def _set_statement(entry: Entry, message: str) -> None:
    if (text := _logged(message)) is not None:
        entry.statement = text


def _logged(message: str) -> str | None:
    """The statement that a message logs."""
    if message.startswith(_ENGLISH):
        return message[len(_ENGLISH) :]
    found = _STATEMENT.match(message) or _FETCH.match(message) or _EXECUTE.match(message)
    return found["text"] if found else None


def _duration(entry: Entry) -> None:
    if not (found := _DURATION.match(entry.message)):
        return
    entry.duration_ms = float(found["ms"].replace(",", "."))
    # parse and bind steps name the same text, but run nothing.
    if found["rest"] and entry.subject == "duration_statement":
        _set_statement(entry, found["rest"])


def _vacuum(entry: Entry) -> None:
    if found := _RELATION.search(entry.message) or _QUOTED.search(entry.message):
        entry.relation = found[1]
    if found := _TUPLES.search(entry.message):
        entry.removed, entry.remain = int(found[1]), int(found[2])
    elif entry.kind == "autovacuum":  # translated: the third line is that of the tuples in every language
        numbers = re.findall(r"\d+", "".join(entry.message.split("\n")[2:3]))
        if len(numbers) in (2, 3, 4) and all(len(each) < _LONG_NUMBER for each in numbers):
            entry.removed, entry.remain = int(numbers[0]), int(numbers[1])


def _checkpoint(entry: Entry) -> None:
    if found := _BUFFERS.search(entry.message):
        entry.buffers = int(found[1])
    if found := _SYNC_FILES.search(entry.message):
        entry.sync_files = int(found[1])
    if entry.buffers is None:
        # Translated: the numbers have the order of the English message, from 17 on with SLRU buffers as the third.
        numbers = re.findall(r"\d+(?:[.,]\d+)?", entry.message.partition("lsn=")[0])
        counts = [numbers[0], numbers[_CHECKPOINT_NUMBERS[len(numbers)]]] if len(numbers) in _CHECKPOINT_NUMBERS else []
        if counts and all(each.isdecimal() and len(each) < _LONG_NUMBER for each in counts):
            entry.buffers, entry.sync_files = map(int, counts)


_READERS = {
    "statement": _statement,
    "duration": _duration,
    "autovacuum": _vacuum,
    "autoanalyze": _vacuum,
    "checkpoint_complete": _checkpoint,
}
