"""Passwords planted in every way in: none is in a derived file, a message, a traceback or a process argument."""

# ruff: noqa: S608 the statements are the matter of these tests
from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyarrow.parquet as pq
import pytest
import yaml
from attacks import ROOT, triage
from programs import committed

from triage_kit.cli import main
from triage_kit.collect.collector import script
from triage_kit.lab.server import Server

MARK = "c4nary"
LOGIN = f"{MARK}-login-77"
SETTINGS = {
    "log_statement": "all",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "max_prepared_transactions": 2,
    "password_encryption": "scram-sha-256",
    "shared_preload_libraries": "pg_stat_statements",
}


def canary(way: str) -> str:
    return f"{MARK}-{way}-77"


STATEMENTS = [
    f"CREATE ROLE a1 PASSWORD '{canary('create')}'",
    f"ALTER ROLE a1 WITH LOGIN PASSWORD E'{canary('estring')}'",
    f"ALTER ROLE a1 PASSWORD $q${canary('dollar')}$q$",
    f"ALTER ROLE a1 PASSWORD /* new */ '{canary('comment')}'",
    f"DO $$BEGIN EXECUTE 'ALTER ROLE a1 PASSWORD ''{canary('doubled')}'''; END$$",
    f"DO 'BEGIN EXECUTE ''ALTER ROLE a1 PASSWORD ''''{canary('fourfold')}''''''; END'",
    "CREATE FOREIGN DATA WRAPPER w",
    f"CREATE SERVER far FOREIGN DATA WRAPPER w OPTIONS (host 'h', password '{canary('server')}')",
    f"CREATE USER MAPPING FOR a1 SERVER far OPTIONS (user 'u', password '{canary('mapping')}')",
    f"CREATE SUBSCRIPTION s CONNECTION 'host=h user=u password={canary('subscription')}' PUBLICATION p "
    "WITH (connect = false, slot_name = NONE)",
    f"CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS $f$DECLARE pw_secret text := '{canary('declared')}'; "
    f"BEGIN PERFORM dblink_connect('host=h password={canary('dblink')}'); RETURN NULL; END$f$",
    "CREATE TABLE watched (id int PRIMARY KEY); INSERT INTO watched VALUES (1), (2)",
    "CREATE TRIGGER leaks AFTER TRUNCATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION leak()",
    "ALTER TABLE watched DISABLE TRIGGER leaks",
    f"CREATE VIEW far_view AS SELECT 'postgresql://u:{canary('view')}@h/d'::text AS url",
    f"ALTER SYSTEM SET primary_conninfo = 'host=h user=u password={canary('conninfo')}'",
    f"ALTER SYSTEM SET archive_command = 'curl -u me:{canary('archive')} -T %p https://h/%f'",
    f"ALTER ROLE a1 SET app.api_token TO '{canary('setting')}'",
    f"ALTER ROLE triage SET app.jwt_secret TO '{canary('own')}'",  # the collector's own session has it
    f"SELECT 'postgresql://u:{canary('url')}@h/d'",
    f"SELECT set_config('app.password', '{canary('configured')}', false)",
    f"TRUNCATE watched /* PGPASSWORD={canary('truncate')} */",
    f"ALTER SERVER far OPTIONS (ADD aws_secret_access_key '{canary('option')}')",
    f"ALTER ROLE a1 PASSWORD 'x'\n  '{canary('continued')}'",
    f"CREATE TABLE held (id int CHECK (id::text <> 'postgres://u:{canary('check')}@h/d'), password text UNIQUE)",
    f"INSERT INTO held (id, password) VALUES (1, '{canary('inserted')}')",
    f"CREATE POLICY p ON held USING (current_setting('app.password') = '{canary('policy')}' "
    f"OR 'password={canary('policyurl')}' = '')",
    f'CREATE PUBLICATION "pub password={canary("publication")}" FOR TABLE held',
    f"COMMENT ON TABLE held IS 'password={canary('remark')}'",
    f"SELECT 1 -- Authorization: Basic {canary('basic')}",
    f"SELECT 'https://x.blob.core.windows.net/b?sv=1&sig={canary('sas')}'",
    f"SELECT 'AccountKey={canary('account')};', 'DB_PASS={canary('dbpass')}', 'eyJ{canary('jwt')}.{canary('jwt')}.x'",
    f"ALTER SYSTEM SET ssl_passphrase_command = 'echo {canary('passphrase')}'",
    f"ALTER DATABASE postgres SET app.signing_key = '{canary('signing')}'",
    f"ALTER ROLE triage SET myapp.api_key = '{canary('custom')} and {canary('more')}'",
    f"ALTER TABLE held ADD COLUMN api_token text DEFAULT '{canary('missing')}'",
    f"CREATE INDEX by_secret ON held (id) WHERE 'password={canary('predicate')}' <> ''",
    f"CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS $f$DECLARE api_key text := '{canary('event')}'; "
    "BEGIN END$f$",
    "CREATE EVENT TRIGGER tells ON ddl_command_end EXECUTE FUNCTION told()",
    f"ALTER SERVER far OPTIONS (ADD token '{canary('token')}')",
    f"ALTER USER MAPPING FOR a1 SERVER far OPTIONS (ADD private_key '{canary('key')}')",
    f"SELECT E'{{\"passw\\\\u006frd\": \"{canary('spelt')}\"}}', 'x?passwor%64={canary('percent')}'",
    f"COMMENT ON COLUMN held.id IS 'api_key: {canary('column')}'",
    f"CREATE TABLE parts (id text) PARTITION BY LIST (id); CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN "
    f"('password={canary('bound')}')",
]
LOG = f"""\
2026-01-02 03:04:05.678 UTC [7] LOG:  parameter "primary_conninfo" changed to "host=a password={canary("changed")}"
2026-01-02 03:04:06.678 UTC [7] LOG:  statement: \\password {MARK}
2026-01-02 03:04:07.678 UTC [7] FATAL:  could not connect: postgres://u:{canary("refused")}@h:5432/d?sslmode=require
2026-01-02 03:04:08.678 UTC [7] DETAIL:  The string was "host=h password='{canary("quoted")} {MARK}'".
2026-01-02 03:04:07.778 UTC [7] LOG:  parameter "ssl_passphrase_command" changed to "echo {canary("reloaded")}"
2026-01-02 03:04:07.878 UTC [7] ERROR:  duplicate key value violates unique constraint "held_password_key"
2026-01-02 03:04:07.878 UTC [7] DETAIL:  Key (id, api_token)=(1, {canary("unique")}) already exists.
2026-01-02 03:04:08.778 UTC [7] LOG:  sshpass -p {canary("sshpass")} scp x h:
PGPASSWORD={canary("unparsed")} psql
""".replace(f"\\password {MARK}", "SELECT 1")
REPOSITORY = {
    "migrations/001_users.sql": f"-- postgres://u:{canary('sqlurl')}@h/d\nDROP TABLE x; "
                                f"ALTER ROLE a PASSWORD '{canary('migration')}';\nDELETE FROM t WHERE "
                                f"api_key = '{canary('apikey')}';\n",
    "alembic/versions/002_x.py": f"revision = '2'\ndown_revision = None\nfrom alembic import op\n"
                                 f"URL = 'postgresql://u:{canary('python')}@h/d'\n\n\ndef upgrade():\n"
                                 f"    op.execute(\"ALTER ROLE a PASSWORD '{canary('alembic')}'\")\n"
                                 f"    op.execute(\"DELETE FROM t -- password={canary('pycomment')}\")\n",
    "docker-compose.yml": f"services: {{db: {{environment: {{POSTGRES_PASSWORD: {canary('compose')}}}}}}}\n",
    ".env": f"PGPASSWORD={canary('env')}\nDATABASE_URL=postgres://u:{canary('envurl')}@h/d\n",
    "scripts/clean.sh": f"PGPASSWORD={canary('script')} psql -c 'TRUNCATE watched'\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def locked() -> Iterator[Server]:
    """A server that wants a password from ``triage`` and has heard every canary."""
    with Server(SETTINGS) as server:
        with server.connect() as connection:
            connection.execute(f"CREATE ROLE triage SUPERUSER LOGIN PASSWORD '{LOGIN}'")
            connection.execute("CREATE EXTENSION pg_stat_statements")
            for statement in STATEMENTS:
                connection.execute(statement)
            for bad in (f"ALTER ROLE nobody_there PASSWORD '{canary('failed')}'",
                        f"SELECT broken( password='{canary('syntax')}'"):  # fmt: skip
                with pytest.raises(psycopg.Error):
                    connection.execute(bad)
            rules = connection.execute("SHOW hba_file").fetchone()[0]
        Path(rules).write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        with server.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")
        with server.connect(application=f"talker password={canary('application')}") as talker:
            talker.execute(
                f"BEGIN; INSERT INTO watched VALUES (9); PREPARE TRANSACTION 'password={canary('prepared')}'"
            )
            talker.execute(f"SELECT 1 /* ALTER ROLE x PASSWORD '{canary('activity')}' */")
            yield server


class Watch(threading.Thread):
    """Reads the arguments of every process again and again, and keeps those with a canary."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended, self.seen, self.looked = threading.Event(), set(), 0

    def run(self) -> None:
        while not self.ended.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    arguments = path.read_bytes()
                except OSError:
                    continue
                self.looked += 1
                if MARK.encode() in arguments:
                    self.seen.add(arguments)


@pytest.fixture(scope="module")
def run(locked: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess, Watch]:
    """The case, what ``triage run`` said of it, and what was watched meanwhile."""
    folder = tmp_path_factory.mktemp("canaries") / "case"
    (folder / "log").mkdir(parents=True)
    shutil.copy(locked.log_file, folder / "log" / "server.log")
    (folder / "log" / "saved.log").write_text(LOG)
    for name, text in REPOSITORY.items():
        path = folder / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    committed(folder / "repo", f"Use postgres://u:{canary('commit')}@h/d and password={canary('subject')}")
    keys = {"title": "Canaries", "database": {"url_env": "DB_URL"}, "logs": ["log/*.log"], "repository": "repo"}
    (folder / "case.yaml").write_text(yaml.safe_dump(keys))
    watch = Watch()
    watch.start()
    url = f"postgresql://triage:{LOGIN}@/postgres?host={locked.folder}"
    done = triage("run", str(folder), "--debug", environment={"DB_URL": url})
    watch.ended.set()
    watch.join()
    return folder, done, watch


def holding(folder: Path) -> list[str]:
    """Derived files that hold a canary, Parquet files read as what they mean; inputs and raw/ are left out."""
    found = []
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or inside.parts[0] in ("repo", "log") or inside.parts[:2] == ("evidence", "raw"):
            continue
        text = re.sub(rb"<wbr/?>", b"", path.read_bytes())  # a page's long names may break
        text += repr(pq.read_table(path).to_pylist()).encode() if path.suffix == ".parquet" else b""
        found += [f"{inside}: …{text[max(0, at - 60) : at + 40]!r}" for at in [text.find(MARK.encode())] if at >= 0]
    return found


def test_no_canary_is_in_a_derived_file(run) -> None:
    folder, done, _ = run
    assert done.returncode == 0, done.stderr.decode()
    assert holding(folder) == []
    assert len(list((folder / "report").iterdir())) >= 6


def test_the_canaries_did_reach_the_kit(run) -> None:
    # Each table that had one shows the stars that stand in its place: nothing was merely left unread.
    folder, _, _ = run
    history = [("commits", "subject")] if (folder / "repo" / ".git").exists() else []
    for table, column in (*history,
                          ("log_events", "statement"), ("log_events", "message"), ("triggers", "function_body"),
                          ("settings", "value"), ("role_settings", "settings"), ("statements", "text"),
                          ("activity", "query"), ("relations", "definition"), ("migration_operations", "text"),
                          ("log_unparsed", "text")):  # fmt: skip
        assert "***" in str(pq.read_table(folder / "evidence" / f"{table}.parquet")[column].to_pylist()), table


def test_no_canary_is_said_or_is_a_process_argument(run) -> None:
    _, done, watch = run
    assert MARK.encode() not in done.stdout + done.stderr
    assert watch.looked > 100
    assert watch.seen == set()


def test_raw_sources_are_closed_to_others(run) -> None:
    folder, _, _ = run
    raw = [path for path in (folder / "evidence" / "raw").rglob("*") if path.is_file()]
    assert raw
    assert {stat.S_IMODE(path.stat().st_mode) for path in raw} == {0o600}
    shared = b"".join(path.read_bytes() for path in (folder / "report").iterdir() if path.is_file())
    assert not [path.name for path in raw if path.read_bytes()[:64] in shared]


@pytest.mark.parametrize("way", ["url_env", "pgpassword", "passfile", "service", "url"])
def test_a_refused_password_is_in_no_message_and_no_traceback(way: str, locked: Server, tmp_path: Path) -> None:
    wrong, case = canary("wrong"), tmp_path / "case"
    case.mkdir()
    service, passfile = tmp_path / "services.conf", tmp_path / "passes"
    service.write_text(f"[incident]\nhost={locked.folder}\ndbname=postgres\nuser=triage\npassword={wrong}\n")
    passfile.write_text(f"*:*:*:triage:{wrong}\n")
    passfile.chmod(0o600)
    secret_url = f"postgresql://triage:{wrong}@/postgres?host={locked.folder}"
    database, environment = {
        "url_env": ({"url_env": "DB_URL"}, {"DB_URL": secret_url}),
        "pgpassword": ({"url": locked.url(role="triage")}, {"PGPASSWORD": wrong}),
        "passfile": ({"url": locked.url(role="triage")}, {"PGPASSFILE": str(passfile)}),
        "service": ({"service": "incident"}, {"PGSERVICEFILE": str(service)}),
        "url": ({"url": secret_url}, {}),
    }[way]
    (case / "case.yaml").write_text(yaml.safe_dump({"database": database}))
    before = (case / "case.yaml").read_bytes()
    done = triage("collect", str(case), "--debug", environment=environment)
    assert done.returncode == (2 if way == "url" else 1)
    assert MARK.encode() not in done.stdout + done.stderr
    assert b"Traceback" in done.stderr
    assert (case / "case.yaml").read_bytes() == before
    (case / "case.yaml").unlink()
    assert holding(case) == []


@pytest.mark.parametrize("arguments", [
    ["baseline", "--url", f"postgresql://u:{LOGIN}@h/d", "OUT"],
    ["init", "--url", f"postgresql://u:{LOGIN}@h/d", "OUT"],
    ["collect", "x", f"postgresql://u:{LOGIN}@h/d"],
    ["run", f"--password={LOGIN}", "x"],
    ["--password", LOGIN, "run"],
    ["run", "--debug", f"password={LOGIN}"],
])  # fmt: skip
def test_wrong_usage_with_a_password_does_not_repeat_it(arguments: list[str], tmp_path: Path) -> None:
    done = triage(*arguments, cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert MARK.encode() not in done.stdout + done.stderr
    assert not list(tmp_path.rglob("case.yaml"))


def test_an_unexpected_error_is_told_without_its_secret() -> None:
    code = (
        "import sys\nfrom triage_kit import cli, start\n"
        f"def fail(*_):\n    raise RuntimeError('postgresql://u:{LOGIN}@h/d and password={LOGIN}')\n"
        "start.init = fail\nsys.exit(cli.main(['init', 'x', '--debug']))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert done.returncode == 1
    assert b"RuntimeError" in done.stderr
    assert MARK.encode() not in done.stdout + done.stderr


IN_A_VARIABLE = {
    "a bare @": "postgresql://triage:ab@{secret}@localhost/postgres",
    "a bare /": "postgresql://triage:ab/{secret}@localhost/postgres",
    "a bare ?": "postgresql://triage:ab?{secret}@localhost/postgres",
    "a bare #": "postgresql://triage:ab#{secret}@localhost/postgres",
    "a bare :": "postgresql://triage:ab:{secret}@/postgres?host={folder}",
    "a bare %": "postgresql://triage:%zz{secret}@/postgres?host={folder}",
    "escaped": "postgres://triage:%40%2F{secret}@/postgres?host={folder}",
    "asyncpg": "postgresql+asyncpg://triage:{secret}@/postgres?host={folder}",
    "jdbc": "jdbc:postgresql://localhost/postgres?user=triage&password={secret}",
    "a parameter": "postgresql:///postgres?host={folder}&user=triage&passwor%64={secret}",
    "the key's": "postgresql://triage@/postgres?host={folder}&sslpassword={secret}&password={secret}",
    "key=value": "host={folder} user=triage dbname=postgres password='{secret} x'",
    "several hosts": "postgresql://triage:{secret}@nowhere.invalid:1,/postgres?host=nowhere.invalid,{folder}&port=1,5432",
}


@pytest.mark.parametrize("url", IN_A_VARIABLE.values(), ids=IN_A_VARIABLE)
def test_a_wrong_password_in_a_variable_is_not_told_however_it_is_written(
    url: str, locked: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "case.yaml").write_text("database: {url_env: DB_URL}")
    monkeypatch.setenv("DB_URL", url.format(secret=canary("variable"), folder=locked.folder))
    assert main(["collect", str(tmp_path), "--debug"]) in (1, 2)
    told = capfd.readouterr()
    assert told.err
    assert MARK not in told.out + told.err
    assert holding(tmp_path) == []


def test_a_service_file_in_the_case_and_settings_of_the_connection_are_not_told(locked: Server, tmp_path: Path) -> None:
    service = tmp_path / "repo" / "services.conf"
    service.parent.mkdir()
    service.write_text(f"[incident]\nhost={locked.folder}\ndbname=postgres\nuser=triage\npassword={LOGIN}\n"
                       f"sslpassword={canary('sslkey')}\noptions=-c app.api_token={canary('started')}\n")  # fmt: skip
    (tmp_path / "case.yaml").write_text("database: {service: incident}\nrepository: repo")
    done = triage("collect", str(tmp_path), "--debug", environment={"PGSERVICEFILE": str(service)})
    assert done.returncode in (0, 3), done.stderr  # the repository has no migrations
    assert MARK.encode() not in done.stdout + done.stderr
    assert holding(tmp_path) == []


INSPECTED = """[{"Id": "abc", "Name": "/db", "Image": "sha256:1", "Created": "2026-01-01T00:00:00Z",
 "State": {"Status": "running", "StartedAt": "2026-01-01T00:00:00Z", "Error": "password=CANARY"},
 "Path": "docker-entrypoint.sh", "Args": ["postgres", "-c", "primary_conninfo=host=a password=CANARY"],
 "Config": {"Image": "postgres:16", "Env": ["POSTGRES_PASSWORD=CANARY", "PGDATA=/d", "DB_URL=postgres://u:CANARY@h/d"],
  "Cmd": ["postgres", "-c", "app.token=CANARY"], "Labels": {"password": "CANARY"},
  "Healthcheck": {"Test": ["CMD-SHELL", "PGPASSWORD=CANARY pg_isready"]}},
 "Mounts": [{"Type": "volume", "Name": "data", "Source": "/v?password=CANARY", "Destination": "/d", "RW": true}]}]"""


def test_saved_inspections_and_snapshots_are_redacted(locked: Server, tmp_path: Path) -> None:
    (tmp_path / "inspect.json").write_text(INSPECTED.replace("CANARY", canary("inspect")))
    (tmp_path / "collect.sql").write_text(script())
    given = ["inspect.json"]
    keys = {"containers": given}
    if psql := shutil.which("psql"):
        url = f"postgresql://triage@/postgres?host={locked.folder}"
        subprocess.run([psql, "-X", "-v", f"out={tmp_path}/snap.txt", "-f", tmp_path / "collect.sql", url],
                       env={**os.environ, "PGPASSWORD": LOGIN}, check=True, capture_output=True)  # fmt: skip
        keys["snapshot"] = "snap.txt"
        given.append("snap.txt")
        assert MARK in (tmp_path / "snap.txt").read_text()  # the file is a source, as a log is
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(keys | {"containers": ["inspect.json"]}))
    done = triage("run", str(tmp_path), "--debug")
    assert done.returncode in (0, 3), done.stderr
    assert MARK.encode() not in done.stdout + done.stderr
    assert [found for found in holding(tmp_path) if not found.startswith(tuple(given))] == []
