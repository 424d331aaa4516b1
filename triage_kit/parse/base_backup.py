"""What a base backup says of itself: backup_label, the archive's backup history file, backup_manifest, pg_control."""

from __future__ import annotations

import json
import re
import struct
from datetime import UTC, datetime, timedelta

from triage_kit.parse.times import Clock

_LINES = {
    "START WAL LOCATION": "start", "STOP WAL LOCATION": "stop", "CHECKPOINT LOCATION": "checkpoint",
    "BACKUP METHOD": "method", "BACKUP FROM": "from", "START TIME": "began", "STOP TIME": "finished", "LABEL": "label",
    "START TIMELINE": "timeline",
}  # fmt: skip
_WAL = re.compile(r"([0-9A-F]+/[0-9A-F]+)(?: \(file ([0-9A-F]{24})\))?")
HISTORY = re.compile(r"[0-9A-F]{24}\.[0-9A-F]{8}\.backup")
STATES = ("starting up", "shut down", "shut down in recovery", "shutting down", "in crash recovery",
          "in archive recovery", "in production")  # fmt: skip
CONTROL_VERSIONS = {1300: (13, 16), 1700: (17, 17), 1800: (18, 18)}


def read_label(text: str) -> dict | None:
    """Columns of ``backups`` from a backup_label or a ``.backup`` history file; None when it is neither.

    >>> read_label("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\\nLABEL: nightly\\n")["start_lsn"]
    '0/2000028'
    """
    found = {}
    for line in text[:10_000].splitlines():
        key, _, value = line.partition(": ")
        if key in _LINES:
            found[_LINES[key]] = value.strip()
    start, stop = _WAL.match(found.get("start", "")), _WAL.match(found.get("stop", ""))
    if not start:
        return None
    clock = Clock()
    timeline = found.get("timeline", "")
    return {
        "label": found.get("label"), "start_lsn": start[1], "wal_from": start[2], "stop_lsn": stop[1] if stop else None,
        "timeline": int(timeline) if timeline.isdigit() else int(start[2][:8], 16) if start[2] else None,
        "began_at": clock.instant(found.get("began")), "finished_at": clock.instant(found.get("finished")),
    }  # fmt: skip


def read_manifest(data: bytes) -> dict:
    """Columns of ``backups`` from a backup_manifest, with ``files`` and ``bytes``; raises ValueError on other bytes.

    A manifest that is cut is no JSON: the backup was not finished.
    """
    told = json.loads(data)
    if not isinstance(told, dict) or "PostgreSQL-Backup-Manifest-Version" not in told:
        raise ValueError("it is no backup manifest")
    ranges, files = _objects(told.get("WAL-Ranges")), _objects(told.get("Files"))
    clock = Clock()
    times = [at for at in (clock.instant(str(one.get("Last-Modified"))) for one in files) if at]
    last = ranges[-1] if ranges else {}
    return {
        "start_lsn": ranges[0].get("Start-LSN") if ranges else None, "stop_lsn": last.get("End-LSN"),
        "timeline": last.get("Timeline"), "bytes": sum(map(_size, files)),
        "system_identifier": str(told["System-Identifier"]) if "System-Identifier" in told else None,
        "newest_file": max(times, default=None), "files": {str(one["Path"]): _size(one)
                                                            for one in files if "Path" in one},
    }  # fmt: skip


def _objects(value: object) -> list[dict]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _size(file: dict) -> int:
    size = file.get("Size")
    return size if isinstance(size, int) else 0


def read_control(data: bytes) -> dict | None:
    """Columns of ``data_directories`` from pg_control (catalog/pg_control.h); None when it is of no known version."""
    if len(data) < 128:
        return None
    identifier, version, _, state, changed, checkpoint, _, timeline = struct.unpack_from("<QIII4xqQQI", data)
    if version not in CONTROL_VERSIONS or state >= len(STATES):
        return None
    # CheckPoint: redo, ThisTimeLineID, PrevTimeLineID, fullPageWrites, (17: wal_level), nextXid, nextOid …
    next_xid = struct.unpack_from("<Q", data, 64)[0]
    return {
        "system_identifier": str(identifier), "initdb_at": datetime.fromtimestamp(identifier >> 32, UTC),
        "state": STATES[state], "control_at": _epoch(changed), "timeline": timeline, "next_xid": next_xid % (1 << 32),
        "checkpoint_lsn": f"{checkpoint >> 32:X}/{checkpoint & 0xFFFFFFFF:X}",
    }  # fmt: skip


def _epoch(seconds: int) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:
        return None
