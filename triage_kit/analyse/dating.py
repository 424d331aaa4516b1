"""When a group of tables lost its rows: the tightest window that the evidence allows, with the method named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit.analyse.checkpoints import Interval, intervals, new_storage
from triage_kit.analyse.context import Context
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.groups import Group
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.scene import Scene

STATEMENTS = {
    "truncate": ("truncate",),
    "delete": ("delete",),
    "update": ("update",),
    "drop": ("drop_table", "drop_schema", "drop_owned"),
    "partition_drop": ("drop_table", "detach_partition"),
    "recreate": ("drop_table", "rename_table"),
}
SECOND = pd.Timedelta(seconds=1)


def date_groups(
    groups: Sequence[Group],
    tables: Mapping[str, Dossier],
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    scene: Scene,
    ledger: Ledger,
) -> dict[str, dict]:
    """``lost_from``, ``lost_to`` and ``dated_by`` of each group: the narrowest of the methods that apply."""
    found = {}
    checkpoints = intervals(evidence["log_events"])
    for group in groups:
        windows = [
            *_exact(group, tables, ledger),
            *_logged(group, scene),
            *_checkpoint(group, checkpoints, about, ledger),
        ]
        windows += _bounds(about, evidence)
        start, end, how = min(windows, key=lambda window: _width(window, about)) if windows else (None, None, None)
        found[group.name] = {"lost_from": start, "lost_to": end, "dated_by": how}
    return found


def _width(window: tuple, about: Context) -> pd.Timedelta:
    start = window[0] or about.initdb_at or pd.Timestamp(0, tz="UTC")
    end = window[1] or about.collected_at or start + pd.Timedelta(days=36500)
    return end - start


def _exact(group: Group, tables: Mapping[str, Dossier], ledger: Ledger) -> list[tuple]:
    windows = []
    if group.committed_at is not None:
        ledger.add(
            "server",
            f"transaction {group.xid} committed at {group.committed_at.isoformat()}",
            "pg_xact_commit_timestamp",
            str(group.xid),
            group.committed_at,
        )
        windows.append((group.committed_at, group.committed_at, "commit timestamp"))
    if group.mechanism == "truncate":
        # Measured: a truncated table that is still empty keeps the second of the TRUNCATE as its file's time.
        empty = [
            tables[name]
            for name in group.tables
            if tables[name].heap_bytes == 0 and tables[name].file_time.get("modified_at") is not None
        ]
        if empty:
            times = [table.file_time["modified_at"] for table in empty]
            ledger.add(
                "server",
                f"{len(empty)} empty files of {group.name} were last written at {max(times):%Y-%m-%d %H:%M:%S} UTC",
                "pg_stat_file",
                group.name,
                max(times),
            )
            windows.append((min(times), max(times) + SECOND, "file times of the emptied tables"))
    return windows


def _logged(group: Group, scene: Scene) -> list[tuple]:
    wanted = STATEMENTS.get(group.mechanism, ())
    times = [
        seen.at
        for name in group.roots
        for seen in scene.seen.get(name, ())
        if seen.operation in wanted
        and seen.at is not None
        and seen.outcome in ("committed", "unknown")
        and (seen.bounded is not True or not group.whole)
    ]
    return [(min(times), max(times), "statement in the log")] if times else []


def _checkpoint(group: Group, checkpoints: list[Interval], about: Context, ledger: Ledger) -> list[tuple]:
    if group.mechanism not in ("truncate", "recreate", "restore"):
        return []
    hit = new_storage(checkpoints, len(group.tables), about.noticed_at, about.window_start)
    if hit is None:
        return []
    says = (
        f"checkpoint synced {hit.files} files for {hit.buffers} buffers: storage was made in bulk in the interval "
        "that ends there"
    )
    ledger.add("log", says, hit.source, group.name, hit.end)
    return [(hit.start, hit.end, "checkpoint interval")]


def _bounds(about: Context, evidence: Mapping[str, pd.DataFrame]) -> list[tuple]:
    end = about.noticed_at or about.window_end or about.collected_at
    start = about.window_start or about.counters_since
    return (
        [(start, end, "the case's window" if about.window_start is not None else "since the counters began")]
        if end is not None
        else []
    )
