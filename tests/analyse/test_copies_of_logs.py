"""Several logs of one server: each event once, and none of two servers taken for one."""

import pandas as pd
import pytest

from triage_kit import schemas
from triage_kit.analyse import investigate
from triage_kit.analyse.copies import once

START = pd.Timestamp("2025-10-07T20:00:00.25Z")
DEEDS = ("SELECT 1", "TRUNCATE a", "TRUNCATE a", "DELETE FROM b", "SELECT 2")


def log(file: str, *, pid: int = 7, late: float = 0.0, whole: bool = False, **facts: object) -> list[dict]:
    """What one file holds of a session that runs DEEDS, two of them within one millisecond."""
    found = []
    for line, text in enumerate(DEEDS, 1):
        at = START + pd.Timedelta(seconds=late + (1 if line > 2 else 0) + line // 4)
        said = {"severity": "LOG", "kind": "statement", "message": f"statement: {text}", "statement": text}
        found.append({"file": file, "line": line, "at": at.floor("s") if whole else at, "pid": pid, **said, **facts})
    return found


def events(*logs: list[dict]) -> pd.DataFrame:
    return schemas.frame("log_events", [row for each in logs for row in each])


@pytest.mark.parametrize("whole", [False, True], ids=["milliseconds", "seconds"])
def test_what_three_formats_say_is_told_once(whole: bool) -> None:
    written = events(
        log("a.log", whole=whole, outcome="committed"),
        log("a.csv", role="ada", database="shop", session="68e5.7", outcome="unknown"),
        log("a.json", role="ada", database="shop", outcome="unknown"),
    )
    told = once(written)
    assert told["message"].tolist() == [f"statement: {text}" for text in DEEDS]
    assert set(told["file"]) == {"a.csv"}  # which tells most
    assert set(told["outcome"]) == {"committed"}
    assert len(written) == 3 * len(DEEDS)  # what was given stays as it was


def test_one_file_keeps_what_it_repeats() -> None:
    written = events(log("a.log"))
    assert once(written).equals(written)


def test_an_act_that_one_log_holds_twice_stays_twice() -> None:
    twice = [*log("a.log"), *[{**row, "line": row["line"] + 10} for row in log("a.log")]]
    told = once(events(twice, log("a.csv", role="ada")))
    assert len(told) == 2 * len(DEEDS)


def test_other_servers_keep_their_own() -> None:
    """The same script on two shards in the same second, by processes of other numbers, and once by the same number."""
    assert len(once(events(log("a.log"), log("b.log", pid=8)))) == 2 * len(DEEDS)
    mostly_other = [{**row, "message": f"statement: {row['statement']} -- b"} for row in log("b.log")]
    mostly_other[1] = log("b.log")[1]
    assert len(once(events(log("a.log"), mostly_other))) == 2 * len(DEEDS)


def test_rotated_files_that_touch_keep_all() -> None:
    assert len(once(events(log("a.log.1"), log("a.log", late=3)))) == 2 * len(DEEDS)
    # The last second of the one is the first of the other, and the same DELETE ran in both.
    ended = [log("a.log.1", whole=True)[3]] * 2
    assert len(once(events(ended, [log("a.log", whole=True)[3], log("a.log", whole=True, late=60)[4]]))) == 4


def test_statements_and_timeline_have_each_event_once() -> None:
    evidence = {name: schemas.empty(name) for name in schemas.evidence_names()}
    written = events(log("a.log", outcome="committed"), log("a.csv", role="ada", outcome="committed"))
    told = investigate({**evidence, "log_events": written})
    assert told.statements["text"].tolist() == ["TRUNCATE a", "TRUNCATE a", "DELETE FROM b"]
    assert set(told.statements["user"]) == {"ada"}
    assert (told.timeline["kind"] == "statement").sum() == 3
