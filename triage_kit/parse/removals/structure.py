# ruff: noqa: E501 tables of patterns
"""Calls that remove tables, columns, schemas and databases."""

from __future__ import annotations

import re

from triage_kit.parse.chains import Call
from triage_kit.parse.migration import Operation
from triage_kit.parse.removals.names import LITERAL, NAMED, SYMBOL, first_named, held_by, name_of_match, removal_of
from triage_kit.parse.removals.receivers import KEEPS, SENDS, of_chain

_NEAR = 1_500
_ALTERED = re.compile(
    rf"(?i:(?<![a-z])(?:(?:alter|change|update|modify|edit|on)[_-]?)?table(?:_for|_?name)?)\s*[(\[ :=]+\s*(?:{LITERAL}|{SYMBOL}|(?P<model>[A-Z]\w*)\b)"
)
_OPERATIONS = {"table": "drop_table", "column": "drop_column", "schema": "drop_schema", "database": "drop_database"}
_EMPTIES = frozenset(("truncate", "purge", "clear", "wipe", "empty", "erase"))


def structure_removed(call: Call, text: str) -> Operation | None:
    groups = call.found.groupdict()
    verb, noun = groups["verb"].lower(), groups["noun"].lower().rstrip("s")
    if KEEPS.search(call.chain):
        return None
    arguments = call.arguments
    if not text.startswith("(", call.found.end()) and not text.startswith(" (", call.found.end()):
        arguments = text[call.found.end() :].partition("\n")[0].split(";")[0]
    elif text.startswith(" (", call.found.end()):
        arguments = text[call.found.end() + 2 :].partition(")")[0]
    if verb in ("create", "add"):
        return _created(call, verb, noun, arguments)
    if noun == "column":
        return _column(call, text, arguments) if verb in ("drop", "remove", "delete", "destroy") else None
    operation = _OPERATIONS[noun]
    if noun == "table" and verb in _EMPTIES:
        operation = "truncate" if verb == "truncate" else "delete"
    if noun == "database" and verb in ("clear", "purge", "empty", "truncate"):
        operation = "truncate"
    name = (groups["generic"] or "").strip("<>[]:").rsplit(".", 1)[-1] or first_named(arguments)
    if not name and arguments.strip():
        name = held_by(arguments, text)
    if not name and noun == "table" and not groups["all"]:
        name = of_chain(call.chain, text) or ""
        if not name and not (SENDS.search(call.chain) and _variable(arguments)):
            return None
    if not name and noun in ("schema", "database") and not SENDS.search(call.chain) and not groups["all"]:
        return None
    return removal_of(operation, name, False if operation == "delete" else None)


def _created(call: Call, verb: str, noun: str, arguments: str) -> Operation | None:
    """What is made; of what a program has made itself nothing is lost."""
    name = first_named(arguments)
    if verb == "create" and noun in ("table", "schema") and name:
        return removal_of(f"create_{noun}", name)
    return None


def _column(call: Call, text: str, arguments: str) -> Operation | None:
    names = [each for each in map(name_of_match, re.finditer(rf"{LITERAL}|{SYMBOL}", arguments)) if each]
    keyed = name_of_match(NAMED.search(arguments))
    inside = _altered(call, text)
    if keyed:
        column = next((each for each in names if each != keyed), "")
        return removal_of("drop_column", f"{keyed}.{column}".rstrip("."))
    if inside and names:
        return removal_of("drop_column", f"{inside}.{names[0]}")
    if len(names) > 1:
        return removal_of("drop_column", f"{names[0]}.{names[1]}")
    return None


def _altered(call: Call, text: str) -> str:
    """The table whose block or chain a call stands in."""
    begin = call.found.start()
    before = [*_ALTERED.finditer(text, max(0, begin - _NEAR), begin)]
    return name_of_match(before[-1]) if before else ""


def _variable(arguments: str) -> bool:
    return re.match(r"\s*[$@&*]?[A-Za-z_][\w.>-]*\s*(?:[,)]|\Z)", arguments) is not None
