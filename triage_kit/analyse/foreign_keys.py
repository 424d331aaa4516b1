"""The foreign-key graph, how far DELETE and TRUNCATE … CASCADE reach in it, and what explains a set of tables.

DELETE follows a foreign key from the referenced table to the referencing one only where ON DELETE says CASCADE (or
changes it: SET NULL, SET DEFAULT). TRUNCATE … CASCADE follows every foreign key, whatever ON DELETE says, and every
partition (PostgreSQL documentation, TRUNCATE and constraints).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import networkx as nx
import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import rows


def foreign_keys(constraints: pd.DataFrame, relations: pd.DataFrame) -> pd.DataFrame:
    """Table ``foreign_keys`` from ``constraints`` and ``relations``: names for OIDs, copies on partitions left out."""
    names = qualified_names(relations)
    found = []
    for row in rows(constraints):
        if (
            row["kind"] == "foreign_key"
            and row["table_oid"] in names
            and row["referenced_oid"] in names
            and not row["parent_oid"]
        ):
            found.append(
                {
                    "name": row["name"],
                    "child": names[row["table_oid"]],
                    "parent": names[row["referenced_oid"]],
                    "columns": row["columns"],
                    "referenced_columns": row["referenced_columns"],
                    "on_delete": row["on_delete"],
                    "validated": row["validated"],
                }
            )
    return schemas.frame("foreign_keys", sorted(found, key=lambda row: (row["child"], row["parent"], row["name"])))


def qualified_names(relations: pd.DataFrame) -> dict[int, str]:
    """``schema.table`` by OID."""
    return {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(relations)}


def graph(keys: pd.DataFrame, relations: pd.DataFrame) -> nx.MultiDiGraph:
    """Edges from the referenced table to the referencing one, the way of the damage, and from parent to partition.

    Nodes are qualified names; edge attributes ``on_delete`` (or ``partition``) and ``name``.
    """
    reach = nx.MultiDiGraph()
    names = qualified_names(relations)
    for row in rows(relations):
        if row["kind"] in ("table", "partitioned", "foreign_table", "materialized_view"):
            reach.add_node(names[row["oid"]], kind=row["kind"], parts=(row["schema"], row["name"]))
    for row in rows(relations):
        if row["is_partition"] and row["parent_oid"] in names and names[row["oid"]] in reach:
            reach.add_edge(names[row["parent_oid"]], names[row["oid"]], on_delete="partition", name="partition")
    for row in rows(keys):
        reach.add_edge(row["parent"], row["child"], on_delete=row["on_delete"], name=row["name"])
    return reach


def truncate_reach(reach: nx.MultiDiGraph, roots: Iterable[str]) -> set[str]:
    """Tables whose storage TRUNCATE roots CASCADE replaces, the roots included.

    >>> g = nx.MultiDiGraph([("a", "b"), ("b", "c"), ("x", "y")])
    >>> sorted(truncate_reach(g, ["a"]))
    ['a', 'b', 'c']
    """
    found: set[str] = set()
    for root in roots:
        if root in reach:
            found |= {root} | nx.descendants(reach, root)
    return found


def delete_reach(reach: nx.MultiDiGraph, roots: Iterable[str]) -> set[str]:
    """Tables from which DELETE on the roots can remove rows: ON DELETE CASCADE only, the roots included."""
    found = {root for root in roots if root in reach}
    parents = list(found)
    while parents:
        for child, keys in reach.adj[parents.pop()].items():
            if child not in found and any(key.get("on_delete") in ("cascade", "partition") for key in keys.values()):
                found.add(child)
                parents.append(child)
    return found


@dataclass(frozen=True)
class Explanation:
    """A smallest set of roots whose reach covers the damaged tables, and how well it fits."""

    roots: tuple[str, ...]
    reaches: Mapping[str, tuple[str, ...]]
    equivalents: tuple[tuple[str, ...], ...]
    explained: int
    of: int
    extra: tuple[str, ...]


def explain(reach: nx.MultiDiGraph, damaged: Iterable[str]) -> Explanation:
    """The fewest roots that one TRUNCATE … CASCADE needs to reach every damaged table, and what else it would have hit.

    A damaged table that no other damaged table leads to must have been named; in a circle of tables any one of them
    serves, which is what ``equivalents`` lists. Partitioned parents hold no storage and are not counted.
    """
    storage = {node for node, data in reach.nodes(data=True) if data.get("kind") != "partitioned"}
    hit = {table for table in damaged if table in reach}
    whole = hit | _whole_parents(reach, hit)
    part = reach.subgraph(whole)
    circles = nx.condensation(nx.DiGraph(part))
    first = [sorted(circles.nodes[node]["members"]) for node in circles if circles.in_degree(node) == 0]
    roots = tuple(sorted(members[0] for members in first))
    covered = truncate_reach(reach, roots) & storage
    others = [
        tuple(sorted([*(r for r in roots if r != members[0]), rival])) for members in first for rival in members[1:]
    ]
    reaches = {root: tuple(sorted((truncate_reach(reach, [root]) & storage) - {root})) for root in roots}
    extra = tuple(sorted(covered - hit))
    return Explanation(roots, reaches, tuple(sorted(others))[:5], len(covered & hit), len(hit & storage), extra)


def partitions(reach: nx.MultiDiGraph) -> dict[str, frozenset[str]]:
    """The leaves below each partitioned table, through all levels."""
    if "partitions" not in reach.graph:
        below = nx.DiGraph((u, v) for u, v, data in reach.edges(data=True) if data.get("on_delete") == "partition")
        kinds = nx.get_node_attributes(reach, "kind")
        reach.graph["partitions"] = {
            node: frozenset(leaf for leaf in nx.descendants(below, node) if kinds.get(leaf) != "partitioned")
            for node in below
            if kinds.get(node) == "partitioned"
        }
    return reach.graph["partitions"]


def partition_stems(relations: pd.DataFrame) -> dict[tuple[str, str], set[str]]:
    """Parents of the partitions and heirs that stand, by schema and by their name without the digits at its end."""
    names = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(relations)}
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows(relations):
        if row["parent_oid"] in names:
            found.setdefault((row["schema"], row["name"].rstrip("0123456789")), set()).add(names[row["parent_oid"]])
    return found


def _whole_parents(reach: nx.MultiDiGraph, hit: set[str]) -> set[str]:
    """Partitioned tables all of whose leaves were hit: naming the parent is the simpler story."""
    return {parent for parent, leaves in partitions(reach).items() if leaves and leaves <= hit}


def truncate_text(reach: nx.MultiDiGraph, roots: Iterable[str], cascades: bool) -> str:
    """The statement as it could have been typed, names quoted where they need it."""
    listed = ", ".join(sql.quote_qualified(*reach.nodes[root]["parts"]) for root in sorted(roots))
    return f"TRUNCATE {listed}{' CASCADE' if cascades else ''}"


def delete_text(reach: nx.MultiDiGraph, root: str) -> str:
    """DELETE of every row of one table."""
    return f"DELETE FROM {sql.quote_qualified(*reach.nodes[root]['parts'])}"  # noqa: S608 shown, never run
