"""A case that was attacked, and the command line as its tests run it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import hostile

from triage_kit.lab.server import Server

ROOT = Path(__file__).resolve().parents[2]


def triage(
    *arguments: str, environment: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """One run of the command line."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    return subprocess.run(
        [sys.executable, "-m", "triage_kit", *arguments],
        env=known,
        cwd=cwd,
        capture_output=True,
        timeout=600,
        check=False,
    )


@dataclass
class Attacked:
    """A hostile case whose server still runs, and what the console said of it."""

    server: Server
    case: hostile.Hostile
    said: subprocess.CompletedProcess[bytes]
    seen: dict = field(default_factory=dict)

    @property
    def report(self) -> Path:
        return self.case.folder / "report"
