"""Columns that were dropped: whether that belongs to the incident, and what they were called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.statements import Seen
from triage_kit.analyse.xids import Clock

RECENT = 0.75  # of the transactions since the table was made
_DROPS = re.compile(
    r"(?i)drop\s+column\s+(?:if\s+exists\s+)?(\"(?:[^\"]|\"\")+\"|\w+)|drop_column\([^,]+,\s*['\"](\w+)"
)


def dropped(
    tables: Sequence[Dossier],
    seen: Mapping[str, Sequence[Seen]],
    about: Context,
    clock: Clock,
) -> dict[str, Observation]:
    """Whether each table lost a column, and how that is dated: into the window, as recent, earlier or not at all."""
    return {
        table.name: _dropped(table, _statement(seen.get(table.name, ())), about, clock)
        for table in tables
        if any(column["xmin"] for column in table.columns)  # a schema dump names the columns that stand, and no other
    }


def _dropped(table: Dossier, statement: tuple[str, str] | None, about: Context, clock: Clock) -> Observation:
    dropped = [column for column in table.columns if column["dropped"] and column["xmin"]]
    if not dropped:
        return Observation(("none",), "no column was ever dropped", "pg_attribute", table.name)
    last = max(dropped, key=lambda column: clock.full(column["xmin"]))
    places = ", ".join(str(column["position"]) for column in dropped)
    says, source = f"column at position {places} was dropped by transaction {last['xmin']}", "pg_attribute"
    _, end = clock.between(last["xmin"])
    begins = about.window_start
    if last["xmin"] == table.created_xid or (end is not None and begins is not None and end < begins):
        return Observation(("earlier",), f"{says}, before the window of the incident", source, table.name)
    if table.then:
        gone = last["position"] in {int(each.partition(" ")[0]) for each in table.then["columns"]}
        told = "since" if gone else "before"
        return Observation(
            ("in_window" if gone else "earlier",), f"{says}, {told} the earlier bundle", source, table.name
        )
    new = table.created_xid is not None and bool(clock.inside(table.created_xid, begins))
    if (when := clock.inside(last["xmin"], begins)) and not new:
        return Observation(("in_window",), f"{says}, {when}", source, table.name)
    if statement is not None:
        return Observation(("in_window",), f"{says}; seen: {statement[0][:160]}", statement[1], table.name)
    return Observation(
        (_age(table, clock.full(last["xmin"]), clock),), f"{says}, which nothing dates", source, table.name
    )


def _age(table: Dossier, xid: int, clock: Clock) -> str:
    """Whether an undated transaction is recent: after the last row was written, or late in the life of the table."""
    if table.writers is not None and xid > clock.full(table.writers[1]):
        return "recent"
    if table.created_xid is None or clock.next_xid is None:
        return "recent"
    born = clock.full(table.created_xid)
    return "recent" if xid - born >= RECENT * max(clock.next_xid - born, 1) else "earlier"


def _statement(seen: Sequence[Seen]) -> tuple[str, str] | None:
    """A dated statement that dropped a column of the table and was not refused, with where it was seen."""
    done = [each for each in seen if each.operation == "drop_column" and each.done and each.at is not None]
    return (done[-1].text, done[-1].where) if done else None


def lost(
    tables: Sequence[Dossier],
    dated: Mapping[str, Observation],
    seen: Mapping[str, Sequence[Seen]],
    evidence: Mapping[str, pd.DataFrame],
) -> dict[str, tuple[str, ...]]:
    """Columns of each table that were dropped and that nothing dates before the incident, by name where one is told."""
    late = [each for each in tables if each.name in dated and set(dated[each.name].outcomes) <= {"in_window", "recent"}]
    operations = evidence["migration_operations"]
    dropping = rows(operations[(operations["operation"] == "drop_column") & (operations["direction"] != "down")])
    return {table.name: _named(table, seen.get(table.name, ()), dropping) for table in late}


def _named(table: Dossier, seen: Sequence[Seen], operations: Sequence[dict]) -> tuple[str, ...]:
    """From the earlier bundle or the statement, else as pg_attribute has them."""
    then = dict(each.partition(" ")[::2] for each in table.then.get("columns", ()))
    gone = [column for column in table.columns if column["dropped"]]
    told = [then.get(str(column["position"])) for column in gone]
    texts = [(each.text, each.column) for each in seen if each.operation == "drop_column" and each.done]
    short = table.relation["name"]
    texts += [(row["text"], "") for row in operations if schemas.parts(row["object"] or "")[1] == short]
    names = list(dict.fromkeys(name or _column_in(text) for text, name in texts))
    spare = [name for name in names if name and name not in told]
    if len(spare) == told.count(None):
        told = [name or spare.pop(0) for name in told]
    return tuple(name or column["name"] for name, column in zip(told, gone, strict=True))


def _column_in(text: str | None) -> str | None:
    found = _DROPS.search(text or "")
    return next((part.strip('"') for part in found.groups() if part), None) if found else None
