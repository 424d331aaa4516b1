"""A small project of every migration tool: what it would do, and what its version table says has run."""

import hashlib

import pytest
import texts

from triage_kit import case as cases
from triage_kit import schemas
from triage_kit.analyse.applied import migration_states, standing
from triage_kit.bundle import Draft
from triage_kit.collect import collect
from triage_kit.collect.repository import read_repository
from triage_kit.opened import open_case

# The version tables as their tools make them, each with what is no sign that a migration has run.
NOTED = """
CREATE TABLE flyway_schema_history (installed_rank int, version text, type text, script text, success bool,
  installed_on timestamp DEFAULT now());
INSERT INTO flyway_schema_history VALUES (0, NULL, 'SCHEMA', '"x"', true), (1, '1', 'BASELINE', '<< >>', true),
  (2, '2', 'SQL', 'V2__a.sql', true), (3, '3', 'SQL', 'V3__b.sql', false), (4, NULL, 'SQL', 'R__views.sql', true);
CREATE TABLE goose_db_version (id serial, version_id bigint, is_applied bool, tstamp timestamp DEFAULT now());
INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true), (1, false), (1, true), (2, true),
  (2, false);
CREATE TABLE _prisma_migrations (migration_name text, finished_at timestamptz, rolled_back_at timestamptz);
INSERT INTO _prisma_migrations VALUES ('1_a', now(), NULL), ('2_b', NULL, now()), ('3_c', NULL, NULL);
CREATE TABLE databasechangelog (id text, author text, dateexecuted timestamp, exectype text);
INSERT INTO databasechangelog VALUES ('1', 'sam', now(), 'EXECUTED'), ('2', 'sam', now(), 'MARK_RAN');
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO schema_migrations VALUES (7, true);
CREATE SCHEMA other;
CREATE TABLE other.schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
INSERT INTO other.schema_migrations VALUES (8, false);
CREATE SCHEMA sqitch;
CREATE TABLE sqitch.changes (change text, project text, committed_at timestamptz DEFAULT now());
INSERT INTO sqitch.changes VALUES ('users', 'shop');
CREATE TABLE rad_migration (version varchar(180) PRIMARY KEY, apply_time integer);  -- Yii with tablePrefix
INSERT INTO rad_migration VALUES ('m260101_000000_routes', 1767225600);
CREATE TABLE other.play_evolutions (id int PRIMARY KEY, hash varchar(255), applied_at timestamp, apply_script text,
  revert_script text, state varchar(255), last_problem text);
INSERT INTO other.play_evolutions VALUES (1, 'a', now(), 'x', 'y', 'applied', ''), (2, 'b', now(), 'x', 'y',
  'applying_up', 'ERROR');
CREATE TABLE bird_migrations (id serial, name text, seen date);  -- a table of birds
INSERT INTO bird_migrations (name) VALUES ('crane');
"""
RAN = {("flyway", "baseline 1"), ("flyway", "2"), ("flyway", "R__views.sql"), ("goose", "1"), ("prisma", "1_a"),
       ("liquibase", "sam 1"), ("sqitch", "users"), ("schema_migrations", "dirty 7"),
       ("schema_migrations", "8"), ("yii", "m260101_000000_routes"), ("play", "1")}  # fmt: skip

PROJECTS = texts.read("projects")


@pytest.fixture(params=PROJECTS)
def project(request, tmp_path):
    told = PROJECTS[request.param]
    for name, text in told["files"].items():
        path = tmp_path / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    (tmp_path / "case").mkdir()
    case = cases.build({"repository": "../repo"}, tmp_path / "case" / "case.yaml")
    draft = Draft.begin(tmp_path / "case")
    read_repository(case, draft)
    return told.get("tool", request.param), told, draft


def version(told, written):
    # Drizzle's table holds the hash of the file's bytes.
    name = str(written).removeprefix("sha256:")
    return hashlib.sha256(told["files"][name].encode()).hexdigest() if name in told["files"] else str(written)


def test_a_project_is_read_without_running_it(project):
    tool, told, draft = project
    found = draft.written("migration_operations")[["path", "line", "direction", "operation", "object"]]
    assert found.to_numpy().tolist() == told["operations"]
    assert set(draft.written("migrations")["tool"]) == {tool}
    up = draft.written("migration_operations").query("direction != 'down' and renamed.notna()")
    assert dict(zip(up["object"], up["renamed"], strict=True)) == told.get("renamed", {})


def test_a_project_is_held_against_its_version_table(project):
    _, told, draft = project
    rows = [
        {"tool": tool, "schema": "public", "table": "t", "version": version(told, v)} for tool, v in told["versions"]
    ]
    found = migration_states(draft.written("migrations"), schemas.frame("version_tables", rows))
    assert found[["revision", "state"]].to_numpy().tolist() == told["states"]
    silent = migration_states(draft.written("migrations"), schemas.empty("version_tables"))
    assert set(silent["state"]) - {"way_back"} == {"unknown"}


def test_rows_of_version_tables_that_tell_of_no_run_are_left_out(server18, database18, tmp_path):
    with server18.connect(database18) as connection:
        connection.execute(NOTED)
    case = cases.build({"database": {"url": server18.url(database18)}}, tmp_path / "case.yaml")
    collect(case)
    found = open_case(tmp_path).evidence["version_tables"]
    assert set(zip(found["tool"], found["version"], strict=True)) == RAN


FLYWAY = [f"db/migration/{name}.sql" for name in ("R__views", "U2__a", "V1__base", "V2__a", "V3__b")]


def test_flyways_baseline_and_its_scripts_without_a_version_have_run():
    told = [{"path": path, "tool": "flyway", "revision": revision, "parents": ()}
            for path, revision in zip(FLYWAY, ("R__views", "2", "1", "2", "3"), strict=True)]  # fmt: skip
    noted = [{"tool": "flyway", "version": each} for each in ("baseline 1", "2", "R__views.sql", None)]
    states = migration_states(schemas.frame("migrations", told), schemas.frame("version_tables", noted))
    assert standing(states) == "3 applied, 1 pending (db/migration/V3__b.sql)"
