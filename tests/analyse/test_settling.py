"""What would settle a cause: sources that were read already are not asked for again."""

from __future__ import annotations

import pytest

from triage_kit.analyse import investigate
from triage_kit.analyse.probes import CONDITIONS

LOG = {"file": "p.log", "format": "stderr", "first_at": "2025-10-01T00:00:00Z", "last_at": "2025-10-08T10:37:20Z"}
READ = {
    "questions": [{"source": name, "status": "answered"} for name in ("statements", "version_tables")],
    "log_sources": [LOG],
    "commits": [{"sha": "1", "committed_at": "2025-10-01T00:00:00Z", "paths": ["a.py"]}],
    "wal_spans": [{"source": "pg_wal", "how": "files"}],
    "wal_transactions": [{"xid": 905, "outcome": "committed", "subxids": []}],
}


def settles(make_table, make_evidence, **more):
    emptied = make_table("a", 1, rows=0, heap=0, filenode=99, xmin=905)
    causes = investigate(make_evidence([emptied], **more)).causes
    assert set(causes["group"]) == {"G1"}
    return dict(zip(causes["cause"], causes["would_settle"].str.split("; "), strict=True))


def test_what_was_read_does_not_settle_anything_any_more(make_table, make_evidence) -> None:
    sources = ["pg_stat_statements with its roles", "the WAL of the transaction", "the server log of that time",
               "the repository with its migrations, jobs and scripts"]  # fmt: skip
    nothing = settles(make_table, make_evidence)
    assert nothing["unknown"] == [*sources, "the people who had access"]
    tool = "the migration tool's version table"
    assert nothing["migration"] == ["the log of the deployment", tool, *sources]
    everything = settles(make_table, make_evidence, **READ)
    assert everything["unknown"] == ["the people who had access"]
    assert everything["migration"] == ["the log of the deployment"]


def test_a_source_that_does_not_reach_the_loss_is_still_asked_for(make_table, make_evidence) -> None:
    other = [{**READ["wal_transactions"][0], "xid": 904}]
    late = [{**LOG, "first_at": "2025-10-08T10:59:00Z"}]
    told = settles(make_table, make_evidence, **READ | {"wal_transactions": other, "log_sources": late})["unknown"]
    beyond = "(what was read does not reach it)"
    assert told[:2] == [f"the WAL of the transaction {beyond}", f"the server log of that time {beyond}"]


def test_who_wrote_the_rows_is_not_asked_for_where_it_was_read_with_the_count(make_table, make_evidence) -> None:
    asked = "whether one transaction (min and max of xmin) wrote what stands"
    assert asked in settles(make_table, make_evidence)["restore"]
    read = [{"oid": 2, "oldest_xid": 831, "newest_xid": 831}]
    assert asked not in settles(make_table, make_evidence, row_transactions=read)["restore"]


@pytest.mark.parametrize(("source", "condition"), [("migrations", "migrations_unread"), ("code_hits", "code_unread")])
def test_a_repository_that_was_read_and_holds_nothing_is_not_read_again(make_table, make_evidence, source, condition):
    said = {}
    for status in ("answered", "failed"):
        evidence = make_evidence([make_table("a", 1)], questions=[{"source": source, "status": status}])
        said[status] = CONDITIONS[condition](None, evidence, (), None, ())
    assert said == {"answered": False, "failed": True}
