"""An earlier bundle beside the new one, and the rows that bracket a transaction; facts are what the test did when."""

import pandas as pd
import pytest
from waiting import reported

from triage_kit.analyse import investigate
from triage_kit.bundle import Bundle
from triage_kit.collect import collect
from triage_kit.opened import open_case
from triage_kit.start import baseline_case

SHOP = """
CREATE TABLE orders (id bigint PRIMARY KEY, body text);
CREATE TABLE audit (id bigint, created_at timestamptz DEFAULT clock_timestamp());
INSERT INTO orders SELECT i, 'x' FROM generate_series(1, 40) i;
INSERT INTO audit SELECT 1;
"""


@pytest.fixture
def truncated(server18, database18, tmp_path):
    """A database with a baseline, a table that was then truncated between two audited rows, and that instant."""
    with server18.connect(database18) as connection:
        for statement in SHOP.strip().split(";\n"):
            connection.execute(statement)
    collect(baseline_case(tmp_path / "earlier", server18.url(database18)), only="baseline")
    with server18.connect(database18) as connection:
        connection.execute("TRUNCATE orders")
        at = connection.execute("SELECT clock_timestamp()").fetchone()[0]
        connection.execute("INSERT INTO audit SELECT 2")
        oid = connection.execute("SELECT 'orders'::regclass::oid::bigint").fetchone()[0]
    return database18, tmp_path / "earlier" / "evidence", pd.Timestamp(at), oid


def test_the_earlier_bundle_is_kept_small_and_answered(server18, truncated, new_case):
    database, earlier, _, oid = truncated
    done = collect(new_case(database={"url": server18.url(database)}, baseline=str(earlier)))
    then = done.bundle.table("baseline_tables").set_index("table").loc["orders"]
    assert (then["oid"], then["filenode"], then["live"], then["inserts"]) == (oid, oid, 40, 40)
    assert then["columns"] == ("1 id", "2 body")
    told = done.bundle.table("baseline").iloc[0]
    identity = done.bundle.table("identity").iloc[0]
    assert told["system_identifier"] == identity["system_identifier"]
    assert told["next_xid"] < identity["next_xid"]
    assert not [gap for gap in done.named_unread if gap.startswith("baseline")]


def test_rows_of_a_timestamped_table_bracket_the_truncate(server18, truncated, new_case):
    database, _, at, _ = truncated
    bundle = collect(new_case(database={"url": server18.url(database)})).bundle
    relations = bundle.table("relations").set_index("name")
    around = bundle.table("row_times").set_index("xid").loc[relations.loc["orders", "xmin"]]
    assert (around["table"], around["column"]) == ("audit", "created_at")
    assert around["before_at"] < at < around["after_at"]
    written = bundle.table("row_transactions").set_index("oid").loc[relations.loc["audit", "oid"]]
    assert written["oldest_xid"] < relations.loc["orders", "xmin"] < written["newest_xid"]


def test_the_bundle_that_collect_again_moved_away_is_compared_without_being_named(server18, truncated, new_case):
    database, *_ = truncated
    case = new_case(database={"url": server18.url(database)})
    collect(case)
    collect(case, again=True)
    bundle = Bundle.open(case.folder)
    assert bundle.table("baseline")["source"].tolist() == ["evidence-1"]
    assert set(bundle.table("baseline_tables")["table"]) == {"orders", "audit"}


def test_what_was_lost_before_the_first_collection_is_lost_in_the_second_too(server18, database18, new_case):
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE gone (id int PRIMARY KEY); INSERT INTO gone SELECT generate_series(1, 40)")
    with server18.connect(database18) as connection:
        connection.execute("DELETE FROM gone")
    reported(server18, database18, "gone", inserts=40, deletes=40)
    case = new_case(database={"url": server18.url(database18)}, reported=["gone"])
    told = []
    for again in (False, True):
        collect(case, again=again)
        found = investigate({**open_case(case.folder).evidence}).findings.set_index("table").loc["gone"]
        told.append((found["status"], found["mechanism"], found["missing_rows"]))
    assert told == [("wiped", "delete", 40)] * 2
    with server18.connect(database18) as connection:
        connection.execute("DROP TABLE gone")
    collect(case, again=True)  # that it stood when it was looked at last is known all the same
    found = investigate({**open_case(case.folder).evidence}).findings.set_index("table").loc["gone"]
    assert found["status"] == "missing"


def test_a_bundle_of_another_database_is_refused_with_both_names(server18, truncated, new_case):
    _, earlier, *_ = truncated
    done = collect(new_case(database={"url": server18.url("postgres")}, baseline=str(earlier)))
    [reason] = [gap for gap in done.named_unread if gap.startswith("baseline")]
    assert "'postgres'" in reason
    assert not len(done.bundle.table("baseline_tables"))
