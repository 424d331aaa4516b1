"""The repository of a practice incident: real files, and a real git history where git is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from triage_kit.errors import LabError

SETTINGS = {
    "init.defaultBranch": "main",
    "commit.gpgSign": "false",
    "core.autocrlf": "false",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "maintenance.auto": "false",
}


@dataclass(frozen=True)
class Commit:
    """Files as they were written at an instant (aware), by an author ``Name <address>``."""

    at: datetime
    author: str
    message: str
    files: dict[str, str]


def write(folder: Path, commits: list[Commit]) -> bool:
    """Write the commits in order; gives whether there is a history, False where git is missing (the files are there).

    Nobody's git configuration is read or changed; the identity goes through the environment.
    """
    git = shutil.which("git")
    folder.mkdir(parents=True, exist_ok=True)
    if git:
        _run(git, folder, ["init", "--quiet", "--template="], {})
    for commit in commits:
        for name, text in commit.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        if git:
            _run(git, folder, ["add", "--", *commit.files], {})
            _run(git, folder, ["commit", "--quiet", "--message", commit.message], _identity(commit))
    return git is not None


def _identity(commit: Commit) -> dict[str, str]:
    name, _, address = commit.author.rstrip(">").partition(" <")
    person = {"NAME": name, "EMAIL": address, "DATE": commit.at.isoformat(timespec="seconds")}
    return {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in person.items()}


def _run(git: str, folder: Path, arguments: list[str], identity: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {
        **kept,
        **identity,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    done = subprocess.run(
        [git, *options, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise LabError(f"git {arguments[0]} failed in {folder}: {(done.stderr or done.stdout).strip()}")
