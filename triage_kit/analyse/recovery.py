"""Ways back: each with its preconditions as far as this evidence tells them, what it brings and what it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.groups import Group

SEGMENT = re.compile(r"[0-9A-F]{24}")
FAR = pd.Timestamp.max.tz_localize("UTC")
UNKNOWN = None  # feasible is missing where the evidence does not tell


@dataclass(frozen=True)
class Loss:
    """What has to come back."""

    mechanisms: frozenset[str]
    tables: tuple[str, ...]
    rows: int
    dead: int
    target_xid: int | None
    before: pd.Timestamp | None


def loss(groups: Sequence[Group], findings: Sequence[dict], dates: Mapping[str, dict]) -> Loss:
    """Sum up the damage of all groups; the target is the earliest of them."""
    damaged = tuple(name for group in groups for name in group.damaged)
    starts = [
        dates[group.name]["lost_from"] for group in groups if dates.get(group.name, {}).get("lost_from") is not None
    ]
    # Going back before the first of several losses brings all of them back; before the biggest one may not.
    first_hit = min(
        (group for group in groups if group.xid is not None),
        key=lambda group: (dates.get(group.name, {}).get("lost_from") or FAR, group.xid or 0),
        default=None,
    )
    return Loss(
        frozenset(group.mechanism for group in groups),
        damaged,
        sum(row["missing_rows"] or 0 for row in findings),
        sum(row.get("_dead") or 0 for row in findings if row["status"] in ("partial", "wiped")),
        first_hit.xid if first_hit else None,
        min(starts) if starts else None,
    )


def recovery_options(lost: Loss, evidence: Mapping[str, pd.DataFrame], about: Context) -> pd.DataFrame:
    """Table ``recovery``, the most promising first; empty when nothing is lost."""
    if not lost.tables:
        return schemas.empty("recovery")
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    options = [
        _unhide(lost),
        _dead_rows(lost),
        _pitr(lost, evidence, settings),
        _dump(lost, evidence),
        _standby(lost, evidence),
        _wal_content(lost, evidence, settings),
        _log_replay(lost, evidence, settings),
        _sources(lost),
    ]
    kept = [option for option in options if option is not None]
    rank = {True: 0, None: 1, False: 2}
    return schemas.frame("recovery", sorted(kept, key=lambda option: rank[option["feasible"]]))


def _option(
    name: str,
    feasible: bool | None,
    lost: Loss,
    why: str,
    brings_not: str,
    effort: str,
    commands: tuple[str, ...] = (),
    **more: object,
) -> dict:
    return {
        "option": name,
        "feasible": feasible,
        "tables": lost.tables,
        "why": why,
        "brings_not": brings_not,
        "effort": effort,
        "commands": commands,
        **more,
    }


def _unhide(lost: Loss) -> dict | None:
    if not lost.mechanisms & {"hidden", "update", "partition_drop"}:
        return None
    why = "the rows stand; what hides them (policy, search_path, mark, detached partition) has to be taken away"
    return _option("unhide", True, lost, why, "nothing is missing", "minutes")


def _dead_rows(lost: Loss) -> dict:
    if lost.mechanisms & {"delete", "cascade_delete"}:
        feasible = lost.dead > 0 or None
        why = (
            f"{lost.dead} dead rows are counted; those that no vacuum or SELECT has pruned can be decoded page by page"
        )
        commands = (
            "CREATE EXTENSION pageinspect;  -- superuser, in this database",
            "SELECT lp, t_xmin, t_xmax, t_attrs FROM heap_page_item_attrs(get_raw_page('schema.table', 0), "
            "'schema.table');",
        )
        return _option(
            "dead_rows",
            feasible,
            lost,
            why,
            "rows on pages that were pruned, and values stored out of line (TOAST)",
            "hours",
            commands,
            rows=lost.dead or None,
        )
    why = "TRUNCATE, DROP and a new storage leave no dead rows: the old file is cut to 0 bytes at commit"
    return _option("dead_rows", False, lost, why, "everything", "none", rows=0)


def _pitr(lost: Loss, evidence: Mapping[str, pd.DataFrame], settings: Mapping[str, str]) -> dict:
    archiver = rows(evidence["archiver"])
    archiving = settings.get("archive_mode") in ("on", "always")
    target = (
        f"recovery_target_xid = '{lost.target_xid}'"
        if lost.target_xid
        else f"recovery_target_time = '{lost.before}'"
        if lost.before is not None
        else "recovery_target_time = '…'"
    )
    commands = (
        "# restore the base backup into a NEW data directory, beside this server",
        f"{target}",
        "recovery_target_inclusive = off",
        "recovery_target_action = 'pause'",
    )
    brings_not = "anything written after the target; compare and copy the lost rows over"
    if not archiving:
        known = settings.get("archive_mode")
        why = (
            f"archive_mode is {known}: WAL was never archived; only a volume snapshot or base backup with its own "
            "WAL could serve"
            if known
            else "archive_mode is not known"
        )
        return _option(
            "pitr",
            False if known else UNKNOWN,
            lost,
            why,
            brings_not,
            "hours",
            commands if not known else (),
            target_xid=lost.target_xid,
            target_time=lost.before,
        )
    last = archiver[0] if archiver else {}
    why = (
        f"WAL is archived (last {last.get('last_archived')} at {last.get('last_archived_at')}); needs a base "
        "backup that ended before the target, which this evidence does not show"
    )
    return _option(
        "pitr",
        UNKNOWN,
        lost,
        why,
        brings_not,
        "hours",
        commands,
        target_xid=lost.target_xid,
        target_time=lost.before,
        rows=lost.rows or None,
    )


def _dump(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> dict:
    why = "a dump or snapshot taken before the loss brings back what it holds; none is listed in the case"
    if lost.before is not None:
        why += f"; it must be older than {lost.before:%Y-%m-%d %H:%M:%S} UTC"
    commands = (
        "pg_restore --list DUMP  # which tables it holds, without restoring",
        "createdb recovered && pg_restore --dbname=recovered DUMP  # beside, never over",
    )
    return _option("backup", UNKNOWN, lost, why, "rows written after the dump was taken", "hours", commands)


def _standby(lost: Loss, evidence: Mapping[str, pd.DataFrame]) -> dict:
    standbys = [row for row in rows(evidence["replication"]) if row["kind"] == "standby"]
    asked = evidence["questions"]
    known = bool(((asked["source"] == "replication") & (asked["status"] == "answered")).any())
    if standbys:
        names = ", ".join(str(row["application"] or row["client"]) for row in standbys)
        return _option(
            "standby",
            UNKNOWN,
            lost,
            f"standbys are connected ({names}): a delayed one may not have replayed the loss yet; pause it at once",
            "what it has already replayed",
            "minutes",
            ("SELECT pg_wal_replay_pause();  -- on the standby",),
        )
    why = "no standby is connected" if known else "whether a standby is connected is not known"
    return _option("standby", False if known else UNKNOWN, lost, why, "", "none")


def _wal_content(lost: Loss, evidence: Mapping[str, pd.DataFrame], settings: Mapping[str, str]) -> dict:
    if settings.get("wal_level") == "minimal":
        return _option("wal", False, lost, "wal_level is minimal: bulk loads wrote no rows to WAL", "", "none")
    segments = wal_segments(evidence["wal_files"])
    if not segments:
        why = "pg_wal was not listed; rows written since its oldest segment could be decoded"
    elif int(segments[0][8:], 16) == 1:
        why = f"pg_wal still holds its first segment ({segments[0]}): every row ever written to this cluster is in WAL"
    else:
        why = (
            f"pg_wal reaches back to segment {segments[0]}: rows written since then are in it, older ones only if "
            "a later change wrote their page"
        )
    database = first(evidence["identity"]).get("database_oid")
    commands = (
        f"pg_waldump --rmgr=Heap --relation=1663/{database or 'DATABASE_OID'}/OLD_RELFILENODE --path=COPY_OF_PG_WAL",
        "# OLD_RELFILENODE is the table's OID if its storage was never replaced before; 1663 is the default tablespace",
        "# pg_waldump names records; PostgreSQL 16 and newer show their content: pg_get_wal_block_info() of "
        "pg_walinspect",
    )
    return _option(
        "wal", UNKNOWN, lost, why, "rows loaded before the oldest segment and not touched since", "days", commands
    )


def wal_segments(files: pd.DataFrame) -> list[str]:
    """Names of the WAL segments in the order of their numbers; a file's time is its last write, not its beginning.

    Recycled segments carry a number that is still to come, so they sort last.
    """
    names = [name for name in files["name"] if isinstance(name, str) and SEGMENT.fullmatch(name)]
    return sorted(names, key=lambda name: name[8:])


def _log_replay(lost: Loss, evidence: Mapping[str, pd.DataFrame], settings: Mapping[str, str]) -> dict:
    logged = settings.get("log_statement")
    if logged in ("mod", "all"):
        return _option(
            "log_replay",
            UNKNOWN,
            lost,
            f"log_statement = {logged}: INSERT statements in the log can be run again",
            "values bound as parameters where they are not logged, and generated ids",
            "hours",
        )
    why = (
        f"log_statement = {logged}: the statements that wrote the rows are not in the log"
        if logged
        else "log_statement is not known"
    )
    return _option("log_replay", False if logged else UNKNOWN, lost, why, "", "none")


def _sources(lost: Loss) -> dict:
    return _option(
        "reload_sources",
        UNKNOWN,
        lost,
        "what was imported from files or other systems can be imported again, if those who hold them still have them",
        "what people typed in",
        "hours to days",
    )
