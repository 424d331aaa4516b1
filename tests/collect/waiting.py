"""Counters arrive late: a session reports them up to a second after its transaction, and at its end."""

import time

from triage_kit.lab.server import Server


def reported(server: Server, database: str, table: str, inserts: int | None = None, deletes: int | None = None) -> None:
    """Wait until the counters of a table say so many inserts or deletes; fail after 20 s."""
    deadline = time.monotonic() + 20
    while True:
        with server.connect(database) as connection:
            found = connection.execute(
                "SELECT n_tup_ins, n_tup_del FROM pg_stat_all_tables WHERE relid = %s::regclass", (table,)
            ).fetchone()
        if inserts in (None, found[0]) and deletes in (None, found[1]):
            return
        assert time.monotonic() < deadline, f"the counters of {table} stay at {found}"
        time.sleep(0.1)
