"""A password reaches libpq and nothing else: planted canaries are in no message, event or derived file."""

import traceback
from pathlib import Path

import pytest
from everything import EVERY

from triage_kit.collect import address, collect
from triage_kit.errors import CaseError, LoginRefused, SourceError
from triage_kit.lab.server import Server

CANARY = "hunter2-c4nary"


@pytest.fixture(scope="module")
def locked_server():
    """A server that wants a password from the role ``triage``."""
    with Server({"password_encryption": "scram-sha-256"}) as server:
        with server.connect() as connection:
            connection.execute(f"CREATE ROLE triage LOGIN PASSWORD '{CANARY}'")
            rules = connection.execute("SHOW hba_file").fetchone()[0]
        Path(rules).write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        with server.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield server


def _ways(server: Server, folder: Path, password: str) -> dict[str, tuple[dict, dict]]:
    """Each way in as (the case's database, environment)."""
    service, passfile = folder / "services.conf", folder / "passes"
    service.write_text(
        f"[incident]\nhost={server.folder}\nport=5432\ndbname=postgres\nuser=triage\npassword={password}\n"
    )
    passfile.write_text(f"*:*:*:triage:{password}\n")
    passfile.chmod(0o600)
    url = f"postgresql://triage:{password}@/postgres?host={server.folder}"
    return {
        "url_env": ({"url_env": "DB_URL"}, {"DB_URL": url}),
        "driver": ({"url_env": "DB_URL"}, {"DB_URL": url.replace("postgresql:", "postgresql+asyncpg:")}),
        "pgpassword": ({"url": server.url(role="triage")}, {"PGPASSWORD": password}),
        "passfile": ({"url": server.url(role="triage")}, {"PGPASSFILE": str(passfile)}),
        "service": ({"service": "incident"}, {"PGSERVICEFILE": str(service)}),
    }


@pytest.fixture(params=["url_env", "driver", "pgpassword", "passfile", "service"])
def way_in(request, locked_server, tmp_path, monkeypatch):
    """Sets one way in up with a password; returns what the case says of the database."""

    def prepare(password: str) -> dict:
        database, environment = _ways(locked_server, tmp_path, password)[request.param]
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return database

    return prepare


def _files_with_the_canary(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [path for path in files if CANARY.encode() in path.read_bytes()]


def test_the_right_password_stays_out_of_files_and_events(way_in, new_case) -> None:
    case = new_case(database=way_in(CANARY))
    told: list[str] = []
    done = collect(case, only=EVERY, notify=lambda event, **facts: told.append(f"{event} {facts}"))
    assert done.bundle.table("identity")["role"].tolist() == ["triage"]
    assert CANARY not in "".join(told)
    assert _files_with_the_canary(case.folder) == []


def test_a_wrong_password_stays_out_of_messages_and_tracebacks(way_in, new_case) -> None:
    case = new_case(database=way_in(CANARY + "-wrong"))
    told: list[str] = []
    with pytest.raises(LoginRefused, match=r"role 'triage'|service 'incident'") as raised:
        collect(case, only=EVERY, notify=lambda event, **facts: told.append(f"{event} {facts}"))
    told += traceback.format_exception(raised.value)
    assert "password" in str(raised.value)
    assert CANARY not in "".join(told)
    assert _files_with_the_canary(case.folder) == []


def test_secrets_that_the_server_knows_are_replaced(locked_server, new_case) -> None:
    with locked_server.connect() as connection:
        connection.execute(
            f"CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN PERFORM dblink('host=x password={CANARY}'); RETURN NULL; END$$"
        )
        connection.execute(
            "CREATE TABLE watched (id int); CREATE TRIGGER leaks AFTER DELETE ON watched "
            "FOR EACH STATEMENT EXECUTE FUNCTION leak()"
        )
        connection.execute(f"CREATE VIEW far AS SELECT 'postgresql://u:{CANARY}@h/d'::text AS url")
        connection.execute(f"ALTER ROLE triage SET app.dsn = 'host=x password={CANARY}'")
        with locked_server.connect(application="talker") as talker:
            talker.execute(f"SELECT 1 /* ALTER ROLE x PASSWORD '{CANARY}' */")
            bundle = collect(new_case(database={"url": locked_server.url()}), only=EVERY).bundle
    assert len(bundle.table("triggers")) == 1
    for name in ("triggers", "relations", "role_settings", "activity", "settings"):
        assert CANARY not in bundle.table(name).to_string(max_colwidth=None), name


@pytest.mark.parametrize("text", ["postgres//u:{}@h", "host=h password={} bad", "postgresql://u:{}%zz@h/d"])
def test_a_url_that_cannot_be_read_is_not_repeated(text, monkeypatch) -> None:
    monkeypatch.setenv("DB_URL", text.format(CANARY))
    with pytest.raises(CaseError, match="the environment variable DB_URL holds no connection URL") as raised:
        address.parameters(url_env="DB_URL")
    assert CANARY not in "".join(traceback.format_exception(raised.value))


def test_an_unset_variable_is_named(monkeypatch) -> None:
    monkeypatch.delenv("DB_URL", raising=False)
    with pytest.raises(SourceError, match=r"DB_URL, which database.url_env names, is not set"):
        address.parameters(url_env="DB_URL")
