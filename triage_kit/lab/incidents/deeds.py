"""Deeds that incidents of several trades share: a standby, a dump put back, a publisher that is heard."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

from psycopg import sql

from triage_kit.errors import LabError
from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import Stage
from triage_kit.lab.server import Server

Dump = Mapping[str, Sequence[tuple]]


def signalled(stage: Stage, name: str) -> None:
    """Start the stopped server with an empty file of that name in its data directory, as ``standby.signal``."""
    signal = stage.server.data / name
    signal.touch()
    state = stage.server.data.stat()
    shutil.chown(signal, state.st_uid, state.st_gid)
    stage.server.start()


def cut_off(stage: Stage) -> None:
    """The server goes on as the standby of a primary that it hears no more."""
    stage.server.stop()
    signalled(stage, "standby.signal")
    with stage.server.connect(stage.database) as connection:
        if connection.execute("SELECT pg_is_in_recovery()").fetchone() != (True,):
            raise LabError("the practice incident meant to have a standby, and the server is none")


def copied(
    stage: Stage, role: str, application: str, before: Sequence[str], dump: Dump, after: Sequence[str] = ()
) -> None:
    """What pg_restore does in one session: statements, COPY table by table, keys; each its own transaction."""
    with base.session(stage.server, stage.database, role, application) as connection:
        for statement in before:
            connection.execute(sql.SQL(statement))
        for command, rows in dump.items():
            with connection.cursor() as cursor, cursor.copy(sql.SQL(command)) as copy:
                for row in rows:
                    copy.write_row(row)
        for statement in after:
            connection.execute(sql.SQL(statement))


def published(
    stage: Stage, owner: str, tables: Sequence[str], publication: str, loads: Sequence[str], deeds: Sequence[str],
    counted: str, rows: tuple[int, int],
) -> None:  # fmt: skip
    """A publisher sends ``loads``, then ``deeds``, and is gone then; ``counted`` gives ``rows`` here after each.

    ``publication`` is what follows CREATE PUBLICATION central.
    """
    with Server({"wal_level": "logical", "max_wal_senders": 6}, binaries=stage.server.binaries) as source:
        base.roles(source, stage.database, owner, {})
        with base.session(source, stage.database, owner, "migrate") as connection:
            for statement in tables:
                connection.execute(sql.SQL(statement))
        with base.session(source, stage.database, "postgres", "psql") as connection:
            connection.execute(sql.SQL(f"CREATE PUBLICATION central {publication}"))
        told = f"host={source.folder} port=5432 dbname={stage.database} user=postgres"
        with base.session(stage.server, stage.database, "postgres", "psql") as connection:
            connection.execute(sql.SQL(f"CREATE SUBSCRIPTION central CONNECTION '{told}' PUBLICATION central"))
        for statements, wanted in ((loads, rows[0]), (deeds, rows[1])):
            for statement in statements:
                with base.session(source, stage.database, "postgres", "central") as connection:
                    connection.execute(sql.SQL(statement))
            arrived(stage, counted, wanted)


def arrived(stage: Stage, counted: str, rows: int) -> None:
    """Wait until a query gives that number here."""

    def check() -> object:
        with base.session(stage.server, stage.database, "postgres", "triage_lab") as connection:
            seen = connection.execute(sql.SQL(counted)).fetchone()
        return seen == (rows,) or seen

    base.waited(check, f"{rows} rows of {counted!r}")
