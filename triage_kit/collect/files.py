"""A walk over a checkout that is somebody else's: bounded, without links, and saying what it left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

MOST_FILES = 50_000
MOST_BYTES = 2 << 20
_TOOL_FOLDERS = (
    ".git .hg .svn node_modules venv .venv env .env __pycache__ .tox .nox .mypy_cache .ruff_cache .pytest_cache "
    "site-packages dist build target .terraform .idea .vscode"
)
_LEFT_OUT = frozenset(_TOOL_FOLDERS.split())


def walk(start: Path, passed: Counter[str], wanted: Callable[[str], bool] = lambda name: True) -> Iterator[Path]:
    """Ordinary files below a folder whose name is wanted, sorted, without links and tool folders."""
    seen = folders = 0
    if start.is_file():
        yield start
        return
    waiting = [start]  # os.walk of Python 3.11 recurses, and folders may nest deeper than that bears
    while waiting:
        folder = waiting.pop()
        folders += 1
        inside = sorted(_entries(folder, passed), key=lambda entry: entry.name)
        waiting += [
            Path(entry.path) for entry in reversed(inside)
            if entry.is_dir(follow_symlinks=False) and entry.name not in _LEFT_OUT
        ]  # fmt: skip
        for entry in inside:
            if _is_folder(entry):
                continue
            seen += 1
            if seen > MOST_FILES or folders > MOST_FILES:
                passed[f"or more files beyond the first {MOST_FILES}"] += 1
                return
            if not wanted(entry.name):
                continue
            if entry.is_symlink():
                passed["links"] += 1
            elif not entry.is_file(follow_symlinks=False):
                passed["pipes, sockets or devices"] += 1  # one that is opened may never answer
            else:
                yield Path(entry.path)


def _entries(folder: Path, passed: Counter[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(islice(found, MOST_FILES + 1))
    except OSError:
        passed["folders that cannot be opened"] += 1
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads round in a circle
        return False


def content(path: Path, passed: Counter[str]) -> bytes | None:
    """The bytes of a text file; None, and counted, where it is too big, binary or unreadable."""
    try:
        data = _bytes(path)
    except OSError:
        passed["unreadable files"] += 1
        return None
    if len(data) > MOST_BYTES:
        passed[f"files larger than {MOST_BYTES >> 20} MiB"] += 1
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # as PowerShell and Windows' tools write text
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    if b"\0" in data[:8192]:
        passed["binary files"] += 1
        return None
    return data


def _bytes(path: Path) -> bytes:
    """The bytes of a file up to just above the most, by fewer calls of the system than an open file makes."""
    opened = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        parts = []
        left = MOST_BYTES + 1
        while left > 0 and (part := os.read(opened, min(left, _AT_ONCE))):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        os.close(opened)


_AT_ONCE = 1 << 16
_MOST_KEPT = 64 << 20


class Contents:
    """``content`` for two readers of the same files: what the first one read is kept for the second, within bounds."""

    def __init__(self) -> None:
        self._kept: dict[Path, bytes] = {}
        self._room = _MOST_KEPT

    def __call__(self, path: Path, passed: Counter[str]) -> bytes | None:
        data = self._kept.pop(path, None)
        if data is not None:
            self._room += len(data)
            return data
        data = content(path, passed)
        if data is not None and len(data) <= self._room:
            self._kept[path] = data
            self._room -= len(data)
        return data
