"""Names and options out of parse tree nodes."""

from __future__ import annotations

from typing import Any

from postgast import pg_query_pb2 as pg

from triage_kit.sql.scope import Scope
from triage_kit.sql.vocabulary import Effect

Node = Any  # protobuf messages have no useful static type here


def relation(node: Node) -> tuple[str, ...]:
    """The qualified name of a RangeVar."""
    return tuple(part for part in (node.catalogname, node.schemaname, node.relname) if part)


def strings(nodes: Any) -> tuple[str, ...]:
    """The strings of a list of nodes, as names are kept."""
    return tuple(each.string.sval for each in nodes if each.WhichOneof("node") == "string")


def named(node: Node) -> tuple[str, ...]:
    """The name of an object in one of the forms in which statements hold it."""
    kind = node.WhichOneof("node")
    if kind == "list":
        return strings(node.list.items)
    if kind == "string":
        return (node.string.sval,)
    if kind == "type_name":
        return strings(node.type_name.names)
    if kind == "object_with_args":
        return strings(node.object_with_args.objname)
    return ()


def make(operation: str, parts: tuple[str, ...], **facts: Any) -> Effect:
    """An effect on the object with this name."""
    return Effect(operation, ".".join(parts), parts, **facts)


def cascade(node: Node) -> bool:
    """Whether the statement says CASCADE."""
    return node.behavior == pg.DROP_CASCADE


def option(options: Any, name: str) -> bool:
    """Whether an option is given and not switched off."""
    for each in options:
        if each.def_elem.defname == name:
            arg = each.def_elem.arg
            written = arg.string.sval or (str(arg.integer.ival) if arg.WhichOneof("node") == "integer" else "")
            return written.lower() not in ("false", "off", "0")
    return False


__all__ = ["Node", "Scope", "cascade", "make", "named", "option", "relation", "strings"]
