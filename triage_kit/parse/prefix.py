"""log_line_prefix as a pattern: https://www.postgresql.org/docs/current/runtime-config-logging.html.

A server formats every line's beginning with this setting, so reading a log begins with knowing or guessing it. The
pattern is anchored at the line's beginning and ends at the severity; an application name or a user may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from triage_kit.errors import PrefixMismatch
from triage_kit.parse.languages import LABEL_OF, SEVERITY_OF, alternation

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
# French puts a space before the colon; three labels have fewer spaces behind it in their catalogues.
_COLON = r"(?:[ \u00a0]?:  |(?<=쿼리):|(?<=위치): |(?<=ПОЛОЖЕНИЕ): )"
_TAIL = rf"(?P<severity>{alternation(*SEVERITIES, *SEVERITY_OF, *SUB_ENTRIES, *LABEL_OF)}){_COLON}(?P<message>.*)"


@cache
def pattern(prefix: str) -> re.Pattern[str]:
    """The pattern of a whole line under this prefix, with groups named as Entry's fields.

    >>> pattern("%m [%p] %q%u@%d ").match("2025-10-07 20:27:38.343 UTC [12] app@shop LOG:  hello")["database"]
    'shop'
    """
    return re.compile(prefix_pattern(prefix) + _TAIL, re.DOTALL)


@cache
def prefix_pattern(prefix: str) -> str:
    """The pattern of what stands before the severity."""
    whole, cut = [], None
    seen: set[str] = set()
    at = 0
    for found in _ESCAPE.finditer(prefix):
        whole.append(re.escape(prefix[at : found.start()]))
        at = found.end()
        if found[2] == "q":  # the rest is for sessions only
            cut = cut if cut is not None else len(whole)
        else:
            whole.append(_escape(found[2], found[1], seen))
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

_GUESSES = tuple(
    (re.compile(written), escape)
    for written, escape in (
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
)
_SEVERITY = re.compile(rf"(?:{SEVERITY_WORDS}):  ")


def guess(line: str) -> str | None:
    """A prefix made from one line: what looks like a time, a pid or a user becomes its escape, the rest stays.

    >>> guess("2025-10-07 20:27:38 CEST | 4711 | app@shop | LOG:  hello")
    '%t | %p | %u@%d | '
    """
    severity = _SEVERITY.search(line)
    if severity is None:
        return None
    head = line[: severity.start()].replace("%", "%%")
    used: set[str] = set()
    for written, escape in _GUESSES:
        if escape not in used and (found := written.search(head)):
            head = head[: found.start()] + escape + head[found.end() :]
            used.add(escape)
    return head


def infer_prefix(sample: Sequence[str]) -> str:
    """The prefix that fits the most lines of the sample; among equals the one that tells more.

    Raises PrefixMismatch, with the line and the best guess, when no prefix fits any line.
    """
    heads = [line for line in sample if line and not line.startswith("\t")]
    guesses = [each for line in heads[:40] if (each := guess(line)) is not None]
    candidates = [*COMMON, *dict.fromkeys(guesses)]
    scored = [(_share(each, heads), _told(each), -at, each) for at, each in enumerate(candidates)]
    share, _, _, best = max(scored, default=(0, 0, 0, ""))
    if not share:
        raise PrefixMismatch(_mismatch(heads[0] if heads else "", best, "no known log_line_prefix fits"))
    return best


def _share(prefix: str, lines: Sequence[str]) -> int:
    matcher = pattern(prefix)
    return sum(1 for line in lines if matcher.match(line))


def _told(prefix: str) -> int:
    return len({found[2] for found in _ESCAPE.finditer(prefix)} - {"q", "%"})


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
