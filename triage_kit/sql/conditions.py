"""Whether a WHERE limits anything: what a condition is worth when it does not depend on the rows."""

from __future__ import annotations

import re
from typing import Any

from postgast import pg_query_pb2 as pg

Node = Any
_TRUE = frozenset(("t", "true", "y", "yes", "on", "1"))
_STRICT = frozenset(("=", "<>", "!=", "<", ">", "<=", ">=", "~~", "~~*", "!~~", "!~~*"))
_NUMBERS = frozenset(("ival", "fval"))
_FALSE = frozenset(("f", "false", "n", "no", "off", "0"))
# What stands for a driver's, and names as functions give their parameters and variables lest they be taken for columns.
_PLACEHOLDER = re.compile(r"(?i)(?:__\w+__|_\w+|(?:p|v|l|in|arg|var|param)_\w+|\w+_(?:arg|param))\Z")
# A test for NULL on a key lets every row pass; on another column (deleted_at) it is a real limit.
KEY = re.compile(r"(?i)\A(?:id|pk|uuid|guid|oid|ctid|tableoid|xmin)\Z")
# What settings, articles and links are usually told apart by.
_NATURAL = re.compile(r"(?i)\A(?:key|slug|code|sku|token)\Z")
_LOCATION = re.compile(r"(?m)^\s*\w*location: -?\d+\n")


def limits(node: Node, target: tuple[str, ...] = ()) -> bool:
    """Whether the statement's WHERE can spare a row of ``target``; a missing one and one that is always true cannot."""
    return node.HasField("where_clause") and truth(node.where_clause, target) is not True


def never(node: Node, target: tuple[str, ...] = ()) -> bool:
    """Whether the statement's WHERE lets no row pass: it is false, or NULL, whatever the row."""
    if not node.HasField("where_clause"):
        return False
    return truth(node.where_clause, target) is False or _unknown(node.where_clause)


def one_row(node: Node, target: tuple[str, ...]) -> bool:
    """Whether the statement's WHERE compares a key with one value, so that it reaches one row at most.

    The value is written out, a parameter, or a driver's placeholder; another column may have any number of values.
    """
    return any(is_key(column, target) or _NATURAL.match(column) for column in fixed(node))


def fixed(node: Node) -> tuple[str, ...]:
    """The columns that every row which passes the statement's WHERE has one given value of."""
    if not node.HasField("where_clause"):
        return ()
    where = node.where_clause
    every = where.WhichOneof("node") == "bool_expr" and where.bool_expr.boolop == pg.AND_EXPR
    return tuple(column for each in (where.bool_expr.args if every else (where,)) if (column := _given(each)))


def _given(node: Node) -> str:
    """The column that a test compares with one value by ``=``, else nothing."""
    if node.WhichOneof("node") != "a_expr" or node.a_expr.kind != pg.AEXPR_OP:
        return ""
    test = node.a_expr
    if [each.string.sval for each in test.name] != ["="]:
        return ""
    sides = (test.lexpr, test.rexpr), (test.rexpr, test.lexpr)
    return next((column_of(key) for key, value in sides if column_of(key) and _one_value(value)), "")


def is_key(column: str, target: tuple[str, ...]) -> bool:
    """Whether a column is called as a key of one column is, alone or after its table.

    >>> is_key("id", ("a",)), is_key("order_id", ("orders",)), is_key("customer_id", ("orders",))
    (True, True, False)
    """
    table = target[-1].lower() if target else ""
    return bool(KEY.match(column)) or (
        bool(table) and column.lower() in (f"{table}_id", f"{table.removesuffix('s')}_id")
    )


def _one_value(node: Node) -> bool:
    while node.WhichOneof("node") == "type_cast":
        node = node.type_cast.arg
    if node.WhichOneof("node") == "a_const":
        return not node.a_const.isnull
    return node.WhichOneof("node") == "param_ref" or _of_trigger(node) or bool(_PLACEHOLDER.match(column_of(node)))


def _of_trigger(node: Node) -> bool:
    """Whether an expression is a column of the row that a trigger runs for."""
    fields = list(node.column_ref.fields) if node.WhichOneof("node") == "column_ref" else []
    return len(fields) == 2 and fields[0].string.sval in ("old", "new")


def _unknown(node: Node) -> bool:
    """Whether a condition is NULL or false for every row, because a bare NULL stands in it.

    ``= NULL`` and ``NOT IN (…, NULL)`` let no row pass, nor does anything that is joined to them by AND.
    """
    kind = node.WhichOneof("node")
    if kind == "a_const":
        return bool(node.a_const.isnull)
    if kind == "bool_expr":
        parts = [_unknown(each) or truth(each) is False for each in node.bool_expr.args]
        if node.bool_expr.boolop == pg.AND_EXPR:
            return any(parts)
        return all(parts) if node.bool_expr.boolop == pg.OR_EXPR else _null(node.bool_expr.args[0])
    return _null(node)


def _null(node: Node) -> bool:
    """Whether a comparison is NULL whatever the row: one of its operators that give NULL for NULL, beside a NULL."""
    if node.WhichOneof("node") != "a_expr":
        return False
    expression = node.a_expr
    sign = expression.name[-1].string.sval if expression.name else ""
    if expression.kind == pg.AEXPR_IN:
        return sign == "<>" and any(_bare_null(each) for each in expression.rexpr.list.items)
    if expression.kind not in (pg.AEXPR_OP, pg.AEXPR_LIKE, pg.AEXPR_ILIKE) or sign not in _STRICT:
        return False
    return _bare_null(expression.lexpr) or _bare_null(expression.rexpr)


def _bare_null(node: Node) -> bool:
    return node.WhichOneof("node") == "a_const" and bool(node.a_const.isnull)


def truth(node: Node, target: tuple[str, ...] = ()) -> bool | None:
    """True or False where a condition is that for every row, None where it depends on the row or cannot be told."""
    kind = node.WhichOneof("node")
    rule = _RULES.get(kind or "")
    return rule(getattr(node, kind), target) if rule else None


def _constant(node: Node, target: tuple[str, ...]) -> bool | None:
    return node.boolval.boolval if node.WhichOneof("val") == "boolval" else None


def _cast(node: Node, target: tuple[str, ...]) -> bool | None:
    if node.arg.WhichOneof("node") != "a_const":
        return truth(node.arg, target)
    names = {each.string.sval for each in node.type_name.names}
    written = _value(node.arg.a_const)[1].lower()
    if not names & {"bool", "boolean"}:
        return None
    return True if written in _TRUE else False if written in _FALSE else None


def _boolean(node: Node, target: tuple[str, ...]) -> bool | None:
    values = [truth(each, target) for each in node.args]
    if node.boolop == pg.NOT_EXPR:
        return None if values[0] is None else not values[0]
    decides = node.boolop == pg.OR_EXPR
    if decides in values:
        return decides
    return not decides if all(value is not None for value in values) else None


def _is_boolean(node: Node, target: tuple[str, ...]) -> bool | None:
    value = truth(node.arg, target)
    if value is None:
        return None
    wanted = {pg.IS_TRUE: value, pg.IS_NOT_FALSE: value, pg.IS_FALSE: not value, pg.IS_NOT_TRUE: not value}
    return wanted.get(node.booltesttype, node.booltesttype == pg.IS_NOT_UNKNOWN)


def _is_null(node: Node, target: tuple[str, ...]) -> bool | None:
    if node.arg.WhichOneof("node") == "a_const":
        return (node.nulltesttype == pg.IS_NULL) == node.arg.a_const.isnull
    return (node.nulltesttype == pg.IS_NOT_NULL) if KEY.match(column_of(node.arg)) else None


def column_of(node: Node) -> str:
    """The column that an expression is; empty where it is something else."""
    fields = node.column_ref.fields if node.WhichOneof("node") == "column_ref" else ()
    return fields[-1].string.sval if fields else ""


def _subquery(node: Node, target: tuple[str, ...]) -> bool | None:
    select = node.subselect.select_stmt
    if node.sub_link_type == pg.EXISTS_SUBLINK:
        return True if not select.from_clause and not _filtered(select) else None
    if node.sub_link_type != pg.ANY_SUBLINK or _filtered(select) or len(select.from_clause) != 1:
        return None
    # id IN (SELECT id FROM the same table): every row is in its own table.
    source = select.from_clause[0].range_var.relname
    chosen = select.target_list[0].res_target.val if len(select.target_list) == 1 else None
    same = chosen is not None and bool(column_of(chosen)) and column_of(chosen) == column_of(node.testexpr)
    return True if same and source and (source,) == target[-1:] else None


def _filtered(select: Node) -> bool:
    named = ("where_clause", "having_clause", "limit_count", "limit_offset", "group_clause", "values_lists", "larg")
    set_fields = {field.name for field, _ in select.ListFields()}
    return bool(set_fields & set(named))


def _comparison(node: Node, target: tuple[str, ...]) -> bool | None:
    sign = node.name[-1].string.sval if node.name else ""
    left, right = node.lexpr, node.rexpr
    kinds = left.WhichOneof("node"), right.WhichOneof("node")
    if node.kind in (pg.AEXPR_LIKE, pg.AEXPR_ILIKE):
        pattern = right.a_const.sval.sval if kinds[1] == "a_const" else ""
        return True if sign in ("~~", "~~*") and pattern and not pattern.strip("%") else None
    if node.kind != pg.AEXPR_OP or None in kinds:
        return None
    if kinds == ("a_const", "a_const"):
        return _compared(_value(left.a_const), _value(right.a_const), sign)
    if sign in ("=", "<=", ">=") and _plain(left) == _plain(right):
        return True
    return None


def _plain(node: Node) -> str:
    """The node without its places in the text."""
    return _LOCATION.sub("", str(node))


def _compared(left: tuple[str, str], right: tuple[str, str], sign: str) -> bool | None:
    if "null" in (left[0], right[0]):
        return False
    if left[0] == right[0] and sign in ("=", "<>", "!=") and left[0] not in _NUMBERS:
        return (left[1] == right[1]) == (sign == "=")
    try:
        a, b = float(left[1]), float(right[1])
    except ValueError:
        return None
    signs = {"=": a == b, "<>": a != b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}
    return signs.get(sign)


def constant(node: Node) -> str:
    """What a constant holds, as text."""
    return _value(node)[1]


def _value(constant: Node) -> tuple[str, str]:
    kind = constant.WhichOneof("val") or "null"
    return kind, str(getattr(getattr(constant, kind), kind)) if kind != "null" else ""


_RULES = {
    "a_const": _constant,
    "type_cast": _cast,
    "bool_expr": _boolean,
    "boolean_test": _is_boolean,
    "null_test": _is_null,
    "sub_link": _subquery,
    "a_expr": _comparison,
}
