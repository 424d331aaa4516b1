"""Which of the row versions that the WAL holds one transaction took away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from triage_kit.parse.heap.pages import FROZEN, XMAX_COMMITTED, XMIN_COMMITTED, XMIN_INVALID, Version
from triage_kit.parse.wal.gather import File, Gathered

LOST, EARLIER, UNDONE, STANDING, UNSURE = "lost", "ended before", "rolled back", "standing", "unsure"


@dataclass(frozen=True)
class Taking:
    """What took the rows: top-level transactions, and the files that went away whole with their commit.

    ``undone`` says that the rows which these transactions inserted are wanted: they were rolled back.
    """

    xids: frozenset[int]
    removed: frozenset[File] = frozenset()
    undone: bool = False


@dataclass
class Told:
    """Row versions of one file by what became of them."""

    rows: list[tuple[tuple[int, int], Version, str]] = field(default_factory=list)


def judged(gathered: Gathered, file: File, taking: Taking) -> Iterator[tuple[tuple[int, int], Version, str]]:
    """Place, version and its state, page by page: ``lost`` is what the transactions took.

    A version that nobody ended is lost where its whole file went; one whose writer or ender is older than the WAL is
    judged by the hints in its flags, and ``unsure`` where they do not tell.
    """
    until = max((gathered.ends[xid].lsn for xid in taking.xids if xid in gathered.ends), default=1 << 64)
    for place, held in sorted(gathered.files.get(file, {}).items()):
        for number, version in enumerate(held):
            reused = number < len(held) - 1  # another row stands in its place since: this one was ended and vacuumed
            yield place, version, _state(gathered, version, file, taking, until, reused)


def _state(gathered: Gathered, version: Version, file: File, taking: Taking, until: int, reused: bool) -> str:
    writer = gathered.tops.get(version.xmin, version.xmin)
    if taking.undone:
        return LOST if writer in taking.xids else UNDONE if _aborted(gathered, version) else STANDING
    if _aborted(gathered, version):
        return UNDONE
    ended = version.ended
    if ended is None:
        return UNSURE
    ender = gathered.tops.get(ended, ended)
    if ender in taking.xids:
        return EARLIER if writer == ender else LOST
    if ended and not _rolled_back(gathered, ended):
        known = gathered.ends.get(ended)
        if known is not None and known.outcome == "committed" and known.lsn < until:
            return EARLIER
        if known is None and not version.flags & XMAX_COMMITTED:
            return UNSURE
        if known is None:
            return EARLIER
    if reused:
        return EARLIER
    if file not in taking.removed:
        return STANDING
    wrote = gathered.ends.get(version.xmin)
    return STANDING if wrote is not None and wrote.lsn > until else LOST


def _aborted(gathered: Gathered, version: Version) -> bool:
    if not version.xmin:
        return False
    known = gathered.ends.get(version.xmin)
    if known is not None:
        return known.outcome == "rolled_back"
    return version.flags & FROZEN == XMIN_INVALID and not version.flags & XMIN_COMMITTED


def _rolled_back(gathered: Gathered, xid: int) -> bool:
    known = gathered.ends.get(xid)
    return known is not None and known.outcome == "rolled_back"
