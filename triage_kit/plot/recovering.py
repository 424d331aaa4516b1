"""The ways back as a figure: how many rows each would bring."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import style


def recovery(recovery: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the rows that each way back would bring; solid is feasible, hatched not known yet, empty not feasible.

    Parameters
    ----------
    recovery : frame ``recovery`` (rows; feasible may be missing).
    ax : Axes to draw on; a new figure by default.
    """
    given = schemas.check(recovery, "recovery")
    most = max(int(given["rows"].fillna(0).max()) if len(given) else 0, 1)
    with style.styled():
        ax = style.axes_for(ax, 9.2, 0.9 + 0.4 * max(len(given), 1))
        for place, row in enumerate(given.itertuples()):
            known = pd.notna(row.feasible)
            look = (
                {"facecolor": "#5b8a6b"}
                if known and row.feasible
                else {"facecolor": "none", "hatch": "" if known else "///"}
            )
            rows = 0 if pd.isna(row.rows) else int(row.rows)
            ax.barh(place, max(rows / most, 0.004), 0.6, edgecolor="#1b6e3c", linewidth=0.8, **look)
            word = "not known yet" if not known else "feasible" if row.feasible else "not feasible"
            ax.text(max(rows / most, 0.004) + 0.01, place, f"{style.count(row.rows, '?')} rows, {word}", va="center")
        ax.set_yticks(range(len(given)), [style.short(style.way_back(each), 36) for each in given["option"]])
        ax.set_ylim(max(len(given), 1) - 0.4, -0.6)
        ax.set_xlim(0, 1.35)
        ax.set_xticks([])
        ax.tick_params(axis="y", length=0)
        ax.set_title("Rows that each way back would bring")
    said = "; ".join(f"{row.option} {style.count(row.rows, 'an unknown number of')} rows" for row in given.itertuples())
    return style.describe(ax, f"Ways back: {said or 'none'}.")
