"""Interrupted in the middle: what was read is kept, what is missing is said, and the next run goes on and seals."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from everything import EVERY
from proxies import stalling_proxy

from triage_kit.bundle import PARTIAL, Bundle
from triage_kit.collect import collect, deadline
from triage_kit.collect import server as sessions
from triage_kit.errors import NotSealed, Unreachable
from triage_kit.lab.server import Server

WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'triage_kit' AND datname = %s "
    "AND wait_event_type = 'Lock'"
)


@contextmanager
def held_up(server: Server, database: str, strike: Callable[[object, int], None], times: int) -> Iterator[list[int]]:
    """Lock pg_publication, so that ``replication`` waits, and ``strike(connection, pid)`` at whoever waits."""
    struck: list[int] = []
    over = threading.Event()

    def watch() -> None:
        with server.connect(database) as connection:
            while not over.is_set() and len(struck) < times:
                for [pid] in connection.execute(WAITING, (database,)).fetchall():
                    if pid not in struck:
                        struck.append(pid)
                        strike(connection, pid)

    watcher = threading.Thread(target=watch)
    with server.connect(database, autocommit=False) as holder:
        holder.execute("LOCK TABLE pg_catalog.pg_publication IN ACCESS EXCLUSIVE MODE")
        watcher.start()
        try:
            yield struck
        finally:
            over.set()
            watcher.join()
            holder.rollback()


def cancel(connection, pid: int) -> None:
    connection.execute("SELECT pg_cancel_backend(%s)", (pid,))


def terminate(connection, pid: int) -> None:
    connection.execute("SELECT pg_terminate_backend(%s)", (pid,))


def filled(server: Server, database: str) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t SELECT FROM generate_series(1, 70)")


def test_a_cancelled_statement_is_a_gap_and_again_keeps_the_earlier_bundle(server, database, new_case) -> None:
    filled(server, database)
    case = new_case(database={"url": server.url(database)})
    with held_up(server, database, cancel, times=1) as struck:
        first = collect(case, only=EVERY)
    assert len(struck) == 1
    asked = first.bundle.table("questions").set_index("source")
    assert asked.loc["replication", "status"] == "failed"
    assert "cancel" in asked.loc["replication", "reason"]
    assert asked.loc["replication", "costs"].startswith("whether a standby")
    assert set(asked.loc[list(EVERY), "status"].drop(["replication"])) <= {"answered", "unavailable"}
    assert first.bundle.table("row_counts")["rows"].tolist() == [70]
    earlier = first.bundle.manifest
    second = collect(case, only=EVERY, again=True)
    assert second.bundle.table("questions").set_index("source").loc["replication", "status"] == "answered"
    kept = Bundle.open(case.folder / "evidence-1")
    assert kept.manifest == earlier
    assert kept.verify() == []
    assert second.bundle.verify() == []


def test_a_session_that_is_terminated_once_goes_on_and_says_so(server, database, new_case) -> None:
    filled(server, database)
    case = new_case(database={"url": server.url(database)})
    with held_up(server, database, terminate, times=1) as struck:
        done = collect(case, only=EVERY)
    assert len(struck) == 1
    asked = done.bundle.table("questions").set_index("source")
    assert "lost once and made anew" in asked.loc["connection", "reason"]
    # The lock was still held when the question was asked again: it is a gap with its reason.
    assert asked.loc["replication", "status"] == "skipped"
    assert "lock" in asked.loc["replication", "reason"]


def test_a_session_that_is_terminated_again_and_again_keeps_what_it_read(server, database, new_case) -> None:
    filled(server, database)
    case = new_case(database={"url": server.url(database)})
    with server.connect(database) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")  # nothing else is left unanswered
    with held_up(server, database, terminate, times=2), pytest.raises(Unreachable) as raised:
        collect(case, only=EVERY)
    left = len(EVERY[EVERY.index("replication") :])
    assert f"{left} questions are open, the first is replication" in str(raised.value)
    assert "run `triage collect` again" in str(raised.value)
    with pytest.raises(NotSealed):
        Bundle.open(case.folder)
    kept = {path.name: path.stat().st_mtime_ns for path in (case.folder / PARTIAL).glob("*.parquet")}
    assert {"identity.parquet", "table_counters.parquet", "constraints.parquet"} <= set(kept)
    done = collect(case, only=EVERY)
    sealed = {
        name: (done.bundle.folder / name).stat().st_mtime_ns for name in kept if name.removesuffix(".parquet") in EVERY
    }
    assert sealed == {name: kept[name] for name in sealed}
    assert done.bundle.verify() == []
    assert set(done.bundle.table("questions").set_index("source").loc[list(EVERY), "status"]) <= {
        "answered",
        "unavailable",
    }
    assert not (case.folder / PARTIAL).exists()


def test_a_storm_of_cancellations_costs_answers_and_nothing_else(server18, database18, new_case) -> None:
    filled(server18, database18)
    case = new_case(database={"url": server18.url(database18)})
    over, shots = threading.Event(), []

    def storm() -> None:
        with server18.connect(database18) as connection:
            while not over.is_set():
                shots.extend(
                    connection.execute(
                        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'triage_kit' "
                        "AND datname = current_database() AND state <> 'idle'"
                    ).fetchall()
                )

    # The scope must be known before: cancelled there, the run ends with the server's words and nothing is lost.
    begun = threading.Event()
    thread = threading.Thread(target=lambda: (begun.wait(30), storm()))
    thread.start()
    try:
        done = collect(case, only=EVERY, notify=lambda event, **facts: begun.set() if event == "question" else None)
    finally:
        begun.set()
        over.set()
        thread.join()
    assert len(shots) > 10
    asked = done.bundle.table("questions").set_index("source")
    assert set(EVERY) <= set(asked.index)
    cancelled = asked[asked["status"] == "failed"]
    assert cancelled["reason"].str.contains("cancel").all(), cancelled["reason"].tolist()
    assert done.bundle.verify() == []


def test_a_server_that_restarts_in_the_middle(new_case) -> None:
    with Server() as server:
        filled(server, "postgres")

        def strike(event: str, **facts: object) -> None:
            if event == "question" and facts["source"] == "storage":
                server.restart()

        done = collect(new_case(database={"url": server.url()}), only=EVERY, notify=strike)
    asked = done.bundle.table("questions").set_index("source")
    assert "lost once and made anew" in asked.loc["connection", "reason"]
    assert "failed" not in set(asked["status"])
    assert done.bundle.table("row_counts")["rows"].tolist() == [70]


def test_a_network_that_stalls_in_the_middle_leaves_a_run_to_go_on_with(
    server18, database18, new_case, monkeypatch
) -> None:
    monkeypatch.setattr(sessions, "GRACE", 0.5)
    # Shorter waits, in the same order: a statement, its grace, and the patience for a new connection.
    monkeypatch.setattr(sessions.Limits.__init__, "__defaults__", (1000, 500, 10_000))
    monkeypatch.setattr(sessions.Session.__init__, "__defaults__", (1.0,))
    filled(server18, database18)
    with stalling_proxy(server18) as (port, stalled):
        case = new_case(
            database={"url": f"postgresql://postgres@127.0.0.1:{port}/{database18}?connect_timeout=2&sslmode=disable"}
        )

        def strike(event: str, **facts: object) -> None:
            if event == "question" and facts["source"] == "relations":
                stalled.set()

        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"questions are open, the first is statements"):
            collect(case, only=EVERY, notify=strike)
        assert time.monotonic() - began < 90
        stalled.clear()
        done = collect(case, only=EVERY)
    assert done.bundle.verify() == []
    assert done.bundle.table("row_counts")["rows"].tolist() == [70]


def test_ctrl_c_on_a_network_that_stalls_says_one_line_and_leaves_a_run_to_go_on_with(
    server18, database18, tmp_path
) -> None:
    with stalling_proxy(server18) as (port, stalled):
        url = f"postgresql://postgres@127.0.0.1:{port}/{database18}?sslmode=disable"
        (tmp_path / "case.yaml").write_text(json.dumps({"database": {"url": url}}))
        with server18.connect(database18, autocommit=False) as holder, server18.connect(database18) as look:
            holder.execute("LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE")
            with subprocess.Popen(
                [sys.executable, "-m", "triage_kit", "collect", tmp_path, "--json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as child:
                sources = (json.loads(line).get("source") for line in child.stdout)
                assert "identity" in sources
                while not look.execute(WAITING, (database18,)).fetchone():
                    assert child.poll() is None
                stalled.set()
                child.send_signal(signal.SIGINT)
                _, told = child.communicate(timeout=60)
        assert (child.returncode, told.startswith("triage: interrupted"), told.count("\n")) == (130, True, 1), told
    with pytest.raises(NotSealed, match="was interrupted"):
        Bundle.open(tmp_path)


def test_a_cancel_that_nobody_takes_breaks_the_connection(server18, database18, monkeypatch) -> None:
    monkeypatch.setattr(deadline, "CANCEL", 0.3)
    with stalling_proxy(server18) as (port, stalled):
        url = f"postgresql://postgres@127.0.0.1:{port}/{database18}?sslmode=disable"
        connection = deadline.Connection.connect(url, autocommit=True)
        stalled.set()
        connection.pgconn.send_query(b"SELECT pg_sleep(60)")
        connection.pgconn.consume_input()  # raises when the wire is down; it is not yet
        with pytest.raises(psycopg.Error):
            connection.cancel_safe()
        with pytest.raises(psycopg.OperationalError):
            connection.pgconn.consume_input()
        connection.close()
