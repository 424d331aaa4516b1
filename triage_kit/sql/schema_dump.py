"""What ``pg_dump --schema-only`` says of a database: tables, columns, keys, partitions, row security, triggers.

Everything is named as ``(schema, name)``: a dump holds no OIDs. Statements are read one by one by PostgreSQL's own
grammar, so one that cannot be read costs no other; types and expressions are kept as the dump spells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from triage_kit.sql import ddl
from triage_kit.sql.ddl import Name
from triage_kit.sql.lexer import grouped
from triage_kit.sql.psql import without_psql
from triage_kit.sql.trees import Unreadable, tree

TEXT_LIMIT = 20_000
_FROM = re.compile(r"(?m)^-- Dumped (from database|by pg_dump) version ([^\s(]+)")
_NO_DATA = re.compile(r"(?i)\s+with\s+(?:no\s+)?data\s*$")
_TRIGGER_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}  # pg_trigger.h, TRIGGER_TYPE_*
_ENABLED = {"AT_DisableTrig": "disabled", "AT_EnableReplicaTrig": "replica", "AT_EnableAlwaysTrig": "always"}


@dataclass
class SchemaDump:
    """The dump's objects; every list holds dictionaries with the columns of the evidence table of its name.

    Tables are named by ``table`` (and ``referenced``, ``parent``) as pairs where the evidence has an OID. ``told`` of
    an index or a trigger is its statement, ``identity`` of a sequence says that its column is one (always or by
    default). ``defaults`` are those of columns by table and name, empty where one was taken away, ``unread`` holds line
    and beginning of every statement that the grammar refused.
    """

    server: str = ""
    by: str = ""
    statements: int = 0
    unread: list[tuple[int, str]] = field(default_factory=list)
    namespaces: dict[str, dict] = field(default_factory=dict)
    relations: dict[Name, dict] = field(default_factory=dict)
    columns: dict[Name, list[dict]] = field(default_factory=dict)
    constraints: list[dict] = field(default_factory=list)
    defaults: dict[tuple[Name, str], str] = field(default_factory=dict)
    indexes: dict[Name, dict] = field(default_factory=dict)
    sequences: dict[Name, dict] = field(default_factory=dict)
    policies: list[dict] = field(default_factory=list)
    triggers: list[dict] = field(default_factory=list)
    extensions: dict[str, dict] = field(default_factory=dict)
    types: list[Name] = field(default_factory=list)
    functions: dict[Name, str] = field(default_factory=dict)


def read_schema_dump(text: str) -> SchemaDump:
    """The objects that the statements of a dump create, in the state after the last of them; never raises.

    >>> dump = read_schema_dump("CREATE TABLE m.a (id int); ALTER TABLE ONLY m.a ADD CONSTRAINT p PRIMARY KEY (id);")
    >>> list(dump.relations), dump.constraints[0]["kind"]
    ([('m', 'a')], 'primary_key')
    """
    reader = _Reader()
    for kind, version in _FROM.findall(text[:5000]):
        setattr(reader.dump, "server" if kind.startswith("from") else "by", version)
    for line, statement in _statements(text):
        reader.dump.statements += 1
        try:
            kind, node = tree(statement)
        except Unreadable:
            reader.dump.unread.append((line, " ".join(statement[:200].split())))
            continue
        if handler := _HANDLERS.get(kind):
            handler(reader, node, statement)
    reader.finish()
    return reader.dump


def _statements(text: str) -> Iterator[tuple[int, str]]:
    text = without_psql(text)
    line, at = 1, 0
    for group in grouped(text):
        line, at = line + text.count("\n", at, group[0].start), group[0].start
        yield line, text[group[0].start : group[-1].end]


class _Reader:
    """The dump as far as it was read, and the schema that unqualified names mean here."""

    def __init__(self) -> None:
        self.dump = SchemaDump()
        self.schema = "public"

    def name(self, relation: Any) -> Name:
        return (relation.schemaname or self.schema, relation.relname)

    def pair(self, parts: tuple[str, ...]) -> Name:
        return (parts[-2], parts[-1]) if len(parts) > 1 else (self.schema, parts[-1] if parts else "")

    def relation(self, name: Name, kind: str, **facts: Any) -> dict:
        row = {"schema": name[0], "name": name[1], "kind": kind, "persistence": "permanent", "is_partition": False,
               "row_security": False, "force_row_security": False, "options": ()} | facts  # fmt: skip
        self.dump.relations[name] = row
        self.dump.columns.setdefault(name, [])
        return row

    def constraint(self, table: Name, node: Any, raw: bytes, column: str | None = None) -> None:
        row = ddl.constraint(node, raw, column)
        if row is not None:
            row["referenced"] = self.name(node.pktable) if row["kind"] == "foreign_key" else None
            row["name"] = row["name"] or ddl.default_name(table[1], row)
            self.dump.constraints.append(row | {"table": table})

    def sequence(self, name: Name, **facts: Any) -> None:
        row = self.dump.sequences.setdefault(name, {"schema": name[0], "name": name[1], "start_value": 1,
                                                    "increment": 1, "table": None, "column": None})  # fmt: skip
        row |= facts

    def finish(self) -> None:
        """What can only be said at the end: keys that a reference left out, schemas, bodies of trigger functions."""
        keys = {row["table"]: row["columns"] for row in self.dump.constraints if row["kind"] == "primary_key"}
        for row in self.dump.constraints:
            if row["kind"] == "foreign_key" and not row["referenced_columns"]:
                row["referenced_columns"] = keys.get(row["referenced"], ())
            if row["kind"] == "primary_key":
                for column in self.dump.columns.get(row["table"], ()):
                    column["not_null"] = column["not_null"] or column["name"] in row["columns"]
        for schema, _ in self.dump.relations:  # a dump creates no schema that every database has
            self.dump.namespaces.setdefault(schema, {"name": schema, "owner": None})
        for row in self.dump.triggers:
            row["function_body"] = self.dump.functions.get(row.pop("_function"))


def _create_table(reader: _Reader, node: Any, text: str) -> None:
    name, raw = reader.name(node.relation), text.encode("utf-8", "replace")
    if node.relation.relpersistence == "t":
        return
    kind = "partitioned" if node.HasField("partspec") else "table"
    unlogged = node.relation.relpersistence == "u"
    parents = [reader.name(each.range_var) for each in node.inh_relations]
    part = node.HasField("partbound")
    reader.relation(
        name, kind, persistence="unlogged" if unlogged else "permanent", is_partition=part,
        parent=parents[0] if parents else None, partition_bound=ddl.bound(text) if part else None,
        access_method=node.access_method or ("heap" if kind == "table" else None),
        tablespace=node.tablespacename or None, options=ddl.options(node.options),
    )  # fmt: skip
    inherited = [dict(row) for parent in parents for row in reader.dump.columns.get(parent, ())]
    reader.dump.columns[name] = inherited
    for element in node.table_elts:
        which = element.WhichOneof("node")
        if which == "column_def":
            _column(reader, name, element.column_def, raw)
        elif which == "constraint":
            reader.constraint(name, element.constraint, raw)


def _column(reader: _Reader, table: Name, node: Any, raw: bytes) -> None:
    there = {row["name"]: row for row in reader.dump.columns[table]}
    row = there.get(node.colname)
    if row is None:
        row = {"position": len(there) + 1, "name": node.colname, "type": None, "not_null": False}
        reader.dump.columns[table].append(row)
    if node.HasField("type_name"):
        row["type"] = ddl.column_type(node, raw)
        if ddl.serial(row["type"]):
            reader.sequence((table[0], f"{table[1]}_{node.colname}_seq"), table=table, column=node.colname)
    for each in node.constraints:
        what = ddl.word(each.constraint, "contype")
        if what in ("CONSTR_NOTNULL", "CONSTR_PRIMARY", "CONSTR_IDENTITY"):
            row["not_null"] = True
        if what == "CONSTR_DEFAULT":
            reader.dump.defaults[table, node.colname] = ddl.default(each.constraint, raw)
        if what == "CONSTR_IDENTITY":
            _identity(reader, table, node.colname, each.constraint)
        reader.constraint(table, each.constraint, raw, node.colname)


def _identity(reader: _Reader, table: Name, column: str, node: Any) -> None:
    facts = ddl.sequence_facts(node.options)
    name = reader.pair(facts.pop("name", ()) or (table[0], f"{table[1]}_{column}_seq"))
    facts.pop("owner", None)
    reader.sequence(name, table=table, column=column, identity=ddl.identity(node), **facts)


def _create_foreign(reader: _Reader, node: Any, text: str) -> None:
    _create_table(reader, node.base_stmt, text)
    row = reader.dump.relations.get(reader.name(node.base_stmt.relation))
    if row is not None:
        row |= {"kind": "foreign_table", "access_method": None}


def _create_view(reader: _Reader, node: Any, text: str) -> None:
    reader.relation(reader.name(node.view), "view", definition=ddl.after_as(text)[:TEXT_LIMIT], access_method=None)


def _create_as(reader: _Reader, node: Any, text: str) -> None:
    kind = "materialized_view" if ddl.word(node, "objtype") == "OBJECT_MATVIEW" else "table"
    query = _NO_DATA.sub("", ddl.after_as(text))
    reader.relation(reader.name(node.into.rel), kind, definition=query[:TEXT_LIMIT], access_method="heap")


def _alter_table(reader: _Reader, node: Any, text: str) -> None:
    if ddl.word(node, "objtype") not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW", "OBJECT_VIEW",
                                         "OBJECT_SEQUENCE"):  # fmt: skip
        return
    name, raw = reader.name(node.relation), text.encode("utf-8", "replace")
    for each in node.cmds:
        command = each.alter_table_cmd
        _alter(reader, name, ddl.word(command, "subtype"), command, raw, text)


def _alter(reader: _Reader, name: Name, what: str, command: Any, raw: bytes, text: str) -> None:
    row = reader.dump.relations.get(name, {})
    if what == "AT_AddConstraint":
        reader.constraint(name, getattr(command, "def").constraint, raw)
    elif what == "AT_AddIdentity":
        _identity(reader, name, command.name, getattr(command, "def").constraint)
    elif what == "AT_ColumnDefault":
        kept = command.HasField("def")
        reader.dump.defaults[name, command.name] = ddl.set_default(text, command.name) if kept else ""
    elif what == "AT_AddColumn":
        reader.dump.columns.setdefault(name, [])
        _column(reader, name, getattr(command, "def").column_def, raw)
    elif what == "AT_AttachPartition":
        part = getattr(command, "def").partition_cmd
        child = reader.dump.relations.get(reader.name(part.name))
        if child is not None:
            child |= {"is_partition": True, "parent": name, "partition_bound": ddl.bound(text)}
    elif what == "AT_ChangeOwner":
        row["owner"] = command.newowner.rolename
    elif what in ("AT_EnableRowSecurity", "AT_DisableRowSecurity"):
        row["row_security"] = what == "AT_EnableRowSecurity"
    elif what in ("AT_ForceRowSecurity", "AT_NoForceRowSecurity"):
        row["force_row_security"] = what == "AT_ForceRowSecurity"
    elif what in _ENABLED:
        for trigger in reader.dump.triggers:
            if trigger["table"] == name and trigger["name"] == command.name:
                trigger["enabled"] = _ENABLED[what]


def _create_sequence(reader: _Reader, node: Any, text: str) -> None:
    facts = ddl.sequence_facts(node.options)
    _owned(reader, reader.name(node.sequence), facts)


def _owned(reader: _Reader, name: Name, facts: dict) -> None:
    owner = facts.pop("owner", ())
    facts.pop("name", None)
    if len(owner) > 1:
        facts |= {"table": reader.pair(owner[:-1]), "column": owner[-1]}
    reader.sequence(name, **facts)


def _create_index(reader: _Reader, node: Any, text: str) -> None:
    table = reader.name(node.relation)
    reader.dump.indexes[(table[0], node.idxname)] = {"name": node.idxname, "table": table, "unique": node.unique,
                                                     "primary": False, "told": text}  # fmt: skip


def _create_policy(reader: _Reader, node: Any, text: str) -> None:
    reader.dump.policies.append({
        "table": reader.name(node.table), "name": node.policy_name, "permissive": node.permissive,
        "command": (node.cmd_name or "all").upper(), "roles": tuple(map(ddl.role, node.roles)) or ("public",),
        "using": ddl.in_parentheses(text, "using"), "with_check": ddl.in_parentheses(text, "with", "check"),
    })  # fmt: skip


def _create_trigger(reader: _Reader, node: Any, text: str) -> None:
    timing = {2: "before", 64: "instead of"}.get(node.timing, "after")
    function = reader.pair(ddl.strings(node.funcname))
    reader.dump.triggers.append({
        "table": reader.name(node.relation), "name": node.trigname, "enabled": "enabled",
        "timing": f"{timing} {'row' if node.row else 'statement'}",
        "events": tuple(name for bit, name in _TRIGGER_EVENTS.items() if node.events & bit),
        "function": ".".join(function), "_function": function, "told": text,
    })  # fmt: skip


def _create_event_trigger(reader: _Reader, node: Any, text: str) -> None:
    function = reader.pair(ddl.strings(node.funcname))
    reader.dump.triggers.append({"table": None, "name": node.trigname, "enabled": "enabled", "timing": "event",
                                 "events": (node.eventname,), "function": ".".join(function),
                                 "_function": function})  # fmt: skip


def _create_function(reader: _Reader, node: Any, text: str) -> None:
    body = ddl.function_body(node)
    if body is not None:
        reader.dump.functions[reader.pair(ddl.strings(node.funcname))] = body[:TEXT_LIMIT]


def _create_schema(reader: _Reader, node: Any, text: str) -> None:
    reader.dump.namespaces[node.schemaname] = {"name": node.schemaname, "owner": ddl.role_name(node.authrole)}


def _alter_owner(reader: _Reader, node: Any, text: str) -> None:
    if ddl.word(node, "object_type") == "OBJECT_SCHEMA" and node.object.string.sval in reader.dump.namespaces:
        reader.dump.namespaces[node.object.string.sval]["owner"] = ddl.role_name(node.newowner)


def _create_extension(reader: _Reader, node: Any, text: str) -> None:
    schema = next((each.def_elem.arg.string.sval for each in node.options if each.def_elem.defname == "schema"), None)
    reader.dump.extensions[node.extname] = {"name": node.extname, "schema": schema}


def _create_type(reader: _Reader, node: Any, text: str) -> None:
    if hasattr(node, "typevar"):  # a composite type
        reader.dump.types.append(reader.name(node.typevar))
    else:
        names = node.domainname if hasattr(node, "domainname") else node.type_name
        reader.dump.types.append(reader.pair(ddl.strings(names)))


def _search_path(reader: _Reader, node: Any, text: str) -> None:
    if node.name == "search_path" and node.args:
        first = node.args[0].a_const.sval.sval
        reader.schema = first if first and first != "pg_catalog" else "public"


_HANDLERS: dict[str, Callable[[_Reader, Any, str], None]] = {
    "create_stmt": _create_table,
    "create_foreign_table_stmt": _create_foreign,
    "view_stmt": _create_view,
    "create_table_as_stmt": _create_as,
    "alter_table_stmt": _alter_table,
    "create_seq_stmt": _create_sequence,
    "alter_seq_stmt": lambda reader, node, text: _owned(reader, reader.name(node.sequence),
                                                        ddl.sequence_facts(node.options)),
    "index_stmt": _create_index,
    "create_policy_stmt": _create_policy,
    "create_trig_stmt": _create_trigger,
    "create_event_trig_stmt": _create_event_trigger,
    "create_function_stmt": _create_function,
    "create_schema_stmt": _create_schema,
    "alter_owner_stmt": _alter_owner,
    "create_extension_stmt": _create_extension,
    "create_enum_stmt": _create_type,
    "create_domain_stmt": _create_type,
    "composite_type_stmt": _create_type,
    "create_range_stmt": _create_type,
    "variable_set_stmt": _search_path,
}  # fmt: skip
