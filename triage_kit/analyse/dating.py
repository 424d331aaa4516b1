"""When a group of tables lost its rows: the tightest window that the evidence allows, with the method named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.checkpoints import Interval, intervals, new_storage
from triage_kit.analyse.context import Context, at_latest, rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.dropped import took
from triage_kit.analyse.groups import Group
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.scene import Scene

STATEMENTS = {
    "truncate": ("truncate",),
    "delete": ("delete",),
    "update": ("update",),
    "drop": ("drop_table", "drop_schema", "drop_owned"),
    "partition_drop": ("drop_table", "detach_partition"),
    "recreate": ("drop_table", "rename_table", "drop_schema", "rename_schema", "drop_database", "rename_database"),
}
SECOND = pd.Timedelta(seconds=1)
REPLACING = ("truncate", "recreate", "restore")  # the file that stands tells when it was made, not when it was first
LAST = "the last replacement of its files, before which rows may have gone as well"
_LAST = (
    "the files of its tables were last replaced at {at:%Y-%m-%d %H:%M:%S} UTC; neither the WAL that was read nor "
    "statements reach back behind that, so that rows may have gone before"
)
Window = tuple[pd.Timestamp | None, pd.Timestamp | None, str]


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
            # When the successor was made is news only where nothing tells when the table before it went.
            *(_dropped(group, tables, scene) or _by_xid(group, tables, scene, ledger)),
            *_by_nature(group, about, scene),
            *_vacuumed(group, tables, evidence, ledger),
        ]
        windows += _bounds(about, evidence)
        start, end, how = _tightest([window for window in windows if _possible(window, about)], about)
        if end is not None and _only_the_last(group, about, scene):
            ledger.add("server", f"{group.name}: {_LAST.format(at=end)}", "pg_class", group.name, end)
            how = f"{how}; {LAST}"
        found[group.name] = {"lost_from": start, "lost_to": end, "dated_by": how}
    return found


def _only_the_last(group: Group, about: Context, scene: Scene) -> bool:
    """Whether rows may have gone by an earlier replacement of the files than the one that the catalogue names.

    pg_class keeps the transaction of the last one alone; earlier ones stand in the WAL and among the statements, where
    these reach back to the time of the incident.
    """
    if group.mechanism not in REPLACING or group.xid is None or group.repeats or _logged(group, scene):
        return False
    begins, start = scene.wal.begins, about.window_start
    told = scene.visible.statements or (begins is not None and start is not None and begins <= start)
    return not told and not (scene.earlier is not None and scene.earlier.precedes)


def _possible(window: Window, about: Context) -> bool:
    return window[0] is None or window[1] is None or window[0] <= window[1]


def _tightest(windows: Sequence[Window], about: Context) -> Window:
    """The narrowest window, made narrower still by the others that agree with it; every method that did so is named."""
    if not windows:
        return None, None, ""
    start, end, how = min(windows, key=lambda window: _width(window, about))
    for other_start, other_end, other in sorted(windows, key=lambda window: _width(window, about)):
        later = other_start is not None and (start is None or other_start > start)
        earlier = other_end is not None and (end is None or other_end < end)
        new_start, new_end = (other_start if later else start), (other_end if earlier else end)
        if (later or earlier) and (new_start is None or new_end is None or new_start < new_end):
            start, end = new_start, new_end
            how = f"{how}; {other}" if other not in how else how
    return start, end, how


def _width(window: tuple, about: Context) -> pd.Timedelta:
    start = window[0] or about.initdb_at or pd.Timestamp(0, tz="UTC")
    end = window[1] or about.collected_at or start + pd.Timedelta(days=36500)
    return end - start


def _exact(group: Group, tables: Mapping[str, Dossier], ledger: Ledger) -> list[tuple]:
    windows = []
    if group.committed_at is not None:
        ledger.add(
            "server",
            f"transaction {group.xid} committed at {group.committed_at:%Y-%m-%d %H:%M:%S.%f} UTC",
            "pg_wal" if group.dated == "commit record" else "pg_xact_commit_timestamp",
            str(group.xid),
            group.committed_at,
        )
        windows.append((group.committed_at, group.committed_at, group.dated))
    if len(group.batches) > 1:
        ended = [each.ended_at for each in group.batches]
        windows.append((min(ended), max(ended), f"{schemas.COMMITS} {len(ended)} transactions"))
    if group.mechanism == "truncate" and not group.repeats:
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
    if group.ran is not None:
        return [(*group.ran, "statement in the log")]
    wanted = STATEMENTS.get(group.mechanism, ())
    times = [
        seen.ran
        for name in group.roots
        for seen in scene.effects_on(name)
        if seen.operation in wanted
        and seen.ran is not None
        and seen.outcome in ("committed", "unknown")
        and (seen.bounded is not True or not group.whole)
    ]
    if not times:
        return []
    return [(min(start for start, _ in times), max(end for _, end in times), "statement in the log")]


def _by_xid(group: Group, tables: Mapping[str, Dossier], scene: Scene, ledger: Ledger) -> list[Window]:
    """Windows of the transaction that the catalogue names: of the loss, of the table's successor, of a lost column."""
    if len(group.batches) > 1:
        return []  # one of many commits: they are dated together
    xids = {group.xid} if group.xid is not None else set()
    here = [tables[name] for name in group.tables if name in tables]
    if group.mechanism == "recreate":
        xids |= {table.created_xid for table in here if table.created_xid is not None}
    if group.mechanism == "hidden":
        xids |= {table.relation["xmin"] for table in here if table.relation["xmin"] and not table.replaced}
    if len(xids) != 1 or (group.committed_at is not None and group.xid is not None):
        return []
    [xid] = xids
    windows = scene.clock.windows(xid)
    for start, end, how in windows:
        told = " and ".join(
            f"{word} {at:%Y-%m-%d %H:%M:%S.%f} UTC"
            for word, at in (("after", start), ("before", end))
            if at is not None
        )
        ledger.add("server", f"transaction {xid} ran {told}: {how}", "xmin", str(xid), end)
    return windows


def _dropped(group: Group, tables: Mapping[str, Dossier], scene: Scene) -> list[Window]:
    """From the first to the last commit that dropped a table of the group, where the WAL names every one of them."""
    found = []
    for name in group.damaged:
        standing = tables[name].oid if name in tables else None
        row = {**dict(zip(("schema", "table"), schemas.parts(name), strict=True)), "oid": standing, "status": "missing"}
        row["actual_rows"] = tables[name].balance["actual_rows"] if name in tables else None
        found.append(took({**row, "mechanism": group.mechanism}, scene.wal.drops))
    times = [one.at for one in found if one is not None and one.at is not None]
    if not times or len(times) < len(found):
        return []
    return [(min(times), max(times), schemas.DROPS)]


def _by_nature(group: Group, about: Context, scene: Scene) -> list[Window]:
    """What dates a mechanism by itself: a crash, the making of a data directory, the earlier bundle."""
    if group.mechanism == "unlogged_reset" and about.crashed_at is not None:
        return [(about.crashed_at, about.crashed_at, "crash recovery")]
    if group.mechanism == "new_cluster" and about.initdb_at is not None:
        return [(None, about.initdb_at, "the making of the data directory")]
    before = scene.earlier
    if (
        before is not None
        and before.precedes
        and before.at is not None
        and all(name in before.tables for name in group.damaged)
    ):
        return [(before.at, about.noticed_at or about.collected_at, "the earlier bundle, in which they stood")]
    return []


def _vacuumed(
    group: Group, tables: Mapping[str, Dossier], evidence: Mapping[str, pd.DataFrame], ledger: Ledger
) -> list[Window]:
    """Deleted rows were deleted before the autovacuum that removed them, and after the one that still left rows."""
    if group.mechanism != "delete":
        return []
    events, found = evidence["log_events"], []
    events = events[events["removed"].notna() & events["at"].notna()].sort_values("at")
    for name in group.roots:
        table = tables.get(name)
        if table is None:
            continue
        ending = f".{table.relation['schema']}.{table.relation['name']}"
        mine = events[events["relation"].str.endswith(ending).fillna(False)]
        for place, row in enumerate(rows(mine)):
            if row["removed"] >= max(1, (table.went or 0) / 2):
                before = rows(mine)[place - 1]["at"] if place else None
                where = f"{row['file']}:{row['line']}"
                ledger.add("log", f"autovacuum removed {row['removed']} dead rows of {name}", where, name, row["at"])
                found.append((before, at_latest(row["at"]), "autovacuum lines"))
    return found[:1]


def _checkpoint(group: Group, checkpoints: list[Interval], about: Context, ledger: Ledger) -> list[tuple]:
    if group.mechanism not in ("truncate", "recreate", "restore"):
        return []
    hit = new_storage(checkpoints, len(group.tables), about.noticed_at, about.window_start)
    if hit is None or group.ran is not None:
        return []
    says = (
        f"checkpoint synced {hit.files} files for {hit.buffers} buffers: storage was made in bulk in the interval "
        "that ends there"
    )
    ledger.add("log", says, hit.source, group.name, hit.end)
    return [(hit.start, at_latest(hit.end), "checkpoint interval")]


def _bounds(about: Context, evidence: Mapping[str, pd.DataFrame]) -> list[tuple]:
    end = about.noticed_at or about.window_end or about.collected_at
    start = about.window_start or about.counters_since
    how = "the time window that the case gives" if about.window_start is not None else "the life of the counters"
    return [(start, end, how)] if end is not None else []
