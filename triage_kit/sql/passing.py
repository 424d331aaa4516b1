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


_MAKES = frozenset(("create_table", "create_materialized_view"))
_DROPS = frozenset(("drop_table", "drop_materialized_view"))
_ENDS = _DROPS | {"rename_table", "set_schema"}
_ROWS = frozenset(("delete", "truncate", "update", "merge", "upsert"))


class _Made:
    """The tables, schemas and columns that the steps so far have made."""

    def __init__(self, perhaps: Set[str]) -> None:
        self.perhaps = perhaps
        self.tables: set[str] = set()
        self.schemas: set[str] = set()
        self.columns: set[str] = set()

    def holds(self, name: str) -> bool:
        return name in self.tables or ("." in name and name.split(".")[0] in self.schemas)

    def note(self, step: Step) -> None:
        """What the step makes, if nothing stood there before."""
        for operations, known, name in (
            (_MAKES, self.tables, step.object),
            (("create_schema",), self.schemas, step.object),
            (("add_column",), self.columns, f"{step.object}.{step.column}" if step.column else ""),
        ):
            if step.operation in operations and name and name not in self.perhaps:
                known.add(name)
        # What stood before may be put into what is new, and goes with it.
        if step.operation == "attach_partition" and not self.holds(step.object):
            self.tables.discard(step.column)
        elif step.operation == "set_schema" and not self.holds(step.object):
            self.schemas.discard(step.column)

    def spares(self, step: Step) -> bool:
        """Whether the step touches made things alone."""
        if step.operation == "drop_schema":
            return step.object in self.schemas
        if step.operation == "truncate" and step.cascade:
            return False
        of_columns: tuple[str, ...] = ()
        if step.operation == "update" and not step.column:
            of_columns = step.changes
        elif step.operation in ("drop_column", "alter_column_type") and step.column:
            of_columns = (step.column,)
        fresh = bool(of_columns) and all(f"{step.object}.{each}" in self.columns for each in of_columns)
        return fresh or self.holds(step.object)

    def end(self, step: Step) -> None:
        """What is dropped or gets another name is no longer known by the old one."""
        if step.operation in _ENDS:
            self.tables.discard(step.object)
        elif step.operation == "drop_schema":
            self.schemas.discard(step.object)
        elif step.operation == "drop_column":
            self.columns.discard(f"{step.object}.{step.column}")


def passing(steps: Sequence[Step], perhaps: Set[str] = frozenset(), once: bool = False) -> set[int]:
    """Places of the steps that can cost nothing, since a step before them has made what they touch.

    Rows of a made table are spared where the text drops it, too: a script that is run again where the table stands
    fails to make it, and empties it. A function's body runs later, on whatever stands there by then. perhaps: what is
    made by IF NOT EXISTS, and may have stood there before. once: what is run once, and stops where a step fails, as a
    migration.
    """
    made, found = _Made(perhaps), set()
    waiting: dict[str, list[int]] = {}
    for at, step in enumerate(steps):
        if step.within or step.harmless or not step.object:
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
        made.note(step)
    return found
