"""The whole analysis in one place: evidence frames in, every finding out. No file, no clock, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx
import pandas as pd

from triage_kit.analyse import (
    advice,
    applied,
    causes,
    culprits,
    dating,
    decisions,
    declared,
    dropped,
    foreign_keys,
    freeze,
    grounds,
    groups,
    loads,
    mechanisms,
    missing,
    outcomes,
    probes,
    provenance,
    recovery,
    removals,
    repeats,
    sessions,
    showing,
    silence,
    statements,
    steps,
    suspects,
    timeline,
)
from triage_kit.analyse.balance import row_balance
from triage_kit.analyse.chains import chains
from triage_kit.analyse.context import Context, context, first, rows_kept
from triage_kit.analyse.copies import once
from triage_kit.analyse.dossier import Dossier, dossiers
from triage_kit.analyse.earlier import earlier
from triage_kit.analyse.inquiry import Inquiry, answered
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.records import records
from triage_kit.analyse.refills import refuted
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.setting import set_scene
from triage_kit.analyse.silence import Visibility
from triage_kit.analyse.statements import Seen
from triage_kit.analyse.statuses import conclude
from triage_kit.analyse.transactions import Replacement, replacements
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
    removals: pd.DataFrame
    undone_loads: pd.DataFrame
    explaining_statements: pd.DataFrame
    culprits: pd.DataFrame
    causes: pd.DataFrame
    cause_evidence: pd.DataFrame
    statements: pd.DataFrame
    sessions: pd.DataFrame
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


@dataclass(frozen=True)
class _Known:
    """What the sources say of the tables, before anything is judged."""

    evidence: Mapping[str, pd.DataFrame]
    about: Context
    balance: pd.DataFrame
    tables: Mapping[str, Dossier]
    keys: pd.DataFrame
    reach: nx.MultiDiGraph
    replaced: Sequence[Replacement]
    seen: Sequence[Seen]
    visible: Visibility
    scene: Scene
    ledger: Ledger
    connected: pd.DataFrame


@dataclass(frozen=True)
class _Judged:
    """What befell each table, and which of them share a transaction or an actor."""

    weighed: Sequence[mechanisms.Weighed]
    matrix: pd.DataFrame
    tables: Sequence[dict]
    found: Sequence[groups.Group]
    dates: Mapping[str, dict]
    findings: pd.DataFrame
    parts: Sequence[declared.Part]


def investigate(evidence: Mapping[str, pd.DataFrame]) -> Investigation:
    """Draw every conclusion from the evidence tables; the same frames give the same findings.

    ``evidence`` holds a frame for each of ``schemas.evidence_names()``, empty where nothing was collected.

    >>> from triage_kit import schemas
    >>> nothing = {name: schemas.empty(name) for name in schemas.evidence_names()}
    >>> investigate(nothing).causes.iloc[0]["cause"]
    'unknown'
    """
    with rows_kept():
        return _investigate(evidence)


def _investigate(evidence: Mapping[str, pd.DataFrame]) -> Investigation:
    known = _know({**evidence, "log_events": sessions.named(once(evidence["log_events"]))})
    judged = _judge(known)
    took = removals.removals(judged.tables, judged.found, known.scene)
    known = replace(known, seen=removals.settled(known.seen, took))
    grouped = groups.groups_frame(judged.found, judged.findings, judged.dates)
    seen = statements.statements_frame(known.seen)
    frames = _blame(known, judged) | {"groups": grouped}
    frames["culprits"] = culprits.culprits(grouped, frames, seen)
    known = _settled(known, frames["culprits"])
    frames |= _prove(known, judged, frames)
    frames |= _advise(known, judged, frames)
    return Investigation(
        incident=provenance.incident_facts(evidence),
        server=provenance.server_facts(evidence, known.about),
        balance=known.balance,
        findings=judged.findings,
        mechanism_probabilities=missing.probabilities(judged.weighed, judged.tables),
        mechanism_evidence=judged.matrix,
        removals=took,
        statements=statements.statements_frame(known.seen),
        evidence=known.ledger.frame(),
        coverage=provenance.coverage(evidence),
        **frames,
    )


def _settled(known: _Known, did: pd.DataFrame) -> _Known:
    """The same with one end for each statement, wherever it is told of."""
    seen = outcomes.known(known.seen, [one for proofs in did["evidence"] for one in proofs])
    return replace(known, seen=seen, connected=outcomes.retold(known.connected, seen))


def _know(evidence: Mapping[str, pd.DataFrame]) -> _Known:
    about, before, wal, ledger = context(evidence), earlier(evidence), records(evidence), Ledger()
    balance = row_balance(evidence, about, before)
    tables = dossiers(evidence, balance, before)
    dated = clock(evidence, about, wal)
    keys = foreign_keys.foreign_keys(evidence["constraints"], evidence["relations"])
    reach = foreign_keys.graph(keys, evidence["relations"])
    told = chains(tables, evidence, wal, dated)
    replaced = replacements(tables, dated, reach, told)
    visible = silence.visibility(evidence)
    seen = refuted(statements.seen_effects(evidence, set(reach), ledger), tables)
    scene = set_scene(tables, evidence, about, reach, replaced, seen, visible, dated, before, wal, told)
    by_name = {table.name: table for table in tables}
    connected = sessions.sessions(evidence["log_events"], evidence["activity"])
    return _Known(evidence, about, balance, by_name, keys, reach, replaced, seen, visible, scene, ledger, connected)


def _judge(known: _Known) -> _Judged:
    evidence, scene, ledger = known.evidence, known.scene, known.ledger
    weighed = mechanisms.weigh(list(known.tables.values()), scene)
    because, matrix = mechanisms.evidence_rows(weighed, ledger)
    concluded = [
        repeats.without_late_rows(conclude(each, scene, because[each.table.name]), scene.chains) for each in weighed
    ]
    concluded += missing.missing_findings(evidence, set(known.tables), scene, ledger)
    concluded = dropped.noted(concluded, scene.wal.drops, ledger)
    found = groups.find_groups(concluded, known.replaced, known.reach, scene)
    dates = dating.date_groups(found, known.tables, evidence, known.about, scene, ledger)
    concluded = missing.with_parents(groups.apply(concluded, found, dates), known.balance, scene.reported, scene.gone)
    since = min((span["lost_from"] for span in dates.values() if span.get("lost_from") is not None), default=None)
    parts = declared.of_findings(concluded, evidence, since)
    concluded = declared.noted(concluded, parts, evidence, ledger)
    return _Judged(weighed, matrix, concluded, found, dates, missing.findings_frame(concluded), parts)


def _blame(known: _Known, judged: _Judged) -> dict[str, pd.DataFrame]:
    """Which statement, cause and line of code did it."""
    evidence, ledger = known.evidence, known.ledger
    explaining = groups.explaining_frame(judged.found, known.reach, known.scene, ledger)
    lines = suspects.suspects(evidence, suspects.Scene(judged.found, known.reach, known.seen, known.visible))
    inquiry = Inquiry(evidence, known.about, known.scene, judged.tables, ledger, known.tables, lines, known.connected)
    ranked, moved = causes.find_causes(judged.found, inquiry)
    return {
        "explaining_statements": explaining,
        "causes": ranked,
        "cause_evidence": moved,
        "suspects": lines,
        "review": suspects.review(lines, evidence["migration_operations"], ledger),
        "migration_states": applied.migration_states(
            evidence["migrations"], evidence["version_tables"], answered(evidence, "version_tables")
        ),
    }


def _prove(known: _Known, judged: _Judged, frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What happened when, over which keys, and what brings rows back, each with the evidence that it rests on."""
    evidence, about, found, ledger = known.evidence, known.about, judged.found, known.ledger
    provenance.note_settings(evidence, known.visible, ledger)
    grounds.of_migrations(evidence["migration_operations"], ledger)
    proofs = grounds.by_group(judged.findings, frames["explaining_statements"])
    connected = sessions.beside(known.connected, found, judged.dates, frames["culprits"])
    undone = loads.in_vain(judged.tables, evidence, known.scene.wal, ledger)
    fused = timeline.fuse(evidence, about, found, judged.dates, known.seen, connected, judged.findings, undone)
    story = grounds.of_events(fused, proofs, ledger)
    keys = grounds.of_keys(known.keys, {name for group in found for name in group.damaged}, ledger)
    lost = recovery.loss(found, judged.tables, judged.dates)
    ways = grounds.of_ways(recovery.recovery_options(lost, evidence, about, judged.parts), evidence, proofs, ledger)
    stop = freeze.freeze_list(found, judged.tables, evidence, about, proofs, ledger)
    decided = decisions.decisions(first(evidence["incident"]), lost, frames["causes"], stop, ways, proofs)
    told = {"timeline": story, "sessions": connected, "foreign_keys": keys, "undone_loads": undone}
    return told | {"recovery": ways, "freeze": stop, "decisions": decided}


def _advise(known: _Known, judged: _Judged, frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    evidence, ranked, ways = known.evidence, frames["causes"], frames["recovery"]
    gaps = provenance.gaps(evidence["questions"], frames["groups"], evidence["log_sources"], frames["culprits"])
    return {
        "gaps": gaps,
        "next_tests": probes.next_tests(
            evidence, judged.found, ranked, frames["cause_evidence"], judged.weighed, known.scene
        ),
        "recommendations": advice.recommendations(judged.tables, ranked, gaps, evidence, ways, known.ledger),
        "next_steps": steps.next_steps(frames["freeze"], ways, ranked, gaps, frames["undone_loads"]),
    }
