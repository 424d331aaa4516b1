"""The studied texts of sql_cases, each set read once by libyaml: Python alone needs seconds for their YAML."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "sql_cases"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # not every build of PyYAML has libyaml


@cache
def read(name: str) -> Any:
    """What the set of that name holds; readers share it and change nothing in it."""
    return yaml.load((FOLDER / f"{name}.yaml").read_text("utf-8"), LOADER)


def names() -> list[str]:
    """Every set that there is."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))
