"""The findings as one dictionary for findings.json: contract shape, schema version 1."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit.analyse.context import present, rows
from triage_kit.analyse.sessions import worth_telling

if TYPE_CHECKING:
    from triage_kit.analyse.investigation import Investigation

SCHEMA_VERSION = 1
MOST_SUSPECTS = 500  # lines; those that reach damaged tables come first
LISTED = re.compile(r'(?:"(?:[^"]|"")*"|[^,"])+')  # a name that holds a comma stands in quotes
TABLE_KEYS = (
    "schema",
    "table",
    "kind",
    "status",
    "status_probability",
    "inserts",
    "updates",
    "deletes",
    "expected_rows",
    "expected_low",
    "expected_high",
    "expected_from",
    "actual_rows",
    "actual_from",
    "old_rows_left",
    "missing_rows",
    "hidden_rows",
    "former_rows",
    "likely_missing",
    "columns_lost",
    "parts_lost",
    "mechanism",
    "probability",
)
TRANSACTION_KEYS = ("xid", "committed_at", "lsn", "how", "operation", "rows", "role", "application", "text")


def findings_dict(found: Investigation) -> dict:
    """Everything that findings.json holds; instants as ISO 8601 in UTC with microseconds, absent facts as None."""
    incident = found.incident
    return {
        "schema_version": SCHEMA_VERSION,
        **{key: plain(incident.get(key)) for key in ("title", "noticed_at", "collected_at", "practice")},
        "server": {key: plain(value) for key, value in found.server.items()},
        "tables": _tables(found),
        "groups": _records(found.groups),
        "causes": _records(found.causes),
        "explaining_statements": [_explaining(row) for row in rows(found.explaining_statements)],
        **{name: _records(getattr(found, name)) for name in ("statements", "evidence", "timeline", "freeze")},
        "sessions": _records(worth_telling(found.sessions)),
        "recovery": [_recovery(row) for row in rows(found.recovery)],
        "decisions": _records(found.decisions),
        "next_steps": _records(found.next_steps),
        "next_tests": _records(found.next_tests),
        "undone_loads": _records(found.undone_loads),
        "recommendations": {
            when: [row["text"] for row in rows(found.recommendations) if row["when"] == when]
            for when in ("immediate", "prevention")
        },
        "suspects": _suspects(found.suspects),
        "suspects_in_all": len(found.suspects),
        **{name: _records(getattr(found, name)) for name in ("review", "gaps", "coverage")},
    }


def plain(value: object) -> object:
    """A value that JSON knows: text of an instant, a list for a tuple, None for a missing value.

    >>> plain(pd.Timestamp("2025-10-08T10:37:29Z"))
    '2025-10-08T10:37:29.000000Z'
    """
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if value is None or pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return value.item() if hasattr(value, "item") else value


def _records(frame: pd.DataFrame) -> list[dict]:
    return [{key: plain(value) for key, value in present(row).items()} for row in frame.to_dict("records")]


def _suspects(suspects: pd.DataFrame) -> list[dict]:
    reach = suspects["damaged"].map(len)
    first = suspects.loc[reach.sort_values(ascending=False, kind="stable").index]
    return _records(first.head(MOST_SUSPECTS))


def _tables(found: Investigation) -> list[dict]:
    chances: defaultdict[tuple, dict[str, float]] = defaultdict(dict)
    for row in rows(found.mechanism_probabilities):
        chances[row["schema"], row["table"]][row["mechanism"]] = row["probability"]
    taken: defaultdict[tuple, list[dict]] = defaultdict(list)
    for row in rows(found.removals):
        taken[row["schema"], row["table"]].append({key: plain(row[key]) for key in TRANSACTION_KEYS})
    tables = []
    for row in rows(found.findings):
        told = {key: plain(row[key]) for key in TABLE_KEYS}
        told["mechanisms"] = chances[row["schema"], row["table"]]
        told["via"] = row["via"]
        told["transactions"] = taken[row["schema"], row["table"]]
        told["lost_between"] = [plain(row["lost_from"]), plain(row["lost_to"])]
        told |= {key: plain(row[key]) for key in ("dated_by", "group", "reported", "bias", "because")}
        tables.append(told)
    return tables


def _explaining(row: dict) -> dict:
    told = {
        key: plain(row[key])
        for key in ("text", "observed", "equivalent", "group", "xid", "explained", "of", "extra", "evidence")
    }
    roots = []
    for root, reach in zip(row["roots"], row["reaches"], strict=True):
        listed = reach.removeprefix(f"{root}: ")
        roots.append({"table": root, "reaches": [name.strip() for name in LISTED.findall(listed)]})
    return {**told, "roots": roots}


def _recovery(row: dict) -> dict:
    told = {
        key: plain(row[key])
        for key in (
            "order",
            "option",
            "feasible",
            "rows",
            "tables",
            "why",
            "brings_not",
            "effort",
            "commands",
            "margin",
            "preconditions",
            "clock",
            "deadline",
            "because",
        )
    }
    told["target"] = {"lsn": row["target_lsn"], "xid": plain(row["target_xid"]), "time": plain(row["target_time"])}
    return told
