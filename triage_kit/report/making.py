"""``make``: the report of one case from its sealed evidence."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import ensure_event_loop

from triage_kit.bundle import Lock
from triage_kit.errors import ReportError
from triage_kit.handover import Offer
from triage_kit.opened import OpenCase, open_case
from triage_kit.report import copies, head, printing, replacing, secrets
from triage_kit.report.kernel import Kernels, execute
from triage_kit.resources import resource_dir

NOTEBOOKS = ("stats", "fk_graph", "timeline", "hypotheses")
WRITTEN = frozenset(("report.html", "report.pdf", "findings.json", *(f"{name}.ipynb" for name in NOTEBOOKS)))

Notify = Callable[..., object]
Told = tuple[Mapping[str, Any], Mapping[str, Any], str]  # of incident and server, and the text of findings.json


@dataclass(frozen=True)
class Made:
    """What was written: page, findings, executed notebooks, and the names of those in which a cell failed."""

    html: Path
    findings: Path
    notebooks: list[Path]
    failed: list[str]
    pdf: Path | None = None


def make(
    case_folder: str | Path,
    notify: Notify | None = None,
    notebooks: Sequence[str | Path] | None = None,
    mask: bool = False,
    pdf: bool = False,
) -> Made:
    """Run the four notebooks on the evidence and write the page, findings.json and the executed copies to ``report/``.

    Parameters
    ----------
    case_folder : the case's folder or its case.yaml.
    notify : called as ``notify("stage", text=…)``, ``notify("notebook", name=…, failed=…, done=…, total=…)`` and
        ``notify("page", path=…)``.
    notebooks : notebooks that papermill executed before (named stats, fk_graph, timeline and hypotheses); the page is
        then made from them and nothing is run.
    mask : whether literals of statements and values in messages are replaced by stable tokens (``triage_kit.mask``) in
        everything that is written; tables, columns, roles and the author's own notes stay.
    pdf : whether the page is printed too, by a browser of this machine; it is looked for before anything is run.

    Returns
    -------
    Made. A failing cell does not stop the others: its notebook is in ``failed`` and the page shows where and why.

    Raises
    ------
    ReportError when no browser is there to print, a secret would be written, a notebook is missing, or one that is
    given was executed without the mask that is asked for; BundleError when the evidence cannot be read.
    """
    program = printing.browser() if pdf else None
    opened = open_case(case_folder, mask=mask)
    case = Path(case_folder)
    home = case if case.is_dir() else case.parent
    with Lock(home / ".triage-report.lock", "another `triage report` is at work in this case: wait until it has ended"):
        made = _make(opened, case, home / "report", notify or _silent, notebooks)
        return made if program is None else replace(made, pdf=printing.pdf(made.html, program))


def _make(opened: OpenCase, case: Path, folder: Path, tell: Notify, notebooks: Sequence[str | Path] | None) -> Made:
    replacing.prepare(folder, WRITTEN)
    with tempfile.TemporaryDirectory(prefix="tk-", ignore_cleanup_errors=True) as private:
        executed, told = _drawn(opened, case, folder, Path(private), tell, notebooks)
    incident, server, findings = told
    failed = {name: copies.failure(notebook) for name, notebook in executed.items()}
    about = head.head(opened.title, incident, server, failed, opened.masked)
    written = {f"{name}.ipynb": nbformat.writes(notebook) + "\n" for name, notebook in executed.items()}
    written |= {"report.html": _page(executed, about), "findings.json": findings}
    secrets.refuse(written, os.environ)
    replacing.replace(folder, written, WRITTEN)
    tell("page", path=folder / "report.html")
    return Made(
        folder / "report.html",
        folder / "findings.json",
        [folder / f"{name}.ipynb" for name in executed],
        [name for name, error in failed.items() if error],
    )


def _drawn(
    opened: OpenCase, case: Path, folder: Path, private: Path, tell: Notify, notebooks: Sequence[str | Path] | None
) -> tuple[dict[str, nbformat.NotebookNode], Told]:
    """The executed notebooks, and what the page says besides; drawn at the same time, each from the other's work."""
    offer = Offer(private)
    beside = ThreadPoolExecutor(1)  # the kernels are processes of their own: this one is free meanwhile
    try:
        told = beside.submit(_findings, opened, offer)
        if notebooks is not None:
            return _given(notebooks, opened.masked), told.result()
        return _run(case, folder, private, tell, opened.masked, offer), told.result()
    finally:
        beside.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for no findings


def _findings(opened: OpenCase, offer: Offer) -> Told:
    """Facts of incident and server, and the text of findings.json; the kernels that wait are given the conclusions."""
    from triage_kit import analyse  # a second's worth of imports, made while the kernels start

    try:
        found = opened.investigation
        offer.give(opened.fingerprint, found)
    finally:
        offer.close()
    from triage_kit.report import page  # noqa: F401 nbconvert takes another second

    return found.incident, found.server, canonical(analyse.findings_dict(found))


def _page(notebooks: Mapping[str, nbformat.NotebookNode], about: Mapping[str, object]) -> str:
    from triage_kit.report.page import page

    return page(notebooks, about)


def canonical(findings: Mapping[str, Any]) -> str:
    """The text of findings.json: keys in the order of their definition, UTF-8, one space of indent, no NaN.

    >>> canonical({"title": "é", "gaps": []})
    '{\\n "title": "é",\\n "gaps": []\\n}\\n'
    """
    return json.dumps(findings, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _silent(event: str, **facts: object) -> None:
    """Notify nobody."""


def _given(notebooks: Sequence[str | Path], masked: bool) -> dict[str, nbformat.NotebookNode]:
    found = {Path(each).stem: nbformat.read(Path(each), as_version=4) for each in notebooks}
    missing = [name for name in NOTEBOOKS if name not in found]
    if missing:
        raise ReportError(
            f"the report needs the notebooks {', '.join(NOTEBOOKS)}, got {', '.join(sorted(found)) or 'none'}: "
            f"run {', '.join(missing)} with papermill and name the copy so"
        )
    bare = [name for name in NOTEBOOKS if found[name].metadata.get("papermill", {}).get("parameters", {}).get("mask")
            is not True]  # fmt: skip
    if masked and bare:
        raise ReportError(
            f"a masked report was asked for, and {', '.join(bare)} was executed without: run it again with papermill "
            "and the parameter mask set to True"
        )
    return {name: copies.tidy(found[name], f"{name}.ipynb", []) for name in NOTEBOOKS}


def _run(
    case: Path, folder: Path, private: Path, tell: Notify, masked: bool, offer: Offer
) -> dict[str, nbformat.NotebookNode]:
    """Run the notebooks, each in a process of its own; all at once, since they wait for the conclusions together."""
    source = resource_dir("notebooks")
    tell("stage", text=f"running {len(NOTEBOOKS)} notebooks", done=0, total=len(NOTEBOOKS))
    # The parameter is written into the copies: relative, it holds no path of this machine and works again from there.
    parameters: dict[str, Any] = {"case": ".." if case.is_dir() or case.name == "case.yaml" else f"../{case.name}"}
    if masked:
        parameters["mask"] = True
    with ThreadPoolExecutor(len(NOTEBOOKS)) as pool:
        kernels = Kernels(offer.environment, private / "forks")
        try:
            jobs = {
                name: pool.submit(_one, source / f"{name}.ipynb", parameters, folder, private / str(place), kernels)
                for place, name in enumerate(NOTEBOOKS)
            }
            done = dict(_finished(jobs.items(), tell))
        except BaseException:  # an interrupt must not wait for notebooks that nobody wants any more
            pool.shutdown(wait=False, cancel_futures=True)
            kernels.stop()
            raise
        kernels.close()
    hide = [folder.parent, folder.parent.resolve()]
    return {name: copies.tidy(notebook, f"{name}.ipynb", hide) for name, notebook in done.items()}


def _finished(jobs: Iterable[tuple[str, Any]], tell: Notify) -> Iterable[tuple[str, nbformat.NotebookNode]]:
    for done, (name, job) in enumerate(jobs, 1):
        notebook = job.result()
        tell("notebook", name=name, failed=copies.failure(notebook) is not None, done=done, total=len(NOTEBOOKS))
        yield name, notebook


def _one(source: Path, parameters: dict[str, Any], cwd: Path, private: Path, kernels: Kernels) -> nbformat.NotebookNode:
    try:
        return execute(source, parameters, cwd, private, kernels)
    except ReportError:
        raise
    except Exception as error:  # noqa: BLE001 a kernel that dies raises many things; the other notebooks must still run
        return copies.broken(source, error)
    finally:
        # Each thread that waits for a kernel has a loop of its own; left open, it leaks its sockets.
        ensure_event_loop().close()
