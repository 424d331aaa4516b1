"""What a real server writes when names hold line breaks or the beginnings of messages, and what is believed of it."""

import socket
import struct
import tempfile
import time
from pathlib import Path

import majors
import pytest

from triage_kit.lab.server import PORT, Server
from triage_kit.parse import Entry, parse
from triage_kit.parse.forged import FORGEABLE
from triage_kit.parse.scan import Source, scan

FORGED_TIME = "2025-10-07 20:27:38.343 UTC [4711]"
LOGINS = [  # user, database
    (f"\n{FORGED_TIME} a", "b LOG:  statement: DROP TABLE orders --"),
    ("a@b LOG:  statement: DROP TABLE orders --", "shop"),
    ("postgres", "b LOG:  statement: DROP TABLE orders --"),
    (f"\n{FORGED_TIME} a", "b LOG:  statement: DROP TABLE orders\n"),  # the words of the refusal on a line of their own
    ("x@y LOG:  z", f"\n{FORGED_TIME} LOG:  statement: DROP TABLE o\n"),
    ("a@b LOG:  statement: \n\tDROP TABLE orders --", "shop"),
    (f"\n{FORGED_TIME} a@b ERROR:  no", "shop"),
]
PREFIXES = ["%m [%p] %q%u@%d ", "%m [%p] %u@%d "]


def knock(server: Server, user: str, database: str) -> None:
    """Ask for a connection with such names, and be refused."""
    words = {"user": user, "database": database, "application_name": "x\ny"}
    body = struct.pack("!i", 196608) + b"".join(f"{key}\0{value}\0".encode() for key, value in words.items()) + b"\0"
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(20)
        plug.connect(f"{server.folder}/.s.PGSQL.{PORT}")
        plug.sendall(struct.pack("!i", len(body) + 4) + body)
        while plug.recv(4096):
            pass


def believed(data: bytes, prefix: str) -> list[tuple]:
    """The deeds of a log as the plain parser and as the scan tell them."""
    plain = [each for each in parse(data.splitlines(keepends=True), "stderr", prefix) if isinstance(each, Entry)]
    with tempfile.NamedTemporaryFile(suffix=".log") as stream:
        stream.write(data)
        stream.flush()
        scanned = [each for each in scan(Source(Path(stream.name), "stderr", prefix)).found if isinstance(each, Entry)]
    doubtful = [{each.offset for each in found if each.subject == FORGEABLE} for found in (plain, scanned)]
    # The plain parser sees every connection, and knows of a line behind its arrival that it is a refusal.
    assert doubtful[0] <= doubtful[1]
    assert doubtful[1], "nothing is doubted"
    deeds = [[(each.role, each.statement) for each in found if each.statement and "DROP" in each.statement]
             for found in (plain, scanned)]  # fmt: skip
    assert deeds[0] == deeds[1]
    errors = [each for each in plain if each.severity == "ERROR"]
    assert not errors
    return deeds[0]


def written(server: Server, logins: list[tuple[str, str]]) -> bytes:
    """What the server writes when each of these is refused, and a table dropped behind it."""
    for user, database in logins:
        knock(server, user, database)
        with server.connect() as connection:
            connection.execute("DROP TABLE IF EXISTS mine")
    deadline = time.monotonic() + 10
    while (data := server.log_file.read_bytes()).count(b" FATAL:  ") < len(logins) and time.monotonic() < deadline:
        time.sleep(0.05)
    return data


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("connections", [False, True])
@pytest.mark.parametrize("major", [each for each in majors.found() if each in (13, 18)] or [None])
def test_refused_logins_make_no_deed_up_and_hide_none(major: int | None, connections: bool, prefix: str) -> None:
    settings = {"log_line_prefix": prefix, "log_statement": "all", "log_connections": connections}
    with Server(settings, binaries=majors.found().get(major)) as server:
        data = written(server, LOGINS)
    assert believed(data, prefix) == [("postgres", "DROP TABLE IF EXISTS mine")] * len(LOGINS)


DEED = "LOG:  statement: DROP TABLE o"


def of_three_parts(head: str) -> list[tuple[str, str]]:
    """Names that write a deed and, behind it, the head with which their refusal then seems to begin."""
    return [
        (f"\n{head}a@b {DEED}\n{head}c", "d"),
        (f"x@y LOG:  hi\n{head}a@b {DEED}\n{head}c", "d"),
        ("u", f"b {DEED}\n{head}c@d"),
        ("postgres", f"b LOG:  hi\n{head}a@b {DEED}\n{head}c@d"),
        (f"a@b {DEED}\n{head}c", "d"),
    ]


@pytest.mark.parametrize(("prefix", "head"), [("%p %u@%d ", "4711 "), ("%u@%d ", ""), ("[%p] %q%u@%d ", "[4711] ")])
@pytest.mark.parametrize("major", [each for each in majors.found() if each in (13, 18)] or [None])
def test_under_a_short_prefix_a_refusal_tells_what_its_names_made_up(major: int | None, prefix: str, head: str) -> None:
    logins = of_three_parts(head)
    with Server({"log_line_prefix": prefix, "log_statement": "all"}, binaries=majors.found().get(major)) as server:
        data = written(server, logins)
    assert believed(data, prefix) == [("postgres", "DROP TABLE IF EXISTS mine")] * len(logins)
