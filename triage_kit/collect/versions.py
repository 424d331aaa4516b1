"""The version tables of migration tools: which migration the database believes to be at.

They are user tables, so they are read by tuple identifiers like any other. A tool is known by the name of its table
and by its columns, which are the tools' own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from triage_kit.collect import harmless, questions, rows, scope
from triage_kit.collect.asking import OPENING, Inquiry
from triage_kit.collect.questions import Question
from triage_kit.collect.server import Refused, quoted

MOST_ROWS = 5000
MOST_BYTES = harmless.PAGES * 8192


@dataclass(frozen=True)
class Tool:
    """One tool's table: the column that holds the version, a column in front of it, the column of the time.

    told is what to read instead of both, NULL for a row by which nothing has run, where the table has all of needs.
    beside are further columns that a table must have whose name only ends in the tool's, where that says little.
    """

    name: str
    table: str
    version: str
    at: str | None = None
    group: str | None = None
    told: str | None = None
    needs: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[str, ...]:
        """The columns by which a table of another name is known for one of this tool."""
        return tuple(each for each in (self.version, self.group, *self.beside) if each)


# Flyway notes what failed, its baseline, and repeatable scripts, which have no version (its documentation, "Schema
# history table"); Prisma what failed or was said to be rolled back; Liquibase what its preconditions kept from running;
# goose, up to its version 3, each way up and down, and a row 0 that stands for no file. Sqitch has its project in the
# plan, and not in the names of its files.
_FLYWAY = (
    "CASE WHEN r.type::text = 'SCHEMA' OR NOT r.success THEN NULL WHEN r.type::text = 'BASELINE' THEN 'baseline ' || "
    "r.version::text ELSE coalesce(r.version::text, r.script::text) END"
)
_FLYWAY_NEEDS = ("version", "type", "script", "success")
_LIQUIBASE = "CASE WHEN r.exectype::text IN ('EXECUTED', 'RERAN') THEN r.author::text || ' ' || r.id::text END"
_PRISMA = "CASE WHEN r.finished_at IS NOT NULL AND r.rolled_back_at IS NULL THEN r.migration_name::text END"
_GOOSE = (
    "CASE WHEN r.version_id <> 0 AND pg_catalog.last_value(r.is_applied) OVER (PARTITION BY r.version_id ORDER BY r.id "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) THEN r.version_id::text END"
)
# golang-migrate (its FAQ, "What does dirty database mean?"): the number is written before the file is sent, as dirty
# until all of it has run.
_MIGRATE = "CASE WHEN r.dirty THEN 'dirty ' ELSE '' END || r.version::text"
# Play keeps an evolution that failed half-way as applying_up or applying_down.
_PLAY = "CASE WHEN r.state::text = 'applied' THEN r.id::text END"
_GOOSE_NEEDS = ("version_id", "is_applied", "id")


TOOLS = (
    Tool("alembic", "alembic_version", "version_num"),
    Tool("django", "django_migrations", "name", "applied", "app"),
    Tool("flyway", "flyway_schema_history", "version", "installed_on", None, _FLYWAY, _FLYWAY_NEEDS),
    Tool("flyway", "schema_version", "version", "installed_on", None, _FLYWAY, _FLYWAY_NEEDS, ("script", "checksum")),
    Tool("liquibase", "databasechangelog", "id", "dateexecuted", "author", _LIQUIBASE, ("exectype", "author", "id")),
    # Rails, dbmate, golang-migrate, Ecto
    Tool("schema_migrations", "schema_migrations", "version", "inserted_at", None, _MIGRATE, ("version", "dirty")),
    Tool("goose", "goose_db_version", "version_id", "tstamp", None, _GOOSE, _GOOSE_NEEDS),
    Tool(
        "prisma",
        "_prisma_migrations",
        "migration_name",
        "finished_at",
        None,
        _PRISMA,
        ("finished_at", "rolled_back_at"),
    ),
    Tool(
        "sqitch",
        "changes",
        "change",
        "committed_at",
        "project",
        "r.change::text",
        ("change",),
        ("change_id", "planner_name"),
    ),
    Tool("knex", "knex_migrations", "name", "migration_time", beside=("batch",)),
    Tool("sequelize", "SequelizeMeta", "name"),
    Tool("entity framework", "__EFMigrationsHistory", "MigrationId", beside=("ProductVersion",)),
    Tool("doctrine", "doctrine_migration_versions", "version", "executed_at", beside=("execution_time",)),
    Tool(
        "doctrine", "migration_versions", "version", "executed_at", beside=("executed_at",)
    ),  # its name before DoctrineMigrationsBundle 3
    Tool("phinx", "phinxlog", "version", "end_time", beside=("migration_name", "breakpoint")),
    Tool("play", "play_evolutions", "id", "applied_at", None, _PLAY, ("id", "state"), ("apply_script", "hash")),
    Tool("yoyo", "_yoyo_migration", "migration_id", "applied_at_utc"),
    Tool("diesel", "__diesel_schema_migrations", "version", "run_on"),
    Tool("sqlx", "_sqlx_migrations", "version", "installed_on"),
    Tool("node-pg-migrate", "pgmigrations", "name", "run_on"),
    Tool("refinery", "refinery_schema_history", "version", "applied_on"),
    Tool("laravel", "migrations", "migration", beside=("batch",)),
    Tool("yii", "migration", "version", beside=("apply_time",)),
    Tool("typeorm", "migrations", "name", beside=("timestamp",)),
    Tool("drizzle", "__drizzle_migrations", "hash", beside=("created_at",)),
    Tool("atlas", "atlas_schema_revisions", "version", "executed_at", beside=("applied", "total")),
)


Look = Callable[[Inquiry, Tool, dict], list[dict]]


def read(inquiry: Inquiry, question: Question, look: Look | None = None) -> tuple[str, list[dict]]:
    """Variant and rows of ``version_tables``, from every such table that may be read and is small.

    ``look`` gives version and applied_at of one table; by default it is read by tuple identifiers.
    """
    variant, sql = questions.load(question.name, inquiry.version_num)
    names = sorted({tool.table for tool in TOOLS})
    there = inquiry.session.read(sql, {"names": names, "locked": sorted(scope.locked(inquiry.session))}, OPENING)
    kept: list[dict] = []
    refused: list[str] = []
    for table in there:
        tool = _tool(table)
        if tool is None:
            continue
        try:
            _may_be_read(inquiry, tool, table)
            found = (look or _look)(inquiry, tool, table)
            kept += [
                row | {"tool": tool.name, "schema": table["schema"], "table": table["table"]}
                for row in found
                if row["version"]
            ]
        except Refused as error:
            refused.append(f"{table['schema']}.{table['table']}: {error}")
    if refused and not kept:
        raise Refused("; ".join(refused), "refused", None)
    return variant, kept


def _tool(table: dict) -> Tool | None:
    """The tool whose table has this name, or one that ends in it, and the columns that tell its version."""
    there = set(table["columns"])
    for tool in TOOLS:
        named = tool.table == table["table"] and {tool.version, tool.group} - {None} <= there
        if named or (table["table"].endswith(f"_{tool.table}") and set(tool.shape) <= there):
            return tool
    return None


def _may_be_read(inquiry: Inquiry, tool: Tool, table: dict) -> None:
    if not table["readable"]:
        raise Refused(f"role {inquiry.role!r} may not read it, or not all of its rows", "refused", None)
    if table["bytes"] is None or table["oid"] in scope.locked(inquiry.session):
        raise Refused("locked by ACCESS EXCLUSIVE", "skipped", None)
    if strange := {tool.version, tool.group} - {None} - set(table["plain"]):
        reason = f"column {min(strange)} is of a type that users made: reading it as text may run their function"
        raise Refused(reason, "skipped", None)
    if table["bytes"] > MOST_BYTES:
        raise Refused("too large for a version table", "skipped", None)
    if table["code"]:
        raise Refused(rows.CALLS.format(table["code"], inquiry.role), "skipped", None)


def _look(inquiry: Inquiry, tool: Tool, table: dict) -> list[dict]:
    version = f"r.{quoted(tool.version)}::text"
    if tool.told and set(tool.needs) <= set(table["plain"]):
        version = tool.told
    elif tool.group:
        version = f"r.{quoted(tool.group)}::text || ' ' || {version}"
    at = f"r.{quoted(tool.at)}" if tool.at in table["instants"] else "NULL::timestamptz"
    query = (
        f"SELECT pg_catalog.left({version}, 300) AS version, {at} AS applied_at "  # noqa: S608 names are quoted
        f"FROM ONLY {quoted(table['schema'], table['table'])} AS r WHERE {harmless.EVERY_PLACE} "
        f"ORDER BY 2, 1 LIMIT {MOST_ROWS}"
    )
    return harmless.read(inquiry.session, query.replace("%", "%%"), [table["oid"]], OPENING)
