"""Runs incidents on majors in separate processes, and keeps the records of every run in one file."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from triage_kit.errors import LabError, TriageError
from triage_kit.lab.demo import known
from triage_kit.lab.incidents import INCIDENTS
from triage_kit.score.views import VIEWS, looks

Notify = Callable[[str], object]


class Job(NamedTuple):
    """One incident on one major, to be seen in some views."""

    incident: str
    major: int
    binaries: str
    views: tuple[str, ...]


class Done(NamedTuple):
    """Records of a job, how long it took, and why it ended early, if it did."""

    job: Job
    records: list[dict]
    seconds: float
    failure: str | None


def jobs(names: Iterable[str], majors: dict[int, Path], views: Iterable[str]) -> list[Job]:
    """A job for every incident on every major that knows its statements."""
    wanted = tuple(view for view in VIEWS if view in set(views))
    return [
        Job(name, major, str(folder), wanted)
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
        for look in looks(incident, Path(job.binaries), work, set(job.views)):
            if look.view in job.views:
                found = investigate(open_case(look.folder).evidence)
                records += judge(incident, job.major, look.view, look.rows, found)
    except Exception as error:  # noqa: BLE001 a scoreboard counts what breaks instead of breaking
        failure = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Done(job, records, round(time.monotonic() - started, 1), failure)


def run_all(todo: list[Job], processes: int, notify: Notify) -> list[Done]:
    """Every job, several at a time; ``notify`` hears a line for each that is done."""
    if processes <= 1:
        return [_told(run(job), number, len(todo), notify) for number, job in enumerate(todo, 1)]
    context = multiprocessing.get_context("spawn")  # each is the main thread of its own, as the lab's server wants
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        started = [pool.submit(run, job) for job in todo]
        return [
            _told(future.result(), number, len(todo), notify) for number, future in enumerate(as_completed(started), 1)
        ]


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


__all__ = ["Done", "Job", "TriageError", "jobs", "keep", "read", "run", "run_all"]
