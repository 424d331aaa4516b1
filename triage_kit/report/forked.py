"""Kernels that are forked from a process that has imported what they need, instead of each importing it again."""

from __future__ import annotations

import json
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from triage_kit.report import forkserver

# macOS forbids what some of its own libraries do after a fork, Windows has none: kernels are started one by one there.
POSSIBLE = sys.platform.startswith("linux")
PATIENCE = 120  # seconds for the imports


class ForkServer:
    """One such process; it imports while the caller goes on, and ends with the kernels that are left at ``close``."""

    def __init__(self, environment: Mapping[str, str], said: Path) -> None:
        self._lock = threading.Lock()
        self._said = said
        self._channel, theirs = socket.socketpair()
        self._channel.settimeout(PATIENCE)
        with theirs, said.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, forkserver.__file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                # Threads of the linear algebra, which no figure asks for, would make the fork unsafe.
                env={**environment, "OPENBLAS_NUM_THREADS": "1"}, start_new_session=True,
            )  # fmt: skip

    def fork(self, argv: list[str], cwd: str, environment: Mapping[str, str], said: Path) -> Forked | None:
        """A kernel with the arguments ``argv``; None where this process cannot make one."""
        ours, theirs = os.pipe()
        request = {"argv": argv, "cwd": cwd, "env": dict(environment), "said": str(said)}
        content = json.dumps(request).encode("ascii")
        try:
            with self._lock:
                socket.send_fds(self._channel, [len(content).to_bytes(forkserver.SIZE, "big")], [theirs])
                self._channel.sendall(content)
                answer = self._channel.recv(forkserver.SIZE)
        except OSError:
            answer = b""
        finally:
            os.close(theirs)
        if len(answer) < forkserver.SIZE:
            os.close(ours)
            return None
        return Forked(int.from_bytes(answer, "big"), ours)

    def close(self) -> None:
        """End it; a kernel that still runs sees that, and ends as well."""
        self._process.kill()
        self._process.wait()
        self._channel.close()


class Forked:
    """A kernel that is another process's child, as ``subprocess.Popen`` shows one that is this process's own."""

    stdin = stdout = stderr = None  # for a kernel manager, which closes those that it was given

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._pipe = pipe  # at its end when the kernel has ended

    def poll(self) -> int | None:
        """None while it runs; 0 after its end, however it ended: its parent alone is told more."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """0 after its end; raises subprocess.TimeoutExpired when it runs for ``timeout`` seconds more."""
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing when it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """End it."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        with self._lock:
            if self.returncode is None and multiprocessing.connection.wait([self._pipe], timeout):
                os.close(self._pipe)
                self.returncode = 0
            return self.returncode
