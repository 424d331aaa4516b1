"""What finds patterns in the lines of a block: Hyperscan, or RE2 (which pyarrow brings) where there is no wheel of it.

Both are linear in time whatever the log holds, and both find at least what matters: the plain parser decides.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from triage_kit.parse.scan.compiled import compiled

try:
    import hyperscan
except ImportError:  # no wheel for this machine
    hyperscan = None  # type: ignore[assignment]

NEWLINE, TAB, QUOTE, HYPHEN = 10, 9, 34, 45
_LONG = 1 << 20
_LOCAL = threading.local()  # a database of Hyperscan has room for one scan at a time


class Lines:
    """The lines of one block: where they begin and end (behind their newline), as numpy and as Arrow see them."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.bytes = np.frombuffer(block, np.uint8)
        ends = self._newlines()
        open_end = not len(ends) or ends[-1] + 1 < len(block)
        self.edges = np.empty(len(ends) + 1 + open_end, np.int64)
        self.edges[0] = 0
        np.add(ends, 1, out=self.edges[1 : len(ends) + 1])
        if open_end:
            self.edges[-1] = len(block)
        self.starts, self.ends = self.edges[:-1], self.edges[1:]

    def _newlines(self) -> np.ndarray:
        """Where lines end; a long block in pieces, since what compares it is as long as what is compared."""
        if len(self.bytes) <= _LONG:
            return _places(self.bytes == NEWLINE)
        pieces = range(0, len(self.bytes), _LONG)
        return np.concatenate([_places(self.bytes[at : at + _LONG] == NEWLINE) + at for at in pieces])

    @cached_property
    def tabbed(self) -> np.ndarray:
        """Which lines begin with a TAB."""
        return self.bytes[self.starts] == TAB

    @cached_property
    def array(self) -> Any:
        import pyarrow as pa

        return pa.Array.from_buffers(
            pa.large_binary(), len(self.starts), [None, pa.py_buffer(self.edges), pa.py_buffer(self.block)]
        )

    def __len__(self) -> int:
        return len(self.starts)

    def match(self, expression: str, among: np.ndarray | None = None) -> np.ndarray:
        """Which lines match by RE2; among is a mask of those to ask, others do not."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if among is None:
            return pc.match_substring_regex(self.array, pattern=expression).to_numpy(zero_copy_only=False)
        found = np.zeros(len(self), bool)
        asked = np.flatnonzero(among)
        if len(asked):
            some = self.array.take(pa.array(asked))
            found[asked] = pc.match_substring_regex(some, pattern=expression).to_numpy(zero_copy_only=False)
        return found

    def text(self, line: int) -> bytes:
        return self.block[self.starts[line] : self.ends[line]]


def _places(found: np.ndarray) -> np.ndarray:
    """Where a mask is true, of which few bytes are: eight are looked at at once.

    >>> _places(np.array([0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0], bool)).tolist()
    [2, 8, 9]
    """
    whole = len(found) & -8
    words = found[:whole].view("<u8")
    held = (words != 0).nonzero()[0]
    some = words[held]
    # Of a word with one byte that is 1, the product's upper bits tell which.
    places = held * 8 + (some * _WHICH >> _UPPER).view(np.int64)
    several = (some & (some - _ONE)).nonzero()[0]  # lines that are shorter than that
    if len(several):
        row, column = found[:whole].reshape(-1, 8)[held[several]].nonzero()
        places = np.concatenate((np.delete(places, several), held[several][row] * 8 + column))
        places.sort()
    return places if whole == len(found) else np.concatenate((places, found[whole:].nonzero()[0] + whole))


_ONE, _UPPER = np.uint64(1), np.uint64(61)
_WHICH = np.uint64(sum(byte << 61 - 8 * byte for byte in range(8)))


class Matcher:
    """Finds which lines of a block hold each of some named patterns, in one pass where Hyperscan is there.

    keep: the patterns hold nothing of what the log says, and serve other logs, too.
    """

    def __init__(self, patterns: Mapping[str, str], keep: bool = False) -> None:
        self.patterns, self.keep = dict(patterns), keep

    def __call__(self, lines: Lines) -> dict[str, np.ndarray]:
        """Of each pattern the numbers of the lines, in order; of some lines that only nearly match, too."""
        if hyperscan is None:
            return {
                name: np.flatnonzero(lines.match("(?m)" + each.replace(r"\Z", r"\z")))
                for name, each in self.patterns.items()
            }
        if not self.patterns:
            return {}
        found: list[list[int]] = [[] for _ in self.patterns]
        # What ends a line must be there to be found.
        block = lines.block if lines.block.endswith(b"\n") else lines.block + b"\n"
        _database(tuple(self.patterns.values()), self.keep).scan(block, match_event_handler=_hit, context=found)
        return {name: self._lines(lines, ends) for name, ends in zip(self.patterns, found, strict=True)}

    def _lines(self, lines: Lines, ends: list[int]) -> np.ndarray:
        if not ends:
            return _NONE
        found = np.searchsorted(lines.edges[1:-1], np.array(ends) - 1, side="right")
        found.sort()
        return found[np.concatenate(([True], found[1:] != found[:-1]))]


_NONE = np.zeros(0, np.int64)


def _hit(number: int, begin: int, end: int, flags: int, found: Any) -> None:
    found[number].append(end)


def _database(patterns: tuple[str, ...], keep: bool) -> Any:
    known = _LOCAL.__dict__.setdefault("databases", {})
    if patterns not in known:
        known[patterns] = compiled(patterns, keep)
    return known[patterns]


def re2(pattern: str) -> str:
    """A pattern of the plain parsers in RE2's words: groups without names, ``.`` may be any byte."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)
