"""Series: several tables that one session emptied whole, one right after another, and how often the like came again.

What cleans a database before each test does so, every few moments and on tables that it has just emptied. People and
migrations do it once, and what loads staging tables comes again after hours, not after seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit.analyse.statements import Seen

if TYPE_CHECKING:
    from triage_kit.analyse.scene import Scene

TOGETHER = pd.Timedelta(minutes=1)  # judgement: a cleaner goes from table to table without a pause
NEAR = pd.Timedelta(hours=1)  # judgement: what comes again later than this is on a schedule, or another day's work


@dataclass(frozen=True)
class Series:
    """Tables that were emptied whole one after another, and how often all of them were."""

    tables: frozenset[str]
    times: int
    where: str

    def says(self) -> str:
        """What was seen, in words."""
        names = ", ".join(sorted(self.tables)[:6])
        often = "once" if self.times == 1 else f"{self.times:,} times"
        return f"{len(self.tables)} tables were emptied whole one right after another, {often}: {names}"


def series(best: Seen, scene: Scene) -> Series | None:
    """What was emptied with the table of a statement; None where that statement, or no other beside it, empties one."""
    if not _whole(best):
        return None
    every = [seen for own in scene.seen.values() for seen in own if _whole(seen) and seen.user == best.user]
    if best.where == "pg_stat_statements":
        same = [seen for seen in every if seen.where == best.where and seen.calls == best.calls]
        found = Series(frozenset(seen.table for seen in same), best.calls, best.where)
    else:
        logged = [(seen.at, seen) for seen in every if seen.at is not None and seen.pid is not None]
        found = _logged(best, [seen for _, seen in sorted(logged, key=lambda each: each[0])])
    return found if len(found.tables) > 1 else None


def with_missed(scene: Scene) -> Callable[[Seen], bool]:
    """Tells of a statement whether it took rows that people miss, or whether its session did right beside it.

    Beside it means that the session emptied tables whole that people name. What takes missed rows along is no habit of
    a table, however often it was done.
    """
    named = scene.reported | scene.below_reported
    took = [seen for name in named for seen in scene.seen.get(name, ()) if _whole(seen)]
    counted = {(seen.user, seen.calls) for seen in took if seen.where == "pg_stat_statements"}
    logged: defaultdict[tuple, list[pd.Timestamp]] = defaultdict(list)
    for seen in took:
        if seen.at is not None and seen.pid is not None:
            logged[seen.user, seen.pid].append(seen.at)

    def told(seen: Seen) -> bool:
        if seen.text in scene.struck:
            return True
        if seen.where == "pg_stat_statements":
            # A load that empties its staging table each time was called as often as what it does to others.
            return seen.operation == "delete" and seen.calls > 1 and (seen.user, seen.calls) in counted
        at = seen.at
        return at is not None and any(abs(at - other) <= TOGETHER for other in logged.get((seen.user, seen.pid), ()))

    return told


def _logged(best: Seen, logged: Sequence[Seen]) -> Series:
    tables = frozenset(
        seen.table for seen in logged
        if best.at is not None and seen.at is not None and seen.pid == best.pid and abs(seen.at - best.at) <= TOGETHER
    )  # fmt: skip
    begun = [at for at, names in _rounds(logged) if names == tables]
    near = [at for at in begun if at is not None and best.at is not None and abs(at - best.at) <= NEAR]
    return Series(tables, max(len(near), 1), best.where)


def _rounds(logged: Sequence[Seen]) -> Iterator[tuple[pd.Timestamp | None, frozenset[str]]]:
    """When each session began to empty tables, and which it emptied before the first of them came again."""
    by_session: defaultdict[int | None, list[Seen]] = defaultdict(list)
    for seen in logged:
        by_session[seen.pid].append(seen)
    for own in by_session.values():
        taken: dict[str, pd.Timestamp | None] = {}
        for seen in own:
            if seen.table in taken:
                yield next(iter(taken.values())), frozenset(taken)
                taken = {}
            taken[seen.table] = seen.at
        yield next(iter(taken.values())), frozenset(taken)


def _whole(seen: Seen) -> bool:
    return seen.done and (seen.operation == "truncate" or (seen.operation == "delete" and seen.bounded is False))
