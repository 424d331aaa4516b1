"""Chains of calls in languages that have no parser here: what stands before a call, and what it is given.

A chain is the expression that ends where a call begins, names joined by ``.``, ``->``, ``::``, ``?.`` or ``&.`` with
their arguments, over line ends too. Literals are blanked before anything is looked for, so that their parentheses do
not count and their words are no calls; names inside them are taken from the text itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST = 3_000
_LITERAL = re.compile(r'"""(?:[^"]|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`', re.DOTALL)
_JOINS = (".", "->", "?->", "::", "?.", "&.", "!.")
_OPENING, _CLOSING = "([{", ")]}"
_BRACKET = re.compile(r"[()\[\]{}]")


def blank_literals(text: str) -> str:
    """The text with what stands in its literals replaced by ``_``; places and lines stay.

    >>> blank_literals("f('a)', b)")
    "f('__', b)"
    """
    return _LITERAL.sub(_blanked, text)


def _blanked(found: re.Match[str]) -> str:
    inside = found[0][1:-1]
    blank = re.sub(r"[^\n]", "_", inside) if "\n" in inside else "_" * len(inside)
    return found[0][0] + blank + found[0][-1]


class Call(NamedTuple):
    """One call: the chain before it, its arguments without their parentheses, and what follows on the same chain."""

    chain: str
    arguments: str
    following: str
    found: re.Match[str]

    def name(self, pattern: re.Pattern[str], inside: str | None = None) -> str:
        """The first group of a pattern in the chain, or in another part of the call; empty where it is not there."""
        told = pattern.search(self.chain if inside is None else inside)
        return next((each for each in told.groups() if each), "") if told else ""


def call_at(text: str, blanked: str, found: re.Match[str]) -> Call:
    """The call whose name a pattern found in the blanked text, read from the text itself.

    >>> text = "Order.where('a').delete_all(x) if y"
    >>> call = call_at(text, blank_literals(text), re.search("[.]delete_all", text))
    >>> call.chain, call.arguments
    ("Order.where('a')", 'x')
    """
    start = _begin(blanked, found.start())
    opens = found.end() if blanked.startswith("(", found.end()) else found.end() - 1
    closes = closing(blanked, opens) if blanked.startswith("(", opens) else found.end() - 1
    arguments = text[opens + 1 : closes] if closes > opens else ""
    return Call(text[start : found.start()], arguments, text[closes + 1 : closes + 1 + 400], found)


def closing(blanked: str, at: int) -> int:
    """The place of the bracket that closes the one at a place; that place where it is not closed near by."""
    depth = 0
    for bracket in _BRACKET.finditer(blanked, at, at + _LONGEST):
        depth += 1 if bracket[0] in _OPENING else -1
        if depth == 0:
            return bracket.start()
    return at


_NAMES = re.compile(r"[\w.$@?!&:\\]+")
_INSIDE = re.compile(r"[^()\[\]{}]+")


def _begin(blanked: str, end: int) -> int:
    """Where the chain begins that ends at a place."""
    lowest, place, depth = max(0, end - _LONGEST), end, 0
    back = blanked[lowest:end][::-1]
    while place > lowest:
        # Most of a chain is names, and most of what stands in brackets is no bracket: each run is one step.
        run = (_INSIDE if depth else _NAMES).match(back, end - place)
        place = end - run.end() if run else place
        if place <= lowest:
            break
        char = blanked[place - 1]
        if char in _CLOSING:
            depth += 1
        elif char in _OPENING:
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and char.isspace():
            before = lowest + len(blanked[lowest:place].rstrip())
            after = blanked[place : place + 200].lstrip()
            if not (after.startswith(_JOINS) or blanked.endswith(_JOINS, lowest, before)):
                break
            place = before
            continue
        elif depth == 0 and not _arrow(blanked, place - 1):
            break
        place -= 1
    return place


def _arrow(blanked: str, place: int) -> bool:
    """Whether the character is part of ``->``."""
    return blanked[place : place + 2] == "->" or blanked[max(0, place - 1) : place + 1] == "->"
