"""What to do next, in order, and which person can: from the ways back, the freeze list, the gaps and the causes."""

from __future__ import annotations

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.decisions import ASKED, SURE, WHAT, shown, suspected
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
    "log_replay": "developer",
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
KNOWS = {
    "manual_session": "on-call",
    "scheduled_job": "host operator",
    "migration": "developer",
    "application": "developer",
    "test_run": "developer",
    "restore": "database administrator",
    "storage_replaced": "host operator",
    "crash": "host operator",
    "replication": "database administrator",
}
MOST = 12
MOST_OPEN = 4  # ways back whose feasibility is to be found out


def next_steps(freeze: pd.DataFrame, recovery: pd.DataFrame, causes: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """Table ``next_steps``: stop what destroys, take the best way back, check the open ones, ask, fetch what lacks.

    Parameters
    ----------
    freeze, recovery, causes, gaps : frames of these names.
    """
    ways = rows(recovery)
    found = [
        *_stop(rows(freeze)[:2]),
        *_bring([way for way in ways if way["feasible"]][:1]),
        *(_step(way, f"Find out whether {_name(way)} can bring them back") for way in _open(ways)[:MOST_OPEN]),
        *_settle(rows(causes.sort_values("probability", ascending=False, kind="stable")), rows(freeze)[:1]),
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
        told = f": {way['rows']} rows, {way['effort']}" if way["rows"] else f": {way['effort']}"
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


def _lacks(brings_not: str | None) -> str | None:
    """What a way back leaves undone, in words; where the rows stand, only what it does besides."""
    if not brings_not or brings_not.startswith("nothing is missing"):
        return brings_not or None
    return f"it does not bring {brings_not}"


def _settle(likeliest: list[dict], frozen: list[dict]) -> list[dict]:
    """What settles the likeliest cause; where that one has no doer, who is to be asked, and what shows it."""
    asked = suspected(likeliest)
    if likeliest and asked and likeliest[0]["cause"] not in KNOWS and likeliest[0]["probability"] < SURE:
        return [
            {
                "step": f"Ask {_people(asked)} whether {WHAT} ran before it was noticed",
                "role": "on-call",
                "why": f"the cause is not settled: {_chances(likeliest)}; what would show it: {shown(asked)}",
                "because": _proof(likeliest[:3]) or _because(frozen),
            }
        ]
    return [
        {
            "step": row["would_settle"],
            "role": KNOWS.get(row["cause"], "on-call"),
            "why": f"it settles the likeliest cause: {row['title']}",
            "because": row["for"],
        }
        for row in likeliest[:1]
        if row["would_settle"]
    ]


def _proof(causes: list[dict]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for row in causes for one in row["for"]))[:6]


def _because(frozen: list[dict]) -> tuple[str, ...]:
    return tuple(one for row in frozen for one in row["because"][:4])


def _people(asked: list[dict]) -> str:
    *others, last = [ASKED[row["cause"]][0] for row in asked]
    return f"{', '.join(others)} and {last}" if others else last


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
            "why": f"without it is not known {row['costs']}",
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
            "role": "manager",
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
