"""One worker at a time in a folder, also after one was killed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from triage_kit.errors import BundleError

try:
    import fcntl
except ImportError:  # Windows: a file that must not exist yet, with the owner's process id in it
    fcntl = None  # type: ignore[assignment]


class Lock:
    """A lock file; ``acquire`` refuses at once, with ``refusal``, while another process holds it.

    The kernel lets go of it when its holder ends in whatever way. Where there is no such lock, the file itself is it
    and has to be removed by hand after a crash: the refusal says so.
    """

    def __init__(self, path: Path, refusal: str) -> None:
        self.path = path
        self.refusal = refusal
        self._descriptor: int | None = None

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock; BundleError when another holds it or the folder cannot be written."""
        flags = os.O_RDWR | os.O_CREAT | (0 if fcntl else os.O_EXCL)
        while self._descriptor is None:
            try:
                descriptor = os.open(self.path, flags, 0o600)
            except FileExistsError:
                raise BundleError(f"{self.refusal}; if none is at work, remove {self.path}") from None
            except OSError as error:
                raise BundleError(
                    f"{self.path.parent} cannot be written ({error.strerror}): let this account write there, free "
                    "space, or work on a copy of the case"
                ) from None
            if fcntl:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    os.close(descriptor)
                    raise BundleError(self.refusal) from None
                if not self._still_there(descriptor):  # its last holder removed it in between
                    os.close(descriptor)
                    continue
            self._descriptor = descriptor

    def release(self) -> None:
        """Let go; a second call does nothing."""
        if self._descriptor is None:
            return
        with contextlib.suppress(OSError):
            if fcntl:
                self.path.unlink()
        os.close(self._descriptor)
        self._descriptor = None
        with contextlib.suppress(OSError):
            if not fcntl:  # an open file cannot be removed there
                self.path.unlink()

    def _still_there(self, descriptor: int) -> bool:
        try:
            return self.path.stat().st_ino == os.fstat(descriptor).st_ino
        except FileNotFoundError:
            return False
