"""Loads that brought nothing: who ran them, when, from where and which file, and what a reader is told to do."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from triage_kit import analyse, plot, report, schemas
from triage_kit.analyse.export import findings_dict

AT = pd.Timestamp("2025-10-08T09:00:00Z")
# 220 of 640 inserted rows were rolled back: as many dead rows, and n_mod_since_analyze misses them.
UNDONE = {"inserts": 640, "rows": 420, "live": 420, "dead": 220, "mod": 420, "insv": 640, "analyzes": 0,
          "tuples": -1.0, "sequence": 640}  # fmt: skip


def line(seconds: float, pid: int, text: str, **more) -> dict:
    return {"file": "a.log", "line": int(seconds * 10), "pid": pid, "at": AT + pd.Timedelta(seconds=seconds),
            "severity": "LOG", "database": "d", "role": "ada", "application": "import.py", "client": "10.0.0.7",
            "kind": "statement", "statement": text, "message": f"statement: {text}", "outcome": "unknown",
            **more}  # fmt: skip


def ended(xid: int, seconds: float, outcome: str = "rolled_back") -> dict:
    return {"xid": xid, "outcome": outcome, "ended_at": AT + pd.Timedelta(seconds=seconds), "lsn": "0/3000000",
            "source": "pg_wal", "subxids": ()}  # fmt: skip


def put(xid: int, rows: int, oid: int = 16404) -> dict:
    return {"xid": xid, "table_oid": oid, "operation": "insert", "rows": rows}


@pytest.fixture
def told(make_table, make_evidence):
    def of(*events: dict, facts: dict = UNDONE, **more) -> analyse.Investigation:
        tables = [make_table("pupils", 16404, **facts), make_table("users", 16600)]
        return analyse.investigate(make_evidence(tables, reported=["pupils"], log_events=list(events), **more))

    return of


def test_two_imports_that_were_never_committed_are_told_apart_by_their_ends(told):
    found = told(
        line(1, 7, "INSERT INTO pupils SELECT 1"),
        line(5, 8, "INSERT INTO pupils SELECT 2"),
        wal_transactions=[ended(900, 3), ended(901, 9)],
        wal_changes=[put(900, 110), put(901, 110)],
    )
    rows = found.undone_loads[["xid", "pid", "rows", "role", "application", "client", "outcome"]]
    assert rows.to_numpy().tolist() == [
        [900, 7, 110, "ada", "import.py", "10.0.0.7", "rolled_back"],
        [901, 8, 110, "ada", "import.py", "10.0.0.7", "rolled_back"],
    ]
    said = found.timeline["text"][found.timeline["kind"] == "statement"].tolist()
    assert said[0].startswith("rolled back: 110 rows put into s.pupils, role ada, application import.py")
    assert found.next_steps["step"].tolist() == [
        "Let the load into s.pupils be run again, and see that it is committed"
    ]
    assert any("COMMIT" in text for text in found.recommendations["text"])
    screen = BeautifulSoup(plot.first_screen(found), "html.parser").get_text()
    assert "2025-10-08 09:00:05" in screen
    assert "110 rows into s.pupils, by role ada, application import.py, process 8, from 10.0.0.7: was never" in screen


def test_the_xid_of_the_log_names_the_session_whoever_wrote_last(told):
    found = told(
        line(1, 7, "COPY pupils FROM '/srv/klasse 7.csv' CSV", xid=900),
        line(2, 8, "INSERT INTO pupils VALUES (1)", xid=899),
        wal_transactions=[ended(900, 3)],
        wal_changes=[put(900, 220)],
    )
    row = found.undone_loads.iloc[0]
    assert (row["pid"], row["file"], row["source"]) == (7, "/srv/klasse 7.csv", "a.log:10")


def test_a_session_that_wrote_other_tables_only_ran_no_import_of_these(told):
    found = told(
        line(1, 7, "INSERT INTO users SELECT 1"),
        line(5, 8, "INSERT INTO pupils SELECT 2"),
        wal_transactions=[ended(900, 3)],
        wal_changes=[put(900, 220)],
    )
    assert found.undone_loads[["xid", "rows"]].to_numpy().tolist() == [[900, 220]]
    assert found.undone_loads["pid"].isna().all()


def test_a_copy_that_failed_is_told_with_its_file_and_why(told):
    copy = "COPY pupils FROM '/srv/7.csv' CSV"
    error = {"kind": "error", "severity": "ERROR", "outcome": "failed", "message": "extra data after last column"}
    found = told(line(1, 7, copy), line(2, 7, copy, **error), facts={})
    row = found.undone_loads.iloc[0]
    assert (row["outcome"], row["file"], row["message"]) == ("failed", "/srv/7.csv", "extra data after last column")
    page = plot.numbered_findings(found, schemas.empty("migration_operations"))
    said = BeautifulSoup(page, "html.parser").get_text(" ")
    assert "A load of rows that failed" in said
    assert "It read" in said
    assert "It failed: extra data after last column." in said


def test_what_was_committed_is_no_load_in_vain(told):
    found = told(
        line(1, 7, "INSERT INTO pupils SELECT 1", outcome="committed"),
        facts={},
        wal_transactions=[ended(900, 3, "committed")],
        wal_changes=[put(900, 143)],
    )
    assert found.undone_loads.empty


def test_loads_in_vain_and_what_was_carried_out_fit_the_schema_of_findings_json(told, make_table, make_evidence):
    schema = json.loads((Path(report.__file__).parent / "findings.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    loaded = told(line(1, 7, "INSERT INTO pupils SELECT 1"), wal_transactions=[ended(900, 3)],
                  wal_changes=[put(900, 220)])  # fmt: skip
    emptied = make_table("pupils", 16404, rows=0, live=0, heap=0, filenode=24600, xmin=742)
    deed = make_evidence([emptied, make_table("users", 16600)], log_events=[line(1, 7, "TRUNCATE s.pupils")])
    for found, key, outcome in ((loaded, "undone_loads", "rolled_back"),
                                (analyse.investigate(deed), "statements", "carried_out")):  # fmt: skip
        written = json.loads(json.dumps(findings_dict(found)))
        assert written[key][0]["outcome"] == outcome
        assert list(validator.iter_errors(written)) == []
