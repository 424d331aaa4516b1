"""Partitions by time that a range lacks between others, by the bounds and the names of those that stand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows

_MIDNIGHT = r"\('(\d{4}-\d\d-\d\d)(?: 00:00:00(?:\+00)?)?'\)"
_RANGE = re.compile(rf"\AFOR VALUES FROM {_MIDNIGHT} TO {_MIDNIGHT}\Z")
_DIGITS = re.compile(r"\d+")
_UNITS = ("year", "month", "day")


class _Part(NamedTuple):
    begin: date
    end: date
    name: str


def lacking(relations: pd.DataFrame) -> dict[str, str]:
    """Names of partitions that would stand between two others, with their parent, by the habit of those that stand.

    Told only where no more places are open than closed: partitions that are made on demand leave holes by themselves.
    """
    names = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(relations)}
    series: defaultdict[tuple[int, str], list[_Part]] = defaultdict(list)
    for row in rows(relations):
        bounds = _RANGE.match(row["partition_bound"] or "")
        if bounds and row["parent_oid"] in names:
            begin, end = map(date.fromisoformat, bounds.groups())
            series[row["parent_oid"], row["schema"]].append(_Part(begin, end, row["name"]))
    return {
        schemas.qualified(schema, name): names[parent]
        for (parent, schema), parts in series.items()
        for name in _between(sorted(parts))
    }


def _between(parts: Sequence[_Part]) -> list[str]:
    pairs = list(pairwise(parts))
    open_places = [(one.end, two.begin) for one, two in pairs if one.end < two.begin]
    habit = _habit(parts)
    if habit is None or not open_places or len(open_places) * 2 > len(pairs):
        return []
    found = []
    for begin, end in open_places:
        while begin < end and len(found) < len(parts):
            found.append(_named(parts[0].name, habit, begin, parts))
            begin = _next(begin, parts)
    return found


def _habit(parts: Sequence[_Part]) -> list[str] | None:
    """What each number of the names tells of the begin: its year, month or day; None where that is not clear."""
    numbers = [[int(digits) for digits in _DIGITS.findall(part.name)] for part in parts]
    stems = {_DIGITS.sub("#", part.name) for part in parts}
    lengths = {_months(part) or (part.end - part.begin).days for part in parts}
    if len(parts) < 3 or len(stems) > 1 or not numbers[0] or len(lengths) > 1:
        return None
    fits = [
        [
            unit
            for unit in _UNITS
            if all(row[at] == getattr(part.begin, unit) for row, part in zip(numbers, parts, strict=True))
        ]
        for at in range(len(numbers[0]))
    ]
    units = [fit[0] for fit in fits if len(fit) == 1]
    finest = "month" if _months(parts[0]) else "day"
    return units if len(units) == len(fits) and finest in units else None


def _months(part: _Part) -> str:
    """``month`` where a partition holds exactly one, else nothing."""
    return "month" if part.begin.day == part.end.day == 1 and _after(part.begin) == part.end else ""


def _after(begin: date) -> date:
    return date(begin.year + begin.month // 12, begin.month % 12 + 1, 1)


def _next(begin: date, parts: Sequence[_Part]) -> date:
    return _after(begin) if _months(parts[0]) else begin + timedelta(days=(parts[0].end - parts[0].begin).days)


def _named(name: str, units: Sequence[str], begin: date, parts: Sequence[_Part]) -> str:
    """The name of the partition that begins there, its numbers as wide as in the others."""
    values = iter(units)
    plain = any(len(digits) == 1 for part in parts for digits in _DIGITS.findall(part.name))

    def number(_: re.Match[str]) -> str:
        value = getattr(begin, next(values))
        return str(value) if plain else f"{value:02}"

    return _DIGITS.sub(number, name)
