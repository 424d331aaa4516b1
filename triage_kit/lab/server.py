"""A throwaway PostgreSQL server: own folder, own socket, gone when its owner is gone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import psycopg

from triage_kit.errors import LabError
from triage_kit.lab import binaries as programs

if sys.platform != "win32":
    import fcntl

PREFIX = "triage-pg-server-"
PORT = 5432
LONGEST_FOLDER = 107 - len("/.s.PGSQL.5432.lock") - 1
DEFAULTS: dict[str, object] = {"fsync": False, "listen_addresses": "", "port": PORT, "unix_socket_permissions": "0700"}
PR_SET_PDEATHSIG = 1


class Server:
    """A PostgreSQL server of its own, started by ``with`` and removed without a trace at its end.

    Parameters: ``settings`` is configuration by name (bool, int, float or str, written quoted; fsync is off unless it
    says otherwise); ``binaries`` is a folder with ``postgres`` and ``initdb`` (default: ``binaries.find()``);
    ``folder`` is where the server's own folder is made (default: the system's temp folder; its path must be short, a
    Unix socket path holds 107 bytes); ``initdb`` holds further options of that program, as ``--data-checksums``.
    Attributes: ``version`` (major, minor), ``folder``, ``data``, ``log_directory``,
    ``log_file`` (what the server wrote to stderr).

    It listens on a Unix socket in a folder that only its account may enter, trusts every role there, and speaks UTC.
    Raises LabError with the log's last lines when it does not start.

    >>> with Server({"work_mem": "8MB"}) as server, server.connect() as connection:
    ...     connection.execute("SHOW work_mem").fetchone()
    ('8MB',)
    """

    def __init__(
        self,
        settings: Mapping[str, object] | None = None,
        binaries: Path | None = None,
        folder: Path | None = None,
        start_timeout: float = 60.0,
        initdb: Sequence[str] = (),
    ) -> None:
        if sys.platform == "win32":
            raise LabError("a throwaway server needs Unix sockets, and this is Windows; run the lab in WSL")
        self.settings = {**DEFAULTS, **(settings or {})}
        self.start_timeout = start_timeout
        self.initdb = tuple(initdb)
        self.account = programs.account()
        self.binaries = programs.usable(Path(binaries) if binaries else programs.find(), self.account)
        self.version = programs.version(self.binaries, self.account)
        self._parent = Path(folder) if folder else _short_temp()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner: int | None = None

    def __enter__(self) -> Server:
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Process id of the postmaster while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def url(self, database: str = "postgres", role: str | None = None) -> str:
        """Connection URL of a database for libpq and, with its driver named, SQLAlchemy; it needs no password."""
        return (
            f"postgresql://{quote(role or 'postgres', safe='')}@/{quote(database, safe='')}"
            f"?host={quote(str(self.folder), safe='/')}&port={PORT}"
        )

    def connect(
        self,
        database: str = "postgres",
        role: str | None = None,
        autocommit: bool = True,
        application: str = "triage_lab",
    ) -> psycopg.Connection:
        """A psycopg connection as the role, named ``application`` in pg_stat_activity."""
        return psycopg.connect(
            host=str(self.folder),
            port=PORT,
            dbname=database,
            user=role or "postgres",
            application_name=application,
            autocommit=autocommit,
            options="",
            client_encoding="utf8",
            sslmode="disable",
            gssencmode="disable",
        )

    def start(self) -> None:
        """Start the postmaster and wait until it takes connections; nothing happens when it runs."""
        deadline = time.monotonic() + self.start_timeout
        while self.pid is None:
            self._spawn()
            if self._ready(deadline):
                return
            # Backends of a killed postmaster leave within moments; until then their memory bars a new one.
            if "pre-existing shared memory block" not in self.log_tail() or time.monotonic() > deadline:
                raise LabError(
                    f"PostgreSQL {self.version[0]} in {self.folder} did not start; "
                    f"its log ends with:\n{self.log_tail()}"
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop as ``pg_ctl stop -m fast`` does; after 20 s harder, at last by SIGKILL."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal_, patience in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal_)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
                return

    def restart(self) -> None:
        """Stop cleanly and start again: counters survive, sessions do not."""
        self.stop()
        self.start()

    def crash(self) -> None:
        """Kill the postmaster with SIGKILL, as a machine would; ``start`` then runs crash recovery."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """Stop as ``pg_ctl stop -m immediate`` does: no checkpoint, and ``start`` then runs crash recovery."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait(20.0)

    def renew(self) -> None:
        """Throw the data directory away and make a new one, as a lost volume does; the log stays."""
        self.stop()
        shutil.rmtree(self.data)
        self._initdb()
        self._defaults = (self.data / "postgresql.conf").read_text()
        self._configure()
        self.start()

    def keep(self, target: Path) -> None:
        """Copy the data directory of the stopped server, file times and owners with it."""
        _copy_tree(self.data, target)

    def put_back(self, source: Path) -> None:
        """Make a copy of ``keep`` the data directory of the stopped server."""
        shutil.rmtree(self.data, ignore_errors=True)
        _copy_tree(source, self.data)

    def reload(self, **settings: object) -> None:
        """Change settings as an administrator does: in the file, then SIGHUP; None gives a setting its default back."""
        self.settings.update(settings)
        self._configure()
        with self.connect() as connection:
            connection.execute("SELECT pg_reload_conf()")

    def log_tail(self, lines: int = 15) -> str:
        """Last lines of what the server wrote to stderr."""
        try:
            return "\n".join(self.log_file.read_text("utf-8", "replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def close(self) -> None:
        """Stop and remove every file of the server."""
        self.stop()
        if self._owner is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self._owner)
            self._owner = None

    def _prepare(self) -> None:
        _sweep(self._parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent))
        self._owner = _claim(self.folder)
        self.data, self.log_directory = self.folder / "data", self.folder / "log"
        self.log_file = self.log_directory / "postgresql.log"
        self.log_directory.mkdir(0o700)
        if self.account:
            for path in (self.folder, self.log_directory):
                os.chown(path, *self.account)
        self._initdb()
        self._defaults = (self.data / "postgresql.conf").read_text()
        self._configure()

    def _initdb(self) -> None:
        command: list[str | Path] = [
            self.binaries / "initdb",
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
            *self.initdb,
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=self.start_timeout,
            cwd=self.folder,
            env=self._environment(),
            check=False,
            **programs.identity(self.account),
        )
        if done.returncode:
            raise LabError(
                f"initdb of {self.binaries} failed with status {done.returncode}: "
                f"{(done.stderr or done.stdout).strip()[-1500:]}"
            )

    def _configure(self) -> None:
        own = {**self.settings, "unix_socket_directories": self.folder}
        own.setdefault("log_directory", self.log_directory)
        lines = [f"{name} = {_quoted(value)}" for name, value in own.items() if value is not None]
        (self.data / "postgresql.conf").write_text("\n".join([self._defaults, *lines, ""]))

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
        }
        return {**kept, "LANG": "C", "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.folder)}

    def _spawn(self) -> None:
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [self.binaries / "postgres", "-D", self.data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
                preexec_fn=_die_with_parent(),
                **programs.identity(self.account),
            )
        if self.account:
            os.chown(self.log_file, *self.account)

    def _ready(self, deadline: float) -> bool:
        # The status line of postmaster.pid is what pg_ctl waits for; trying to connect would fill the log with FATAL.
        while self.pid is not None and time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                lines = (self.data / "postmaster.pid").read_text().splitlines()
                if len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() in ("ready", "standby"):
                    return True
            time.sleep(0.01)
        return False


def _copy_tree(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    state = source.stat()
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        for path in (target, *target.rglob("*")):
            os.chown(path, state.st_uid, state.st_gid, follow_symlinks=False)


def _quoted(value: object) -> str:
    text = ("off", "on")[value] if isinstance(value, bool) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _short_temp() -> Path:
    for folder in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(folder)) + len(PREFIX) + 10 <= LONGEST_FOLDER and os.access(folder, os.W_OK | os.X_OK):
            return Path(folder)
    raise LabError(
        f"a Unix socket path holds 107 bytes, and {tempfile.gettempdir()!r} is too long; set TMPDIR to a shorter folder"
    )


def _die_with_parent() -> Callable[[], None] | None:
    """What makes Linux stop the server when its owner is killed; elsewhere the next start sweeps it away."""
    # The kernel ties the signal to the thread that started the process, so a passing thread must not ask for it.
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    library, owner = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        library.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)
        if os.getppid() != owner:
            os._exit(1)

    return ask


def _claim(folder: Path) -> int:
    """A lock that lives as long as this process; it gets its name when it is held, so that no sweep comes between."""
    handle = os.open(folder / "owner.new", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    (folder / "owner.new").rename(folder / "owner")
    return handle


def _sweep(parent: Path) -> None:
    """Remove folders of our own account whose owner is gone: the lock on ``owner`` is free."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            handle = os.open(folder / "owner", os.O_RDWR | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            if os.fstat(handle).st_uid == os.geteuid():
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _stop_orphan(folder)
                shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(handle)


def _stop_orphan(folder: Path) -> None:
    # A pid alone may have been given to another process since: the command line must name this folder.
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        if str(folder / "data") in _arguments(pid):
            os.kill(pid, signal.SIGQUIT)


def _arguments(pid: int) -> str:
    """The command line of a process; where there is no /proc (macOS), as ps tells it."""
    if Path("/proc/self/cmdline").exists():  # a slim container has no ps
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
