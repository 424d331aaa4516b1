"""Items of evidence for and against each cause of one group: who was seen, what its transaction did, what surrounds it.

Each function gives, by the name of an item of knowledge/causes.yaml, whether it was seen, in words, and from where. An
item that could not have been seen is left out, and so weighs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import actors, code_signs
from triage_kit.analyse.applied import notes_versions
from triage_kit.analyse.belied import begun_anew
from triage_kit.analyse.context import rows
from triage_kit.analyse.dating import STATEMENTS
from triage_kit.analyse.groups import LOSSES, Group
from triage_kit.analyse.inference import Observation
from triage_kit.analyse.inquiry import Inquiry, Sign, answered
from triage_kit.analyse.rewound import another_state
from triage_kit.analyse.statements import REMOVES_ROWS

MOST_ROOTS = 12  # named tables that one line lists
SCHEDULERS = ("pg_cron", "pgagent", "pg_partman", "timescaledb", "pg_timetable")
RECOVERED = ("restore_point", "archive_recovery", "new_timeline", "backup_label")
SPARING = ("truncate", "delete", "restore")
# Ways of losing rows that tell the cause by themselves, or that lose none.
TELLING = ("new_cluster", "unlogged_reset", "restore", "none", "rollback", "hidden", "counters_reset", "unknown")
POINTERS = (
    *(f"statement_by_{kind}" for kind in ("gui", "shell", "tests", "job", "migrator", "restore", "replication")),
    *(f"statement_by_{kind}" for kind in ("script", "worker", "server", "program", "application", "own_role", "owner")),
    *(f"routine_by_{kind}" for kind in ("job", "tests", "migrator", "shell")),
    *(f"connected_by_{kind}" for kind in ("tests", "restore")),
    *(f"{exact}code_of_{vehicle}" for exact in code_signs.RANKS for vehicle in code_signs.VEHICLES),
    "code_of_restore", "statement_by_nameless",
    "statement_under_its_role", "on_schedule", "emptied_in_series", "trigger_reaches", "keys_made_last", "dump_loaded",
    "replicated",
    "version_written", "statement_in_migration", "statement_in_downgrade", "code_of_migrator",
    "migration_taken_back", "exact_statement_in_downgrade",
    "subscribed_table", "subscription", "recovered", "promoted",
    "older_than_its_log", "volume_younger", "only_versions_spared",
)  # fmt: skip
_SYNCHRONISED = re.compile(r'table synchronization worker for subscription "(.+?)", table "(.+?)" has')
ACCOUNTED = ("exact_code_of_", "verbatim_code_of_")  # the line holds all tables that the statement named
STARTED = ("script", "routine")  # what a schedule may start; its own line may stand on another machine
_WRITES = re.compile(
    r'(?i)\b(?:insert\s+into|update|delete\s+from)\s+((?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))?)'
)
ONE_RUN = pd.Timedelta(minutes=5)  # judgement: a migration notes its revision right after its statements
NEAR = 8  # transactions between a migration's statements and its entry in the version table


def signs(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Every item that can be told of the group."""
    found = {
        **actors.sessions(group, inquiry),
        **_transaction(group, inquiry),
        **_noted(group, inquiry),
        **_surroundings(group, inquiry),
        **code_signs.repository(group, inquiry),
    }
    if found.get("version_written", (False,))[0]:  # the row of the version table may be a later run's
        found.pop("version_near", None)
    if "only_versions_spared" in found or any(name.startswith(ACCOUNTED) for name in found):
        # The line, or what empties every table, accounts for how many were named: no habit of people shows in it.
        found.pop("several_roots", None)
    if "code_of_migrator" in found:  # the tool itself drops and makes anew, which is written in none of its migrations
        found.pop("migrations_harmless", None)
        found.pop("without_migrations", None)
    if "emptied_in_series" in found:  # that several were emptied, and again, is told by it
        found.pop("several_roots", None)
        found.pop("repeated", None)
    if any(seen for name, (seen, _, _) in found.items() if name.startswith("statement_by_")):
        found.pop("trigger_reaches", None)  # whose statement fired it is told
    if found.get("failed_attempt_by_hand", (False,))[0]:  # whoever tried was connected
        found.pop("connected_by_shell", None)
    if any(found.get(f"{exact}code_of_{kind}", (False,))[0] for exact in code_signs.RANKS for kind in STARTED) and (
        not found.get("code_of_scheduled_job", (False,))[0]
    ):
        found.pop("code_of_scheduled_job", None)  # what a schedule starts may be this very file
    if any(f"{rank}code_of_worker" in found for rank in code_signs.RANKS):
        for name in ("code_of_scheduled_job", "code_of_application"):  # it is of the one or of the other
            if not found.get(name, (True,))[0]:
                found.pop(name)
    if found.get("dump_loaded", (False,))[0]:  # one dump that is put back shows itself in three ways
        for name in ("loaded_by_copy", "statement_by_restore"):
            found.pop(name, None)
    if group.mechanism not in TELLING:
        seen, says, where = _named(found)
        found["doer_named"] = seen, says + actors.tried_in_vain(group, inquiry), where
    return found


def _named(found: Mapping[str, Sign]) -> Sign:
    """Whether any item points at a doer: where none does, every story but the untold one should have left a trace."""
    pointing = [name for name in POINTERS if found.get(name, (False,))[0]]
    if not pointing:
        return False, "nothing in the evidence points at anybody", "analysis"
    words = ", ".join(name.replace("_", " ") for name in pointing)
    return True, f"there are traces of a doer: {words}", "analysis"


def _origin(xid: int, inquiry: Inquiry) -> tuple[bool, str] | None:
    """Whether a transaction came by replication, and what says so: its commit record, else its commit timestamp.

    The function that tells the origin of a commit timestamp came with 14: before, that there is none says nothing.
    """
    clock, evidence = inquiry.scene.clock, inquiry.evidence
    spans = evidence["wal_spans"]
    blind = set(spans.loc[spans["how"] == "pg_walinspect", "source"])  # which shows no origins
    for row in rows(evidence["wal_transactions"]):
        if clock.full(row["xid"]) == xid and row["outcome"] == "committed" and row["source"] not in blind:
            return bool(row["origin"]), row["source"]
    tells = (inquiry.about.version_num or 0) >= 140000
    for row in rows(evidence["commit_times"]):
        if clock.full(row["xid"]) == xid and (tells or row["origin"]):
            return bool(row["origin"]), "pg_xact_commit_timestamp_origin"
    return None


def _transaction(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """What the transaction did besides: catalogue rows of its own, an entry of a migration tool, its origin."""
    if group.xid is None:
        return {}
    found: dict[str, Sign] = {}
    if (told := _origin(group.xid, inquiry)) is not None:
        seen, source = told
        says = f"transaction {group.xid} {'was applied from a replication origin' if seen else 'began on this server'}"
        found["replicated"] = (seen, says, source)
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


def _noted(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Whether the session that did it also wrote a migration tool's table, by the log: later runs write that anew."""
    log = inquiry.done
    for name in group.roots or group.tables:
        for seen in inquiry.scene.seen.get(name, ()):
            if not seen.done or seen.pid is None or seen.at is None or seen.operation not in _does(group):
                continue
            own = log[(log["pid"] == seen.pid) & ((log["at"] - seen.at).abs() <= ONE_RUN)]
            for row in rows(own):
                if any(map(notes_versions, _written(row["statement"]))):
                    says = f"the session of {seen.where} also wrote a migration tool's table: {row['statement'][:90]}"
                    return {"version_written": (True, says, f"{row['file']}:{row['line']}")}
    return {}


def _does(group: Group) -> set[str]:
    return set(STATEMENTS.get(group.mechanism, REMOVES_ROWS))


def _written(statement: str) -> list[str]:
    return [re.sub(r'[\s"]', "", each) for each in _WRITES.findall(statement)]


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
        more = f" and {number - MOST_ROOTS:,} more" if number > MOST_ROOTS else ""
        some = ", ".join(list(group.roots)[:MOST_ROOTS]) + more
        says = f"{group.name} needs {number:,} named table{'s' if number != 1 else ''}: {some}"
        found["several_roots"] = (number > 1, says, "pg_constraint")
    # A partitioned table is its parts: the page counts these, and so the numbers agree.
    whole = [row for row in inquiry.findings if row["kind"] != "partitioned" and row["status"] == "intact"]
    kept = [row for row in whole if (row["actual_rows"] or 0) > 0]
    lost = [row for row in inquiry.findings if row["status"] in LOSSES]
    read = {(row["schema"], row["table"]) for row in rows(evidence["version_tables"])}
    noted = [row for row in kept if (row["schema"], row["table"]) in read
             or notes_versions(schemas.qualified(row["schema"], row["table"]))]  # fmt: skip
    kept = [row for row in kept if row not in noted]  # a migration tool's own table is nobody's choice
    if noted and not kept and len(lost) > 1 and group.mechanism in SPARING:
        says = f"every table with rows lost some but {noted[0]['table']}, where the migration tool notes what ran"
        found["only_versions_spared"] = (True, says, "pg_stat_user_tables")
    # Where tables were made anew and none was spared, a person resets as often as a tool.
    # A new data directory spares nothing: what stands in it was written since.
    if "only_versions_spared" not in found and (
        (kept and lost and group.mechanism != "new_cluster") or (lost and group.mechanism in SPARING)
    ):
        names = ", ".join(schemas.qualified(row["schema"], row["table"]) for row in kept[:4])
        names += f" and {len(kept) - 4:,} more" if len(kept) > 4 else ""
        many = "1 table with rows was" if len(kept) == 1 else f"{len(kept)} tables with rows were"
        says = f"{many} spared{f': {names}' if kept else ''}"
        found["survivors_chosen"] = (bool(kept) and bool(lost), says, "pg_stat_user_tables")
    if about.has_server and not about.in_recovery:
        crash = about.crashed_at
        when = (
            f"the server recovered from a crash at {crash:%Y-%m-%d %H:%M:%S} UTC"
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
    triggers = [inquiry.scene.triggers[name] for name in group.tables if name in inquiry.scene.triggers]
    if triggers and group.mechanism in ("delete", "truncate"):
        found["trigger_reaches"] = (True, triggers[0].says, triggers[0].source)
    if subscribed := _subscribed(group, inquiry):
        found["subscribed_table"] = subscribed
        found.pop("subscription", None)
    if other := another_state(evidence["log_events"], evidence["settings"]):
        found["older_than_its_log"] = (True, *other)
    return found | _tools(group, inquiry)


def _loaded(loads: Mapping[str, Observation], group: Group, inquiry: Inquiry) -> Sign:
    """Whether a COPY brought contents into the group: what puts an older state back does not leave most of it empty."""
    if not loads:
        return False, "no COPY into these tables was seen", "log"
    first = next(iter(loads.values()))
    empty = [name for name in group.damaged
             if name not in loads and inquiry.scene.balances.get(name, {}).get("actual_rows") == 0]  # fmt: skip
    if len(empty) <= len(loads):
        return True, first.says, first.source
    says = f"{first.says}; into {', '.join(empty[:4])}, which went with it and stand empty, none was seen"
    return False, says, first.source


def _keys_last(group: Group, inquiry: Inquiry) -> Sign | None:
    """Whether the primary keys of tables made anew were made after all of the tables; None for fewer than two."""
    made = {inquiry.tables[name].oid for name in group.tables if name in inquiry.tables}
    indexes = inquiry.evidence["indexes"]
    keys = indexes[indexes["primary"].fillna(False).astype(bool) & indexes["table_oid"].isin(made)]
    if group.mechanism != "recreate" or len(keys) < 2:
        return None
    last = bool(keys["oid"].min() > keys["table_oid"].max())
    says = f"the primary keys of {len(keys)} tables were made {'after all of them' if last else 'each with its table'}"
    return last, says, "pg_index"


def _subscribed(group: Group, inquiry: Inquiry) -> Sign | None:
    """Whether the log names the group's roots as tables that a subscription copied; None where it names no table."""
    events = inquiry.evidence["log_events"]
    said = events.loc[events["subject"] == "logical_replication", "message"].str.extract(_SYNCHRONISED).dropna()
    if said.empty:
        return None
    roots = {schemas.parts(name)[1] for name in group.roots or group.tables}
    missing = roots - set(said[1])
    says = f"subscription {said[0].iloc[0]} copied {', '.join(sorted(set(said[1]))[:6])} from its publisher"
    first = events.loc[said.index[0]]
    return not missing, says, f"{first['file']}:{first['line']}"


def _tools(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Schedulers in the database, a recovery in the log, loads by COPY, sequences begun anew."""
    evidence, found = inquiry.evidence, {}
    installed = [row["name"] for row in rows(evidence["extensions"]) if row["name"] in SCHEDULERS]
    if answered(evidence, "extensions"):
        says = f"schedulers installed in the database: {', '.join(installed) or 'none'}"
        found["scheduler_installed"] = (bool(installed), says, "pg_extension")
    events = evidence["log_events"]
    recovered, promoted = events[events["subject"].isin(RECOVERED)], events[events["subject"] == "promotion"]
    if len(promoted):  # its new timeline is no recovery from an archive
        last = promoted.iloc[-1]
        found["promoted"] = (True, f"a standby took over: {last['message']}", f"{last['file']}:{last['line']}")
    elif len(events):
        says = f"the log tells of a recovery: {recovered['message'].iloc[0][:120]}" if len(recovered) else (
            "the log tells of no recovery")  # fmt: skip
        where = f"{recovered['file'].iloc[0]}:{recovered['line'].iloc[0]}" if len(recovered) else "log"
        found["recovered"] = (bool(len(recovered)), says, where)
    if (last := _keys_last(group, inquiry)) is not None:
        found["keys_made_last"] = last
    scene = inquiry.scene
    again = {name for name in group.tables if name in scene.dumped and scene.dumped[name].repeated}
    loads = {name: scene.loaded[name] for name in group.tables if name in scene.loaded and name not in again}
    # A load of every night tells nothing of this one.
    if loads or (scene.visible.statements and not again):
        found["loaded_by_copy"] = _loaded(loads, group, inquiry)
    begun = begun_anew(group, inquiry) if group.mechanism == "truncate" else None
    if begun is not None and not (begun and code_signs.told_to_restart(group, inquiry)):
        says = f"sequences that began anew: {', '.join(begun) or 'none'}"
        found["identity_restarted"] = (bool(begun), says, "pg_class")
    return found
