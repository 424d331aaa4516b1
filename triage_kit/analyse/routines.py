"""Routines of the repository whose body removes rows: what creates one does nothing, whoever calls it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import Group
from triage_kit.analyse.inquiry import Inquiry
from triage_kit.analyse.statements import REMOVES_ROWS, Seen
from triage_kit.analyse.suspects import in_routine

CREATES = ("create_function", "create_procedure")
_MOST_TEXT = 2000
_FIRES = {"insert": r"insert\s+into|copy", "update": "update", "delete": r"delete\s+from", "truncate": "truncate"}


def body_of(row: dict, operations: Sequence[dict]) -> dict | None:
    """The operation of a migration that creates the routine in whose body another one stands; None outside of any."""
    text = (row["text"] or "").strip()
    creating = (each for each in operations if each["path"] == row["path"] and each["operation"] in CREATES)
    return next((each for each in creating if text and text in (each["text"] or "")), None)


def called(group: Group, inquiry: Inquiry) -> Iterator[Seen]:
    """Calls of routines whose body would do it to a root of the group: no log shows what such a body runs."""
    doing = dict(_doing(group, inquiry))
    if not doing:
        return
    names = "|".join(sorted(map(re.escape, doing), key=len, reverse=True))
    call = re.compile(rf'(?is)^\s*(?:call|select|perform)\b[^;]*?(?<![\w"])"?({names})"?\s*\(')
    log, entries = inquiry.done, inquiry.evidence["statements"]
    here = entries[entries["database"].isin(inquiry.here)] if inquiry.here else entries
    for text, row, where in (
        *((row["statement"], row, f"{row['file']}:{row['line']}") for row in _naming(log, "statement", names)),
        *((row["text"], row, "pg_stat_statements") for row in _naming(here, "text", names)),
    ):
        if told := call.match(text):
            table, operation = doing[told[1]]
            yield Seen(
                operation, table, None, False, "unknown", row.get("at"), row["role"], row.get("application"),
                text[:_MOST_TEXT], None, "", where, calls=row.get("calls") or 1, pid=row.get("pid"),
            )  # fmt: skip


def fired(group: Group, inquiry: Inquiry) -> list[Seen]:
    """Writes that fire a trigger which removes rows of the group; none where several hands write there.

    What a trigger does is in no log and in no entry of its own (measured); the statement that fires it may be.
    """
    scene = inquiry.scene
    names = {scene.triggers[name].row: name for name in group.tables if name in scene.triggers}
    log, entries = inquiry.done, inquiry.evidence["statements"]
    here = entries[entries["database"].isin(inquiry.here)] if inquiry.here else entries
    found = []
    for trigger in rows(inquiry.evidence["triggers"]):
        owner = scene.by_oid.get(trigger["table_oid"] or 0)
        if trigger["name"] not in names or owner is None or trigger["enabled"] == "disabled":
            continue
        write, table = _writing(owner, trigger["events"] or ()), names[trigger["name"]]
        for row, text, where in (
            *((row, row["statement"], f"{row['file']}:{row['line']}") for row in _naming(log, "statement", write)),
            *((row, row["text"], "pg_stat_statements") for row in _naming(here, "text", write)),
        ):
            found.append(Seen(
                "delete", table, None, False, "unknown", row.get("at"), row["role"], row.get("application"),
                text[:_MOST_TEXT], None, "", where, calls=row.get("calls") or 1, pid=row.get("pid"),
            ))  # fmt: skip
    return found if len({seen.user for seen in found}) == 1 else []


def _writing(owner: dict, events: Sequence[str]) -> str:
    """A pattern of the statements that a trigger on a table is fired by."""
    verbs = "|".join(_FIRES[each.lower()] for each in events if each.lower() in _FIRES) or "(?!)"
    schema, bare = (re.escape(owner[key]) for key in ("schema", "table"))
    return rf'(?is)\b(?:{verbs})\s+(?:only\s+)?(?:"?{schema}"?\s*\.\s*)?"?{bare}(?![\w$])'


def _naming(frame: pd.DataFrame, column: str, names: str) -> list[dict]:
    return list(rows(frame[frame[column].str.contains(names, regex=True).fillna(False)]))


def _doing(group: Group, inquiry: Inquiry) -> Iterator[tuple[str, tuple[str, str]]]:
    """Routines by their bare name, with the root that their body reaches and the operation."""
    roots = {schemas.parts(name)[1]: name for name in group.roots or group.tables}
    operations = list(rows(inquiry.evidence["migration_operations"]))
    for row in operations:
        bare = schemas.parts(row["object"] or "")[1]
        if row["operation"] in REMOVES_ROWS and bare in roots and (creating := body_of(row, operations)):
            yield schemas.parts(creating["object"] or "")[1], (roots[bare], row["operation"])
    for row in rows(inquiry.evidence["code_hits"]):
        bare = schemas.parts(row["object"] or "")[1]
        if row["operation"] in REMOVES_ROWS and bare in roots and in_routine(row):
            yield row["name"].rsplit(".", 1)[-1].strip('"'), (roots[bare], row["operation"])
