"""Sessions whose counters stand in the server's statistics once they have ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from triage_kit.lab.server import Server


@contextmanager
def counted(server: Server, database: str) -> Iterator[psycopg.Connection]:
    """A connection; when it is closed, the tables' counters tell all that it did."""
    with server.connect(database) as connection:
        yield connection
        if server.version[0] >= 15:  # a session that ends may report its counters too late
            connection.execute("SELECT pg_stat_force_next_flush()")
    if server.version[0] < 15:
        time.sleep(1)  # the collector of statistics writes its file twice a second
