"""Calls in Python code: what names hold where a call stands, and which connections are to another database."""

import pytest

from triage_kit.parse.calls import python_calls
from triage_kit.parse.hits import read_hits
from triage_kit.parse.migrations import read_migrations


def found(text):
    return [(each.line, each.operation, each.object, each.bounded) for each in python_calls(text)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def f(c):\n    q = 'DELETE FROM a'\n    c.execute(q)", [(3, "delete", "a", False)]),
        ("q = 'DELETE FROM a'\nq += ' WHERE b'\nc.execute(q)", [(3, "delete", "a", True)]),
        (
            "for t in ('a', 'b'):\n    c.execute(f'TRUNCATE {t}')",
            [(2, "truncate", "a", None), (2, "truncate", "b", None)],
        ),
        (
            "[c.execute(f'TRUNCATE {t}') for t in ['a', 'b']]",
            [(1, "truncate", "a", None), (1, "truncate", "b", None)],
        ),
        ("def run(s):\n    c.execute(s)\nrun('TRUNCATE a')", [(3, "truncate", "a", None)]),
        ("class A:\n    async def f(self):\n        await c.execute('TRUNCATE a')", [(3, "truncate", "a", None)]),
        ("def f(q='x'):\n    c.execute(q)\nq = 'TRUNCATE a'", []),
        ("f = lambda: c.execute('TRUNCATE a')", [(1, "truncate", "a", None)]),
        ("d.to_sql('a', e, schema='s', if_exists='replace')", [(1, "drop_table", "s.a", None)]),
        ("d.to_sql('a', e, if_exists='append')", []),
        ("apps.get_model('shop', 'Order')\nc.execute('TRUNCATE a')", [(2, "truncate", "a", None)]),
    ],
)
def test_names_are_followed_to_where_they_are_used(text, told):
    assert found(text) == told


@pytest.mark.parametrize(
    ("made", "ours"),
    [
        ("c = sqlite3.connect('x')", False),
        ("with sqlite3.connect('x') as c: pass", False),
        ("c = sqlite3.connect('x').cursor()", False),
        ("c = psycopg.connect('x')", True),
        ("c = sqlite3.connect('x')\nc = psycopg.connect('x')", True),
    ],
)
def test_a_connection_to_another_database_loses_nothing_here(made, ours):
    assert bool(found("\n".join(["import sqlite3", made, "c.execute('DELETE FROM a')"]))) is ours


@pytest.mark.parametrize(("also", "ours"), [("None", False), ("psycopg.connect('x')", True)])
def test_an_attribute_is_of_another_database_where_it_is_never_of_ours(also, ours):
    text = """
class Store:
    db = None
    def open(self):
        self.db = sqlite3.connect("x")
    def close(self):
        self.db = ALSO
    def clear(self):
        self.db.execute("DELETE FROM a")
"""
    assert bool(found(text.replace("ALSO", also))) is ours


HOSTILE = {
    "loops over loops": "T = ['DELETE FROM a'] * 1\n"
    + "".join(f"{'  ' * n}for t{n} in {list(range(150))}:\n" for n in range(8))
    + "  " * 8
    + "c.execute('TRUNCATE a')",
    "long text in a loop": "q = 'DELETE FROM a /*"
    + "x" * 900_000
    + f"*/'\nfor i in {list(range(190))}:\n  for j in {list(range(190))}:\n    c.execute(q + ' ')",
    "functions that call each other": "".join(
        f"def f{n}(s):\n    for i in {list(range(100))}:\n        f{1 - n}(s)\n" for n in (0, 1)
    )
    + "f0('TRUNCATE a')\nc.execute('TRUNCATE b')",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_code_that_would_run_for_ever_is_still_read_to_its_end(name):
    # Followed round by round, each of these would take hours.
    assert {each[1] for each in found(HOSTILE[name])} & {"truncate", "delete"}


def test_a_statement_whose_tables_are_put_together_at_run_time_is_no_less_a_loss():
    code = 'c.execute(text(f"TRUNCATE {names} CASCADE"))', 'c.execute(f"DELETE FROM a_{names}")'
    text = "\n".join(("def clean(c, names):", *(f"    {line}" for line in code)))
    found = [(each.line, each.operation, each.object, each.loses) for each in read_hits(text, "tests/conftest.py")]
    assert found == [(2, "truncate", "{…}", "rows"), (3, "delete", "a_{…}", "rows")]


@pytest.mark.parametrize("path", ["jobs/clean.py", "alembic/versions/a1.py"])
def test_what_python_says_of_other_peoples_code_is_not_told(path):
    """Warnings are errors in tests; a collector's terminal is not the place for those of the repository."""
    text = 'revision, down_revision = "a1", None\nx = 1if 2 else 3\ny = "\\d"\n'
    text += 'def upgrade():\n    op.execute("DELETE FROM a")\n'
    assert [each.operation for each in read_hits(text, path)] == ["delete"]
    read_migrations(text, path, chosen=True)
