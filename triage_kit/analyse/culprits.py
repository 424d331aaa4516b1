"""Which session, statement, migration or script did it, as far as the evidence names one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.decisions import SURE
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
# In the order in which a line is believed to be the one; what failed or was not applied is left out.
RAN = ("ran", "applied", "similar", "unknown")
SLACK = pd.Timedelta(seconds=1)  # a log's clock has milliseconds, a commit microseconds


def culprits(groups: pd.DataFrame, frames: Mapping[str, pd.DataFrame], statements: pd.DataFrame) -> pd.DataFrame:
    """Table ``culprits``: for each group the statement that was seen doing it, and the line that speaks for its cause.

    Parameters
    ----------
    frames : the frames ``explaining_statements``, ``causes``, ``suspects`` and ``review`` by name.
    statements : frame ``seen_statements``.
    """
    causes, explaining = frames["causes"], frames["explaining_statements"]
    found = []
    for group in groups.to_dict("records"):
        own = causes[causes["group"] == group["group"]].sort_values("probability", ascending=False, kind="stable")
        seen = _session(group, statements, explaining)
        lines = _of_statement(frames["suspects"], seen.pop("tables", ()))
        named = _line(group["group"], own["cause"].iloc[0], lines, frames["review"]) if len(own) else {}
        if not named and len(own) and own["probability"].iloc[0] < SURE:  # a reader has to see what could have done it
            named = _line(group["group"], None, lines, frames["review"])
        found.append({"group": group["group"]} | seen | named)
    return schemas.frame("culprits", found)


def _session(group: Mapping[str, object], statements: pd.DataFrame, explaining: pd.DataFrame) -> dict[str, object]:
    """The statement that was seen doing it, with role, application, address and process as far as any source has them.

    Where the group's explaining statement was seen, its text is looked for, else the first in the group's window of the
    session that reaches most of its tables.
    """
    told = explaining[explaining["group"] == group["group"]]
    done = statements[~statements["outcome"].isin(("failed", "rolled_back"))]
    near = done[done["tables"].map(lambda tables: bool(set(tables) & set(group["tables"]))).astype(bool)]
    if len(told):
        first = told.iloc[0]
        if pd.isna(first["observed"]) or not first["observed"]:
            return {}
        mine = near[near["text"].map(_plain) == _plain(first["text"])]
    else:
        mine = _busiest(_within(near, group), group["tables"])
    if mine.empty:
        return {}
    mine = mine.sort_values("at", kind="stable", na_position="last")
    alike = mine[mine["text"].map(_plain) == _plain(mine["text"].iloc[0])]
    known = {key: alike[key].dropna().iloc[0] if alike[key].notna().any() else None
             for key in ("text", "user", "application", "client", "pid", "source")}  # fmt: skip
    # Where no single statement explains the group, its session went from table to table, as a restore does.
    beside = (
        mine.iloc[:0]
        if len(told)
        else mine[mine["pid"].eq(known["pid"]) & mine["operation"].eq(mine["operation"].iloc[0])]
    )
    proofs = tuple(dict.fromkeys([*alike["evidence"].dropna(), *beside["evidence"].dropna()]))
    reached = {name for tables in (*alike["tables"], *beside["tables"]) for name in tables}
    return known | {"evidence": proofs, "tables": tuple(sorted(reached))}


def _of_statement(suspects: pd.DataFrame, tables: tuple[str, ...]) -> pd.DataFrame:
    """The lines that reach a table of the statement that was seen: one that ran on another table is another's line."""
    return (
        suspects[suspects["tables"].map(lambda own: bool(set(own) & set(tables))).astype(bool)] if tables else suspects
    )


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


def _busiest(statements: pd.DataFrame, tables: tuple[str, ...]) -> pd.DataFrame:
    """Statements of the session that reached the most of several tables; all of them where none reached two.

    An everyday DELETE in one of the tables may stand in the same second as the session that replaced all ten.
    """
    reached = statements.explode("tables").loc[lambda each: each["tables"].isin(tables)]
    of_pid = reached.groupby("pid", sort=False)["tables"].nunique()
    return statements[statements["pid"].eq(of_pid.idxmax())] if len(of_pid) and of_pid.max() > 1 else statements


def _line(group: str, cause: str | None, suspects: pd.DataFrame, review: pd.DataFrame) -> dict[str, object]:
    """The line of a migration, job, test or script that would do it and that speaks for the cause; else nothing.

    Without a cause, any line that would do it.
    """
    mine = suspects[
        (suspects["vehicle"].isin(VEHICLES.get(cause, ())) if cause else suspects["vehicle"].notna())
        & suspects["groups"].map(lambda names: group in names).astype(bool)
        & suspects["ran"].isin(RAN)
        & ~suspects["ran_because"].fillna("").str.contains("downgrade")
        & suspects["loses"].isin(("rows", "storage", "visibility", "values"))
    ]
    if cause == "manual_session":  # a script that nobody saw running is no sign of a session by hand
        mine = mine[mine["ran"] != "unknown"]
    if mine.empty:
        return {}
    place = {word: number for number, word in enumerate(RAN)}
    best = mine.assign(_ran=mine["ran"].map(place), _reach=-mine["damaged"].map(len)).sort_values(
        ["_ran", "_reach"], kind="stable"
    )
    row = best.iloc[0]
    told = review[(review["path"] == row["path"]) & (review["line"] == row["line"])]["evidence"].dropna()
    proof = {"line_evidence": told.iloc[0]} if len(told) else {}
    return {key: row[key] for key in ("path", "line", "ran", "changed_by")} | proof
