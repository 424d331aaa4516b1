"""One ordered story from all sources: server, log, migrations, repository, notes and the losses themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse import containers
from triage_kit.analyse.applied import migration_states
from triage_kit.analyse.context import Context, in_order, rows
from triage_kit.analyse.groups import Group
from triage_kit.analyse.repeats import in_words
from triage_kit.analyse.sessions import LOADS, called, worth_telling
from triage_kit.analyse.statements import FAILURES, OUTCOMES, Seen, attempts, resolver

STATES = {"applied": "applied", "way_back": "no version table tells whether it ran"}
MOST_LOADED = 12  # tables that a load names
LANES = {
    "checkpoint_complete": "checkpoint",
    "autovacuum": "vacuum",
    "autoanalyze": "vacuum",
    "startup": "server",
    "shutdown": "server",
    "crash": "server",
    "recovery": "server",
    "parameter_change": "server",
    "replication": "server",
    "error": "error",
    "deadlock": "error",
}


def fuse(
    evidence: Mapping[str, pd.DataFrame],
    about: Context,
    groups: Sequence[Group],
    dates: Mapping[str, dict],
    seen: Sequence[Seen],
    connected: pd.DataFrame | None = None,
    findings: pd.DataFrame | None = None,
    undone: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Table ``timeline``, oldest first; a destructive statement is never merged away or left out."""
    standing = [] if findings is None else rows(findings[findings["status"] == "hidden"])
    hidden = {schemas.qualified(row["schema"], row["table"]) for row in standing}
    shown = {each.where: each.evidence for each in seen}
    events = [
        *_losses(groups, dates, hidden),
        *_statements(seen),
        *_loads(evidence["log_events"], groups),
        *([] if undone is None else _in_vain(undone)),
        *_log(evidence["log_events"], shown),
        *([] if connected is None else _sessions(connected)),
        *_server(evidence, about),
        *[_event(at, "server", source, text) for at, source, text in containers.events(evidence)],
        *_migrations(evidence),
        *_commits(evidence["commits"], about),
        *_notes(evidence["notes"], about),
    ]
    dated = [event for event in events if event.get("at") is not None]
    return schemas.frame("timeline", sorted(dated, key=_place))


def _place(event: dict) -> tuple:
    """By time; at one instant as a file has its lines, and a loss behind what may have caused it."""
    return event["at"], event["kind"] == "loss", in_order(event["source"]), event["kind"], event["text"]


def _event(at: object, kind: str, source: str, text: str, until: object = None, evidence: str | None = None) -> dict:
    return {"at": at, "until": until, "kind": kind, "source": source, "text": text, "evidence": evidence}


def _losses(groups: Sequence[Group], dates: Mapping[str, dict], hidden: Set[str]) -> list[dict]:
    found = []
    for group in groups:
        when = dates.get(group.name, {})
        text = f"{group.name}: {_fate(group, hidden)} (dated by {when.get('dated_by')})"
        text += f"; {in_words(group.repeats)}" if group.repeats else ""
        found.append(
            _event(when.get("lost_from") or when.get("lost_to"), "loss", "analysis", text, when.get("lost_to"))
        )
    return found


def _fate(group: Group, hidden: Set[str]) -> str:
    """What became of the rows of a group, in words: those that stand out of sight are not lost."""
    one = len(group.damaged) == 1
    tables = "1 table" if one else f"{len(group.damaged)} tables"
    by = group.deed
    if group.damaged and hidden.issuperset(group.damaged):
        return f"rows of {tables} are hidden{'' if by == 'hidden' else f' by {by}'}"
    return f"{tables} {'loses' if one else 'lose'} rows{'' if by == 'hidden' else f' by {by}'}"


def _statements(seen: Sequence[Seen]) -> list[dict]:
    told = {}
    for each in attempts(seen):
        if each.at is not None:
            told.setdefault(
                (each.at, each.where),
                _event(
                    each.at,
                    "statement",
                    each.where,
                    f"{OUTCOMES.get(each.outcome, each.outcome)}: {' '.join(each.text.split())}",
                    None,
                    each.evidence,
                ),
            )
    return list(told.values())


def _loads(log_events: pd.DataFrame, groups: Sequence[Group]) -> list[dict]:
    """Loads (COPY … FROM, as pg_restore and psql run them) of tables that lost rows, one event a process."""
    resolve, lost = resolver(name for group in groups for name in group.tables), {t for g in groups for t in g.tables}
    texts = log_events["statement"]
    mine = log_events[texts.str.contains(LOADS, regex=True).fillna(False) & log_events["at"].notna()]
    found: dict[tuple, list[tuple[dict, str]]] = {}
    for row in rows(mine):
        for effect in sql.effects(row["statement"]):
            if effect.operation == "copy_in" and resolve(effect) in lost:
                outcome = "failed" if row["severity"] in FAILURES else row["outcome"] or "unknown"
                of = (row["file"], row["pid"], row["role"], row["application"], outcome)
                found.setdefault(of, []).append((row, resolve(effect)))
    return [_load(outcome, told) for (*_, outcome), told in found.items()]


def _load(outcome: str, told: list[tuple[dict, str]]) -> dict:
    first, tables = told[0][0], list(dict.fromkeys(name for _, name in told))
    more = f" and {len(tables) - MOST_LOADED} more" if len(tables) > MOST_LOADED else ""
    text = f"{OUTCOMES.get(outcome, outcome)}: COPY into {', '.join(tables[:MOST_LOADED])}{more}, {called(first)}"
    where = f"{first['file']}:{first['line']}"
    return _event(first["at"], "statement", where, text, told[-1][0]["at"] if len(told) > 1 else None)


def _in_vain(undone: pd.DataFrame) -> list[dict]:
    """Loads that were never committed, or failed: their rows are missed, and no other line tells of them."""
    found = []
    for row in rows(undone):
        many = f"{row['rows']:,} rows" if row["rows"] is not None else "rows"
        more = f" and {len(row['tables']) - MOST_LOADED} more" if len(row["tables"]) > MOST_LOADED else ""
        text = (
            f"{OUTCOMES.get(row['outcome'], row['outcome'])}: {many} put into {', '.join(row['tables'][:MOST_LOADED])}"
        )
        who = f", {called(row)}" if row["pid"] is not None or row["role"] else ""
        at, proof = row["began_at"] or row["ended_at"], next(iter(row["evidence"]), None)
        until = row["ended_at"] if row["began_at"] else None
        found.append(_event(at, "statement", row["source"] or "pg_wal", f"{text}{more}{who}", until, proof))
    return found


def _log(log_events: pd.DataFrame, shown: Mapping[str, str]) -> list[dict]:
    found = []
    for event in rows(log_events, "file", "line", "kind", "severity", "message", "statement", "at"):
        where, lane = f"{event['file']}:{event['line']}", LANES.get(event["kind"])
        if event["severity"] in ("ERROR", "FATAL", "PANIC"):
            lane = "error"
        if (event["message"] or "").startswith("listening on "):
            continue  # tells an address or a path of the host, nothing of the incident
        if lane is not None and where not in shown:
            text = " ".join((event["message"] or "").split())[:300]
            if event["statement"] and lane == "error":
                text += f" — {' '.join(event['statement'].split())[:200]}"
            found.append(_event(event["at"], lane, where, text))
    return found


def _sessions(connected: pd.DataFrame) -> list[dict]:
    """Sessions that ran something destructive, or were connected during a loss, from their first to their last sign."""
    found = []
    for row in rows(worth_telling(connected)):
        start = row["started_at"] or row["seen_from"]
        counted = row["kinds"] or ("none logged" if row["entries"] else "the log does not show it")
        errors = f", {row['errors']} failed" if row["errors"] else ""
        text = f"session {row['pid']}, {called(row)}; statements: {counted}{errors}; end: {row['ended']}"
        found.append(_event(start, "session", row["source"], text, row["ended_at"] or row["seen_to"]))
    return found


def _server(evidence: Mapping[str, pd.DataFrame], about: Context) -> list[dict]:
    found = [
        _event(about.initdb_at, "server", "pg_control_system", "the data directory was made (initdb)"),
        _event(about.started_at, "server", "pg_postmaster_start_time", "the server was started"),
        _event(about.crashed_at, "server", "pg_stat_bgwriter", "crash recovery ended; every counter began at zero"),
        _event(about.counters_reset_at, "server", "pg_stat_database", "statistics were reset"),
        _event(about.collected_at, "server", "collection", "this evidence was collected"),
    ]
    for row in rows(evidence["table_counters"]):
        name = schemas.qualified(row["schema"], row["table"])
        for key, words in (
            ("last_autovacuum", "autovacuum"),
            ("last_vacuum", "VACUUM"),
            ("last_autoanalyze", "autoanalyze"),
            ("last_analyze", "ANALYZE"),
        ):
            found.append(_event(row[key], "vacuum", "pg_stat_user_tables", f"last {words} of {name}"))
    return found


def _migrations(evidence: Mapping[str, pd.DataFrame]) -> list[dict]:
    first = _first_commits(evidence["commits"])
    states = migration_states(evidence["migrations"], evidence["version_tables"])
    told = {(row["path"], row["revision"]): row for row in rows(states)}
    found = []
    for row in rows(evidence["migrations"]):
        state = told[row["path"], row["revision"]]
        back = state["state"] == "way_back"  # one version stands for both files, and tells of the other alone
        name = f"{'the way back of ' if back else ''}migration {row['revision'] or row['path']}"
        ran = STATES.get(state["state"], "not known to be applied")
        found += [
            _event(row["created_at"], "migration", row["path"], f"{name} was written: {row['title'] or ''}".strip()),
            _event(first.get(row["path"]), "migration", row["path"], f"{name} entered the repository ({ran})"),
            _event(state["applied_at"], "migration", row["path"], f"{name} was applied"),
        ]
    return found


def _first_commits(commits: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """When each path was first committed, as far back as the history was read."""
    first: dict[str, pd.Timestamp] = {}
    for row in sorted(rows(commits), key=lambda row: row["committed_at"]):
        for path in row["paths"]:
            first.setdefault(path, row["committed_at"])
    return first


def _commits(commits: pd.DataFrame, about: Context) -> list[dict]:
    found = []
    for row in rows(commits):
        if (
            about.window_start is None
            or row["committed_at"] is None
            or row["committed_at"] >= about.window_start - pd.Timedelta(days=7)
        ):
            found.append(_event(row["committed_at"], "commit", row["sha"][:12], f"{row['author']}: {row['subject']}"))
    return found


def _notes(notes: pd.DataFrame, about: Context) -> list[dict]:
    found = [_event(row["at"], "note", "case.yaml", row["text"]) for row in rows(notes)]
    if not any(event["at"] == about.noticed_at for event in found):
        found.append(_event(about.noticed_at, "note", "case.yaml", "people noticed that something was wrong"))
    return found
