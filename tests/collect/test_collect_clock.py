"""A machine whose clock is wrong by hours collects: every instant is the server's, and the difference is told."""

from datetime import UTC, datetime, timedelta

import pytest
from everything import EVERY
from waiting import reported

from triage_kit import clock
from triage_kit.analyse import investigate, provenance
from triage_kit.collect import collect
from triage_kit.opened import open_case

WRONG = [timedelta(hours=-5, minutes=-1), timedelta(hours=26)]


def moment(server, database):
    with server.connect(database) as connection:
        return connection.execute("SELECT clock_timestamp()").fetchone()[0]


def times(bundle, table, column):
    return bundle.table(table)[column].dropna()


@pytest.fixture
def emptied(server, database):
    """A table that was emptied a moment ago, by the server's own clock."""
    with server.connect(database) as connection:
        connection.execute(
            "CREATE TABLE lost AS SELECT generate_series(1, 40) AS id; CREATE TABLE kept AS SELECT 1 AS n"
        )
    reported(server, database, "lost", inserts=40)
    with server.connect(database) as connection:
        connection.execute("TRUNCATE lost")
    return database


@pytest.mark.parametrize("wrong", WRONG, ids=["behind", "ahead"])
def test_every_instant_is_the_servers_and_the_difference_is_told(
    server, emptied, new_case, monkeypatch, wrong: timedelta
) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + wrong)
    case = new_case(database={"url": server.url(emptied)})
    first = moment(server, emptied)
    done = collect(case, only=EVERY)
    last = moment(server, emptied)
    told = done.bundle.table("questions").set_index("source").loc["clock"]
    assert told["status"] == "answered"
    assert ("5:01:00" in told["reason"]) == (wrong < timedelta(0))
    assert ("1 day, 2:00:00" in told["reason"]) == (wrong > timedelta(0))
    assert ("ahead of" if wrong < timedelta(0) else "behind") in told["reason"]
    assert done.bundle.table("identity").loc[0, "clock_offset_ms"] == pytest.approx(
        -wrong.total_seconds() * 1000, abs=900
    )
    slack = timedelta(seconds=1)
    for table, column in (("collection", "collected_at"), ("row_counts", "asked_at"), ("questions", "asked_at")):
        # What was asked before the server told its time stands at most as far back as the machine's own clock says.
        found = times(done.bundle, table, column)
        if table == "questions":
            found = done.bundle.table(table).query("source != 'identity'")[column]
        assert found.between(first - slack, last + slack).all(), (table, found.min(), found.max())
    assert done.bundle.manifest["collection"]["clock_ahead_seconds"] == pytest.approx(-wrong.total_seconds(), abs=0.9)


def test_a_loss_is_dated_before_the_collection_whatever_clock_collected(server, emptied, new_case, monkeypatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + WRONG[0])
    done = collect(new_case(database={"url": server.url(emptied)}), only=EVERY)
    evidence = {**open_case(done.bundle.folder.parent).evidence}
    found = investigate(evidence)
    row = found.findings.set_index("table").loc["lost"]
    assert (row["status"], row["mechanism"], row["missing_rows"]) == ("wiped", "truncate", 40)
    collected_at = evidence["collection"].loc[0, "collected_at"]
    assert row["lost_to"] <= collected_at + timedelta(seconds=1)
    assert collected_at - row["lost_to"] < timedelta(minutes=10)
    remarks = provenance.coverage(evidence).set_index("source")["read"]
    assert "every instant of the evidence is by the server's" in remarks["clock"]


def test_clocks_that_agree_are_no_remark_and_a_run_that_goes_on_keeps_its_beginning(
    server18, database18, new_case, monkeypatch
) -> None:
    assert "clock" not in set(collect(new_case(database={"url": server18.url(database18)}), only=EVERY).bundle.table(
        "questions")["source"])  # fmt: skip

    class Stop(Exception):
        pass

    def strike(event: str, **facts: object) -> None:
        if event == "question" and facts["source"] == "locks":
            raise Stop

    case = new_case(database={"url": server18.url(database18)})
    began = moment(server18, database18)
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + WRONG[0])
    with pytest.raises(Stop):
        collect(case, only=EVERY, notify=strike)
    between = moment(server18, database18)
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC))  # somebody put it right meanwhile
    bundle = collect(case, only=EVERY).bundle
    slack = timedelta(seconds=1)
    assert times(bundle, "collection", "collected_at").between(began - slack, between + slack).all()
    asked = bundle.table("questions").query("source != 'identity'")["asked_at"]
    assert asked.between(began - slack, moment(server18, database18) + slack).all()
