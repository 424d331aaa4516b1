"""The one picture of the first screen: the damaged tables as bars that follow the page's colours."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style, words
from triage_kit.plot.damage import OPEN, by_urgency
from triage_kit.plot.html import Html, tag

WIDTH, ROW, TOP = 400, 32, 24
MOST = 7
BAR = 11  # pixels of its height
LEAST = 9  # pixels of the shortest bar
SCALE = "one scale for all"
TINY = "the shortest bars are drawn longer"
KEY = 70  # letters of the key that a line holds
REST = 62  # letters of the line below the bars
LETTERS = 54  # that a line holds, the name and its numbers together


def glance(findings: pd.DataFrame) -> style.Picture:
    """Draw what stands (filled) and what is gone (hatched) of the worst seven tables; two or more others are counted.

    A bar is as long as its table has rows, on one scale for all; one that would be too short to be seen is drawn
    longer, which the key then says, and every bar carries its numbers. Without a damaged table, the tables that people
    named are drawn, else the largest.

    Parameters
    ----------
    findings : frame ``findings`` (rows; partitioned parents are left out, their leaves carry the rows).
    """
    given = schemas.check(findings, "findings")
    leaves = by_urgency(given[given["kind"] != "partitioned"])
    damaged = leaves[leaves["status"].isin(style.DAMAGED)]
    shown = damaged if len(damaged) else _quiet(leaves)
    shown = shown if len(shown) == MOST + 1 else shown.head(MOST)  # a line that counts one more takes a bar's room
    drawn = list(shown.itertuples())
    most = max((_whole(row) for row in drawn), default=0)
    rows = [_row(place, row, most) for place, row in enumerate(drawn)]
    rest = _rest(leaves, shown)
    key = [_words(0, 14 + 15 * place, line, "soft", size=11.5) for place, line in enumerate(_key(drawn, most))]
    above = 15 * (len(key) - 1)
    height = above + TOP + ROW * len(rows) + (22 if rest else 4)
    last = _words(0, height - 6, rest, "soft", size=12) if rest else ""
    svg = tag(
        "svg",
        *key,
        tag("g", *rows, transform=f"translate(0 {above})") if above else html.join(rows),
        last,
        viewBox=f"0 0 {WIDTH} {height}",
        class_="glance",
        font_family="system-ui, sans-serif",
        xmlns="http://www.w3.org/2000/svg",
    )
    return style.Picture(str(svg), _says(shown, rest), tooltips=True)


def _key(drawn: list, most: int) -> list[str]:
    """What the bars mean, in as many lines as that takes."""
    tiny = any(0 < _whole(row) * (WIDTH - 1) < LEAST * most for row in drawn)
    dotted = ", not known: dotted" if any(_open(row) for row in drawn) else ""
    looks = f"rows that stand: filled, that are gone: hatched{dotted}"
    scale = TINY if tiny else SCALE if len(drawn) > 1 else ""
    if not scale:
        return [looks]
    return [f"{looks}; {scale}"] if len(looks) + len(scale) < KEY else [f"{looks};", scale]


def _quiet(leaves: pd.DataFrame) -> pd.DataFrame:
    named = leaves[leaves["reported"].fillna(False).astype(bool)]
    return named if len(named) else leaves.sort_values("actual_rows", ascending=False, kind="stable").head(4)


def _rest(leaves: pd.DataFrame, shown: pd.DataFrame) -> str:
    counts = leaves.drop(index=shown.index)["status"].value_counts()
    said = [f"{counts[word]:,} {word}" for word in style.STATUSES if word in counts]
    spared = words.spared(leaves)
    beside = f" ({spared:,} of them hit as well, but empty)" if spared else ""
    counted = f"and {', '.join(said)}" if said else ""
    return f"{counted}{beside}" if said and len(counted) + len(beside) <= REST else counted


def _row(place: int, row: object, most: int) -> Html:
    top = TOP + ROW * place
    colour, symbol = style.STATUSES.get(row.status, style.STATUSES["undecided"])
    name = style.short(schemas.qualified(row.schema, row.table), min(36, LETTERS - len(fate(row))))
    return tag(
        "g",
        tag("title", f"{style.visible(schemas.qualified(row.schema, row.table))}: {fate(row)}, {row.status}"),
        _words(0, top + 10, f"{symbol} {name}", row.status, fill=colour),
        _words(WIDTH, top + 10, fate(row), row.status, anchor="end", fill=colour),
        *_bar(top + 15, row, most),
    )


def fate(row: object) -> str:
    """How many rows of the table are gone, hidden or there, in words."""
    near = words.about(row)
    if newer := words.refilled(row):
        return f"{near}{style.count(row.missing_rows, '?')} gone, {near}{newer:,} newer there"
    if pd.notna(row.missing_rows) and row.missing_rows > 0:
        of = f" of {row.expected_rows:,}" if pd.notna(row.expected_rows) else ""
        return f"{near}{row.missing_rows:,}{of} gone"
    if row.status == "hidden":
        unseen = row.hidden_rows if pd.notna(row.hidden_rows) and row.hidden_rows else row.actual_rows
        return f"{style.things(int(unseen), 'row')} hidden" if pd.notna(unseen) else "rows hidden"
    if row.status == "intact":
        return f"{near}{style.count(row.actual_rows, '?')} row{'' if row.actual_rows == 1 else 's'} stand"
    if pd.notna(row.expected_rows):
        return f"{row.expected_rows:,} expected, {near}{style.count(row.actual_rows, '?')} now"
    about = words.likely_before(row) or style.about(row.expected_low, row.expected_high)
    if about == style.about(None, None):
        older = words.older(row) and pd.notna(row.actual_rows)
        return f"{near}{int(row.actual_rows):,} now, {words.OLDER}" if older else "number not known"
    return (
        f"{about} gone" if row.actual_rows == 0 else f"{about} expected, {near}{style.count(row.actual_rows, '?')} now"
    )


def _whole(row: object) -> int:
    """The rows that a bar stands for: those that should be there, or those that are, whichever are more."""
    actual = 0 if pd.isna(row.actual_rows) else int(row.actual_rows)
    expected = row.expected_rows if pd.notna(row.expected_rows) else row.expected_high
    return max(actual, 0 if pd.isna(expected) else int(expected))


def _open(row: object) -> bool:
    """Whether it is not known how many rows are gone."""
    return pd.isna(row.missing_rows) or pd.isna(row.actual_rows)


def _length(row: object, most: int) -> float:
    """The bar's length; a table of which no number is known has a full one, which is dotted."""
    whole = _whole(row)
    if not whole and (pd.isna(row.actual_rows) or (_open(row) and row.status in style.DAMAGED)):
        return WIDTH - 1
    return max(round((WIDTH - 1) * whole / (most or 1), 1), LEAST)


def _bar(top: float, row: object, most: int) -> list[Html]:
    actual, whole = 0 if pd.isna(row.actual_rows) else int(row.actual_rows), _whole(row)
    length = _length(row, most)
    gone = 0 if pd.isna(row.missing_rows) else int(row.missing_rows)
    frame = tag(
        "rect", x=0.5, y=top, width=length, height=BAR, fill="none", stroke=style.MUTED, class_="frame",
        stroke_dasharray="2 3" if _open(row) else None,
    )  # fmt: skip
    parts = []
    if whole and actual:
        fill, look = _stands(row)
        share = min(actual / whole, OPEN if _open(row) else 1)  # what is dotted ends beyond what is filled
        parts.append(tag("rect", x=0.5, y=top, width=round(length * share, 1), height=BAR, fill=fill, class_=look))
    if whole and gone:
        left = length * (1 - min(gone / whole, 1))
        parts.append(tag("path", d=_hatch(left, length, top, BAR), stroke="#b3261e", stroke_width=1.2, fill="none",
                         class_="gone"))  # fmt: skip
    return [*parts, frame]  # on top: what is filled would hide that it is dotted


def _stands(row: object) -> tuple[str, str]:
    """Colour and class of rows that stand: green looks whole, so it is for those of which that is known."""
    if row.status == "hidden":
        return "#7fa8d8", "veiled"
    return ("#2f7d4f", "stands") if row.status == "intact" or not _open(row) else ("#d5dae0", "unsure")


def _hatch(left: float, right: float, top: float, height: float) -> str:
    lines, x = [], left + 2
    while x < right:
        end = min(x + height, right)
        lines.append(f"M{x:.1f} {top + height:.1f}L{end:.1f} {top + height - (end - x):.1f}")
        x += 7
    return "".join(lines)


def _words(
    x: float, y: float, said: str, look: str, *, size: float = 12.5, anchor: str | None = None,
    fill: str = style.MUTED,
) -> Html:  # fmt: skip
    return tag("text", said, x=x, y=y, font_size=size, text_anchor=anchor, fill=fill, class_=look)


def _says(shown: pd.DataFrame, rest: str) -> str:
    each = [f"{style.short(schemas.qualified(row.schema, row.table))}: {fate(row)}" for row in shown.itertuples()]
    said = "; ".join([*each, rest] if rest else each)
    return f"Rows that stand and rows that are gone. {said or 'No table in scope'}."
