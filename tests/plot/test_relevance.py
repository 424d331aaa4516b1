"""What is told fits what happened: nothing of TRUNCATE where rows were deleted, no frame around nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest
from bs4 import BeautifulSoup, Tag

from triage_kit import plot, schemas
from triage_kit.plot.glance import KEY, glance

KEYS = schemas.frame("foreign_keys", [
    {"name": "stop_hub", "child": "d.stop", "parent": "d.hub", "on_delete": "cascade", "evidence": "E7"},
    {"name": "van_hub", "child": "d.van", "parent": "d.hub", "columns": ("hub",), "on_delete": "set_null",
     "evidence": "E8"},
])  # fmt: skip


def findings(*mechanisms: str, status: str = "partial", **more: object) -> pd.DataFrame:
    """Tables d.hub, d.stop, d.van with a mechanism each; of 12 rows at most 9 stand."""
    return schemas.frame("findings", [
        {"schema": "d", "table": name, "kind": "table", "status": status if word != "none" else "intact",
         "mechanism": word, "expected_low": 9, "expected_high": 12, "actual_rows": 9, "group": "G1", "because": ["E1"],
         **more}
        for name, word in zip(("hub", "stop", "van"), mechanisms, strict=False)])  # fmt: skip


def told(frame: pd.DataFrame, **frames: pd.DataFrame) -> BeautifulSoup:
    """The numbered findings of one group of tables."""
    names = ("groups", "removals", "explaining_statements", "culprits", "causes", "mechanism_probabilities",
             "next_tests", "evidence")  # fmt: skip
    found = {name: schemas.empty(name) for name in names} | {"findings": frame, "foreign_keys": KEYS}
    word = frame["mechanism"].iloc[0]
    found["groups"] = schemas.frame(
        "groups", [{"group": "G1", "mechanism": word, "how": f"the same mechanism: {word}"}]
    )
    found |= {"statements": schemas.empty("seen_statements"), **frames}
    return BeautifulSoup(
        plot.numbered_findings(SimpleNamespace(**found), schemas.empty("migration_operations")), "html.parser"
    )


@pytest.mark.parametrize(("mechanisms", "delete", "truncate"), [
    (("delete", "cascade_delete", "none"), True, False),
    (("truncate", "truncate", "none"), True, True),
    (("unknown", "none", "none"), True, True),
    (("partition_drop", "none", "none"), False, False),
    (("hidden", "none", "none"), False, False),
    (("none", "none", "none"), False, False),
])  # fmt: skip
def test_the_reach_is_told_of_what_may_have_happened(mechanisms: tuple[str, ...], delete: bool, truncate: bool) -> None:
    reach = [{"d.hub", "d.stop"}], [{"d.hub", "d.stop", "d.van"}]
    said = str(plot.reach_list(["d.hub"], *reach, findings(*mechanisms)))
    assert ("emptied by DELETE" in said, "emptied by TRUNCATE" in said) == (delete, truncate)
    assert ("put down to" in said) is not delete


@pytest.mark.parametrize(("mechanism", "words", "never"), [
    ("delete", "A DELETE goes on to rows that refer to the deleted ones", "TRUNCATE"),
    ("truncate", "TRUNCATE … CASCADE follows every key", "goes on to rows"),
    ("hidden", "", "Foreign keys of the damaged tables"),
])  # fmt: skip
def test_a_finding_tells_of_foreign_keys_what_fits_the_mechanism(mechanism: str, words: str, never: str) -> None:
    said = told(findings(mechanism, mechanism)).get_text(" ")
    assert words in said
    assert never not in said


def test_a_partitioned_table_is_not_counted_beside_its_partitions() -> None:
    leaves = findings("partition_drop", "partition_drop", status="missing", actual_rows=None)
    parent = findings("partition_drop", kind="partitioned").assign(table="all")
    page = told(pd.concat([leaves, parent], ignore_index=True))
    assert page.h3.get_text() == "Finding 1: 2 tables lost rows (G1)"  # that they did together is known of none
    said = page.get_text(" ")
    assert "the same mechanism: the partition was dropped or detached" in said
    assert "2 damaged tables: how many rows they lost is not known." in said


@pytest.mark.parametrize(("sure", "xid", "title"), [
    (0.99, 742, "2 tables lost rows together"),
    (0.7, 742, "2 tables probably lost rows together"),
    (0.7, None, "2 tables probably lost rows"),
    (0.4, None, "2 tables perhaps lost rows"),
])  # fmt: skip
def test_a_title_is_as_sure_as_the_finding(sure: float, xid: int | None, title: str) -> None:
    group = schemas.frame("groups", [{"group": "G1", "mechanism": "truncate", "how": "", "xid": xid}])
    page = told(findings("truncate", "truncate", status_probability=sure), groups=group)
    assert page.h3.get_text() == f"Finding 1: {title} (G1)"


def test_a_number_that_the_server_estimates_is_marked_wherever_it_stands() -> None:
    guessed = findings("delete", actual_rows=9, expected_rows=1500, missing_rows=1491, actual_from="n_live_tup")
    counted = guessed.assign(table="stop", actual_from="exact")
    both = pd.concat([guessed, counted], ignore_index=True)
    for frame, sign in ((both, "≈"), (counted, "")):
        whole = f"{int(frame['missing_rows'].sum()):,} rows"
        assert f"{sign}{whole} {'by estimate' if sign else 'known to be'} missing" in told(frame).get_text()
        screen = BeautifulSoup(
            plot.summary(frame, *map(schemas.empty, ("groups", "causes", "recovery")), {}), "html.parser"
        )
        assert f" {sign}{whole} are missing" in screen.get_text()
        picture = str(plot.glance(frame))
        assert (f"{sign}1,491 of 1,500 gone" in picture, "≈" in picture) == (True, bool(sign))
        listed = BeautifulSoup(plot.table_list(frame), "html.parser").select("tbody tr td")
        cells = [each.get_text() for each in listed]
        assert (cells.count("≈1,491"), cells.count("≈9")) == ((1, 1) if sign else (0, 0))


def test_a_number_that_is_not_known_has_its_bound() -> None:
    frames = [schemas.empty(name) for name in ("groups", "causes", "recovery")]
    lead = BeautifulSoup(plot.summary(findings("delete", "delete", "none"), *frames, {}), "html.parser").p.get_text()
    assert lead.startswith("2 tables are damaged, at most 6 rows are missing: d.hub (partial, 3 rows missing at most)")
    mixed = findings("delete", "delete").assign(missing_rows=pd.array([7, None], dtype="Int64"))
    lead = BeautifulSoup(plot.summary(mixed, *frames, {}), "html.parser").p.get_text()
    assert lead.startswith("2 tables are damaged, 7 rows are missing and at most 3 more in 1 of them: ")
    lead = plot.summary(findings("drop", "drop", status="missing", actual_rows=None), *frames, {})
    assert "how many rows are missing is not known: d.hub (missing) E1, d.stop (missing) E1." in BeautifulSoup(
        lead, "html.parser").p.get_text()  # fmt: skip


def test_every_place_gives_the_same_bound_where_the_number_is_not_known() -> None:
    frame = findings("delete", "delete", "none")
    assert "2 damaged tables: at most 6 rows missing." in told(frame).get_text(" ")
    cells = [row.find_all("td")[3].get_text() for row in _rows(plot.table_list(frame))]
    assert cells[:2] == ["at most 3", "at most 3"]
    mixed = findings("delete", "delete").assign(missing_rows=pd.array([2, None], dtype="Int64"))
    assert "2 rows known to be missing, at most 3 more rows missing." in told(mixed).get_text(" ")


def _rows(markup: str) -> list[Tag]:
    return BeautifulSoup(markup, "html.parser").tbody.find_all("tr")


def test_a_migration_that_ran_and_is_no_file_is_told_beside_those_that_are() -> None:
    operations = schemas.frame("migration_operations", [
        {"path": "v/1.sql", "operation": "create_table", "object": "d.hub", "line": 1, "direction": "up"}])  # fmt: skip
    states = schemas.frame("migration_states", [
        {"path": "v/1.sql", "tool": "flyway", "revision": "1", "state": "applied"},
        {"tool": "flyway", "revision": "7", "state": "absent"}])  # fmt: skip
    names = ("groups", "removals", "explaining_statements", "culprits", "causes", "mechanism_probabilities",
             "next_tests", "evidence", "findings", "foreign_keys")  # fmt: skip
    found = SimpleNamespace(**{name: schemas.empty(name) for name in names},
                            statements=schemas.empty("seen_statements"), migration_states=states)  # fmt: skip
    said = BeautifulSoup(plot.numbered_findings(found, operations), "html.parser").get_text(" ")
    assert "do not explain the missing rows by what these files say. What else ran is not in them: 7 ran here" in said
    assert "1 operation forward in 1 migration file;" in said
    found.migration_states = schemas.frame("migration_states", [
        {"path": f"v/{number}.sql", "tool": "flyway", "revision": str(number), "state": "applied"}
        for number in (1, 2, 3)])  # fmt: skip
    assert "1 operation forward in 1 of 3 migration files;" in plot.numbered_findings(found, operations)
    found.migration_states = states[:1]
    assert "What else ran" not in plot.numbered_findings(found, operations)
    found.findings = schemas.frame("findings", [{"schema": "d", "table": "hub", "status": "hidden"}])
    hiding = BeautifulSoup(
        plot.numbered_findings(found, operations.assign(operation="enable_row_security")), "html.parser"
    )
    assert "1 of them can hide rows that stand." in hiding.get_text(" ")
    assert "do not explain" not in hiding.get_text(" ")


def test_the_key_of_the_first_picture_fits_its_width() -> None:
    frame = findings("delete", "delete", "delete")
    frame["expected_high"] = [12, 5000, 900_000]
    frame["actual_rows"] = [9, 4000, 800_000]
    lines = [
        each.get_text() for each in BeautifulSoup(glance(frame).svg, "html.parser").find_all("text", class_="soft")
    ]
    assert lines[0] == "rows that stand: filled, that are gone: hatched, not known: dotted;"
    assert lines[1] == "the shortest bars are drawn longer"
    assert max(map(len, lines)) <= KEY


def test_the_legend_names_the_edges_that_there_are() -> None:
    said = str(plot.edge_legend(KEYS))
    assert "CASCADE" in said
    assert "SET NULL" in said
    assert "RESTRICT" not in said


def test_a_figure_of_nothing_is_a_sentence() -> None:
    nothing = [
        plot.evidence_matrix(schemas.empty("cause_evidence")),
        plot.evidence_matrix(schemas.empty("mechanism_evidence"), of="d.hub"),
        plot.mechanisms(schemas.empty("mechanism_probabilities")),
        plot.recovery(schemas.empty("recovery")),
    ]
    for ax in nothing:
        shown, _ = plot.picture(ax)._repr_mimebundle_()
        assert set(shown) == {"text/html", "text/plain"}
        assert shown["text/html"] == f'<p class="none">{shown["text/plain"]}</p>'
    drawn = plot.picture(plot.mechanisms(schemas.frame("mechanism_probabilities", [
        {"schema": "d", "table": "hub", "mechanism": "delete", "probability": 1.0}])))  # fmt: skip
    assert "image/svg+xml" in drawn._repr_mimebundle_()[0]


def test_ways_that_cannot_be_taken_are_one_table_below_those_that_can() -> None:
    ways = schemas.frame("recovery", [
        {"option": "wal", "feasible": True, "rows": 4, "tables": ["d.hub"], "why": "it holds them", "because": ["E3"]},
        {"option": "pitr", "feasible": False, "rows": 0, "tables": ["d.hub"], "why": "archive_mode is off",
         "preconditions": ["bad: archive_mode is off"], "because": ["E4"]},
        {"option": "standby", "feasible": False, "tables": ["d.hub"], "why": "none is connected", "because": ["E5"]},
    ])  # fmt: skip
    page = BeautifulSoup(plot.recovery_list(ways), "html.parser")
    assert [each.get_text() for each in page.find_all("h3")] == [f"Option 1: {plot.style.way_back('wal')} (✔ feasible)"]
    rows = [row.get_text(" ") for row in page.find("table").find_all("tr")[1:]]
    assert len(rows) == 2
    assert "archive_mode is off" in rows[0]
    assert {link["href"] for link in page.find("table").find_all("a")} == {"#E4", "#E5"}


def test_an_event_that_lasted_has_both_ends_in_one_cell() -> None:
    at, until = "2025-10-08T10:37:29Z", "2025-10-08T10:40:00Z"
    events = schemas.frame("timeline", [
        {"at": at, "until": end, "kind": kind, "source": "a", "text": "b", "evidence": "E1"}
        for kind, end in (("session", until), ("note", at))])  # fmt: skip
    page = BeautifulSoup(plot.event_list(events), "html.parser")
    first, second = (row.find_all("td")[1].get_text() for row in page.find_all("tr")[1:])
    assert first == "2025-10-08 10:37:29 UTC to 2025-10-08 10:40:00 UTC"
    assert second == "2025-10-08 10:37:29 UTC"


def test_counters_tell_of_a_logged_statement_no_second_time() -> None:
    done = {"text": "TRUNCATE d.hub", "operation": "truncate", "removed": "every row"}
    gone = {"operation": "delete", "removed": "6 rows", "evidence": "E4"}
    page = told(findings("none"), statements=schemas.frame("seen_statements", [
        {**done, "at": "2025-10-08T10:37:29Z", "outcome": "committed", "evidence": "E1"},
        {**done, "outcome": "committed", "evidence": "E2"},  # as analyse gives them the end of the logged ones
        {**done, "text": "TRUNCATE d.van", "outcome": "unknown", "evidence": "E3"},
        {**gone, "text": "DELETE FROM d.hub WHERE id < 7;", "at": "2025-10-08T10:37:30Z", "outcome": "committed"},
        {**gone, "text": "DELETE FROM d.hub WHERE id < $1", "outcome": "committed"},
    ]))  # fmt: skip
    heads = [head.get_text().partition(": ")[2] for head in page.find_all("h3") if "table" not in head.get_text()]
    assert heads == ["TRUNCATE, committed", "DELETE, committed", "TRUNCATE, outcome unknown"]
    assert "differ in their values only" not in page.get_text()


def test_the_first_screen_proves_its_tables_and_its_moment() -> None:
    groups = schemas.frame("groups", [{"group": "G1", "xid": 742, "tables": ["d.hub"], "dated_by": "commit record",
                                       "committed_at": "2025-10-07T20:27:38.5Z", "mechanism": "truncate"}])  # fmt: skip
    evidence = schemas.frame("evidence", [
        {"id": "E1", "group": "catalogue", "says": "d.hub: pg_class.xmin 742", "row": "d.hub"},
        {"id": "E2", "group": "wal", "says": "d.hub: transaction 742 committed it", "row": "d.hub"},
        {"id": "E3", "group": "wal", "says": "d.hub: transaction 7421 committed it", "row": "d.hub"},
        {"id": "E4", "group": "wal", "says": "d.van: transaction 742 committed it", "row": "d.van"}])  # fmt: skip
    empty = schemas.empty("causes"), schemas.empty("recovery")
    page = BeautifulSoup(plot.summary(findings("truncate"), groups, *empty, {}, evidence=evidence), "html.parser")
    assert [link["href"] for link in page.find("p", class_="lead").find_all("a")] == ["#E1"]
    when = next(word for word in page.find_all("dt") if word.get_text() == "Since when").find_next("dd")
    assert [link["href"] for link in when.find_all("a")] == ["#E2"]


@pytest.mark.parametrize(("mechanism", "said"), [("delete", True), ("truncate", False)])
def test_a_reference_that_a_delete_cleared_is_told_beside_the_rows_that_are_gone(mechanism: str, said: bool) -> None:
    """ON DELETE SET NULL leaves the row: no count of rows shows what it lost. TRUNCATE does not ask for it."""
    page = told(findings(mechanism, "cascade_delete", "none"))
    assert ("Rows of d.van stand, but each that referred to a deleted row of d.hub" in page.get_text()) is said


def test_the_legend_names_no_edge_that_the_figure_leaves_out() -> None:
    near = [("d.hub", "d.leaf", "cascade"), ("far.one", "far.two", "restrict")]
    keys = schemas.frame("foreign_keys", [
        {"name": f"k{place}", "parent": parent, "child": child, "columns": ("id",), "referenced_columns": ("id",),
         "on_delete": action} for place, (parent, child, action) in enumerate(near)])  # fmt: skip
    tables = schemas.frame("findings", [
        {"schema": "d", "table": "hub", "kind": "table", "status": "wiped", "missing_rows": 3},
        *({"schema": schema, "table": table, "kind": "table", "status": "intact", "missing_rows": 0}
          for schema, table in (("d", "leaf"), ("far", "one"), ("far", "two")))])  # fmt: skip
    said = str(plot.edge_legend(keys, tables))
    assert "CASCADE" in said
    assert "RESTRICT" not in said
    assert "explaining statement" not in said


def test_tables_without_a_foreign_key_are_told_in_a_sentence() -> None:
    none = schemas.empty("foreign_keys")
    shown, _ = plot.foreign_key_graph(none, findings("delete"))._repr_mimebundle_()
    assert shown["text/html"] == '<p class="none">No foreign key is known in the schemas of this case.</p>'
    assert plot.edge_legend(none, findings("delete")) == ""


def test_what_its_neighbour_says_is_not_said_again() -> None:
    shown, _ = plot.picture(plot.recovery(schemas.empty("recovery")), told=True)._repr_mimebundle_()
    assert shown == {"text/html": "", "text/plain": ""}


def test_the_matrix_is_of_the_worst_table_that_something_was_weighed_of() -> None:
    tables = findings("drop", "delete")
    second = tables.iloc[1]
    weighed = schemas.frame("mechanism_evidence", [
        {"schema": second["schema"], "table": second["table"], "signal": "rows", "outcome": "short",
         "mechanism": "delete", "likelihood": 0.5, "decibans": 3.0}])  # fmt: skip
    assert plot.worst(tables, weighed) == schemas.qualified(second["schema"], second["table"])
    assert plot.worst(tables, schemas.empty("mechanism_evidence")) is None


def test_a_calm_case_has_no_cause_to_settle_and_no_missing_row_to_explain() -> None:
    causes = schemas.frame("causes", [{"group": "G1", "cause": "not_lost", "probability": 0.9, "would_settle": "ask"}])
    nothing = schemas.empty("recovery"), schemas.empty("gaps")
    assert "Settle the cause" in plot.next_steps(causes, *nothing)
    assert plot.next_steps(causes, *nothing, schemas.empty("groups")) == ""


def test_a_partitioned_table_is_counted_by_its_parts() -> None:
    rows = [{"schema": "d", "table": "part", "kind": "table", "status": "missing"},
            {"schema": "d", "table": "whole", "kind": "partitioned", "status": "partial"}]  # fmt: skip
    none = schemas.empty
    page = plot.summary(schemas.frame("findings", rows), none("groups"), none("causes"), none("recovery"), {})
    lead = BeautifulSoup(page, "html.parser").find(class_="lead").get_text()
    assert lead.startswith("1 table is damaged, ")
    assert lead.endswith("Counted by its parts: d.whole.")


def test_the_steps_of_the_freeze_list_are_one_step_here() -> None:
    rows = [{"order": place, "step": step, "role": "on-call"} for place, step in enumerate(("stop", "copy", "ask"))]
    freeze = schemas.frame("freeze", [{"order": place, "action": step} for place, step in enumerate(("stop", "copy"))])
    shown = BeautifulSoup(plot.step_list(schemas.frame("next_steps", rows), None, freeze), "html.parser")
    first, last = shown.ol.find_all("li", recursive=False)
    assert first.a["href"] == "#s-stop-these-things-now"
    assert first.get_text().startswith("Stop these things now: its 2 steps, in their order (on-call)")
    assert "copy" not in shown.get_text()  # the page tells them twice already
    assert last.get_text() == "ask (on-call)"


def test_what_has_minutes_from_the_collection_on_is_to_be_done_at_once() -> None:
    collected = pd.Timestamp("2026-05-04T10:00:00Z")
    rows = [{"order": place, "action": name, "deadline": collected + pd.Timedelta(minutes=left)}
            for place, (name, left) in enumerate((("stop", 1), ("copy", 5), ("ask", 240)))]  # fmt: skip
    freeze = schemas.frame("freeze", rows)
    empty = [schemas.empty(name) for name in ("findings", "groups", "causes", "recovery")]
    page = BeautifulSoup(plot.summary(*empty, {"collected_at": collected}, freeze=freeze), "html.parser")
    told = [each.get_text() for each in page.find_all("li")]
    assert told[:3] == ["stop, at once", "copy, at once", "ask, before 2026-05-04 14:00:00 UTC"]


def test_a_deadline_says_what_comes_then() -> None:
    at = pd.Timestamp("2026-05-04T10:05:00Z")
    freeze = schemas.frame("freeze", [{"order": 1, "action": "copy", "deadline": at, "ends": "a checkpoint comes"}])
    decided = schemas.frame("decisions", [{"order": 1, "who": "ops", "decision": "Give space", "until": at}])
    way = schemas.frame("recovery", [{"option": "wal", "feasible": True, "rows": 1, "deadline": at}])
    steps = schemas.frame("next_steps", [{"order": 1, "step": "copy", "role": "ops", "until": at},
                                         {"order": 2, "step": "bring", "role": "ops", "until": at}])  # fmt: skip
    empty = [schemas.empty(name) for name in ("findings", "groups", "causes")]
    screen = plot.summary(*empty, way, {}, freeze=freeze, decisions=decided)
    pages = (screen, plot.freeze_list(freeze), plot.step_list(steps, None, freeze))
    said = [BeautifulSoup(page, "html.parser").get_text() for page in pages]
    assert [each.count("2026-05-04 10:05:00 UTC (a checkpoint comes)") for each in said] == [3, 1, 2]
    assert not any("10:05:00 UTC" in each.replace("10:05:00 UTC (a checkpoint comes)", "") for each in said)


def test_commands_of_a_shell_and_of_psql_have_boxes_of_their_own() -> None:
    freeze = schemas.frame("freeze", [{"order": 1, "action": "copy", "command": (
        '-- on the server, in a shell, first: cp -a "$PGDATA/pg_wal" /disk/\n-- as a superuser:\nSELECT 1'
    )}])  # fmt: skip
    page = BeautifulSoup(plot.freeze_list(freeze), "html.parser")
    assert [each.get_text() for each in page.find_all("pre")] == [
        'cp -a "$PGDATA/pg_wal" /disk/', "-- as a superuser:\nSELECT 1"
    ]  # fmt: skip
    assert [each.get_text() for each in page.find_all(class_="where")] == [
        "On the server, in a shell, first:", "In psql:"
    ]  # fmt: skip


def test_what_is_run_later_is_not_pasted_with_what_is_run_now() -> None:
    """The copy beside is dropped when the rows were compared, and a COMMIT waits for the counts."""
    way = {
        "option": "backup",
        "feasible": True,
        "commands": (
            "CASE=$PWD  # here",
            "createdb b",
            "SET x = off;  -- for this session",
            "UPDATE a SET b = 1;",
            "SELECT 1\nFROM a;",
            "COMMIT;  -- or ROLLBACK; where the counts are wrong",
            "# in case.yaml: logs: [a]\ntriage collect --again .",
            "triage salvage . --table 'a\nDROP TABLE b'",
            "dropdb b  # when the rows are back and compared",
        ),
    }
    page = BeautifulSoup(plot.recovery_list(schemas.frame("recovery", [way])), "html.parser")
    assert [each.get_text() for each in page.find_all("pre")] == [
        "CASE=$PWD  # here\ncreatedb b",
        "SET x = off;  -- for this session\nUPDATE a SET b = 1;\nSELECT 1\nFROM a;",
        "COMMIT;", "triage collect --again .\ntriage salvage . --table 'a\nDROP TABLE b'", "dropdb b",
    ]  # fmt: skip
    assert [each.get_text() for each in page.find_all(class_="where")] == [
        "In a shell:", "In psql:", "In psql (or ROLLBACK; where the counts are wrong):", "In case.yaml: logs: [a]",
        "In a shell:", "In a shell (when the rows are back and compared):",
    ]  # fmt: skip


def test_the_ways_back_are_numbered_in_the_order_in_which_to_try_them() -> None:
    ways = [{"option": "dead_rows", "feasible": True, "rows": 20880, "order": 2},
            {"option": "wal", "feasible": True, "rows": 20879, "order": 1}]  # fmt: skip
    page = BeautifulSoup(plot.recovery_list(schemas.frame("recovery", ways)), "html.parser")
    assert [each.get_text().split(" ", 3)[:3] for each in page.find_all("h3")] == [
        ["Option", "1:", "reading"], ["Option", "2:", "reading"]]  # fmt: skip
    assert "WAL" in page.find("h3").get_text()


def test_what_the_counters_leave_of_a_whole_table_is_not_called_expected() -> None:
    row = {"schema": "m", "table": "versions", "kind": "table", "status": "intact", "inserts": 4, "deletes": 1,
           "expected_rows": 3, "expected_from": "counters", "actual_rows": 1, "missing_rows": 0}  # fmt: skip
    cells = BeautifulSoup(plot.table_list(schemas.frame("findings", [row])), "html.parser").find_all("tr")[1]
    assert [each.get_text() for each in cells.find_all("td")][1:4] == ["1 (the counters leave 3)", "1", "0"]


def test_each_line_of_the_matrix_is_told_in_words_for_every_group(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = [{"group": group, "item": "doer_named", "cause": cause, "decibans": decibans, "evidence": "E7"}
             for group in ("G1", "G2") for cause, decibans in (("crash", -9.0), ("manual_session", 4.0))]  # fmt: skip
    moved.append({**moved[0], "item": "promoted", "decibans": 0.1})
    proof = schemas.frame(
        "evidence", [{"id": "E7", "group": "cause", "says": "the log names role ada", "source": "log"}]
    )
    page = BeautifulSoup(plot.matrix_lines(schemas.frame("cause_evidence", moved), proof), "html.parser")
    assert [[each.get_text() for each in row.find_all("td")] for row in page.find_all("tr")[1:]] == [
        [group, "doer named", "the log names role ada E7", "by hand (+4)", "crash (\u22129)"]
        for group in ("G1", "G2")]  # fmt: skip
    causes = schemas.frame("causes", [{"group": group, "cause": "crash", "probability": 1.0, "tables": (f"s.{group}",)}
                                      for group in ("G1", "G2")])  # fmt: skip
    drawn = plot.matrices(schemas.frame("cause_evidence", moved), causes, proof)
    for group, picture in zip(("G1", "G2"), drawn, strict=True):
        assert f"{group}: s.{group}" in picture.svg
        assert "the log names role ada (E7)" in picture.svg
        assert "the log names role ada (E7)" in picture.narrow
    monkeypatch.setattr("triage_kit.plot.weighed.MOST_DRAWN", 1)
    assert "1 more group" in plot.matrices(schemas.frame("cause_evidence", moved), causes, proof)[-1]


def test_a_loss_is_dated_by_the_commits_of_its_batches_too() -> None:
    def dated(by: str) -> bool:
        return schemas.by_commits(schemas.frame("groups", [{"group": "G1", "dated_by": by}]))

    assert dated("commit records of 6 transactions")
    assert not dated("the life of the counters")
    assert not schemas.by_commits(schemas.empty("groups"))


@pytest.mark.parametrize(("sure", "missing", "chance", "title"), [
    (0.99, 742, 0.4, "2 tables lost rows; what took them is not settled, perhaps DELETE"),
    (0.99, 742, 0.6, "2 tables lost rows"),
    (0.4, 742, 0.6, "1,484 rows fewer than expected in 2 tables, perhaps lost"),
])  # fmt: skip
def test_a_title_says_first_what_is_known(sure: float, missing: int, chance: float, title: str) -> None:
    group = schemas.frame("groups", [{"group": "G1", "mechanism": "delete", "how": "", "probability": chance}])
    frame = findings("delete", "delete", status_probability=sure, missing_rows=missing, actual_from="exact")
    assert told(frame, groups=group).h3.get_text() == f"Finding 1: {title} (G1)"


def test_a_drained_queue_is_expected_to_hold_what_it_holds() -> None:
    plain = {"expected_rows": 600, "actual_rows": 0, "missing_rows": 0, "deletes": 600, "probability": 0.7}
    queue = findings("delete", status="intact", group=None, **plain)
    drawn = [each.get_text() for each in plot.damage.tables(queue).texts]
    assert "600" not in drawn
    said = BeautifulSoup(plot.table_list(queue), "html.parser").get_text(" ")
    assert "(600 went as usual)" in said
    assert "600 rows deleted as usual: no loss (70 %)" in " ".join(said.split())
    # The same facts are told alike where the deletes were weighed as nothing, and no emptying is called a delete.
    plain |= {"probability": 0.9, "expected_rows": 0}
    for mechanism, words in (("none", "600 rows deleted as usual: no loss (90 %)"),
                             ("truncate", "emptied by TRUNCATE, as usual: no loss (90 %)")):  # fmt: skip
        listed = plot.table_list(findings(mechanism, status="intact", group=None, **plain))
        assert words in " ".join(BeautifulSoup(listed, "html.parser").get_text(" ").split())


@pytest.mark.parametrize(("word", "conclusion"), [
    ("none", "The table that it names lacks no row: it is no part of a loss, however it ended."),
    ("delete", "It is among what may have cost rows, and is weighed with the causes."),
])  # fmt: skip
def test_a_statement_on_a_table_that_lacks_nothing_is_no_part_of_a_loss(word: str, conclusion: str) -> None:
    seen = schemas.frame("seen_statements", [{
        "operation": "delete", "text": "DELETE FROM d.hub WHERE id = $1", "tables": ["d.hub"], "outcome": "unknown",
        "removed": "600 rows, rolled-back calls included", "evidence": "E5"}])  # fmt: skip
    assert conclusion in told(findings(word), statements=seen).get_text(" ")


def test_an_event_told_by_the_second_is_said_to_be_perhaps_later_than_its_neighbours() -> None:
    rows = [{"at": f"2025-10-07T20:00:{at}Z", "kind": "statement", "text": "x", "source": "a.log"}
            for at in ("01", "03", "03.038158", "04.5")]  # fmt: skip
    said = BeautifulSoup(plot.event_list(schemas.frame("timeline", rows)), "html.parser").p.get_text()
    assert said == (
        "No. 2 is told by the whole second only: it may have come up to a second later than it stands and is drawn."
    )
    assert "whole second" not in plot.event_list(schemas.frame("timeline", [*rows[:2], rows[3]]))


def test_rows_that_went_with_a_table_that_is_not_damaged_are_not_said_to_have_gone_alone() -> None:
    frame = findings("none", "cascade_delete")
    said = told(frame).get_text(" ")
    assert "A DELETE on d.hub, which is not among them, would have taken their rows along." in said
    assert "would have taken" not in told(findings("none", "delete")).get_text(" ")


def test_the_line_below_the_bars_fits_their_width() -> None:
    row = {"schema": "d", "kind": "table", "status": "wiped", "missing_rows": 9, "expected_rows": 9, "actual_rows": 0}
    many = [{**row, "table": f"t{number}"} for number in range(1200)]
    many += [{**row, "table": f"i{number}", "status": "intact", "group": "G1"} for number in range(1000)]
    many += [{**row, "table": f"p{number}", "status": "partial", "actual_rows": 1} for number in range(2)]
    last = BeautifulSoup(glance(schemas.frame("findings", many)).svg, "html.parser").find_all("text")[-1].get_text()
    assert last.startswith("and 1,1")
    assert "hit as well" not in last
    assert len(last) <= 62
