"""A very long text, as it comes, in little memory: its beginning, its end, and every statement that could cost.

One logged text may have hundreds of megabytes: a load with its values, a script sent as one string. What stands
between such statements is left out and counted; a word inside a load's literal, a name or a comment is none. What is
kept is SQL again, its parentheses closed, and is read like any other text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from triage_kit.parse.abridge_lexer import Lexer

LONG = 1 << 20  # characters up to which a text is kept as it is
_CHUNK = 64 << 10
_HEADER = 4 << 10


class Text:
    """A text that comes in pieces; beyond LONG characters it is abridged, whatever the lengths of its pieces.

    begins tells how many characters of its beginning stand before the SQL: of ``statement: SELECT 1`` eleven.
    """

    def __init__(self, begins: Callable[[str], int] | None = None) -> None:
        self.begins = begins
        self.pieces: list[str] = []
        self.waiting = 0  # characters of them
        self.most, self.head = LONG, ""
        self.lexer: Lexer | None = None

    def add(self, piece: str) -> None:
        """Take the next piece."""
        self.pieces.append(piece)
        self.waiting += len(piece)
        if self.lexer is None and self.waiting > self.most:
            self._begin()
        if self.lexer is not None and self.waiting >= 2 * _CHUNK:
            self._read(self.lexer)

    def _begin(self) -> None:
        head = "".join(self.pieces)[:_HEADER]
        before = self.begins(head) if self.begins else 0
        self.most = LONG + before
        if self.waiting > self.most:
            whole = "".join(self.pieces)
            # Nearly every text is short: what reads long ones is not loaded for them.
            from triage_kit.parse.abridge_lexer import Lexer

            self.lexer, self.head, self.pieces = Lexer(), whole[:before], [whole[before:]]
            self.waiting -= before

    def _read(self, lexer: Lexer) -> None:
        """Give what there is to the lexer, in chunks that depend on the text alone."""
        whole, at = "".join(self.pieces), 0
        while len(whole) - at >= 2 * _CHUNK:
            end = _cut(whole, at + _CHUNK)
            lexer.take(whole[at:end])
            at = end
        self.pieces, self.waiting = [whole[at:]], len(whole) - at

    def text(self) -> str:
        """The text, or what is kept of it, when all of it was given."""
        if self.lexer is not None:
            self.lexer.take("".join(self.pieces))
            return self.head + self.lexer.end()
        return "".join(self.pieces)


def _cut(text: str, at: int) -> int:
    """A place soon before a character of the text where no word and no sign of several characters is cut."""
    for each in range(at, at - 300, -1):
        if text[each - 1] in " \n,()":
            return each
    while text[at - 1] in "'\\\"-/*$" and at > 1:  # inside a literal without a blank
        at -= 1
    return at
