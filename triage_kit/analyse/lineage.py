"""Objects that stood here before: what OIDs, transaction ids and the totals of the database say of tables made anew.

Where a whole schema was made anew no table is older than its siblings. What remembers is what outlives a table: the
schema's own row and OID, and the rows that the database counted as inserted (measured on 13 to 18: a table that is
dropped takes its own counters along, those of its database stay).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from triage_kit.analyse.balance import blank
from triage_kit.analyse.catalogue import UNCOUNTED, catalogue_rows
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.inference import Observation

NEAR = 3  # transactions: what one run of a script makes carries the same xid or the next ones
TOLD, MORE, LEAST = 1.35, 1.6, 100  # shares of them that are explained, that are not, and rows that are no noise
ABOUT = 0.8  # judgement: how far the rows that making tables takes may be misjudged, in rows of a copied table


def counted_elsewhere(evidence: Mapping[str, pd.DataFrame]) -> int:
    """Rows that the database counts as inserted and no table that stands does: of tables that are gone, if many.

    Told only where every schema was looked at: tables out of scope count rows too.
    """
    looked = {*evidence["relations"]["schema"].dropna(), "public", "information_schema"}
    if any(name not in looked and not name.startswith("pg_") for name in evidence["namespaces"]["name"].dropna()):
        return 0
    counters = evidence["database_counters"]
    mine = counters[counters["database"].isin(evidence["identity"]["database"].dropna())]["inserted"].dropna()
    return int(mine.sum()) - int(evidence["table_counters"]["inserts"].fillna(0).sum()) if len(mine) else 0


def gone_objects(tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], about: Context) -> Observation | None:
    """Observation of signal ``gone_objects``; None where the totals of database and tables do not go together.

    They do not on a standby, after a crash or a reset, and where the counters of one table were reset alone.
    """
    if not about.has_server or about.in_recovery or about.crashed_at is not None or not tables:
        return None
    if about.counters_reset_at is not None or any(
        table.relation["kind"] == "table" and blank(table.balance) for table in tables
    ):
        return None
    if not any(table.balance["inserts"] or table.balance["actual_rows"] for table in tables):
        return None  # a database that was never used accounts for itself: it may be a new one in the place of another
    others, made = counted_elsewhere(evidence), catalogue_rows(evidence)
    if others < UNCOUNTED * made:
        return None
    says = f"the database counts {others} inserted rows more than its tables; making the tables takes about {made}"
    if others <= TOLD * made:
        return Observation(("accounted",), f"{says}: none is left for tables that are gone", "pg_stat_database", "",
                           "counters")  # fmt: skip
    if others >= MORE * made and others - made >= LEAST:
        says += ": the others went into tables that are gone, or were temporary"
        return Observation(("unaccounted",), says, "pg_stat_database", "", "counters")
    return None


def behind_their_schema(tables: Sequence[Dossier], namespaces: pd.DataFrame) -> dict[str, str]:
    """Tables of a schema none of which is as old as those of schemas that were made after it, in words.

    OIDs count up within a cluster, so of two schemas the smaller OID is the older one; tables follow their schema.
    """
    standing, oids = _by_schema(tables), {row["name"]: row["oid"] for row in rows(namespaces)}
    found: dict[str, str] = {}
    for schema, mine in standing.items():
        own = oids.get(schema)
        if own is None or schema == "public" or len(standing) < 2:
            continue
        first = min(mine, key=lambda table: table.oid)
        others = [table for other, theirs in standing.items() if other != schema for table in theirs]
        last = max(others, key=lambda table: table.oid)
        later = [other for other in standing if (oids.get(other) or 0) > own and other != schema
                 and min(table.oid for table in standing[other]) < first.oid]  # fmt: skip
        if later and last.oid < first.oid and (last.created_xid or 0) + NEAR < (first.created_xid or 0):
            says = f"schema {schema} is older than {later[0]}, and all of its tables are younger than all others"
            found |= {table.name: f"created by transaction {table.created_xid}; {says}" for table in mine}
    return found


def swapped_schemas(tables: Sequence[Dossier], namespaces: pd.DataFrame) -> dict[str, str]:
    """Tables of a schema that was made when another was renamed, each with the older table of its name over there.

    ``ALTER SCHEMA … RENAME`` writes the row of the schema anew and keeps its OID. So does GRANT, of both at once too;
    but what is renamed away keeps the old name within its new one, or the same transaction made the schema.
    """
    standing, spaces = _by_schema(tables), {row["name"]: row for row in rows(namespaces)}
    found: dict[str, str] = {}
    for schema, mine in standing.items():
        new = spaces.get(schema)
        for other, theirs in standing.items() if new is not None else ():
            old = spaces.get(other)
            if other == schema or old is None or not was_renamed(old, new):
                continue
            names = {table.relation["name"]: table.name for table in theirs
                     if (table.created_xid or new["xmin"]) < old["xmin"]}  # fmt: skip
            fresh = all((table.created_xid or 0) >= new["xmin"] for table in mine)
            if fresh and len(names) > len(theirs) / 2:
                found |= {table.name: names[short] for table in mine if (short := table.relation["name"]) in names}
    return found


def was_renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether an older schema was given its name when another was made in its place: rows of ``namespaces``.

    >>> old, new = {"oid": 5, "name": "shop_2025", "xmin": 90}, {"oid": 9, "name": "shop", "xmin": 91}
    >>> was_renamed(old, new), was_renamed(old | {"name": "bank"}, new)
    (True, False)
    """
    if old["oid"] >= new["oid"] or None in (old["xmin"], new["xmin"]):
        return False
    apart = abs(old["xmin"] - new["xmin"])
    return apart <= NEAR if new["name"].lower() in old["name"].lower() else apart == 0


def runs(tables: Sequence[Dossier]) -> dict[str, int]:
    """The run that made each table, as its first transaction: one making after another, without a gap between them.

    Keys, indexes and columns that were added between two tables belong to the run as well.
    """
    begun: dict[int, int] = {}
    last: int | None = None
    for xid in sorted({xid for table in tables for xid in _built_by(table)}):
        begun[xid] = begun[last] if last is not None and xid - last <= NEAR else xid
        last = xid
    return {table.name: begun[table.created_xid] for table in tables if table.created_xid is not None}


def _built_by(table: Dossier) -> set[int]:
    """Transactions that made the table, its columns and indexes, or wrote its row last without new storage."""
    if table.created_xid is None:
        return set()
    own = {each["xmin"] for each in (*table.columns, *table.indexes) if each["xmin"]}
    row = {table.relation["xmin"]} if table.relation["xmin"] and not table.replaced else set()
    return own | row | {table.created_xid}


def made_late(tables: Sequence[Dossier], database_xid: int | None) -> frozenset[str]:
    """Tables of a later run than the first in the database: what stood before could have been used before them.

    Where one run made every table that stands, it is late if the database is older by more than that run's gaps.
    """
    run = runs(tables)
    if not run:
        return frozenset()
    start = min(run.values())
    alone = database_xid is not None and 0 < 2 * NEAR < start - database_xid
    return frozenset(run) if alone else frozenset(name for name, begun in run.items() if begun > start)


def _by_schema(tables: Sequence[Dossier]) -> dict[str, list[Dossier]]:
    found: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        if table.created_xid is not None:
            found[table.relation["schema"]].append(table)
    return dict(found)


def without_elders(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], gone: Observation | None, late: frozenset[str]
) -> bool:
    """Whether every table was made late and about as many rows went into tables that are gone as into those that stand.

    Then no table is left to be older than the others: that they are of one age says nothing of their age.
    """
    if gone is None or gone.outcomes != ("unaccounted",) or not {table.name for table in tables} <= late:
        return False
    came = sum(table.balance["inserts"] or 0 for table in tables)
    return 2 * (counted_elsewhere(evidence) - catalogue_rows(evidence)) >= came


def rewritten_columns(table: Dossier) -> tuple[str, ...]:
    """Columns that the transaction wrote which gave the table its storage: ALTER TABLE does, TRUNCATE never.

    Measured on 13 to 18: TRUNCATE, VACUUM FULL and CLUSTER leave pg_attribute alone, a change of type or a new column
    with a volatile default writes the column's row in the transaction that rewrites the table.
    """
    xid = table.relation["xmin"]
    if not table.replaced or not xid or table.created_xid == xid:
        return ()
    return tuple(column["name"] for column in table.columns if column["xmin"] == xid)


def stand_again(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], gone: Observation | None, late: frozenset[str]
) -> frozenset[str]:
    """The one late table, where it holds all the rows that the database counted into tables that are gone.

    What is gone cannot have held more than came into it: the rows of one table that was copied and dropped are there.
    Several tables made late are rather a dump that was put back, which may hold more than it replaced.
    """
    new = [table for table in tables if table.name in late and not table.replaced]
    if gone is None or gone.outcomes != ("unaccounted",) or len(new) != 1:
        return frozenset()
    left, standing = counted_elsewhere(evidence) - catalogue_rows(evidence), new[0].balance["actual_rows"] or 0
    return frozenset({new[0].name}) if ABOUT * standing <= left <= standing else frozenset()
