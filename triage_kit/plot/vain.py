"""Loads that brought nothing, in words: who put which rows where, when and from what, and how it ended."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.html import Html, tag

MOST_SHOWN = 2  # on the first screen
AGAIN = (
    "No row that stood is gone by it, and nobody else ever saw one of its rows. They come by running it again "
    "with a COMMIT at its end: a connection without autocommit, as psycopg opens, drops everything when it closes."
)


def ended(row: dict) -> str:
    """How the load ended.

    >>> ended({"outcome": "failed"}), ended({"outcome": "rolled_back"})
    ('failed', 'was never committed')
    """
    return "failed" if row["outcome"] == "failed" else "was never committed"


def finding(row: dict, timezone: object) -> tuple[str, Html, Html, str, str]:
    """Title, evidence, result, impact and conclusion of one load.

    Parameters
    ----------
    row : of the frame ``undone_loads``.
    timezone : shown beside UTC.
    """
    many = _rows(row)
    evidence = html.join(
        [
            _when(row, timezone),
            f", {_who(row)}. ",
            html.ids(row["evidence"]),
            html.sql(row["text"]) if isinstance(row["text"], str) else "",
            tag("p", _read(row)),
        ]
    )
    xid = f"Transaction {int(row['xid'])} was rolled back." if pd.notna(row["xid"]) else "It was rolled back."
    said = f": {style.visible(row['message'])}" if isinstance(row["message"], str) else ""
    result = html.cited(f"It failed{said}.") if row["outcome"] == "failed" else html.text(xid)
    impact = html.join([f"{many} put into ", html.names(row["tables"], 12), ", and taken back."])
    return f"A load of {many} that {ended(row)}", evidence, result, impact, AGAIN


def in_short(undone: pd.DataFrame | None, timezone: object) -> Html:
    """The last loads in vain for the first screen; nothing where none is known."""
    if undone is None or not len(undone):
        return html.text("")
    rows = schemas.check(undone, "undone_loads").to_dict("records")
    told = [
        html.join([_when(row, timezone), f": {_rows(row)} into ", html.names(row["tables"], 3), f", by {_who(row)}: "
                   f"{ended(row)} ", html.ids(row["evidence"][:1])])
        for row in rows[-MOST_SHOWN:]
    ]  # fmt: skip
    more = f"; {len(rows) - MOST_SHOWN:,} more before" if len(rows) > MOST_SHOWN else ""
    return html.join([html.join(told, "; "), more, "."])


def _rows(row: dict) -> str:
    return style.things(int(row["rows"]), "row") if pd.notna(row["rows"]) else "rows"


def _when(row: dict, timezone: object) -> Html:
    began = row["began_at"] if pd.notna(row["began_at"]) else row["ended_at"]
    return html.moment(began, timezone, fine=True)


def _who(row: dict) -> str:
    words = (("role", "role"), ("application", "application"), ("process", "pid"))
    known = [f"{word} {style.visible(row[key])}" for word, key in words if pd.notna(row[key])]
    if not known:
        return "whom no line of the log names"
    return ", ".join([*known, f"from {style.visible(row['client'])}" if isinstance(row["client"], str) else
                      "from where is not known"])  # fmt: skip


def _read(row: dict) -> Html:
    if isinstance(row["file"], str):
        return html.join(["It read ", html.name(row["file"]), "."])
    return html.text("Which file it read, if any, is not logged." if isinstance(row["text"], str) else
                     "Its statement is not logged.")  # fmt: skip
