"""What a block of each format is made of: where entries begin, and which of them are ordinary."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np

from triage_kit.parse.csvlog import BEFORE, HEAD
from triage_kit.parse.languages import LABEL_OF
from triage_kit.parse.prefix import SUB_ENTRIES, pattern, prefix_pattern
from triage_kit.parse.scan.engine import QUOTE, TAB, Lines, re2

_ORDINARY = "(?:statement: |duration: |execute |connection |disconnection: )"
SUBS = frozenset((*SUB_ENTRIES, *LABEL_OF))
# A field of free text that holds a colon is looked at by the plain parser: it may look like a severity.
_FREE = {r".*?": r"[^:\n]*?"}
_CSV_HEAD = re2(HEAD.pattern).replace(r'"(?:"")*(?!")', r'"(?:"")*(?:[^"]|$)')
_CSV_ORDINARY = rf'(?s)^{re2(BEFORE)}LOG,00000,"{_ORDINARY}'
# Strict, so that a damaged line is never taken for an entry.
_STRING = r'"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"'
_PAIR = rf'"[a-z_]+":(?:{_STRING}|-?(?:0|[1-9][0-9]*))'
_JSON_ORDINARY = (
    rf'^\{{"timestamp":{_STRING},(?:{_PAIR},)*"error_severity":"LOG",(?:"state_code":"00000",)?"message":"{_ORDINARY}'
    rf"{_STRING[1:]}(?:,{_PAIR})*\}}\r?\n?$"
)


class Shape:
    """Of one block: ``heads`` (lines at which entries begin) and ``plain`` (of these, the ordinary ones)."""

    def __init__(self, heads: np.ndarray, plain: np.ndarray, entries: int) -> None:
        self.heads, self.plain, self.entries = heads, plain, entries


def shape(lines: Lines, format: str, prefix: str) -> Shape | None:
    """The shape of a block that begins with an entry; None when the block holds what only the plain parser can sort."""
    if b"\0" in lines.block:
        return None
    return _SHAPES[format](lines, prefix)


@cache
def _expression(prefix: str) -> str:
    free = prefix_pattern(prefix)
    for text, stricter in _FREE.items():
        free = free.replace(text, stricter)
    return rf"(?s)^{re2(free)}LOG:  {_ORDINARY}"


def _stderr(lines: Lines, prefix: str) -> Shape | None:
    plain = lines.match(_expression(prefix))
    rest = np.flatnonzero(~plain & (lines.bytes[lines.starts] != TAB))
    kinds = np.zeros(len(lines), np.int8)  # 1 an entry, 2 a part of one, 3 nothing
    kinds[plain] = 1
    match = pattern(prefix).match
    pid = _pid_of(prefix)
    for each in rest.tolist():
        raw = lines.text(each).rstrip(b"\r\n")
        found = match(raw.decode("utf-8", "surrogateescape"))
        kinds[each] = 3 if found is None else 2 if found["severity"] in SUBS else 1
    heads, parts = np.flatnonzero(kinds % 2), np.flatnonzero(kinds == 2)
    if not len(heads) or heads[0] != 0 or (len(parts) and _strangers(lines, heads, parts, match, pid)):
        return None
    return Shape(heads, plain[heads], int((kinds == 1).sum()))


def _strangers(
    lines: Lines, heads: np.ndarray, parts: np.ndarray, match: Callable, pid: Callable[[re.Match[str]], str | None]
) -> bool:
    """Whether a part stands behind an entry of another process: backends wrote into each other."""
    before = np.searchsorted(heads, parts) - 1
    own: dict[int, str | None] = {}
    for part, head in zip(parts.tolist(), heads[before].tolist(), strict=True):
        if head not in own:
            own[head] = _session(lines.text(head), match, pid)
        if _session(lines.text(part), match, pid) != own[head]:
            return True
    return False


def _session(raw: bytes, match: Callable, pid: Callable[[re.Match[str]], str | None]) -> str | None:
    found = match(raw.decode("utf-8", "surrogateescape"))
    return pid(found) if found else None


@cache
def _pid_of(prefix: str) -> Callable[[re.Match[str]], str | None]:
    names = [name for name in ("session", "pid") if name in pattern(prefix).groupindex]
    return lambda found: next((found[name] for name in names if found[name]), None)


def _csv(lines: Lines, prefix: str) -> Shape | None:
    heads = np.flatnonzero(lines.match(rf"(?s)^(?:{_CSV_HEAD})"))
    if not len(heads) or heads[0] != 0:
        return None
    quotes = np.concatenate(([0], np.cumsum(np.add.reduceat(lines.bytes == QUOTE, lines.starts, dtype=np.int64))))
    of = np.searchsorted(heads, np.arange(len(lines)), side="right") - 1
    inside = (quotes[:-1] - quotes[:-1][heads][of]) % 2
    begins = np.zeros(len(lines), bool)
    begins[heads] = True
    whole = (np.append(quotes[:-1][heads[1:]], quotes[-1]) - quotes[:-1][heads]) % 2 == 0
    if not whole.all() or (~begins & (inside == 0)).any():
        return None
    plain = lines.match(_CSV_ORDINARY, begins)
    return Shape(heads, plain[heads], len(heads))


def _json(lines: Lines, prefix: str) -> Shape | None:
    plain = lines.match(_JSON_ORDINARY)
    return Shape(np.arange(len(lines)), plain, len(lines))


_SHAPES = {"stderr": _stderr, "csv": _csv, "json": _json}
