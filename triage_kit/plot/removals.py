"""Who removed how many rows when, one line for each transaction."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.plot import html, style
from triage_kit.plot.html import Html, tag, text

MOST = 40  # transactions that stand open; the others open on request
_ROLES = (("role", "role"), ("application", "application"))


def group_removals(removals: pd.DataFrame, group: str, timezone: object = None) -> Html:
    """The transactions that took a group's rows, in order; nothing where one or none is known.

    Parameters
    ----------
    removals : frame ``removals``.
    group : whose transactions are shown.
    timezone : shown beside UTC.

    >>> str(group_removals(schemas.empty("removals"), "G1"))
    ''
    """
    given = _of(removals, group)
    told = [_transaction(same.to_dict("records"), timezone) for _, same in given.groupby(_key(given), sort=False)]
    if len(told) < 2:
        return text("")
    rest = html.folded(f"{len(told) - MOST:,} more transactions", html.listed(told[MOST:])) if told[MOST:] else ""
    return html.join([tag("p", f"{len(told):,} transactions took rows:"), html.listed(told[:MOST]), rest])


def transactions(removals: pd.DataFrame | None, group: str) -> int:
    """How many transactions are known to have taken rows of a group.

    >>> transactions(schemas.empty("removals"), "G1")
    0
    """
    return 0 if removals is None else int(_key(_of(removals, group)).nunique())


def _of(removals: pd.DataFrame, group: str) -> pd.DataFrame:
    given = schemas.check(removals, "removals")
    return given[given["group"] == group].sort_values(["committed_at", "xid"], kind="stable")


def _key(given: pd.DataFrame) -> pd.Series:
    """What no source gives an xid is one line of the log, and one transaction as far as anybody knows."""
    return given["xid"].astype("string").fillna(given["committed_at"].astype("string") + given["how"].astype("string"))


def _transaction(same: list[dict], timezone: object) -> Html:
    first = same[0]
    xid = f"transaction {int(first['xid'])}" if pd.notna(first["xid"]) else "one statement"
    said = next((row for row in same if isinstance(row["role"], str)), first)
    who = [f"{word} {style.visible(said[key])}" for word, key in _ROLES if isinstance(said[key], str) and said[key]]
    line = [
        html.join([html.moment(first["committed_at"], timezone, fine=True), ": ", xid]),
        ", ".join(who) or "by whom no source tells",
        html.join([_taken(row) for row in same], "; "),
    ]
    statement = html.sql(said["text"]) if isinstance(said["text"], str) else ""
    return html.join([html.join(line, ", "), statement])


def _taken(row: dict) -> Html:
    name = html.name(schemas.qualified(row["schema"], row["table"]))
    if pd.isna(row["rows"]):
        return html.join(["rows of ", name])
    return html.join([f"{style.things(int(row['rows']), 'row')} of ", name])
