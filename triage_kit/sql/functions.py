"""Functions that lose something when they are called, or that run or store the SQL in their arguments.

Sources: https://www.postgresql.org/docs/current/lo-funcs.html, https://www.postgresql.org/docs/current/dblink.html,
https://github.com/citusdata/pg_cron, https://docs.timescale.com/api/latest/, https://github.com/pgpartman/pg_partman.
"""

from __future__ import annotations

from collections.abc import Iterator

from triage_kit.sql.names import Node, Scope, make, strings
from triage_kit.sql.vocabulary import Effect

_LOSING = {
    "lo_unlink": "unlink_large_object",
    "lo_truncate": "unlink_large_object",
    "lo_truncate64": "unlink_large_object",
    "drop_chunks": "drop_chunks",
    "add_retention_policy": "drop_chunks",
    "drop_partition_time": "drop_chunks",
    "drop_partition_id": "drop_chunks",
}
# Their text is run elsewhere or later: on another connection, or by a schedule.
_RUNNING = frozenset(
    (
        "dblink",
        "dblink_exec",
        "dblink_send_query",
        "schedule",
        "schedule_in_database",
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
        known = operation == "drop_chunks" and bool(first)
        yield make(operation, tuple(first[0].split(".")) if known else (), column=name[0])
    elif name[0] == "set_config":
        if [each.lower() for each in _literals(node)[:2]] == ["session_replication_role", "replica"]:
            yield make("disable_trigger", (), column="session_replication_role")
    elif name[0] in _RUNNING:
        for text in _literals(node):
            # grammar.py reads the text as it reads a body.
            yield Effect("create_function", "call", text=text, column="sql", within="body")


def _literals(node: Node) -> list[str]:
    found = []
    for each in node.args:
        inner = each.type_cast.arg if each.WhichOneof("node") == "type_cast" else each
        if inner.WhichOneof("node") == "a_const" and inner.a_const.WhichOneof("val") == "sval":
            found.append(inner.a_const.sval.sval)
    return found
