"""Calls in Python code that reach a database: SQL in string literals, and the methods of ORMs that remove rows.

Nothing runs. Literals are followed as ``parse.literals`` does; text that is put together at run time is ``dynamic``
where a destructive word stands in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from triage_kit.parse.code import MAKES
from triage_kit.parse.flow import Definition, EnoughError, Flow, bind_target, constants, parameters
from triage_kit.parse.literals import (
    PLACEHOLDER,
    Dml,
    Named,
    Names,
    Unknown,
    argument,
    evaluate,
    marks_deleted,
    set_columns,
)
from triage_kit.parse.migration import Operation
from triage_kit.parse.rolled_back import without_rolled_back
from triage_kit.parse.syntax import tree_of
from triage_kit.parse.temporary import without_temporary
from triage_kit.sql import OPERATIONS, Effect, effects, suspicious

_TEXT_LIMIT = 4000
_RUNS = frozenset(
    [
        "execute",
        "executemany",
        "executescript",
        "exec",
        "exec_driver_sql",
        "execute_async",
        "fetch",
        "fetchrow",
        "fetchval",
        "query",
        "raw",
        "read_sql",
        "read_sql_query",
        "scalar",
        "scalars",
        "text",
        "run_sql",
        "run_query",
        "sql",
        "callproc",
        "execute_sql",
        "query_raw",
        "execute_raw",
        "run",
        "check_call",
        "check_output",
        "call",
        "Popen",
        "system",
    ]
)
_SHELLS = frozenset(["run", "check_call", "check_output", "call", "Popen", "system"])
# Method: operation; these names mean a database whatever they are called on.
_ALWAYS = {
    "drop_all": "drop_table",
    "drop_tables": "drop_table",
    "truncate_tables": "truncate",
    "_truncate_tables": "truncate",
    "delete_everything": "delete",
    "truncate_table": "truncate",
}
_QUERY = re.compile(r"\.(?:objects|query|filter|filter_by|all|where|exclude)\b\s*(?:\(|\.)")
# A key compared with one value, so that one row at most is changed.
ONE_ROW = re.compile(
    r"\.(?:filter|filter_by|where|get)\((?:[^()]*, )?(?:(?:pk|id|uuid)=(?!=)|(?:\w+\.)+(?:pk|id|uuid) == )"
)
_FILTERS = re.compile(r"\.(?:filter|filter_by|where|exclude|get)\(")
# Rows of a class, and not a part of a request, a dictionary or another library's query.
_ROWS = re.compile(r"\.objects\.|\bquery\(\w|\A[A-Z]\w*\.(?:all|filter|exclude|query|select)\b")
# Objects in a bucket of files are no rows: boto3 and its like call them ``objects`` too.
_STORE = re.compile(r"(?i)\bbucket\w*(?:\([^()]*\))?\.objects?\b|\bblobs?\b|\bs3\b")
_ROOT = re.compile(r"\A(?:\w+\.)*?(?P<name>\w+)\.(?:objects|query|all|filter|exclude|where|select)\b")
_COMMANDS = frozenset(("flush", "sqlflush", "reset_db", "migrate_zero", "truncate", "clear_db"))


def python_calls(text: str) -> Iterator[Operation]:
    """Operations of a Python file's calls; raises SyntaxError, ValueError or RecursionError when it is no Python.

    >>> [(each.operation, each.object, each.line) for each in python_calls('c.execute("DELETE FROM a")')]
    [('delete', 'a', 1)]
    """
    tree = tree_of(text)
    names = constants(tree)
    if any(each in text for each in _OTHER_DATABASES):
        names |= _kept(tree)
    found = calls_in(tree.body, names, _functions(tree))
    if "write_disposition" in text and "postgres" not in text.lower():  # dlt loads into any store
        found = (each for each in found if "write_disposition" not in each.text)
    found = without_temporary(found, tree) if "temp" in text.lower() else found
    return without_rolled_back(found, tree) if "ollback" in text else found


def calls_in(body: list[ast.stmt], names: Names, functions: Functions | None = None) -> Iterator[Operation]:
    """Operations of the calls in a block, with the values of names that are known there; functions may be called."""
    reader = _Calls(functions or {})
    try:
        reader.block(body, dict(names))
    except EnoughError:
        # What was not reached is read as it stands, loops and local names unfollowed.
        for node in ast.walk(ast.Module(body, [])):
            if isinstance(node, ast.Call):
                reader.found += _call(node, names)
    return iter(reader.found)


Functions = dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
_MOST_CALLS = 2


def _functions(tree: ast.Module) -> Functions:
    return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


class _Elsewhere(Unknown):
    """A connection to a database that is no PostgreSQL, or a cursor of one."""


_ELSEWHERE = _Elsewhere()


@dataclass(frozen=True)
class _Rows(Unknown):
    """A query that a name holds: the expression that made it, with whatever names it held itself put in."""

    chain: str
    model: str


@dataclass(frozen=True)
class _Row(Unknown):
    """One of the rows that a query selects."""

    rows: _Rows


_OTHER_DATABASES = frozenset(("sqlite3", "aiosqlite", "duckdb", "pymysql", "MySQLdb"))


class _Calls(Flow):
    """Every body of a file is read once by itself, and those of its own functions again where SQL is given to them."""

    def __init__(self, functions: Functions) -> None:
        super().__init__()
        self.functions = functions
        self.found: list[Operation] = []

    def definition(self, node: Definition, names: Names, depth: int) -> None:
        self.expressions(node, names, depth)
        unknown = {} if isinstance(node, ast.ClassDef) else parameters(node, None, names)
        self.block(node.body, names | unknown, depth)

    def entered(self, node: ast.With | ast.AsyncWith, names: Names) -> None:
        super().entered(node, names)
        for item in node.items:
            if item.optional_vars is not None and _elsewhere(item.context_expr, names):
                bind_target(item.optional_vars, _ELSEWHERE, names)

    def assigned(self, value: ast.expr | None, names: Names) -> Any:
        if _elsewhere(value, names):
            return _ELSEWHERE
        known = super().assigned(value, names)
        return _rows(value, names) or known if isinstance(known, Unknown) else known

    def item(self, value: Any, source: ast.expr, names: Names) -> Any:
        rows = _rows(source, names) if isinstance(value, Unknown) else None
        return _Row(rows) if rows else value

    def call(self, node: ast.Call, names: Names, depth: int) -> None:
        if isinstance(node.func, ast.Attribute) and _elsewhere(node.func.value, names):
            return
        self.found += _call(node, names)
        function = self.functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if function is None or depth >= _MOST_CALLS or not _gives_sql(node, names):
            return
        inner = _Calls(self.functions)
        inner.steps, inner.again = self.steps, 1
        inner.block(function.body, names | parameters(function, node, names), depth + 1)
        self.steps = inner.steps
        self.found += [replace(each, line=node.lineno) for each in inner.found]


def _gives_sql(node: ast.Call, names: Names) -> bool:
    values = [evaluate(each, names) for each in (*node.args, *(each.value for each in node.keywords))]
    return any(isinstance(each, str) and suspicious(each) for each in values)


def _elsewhere(node: ast.expr | None, names: Names) -> bool:
    """Whether an expression is a connection to another database or something got from one: its loss is none of ours."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Await)):
        made = node.func if isinstance(node, ast.Call) else None
        if isinstance(made, ast.Attribute) and made.attr == "connect" and isinstance(made.value, ast.Name):
            return made.value.id in _OTHER_DATABASES
        if isinstance(node, ast.Attribute) and names.get(f".{node.attr}") is _ELSEWHERE:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return isinstance(node, ast.Name) and names.get(node.id) is _ELSEWHERE


def _kept(tree: ast.Module) -> Names:
    """Attributes (``.name``) that hold nothing but connections to another database."""
    kept: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for each in node.targets:
                if isinstance(each, ast.Attribute):
                    only = _elsewhere(node.value, {}) or getattr(node.value, "value", 0) is None
                    kept[each.attr] = kept.get(each.attr, True) and only
    return {f".{name}": _ELSEWHERE for name, only in kept.items() if only}


def _call(node: ast.Call, names: Names) -> Iterator[Operation]:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if operation := _ALWAYS.get(method):
        yield _made(node, operation, _owner(node) if operation == "delete" else "")
    elif method == "drop_database" and isinstance(node.func, ast.Name):  # SQLAlchemy-Utils'
        yield _made(node, "drop_database", "")
    elif method == "drop" and isinstance(node.func, ast.Attribute) and _owner(node).endswith("__table__"):
        yield _made(node, "drop_table", _owner(node).removesuffix(".__table__"))
    elif method == "delete" and argument(node, 99, "force", names) is True and _owner(node)[:1].isupper():
        yield _made(node, "delete", _owner(node), False)  # Piccolo's
    elif method == "delete" and (row := _row(node, names)):
        yield _made(node, "delete", row.rows.model, bool(_FILTERS.search(row.rows.chain)))
    elif method in ("delete", "_raw_delete", "update") and isinstance(node.func, ast.Attribute):
        yield from _of_rows(node, node.func.value, method, names)
    elif method == "execute" and not node.args and not node.keywords and isinstance(node.func, ast.Attribute):
        yield from _of_peewee(node, node.func.value)
    elif method in _WRITERS and _replaces(node, method, names):
        yield _made(node, "drop_table", _written(node, names))
    elif method in ("run", "resource", "source") and argument(node, 99, "write_disposition", names) == "replace":
        told = argument(node, 99, "table_name", names) or argument(node, 99, "name", names)  # dlt's
        yield _made(node, "drop_table", told if isinstance(told, str) else "")
    elif method == "todb" and len(node.args) > 1 and isinstance(told := evaluate(node.args[-1], names), str):
        yield _made(node, "truncate", told)  # petl's, which empties the table first
    elif method == "call_command" and node.args and evaluate(node.args[0], names) in _COMMANDS:
        yield _made(node, "truncate", "")
    elif method in _RUNS and (node.args or node.keywords):
        yield from _executed(node, method, names)
    else:  # operators of workflows and the like are given their SQL by name
        for each in node.keywords:
            if each.arg in _SQL_ARGUMENTS:
                yield from text_operations(each.value, names)


def _row(node: ast.Call, names: Names) -> _Row | None:
    """The row of a loop that ``row.delete()`` or ``session.delete(row)`` removes."""
    for each in (getattr(node.func, "value", None), *node.args[:1]):
        held = names.get(each.id) if isinstance(each, ast.Name) else None
        if isinstance(held, _Row):
            return held
    return None


_SQL_ARGUMENTS = frozenset(("sql", "query", "statement", "pre_hook", "post_hook"))
# A frame's way into a table, and the argument by which the table is dropped and made anew.
_WRITERS = {"to_sql": "if_exists", "to_postgis": "if_exists", "write_database": "if_table_exists"}


def _replaces(node: ast.Call, method: str, names: Names) -> bool:
    """Whether a writer is told to replace the table; that of awswrangler calls it a mode."""
    if argument(node, 99, _WRITERS[method], names) == "replace":
        return True
    return "postgresql" in _owner(node) and argument(node, 99, "mode", names) == "overwrite"


def _written(node: ast.Call, names: Names) -> str:
    name, schema = argument(node, 0, "name", names), argument(node, 99, "schema", names)
    for keyword in ("table_name", "table"):
        if name is None:
            name = argument(node, 99, keyword, names)
    return ".".join(each for each in (schema, name) if isinstance(each, str)).replace(PLACEHOLDER, "{…}")


def _owner(node: ast.Call) -> str:
    return ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _chain(node: ast.expr, names: Names) -> str:
    """The expression as text, a query that its first name holds written out."""
    first: ast.expr = node
    while isinstance(first, (ast.Call, ast.Attribute)):
        first = first.func if isinstance(first, ast.Call) else first.value
    held = names.get(first.id) if isinstance(first, ast.Name) else None
    text = ast.unparse(node) + "."
    return held.chain + text[len(ast.unparse(first)) + 1 :] if isinstance(held, _Rows) else text


def _rows(node: ast.expr | None, names: Names) -> _Rows | None:
    """The query that an assigned expression makes; None for anything else."""
    if isinstance(node, ast.Await):
        node = node.value
    if not isinstance(node, (ast.Call, ast.Attribute, ast.Name)):
        return None
    chain = _chain(node, names)[:_TEXT_LIMIT]
    return _Rows(chain, _model(node, chain, names)) if _ROWS.search(chain) else None


def _of_rows(node: ast.Call, owner: ast.expr, method: str, names: Names) -> Iterator[Operation]:
    """``delete()`` and ``update(…)`` of what a query of Django, SQLAlchemy or Tortoise selects."""
    chain = _chain(owner, names)
    bounded = bool(_FILTERS.search(chain))
    if method == "update":
        hides = marks_deleted(node, names)
        if _ROWS.search(chain) and ((hides and not ONE_ROW.search(chain)) or not bounded):
            yield replace(_update(node, _model(owner, chain, names), bounded, hides), changes=set_columns(node))
    elif _QUERY.search(chain) and not _STORE.search(chain):
        yield _made(node, "delete", _model(owner, chain, names), bounded)


def _update(node: ast.Call, object_: str, bounded: bool | None, hides: bool) -> Operation:
    made = _made(node, "update", object_, bounded)
    made.loses = "visibility" if hides else "" if bounded else "values"
    return made


def _of_peewee(node: ast.Call, owner: ast.expr) -> Iterator[Operation]:
    """``Model.delete().where(…).execute()``."""
    chain = ast.unparse(owner)
    if found := re.match(r"(?:\w+\.)*?([A-Z]\w*)\.delete\(\)", chain):
        yield _made(node, "delete", found[1], ".where(" in chain)


def _model(node: ast.expr, chain: str, names: Names) -> str:
    inner: ast.expr | None = node
    while isinstance(inner, (ast.Call, ast.Attribute)):
        if isinstance(inner, ast.Call) and isinstance(known := evaluate(inner, names), Named):
            return ".".join(known.parts)
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    held = names.get(inner.id) if isinstance(inner, ast.Name) else None
    if isinstance(held, _Rows):
        return held.model
    found = re.search(r"\bquery\((\w+)\)", chain) or _ROOT.match(chain)
    if found is None or not found[1][:1].isupper():
        return found[1] if found and re.search(r"\bquery\(|\.(?:objects|query)\b", chain) else ""
    known = names.get(found[1])
    return ".".join(known.parts) if isinstance(known, Named) else found[1]


def _made(node: ast.Call, operation: str, object_: str, bounded: bool | None = None) -> Operation:
    shown = ast.unparse(node)[:_TEXT_LIMIT]
    return Operation(node.lineno, "", operation, object_, bounded, text=shown, how="python")


def _executed(node: ast.Call, method: str, names: Names) -> Iterator[Operation]:
    given = node.args[0] if node.args else node.keywords[0].value
    value = evaluate(given, names)
    if isinstance(value, (Dml, Named)):
        if isinstance(value, Dml) and value.operation != "insert":
            if value.operation == "update":
                hides = value.hides and not ONE_ROW.search(ast.unparse(given))
                yield _update(node, ".".join(value.parts), value.bounded, hides)
            else:
                yield _made(node, value.operation, ".".join(value.parts), value.bounded)
        return
    if isinstance(value, Unknown) and _deletes(given):
        yield _made(node, "delete", "", ".where(" in ast.unparse(given))
        return
    if method not in _SHELLS:  # command lines are read by parse.commands
        yield from text_operations(given, names)


def text_operations(given: ast.expr, names: Names) -> Iterator[Operation]:
    """What SQL that an expression holds would do."""
    value = evaluate(given, names)
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and (suspicious(each) or MAKES.match(each)):
            yield from _of_text(given, each)


def _of_text(given: ast.expr, value: str) -> Iterator[Operation]:
    spans = (given.end_lineno or given.lineno) - given.lineno == value.count("\n")
    for each in effects(value):
        line = given.lineno + each.line - 1 if spans else given.lineno
        if PLACEHOLDER in each.object or sure(each):
            made = Operation.of(each, "", line)
            made.object, made.text = (told.replace(PLACEHOLDER, "{…}") for told in (made.object, made.text))
            yield made


def _deletes(node: ast.expr) -> bool:
    """Whether what is executed is ``table.delete()`` of a table that only running would tell."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "delete" and not node.args and not node.keywords:
            return True
        node = node.func.value
    return False


def sure(effect: Effect) -> bool:
    """Whether a text that may be no SQL at all is one: what is read by words only must name an object."""
    return effect.how == "parsed" or (bool(effect.object) and effect.operation in OPERATIONS)
