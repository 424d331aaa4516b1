"""Functions that lose something when they are called, or that run or store the SQL in their arguments.

Sources: https://www.postgresql.org/docs/current/lo-funcs.html, https://www.postgresql.org/docs/current/dblink.html,
https://github.com/citusdata/pg_cron, https://docs.timescale.com/api/latest/, https://github.com/pgpartman/pg_partman.
"""

from __future__ import annotations

from collections.abc import Iterator

from triage_kit.sql.names import Node, Scope, make, strings
from triage_kit.sql.templates import HOLE, QUOTING, formatted
from triage_kit.sql.vocabulary import Effect

_LOSING = {
    "lo_unlink": "unlink_large_object",
    "lo_truncate": "unlink_large_object",
    "lo_truncate64": "unlink_large_object",
    "drop_chunks": "drop_chunks",
    "add_retention_policy": "drop_chunks",
    "drop_partition_time": "drop_chunks",
    "drop_partition_id": "drop_chunks",
    "master_drop_all_shards": "drop_chunks",
    "citus_drop_all_shards": "drop_chunks",
    "undo_partition": "detach_partition",
}
# Their text is run elsewhere or later: on another connection, or by a schedule.
_RUNNING = frozenset(
    (
        "dblink",
        "dblink_exec",
        "dblink_send_query",
        "schedule",
        "schedule_in_database",
        "alter_job",
        "query_to_xml",
        "run_command_on_workers",
        "run_command_on_shards",
        "run_command_on_placements",
        "run_command_on_colocated_placements",
        "run_command_on_all_nodes",
        "run_command_on_coordinator",
    )
)


def call_effects(node: Node, scope: Scope) -> Iterator[Effect]:
    """Effects of calling one function, told by its name and its literal arguments."""
    name = strings(node.funcname)[-1:]
    if not name:
        return
    if name[0].startswith("pg_stat") and "reset" in name[0].split("_"):
        yield make("reset_statistics", name)
    elif operation := _LOSING.get(name[0]):
        first = _literals(node)[:1]
        known = operation != "unlink_large_object" and bool(first)
        yield make(operation, tuple(first[0].split(".")) if known else (), column=name[0])
    elif name[0] == "set_config":
        if [each.lower() for each in _literals(node)[:2]] == ["session_replication_role", "replica"]:
            yield make("disable_trigger", (), column="session_replication_role")
    elif name[0] in _RUNNING:
        for text in filter(None, map(written, node.args)):
            yield run_text(text)


def run_text(text: str) -> Effect:
    """SQL that runs elsewhere or later, for grammar.py to read as it reads a body."""
    return Effect("create_function", "call", text=text, column="sql", within="body")


def written(node: Node) -> str:
    """The text that an expression writes out, with HOLE for what is not known; empty where nothing of it is."""
    kind = node.WhichOneof("node")
    if kind in ("type_cast", "named_arg_expr"):
        return written(getattr(node, kind).arg)
    if kind == "a_const":
        return node.a_const.sval.sval
    if kind == "a_expr" and [each.string.sval for each in node.a_expr.name] == ["||"]:
        parts = written(node.a_expr.lexpr), written(node.a_expr.rexpr)
        return "".join(each or HOLE for each in parts) if any(parts) else ""
    if kind != "func_call" or not node.func_call.args:
        return ""
    name = strings(node.func_call.funcname)[-1]
    if name == "format":
        return formatted(written(node.func_call.args[0]))
    return f"'{HOLE}'" if name in QUOTING else ""


def _literals(node: Node) -> list[str]:
    found = []
    for each in node.args:
        inner = each.named_arg_expr.arg if each.WhichOneof("node") == "named_arg_expr" else each
        inner = inner.type_cast.arg if inner.WhichOneof("node") == "type_cast" else inner
        if inner.WhichOneof("node") == "a_const" and inner.a_const.WhichOneof("val") == "sval":
            found.append(inner.a_const.sval.sval)
    return found
