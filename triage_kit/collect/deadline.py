"""An end to waiting for a server that neither answers nor lets go."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import psycopg


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
