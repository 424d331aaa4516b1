"""How long a checkout of ten thousand files takes: python -m tests.benchmarks.repository [FILES]

Prints seconds for the whole reading, and its ratio to merely reading the bytes of the same files. Timings on a shared
machine are noisy: compare the ratios of one run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from triage_kit import case as cases
from triage_kit.bundle import Draft
from triage_kit.collect.repository import read_repository

SERVICE = '''"""Service {n}: what it keeps and removes."""
import logging

log = logging.getLogger(__name__)


class Service{n}:
    def __init__(self, session):
        self.session = session

    def remove(self, item):
        """Delete one item of the cart; drop what is empty."""
        self.session.delete(item)
        log.info("delete %s", item)

    def purge(self):
        self.session.execute("DELETE FROM items_{n} WHERE expires < now()")
'''
ALEMBIC = """revision = "{n}"
down_revision = "{before}"
def upgrade():
    op.add_column("items_{n}", sa.Column("x", sa.Integer))
    op.execute("UPDATE items_{n} SET x = 1 WHERE x IS NULL")
def downgrade():
    op.drop_column("items_{n}", "x")
"""
KINDS = [
    ("app/service_{n}.py", SERVICE, 35),
    ("web/component_{n}.ts", "export const remove{n} = async (id) => api.delete(`/items/${{id}}`);\n" * 30, 35),
    ("docs/page_{n}.md", "# Page {n}\n\nNever run DROP TABLE.\n" * 20, 15),
    ("sql/report_{n}.sql", "SELECT * FROM items_{n};\nDELETE FROM stage_{n} WHERE old;\n" * 5, 5),
    ("scripts/job_{n}.sh", "#!/bin/sh\npsql -c 'TRUNCATE stage_{n}'\n", 4),
    ("alembic/versions/{n}.py", ALEMBIC, 6),
]


def write(root: Path, files: int) -> int:
    """Write a checkout of that many files with a mixture of kinds; returns its bytes."""
    total = 0
    for name, text, share in KINDS:
        for n in range(files * share // 100):
            path = root / name.format(n=n)
            path.parent.mkdir(parents=True, exist_ok=True)
            total += path.write_text(text.format(n=n, before=n - 1), "utf-8")
    return total


def main() -> None:
    """Print what one reading takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="?", type=int, default=10_000)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "repo"
        size = write(root, files)
        start = time.perf_counter()
        for path in root.rglob("*"):
            if path.is_file():
                path.read_bytes()
        plain = time.perf_counter() - start
        (Path(folder) / "case").mkdir()
        case = cases.build({"repository": "../repo"}, Path(folder) / "case" / "case.yaml")
        start, used = time.perf_counter(), sum(os.times()[:4])
        with Draft.begin(Path(folder) / "case") as draft:
            read_repository(case, draft)
            took, used = time.perf_counter() - start, sum(os.times()[:4]) - used
            counts = {name: len(draft.written(name)) for name in ("migrations", "migration_operations", "code_hits")}
    ratio = f"{took / plain:.0f} times merely reading the bytes"
    cost = f"{took:.1f} s, of these {used:.1f} s of processor time"
    sys.stdout.write(f"{files} files, {size / 1e6:.1f} MB: {cost}; {ratio}; {counts}\n")


if __name__ == "__main__":
    main()
