"""The catalogue names the last replacement of a file alone: what is said of the time before it."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

AT = pd.Timestamp("2025-10-08T09:00:00Z")
BEFORE = pd.Timestamp("2025-10-01T09:00:00Z")  # before the window, which begins a day before the loss was noticed
EMPTIED = {"filenode": 24600, "insv": 0, "rows": 0, "heap": 0, "pkey": 8192, "xmin": 742, "live": 0, "tuples": -1.0}
COMMITTED = [{"xid": 742, "committed_at": AT}]
TOLD = "before which rows may have gone as well"


@pytest.mark.parametrize(("more", "open_"), [
    ({}, True),
    ({"wal_spans": [{"source": "pg_wal", "how": "pg_waldump", "from_at": BEFORE, "to_at": AT}]}, False),
    ({"wal_spans": [{"source": "pg_wal", "how": "pg_waldump", "from_at": AT - pd.Timedelta(hours=1), "to_at": AT}]},
     True),
    ({"log_events": [{"file": "a.log", "line": 7, "at": AT, "severity": "LOG", "database": "d", "pid": 7,
                      "kind": "statement", "statement": "TRUNCATE s.notes"}]}, False),
])  # fmt: skip
def test_rows_may_have_gone_before_the_last_replacement_where_no_source_reaches_back(
    make_table, make_evidence, more, open_
):
    """pg_class holds one relfilenode and one xmin of a table: a second TRUNCATE writes both anew."""
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], commit_times=COMMITTED, **more))
    [group] = found.groups.to_dict("records")
    assert group["mechanism"] == "truncate"
    assert (TOLD in group["dated_by"]) is open_
    rows = found.evidence[found.evidence["says"].str.contains("rows may have gone before")]
    assert len(rows) == open_
