"""``make``: the report of one case from its sealed evidence."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import ensure_event_loop

from triage_kit import analyse
from triage_kit.errors import ReportError
from triage_kit.opened import open_case
from triage_kit.report import copies, head, secrets
from triage_kit.report.kernel import execute
from triage_kit.report.page import page, read
from triage_kit.resources import resource_dir

NOTEBOOKS = ("stats", "fk_graph", "timeline", "hypotheses")
AT_ONCE = 2

Notify = Callable[..., object]


@dataclass(frozen=True)
class Made:
    """What was written: page, findings, executed notebooks, and the names of those in which a cell failed."""

    html: Path
    findings: Path
    notebooks: list[Path]
    failed: list[str]


def make(case_folder: str | Path, notify: Notify | None = None, notebooks: Sequence[str | Path] | None = None) -> Made:
    """Run the four notebooks on the evidence and write the page, findings.json and the executed copies to ``report/``.

    Parameters
    ----------
    case_folder : the case's folder or its case.yaml.
    notify : called as ``notify("notebook", name=…, failed=…, done=…, total=…)`` and ``notify("page", path=…)``.
    notebooks : notebooks that papermill executed before (named stats, fk_graph, timeline and hypotheses); the page is
        then made from them and nothing is run.

    Returns
    -------
    Made. A failing cell does not stop the others: its notebook is in ``failed`` and the page shows where and why.

    Raises
    ------
    ReportError when a secret would be written, or a notebook is missing; BundleError when the evidence cannot be read.
    """
    opened = open_case(case_folder)
    case = Path(case_folder)
    folder = (case if case.is_dir() else case.parent) / "report"
    folder.mkdir(exist_ok=True)
    tell = notify or _silent
    investigation = analyse.investigate(opened.evidence)
    findings = canonical(analyse.findings_dict(investigation))
    executed = _given(notebooks) if notebooks is not None else _run(case, folder, tell)
    failed = {name: copies.failure(notebook) for name, notebook in executed.items()}
    about = head.head(opened.title, investigation.incident, investigation.server, failed)
    written = {f"{name}.ipynb": nbformat.writes(notebook) + "\n" for name, notebook in executed.items()}
    written |= {"report.html": page(executed, about), "findings.json": findings}
    secrets.refuse(written, os.environ)
    for name, text in written.items():
        _write(folder / name, text)
    tell("page", path=folder / "report.html")
    return Made(
        folder / "report.html",
        folder / "findings.json",
        [folder / f"{name}.ipynb" for name in executed],
        [name for name, error in failed.items() if error],
    )


def canonical(findings: Mapping[str, Any]) -> str:
    """The text of findings.json: keys in the order of their definition, UTF-8, one space of indent, no NaN.

    >>> canonical({"title": "é", "gaps": []})
    '{\\n "title": "é",\\n "gaps": []\\n}\\n'
    """
    return json.dumps(findings, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _silent(event: str, **facts: object) -> None:
    """Notify nobody."""


def _given(notebooks: Sequence[str | Path]) -> dict[str, nbformat.NotebookNode]:
    found = read([Path(each) for each in notebooks])
    missing = [name for name in NOTEBOOKS if name not in found]
    if missing:
        raise ReportError(
            f"the report needs the notebooks {', '.join(NOTEBOOKS)}, got {', '.join(sorted(found)) or 'none'}: "
            f"run {', '.join(missing)} with papermill and name the copy so"
        )
    return {name: copies.tidy(found[name], f"{name}.ipynb", []) for name in NOTEBOOKS}


def _run(case: Path, folder: Path, tell: Notify) -> dict[str, nbformat.NotebookNode]:
    """Run the notebooks, two at a time: each is a process of its own, and most of its time is imports."""
    source = resource_dir("notebooks")
    # The parameter is written into the copies: relative, it holds no path of this machine and works again from there.
    parameters = {"case": ".." if case.is_dir() or case.name == "case.yaml" else f"../{case.name}"}
    private = tempfile.TemporaryDirectory(prefix="tk-", ignore_cleanup_errors=True)
    with private as own, ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = {
            name: pool.submit(_one, source / f"{name}.ipynb", parameters, folder, Path(own) / str(place))
            for place, name in enumerate(NOTEBOOKS)
        }
        done = dict(_finished(jobs.items(), tell))
    hide = [folder.parent, folder.parent.resolve()]
    return {name: copies.tidy(notebook, f"{name}.ipynb", hide) for name, notebook in done.items()}


def _finished(jobs: Iterable[tuple[str, Any]], tell: Notify) -> Iterable[tuple[str, nbformat.NotebookNode]]:
    for done, (name, job) in enumerate(jobs, 1):
        notebook = job.result()
        tell("notebook", name=name, failed=copies.failure(notebook) is not None, done=done, total=len(NOTEBOOKS))
        yield name, notebook


def _one(source: Path, parameters: dict[str, str], cwd: Path, private: Path) -> nbformat.NotebookNode:
    try:
        return execute(source, parameters, cwd, private)
    except ReportError:
        raise
    except Exception as error:  # noqa: BLE001 a kernel that dies raises many things; the other notebooks must still run
        return copies.broken(source, error)
    finally:
        # Each thread that waits for a kernel has a loop of its own; left open, it leaks its sockets.
        ensure_event_loop().close()


def _write(path: Path, text: str) -> None:
    """Replace the file at once, so that a reader never sees half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8", newline="\n")
    fresh.replace(path)
