"""Figures for a telephone: they say of the same rows what the wide ones say, in a picture that needs no pushing."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from triage_kit import plot, schemas
from triage_kit.plot import style

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = {"schema": "s", "kind": "table", "mechanism": "none", "probability": 0.9}


def findings(*rows: dict) -> pd.DataFrame:
    return schemas.frame("findings", [{**PLAIN, **row} for row in rows])


LOST = {"table": "lost", "status": "wiped", "expected_rows": 48, "actual_rows": 0, "missing_rows": 48}
HALF = {"table": "half", "status": "partial", "expected_rows": 40, "actual_rows": 10, "missing_rows": 30}
LESS = {"table": "less", "status": "partial", "actual_rows": 10}
FULL = {"table": "full", "status": "intact", "expected_rows": 8, "actual_rows": 8, "missing_rows": 0}
CHANCES = schemas.frame(
    "mechanism_probabilities",
    [
        {"schema": "s", "table": "lost", "mechanism": word, "probability": chance}
        for word, chance in (("truncate", 0.75), ("partition_drop", 0.2), ("none", 0.05))
    ],
)
CAUSES = schemas.frame(
    "causes",
    [
        {"group": "G1", "cause": cause, "title": cause, "probability": chance}
        for cause, chance in (("test_run", 0.25), ("migration", 0.7), ("unknown", 0.05))
    ],
)
WAYS = schemas.frame(
    "recovery",
    [
        {"option": "pitr", "feasible": False, "why": "archive_mode is off"},
        {"option": "dump", "feasible": True, "rows": 48, "effort": "hours"},
    ],
)


def words(svg: str) -> list[str]:
    return [each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def bars(svg: str) -> list[tuple[str, int, int]]:
    """Fill, left end and width of each piece, in hundredths of a whole bar."""
    return [
        (each.get("fill"), round(float(each.get("x")) / 3.39), round(float(each.get("width")) / 3.39))
        for each in ElementTree.fromstring(svg).iter(f"{SVG}rect")
    ]


def test_a_table_has_what_stands_green_and_what_is_missing_red() -> None:
    svg = plot.narrow.tables(findings(FULL, HALF, LOST))
    assert bars(svg) == [("#f6d5d2", 0, 100), ("#5b8a6b", 0, 25), ("#f6d5d2", 25, 75), ("#5b8a6b", 0, 100)]
    assert [each for each in words(svg) if "s." in each] == ["✖ s.lost", "◐ s.half", "✔ s.full"]
    assert "wiped: 48 of 48 gone" in words(svg)


def test_a_table_that_lost_nobody_knows_how_much_has_an_open_end() -> None:
    assert bars(plot.narrow.tables(findings(LESS))) == [("none", 0, 100), ("#c4cad1", 0, 80)]
    solid = [each for each in plot.tables(findings(LESS)).patches if each.get_linestyle() != ":"]
    assert [each.get_width() for each in solid] == [0.8]
    assert [to_hex(each.get_facecolor()) for each in solid] == ["#c4cad1"]


def test_a_wiped_table_of_which_no_number_is_known_has_a_dotted_bar_and_not_none() -> None:
    blank = {"table": "blank", "status": "wiped", "actual_rows": 0}
    assert bars(plot.narrow.tables(findings(blank))) == [("none", 0, 100)]
    assert [each.get_linestyle() for each in plot.tables(findings(blank)).patches] == [":"]
    assert 'width="399"' in plot.glance(findings(blank)).svg
    empty = {"table": "empty", "status": "intact", "actual_rows": 0}
    assert bars(plot.narrow.tables(findings(empty))) == []


def test_only_what_is_known_to_stand_and_to_be_seen_is_green() -> None:
    unseen = {**FULL, "table": "unseen", "status": "hidden", "hidden_rows": 11}
    for drawn in (plot.glance(findings(LESS, unseen)).svg, plot.narrow.tables(findings(LESS, unseen))):
        assert not re.findall("#2f7d4f|#5b8a6b|#1b6e3c", drawn)
    assert plot.glance(findings(LESS, unseen)).svg.count('class="unsure"') == 1
    assert plot.glance(findings(LESS, unseen)).svg.count('class="veiled"') == 1


def test_chances_too_small_to_be_seen_are_one_end_of_the_bar() -> None:
    few = ("drop", "delete", "update")
    tail = [{"schema": "s", "table": "lost", "mechanism": word, "probability": 0.001} for word in few]
    given = pd.concat([CHANCES, schemas.frame("mechanism_probabilities", tail)], ignore_index=True)
    drawn = plot.mechanisms(given, findings(LOST)).containers
    assert len(drawn) == len(plot.mechanisms(CHANCES, findings(LOST)).containers) + 1
    assert len(bars(plot.narrow.mechanisms(given, findings(LOST)))) == 4


def test_no_hatch_is_heavier_than_lines() -> None:
    ax = plot.mechanisms(CHANCES, findings(LOST))
    for place, hatch in enumerate(style.HATCHES):
        ax.barh(place, 1, hatch=hatch)
    assert len(style.picture(ax).svg) < 60_000


def test_causes_mechanisms_and_ways_back_carry_their_numbers() -> None:
    assert words(plot.narrow.causes(CAUSES))[1:5] == ["migration", "70 %", "test run", "25 %"]
    happened = words(plot.narrow.mechanisms(CHANCES, findings(LOST)))
    assert happened[-2:] == ["s.lost", "TRUNCATE 75 %, partition dropped 20 %"]
    assert [width for _, _, width in bars(plot.narrow.mechanisms(CHANCES, findings(LOST)))] == [75, 20, 5]
    ways = words(plot.narrow.recovery(WAYS))
    assert ways[2] == "not here: archive_mode is off"
    assert ways[-1] == "48 rows, hours of work"


def test_forty_tables_are_drawn_and_the_others_counted() -> None:
    many = findings(*({**LOST, "table": f"t{place}"} for place in range(50)))
    said = words(plot.narrow.tables(many))
    assert sum("s.t" in each for each in said) == 40
    assert "and 10 more tables: 10 wiped" in said


def test_nothing_to_draw_is_no_picture() -> None:
    assert plot.narrow.causes(schemas.empty("causes")) == ""
    assert plot.narrow.mechanisms(CHANCES, findings(FULL)) == ""
    assert plot.narrow.recovery(schemas.empty("recovery")) == ""


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "line\nbreak\u202e", "n" * 63, "a & b"])
def test_a_hostile_name_is_text(name: str) -> None:
    tied = KEYS.assign(child=f"s.{name}")
    svg = plot.narrow.tables(findings({**LOST, "table": name}))
    svg += plot.foreign_key_graph(tied, findings({**LOST, "table": name})).narrow
    svg = f"<svg>{svg}</svg>".replace("<svg>", f'<svg xmlns="{SVG[1:-1]}">')
    drawn = {each.tag.removeprefix(SVG) for each in ElementTree.fromstring(svg).iter()}
    assert drawn <= {"svg", "text", "rect", "path"}
    assert "\u202e" not in svg


def test_the_same_rows_give_the_same_bytes() -> None:
    assert plot.narrow.causes(CAUSES) == plot.narrow.causes(CAUSES.copy())


def test_the_matrix_of_a_telephone_adds_up_to_the_chance_of_the_four_likeliest() -> None:
    words = ("migration", "test_run", "unknown", "application", "restore")
    given = schemas.frame("cause_evidence", [
        {"group": "G1", "item": "a_named_doer", "cause": word, "likelihood": 0.5, "decibans": 9.0 - 4 * place,
         "start": -10.0} for place, word in enumerate(words)])  # fmt: skip
    drawn = plot.narrow.evidence_matrix(given, CAUSES)
    said = [each.text for each in ElementTree.fromstring(drawn).iter(f"{SVG}text")]
    assert "left out: 1 weaker hypothesis" in said
    assert "restore" not in said
    assert said[said.index("a named doer") + 1 :][:4] == ["+9", "+5", "+1", "\u22123"]
    assert said[said.index("added up") + 1 :][:4] == ["\u22121", "\u22125", "\u22129", "\u221213"]
    assert said[said.index("chance") + 1 :][:3] == ["70 %", "25 %", "5 %"]
    assert plot.narrow.evidence_matrix(schemas.empty("cause_evidence"), CAUSES) == ""


EVENTS = schemas.frame(
    "timeline",
    [
        {"kind": "session", "at": f"2025-10-08T10:{minute:02d}:00Z", "until": f"2025-10-08T10:{minute:02d}:30Z",
         "text": "x"} for minute in range(10, 15)
    ] + [{"kind": "loss", "at": "2025-10-08T10:20:00Z", "text": "x"}, {"kind": "note", "text": "undated"}],
)  # fmt: skip
LOSS = schemas.frame(
    "groups", [{"group": "G1", "lost_from": "2025-10-08T10:19:00Z", "lost_to": "2025-10-08T10:20:00Z"}]
)


def test_the_timeline_of_a_telephone_tells_every_dated_event_and_the_window_of_the_loss() -> None:
    drawn = words(plot.narrow.timeline(EVENTS, LOSS, pd.Timestamp("2025-10-08T10:30:00Z")))
    said = [each for each in drawn if each not in ("✖", "●")]
    assert said[said.index("loss: 1 event") :][:2] == ["loss: 1 event", "6"]
    # The five lie 4/20 of the picture apart at the most: their numbers stand alone or as one run.
    rest = said[said.index("session: 5 events") + 1 :]
    numbers = [each for each in rest if re.fullmatch(r"[0-9]+(-[0-9]+)?(, [0-9]+)*", each)]
    assert numbers in (["1", "2", "3", "4", "5"], ["1-5"])
    assert "rows lost (G1)" in said
    assert "noticed" in said
    assert any("2025-10-08" in each for each in said)
    assert "note: 1 event" not in said  # it has no time; the table of events has it
    assert plot.narrow.timeline(schemas.empty("timeline"), LOSS) == ""


def test_no_word_of_the_timeline_stands_on_another_or_leaves_the_paper() -> None:
    start = pd.Timestamp("2025-10-01T00:00:00Z")
    many = [{"kind": "statement" if place % 3 else "error", "at": start + pd.Timedelta(hours=7 * place % 400),
             "text": "x"} for place in range(300)]  # fmt: skip
    lost = [{"group": f"G{place}", "committed_at": start + pd.Timedelta(hours=5 * place)} for place in range(1, 30)]
    svg = plot.narrow.timeline(schemas.frame("timeline", many), schemas.frame("groups", lost))
    placed: dict[float, list[tuple[float, float]]] = {}
    for each in ElementTree.fromstring(svg).iter(f"{SVG}text"):
        if each.get("text-anchor") is None:
            left = float(each.get("x"))
            placed.setdefault(float(each.get("y")), []).append((left, left + 6.5 * len(each.text)))
    for row in placed.values():
        row.sort()
        assert row[0][0] >= 0
        assert row[-1][1] <= 345
        assert all(right <= left for (_, right), (left, _) in pairwise(row)), row


KEYS = schemas.frame(
    "foreign_keys",
    [
        {"name": f"k{place}", "parent": parent, "child": child, "on_delete": action, "columns": ["x"]}
        for place, (parent, child, action) in enumerate(
            [("s.half", "s.lost", "no_action"), ("s.full", "s.lost", "cascade"), ("s.lost", "s.leaf", "set_null"),
             ("s.leaf", "s.half", "restrict"), ("s.leaf", "s.leaf", "cascade")]
        )
    ],
)  # fmt: skip


def test_the_outline_of_a_telephone_shows_each_table_once_and_each_key() -> None:
    leaf = {**FULL, "table": "leaf"}
    svg = plot.foreign_key_graph(KEYS, findings(FULL, HALF, LOST, leaf)).narrow
    # The cascade decides where s.lost stands; what closes the circle is said in words, as is a table's key to itself.
    assert words(svg) == [
        "s.full", "✔ intact", "s.lost", "✖ wiped, 48 missing", "also NO ACTION: s.half", "s.leaf", "✔ intact",
        "also CASCADE: itself", "s.half", "◐ partial, 30 missing",
    ]  # fmt: skip
    lines = [
        (each.get("stroke"), each.get("stroke-dasharray")) for each in ElementTree.fromstring(svg).iter(f"{SVG}path")
    ]
    assert sorted(lines, key=str) == sorted(
        [(style.ON_DELETE["cascade"][0], None), (style.ON_DELETE["set_null"][0], "5 3"),
         (style.ON_DELETE["restrict"][0], "1.5 3")], key=str
    )  # fmt: skip
    assert plot.foreign_key_graph(schemas.empty("foreign_keys"), findings(LOST)).narrow == ""
