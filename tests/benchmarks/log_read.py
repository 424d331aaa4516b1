"""Reads one log by the scan or by the plain parser, with nothing imported besides: what log_scan.py measures.

python tests/benchmarks/log_read.py scan server.log stderr "%m [%p] "
"""

import sys
from pathlib import Path

from triage_kit.parse import Outcomes, parse
from triage_kit.parse.scan import Source, scan


def scanned(path: Path, format: str, prefix: str) -> None:
    scan(Source(path, format, prefix))


def plain(path: Path, format: str, prefix: str) -> None:
    with path.open("rb") as stream:
        for _ in Outcomes().follow(parse(stream, format, prefix)):
            pass


if __name__ == "__main__":
    {"scan": scanned, "plain": plain}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3], sys.argv[4])
