"""Code of a language that a command line hands to its interpreter: ``rails runner 'Order.delete_all'`` and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

_MOST = 200
# The suffix of the language, and what runs a text of it.
_RUNNERS = (
    ("rb", r"\brails\s+(?:runner|r)\b(?:\s+-e\s+\w+)?|\bruby\s+-e\b"),
    ("py", r"\b(?:manage\.py|django-admin)\s+shell(?:_plus)?\b(?:\s+(?:-c|--command))?|\bpython[\d.]*\s+-c\b"),
    ("php", r"\bartisan\s+tinker\b(?:\s+--execute)?|\bphp\s+-r\b"),
    ("js", r"\bnode\s+(?:-e|--eval)\b"),
)
_CLUES = ("runner", "rails r ", " -e", "shell", " -c", "tinker", " -r", "--eval")
_GIVEN = (
    r"[=\s]*(?:'(?P<one>[^']+)'|\"(?P<two>(?:[^\"\\]|\\.)+)\"|"
    r"(?:-\s*)?<<-?\s*\\?(?P<quote>['\"]?)(?P<tag>\w+)(?P=quote)[^\n]*\n(?P<here>.*?)^\s*(?P=tag)\s*$)"
)
_HANDED = [(suffix, re.compile(f"(?ms)(?:{runner}){_GIVEN}")) for suffix, runner in _RUNNERS]


def embedded(text: str) -> Iterator[tuple[str, str, int]]:
    """Suffix of the language, text and first line of each such piece of code.

    >>> list(embedded("set -e\\nbin/rails runner 'Order.delete_all'"))
    [('rb', 'Order.delete_all', 2)]
    """
    if not any(each in text for each in _CLUES) or text.count("<<") > _MOST:
        return
    for suffix, pattern in _HANDED:
        for found in islice(pattern.finditer(text), _MOST):
            kind = next(each for each in ("one", "two", "here") if found[each] is not None)
            written = found[kind].replace('\\"', '"') if kind == "two" else found[kind]
            yield suffix, written, text.count("\n", 0, found.start(kind)) + 1
