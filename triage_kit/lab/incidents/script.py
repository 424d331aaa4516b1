"""Practice incidents as data: a schema, who ran what in which session, and what is true at the end."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from triage_kit.lab import history
from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.base import Incident, table
from triage_kit.lab.server import Server

QUIET = 0.4
SERIES = re.compile(r"generate_series\((\d+), (\d+)\)")
# Views that show neither a statement nor how often one ran, at the logging that a server has by itself.
BLIND = ("pg_monitor", "plain", "no_log", "restart", "crash", "vacuum", "day_later", "bundle", "stats_csv")
# Neither log nor repository nor catalogue speaks of the deed there: `unknown` is as right as the true cause.
ANONYMOUS: dict[str, dict | None] = {view: {"untellable": {}} for view in BLIND}


@dataclass(frozen=True)
class Act:
    """Statements of one session: each its own transaction, or ``whole``: all of them one; ``fails`` at the last."""

    role: str
    application: str
    statements: tuple[str, ...]
    whole: bool = False
    fails: bool = False
    undone: bool = False
    database: str | None = None

    def __call__(self, stage: Stage) -> None:
        with base.session(stage.server, self.database or stage.database, self.role, self.application) as connection:
            if self.fails:
                base.attempt(lambda: self._run(connection))
            else:
                self._run(connection)

    def _run(self, connection: psycopg.Connection) -> None:
        if not self.whole and not self.undone:
            for statement in self.statements:
                for part in _in_parts(statement):
                    connection.execute(sql.SQL(part))
            return
        with connection.transaction(force_rollback=self.undone):
            for statement in self.statements:
                connection.execute(sql.SQL(statement))


def _in_parts(statement: str) -> list[str]:
    """A load as traffic brings it, in four transactions: rows that one transaction wrote look like a restore's.

    >>> _in_parts("INSERT INTO a SELECT g FROM generate_series(1, 40) g")[1:3]
    ['INSERT INTO a SELECT g FROM generate_series(11, 20) g', 'INSERT INTO a SELECT g FROM generate_series(21, 30) g']
    """
    found = SERIES.search(statement)
    first, last = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or not statement.upper().startswith("INSERT") or last - first < 20:
        return [statement]
    cuts = [first + (last + 1 - first) * quarter // 4 for quarter in range(5)]
    return [
        f"{statement[: found.start()]}generate_series({begin}, {end - 1}){statement[found.end() :]}"
        for begin, end in pairwise(cuts)
    ]


@dataclass(frozen=True)
class Stage:
    """Where an act plays: the server, the database, and the case folder."""

    server: Server
    database: str
    folder: Path


Step = Callable[[Stage], object]


def act(role: str, application: str, *statements: str, **how: Any) -> Act:
    """One session of ``role`` that calls itself ``application``; ``how`` as in Act."""
    return Act(role, application, statements, **how)


def checkpoint(stage: Stage) -> None:
    """A checkpoint, as every few minutes brings one."""
    base.checkpoint(stage.server)


def crash(stage: Stage) -> None:
    """The server is shot down and starts again, with the recovery that a crash needs."""
    stage.server.kill()
    stage.server.start()


def log_rotated(stage: Stage) -> None:
    """The log is copied away and emptied, as logrotate's copytruncate does, and the copy is not kept."""
    for path in stage.server.log_directory.iterdir():
        with path.open("r+b") as stream:
            stream.truncate(0)


def noted(name: str) -> Step:
    """A step that writes the server's next transaction id and its clock to ``marks.json``: truth for whoever dates."""

    def note(stage: Stage) -> None:
        path = stage.folder / "marks.json"
        marks = json.loads(path.read_text("utf-8")) if path.exists() else {}
        with stage.server.connect(stage.database) as connection:
            row = connection.execute(
                "SELECT pg_snapshot_xmax(pg_current_snapshot())::text, clock_timestamp()::text"
            ).fetchone()
        marks[name] = dict(zip(("xid", "at"), row or (), strict=True))
        path.write_text(json.dumps(marks), encoding="utf-8")

    return note


@dataclass(frozen=True)
class Commit:
    """A commit of the repository, ``hours`` before the incident: files by name."""

    hours: float
    message: str
    files: Mapping[str, str]
    author: str = "Kim Adeyemi <kim@example.com>"


@dataclass(frozen=True)
class Script:
    """An incident without a module of its own; ``incident()`` makes it one.

    ``schema`` runs as ``owner`` under the name ``migrator``; ``acts`` are sessions or functions of a Stage, in order;
    ``later`` is a day of traffic after them. ``tables`` holds ``ok``, ``lost`` and ``table`` by qualified name.
    ``case`` are further keys of case.yaml; ``causes`` the true causes by their tables where there are two.
    """

    name: str
    title: str
    database: str
    owner: str
    schema: Sequence[str]
    acts: Sequence[Step]
    tables: Mapping[str, dict]
    cause: str
    scope: Sequence[str] = ("public",)
    roots: Sequence[str] = ()
    causes: Sequence[dict] = ()
    roles: Mapping[str, str] = field(default_factory=dict)
    migrator: str = "migrate"
    app_role: str | None = None
    reported: Sequence[str] = ()
    later: Sequence[Step] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    commits: Sequence[Commit] = ()
    case: Mapping[str, object] = field(default_factory=dict)
    begins: float = 0.0
    holdout: bool = False
    since: int = 13
    views: Mapping[str, dict | None] = field(default_factory=dict)

    def incident(self) -> Incident:
        """The incident with its builder."""
        truth: dict[str, Any] = {"tables": dict(self.tables), "cause": self.cause, "roots": list(self.roots)}
        if self.causes:
            truth["causes"] = list(self.causes)
        later = self._later if self.later else None
        return Incident(
            self.name, self.title, truth, self.build, {"log_checkpoints": True, **self.settings}, self.holdout,
            self.since, later, self.views, tuple(self.reported),
        )  # fmt: skip

    def build(self, server: Server, folder: Path) -> dict:
        """Rebuild it; gives the keys of case.yaml."""
        started = base.now()
        stage = Stage(server, self.database, folder)
        if self.commits:
            history.write(folder / "repository", [
                history.Commit(started - timedelta(hours=each.hours), each.author, each.message, dict(each.files))
                for each in self.commits
            ])  # fmt: skip
        self.create(server)
        # The window begins when the database stands: one that is younger than the window would look as if made anew.
        begins = base.now() - timedelta(hours=self.begins)
        for step in self.acts:
            step(stage)
        still(server, self.database)
        noticed = base.now()
        keys: dict[str, Any] = {
            "title": self.title,
            "noticed_at": noticed,
            "window": {"start": begins, "end": noticed},
            "database": {"name": self.database, "schemas": list(self.scope), "app_role": self.app_role or self.owner},
            "reported": list(self.reported),
            "logs": ["log/*.log"],
            "counting": "safe",
        }
        keys |= {"repository": "repository"} if self.commits else {}
        return {key: of for key, of in {**keys, **self.case}.items() if of not in ([], None)}

    def create(self, server: Server) -> None:
        """The database, its roles and its tables, as the project's migrations make them."""
        base.roles(server, self.database, self.owner, self.roles)
        with base.session(server, self.database, self.owner, self.migrator) as connection:
            for statement in self.schema:
                connection.execute(sql.SQL(statement))

    def _later(self, server: Server) -> None:
        for step in self.later:
            step(Stage(server, self.database, server.folder))
        still(server, self.database)


def still(server: Server, database: str) -> None:
    """Wait until no counter has moved for a moment: sessions tell theirs some time after they end."""
    since, last = time.monotonic(), base.counters(server, database)

    def check() -> object:
        nonlocal since, last
        seen = base.counters(server, database)
        if seen != last:
            since, last = time.monotonic(), seen
        return time.monotonic() - since > QUIET or "counters that move"

    base.waited(check, "the counters to stand still")


def ok(rows: int | None, mechanism: str = "none", *, accepts: Iterable[str] = ()) -> dict:
    """A table that lost nothing; ``accepts`` are mechanisms that are as right."""
    return {**table("intact", mechanism, 0, inserts=None, deletes=None, rows=rows), "accepts": tuple(accepts)}


def lost(
    mechanism: str,
    missing: int | None,
    rows: int | None = 0,
    *,
    status: str | None = None,
    via: Iterable[str] = (),
    accepts: Iterable[str] = (),
    statuses: Iterable[str] = (),
) -> dict:
    """A table that lost rows: wiped when none stands, else partial; ``statuses`` are further ones that are as right."""
    told = status or ("wiped" if rows == 0 else "partial")
    found = table(told, mechanism, missing, inserts=None, deletes=None, rows=rows, via=tuple(via))
    return {**found, "accepts": tuple(accepts), "statuses": tuple(statuses)}
