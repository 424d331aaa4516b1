"""The graph where Graphviz does not load: nothing overlaps, each edge leads from table to table, and it is taken."""

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from xml.etree import ElementTree

import networkx as nx
import pytest

from triage_kit.plot import layered

PLAIN = {"color": "#57606a", "fillcolor": "#ffffff", "penwidth": 1.0, "tooltip": "t"}
WITHOUT = """
import sys
sys.modules["pygraphviz"] = None  # importing it fails, as where GLib is missing
from triage_kit import plot, schemas
from triage_kit.plot import graph
keys = schemas.frame("foreign_keys", [{"name": "k", "parent": "s.a", "child": "s.b", "on_delete": "cascade"}])
print(graph.engine.__name__, plot.foreign_key_graph(keys, schemas.empty("findings")).svg.count("<path"))
"""


def drawing(tables: int, seed: int, loops: bool = True) -> nx.MultiDiGraph:
    chance, graph = random.Random(seed), nx.MultiDiGraph()
    for place in range(tables):
        graph.add_node(f"n{place}", lines=(f"s.{'x' * chance.randrange(40)}{place}", "✔ intact"), **PLAIN)
    for child in range(1, tables):
        for parent in {chance.randrange(child) for _ in range(chance.randrange(3))}:
            graph.add_edge(f"n{parent}", f"n{child}", style="solid", **PLAIN)
    if loops:
        graph.add_edge(f"n{tables - 1}", "n0", style="dotted", **PLAIN)
        graph.add_edge("n1", "n1", style="dashed", **PLAIN)
        graph.add_edge("n0", "n1", style="dashed", **PLAIN)
    return graph


def boxes(svg: str) -> dict[str, tuple[float, float, float, float]]:
    """Left, top, right, bottom of each table."""
    found = re.findall(r'id="fk-(n\d+)">.*?d="M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)', svg)
    return {name: (float(x), float(y), float(x) + float(w), float(y) + float(h)) for name, x, y, w, h in found}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tables", [2, 8, 60])
def test_no_table_overlaps_another_and_all_lie_inside(tables: int, seed: int) -> None:
    svg = layered.svg(drawing(tables, seed))
    placed = boxes(svg)
    assert len(placed) == tables
    width, height = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    assert all(x >= 0 and y >= 0 and right <= width and bottom <= height for x, y, right, bottom in placed.values())
    for (_, one), (_, other) in combinations(placed.items(), 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart, (one, other)


@pytest.mark.parametrize("seed", range(5))
def test_each_edge_leads_from_the_side_of_one_table_to_that_of_the_other_and_through_no_third(seed: int) -> None:
    graph = drawing(30, seed)
    svg = layered.svg(graph)
    placed, root = boxes(svg), ElementTree.fromstring(svg)
    by_id = {each.get("id"): each for each in root.iter() if each.get("id")}
    for place, (start, end) in enumerate(graph.edges()):
        shaft = next(part for part in by_id[f"fk-e{place}"].iter() if part.tag.endswith("}path")).get("d")
        points = [tuple(map(float, pair.split(","))) for pair in re.findall(r"[\d.-]+,[\d.-]+", shaft)]
        for name, (x, y) in ((start, points[0]), (end, points[-1])):
            left, top, right, bottom = placed[name]
            assert min(abs(x - left), abs(x - right)) < 0.2
            assert top <= y <= bottom
        for x, y in along(points):
            for name, (left, top, right, bottom) in placed.items():
                assert name in (start, end) or not (left + 2 < x < right - 2 and top + 2 < y < bottom - 2)


def along(points: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Points on a chain of Bézier curves: the start, then two handles and an end for each."""
    for first in range(0, len(points) - 3, 3):
        corners = points[first : first + 4]
        for step in range(25):
            t = step / 24
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield tuple(sum(w * corner[axis] for w, corner in zip(weights, corners, strict=True)) for axis in (0, 1))


def test_a_cascade_runs_from_left_to_right() -> None:
    graph = nx.MultiDiGraph()
    for name in ("n0", "n1", "n2", "n3"):
        graph.add_node(name, lines=(name, "?"), **PLAIN)
    for start, end in (("n2", "n0"), ("n0", "n3"), ("n2", "n3")):
        graph.add_edge(start, end, style="solid", **PLAIN)
    placed = boxes(layered.svg(graph))
    assert placed["n2"][2] < placed["n0"][0] < placed["n0"][2] < placed["n3"][0]


def test_it_is_taken_where_graphviz_does_not_load() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["triage_kit.plot.layered", "3"], done.stderr
