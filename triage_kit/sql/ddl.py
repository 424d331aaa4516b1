"""Parts of CREATE and ALTER statements out of the parse tree of PostgreSQL's grammar: names, types, constraints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from triage_kit.sql.lexer import Token, tokens

Name = tuple[str, str]

_KINDS = {
    "CONSTR_PRIMARY": "primary_key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_FOREIGN": "foreign_key",
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "exclusion",
}
_ACTIONS = {"a": "no_action", "r": "restrict", "c": "cascade", "n": "set_null", "d": "set_default"}
_SUFFIXES = {"primary_key": "pkey", "unique": "key", "foreign_key": "fkey", "check": "check", "exclusion": "excl"}
_SERIAL = re.compile(r"(?i)^(?:small|big)?serial\d?$")
_AFTER_TYPE = frozenset(("collate", "storage", "compression", "options", "default", "not", "null", "generated",
                         "constraint", "check", "primary", "unique", "references"))  # fmt: skip

_AFTER_DEFAULT = _AFTER_TYPE - {"collate", "null"}


def word(node: Any, field: str) -> str:
    """The name of an enumeration's value, as AT_AddConstraint.

    Numbers differ between versions of the grammar, names do not.
    """
    described = node.DESCRIPTOR.fields_by_name[field]
    return described.enum_type.values_by_number[getattr(node, field)].name


def strings(nodes: Iterable[Any]) -> tuple[str, ...]:
    """The parts of a name that is a list of strings."""
    return tuple(each.string.sval for each in nodes if each.WhichOneof("node") == "string")


def role_name(node: Any) -> str | None:
    """Name of a role specification; missing for CURRENT_USER and the like."""
    return node.rolename or None


def role(node: Any) -> str:
    """The role of a policy as pg_policies has it."""
    return node.role_spec.rolename or "public"


def options(nodes: Iterable[Any]) -> tuple[str, ...]:
    """Storage parameters as ``name=value``."""
    found = []
    for each in nodes:
        element = each.def_elem
        kind = element.arg.WhichOneof("node")
        value = {"integer": element.arg.integer.ival, "float": element.arg.float.fval,
                 "string": element.arg.string.sval, "boolean": element.arg.boolean.boolval}.get(kind)  # fmt: skip
        if kind == "type_name":
            value = ".".join(strings(element.arg.type_name.names))
        found.append(f"{element.defname}={value}")
    return tuple(found)


def constraint(node: Any, raw: bytes, column: str | None) -> dict | None:
    """Columns of the evidence table ``constraints``, tables and OIDs left out; None for what is none there."""
    kind = _KINDS.get(word(node, "contype"))
    if kind is None:
        return None
    foreign = kind == "foreign_key"
    own = strings(node.fk_attrs) if foreign else strings(node.keys)
    if kind == "check":
        own = tuple(dict.fromkeys(_columns_in(node.raw_expr)))
    return {
        "name": node.conname,
        "kind": kind,
        "columns": own or ((column,) if column is not None else ()),
        "referenced_columns": strings(node.pk_attrs),
        "on_delete": _ACTIONS.get(node.fk_del_action, "no_action") if foreign else None,
        "on_update": _ACTIONS.get(node.fk_upd_action, "no_action") if foreign else None,
        "deferrable": node.deferrable,
        "validated": not node.skip_validation,
        "definition": _definition(raw, node.location),
    }


def _columns_in(message: Any) -> Iterator[str]:
    """Names of the columns that an expression reads, in the order of their appearance."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                if each.DESCRIPTOR.name == "ColumnRef":
                    yield from strings(each.fields)[-1:]
                else:
                    yield from _columns_in(each)


def default_name(table: str, row: dict) -> str:
    """The name that PostgreSQL gives a constraint without one."""
    middle = () if row["kind"] == "primary_key" else row["columns"]
    return "_".join((table, *middle, _SUFFIXES[row["kind"]]))


def _definition(raw: bytes, at: int) -> str:
    """A constraint from its place to the end of its part of the statement, without its name."""
    part = list(_until(raw[at:].decode("utf-8", "replace"), frozenset()))
    if part and part[0].value.lower() == "constraint" and len(part) > 2:
        part = part[2:]
    text = raw[at:].decode("utf-8", "replace")
    return text[part[0].start : part[-1].end] if part else ""


def column_type(node: Any, raw: bytes) -> str:
    """A column's type as it is written."""
    text = raw[node.type_name.location :].decode("utf-8", "replace")
    part = list(_until(text, _AFTER_TYPE))
    return text[part[0].start : part[-1].end] if part else ""


def default(node: Any, raw: bytes) -> str:
    """The expression of a DEFAULT within a column's definition."""
    return _expression(raw[node.location :].decode("utf-8", "replace"))


def set_default(text: str, column: str) -> str:
    """The expression of ``ALTER COLUMN … SET DEFAULT …``; empty where it is not found.

    >>> set_default("ALTER TABLE a ALTER b SET DEFAULT 7, ALTER c SET DEFAULT f(1, 2)", "c")
    'f(1, 2)'
    """
    name = rf'(?:"{re.escape(column)}"|{re.escape(column)})'
    found = re.search(rf"(?i)\balter\s+(?:column\s+)?{name}\s+set\s+(?=default\b)", text)
    return _expression(text[found.end() :]) if found else ""


def _expression(text: str) -> str:
    """What follows the word DEFAULT; nothing for NULL, which is no default."""
    part = list(_until(text, _AFTER_DEFAULT))[1:]
    if part and part[-1].value.lower() == "null":  # also that of a column that may be NULL
        part = part[:-1]
    return text[part[0].start : part[-1].end] if part else ""


def serial(type_: str | None) -> bool:
    """Whether a column of this type owns a sequence."""
    return bool(type_ and _SERIAL.match(type_))


def _until(text: str, words: frozenset[str]) -> Iterable[Token]:
    """Tokens up to the end of this element of a list, or to one of the words."""
    depth = 0
    for count, token in enumerate(tokens(text)):
        if token.kind == "symbol":
            if depth == 0 and token.value in (",", ")", ";"):
                return
            depth += (token.value in ("(", "[")) - (token.value in (")", "]"))
        if count and depth == 0 and token.kind == "word" and token.value.lower() in words:
            return
        yield token


def bound(text: str) -> str:
    """The bound of a partition, as pg_get_expr shows it: ``FOR VALUES …`` or ``DEFAULT``."""
    seen = list(tokens(text))
    for at, token in enumerate(seen[:-1]):
        if token.kind == "word" and token.value.lower() == "for" and seen[at + 1].value.lower() == "values":
            return text[token.start : seen[-1].end].rstrip(";").strip()
    return "DEFAULT"


def after_as(text: str) -> str:
    """What stands after the first AS outside parentheses: the query of a view."""
    depth = 0
    for token in tokens(text):
        if token.kind == "symbol":
            depth += (token.value == "(") - (token.value == ")")
        elif depth == 0 and token.kind == "word" and token.value.lower() == "as":
            return text[token.end :].strip()
    return ""


def in_parentheses(text: str, *words: str) -> str | None:
    """What stands in parentheses after these words; None where they are not followed by any."""
    seen = list(tokens(text))
    for at in range(len(seen) - len(words)):
        if [each.value.lower() for each in seen[at : at + len(words)]] == list(words):
            start = at + len(words)
            if seen[start].value == "(":  # pg_dump puts a pair of its own around the expression
                return text[seen[start].end : _closing(seen, start).start].strip()
    return None


def _closing(seen: list[Token], start: int) -> Token:
    depth = 0
    for token in seen[start:]:
        if token.kind == "symbol":
            depth += (token.value == "(") - (token.value == ")")
            if depth == 0:
                return token
    return seen[-1]


def identity(node: Any) -> str:
    """How a column's numbers are made: always, or by default where the statement gives none."""
    return "always" if node.generated_when == "a" else "by default"


def sequence_facts(nodes: Iterable[Any]) -> dict:
    """Start, increment, name and owning column of a sequence, as far as its options say them."""
    facts: dict[str, Any] = {}
    for each in nodes:
        element = each.def_elem
        if element.defname in ("start", "increment"):
            key = "start_value" if element.defname == "start" else "increment"
            facts[key] = _number(element.arg)
        elif element.defname in ("sequence_name", "owned_by"):
            facts["name" if element.defname == "sequence_name" else "owner"] = strings(element.arg.list.items)
    return facts


def _number(node: Any) -> int:
    return int(node.float.fval) if node.WhichOneof("node") == "float" else node.integer.ival


def function_body(node: Any) -> str | None:
    """The source of a function that is given as text."""
    for each in node.options:
        if each.def_elem.defname == "as":
            found = strings(each.def_elem.arg.list.items)
            return found[-1] if found else None
    return None
