"""Python expressions as values, without running anything: literals, names bound to them, and text made from both.

What cannot be told stays in the text as a placeholder, so that the rest of it can still be read.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from triage_kit.sql import hides_rows

PLACEHOLDER = "__unresolved__"


class Unknown:
    """A value that only running the code would tell."""


UNKNOWN = Unknown()


@dataclass(frozen=True)
class Named:
    """A table or an enum type that the code builds: kind is table or type."""

    kind: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Dml:
    """A DELETE, UPDATE or INSERT built with SQLAlchemy's functions.

    hides: whether its values() mark rows as deleted. changes: the columns that they set.
    """

    operation: str
    parts: tuple[str, ...]
    bounded: bool | None
    hides: bool = False
    changes: tuple[str, ...] = ()


Names = dict[str, Any]
# A migration is foreign text: it may not make ours grow without end.
_MOST_TEXT = 1 << 20
_WIDE = re.compile(r"%[^a-zA-Z%]*\d{3}|\{[^{}]*[:.!\[]")
_SAME = frozenset(("text", "DDL", "SQL", "f", "literal_column", "literal", "str"))
_METHODS: dict[str, Callable[..., Any]] = {
    "strip": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "lstrip": str.lstrip,
    "rstrip": str.rstrip,
    "splitlines": str.splitlines,
    "split": str.split,
}


def evaluate(node: ast.expr | None, names: Names) -> Any:
    """The value of an expression: a Python value, a Named, a Dml, or UNKNOWN; text may hold PLACEHOLDER.

    >>> tree = ast.parse("f'DROP TABLE {schema}.{table}'", mode="eval").body
    >>> evaluate(tree, {"schema": "m"})
    'DROP TABLE m.__unresolved__'
    """
    handler = _HANDLERS.get(type(node))
    value = handler(node, names) if handler else UNKNOWN
    return UNKNOWN if isinstance(value, (str, list)) and len(value) > _MOST_TEXT else value


def argument(call: ast.Call, position: int, keyword: str, names: Names) -> Any:
    """The value of an argument by place or by name; None when it is not given."""
    for each in call.keywords:
        if each.arg == keyword:
            return evaluate(each.value, names)
    if position < len(call.args):
        return evaluate(call.args[position], names)
    return None


def as_text(value: Any) -> str:
    """The value as part of a text; what is unknown as the placeholder."""
    return PLACEHOLDER if isinstance(value, (Unknown, Named, Dml)) else str(value)


def _joined(node: ast.JoinedStr, names: Names) -> str:
    return "".join(as_text(evaluate(part, names)) for part in node.values)


def _formatted(node: ast.FormattedValue, names: Names) -> Any:
    return evaluate(node.value, names) if node.format_spec is None else UNKNOWN


def _sequence(node: ast.List | ast.Tuple | ast.Set, names: Names) -> Any:
    return [evaluate(each, names) for each in node.elts]


def _mapping(node: ast.Dict, names: Names) -> Any:
    keys = [evaluate(key, names) for key in node.keys]
    if any(not isinstance(key, (str, int)) for key in keys):
        return UNKNOWN
    return dict(zip(keys, (evaluate(value, names) for value in node.values), strict=True))


def _binary(node: ast.BinOp, names: Names) -> Any:
    left, right = evaluate(node.left, names), evaluate(node.right, names)
    if isinstance(node.op, ast.Add):
        if isinstance(left, list) and isinstance(right, list):
            return left + right
        if isinstance(left, str) or isinstance(right, str):
            return as_text(left) + as_text(right)
    if isinstance(node.op, ast.Mod) and isinstance(left, str):
        return _percent(left, right)
    return UNKNOWN


def _percent(pattern: str, value: Any) -> Any:
    if _WIDE.search(pattern):
        return UNKNOWN
    if isinstance(value, dict):
        filled: Any = {key: as_text(each) for key, each in value.items()}
    else:
        filled = tuple(map(as_text, value)) if isinstance(value, list) else (as_text(value),)
    try:
        return pattern.replace("%d", "%s") % filled
    except (TypeError, ValueError, KeyError):
        return UNKNOWN


def _subscript(node: ast.Subscript, names: Names) -> Any:
    base, key = evaluate(node.value, names), evaluate(node.slice, names)
    try:
        return base[key] if isinstance(base, dict) or (isinstance(base, list) and isinstance(key, int)) else UNKNOWN
    except (LookupError, TypeError):
        return UNKNOWN


def _call(node: ast.Call, names: Names) -> Any:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in _SAME and node.args:
        return evaluate(node.args[0], names)
    if name == "Identifier" and node.args:  # psycopg's: one name in its quotes, or a name with its schema
        return ".".join(f'"{as_text(evaluate(each, names))}"' for each in node.args)
    if name == "dedent" and node.args:
        inner = evaluate(node.args[0], names)
        return textwrap.dedent(inner) if isinstance(inner, str) else inner
    if name in ("table", "Table"):
        return _named_object("table", evaluate(node.args[0], names) if node.args else UNKNOWN, node, names)
    if name.lower() == "enum":
        return _named_object("type", argument(node, 99, "name", names), node, names)
    if name == "get_model":  # Django's registry: apps.get_model("app", "Model")
        return _model([evaluate(each, names) for each in node.args])
    if name in ("delete", "update", "insert") and (made := _dml(name, node, names)):
        return made
    if isinstance(node.func, ast.Attribute):
        return _method(name, node, evaluate(node.func.value, names), names)
    return UNKNOWN


def _named_object(kind: str, name: Any, node: ast.Call, names: Names) -> Any:
    if not isinstance(name, str):
        return UNKNOWN
    schema = argument(node, 99, "schema", names)
    return Named(kind, (schema, name) if isinstance(schema, str) else (name,))


def _model(given: list[Any]) -> Any:
    written = [part for each in given if isinstance(each, str) for part in each.split(".")]
    return Named("table", ("_".join(written).lower(),)) if len(written) == 2 else UNKNOWN


def _attribute(node: ast.Attribute, names: Names) -> Any:
    """The table behind a mapped class, or what all classes of the file give this attribute; else unknown."""
    if isinstance(node.value, ast.Name) and f".{node.attr}" in names:
        return names[f".{node.attr}"]
    owner = model_name(node.value) if node.attr == "__table__" else ""
    return Named("table", (owner,)) if owner else UNKNOWN


def model_name(node: ast.expr) -> str:
    """The class that an expression names, with its module or without; empty for anything else.

    >>> [model_name(ast.parse(text, mode="eval").body) for text in ("models.User", "user", "User()")]
    ['User', '', '']
    """
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name if name[:1].isupper() and not name.isupper() else ""


def marks_deleted(node: ast.Call, names: Names) -> bool:
    """Whether the values that a call sets mark rows as deleted, given by name or as one dictionary."""
    given = {each.arg: evaluate(each.value, names) for each in node.keywords if each.arg}
    plain = evaluate(node.args[0], names) if node.args else None
    given |= plain if isinstance(plain, dict) else {}
    return any(
        isinstance(column, str) and hides_rows(column, value is None, value if isinstance(value, bool) else None)
        for column, value in given.items()
    )


def set_columns(node: ast.Call) -> tuple[str, ...]:
    """The columns that a call sets, given by name or as one dictionary; empty where one of them cannot be told.

    >>> [set_columns(ast.parse(text, mode="eval").body) for text in ("f(a=1, b=2)", "f({A.c: 1, 'd': 2})", "f(**x)")]
    [('a', 'b'), ('c', 'd'), ()]
    """
    given: list[ast.expr | str | None] = [each.arg for each in node.keywords]
    if node.args:
        given += node.args[0].keys if isinstance(node.args[0], ast.Dict) else [None]
    told = [_column_named(each) for each in given]
    return tuple(told) if all(told) else ()


def _column_named(key: ast.expr | str | None) -> str:
    if isinstance(key, ast.Constant):
        key = key.value if isinstance(key.value, str) else None
    return key if isinstance(key, str) else getattr(key, "attr", "")


_SQLALCHEMY = frozenset(("sa", "sqlalchemy", "sqlmodel", "sql", "expression", "postgresql", "pg"))


def _dml(name: str, node: ast.Call, names: Names) -> Dml | None:
    target = evaluate(node.args[0], names) if node.args else UNKNOWN
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if not isinstance(target, Named) and owner is not None:
        target = evaluate(owner, names)
    if not isinstance(target, Named) and node.args and (owner is None or getattr(owner, "id", "") in _SQLALCHEMY):
        mapped = model_name(node.args[0])
        target = Named("table", (mapped,)) if mapped else UNKNOWN
    if not isinstance(target, Named) or target.kind != "table":
        return None
    return Dml(name, target.parts, None if name == "insert" else False)


def _method(name: str, node: ast.Call, base: Any, names: Names) -> Any:
    if isinstance(base, Dml):  # .where(…).values(…).returning(…)
        if name == "values":
            hides = base.hides or marks_deleted(node, names)
            return replace(base, hides=hides, changes=(*base.changes, *set_columns(node)))
        return replace(base, bounded=True) if name in ("where", "filter") else base
    if isinstance(base, dict) and name in ("items", "keys", "values"):
        return [list(each) for each in base.items()] if name == "items" else list(getattr(base, name)())
    if not isinstance(base, str):
        return UNKNOWN
    if name == "format":
        return _format(base, node, names)
    if name == "join" and node.args:
        parts = evaluate(node.args[0], names)
        return base.join(map(as_text, parts)) if isinstance(parts, list) else UNKNOWN
    if name in _METHODS and not node.keywords:
        given = [evaluate(each, names) for each in node.args]
        return _METHODS[name](base, *given) if all(isinstance(each, str) for each in given) else UNKNOWN
    return base if name in ("bindparams", "execution_options", "columns") else UNKNOWN


def _format(base: str, node: ast.Call, names: Names) -> Any:
    if _WIDE.search(base):  # widths, and fields that reach into a value
        return UNKNOWN
    positional = [as_text(evaluate(each, names)) for each in node.args]
    keywords = {each.arg: as_text(evaluate(each.value, names)) for each in node.keywords if each.arg}
    try:
        return base.format(*positional, **keywords)
    except (LookupError, ValueError, AttributeError):
        return UNKNOWN


_HANDLERS: dict[type, Callable[..., Any]] = {
    ast.Constant: lambda node, names: node.value,
    ast.Name: lambda node, names: names.get(node.id, UNKNOWN),
    ast.JoinedStr: _joined,
    ast.FormattedValue: _formatted,
    ast.List: _sequence,
    ast.Tuple: _sequence,
    ast.Set: _sequence,
    ast.Dict: _mapping,
    ast.BinOp: _binary,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
    ast.Call: _call,
}
