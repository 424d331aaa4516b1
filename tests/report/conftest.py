"""One report of a case like the first incident, for the files that look at it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
import seedlike

from triage_kit.report import Made, make


class Reported(NamedTuple):
    """A case, its report, and the events that were told; whoever takes it changes nothing in it."""

    case: Path
    made: Made
    told: list[tuple[str, dict]]


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """The case and its report with the real notebooks, none of which failed."""
    case, told = seedlike.write(tmp_path_factory.mktemp("reported") / "case"), []
    made = make(case, notify=lambda event, **facts: told.append((event, facts)))
    assert made.failed == []
    return Reported(case, made, told)
