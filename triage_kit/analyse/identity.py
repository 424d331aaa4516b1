"""Whether a table is still the object that it was: its age, names it took over, an earlier bundle."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import sql
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.earlier import Earlier
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.lineage import NEAR, behind_their_schema, runs
from triage_kit.analyse.making import migration_ranks, older_references, out_of_order, youngest
from triage_kit.analyse.statements import FAILURES
from triage_kit.analyse.xids import Clock

KEYED = 0.8
FEW_ROWS = 20  # judgement: what traffic puts into a table that was made anew before somebody notices
IF_NOT_EXISTS = re.compile(r"(?i)\bif\s+not\s+exists\b")
KEY_NAME = re.compile(r"(.+)_pkey\d*\Z")


def origins(
    tables: Sequence[Dossier],
    evidence: Mapping[str, pd.DataFrame],
    before: Earlier | None,
    about: Context,
    clock: Clock,
    reported: frozenset[str] = frozenset(),
    remade: bool | None = None,
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Observation]:
    """What names, ages and an earlier bundle say of the object behind a name; left out where nothing does.

    ``remade``: the database counts rows of tables that are gone, so that a few rows do not make a table an old one, or
    it counts none; None where it cannot tell.
    ``elsewhere`` names the older table of each one whose schema took the place of another.
    """
    found: dict[str, Observation] = {}
    ranks, together = migration_ranks(evidence), _remade_together(tables, before)
    swaps, elsewhere = _swaps(tables), elsewhere or {}
    behind, fresh = behind_their_schema(tables, evidence["namespaces"]), _made_inside(tables, evidence, about, clock)
    emptied = [table for table in tables if table.name in reported and table.balance["actual_rows"] == 0]
    made_in, few = runs(tables), FEW_ROWS if remade else 1
    order = _Order(
        out_of_order(tables, ranks) | older_references(tables, evidence["constraints"]),
        youngest(tables, ranks),
        _last_in_use(_out_of_question(tables, made_in, emptied) if remade else tables, reported, few),
        _last_in_use(tables, reported, few),
        made_in,
        emptied,
        _unused_schemas(tables),
        bool(remade),
        remade is False,
        about.in_recovery or about.crashed_at is not None,
    )
    for table in tables:
        then = before.tables.get(table.name) if before and not before.other_cluster else None
        if then is not None and then["oid"] != table.oid:
            says = f"its OID is {table.oid}; in the earlier bundle ({before.source}) {then['oid']} had this name"
            found[table.name] = Observation(
                ("remade_together" if together else "remade",), says, "pg_class", table.name
            )
        elif then is not None:
            says = f"its OID {table.oid} is that of the earlier bundle"
            found[table.name] = Observation(("contemporary",), says, "pg_class", table.name)
        elif table.name in elsewhere:
            says = f"its schema was made when that of {elsewhere[table.name]}, an older table, was given another name"
            found[table.name] = Observation(("swapped_schema",), says, "pg_namespace", table.name)
        elif table.name in swaps:
            found[table.name] = Observation(("swapped",), swaps[table.name], "pg_index", table.name)
        elif table.name in fresh and remade is False and _simply_new(table, reported):
            says = (
                f"{fresh[table.name]}, unused and missed by nobody, where no rows of tables that are gone are counted"
            )
            found[table.name] = Observation(("youngest",), says, "pg_attribute", table.name)
        elif table.name in fresh:
            many = len(fresh) > 1 and len(fresh) > len(tables) / 2
            outcome = "recent_together" if many else "recent"
            found[table.name] = Observation((outcome,), fresh[table.name], "pg_attribute", table.name)
        elif table.name in behind:
            found[table.name] = Observation(("behind",), behind[table.name], "pg_namespace", table.name)
        elif (told := order.tells(table)) is not None:
            found[table.name] = told
    return found


@dataclass(frozen=True)
class _Order:
    """In which order the tables were made, and what of them is in use."""

    misplaced: Mapping[str, str]  # tables that are younger than what must have come after them, in words
    young: Mapping[str, str]
    settled: int  # the transaction that made the last table in use whose use tells that those before it are old
    last_used: int  # the one that made the last table in use
    made_in: Mapping[str, int]
    emptied: Sequence[Dossier]  # empty tables that people miss rows of
    unused: Collection[str]  # schemas
    remade: bool
    whole: bool  # no rows of tables that are gone are counted: an unused table is likelier one that never was in use
    uncounted: bool  # a standby counts nothing, and a crash loses what was counted: nothing tells which are in use

    def tells(self, table: Dossier) -> Observation | None:
        """What the transaction that made a table says of its age."""
        if table.created_xid is None:
            return None
        why = self.misplaced.get(table.name)
        outcome = "out_of_order" if why else self.young.get(table.name, "contemporary")
        if not why and table.created_xid >= self.settled:
            if beside := self._beside(table):
                return beside
            if outcome == "contemporary" and table.created_xid > self.settled + NEAR:
                return None  # nothing that was made after it is in use: it may well have been made anew itself
        place = f"{'not the last' if outcome == 'contemporary' else 'the last'} that made tables in its schema"
        says = f"created by transaction {table.created_xid}, {why or place}"
        return Observation((outcome,), says, "pg_attribute", table.name)

    def _beside(self, table: Dossier) -> Observation | None:
        """That it was made with tables which people miss rows of, and that nothing made after them is in use."""
        same_run = _same_run(table, self.made_in, self.emptied)
        if self.remade and same_run and (table.created_xid or 0) < self.last_used:
            says = f"made in one run with {same_run}, which people miss rows of; tables that stood here are gone, and "
            says += "what that run made after it is in use"
            return Observation(("beside_run",), says, "pg_attribute", table.name)
        if self.remade and same_run and (table.balance["inserts"] or table.balance["actual_rows"]):
            says = f"made in one run with {same_run}, which people miss rows of; tables that stood here are gone"
            return Observation(("beside_used",), says, "pg_attribute", table.name)
        beside = "" if self.uncounted or self.whole else _beside(table, self.emptied, self.settled)
        if not beside or (self.remade and not same_run):
            return None
        whole = table.relation["schema"] in self.unused
        says = f"made with {beside}, which people miss rows of, and nothing made after them is in use"
        says += ", nor any table of its schema" if whole else ""
        return Observation(("beside_all" if whole else "beside_empty",), says, "pg_attribute", table.name)


def _unused_schemas(tables: Sequence[Dossier]) -> set[str]:
    """Schemas of several tables none of which was ever used, in a database where others are."""
    used: defaultdict[str, list[bool]] = defaultdict(list)
    for table in tables:
        used[table.relation["schema"]].append(bool(table.balance["inserts"] or table.balance["actual_rows"]))
    return {schema for schema, told in used.items() if len(told) > 1 and not any(told)} if any(
        any(told) for told in used.values()) else set()  # fmt: skip


def _beside(table: Dossier, emptied: Sequence[Dossier], settled: int) -> str:
    """An empty table that people miss rows of, made in the same transaction, or as late in the schema if unused."""
    unused = not table.balance["inserts"] and table.balance["actual_rows"] == 0
    for other in emptied:
        late = (other.created_xid or 0) >= settled and other.relation["schema"] == table.relation["schema"]
        if other is not table and (other.created_xid == table.created_xid or (unused and late)):
            return other.name
    return ""


def _out_of_question(tables: Sequence[Dossier], run: Mapping[str, int], emptied: Sequence[Dossier]) -> list[Dossier]:
    """Tables whose use since they were made can tell that what was made before them is old.

    Where rows are counted of tables that are gone, a run that made a table which people miss rows of, and which never
    had any since, may have made all of its tables anew: what the others got since then tells nothing of it.
    """
    first = min(run.values(), default=0)
    anew = {run[each.name] for each in emptied if run.get(each.name, first) > first and not each.balance["inserts"]}
    return [table for table in tables if run.get(table.name) not in anew]


def _same_run(table: Dossier, run: Mapping[str, int], emptied: Sequence[Dossier]) -> str:
    """An empty table that people miss rows of and that was made in one run with this one."""
    mine = run.get(table.name)
    return next((other.name for other in emptied if other is not table and mine is not None
                 and run.get(other.name) == mine), "")  # fmt: skip


def _last_in_use(tables: Sequence[Dossier], reported: frozenset[str], least: int = 1) -> int:
    """The transaction that made the last table which holds or counts rows and which nobody misses rows of."""
    used = [table for table in tables if table.name not in reported
            and max(table.balance["inserts"] or 0, table.balance["actual_rows"] or 0) >= least]  # fmt: skip
    return max((table.created_xid for table in used if table.created_xid is not None), default=0)


def _made_inside(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], about: Context, clock: Clock
) -> dict[str, str]:
    """Tables made after the window began, in words: a CREATE TABLE in the log says so, or the age of their xid.

    Where the window begins before the schema was made, every table is new in it, and that says nothing of any. So
    something must be older: another table, or the database, whose row was written before the window.
    """
    start = about.window_start
    if start is None:
        return {}
    dated = {table.name: clock.inside(table.created_xid, start) for table in tables if table.created_xid is not None}
    written = _created_in_log(evidence, start)
    found = {}
    for table in tables:
        said = written.get(table.name) or written.get(table.relation["name"])
        if said or dated.get(table.name):
            found[table.name] = f"created by transaction {table.created_xid}, {said or dated[table.name]}"
    database = first(evidence["identity"]).get("database_xmin")
    _, end = clock.between(database) if database else (None, None)
    older = end is not None and end < start
    return found if older or len(found) < len(dated) / 2 else {}


def _created_in_log(evidence: Mapping[str, pd.DataFrame], start: pd.Timestamp) -> dict[str, str]:
    """CREATE TABLE statements of the window that took effect, by the name as they wrote it."""
    events, found = evidence["log_events"], {}
    here = set(evidence["identity"]["database"].dropna())
    texts = events["statement"]
    made = events[texts.str.contains(r"(?i)\bcreate\b.*\btable\b", regex=True).fillna(False)]
    for row in rows(made):
        ended = row["severity"] in FAILURES or row["outcome"] == "rolled_back"
        if ended or row["at"] is None or row["at"] < start or (here and row["database"] not in (*here, None)):
            continue
        if IF_NOT_EXISTS.search(row["statement"]):
            continue
        for each in sql.effects(row["statement"]):
            if each.operation == "create_table" and each.within in ("", "do"):
                found[each.object] = f"by a statement of the log at {row['at']:%Y-%m-%d %H:%M:%S} UTC"
    return found


def _simply_new(table: Dossier, reported: frozenset[str]) -> bool:
    """Whether it was never used since it was made and nobody misses rows of it, as a table that a release brings."""
    return not table.balance["inserts"] and table.balance["actual_rows"] == 0 and table.name not in reported


def keyless(tables: Sequence[Dossier]) -> dict[str, Observation]:
    """Tables with and without a primary key, in schemas where nearly all tables have one."""
    found = {}
    by_schema: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        if table.relation["kind"] == "table":
            by_schema[table.relation["schema"]].append(table)
    for siblings in by_schema.values():
        keyed = sum(bool(table.primary_key) for table in siblings)
        if keyed < 3 or keyed < KEYED * (len(siblings) - 1):
            continue
        for table in siblings:
            says = "it has a primary key" if table.primary_key else f"it has no primary key, as {keyed} others do"
            outcome = "keyed" if table.primary_key else "bare"
            found[table.name] = Observation((outcome,), says, "pg_index", table.name)
    return found


def _remade_together(tables: Sequence[Dossier], before: Earlier | None) -> bool:
    """Whether most tables of the earlier bundle have another OID now, as a restore leaves them."""
    if before is None:
        return False
    both = [(table, before.tables[table.name]) for table in tables if table.name in before.tables]
    return len(both) > 1 and sum(table.oid != then["oid"] for table, then in both) > len(both) / 2


def _swaps(tables: Sequence[Dossier]) -> dict[str, str]:
    """Tables whose name an older object had: its index or sequence still carries the name (measured on 13 to 18)."""
    by_name = {(table.relation["schema"], table.relation["name"]): table for table in tables}
    found = {}
    for table in tables:
        marks = [(index["name"], "index") for index in table.indexes]
        marks += [(sequence["name"], "sequence") for sequence in table.sequences]
        for mark, kind in marks:
            name = named_after(mark, kind)
            taker = by_name.get((table.relation["schema"], name or ""))
            if taker is not None and taker.oid > table.oid and not _has_mark(taker, mark):
                found[taker.name] = f"its name belonged to {table.name}, whose {kind} is still called {mark}"
    return found


def named_after(mark: str, kind: str) -> str | None:
    """The table that an index or sequence was named after when it was made, as PostgreSQL names them by itself."""
    if kind == "index":
        key = KEY_NAME.fullmatch(mark)
        return key[1] if key else None
    return mark.removesuffix("_id_seq") if mark.endswith("_id_seq") else None


def _has_mark(table: Dossier, mark: str) -> bool:
    return mark in {each["name"] for each in (*table.indexes, *table.sequences)}
