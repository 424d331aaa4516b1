"""Ctrl-C as a terminal sends it, to the whole foreground group, at each stage of each command: 130, one line, nothing
left running, and on the disk the state of before or one that is gone on with."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import seedlike
from processes import alive, below

from triage_kit.bundle import Bundle
from triage_kit.errors import NotSealed

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "triage_kit"]
HANG = 60.0  # seconds: a bound of what hangs, not of how long a loaded machine takes
WAITING = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'triage_kit' AND wait_event_type = 'Lock'"
LEFT = "SELECT pid FROM pg_stat_activity WHERE application_name = 'triage_kit' AND datname = %s"
ENTRY = b'2025-10-08 10:05:00.000 UTC [202] ERROR:  relation "x" does not exist at character 15\n'
# A signal from inside, before the call of a function that is named as module:name, for the which-th time.
FROM_INSIDE = """
import importlib, os, runpy, signal, sys
place, which = sys.argv[1], int(sys.argv[2])
module, _, name = place.partition(":")
owner, calls = importlib.import_module(module), []
real = getattr(owner, name)
def struck(*arguments, **named):
    calls.append(1)
    if len(calls) == which:
        os.kill(os.getpid(), signal.SIGINT)
    return real(*arguments, **named)
setattr(owner, name, struck)
sys.argv = ["triage", *sys.argv[3:]]
runpy.run_module("triage_kit", run_name="__main__", alter_sys=True)
"""
WHILE_READING = """
import os, runpy, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
runpy.run_module("triage_kit", run_name="__main__", alter_sys=True)
"""


def surroundings(kit: Path = ROOT, **more: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(kit), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, **more}


class Running:
    """A command in a process group of its own, as a shell starts what stands in the foreground."""

    def __init__(self, folder: Path, *arguments: object, **more: object) -> None:
        self.said = folder / "said.txt"
        with self.said.open("wb") as stderr:
            self.child = subprocess.Popen(
                [*COMMAND, *map(str, arguments)], stdin=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
                **{"env": surroundings(), "stdout": subprocess.PIPE, **more})  # fmt: skip
        self.started: set[int] = set()

    def until(self, reached: Callable[[dict], bool]) -> None:
        """Read events until one is the stage that is waited for."""
        for line in self.child.stdout:
            if reached(json.loads(line)):
                return
        raise AssertionError(f"the stage never came: {self.said.read_text()}")

    def strike(self) -> str:
        """Press Ctrl-C; returns what was said, after all that it must be."""
        self.started = below(self.child.pid)
        os.killpg(self.child.pid, signal.SIGINT)
        if self.child.stdout:
            self.child.stdout.read()
        status = self.child.wait(HANG)
        told = self.said.read_text()
        assert (status, told.startswith("triage: interrupted"), told.count("\n")) == (130, True, 1), (status, told)
        deadline = time.monotonic() + HANG
        while left := alive(*self.started):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
        return told


@contextmanager
def running(folder: Path, *arguments: object, **more: object) -> Iterator[Running]:
    run = Running(folder, *arguments, **more)
    try:
        yield run
    finally:
        if run.child.poll() is None:
            os.killpg(run.child.pid, signal.SIGKILL)
        run.child.wait(HANG)
        if run.child.stdout:
            run.child.stdout.close()


def inside(place: str, which: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", FROM_INSIDE, place, str(which), *map(str, arguments)]
    done = subprocess.run(command, env=surroundings(), capture_output=True, text=True, check=False, timeout=HANG)
    assert (done.returncode, done.stderr.count("\n")) == (130, 1), done.stderr
    assert done.stderr.startswith("triage: interrupted")
    return done


def resumable(folder: Path) -> bool:
    try:
        Bundle.open(folder)
    except NotSealed as told:
        return "was interrupted: `triage collect" in str(told)
    return False


@pytest.mark.parametrize("module", ["triage_kit.cli", "triage_kit.console", "argparse"])
def test_while_its_modules_are_read_nothing_is_said(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", WHILE_READING, module], env=surroundings(), capture_output=True,
                          text=True, check=False, timeout=HANG)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("which", [1, 3])
def test_init_writes_all_or_nothing(tmp_path: Path, which: int) -> None:
    place = "triage_kit.start:write_private" if which == 1 else "triage_kit.start:copy_private"
    inside(place, which, "init", tmp_path / "case")
    assert not (tmp_path / "case").exists()
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "mine.txt").write_text("mine")
    inside(place, which, "init", tmp_path / "shared")
    assert [path.name for path in (tmp_path / "shared").iterdir()] == ["mine.txt"]
    done = subprocess.run([*COMMAND, "init", str(tmp_path / "shared")], env=surroundings(), capture_output=True,
                          check=False, timeout=HANG)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "command",
    ["run", pytest.param("collect", marks=pytest.mark.long), pytest.param("baseline", marks=pytest.mark.long)],
)
@pytest.mark.pg
def test_in_the_middle_of_a_question_the_server_is_let_go_and_the_next_run_goes_on(
    command: str, server18, database18, tmp_path: Path
) -> None:
    server, database = server18, database18  # no major lets a client go otherwise, and each run takes ten seconds
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    url = server.url(database)
    case = tmp_path / "case"
    arguments = ["baseline", "--url", url, case] if command == "baseline" else [command, case]
    if command != "baseline":
        case.mkdir()
        (case / "case.yaml").write_text(json.dumps({"database": {"url": url}}))
    with server.connect(database, autocommit=False) as holder, server.connect() as look:
        holder.execute("LOCK TABLE pg_catalog.pg_extension IN ACCESS EXCLUSIVE MODE")
        with running(tmp_path, *arguments, "--json") as run:
            run.until(lambda event: event.get("source") == "identity")
            deadline = time.monotonic() + HANG
            while not look.execute(WAITING).fetchone():
                assert time.monotonic() < deadline
            told = run.strike()
        holder.rollback()
        assert "the same command goes on from there" in told
        deadline = time.monotonic() + HANG
        while look.execute(LEFT, (database,)).fetchone():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert resumable(case)
    before = (case / "evidence.partial" / "identity.parquet").stat().st_mtime_ns
    done = subprocess.run([*COMMAND, "collect", str(case)], env=surroundings(), capture_output=True, check=False,
                          timeout=HANG * 5)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (case / "evidence" / "identity.parquet").stat().st_mtime_ns == before
    assert Bundle.open(case).verify() == []


def test_while_a_log_is_read_the_next_run_reads_it(tmp_path: Path) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (case / "a.log").write_bytes(ENTRY)
    with (case / "b.log").open("wb") as stream:
        for _ in range(50):
            stream.write(ENTRY * 10_000)
    (case / "case.yaml").write_text("logs: [a.log, b.log]")
    with running(tmp_path, "collect", case, "--json") as run:
        run.until(lambda event: event["event"] == "bytes")
        run.strike()
    assert resumable(case)
    (case / "b.log").write_bytes(ENTRY.replace(b"x", b"y"))
    done = subprocess.run([*COMMAND, "collect", str(case)], env=surroundings(), capture_output=True, check=False,
                          timeout=HANG * 5)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(Bundle.open(case).table("log_events")) == 2


def test_before_the_page_is_written_the_earlier_report_stays(tmp_path: Path, brief_kit: Path) -> None:
    """While notebooks run: tests/test_environments.py."""
    case = seedlike.write(tmp_path / "case")
    (case / "report").mkdir()
    (case / "report" / "report.html").write_text("earlier")
    with running(tmp_path, "report", case, "--json", env=surroundings(kit=brief_kit)) as run:
        run.until(lambda event: event["event"] == "notebook" and event["done"] == event["total"])
        run.strike()
    assert [path.name for path in (case / "report").iterdir()] == ["report.html"]
    assert (case / "report" / "report.html").read_text() == "earlier"
    assert sorted(path.name for path in case.iterdir()) == ["case.yaml", "evidence", "report"]


def test_verify_reads_and_leaves_all_as_it_is(tmp_path: Path) -> None:
    case = seedlike.write(tmp_path / "case")
    before = {path: path.read_bytes() for path in case.rglob("*") if path.is_file()}
    inside("triage_kit.bundle.reading:digest", 3, "verify", case)
    assert {path: path.read_bytes() for path in case.rglob("*") if path.is_file()} == before


def test_the_collectors_script_into_a_pipe_that_nobody_empties(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    if not hasattr(fcntl, "F_SETPIPE_SZ"):
        pytest.skip("the size of a pipe can be set on Linux alone")
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with running(tmp_path, "collector", stdout=writing) as run:
        os.close(writing)
        state = Path(f"/proc/{run.child.pid}/wchan")
        deadline = time.monotonic() + HANG
        while "pipe" not in state.read_text():
            assert time.monotonic() < deadline, state.read_text()
            time.sleep(0.05)
        run.strike()
    os.close(reading)


@pytest.mark.pg
@pytest.mark.parametrize("stage", ["server", "question"])
def test_a_demo_takes_its_server_with_it(tmp_path: Path, stage: str) -> None:
    def reached(event: dict) -> bool:
        if stage == "server":
            return event["event"] == "stage" and "started" in event["text"]
        return event["event"] == "question"

    # A short path, that the account which the server runs as may enter.
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as own:
        Path(own).chmod(0o755)
        with running(tmp_path, "demo", "--json", "--out", tmp_path / "demo", env=surroundings(TMPDIR=own)) as run:
            run.until(reached)
            run.strike()
            assert run.started  # the server, or kernels: that they are gone strike asserts
        assert list(Path(own).iterdir()) == []
    assert not (tmp_path / "demo" / "report" / "report.html").exists()
    assert stage == "server" or resumable(tmp_path / "demo") or Bundle.open(tmp_path / "demo").verify() == []


TWICE = """
import os, runpy, signal, sys
from triage_kit import console, start
real = console.Console.error
def error(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
    real(*arguments)
def init(*arguments):
    os.kill(os.getpid(), signal.SIGINT)
console.Console.error, start.init = error, init
sys.argv = ["triage", "init", "x"]
runpy.run_module("triage_kit", run_name="__main__", alter_sys=True)
"""


def test_a_second_ctrl_c_while_the_first_is_told_ends_it_too(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], env=surroundings(), cwd=tmp_path, capture_output=True,
                          text=True, check=False, timeout=HANG)  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
