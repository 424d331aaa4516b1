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
    findings: Sequence[dict], causes: pd.DataFrame, gaps: pd.DataFrame, settings: pd.DataFrame
) -> pd.DataFrame:
    """Table ``recommendations``: the lines of knowledge/recommendations.yaml whose condition holds."""
    facts = {"loss"} if any(row["status"] in LOSSES for row in findings) else set()
    if findings and all(row["status"] == "intact" for row in findings if row["reported"]) and not facts:
        facts = {"no_loss"}
    facts |= {f"mechanism:{row['mechanism']}" for row in findings if row["mechanism"] != "none"}
    facts |= {f"cause:{row['cause']}" for row in rows(causes) if row["probability"] >= LIKELY}
    facts |= {f"gap:{source}" for source in gaps["source"]}
    facts |= {f"setting:{row['name']}={row['value']}" for row in rows(settings)}
    lines = knowledge.advice()["recommendations"]
    return schemas.frame(
        "recommendations",
        [{key: line[key] for key in ("when", "text", "why")} for line in lines if facts & set(line["if"])],
    )
