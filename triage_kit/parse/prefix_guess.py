"""Prefixes that may have written a log, made from its lines alone.

What stands before the severity is cut into what has a form of its own (times, addresses, session ids, numbers) and
words; lines that are cut alike show which parts change. What a word means, a label before it, messages about
connections and the habits of those who write prefixes tell; where nothing does, it has no meaning, not a wrong one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, permutations
from typing import NamedTuple

from triage_kit.parse.languages import UNKNOWN, alternation

_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_ZONE = r"(?:[A-Za-z]{1,6}(?![A-Za-z0-9_])|<?[+-]\d{1,2}(?::?\d\d)?>?)"
_IP4, _IP6 = r"\d{1,3}(?:\.\d{1,3}){3}", r"[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}"
_UNKNOWN = alternation(*UNKNOWN)
_PARTS = re.compile(
    rf"(?P<m>{_STAMP}\.\d{{3}} {_ZONE})|(?P<t>{_STAMP} {_ZONE})|(?P<n>(?<![\w.])\d{{10}}\.\d{{3}}(?![\w.]))"
    rf"|(?P<c>(?<![\w.])[0-9a-f]{{8}}\.[0-9a-f]{{1,8}}(?![\w.]))|(?P<r>(?:{_IP4}|{_IP6}|[A-Za-z][\w.-]*)\(\d+\))"
    rf"|(?P<h>\[local\]|(?:(?<![\w.]){_IP4}|(?<![\w.:]){_IP6})(?![\w.]))|(?P<v>(?<![\w/.])-?\d+/\d+(?![\w/.]))"
    r"|(?P<label>[A-Za-z_]\w*\s*=\s*[\"']?|[A-Za-z_]\w*: )|(?P<fixed>(?<=\d)-1(?=\]))"
    r"|(?P<number>(?<![\w.])-?\d+(?![\w.]))"
    rf"|(?P<word>{_UNKNOWN}|[\w$][\w.$+-]*)|(?P<mark>.)",
    re.DOTALL,
)
_FIXED = ("label", "mark", "fixed")
_STATE = re.compile(r"[0-9A-Z]{5}")
_LABELS = {
    "u": re.compile(r"(?i)(?:user|usr|username|role|u)"),
    "d": re.compile(r"(?i)(?:db|database|dbname|datname|d)"),
    "a": re.compile(r"(?i)(?:app|application|application_name|appname|a)"),
    "h": re.compile(r"(?i)(?:client|host|remote|remote_host|addr|address|ip|h|connection_source)"),
    "b": re.compile(r"(?i)(?:backend|backend_type|type)"),
    "p": re.compile(r"(?i)(?:pid|process|p)"),
    "l": re.compile(r"(?i)(?:line|log_line|l)"),
    "x": re.compile(r"(?i)(?:xid|txid|tid|trx|x)"),
    "e": re.compile(r"(?i)(?:e|state|sqlstate|error_code|sql_error_code|code)"),
    "Q": re.compile(r"(?i)(?:query_?id|qid|Q)"),
}
_BACKENDS = ("client backend", "checkpointer", "background writer", "walwriter", "walsender", "walreceiver", "startup",
             "autovacuum launcher", "autovacuum worker", "logical replication launcher", "logical replication worker",
             "parallel worker", "archiver", "postmaster", "not initialized", "background worker", "logger",
             "io worker", "standalone backend", "slotsync worker")  # fmt: skip
_TAG = re.compile(
    r"(?:idle(?: in transaction(?: \(aborted\))?)?|authentication|startup|initializing|[A-Z]{2,}(?: [A-Z]+){0,3})"
)
_WORDS = re.compile(r"(?P<backend>" + "|".join(_BACKENDS) + r")(?![\w-])|(?P<tag>" + _TAG.pattern + r")(?![\w.-])")
_FACTS = tuple(
    re.compile(each)
    for each in (
        r"(?:replication )?connection authorized: user=(?P<u>\S+)(?: database=(?P<d>\S+))?",
        r"disconnection: session time: \S+ user=(?P<u>\S+) database=(?P<d>\S+) host=(?P<h>\S+)",
        r'password authentication failed for user "(?P<u>[^"]+)"',
        r'database "(?P<d>[^"]+)" does not exist\Z',
        r'role "(?P<u>[^"]+)" (?:does not exist|is not permitted to log in)\Z',
        r'no pg_hba\.conf entry for host "(?P<h>[^"]+)", user "(?P<u>[^"]+)", database "(?P<d>[^"]+)"',
    )
)
_LIKE = {
    letter: re.compile(rf"(?i){words}")
    for letter, words in {
        "a": r"psql|pg_?(?:dump|restore|bench|admin|cli|bouncer|agent|_basebackup)|jdbc|dbeaver|datagrip|driver|"
        r"metabase|sidekiq|rails|puma|celery|gunicorn|django|node|hikari|vacuumdb|patroni|flyway|liquibase|alembic",
        "u": r"user|usr|role|admin|app|svc|service|api|job|worker|owner|_r[ow]\Z|reader|writer|deploy|root|replicat",
        "d": r"db|database|prod|stag|devel|_dev\Z|_test\Z|template\d",
    }.items()
}
_MOST = 8  # ways to cut lines that are tried
_MOST_WORDS = 4  # of a prefix: more make a pattern that may take long


Part = tuple[str, str]  # its kind, a group of _PARTS, and its text
_OF_SESSIONS = ("role", "database", "application", "client")


class Head(NamedTuple):
    """What stands before the severity of one line, and what behind it."""

    text: str
    severity: str
    message: str


@dataclass
class _Slot:
    kind: str
    before: str
    values: list[tuple[str, Head]] = field(default_factory=list)
    letter: str = ""

    @property
    def distinct(self) -> set[str]:
        return {value for value, _ in self.values}


def facts(message: str) -> dict[str, str]:
    """What a message about a connection says of its user, database and host, by the letters of the escapes."""
    for each in _FACTS:
        if found := each.match(message):
            return {letter: value for letter, value in found.groupdict().items() if value}
    return {}


def guesses(heads: Sequence[Head], pattern_of: Callable[[str], str]) -> Iterator[str]:
    """Prefixes made from the lines, those first that fit the most ways in which lines are cut."""
    cut: dict[str, list[tuple[Head, list[Part]]]] = defaultdict(list)
    for head in heads:
        parts = list(_cut(head.text))
        cut["".join(text if kind in _FIXED else f"\0{kind}\0" for kind, text in parts)].append((head, parts))
    # A session tells more than a process of the server, whose fields are empty.
    order = sorted(cut.values(), key=lambda lines: (-len(lines), -len(lines[0][1])))
    rich = sorted(cut.values(), key=lambda lines: (-sum(kind == "word" for kind, _ in lines[0][1]), -len(lines)))
    for lines in [*order[:_MOST], *rich[:_MOST]]:
        plain = lines[0][1]
        if _words(plain) <= _MOST_WORDS:
            yield from _made(lines, heads, pattern_of)
        glued = [(head, _glued(parts)) for head, parts in lines]
        if glued[0][1] != plain and _words(glued[0][1]) <= _MOST_WORDS:
            yield from _made(glued, heads, pattern_of)


def _words(parts: list[Part]) -> int:
    return sum(kind == "word" for kind, _ in parts)


def _made(
    lines: list[tuple[Head, list[Part]]], heads: Sequence[Head], pattern_of: Callable[[str], str]
) -> Iterator[str]:
    slots, template = _slots(lines)
    _name(slots, heads)
    whole = re.compile(pattern_of(_written(template, slots)))
    found = [whole.fullmatch(head.text) for head in heads]
    if any(each is not None and not any(each.groupdict().get(name) for name in _OF_SESSIONS) for each in found):
        yield _written(template, slots)  # the lines of the server's own processes have empty fields
    else:
        at = _first_of_session(template, slots)
        yield _written(template, slots) if at is None else _quitting(template, slots, at)
    others = [head for head, each in zip(heads, found, strict=True) if each is None]
    yield from _for_sessions(template, slots, others, pattern_of)


def _glued(parts: list[Part]) -> list[Part]:
    """Words between single blanks as one word, as an application's name has them; the one before an @ is a user."""
    found: list[Part] = []
    for at, (kind, text) in enumerate(parts):
        follows = len(found) > 1 and found[-1] == ("mark", " ") and found[-2][0] == "word"
        follows = follows and found[-3:-2] != [("mark", "@")]
        if kind == "word" and follows and parts[at + 1 : at + 2] != [("mark", "@")]:
            blank, before = found.pop(), found.pop()
            found.append(("word", before[1] + blank[1] + text))
        else:
            found.append((kind, text))
    return found


def _first_of_session(template: Sequence[str | int], slots: Sequence[_Slot]) -> int | None:
    """Where %q would stand: behind the blank before the first field that only sessions have; None without one."""
    first = next((at for at, each in enumerate(template)
                  if isinstance(each, int) and slots[each].letter in ("u", "d", "a", "r", "h", "")), None)  # fmt: skip
    if first is None:
        return None
    last = max((at for at, each in enumerate(template[:first]) if isinstance(each, int)), default=-1)
    if last < 0 and first == 0:
        return 0
    blank = next((at for at in range(last + 1, first) if template[at] == " "), None)
    return None if blank is None else blank + 1


def _cut(text: str) -> Iterator[Part]:
    at = 0
    while at < len(text):
        if (found := _WORDS.match(text, at)) and (not at or not (text[at - 1].isalnum() or text[at - 1] in "_.=")):
            yield ("b" if found["backend"] else "i"), found[0]
        else:
            found = _PARTS.match(text, at)
            if found is None:  # nothing is left
                return
            yield str(found.lastgroup), found[0]
        at = found.end()


def _slots(lines: list[tuple[Head, list[Part]]]) -> tuple[list[_Slot], list[str | int]]:
    """The parts that may change, with their values, and what was written: single characters and numbers of slots."""
    slots: list[_Slot] = []
    template: list[str | int] = []
    before = ""
    for at, (kind, text) in enumerate(lines[0][1]):
        if kind in _FIXED:
            template += list(text)
            before += text
            continue
        slot = _Slot(kind, before[-30:], [(parts[at][1], head) for head, parts in lines])
        template.append(len(slots))
        slots.append(slot)
        before = ""
    return slots, template


def _name(slots: list[_Slot], heads: Sequence[Head]) -> None:
    """Give each slot its letter."""
    ported = any("(" in value for slot in slots if slot.kind == "r" for value in slot.distinct) or any(
        re.search(r"\d\(\d+\)", head.text) for head in heads
    )
    taken: set[str] = set()
    for slot in slots:
        if slot.kind in ("m", "t") and taken & {"m", "t", "n"}:
            slot.letter = "s" if slot.kind == "t" else "m"
        elif slot.kind in ("r", "h"):
            slot.letter = "r" if ported else "h"
        elif slot.kind in "mtncvbi":
            slot.letter = slot.kind
        taken.add(slot.letter)
    sessions = next((slot for slot in slots if slot.letter == "c"), None)
    _name_numbers([slot for slot in slots if not slot.letter and slot.kind in ("number", "word")], taken, sessions)
    _name_words([slot for slot in slots if not slot.letter])


def _name_numbers(slots: list[_Slot], taken: set[str], sessions: _Slot | None) -> None:
    for slot in slots:
        if _labelled(slot) == "e" or _of_states(slot):
            slot.letter = "e"
    numbers = [slot for slot in slots if slot.kind == "number" and not slot.letter]
    for slot in numbers:
        label = _labelled(slot)
        if label in ("p", "l", "x", "Q"):
            slot.letter = label
        elif "0" in slot.distinct:
            slot.letter = "x"
        elif any(abs(int(value)) > 1 << 31 for value in slot.distinct if len(value) < 30):
            slot.letter = "Q"
    pids = [[value for value, _ in slot.values] for slot in numbers if slot.letter == "p"]
    if sessions is not None:  # whose second half is the process
        pids.append([str(int(value.partition(".")[2], 16)) for value, _ in sessions.values])
    rest = [slot for slot in numbers if not slot.letter]
    if rest and not pids and "p" not in taken:
        pids.append([value for value, _ in max(rest, key=_steady).values])
    for slot in rest:  # a process keeps its number, the number of the line goes on
        slot.letter = "p" if [value for value, _ in slot.values] in pids else "l"


def _of_states(slot: _Slot) -> bool:
    """Whether the values are SQLSTATEs: five zeros for what is no error."""
    if not all(_STATE.fullmatch(value) for value in slot.distinct):
        return False
    quiet = {value for value, head in slot.values if head.severity == "LOG"}
    mixed = slot.kind == "word" and all(re.search(r"\d", value) for value in slot.distinct)
    return quiet == {"00000"} or (not quiet and mixed)


def _steady(slot: _Slot) -> tuple[float, float]:
    """How much like a process's number: large, and the same for a message and its parts."""
    numbers = [int(value) for value, _ in slot.values if len(value) < 12]
    same = sum(one == other for one, other in pairwise(numbers))
    return (same / max(1, len(numbers) - 1), sum(numbers) / max(1, len(numbers)))


def _labelled(slot: _Slot) -> str:
    """The letter that a label right before the slot means, as ``user=`` or ``time_ms = "``."""
    found = re.search(r"([A-Za-z_]\w*)\s*=\s*[\"']?\Z", slot.before)
    return next((letter for letter, label in _LABELS.items() if found and label.fullmatch(found[1])), "")


def _name_words(slots: list[_Slot]) -> None:
    for slot in slots:
        slot.letter = _labelled(slot)
    free = [slot for slot in slots if not slot.letter and slot.kind == "word"]
    taken = {slot.letter for slot in slots}
    _by_facts(free, taken)
    for one, other in pairwise(slots):
        if other.before == "@" and not one.letter and not other.letter and not taken & {"u", "d"}:
            one.letter, other.letter = "u", "d"
            taken |= {"u", "d"}
    free = [slot for slot in free if not slot.letter]
    open_letters = [letter for letter in "uda" if letter not in taken]
    if len(free) > len(open_letters):  # one may be the name of a host, which is the same everywhere
        free = [slot for slot in free if len(slot.distinct) > 1]
    if len(free) > len(open_letters):
        return
    for slot, letter in zip(free, _best_order(free, open_letters), strict=False):
        slot.letter = letter


def _by_facts(slots: list[_Slot], taken: set[str]) -> None:
    """Words of lines whose message says who is connected."""
    for letter in "udh":
        if letter in taken:
            continue
        votes: Counter[int] = Counter()
        for at, slot in enumerate(slots):
            for value, head in slot.values:
                told = facts(head.message).get(letter)
                if told is not None:
                    votes[at] += 1 if value == told else -5
        best = votes.most_common(2)
        if best and best[0][1] > 0 and (len(best) == 1 or best[1][1] < best[0][1]) and not slots[best[0][0]].letter:
            slots[best[0][0]].letter = letter
            taken.add(letter)


def _best_order(slots: list[_Slot], letters: Sequence[str]) -> tuple[str, ...]:
    """The letters in the order that the values speak for; empty ones where nothing speaks for any."""
    if not slots or not letters:
        return ()
    scored = [(sum(_likely(slot, letter) for slot, letter in zip(slots, order, strict=True)), order)
              for order in permutations([*letters, *[""] * max(0, len(slots) - len(letters))], len(slots))]  # fmt: skip
    scored.sort(key=lambda each: -each[0])
    best = scored[0]
    if list(letters) == ["a"] and len(slots) == 1:  # user and database are known
        return ("a",)
    if best[0] <= 0 or (len(scored) > 1 and scored[1][0] == best[0] and scored[1][1] != best[1]):
        return ("",) * len(slots)
    return best[1]


def _likely(slot: _Slot, letter: str) -> float:
    if not letter:
        return 0.01 if not slot.distinct <= UNKNOWN else 0
    named = [value for value in slot.distinct if value not in UNKNOWN]
    score = sum(bool(_LIKE[letter].search(value)) for value in named) / max(1, len(named))
    score -= sum(bool(_LIKE[other].search(value)) for other in "uda" if other != letter for value in named) / max(
        1, 2 * len(named)
    )
    if letter == "a":  # two words are a user and a database, if nothing speaks for an application
        score += 0.6 if slot.distinct & UNKNOWN else -0.2
    return score


def _written(template: Iterable[str | int], slots: Sequence[_Slot]) -> str:
    """The prefix in the server's words; a word that nobody names is passed over like a command's tag."""
    return "".join(
        each.replace("%", "%%") if isinstance(each, str) else f"%{slots[each].letter or 'i'}" for each in template
    )


def _for_sessions(
    template: Sequence[str | int], slots: Sequence[_Slot], others: Sequence[Head], pattern_of: Callable[[str], str]
) -> Iterator[str]:
    """The same with %q where other lines, those of the server's own processes, end."""
    votes: Counter[int] = Counter()
    for text in dict.fromkeys(head.text for head in others[:200]):
        for at in range(len(template)):  # the first place: what comes behind may be empty
            if re.fullmatch(pattern_of(_written(template[:at], slots)), text):
                votes[at] += 1
                break
    for at, _ in votes.most_common(3):
        yield _quitting(template, slots, at)


def _quitting(template: Sequence[str | int], slots: Sequence[_Slot], at: int) -> str:
    return f"{_written(template[:at], slots)}%q{_written(template[at:], slots)}"
