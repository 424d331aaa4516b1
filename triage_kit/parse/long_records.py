"""A csv or json record of many megabytes, read as it comes: its texts are abridged, so that none is held whole."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Iterator
from typing import Any

from triage_kit.parse.abridge import Text
from triage_kit.parse.entry import Unparsed
from triage_kit.parse.kinds import statement_begins
from triage_kit.parse.lines import Line

MOST_LINES = 2_000_000  # of a record
_MOST_FIELDS = 1_000
_SHOWN, _SHOWN_TEXT = 1_000, 64 << 10  # lines of a broken record whose text is kept, and how much of each


class LongCsv:
    """A record whose lines and pieces come one by one; first is the first of them."""

    def __init__(self, first: Line) -> None:
        self.first = first
        self.done: list[str] = []
        self.now = Text(statement_begins)
        self.state = "begin"  # of a field; then bare, quoted, closed, or broken for all of the record
        self.quote = ""  # at the end of what was read: it may be the first of two
        self.lines = 0
        self.steps = array("I")  # of each line, how much further its number and its offset are than those before it
        self.last = first.number, first.offset
        self.texts: list[str] = []

    def add(self, line: Line) -> None:
        """Take a line, or a further piece of one."""
        text = line.text
        if not line.more:
            text = f"\n{text}" if self.lines else text
            number, offset = self.last
            self.steps.extend((max(0, line.number - number), max(0, line.offset - offset)))
            self.last, self.lines = (line.number, line.offset), self.lines + 1
            if len(self.texts) < _SHOWN:
                self.texts.append(line.text[:_SHOWN_TEXT])
        text, self.quote, at = self.quote + text, "", 0
        while at < len(text) and self.state != "broken":
            at = self._step(text, at)

    def fields(self) -> list[str] | None:
        """The texts of the record, when all was given; None of a broken one."""
        if self.state == "broken" or (self.state == "quoted" and not self.quote):
            return None
        return [*self.done, self.now.text()]

    def unparsed(self) -> Iterator[Unparsed]:
        """The lines of a broken record."""
        number, offset = self.first[:2]
        for at in range(self.lines):
            number, offset = number + self.steps[2 * at], offset + self.steps[2 * at + 1]
            yield Unparsed(number, offset, self.texts[at] if at < len(self.texts) else "")

    def _step(self, text: str, at: int) -> int:
        if self.state == "quoted":
            return self._in_quotes(text, at)
        if text[at] == ",":
            self.done.append(self.now.text())
            self.now, self.state = Text(statement_begins), "begin"
        elif text[at] == '"' and self.state == "begin":
            self.state = "quoted"
        elif text[at] in "\n\r" or self.state == "closed":  # the record has ended, and goes on
            self.state = "broken"
        else:
            end = _BARE.match(text, at).end()  # type: ignore[union-attr]
            self.now.add(text[at:end])
            self.state = "bare"
            return end
        if len(self.done) > _MOST_FIELDS:
            self.state = "broken"
        return at + 1

    def _in_quotes(self, text: str, at: int) -> int:
        end = _QUOTED.match(text, at).end()  # type: ignore[union-attr]
        self.now.add(text[at:end].replace('""', '"'))
        if end + 1 == len(text):
            self.quote = '"'
        elif end < len(text):
            self.state = "closed"
        return end + 1


_QUOTED = re.compile(r'[^"]*+(?:""[^"]*+)*+')
_BARE = re.compile(r"[^,\n\r]*+")


class LongJson:
    """An object of texts, numbers and null whose pieces come one by one."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.rest = ""
        self.state = "begin"  # then key, colon, value, text, comma, end, or broken
        self.key = ""
        self.now = Text(statement_begins)

    def add(self, piece: str) -> None:
        """Take the next piece."""
        text, at, before = self.rest + piece, 0, -1
        while at < len(text) and at != before and self.state != "broken":
            before = at
            at = self._in_text(text, at) if self.state == "text" else self._sign(text, at)
        self.rest = text[at:]

    def row(self) -> dict[str, Any] | None:
        """The object, when all was given; None when it was cut, is broken or holds other objects."""
        return self.found if self.state == "end" and not self.rest.strip(" \t\r\n") else None

    def _in_text(self, text: str, at: int) -> int:
        end = _INSIDE.match(text, at).end()  # type: ignore[union-attr]
        if end == len(text) and (half := _HALF.search(text, at)):  # of a character that is written as two
            end = half.start()
        self.now.add(json.loads(f'"{text[at:end]}"'))
        if text[end : end + 1] == '"':
            self.found[self.key], self.state = self.now.text(), "comma"
            return end + 1
        if end < len(text) and not _CUT.fullmatch(text, end):
            self.state = "broken"
        return end

    def _sign(self, text: str, at: int) -> int:
        found = _PARTS[self.state].match(text, at)
        if found is None:
            self.state = "broken" if len(text) - at > _LONGEST_PART else self.state
            return at
        part = found[1]
        if self.state == "key":
            self.key = json.loads(part)
        elif self.state == "value" and part != '"':
            self.found[self.key] = json.loads(part)
        self.state = {"begin": "key", "key": "value", "value": "comma"}.get(self.state, "key")
        if part == "}":
            self.state = "end"
        elif part == '"':
            self.state, self.now = "text", Text(statement_begins)
        return found.end()


_INSIDE = re.compile(r'[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+')
_HALF = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\Z")
_CUT = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")  # an escape whose end is to come
_SPACE = r"[ \t\r\n]*+"
_PARTS = {
    "begin": re.compile(rf"{_SPACE}(\{{)"),
    "key": re.compile(rf'{_SPACE}("{_INSIDE.pattern}"){_SPACE}:'),
    "value": re.compile(rf'{_SPACE}("|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?={_SPACE}[,}}])|true|false|null)'),
    "comma": re.compile(rf"{_SPACE}([,}}])"),
    "end": re.compile(r"(?!)"),
}
_LONGEST_PART = 1_000  # of a key or number
