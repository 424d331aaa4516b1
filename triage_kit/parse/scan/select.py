"""Which entries of a block the plain parser shall see."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from triage_kit.parse.costly import COSTLY, NAMES
from triage_kit.parse.lines import Line
from triage_kit.parse.scan.around import Around
from triage_kit.parse.scan.blocks import Block, before
from triage_kit.parse.scan.engine import Matcher
from triage_kit.parse.scan.formats import odd_pattern
from triage_kit.parse.scan.sessions import reader
from triage_kit.parse.scan.significance import costly, quiet, unbounded_update, writes

if TYPE_CHECKING:
    from triage_kit.parse.scan.ranges import Source


class Selection:
    """Parts of the file that went through the plain parser as a whole."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int) -> None:
        self.starts.append(start)
        self.ends.append(sys.maxsize)

    def end(self, at: int) -> None:
        """Where the part ends that was added last."""
        self.ends[-1] = at

    def loose(self, offset: int) -> bool:
        at = bisect_right(self.starts, offset) - 1
        return at >= 0 and offset < self.ends[at]


_NO_HEADER = "(?:[^:s ]|(?:[^G]|[^O]G|[^L]OG):|[^m]s)"  # before two blanks: neither LOG: nor a duration's ms


def _words(words: Iterable[str], format: str) -> str:
    """The words as RE2 finds them in the raw bytes of a format.

    A prepared statement's line itself says ``execute``; csv and json name the command in a column, and json writes a
    newline as two characters, the second of which is a letter.
    """
    every = [word for word in words if word != "execute"]
    one = "|".join(every)
    if format == "stderr":
        text = rf"\b(?:{one})\b"
        execute = rf"(?:^[\t ]{{0,3}}|[^ \w]|[^ ] |{_NO_HEADER}  |   )execute\b"
    else:
        left = r"(?:\b|\\[nrtbf]|\\u00[0-9a-f][0-9a-f])" if format == "json" else r"\b"
        text = rf'(?:[^"\w]|\\[nrtbf])(?:{one})\b|{left}(?:{one})(?:[^"\w]|$)'
        execute = rf'(?:^[\t ]{{0,3}}|[^ "\w]|\\[nrtbf]|[^ ] |{_NO_HEADER}  |   )execute\b'
    return f"{text}|{execute}" if "execute" in words else text


def first_patterns(source: Source) -> dict[str, str]:
    """What the first pass looks for: lines that are not ordinary, words that may cost, updates without an end."""
    costing = rf"(?i)(?:{_words(COSTLY, source.format)}|{NAMES})"
    update = f"(?i){unbounded_update(source.format)}"
    return odd_pattern(source.format, source.prefix) | {"costly": costing, "update": update}


class FirstPass:
    """Entries that are not ordinary, ordinary ones that can cost something, and what tells how these ended."""

    def __init__(self, source: Source, start: int, find: Matcher) -> None:
        self.about, self.format = reader(source), source.format
        self.around = Around(self.about, lambda: before(source, start, find))

    def unclear(self) -> None:
        """The plain parser saw a whole block: what became of its statements is not known here."""
        self.around.unclear()

    def rest(self) -> Iterator[Line]:
        """Entries of blocks that were left already, which were found to tell something."""
        yield from self.around.past
        self.around.past.clear()

    def __call__(self, block: Block) -> Iterator[Line]:
        shape = block.shape
        assert shape is not None
        wanted = ~shape.plain
        lines = np.concatenate((block.hits["costly"], block.hits["update"]))
        sure = [group for group, raw in block.texts(lines) if not self._noise(raw)] if len(lines) else []
        wanted[sure] = True
        if sure or self.around.pending or wanted.any():
            wanted[self.around(block, sure)] = True
        else:
            self.around.before.append(block)
        yield from self.rest()
        for group in np.flatnonzero(wanted).tolist():
            yield from block.group(group)

    def ahead(self, block: Block) -> Iterator[Line]:
        """Entries of a block behind the range that tell of statements in it."""
        chosen = self.around(block, [])
        yield from self.rest()
        for group in chosen:
            yield from block.group(group)

    def _noise(self, raw: bytes) -> bool:
        """Whether an ordinary entry with a word that may cost surely costs nothing."""
        if quiet(raw, self.format):
            return True
        about = self.about(raw)
        if about is None:
            return False
        if not about.said.ordinary:
            return True
        if about.said.cut and not writes(about.said.statement or ""):
            return False  # such a statement costs something wherever the word stands
        if about.said.cut:
            about = self.about(raw, len(raw)) or about
        text = about.said.statement
        if text is None and not about.said.message.startswith("duration: "):
            return False
        return not costly(text or about.said.message)
