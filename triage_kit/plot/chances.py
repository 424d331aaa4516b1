"""How sure: what may have happened to the rows of each table, and who or what did it."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from triage_kit import schemas
from triage_kit.plot import style, words
from triage_kit.plot.damage import by_urgency

MOST_TABLES = 30
SLIVER = 0.004  # of a bar: less is no wider than the line around it, and all of that is one grey end
MOST_GROUPS, MOST_CAUSES = 12, 3  # of a case with several losses


def mechanisms(
    mechanism_probabilities: pd.DataFrame, findings: pd.DataFrame | None = None, ax: Axes | None = None
) -> Axes:
    """Draw one bar a table, divided by what may have happened to its rows; parts of 8 % and more carry their word.

    Parameters
    ----------
    mechanism_probabilities : frame of that name (schema, table, mechanism, probability 0 to 1).
    findings : frame of that name; when given, only its tables that are not intact are drawn, the worst first. At most
        30 tables are drawn, the rest is counted.
    ax : Axes to draw on; a new figure by default.
    """
    given, look = drawn_mechanisms(mechanism_probabilities, findings)
    names = list(dict.fromkeys(zip(given["schema"], given["table"], strict=True)))
    if not names:
        with style.styled():
            return style.nothing(style.axes_for(ax, 9.2, 1.0), "No table is damaged: nothing happened to rows.")
    shown = names[:MOST_TABLES]
    with style.styled():
        ax = style.axes_for(ax, 9.2, 1.1 + 0.36 * max(len(shown), 1))
        for place, (schema, table) in enumerate(shown):
            one = given[(given["schema"] == schema) & (given["table"] == table)]
            _stack(ax, place, one.sort_values("probability", ascending=False, kind="stable"), look)
        _share_axis(ax, [style.short(schemas.qualified(schema, table), 40) for schema, table in shown])
        ax.set_title("What happened to the rows of each table")
        if len(names) > len(shown):
            ax.set_xlabel(f"probability; {len(names) - len(shown):,} more tables are in the table below")
    best = given.sort_values("probability", kind="stable").drop_duplicates(["schema", "table"], keep="last")
    told = ", ".join(
        f"{number:,} {words.head('mechanism', word)}" for word, number in best["mechanism"].value_counts().items()
    )
    return style.describe(
        ax, f"What most probably happened to {style.things(len(names), 'table')}: {told or 'nothing'}."
    )


def drawn_mechanisms(
    mechanism_probabilities: pd.DataFrame, findings: pd.DataFrame | None
) -> tuple[pd.DataFrame, dict[str, tuple[str, str]]]:
    """What is drawn, the worst table first, and the colour and hatch of each mechanism."""
    given = schemas.check(mechanism_probabilities, "mechanism_probabilities")
    if findings is not None:
        given = _worst_first(given, findings)
    weight = given.groupby("mechanism")["probability"].sum().sort_values(ascending=False, kind="stable")
    return given, {word: (style.PALETTE[i % 8], style.HATCHES[i % 8]) for i, word in enumerate(weight.index)}


def _worst_first(given: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    ranked = by_urgency(schemas.check(findings, "findings"))
    ranked = ranked.loc[ranked["status"] != "intact", ["schema", "table"]].reset_index(drop=True)
    return ranked.merge(given, on=["schema", "table"], how="inner")


def _stack(ax: Axes, place: int, one: pd.DataFrame, look: dict[str, tuple[str, str]]) -> None:
    left, seen = 0.0, one[one["probability"] >= SLIVER]
    for row in seen.itertuples():
        colour, hatch = look[row.mechanism]
        ax.barh(
            place,
            row.probability,
            0.7,
            left=left,
            facecolor=colour + "26",
            edgecolor=colour,
            hatch=hatch,
            linewidth=0.8,
        )
        if row.probability >= 0.08:
            said = words.head("mechanism", row.mechanism)
            large = row.probability >= 0.2
            ax.text(
                left + row.probability / 2,
                place,
                f"{said} {style.percent(row.probability)}" if large else said.replace(" ", "\n"),
                ha="center",
                va="center",
                fontsize=8.5 if large else 7,
                linespacing=0.95,
                bbox={"facecolor": style.CARD, "edgecolor": "none", "pad": 1.2},
            )
        left += row.probability
    if one["probability"].gt(0).sum() > len(seen):
        ax.barh(place, 1 - left, 0.7, left=left, facecolor=style.GRID, edgecolor="none")


def _share_axis(ax: Axes, labels: list[str]) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(len(labels), 1) - 0.4, -0.6)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    ax.set_xlabel("probability")


def causes(causes: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the causes of each group of tables, the most probable first, with the number on each bar.

    Parameters
    ----------
    causes : frame ``causes`` (group, cause, title, probability 0 to 1).
    ax : Axes to draw on; a new figure by default.
    """
    given, left, labels = drawn_causes(causes)
    with style.styled():
        ax = style.axes_for(ax, 9.2, 1.1 + 0.36 * max(len(given), 1))
        for place, row in enumerate(given.itertuples()):
            colour = style.MUTED if row.cause == "unknown" else style.PALETTE[1]
            ax.barh(
                place,
                row.probability,
                0.66,
                facecolor=colour,
                hatch="" if row.cause != "unknown" else "///",
                edgecolor=style.CARD,
                linewidth=0.5,
            )
            within = row.probability > 0.88  # no room is left beside the bar
            ax.text(
                row.probability + (-0.01 if within else 0.01),
                place,
                style.percent(row.probability),
                va="center",
                ha="right" if within else "left",
                color=style.CARD if within else style.INK,
                bbox={"facecolor": colour if within else style.CARD, "edgecolor": "none", "pad": 0.8},
            )
        _share_axis(ax, [style.short(label, 40) for label in labels])
        more = (
            f"; the first {MOST_GROUPS} groups and their likeliest causes, {left:,} more groups below" if left else ""
        )
        ax.set_title(f"Who or what did it{more}")
    said = "; ".join(
        f"{label} {style.percent(chance)}" for label, chance in zip(labels, given["probability"], strict=True)
    )
    return style.describe(ax, f"Probabilities of the causes: {said or 'none'}.")


def drawn_causes(causes: pd.DataFrame) -> tuple[pd.DataFrame, int, list[str]]:
    """What is drawn, how many groups are left out, and a label for each bar."""
    whole = ranked(causes)
    given, left = _drawn(whole[whole["probability"].fillna(0) >= 0.0005])
    several = len(set(whole["group"])) > 1
    whose = [f"{group}: " if several else "" for group in given["group"]]
    return given, left, [of + words.head("cause", word) for of, word in zip(whose, given["cause"], strict=True)]


def ranked(causes: pd.DataFrame) -> pd.DataFrame:
    """The causes by group (G2 before G10), the most probable first."""
    given = schemas.check(causes, "causes")
    place = given["group"].str.extract(r"(\d+)$")[0].astype("Float64")
    return given.assign(_place=place).sort_values(
        ["_place", "group", "probability"], ascending=[True, True, False], kind="stable"
    ).drop(columns="_place")  # fmt: skip


def _drawn(given: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """What fits a page: every cause of one group, else the three likeliest of the first groups; how many are left."""
    groups = len(set(given["group"]))
    if groups <= 1:
        return given, 0
    few = given.groupby("group", sort=False).head(MOST_CAUSES)
    return few[few["group"].isin(few["group"].unique()[:MOST_GROUPS])], max(groups - MOST_GROUPS, 0)
