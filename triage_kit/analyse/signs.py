"""Items of evidence for and against each cause of one group: who was seen, what its transaction did, what surrounds it.

Each function gives, by the name of an item of knowledge/causes.yaml, whether it was seen, in words, and from where. An
item that could not have been seen is left out, and so weighs nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.applied import applied_revisions
from triage_kit.analyse.context import Context, rows
from triage_kit.analyse.dating import STATEMENTS
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.groups import LOSSES, Group
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.silence import covers
from triage_kit.analyse.statements import REMOVES_ROWS, Seen

SHELLS = (
    "psql", "pgadmin", "dbeaver", "datagrip", "tableplus", "beekeeper", "navicat", "dbvisualizer", "postico",
    "heidisql", "pgcli", "sqlectron", "adminer",
)  # fmt: skip
TESTS = ("pytest", "unittest", "jest", "vitest", "rspec", "phpunit", "cypress", "playwright", "junit", "testcontainers",
         "test-suite", "testsuite", "test_suite", "mocha", "minitest", "e2e")  # fmt: skip
JOBS = ("cron", "job", "schedul", "airflow", "retention", "purge", "cleanup", "clean-up", "clean_up", "nightly",
        "dagster", "prefect", "celery", "sidekiq", "housekeep", "janitor", "archiver", "reaper", "partman",
        "batch")  # fmt: skip
MIGRATORS = ("alembic", "flyway", "liquibase", "migrat", "sqitch", "goose", "dbmate", "knex", "prisma", "sequelize",
             "typeorm", "atlas", "deploy")  # fmt: skip
RESTORERS = ("pg_restore", "pg_dump", "pgbackrest", "barman", "wal-g", "restore")
SCHEDULERS = ("pg_cron", "pgagent", "pg_partman", "timescaledb", "pg_timetable")
RECOVERED = ("restore_point", "archive_recovery", "new_timeline", "backup_label")
NEAR = 8  # transactions between a migration's statements and its entry in the version table

Sign = tuple[bool, str, str]


@dataclass(frozen=True)
class Inquiry:
    """What the items need to know besides the group."""

    evidence: Mapping[str, pd.DataFrame]
    about: Context
    scene: Scene
    findings: Sequence[dict]
    ledger: Ledger
    tables: Mapping[str, Dossier]
    suspects: pd.DataFrame | None = None  # lines of the repository, held against this database


def signs(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Every item that can be told of the group."""
    found = {
        **_sessions(group, inquiry),
        **_transaction(group, inquiry),
        **_surroundings(group, inquiry),
        **_repository(group, inquiry),
    }
    if any(name.startswith("exact_code_of_") for name in found):
        # The line accounts for how many tables were named: that it is a habit of people is no evidence beside it.
        found.pop("several_roots", None)
    return found


def _effects(group: Group, inquiry: Inquiry) -> list[Seen]:
    found = [seen for name in group.tables for seen in inquiry.scene.effects_on(name)]
    return [seen for seen in found if seen.operation in REMOVES_ROWS or seen.operation in ("update", "rename_table")]


def _matching(group: Group, inquiry: Inquiry) -> list[Seen]:
    """Statements that may have done it, the best told first: with an application, by no WHERE limited, the latest."""
    wanted = STATEMENTS.get(group.mechanism, tuple(REMOVES_ROWS))
    done = [
        seen
        for seen in _effects(group, inquiry)
        if (seen.operation in wanted and seen.done and (seen.bounded is not True or not group.whole) and seen.rows != 0)
        or (seen.operation in ("truncate", "drop_table") and seen.operation in wanted and seen.done)
    ]  # fmt: skip
    late = pd.Timestamp(0, tz="UTC")
    return sorted(
        dict.fromkeys(done),
        key=lambda s: (s.application is None, s.user is None, s.bounded is True, -(s.at or late).value),
    )


def _sessions(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    done = _matching(group, inquiry)
    found: dict[str, Sign] = {}
    if done:
        found |= _session(done[0], done, group, inquiry)
    elif inquiry.scene.visible.statements:
        says = f"no statement that would do it was seen, and {inquiry.scene.visible.why}"
        found["nobody_seen"] = (True, says, "log")
    failed = [s for s in _effects(group, inquiry) if s.outcome == "failed" and s.operation in REMOVES_ROWS]
    failed = [s for s in failed if _shortly_before(s, inquiry)]
    if failed or covers(inquiry.evidence["log_sources"], inquiry.evidence["incident"]):
        last = failed[-1] if failed else None
        says = (
            f"a {last.operation} on {last.table} failed at {last.at:%Y-%m-%d %H:%M:%S} UTC, which is close in time and "
            f"no more: {last.text[:120]}"
            if last
            else "no failed destructive statement on these tables in the log"
        )
        by_hand = last is not None and not _named(_who(last, inquiry), (*JOBS, *MIGRATORS, *TESTS))
        found["failed_attempt_by_hand"] = (by_hand, says, last.where if last else "log")
    return found


def _session(best: Seen, done: Sequence[Seen], group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    who = f"{best.user or 'an unknown role'} / {best.application or 'no application name'}"
    says, where = f"the statement came from {who}", best.where
    name = _who(best, inquiry)
    # No application's name, and the role that everything of the application shares: that names nobody.
    found: dict[str, Sign] = (
        {}
        if not name.strip()
        else {
            "statement_by_tests": (_named(name, TESTS), says, where),
            "statement_by_job": (_named(name, JOBS), says, where),
            "statement_by_migrator": (_named(name, MIGRATORS), says, where),
            "statement_by_restore": (_named(name, RESTORERS), says, where),
        }
    )
    if best.application:
        found["statement_by_shell"] = (_named(name, SHELLS), says, where)
    writer, how = _usual_writer(group, inquiry)
    if writer is not None and best.user is not None:
        found["statement_by_application"] = (best.user == writer, f"{says}; {how}", where)
    counted = [seen for seen in done if seen.where == "pg_stat_statements"]
    if counted:
        calls = max(seen.calls for seen in counted)
        found["repeated"] = (calls > 1, f"the statement was called {calls} times", "pg_stat_statements")
    return found


def _who(seen: Seen, inquiry: Inquiry) -> str:
    # The application's own role is no job's, whatever it is called.
    return f"{seen.application or ''} {seen.user if seen.user != inquiry.about.app_role else ''}".lower()


def _named(name: str, words: Sequence[str]) -> bool:
    return any(word in name for word in words)


def _usual_writer(group: Group, inquiry: Inquiry) -> tuple[str | None, str]:
    """The role of the application: as the case says, else the one whose INSERTs into these tables were seen."""
    if inquiry.about.app_role is not None:
        return inquiry.about.app_role, f"the application is {inquiry.about.app_role}"
    wrote: Counter[str] = Counter()
    short = {schemas.parts(name)[1] for name in group.tables}
    entries = inquiry.evidence["statements"]
    for row in rows(entries[entries["text"].str.contains("(?i)^\\s*insert\\s", regex=True).fillna(False)]):
        if row["role"] and any(schemas.parts(each.object)[1] in short for each in sql.effects(row["text"])):
            wrote[row["role"]] += row["calls"] or 1
    if not wrote:
        return None, ""
    writer = wrote.most_common(1)[0][0]
    return writer, f"rows were inserted there by {writer}"


def _shortly_before(seen: Seen, inquiry: Inquiry) -> bool:
    noticed = inquiry.about.noticed_at or inquiry.about.collected_at
    start = inquiry.about.window_start or (noticed - pd.Timedelta(days=2) if noticed is not None else None)
    return seen.at is not None and (start is None or seen.at >= start) and (noticed is None or seen.at <= noticed)


def _transaction(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """What the transaction did besides: catalogue rows of its own, an entry of a migration tool, its origin."""
    if group.xid is None:
        return {}
    clock, evidence = inquiry.scene.clock, inquiry.evidence
    found: dict[str, Sign] = {}
    origins = {clock.full(row["xid"]): row["origin"] for row in rows(evidence["commit_times"])}
    if group.xid in origins:
        seen = origins[group.xid] is not None
        says = f"transaction {group.xid} {'was applied from a replication origin' if seen else 'began on this server'}"
        found["replicated"] = (seen, says, "pg_xact_commit_timestamp_origin")
    made = _also_written(group, inquiry)
    says = f"transaction {group.xid} also {made}" if made else f"transaction {group.xid} changed nothing else"
    found["changed_structure"] = (bool(made), says, "pg_catalog")
    versions = _version_xids(inquiry)
    if versions:
        nearest = min(versions, key=lambda xid: abs(xid - (group.xid or 0)))
        gap = nearest - group.xid
        says = f"the migration tool's table was written last by transaction {nearest}, the loss is by {group.xid}"
        found["version_written"] = (gap == 0, says, "version_tables")
        if gap:
            found["version_near"] = (0 < gap <= NEAR, says, "version_tables")
    return found


def _also_written(group: Group, inquiry: Inquiry) -> str:
    """In words, what else of the catalogue carries the group's xid: columns, constraints, other tables."""
    full, mine = inquiry.scene.clock.full, {inquiry.tables[name].oid for name in group.tables if name in inquiry.tables}
    evidence, told = inquiry.evidence, []
    for name, what in (("columns", "columns"), ("constraints", "constraints"), ("triggers", "triggers")):
        frame = evidence[name]
        hits = sum(full(int(xid)) == group.xid for xid in frame["xmin"].dropna() if int(xid) > 2)
        told += [f"{hits} {what}"] if hits else []
    others = evidence["relations"]
    others = others[~others["oid"].isin(mine) & (others["filenode"] == others["oid"]).fillna(False)]
    hits = sum(full(int(xid)) == group.xid for xid in others["xmin"].dropna() if int(xid) > 2)
    told += [f"{hits} tables of its own making or altering"] if hits else []
    return "wrote " + " and ".join(told) if told else ""


def _version_xids(inquiry: Inquiry) -> list[int]:
    """Transactions that wrote the version tables of migration tools last."""
    versions = inquiry.evidence["version_tables"]
    names = {schemas.qualified(row["schema"], row["table"]) for row in rows(versions)}
    oids = {row["oid"] for row in rows(inquiry.evidence["relations"])
            if schemas.qualified(row["schema"], row["name"]) in names}  # fmt: skip
    written = inquiry.evidence["row_transactions"]
    return [inquiry.scene.clock.full(int(row["newest_xid"])) for row in rows(written[written["oid"].isin(oids)])]


def _surroundings(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    found: dict[str, Sign] = {}
    about, evidence = inquiry.about, inquiry.evidence
    if group.mechanism == "truncate":
        number = len(group.roots)
        says = f"{group.name} needs {number} named table{'s' if number != 1 else ''}: {', '.join(group.roots)}"
        found["several_roots"] = (number > 1, says, "pg_constraint")
    kept = [row for row in inquiry.findings if row["status"] == "intact" and (row["actual_rows"] or 0) > 0]
    lost = [row for row in inquiry.findings if row["status"] in LOSSES]
    # Where tables were made anew and none was spared, a person resets as often as a tool.
    if (kept and lost) or (lost and group.mechanism in ("truncate", "delete", "new_cluster", "restore")):
        names = ", ".join(schemas.qualified(row["schema"], row["table"]) for row in kept[:4])
        says = f"{len(kept)} tables with rows were spared{f': {names}' if kept else ''}"
        found["survivors_chosen"] = (bool(kept) and bool(lost), says, "pg_stat_user_tables")
    if about.has_server and not about.in_recovery:
        crash = about.crashed_at
        when = (
            f"the server recovered from a crash at {crash}"
            if crash is not None
            else "no crash since the counters began"
        )
        found["crashed"] = (crash is not None, when, "pg_stat_bgwriter")
    owners = {inquiry.tables[name].relation["owner"] for name in group.roots if name in inquiry.tables}
    if about.app_role is not None and owners == {about.app_role}:
        says = f"{about.app_role}, the application's role, owns the tables and may do it"
        found["application_may"] = (True, says, "pg_class")
    if inquiry.scene.volume_age is not None:
        found["volume_younger"] = inquiry.scene.volume_age
    if answered(evidence, "replication"):
        names = [row["name"] for row in rows(evidence["replication"]) if row["kind"] == "subscription"]
        found["subscription"] = (bool(names), f"subscriptions: {', '.join(names) or 'none'}", "pg_subscription")
    return found | _tools(group, inquiry)


def _tools(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Schedulers in the database, a recovery in the log, loads by COPY, sequences begun anew."""
    evidence, found = inquiry.evidence, {}
    installed = [row["name"] for row in rows(evidence["extensions"]) if row["name"] in SCHEDULERS]
    if answered(evidence, "extensions"):
        says = f"schedulers installed in the database: {', '.join(installed) or 'none'}"
        found["scheduler_installed"] = (bool(installed), says, "pg_extension")
    events = evidence["log_events"]
    recovered = events[events["subject"].isin(RECOVERED)]
    if len(events):
        says = f"the log tells of a recovery: {recovered['message'].iloc[0][:120]}" if len(recovered) else (
            "the log tells of no recovery")  # fmt: skip
        where = f"{recovered['file'].iloc[0]}:{recovered['line'].iloc[0]}" if len(recovered) else "log"
        found["recovered"] = (bool(len(recovered)), says, where)
    loads = [inquiry.scene.loaded[name] for name in group.tables if name in inquiry.scene.loaded]
    if loads or inquiry.scene.visible.statements:
        says = loads[0].says if loads else "no COPY into these tables was seen"
        found["loaded_by_copy"] = (bool(loads), says, loads[0].source if loads else "log")
    sequences = [each for name in group.roots if name in inquiry.tables for each in inquiry.tables[name].sequences]
    if group.mechanism == "truncate" and sequences:
        begun = [each["name"] for each in sequences if each["filenode"] and each["filenode"] != each["oid"]]
        says = f"sequences that began anew: {', '.join(begun) or 'none'}"
        found["identity_restarted"] = (bool(begun), says, "pg_class")
    return found


def _repository(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """What the repository holds that could have done it: an applied migration, a job, a test, the application."""
    found = _code(group, inquiry)
    operations = inquiry.evidence["migration_operations"]
    if not answered(inquiry.evidence, "migrations") or not len(inquiry.evidence["migrations"]):
        if len(inquiry.evidence["code_hits"]) and not len(inquiry.evidence["version_tables"]):
            found["without_migrations"] = (True, "the repository holds no migration", "repository")
        return found
    short = {schemas.parts(name)[1] for name in group.tables}
    wanted = {
        *STATEMENTS.get(group.mechanism, REMOVES_ROWS),
        *(("drop_type",) if group.mechanism == "column_drop" else ()),
    }
    up = rows(operations[operations["direction"] != "down"])
    hits = [row for row in up if row["operation"] in wanted and schemas.parts(row["object"] or "")[1] in short]
    run = applied_revisions(inquiry.evidence["migrations"], inquiry.evidence["version_tables"])
    if hits:
        applied = [row for row in hits if row["revision"] in run]
        first = (applied or hits)[0]
        where = f"{first['path']}:{first['line']}"
        told = "the database says that it ran" if applied else (
            "nothing says that it ran" if not run else "the database says that it did not run")  # fmt: skip
        says = f"{where} would run {first['operation']} on {first['object']}; {told}"
        found["statement_in_migration"] = (bool(applied) or not run, says, where)
        return found
    unread = [row for row in up if row["operation"] in ("dynamic", "unparsed")]
    if not unread:  # what a migration builds at run time may be anything
        count = len(inquiry.evidence["migrations"])
        says = f"none of {count} migrations removes rows of {group.name}'s tables"
        found["migrations_harmless"] = (True, says, "migrations")
    return found


def _code(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Lines outside the migrations that reach a root of the group, by the vehicle that would run them."""
    hits = inquiry.evidence["code_hits"]
    if not len(hits):
        return {}
    reaching = _reaching(group, inquiry)
    found: dict[str, Sign] = {}
    for vehicle in VEHICLES:
        words = vehicle.replace("_", " ")
        mine = sorted((row for row in reaching if _vehicle(row) == vehicle), key=lambda row: row["object"] is None)
        if not mine:
            found[f"code_of_{vehicle}"] = (False, f"no {words} of the repository does", "repository")
            continue
        exact = _exact(mine, group)
        best = exact or mine[0]
        where = f"{best['path']}:{best['line']}"
        says = f"{where} ({words}) would do it: {(best['text'] or '')[:120]}"
        found[f"exact_code_of_{vehicle}" if exact else f"code_of_{vehicle}"] = (True, says, where)
    return found


VEHICLES = ("scheduled_job", "test_run", "application", "script")
# Folders that are named after when their files run.
JOB_FOLDERS = re.compile(
    r"(?i)(^|/)(cron(jobs?|tabs?)?|cron\.\w+|jobs?|schedul\w*|nightly|daily|weekly|hourly|periodic)/"
)
UNRUN = ("failed", "not_seen", "not_applied")  # of a line that reaches a table which stands


def _vehicle(row: dict) -> str:
    """What runs a line: a script that a schedule starts, or that lies among the jobs, is a job."""
    if row["vehicle"] == "script" and (row["schedule"] or JOB_FOLDERS.search(row["path"] or "")):
        return "scheduled_job"
    return row["vehicle"]


def _reaching(group: Group, inquiry: Inquiry) -> list[dict]:
    """Lines that would do it to a root of the group, without those that did not run though it would have shown."""
    lines = inquiry.suspects
    ran = {} if lines is None else {
        (row["path"], row["line"], row["operation"], row["object"]): row["ran"] for row in rows(lines) if row["tables"]
    }  # fmt: skip
    short = {schemas.parts(name)[1] for name in (*group.roots, *(group.tables if not group.roots else ()))}
    wanted = set(STATEMENTS.get(group.mechanism, REMOVES_ROWS))
    return [
        row
        for row in rows(inquiry.evidence["code_hits"])
        if (row["operation"] in wanted or (row["operation"] in REMOVES_ROWS and row["loses"] == "rows"))
        and (row["object"] is None or schemas.parts(row["object"])[1] in short)
        and ran.get((row["path"], row["line"], row["operation"], row["object"])) not in UNRUN
    ]


def _exact(lines: Sequence[dict], group: Group) -> dict | None:
    """A line that names all roots of the group, two or more."""
    roots = {schemas.parts(name)[1] for name in group.roots}
    for row in lines if len(roots) > 1 else ():
        together = {schemas.parts(each["object"])[1] for each in lines
                    if each["object"] and (each["path"], each["line"]) == (row["path"], row["line"])}  # fmt: skip
        if together == roots:
            return row
    return None


def answered(evidence: Mapping[str, pd.DataFrame], source: str) -> bool:
    """Whether a source was asked and gave an answer."""
    asked = evidence["questions"]
    return bool(((asked["source"] == source) & (asked["status"] == "answered")).any())
