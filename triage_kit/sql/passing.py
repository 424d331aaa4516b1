"""What befalls only things that a text has made itself costs nothing: nothing stood there before."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Protocol


class Step(Protocol):
    """What an effect of SQL and an operation of a migration have in common."""

    @property
    def operation(self) -> str: ...
    @property
    def object(self) -> str: ...
    @property
    def column(self) -> str: ...
    @property
    def cascade(self) -> bool: ...
    @property
    def changes(self) -> tuple[str, ...]: ...
    @property
    def within(self) -> str: ...
    @property
    def harmless(self) -> bool: ...


# What a step makes, and what may befall it afterwards: each kind of object has names of its own.
_KINDS = {
    "table": (
        ("create_table", "create_materialized_view"),
        ("drop_table", "drop_materialized_view", "drop_foreign_table"),
    ),
    "schema": (("create_schema",), ("drop_schema", "rename_schema")),
    "type": (("create_type",), ("drop_type",)),
    "server": (("create_server",), ("drop_server",)),
    "collation": (("create_collation",), ("drop_collation",)),
    "extension": (("create_extension",), ("drop_extension",)),
    "role": (("create_role",), ("drop_role", "drop_owned", "reassign_owned", "set_search_path")),
    "database": (("create_database",), ("drop_database", "rename_database", "set_search_path")),
    "tablespace": (("create_tablespace",), ("drop_tablespace",)),
    "subscription": (("create_subscription",), ("drop_subscription",)),
}
_MAKES = {operation: kind for kind, (makes, _) in _KINDS.items() for operation in makes}
_BEFALLS = {operation: [kind for kind, each in _KINDS.items() if operation in each[1]]
            for _, befalls in _KINDS.values() for operation in befalls}  # fmt: skip
_DROPS = frozenset(_KINDS["table"][1])
_RENAMES = frozenset(("rename_table", "rename_schema", "rename_database"))
_ROWS = frozenset(("delete", "truncate", "update", "merge", "upsert"))


class _Made:
    """What the steps so far have made, by its kind; columns and policies with their table before them."""

    def __init__(self, perhaps: Set[str]) -> None:
        self.perhaps = perhaps
        self.known: dict[str, set[str]] = {kind: set() for kind in (*_KINDS, "column", "policy")}
        self.gone: set[str] = set()  # what stood before and went: who takes its name takes its place

    def holds(self, name: str) -> bool:
        """Whether a table, or the schema around it, is made."""
        return name in self.known["table"] or ("." in name and name.split(".")[0] in self.known["schema"])

    def note(self, step: Step) -> None:
        """What the step makes, if nothing stood there before."""
        own = f"{step.object}.{step.column}" if step.column else ""
        kind = _MAKES.get(step.operation, "")
        name = step.object
        if step.operation in ("add_column", "create_policy"):
            kind, name = step.operation.partition("_")[2], own
        sure = not step.within or kind == "table"  # a role or an extension is made in a DO where it is missing
        if kind and name and sure and name not in self.perhaps:
            self.known[kind].add(name)
        # What stood before may be put into what is new, and goes with it.
        if step.operation == "attach_partition" and not self.holds(step.object):
            self.known["table"].discard(step.column)
        elif step.operation == "set_schema" and not self.holds(step.object):
            self.known["schema"].discard(step.column)
        elif step.operation in ("reassign_owned", "alter_table") and step.column:
            self.known["role"].discard(step.column)  # who now owns more than it has made

    def spares(self, step: Step) -> bool:
        """Whether the step touches made things alone."""
        if kinds := [each for each in _BEFALLS.get(step.operation, ()) if each != "table"]:
            return any(step.object in self.known[kind] for kind in kinds)
        if step.operation == "truncate" and step.cascade:
            return False
        if step.operation in ("drop_policy", "alter_policy") and f"{step.object}.{step.column}" in self.known["policy"]:
            return True
        of_columns: tuple[str, ...] = ()
        if step.operation == "update" and not step.column:
            of_columns = step.changes
        elif step.operation in ("drop_column", "alter_column_type") and step.column:
            of_columns = (step.column,)
        fresh = bool(of_columns) and all(f"{step.object}.{each}" in self.known["column"] for each in of_columns)
        return fresh or self.holds(step.object)

    def end(self, step: Step) -> None:
        """What is dropped or gets another name is no longer known by the old one."""
        if step.operation in ("rename_table", "set_schema"):
            self.known["table"].discard(step.object)
        elif step.operation == "drop_column":
            self.known["column"].discard(f"{step.object}.{step.column}")
        elif step.operation == "drop_policy":
            self.known["policy"].discard(f"{step.object}.{step.column}")
        elif step.operation.startswith(("drop_", "rename_")) and step.operation != "drop_owned":
            for kind in _BEFALLS.get(step.operation, ()):
                self.known[kind].discard(step.object)
        schema, dot, _ = step.object.rpartition(".")
        if step.operation in _RENAMES and step.column and (new := f"{schema}{dot}{step.column}") not in self.gone:
            self.known[step.operation.partition("_")[2]].add(new)


def passing(steps: Sequence[Step], perhaps: Set[str] = frozenset(), once: bool = False) -> set[int]:
    """Places of the steps that can cost nothing, since a step before them has made what they touch.

    Rows of a made table are spared where the text drops it, too: a script that is run again where the table stands
    fails to make it, and empties it. A function's body runs later, on whatever stands there by then; that of a DO runs
    here, though what it makes may hang on a condition. perhaps: what is made by IF NOT EXISTS, and may have stood there
    before. once: what is run once, and stops where a step fails, as a migration.
    """
    made, found = _Made(perhaps), set()
    waiting: dict[str, list[int]] = {}
    for at, step in enumerate(steps):
        if step.within not in ("", "do") or step.harmless or not step.object:
            continue
        if made.spares(step):
            if not once and step.operation in _ROWS and made.holds(step.object):
                waiting.setdefault(step.object, []).append(at)
            else:
                found.add(at)
            if step.operation in _DROPS:
                found.update(waiting.pop(step.object, ()))
            elif step.operation == "drop_schema":
                inside = [each for each in waiting if each.startswith(f"{step.object}.")]
                found.update(place for each in inside for place in waiting.pop(each))
            made.end(step)
        elif step.operation in _DROPS or step.operation in _RENAMES:
            made.gone.add(step.object)
        made.note(step)
    return found
