"""Who was seen to do it: sessions of statements that reach a group, of routines, of loads, of failed attempts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse import hands
from triage_kit.analyse.context import at_latest, rows
from triage_kit.analyse.dating import STATEMENTS
from triage_kit.analyse.groups import Group
from triage_kit.analyse.inquiry import Inquiry, Sign
from triage_kit.analyse.rights import unable
from triage_kit.analyse.routines import called as called_routines
from triage_kit.analyse.routines import fired
from triage_kit.analyse.series import series
from triage_kit.analyse.sessions import called, connected
from triage_kit.analyse.silence import covers
from triage_kit.analyse.statements import LITTLE, REMOVES_ROWS, Seen, destructive, resolver, took_least, wording

# Besides those that date a loss: a table that was moved away and made anew was not dropped.
ALSO = {"recreate": ("set_schema", "create_table", "rename_database"), "column_drop": ("drop_column", "drop_type")}
WHOLE = (
    "truncate", "drop_table", "set_schema", "create_table", "rename_table", "drop_schema", "rename_schema",
    "drop_column",
)  # fmt: skip
A_MOMENT = pd.Timedelta(milliseconds=10)  # between two clocks of one server: log lines are cut to milliseconds
AROUND = pd.Timedelta(seconds=2)
SPECIFIC = {"gui", "shell", "tests", "job", "migrator", "restore"}  # a name that says more than that it is a program
_CALLS = re.compile(r'(?is)^\s*(?:call\s+|do\b|select\s+(?:\*\s+from\s+)?(?!pg_|count\b|now\b|version\b)[\w."]+\s*\()')
_CRON = re.compile(r"(?s)^cron job (\d+) starting: (.+)")
# What pg_dump writes and little else does: keys added to ONLY the table, and triggers off while rows are loaded.
_DUMPED = re.compile(r"(?is)^\s*alter table only\b.*\badd constraint\b|\b(?:disable|enable) trigger all\b")


def sessions(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Items on the sessions that did it, or that may have: by statement, routine, load, schedule and failed attempt."""
    done = matching(group, inquiry)
    found: dict[str, Sign] = {}
    if done:
        found |= _session(done[0], done, group, inquiry) | _regular(done) | _in_series(done[0], inquiry)
    elif inquiry.scene.visible.statements and group.mechanism != "update":  # an ordinary UPDATE is not listed
        says = f"no statement that would do it was seen, and {inquiry.scene.visible.why}"
        found["nobody_seen"] = (True, says, "log")
    if not done:
        found |= _routines(inquiry) | _connected(group, inquiry)
    loaded = _dumped(group, inquiry)
    if loaded is not None:
        found["dump_loaded"] = loaded
    return found | _attempt(group, inquiry)


def _effects(group: Group, inquiry: Inquiry) -> list[Seen]:
    """Effects on the group's tables; where none is told, on tables from which a cascade leads there."""
    scene = inquiry.scene
    wanted = (*REMOVES_ROWS, "update", "rename_table", *ALSO.get(group.mechanism, ()))
    told = (seen for name in group.tables for seen in scene.effects_on(name))
    here = [*told, *_asked(group, inquiry), *called_routines(group, inquiry)]
    few = _by_key(here, inquiry)
    own = [seen for seen in here if seen.operation in wanted and not (seen.done and seen in few)]
    if any(seen.done for seen in own):
        return own
    leads = {"truncate": scene.truncates_from, "delete": scene.cascades_from, "cascade_delete": scene.cascades_from}
    above = leads.get(group.mechanism, {})
    operation = "truncate" if group.mechanism == "truncate" else "delete"
    parents = sorted({parent for name in group.tables for parent in above.get(name, ())} - set(group.tables))
    reaching = [seen for parent in parents for seen in scene.effects_on(parent) if seen.operation == operation]
    told_above = own + [seen for seen in reaching if operation == "delete" or seen.cascade]
    return told_above if any(seen.done for seen in told_above) else told_above + fired(group, inquiry)


def _by_key(found: Sequence[Seen], inquiry: Inquiry) -> set[Seen]:
    """Those that delete the one row of a key a call, and were called far too seldom for the rows that were deleted."""
    keyed = [seen for seen in found if seen.operation == "delete" and seen.fixed and _one_row(seen, inquiry)]
    calls: Counter[tuple[str, bool]] = Counter()
    for seen in keyed:
        calls[wording(seen.text), seen.where == "pg_stat_statements"] += seen.calls
    few = set()
    for seen in keyed:
        took = max(calls[wording(seen.text), counted] for counted in (True, False))  # both tell of the same calls
        if took * LITTLE < ((inquiry.scene.balances.get(seen.table) or {}).get("deletes") or 0):
            few.add(seen)
    return few


def _one_row(seen: Seen, inquiry: Inquiry) -> bool:
    """Whether the columns that a DELETE gives one value hold a key of its table, none of whose rows takes others."""
    if (table := inquiry.tables.get(seen.table)) is None or table.oid in trees(inquiry):
        return False
    keys = inquiry.evidence["constraints"]
    own = keys[(keys["table_oid"] == table.oid) & keys["kind"].isin(("primary_key", "unique"))]
    return any(columns and set(columns) <= set(seen.fixed) for columns in own["columns"])


def _asked(group: Group, inquiry: Inquiry) -> Iterator[Seen]:
    """Effects of what sessions ran last, as pg_stat_activity shows it, and of what pg_cron says that it starts."""
    resolve, here = resolver(inquiry.scene.balances), inquiry.here
    for row in rows(inquiry.evidence["activity"]):
        if row["kind"] in (None, "client backend") and row["query"] and (not here or row["database"] in here):
            who = (row["query_at"], row["role"], row["application"], row["pid"])
            yield from _reached(row["query"], who, "pg_stat_activity", group, resolve)
    for row, text in _started(inquiry):
        who = (row["at"], row["role"], "pg_cron", row["pid"])
        yield from _reached(text, who, f"{row['file']}:{row['line']}", group, resolve)


def _reached(text: str, who: tuple, where: str, group: Group, resolve) -> Iterator[Seen]:
    at, role, application, pid = who
    for each in destructive(text) if sql.suspicious(text) else ():
        if (table := resolve(each)) in group.tables:
            yield Seen(each.operation, table, each.bounded, bool(each.cascade), "unknown", at, role, application,
                       text[:2000], None, "", where, pid=pid)  # fmt: skip


def _started(inquiry: Inquiry) -> Iterator[tuple[dict, str]]:
    """Jobs whose start pg_cron wrote to the log (cron.log_run is on by itself), with the text that each runs."""
    events = inquiry.evidence["log_events"]
    for row in rows(events[events["message"].str.startswith("cron job ").fillna(False)]):
        if told := _CRON.match(row["message"] or ""):
            yield row, told[2]


def matching(group: Group, inquiry: Inquiry) -> list[Seen]:
    """Statements that may have done it, the likeliest and best told first."""
    wanted = (*STATEMENTS.get(group.mechanism, tuple(REMOVES_ROWS)), *ALSO.get(group.mechanism, ()))
    fitting = [seen for seen in _effects(group, inquiry) if seen.operation in wanted and seen.done]
    if group.mechanism == "delete" and _took_little(fitting, group, inquiry):
        return []
    idle = _counted_none(fitting)
    done = [seen for seen in fitting if seen.operation in WHOLE or (seen.rows != 0 and wording(seen.text) not in idle)]
    if group.whole and group.mechanism != "update":
        # A WHERE may have spared no row; where a statement without one was seen, that is the likelier one.
        unbounded = [seen for seen in done if seen.operation in WHOLE or seen.bounded is not True]
        done = unbounded or [seen for seen in done if _took_most(seen, group, inquiry)]
    small = took_least(done)
    return sorted(dict.fromkeys(done), key=lambda seen: _order(seen, group, inquiry, wording(seen.text) in small))


def _counted_none(done: Sequence[Seen]) -> set[str]:
    """Shapes of the statements that took no row by pg_stat_statements, where another one did.

    The log has such a statement as well, and counts no rows: whoever typed it took none.
    """
    rows_of: Counter[str] = Counter()
    for seen in done:
        if seen.rows is not None and seen.where == "pg_stat_statements":
            rows_of[wording(seen.text)] += seen.rows
    return {shape for shape, count in rows_of.items() if not count} if any(rows_of.values()) else set()


def trees(inquiry: Inquiry) -> set[int]:
    """OIDs of tables whose rows take further rows of the same table along by ON DELETE CASCADE."""
    keys = inquiry.evidence["constraints"]
    own = keys[(keys["kind"] == "foreign_key") & (keys["on_delete"] == "cascade")]
    return set(own.loc[(own["table_oid"] == own["referenced_oid"]).fillna(False), "table_oid"])


def _took_little(done: Sequence[Seen], group: Group, inquiry: Inquiry) -> bool:
    """Whether pg_stat_statements counts what was seen, and all of it took far fewer rows than are deleted."""
    counted = [seen for seen in done if seen.where == "pg_stat_statements" and seen.rows is not None]
    names = group.roots or group.tables
    if any(inquiry.tables[name].oid in trees(inquiry) for name in names if name in inquiry.tables):
        return False  # pg_stat_statements counts none of the rows that go along
    roots = [inquiry.scene.balances.get(name) or {} for name in names]
    lost = max((row.get("deletes") or 0 for row in roots), default=0)
    return bool(counted) and LITTLE * sum(seen.rows or 0 for seen in counted) < lost


def _took_most(seen: Seen, group: Group, inquiry: Inquiry) -> bool:
    """Whether a DELETE with a WHERE may have emptied a table: by the rows it counted, or as one on its partitions."""
    partitions = inquiry.scene.below_reported & set(group.roots)
    if seen.rows is None:
        return bool(partitions)
    # pg_stat_statements counts rows of the named table alone, none of those that a cascade takes along (measured).
    of = [seen.table] if seen.table in group.tables and seen.table not in partitions else group.tables
    lost = sum((inquiry.scene.balances.get(name) or {}).get("deletes") or 0 for name in of)
    return 2 * seen.rows > lost > 0


def _order(seen: Seen, group: Group, inquiry: Inquiry, small: bool = False) -> tuple:
    """The transaction that the catalogue names first, what began after its commit last; then the best told one."""
    at, committed = seen.at or pd.Timestamp(0, tz="UTC"), group.committed_at
    mine = seen.xid is not None and inquiry.scene.clock.full(seen.xid) == group.xid
    after = committed is not None and seen.at is not None and seen.at > committed + A_MOMENT
    told = (seen.operation == "create_table", seen.application is None, seen.user is None, seen.bounded is True)
    return (not mine, after, small, *told, -at.value)


def _session(best: Seen, done: Sequence[Seen], group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    says = f"the statement came from {best.user or 'an unknown role'} / {best.application or 'no application name'}"
    where, kinds = best.where, _kinds(best.application, best.user, inquiry)
    found: dict[str, Sign] = {}
    # No application's name, and the role that everything of the application shares: that names nobody.
    if best.application or (best.user and best.user != inquiry.about.app_role):
        for kind in ("tests", "job", "migrator", "restore"):
            if kind in kinds or best.application:  # a role that is named after no tool may be one's all the same
                found[f"statement_by_{kind}"] = (kind in kinds, says, where)
        vague = [kind for kind in ("replication", "script", "worker", "server") if kind in kinds]
        if vague and not kinds & SPECIFIC:
            found[f"statement_by_{vague[0]}"] = (True, says, where)
            if _apart(best, kinds, inquiry):
                found.pop("statement_by_job", None)  # a job that is called a worker is weighed by that name
    if best.application and "gui" in kinds:
        found["statement_by_gui"] = (True, says, where)
    elif best.application:
        found["statement_by_shell"] = ("shell" in kinds, says, where)
    found |= _program(best, kinds, group, inquiry)
    if found.get("statement_by_program", (False,))[0]:  # that it is a program of this kind says no more
        found.pop("statement_by_server", None)
    counted = [seen for seen in done if seen.where == "pg_stat_statements"]
    if counted:
        calls = max(seen.calls for seen in counted)
        often = "once" if calls == 1 else f"{calls:,} times"
        found["repeated"] = (calls > 1, f"the statement was called {often}", "pg_stat_statements")
    return found


def _program(best: Seen, kinds: frozenset[str], group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Whether it was the program, or at least the role, that writes these rows day by day."""
    who = f"the statement came from {best.user or 'an unknown role'} / {best.application or 'no application name'}"
    writer, how = _usual_writer(group, inquiry)
    same = None if writer is None or best.user is None else best.user == writer
    found: dict[str, Sign] = {}
    programs = _programs(inquiry, best) if best.application else {}
    if best.application in programs and not kinds & SPECIFIC and not _apart(best, kinds, inquiry):
        says = f"{who}, as did other sessions that write rows: {programs[best.application]} of them"
        return {"statement_by_program": (True, says, best.where)}
    if programs and same is not False:  # another role has another program's name: the one says what the other does
        says = f"{who}; rows are written by {', '.join(sorted(programs)[:4])}"
        found["statement_by_program"] = (False, says, best.where)
        if same:
            return found | {"statement_under_its_role": (True, f"{says}; {how}", best.where)}
    if same and not best.application and not programs:
        # Jobs and workers that call themselves nothing share the role: it tells the application from people alone.
        return found | {"statement_by_nameless": (True, f"{who}; {how}", best.where)}
    if same is not None:
        found["statement_by_application"] = (same, f"{who}; {how}", best.where)
    if same is False and not kinds - SPECIFIC and not hands.kinds(best.user):
        owner = _owns(best.user, group, inquiry)
        says = (
            f"{who}: {'the owner of the tables' if owner else 'a role of its own'}, which the application does not use"
        )
        found["statement_by_owner" if owner else "statement_by_own_role"] = (True, says, best.where)
    return found


def _apart(best: Seen, kinds: frozenset[str], inquiry: Inquiry) -> bool:
    """Whether it was a worker under a role of its own: it writes rows day by day too, and not as the application."""
    known = inquiry.about.app_role
    return known is not None and best.user not in (None, known) and bool(kinds & {"worker", "script"})


def _owns(role: str | None, group: Group, inquiry: Inquiry) -> bool:
    """Whether a role that is no superuser owns the tables: people log in as themselves, deployments as the owner."""
    names = [name for name in group.roots or group.tables if name in inquiry.tables]
    owners = {inquiry.tables[name].relation["owner"] for name in names}
    roles = inquiry.evidence["roles"]
    above = set(roles.loc[roles["superuser"].fillna(False).astype(bool), "name"])
    return role is not None and owners == {role} and role not in above | {"postgres"}


def _kinds(application: str | None, role: str | None, inquiry: Inquiry) -> frozenset[str]:
    """Kinds of a session by its names; the application's own role is no job's, whatever it is called."""
    return hands.kinds(application, role if role != inquiry.about.app_role else None, files=inquiry.files)


def _programs(inquiry: Inquiry, best: Seen) -> dict[str, int]:
    """Applications that were seen to write rows, with the number of their sessions but that of ``best``.

    What its own application wrote only afterwards is no trade of day by day: tests fill a database that they cleaned.
    """
    wrote = inquiry.writes[inquiry.writes["application"].notna()]
    if best.at is not None:
        wrote = wrote[(wrote["application"] != best.application) | (wrote["at"] < best.at)]
    found: defaultdict[str, set] = defaultdict(set)
    for row in rows(wrote[["pid", "application"]].drop_duplicates()):
        if row["pid"] != best.pid and row["application"] and not hands.kinds(row["application"]) & SPECIFIC:
            found[row["application"]].add(row["pid"])
    return {name: len(pids) for name, pids in found.items()}


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
        named = inquiry.writes["statement"].str.contains(
            "|".join(rf"\b{re.escape(name)}\b" for name in short), regex=True
        )
        wrote.update(inquiry.writes.loc[named.fillna(False), "role"].dropna())
    if not wrote:
        return None, ""
    writer = wrote.most_common(1)[0][0]
    return writer, f"rows were inserted there by {writer}"


def _regular(done: Sequence[Seen]) -> dict[str, Sign]:
    """Whether a statement came at even intervals of a minute or more, three times at least."""
    gathered: defaultdict[str, list[pd.Timestamp]] = defaultdict(list)
    for seen in done:
        if seen.at is not None:
            gathered[re.sub(r"'[^']*'|\d+", "?", seen.text)].append(seen.at)
    for text, times in gathered.items():
        steps = pd.Series(sorted(set(times))).diff().dropna().dt.total_seconds()
        if len(steps) >= 2 and steps.median() >= 60 and (steps - steps.median()).abs().max() <= 0.05 * steps.median():
            says = f"it came {len(steps) + 1} times, every {steps.median() / 60:.0f} minutes: {text[:120]}"
            return {"on_schedule": (True, says, "log")}
    return {}


def _in_series(best: Seen, inquiry: Inquiry) -> dict[str, Sign]:
    """Whether the statement was one of several that emptied table after table, and that came again soon."""
    found = series(best, inquiry.scene)
    return {"emptied_in_series": (True, found.says(), found.where)} if found is not None and found.times > 1 else {}


def _routines(inquiry: Inquiry) -> dict[str, Sign]:
    """Sessions that called a routine, whose body no log shows, where no statement tells who did it."""
    found: dict[str, Sign] = {}
    log = inquiry.done[inquiry.done["application"].notna()]
    told = [(row, row["statement"], row["application"])
            for row in rows(log[log["statement"].str.contains(_CALLS).fillna(False)])]  # fmt: skip
    told += [(row, text, "pg_cron") for row, text in _started(inquiry) if _CALLS.match(text)]
    told = [each for each in told if _shortly_before(each[0]["at"], inquiry)]
    entries = inquiry.evidence["statements"]
    counted = entries[entries["text"].str.contains(_CALLS).fillna(False) & entries["role"].notna()]
    told += [
        ({**row, "file": "pg_stat_statements", "line": row["query_id"]}, row["text"], None)
        for row in rows(counted)
        if not inquiry.here or row["database"] in inquiry.here
    ]
    for row, text, application in told:
        kinds = _kinds(application, row["role"], inquiry)
        for kind in ("job", "tests", "migrator", "shell"):
            if kind in kinds or (kind == "shell" and "gui" in kinds):
                says = f"{application or row['role']} called a routine, whose body the log does not show: {text[:120]}"
                found[f"routine_by_{kind}"] = (True, says, f"{row['file']}:{row['line']}")
    return found


def _connected(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Kinds of sessions that were connected when it happened, where no statement tells who did it: weak evidence."""
    about = inquiry.about
    start, end = about.window_start, about.noticed_at or about.collected_at
    if group.committed_at is not None:
        start, end = group.committed_at - AROUND, group.committed_at + AROUND
    found: dict[str, Sign] = {}
    known = inquiry.connected is not None and start is not None and end is not None
    refused = {seen.user for seen in _attempts(group, inquiry) if _refused(seen, group, inquiry)}
    for each in rows(inquiry.connected) if known else ():
        if each["role"] in refused or unable(each["role"], group, inquiry):
            continue
        kinds = _kinds(each["application"], each["role"], inquiry)
        if kinds and connected(each, start, end):
            says = f"{called(each)} was connected between {start:%Y-%m-%d %H:%M:%S} and {end:%H:%M:%S} UTC, no more"
            for kind in sorted(kinds & SPECIFIC):
                found.setdefault(f"connected_by_{'shell' if kind == 'gui' else kind}", (True, says, each["source"]))
    return found


def _dumped(group: Group, inquiry: Inquiry) -> Sign | None:
    """How these tables were made or loaded the way that dumps are put back; None where it did not show."""
    short = {schemas.parts(name)[1].lower() for name in group.tables}
    log, entries = inquiry.done, inquiry.evidence["statements"]
    tools = [name for name in log["application"].dropna().unique() if "restore" in hands.kinds(name)]
    likely = log[log["statement"].str.contains(_DUMPED).fillna(False) | log["application"].isin(tools)]
    texts = [(row["statement"], row["application"], f"{row['file']}:{row['line']}") for row in rows(likely)]
    texts += [(row["text"], None, "pg_stat_statements") for row in rows(entries[entries["text"].notna()])]
    for text, application, where in texts:
        by_tool = application is not None and "restore" in hands.kinds(application)
        if not (by_tool or _DUMPED.search(text)) or not any(name in text.lower() for name in short):
            continue
        if any(schemas.parts(each.object or "")[1].lower() in short for each in sql.effects(text)):
            who = f"by {application}" if application else "as a dump does"
            return True, f"these tables were written {who}: {text[:120]}", where
    return None


def _attempts(group: Group, inquiry: Inquiry) -> list[Seen]:
    """Statements that would have removed rows of the group and failed, shortly before people noticed."""
    failed = [s for s in _effects(group, inquiry) if s.outcome == "failed" and s.operation in REMOVES_ROWS]
    return [s for s in failed if _shortly_before(s.at, inquiry)]


def tried_in_vain(group: Group, inquiry: Inquiry) -> str:
    """Who tried the same in vain, in words to go on with; nothing where nobody was seen to.

    A statement that fails takes no row, and whoever typed it may still know who did it in the end.
    """
    wanted = STATEMENTS.get(group.mechanism, tuple(REMOVES_ROWS))
    same = [seen for seen in _attempts(group, inquiry)
            if seen.operation in wanted and seen.bounded is not True and (seen.table,) == group.roots]  # fmt: skip
    if not same:
        return ""
    last = same[-1]
    who = " / ".join(filter(None, (last.user, last.application))) or "somebody"
    return f"; the same was tried in vain at {last.at:%H:%M:%S.%f} UTC by {who}, who may know more: {last.text[:120]}"


def _refused(seen: Seen, group: Group, inquiry: Inquiry) -> bool:
    """Whether a statement as the one that did it was denied for want of the privilege: its role cannot have done it."""
    wanted = STATEMENTS.get(group.mechanism, tuple(REMOVES_ROWS))
    return seen.user is not None and seen.operation in wanted and (seen.user, seen.text) in inquiry.denied


def _attempt(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    every = _attempts(group, inquiry)
    failed = [seen for seen in every if not _refused(seen, group, inquiry)]
    if not failed and (every or not covers(inquiry.evidence["log_sources"], inquiry.evidence["incident"])):
        return {}
    last = failed[-1] if failed else None
    says = (
        f"a {last.operation} on {last.table} failed at {last.at:%Y-%m-%d %H:%M:%S} UTC, which is close in time and "
        f"no more: {last.text[:120]}"
        if last
        else "no failed destructive statement on these tables in the log"
    )
    by_hand = last is not None and not _kinds(last.application, last.user, inquiry) & {"job", "migrator", "tests"}
    if by_hand and last is not None and not last.application and last.user == inquiry.about.app_role:
        return {}  # a program that bears no name tries again, too
    return {"failed_attempt_by_hand": (by_hand, says, last.where if last else "log")}


def _shortly_before(at: pd.Timestamp | None, inquiry: Inquiry) -> bool:
    about = inquiry.about
    noticed = about.noticed_at or about.collected_at
    start = about.window_start or (noticed - pd.Timedelta(days=2) if noticed is not None else None)
    return at is not None and (start is None or at_latest(at) >= start) and (noticed is None or at <= noticed)
