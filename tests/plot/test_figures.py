"""Figures: what is drawn of small literal frames, and that no name can break out of one."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import matplotlib as mpl
import pandas as pd
import pytest

from triage_kit import plot, schemas
from triage_kit.plot import graph, graphviz, layered, story, style
from triage_kit.plot.clock import FoldedClock

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{1}{0}$ {braces} %s",
    "line\nbreak\ttab",
    "\u202eevil\u2066",
    "שלום",
    "n" * 63,
    "<b>\\N</b>",
    "&lt;i&gt;",
]


def findings(*rows: dict) -> pd.DataFrame:
    plain = {"schema": "s", "kind": "table", "status": "intact", "mechanism": "none", "probability": 0.9}
    return schemas.frame("findings", [{**plain, **row} for row in rows])


def wiped(table: str, rows: int) -> dict:
    return {
        "table": table, "status": "wiped", "expected_rows": rows, "actual_rows": 0, "missing_rows": rows,
        "inserts": rows, "deletes": 0, "mechanism": "truncate",
    }  # fmt: skip


def standing(table: str, rows: int) -> dict:
    return {"table": table, "expected_rows": rows, "actual_rows": rows, "missing_rows": 0}


def texts(ax: mpl.axes.Axes) -> list[str]:
    return [each.get_text() for each in ax.texts]


def elements(svg: str) -> set[str]:
    return {each.tag.rpartition("}")[2] for each in ElementTree.fromstring(svg).iter()}


def keys(*edges: tuple[str, str, str]) -> pd.DataFrame:
    rows = [
        {"name": f"k{i}", "parent": parent, "child": child, "on_delete": action, "columns": ["x"]}
        for i, (parent, child, action) in enumerate(edges)
    ]
    return schemas.frame("foreign_keys", rows)


def test_small_and_large_tables_are_equally_long_and_carry_their_numbers() -> None:
    ax = plot.tables(findings(wiped("little", 48), wiped("large", 48_000_000), standing("users", 11)))
    hatched = [bar.get_width() for bar in ax.patches if bar.get_hatch()]
    assert hatched == [1.0, 1.0]
    assert texts(ax).count("48,000,000") == 2  # expected and missing
    assert texts(ax).count("48") == 2
    assert "✖ wiped" in texts(ax)
    assert "✔ intact" in texts(ax)


def test_numbers_of_millions_do_not_touch_their_neighbours() -> None:
    open_ = {**wiped("open", 48_000_000), "expected_rows": None, "expected_low": 1_000_000, "expected_high": 48_000_000}
    ax = plot.tables(findings(wiped("large", 48_000_000), open_))
    ax.figure.canvas.draw()
    for row in {round(each.get_position()[1], 2) for each in ax.texts}:
        boxes = sorted(
            (each.get_window_extent() for each in ax.texts if round(each.get_position()[1], 2) == row),
            key=lambda box: box.x0,
        )
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


LOADS = pytest.mark.skipif(graphviz.pygraphviz is None, reason="Graphviz does not load: GLib or X11 is not installed")


@pytest.fixture(params=[pytest.param(graphviz, marks=LOADS, id="graphviz"), pytest.param(layered, id="layered")])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way of drawing the graph: the second is that of machines on which Graphviz does not load."""
    monkeypatch.setattr(graph, "engine", request.param)


@pytest.mark.usefixtures("engine")
def test_a_wide_graph_is_marked_for_scrolling() -> None:
    chain = [(f"s.table_number_{n:02d}", f"s.table_number_{n + 1:02d}", "cascade") for n in range(12)]
    drawn = plot.foreign_key_graph(keys(*chain), findings(wiped("table_number_00", 3)), None).svg
    wide = plot.foreign_key_graph(keys(*chain), findings(*(wiped(f"table_number_{n:02d}", 3) for n in range(13)))).svg
    assert 'class="wide2"' in wide
    assert len(drawn) < len(wide)


def test_of_many_damaged_tables_those_are_drawn_that_foreign_keys_tie() -> None:
    alone = [f"a{n:03d}" for n in range(100)]
    pairs = [(f"s.parent{n:02d}", f"s.z{n:02d}", "cascade") for n in range(25)]
    tied = [name.removeprefix("s.") for pair in pairs for name in pair[:2]]
    roots = schemas.frame("explaining_statements", [{"group": "G1", "roots": [f"s.{name}" for name in alone]}])
    drawn = plot.foreign_key_graph(keys(*pairs), findings(*(wiped(name, 3) for name in [*alone, *tied])), roots).svg
    assert drawn.count("references") == len(pairs)


def test_wiped_tables_come_first_and_forty_are_drawn_of_five_hundred() -> None:
    rows = [standing(f"t{i:03d}", i) for i in range(499)]
    ax = plot.tables(findings(*rows, wiped("zebra", 7)))
    names = [each for each in texts(ax) if each.startswith("s.")]
    assert names[0] == "s.zebra"
    assert len(names) == 40
    assert "and 460 more tables: 460 intact" in texts(ax)


def test_what_is_not_known_is_dotted_and_never_a_zero() -> None:
    row = {"table": "t", "status": "undecided", "expected_low": 5, "expected_high": 81, "actual_rows": None}
    ax = plot.tables(findings(row))
    assert [bar.get_linestyle() for bar in ax.patches] == [":"]
    assert "5 to 81" in texts(ax)
    assert texts(ax).count("?") == 2  # actual and missing


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_in_every_figure(name: str) -> None:
    at = pd.Timestamp("2025-10-07T20:00:00Z")
    frames = {
        "tables": plot.tables(findings(wiped(name, 3))),
        "mechanisms": plot.mechanisms(schemas.frame("mechanism_probabilities", [
            {"schema": "s", "table": name, "mechanism": "truncate", "probability": 1.0}])),
        "causes": plot.causes(schemas.frame("causes", [{"group": name, "cause": name, "probability": 1.0}])),
        "matrix": plot.evidence_matrix(schemas.frame("mechanism_evidence", [
            {"schema": "s", "table": name, "signal": name, "outcome": name, "mechanism": name, "decibans": 3.0}])),
        "recovery": plot.recovery(schemas.frame("recovery", [{"option": name, "rows": 4, "feasible": True}])),
        "timeline": plot.timeline(
            schemas.frame("timeline", [{"at": at, "kind": name, "source": name, "text": name}]),
            schemas.frame("groups", [{"group": name, "lost_from": at, "lost_to": at}])),
    }  # fmt: skip
    allowed = {"svg", "g", "path", "text", "defs", "style", "use", "clipPath", "rect", "metadata", "image", "pattern",
               "RDF", "Work", "type", "format", "creator", "Agent", "title"}  # fmt: skip
    for figure, ax in frames.items():
        assert elements(plot.picture(ax).svg) <= allowed, figure
    spelt = schemas.qualified("s", name)
    drawn = plot.foreign_key_graph(keys((spelt, "s.child", "cascade")), findings(wiped(name, 3), standing("child", 1)))
    assert elements(drawn.svg) <= {"svg", "g", "title", "path", "polygon", "polyline", "ellipse", "text"}
    assert style.short(spelt, 42) in _visible_text(drawn.svg)


def _visible_text(svg: str) -> str:
    root = ElementTree.fromstring(svg)
    return "\n".join((each.text or "") for each in root.iter() if each.tag.endswith("}text"))


@pytest.mark.usefixtures("engine")
def test_figures_are_the_same_bytes_twice_and_leave_no_trace() -> None:
    before = dict(mpl.rcParams)
    case = findings(wiped("a", 3), standing("b", 2))

    def draw() -> list[str]:
        drawn = plot.foreign_key_graph(keys(("s.a", "s.b", "set_null")), case)
        return [plot.picture(plot.tables(case)).svg, drawn.svg]

    assert draw() == draw()
    assert dict(mpl.rcParams) == before


@pytest.mark.usefixtures("engine")
def test_graph_marks_roots_and_styles_edges_by_on_delete() -> None:
    edges = [("s.a", "s.b", "cascade"), ("s.b", "s.c", "no_action"), ("s.a", "s.d", "set_null")]
    case = findings(wiped("a", 8), wiped("b", 115), standing("c", 1), standing("d", 1))
    explaining = schemas.frame("explaining_statements", [{"group": "G1", "roots": ["s.a"]}])
    svg = plot.foreign_key_graph(keys(*edges), case, explaining).svg
    assert "▶ s.a" in _visible_text(svg)
    assert "✖ wiped, 115 missing" in _visible_text(svg)
    root = ElementTree.fromstring(svg)
    by_id = {each.get("id"): each for each in root.iter() if each.get("id")}
    strokes = [next(part.get("stroke") for part in by_id[f"fk-e{i}"].iter() if part.get("stroke")) for i in range(3)]
    assert strokes == [style.ON_DELETE[action][0] for action in ("cascade", "set_null", "no_action")]
    titles = [each.text for each in root.iter() if each.tag.endswith("}title")]
    assert "k0: s.b references s.a, ON DELETE CASCADE" in titles


@pytest.mark.usefixtures("engine")
def test_graph_of_five_hundred_tables_draws_sixty_and_counts_the_rest() -> None:
    names = [f"t{i:03d}" for i in range(500)]
    edges = [(f"s.{a}", f"s.{b}", "no_action") for a, b in pairwise(names)]
    case = findings(*(wiped(name, 1) if name < "t100" else standing(name, 1) for name in names))
    drawn = plot.foreign_key_graph(keys(*edges), case)
    shown = _visible_text(drawn.svg)
    assert sum(line.startswith("s.t") for line in shown.splitlines()) == graph.MOST_NODES
    assert "440 more tables, not drawn" in shown


@pytest.mark.usefixtures("engine")
def test_graph_without_any_damage_still_draws() -> None:
    assert "s.a" in _visible_text(plot.foreign_key_graph(keys(), findings(standing("a", 1))).svg)
    assert plot.foreign_key_graph(keys(), findings()).svg.startswith("<svg")


def test_timeline_draws_every_destructive_statement_among_two_thousand_events() -> None:
    start = pd.Timestamp("2025-10-07T18:00:00Z")
    rows = [{"at": start + pd.Timedelta(seconds=i), "kind": "checkpoint", "text": "c"} for i in range(2000)]
    rows += [
        {"at": start + pd.Timedelta(seconds=900, milliseconds=i), "kind": "statement", "text": "TRUNCATE"}
        for i in range(50)
    ]
    ax = plot.timeline(schemas.frame("timeline", rows), schemas.empty("groups"))
    drawn = {
        len(each.get_offsets())
        for each in ax.collections
        if hasattr(each, "get_offsets") and len(each.get_offsets()) > 1
    }
    assert 50 in drawn  # statements, one mark each
    assert max(drawn) <= 162  # checkpoints share marks


def test_statements_of_one_moment_are_all_named() -> None:
    start = pd.Timestamp("2025-10-07T18:00:00Z")
    rows = [{"at": start + pd.Timedelta(minutes=at), "kind": "checkpoint", "text": "c"} for at in range(0, 360, 10)]
    rows += [{"at": start + pd.Timedelta(hours=3, milliseconds=at), "kind": "statement", "text": "TRUNCATE"}
             for at in (-1, 1, 2)]  # fmt: skip
    ax = plot.timeline(schemas.frame("timeline", rows), schemas.empty("groups"))
    assert "19, 21, 22" in texts(ax)  # 18 checkpoints stand before them, one between them
    assert 3 in {len(each.get_offsets()) for each in ax.collections if hasattr(each, "get_offsets")}


def test_timeline_marks_the_loss_and_the_noticed_moment() -> None:
    lost = schemas.frame("groups", [
        {"group": "G1", "lost_from": "2025-10-07T18:28:20Z", "lost_to": "2025-10-07T20:28:20Z"}])  # fmt: skip
    events = schemas.frame("timeline", [{"at": "2025-09-25T08:00:00Z", "kind": "server", "text": "initdb"}])
    ax = plot.timeline(events, lost, noticed_at=pd.Timestamp("2025-10-08T10:37:29Z"))
    assert "rows lost (G1)" in texts(ax)
    assert "noticed" in texts(ax)
    assert any("folded" in each for each in texts(ax))


def test_timeline_of_nothing_says_so() -> None:
    ax = plot.timeline(schemas.empty("timeline"), schemas.empty("groups"))
    assert "no source told of any event" in texts(ax)


def test_folded_clock_keeps_order_and_the_loss_window() -> None:
    instants = pd.to_datetime(["2025-09-25T08:00Z", "2025-10-06T09:00Z", "2025-10-07T18:00Z", "2025-10-07T20:00Z",
                               "2025-10-07T20:05Z", "2025-10-08T10:37Z"])  # fmt: skip
    clock = FoldedClock(instants, keep=[(instants[2], instants[3])])
    places = [clock.place(instant) for instant in instants]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert 0 <= places[0] <= places[-1] <= 1.0001
    assert [words for *_, words in clock.folds()] == ["11 d", "33 h", "15 h"]
    xs, labels = clock.ticks()
    assert min(b - a for a, b in pairwise(xs)) >= 0.099
    assert labels[0] == "08:00:00\n2025-09-25"


def test_mechanism_bars_fill_the_whole_and_leave_intact_tables_out() -> None:
    chances = [("a", "truncate", 0.7), ("a", "unknown", 0.3), ("b", "none", 1.0)]
    frame = schemas.frame("mechanism_probabilities", [
        {"schema": "s", "table": t, "mechanism": m, "probability": p} for t, m, p in chances])  # fmt: skip
    ax = plot.mechanisms(frame, findings(wiped("a", 3), standing("b", 2)))
    assert [each.get_text() for each in ax.get_yticklabels()] == ["s.a"]
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(1.0)
    assert "TRUNCATE 70 %" in texts(ax)


def test_causes_are_ranked_and_numbered() -> None:
    frame = schemas.frame("causes", [
        {"group": "G1", "cause": "unknown", "probability": 0.2},
        {"group": "G1", "cause": "manual_session", "probability": 0.8}])  # fmt: skip
    ax = plot.causes(frame)
    assert [each.get_text() for each in ax.get_yticklabels()] == ["by hand", "not known"]
    assert texts(ax) == ["80 %", "20 %"]


@pytest.mark.parametrize("chance", [0.5, 0.87, 0.9, 0.94, 0.999])
def test_the_number_of_a_bar_stands_beside_it_or_inside_it_and_never_across_its_end(chance: float) -> None:
    row = {"group": "G1", "cause": "migration", "title": "A migration ran it", "probability": chance}
    ax = plot.causes(schemas.frame("causes", [row]))
    ax.figure.draw_without_rendering()
    bar, number = ax.patches[0].get_window_extent(), ax.texts[0].get_window_extent()
    assert number.x0 > bar.x1 or number.x1 < bar.x1
    assert number.x1 < ax.bbox.x1


def test_matrix_prints_decibans_of_the_chosen_table() -> None:
    rows = [("a", "storage", "replaced", "truncate", 16.0), ("a", "storage", "replaced", "delete", -10.4),
            ("b", "dead", "many", "delete", 3.0)]  # fmt: skip
    frame = schemas.frame("mechanism_evidence", [
        {"schema": "s", "table": t, "signal": s, "outcome": o, "mechanism": m, "decibans": d}
        for t, s, o, m, d in rows])  # fmt: skip
    ax = plot.evidence_matrix(frame, of="s.a")
    assert texts(ax) == ["\u00b7", "\u00b7", "+16", "\u221210", "+16", "\u221210"]
    assert [each.get_text() for each in ax.get_yticklabels()] == [
        "before any evidence", "storage = replaced", "added up"]  # fmt: skip


def test_a_column_of_the_matrix_adds_up_to_its_foot() -> None:
    rows = [("rows", 9.0, -3.0), ("storage", 4.0, -1.0), ("locks", 0.3, 0.4), ("size", 0.4, 0.2)]
    frame = schemas.frame("mechanism_evidence", [
        {"schema": "s", "table": "a", "signal": name, "outcome": "o", "mechanism": word, "decibans": d, "start": start}
        for name, *given in rows
        for word, d, start in zip(("truncate", "delete"), given, (-7.0, -5.0), strict=True)])  # fmt: skip
    chances = schemas.frame("mechanism_probabilities", [
        {"schema": "s", "table": "a", "mechanism": word, "probability": chance}
        for word, chance in (("truncate", 0.97), ("delete", 0.03))])  # fmt: skip
    ax = plot.evidence_matrix(frame, chances, of="s.a")
    assert [each.get_text() for each in ax.get_yticklabels()] == [
        "before any evidence", "rows = o", "storage = o", "2 fainter observations", "added up", "chance"]  # fmt: skip
    truncate, delete = texts(ax)[0::2], texts(ax)[1::2]
    assert truncate == ["\u22127", "+9", "+4", "+1", "+7", "97 %"]  # -7 + 9 + 4 + 0.3 + 0.4 is 6.7
    assert delete == ["\u22125", "\u22123", "\u22121", "+1", "\u22128", "3 %"]  # -5 - 3 - 1 + 0.4 + 0.2 is -8.4


def test_colours_of_words_reach_aa_on_the_card() -> None:
    colours = [colour for colour, _ in style.STATUSES.values()] + [style.INK, style.MUTED]
    colours += [look[0] for look in style.ON_DELETE.values()]
    assert min(_contrast(colour, style.CARD) for colour in colours) >= 4.5


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two sRGB colours (WCAG 2.2, definitions of relative luminance and contrast ratio)."""

    def luminance(colour: str) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in mpl.colors.to_rgb(colour)
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_a_burst_has_a_scale_of_its_own_and_hides_no_time() -> None:
    start = pd.Timestamp("2025-10-07T00:00:00Z")
    day = [start + pd.Timedelta(minutes=3 * each) for each in range(400)]
    burst = [
        start + pd.Timedelta(hours=10, milliseconds=20 * each) for each in range(500)
    ]  # ten seconds of twenty hours
    clock = FoldedClock([*day, *burst])
    assert clock.place(burst[-1]) - clock.place(burst[0]) > 0.05
    assert len(clock.changes()) == 2
    assert clock.folds() == []
    places = clock.places(pd.Series(sorted([*day, *burst])))
    assert (pd.Series(places).diff().dropna() >= 0).all()


def test_a_crowded_lane_shows_how_many_and_where() -> None:
    start = pd.Timestamp("2025-10-07T00:00:00Z")
    rows = [{"at": start + pd.Timedelta(seconds=each), "kind": "error", "text": "e"} for each in range(20_000)]
    rows += [{"at": start + pd.Timedelta(seconds=9_000), "kind": "error", "text": "e"}] * 700
    rows += [{"at": start + pd.Timedelta(seconds=9_000 + each / 1000), "kind": "statement", "text": "DROP"}
             for each in range(300)]  # fmt: skip
    shown = plot.picture(plot.timeline(schemas.frame("timeline", rows), schemas.empty("groups"))).svg
    highest = round(20_000 / story.BINS) + 700
    assert any(f"{highest + more} events" in shown for more in (-1, 0, 1))
    assert shown.count("<use") >= 300  # each DROP has its own mark
    assert len(shown) < 400_000


def test_many_losses_are_drawn_up_to_a_bound_in_their_order() -> None:
    words = ("manual_session", "migration", "application", "unknown")
    rows = [{"group": f"G{n}", "cause": word, "title": word, "probability": chance}
            for n in range(1, 41) for word, chance in zip(words, (0.4, 0.3, 0.2, 0.1), strict=True)]  # fmt: skip
    ax = plot.causes(schemas.frame("causes", rows))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[:4] == ["G1: by hand", "G1: migration", "G1: application", "G2: by hand"]
    assert labels[-1] == "G12: application"
    assert "28 more groups" in ax.get_title(loc="left")


def test_an_alternative_text_spells_out_what_a_name_disguises() -> None:
    ax = mpl.figure.Figure().subplots()
    style.describe(ax, "a\x1b[2J\u202e of\nb")
    assert style.picture(ax).says == "a\\x1b[2J\\u202e of\nb"
