"""Temporary tables that one function of a Python file makes in one statement and empties or drops in a later one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from triage_kit.parse.migration import Operation

_MAKES = re.compile(
    r"(?i)\b(?:create\s+(?:local\s+|global\s+)?temp(?:orary)?\s+table|into\s+temp(?:orary)?(?:\s+table)?)\s+"
    r"(?:if\s+not\s+exists\s+)?\"?(?P<name>[a-z_]\w*)\"?(?!\s*\.)"
)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Span = tuple[int, int]


def without_temporary(found: Iterable[Operation], tree: ast.Module) -> Iterator[Operation]:
    """The operations without those on a temporary table that their own function has made before.

    >>> text = "def f(c):\\n    c.execute('CREATE TEMP TABLE t (i int)')\\n    c.execute('DROP TABLE t')"
    >>> dropped = Operation(3, "", "drop_table", "t")
    >>> list(without_temporary([dropped], ast.parse(text))), len(list(without_temporary([dropped], ast.parse(""))))
    ([], 1)
    """
    functions = spans(tree)
    made = [(name.lower(), line, around(line, functions)) for name, line in _made(tree)]
    for each in found:
        table = each.object.split(".")[0] if each.operation == "drop_column" else each.object
        within = around(each.line, functions)
        if not any(table == name and line <= each.line and within == span for name, line, span in made):
            yield each


def without_scratch(found: Iterable[Operation], text: str) -> list[Operation]:
    """The operations of code in any language without those on a temporary table that the text makes further up.

    >>> text = 'run("CREATE TEMP TABLE t (i int)")\\nrun("DROP TABLE t")'
    >>> without_scratch([Operation(2, "", "drop_table", "t")], text)
    []
    """
    found = list(found)
    made: dict[str, int] = {}
    for each in _MAKES.finditer(text) if found and "temp" in text.lower() else ():
        made.setdefault(each["name"].lower(), text.count("\n", 0, each.start()) + 1)
    return [each for each in found if not (each.object in made and made[each.object] <= each.line)]


def _made(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names of the temporary tables in what calls are given, and the lines of the texts."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        for node in (each for argument in call.args for each in ast.walk(argument)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from ((each["name"], node.lineno) for each in _MAKES.finditer(node.value))


def spans(tree: ast.Module) -> list[Span]:
    """The first and last line of each function of a file."""
    return [(each.lineno, each.end_lineno or each.lineno) for each in ast.walk(tree) if isinstance(each, Function)]


def around(line: int, functions: list[Span]) -> Span:
    """The innermost function that a line stands in; of a line in none the file."""
    return max((each for each in functions if each[0] <= line <= each[1]), default=(0, 0))
