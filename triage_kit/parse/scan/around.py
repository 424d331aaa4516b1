"""What tells how a costly statement ended, looked for around it: its session's entries before and behind it.

What matters of the past is the last command that began or ended a transaction of the session, of the future all until
the transaction has ended. Both mostly stand near; a session of which they do not is left to a second pass.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from triage_kit.parse.lines import Line
from triage_kit.parse.scan.blocks import Block
from triage_kit.parse.scan.sessions import CRASHES, About, Session

_BEHIND = 4  # blocks that are kept to look back
_AHEAD = 8  # blocks through which a session's end is awaited
_MOST = 400  # entries of one session that are looked at backwards


@dataclass
class _State:
    """Of a session with a costly statement: whether its transaction is open, and what is still to come."""

    open: bool  # until it ends, everything tells
    early: bool = False  # no command of a transaction was seen yet: the first one tells whether there was one
    awaiting: bool = False  # the next entry says that the one before it has ended
    since: int = 0
    blocks: int = 0

    @property
    def done(self) -> bool:
        return not (self.open or self.early or self.awaiting)


class Around:
    """Chooses the entries around costly ones; ``unresolved`` are sessions of which not all was found.

    about reads an ordinary entry, load gives the blocks before the first that is shown, the last one first.
    """

    def __init__(self, about: Callable[[bytes], About | None], load: Callable[[], Iterator[Block]]) -> None:
        self.about, self.load = about, load
        self.before: deque[Block] = deque(maxlen=_BEHIND)
        self.pending: dict[Session, _State] = {}
        self.closed: dict[Session, int] = {}  # what was chosen of a session reaches to this byte
        self.unresolved: set[Session] = set()
        self.crashes: list[int] = []
        self.past: list[Line] = []  # of blocks that were already left
        self.given: set[int] = set()
        self.handled: set[int] = set()  # the bytes at which costly entries begin that were seen here
        self.loaded = False

    def unclear(self) -> None:
        """A block comes, or came, that cannot be told into entries."""
        self.unresolved |= set(self.pending)
        self.pending.clear()
        self.before.clear()
        self.loaded = True

    def __call__(self, block: Block, costly: list[int]) -> list[int]:
        """The entries to choose besides the costly ones, which are numbered as in the block."""
        assert block.shape is not None
        self._remember_crashes(block)
        chosen: set[int] = set()
        wanted: dict[Session, list[int]] = {each: [] for each in self.pending}
        for group in costly:
            about = self.about(block.text(group))
            if about is None:
                continue
            self.handled.add(block.offset + block.begin(group))
            if about.session not in self.unresolved:
                wanted.setdefault(about.session, []).append(group)
        for session, groups in wanted.items():
            self._walk(block, session, groups, chosen)
        self.before.append(block)
        return sorted(chosen)

    def _remember_crashes(self, block: Block) -> None:
        assert block.shape is not None
        for group in np.flatnonzero(~block.shape.plain).tolist():
            if CRASHES.search(block.data, block.begin(group), block.begin(group + 1)):
                self.crashes.append(block.offset + block.begin(group))

    def _crashed(self, one: int, other: int) -> bool:
        return bisect_right(self.crashes, one) != bisect_right(self.crashes, other)

    def _walk(self, block: Block, session: Session, costly: list[int], chosen: set[int]) -> None:
        """One session through a block: its open transaction, then each further costly statement."""
        at = 0
        state = self.pending.pop(session, None)
        rest = deque(costly)
        while True:
            if state is None:
                while rest and block.begin(rest[0]) < at:
                    rest.popleft()
                if not rest:
                    return
                at = block.begin(rest[0])
                state = self._back(block, session, at, chosen)
                if state is None:
                    self.unresolved.add(session)
                    return
            at = self._on(block, session, at, state, frozenset(costly), chosen)
            if not state.done:
                break
            # What came last has only told that the one before it was done: it may begin something itself.
            self.closed[session] = state.since
            state = None
        if self._crashed(state.since, block.offset + len(block.data)):
            self.closed[session] = block.offset + len(block.data)
            return
        state.blocks += 1
        if state.blocks > _AHEAD:
            self.unresolved.add(session)
        else:
            self.pending[session] = state

    def _on(
        self, block: Block, session: Session, at: int, state: _State, costly: frozenset[int], chosen: set[int]
    ) -> int:
        """Follow a session from a byte on until nothing more can tell; the byte behind what was seen."""
        assert block.shape is not None
        for group, about in self._later(block, session, at):
            begin = block.offset + block.begin(group)
            at = block.begin(group + 1)
            if self._crashed(state.since, begin):
                state.open = state.early = state.awaiting = False
                return block.begin(group)
            state.since = begin
            if self._tells(block, group, about, state, group in costly):
                chosen.add(group)
            if state.done:
                break
        return at

    def _tells(self, block: Block, group: int, about: About | None, state: _State, costly: bool) -> bool:
        """Whether an entry tells something; the state goes on."""
        if about is None or not about.said.ordinary:  # errors and the like are chosen anyway
            if about is not None and about.said.fails:
                state.awaiting = False
                if about.said.fatal:
                    state.open = state.early = False
            return False
        if about.said.gone or about.said.comes:  # the session ends, or another begins under its number
            state.open = state.early = state.awaiting = False
            return True
        settled = state.awaiting and about.said.runs
        telling = about.said.tells
        if settled and not costly and not (state.open or state.early):
            state.awaiting = False  # only this was awaited: what it begins is another matter
            return True
        if not (costly or telling or settled):
            return False
        state.awaiting = costly or telling
        if about.said.ends:
            state.open = state.early = False
        elif about.said.begins:
            state.open, state.early = True, False
        elif telling and costly:
            state.open = True
        return True

    def _back(self, block: Block, session: Session, at: int, chosen: set[int]) -> _State | None:
        """The state of a session at a byte of the block, by what it did before; None when that stands too far back."""
        seen: list[tuple[Block, int, About | None]] = []
        state: _State | None = None
        here, ended = block.offset + at, False
        for where, group, about in self._earlier(block, session, at):
            begin = where.offset + where.begin(group)
            if about is not None and not about.said.ordinary:
                ended = ended or about.said.fatal  # what comes later under this number is another session
                about = None
            if self._crashed(begin, here):
                state = _State(open=False, early=True)
            elif begin < self.closed.get(session, 0):
                state = _State(open=False)
            elif about is not None and (about.said.comes or about.said.gone):
                state = _State(open=False, early=True)
                self._give(block, where, group, chosen)
            if state is not None:
                break
            seen.append((where, group, about))
            if about is not None and (about.said.begins or about.said.ends):
                state = _State(open=about.said.begins)
                break
            if len(seen) > _MOST:
                return None
        if state is None:
            if not self._from_the_beginning(block):
                return None
            state = _State(open=False, early=True)
        state.early = state.early or ended
        self._choose(block, seen, state, chosen)
        state.since = here
        return state

    def _from_the_beginning(self, block: Block) -> bool:
        return (self.before[0] if self.before else block).offset == 0

    def _choose(
        self, block: Block, seen: list[tuple[Block, int, About | None]], state: _State, chosen: set[int]
    ) -> None:
        """Of what stands between the last command and the statement, what tells."""
        for where, group, about in reversed(seen):
            if self._tells(where, group, about, state, False):
                self._give(block, where, group, chosen)

    def _give(self, block: Block, where: Block, group: int, chosen: set[int]) -> None:
        assert where.shape is not None
        if where is block:
            chosen.add(group)
        elif not where.shape.plain[group]:
            return  # it was given with its block
        elif (begin := where.offset + where.begin(group)) not in self.given:
            self.given.add(begin)
            self.past += where.group(group)

    def _later(self, block: Block, session: Session, at: int) -> Iterator[tuple[int, About | None]]:
        literal = str(session).encode("utf-8", "replace")
        while (found := block.data.find(literal, at)) >= 0:
            group = block.of_byte(found)
            at = block.begin(group + 1)
            about = self.about(block.text(group))
            if about is not None and about.session == session:
                yield group, about

    def _earlier(self, block: Block, session: Session, at: int) -> Iterator[tuple[Block, int, About | None]]:
        yield from self._backwards(block, session, at)
        for each in [*reversed(self.before)]:
            yield from self._backwards(each, session, len(each.data))
        if not self.loaded:
            self.loaded = True
            for each in self.load():
                if len(self.before) == _BEHIND:  # one more would push out the nearest
                    break
                self.before.appendleft(each)
                yield from self._backwards(each, session, len(each.data))

    def _backwards(self, block: Block, session: Session, at: int) -> Iterator[tuple[Block, int, About | None]]:
        literal = str(session).encode("utf-8", "replace")
        while (found := block.data.rfind(literal, 0, at)) >= 0:
            group = block.of_byte(found)
            at = block.begin(group)
            about = self.about(block.text(group))
            if about is not None and about.session == session:
                yield block, group, about
