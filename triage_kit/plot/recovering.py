"""The ways back as a figure: how many rows each would bring."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import style

LOOKS = {
    "feasible": {"facecolor": "#5b8a6b", "edgecolor": "#1b6e3c"},
    "not known yet": {"facecolor": "#f6f3ea", "edgecolor": "#8a7a3b", "hatch": "///"},
    "not feasible here": {"facecolor": "none", "edgecolor": "none"},
}
LONGEST = 100  # letters of a reason, which stands where no bar does


def recovery(recovery: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the rows that each way back would bring, in the order in which to try them.

    A solid bar is feasible, a hatched one is not known yet (a short one where even the number of rows is open), and
    what is not feasible has none: its reason stands there instead.

    Parameters
    ----------
    recovery : frame ``recovery`` (rows; feasible may be missing).
    ax : Axes to draw on; a new figure by default.
    """
    given = schemas.check(recovery, "recovery")
    rows = [None if pd.isna(value) else int(value) for value in given["rows"]]
    if not rows:
        with style.styled():
            return style.nothing(style.axes_for(ax, 9.2, 1.0), "There is no way back to draw.")
    most = max([value for value in rows if value] or [1])
    with style.styled():
        ax = style.axes_for(ax, 9.2, 0.9 + 0.42 * max(len(given), 1))
        for place, (row, count) in enumerate(zip(given.itertuples(), rows, strict=True)):
            word = _word(row.feasible)
            wide = 0.0 if word == "not feasible here" else (count or 0) / most if count else 0.12
            ax.barh(place, wide * 0.5, 0.56, linewidth=0.9, **LOOKS[word])
            ax.text(wide * 0.5 + 0.01, place, _said(row, count, word), va="center", fontsize="small",
                    color="#333333" if word != "not feasible here" else "#6b6b6b")  # fmt: skip
        ax.set_yticks(
            range(len(given)), [style.short(style.way_back(each).partition(" (")[0], 42) for each in given["option"]]
        )
        ax.set_ylim(max(len(given), 1) - 0.4, -0.6)
        ax.set_xlim(0, 1.0)
        ax.set_xticks([])
        ax.tick_params(axis="y", length=0)
        ax.set_title("Ways back, and the rows that each would bring")
    said = "; ".join(f"{style.way_back(row.option)}: {_said(row, count, _word(row.feasible))}"
                     for row, count in zip(given.itertuples(), rows, strict=True))  # fmt: skip
    return style.describe(ax, f"Ways back: {said or 'none'}.")


def _word(feasible: object) -> str:
    return "not known yet" if pd.isna(feasible) else "feasible" if feasible else "not feasible here"


def _first(reason: str) -> str:
    """The reason, or as many of its first words as fit."""
    line = style.visible(reason)
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rsplit(' ', 1)[0]} …"


def _said(row: object, count: int | None, word: str) -> str:
    """What stands beside a bar: rows, work and whether it is known to go; of what does not go, the reason."""
    if word == "not feasible here":
        why = row.why if isinstance(row.why, str) else ""  # type: ignore[attr-defined]
        return f"not here: {_first(why.split(';')[0])}"
    number = style.things(count, "row") if count is not None else "rows not counted"
    effort = row.effort  # type: ignore[attr-defined]
    work = f", {effort} of work" if isinstance(effort, str) and effort not in ("", "none") else ""
    return f"{number}{work}" + ("" if word == "feasible" else ", not known yet")
