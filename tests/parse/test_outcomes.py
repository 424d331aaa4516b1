# ruff: noqa: E501 -- a case is one line
"""What became of a statement, from what its session logged afterwards; the cases were reasoned out on paper."""

import re

import pytest

from triage_kit.parse import Clock, Outcomes, parse

# One session unless a line begins with another number; S is a logged statement, E an ERROR that names its statement.
CASES = [
    ("a lone statement with nothing after it", "S TRUNCATE a", "unknown", False),
    ("an error of the statement", "S TRUNCATE a|E TRUNCATE a", "failed", True),
    ("an error that names no statement", "S TRUNCATE a|LOG_ERROR", "failed", True),
    ("an error of a later text", "S TRUNCATE a|E SELEC 1", "committed", True),
    ("the session went on", "S TRUNCATE a|S SELECT 1", "committed", True),
    ("BEGIN would not have been logged", "S TRUNCATE a|S DELETE FROM b", "unknown", False),
    ("a later SELECT tells that all is logged", "S TRUNCATE a|S DELETE FROM b|S SELECT 1", "committed", False),
    ("a slow SELECT tells nothing", "S TRUNCATE a|S DELETE FROM b|D 9 SELECT 1", "unknown", False),
    ("commit", "S BEGIN|S TRUNCATE a|S COMMIT|S SELECT 1", "committed", True),
    ("commit at the end of the log", "S BEGIN|S TRUNCATE a|S COMMIT", "committed", True),
    ("a commit that failed", "S BEGIN|S TRUNCATE a|S COMMIT|E COMMIT", "unknown", True),
    ("rollback", "S BEGIN|S TRUNCATE a|S ROLLBACK|S SELECT 1", "rolled_back", True),
    ("rollback without BEGIN in the log", "S TRUNCATE a|S ROLLBACK|S SELECT 1", "unknown", True),
    ("the same, and all is learnt from SELECT", "S TRUNCATE a|S ROLLBACK|S SELECT 1", "unknown", False),
    ("commit without BEGIN in the log", "S TRUNCATE a|S COMMIT|S SELECT 1", "committed", True),
    ("rollback of a later transaction", "S TRUNCATE a|S BEGIN|S DELETE FROM b|S ROLLBACK|S SELECT 1", "committed", True),
    ("commit after an error", "S BEGIN|S TRUNCATE a|S DELETE FROM b|E DELETE FROM b|S COMMIT|S SELECT 1", "rolled_back", True),
    ("the statement itself failed before", "S BEGIN|S TRUNCATE a|E TRUNCATE a|S ROLLBACK", "failed", True),
    ("to a savepoint before it", "S BEGIN|S SAVEPOINT s|S TRUNCATE a|S ROLLBACK TO s|S COMMIT|S SELECT 1", "rolled_back", True),
    ("to a savepoint after it", "S BEGIN|S TRUNCATE a|S SAVEPOINT s|S DELETE FROM b|S ROLLBACK TO SAVEPOINT s|S COMMIT|S SELECT 1", "committed", True),
    ("an open transaction at the end", "S BEGIN|S TRUNCATE a|S SELECT 1", "unknown", True),
    ("the session ended inside its transaction", "S BEGIN|S TRUNCATE a|disconnection: session time: 0:00:01", "rolled_back", True),
    ("the server died inside the transaction", "S BEGIN|S TRUNCATE a|terminating any other active server processes", "rolled_back", True),
    ("the server died after it", "S TRUNCATE a|terminating any other active server processes", "unknown", True),
    ("one text with commit", "S BEGIN; TRUNCATE a; COMMIT|S SELECT 1", "committed", True),
    ("one text with rollback", "S BEGIN; TRUNCATE a; ROLLBACK|S SELECT 1", "rolled_back", True),
    ("a literal that says rollback", "S TRUNCATE a; SELECT 'rollback'|S SELECT 1", "committed", True),
    ("two-phase commit is decided elsewhere", "S BEGIN|S TRUNCATE a|S PREPARE TRANSACTION 'x'|S SELECT 1", "unknown", True),
    ("a logged duration is an end without error", "D 3 TRUNCATE a", "committed", True),
    ("its duration came", "S TRUNCATE a|duration: 3.5 ms", "committed", True),
    ("another session's rollback", "S BEGIN|S TRUNCATE a|2 S ROLLBACK|S COMMIT|S SELECT 1", "committed", True),
    ("another session's error", "S TRUNCATE a|2 E TRUNCATE a|S SELECT 1", "committed", True),
    ("END is COMMIT", "S START TRANSACTION|S TRUNCATE a|S END|S SELECT 1", "committed", True),
    ("what no transaction may hold ended well", "S DROP DATABASE a|duration: 3.5 ms", "committed", False),
    ("what no transaction may hold, and all that is known is that it began", "S DROP DATABASE a", "unknown", False),
    ("what no transaction may hold failed", "S DROP DATABASE a|E DROP DATABASE a", "failed", False),
    ("a ROLLBACK without its BEGIN behind it", "S DROP DATABASE a|S ROLLBACK|S SELECT 1", "committed", True),
    ("ABORT is ROLLBACK", "S BEGIN|S TRUNCATE a|S ABORT|S SELECT 1", "rolled_back", True),
]  # fmt: skip


def lines(script):
    for step in script.split("|"):
        pid = "1"
        if step[0].isdigit():
            pid, step = step.split(" ", 1)
        head = f"2025-10-07 20:27:38.343 UTC [{pid}] "
        if step.startswith("S "):
            yield f"{head}LOG:  statement: {step[2:]}\n"
        elif step.startswith("D "):
            _, ms, text = step.split(" ", 2)
            yield f"{head}LOG:  duration: {ms}.0 ms  statement: {text}\n"
        elif step.startswith("E "):
            yield from (f"{head}ERROR:  no\n", f"{head}STATEMENT:  {step[2:]}\n")
        elif step == "LOG_ERROR":
            yield f"{head}ERROR:  no\n"
        else:
            yield f"{head}LOG:  {step}\n"


def follow(script, logs_everything=False):
    source = [line.encode() for line in lines(script)]
    return list(Outcomes(logs_everything).follow(parse(source, "stderr", "%m [%p] ", Clock())))


@pytest.mark.parametrize(
    ("script", "expected", "everything"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_outcome(script, expected, everything):
    asked = re.compile("TRUNCATE a|DROP DATABASE a")
    [found] = [
        each for each in follow(script, everything) if asked.search(each.statement or "") and each.severity == "LOG"
    ]
    assert found.outcome == expected


def test_a_failed_statement_has_no_duration_and_gives_none_away():
    found = follow("S TRUNCATE a|E TRUNCATE a|S TRUNCATE b|duration: 7.5 ms")
    assert [(each.statement, each.duration_ms) for each in found if each.kind == "statement"] == [
        ("TRUNCATE a", None),
        ("TRUNCATE b", 7.5),
    ]


def test_a_duration_after_a_failure_is_of_something_else():
    found = follow("S TRUNCATE a|E TRUNCATE a|duration: 7.5 ms")
    assert [each.duration_ms for each in found if each.kind == "statement"] == [None]


def test_steps_of_the_extended_protocol_do_not_take_the_duration():
    # parse and bind are timed before the statement is logged, as a server with log_statement = all writes it.
    found = follow(
        "duration: 0.1 ms|duration: 0.2 ms|S TRUNCATE a|duration: 9.5 ms|duration: 0.3 ms|S TRUNCATE b|duration: 8.5 ms"
    )
    assert [each.duration_ms for each in found if each.kind == "statement"] == [9.5, 8.5]


def test_durations_of_interleaved_sessions():
    found = follow("S TRUNCATE a|2 S TRUNCATE b|2 duration: 2.0 ms|duration: 1.0 ms")
    assert [(each.pid, each.duration_ms) for each in found if each.kind == "statement"] == [(1, 1.0), (2, 2.0)]
