"""A practice incident as a case folder like any other, on a server that lives as long as it is looked at."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import yaml

from triage_kit.errors import LabError
from triage_kit.files import close_to_others, copy_private, private_folder, private_stream, write_private
from triage_kit.lab.incidents import INCIDENTS, Incident
from triage_kit.lab.server import Server

Notify = Callable[..., object]


class Demo(NamedTuple):
    """A rebuilt incident: its case folder, the server that still runs, and what is true of it."""

    folder: Path
    server: Server
    incident: Incident

    def taken_away(self) -> set[str]:
        """The logs that the case names, and that the incident itself left without a line or took away."""
        found = set()
        for pattern in yaml.safe_load((self.folder / "case.yaml").read_text(encoding="utf-8")).get("logs", ()):
            files = sorted(self.folder.glob(pattern))
            found |= {f"log:{path.relative_to(self.folder)}" for path in files if not path.stat().st_size}
            found |= set() if files else {f"log:{pattern}"}
        return found


@contextmanager
def build(
    name: str, out: Path | str, notify: Notify | None = None, *, role: str = "postgres", binaries: Path | None = None
) -> Iterator[Path]:
    """Rebuild the incident and give its case folder; the server is stopped and removed at the end.

    ``out`` must be new or empty; it gets case.yaml, the repository and the server's log. ``role`` is the role that
    case.yaml logs in as: the superuser, or ``triage``, which may look (pg_monitor, pg_read_all_data) and no more.
    ``notify("stage", text=..., seconds=...)`` is called when a stage is done. Raises LabError when the name is unknown,
    the folder is in use, or the server cannot be had.
    """
    with rebuild(name, out, notify, role=role, binaries=binaries) as demo:
        yield demo.folder


@contextmanager
def rebuild(
    name: str, out: Path | str, notify: Notify | None = None, *, role: str = "postgres", binaries: Path | None = None
) -> Iterator[Demo]:
    """As ``build``, and gives the server and the incident as well."""
    incident = known(name)
    folder = _folder(Path(out))
    watch = _Stopwatch(notify)
    with Server(incident.settings, binaries=binaries) as server:
        watch.stage(f"PostgreSQL {server.version[0]}.{server.version[1]} started in {server.folder}")
        keys = incident.build(server, folder)
        watch.stage(f"practice incident {name!r} rebuilt: {keys['title']}")
        write_case(folder, incident, keys, server, role)
        watch.stage(f"case written to {folder / 'case.yaml'}")
        yield Demo(folder, server, incident)


def keep_wal(demo: Demo) -> None:
    """Copy the server's WAL into the case and name it there: `triage salvage` reads rows out of it when it is gone.

    The evidence was read through the server before; case.yaml alone changes.
    """
    folder = demo.folder / "wal"
    private_folder(folder)
    for path in sorted((demo.server.data / "pg_wal").iterdir()):
        if re.fullmatch("[0-9A-F]{24}", path.name):
            with private_stream(folder / f"{path.name}.gz") as stream:
                stream.write(gzip.compress(path.read_bytes(), 1))
    case = demo.folder / "case.yaml"
    told = case.read_text(encoding="utf-8")
    if not re.search("(?m)^wal:", told):
        write_private(case, told + "wal: wal  # kept for `triage salvage`, since the server is gone\n")


def known(name: str) -> Incident:
    """The incident of that name; LabError lists the names there are."""
    try:
        return INCIDENTS[name]
    except KeyError:
        raise LabError(f"no practice incident is called {name!r}; there are {', '.join(INCIDENTS)}") from None


class _Stopwatch:
    def __init__(self, notify: Notify | None) -> None:
        self.notify, self.since = notify, time.monotonic()

    def stage(self, text: str) -> None:
        if self.notify:
            self.notify("stage", text=text, seconds=round(time.monotonic() - self.since, 2))
        self.since = time.monotonic()


class _Plain(yaml.SafeDumper):
    """Times as people write them, and no aliases: case.yaml is for reading."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_Plain.add_representer(
    datetime,
    lambda dumper, at: dumper.represent_scalar(
        "tag:yaml.org,2002:timestamp", at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    ),
)


def _folder(folder: Path) -> Path:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LabError(f"{folder} exists and is not an empty folder; give the practice incident a new one with --out")
    try:
        if not folder.is_dir():
            private_folder(folder)
    except OSError as error:
        raise LabError(f"the folder for the practice incident could not be made: {error}") from error
    return folder.resolve()


def write_case(
    folder: Path, incident: Incident, keys: dict, server: Server, role: str, leave_out: tuple[str, ...] = ()
) -> None:
    """Write case.yaml with what the incident's builder gave, and a copy of the server's log beside it.

    ``leave_out`` names keys that the case shall not have, as ``logs`` for one that has no log.
    """
    # The server's own log folder goes with the server, and under root belongs to another account: the case gets a copy.
    log = folder / "log"
    if "logs" not in leave_out:
        log.mkdir(exist_ok=True)
        for path in sorted(server.log_directory.iterdir()):
            copy_private(path, log / path.name)
    url = server.url(keys["database"]["name"], role)
    database = {"url": url, **{key: of for key, of in keys["database"].items() if key != "name"}}
    case = {"title": keys["title"], "practice": incident.name, **keys, "database": database}
    kept = {key: of for key, of in case.items() if key not in leave_out}
    text = yaml.dump(kept, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
    head = (
        "# A practice incident: a real server, a real loss, rebuilt a moment ago.\n"
        "# The server is gone when `triage demo` ends; evidence/ and report/ stay.\n"
    )
    write_private(folder / "case.yaml", head + text)
    for path in folder.iterdir():
        if path.is_dir():
            close_to_others(path)
