"""The foreign-key graph around the damage: from the culprit to its victims."""

from __future__ import annotations

import re

import networkx as nx
import pandas as pd
import pygraphviz

from triage_kit import schemas
from triage_kit.plot import style
from triage_kit.plot.damage import names

MOST_NODES = 60


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
    return style.Picture(_svg(drawing), _words(graph, shown, damaged, roots, left), tooltips=True)


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


def _drawing(graph: nx.MultiDiGraph, tables: pd.DataFrame, roots: list[str], left: int) -> pygraphviz.AGraph:
    drawing = pygraphviz.AGraph(
        directed=True,
        strict=False,
        rankdir="LR",
        nodesep="0.22",
        ranksep="0.8",
        bgcolor="transparent",
        id="fk-graph",
        tooltip="foreign keys",
        outputorder="edgesfirst",
    )
    drawing.node_attr.update(
        shape="box",
        style="filled,rounded",
        fontname="sans-serif",
        fontsize="11",
        margin="0.12,0.06",
        fillcolor=style.CARD,
        color=style.GRID,
        fontcolor=style.INK,
    )
    drawing.edge_attr.update(arrowsize="0.7", fontname="sans-serif", fontsize="9")
    ids = {name: f"n{place}" for place, name in enumerate(sorted(graph))}
    for name, node in ids.items():
        row = tables.loc[name] if name in tables.index else None
        drawing.add_node(node, id=f"fk-{node}", **_node(name, row, name in roots))
    for place, (parent, child, data) in enumerate(sorted(graph.edges(data=True), key=_edge_order)):
        colour, line, width, _ = style.ON_DELETE.get(data["on_delete"], style.ON_DELETE["no_action"])
        tip = f"{data['name']}: {child} references {parent}, ON DELETE {_action(data['on_delete'])}"
        drawing.add_edge(
            ids[parent],
            ids[child],
            key=f"e{place}",
            id=f"fk-e{place}",
            color=colour,
            style=line,
            penwidth=str(width),
            tooltip=escape(tip),
        )
    if left:
        drawing.add_node(
            "rest",
            id="fk-rest",
            label=escape(f"{left:,} more tables, not drawn"),
            style="dashed",
            tooltip=escape("tables further away; all foreign keys are in the table below"),
        )
    return drawing


def _edge_order(edge: tuple[str, str, dict]) -> tuple[str, str, str]:
    return edge[0], edge[1], str(edge[2]["name"])


def _action(word: object) -> str:
    return str(word).replace("_", " ").upper()


def _node(name: str, row: pd.Series | None, root: bool) -> dict[str, str]:
    colour, symbol, status = style.MUTED, "", "not in scope"
    if row is not None:
        colour, symbol = style.STATUSES.get(row["status"], style.STATUSES["undecided"])
        status = str(row["status"])
    missing = 0 if row is None or pd.isna(row["missing_rows"]) else int(row["missing_rows"])
    facts = f"{symbol} {status}" + (f", {missing:,} missing" if missing else "")
    damaged = row is not None and status in style.DAMAGED
    return {
        "label": escape(("▶ " if root else "") + style.short(name, 42)) + r"\n" + escape(facts),
        "tooltip": escape(f"{style.visible(name)}: {facts}" + ("; named by the explaining statement" if root else "")),
        "color": colour if damaged or root else style.GRID,
        "fillcolor": {"wiped": "#fbe4e2", "missing": "#f3e3f7", "partial": "#fdf0d8", "hidden": "#e2edf9"}.get(
            status, style.CARD
        ),
        "penwidth": "2.6" if root else "1.4" if damaged else "1",
    }


def escape(text: str) -> str:
    """Text as a Graphviz label that is taken literally: no escapes, no HTML label, one line.

    >>> escape("<b>\\\\N</b>")
    ' <b>\\\\\\\\N</b>'
    """
    # Graphviz decodes HTML entities in labels: &lt; would come back as <, so the ampersand is spelt as an entity.
    line = style.visible(text).replace("&", "&amp;").replace("\\", "\\\\")
    return f" {line}" if line.startswith("<") else line


def _svg(drawing: pygraphviz.AGraph) -> str:
    drawing.layout("dot")
    svg = style.clean_xml(drawing.draw(format="svg").decode("utf-8"))
    # Browsers show <title> elements, not the xlink:title of the links that Graphviz wraps around what has a tooltip.
    svg = re.sub(r"<title>[^<]*</title>\s*", "", svg)
    svg = re.sub(r'<g id="a_[^"]*"><a [^>]*?xlink:title="([^"]*)"[^>]*>', r"<g><title>\1</title>", svg)
    return _sized(svg.replace("</a>\n</g>", "</g>"))


def _sized(svg: str) -> str:
    """The drawing with a class for its width, by which the page lets a wide one scroll instead of shrinking it away."""
    width = re.search(r'<svg width="(\d+)pt"', svg)
    steps = min(int(width[1]) // 900, 4) if width else 0
    return svg.replace("<svg ", f'<svg class="wide{steps}" ', 1) if steps else svg


def _words(graph: nx.MultiDiGraph, shown: list[str], damaged: list[str], roots: list[str], left: int) -> str:
    named = ", ".join(style.short(root) for root in roots) or "none known"
    return (
        f"Foreign-key graph of {len(shown)} of {len(graph):,} tables: {len(damaged):,} damaged; "
        f"roots of the explaining statement: {named}; {left:,} tables not drawn."
    )
