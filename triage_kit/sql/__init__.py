"""One door to what SQL text does: ``effects`` never raises, whatever the text.

PostgreSQL's grammar reads what it can; statements that it refuses are read by their words, one by one, so that a
broken statement hides none of its neighbours. ``Effect.how`` says which it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from triage_kit.sql.fallback import Unreadable, by_words
from triage_kit.sql.lexer import coarse, split, without_literals
from triage_kit.sql.passing import passing
from triage_kit.sql.psql import psql_effects, statements, without_psql
from triage_kit.sql.scope import Scope
from triage_kit.sql.shapes import shape
from triage_kit.sql.swallowing import with_swallowed
from triage_kit.sql.vocabulary import (
    OPERATIONS,
    TEXT_LIMIT,
    Effect,
    Operation,
    hides_rows,
    lost_by,
    quote_ident,
    quote_qualified,
    suspicious,
)

__all__ = [
    "OPERATIONS",
    "Effect",
    "Operation",
    "effects",
    "hides_rows",
    "lost_by",
    "quote_ident",
    "quote_qualified",
    "statements",
    "suspicious",
]


def effects(text: str) -> list[Effect]:
    """Everything that the text would do, in the order of its statements; empty for text that does nothing known.

    Bodies of DO and CREATE FUNCTION are looked into; EXPLAIN without ANALYZE and PREPARE run nothing. A TRUNCATE of
    three tables is three effects.

    >>> [(each.operation, each.object, each.cascade) for each in effects("TRUNCATE a, m.b CASCADE; SELECT 1")]
    [('truncate', 'a', True), ('truncate', 'm.b', True)]
    >>> [(each.operation, each.bounded, each.how) for each in effects("DELETE FROM a WHERE 1=1; DELETE FROM b WHERE (")]
    [('delete', False, 'parsed'), ('delete', True, 'tokens')]
    """
    known = shape(text)
    if known is None:
        return list(_read(text) if len(text) <= _OFTEN else _effects(text))
    # The parser's text of a statement is the statement: the shape holds nothing before or behind it.
    return [replace(each, text=text[:TEXT_LIMIT]) for each in _read(known)]


def _effects(text: str) -> list[Effect]:
    told = psql_effects(text) if "\\" in text else []
    text, scope = without_psql(text), Scope()
    try:
        found = by_grammar(text, scope)
    except Unreadable:
        found, scope = [], Scope()
        for line, statement in _long(text) if len(text) > _LONG else split(text):
            found += _one(statement, line, scope)
    found = _without_uncalled(_without_passing(with_swallowed(found), scope), text)
    return sorted([*found, *told], key=lambda each: each.line) if told else found


_OFTEN = 10_000  # characters: an application sends the same texts again and again, a dump's are long and sent once


@lru_cache(maxsize=4_096)
def _read(text: str) -> tuple[Effect, ...]:
    return tuple(_effects(text))


def _without_passing(found: list[Effect], scope: Scope) -> list[Effect]:
    """What befalls a table that the text has made, triggers that it starts and views that it makes again cost nothing.

    >>> [each.loses for each in effects("CREATE TABLE a (i int); TRUNCATE a; DROP TABLE a; DROP TABLE a")]
    ['', '', '', 'rows']
    """
    perhaps = {".".join(each) for each in scope.perhaps}
    perhaps |= {f"{scope.path}.{each}" for each in perhaps if scope.path}
    spared = passing(found, perhaps) | _put_back(found)
    return [
        replace(each, harmless=True) if at in spared or _taken_back(each, scope) else each
        for at, each in enumerate(found)
    ]


def _put_back(found: list[Effect]) -> set[int]:
    """Places of partitions that are taken out of their table and put into it again."""
    back = {(each.object, each.column): at for at, each in enumerate(found)
            if each.operation == "attach_partition" and not each.harmless}  # fmt: skip
    return {
        at
        for at, each in enumerate(found if back else ())
        if each.operation == "detach_partition" and back.get((each.object, each.column), -1) > at
    }


def _without_uncalled(found: list[Effect], text: str) -> list[Effect]:
    """What the body of a function does costs nothing where the text only makes the function and drops it again.

    >>> body = "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DELETE FROM a $$; "
    >>> [[each.loses for each in effects(body + then) if each.object == "a"]
    ...  for then in ("DROP FUNCTION f", "SELECT f(); DROP FUNCTION f")]
    [[''], ['rows']]
    """
    dropped = {each.object: at for at, each in enumerate(found) if each.operation == "drop_function"}
    told, uncalled = [], False
    for at, each in enumerate(found) if dropped else ():
        if each.operation == "create_function" and each.object:
            name = re.escape(each.parts[-1])
            uncalled = at < dropped.get(each.object, -1) and len(re.findall(rf"(?i)\b{name}\b", text)) == 2
        elif not each.within:
            uncalled = False
        told.append(replace(each, harmless=True) if uncalled and each.within == "function" else each)
    return told or found


def _taken_back(effect: Effect, scope: Scope) -> bool:
    """Whether triggers are started again, a policy that hides no row or a view is dropped to be made anew, or one
    that lets everybody see every row goes with the row security of its table.
    """
    if effect.operation == "enable_row_security":
        return effect.parts in scope.opened
    if effect.operation == "disable_trigger":
        return effect.parts in scope.restarted and not effect.within
    if effect.operation == "drop_materialized_view":
        # What CASCADE takes besides are views, which hold no rows of their own either.
        return effect.parts in scope.renewed and not effect.within
    return effect.operation == "drop_policy" and (*effect.parts, effect.column) in scope.renewed


def by_grammar(text: str, scope: Scope | None = None) -> list[Effect]:
    """As triage_kit.sql.grammar, which takes a while to load: who only reads a log does not wait for it."""
    try:
        from triage_kit.sql import grammar
    except ImportError as error:  # postgast has no wheel for Intel Macs: everything is read by its words there
        raise Unreadable("postgast is not installed") from error
    return grammar.by_grammar(text, scope)


_LONG = 1_000_000


def _long(text: str) -> Iterator[tuple[int, str]]:
    """The statements of a long text that could cost something or make a table, with their lines.

    Loads are left out: a dump of a gigabyte is one script with millions of them, and they take nothing away.
    """
    line = at = 0
    for start, end in coarse(text):
        statement = text[start:end]
        if len(statement) > _LONG and not suspicious(without_literals(statement)):
            continue
        if not suspicious(statement) and "create" not in statement[:200].lower():
            continue
        line, at = line + text.count("\n", at, start), start
        first = len(statement) - len(statement.lstrip())
        yield line + statement.count("\n", 0, first) + 1, statement[first:]


def _one(statement: str, line: int, scope: Scope) -> list[Effect]:
    try:
        return [replace(each, line=each.line + line - 1) for each in by_grammar(statement, scope)]
    except Unreadable:
        return by_words(statement, line, scope)
