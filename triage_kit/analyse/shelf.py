"""Each backup judged: whether it is of this database, older than the loss, whole, and which lost rows it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.losses import Loss
from triage_kit.analyse.records import position
from triage_kit.analyse.target import Target, span

BASES = ("base_backup", "pgbackrest", "barman", "wal_g", "snapshot")
RESTORE, COPY = 20 << 20, 100 << 20  # bytes a second of a dump's data, of a base backup's files: cautious judgements
GROWTH = 5  # what a packed dump grows to, about
ZONES = pd.Timedelta(hours=14)  # the farthest that a clock without a zone may be from UTC
_RESTORED = (
    "of {} it holds exactly as many rows as were put there: it is the dump that was restored, or one just like it. It "
    "brings nothing back there: rows that were added since it was made are not in it, and edited ones are as they were "
    "then"
)


@dataclass(frozen=True)
class Judged:
    """One backup with the verdict: ``usable`` True, False, or None where something is open; ``says`` in words.

    ``restored`` are the tables into which it, or one just like it, was restored: what stands there is what it holds.
    """

    row: dict
    usable: bool | None
    says: str
    at: pd.Timestamp | None
    holds: Mapping[str, int | None] = field(default_factory=dict)
    restored: tuple[str, ...] = ()

    @property
    def base(self) -> bool:
        return self.row["kind"] in BASES

    @property
    def brings(self) -> int | None:
        """Rows of damaged tables in it, as far as they were counted."""
        counted = [rows for rows in self.holds.values() if rows is not None]
        return sum(counted) if counted or not self.holds else None

    @property
    def minutes(self) -> float | None:
        """A cautious estimate of how long it takes to restore it beside."""
        size = self.row["bytes"]
        if size is None:
            return None
        packed = self.row["packing"] not in (None, "none")
        speed = COPY if self.base else RESTORE
        return max(1.0, round(size * (GROWTH if packed else 1) / speed / 60, 1))


def judge(lost: Loss, target: Target, evidence: Mapping[str, pd.DataFrame]) -> list[Judged]:
    """Every backup of the case, the best first: usable, not the one that was restored, holding most, newest."""
    held: dict[str, dict[str, int | None]] = {}
    whole: dict[str, dict[str, bool]] = {}
    for row in rows(evidence["backup_tables"]):
        name = schemas.qualified(row["schema"] or "public", row["table"])
        held.setdefault(row["file"], {})[name] = row["rows"]
        whole.setdefault(row["file"], {})[name] = bool(row["whole"])
    server = first(evidence["identity"])
    found = []
    for row in rows(evidence["backups"]):
        if row["kind"] in BASES:
            found.append(_base(row, target, lost, server))
        else:
            found.append(_dump(row, held.get(row["file"], {}), whole.get(row["file"], {}), lost, target, server))
    rank = {True: 0, None: 1, False: 2}
    far = pd.Timestamp(0, tz="UTC")
    return sorted(
        found,
        key=lambda each: (rank[each.usable], bool(each.restored), -(each.brings or 0), -(each.at or far).timestamp()),
    )


def _when(at: pd.Timestamp) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _age(at: pd.Timestamp, before: pd.Timestamp | None) -> str:
    if before is None or at > before:
        return ""
    return f", {span(before - at)} before the loss"


def _base(row: dict, target: Target, lost: Loss, server: dict) -> Judged:
    at = row["finished_at"] or row["began_at"]
    ours, theirs = server.get("system_identifier"), row["system_identifier"]
    major = str(server["version_num"] // 10000) if server.get("version_num") else None
    if row["state"] in ("failed", "cut", "unreadable"):
        return Judged(row, False, f"it cannot be restored: {row['trouble'] or row['state']}", at)
    if ours and theirs and ours != theirs:
        return Judged(row, False, f"it is of another cluster (system identifier {theirs}, this server's is {ours})", at)
    if major and row["server_version"] and row["server_version"].split(".")[0] != major:
        return Judged(row, False, f"it is of PostgreSQL {row['server_version']}, this server is {major}", at)
    later = _later(row, target, lost, at)
    if later:
        return Judged(row, False, later, at)
    ended = f"it ended at {_when(at)}{_age(at, target.time or lost.before)}" if at else "its time is not known"
    known = target.time or lost.before
    if at is None and row["stop_lsn"] is None:
        return Judged(row, None, "when it ended is not known", at)
    if known is None and target.lsn is None:
        return Judged(row, None, f"{ended}; whether that was before the loss is not known", at)
    doubt = f"; {row['trouble']}" if row["trouble"] else ""
    open_ = row["kind"] == "snapshot" or row["format"] in ("label", "manifest")
    return Judged(row, None if open_ else True, ended + doubt, at)


def _later(row: dict, target: Target, lost: Loss, at: pd.Timestamp | None) -> str:
    """Words for a base backup that ended after the target: recovery cannot stop before a backup's own end."""
    if target.lsn and row["stop_lsn"] and (position(row["stop_lsn"]) or 0) > (position(target.lsn) or 0):
        return f"it ended at {row['stop_lsn']}, after the target {target.lsn}: it is newer than the loss"
    known = target.time or lost.before
    if not (target.lsn and row["stop_lsn"]) and at is not None and known is not None and at >= known:
        return f"it ended at {_when(at)}, after the loss: it is newer than the loss"
    return ""


def _dump(
    row: dict, held: Mapping[str, int | None], whole: Mapping[str, bool], lost: Loss, target: Target, server: dict
) -> Judged:  # fmt: skip
    at = row["began_at"] or row["modified_at"]
    holds = {name: held[name] for name in lost.tables if name in held}
    if row["state"] == "unreadable":
        return Judged(row, False, f"it cannot be read: {row['trouble']}", at)
    bare = row["state"] == "schema_only"
    database = server.get("database")
    # What begins with a backslash is a command of psql in an edited dump, no name.
    names = {each for each in (row["database"] or "").split(", ") if each and not each.startswith("\\")}
    if database and names and database not in names and not holds:
        says = f"it is of another database: {row['database']}, not {database}"
        return Judged(row, False, says + (", and holds no rows" if bare or row["rows"] == 0 else ""), at)
    if bare:
        says = "it holds no rows: only the schema was dumped, or its database held no table"
        return Judged(row, False, says, at)
    if not holds:
        cut = f"it is cut ({row['trouble']}), and " if row["state"] == "cut" else ""
        return Judged(row, False, f"{cut}it holds none of the damaged tables", at)
    rows_told = ", ".join(f"{name} {'?' if rows is None else rows}" for name, rows in list(holds.items())[:6])
    of = f" of {lost.rows} missing" if lost.rows else ""
    says = f"it holds {sum(filter(None, holds.values()))} rows{of} ({rows_told})"
    other = f"; it names the database {row['database']}, not {database}" if names and database not in names else ""
    newer, sure = _newer(row, target, lost, holds)
    if newer:
        return Judged(row, False, f"it is newer than the loss: {newer}; {says}", at, holds)
    when = f", taken at {_when(at)}{_age(at, target.time or lost.before)}" if at else ", of an unknown time"
    back = _just_restored(holds, lost)
    if back:
        when += f"; {_RESTORED.format(', '.join(back[:6]))}"
        if not any(count for name, count in holds.items() if name not in back):
            return Judged(row, False, says + when + other, at, holds, back)
    if row["state"] == "cut":
        lacking = [name for name in lost.tables if not whole.get(name)]
        says = f"it is cut ({row['trouble']}), yet {says}" + (
            f"; not whole: {', '.join(lacking[:6])}" if lacking else ""
        )
        return Judged(row, None if any(holds.values()) else False, says + when + other, at, holds, back)
    usable = True if sure and any(holds.values()) else None if any(holds.values()) or not lost.rows else False
    if other and usable:  # a database may have been renamed, or this is a sister's with the same tables
        usable = None
    return Judged(
        row, usable, says + when + ("" if sure else "; whether before the loss is not sure") + other, at, holds, back
    )


def _just_restored(holds: Mapping[str, int | None], lost: Loss) -> tuple[str, ...]:
    """The tables that hold an older state, where the dump has exactly as many rows of each as were put there."""
    names = lost.of("restore")
    counted = [
        holds.get(name) is not None
        and holds[name] in (lost.found[name].get("actual_rows"), lost.found[name].get("inserts"))
        for name in names
    ]
    return names if names and all(counted) and any(holds[name] for name in names) else ()


def _newer(row: dict, target: Target, lost: Loss, holds: Mapping[str, int | None]) -> tuple[str, bool]:
    """Why a dump is newer than the loss (empty: it is not), and whether its place in time is sure.

    A dump shows the database as of its beginning. Its own clock has no zone, the file's time may be that of a copy; a
    file that was last written before the loss is older for sure, and so is one that holds as many rows as there were.
    """
    known, at, file = target.time or lost.before, row["began_at"], row["modified_at"]
    missing = sum(filter(None, (lost.missing.get(name) for name in holds)))
    standing = sum(filter(None, (lost.found.get(name, {}).get("actual_rows") for name in holds)))
    rows_held = sum(filter(None, holds.values()))
    if missing and rows_held >= missing + standing:
        if at is not None and known is not None and at > known + ZONES:
            return f"it was begun at {_when(at)}", True
        return "", True
    if known is None:
        return "", False
    if file is not None and file <= known:
        return "", True
    if at is not None and at > known:
        return f"it was begun at {_when(at)} by its own clock", at > known + ZONES
    if missing and not rows_held:
        return (
            f"the damaged tables are empty in it, and its file was written at {_when(file)}"
            if file
            else "they are empty",
            True,
        )
    if at is None and file is not None and file > known:
        return "", False
    return "", at is not None
