"""What a function of a program, or a file of tests, makes and removes itself: nothing stood there before."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from triage_kit.parse.migration import Operation
from triage_kit.sql.passing import passing

# A line with which a function or a method begins, in any language that is read here.
_BEGINS = re.compile(
    r"(?m)^[ \t]*(?:(?:async[ \t]+)?def|class|func|(?:pub[ \t]+)?(?:async[ \t]+)?fn|(?:\w+[ \t]+){0,4}fun)[ \t(]|"
    r"\bfunction\b|=>[ \t]*\{[ \t]*$|"
    r"^[ \t]*(?!(?:if|for|foreach|while|switch|catch|using|try|else|match|with|lock|return)\b)[\w<>\[\], \t]{0,120}\w"
    r"[ \t]*\([^;{}\n]{0,200}\)[\w ,:]{0,80}\{[ \t]*$"
)
_MOST = 20_000
_PERHAPS = re.compile(r"(?i)\bif\s+not\s+exists\b|\bifNotExists\b|\bcheckfirst\b")


def without_made(operations: Sequence[Operation], text: str, of_a_test: bool) -> Iterator[Operation]:
    """The operations but those that can cost nothing, as one of the same function has made what they touch.

    A file of tests sets up in one function and cleans up in another: there any earlier one counts.

    >>> text = "def f(c):\\n  c('CREATE TABLE a')\\n  c('DROP TABLE a')\\ndef g(c):\\n  c('DROP TABLE a')"
    >>> steps = [Operation(2, "", "create_table", "a"), *(Operation(line, "", "drop_table", "a") for line in (3, 5))]
    >>> [each.line for each in without_made(steps, text, False)]
    [2, 5]
    """
    begins = [] if of_a_test else list(islice(_beginnings(text), _MOST))
    parts: dict[int, list[Operation]] = {}
    for each in sorted(operations, key=lambda each: each.line):
        parts.setdefault(bisect_right(begins, each.line), []).append(each)
    for steps in parts.values():
        known = [each for each in steps if "…" not in each.object]
        perhaps = {each.object for each in known if each.operation.startswith("create_") and _PERHAPS.search(each.text)}
        spared = {id(known[at]) for at in passing(known, perhaps)}
        yield from (each for each in steps if id(each) not in spared)


def _beginnings(text: str) -> Iterator[int]:
    """The lines on which functions begin."""
    line, at = 1, 0
    for found in _BEGINS.finditer(text):
        line, at = line + text.count("\n", at, found.end()), found.end()
        yield line
