"""What happened to the rows of each table: signals weighed by knowledge/mechanisms.yaml."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx
import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import foreign_keys as fk
from triage_kit.analyse import knowledge
from triage_kit.analyse.checkpoints import intervals, new_storage
from triage_kit.analyse.containers import volume_age
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation, decibans, posterior
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.signals import Scene, observe
from triage_kit.analyse.statements import Seen, Visibility
from triage_kit.analyse.transactions import Replacement


@dataclass(frozen=True)
class Weighed:
    """One table with what was observed of it and how probable each mechanism is."""

    table: Dossier
    seen: Mapping[str, Observation]
    probabilities: Mapping[str, float]

    @property
    def mechanism(self) -> str:
        return max(self.probabilities, key=lambda word: self.probabilities[word])

    @property
    def probability(self) -> float:
        return self.probabilities[self.mechanism]


def weigh(tables: Sequence[Dossier], scene: Scene, known: knowledge.Knowledge | None = None) -> list[Weighed]:
    """Probability of every mechanism for every table.

    An analyst may hand over knowledge of their own: ``dataclasses.replace(knowledge.mechanisms(), priors=…)``.
    """
    known = known or knowledge.mechanisms()
    told: dict[tuple, dict[str, float]] = {}  # most tables of a big database look alike
    found = []
    for table in tables:
        seen = observe(table, scene)
        looks = tuple((name, observation.outcomes) for name, observation in seen.items())
        if looks not in told:
            told[looks] = posterior(known, seen)
        found.append(Weighed(table, seen, told[looks]))
    return found


def set_scene(
    tables: Sequence[Dossier],
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    reach: nx.MultiDiGraph,
    replaced: Sequence[Replacement],
    seen: Sequence[Seen],
    visible: Visibility,
) -> Scene:
    """Gather what the signals of one table need of all the others."""
    names = [table.name for table in tables]
    leaves = fk.partitions(reach)
    by_table: defaultdict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        by_table[each.table].append(each)
        for leaf in leaves.get(each.table, ()) if each.operation in ("delete", "truncate", "update", "merge") else ():
            by_table[leaf].append(replace(each, table=leaf, rows=None))
    begins = evidence["log_sources"]["first_at"].min() if evidence["log_sources"]["first_at"].notna().any() else None
    upstream = nx.DiGraph(reach).reverse(copy=False)
    cascading = nx.DiGraph(
        (v, u) for u, v, data in reach.edges(data=True) if data.get("on_delete") in ("cascade", "partition")
    )
    named = reported_names(evidence["reported"], list(reach))
    return Scene(
        about=about,
        transactions=_sharing(replaced, reach),
        youngest=frozenset(_youngest(tables)),
        reported=frozenset(named),
        below_reported=frozenset(leaf for name in named for leaf in leaves.get(name, ())),
        seen=by_table,
        cascades_from={
            name: frozenset(nx.descendants(cascading, name)) if name in cascading else frozenset() for name in names
        },
        truncates_from={
            name: frozenset(nx.descendants(upstream, name)) if name in upstream else frozenset() for name in names
        },
        balances={table.name: table.balance for table in tables},
        visible=visible,
        dropped_in_window=_dropped_in_window(tables, evidence, about),
        log_begins=begins,
        bypasses=frozenset(
            row["name"] for row in rows(evidence["roles"]) if row["superuser"] or row["bypasses_row_security"]
        ),
        partition_stems=fk.partition_stems(evidence["relations"]),
        bulk_storage=_bulk_storage(tables, evidence, about),
        volume_age=volume_age(evidence, about, begins),
    )


def _bulk_storage(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], about: Context
) -> Observation | None:
    """Whether a checkpoint of the window shows new storage for as many tables as lack rows; None without any."""
    found = intervals(evidence["log_events"])
    short = [table.name for table in tables if table.net is not None and _lacks_rows(table)]
    if len(found) < 2 or not short:
        return None
    hit = new_storage(found, len(short), about.noticed_at, about.window_start)
    if hit is None:
        says = f"none of {len(found)} checkpoints synced more files than its buffers explain"
        return Observation(("not_seen",), says, found[-1].source, "log", "log")
    says = (
        f"the checkpoint that ended at {hit.end:%Y-%m-%d %H:%M:%S} UTC synced {hit.files} files for {hit.buffers} "
        f"buffers, the others fewer a buffer: storage was made in bulk before it"
    )
    return Observation(("seen",), says, hit.source, "log", "log")


def _lacks_rows(table: Dossier) -> bool:
    actual = table.balance["actual_rows"]
    return actual is not None and table.net is not None and actual < table.net


def reported_names(reported: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """The reported tables as qualified names; without a schema every table of that name is meant."""
    found = []
    for row in rows(reported):
        if row["schema"] is not None:
            found.append(schemas.qualified(row["schema"], row["table"]))
        else:
            short = schemas.qualified("", row["table"])
            found += [name for name in names if name.endswith(short)] or [row["table"]]
    return sorted(set(found))


def evidence_rows(weighed: Sequence[Weighed], ledger: Ledger) -> tuple[dict[str, tuple[str, ...]], pd.DataFrame]:
    """Enter what was observed of noteworthy tables into the ledger.

    Returns the evidence ids by table, and table ``mechanism_evidence``: for each signal and mechanism how far it moved.
    """
    known = knowledge.mechanisms()
    because: dict[str, tuple[str, ...]] = {}
    found = []
    for each in weighed:
        ids = []
        for name, observation in each.seen.items():
            if not noteworthy(each) and name not in ("rows", "storage"):
                continue
            says = f"{each.table.name}: {observation.says}" if observation.row == each.table.name else observation.says
            reference = ledger.add(observation.group, says, observation.source, observation.row)
            ids.append(reference)
            if noteworthy(each):
                found += _matrix(known, each, name, observation, reference)
        because[each.table.name] = tuple(ids)
    return because, schemas.frame("mechanism_evidence", found)


def noteworthy(each: Weighed) -> bool:
    """Whether the report says more of this table than its numbers."""
    return each.mechanism != "none" or each.probability < 0.9


def _matrix(
    known: knowledge.Knowledge, each: Weighed, name: str, observation: Observation, reference: str
) -> list[dict]:
    signal, relation = known.signals[name], each.table.relation
    return [
        {
            "schema": relation["schema"],
            "table": relation["name"],
            "signal": name,
            "outcome": " or ".join(observation.outcomes),
            "mechanism": word,
            "likelihood": signal.likelihood(word, observation.outcomes),
            "decibans": round(decibans(known, name, observation, word), 3),
            "evidence": reference,
            "source": signal.source,
        }
        for word in known.priors
    ]


def _sharing(replaced: Sequence[Replacement], reach: nx.MultiDiGraph) -> dict[str, tuple[str, int]]:
    found = {}
    for each in replaced:
        outcome = "alone"
        if len(each.tables) > 1:
            story = fk.explain(reach, each.tables)
            closed = not story.extra and story.explained == story.of and len(story.roots) < story.of
            outcome = "closure" if closed else "shared"
        for table in each.tables:
            found[table] = (outcome, each.xid)
    return found


def _youngest(tables: Sequence[Dossier]) -> list[str]:
    """Tables that were created alone and after everything else of their schema."""
    found = []
    by_schema: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        if table.created_xid is not None:
            by_schema[table.relation["schema"]].append(table)
    for siblings in by_schema.values():
        if len(siblings) < 3:
            continue
        created = sorted({table.created_xid for table in siblings if table.created_xid is not None})
        last = [table for table in siblings if table.created_xid == created[-1]]
        newest_oid = max(table.oid for table in siblings)
        if len(created) > 1 and len(last) < len(siblings) / 2:
            found += [table.name for table in last if any(each.oid == newest_oid for each in last)]
    return found


def _dropped_in_window(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], about: Context
) -> dict[str, str]:
    """Dropped columns whose dropping transaction is dated into the window by its commit time."""
    times = {row["xid"]: row["committed_at"] for row in rows(evidence["commit_times"])}
    found = {}
    for table in tables:
        for column in table.columns:
            at = times.get(column["xmin"]) if column["dropped"] else None
            if at is not None and about.window_start is not None and at >= about.window_start:
                found[table.name] = f"committed {at:%Y-%m-%d %H:%M:%S} UTC"
    return found
