"""Triggers that throw new rows away: BEFORE INSERT, with a function of the same text that returns NULL for them.

Such a function may have sent the row elsewhere, as those of old partitioned tables do: one that runs any
other statement is believed to. See https://www.postgresql.org/docs/current/plpgsql-trigger.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from triage_kit.sql.lexer import tokens, unquoted
from triage_kit.sql.vocabulary import TEXT_LIMIT, Effect

_SENDS = frozenset(
    ("insert", "update", "delete", "merge", "execute", "perform", "call", "copy", "dblink", "dblink_exec", "notify")
)
_MOST_WORDS = 400  # of a trigger's statement in front of its table
_TRIGGER = "create_trigger"


def with_swallowed(found: list[Effect]) -> list[Effect]:
    """The effects, and behind each trigger that throws new rows of its table away an effect that says so.

    >>> body = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"
    >>> made = Effect("create_function", "f", ("f",), text=body)
    >>> text = "CREATE TRIGGER t BEFORE INSERT ON a FOR ROW EXECUTE FUNCTION f()"
    >>> on = Effect("create_trigger", "a", ("a",), text=text)
    >>> [each.operation for each in with_swallowed([made, on])]
    ['create_function', 'create_trigger', 'swallow_inserts']
    """
    return list(_each(found)) if any(each.operation == _TRIGGER for each in found) else found


def _each(found: list[Effect]) -> Iterator[Effect]:
    swallowing: set[str] = set()
    for each in found:
        yield each
        if each.operation == "create_function" and each.parts and not each.within:
            name = each.parts[-1]
            (swallowing.add if _swallows(each.text) else swallowing.discard)(name)
        elif each.operation == _TRIGGER and swallowing and _calls(each.text) in swallowing:
            yield replace(each, operation="swallow_inserts")


def _swallows(text: str) -> bool:
    """Whether a function in PL/pgSQL returns NULL in place of a row, and runs no statement that may keep the row."""
    if len(text) >= TEXT_LIMIT:  # it is cut, and what the rest does is not seen
        return False
    bodies = [unquoted(each) for each in tokens(text) if each.kind in ("dollar", "string")]
    words = [each.value.lower() for each in tokens(max(bodies, key=len, default="")) if each.kind != "string"]
    nothing = any(pair == ("return", "null") for pair in pairwise(words))
    return nothing and not _SENDS.intersection(words)


def _calls(text: str) -> str:
    """The function of a trigger for each new row, in small letters; empty for another trigger."""
    words = [each.value for each in tokens(text)]
    lowered = [each.lower() for each in words[:_MOST_WORDS]]
    if "on" not in lowered or "execute" not in lowered:
        return ""
    when = lowered[: lowered.index("on")]
    each_row = any(pair in (("each", "row"), ("for", "row")) for pair in pairwise(lowered))
    if "before" not in when or "insert" not in when or not each_row:
        return ""
    opens = lowered.index("(", lowered.index("execute")) if "(" in lowered[lowered.index("execute") :] else 0
    return words[opens - 1] if opens else ""
