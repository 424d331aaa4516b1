"""What no source shows running: habits that the code tells, rows that went with others, names that were given anew."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse.applied import rebuilt

AT = pd.Timestamp("2025-10-08T09:00:00Z")
DRAINED = {"deletes": 143, "live": 0, "dead": 143, "mod": 286, "rows": 0}
THINNED = {"inserts": 1000, "deletes": 200, "live": 800, "dead": 200, "mod": 200, "rows": 800, "tuples": 1000.0}
LINE = {"path": "src/take_over.php", "line": 5, "vehicle": "application", "kind": "sql", "operation": "delete",
        "object": "s.drafts", "loses": "rows", "bounded": True}  # fmt: skip


def found_of(found: analyse.Investigation, name: str) -> pd.Series:
    return found.findings.set_index("table").loc[name]


def test_what_a_program_drains_by_a_condition_is_no_sure_loss_where_nothing_shows_the_run(make_table, make_evidence):
    tables = [make_table("drafts", 16404, **DRAINED), make_table("users", 16500)]

    def sure(text: str, **more) -> float:
        code = [{**LINE, "text": text}]
        told = found_of(
            analyse.investigate(make_evidence(tables, reported=["drafts"], code_hits=code, **more)), "drafts"
        )
        assert told["status"] == "wiped"
        return told["status_probability"]

    by_state = "DELETE FROM s.drafts WHERE state = 'done'"
    assert sure(by_state) < 0.8 < 0.95 < sure("DELETE FROM s.drafts WHERE id = ?")
    seen = {"file": "a.log", "line": 7, "at": AT, "severity": "LOG", "database": "d", "pid": 7, "kind": "statement",
            "role": "ada", "application": "psql", "statement": "DELETE FROM s.drafts"}  # fmt: skip
    assert sure(by_state, log_events=[seen]) > 0.95


@pytest.mark.parametrize(("share", "status"), [(400, "partial"), (20, "intact")])
def test_rows_go_with_those_that_people_miss_as_large_a_share_of_them(make_table, make_evidence, share, status):
    left = 2000 - share
    child = {"inserts": 2000, "deletes": share, "live": left, "dead": share, "mod": share, "rows": left}
    tables = [make_table("entries", 16404, **THINNED), make_table("people", 16410, **child), make_table("u", 16500)]
    evidence = make_evidence(tables, keys=[("people", "entries", "cascade")], reported=["entries"])
    found = analyse.investigate(evidence)
    assert found_of(found, "entries")["status"] == "partial"
    assert found_of(found, "people")["status"] == status


def test_a_statement_that_took_no_row_is_not_the_one_for_being_in_the_log(make_table, make_evidence):
    tables = [make_table("notes", 16404, deletes=101, live=42, dead=101, mod=101, rows=42), make_table("users", 16500)]
    typed, job = "DELETE FROM s.notes WHERE depth > 900", "DELETE FROM s.notes WHERE twin"
    line = {"file": "a.log", "at": AT, "severity": "LOG", "database": "d", "kind": "statement"}
    events = [
        {**line, "line": 7, "pid": 7, "role": "ada", "application": "psql", "statement": typed},
        {**line, "line": 8, "pid": 8, "role": "clock", "application": "nightly-job", "statement": job},
    ]
    counted = [
        {"database": "d", "role": "ada", "query_id": 1, "calls": 1, "rows": 0, "text": typed.replace("900", "$1")},
        {"database": "d", "role": "clock", "query_id": 2, "calls": 1, "rows": 101, "text": job},
    ]
    evidence = make_evidence(tables, reported=["notes"], log_events=events, statements=counted)
    ranked = analyse.investigate(evidence).causes.set_index("cause")["probability"]
    assert ranked.idxmax() == "scheduled_job"


def test_a_name_is_given_anew_by_a_migration_that_ran_or_may_have(make_evidence, make_table):
    steps = [
        {"path": "m/2.php", "line": 4, "revision": "2", "direction": "up", "operation": "drop_table",
         "object": "s.notes"},
        {"path": "m/2.php", "line": 5, "revision": "2", "direction": "up", "operation": "rename_table",
         "object": "s.notes_new", "renamed": "s.notes"},
        {"path": "m/3.php", "line": 2, "revision": "3", "direction": "up", "operation": "rename_table",
         "object": "s.bills", "renamed": "s.invoices"},
    ]  # fmt: skip
    files = [{"path": "m/2.php", "revision": "2", "tool": "phinx", "parents": ()},
             {"path": "m/3.php", "revision": "3", "tool": "phinx", "parents": ()}]  # fmt: skip
    evidence = make_evidence([make_table("notes", 16404)], migrations=files, migration_operations=steps)
    assert rebuilt(evidence) == {"notes": "m/2.php:5"}  # bills were renamed, and no invoices before them dropped
    ran = [{"tool": "phinx", "schema": "s", "table": "phinxlog", "version": "3"}]
    evidence["version_tables"] = schemas.frame("version_tables", ran)
    assert rebuilt(evidence) == {}  # the database says that it has not run
