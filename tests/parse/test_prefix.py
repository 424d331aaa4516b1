# ruff: noqa: E501 -- a case is one line
"""log_line_prefix: literal lines as servers with these settings write them."""

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
