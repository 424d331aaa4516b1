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
# A transaction command somewhere in the text, or the end of a session; too much of it does no harm.
_TELLING = (
    r"(?i)(?:statement|execute[^:]*): *(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b|"
    r"(?:;|\*/|^[\t ]*|\\[nrt])\s*(?:begin|start|commit|end|rollback|abort|savepoint|prepare|release)\b|disconnection: "
)
# Nothing but the end of a transaction.
_ENDS = re.compile(
    rb'(?i)(?:statement|execute [^:\n]*): \s*(?:commit|end|rollback|abort)(?: work| transaction)?\s*;?\s*(?:\Z|\n|")'
)
_CRASH = (
    r"was terminated by|exited with exit code|terminating any other|processes terminated; reinit|was interrupted|"
    r"not properly shut down|in recovery|crashed|issuing SIG"
)
_GONE = re.compile(rb'(?:  |")disconnection: ')
_MOST_HELD = 1000
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

    def rest(self) -> Iterator[Line]:
        """Nothing is held back."""
        return iter(())

    def __call__(self, block: Block) -> Iterator[Line]:
        for group in self._groups(block):
            yield from block.group(group)

    def _groups(self, block: Block) -> Iterable[int]:
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
    """Entries of some sessions that tell how their costly statements ended.

    Those are the statements themselves, the entry behind each, failures, and the transaction commands around them. Of
    a transaction that holds no costly statement nothing is chosen: its commands are held back until it ends.
    """

    def __init__(self, source: Source, sessions: frozenset[Session], books: Books, found: frozenset[int]) -> None:
        self.sessions, self.books, self.found = sessions, books, found
        names = "|".join(re.escape(str(each)) for each in sorted(sessions, key=str))
        self.named, self.key = rf"\b(?:{names})\b", _key(source)
        self.held: dict[Session, list[Line]] = {}
        self.live = set(sessions)  # everything of these is told until their transaction ends
        self.awaited = set(sessions)  # the entry behind one that was chosen, perhaps before this range, is to come

    def unclear(self) -> None:
        """The plain parser saw a whole block: it may have begun a transaction, or ended a statement, of any session."""
        self.live, self.awaited = set(self.sessions), set(self.sessions)

    def rest(self) -> Iterator[Line]:
        """What is held back when the range ends, or where the plain parser takes over."""
        for lines in self.held.values():
            yield from lines
        self.held.clear()

    def __call__(self, block: Block) -> Iterator[Line]:
        shape = block.shape
        assert shape is not None
        self.books.look(block, shape)
        given: set[int] = set()
        for key in sorted(self.awaited, key=str):
            yield from self._next(block, key, -1, given)
        crashes = self._crashes(block, shape)
        for group in sorted({*self._candidates(block, shape), *crashes}):
            if group in crashes:  # it ended every session: what comes is new, under whatever number
                self.held.clear()
                self.live = set(self.sessions)
            session = self.key(block.text(group))
            if session is not None and session in self.sessions:
                yield from self._take(block, shape, group, session, given)

    def _crashes(self, block: Block, shape: Shape) -> set[int]:
        special = np.zeros(len(block.lines), bool)
        special[shape.heads[~shape.plain]] = True
        return set(_groups(shape.heads, block.lines.match(_CRASH, special)).tolist())

    def _candidates(self, block: Block, shape: Shape) -> list[int]:
        heads = shape.heads
        begin = np.zeros(len(block.lines), bool)
        begin[heads] = True
        told = np.zeros(len(heads), bool)
        told[_groups(heads, block.lines.match(_TELLING))] = True
        told |= ~shape.plain
        offsets = (block.lines.edges[heads] + block.offset).tolist()
        told |= np.fromiter((each in self.found for each in offsets), bool, len(offsets))
        named = np.zeros(len(heads), bool)
        some = np.zeros(len(block.lines), bool)
        some[heads[told]] = True
        named[_groups(heads, block.lines.match(self.named, some))] = True
        return np.flatnonzero(told & named).tolist()

    def _take(self, block: Block, shape: Shape, group: int, key: Session, given: set[int]) -> Iterator[Line]:
        raw = block.text(group)
        offset = int(block.lines.edges[shape.heads[group]]) + block.offset
        ends = _ENDS.search(raw) is not None
        if _GONE.search(raw):  # a session that comes later under the same number begins anew
            self.live.add(key)
        # One that was given as the entry behind another has begun or ended a transaction already.
        if offset in self.found or not shape.plain[group] or key in self.live or group in given:
            yield from self.held.pop(key, ())
            yield from self._give(block, group, given)
            yield from self._next(block, key, group, given)
            self.live.add(key)
            if ends and offset not in self.found:
                self.live.discard(key)
        elif ends:
            self.held.pop(key, None)
        else:
            held = self.held.setdefault(key, [])
            held += block.group(group)
            if len(held) > _MOST_HELD:
                yield from self.held.pop(key)

    def _give(self, block: Block, group: int, given: set[int]) -> Iterator[Line]:
        if group not in given:
            given.add(group)
            yield from block.group(group)

    def _next(self, block: Block, key: Session, group: int, given: set[int]) -> Iterator[Line]:
        """The next entry of the session that says something of the statement before it."""
        assert block.shape is not None
        edges, heads = block.lines.edges, block.shape.heads
        literal = str(key).encode()
        at = int(edges[heads[group + 1]]) if group + 1 < len(heads) else len(block.data)
        self.awaited.add(key)
        while (at := block.data.find(literal, at)) >= 0:
            line = int(np.searchsorted(edges, at, side="right")) - 1
            other = int(np.searchsorted(heads, line, side="right")) - 1
            raw = block.text(other)
            at = int(edges[heads[other + 1]]) if other + 1 < len(heads) else len(block.data)
            if self.key(raw) == key:
                yield from self._give(block, other, given)
                if not block.shape.plain[other] or _RUNS.search(raw):
                    self.awaited.discard(key)
                    return


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
