"""What each observation adds to each hypothesis: the matrix of evidence, a line in words for each observation."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from triage_kit import schemas
from triage_kit.plot import style, words
from triage_kit.plot.damage import by_urgency, names

QUIET = 0.5  # decibans: less is printed as 0
MOST_COLUMNS = 7
MOST_LINES = 3  # of the words of one observation; the table of evidence has them whole
LETTERS, HEAD_LETTERS = 46, 11  # of a line beside the matrix, and of one above a column
AGAINST, FOR = "#e5a19b", "#8fb8e0"  # white between them
UNITS = "decibans for (+) and against (\u2212)"
LIMIT = 20.0  # decibans at which a colour is full: 100 to 1
PROOF = re.compile(r"\(E\d+\)$")
LINE, AIR = 0.16, 0.16  # inches: a line of words, and what stands above and below them


def evidence_matrix(
    evidence: pd.DataFrame,
    chances: pd.DataFrame | None = None,
    ax: Axes | None = None,
    of: str | None = None,
    told: pd.DataFrame | None = None,
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
    told : frame ``evidence``; when given, each line says what was seen, with its id, in place of the signal's name.
    """
    with style.styled():
        matrix = drawn_matrix(evidence, chances, of, told=told)
        if matrix is None:
            said = f"No observation was weighed{f' of {style.visible(of)}' if of else ''}."
            return style.nothing(style.axes_for(ax, 9.2, 1.0), said)
        labels = [wrapped(each, LETTERS) for each in matrix.lines]
        heads = [wrapped(each, HEAD_LETTERS) for each in matrix.heads]
        tall = [AIR + LINE * len(each) for each in labels]
        ax = style.axes_for(ax, 9.2, 1.1 + LINE * max(map(len, heads)) + sum(tall))
        _heat(ax, matrix, ["\n".join(each) for each in labels], tall)
        ax.set_xticks(range(len(heads)), ["\n".join(each) for each in heads], fontsize=8.5)
        more = f"; {matrix.more}" if matrix.more else ""
        ax.set_title(f"{style.short(matrix.name, 60)}\n{UNITS}{more}", pad=10)
    return style.describe(ax, _says(matrix))


def _says(matrix: SimpleNamespace) -> str:
    """The matrix for readers who do not see it: what it holds, and what weighs most for the likeliest."""
    best = matrix.grid.columns[0]
    said = f"{matrix.name}: matrix of {matrix.loud} observations against {len(matrix.heads)} hypotheses, in decibans"
    loud = matrix.grid.iloc[1 : 1 + matrix.loud][best].fillna(0).to_numpy()
    if not len(loud) or loud.max() < QUIET:
        return f"{said}."
    strongest = matrix.lines[1 + int(loud.argmax())]
    return f"{said}; what speaks most for {matrix.heads[0]} ({signed(loud.max())}): {style.visible(strongest)}."


def drawn_matrix(
    evidence: pd.DataFrame,
    chances: pd.DataFrame | None,
    of: str | None,
    most: int = MOST_COLUMNS,
    told: pd.DataFrame | None = None,
) -> SimpleNamespace | None:
    """What is drawn of one table or group; None where nothing was weighed.

    ``grid`` has a row before any evidence, one for each observation that says something, the weightiest first, and one
    for all fainter ones; ``sums`` and ``chances`` are of its columns, the ``most`` probable ones; ``more`` tells how
    many are left out. ``lines`` are the words of all rows, those of sums and chances too, and ``heads`` of the columns.
    """
    columns, given = _of_one(evidence, of)
    grid = given.pivot_table(index="label_", columns=columns, values="decibans", aggfunc="first", sort=False)
    if grid.empty:
        return None
    begun = given.groupby(columns, sort=False)["start"].first()
    sums = (grid.sum() + begun.fillna(0)).sort_values(ascending=False, kind="stable")
    grid = grid[list(sums.index[:most])]
    weight = grid.abs().max(axis=1).fillna(0).sort_values(ascending=False, kind="stable")
    loud = grid.loc[weight[weight >= QUIET].index]
    rest = grid.drop(index=loud.index)
    faint = {f"{style.things(len(rest), 'fainter observation')}": rest.sum()} if len(rest) else {}
    left = len(sums) - len(grid.columns)
    weaker = "1 weaker hypothesis" if left == 1 else f"{left} weaker hypotheses"
    name = str(given["_of"].iloc[0])
    ends = _chances(chances, columns, name)
    seen = _seen(given, name, told)
    return SimpleNamespace(
        grid=pd.concat([_rows({"before any evidence": begun}, grid), loud, _rows(faint, grid)]),
        loud=len(loud),
        sums=sums[grid.columns],
        chances=ends,
        lines=["before any evidence", *(seen[each] for each in loud.index), *faint, "added up",
               *(["chance"] if ends is not None else [])],
        heads=[words.head(columns, each) for each in grid.columns],
        more=f"left out: {weaker}" if left > 0 else "",
        name=_title(name, evidence, chances),
    )  # fmt: skip


def _title(name: str, evidence: pd.DataFrame, chances: pd.DataFrame | None) -> str:
    """What the matrix is of; one group of several says which tables it is about."""
    if chances is None or "group" not in evidence.columns or evidence["group"].nunique() < 2:
        return name
    tables = next(iter(chances.loc[chances["group"] == name, "tables"]), None)
    if tables is None or not len(tables):
        return name
    return f"{name}: {tables[0]}" + (f" and {style.things(len(tables) - 1, 'more table')}" if len(tables) > 1 else "")


def _rows(numbers: dict[str, pd.Series], grid: pd.DataFrame) -> pd.DataFrame:
    """Rows to stand above or below the observations, with the columns of these."""
    return pd.DataFrame({name: each.reindex(grid.columns) for name, each in numbers.items()}, index=grid.columns).T


def _seen(given: pd.DataFrame, name: str, told: pd.DataFrame | None) -> dict[str, str]:
    """The words of each observation: what its evidence row says, without what the matrix is of, and its id."""
    says = {} if told is None else schemas.check(told, "evidence").set_index("id")["says"].dropna().to_dict()
    found = {}
    for row in given.drop_duplicates("label_").itertuples():
        said = says.get(row.evidence)
        plain = str(row.label_).replace("_", " ")
        found[row.label_] = f"{said.removeprefix(f'{name}: ')} ({row.evidence})" if said else plain
    return found


def wrapped(said: str, letters: int, most: int = MOST_LINES) -> list[str]:
    """The words on a few lines; where they are cut, the evidence id with which they end still stands.

    >>> wrapped("one two three (E7)", 9), wrapped("one two three four five (E7)", 9, 2)
    (['one two', 'three', '(E7)'], ['one two', '… (E7)'])
    """
    end = PROOF.search(said)
    return textwrap.wrap(style.visible(said), letters, max_lines=most, placeholder=f" … {end[0]}" if end else " …")


def _chances(chances: pd.DataFrame | None, column: str, of: str) -> pd.Series | None:
    """What was concluded of one table or group, by hypothesis."""
    if chances is None:
        return None
    given = schemas.check(chances, "causes" if column == "cause" else "mechanism_probabilities")
    whose = given["group"] if column == "cause" else pd.Series(names(given), given.index)
    return given[whose == of].set_index(column)["probability"]


def _of_one(evidence: pd.DataFrame, of: str | None) -> tuple[str, pd.DataFrame]:
    if "cause" in evidence.columns:
        given = schemas.check(evidence, "cause_evidence")
        given, columns = given.assign(_of=given["group"], label_=given["item"]), "cause"
    else:
        given = schemas.check(evidence, "mechanism_evidence")
        given = given.assign(_of=names(given), label_=given["signal"] + " = " + given["outcome"])
        columns = "mechanism"
    chosen = of if of is not None else (given["_of"].iloc[0] if len(given) else None)
    return columns, given[given["_of"] == chosen]


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


def _heat(ax: Axes, matrix: SimpleNamespace, labels: Sequence[str], tall: Sequence[float]) -> None:
    """The cells, each row as tall as its words, with the numbers in them; sums and chances stand below."""
    grid, shares = matrix.grid, matrix.chances
    shades = LinearSegmentedColormap.from_list("for_against", [AGAINST, "#ffffff", FOR])
    edges = np.concatenate([[0.0], np.cumsum(tall)])
    middles = (edges[:-1] + edges[1:]) / 2
    cells = grid.astype(float).fillna(0.0).to_numpy()
    ax.pcolormesh(np.arange(len(grid.columns) + 1) - 0.5, edges[: len(grid) + 1], cells, cmap=shades, vmin=-LIMIT,
                  vmax=LIMIT, edgecolors=style.GRID, linewidth=0.4)  # fmt: skip
    said = [[signed(value) for value in row] for row in grid.to_numpy()] + [[signed(value) for value in matrix.sums]]
    if shares is not None:
        said.append([style.percent(share) for share in shares.reindex(grid.columns)])
    for y, (middle, line) in enumerate(zip(middles, said, strict=True)):
        for x, word in enumerate(line):
            ax.text(x, middle, word, ha="center", va="center", fontweight="bold" if y >= len(grid) else "normal",
                    fontsize=8.5 if "%" in word else None)  # fmt: skip
    ax.set_ylim(edges[-1], 0)
    ax.axhline(edges[1], color=style.MUTED, linewidth=0.8)
    ax.axhline(edges[len(grid)], color=style.MUTED, linewidth=0.8)
    ax.xaxis.tick_top()
    ax.set_yticks(middles, labels, fontsize=8.5)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(False)


def signed(value: float) -> str:
    """Decibans as they stand in a cell; a dot where nothing was weighed."""
    if pd.isna(value):
        return "\u00b7"
    return "0" if abs(value) < QUIET else f"{value:+.0f}".replace("-", "\u2212")
