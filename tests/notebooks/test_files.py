"""The notebooks as files: without outputs, with one parameter, for any Python 3 kernel."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from triage_kit.resources import resource_dir

NOTEBOOKS = sorted(resource_dir("notebooks").glob("*.ipynb"))


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text("utf-8"))["cells"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_are_four() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"stats", "fk_graph", "timeline", "hypotheses"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_and_steady_ids_are_kept(path: Path) -> None:
    code = [cell for cell in cells(path) if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in cells(path)]
    assert len(set(ids)) == len(ids)
    assert all(each.startswith(path.stem.replace("_", "-")) for each in ids)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_papermill_finds_a_kernel_and_its_parameters(path: Path) -> None:
    metadata = json.loads(path.read_text("utf-8"))["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert metadata["kernelspec"]["language"] == "python"
    assert metadata["language_info"]["name"] == "python"
    tagged = [cell for cell in cells(path) if "parameters" in cell["metadata"].get("tags", [])]
    assert [source(cell).splitlines() for cell in tagged] == [[
        'case = "."  # type: str  folder of the case, or its case.yaml',
        "mask = False  # type: bool  whether literals and values of log messages become stable tokens",
    ]]  # fmt: skip


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_call_and_show_and_define_nothing(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] == "code":
            tree = ast.parse(source(cell))
            assert len(source(cell).splitlines()) <= 10
            assert not [
                node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.For, ast.While, ast.If))
            ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_section_says_what_it_answers(path: Path) -> None:
    headings = [cell for cell in cells(path) if cell["cell_type"] == "markdown" and source(cell).startswith("## ")]
    assert headings
    titles = {source(cell).splitlines()[0] for cell in headings}
    wordless = {source(cell).splitlines()[0] for cell in headings if len(source(cell).splitlines()) < 3}
    assert wordless <= {"## Files to review"}
    assert "## Go on asking" in titles
