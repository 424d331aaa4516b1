"""Notebooks that only open the case folder, for what is tested around them: four real ones take half a minute."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat

from triage_kit.report.making import NOTEBOOKS
from triage_kit.resources import PACKAGE, resource_dir


def notebooks(folder: Path, **extra: str) -> Path:
    """Four notebooks that only open the case, with one more cell where ``extra`` has one."""
    folder.mkdir(parents=True)
    for name in NOTEBOOKS:
        cells = [
            nbformat.v4.new_code_cell('case = "."', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_markdown_cell(f"## {name}"),
            nbformat.v4.new_code_cell("import os; sorted(os.listdir(case))"),
            nbformat.v4.new_code_cell(extra.get(name, "1 + 1")),
        ]
        metadata = {"kernelspec": {"name": "no-such-kernel", "language": "python", "display_name": "x"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), folder / f"{name}.ipynb")
    return folder


def kit(folder: Path) -> Path:
    """A folder for PYTHONPATH with the whole package, as a wheel installs it, but with these notebooks."""
    package = folder / PACKAGE.name
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("_data"))
    shutil.copytree(resource_dir("templates"), package / "_data" / "templates")
    notebooks(package / "_data" / "notebooks")
    return folder
