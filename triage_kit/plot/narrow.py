"""Figures of bars and cells once more, for a telephone: as wide as the picture, their words above and below them.

Shrunk to a telephone, a figure of a desktop cannot be read, and at its own width it has to be pushed sideways. These
say the same of the same rows in 340 pixels; ``picture`` takes them as ``narrow``.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import chances, damage, matrix, phone, recovering, style, words
from triage_kit.plot.damage import MOST_ROWS, by_status, by_urgency, standing, unknown
from triage_kit.plot.glance import fate
from triage_kit.plot.html import Html, tag
from triage_kit.plot.narrow_timeline import timeline
from triage_kit.plot.phone import LETTERS, LINE, SIZE, WIDTH

__all__ = ["causes", "evidence_matrix", "mechanisms", "recovery", "tables", "timeline"]

BAR = 14  # pixels
CELLS, CELL_LETTERS, HEAD = 4, 11, 11.5  # of a matrix: the columns, what a line of their heads holds, its size
GONE, DOTTED = ("#f6d5d2", "#b3261e"), ("none", style.MUTED)


@dataclass(frozen=True)
class Part:
    """A piece of a bar: where it begins and ends (0 to 1), its two colours, and whether it is hatched."""

    start: float
    end: float
    look: tuple[str, str]
    hatched: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar: the words above it, the words below it, its pieces, and the colour of the words above."""

    name: str
    said: str
    parts: Sequence[Part]
    colour: str = style.INK


def tables(findings: pd.DataFrame) -> str:
    """One bar a table, as ``plot.tables`` draws them; the worst 40, the others counted.

    Parameters
    ----------
    findings : frame ``findings`` (rows).
    """
    ordered = by_urgency(schemas.check(findings, "findings"))
    rest = ordered.iloc[MOST_ROWS:]
    key = "rows: solid stand, hatched are missing, dotted is not known; each bar is the whole of its own table"
    return _drawn(
        [key, *([] if rest.empty else [f"and {len(rest):,} more tables: {by_status(rest)}"])],
        [_table(row) for row in ordered.head(MOST_ROWS).itertuples()],
    )


def _table(row: object) -> Bar:
    colour, symbol = style.STATUSES.get(row.status, style.STATUSES["undecided"])
    name = f"{symbol} {style.short(schemas.qualified(row.schema, row.table), LETTERS - 2)}"
    return Bar(name, f"{row.status}: {fate(row)}", _rows(row), colour)


def _rows(row: object) -> list[Part]:
    expected = row.expected_rows if pd.notna(row.expected_rows) else row.expected_high
    actual = 0 if pd.isna(row.actual_rows) else int(row.actual_rows)
    whole = max(actual, 0 if pd.isna(expected) else int(expected))
    missing = 0 if pd.isna(row.missing_rows) else int(row.missing_rows)
    parts = [Part(0, 1, DOTTED)] if unknown(row, whole) else []
    parts += [Part(0, standing(row, whole), damage.stands(row, whole))] if actual else []
    parts += [Part(1 - min(missing / whole, 1), 1, GONE, hatched=True)] if whole and missing > 0 else []
    return parts


def causes(causes: pd.DataFrame) -> str:
    """The causes of each group, as ``plot.causes`` draws them.

    Parameters
    ----------
    causes : frame ``causes`` (probability 0 to 1).
    """
    given, left, labels = chances.drawn_causes(causes)
    more = [f"{left:,} more groups are in the table below"] if left else []
    blue, grey = (style.PALETTE[1], style.PALETTE[1]), ("#ffffff", style.MUTED)
    return _drawn(
        ["Who or what did it: probability", *more],
        [
            Bar(
                style.short(label, LETTERS),
                style.percent(row.probability),
                [Part(0, row.probability, grey if row.cause == "unknown" else blue, row.cause == "unknown")],
            )
            for row, label in zip(given.itertuples(), labels, strict=True)
        ],
    )


def mechanisms(mechanism_probabilities: pd.DataFrame, findings: pd.DataFrame) -> str:
    """What may have happened to the rows of each damaged table, as ``plot.mechanisms`` draws it.

    Parameters
    ----------
    mechanism_probabilities : frame of that name (probability 0 to 1).
    findings : frame of that name: its damaged tables are drawn, the worst 30.
    """
    given, looks = chances.drawn_mechanisms(mechanism_probabilities, findings)
    each = list(given.groupby(["schema", "table"], sort=False))
    more = len(each) - chances.MOST_TABLES
    key = ["What happened to the rows of each table: probability"]
    return _drawn(
        [*key, *([f"{more:,} more tables are in the table below"] if more > 0 else [])],
        [_mechanisms(schemas.qualified(*names), rows, looks) for names, rows in each[: chances.MOST_TABLES]],
    )


def _mechanisms(name: str, rows: pd.DataFrame, looks: dict[str, tuple[str, str]]) -> Bar:
    ranked = rows.sort_values("probability", ascending=False, kind="stable")
    parts, said, left = [], [], 0.0
    for row in ranked[ranked["probability"] >= chances.SLIVER].itertuples():
        colour = looks[row.mechanism][0]
        parts.append(Part(left, min(left + row.probability, 1), (f"{colour}26", colour)))
        left += row.probability
        if row.probability >= 0.08 or not said:
            said.append(f"{words.head('mechanism', row.mechanism)} {style.percent(row.probability)}")
    if ranked["probability"].gt(0).sum() > len(parts):
        parts.append(Part(left, 1, (style.GRID, style.GRID)))
    return Bar(style.short(name, LETTERS), ", ".join(said), parts)


def evidence_matrix(
    evidence: pd.DataFrame, given: pd.DataFrame, of: str | None = None, told: pd.DataFrame | None = None
) -> str:
    """What each observation adds to the four most probable hypotheses, as ``plot.evidence_matrix`` draws it.

    Parameters
    ----------
    evidence, given, of, told : frames and name as that function takes them.
    """
    drawn = matrix.drawn_matrix(evidence, given, of, most=CELLS, told=told)
    if drawn is None:
        return ""
    heads = [matrix.wrapped(each, CELL_LETTERS) for each in drawn.heads]
    key = [style.short(drawn.name, LETTERS), matrix.UNITS, *([drawn.more] if drawn.more else [])]
    parts = [phone.words(LINE * (place + 1), line, style.MUTED) for place, line in enumerate(key)]
    top = LINE * (len(key) + 1) + 4
    tall = max(map(len, heads))
    for column, lines in enumerate(heads):
        parts += [_cell(column, top + LINE * place, line, "bold", HEAD) for place, line in enumerate(lines)]
    y = top + LINE * (tall - 1)
    rows = [
        ([matrix.signed(value) for value in row], [_shade(value) for value in row]) for row in drawn.grid.to_numpy()
    ]
    rows.append(([matrix.signed(value) for value in drawn.sums], None))
    if drawn.chances is not None:
        rows.append(([style.percent(share) for share in drawn.chances.reindex(drawn.grid.columns)], None))
    for said, (values, fills) in zip(drawn.lines, rows, strict=True):
        y = _line(parts, y, said, values, fills)
    return phone.svg(parts, y)


def _line(parts: list[Html], y: float, said: str, values: Sequence[str], fills: Sequence[str] | None) -> float:
    """One row of the matrix, its words above its cells; returns where it ends."""
    y += 6
    for line in matrix.wrapped(said, LETTERS):
        y += LINE
        parts.append(phone.words(y, line, style.INK))
    for column, value in enumerate(values):
        if fills is not None:
            parts.append(tag("rect", x=column * WIDTH / CELLS, y=y + 4, width=WIDTH / CELLS - 2, height=LINE + 2,
                             fill=fills[column], stroke=style.GRID))  # fmt: skip
        parts.append(_cell(column, y + LINE + 1, value, weight=None if fills is not None else "bold"))
    return y + LINE + 6


def _cell(column: int, y: float, said: str, weight: str | None, size: float = SIZE) -> Html:
    middle = (column + 0.5) * WIDTH / CELLS - 1
    return tag("text", said, x=middle, y=y, font_size=size, fill=style.INK, text_anchor="middle", font_weight=weight)


def _shade(value: float) -> str:
    """The colour of a cell: white at 0, full at 100 to 1."""
    if pd.isna(value):
        return "#ffffff"
    full, share = (matrix.FOR if value > 0 else matrix.AGAINST), min(abs(value) / matrix.LIMIT, 1)
    mixed = (round(255 + (int(full[at : at + 2], 16) - 255) * share) for at in (1, 3, 5))
    return "#" + "".join(f"{each:02x}" for each in mixed)


def recovery(recovery: pd.DataFrame) -> str:
    """The rows that each way back would bring, as ``plot.recovery`` draws them.

    Parameters
    ----------
    recovery : frame ``recovery`` (rows; feasible may be missing).
    """
    bars = [
        Bar(name, said, [Part(0, share, (look["facecolor"], look["edgecolor"]), "hatch" in look)] if share else [])
        for name, share, look, said in recovering.ways(schemas.check(recovery, "recovery"))
    ]
    return _drawn(["Ways back, and the rows that each would bring"], bars)


def _drawn(key: Iterable[str], bars: Sequence[Bar]) -> str:
    """The picture as SVG; none without a bar."""
    if not bars:
        return ""
    parts, y = [], 0
    for line in (line for said in key for line in textwrap.wrap(said, LETTERS + 2)):
        y += LINE
        parts.append(phone.words(y, line, style.MUTED))
    for bar in bars:
        y += LINE + 8
        parts.append(phone.words(y, style.visible(bar.name), bar.colour, weight="bold"))
        if bar.parts:
            parts += [each for part in bar.parts for each in _part(part, y + 5)]
            y += BAR + 5
        for line in textwrap.wrap(style.visible(bar.said), LETTERS + 2):
            y += LINE
            parts.append(phone.words(y, line, style.INK))
    return phone.svg(parts, y)


def _part(part: Part, top: float) -> list[Html]:
    fill, edge = part.look
    left, right = (0.5 + (WIDTH - 1) * place for place in (part.start, part.end))
    drawn = [tag("rect", x=round(left, 1), y=top + 0.5, width=round(max(right - left, 1), 1), height=BAR - 1, fill=fill,
                 stroke=edge, stroke_dasharray="2 3" if fill == "none" else None)]  # fmt: skip
    if part.hatched:
        drawn.append(tag("path", d=_hatch(left, right, top), stroke=edge, fill="none"))
    return drawn


def _hatch(left: float, right: float, top: float) -> str:
    lines, x = [], left + 3
    while x < right:
        end = min(x + BAR - 1, right)
        lines.append(f"M{x:.1f} {top + BAR - 0.5:.1f}L{end:.1f} {top + BAR - 0.5 - (end - x):.1f}")
        x += 7
    return "".join(lines)
