"""Statements in the files of graphical loading tools: Kettle and its heir Hop, and SQL Server Integration Services.

Both keep XML in which a step's SQL stands as the text of an element or as the value of an attribute (Kettle's file
format, Microsoft's DTSX reference). It is looked for by its marks, so that a broken file hides none of its statements.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.migration import Operation
from triage_kit.sql import effects, suspicious

SUFFIXES = ("ktr", "kjb", "hpl", "hwf", "dtsx")
_SQL = re.compile(
    r"<(?:sql|SQLTask:SqlStatementSource)>(?:<!\[CDATA\[)?(?P<text>[^<]+)|\bSQLTask:SqlStatementSource=\"(?P<value>[^\"]*)\""
)
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*-->")
_VARIABLE = re.compile(r"\$\{\w+\}|%%\w+%%")
_MOST = 2_000


def etl_hits(text: str) -> Iterator[Operation]:
    """Operations of the statements in such a file, in order of their lines.

    >>> text = "<step>\\n<sql>DELETE FROM a WHERE b &lt; 3;\\nTRUNCATE ${S}.c</sql></step>"
    >>> [(each.line, each.operation, each.object) for each in etl_hits(text)]
    [(2, 'delete', 'a'), (3, 'truncate', '{…}.c')]
    """
    text = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for found in islice(_SQL.finditer(text), _MOST):
        written = found["text"] if found["text"] is not None else found["value"]
        statement = _VARIABLE.sub("__hole__", html.unescape(written))
        if not suspicious(statement):
            continue
        first = text.count("\n", 0, found.start("text" if found["text"] is not None else "value")) + 1
        for each in effects(statement):
            made = Operation.of(each, "", first + each.line - 1)
            made.object, made.text = (told.replace("__hole__", "{…}") for told in (made.object, made.text))
            yield made
