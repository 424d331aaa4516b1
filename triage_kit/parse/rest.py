"""Rows that a request to PostgREST (Supabase's too) deletes: the table in the address, the columns behind it.

https://docs.postgrest.org/en/stable/references/api/tables_views.html#delete
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.migration import Operation

_MOST = 500
_NEAR = 400
_TEXT_LIMIT = 4_000
_ADDRESS = re.compile(
    r"/(?P<table>\w+)\?(?:\w+=[\w.*-]*&)*[\w.]+=(?:not\.)?(?:eq|neq|lte?|gte?|i?like|is|in)\.(?P<rest>[^\s\"'`]*)"
)
_METHOD = re.compile(r"(?i)\bmethod[\"']?\s*[:=]\s*[\"']delete[\"']")
_CALLS = re.compile(
    r"(?i)(?:\.delete\w*\s*\(|^\s*delete\s+|[\"']delete[\"']\s*,)\s*(?:\w+\s*=\s*)?[frb]?[\"'`]?[^\s\"'`]*\Z",
    re.MULTILINE,
)


def rest_hits(text: str) -> Iterator[Operation]:
    """Operations of such requests in code, in collections of requests and in files of them.

    >>> [each.object for each in rest_hits("requests.delete(f'{URL}/rest/v1/carts?day=lt.2020-01-01')")]
    ['carts']
    """
    if "?" not in text or "elete" not in text.lower():
        return
    for found in islice(_ADDRESS.finditer(text), _MOST):
        before, after = text[max(0, found.start() - _NEAR) : found.start()], text[found.end() : found.end() + _NEAR]
        # The options of a request stand behind its address; in a collection the method stands before.
        asks = _METHOD.search(after.split(";")[0].split("\n\n")[0]) or _CALLS.search(before)
        if asks or (before.count("{") and _METHOD.search(before[before.rfind('"request"') :])):
            line = text.count("\n", 0, found.start()) + 1
            begin, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.start())
            shown = text[begin : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
            if not shown.startswith(("//", "#", "*", "--")):
                yield Operation(line, "", "delete", found["table"], True, text=shown, how="pattern")
