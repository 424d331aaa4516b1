"""Settings of tools that load tables into PostgreSQL and replace, empty or clean them first: Sling, Meltano, Airbyte.

https://docs.slingdata.io/concepts/replication/modes, https://hub.meltano.com/loaders/target-postgres.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.migration import Operation

_MOST = 200
# What tells the tool and that it loads into PostgreSQL, a setting of it, and what that does to what stands there.
_SETTINGS = [
    (
        [re.compile(r"(?m)^target:\s*[\"']?\w*(?:pg|postgres)", re.IGNORECASE), re.compile(r"(?m)^streams:")],
        re.compile(r"(?m)^\s*mode:\s*[\"']?(?P<what>full-refresh|truncate)\b"),
    ),
    (
        [re.compile(r"\btarget-postgres\b")],
        re.compile(r"(?m)^\s*(?:load_method:\s*[\"']?(?P<what>overwrite)\b|(?P<cleans>hard_delete):\s*true\b)"),
    ),
    (
        [re.compile(r"(?i)destination-postgres")],
        re.compile(r"(?m)[\"']?destination_?[sS]ync_?[mM]ode[\"']?\s*[:=]\s*[\"']?(?P<what>overwrite)\b"),
    ),
]
_DOES = {"truncate": "truncate", "hard_delete": "delete"}


def loader_hits(text: str) -> Iterator[Operation]:
    """Operations of such settings; what they touch is named elsewhere.

    >>> text = "target: POSTGRES\\nstreams:\\n  a:\\n    mode: full-refresh"
    >>> [(each.line, each.operation) for each in loader_hits(text)]
    [(4, 'drop_table')]
    """
    for marks, setting in _SETTINGS:
        if not all(mark.search(text) for mark in marks):
            continue
        for found in islice(setting.finditer(text), _MOST):
            word = next(each for each in found.groups() if each)
            line = text.count("\n", 0, found.end()) + 1
            yield Operation(line, "", _DOES.get(word, "drop_table"), "", text=found[0].strip(), how="pattern")
