"""What time it is: the one place where the kit asks its own machine."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """This moment by the clock of this machine, aware and in UTC; whoever collects asks the draft, which knows better.

    >>> now().utcoffset()
    datetime.timedelta(0)
    """
    return datetime.now(UTC)
