"""The foreign-key graph around the damage: from the culprit to its victims."""

from __future__ import annotations

import re

import networkx as nx
import pandas as pd

from triage_kit import schemas
from triage_kit.plot import graphviz, layered, style
from triage_kit.plot.damage import names

engine = layered if graphviz.pygraphviz is None else graphviz
MOST_NODES = 60
NARROW = 360  # points: the page gives a drawing 480 CSS pixels at the least


def foreign_key_graph(
    foreign_keys: pd.DataFrame, findings: pd.DataFrame, explaining: pd.DataFrame | None = None, most: int = MOST_NODES
) -> style.Picture:
    """Draw the damaged tables with all that foreign keys tie to them, roots at the left, victims to the right.

    Arrows go from the referenced table to the one that references it: the way that a cascade travels. Their style
    is the ON DELETE action. A table carries its missing rows; tables beyond ``most`` are counted in one node.

    Parameters
    ----------
    foreign_keys : frame ``foreign_keys`` (child, parent: qualified names).
    findings : frame ``findings`` (status, missing_rows).
    explaining : frame ``explaining_statements``; the roots that its statements name are marked.
    most : how many tables are drawn.
    """
    keys, tables = schemas.check(foreign_keys, "foreign_keys"), _tables(findings)
    roots = [] if explaining is None else sorted({root for named in explaining["roots"] for root in named})
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(sorted(set(tables.index) | set(roots)))
    for row in keys.sort_values(["parent", "child", "name"], kind="stable").itertuples():
        graph.add_edge(row.parent, row.child, name=row.name, on_delete=row.on_delete)
    damaged = [name for name in tables.index if tables.loc[name, "status"] in style.DAMAGED]
    shown = _focus(graph, roots, damaged, most)
    left = len(graph) - len(shown)
    drawing = _drawing(graph.subgraph(shown), tables, roots, left)
    return style.Picture(_sized(engine.svg(drawing)), _words(graph, shown, damaged, roots, left), tooltips=True)


def _tables(findings: pd.DataFrame) -> pd.DataFrame:
    given = schemas.check(findings, "findings")
    return given.assign(name=names(given)).drop_duplicates("name").set_index("name")


def _focus(graph: nx.MultiDiGraph, roots: list[str], damaged: list[str], most: int) -> list[str]:
    """Roots, damaged tables, then what lies nearest to them along foreign keys; never more than ``most``."""
    chosen = list(dict.fromkeys([*roots, *damaged]))
    both_ways, frontier = graph.to_undirected(as_view=True), list(chosen)
    seen = set(chosen)
    for _ in range(3):
        frontier = sorted({near for one in frontier for near in both_ways[one]} - seen)
        seen.update(frontier)
        chosen += frontier
    if not chosen:
        chosen = sorted(graph, key=lambda one: (-graph.degree(one), one))
    return chosen[:most]


def _drawing(graph: nx.MultiDiGraph, tables: pd.DataFrame, roots: list[str], left: int) -> nx.MultiDiGraph:
    """The graph as an engine draws it: looks as attributes, and identifiers that no name of a table can disturb."""
    drawing = nx.MultiDiGraph()
    ids = {name: f"n{place}" for place, name in enumerate(sorted(graph))}
    for name, node in ids.items():
        row = tables.loc[name] if name in tables.index else None
        drawing.add_node(node, **_node(name, row, name in roots))
    for parent, child, data in sorted(graph.edges(data=True), key=_edge_order):
        colour, line, width, _ = style.ON_DELETE.get(data["on_delete"], style.ON_DELETE["no_action"])
        tip = f"{data['name']}: {child} references {parent}, ON DELETE {_action(data['on_delete'])}"
        drawing.add_edge(ids[parent], ids[child], color=colour, style=line, penwidth=width, tooltip=tip)
    if left:
        drawing.add_node(
            "rest",
            lines=(f"{style.things(left, 'more table')}, not drawn",),
            tooltip="tables further away; all foreign keys are in the table below",
            color=style.GRID,
            fillcolor=style.CARD,
            penwidth=1.0,
        )
    return drawing


def _edge_order(edge: tuple[str, str, dict]) -> tuple[str, str, str]:
    return edge[0], edge[1], str(edge[2]["name"])


def _action(word: object) -> str:
    return str(word).replace("_", " ").upper()


def _node(name: str, row: pd.Series | None, root: bool) -> dict[str, object]:
    colour, symbol, status = style.MUTED, "", "not in scope"
    if row is not None:
        colour, symbol = style.STATUSES.get(row["status"], style.STATUSES["undecided"])
        status = str(row["status"])
    missing = 0 if row is None or pd.isna(row["missing_rows"]) else int(row["missing_rows"])
    facts = f"{symbol} {status}" + (f", {missing:,} missing" if missing else "")
    damaged = row is not None and status in style.DAMAGED
    return {
        "lines": (("▶ " if root else "") + style.short(name, 42), facts),
        "tooltip": f"{style.visible(name)}: {facts}" + ("; named by the explaining statement" if root else ""),
        "color": colour if damaged or root else style.GRID,
        "fillcolor": {"wiped": "#fbe4e2", "missing": "#f3e3f7", "partial": "#fdf0d8", "hidden": "#e2edf9"}.get(
            status, style.CARD
        ),
        "penwidth": 2.6 if root else 1.4 if damaged else 1.0,
    }


def _sized(svg: str) -> str:
    """The drawing with a class for its width: the page lets a wide one scroll, and does not blow up a narrow one."""
    width = re.search(r'<svg width="(\d+)pt"', svg)
    steps = min(int(width[1]) // 900, 4) if width else 0
    look = f"wide{steps}" if steps else "narrow" if width and int(width[1]) < NARROW else ""
    return svg.replace("<svg ", f'<svg class="{look}" ', 1) if look else svg


def _words(graph: nx.MultiDiGraph, shown: list[str], damaged: list[str], roots: list[str], left: int) -> str:
    named = ", ".join(style.short(root) for root in roots) or "none known"
    return (
        f"Foreign-key graph of {len(shown)} of {len(graph):,} tables: {len(damaged):,} damaged; "
        f"roots of the explaining statement: {named}; {left:,} tables not drawn."
    )
