"""What a statement does, told by its words alone: for text that is cut, broken or too big for the grammar.

Every rule starts at a place where such a statement can begin; a word inside a literal, a comment or a quoted name is
none. What begins like a destructive statement and fits no rule is returned as ``unparsed``, never silently dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from triage_kit.sql.lexer import Token, grouped, unquoted
from triage_kit.sql.reader import Reader
from triage_kit.sql.scope import Scope
from triage_kit.sql.vocabulary import TEXT_LIMIT, Effect, refused

# Words after which a statement may begin, in SQL and in plpgsql; the first token of a text counts too.
_OPENER_WORDS = "begin then else loop as do query in atomic analyze verbose statement also instead"
_OPENERS = frozenset(_OPENER_WORDS.split())
_DROPS = {
    "table": "drop_table",
    "schema": "drop_schema",
    "database": "drop_database",
    "type": "drop_type",
    "domain": "drop_type",
    "view": "drop_view",
    "materialized": "drop_materialized_view",
    "foreign": "drop_foreign_table",
    "index": "drop_index",
    "sequence": "drop_sequence",
    "extension": "drop_extension",
    "function": "drop_function",
    "procedure": "drop_function",
    "owned": "drop_owned",
    "trigger": "drop_trigger",
    "policy": "drop_policy",
    "tablespace": "drop_tablespace",
    "subscription": "drop_subscription",
    "server": "drop_server",
    "collation": "drop_collation",
}
_DESTRUCTIVE = frozenset(("delete", "truncate", "drop", "merge"))


class Unreadable(Exception):
    """The grammar refuses the text, it is too big or too deep to be tried, or there is no grammar here."""


def _effect(operation: str, parts: tuple[str, ...], **facts: object) -> Effect:
    return replace(Effect(operation, ".".join(parts), parts, how="tokens"), **facts)  # type: ignore[arg-type]


def _delete(here: Reader) -> Iterator[Effect]:
    if here.skip("delete", "from"):
        here.skip("only")
        if parts := here.name():
            yield _effect("delete", parts, bounded=here.limited())


def _truncate(here: Reader) -> Iterator[Effect]:
    here.at += 1
    here.skip("table")
    found = list(here.names())
    for parts in found:
        yield _effect("truncate", parts, cascade=here.has("cascade"))


def _update(here: Reader) -> Iterator[Effect]:
    here.at += 1
    here.skip("only")
    parts = here.name()
    if parts and here.has("set"):
        yield _effect("update", parts, bounded=here.limited())


def _merge(here: Reader) -> Iterator[Effect]:
    if here.skip("merge", "into"):
        here.skip("only")
        if parts := here.name():
            yield _effect("merge", parts, bounded=True, harmless=True)
            if here.has("delete"):
                yield _effect("delete", parts, bounded=True)


def _drop(here: Reader) -> Iterator[Effect]:
    here.at += 1
    operation = _DROPS.get(here.word())
    if operation is None:
        return
    here.at += 1
    for extra in ("view", "table", "by", "concurrently"):
        here.skip(extra)
    here.skip("if", "exists")
    found = list(here.names())
    for parts in found:
        if operation in ("drop_trigger", "drop_policy") and here.skip("on"):
            yield _effect(operation, here.name(), column=parts[-1], cascade=here.has("cascade"))
        else:
            cascade = here.has("cascade")
            yield _effect(operation, parts, cascade=cascade, harmless=refused(operation, parts) and not cascade)


def _alter(here: Reader) -> Iterator[Effect]:
    here.at += 1
    if not here.skip("table"):
        return
    here.skip("if", "exists")
    here.skip("only")
    parts = here.name()
    here.symbol("*")
    while parts and here.at < len(here.group):
        yield from _alteration(here, parts)
        while here.at < len(here.group) and not here.symbol(","):
            here.at += 1


def _alteration(here: Reader, parts: tuple[str, ...]) -> Iterator[Effect]:
    for words, operation in _ALTERATIONS:
        if here.skip(*words):
            here.skip("if", "exists")
            named = here.name()
            if operation == "detach_partition":
                yield _effect(operation, named, column=".".join(parts))
            else:
                yield _effect(operation, parts, column=".".join(named), cascade=here.word() == "cascade")
            return
    start = here.at
    if here.skip("drop"):
        here.skip("column")
        here.skip("if", "exists")
        if here.word() not in ("not", "default", "expression", "identity") and (named := here.name()):
            yield _effect("drop_column", parts, column=named[-1], cascade=here.word() == "cascade")
    elif here.skip("alter"):
        here.skip("column")
        named = here.name()
        here.skip("set", "data")
        if named and here.word() == "type":
            yield _effect("alter_column_type", parts, column=named[-1])
    here.at = max(here.at, start)


_ALTERATIONS = (
    (("drop", "constraint"), "drop_constraint"),
    (("rename", "to"), "rename_table"),
    (("set", "schema"), "set_schema"),
    (("set", "unlogged"), "set_unlogged"),
    (("set", "logged"), "set_logged"),
    (("detach", "partition"), "detach_partition"),
    (("attach", "partition"), "attach_partition"),
    (("no", "inherit"), "no_inherit"),
    (("disable", "trigger"), "disable_trigger"),
    (("enable", "row", "level", "security"), "enable_row_security"),
    (("force", "row", "level", "security"), "enable_row_security"),
    (("disable", "row", "level", "security"), "disable_row_security"),
)


def _vacuum(here: Reader) -> Iterator[Effect]:
    here.at += 1
    full = here.has("full")
    inside = here.symbol("(")
    while inside and here.at < len(here.group) and not here.symbol(")"):
        full = full or here.word() == "full"
        here.at += 1
    while here.word() in ("full", "freeze", "verbose", "analyze"):
        here.at += 1
    operation = "vacuum_full" if full else "vacuum"
    found = list(here.names())
    for parts in found or [()]:
        yield _effect(operation, parts)


def _execute(here: Reader) -> Iterator[Effect]:
    here.at += 1
    if here.word() in ("function", "procedure"):  # CREATE TRIGGER … EXECUTE FUNCTION
        return
    if here.at < len(here.group) and here.group[here.at].kind in ("string", "dollar"):
        alone = here.at + 1 == len(here.group) or here.group[here.at + 1].value.lower() in (
            "using",
            "into",
            "loop",
            ";",
        )
        found = by_words(unquoted(here.group[here.at])) if alone else []
        if found:
            yield from found
            return
    yield _effect("dynamic", here.name())


def _call(here: Reader) -> Iterator[Effect]:
    here.at += 1
    if parts := here.name():
        yield _effect("call", parts)


def _copy(here: Reader) -> Iterator[Effect]:
    here.at += 1
    if parts := here.name():
        yield _effect("copy_in" if here.has("from") else "copy_out", parts)


def _insert(here: Reader) -> Iterator[Effect]:
    if here.skip("insert", "into") and (parts := here.name()):
        yield _effect("insert", parts)
        words = [token.value.lower() for token in here.group[here.at :] if token.kind == "word"]
        if any(words[at : at + 2] == ["do", "update"] for at in range(len(words))):
            yield _effect("upsert", parts)


def _create(here: Reader) -> Iterator[Effect]:
    """Temporary tables, to be spared; tables, since the analysis asks who made them."""
    here.at += 1
    here.skip("local") or here.skip("global")
    temporary = here.skip("temp") or here.skip("temporary")
    here.skip("unlogged")
    if here.skip("table"):
        perhaps = "perhaps" if here.skip("if", "not", "exists") else ""
        if parts := here.name():
            yield _effect("create_table", parts, within="temporary" if temporary else perhaps)


def _reassign(here: Reader) -> Iterator[Effect]:
    if here.skip("reassign", "owned", "by") and (parts := here.name()):
        yield _effect("reassign_owned", parts)


def _cluster(here: Reader) -> Iterator[Effect]:
    here.at += 1
    here.skip("verbose")
    yield _effect("cluster", here.name())


def _refresh(here: Reader) -> Iterator[Effect]:
    if here.skip("refresh", "materialized", "view"):
        here.skip("concurrently")
        parts = here.name()
        words = [token.value.lower() for token in here.group[here.at :]]
        yield _effect("refresh_materialized_view", parts, harmless="no" not in words)


def _set(here: Reader) -> Iterator[Effect]:
    here.at += 1
    here.skip("session") or here.skip("local")
    if here.skip("session_replication_role") and any(
        "replica" in token.value.lower() for token in here.group[here.at : here.at + 2]
    ):
        yield _effect("disable_trigger", (), column="session_replication_role")


_RULES: dict[str, Callable[[Reader], Iterator[Effect]]] = {
    "delete": _delete,
    "truncate": _truncate,
    "update": _update,
    "merge": _merge,
    "drop": _drop,
    "alter": _alter,
    "vacuum": _vacuum,
    "execute": _execute,
    "call": _call,
    "copy": _copy,
    "insert": _insert,
    "create": _create,
    "reassign": _reassign,
    "cluster": _cluster,
    "refresh": _refresh,
    "set": _set,
}


def by_words(text: str, line: int = 1, scope: Scope | None = None) -> list[Effect]:
    """Effects of SQL or plpgsql text by its words; line is the line on which the text begins.

    >>> [(each.operation, each.object, each.bounded) for each in by_words("DELETE FROM a.b WHERE status \\\\!= 'x'")]
    [('delete', 'a.b', True)]
    """
    found, scope = [], scope or Scope()
    for group in grouped(text):
        at_line = line + text.count("\n", 0, group[0].start)
        written = text[group[0].start : group[-1].end][:TEXT_LIMIT]
        for each in _statement(text, group, scope):
            if each.within == "temporary":
                scope.temporary.add(each.parts[-1])
                continue
            if each.within == "perhaps":
                scope.perhaps.add(each.parts)
                each = replace(each, within="")
            if not scope.harmless(each.parts):
                found.append(replace(each, line=at_line + each.line - 1, text=written))
    return found


def _runs_nothing(group: list[Token]) -> bool:
    """PREPARE stores a statement, EXPLAIN without ANALYZE plans it."""
    first, *others = [token.value.lower() for token in group[:30]]
    if first == "explain":
        return not any(a == "analyze" and b not in ("false", "off", "0") for a, b in pairwise([*others, ""]))
    return first == "prepare" and others[:1] != ["transaction"]


def _statement(text: str, group: list[Token], scope: Scope) -> list[Effect]:
    if _runs_nothing(group):
        return []
    found: list[Effect] = []
    for at, token in enumerate(group):
        if token.kind != "word" or not _may_begin(group, at):
            continue
        if rule := _RULES.get(token.value.lower()):
            offset = text.count("\n", group[0].start, token.start)
            found += [replace(each, line=offset + 1) for each in rule(Reader(group, at))]
    if found or group[0].kind != "word":
        return found + _bodies(text, group, scope)
    if group[0].value.lower() in _DESTRUCTIVE:
        return [_effect("unparsed", ())]
    return _bodies(text, group, scope)


def _may_begin(group: list[Token], at: int) -> bool:
    if at == 0:
        return True
    before = group[at - 1]
    if before.kind == "symbol":
        # "(" opens a CTE or a sub-statement, ")" ends EXPLAIN's options, a column list or a CTE, ">" a label.
        return before.value in "()>;"
    return before.kind == "word" and before.value.lower() in _OPENERS


def _bodies(text: str, group: list[Token], scope: Scope) -> list[Effect]:
    """Effects inside the dollar-quoted or quoted body of DO and CREATE FUNCTION."""
    first = [token.value.lower() for token in group[:4]]
    within = (
        "do"
        if first[0] == "do"
        else "function"
        if first[0] == "create" and {"function", "procedure"} & {*first}
        else ""
    )
    if not within:
        return []
    found = []
    for token in group:
        if token.kind == "dollar" or (token.kind == "string" and "\n" in token.value):
            line = text.count("\n", group[0].start, token.start) + 1
            found += [
                replace(each, within=within)
                for each in by_words(unquoted(token), line, scope if within == "do" else None)
            ]
    return found
