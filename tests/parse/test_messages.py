# ruff: noqa: E501 rows of logs and SQL made for the tests stay on their lines
"""Subjects of messages: a line for each, written as a server writes it, and those that a real server wrote."""

import contextlib
from pathlib import Path

import majors
import psycopg
import pytest

from triage_kit.lab.server import Server
from triage_kit.parse import Entry, parse
from triage_kit.parse.kinds import SUBJECTS, recognise

# Subject, severity, message, and where a server of ours wrote it its major; the others follow the server's sources.
CORPUS = [line.split("\t") for line in (Path(__file__).parent / "messages.tsv").read_text("utf-8").splitlines() if line]
PREFIX = "%m [%p] "


@pytest.mark.parametrize(
    ("subject", "severity", "message"),
    [row[:3] for row in CORPUS],
    ids=[f"{n}-{row[0]}" for n, row in enumerate(CORPUS)],
)
def test_subject(subject, severity, message):
    assert recognise(message, severity)[0] == subject


def test_nearly_every_subject_has_a_line_of_a_real_server():
    real = {row[0] for row in CORPUS if row[3:]}
    assert len(real) >= 118
    told_by_context = {"raised", "extension_notice", "forgeable"}  # by the words around them; the test below has them
    assert set(SUBJECTS) - {row[0] for row in CORPUS} <= told_by_context


def test_what_is_unknown_stays_unknown():
    assert recognise("nobody has seen this", "LOG") == (None, "other")
    assert recognise("nobody has seen this", "ERROR") == (None, "error")


def test_every_subject_has_a_kind_and_a_meaning():
    assert len(SUBJECTS) >= 120
    assert all(each.kind and each.meaning for each in SUBJECTS.values())


REAL = {
    "CREATE TABLE a (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0)); CREATE TABLE b (a int REFERENCES a)": None,
    "TRUNCATE a": "truncate_refused",
    "TRUNCATE a CASCADE": "truncate_cascade",
    "DROP TABLE a": "dependent_objects",
    "DROP TABLE IF EXISTS nowhere": "drop_skipped",
    "INSERT INTO b VALUES (1)": "foreign_key_violation",
    "INSERT INTO a VALUES (1, NULL)": "not_null_violation",
    "INSERT INTO a VALUES (1, 0)": "check_violation",
    "INSERT INTO a VALUES (1, 1), (1, 1)": "unique_violation",
    "SELECT * FROM nowhere": "undefined_table",
    "SELECT nothing FROM a": "undefined_column",
    "SELECT f(1)": "undefined_function",
    "DELETE FROM a WHERE": "syntax_error",
    "SELECT 1/0": "value_error",
    "SELECT 'x'::int": "value_error",
    "CREATE TABLE a (id int)": "duplicate_object",
    "COMMIT": "no_transaction",
    "SELECT 1::nosuchtype": "undefined_object",
    "DROP DATABASE postgres": "database_in_use",
    "BEGIN READ ONLY; DELETE FROM a": "read_only",
    "ROLLBACK": None,
    "BEGIN; SELECT 1/0": "value_error",
    "SELECT 2": "aborted_transaction",
    "ROLLBACK; VACUUM a": None,
    "SET statement_timeout = 20; SELECT pg_sleep(2)": "statement_timeout",
    "RESET statement_timeout": None,
    "CHECKPOINT": "checkpoint_starting",
    "SELECT pg_reload_conf()": "reload",
    "ALTER TABLE a ALTER n TYPE bool": "cast_failed",
    "SET ROLE nosuchrole": "no_such_role",
    "DROP TABLE a CASCADE": "drop_cascade",
    "DO $$ BEGIN RAISE EXCEPTION 'in its own words'; END $$": "raised",
    "DO $$ BEGIN RAISE WARNING 'in its own words, too'; END $$": "extension_notice",
    "SELECT pg_terminate_backend(1)": "no_such_process",
    "COPY b FROM '/nowhere'": "copy_file",
    "CREATE EXTENSION nowhere": "missing_library",
    "SELECT pg_create_restore_point('x')": "restore_point",
}


@pytest.mark.parametrize("major", [each for each in majors.found() if each in (13, 18)] or [None])
def test_what_a_server_writes_is_known(major):
    if major is None:
        pytest.skip("no PostgreSQL was found")
    settings = {"log_line_prefix": PREFIX, "log_min_messages": "notice", "log_checkpoints": True, "log_connections": True,
                "log_disconnections": True, "log_statement": "all"}  # fmt: skip
    with Server(settings, binaries=majors.found()[major]) as server:
        with server.connect() as connection:
            for statement in REAL:
                with contextlib.suppress(psycopg.Error):
                    connection.execute(statement)
        with contextlib.suppress(psycopg.OperationalError):
            server.connect(database="no such database")
        server.stop()
        with server.log_file.open("rb") as stream:
            entries = [each for each in parse(stream, "stderr", PREFIX) if isinstance(each, Entry)]
    found = {each.subject for each in entries}
    started = {"startup", "ready", "listening", "shutdown_request", "shutdown", "no_such_database", "disconnection"}
    assert {*filter(None, REAL.values()), *started} <= found
    assert [each.message for each in entries if each.subject is None] == []
