"""Alembic revisions read by their syntax tree: nothing of the file runs.

Followed are literals, names bound to them, loops over literal lists, and calls of the file's own functions; text that
only a run would tell is listed as ``dynamic``, a suspect. https://alembic.sqlalchemy.org/en/latest/ops.html
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from triage_kit.parse.flow import EnoughError, Flow, constants, parameters
from triage_kit.parse.literals import PLACEHOLDER, UNKNOWN, Dml, Named, Names, argument, as_text, evaluate
from triage_kit.parse.migration import Migration, Operation
from triage_kit.parse.syntax import tree_of
from triage_kit.parse.temporary import without_temporary
from triage_kit.sql import effects, suspicious

_MOST_CALLS = 4
_TEXT_LIMIT = 4000
_CREATED = re.compile(r"(?im)^\s*create date:\s*(\S[^\n]*?)\s*$")
_RUNS_TEXT = frozenset(("execute", "exec_driver_sql", "scalar", "scalars"))


@dataclass(frozen=True)
class _Batch:
    """What ``with op.batch_alter_table(…) as name`` binds."""

    parts: tuple[str, ...]


# Method: operation, argument with the table (place, keyword), argument with the column or new name.
_METHODS: dict[str, tuple[str, tuple[int, str], tuple[int, str] | None]] = {
    "create_table": ("create_table", (0, "table_name"), None),
    "drop_table": ("drop_table", (0, "table_name"), None),
    "rename_table": ("rename_table", (0, "old_table_name"), None),
    "add_column": ("add_column", (0, "table_name"), None),
    "drop_column": ("drop_column", (0, "table_name"), (1, "column_name")),
    "alter_column": ("alter_table", (0, "table_name"), (1, "column_name")),
    "drop_constraint": ("drop_constraint", (1, "table_name"), None),
    "drop_index": ("drop_index", (0, "index_name"), None),
    "create_index": ("create_index", (1, "table_name"), None),
    "create_foreign_key": ("alter_table", (1, "source_table"), None),
    "create_unique_constraint": ("alter_table", (1, "table_name"), None),
    "create_check_constraint": ("alter_table", (1, "table_name"), None),
    "create_primary_key": ("alter_table", (1, "table_name"), None),
    "create_exclude_constraint": ("alter_table", (1, "table_name"), None),
    "bulk_insert": ("insert", (0, "table"), None),
}


def is_alembic(text: str) -> bool:
    """Whether a Python file looks like a revision, told without parsing it."""
    return "down_revision" in text and re.search(r"(?m)^revision\b", text) is not None


def read_alembic(text: str, zone: tzinfo = UTC) -> Migration | None:
    """The revision in a Python file, None when it is none; zone is that of a Create Date without one.

    Raises SyntaxError or ValueError when the file is no Python.
    """
    try:
        return _read(tree_of(text), zone)
    except (RecursionError, MemoryError) as error:
        raise ValueError("the file nests too deep to be read") from error


def _read(tree: ast.Module, zone: tzinfo) -> Migration | None:
    names = constants(tree)
    if "revision" not in names or "down_revision" not in names:
        return None
    parents = names["down_revision"]
    found = Migration(
        "alembic",
        revision=as_text(names["revision"]),
        parents=tuple(map(str, parents))
        if isinstance(parents, list)
        else (parents,)
        if isinstance(parents, str)
        else (),
    )
    docstring = ast.get_docstring(tree) or ""
    found.title = docstring.strip().split("\n", 1)[0].strip() or None
    if created := _CREATED.search(docstring):
        found.created_at = _instant(created[1], zone)
    found.operations = list(without_temporary(_Reader(tree, names).operations(), tree))
    return found


def _instant(written: str, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


class _Reader(Flow):
    def __init__(self, tree: ast.Module, names: Names) -> None:
        super().__init__()
        self.functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.names = names
        self.op = {"op"}
        self.found: list[Operation] = []
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and node.module == "alembic":
                self.op |= {each.asname or each.name for each in node.names if each.name == "op"}

    def operations(self) -> Iterator[Operation]:
        for start, direction in (("upgrade", "up"), ("downgrade", "down")):
            for name, function in self.functions.items():
                # The multi-database template has upgrade_<name> functions that upgrade() finds by name.
                if name == start or name.startswith(f"{start}_"):
                    self.found = []
                    try:
                        self.block(function.body, dict(self.names))
                    except EnoughError:
                        text = f"{name}: loops over loops, what follows was not read"
                        self.found.append(Operation(function.lineno, "", "dynamic", text=text, how="python"))
                    yield from (replace(each, direction=direction) for each in self.found)

    def call(self, node: ast.Call, names: Names, depth: int) -> None:
        if isinstance(node.func, ast.Name):
            if (function := self.functions.get(node.func.id)) and depth < _MOST_CALLS:
                self.again += 1
                self.block(function.body, names | parameters(function, node, names), depth + 1)
                self.again -= 1
        elif isinstance(node.func, ast.Attribute):
            self.found += self._method(node, node.func.attr, node.func.value, names)

    def _method(self, node: ast.Call, method: str, base: ast.expr, names: Names) -> Iterator[Operation]:
        batch = evaluate(base, names)
        is_op = isinstance(base, ast.Name) and base.id in self.op
        if method in _RUNS_TEXT and (node.args or node.keywords):
            yield from _executed(node, names)
        elif (is_op or isinstance(batch, _Batch)) and method in _METHODS:
            yield _operation(node, method, batch if isinstance(batch, _Batch) else None, names)
        elif isinstance(batch, Named) and method in ("drop", "create"):
            yield _python(node, f"{method}_{batch.kind}", batch.parts)
        elif method == "drop_all":
            yield _python(node, "drop_table", ())
        elif method == "delete" and not isinstance(batch, Named) and ".query(" in (chain := ast.unparse(base)):
            yield replace(_python(node, "delete", ()), bounded=".filter" in chain or ".where" in chain)

    def entered(self, node: ast.With | ast.AsyncWith, names: Names) -> None:
        for item in node.items:
            call = item.context_expr
            if not (isinstance(call, ast.Call) and isinstance(item.optional_vars, ast.Name)):
                continue
            made_by = call.func.attr if isinstance(call.func, ast.Attribute) else ""
            value: Any = _Batch(_table(call, (0, "table_name"), names)) if made_by == "batch_alter_table" else UNKNOWN
            names[item.optional_vars.id] = value


def _table(call: ast.Call, place: tuple[int, str], names: Names) -> tuple[str, ...]:
    value = argument(call, *place, names)
    if isinstance(value, Named):
        return value.parts
    if not isinstance(value, str):
        given = call.args[place[0] : place[0] + 1]
        return (f"{{{ast.unparse(given[0])}}}",) if given else ()
    schema = argument(call, 99, "schema", names) or argument(call, 99, "source_schema", names)
    return (schema, value) if isinstance(schema, str) else (value,)


def _operation(node: ast.Call, method: str, batch: _Batch | None, names: Names) -> Operation:
    operation, place, column_place = _METHODS[method]
    # Inside a batch the table is bound already, and the other arguments move one place to the left.
    parts = batch.parts if batch else _table(node, place, names)
    if method == "alter_column":
        given = {each.arg for each in node.keywords}
        operation = (
            "alter_column_type" if "type_" in given else "rename_column" if "new_column_name" in given else operation
        )
    found = _python(node, operation, parts)
    found.harmless = operation == "alter_column_type" and _widens(node)
    if method == "rename_table":
        found.renamed = ".".join([*parts[:-1], as_text(argument(node, 1, "new_table_name", names))])
    if column_place and method == "drop_column":
        column = argument(node, column_place[0] - bool(batch), column_place[1], names)
        found.column = as_text(column) if column is not None else ""
        found.object = ".".join([*parts, found.column]).rstrip(".")
    if method == "add_column":
        found.column = _added(node, 1 - bool(batch), names)
    return found


def _added(node: ast.Call, place: int, names: Names) -> str:
    """The name of the column in ``add_column(table, Column(name, …))``; empty where it may be there already."""
    given = next((each.value for each in node.keywords if each.arg == "column"), None)
    column = given or (node.args[place] if place < len(node.args) else None)
    if not isinstance(column, ast.Call) or any(each.arg == "if_not_exists" for each in node.keywords):
        return ""
    name = argument(column, 0, "name", names)
    return name if isinstance(name, str) else ""


# Every value that can be cast to one of these without a USING fits in it, or is refused; numbers with a scale round.
_WIDE = frozenset(("Text", "TEXT", "UnicodeText", "String", "Unicode", "VARCHAR", "BigInteger", "BIGINT", "JSONB"))


def _widens(node: ast.Call) -> bool:
    given = {each.arg: each.value for each in node.keywords}
    made = given["type_"] if isinstance(given["type_"], ast.Call) else None
    kind = ast.unparse(made.func if made else given["type_"]).rpartition(".")[2]
    if made and any(each.arg == "timezone" and getattr(each.value, "value", None) is True for each in made.keywords):
        kind = "timestamptz"
    using = getattr(given["postgresql_using"], "value", "") if "postgresql_using" in given else None
    if using is None:
        return kind in _WIDE or kind == "timestamptz"
    column = getattr(node.args[1], "value", "") if len(node.args) > 1 else ""
    pattern = _IN_ZONE if kind == "timestamptz" else _CAST if kind in _REFUSING else _NOTHING
    found = pattern.match(str(using))
    return found is not None and found["column"] == column


# What refuses a value rather than change it, and the ways in which a USING only says the column.
_REFUSING = frozenset(("Text", "TEXT", "UnicodeText", "Enum", "ENUM", "UUID", "Uuid", "CITEXT", "JSONB"))
_COLUMN = r"\s*\(?\"?(?P<column>\w+)\"?"
_CAST = re.compile(rf"{_COLUMN}\)?(?:::[\w.\"]+)+\s*\Z")
_IN_ZONE = re.compile(rf"(?i){_COLUMN}(?:\s+at\s+time\s+zone\s+'[^']*'|::timestamptz)\)?\s*\Z")
_NOTHING = re.compile(r"(?P<column>)(?!)")


def _python(node: ast.Call, operation: str, parts: tuple[str, ...]) -> Operation:
    text = ast.unparse(node)[:_TEXT_LIMIT]
    return Operation(node.lineno, "", operation, ".".join(parts), text=text, how="python")


def _executed(node: ast.Call, names: Names) -> Iterator[Operation]:
    given = node.args[0] if node.args else node.keywords[0].value
    value = evaluate(given, names)
    if isinstance(value, Dml):
        made = _python(node, value.operation, value.parts)
        yield replace(made, bounded=value.bounded, changes=() if value.hides else value.changes)
    elif not isinstance(value, str) or value.strip() == PLACEHOLDER:
        if value is UNKNOWN or isinstance(value, str):
            yield _python(node, "dynamic", ())
    elif PLACEHOLDER not in value or suspicious(value):
        yield from _of_text(value, given, node)


def _of_text(text: str, given: ast.expr, node: ast.Call) -> Iterator[Operation]:
    literal = _literal(given)
    # A triple-quoted text has its lines in the file; one with \n in it, or joined from pieces, has only its beginning.
    spans = literal is not None and (literal.end_lineno or 0) - literal.lineno == text.count("\n")
    first = literal.lineno if literal is not None else node.lineno
    for each in effects(text):
        line = first + each.line - 1 if spans else first
        shown = each.text.replace(PLACEHOLDER, "{…}")
        if PLACEHOLDER in each.object or each.operation == "unparsed":
            yield Operation(line, "", "dynamic", text=shown, how=each.how)
        else:
            yield replace(Operation.of(each, "", line), text=shown)


def _literal(node: ast.expr) -> ast.expr | None:
    """The one literal that an expression wraps, for its place in the file."""
    while isinstance(node, ast.Call) and node.args:
        node = node.args[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return node if isinstance(node, (ast.Constant, ast.JoinedStr)) else None
