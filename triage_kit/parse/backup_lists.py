"""Lists that backup tools print: pgBackRest, Barman, WAL-G. Saved output is read, no tool is run."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from triage_kit.parse.times import Clock

MOST = 10_000  # backups of one list
_BARMAN_LINE = re.compile(
    r"(?P<server>\S+) (?P<label>\d{8}T\d{6})(?: \'[^\']*\')?(?: - (?P<type>[RPSI]))? - "
    r"(?P<rest>\w{3} +\w{3} +\d+ \d\d:\d\d:\d\d \d{4}|[A-Z_]+)(?P<more>.*)"
)
_WALG_LINE = re.compile(r"(base_[0-9A-F]{24}\S*)\s+(\S+)\s+([0-9A-F]{24})")
_FIELDS = re.compile(r"^[ \t]*(.+?)[ \t]*:[ \t]+(.+)$", re.MULTILINE)
SEGMENT = re.compile(r"[0-9A-F]{24}")
_LONG_NUMBER = 19  # digits: nothing has so many bytes


def read_list(text: str) -> tuple[list[dict], list[dict]]:
    """Rows of ``backups`` and of ``wal_archive`` from a tool's saved output; both empty when it is none.

    >>> read_list("main 20251007T020000 - Tue Oct  7 02:03:04 2025 - Size: 23.0 MiB - WAL Size: 0 B")[0][0]["kind"]
    'barman'
    """
    try:
        told = json.loads(text)
    except ValueError:
        return _text(text), []
    if isinstance(told, list) and any(isinstance(one, dict) and "backup_name" in one for one in told):
        return [_wal_g(one) for one in told[:MOST] if isinstance(one, dict) and "backup_name" in one], []
    if isinstance(told, list) and any(isinstance(one, dict) and ("backup" in one or "archive" in one) for one in told):
        return _pgbackrest([one for one in told if isinstance(one, dict)])
    if isinstance(told, dict):
        return _barman(told), []
    return [], []


def _pgbackrest(stanzas: list[dict]) -> tuple[list[dict], list[dict]]:
    backups, archive = [], []
    for stanza in stanzas:
        versions = {str(one.get("id")): one for one in _dicts(stanza.get("db"))}
        for one in _dicts(stanza.get("backup"))[:MOST]:
            database = versions.get(str(_get(one, "database", "id")), {})
            backups.append({
                "kind": "pgbackrest", "format": "json", "label": one.get("label"), "stanza": stanza.get("name"),
                "began_at": _epoch(_get(one, "timestamp", "start")),
                "finished_at": _epoch(_get(one, "timestamp", "stop")),
                "server_version": _word(database.get("version")), "system_identifier": _word(database.get("system-id")),
                "start_lsn": _get(one, "lsn", "start"), "stop_lsn": _get(one, "lsn", "stop"),
                "wal_from": _get(one, "archive", "start"), "timeline": _timeline(_get(one, "archive", "start")),
                "bytes": _whole(_get(one, "info", "size")), "by_version": _get(one, "backrest", "version"),
                "state": "failed" if one.get("error") else "complete",
                "trouble": "page checksums failed in it" if one.get("error") else None,
            })  # fmt: skip
        for one in _dicts(stanza.get("archive")):
            if SEGMENT.fullmatch(str(one.get("min"))) and SEGMENT.fullmatch(str(one.get("max"))):
                archive.append({"first": one["min"], "last": one["max"], "timeline": int(one["max"][:8], 16)})
    return backups, archive


def _wal_g(one: dict) -> dict:
    number = one.get("pg_version")
    return {
        "kind": "wal_g", "format": "json", "label": one["backup_name"],
        "began_at": _iso(one.get("start_time")), "finished_at": _iso(one.get("finish_time") or one.get("time")),
        "server_version": str(int(number) // 10000) if isinstance(number, int) and number else None,
        "system_identifier": _word(one.get("system_identifier")), "start_lsn": _lsn(one.get("start_lsn")),
        "stop_lsn": _lsn(one.get("finish_lsn")), "bytes": _whole(one.get("uncompressed_size")),
        "wal_from": one.get("wal_file_name") or one.get("wal_segment_backup_start"),
        "timeline": _timeline(one.get("wal_file_name")), "state": "complete",
    }  # fmt: skip


def _barman(told: dict) -> list[dict]:
    found = []
    for server, body in told.items():
        for one in _dicts(body if isinstance(body, list) else [body])[:MOST]:
            if "backup_id" not in one:
                continue
            inside = one.get("base_backup_information") or {}
            inside = inside if isinstance(inside, dict) else {}
            status = str(one.get("status") or "DONE")
            found.append({
                "kind": "barman", "format": "json", "label": one["backup_id"], "stanza": server,
                "began_at": _epoch(inside.get("begin_time_timestamp")) or _iso(inside.get("begin_time")),
                "finished_at": _epoch(one.get("end_time_timestamp") or inside.get("end_time_timestamp"))
                               or _iso(inside.get("end_time")) or _asctime(one.get("end_time")),
                "server_version": _version(one.get("postgresql_version") or one.get("pg_version")),
                "system_identifier": _word(one.get("system_id")), "start_lsn": inside.get("begin_lsn"),
                "stop_lsn": inside.get("end_lsn"), "wal_from": inside.get("begin_wal"),
                "timeline": _whole(inside.get("timeline")), "bytes": _whole(one.get("size_bytes")),
                "state": "complete" if status in ("DONE", "WAITING_FOR_WALS") else "failed",
                "trouble": None if status == "DONE" else f"Barman says {status}",
            })  # fmt: skip
    return found


def _text(text: str) -> list[dict]:
    found = [
        {"kind": "wal_g", "format": "text", "label": name, "finished_at": _iso(at), "wal_from": wal,
         "timeline": _timeline(wal), "state": "complete"}
        for name, at, wal in _WALG_LINE.findall(text)[:MOST]
    ]  # fmt: skip
    for line in text.splitlines()[:MOST]:
        if match := _BARMAN_LINE.fullmatch(line.strip()):
            failed = match["rest"].isupper()
            found.append({"kind": "barman", "format": "text", "label": match["label"], "stanza": match["server"],
                          "finished_at": None if failed else _asctime(match["rest"]),
                          "state": "failed" if failed else "complete",
                          "trouble": f"Barman says {match['rest']}" if failed else None})  # fmt: skip
    return found or _shown(text)


def _shown(text: str) -> list[dict]:
    """One backup as ``barman show-backup`` prints it."""
    head = re.match(r"\s*Backup (\d{8}T\d{6}):", text)
    if not head:
        return []
    told = dict(_FIELDS.findall(text[:100_000]))
    done = told.get("Status", "DONE").strip() == "DONE"
    version = told.get("PostgreSQL Version", "")
    return [{
        "kind": "barman", "format": "text", "label": head[1], "stanza": told.get("Server Name"),
        "began_at": _iso(told.get("Begin time")), "finished_at": _iso(told.get("End time")),
        "server_version": _version(version),
        "system_identifier": told.get("System Id"), "start_lsn": told.get("Begin LSN"), "stop_lsn": told.get("End LSN"),
        "wal_from": told.get("Begin WAL"), "timeline": _whole(told.get("Timeline")),
        "state": "complete" if done else "failed", "trouble": None if done else f"Barman says {told['Status'].strip()}",
    }]  # fmt: skip


def _dicts(value: Any) -> list[dict]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _get(one: dict, outer: str, inner: str) -> Any:
    inside = one.get(outer)
    return inside.get(inner) if isinstance(inside, dict) else None


def _word(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _version(value: Any) -> str | None:
    """A server's version; Barman gives server_version_num.

    >>> _version(150018), _version("18"), _version("13.4")
    ('15', '18', '13.4')
    """
    word = (_word(value) or "").strip()
    return str(int(word) // 10000) if word.isdigit() and int(word) >= 10000 else word or None


def _whole(value: Any) -> int | None:
    digits = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(digits) if digits.isdecimal() and len(digits) < _LONG_NUMBER else None


def _lsn(value: Any) -> str | None:
    if isinstance(value, int):
        return f"{value >> 32:X}/{value & 0xFFFFFFFF:X}" if value else None
    return _word(value)


def _timeline(segment: Any) -> int | None:
    return int(segment[:8], 16) if isinstance(segment, str) and SEGMENT.fullmatch(segment) else None


def _epoch(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _iso(value: Any) -> datetime | None:
    return Clock().written(value.strip()) if isinstance(value, str) and value[:4].isdigit() else None


def _asctime(value: Any) -> datetime | None:
    # Barman's list prints local time without a zone; it is read as UTC, and the reader is told by the analysis.
    try:
        return datetime.strptime(" ".join(str(value).split()), "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
