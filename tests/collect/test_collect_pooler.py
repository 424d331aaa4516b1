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


# What an application may leave on the connection that it gives back; the pooler itself puts a few of them right.
LEAKED = [
    "search_path = lair, public", "standard_conforming_strings = off", "bytea_output = 'escape'",
    "transform_null_equals = on", "extra_float_digits = -15", "intervalstyle = 'sql_standard'", "row_security = off",
    "datestyle = 'German, DMY'", "timezone = 'Asia/Kathmandu'", "client_encoding = 'latin1'", "lock_timeout = 1",
    "idle_in_transaction_session_timeout = 500", "default_transaction_isolation = 'serializable'",
    "default_transaction_deferrable = on", "default_transaction_read_only = off", "enable_tidscan = off",
    "enable_seqscan = off", "enable_indexscan = off", "constraint_exclusion = on", "client_min_messages = 'debug1'",
    "session_replication_role = 'replica'", "array_nulls = off", "quote_all_identifiers = on", "work_mem = '64kB'",
    "lc_messages = 'C'", "plan_cache_mode = 'force_generic_plan'", "application_name = 'left behind'",
    "jit_above_cost = 0", "role = 'plain_role'",
]  # fmt: skip
SCENE = """
CREATE SCHEMA lair;
CREATE FUNCTION lair.count(int) RETURNS bigint LANGUAGE sql AS 'SELECT 7';
CREATE TABLE lair.pg_class AS SELECT 1 AS oid;
CREATE TABLE t (id serial PRIMARY KEY, "order" text CHECK ("order" <> E'a\\'b' OR "order" IS NULL),
                price float8 DEFAULT 0.1, at timestamptz DEFAULT '2025-10-08 00:00+00',
                every interval DEFAULT '36 hours', raw bytea DEFAULT '\\x00ff', parts text[] DEFAULT '{a,null}');
ALTER TABLE t SET (autovacuum_enabled = off);
INSERT INTO t ("order") SELECT 'é' FROM generate_series(1, 70);
CREATE INDEX "by.place" ON t ("order") WHERE price > 0.3;
ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (at > '2025-10-08 00:00+00' AND "order" = NULL);
CREATE VIEW v AS SELECT id, "order", every FROM t WHERE at > '2025-10-08 00:00+00';
"""
SAME = ("relations", "columns", "constraints", "indexes", "policies", "triggers", "sequences", "namespaces",
        "extensions", "role_settings", "settings", "version_tables", "databases", "roles")  # fmt: skip


def test_what_another_client_left_behind_changes_nothing_that_is_read(server, database, tmp_path, roles) -> None:
    with server.connect(database) as connection:
        connection.execute(SCENE)
    with pooled(server, database, tmp_path) as url:
        read = []
        for name in ("clean", "leaked"):
            (tmp_path / name).mkdir()
            with psycopg.connect(url, autocommit=True, prepare_threshold=None) as client:
                for each in LEAKED if name == "leaked" else ():
                    client.execute(f"SET {each}")
            case = cases.build({"database": {"url": url}}, tmp_path / name / "case.yaml")
            read.append(collect(case, only=[question.name for question in QUESTIONS]).bundle)
            with psycopg.connect(url, autocommit=True, prepare_threshold=None) as client:
                left_over = client.execute("SELECT current_setting('quote_all_identifiers')").fetchone()
        assert left_over == ("on",)  # it was there all the time, and is the application's own business
    clean, leaked = read
    assert leaked.table("identity")["role"].tolist() == clean.table("identity")["role"].tolist() == ["postgres"]
    for name in SAME:
        # Where a setting comes from is told as it is; its value is the server's own, and not that client's.
        one, other = (each.table(name).drop(columns="source", errors="ignore").astype(str) for each in read)
        if name == "settings":  # transaction_deferrable is of the reading transaction itself
            one, other = (each[~each["name"].str.startswith("transaction_")] for each in (one, other))
        assert other.to_dict("records") == one.to_dict("records"), name
    assert leaked.table("row_counts").set_index("table").loc["t", "rows"] == 70
    asked = leaked.table("questions").set_index("source")["status"].to_dict()
    assert asked == clean.table("questions").set_index("source")["status"].to_dict()


def test_a_client_that_left_another_users_session_behind_costs_what_that_user_may_not_and_no_more(
    server, database, tmp_path, roles
) -> None:
    """The pooler still tells of the superuser that it logged in as; what only a superuser may set is refused."""
    with pooled(server, database, tmp_path) as url:
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as client:
            client.execute(f"SET SESSION AUTHORIZATION {roles['plain']}")
        case = cases.build({"database": {"url": url}}, tmp_path / "case.yaml")
        done = collect(case, only=("identity", "relations"))
    assert done.bundle.table("identity")["role"].tolist() == [roles["plain"]]
    assert "failed" not in set(done.bundle.table("questions")["status"])
