"""Statements that differ in their values only, told of once where a page would hold thousands of them."""

from __future__ import annotations

import re

import pandas as pd

MOST = 1000  # rows of statements that a list tells of one by one
FINDINGS = 200  # statements that are a finding each
_VALUES = re.compile(r"'(?:[^']|'')*'|\$\d+|\b\d+(?:\.\d+)?\b")


def shape(statement: object) -> str:
    """The text of a statement without its values and spaces.

    >>> shape("DELETE FROM a\\n WHERE id = -7;") == shape("delete from a where id = -12")
    True
    """
    return " ".join(_VALUES.sub("?", str(statement)).lower().split()).rstrip("; ")


def gathered(events: pd.DataFrame, by: list[str], text: str = "text", most: int = MOST) -> pd.DataFrame:
    """The first of each kind, with ``times`` and ``last`` (the moment of the last); every one where they are few.

    Parameters
    ----------
    events : rows with ``at``, in their order.
    by : columns in which rows of one kind are equal, besides the shape of their text.
    text : the column that holds it.
    most : up to so many rows each stands for itself.
    """
    told = events.assign(times=1, last=events["at"])
    if len(events) <= most:
        return told
    keys = [events[text].map(shape), *(events[each].map(str) for each in by)]
    kind = pd.Series(list(zip(*keys, strict=True)), index=events.index)
    told["times"] = kind.groupby(kind).transform("size").to_numpy()
    told["last"] = events.groupby(kind)["at"].transform("max")
    return told[~kind.duplicated()]


def more(times: int, of: str = "more") -> str:
    """Words for those that are told of by the first of them.

    >>> more(1), more(1200)
    ('', '; 1,199 more that differ in their values only')
    """
    return f"; {times - 1:,} {of} that differ in their values only" if times > 1 else ""
