"""Sets the scene: what the signals of one table need of all the others, gathered once for the whole case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import networkx as nx
import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import columns, identity, sight
from triage_kit.analyse import foreign_keys as fk
from triage_kit.analyse.applied import rebuilt
from triage_kit.analyse.chains import Chain
from triage_kit.analyse.checkpoints import intervals, new_storage
from triage_kit.analyse.containers import volume_age
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.database import database_age
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.earlier import Earlier
from triage_kit.analyse.handovers import handed_over
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.lineage import gone_objects, made_late, stand_again, swapped_schemas, without_elders
from triage_kit.analyse.queues import drained, own_ways, rounds, settled, written_ways
from triage_kit.analyse.records import Records
from triage_kit.analyse.refills import (
    copied_over,
    filled_by_the_emptying_hand,
    made_again,
    moves,
    passed_through,
)
from triage_kit.analyse.repeats import runs
from triage_kit.analyse.rewound import older_state
from triage_kit.analyse.running import busy_tables, copies_in, dumped_tables, loaded_tables, trigger_tables
from triage_kit.analyse.scene import FEW, Scene
from triage_kit.analyse.silence import Visibility
from triage_kit.analyse.statements import AWAY, Seen
from triage_kit.analyse.transactions import Replacement
from triage_kit.analyse.xids import Clock

NEARLY = 0.8
FIRST_ROWS = 5  # judgement: what an application writes into a table that it finds empty before somebody misses the rest
WHOLESALE = ("drop_schema", "rename_schema", *AWAY)  # they take every table of a schema or database along


@dataclass(frozen=True)
class _Case:
    """What every part of a scene is made of."""

    tables: Sequence[Dossier]
    evidence: Mapping[str, pd.DataFrame]
    about: Context
    reach: nx.MultiDiGraph
    replaced: Sequence[Replacement]
    seen: Mapping[str, Sequence[Seen]]
    reported: frozenset[str]
    clock: Clock
    earlier: Earlier | None
    wal: Records

    @cached_property
    def names(self) -> list[str]:
        return [table.name for table in self.tables]

    @cached_property
    def log_begins(self) -> pd.Timestamp | None:
        began = self.evidence["log_sources"]["first_at"]
        return began.min() if began.notna().any() else None


def set_scene(
    tables: Sequence[Dossier],
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    reach: nx.MultiDiGraph,
    replaced: Sequence[Replacement],
    seen: Sequence[Seen],
    visible: Visibility,
    clock: Clock,
    before: Earlier | None = None,
    wal: Records | None = None,
    told: Mapping[str, Chain] | None = None,
) -> Scene:
    """Gather what the signals of one table need of all the others."""
    leaves, names = fk.partitions(reach), frozenset(reported_names(evidence["reported"], list(reach)))
    by_table = _by_table(seen, leaves, tables)
    case = _Case(tables, evidence, about, reach, replaced, by_table, names, clock, before, wal or Records())
    return Scene(
        about=about,
        reported=names,
        namesakes=_namesakes(tables, evidence["reported"], set(names)),
        below_reported=frozenset(leaf for name in names for leaf in leaves.get(name, ())),
        seen=by_table,
        balances={table.name: table.balance for table in tables},
        visible=visible,
        log_begins=case.log_begins,
        clock=clock,
        earlier=before,
        wal=case.wal,
        chains=told or {},
        **_of_keys(case),
        **_of_age(case, seen),
        **_of_storage(case),
        **_of_columns(case),
        **_of_sight(case),
        **_of_sessions(case),
        **_of_work(case),
    )


def _of_keys(case: _Case) -> dict[str, Any]:
    """How far a statement on one table reaches, and which of them one transaction took."""
    cascading = nx.DiGraph(
        (v, u) for u, v, data in case.reach.edges(data=True) if data.get("on_delete") in ("cascade", "partition")
    )
    shared = _sharing(case.replaced, case.reach, case.tables, case.reported)
    return {
        "transactions": shared,
        "cascades_from": _upstream(cascading, case.tables),
        "cascades_to": _upstream(nx.DiGraph(cascading).reverse(copy=False), case.tables),
        "truncates_from": _upstream(nx.DiGraph(case.reach).reverse(copy=False), case.tables),
        "needed": _needed(case.tables, case.evidence["constraints"], shared),
        "partition_stems": fk.partition_stems(case.evidence["relations"]),
        "siblings": _siblings(case.tables),
    }


def _of_age(case: _Case, seen: Sequence[Seen]) -> dict[str, Any]:
    """Whether database and tables are those that stood before, or were made anew."""
    tables, evidence, about = case.tables, case.evidence, case.about
    anew = database_age(evidence, about, case.clock, case.earlier, seen)
    elsewhere = swapped_schemas(tables, evidence["namespaces"])
    # A database that was made anew began its totals with it: what stood in the one before is not in them.
    totals = anew is None or anew.outcomes == ("older",)
    untold = totals and not _told_gone(case.seen, set(case.reported), case.reach)
    gone = gone_objects(tables, evidence, about) if untold else None
    remade = None if gone is None else gone.outcomes == ("unaccounted",)
    outlived = _outlived(evidence, about)
    late = made_late(tables, first(evidence["identity"]).get("database_xmin"))
    return {
        "database": anew,
        "elsewhere": elsewhere,
        "gone": gone,
        "outlived": outlived,
        "missed_idle": _missed_idle([table for table in tables if table.name in case.reported], gone, outlived),
        "late": late,
        "again": stand_again(tables, evidence, gone, late),
        "without_elders": without_elders(tables, evidence, gone, late),
        "origins": identity.origins(
            tables, evidence, case.earlier, about, case.clock, case.reported, remade, elsewhere
        ),
        "keyless": identity.keyless(tables),
        "older": older_state(evidence, about),
    }


def _of_storage(case: _Case) -> dict[str, Any]:
    """What volume, checkpoints and counters say of all tables together."""
    return {
        "bulk_storage": _bulk_storage(case.tables, case.evidence, case.about),
        "volume_age": volume_age(case.evidence, case.about, case.log_begins),
        "all_loaded": _all_loaded(case.tables),
        "counting": _counting(case.tables),
        "noted": frozenset(
            schemas.qualified(row["schema"], row["table"]) for row in rows(case.evidence["version_tables"])
        ),
    }


def _of_columns(case: _Case) -> dict[str, Any]:
    dropped = columns.dropped(case.tables, case.seen, case.about, case.clock)
    return {"dropped": dropped, "columns_lost": columns.lost(case.tables, dropped, case.seen, case.evidence)}


def _of_sight(case: _Case) -> dict[str, Any]:
    """What keeps the application from seeing rows that stand."""
    return {
        "paths": sight.paths(case.tables, case.evidence, case.about),
        "policies": sight.policies(case.tables, case.seen, case.evidence, case.about, case.clock),
        "refused": sight.refusals(case.tables, case.evidence, case.about),
    }


def _of_sessions(case: _Case) -> dict[str, Any]:
    """What sessions did, and do, to the tables: copies, statements in a row, rows that were put elsewhere."""
    evidence, log = case.evidence, case.evidence["log_events"]
    copies = copies_in(evidence, list(case.reach))
    return {
        "busy": busy_tables(evidence, list(case.reach)),
        "triggers": trigger_tables(case.tables, evidence, list(case.reach)),
        "loaded": loaded_tables(copies),
        "dumped": dumped_tables(copies),
        "runs": runs(log, case.seen),
        "rounds": rounds(log, case.seen),
        "refilled": filled_by_the_emptying_hand(log, case.seen),
        "moved": moves(case.tables, case.seen, case.wal),
        "passing": passed_through(case.tables, evidence),
        "handed": handed_over(case.tables, evidence, case.seen, case.wal),
        "copied": copied_over(case.names, evidence),
    }


def _of_work(case: _Case) -> dict[str, Any]:
    """How the application and its code go on with the tables every day."""
    evidence = case.evidence
    return {
        "settled": settled(evidence, case.seen),
        "own_ways": own_ways(evidence, case.seen, case.about.app_role),
        "drained": drained(evidence["code_hits"], case.names),
        "written_ways": written_ways(evidence["code_hits"], case.names),
        "rebuilt": rebuilt(evidence),
        "remade": made_again(case.tables, evidence),
    }


def _needed(
    tables: Sequence[Dossier], constraints: pd.DataFrame, shared: Mapping[str, tuple[str, int]]
) -> frozenset[str]:
    """Tables referred to, by columns that must not be NULL, from rows that one TRUNCATE took with them."""
    by_oid, found = {table.oid: table for table in tables}, set()
    for row in rows(constraints[constraints["kind"] == "foreign_key"]):
        child, parent = by_oid.get(row["table_oid"]), by_oid.get(row["referenced_oid"])
        if child is None or parent is None or child is parent or not (child.net and _lacks_rows(child)):
            continue
        together = shared.get(child.name, ("", None))[1] == shared.get(parent.name, ("", 0))[1]
        bound = {column["name"] for column in child.columns if column["not_null"]}
        if together and bound.issuperset(row["columns"]):
            found.add(parent.name)
    return frozenset(found)


def _told_gone(seen: Mapping[str, Sequence[Seen]], reported: Sequence[str], reach: nx.MultiDiGraph) -> bool:
    """Whether a table is known to be gone, by its DROP or because people miss it: the rows of it are no riddle then."""
    dropped = {name for name, effects in seen.items()
               if any(each.done and each.operation in ("drop_table", "drop_schema") for each in effects)}  # fmt: skip
    standing = set(reach) | {schemas.parts(name)[0] for name in reach}
    return bool((dropped | set(reported)) - standing)


def _namesakes(tables: Sequence[Dossier], reported: pd.DataFrame, names: Sequence[str]) -> frozenset[str]:
    """Tables that people can hardly mean by a bare name: never filled, while another of the name was."""
    bare = {row["table"] for row in rows(reported) if row["schema"] is None}
    gathered: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        if table.name in names and table.relation["name"] in bare:
            gathered[table.relation["name"]].append(table)
    idle = {table.name for group in gathered.values() for table in group if not _ever_filled(table)}
    return frozenset(name for group in gathered.values() if any(table.name not in idle for table in group)
                     for name in (table.name for table in group) if name in idle)  # fmt: skip


def _ever_filled(table: Dossier) -> bool:
    return bool(table.balance["inserts"] or table.balance["actual_rows"] or table.replaced or table.heap_bytes)


def _idle(table: Dossier) -> bool:
    return not table.balance["inserts"] and table.balance["actual_rows"] == 0 and not table.replaced


def _outlived(evidence: Mapping[str, pd.DataFrame], about: Context) -> str | None:
    """Where the log has the first statement on this database that is older than the data directory, if any is.

    initdb and an image's entry point run statements, too, but after the system identifier was made; its time is that of
    the host's clock, cut to whole seconds.
    """
    events, born = evidence["log_events"], about.initdb_at
    if born is None or not len(events):
        return None
    here = events["database"].isin(evidence["identity"]["database"].dropna())
    older = events[here & events["statement"].notna() & (events["at"] < born)].sort_values("at")
    return None if older.empty else f"{older['file'].iloc[0]}:{older['line'].iloc[0]}"


def _missed_idle(missed: Sequence[Dossier], gone: Observation | None, outlived: str | None) -> bool:
    """Whether a table that people miss rows of was never used, or all of them had a first few rows and no more."""
    sure = outlived is not None or (gone is not None and gone.outcomes == ("accounted",))
    return any(map(_idle, missed)) or (bool(missed) and sure and all(map(_barely_begun, missed)))


def _barely_begun(table: Dossier) -> bool:
    """Whether the counters know a few inserts of it since it was made, and nothing else: its rows never were here."""
    balance = table.balance
    begun = balance["inserts"] is not None and balance["inserts"] <= FIRST_ROWS
    return begun and balance["deletes"] == 0 and table.net is not None and not table.replaced


def _counting(tables: Sequence[Dossier]) -> bool:
    """Whether most tables that hold something also count it: then one that counts nothing was reset alone."""
    filled = [table for table in tables if table.heap_bytes and table.relation["kind"] == "table"]
    return len(filled) > 1 and 2 * sum(bool(table.balance["inserts"]) for table in filled) > len(filled)


def _siblings(tables: Sequence[Dossier]) -> dict[int, tuple[int, ...]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for table in tables:
        if table.relation["is_partition"] and table.relation["parent_oid"]:
            found[table.relation["parent_oid"]].append(table.oid)
    return {parent: tuple(oids) for parent, oids in found.items()}


def _all_loaded(tables: Sequence[Dossier]) -> bool:
    known = [table for table in tables if table.writers is not None and (table.balance["actual_rows"] or 0) >= FEW]
    return len(known) > 1 and sum(map(loaded_once, known)) >= NEARLY * len(known)


def loaded_once(table: Dossier) -> bool:
    """Whether one transaction wrote every row that stands, and the counters hold nothing else, as after a restore."""
    if table.writers is None or table.writers[0] != table.writers[1]:
        return False
    row = table.balance
    alone = row["inserts"] == row["actual_rows"] and not row["deletes"] and not row["updates"]
    return alone and table.created_xid is not None and table.writers[0] >= table.created_xid


def _by_table(
    seen: Sequence[Seen], leaves: Mapping[str, frozenset[str]], tables: Sequence[Dossier]
) -> dict[str, list[Seen]]:
    found: defaultdict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        found[each.table].append(each)
        if each.operation in WHOLESALE:
            inside = [table.name for table in tables
                      if each.operation in AWAY or table.relation["schema"] == each.table]  # fmt: skip
            for name in inside:
                found[name].append(replace(each, table=name, rows=None))
        for leaf in leaves.get(each.table, ()) if each.operation in ("delete", "truncate", "update", "merge") else ():
            found[leaf].append(replace(each, table=leaf, rows=None))
    return found


def _upstream(graph: nx.DiGraph, tables: Sequence[Dossier]) -> dict[str, frozenset[str]]:
    """Every node that can be reached from each table; one shared empty set where there is none."""
    nothing: frozenset[str] = frozenset()
    return {
        table.name: frozenset(nx.descendants(graph, table.name)) if graph.adj.get(table.name) else nothing
        for table in tables
    }


def _sharing(
    replaced: Sequence[Replacement], reach: nx.MultiDiGraph, tables: Sequence[Dossier], reported: frozenset[str]
) -> dict[str, tuple[str, int]]:
    proof = {table.name for table in tables if proves_truncate(table)}
    found = {}
    for each in replaced:
        outcome = "alone"
        if len(each.tables) > 1:
            story = fk.explain(reach, each.tables)
            closed = not story.extra and story.explained == story.of and len(story.roots) < story.of
            outcome = "closure" if closed else "shared"
        for table in each.tables:
            proven = any(other in proof for other in each.tables if other != table)
            named = outcome == "shared" and bool(reported & set(each.tables) - {table})
            found[table] = ("proven" if proven else "named" if named else outcome, each.xid)
    return found


def proves_truncate(table: Dossier) -> bool:
    """Whether its own counters show what nothing but TRUNCATE makes (measured on 13 to 18)."""
    since, net, actual = table.counters.get("inserted_since_vacuum"), table.net, table.balance["actual_rows"]
    if not table.replaced or net is None or since is None or table.vacuumed is not False:
        return False
    return since < table.balance["inserts"] and actual is not None and actual < net


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
