"""Tells ordinary lines of a plain log by their heads: many lines begin with the same few, but for the time.

A line that begins with a time and goes on with a head that was seen before is told by comparing some words of eight
bytes, all lines of a block at once; only heads that are new are looked at one by one. A matcher of the whole grammar
takes several times as long, as it walks through every byte of every head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from triage_kit.parse.scan.complement import Row, literal
from triage_kit.parse.scan.engine import Lines, Matcher
from triage_kit.parse.scan.grammar import ORDINARY, begins_with_time, prefix_grammar

_LOG = b"LOG:  "
_WORD = np.dtype("<u8")
_MIXED = np.array([(2 * at + 1) * 0x9E3779B97F4A7C15 % 2**64 for at in range(1, 33)], _WORD)
_LONGEST = 8 * len(_MIXED)  # bytes of a head
_MOST = 4_000  # heads that are kept
_AT_ONCE = 50  # lines from which new heads are learnt before all others are compared again
_FEW = 200  # of so many lines one that no table has told yet is looked at by itself: that is faster than more tables
_SLOTS, _MOST_SLOTTED = np.uint64((1 << 12) - 1), 200  # keys are as many at most that they may find a slot each
_ASKED = 2_000  # lines that were looked at one by one before it is asked whether heads tell anything


def _word(part: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(part, "little"))


class _Table:
    """Known heads of so many whole words each; of each word a column, or the one word that all of them have there.

    A head ends with the first words of a message, which differ in their first letters: what has the same whole words
    is the same.
    """

    def __init__(self, heads: list[bytes]) -> None:
        self.whole, self.hits = len(heads[0]) // 8, 0
        size = 8 * (self.whole + 1)
        values = np.frombuffer(b"".join(each.ljust(size, b"\0") for each in heads), _WORD).reshape(len(heads), -1)
        ends = np.array([_word(b"\xff" * (len(each) % 8)) for each in heads])
        self.telling = (values[:, : self.whole] != values[0, : self.whole]).any(axis=0).nonzero()[0].tolist()
        keys = self._mixed([values[:, at] for at in self.telling]) if self.telling else np.zeros(len(heads), _WORD)
        order = np.argsort(keys)
        self.keys, self.ends = keys[order], _one_or_all(ends[order])
        self.values = [_one_or_all(column) for column in values[order].T]
        self.shift, self.slots = _slots(self.keys)

    def find(self, words: np.ndarray) -> np.ndarray:
        """Where a known head stands, of the words at some places, which are a row of each place."""
        columns = {at: words[:, at].copy() for at in self.telling}  # which are read twice
        which = self._which(list(columns.values())) if columns else np.zeros(len(words), np.intp)
        good = (words[:, self.whole] & _at(self.ends, which)) == _at(self.values[self.whole], which)
        for at in range(self.whole):
            good &= columns.get(at, words[:, at]) == _at(self.values[at], which)
        return good

    def _mixed(self, columns: list[np.ndarray]) -> np.ndarray:
        found = columns[0] * _MIXED[0]
        for column, factor in zip(columns[1:], _MIXED[1:], strict=False):
            found += column * factor
        return found

    def _which(self, columns: list[np.ndarray]) -> np.ndarray:
        """Which head it can only be."""
        keys = self._mixed(columns)
        if self.slots is not None:
            return self.slots.take(keys >> self.shift & _SLOTS)
        which = self.keys.searchsorted(keys)
        which[which == len(self.keys)] = 0
        return which


def _one_or_all(values: np.ndarray) -> Any:
    return values[0] if (values == values[0]).all() else values.copy()


def _at(values: Any, which: np.ndarray) -> Any:
    return values.take(which) if values.ndim else values


def _slots(keys: np.ndarray) -> tuple[np.uint64, np.ndarray | None]:
    """Bits of the keys that differ in all of them, and what stands there: a search takes several times as long.

    There is none where the keys are many.
    """
    for shift in map(np.uint64, (50, 38, 26) if len(keys) <= _MOST_SLOTTED else ()):
        own = keys >> shift & _SLOTS
        if len(set(own.tolist())) == len(keys):
            slots = np.zeros(int(_SLOTS) + 1, np.intp)
            slots[own] = np.arange(len(keys))
            return shift, slots
    return np.uint64(0), None


def _words(block: bytes, at: np.ndarray, count: int) -> np.ndarray:
    """So many words from each of some bytes of the block on, in a row each."""
    size = 8 * count
    windows = np.ndarray((len(block) - size + 1,), f"V{size}", block, 0, (1,))
    return windows[at].view(_WORD).reshape(-1, count)


class Heads:
    """The heads that ordinary lines of one log were seen to have; raises Ambiguous as prefix_grammar does."""

    def __init__(self, prefix: str) -> None:
        self.form = begins_with_time(prefix)
        self.head = len(self.form)
        self.early = -self.head % 8  # bytes before a line from which on its head begins with a word
        self.time = _digits(self.early * "\0" + self.form)
        before = Row(prefix_grammar(prefix), literal(_LOG.decode())).match
        self.ordinary = re.compile(f"{before}{ORDINARY.match}".encode(), re.DOTALL)
        self.known: dict[bytes, None] = {}
        self.tables: list[_Table] = []  # what told most comes first
        self.asked = self.seen = 0

    def odd(self, lines: Lines) -> np.ndarray | None:
        """The lines that begin no ordinary entry, nor with a TAB; None where too many heads are new to be told so."""
        if self.asked > _ASKED and self.asked > self.seen // 10:
            return None
        self.seen += len(lines)
        left, found = (~lines.tabbed).nonzero()[0], []
        left = left[~self._told(lines, left)]
        while len(left):
            some, left = left[:_AT_ONCE], left[_AT_ONCE:]
            before = len(self.known)
            places = zip(some.tolist(), lines.starts[some].tolist(), lines.ends[some].tolist(), strict=True)
            found += [each for each, begin, end in places if not self._learn(lines.block, begin, end)]
            if len(self.known) != before:
                self._keep()
                left = left[~self._told(lines, left)]
        return np.array(found, np.int64)

    def _learn(self, block: bytes, begin: int, end: int) -> bool:
        """Whether a line is ordinary; its head is known from now on."""
        self.asked += 1
        # Most that are not are the DETAILs of parameters: the pattern takes several times as long to say so.
        found = self.ordinary.match(block, begin, end) if block.find(_LOG, begin, end) >= 0 else None
        if found is None:
            return False
        head = block[begin + self.head : found.end()]
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
        starts = lines.starts if len(some) == len(lines) else lines.starts[some]
        # What stands near the block's beginning or end is left to be looked at.
        longest = max((each.whole + 1 for each in self.tables), default=0)
        first = int(starts.searchsorted(self.early))
        starts = starts[first : starts.searchsorted(len(block) - self.head - 8 * longest, "right")]
        if not len(starts) or not self.tables:
            return told
        # Time and head at once: most lines are told by the first table.
        words = _words(block, starts - self.early, len(self.time) + self.tables[0].whole + 1)
        timed = self._timed(words)
        known = self.tables[0].find(words[:, len(self.time) :])
        known &= timed
        told[first : first + len(starts)] = known
        self.tables[0].hits += int(np.count_nonzero(known))
        good = (timed & ~known).nonzero()[0]
        for table in self.tables[1:]:
            if len(good) * _FEW <= len(starts):
                break
            known = table.find(_words(block, starts[good] + self.head, table.whole + 1))
            told[first + good[known]] = True
            table.hits += int(np.count_nonzero(known))
            good = good[~known]
        return told

    def _timed(self, words: np.ndarray) -> np.ndarray:
        """Where a time stands: a byte is a digit when its upper half, with and without six added, has the bits of 3."""
        good = np.ones(len(words), bool)
        for at, (mask, value, six) in enumerate(self.time):
            word = words[:, at]
            # Of the same day and minute one is looked at.
            word = word[:1] if word[0] == word[-1] and (word == word[0]).all() else word.copy()
            good &= (word & (word + six) & mask if six else word & mask) == value
        return good


def _digits(form: str) -> list[tuple[np.uint64, np.uint64, np.uint64]]:
    """Of each eight bytes of a form the bits that tell, what they are, sixes at the digits.

    In a form 9 is a digit, and a NUL is anything.
    """
    found = []
    for at in range(0, len(form), 8):
        part = form[at : at + 8]
        masks = bytes({"9": 0xF0, "\0": 0}.get(each, 0xFF) for each in part)
        values = bytes(0x30 if each == "9" else ord(each) for each in part)
        found.append((_word(masks), _word(values), _word(bytes(6 * (each == "9") for each in part))))
    return found


class HeadMatcher(Matcher):
    """A Matcher of a plain log whose pattern ``odd`` is mostly replaced by known heads."""

    def __init__(self, patterns: Mapping[str, str], prefix: str, keep: bool = False) -> None:
        super().__init__(patterns, keep)
        self.heads = Heads(prefix)
        self.others = Matcher({name: each for name, each in patterns.items() if name != "odd"}, keep)

    def __call__(self, lines: Lines) -> dict[str, np.ndarray]:
        """As of a Matcher."""
        odd = self.heads.odd(lines)
        return super().__call__(lines) if odd is None else {"odd": odd} | self.others(lines)


def matcher(patterns: Mapping[str, str], format: str, prefix: str, keep: bool = False) -> Matcher:
    """What finds the patterns in a log of this form; keep as for a Matcher."""
    if format == "stderr" and "odd" in patterns and begins_with_time(prefix):
        return HeadMatcher(patterns, prefix, keep)
    return Matcher(patterns, keep)
