"""Who did it is named as far as any source has it, and nobody is named who did not."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from triage_kit import schemas
from triage_kit.analyse.culprits import culprits
from triage_kit.plot import culprit

AT = pd.Timestamp("2025-10-07T20:27:38Z")
GROUP = {"group": "G1", "tables": ("m.assets", "m.flows"), "mechanism": "truncate", "lost_from": AT, "lost_to": AT}
LOGGED = {"text": "TRUNCATE m.assets\n CASCADE;", "operation": "truncate", "tables": ["m.assets"], "pid": 30300,
          "outcome": "unknown", "source": "postgresql.log:354", "evidence": "E17", "at": AT}  # fmt: skip
COUNTED = {"text": "TRUNCATE m.assets CASCADE", "operation": "truncate", "tables": ["m.assets"], "user": "tadeyemi",
           "outcome": "unknown", "source": "pg_stat_statements", "evidence": "E20"}  # fmt: skip
BEFORE = {"text": "DELETE FROM m.assets", "operation": "delete", "tables": ["m.assets"], "user": "app",
          "outcome": "unknown", "source": "postgresql.log:9", "evidence": "E4",
          "at": AT - pd.Timedelta(hours=1)}  # fmt: skip
EXPLAINING = {"group": "G1", "text": "TRUNCATE m.assets CASCADE", "observed": True}


def did(group: dict = GROUP, seen: tuple[dict, ...] = (), **given: list[dict]) -> dict:
    """The row of the group; frames that are not given are empty."""
    names = ("explaining_statements", "causes", "suspects", "review")
    frames = {name: schemas.frame(name, given.get(name, [])) for name in names}
    made = culprits(schemas.frame("groups", [group]), frames, schemas.frame("seen_statements", list(seen)))
    (row,) = made.to_dict("records")
    assert row["group"] == "G1"
    return row


def seen(statements: list[dict], explaining: list[dict], group: dict = GROUP) -> dict:
    return did(group, tuple(statements), explaining_statements=explaining)


def nobody(found: dict) -> bool:
    return bool(pd.isna(found["text"]) and culprit.session(found) == "" and found["evidence"] == ())


def test_what_log_and_counters_know_of_one_statement_is_put_together() -> None:
    found = seen([BEFORE, LOGGED, COUNTED], [EXPLAINING])
    assert culprit.session(found) == "role tadeyemi, process 30300, postgresql.log:354"
    assert found["evidence"] == ("E17", "E20")


def test_an_inferred_statement_names_nobody() -> None:
    assert nobody(seen([BEFORE, LOGGED], [{**EXPLAINING, "observed": False}]))


@pytest.mark.parametrize("outcome", ["failed", "rolled_back"])
def test_what_came_to_nothing_names_nobody(outcome: str) -> None:
    assert nobody(seen([{**LOGGED, "outcome": outcome}], [EXPLAINING]))


def test_without_an_explaining_statement_the_window_decides() -> None:
    dropped = {**LOGGED, "text": "DROP TABLE m.flows", "operation": "drop_table", "tables": ["m.flows"]}
    assert seen([BEFORE, dropped], [])["text"] == "DROP TABLE m.flows"
    assert nobody(seen([BEFORE], []))
    assert nobody(seen([dropped], [], {**GROUP, "mechanism": "hidden"}))


def test_without_one_the_session_that_reached_most_tables_is_named_and_not_an_everyday_delete_before_it() -> None:
    everyday = {**BEFORE, "at": AT, "pid": 7}
    replaced = [{**LOGGED, "text": f"DROP TABLE {table}", "operation": "drop_table", "tables": [table]}
                for table in GROUP["tables"]]  # fmt: skip
    found = seen([everyday, *replaced], [], {**GROUP, "mechanism": "restore"})
    assert (found["text"], found["pid"]) == ("DROP TABLE m.assets", 30300)
    assert seen([everyday, replaced[0]], [])["pid"] == 7  # each reached one


def test_rows_out_of_sight_are_traced_to_what_hides_them() -> None:
    hides = {**LOGGED, "text": "ALTER TABLE m.assets ENABLE ROW LEVEL SECURITY", "operation": "enable_row_security"}
    assert seen([hides], [], {**GROUP, "mechanism": "hidden"})["evidence"] == ("E17",)


def named(cause: str, *lines: dict, chance: float = 0.9) -> str:
    plain = {"line": 7, "vehicle": "migration", "operation": "truncate", "loses": "rows", "groups": ["G1"],
             "damaged": ["m.assets"], "of": 2}  # fmt: skip
    ranked = [{"group": "G1", "cause": "unknown", "probability": 0.1}, {"group": "G2", "cause": "restore"},
              {"group": "G1", "cause": cause, "probability": chance}]  # fmt: skip
    found = did(
        causes=ranked,
        suspects=[{**plain, **each} for each in lines],
        review=[{"path": each["path"], "line": 7, "evidence": "E62"} for each in lines],
    )
    return BeautifulSoup(culprit.line(found), "html.parser").get_text()


def test_a_line_that_ran_goes_before_one_of_which_nothing_tells() -> None:
    open_, ran = {"path": "m/1.py", "ran": "unknown"}, {"path": "m/2.py", "ran": "applied", "changed_by": "Kim"}
    assert named("migration", open_, ran) == "m/2.py:7 (it was applied) E62"
    assert named("migration", open_).startswith("m/1.py:7 (no log or version table says that it ran)")


@pytest.mark.parametrize(("cause", "line"), [
    ("migration", {"ran": "not_applied"}), ("migration", {"ran": "failed"}), ("restore", {"ran": "ran"}),
    ("migration", {"ran": "unknown", "ran_because": "a downgrade leaves no row in a version table"}),
    ("manual_session", {"ran": "unknown", "vehicle": "script"}), ("migration", {"ran": "ran", "groups": ["G2"]}),
])  # fmt: skip
def test_a_line_that_did_not_do_it_is_not_named(cause: str, line: dict) -> None:
    assert named(cause, {"path": "m/1.py", **line}) == ""


@pytest.mark.parametrize(("tables", "path"), [(["m.assets"], "bin/purge.rs"), (["m.flows"], None)])
def test_a_line_that_ran_on_another_table_than_the_statement_that_was_seen_is_not_its_line(tables, path) -> None:
    line = {"path": "bin/purge.rs", "line": 4, "vehicle": "script", "operation": "delete", "loses": "rows",
            "ran": "ran", "tables": tables, "groups": ["G1"], "damaged": tables, "of": 2}  # fmt: skip
    cause = {"group": "G1", "cause": "manual_session", "probability": 0.93}
    found = did(seen=(LOGGED,), explaining_statements=[EXPLAINING], causes=[cause], suspects=[line])
    assert found["pid"] == 30300
    assert (None if pd.isna(found["path"]) else found["path"]) == path


def test_while_the_cause_is_not_sure_a_line_that_would_do_it_is_shown() -> None:
    line = {"path": "sql/purge.sql", "ran": "unknown", "vehicle": "script", "changed_by": "Kim"}
    assert named("manual_session", line, chance=0.38).startswith("sql/purge.sql:7 (no log or version table says")
    assert named("manual_session", {**line, "ran": "not_seen"}, chance=0.38) == ""


def test_a_session_that_went_from_table_to_table_did_each_of_them() -> None:
    """As pg_restore --clean does: no single statement explains the group, and no other session's is among them."""
    first = {**LOGGED, "text": "DROP TABLE m.assets", "operation": "drop_table", "outcome": "unknown"}
    second = {**first, "text": "DROP TABLE m.flows", "tables": ["m.flows"], "evidence": "E18"}
    other = {**second, "pid": 4, "evidence": "E19"}
    assert seen([BEFORE, first, second, other], [])["evidence"] == ("E17", "E18")
    assert seen([first, second], [{**EXPLAINING, "text": "DROP TABLE m.assets"}])["evidence"] == ("E17",)
