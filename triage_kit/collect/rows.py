"""How many rows each table holds now, found without harming what could still be recovered.

``none`` asks nothing of a table, ``safe`` only what leaves dead rows where they are, ``exact`` counts whatever may be
counted. An empty file holds no rows in any of them. A small table is read by tuple identifiers, which prune nothing;
a large one is scanned only where a scan can prune nothing: on a standby, or where the counters prove that it holds
no dead row. Else pgstattuple tells, which reads pages without pruning them, or nothing does and the reason is said.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pandas as pd

from triage_kit import clock
from triage_kit.collect import brackets, damage, harmless, questions, scope
from triage_kit.collect.asking import CANCELED, LOCK_TIMEOUT, OPENING, Inquiry
from triage_kit.collect.questions import Question
from triage_kit.collect.server import Limits, Refused, in_chunks, quoted

BLOCK = 8192
TOGETHER = 50  # tables counted by one statement: each takes a lock for itself and one for each index
LARGEST_SCAN = 30_000 * BLOCK  # up to here ANALYZE looks at every page, so that its dead rows are no estimate
EXACT = Limits(statement=120_000)
BUDGET = {"safe": 120.0, "exact": 3600.0}
UNREPORTED = timedelta(seconds=60)  # pgstat.c, PGSTAT_MAX_INTERVAL: an idle session reports within it
# What a restore and a bulk load leave, rows of one transaction, shows in the same look (measured on 13 to 18).
COUNTED = ("pg_catalog.count(*) AS rows, pg_catalog.min(r.xmin::text::bigint) AS oldest_xid, "
           "pg_catalog.max(r.xmin::text::bigint) AS newest_xid")  # fmt: skip
CALLS = "an index or a statistics object of it calls {}: planning a count would run it as role {!r}"
STATTUPLE = """
SELECT n.nspname::text AS schema,
       pg_catalog.has_function_privilege(p.oid, 'EXECUTE') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
 AND d.classid = 'pg_catalog.pg_proc'::regclass AND d.deptype = 'e'
JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND p.proname = 'pgstattuple' AND p.pronargs = 1
 AND p.proargtypes[0] = 'pg_catalog.regclass'::regtype
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'pgstattuple'
"""


@dataclass(frozen=True)
class Table:
    """One table before it is counted: what decides how."""

    oid: int
    schema: str
    name: str
    relkind: str
    unlogged: bool
    populated: bool
    heap: bool
    readable: bool
    filtered: bool
    bytes: int | None
    clean: bool
    code: str | None = None
    usable: bool = False
    relpages: int = 0  # as the catalogue has them

    @property
    def pages(self) -> int:
        return -(-(self.bytes or 0) // BLOCK)


@dataclass
class Count:
    """What is known of one table's rows; a row of ``row_counts``."""

    table: Table
    rows: int | None = None
    method: str = "none"
    reason: str | None = None
    oldest_xid: int | None = None  # of the rows that stand
    newest_xid: int | None = None
    asked_at: datetime = field(default_factory=lambda: clock.now())

    def row(self, ahead: timedelta = timedelta(0)) -> dict:
        """The count as a row of the evidence table; the server's clock is so far ahead of ours."""
        return {
            "oid": self.table.oid,
            "schema": self.table.schema,
            "table": self.table.name,
            "rows": self.rows,
            "method": self.method,
            "reason": self.reason,
            "asked_at": self.asked_at + ahead,
        }


def count(
    inquiry: Inquiry, question: Question, counting: str, way: type[Counting] | None = None
) -> tuple[str, list[dict]]:
    """Variant and rows of ``row_counts``; ``counting`` is none, safe or exact, ``way`` how tables are counted."""
    variant, known = inquiry.read(question)
    tables = _tables(inquiry, known)
    counts = (way or Counting)(inquiry, counting).run(tables)
    if way is None:
        brackets.keep(inquiry, counts)
    _tell_damage(inquiry, [each for each in counts if each.method == "damaged"])
    left = Counter(each.reason for each in counts if each.method == "none" and each.table.relkind in "rm")
    if left:
        reasons = "; ".join(f"{number}: {reason}" for reason, number in left.most_common(5))
        countable = sum(each.table.relkind in "rm" for each in counts)
        inquiry.lacking(
            "row_counts: not counted", f"{left.total()} of {countable} tables were not counted ({reasons})", "skipped"
        )
    return variant, [each.row(inquiry.draft.ahead) for each in counts]


def _tell_damage(inquiry: Inquiry, hurt: list[Count]) -> None:
    if hurt:
        said = "; ".join(f"{quoted(each.table.schema, each.table.name)}: {each.reason}" for each in hurt[:5])
        inquiry.lacking(
            "row_counts: damaged files",
            f"{len(hurt)} table{'s are' if len(hurt) > 1 else ' is'} damaged, not empty ({said}): run no VACUUM, "
            "REINDEX or TRUNCATE, and copy the data directory before anything is repaired",
            "failed",
        )


class Counting:
    """How the tables of one inquiry are counted."""

    def __init__(self, inquiry: Inquiry, mode: str) -> None:
        self.inquiry, self.mode = inquiry, mode
        self.session = inquiry.session
        self.deadline = time.monotonic() + BUDGET.get(mode, 0.0)
        self.stattuple = self._stattuple()

    def run(self, tables: list[Table]) -> list[Count]:
        """Counts of all tables, in the order given."""
        done = {count.table.oid: count for count in map(self._without_reading, tables) if count}
        done |= self._damaged([count.table for count in done.values() if count.method == "empty_file"])
        done |= self._shortened(tables)
        left = sorted((table for table in tables if table.oid not in done), key=lambda table: table.bytes or 0)
        small = [table for table in left if table.pages <= harmless.PAGES and table.heap]
        large = [table for table in left if table not in small]
        for chunk in _alike(small):
            done |= {count.table.oid: count for count in self._together(chunk)}
        for table in large:
            done[table.oid] = self._alone(table)
        for oid, count in done.items():
            if count.rows is None and count.method == "none" and self._may_stattuple(count.table):
                done[oid] = self._by_stattuple(count)
        return [done[table.oid] for table in tables]

    def _damaged(self, empty: list[Table]) -> dict[int, Count]:
        """Of tables that measure 0 bytes those that are not empty but damaged."""
        found = self._broken(empty)
        return {t.oid: Count(t, method="damaged", reason=found[t.oid]) for t in empty if t.oid in found}

    def _shortened(self, tables: list[Table]) -> dict[int, Count]:
        """Tables of whose files a part is missing: what stands in the rest is not read, and is no row count."""
        found = damage.shortened(self.inquiry, tables)
        return {t.oid: Count(t, method="damaged", reason=found[t.oid]) for t in tables if t.oid in found}

    def _broken(self, empty: list[Table]) -> dict[int, str]:
        """What is wrong with their files, by OID."""
        return damage.damaged(self.inquiry, empty)

    def _without_reading(self, table: Table) -> Count | None:
        """The count that needs no look at the table, or the reason why there may be none; None: it may be counted."""
        if table.relkind == "p":
            return Count(table, reason="a partitioned table: its partitions hold the rows")
        if table.relkind == "f":
            return Count(table, reason="a foreign table: another server would be asked")
        if table.unlogged and not self.inquiry.capabilities.holds_unlogged_rows():
            return Count(table, reason="unlogged: a standby has none of its rows")
        if table.heap and table.bytes == 0:
            return Count(table, 0, "empty_file")
        if not table.populated:
            return Count(table, reason="a materialized view that was never filled")
        return self._forbidden(table)

    def _forbidden(self, table: Table) -> Count | None:
        if self.mode == "none":
            return Count(table, reason="the case says counting: none")
        if table.bytes is None:
            return Count(table, reason="locked by ACCESS EXCLUSIVE")
        if not table.readable:
            return Count(table, reason=f"role {self.inquiry.role!r} may not read it")
        if table.filtered:
            return Count(table, reason=f"row security would hide rows from role {self.inquiry.role!r}")
        if table.code:
            return Count(table, reason=CALLS.format(table.code, self.inquiry.role))
        return None

    def _together(self, chunk: list[Table]) -> Iterable[Count]:
        """Small tables by tuple identifiers; a chunk that fails is halved down to the table that is the reason."""
        pending = [chunk]
        while pending:
            tables = pending.pop(0)
            try:
                yield from self._by_places(tables)
            except Refused as error:
                if len(tables) == 1:
                    yield self._failed(tables[0], error)
                else:
                    pending[:0] = in_chunks(tables, (len(tables) + 1) // 2)

    def _by_places(self, tables: list[Table]) -> list[Count]:
        if time.monotonic() > self.deadline:
            return [Count(table, reason="the time for counting was used up") for table in tables]
        locked = scope.locked(self.session)
        free = [table for table in tables if table.oid not in locked]
        counts = [Count(table, reason="locked by ACCESS EXCLUSIVE") for table in tables if table.oid in locked]
        if not free:
            return counts
        query = " UNION ALL ".join(
            f"SELECT {table.oid} AS oid, {COUNTED} "  # noqa: S608 names are quoted
            f"FROM ONLY {quoted(table.schema, table.name)} AS r WHERE {harmless.EVERY_PLACE}"
            for table in free
        )
        found = harmless.read(self.session, query.replace("%", "%%"), [table.oid for table in free], OPENING)
        rows = {row["oid"]: row for row in found}
        return counts + [_counted(table, rows[table.oid]) for table in free]

    def _alone(self, table: Table) -> Count:
        """One large table by a scan, where a scan is harmless or asked for."""
        reason = self._harm(table) if self.mode == "safe" else ""
        if reason:
            return Count(table, reason=reason)
        if time.monotonic() > self.deadline:
            return Count(table, reason="the time for counting was used up")
        if table.oid in scope.locked(self.session):
            return Count(table, reason="locked by ACCESS EXCLUSIVE")
        query = f"SELECT {COUNTED} FROM ONLY {quoted(table.schema, table.name)} AS r"  # noqa: S608
        try:
            found = self.session.read(
                query,
                limits=EXACT if self.mode == "exact" else OPENING,
                extra=harmless.NO_USER_CODE + harmless.no_views(self.session),
            )
        except Refused as error:
            return self._failed(table, error)
        return _counted(table, found[0])

    def _harm(self, table: Table) -> str:
        """Why a scan of this table could destroy what might be recovered; empty when it cannot."""
        if not self.inquiry.capabilities.prunes_on_read():
            return ""
        if not table.heap:
            return "its access method is not heap, and what a scan does to it is not known"
        if not table.clean:
            return "a scan could remove dead rows, and the counters do not prove that it has none"
        if table.bytes > LARGEST_SCAN:
            return f"larger than {LARGEST_SCAN >> 20} MiB: its dead rows are an estimate"
        return "" if _quiet(self.inquiry) else "a scan could remove dead rows, and sessions may have some to report yet"

    def _failed(self, table: Table, error: Refused) -> Count:
        if error.sqlstate == CANCELED:
            return Count(table, reason="counting it took too long, or was cancelled")
        if error.sqlstate == LOCK_TIMEOUT:
            return Count(table, reason="a lock on it was not granted in time")
        if error.sqlstate in damage.BROKEN:
            return Count(table, method="damaged", reason=str(error))
        return Count(table, reason=str(error))

    def _stattuple(self) -> str | None:
        try:
            found = self.session.read(STATTUPLE) if self.mode != "none" else []
        except Refused:
            return None  # the catalogue of extensions is locked: one way less to count
        return found[0]["schema"] if found and found[0]["usable"] else None

    def _may_stattuple(self, table: Table) -> bool:
        fit = table.relkind in "rm" and table.heap and table.populated and table.bytes is not None
        return bool(self.stattuple and fit and (not table.unlogged or self.inquiry.capabilities.holds_unlogged_rows()))

    def _by_stattuple(self, tried: Count) -> Count:
        # It needs no SELECT privilege and sees past row security; it counts rows not committed yet, too.
        table = tried.table
        if time.monotonic() > self.deadline or table.oid in scope.locked(self.session):
            return tried
        function = f"{quoted(self.stattuple)}.pgstattuple"
        query = f"SELECT t.tuple_count AS rows FROM {function}({table.oid}::oid::regclass) AS t"  # noqa: S608 quoted
        try:
            found = self.session.read(query, limits=EXACT if self.mode == "exact" else OPENING)
        except Refused:
            return tried
        return replace(tried, rows=found[0]["rows"], method="pgstattuple", asked_at=clock.now())


def _counted(table: Table, row: dict) -> Count:
    return Count(table, row["rows"], "exact", None, row["oldest_xid"], row["newest_xid"])


def _alike(tables: list[Table]) -> list[list[Table]]:
    """Tables, smallest first, in chunks whose places are few: every table of a chunk is asked for the largest's."""
    chunks: list[list[Table]] = []
    for table in tables:
        full = chunks and (len(chunks[-1]) == TOGETHER or (len(chunks[-1]) + 1) * table.pages > harmless.PAGES)
        if not chunks or full:
            chunks.append([])
        chunks[-1].append(table)
    return chunks


def _tables(inquiry: Inquiry, known: list[dict]) -> list[Table]:
    clean = _clean(inquiry)
    return [
        Table(
            oid=row["oid"],
            schema=row["schema"],
            name=row["table"],
            relkind=row["relkind"],
            unlogged=row["persistence"] == "u",
            populated=row["populated"],
            heap=row["access_method"] == "heap",
            readable=row["readable"],
            filtered=row["filtered"],
            bytes=row["bytes"],
            clean=row["oid"] in clean,
            code=row.get("code"),
            usable=row.get("usable", False),
            relpages=row.get("pages") or 0,
        )
        for row in known
    ]


def _clean(inquiry: Inquiry) -> set[int]:
    """OIDs of tables of which the counters prove that they hold no dead row.

    Dead rows are counted from the moment the counters began. So none are there when the counters reach back to the
    cluster's beginning or a VACUUM ran since they began, none are counted, and the table never held any (nothing
    deleted, updated or rolled back) or was vacuumed.
    """
    counters = inquiry.written("table_counters")
    vacuumed_at = counters[["last_vacuum", "last_autovacuum"]].max(axis=1)
    untouched = (counters["deletes"] == 0) & (counters["updates"] == 0) & (counters["inserts"] == counters["live"])
    begun = _counters_begun(inquiry)
    proven = vacuumed_at.notna() | untouched if begun is None else vacuumed_at > begun
    return set(counters.loc[((counters["dead"] == 0) & proven).fillna(False), "oid"])


def _counters_begun(inquiry: Inquiry) -> pd.Timestamp | None:
    """When the counters began, if that was later than the cluster did; None when they are complete.

    On PostgreSQL 13 and 14 the first start sets the cluster-wide time, so a minute after initdb is still complete.
    """
    identity, cluster = inquiry.written("identity"), inquiry.written("cluster_counters")
    database = inquiry.written("database_counters")
    own = database.loc[database["oid"].isin(identity["database_oid"]), "reset_at"]
    resets = pd.concat([cluster["bgwriter_reset"], cluster["archiver_reset"], own]).dropna()
    made = identity["initdb_at"].dropna()
    if resets.empty or made.empty:
        return pd.Timestamp.now(UTC)  # not known: nothing before this moment is proof
    return None if resets.max() <= made.iloc[0] + timedelta(seconds=60) else resets.max()


def _quiet(inquiry: Inquiry) -> bool:
    """Whether no other session of this database can have deleted rows that the counters do not show yet."""
    identity = inquiry.written("identity").iloc[0]
    rows = inquiry.session.read(questions.load("activity", inquiry.version_num)[1])
    here = [row for row in rows if row["database"] == identity["database"]]
    others = [row for row in here if row["kind"] in ("client backend", None)]  # None: hidden from this role
    if any(row["state"] is None or row["transaction_at"] is not None or row["xid"] is not None for row in others):
        return False
    if not inquiry.capabilities.reports_counters_when_idle():
        return not others
    now = clock.now() + timedelta(milliseconds=identity["clock_offset_ms"])
    return all(row["state_at"] is not None and row["state_at"] < now - UNREPORTED for row in others)
