"""Files and folders that only their owner may read, and that stand whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

FOLDER, FILE = 0o700, 0o600


def private_folder(folder: Path) -> Path:
    """Make the folder, and the missing ones above it, for its owner alone; one that is there is closed to others."""
    if not folder.exists():
        if not folder.parent.exists():
            private_folder(folder.parent)
        folder.mkdir(mode=FOLDER)
    folder.chmod(FOLDER)  # a umask may have taken more away, or the folder was made before
    return folder


@contextlib.contextmanager
def private_stream(path: Path) -> Iterator[IO[bytes]]:
    """A binary stream to the file, mode 0600 whatever the umask; at its end all of it is on the disk.

    Raises OSError when the disk is full or the folder cannot be written; a half-written file is removed then.
    """
    # A link of that name would lead the writing elsewhere.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, FILE)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if hasattr(os, "fchmod"):
                os.fchmod(stream.fileno(), FILE)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def write_private(path: Path, text: str) -> None:
    """Put the text (UTF-8, lines end with a newline alone) in place of the file's content, at once."""
    temporary = path.with_name(f".{path.name}.tmp")
    with private_stream(temporary) as stream:
        stream.write(text.encode("utf-8", "surrogateescape"))
    temporary.replace(path)
    sync_folder(path.parent)


def copy_private(source: Path, path: Path) -> None:
    """A copy of the content that only its owner may read."""
    with source.open("rb") as held, private_stream(path) as stream:
        shutil.copyfileobj(held, stream)


def close_to_others(folder: Path) -> None:
    """Take away what group and others may do with the folder and everything in it; links are left alone."""
    for root, _, files in os.walk(folder):
        Path(root).chmod(FOLDER)
        for name in files:
            path = Path(root) / name
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & FOLDER)


def sync_folder(folder: Path) -> None:
    """Put the names in the folder on the disk."""
    if os.name != "posix":  # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
