"""The timeline: what happened in which order, by kind, with the window of the loss."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import style
from triage_kit.plot.clock import FoldedClock

BINS = 160  # places that one lane has for events that may share a mark


def timeline(
    timeline: pd.DataFrame, groups: pd.DataFrame, ax: Axes | None = None, noticed_at: pd.Timestamp | None = None
) -> Axes:
    """Draw one lane a kind of event; the window in which rows were lost is shaded, the moment of noticing marked.

    Numbers beside marks are the row numbers of ``event_list`` of the same frame. Empty stretches of time are folded
    (the fold says how long it is). Crowded events of a lane share a mark that carries their number; losses, statements
    and notes are never merged.

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
    clock = FoldedClock([*dated["at"], *dated["until"], *edges, *marked], keep=windows)
    lanes = [lane for lane in style.LANES if (dated["kind"] == lane).any()]
    lanes += sorted(set(dated["kind"].dropna()) - set(style.LANES))
    with style.styled():
        ax = style.axes_for(ax, 9.6, 1.9 + 0.44 * max(len(lanes), 1))
        _windows(ax, clock, groups, len(lanes))
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


def _windows(ax: Axes, clock: FoldedClock, groups: pd.DataFrame, lanes: int) -> None:
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
        ax.text(
            (left + right) / 2,
            lanes - 0.42,
            f"rows lost ({row.group})",
            ha="center",
            va="top",
            fontsize=8.5,
            color="#b3261e",
            bbox={"facecolor": style.CARD, "edgecolor": "none", "pad": 0.6},
        )


def _lane(ax: Axes, clock: FoldedClock, events: pd.DataFrame, place: int, lane: str) -> None:
    marker, colour = style.LANES.get(lane, ("o", style.MUTED))
    places = [clock.place(at) for at in events["at"]]
    for row, x in zip(events.itertuples(), places, strict=True):
        if pd.notna(row.until) and row.until > row.at:
            ax.plot(
                [x, clock.place(row.until)],
                [place, place],
                color=colour,
                linewidth=4,
                alpha=0.35,
                solid_capstyle="butt",
            )
    alone = lane in style.ALWAYS_DRAWN
    marks = (
        [(x, [number]) for x, number in zip(places, events["number"], strict=True)]
        if alone
        else _merged(places, events)
    )
    ax.scatter([x for x, _ in marks], [place] * len(marks), marker=marker, s=46, color=colour, linewidths=1.2, zorder=3)
    labelled: dict[float, float] = {}
    for x, numbers in marks:
        _tag(ax, x, place, numbers, labelled)


def _merged(places: list[float], events: pd.DataFrame) -> list[tuple[float, list[int]]]:
    bins: dict[int, list[tuple[float, int]]] = {}
    for x, number in zip(places, events["number"], strict=True):
        bins.setdefault(int(x * BINS), []).append((x, number))
    return [(sum(x for x, _ in each) / len(each), [number for _, number in each]) for each in bins.values()]


def _tag(ax: Axes, x: float, place: int, numbers: list[int], labelled: dict[float, float]) -> None:
    words = (
        str(numbers[0])
        if len(numbers) == 1
        else f"{numbers[0]}-{numbers[-1]}"
        if len(numbers) < 10
        else f"{len(numbers)} events"
    )
    width = 0.011 * len(words) + 0.004
    for height in (-0.3, 0.36):
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
    ax.set_xlabel("UTC; numbers are those of the table of events")
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
