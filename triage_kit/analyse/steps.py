"""What to do next, in order, and which person can: from the ways back, the freeze list, the gaps and the causes."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.decisions import WHAT, people, shown, suspected, unsettled
from triage_kit.analyse.sessions import called
from triage_kit.analyse.verdict import percent
from triage_kit.schemas.ways import way_back

ROLES = {  # way back: who can take it
    "pitr": "database administrator",
    "managed_service": "database administrator",
    "backup": "database administrator",
    "standby": "database administrator",
    "dead_rows": "database administrator",
    "wal": "database administrator",
    "row_security": "database administrator",
    "search_path": "database administrator",
    "undo_update": "database administrator",
    "attach": "database administrator",
    "rename_back": "database administrator",
    "log_replay": "database administrator",
    "volume_copy": "host operator",
    "reload_sources": "data owner",
}
SOURCES = {
    "wal": "database administrator",
    "backups": "database administrator",
    "containers": "host operator",
    "data_directory": "host operator",
    "repository": "developer",
    "migrations": "developer",
    "logs": "host operator",
}
MOST = 20
MOST_NAMED = 6
MOST_OPEN = 4  # ways back whose feasibility is to be found out


def next_steps(
    freeze: pd.DataFrame, recovery: pd.DataFrame, causes: pd.DataFrame, gaps: pd.DataFrame, undone: pd.DataFrame
) -> pd.DataFrame:
    """Table ``next_steps``: stop what destroys, take the best way back, check the open ones, ask, fetch what lacks.

    Parameters
    ----------
    freeze, recovery, causes, gaps : frames of these names.
    undone : frame ``undone_loads``.
    """
    ways = rows(recovery)
    found = [
        *_stop(rows(freeze)),
        *_bring([way for way in ways if way["feasible"]][:1]),
        *(_step(way, f"Find out whether {_name(way)} can bring them back") for way in _open(ways)[:MOST_OPEN]),
        *_load_again(rows(undone)),
        *_settle(causes, rows(freeze)[:1]),
        *_fetch(rows(gaps)),
        *_decide(ways),
    ]
    unique = list({row["step"]: row for row in found}.values())
    return schemas.frame("next_steps", [{"order": number, **row} for number, row in enumerate(unique[:MOST], 1)])


def _open(ways: list[dict]) -> list[dict]:
    return [way for way in ways if way["feasible"] is None]


def _stop(frozen: list[dict]) -> list[dict]:
    return [
        {
            "step": row["action"],
            "role": "on-call" if row["order"] == 1 else "database administrator",
            "why": row["why"],
            "commands": (row["command"],) if row["command"] else (),
            "cost": f"destroys {row['destroys']}" if row["destroys"] else None,
            "until": row["deadline"],
            "because": row["because"],
        }
        for row in frozen
    ]


def _bring(best: list[dict]) -> list[dict]:
    """The best way back, and what to compare afterwards."""
    found = []
    for way in best:
        told = f": {way['rows']:,} rows, {way['effort']}" if way["rows"] else f": {way['effort']}"
        found += [
            _step(way, f"Bring the rows back by {_name(way)}{told}"),
            {
                "step": "Compare what came back with what is missing, table by table, before writers start again",
                "role": "data owner",
                "why": _lacks(way["brings_not"]),
                "because": way["because"],
            },
        ]
    return found


def _load_again(undone: list[dict]) -> list[dict]:
    """What was never committed comes by running it once more; who ran it last knows how."""
    if not undone:
        return []
    last = undone[-1]
    tables = list(dict.fromkeys(name for row in undone for name in row["tables"]))
    named = ", ".join(tables[:MOST_NAMED])
    named += f" and {len(tables) - MOST_NAMED} more" if len(tables) > MOST_NAMED else ""
    at = last["began_at"] or last["ended_at"]
    when = f" at {at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
    who = called(last) + (f", process {last['pid']}" if last["pid"] is not None else "")
    ended = "failed" if last["outcome"] == "failed" else "was rolled back"
    return [
        {
            "step": f"Let the load into {named} be run again, and see that it is committed",
            "role": "data owner",
            "why": f"the last one{when}, by {who}, {ended}: nobody else ever saw one of its rows",
            "because": last["evidence"],
        }
    ]


def _lacks(brings_not: str | None) -> str | None:
    """What a way back leaves undone, in words; where the rows stand, only what it does besides."""
    if not brings_not or brings_not.startswith("nothing is missing"):
        return brings_not or None
    return f"it does not bring {brings_not}"


def _settle(causes: pd.DataFrame, frozen: list[dict]) -> list[dict]:
    """While a group's cause is not sure: who is to be asked, and what shows it; else nothing has to be settled."""
    ranked, which = unsettled(causes)
    asked = suspected(ranked)
    if not asked:
        return []
    return [
        {
            "step": f"Ask {people(asked)} whether {WHAT} ran before it was noticed{which}",
            "role": "on-call",
            "why": f"the cause is not settled: {_chances(ranked)}; what would show it: {shown(asked)}",
            "because": _proof(ranked[:3]) or _because(frozen),
        }
    ]


def _proof(causes: list[dict]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for row in causes for one in row["for"]))[:6]


def _because(frozen: list[dict]) -> tuple[str, ...]:
    return tuple(one for row in frozen for one in row["because"][:4])


def _chances(ranked: list[dict]) -> str:
    return ", ".join(
        f"{row['title'][:1].lower()}{row['title'][1:]} ({percent(row['probability'])})" for row in ranked[:2]
    )


def _fetch(gaps: list[dict]) -> list[dict]:
    # Nothing was read of these sources, so no row of evidence stands behind the step: the gap itself does.
    return [
        {
            "step": f"Get {row['source']}, which the case names: {row['reason']}",
            "role": SOURCES.get(row["source"], "database administrator"),
            "why": f"what its absence costs: {row['costs']}",
            "because": (),
        }
        for row in gaps
        if row["named"]
    ]


def _decide(ways: list[dict]) -> list[dict]:
    hoped = [way for way in ways if way["feasible"]] + _open(ways)
    return [
        {
            "step": "Decide by when the writers start again, and tell those who wait for the tables",
            "role": "owner of the application",
            "why": "every row that is written meanwhile has to be reconciled later",
            "because": way["because"],
        }
        for way in hoped[:1]
    ]


def _name(row: dict) -> str:
    return way_back(row["option"])


def _step(row: dict, words: str) -> dict:
    clock = f"; its clock: {row['clock']}" if row["clock"] else ""
    return {
        "step": words,
        "role": ROLES.get(row["option"], "database administrator"),
        "why": f"{row['why']}{clock}",
        "commands": row["commands"],
        "cost": row["effort"] if row["effort"] not in (None, "none") else None,
        "until": row["deadline"],
        "because": row["because"],
    }
