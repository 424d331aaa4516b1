"""A log_line_prefix whose only time is %s, the beginning of the session: no line has a time of its own."""

from datetime import UTC, datetime

from triage_kit.parse import infer_prefix, parse

LINES = """\
2025-10-07 18:00:00 UTC [1] LOG:  database system is ready to accept connections
2025-10-07 18:00:01 UTC [5] LOG:  checkpoint starting: time
2025-10-07 18:10:00 UTC [12] LOG:  connection authorized: user=app database=shop
2025-10-07 18:20:00 UTC [13] LOG:  connection authorized: user=ops database=shop
2025-10-07 18:10:00 UTC [12] LOG:  statement: SELECT 1
2025-10-07 18:20:00 UTC [13] LOG:  statement: TRUNCATE a CASCADE
2025-10-07 18:10:00 UTC [12] LOG:  statement: SELECT 2
2025-10-07 18:00:01 UTC [5] LOG:  checkpoint complete: wrote 319 buffers (1.9%)
2025-10-07 18:20:00 UTC [13] LOG:  statement: SELECT 3
"""


def test_a_time_that_its_process_keeps_is_no_time_of_the_line() -> None:
    assert infer_prefix(LINES.splitlines()) == "%s [%p] "


def test_times_that_go_on_are_the_lines_own() -> None:
    going_on = [f"2025-10-07 18:{at:02}:00{line[19:]}" for at, line in enumerate(LINES.splitlines())]
    assert infer_prefix(going_on) == "%t [%p] "


def test_two_logs_one_behind_the_other_keep_their_times() -> None:
    first = [f"2025-10-07 18:{at:02}:00 UTC [{at // 2}] LOG:  statement: SELECT {at}" for at in range(20)]
    assert infer_prefix([*first, *first]) == "%t [%p] "


def test_only_what_is_written_at_the_beginning_of_a_session_has_its_time() -> None:
    entries = list(parse([f"{line}\n".encode() for line in LINES.splitlines()], "stderr", "%s [%p] "))
    begun = {entry.pid: entry.at for entry in entries if entry.kind == "connection"}
    assert begun == {12: datetime(2025, 10, 7, 18, 10, tzinfo=UTC), 13: datetime(2025, 10, 7, 18, 20, tzinfo=UTC)}
    assert [entry.at for entry in entries if entry.kind != "connection"] == [None] * 7
