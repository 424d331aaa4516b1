"""Rows that an INSERT writes out, value by value, so that they can be written again elsewhere.

A value that a function, a query or the session makes would be another one the second time: such a statement gives
nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

DEFAULT = object()  # the word DEFAULT in the place of a value
_PARAMETER = re.compile(r"\$(\d+) = (?:(NULL)|'((?:[^']|'')*)')")
_MOST_TEXT = 200_000


@dataclass(frozen=True)
class Inserted:
    """A table's name in its parts, the columns as they are listed (none where they are not), and the rows."""

    table: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def inserted(text: str, parameters: str | None = None) -> Inserted | None:
    """The rows that one statement writes out: texts, None for NULL, or DEFAULT; None for any other statement.

    parameters are the bound values as the log's DETAIL has them.

    >>> inserted("INSERT INTO s.a (b, c) VALUES (1, 'x'), (-2.5, NULL)").rows
    (('1', 'x'), ('-2.5', None))
    >>> inserted("INSERT INTO a VALUES ($1, true)", "$1 = 'it''s'").rows
    (("it's", 'true'),)
    >>> inserted("INSERT INTO a VALUES (now())") or inserted("INSERT INTO a VALUES ($1)")
    """
    if len(text) > _MOST_TEXT:
        return None
    try:
        from postgast import parse
        from postgast import pg_query_pb2 as pg
    except ImportError:  # no wheel for Intel Macs
        return None
    try:
        [statement] = parse(text.replace("\x00", "")).stmts
    except Exception:  # noqa: BLE001 the parser raises errors of several libraries, and whatever it refuses is no INSERT
        return None
    node = statement.stmt.insert_stmt
    if statement.stmt.WhichOneof("node") != "insert_stmt" or node.HasField("with_clause"):
        return None
    source = node.select_stmt.select_stmt
    if not source.values_lists or node.HasField("on_conflict_clause") or source.HasField("with_clause"):
        return None
    given = {int(number): None if null else value.replace("''", "'")
             for number, null, value in _PARAMETER.findall(parameters or "")}  # fmt: skip
    try:
        rows = tuple(tuple(_value(each, given, pg) for each in one.list.items) for one in source.values_lists)
    except LookupError:
        return None
    relation = node.relation
    table = tuple(part for part in (relation.schemaname, relation.relname) if part)
    if any(each.res_target.indirection for each in node.cols):
        return None
    return Inserted(table, tuple(each.res_target.name for each in node.cols), rows)


# Words that a time's input takes for the moment of the statement.
_MOMENTS = frozenset(("now", "today", "tomorrow", "yesterday"))


def _value(node: Any, given: dict[int, str | None], pg: Any) -> Any:
    """One value; raises LookupError for what is made when the statement runs."""
    kind = node.WhichOneof("node")
    if kind == "type_cast" and not node.type_cast.type_name.typmods:
        value = _value(node.type_cast.arg, given, pg)
        if isinstance(value, str) and value.strip().lower() in _MOMENTS:
            raise LookupError(value)
        return value
    if kind == "set_to_default":
        return DEFAULT
    if kind == "param_ref":
        return given[node.param_ref.number]
    if kind == "a_expr" and node.a_expr.kind == pg.AEXPR_OP and not node.a_expr.HasField("lexpr"):
        value = _value(node.a_expr.rexpr, given, pg)
        if node.a_expr.name[-1].string.sval == "-" and isinstance(value, str) and value[:1].isdigit():
            return f"-{value}"
    if kind == "a_const":
        return _constant(node.a_const)
    raise LookupError(kind)


def _constant(node: Any) -> str | None:
    kind = node.WhichOneof("val")
    if node.isnull or (kind is None):
        return None
    value = getattr(getattr(node, kind), kind)
    if kind == "boolval":
        return "true" if value else "false"
    if kind == "bsval":  # B'101' and X'1F', which keep their letter in front
        raise LookupError(kind)
    return str(value)
