"""Code that users put into the database never runs as the collecting role: an owner of tables would become it.

A superuser who plans a query over somebody's table runs what the owner wrote into it: the planner folds the constant
calls of index expressions, predicates, extended statistics and checks; a cast of a type that the owner made is the
owner's function; and whoever may set the database's search_path can put names and operators in front of the system's.
"""

# ruff: noqa: S608 the statements are the matter of these tests
from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from triage_kit import case as cases
from triage_kit.collect import Collected, address, collect, harmless
from triage_kit.collect.collector import script
from triage_kit.collect.server import Limits, Refused, Session
from triage_kit.lab.server import Server

MARK = "somebody's code ran"
SETUP = """
CREATE ROLE mallory LOGIN;
CREATE SCHEMA lair AUTHORIZATION mallory;
GRANT CREATE ON SCHEMA public TO mallory;
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
GRANT USAGE ON FOREIGN SERVER files TO mallory;
GRANT pg_read_server_files TO mallory;
"""
# A function that a table's owner may write, and that leaves a trace even in a read-only transaction.
SHOUT = """
CREATE FUNCTION lair.shout(what text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN IF current_user <> 'mallory' THEN RAISE WARNING 'somebody''s code ran: % as %', what, current_user; END IF;
RETURN 1; END $$
"""
TABLES = {
    "index_expression": "CREATE TABLE lair.index_expression AS SELECT 1 AS id; "
                        "CREATE INDEX ON lair.index_expression ((id + lair.shout('index expression')))",
    "index_predicate": "CREATE TABLE lair.index_predicate AS SELECT 1 AS id; "
                       "CREATE INDEX ON lair.index_predicate (id) WHERE id > lair.shout('index predicate')",
    "inlined": "CREATE FUNCTION lair.quiet(int) RETURNS int LANGUAGE sql IMMUTABLE AS "
               "$$SELECT $1 + lair.shout('inlined')$$; "
               "CREATE TABLE lair.inlined AS SELECT 1 AS id; CREATE INDEX ON lair.inlined (lair.quiet(id))",
    "operated": "CREATE FUNCTION lair.plus(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS "
                "$$SELECT lair.shout('operated')$$; "
                "CREATE OPERATOR lair.#+# (FUNCTION = lair.plus, LEFTARG = int, RIGHTARG = int); "
                "CREATE TABLE lair.operated AS SELECT 1 AS id; "
                "CREATE INDEX ON lair.operated ((id OPERATOR(lair.#+#) 1))",
    "checked": "CREATE TABLE lair.checked (id int CHECK (id >= lair.shout('check'))); "
               "INSERT INTO lair.checked VALUES (1)",
    "domain": "CREATE DOMAIN lair.small AS int CHECK (VALUE >= lair.shout('domain')); "
              "CREATE TABLE lair.domain (id lair.small DEFAULT lair.shout('default')); "
              "INSERT INTO lair.domain VALUES (1)",
    "stored": "CREATE TABLE lair.stored (id int, more int GENERATED ALWAYS AS (id + lair.shout('generated')) STORED); "
              "INSERT INTO lair.stored VALUES (1)",
    "guarded": "CREATE TABLE lair.guarded AS SELECT 1 AS id; ALTER TABLE lair.guarded ENABLE ROW LEVEL SECURITY; "
               "ALTER TABLE lair.guarded FORCE ROW LEVEL SECURITY; "
               "CREATE POLICY p ON lair.guarded USING (lair.shout('policy') = 1)",
    "parted": "CREATE TABLE lair.parted (id int) PARTITION BY LIST ((id + lair.shout('partition key'))); "
              "CREATE TABLE lair.parted_1 PARTITION OF lair.parted FOR VALUES IN (2); "
              "INSERT INTO lair.parted VALUES (1)",
    "viewed": "CREATE VIEW lair.viewed AS SELECT lair.shout('view') AS id",
    "kept": "CREATE MATERIALIZED VIEW lair.kept AS SELECT lair.shout('materialized view') AS id",
    "ruled": "CREATE TABLE lair.ruled (id int); INSERT INTO lair.ruled VALUES (1); "
             "CREATE RULE r AS ON UPDATE TO lair.ruled DO INSTEAD SELECT lair.shout('rule')",
    "outside": "CREATE FOREIGN TABLE lair.outside (id int) SERVER files OPTIONS (filename '/does/not/exist')",
    "far": "CREATE TABLE lair.far (id int) PARTITION BY LIST (id); "
           "CREATE FOREIGN TABLE lair.far_1 PARTITION OF lair.far FOR VALUES IN (1) SERVER files "
           "OPTIONS (filename '/does/not/exist')",
    "alembic_version": "CREATE TYPE lair.version AS (n int); "
                       "CREATE FUNCTION lair.told(lair.version) RETURNS text LANGUAGE sql AS "
                       "$$SELECT lair.shout('cast')::text$$; "
                       "CREATE CAST (lair.version AS text) WITH FUNCTION lair.told(lair.version); "
                       "CREATE TABLE lair.alembic_version (version_num lair.version); "
                       "INSERT INTO lair.alembic_version VALUES (ROW(1))",
    "databasechangelog": "CREATE TYPE lair.author AS ENUM ('me'); "
                         "CREATE FUNCTION lair.named(lair.author) RETURNS text LANGUAGE sql AS "
                         "$$SELECT lair.shout('enum cast')::text$$; "
                         "CREATE CAST (lair.author AS text) WITH FUNCTION lair.named(lair.author); "
                         "CREATE TABLE lair.databasechangelog (id text, author lair.author, dateexecuted timestamptz); "
                         "INSERT INTO lair.databasechangelog VALUES ('1', 'me')",
    "django_migrations": "CREATE VIEW lair.django_migrations AS SELECT 'a'::text AS name, "
                         "lair.shout('version view')::text AS app, now() AS applied",
}  # fmt: skip
# From 14 on, statistics may be kept of expressions.
STATISTICS = ("CREATE TABLE lair.measured AS SELECT 1 AS id; "
              "CREATE STATISTICS lair.s ON (id + lair.shout('statistics')) FROM lair.measured")  # fmt: skip
# Names and operators in front of the system's, for whoever has the database's own search_path.
SHADOWS = [
    *(f"CREATE FUNCTION lair.{name} RETURNS {kind} LANGUAGE plpgsql IMMUTABLE AS "
      f"$$BEGIN RAISE WARNING 'somebody''s code ran: a shadow'; RETURN {value}; END$$"
      for name, kind, value in (
          ("current_setting(text)", "text", "'180000'"), ("count(int)", "bigint", "7"),
          ("left(text, int)", "text", "''"), ("pg_relation_size(oid)", "bigint", "0"),
          ("clock_timestamp()", "timestamptz", "NULL"), ("pg_is_in_recovery()", "boolean", "false"),
          ("string_to_array(text, text)", "text[]", "NULL"), ("pg_backend_pid()", "int", "0"),
          ("split_part(text, text, int)", "text", "'1'"), ("version()", "text", "'PostgreSQL 18'"),
          ("current_schema()", "name", "'lair'"), ("current_database()", "name", "'postgres'"),
          ("equal(int, int)", "boolean", "true"), ("equal(oid, oid)", "boolean", "true"),
          ("equal(name, name)", "boolean", "true"), ("equal(text, text)", "boolean", "true"),
          ("joined(text, text)", "text", "''"))),
    *(f"CREATE OPERATOR lair.{sign} (FUNCTION = lair.equal, LEFTARG = {kind}, RIGHTARG = {kind})"
      for sign in ("=", ">=", "<=", ">", "<", "<>") for kind in ("int", "oid", "name", "text")),
    "CREATE OPERATOR lair.|| (FUNCTION = lair.joined, LEFTARG = text, RIGHTARG = text)",
    *(f"CREATE VIEW lair.{name} AS SELECT lair.shout('a shadow of {name}') AS oid"
      for name in ("pg_class", "pg_namespace", "pg_settings", "pg_stat_activity", "pg_database", "pg_extension")),
]  # fmt: skip


@pytest.fixture
def lair(server: Server, database: str) -> Iterator[str]:
    """A database full of somebody else's code; its search_path and its planner are set against the collector."""
    with server.connect(database) as connection:
        connection.execute(SETUP)
    major = server.version[0]
    with server.connect(database, role="mallory") as mallory:
        for statement in [SHOUT, *TABLES.values(), *([STATISTICS] if major >= 14 else []), *SHADOWS]:
            mallory.execute(statement)
    with server.connect(database) as connection:
        connection.execute(f"ALTER DATABASE {database} SET search_path = lair, pg_catalog, public")
        connection.execute(f"ALTER DATABASE {database} SET constraint_exclusion = on")
        connection.execute(f"ALTER DATABASE {database} SET row_security = on")
        yield database
        connection.execute("DROP OWNED BY mallory CASCADE; DROP EXTENSION file_fdw CASCADE; DROP ROLE mallory")


def heard(server: Server, start: int) -> list[str]:
    """What somebody's code said since the log had this size."""
    with server.log_file.open(errors="replace") as log:
        log.seek(start)
        return [line for line in log if MARK in line and "WARNING" in line]


def collected(server: Server, database: str, folder: Path, **keys: object) -> Collected:
    return collect(cases.build({"database": {"url": server.url(database)}, **keys}, folder / "case.yaml"))


def test_the_trap_shuts_for_who_counts_plainly(server: Server, lair: str) -> None:
    """The control: an ordinary count by a superuser runs the owner's code."""
    start = server.log_file.stat().st_size
    with server.connect(lair) as connection:
        for table in ("index_expression", "index_predicate", "inlined", "operated", "checked", "viewed"):
            connection.execute(f"SELECT pg_catalog.count(*) FROM lair.{table} WHERE id OPERATOR(pg_catalog.>) 0")
        connection.execute("SELECT version_num::text FROM lair.alembic_version")
        connection.execute("SELECT current_setting('port')")
    said = " ".join(heard(server, start))
    for each in ("index expression", "index predicate", "inlined", "operated", "check", "view", "cast", "a shadow"):
        assert each in said, each


@pytest.mark.parametrize("counting", ["safe", "exact"])
def test_no_code_of_a_user_runs_while_a_superuser_collects(
    server: Server, lair: str, tmp_path: Path, counting: str
) -> None:
    start = server.log_file.stat().st_size
    done = collected(server, lair, tmp_path, counting=counting)
    assert heard(server, start) == []
    counts = done.bundle.table("row_counts").query("schema == 'lair'").set_index("table")
    assert counts["rows"].dropna().to_dict() == dict.fromkeys(
        ("checked", "domain", "stored", "guarded", "parted_1", "kept", "ruled", "alembic_version", "databasechangelog"),
        1,
    )
    for table in ("index_expression", "index_predicate", "inlined", "operated"):
        assert "which belongs to role mallory: planning a count would run it" in counts.loc[table, "reason"]
    told = done.bundle.table("questions").set_index("source")
    assert "failed" not in set(told["status"])
    assert done.bundle.table("version_tables").empty


def test_the_script_for_psql_runs_none_either(server: Server, lair: str, tmp_path: Path) -> None:
    beside = server.binaries / "psql"
    psql = beside if beside.is_file() else shutil.which("psql")
    if psql is None:
        pytest.skip("psql is not installed")
    (tmp_path / "collect.sql").write_text(script())
    start = server.log_file.stat().st_size
    command = [psql, "-X", "-v", f"out={tmp_path}/out.txt", "-f", tmp_path / "collect.sql", server.url(lair)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.txt").read_text().endswith("# end of snapshot\n")
    assert heard(server, start) == []


def test_an_index_on_a_function_of_an_extension_or_a_superuser_is_no_reason(server: Server, database: str,
                                                                            tmp_path: Path) -> None:  # fmt: skip
    with server.connect(database) as connection:
        connection.execute(
            "CREATE FUNCTION folded(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT pg_catalog.lower($1)$$"
        )
        connection.execute("CREATE TABLE named AS SELECT 'a'::text AS name; CREATE INDEX ON named (folded(name))")
    counts = collected(server, database, tmp_path).bundle.table("row_counts").set_index("table")
    assert counts.loc["named", "rows"] == 1


def test_a_view_that_takes_the_place_of_a_table_in_the_middle_is_refused(server: Server, lair: str) -> None:
    """Its owner may swap it between the look at the catalogue and the read."""
    start = server.log_file.stat().st_size
    with Session(address.parameters(url=server.url(lair))) as session, server.connect(lair) as connection:
        if not session.knows(harmless.NO_VIEWS[0]):
            pytest.skip("this minor release cannot refuse views")
        oid = connection.execute("SELECT 'lair.checked'::regclass::oid::int").fetchone()[0]
        connection.execute("DROP TABLE lair.checked; CREATE VIEW lair.checked AS "
                           "SELECT lair.shout('swap') AS id, '(0,1)'::tid AS ctid")  # fmt: skip
        query = f"SELECT pg_catalog.count(*) AS rows FROM ONLY lair.checked AS r WHERE {harmless.EVERY_PLACE}"
        with pytest.raises(Refused, match="restricted"):
            harmless.read(session, query, [oid], Limits())
    assert heard(server, start) == []
