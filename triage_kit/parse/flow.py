"""Python code followed statement by statement without running it: which names hold which values at each call.

Followed are assignments of what ``parse.literals`` can tell, and loops over literal lists; a branch counts as taken.
Whoever reads calls derives from ``Flow`` and says what a call means and which bodies to enter.
"""

from __future__ import annotations

import ast
from typing import Any

from triage_kit.parse.literals import UNKNOWN, Names, evaluate

_MOST_ROUNDS = 200
_MOST_STEPS = 10_000
_STEP_TEXT = 500  # characters that cost as much as a statement
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class EnoughError(Exception):
    """Loops over loops: what follows is not read, but the reading ends."""


def constants(tree: ast.Module) -> Names:
    """What the names of a module hold after its own assignments.

    >>> constants(ast.parse("a, b = 1, 'x'\\nc = b + 'y'"))
    {'a': 1, 'b': 'x', 'c': 'xy'}
    """
    names: Names = {}
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            value = evaluate(node.value, names)
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                bind_target(target, value, names)
    return names | _of_classes(tree, names)


def _of_classes(tree: ast.Module, names: Names) -> Names:
    """Texts that the classes of a module give their attributes (``.name``), each name one alone."""
    given: dict[str, set[str]] = {}
    for node in tree.body:
        for each in node.body if isinstance(node, ast.ClassDef) else ():
            target = each.targets[0] if isinstance(each, ast.Assign) else getattr(each, "target", None)
            if isinstance(target, ast.Name) and isinstance(each, (ast.Assign, ast.AnnAssign)):
                value = evaluate(each.value, names)
                given.setdefault(f".{target.id}", set()).add(value if isinstance(value, str) else "")
    return {name: values.pop() for name, values in given.items() if len(values) == 1 and values != {""}}


def bind_target(target: ast.expr, value: Any, names: Names) -> None:
    """Give the names of an assignment's left side their values; those that cannot be told are UNKNOWN."""
    if isinstance(target, ast.Name):
        names[target.id] = value
    elif isinstance(target, ast.Starred):
        bind_target(target.value, UNKNOWN, names)
    elif isinstance(target, (ast.Tuple, ast.List)):
        values = value if isinstance(value, list) and len(value) == len(target.elts) else [UNKNOWN] * len(target.elts)
        for each, part in zip(target.elts, values, strict=True):
            bind_target(each, part, names)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call | None, names: Names) -> Names:
    """What the parameters of a function hold when a call gives them; all are UNKNOWN without one."""
    listed = function.args
    positional = [each.arg for each in (*listed.posonlyargs, *listed.args)]
    others = [*listed.kwonlyargs, *filter(None, (listed.vararg, listed.kwarg))]
    bound: Names = dict.fromkeys([*positional, *(each.arg for each in others)], UNKNOWN)
    if call is None:
        return bound
    bound |= dict(zip(positional, (evaluate(each, names) for each in call.args), strict=False))
    return bound | {each.arg: evaluate(each.value, names) for each in call.keywords if each.arg}


class Flow:
    """Walks over blocks of statements; ``steps`` is how many were read, and EnoughError ends it."""

    def __init__(self) -> None:
        self.steps = 0
        self.again = 0  # how many loops and calls deep the same lines are read once more

    def spend(self, value: Any = None) -> Any:
        """Count a step, and a long text as the steps that reading it costs; returns the value."""
        self.steps += 1 + (len(value) // _STEP_TEXT if isinstance(value, str) else 0)
        if self.steps > _MOST_STEPS:
            raise EnoughError
        return value

    def call(self, node: ast.Call, names: Names, depth: int) -> None:
        """What a reader does at a call; its arguments were visited before."""

    def assigned(self, value: ast.expr | None, names: Names) -> Any:
        """What an assignment binds."""
        return evaluate(value, names)

    def item(self, value: Any, source: ast.expr, names: Names) -> Any:
        """What a loop binds in a round."""
        return value

    def definition(self, node: Definition, names: Names, depth: int) -> None:
        """What a reader does at a function or a class; it is passed over where nothing is said."""

    def entered(self, node: ast.With | ast.AsyncWith, names: Names) -> None:
        """What ``with`` binds: unknown, where a reader does not know better."""
        for item in node.items:
            if item.optional_vars is not None:
                bind_target(item.optional_vars, UNKNOWN, names)

    def block(self, body: list[ast.stmt], names: Names, depth: int = 0) -> None:
        """Read the statements in their order; names changes as they bind."""
        for node in body:
            self.spend()
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.definition(node, names, depth)
            elif isinstance(node, (ast.For, ast.AsyncFor)):
                self._loop(node, names, depth)
            else:
                self._statement(node, names, depth)

    def _statement(self, node: ast.stmt, names: Names, depth: int) -> None:
        self.expressions(node, names, depth)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            value = self.spend(self.assigned(node.value, names))
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                bind_target(target, value, names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            before = ast.Name(node.target.id, ast.Load())
            names[node.target.id] = self.spend(evaluate(ast.BinOp(before, node.op, node.value), names))
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            self.entered(node, names)
        for part in ("body", "orelse", "finalbody"):
            self.block(getattr(node, part, []), names, depth)
        for handler in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            self.block(handler.body, names, depth)

    def _loop(self, node: ast.For | ast.AsyncFor, names: Names, depth: int) -> None:
        self.expression(node.iter, names, depth)
        self.again += 1
        for value in _rounds(node.iter, names):
            bind_target(node.target, self.item(value, node.iter, names), names)
            self.block(node.body, names, depth)
        self.again -= 1
        self.block(node.orelse, names, depth)

    def expressions(self, node: ast.AST, names: Names, depth: int) -> None:
        """Visit the calls in a node's own expressions, not those in its blocks."""
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.stmt):
                self.expression(child, names, depth)

    def expression(self, node: ast.AST, names: Names, depth: int) -> None:
        """Visit the calls in an expression, the inner ones first."""
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)) and len(node.generators) == 1:
            self._comprehension(node, names, depth)
            return
        self.expressions(node, names, depth)
        if isinstance(node, ast.NamedExpr):
            bind_target(node.target, evaluate(node.value, names), names)
        elif isinstance(node, ast.Call):
            for each in (*node.args, *(each.value for each in node.keywords)) if self.again else ():
                self.spend(evaluate(each, names))
            self.call(node, names, depth)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, names: Names, depth: int) -> None:
        [source] = node.generators
        self.expression(source.iter, names, depth)
        self.again += 1
        for value in _rounds(source.iter, names):
            self.spend()
            inner = dict(names)
            bind_target(source.target, value, inner)
            for each in (*source.ifs, node.elt):
                self.expression(each, inner, depth)
        self.again -= 1


def _rounds(node: ast.expr, names: Names) -> list[Any]:
    values = evaluate(node, names)
    if isinstance(values, dict):
        values = list(values)
    return values if isinstance(values, list) and len(values) <= _MOST_ROUNDS else [UNKNOWN]
