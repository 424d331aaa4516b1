"""Load files of pgloader: tables that it drops or empties first, and the SQL that it runs before or after.

https://pgloader.readthedocs.io/en/latest/command.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.comments import blank, closable
from triage_kit.parse.migration import Operation
from triage_kit.sql import effects

_MOST = 500
_COMMENT = re.compile(r"--[^\n]*|/\*(?:[^*]|\*(?!/))*\*/")
_LOAD = re.compile(r"(?i)\bload\s+(?:database|csv|dbf|fixed|copy|ixf|archive)\b")
_OPTION = re.compile(r"(?i)(?:\bwith\b|,)\s*(?P<what>include\s+drop|truncate)(?=\s*[,;]|\s+[A-Za-z]|\s*\Z)")
_TARGET = re.compile(
    r"(?i)\btarget\s+table\s+(?P<table>[\w.\"]+)|\bpostgres(?:ql)?://[^\s;]*\?(?:\w+=\w+&)*(?:tablename=)?(?P<address>[\w.]+)"
)
_BODY = re.compile(r"\$\$(?P<sql>.*?)\$\$", re.DOTALL)


def pgloader_hits(text: str) -> Iterator[Operation]:
    """Operations of such a file, nothing of another.

    >>> text = "LOAD CSV FROM 'a' INTO postgresql:///shop TARGET TABLE m.a WITH truncate, drop indexes;"
    >>> [(each.operation, each.object) for each in pgloader_hits(text)]
    [('truncate', 'm.a')]
    """
    plain = _COMMENT.sub(blank, closable(text))
    if not _LOAD.search(plain):
        return
    target = _TARGET.search(plain)
    for found in islice(_OPTION.finditer(plain), _MOST):
        drops = found["what"].lower().startswith("include")
        name = "" if drops or target is None else (target["table"] or target["address"]).replace('"', "")
        line = plain.count("\n", 0, found.start("what")) + 1
        shown = text.splitlines()[line - 1].strip()
        yield Operation(line, "", "drop_table" if drops else "truncate", name, text=shown, how="pattern")
    for found in islice(_BODY.finditer(plain), _MOST):
        first = plain.count("\n", 0, found.start("sql")) + 1
        yield from (Operation.of(each, "", first + each.line - 1) for each in effects(found["sql"]))
