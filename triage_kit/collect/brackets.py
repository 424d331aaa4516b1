"""When a transaction ran, told by the rows of other tables: the last one written before it and the first one after.

Measured on 13 to 18: the rows of a busy table with a time of insertion bracket a TRUNCATE by their xmin, also after
VACUUM FREEZE, which leaves the xmin readable. Only small tables are read, by tuple identifiers, which prunes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from triage_kit import schemas
from triage_kit.collect import harmless
from triage_kit.collect.asking import OPENING, Inquiry
from triage_kit.collect.server import Refused, quoted

PAGES = 200  # each transaction asked about may read the whole table again
MOST_TABLES, MOST_XIDS = 6, 40
INSERTED_AT = re.compile(
    r"(?i)^(at|ts|time|timestamp|(created|inserted|added|logged|received|recorded|occurred|happened|event|creation|"
    r"insert)(_?(at|on|time|date|ts|timestamp))?)$"
)


def read(inquiry: Inquiry, counted: Sequence[tuple[int, str, str, int, int]]) -> list[dict]:
    """Rows of ``row_times``; ``counted`` are OID, schema, name, pages and rows of counted tables."""
    xids = _asked_about(inquiry)
    if not xids:
        return []
    columns = inquiry.written("columns")
    fitting = columns[
        (columns["type"] == "timestamp with time zone")
        & ~columns["dropped"].fillna(False)
        & columns["name"].str.match(INSERTED_AT).fillna(False)
    ].sort_values("position")
    named = fitting.drop_duplicates("table_oid").set_index("table_oid")["name"].to_dict()
    counters = inquiry.written("table_counters")
    never_updated = set(counters.loc[(counters["updates"] == 0).fillna(False), "oid"])
    tables = [
        each for each in counted if each[0] in named and each[0] in never_updated and each[3] <= PAGES and each[4] > 1
    ]
    found: list[dict] = []
    for oid, schema, name, _, _ in sorted(tables, key=lambda each: -each[4])[:MOST_TABLES]:
        found += _around(inquiry, oid, schema, name, named[oid], xids)
    return found


def _asked_about(inquiry: Inquiry) -> list[int]:
    """Transactions that wrote a table's catalogue row last, dropped a column or made the database, the last first.

    Those that replaced storage or dropped a column come before all others where there are too many.
    """
    relations, columns, identity = (inquiry.written(name) for name in ("relations", "columns", "identity"))
    replaced = relations[(relations["kind"] == "table") & (relations["filenode"] != relations["oid"]).fillna(False)]
    dropped = columns[columns["dropped"].fillna(False)]
    first = {int(xid) for xid in [*replaced["xmin"].dropna(), *dropped["xmin"].dropna()] if xid > 2}
    others = {int(xid) for xid in [*relations["xmin"].dropna(), *identity["database_xmin"].dropna()] if xid > 2} - first
    return [*sorted(first, reverse=True), *sorted(others, reverse=True)][:MOST_XIDS]


def _around(inquiry: Inquiry, oid: int, schema: str, name: str, column: str, xids: list[int]) -> list[dict]:
    wanted, at = ", ".join(f"({xid}::bigint)" for xid in xids), f"q.{quoted(column)}"
    query = (
        "SELECT k.xid, "  # noqa: S608 numbers and quoted names
        f"pg_catalog.max({at}) FILTER (WHERE pg_catalog.isfinite({at}) AND q.writer < k.xid) AS before_at, "
        f"pg_catalog.min({at}) FILTER (WHERE pg_catalog.isfinite({at}) AND q.writer > k.xid) AS after_at "
        f"FROM (SELECT r.xmin::text::bigint AS writer, r.{quoted(column)} FROM ONLY {quoted(schema, name)} AS r "
        f"WHERE {harmless.EVERY_PLACE} OFFSET 0) AS q CROSS JOIN (VALUES {wanted}) AS k (xid) GROUP BY k.xid"
    )
    try:
        rows = harmless.read(inquiry.session, query.replace("%", "%%"), [oid], OPENING)
    except Refused:
        return []  # one table less: others may tell
    return [
        {"schema": schema, "table": name, "column": column, **row}
        for row in rows
        if row["before_at"] is not None or row["after_at"] is not None
    ]


def keep(inquiry: Inquiry, counts: Sequence) -> None:
    """Write ``row_transactions`` and ``row_times`` for the tables that ``rows`` has just counted."""
    written = [
        {"oid": each.table.oid, "oldest_xid": each.oldest_xid, "newest_xid": each.newest_xid}
        for each in counts
        if each.oldest_xid is not None
    ]
    inquiry.draft.write("row_transactions", schemas.frame("row_transactions", written))
    counted = [
        (each.table.oid, each.table.schema, each.table.name, each.table.pages, each.rows)
        for each in counts
        if each.oldest_xid is not None and each.rows and each.table.pages <= harmless.PAGES
    ]
    inquiry.draft.write("row_times", schemas.frame("row_times", read(inquiry, counted)))
