"""The head of the page: which incident, which server, which role, when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from triage_kit.console import line


def head(
    title: str,
    incident: Mapping[str, Any],
    server: Mapping[str, Any],
    failed: Mapping[str, tuple[str, str] | None],
    masked: bool = False,
) -> dict[str, object]:
    """Title, facts, practice name and failures for the template; facts that nobody knows are left out."""
    zone = incident.get("timezone")
    facts = {
        "Incident": incident.get("incident_id"),
        "Service": incident.get("service"),
        "Severity": incident.get("severity"),
        "Author": incident.get("author"),
        "Server": server.get("version") and f"PostgreSQL {server['version']}",
        "Host": _host(server.get("host"), server.get("database")),
        "Database": server.get("database"),
        "Role": server.get("role"),
        "Looked at": _size(server.get("tables_bytes")),
        "Migration": ", ".join(server.get("migrations") or ()),
        "Collected": moment(incident.get("collected_at"), zone),
        "Values": "masked: in statements and messages the same value has the same token" if masked else None,
    }
    return {
        "title": line(title),
        "facts": [(word, line(_known(value))) for word, value in facts.items() if _known(value)],
        "practice": line(_known(incident.get("practice"))),
        "failed": [(name, *error) for name, error in failed.items() if error],
    }


def _host(host: Any, database: Any) -> str:
    """The host without the database, which the head names beside it.

    >>> _host("db.example:5432/shop", "shop"), _host("db.example:5432", "shop"), _host(None, "shop")
    ('db.example:5432', 'db.example:5432', '')
    """
    return _known(host).removesuffix(f"/{database}") if _known(database) else _known(host)


def _size(count: Any) -> str:
    """Bytes on disk in words that people use.

    >>> _size(24_117_248), _size(8192), _size(None)
    ('23 MB of tables', '8 kB of tables', '')
    """
    if not _known(count):
        return ""
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):  # of 1024 each, as pg_size_pretty has them
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.3g} {unit} of tables"


def _known(value: Any) -> str:
    """The value as text; missing values of every kind are empty."""
    return "" if value is None or value != value or str(value) in ("<NA>", "NaT") else str(value)


def moment(at: Any, zone: Any) -> str:
    """An instant in UTC and in the case's time zone; empty when it is not known.

    >>> moment(datetime.fromisoformat("2025-10-08T10:37:29Z"), "Europe/Berlin")
    '2025-10-08 10:37:29 UTC (12:37:29 Europe/Berlin)'
    """
    if not _known(at):
        return ""
    instant = datetime.fromisoformat(str(at)).astimezone(ZoneInfo("UTC"))
    said = f"{instant:%Y-%m-%d %H:%M:%S} UTC"
    try:
        there = instant.astimezone(ZoneInfo(str(zone)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return said
    day = "" if there.date() == instant.date() else f"{there:%Y-%m-%d} "
    return said if str(zone) in ("UTC", "Etc/UTC") else f"{said} ({day}{there:%H:%M:%S} {zone})"
