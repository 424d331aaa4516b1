"""Tables whose files are not what the server believes: missing is not empty.

``pg_relation_size`` says 0 of a file that is gone, as of one that is empty (measured on PostgreSQL 13 to 18). Planning
a query opens the file without reading a row of it, and it does so before the role's privilege is checked: EXPLAIN
tells the two apart for everybody who may name the table. A file that is there and has 0 bytes is told by what the
catalogue and the counters say of it: TRUNCATE and VACUUM write their new sizes there, whoever empties a file from
outside does not. https://www.postgresql.org/docs/current/errcodes-appendix.html

A table beyond a segment (1 GB) stands in several files. The server counts from the first to one that is missing or not
full, and whoever scans the table reads that far and hears no complaint (md.c, mdnblocks; measured on 13 and 18). Its
two maps are cut together with it, so they know how long it was; the catalogue knows it from the last VACUUM or ANALYZE.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit.collect import harmless
from triage_kit.collect.asking import OPENING, Inquiry
from triage_kit.collect.server import Refused, Session, in_chunks, quoted

if TYPE_CHECKING:
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
MAPS = """
SELECT c.oid::bigint AS oid, c.relpages AS pages, pg_catalog.pg_relation_size(c.oid, 'main') AS bytes,
       pg_catalog.pg_relation_size(c.oid, 'fsm') AS fsm_bytes, pg_catalog.pg_relation_size(c.oid, 'vm') AS vm_bytes,
       pg_catalog.pg_relation_size(c.oid, 'main') AS bytes_after
FROM pg_catalog.unnest(%(oids)s::oid[]) AS wanted (oid) JOIN pg_catalog.pg_class c ON c.oid = wanted.oid
"""
BLOCK = 8192
# Pages of the table of which one page of the free space map and of the visibility map tells (freespace.c, fsm_internals
# and visibilitymap.c, with pages of 8 kB); the first two pages of the former are the tree above the leaves.
FSM_TELLS, FSM_ABOVE, VM_TELLS = 4069, 2, 32672
SHORT = (
    "its files hold {} pages, and {}: a segment of it is missing or cut, what stood in it is not counted as lost rows"
)
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


def shortened(inquiry: Inquiry, tables: Iterable[Table]) -> dict[int, str]:
    """Of tables with files those of which the maps or the catalogue know more pages than the files hold.

    The catalogue is believed where the files end with a full segment: a VACUUM that was cancelled at its very end
    leaves the number of before. What the maps cannot tell is a missing end of less than 33 MB.
    """
    segment = _segment_pages(inquiry)
    if segment is None:
        return {}
    suspects = {table.oid for table in tables if table.heap and table.bytes and not table.unlogged}
    storage = inquiry.written("storage")[["oid", "heap_bytes", "fsm_bytes", "vm_bytes"]]
    known = storage.merge(inquiry.written("relations")[["oid", "pages"]], on="oid")
    known = known.rename(columns={"heap_bytes": "bytes"})
    found = _longer(known[known["oid"].isin(suspects)].to_dict("records"), segment)
    if found and isinstance(inquiry.session, Session):
        # Measured again at one moment: a table may grow, or a VACUUM cut it, between two questions.
        found = _longer(_measured(inquiry.session, sorted(found)), segment)
    return found


def _measured(session: Session, oids: list[int]) -> list[dict]:
    try:
        return session.read(MAPS, {"oids": oids}, OPENING)
    except Refused:
        return []  # locked meanwhile, or gone: nothing is known for sure


def _longer(rows: Iterable[dict], segment: int) -> dict[int, str]:
    """Which of the measured tables must have had more pages than their files hold, and what tells it."""
    found = {}
    for row in rows:
        sizes = {name: int(value) if pd.notna(value) else 0 for name, value in row.items()}
        pages = max(sizes["bytes"], sizes.get("bytes_after", 0)) // BLOCK
        leaves = sizes["fsm_bytes"] // BLOCK - FSM_ABOVE
        leaves -= max(leaves, 0) // FSM_TELLS  # a large tree has more pages above its leaves
        least, name = max(
            ((leaves - 1) * FSM_TELLS + 1, "free space"),
            ((sizes["vm_bytes"] // BLOCK - 1) * VM_TELLS + 1, "visibility"),
        )
        if pages and least > pages:
            found[sizes["oid"]] = SHORT.format(pages, f"its {name} map tells of {least} or more")
        elif pages and pages % segment == 0 and sizes["pages"] > pages:
            found[sizes["oid"]] = SHORT.format(pages, f"the catalogue has {sizes['pages']}")
    return found


def _segment_pages(inquiry: Inquiry) -> int | None:
    """Pages of a full segment; None where pages have another size than the numbers above are for."""
    settings = inquiry.written("settings").set_index("name")["value"]
    standard = settings.get("block_size") == str(BLOCK) and str(settings.get("segment_size")).isdecimal()
    return int(settings["segment_size"]) if standard else None


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
