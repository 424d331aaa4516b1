"""One rebuilt incident seen with different eyes: what each view may read, and what has happened to the server since."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from psycopg import sql

from triage_kit import case as cases
from triage_kit.collect import collect
from triage_kit.lab import demo
from triage_kit.lab.incidents.base import MONITOR, VISITOR, Incident
from triage_kit.lab.server import Server

VIEWS = {
    "everything": "superuser; log_statement = mod, commit timestamps and pg_stat_statements were on",
    "pg_monitor": "a member of pg_monitor, the log at the server's own settings",
    "plain": "a role with no right but to connect, the log at the server's own settings",
    "no_log": "the plain role without the log",
    "restart": "pg_monitor, after a clean restart",
    "crash": "pg_monitor, after an immediate shutdown, which loses every counter",
    "vacuum": "pg_monitor, after VACUUM of the whole database",
    "day_later": "pg_monitor, after VACUUM and a further day of traffic",
    "bundle": "the sealed bundle alone, opened elsewhere",
    "stats_csv": "a CSV of pg_stat_user_tables with counted rows, and the schema dump",
}
LOGGED = {
    "log_statement": "mod",
    "track_commit_timestamp": True,
    "shared_preload_libraries": "pg_stat_statements",
    "log_checkpoints": True,
    "log_autovacuum_min_duration": 0,
}
STATISTICS = (
    "SELECT schemaname, relname, n_tup_ins, n_tup_upd, n_tup_del, n_live_tup, n_dead_tup, n_mod_since_analyze, "
    "last_vacuum, last_autovacuum, last_analyze, last_autoanalyze FROM pg_stat_user_tables ORDER BY 1, 2"
)
Rows = dict[str, int]


class Look(NamedTuple):
    """A collected case: which view it is, its folder, and the rows that stood in each table then."""

    view: str
    folder: Path
    rows: Rows


def looks(incident: Incident, binaries: Path, work: Path, wanted: set[str]) -> Iterator[Look]:
    """Every wanted view of the incident, collected one after the other on at most two servers."""
    wanted = {view for view in wanted if incident.views.get(view, {}) is not None}
    if "everything" in wanted:
        settings = {**incident.settings, **LOGGED}
        with Server(settings, binaries=binaries) as server:
            scene = _rebuild(incident, server, work / "logged")
            yield _look(scene, "everything", "postgres")
    if wanted - {"everything"}:
        with Server(incident.settings, binaries=binaries) as server:
            scene = _rebuild(incident, server, work / "own")
            yield from _without_help(scene, wanted)


class _Scene(NamedTuple):
    incident: Incident
    server: Server
    folder: Path
    keys: dict

    @property
    def database(self) -> str:
        return self.keys["database"]["name"]


def _rebuild(incident: Incident, server: Server, folder: Path) -> _Scene:
    folder.mkdir(parents=True)
    scene = _Scene(incident, server, folder, incident.build(server, folder))
    _extension(scene)
    return scene


def _extension(scene: _Scene) -> None:
    """pg_stat_statements as a view of the database, where the library was loaded and the incident made none."""
    loaded = "pg_stat_statements" in str(scene.server.settings.get("shared_preload_libraries", ""))
    if not loaded:
        return
    with scene.server.connect(scene.database) as connection:
        row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        if row == (False,):
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _without_help(scene: _Scene, wanted: set[str]) -> Iterator[Look]:
    """The views at the server's own settings; each that changes the server starts from the same stopped state."""
    server = scene.server
    still = [("pg_monitor", MONITOR, ()), ("plain", VISITOR, ()), ("no_log", VISITOR, ("logs",))]
    seen = [_look(scene, view, role, without) for view, role, without in still if view in wanted]
    if "bundle" in wanted:
        seen.append(_elsewhere(scene, seen))
    statistics = _csv(server, scene.database, STATISTICS) if "stats_csv" in wanted else ""
    kept = server.folder / "kept"
    server.stop()
    server.keep(kept)
    server.start()
    if "restart" in wanted:
        seen.append(_look(scene, "restart", MONITOR))
    rows = _counted(server, scene.database)  # after the views that a count would disturb
    yield from (look._replace(rows=rows) for look in seen)
    if "stats_csv" in wanted:
        yield _from_csv(scene, statistics, rows)
    if "crash" in wanted:
        server.kill()
        server.start()
        yield _look(scene, "crash", MONITOR)._replace(rows=_counted(server, scene.database))
    if wanted & {"vacuum", "day_later"}:
        yield from _later(scene, kept, wanted, rows)


def _later(scene: _Scene, kept: Path, wanted: set[str], rows: Rows) -> Iterator[Look]:
    server = scene.server
    server.stop()
    server.put_back(kept)
    server.start()
    with server.connect(scene.database) as connection:
        connection.execute("VACUUM")
    if "vacuum" in wanted:
        yield _look(scene, "vacuum", MONITOR)._replace(rows=rows)
    if "day_later" in wanted and scene.incident.later is not None:
        scene.incident.later(server)
        yield _look(scene, "day_later", MONITOR)._replace(rows=_counted(server, scene.database))


def _look(scene: _Scene, view: str, role: str, without: tuple[str, ...] = ()) -> Look:
    folder = scene.folder.parent / view
    shutil.copytree(scene.folder, folder, symlinks=True)
    demo.write_case(folder, scene.incident, scene.keys, scene.server, role, without)
    collect(cases.load(folder))
    return Look(view, folder, _counted(scene.server, scene.database) if view == "everything" else {})


def _elsewhere(scene: _Scene, seen: list[Look]) -> Look:
    """Nothing but a sealed bundle, moved to another place."""
    base = next((look for look in seen if look.view == "pg_monitor"), None) or _look(scene, "pg_monitor", MONITOR)
    folder = scene.folder.parent / "elsewhere"
    shutil.copytree(base.folder / "evidence", folder / "evidence")
    return Look("bundle", folder, {})


def _from_csv(scene: _Scene, statistics: str, rows: Rows) -> Look:
    """What people without a login have: numbers out of a screen and a dump of the schema."""
    folder = scene.folder.parent / "stats_csv"
    folder.mkdir()
    lines = list(csv.reader(io.StringIO(statistics)))
    told = [[*line, rows.get(f"{line[0]}.{line[1]}", "")] for line in lines[1:]]
    with (folder / "stats.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([[*lines[0], "rows"], *told])
    (folder / "schema.sql").write_text(dump(scene.server, scene.database, scene.keys["database"]["schemas"]), "utf-8")
    keys = {**scene.keys, "statistics": "stats.csv", "schema_dump": "schema.sql"}
    demo.write_case(folder, scene.incident, keys, scene.server, "postgres", ("database", "logs", *LEFT_OUT))
    collect(cases.load(folder))
    return Look("stats_csv", folder, rows)


LEFT_OUT = ("repository", "migrations", "containers", "backups", "baseline", "wal", "data_directory")


def _csv(server: Server, database: str, query: str) -> str:
    command = sql.SQL("COPY ({}) TO STDOUT WITH (FORMAT csv, HEADER)").format(sql.SQL(query))
    with server.connect(database) as connection, connection.cursor() as cursor, cursor.copy(command) as copy:
        return b"".join(bytes(block) for block in copy).decode()


def _counted(server: Server, database: str) -> Rows:
    """Rows of every ordinary table by ``schema.name``, counted by the superuser."""
    names = (
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_|^information_schema$'"
    )
    found = {}
    with server.connect(database) as connection:
        for schema, table in connection.execute(names).fetchall():
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, table))
            row = connection.execute(count).fetchone()
            found[f"{schema}.{table}"] = row[0] if row else 0
    return found


COLUMNS = (
    "SELECT n.nspname, c.relname, array_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) || "
    "CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END ORDER BY a.attnum) "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped "
    "GROUP BY 1, 2 ORDER BY 1, 2"
)
KEYS = (
    "SELECT n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k "
    "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = ANY (%s) AND k.contype IN ('p', 'u', 'f') AND k.conparentid = 0 "
    "ORDER BY k.contype = 'f', 1, 2, 3"
)


def dump(server: Server, database: str, schemas: list[str]) -> str:
    """Tables and keys of the schemas as ``pg_dump --schema-only`` writes them, for servers that come without it."""
    with server.connect(database) as connection:
        tables = connection.execute(COLUMNS, (schemas,)).fetchall()
        keys = connection.execute(KEYS, (schemas,)).fetchall()
        text = ["--\n-- PostgreSQL database dump\n--\n"]
        for schema in schemas:
            text.append(sql.SQL("CREATE SCHEMA {};\n").format(sql.Identifier(schema)).as_string(connection))
        for schema, table, columns in tables:
            name = sql.Identifier(schema, table).as_string(connection)
            text.append(f"CREATE TABLE {name} (\n    " + ",\n    ".join(columns) + "\n);\n")
        for schema, table, key, definition in keys:
            name = sql.Identifier(schema, table).as_string(connection)
            quoted = sql.Identifier(key).as_string(connection)
            text.append(f"ALTER TABLE ONLY {name}\n    ADD CONSTRAINT {quoted} {definition};\n")
    return "\n".join(text)
