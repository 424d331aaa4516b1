"""The foreign-key graph around the damage: from the culprit to its victims."""

from __future__ import annotations

import re

import networkx as nx
import pandas as pd

from triage_kit import schemas
from triage_kit.plot import graphviz, layered, outline, style
from triage_kit.plot.damage import names
from triage_kit.plot.html import Html, join, tag

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
    graph, shown, roots = _chosen(foreign_keys, findings, explaining, most)
    tables = _tables(findings)
    damaged = [name for name in tables.index if tables.loc[name, "status"] in style.DAMAGED]
    left = len(graph) - len(shown)
    drawing = _drawing(graph.subgraph(shown), tables, roots, left)
    tied = sum(graph.degree(name) for name in {*damaged, *roots}) if damaged or roots else graph.number_of_edges()
    bare = not tied  # boxes without a line between them say no more than the list of tables
    says = _bare(graph, damaged) if bare else _words(graph, shown, damaged, roots, left)
    narrow = "" if bare else outline.svg(drawing)
    return style.Picture(_sized(engine.svg(drawing)), says, narrow, tooltips=True, empty=bare)


def edge_legend(
    foreign_keys: pd.DataFrame,
    findings: pd.DataFrame | None = None,
    explaining: pd.DataFrame | None = None,
    most: int = MOST_NODES,
) -> Html:
    """What the lines of the foreign-key figure mean; nothing where no line is drawn.

    Parameters
    ----------
    foreign_keys : frame of that name.
    findings, explaining, most : as ``foreign_key_graph`` was given them, so that no line is named which it leaves out;
        without findings, the lines of every foreign key.
    """
    there, roots = set(schemas.check(foreign_keys, "foreign_keys")["on_delete"]), ["any"]
    if findings is not None:
        graph, shown, roots = _chosen(foreign_keys, findings, explaining, most)
        there = {action for *_, action in graph.subgraph(shown).edges(data="on_delete")}
    if not there:
        return Html("")
    look = {"solid": "━━", "dashed": "╌╌", "dotted": "┄┄"}
    lines = [
        tag("span", f"{look[line]} {said}", class_=f"edge {action}")
        for action, (_, line, _, said) in style.ON_DELETE.items()
        if action in there
    ]
    marks = ["▶ is named by the explaining statement"] if roots else []
    lead = "Arrows run from the referenced table to the one that references it. "
    return tag("p", lead, join([*lines, *marks], "; "), ".", class_="legend")


def _chosen(
    foreign_keys: pd.DataFrame, findings: pd.DataFrame, explaining: pd.DataFrame | None, most: int
) -> tuple[nx.MultiDiGraph, list[str], list[str]]:
    """Every table with its foreign keys, the tables that are drawn, and those that a statement names."""
    keys, tables = schemas.check(foreign_keys, "foreign_keys"), _tables(findings)
    roots = [] if explaining is None else sorted({root for named in explaining["roots"] for root in named})
    graph = nx.MultiDiGraph()
    graph.add_nodes_from(sorted(set(tables.index) | set(roots)))
    for row in keys.sort_values(["parent", "child", "name"], kind="stable").itertuples():
        graph.add_edge(row.parent, row.child, name=row.name, on_delete=row.on_delete)
    damaged = [name for name in tables.index if tables.loc[name, "status"] in style.DAMAGED]
    return graph, _focus(graph, roots, damaged, most), roots


def _bare(graph: nx.MultiDiGraph, damaged: list[str]) -> str:
    if not graph.number_of_edges():
        return "No foreign key is known in the schemas of this case."
    which = "damaged table" if len(damaged) == 1 else style.things(len(damaged), "damaged table")
    return f"No foreign key leads to or from the {which}."


def _tables(findings: pd.DataFrame) -> pd.DataFrame:
    given = schemas.check(findings, "findings")
    return given.assign(name=names(given)).drop_duplicates("name").set_index("name")


def _focus(graph: nx.MultiDiGraph, roots: list[str], damaged: list[str], most: int) -> list[str]:
    """Roots, damaged tables, then what lies nearest to them along foreign keys; never more than ``most``."""
    chosen = list(dict.fromkeys([*roots, *damaged]))
    both_ways, frontier = graph.to_undirected(as_view=True), list(chosen)
    if len(chosen) > most:
        return _families(both_ways, chosen, most)
    seen = set(chosen)
    for _ in range(3):
        frontier = sorted({near for one in frontier for near in both_ways[one]} - seen)
        seen.update(frontier)
        chosen += frontier
    if not chosen:
        chosen = sorted(graph, key=lambda one: (-graph.degree(one), one))
    return chosen[:most]


def _families(graph: nx.MultiGraph, hit: list[str], most: int) -> list[str]:
    """Of more tables than are drawn, the best tied ones, each with its neighbours: boxes without a line say nothing."""
    among, chosen = set(hit), {}
    for one in sorted(hit, key=lambda name: (-len(among & set(graph[name])), -len(graph[name]))):
        near = sorted(set(graph[one]) - {one}, key=lambda name: (name not in among, name))
        chosen.update(dict.fromkeys([one, *near[: most // 3]]))
        if len(chosen) >= most:
            break
    return list(chosen)[:most]


def _drawing(graph: nx.MultiDiGraph, tables: pd.DataFrame, roots: list[str], left: int) -> nx.MultiDiGraph:
    """The graph as an engine draws it: looks as attributes, and identifiers that no name of a table can disturb."""
    drawing = nx.MultiDiGraph()
    ids = {name: f"n{place}" for place, name in enumerate(sorted(graph))}
    for name, node in ids.items():
        row = tables.loc[name] if name in tables.index else None
        drawing.add_node(node, name=name, **_node(name, row, name in roots))
    for parent, child, data in sorted(graph.edges(data=True), key=_edge_order):
        action = data["on_delete"] if data["on_delete"] in style.ON_DELETE else "no_action"
        colour, line, width, _ = style.ON_DELETE[action]
        tip = f"{data['name']}: {child} references {parent}, ON DELETE {_action(data['on_delete'])}"
        drawing.add_edge(ids[parent], ids[child], color=colour, style=line, penwidth=width, action=action,
                         tooltip=tip)  # fmt: skip
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
