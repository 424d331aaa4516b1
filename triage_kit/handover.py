"""The investigation of one case, drawn once by the process that reports and taken over by the kernels of its notebooks.

Four kernels that each read all evidence and draw the same conclusions would need more time than everything else that
they do. The conclusions go through a file in a private folder that the reporting process made: it draws them while the
kernels start, and they wait for it. Where nobody offers any, as in JupyterLab, a notebook draws its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import pickle
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from triage_kit.files import private_stream

if TYPE_CHECKING:
    from triage_kit.analyse import Investigation

VARIABLE = "TRIAGE_HANDOVER"
FILE, AWAITED = "investigation", ".awaited"  # the second stands beside the first while that may still come
PAUSE = 0.02  # seconds between two looks
SEAL = hashlib.sha256().digest_size


class Offer:
    """A place in ``folder``, which must be the caller's own (mode 0700), where kernels find one investigation.

    Pickled, since the page must come out as if each notebook had drawn the conclusions: Parquet and JSON give lists for
    tuples and other kinds of missing values. Pickle runs what it reads. So the bytes are sealed (HMAC) with a key that
    is drawn for this report and told to its kernels alone, in their environment, and no byte is read before the seal
    holds: a file that somebody else put there is not. Who may set a kernel's environment can have Python run anything
    without this file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     offer = Offer(Path(folder))
    ...     offer.give("this case", {"causes": (1, None)})
    ...     offer.close()
    ...     taken("this case", offer.environment), taken("another", offer.environment), taken("this case", {})
    ({'causes': (1, None)}, None, None)
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._path.with_suffix(AWAITED).touch()
        self._key = secrets.token_hex(SEAL)

    @property
    def environment(self) -> dict[str, str]:
        """What a kernel must be told to take it."""
        return {VARIABLE: f"{self._key}:{self._path}"}

    def give(self, fingerprint: str, found: Investigation) -> None:
        """Put it there; ``fingerprint`` says what it was drawn from. Where it has no room, kernels draw their own."""
        content = pickle.dumps((fingerprint, found), pickle.HIGHEST_PROTOCOL)
        with contextlib.suppress(OSError), private_stream(self._path.with_suffix(".new")) as stream:
            stream.write(_seal(self._key, content) + content)
        with contextlib.suppress(OSError):
            self._path.with_suffix(".new").replace(self._path)

    def close(self) -> None:
        """Tell those who still wait that none will come; a full disk does not stop this."""
        self._path.with_suffix(AWAITED).unlink(missing_ok=True)


def taken(fingerprint: str, environment: Mapping[str, str] = os.environ) -> Investigation | None:
    """The investigation that this kernel was offered, once it is there; None where it is none of this fingerprint."""
    key, _, path = environment.get(VARIABLE, "").partition(":")
    content = _waited_for(Path(path)) if path else b""
    seal, content = content[:SEAL], content[SEAL:]
    if not content or not hmac.compare_digest(seal, _seal(key, content)):
        return None
    of, found = pickle.loads(content)
    return found if of == fingerprint else None


def _waited_for(path: Path) -> bytes:
    """The file's bytes, once they are there; none when none will come."""
    while path.with_suffix(AWAITED).exists() and not path.exists():
        time.sleep(PAUSE)
    return path.read_bytes() if path.exists() else b""


def _seal(key: str, content: bytes) -> bytes:
    return hmac.digest(key.encode("ascii"), content, "sha256")
