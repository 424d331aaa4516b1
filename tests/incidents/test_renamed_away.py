"""Tables that were renamed away get their names back as printed; a table of another tenant is left alone."""

from __future__ import annotations

import csv
import json

import pytest

from triage_kit import case as cases
from triage_kit import cli, open_case, schemas
from triage_kit.analyse import investigate
from triage_kit.analyse.losses import Loss
from triage_kit.analyse.renamed_ways import rename_back
from triage_kit.collect import collect

HOUSE = """
CREATE SCHEMA {s};
CREATE TABLE {s}.guests (id int PRIMARY KEY, name text);
CREATE TABLE {s}.stays (id int PRIMARY KEY, guest int REFERENCES {s}.guests);
INSERT INTO {s}.guests SELECT g, 'guest ' || g FROM generate_series(1, {n}) g;
INSERT INTO {s}.stays SELECT g, g FROM generate_series(1, {n}) g
"""
STAYS = "CREATE TABLE b.stays (id int PRIMARY KEY, guest int)"
ANEW = f"CREATE TABLE b.guests (id int PRIMARY KEY, name text); {STAYS}"
MOVED = {
    "one table moved": "CREATE SCHEMA attic; ALTER TABLE b.stays SET SCHEMA attic; " + STAYS,
    "the schema renamed": f"ALTER SCHEMA b RENAME TO b_2025; CREATE SCHEMA b; {ANEW}",
    "renamed in its schema": "ALTER TABLE b.stays RENAME TO stays_old; " + STAYS,
}  # fmt: skip


def built(server, database, folder, deed):
    """The findings of a database of two tenants to one of whom something was done."""
    with server.connect(database) as connection:
        for schema, count in (("a", 300), ("b", 120), ("c", 250)):
            for statement in HOUSE.format(s=schema, n=count).split(";\n"):
                connection.execute(statement)
        [before] = connection.execute("SELECT clock_timestamp()").fetchone()
        with connection.transaction():
            for statement in deed.split("; "):
                connection.execute(statement)
        [after] = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.execute("SELECT pg_switch_wal()")
    settings = {"database": {"url": server.url(database), "schemas": ["a", "b", "c", "attic", "b_2025"]},
                "window": {"start": before.isoformat(), "end": after.isoformat()}, "noticed_at": after.isoformat(),
                "reported": ["b.stays"], "wal": str(server.data / "pg_wal")}  # fmt: skip
    (folder / "case.yaml").write_text(json.dumps(settings), encoding="utf-8")
    collect(cases.load(folder))
    return investigate(open_case(folder).evidence)


@pytest.mark.parametrize("deed", MOVED.values(), ids=MOVED)
def test_the_printed_commands_give_the_rows_back(server, database, tmp_path, deed):
    found = built(server, database, tmp_path, deed).recovery.set_index("option")
    assert found.loc["rename_back", "feasible"]
    with server.connect(database) as connection:
        for statement in found.loc["rename_back", "commands"]:
            connection.execute(statement.partition("--")[0])
        assert connection.execute("SELECT count(*) FROM b.stays").fetchone() == (120,)
        assert connection.execute("SELECT count(*) FROM a.stays").fetchone() == (300,)


def test_another_tenants_table_is_no_way_back_and_the_wal_is(server, database, tmp_path):
    found = built(server, database, tmp_path, "DROP TABLE b.stays, b.guests").recovery.set_index("option")
    assert "rename_back" not in found.index
    assert found.loc["wal", "feasible"] is not False
    assert "b.guests 120, b.stays 120" in found.loc["wal", "why"]
    assert cli.main(["salvage", str(tmp_path), "--table", "b.stays", "--quiet"]) == cli.DONE
    with (tmp_path / "salvaged" / "b.stays.csv").open(encoding="utf-8", newline="") as stream:
        assert sorted(int(row["id"]) for row in csv.DictReader(stream)) == list(range(1, 121))


def test_what_another_database_renamed_is_no_word_on_this_one():
    """pg_stat_statements and the log serve a cluster, whose databases may have tables of the same names."""
    told = {"text": "ALTER TABLE b.stays RENAME TO stays_2024", "database": "other"}
    tables = [{"oid": 9, "schema": "b", "name": "stays_2024", "kind": "table"}]
    counts = [{"oid": 9, "schema": "b", "table": "stays_2024", "live": 120}]
    given = {"identity": [{"database": "shop"}], "relations": tables, "table_counters": counts}
    lost = Loss(frozenset(("drop",)), ("b.stays",), 120, 0, None, None, found={"b.stays": {"mechanism": "drop"}})
    for database, offered in (("other", []), ("shop", [True])):
        rows = given | {"statements": [told | {"database": database}]}
        evidence = {name: schemas.frame(name, rows.get(name, [])) for name in schemas.evidence_names()}
        assert [way["feasible"] for way in rename_back(lost, evidence)] == offered
