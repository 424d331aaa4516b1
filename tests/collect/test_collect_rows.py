"""Which tables are counted, how, and what is said of those that are not; expected rows are what the test put there."""

import pytest
from waiting import reported

from triage_kit.collect import harmless

BIG = 20_000  # rows of about 500 bytes: more pages than are read by tuple identifiers
FILL = "INSERT INTO {} SELECT i, repeat('x', 460) FROM generate_series(1, 20000) AS i"


def counted(done) -> dict[str, tuple]:
    found = done.bundle.table("row_counts")
    rows = found["rows"].astype(object).where(found["rows"].notna(), None)
    return dict(zip(found["table"], zip(rows, found["method"], strict=True), strict=True))


def reason(done, table: str) -> str:
    return done.bundle.table("row_counts").set_index("table").loc[table, "reason"]


TABLES = """
CREATE TABLE empty (id int);
CREATE TABLE clean AS SELECT i AS id FROM generate_series(1, 77) i;
CREATE TABLE deleted AS SELECT i AS id FROM generate_series(1, 60) i;
DELETE FROM deleted WHERE id <= 45;
CREATE TABLE guarded AS SELECT i AS id FROM generate_series(1, 30) i;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON guarded USING (id < 4);
CREATE TABLE secret AS SELECT i AS id FROM generate_series(1, 8) i;
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
INSERT INTO parted VALUES (1), (1);
CREATE MATERIALIZED VIEW unfilled AS SELECT * FROM clean WITH NO DATA;
CREATE MATERIALIZED VIEW filled AS SELECT * FROM clean WHERE id > 7;
CREATE TABLE "50%% ""off"" ; --" AS SELECT 1 AS id;
"""


@pytest.fixture
def filled(server, database, roles):
    with server.connect(database) as connection:
        connection.execute(TABLES.replace("%%", "%"))
        connection.execute("GRANT SELECT ON empty, clean, deleted, guarded, parted, parted_1, filled TO plain_role")
        connection.execute(
            "CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; "
            "CREATE FOREIGN TABLE outside (line text) SERVER files OPTIONS (filename '/does/not/exist')"
        )
    return database


def test_a_superuser_counts_every_kind_of_table_safely(server, filled, ask) -> None:
    done = ask(server, filled)
    assert counted(done) == {
        "empty": (0, "empty_file"),
        "clean": (77, "exact"),
        "deleted": (15, "exact"),
        "guarded": (30, "exact"),
        "secret": (8, "exact"),
        "parted": (None, "none"),
        "parted_1": (2, "exact"),
        "unfilled": (0, "empty_file"),
        "filled": (70, "exact"),
        "outside": (None, "none"),
        '50% "off" ; --': (1, "exact"),
    }
    assert "another server" in reason(done, "outside")


def test_a_plain_role_is_told_why_a_table_is_not_counted(server, filled, ask) -> None:
    done = ask(server, filled, "plain_role")
    found = counted(done)
    assert found["clean"] == (77, "exact")
    assert found["guarded"] == found["secret"] == (None, "none")
    assert "row security" in reason(done, "guarded")
    assert "may not read it" in reason(done, "secret")
    gap = done.bundle.table("questions").set_index("source").loc["row_counts: not counted"]
    assert gap["status"] == "skipped"
    assert gap["reason"].startswith("3 of 9 tables")  # guarded, secret and the one with a hostile name


def test_pgstattuple_tells_where_a_select_may_not(server, filled, ask) -> None:
    with server.connect(filled) as connection:
        connection.execute("CREATE EXTENSION pgstattuple")
    found = counted(ask(server, filled, "monitor_role"))
    assert found["secret"] == (8, "pgstattuple")
    assert found["guarded"] == (30, "pgstattuple")
    assert found["deleted"] == (15, "pgstattuple")


def test_counting_none_asks_nothing_of_a_table_and_still_knows_empty_files(server, filled, ask) -> None:
    found = counted(ask(server, filled, counting="none"))
    assert found["empty"] == (0, "empty_file")
    assert {name for name, (rows, _) in found.items() if rows is not None} == {"empty", "unfilled"}


def test_a_large_table_is_scanned_only_where_nothing_can_be_lost(server18, database18, ask) -> None:
    with server18.connect(database18) as connection:
        connection.execute("CREATE EXTENSION pageinspect")
        for name in ("tidy", "dirty"):
            connection.execute(f"CREATE TABLE {name} (id int, filler text) WITH (autovacuum_enabled = off)")
            connection.execute(FILL.format(name))
        assert connection.execute("SELECT pg_relation_size('tidy') / 8192").fetchone()[0] > harmless.PAGES
        connection.execute("DELETE FROM dirty WHERE id <= 500")
    reported(server18, database18, "dirty", deletes=500)
    done = ask(server18, database18)
    assert counted(done)["dirty"] == (None, "none")
    assert "dead rows" in reason(done, "dirty")
    with server18.connect(database18) as connection:
        dead = connection.execute(
            "SELECT count(*) FROM heap_page_items(get_raw_page('dirty', 0)) WHERE t_xmax <> 0 AND t_data IS NOT NULL"
        ).fetchone()[0]
    assert dead == 16  # 8168 bytes of a page hold 16 tuples of 488 + 4 bytes
    exact = counted(ask(server18, database18, counting="exact"))
    assert exact == {"tidy": (BIG, "exact"), "dirty": (BIG - 500, "exact")}


def test_a_large_table_without_dead_rows_is_scanned_when_the_database_is_quiet(server18, database18, ask) -> None:
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE tidy (id int, filler text) WITH (autovacuum_enabled = off)")
        connection.execute(FILL.format("tidy"))
        connection.execute("VACUUM tidy")
        reported(server18, database18, "tidy", inserts=BIG)
        # This session may have more to report yet: it was active less than a minute ago.
        assert "sessions may have some to report" in reason(ask(server18, database18), "tidy")
    assert counted(ask(server18, database18)) == {"tidy": (BIG, "exact")}
