"""What the repository holds that could have done it: an applied migration, a job, a test, the application."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.actors import matching, trees
from triage_kit.analyse.applied import A_DAY, applied_revisions, migration_states, notes_versions
from triage_kit.analyse.belied import belied, restarts
from triage_kit.analyse.built_names import HOLE, fitting
from triage_kit.analyse.context import rows
from triage_kit.analyse.dating import STATEMENTS
from triage_kit.analyse.groups import Group
from triage_kit.analyse.hands import kinds
from triage_kit.analyse.inquiry import Inquiry, Sign, answered
from triage_kit.analyse.routines import body_of
from triage_kit.analyse.series import series
from triage_kit.analyse.statements import REMOVES_ROWS, took_least, wording
from triage_kit.analyse.suspects import in_routine

VEHICLES = ("scheduled_job", "test_run", "application", "worker", "script", "routine")
# Commands of migration tools, as their documentation writes them: a script that holds one runs migrations.
MIGRATES = re.compile(
    r"\b(?:alembic|flask\s+db|sqitch|flyway|liquibase|goose|dbmate|knex|sequelize(?:-cli)?|typeorm|drizzle-kit|prisma|artisan|"
    r"dotnet\s+ef|phinx|golang-migrate|mikro-orm|aerich|supabase\s+db|diesel|sqlx)\b|\b(?:rails|rake)\s+\S*db:|\bmanage\.py\s+migrate\b|"
    r"\bdoctrine:(?:schema|migrations)\b|\bace(?:\.js)?\s+migration:|\bmix\s+ecto\."
)
# PostgreSQL documentation, pg_restore: -n names the only schemas that it puts back, and may be given several times.
PUTS_BACK = re.compile(r"\bpg_restore\b")
_ONLY_SCHEMA = re.compile(r"(?<=\s)(?:-n\s*|--schema(?:=|\s+))[\"']?([\w$]+)")
_DETACHES = re.compile(r"(?i)\balter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?([\w$.\"]+)\s+detach\s+partition\b")
MADE_ANEW = ("recreate", "drop")  # which no statement does that leaves the table itself
# Folders that are named after when their files run.
JOB_FOLDERS = re.compile(
    r"(?i)(^|/)(cron(jobs?|tabs?)?|cron\.\w+|jobs?|schedul\w*|nightly|daily|weekly|hourly|periodic)/"
)
# Celery documentation, autodiscover_tasks: the module `tasks` of a package; Rails and Sidekiq: app/jobs, app/workers.
TASK_FILES = re.compile(r"(?i)(^|/)(tasks\.py$|tasks/[^/]+\.py$|app/(jobs|workers)/)")
STANDING = ("truncate", "delete", "cascade_delete", "update")  # the table itself is the one that it was
SCHEMAS = ("drop_schema", "rename_schema")
TELLING_WORDS = 6  # judgement: `DELETE FROM orders` and `TRUNCATE orders, lines` are written by anybody
RANKS = ("", "exact_", "verbatim_")  # how surely a line of the repository is what ran
MANY_ROWS = 50  # judgement: what people delete one by one between two looks is less
# One value for one column, and nothing after it: parameters as the drivers write them.
_BY_KEY = re.compile(r"(?i)\bwhere\s+(?:\w+\.)?\"?(\w+)\"?\s*=\s*(?:\$\d+|%s|\?|[:@]\w+|%\(\w+\)s|\{…\})\s*;?\s*\Z")
# DbUp, RoundhousE and hand-made runners take every SQL file of a folder in the order of the numbers in their names.
_NUMBERED = re.compile(r"(?i)(?:^|/)v?\d{2,}[^/]*\.(?:sql|psql|pgsql)$")
UNRUN = ("not_seen", "not_applied")  # of a line that reaches a table which stands
_VERBS = {
    "truncate": re.compile(r"(?i)\btruncate\b"),
    "delete": re.compile(r"(?i)\bdelete\s+from\b"),
    "drop": re.compile(r"(?i)\bdrop\s+(?:table|schema)\b"),
    "recreate": re.compile(r"(?i)\bdrop\s+(?:table|schema)\b"),
    "partition_drop": re.compile(r"(?i)\bdrop\s+table\b|\bdetach\s+partition\b"),
}


def repository(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """What the repository holds that could have done it: an applied migration, a job, a test, the application."""
    found = _code(group, inquiry)
    operations = inquiry.evidence["migration_operations"]
    if not answered(inquiry.evidence, "migrations") or not len(inquiry.evidence["migrations"]):
        if len(inquiry.evidence["code_hits"]) and not len(inquiry.evidence["version_tables"]):
            return _without_migrations(found, group, inquiry)
        return found
    short = {schemas.parts(name)[1] for name in group.tables}
    wanted = {
        *STATEMENTS.get(group.mechanism, REMOVES_ROWS),
        *(("drop_type",) if group.mechanism == "column_drop" else ()),
    }
    up = rows(operations[operations["direction"] != "down"])
    otherwise = belied(up, group, inquiry)
    up = [row for row in up if (row["path"], row["line"]) not in otherwise]
    known, targets = _held_against(inquiry), set(group.roots or group.tables)
    inside = {schemas.parts(name)[0] for name in group.tables}
    hits = [
        row for row in up
        if (row["operation"] in wanted and _named(row["object"] or "", short))
        or (row["operation"] in wanted and row["operation"] in SCHEMAS and row["object"] in inside)
        or (row["operation"] in REMOVES_ROWS and targets & set(
            known.get((row["path"], row["line"], row["operation"], row["object"]), ("", ()))[1]))
    ]  # fmt: skip
    run = applied_revisions(inquiry.evidence["migrations"], inquiry.evidence["version_tables"])
    old = _long_ago(inquiry)
    bodies = [row for row in hits if body_of(row, up)]
    hits = [row for row in hits if row["revision"] not in old and row not in bodies]
    lines = {(row["path"], row["line"]) for row in rows(inquiry.evidence["code_hits"])}
    bodies = [row for row in bodies if (row["path"], row["line"]) not in lines]  # else code_hits tell who calls it
    if bodies and not found.get("code_of_routine", (False,))[0]:
        where = f"{bodies[0]['path']}:{bodies[0]['line']}"
        says = f"{where} (routine, which a migration creates) would do it: {(bodies[0]['text'] or '')[:120]}"
        found["code_of_routine"] = (True, says, where)
    if hits:
        applied = [row for row in hits if row["revision"] in run]
        first = (applied or hits)[0]
        where = f"{first['path']}:{first['line']}"
        told = "the database says that it ran" if applied else (
            "nothing says that it ran" if not run else "the database says that it did not run")  # fmt: skip
        says = f"{where} would run {first['operation']} on {first['object']}; {told}"
        found["statement_in_migration"] = (bool(applied) or not run, says, where)
        return found
    back = _downgrades(group, inquiry, wanted, short)
    if back:
        where = f"{back[0]['path']}:{back[0]['line']}"
        says = f"{where} would run {back[0]['operation']} on {back[0]['object']} if that migration were taken back"
        found["statement_in_downgrade"] = (True, says, where)
        return found | _taken_back(back, group, inquiry)
    if hiding := _hiding(up, run, group, inquiry):
        return found | {"hiding_in_migration": hiding}  # it removes no row and is what did it all the same
    unread = [row for row in up if row["operation"] in ("dynamic", "unparsed") or row["object"] == HOLE]
    if not unread:  # what a migration builds at run time may be anything
        count = len(inquiry.evidence["migrations"])
        which = f"none of {count} migrations removes" if count != 1 else "the only migration does not remove"
        says = f"{which} rows of {group.name}'s tables"
        found["migrations_harmless"] = (True, says, "migrations")
    return found


def _without_migrations(found: dict[str, Sign], group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """What it means that no file of the repository was known for a migration.

    Where a tool notes in this database what it ran, its scripts lie somewhere: most probably those that bear numbers.
    """
    names = (schemas.qualified(row["schema"], row["name"]) for row in rows(inquiry.evidence["relations"]))
    noted = next((name for name in names if notes_versions(name)), None)
    scripts = [row for row in _reaching(group, inquiry) if _vehicle(row) == "script"]
    if noted is None or not scripts:  # every file of SQL was read: one that does it would be known for a script
        return found | {"without_migrations": (True, "the repository holds no migration", "repository")}
    numbered = [row for row in scripts if _NUMBERED.search(row["path"] or "")]
    if not numbered:
        return found
    where = f"{numbered[0]['path']}:{numbered[0]['line']}"
    says = f"{where}, a numbered script as the tool runs them that notes them in {noted}, would run "
    says += f"{numbered[0]['operation']} on {numbered[0]['object']}; nothing says that it ran"
    for rank in RANKS:  # it is one file, whatever starts it
        found.pop(f"{rank}code_of_script", None)
    return found | {"statement_in_migration": (True, says, where)}


def _hiding(up: Sequence[dict], run: Collection[str], group: Group, inquiry: Inquiry) -> Sign | None:
    """The line of a migration that puts rows of a hidden group out of sight; None where none would, or none ran."""
    if group.mechanism != "hidden":
        return None
    lines = [row for row in up if sql.lost_by(row) == "visibility" and _out_of_sight(row, group, inquiry)]
    applied = [row for row in lines if row["revision"] in run]
    if not applied and (run or not lines):
        return None
    first = (applied or lines)[0]
    where = f"{first['path']}:{first['line']}"
    told = "the database says that it ran" if applied else "nothing says whether it ran"
    deed = f"{first['operation'].replace('_', ' ')} on {first['object']}"
    return True, f"{where} puts rows out of sight ({deed}); {told}", where


def _out_of_sight(row: dict, group: Group, inquiry: Inquiry) -> bool:
    """Whether what hides rows is on a table of the group, on its schema, or on where names are looked for."""
    written = row["object"] or ""
    if row["operation"] == "set_search_path":
        return written in {inquiry.about.app_role, *inquiry.here}
    if row["operation"] in SCHEMAS:
        return written in {schemas.parts(name)[0] for name in group.tables}
    return _named(written, {schemas.parts(name)[1] for name in group.tables})


def _downgrades(group: Group, inquiry: Inquiry, wanted: set[str], short: set[str]) -> list[dict]:
    """Operations that would do it when a migration is taken back: no version table tells that one was."""
    operations = inquiry.evidence["migration_operations"]
    down = rows(operations[operations["direction"] == "down"])
    return [row for row in down if row["operation"] in wanted and _named(row["object"] or "", short)]


def _taken_back(back: Sequence[dict], group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Whether the ways down of migrations that the version table holds no more, or one of them, fit the group.

    Its tables stood, so that their migrations had run: a tool that has no row of them took them back.
    """
    evidence, found = inquiry.evidence, {}
    asked = answered(evidence, "version_tables")
    states = rows(migration_states(evidence["migrations"], evidence["version_tables"], asked))
    gone = {row["revision"] for row in states if row["state"] == "pending" and row["revision"]}
    ways: defaultdict[object, list[dict]] = defaultdict(list)
    for row in back:
        ways[row["revision"] or row["path"]].append(row)
    taken = [row for row in back if row["revision"] in gone]
    if taken and len(evidence["version_tables"]):
        where = f"{taken[0]['path']}:{taken[0]['line']}"
        says = f"{where} would run {taken[0]['operation']} on {taken[0]['object']}, and the database says of this "
        says += "migration, which had made it, that it has not run: it was taken back"
        found["migration_taken_back"] = (True, says, where)
    roots = {schemas.parts(name)[1] for name in group.roots or group.tables}
    exact = [way for way in (taken, *ways.values()) if _all_named(way, inquiry) == roots]
    if exact and len(roots) > 1:
        where = f"{exact[0][0]['path']}:{exact[0][0]['line']}"
        says = f"what {where} does when it is taken back names exactly the {len(roots)} tables that went"
        found["exact_statement_in_downgrade"] = (True, says, where)
    return found


def _all_named(way: Sequence[dict], inquiry: Inquiry) -> set[str]:
    """Every table that the ways down of these rows' files drop or empty, those that were spared too."""
    operations = inquiry.evidence["migration_operations"]
    kinds, paths = {row["operation"] for row in way}, {(row["path"], row["revision"]) for row in way}
    down = rows(operations[(operations["direction"] == "down") & operations["object"].notna()])
    return {schemas.parts(row["object"])[1] for row in down
            if row["operation"] in kinds and (row["path"], row["revision"]) in paths}  # fmt: skip


def _named(written: str, short: set[str]) -> bool:
    """Whether a written name is one of these tables', or can be one where it is put together at run time."""
    bare = schemas.parts(written)[1]
    return bare in short or bool(fitting(bare, short))


def _long_ago(inquiry: Inquiry) -> set[str]:
    """Revisions that ran more than a day before the window began; tools write their times in any zone."""
    begin = inquiry.about.window_start
    states = migration_states(inquiry.evidence["migrations"], inquiry.evidence["version_tables"])
    return {
        row["revision"] for row in rows(states)
        if begin is not None and row["applied_at"] is not None and row["applied_at"] < begin - A_DAY
    }  # fmt: skip


def _code(group: Group, inquiry: Inquiry) -> dict[str, Sign]:
    """Lines outside the migrations that reach a root of the group, by the vehicle that would run them."""
    hits = inquiry.evidence["code_hits"]
    if not len(hits):
        return {}
    reaching = _reaching(group, inquiry)
    routines = [f"{row['path']}:{row['line']}" for row in reaching if _vehicle(row) == "routine"]
    inside = f" itself, but a routine does: {routines[0]}" if routines else ""
    done = matching(group, inquiry)
    small, chain = took_least(done), series(done[0], inquiry.scene) if done else None
    found: dict[str, Sign] = {}
    for row in (each for each in reaching if _vehicle(each) == "migrator"):
        where = f"{row['path']}:{row['line']}"
        says = f"{where} starts a migration tool that may do it: {(row['text'] or '')[:120]}"
        found.setdefault("code_of_migrator", (True, says, where))
    for row in (each for each in reaching if _vehicle(each) == "restorer"):
        where = f"{row['path']}:{row['line']}"
        when = f", {row['schedule']}" if row["schedule"] else ""
        says = f"{where} ({row['vehicle'].replace('_', ' ')}{when}) puts a dump back over what stands: "
        found.setdefault("code_of_restore", (True, says + (row["text"] or "")[:120], where))
    for vehicle in VEHICLES:
        words = vehicle.replace("_", " ")
        mine = sorted((row for row in reaching if _vehicle(row) == vehicle), key=lambda row: row["object"] is None)
        if not mine and vehicle == "worker":
            continue  # most repositories have none
        if mine and all(_of_one_row(row, group, inquiry) for row in mine):
            continue  # it may have run as often as it will: that takes no rows by the hundred
        if not mine:
            found[f"code_of_{vehicle}"] = (
                False,
                f"code of the repository ({words}): none would do it{inside}",
                "repository",
            )
            continue
        verbatim = [row for row in _verbatim(mine, inquiry) if wording(row["text"]) not in small]
        exact = _exact(mine, group, chain.tables if chain else (), hits)
        best = (verbatim or exact or mine)[0]
        where = f"{best['path']}:{best['line']}"
        others = sorted({row["line"] for row in exact} - {best["line"]}) if not verbatim else []
        told = f", with lines {', '.join(map(str, others))} of that file" if others else ""
        does = "holds the very statement that was seen" if verbatim else f"would do it{told}"
        says = f"{where} ({words}) {does}: {(best['text'] or '')[:120]}"
        rank = "verbatim_" if verbatim else "exact_" if exact else ""
        found[f"{rank}code_of_{vehicle}"] = (True, says, where)
    return found


def _of_one_row(row: dict, group: Group, inquiry: Inquiry) -> bool:
    """Whether a line deletes by the primary key, one row a call, of a table that lost many."""
    told = _BY_KEY.search(row["text"] or "")
    if told is None or row["operation"] != "delete" or group.mechanism != "delete":
        return False
    names = [
        name for name in group.roots or group.tables if schemas.parts(name)[1] == schemas.parts(row["object"] or "")[1]
    ]
    keys = inquiry.evidence["constraints"]
    keys = keys[keys["kind"] == "primary_key"]
    of = {each["table_oid"]: each["columns"] for each in rows(keys)}
    own = [inquiry.tables[name] for name in names if name in inquiry.tables]
    many = all((table.balance["deletes"] or 0) >= MANY_ROWS for table in own)
    return (
        bool(own) and many and all(of.get(table.oid) == (told[1],) and table.oid not in trees(inquiry) for table in own)
    )


def _vehicle(row: dict) -> str:
    """What runs a line: what a schedule starts, or what lies among the jobs or the tasks of workers, is a job.

    What puts a dump back is a restore, whatever starts it.
    """
    if row["kind"] == "tool" and PUTS_BACK.search(row["text"] or ""):
        return "restorer"
    among = {"script": JOB_FOLDERS, "application": TASK_FILES}.get(row["vehicle"])
    if among is not None and (row["schedule"] or among.search(row["path"] or "")):
        return "scheduled_job"
    if row["vehicle"] == "script" and row["kind"] == "tool" and MIGRATES.search(row["text"] or ""):
        return "migrator"
    if row["vehicle"] == "application" and kinds(PurePosixPath(row["path"] or "").stem) & {"worker", "job"}:
        return "worker"  # a part of the application, or what a schedule starts
    # A routine is called by whoever may: the file that creates it is no script that does it.
    return "routine" if row["vehicle"] == "script" and in_routine(row) else row["vehicle"]


def _reaching(group: Group, inquiry: Inquiry) -> list[dict]:
    """Lines that would do it to a root of the group, without those that did not run though it would have shown."""
    targets = set(group.roots or group.tables)
    short = {schemas.parts(name)[1] for name in targets}
    wanted = set(STATEMENTS.get(group.mechanism, REMOVES_ROWS))
    known = _held_against(inquiry)
    found, hits = [], rows(inquiry.evidence["code_hits"])
    otherwise, elsewhere = belied(hits, group, inquiry), _partitions_elsewhere(hits, group, inquiry)
    for row in hits:
        if (row["path"], row["line"]) in otherwise or (row["path"] in elsewhere and row["object"] == HOLE):
            continue
        only = set(_ONLY_SCHEMA.findall(row["text"] or "")) if row["kind"] == "tool" else set()
        if only and not only & {schemas.parts(name)[0] for name in targets}:
            continue
        ran, reached = known.get((row["path"], row["line"], row["operation"], row["object"]), ("", ()))
        # An object that is put together at run time may be any of them.
        built = row["object"] is None or HOLE in row["object"]
        named = built or schemas.parts(row["object"])[1] in short or bool(targets & set(reached))
        named = named or (row["operation"] in SCHEMAS and row["object"] in {schemas.parts(name)[0] for name in targets})
        does = row["operation"] in wanted or (row["operation"] in REMOVES_ROWS and row["loses"] == "rows")
        does = does and not (group.mechanism in MADE_ANEW and row["operation"] in ("truncate", "delete"))
        if built and row["operation"].startswith("drop_") and group.mechanism in STANDING:
            continue  # what drops every table cannot have left this one
        # Every failure is in the log, and where what succeeds is not, one says nothing of the other runs.
        unrun = ran in UNRUN or (ran == "failed" and inquiry.scene.visible.statements)
        if (does and named and not (reached and unrun)) or _built(row, group.mechanism):
            found.append(row)
    return found


def _partitions_elsewhere(hits: Sequence[dict], group: Group, inquiry: Inquiry) -> set[str]:
    """Files that take partitions off tables of this database which are none of the group.

    A name that such a file puts together at run time is that of one of those partitions.
    """
    parents = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(inquiry.evidence["relations"])}
    own = {*group.tables, *group.roots}
    own |= {parents.get(inquiry.tables[name].relation["parent_oid"], "") for name in own if name in inquiry.tables}
    of: defaultdict[str, set[str]] = defaultdict(set)
    for row in hits:
        if row["operation"] == "detach_partition" and row["object"] == HOLE:
            written = _DETACHES.search(row["text"] or "")
            of[row["path"]].add(written[1].replace('"', "") if written else "")
    short, here = {schemas.parts(name)[1] for name in own}, {schemas.parts(name)[1] for name in parents.values()}

    def is_elsewhere(written: str) -> bool:
        bare = schemas.parts(written)[1]
        # A partition that is gone has no parent in the catalogue any more; it is named after it as a rule.
        return bare in here and not any(name.startswith(bare) for name in short)

    return {path for path, named in of.items() if all(map(is_elsewhere, named))}


def told_to_restart(group: Group, inquiry: Inquiry) -> bool:
    """Whether a line that would do it says RESTART IDENTITY: then no habit of tests shows in the sequences."""
    return any(restarts(row) for row in _reaching(group, inquiry))


def _held_against(inquiry: Inquiry) -> dict[tuple, tuple[str, tuple[str, ...]]]:
    """Of each line of the repository, whether it ran and which tables of this database it reaches."""
    lines = () if inquiry.suspects is None else rows(inquiry.suspects)
    return {(row["path"], row["line"], row["operation"], row["object"]): (row["ran"], row["tables"]) for row in lines}


def _verbatim(lines: Sequence[dict], inquiry: Inquiry) -> list[dict]:
    """The lines whose statement was seen in its very words, those left out that anybody would write so."""
    known = _held_against(inquiry)
    ran = (row for row in lines if known.get((row["path"], row["line"], row["operation"], row["object"]),
                                             ("", ()))[0] == "ran")  # fmt: skip
    return [row for row in ran if row["kind"] == "sql" and len((row["text"] or "").split()) >= TELLING_WORDS]


def _built(row: dict, mechanism: str) -> bool:
    """Whether a line builds at run time a statement of this kind, so that it may reach any table."""
    verb = _VERBS.get(mechanism)
    return row["operation"] == "dynamic" and verb is not None and bool(verb.search(row["text"] or ""))


def _exact(lines: Sequence[dict], group: Group, beside: Collection[str], hits: pd.DataFrame) -> list[dict]:
    """The lines that together name all roots of the group, two or more, and no other table: one, or all of one file.

    Those that name just the tables which the same session emptied one after another (``beside``) do as well.
    """
    wholes = [{schemas.parts(name)[1] for name in names} for names in (group.roots, beside) if len(names) > 1]
    if not wholes:
        return []
    places = {(row["path"], row["line"]) for row in lines} | {(row["path"], row["operation"]) for row in lines}
    together: defaultdict[tuple, list[dict]] = defaultdict(list)
    for row in rows(hits[hits["object"].notna() & hits["path"].isin({path for path, _ in places})]):
        for place in ((row["path"], row["line"]), (row["path"], row["operation"])):
            if place in places:
                together[place].append(row)
    named = [found for found in together.values() if {schemas.parts(row["object"])[1] for row in found} in wholes]
    return min(named, key=lambda found: len({row["line"] for row in found}), default=[])
