"""The foreign-key graph drawn without Graphviz: layers from referenced to referencing tables, plainer, as SVG.

The method is that of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures",
IEEE Transactions on Systems, Man, and Cybernetics 11 (1981): turn round what closes a cycle, give each table the layer
of its longest path, bend long edges at a point in every layer between, order each layer by its neighbours' middle.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

import networkx as nx

from triage_kit.plot import style

# Points: a line of text, the room around it, between two tables, between two layers.
LINE, MARGIN, GAP, BETWEEN = 14.0, 9.0, 14.0, 58.0
SWEEPS = 12
DASHES = {"dashed": ' stroke-dasharray="5,3"', "dotted": ' stroke-dasharray="1.5,3"'}
Point = tuple[float, float]
Place = tuple[float, float, float]  # the centre, and half the width of the layer


def svg(drawing: nx.MultiDiGraph) -> str:
    """Lay the drawing out and write it as SVG, tooltips as ``<title>``.

    Parameters
    ----------
    drawing : nodes with ``lines`` (of the label), ``tooltip``, ``color``, ``fillcolor``, ``penwidth``; edges with
        ``color``, ``style`` (solid, dashed, dotted), ``penwidth``, ``tooltip``.
    """
    plain, layers = _layers(drawing)
    sizes = {node: _size(drawing.nodes[node]["lines"]) if node in drawing else (0.0, 0.0) for node in plain}
    order = _ordered(plain, layers)
    centres, width, height = _placed(plain, order, sizes)
    edges = [_edge(place, drawing, edge, centres, sizes) for place, edge in enumerate(drawing.edges(keys=True))]
    nodes = [_node(node, looks, centres[node][:2], sizes[node]) for node, looks in drawing.nodes(data=True)]
    size = f'width="{width:.0f}pt" height="{height:.0f}pt" viewBox="0 0 {width:.0f} {height:.0f}"'
    body = "\n".join(["<title>foreign keys</title>", *edges, *nodes])
    return style.clean_xml(f'<svg {size} xmlns="http://www.w3.org/2000/svg"><g id="fk-graph">{body}</g></svg>')


def _layers(drawing: nx.MultiDiGraph) -> tuple[nx.DiGraph, dict[object, int]]:
    """Each table's layer, and the graph without cycles, in which each edge leads to the next layer."""
    acyclic = _acyclic(drawing)
    layers: dict[object, int] = {}
    for node in nx.lexicographical_topological_sort(acyclic, key=str):
        layers[node] = max((layers[one] + 1 for one in acyclic.predecessors(node)), default=0)
    for node in acyclic:  # a root stands beside its nearest child, not at the far left
        if not acyclic.in_degree(node) and acyclic.out_degree(node):
            layers[node] = min(layers[one] for one in acyclic.successors(node)) - 1
    plain = nx.DiGraph()
    plain.add_nodes_from(acyclic)
    for start, end in acyclic.edges:
        bends = [(start, end, layer) for layer in range(layers[start] + 1, layers[end])]
        layers.update({bend: bend[2] for bend in bends})
        nx.add_path(plain, [start, *bends, end])
    return plain, layers


def _acyclic(drawing: nx.MultiDiGraph) -> nx.DiGraph:
    """One edge between two tables, turned round where it would lead back to a table that depth-first search is in."""
    done: set[object] = set()
    acyclic = nx.DiGraph()
    acyclic.add_nodes_from(drawing)
    for start, end, label in nx.dfs_labeled_edges(drawing):
        if label == "reverse":
            done.add(end)
        elif start != end:
            back = label == "nontree" and end not in done
            acyclic.add_edge(*((end, start) if back else (start, end)))
    return acyclic


def _ordered(plain: nx.DiGraph, layers: dict[object, int]) -> list[list[object]]:
    """The tables and bends of each layer from above, in the order that crossed edges the least."""
    order: list[list[object]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for node in _by_component(plain):
        order[layers[node]].append(node)
    best, fewest = [list(layer) for layer in order], _crossings(plain, order)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        for layer in order if forth else reversed(order):
            rank = {node: place for each in order for place, node in enumerate(each)}
            near = plain.predecessors if forth else plain.successors
            layer.sort(key=lambda node, rank=rank, near=near: _middle([rank[one] for one in near(node)], rank[node]))
        if (crossed := _crossings(plain, order)) < fewest:
            best, fewest = [list(layer) for layer in order], crossed
    return best


def _by_component(plain: nx.DiGraph) -> list[object]:
    """Connected tables together, the largest family first; those without a foreign key last."""
    families = sorted(nx.weakly_connected_components(plain), key=lambda family: (-len(family), min(map(str, family))))
    return [node for family in families for node in sorted(family, key=str)]


def _middle(places: list[int], own: float) -> float:
    return sum(places) / len(places) if places else own


def _crossings(plain: nx.DiGraph, order: list[list[object]]) -> int:
    rank = {node: place for layer in order for place, node in enumerate(layer)}
    crossed = 0
    for layer in order:
        ends = [(rank[node], rank[child]) for node in layer for child in plain.successors(node)]
        crossed += sum((a - c) * (b - d) < 0 for place, (a, b) in enumerate(ends) for c, d in ends[:place])
    return crossed


def _placed(
    plain: nx.DiGraph, order: list[list[object]], sizes: dict[object, Point]
) -> tuple[dict[object, Place], float, float]:
    """The place of each table and bend, and the size of the whole: a table stands where its neighbours' middle is."""
    down: dict[object, float] = {}
    for layer in order:
        for node, at in zip(layer, _stacked([0.0] * len(layer), layer, sizes), strict=True):
            down[node] = at
    for sweep in range(SWEEPS):
        for layer in order if sweep % 2 == 0 else reversed(order):
            near = [[*plain.predecessors(node), *plain.successors(node)] for node in layer]
            wish = [_middle([down[one] for one in ones], down[node]) for node, ones in zip(layer, near, strict=True)]
            down.update(zip(layer, _stacked(wish, layer, sizes), strict=True))
    top = min((down[node] - sizes[node][1] / 2 for node in down), default=0.0) - MARGIN
    centres, left = {}, MARGIN
    for layer in order:
        across = max(sizes[node][0] for node in layer)
        centres.update({node: (left + across / 2, down[node] - top, across / 2) for node in layer})
        left += across + BETWEEN
    bottom = max((centres[node][1] + sizes[node][1] / 2 for node in centres), default=0.0)
    return centres, max(left - BETWEEN, MARGIN) + MARGIN, bottom + MARGIN


def _stacked(wish: list[float], layer: list[object], sizes: dict[object, Point]) -> list[float]:
    """Places as near to the wished ones as order and height allow: neighbours that press on each other share the shift.

    That is isotonic regression by pooling adjacent violators, on the wishes without the room that stands between.
    """
    room = [0.0]
    for above, below in pairwise(layer):
        room.append(room[-1] + (sizes[above][1] + sizes[below][1]) / 2 + GAP)
    blocks: list[tuple[float, int]] = []
    for want, used in zip(wish, room, strict=False):
        mean, count = want - used, 1
        while blocks and blocks[-1][0] > mean:
            earlier, many = blocks.pop()
            mean, count = (mean * count + earlier * many) / (count + many), count + many
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    return [mean + used for mean, used in zip(flat, room, strict=False)]


def _size(lines: tuple[str, ...]) -> Point:
    return max(_wide(line) for line in lines) + 2 * MARGIN, LINE * len(lines) + MARGIN


def _wide(text: str) -> float:
    """Points that a line takes at 11 points in an ordinary sans-serif font, rather too many than too few."""
    return sum(11.0 if unicodedata.east_asian_width(each) in "WF" else 6.4 for each in style.visible(text))


def _node(node: object, looks: dict, centre: Point, size: Point) -> str:
    (x, y), (width, height) = centre, size
    dash = "" if len(looks["lines"]) > 1 else DASHES["dashed"]
    first = y - LINE * (len(looks["lines"]) - 1) / 2 + 4
    words = "".join(
        f'<text x="{x:.1f}" y="{first + LINE * place:.1f}" text-anchor="middle" font-family="sans-serif" '
        f'font-size="11" fill="{style.INK}">{escape(style.visible(line))}</text>'
        for place, line in enumerate(looks["lines"])
    )
    box = f"M{x - width / 2:.1f},{y - height / 2:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"
    look = f'fill="{looks["fillcolor"]}" stroke="{looks["color"]}" stroke-width="{looks["penwidth"]:g}"'
    return f'<g id={quoteattr(f"fk-{node}")}>{_title(looks)}<path d="{box}" {look}{dash}/>{words}</g>'


def _title(looks: dict) -> str:
    return f"<title>{escape(style.visible(looks['tooltip']))}</title>"


def _edge(place: int, drawing: nx.MultiDiGraph, edge: tuple, centres: dict, sizes: dict[object, Point]) -> str:
    start, end, key = edge
    looks = drawing.edges[start, end, key]
    points, back = _way(start, end, centres, sizes)
    tip = points[-1]
    shaft = f"M{points[0][0]:.1f},{points[0][1]:.1f}" + "".join(_curve(*pair) for pair in pairwise(points))
    away = 7.0 if back else -7.0
    head = f"{tip[0]:.1f},{tip[1]:.1f} {tip[0] + away:.1f},{tip[1] - 3.5:.1f} {tip[0] + away:.1f},{tip[1] + 3.5:.1f}"
    line = f'stroke="{looks["color"]}" stroke-width="{looks["penwidth"]:g}"{DASHES.get(looks["style"], "")}'
    drawn = f'<path d="{shaft}" fill="none" {line}/><polygon points="{head}" fill="{looks["color"]}"/>'
    return f'<g id="fk-e{place}">{_title(looks)}{drawn}</g>'


def _way(
    start: object, end: object, centres: dict[object, Place], sizes: dict[object, Point]
) -> tuple[list[Point], bool]:
    """From the side of one table over the bends to the side of the other, and whether that leads to the left.

    Within a layer the way is level, for the tables above and below may be wider; it climbs between layers.
    """
    x, y, half = centres[start]
    to_x, to_y, to_half = centres[end]
    if start == end:  # a table that references itself: out at the right, round, and in again lower down
        right = x + sizes[start][0] / 2
        return [(right, y - 6), (right + 22, y), (right, y + 6)], True
    back = to_x <= x
    side = -1 if back else 1
    leave = [(x + side * sizes[start][0] / 2, y), (x + side * half, y)]
    arrive = [(to_x - side * to_half, to_y), (to_x - side * sizes[end][0] / 2, to_y)]
    bends = sorted(one for one in centres if isinstance(one, tuple) and set(one[:2]) == {start, end})
    passed = [centres[bend] for bend in sorted(bends, key=lambda bend: bend[2], reverse=back)]
    over = [(at - way * side * wide, down) for at, down, wide in passed for way in (1, -1)]
    return [*leave, *over, *arrive], back


def _curve(start: Point, end: Point) -> str:
    middle = (start[0] + end[0]) / 2
    return f"C{middle:.1f},{start[1]:.1f} {middle:.1f},{end[1]:.1f} {end[0]:.1f},{end[1]:.1f}"
