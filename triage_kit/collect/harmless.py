"""Reading a table without touching its dead rows.

A SELECT on a primary prunes pages on its way: dead rows that pageinspect could still read are gone after it, READ ONLY
or not. A scan by tuple identifiers does not (measured on PostgreSQL 13 to 18: of 2000 deleted rows 2000 were readable
after it, 50 after count(*)). So a table is read by naming every place that a row can have in it; whether the planner
really does that is asked by EXPLAIN in the same transaction, before the query runs.

Reading can also run code: the planner folds the constant calls of a table's index expressions, extended statistics and
checks as the role that asks, READ ONLY or not. A table with a function there that is not the system's, an extension's,
a superuser's or the role's own is left to its owner; checks are not looked at, and a view that takes a table's place in
the middle is refused where the server can (13.16, 14.13, 15.8, 16.4, 17).
https://www.postgresql.org/support/security/CVE-2024-7348/
"""

from __future__ import annotations

import json

from triage_kit.collect.server import Limits, Refused, Session

# row_security = off makes a read that a policy would filter an error, before the policy's functions run.
NO_USER_CODE = "SET LOCAL row_security = off; SET LOCAL constraint_exclusion = off; "
NO_VIEWS = "restrict_nonsystem_relation_kind", "view, foreign-table"
# Without them the planner prefers a sequential scan, which prunes.
ONLY_BY_TID = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off; "
    "SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off; "
    "SET LOCAL enable_tidscan = on; " + NO_USER_CODE
)
PAGES = 1000  # 8 MB: building and visiting its 291,000 places takes about a third of a second
SCANS = {
    "Seq Scan",
    "Sample Scan",
    "Index Scan",
    "Index Only Scan",
    "Bitmap Heap Scan",
    "Tid Range Scan",
    "Custom Scan",
    "Foreign Scan",
}
# 24 bytes are a page's header, 28 the smallest tuple header with its line pointer (htup_details.h,
# MaxHeapTuplesPerPage).
PLACES = """WITH places AS MATERIALIZED (
  SELECT pg_catalog.array_agg(('(' || b || ',' || o || ')')::pg_catalog.tid) AS tids
  FROM (SELECT pg_catalog.current_setting('block_size')::bigint AS bytes) AS page,
       LATERAL (SELECT pg_catalog.max(pg_catalog.pg_relation_size(w.oid)) / page.bytes AS pages
                FROM pg_catalog.unnest(%(oids)s::oid[]) AS w (oid)) AS file,
       pg_catalog.generate_series(0, file.pages - 1) AS b,
       pg_catalog.generate_series(1, (page.bytes - 24) / 28) AS o
)
"""
EVERY_PLACE = "r.ctid = ANY ((SELECT places.tids FROM places)::pg_catalog.tid[])"


def read(session: Session, query: str, oids: list[int], limits: Limits) -> list[dict]:
    """Rows of a query over tables that it names ``FROM ONLY … AS r WHERE {EVERY_PLACE}``; ``oids`` are those tables'.

    Raises Refused, status ``skipped``, when the planner would scan a table in another way.
    """
    settings = ONLY_BY_TID + no_views(session)
    return session.read(PLACES + query, {"oids": oids}, limits, extra=settings, plan=_only_by_tid)


def no_views(session: Session) -> str:
    """The command that makes a read of anything but a table an error; empty where the server has none."""
    name, kinds = NO_VIEWS
    return f"SET LOCAL {name} = '{kinds}'; " if session.knows(name) else ""


def _only_by_tid(rows: list[dict]) -> None:
    plan = next(iter(rows[0].values()))
    nodes = set(_node_types(json.loads(plan) if isinstance(plan, str) else plan))
    if nodes & SCANS or "Tid Scan" not in nodes:
        raise Refused(
            "the planner would not read it by tuple identifiers alone, and any other scan removes dead rows",
            "skipped",
            None,
        )


def _node_types(plan: object) -> list[str]:
    if isinstance(plan, list):
        return [node for part in plan for node in _node_types(part)]
    if isinstance(plan, dict):
        inner = [node for part in plan.values() for node in _node_types(part)]
        return [*inner, plan["Node Type"]] if "Node Type" in plan else inner
    return []
