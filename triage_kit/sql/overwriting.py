"""UPDATEs that take more than their WHERE seems to spare: nothing ties it to the table, or persons are blotted out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage_kit.sql.conditions import KEY
from triage_kit.sql.names import Node

# Columns by which a person is known. What nobody has twice cannot be worked out again once it is overwritten.
_PERSONAL = re.compile(
    r"(?i)(?:\w+_)?(?:e_?mail|phone|mobile|fax|iban|ssn|passport|street|zip|postcode|birth_?(?:date|day)|date_of_birth|dob)"
    r"(?:_address|_number|_no|_?[12])?\Z|(?:full|first|last|middle|given|family|maiden|birth|display)_?name\Z"
    r"|(?:sur|fore)name\Z|(?:name|address)\Z"
)


def tied(node: Node, sources: Node) -> bool:
    """Whether the WHERE of an UPDATE or DELETE names a column of the table that changes, or may do so.

    Where it names only columns of ``sources`` (FROM, USING), each row of the table is joined with each of theirs, so
    that none is spared: https://www.postgresql.org/docs/current/sql-update.html, on from_item.
    """
    if not sources:
        return True
    table = node.relation
    own = table.alias.aliasname if table.HasField("alias") else table.relname
    return any(len(each) == 1 or each[-2] == own for each in _columns(node.where_clause))


def _columns(node: Node) -> Iterator[tuple[str, ...]]:
    """Columns that an expression names, each as it is qualified; a * stands for nothing that could be told."""
    if node.DESCRIPTOR.name == "ColumnRef":
        yield tuple(each.string.sval for each in node.fields)
        return
    for field, value in node.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                yield from _columns(each)


def blots_out(targets: Node) -> bool:
    """Whether an UPDATE overwrites at least two columns by which persons are known with what does not depend on them.

    One alone is mended so all day (an empty address becomes NULL), two are anonymised. The key of the row may be in
    the new value, which must differ from row to row where it is unique.
    """
    return sum(bool(_PERSONAL.match(each.res_target.name)) and _same(each.res_target.val) for each in targets) > 1


def _same(value: Node) -> bool:
    """Whether a value is the same for every row but for the row's key: a literal, NULL, or one joined to the key."""
    kind = value.WhichOneof("node")
    if kind in ("param_ref", "sub_link", "set_to_default"):
        return kind == "set_to_default"
    named = list(_columns(value))
    return kind in ("a_const", "type_cast", "a_expr", "func_call") and all(KEY.match(each[-1]) for each in named)
