"""Facts about server and host in the words of a report's last page."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from triage_kit.plot import style


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
