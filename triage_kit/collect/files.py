"""A walk over a checkout that is somebody else's: bounded, without links, and saying what it left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

MOST_FILES = 50_000
MOST_BYTES = 2 << 20
_TOOL_FOLDERS = (
    ".git .hg .svn node_modules venv .venv env .env __pycache__ .tox .nox .mypy_cache .ruff_cache .pytest_cache "
    "site-packages dist build target .terraform .idea .vscode"
)
_LEFT_OUT = frozenset(_TOOL_FOLDERS.split())


def walk(start: Path, passed: Counter[str], wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Path]:
    """Files below a folder whose name is wanted, sorted, without links and tool folders."""
    seen = 0
    if start.is_file():
        yield start
        return
    for folder, folders, files in os.walk(start, followlinks=False):
        folders[:] = sorted(
            name for name in folders if name not in _LEFT_OUT and not (Path(folder) / name).is_symlink()
        )
        for name in sorted(files):
            seen += 1
            if seen > MOST_FILES:
                passed[f"or more files beyond the first {MOST_FILES}"] += 1
                return
            path = Path(folder) / name
            if not wanted(path.name):
                continue
            if path.is_symlink():
                passed["links"] += 1
            else:
                yield path


def content(path: Path, passed: Counter[str]) -> bytes | None:
    """The bytes of a text file; None, and counted, where it is too big, binary or unreadable."""
    try:
        if path.stat().st_size > MOST_BYTES:
            passed[f"files larger than {MOST_BYTES >> 20} MiB"] += 1
            return None
        data = path.read_bytes()
    except OSError:
        passed["unreadable files"] += 1
        return None
    if b"\0" in data[:8192]:
        passed["binary files"] += 1
        return None
    return data
