"""What is left to tell after a crash set every counter to zero; numbers as servers of 13 and 18 showed them."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse.context import context

BIRTH = pd.Timestamp("2025-09-25T08:00:00Z")
RESET = BIRTH + pd.Timedelta("1458ms")  # crash recovery sets it, and so does the first start of a server of 13 or 14
DAY = pd.Timedelta(days=1)
LEFT = {"inserts": 0, "live": 0, "insv": 0, "analyzes": 0, "sequence": None, "rows": None}


def _young(evidence, inserted: int, reset: pd.Timestamp, archiver: pd.Timestamp, version: int = 130023):
    """A server whose counters began within its first minutes; its database is as old as its transaction 491."""
    identity, cluster = evidence["identity"], evidence["cluster_counters"]
    counters = evidence["database_counters"]
    return {
        **evidence,
        "identity": identity.assign(version_num=version, initdb_at=BIRTH, started_at=BIRTH + pd.Timedelta("1449ms"),
                                    database_xmin=491),
        "cluster_counters": cluster.assign(bgwriter_reset=RESET, archiver_reset=archiver),
        "database_counters": counters.assign(inserted=inserted, reset_at=reset),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("inserted", "reset", "archiver", "made_by", "crashed"),
    [
        (2, RESET, RESET, 503, True),  # the making of eleven tables is counted nowhere: measured, 2 rows came since
        (1430, RESET, RESET, 503, False),  # a first start: everything since is counted
        (2, RESET + DAY, RESET, 503, False),  # pg_stat_reset() of the database, a day later
        (2, RESET, RESET, 480, False),  # tables that came with the template were counted there
        (2, RESET, RESET + DAY, 503, False),  # pg_stat_reset_shared('archiver')
    ],
)
def test_counters_that_know_nothing_of_the_making_of_tables_began_with_a_crash(
    inserted, reset, archiver, made_by, crashed, make_table, make_evidence
):
    tables = [make_table(f"t{number}", 16400 + number, created=made_by + number) for number in range(11)]
    about = context(_young(make_evidence(tables), inserted, reset, archiver))
    assert about.crashed_at == (RESET if crashed else None)


def test_an_unlogged_table_of_a_young_server_was_emptied_by_its_crash_and_not_made_anew(make_table, make_evidence):
    others = [make_table(f"t{number}", 16400 + number, created=503 + number, **LEFT) for number in range(6)]
    board = make_table("board", 16450, created=520, persistence="unlogged", tuples=80.0, heap=0, pkey=8192,
                       **{**LEFT, "rows": 0})  # fmt: skip
    found = analyse.investigate(_young(make_evidence([*others, board], reported=["board"]), 2, RESET, RESET))
    row = found.findings.set_index("table").loc["board"]
    assert (row["mechanism"], row["status"]) == ("unlogged_reset", "wiped")


@pytest.mark.parametrize(("committed", "mechanism"), [(760, "delete"), (0, "none")])
def test_deletes_that_were_counted_since_a_crash_tell_of_a_table_nobody_may_count(
    committed, mechanism, make_table, make_evidence
):
    facts = {**LEFT, "deletes": 760, "dead": committed, "mod": committed, "heap": 57344, "pkey": 40960, "tuples": -1.0}
    others = [make_table(f"t{number}", 16500 + number, **LEFT) for number in range(4)]
    crashed = pd.Timestamp("2025-10-08T09:00:00Z")
    found = analyse.investigate(
        make_evidence([make_table("shifts", 16404, **facts), *others], reported=["shifts"], crashed=crashed)
    )
    row = found.findings.set_index("table").loc["shifts"]
    assert (row["mechanism"], row["status"]) == (mechanism, "undecided")


def test_an_unlogged_table_that_took_another_ones_place_and_was_counted_there_fell_with_the_server(
    make_table, make_evidence
):
    """Loaded into a new table, swapped in, analysed, crashed: measured on 13, reltuples stands, the file is empty."""
    swapped = make_table("quotas", 16440, persistence="unlogged", tuples=340.0, heap=0, pkey=8192, created=521,
                         xmin=521, **{**LEFT, "rows": 0})  # fmt: skip
    others = [make_table(f"t{number}", 16400 + number, **{**LEFT, "rows": 143}) for number in range(4)]
    drop = {"file": "a.log", "line": 7, "at": BIRTH + DAY, "severity": "LOG", "kind": "statement", "database": "d",
            "outcome": "unknown", "statement": "DROP TABLE s.quotas", "role": "o", "application": "loader"}  # fmt: skip
    found = analyse.investigate(make_evidence([*others, swapped], reported=["quotas"], log_events=[drop],
                                              crashed=BIRTH + 2 * DAY))  # fmt: skip
    row = found.findings.set_index("table").loc["quotas"]
    assert (row["mechanism"], row["status"]) == ("unlogged_reset", "wiped")
    assert found.causes.iloc[0]["cause"] == "crash"
