"""What containers and volumes say of a loss: a data volume that is younger than the data, restarts, images."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from triage_kit.analyse.context import Context, rows

# Where the images of PostgreSQL, Bitnami, TimescaleDB, Zalando and Crunchy keep the data directory.
DATA = re.compile(r"(?i)postgres|pgdata|pgsql|/pgha")
EARLIER = pd.Timedelta(hours=1)


def data_volumes(evidence: Mapping[str, pd.DataFrame]) -> list[dict]:
    """Volumes that hold a data directory, with the instant of their making: name, created_at, container, source."""
    mounted: dict[str, str] = {}
    for row in rows(evidence["container_mounts"]):
        if row["volume"] and DATA.search(row["destination"] or ""):
            mounted.setdefault(row["volume"], row["container"])
    single = len(evidence["volumes"]) == 1 and not len(evidence["container_mounts"])
    return [
        {**row, "container": mounted.get(row["name"])}
        for row in rows(evidence["volumes"])
        if row["created_at"] is not None and (row["name"] in mounted or single)
    ]


def volume_age(
    evidence: Mapping[str, pd.DataFrame], about: Context, log_begins: pd.Timestamp | None
) -> tuple[bool, str, str] | None:
    """Whether a data volume was made after the data that it should hold; None where nothing tells.

    The data are known to be older by the log, which begins before the volume does, or by the case, whose window begins
    before it. Gives the answer, the words for it, and the source.
    """
    found = data_volumes(evidence)
    known = [at for at in (log_begins, about.window_start) if at is not None]
    if not found or not (known or about.noticed_at is not None):
        return None
    youngest = max(found, key=lambda row: row["created_at"])
    made = youngest["created_at"]
    in_time = about.noticed_at is None or made <= about.noticed_at
    late = any(at < made - EARLIER for at in known) and in_time
    says = f"the volume {youngest['name']} was made at {made:%Y-%m-%d %H:%M:%S} UTC"
    if late:
        return True, f"{says}, after data of this incident stood in a data directory", youngest["source"]
    if not known and about.noticed_at is not None and made > about.noticed_at:
        return True, f"{says}, after people noticed the loss", youngest["source"]
    return (False, f"{says}, before the window of the incident", youngest["source"]) if known else None


def events(evidence: Mapping[str, pd.DataFrame]) -> list[tuple[pd.Timestamp, str, str]]:
    """Instant, source and text of what happened to containers, volumes and images."""
    found = []
    for row in rows(evidence["containers"]):
        name = f"container {row['name']}"
        again = f", restarted {row['restarts']} times by its policy" if row["restarts"] else ""
        killed = ", killed for want of memory" if row["out_of_memory"] else ""
        code = f" with status {row['exit_code']}" if row["exit_code"] is not None else ""
        found += [
            (row["created_at"], row["source"], f"{name} was made from {row['image']}"),
            (row["started_at"], row["source"], f"{name} was started{again}"),
            (row["finished_at"], row["source"], f"{name} stopped{code}{killed}"),
        ]
    for row in rows(evidence["volumes"]):
        found.append((row["created_at"], row["source"], f"volume {row['name']} was made"))
    return [event for event in found if event[0] is not None]
