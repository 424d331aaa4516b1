"""The timeline: what happened in which order, by kind, with the window of the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import labels, style
from triage_kit.plot.clock import FoldedClock

BINS = 160  # places that one lane has for events that may share a mark
PIXELS = 2000  # marks of which two would cover each other's middle are drawn once, with all their numbers
CROWDED = 400  # events of a lane that are counted by height rather than marked
TOLD = 4  # numbers that a tag lists one by one
PEAKS = 4  # of a crowded lane that carry their number
HEAD = -0.55  # where lines of losses begin: above them stand the words of folds


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
    given = drawn(timeline, groups, noticed_at)
    groups, clock, lanes, dated = given.groups, given.clock, given.lanes, given.dated
    place = None if given.noticed is None else clock.place(given.noticed)
    with style.styled():
        told = labels.flags(middles(clock, groups), place, hidden(groups))
        foot = len(lanes) - 0.25 + labels.ROW * (1 + max((row for _, row, _, _ in told), default=0))
        ax = style.axes_for(ax, 9.6, 1.5 + 0.44 * max(foot, 1))
        _windows(ax, clock, groups, foot)
        for at, lane in enumerate(lanes):
            _lane(ax, clock, dated[dated["kind"] == lane], at, lane)
        if place is not None:
            ax.vlines(place, HEAD, foot, color=style.INK, linestyle="--", linewidth=1.1, zorder=2)
        for x, row, words, colour in told:
            ax.text(x, len(lanes) - 0.35 + labels.ROW * row, words, ha="center", va="center", fontsize=labels.FLAG,
                    color=colour, zorder=6, bbox=labels.CARD)  # fmt: skip
        _axis(ax, clock, lanes, foot)
    return style.describe(ax, _words(given.events, groups, given.noticed))


@dataclass(frozen=True)
class Drawn:
    """What a picture of the timeline shows: its events, those with a time, the losses, the clock and its lanes."""

    events: pd.DataFrame
    dated: pd.DataFrame
    groups: pd.DataFrame
    noticed: pd.Timestamp | None
    clock: FoldedClock
    lanes: list[str]


def drawn(timeline: pd.DataFrame, groups: pd.DataFrame, noticed_at: pd.Timestamp | None) -> Drawn:
    """What ``timeline`` and its like for a telephone draw of the frames that they are given."""
    events = ordered(timeline)
    groups = schemas.check(groups, "groups")
    noticed = None if noticed_at is None or pd.isna(noticed_at) else pd.Timestamp(noticed_at)
    dated = events.dropna(subset=["at"])
    marked = [] if noticed is None else [noticed]
    windows = list(zip(groups["lost_from"], groups["lost_to"], strict=True))
    edges = [edge for window in windows for edge in window] + groups["committed_at"].tolist()
    every = pd.concat([dated["at"], dated["until"], pd.Series([*edges, *marked], dtype=dated["at"].dtype)])
    lanes = [lane for lane in style.LANES if (dated["kind"] == lane).any()]
    lanes += sorted(set(dated["kind"].dropna()) - set(style.LANES))
    return Drawn(events, dated, groups, noticed, FoldedClock(every, keep=windows), lanes)


def ordered(timeline: pd.DataFrame) -> pd.DataFrame:
    """The events by time, with ``number`` counted from 1: the numbers that figure and table share."""
    given = schemas.check(timeline, "timeline").sort_values("at", kind="stable", na_position="last")
    return given.reset_index(drop=True).assign(number=range(1, len(given) + 1))


def window(clock: FoldedClock, group: object) -> tuple[float, float] | None:
    """Left and right place of a group's window; nothing where its time is not known at all."""
    edges = [edge for edge in (group.lost_from, group.lost_to) if pd.notna(edge)] or (
        [group.committed_at] if pd.notna(group.committed_at) else []
    )
    if not edges:
        return None
    left, right = clock.place(edges[0]), clock.place(edges[-1])
    return left, max(right, left + 0.006)  # one instant still needs a width that eyes can find


def middles(clock: FoldedClock, groups: pd.DataFrame) -> list[tuple[float, str]]:
    """Where the words of each loss belong."""
    told = [(row, window(clock, row)) for row in groups.itertuples()]
    return [
        (sum(edges) / 2 if pd.isna(row.committed_at) else clock.place(row.committed_at), str(row.group))
        for row, edges in told
        if edges is not None
    ]


def hidden(groups: pd.DataFrame) -> frozenset[str]:
    """The groups whose rows stand, out of sight."""
    return frozenset(groups.loc[groups["mechanism"] == "hidden", "group"])


def _windows(ax: Axes, clock: FoldedClock, groups: pd.DataFrame, foot: float) -> None:
    for row in groups.itertuples():
        edges = window(clock, row)
        if edges is None:
            continue
        if pd.notna(row.committed_at):
            ax.vlines(clock.place(row.committed_at), HEAD, foot, color="#b3261e", linewidth=1.4, zorder=2)
        left, right = edges
        ax.broken_barh([(left, right - left)], (HEAD, foot - HEAD), facecolor="#f6d5d2", edgecolor="#b3261e",
                       hatch="//", linewidth=0.6, alpha=0.55, zorder=0)  # fmt: skip


def _lane(ax: Axes, clock: FoldedClock, events: pd.DataFrame, place: int, lane: str) -> None:
    marker, colour = style.LANES.get(lane, ("o", style.MUTED))
    _spans(ax, lasting(clock, events), place, colour)
    places, numbers = clock.places(events["at"]), events["number"].to_numpy()
    alone, crowded = lane in style.ALWAYS_DRAWN, len(events) > CROWDED
    if crowded and not alone:
        _heights(ax, places, place, colour)
        return
    marks = merged(places, numbers, BINS if not alone else PIXELS if crowded else 0)
    ax.scatter([x for x, _ in marks], [place] * len(marks), marker=marker, s=46, color=colour, linewidths=1.2, zorder=3)
    # Marks that stand on each other share their words.
    labels.tags(ax, place, merged(places, numbers, BINS), words_of, (-0.3, 0.36))


def lasting(clock: FoldedClock, events: pd.DataFrame) -> list[tuple[float, float]]:
    """Left and right place of each event that lasts; what lies in the same place is one."""
    lasted = events[events["until"] > events["at"]]
    ends = zip(clock.places(lasted["at"]), clock.places(lasted["until"]), strict=True)
    bars = sorted({(round(left * PIXELS) / PIXELS, round(right * PIXELS) / PIXELS) for left, right in ends})
    return bars if len(bars) <= CROWDED else _joined(bars)


def _spans(ax: Axes, bars: list[tuple[float, float]], place: int, colour: str) -> None:
    if not bars:
        return
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
    written: list[tuple[float, np.ndarray]] = []
    for at in np.argsort(-counts, kind="stable"):
        x, room = (bins[at] + 0.5) / BINS, labels.width(_many(counts.max(keepdims=True)), labels.TAG)
        if len(written) < PEAKS and all(abs(x - other) > room for other, _ in written):
            written.append((x, counts[at : at + 1]))
    labels.tags(ax, place, sorted(written, key=lambda each: each[0]), _many, (-0.4,))


def _many(counts: np.ndarray) -> str:
    return f"{counts.sum():,} events"


def merged(places: np.ndarray, numbers: np.ndarray, bins: int) -> list[tuple[float, np.ndarray]]:
    """Marks with the numbers of their events, the leftmost first; each event has its own where there are no bins."""
    if not bins:
        return [(float(x), number) for x, number in zip(places, numbers[:, None], strict=True)]
    which = (places * bins).astype(int)
    cuts = np.flatnonzero(np.diff(which)) + 1  # events come by time, so places rise
    return [(float(x.mean()), those) for x, those in zip(np.split(places, cuts), np.split(numbers, cuts), strict=True)]


def words_of(numbers: np.ndarray) -> str:
    gapless = numbers[-1] - numbers[0] + 1 == len(numbers)
    if len(numbers) <= TOLD and not (gapless and len(numbers) > 1):
        return ", ".join(map(str, numbers))
    return f"{numbers[0]}-{numbers[-1]}" if gapless and len(numbers) < 10 else f"{len(numbers):,} events"


def _axis(ax: Axes, clock: FoldedClock, lanes: list[str], foot: float) -> None:
    ax.set_yticks(range(len(lanes)), lanes)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(foot, 0.95), -1.05)
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
