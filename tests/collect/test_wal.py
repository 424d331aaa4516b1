"""The WAL that is there tells which transaction removed what, and which rows stand in it, on every major."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from counters import counted

from triage_kit import case as cases
from triage_kit import open_case
from triage_kit.analyse import investigate
from triage_kit.collect import collect
from triage_kit.lab.server import Server
from triage_kit.parse.wal import Reader, segment
from triage_kit.parse.wal.pages import NotWal

DEED = """
CREATE TABLE {a} (id int PRIMARY KEY, body text);
CREATE TABLE {b} (id int PRIMARY KEY, body text);
INSERT INTO {a} SELECT g, 'row ' || g FROM generate_series(1, 300) g;
INSERT INTO {b} SELECT g, 'row ' || g FROM generate_series(1, 100) g;
"""


@pytest.fixture
def deed(server: Server, database: str) -> tuple[Server, str, dict]:
    """A DELETE of 50 rows, a TRUNCATE inside a savepoint and 7 rows that were rolled back, on one server."""
    with server.connect(database) as connection:
        connection.execute(DEED.format(a="a", b="b"))
        known = dict(
            connection.execute("SELECT relname, oid::int FROM pg_class WHERE relname IN ('a', 'b')").fetchall()
        )
        connection.execute("BEGIN; DELETE FROM a WHERE id <= 50")
        known["delete"] = _xid(connection)
        connection.execute("COMMIT; BEGIN; INSERT INTO a VALUES (1000, ''); SAVEPOINT s; TRUNCATE b")
        known["truncate"] = _xid(connection)
        connection.execute("RELEASE s; COMMIT")
        connection.execute("BEGIN; INSERT INTO b SELECT g FROM generate_series(1, 7) g; ROLLBACK")
        row = connection.execute(
            "SELECT xmin::text::int, relfilenode::int FROM pg_class WHERE relname = 'b'"
        ).fetchone()
        known["subxid"], known["file"] = row
        connection.execute("SELECT pg_switch_wal()")
    return server, database, known


def _xid(connection) -> int:
    return connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0] % (1 << 32)


def told(bundle, known: dict) -> None:
    ended = bundle.table("wal_transactions").set_index("xid")
    deleted, truncated = ended.loc[known["delete"]], ended.loc[known["truncate"]]
    assert (deleted["outcome"], deleted["deletes"]) == ("committed", 50)
    assert (truncated["outcome"], str(known["subxid"]) in truncated["subxids"]) == ("committed", True)
    assert any(name.endswith(f"/{known['b']}") for name in truncated["old_files"])
    assert any(name.endswith(f"/{known['file']}") for name in truncated["new_files"])
    assert deleted["ended_at"] < truncated["ended_at"]
    assert deleted["after"] > truncated["after"]
    changes = bundle.table("wal_changes")
    undone = changes[(changes["filenode"] == known["file"]) & (changes["operation"] == "insert")]
    assert undone["rows"].tolist() == [7]
    assert ended.loc[undone["xid"].iloc[0], "outcome"] == "rolled_back"


def test_the_servers_own_wal_names_transaction_files_and_rows(deed, tmp_path) -> None:
    server, database, known = deed
    bundle = collect(cases.build({"database": {"url": server.url(database)}}, tmp_path / "case.yaml")).bundle
    assert bundle.table("questions").set_index("source").loc["wal", "variant"] == "server_files"
    told(bundle, known)
    stored = bundle.table("wal_rows").set_index("filenode")
    assert stored.loc[known["b"], "rows"] == 100
    assert stored.loc[known["a"], "rows"] == 301
    with server.connect(database) as connection:
        at = connection.execute(
            "SELECT track.v FROM (SELECT current_setting('track_commit_timestamp') v) track"
        ).fetchone()
        assert at == ("on",)
        wanted = connection.execute(
            "SELECT pg_xact_commit_timestamp(%s::text::xid)", (str(known["truncate"]),)
        ).fetchone()
    assert bundle.table("wal_transactions").set_index("xid").loc[known["truncate"], "ended_at"] == wanted[0]


def test_copies_of_segments_tell_the_same_without_a_server(deed, tmp_path) -> None:
    server, _, known = deed
    copies = tmp_path / "copies"
    copies.mkdir()
    for path in sorted((server.data / "pg_wal").glob("0*")):
        shutil.copyfile(path, copies / path.name)
    done = collect(cases.build({"wal": "copies"}, tmp_path / "case.yaml"))
    assert done.named_unread == []
    told(done.bundle, known)
    [span] = done.bundle.table("wal_spans").to_dict("records")
    with server.connect() as connection:
        query = "SELECT system_identifier::text FROM pg_control_system()"
        assert span["system_identifier"] == connection.execute(query).fetchone()[0]


DROPPED = """
CREATE SCHEMA till;
CREATE TABLE till.slips (id int PRIMARY KEY, body text);
INSERT INTO till.slips SELECT g, 'slip ' || g FROM generate_series(1, 250) g;
CREATE TABLE till.days (day date, takings int) PARTITION BY RANGE (day);
CREATE TABLE till.days_may PARTITION OF till.days FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
INSERT INTO till.days VALUES ('2026-05-03', 4);
CREATE TABLE spared (id int); CREATE TABLE renamed (id int); CREATE TABLE rewritten (id int);
INSERT INTO rewritten VALUES (1), (2);
CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM rewritten;
"""
LEAVES = """
CREATE TEMPORARY TABLE mine (id int); DROP TABLE mine;
BEGIN; CREATE TABLE brief (id int); DROP TABLE brief; COMMIT;
BEGIN; DROP TABLE spared; ROLLBACK;
ALTER TABLE renamed RENAME TO called; TRUNCATE rewritten; ALTER TABLE rewritten ADD COLUMN b int DEFAULT 4;
VACUUM FULL rewritten;
"""


@pytest.fixture
def gone(server: Server, database: str) -> tuple[Server, str, dict[str, int]]:
    """A table, a partition and a view that were dropped, and much that only looks like it."""
    with counted(server, database) as connection:
        for each in DROPPED.strip().splitlines():
            connection.execute(each)
        known = dict(connection.execute("SELECT relname, oid::int FROM pg_class WHERE oid >= 16384").fetchall())
        connection.execute("ANALYZE till.slips")
        for line in LEAVES.strip().splitlines():
            for each in line.split(";"):
                connection.execute(each)
        connection.execute("BEGIN; SAVEPOINT s; DROP TABLE till.days_may; DROP SCHEMA till CASCADE")
        connection.execute("RELEASE s")
        known["xid"] = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0] % (1 << 32)
        connection.execute("COMMIT; DROP MATERIALIZED VIEW sums; CREATE SCHEMA till; CREATE TABLE till.slips (id int)")
    return server, database, known


def test_tables_that_were_dropped_have_names_in_the_wal(gone, tmp_path) -> None:
    server, database, known = gone
    keys = {"database": {"url": server.url(database)}, "reported": ["till.slips"]}
    bundle = collect(cases.build(keys, tmp_path / "case.yaml")).bundle
    mine = bundle.table("wal_dropped")
    mine = mine[mine["database_oid"].isin(bundle.table("identity")["database_oid"])].set_index("table")
    assert set(mine.index) == {"slips", "days", "days_may", "sums"}
    assert mine["oid"].to_dict() == {name: known[name] for name in mine.index}
    assert mine["schema"].to_dict() == {"slips": "till", "days": "till", "days_may": "till", "sums": "public"}
    assert mine["xid"].eq(known["xid"]).to_dict() == {"slips": True, "days": True, "days_may": True, "sums": False}
    assert mine["partition"].to_dict() == {"slips": False, "days": False, "days_may": True, "sums": False}
    assert mine["kind"].to_dict() == {
        "slips": "table", "days": "partitioned", "days_may": "table", "sums": "materialized_view"
    }  # fmt: skip
    assert mine["tuples"].to_dict()["slips"] == 250
    assert mine["made"].all()
    found = investigate(open_case(bundle.folder.parent).evidence)
    told = found.findings.set_index("table").loc["slips"]
    assert (told["mechanism"], told["former_rows"]) == ("recreate", 250)
    moved = found.mechanism_evidence
    assert set(moved.loc[(moved["table"] == "slips") & (moved["signal"] == "wal"), "outcome"]) == {"other_dropped"}
    ended = bundle.table("wal_transactions").set_index("xid").loc[known["xid"], "ended_at"]
    assert (told["lost_from"], told["lost_to"]) == (ended, ended)


def test_a_table_older_than_the_wal_is_missed_when_the_wal_drops_it(server18, database18, tmp_path) -> None:
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE ledger (id int); CREATE TABLE work (id int); INSERT INTO ledger VALUES (1)")
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
        oldest = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()[0]
        connection.execute("DROP TABLE ledger")
        connection.execute("CREATE TABLE passing (id int)")
        connection.execute("DROP TABLE passing")
    copies = tmp_path / "copies"
    copies.mkdir()
    for path in (server18.data / "pg_wal").glob("0*"):
        if path.name >= oldest:
            shutil.copyfile(path, copies / path.name)
    keys = {"database": {"url": server18.url(database18)}, "wal": "copies"}
    bundle = collect(cases.build(keys, tmp_path / "case.yaml")).bundle
    found = investigate(open_case(bundle.folder.parent).evidence)
    table = found.findings.set_index("table")
    assert set(table.index) == {"ledger", "work"}  # what came and went within the WAL is nobody's loss
    assert (table.loc["ledger", "status"], table.loc["ledger", "mechanism"]) == ("missing", "drop")
    assert "wal_dropped" in set(found.evidence["source"])


@pytest.mark.pg(">= 15")
def test_pg_walinspect_tells_it_to_those_who_may_read_no_file(deed, tmp_path) -> None:
    server, database, known = deed
    if server.version[0] < 15:
        pytest.skip("pg_walinspect came with 15")
    with server.connect(database) as connection:
        connection.execute("CREATE EXTENSION pg_walinspect")
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'wal_reader'").fetchone():
            connection.execute("CREATE ROLE wal_reader LOGIN IN ROLE pg_read_server_files, pg_monitor")
    keys = {"database": {"url": server.url(database, "wal_reader")}}
    bundle = collect(cases.build(keys, tmp_path / "case.yaml")).bundle
    assert bundle.table("questions").set_index("source").loc["wal", "variant"] == "pg_walinspect"
    told(bundle, known)


def test_who_may_not_read_it_gets_a_gap(server18, database18, tmp_path) -> None:
    with server18.connect() as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'looker'").fetchone():
            connection.execute("CREATE ROLE looker LOGIN")
    keys = {"database": {"url": server18.url(database18, "looker")}}
    done = collect(cases.build(keys, tmp_path / "case.yaml"))
    gap = done.bundle.table("questions").set_index("source").loc["wal"]
    assert gap["status"] == "refused"
    assert "pg_walinspect is not installed" in gap["reason"]
    assert done.named_unread == []


@pytest.mark.parametrize(("content", "told"), [(b"", "got 0 bytes"), (bytes(8192), "begin with zeros"),
                                               (b"SQLite format 3\0" * 600, "no WAL of PostgreSQL")])  # fmt: skip
def test_what_is_no_wal_is_named_and_ends_nothing(tmp_path, content, told) -> None:
    (tmp_path / "wal").mkdir()
    (tmp_path / "wal" / "000000010000000000000001").write_bytes(content)
    done = collect(cases.build({"wal": "wal"}, tmp_path / "case.yaml"))
    [unread] = done.named_unread
    assert told in unread


def test_bytes_that_were_changed_end_the_reading_where_they_are(server18, database18) -> None:
    with server18.connect(database18) as connection:
        connection.execute(DEED.format(a="a", b="b"))
    newest = max(path for path in (server18.data / "pg_wal").glob("0*") if _readable(path))
    good = newest.read_bytes()
    for at in (40, 5000, 100_000, 200_003):
        reader = Reader()
        reader.feed(
            segment(good[:at] + bytes(64) + good[at + 64 :] if at != 40 else good[:40] + b"\xff" * 64 + good[104:])
        )
        reader.tally.close()
        whole = Reader()
        whole.feed(segment(good))
        assert sum(span.records for span in reader.tally.spans) <= sum(span.records for span in whole.tally.spans)


def _readable(path: Path) -> bool:
    try:
        segment(path.read_bytes())
    except NotWal:
        return False
    return True
