"""Names that code puts together at run time: which tables they can mean, by the part that is written."""

from __future__ import annotations

import re
from collections.abc import Iterable

HOLE = "{…}"  # what stands in a name for text of run time
_LEAST = 3  # written letters that tell a table


def fitting(written: str, names: Iterable[str]) -> set[str]:
    """The bare names that a written one can mean; none where too little of it is written.

    >>> sorted(fitting("{…}orders", ["app_orders", "old_orders", "users"])), fitting("{…}", ["users"])
    (['app_orders', 'old_orders'], set())
    """
    if HOLE not in written or len(written.replace(HOLE, "")) < _LEAST:
        return set()
    pattern = re.compile(".*".join(map(re.escape, written.split(HOLE))))
    return {name for name in names if pattern.fullmatch(name)}
