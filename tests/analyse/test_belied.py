"""What the catalogue belies: lines whose TRUNCATE would show otherwise, roles that may not, everyday deletes."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse.causes import mechanism_outcomes

AT = pd.Timestamp("2025-10-08T09:00:00Z")
EMPTIED = {"filenode": 24600, "insv": 0, "rows": 0, "heap": 0, "pkey": 8192, "xmin": 742, "live": 0, "tuples": -1.0}
THINNED = {"deletes": 101, "live": 42, "dead": 101, "mod": 101, "rows": 42}


def _line(path: str, text: str, vehicle: str = "script", on: str = "notes", **more) -> dict:
    return {"path": path, "line": 3, "vehicle": vehicle, "kind": "sql", "operation": "truncate", "object": on,
            "loses": "rows", "cascade": False, "text": text, "how": "parsed", **more}  # fmt: skip


def _cause(found: analyse.Investigation, cause: str) -> float:
    return found.causes.set_index("cause")["probability"][cause]


def _sequence(filenode: int, xmin: int) -> dict:
    return {"oid": 66404, "schema": "s", "name": "notes_id_seq", "table_oid": 16404, "increment": 1, "start_value": 1,
            "filenode": filenode, "xmin": xmin, "readable": False}  # fmt: skip


@pytest.mark.parametrize(
    ("sequence", "job"),
    [
        (_sequence(24601, 742), True),  # begun anew by the TRUNCATE, as the job says and the script does not
        (_sequence(66404, 700), False),  # as it was made: it was not the job
        (_sequence(24400, 510), False),  # begun anew long before
    ],
)
def test_a_truncate_that_restarts_sequences_is_told_from_one_that_does_not(make_table, make_evidence, sequence, job):
    lines = [
        _line("jobs/sync.py", "TRUNCATE notes RESTART IDENTITY", "scheduled_job"),
        _line("spec/support/db.rb", "TRUNCATE notes", "test_run"),
    ]
    tables = [make_table("notes", 16404, sequence=None, **EMPTIED), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=lines, sequences=[sequence]))
    says = " ".join(found.evidence.loc[found.evidence["group"] == "cause", "says"])
    assert ("jobs/sync.py" in says, "spec/support/db.rb" in says) == (job, not job)
    assert (_cause(found, "scheduled_job") > _cause(found, "test_run")) == job
    assert ("identity_restarted" in set(found.cause_evidence["item"])) == (not job)  # no habit: the line says it


def test_a_line_that_would_have_emptied_a_table_that_was_never_emptied_did_not_run(make_table, make_evidence):
    lines = [_line("tests/conftest.py", "TRUNCATE notes, users", "test_run", on) for on in ("notes", "users")]
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]
    told = analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=lines)).cause_evidence
    seen = told[(told["item"] == "code_of_test_run") & (told["cause"] == "test_run")]["decibans"].iloc[0]
    alone = analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=lines[:1])).cause_evidence
    assert seen < 0 < alone[(alone["item"] == "code_of_test_run") & (alone["cause"] == "test_run")]["decibans"].iloc[0]


def _role(oid: int, name: str, superuser: bool = False, member_of: tuple = ()) -> dict:
    return {"oid": oid, "name": name, "login": True, "superuser": superuser, "member_of": member_of}


@pytest.mark.parametrize(("role", "able"), [("report", False), ("ada", True), ("root", True), ("stranger", True)])
def test_who_was_connected_but_may_not_empty_the_table_is_no_trace(make_table, make_evidence, role, able):
    roles = [_role(1, "o"), _role(2, "report"), _role(3, "ada", member_of=("o",)), _role(4, "root", superuser=True)]
    line = {"file": "a.log", "line": 7, "at": AT, "severity": "ERROR", "database": "d", "pid": 7, "kind": "statement",
            "statement": "SELECT 1 FROM s.gone", "role": role, "application": "psql"}  # fmt: skip
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], log_events=[line], roles=roles))
    assert ("connected_by_shell" in set(found.cause_evidence["item"])) == able


@pytest.mark.parametrize(("column", "facts", "granted", "able"), [
    ("truncaters", "EMPTIED", ("o", "report"), True),  # the privilege of its own
    ("truncaters", "EMPTIED", ("o", "public"), True),
    ("truncaters", "EMPTIED", ("o", "writers"), True),  # by membership
    ("truncaters", "EMPTIED", ("o",), False),
    ("deleters", "THINNED", ("o",), False),
    ("deleters", "THINNED", ("o", "writers"), True),
    ("deleters", "THINNED", (), True),  # not asked: an older bundle says nothing of a DELETE
])  # fmt: skip
def test_who_may_is_read_from_the_acl(make_table, make_evidence, column, facts, granted, able):
    roles = [_role(1, "o"), _role(2, "report", member_of=("writers",)), _role(3, "writers")]
    line = {"file": "a.log", "line": 7, "at": AT, "severity": "ERROR", "database": "d", "pid": 7, "kind": "statement",
            "statement": "SELECT 1 FROM s.gone", "role": "report", "application": "psql"}  # fmt: skip
    shape = {"EMPTIED": EMPTIED, "THINNED": THINNED}[facts]
    evidence = make_evidence([make_table("notes", 16404, **shape), make_table("users", 16500)], reported=["notes"],
                             log_events=[line], roles=roles)  # fmt: skip
    evidence["relations"][column] = [granted] * len(evidence["relations"])
    found = analyse.investigate(evidence)
    assert ("connected_by_shell" in set(found.cause_evidence["item"])) == able


def test_a_group_has_lost_something_as_surely_as_its_surest_table(make_table, make_evidence):
    rows = [
        {"schema": "s", "table": "a", "_chances": {"delete": 0.99, "none": 0.01}, "_intact": 0.01},
        {"schema": "s", "table": "b", "_chances": {"delete": 0.6, "none": 0.4}, "_intact": 0.4},
    ]
    group = type("G", (), {"damaged": ("s.a", "s.b"), "tables": ("s.a", "s.b"), "mechanism": "delete"})()
    told = mechanism_outcomes(group, rows)
    assert told["not_lost"] == pytest.approx(0.01)
    assert sum(told.values()) == pytest.approx(1)


def test_a_column_explains_no_report_that_names_other_tables_too(make_table, make_evidence):
    def chance(reported: list[str], **facts) -> float:
        tables = [make_table("notes", 16404, dropped=742, **facts), make_table("users", 16500, **facts),
                  make_table("kept", 16600)]  # fmt: skip
        rows = analyse.investigate(make_evidence(tables, reported=reported)).mechanism_probabilities
        return rows.set_index(["table", "mechanism"])["probability"]["notes", "column_drop"]

    alone, with_others = chance(["notes"]), chance(["notes", "users"])
    assert alone > 0.7 > with_others
    assert chance(["notes", "users"], **THINNED) < 0.3 < chance(["notes"], **THINNED)


def test_what_every_transaction_took_along_with_missed_rows_was_no_everyday_delete(make_table, make_evidence):
    def intact(shared: int) -> float:
        tables = [make_table("notes", 16404, **THINNED), make_table("lines", 16500, **THINNED | {"deletes": 90})]
        ended = [{"xid": xid, "outcome": "committed", "ended_at": AT, "lsn": f"0/{xid}", "source": "wal", "subxids": ()}
                 for xid in range(740, 746)]  # fmt: skip
        deleting = {"database_oid": None, "operation": "delete", "rows": 15}
        changes = [deleting | {"xid": xid, "table_oid": 16500} for xid in range(740, 746)]
        changes += [deleting | {"xid": xid, "table_oid": 16404} for xid in range(740, 740 + shared)]
        found = analyse.investigate(make_evidence(tables, reported=["notes"], wal_transactions=ended,
                                                  wal_changes=changes))  # fmt: skip
        rows = found.mechanism_probabilities.set_index(["table", "mechanism"])["probability"]
        return rows["lines", "none"]

    assert intact(6) < intact(1)


def test_where_no_table_is_left_that_is_older_their_one_age_says_nothing(make_table, make_evidence):
    def anew(counted: int) -> float:
        tables = [make_table(name, oid, created=oid - 15700, xmin=oid - 15700, sequence=None, rows=rows,
                             live=rows, inserts=rows, insv=rows, tuples=float(rows))
                  for name, oid, rows in (("notes", 16600, 60), ("users", 16601, 90), ("tags", 16602, 30))]  # fmt: skip
        evidence = make_evidence(tables, reported=["tags"])
        evidence["database_counters"]["inserted"] = counted
        evidence["identity"]["database_xmin"] = 740
        rows = analyse.investigate(evidence).findings.set_index("table")
        return rows.loc["notes", "status_probability"] if rows.loc["notes", "status"] == "intact" else 0.0

    assert anew(180 + 120) > 0.95 > 0.9 > anew(180 + 9000)


def test_a_delete_with_a_where_is_not_the_one_that_was_seen_without(make_table, make_evidence):
    lines = [
        {**_line("jobs/season.sql", "DELETE FROM notes WHERE season <= y", "scheduled_job"), "operation": "delete",
         "bounded": True},
        {**_line("t/fixtures.sql", "DELETE FROM notes", "test_run"), "operation": "delete", "bounded": False},
    ]  # fmt: skip
    entry = {"database": "d", "role": "o", "query_id": 1, "text": "DELETE FROM s.notes", "calls": 1, "rows": 143}
    emptied = {"deletes": 143, "live": 0, "dead": 143, "mod": 143, "rows": 0}
    tables = [make_table("notes", 16404, **emptied), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=lines, statements=[entry]))
    assert _cause(found, "test_run") > _cause(found, "scheduled_job")
