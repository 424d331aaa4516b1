"""The command line where little is as it should be: no home, no locale, closed streams, odd paths, Ctrl-C."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import seedlike
from processes import alive, below

from triage_kit import open_case
from triage_kit.bundle import Bundle, Draft

ROOT = Path(__file__).resolve().parents[1]
ENTRY = '2025-10-08 10:05:00.000 UTC [202] ERROR:  relation "Größe" does not exist at character 15\n'
COMMAND = [sys.executable, "-m", "triage_kit"]
LOCALES = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_TIME", "TERM", "XDG_RUNTIME_DIR")


def surroundings(without: tuple[str, ...] = (), kit: Path = ROOT, **more: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(kit), os.environ.get("PYTHONPATH")]))
    # Unbuffered streams have nothing left to say at the end.
    kept = {name: value for name, value in os.environ.items()
            if name not in (*without, "PYTHONUNBUFFERED") and not name.startswith("PG")}  # fmt: skip
    return {**kept, "PYTHONPATH": path, **more}


def triage(*arguments: object, cwd: Path | None = None, env: dict[str, str] | None = None,
           **more: object) -> subprocess.CompletedProcess[str]:  # fmt: skip
    kept = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run([*COMMAND, *map(str, arguments)], env=env or surroundings(), cwd=cwd, text=True,
                          encoding="utf-8", errors="surrogateescape", check=False, timeout=300, **kept)  # fmt: skip


def written(folder: Path, title: str = "Größe 大きさ") -> Path:
    """A case whose only source is a log, with a title and a path beyond ASCII."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "größe.log").write_text(ENTRY, encoding="utf-8")
    (folder / "case.yaml").write_text(f"title: {json.dumps(title, ensure_ascii=False)}\nlogs: [größe.log]\n", "utf-8")
    return folder


# Each run differs in a home, a locale and a zone at once: a collection takes two seconds of a processor.
ENVIRONMENTS = {
    "no home, no locale": ((*LOCALES, "HOME"), {}),
    "a home that cannot be written, LANG=C": (
        LOCALES,
        {"LANG": "C", "HOME": "/proc/no-home", "XDG_CACHE_HOME": "/proc/no-cache"},
    ),
    "LC_ALL=C, Asia/Kathmandu": (LOCALES, {"LC_ALL": "C", "TZ": "Asia/Kathmandu"}),
    "ASCII only, invalid TZ": (
        LOCALES,
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0", "TZ": ":No/Such_Zone"},
    ),
}


@pytest.mark.parametrize(("without", "more"), ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_a_collection_does_not_depend_on_the_surroundings(tmp_path: Path, without: tuple, more: dict) -> None:
    folder = written(tmp_path / "fälle" / "größe")
    done = triage("collect", folder, env=surroundings(without, **more))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    opened = open_case(folder)
    assert opened.title == "Größe 大きさ"
    [event] = opened.log_events.to_dict("records")
    assert (event["at"].isoformat(), event["file"]) == ("2025-10-08T10:05:00+00:00", "größe.log")
    assert "Größe" in event["message"]
    assert triage("verify", folder, env=surroundings(without, **more)).returncode == 0


@pytest.mark.parametrize(
    "which",
    [pytest.param((1,), marks=pytest.mark.long), pytest.param((2,), marks=pytest.mark.long), (0, 1, 2)],
    ids=["stdout", "stderr", "all"],
)
def test_closed_streams_take_nothing_from_the_evidence(tmp_path: Path, which: tuple[int, ...]) -> None:
    folder = written(tmp_path / "case")
    closing = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in which)
    script = f'exec "$0" -m triage_kit collect "$1" {closing}'
    done = subprocess.run(["sh", "-c", script, sys.executable, folder], env=surroundings(), check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert Bundle.open(folder).verify() == []


def test_a_reader_that_goes_away_or_a_full_device_ends_without_a_traceback(tmp_path: Path) -> None:
    folder = written(tmp_path / "case")
    reading, writing = os.pipe()
    os.close(reading)
    done = triage("collect", folder, "--json", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
    assert triage("collect", folder).returncode == 0  # what was begun is gone on with
    if Path("/dev/full").exists():
        with Path("/dev/full").open("w") as full:
            done = triage("verify", folder, stdout=full)
        assert done.returncode == 1
        assert done.stderr.startswith("triage: standard output takes nothing (No space left on device)")
        assert done.stderr.count("\n") == 1


def test_everything_of_a_case_is_its_owners_alone_whatever_the_umask(tmp_path: Path, brief_kit: Path) -> None:
    # None withholds less than 0, and what 0o022 withholds is what others may not have anyway.
    umasks = (0o000,) if os.geteuid() == 0 else (0o000, 0o277)
    for umask in umasks:
        folder = tmp_path / oct(umask)
        old = os.umask(umask)
        try:
            assert triage("init", folder).returncode == 0
            written(folder)
            (folder / "case.yaml").chmod(0o600)
            (folder / "größe.log").chmod(0o600)
            Draft.begin(folder).close()
            partial = modes(folder)
            done = triage("run", folder, env=surroundings(kit=brief_kit))
        finally:
            os.umask(old)
        assert done.returncode == 0, done.stderr
        assert len(list((folder / "report").iterdir())) == 6
        assert partial | modes(folder) == {"folder 0o700", "file 0o600"}


def modes(folder: Path) -> set[str]:
    paths = [folder, *folder.rglob("*")]
    return {f"{'folder' if path.is_dir() else 'file'} {oct(path.stat().st_mode & 0o777)}" for path in paths}


@pytest.mark.long
def test_a_kernelspec_of_the_machine_is_never_started(tmp_path: Path, brief_kit: Path) -> None:
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["sh", "-c", f"touch '{tmp_path}/started'; exit 1"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    case = seedlike.write(tmp_path / "a {b} 'c' \"d\" é $HOME")
    env = surroundings(
        kit=brief_kit, JUPYTER_PATH=str(tmp_path / "jupyter"), JUPYTER_DATA_DIR=str(tmp_path / "jupyter")
    )
    done = triage("report", os.path.relpath(case, tmp_path), cwd=tmp_path, env=env)
    assert done.returncode == 3, done.stderr  # the written evidence names dumps that were not read
    assert "Traceback" not in done.stderr
    assert (case / "report" / "report.html").is_file()
    assert not (tmp_path / "started").exists()


def test_the_case_may_be_the_current_folder_and_that_may_be_read_only_elsewhere(tmp_path: Path) -> None:
    case = written(tmp_path / "case with space")
    assert triage("collect", ".", cwd=case).returncode == 0
    assert triage("verify", "case.yaml", cwd=case).returncode == 0
    shutil.rmtree(case / "evidence")
    assert triage("collect", case, cwd=Path("/proc") if Path("/proc").is_dir() else tmp_path).returncode == 0


def test_ctrl_c_while_notebooks_run_ends_their_kernels_and_keeps_the_earlier_report(tmp_path: Path) -> None:
    case = seedlike.write(tmp_path / "case")
    (case / "report").mkdir()
    (case / "report" / "report.html").write_text("earlier")
    child = subprocess.Popen([*COMMAND, "report", str(case)], env=surroundings(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    with child:
        deadline = time.monotonic() + 120
        while len(kernels := below(child.pid)) < 2:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=120)
    assert child.returncode == 130
    assert told.startswith("triage: interrupted")
    assert told.count("\n") == 1
    deadline = time.monotonic() + 10
    while left := alive(*kernels):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert (case / "report" / "report.html").read_text() == "earlier"
    assert sorted(path.name for path in case.iterdir()) == ["case.yaml", "evidence", "report"]


def test_a_report_that_is_killed_leaves_no_kernel_and_no_half_page(tmp_path: Path, brief_kit: Path) -> None:
    """``kill -9`` gives it no chance to end what it started: each kernel has to notice by itself."""
    case = seedlike.write(tmp_path / "case")
    (case / "report").mkdir()
    (case / "report" / "report.html").write_text("earlier")
    child = subprocess.Popen([*COMMAND, "report", str(case)], env=surroundings(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    with child:
        deadline = time.monotonic() + 120
        while len(started := below(child.pid)) < 2:
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        started |= below(child.pid)
        child.kill()
    deadline = time.monotonic() + 30
    while left := alive(*started):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    assert (case / "report" / "report.html").read_text() == "earlier"
    done = triage("report", case, env=surroundings(kit=brief_kit))
    assert done.returncode == 3, done.stderr  # as above
    assert (case / "report" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(path.name for path in case.iterdir()) == ["case.yaml", "evidence", "report"]


def test_two_collectors_and_two_reports_do_not_mix(tmp_path: Path) -> None:
    case = written(tmp_path / "case")
    draft = Draft.begin(case)
    done = triage("collect", case)
    assert done.returncode == 1
    assert done.stderr.startswith("triage: another `triage collect` is at work")
    assert done.stderr.count("\n") == 1
    draft.close()
    (case / ".triage.lock").write_text("99999999")  # of a process that is dead
    assert triage("collect", case).returncode == 0
    from triage_kit.bundle import Lock

    with Lock(case / ".triage-report.lock", "held"):
        done = triage("report", case)
    assert done.returncode == 1
    assert done.stderr.startswith("triage: another `triage report` is at work")
