"""What a block of each format is made of: where entries begin, and which of them are ordinary."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np

from triage_kit.parse.csvlog import HEAD
from triage_kit.parse.languages import LABEL_OF
from triage_kit.parse.prefix import SUB_ENTRIES, matcher, pattern, prefix_pattern
from triage_kit.parse.scan.complement import Ambiguous, chars, lines_unlike
from triage_kit.parse.scan.engine import HYPHEN, QUOTE, Lines, re2
from triage_kit.parse.scan.grammar import ordinary, whole_csv

_ORDINARY = "(?:statement: |duration: |execute |connection received: |connection auth|disconnection: session time: )"
SUBS = frozenset((*SUB_ENTRIES, *LABEL_OF))
# A field of free text that holds a colon is looked at by the plain parser: it may look like a severity.
_FREE = {r".*?": r"[^:\n]*?"}


class Shape:
    """Of one block: ``heads`` (lines at which entries begin) and ``plain`` (of these, the ordinary ones)."""

    def __init__(self, heads: np.ndarray, plain: np.ndarray, entries: int) -> None:
        self.heads, self.plain, self.entries = heads, plain, entries


def shape(lines: Lines, format: str, prefix: str, odd: np.ndarray | None = None) -> Shape | None:
    """The shape of a block that begins with an entry; None when the block holds what only the plain parser can sort.

    odd are the lines that are not ordinary, where a matcher has told them already.
    """
    if b"\0" in lines.block:
        return None
    if odd is None:
        odd = np.flatnonzero(~lines.match(_expression(format, prefix)))
    return _SHAPES[format](lines, prefix, odd)


@cache
def odd_lines(format: str, prefix: str) -> str | None:
    """The pattern of lines that begin no ordinary entry and continue none; None where the prefix allows no such one."""
    try:
        return lines_unlike(ordinary(format, prefix), chars("\t") if format == "stderr" else frozenset())
    except Ambiguous:
        return None


def odd_pattern(format: str, prefix: str) -> dict[str, str]:
    """The same for a matcher, by its name."""
    odd = odd_lines(format, prefix)
    return {"odd": odd} if odd is not None else {}


@cache
def _expression(format: str, prefix: str) -> str:
    """The pattern of ordinary lines."""
    try:
        return f"(?s)^{ordinary(format, prefix).match}"
    except Ambiguous:
        free = prefix_pattern(prefix)
        for text, stricter in _FREE.items():
            free = free.replace(text, stricter)
        return rf"(?s)^{re2(free)}LOG:  {_ORDINARY}"


def _stderr(lines: Lines, prefix: str, odd: np.ndarray) -> Shape | None:
    plain = ~lines.tabbed
    kinds = plain.astype(np.int8)  # 1 an entry, 2 a part of one, 3 nothing
    match = matcher(prefix)
    heads_of: dict[int, int] = {}  # of parts, how much stands before their label
    details = _details(lines, prefix, odd, plain)
    plain[details], kinds[details] = False, 2
    for each in odd[plain[odd]].tolist():
        raw = lines.text(each).rstrip(b"\r\n")
        found = match(raw.decode("utf-8", "surrogateescape"))
        plain[each] = False
        if found is None:
            kinds[each] = 3
        elif found["severity"] in SUBS:
            kinds[each] = 2
            heads_of[each] = len(raw[: found.start("severity")]) if raw.isascii() else 0
    heads, parts = np.flatnonzero((kinds & 1).view(bool)), np.array([*heads_of], np.int64)
    if not len(heads) or heads[0] != 0:
        return None
    if len(parts):
        before = heads[np.searchsorted(heads, parts) - 1]
        if (kinds[before] == 3).any() or _strangers(lines, before, heads_of, prefix):
            return None
    return Shape(heads, plain[heads], len(heads) - int(np.count_nonzero(kinds[odd] == 3)))


def _details(lines: Lines, prefix: str, odd: np.ndarray, begin: np.ndarray) -> list[int]:
    """Of odd lines the DETAILs that begin to the letter as the ordinary entry before them, up to its severity.

    A session that sends parameters writes one with each statement; what fits a prefix there fits it here.
    """
    if ":  " in prefix:
        return []
    ordinary = begin.copy()
    ordinary[odd] = False
    some = odd[begin[odd] & (odd > 0)]
    some = some[ordinary[some - 1]]
    block, edges, found = lines.block, lines.edges, []
    places = zip(some.tolist(), edges[some - 1].tolist(), edges[some].tolist(), edges[some + 1].tolist(), strict=True)
    for line, own, at, end in places:
        label = block.find(b"DETAIL:  ", at, end)
        behind = own + label - at
        if label > at and block.startswith(b"LOG:  ", behind) and block[at:label] == block[own:behind]:
            found.append(line)
    return found


def _strangers(lines: Lines, before: np.ndarray, parts: dict[int, int], prefix: str) -> bool:
    """Whether a part stands behind an entry of another process: backends wrote into each other."""
    match, pid = matcher(prefix), _pid_of(prefix)
    edges, block = lines.edges, lines.block
    for (part, length), head in zip(parts.items(), before.tolist(), strict=True):
        at, own = int(edges[part]), int(edges[head])
        if length and block.startswith(block[at : at + length], own):
            continue  # the same prefix to the letter
        if _session(lines.text(part), match, pid) != _session(lines.text(head), match, pid):
            return True
    return False


def _session(raw: bytes, match: Callable, pid: Callable[[re.Match[str]], str | None]) -> str | None:
    found = match(raw.decode("utf-8", "surrogateescape"))
    return pid(found) if found else None


@cache
def _pid_of(prefix: str) -> Callable[[re.Match[str]], str | None]:
    names = [name for name in ("session", "pid") if name in pattern(prefix).groupindex]
    return lambda found: next((found[name] for name in names if found[name]), None)


def _csv(lines: Lines, prefix: str, odd: np.ndarray) -> Shape | None:
    begins = np.ones(len(lines), bool)
    begins[odd] = False
    # A head begins with a year, in whatever digits; most odd lines are those of a text, which seldom do.
    starts = lines.starts[odd]
    fifth = np.minimum(starts + 4, len(lines.bytes) - 1)
    asked = odd[(lines.bytes[fifth] == HYPHEN) | (lines.bytes[starts] > 127)]
    begins[asked] = [_csv_head(lines.text(each)) for each in asked.tolist()]
    heads = np.flatnonzero(begins)
    if not len(heads) or heads[0] != 0 or not _whole_records(lines, begins, heads, odd):
        return None
    plain = begins.copy()
    # A record of one line that is not ordinary may lack columns; so may one of several lines, of which each is odd.
    first = odd[begins[odd]]
    last = np.append(heads, len(lines))[np.searchsorted(heads, first, side="right")]
    several = last > first + 1
    plain[first] = False
    for line, end in zip(first[several].tolist(), last[several].tolist(), strict=True):
        plain[line] = _whole(lines.block[lines.edges[line] : lines.edges[end]])
    return Shape(heads, plain[heads], len(heads))


def _whole_records(lines: Lines, begins: np.ndarray, heads: np.ndarray, odd: np.ndarray) -> bool:
    """Whether each record ends where the next begins, by its quotes: all lines but the odd ones are whole records."""
    if len(odd) <= len(lines) // _MOST_ODD:
        return _few_whole(lines, begins, odd)
    quotes = np.searchsorted(np.flatnonzero(lines.bytes == QUOTE), lines.edges)
    of = np.cumsum(begins) - 1
    inside = (quotes[:-1] - quotes[:-1][heads][of]) % 2
    whole = (np.append(quotes[:-1][heads[1:]], quotes[-1]) - quotes[:-1][heads]) % 2 == 0
    return bool(whole.all() and not (~begins & (inside == 0)).any())


def _few_whole(lines: Lines, begins: np.ndarray, odd: np.ndarray) -> bool:
    """The same where few lines are odd: what an odd line leaves open, the very next one goes on with."""
    open_at = -1  # the line that must go on with an open text
    places = zip(odd.tolist(), lines.starts[odd].tolist(), lines.ends[odd].tolist(), strict=True)
    for line, begin, end in places:
        going_on = line == open_at
        if bool(begins[line]) == going_on or (open_at >= 0 and not going_on):
            return False
        open_at = line + 1 if (lines.block.count(b'"', begin, end) + going_on) % 2 else -1
    return open_at < 0


_MOST_ODD = 8  # of so many lines one may be odd, that it is faster to count the quotes of those alone


def _whole(raw: bytes) -> bool:
    return whole_csv().fullmatch(raw if raw.endswith(b"\n") else raw + b"\n") is not None


def _csv_head(raw: bytes) -> bool:
    return HEAD.match(raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")) is not None


def _json(lines: Lines, prefix: str, odd: np.ndarray) -> Shape | None:
    plain = np.ones(len(lines), bool)
    plain[odd] = False
    return Shape(np.arange(len(lines)), plain, len(lines))


_SHAPES = {"stderr": _stderr, "csv": _csv, "json": _json}
