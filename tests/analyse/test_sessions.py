"""Sessions out of single lines: where one ends and the next begins, and what each tells of itself."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from triage_kit import schemas
from triage_kit.analyse import sessions, statements

START = pd.Timestamp("2025-10-07T20:00:00Z")


def line(second: float, pid: int, message: str, **more: object) -> dict:
    """One entry of a log; what kind it is shows in its first word, as the parser would say."""
    kinds = {
        "connection": "connection",
        "disconnection": "disconnection",
        "statement": "statement",
        "database": "startup",
    }
    kind = kinds.get(message.split(":")[0].split()[0], "error")
    statement = message.removeprefix("statement: ") if kind == "statement" else None
    return {
        "file": "a.log", "at": START + pd.Timedelta(seconds=second), "pid": pid, "message": message, "kind": kind,
        "severity": "ERROR" if kind == "error" else "LOG", "statement": statement, **more,
    }  # fmt: skip


def told(*lines: dict, activity: list[dict] = ()) -> list[dict]:
    events = schemas.frame("log_events", [{"line": n, **each} for n, each in enumerate(lines, 1)])
    return sessions.sessions(events, schemas.frame("activity", list(activity))).to_dict("records")


AUTHORIZED = "connection authorized: user={} database=shop application_name={}"
GONE = "disconnection: session time: 0:00:12.500 user=ada database=shop host=10.0.0.7 port=4711"


def test_a_number_that_is_used_again_is_two_sessions() -> None:
    first, second = told(
        line(0, 7, "connection received: host=10.0.0.7 port=4711"),
        line(1, 7, AUTHORIZED.format("ada", "psql")),
        line(2, 7, "statement: TRUNCATE a"),
        line(12.5, 7, GONE),
        line(60, 7, "connection received: host=10.0.0.8 port=4712"),
        line(61, 7, AUTHORIZED.format("bob", "the importer 'x'")),
        line(62, 7, "statement: INSERT INTO a VALUES (1)"),
    )
    assert (first["role"], first["application"], first["client"], first["kinds"]) == (
        "ada", "psql", "10.0.0.7", "TRUNCATE 1")  # fmt: skip
    assert (first["ended"], first["ended_at"], first["destructive"]) == (
        "disconnected", START + pd.Timedelta("12.5s"), 1)  # fmt: skip
    assert (second["role"], second["application"], second["destructive"]) == ("bob", "the importer 'x'", 0)
    assert second["ended"].startswith("not known")
    assert pd.isna(second["ended_at"])


def test_what_one_line_tells_holds_for_the_whole_session() -> None:
    events = schemas.frame("log_events", [
        {"line": 1, **line(3, 7, "statement: TRUNCATE a")},
        {"line": 2, **line(12.5, 7, GONE)},
        {"line": 3, **line(13, 8, "statement: SELECT 1")},
    ])  # fmt: skip
    named = sessions.named(events)
    assert named["role"].tolist()[:2] == ["ada", "ada"]
    assert named["client"].tolist()[:2] == ["10.0.0.7", "10.0.0.7"]
    assert pd.isna(named["role"][2])
    assert events["role"].isna().all()  # what was given stays as it was
    [first, _] = sessions.sessions(events, schemas.empty("activity")).to_dict("records")
    assert first["started_at"] == START  # it lasted 12.5 s and ended 12.5 s later


def test_who_proved_to_be_somebody_is_not_who_was_let_in() -> None:
    proof = 'connection authenticated: user="root" method=peer (/data/pg_hba.conf:117)'
    [only] = told(line(0, 7, proof), line(0.1, 7, AUTHORIZED.format("ada", "psql")))
    assert only["role"] == "ada"


def test_a_session_id_tells_when_it_began() -> None:
    began = int(START.timestamp())
    [only] = told(line(50, 0x1A2B, "statement: SELECT 1", session=f"{began:x}.1a2b"))
    assert only["started_at"] == START


def test_the_same_log_in_two_formats_counts_once() -> None:
    lines = [line(n, 7, "statement: SELECT 1") for n in (1, 1, 2)]
    [only] = told(*lines, *[{**each, "file": "a.csv", "session": "5f5f5f5f.7"} for each in lines])
    assert (only["statements"], only["entries"]) == (3, 3)


def test_a_start_of_the_server_ends_every_session() -> None:
    found = told(
        line(1, 7, "statement: SELECT 1"),
        line(5, 2, "database system is ready to accept connections"),
        line(9, 7, "statement: SELECT 2"),
    )
    assert [each["statements"] for each in found] == [1, 1]


def test_errors_and_how_a_session_was_ended() -> None:
    killed = "terminating connection due to administrator command"
    [only] = told(
        line(1, 7, "statement: DELETE FROM a", outcome="rolled_back"),
        line(2, 7, 'relation "b" does not exist', statement="DROP TABLE b"),
        line(3, 7, killed, severity="FATAL", kind="disconnection"),
    )
    assert only["did"] == (
        "rolled back: DELETE FROM a",
        'ERROR: relation "b" does not exist — DROP TABLE b',
        f"FATAL: {killed}",
    )
    assert (only["ended"], only["errors"], only["destructive"]) == (killed, 2, 2)


@pytest.mark.parametrize(("started", "number"), [("2025-10-07T19:59:59Z", 1), ("2025-10-07T22:00:00Z", 2)])
def test_pg_stat_activity_goes_on_where_the_log_stops(started: str, number: int) -> None:
    row = {"pid": 7, "role": "ada", "application": "psql", "started_at": started, "state": "idle",
           "kind": "client backend", "query": "TRUNCATE a"}  # fmt: skip
    found = told(line(1, 7, "statement: SELECT 1"), activity=[row, {"pid": 9, "kind": "walwriter"}])
    assert len(found) == number
    last = found[-1]
    assert (last["role"], last["ended"]) == ("ada", f"{sessions.STILL}, idle")
    assert last["did"][-1] == "last or running: TRUNCATE a"


def test_processes_of_the_server_are_no_sessions() -> None:
    assert told(line(1, 3, "database system is ready to accept connections")) == []


def test_a_session_is_told_only_with_the_losses_that_it_saw() -> None:
    events = [line(n, pid, "statement: SELECT 1", line=n) for pid, n in ((1, 1), (1, 9), (2, 4), (3, 20))]
    every = sessions.sessions(schemas.frame("log_events", events), schemas.empty("activity"))
    group = type("Group", (), {"name": "G1"})()
    window = {"lost_from": START + pd.Timedelta("5s"), "lost_to": START + pd.Timedelta("6s")}
    nobody = schemas.empty("culprits")
    beside = sessions.beside(every, [group], {"G1": window}, nobody)
    assert beside.set_index("pid")["groups"].to_dict() == {1: ("G1",), 2: (), 3: ()}
    # Its statement began before and was committed within: the last line of it is older than the loss.
    did = schemas.frame("culprits", [{"group": "G1", "pid": 2, "user": beside.set_index("pid")["role"][2]}])
    assert sessions.beside(every, [group], {"G1": window}, did).set_index("pid")["groups"][2] == ("G1",)
    assert sessions.worth_telling(beside)["pid"].tolist() == [1]


# Lines of servers of eleven languages, and what became of a name where a server without a locale spelt it.
WRITTEN = json.loads((Path(__file__).parents[1] / "parse" / "languages_by_server.json").read_text("utf-8"))
SUBJECTS = {"connection received": "connection_received", "connection authorized": "connection_authorized",
            "disconnection": "disconnection"}  # fmt: skip
SPELT = [
    ("connection_authorized", "conexi?n autorizada: usuario=batch-job base_de_datos=shop nombre_de_aplicaci?n=psql"),
    ("connection_authorized", "connexion autoris?e : utilisateur=batch-job base de donn?es shop application_name=psql"),
    ("connection_authorized", "podklyuchenie avtorizovano: pol`zovatel`=batch-job baza=shop prilozhenie=psql"),
]


def of_language(language: str) -> list[dict]:
    """What a language's server said of one client, in the order of its log."""
    found = []
    for each in WRITTEN[language]:
        subject = next((word for begin, word in SUBJECTS.items() if each["english"].startswith(begin)), None)
        if subject:
            kind = "disconnection" if subject == "disconnection" else "connection"
            message = each["lines"][0].partition(":  ")[2]
            found.append(line(len(found), 7, message, kind=kind, subject=subject, severity="LOG", statement=None))
    return found


@pytest.mark.parametrize("language", WRITTEN)
def test_who_connects_is_told_in_the_servers_language(language: str) -> None:
    [only] = told(*of_language(language))
    assert (only["role"], only["database"], only["ended"]) == ("batch-job", "shop", "disconnected")


@pytest.mark.parametrize(("subject", "message"), SPELT)
def test_who_connects_is_told_by_a_server_without_a_locale(subject: str, message: str) -> None:
    [only] = told(line(0, 7, message, kind="connection", subject=subject, severity="LOG"))
    assert (only["role"], only["database"], only["application"]) == ("batch-job", "shop", "psql")


def test_a_session_of_lines_without_a_time_is_told_by_its_connection() -> None:
    undated = {"at": None}
    first, second = told(
        line(0, 7, AUTHORIZED.format("ada", "psql")),
        line(60, 8, AUTHORIZED.format("bob", "importer")),
        line(0, 7, "statement: TRUNCATE a", **undated),
        line(0, 8, "statement: SELECT 1", **undated),
    )
    assert (first["role"], first["kinds"], first["started_at"]) == ("ada", "TRUNCATE 1", START)
    assert (second["role"], second["kinds"]) == ("bob", "SELECT 1")


def test_no_text_is_kept_for_its_answer() -> None:
    text = f"TRUNCATE a /* {'x' * 20_000} */"  # longer than what the parser keeps
    held = sys.getrefcount(text)
    assert statements.takes(text)
    assert sys.getrefcount(text) == held


def test_statements_whose_effects_are_known_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"file": "a.log", "pid": 7, "kind": "statement", "at": "2025-10-07T20:27:38Z", "severity": "LOG"}
    texts = [f"TRUNCATE a{number}" for number in range(5_000)]  # more than the parser's own memory holds
    assert all(map(statements.takes, texts))
    monkeypatch.setattr(statements.sql, "effects", lambda text: pytest.fail(f"read again: {text}"))
    log = schemas.frame("log_events", [line | {"line": at, "statement": text} for at, text in enumerate(texts, 1)])
    assert sessions.sessions(log, schemas.empty("activity"))["destructive"].tolist() == [5_000]
