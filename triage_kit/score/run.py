"""Runs incidents on majors in separate processes, and keeps the records of every run in one file."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from triage_kit.errors import LabError
from triage_kit.lab.demo import known
from triage_kit.lab.incidents import INCIDENTS, Incident
from triage_kit.score.views import VIEWS, Look, looks

Notify = Callable[[str], object]
ROWS = "rows.json"


class Job(NamedTuple):
    """One incident on one major, to be seen in some views; ``cases`` is where collected cases are kept, if anywhere."""

    incident: str
    major: int
    binaries: str
    views: tuple[str, ...]
    cases: str | None = None


class Done(NamedTuple):
    """Records of a job, how long it took, and why it ended early, if it did."""

    job: Job
    records: list[dict]
    seconds: float
    failure: str | None


def jobs(names: Iterable[str], majors: dict[int, Path], views: Iterable[str], cases: str | None = None) -> list[Job]:
    """A job for every incident on every major that knows its statements."""
    wanted = tuple(view for view in VIEWS if view in set(views))
    return [
        Job(name, major, str(folder), wanted, cases)
        for major, folder in majors.items()
        for name in names
        if known(name).since <= major
    ]


def run(job: Job) -> Done:
    """Rebuild, collect, conclude and judge; a failure is told and loses only what came after it."""
    from triage_kit.analyse import investigate
    from triage_kit.opened import open_case
    from triage_kit.score.judge import judge

    started = time.monotonic()
    incident = INCIDENTS[job.incident]
    work = Path(tempfile.mkdtemp(prefix="triage-score-"))
    records: list[dict] = []
    failure = None
    try:
        for look in _looks(job, incident, work):
            found = investigate(open_case(look.folder).evidence)
            records += judge(incident, job.major, look.view, look.rows, found)
    except Exception as error:  # noqa: BLE001 a scoreboard counts what breaks instead of breaking
        failure = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Done(job, records, round(time.monotonic() - started, 1), failure)


def _looks(job: Job, incident: Incident, work: Path) -> Iterator[Look]:
    """The wanted views: as they were kept by an earlier run, or from a server and kept for the next one."""
    wanted = {view for view in job.views if incident.views.get(view, {}) is not None}
    kept = Path(job.cases) / str(job.major) / job.incident if job.cases else None
    if kept is not None:
        there = {view for view in wanted if (kept / view / ROWS).is_file()}
        for view in sorted(there):
            yield Look(view, kept / view, json.loads((kept / view / ROWS).read_text(encoding="utf-8")))
        wanted -= there
    for look in looks(incident, Path(job.binaries), work, wanted) if wanted else ():
        if look.view in wanted:
            yield look if kept is None else _kept(look, kept / look.view)


def _kept(look: Look, folder: Path) -> Look:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("evidence", "case.yaml", "marks.json"):  # the last is truth that some incidents note
        if (look.folder / name).exists():
            shutil.move(look.folder / name, folder / name)
    (folder / ROWS).write_text(json.dumps(look.rows), encoding="utf-8")
    return look._replace(folder=folder)


def run_all(todo: list[Job], processes: int, notify: Notify) -> Iterator[Done]:
    """Every job, several at a time, each as soon as it is done; ``notify`` hears a line for it."""
    if processes <= 1:
        for number, job in enumerate(todo, 1):
            yield _told(run(job), number, len(todo), notify)
        return
    context = multiprocessing.get_context("spawn")  # each is the main thread of its own, as the lab's server wants
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        started = [pool.submit(run, job) for job in todo]
        for number, future in enumerate(as_completed(started), 1):
            yield _told(future.result(), number, len(todo), notify)


def _told(done: Done, number: int, count: int, notify: Notify) -> Done:
    wrong = sum(not record["right"] for record in done.records)
    ending = f"failed: {done.failure}" if done.failure else f"{len(done.records)} conclusions, {wrong} wrong"
    notify(f"[{number}/{count}] {done.job.incident} on {done.job.major}: {ending} ({done.seconds} s)")
    return done


def keep(path: Path, done: list[Done]) -> pd.DataFrame:
    """Add the records to a file, in place of earlier ones of the same incident, major and view; gives all of it."""
    records = read(path) if path.exists() else []
    new = [record for each in done for record in each.records]
    replaced = {(record["incident"], record["major"], record["view"]) for record in new}
    kept = [each for each in records if (each["incident"], each["major"], each["view"]) not in replaced]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in [*kept, *new]), encoding="utf-8")
    return pd.DataFrame([*kept, *new])


def read(path: Path) -> list[dict]:
    """Records of a results file; LabError where it holds something else."""
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise LabError(f"{path} is no results file of the scoreboard: {error}") from error


__all__ = ["Done", "Job", "jobs", "keep", "read", "run", "run_all"]
