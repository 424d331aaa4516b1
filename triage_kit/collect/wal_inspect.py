"""WAL through pg_walinspect (15 and newer): for members of pg_read_server_files, where the extension is installed."""

from __future__ import annotations

import re
from datetime import datetime

from triage_kit.collect.asking import Inquiry
from triage_kit.collect.server import Limits, Refused, quoted
from triage_kit.parse.wal import Span, Tally
from triage_kit.parse.wal.pages import number, position
from triage_kit.parse.wal.records import File

PATIENCE = Limits(statement=20_000)
STEP = 16 << 20  # bytes of WAL asked for at once
REACH = """
SELECT pg_catalog.pg_current_wal_flush_lsn()::text AS newest, c.redo_lsn::text AS oldest, c.timeline_id AS timeline,
       s.system_identifier::text AS system_identifier, pg_catalog.current_setting('server_version_num')::int AS version
FROM pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_control_system() s
"""
ENDS = """
SELECT r.start_lsn::text AS start, r.end_lsn::text AS end, r.xid::text::bigint AS xid, r.record_type AS kind,
       pg_catalog.left(r.description, 200000) AS said
FROM {schema}.pg_get_wal_records_info(%(start)s::pg_lsn, %(end)s::pg_lsn) AS r
WHERE r.resource_manager = 'Transaction' AND r.record_type ~ '^(COMMIT|ABORT)' ORDER BY r.start_lsn
"""
ROWS = """
SELECT r.xid::text::bigint AS xid, r.resource_manager AS manager, pg_catalog.split_part(r.record_type, '+', 1) AS kind,
       CASE WHEN r.resource_manager = 'Storage' THEN r.description
            ELSE pg_catalog.substring(r.block_ref, 'rel ([0-9]+/[0-9]+/[0-9]+)') END AS file,
       pg_catalog.sum(coalesce(pg_catalog.substring(r.description, 'ntuples: ([0-9]+)'),
                               pg_catalog.substring(r.description, '^([0-9]+) tuples'), '1')::bigint)::bigint AS rows,
       pg_catalog.min(r.start_lsn)::text AS first, pg_catalog.max(r.start_lsn)::text AS last
FROM {schema}.pg_get_wal_records_info(%(start)s::pg_lsn, %(end)s::pg_lsn) AS r
WHERE r.xid <> '0' AND (r.resource_manager = 'Storage' OR r.resource_manager IN ('Heap', 'Heap2')
      AND r.record_type ~ '^(INSERT|UPDATE|HOT_UPDATE|DELETE|MULTI_INSERT)') GROUP BY 1, 2, 3, 4
ORDER BY pg_catalog.min(r.start_lsn)
"""
WHAT = {"INSERT": "insert", "MULTI_INSERT": "insert", "UPDATE": "update", "HOT_UPDATE": "update", "DELETE": "delete",
        "CREATE": "created", "TRUNCATE": "truncated"}  # fmt: skip
_FILE = re.compile(r"base/(\d+)/(\d+)|(\d+)/(\d+)/(\d+)|pg_tblspc/(\d+)/[^/\s]+/(\d+)/(\d+)")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?)(?: UTC|\+00)")  # TimeZone is set to UTC


def read(inquiry: Inquiry, schema: str, most: int) -> Tally:
    """Ends of transactions and what they did, from the last ``most`` bytes of WAL on; raises Refused."""
    reach = inquiry.session.read(REACH)[0]
    newest = number(reach["newest"])
    start = max(_oldest(inquiry, reach), newest - most)
    tally = Tally()
    span = Span(reach["timeline"], start, start, reach["system_identifier"], reach["version"] // 10000)
    tally.spans.append(span)
    while start < newest:
        end = min(start + STEP, newest)
        try:
            _step(inquiry, quoted(schema), tally, span, start, end)
        except Refused as error:
            if not span.records:
                raise
            span.broken = str(error)  # on 17 and 18 the newest record may not be complete yet (measured)
            break
        start = span.end = end
    return tally


def _oldest(inquiry: Inquiry, reach: dict) -> int:
    """The first byte of the oldest segment that is listed, else where the last checkpoint began."""
    listed = sorted(name for name in inquiry.written("wal_files")["name"] if re.fullmatch(r"[0-9A-F]{24}", str(name)))
    sizes = inquiry.written("wal_files")["bytes"].dropna()
    if not listed or sizes.empty:
        return number(reach["oldest"])
    return (int(listed[0][8:16], 16) << 32) + int(listed[0][16:], 16) * int(sizes.iloc[0])


def _step(inquiry: Inquiry, schema: str, tally: Tally, span: Span, start: int, end: int) -> None:
    between = {"start": position(start), "end": position(end)}
    zone = "SET LOCAL TimeZone = 'UTC';"
    ends = inquiry.session.read(ENDS.format(schema=schema), between, PATIENCE, zone)
    for row in inquiry.session.read(ROWS.format(schema=schema), between, PATIENCE, zone):
        files = _files(row["file"] or "")
        if files and row["kind"] in WHAT and (row["manager"] != "Storage" or "_" not in row["file"].split("/")[-1]):
            counted = row["rows"] if row["manager"] != "Storage" else 0
            for lsn in (row["first"], row["last"]):
                tally.change(row["xid"], files[0], WHAT[row["kind"]], 0, number(lsn))
            tally.change(row["xid"], files[0], WHAT[row["kind"]], counted, number(row["last"]))
        span.records += row["rows"]
    for row in ends:
        _end(tally, span, row)


def _end(tally: Tally, span: Span, row: dict) -> None:
    said, at = row["said"] or "", _instant(row["said"] or "")
    parts = dict(re.findall(r"(rels|subxacts): ([^;]*)", said))
    subxids = tuple(map(int, re.findall(r"\d+", parts.get("subxacts", ""))))
    span.transactions, span.records = span.transactions + 1, span.records + 1
    span.from_at, span.to_at = span.from_at or at, at
    xid = re.match(r"(\d+):", said) if "PREPARED" in row["kind"] else None
    outcome = "committed" if row["kind"].startswith("COMMIT") else "rolled_back"
    tally.finish(int(xid[1]) if xid else row["xid"], outcome, at, number(row["start"]), number(row["end"]),
                 subxids=subxids, files=tuple(_files(parts.get("rels", ""))))  # fmt: skip


def _instant(said: str) -> datetime | None:
    found = _TIME.search(said)
    return datetime.fromisoformat(f"{found[1]}+00:00") if found else None


def _files(said: str) -> list[File]:
    """Files as pg_walinspect spells them: base/DATABASE/FILE, TABLESPACE/DATABASE/FILE or below pg_tblspc.

    >>> _files("base/5/16391 1663/5/16394")
    [(1663, 5, 16391), (1663, 5, 16394)]
    """
    found = []
    for parts in _FILE.findall(said):
        kept = [int(part) for part in parts if part]
        found.append((1663, kept[0], kept[1]) if len(kept) == 2 else (kept[0], kept[1], kept[2]))
    return found
