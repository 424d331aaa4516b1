"""Executed notebooks made fit to share: no machine path, no clock time, the same bytes for the same evidence."""

from __future__ import annotations

import re
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat

from triage_kit.resources import PACKAGE

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
ERROR_TAG = "papermill-error-cell-tag"


def tidy(notebook: nbformat.NotebookNode, name: str, folders: Iterable[Path]) -> nbformat.NotebookNode:
    """A copy of the executed notebook without times, random ids and paths of this machine.

    Parameters
    ----------
    notebook : as papermill left it.
    name : file name that it is kept under.
    folders : paths that must not appear in it, as the case folder.
    """
    told = notebook.metadata.get("papermill", {})
    kept = nbformat.from_dict(
        {
            "cells": [cell for cell in notebook.cells if ERROR_TAG not in cell.metadata.get("tags", [])],
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
                "papermill": {"parameters": told.get("parameters", {}), "input_path": name, "output_path": name},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
    hidden = _hidden([*folders, *_machine()])
    stem = re.sub(r"[^a-zA-Z0-9]+", "-", Path(name).stem)
    for place, cell in enumerate(kept.cells):
        cell["id"] = f"{stem}-{place:02d}"
        cell["metadata"] = {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        if cell.cell_type == "code":
            cell["outputs"] = [output for output in cell.outputs if not _noise(output)]
        for output in cell.get("outputs", []):
            _clean(output, hidden)
    return kept


def _machine() -> list[Path]:
    return [
        PACKAGE.parent,
        Path(sysconfig.get_path("purelib")),
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(tempfile.gettempdir()),
        Path.cwd(),
    ]


def _hidden(folders: Iterable[Path]) -> list[str]:
    spelt = {str(form) for each in folders for form in (each, each.resolve())}
    # The root and other very short paths would hide parts of ordinary text.
    return sorted((each for each in spelt if len(each) > 3), key=len, reverse=True)


def _clean(output: nbformat.NotebookNode, hidden: list[str]) -> None:
    if output.output_type == "error":
        output["traceback"] = [without(ANSI.sub("", line), hidden) for line in output.traceback]
        output["evalue"] = without(ANSI.sub("", output.evalue), hidden)
    elif output.output_type == "stream":
        output["text"] = without(ANSI.sub("", output.text), hidden)


def _noise(output: nbformat.NotebookNode) -> bool:
    """Whether an output is only the font library's complaint about the system, which Graphviz passes on."""
    return output.output_type == "stream" and all(line.startswith("Fontconfig ") for line in output.text.splitlines())


def without(text: str, folders: list[str]) -> str:
    """The text with each of the folders written as an ellipsis, and memory addresses left out.

    >>> without("/home/me/case/evidence at 0x7f20e7d60860", ["/home/me/case"])
    '…/evidence at 0x…'
    """
    for folder in folders:
        text = text.replace(folder, "…")
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)


def failure(notebook: nbformat.NotebookNode) -> tuple[str, str] | None:
    """Id of the failing cell and the error in one line; None when all cells ran."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                return cell["id"], f"{output.ename}: {ANSI.sub('', output.evalue)}"
    return None


def broken(source: Path, error: Exception) -> nbformat.NotebookNode:
    """The notebook as if its first code cell had failed with the error: for a kernel that never ran."""
    notebook = nbformat.read(source, as_version=4)
    said = nbformat.v4.new_output("error", ename=type(error).__name__, evalue=str(error), traceback=[str(error)])
    next(cell for cell in notebook.cells if cell.cell_type == "code")["outputs"] = [said]
    return notebook
