"""Statements that drop, alter, rename and create objects, node by node."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from postgast import pg_query_pb2 as pg

from triage_kit.sql.conditions import column_of, truth
from triage_kit.sql.names import Node, Scope, cascade, make, named, relation, strings
from triage_kit.sql.vocabulary import Effect, refused

Handler = Callable[[Node, Scope], Iterator[Effect]]

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
    pg.OBJECT_FOREIGN_SERVER: "drop_server",
    pg.OBJECT_FDW: "drop_server",
    pg.OBJECT_COLLATION: "drop_collation",
}
# These are named table first, own name last.
_DROPS_ON = {pg.OBJECT_TRIGGER: "drop_trigger", pg.OBJECT_RULE: "drop_rule", pg.OBJECT_POLICY: "drop_policy"}


def _drop(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.objects:
        parts = named(each)
        if operation := _DROPS_ON.get(node.remove_type):
            if operation == "drop_policy":
                scope.replace(parts, node.missing_ok)
            yield make(operation, parts[:-1], column=parts[-1], cascade=cascade(node))
        else:
            operation = _DROPS.get(node.remove_type, "drop_other")
            harmless = refused(operation, parts) and not cascade(node)
            if operation == "drop_materialized_view":
                scope.replace(parts, node.missing_ok)
            yield make(operation, parts, cascade=cascade(node), harmless=harmless)


def _drop_owned(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.roles:
        yield make("drop_owned", (each.role_spec.rolename,), cascade=cascade(node))


def _reassign_owned(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.roles:
        yield make("reassign_owned", (each.role_spec.rolename,), column=node.newrole.rolename)


def _drop_role(node: Node, scope: Scope) -> Iterator[Effect]:
    for each in node.roles:
        yield make("drop_role", (each.role_spec.rolename,))


def _of_field(operation: str, field: str) -> Handler:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        yield make(operation, (getattr(node, field),))

    return handler


def _perhaps(operation: str, field: str) -> Handler:
    """What is made of one name, and may be there already where IF NOT EXISTS says so."""

    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        parts = (getattr(node, field),)
        if node.if_not_exists:
            scope.perhaps.add(parts)
        yield make(operation, parts)

    return handler


def _of_names(operation: str, field: str) -> Handler:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        yield make(operation, strings(getattr(node, field)))

    return handler


def _of_table(operation: str, field: str, column: str = "") -> Handler:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        yield make(operation, relation(getattr(node, field)), column=getattr(node, column) if column else "")

    return handler


_ALTERATIONS = {
    pg.AT_DropColumn: "drop_column",
    pg.AT_AddColumn: "add_column",
    pg.AT_AlterColumnType: "alter_column_type",
    pg.AT_DropConstraint: "drop_constraint",
    pg.AT_SetUnLogged: "set_unlogged",
    pg.AT_SetLogged: "set_logged",
    pg.AT_SetTableSpace: "set_tablespace",
    pg.AT_SetAccessMethod: "set_access_method",
    pg.AT_DropInherit: "no_inherit",
    pg.AT_DisableTrig: "disable_trigger",
    pg.AT_DisableTrigAll: "disable_trigger",
    pg.AT_DisableTrigUser: "disable_trigger",
    pg.AT_EnableRowSecurity: "enable_row_security",
    pg.AT_ForceRowSecurity: "enable_row_security",
    pg.AT_DisableRowSecurity: "disable_row_security",
}
_STARTS = (pg.AT_EnableTrigAll, pg.AT_EnableAlwaysTrig)
_PARTITIONS = {
    pg.AT_DetachPartition: "detach_partition",
    pg.AT_DetachPartitionFinalize: "detach_partition",
    pg.AT_AttachPartition: "attach_partition",
}


def _alter_table(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = relation(node.relation)
    for each in node.cmds:
        command = each.alter_table_cmd
        if operation := _PARTITIONS.get(command.subtype):
            partition = relation(getattr(command, "def").partition_cmd.name)
            yield make(operation, partition, column=".".join(parts))
            continue
        operation = _ALTERATIONS.get(command.subtype, "alter_table")
        column = command.name or getattr(command, "def").column_def.colname or command.newowner.rolename
        if operation == "disable_trigger":
            scope.stop(parts)
        elif command.subtype in _STARTS:
            scope.start(parts)
        elif operation == "add_column" and command.missing_ok:
            scope.perhaps.add((*parts, column))
        # A table's own triggers may be stopped without harm to its keys; those of the keys are stopped by ALL alone.
        harmless = (
            _widens(getattr(command, "def").column_def, command.name, scope)
            if operation == "alter_column_type"
            else operation == "disable_trigger" and command.subtype != pg.AT_DisableTrigAll
        )
        yield make(operation, parts, column=column, cascade=cascade(command), harmless=harmless)


# A value that is too long for one of these is refused where no USING cuts it; a number's scale would round it.
_REFUSING = frozenset(("varchar", "bpchar", "bit", "varbit"))
# Every value of the types that can be cast to these without a USING fits in them; the cast is refused otherwise.
_WIDE = frozenset(("text", "varchar", "int8", "numeric", "float8", "jsonb", "citext", "timestamptz", "uuid", "inet"))
_ROUNDING = frozenset(("int8", "float8"))  # where a USING casts a number to one of these


def _widens(column: Node, name: str, scope: Scope) -> bool:
    """Whether a new type keeps every value: no length that could cut them, and no USING but a cast of the column.

    An enum that the text itself makes refuses what is none of its labels, so that a cast to it changes no value.
    """
    kind, names = column.type_name, strings(column.type_name.names)
    if not column.HasField("raw_default"):
        return names[-1] in (_REFUSING if kind.typmods else _WIDE)
    if kind.typmods or kind.array_bounds:
        return False
    if names[-1] == "timestamptz" and _in_zone(column.raw_default) == name:
        return True
    keeps = names in scope.enums or names[-1] in _WIDE - _ROUNDING
    return keeps and _as_text(column.raw_default, names) == name


def _in_zone(node: Node) -> str:
    """The column that an expression takes for the time of a zone that is written out; empty for any other."""
    if node.WhichOneof("node") != "func_call" or strings(node.func_call.funcname)[-1:] != ("timezone",):
        return ""
    zone, value = node.func_call.args[0], node.func_call.args[-1]
    return column_of(value) if zone.WhichOneof("node") == "a_const" else ""


_TEXTS = frozenset(("text", "varchar"))


def _as_text(node: Node, target: tuple[str, ...]) -> str:
    """The column that an expression casts to the target and to nothing else but text on the way; empty for others."""
    while node.WhichOneof("node") == "type_cast":
        kind = node.type_cast.type_name
        if strings(kind.names) != target and (kind.typmods or strings(kind.names)[-1] not in _TEXTS):
            return ""
        node = node.type_cast.arg
    return column_of(node)


_RENAMES = {
    pg.OBJECT_TABLE: "rename_table",
    pg.OBJECT_FOREIGN_TABLE: "rename_table",
    pg.OBJECT_MATVIEW: "rename_table",
    pg.OBJECT_VIEW: "rename_table",
    pg.OBJECT_COLUMN: "rename_column",
}


def _rename(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.rename_type == pg.OBJECT_SCHEMA:
        yield make("rename_schema", (node.subname,), column=node.newname)
    elif node.rename_type == pg.OBJECT_DATABASE:
        yield make("rename_database", (node.subname,), column=node.newname)
    elif node.rename_type in (pg.OBJECT_TYPE, pg.OBJECT_DOMAIN):
        yield make("alter_type", named(node.object), column=node.newname)
    elif operation := _RENAMES.get(node.rename_type):
        column = node.subname if operation == "rename_column" else node.newname
        # A view holds no rows, and a column that is renamed keeps its values.
        harmless = operation == "rename_column" or node.rename_type == pg.OBJECT_VIEW
        yield make(operation, relation(node.relation), column=column, harmless=harmless)


def _set_schema(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.HasField("relation"):
        yield make("set_schema", relation(node.relation), column=node.newschema)


def _create_schema(node: Node, scope: Scope) -> Iterator[Effect]:
    parts = (node.schemaname or node.authrole.rolename,)
    if node.if_not_exists:
        scope.perhaps.add(parts)
    yield make("create_schema", parts)


def _define(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.kind == pg.OBJECT_COLLATION and not node.if_not_exists:
        yield make("create_collation", strings(node.defnames))


def _create_enum(node: Node, scope: Scope) -> Iterator[Effect]:
    scope.enums.add(strings(node.type_name))
    yield make("create_type", strings(node.type_name))


def _create_table(node: Node, scope: Scope) -> Iterator[Effect]:
    made = node.relation if node.DESCRIPTOR.name == "CreateStmt" else node.into.rel
    if made.relpersistence == "t":
        scope.temporary.add(made.relname)
        return
    materialized = node.DESCRIPTOR.name == "CreateTableAsStmt" and node.objtype == pg.OBJECT_MATVIEW
    if node.if_not_exists:
        scope.perhaps.add(relation(made))
    elif materialized and not node.into.skip_data and relation(made) in scope.replaced:
        scope.renewed.add(relation(made))
    yield make("create_materialized_view" if materialized else "create_table", relation(made))


def _select_into(node: Node, scope: Scope) -> Iterator[Effect]:
    if node.HasField("into_clause"):
        made = node.into_clause.rel
        if made.relpersistence == "t":
            scope.temporary.add(made.relname)
        else:
            yield make("create_table", relation(made))


_CHANGING = ("insert", "update", "delete")  # such a policy says what may be changed, not what is seen


def _policy(operation: str) -> Handler:
    def handler(node: Node, scope: Scope) -> Iterator[Effect]:
        # A permissive policy shows more rows; a restrictive one, and one that no row passes, hides them.
        quiet = operation == "create_policy" and node.cmd_name in _CHANGING
        harmless = quiet or (operation == "create_policy" and node.permissive and not _shuts(node))
        perhaps = scope.replaced.get(policy := (*relation(node.table), node.policy_name))
        # One that was surely there is not made anew by one for what may be changed, which shows no row.
        if harmless and perhaps is not None and (perhaps or not quiet):
            scope.renewed.add(policy)
        if operation == "create_policy" and _shows_all(node):
            scope.opened.add(relation(node.table))
        yield make(operation, relation(node.table), column=node.policy_name, harmless=harmless)

    return handler


def _shows_all(node: Node) -> bool:
    """Whether a policy lets everybody see every row."""
    everybody = [each.role_spec.roletype for each in node.roles] == [pg.ROLESPEC_PUBLIC]
    read = node.permissive and node.cmd_name not in _CHANGING
    return read and everybody and node.HasField("qual") and truth(node.qual) is True


def _shuts(node: Node) -> bool:
    return node.HasField("qual") and truth(node.qual) is False


def _refresh(node: Node, scope: Scope) -> Iterator[Effect]:
    yield make("refresh_materialized_view", relation(node.relation), harmless=not node.skip_data)


HANDLERS: dict[str, Handler] = {
    "DropStmt": _drop,
    "DropOwnedStmt": _drop_owned,
    "ReassignOwnedStmt": _reassign_owned,
    "DropRoleStmt": _drop_role,
    "DropdbStmt": _of_field("drop_database", "dbname"),
    "DropTableSpaceStmt": _of_field("drop_tablespace", "tablespacename"),
    "DropSubscriptionStmt": _of_field("drop_subscription", "subname"),
    "CreateSchemaStmt": _create_schema,
    "CreatedbStmt": _of_field("create_database", "dbname"),
    "AlterTableStmt": _alter_table,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterEnumStmt": _of_names("alter_type", "type_name"),
    "CreateForeignServerStmt": _perhaps("create_server", "servername"),
    "CreateExtensionStmt": _perhaps("create_extension", "extname"),
    "CreateRoleStmt": _of_field("create_role", "role"),
    "CreateTableSpaceStmt": _of_field("create_tablespace", "tablespacename"),
    "CreateSubscriptionStmt": _of_field("create_subscription", "subname"),
    "DefineStmt": _define,
    "CreateEnumStmt": _create_enum,
    "CreateDomainStmt": _of_names("create_type", "domainname"),
    "CreateRangeStmt": _of_names("create_type", "type_name"),
    "CompositeTypeStmt": _of_table("create_type", "typevar"),
    "CreatePolicyStmt": _policy("create_policy"),
    "AlterPolicyStmt": _policy("alter_policy"),
    "CreateTrigStmt": _of_table("create_trigger", "relation", "trigname"),
    "IndexStmt": _of_table("create_index", "relation", "idxname"),
    "ViewStmt": _of_table("create_view", "view"),
    "RefreshMatViewStmt": _refresh,
    "ClusterStmt": _of_table("cluster", "relation", "indexname"),
    "ReindexStmt": _of_table("reindex", "relation"),
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table,
    "SelectStmt": _select_into,
}
