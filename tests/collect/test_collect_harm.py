"""First, do no harm: what a run leaves untouched on a real server."""

import time

import pytest

from triage_kit.collect import address, harmless
from triage_kit.collect.server import Limits, Refused, Session


def test_every_read_is_one_bounded_read_only_transaction_on_one_connection(server, database, new_case) -> None:
    with Session(address.parameters(url=server.url(database))) as session, server.connect() as watch:
        facts = session.read(
            "SELECT pg_catalog.pg_backend_pid() AS pid, "
            "current_setting('transaction_read_only') AS readonly, "
            "current_setting('statement_timeout') AS statement, "
            "current_setting('lock_timeout') AS lock, "
            "current_setting('idle_in_transaction_session_timeout') AS idle",
            limits=Limits(700, 300),
        )
        pid = facts[0].pop("pid")
        assert facts == [{"readonly": "on", "statement": "700ms", "lock": "300ms", "idle": "10s"}]
        assert session.read("SELECT pg_catalog.pg_backend_pid() AS pid") == [{"pid": pid}]
        with pytest.raises(Refused, match="read-only") as refusal:
            session.read("CREATE TABLE public.x (id int)")
        assert refusal.value.status == "failed"
        mine = watch.execute(
            "SELECT pid, state FROM pg_stat_activity WHERE application_name = 'triage_kit' AND datname = %s",
            (database,),
        ).fetchall()
        assert mine == [(pid, "idle")]
        # Nothing is set for the session: behind a transaction pooler the next client would get it.
        plain = (
            session._driver()
            .execute(
                "SELECT current_setting('statement_timeout'), current_setting('search_path'), "
                "current_setting('default_transaction_read_only')"
            )
            .fetchone()
        )
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
        said = [
            line.partition("statement: ")[2] or line.partition("<unnamed>: ")[2]
            for line in log
            if line.startswith("<triage_kit>") and "LOG" in line
        ]
    inside = False
    for statement in said:
        assert inside or statement.startswith("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"), statement
        inside = "COMMIT" not in statement.split(";")[0] if inside else True
    assert len(said) >= 6


def test_a_locked_table_is_skipped_and_named_and_nothing_waits_for_it(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute(
            "CREATE TABLE busy (id serial PRIMARY KEY CHECK (id > 0)); CREATE TABLE idle (id int); "
            "CREATE VIEW over_busy AS SELECT * FROM busy; "
            "INSERT INTO busy SELECT FROM generate_series(1, 9); "
            "ALTER TABLE busy ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON busy USING (id > 1); "
            "INSERT INTO idle VALUES (1)"
        )
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


def test_a_superuser_who_is_made_none_while_connected_goes_on(server, database) -> None:
    with server.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS was_super; CREATE ROLE was_super LOGIN SUPERUSER")
        with Session(address.parameters(url=server.url(database, "was_super"))) as session:
            assert session.read("SELECT 1 AS one") == [{"one": 1}]
            connection.execute("ALTER ROLE was_super NOSUPERUSER")
            assert session.read("SELECT 2 AS two") == [{"two": 2}]
        connection.execute("DROP ROLE was_super")
