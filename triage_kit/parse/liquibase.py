"""Liquibase changelogs in XML: change sets with the tables and columns that each change touches.

The parser takes no document type and no entity, so that a small file cannot grow into a large one or reach another.
https://docs.liquibase.com/change-types/home.html
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from xml.parsers import expat

from triage_kit.parse.migration import Migration, Operation
from triage_kit.sql import effects

_TEXT_LIMIT = 4000
CHANGES = {
    "dropTable": "drop_table",
    "dropAllForeignKeyConstraints": "drop_constraint",
    "dropColumn": "drop_column",
    "dropView": "drop_view",
    "dropIndex": "drop_index",
    "dropSequence": "drop_sequence",
    "dropForeignKeyConstraint": "drop_constraint",
    "delete": "delete",
    "update": "update",
    "insert": "insert",
    "loadData": "copy_in",
    "loadUpdateData": "upsert",
    "mergeColumns": "drop_column",
    "modifyDataType": "alter_column_type",
    "renameTable": "rename_table",
    "renameColumn": "rename_column",
    "createTable": "create_table",
    "addColumn": "add_column",
}
# Every value that can be cast to one of these fits in it, or is refused; Liquibase writes no USING.
WIDE = re.compile(r"(?i)\A\s*(?:text|clob|bigint|int8|jsonb|(?:n?varchar2?|character varying)\s*(?:\(|\Z))")
RUNS_ELSEWHERE = frozenset(("sqlFile", "executeCommand", "customChange"))


def is_liquibase(text: str) -> bool:
    """Whether an XML text looks like a changelog, told without parsing it."""
    return "<databaseChangeLog" in text[:20_000] or "<changeSet" in text


def read_liquibase(text: str, path: str) -> list[Migration]:
    """The change sets of one changelog, each a migration of its own whose revision is ``author id``.

    Raises ValueError when the text is no XML, or declares a document type.

    >>> [found] = read_liquibase('<databaseChangeLog><changeSet id="1" author="a"><dropTable tableName="t"/>'
    ...                          '</changeSet></databaseChangeLog>', "log.xml")
    >>> found.revision, [(each.operation, each.object) for each in found.operations]
    ('a 1', [('drop_table', 't')])
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    reader.parser = parser
    try:
        parser.Parse(re.sub(r"\A\ufeff?\s*<\?xml[^>]*\?>", "", text).encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise ValueError(f"the changelog is no XML: {error}") from error
    title = PurePosixPath(path).stem.replace("_", " ")
    before: tuple[str, ...] = ()
    for each in reader.sets:
        each.title, each.parents, before = title, before, (each.revision or "",)
    return reader.sets


def _refuse(*declared: Any) -> None:
    raise ValueError("the changelog declares a document type, which is not followed")


class _Reader:
    def __init__(self) -> None:
        self.parser: Any = None
        self.sets: list[Migration] = []
        self.open: list[str] = []
        self.text: list[str] | None = None
        self.where: list[str] | None = None
        self.line = 0
        self.last: Operation | None = None

    def start(self, name: str, given: dict[str, str]) -> None:
        name = name.rsplit(" ", 1)[-1]
        self.open.append(name)
        line = self.parser.CurrentLineNumber
        if name == "changeSet":
            revision = " ".join(filter(None, (given.get("author"), given.get("id"))))
            self.sets.append(Migration("liquibase", revision))
            self.last = None
        elif "changeSet" not in self.open:
            return
        elif name in ("sql", "createProcedure", "rollback"):
            self.text, self.line = [], line
        elif name == "where" and self.last is not None:
            self.last.bounded = True
        elif name in RUNS_ELSEWHERE:
            self._add(line, "include", given.get("path", ""), given)
        elif name == "column" and self.last is not None and self.open[-2] == "dropColumn":
            table = self.last.object
            if given.get("name"):
                self.last.object = f"{table}.{given['name']}"
                self.last = None
        elif name == "column" and self.last is not None and self.open[-2] in ("addColumn", "update"):
            self._column(given.get("name", ""))
        elif operation := CHANGES.get(name):
            self._change(line, name, operation, given)

    def _column(self, name: str) -> None:
        """Note a column that the last change adds or sets."""
        last = self.last
        if last is None or not name:
            return
        if last.operation == "update":
            last.changes = (*last.changes, name)
        elif not last.column:
            last.column = name
        else:
            self.sets[-1].operations.append(replace(last, column=name))

    def _change(self, line: int, name: str, operation: str, given: dict[str, str]) -> None:
        table = given.get("tableName") or given.get("oldTableName") or given.get("viewName") or ""
        parts = [each for each in (given.get("schemaName"), table) if each]
        if operation == "drop_column" and (column := given.get("columnName")):
            parts.append(column)
        self._add(line, operation, ".".join(parts), given)
        self.last = self.sets[-1].operations[-1]
        if operation in ("delete", "update"):
            self.last.bounded = False
        self.last.harmless = operation == "alter_column_type" and bool(WIDE.match(given.get("newDataType", "")))
        if operation == "rename_table":
            self.last.renamed = ".".join([*parts[:-1], given.get("newTableName", "")])
        self.last.text = f"<{name} {' '.join(f'{key}={value!r}' for key, value in given.items())}>"[:_TEXT_LIMIT]

    def _add(self, line: int, operation: str, object_: str, given: dict[str, str]) -> None:
        cascade = given.get("cascadeConstraints", "").lower() == "true"
        self.sets[-1].operations.append(
            Operation(line, self._direction(), operation, object_, None, cascade, object_, how="pattern")
        )

    def _direction(self) -> str:
        return "down" if "rollback" in self.open else "up"

    def end(self, name: str) -> None:
        name = name.rsplit(" ", 1)[-1]
        if name in ("sql", "createProcedure", "rollback") and self.text is not None and self.sets:
            for each in effects("".join(self.text)):
                self.sets[-1].operations.append(Operation.of(each, self._direction(), self.line + each.line - 1))
            self.text = None
        if self.open:
            self.open.pop()

    def characters(self, written: str) -> None:
        if self.text is not None:
            self.text.append(written)
