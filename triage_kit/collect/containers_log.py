"""The log of one container, asked of the local engine with fixed arguments: ``docker logs -t NAME``, or podman's."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from triage_kit.errors import SourceError

_SECONDS = 600
# https://docs.docker.com/reference/cli/docker/container/create/: what a name or an id may hold; never an option.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
ENGINES = ("docker", "podman")


@contextlib.contextmanager
def container_log(name: str) -> Iterator[Path]:
    """A file that holds the container's log, both of its streams, while the context lasts.

    Raises SourceError when the name is none, no engine is installed, or none of those that are knows the container.
    """
    if not _NAME.fullmatch(name):
        raise SourceError(f"docker:{name} names no container: a name has letters, digits, dots, dashes and underscores")
    installed = [engine for engine in ENGINES if shutil.which(engine)]
    if not installed:
        raise SourceError(f"neither {' nor '.join(ENGINES)} is installed here: save the log of {name} where one is")
    with tempfile.TemporaryDirectory(prefix="triage-log-") as folder:
        complaints = []
        for engine in installed:
            path = Path(folder) / engine
            complaint = _saved(engine, name, path)
            if not complaint:
                yield path
                return
            complaints.append(f"{engine}: {complaint}")
        raise SourceError("; ".join(complaints))


def _saved(engine: str, name: str, path: Path) -> str:
    with path.open("wb") as stream:
        try:
            done = subprocess.run(
                [engine, "logs", "-t", name], stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                timeout=_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"no end of the log after {_SECONDS} s"
    if done.returncode:
        return " ".join(path.read_bytes()[-400:].decode("utf-8", "replace").split()) or f"exit status {done.returncode}"
    return ""
