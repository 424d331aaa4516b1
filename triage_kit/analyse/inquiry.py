"""What the items of evidence on a cause need to know besides the group of tables itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from triage_kit.analyse import sessions
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.scene import Scene

Sign = tuple[bool, str, str]  # seen or not, in words, from where


@dataclass(frozen=True)
class Inquiry:
    """What the items need to know besides the group."""

    evidence: Mapping[str, pd.DataFrame]
    about: Context
    scene: Scene
    findings: Sequence[dict]
    ledger: Ledger
    tables: Mapping[str, Dossier]
    suspects: pd.DataFrame | None = None  # lines of the repository, held against this database

    @cached_property
    def sessions(self) -> list[dict]:
        """Every session that the log or pg_stat_activity shows, as rows of the table ``sessions``."""
        return rows(sessions.sessions(self.evidence["log_events"], self.evidence["activity"]))


def answered(evidence: Mapping[str, pd.DataFrame], source: str) -> bool:
    """Whether a source was asked and gave an answer."""
    asked = evidence["questions"]
    return bool(((asked["source"] == source) & (asked["status"] == "answered")).any())
