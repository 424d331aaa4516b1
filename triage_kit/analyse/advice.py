"""Recommendations chosen by what was found."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import knowledge
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import LOSSES

LIKELY = 0.1  # a cause that the advice must consider


def recommendations(
    findings: Sequence[dict],
    causes: pd.DataFrame,
    gaps: pd.DataFrame,
    settings: pd.DataFrame,
    recovery: pd.DataFrame | None = None,
    backups: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Table ``recommendations``: the lines of knowledge/recommendations.yaml whose condition holds."""
    facts = {"loss"} if any(row["status"] in LOSSES for row in findings) else set()
    if findings and all(row["status"] == "intact" for row in findings if row["reported"]) and not facts:
        facts = {"no_loss"}
    facts |= {f"mechanism:{row['mechanism']}" for row in findings if row["mechanism"] != "none"}
    facts |= {f"cause:{row['cause']}" for row in rows(causes) if row["probability"] >= LIKELY}
    facts |= {f"gap:{source}" for source in gaps["source"]}
    facts |= {f"setting:{row['name']}={row['value']}" for row in rows(settings)}
    facts |= _about_ways(recovery, backups, loss="loss" in facts)
    lines = knowledge.advice()["recommendations"]
    return schemas.frame(
        "recommendations",
        [{key: line[key] for key in ("when", "text", "why")} for line in lines if facts & set(line["if"])],
    )


def _about_ways(recovery: pd.DataFrame | None, backups: pd.DataFrame | None, loss: bool) -> set[str]:
    """Facts of the ways back (``way:pitr=feasible``, ``bad:archive_command``) and of the backups (``backup:cut``)."""
    facts = set()
    for row in rows(recovery) if recovery is not None else ():
        state = "open" if row["feasible"] is None else "feasible" if row["feasible"] else "impossible"
        facts.add(f"way:{row['option']}={state}")
        facts |= {f"bad:{line.split()[1]}" for line in row["preconditions"] if line.startswith("bad: ")}
    if backups is not None:
        facts |= {f"backup:{row['state']}" for row in rows(backups)}
        if loss and backups.empty:
            facts.add("backup:none")
    if loss and not any(fact.endswith("=feasible") for fact in facts):
        facts.add("way:none")
    return facts
