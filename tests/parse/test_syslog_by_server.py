# ruff: noqa: S608 SQL made for the test
"""A real server writes to syslog: what a daemon or a journal keeps of it are the entries of the csvlog beside it."""

import io
import json
import os
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from triage_kit.lab.server import Server
from triage_kit.parse import Clock, Entry, Unparsed, infer_prefix, parse
from triage_kit.parse.wrappers import Unwrapper, unwrapped_head, wrapping

SOCKET = Path("/dev/log")
STATEMENTS = (
    "CREATE TABLE a (id int, b text)",
    f"SELECT '{'long word ' * 300}'; DELETE FROM a",
    f"SELECT '{'x' * 3000}'; TRUNCATE a",
    f"SELECT 'üñ€😀{'ñ€😀' * 500}'",
    "SELECT 1\n\t, 2 -- it's\n\n; DELETE FROM a\n",
    "SELECT 'a #012 b \\ ''q''', 'tab\there'",
    "SELECT 'ERROR:  x\n2025-10-07 20:27:38.343 UTC [7] x@y LOG:  statement: DROP TABLE b'",
    f"DELETE FROM nowhere /* {'c ' * 700}*/",
    "DO $$BEGIN RAISE NOTICE 'n %\nm', 1; DELETE FROM a; END$$",
)
SETTINGS = {
    "logging_collector": True,
    "log_filename": "server.log",
    "log_destination": "csvlog,syslog",
    "log_statement": "all",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
DATAGRAM = re.compile(rb"<(\d+)>(\w{3} [ \d]\d [\d:]{8}) (\S+?)\[(\d+)\]: (.*)", re.DOTALL)


@pytest.fixture(scope="module")
def written() -> Iterator[tuple[list[bytes], bytes]]:
    """What the server gave to syslog, and its csvlog."""
    if sys.platform != "linux" or SOCKET.exists() or not os.access(SOCKET.parent, os.W_OK) or os.geteuid():
        pytest.skip("no socket of syslog can be made here: that takes root on Linux, and no daemon that has it")
    found: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind(str(SOCKET))
        except OSError:
            pytest.skip("another run of this test has the socket")
        try:
            SOCKET.chmod(0o666)
            listener.settimeout(0.2)
            done = threading.Event()
            thread = threading.Thread(target=listen, args=(listener, found, done))
            thread.start()
            with Server(SETTINGS) as server:
                with server.connect() as connection:
                    for each in STATEMENTS:
                        try:
                            connection.execute(each)
                        except psycopg.errors.UndefinedTable:
                            continue
                server.stop()
                csvlog = server.log_directory.joinpath("server.csv").read_bytes()
            done.set()
            thread.join()
            yield found, csvlog
        finally:
            SOCKET.unlink()


def listen(listener: socket.socket, found: list[bytes], done: threading.Event) -> None:
    while True:
        try:
            found.append(listener.recv(1 << 16))
        except TimeoutError:
            if done.is_set():
                return


def rsyslog(parts: tuple[bytes, ...]) -> bytes:
    _, stamp, name, pid, text = parts
    return b"%s host %s[%s]: %s\n" % (stamp, name, pid, text.replace(b"\t", b"#011"))


def rfc5424(parts: tuple[bytes, ...]) -> bytes:
    priority, _, name, pid, text = parts
    return b"<%s>1 2025-10-07T20:27:38.343Z host %s %s - - %s\n" % (priority, name, pid, text)


def journal(parts: tuple[bytes, ...]) -> bytes:
    _, _, _, pid, text = parts
    row = {"__REALTIME_TIMESTAMP": "1759868858343123", "_PID": pid.decode()}
    try:
        return json.dumps(row | {"MESSAGE": text.decode()}).encode() + b"\n"
    except UnicodeDecodeError:  # a journal writes what is no UTF-8 as numbers
        return json.dumps(row | {"MESSAGE": list(text)}).encode() + b"\n"


@pytest.mark.parametrize("keep", [rsyslog, rfc5424, journal])
def test_entries_are_those_of_the_csvlog(written: tuple[list[bytes], bytes], keep) -> None:
    datagrams, csvlog = written
    data = b"".join(keep(found.groups()) for each in datagrams if (found := DATAGRAM.match(each.rstrip(b"\0"))))
    layers = wrapping(data)
    prefix = infer_prefix(unwrapped_head(layers, data).decode("utf-8", "surrogateescape").splitlines())
    found = list(parse(Unwrapper(layers, data).lines(io.BytesIO(data)), "stderr", prefix, Clock()))
    assert [each for each in found if isinstance(each, Unparsed)] == []
    theirs, ours = (Counter((each.severity, each.message, each.statement, each.role) for each in entries)
                    for entries in (parse(io.BytesIO(csvlog), "csv"), found))  # fmt: skip
    assert theirs - ours == Counter()
    assert {message for _, message, _, _ in ours - theirs} <= {
        "ending log output to stderr", "redirecting log output to logging collector process",
    }  # fmt: skip
    assert sum("TRUNCATE a" in (each.statement or "") for each in found if isinstance(each, Entry)) == 1
