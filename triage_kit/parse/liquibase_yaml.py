"""Liquibase changelogs in YAML: the same change sets and changes as in XML, under the same names.

The text is composed, not constructed: no tag makes an object. https://docs.liquibase.com/concepts/changelogs/yaml-format.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

import yaml

from triage_kit.parse.liquibase import CHANGES, RUNS_ELSEWHERE, WIDE
from triage_kit.parse.migration import Migration, Operation
from triage_kit.sql import effects

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_LIMIT = 4000
_MOST = 20_000  # aliases can name one list of changes thousands of times
_SQL = frozenset(("sql", "createProcedure"))


def is_liquibase_yaml(text: str) -> bool:
    """Whether a YAML text looks like a changelog, told without parsing it."""
    return "databaseChangeLog" in text[:20_000]


def read_liquibase_yaml(text: str, path: str) -> list[Migration]:
    """The change sets of one changelog, each a migration of its own whose revision is ``author id``.

    Raises ValueError when the text is no YAML.

    >>> text = "databaseChangeLog: [{changeSet: {id: 1, author: a, changes: [{dropTable: {tableName: t}}]}}]"
    >>> [found] = read_liquibase_yaml(text, "log.yaml")
    >>> found.revision, [(each.operation, each.object) for each in found.operations]
    ('a 1', [('drop_table', 't')])
    """
    try:
        document = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"the changelog is no YAML: {error}") from error
    title, found = PurePosixPath(path).stem.replace("_", " "), []
    before: tuple[str, ...] = ()
    sets = (each for item in _items(_entries(document).get("databaseChangeLog")) for each in [_entries(item)])
    for entries in islice((_entries(each["changeSet"]) for each in sets if "changeSet" in each), _MOST):
        revision = " ".join(filter(None, (_text(entries.get("author")), _text(entries.get("id")))))
        one = Migration("liquibase", revision, before, title)
        for key, direction in (("changes", "up"), ("rollback", "down")):
            one.operations += islice(_changes(entries.get(key), direction), _MOST)
        found.append(one)
        before = (revision,)
    return found


def _changes(node: yaml.Node | None, direction: str) -> Iterator[Operation]:
    if isinstance(node, yaml.ScalarNode):
        yield from _of_sql(node, direction)
    for item in _items(node):
        for name, value in _entries(item).items():
            if name in _SQL:
                given = _entries(value)
                yield from _of_sql(given.get("sql") or given.get("procedureText") or value, direction)
            elif name in RUNS_ELSEWHERE:
                yield _made(value, direction, "include", _text(_entries(value).get("path")), name)
            elif operation := CHANGES.get(name):
                yield from _change(value, direction, operation, name)


def _change(node: yaml.Node, direction: str, operation: str, name: str) -> Iterator[Operation]:
    given = _entries(node)
    table = next((told for key in ("tableName", "oldTableName", "viewName") if (told := _text(given.get(key)))), "")
    parts = [each for each in (_text(given.get("schemaName")), table) if each]
    columns = [""]
    if operation in ("drop_column", "add_column"):
        columns = [each for each in [_text(given.get("columnName")), *_columns(given)] if each] or [""]
    for column in columns:
        shown = [*parts, column] if column and operation == "drop_column" else parts
        made = _made(node, direction, operation, ".".join(shown), name)
        made.column = column
        if operation in ("delete", "update"):
            made.bounded = "where" in given
        made.harmless = operation == "alter_column_type" and bool(WIDE.match(_text(given.get("newDataType"))))
        if operation == "update":
            made.changes = tuple(_columns(given))
        if operation == "rename_table":
            made.renamed = ".".join([*parts[:-1], _text(given.get("newTableName"))])
        made.cascade = _text(given.get("cascadeConstraints")).lower() == "true"
        yield made


def _columns(given: dict[str, yaml.Node]) -> Iterator[str]:
    """The names under ``columns``."""
    for each in _items(given.get("columns")):
        yield _text(_entries(_entries(each).get("column")).get("name"))


def _made(node: yaml.Node, direction: str, operation: str, object_: str, name: str) -> Operation:
    given = ", ".join(f"{key}: {_text(value)}" for key, value in _entries(node).items() if _text(value))
    # The change's name stands on the line before the first of its parameters, unless both are on one.
    line = node.start_mark.line + (0 if isinstance(node, yaml.MappingNode) and not node.flow_style else 1)
    text = f"{name}: {{{given}}}"[:_TEXT_LIMIT]
    return Operation(max(line, 1), direction, operation, object_, text=text, how="pattern")


def _of_sql(node: yaml.Node, direction: str) -> Iterator[Operation]:
    style = node.style if isinstance(node, yaml.ScalarNode) else ""
    first = node.start_mark.line + (2 if style in ("|", ">") else 1)
    for each in effects(_text(node)):
        yield Operation.of(each, direction, first + (each.line - 1 if style == "|" else 0))


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _entries(node: yaml.Node | None) -> dict[str, yaml.Node]:
    return {_text(key): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _text(node: yaml.Node | None) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""
