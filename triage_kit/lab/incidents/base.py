"""What a practice incident is, and the steps that every one of them takes on its server."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import psycopg
from psycopg import sql

from triage_kit.errors import LabError
from triage_kit.lab.server import Server

PATIENCE = 30.0
MONITOR, VISITOR = "triage_monitor", "triage_visitor"  # pg_monitor and no more; a role with no right but to connect
Counters = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Incident:
    """A loss, or what looks like one, that can be rebuilt on any server.

    ``truth`` is what a perfect analyst would find: ``{"tables": {"schema.table": {"status", "mechanism",
    "missing_rows", "inserts", "deletes", ...}}, "cause": ..., "roots": [...]}`` in the words of findings.json, the
    counters as pg_stat_user_tables shows them at the end. ``build(server, folder)`` does the deed and gives the keys of
    case.yaml, paths relative to ``folder``, with ``database.name`` in place of a URL; logs are ``log/*``, where the
    demo puts the server's own. ``settings`` are what the server must be started with.

    For the scoreboard: no likelihood had been adjusted on an incident with ``holdout`` when it was first judged (on
    those of ``STUDIED`` they may have been since); ``later(server)`` is a day's traffic after the deed; ``since``
    is the oldest major that knows its statements; ``views`` tells by view what is other there: ``{"crash":
    {"tables": {...}, "cause": ...}}`` what is true of it then, ``{"no_log": {"untellable": {"schema.table": (words,
    ...)}}}`` what a perfect analyst could not tell apart, ``{"vacuum": None}`` that the view cannot be taken.
    ``reported`` are the tables that people name, as in case.yaml.
    """

    name: str
    title: str
    truth: dict
    build: Callable[[Server, Path], dict]
    settings: Mapping[str, object] = field(default_factory=dict)
    holdout: bool = False
    since: int = 13
    later: Callable[[Server], None] | None = None
    views: Mapping[str, dict | None] = field(default_factory=dict)
    reported: tuple[str, ...] = ()

    @property
    def counters(self) -> Counters:
        """Inserts and deletes by qualified table, where the truth names both."""
        tables = self.truth["tables"].items()
        return {name: (of["inserts"], of["deletes"]) for name, of in tables if of["inserts"] is not None}


def table(
    status: str = "intact",
    mechanism: str = "none",
    missing_rows: int | None = 0,
    *,
    inserts: int | None,
    deletes: int | None = 0,
    rows: int | None,
    via: tuple[str, ...] = (),
) -> dict:
    """The truth of one table; ``rows`` stand in it at the end, any root in ``via`` explains it."""
    return {
        "status": status,
        "mechanism": mechanism,
        "missing_rows": missing_rows,
        "inserts": inserts,
        "deletes": deletes,
        "rows": rows,
        "via": via,
    }


def now() -> datetime:
    """The present instant, aware UTC with microseconds."""
    return datetime.now(UTC)


@contextmanager
def session(
    server: Server, database: str, role: str, application: str, autocommit: bool = True
) -> Iterator[psycopg.Connection]:
    """A session of its own, as a process of that name would open: its counters are sent when it ends.

    Load, TRUNCATE and later work must not share one: n_live_tup and n_ins_since_vacuum come out wrong then (measured on
    PostgreSQL 13 to 18).
    """
    connection = server.connect(database, role, autocommit=autocommit, application=application)
    try:
        yield connection
    finally:
        connection.close()


def attempt(work: Callable[[], object]) -> None:
    """Do what must fail, so that the server's log holds a real ERROR; LabError when it succeeds."""
    try:
        work()
    except psycopg.Error:
        return
    raise LabError("a step of the practice incident was meant to fail on this server, and it succeeded")


def apply(connection: psycopg.Connection, migration: str, revision: str | None = None) -> None:
    """Run ``upgrade()`` of an Alembic file in one transaction, and note the revision as Alembic would."""
    with connection.transaction():
        for statement in upgrade_statements(migration):
            connection.execute(sql.SQL(statement))
        if revision:
            connection.execute("UPDATE public.alembic_version SET version_num = %s", (revision,))


def upgrade_statements(migration: str) -> list[str]:
    """Texts of ``op.execute`` inside ``upgrade`` in order; the file itself is read, never run.

    >>> upgrade_statements('def upgrade():\\n    op.execute("DROP TABLE a")\\n    op.execute("DROP TABLE b")')
    ['DROP TABLE a', 'DROP TABLE b']
    """
    upgrade = next(
        node for node in ast.parse(migration).body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    )
    calls = [
        node for node in ast.walk(upgrade) if isinstance(node, ast.Call) and ast.unparse(node.func) == "op.execute"
    ]
    return [ast.literal_eval(call.args[0]) for call in sorted(calls, key=lambda call: call.lineno)]


def material(incident: str, name: str) -> str:
    """Text of a file that belongs to an incident; ``.txt`` hides its Python from tools that read this package."""
    return (files("triage_kit.lab.incidents") / "data" / incident / f"{name}.txt").read_text("utf-8")


def waited(check: Callable[[], object], what: str) -> None:
    """Poll until the check holds; LabError says what did not come, and what the check gave last."""
    deadline = time.monotonic() + PATIENCE
    while (last := check()) is not True:
        if time.monotonic() > deadline:
            raise LabError(f"the practice incident waited {PATIENCE:.0f} s for {what} in vain; last seen: {last}")
        time.sleep(0.02)


def settled(server: Server, database: str, wanted: Counters) -> None:
    """Wait until the counters are those; they appear some time after the sessions ended."""

    def check() -> object:
        seen = counters(server, database)
        wrong = {name: (seen.get(name), both) for name, both in wanted.items() if seen.get(name) != both}
        return not wrong or f"(seen, wanted) {wrong}"

    waited(check, "the counters")


def counters(server: Server, database: str) -> Counters:
    """Inserts and deletes that pg_stat_user_tables shows now, by qualified table."""
    with session(server, database, "postgres", "triage_lab") as connection:
        rows = connection.execute("SELECT schemaname || '.' || relname, n_tup_ins, n_tup_del FROM pg_stat_user_tables")
        return {name: (inserts, deletes) for name, inserts, deletes in rows}


def quiet(server: Server) -> None:
    """Wait until no autovacuum worker has run for a tenth of a second: each holds an xid and writes catalogue pages."""
    since = time.monotonic()

    def check() -> object:
        nonlocal since
        with session(server, "postgres", "postgres", "triage_lab") as connection:
            query = "SELECT datname FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
            workers = connection.execute(query).fetchall()
        since = time.monotonic() if workers else since
        return time.monotonic() - since > 0.1 or f"autovacuum in {workers}"

    waited(check, "autovacuum's workers to finish")


def checkpoint(server: Server) -> None:
    """A checkpoint, which the log shows where log_checkpoints is on."""
    with session(server, "postgres", "postgres", "") as connection:
        connection.execute("CHECKPOINT")


def roles(server: Server, database: str, owner: str, others: Mapping[str, str]) -> None:
    """The database and its roles: its owner, others as members of the role they are given, and three that may look."""
    with session(server, "postgres", "postgres", "") as connection:
        watching = "pg_monitor, pg_read_all_data" if server.version[0] >= 14 else "pg_monitor"
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(owner)))
        for name, group in others.items():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
            if group:
                connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(group), sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE ROLE triage LOGIN IN ROLE {}").format(sql.SQL(watching)))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE pg_monitor").format(sql.Identifier(MONITOR)))
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(VISITOR)))
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
        )
