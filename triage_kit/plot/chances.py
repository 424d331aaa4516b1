"""How sure: mechanisms of each table, causes of each group, and the evidence that moved them."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from triage_kit import schemas
from triage_kit.plot import style
from triage_kit.plot.damage import by_urgency, names

MOST_TABLES = 30
SLIVER = 0.004  # of a bar: less is no wider than the line around it, and all of that is one grey end
QUIET = 0.5  # decibans: less is printed as 0
MOST_COLUMNS = 9
MOST_GROUPS, MOST_CAUSES = 12, 3  # of a case with several losses
AGAINST, FOR = "#e5a19b", "#8fb8e0"  # white between them
UNITS = "decibans for (+) and against (\u2212)"
LIMIT = 20.0  # decibans at which a colour is full: 100 to 1


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
    words = ", ".join(f"{number:,} {word}" for word, number in best["mechanism"].value_counts().items())
    return style.describe(ax, f"Most probable mechanism of {len(names):,} tables: {words or 'none'}.")


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
            words = str(row.mechanism).replace("_", " ")
            large = row.probability >= 0.2
            ax.text(
                left + row.probability / 2,
                place,
                f"{words} {style.percent(row.probability)}" if large else words.replace(" ", "\n"),
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
    labels = [f"{row.group}: {row.cause}" if several else row.cause for row in given.itertuples()]
    return given, left, [label.replace("_", " ") for label in labels]


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


def evidence_matrix(
    evidence: pd.DataFrame, chances: pd.DataFrame | None = None, ax: Axes | None = None, of: str | None = None
) -> Axes:
    """Draw what each observation adds to each hypothesis, in decibans (10 = ten to one), with the numbers printed.

    The first row is what a hypothesis starts with; a column adds up to its last number, and 10 more there than in
    another column are ten times its chance.

    Parameters
    ----------
    evidence : frame ``mechanism_evidence`` (hypotheses are mechanisms of a table) or ``cause_evidence`` (causes of a
        group); likelihoods without unit, decibans.
    chances : frame ``mechanism_probabilities`` or ``causes``; when given, each column ends with its probability.
    ax : Axes to draw on; a new figure by default.
    of : qualified name of the table, or the group; the first one of the frame by default.
    """
    with style.styled():
        matrix = drawn_matrix(evidence, chances, of)
        if matrix is None:
            said = f"No observation was weighed{f' of {style.visible(of)}' if of else ''}."
            return style.nothing(style.axes_for(ax, 9.2, 1.0), said)
        ax = style.axes_for(ax, 9.2, 2.6 + 0.36 * max(matrix.loud, 1))
        _heat(ax, matrix.grid, matrix.sums, matrix.chances)
        more = f"\n{matrix.more}" if matrix.more else ""
        ax.set_title(f"{style.short(matrix.name, 60)}\n{UNITS}{more}", pad=10)
    hypotheses = len(matrix.grid.columns)
    return style.describe(ax, f"Matrix of {matrix.loud} observations against {hypotheses} hypotheses, in decibans.")


def drawn_matrix(
    evidence: pd.DataFrame, chances: pd.DataFrame | None, of: str | None, most: int = MOST_COLUMNS
) -> SimpleNamespace | None:
    """What is drawn of one table or group; None where nothing was weighed.

    ``grid`` has a row before any evidence, one for each observation that says something, the weightiest first, and one
    for all fainter ones; ``sums`` and ``chances`` are of its columns, the ``most`` probable ones; ``more`` tells how
    many are left out.
    """
    rows, columns, given = _of_one(evidence, of)
    grid = given.pivot_table(index=rows, columns=columns, values="decibans", aggfunc="first", sort=False)
    if grid.empty:
        return None
    begun = given.groupby(columns, sort=False)["start"].first()
    told = (grid.sum() + begun.fillna(0)).sort_values(ascending=False, kind="stable")
    grid = grid[list(told.index[:most])]
    weight = grid.abs().max(axis=1).fillna(0).sort_values(ascending=False, kind="stable")
    loud = grid.loc[weight[weight >= QUIET].index]
    rest = grid.drop(index=loud.index)
    faint = {f"{style.things(len(rest), 'fainter observation')}": rest.sum()} if len(rest) else {}
    left = len(told) - len(grid.columns)
    weaker = "1 weaker hypothesis" if left == 1 else f"{left} weaker hypotheses"
    return SimpleNamespace(
        grid=pd.concat([_lines({"before any evidence": begun}, grid), loud, _lines(faint, grid)]),
        loud=len(loud),
        sums=told[grid.columns],
        chances=_chances(chances, columns, str(given["_of"].iloc[0])),
        more=f"left out: {weaker}" if left > 0 else "",
        name=_name(given),
    )


def _lines(numbers: dict[str, pd.Series], grid: pd.DataFrame) -> pd.DataFrame:
    """Rows to stand above or below the observations, with the columns of these."""
    return pd.DataFrame({name: each.reindex(grid.columns) for name, each in numbers.items()}, index=grid.columns).T


def _chances(chances: pd.DataFrame | None, column: str, of: str) -> pd.Series | None:
    """What was concluded of one table or group, by hypothesis."""
    if chances is None:
        return None
    given = schemas.check(chances, "causes" if column == "cause" else "mechanism_probabilities")
    whose = given["group"] if column == "cause" else pd.Series(names(given), given.index)
    return given[whose == of].set_index(column)["probability"]


def _of_one(evidence: pd.DataFrame, of: str | None) -> tuple[str, str, pd.DataFrame]:
    if "cause" in evidence.columns:
        given = schemas.check(evidence, "cause_evidence")
        given = given.assign(_of=given["group"], _label=given["item"])
        columns = "cause"
    else:
        given = schemas.check(evidence, "mechanism_evidence")
        given = given.assign(_of=names(given), _label=given["signal"] + " = " + given["outcome"])
        columns = "mechanism"
    chosen = of if of is not None else (given["_of"].iloc[0] if len(given) else None)
    return "_label", columns, given[given["_of"] == chosen]


def _name(given: pd.DataFrame) -> str:
    return str(given["_of"].iloc[0])


def worst(findings: pd.DataFrame, evidence: pd.DataFrame | None = None) -> str | None:
    """Qualified name of the table with the gravest loss, as ``evidence_matrix`` wants it; None without tables.

    Parameters
    ----------
    findings : frame of that name.
    evidence : frame ``mechanism_evidence``; when given, only tables of which it weighs something.
    """
    ranked = names(by_urgency(schemas.check(findings, "findings")))
    weighed = set(ranked) if evidence is None else set(names(schemas.check(evidence, "mechanism_evidence")))
    return next((name for name in ranked if name in weighed), None)


def _heat(ax: Axes, grid: pd.DataFrame, sums: pd.Series, chances: pd.Series | None) -> None:
    shades = LinearSegmentedColormap.from_list("for_against", [AGAINST, "#ffffff", FOR])
    ax.imshow(
        grid.fillna(0).to_numpy(dtype=float),
        cmap=shades,
        vmin=-LIMIT,
        vmax=LIMIT,
        aspect="auto",
        interpolation="nearest",
    )
    words = [[signed(value) for value in grid.loc[name]] for name in grid.index]
    labels = [style.short(str(label).replace("_", " "), 46) for label in grid.index]
    words, labels = [*words, [signed(value) for value in sums]], [*labels, "added up"]
    if chances is not None:
        words.append([style.percent(chance) for chance in chances.reindex(grid.columns)])
        labels.append("chance")
    for y, line in enumerate(words):
        for x, word in enumerate(line):
            ax.text(x, y, word, ha="center", va="center", fontweight="bold" if y >= len(grid) else "normal",
                    fontsize=8 if "%" in word else None)  # fmt: skip
    ax.set_ylim(len(words) - 0.5, -0.5)
    for edge in (0.5, len(grid) - 0.5):
        ax.axhline(edge, color=style.MUTED, linewidth=0.8)
    ax.set_xticks(
        range(len(grid.columns)),
        [style.short(str(c).replace("_", " "), 16) for c in grid.columns],
        rotation=28,
        ha="left",
    )
    ax.xaxis.tick_top()
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def signed(value: float) -> str:
    """Decibans as they stand in a cell; a dot where nothing was weighed."""
    if pd.isna(value):
        return "\u00b7"
    return "0" if abs(value) < QUIET else f"{value:+.0f}".replace("-", "\u2212")
