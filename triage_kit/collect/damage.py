"""Tables whose files are not what the server believes: missing is not empty.

``pg_relation_size`` says 0 of a file that is gone, as of one that is empty (measured on PostgreSQL 13 to 18). Planning
a query opens the file without reading a row of it, and it does so before the role's privilege is checked: EXPLAIN
tells the two apart for everybody who may name the table. A file that is there and has 0 bytes is told by what the
catalogue and the counters say of it: TRUNCATE and VACUUM write their new sizes there, whoever empties a file from
outside does not. https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from triage_kit.collect import harmless
from triage_kit.collect.asking import OPENING, Inquiry
from triage_kit.collect.server import Refused, in_chunks, quoted

if TYPE_CHECKING:
    import pandas as pd

    from triage_kit.collect.rows import Table

TOGETHER = 50
MISSING, DENIED = "58P01", "42501"
# A file that is missing or cannot be read, a page that is no page, an index that is none.
BROKEN = frozenset({MISSING, "58030", "XX001", "XX002"})
SIZES = """
SELECT c.oid::bigint AS oid, c.relpages AS pages, pg_catalog.pg_relation_size(c.oid, 'main') AS bytes
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid) JOIN pg_catalog.pg_class c ON c.oid = wanted.oid
"""
GONE = "its file, or one of its indexes', is missing: {}"
CUT = "its file has 0 bytes, where the catalogue has {} pages: neither TRUNCATE nor VACUUM leaves that"
CUT_UNSEEN = "its file has 0 bytes, where {} live rows were counted and neither TRUNCATE nor VACUUM ever ran"
NOT_STATTED = "its file is not there: pg_stat_file found none"


def damaged(inquiry: Inquiry, tables: Sequence[Table]) -> dict[int, str]:
    """What is wrong with the files of tables that measure 0 bytes, by OID; those that are honestly empty are left out.

    A table in the middle of a VACUUM may look cut for an instant: it is measured a second time.
    """
    found = _unopened(inquiry, tables)
    rest = [table for table in tables if table.oid not in found]
    cut = contradicted(inquiry, rest)
    if cut:
        try:
            again = inquiry.session.read(SIZES, {"oids": sorted(cut)}, OPENING)
        except Refused:
            again = []  # locked meanwhile: what was seen stands
        for row in again:
            if row["bytes"] or (not row["pages"] and cut[row["oid"]].startswith(CUT[:40])):
                del cut[row["oid"]]
    return found | cut


def contradicted(inquiry: Inquiry, tables: Iterable[Table]) -> dict[int, str]:
    """Of tables that measure 0 bytes those of which catalogue, counters or file system say that they cannot be empty.

    A table that was filled again by its own session counts live rows after a TRUNCATE, and statistics may arrive after
    a VACUUM; so live rows tell only where the storage is the first and no VACUUM ran.
    """
    relations, counters, files = (
        inquiry.written(name).set_index("oid") for name in ("relations", "table_counters", "file_times")
    )
    found = {}
    for table in tables:
        live = counters["live"].get(table.oid) if table.oid in counters.index else None
        if table.unlogged:
            continue  # a crash empties it and leaves the catalogue as it was
        if table.relpages:
            found[table.oid] = CUT.format(table.relpages)
        elif len(files) and table.oid not in files.index:
            found[table.oid] = NOT_STATTED
        elif live and table.relkind == "r" and _first_storage(relations, table.oid) and _never_vacuumed(
            counters.loc[table.oid]
        ):  # fmt: skip
            found[table.oid] = CUT_UNSEEN.format(live)
    return found


def _first_storage(relations: pd.DataFrame, oid: int) -> bool:
    return oid in relations.index and relations.loc[oid, "filenode"] == oid


def _never_vacuumed(counted: pd.Series) -> bool:
    return counted["vacuums"] == 0 and counted["autovacuums"] == 0


def _unopened(inquiry: Inquiry, tables: Sequence[Table]) -> dict[int, str]:
    """Tables whose file the server cannot open, and in which words it says so."""
    session = inquiry.session
    # Planning runs the code of a table's indexes and policies as the role that asks; see harmless.
    open_to = [table for table in tables if table.usable and not table.filtered and not table.code]
    found: dict[int, str] = {}
    pending = in_chunks(open_to, TOGETHER)
    while pending:
        chunk = pending.pop(0)
        names = (quoted(table.schema, table.name) for table in chunk)
        looks = (f"SELECT 1 FROM ONLY {name} AS r WHERE r.ctid = '(0,1)'" for name in names)  # noqa: S608 quoted
        query = "EXPLAIN " + " UNION ALL ".join(looks).replace("%", "%%")
        try:
            session.read(query, {}, OPENING, extra=harmless.NO_USER_CODE + harmless.no_views(session))
        except Refused as error:
            if error.sqlstate == DENIED:
                continue  # every file was opened before a privilege was asked for
            if len(chunk) > 1:
                pending[:0] = in_chunks(chunk, (len(chunk) + 1) // 2)
            elif error.sqlstate in BROKEN:
                found[chunk[0].oid] = GONE.format(error)
    return found
