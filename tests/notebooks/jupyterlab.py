"""The notebooks in a real JupyterLab: opened in a browser, run by the menu, and no cell fails.

A suite of minutes with a command of its own: python -m pytest tests/notebooks/jupyterlab.py
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import browser  # tests/browser.py; conftest.py puts this folder on the path
import nbformat
import pytest
import seedlike

from triage_kit.resources import PACKAGE, resource_dir

PATIENCE = 240.0  # seconds for one notebook on a loaded machine
FIND = """(words, within) => [...document.querySelectorAll(within)]
  .find(each => each.textContent.trim() === words && each.offsetParent)"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case folder as `triage init` and `triage collect` leave it: case.yaml, evidence and the four notebooks."""
    folder = seedlike.write(tmp_path_factory.mktemp("desk") / "case")
    for source in resource_dir("notebooks").glob("*.ipynb"):
        shutil.copy(source, folder)
    return folder


@pytest.fixture(scope="module")
def lab(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab on the loopback, with settings, kernels and caches in folders of its own."""
    home, token = tmp_path_factory.mktemp("home"), secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(home / name.lower()) for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR",
                                                       "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR")}  # fmt: skip
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={desk}",
               "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
               f"--IdentityProvider.token={token}", "--LabApp.news_url=''",
               "--LabApp.extension_manager=readonly"]  # fmt: skip
    environment = {**os.environ, **own, "PYTHONPATH": str(PACKAGE.parent), "PYTHONWARNINGS": "ignore"}
    with (home / "log").open("wb") as said, subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL,
                                                             stdout=said, stderr=said) as server:  # fmt: skip
        try:
            _answers(port, server, home / "log")
            yield f"http://127.0.0.1:{port}/lab/tree/{{}}?token={token}&reset"
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _answers(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"JupyterLab did not start: {log.read_text('utf-8', 'replace')[-2000:]}")


@pytest.fixture(scope="module")
def tab(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.opened(chromium, tmp_path_factory.mktemp("browser")) as page:
        page.size(1400, 1000)
        yield page


def menu(page: browser.Page, title: str, item: str) -> None:
    """Choose one item of the menu bar with the mouse; a menu that a loaded machine did not open is opened again."""
    for _ in range(12):
        _click(page, title, ".lm-MenuBar-itemLabel", PATIENCE)
        with contextlib.suppress(TimeoutError):
            return _click(page, item, ".lm-Menu-itemLabel", 20)
        page.press("Escape", 27)  # what may stand open half-way
    raise TimeoutError(f"the menu {title} never showed {item}")


def _click(page: browser.Page, words: str, within: str, patience: float) -> None:
    arguments = f"({json.dumps(words)}, {json.dumps(within)})"
    page.until(f"({FIND}){arguments} !== undefined", patience)
    time.sleep(0.5)  # a menu that has just opened still moves, and the click would miss
    # JupyterLab uses its elements again for other items: a mark must not outlive its click.
    page.ask(f"({FIND}){arguments}.setAttribute('data-wanted', '')")
    page.click("[data-wanted]")
    page.ask("document.querySelectorAll('[data-wanted]').forEach(each => each.removeAttribute('data-wanted'))")


@pytest.mark.parametrize("name", ["stats", "fk_graph", "timeline", "hypotheses"])
def test_every_cell_runs_by_the_menu(lab: str, tab: browser.Page, desk: Path, name: str) -> None:
    file = desk / f"{name}.ipynb"
    tab.open(lab.format(file.name))
    tab.until("document.querySelector('.jp-Notebook .jp-CodeCell') !== null", PATIENCE)
    tab.until("document.querySelector('.jp-NotebookPanel-toolbar [data-status=idle]') !== null", PATIENCE)
    _run_all(tab)
    cells = _saved(tab, file)
    failed = {cell["id"]: output.evalue for cell in cells for output in cell.outputs if output.output_type == "error"}
    assert failed == {}
    assert [cell["id"] for cell in cells if cell.execution_count is None] == []
    shown = {kind for cell in cells for output in cell.outputs for kind in output.get("data", {})}
    assert "text/html" in shown


def _run_all(page: browser.Page) -> None:
    """Run > Run All Cells, again where a loaded machine lost the click: until a cell shows that it runs or ran."""
    for _ in range(6):
        menu(page, "Run", "Run All Cells")
        with contextlib.suppress(TimeoutError):
            page.until("[...document.querySelectorAll('.jp-InputPrompt')].some(e => /[0-9*]/.test(e.textContent))", 20)
            return
    raise TimeoutError("Run All Cells was chosen six times, and no cell began to run")


def _saved(page: browser.Page, file: Path) -> list[nbformat.NotebookNode]:
    """The code cells as JupyterLab saves them, once all have run or one has failed."""
    end = time.monotonic() + PATIENCE
    while True:
        page.press("s", 83, modifiers=2)  # Ctrl+S
        time.sleep(1)
        cells = [cell for cell in nbformat.read(file, 4).cells if cell.cell_type == "code"]
        errors = [output for cell in cells for output in cell.outputs if output.output_type == "error"]
        if errors or all(cell.execution_count for cell in cells) or time.monotonic() > end:
            return cells
