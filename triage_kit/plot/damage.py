"""What is gone: expected, actual and missing rows of each table, and what happened to them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import style
from triage_kit.plot.words import about, about_all, all_stand, likely_before

MOST_ROWS = 40
SURE, UNSURE, VEILED = ("#5b8a6b", "#1b6e3c"), ("#c4cad1", style.MUTED), ("#c9dcf2", "#1f5fa8")
OPEN = 0.8  # at most of a bar whose whole is not known
COLUMNS = (1.44, 1.74, 2.04)  # right ends of the numbers; 48,000,000 needs 0.25, a range of such the first gap


def by_urgency(findings: pd.DataFrame) -> pd.DataFrame:
    """The tables as a reader needs them: wiped first, then by missing rows, then by name."""
    order = {status: place for place, status in enumerate(style.STATUSES)}
    return (
        findings.assign(
            _status=findings["status"].map(order).fillna(len(order)),
            _missing=-findings["missing_rows"].astype("Float64").fillna(-0.5),
        )
        .sort_values(["_status", "_missing", "schema", "table"], kind="stable")
        .drop(columns=["_status", "_missing"])
        .reset_index(drop=True)
    )


def names(findings: pd.DataFrame) -> list[str]:
    """Qualified name of each row, as foreign keys and groups spell it."""
    return [
        schemas.qualified(schema, table) for schema, table in zip(findings["schema"], findings["table"], strict=True)
    ]


def tables(findings: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw one bar a table, as long as the rows that should stand there; what is missing is hatched.

    Every bar has the length of its own table, and the numbers stand beside it, so that 48 and 48,000,000 rows are
    equally legible. The worst 40 tables are drawn; the rest is counted by status below them.

    Parameters
    ----------
    findings : frame ``findings`` (one row a table; rows).
    ax : Axes to draw on; a new figure by default.
    """
    ordered = by_urgency(schemas.check(findings, "findings"))
    shown, rest = ordered.head(MOST_ROWS), ordered.iloc[MOST_ROWS:]
    with style.styled():
        ax = style.axes_for(ax, 9.2, 1.4 + 0.32 * max(len(shown), 1))
        for place, row in enumerate(shown.itertuples()):
            _bar(ax, place, row)
        _frame(ax, shown, rest)
    return style.describe(ax, _words(ordered))


def _bar(ax: Axes, place: int, row: object) -> None:
    colour, symbol = style.STATUSES.get(row.status, style.STATUSES["undecided"])
    actual = 0 if pd.isna(row.actual_rows) else int(row.actual_rows)
    expected = row.expected_rows if pd.notna(row.expected_rows) else row.expected_high
    whole = max(actual, 0 if pd.isna(expected) else int(expected))
    if unknown(row, whole):
        ax.barh(place, 1, 0.62, facecolor="none", edgecolor=style.MUTED, linestyle=":", linewidth=0.9)
    if actual:
        colour_of, edge = stands(row, whole)
        ax.barh(place, standing(row, whole), 0.62, color=colour_of, edgecolor=edge, linewidth=0.6)
    missing = 0 if pd.isna(row.missing_rows) else int(row.missing_rows)
    if whole and missing > 0:
        ax.barh(
            place,
            missing / whole,
            0.62,
            left=1 - missing / whole,
            facecolor="#f6d5d2",
            edgecolor="#b3261e",
            hatch="////",
            linewidth=0.6,
        )
    ax.text(-0.02, place, style.short(schemas.qualified(row.schema, row.table)), ha="right", va="center")
    stand = about(row) if pd.notna(row.actual_rows) else ""
    gone = about(row) if missing else ""
    counts = (stand + style.count(row.actual_rows, "?"), gone + style.count(row.missing_rows, "?"))
    cells = (_expected(row), *counts)
    for x, words, look in zip(COLUMNS, cells, (style.INK, style.INK, "#b3261e" if missing else style.INK), strict=True):
        ax.text(x, place, words, ha="right", va="center", color=look)
    ax.text(
        COLUMNS[-1] + 0.05, place, f"{symbol} {row.status}", ha="left", va="center", color=colour, fontweight="bold"
    )


def unknown(row: object, whole: int) -> bool:
    """Whether it is not known how long the whole bar would be, or how much of it stands."""
    bounded = pd.isna(row.expected_rows) and whole > (row.actual_rows if pd.notna(row.actual_rows) else 0)
    uncounted = pd.isna(row.missing_rows) and (row.status == "partial" or (row.status in style.DAMAGED and not whole))
    return bool(pd.isna(row.actual_rows) or bounded or uncounted)


def stands(row: object, whole: int) -> tuple[str, str]:
    """Colour and edge of rows that stand. Green looks whole: what is hidden is blue, what nobody counted grey."""
    if row.status == "hidden":
        return VEILED
    return UNSURE if row.status != "intact" and unknown(row, whole) else SURE


def standing(row: object, whole: int) -> float:
    """The share of the bar that stands; where nobody knows what is missing, its end stays open."""
    return min(int(row.actual_rows) / whole, OPEN if unknown(row, whole) else 1)


def _expected(row: object) -> str:
    if all_stand(row):
        return style.count(row.actual_rows)
    if pd.notna(row.expected_rows):
        return style.count(row.expected_rows)
    about = likely_before(row).removeprefix("probably ") or style.about(row.expected_low, row.expected_high)
    return "?" if about == style.about(None, None) else about


def _frame(ax: Axes, shown: pd.DataFrame, rest: pd.DataFrame) -> None:
    ax.set_xlim(-0.02, COLUMNS[-1] + 0.36)
    ax.set_ylim(max(len(shown), 1) + (0.2 if rest.empty else 0.9), -2.0)
    ax.set_axis_off()
    for x, word in zip(COLUMNS, ("expected", "actual", "missing"), strict=True):
        ax.text(x, -0.8, word, ha="right", va="center", color=style.MUTED, fontsize=8.5)
    ax.text(
        0,
        -1.6,
        "rows: solid stand, hatched are missing, dotted is not known; each bar is the whole of its own table",
        va="center",
        color=style.MUTED,
        fontsize=8.5,
    )
    if shown.empty:
        ax.text(0, 0, "no tables in scope", va="center")
    if not rest.empty:
        ax.text(0, len(shown) + 0.2, f"and {len(rest):,} more tables: {by_status(rest)}", va="center")


def by_status(findings: pd.DataFrame) -> str:
    """How many tables are of each status, in words."""
    counts = findings["status"].value_counts()
    return ", ".join(f"{counts[status]:,} {status}" for status in style.STATUSES if status in counts)


def _words(findings: pd.DataFrame) -> str:
    leaves = findings[findings["kind"] != "partitioned"]
    missing = int(leaves["missing_rows"].fillna(0).sum())
    near = about_all(leaves[leaves["missing_rows"].fillna(0) > 0])
    return (
        f"Bars of expected and actual rows for {len(findings):,} tables ({by_status(findings) or 'none'}); "
        f"{near}{missing:,} rows are {'by estimate' if near else 'known to be'} missing."
    )
