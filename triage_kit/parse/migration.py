"""What a migration file would do, whatever tool it belongs to: read, never run."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from triage_kit.sql import Effect, effects
from triage_kit.sql.passing import passing


@dataclass(slots=True)
class Operation:
    """One thing that a migration would do; loses is what sql.Effect says, empty where no SQL was read.

    renamed is a table's new name; model the name by which later migrations of the tool mean it, where that is another.
    column, changes, within and harmless are those of sql.Effect.
    """

    line: int
    direction: str
    operation: str
    object: str = ""
    bounded: bool | None = None
    cascade: bool = False
    text: str = ""
    how: str = "parsed"
    loses: str = ""
    renamed: str = ""
    model: str = ""
    column: str = ""
    changes: tuple[str, ...] = ()
    within: str = ""
    harmless: bool = False

    @classmethod
    def of(cls, effect: Effect, direction: str, line: int) -> Operation:
        """An operation from SQL; line is that of the file."""
        shown = effect.object + (f".{effect.column}" if effect.column and effect.operation == "drop_column" else "")
        return cls(
            line,
            direction,
            effect.operation,
            shown,
            effect.bounded,
            effect.cascade,
            effect.text,
            effect.how,
            effect.loses,
            _new_name(effect),
            column=effect.column,
            changes=effect.changes,
            within=effect.within,
            harmless=effect.harmless,
        )

    def row(self) -> dict[str, Any]:
        """The operation as a row of migration_operations, its file left to the collector."""
        row = {key: value for key, value in asdict(self).items() if key not in _NOT_KEPT}
        return row | {"renamed": self.renamed or None}


_MAKES = frozenset(("create_table", "create_schema", "create_materialized_view"))
_PERHAPS = re.compile(r"(?i)if[\s_]*not[\s_]*exists")  # also if_not_exists: and createTableIfNotExists
_NOT_KEPT = frozenset(("loses", "model", "column", "changes", "within", "harmless"))


def _new_name(effect: Effect) -> str:
    """What the table of an effect is called afterwards; empty where it keeps its name."""
    schema, table = effect.parts[:-1], effect.parts[-1:]
    if effect.operation == "rename_table":
        return ".".join((*schema, effect.column))
    return ".".join((effect.column, *table)) if effect.operation == "set_schema" else ""


def _table(name: str) -> str:
    """The table that Rails gives a class, as long as its plural is regular; a table keeps its name.

    >>> [_table(each) for each in ("OrderLine", "Category", "orders")]
    ['order_lines', 'categories', 'orders']
    """
    if not name[:1].isupper() or "." in name:
        return name
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    if re.search(r"[^aeiou]y\Z", snake):
        return f"{snake[:-1]}ies"
    return snake + ("es" if re.search(r"(?:s|x|ch|sh)\Z", snake) else "s")


@dataclass(slots=True)
class Migration:
    """One migration file: its place in the history and its operations in the order of the file."""

    tool: str
    revision: str | None = None
    parents: tuple[str, ...] = ()
    title: str | None = None
    created_at: datetime | None = None
    operations: list[Operation] = field(default_factory=list)

    def spare_what_it_made(self) -> None:
        """Mark what the migration does to its own tables and columns as harmless: nothing stood there before.

        >>> steps = [Operation(1, "up", "add_column", "a", column="b"),
        ...          Operation(2, "up", "update", "a", bounded=False, changes=("b",), loses="values")]
        >>> made = Migration("alembic", operations=steps)
        >>> made.spare_what_it_made()
        >>> [(each.harmless, each.loses) for each in made.operations]
        [(False, ''), (True, '')]
        """
        for direction in {each.direction for each in self.operations}:
            steps = [each for each in self.operations if each.direction == direction]
            perhaps = {each.object for each in steps if each.operation in _MAKES and _PERHAPS.search(each.text)}
            named = steps if self.tool != "rails" else [replace(each, object=_table(each.object)) for each in steps]
            for at in passing(named, perhaps, once=True):
                steps[at].harmless, steps[at].loses = True, ""
            _spare_casts(steps)


def _spare_casts(steps: list[Operation]) -> None:
    """Mark casts to types that the steps before have made as one text that holds all of them would tell it."""
    made: list[str] = []
    for each in steps:
        if each.operation == "create_type":
            made.append(each.text)
        elif each.operation == "alter_column_type" and each.how == "parsed" and made:
            told = [found for found in effects(";\n".join((*made, each.text))) if found.operation == each.operation]
            if told and all(found.harmless for found in told):
                each.harmless, each.loses = True, ""
