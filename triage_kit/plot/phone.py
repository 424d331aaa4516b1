"""The paper of a telephone's figures: how wide it is, how its words are set, and what they stand on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from triage_kit.plot import style
from triage_kit.plot.html import Html, tag

WIDTH = 340  # pixels
SIZE, LINE, LETTERS = 12.5, 16, 48  # of the words: their size, their lines, and what a line holds
LETTER, DIGIT = 7.2, 8.0  # pixels of one, wide, for readers' own fonts
AIR = 6  # pixels between words of a line


def svg(parts: Iterable[Html], y: float) -> str:
    """The picture of these parts, which end at ``y``."""
    return str(
        tag("svg", *parts, viewBox=f"0 0 {WIDTH} {y + 8}", width=WIDTH, height=y + 8,
            font_family="system-ui, sans-serif", xmlns="http://www.w3.org/2000/svg")
    )  # fmt: skip


def words(y: float, said: str, colour: str, weight: str | None = None, x: float = 0) -> Html:
    """One line of words that begins at ``x``."""
    return tag("text", style.visible(said), x=x, y=y, font_size=SIZE, fill=colour, font_weight=weight)


def beside(x: float, y: float, said: str, colour: str, weight: str | None = None) -> Html:
    """Words that belong to the place ``x``, legible on the lines that cross them."""
    return tag("text", style.visible(said), x=begin(x, said), y=y, font_size=SIZE, fill=colour, stroke=style.CARD,
               stroke_width=3, paint_order="stroke", font_weight=weight)  # fmt: skip


def begin(x: float, said: str) -> float:
    """Where words begin that belong to ``x``: their middle is there, unless the paper ends before."""
    return round(max(min(x - room(said) / 2, WIDTH - room(said)), 0), 1)


def room(said: str) -> float:
    """How wide words are at most.

    >>> room("120018") <= 48, room("120018") > room("folded")
    (True, True)
    """
    return sum(DIGIT if each.isdigit() else LETTER for each in said)


def rows(asked: Sequence[tuple[float, str]]) -> list[int]:
    """For words that belong to places, the leftmost first: the line of each, so that none stands on another.

    >>> rows([(10, "10:00"), (20, "10:01"), (200, "12:00")])
    [0, 1, 0]
    """
    ends: list[float] = []
    found = []
    for x, said in asked:
        left = begin(x, said)
        free = next((row for row, end in enumerate(ends) if end + AIR <= left), len(ends))
        ends[free : free + 1] = [left + room(said)]
        found.append(free)
    return found
