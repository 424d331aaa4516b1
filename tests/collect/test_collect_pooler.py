"""Through a real PgBouncer in transaction mode: it takes the connection, and the next client finds nothing of ours."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from triage_kit import case as cases
from triage_kit.collect import collect
from triage_kit.collect.questions import QUESTIONS
from triage_kit.lab import binaries
from triage_kit.lab.server import PORT, Server

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
CONFIGURATION = """
[databases]
{database} = host={folder} port={port} dbname={database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
default_pool_size = 1
min_pool_size = 0
logfile = {log}
"""
# Everything that a session can leave behind: settings with where they come from, statements, cursors, locks, tables.
LEFT = """
SELECT 'setting ' || name AS what, concat_ws(' ', setting, source, sourcefile) AS value FROM pg_settings
UNION ALL SELECT 'prepared', name FROM pg_prepared_statements
UNION ALL SELECT 'cursor', name FROM pg_cursors WHERE name <> ''
UNION ALL SELECT 'lock', locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
UNION ALL SELECT 'channel', c FROM pg_listening_channels() AS c
UNION ALL SELECT 'temporary', pg_my_temp_schema()::text WHERE pg_my_temp_schema() <> 0
UNION ALL SELECT 'search path', array_to_string(current_schemas(true), ',')
UNION ALL SELECT 'role', concat_ws(' ', session_user, current_user)
"""


@contextmanager
def pooled(server: Server, database: str, tmp_path: Path, mode: str = "transaction") -> Iterator[str]:
    """URL of the database through a PgBouncer that has one server connection for everybody."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed (Debian's package pgbouncer)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        listen = free.getsockname()[1]
    users, log, configuration = (server.folder / f"pgbouncer.{end}" for end in ("users", "log", "ini"))
    users.write_text('"postgres" ""\n"plain_role" ""\n')
    configuration.write_text(
        CONFIGURATION.format(
            database=database, folder=server.folder, port=PORT, listen=listen, users=users, log=log, mode=mode
        )
    )
    for path in (users, configuration):
        path.chmod(0o644)
    # It refuses to run as root, and only the server's own account may enter the folder of its socket.
    pooler = subprocess.Popen(
        [PROGRAM, configuration],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=server.folder,
        **binaries.identity(server.account),
    )
    url = f"postgresql://postgres@127.0.0.1:{listen}/{database}"
    try:
        for _ in range(100):
            try:
                psycopg.connect(url, connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                assert pooler.poll() is None, log.read_text()
                time.sleep(0.1)
        yield url
    finally:
        pooler.terminate()
        pooler.wait(20)


def left(url: str) -> tuple[int, dict[str, str]]:
    # autocommit and no statement prepared: the client itself leaves nothing either.
    with psycopg.connect(url, autocommit=True, prepare_threshold=None, application_name="next") as client:
        rows = client.execute(LEFT).fetchall()
        [pid] = client.execute("SELECT pg_backend_pid()").fetchone()
    return pid, {f"{what} {value}" if what == "prepared" else what: value for what, value in rows}


def test_the_next_client_finds_nothing_of_ours(server, database, tmp_path) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t SELECT FROM generate_series(1, 70)")
    with pooled(server, database, tmp_path) as url:
        before_pid, before = left(url)
        done = collect(
            cases.build({"database": {"url": url}}, tmp_path / "case.yaml"),
            only=[question.name for question in QUESTIONS],
        )
        after_pid, after = left(url)
        # The control: a plain SET does reach the next client, on the same server connection.
        with psycopg.connect(url, autocommit=True) as leaking:
            leaking.execute("SET statement_timeout = '777s'")
        control_pid, control = left(url)
    assert before_pid == after_pid == control_pid
    assert {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value} == {}
    assert after == before
    assert control["setting statement_timeout"] == "777000 session"
    asked = done.bundle.table("questions").set_index("source")
    assert "failed" not in set(asked["status"]), asked["reason"].dropna().tolist()
    assert "connection" not in asked.index
    assert done.bundle.table("row_counts").set_index("table").loc["t", "rows"] == 70
    assert done.bundle.table("identity")["database"].tolist() == [database]


def test_two_runs_and_a_client_share_one_server_connection(server18, database18, tmp_path) -> None:
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE t (id serial PRIMARY KEY); INSERT INTO t SELECT FROM generate_series(1, 70)")
    with (
        pooled(server18, database18, tmp_path) as url,
        psycopg.connect(url, autocommit=True, prepare_threshold=1) as client,
    ):
        turns: list[int] = []

        def between(event: str, **facts: object) -> None:
            # Transactions of another client come between ours on the very connection that we use.
            if event == "question":
                turns.append(client.execute("SELECT count(*) FROM t", prepare=False).fetchone()[0])

        collected = [
            collect(
                cases.build({"database": {"url": url}}, tmp_path / name / "case.yaml"),
                only=[question.name for question in QUESTIONS],
                notify=between,
            )
            for name in ("one", "two")
            if (tmp_path / name).mkdir() is None
        ]
    assert turns == [70] * 2 * len(QUESTIONS)
    for done in collected:
        assert "failed" not in set(done.bundle.table("questions")["status"])
