"""The folder report/: the earlier one stands until the new one is complete, then it is replaced as a whole."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from triage_kit.errors import ReportError
from triage_kit.files import private_folder, private_stream, sync_folder

NEW, OLD = ".report.new", ".report.old"
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


@contextlib.contextmanager
def told(folder: Path) -> Iterator[None]:
    """What the system says when the folder cannot be written, as one paragraph."""
    try:
        yield
    except OSError as error:
        raise ReportError(
            f"{folder} cannot be written ({error.strerror or error}), an earlier report is as it was: free space, let "
            "this account write there, or work on a copy of the case"
        ) from None


def prepare(folder: Path, own: frozenset[str]) -> None:
    """Make the folder for its owner alone, and finish or undo what a killed run was replacing.

    ``own`` are the names of the files that the kit writes; others belong to an analyst and stay.
    """
    with told(folder):
        if folder.is_symlink():
            raise ReportError(f"{folder} is a link: move it away, the report is replaced as a whole folder")
        old, new = folder.with_name(OLD), folder.with_name(NEW)
        if old.is_dir() and not folder.exists():
            old.rename(folder)
        private_folder(folder)
        for left in (old, new):
            _clear(left, folder, own)


def replace(folder: Path, texts: Mapping[str, str], own: frozenset[str]) -> None:
    """Put the texts, by file name, in place of the report in one step; files that are not ``own`` are carried over."""
    new = folder.with_name(NEW)
    with told(folder):
        try:
            private_folder(new)
            for name, text in texts.items():
                with private_stream(new / name) as stream:
                    stream.write(text.encode("utf-8"))
            sync_folder(new)
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        left = _swap(folder, new)
        sync_folder(folder.parent)
        _clear(left, folder, own)


def _swap(folder: Path, new: Path) -> Path:
    """Put ``new`` in the folder's place; returns where the earlier one is now."""
    if _exchanged(folder, new):
        return new
    # Two steps where the system has no single one: a run that is killed between them is undone by the next.
    old = folder.with_name(OLD)
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    return old


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two changed places; https://man7.org/linux/man-pages/man2/rename.2.html."""
    if sys.platform != "linux":
        return False
    try:
        call = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):  # a C library older than the call
        return False
    return call(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0


def _clear(left: Path, folder: Path, own: frozenset[str]) -> None:
    """Remove a report that was replaced, or one that was never finished; an analyst's files move to the new one."""
    if not left.is_dir():
        return
    for path in sorted(left.iterdir()):
        if path.name not in own and not (folder / path.name).exists():
            path.rename(folder / path.name)
    shutil.rmtree(left)
