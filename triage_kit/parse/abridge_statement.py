"""One statement of a very long text: whole while it is short, then its beginning, its end and what of it may cost."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from triage_kit.parse.costly import COSTLY, PARTS_OF_NAMES

_SHORT = 16 << 10  # characters up to which a statement is kept whole
_BEGIN, _END = 8 << 10, 2 << 10  # characters kept of a longer one
_WINDOW = 1_000  # characters kept from a word on that may cost
_MOST_WORDS, _MOST_LITERALS = 256 << 10, 32 << 10  # characters kept for such words, outside of literals and in them
_DEEPEST = 50

# DO is told by how a statement begins; an upsert has the word, too.
_WHOLE = (*(word for word in COSTLY if word != "do"), "update")
WORDS = (*_WHOLE, *PARTS_OF_NAMES)
_COSTLY = rf"\b(?:{'|'.join(_WHOLE)})\b|{'|'.join(PARTS_OF_NAMES)}"
_FOUND = re.compile(_COSTLY, re.IGNORECASE | re.ASCII)
_WRITES = re.compile(r"\s*(?:insert|update)\b")  # as in scan.significance
LITERAL = r"'[^']*+(?:''[^']*+)*+'"
_TEXT = rf'{LITERAL}|"[^"]*+(?:""[^"]*+)*+"'
_TOKENS = re.compile(rf"{_TEXT}|[(),]|{_COSTLY}", re.IGNORECASE | re.ASCII)
_SIGNS = re.compile(rf"{_TEXT}|[(),]")
_STRING = re.compile(LITERAL)


class Statement:
    """What is kept of a statement that comes in parts, each of which begins and ends outside of literals."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.length = 0
        self.first = ""  # its first words
        self.writes = False  # whether its literals cost nothing
        self.costs = False  # whether a word stands in it without which nothing can be lost
        self.middle: _Middle | None = None

    def add(self, text: str, code: str, hot: bool) -> None:
        """Take the next part; code is the same without literals, hot says whether such a word may stand in it."""
        if len(self.first) < 30:
            self.first += (code if self.first else code.lstrip())[:60].lower()
            self.writes = _WRITES.match(self.first) is not None
        found = hot and _worded(code if self.writes else text)
        self.costs = self.costs or found
        self.length += len(text)
        if self.middle is not None:
            self.middle.add(text, code, found)
            return
        self.parts.append(text)
        if self.length > _SHORT:
            whole = "".join(self.parts)
            cut, depth = _last_comma(whole, _BEGIN)
            self.parts, self.middle = [whole[:cut]], _Middle(depth, self.writes)
            self.middle.add(whole[cut:], _STRING.sub("''", whole[cut:]), self.costs)

    def costly_words(self, text: str) -> list[str]:
        """Of a literal, what stands from each word on that may cost; the statement costs something then."""
        found = [text[each.start() :][: _WINDOW // 4] for each in islice(_FOUND.finditer(text), 20)]
        self.costs = self.costs or bool(found)
        return found

    def kept(self) -> str:
        """The statement, or what is kept of it."""
        return "".join(self.parts) + (self.middle.kept() if self.middle else "")


def _worded(text: str) -> bool:
    lower = text.lower()
    return any(each in lower for each in WORDS) and _FOUND.search(lower) is not None


class _Middle:
    """What comes behind the beginning of a long statement; what is kept begins and ends at commas."""

    def __init__(self, depth: int, writes: bool) -> None:
        self.writes = writes
        self.depth = self.told = depth  # of parentheses, here and at the end of what is kept
        self.left = 0
        self.out: list[str] = []
        self.room = {True: _MOST_WORDS, False: _MOST_LITERALS}
        self.tail: deque[tuple[str, int]] = deque()
        self.waiting = 0

    def add(self, text: str, code: str, found: bool) -> None:
        done, deep = 0, self.depth
        for each in _windows(text, self.depth, self.writes) if found else ():
            if self.room[each.outside] > 0:
                self.room[each.outside] -= each.stop - each.start
                self.left += self.waiting + each.start - done
                self.tail.clear()
                self.waiting = 0
                self._keep(text[each.start : each.stop], each.begin, each.end)
                done, deep = each.stop, each.end
        self.tail.append((text[done:], deep))
        self.waiting += len(text) - done
        self.depth += code.count("(") - code.count(")")
        while len(self.tail) > 1 and self.waiting - len(self.tail[0][0]) > _END:
            gone = len(self.tail.popleft()[0])
            self.left, self.waiting = self.left + gone, self.waiting - gone

    def _keep(self, text: str, begin: int, end: int) -> None:
        if self.left > 0:
            self.out.append(f" /* {self.left} characters left out */ ")
            self.left = 0
        self.out += [_glue(self.told, begin), text]
        self.told = end

    def kept(self) -> str:
        last, depth = "".join(text for text, _ in self.tail), self.tail[0][1]
        begin = inner = 0
        if self.left or len(last) > _END:
            begin, inner = _first_comma(last, max(0, len(last) - _END))
        self.left += begin
        self._keep(last[begin:], depth + inner, 0)
        return "".join(self.out)


class _Window(NamedTuple):
    """What is kept for a word that may cost: from where to where, and how deep in parentheses both are."""

    start: int
    stop: int
    begin: int
    end: int
    outside: bool  # whether the word stands outside of literals


def _windows(text: str, depth: int, writes: bool) -> Iterator[_Window]:
    """Where words stand that may cost, from the comma before to one behind."""
    comma, start, until, outside = (0, depth), None, 0, False
    for found in _TOKENS.finditer(text):
        sign = found[0]
        if sign == ",":
            if start is not None and found.start() >= until:
                yield _Window(start[0], found.start(), start[1], depth, outside)
                start, outside = None, False
            comma = found.start(), depth
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign[0] not in "'\"" or (not writes and sign[0] == "'" and _FOUND.search(sign)):
            start, until = start or comma, found.end() + _WINDOW
            outside = outside or sign[0] != "'"
    if start is not None:
        yield _Window(start[0], len(text), start[1], depth, outside)


def _glue(depth: int, wanted: int) -> str:
    """What brings a text from one depth of parentheses to another, before a comma."""
    if wanted <= depth:
        return ")" * min(depth - wanted, _DEEPEST)
    return ", (NULL" * min(wanted - depth, _DEEPEST)


def _last_comma(text: str, most: int) -> tuple[int, int]:
    """Where the last comma stands before a character, and how deep in parentheses; else where a token ends."""
    at = depth = deep = last = 0
    for found in _SIGNS.finditer(text):
        if found.end() > most:
            break
        sign, last = found[0], found.end()
        depth += (sign == "(") - (sign == ")")
        if sign == ",":
            at, deep = found.start(), depth
    return (at, deep) if at else (last or most, depth)


def _first_comma(text: str, least: int) -> tuple[int, int]:
    """Where the first comma stands behind a character, and how much deeper than the text's beginning."""
    depth = 0
    for found in _SIGNS.finditer(text):
        if found[0] == "," and found.start() >= least:
            return found.start(), depth
        depth += (found[0] == "(") - (found[0] == ")")
    return len(text), depth
