"""Migrations of Python tools whose steps are SQL of both ways: yoyo's ``step()`` and what aerich's functions return.

Read by their syntax tree, never run. https://ollycope.com/software/yoyo/latest/, https://github.com/tortoise/aerich
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from triage_kit.parse.calls import calls_in, text_operations
from triage_kit.parse.flow import Definition, constants
from triage_kit.parse.literals import Names
from triage_kit.parse.migration import Migration, Operation
from triage_kit.parse.syntax import tree_of

_YOYO = re.compile(r"(?m)^\s*(?:from\s+yoyo\s+import|import\s+yoyo)\b")
_AERICH = re.compile(r"(?m)^async\s+def\s+upgrade\(\s*db\b")
_WAYS = ("up", "down")


def is_python_sql(text: str) -> bool:
    """Whether a Python file looks like a migration of one of the tools, told without parsing it."""
    return _YOYO.search(text) is not None or _AERICH.search(text) is not None


def read_python_sql(text: str, path: str) -> Migration:
    """The migration in one file; raises SyntaxError or ValueError when the file is no Python.

    >>> found = read_python_sql("from yoyo import step\\nstep('DROP TABLE a', 'DROP TABLE b')", "0001.a.py")
    >>> [(each.direction, each.object) for each in found.operations]
    [('up', 'a'), ('down', 'b')]
    """
    yoyo = _YOYO.search(text) is not None
    name = PurePosixPath(path).stem
    title = re.sub(r"\A[\d_.]+", "", name).replace("_", " ").replace("-", " ")
    try:
        tree = tree_of(text)
        names = constants(tree)
        operations = list(_of_steps(tree, names) if yoyo else _of_functions(tree, names))
    except (RecursionError, MemoryError) as error:
        raise ValueError("the file nests too deep to be read") from error
    # aerich's table holds the name with its suffix.
    return Migration("yoyo" if yoyo else "aerich", name if yoyo else f"{name}.py", (), title or None, None, operations)


def _functions(tree: ast.Module) -> dict[str, Definition]:
    return {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def _of_steps(tree: ast.Module, names: Names) -> Iterator[Operation]:
    """What the first argument of each step does, and what the second, by which the step is taken back."""
    functions = _functions(tree)
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if not isinstance(node, ast.Call) or "step" not in (getattr(called, "id", ""), getattr(called, "attr", "")):
            continue
        named = {each.arg: each.value for each in node.keywords}
        for place, (direction, keyword) in enumerate(zip(_WAYS, ("apply", "rollback"), strict=True)):
            given = node.args[place] if place < len(node.args) else named.get(keyword)
            function = functions.get(given.id) if isinstance(given, ast.Name) else None
            if function is not None:
                found = calls_in(function.body, names)
            else:
                found = text_operations(given, names) if given is not None else iter(())
            yield from (replace(each, direction=direction) for each in found)


def _of_functions(tree: ast.Module, names: Names) -> Iterator[Operation]:
    """What the functions' own calls run, and the SQL that they return for aerich to run."""
    functions = _functions(tree)
    for direction in _WAYS:
        function = functions.get(f"{direction}grade")
        for node in ast.walk(function) if function is not None else ():
            if isinstance(node, ast.Return) and node.value is not None:
                yield from (replace(each, direction=direction) for each in text_operations(node.value, names))
        if function is not None:
            yield from (replace(each, direction=direction) for each in calls_in(function.body, names))
