"""SQL in the string literals of any programming language, and in those of Python that no call runs in its file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.migration import Operation
from triage_kit.sql import effects, suspicious

_LITERAL = re.compile(
    r'"""(?P<triple>.*?)"""|`(?P<tick>[^`]*)`|"(?P<double>(?:[^"\\\n]|\\.)*)"|\'(?P<single>(?:[^\'\\\n]|\\.)*)\'',
    re.DOTALL,
)
_MOST = 40_000
_COMMENT = re.compile(r"(?m)(?:^|(?<=[\s;{}(),]))//.*$|/\*(?:[^*]|\*(?!/))*\*/")
_BEGINS = re.compile(r"(?i)\A\s*(?:with|delete\s+from|truncate|drop|alter|update|merge|do|insert|call)\b")
# Placeholders of drivers and templates, which are no SQL.
_HOLE = re.compile(r"[#$]\{[^}]*\}|\{\w*\}|%[sdvq]|(?<![\w?])\?(?!\w)|(?<![:\w])[:@]\w+")

_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{\w*\}|%\(\w+\)s|%s|(?<![:\w])[:@]\w+")  # Jinja's, str.format's and drivers'

# A call that tells its first argument to somebody, just before the literal; Sprintf makes text that may run.
_TOLD = re.compile(
    r"(?:\b(?:console|log|logger|slog|logging|LOG|LOGGER|Log|Logger)\.\w+|\bfmt\.(?:Print\w*|Errorf)|\berrors\.New|"
    r"\.(?:[Ii]nfo|[Ww]arn(?:ing)?|[Ee]rror|[Dd]ebug|[Tt]race|[Ff]atal)[fw]?|\b(?:print(?:ln|f)?|puts|panic|die|echo|alert)|"
    r"\bnew\s+\w*(?:Error|Exception)|!\s*)\s*\(\s*\Z"
)


def literal_hits(text: str) -> Iterator[Operation]:
    """Losing statements that stand whole in a literal; text that no grammar reads is taken for prose.

    >>> [(each.operation, each.object) for each in literal_hits('db.Exec("DELETE FROM a WHERE id = ?") // "DROP x"')]
    [('delete', 'a')]
    """
    if not suspicious(text):
        return
    blanked = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for found in islice(_LITERAL.finditer(blanked), _MOST):
        group = next(each for each in ("triple", "tick", "double", "single") if found[each] is not None)
        written = found[group]
        if not _BEGINS.match(written) or not suspicious(written):
            continue
        if _TOLD.search(blanked[max(0, found.start() - 80) : found.start()]):
            continue
        line = blanked.count("\n", 0, found.start(group)) + 1
        for each in effects(_HOLE.sub("__hole__", written.replace("\\n", " ").replace('\\"', '"'))):
            if each.loses and each.how == "parsed":
                made = Operation.of(each, "", line + each.line - 1)
                made.object = made.object.replace("__hole__", "{…}")
                made.text = made.text.replace("__hole__", "{…}")
                yield made


_GIVEN = frozenset(("sql", "query", "statement", "stmt", "command", "cmd"))


def kept_statements(text: str) -> Iterator[Operation]:
    """Losing statements that a Python file only keeps under a name or hands on by a keyword, as to an operator.

    Raises what ``ast.parse`` raises. A file that may speak to another database gives none.

    >>> [(each.operation, each.object) for each in kept_statements("PRUNE = 'DELETE FROM a WHERE id > 4'")]
    [('delete', 'a')]
    >>> [each.object for each in kept_statements("SQLExecuteQueryOperator(task_id='t', sql='TRUNCATE b')")]
    ['b']
    """
    if not suspicious(text) or re.search(r"\b(?:sqlite3|aiosqlite|duckdb|pymysql|MySQLdb)\b", text):
        return
    for node in islice(ast.walk(ast.parse(text.removeprefix("\ufeff"))), _MOST):
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        if isinstance(node, ast.keyword) and node.arg in _GIVEN:
            value = node.value
        written = value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""
        if value is None or not _BEGINS.match(written) or not suspicious(written):
            continue
        for each in effects(_TEMPLATE.sub("__hole__", written)):
            if each.loses and each.how == "parsed":
                made = Operation.of(each, "", value.lineno + each.line - 1)
                made.object, made.text = (told.replace("__hole__", "{…}") for told in (made.object, made.text))
                yield made
