"""A server judges the labels of later sets of sql_cases: which of their statements cost rows, columns or sight.

A set does not change once its labels were held to a server: TRIAGE_LABELS=all runs the older ones again.
"""

import json
import os
import subprocess
import uuid

import programs
import pytest
import texts
from psycopg.rows import dict_row

OLDER = (
    ("fourth", "fifth", "sixth", "seventh", "ninth", "tenth", "eleventh")
    if os.environ.get("TRIAGE_LABELS") == "all"
    else ()
)
SETS = {name: texts.read(name) for name in (*OLDER, "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth")}
HURTING = [
    pytest.param(name, each, id=each["id"])
    for name, one in SETS.items()
    for each in one["destructive"] + one.get("overwriting", [])
    if each.get("server", "path" not in each)
]
SEEN = """
    SELECT c.oid::regclass::text, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence::text,
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
def templates(server18):
    """A database with the tables of each set, copied for each statement."""
    names = {each: f"labels_{each}_{uuid.uuid4().hex[:8]}" for each in SETS}
    for each, name in names.items():
        with server18.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        with server18.connect(name) as connection:
            connection.execute(SETS[each]["setup"])
    yield names
    for name in names.values():
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


@pytest.mark.parametrize(("of_set", "case"), HURTING)
def test_a_server_agrees_that_it_costs_something(of_set, case, server18, templates):
    hurt, said = run(server18, templates[of_set], f"{case['text']};\n{case.get('then', '')};")
    assert hurt, said
    assert "ERROR" not in said


@pytest.mark.parametrize("of_set", SETS)
def test_a_server_agrees_that_the_harmless_cost_nothing(of_set, server18, templates):
    one = SETS[of_set]
    files = [each["text"] for each in one["harmless_files"] if each.get("server")]
    found = {text: run(server18, templates[of_set], text) for text in one["harmless_statements"] + files}
    assert {text: hurt for text, (hurt, _) in found.items() if hurt} == {}
    assert {text: said for text, (_, said) in found.items() if "ERROR" in said} == {}
