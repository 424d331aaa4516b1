"""log_line_prefix as a pattern: https://www.postgresql.org/docs/current/runtime-config-logging.html.

A server formats every line's beginning with this setting, so reading a log begins with knowing or guessing it. The
pattern is anchored at the line's beginning and ends at the severity; an application name or a user may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from triage_kit.errors import PrefixMismatch
from triage_kit.parse.kinds import recognise, statement_begins
from triage_kit.parse.languages import LABEL_OF, SEVERITY_OF, UNKNOWN, alternation, english

if TYPE_CHECKING:
    from triage_kit.parse.prefix_guess import Head

SEVERITIES = (
    "DEBUG",
    "DEBUG1",
    "DEBUG2",
    "DEBUG3",
    "DEBUG4",
    "DEBUG5",
    "INFO",
    "NOTICE",
    "WARNING",
    "ERROR",
    "LOG",
    "FATAL",
    "PANIC",
)
SUB_ENTRIES = ("DETAIL", "HINT", "QUERY", "CONTEXT", "STATEMENT", "LOCATION", "BACKTRACE")

_ZONE = r"(?:[A-Za-z][\w/+-]*|[+-]\d[\d:]*|<[+-]\d[\d:]*>)"
_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_ESCAPES = {
    "a": r"(?P<application>.*?)",
    "u": r"(?P<role>.*?)",
    "d": r"(?P<database>.*?)",
    "r": r"(?P<client>\[local\]|\S*?)",
    "h": r"(?P<client>\[local\]|\S*?)",
    "L": r"\S*?",
    "b": r"[^\d\n]*?",
    "p": r"(?P<pid>\d+)",
    "P": r"\d*",
    "t": rf"(?P<at>{_STAMP} {_ZONE})",
    "m": rf"(?P<at>{_STAMP}\.\d{{3}} {_ZONE})",
    "n": r"(?P<epoch>\d{9,}\.\d{3})",
    "s": rf"(?P<session_start>{_STAMP} {_ZONE})",
    "i": r".*?",
    "e": r"(?P<sqlstate>[0-9A-Z]{5})",
    "c": r"(?P<session>[0-9a-f]+\.[0-9a-f]+)",
    "l": r"\d+",
    "v": r"(?:-?\d+/\d+)?",
    "x": r"(?P<xid>\d+)",
    "Q": r"-?\d+",
}
_ESCAPE = re.compile(r"%(-?\d+)?(.)|%\Z")
SEVERITY_WORDS = alternation(*SEVERITIES, *SEVERITY_OF)
SUB_ENTRY_WORDS = alternation(*SUB_ENTRIES, *LABEL_OF)
# French puts a space before the colon; some labels have fewer spaces behind it in their catalogues.
COLON = (
    r"(?:[ \u00a0]?:  |(?<=쿼리):|(?<=위치): |(?<=ПОЛОЖЕНИЕ): |(?<=YER): |"
    r"(?<=AYRINTI):|(?<=İPUCU):|(?<=SORGU):|(?<=ORTAM):)"
)
_TAIL = rf"(?P<severity>{alternation(*SEVERITIES, *SEVERITY_OF, *SUB_ENTRIES, *LABEL_OF)}){COLON}(?P<message>.*)"


@cache
def pattern(prefix: str) -> re.Pattern[str]:
    """The pattern of a whole line under this prefix, with groups named as Entry's fields.

    >>> pattern("%m [%p] %q%u@%d ").match("2025-10-07 20:27:38.343 UTC [12] app@shop LOG:  hello")["database"]
    'shop'
    """
    return re.compile(prefix_pattern(prefix) + _TAIL, re.DOTALL)


@cache
def matcher(prefix: str) -> Callable[[str], re.Match[str] | None]:
    """What matches a whole line as ``pattern`` does, whatever the application is called.

    A client may call itself ``x LOG:  y``, which would hide all that it does behind a message that nobody knows.

    >>> found = matcher("%m [%p] %a ")("2025-10-07 20:27:38.343 UTC [12] x LOG:  y LOG:  statement: DROP TABLE a")
    >>> found["application"], found["message"]
    ('x LOG:  y', 'statement: DROP TABLE a')
    """
    first = pattern(prefix)
    if "application" not in first.groupindex:
        return first.match

    def match(line: str) -> re.Match[str] | None:
        found = first.match(line)
        if found is None or line.find(":  ", found.start("message"), found.start("message") + _SOON) < 0:
            return found
        return _later(prefix, line, found) or found

    return match


_LONGEST_NAME = 63  # bytes of an application's name, which the server keeps to ASCII
_SOON = 100  # characters of a message in which a second severity may still stand behind an application's name


def _later(prefix: str, line: str, first: re.Match[str]) -> re.Match[str] | None:
    """The line with a longer name of the application, where that makes more sense of it."""
    begin, at = first.start("application"), first.end("severity")
    if begin < 0:
        return None
    while (severity := _GLUED.search(line, at, begin + _LONGEST_NAME + _SOON)) is not None:
        at = severity.end("severity")
        least = first.end("application") - begin + severity.start() - first.start("severity")
        found = _with_longer_name(prefix, least).match(line) if 0 < least <= _LONGEST_NAME else None
        if found and found.start("severity") == severity.start() and _tells_more(first, found):
            return found
    return None


@cache
def _with_longer_name(prefix: str, least: int) -> re.Pattern[str]:
    name = "(?P<application>"
    return re.compile(pattern(prefix).pattern.replace(f"{name}.*?)", f"{name}.{{{least},}}?)", 1), re.DOTALL)


def _tells_more(first: re.Match[str], later: re.Match[str]) -> bool:
    if english(first["severity"]) in SUB_ENTRIES:  # a text of several lines or a literal may hold anything
        return _logs(later["message"]) and later["application"].count("'") % 2 == 0
    if _logs(later["message"]):
        return not _logs(first["message"])
    known = english(later["severity"]) in SUB_ENTRIES or recognise(later["message"], english(later["severity"]))[0]
    return bool(known) and recognise(first["message"], english(first["severity"]))[0] is None


def _logs(message: str) -> bool:
    """Whether a message is a statement that was logged."""
    return message[: statement_begins(message)].endswith(": ")


@cache
def prefix_pattern(prefix: str) -> str:
    """The pattern of what stands before the severity."""
    whole, cut = [], None
    seen: set[str] = set()
    at, last = 0, ""
    for found in _ESCAPE.finditer(prefix):
        between = prefix[at : found.start()]
        # An application's name may have blanks, so that the user or database behind a blank is taken to have none.
        blank, last = last == "a" and between.isspace() and found[2] in ("u", "d"), found[2]
        whole.append(re.escape(between))
        at = found.end()
        if found[2] == "q":  # the rest is for sessions only
            cut = cut if cut is not None else len(whole)
        else:
            written = _escape(found[2], found[1], seen)
            whole.append(written.replace(".*?", r"\S*?") if blank else written)
    whole.append(re.escape(prefix[at:]))
    if cut is not None:
        whole = [*whole[:cut], "(?:", *whole[cut:], ")?"]
    return "".join(whole)


def _escape(letter: str | None, padding: str | None, seen: set[str]) -> str:
    if letter is None:  # a lone % at the end is written as nothing
        return ""
    if letter == "%":
        return "%"
    written = _ESCAPES.get(letter, "")  # the server writes nothing for a letter that it does not know
    name = re.match(r"\(\?P<(\w+)>", written)
    if name and name[1] in seen:  # the same fact twice, as in "%t … %t"
        written = written.replace(name[0], "(?:", 1)
    elif name:
        seen.add(name[1])
    if padding:
        return f"{written} *" if padding.startswith("-") else f" *{written}"
    return written


# Defaults and recommendations of PostgreSQL, its packagers, hosters and log readers.
COMMON = (
    "%m [%p] ",
    "%t [%p] ",
    "%m [%p] %q%u@%d ",
    "%t [%p] %q%u@%d ",
    "%m [%p] %u@%d ",
    "%t [%p-%l] %q%u@%d ",
    "%m [%p] %q[user=%u,db=%d,app=%a] ",
    "%m [%p] %q[user=%u,db=%d,app=%a,client=%h] ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: user=%u,db=%d,app=%a,client=%h ",
    "%t [%p]: [%l-1] user=%u,db=%d ",
    "%t [%p]: [%l-1] %c %x %d %u %a %h ",
    "%m [%p]: [%l-1] db=%d,user=%u ",
    "%t:%r:%u@%d:[%p]:",
    "%t:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a:",
    "%t:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a",
    "%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a",
    "%h %m [%p] %q%u@%d ",
    "%t-%c-",
    "pid=%p,user=%u,db=%d,app=%a,client=%h ",
    "[%p] %q%u@%d ",
    "%m %u@%d %r [%p] ",
    "%n [%p] ",
    "< %m > ",
    "%m ",
    "%t ",
    "",
)

_GUESSES = (
    (rf"(?P<at>{_STAMP}\.\d{{3}} {_ZONE})", "%m"),
    (rf"(?P<at>{_STAMP} {_ZONE})", "%t"),
    (r"(?<![\w.])\d{10}\.\d{3}(?![\w.])", "%n"),
    (r"(?<![\w.])[0-9a-f]{8}\.[0-9a-f]{1,8}(?![\w.])", "%c"),
    (r"(?<=\buser=)[^\s,\]|:;]*", "%u"),
    (r"(?<=\bdb=)[^\s,\]|:;]*|(?<=\bdatabase=)[^\s,\]|:;]*", "%d"),
    (r"(?<=\bapp=)[^,\]|;]*?(?=[,\]|;]|\s\Z)|(?<=\bapplication=)[^,\]|;]*?(?=[,\]|;]|\s\Z)", "%a"),
    (r"(?<=\bclient=)[^\s,\]|;]*|(?<=\bhost=)[^\s,\]|;]*", "%h"),
    (r"(?<=\bpid=)\d+", "%p"),
    (r"(?<=\[)\d+(?=-1\])", "%l"),
    (r"(?<=\[)\d+(?=\])", "%p"),
    (r"(?<![\w%@.-])[\w.-]+@[\w.-]+(?![\w@.])", "%u@%d"),
    (r"\[local\]|(?<![\w.])[\w.:-]+\(\d+\)", "%r"),
    (r"(?<![\w/])\d+/\d+(?![\w/])", "%v"),
    (r"(?<![\w%])[0-9A-Z]{5}(?=\W*\Z)", "%e"),
    (r"(?<![\w%.:/-])\d{2,7}(?![\w.:/-])", "%p"),
)
SEVERITY = re.compile(rf"(?<![\w-])(?P<severity>{SEVERITY_WORDS}|{SUB_ENTRY_WORDS}){COLON}")
_GLUED = re.compile(SEVERITY.pattern.removeprefix(r"(?<![\w-])"))  # a prefix that ends with an application's name
_NO_HOST = re.compile(r"[@|{}<>,;=]|\[(?!local\])")
_MOST_LINES = 300
_LONGEST, _MOST_MARKS = 1_000, 30  # characters and equal marks before a severity
_SPACED = re.compile(r"[\s@|\[\]{}<>/,;]|\b(?:user|db|app|client|host)=")
_ODD = re.compile(r"[@|\[\]{}<>]|\A[\s\"=:,;/]|[\s\"=:,;/]\Z|\b(?:user|db|app|client|host)=")
_UNLIKELY = (("role", _SPACED), ("database", _SPACED), ("application", _ODD), ("client", _NO_HOST))


def guess(line: str) -> str | None:
    """A prefix made from one line: what looks like a time, a pid or a user becomes its escape, the rest stays.

    >>> guess("2025-10-07 20:27:38 CEST | 4711 | app@shop | LOG:  hello")
    '%t | %p | %u@%d | '
    """
    severity = SEVERITY.search(line)
    if severity is None:
        return None
    head = line[: severity.start()].replace("%", "%%")
    used: set[str] = set()
    for written, escape in _GUESSES:
        if escape not in used and (found := re.search(written, head)):
            head = head[: found.start()] + escape + head[found.end() :]
            used.add(escape)
    return head


def infer_prefix(sample: Sequence[str]) -> str:
    """The prefix that fits the most lines of the sample; among equals the one that tells more.

    Raises PrefixMismatch, with the line and the best guess, when no prefix fits any line.
    """
    from triage_kit.parse.prefix_guess import guesses

    heads = [line for line in sample if line and not line.startswith("\t")]
    few = _spread([line for line in heads if _plausible(line)])
    learnt = list(guesses([head for line in few if (head := _head(line)) is not None], prefix_pattern))
    made = [] if learnt else [each for line in heads[:40] if (each := guess(line)) is not None]
    candidates = list(dict.fromkeys([*COMMON, *learnt, *made]))
    scored = [(*_fit(each, few), -each.count("%i"), -at, each) for at, each in enumerate(candidates)]
    fit, *_, best = max(scored, default=(0, ""))
    if fit <= 0 and not _share(best, heads):
        shown = next((line for line in (*heads, *sample) if line.strip()), "")  # all may look like continued lines
        raise PrefixMismatch(_mismatch(shown, best, "no known log_line_prefix fits"))
    return best.replace("%t", "%s", 1) if _of_sessions(best, few) else best


def _of_sessions(prefix: str, lines: Sequence[str]) -> bool:
    """Whether what looks like the time of a line is that of its session's beginning (%s).

    A process keeps such a time, and comes back with it behind the later ones of others.
    """
    match, since, latest = pattern(prefix).match, dict[str, datetime](), None
    returned = changed = 0
    for found in map(match, lines) if "%t" in prefix and ("%p" in prefix or "%c" in prefix) else ():
        if found is None:
            continue
        groups = found.groupdict()
        who, at = groups.get("session") or groups.get("pid") or "", datetime.fromisoformat(groups["at"][:19])
        if who in since:
            changed += since[who] != at
            returned += since[who] == at and latest is not None and latest - at > _LATE
        since[who] = at
        latest = max(latest or at, at)
    return returned > max(1, 10 * changed)


_LATE = timedelta(seconds=2)


def _plausible(line: str) -> bool:
    """Whether a severity comes soon: what no prefix fits may take a pattern of several words very long."""
    found = SEVERITY.search(line, 0, _LONGEST) or _GLUED.search(line, 0, _LONGEST)
    return found is not None and max(map(line[: found.start()].count, " ,;:|/@")) <= _MOST_MARKS


def _spread(lines: Sequence[str]) -> Sequence[str]:
    """At most so many lines: the first ones, and of the rest some from everywhere."""
    if len(lines) <= 2 * _MOST_LINES:
        return lines
    rest = lines[_MOST_LINES:]
    return [*lines[:_MOST_LINES], *rest[:: len(rest) // _MOST_LINES + 1]]


def _head(line: str) -> Head | None:
    from triage_kit.parse.prefix_guess import Head

    found = SEVERITY.search(line) or _GLUED.search(line)
    return Head(line[: found.start()], english(found["severity"]), line[found.end() :]) if found else None


def _fit(prefix: str, lines: Sequence[str]) -> tuple[float, int]:
    """How many lines the prefix explains and how many facts it reads; to say what the line denies counts against it."""
    from triage_kit.parse.prefix_guess import facts

    match, fit = matcher(prefix), 0.0
    told: set[str] = set()
    for line in lines:
        found = match(line)
        if found is None:
            continue
        groups = found.groupdict()
        said = facts(groups["message"])
        # What stands behind a blank belongs to the name, or is the message's next word.
        told_of = [(f"{groups.get(name) or said.get(letter)} ", f"{said.get(letter)} ")
                   for letter, name in (("u", "role"), ("d", "database")) if letter in said]  # fmt: skip
        denied = not all(ours.startswith(theirs) for ours, theirs in told_of)
        odd = sum(bool(each.search(_said(groups.get(name)))) for name, each in _UNLIKELY)
        fit += -2 if denied else 1 - 0.3 * odd
        told |= {name for name, value in groups.items() if value}
    return fit, len(told)


def _said(value: str | None) -> str:
    text = (value or "").strip()
    return "" if text in UNKNOWN else text


def _share(prefix: str, lines: Sequence[str]) -> int:
    match = pattern(prefix).match
    return sum(1 for line in lines if match(line))


def _mismatch(line: str, prefix: str, found: str) -> str:
    return (
        f"{found}: got the line {line[:200]!r}, tried {prefix!r}; write the server's setting "
        "(SHOW log_line_prefix) into case.yaml as log_line_prefix"
    )


def check_prefix(prefix: str, sample: Sequence[str]) -> None:
    """Raise PrefixMismatch, showing a line and the prefix, when the prefix fits no line of the sample."""
    heads = [line for line in sample if line and not line.startswith("\t")]
    if heads and not _share(prefix, heads):
        raise PrefixMismatch(_mismatch(heads[0], prefix, "the log_line_prefix fits no line of the log"))
