"""What Python code does in a transaction that always ends as if it had not been: nothing of it stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from triage_kit.parse.migration import Operation
from triage_kit.parse.temporary import around, spans


def without_rolled_back(found: Iterable[Operation], tree: ast.Module) -> Iterator[Operation]:
    """The operations but those inside psycopg's ``transaction(force_rollback=True)``, or one that ends in ``Rollback``.

    >>> text = "with c.transaction(force_rollback=True):\\n    c.execute('DELETE FROM a')\\nc.execute('DELETE FROM b')"
    >>> steps = [Operation(line, "", "delete", "a") for line in (2, 3)]
    >>> [each.line for each in without_rolled_back(steps, ast.parse(text))]
    [3]
    """
    functions = spans(tree)
    commits = [each.lineno for each in ast.walk(tree) if isinstance(each, ast.Attribute) and each.attr == "commit"]
    committed = {around(line, functions) for line in commits}
    blocks = [each for each in ast.walk(tree) if isinstance(each, (ast.With, ast.AsyncWith)) and _rolled_back(each)]
    undone = [
        (each.lineno, each.end_lineno or each.lineno)
        for each in blocks
        if around(each.lineno, functions) not in committed  # what it has to do with the block is not followed
    ]
    if not commits:
        undone += _taken_back(tree)
    return (each for each in found if not any(first <= each.line <= last for first, last in undone))


def _rolled_back(node: ast.With | ast.AsyncWith) -> bool:
    """Whether a block is such a transaction; one that connects or commits itself may reach further."""
    calls = [each.context_expr for each in node.items if isinstance(each.context_expr, ast.Call)]
    made = [each for each in calls if isinstance(each.func, ast.Attribute) and each.func.attr == "transaction"]
    forced = any(
        each.arg == "force_rollback" and isinstance(each.value, ast.Constant) and each.value.value is True
        for call in made
        for each in call.keywords
    )
    raised = node.body[-1].exc if made and isinstance(node.body[-1], ast.Raise) else None
    name = raised.func if isinstance(raised, ast.Call) else raised
    ends = "Rollback" in (getattr(name, "attr", ""), getattr(name, "id", ""))
    inside = (each.attr for part in node.body for each in ast.walk(part) if isinstance(each, ast.Attribute))
    return (forced or ends) and not {"connect", "connection", "commit"}.intersection(inside)


_MAKES = re.compile(r"autocommit|AUTOCOMMIT|\bbegin\(|\.atomic\(")


def _taken_back(tree: ast.Module) -> list[tuple[int, int]]:
    """Lines of the file's or a function's own statements before its last one that is ``connection.rollback()``."""
    if _MAKES.search(ast.unparse(tree)) or any(map(_connected, ast.walk(tree))):
        return []
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        ends = [each for each in node.body if isinstance(each, ast.Expr) and _calls_back(each.value)]
        if ends:
            found.append((node.body[0].lineno, ends[-1].lineno))
    return found


def _connected(node: ast.AST) -> bool:
    """Whether a block ends a connection's transaction by itself."""
    if not isinstance(node, (ast.With, ast.AsyncWith)):
        return False
    return any("conn" in ast.unparse(each.context_expr) for each in node.items)


def _calls_back(node: ast.expr) -> bool:
    node = node.value if isinstance(node, ast.Await) else node
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "rollback"
