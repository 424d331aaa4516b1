"""Text that a routine puts together before it runs it: the literal parts, with holes where values will stand.

Read are format() with its literal pattern and literals joined by ``||``
(https://www.postgresql.org/docs/current/functions-string.html#FUNCTIONS-STRING-FORMAT).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage_kit.sql.lexer import Token, unquoted

HOLE = "__hole__"
# A hole that is itself what runs: a function's name, or all that is selected.
CALLS_A_HOLE = re.compile(rf"(?i)\b(?:select|call|perform)\b[^;]*?{HOLE}\s*\(|\b(?:select|call|do)\s+{HOLE}\s*(?:;|\Z)")
_FIELD = re.compile(r"%(?:%|(?:\d+\$)?-?(?:\d+|\*(?:\d+\$)?)?(?P<kind>[sIL]))")
QUOTING = frozenset(("quote_literal", "quote_nullable"))


def template(query: str, parts: list[Token]) -> str | None:
    """The text of an expression with HOLE for what is not known; None where no literal says what it is about.

    >>> from triage_kit.sql.lexer import tokens
    >>> def shown(query): return template(query, list(tokens(query)))
    >>> shown("format('ANALYZE %I.%I', s, t)")
    'ANALYZE __hole__.__hole__'
    >>> shown("'DELETE FROM a WHERE b = ' || quote_literal(x) || ' OR c'")
    "DELETE FROM a WHERE b = '__hole__' OR c"
    >>> shown("statement")
    """
    made = [_operand(each) for each in _operands(parts)]
    return "".join(made) if any(HOLE not in each or each.strip(f"{HOLE}' ") for each in made) else None


def _operands(parts: list[Token]) -> Iterator[list[Token]]:
    depth, begun = 0, 0
    for at, each in enumerate(parts):
        if each.kind == "symbol":
            depth += (each.value in "([") - (each.value in ")]")
            if not depth and each.value == "|" and parts[at + 1 : at + 2] and parts[at + 1].value == "|":
                yield parts[begun:at]
                begun = at + 2
    yield parts[begun:]


def _operand(parts: list[Token]) -> str:
    if len(parts) == 1 and parts[0].kind in ("string", "dollar"):
        return unquoted(parts[0])
    names = [each.value.lower() for each in parts[:4]]
    if names[:2] == ["pg_catalog", "."]:
        parts, names = parts[2:], names[2:]
    called = names[:1] == ["format"] and len(parts) > 3 and parts[-1].value == ")"
    if called and parts[2].kind in ("string", "dollar") and parts[3].value in (",", ")"):
        return formatted(unquoted(parts[2]))
    return f"'{HOLE}'" if names[:1] and names[0] in QUOTING else HOLE


def formatted(pattern: str) -> str:
    """The text that format() makes of a pattern, with HOLE for each value.

    >>> formatted("DELETE FROM %I WHERE a = %L AND b < %s")
    "DELETE FROM __hole__ WHERE a = '__hole__' AND b < __hole__"
    """
    return _FIELD.sub(_filled, pattern)


def _filled(field: re.Match[str]) -> str:
    return {"L": f"'{HOLE}'", None: "%"}.get(field["kind"], HOLE)
