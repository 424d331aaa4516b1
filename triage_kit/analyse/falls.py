"""Of several replacements of one table the one that took its rows: where their number fell most."""

from __future__ import annotations

from collections.abc import Sequence

FEW = 20  # judgement: that many rows which came after an emptying are not what people miss of the table


def steepest(held: Sequence[int | None], came: Sequence[int | None], stand: int | None) -> int | None:
    """Which replacement took the rows: ``held`` by the file that each let go, ``came`` into it before; ``stand`` now.

    A rewrite hands its rows on to the next file and a nightly reload brings as many again, so that neither is a fall. A
    number that is not known is the fall where no other is one of more than a few rows; else nothing tells.

    >>> steepest([143, 2, 0], [143, 2, 0], 0)  # a suite that ran twice
    0
    >>> steepest([480, 484, 484], [480, 484, 484], 0)  # reloaded, rewritten, then emptied
    2
    >>> steepest([12000, 11000], [12000, 11000], 11000)  # the same dump put back twice
    0
    >>> steepest([None, 3], [None, 3], 0), steepest([None, 900], [None, 900], 0)
    (0, None)
    """
    if len(held) == 1:
        return 0
    after = [*came[1:], stand]
    falls = [None if rows is None else rows - (next_ or 0) for rows, next_ in zip(held, after, strict=True)]
    known = [fall for fall in falls if fall is not None]
    unknown = [place for place, fall in enumerate(falls) if fall is None]
    most = max(known, default=0)
    if unknown:
        return unknown[0] if len(unknown) == 1 and most < FEW else None
    return falls.index(most) if most > 0 else None
