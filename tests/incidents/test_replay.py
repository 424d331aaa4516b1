"""Rows that only the log still holds are written again by what is printed, on real servers."""

from __future__ import annotations

import json

import majors
import pytest
from counters import counted

from triage_kit import analyse
from triage_kit import case as cases
from triage_kit.analyse.export import findings_dict
from triage_kit.collect import collect
from triage_kit.lab.server import Server
from triage_kit.opened import open_case

SHOP = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text,
  seen timestamptz DEFAULT now());
CREATE TABLE shop."Order Lines" (customer int REFERENCES shop.customers, no int, note text, paid bool, at date,
  price numeric, shout text GENERATED ALWAYS AS (upper(note)) STORED, PRIMARY KEY (customer, no));
CREATE TABLE shop.notes (said text);
"""
LOADED = [
    "INSERT INTO shop.customers (id, name, seen) OVERRIDING SYSTEM VALUE VALUES (7, 'a', '2026-01-02 03:04:05+00')",
    "INSERT INTO shop.customers OVERRIDING SYSTEM VALUE VALUES (9, E'it''s\\n\\\\! echo \"x\"; --', "
    "'2026-01-02 03:04+00'::timestamptz)",
    "INSERT INTO shop.\"Order Lines\" VALUES (7, 1, 'née', true, date '2026-2-3', -4.50), (9, 2, NULL, false, NULL, 0)",
    "INSERT INTO shop.customers (name) VALUES ('its key is made by the server')",
    "INSERT INTO shop.\"Order Lines\" (customer, no, at) VALUES (9, 3, now())",
    "INSERT INTO shop.notes VALUES ('without a key')",
]  # fmt: skip
BOUND = 'INSERT INTO shop."Order Lines" (customer, no, note, price) VALUES (%s, %s, %s, %s)'
ALL = 'SELECT * FROM shop.customers c LEFT JOIN shop."Order Lines" o ON o.customer = c.id ORDER BY c.id, no'


def rows(server: Server, query: str) -> list[tuple]:
    with server.connect("postgres", "postgres") as connection:
        return connection.execute(query).fetchall()


def run(server: Server, commands: list[str]) -> None:
    with counted(server, "postgres") as connection:
        for command in commands:
            connection.execute(command)


@pytest.mark.parametrize("major", majors.newest_and_long_on_oldest())
def test_what_the_log_tells_whole_is_written_again_as_printed(tmp_path, major) -> None:
    if major is None:
        pytest.skip("no PostgreSQL was found")
    settings = {"log_statement": "mod", "log_line_prefix": "%m [%p] %q%u@%d ", "autovacuum": False}
    with Server(settings, binaries=majors.found()[major]) as server:
        run(server, [SHOP, *LOADED])
        with server.connect("postgres", "postgres") as connection:
            connection.execute(BOUND, (9, 4, "bound 'x'", None))
        run(server, ["DELETE FROM shop.customers WHERE name LIKE 'its key%'",
                     'DELETE FROM shop."Order Lines" WHERE no = 3'])  # fmt: skip
        before = rows(server, ALL)
        run(server, ["TRUNCATE shop.customers, shop.notes CASCADE"])
        run(server, ["INSERT INTO shop.customers (id, name) OVERRIDING SYSTEM VALUE VALUES (900, 'new')"])
        case = {"title": "t", "database": {"url": server.url("postgres")}, "logs": [str(server.log_file)],
                "reported": ["shop.customers"]}  # fmt: skip
        (tmp_path / "case.yaml").write_text(json.dumps(case))
        collect(cases.load(tmp_path / "case.yaml"))
        found = json.loads(json.dumps(findings_dict(analyse.investigate(open_case(tmp_path).evidence))))
        [way] = [each for each in found["recovery"] if each["option"] == "log_replay"]
        assert (way["feasible"], way["rows"]) == (True, 5)
        assert "open: 3 statements do not" in " ".join(way["preconditions"])
        assert not [line for line in way["commands"] if "\n" in line]
        run(server, way["commands"])
        assert [row for row in rows(server, ALL) if row[0] != 900] == before
        assert rows(server, "SELECT name FROM shop.customers WHERE id = 900") == [("new",)]
        assert rows(server, "SELECT count(*) FROM pg_class WHERE relname LIKE '%replayed%'") == [(0,)]
        run(server, ["SET default_transaction_read_only = off", "INSERT INTO shop.customers (name) VALUES ('next')"])
