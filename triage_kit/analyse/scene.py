"""What the signals of one table need of all the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.chains import Chain
from triage_kit.analyse.context import Context
from triage_kit.analyse.earlier import Earlier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.records import Records
from triage_kit.analyse.refills import Move
from triage_kit.analyse.running import Copy
from triage_kit.analyse.silence import Visibility
from triage_kit.analyse.statements import Seen
from triage_kit.analyse.xids import Clock

FEW = 20  # rows below which one transaction may well have written all


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
    noted: frozenset[str] = frozenset()  # tables in which a migration tool notes what ran, as their columns tell
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
    handed: frozenset[str] = frozenset()  # tables whose rows went into another one before they were emptied
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
