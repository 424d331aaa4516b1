"""Graphviz as the engine of the foreign-key graph: its ``dot`` layout, its SVG, and labels that it takes literally."""

from __future__ import annotations

import re

import networkx as nx

from triage_kit.plot import style

try:
    import pygraphviz
except ImportError:
    # Its wheels bundle Graphviz, but not GLib and the X11 libraries, which slim containers lack.
    pygraphviz = None

GRAPH = {
    "rankdir": "LR", "nodesep": "0.22", "ranksep": "0.8", "bgcolor": "transparent", "id": "fk-graph",
    "tooltip": "foreign keys", "outputorder": "edgesfirst",
}  # fmt: skip
NODE = {"shape": "box", "fontname": "sans-serif", "fontsize": "11", "margin": "0.12,0.06", "fontcolor": style.INK}
EDGE = {"arrowsize": "0.7", "fontname": "sans-serif", "fontsize": "9"}


def svg(drawing: nx.MultiDiGraph) -> str:
    """Lay the drawing out and write it as SVG, tooltips as ``<title>``.

    Parameters
    ----------
    drawing : nodes with ``lines`` (of the label), ``tooltip``, ``color``, ``fillcolor``, ``penwidth``; edges with
        ``color``, ``style`` (solid, dashed, dotted), ``penwidth``, ``tooltip``.
    """
    laid = pygraphviz.AGraph(directed=True, strict=False, **GRAPH)
    laid.node_attr.update(NODE)
    laid.edge_attr.update(EDGE)
    for node, looks in drawing.nodes(data=True):
        laid.add_node(node, id=f"fk-{node}", **_node(looks))
    for place, (parent, child, looks) in enumerate(drawing.edges(data=True)):
        look = {"color": looks["color"], "style": looks["style"], "penwidth": f"{looks['penwidth']}"}
        laid.add_edge(parent, child, key=f"e{place}", id=f"fk-e{place}", tooltip=escape(looks["tooltip"]), **look)
    laid.layout("dot")
    text = style.clean_xml(laid.draw(format="svg").decode("utf-8"))
    # Browsers show <title> elements, not the xlink:title of the links that Graphviz wraps around what has a tooltip.
    text = re.sub(r"<title>[^<]*</title>\s*", "", text)
    text = re.sub(r'<g id="a_[^"]*"><a [^>]*?xlink:title="([^"]*)"[^>]*>', r"<g><title>\1</title>", text)
    return text.replace("</a>\n</g>", "</g>")


def _node(looks: dict) -> dict[str, str]:
    return {
        "label": r"\n".join(map(escape, looks["lines"])),
        "tooltip": escape(looks["tooltip"]),
        "style": "filled,rounded" if len(looks["lines"]) > 1 else "dashed",
        "color": looks["color"],
        "fillcolor": looks["fillcolor"],
        "penwidth": f"{looks['penwidth']:g}",
    }


def escape(text: str) -> str:
    """Text as a Graphviz label that is taken literally: no escapes, no HTML label, one line.

    >>> escape("<b>\\\\N</b>")
    ' <b>\\\\\\\\N</b>'
    """
    # Graphviz decodes HTML entities in labels: &lt; would come back as <, so the ampersand is spelt as an entity.
    line = style.visible(text).replace("&", "&amp;").replace("\\", "\\\\")
    return f" {line}" if line.startswith("<") else line
