"""A server judges the labels of sql_cases/fourth.yaml: which of its statements cost rows, columns or sight."""

import json
import subprocess
import uuid
from pathlib import Path

import programs
import pytest
import yaml
from psycopg.rows import dict_row

SET = yaml.safe_load((Path(__file__).parent / "sql_cases" / "fourth.yaml").read_text("utf-8"))
HURTING = [each for each in SET["destructive"] if "path" not in each and each.get("server", True)]
SEEN = """
    SELECT c.oid::regclass::text, c.relrowsecurity, c.relpersistence::text,
           (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|information_schema)'"""


def rows_of(server, database):
    """Every permanent table with what hides or keeps it and its rows."""
    with server.connect(database) as connection:
        tables = connection.execute(SEEN).fetchall()
        rows = connection.cursor(row_factory=dict_row)
        return {name: (marks, rows.execute(f"TABLE {name}").fetchall()) for name, *marks in tables}


def keyed(rows, columns):
    return sorted(
        json.dumps({key: row[key] for key in columns if key in row}, sort_keys=True, default=str) for row in rows
    )


def costs(before, after):
    """Tables that have lost rows, a column, their sight or more than one row's values."""
    hurt = []
    for name, (marks, rows) in before.items():
        marks_now, rows_now = after.get(name, (None, []))
        columns = list(rows[0]) if rows else []
        there = set(keyed(rows_now, columns))
        changed = sum(row not in there for row in keyed(rows, columns))
        if marks_now != marks or len(rows_now) < len(rows) or changed > 1:
            hurt.append(name)
    return hurt


@pytest.fixture(scope="module")
def template(server18):
    """A database with the set's tables, copied for each statement."""
    name = f"labels_{uuid.uuid4().hex[:8]}"
    with server18.connect() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with server18.connect(name) as connection:
        connection.execute(SET["setup"])
    yield name
    with server18.connect() as connection:
        connection.execute(f"DROP DATABASE {name}")


def run(server, template, text):
    """What the text costs in a copy of the template, and what psql said."""
    name = f"label_{uuid.uuid4().hex[:8]}"
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        before = rows_of(server, name)
        psql = [programs.program("psql", at_least=18), "-X", "-d", server.url(name), "-f", "-"]
        done = subprocess.run(psql, input=text, capture_output=True, text=True, timeout=60, check=False)
        return costs(before, rows_of(server, name)), done.stderr
    finally:
        with server.connect() as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("case", HURTING, ids=lambda each: each["id"])
def test_a_server_agrees_that_it_costs_something(case, server18, template):
    hurt, said = run(server18, template, f"{case['text']};\n{case.get('then', '')};")
    assert hurt, said
    assert "ERROR" not in said


def test_a_server_agrees_that_the_harmless_cost_nothing(server18, template):
    found = {text: run(server18, template, text) for text in SET["harmless_statements"]}
    assert {text: hurt for text, (hurt, _) in found.items() if hurt} == {}
    assert {text: said for text, (_, said) in found.items() if "ERROR" in said} == {}
