"""Django migrations read by their syntax tree: operations, RunSQL in both directions, RunPython as a suspect.

Tables are named as Django names them, ``app_model`` in lower case, unless the migration sets ``db_table``.
https://docs.djangoproject.com/en/stable/ref/migration-operations/
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from triage_kit.parse.calls import calls_in
from triage_kit.parse.literals import UNKNOWN, Names, argument, as_text, evaluate
from triage_kit.parse.migration import Migration, Operation
from triage_kit.sql import effects

_TEXT_LIMIT = 4000


def is_django(text: str) -> bool:
    """Whether a Python file looks like a Django migration, told without parsing it."""
    return "migrations.Migration" in text or re.search(r"(?m)^class Migration\(Migration\)", text) is not None


def read_django(text: str, path: str) -> Migration | None:
    """The migration in a Python file below ``app/migrations``; None when it is none.

    Its revision is ``app name``, as the version table is read. Raises SyntaxError or ValueError when it is no Python.
    """
    try:
        tree = ast.parse(text.removeprefix("\ufeff"))
        return _read(tree, PurePosixPath(path))
    except (RecursionError, MemoryError) as error:
        raise ValueError("the file nests too deep to be read") from error


def _read(tree: ast.Module, path: PurePosixPath) -> Migration | None:
    body = next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Migration"), None)
    if body is None:
        return None
    app = path.parts[-3] if len(path.parts) > 2 else path.parent.name
    names: Names = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = evaluate(node.value, names)
    given = {
        target.id: node.value
        for node in body.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    parents = [each for key in ("dependencies", "replaces") for each in _pairs(given.get(key), names)]
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found = Migration("django", f"{app} {path.stem}", tuple(parents), path.stem.replace("_", " "))
    listed = given.get("operations")
    for call in listed.elts if isinstance(listed, (ast.List, ast.Tuple)) else []:
        if isinstance(call, ast.Call):
            found.operations += _Operation(call, app, names, functions).read()
    found.spare_what_it_made()  # in the order in which they run: a function stands before the list that calls it
    found.operations.sort(key=lambda each: (each.direction == "down", each.line))
    return found


def _pairs(node: ast.expr | None, names: Names) -> Iterator[str]:
    value = evaluate(node, names) if node is not None else []
    for each in value if isinstance(value, list) else []:
        if isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each):
            yield f"{each[0]} {each[1]}"


class _Operation:
    """One call in ``operations``."""

    def __init__(self, node: ast.Call, app: str, names: Names, functions: dict[str, ast.FunctionDef]) -> None:
        self.node, self.app, self.names, self.functions = node, app, names, functions
        self.kind = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")

    def read(self) -> list[Operation]:
        if self.kind == "SeparateDatabaseAndState":
            return self._separate()
        if self.kind == "RunSQL":
            return [*self._sql(0, "sql", "up"), *self._sql(1, "reverse_sql", "down")]
        if self.kind == "RunPython":
            return [*self._python(0, "code", "up"), *self._python(1, "reverse_code", "down")]
        if rule := _RULES.get(self.kind):
            return [replace(self._made(*each[:3]), **dict(each[3:])) for each in rule(self)]
        return []

    def text(self, place: int, keyword: str) -> str:
        return as_text(argument(self.node, place, keyword, self.names))

    def table(self, model: str) -> str:
        return f"{self.app}_{model}".lower()

    def _made(self, direction: str, operation: str, object_: str) -> Operation:
        shown = ast.unparse(self.node)[:_TEXT_LIMIT]
        return Operation(self.node.lineno, direction, operation, object_, text=shown, how="python")

    def _separate(self) -> list[Operation]:
        """Only ``database_operations`` touch the database; the rest changes what Django believes."""
        listed = next((each.value for each in self.node.keywords if each.arg == "database_operations"), None)
        if listed is None and self.node.args:
            listed = self.node.args[0]
        inner = [each for each in getattr(listed, "elts", []) if isinstance(each, ast.Call)]
        return [
            operation for each in inner for operation in _Operation(each, self.app, self.names, self.functions).read()
        ]

    def _sql(self, place: int, keyword: str, direction: str) -> list[Operation]:
        node = _given(self.node, place, keyword)
        if node is None or (isinstance(node, ast.Attribute) and node.attr == "noop"):
            return []
        value = evaluate(node, self.names)
        listed = value if isinstance(value, list) else [value]
        texts = [each[0] if isinstance(each, list) and each else each for each in listed]
        found = []
        for text in texts:
            if not isinstance(text, str):
                found.append(self._made(direction, "dynamic", ""))
                continue
            spans = (node.end_lineno or node.lineno) - node.lineno == text.count("\n")
            for each in effects(text):
                line = node.lineno + each.line - 1 if spans else node.lineno
                found.append(Operation.of(each, direction, line))
        return found

    def _python(self, place: int, keyword: str, direction: str) -> list[Operation]:
        node = _given(self.node, place, keyword)
        if node is None or (isinstance(node, ast.Attribute) and node.attr == "noop"):
            return []
        function = self.functions.get(node.id) if isinstance(node, ast.Name) else None
        if function is None:
            return [self._made(direction, "dynamic", "")]
        inside = [replace(each, direction=direction) for each in calls_in(function.body, self.names)]
        if not inside and _may_lose(function):
            shown = ast.unparse(function)[:_TEXT_LIMIT]
            return [Operation(function.lineno, direction, "dynamic", text=shown, how="python")]
        return inside


# What a call must be named for its body to be a suspect although no call in it is one that is known.
_MAY_LOSE = re.compile(r"(?i)delete|truncate|drop|execute|\Araw\Z|\Aupdate\Z|remove|purge|clear")
_PICKED = re.compile(r"\.(?:filter|exclude|get)\(")


def _may_lose(function: ast.FunctionDef) -> bool:
    """Whether a body has a call that may lose something, of those that nobody has understood."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    picked = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and _PICKED.search(ast.unparse(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return any(_MAY_LOSE.search(_name(each)) and not _understood(each, picked) for each in calls)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _understood(call: ast.Call, picked: set[str]) -> bool:
    """Whether a call is an update of picked rows, or runs SQL that is written out."""
    name, owner = _name(call), getattr(call.func, "value", None)
    if name == "update" and owner is not None:
        return bool(_PICKED.search(ast.unparse(owner))) or getattr(owner, "id", "") in picked
    return name == "execute" and bool(call.args) and isinstance(getattr(call.args[0], "value", None), str)


def _given(node: ast.Call, place: int, keyword: str) -> ast.expr | None:
    for each in node.keywords:
        if each.arg == keyword:
            return each.value
    return node.args[place] if place < len(node.args) else None


def _create_model(call: _Operation) -> list[_Told]:
    options = argument(call.node, 2, "options", call.names)
    named = options.get("db_table") if isinstance(options, dict) else None
    usual = call.table(call.text(0, "name"))
    table = named if isinstance(named, str) else usual
    return [("up", "create_table", table, ("model", usual)), ("down", "drop_table", table)]


def _delete_model(call: _Operation) -> list[_Told]:
    table = call.table(call.text(0, "name"))
    return [("up", "drop_table", table), ("down", "create_table", table)]


def _field(operation: str, reverse: str) -> Callable[[_Operation], list[_Told]]:
    def rule(call: _Operation) -> list[_Told]:
        table, column = call.table(call.text(0, "model_name")), call.text(1, "name")
        column = "" if argument(call.node, 1, "name", call.names) is UNKNOWN else column
        return [
            (way, word, f"{table}.{column}" if word == "drop_column" else table)
            for way, word in (("up", operation), ("down", reverse))
        ]

    return rule


def _of_model(operation: str, reverse: str) -> Callable[[_Operation], list[_Told]]:
    def rule(call: _Operation) -> list[_Told]:
        table = call.table(call.text(0, "model_name"))
        return [("up", operation, table), ("down", reverse, table)]

    return rule


# Every value of a type that can be cast to one of these fits in it; a foreign key has the type of what it refers to.
_WIDE = frozenset(
    (
        "ForeignKey",
        "OneToOneField",
        "TextField",
        "BigIntegerField",
        "BigAutoField",
        "PositiveBigIntegerField",
        "JSONField",
    )
)


def _add_field(call: _Operation) -> list[_Told]:
    (way, word, table), down = _field("add_column", "drop_column")(call)
    suffix = "_id" if _kind(call) in ("ForeignKey", "OneToOneField") else ""
    return [(way, word, table, ("column", call.text(1, "name") + suffix)), down]


def _kind(call: _Operation) -> str:
    """The class of the field that an operation gives a model, without its module."""
    field = _given(call.node, 2, "field")
    return ast.unparse(field.func).rpartition(".")[2] if isinstance(field, ast.Call) else ""


def _alter_field(call: _Operation) -> list[_Told]:
    table, word = call.table(call.text(0, "model_name")), "alter_column_type"
    return [("up", word, table, ("harmless", _kind(call) in _WIDE)), ("down", word, table)]


def _renames(call: _Operation) -> list[_Told]:
    old, new = call.table(call.text(0, "old_name")), call.table(call.text(1, "new_name"))
    return [("up", "rename_table", old, ("renamed", new), ("model", new)),
            ("down", "rename_table", new, ("renamed", old))]  # fmt: skip


def _tables(call: _Operation) -> list[_Told]:
    usual, new = call.table(call.text(0, "name")), argument(call.node, 1, "table", call.names)
    return [("up", "rename_table", usual, ("renamed", new if isinstance(new, str) else usual), ("model", usual))]


def name_tables(migrations: Sequence[Migration]) -> None:
    """Give the tables of Django's models the names that they have when each migration runs.

    A model may have a table of another name (``db_table``, AlterModelTable), which later migrations do not repeat.

    >>> made = Operation(1, "up", "create_table", "notes", how="python", model="shop_note")
    >>> found = [Migration("django", "shop 1", (), None, None, [made]),
    ...          Migration("django", "shop 2", ("shop 1",), None, None,
    ...                    [Operation(1, "up", "drop_table", "shop_note", how="python")])]
    >>> name_tables(found)
    >>> found[1].operations[0].object
    'notes'
    """
    known: dict[str, str] = {}
    for migration in _in_order([each for each in migrations if each.tool == "django"]):
        for each in migration.operations:
            if each.how == "python":
                _name_table(each, known)


def _name_table(each: Operation, known: dict[str, str]) -> None:
    up = each.direction != "down"
    if each.operation == "create_table" and each.model:
        known[each.model] = each.object
        return
    usual, _, column = each.object.partition(".")
    table = known.get(usual, usual)
    each.object = f"{table}.{column}" if column else table
    if not up or each.operation != "rename_table":
        return
    if each.model == usual:  # AlterModelTable
        known[usual] = each.renamed
    elif table == usual:
        known.pop(usual, None)
        known[each.model] = each.renamed
    else:  # RenameModel leaves a table alone that was named by hand
        known[each.model], each.renamed = table, ""
        each.operation = "alter_table"


def _in_order(migrations: Sequence[Migration]) -> Iterator[Migration]:
    """Parents first; those of a circle, or of one that is not here, by their names."""
    waiting = {each.revision: each for each in sorted(migrations, key=lambda each: each.revision or "")}
    while waiting:
        ready = [each for each in waiting.values() if not any(parent in waiting for parent in each.parents)]
        for each in ready or list(waiting.values())[:1]:
            del waiting[each.revision]
            yield each


# direction, operation, object, and further fields of the operation
_Told = tuple[Any, ...]
_RULES: dict[str, Callable[[_Operation], list[_Told]]] = {
    "CreateModel": _create_model,
    "DeleteModel": _delete_model,
    "AddField": _add_field,
    "RemoveField": _field("drop_column", "add_column"),
    "AlterField": _alter_field,
    "RenameField": _field("rename_column", "rename_column"),
    "RenameModel": _renames,
    "AlterModelTable": _tables,
    "AddIndex": _of_model("create_index", "drop_index"),
    "RemoveIndex": _of_model("drop_index", "create_index"),
    "AddConstraint": _of_model("alter_table", "drop_constraint"),
    "RemoveConstraint": _of_model("drop_constraint", "alter_table"),
}
