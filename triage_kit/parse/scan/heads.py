"""Tells ordinary lines of a plain log by their heads: many lines begin with the same few, but for the time.

A line that begins with a time and goes on with a head that was seen before is told by comparing some words of eight
bytes, all lines of a block at once; only heads that are new are looked at one by one. A matcher of the whole grammar
takes several times as long, as it walks through every byte of every head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from triage_kit.parse.scan.complement import Row, literal
from triage_kit.parse.scan.engine import Lines, Matcher
from triage_kit.parse.scan.grammar import OFTEN, ORDINARY, begins_with_time, prefix_grammar

_WORD = np.dtype("<u8")
_MIXED = np.array([(2 * at + 1) * 0x9E3779B97F4A7C15 % 2**64 for at in range(1, 33)], _WORD)
_LONGEST = 8 * len(_MIXED)  # bytes of a head
_MOST = 4_000  # heads that are kept
_SPOKEN = 4  # words of a message that are looked at
_AT_ONCE = 50  # lines from which new heads are learnt before all others are compared again
_ASKED = 2_000  # lines that were looked at one by one before it is asked whether heads tell anything


class _Masked(NamedTuple):
    """Some bytes in words: of which bits each word tells, and what they are."""

    masks: list[np.uint64]
    values: list[np.uint64]


def _masked(text: bytes) -> _Masked:
    parts = [text[at : at + 8] for at in range(0, len(text), 8)]
    return _Masked([_word(b"\xff" * len(part)) for part in parts], [_word(part) for part in parts])


def _word(part: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(part, "little"))


class _Table:
    """Known heads of so many whole words each, ordered by what these words are mixed to; of each word a column.

    A head ends with the severity: two that have the same whole words are the same but for a letter.
    """

    def __init__(self, heads: list[bytes]) -> None:
        self.whole, self.hits = len(heads[0]) // 8, 0
        size = 8 * (self.whole + 1)
        values = np.frombuffer(b"".join(each.ljust(size, b"\0") for each in heads), _WORD).reshape(len(heads), -1)
        ends = np.array([_word(b"\xff" * (len(each) % 8)) for each in heads])
        keys = _mixed(values.T, self.whole)
        order = np.argsort(keys)
        self.keys, self.values, self.ends = keys[order], values[order].T.copy(), ends[order]
        self.lengths = np.array([len(each) for each in heads])[order]

    def find(self, block: bytes, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where a known head stands, of some bytes of the block, and how long it is."""
        words = _words(block, at, self.whole + 1)
        which = np.searchsorted(self.keys, _mixed(words, self.whole))
        which[which == len(self.keys)] = 0
        good = (words[self.whole] & self.ends.take(which)) == self.values[self.whole].take(which)
        for word, value in zip(words[: self.whole], self.values, strict=False):
            good &= word == value.take(which)
        return good, self.lengths.take(which)


def _mixed(words: np.ndarray, count: int) -> np.ndarray:
    found = words[0] * _MIXED[0]
    for at in range(1, count):
        found += words[at] * _MIXED[at]
    return found


def _words(block: bytes, at: np.ndarray, count: int) -> np.ndarray:
    """So many words from each of some bytes of the block on: all first ones, all second ones, and so on."""
    size = 8 * count
    windows = as_strided(np.ndarray((1,), f"V{size}", block), (len(block) - size + 1,), (1,), writeable=False)
    return windows[at].view(_WORD).reshape(-1, count).T.copy()  # in a row, which is read several times as fast


class Heads:
    """The heads that ordinary lines of one log were seen to have; raises Ambiguous as prefix_grammar does."""

    def __init__(self, prefix: str) -> None:
        self.form = begins_with_time(prefix)
        self.head = len(self.form)
        self.time = _digits(self.form)
        before = Row(prefix_grammar(prefix), literal("LOG:  ")).match
        self.ordinary = re.compile(f"({before}){ORDINARY.match}".encode(), re.DOTALL)
        self.known: dict[bytes, None] = {}
        self.tables: list[_Table] = []  # what told most comes first
        self.asked = self.seen = 0
        self.messages = [_masked(each.encode()) for each in (*OFTEN, *(set(ORDINARY.words) - set(OFTEN)))]
        self.often = max(len(each.values) for each in self.messages[: len(OFTEN)])

    def odd(self, lines: Lines) -> np.ndarray | None:
        """The lines that begin no ordinary entry, nor with a TAB; None where too many heads are new to be told so."""
        if self.asked > _ASKED and self.asked > self.seen // 10:
            return None
        self.seen += len(lines)
        left, found = np.flatnonzero(~lines.tabbed), []
        left = left[~self._told(lines, left)]
        while len(left):
            some, left = left[:_AT_ONCE], left[_AT_ONCE:]
            before = len(self.known)
            found += [each for each in some.tolist() if not self._learn(lines, each)]
            if len(self.known) != before:
                self._keep()
                left = left[~self._told(lines, left)]
        return np.array(found, np.int64)

    def _learn(self, lines: Lines, line: int) -> bool:
        """Whether a line is ordinary; its head is known from now on."""
        self.asked += 1
        begin = int(lines.edges[line])
        found = self.ordinary.match(lines.block, begin, int(lines.edges[line + 1]))
        if found is None:
            return False
        head = lines.block[begin + self.head : found.end(1)]
        if 8 <= len(head) <= _LONGEST:
            self.known[head] = None
        return True

    def _keep(self) -> None:
        if len(self.known) > _MOST:
            self.known = dict.fromkeys([*self.known][-_MOST // 2 :])
        sizes: dict[int, list[bytes]] = {}
        for head in self.known:
            sizes.setdefault(len(head) // 8, []).append(head)
        hits = {each.whole: each.hits for each in self.tables}
        self.tables = [_Table(heads) for heads in sizes.values()]
        self.tables.sort(key=lambda each: -hits.get(each.whole, 0))

    def _told(self, lines: Lines, some: np.ndarray) -> np.ndarray:
        """Which of some lines surely are ordinary, in order."""
        told, block = np.zeros(len(some), bool), lines.block
        starts = lines.starts[some]
        # What stands near the block's end is left to be looked at.
        longest = max((each.whole + 1 for each in self.tables), default=0)
        starts = starts[: np.searchsorted(starts, len(block) - self.head - 8 * (longest + _SPOKEN))]
        if not len(starts) or not self.tables:
            return told
        good = np.flatnonzero(self._timed(block, starts))
        for table in self.tables:
            at = starts[good] + self.head
            known, lengths = table.find(block, at)
            known &= self._spoken(block, at + lengths)
            told[good[known]] = True
            table.hits += int(np.count_nonzero(known))
            good = good[~known]
            if not len(good):
                break
        return told

    def _timed(self, block: bytes, starts: np.ndarray) -> np.ndarray:
        """Where a time stands: a byte is a digit when it has its upper half with and without six added."""
        good, words = np.ones(len(starts), bool), _words(block, starts, len(self.time))
        for word, (mask, value, six) in zip(words, self.time, strict=True):
            if (word == word[0]).all():  # the same day, the same minute
                word = word[:1]
            good &= (word & mask) == value
            if six:
                good &= ((word + six) & mask) == value
        return good

    def _spoken(self, block: bytes, at: np.ndarray) -> np.ndarray:
        """Where the words of an ordinary message stand."""
        words, good = _words(block, at, self.often), np.zeros(len(at), bool)
        for message in self.messages[: len(OFTEN)]:
            good |= _is(words, message)
        left = np.flatnonzero(~good)
        if len(left):
            words = _words(block, at[left], _SPOKEN)
            for message in self.messages[len(OFTEN) :]:
                good[left] |= _is(words, message)
        return good


def _is(words: np.ndarray, text: _Masked) -> np.ndarray:
    good = words[0] == text.values[0]
    for column in range(1, len(text.values)):
        good &= (words[column] & text.masks[column]) == text.values[column]
    return good


def _digits(form: str) -> list[tuple[np.uint64, np.uint64, np.uint64]]:
    """Of each eight bytes of a form, in which 9 is a digit: the bits that tell, what they are, sixes at the digits."""
    found = []
    for at in range(0, len(form), 8):
        part = form[at : at + 8]
        masks = bytes(0xF0 if each == "9" else 0xFF for each in part)
        values = bytes(0x30 if each == "9" else ord(each) for each in part)
        found.append((_word(masks), _word(values), _word(bytes(6 * (each == "9") for each in part))))
    return found


class HeadMatcher(Matcher):
    """A Matcher of a plain log whose pattern ``odd`` is mostly replaced by known heads."""

    def __init__(self, patterns: Mapping[str, str], prefix: str) -> None:
        super().__init__(patterns)
        self.heads = Heads(prefix)
        self.others = Matcher({name: each for name, each in patterns.items() if name != "odd"})

    def __call__(self, lines: Lines) -> dict[str, np.ndarray]:
        """As of a Matcher."""
        odd = self.heads.odd(lines)
        return super().__call__(lines) if odd is None else {"odd": odd} | self.others(lines)


def matcher(patterns: Mapping[str, str], format: str, prefix: str) -> Matcher:
    """What finds the patterns in a log of this form."""
    if format == "stderr" and "odd" in patterns and begins_with_time(prefix):
        return HeadMatcher(patterns, prefix)
    return Matcher(patterns)
