"""Parse tree nodes to effects: one small function for each kind of node that does something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from triage_kit.sql.vocabulary import Effect

Node = Any  # protobuf messages have no useful static type here


class Scope:
    """Temporary tables that the same text made before: what happens to them costs nobody anything."""

    def __init__(self) -> None:
        self.temporary: set[str] = set()

    def harmless(self, parts: tuple[str, ...]) -> bool:
        return parts[:1] == ("pg_temp",) or (len(parts) == 1 and parts[0] in self.temporary)


_OF_TABLES = frozenset(("delete", "truncate", "update", "merge", "insert", "drop_table", "drop_column", "copy_in"))


def node_effects(statement: Node, scope: Scope) -> Iterator[Effect]:
    """Effects of one statement node, those of CTEs, sub-statements and rules included."""
    for effect in _of(statement, scope):
        if effect.operation not in _OF_TABLES or not scope.harmless(effect.parts):
            yield effect


def _of(message: Node, scope: Scope) -> Iterator[Effect]:
    name = message.DESCRIPTOR.name
    if name == "ExplainStmt" and not _option(message.options, "analyze"):
        return
    if name == "PrepareStmt":  # stored, not run; EXECUTE runs it
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


# names


def _range(relation: Node) -> tuple[str, ...]:
    return tuple(part for part in (relation.catalogname, relation.schemaname, relation.relname) if part)


def _strings(nodes: Any) -> tuple[str, ...]:
    return tuple(each.string.sval for each in nodes if each.WhichOneof("node") == "string")


def _object(node: Node) -> tuple[str, ...]:
    kind = node.WhichOneof("node")
    if kind == "list":
        return _strings(node.list.items)
    if kind == "string":
        return (node.string.sval,)
    if kind == "type_name":
        return _strings(node.type_name.names)
    if kind == "object_with_args":
        return _strings(node.object_with_args.objname)
    return ()


def _make(operation: str, parts: tuple[str, ...], **facts: Any) -> Effect:
    return Effect(operation, ".".join(parts), parts, **facts)


def _cascade(node: Node) -> bool:
    return node.behavior == pg.DROP_CASCADE


def _option(options: Any, name: str) -> bool:
    for each in options:
        if each.def_elem.defname == name:
            arg = each.def_elem.arg
            written = arg.string.sval or (str(arg.integer.ival) if arg.WhichOneof("node") == "integer" else "")
            return written.lower() not in ("false", "off", "0")
    return False


# rows


def _always_true(node: Node) -> bool:
    """Whether a condition limits nothing: true, 1=1, x=x, NOT false, and what AND and OR make of them."""
    kind = node.WhichOneof("node")
    if kind == "a_const":
        return node.a_const.boolval.boolval
    if kind == "type_cast":
        return node.type_cast.arg.a_const.sval.sval.lower() in ("t", "true", "1", "yes", "on")
    if kind == "bool_expr":
        args = [_always_true(each) for each in node.bool_expr.args]
        if node.bool_expr.boolop == pg.AND_EXPR:
            return all(args)
        if node.bool_expr.boolop == pg.OR_EXPR:
            return any(args)
        inner = node.bool_expr.args[0]
        return inner.WhichOneof("node") == "a_const" and inner.a_const.HasField("boolval") and not _always_true(inner)
    if kind == "a_expr" and node.a_expr.kind == pg.AEXPR_OP:
        return _compares_always(node.a_expr)
    return False


def _compares_always(expression: Node) -> bool:
    left, right, sign = expression.lexpr, expression.rexpr, _strings(expression.name)[-1:]
    kinds = {left.WhichOneof("node"), right.WhichOneof("node")}
    if kinds == {"a_const"}:
        same = _value(left.a_const) == _value(right.a_const)
        return same if sign in (("=",), ("<=",), (">=",)) else sign in (("<>",), ("!=",)) and not same
    if kinds == {"column_ref"} and sign == ("=",):
        return [f.string.sval for f in left.column_ref.fields] == [f.string.sval for f in right.column_ref.fields]
    return False


def _value(constant: Node) -> tuple[str, str]:
    kind = constant.WhichOneof("val") or "null"
    return kind, str(getattr(constant, kind)) if kind != "null" else ""


def _bounded(node: Node) -> bool:
    return node.HasField("where_clause") and not _always_true(node.where_clause)


def _delete(node: Node, scope: Scope) -> Iterator[Effect]:
    yield _make("delete", _range(node.relation), bounded=_bounded(node))


def _update(node: Node, scope: Scope) -> Iterator[Effect]:
    yield _make("update", _range(node.relation), bounded=_bounded(node))


def _insert(node: Node, scope: Scope) -> Iterator[Effect]:
    yield _make("insert", _range(node.relation))


def _merge(node: Node, scope: Scope) -> Iterator[Effect]:
    bounded = not _always_true(node.join_condition)
    yield _make("merge", _range(node.relation), bounded=bounded)
    clauses = [each.merge_when_clause for each in node.merge_when_clauses]
    if any(each.command_type == pg.CMD_DELETE for each in clauses):
        yield _make("delete", _range(node.relation), bounded=bounded)


def _truncate(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.relations:
        yield _make("truncate", _range(each.range_var), cascade=_cascade(node))


def _copy(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.HasField("relation"):
        yield _make("copy_in" if node.is_from else "copy_out", _range(node.relation))


# objects

_DROPS = {
    pg.OBJECT_TABLE: "drop_table",
    pg.OBJECT_SCHEMA: "drop_schema",
    pg.OBJECT_TYPE: "drop_type",
    pg.OBJECT_DOMAIN: "drop_type",
    pg.OBJECT_VIEW: "drop_view",
    pg.OBJECT_MATVIEW: "drop_materialized_view",
    pg.OBJECT_FOREIGN_TABLE: "drop_foreign_table",
    pg.OBJECT_INDEX: "drop_index",
    pg.OBJECT_SEQUENCE: "drop_sequence",
    pg.OBJECT_EXTENSION: "drop_extension",
    pg.OBJECT_FUNCTION: "drop_function",
    pg.OBJECT_PROCEDURE: "drop_function",
    pg.OBJECT_ROUTINE: "drop_function",
    pg.OBJECT_AGGREGATE: "drop_function",
}
# These are named table first, own name last.
_DROPS_ON = {pg.OBJECT_TRIGGER: "drop_trigger", pg.OBJECT_RULE: "drop_rule", pg.OBJECT_POLICY: "drop_policy"}


def _drop(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.objects:
        parts = _object(each)
        if operation := _DROPS_ON.get(node.remove_type):
            yield _make(operation, parts[:-1], column=parts[-1], cascade=_cascade(node))
        else:
            yield _make(_DROPS.get(node.remove_type, "drop_other"), parts, cascade=_cascade(node))


def _drop_owned(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.roles:
        yield _make("drop_owned", (each.role_spec.rolename,), cascade=_cascade(node))


def _drop_role(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.roles:
        yield _make("drop_role", (each.role_spec.rolename,))


def _named(operation: str, field: str) -> Callable[[Node, Scope], Iterator[Effect]]:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        yield _make(operation, (getattr(node, field),))

    return handler


def _of_names(operation: str, field: str) -> Callable[[Node, Scope], Iterator[Effect]]:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        yield _make(operation, _strings(getattr(node, field)))

    return handler


def _of_table(operation: str, field: str, column: str = "") -> Callable[[Node, Scope], Iterator[Effect]]:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        yield _make(operation, _range(getattr(node, field)), column=getattr(node, column) if column else "")

    return handler


_ALTERATIONS = {
    pg.AT_DropColumn: "drop_column",
    pg.AT_AddColumn: "add_column",
    pg.AT_AlterColumnType: "alter_column_type",
    pg.AT_DropConstraint: "drop_constraint",
    pg.AT_SetUnLogged: "set_unlogged",
    pg.AT_SetLogged: "set_logged",
    pg.AT_SetTableSpace: "set_tablespace",
    pg.AT_DropInherit: "no_inherit",
    pg.AT_DisableTrig: "disable_trigger",
    pg.AT_DisableTrigAll: "disable_trigger",
    pg.AT_DisableTrigUser: "disable_trigger",
    pg.AT_EnableRowSecurity: "enable_row_security",
    pg.AT_ForceRowSecurity: "enable_row_security",
    pg.AT_DisableRowSecurity: "disable_row_security",
}
_PARTITIONS = {
    pg.AT_DetachPartition: "detach_partition",
    pg.AT_DetachPartitionFinalize: "detach_partition",
    pg.AT_AttachPartition: "attach_partition",
}


def _alter_table(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = _range(node.relation)
    for each in node.cmds:
        command = each.alter_table_cmd
        if operation := _PARTITIONS.get(command.subtype):
            partition = _range(getattr(command, "def").partition_cmd.name)
            yield _make(operation, partition, column=".".join(parts))
            continue
        operation = _ALTERATIONS.get(command.subtype, "alter_table")
        column = command.name or getattr(command, "def").column_def.colname
        yield _make(operation, parts, column=column, cascade=_cascade(command))


_RENAMES = {
    pg.OBJECT_TABLE: "rename_table",
    pg.OBJECT_FOREIGN_TABLE: "rename_table",
    pg.OBJECT_MATVIEW: "rename_table",
    pg.OBJECT_VIEW: "rename_table",
    pg.OBJECT_COLUMN: "rename_column",
}


def _rename(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.rename_type == pg.OBJECT_SCHEMA:
        yield _make("rename_schema", (node.subname,), column=node.newname)
    elif node.rename_type == pg.OBJECT_DATABASE:
        yield _make("rename_database", (node.subname,), column=node.newname)
    elif node.rename_type in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
        yield _make("alter_type", _object(node.object), column=node.newname)
    elif operation := _RENAMES.get(node.rename_type):
        yield _make(
            operation, _range(node.relation), column=node.subname if operation == "rename_column" else node.newname
        )


def _set_schema(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.HasField("relation"):
        yield _make("set_schema", _range(node.relation), column=node.newschema)


def _create_table(node: Node, scope: Scope) -> Iterator[Effect]:
    relation = node.relation if node.DESCRIPTOR.name == "CreateStmt" else node.into.rel
    if relation.relpersistence == "t":
        scope.temporary.add(relation.relname)
        return
    materialized = node.DESCRIPTOR.name == "CreateTableAsStmt" and node.objtype == pg.OBJECT_MATVIEW
    yield _make("create_materialized_view" if materialized else "create_table", _range(relation))


def _select_into(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.HasField("into_clause"):
        relation = node.into_clause.rel
        if relation.relpersistence == "t":
            scope.temporary.add(relation.relname)
        else:
            yield _make("create_table", _range(relation))


# maintenance, settings, code


def _vacuum(node: Node, scope: Scope) -> Iterator[Effect]:
    if not node.is_vacuumcmd:  # ANALYZE is the same node
        return
    operation = "vacuum_full" if _option(node.options, "full") else "vacuum"
    for each in [_range(each.vacuum_relation.relation) for each in node.rels] or [()]:
        yield _make(operation, each)


def _set(node: Node, scope: Scope) -> Iterator[Effect]:
    values = [each.a_const.sval.sval.lower() for each in node.args]
    if node.name == "session_replication_role" and values == ["replica"]:
        yield _make("disable_trigger", (), column="session_replication_role")


def _role_set(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.setstmt.name == "search_path":
        database = getattr(node, "dbname", "") or getattr(node, "database", "")
        yield _make(
            "set_search_path", (node.role.rolename if node.DESCRIPTOR.name == "AlterRoleSetStmt" else database,)
        )


def _call(node: Node, scope: Scope) -> Iterator[Effect]:
    yield _make("call", _strings(node.funccall.funcname))


def _function_call(node: Node, scope: Scope) -> Iterator[Effect]:
    name = _strings(node.funcname)[-1:]
    if name and name[0].startswith("pg_stat") and "reset" in name[0].split("_"):
        yield _make("reset_statistics", name)


def _body(node: Node, language: str, body: str, within: str) -> Effect:
    # grammar.py reads the body; the three fields carry it there.
    return Effect("create_function", within, text=body, column=language, within="body")


def _create_function(node: Node, scope: Scope) -> Iterator[Effect]:
    yield _make("create_function", _strings(node.funcname))
    options = {each.def_elem.defname: each.def_elem.arg for each in node.options}
    if "as" in options:
        language = options["language"].string.sval if "language" in options else "sql"
        yield _body(node, language, _object(options["as"])[0], "function")
    if node.HasField("sql_body"):
        for effect in _of(node.sql_body, scope):
            yield _within(effect, "function")


def _do(node: Node, scope: Scope) -> Iterator[Effect]:
    options = {each.def_elem.defname: each.def_elem.arg.string.sval for each in node.args}
    yield _body(node, options.get("language", "plpgsql"), options.get("as", ""), "do")


def _rule(node: Node, scope: Scope) -> Iterator[Effect]:
    yield _make("create_rule", _range(node.relation), column=node.rulename)
    for each in node.actions:
        for effect in _of(each, scope):
            yield _within(effect, "rule")


def _within(effect: Effect, place: str) -> Effect:
    return Effect(**(vars(effect) | {"within": place}))


_HANDLERS: dict[str, Callable[[Node, Scope], Iterator[Effect]]] = {
    "DeleteStmt": _delete,
    "UpdateStmt": _update,
    "InsertStmt": _insert,
    "MergeStmt": _merge,
    "TruncateStmt": _truncate,
    "CopyStmt": _copy,
    "DropStmt": _drop,
    "DropOwnedStmt": _drop_owned,
    "DropRoleStmt": _drop_role,
    "DropdbStmt": _named("drop_database", "dbname"),
    "DropTableSpaceStmt": _named("drop_tablespace", "tablespacename"),
    "DropSubscriptionStmt": _named("drop_subscription", "subname"),
    "CreateSchemaStmt": _named("create_schema", "schemaname"),
    "CreatedbStmt": _named("create_database", "dbname"),
    "ExecuteStmt": _named("dynamic", "name"),
    "AlterTableStmt": _alter_table,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterEnumStmt": _of_names("alter_type", "type_name"),
    "CreateEnumStmt": _of_names("create_type", "type_name"),
    "CreateDomainStmt": _of_names("create_type", "domainname"),
    "CreateRangeStmt": _of_names("create_type", "type_name"),
    "CompositeTypeStmt": _of_table("create_type", "typevar"),
    "CreatePolicyStmt": _of_table("create_policy", "table", "policy_name"),
    "AlterPolicyStmt": _of_table("alter_policy", "table", "policy_name"),
    "CreateTrigStmt": _of_table("create_trigger", "relation", "trigname"),
    "IndexStmt": _of_table("create_index", "relation", "idxname"),
    "ViewStmt": _of_table("create_view", "view"),
    "RefreshMatViewStmt": _of_table("refresh_materialized_view", "relation"),
    "ClusterStmt": _of_table("cluster", "relation", "indexname"),
    "ReindexStmt": _of_table("reindex", "relation"),
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table,
    "SelectStmt": _select_into,
    "VacuumStmt": _vacuum,
    "VariableSetStmt": _set,
    "AlterRoleSetStmt": _role_set,
    "AlterDatabaseSetStmt": _role_set,
    "CallStmt": _call,
    "FuncCall": _function_call,
    "CreateFunctionStmt": _create_function,
    "DoStmt": _do,
    "RuleStmt": _rule,
}
