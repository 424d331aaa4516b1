"""Comments of many lines, blanked without looking for the end of one that has none again and again."""

from __future__ import annotations

import re


def blank(found: re.Match[str]) -> str:
    """As many spaces and line ends as a match has."""
    return re.sub(r"[^\n]", " ", found[0])


def closable(text: str, opens: str = "/*", closes: str = "*/") -> str:
    """The text without the signs that open a comment behind the last one that closes any; places stay.

    A pattern would look for the end of each of them to the end of the text: the square of its length.

    >>> closable("/* a */ b /* c")
    '/* a */ b    c'
    """
    end = text.rfind(closes) + 1
    return text[:end] + text[end:].replace(opens, " " * len(opens))
