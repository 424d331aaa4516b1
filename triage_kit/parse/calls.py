"""Calls in Python code that reach a database: SQL in string literals, and the methods of ORMs that remove rows.

Nothing runs. Literals are followed as ``parse.literals`` does; text that is put together at run time is ``dynamic``
where a destructive word stands in it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from triage_kit.parse.literals import PLACEHOLDER, Dml, Named, Names, evaluate
from triage_kit.parse.migration import Operation
from triage_kit.sql import OPERATIONS, Effect, effects, suspicious

_TEXT_LIMIT = 4000
_RUNS = frozenset(
    [
        "execute",
        "executemany",
        "executescript",
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
}
_QUERY = re.compile(r"\.(?:objects|query|filter|filter_by|all|where|exclude)\b\s*(?:\(|\.)")
_FILTERS = re.compile(r"\.(?:filter|filter_by|where|exclude|get)\(")
_COMMANDS = frozenset(("flush", "sqlflush", "reset_db", "migrate_zero", "truncate", "clear_db"))


def python_calls(text: str) -> Iterator[Operation]:
    """Operations of a Python file's calls; raises SyntaxError, ValueError or RecursionError when it is no Python.

    >>> [(each.operation, each.object, each.line) for each in python_calls('c.execute("DELETE FROM a")')]
    [('delete', 'a', 1)]
    """
    tree = ast.parse(text.removeprefix("\ufeff"))
    yield from calls_in(tree, _constants(tree))


def calls_in(tree: ast.AST, names: Names) -> Iterator[Operation]:
    """Operations of the calls below a node, with the values of names that are known there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call(node, names)


def _constants(tree: ast.Module) -> Names:
    names: Names = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = evaluate(node.value, names)
    return names


def _call(node: ast.Call, names: Names) -> Iterator[Operation]:
    method = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if operation := _ALWAYS.get(method):
        yield _made(node, operation, _owner(node) if operation == "delete" else "")
    elif method == "drop" and isinstance(node.func, ast.Attribute) and _owner(node).endswith("__table__"):
        yield _made(node, "drop_table", _owner(node).removesuffix(".__table__"))
    elif method in ("delete", "_raw_delete") and isinstance(node.func, ast.Attribute):
        chain = ast.unparse(node.func.value) + "."
        if _QUERY.search(chain):
            yield _made(node, "delete", _model(chain, names), bool(_FILTERS.search(chain)))
    elif method == "call_command" and node.args and evaluate(node.args[0], names) in _COMMANDS:
        yield _made(node, "truncate", "")
    elif method in _RUNS and (node.args or node.keywords):
        yield from _executed(node, method, names)


def _owner(node: ast.Call) -> str:
    return ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _model(chain: str, names: Names) -> str:
    found = re.search(r"\bquery\((\w+)\)", chain) or re.match(r"(?:\w+\.)*?(\w+)\.(?:objects|query)\b", chain)
    if found is None:
        return ""
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
            yield _made(node, value.operation, ".".join(value.parts), value.bounded)
        return
    if isinstance(value, list) and method in _SHELLS:
        value = " ".join(each if isinstance(each, str) else PLACEHOLDER for each in value)
    if not isinstance(value, str) or not suspicious(value):
        return
    if method in _SHELLS:
        return  # command lines are read by parse.commands
    spans = (given.end_lineno or given.lineno) - given.lineno == value.count("\n")
    for each in effects(value):
        line = given.lineno + each.line - 1 if spans else given.lineno
        if PLACEHOLDER in each.object:
            shown = each.text.replace(PLACEHOLDER, "{…}")
            yield Operation(line, "", each.operation, each.object.replace(PLACEHOLDER, "{…}"), each.bounded,
                            each.cascade, shown, each.how)  # fmt: skip
        elif sure(each):
            yield Operation.of(each, "", line)


def sure(effect: Effect) -> bool:
    """Whether a text that may be no SQL at all is one: what is read by words only must name an object."""
    return effect.how == "parsed" or (bool(effect.object) and effect.operation in OPERATIONS)
