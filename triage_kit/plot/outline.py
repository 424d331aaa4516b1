"""The foreign-key graph for a telephone: a table a line, what references it indented below it."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from triage_kit.plot import phone, style
from triage_kit.plot.html import Html, tag

STEP, DEEPEST = 16, 9  # pixels of one indent; deeper ones stand below each other
TEXT, GAP, ALSO = 15, 8, 15  # pixels: a line of a box, between boxes, of each key more that a table has
DASHES = {"dashed": "5 3", "dotted": "1.5 3"}


def svg(drawing: nx.MultiDiGraph) -> str:
    """Each table stands below one that it references, by a cascade if by any; its other keys are said below it.

    Parameters
    ----------
    drawing : as ``layered.svg`` takes it; an edge has ``action`` besides, and a node ``name``.
    """
    parents = _parents(drawing)
    parts: list[Html] = []
    y, bottoms = 4.0, dict[str, float]()
    for node, depth in _ordered(drawing, parents):
        left = STEP * min(depth, DEEPEST) + 1
        tall = 6 + TEXT * len(drawing.nodes[node]["lines"])
        if node in parents:
            above, looks = parents[node]
            start = STEP * min(depth - 1, DEEPEST) + 7
            path = f"M{min(start, left - 4)} {bottoms[above]:g}V{y + tall / 2:g}H{left}"
            parts.append(tag("path", d=path, fill="none", stroke=looks["color"], stroke_width=looks["penwidth"],
                             stroke_dasharray=DASHES.get(looks["style"])))  # fmt: skip
        bottoms[node] = y + tall
        parts += _box(drawing.nodes[node], left, y, tall)
        y += tall + GAP
        for said, colour in _also(drawing, node, parents):
            parts.append(phone.words(y + 6, style.short(said, _letters(left + 8)), colour, x=left + 8))
            y += ALSO
        y += 4 if y > bottoms[node] + GAP else 0
    # Boxes last: lines go down behind them.
    return phone.svg(sorted(parts, key=lambda part: not part.startswith("<path")), y - 8)


def _letters(left: float) -> int:
    return int((phone.WIDTH - left - 6) / phone.LETTER)


def _box(looks: dict, left: float, top: float, tall: float) -> list[Html]:
    lines = [style.short(line, _letters(left + 6)) for line in looks["lines"]]
    box = tag("rect", x=left, y=top, width=phone.WIDTH - left - 2, height=tall, rx=5, fill=looks["fillcolor"],
              stroke=looks["color"], stroke_width=looks["penwidth"])  # fmt: skip
    said = [
        phone.words(top + 15 + TEXT * row, line, style.INK, None if row else "bold", left + 6)
        for row, line in enumerate(lines)
    ]
    return [box, *said]


def _parents(drawing: nx.MultiDiGraph) -> dict[str, tuple[str, dict]]:
    """For each table the one that it stands below and their key: cascades first, and none below itself."""
    found: dict[str, tuple[str, dict]] = {}

    def under(one: str, other: str) -> bool:
        while one != other and one in found:
            one = found[one][0]
        return one == other

    order = list(style.ON_DELETE)
    for parent, child, looks in sorted(drawing.edges(data=True), key=lambda edge: order.index(edge[2]["action"])):
        if child not in found and not under(parent, child):
            found[child] = (parent, looks)
    return found


def _ordered(drawing: nx.MultiDiGraph, parents: dict[str, tuple[str, dict]]) -> Iterable[tuple[str, int]]:
    """The tables as they stand, with their depth; the largest families first, what is not drawn last."""
    tree = nx.DiGraph()
    tree.add_nodes_from(drawing)
    tree.add_edges_from((above, node) for node, (above, _) in parents.items())
    heads = [node for node in tree if not tree.in_degree(node)]
    heads.sort(key=lambda node: (len(drawing.nodes[node]["lines"]) == 1, -len(nx.descendants(tree, node))))
    waiting = [(node, 0) for node in reversed(heads)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(below, depth + 1) for below in reversed(list(tree.successors(node)))]


def _also(drawing: nx.MultiDiGraph, node: str, parents: dict[str, tuple[str, dict]]) -> list[tuple[str, str]]:
    """The keys of a table that no line shows: which tables they lead to, and what a DELETE there does."""
    shown = parents.get(node, ("", {}))[1]
    told = {}
    for parent, _, looks in drawing.in_edges(node, data=True):
        if looks is not shown:
            whom = "itself" if parent == node else drawing.nodes[parent]["name"]
            told[f"also {looks['action'].replace('_', ' ').upper()}: {whom}"] = looks["color"]
    return list(told.items())
