"""Everything that the evidence says of one table, gathered once so that each signal is a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from triage_kit.analyse.balance import rolled_back
from triage_kit.analyse.context import by_table, rows
from triage_kit.analyse.earlier import Earlier, carried_on, rows_then
from triage_kit.schemas import qualified

PAGE = 8192
# PostgreSQL source, htup_details.h, MaxHeapTuplesPerPage: a line pointer and an aligned tuple header are the least.
MOST_IN_A_PAGE = (PAGE - 24) // (4 + 24)
# Judgement: inserts that fail one by one in ordinary traffic, in rows and as one in so many counted deletes.
FAILED, FAILED_SHARE = 3, 10


@dataclass(frozen=True)
class Dossier:
    """One table that holds rows itself: its rows of ``relations``, ``balance`` and so on as dicts, missing is None."""

    name: str
    relation: dict
    balance: dict
    counters: dict
    storage: dict
    columns: tuple[dict, ...] = ()
    sequences: tuple[dict, ...] = ()
    policies: tuple[dict, ...] = ()
    primary_key: dict = field(default_factory=dict)
    file_time: dict = field(default_factory=dict)
    indexes: tuple[dict, ...] = ()
    writers: tuple[int, int] | None = None  # smallest and largest xmin of the rows that stand
    then: dict = field(default_factory=dict)  # the same object as an earlier bundle has it

    @property
    def oid(self) -> int:
        return self.relation["oid"]

    @cached_property
    def replaced(self) -> bool | None:
        """Whether the files are not those of the earlier bundle, else those the table was created with.

        None where that cannot be told.
        """
        if not self.relation["filenode"] or self.relation["kind"] == "materialized_view":
            return None  # measured: on 17 and 18 even a new materialized view has another relfilenode
        if self.then.get("filenode"):
            return self.relation["filenode"] != self.then["filenode"]
        return self.relation["filenode"] != self.relation["oid"]

    @property
    def damaged(self) -> str | None:
        """What is wrong with its files, so that neither size nor count says anything of its rows; None: nothing is."""
        return self.balance["bias"][0] if self.balance["actual_from"] == "damaged" else None

    @property
    def heap_bytes(self) -> int | None:
        return None if self.damaged else self.storage.get("heap_bytes")

    @cached_property
    def vacuumed(self) -> bool | None:
        """Whether any vacuum ran on it since its counters began; None where that cannot be told."""
        counts = [self.counters.get(name) for name in ("vacuums", "autovacuums")]
        times = [self.counters.get(name) for name in ("last_vacuum", "last_autovacuum")]
        if any(counts) or any(at is not None for at in times):
            return True
        return None if None in counts else False

    @cached_property
    def came(self) -> int | None:
        """Rows that came since the counters began; with an earlier bundle, those that stood then and came since."""
        if not self.balance["counters_alive"]:
            return None
        if self.goes_on:
            return (rows_then(self.then) or 0) + self.balance["inserts"] - self.then["inserts"]
        return self.balance["inserts"] - self.failed

    @cached_property
    def failed(self) -> int:
        """Counted inserts that were rolled back, of a table that rows were deleted from as well or that lacks a few.

        A statement that fails (a key that is there already, a parent that is gone) has inserted its row before it is
        rolled back, so that n_tup_ins counts it, and n_tup_del the deletes of a transaction that is rolled back
        (measured on 13 to 18). Neither must excuse the other: a DELETE that was committed took its rows, however many
        inserts failed besides. Of a table without deletes what was rolled back is weighed as it is counted.
        """
        inserts, _ = self._rolled_back
        return inserts if self.balance["deletes"] or inserts <= FAILED else 0

    @property
    def aborted(self) -> bool:
        """Whether the inserts that were rolled back are too many for statements that fail one by one: a load was."""
        return self.failed > FAILED and self.failed * FAILED_SHARE > self.balance["deletes"]

    @property
    def undone_deletes(self) -> int:
        """Counted deletes that were rolled back, as far as that can be told."""
        return self._rolled_back[1]

    @cached_property
    def _rolled_back(self) -> tuple[int, int]:
        """Counted inserts and counted deletes that were rolled back; nothing of what cannot be told.

        They leave as many rows fewer and more than the counters say, and n_mod_since_analyze, of a table never
        analysed, leaves out both: two sums of two numbers. Of one that was analysed only their difference is known.
        """
        row = self.balance
        if not row["counters_alive"] or row["actual_rows"] is None or self.goes_on or self.replaced is not False:
            return 0, 0
        short, undone = row["inserts"] - row["deletes"] - row["actual_rows"], rolled_back(self.counters)
        if undone is None:
            return self._short_by_inserts(short), 0
        inserts, odd = divmod(undone + short, 2)
        deletes = undone - inserts
        return (inserts, deletes) if not odd and inserts >= 0 and 0 <= deletes <= row["deletes"] else (0, 0)

    def _short_by_inserts(self, short: int) -> int:
        """The rows that are short, where they were deleted from and lie there dead besides the deleted ones, or did.

        n_live_tup, which leaves out what was rolled back, must not count them: a session that deletes tells it late.
        """
        row = self.balance
        if short <= 0 or not row["deletes"] or not self.counted or row["live"] is None or self.vacuumed is None:
            return 0
        late = row["live"] > row["actual_rows"] + short / 2
        dead = self.vacuumed or (row["dead"] or 0) >= short + row["deletes"]
        return short if dead and not late else 0

    @cached_property
    def undone(self) -> int | None:
        """Counted changes that were rolled back, of a table never analysed; none where all of them were deletes.

        A rolled-back insert leaves one row fewer than the counters say, a rolled-back delete one more: where the same
        files hold as many rows more as changes are missing, nothing but deletes was rolled back.
        """
        missing, row = rolled_back(self.counters), self.balance
        if not missing or self.replaced is not False or row["actual_rows"] is None:
            return missing
        return 0 if row["actual_rows"] - (row["inserts"] - row["deletes"]) == missing else missing

    @cached_property
    def refill_failed(self) -> bool:
        """Whether every row that was inserted since its storage was replaced was rolled back: none of them stands."""
        since, undone = self.counters.get("inserted_since_vacuum"), rolled_back(self.counters)
        known = self.replaced and self.vacuumed is False and since and undone is not None
        return bool(known and undone >= since and self.balance["live"] == 0)

    @cached_property
    def went(self) -> int | None:
        """Rows whose deletion was counted, since the earlier bundle where there is one."""
        if not self.balance["counters_alive"]:
            return None
        return self.balance["deletes"] - (self.then["deletes"] if self.goes_on else 0)

    @cached_property
    def net(self) -> int | None:
        """Rows that came minus those that were deleted, where the counters are alive."""
        return None if self.came is None or self.went is None else self.came - self.went

    @cached_property
    def emptied_first(self) -> bool:
        """Whether DELETE took its rows before its storage was replaced, which so took none.

        TRUNCATE is in no counter of deletes: where as many rows stand as came less those that were deleted, no other
        went, whatever became of the files.
        """
        row = self.balance
        even = self.net is not None and row["actual_rows"] == self.net
        return bool(self.replaced and even and self.went and 2 * self.went >= (self.came or 0))

    @cached_property
    def goes_on(self) -> bool:
        """Whether an earlier bundle has it and its counters go on from those of then."""
        row = self.balance
        return rows_then(self.then) is not None and carried_on(self.then, row["inserts"], row["deletes"])

    @cached_property
    def most_rows(self) -> int | None:
        """How many rows its file can hold at most: a page of 8 KB takes a header, and of each row 28 bytes or more."""
        if self.heap_bytes is None or self.relation["kind"] != "table":
            return None
        if self.refill_failed:
            return 0
        return self.heap_bytes // PAGE * MOST_IN_A_PAGE

    @cached_property
    def overcounted(self) -> bool:
        """Whether the counters leave more rows than the file can hold: some are gone, however many n_live_tup says."""
        room = self.most_rows
        return not self.counted and self.net is not None and room is not None and room < self.net

    @cached_property
    def created_xid(self) -> int | None:
        """The transaction that created the table, at the latest: the oldest row of its columns or of its primary key.

        TRUNCATE leaves pg_attribute alone; what writes columns anew (a change of type, DETACH PARTITION, NO INHERIT)
        leaves the row of the key. No transaction tells where no column does.
        """
        columns = [column["xmin"] for column in self.columns if not column["dropped"] and column["xmin"]]
        key = self.primary_key.get("xmin")
        return min([*columns, *([key] if key else [])]) if columns else None

    @cached_property
    def relinked_xid(self) -> int | None:
        """The transaction that wrote every column anew after the table was made, as letting go of a parent does.

        Measured on 13 to 18: DETACH PARTITION and NO INHERIT write the pg_attribute row of each inherited column.
        """
        written = {column["xmin"] for column in self.columns if not column["dropped"]}
        last = written.pop() if len(written) == 1 and len(self.columns) > 1 else None
        return last if last and self.created_xid is not None and last > self.created_xid else None

    @property
    def counted(self) -> bool:
        """Whether the actual rows are known rather than estimated."""
        return self.balance["actual_from"] in ("exact", "empty_file", "pgstattuple")


def dossiers(
    evidence: Mapping[str, pd.DataFrame], balance: pd.DataFrame, before: Earlier | None = None
) -> list[Dossier]:
    """One dossier for each ordinary table, partition and materialized view, in the order of ``balance``."""
    relations = {row["oid"]: row for row in rows(evidence["relations"])}
    counters = {row["oid"]: row for row in rows(evidence["table_counters"])}
    storage = {row["oid"]: row for row in rows(evidence["storage"])}
    times = {row["oid"]: row for row in rows(evidence["file_times"])}
    columns = by_table(evidence["columns"])
    sequences = by_table(evidence["sequences"])
    policies = by_table(evidence["policies"])
    indexes = by_table(evidence["indexes"])
    keys = {row["table_oid"]: row for found in indexes.values() for row in found if row["primary"]}
    writers = {row["oid"]: (row["oldest_xid"], row["newest_xid"]) for row in rows(evidence["row_transactions"])}
    then = before.standing() if before else {}
    return [
        Dossier(
            qualified(row["schema"], row["table"]),
            relations[row["oid"]],
            row,
            counters.get(row["oid"], {}),
            storage.get(row["oid"], {}),
            columns[row["oid"]],
            sequences[row["oid"]],
            policies[row["oid"]],
            keys.get(row["oid"], {}),
            times.get(row["oid"], {}),
            indexes[row["oid"]],
            writers.get(row["oid"]),
            then.get(row["oid"], {}),
        )
        for row in rows(balance)
        if row["kind"] in ("table", "materialized_view") and row["oid"] in relations
    ]
