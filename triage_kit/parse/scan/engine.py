"""Masks over the lines of a block by RE2, which pyarrow brings: linear in time whatever the log holds."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NEWLINE, TAB, QUOTE = 10, 9, 34


class Lines:
    """The lines of one block: where they begin and end (behind their newline), as numpy and as Arrow see them."""

    def __init__(self, block: bytes) -> None:
        self.block = block
        self.bytes = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(self.bytes == NEWLINE) + 1
        if not len(ends) or ends[-1] < len(block):
            ends = np.append(ends, len(block))
        self.edges = np.concatenate(([0], ends)).astype(np.int64)
        self.starts, self.ends = self.edges[:-1], self.edges[1:]
        self.array: Any = pa.Array.from_buffers(
            pa.large_binary(), len(self.starts), [None, pa.py_buffer(self.edges), pa.py_buffer(block)]
        )

    def __len__(self) -> int:
        return len(self.starts)

    def match(self, expression: str, among: np.ndarray | None = None) -> np.ndarray:
        """Which lines match; among is a mask of those to ask, others do not."""
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


def re2(pattern: str) -> str:
    """A pattern of the plain parsers in RE2's words: groups without names, ``.`` may be any byte."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)
