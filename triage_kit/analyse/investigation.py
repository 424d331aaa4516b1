"""The whole analysis in one place: evidence frames in, every finding out. No file, no clock, no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from triage_kit.analyse import (
    advice,
    applied,
    causes,
    dating,
    decisions,
    foreign_keys,
    freeze,
    grounds,
    groups,
    mechanisms,
    missing,
    probes,
    provenance,
    recovery,
    showing,
    statements,
    steps,
    suspects,
    timeline,
)
from triage_kit.analyse.balance import row_balance
from triage_kit.analyse.context import context, first
from triage_kit.analyse.dossier import dossiers
from triage_kit.analyse.earlier import earlier
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.records import records
from triage_kit.analyse.scene import set_scene
from triage_kit.analyse.signs import Inquiry, answered
from triage_kit.analyse.statuses import conclude
from triage_kit.analyse.transactions import replacements
from triage_kit.analyse.xids import clock


@dataclass(frozen=True, repr=False)
class Investigation:
    """Every conclusion as a frame named and shaped as in ``triage_kit.schemas.findings``."""

    incident: dict
    server: dict
    balance: pd.DataFrame
    findings: pd.DataFrame
    mechanism_probabilities: pd.DataFrame
    mechanism_evidence: pd.DataFrame
    foreign_keys: pd.DataFrame
    groups: pd.DataFrame
    explaining_statements: pd.DataFrame
    causes: pd.DataFrame
    cause_evidence: pd.DataFrame
    statements: pd.DataFrame
    evidence: pd.DataFrame
    timeline: pd.DataFrame
    freeze: pd.DataFrame
    recovery: pd.DataFrame
    decisions: pd.DataFrame
    next_steps: pd.DataFrame
    next_tests: pd.DataFrame
    recommendations: pd.DataFrame
    suspects: pd.DataFrame
    migration_states: pd.DataFrame
    review: pd.DataFrame
    gaps: pd.DataFrame
    coverage: pd.DataFrame

    def __repr__(self) -> str:
        return showing.as_text(self)

    def _repr_html_(self) -> str:
        return showing.as_html(self)


def investigate(evidence: Mapping[str, pd.DataFrame]) -> Investigation:
    """Draw every conclusion from the evidence tables; the same frames give the same findings.

    ``evidence`` holds a frame for each of ``schemas.evidence_names()``, empty where nothing was collected.

    >>> from triage_kit import schemas
    >>> nothing = {name: schemas.empty(name) for name in schemas.evidence_names()}
    >>> investigate(nothing).causes.iloc[0]["cause"]
    'unknown'
    """
    about, ledger = context(evidence), Ledger()
    before = earlier(evidence)
    balance = row_balance(evidence, about, before)
    tables = dossiers(evidence, balance, before)
    wal = records(evidence)
    dated = clock(evidence, about, wal)
    names = {table.name for table in tables}
    keys = foreign_keys.foreign_keys(evidence["constraints"], evidence["relations"])
    reach = foreign_keys.graph(keys, evidence["relations"])
    replaced = replacements(tables, dated, reach)
    visible = statements.visibility(evidence)
    seen = statements.seen_effects(evidence, set(reach), ledger)
    scene = set_scene(tables, evidence, about, reach, replaced, seen, visible, dated, before, wal)

    weighed = mechanisms.weigh(tables, scene)
    because, matrix = mechanisms.evidence_rows(weighed, ledger)
    concluded = [conclude(each, scene, because[each.table.name]) for each in weighed]
    concluded += missing.missing_findings(evidence, names, scene, ledger)
    found = groups.find_groups(concluded, replaced, reach, scene)
    by_name = {table.name: table for table in tables}
    dates = dating.date_groups(found, by_name, evidence, about, scene, ledger)
    concluded = missing.with_parents(groups.apply(concluded, found, dates), balance)
    findings = missing.findings_frame(concluded)

    explaining = groups.explaining_frame(found, reach, scene, ledger)
    ranked, moved = causes.find_causes(found, Inquiry(evidence, about, scene, concluded, ledger, by_name))
    observed = statements.statements_frame(seen)
    gaps = provenance.gaps(evidence["questions"])
    lost = recovery.loss(found, concluded, dates)
    lines = suspects.suspects(evidence, suspects.Scene(found, reach, seen, visible))
    looked_at = suspects.review(lines, evidence["migration_operations"], ledger)
    provenance.note_settings(evidence, visible, ledger)
    grounds.of_migrations(evidence["migration_operations"], statements.REMOVES_ROWS, ledger)
    proofs = grounds.by_group(findings, explaining)
    told = grounds.of_events(timeline.fuse(evidence, about, found, dates, seen), proofs, ledger)
    keys = grounds.of_keys(keys, {name for group in found for name in group.damaged}, ledger)
    ways = grounds.of_ways(recovery.recovery_options(lost, evidence, about), evidence, proofs, ledger)
    stop = freeze.freeze_list(found, concluded, evidence, about)
    return Investigation(
        incident=provenance.incident_facts(evidence),
        server=provenance.server_facts(evidence, about),
        balance=balance,
        findings=findings,
        mechanism_probabilities=missing.probabilities(weighed, concluded),
        mechanism_evidence=matrix,
        foreign_keys=keys,
        groups=groups.groups_frame(found, findings, dates),
        explaining_statements=explaining,
        causes=ranked,
        cause_evidence=moved,
        statements=observed,
        evidence=ledger.frame(),
        timeline=told,
        freeze=stop,
        recovery=ways,
        decisions=decisions.decisions(first(evidence["incident"]), lost, ranked, stop, ways, proofs),
        next_tests=probes.next_tests(evidence, found, ranked, moved, weighed, scene),
        recommendations=advice.recommendations(
            concluded, ranked, gaps, evidence["settings"], ways, evidence["backups"]
        ),
        next_steps=steps.next_steps(stop, ways, ranked, gaps),
        suspects=lines,
        migration_states=applied.migration_states(
            evidence["migrations"], evidence["version_tables"], answered(evidence, "version_tables")
        ),
        review=looked_at,
        gaps=gaps,
        coverage=provenance.coverage(evidence),
    )
