"""One door to what SQL text does: ``effects`` never raises, whatever the text.

PostgreSQL's grammar reads what it can; statements that it refuses are read by their words, one by one, so that a
broken statement hides none of its neighbours. ``Effect.how`` says which it was.
"""

from __future__ import annotations

from dataclasses import replace

from triage_kit.sql.fallback import Unreadable, by_words
from triage_kit.sql.lexer import statements, without_psql
from triage_kit.sql.vocabulary import (
    OPERATIONS,
    Effect,
    Operation,
    quote_ident,
    quote_qualified,
    suspicious,
)

try:
    from triage_kit.sql.grammar import by_grammar
except ImportError:  # postgast has no wheel for Intel Macs: everything is read by its words there

    def by_grammar(text: str) -> list[Effect]:
        raise Unreadable("postgast is not installed")


__all__ = [
    "OPERATIONS",
    "Effect",
    "Operation",
    "effects",
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
    text = without_psql(text)
    try:
        return by_grammar(text)
    except Unreadable:
        pass
    found: list[Effect] = []
    for line, statement in statements(text):
        found += _one(statement, line)
    return found


def _one(statement: str, line: int) -> list[Effect]:
    try:
        return [replace(each, line=each.line + line - 1) for each in by_grammar(statement)]
    except Unreadable:
        return by_words(statement, line)
