"""Which entries of a block the plain parser shall see."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from triage_kit.parse.entry import Entry
from triage_kit.parse.formats import parse
from triage_kit.parse.lines import Line
from triage_kit.parse.prefix import pattern
from triage_kit.parse.scan.blocks import Block
from triage_kit.parse.scan.formats import Shape
from triage_kit.parse.scan.significance import COSTLY, NAMES

if TYPE_CHECKING:
    from triage_kit.parse.scan.ranges import Source

Session = str | int
Who = tuple[str | None, str | None]
_QUICK = re.compile(rb"""['"]|\$(?!\d)|--|/\*|\\""")
# The server's own text of an entry, without what stands around it; an escaped or doubled quote ends it early.
_MESSAGE = {
    "stderr": re.compile(rb":  (?:statement|duration|execute)(.*)", re.DOTALL),
    "csv": re.compile(rb',"(?:statement|duration|execute)([^"]*)"(?!")'),
    "json": re.compile(rb'"message":"(?:statement|duration|execute)([^"\\]*)"'),
}
# Whatever may end a statement or a transaction, or may cost something itself; too much of it does no harm.
_TELLING = re.compile(
    rb"(?i)(?:\b|\\[nrtbf])(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release|disconnection|delete|"
    rb"truncate|drop|merge|alter|detach|do|call|copy|vacuum|cluster|refresh|policy|rule|create|update|session|execute)\b"
)
_RUNS = re.compile(rb'(?:  |")(?:statement: |duration: |execute )')
_LOOKED_AT = 50


class Selection:
    """Parts of the file that went through the plain parser as a whole."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        self.starts.append(start)
        self.ends.append(end)

    def loose(self, offset: int) -> bool:
        at = bisect_right(self.starts, offset) - 1
        return at >= 0 and offset < self.ends[at]


def _words(words: Iterable[str], format: str) -> str:
    """The words as RE2 finds them in the raw bytes of a format.

    A prepared statement's line itself says ``execute``; csv and json name the command in a column, and json writes a
    newline as two characters, the second of which is a letter.
    """
    every = [word for word in words if word != "execute"]
    one = "|".join(every)
    if format == "stderr":
        text = rf"\b(?:{one})\b"
        execute = r"(?:^[\t ]{0,3}|[^ \w]|[^ ] |[^:s ]  |   )execute\b"
    else:
        left = r"(?:\b|\\[nrtbf]|\\u00[0-9a-f][0-9a-f])" if format == "json" else r"\b"
        text = rf'(?:[^"\w]|\\[nrtbf])(?:{one})\b|{left}(?:{one})(?:[^"\w]|$)'
        execute = r'(?:^[\t ]{0,3}|[^ "\w]|\\[nrtbf]|[^ ] |[^:s ]  |   )execute\b'
    return f"{text}|{execute}" if "execute" in words else text


class FirstPass:
    """Entries that are not ordinary, and ordinary ones with a word that can cost something."""

    def __init__(self, source: Source) -> None:
        self.format = source.format
        self.costing = f"(?i)(?:{_words(COSTLY, source.format)}|{NAMES})"
        self.either = f"(?i)(?:{_words((*COSTLY, 'update'), source.format)}|{NAMES})"

    def unclear(self) -> None:
        """The plain parser saw a whole block: nothing to remember."""

    def __call__(self, block: Block) -> Iterable[int]:
        shape = block.shape
        assert shape is not None
        wanted = ~shape.plain
        hits = block.lines.match(self.either)
        if hits.any():
            sure = block.lines.match(self.costing, hits)
            wanted[_groups(shape.heads, sure)] = True
            for group in np.unique(_groups(shape.heads, hits & ~sure)).tolist():
                wanted[group] = wanted[group] or not _bounded(block.text(group), self.format)
        return np.flatnonzero(wanted).tolist()


def _groups(heads: np.ndarray, lines: np.ndarray) -> np.ndarray:
    return np.searchsorted(heads, np.flatnonzero(lines), side="right") - 1


def _bounded(raw: bytes, format: str) -> bool:
    """Whether an UPDATE surely has a WHERE of its own; what is not obvious is left to the plain parser."""
    found = _MESSAGE[format].search(raw)
    if found is None or _QUICK.search(found[1]):
        return False
    text = found[1].lower()
    return b" where " in text[text.find(b"update") :]


class Following:
    """Entries of some sessions that tell how statements ended: controls, failures, costs, and the entry behind each."""

    def __init__(self, source: Source, sessions: frozenset[Session], books: Books) -> None:
        self.sessions, self.books = sessions, books
        self.named = rf"\b(?:{'|'.join(re.escape(str(each)) for each in sorted(sessions, key=str))})\b"
        self.watched = set(sessions)  # the entry behind one that was chosen is chosen too
        self.key = _key(source)

    def unclear(self) -> None:
        """The plain parser saw a whole block: the entry behind it may tell of any session."""
        self.watched = set(self.sessions)

    def __call__(self, block: Block) -> Iterator[int]:
        shape = block.shape
        assert shape is not None
        begin = np.zeros(len(block.lines), bool)
        begin[shape.heads] = True
        self.books.look(block, shape)
        for group in _groups(shape.heads, block.lines.match(self.named, begin)).tolist():
            raw = block.text(group)
            key = self.key(raw)
            if key not in self.sessions:
                continue
            telling = not shape.plain[group] or _TELLING.search(raw) is not None
            if telling or key in self.watched:
                yield group
            if telling:
                self.watched.add(key)
            elif _RUNS.search(raw):
                self.watched.discard(key)


class Books:
    """Learns for which roles and databases everything is logged, from a few lines of each block."""

    def __init__(self, source: Source, wanted: frozenset[Who]) -> None:
        self.source, self.wanted, self.found = source, set(wanted), set[Who]()
        quote = '"' if source.format != "stderr" else "  "
        self.expression = rf"{quote}statement: \s*(?i)(?:select|show|begin|start|commit|rollback|end|set|fetch)\b"

    def look(self, block: Block, shape: Shape) -> None:
        if not self.wanted:
            return
        begin = np.zeros(len(block.lines), bool)
        begin[shape.heads[shape.plain]] = True
        for line in np.flatnonzero(block.lines.match(self.expression, begin))[:_LOOKED_AT].tolist():
            single = Line(0, 0, block.lines.text(line).rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
            for entry in parse([single], self.source.format, self.source.prefix):
                if isinstance(entry, Entry) and (entry.role, entry.database) in self.wanted:
                    self.wanted.discard((entry.role, entry.database))
                    self.found.add((entry.role, entry.database))


_CSV_KEY = re.compile(rb'[^,]*,(?:"(?:[^"]|"")*")?,(?:"(?:[^"]|"")*")?,\d+,(?:"[^"]*")?,([0-9a-f]+\.[0-9a-f]+),')
_JSON_KEY = re.compile(rb'"session_id":"([0-9a-f.]+)"')


def _key(source: Source) -> Callable[[bytes], Session | None]:
    if source.format != "stderr":
        expression = _CSV_KEY if source.format == "csv" else _JSON_KEY
        return lambda raw: found[1].decode() if (found := expression.search(raw)) else None
    match = pattern(source.prefix).match

    def key(raw: bytes) -> Session | None:
        found = match(raw[: raw.find(b"\n") + 1 or None].rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
        if found is None:
            return None
        groups = found.groupdict()
        return groups.get("session") or (int(groups["pid"]) if groups.get("pid") else None)

    return key
