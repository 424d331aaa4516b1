# ruff: noqa: E501 -- a case is one line
"""log_line_prefix: literal lines as servers with these settings write them."""

import json
from pathlib import Path

import pytest

from triage_kit.errors import PrefixMismatch
from triage_kit.parse import Clock, check_prefix, infer_prefix, parse
from triage_kit.parse.prefix import guess

AT = "2025-10-07 20:27:38.343 UTC"
# prefix, line, what must be read from it
LINES = [
    ("%m [%p] ", f"{AT} [12] LOG:  x", {"pid": 12, "message": "x", "severity": "LOG"}),
    ("%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "2025-10-07 20:27:38 UTC [12]: [3-1] user=app,db=shop-prod,app=my app,client=10.0.0.7 ERROR:  x", {"role": "app", "database": "shop-prod", "application": "my app", "client": "10.0.0.7"}),
    ("%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "2025-10-07 20:27:38 UTC [12]: [3-1] user=,db=,app=,client= LOG:  x", {"role": None, "database": None, "application": None, "client": None}),
    ("%t:%r:%u@%d:[%p]:", "2025-10-07 20:27:38 UTC:10.0.0.7(51234):app@shop:[12]:STATEMENT:  x", {"client": "10.0.0.7:51234", "statement": "x"}),
    ("%m [%p] %q%u@%d ", f"{AT} [12] app_user@shop_db LOG:  x", {"role": "app_user", "database": "shop_db"}),
    ("%m [%p] %q%u@%d ", f"{AT} [12] LOG:  checkpoint starting: time", {"role": None, "kind": "checkpoint_starting"}),
    ("%m [%p] %q%u@%d ", f"{AT} [12] [unknown]@[unknown] LOG:  connection received: host=[local]", {"role": None, "kind": "connection"}),
    ("<%m> %-10a|%10u|%5p ", f"<{AT}> psql      |       app|   12 LOG:  x", {"application": "psql", "role": "app", "pid": 12}),
    ("%n %c %x %e ", "1759868858.343 68e57a7a.c 745 42P01 ERROR:  x", {"session": "68e57a7a.c", "xid": 745, "sqlstate": "42P01"}),
    ("%m [%p] %b %v %i %Q %% ", f"{AT} [12] client backend 3/17 DROP TABLE 0 % LOG:  x", {"message": "x"}),
    ("%m [%p] ", f"{AT} [12] LOG:  statement: SELECT 'ERROR:  no'", {"severity": "LOG", "statement": "SELECT 'ERROR:  no'"}),
    ("", "FATAL:  x", {"severity": "FATAL", "at": None}),
    ("%m %z[%p] ", f"{AT} [12] LOG:  x", {"pid": 12}),
    ("%s %m [%p] ", f"2025-10-07 20:00:00 UTC {AT} [12] LOG:  x", {"pid": 12}),
    ("%m (%p) [$^.*] ", f"{AT} (12) [$^.*] LOG:  x", {"pid": 12}),
]  # fmt: skip


@pytest.mark.parametrize(("prefix", "line", "expected"), LINES)
def test_a_line_under_its_prefix(prefix, line, expected):
    [entry] = parse([line.encode()], "stderr", prefix, Clock())
    assert {name: getattr(entry, name) for name in expected} == expected
    if "at" not in expected:
        assert entry.at.isoformat().startswith("2025-10-07T20:27:38")


INFERRED = [
    "%m [%p] ",
    "%t [%p] ",
    "%m [%p] %q%u@%d ",
    "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ",
    "%t:%r:%u@%d:[%p]:",
    "%m | %p | %u@%d | ",
    "pg: %p %m ",
    "%n [%p] ",
    "",
]


@pytest.mark.parametrize("prefix", INFERRED)
def test_the_prefix_is_inferred_from_the_lines(prefix):
    filled = {"m": AT, "t": "2025-10-07 20:27:38 UTC", "n": "1759868858.343", "l": "7", "h": "10.0.0.7", "a": "psql", "r": "10.0.0.7(5)"}  # fmt: skip
    sample = []
    for pid, role in ((4711, "app"), (4712, "batch-job")):
        line = prefix.replace("%q", "")
        for letter, value in (filled | {"p": str(pid), "u": role, "d": "shop"}).items():
            line = line.replace(f"%{letter}", value)
        sample += [f"{line}LOG:  statement: SELECT 1", "\tFROM a", f"{line}ERROR:  no"]
    found = infer_prefix(sample)
    entries = list(parse([f"{line}\n".encode() for line in sample], "stderr", found, Clock()))
    assert [entry.severity for entry in entries] == ["LOG", "ERROR", "LOG", "ERROR"]
    if "%p" in prefix:
        assert [entry.pid for entry in entries] == [4711, 4711, 4712, 4712]
    if "%u" in prefix:
        assert {entry.role for entry in entries} == {"app", "batch-job"}
        assert {entry.database for entry in entries} == {"shop"}


def test_a_log_that_no_prefix_fits_is_an_error_with_the_line():
    with pytest.raises(PrefixMismatch, match=r"got the line 'hello world', tried .*log_line_prefix"):
        infer_prefix(["hello world", "more of it"])


def test_a_given_prefix_that_fits_nothing_is_an_error_with_both():
    with pytest.raises(PrefixMismatch, match=r"fits no line .*LOG:  x.*'%m \[%p\] %u '"):
        check_prefix("%m [%p] %u ", [f"{AT} <12> LOG:  x"])


def test_a_guess_keeps_what_it_does_not_know():
    assert guess(f"{AT} 100% [12] LOG:  x") == "%m 100%% [%p] "


# What one PostgreSQL 15 wrote to stderr under each prefix, and what its csvlog says of the same entries: process, user,
# database, client, session, severity, SQLSTATE, application, the message's beginning. Sessions of two users come by
# TCP, one by the socket and without a name of an application; "nightly clean up" has blanks, "shop-prod.eu" marks.
WRITTEN = json.loads(Path(__file__).with_name("prefixes_by_server.json").read_text(encoding="utf-8"))


def _expected(prefix: str, truth: list) -> dict:
    pid, role, database, client, session, severity, sqlstate, application, _ = truth
    facts = {"severity": severity}
    for letter, name, value in (("p", "pid", pid), ("u", "role", role), ("d", "database", database), ("c", "session", session),
                                ("e", "sqlstate", sqlstate), ("a", "application", application)):  # fmt: skip
        if f"%{letter}" in prefix.partition("%q")[0] or (f"%{letter}" in prefix and role):
            facts[name] = value if value not in ("", "[unknown]") else None
    if "%r" in prefix or "%h" in prefix:
        facts["client"] = (client if "%r" in prefix else client.partition(":")[0]) or None
    return facts


@pytest.mark.parametrize("sample", ["all", "one session", "another session"])
@pytest.mark.parametrize("prefix", WRITTEN)
def test_an_inferred_prefix_reads_the_servers_own_lines(prefix, sample):
    lines, truth = WRITTEN[prefix]["log"], list(WRITTEN[prefix]["truth"])
    second = next(at for at, line in enumerate(lines) if "batch-job" in line or "orders" in line)
    checkpoint = next(at for at, line in enumerate(lines) if "checkpoint starting" in line)
    shown = {"all": lines, "one session": lines[1:second], "another session": lines[second:checkpoint]}[sample]
    entries = list(
        parse([f"{line}\n".encode() for line in lines], "stderr", infer_prefix(shown), Clock("Europe/Berlin"))
    )
    # Without a process in the prefix a STATEMENT may stand alone; no entry is lost.
    for entry in entries:
        told = next(each for each in truth if entry.message.startswith(each[8]) and entry.pid in (None, each[0]))
        truth.remove(told)
        expected = _expected(prefix, told)
        assert {name: getattr(entry, name) for name in expected} == expected
    assert truth == []


def test_without_evidence_a_word_has_no_meaning():
    lines = [f"{AT} alpha beta [{pid}] LOG:  x" for pid in (11, 12)]
    [entry, _] = parse([line.encode() for line in lines], "stderr", infer_prefix(lines), Clock())
    assert (entry.role, entry.database, entry.pid) == (None, None, 11)


def test_messages_about_connections_say_which_word_is_the_user():
    lines = [
        f"{AT} alpha beta [11] LOG:  connection authorized: user=beta database=alpha",
        f"{AT} alpha beta [11] LOG:  x",
    ]
    for entry in parse([f"{line}\n".encode() for line in lines], "stderr", infer_prefix(lines), Clock()):
        assert (entry.role, entry.database, entry.pid) == ("beta", "alpha", 11)


def test_lines_made_to_take_long_are_passed_over():
    lines = ["a " * 400 + "LOG:  x", "a:" * 400 + "ERROR:  y", f"{AT} [12] LOG:  x"]
    assert infer_prefix(lines) == "%m [%p] "


def test_a_log_whose_every_line_looks_continued_is_refused_with_a_line_of_it() -> None:
    with pytest.raises(PrefixMismatch, match=r"got the line '\\t2026-11-26 .*TRUNCATE t'"):
        infer_prefix(["\t2026-11-26 15:58:51.575 UTC\to\tLOG:  statement: TRUNCATE t", ""])


# prefix, what a client called itself, and the label and text that the server wrote behind it
LOGGED = (
    ("LOG", "statement: DELETE FROM orders"),
    ("LOG", "duration: 1.500 ms  statement: SELECT 'a LOG:  statement: b'"),
)
LAST, WITHIN = "%m [%p] %q%u@%d %a ", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h "
NAMED = [
    *((prefix, name, *written) for prefix in (LAST, WITHIN, "%m [%p] %q%u@%d/%a: ") for written in LOGGED
      for name in ("x LOG:  y", "x LOG:  duration: 3 ms", "x ERROR:  no", "x DETAIL:  y", "psql")),
    (LAST, "x LOG:  y", "ERROR", 'relation "orders" does not exist at character 13'),
    (LAST, "walreceiver", "FATAL", "could not connect to the primary server: FATAL:  the database system is starting up"),
    (LAST, "psql", "LOG", "statement: SELECT 'LOG:  statement: DROP TABLE a'"),
    (LAST, "psql", "LOG", "sender says LOG:  hello"),
]  # fmt: skip


def named(prefix, name, rest):
    values = {"m": AT, "t": "2025-10-07 20:27:38 UTC", "p": "12", "l": "3", "u": "app", "d": "shop", "a": name, "h": "10.0.0.7", "q": ""}  # fmt: skip
    for letter, value in values.items():
        prefix = prefix.replace(f"%{letter}", value)
    return prefix + rest


@pytest.mark.parametrize(("prefix", "name", "severity", "text"), NAMED)
def test_no_name_of_an_application_hides_what_it_does(prefix, name, severity, text):
    [entry] = parse([named(prefix, name, f"{severity}:  {text}").encode()], "stderr", prefix, Clock())
    assert (entry.application, entry.severity, entry.message) == (name, severity, text)


@pytest.mark.parametrize("prefix", [LAST, WITHIN])
def test_nor_does_it_where_the_prefix_is_inferred(prefix):
    lines = [named(prefix, "x LOG:  y", f"{label}:  {text}") for label, text in (
        *LOGGED, ("ERROR", "deadlock detected"), ("STATEMENT", "DELETE FROM a"))]  # fmt: skip
    lines += [
        named(prefix, name, f"LOG:  statement: SELECT {at}") for at, name in enumerate(("psql", "web", "cron") * 3)
    ]
    entries = list(parse([f"{line}\n".encode() for line in lines], "stderr", infer_prefix(lines), Clock()))
    assert {each.application for each in entries[:3]} == {"x LOG:  y"}
    assert [each.message for each in entries[:3]] == [LOGGED[0][1], LOGGED[1][1], "deadlock detected"]
    assert entries[2].statement == "DELETE FROM a"


def test_a_database_with_blanks_does_not_make_an_address_of_user_and_process():
    """As a server wrote it under the prefix of RDS; one client asked for a database of three words."""
    at = "2025-10-07 20:27:38 UTC"
    lines = [f"{at}::@:[7]:LOG:  checkpoint starting: time", f"{at}:[local]:[unknown]@[unknown]:[12]:LOG:  connection received: host=[local]"]  # fmt: skip
    lines += [f"{at}:[local]:postgres@postgres:[12]:LOG:  statement: SELECT {number}" for number in range(9)]
    lines += [
        f"{at}:[local]:postgres@no such database:[13]:LOG:  connection authorized: user=postgres database=no such database application_name=web"
    ]
    lines += [f'{at}:[local]:postgres@no such database:[13]:FATAL:  database "no such database" does not exist']
    found = infer_prefix(lines)
    entries = list(parse([f"{line}\n".encode() for line in lines], "stderr", found, Clock()))
    assert [each.pid for each in entries] == [7, *[12] * 10, 13, 13]
    assert {each.client for each in entries} == {None, "[local]"}
    assert {each.database for each in entries[:-2]} == {None, "postgres"}
