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
    drawn = ways(given)
    if not drawn:
        with style.styled():
            return style.nothing(style.axes_for(ax, 9.2, 1.0), "No way back is needed, or none is known.")
    with style.styled():
        ax = style.axes_for(ax, 9.2, 0.9 + 0.42 * max(len(given), 1))
        for place, (_, wide, look, said) in enumerate(drawn):
            ax.barh(place, wide * 0.5, 0.56, linewidth=0.9, **look)
            ax.text(wide * 0.5 + 0.01, place, said, va="center", fontsize="small",
                    color="#333333" if wide else "#6b6b6b")  # fmt: skip
        ax.set_yticks(range(len(given)), [name for name, *_ in drawn])
        ax.set_ylim(max(len(given), 1) - 0.4, -0.6)
        ax.set_xlim(0, 1.0)
        ax.set_xticks([])
        ax.tick_params(axis="y", length=0)
        ax.set_title("Ways back, and the rows that each would bring")
    said = "; ".join(
        f"{style.way_back(option)}: {words}" for option, (*_, words) in zip(given["option"], drawn, strict=True)
    )
    return style.describe(ax, f"Ways back: {said or 'none'}.")


def numbered_ways(recovery: pd.DataFrame) -> list[dict]:
    """The ways back that may be taken, in the order of the numbers that the page gives them."""
    given = schemas.check(recovery, "recovery")
    order = given["feasible"].map({True: 0, False: 2}).fillna(1)
    given = given.assign(_order=order).sort_values(["_order", "order"], kind="stable", na_position="last")
    return given[given["_order"] < 2].drop(columns="_order").to_dict("records")


def ways(recovery: pd.DataFrame) -> list[tuple[str, float, dict, str]]:
    """Of each way back its name, the share of its bar (0 to 1), how the bar looks, and what stands beside it."""
    rows = [None if pd.isna(value) else int(value) for value in recovery["rows"]]
    most = max([value for value in rows if value] or [1])
    drawn = []
    for row, count in zip(recovery.itertuples(), rows, strict=True):
        word = _word(row.feasible)
        wide = 0.0 if word == "not feasible here" else (count or 0) / most if count else 0.12
        name = style.short(style.way_back(row.option).partition(" (")[0], 42)
        drawn.append((name, wide, LOOKS[word], _said(row, count, word)))
    return drawn


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
