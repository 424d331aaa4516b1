"""What the signals of one table need of all the others, gathered once for the whole case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

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
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.lineage import gone_objects, made_late, stand_again, swapped_schemas, without_elders
from triage_kit.analyse.queues import drained, own_ways, rounds, settled, written_ways
from triage_kit.analyse.records import Records
from triage_kit.analyse.refills import (
    Move,
    copied_over,
    filled_by_the_emptying_hand,
    made_again,
    moves,
    passed_through,
    poured_out,
)
from triage_kit.analyse.repeats import runs
from triage_kit.analyse.rewound import older_state
from triage_kit.analyse.running import Copy, busy_tables, copies_in, dumped_tables, loaded_tables, trigger_tables
from triage_kit.analyse.silence import Visibility
from triage_kit.analyse.statements import AWAY, Seen
from triage_kit.analyse.transactions import Replacement
from triage_kit.analyse.xids import Clock

FEW = 20  # rows below which one transaction may well have written all
NEARLY = 0.8
FIRST_ROWS = 5  # judgement: what an application writes into a table that it finds empty before somebody misses the rest
WHOLESALE = ("drop_schema", "rename_schema", *AWAY)  # they take every table of a schema or database along


@dataclass(frozen=True)
class Scene:
    """What the signals of one table need of the others."""

    about: Context
    transactions: Mapping[str, tuple[str, int]]  # table -> (proven, closure, shared or alone; xid)
    reported: frozenset[str]
    below_reported: frozenset[str]  # partitions of a table that people name
    namesakes: frozenset[str]  # tables that bear a reported bare name and never held a row, beside one that did
    seen: Mapping[str, Sequence[Seen]]
    cascades_from: Mapping[str, frozenset[str]]  # table -> tables whose DELETE reaches it
    truncates_from: Mapping[str, frozenset[str]]
    balances: Mapping[str, dict]
    visible: Visibility
    log_begins: pd.Timestamp | None
    clock: Clock
    earlier: Earlier | None = None
    wal: Records = field(default_factory=Records)
    chains: Mapping[str, Chain] = field(default_factory=dict)  # replacements of a table's storage, as the WAL has them
    origins: Mapping[str, Observation] = field(default_factory=dict)  # what its names and age say of a table
    keyless: Mapping[str, Observation] = field(default_factory=dict)
    dropped: Mapping[str, Observation] = field(default_factory=dict)  # dropped columns, dated as far as possible
    columns_lost: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of tables that lost them lately
    paths: Mapping[str, Observation] = field(default_factory=dict)  # whether the application's search_path finds it
    policies: Mapping[str, Observation] = field(default_factory=dict)
    refused: Mapping[str, Observation] = field(default_factory=dict)  # tables that the application may not read
    busy: Mapping[str, Observation] = field(default_factory=dict)  # what running sessions do to it
    triggers: Mapping[str, Observation] = field(default_factory=dict)
    loaded: Mapping[str, Observation] = field(default_factory=dict)  # COPY into it that was seen
    dumped: Mapping[str, Copy] = field(default_factory=dict)  # those of them that read a dump
    database: Observation | None = None  # whether the database was made anew
    partition_stems: Mapping[tuple[str, str], set[str]] = field(default_factory=dict)  # parents by (schema, stem)
    volume_age: tuple[bool, str, str] | None = None  # of the data volume: younger than the data?, words, source
    bulk_storage: Observation | None = None  # what the checkpoints of the log say of new storage
    all_loaded: bool = False  # whether one transaction each wrote nearly every table
    outlived: str | None = None  # where the log has a statement of this database from before its data directory
    missed_idle: bool = False  # whether a table that people miss rows of was never used since the counters began
    siblings: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # partitions by the OID of their parent
    counting: bool = False  # whether the counters of most tables with rows are alive
    gone: Observation | None = None  # whether the database counts rows of tables that are gone
    late: frozenset[str] = frozenset()  # tables that a later run made than the first of the database
    without_elders: bool = False  # every table was made late, and as many rows went into tables that are gone
    again: frozenset[str] = frozenset()  # those of them that hold all rows which came into tables that are gone
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # older tables of a schema that was renamed away
    older: Observation | None = None  # whether the data directory went back in time
    runs: Mapping[str, tuple[Seen, ...]] = field(default_factory=dict)  # TRUNCATEs in a row, as the log has them
    moved: Mapping[str, Move] = field(default_factory=dict)  # tables whose lost rows stand in another
    refilled: Mapping[str, int] = field(default_factory=dict)  # sessions that emptied and filled it themselves
    rounds: Mapping[str, int] = field(default_factory=dict)  # times that rows came and one statement deleted them
    settled: Mapping[str, frozenset[str]] = field(default_factory=dict)  # columns that mark its rows as done with
    own_ways: Mapping[str, str] = field(default_factory=dict)  # tables that the application's own code deletes from
    drained: Mapping[str, float] = field(default_factory=dict)  # tables that code works off in turn, and how surely
    written_ways: frozenset[str] = frozenset()  # tables that a program of the repository deletes from by a condition
    # Tables in whose place a copy of all their rows stands, with the names that the original got.
    copied: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rebuilt: Mapping[str, str] = field(default_factory=dict)  # bare names that a migration gives to another table
    remade: Mapping[str, str] = field(
        default_factory=dict
    )  # tables made anew again and again, as seen or as code tells
    passing: frozenset[str] = frozenset()  # tables that rows only pass through, as code and statements tell
    cascades_to: Mapping[str, frozenset[str]] = field(default_factory=dict)  # table -> tables that its DELETE reaches
    needed: frozenset[str] = frozenset()  # tables that rows referred to which were truncated with them

    @cached_property
    def struck(self) -> frozenset[str]:
        """Texts of statements that removed rows, or may have, of tables which people name, partitions of them too.

        A TRUNCATE … CASCADE of another table that leads to one of them is among them.
        """
        named = self.reported | self.below_reported
        own = (seen for name in named for seen in self.seen.get(name, ()))
        above = {parent for name in named for parent in self.truncates_from.get(name, ())}
        leading = (seen for name in above for seen in self.seen.get(name, ()))
        cascading = (seen for seen in leading if seen.operation == "truncate" and seen.cascade)
        return frozenset(seen.text for seen in (*own, *cascading) if seen.done)

    def went_with_another(self, name: str) -> bool:
        """Whether the rows went with a table of this name that was dropped, however often its successor was emptied."""
        chain = self.chains.get(name)
        return chain is not None and chain.took is not None and chain.took.dropped

    def always_missed(self, name: str) -> bool:
        """Whether each of many transactions that deleted here, by the WAL, took rows that people miss elsewhere."""
        missed = [self.balances[each]["oid"] for each in self.reported & self.balances.keys() - {name}]
        return name in self.balances and self.wal.only_with(self.balances[name]["oid"], missed)

    @cached_property
    def by_oid(self) -> Mapping[int, dict]:
        """The balances by OID, as partitions are told by."""
        return {row["oid"]: row for row in self.balances.values()}

    @property
    def went_back(self) -> bool:
        """Whether the data directory is an older state: what happened since is in no WAL, and no statement did it."""
        return self.older is not None and self.older.outcomes != ("onward",)

    def effects_on(self, name: str) -> Sequence[Seen]:
        """Statements seen on a table; one that is gone may be given by its bare name, which nothing resolves."""
        own = self.seen.get(name, ())
        if name in self.balances:
            return own
        schema, bare = schemas.parts(name)
        wholesale = [each for each in self.seen.get(schema, ()) if each.operation == "drop_schema"]
        return (*own, *self.seen.get(bare, ()), *wholesale)

    def once_partition_of(self, relation: Mapping) -> frozenset[str]:
        """Partitioned tables whose partitions are named like this table, which is none of them."""
        stem = relation["name"].rstrip("0123456789")
        if relation["parent_oid"] or stem == relation["name"]:
            return frozenset()
        return frozenset(self.partition_stems.get((relation["schema"], stem), ()))


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
    leaves, copies = fk.partitions(reach), copies_in(evidence, list(reach))
    by_table = _by_table(seen, leaves, tables)
    begins = evidence["log_sources"]["first_at"].min() if evidence["log_sources"]["first_at"].notna().any() else None
    names = reported_names(evidence["reported"], list(reach))
    cascading = nx.DiGraph(
        (v, u) for u, v, data in reach.edges(data=True) if data.get("on_delete") in ("cascade", "partition")
    )
    dropped = columns.dropped(tables, by_table, about, clock)
    elsewhere = swapped_schemas(tables, evidence["namespaces"])
    anew = database_age(evidence, about, clock, before, seen)
    # A database that was made anew began its totals with it: what stood in the one before is not in them.
    totals = anew is None or anew.outcomes == ("older",)
    gone = gone_objects(tables, evidence, about) if totals and not _told_gone(by_table, names, reach) else None
    remade = None if gone is None else gone.outcomes == ("unaccounted",)
    outlived = _outlived(evidence, about)
    late = made_late(tables, first(evidence["identity"]).get("database_xmin"))
    shared = _sharing(replaced, reach, tables, frozenset(names))
    return Scene(
        about=about,
        transactions=shared,
        reported=frozenset(names),
        namesakes=_namesakes(tables, evidence["reported"], names),
        below_reported=frozenset(leaf for name in names for leaf in leaves.get(name, ())),
        seen=by_table,
        cascades_from=_upstream(cascading, tables),
        truncates_from=_upstream(nx.DiGraph(reach).reverse(copy=False), tables),
        balances={table.name: table.balance for table in tables},
        visible=visible,
        log_begins=begins,
        clock=clock,
        earlier=before,
        wal=wal or Records(),
        chains=told or {},
        origins=identity.origins(tables, evidence, before, about, clock, frozenset(names), remade, elsewhere),
        keyless=identity.keyless(tables),
        dropped=dropped,
        columns_lost=columns.lost(tables, dropped, by_table, evidence),
        paths=sight.paths(tables, evidence, about),
        policies=sight.policies(tables, by_table, evidence, about, clock),
        refused=sight.refusals(tables, evidence, about),
        busy=busy_tables(evidence, list(reach)),
        triggers=trigger_tables(tables, evidence, list(reach)),
        loaded=loaded_tables(copies),
        dumped=dumped_tables(copies),
        database=anew,
        partition_stems=fk.partition_stems(evidence["relations"]),
        bulk_storage=_bulk_storage(tables, evidence, about),
        volume_age=volume_age(evidence, about, begins),
        all_loaded=_all_loaded(tables),
        outlived=outlived,
        missed_idle=_missed_idle([table for table in tables if table.name in names], gone, outlived),
        siblings=_siblings(tables),
        counting=_counting(tables),
        gone=gone,
        late=late,
        again=stand_again(tables, evidence, gone, late),
        without_elders=without_elders(tables, evidence, gone, late),
        elsewhere=elsewhere,
        older=older_state(evidence, about),
        runs=runs(evidence["log_events"], by_table),
        moved=moves(tables, by_table, wal or Records()),
        refilled=filled_by_the_emptying_hand(evidence["log_events"], by_table),
        rounds=rounds(evidence["log_events"], by_table),
        settled=settled(evidence, by_table),
        own_ways=own_ways(evidence, by_table, about.app_role),
        drained=drained(evidence["code_hits"], [table.name for table in tables]),
        written_ways=written_ways(evidence["code_hits"], [table.name for table in tables]),
        rebuilt=rebuilt(evidence),
        remade=made_again(tables, evidence),
        passing=passed_through(tables, evidence) | poured_out(evidence["log_events"], by_table),
        copied=copied_over([table.name for table in tables], evidence),
        cascades_to=_upstream(nx.DiGraph(cascading).reverse(copy=False), tables),
        needed=_needed(tables, evidence["constraints"], shared),
    )


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
