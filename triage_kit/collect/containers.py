"""Containers and their volumes: asked of the local engine, which is only told to inspect, or out of saved files."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import Case, resolve
from triage_kit.collect import named_files
from triage_kit.errors import SourceError
from triage_kit.parse.containers import Inspected, read_inspect, without_values
from triage_kit.redact import redact

COSTS = "whether a volume was replaced or a container made anew"
ENGINES = ("docker", "podman")
PATIENCE = 15.0
MOST = 32 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def read_containers(case: Case, draft: Draft, notify: Callable[..., None]) -> None:
    """Read every entry of ``containers:`` into the tables of the host; one that cannot be read is a gap."""
    found = Inspected()
    for entry in case.containers:
        source = f"containers:{named_files.shown(entry)}"
        try:
            inspected = _file(case, draft, entry) if _is_file(case, entry) else _asked(draft, entry)
        except SourceError as error:
            reason = redact(str(error))
            draft.answer(source=source, status="unavailable", reason=reason, costs=COSTS, named=True)
            notify("question", source=source, status="unavailable", rows=None, reason=reason, done=0, total=0)
            continue
        found.join(inspected)
        rows = len(inspected.containers) + len(inspected.volumes)
        draft.answer(source=source, status="answered", rows=rows, named=True, costs=COSTS)
        notify("question", source=source, status="answered", rows=rows, reason=None, done=0, total=0)
    if case.containers:
        _write(draft, found)


def _is_file(case: Case, entry: str) -> bool:
    return bool(resolve(case, entry)) or not _NAME.fullmatch(entry) or entry.endswith((".json", ".gz", ".txt"))


def _file(case: Case, draft: Draft, entry: str) -> Inspected:
    data = named_files.content(case, entry, MOST)
    found = read_inspect(data, named_files.shown(entry))
    draft.keep_raw(f"containers-{Path(entry).name} without values", without_values(data))
    return found


def _asked(draft: Draft, name: str) -> Inspected:
    """One container of the engine that knows it, with its volumes and its image."""
    engines = [engine for engine in ENGINES if shutil.which(engine)]
    if not engines:
        raise SourceError(f"neither {' nor '.join(ENGINES)} is installed here: save `docker inspect {name}` on the "
                          "host that runs the container, and name the file")  # fmt: skip
    refusals = []
    for engine in engines:
        try:
            data = _inspect(engine, "container", name)
        except SourceError as error:
            refusals.append(f"{engine}: {error}")
            continue
        found = read_inspect(data, engine)
        draft.keep_raw(f"containers-{name}.json without values", without_values(data))
        for kind, wanted in (("volume", [row["volume"] for row in found.mounts if row["volume"]]),
                             ("image", [row["image_id"] for row in found.containers if row["image_id"]])):  # fmt: skip
            for each in wanted:
                found.join(_beside(engine, kind, each))
        return found
    raise SourceError("; ".join(refusals))


def _beside(engine: str, kind: str, name: str) -> Inspected:
    """A volume or an image; that it is not there says nothing about the container."""
    try:
        return read_inspect(_inspect(engine, kind, name), engine)
    except SourceError:
        return Inspected()


def _inspect(engine: str, kind: str, name: str) -> bytes:
    """The engine's own words; the command is fixed and only the name is the case's."""
    if not _NAME.fullmatch(name):
        raise SourceError(f"{name[:80]!r} is no name of a {kind}")
    program = shutil.which(engine) or engine
    try:
        done = subprocess.run([program, kind, "inspect", name], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PATIENCE, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise SourceError(f"it did not answer within {PATIENCE:.0f} seconds") from None
    except OSError as error:
        raise SourceError(f"it cannot be started: {error.strerror}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split()) or f"it ended with status {done.returncode}"
        raise SourceError(said[:300])
    return done.stdout[:MOST]


def _write(draft: Draft, found: Inspected) -> None:
    containers = [{**row, "image_created_at": found.images.get(row["image_id"])} for row in found.containers]
    for table, rows in (("containers", containers), ("container_mounts", found.mounts), ("volumes", found.volumes),
                        ("container_environment", found.environment)):  # fmt: skip
        draft.write(table, schemas.frame(table, list(_once(rows))))


def _once(rows: list[dict]) -> list[dict]:
    """Rows without repetition: two containers share a volume, and a file may be named beside its engine."""
    return list({tuple(sorted(row.items(), key=lambda item: item[0])): row for row in rows}.values())
