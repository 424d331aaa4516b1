"""Words beside marks that stand close: none stands on another, and none is left out."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes

from triage_kit.plot import style

CHARACTER = 0.00125  # of a time axis from 0 to 1, for each point of the font's size: wide, for readers' own fonts
TAG, FLAG = 7.5, 8.5  # points
ROWS = 4  # of flags; more share a flag
ROW = 0.42  # of a lane
CARD = {"facecolor": style.CARD, "edgecolor": "none", "pad": 0.6}


def width(words: str, size: float) -> float:
    """How much of the axis the words take, with a little air."""
    return CHARACTER * size * len(words) + 0.004


def tags(
    ax: Axes,
    y: float,
    marks: Sequence[tuple[float, np.ndarray]],
    words: Callable[[np.ndarray], str],
    heights: Sequence[float],
) -> None:
    """Write the numbers of marks above or below them; where there is no room, neighbours share their words.

    Parameters
    ----------
    marks : places from 0 to 1, the leftmost first, with the numbers of the events that each stands for.
    words : what is written for such numbers.
    heights : where words may stand, from ``y``; the first is preferred.
    """
    clusters = [(x, x, numbers) for x, numbers in marks]
    chosen = _seated(clusters, words, heights)
    while len(chosen) < len(clusters):
        at = max(len(chosen), 1)
        (left, _, some), (_, right, more) = clusters[at - 1], clusters[at]
        clusters[at - 1 : at + 1] = [(left, right, np.concatenate([some, more]))]
        chosen = _seated(clusters, words, heights)
    for (left, right, numbers), height in zip(clusters, chosen, strict=True):
        ax.text((left + right) / 2, y + height, words(numbers), ha="center", va="center", fontsize=TAG,
                color=style.INK, zorder=6, bbox=CARD)  # fmt: skip


def _seated(clusters: list, words: Callable[[np.ndarray], str], heights: Sequence[float]) -> list[float]:
    """A height for each cluster from the left, up to the first that has no room."""
    taken: dict[float, float] = {}
    found = []
    for left, right, numbers in clusters:
        half = width(words(numbers), TAG) / 2
        middle = (left + right) / 2
        free = next((height for height in heights if middle - half > taken.get(height, -1)), None)
        if free is None:
            break
        taken[free] = middle + half
        found.append(free)
    return found


def flags(
    losses: Iterable[tuple[float, str]], noticed: float | None, hidden: Container[str] = ()
) -> list[tuple[float, int, str, str]]:
    """Words at the foot of the lines of losses and of noticing: middle, row, words and colour of each.

    >>> [(row, words) for _, row, words, _ in flags([(0.5, "G1"), (0.52, "G2")], 0.53)]
    [(0, 'rows lost (G1)'), (1, 'rows lost (G2)'), (2, 'noticed')]
    """
    parted = [(x, [name]) for x, name in sorted(losses)]
    seats = _rows([(x, lost(names, hidden)) for x, names in parted], noticed)
    while len(seats) < len(parted):
        at = max(len(seats), 1)
        (x, names), (_, more) = parted[at - 1], parted[at]
        parted[at - 1 : at + 1] = [(x, names + more)]
        seats = _rows([(x, lost(names, hidden)) for x, names in parted], noticed)
    told = [(x, row, lost(names, hidden), "#b3261e") for (x, names), row in zip(parted, seats, strict=True)]
    if noticed is not None:
        others = [(x, words, row) for x, row, words, _ in told]
        row = next(row for row in range(ROWS) if not any(row == of and _meet(noticed, "noticed", x, words)
                                                         for x, words, of in others))  # fmt: skip
        told.append((noticed, row, "noticed", style.INK))
    return [(_inside(x, words), row, words, colour) for x, row, words, colour in told]


def lost(names: Sequence[str], hidden: Container[str] = ()) -> str:
    """The words for the losses of these groups; the rows of ``hidden`` ones stand, out of sight."""
    happened = "hidden" if all(name in hidden for name in names) else "lost"
    return f"rows {happened} ({', '.join(names) if len(names) < 5 else f'{names[0]} and {len(names) - 1} more'})"


def _rows(asked: list[tuple[float, str]], noticed: float | None) -> list[int]:
    """A row for each from the left, up to the first that has no room; one row stays free for ``noticed``."""
    found: list[int] = []
    for x, words in asked:
        taken = {row for (other, told), row in zip(asked, found, strict=False) if _meet(x, words, other, told)}
        free = next((row for row in range(ROWS - (noticed is not None)) if row not in taken), None)
        if free is None:
            break
        found.append(free)
    return found


def _inside(x: float, words: str) -> float:
    half = width(words, FLAG) / 2
    return min(max(x, half - 0.02), 1.02 - half)


def _meet(x: float, words: str, other: float, told: str) -> bool:
    apart = abs(_inside(x, words) - _inside(other, told))
    return apart < (width(words, FLAG) + width(told, FLAG)) / 2
