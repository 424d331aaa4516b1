"""Work that was rolled back and counted all the same: it excuses no DELETE that was committed, and is none itself."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

AT = pd.Timestamp("2025-10-08T09:00:00Z")
# Counters as measured on 13 to 18 after 400 rows, a DELETE of all of them, and a COPY of 300 that was rolled back.
BESIDE = {"inserts": 700, "deletes": 400, "rows": 0, "live": 0, "dead": 700, "mod": 800, "insv": 700, "analyzes": 0}
ANALYSED = {**BESIDE, "mod": 0, "analyzes": 1}
VACUUMED = {**ANALYSED, "dead": 0, "insv": 0, "vacuums": 1, "heap": 0, "fsm": 16384}
SOME_LEFT = {**BESIDE, "deletes": 300, "rows": 100, "live": 100, "dead": 600, "mod": 700}
# A DELETE and the COPY after it in one transaction, which was rolled back: every old row stands.
RELOADED = {**BESIDE, "deletes": 300, "rows": 300, "live": 300, "dead": 400, "mod": 300}


def logged(text: str, line: int = 3, **more) -> dict:
    return {"file": "a.log", "line": line, "at": AT, "severity": "LOG", "database": "d", "kind": "statement",
            "outcome": "committed", "statement": text, **more}  # fmt: skip


@pytest.fixture
def told(make_table, make_evidence):
    def of(facts: dict, **more) -> dict:
        others = [make_table(name, 16900 + number) for number, name in enumerate(("users", "tags"))]
        found = analyse.investigate(make_evidence([make_table("lots", 16404, **facts), *others], **more))
        return found.findings.set_index("table").loc["lots"].to_dict()

    return of


@pytest.mark.parametrize("facts", [BESIDE, ANALYSED, VACUUMED, SOME_LEFT])
def test_a_delete_that_was_seen_is_not_excused_by_a_load_that_was_rolled_back(told, facts):
    found = told(facts, log_events=[logged("DELETE FROM s.lots")], settings=[{"name": "log_statement", "value": "mod"}])
    assert (found["status"], found["mechanism"]) == ("partial" if facts["rows"] else "wiped", "delete")


@pytest.mark.parametrize("facts", [BESIDE, ANALYSED, VACUUMED])
@pytest.mark.parametrize("reported", [[], ["lots"]])
def test_counters_alone_do_not_say_surely_that_an_emptied_table_only_lacks_a_load(told, facts, reported):
    assert told(facts, reported=reported)["status_probability"] < 0.8


def test_a_load_and_its_delete_that_were_rolled_back_together_took_nothing(told):
    found = told(RELOADED, reported=["lots"])
    assert (found["status"], found["mechanism"], found["missing_rows"]) == ("intact", "rollback", 0)
    assert found["status_probability"] > 0.95


def test_what_a_table_lost_to_a_rolled_back_load_alone_stays_sure(told):
    found = told({**BESIDE, "inserts": 300, "deletes": 0, "dead": 300, "mod": 0, "insv": 300})
    assert (found["status"], found["mechanism"]) == ("intact", "rollback")
    assert found["probability"] > 0.95


# 500 rows came, a retention took 100 of them, and a DELETE on the parent that cascaded to the rest was rolled back.
KEPT = {"inserts": 500, "deletes": 500, "rows": 400, "live": 400, "dead": 100, "mod": 600, "insv": 500, "analyzes": 0}
WHOLE = {"inserts": 40, "deletes": 40, "rows": 40, "live": 40, "mod": 40, "insv": 40, "analyzes": 0}
THINNED = {"inserts": 50, "deletes": 50, "rows": 40, "live": 40, "dead": 10, "mod": 60, "insv": 50, "analyzes": 0}
RETENTION = "DELETE FROM s.lots WHERE at < now() - interval '90 days'"


@pytest.mark.parametrize("parent", [WHOLE, {**WHOLE, "mod": 0, "analyzes": 1}, THINNED])
@pytest.mark.parametrize("reported", [[], ["lots"]])
def test_a_cascade_that_was_rolled_back_is_no_cascade_although_it_was_counted(
    make_table, make_evidence, parent, reported
):
    tables = [make_table("lots", 16404, **KEPT), make_table("sales", 16410, **parent), make_table("users", 16900)]
    entries = [
        {"database": "d", "role": "o", "query_id": number, "text": text, "calls": calls, "rows": rows}
        for number, (text, calls, rows) in enumerate(
            [("DELETE FROM s.sales WHERE hall = $1", 1, 40), (RETENTION.replace("'90 days'", "$1"), 10, 100)]
        )
    ]
    evidence = make_evidence(tables, keys=[("lots", "sales", "cascade")], statements=entries, reported=reported)
    found = analyse.investigate(evidence).findings.set_index("table")
    assert found.loc["lots", "mechanism"] != "cascade_delete"
    assert parent is THINNED or found.loc["sales", "status"] == "intact"
