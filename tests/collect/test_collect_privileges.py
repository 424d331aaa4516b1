"""Who gets which answer, as it was observed on PostgreSQL 13 to 18, and which line of SQL buys the rest."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from triage_kit.collect.questions import QUESTIONS, privileges
from triage_kit.lab.server import Server

ROOT = Path(__file__).parents[2]
EVERYBODY = frozenset({"plain", "pg_monitor", "admin", "superuser"})
MONITORS = EVERYBODY - {"plain"}
READERS = frozenset({"admin", "superuser"})  # admin reads all data from 14 on
# Written down from observation, not from the code: every question and every part of an answer that can be lacking.
ANSWERED = {
    "identity": EVERYBODY, "activity": EVERYBODY, "locks": EVERYBODY, "prepared": EVERYBODY,
    "table_counters": EVERYBODY, "database_counters": EVERYBODY, "cluster_counters": EVERYBODY,
    "relations": EVERYBODY, "storage": EVERYBODY, "indexes": EVERYBODY, "columns": EVERYBODY,
    "constraints": EVERYBODY, "policies": EVERYBODY, "triggers": EVERYBODY, "sequences": EVERYBODY,
    "roles": EVERYBODY, "settings": EVERYBODY, "role_settings": EVERYBODY, "extensions": EVERYBODY,
    "namespaces": EVERYBODY, "databases": EVERYBODY, "statements": EVERYBODY, "archiver": EVERYBODY,
    "replication": EVERYBODY, "commit_times": EVERYBODY, "row_counts": EVERYBODY,
    "identity: control file": EVERYBODY, "relations: view texts": EVERYBODY, "storage: locked tables": EVERYBODY,
    "activity: other roles": MONITORS, "statements: other roles": MONITORS, "settings: hidden": MONITORS,
    "log_files": MONITORS, "wal_files": MONITORS,
    "sequences: values": READERS, "version_tables": READERS, "row_counts: not counted": READERS,
    "file_times": frozenset({"superuser"}),
    "log_files: current": frozenset({"superuser"}),  # and pg_monitor's members from 17 on
}  # fmt: skip
SAMPLE = """
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id serial PRIMARY KEY, note text);
INSERT INTO shop.orders (note) SELECT 'n' FROM generate_series(1, 12);
CREATE VIEW shop.notes AS SELECT note FROM shop.orders;
CREATE TABLE alembic_version (version_num varchar(32));
INSERT INTO alembic_version VALUES ('087_add_paused');
CREATE SCHEMA "odd ""name";
CREATE EXTENSION pg_stat_statements SCHEMA "odd ""name";
GRANT USAGE ON SCHEMA "odd ""name" TO PUBLIC;
"""


@pytest.fixture
def sample(server: Server, database: str) -> str:
    with server.connect(database) as connection:
        connection.execute(SAMPLE)
    return database


@pytest.fixture
def fresh(server: Server, database: str) -> Iterator[str]:
    """A role without any privilege, gone after the test."""
    name = f"r_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    with server.connect(database) as connection:
        connection.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def expected(kind: str, major: int) -> set[str]:
    known = {name for name, kinds in ANSWERED.items() if kind in kinds}
    if kind == "admin" and major < 14:
        known -= {"sequences: values", "version_tables", "row_counts: not counted"}
    if kind in MONITORS and major >= 17:
        known.add("log_files: current")
    # The current file cannot be told without the list of files: its gap is the list's.
    return known | ({"log_files: current"} if kind == "plain" else set())


def gaps(done) -> set[str]:
    asked = done.bundle.table("questions").set_index("source")
    assert "failed" not in set(asked["status"]), asked["reason"].dropna().tolist()
    lacking = asked[asked["status"] != "answered"]
    assert lacking["reason"].str.len().gt(10).all()
    assert lacking["costs"].str.len().gt(10).all()
    return set(lacking.index)


@pytest.mark.parametrize("kind", sorted(EVERYBODY))
def test_every_role_gets_its_answers_a_gap_for_the_rest_and_never_an_error(server, sample, fresh, ask, kind) -> None:
    major = server.version[0]
    more = {
        "pg_monitor": "GRANT pg_monitor TO {0}",
        "superuser": "ALTER ROLE {0} SUPERUSER",
        "plain": "",
        "admin": "ALTER ROLE {0} CREATEDB CREATEROLE; GRANT pg_monitor TO {0}"
        + ("; GRANT pg_read_all_data TO {0}" if major >= 14 else ""),
    }[kind]
    with server.connect(sample) as connection:
        connection.execute(more.format(fresh))
    done = ask(server, sample, fresh)
    assert done.named_unread == []
    assert {question.name for question in QUESTIONS} <= set(done.bundle.table("questions")["source"])
    assert set(ANSWERED) - gaps(done) == expected(kind, major)
    assert gaps(done) <= set(ANSWERED)


def pasted(grant: str, role: str, major: int) -> list[str]:
    """The lines of a grant that are meant for the major, as somebody pastes them."""
    fit = {
        "14 and newer": major >= 14,
        "13, for each schema": major < 14,
        "before 17": major < 17,
        "where pgstattuple is installed": False,
    }
    lines = [line for line in grant.splitlines() if fit.get(line.partition("-- ")[2].strip(), True)]
    schemas = ("shop", "public")
    return [
        line.replace("{role}", role).replace("{schema}", schema)
        for line in lines
        for schema in (schemas if "{schema}" in line else schemas[:1])
    ]


@pytest.mark.pg("!=14,!=15")  # as 16
def test_each_line_buys_what_the_readme_says_it_buys(server, sample, fresh, ask) -> None:
    major = server.version[0]
    with server.connect(sample) as connection:
        connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() FROM PUBLIC")
    lacking = gaps(ask(server, sample, fresh))
    assert "identity: control file" in lacking
    grants = {question.grant: question for question in (*QUESTIONS, *privileges.PARTS) if question.grant}
    for grant in grants:
        bought = {q.name for q in (*QUESTIONS, *privileges.PARTS) if q.grant == grant}
        with server.connect(sample) as connection:
            for line in pasted(grant, fresh, major):
                connection.execute(line)
        wanted = tuple({name.partition(":")[0] for name in bought})
        assert gaps(ask(server, sample, fresh, only=wanted)) & bought == set(), grant
    assert gaps(ask(server, sample, fresh)) == set()


def test_the_readme_has_the_table_as_the_questions_have_it() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.count(privileges.BEGIN) == text.count(privileges.END) == 1
    assert "### What a role may see" in text.partition(privileges.BEGIN)[0]
    assert privileges.written(text) == text, "write it anew: privileges.written(README.md)"
