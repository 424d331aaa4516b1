"""Rows read back out of WAL and of copied files are the rows that were lost, value by value, on every major."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest
from counters import counted

from triage_kit import case as cases
from triage_kit import cli
from triage_kit.analyse import investigate, salvage
from triage_kit.collect import collect
from triage_kit.collect import salvage as carving
from triage_kit.lab.server import Server
from triage_kit.opened import open_case

TYPES = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN positive AS int CHECK (value > 0)"
TABLE = """
CREATE TABLE {t} (id int PRIMARY KEY, gone text, b bool, s int2, l int8, f float4, d float8, t text, v varchar(20),
  c char(5), n numeric(20, 4), n2 numeric, u uuid, ts timestamp, tz timestamptz, da date, ti time, tt timetz,
  iv interval, j jsonb, js json, by bytea, m mood, p positive, ia int[], ta text[], i inet, ci cidr, ma macaddr,
  vb varbit, big text, xp point, gen int GENERATED ALWAYS AS (id * 2) STORED, r int4range);
ALTER TABLE {t} DROP COLUMN gone;
INSERT INTO {t} SELECT g, g % 2 = 0, g, g * 10000000000, g / 3.0, g / 7.0, 'row ' || g,
  CASE WHEN g % 5 > 0 THEN 'v' || g END, 'x', g * 1.25, CASE WHEN g % 3 = 0 THEN -g / 7.0 ELSE g * 100000 END,
  md5(g::text)::uuid, '2020-01-01'::timestamp + g * interval '1 hour 1.5 s', '1999-12-31 23:59:59.5+02',
  CASE WHEN g % 9 = 0 THEN 'infinity' WHEN g % 8 = 0 THEN '0044-03-15 BC' ELSE '2020-01-01'::date + g END,
  '12:34:56.789', '12:34:56+02', '1 year 2 days -3 hours',
  jsonb_build_object('a', g, 'b', ARRAY['x', NULL, 'é"'], 'n', -g / 8.0, 'deep', jsonb_build_object('k', true)),
  '{{"a": 1}}', decode('00ff' || lpad(to_hex(g), 4, '0'), 'hex'), (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood, g,
  ARRAY[g, NULL, 3], ARRAY['a b', '', 'NULL', NULL, 'q"'], '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', B'10110',
  CASE WHEN g % 50 = 0 THEN (SELECT string_agg(md5(x::text || g), '') FROM generate_series(1, 400) x)
       WHEN g % 51 = 0 THEN repeat('long ', 2000) ELSE '' END, point(1.5, g)
  FROM generate_series(1, {n}) g;
ALTER TABLE {t} ADD COLUMN late text DEFAULT 'older''s';
UPDATE {t} SET t = t || ' changed' WHERE id % 7 = 0;
UPDATE {t} SET s = s + 1 WHERE id % 11 = 0;
DELETE FROM {t} WHERE id % 13 = 0;
BEGIN;
DELETE FROM {t} WHERE id < 50;
ROLLBACK;
CREATE TABLE keep_{t} AS SELECT * FROM {t}
"""
LOSS = "DELETE FROM deleted; TRUNCATE truncated; DROP TABLE dropped; TRUNCATE rewritten"
COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('gen', 'r')
"""


@pytest.fixture
def loss(server: Server, database: str, tmp_path: Path) -> tuple[Server, str, Path]:
    """Four tables with every kind of value, gone in four ways, and the case that collected it."""
    with counted(server, database) as connection:
        connection.execute(TYPES)
        for name, count in (("deleted", 120), ("truncated", 110), ("dropped", 100)):
            for statement in TABLE.format(t=name, n=count).split(";\n"):
                connection.execute(statement)
        connection.execute("CREATE TABLE rewritten AS SELECT g AS id, 'x' AS t FROM generate_series(1, 30) g")
        connection.execute("ALTER TABLE rewritten ALTER COLUMN id TYPE bigint")
        connection.execute("CREATE TABLE keep_rewritten AS TABLE rewritten")
        for statement in LOSS.split("; "):
            connection.execute(statement)
        connection.execute("SELECT pg_switch_wal()")
    named = [f"public.{name}" for name in ("deleted", "truncated", "dropped", "rewritten")]
    case = cases.build({"database": {"url": server.url(database)}, "reported": named}, tmp_path / "case.yaml")
    collect(case)
    return server, database, tmp_path


def difference(connection, path: Path, name: str) -> tuple[int, int, int]:
    """How many rows of the kept table are not in the file, and the other way round, and how many the file has."""
    [columns] = connection.execute(COLUMNS, (f"keep_{name}",)).fetchone()
    heads = path.read_text(encoding="utf-8").partition("\n")[0].replace('"', "")
    connection.execute(f"CREATE TEMP TABLE back (LIKE keep_{name})")
    with connection.cursor().copy(f"COPY back ({heads}) FROM STDIN WITH (FORMAT csv, HEADER)") as copy:
        copy.write(path.read_bytes())
    texts = ", ".join(f"{one}::text" for one in columns.split(", "))
    kept, back = f"SELECT {texts} FROM keep_{name}", f"SELECT {texts} FROM back"  # noqa: S608
    [one] = connection.execute(f"SELECT count(*) FROM ({kept} EXCEPT ALL {back}) a").fetchone()  # noqa: S608
    [other] = connection.execute(f"SELECT count(*) FROM ({back} EXCEPT ALL {kept}) b").fetchone()  # noqa: S608
    [count] = connection.execute("SELECT count(*) FROM back").fetchone()
    connection.execute("DROP TABLE back")
    return one, other, count


def test_the_rows_are_those_that_were_lost(loss) -> None:
    server, database, folder = loss
    evidence = open_case(folder).evidence
    wanted = [carving.Wanted(**one) for one in salvage.lost_files(investigate(evidence).findings, evidence)]
    case = cases.build({"database": {"url": server.url(database)}}, folder / "case.yaml")
    done = {one.table: one for one in carving.from_wal(case, wanted, folder / "salvaged", salvage.labels(evidence))}
    with server.connect(database) as connection:
        for name, count in (("deleted", 111), ("truncated", 102), ("dropped", 93), ("rewritten", 30)):
            told = done[name]
            assert told.rows == count
            assert told.damaged == 0
            assert difference(connection, told.path, name) == (0, 0, count)
            assert stat.S_IMODE(told.path.stat().st_mode) == 0o600
    assert "CREATE TABLE public.dropped_salvaged (id int4," in done["dropped"].command
    first, made, load = done["truncated"].command.split("\n")
    assert first == "SET default_transaction_read_only = off;"  # the freeze list has made new sessions read-only
    assert made.startswith("CREATE TABLE public.truncated_salvaged AS SELECT id, ")
    assert made.endswith(" FROM public.truncated WITH NO DATA;")
    assert load.startswith("\\copy public.truncated_salvaged (")


def test_dead_rows_are_read_out_of_a_copied_file(server, database, tmp_path) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, body text, span int4range)")
        connection.execute(
            "INSERT INTO orders SELECT g, 'row ' || g, int4range(g, g + 1) FROM generate_series(1, 500) g"
        )
        connection.execute("DELETE FROM orders WHERE id <= 400")
        connection.execute("CHECKPOINT")
        [place] = connection.execute("SELECT pg_relation_filepath('orders')").fetchone()
    copy = tmp_path / "16384"
    copy.write_bytes((server.data / place).read_bytes())
    url = server.url(database)
    (tmp_path / "case.yaml").write_text(f"database: {{url: '{url}'}}\nreported: [public.orders]\n", encoding="utf-8")
    collect(cases.load(tmp_path))
    status = cli.main(["salvage", str(tmp_path), "--table", "public.orders", "--file", str(copy), "--quiet"])
    assert status == cli.DONE
    path = tmp_path / "salvaged" / "public.orders.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    assert [(row["id"], row["body"]) for row in found] == [(str(n), f"row {n}") for n in range(1, 401)]
    with path.with_suffix(".unread.csv").open(encoding="utf-8", newline="") as stream:
        apart = list(csv.DictReader(stream))
    assert len(apart) == 400
    assert {(row["column"], row["why"]) for row in apart} == {("span", "no reader for int4range")}


def test_a_table_that_nobody_lost_is_not_salvaged_by_mistake(server, database, tmp_path, capsys) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE fine AS SELECT 1 AS id")
    (tmp_path / "case.yaml").write_text(f"database: {{url: '{server.url(database)}'}}\n", encoding="utf-8")
    collect(cases.load(tmp_path))
    assert cli.main(["salvage", str(tmp_path)]) == cli.USAGE
    assert "no table of this case lacks rows" in capsys.readouterr().err
    assert not (tmp_path / "salvaged").exists()


def test_a_purge_in_many_commits_is_brought_back_whole(server: Server, database: str, tmp_path: Path) -> None:
    with counted(server, database) as connection:
        connection.execute("CREATE TABLE score (id int PRIMARY KEY, points int)")
        connection.execute("INSERT INTO score SELECT g, g FROM generate_series(1, 9000) g")
        connection.execute("DELETE FROM score WHERE id = 8999")  # somebody's everyday work, before it
        connection.execute("CREATE TABLE keep_score AS SELECT * FROM score WHERE id <= 6200")
        ended = []
        for start in range(0, 6200, 1500):  # four of 1,500, and 200 that are left
            connection.execute("DELETE FROM score WHERE id > %s AND id <= %s", (start, min(start + 1500, 6200)))
            ended += connection.execute(
                "SELECT timestamp FROM pg_last_committed_xact()"
            ).fetchone()  # the server's own word for when the last commit was
        connection.execute("SELECT pg_switch_wal()")
    url = server.url(database)
    (tmp_path / "case.yaml").write_text(f"database: {{url: '{url}'}}\nreported: [public.score]\n", encoding="utf-8")
    collect(cases.load(tmp_path))
    found = investigate(open_case(tmp_path).evidence)
    group = found.groups.iloc[0]
    assert (group["lost_from"], group["lost_to"]) == (ended[0], ended[-1])
    assert group["dated_by"].startswith("commit records of 5 transactions")
    way = found.recovery.set_index("option").loc["wal"]
    printed = [line for line in way["commands"] if line.startswith("triage salvage")]
    assert "--xid" not in printed[0]
    assert cli.main(["salvage", str(tmp_path), "--quiet"]) == cli.DONE
    with server.connect(database) as connection:
        assert difference(connection, tmp_path / "salvaged" / "public.score.csv", "score") == (0, 0, 6200)


def test_printed_queries_of_dead_rows_name_the_transactions_of_each_table(
    server: Server, database: str, tmp_path: Path
):
    with counted(server, database) as connection:
        for name, count in (("bills", 70), ("complaints", 40)):
            connection.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)")
            connection.execute(f"INSERT INTO {name} SELECT g, 'note' FROM generate_series(1, {count}) g")  # noqa: S608 names of its own
        connection.execute("DELETE FROM bills")
        with connection.transaction(), connection.transaction():  # a savepoint: the rows bear its id
            connection.execute("DELETE FROM complaints")
    keys = {"database": {"url": server.url(database)}, "reported": ["public.bills", "public.complaints"]}
    bundle = collect(cases.build(keys, tmp_path / "case.yaml")).bundle
    found = investigate(open_case(bundle.folder.parent).evidence)
    commands = found.recovery.set_index("option").loc["dead_rows", "commands"]
    with server.connect(database) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
        queries = [each for each in commands if each.startswith("SELECT")]
        told = {name: len(connection.execute(each).fetchall()) for name in ("bills", "complaints") for each in queries
                if name in each}  # fmt: skip
    assert told == {"bills": 70, "complaints": 40}


def test_a_delete_whose_condition_every_row_met_is_the_statement_that_was_seen(server18, database18, tmp_path: Path):
    with counted(server18, database18) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        connection.execute("CREATE TABLE texts (id int PRIMARY KEY, sent bool)")
        connection.execute("INSERT INTO texts SELECT g, true FROM generate_series(1, 180) g")
        connection.execute("DELETE FROM texts WHERE sent")
    keys = {"database": {"url": server18.url(database18)}, "reported": ["public.texts"]}
    bundle = collect(cases.build(keys, tmp_path / "case.yaml")).bundle
    [told] = investigate(open_case(bundle.folder.parent).evidence).explaining_statements.to_dict("records")
    assert (told["observed"], told["text"]) == (True, "DELETE FROM texts WHERE sent")
