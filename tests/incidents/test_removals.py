"""Three DELETEs of one table by two roles on real servers: each is in findings.json with its rows, time and role."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import majors
import pytest
from bs4 import BeautifulSoup

from triage_kit import analyse, plot, schemas
from triage_kit import case as cases
from triage_kit.analyse.export import findings_dict
from triage_kit.collect import collect
from triage_kit.lab.server import Server
from triage_kit.opened import open_case

DELETES = [
    ("clerk", "back-office", "DELETE FROM invoices WHERE id <= 120", 120, 12),
    ("sweeper", "nightly", "DELETE FROM invoices WHERE id BETWEEN 121 AND 150", 30, 3),
    ("clerk", "psql", "DELETE FROM invoices WHERE id > 150", 50, 5),
]
LOAD = """
CREATE TABLE invoices (id int PRIMARY KEY, body text);
CREATE TABLE lines (invoice int REFERENCES invoices ON DELETE CASCADE, no int);
INSERT INTO invoices SELECT g, 'i' || g FROM generate_series(1, 200) g;
INSERT INTO lines SELECT 10 * g, g FROM generate_series(1, 20) g;
CREATE ROLE clerk LOGIN SUPERUSER; CREATE ROLE sweeper LOGIN SUPERUSER;
"""


def deed(server: Server) -> list[dict]:
    """Run them, and tell of each its xid and between which instants it committed."""
    with server.connect() as connection:
        connection.execute("CREATE DATABASE shop")
    with server.connect("shop") as connection:
        connection.execute(LOAD)
    time.sleep(1.2)
    told = []
    for role, application, text, _, _ in DELETES:
        with server.connect("shop", role, application=application) as connection:
            connection.execute("BEGIN")
            connection.execute(text)
            [(xid,)] = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchall()
            begun = datetime.now(UTC)
            connection.execute("COMMIT")
            told.append({"xid": xid, "between": (begun, datetime.now(UTC))})
        time.sleep(2.2)  # %t writes whole seconds
    return told


def read(server: Server, folder, **keys: object) -> analyse.Investigation:
    folder.mkdir()
    named = {"title": "t", "database": {"url": server.url("shop")}, "reported": ["invoices"], **keys}
    (folder / "case.yaml").write_text(json.dumps(named))
    collect(cases.load(folder))
    return analyse.investigate(open_case(folder).evidence)


def of_tables(found: analyse.Investigation) -> dict[str, dict]:
    return {row["table"]: row for row in json.loads(json.dumps(findings_dict(found)))["tables"]}


def on_the_page(found: analyse.Investigation) -> list[str]:
    """Lines of the first finding that tell of a transaction."""
    page = BeautifulSoup(plot.numbered_findings(found, schemas.empty("migration_operations")), "html.parser")
    return [each.get_text() for each in page.section.find_all("li") if "transaction" in each.get_text()]


@pytest.mark.parametrize(
    ("major", "prefix"),
    [
        (min(majors.found(), default=None), "%m [%p] %q%u@%d %a xid=%x: "),
        (max(majors.found(), default=None), "%t [%p]: user=%u,db=%d,app=%a "),
    ],
)
def test_three_deletes_of_two_roles_are_all_named(tmp_path, major, prefix) -> None:
    if major is None:
        pytest.skip("no PostgreSQL was found")
    settings = {"log_statement": "mod", "log_line_prefix": prefix, "autovacuum": False}
    with Server(settings, binaries=majors.found()[major]) as server:
        known = deed(server)
        seen = read(server, tmp_path / "case", logs=[str(server.log_file)])
        tables, without = of_tables(seen), of_tables(read(server, tmp_path / "no log"))
    for shown, one, (role, application, text, rows, lines) in zip(on_the_page(seen), known, DELETES, strict=True):
        for word in (f"transaction {one['xid']}, role {role}, application {application}",
                     f"{rows} rows of public.invoices", f"{lines} rows of public.lines", text):  # fmt: skip
            assert word in shown
    for name, place in (("invoices", 3), ("lines", 4)):
        told = tables[name]["transactions"]
        assert tables[name]["status"] == "wiped"
        assert [each["xid"] for each in told] == [each["xid"] for each in known]
        assert [each["rows"] for each in told] == [each[place] for each in DELETES]
        assert [(each["role"], each["application"]) for each in told] == [each[:2] for each in DELETES]
        assert [each["text"] for each in told] == [each[2] for each in DELETES]
        for each, one in zip(told, known, strict=True):
            begun, ended = one["between"]
            assert begun <= datetime.fromisoformat(each["committed_at"]) <= ended
            assert each["lsn"]
        bare = without[name]["transactions"]
        assert [(each["xid"], each["rows"], each["role"]) for each in bare] == [
            (one["xid"], each[place], None) for one, each in zip(known, DELETES, strict=True)
        ]
