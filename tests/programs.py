"""PostgreSQL's client programs that the machine has, by name; a test that needs a missing one is skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import majors
import pytest

from triage_kit.lab import binaries
from triage_kit.lab.server import Server


@cache
def found(name: str) -> dict[int, Path]:
    """Where a program is, by its major."""
    places = [binaries.find(), *majors.found().values(), *Path("/usr/lib/postgresql").glob("*/bin")]
    paths = [path / name for path in places] + [Path(shutil.which(name) or "/nowhere")]
    known = {}
    for path in paths:
        if path.is_file() and (version := _major(path)):
            known.setdefault(version, path)
    return known


def _major(path: Path) -> int | None:
    done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    said = re.search(r"\) (\d+)", done.stdout)
    return int(said[1]) if said else None


def program(name: str, at_least: int = 0, exactly: int = 0) -> Path:
    """The oldest program that is new enough; skips the test with the reason where there is none."""
    usable = {major: path for major, path in found(name).items() if major >= at_least and exactly in (0, major)}
    if not usable:
        pytest.skip(f"{name} {exactly or at_least or ''} is not on this machine")
    return usable[min(usable)]


def git() -> str:
    """The program git; skips the test with the reason where there is none."""
    there = shutil.which("git")
    if there is None:
        pytest.skip("git is not installed")
    return there


def committed(folder: Path, message: str, name: str = "me", email: str = "me@example.org") -> bool:
    """Make the folder a repository with one commit of all that it holds; where there is no git it has no history."""
    if shutil.which("git") is None:
        return False
    author = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for part in ("AUTHOR", "COMMITTER"):
        author |= {f"GIT_{part}_NAME": name, f"GIT_{part}_EMAIL": email}
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", message]):
        run("git", *arguments, cwd=folder, env={**os.environ, **author})
    return True


def run(*command: object, check: bool = True, **more: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **more)
    assert not check or done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
    return done


def dump(server: Server, database: str, to: Path, *options: object) -> Path:
    """What pg_dump writes of a database."""
    run(program("pg_dump", at_least=server.version[0]), *options, "--file", to, server.url(database))
    return to


def path_with(*names: str) -> str:
    """A PATH on which the newest of these programs come first."""
    folders = [str(found(name)[max(found(name))].parent) for name in names if found(name)]
    return os.pathsep.join([*dict.fromkeys(folders), os.environ["PATH"]])
