"""Which session, statement, migration or script did it, as far as the evidence names one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit.plot import html, style
from triage_kit.plot.html import Html, tag
from triage_kit.sql import OPERATIONS

# cause: the vehicles of a line of the repository that speak for it
VEHICLES = {
    "migration": ("migration",),
    "scheduled_job": ("scheduled_job", "script"),
    "test_run": ("test_run",),
    "application": ("application",),
    "manual_session": ("script",),
    "not_lost": ("migration", "scheduled_job", "script", "application"),  # which put rows out of sight
}
RAN = {  # in the order in which a line is believed to be the one; what failed or was not applied is left out
    "ran": "it ran",
    "applied": "it was applied",
    "similar": "a statement like it ran",
    "unknown": "no log or version table says that it ran",
}
SLACK = pd.Timedelta(seconds=1)  # a log's clock has milliseconds, a commit microseconds


def session(group: Mapping[str, object], statements: pd.DataFrame, explaining: pd.DataFrame) -> dict | None:
    """The statement that was seen doing it, with role, application, address and process as far as any source has them.

    Parameters
    ----------
    group : a row of ``groups``.
    statements : frame ``seen_statements``.
    explaining : frame ``explaining_statements``; where the group's statement was seen, its text is looked for, else
        the first in the group's window that reaches one of its tables.
    """
    told = explaining[explaining["group"] == group["group"]]
    done = statements[~statements["outcome"].isin(("failed", "rolled_back"))]
    near = done[done["tables"].map(lambda tables: bool(set(tables) & set(group["tables"]))).astype(bool)]
    if len(told):
        first = told.iloc[0]
        if pd.isna(first["observed"]) or not first["observed"]:
            return None
        mine = near[near["text"].map(_plain) == _plain(first["text"])]
    else:
        mine = _within(near, group)
    if mine.empty:
        return None
    mine = mine.sort_values("at", kind="stable", na_position="last")
    alike = mine[mine["text"].map(_plain) == _plain(mine["text"].iloc[0])]
    known = {key: alike[key].dropna().iloc[0] if alike[key].notna().any() else None
             for key in ("text", "user", "application", "client", "pid", "source")}  # fmt: skip
    return known | {"evidence": tuple(alike["evidence"].dropna())}


def _plain(statement: object) -> str:
    return " ".join(str(statement).split()).rstrip("; ")


def _within(statements: pd.DataFrame, group: Mapping[str, object]) -> pd.DataFrame:
    start, end = group["lost_from"], group["lost_to"]
    if pd.isna(end):
        return statements.iloc[:0]
    hides = group["mechanism"] == "hidden"
    loses = statements["operation"].map(
        lambda words: {OPERATIONS[each].loses for each in str(words).split(", ") if each in OPERATIONS}
    )
    fits = loses.map(lambda found: bool(found & ({"visibility"} if hides else {"rows", "storage"}))).astype(bool)
    timed = (statements["at"] <= end + SLACK) & ((statements["at"] >= start - SLACK) if pd.notna(start) else True)
    return statements[fits & timed.fillna(False)]


def session_words(known: Mapping[str, object]) -> str:
    """Role, application, address, process and place of a session.

    >>> session_words({"user": "ops", "application": None, "client": None, "pid": 30300, "source": "a.log:354"})
    'role ops, process 30300, a.log:354'
    """
    said = [
        f"{word} {style.visible(known[key])}"
        for word, key in (("role", "user"), ("application", "application"), ("from", "client"))
        if isinstance(known[key], str) and known[key]
    ]
    said += [f"process {int(known['pid'])}"] if pd.notna(known["pid"]) else []
    return ", ".join([*said, style.visible(known["source"])] if isinstance(known["source"], str) else said)


def line(group: str, cause: str, suspects: pd.DataFrame, review: pd.DataFrame) -> Html:
    """The line of a migration, job, test or script that would do it and that speaks for the cause; else nothing.

    Parameters
    ----------
    group, cause : as in ``causes``.
    suspects, review : frames of these names; ``review`` has the evidence row of a line.
    """
    mine = suspects[
        suspects["vehicle"].isin(VEHICLES.get(cause, ()))
        & suspects["groups"].map(lambda names: group in names).astype(bool)
        & suspects["ran"].isin(list(RAN))
        & ~suspects["ran_because"].fillna("").str.contains("downgrade")
        & suspects["loses"].isin(("rows", "storage", "visibility", "values"))
    ]
    if cause == "manual_session":  # a script that nobody saw running is no sign of a session by hand
        mine = mine[mine["ran"] != "unknown"]
    if mine.empty:
        return html.text("")
    place = {word: number for number, word in enumerate(RAN)}
    best = mine.assign(_ran=mine["ran"].map(place), _reach=-mine["damaged"].map(len)).sort_values(
        ["_ran", "_reach"], kind="stable"
    )
    row = best.iloc[0]
    at = f":{int(row['line'])}" if pd.notna(row["line"]) else ""
    by = f", last changed by {style.visible(row['changed_by'])}" if isinstance(row["changed_by"], str) else ""
    told = review[(review["path"] == row["path"]) & (review["line"] == row["line"])]
    proof = html.ids(told["evidence"].dropna().head(1))
    said = [html.name(f"{row['path']}{at}"), f" ({RAN[row['ran']]}{by})"]
    return html.join([tag("span", *said), " ", proof] if proof else said)
