"""A time axis that folds empty stretches: an incident is seconds long, its story weeks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

FOLDS = 4
SHARE = 0.25  # a gap that fills more than this share of what is still to scale is folded
NARROWEST = 0.08  # of the width: room for a label
GAP = 0.03
LABEL = 0.1
ROOM = LABEL - 1e-9  # what rounding may take from it
BURST = 0.5  # of a stretch's instants, when they stand in
BRIEF = 0.02  # of its time, have a scale of their own
FEW = 20


@dataclass(frozen=True)
class Stretch:
    """One stretch of time that is drawn to scale: nanosecond-free seconds since 1970, and its place from 0 to 1."""

    start: float
    end: float
    left: float
    right: float


class FoldedClock:
    """Maps instants to places from 0 to 1: monotonous, to scale inside a stretch, folded between stretches.

    >>> days = ["2025-01-01T00:00Z", "2025-01-01T00:01Z", "2025-01-01T00:02Z", "2025-03-01T00:00Z"]
    >>> clock = FoldedClock(pd.to_datetime(days))
    >>> len(clock.stretches), clock.place(pd.Timestamp("2025-01-01T00:00Z"))
    (2, 0.0)
    """

    def __init__(
        self, instants: Iterable[pd.Timestamp], keep: Iterable[tuple[pd.Timestamp, pd.Timestamp]] = ()
    ) -> None:
        every = np.sort(_all_seconds(instants))
        seconds = np.unique(every)
        kept = [(_seconds(start), _seconds(end)) for start, end in keep if pd.notna(start) and pd.notna(end)]
        parts = [part for one in _stretches(seconds, kept) for part in _parted(*one, every)]
        self.stretches = _laid_out(parts, [int(((seconds > a) & (seconds <= b)).sum()) for a, b in parts])

    def place(self, instant: pd.Timestamp) -> float:
        """Where the instant lies; one inside a fold lies inside the fold's narrow gap."""
        return float(self._at(_seconds(instant)))

    def places(self, instants: pd.Series) -> np.ndarray:
        """Where each of many instants lies."""
        return self._at(_all_seconds(instants))

    def ticks(self) -> tuple[list[float], list[str]]:
        """Places and labels (UTC; the date where it changes): the start of each stretch, and as many as fit in it."""
        places, labels, day = [], [], None
        for one, edge in zip(self.stretches, [*(each.left for each in self.stretches[1:]), 1 + LABEL], strict=False):
            parts = max(int((one.right - one.left) / LABEL), 1)
            for second in dict.fromkeys(np.linspace(one.start, one.end, parts + 1).tolist()):
                place = float(self._at(second))
                if second != one.start and (place - places[-1] < ROOM or edge - place < ROOM):
                    continue
                instant = pd.Timestamp(second, unit="s", tz="UTC").round("ms")
                clock = f"{instant:%H:%M:%S}" + (
                    f".{instant.microsecond // 1000:03d}" if 0 < one.end - one.start < 20 else ""
                )
                labels.append(clock if day == instant.date() else f"{clock}\n{instant:%Y-%m-%d}")
                places.append(place)
                day = instant.date()
        return places, labels

    def _at(self, seconds: np.ndarray | float) -> np.ndarray:
        xs = [x for one in self.stretches for x in (one.start, one.end)]
        ys = [y for one in self.stretches for y in (one.left, one.right)]
        if not xs or xs[0] == xs[-1]:
            return np.full(np.shape(seconds), 0.5)
        return np.interp(seconds, xs, ys)

    def folds(self) -> list[tuple[float, float, str]]:
        """Left and right place of each fold, just before what follows it, and the time that it hides, in words."""
        return [
            (b.left - GAP, b.left, _length(b.start - a.end)) for a, b in pairwise(self.stretches) if b.start > a.end
        ]

    def changes(self) -> list[float]:
        """Places at which the scale changes and no time is hidden: the edges of a burst."""
        return [b.left for a, b in pairwise(self.stretches) if b.start == a.end]


def _seconds(instant: pd.Timestamp) -> float:
    return pd.Timestamp(instant).timestamp()


def _all_seconds(instants: Iterable[pd.Timestamp]) -> np.ndarray:
    """Seconds since 1970 of those that are known."""
    known = pd.to_datetime(pd.Series(list(instants) if not isinstance(instants, pd.Series) else instants), utc=True)
    return known.dropna().dt.as_unit("us").astype("int64").to_numpy() / 1e6


def _stretches(seconds: np.ndarray, kept: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Fold the longest gaps, one after the other, as long as one dominates what is left; a kept window stays whole."""
    if not len(seconds):
        return []
    gaps = np.diff(seconds)
    open_ = np.ones(len(gaps), dtype=bool)
    for start, end in kept:
        open_ &= (seconds[1:] <= start) | (seconds[:-1] >= end)
    folded: list[int] = []
    left = gaps.copy()
    while len(folded) < FOLDS and len(gaps) > 2:
        longest = int(np.argmax(np.where(open_, left, 0)))
        usual = float(np.median(left[left > 0])) if left.any() else 0.0
        if not open_[longest] or left[longest] <= max(SHARE * left.sum(), 3 * usual):
            break
        folded.append(longest)
        left[longest] = 0
    edges = [0, *(place + 1 for place in sorted(folded)), len(seconds)]
    return [(float(seconds[a]), float(seconds[b - 1])) for a, b in pairwise(edges)]


def _parted(start: float, end: float, every: np.ndarray) -> list[tuple[float, float]]:
    """A stretch in parts that adjoin, where most of its instants stand in little of its time."""
    inside = every[(every >= start) & (every <= end)]
    half = int(len(inside) * BURST) + 1
    if len(inside) < FEW:
        return [(start, end)]
    lengths = inside[half - 1 :] - inside[: len(inside) - half + 1]
    densest, length = int(np.argmin(lengths)), float(lengths.min())
    if length > (end - start) * BRIEF:
        return [(start, end)]
    around = inside[(inside >= inside[densest] - length) & (inside <= inside[densest] + 2 * length)]
    first, last = float(around[0]), float(around[-1])
    edges = list(dict.fromkeys((start, first, last, end)))
    return list(pairwise(edges)) if last > first else [(start, end)]


def _laid_out(stretches: list[tuple[float, float]], instants: list[int]) -> list[Stretch]:
    """Each stretch with its place: wide by its length, and as much by what happens in it."""
    if not stretches:
        return []
    # Roots: seconds stay legible beside hours, and few instants beside very many.
    lengths, busy = np.sqrt([end - start for start, end in stretches]), np.sqrt(instants)
    gaps = [GAP if b[0] > a[1] else 0.0 for a, b in pairwise(stretches)] + [0.0]
    room = 1 - sum(gaps) - NARROWEST * len(stretches)
    shares = NARROWEST + room * (_parts(lengths) + _parts(busy)) / 2
    laid, left = [], 0.0
    for (start, end), share, gap in zip(stretches, shares, gaps, strict=True):
        laid.append(Stretch(start, end, left, left if start == end else left + share))
        left += share + gap
    return laid


def _parts(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum() if weights.sum() else np.full(len(weights), 1 / len(weights))


def _length(seconds: float) -> str:
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.1f} s"
