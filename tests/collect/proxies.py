"""A network between the kit and a real server that a test can make fail."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from triage_kit.lab.server import PORT, Server


@contextmanager
def stalling_proxy(server: Server) -> Iterator[tuple[int, threading.Event]]:
    """A TCP port in front of the server's socket; once the event is set it keeps the lines open and passes nothing."""
    stalled, over = threading.Event(), threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    lines: list[socket.socket] = []

    def pump(source: socket.socket, sink: socket.socket) -> None:
        while not over.is_set():
            try:
                data = source.recv(65536)
            except OSError:
                return
            if not data:
                sink.close()
                return
            if not stalled.is_set():
                try:
                    sink.sendall(data)
                except OSError:  # the other end broke the line while it was stalled
                    return

    def accept() -> None:
        while not over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                continue
            backend = socket.socket(socket.AF_UNIX)
            backend.connect(str(server.folder / f".s.PGSQL.{PORT}"))
            lines.extend((client, backend))
            for pair in ((client, backend), (backend, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()[1], stalled
    finally:
        over.set()
        acceptor.join()
        for line in (*lines, listener):
            line.close()
