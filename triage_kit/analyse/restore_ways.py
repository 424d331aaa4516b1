"""Ways back that need a copy of the cluster: recovery to a point in time, a standby, what a managed service offers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit.analyse import commands, managed, merging
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.losses import Loss, moment, way
from triage_kit.analyse.records import position
from triage_kit.analyse.shelf import Judged
from triage_kit.analyse.target import Target, segment_of

Evidence = Mapping[str, pd.DataFrame]
NOTHING = {"", "/bin/true", "true", "(disabled)", ":", "exit 0", "/bin/false", "false"}
BESIDE = f'--host="${{NEW:?}}" --port={commands.PORT}'
NOT_BACK = (
    "what was written after the target; triggers fire on rows that are put back, and what other systems were "
    "told stays told"
)


def settings_of(evidence: Evidence) -> dict[str, str]:
    """Values of the settings by name."""
    return {row["name"]: row["value"] for row in rows(evidence["settings"])}


def pitr(lost: Loss, target: Target, shelf: Sequence[Judged], evidence: Evidence, about: Context) -> dict:
    """Recovery of the whole cluster beside this one, to just before the loss, by the best base backup there is."""
    bases = [each for each in shelf if each.base]
    checked = [*_checked(evidence, target), *_archive(bases, target, evidence)]
    best = next((each for each in bases if each.usable is not False), None)
    facts = {
        "target_lsn": target.lsn,
        "target_xid": target.xid,
        "target_time": target.time,
        "margin": target.margin,
        "rows": lost.rows or target.rows or None,
        "preconditions": tuple(checked),
    }
    clock = "retention of the archive and of base backups; segments that are not archived yet go with their recycling"
    if best is None:
        return _without_base(lost, target, bases, evidence, checked, facts, clock)
    feasible = _verdict(best, target, checked)
    why = f"base backup {best.row['label'] or best.row['file']}: {best.says}"
    if best.minutes:
        why += f"; restoring it takes about {best.minutes:g} minutes, replaying its WAL at most as long as writing it"
    bad = [line[5:] for line in checked if line.startswith("bad: ")]
    why += "".join(f"; {line}" for line in bad[:2])
    lines = _recover(best, target, evidence) + and_rows(lost, evidence)
    return way("pitr", feasible, lost, why, NOT_BACK, _effort(best), lines, clock=clock, **facts)


def _effort(best: Judged) -> str:
    return "hours" if not best.minutes or best.minutes > 30 else "under an hour"


def _verdict(best: Judged, target: Target, checked: Sequence[str]) -> bool | None:
    if any(line.startswith("bad: the archive") for line in checked):
        return False
    reaches = any(line.startswith("ok: the archive") for line in checked)
    if best.usable and target.setting is not None and reaches:
        return True
    return None


def _without_base(
    lost: Loss,
    target: Target,
    bases: Sequence[Judged],
    evidence: Evidence,
    checked: Sequence[str],
    facts: dict,
    clock: str,
) -> dict:
    settings = settings_of(evidence)
    mode = settings.get("archive_mode")
    lines: tuple[str, ...] = ()
    if bases:
        why, feasible = f"no base backup of the case serves: {bases[0].says}", False
    elif mode is not None and mode not in ("on", "always"):
        feasible = False
        why = (
            f"archive_mode is {mode}: WAL was never archived; only a volume snapshot or base backup with its own "
            "WAL could serve"
        )
    elif mode is None:
        feasible, why = None, "archive_mode is not known, and the case names no base backup"
    else:
        archiver = first(evidence["archiver"])
        feasible = None
        why = (
            f"WAL is archived (last {archiver.get('last_archived')} at {archiver.get('last_archived_at')}), and the "
            "case names no base backup: one that ended before the target is needed"
        )
        lines = (
            "# name the base backup and the archive, or what `pgbackrest info --output=json`, `barman list-backup` or "
            "`wal-g backup-list --json` print, by this line in case.yaml: `backups: [/path/to/base, /path/to/archive]`",
            *_told(target),
        )
    if mode is None and not bases:
        lines = _told(target)
    if feasible is False:
        facts = facts | {"rows": 0}
    return way("pitr", feasible, lost, why, NOT_BACK, "hours", lines, clock=clock, **facts)


def _told(target: Target) -> tuple[str, ...]:
    name, value = target.setting or ("recovery_target_time", "…")
    return (f"{name} = '{value}'", "recovery_target_inclusive = off", "recovery_target_action = 'pause'")


def _checked(evidence: Evidence, target: Target) -> list[str]:
    """What a recovery needs of this server, each as ok, bad or open."""
    settings, archiver = settings_of(evidence), first(evidence["archiver"])
    if not settings:
        return ["open: the server's settings are not known"]
    level, mode, command = (settings.get(name) for name in ("wal_level", "archive_mode", "archive_command"))
    found = [
        f"{'bad' if level == 'minimal' else 'ok' if level else 'open'}: wal_level is {level or 'not known'}",
        f"{'ok' if mode in ('on', 'always') else 'bad' if mode else 'open'}: archive_mode is {mode or 'not known'}",
    ]
    if mode in ("on", "always"):
        library = settings.get("archive_library")
        empty = (command or "").strip() in NOTHING and not library
        found.append(
            "bad: archive_command is " + (f"{command!r}, which keeps nothing" if command else "empty")
            if empty
            else f"ok: WAL is archived by {library or 'a command'}"
        )
        if archiver:
            last, failed = archiver.get("last_archived_at"), archiver.get("last_failed_at")
            failing = failed is not None and (last is None or failed > last)
            found.append(
                f"{'bad' if failing else 'ok'}: last archived {archiver.get('last_archived')} at {last}, "
                f"{archiver.get('failed') or 0} failures" + (f", the last at {failed}" if failed else "")
            )
    track = settings.get("track_commit_timestamp")
    if track:
        found.append(f"{'ok' if track == 'on' else 'open'}: track_commit_timestamp is {track}")
    if target.ended is not None:
        after = target.ended["after"]
        found.append(
            f"ok: {after} commit{' follows' if after == 1 else 's follow'} the target in the WAL"
            if after
            else "open: no commit follows the target yet: a recovery by time could not stop there, by LSN it does"
        )
    return found


def _archive(bases: Sequence[Judged], target: Target, evidence: Evidence) -> list[str]:
    """Whether archived or copied WAL reaches from the base backup to the target without a gap."""
    best = next((each for each in bases if each.usable is not False), None)
    if best is None:
        return []
    runs, size = rows(evidence["wal_archive"]), 16 << 20
    timeline = best.row["timeline"] or 1
    start = best.row["wal_from"] or (segment_of(best.row["start_lsn"], timeline) if best.row["start_lsn"] else None)
    end = segment_of(target.lsn, timeline, runs[0]["bytes_each"] or size if runs else size) if target.lsn else None
    if not runs:
        return [*_by_archiver(evidence, end)]
    if start is None:
        return ["open: from which segment the base backup needs WAL is not known"]
    holds = [run for run in runs if run["first"][8:] <= start[8:] <= run["last"][8:]]
    if not holds:
        return [f"bad: the archive does not hold {start}, from which the base backup needs WAL"]
    run = max(holds, key=lambda run: run["last"])
    if end is None:
        return [
            f"open: the archive runs from {run['first']} to {run['last']} without a gap; where the target is, is open"
        ]
    if run["last"][8:] >= end[8:]:
        return [f"ok: the archive runs from {start} to {end}, where the target is, without a gap"]
    newest = max(one["last"] for one in runs)
    if newest[8:] >= end[8:]:
        return [f"bad: the archive has a gap after {run['last']}, before the target in {end}"]
    return [
        f"bad: the archive ends at {run['last']}, before the target in {end}: copy the segments from there on out "
        "of pg_wal, or SELECT pg_switch_wal() and wait"
    ]


def _by_archiver(evidence: Evidence, end: str | None) -> list[str]:
    last = first(evidence["archiver"]).get("last_archived")
    if not last or not end or not re.match(r"[0-9A-F]{24}", last):
        return ["open: the archive was not listed: name it, or a list of its segments, as `backups:`"]
    if last[8:24] >= end[8:]:
        return [f"ok: the archive has got {last}, the target is in {end} (its gaps were not looked for)"]
    return [
        f"bad: the archive has got {last} last, and the target is in {end}: SELECT pg_switch_wal() and wait, or copy "
        "it out of pg_wal"
    ]


def _recover(best: Judged, target: Target, evidence: Evidence) -> tuple[str, ...]:
    row, restore = best.row, commands.restore_command(evidence)
    kind, value = target.kind, target.setting[1] if target.setting else "…"
    new = '"${NEW:?}"'
    if row["kind"] == "pgbackrest":
        stanza = shlex.quote(f"--stanza={row['stanza']}")
        return (
            commands.NEW,
            f"mkdir -m 700 {new}",
            f"pgbackrest {stanza} --set={shlex.quote(str(row['label']))} --pg1-path={new} --type={kind} "
            f"{shlex.quote(f'--target={value}')} --target-exclusive --target-action=promote --archive-mode=off restore",
            *commands.start_beside(Target(), None, evidence),
        )
    if row["kind"] == "barman":
        return (
            commands.NEW,
            f"barman recover {shlex.quote(f'--target-{kind}={value}')} --exclusive "
            f"--target-action=promote {shlex.quote(str(row['stanza'] or 'SERVER'))} "
            f"{shlex.quote(str(row['label']))} {new}",
            *commands.start_beside(Target(), None, evidence),
        )
    if row["kind"] == "wal_g":
        return (
            commands.NEW,
            f"wal-g backup-fetch {new} {shlex.quote(str(row['label']))}",
            *commands.start_beside(target, restore or 'wal-g wal-fetch %f "%p"', evidence),
        )
    fetched = restore or 'cp "/path/to/archive/%f" "%p"'
    path = commands.place(row["file"])
    if row["format"] == "tar":
        copy = f"mkdir -m 700 {new} && tar --extract --directory={new} --file={path}"
    else:
        copy = f"mkdir -m 700 {new} && cp -R {path}/. {new}/"
    return (*commands.case_folder(row["file"]), commands.NEW, copy, *commands.start_beside(target, fetched, evidence))


def _database(evidence: Evidence) -> str:
    return shlex.quote(f"--dbname={first(evidence['identity']).get('database') or 'DATABASE'}")


def and_rows(lost: Loss, evidence: Evidence) -> tuple[str, ...]:
    """The rows out of the server that was started beside, which is stopped in the end."""
    return (
        *merging.bring_back(lost, evidence, f"{BESIDE} {_database(evidence)}", (*lost.tables, *lost.notes)),
        'pg_ctl --pgdata="${NEW:?}" --mode=fast stop  # when the rows are back and compared',
    )


def standby(lost: Loss, target: Target, evidence: Evidence) -> dict:
    """A standby that has not replayed the loss yet: paused there, it gives the rows back."""
    kept = [row for row in rows(evidence["replication"]) if row["kind"] == "standby"]
    asked = evidence["questions"]
    known = bool(((asked["source"] == "replication") & (asked["status"] == "answered")).any())
    if not kept:
        why = "no standby is connected" if known else "whether a standby is connected is not known"
        return way("standby", False if known else None, lost, why, "", "none")
    verdicts = [_before_loss(row, target) for row in kept]
    feasible = True if True in verdicts else None if None in verdicts else False
    told = "; ".join(_standing_at(row, verdict, target) for row, verdict in zip(kept, verdicts, strict=True))
    chosen = kept[verdicts.index(feasible)]
    if feasible is False:
        return way("standby", False, lost, f"standbys are connected: {told}", "", "none", rows=0)
    why = f"standbys are connected: {told}"
    if feasible is None:
        why += "; a delayed one (recovery_min_apply_delay) may not have replayed the loss yet; pause it at once"
    return way(
        "standby",
        feasible,
        lost,
        why,
        f"what was written after {chosen['lsn'] or 'the place'} to which it has replayed",
        "minutes",
        _from_standby(lost, chosen, evidence),
        clock="each second that a standby goes on replaying: the loss goes through when its delay has passed",
        rows=lost.rows if feasible else None,
        target_lsn=target.lsn,
    )


def _before_loss(row: dict, target: Target) -> bool | None:
    """Whether a standby stood before the commit of the loss when it was asked: the target is where that begins."""
    replayed, commit = position(row["lsn"]), position(target.lsn)
    return None if replayed is None or commit is None else replayed <= commit


def _standing_at(row: dict, before: bool | None, target: Target) -> str:
    name = row["application"] or row["client"] or "one"
    behind = f", {row['lag_bytes']} bytes behind" if row["lag_bytes"] else ""
    if before is None:
        return f"{name}{behind}"
    done = "had not replayed the loss" if before else "has replayed the loss already"
    return f"{name}{behind}, {done} (it was at {row['lsn']}, the loss commits at {target.lsn})"


def _from_standby(lost: Loss, row: dict, evidence: Evidence) -> tuple[str, ...]:
    """Pause the standby where it is, and copy the rows out of it: pg_dump reads a hot standby."""
    at = '--host="${STANDBY:?}" --port="${STANDBY_PORT:-5432}"'
    host = f"STANDBY=${{STANDBY:-{row['client']}}}" if row["client"] else "# STANDBY=host, or folder of its socket"
    return (
        f"{host}  # the standby {row['application'] or ''}".rstrip(),
        f'psql -X {at} --dbname=postgres --command="SELECT pg_wal_replay_pause()" > /dev/null',
        *merging.bring_back(lost, evidence, f"{at} {_database(evidence)}", (*lost.tables, *lost.notes)),
        "# when the rows are back and compared: SELECT pg_wal_replay_resume() on the standby; the loss follows there",
    )


def service(lost: Loss, target: Target, evidence: Evidence) -> dict | None:
    """The point-in-time recovery of a managed service, into a new instance."""
    host = str(first(evidence["collection"]).get("host") or "")
    settings, roles = evidence["settings"]["name"].dropna(), evidence["roles"]["name"].dropna()
    known = managed.recognise(settings, roles, host, evidence["container_environment"]["name"].dropna())
    if known is None:
        return None
    found, sign = known
    at = target.time or lost.before
    why = f"this is {found.name} (told by {sign}), which offers: {found.recovery}"
    facts = {
        "target_lsn": target.lsn,
        "target_xid": target.xid,
        "target_time": at,
        "margin": target.margin,
        "rows": lost.rows or target.rows or None,
    }
    lines: tuple[str, ...] = ()
    if at is not None:
        new = '--host="${RESTORED:?}" ' + _database(evidence)
        lines = (
            *_service_lines(found.name, host, at),
            "# when the new instance is up, set RESTORED to its host, PGHOST, PGUSER and so on to the damaged one's:",
            *merging.bring_back(lost, evidence, new, (*lost.tables, *lost.notes)),
        )
    return way(
        "managed_service",
        None,
        lost,
        why,
        NOT_BACK,
        "hours",
        lines,
        clock="the service's retention window: look at its earliest restorable time",
        **facts,
    )


def _service_lines(name: str, host: str, at: pd.Timestamp) -> tuple[str, ...]:
    """The service's own command; it restores to a second, so the one before the loss is taken."""
    before = (at - pd.Timedelta(seconds=1)).floor("s")
    iso = before.strftime("%Y-%m-%dT%H:%M:%SZ")
    own = shlex.quote(host.split(".")[0] or "INSTANCE")
    told = {
        "Amazon Aurora": f"aws rds restore-db-cluster-to-point-in-time --source-db-cluster-identifier {own} "
        f"--db-cluster-identifier triage-recovered --restore-to-time {iso}",
        "Amazon RDS": f"aws rds restore-db-instance-to-point-in-time --source-db-instance-identifier {own} "
        f"--target-db-instance-identifier triage-recovered --restore-time {iso}",
        "Google Cloud SQL": f"gcloud sql instances clone INSTANCE triage-recovered --point-in-time={iso}",
        "Google AlloyDB": "gcloud alloydb clusters restore triage-recovered --source-cluster=CLUSTER --region=REGION "
        f"--point-in-time={iso}",
        "Azure Database for PostgreSQL": "az postgres flexible-server restore --resource-group GROUP --name "
        f"triage-recovered --source-server {own} --restore-time {iso}",
        "Neon": f"neonctl branches create --name triage-recovered --parent {iso}",
        "Heroku Postgres": "heroku addons:create heroku-postgresql:standard-0 --app APP -- --rollback DATABASE_URL "
        f"--to {shlex.quote(moment(before))}",
    }.get(name)
    return (told,) if told else (f"# in the console of {name}: restore to {iso}, into a new instance",)
