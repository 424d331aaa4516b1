"""What a log would have shown: held against what real servers write at each setting, and against gaps in the files."""

import uuid
from collections.abc import Iterator

import majors
import pandas as pd
import pytest

from triage_kit import schemas
from triage_kit.analyse.silence import LOGGING, covers, visibility
from triage_kit.lab.server import Server

SETTINGS = [
    {"log_statement": "none"},
    {"log_statement": "ddl"},
    {"log_statement": "mod"},
    {"log_statement": "all"},
    {"log_min_duration_statement": "0"},
    {"log_min_duration_statement": "60000"},
    {"log_duration": "on"},
    {"log_min_duration_sample": "0", "log_statement_sample_rate": "1"},
    {"log_min_duration_sample": "0", "log_statement_sample_rate": "0"},
    {"log_transaction_sample_rate": "1"},
    {"log_transaction_sample_rate": "0"},
    {"log_statement": "mod", "log_min_messages": "panic"},
    {"log_statement": "all", "log_min_messages": "fatal"},
    {"log_statement": "mod", "log_min_messages": "log"},
    {"log_statement": "mod", "log_min_messages": "error"},
]


@pytest.fixture(scope="module", params=[each for each in majors.found() if each in (13, 18)] or [None])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    if request.param is None:
        pytest.skip("no PostgreSQL was found")
    with Server({"autovacuum": False}, binaries=majors.found()[request.param]) as started:
        yield started


@pytest.mark.parametrize("chosen", SETTINGS, ids=lambda chosen: " ".join(f"{k}={v}" for k, v in chosen.items()))
def test_a_server_writes_what_its_settings_promise(server: Server, chosen: dict[str, str]) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    deleting = " ".join(("DELETE FROM", name))
    with server.connect() as connection:
        connection.execute(f"CREATE TABLE {name} (i int)")
        for key, value in chosen.items():
            connection.execute("SELECT set_config(%s, %s, false)", (key, value))
        connection.execute(f"TRUNCATE {name}")
        connection.execute(deleting)
        asked = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(LOGGING),))
        settings = [{"name": key, "value": value} for key, value in asked.fetchall()]
    log = server.log_file.read_text("utf-8")
    written = {f"TRUNCATE {name}" in log, deleting in log}
    told = visibility(evidence(settings=settings))
    assert written == {told.statements}, told.why


NOTICED = "2025-10-08T10:00:00Z"


def file(first: str, last: str, name: str = "a.log") -> dict:
    return {"file": name, "first_at": f"2025-10-{first}Z", "last_at": f"2025-10-{last}Z"}


WHOLE = file("01T00:00", "08T11:00")


def evidence(
    settings: list[dict] = ({"name": "log_statement", "value": "mod"},),
    sources: list[dict] = (WHOLE,),
    **more: list[dict],
) -> dict[str, pd.DataFrame]:
    told = {"settings": settings, "log_sources": sources, "identity": [{"database": "shop"}],
            "incident": [{"window_start": "2025-10-05T00:00Z", "noticed_at": NOTICED}], **more}  # fmt: skip
    return {name: schemas.frame(name, list(told.get(name, ()))) for name in schemas.evidence_names()}


def test_a_whole_log_at_mod_would_have_shown_it() -> None:
    assert visibility(evidence()).statements


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"sources": [file("06T00:00", "08T11:00")]}, "does not reach back"),
        ({"sources": []}, "does not reach back"),
        ({"sources": [file("01T00:00", "05T11:00")]}, "ends at 2025-10-05 11:00:00 UTC"),
        ({"sources": [file("01T00:00", "05T11:00"), file("07T00:00", "08T11:00", "b.log")]}, "a hole, from 2025-10-05"),
        ({"role_settings": [{"role": "job", "settings": ("log_statement=none",)}]}, "sessions of job are"),
        ({"role_settings": [{"database": "shop", "settings": ("log_min_messages=panic",)}]}, "sessions of shop"),
        ({"log_events": [{"at": "2025-10-06T00:00Z", "subject": "parameter_changed",
                          "message": 'parameter "log_statement" changed to "mod"'}]}, "was changed at 2025-10-06"),
        ({"settings": [{"name": "log_statement", "value": "all", "source": "user"}]}, "not known"),
        ({"settings": []}, "not known"),
    ],
)  # fmt: skip
def test_what_may_have_been_missed_is_said(more: dict, why: str) -> None:
    told = visibility(evidence(**more))
    assert not told.statements
    assert why in told.why


@pytest.mark.parametrize(
    "more",
    [
        {"sources": [file("01T00:00", "05T11:00"), file("05T11:01", "08T09:00", "b.log")]},
        {"sources": [WHOLE, file("02T00:00", "02T01:00", "b.log"), file("08T00:00", "08T11:00", "c.log")]},
        {"sources": [file("01T00:00", "02T00:00"), file("04T23:00", "08T11:00", "b.log")]},  # a hole before the window
        {"role_settings": [{"database": "other", "settings": ("log_statement=none",)}]},
        {"role_settings": [{"role": "job", "settings": ("log_statement=all", "search_path=a, b")}]},
        {"log_events": [{"at": "2025-10-02T00:00Z", "subject": "parameter_changed",
                         "message": 'parameter "log_statement" changed to "mod"'}]},
        {"log_events": [{"at": "2025-10-06T00:00Z", "subject": "parameter_changed",
                         "message": 'parameter "work_mem" changed to "8MB"'}]},
    ],
)  # fmt: skip
def test_what_misses_nothing_of_the_window_is_no_doubt(more: dict) -> None:
    told = visibility(evidence(**more))
    assert told.statements, told.why


def test_a_hole_counts_only_inside_the_window() -> None:
    about = evidence()["incident"]
    early = schemas.frame("log_sources", [file("01T00:00", "02T00:00"), file("04T23:00", "08T11:00", "b.log")])
    assert covers(early, about)
    inside = schemas.frame("log_sources", [file("01T00:00", "06T00:00"), file("07T23:00", "08T11:00", "b.log")])
    assert not covers(inside, about)
