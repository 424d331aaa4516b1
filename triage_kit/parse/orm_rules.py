"""What a rule for one call of a mapper is, and what the rules of all languages share."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from triage_kit.parse.chains import Call


class Told(NamedTuple):
    """What a call does, to which class or table, whether a condition limits it, what else than usual it loses, and what
    columns it sets.
    """

    operation: str
    object: str = ""
    bounded: bool | None = None
    loses: str = ""
    changes: tuple[str, ...] = ()


Reader = Callable[[Call, str], Told | None]


class Rule(NamedTuple):
    """How a call is found, and who reads it."""

    clue: str  # without it in the text the pattern finds nothing
    pattern: re.Pattern[str]
    read: Reader
    needs: Callable[[str], object] = bool  # what it says no to has no call that the reader takes: cheaper than reading


_LIMITS = re.compile(
    r"(?i)(?:\b|_)(?:where|and_?where|filter|find_?by|having|limit|in_batches|eq|older)\w*!?\s*[({]|\b(?:where|from)\b:"
)


def limited(call: Call) -> bool:
    """Whether a condition stands in the chain of a call, before it or behind it."""
    return bool(_LIMITS.search(call.chain)) or bool(_LIMITS.search(call.following.split(";")[0].split("\n\n")[0]))


def named(operation: str, *, bounded: bool | None = None) -> Reader:
    """A call whose pattern names its object in the text, or in a literal that the call begins with."""

    def read(call: Call, text: str) -> Told:
        groups = call.found.groupdict()
        name = (groups.get("name") or "").strip()
        if not name and (first := FIRST.match(call.arguments)):
            name = next(each for each in first.groups() if each)
        return Told(operation, name.rsplit("\\", 1)[-1], bounded)

    return read


FIRST = re.compile(
    r"""\s*(?:name:\s*)?(?:['"`]([\w.$-]+)['"`]|&?(?:\[\])?(?:\w+\.)*([A-Z]\w*)\{|new\((?:\w+\.)*([A-Z]\w*)\)|"""
    r"""\\?((?:\w+\\)*[A-Z]\w*)::class|:([a-z]\w*))"""
)


@lru_cache(maxsize=8)
def mentions(text: str, word: str) -> bool:
    """Whether a word stands in a text, small or large."""
    return word in text.lower()
