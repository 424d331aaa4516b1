"""Tables and paragraphs: everything is escaped, every evidence id is a link, nothing destructive is cut."""

from __future__ import annotations

from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pytest

from triage_kit import plot, schemas
from triage_kit.plot import html

EVIL = '<script>x</script><img src=x onerror="y">\u202e\' & E7'
NOTED = {"oid", "line"}


def evil_frame(name: str) -> pd.DataFrame:
    """One row of the table with a hostile value in every text column."""
    values = {
        "int": 3,
        "float": 0.5,
        "bool": True,
        "time": "2025-10-08T10:37:29.123456Z",
        "text": EVIL,
        "texts": [EVIL],
    }
    return schemas.frame(name, [{column.name: values[column.type] for column in schemas.get(name).columns}])


class Reader(HTMLParser):
    """Collects elements, attributes and text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def every_list() -> dict[str, html.Html]:
    frames = {name: evil_frame(name) for name in (
        "findings", "groups", "causes", "recovery", "freeze", "timeline", "seen_statements", "foreign_keys", "review",
        "explaining_statements", "next_tests", "recommendations", "gaps", "coverage", "evidence",
        "migration_operations", "mechanism_probabilities", "culprits", "removals",
    )}  # fmt: skip
    frames["recommendations"] = frames["recommendations"].assign(when="immediate")
    twice = frames["removals"].assign(group=frames["groups"]["group"].iloc[0])
    frames["removals"] = pd.concat([twice.assign(xid=1), twice.assign(xid=2)])
    found = SimpleNamespace(**{**frames, "statements": frames["seen_statements"]})
    incident = {"timezone": EVIL, "noticed_at": pd.Timestamp("2025-10-08T10:37:29Z"), "title": EVIL}
    return {
        "summary": plot.summary(
            found.findings, found.groups, found.causes, found.recovery, incident, culprits=found.culprits
        ),
        "freeze": plot.freeze_list(found.freeze, EVIL),
        "tables": plot.table_list(found.findings),
        "numbered": plot.numbered_findings(found, frames["migration_operations"], EVIL),
        "statements": plot.statement_list(found.statements),
        "keys": plot.foreign_key_list(found.foreign_keys),
        "reach": plot.reach_list([EVIL], [{EVIL}], [{EVIL, "m.child"}]),
        "explaining": plot.explaining_statements(found.explaining_statements),
        "events": plot.event_list(found.timeline),
        "causes": plot.cause_list(found.causes),
        "tests": plot.test_list(found.next_tests),
        "next": plot.next_steps(found.causes, found.recovery, found.gaps),
        "recovery": plot.recovery_list(found.recovery),
        "immediate": plot.recommendation_list(found.recommendations, "immediate"),
        "review": plot.review_list(found.review),
        "gaps": plot.gap_list(found.gaps),
        "coverage": plot.coverage_list(found.coverage),
        "evidence": plot.evidence_list(found.evidence.assign(id="E7")),
        "provenance": plot.provenance({EVIL: EVIL}, incident, {EVIL: (EVIL,)}),
        "legend": plot.edge_legend(found.foreign_keys),
    }


@pytest.mark.parametrize(("name", "markup"), every_list().items())
def test_a_hostile_value_is_shown_whole_and_never_as_markup(name: str, markup: html.Html) -> None:
    read = Reader(markup)
    assert not {"script", "img"} & set(read.elements)
    assert not [attribute for attribute, _ in read.attributes if attribute.startswith("on")]
    assert "\u202e" not in markup
    if name != "legend":
        assert "<script>x</script><img" in read.text


def test_every_list_of_nothing_says_so() -> None:
    empty = schemas.empty
    said = [
        plot.table_list(empty("findings")), plot.event_list(empty("timeline")), plot.gap_list(empty("gaps")),
        plot.explaining_statements(empty("explaining_statements")), plot.cause_list(empty("causes")),
        plot.recovery_list(empty("recovery")), plot.recommendation_list(empty("recommendations"), "prevention"),
    ]  # fmt: skip
    assert all(Reader(each).text.strip() for each in said)
    nothing = plot.summary(empty("findings"), empty("groups"), empty("causes"), empty("recovery"), {})
    assert "No table is known to have lost rows" in Reader(nothing).text


def test_evidence_ids_are_links_to_their_rows() -> None:
    assert html.cited("see E3 and E12, not EX1") == 'see <a href="#E3">E3</a> and <a href="#E12">E12</a>, not EX1'
    assert 'id="E3"' in plot.evidence_list(schemas.frame("evidence", [{"id": "E3", "says": "x"}]))


def test_a_moment_stands_in_utc_and_in_the_zone_of_the_case() -> None:
    at = pd.Timestamp("2025-10-08T22:37:29.5Z")
    assert (
        Reader(html.moment(at, "Europe/Berlin")).text == "2025-10-08 22:37:29 UTC (2025-10-09 00:37:29 Europe/Berlin)"
    )
    assert Reader(html.moment(at, fine=True)).text == "2025-10-08 22:37:29.500000 UTC"
    assert Reader(html.moment(at, "No/Zone")).text == "2025-10-08 22:37:29 UTC"


def test_a_thousand_events_are_cut_but_no_statement_is() -> None:
    rows = [{"at": "2025-10-07T18:00:00Z", "kind": "checkpoint", "text": "c"}] * 1000
    rows += [{"at": "2025-10-07T18:00:00Z", "kind": "statement", "text": "TRUNCATE t"}] * 700
    listed = Reader(plot.event_list(schemas.frame("timeline", rows)))
    assert listed.text.count("TRUNCATE t") == 700
    assert "1,000 more events of other kinds" in listed.text
    statements = schemas.frame("seen_statements", [{"text": "DELETE FROM t", "outcome": "failed"}] * 900)
    assert Reader(plot.statement_list(statements)).text.count("DELETE FROM t") == 900


def test_the_summary_counts_what_is_missing() -> None:
    rows = [
        {"schema": "m", "table": "assets", "kind": "table", "status": "wiped", "missing_rows": 48},
        {"schema": "m", "table": "flows", "kind": "table", "status": "partial", "missing_rows": 40},
        {"schema": "m", "table": "users", "kind": "table", "status": "intact", "missing_rows": 0},
        {"schema": "m", "table": "all_parts", "kind": "partitioned", "status": "wiped", "missing_rows": 48},
    ]
    said = Reader(plot.summary(schemas.frame("findings", rows), schemas.empty("groups"), schemas.empty("causes"),
                               schemas.empty("recovery"), {})).text  # fmt: skip
    assert "2 tables are damaged, 88 rows are missing: m.assets (wiped, 48 rows missing)" in said
    assert "1 intact" in said


def test_a_failed_statement_is_said_to_have_removed_nothing() -> None:
    names = ("findings", "groups", "causes", "culprits", "explaining_statements", "foreign_keys")
    seen = schemas.frame("seen_statements", [{
        "at": "2025-10-07T20:27:38.772Z", "text": "DELETE FROM m.flows WHERE status \\!= 'x'", "operation": "delete",
        "outcome": "failed", "removed": "nothing: a statement that fails changes no row", "tables": ["m.flows"],
        "evidence": "E5"}])  # fmt: skip
    found = SimpleNamespace(**{name: schemas.empty(name) for name in names}, statements=seen)
    said = Reader(plot.numbered_findings(found, schemas.empty("migration_operations"))).text
    assert "Finding 1: DELETE, failed" in said
    assert "2025-10-07 20:27:38.772000 UTC" in said
    assert "Removed nothing: a statement that fails changes no row." in said


def test_the_statement_that_the_damage_proves_comes_first_and_is_said_to_have_been_carried_out() -> None:
    names = ("findings", "groups", "explaining_statements", "causes", "foreign_keys", "mechanism_probabilities",
             "next_tests", "removals")  # fmt: skip
    plain = {"outcome": "unknown", "removed": "rows: how many is not logged", "tables": ["m.flows"]}
    seen = schemas.frame("seen_statements", [
        {**plain, "at": "2025-10-07T10:00:00Z", "text": "DELETE FROM m.flows WHERE id = 1", "operation": "delete",
         "evidence": "E1"},
        {**plain, "at": "2025-10-07T20:00:00Z", "text": "TRUNCATE m.flows", "operation": "truncate", "evidence": "E2"},
        {**plain, "text": "TRUNCATE m.flows", "operation": "truncate", "user": "ops", "evidence": "E3"}])  # fmt: skip
    group = schemas.frame("groups", [{"group": "G1", "tables": ["m.flows"], "mechanism": "truncate"}])
    told = schemas.frame("culprits", [{"group": "G1", "text": "TRUNCATE m.flows", "evidence": ["E2", "E3"]}])
    empty = {name: schemas.empty(name) for name in names}
    found = SimpleNamespace(**{**empty, "statements": seen, "groups": group, "culprits": told})
    said = Reader(plot.numbered_findings(found, schemas.empty("migration_operations"))).text
    proven, other = said.index("Finding 2: TRUNCATE, carried out"), said.index("Finding 3: DELETE, outcome unknown")
    assert proven < said.index("shows that it was carried out") < other
    assert said.count("shows that it was carried out") == 1
    assert "2025-10-07 20:00:00 UTC, role ops, E2, E3" in said


def test_a_statement_that_found_no_row_is_not_said_to_have_cost_rows() -> None:
    names = ("findings", "groups", "causes", "culprits", "explaining_statements", "foreign_keys")

    def said(removed: str) -> str:
        seen = schemas.frame("seen_statements", [{
            "at": "2025-10-07T20:27:38.772Z", "text": "DELETE FROM m.flows WHERE sum = 0", "operation": "delete",
            "outcome": "unknown", "removed": removed, "tables": ["m.flows"], "evidence": "E5"}])  # fmt: skip
        found = SimpleNamespace(**{name: schemas.empty(name) for name in names}, statements=seen)
        return Reader(plot.numbered_findings(found, schemas.empty("migration_operations"))).text

    assert "may have cost rows" in said("rows: how many is not logged")
    assert "may have cost rows" in said("3 rows, as the server counted")
    assert "It found no row to take: it is no part of a loss" in said("0 rows, as the server counted")
    assert "may have cost rows" not in said("0 rows, as the server counted")


def test_counters_and_the_sum_of_the_table_list() -> None:
    row = {"schema": "m", "table": "assets", "kind": "table", "status": "wiped", "inserts": 81, "deletes": 33,
           "expected_rows": 48, "expected_from": "counters", "actual_rows": 0, "missing_rows": 48,
           "mechanism": "truncate",
           "probability": 0.98, "because": ["E3", "E7"]}  # fmt: skip
    read = Reader(plot.table_list(schemas.frame("findings", [row])))
    assert "48 (81 \u2212 33)" in read.text
    assert "✖ wiped" in read.text
    assert ("href", "#E7") in read.attributes


def test_what_is_said_once_is_not_cut_for_hundreds_of_tables() -> None:
    rows = [{"id": f"E{n}", "group": "catalogue", "says": "x", "source": "pg_class", "row": f"s.t{n // 12}"}
            for n in range(3600)]  # fmt: skip
    rows.append({"id": "E3600", "group": "log", "says": "who it was", "source": "a.log:7", "row": ""})
    rows += [{"id": f"E{n}", "group": "cause", "says": "of the loss", "source": "log", "row": "G1"}
             for n in range(3601, 3621)]  # fmt: skip
    shown = str(plot.evidence_list(schemas.frame("evidence", rows)))
    assert 'id="E3600"' in shown
    assert all(f'id="E{n}"' in shown for n in range(3601, 3621))
    assert shown.count("<tr id=") == 2000
    assert "1,621 more rows" in shown


def test_the_evidence_of_damaged_tables_is_shown_before_that_of_intact_ones() -> None:
    # Two thousand intact tables with two rows each come before a damaged one with twelve, and before its causes.
    rows = [{"id": f"E{n}", "group": "catalogue", "says": "x", "row": f"s.t{n // 2:04d}"} for n in range(4000)]
    rows += [{"id": f"E{4000 + n}", "group": "catalogue", "says": "x", "row": "s.wiped"} for n in range(12)]
    rows += [{"id": "E4012", "group": "cause", "says": "x", "row": "G1"}]
    tables = [{"schema": "s", "table": f"t{n:04d}", "kind": "table", "status": "intact"} for n in range(2000)]
    tables += [{"schema": "s", "table": "wiped", "kind": "table", "status": "wiped", "missing_rows": 9}]
    given = schemas.frame("evidence", rows), None, schemas.frame("findings", tables)
    shown = str(plot.evidence_list(*given))
    assert all(f'id="E{n}"' in shown for n in range(4000, 4013))
    assert shown.count("<tr id=") == 2000


def test_what_a_page_claims_keeps_its_row_whatever_else_there_is() -> None:
    rows = [{"id": f"E{n}", "group": "log", "says": f"committed statement: CALL s.purge({n})"} for n in range(3000)]
    rows += [{"id": f"E{3000 + n}", "group": "catalogue", "says": f"sign {n}", "row": "s.wiped"} for n in range(12)]
    table = {"schema": "s", "table": "wiped", "kind": "table", "status": "wiped", "missing_rows": 9,
             "because": ("E3011", "E3007", "E3001")}  # fmt: skip
    found = SimpleNamespace(
        causes=schemas.frame("causes", [{"group": "G1", "cause": "unknown", "for": ("E2500",), "against": ("E2600",)}]),
        freeze=schemas.frame("freeze", [{"order": 1, "action": "a", "because": ("E2700",)}]),
        explaining_statements=schemas.frame("explaining_statements", [{"group": "G1", "evidence": "E2800"}]),
    )
    kept = plot.cited(found)
    assert kept == {"E2500", "E2600", "E2700", "E2800"}
    filler = [{"id": f"E{n}", "group": "log", "says": f"other {n:x} line", "row": f"s.t{n}"} for n in range(4000, 5900)]
    given = schemas.frame("evidence", rows + filler), None, schemas.frame("findings", [table])
    shown = str(plot.evidence_list(*given, kept))
    assert all(f'id="{one}"' in shown for one in (*kept, "E3011", "E3007"))
    assert 'id="E2500"' not in str(plot.evidence_list(*given))


def test_thousands_of_statements_that_differ_in_their_values_do_not_push_out_what_a_loss_rests_on() -> None:
    rows = [{"id": f"E{n}", "group": "log", "says": f"committed statement: CALL s.purge({n})"} for n in range(5000)]
    rows += [{"id": "E5000", "group": "log", "says": "committed statement: TRUNCATE s.wiped"},
             {"id": "E5001", "group": "catalogue", "says": "its storage was replaced", "row": "s.wiped"},
             {"id": "E5002", "group": "cause", "says": "who it was", "row": "G1"}]  # fmt: skip
    tables = [{"schema": "s", "table": "wiped", "kind": "table", "status": "wiped", "missing_rows": 9}]
    shown = str(plot.evidence_list(schemas.frame("evidence", rows), None, schemas.frame("findings", tables)))
    assert all(f'id="E{n}"' in shown for n in (0, 5000, 5001, 5002))
    assert shown.count("<tr id=") == 2000


def test_a_step_of_the_freeze_list_is_named_and_its_command_stands_there_alone() -> None:
    step = {"order": 1, "step": "Copy pg_wal", "role": "on-call", "why": "it goes", "commands": ["cp -a pg_wal /x"]}
    steps = schemas.frame("next_steps", [step, {**step, "order": 2, "step": "Ask", "commands": ["ask"]}])
    freeze = schemas.frame("freeze", [{"order": 1, "action": "Copy pg_wal", "command": "cp -a pg_wal /x"}])
    told = Reader(str(plot.step_list(steps, None, freeze)))
    assert told.text.startswith("Stop these things now: its step (on-call)")
    assert "cp -a" not in told.text
    assert "ask" in told.text
    assert ("href", "#s-stop-these-things-now") in told.attributes
    assert "cp -a" in Reader(str(plot.step_list(steps))).text


def test_a_way_back_stands_once_and_the_step_that_takes_it_leads_there() -> None:
    lines = ["createdb triage_recovered", "dropdb triage_recovered"]
    way = {"option": "backup", "feasible": True, "order": 2, "why": "it holds all", "commands": lines}
    best = {"option": "wal", "feasible": None, "order": 1, "why": "perhaps", "commands": ["triage salvage ."]}
    recovery = schemas.frame("recovery", [best, way])
    step = {"order": 1, "step": "Bring the rows back", "role": "on-call", "why": "it holds all", "commands": lines}
    told = Reader(str(plot.step_list(schemas.frame("next_steps", [step]), None, None, recovery)))
    assert "option 1" in told.text  # what is feasible is numbered first
    assert "createdb" not in told.text
    assert ("href", "#s-recovery-options") in told.attributes


def test_where_no_check_would_tell_more_that_is_said() -> None:
    assert "No other check" in Reader(str(plot.test_list(schemas.empty("next_tests")))).text


def test_a_column_without_a_word_is_left_out() -> None:
    shown = Reader(html.table("Things", ["Name", "Remark", "Rows"], [["a", "", "1"], ["b", None, "2"]], numeric=(2,)))
    assert "Remark" not in shown.text
    assert ("class", "n") in shown.attributes
    assert shown.elements.count("td") == 4


def test_a_cast_of_something_quoted_may_go_on_in_the_next_line() -> None:
    said = html.text("pg_relation_size('s.t'::regclass)")
    assert "(<wbr>&#x27;" in said
    assert "&#x27;::<wbr>regclass" in said


def test_thousands_of_names_are_counted_and_not_all_listed() -> None:
    said = html.names([f"s.t{number}" for number in range(1256)], 12)
    assert said.count("<code>") == 12 + html.MOST_NAMES
    assert "1,244 more</summary>" in said
    assert " and 1,144 more, all in findings.json" in said


def test_the_joints_of_a_statement_that_no_window_holds_are_not_marked() -> None:
    names = ", ".join(f"some_schema.some_table_{number:05d}" for number in range(1000))
    assert "<wbr>" in html.sql(f"TRUNCATE {names[:400]}")
    assert html.sql(f"TRUNCATE {names} --all").count("<") == 4  # pre, code and their ends


def test_hundreds_of_roots_of_one_statement_are_not_all_written_out() -> None:
    roots = [f"s.t{number}" for number in range(200)]
    row = {"group": "G1", "text": "TRUNCATE s.t0", "roots": roots, "reaches": [f"{one}: s.kid" for one in roots],
           "explained": 200, "of": 200, "extra": 0, "evidence": "E1"}  # fmt: skip
    shown = plot.explaining_statements(schemas.frame("explaining_statements", [row]))
    assert "188 more of these tables" in shown
    assert shown.count("<li>") == 12 + 40
    assert "148 more are in findings.json." in shown
