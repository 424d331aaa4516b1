"""Which migrations of the repository the database says it has run, and which it has run that the repository lacks.

Tools write their version in ways of their own: as the file's number, its whole name, its folder, or its hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import first, rows

A_DAY = pd.Timedelta(hours=26)  # tools write their times in any zone
# As the tools name their own tables by their documentation.
VERSION_TABLES = re.compile(
    r"(?i)alembic_version\w*|schema_migrations?|ar_internal_metadata|data_migrations|django_migrations|schema_version|"
    r"flyway_schema_history|databasechangelog(lock)?|_prisma_migrations|knex_migrations(_lock)?|sequelizemeta|migrations|"
    r"typeorm_migrations|goose_db_version|__efmigrationshistory|phinxlog|doctrine_migration_versions|__drizzle_migrations|"
    r"_sqlx_migrations|__diesel_schema_migrations|atlas_schema_revisions|schemaversions|scriptsrun(errors)?|versioninfo|"
    r"pgmigrations|seaql_migrations|_fluent_migrations|_?yoyo_(migrations?|log|version|lock)|aerich|gorp_migrations|"
    r"refinery_schema_history|mikro_orm_migrations|schema_info|migration_versions|propel_migration|play_evolutions(_lock)?|"
    # names that say enough to be known behind a word of the project's own (Rails, Django, Doctrine, Flyway settings)
    r"\w+_(alembic_version|schema_migrations|flyway_schema_history|databasechangelog(lock)?|phinxlog|play_evolutions|"
    r"doctrine_migration_versions|migration_versions|goose_db_version|knex_migrations(_lock)?)"
)
# Sqitch documentation, sqitchtutorial: it notes what ran in tables of a schema of its own, whose names say nothing.
_REGISTRY = re.compile(r"(?i)sqitch\.(?:changes|dependencies|events|projects|releases|tags)")
# A table of this tool may belong to migrations of these; any other tool only to its own.
_SHARED = {
    "schema_migrations": {"rails", "dbmate", "golang-migrate", "supabase", "sql", "ecto"},
    "typeorm": {"typeorm"},
    "laravel": {"laravel"},
    "play": {"play", "sql"},
}

# Where a tool keeps the way back of a migration in a file of its own, both bear one version.
_WAY_BACK = re.compile(
    r"(?i)(?:^|/)(?:U\d[\d._]*__[^/]*|[^/]*[._-](?:down|undo|rollback|revert)\.sql|down\.sql)\Z|(?:^|/)revert/"
)


def notes_versions(name: str) -> bool:
    """Whether a table, by its qualified or its bare name, is one in which a migration tool notes what ran.

    >>> [notes_versions(f"public.{name}") for name in ("schema_migrations", "schemaversions", "ScriptsRun", "versions")]
    [True, True, True, False]
    >>> notes_versions("sqitch.events"), notes_versions("shop.events"), notes_versions("web.shop_schema_migrations")
    (True, False, True)
    """
    return bool(VERSION_TABLES.fullmatch(schemas.parts(name)[1]) or _REGISTRY.fullmatch(name))


def applied_revisions(migrations: pd.DataFrame, version_tables: pd.DataFrame) -> set[str]:
    """Revisions that a version table holds, with all that they build upon; empty when no version table was read.

    Alembic keeps only its heads, so their ancestors are followed through ``parents``; golang-migrate keeps only its
    newest number, and all below it have run. The tools that keep a row a migration need no walk.
    """
    return set(_applied(migrations, version_tables))


def migration_states(migrations: pd.DataFrame, version_tables: pd.DataFrame, asked: bool = True) -> pd.DataFrame:
    """Table ``migration_states``: each migration applied, pending or unknown, and versions that no file explains.

    asked says whether version tables were read at all: without that nothing is known of any migration. The version
    that is noted tells of the way forward alone: of a file that takes it back no table says whether it ran.

    >>> both = [{"path": f"m/0001_a.{way}.sql", "tool": "golang-migrate", "revision": "1"} for way in ("up", "down")]
    >>> noted = schemas.frame("version_tables", [{"tool": "schema_migrations", "version": "1"}])
    >>> list(migration_states(schemas.frame("migrations", both), noted)["state"])
    ['applied', 'way_back']
    """
    found = _applied(migrations, version_tables)
    tools = {row["tool"] for row in rows(version_tables)}
    noted = [_DIRTY.fullmatch(row["version"] or "") for row in rows(version_tables)]
    dirty = {spelt for each in noted if each for spelt in _spellings(each["version"])}
    parents = {parent for row in rows(migrations) for parent in row["parents"]}
    told = []
    for row in rows(migrations):
        back = bool(_WAY_BACK.search(row["path"] or ""))
        run = row["revision"] in found and not back
        schema_file = (row["path"] or "").endswith("/structure.sql")  # the whole schema, which no version stands for
        begun = row["tool"] == "golang-migrate" and bool(_spellings(row["revision"]) & dirty)
        known = asked and not schema_file and not begun and any(_belongs(row["tool"], tool) for tool in tools)
        told.append(
            {
                "path": row["path"],
                "tool": row["tool"],
                "revision": row["revision"],
                "state": "way_back" if back else "applied" if run else "pending" if known else "unknown",
                "applied_at": found.get(row["revision"]) if run else None,
                "is_head": row["revision"] not in parents if row["tool"] in ("alembic", "django") else None,
            }
        )
    told += _absent(migrations, version_tables)
    return schemas.frame("migration_states", told)


def rebuilt(evidence: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Tables that a migration drops or moves away and whose name it gives to another one: name to path and line.

    SQLite's way of altering a table, which tools and people use elsewhere too. One that is known not to have run, or to
    have run long before the window, is left out.
    """
    begin = first(evidence["incident"]).get("window_start")
    states = migration_states(evidence["migrations"], evidence["version_tables"])
    unrun = {
        (row["path"], row["revision"]) for row in rows(states)
        if row["state"] == "pending"
        or (begin is not None and row["applied_at"] is not None and row["applied_at"] < begin - A_DAY)
    }  # fmt: skip
    operations = [
        row for row in rows(evidence["migration_operations"])
        if row["direction"] != "down" and row["object"] and (row["path"], row["revision"]) not in unrun
    ]  # fmt: skip
    taken = {(row["path"], _bare(row["object"])) for row in operations
             if row["operation"] in ("drop_table", "rename_table")}  # fmt: skip
    given = [row for row in operations if row["operation"] == "rename_table" and row["renamed"]]
    return {
        _bare(row["renamed"]): f"{row['path']}:{row['line']}" for row in given
        if (row["path"], _bare(row["renamed"])) in taken and _bare(row["renamed"]) != _bare(row["object"])
    }  # fmt: skip


def _bare(written: str) -> str:
    return schemas.parts(written)[1].lower()


def standing(states: pd.DataFrame) -> str:
    """How far the database has got, in words: what ran, what did not, what no file explains, and the heads of Alembic.

    >>> row = {"path": "v/b.py", "tool": "alembic", "revision": "b", "state": "pending", "is_head": True}
    >>> first = row | {"path": "v/a.py", "revision": "a", "state": "applied", "is_head": False}
    >>> standing(schemas.frame("migration_states", [first, row]))
    '1 applied, 1 pending (v/b.py); the database is not at head b'
    """
    told = rows(states)
    by_state = {state: [row for row in told if row["state"] == state] for state in ("applied", "pending", "absent")}
    if not any(by_state.values()):
        return "whether they ran is not known: no version table by a name that tools give was read"
    pending = _some([row["path"] for row in by_state["pending"]])
    parts = [f"{len(by_state['applied'])} applied, {len(by_state['pending'])} pending" + (pending and f" ({pending})")]
    if lost := by_state["absent"]:
        parts.append(f"{len(lost)} applied that no file here explains ({_some([row['revision'] for row in lost])})")
    heads = [row for row in told if row["tool"] == "alembic" and row["is_head"]]
    ahead = [row["revision"] for row in heads if row["state"] == "pending"]
    if len(heads) > 1:
        parts.append(f"{len(heads)} branches, which end in {_some([row['revision'] for row in heads])}")
    if heads:
        parts.append(f"the database is not at head {_some(ahead)}" if ahead else "the database is at head")
    return "; ".join(parts)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _absent(migrations: pd.DataFrame, version_tables: pd.DataFrame) -> Iterator[dict]:
    """Versions that were applied and are no file here: another branch's, or a file that was removed since."""
    if not len(migrations):
        return
    by_tool = list(rows(migrations))
    known = {key for row in by_tool for key in _keys(row)}
    for row in rows(version_tables):
        mine = [each for each in by_tool if _belongs(each["tool"], row["tool"])]
        apps = {(each["revision"] or "").split(" ")[0] for each in mine}
        if not row["version"] or _BASELINE.fullmatch(row["version"]) or _DIRTY.fullmatch(row["version"]):
            continue  # a script without a version, of a bundle of an older kit; or what stood there before the tool
        foreign = row["tool"] == "django" and (row["version"] or "").split(" ")[0] not in apps
        if mine and not foreign and not _spellings(row["version"]) & known:
            yield {"tool": row["tool"], "revision": row["version"], "state": "absent", "applied_at": row["applied_at"]}


def _applied(migrations: pd.DataFrame, version_tables: pd.DataFrame) -> dict[str, pd.Timestamp | None]:
    given = list(rows(migrations))
    parents = {row["revision"]: row["parents"] for row in given if row["tool"] in (None, "alembic")}
    by_key: dict[str, list[dict]] = {}
    for row in given:
        for key in _keys(row):
            by_key.setdefault(key, []).append(row)
    found: dict[str, pd.Timestamp | None] = {}
    waiting: list[str] = []
    for version in rows(version_tables):
        for key in _spellings(version["version"]):
            for row in by_key.get(key, []):
                if _belongs(row["tool"], version["tool"]):
                    found.setdefault(row["revision"], version["applied_at"])
                    waiting += [each for each in parents.get(row["revision"], ()) if each in parents]
    while waiting:
        revision = waiting.pop()
        if revision not in found:
            found[revision] = None
            waiting += [each for each in parents.get(revision, ()) if each in parents]
    return found | dict.fromkeys(_below(given, version_tables) - set(found))


# Flyway takes every version up to it for done.
_BASELINE = re.compile(r"baseline (?P<version>\d[\d._]*)")
# golang-migrate has begun this one, up or down, and not ended it: whether it ran is not known, those below it have.
_DIRTY = re.compile(r"dirty (?P<version>\d+)")


def _below(given: list[dict], version_tables: pd.DataFrame) -> set[str]:
    """Revisions of golang-migrate up to the one number of its table, below a dirty one; of Flyway to its baseline."""
    told = (_BASELINE.fullmatch(row["version"] or "") for row in rows(version_tables) if row["tool"] == "flyway")
    baseline = max((_numbers(each["version"]) for each in told if each), default=None)
    if baseline is not None:
        return {
            row["revision"]
            for row in given
            if row["tool"] == "flyway" and re.fullmatch(r"\d[\d._]*", row["revision"] or "")
            and _numbers(row["revision"]) <= baseline
        }  # fmt: skip
    numbers = [row["version"] for row in rows(version_tables) if row["tool"] == "schema_migrations"]
    if len(numbers) != 1:
        return set()
    dirty = _DIRTY.fullmatch(numbers[0] or "")
    if not dirty and not str(numbers[0]).isdecimal():
        return set()
    newest = int(dirty["version"]) - 1 if dirty else int(numbers[0])
    return {
        row["revision"]
        for row in given
        if row["tool"] == "golang-migrate" and str(row["revision"]).isdecimal()
        and int(row["revision"]) <= newest
    }  # fmt: skip


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[._]", version.strip("._")))


def _belongs(tool: str | None, table: str | None) -> bool:
    if tool is None or table is None or tool == table:
        return True
    return tool == "sql" or tool in _SHARED.get(table, ())


def _keys(row: dict) -> set[str]:
    """Every way in which a version table may name the migration of a row."""
    place = PurePosixPath(row["path"] or "")
    keys = _spellings(row["revision"])
    if row["tool"] not in (None, "alembic", "django", "liquibase"):
        keys |= {place.name, place.stem, place.parent.name if place.stem in ("migration", "up", "down") else place.stem}
    if row["tool"] == "typeorm" and (named := re.fullmatch(r"(\d+)-(.+)", place.stem)):
        keys.add(named[2] + named[1])
    return keys | ({row["sha256"]} if row["tool"] == "drizzle" and row.get("sha256") else set())


def _spellings(version: str | None) -> set[str]:
    """A version as it is and, where it is a number, without leading zeros and with dots.

    >>> sorted(_spellings("001_2"))
    ['001_2', '1.2']
    """
    if not version:
        return set()
    if "\\" in version:  # Doctrine writes the class with its namespace
        return {version, version.rsplit("\\", 1)[1]}
    if re.fullmatch(r"\d[\d._]*", version):
        parts = re.split(r"[._]", version.strip("._"))
        return {version, ".".join(part.lstrip("0") or "0" for part in parts)}
    return {version}
