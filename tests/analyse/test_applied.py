"""Alembic keeps heads only; Rails, Flyway and the like keep a row a migration."""

from __future__ import annotations

import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse.applied import applied_revisions, migration_states, standing


def migrations(*rows):
    return schemas.frame(
        "migrations", [{"path": f"{name}.py", "revision": name, "parents": parents} for name, parents in rows]
    )


def versions(*names):
    return schemas.frame(
        "version_tables",
        [{"tool": "alembic", "schema": "s", "table": "alembic_version", "version": each} for each in names],
    )


CHAIN = migrations(("1", ()), ("2", ("1",)), ("3", ("2",)), ("side", ("1",)))


def test_a_head_stands_for_its_ancestors_and_for_nothing_else():
    assert applied_revisions(CHAIN, versions("2")) == {"1", "2"}
    assert applied_revisions(CHAIN, versions("3", "side")) == {"1", "2", "3", "side"}


def test_without_a_version_table_nothing_is_known_to_be_applied():
    assert applied_revisions(CHAIN, versions()) == set()


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (("3", "side"), "4 applied, 0 pending; 2 branches, which end in 3, side; the database is at head"),
        (("2",), "2 applied, 2 pending (3.py, side.py); 2 branches, which end in 3, side; "
                 "the database is not at head 3, side"),
        (("3", "gone"), "3 applied, 1 pending (side.py); 1 applied that no file here explains (gone); "
                        "2 branches, which end in 3, side; the database is not at head side"),
    ],
)  # fmt: skip
def test_how_far_the_database_has_got(at, told):
    chain = CHAIN.assign(tool="alembic")
    assert standing(migration_states(chain, versions(*at))) == told


def test_without_a_version_table_it_is_not_known_how_far():
    assert standing(migration_states(CHAIN, versions())).startswith("whether they ran is not known")


def test_a_schema_file_stands_for_no_version():
    schema = schemas.frame("migrations", [{"path": "db/structure.sql", "tool": "rails"}])
    version = [{"tool": "rails", "schema": "s", "table": "schema_migrations", "version": "7"}]
    assert list(migration_states(schema, schemas.frame("version_tables", version))["state"])[:1] == ["unknown"]


def test_a_table_of_a_migration_that_never_ran_is_not_missing(make_table, make_evidence):
    def operation(revision, name):
        return {
            "path": f"{revision}.py",
            "line": 3,
            "revision": revision,
            "direction": "up",
            "operation": "create_table",
            "object": f"s.{name}",
        }

    evidence = make_evidence(
        [make_table("users", 1)], migration_operations=[operation("2", "audit"), operation("3", "planned")]
    )
    evidence |= {"migrations": CHAIN, "version_tables": versions("2")}
    found = analyse.investigate(evidence).findings.set_index("table")["status"]
    assert found.to_dict() == {"audit": "missing", "users": "intact"}
    # Where nobody may read the version table, a file that made what stands has run; one may have dropped it since.
    unread = make_evidence([make_table("users", 1)], migration_operations=[
        *(operation("2", name) for name in ("audit", "users", "old")), operation("3", "planned"),
        operation("4", "old") | {"operation": "drop_table"}])  # fmt: skip
    found = analyse.investigate(unread | {"migrations": CHAIN}).findings.set_index("table")["status"]
    assert found.to_dict() == {"audit": "missing", "users": "intact"}


@pytest.mark.parametrize(
    ("version", "states"),
    [
        ("2", ["applied", "applied", "pending"]),
        ("dirty 2", ["applied", "unknown", "pending"]),  # begun, and by its documentation left to somebody to look at
    ],
)
def test_a_migration_that_was_begun_and_not_ended_is_not_known_to_have_run(version, states):
    files = [{"path": f"m/00{n}_a.up.sql", "tool": "golang-migrate", "revision": str(n)} for n in (1, 2, 3)]
    noted = schemas.frame("version_tables", [{"tool": "schema_migrations", "version": version}])
    found = migration_states(schemas.frame("migrations", files), noted)
    assert found[["revision", "state"]].to_numpy().tolist() == [[str(n), state] for n, state in enumerate(states, 1)]
