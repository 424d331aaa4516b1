# ruff: noqa: E501 tables of patterns
"""The parts of a migration that take it back: functions, blocks and entries whose name says so, in any language.

A part goes from the line of its name to the first line that stands no deeper and closes nothing. A file has such parts
only where it has one that goes forward, too: elsewhere ``rollback`` and ``down`` are names like others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from triage_kit.parse.migration import Operation

_BACK = r"(?:safe_?|migrate_?|on_?)?(?:down(?:grade)?s?|roll_?back|undo|revert|unapply|backwards?|reverse|rollback_?execution)"
_FORTH = r"(?:safe_?|migrate_?|on_?)?(?:up(?:grade)?s?|change|changes|forwards?|apply|execution|deploy|migrate)"
# What may be repeated is bounded: two repetitions that share a character would take the square of a line.
_HEAD = (
    r"(?im)^[ \t]*(?:(?:end|[\]}})])[ \t]*,[ \t]*)?(?:return[ \t]*)?(?:[\[{{(,-][ \t]*){{0,9}}(?:@|#\[)?(?:[\w<>\[\]?*:.]{{1,300}}[ \t]+){{0,6}}?(?:exports\.|module\.exports\.|(?:self|this|dir|r|m)\.|[:\"'])?"
    r"(?:{0})(?-i:[A-Z_]\w*)?[\"']?(?:[ \t]*[({{=:]|[ \t]+(?:do|=|\[|\{{|\(|\"|\w+[ \t]*=|\w+[ \t]*\()|[ \t]*$|[ \t]+\w+[ \t]*$)"
)
_BACKWARD = re.compile(_HEAD.format(_BACK))
_FORWARD = re.compile(_HEAD.format(_FORTH))
_CLOSES = re.compile(r"[\])}]|end\b|begin\b|then\b|\{")
_MOST = 200


def without_undone(found: list[Operation], text: str) -> list[Operation]:
    """The operations but those in parts that take a migration back.

    >>> text = "def up():\\n  drop('a')\\n\\ndef down():\\n  drop('b')\\nx()"
    >>> [each.line for each in without_undone([Operation(n, "", "drop_table") for n in (2, 5, 6)], text)]
    [2, 6]
    """
    if not found or not _FORWARD.search(text):
        return found
    parts = list(islice(_parts(text), _MOST))
    return [each for each in found if not any(first <= each.line <= last for first, last in parts)]


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """First and last line of each such part."""
    lines = text.split("\n")
    for head in _BACKWARD.finditer(text):
        first = text.count("\n", 0, head.start() + len(head[0]) - len(head[0].lstrip())) + 1
        deep = _depth(lines[first - 1])
        last = first
        for number in range(first, len(lines)):
            line = lines[number]
            if line.strip() and _depth(line) <= deep and not (_CLOSES.match(line.lstrip())):
                break
            last = number + 1
        yield first, last


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
