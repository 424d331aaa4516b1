"""The process that kernels of a report are forked from: run as a file, it imports what they need once for all of them.

What a kernel does first is import: IPython, pandas, matplotlib and this kit, four times the same. Here that happens
once, in a process without threads of Python, which forks a kernel each time that it is asked to over the socket whose
descriptor is its one argument. It ends, with every kernel that still runs, when the socket's other end is closed.

A request is the length of a JSON text (eight bytes, sent with the descriptor of a pipe), and the text: ``argv`` of
ipykernel, ``cwd``, ``env``, and ``said``, the file for what is written to stdout and stderr. The answer is the kernel's
process id (eight bytes), 0 where it could not be made. The kernel alone holds the pipe, so that its other end is closed
when the kernel has ended.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import warnings

SIZE = 8  # bytes of a number on the socket

# What the four notebooks have imported when they have run; whatever is missing here, a kernel imports by itself.
MODULES = (
    "ipykernel.kernelapp", "IPython.core.completerlib", "IPython.core.oinspect", "matplotlib.backends.backend_svg",
    "pandas.io.formats.html", "pyarrow.dataset", "postgast", "PIL.PngImagePlugin", "triage_kit.analyse",
    "triage_kit.opened", "triage_kit.plot", "triage_kit.sql.conditions", "triage_kit.sql.functions",
    "triage_kit.schemas.backups", "triage_kit.schemas.findings", "triage_kit.schemas.host", "triage_kit.schemas.log",
    "triage_kit.schemas.server", "triage_kit.schemas.sources",
)  # fmt: skip


def serve(channel: socket.socket) -> dict[str, object] | None:
    """Fork a kernel a request. Returns its request in each kernel, and None here, when no more will come."""
    server = os.getpid()
    kernels: list[int] = []
    try:
        while request := received(channel):
            content, pipe = request
            kernel = forked()
            if kernel == 0:
                channel.close()
                kernels.clear()
                return {**json.loads(content), "parent": server}
            os.close(pipe)
            if kernel is not None:
                kernels.append(kernel)
            channel.sendall((kernel or 0).to_bytes(SIZE, "big"))
    except OSError:
        pass  # the report is gone
    finally:
        for kernel in kernels:
            end(kernel)
    return None


def received(channel: socket.socket) -> tuple[bytes, int] | None:
    """A request and the pipe that came with it; None at the end of the channel."""
    length, pipes, *_ = socket.recv_fds(channel, SIZE, 1)
    if not length or not pipes:
        return None
    os.set_inheritable(pipes[0], False)  # a program that a cell starts and leaves behind must not hold it
    return channel.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL), pipes[0]


def forked() -> int | None:
    """0 in the new process, its id in this one, None where the system has no room for it."""
    with warnings.catch_warnings(), contextlib.suppress(OSError):
        # Python 3.12 warns of every thread: jemalloc's, which pyarrow starts, is prepared for a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
    return None


def end(kernel: int) -> None:
    """End a kernel with what it started; nobody has waited for it before, so that its id is no other process's."""
    for kill in (os.killpg, os.kill):  # it may not lead a group of its own yet
        with contextlib.suppress(OSError):
            kill(kernel, signal.SIGKILL)
    os.waitpid(kernel, 0)


def become(argv: list[str], cwd: str, env: dict[str, str], said: str, parent: int) -> None:
    """Make this process what it would be, had the kernel been started by its command line."""
    os.setsid()
    if os.getppid() != parent:
        os._exit(1)
    os.environ.clear()
    os.environ.update(env)
    file = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
    os.chdir(cwd)
    sys.argv = [*argv, f"--IPKernelApp.parent_handle={parent}"]  # by that a kernel sees that it was left alone


def main() -> None:
    """Import, freeze what was imported, serve; go on as a kernel where this is one."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    for module in MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # no collection in a kernel touches, and so copies, what all of them share
    request = serve(channel)
    if request is not None:
        become(**request)  # type: ignore[arg-type] # as ForkServer writes it
        from ipykernel import kernelapp

        kernelapp.launch_new_instance()


if __name__ == "__main__":
    main()
