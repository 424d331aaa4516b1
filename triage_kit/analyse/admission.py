"""Whether the tables let the rows in again, and what goes off when they come: keys, constraints, triggers, consumers.

A migration that removes duplicates and adds a unique key does both in one transaction: the key refuses what it removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from triage_kit import sql
from triage_kit.analyse.consumers import beware, worked_off
from triage_kit.analyse.context import by_table, first
from triage_kit.analyse.losses import Loss, relations_of
from triage_kit.analyse.xids import with_epoch

Evidence = Mapping[str, pd.DataFrame]
# Ways whose rows are inserted in the end.
WRITING = ("pitr", "managed_service", "backup", "standby", "volume_copy", "log_replay", "wal", "dead_rows")
UNMARKING = ("undo_update",)  # ways after which a program finds rows to do that it had done with
LEFT_OUT = "rows that break it are left out silently"
ENDS = "one row that breaks it ends the whole copy"
SAME = "a row whose key stands here again is passed over, and what stands keeps its values: compare afterwards"
MOST = 6


class Admission:
    """Keys, constraints and columns of every table, grouped once: thousands of tables may ask."""

    def __init__(self, lost: Loss, evidence: Evidence) -> None:
        self._standing = relations_of(evidence)
        self._next_xid = first(evidence["identity"]).get("next_xid")
        self._taken = {name: group.xid for group in lost.groups for name in group.tables}
        self._columns, self._constraints, self._indexes, self._triggers = (
            by_table(evidence[name]) for name in ("columns", "constraints", "indexes", "triggers")
        )
        self._worked_off = worked_off(lost.tables, evidence)

    def told(self, option: dict) -> dict:
        """A way back with what was found of the tables that its commands write to."""
        writing, unmarking = (option["option"] in ways for ways in (WRITING, UNMARKING))
        if not (writing or unmarking) or option["feasible"] is False or not option["commands"]:
            return option
        tables = option["tables"]
        told = beware({name: self._worked_off[name] for name in tables if name in self._worked_off})
        found = [f"bad: {told}"] if told else []
        found += [*self._told(tables), *self._fired(tables)] if writing else []
        return option | {"preconditions": (*option.get("preconditions", ()), *found)}

    def _fired(self, tables: tuple[str, ...]) -> Iterator[str]:
        """Triggers that write or tell others something whenever a row is inserted."""
        firing = [
            f"{sql.quote_ident(row['name'])} of {name}"
            for name in tables
            if name in self._standing
            for row in self._triggers[self._standing[name]["oid"]]
            if "insert" in row["events"] and row["enabled"] in ("enabled", "always")
        ]
        if firing:
            more = f" and {len(firing) - MOST} more" if len(firing) > MOST else ""
            fires = "fires" if len(firing) == 1 else "fire"
            named = f"{', '.join(firing[:MOST])}{more} {fires}"
            yield f"open: on INSERT {named}: see what that does to each row that comes back"

    def _told(self, tables: tuple[str, ...]) -> Iterator[str]:
        named = [name for name in tables if name in self._standing]
        if not named:
            return
        if any(self._taken.get(name) is None for name in named):
            yield f"open: whether a key or a constraint came with the loss or after it is not known; {SAME}"
            return
        found = [line for name in named for line in self._of_table(name)]
        yield from found[:MOST]
        if len(found) > MOST:
            yield f"open: {len(found) - MOST} more keys and constraints came with the loss or after it"
        if not found:
            yield f"ok: no key and no constraint of these tables came with the loss or after it; {SAME}"

    def _of_table(self, name: str) -> Iterator[str]:
        """What was added to one table since the loss; of one that was made anew all of it was."""
        oid, loss = self._standing[name]["oid"], with_epoch(self._taken[name] or 0, self._next_xid)
        columns = [row["xmin"] for row in self._columns[oid] if row["xmin"]]
        made = with_epoch(min(columns), self._next_xid) if columns else 0
        if made >= loss:
            yield f"open: {name} was made anew: compare its keys and constraints with those of the old table"
            return
        own = [*self._constraints[oid]]
        keys = {row["name"] for row in own}
        # TRUNCATE and REINDEX write the index's row of pg_class as well, and give it another file.
        own += [{**row, "kind": "unique", "definition": None} for row in self._indexes[oid]
                if row["unique"] and row["name"] not in keys and row["filenode"] == row["oid"]]  # fmt: skip
        for row in own:
            if row["xmin"] and with_epoch(row["xmin"], self._next_xid) >= loss:
                said = row["definition"] or f"unique index on {name}"
                what = LEFT_OUT if row["kind"] in ("primary_key", "unique", "exclusion") else ENDS
                yield f"bad: {sql.quote_ident(row['name'])} of {name} ({said}) came with the loss or after it: {what}"
