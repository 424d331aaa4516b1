"""The throwaway server: settings arrive, it comes back from a crash, and nothing of it is left behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from processes import alive

from triage_kit.errors import LabError
from triage_kit.lab import binaries
from triage_kit.lab.server import Server

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from triage_kit.lab.server import Server
with Server() as server:
    print(server.pid, server.folder, flush=True)
    sys.stdin.read()  # until the test lets go
"""


def waited(check, seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not check() and time.monotonic() < deadline:
        time.sleep(0.05)
    return check()


def shown(server: Server, name: str) -> str:
    with server.connect() as connection:
        return connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]


def test_settings_arrive_whatever_they_hold():
    wanted = {"cluster_name": "it's a \\ test", "log_checkpoints": True, "work_mem": "8MB", "max_connections": 17}
    with Server(wanted) as server:
        assert shown(server, "cluster_name") == "it's a \\ test"
        assert shown(server, "log_checkpoints") == "on"
        assert shown(server, "work_mem") == "8MB"
        assert shown(server, "max_connections") == "17"
        assert shown(server, "fsync") == "off"
        assert shown(server, "TimeZone").endswith("UTC")
        assert shown(server, "log_directory") == str(server.log_directory)


def test_reload_changes_a_setting_of_a_running_server():
    with Server({"autovacuum_naptime": "1s"}) as server:
        pid = server.pid
        server.reload(autovacuum_naptime="2min")
        assert waited(lambda: shown(server, "autovacuum_naptime") == "2min")
        assert server.pid == pid
        server.reload(autovacuum_naptime=None, work_mem="9MB")
        assert waited(lambda: shown(server, "work_mem") == "9MB")
        assert shown(server, "autovacuum_naptime") == "1min"


def test_major_and_role_are_those_asked_for(server):
    with server.connect() as connection:
        number, role, path = connection.execute(
            "SELECT current_setting('server_version_num')::int, current_user, current_setting('data_directory')"
        ).fetchone()
    assert (number // 10000, number % 10000) == server.version
    assert (role, path) == ("postgres", str(server.data))
    with psycopg.connect(server.url("template1", "postgres")) as connection:
        assert connection.info.dbname == "template1"


def test_crash_is_a_crash_and_restart_is_clean():
    with Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE UNLOGGED TABLE lost AS SELECT 1 AS id")
            connection.execute("CREATE UNLOGGED TABLE kept AS SELECT 1 AS id")
            connection.execute("ALTER TABLE kept SET LOGGED")
        first = server.pid
        server.crash()
        assert not alive(first)
        server.start()
        with server.connect() as connection:
            assert connection.execute("SELECT count(*) FROM lost").fetchone() == (0,)
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
            connection.execute("INSERT INTO lost VALUES (1)")
        assert "automatic recovery in progress" in server.log_tail(50)
        server.restart()
        with server.connect() as connection:
            assert connection.execute("SELECT count(*) FROM lost").fetchone() == (1,)
        assert server.log_tail(200).count("automatic recovery in progress") == 1


def test_two_in_parallel_know_nothing_of_each_other_and_leave_nothing():
    with Server() as one, Server() as two:
        with one.connect() as connection:
            connection.execute("CREATE DATABASE only_one")
        with pytest.raises(psycopg.OperationalError, match="only_one"):
            two.connect("only_one")
        folders, pids = (one.folder, two.folder), (one.pid, two.pid)
        assert all(map(alive, pids))
    assert not any(folder.exists() for folder in folders)
    assert not any(map(alive, pids))


def test_only_its_account_may_enter_its_folder():
    with Server() as server:
        assert server.folder.stat().st_mode & 0o777 == 0o700
        assert server.folder.stat().st_uid == (server.account or (os.geteuid(),))[0]
        assert shown(server, "listen_addresses") == ""


def test_what_the_user_has_in_the_environment_does_not_reach_the_server(monkeypatch):
    for name, value in {
        "PGDATA": "/nonexistent",
        "PGPORT": "1",
        "PGOPTIONS": "-c work_mem=64kB",
        "LC_ALL": "xx_XX",
        "PGHOST": "nowhere.invalid",
        "PGUSER": "nobody-knows",
    }.items():
        monkeypatch.setenv(name, value)
    with Server() as server:
        assert shown(server, "work_mem") == "4MB"
        assert shown(server, "lc_messages") == "C"


def test_a_setting_that_does_not_exist_is_refused_with_the_log():
    before = set(Path(tempfile.gettempdir()).glob("triage-pg-server-*/data/postgresql.conf"))
    with (
        pytest.raises(LabError, match=r'(?s)did not start.*unrecognized configuration parameter "no_such_thing"'),
        Server({"no_such_thing": 1}),
    ):
        pass
    after = Path(tempfile.gettempdir()).glob("triage-pg-server-*/data/postgresql.conf")
    assert not [path for path in set(after) - before if "no_such_thing" in path.read_text()]


def test_named_programs_that_are_not_there_are_an_error_with_advice(monkeypatch, tmp_path):
    monkeypatch.setenv("TRIAGE_PG_BIN", str(tmp_path))
    with pytest.raises(LabError, match=r"TRIAGE_PG_BIN names .* unset it"):
        Server()


def held(command: list[str], environment: dict[str, str], **how) -> tuple[subprocess.Popen, int, Path]:
    holder = subprocess.Popen(
        [*command, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env=environment,
        **how,
    )
    pid, folder = holder.stdout.readline().split()
    return holder, int(pid), Path(folder)


def test_killed_owner_leaves_no_server_and_the_next_start_sweeps_its_folder():
    environment = {**os.environ, "PYTHONPATH": import_path()}
    holder, pid, folder = held([sys.executable], environment)
    try:
        assert alive(pid)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    if sys.platform == "linux":
        assert waited(lambda: not alive(pid))
    with Server() as server:
        assert waited(lambda: not alive(pid))
        assert not folder.exists()
        assert server.folder.exists()


def test_programs_that_another_account_may_not_read_are_copied_once(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root runs the server under another account")
    original = binaries.find().resolve().parent
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    closed = home / original.parent.name / original.name
    for part in ("bin", "lib", "share"):
        shutil.copytree(original / part, closed / part, symlinks=True)
    bundled = original.parent.with_name(f"{original.parent.name}.libs")
    if bundled.exists():
        shutil.copytree(bundled, home / bundled.name)
    used = binaries.usable(closed / "bin", binaries.account())
    cache = used.parents[2]
    try:
        assert used != closed / "bin"
        assert binaries.usable(closed / "bin", binaries.account()) == used
        assert home.stat().st_mode & 0o777 == 0o700
        with Server(binaries=closed / "bin") as server:
            assert server.binaries == used
            assert shown(server, "server_version_num")
    finally:
        assert cache.name.startswith("triage-pg-cache-")
        shutil.rmtree(cache)
        shutil.rmtree(home)


def test_an_ordinary_user_runs_it_as_well():
    if os.geteuid() != 0:
        pytest.skip("the other tests run as an ordinary user already")
    run_as = binaries.account()
    python = readable_python(run_as)
    if python is None:
        pytest.skip("no Python that an account without rights may run was found")
    with tempfile.TemporaryDirectory(prefix="triage-plain-") as home:
        os.chown(home, *run_as)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": home,
            "TRIAGE_PG_BIN": str(binaries.find()),
            "PYTHONPATH": import_path(),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        holder, pid, folder = held([str(python)], environment, **binaries.identity(run_as))
        try:
            assert folder.stat().st_uid == run_as[0]
            assert alive(pid)
        finally:
            holder.communicate(timeout=60)
        assert not alive(pid)
        assert not folder.exists()


def import_path() -> str:
    return os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])


def readable_python(run_as: tuple[int, int]) -> Path | None:
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for program in (Path(sys.executable), Path("/usr/bin") / name, Path("/usr/local/bin") / name):
        try:
            subprocess.run([program, "-c", ""], check=True, capture_output=True, cwd="/", **binaries.identity(run_as))
        except (OSError, subprocess.SubprocessError):
            continue
        return program
    return None
