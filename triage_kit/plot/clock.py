"""A time axis that folds empty stretches: an incident is seconds long, its story weeks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

FOLD = 0.08  # a gap longer than this share of the whole is folded
NARROWEST = 0.07  # of the width, for a stretch with one instant only
GAP = 0.035


@dataclass(frozen=True)
class Stretch:
    """One stretch of time that is drawn to scale: nanosecond-free seconds since 1970, and its place from 0 to 1."""

    start: float
    end: float
    left: float
    right: float


class FoldedClock:
    """Maps instants to places from 0 to 1: monotonous, to scale inside a stretch, folded between stretches.

    >>> clock = FoldedClock(pd.to_datetime(["2025-01-01T00:00Z", "2025-01-01T00:01Z", "2025-03-01T00:00Z"]))
    >>> len(clock.stretches), clock.place(pd.Timestamp("2025-01-01T00:00Z"))
    (2, 0.0)
    """

    def __init__(self, instants: Sequence[pd.Timestamp]) -> None:
        seconds = np.unique([_seconds(instant) for instant in instants if pd.notna(instant)])
        self.stretches = _laid_out(_stretches(seconds))

    def place(self, instant: pd.Timestamp) -> float:
        """Where the instant lies; one inside a fold lies inside the fold's narrow gap."""
        if not self.stretches:
            return 0.5
        second = _seconds(instant)
        xs = [x for one in self.stretches for x in (one.start, one.end)]
        ys = [y for one in self.stretches for y in (one.left, one.right)]
        if xs[0] == xs[-1]:
            return 0.5
        return float(np.interp(second, xs, ys))

    def ticks(self, most: int = 9) -> tuple[list[float], list[str]]:
        """Places and labels (UTC; the date where it changes): ends of stretches, points between in long ones."""
        seconds: list[float] = []
        for one in self.stretches:
            inside = int((one.right - one.left) * most)
            seconds += sorted({one.start, one.end, *np.linspace(one.start, one.end, max(inside, 1) + 1).tolist()})
        places, labels, day = [], [], None
        for second in seconds:
            place = self._at(second)
            if places and place - places[-1] < 0.045:
                continue
            instant = pd.Timestamp(second, unit="s", tz="UTC").round("ms")
            clock = f"{instant:%H:%M:%S}" + (f".{instant.microsecond // 1000:03d}" if self._fine() else "")
            labels.append(clock if day == instant.date() else f"{instant:%Y-%m-%d}\n{clock}")
            places.append(place)
            day = instant.date()
        return places, labels

    def _at(self, second: float) -> float:
        return self.place(pd.Timestamp(second, unit="s", tz="UTC"))

    def _fine(self) -> bool:
        return any(0 < one.end - one.start < 20 for one in self.stretches)

    def folds(self) -> list[tuple[float, float, str]]:
        """Left and right place of each fold, and the time that it hides, in words."""
        return [(a.right, b.left, _length(b.start - a.end)) for a, b in pairwise(self.stretches)]


def _seconds(instant: pd.Timestamp) -> float:
    return pd.Timestamp(instant).timestamp()


def _stretches(seconds: np.ndarray) -> list[tuple[float, float]]:
    if not len(seconds):
        return []
    gaps = np.diff(seconds)
    limit = max(FOLD * float(seconds[-1] - seconds[0]), 1e-6)
    # A second pass folds what the longest gap had made look short.
    kept = gaps[gaps <= limit].sum()
    limit = max(min(limit, 0.6 * float(kept)), 1e-6) if kept else limit
    cuts = np.flatnonzero(gaps > limit)
    if len(cuts) > 6:
        cuts = np.sort(np.argsort(gaps)[-6:])
    edges = [0, *(cuts + 1).tolist(), len(seconds)]
    return [(float(seconds[a]), float(seconds[b - 1])) for a, b in pairwise(edges)]


def _laid_out(stretches: list[tuple[float, float]]) -> list[Stretch]:
    if not stretches:
        return []
    lengths = np.sqrt([end - start for start, end in stretches])  # roots: seconds stay legible beside hours
    room = 1 - GAP * (len(stretches) - 1) - NARROWEST * len(stretches)
    shares = NARROWEST + room * (lengths / lengths.sum() if lengths.sum() else np.full(len(lengths), 1 / len(lengths)))
    laid, left = [], 0.0
    for (start, end), share in zip(stretches, shares, strict=True):
        if start == end:
            # A single instant stands in the middle of its stretch, so that its label has room.
            laid.append(Stretch(start, end, left + share / 2, left + share / 2))
        else:
            laid.append(Stretch(start, end, left, left + share))
        left += share + GAP
    return laid


def _length(seconds: float) -> str:
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.1f} s"
