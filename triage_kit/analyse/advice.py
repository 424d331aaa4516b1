"""Recommendations chosen by what was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import knowledge
from triage_kit.analyse.context import rows
from triage_kit.analyse.grounds import of_answers, of_backups, of_settings
from triage_kit.analyse.groups import LOSSES
from triage_kit.analyse.ledger import Ledger

MOST_PROOFS = 4
Facts = defaultdict[str, list[str]]  # ids of evidence rows by what they establish, as loss or setting:archive_mode=off
ORDINARY = ("delete", "cascade_delete", "truncate", "recreate", "partition_drop")
LIKELY = 0.1  # a cause that the advice must consider


def recommendations(
    findings: Sequence[dict],
    causes: pd.DataFrame,
    gaps: pd.DataFrame,
    evidence: Mapping[str, pd.DataFrame],
    recovery: pd.DataFrame,
    ledger: Ledger,
) -> pd.DataFrame:
    """Table ``recommendations``: the lines of knowledge/recommendations.yaml whose condition holds, and what says so.

    Parameters
    ----------
    findings : one dict a table, as in ``findings``.
    causes, gaps, recovery : frames of these names.
    evidence : evidence tables by name.
    ledger : gets a row for each setting, gap and backup that a line rests on.
    """
    lost = [row for row in findings if row["status"] in LOSSES]
    facts: Facts = defaultdict(list)
    for row in lost:
        facts["loss"] += row["because"][:1]
        if row["status"] != "hidden":  # hidden rows stand: what saves or brings back rows is no advice for them
            facts["gone"] += row["because"][:1]
    reported = [row for row in findings if row["reported"]]
    if findings and not lost and all(row["status"] == "intact" for row in reported):
        facts["no_loss" if reported else "no_complaint"] += [
            one for row in reported or findings for one in row["because"][:1]
        ]
    for row in findings:
        # What was emptied in its ordinary way, as a queue is, calls for no advice.
        if row["mechanism"] not in ("none", *(ORDINARY if row["status"] == "intact" else ())):
            facts[f"mechanism:{row['mechanism']}"] += row["because"][:1]
    for row in rows(causes):
        if row["probability"] >= LIKELY:
            facts[f"cause:{row['cause']}"] += row["for"][:3]
    _of_sources(facts, gaps, evidence, ledger)
    _of_ways(facts, recovery, evidence, ledger)
    return schemas.frame("recommendations", [line for line in map(partial(_line, facts), _lines()) if line])


def _lines() -> list[dict]:
    return knowledge.advice()["recommendations"]


def _line(facts: Facts, line: dict) -> dict | None:
    """The line with its evidence, the most telling fact first; None when none of its facts holds."""
    held = [fact for fact in line["if"] if fact in facts]
    # A loss that is known only from what is absent has no row of its own: the other facts of the case then speak.
    proof = [one for fact in held for one in facts[fact]] or [one for found in facts.values() for one in found]
    told = {key: line[key] for key in ("when", "text", "why")}
    return {**told, "because": tuple(dict.fromkeys(proof))[:MOST_PROOFS]} if held else None


def _of_sources(facts: Facts, gaps: pd.DataFrame, evidence: Mapping[str, pd.DataFrame], ledger: Ledger) -> None:
    """Facts of what was not answered (``gap:statements``) and of the settings (``setting:archive_mode=off``)."""
    advised = {fact for line in _lines() for fact in line["if"]}
    for source in gaps["source"]:
        if f"gap:{source}" in advised:
            facts[f"gap:{source}"] += of_answers([(source, source)], evidence, ledger)
    for row in rows(evidence["settings"]):
        if f"setting:{row['name']}={row['value']}" in advised:
            facts[f"setting:{row['name']}={row['value']}"] += of_settings([row["name"]], evidence, ledger)


def _of_ways(facts: Facts, recovery: pd.DataFrame, evidence: Mapping[str, pd.DataFrame], ledger: Ledger) -> None:
    """Facts of the ways back (``way:pitr=feasible``, ``bad:archive_command``) and of the backups (``backup:cut``)."""
    for row in rows(recovery):
        state = "open" if row["feasible"] is None else "feasible" if row["feasible"] else "impossible"
        facts[f"way:{row['option']}={state}"] += row["because"]
        for line in row["preconditions"]:
            if line.startswith("bad: "):
                facts[f"bad:{line.split()[1]}"] += row["because"]
    for row in rows(evidence["backups"]):
        facts[f"backup:{row['state']}"].append(
            ledger.add("backups", f"{row['file']} is {row['state']}", str(row["file"]))
        )
    if "gone" in facts and evidence["backups"].empty:
        facts["backup:none"] += of_backups(evidence, ledger)
    if "loss" in facts and not any(fact.endswith("=feasible") for fact in facts):
        facts["way:none"] += [one for row in rows(recovery) for one in row["because"][:1]] or facts["loss"]
