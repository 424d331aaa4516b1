"""History of a checkout through git, with everything turned off that a repository's own settings could start.

A checkout is foreign: its configuration may name programs (pagers, hooks, signature checkers, monitors, transports).
None of them runs: settings that matter are overridden, system and user settings are not read, no transport is allowed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from triage_kit.errors import SourceError

_SECONDS = 60
_MOST_IN_WINDOW = 5_000
_MOST_BESIDES = 200
_FORMAT = "%x01%H%x00%an%x00%at%x00%ct%x00%s%x00"
# https://git-scm.com/docs/git-config: safe.directory counts only from the command line or this environment.
_SETTINGS = {
    "safe.directory": "*",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.pager": "cat",
    "log.showSignature": "false",
    "gpg.program": "false",
    "diff.external": "",
    "protocol.allow": "never",
    "core.sshCommand": "false",
    "credential.helper": "",
}


@dataclass(frozen=True)
class Commit:
    """One commit; paths are those that it changed, inside the repository."""

    sha: str
    author: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    paths: tuple[str, ...]


class NoHistory(SourceError):
    """The files can be read, their history cannot: no git on this machine, or a folder without a repository."""


def read_commits(folder: Path, start: datetime | None, end: datetime | None) -> list[Commit]:
    """Commits of all branches inside the window and the newest 200 besides, newest first.

    Raises NoHistory when there is no git or no repository, SourceError when there is no commit or no answer in time.
    """
    if shutil.which("git") is None:
        raise NoHistory("there is no git on this machine")
    found = {each.sha: each for each in _log(folder, _MOST_BESIDES)}
    if start or end:
        bounds = [f"--since={_epoch(start)}"] if start else []
        bounds += [f"--until={_epoch(end)}"] if end else []
        found |= {each.sha: each for each in _log(folder, _MOST_IN_WINDOW, *bounds)}
    return sorted(found.values(), key=lambda each: (each.committed_at, each.sha), reverse=True)


def read_last_changes(folder: Path, paths: Collection[str]) -> dict[str, Commit]:
    """The newest commit of the checked-out branch that changed each path; paths without one are left out.

    Raises as ``read_commits`` does.
    """
    if shutil.which("git") is None:
        raise NoHistory("there is no git on this machine")
    waiting = sorted(paths)
    found: dict[str, Commit] = {}
    for at in range(0, len(waiting), _PATHS_AT_ONCE):
        part = waiting[at : at + _PATHS_AT_ONCE]
        for each in _run(folder, [*_LOG, f"--max-count={_MOST_IN_WINDOW}", "HEAD", "--", *part]):
            for path in each.paths:
                found.setdefault(path, each)
    return {path: found[path] for path in waiting if path in found}


def _epoch(at: datetime) -> str:
    return f"@{int(at.timestamp())}"


_PATHS_AT_ONCE = 500
_LOG = (
    "log", "-z", f"--format={_FORMAT}", "--name-only", "--relative", "--no-renames", "--no-ext-diff", "--no-textconv",
    "--no-show-signature", "--no-mailmap", "--no-notes", "--no-color",
)  # fmt: skip


def _log(folder: Path, most: int, *bounds: str) -> list[Commit]:
    return _run(folder, [*_LOG, f"--max-count={most}", *bounds, "HEAD", "--branches", "--remotes", "--"])


def _run(folder: Path, arguments: Sequence[str]) -> list[Commit]:
    written = run(folder, arguments, _SECONDS).decode("utf-8", "surrogateescape")
    return [_commit(each) for each in written.split("\x01")[1:]]


def run(folder: Path, arguments: Sequence[str], seconds: float) -> bytes:
    """What git writes, started so that nothing of the repository's own settings runs; raises as ``read_commits``."""
    base = ["git", "--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs"]
    command = [*base, "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, env=_environment(), stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"git {arguments[0]} gave no answer within {seconds:.0f} s") from None
    except OSError as error:
        raise SourceError(f"git cannot be started: {error.strerror}") from error
    if done.returncode:
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()
        if any("not a git repository" in line for line in complaint):
            raise NoHistory("the folder is no git repository")
        raise SourceError(f"git {arguments[0]} failed: {_without_path(complaint[0] if complaint else '', folder)}")
    return done.stdout


def _without_path(complaint: str, folder: Path) -> str:
    return complaint.replace(str(folder), "the repository")[:300]


def _commit(written: str) -> Commit:
    sha, author, authored, committed, subject, *paths = written.split("\0")
    kept = tuple(path.strip("\n") for path in paths if path.strip("\n"))
    return Commit(sha, author, _at(authored), _at(committed), subject, kept)


def _at(epoch: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(epoch), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _environment() -> dict[str, str]:
    settings = {
        f"GIT_CONFIG_{part}_{at}": text
        for at, pair in enumerate(_SETTINGS.items())
        for part, text in zip(("KEY", "VALUE"), pair, strict=True)
    }
    fixed = {
        "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return kept | fixed | settings
