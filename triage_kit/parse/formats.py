"""Which parser reads a log, told by how it begins."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from triage_kit.errors import SourceError
from triage_kit.parse.csvlog import HEAD, parse_csv
from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.jsonlog import parse_json
from triage_kit.parse.lines import Line
from triage_kit.parse.stderr import parse_stderr
from triage_kit.parse.times import Clock

FORMATS = ("stderr", "csv", "json")


def detect_format(head: bytes) -> str:
    """stderr, csv or json, by the first lines of a log; ``docker`` for a container engine's json-file.

    >>> detect_format(b"2025-10-07 20:27:38.343 UTC [12] LOG:  hello")
    'stderr'
    """
    lines = head.replace(b"\0", b"").decode("utf-8-sig", "surrogateescape").splitlines()
    votes = [_vote(line) for line in lines if line.strip()]
    return max(("stderr", "csv", "json", "docker"), key=lambda name: votes.count(name))


def _vote(line: str) -> str:
    if HEAD.match(line):
        return "csv"
    if line.startswith("{"):
        try:
            keys = json.loads(line)
        except (ValueError, RecursionError):
            # The head is cut somewhere: the last line of it is no object.
            return "json" if '"error_severity":' in line else "docker" if line.startswith('{"log":') else ""
        if isinstance(keys, dict):
            return "json" if "error_severity" in keys else "docker" if "log" in keys else ""
    # Continuation lines and foreign ones say nothing.
    return "stderr" if ":  " in line else ""


def parse(
    source: Iterable[bytes | Line], format: str, prefix: str = "%m [%p] ", clock: Clock | None = None
) -> Iterator[Entry | Unparsed]:
    """Entries and unparsed lines of a log in one of FORMATS; prefix is used for stderr alone."""
    if format == "csv":
        return parse_csv(source, clock)
    if format == "json":
        return parse_json(source, clock)
    if format == "stderr":
        return parse_stderr(source, prefix, clock)
    raise SourceError(f"no parser for the log format {format!r}; there are {', '.join(FORMATS)}")
