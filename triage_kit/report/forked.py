"""Kernels that are forked from a process that has imported what they need, instead of each importing it again."""

from __future__ import annotations

import contextlib
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
PATIENCE, A_MOMENT = 120, 2  # seconds for the imports, and for the end


class ForkServer:
    """One such process; it imports while the caller goes on, and ends with the kernels that are left at ``close``."""

    def __init__(self, environment: Mapping[str, str], said: Path) -> None:
        self._lock = threading.Lock()
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
            self.close()  # an answer that comes late would be taken for that to another request
        kernel = int.from_bytes(answer, "big")
        if kernel:
            return Forked(kernel, ours)
        os.close(ours)
        return None

    def close(self) -> None:
        """End it, with the kernels that still run."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(A_MOMENT)
        except subprocess.TimeoutExpired:
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
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """End it."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and multiprocessing.connection.wait([self._pipe], timeout):
            with self._lock:  # kernels are stopped from another thread than that which waits for them
                if self.returncode is None:
                    os.close(self._pipe)
                    self.returncode = 0
        return self.returncode
