"""First, do no harm: what a run leaves untouched on a real server."""

import threading
import time

import pytest

from triage_kit.collect import address, harmless
from triage_kit.collect.server import Limits, Refused, Session

DEAD = """
SELECT count(*) FROM generate_series(0, pg_relation_size(%(table)s::regclass) / 8192 - 1) AS b,
LATERAL heap_page_items(get_raw_page(%(table)s::text, b::int)) AS i WHERE i.t_data IS NOT NULL AND i.t_xmax <> 0
"""
FULL_PAGES = "INSERT INTO {} SELECT i, repeat('x', 60) FROM generate_series(1, 4000) AS i"


def dead_rows(connection, table: str) -> int:
    return connection.execute(DEAD, {"table": table}).fetchone()[0]


def test_dead_rows_are_all_there_after_a_safe_run(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE EXTENSION pageinspect")
        for name in ("gone", "half", "alembic_version"):
            column = "version_num" if name == "alembic_version" else "note"
            connection.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, {column} text)")
            connection.execute(FULL_PAGES.format(name))
        connection.execute("DELETE FROM gone; DELETE FROM half WHERE id % 2 = 0; "
                           "DELETE FROM alembic_version WHERE id > 9; CHECKPOINT")
        before = {name: dead_rows(connection, name) for name in ("gone", "half", "alembic_version")}
        done = ask(server, database)
        assert before == {"gone": 4000, "half": 2000, "alembic_version": 3991}
        assert {name: dead_rows(connection, name) for name in before} == before
        counts = done.bundle.table("row_counts").set_index("table")
        assert counts["rows"].to_dict() == {"gone": 0, "half": 2000, "alembic_version": 9}
        assert set(counts["method"]) == {"exact"}
        assert len(done.bundle.table("version_tables")) == 9
        # The control: the scan that the kit avoids does remove them.
        connection.execute("SELECT count(*) FROM gone")
        assert dead_rows(connection, "gone") < 400


def test_a_run_takes_no_transaction_id_and_makes_nothing(server, database, ask) -> None:
    state = ("SELECT pg_snapshot_xmax(pg_current_snapshot())::text, (SELECT count(*) FROM pg_class), "
             "(SELECT count(*) FROM pg_proc), (SELECT max(oid::bigint) FROM pg_class)")
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE t (id serial); INSERT INTO t VALUES (1)")
        before = connection.execute(state).fetchone()
        ask(server, database)
        assert connection.execute(state).fetchone() == before


def test_a_second_run_on_an_idle_server_writes_no_wal(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE t (id serial PRIMARY KEY, at timestamptz DEFAULT now())")
        connection.execute("INSERT INTO t SELECT FROM generate_series(1, 500); DELETE FROM t WHERE id > 100")
        connection.execute("CHECKPOINT")
    runs = [ask(server, database) for _ in range(4)]
    stated = runs[0].bundle.table("questions").set_index("source").loc["wal_written", "reason"]
    assert f"wrote {runs[0].wal_bytes} bytes" in stated
    # A standby snapshot of the background writer (every 15 s of an active server) may fall into one of the runs.
    assert min(run.wal_bytes for run in runs[1:]) == 0


def test_every_read_is_one_bounded_read_only_transaction_on_one_connection(server, database, new_case) -> None:
    with Session(address.parameters(url=server.url(database))) as session, server.connect() as watch:
        facts = session.read("SELECT pg_catalog.pg_backend_pid() AS pid, "
                             "current_setting('transaction_read_only') AS readonly, "
                             "current_setting('statement_timeout') AS statement, "
                             "current_setting('lock_timeout') AS lock, "
                             "current_setting('idle_in_transaction_session_timeout') AS idle", limits=Limits(700, 300))
        pid = facts[0].pop("pid")
        assert facts == [{"readonly": "on", "statement": "700ms", "lock": "300ms", "idle": "10s"}]
        assert session.read("SELECT pg_catalog.pg_backend_pid() AS pid") == [{"pid": pid}]
        with pytest.raises(Refused, match="read-only") as refusal:
            session.read("CREATE TABLE public.x (id int)")
        assert refusal.value.status == "failed"
        mine = watch.execute("SELECT pid, state FROM pg_stat_activity WHERE application_name = 'triage_kit' "
                             "AND datname = %s", (database,)).fetchall()
        assert mine == [(pid, "idle")]
        # Nothing is set for the session: behind a transaction pooler the next client would get it.
        plain = session._driver().execute(
            "SELECT current_setting('statement_timeout'), current_setting('search_path'), "
            "current_setting('default_transaction_read_only')").fetchone()
        assert plain == ("0", '"$user", public', "off")


def test_sqlalchemys_own_first_questions_are_read_only_too(server18, database18, new_case) -> None:
    server18.reload(log_statement="all", log_line_prefix="<%a> ")
    start = server18.log_file.stat().st_size
    try:
        with Session(address.parameters(url=server18.url(database18))) as session:
            session.read("SELECT 1 AS one")
    finally:
        server18.reload(log_statement="none")
    with server18.log_file.open() as log:
        log.seek(start)
        said = [line.partition("statement: ")[2] or line.partition("<unnamed>: ")[2]
                for line in log if line.startswith("<triage_kit>") and "LOG" in line]
    inside = False
    for statement in said:
        assert inside or statement.startswith("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"), statement
        inside = "COMMIT" not in statement.split(";")[0] if inside else True
    assert len(said) >= 6


def test_no_lock_is_stronger_than_access_share_and_none_lasts(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE a (id serial PRIMARY KEY CHECK (id > 0)); CREATE VIEW v AS SELECT * FROM a; "
                           "INSERT INTO a SELECT FROM generate_series(1, 3000); DELETE FROM a WHERE id < 9")
    seen: set[str] = set()
    ages: list[float] = []
    over = threading.Event()

    def watch() -> None:
        with server.connect(database) as connection:
            while not over.is_set():
                for mode, age in connection.execute(
                        "SELECT l.mode, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 "
                        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
                        "WHERE a.application_name = 'triage_kit' AND a.datname = current_database() "
                        "AND l.locktype = 'relation'").fetchall():
                    seen.add(mode)
                    ages.append(age or 0.0)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(3):
        ask(server, database)
    over.set()
    watcher.join()
    assert seen == {"AccessShareLock"}
    assert max(ages) < 1.0


def test_a_locked_table_is_skipped_and_named_and_nothing_waits_for_it(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE busy (id serial PRIMARY KEY CHECK (id > 0)); CREATE TABLE idle (id int); "
                           "CREATE VIEW over_busy AS SELECT * FROM busy; "
                           "INSERT INTO busy SELECT FROM generate_series(1, 9); "
                           "ALTER TABLE busy ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON busy USING (id > 1); "
                           "INSERT INTO idle VALUES (1)")
    with server.connect(database, autocommit=False) as holder:
        holder.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        done = ask(server, database)
        waited = time.monotonic() - began
        holder.rollback()
    table = done.bundle.table
    oid = table("relations").set_index("name").loc["busy", "oid"]
    assert table("storage").set_index("oid").loc[oid, "skipped"] == "locked by ACCESS EXCLUSIVE"
    assert table("locks").set_index("oid").loc[oid, "mode"] == "ACCESS EXCLUSIVE"
    counts = table("row_counts").set_index("table")
    assert counts.loc["busy", "reason"] == "locked by ACCESS EXCLUSIVE"
    assert counts.loc["idle", "rows"] == 1
    # The foreign keys of a locked table are still told; what would have to open it is missing.
    kinds = table("constraints").set_index("kind")
    assert kinds.loc["primary_key", "definition"] == "PRIMARY KEY (id)"
    assert kinds.loc["check", ["definition"]].isna().all()
    assert table("policies")["using"].isna().all()
    questions = table("questions").set_index("source")
    assert questions.loc["storage: locked tables", "status"] == "skipped"
    assert "failed" not in set(questions["status"])
    # Known locks are walked around; only the view over the table is found by waiting, half a second each time.
    assert waited < 15


def test_a_plan_that_would_scan_is_refused_before_it_runs(server18, database18) -> None:
    with server18.connect(database18) as connection:
        connection.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
        oid = connection.execute("SELECT 't'::regclass::oid::int").fetchone()[0]
    with Session(address.parameters(url=server18.url(database18))) as session:
        with pytest.raises(Refused, match="planner") as refusal:
            harmless.read(session, "SELECT id FROM ONLY public.t AS r", [oid], Limits())
        assert refusal.value.status == "skipped"
        by_place = f"SELECT id FROM ONLY public.t AS r WHERE {harmless.EVERY_PLACE}"  # noqa: S608 our own constant
        assert harmless.read(session, by_place, [oid], Limits()) == [{"id": 1}]
