"""The timeline: what happened in which order, by kind, with the window of the loss."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import style
from triage_kit.plot.clock import FoldedClock

BINS = 160  # places that one lane has for events that may share a mark
PIXELS = 2000  # marks of which two would cover each other's middle are drawn once, with all their numbers
CROWDED = 400  # events of a lane that are counted by height rather than marked
TOLD = 4  # numbers that a tag lists one by one
PEAKS = 4  # of a crowded lane that carry their number


def timeline(
    timeline: pd.DataFrame, groups: pd.DataFrame, ax: Axes | None = None, noticed_at: pd.Timestamp | None = None
) -> Axes:
    """Draw one lane a kind of event; the window in which rows were lost is shaded, the moment of noticing marked.

    Numbers beside marks are the row numbers of ``event_list`` of the same frame. Empty stretches of time are folded
    (the fold says how long it is). Neighbours in a lane share a mark that carries their numbers, and a lane of many
    hundreds shows how many fall into each place; losses, statements and notes keep a mark each.

    Parameters
    ----------
    timeline : frame ``timeline`` (aware UTC instants; ``until`` for events that last).
    groups : frame ``groups`` (lost_from, lost_to: UTC).
    ax : Axes to draw on; a new figure by default.
    noticed_at : when somebody noticed, UTC.
    """
    events = ordered(timeline)
    groups = schemas.check(groups, "groups")
    noticed = None if noticed_at is None or pd.isna(noticed_at) else pd.Timestamp(noticed_at)
    dated = events.dropna(subset=["at"])
    marked = [] if noticed is None else [noticed]
    windows = list(zip(groups["lost_from"], groups["lost_to"], strict=True))
    edges = [edge for window in windows for edge in window] + groups["committed_at"].tolist()
    every = pd.concat([dated["at"], dated["until"], pd.Series([*edges, *marked], dtype=dated["at"].dtype)])
    clock = FoldedClock(every, keep=windows)
    lanes = [lane for lane in style.LANES if (dated["kind"] == lane).any()]
    lanes += sorted(set(dated["kind"].dropna()) - set(style.LANES))
    with style.styled():
        ax = style.axes_for(ax, 9.6, 1.9 + 0.44 * max(len(lanes), 1))
        _windows(ax, clock, groups, len(lanes), None if noticed is None else clock.place(noticed))
        for place, lane in enumerate(lanes):
            _lane(ax, clock, dated[dated["kind"] == lane], place, lane)
        if noticed is not None:
            ax.axvline(clock.place(noticed), color=style.INK, linestyle="--", linewidth=1.1)
            side = "left" if clock.place(noticed) < 0.9 else "right"
            card = {"facecolor": style.CARD, "edgecolor": "none", "pad": 0.6}
            ax.text(clock.place(noticed), len(lanes) - 0.42, " noticed ", ha=side, va="top", fontsize=8.5, bbox=card)
        _axis(ax, clock, lanes)
    return style.describe(ax, _words(events, groups, noticed))


def ordered(timeline: pd.DataFrame) -> pd.DataFrame:
    """The events by time, with ``number`` counted from 1: the numbers that figure and table share."""
    given = schemas.check(timeline, "timeline").sort_values("at", kind="stable", na_position="last")
    return given.reset_index(drop=True).assign(number=range(1, len(given) + 1))


def _windows(ax: Axes, clock: FoldedClock, groups: pd.DataFrame, lanes: int, noticed: float | None) -> None:
    for row in groups.itertuples():
        edges = [edge for edge in (row.lost_from, row.lost_to) if pd.notna(edge)]
        if pd.notna(row.committed_at):
            x = clock.place(row.committed_at)
            ax.axvline(x, color="#b3261e", linewidth=1.4)
        elif not edges:
            continue
        left, right = (clock.place(edges[0]), clock.place(edges[-1])) if edges else (x, x)
        # A window of one instant still needs a width that eyes can find.
        right = max(right, left + 0.006)
        ax.axvspan(
            left, right, facecolor="#f6d5d2", edgecolor="#b3261e", hatch="//", linewidth=0.6, alpha=0.55, zorder=0
        )
        crowded = noticed is not None and -0.02 < noticed - (left + right) / 2 < 0.12  # the other label stands there
        ax.text(
            min(right, noticed) - 0.004 if crowded else (left + right) / 2,
            lanes - 0.42,
            f"rows lost ({row.group})",
            ha="right" if crowded else "center",
            va="top",
            fontsize=8.5,
            color="#b3261e",
            bbox={"facecolor": style.CARD, "edgecolor": "none", "pad": 0.6},
        )


def _lane(ax: Axes, clock: FoldedClock, events: pd.DataFrame, place: int, lane: str) -> None:
    marker, colour = style.LANES.get(lane, ("o", style.MUTED))
    _spans(ax, clock, events[events["until"] > events["at"]], place, colour)
    places, numbers = clock.places(events["at"]), events["number"].to_numpy()
    alone, crowded = lane in style.ALWAYS_DRAWN, len(events) > CROWDED
    if crowded and not alone:
        _heights(ax, places, place, colour)
        return
    marks = _merged(places, numbers, BINS if not alone else PIXELS if crowded else 0)
    ax.scatter([x for x, _ in marks], [place] * len(marks), marker=marker, s=46, color=colour, linewidths=1.2, zorder=3)
    labelled: dict[float, float] = {}
    for x, those in _merged(places, numbers, BINS):  # marks that stand on each other share their words
        _tag(ax, x, place, _words_of(those), labelled)


def _spans(ax: Axes, clock: FoldedClock, lasting: pd.DataFrame, place: int, colour: str) -> None:
    """A bar for each event that lasts; what lies in the same place is one bar."""
    if lasting.empty:
        return
    ends = zip(clock.places(lasting["at"]), clock.places(lasting["until"]), strict=True)
    bars = sorted({(round(left * PIXELS) / PIXELS, round(right * PIXELS) / PIXELS) for left, right in ends})
    bars = bars if len(bars) <= CROWDED else _joined(bars)
    ax.broken_barh(
        [(left, max(right - left, 1 / PIXELS)) for left, right in bars],
        (place - 0.06, 0.12),
        facecolor=colour,
        alpha=max(0.35 / len(bars) ** 0.5, 0.04),
        linewidth=0,
    )


def _joined(bars: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Bars, sorted by their left end, with those that overlap as one."""
    joined = bars[:1]
    for left, right in bars[1:]:
        if left <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(right, joined[-1][1])
        else:
            joined.append((left, right))
    return joined


def _heights(ax: Axes, places: np.ndarray, place: int, colour: str) -> None:
    """A crowded lane: how many events fall into each place, as bars, with the number of the highest."""
    bins, counts = np.unique((places * BINS).astype(int), return_counts=True)
    heights = 0.1 + 0.5 * np.log1p(counts) / np.log1p(counts.max())  # one event beside a thousand stays visible
    ax.bar(bins / BINS, -heights, width=0.8 / BINS, bottom=place + 0.3, align="edge", color=colour, zorder=3)
    labelled: dict[float, float] = {}
    highest = np.sort(np.argsort(counts, kind="stable")[::-1][:PEAKS])
    for at in highest:
        _tag(ax, (bins[at] + 0.5) / BINS, place, f"{counts[at]:,} events", labelled, (-0.4,))


def _merged(places: np.ndarray, numbers: np.ndarray, bins: int) -> list[tuple[float, np.ndarray]]:
    """Marks with the numbers of their events, the leftmost first; each event has its own where there are no bins."""
    if not bins:
        return [(float(x), number) for x, number in zip(places, numbers[:, None], strict=True)]
    which = (places * bins).astype(int)
    cuts = np.flatnonzero(np.diff(which)) + 1  # events come by time, so places rise
    return [(float(x.mean()), those) for x, those in zip(np.split(places, cuts), np.split(numbers, cuts), strict=True)]


def _words_of(numbers: np.ndarray) -> str:
    gapless = numbers[-1] - numbers[0] + 1 == len(numbers)
    if len(numbers) <= TOLD and not (gapless and len(numbers) > 1):
        return ", ".join(map(str, numbers))
    return f"{numbers[0]}-{numbers[-1]}" if gapless and len(numbers) < 10 else f"{len(numbers):,} events"


def _tag(
    ax: Axes,
    x: float,
    place: int,
    words: str,
    labelled: dict[float, float],
    heights: Sequence[float] = (-0.3, 0.36),
) -> None:
    width = 0.011 * len(words) + 0.004
    for height in heights:
        if x - width / 2 > labelled.get(height, -1):
            ax.text(x, place + height, words, ha="center", va="center", fontsize=7.5, color=style.INK, zorder=4)
            labelled[height] = x + width / 2
            return


def _axis(ax: Axes, clock: FoldedClock, lanes: list[str]) -> None:
    ax.set_yticks(range(len(lanes)), lanes)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(len(lanes), 1) - 0.05, -1.05)
    ax.set_xlim(-0.025, 1.025)
    places, labels = clock.ticks()
    ax.set_xticks(places, labels, fontsize=8)
    for place in range(len(lanes)):
        ax.axhline(place, color=style.GRID, linewidth=0.6, zorder=0)
    for left, right, words in clock.folds():
        ax.axvspan(left, right, color="#eef1f4", zorder=1, linewidth=0)
        ax.text((left + right) / 2, -0.98, f"{words}\nfolded", ha="center", va="top", fontsize=7.5, color=style.MUTED)
    for place in clock.changes():
        ax.axvline(place, color=style.MUTED, linestyle=":", linewidth=1, zorder=1)
    scale = "; the scale changes at dotted lines" if clock.changes() else ""
    ax.set_xlabel(f"UTC; numbers are those of the table of events{scale}")
    if not lanes:
        ax.text(0.5, 0, "no source told of any event", ha="center", va="center")


def _words(events: pd.DataFrame, groups: pd.DataFrame, noticed: pd.Timestamp | None) -> str:
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in events["kind"].value_counts().items())
    windows = "; ".join(
        f"{row.group} between {_iso(row.lost_from)} and {_iso(row.lost_to)}" for row in groups.itertuples()
    )
    return (
        f"Timeline of {len(events):,} events ({kinds or 'none'}). Rows lost: {windows or 'no window known'}. "
        f"Noticed: {_iso(noticed)}."
    )


def _iso(instant: pd.Timestamp | None) -> str:
    return "an unknown time" if instant is None or pd.isna(instant) else f"{instant:%Y-%m-%d %H:%M:%S} UTC"
