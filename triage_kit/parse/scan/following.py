"""The second pass: of sessions whose transactions reach too far, what tells how their costly statements ended."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from triage_kit.parse.entry import Entry
from triage_kit.parse.formats import parse
from triage_kit.parse.lines import Line
from triage_kit.parse.outcomes import ONLY_WHEN_ALL
from triage_kit.parse.scan.blocks import Block
from triage_kit.parse.scan.formats import Shape, odd_pattern
from triage_kit.parse.scan.sessions import CRASHES, TELLING, About, Session, Who, reader

if TYPE_CHECKING:
    from triage_kit.parse.scan.ranges import Source

_LONG = 1 << 20  # bytes of an entry
_MOST_HELD = 1000
_LOOKED_AT = 50
_MOST_NAMES = 500
_ONLY_IN_ALL = ("select", "show", "begin", "start", "commit", "rollback", "end", "abort", "savepoint", "set", "fetch")
_MOST_TOLD = 2_000  # such statements of one block that are looked at


def following_patterns(source: Source, sessions: frozenset[Session]) -> dict[str, str]:
    """What the second pass looks for: lines that name one of the sessions, and commands of transactions."""
    # What a forged line of json names, half a character, is never found.
    names = sorted(str(each).encode("utf-8", "replace").decode() for each in sessions)
    parts = [names[at : at + _MOST_NAMES] for at in range(0, len(names), _MOST_NAMES)]
    found = {f"named{at}": rf"\b(?:{'|'.join(map(re.escape, part))})\b" for at, part in enumerate(parts)}
    return odd_pattern(source.format, source.prefix) | {"telling": TELLING} | found


class Following:
    """Entries of some sessions that tell how their costly statements ended.

    Those are the statements themselves, the entry behind each, failures, and the transaction commands around them. Of
    a transaction that holds no costly statement nothing is chosen: its commands are held back until it ends.
    """

    def __init__(self, source: Source, sessions: frozenset[Session], books: Books, found: frozenset[int]) -> None:
        self.sessions, self.books, self.found = sessions, books, found
        self.found_at = np.array(sorted(found), np.int64)
        self.about = reader(source)
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
        crashes = self._crashes(block, shape)
        telling = np.zeros(len(shape.heads), bool)
        telling[block.of_lines(block.hits["telling"])] = True
        telling |= ~shape.plain
        begins = block.lines.edges[shape.heads] + block.offset
        telling |= np.isin(begins, self.found_at)
        named = [lines for name, lines in block.hits.items() if name.startswith("named")]
        for group in sorted({*block.of_lines(np.concatenate(named)).tolist(), *crashes}):
            if group in crashes:  # it ended every session: what comes is new, under whatever number
                self.held.clear()
                self.live = set(self.sessions)
            if not telling[group] and not self.awaited:
                continue
            about = self.about(block.text(group))
            if about is not None and about.session in self.sessions:
                yield from self._take(block, group, about, bool(telling[group]))

    def _crashes(self, block: Block, shape: Shape) -> set[int]:
        special = np.flatnonzero(~shape.plain).tolist()
        return {group for group in special if CRASHES.search(block.data, block.begin(group), block.begin(group + 1))}

    def _take(self, block: Block, group: int, about: About, telling: bool) -> Iterator[Line]:
        """An entry of a session that is followed: given if it tells, or says that the one before it has ended."""
        assert block.shape is not None
        key, plain, offset = about.session, about.said.ordinary, block.offset + block.begin(group)
        settles = key in self.awaited and (about.said.fails or about.said.runs)
        if settles:
            self.awaited.discard(key)
        if not telling:
            if settles:
                yield from block.group(group)
            return
        if about.said.gone or about.said.comes:  # a session that comes later under the same number begins anew
            self.live.add(key)
        # One that was awaited has begun or ended a transaction already.
        if offset in self.found or not plain or key in self.live or settles:
            yield from self.held.pop(key, ())
            # The first pass has what it found: a statement of many megabytes is not held twice.
            if offset not in self.found or block.begin(group + 1) - block.begin(group) < _LONG:
                yield from block.group(group)
            self.awaited.add(key)
            self.live.add(key)
            if about.said.ends and offset not in self.found:
                self.live.discard(key)
        elif about.said.ends:
            self.held.pop(key, None)
        else:
            self._hold(block, group, key)
            if len(self.held[key]) > _MOST_HELD:
                yield from self.held.pop(key)

    def _hold(self, block: Block, group: int, key: Session) -> None:
        self.held.setdefault(key, []).extend(block.group(group))


class Books:
    """Learns for which roles and databases everything is logged, from a few lines of each block."""

    def __init__(self, source: Source, wanted: frozenset[Who]) -> None:
        self.source, self.wanted, self.found = source, set(wanted), set[Who]()
        quote = {"stderr": "  ", "csv": '"', "json": '"'}[source.format]
        words = "|".join(_ONLY_IN_ALL)
        header = r"(?:statement|execute (?!fetch from )[^\n:]*?)"
        self.expression = re.compile(rf"{quote}{header}: \s*(?i:{words})\b".encode())

    def want(self, who: Who) -> None:
        """Learn it of one more role and database."""
        if who not in self.found:
            self.wanted.add(who)

    def learn(self, entry: Entry) -> None:
        """Take an entry that the plain parser gave."""
        who = entry.role, entry.database
        if who not in self.found and entry.kind == "statement" and ONLY_WHEN_ALL.match(entry.statement or ""):
            self.wanted.discard(who)
            self.found.add(who)

    def look(self, block: Block, shape: Shape | None) -> None:
        """Take a few lines of the block that only a log of everything has."""
        if not self.wanted or shape is None:
            return
        begins = set(shape.heads[shape.plain].tolist())
        left = _LOOKED_AT
        for found in islice(self.expression.finditer(block.data), _MOST_TOLD):
            line = int(block.lines.edges.searchsorted(found.start(), side="right")) - 1
            raw = block.lines.text(line)
            if line not in begins or not any(self._may_be(raw, who) for who in self.wanted):
                continue
            single = Line(0, 0, raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape"))
            for entry in parse([single], self.source.format, self.source.prefix):
                if isinstance(entry, Entry) and (entry.role, entry.database) in self.wanted:
                    self.wanted.discard((entry.role, entry.database))
                    self.found.add((entry.role, entry.database))
            left -= 1
            if not left or not self.wanted:
                return

    def _may_be(self, raw: bytes, who: Who) -> bool:
        """Whether the names may stand in a line; those that a format writes in another way may always."""
        return all(not each or not each.isascii() or not each.isprintable() or set(each) & set('"\\')
                   or each.encode() in raw for each in who)  # fmt: skip
