"""Whether the tables let the rows in again: what was added to them since the loss is told before they are put back."""

from __future__ import annotations

import pytest

from triage_kit.analyse import investigate

DUMP = {"file": "dumps/a.dump", "format": "custom", "state": "ok", "taken_at": "2025-10-07T00:00:00Z"}


def told(make_table, make_evidence, **more):
    emptied = make_table("a", 1, rows=0, heap=0, filenode=99, xmin=905)
    said = {"severity": "LOG", "kind": "statement", "message": "", "role": "ada", "database": "d", "pid": 7}
    wrote = {**said, "file": "p.log", "line": 1, "at": "2025-10-07T20:00:00Z",
             "statement": "INSERT INTO s.a (id, body) VALUES (1, 'x')"}  # fmt: skip
    key = {"oid": 90, "name": "a_pkey", "kind": "primary_key", "table_oid": 1, "columns": ("id",), "xmin": 700,
           "definition": "PRIMARY KEY (id)"}  # fmt: skip
    added = [key, *more.pop("constraints", [])]
    found = investigate(make_evidence([emptied], log_events=[wrote], constraints=added, **more))
    [way] = found.recovery[found.recovery["option"] == "log_replay"].to_dict("records")
    assert way["feasible"]
    return [line for line in way["preconditions"] if "the loss or after it" in line]


@pytest.mark.parametrize(("kind", "definition", "said"), [
    ("unique", "UNIQUE (body)",
     "rows that break it are left out silently"),
    ("check", "CHECK ((body <> ''::text))", "one row that breaks it ends the whole copy"),
])  # fmt: skip
def test_what_is_younger_than_the_loss_is_told(make_table, make_evidence, kind, definition, said) -> None:
    new = {"oid": 91, "name": "a_body", "kind": kind, "table_oid": 1, "columns": ("body",), "definition": definition}
    for xmin in (905, 906):  # of the transaction that took the rows, and of a later one
        [line] = told(make_table, make_evidence, constraints=[new | {"xmin": xmin}])
        assert line == f"bad: a_body of s.a ({definition}) came with the loss or after it: {said}"
    [line] = told(make_table, make_evidence, constraints=[new | {"xmin": 904}])
    assert line.startswith("ok: no key and no constraint of these tables came with the loss or after it; a row whose")
