"""Running one notebook: this interpreter, a clean home, no network port where the system allows it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nbformat
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError
from papermill.inspection import _infer_parameters
from papermill.iorw import load_notebook_node
from traitlets import Unicode
from traitlets.config import Config

from triage_kit.errors import ReportError
from triage_kit.report import forked
from triage_kit.report.forked import Forked, ForkServer
from triage_kit.resources import PACKAGE

# What a kernel that is ended says stands in its notebook; Python would print it on stderr besides.
for _name in ("papermill", "traitlets"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

if TYPE_CHECKING:
    from jupyter_client.provisioning import LocalProvisioner

# macOS has the shortest limit of a Unix socket path, 103 bytes; jupyter adds a few characters.
LONGEST_SOCKET = 90
LAUNCHER = 2  # of the words of a kernel's command those that stand before its arguments: interpreter, -m
START, CELL = 120, 900  # seconds until a kernel, or one cell, counts as hung


class Kernels:
    """The kernels of one report, so that none outlives it when it is interrupted.

    ``told`` is what all of them are told in their environment, ``folder`` where the process that they are forked from
    has its settings; without one, each is started by itself.
    """

    def __init__(self, told: Mapping[str, str] | None = None, folder: Path | None = None) -> None:
        self.told = told or {}
        self.forks = ForkServer(environment(folder), folder / "stderr") if folder and forked.POSSIBLE else None
        self._running: list[subprocess.Popen[bytes] | Forked] = []
        self._stopped = False
        self._lock = threading.Lock()

    def began(self, process: subprocess.Popen[bytes] | Forked) -> None:
        """Remember a kernel; one that begins after the end is ended at once."""
        with self._lock:
            self._running.append(process)
            if self._stopped:
                self._kill(process)

    def stop(self) -> None:
        """End all of them, with the processes that they started."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                self._kill(process)
        self.close()

    def close(self) -> None:
        """No kernel begins any more."""
        if self.forks is not None:
            self.forks.close()
        for process in self._running:
            process.poll()

    @staticmethod
    def _kill(process: subprocess.Popen[bytes] | Forked) -> None:
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if os.name == "posix" and os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()


class OwnKernel(AsyncKernelManager):
    """Starts the kernel with the interpreter that runs now, whatever the kernelspec ``python3`` means here."""

    kernels = Kernels()
    folder = Unicode(help="private folder for sockets, settings and caches").tag(config=True)

    @property
    def kernel_spec(self) -> KernelSpec:
        """The command line: current folder kept off the import path, no history file."""
        arguments = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
        quiet = ["--InteractiveShellApp.ignore_cwd=True", "--HistoryManager.enabled=False"]
        return KernelSpec(argv=[sys.executable, *arguments, *quiet], display_name="Python 3", language="python")

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        # What the libraries below Python say (fontconfig, for one) is for a log and not for the user's terminal.
        said = Path(self.folder) / "stderr"
        if not self._forked(kernel_cmd, said, **kw):
            with said.open("ab") as stream:
                await super()._async_launch_kernel(kernel_cmd, **{**kw, "stderr": stream})
        process = cast("LocalProvisioner", self.provisioner).process
        if process is not None:
            self.kernels.began(process)

    def _forked(self, command: list[str], said: Path, *, cwd: str, env: dict[str, str], **_: Any) -> bool:
        forks, provisioner = self.kernels.forks, cast("LocalProvisioner", self.provisioner)
        kernel = forks.fork(command[LAUNCHER:], cwd, env, said) if forks else None
        if kernel is None:
            return False
        provisioner.process = cast("subprocess.Popen[bytes]", kernel)
        provisioner.pid = provisioner.pgid = kernel.pid
        self._reconcile_connection_info(provisioner.connection_info)
        return True

    async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
        self.connection_file = str(Path(self.folder) / "kernel.json")
        if os.name == "posix" and len(os.fsencode(self.folder)) < LONGEST_SOCKET:
            self.transport = "ipc"
            self.ip = str(Path(self.folder) / "k")
        told = {**environment(Path(self.folder)), **self.kernels.told}
        return await super()._async_pre_start_kernel(**{**kw, "env": told})


def environment(folder: Path) -> dict[str, str]:
    """The environment of a kernel: the caller's, with every settings folder moved to ``folder``.

    A start-up script or a setting of the user would make the same evidence give another page; a home that cannot be
    written to would make the kernel fail.
    """
    settings = {
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
    }
    for each in settings.values():
        each.mkdir(parents=True, exist_ok=True)
    named = {name: str(path) for name, path in settings.items()}
    return {
        **os.environ,
        **named,
        **_font_cache(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])),
        "PYTHONUTF8": "1",
        "PYTHONSAFEPATH": "1",
        "MPLBACKEND": "agg",
        "TZ": "UTC",
    }


def _font_cache(folder: Path) -> dict[str, str]:
    # matplotlib's list of fonts takes seconds to build: the user's own is kept where it can be.
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME") or "/nonexistent") / ".cache")
    nearest = next((each for each in (home / "matplotlib", home, home.parent) if each.exists()), None)
    if "MPLCONFIGDIR" in os.environ or (nearest is not None and os.access(nearest, os.W_OK)):
        return {}
    return {"MPLCONFIGDIR": str(folder / "matplotlib")}


def execute(
    source: Path, parameters: dict[str, Any], cwd: Path, folder: Path, kernels: Kernels | None = None
) -> nbformat.NotebookNode:
    """Run one notebook to its end or to its first failing cell.

    Parameters
    ----------
    source : the notebook.
    parameters : values for the names in its ``parameters`` cell.
    cwd : where the kernel runs; relative parameters start there.
    folder : private and short; sockets, settings and the copy in progress go there.
    kernels : gets the kernel, to end it from another thread.

    Returns
    -------
    The executed notebook; after a failure its failing cell ends with the error.

    Raises
    ------
    ReportError when the notebook has no parameter of a given name, or no kernel starts.
    """
    notebook = load_notebook_node(nbformat.read(source, as_version=4))
    unknown = set(parameters) - {each.name for each in _infer_parameters(notebook)}
    if unknown:
        raise ReportError(
            f"the notebook {source.name} has no parameter {', '.join(sorted(unknown))}: its cell tagged 'parameters' "
            "must assign it, one line a parameter"
        )
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "executed.ipynb"
    try:
        return execute_notebook(
            notebook,
            str(copy).replace("{", "{{").replace("}", "}}"),  # papermill formats the path
            parameters=parameters,
            progress_bar=False,
            resources={"metadata": {"path": str(cwd)}},
            kernel_manager_class=type("OfThisReport", (OwnKernel,), {"kernels": kernels or Kernels()}),
            config=Config({"OwnKernel": {"folder": str(folder)}}),
            record_timing=False,
            request_save_on_cell_execute=False,  # twice a cell, all that was drawn so far: once at the end is enough
            start_timeout=START,
            execution_timeout=CELL,
            iopub_timeout=START,  # what a cell shows comes after its answer: late, where a machine is busy
        )
    except PapermillExecutionError:
        return nbformat.read(copy, as_version=4)
