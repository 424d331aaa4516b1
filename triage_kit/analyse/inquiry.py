"""What the items of evidence on a cause need to know besides the group of tables itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.statements import FAILURES

WRITES = r"(?i)^\s*(?:insert|update|copy)\s"
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
    connected: pd.DataFrame | None = None  # table ``sessions``: who was connected, and when

    @cached_property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Files of the repository that could have done it, each with its vehicle."""
        hits = self.evidence["code_hits"][["path", "vehicle"]].drop_duplicates()
        return tuple(sorted((row["path"], row["vehicle"]) for row in rows(hits)))

    @cached_property
    def here(self) -> frozenset[str]:
        """The database that the case is about, by its name; empty where no server was asked."""
        return frozenset(self.evidence["identity"]["database"].dropna())

    @cached_property
    def done(self) -> pd.DataFrame:
        """Statements of the log that did not fail, of this database as far as lines tell."""
        events = self.evidence["log_events"]
        kept = events["statement"].notna() & ~events["severity"].isin(FAILURES)
        if self.here:
            kept &= events["database"].isna() | events["database"].isin(self.here)
        return events[kept]

    @cached_property
    def denied(self) -> frozenset[tuple[str | None, str]]:
        """Role and text of statements that were denied for want of a privilege."""
        events = self.evidence["log_events"]
        lines = events[(events["subject"] == "permission_denied") & events["statement"].notna()]
        return frozenset((row["role"], row["statement"].strip()) for row in rows(lines[["role", "statement"]]))

    @cached_property
    def writes(self) -> pd.DataFrame:
        """Those of them that write rows."""
        return self.done[self.done["statement"].str.contains(WRITES, regex=True).fillna(False)]


def answered(evidence: Mapping[str, pd.DataFrame], source: str) -> bool:
    """Whether a source was asked and gave an answer."""
    asked = evidence["questions"]
    return bool(((asked["source"] == source) & (asked["status"] == "answered")).any())
