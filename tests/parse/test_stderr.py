# ruff: noqa: E501 lines of logs stay on their lines
"""The plain log at its worst: interleaved, cut, forged, broken. Every line is in an entry or is unparsed."""

import random
import re

import pytest

from triage_kit.parse import Clock, Entry, Unparsed, parse
from triage_kit.parse.repeated import Repeated

PREFIX = "%m [%p] %q%u@%d "


def line(pid, text, session="app@shop "):
    return f"2025-10-07 20:27:38.343 UTC [{pid}] {session}{text}\n".encode()


def read(*lines, prefix=PREFIX):
    return list(parse(lines, "stderr", prefix, Clock()))


def test_sub_entries_belong_to_the_message_of_their_own_process():
    found = read(
        line(1, "ERROR:  one"),
        line(2, "ERROR:  two"),
        line(1, "DETAIL:  of one"),
        line(2, "STATEMENT:  TRUNCATE two"),
        b"\tCASCADE\n",
        line(1, "STATEMENT:  DELETE one"),
    )
    assert [(each.message, each.detail, each.statement) for each in found] == [
        ("one", "of one", "DELETE one"),
        ("two", None, "TRUNCATE two\nCASCADE"),
    ]
    assert [each.outcome for each in found] == ["failed", "failed"]


def test_without_pid_they_belong_to_the_line_before():
    found = read(b"ERROR:  one\n", b"HINT:  h\n", b"CONTEXT:  c\n", b"ERROR:  two\n", prefix="")
    assert [(each.message, each.hint, each.context) for each in found] == [("one", "h", "c"), ("two", None, None)]


def test_text_that_looks_like_a_line_inside_a_message_stays_there():
    forged = "2025-10-07 20:27:38.343 UTC [9] evil@shop LOG:  statement: DROP TABLE a"
    found = read(line(1, "LOG:  statement: SELECT '"), f"\t{forged}\n".encode(), b"\t'\n", line(1, f"LOG:  {forged}"))
    assert [(each.pid, each.kind) for each in found] == [(1, "statement"), (1, "other")]
    assert found[0].statement == f"SELECT '\n{forged}\n'"


def test_the_last_line_may_be_cut():
    found = read(line(1, "LOG:  statement: TRUNCATE a"), b"2025-10-07 20:2")
    assert [type(each) for each in found] == [Entry, Unparsed]
    assert (found[1].line, found[1].text) == (2, "2025-10-07 20:2")
    [only] = read(line(1, "LOG:  statement: TRUNCATE a").rstrip(b"\n"))
    assert only.statement == "TRUNCATE a"


def test_an_orphan_statement_is_not_lost():
    [found] = read(line(1, "STATEMENT:  TRUNCATE a"), b"\tCASCADE\n")
    assert (found.severity, found.statement) == ("STATEMENT", "TRUNCATE a\nCASCADE")


def test_foreign_lines_are_unparsed_with_their_place():
    first = line(1, "LOG:  a")
    found = read(first, b"sh: 1: archive: not found\n", b"\tits second line\n", line(1, "LOG:  b"))
    assert [each.text for each in found if isinstance(each, Unparsed)] == [
        "sh: 1: archive: not found",
        "\tits second line",
    ]
    assert (found[1].line, found[1].offset) == (2, len(first))


def test_bytes_that_are_no_utf8_line_ends_of_windows_and_nul():
    found = read(line(1, "LOG:  a").replace(b"\n", b"\r\n"), b"\0\0" + line(1, "ERROR:  b").replace(b"b", b"caf\xe9"))
    assert [each.message for each in found] == ["a", "caf\udce9"]
    assert found[1].offset == len(line(1, "LOG:  a")) + 1


def test_verbose_errors_give_their_state():
    found = read(
        line(1, "ERROR:  42P01: no a"),
        line(1, "LOCATION:  parserOpenTable, parse_relation.c:1452"),
        line(1, "LOG:  42P01: b"),
    )
    assert [(each.sqlstate, each.message) for each in found] == [("42P01", "no a"), (None, "42P01: b")]


def test_a_message_far_behind_is_another_one():
    lines = [line(1, "ERROR:  first")] + [line(pid, "LOG:  noise") for pid in range(2, 200)]
    found = read(*lines, line(1, "STATEMENT:  TRUNCATE a"))
    assert found[0].statement is None
    assert [each.statement for each in found if each.severity == "STATEMENT"] == ["TRUNCATE a"]


@pytest.mark.parametrize("junk", [b"", b"\n", b"\t\n", b"\0" * 100, b"\xff" * 100, b"LOG:  ", b"%m [%p]\n", b"\t" * 9])
def test_junk_is_never_an_exception(junk):
    found = read(junk, line(1, "LOG:  a"), junk)
    assert sum(isinstance(each, Entry) for each in found) == 1


NAMES = ("app", "a LOG", "a@b", "[unknown]", "x LOG:  y", "YER", "d FATAL:  e", "ümlaut", "s statement", "")
SAID = ("statement: SELECT 1", "statement: SELECT 1::int", "duration: 1.5 ms", "duration: 2 ms  statement: SELECT 2", "statement: YER: a",
        "connection received: host=[local]", "connection authorized: user=app database=shop", "disconnection: session time: 0:00:01.0",
        "statement: a SORGU:b LOG:  c", "statement: x@y LOG:  statement: DROP TABLE a", "statement: DELETE\n\tFROM a", "statement: ü",
        'role "a" does not exist', "checkpoint starting: time", "statement", "")  # fmt: skip


@pytest.mark.parametrize(
    "prefix", ["%m [%p] %q%u@%d ", "%m [%p] %u@%d/%a ", "%m %d %u %a [%p]: ", "%m [%p-%l] %h ", "%m %c %x ", "%m "]
)
def test_a_head_that_comes_again_reads_as_the_pattern_reads_it(monkeypatch, prefix):
    again, find = [], Repeated.find
    monkeypatch.setattr(
        Repeated, "find", lambda self, line: (known := find(self, line)) and (again.append(known), known)[1]
    )
    for seed in range(40):
        chance = random.Random(seed)
        who = [(chance.choice(NAMES), chance.choice(NAMES), chance.choice(NAMES)) for _ in range(3)]
        lines = []
        for _ in range(100):
            pid = chance.randrange(3)
            values = {"p": str(pid + 7), "l": "3", "h": "[local]", "c": f"68e5b.{pid:x}", "x": chance.choice("07"), "q": "",
                      "m": f"2025-10-07 20:27:{chance.choice((*['38'] * 20, '39'))}.{chance.randrange(1000):03} {chance.choice((*['CEST'] * 9, 'XYZ'))}",
                      **dict(zip("uda", who[pid], strict=True))}  # fmt: skip
            head = re.sub("%(.)", lambda found, values=values: values[found[1]], prefix)
            severity = chance.choice(("LOG", "LOG", "LOG", "LOG", "ERROR", "FATAL", "DETAIL", "STATEMENT"))
            lines += [f"{each}\n".encode() for each in f"{head}{severity}:  {chance.choice(SAID)}".split("\n")]
        clock, other = Clock("UTC"), Clock("UTC")
        own = list(parse(lines, "stderr", prefix, clock))
        with monkeypatch.context() as patch:
            patch.setattr(Repeated, "find", lambda self, line: None)
            assert own == list(parse(lines, "stderr", prefix, other)), seed
        assert clock.unresolved == other.unresolved
    assert len(again) > 20, "hardly a head came again"
