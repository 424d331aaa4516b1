"""Compiled patterns of Hyperscan, kept between runs: compiling takes as long as twenty megabytes of a log.

What is kept lies in the user's cache (``XDG_CACHE_HOME``, or ``~/.cache``, in ``triage_kit``), named after everything
that it hangs on. A forged one would hide what a log holds: only a file that this user wrote, in a folder that nobody
else may write, is read, and Hyperscan checks its sum, its version and the processor. Where anything is wrong with it,
the patterns are compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

_SUFFIX = ".hs"
_MOST_KEPT = 20  # each log_line_prefix has its own


def compiled(patterns: tuple[str, ...], keep: bool) -> Any:
    """A database of the patterns, each numbered by its place; keep it, or take the one that was kept."""
    path = _place(patterns) if keep else None
    found = _loaded(path) if path else None
    if found is None:
        found = _compiled(patterns)
        if path is not None:
            # A home that cannot be written, a full disk: the next run compiles again.
            with contextlib.suppress(OSError):
                _keep(path, found)
    return found


def _compiled(patterns: tuple[str, ...]) -> Any:
    import hyperscan

    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_MULTILINE | hyperscan.HS_FLAG_DOTALL
    made.compile(
        expressions=[each.replace(r"\Z", r"\n").encode() for each in patterns],
        ids=list(range(len(patterns))),
        elements=len(patterns),
        flags=[flags] * len(patterns),
    )
    return made


def _place(patterns: tuple[str, ...]) -> Path | None:
    import hyperscan

    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 of nobody, no error
    if os.name != "posix" or not os.path.isabs(home):  # noqa: PTH117 elsewhere nothing tells who may write a file
        return None
    told = repr((hyperscan.__version__, patterns))  # type: ignore[attr-defined]
    return Path(home) / "triage_kit" / (hashlib.sha256(told.encode()).hexdigest() + _SUFFIX)


def _loaded(path: Path) -> Any:
    import hyperscan

    try:
        folder = path.parent.lstat()
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            held = os.fstat(descriptor)
            if not (_ours(folder) and _ours(held) and stat.S_ISDIR(folder.st_mode) and stat.S_ISREG(held.st_mode)):
                return None
            found = hyperscan.loadb(stream.read(), hyperscan.HS_MODE_BLOCK)
        found.scratch = hyperscan.Scratch(found)
    except (OSError, hyperscan.error):  # there is none, or of another version or processor
        return None
    return found


def _ours(told: os.stat_result) -> bool:
    return told.st_uid == os.geteuid() and not told.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _keep(path: Path, database: Any) -> None:
    import hyperscan

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _ours(path.parent.lstat()):
        return
    for old in sorted(path.parent.glob(f"*{_SUFFIX}"), key=lambda each: each.lstat().st_mtime)[: -_MOST_KEPT + 1]:
        old.unlink(missing_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # mode 0600; other processes may write the same
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(hyperscan.dumpb(database))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
