"""Columns that a migration adds inside the block of a table: Rails, Knex, Laravel, Ecto, and TypeORM's objects.

They lose nothing; but what a migration then writes into them overwrites nothing either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.chains import blank_literals, closing
from triage_kit.parse.migration import Operation

_MOST = 500
_LONG = 500  # characters of one statement
_NAME = r"[:'\"`](?P<table>[\w.]+)"
_CALL = re.compile(
    rf"\b(?:alterTable|(?:schema|knex\.schema)\s*\.\s*table|Schema::(?:table|connection\([^()]*\)->table))\(\s*{_NAME}"
)
_BLOCK = re.compile(
    rf"(?m)^(?P<indent>[ \t]*)(?:change_table|alter)\b[ (]+(?:table\(\s*)?{_NAME}['\"]?[^\n]*\bdo\b[^\n]*\n"
    r"(?P<body>(?:(?!(?P=indent)end\b).*\n)*)"
)
# A column's type as a method; what changes, takes away or indexes one is another.
_COLUMN = re.compile(r"(?:.*?\w(?:\.|->)|[ \t]*)(?P<method>\w+)[ (]+[:'\"](?P<column>\w+)")
_OTHERS = re.compile(
    r"(?i)\A(?:drop|remove|rename|index|unique|foreign|primary|change|alter|modify|references_only|comment|engine|charset|after)"
)
_CHANGED = re.compile(r"(?:\.alter|->change)\(")
_OBJECT = re.compile(
    rf"\baddColumns?\(\s*{_NAME}['\"`]\s*,\s*(?:\[\s*)?new\s+TableColumn\(\s*\{{\s*name:\s*['\"`](?P<column>\w+)"
)


def added_columns(text: str) -> Iterator[Operation]:
    r"""The columns that blocks of the text add, in no order; the text has no comments left.

    >>> text = "knex.schema.alterTable('a', (t) => {\n  t.integer('b');\n  t.text('c').alter();\n  t.drop('d');\n})"
    >>> [(each.object, each.column, each.line) for each in added_columns(text)]
    [('a', 'b', 2)]
    """
    if "able" not in text and "alter" not in text:
        return
    blanked = blank_literals(text)
    for found in islice(_CALL.finditer(text), _MOST):
        opens = text.index("(", found.start())
        yield from _inside(text, found["table"], found.end(), closing(blanked, opens))
    for found in islice(_BLOCK.finditer(text), _MOST):
        yield from _inside(text, found["table"], found.start("body"), found.end("body"))
    for found in islice(_OBJECT.finditer(text), _MOST):
        yield _added(text, found["table"], found["column"], found.start())


def _inside(text: str, table: str, start: int, end: int) -> Iterator[Operation]:
    for line in re.finditer(r"[^\n;]+", text[start:end]):
        found = _COLUMN.match(line[0]) if len(line[0]) < _LONG else None
        if found and not _OTHERS.match(found["method"]) and not _CHANGED.search(line[0]):
            yield _added(text, table, found["column"], start + line.start() + found.start("column"))


def _added(text: str, table: str, column: str, at: int) -> Operation:
    line = text.count("\n", 0, at) + 1
    return Operation(line, "", "add_column", table, text="", how="pattern", column=column)
