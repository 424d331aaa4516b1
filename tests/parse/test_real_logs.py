"""The same traffic of a real server in every format that it writes gives the same events."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import majors
import psycopg
import pytest

from triage_kit.lab.server import Server
from triage_kit.parse import Clock, Entry, Outcomes, Unparsed, parse

EVERYTHING = "%m|%u|%d|%p|%r|%c|%l|%i|%s|%v|%x|%e|%a %%|%q "
SETTINGS = {
    "logging_collector": True,
    "log_filename": "server.log",
    "log_line_prefix": EVERYTHING,
    "log_statement": "all",
    "log_duration": True,
    "log_connections": True,
    "log_disconnections": True,
    "log_checkpoints": True,
    "log_min_messages": "notice",
    "log_timezone": "America/St_Johns",
    "autovacuum": False,
}
NAMES = (
    "at severity sqlstate pid session role database application client xid message detail hint context statement "
    "duration_ms kind outcome relation removed remain buffers sync_files"
)
COMPARED = NAMES.split()


def traffic(server: Server) -> None:
    with server.connect(application="loader; ERROR:  not one") as connection:
        for statement in (
            "CREATE TABLE parent (id int PRIMARY KEY)",
            "CREATE TABLE child (id int REFERENCES parent)",
            "INSERT INTO parent SELECT generate_series(1, 50)",
            "DELETE FROM parent\n\tWHERE id > 40\n\n  AND 'LOG:  statement: DROP TABLE x' <> ''",
            "TRUNCATE parent CASCADE",
            "DELETE FROM parent WHERE 'a\"b,c\"\"d' = ''",
            "SELECT 'ümlaut ☃'",
            "CHECKPOINT",
        ):
            connection.execute(statement)
        connection.execute("DELETE FROM parent WHERE id = %s", (7,))
        for broken in (
            "DELETE FROM parent WHERE status \\!= 'completed'",
            "DO $$ BEGIN RAISE EXCEPTION 'with detail' USING DETAIL = 'two\nlines', HINT = 'a \"hint\"'; END $$",
            "DO $$ BEGIN EXECUTE 'DELETE FROM nowhere'; END $$",
        ):
            with contextlib.suppress(psycopg.Error):
                connection.execute(broken)
    with server.connect(autocommit=False) as connection:
        connection.execute("DELETE FROM child")
        connection.rollback()
        connection.execute("TRUNCATE child")
        connection.commit()
    with contextlib.suppress(psycopg.OperationalError):
        server.connect(database="no such database")


@pytest.fixture(scope="module", params=[major for major in majors.found() if major in (13, 18)] or [None])
def logs(request: pytest.FixtureRequest) -> Iterator[dict[str, Path]]:
    if request.param is None:
        pytest.skip("no PostgreSQL was found")
    formats = {"stderr": "server.log", "csv": "server.csv"} | ({"json": "server.json"} if request.param >= 15 else {})
    destination = ",".join({"stderr": "stderr", "csv": "csvlog", "json": "jsonlog"}[name] for name in formats)
    settings = SETTINGS | {"log_destination": destination}
    with Server(settings, binaries=majors.found()[request.param]) as server:
        traffic(server)
        server.stop()
        yield {name: server.log_directory / file for name, file in formats.items()}


def read(path: Path, format: str) -> list[Entry | Unparsed]:
    with path.open("rb") as stream:
        return list(Outcomes().follow(parse(stream, format, EVERYTHING, Clock("America/St_Johns"))))


def compared(entries: list[Entry | Unparsed]) -> list[dict[str, object]]:
    return [{name: getattr(entry, name) for name in COMPARED} for entry in entries]


def test_every_line_is_an_entry(logs):
    for name, path in logs.items():
        assert [each for each in read(path, name) if isinstance(each, Unparsed)] == []


def test_formats_agree_on_every_field(logs):
    # The first and last lines of each are about the collector's own files.
    def told(name):
        # Each process writes in its order; how two that write at once follow each other differs from file to file.
        rows = sorted(compared(read(logs[name], name)), key=lambda row: row["pid"])
        return [
            row
            for row in rows
            if not row["message"].startswith(("redirecting", "ending log"))
            and "Future log output" not in str(row["hint"])
        ]

    expected = told("csv")
    # The prefix stops at %q for processes without a session, and every field before it is there.
    for name in set(logs) - {"csv"}:
        found = told(name)
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            assert ours == theirs


def test_lines_and_bytes_lead_back_to_the_message(logs):
    for name, path in logs.items():
        data = path.read_bytes()
        lines = data.split(b"\n")
        for entry in read(path, name):
            start = data[entry.offset :]
            assert start.startswith(lines[entry.line - 1][:40])
            assert entry.offset == 0 or data[entry.offset - 1 : entry.offset] == b"\n"


def test_outcomes_are_what_happened(logs):
    for name, path in logs.items():
        found = {
            entry.statement.split("\n")[0]: entry.outcome
            for entry in read(path, name)
            if isinstance(entry, Entry) and entry.kind == "statement" and entry.statement
        }
        assert found["TRUNCATE parent CASCADE"] == "committed"
        assert found["DELETE FROM child"] == "rolled_back"
        assert found["TRUNCATE child"] == "committed"
        assert found["DELETE FROM parent WHERE id = $1"] == "committed"
        assert found["DO $$ BEGIN EXECUTE 'DELETE FROM nowhere'; END $$"] == "failed"


def test_a_statement_that_does_not_parse_is_logged_by_its_error_alone(logs):
    for name, path in logs.items():
        entries = [each for each in read(path, name) if isinstance(each, Entry)]
        [error] = [each for each in entries if (each.statement or "").startswith("DELETE FROM parent WHERE status")]
        assert (error.severity, error.sqlstate, error.kind, error.outcome) == ("ERROR", "42601", "error", "failed")
        # The backslash is the 33rd character of the statement, counted by hand.
        assert error.message == 'syntax error at or near "\\" at character 33'


def test_messages_keep_their_lines_and_their_details(logs):
    for name, path in logs.items():
        entries = [each for each in read(path, name) if isinstance(each, Entry)]
        [tabbed] = [each for each in entries if each.kind == "statement" and "id > 40" in each.message]
        assert tabbed.statement == "DELETE FROM parent\n\tWHERE id > 40\n\n  AND 'LOG:  statement: DROP TABLE x' <> ''"
        [raised] = [each for each in entries if each.message == "with detail"]
        assert (raised.detail, raised.hint) == ("two\nlines", 'a "hint"')
        assert raised.context.startswith("PL/pgSQL function inline_code_block line 1 at RAISE")
        [inner] = [each for each in entries if each.message.startswith('relation "nowhere" does')]
        assert "QUERY: DELETE FROM nowhere" in inner.context
        [bound] = [each for each in entries if each.statement == "DELETE FROM parent WHERE id = $1"]
        assert bound.detail.lower().startswith("parameters: $1 = '7'")
        [snow] = [each for each in entries if each.kind == "statement" and "ümlaut" in each.message]
        assert snow.statement == "SELECT 'ümlaut ☃'"


def test_durations_belong_to_the_statement_before_them(logs):
    for name, path in logs.items():
        entries = [each for each in read(path, name) if isinstance(each, Entry)]
        statements = [each for each in entries if each.kind == "statement"]
        for each in statements:
            assert (each.duration_ms is None) == (each.outcome == "failed"), each.message


def test_instants_are_milliseconds_in_utc(logs):
    now = time.time()
    for name, path in logs.items():
        for entry in read(path, name):
            assert entry.at.utcoffset().total_seconds() == 0
            assert entry.at.microsecond % 1000 == 0
            assert -5 < now - entry.at.timestamp() < 600


def test_cascade_notices_are_kept_as_entries(logs):
    for name, path in logs.items():
        notices = [each.message for each in read(path, name) if isinstance(each, Entry) and each.severity == "NOTICE"]
        assert 'truncate cascades to table "child"' in notices
