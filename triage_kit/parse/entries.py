"""Changes that YAML, JSON, TOML and XML describe for a tool: entries called after what they remove, and SQL in values.

An entry is told by its name (``drop_table``, ``dropColumn``, ``type: remove_table``) and by a table that it names;
parts called ``down`` or ``rollback`` take it back and are left out, and what only describes or forbids is no change.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml

from triage_kit.parse.code import prose
from triage_kit.parse.comments import blank, closable
from triage_kit.parse.migration import Operation
from triage_kit.sql import effects, suspicious

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_TEXT = 1 << 20
_MOST = 2_000
_DEEPEST = 60
_TEXT_LIMIT = 4_000
_NEAR = 600  # characters from an entry's name to its table's
_ENTRY = re.compile(
    r"(?i)\A(?P<verb>drop|remove|delete|destroy|truncate|purge|clear|wipe|empty)[\s_-]?(?:all[_-]?)?"
    r"(?P<noun>tables?|columns?|fields?|schemas?|all|rows|data|from)?(?:[_-]?if[_-]?exists)?\Z"
)
_CLUE = re.compile(
    r"(?i)(?:drop|remove|delete|destroy|truncate|purge|clear|wipe|empty)[\s_-]?(?:tables?|columns?|fields?|schemas?|all|rows|data|from)\b|"
    r"[\"':\s](?:truncate|delete)[\"']?\s*:"
)
_KINDS = frozenset(("type", "op", "action", "kind", "operation", "change", "step", "task", "command"))
_TABLE = ("tableName", "table_name", "table", "from", "relation", "oldTableName")
_COLUMN = ("columnName", "column_name", "column", "field", "columns")
_BACK = re.compile(r"(?i)\A(?:down\w*|roll_?back\w*|undo\w*|revert\w*|backwards?|reverse\w*|downgrade)\Z")
# Under these nothing is done: rules, rights, pages of an interface, descriptions.
_TELLS = re.compile(
    r"(?i)\A(?:descriptions?|comments?|summary|messages?|title|help|notes?|reasons?|examples?|samples?|labels?|hints?|text|alerts?|"
    r"warnings?|tooltip|patterns?|match|exclude|ignore|regexp?|bad|good|deny|denied|forbid(?:den)?|block(?:ed)?|expected|allow(?:ed)?|"
    r"permissions?|policies|policy|rules?|lint\w*|rights|grants?|privileges|paths|components|responses|routes?|i18n|locales?|"
    r"translations?|menu|buttons?|scopes?|roles?|features?|flags?|tests?|cases|diff|skip|on_?delete|dictionary|"
    r"enum|choices|keywords|documentation|docs|annotations|metadata|name|id)\Z"
)
_SQL_KEY = re.compile(
    r"(?i)\A(?:up(?:grade)?|forwards?|apply|do|execute|exec|statements?|inline|raw|ddl|dml|(?:pre|post)[-_]?hooks?|hooks?|"
    r"expression|value|before|after|on[-_]?(?:run|start|end)\w*|command[-_]?text|.*sql.*|.*query.*|.*statements?)\Z"
)
_OF_DATA = frozenset(
    ("query", "queries", "sql", "statement", "statements")
)  # read by parse.playbooks where YAML holds them
_NAME = re.compile(r"[\"'`]?[A-Za-z_][\w$]*[\"'`]?(?:\.[\"'`]?[A-Za-z_][\w$]*[\"'`]?){0,2}\Z")
_BEGINS = re.compile(r"(?i)\A\s*(?:--[^\n]*\n\s*)*(?:with|delete\s+from|truncate|drop|alter|update|merge|do|begin)\b")
_HOLE = re.compile(r"\{\{[^}]*\}\}|\$\{[^}]*\}|#\{[^}]*\}|\$\w+|%\(\w+\)s|(?<![:\w]):\w+|(?<![\w?])\?(?!\w)")


def entry_hits(text: str, suffix: str) -> Iterator[Operation]:
    """Operations of the entries in such a text, in no order; none of one that is broken.

    >>> text = '{"operations": [{"drop_column": {"table": "orders", "column": "note"}}]}'
    >>> [(each.line, each.operation, each.object) for each in entry_hits(text, "json")]
    [(1, 'drop_column', 'orders.note')]
    """
    if len(text) > _MOST_TEXT or not (_CLUE.search(text) or suspicious(text)):
        return
    if suffix == "xml":
        yield from _xml(text)
        return
    try:
        documents = _documents(text, suffix)
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    seen: dict[str, int] = {}  # where the last entry of a name stood: the next one stands behind it
    for document in documents:
        for each, shown in islice(_walk(document, (), suffix), _MOST):
            at = _behind(text, shown, each.object or "", seen.get(shown, 0))
            seen[shown] = at + 1
            each.line, each.text = _place(text, shown, at)
            yield each


def _documents(text: str, suffix: str) -> list[Any]:
    if suffix == "toml":
        return [tomllib.loads(text)]
    if suffix == "json":
        return [json.loads(text)]
    return list(yaml.load_all(text, Loader=_Plain))


class _Plain(_Loader):  # type: ignore[misc, valid-type]
    """A loader that makes nothing but text, lists and mappings of what a document holds, whatever its tags."""


def _text_of(loader: Any, node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {str(getattr(key, "value", "")): loader.construct_object(value, deep=True) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [loader.construct_object(each, deep=True) for each in node.value]
    return node.value


for _tag in (
    "map",
    "seq",
    "str",
    "int",
    "float",
    "bool",
    "null",
    "timestamp",
    "binary",
    "merge",
    "set",
    "omap",
    "pairs",
):
    _Plain.add_constructor(f"tag:yaml.org,2002:{_tag}", _text_of)
_Plain.add_multi_constructor("", lambda loader, _, node: _text_of(loader, node))


def _walk(node: Any, path: tuple[str, ...], suffix: str) -> Iterator[tuple[Operation, str]]:
    """Operations with a text by which their place is found."""
    waiting: list[tuple[Any, tuple[str, ...]]] = [(node, path)]
    seen: set[int] = set()  # aliases can name one list thousands of times
    while waiting:
        each, under = waiting.pop()
        if id(each) in seen:
            continue
        if isinstance(each, (list, dict)):
            seen.add(id(each))
        if isinstance(each, list):
            waiting += [(item, under) for item in reversed(each)]
        elif isinstance(each, dict):
            yield from _mapping(each, under)
            deeper = [(value, (*under, str(key))) for key, value in each.items() if not _BACK.match(str(key))]
            waiting += reversed(deeper) if len(under) < _DEEPEST else []
        elif isinstance(each, str):
            yield from _statement(each, under, suffix)


def _mapping(given: dict[Any, Any], under: tuple[str, ...]) -> Iterator[tuple[Operation, str]]:
    if any(map(_TELLS.match, under)):
        return
    for key, value in given.items():
        if not isinstance(key, str):
            continue
        if (entry := _ENTRY.match(key)) and (made := _of_entry(entry, value, key, under)):
            yield made, key
        elif key.lower() in _KINDS and isinstance(value, str) and (entry := _ENTRY.match(value)):
            inner = given.get("args") or given.get("params") or given.get("options") or given
            if entry["noun"] and (made := _of_entry(entry, inner, value, under)):
                yield made, value


def _of_entry(entry: re.Match[str], value: Any, key: str, under: tuple[str, ...]) -> Operation | None:
    verb, noun = entry["verb"].lower(), (entry["noun"] or "").lower().rstrip("s")
    if not noun and (verb not in ("truncate", "delete") or not isinstance(value, dict)):
        return None
    given = value if isinstance(value, dict) else {}
    table = next((named for each in _TABLE if _is_name(named := _value(given.get(each)))), "")
    if noun in ("column", "field"):
        column = next((_one(given[each]) for each in _COLUMN if each in given), "") or _one(given.get("name"))
        return _made("drop_column", f"{table}.{column}".rstrip(".")) if table and _is_name(column) else None
    if not table and noun and _is_name(given.get("name")):
        table = str(given["name"])
    if not table and noun and _ACTS.search(" ".join(under)) and _is_name(_one(value)):
        table = _one(value)
    if not table:
        return None
    schema = given.get("schemaName") or given.get("schema")
    name = f"{schema}.{table}" if _is_name(schema) else table
    if noun == "schema":
        return _made("drop_schema", table)
    if verb == "truncate":
        return _made("truncate", name)
    if noun == "table" and verb in ("drop", "remove", "delete", "destroy"):
        return _made("drop_table", name)
    bounded = any(each in given for each in ("where", "filter", "condition", "when"))
    return _made("delete", name, bounded)


_ACTS = re.compile(
    r"(?i)\b(?:operations?|changes?|changeSet|steps?|actions?|up|upgrade|forwards?|migrations?|apply|tasks?)\b"
)


def _made(operation: str, name: str, bounded: bool | None = None) -> Operation:
    return Operation(1, "", operation, name.replace('"', ""), bounded, how="pattern")


def _one(value: Any) -> str:
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, dict):
        first = (
            first.get("name") or (first.get("column") or {}).get("name")
            if isinstance(first.get("column", {}), dict)
            else ""
        )
    return first if isinstance(first, str) else ""


def _value(given: Any) -> Any:
    """What a parameter is given, where a mapping holds it."""
    return given.get("value", given.get("name")) if isinstance(given, dict) else given


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.match(value) is not None


def _statement(written: str, under: tuple[str, ...], suffix: str) -> Iterator[tuple[Operation, str]]:
    key = under[-1] if under else ""
    if (
        (suffix in ("yml", "yaml") and key.lower() in _OF_DATA)
        or not _SQL_KEY.match(key)
        or any(map(_TELLS.match, under))
    ):
        return
    if not _BEGINS.match(written) or not suspicious(written) or prose(written):
        return
    for each in effects(_HOLE.sub("__hole__", written)):
        if each.loses and each.how == "parsed":
            made = Operation.of(each, "", each.line)
            made.object = made.object.replace("__hole__", "{…}")
            yield made, written.strip().splitlines()[min(each.line, len(written.strip().splitlines())) - 1].strip()


def _behind(text: str, shown: str, of: str, start: int) -> int:
    """Where an entry stands: behind the last of its name, in no comment, and soon before the name of its table."""
    written = shown if shown in text else json.dumps(shown)[1:-1]
    table = of.split(".")[0]
    at = first = text.find(written, start)
    while at >= 0:
        line = text[text.rfind("\n", 0, at) + 1 : at].lstrip()
        named = text.find(table, at, at + _NEAR)
        if not line.startswith("#") and named >= 0 and text.find(written, at + 1, named) < 0:
            return at
        at = text.find(written, at + 1)
    return first


def _place(text: str, shown: str, at: int) -> tuple[int, str]:
    if at < 0:
        return 1, shown[:_TEXT_LIMIT]
    end = text.find("\n", at)
    line = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None]
    return text.count("\n", 0, at) + 1, line.strip()[:_TEXT_LIMIT]


# XML ----------------------------------------------------------------------------------------------------------------
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*-->")
_BACK_ELEMENT = re.compile(r"(?is)<(?P<back>rollback|down|undo|revert)\b[^>]{0,500}>.{0,20000}?</(?P=back)>")
_ELEMENT = re.compile(r"<(?P<name>[A-Za-z][\w:.-]*)(?P<given>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>")
_ATTRIBUTE = re.compile(r"([\w:.-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CONTENT = re.compile(r"<(?P<name>[A-Za-z][\w:.-]*)(?:\s[^<>]{0,2000})?>\s*(?:<!\[CDATA\[)?(?P<text>[^<]{6,20000})")


def _xml(text: str) -> Iterator[Operation]:
    plain = _COMMENT.sub(blank, closable(text, "<!--", "-->"))
    plain = _BACK_ELEMENT.sub(blank, plain) if plain.count("</") < 10 * _MOST else plain
    for found in islice(_ELEMENT.finditer(plain), 20 * _MOST):
        given = {name: html.unescape(one or two) for name, one, two in _ATTRIBUTE.findall(found["given"])}
        line, name = plain.count("\n", 0, found.start()) + 1, found["name"].rsplit(":", 1)[-1]
        entry = _ENTRY.match(name)
        if entry and (made := _of_entry(entry, given, name, ())):
            made.line, made.text = line, found[0][:_TEXT_LIMIT]
            yield made
        for key, value in given.items():
            yield from _in_xml(value, key, line)
    for found in islice(_CONTENT.finditer(plain), 20 * _MOST):
        line = plain.count("\n", 0, found.start("text")) + 1
        yield from _in_xml(html.unescape(found["text"]), found["name"].rsplit(":", 1)[-1], line)


_COMPONENT = re.compile(r"(?s)sql:(?://)?(?P<sql>.*?)(?:\?\w+=.*)?\Z")


def _in_xml(written: str, key: str, line: int) -> Iterator[Operation]:
    written = written.strip().strip('"')
    if component := _COMPONENT.match(written):  # of a route of Camel
        written, key = component["sql"], "sql"
    if not _SQL_KEY.match(key) or not _BEGINS.match(written) or not suspicious(written) or prose(written):
        return
    for each in effects(_HOLE.sub("__hole__", written)):
        if each.loses and each.how == "parsed":
            made = Operation.of(each, "", line + each.line - 1)
            made.object, made.text = made.object.replace("__hole__", "{…}"), made.text.replace("__hole__", "{…}")
            yield made
