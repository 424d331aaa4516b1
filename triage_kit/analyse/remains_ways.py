"""Ways back out of what is left behind: dead rows in their pages, WAL, source files, volumes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from triage_kit import sql
from triage_kit.analyse import commands, merging, restore_ways
from triage_kit.analyse.context import Context, first, rows
from triage_kit.analyse.losses import Loss, data_directory, literal, relations_of, way, written
from triage_kit.analyse.target import Target, rows_in_wal, rows_of_dropped, takers
from triage_kit.analyse.waiting import Share, share

Evidence = Mapping[str, pd.DataFrame]
SEGMENT = re.compile(r"[0-9A-F]{24}")
FILES = re.compile(
    r"(?i)(?<![\w/.-])((?:[\w.-]+/|/)*[\w-]+\.(?:csv|tsv|xlsx?|jsonl?|parquet|ndjson|sql|dump|dat)(?:\.gz|\.zst)?)\b"
)
MOST_FILES = MOST_TABLES = 8
MOST_SUBXIDS = 60
UNREAD = "values of types that are not read (composite and range types, extensions'): their bytes are written apart"
FROM_FIRST = re.compile(r"0/1[0-9A-F]{6}\Z")  # within the first segment that initdb makes
FIRST = "pg_wal still holds its first segment"
# What sets a deleted row apart from one that was only locked (HEAP_XMAX_LOCK_ONLY, 128), one whose deletion is known to
# have been undone (HEAP_XMAX_INVALID, 2048) and one that has a newer version elsewhere (PostgreSQL's htup_details.h).
DELETED = "i.t_infomask & 2176 = 0 AND i.t_ctid = format('(%s,%s)', p.page, i.lp)::tid"
AS_BYTES = "readable values of composite and range types and of extensions' types: these come as bytes"


def dead_rows(lost: Loss, target: Target, evidence: Evidence) -> dict:
    """Rows that were deleted and not vacuumed away: they are read page by page, which changes nothing."""
    if not lost.mechanisms & {"delete", "cascade_delete"}:
        why = "TRUNCATE, DROP and a new storage leave no dead rows: the old file is cut to 0 bytes at commit"
        return way("dead_rows", False, lost, why, "everything", "none", rows=0)
    tables = lost.of("delete", "cascade_delete") or lost.tables
    extensions = {row["name"] for row in rows(evidence["extensions"])}
    asked = first(evidence["identity"])
    dead = _deleted_rows(tables, lost)
    why = f"{dead:,} dead rows are counted; those that no vacuum or SELECT has pruned can be decoded page by page"
    checked = [
        f"{'ok' if 'pageinspect' in extensions else 'open'}: pageinspect is "
        f"{'installed' if 'pageinspect' in extensions else 'not installed here'}",
        "ok: the role is superuser, which it takes"
        if asked.get("superuser")
        else f"bad: {asked.get('role') or 'the role that asked'} is no superuser, which it takes",
    ]
    lines = (
        ["CREATE EXTENSION IF NOT EXISTS pageinspect;  -- superuser, in this database"]
        if "pageinspect" not in extensions
        else []
    )
    for name in tables[:5]:
        place, by = literal(written(name)), f" WHERE {_ended_by(name, lost, target, evidence)} AND {DELETED}"
        lines.append(
            "SELECT p.page, i.lp, i.t_xmin, i.t_xmax, i.t_attrs FROM generate_series(0, pg_relation_size("  # noqa: S608
            f"{place}::regclass) / current_setting('block_size')::int - 1) AS p (page), LATERAL heap_page_item_attrs("
            f"get_raw_page({place}, p.page::int), {place}::regclass) AS i{by};"
        )
    lines += [*_out_of_copies(tables[:5], evidence), *merging.out_of_salvage(lost, tables[:5], evidence)]
    clock, deadline = vacuum_clock(tables, evidence)
    return way(
        "dead_rows",
        dead > 0 or None,
        lost,
        why,
        "rows on pages that were pruned, values stored out of line (TOAST), and the decoding of each column's bytes",
        "hours",
        tuple(lines),
        rows=dead or None,
        tables=tables,
        preconditions=tuple(checked),
        clock=clock,
        deadline=deadline,
    )


def _deleted_rows(tables: Sequence[str], lost: Loss) -> int:
    """Dead rows of these tables that a DELETE left: no more than it counted, for an undone load leaves some, too.

    Nor more than are missing, where that is known: an older version of a row that stands is dead as well. Counters that
    a crash has set to zero bound nothing.
    """
    told = [[lost.found.get(name, {}).get(key) for key in ("_dead", "deletes", "missing_rows")] for name in tables]
    return sum(min(filter(None, bounds)) for bounds in told if bounds[0])


def _out_of_copies(tables: Sequence[str], evidence: Evidence) -> list[str]:
    """Reading copies of the tables' files, whose names the server told where it could."""
    paths = {row["oid"]: row["path"] for row in rows(evidence["storage"])}
    files = {name: paths.get(relation["oid"]) for name, relation in relations_of(evidence).items()}
    data = data_directory(evidence)
    database = shlex.quote(f"--dbname={first(evidence['identity']).get('database') or 'DATABASE'}")
    lines = [
        "# or out of copies of their files, in a shell on the server, as its account; for /another/disk put a folder "
        "with room, and run triage in the folder of case.yaml. Copy pg_wal first: the checkpoint, which writes dead "
        "rows that only memory holds, may recycle its oldest files:",
        f"cp -a {data}/pg_wal /another/disk/",
        f"psql -X {database} --command=CHECKPOINT",
    ]
    for name in tables:
        if path := files.get(name):
            copy = f"/another/disk/{path.rpartition('/')[2]}"
            lines += [f"cp -a {data}/{shlex.quote(path)}* /another/disk/"]
        else:
            copy = "COPY"
            lines.append("# for COPY put the copy of its file, which pg_relation_filepath() names:")
        lines.append(f"triage salvage . --table {shlex.quote(name)} --file {shlex.quote(copy)}")
    return lines


def vacuum_clock(tables: Sequence[str], evidence: Evidence) -> tuple[str, pd.Timestamp | None]:
    """When autovacuum will come: its threshold against the dead rows (documentation, "The Autovacuum Daemon")."""
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    if settings.get("autovacuum") == "off":
        return "autovacuum is off: until somebody vacuums, or a SELECT prunes full pages", None
    try:
        base = int(settings["autovacuum_vacuum_threshold"])
        scale, nap = float(settings["autovacuum_vacuum_scale_factor"]), int(settings["autovacuum_naptime"])
    except (KeyError, TypeError, ValueError):
        return "the next vacuum, by autovacuum or by hand; a SELECT prunes full pages too", None
    wanted = {(row["schema"], row["name"]): row for row in rows(evidence["relations"])}
    due = []
    for row in rows(evidence["table_counters"]):
        relation = wanted.get((row["schema"], row["table"]))
        ours = any(written(name) == sql.quote_qualified(row["schema"], row["table"]) for name in tables)
        if relation and ours and (row["dead"] or 0) > base + scale * max(relation["tuples"] or 0, 0):
            due.append(row["table"])
    asked = first(evidence["identity"]).get("asked_at")
    if due:
        return (
            f"autovacuum is due for {', '.join(due[:4])}: it comes within {nap} s of its next round",
            asked + pd.Timedelta(seconds=nap) if asked is not None else None,
        )
    return "the next vacuum: their dead rows are below autovacuum's threshold; a SELECT prunes full pages too", None


def wal_content(lost: Loss, target: Target, evidence: Evidence) -> dict:
    """Rows that stand in WAL records and page images."""
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    if settings.get("wal_level") == "minimal":
        return way("wal", False, lost, "wal_level is minimal: bulk loads wrote no rows to WAL", "", "none")
    counted = {name: count for name, count in rows_in_wal(lost, evidence).items() if count}
    unnamed = rows_of_dropped(lost, evidence)
    why, feasible, number, brings = _reach(evidence), None, None, Share(None)
    lacks = f"rows loaded before the oldest WAL file and not touched since, and {UNREAD}"
    if len(evidence["wal_spans"]):
        span = first(evidence["wal_spans"])
        if counted:
            told = ", ".join(f"{name} {count:,}" for name, count in list(counted.items())[:6])
            number = sum(lost.gain(name, count) or 0 for name, count in counted.items())
            if sum(counted.values()) > number:
                told += " (what was deleted or changed before the loss is counted too)" + _of_these(counted, lost)
            if all(count is not None and counted.get(name, 0) >= count for name, count in lost.missing.items()):
                lacks = AS_BYTES  # each missing row was found: none is older than the WAL that was read
            if FIRST in why and FROM_FIRST.match(str(span["from_lsn"])):
                lacks = AS_BYTES  # every row ever written to this cluster was read
            why = f"the WAL that was read (from {span['from_lsn']}) holds rows of the lost files: {told}; {why}"
            brings = share(counted, lost, evidence, "wait in the tables beside")
            number, feasible = brings.rows, brings.feasible(True)
            why += f". {brings.says}" if brings.says else ""
            lacks = "; ".join(filter(None, (brings.lacks, lacks)))
        elif unnamed:
            why = (
                f"the WAL that was read (from {span['from_lsn']}) holds {unnamed:,} rows of files that were dropped; "
                f"which tables they were of, the same WAL tells where it holds the rows of the catalogue, too; {why}"
            )
            feasible = True if FIRST in why else None
        else:
            how = span["how"]
            why = (
                f"the WAL that was read (from {span['from_lsn']}) holds no row of the lost files"
                if how != "pg_walinspect"
                else "pg_walinspect tells transactions here, and no rows"
            ) + ("" if how != "pg_walinspect" and FIRST in why else f"; {why}")
            feasible = False if how != "pg_walinspect" else None
    return way(
        "wal",
        feasible,
        lost,
        why,
        lacks,
        "under an hour",
        _salvaging(lost, target, counted or lost.tables, evidence),
        tables=tuple(counted) or lost.tables,
        rows=number,
        _waits=brings.waits,
        target_lsn=target.lsn,
        clock="each checkpoint may recycle the oldest segments: copy pg_wal now",
        deadline=_next_checkpoint(evidence, settings),
    )


def _of_these(counted: Mapping[str, int], lost: Loss) -> str:
    """How many rows of each table probably do not stand, where the copy's number is all that tells."""
    open_ = {name: lost.gain(name, count) for name, count in counted.items() if lost.missing.get(name) is None}
    likely = {name: gain for name, gain in open_.items() if gain and gain < counted[name]}
    if not likely:
        return ""
    each = ", ".join(f"{name} {gain:,}" for name, gain in list(likely.items())[:6])
    return f"; about {sum(likely.values()):,} of them do not stand now ({each}), if those that stand are among them"


def _ended_by(name: str, lost: Loss, target: Target, evidence: Evidence) -> str:
    """The condition on a row's t_xmax: the transactions that took rows of this table, their subtransactions too."""
    group = next((each for each in lost.groups if name in each.tables), None)
    alone = len(lost.groups) < 2 and target.xid is not None
    own = {target.xid} if alone else {group.xid} if group is not None and group.xid is not None else set()
    own |= {each.xid for each in group.batches} if group is not None else set()
    took = {int(xid) % (1 << 32) for xid in own if xid is not None}
    below = {int(sub) for row in rows(evidence["wal_transactions"]) if row["xid"] in took for sub in row["subxids"]}
    ids = [f"'{xid}'" for xid in sorted(took | (below if len(below) <= MOST_SUBXIDS else set()))]
    if not ids or len(below) > MOST_SUBXIDS:
        return "i.t_xmax <> '0'"
    return f"i.t_xmax = {ids[0]}" if len(ids) == 1 else f"i.t_xmax IN ({', '.join(ids)})"


def _salvaging(lost: Loss, target: Target, tables: Iterable[str], evidence: Evidence) -> tuple[str, ...]:
    """The kit's own command, which writes CSV beside the case and loads nothing."""
    named = [name for name in lost.tables if name in set(tables)]
    return (
        "# copy pg_wal first, each checkpoint may take its oldest segments, and name the copy by this line in "
        "case.yaml: `wal: /another/disk/pg_wal`; then, in the folder of case.yaml:",
        *_by_taker(named, takers(lost, target, evidence)),
        *merging.out_of_salvage(lost, named, evidence),
    )


def _by_taker(names: Sequence[str], took: Mapping[str, int]) -> Iterator[str]:
    """One command for the tables of each transaction: another one took no row of theirs."""
    if len(names) > MOST_TABLES:
        xids = sorted(set(took.values()))
        known = len(xids) <= MOST_TABLES and all(name in took for name in names)
        yield "triage salvage ." + "".join(f" --xid {xid}" for xid in xids if known)
        return
    by_xid: dict[int | None, list[str]] = {}
    for name in names:
        by_xid.setdefault(took.get(name), []).append(name)
    for xid, own in by_xid.items():
        chosen = "".join(f" --table {shlex.quote(name)}" for name in own)
        yield f"triage salvage .{chosen}" + (f" --xid {xid}" if xid is not None else "")
    if not names:
        yield "triage salvage ."


def _reach(evidence: Evidence) -> str:
    segments = wal_segments(evidence["wal_files"])
    if not segments:
        return "pg_wal was not listed; rows written since its oldest segment could be decoded"
    if int(segments[0][8:], 16) == 1:
        return f"{FIRST} ({segments[0]}): every row ever written to this cluster is in WAL"
    return (
        f"pg_wal reaches back to segment {segments[0]}: rows written since then are in it, older ones only if "
        "a later change wrote their page"
    )


def _next_checkpoint(evidence: Evidence, settings: Mapping[str, str]) -> pd.Timestamp | None:
    last, timeout = first(evidence["identity"]).get("checkpoint_at"), settings.get("checkpoint_timeout")
    return last + pd.Timedelta(seconds=int(timeout)) if last is not None and str(timeout).isdigit() else None


def wal_segments(files: pd.DataFrame) -> list[str]:
    """Names of the WAL segments in the order of their numbers; a file's time is its last write, not its beginning.

    Recycled segments carry a number that is still to come, so they sort last.
    """
    names = [name for name in files["name"] if isinstance(name, str) and SEGMENT.fullmatch(name)]
    return sorted(names, key=lambda name: name[8:])


def sources(lost: Loss, evidence: Evidence) -> dict:
    """Files from which the rows were imported, named by the log or the repository."""
    named: dict[str, str] = {}
    for row in rows(evidence["log_events"], "statement", "message", "file", "line"):
        text = row["statement"] or row["message"] or ""
        if re.search(r"(?i)\b(copy|import|load|ingest|upload)", text):
            for path in FILES.findall(text[:20_000]):
                named.setdefault(path, f"{row['file']}:{row['line']}")
    for row in rows(evidence["commits"]):
        for path in row["paths"]:
            if FILES.fullmatch(path) and not path.endswith(".sql") and not path.endswith("package.json"):
                named.setdefault(path, "the repository")
    why = "what was imported from files or other systems can be imported again, if those who hold them still have them"
    if named:
        told = [f"{path} ({place})" for path, place in list(named.items())[:MOST_FILES]]
        why += f"; files that are named: {', '.join(told)}"
    return way(
        "reload_sources",
        None,
        lost,
        why,
        "what people typed in, and everything that changed since the import",
        "hours to days",
        clock="whoever holds the files may clean them up",
    )


def _written(at: pd.Timestamp | None) -> str:
    return "at a time not known" if at is None or pd.isna(at) else f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _out_of_copy(found: dict | None, loose: Sequence[dict], lost: Loss, evidence: Evidence) -> tuple[str, ...]:
    """A copy of the copy started beside this server, and the lost rows out of it."""
    if found is not None:
        old = commands.place(found["path"])
        told = (*commands.case_folder(found["path"]),)
    else:
        old = '"${OLD:?}"'
        told = (f"# set OLD to the data directory in {loose[0]['name']}, as `docker volume inspect` names its folder:",)
    return (
        "# start a copy of it beside this server, never itself, with programs of its own major version:",
        *told,
        commands.NEW,
        f'mkdir -m 700 "${{NEW:?}}" && cp -R {old}/. "${{NEW:?}}/" && rm -f "${{NEW:?}}/postmaster.pid"',
        *commands.start_copy(),
        *restore_ways.and_rows(lost, evidence),
    )


def volumes(lost: Loss, evidence: Evidence, about: Context) -> dict | None:
    """Other volumes, copies of the data directory, snapshots of disks."""
    kept = rows(evidence["volumes"])
    copies = rows(evidence["data_directories"])
    if not kept and not copies:
        return None
    mounted = set(evidence["container_mounts"]["volume"].dropna())
    loose = [row for row in kept if row["name"] not in mounted]
    ours = first(evidence["identity"]).get("system_identifier")
    told = [
        f"{row['path']} (PostgreSQL {row['major']}, {row['state'] or 'its control file was not read'}, written "
        f"{_written(row['control_at'])}"
        + ("" if not ours or row["system_identifier"] in (None, ours) else ", of another cluster")
        + ")"
        for row in copies
    ]
    told += [f"volume {row['name']}, made {_written(row['created_at'])}, mounted by no container" for row in loose[:6]]
    if not told:
        return way(
            "volume_copy",
            None,
            lost,
            f"volumes of the engine: {len(kept)}, none of them unused; whether their host "
            "takes snapshots of its disks is not known",
            "what was written after the copy",
            "hours",
            clock="retention of disk snapshots",
        )
    older = [
        row
        for row in copies
        if row["control_at"] is not None and lost.before is not None and row["control_at"] < lost.before
    ]
    return way(
        "volume_copy",
        True if older else None,
        lost,
        "copies that may hold the rows: " + "; ".join(told),
        "what was written after the copy",
        "hours",
        _out_of_copy((older or copies)[0] if copies else None, loose, lost, evidence),
        clock="until somebody runs `docker volume prune` or `docker compose down --volumes`, which both destroy such "
        "copies and which nobody must run now, and until snapshots expire",
    )
