"""What a safe run costs a server, as a table: dead rows before and after it, WAL, transaction ids, connections, locks.

    TRIAGE_PG_MAJORS=… python tests/collect/figures.py [MAJOR…]

Every major that is found, with page checksums and without; about half a minute each. The tests next door assert the
same things (test_collect_forms.py, test_collect_footprint.py); this prints the numbers.

Tuples, WAL and transaction ids are of all three runs of a server, the first two unwatched: who watches locks reads the
catalogue, too, and may prune it. Backends and locks are of the third, as seen in so many looks: a lock that comes and
goes between two of them is not in the table, and one may be held for the time between two looks longer than is seen.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import majors
from test_collect_footprint import Watch, watching
from test_collect_forms import FORMS, NOTE, STILL, run, tuples

from triage_kit.lab.server import Server

NEXT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
HEAD = ("major", "checksums", "tuples before", "after", "lost", "WAL 1st run", "2nd run", "xids", "backends",
        "locks", "longest seen", "looks")  # fmt: skip


def row(major: int, sums: str) -> tuple[object, ...]:
    """One line of the table, from a server of its own."""
    options = ["--data-checksums"] if sums == "on" else ["--no-data-checksums"] if major >= 18 else []
    with Server(STILL, binaries=majors.found()[major], initdb=options) as server, server.connect() as connection:
        told = connection.execute("SHOW data_checksums").fetchone()
        if told != (sums,):
            raise SystemExit(f"major {major} was to have data_checksums {sums} and has {told}")
        for statement in FORMS.replace("NOTE", NOTE).split(";"):
            connection.execute(statement)
        connection.execute("CHECKPOINT")
        before, [first_xid] = tuples(connection), connection.execute(NEXT).fetchone()
        with tempfile.TemporaryDirectory() as folder:
            first, second, third = (Path(folder, name) for name in ("1", "2", "3"))
            for each in (first, second, third):
                each.mkdir()
            written = [run(server, first).wal_bytes, run(server, second).wal_bytes]
            watch = Watch()
            with watching(server, "postgres", watch.look):  # apart: who looks at the locks reads the catalogue, too
                run(server, third)
        after, [last_xid] = tuples(connection), connection.execute(NEXT).fetchone()
    stood, stands = (sum(map(len, found.values())) for found in (before, after))
    lost = sum(len(before[name] - after[name]) for name in before)
    modes = "/".join(sorted(watch.modes))
    return (major, sums, stood, stands, lost, *written, last_xid - first_xid, len(watch.pids),
            f"{len(watch.held)} {modes}", f"{watch.longest:.3f} s", watch.samples)  # fmt: skip


def table(chosen: list[int]) -> Iterator[str]:
    """The table in Markdown, line by line as it is measured."""
    yield "| " + " | ".join(HEAD) + " |"
    yield "|" + " --- |" * len(HEAD)
    for major in chosen or sorted(majors.found()):
        for sums in ("off", "on"):
            yield "| " + " | ".join(map(str, row(major, sums))) + " |"


if __name__ == "__main__":
    for line in table(list(map(int, sys.argv[1:]))):
        print(line, flush=True)
