"""What a statement does, told by PostgreSQL's own grammar (libpg_query through postgast).

postgast is young and libpg_query recursive: a deep tree overflows the C stack and takes the process along, a broken
one raises protobuf's errors. So text is measured before it is parsed (``too_deep``), and every error means "read the
words instead". ``parse_plpgsql`` aborts the process on anything but CREATE FUNCTION … AS body: it sees only our own
wrapper around a body.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from triage_kit.sql.fallback import Unreadable, by_words
from triage_kit.sql.lexer import tokens, unquoted
from triage_kit.sql.nodes import node_effects
from triage_kit.sql.scope import Scope
from triage_kit.sql.templates import CALLS_A_HOLE, HOLE, template
from triage_kit.sql.vocabulary import TEXT_LIMIT, Effect, suspicious

# Measured: libpg_query overflows a 1 MB stack at 4,000 chained operands; a megabyte of text needs no tree to be read.
_MOST_BYTES = 1_000_000
_MOST_NESTING = 1_000
_MOST_WORDS = 2_500  # every construct that nests costs a word or a sign; this is for those that nobody listed
_NESTING = re.compile(
    r"(?i)[-+*/|<>=~(\[:%^&@#?!]|\b(?:not|is|union|except|intersect|join|collate|case|at|and|or|in|between|like|ilike|isnull|notnull)\b"
)


_WORD = re.compile(r"[A-Za-z_]\w*")


def too_deep(text: str) -> bool:
    """Whether the text could nest so deep that parsing it is a risk to the process."""
    if len(text) > _MOST_BYTES:
        return True
    if len(text) <= _MOST_NESTING:
        return False
    return _more(_NESTING, text, _MOST_NESTING) or _more(_WORD, text, _MOST_WORDS)


def _more(what: re.Pattern[str], text: str, most: int) -> bool:
    return next(islice(what.finditer(text), most, None), None) is not None


def by_grammar(text: str, scope: Scope | None = None) -> list[Effect]:
    """Effects of every statement in the text, in the light of what came before it; raises Unreadable."""
    if too_deep(text):
        raise Unreadable("too big or too deep")
    try:
        tree = postgast.parse(text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8"))
        return _walk(tree, text, scope or Scope())
    except Exception as error:  # PgQueryError, protobuf's DecodeError, whatever a foreign parser raises
        raise Unreadable(str(error)) from error


def _walk(tree: Any, text: str, scope: Scope) -> list[Effect]:
    found: list[Effect] = []
    begun: int | None = None
    savepoints: list[tuple[str, int]] = []
    raw = text.encode("utf-8", "replace")  # locations are bytes
    for each in tree.stmts:
        if each.stmt.WhichOneof("node") == "transaction_stmt":
            kind, name = each.stmt.transaction_stmt.kind, each.stmt.transaction_stmt.savepoint_name
            taken_back = begun if kind == pg.TRANS_STMT_ROLLBACK else None
            if kind == pg.TRANS_STMT_SAVEPOINT:
                savepoints.append((name, len(found)))
            elif kind == pg.TRANS_STMT_ROLLBACK_TO:
                taken_back = next((at for known, at in reversed(savepoints) if known == name), None)
            if taken_back is not None:
                found[taken_back:] = [replace(effect, harmless=True) for effect in found[taken_back:]]
            if kind not in _INSIDE:
                begun, savepoints = (len(found) if kind in _BEGINS else None), []
            continue
        start, end = each.stmt_location, each.stmt_location + (each.stmt_len or len(raw) - each.stmt_location)
        written = raw[start:end].decode("utf-8", "replace")
        first = next(tokens(written), None)
        line = 1 + raw.count(b"\n", 0, start) + (written.count("\n", 0, first.start) if first else 0)
        if each.stmt.variable_set_stmt.name == "search_path":
            first_of = each.stmt.variable_set_stmt.args[:1]
            scope.path = _place(first_of[0].a_const.sval.sval) if first_of else ""
        found += _statement(each.stmt, written[first.start :].rstrip() if first else "", line, scope)
    return found


def _place(schema: str) -> str:
    """The schema that bare names are taken for one of; none where it is the usual one or one of the system's."""
    return "" if schema == "public" or schema.startswith(("pg_", "$")) else schema


_BEGINS = (pg.TRANS_STMT_BEGIN, pg.TRANS_STMT_START)
_INSIDE = (pg.TRANS_STMT_SAVEPOINT, pg.TRANS_STMT_RELEASE, pg.TRANS_STMT_ROLLBACK_TO)


def _statement(node: Any, written: str, line: int, scope: Scope) -> Iterator[Effect]:
    for effect in node_effects(node, scope):
        if effect.within == "body":  # a body to be read: its language stands in column, its text in text
            yield from _in_body(effect, written, line, scope)
        else:
            yield replace(effect, line=line, text=written[:TEXT_LIMIT])


def _in_body(found: Effect, written: str, line: int, scope: Scope) -> Iterator[Effect]:
    body, language = found.text, found.column.lower()
    within = found.object
    at = written.find(body)
    line += written.count("\n", 0, at) if at > 0 else 0
    # A DO block runs here and now; a function runs later, where these temporary tables need not be.
    for effect in _body_effects(body, language, scope if within == "do" else Scope()):
        if HOLE in effect.object and effect.loses:
            effect = Effect("dynamic", "", line=effect.line, text=effect.text.replace(HOLE, "{…}"))
        yield replace(effect, line=line + effect.line - 1, within=effect.within or within)


def _body_effects(body: str, language: str, scope: Scope) -> list[Effect]:
    if not suspicious(body):
        return []
    if language == "sql":
        return _either(body, scope)
    if language == "plpgsql":
        return plpgsql_effects(body, scope)
    told = [each for found in islice(_QUOTED.finditer(body), _MOST_QUOTED) for each in _quoted(body, found, scope)]
    return told or [Effect("dynamic", "", how="tokens", text=body[:TEXT_LIMIT])]


# A statement in the quotes of a body in Python, Perl, Tcl or JavaScript.
_QUOTED = re.compile(
    r"(?is)(?P<quote>\"{3}|'{3}|[\"'`])(?P<text>\s*(?:delete\s+from|truncate|drop|update|alter|merge|with)\s(?:(?!(?P=quote)).)*)(?P=quote)"
)
_MOST_QUOTED = 200


def _quoted(body: str, found: re.Match[str], scope: Scope) -> Iterator[Effect]:
    try:
        told = by_grammar(found["text"], scope)
    except Unreadable:
        return
    line = body.count("\n", 0, found.start("text"))
    yield from (replace(each, line=each.line + line) for each in told if each.loses)


def _either(text: str, scope: Scope) -> list[Effect]:
    try:
        return by_grammar(text, scope)
    except Unreadable:
        return by_words(text, scope=scope)


# A RETURN that does not fit the result type is an error of the parser; one of these fits nearly every body.
_RESULTS = ("void", "int", "SETOF record", "record")


def plpgsql_effects(body: str, scope: Scope | None = None) -> list[Effect]:
    """Effects of a plpgsql body; lines count from its beginning."""
    scope = scope or Scope()
    if too_deep(body):
        return by_words(body, scope=scope)
    results = ("trigger", *_RESULTS) if re.search(r"(?i)\b(?:new|old|tg_\w+)\b", body) else _RESULTS
    for result in results:
        try:
            tree = _plpgsql_tree(body, result)
        except Exception:  # noqa: BLE001 another result type may fit; if none does, the words are read
            continue
        outer, scope.texts, scope.variables = scope.texts, _texts(tree), _variables(tree)
        found = list(_plpgsql_walk(tree, 1, scope))
        scope.texts = outer
        return found
    return by_words(body, scope=scope)


_ASSIGNED = re.compile(r"(?s)\s*(\w+)\s*:?=\s*(.*)")


def _texts(tree: Any) -> dict[str, list[str]]:
    """The expressions that a body gives each of its variables, in the order in which they stand."""
    found: dict[str, list[str]] = {}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += reversed(node)
        elif isinstance(node, dict):
            variable, assignment = node.get("PLpgSQL_var", {}), node.get("PLpgSQL_stmt_assign", {})
            if default := variable.get("default_val"):
                found.setdefault(variable.get("refname", ""), []).append(default["PLpgSQL_expr"]["query"])
            if assignment and (given := _ASSIGNED.match(assignment["expr"]["PLpgSQL_expr"]["query"])):
                found.setdefault(given[1].lower(), []).append(given[2])
            for field in node.get("PLpgSQL_row", {}).get("fields", ()):  # what INTO fills
                found.setdefault(field.get("name", ""), []).append("NULL")
            waiting += reversed(node.values())
    return found


def _variables(tree: Any) -> list[str]:
    """The names of a body's variables by their numbers."""
    datums = tree[0]["PLpgSQL_function"].get("datums", []) if tree else []
    return [each.get("PLpgSQL_var", {}).get("refname", "") for each in datums]


def _held(name: str, scope: Scope) -> str | None:
    """The text that a variable holds where each of its assignments but one adds to it; None where that is not told.

    What hangs on a condition is added, too: the whole text does no less than each of its parts.
    """
    given = scope.texts.get(name.lower(), [])
    added = [re.match(rf"(?i)\s*{name}\s*\|\|(.*)", each, re.DOTALL) for each in given]
    if not given or added[0] is not None or not all(added[1:]):
        return None
    written = [given[0], *(each[1] for each in added[1:] if each)]
    texts = [template(each, list(tokens(each))) for each in written]
    return None if texts[0] is None else "".join(each or HOLE for each in texts)


def _plpgsql_tree(body: str, result: str) -> Any:
    tag = "$triage_kit$"
    if tag in body:
        raise Unreadable("the body holds our own quoting tag")
    clean = body.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    source = f"CREATE FUNCTION _f() RETURNS {result} AS {tag}{clean}{tag} LANGUAGE plpgsql"
    try:
        return postgast.parse_plpgsql(source)
    except json.JSONDecodeError as error:
        # Trigger functions make libpg_query close each datum twice.
        return json.loads(re.sub(r"\{\}\},(?=\{)", "{},", error.doc))


def _plpgsql_walk(node: Any, line: int, scope: Scope) -> Iterator[Effect]:
    if isinstance(node, list):
        for each in node:
            yield from _plpgsql_walk(each, line, scope)
    if not isinstance(node, dict):
        return
    line = node.get("lineno", line)
    for key, value in node.items():
        if key == "PLpgSQL_stmt_block" and _always_raises(value):
            undone = _plpgsql_walk(value.get("body", []), line, scope)
            yield from (replace(each, harmless=True) for each in undone)
            yield from _plpgsql_walk(value.get("exceptions", {}), value.get("lineno", line), scope)
            continue
        if key in ("PLpgSQL_stmt_foreach_a", "PLpgSQL_stmt_fors"):
            outer, scope.rounds = scope.rounds, _gone_through(value, scope)
            yield from _plpgsql_walk(value, line, scope)
            scope.rounds = outer
            continue
        if key in ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"):
            yield from _dynamic(value["query"], value.get("lineno", line), scope)
            yield from _plpgsql_walk(value.get("body", []), line, scope)
        elif key == "dynquery":
            yield from _dynamic(value, line, scope)
        elif key == "PLpgSQL_expr":
            yield from _expression(value.get("query", ""), line, scope)
        else:
            yield from _plpgsql_walk(value, line, scope)


_ERROR = 21  # elog's level, which RAISE EXCEPTION has


def _always_raises(block: dict[str, Any]) -> bool:
    """Whether a block ends in RAISE EXCEPTION, caught or not, with no way out before it: what it did is undone."""
    body = block.get("body", [])
    if body[-1:] == [{"PLpgSQL_stmt_return": {}}]:  # the parser's own, at the end of the outermost block
        body = body[:-1]
    raised = body[-1].get("PLpgSQL_stmt_raise") if body else None
    if raised is None or raised.get("elog_level") != _ERROR:
        return False
    inside = json.dumps(body)
    return not any(each in inside for each in _LEAVES)


_LEAVES = ("PLpgSQL_stmt_return", "PLpgSQL_stmt_exit", "PLpgSQL_stmt_commit")


def _expression(query: str, line: int, scope: Scope) -> Iterator[Effect]:
    if suspicious(query) or re.search(r"(?i)\b(?:create|into\s+temp)", query):
        yield from (replace(each, line=line + each.line - 1) for each in _either(query, scope))


def _dynamic(expression: Any, line: int, scope: Scope) -> Iterator[Effect]:
    """EXECUTE: of text whose statement is known the effects, of anything else a suspect that shows the expression."""
    query = expression["PLpgSQL_expr"]["query"]
    parts = list(tokens(query))
    if len(parts) == 1 and parts[0].kind in ("string", "dollar"):
        yield from _expression(unquoted(parts[0]), line, scope)
        return
    held = _held(query.strip(), scope) if len(parts) == 1 and parts[0].kind == "word" else None
    text = held or template(query, parts)
    told = known(text, scope)
    told = _rounds(text, parts, scope) if told is None else told
    if told is None:
        yield Effect("dynamic", "", line=line, text=f"EXECUTE {query}"[:TEXT_LIMIT])
    for each in told or ():
        yield replace(each, line=line + each.line - 1, text=each.text.replace(HOLE, "{…}"))


# What a list of texts is written with, and what puts one of them into a text.
_LISTS = frozenset(("array", "select", "unnest", "values", "text", "name", "regclass", "varchar"))
_PUTS = frozenset(("format", "quote_ident", "pg_catalog"))


def _gone_through(loop: dict[str, Any], scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The variable of a loop, and the texts of a list that it goes through."""
    fields = loop.get("var", {}).get("PLpgSQL_row", {}).get("fields", [])
    query = loop.get("expr", loop.get("query", {})).get("PLpgSQL_expr", {}).get("query", "")
    held = scope.texts.get(query.strip().lower(), [])
    parts = list(tokens(held[0] if len(held) == 1 else query))
    plain = all(each.kind in ("string", "symbol") or each.value.lower() in _LISTS for each in parts)
    texts = tuple(unquoted(each) for each in parts if each.kind == "string") if plain else ()
    number = loop.get("varno", -1)
    name = scope.variables[number] if 0 <= number < len(scope.variables) else ""
    return fields[0].get("name", "") if len(fields) == 1 else name, texts


def _rounds(text: str | None, parts: list[Any], scope: Scope) -> list[Effect] | None:
    """What a text does whose one hole the loop around it fills, for each round; None where that is not told."""
    name, texts = scope.rounds
    words = {each.value.lower() for each in parts if each.kind == "word"} - _PUTS
    if text is None or text.count(HOLE) != 1 or not texts or words != {name}:
        return None
    found = [known(text.replace(HOLE, each), scope) for each in texts]
    return [each for some in found if some is not None for each in some] if None not in found else None


_LONG_TEMPLATE = 10_000  # looking for a hole that is called takes the square of the length


def known(text: str | None, scope: Scope) -> list[Effect] | None:
    """Effects of a text with holes; None where what it does, or to which object, is only told by what fills them."""
    if text is None or len(text) > _LONG_TEMPLATE or CALLS_A_HOLE.search(text):
        return None
    try:
        found = by_grammar(text, scope)
    except Unreadable:
        return None
    scope.temporary = {each for each in scope.temporary if HOLE not in each}
    return None if any(HOLE in each.object and each.loses for each in found) else found
