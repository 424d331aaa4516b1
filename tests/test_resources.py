"""Notebooks and templates are found in a checkout and in the wheel that users install."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from triage_kit import resources
from triage_kit.errors import TriageError

ROOT = Path(__file__).resolve().parents[1]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a user would install, built without a network."""
    pytest.importorskip("hatchling.build", reason="hatchling builds the wheel; pip install hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-c", BUILD, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.split()[-1]


def test_a_checkout_is_its_own_resource() -> None:
    assert resources.resource_dir("notebooks").samefile(ROOT / "notebooks") or "_data" in str(resources.PACKAGE)
    with pytest.raises(TriageError, match="install triage-kit again"):
        resources.resource_dir("nonsense")


def test_the_wheel_holds_notebooks_templates_and_all_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for kind in ("notebooks", "templates"):
        source = {
            path for path in (ROOT / kind).rglob("*")
            if path.is_file() and not {".ipynb_checkpoints", "screenshots"} & set(path.parts)
        }  # fmt: skip
        assert {f"triage_kit/_data/{path.relative_to(ROOT)}" for path in source} - names == set()
    data = {path for path in (ROOT / "triage_kit").rglob("*") if path.suffix in (".sql", ".yaml", ".json", ".py")}
    assert {str(path.relative_to(ROOT)) for path in data} - names == set()
    assert not [name for name in names if name.startswith("tests") or "screenshots" in name]


def test_the_wheel_alone_starts_a_case(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    command = [sys.executable, "-m", "triage_kit", "init", str(tmp_path / "new")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    written = {path.name for path in (tmp_path / "new").iterdir()}
    assert written == {"case.yaml", "stats.ipynb", "fk_graph.ipynb", "timeline.ipynb", "hypotheses.ipynb"}
