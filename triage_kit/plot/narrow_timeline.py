"""The timeline for a telephone: the lanes below each other with their names above them, on the same folded clock."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from triage_kit.plot import labels, phone, story, style
from triage_kit.plot.html import Html, tag
from triage_kit.plot.phone import LINE, WIDTH

LANE, MARK = 50, 26  # pixels: the height of a lane, and where its marks stand in it
EDGE = 7  # pixels beside the first and the last mark
BINS = 56  # places of a lane, of six pixels
TICKS = 3  # lines of times; what has no room in them is left out
FLAGS = 4  # words of losses; more share theirs
SIGNS = {"X": "✖", "D": "◆", "P": "✚", "s": "■", "|": "❙", "v": "▼", "o": "●", "^": "▲", "h": "⬢", "*": "★"}
RED, HATCH = "#b3261e", "#f6d5d2"
Marks = list[tuple[float, np.ndarray]]


def timeline(timeline: pd.DataFrame, groups: pd.DataFrame, noticed_at: pd.Timestamp | None = None) -> str:
    """One lane a kind of event, as ``plot.timeline`` draws them; nothing where nothing is dated.

    Parameters
    ----------
    timeline, groups, noticed_at : as that function takes them.
    """
    drawn = story.drawn(timeline, groups, noticed_at)
    if not drawn.lanes:
        return ""
    folds, top = _folds(drawn)
    foot = top + LANE * len(drawn.lanes)
    lanes = [part for row, lane in enumerate(drawn.lanes) for part in _lane(drawn, lane, top + LANE * row)]
    ticks, axis = _ticks(drawn, foot)
    flags, end = _flags(drawn, top, axis)
    scale = ["the scale changes at dotted lines"] if drawn.clock.changes() else []
    told = ["UTC; numbers are those of the table of events", *scale]
    under = [phone.words(end + LINE * row, said, style.MUTED) for row, said in enumerate(told, 1)]
    return phone.svg(
        [*_backs(drawn, top, foot), *folds, *_lines_first([*lanes, *ticks, *flags]), *under], end + LINE * len(told)
    )


def _lines_first(parts: list[Html]) -> list[Html]:
    return sorted(parts, key=lambda part: not part.startswith("<path"))


def _x(place: float) -> float:
    return round(EDGE + place * (WIDTH - 2 * EDGE), 1)


def _line(x: float, top: float, foot: float, colour: str, dashes: str | None = None) -> Html:
    return tag("path", d=f"M{x} {top}V{foot}", stroke=colour, fill="none", stroke_dasharray=dashes)


def _backs(drawn: story.Drawn, top: float, foot: float) -> list[Html]:
    """The windows in which rows were lost, and where the scale changes."""
    parts = [tag("defs", tag("pattern", tag("path", d="M0 8L8 0", stroke=RED, stroke_width=0.5), id="lost", width=8,
                             height=8, patternUnits="userSpaceOnUse"))]  # fmt: skip
    for row in drawn.groups.itertuples():
        edges = story.window(drawn.clock, row)
        if edges is not None:
            left, right = map(_x, edges)
            there = {"x": left, "y": top, "width": round(max(right - left, 2), 1), "height": foot - top}
            parts += [tag("rect", **there, fill=HATCH, fill_opacity=0.5),
                      tag("rect", **there, fill="url(#lost)", stroke=RED, stroke_width=0.6)]  # fmt: skip
    return parts + [_line(_x(place), top, foot, style.MUTED, "1 3") for place in drawn.clock.changes()]


def _folds(drawn: story.Drawn) -> tuple[list[Html], float]:
    """Grey bars for time that is folded, their words above them; and where the lanes begin."""
    folds = [(_x((left + right) / 2), f"{said} folded") for left, right, said in drawn.clock.folds()]
    seats = phone.rows(folds)
    top = LINE * (max(seats, default=-1) + 1) + 6
    foot = top + LANE * len(drawn.lanes)
    bars = []
    for (left, right, _), row in zip(drawn.clock.folds(), seats, strict=True):
        y = LINE * (row + 1)
        bars.append(tag("rect", x=_x(left), y=y, width=round(_x(right) - _x(left), 1), height=foot - y, fill="#e4e8ec"))
    said = [
        phone.beside(x, LINE * (row + 1) - 3, told, style.MUTED) for (x, told), row in zip(folds, seats, strict=True)
    ]
    return [*bars, *said], top


def _lane(drawn: story.Drawn, lane: str, top: float) -> list[Html]:
    marker, colour = style.LANES.get(lane, ("o", style.MUTED))
    events = drawn.dated[drawn.dated["kind"] == lane]
    middle = top + MARK
    name = phone.beside(0, top + 13, f"{lane}: {style.things(len(events), 'event')}", colour, "bold")
    parts = [tag("path", d=f"M0 {middle}H{WIDTH}", stroke=style.GRID), name]
    for left, right in story.lasting(drawn.clock, events):
        parts.append(tag("rect", x=_x(left), y=middle - 2, width=round(max(_x(right) - _x(left), 1), 1), height=4,
                         fill=colour, fill_opacity=0.3))  # fmt: skip
    places, numbers = drawn.clock.places(events["at"]), events["number"].to_numpy()
    marks = story.merged(places, numbers, BINS)
    if len(events) > story.CROWDED and lane not in style.ALWAYS_DRAWN:
        return parts + _heights(marks, middle + LINE, colour)
    drawn_marks = story.merged(places, numbers, WIDTH) if lane in style.ALWAYS_DRAWN else marks
    parts += [tag("text", SIGNS.get(marker, "●"), x=_x(x), y=middle + 4.5, font_size=13, fill=colour,
                  text_anchor="middle") for x, _ in drawn_marks]  # fmt: skip
    return parts + [phone.beside(x, middle + LINE + 1, said, style.INK) for x, said in _tags(marks, story.words_of)]


def _heights(marks: Marks, foot: float, colour: str) -> list[Html]:
    """A crowded lane: how many events fall into each place."""
    most = np.log1p(max(len(numbers) for _, numbers in marks))
    tall = [(_x(int(x * BINS) / BINS), 3 + 20 * np.log1p(len(numbers)) / most) for x, numbers in marks]
    return [tag("rect", x=x, y=round(foot - high, 1), width=5, height=round(high, 1), fill=colour) for x, high in tall]


def _tags(marks: Marks, said: Callable[[np.ndarray], str]) -> list[tuple[float, str]]:
    """The numbers of marks with their places, in one line; where there is no room, neighbours share their words."""
    clusters: list[tuple[float, float, np.ndarray]] = []
    for x, numbers in marks:
        clusters.append((_x(x), _x(x), numbers))
        while len(clusters) > 1 and _meet(clusters[-2], clusters[-1], said):
            (left, _, some), (_, right, more) = clusters[-2:]
            clusters[-2:] = [(left, right, np.concatenate([some, more]))]
    return [((left + right) / 2, said(numbers)) for left, right, numbers in clusters]


def _meet(one: tuple, other: tuple, said: Callable[[np.ndarray], str]) -> bool:
    (left, right), (start, end) = one[:2], other[:2]
    first, second = said(one[2]), said(other[2])
    ends = phone.begin((left + right) / 2, first) + phone.room(first)
    return ends + phone.AIR > phone.begin((start + end) / 2, second)


def _ticks(drawn: story.Drawn, foot: float) -> tuple[list[Html], float]:
    """The clock below the lanes, each time in one of a few lines where it has room; and where it ends."""
    told = [(_x(place), " ".join(reversed(said.split("\n")))) for place, said in zip(*drawn.clock.ticks(), strict=True)]
    parts = [tag("path", d=f"M0 {foot}H{WIDTH}", stroke=style.MUTED)]
    told = [each for each, row in zip(told, phone.rows(told), strict=True) if row < TICKS]
    seats = phone.rows(told)
    for (x, said), row in zip(told, seats, strict=True):
        y = foot + LINE * (row + 1)
        parts += [_line(x, foot, y - 11, style.GRID), phone.beside(x, y + 1, said, style.MUTED)]
    return parts, foot + LINE * (max(seats, default=-1) + 1) + 4


def _flags(drawn: story.Drawn, top: float, foot: float) -> tuple[list[Html], float]:
    """The lines of losses and of noticing, each with its words below the clock; and where they end."""
    losses = [(x, [name]) for x, name in sorted(story.middles(drawn.clock, drawn.groups))]
    while len(losses) > FLAGS:
        at = int(np.argmin(np.diff([x for x, _ in losses])))
        (x, some), (_, more) = losses[at : at + 2]
        losses[at : at + 2] = [(x, some + more)]
    told = [(x, labels.lost(names, story.hidden(drawn.groups)), RED, None) for x, names in losses]
    told += [] if drawn.noticed is None else [(drawn.clock.place(drawn.noticed), "noticed", style.INK, "4 3")]
    told.sort(key=lambda each: each[0])
    seats = phone.rows([(_x(x), said) for x, said, *_ in told])
    parts = []
    for (x, said, colour, dashes), row in zip(told, seats, strict=True):
        y = foot + LINE * (row + 1)
        parts += [_line(_x(x), top, y - 11, colour, dashes),
                  phone.beside(_x(x), y, said, colour)]  # fmt: skip
    return parts, foot + LINE * (max(seats, default=-1) + 1) + 2
