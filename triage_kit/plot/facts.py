"""Facts about server, host and collection in the words of a report's last page."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit.plot import html, style
from triage_kit.plot.html import Html, text

TOLD_BELOW = {"version_num", "tables_bytes", "migrations"}  # in words, among the facts of ``server_facts``
ABSENT = {"crashed_at": "no crash is known"}
LABELS = {"initdb_at": "Data directory made (initdb)", "wal_level": "WAL level", "timeline": "WAL timeline"}


def server_facts(evidence: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    """Sizes, role, containers, current migration and what the collector was, from the evidence tables.

    Parameters
    ----------
    evidence : evidence tables by name (``storage``, ``relations``, ``version_tables``, ``questions``,
        ``collection``, ``log_sources``).
    """
    collection = _first(evidence["collection"])
    asked = evidence["questions"]["status"].value_counts()
    versions = evidence["version_tables"]
    return {
        "Size of the tables in scope": size(_total(evidence["storage"])),
        "Tables in scope": style.count(evidence["relations"]["kind"].isin(["table", "partitioned"]).sum()),
        "Current migration": tuple(versions["version"].dropna()) or "none recorded",
        "Server log": f"{style.count(evidence['log_sources']['lines'].sum())} lines read, "
        f"{style.count(evidence['log_sources']['unparsed'].sum())} not understood",
        "Containers": _containers(evidence["questions"]),
        "Questions asked": ", ".join(f"{number:,} {word}" for word, number in asked.items()) or "none",
        "Kit version": collection.get("kit_version"),
    }


def _first(frame: pd.DataFrame) -> dict:
    return frame.iloc[0].to_dict() if len(frame) else {}


def _total(storage: pd.DataFrame) -> int | None:
    columns = [
        column for column in ("heap_bytes", "fsm_bytes", "vm_bytes", "toast_bytes", "index_bytes") if column in storage
    ]
    return int(storage[columns].sum().sum()) if len(storage) else None


def size(number: int | None) -> str:
    """Bytes in words.

    >>> size(24117248)
    '23.0 MB'
    """
    if number is None or pd.isna(number):
        return "not known"
    amount = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def _containers(questions: pd.DataFrame) -> str:
    asked = questions[questions["source"].str.startswith(("container", "docker"), na=False)]
    told = [f"{row.status}{': ' + row.reason if isinstance(row.reason, str) else ''}" for row in asked.itertuples()]
    return "; ".join(told) or "none is named by the case"


def provenance(server: Mapping[str, object], incident: Mapping[str, object], facts: Mapping[str, object]) -> Html:
    """Where all of this comes from: server, collection time, and further facts such as sizes and the current migration.

    Parameters
    ----------
    server, incident : as the investigation holds them.
    facts : more words and values, shown in their order.
    """
    zone = incident.get("timezone")
    said = {
        "Generated from evidence collected at": html.moment(incident.get("collected_at"), zone),
        **{_label(key): _fact(value, zone, ABSENT.get(key)) for key, value in server.items() if key not in TOLD_BELOW},
        **{str(key): _fact(value, zone) for key, value in facts.items()},
    }
    rows = [[word, value] for word, value in said.items()]
    return html.table("Provenance", ["Fact", "Value"], rows)


def _label(key: object) -> str:
    return LABELS.get(str(key), str(key).replace("_", " ").capitalize())


def _fact(value: object, zone: object, absent: str | None = None) -> Html:
    if isinstance(value, Html):
        return value
    if isinstance(value, (list, tuple)):
        return html.names(value)
    if value is None or pd.isna(value):
        return html.number(None, absent or "not known")
    if isinstance(value, bool):
        return text("yes" if value else "no")
    return html.moment(value, zone) if isinstance(value, pd.Timestamp) else text(value)
