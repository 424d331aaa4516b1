"""Parse tree nodes to effects: one small function for each kind of node that does something."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace

from postgast import pg_query_pb2 as pg

from triage_kit.sql import objects
from triage_kit.sql.conditions import KEY, column_of, constant, fixed, limits, never, one_row, truth
from triage_kit.sql.functions import call_effects, run_text, written
from triage_kit.sql.names import Node, Scope, make, named, option, relation, strings
from triage_kit.sql.overwriting import blots_out, tied
from triage_kit.sql.vocabulary import Effect, hides_rows

_OF_TABLES = frozenset(
    ("delete", "truncate", "update", "merge", "insert", "upsert", "drop_table", "drop_column", "copy_in")
)
_ALTERS = ("alter_", "rename_table", "set_", "disable_", "enable_", "vacuum", "cluster")


def node_effects(statement: Node, scope: Scope) -> Iterator[Effect]:
    """Effects of one statement node, those of CTEs, sub-statements and rules included."""
    for effect in _of(statement, scope):
        about_table = effect.operation in _OF_TABLES or effect.operation.startswith(_ALTERS)
        if not about_table or not effect.parts or not scope.harmless(effect.parts):
            yield _placed(effect, scope) if scope.path and effect.operation in _PLACED else effect


_PLACED = _OF_TABLES - {"copy_in"} | {"create_table", "rename_table", "add_column"}


def _placed(effect: Effect, scope: Scope) -> Effect:
    """The effect with the schema that the text has set before a bare name."""
    if len(effect.parts) != 1 or effect.within:
        return effect
    parts = (scope.path, *effect.parts)
    return replace(effect, parts=parts, object=".".join(parts))


def _of(message: Node, scope: Scope) -> Iterator[Effect]:
    name = message.DESCRIPTOR.name
    if name == "ExplainStmt" and not option(message.options, "analyze"):
        return
    if name == "PrepareStmt":  # stored, not run; EXECUTE runs it
        scope.prepared[message.name] = message.query
        return
    if handler := _HANDLERS.get(name):
        yield from handler(message, scope)
        if name in ("CreateFunctionStmt", "RuleStmt", "DoStmt"):
            return
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        for each in value if field.is_repeated else (value,):
            yield from _of(each, scope)


# rows


def _delete(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = relation(node.relation)
    harmless = never(node, parts) or _of_own_rows(node.where_clause, scope.keys.get(parts, frozenset()))
    own = () if node.using_clause else fixed(node)  # else a column may be of the other table
    bounded = limits(node, parts) and tied(node, node.using_clause)
    yield make("delete", parts, bounded=bounded, harmless=harmless, fixed=own)


def _of_own_rows(condition: Node, keys: AbstractSet[tuple[str, str]]) -> bool:
    """Whether a condition picks nothing but keys of rows that the text itself has added."""
    if not keys or condition.WhichOneof("node") != "a_expr" or condition.a_expr.kind not in (pg.AEXPR_OP, pg.AEXPR_IN):
        return False
    test = condition.a_expr
    if [each.string.sval for each in test.name] != ["="]:
        return False
    column, listed = column_of(test.lexpr), test.rexpr.list.items if test.kind == pg.AEXPR_IN else [test.rexpr]
    return all(each.WhichOneof("node") == "a_const" and (column, constant(each.a_const)) in keys for each in listed)


def _note_keys(node: Node, scope: Scope) -> None:
    """Note the keys of rows that are written out; a row of the same key would have been refused."""
    columns = [each.res_target.name for each in node.cols]
    for row in node.select_stmt.select_stmt.values_lists:
        for column, value in zip(columns, row.list.items, strict=False):
            if KEY.match(column) and value.WhichOneof("node") == "a_const":
                scope.keys.setdefault(relation(node.relation), set()).add((column, constant(value.a_const)))


def _update(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = relation(node.relation)
    hides = _hiding(node.target_list)
    changes = tuple(each.res_target.name for each in node.target_list)
    # One row that a key picks is hidden as an application hides it all day, and shown again by the same key.
    bounded = limits(node, parts) and tied(node, node.from_clause)
    single = one_row(node, parts)
    harmless, overwrites = never(node, parts) or (bool(hides) and single), not single and blots_out(node.target_list)
    told = {"column": hides, "harmless": harmless, "changes": changes, "overwrites": overwrites}
    yield make("update", parts, bounded=bounded, **told)
    # pg_partman drops partitions by what stands here: its next maintenance, for which a schedule is usual.
    if parts[-1:] == ("part_config",) and any(map(_retires, node.target_list)):
        yield make("drop_chunks", (), column="part_config", harmless=harmless)
    if parts[-2:] == _SCHEDULE:
        yield from (run_text(written(each.res_target.val)) for each in node.target_list if _of_command(each))


_SCHEDULE = ("cron", "job")  # pg_cron's table of what it runs


def _of_command(target: Node) -> bool:
    return target.res_target.name == "command" and bool(written(target.res_target.val))


def _retires(target: Node) -> bool:
    """Whether an assignment lets pg_partman drop what is older, or drop what it would only have detached."""
    column, value = target.res_target.name, target.res_target.val
    if column == "retention":
        return not (value.WhichOneof("node") == "a_const" and value.a_const.isnull)
    return column == "retention_keep_table" and truth(value) is False


def _hiding(targets: Node) -> str:
    """The column by which an UPDATE marks rows as deleted; empty where it does not."""
    for each in targets:
        column, value = each.res_target.name, each.res_target.val
        null = value.WhichOneof("node") == "a_const" and value.a_const.isnull
        if hides_rows(column, null, truth(value)):
            return column
    return ""


def _insert(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = relation(node.relation)
    yield make("insert", parts)
    if parts[-2:] == _SCHEDULE:
        values = (value for row in node.select_stmt.select_stmt.values_lists for value in row.list.items)
        yield from (run_text(text) for text in map(written, values) if " " in text)
    if not node.HasField("on_conflict_clause"):
        _note_keys(node, scope)
    if node.on_conflict_clause.action == pg.ONCONFLICT_UPDATE:
        # Rows that are written out overwrite those of their own keys, as an UPDATE with a WHERE does.
        yield make("upsert", parts, bounded=bool(node.select_stmt.select_stmt.values_lists))


def _merge(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = relation(node.relation)
    bounded = truth(node.join_condition, parts) is not True
    commands = {each.merge_when_clause.command_type for each in node.merge_when_clauses}
    yield make("merge", parts, bounded=bounded, harmless=bounded or pg.CMD_UPDATE not in commands)
    if pg.CMD_DELETE in commands:
        yield make("delete", parts, bounded=bounded)


def _truncate(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.relations:
        yield make("truncate", relation(each.range_var), cascade=node.behavior == pg.DROP_CASCADE)


def _copy(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.HasField("relation"):
        yield make("copy_in" if node.is_from else "copy_out", relation(node.relation))
    if node.is_program and not _FILTERS.match(node.filename):
        yield make("run_program", (), column=node.filename)


# Programs that only read, pack and sort what runs through them, and a file that they may write.
_FILTER = r"\s*(?:[gb]?zip2?|gunzip|[zbx]?z?cat|zstd(?:cat)?|xz|lz4(?:cat)?|pigz|head|tail|sort|uniq|wc|cut|tr)\b"
_FILTERS = re.compile(rf"{_FILTER}[^;&|`$<>]*(?:\|{_FILTER}[^;&|`$<>]*)*(?:>{{1,2}}[^;&|`$<>]*)?\Z")


# maintenance, settings, code


def _vacuum(node: Node, scope: Scope) -> Iterator[Effect]:
    if not node.is_vacuumcmd:  # ANALYZE is the same node
        return
    operation = "vacuum_full" if option(node.options, "full") else "vacuum"
    for each in [relation(each.vacuum_relation.relation) for each in node.rels] or [()]:
        yield make(operation, each)


def _set(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.name != "session_replication_role":
        return
    if [each.a_const.sval.sval.lower() for each in node.args] == ["replica"]:
        scope.stop(())
        yield make("disable_trigger", (), column="session_replication_role")
    else:
        scope.start(())


def _role_set(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.setstmt.name == "search_path":
        database = getattr(node, "dbname", "") or getattr(node, "database", "")
        of_role = node.DESCRIPTOR.name == "AlterRoleSetStmt"
        yield make("set_search_path", (node.role.rolename if of_role else database,))
    yield from _set(node.setstmt, scope)


def _call(node: Node, scope: Scope) -> Iterator[Effect]:
    yield make("call", strings(node.funccall.funcname))


def _execute(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.name in scope.prepared:
        yield from _of(scope.prepared[node.name], scope)
    else:
        yield make("dynamic", (node.name,))


def _body(language: str, body: str, within: str) -> Effect:
    # grammar.py reads the body; the three fields carry it there.
    return Effect("create_function", within, text=body, column=language, within="body")


def _create_function(node: Node, scope: Scope) -> Iterator[Effect]:
    yield make("create_function", strings(node.funcname))
    options = {each.def_elem.defname: each.def_elem.arg for each in node.options}
    if "as" in options:
        language = options["language"].string.sval if "language" in options else "sql"
        yield _body(language, named(options["as"])[0], "function")
    if node.HasField("sql_body"):
        for effect in _of(node.sql_body, scope):
            yield replace(effect, within="function")


def _do(node: Node, scope: Scope) -> Iterator[Effect]:
    options = {each.def_elem.defname: each.def_elem.arg.string.sval for each in node.args}
    yield _body(options.get("language", "plpgsql"), options.get("as", ""), "do")


def _rule(node: Node, scope: Scope) -> Iterator[Effect]:
    yield make("create_rule", relation(node.relation), column=node.rulename)
    if node.instead and node.event == pg.CMD_INSERT and not node.actions:
        yield make("swallow_inserts", relation(node.relation), column=node.rulename)
    for each in node.actions:
        for effect in _of(each, scope):
            yield replace(effect, within="rule")


_HANDLERS: dict[str, Callable[[Node, Scope], Iterator[Effect]]] = {
    **objects.HANDLERS,
    "DeleteStmt": _delete,
    "UpdateStmt": _update,
    "InsertStmt": _insert,
    "MergeStmt": _merge,
    "TruncateStmt": _truncate,
    "CopyStmt": _copy,
    "ExecuteStmt": _execute,
    "VacuumStmt": _vacuum,
    "VariableSetStmt": _set,
    "AlterRoleSetStmt": _role_set,
    "AlterDatabaseSetStmt": _role_set,
    "CallStmt": _call,
    "FuncCall": call_effects,
    "CreateFunctionStmt": _create_function,
    "DoStmt": _do,
    "RuleStmt": _rule,
}
