"""An end to waiting for a server that neither answers nor lets go."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterator

import psycopg

CANCEL = 2.0  # seconds that a Ctrl-C waits for the server to take the cancel of what it runs
# What the driver says of a cancel that fails is for who asks for its log, not for the terminal of who pressed Ctrl-C.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class Connection(psycopg.Connection):
    """A connection whose Ctrl-C ends soon, even where no packet comes through any more.

    The driver waits 5 s for its cancel request and 5 s more for the end of the query. ``unseen`` says that reads of a
    superuser keep out of pg_stat_statements, until the server refuses that.
    """

    unseen = True

    def cancel_safe(self, *, timeout: float = 30.0) -> None:
        """Ask the server to cancel what runs; without an answer within ``CANCEL`` seconds the connection is broken."""
        try:
            super().cancel_safe(timeout=min(timeout, CANCEL))
        except psycopg.Error:
            _break(self)
            raise


@contextlib.contextmanager
def running(connection: psycopg.Connection, seconds: float) -> Iterator[None]:
    """Break the connection when the server stays silent for longer than its own statement_timeout allows.

    A network that swallows packets behind a proxy keeps the TCP connection alive: no keepalive ends the wait.
    """
    timer = threading.Timer(seconds, _break, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _break(connection: psycopg.Connection) -> None:
    with contextlib.suppress(OSError, psycopg.Error):
        wire = socket.socket(fileno=connection.fileno())
        try:
            wire.shutdown(socket.SHUT_RDWR)
        finally:
            wire.detach()
