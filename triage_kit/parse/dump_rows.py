"""Rows of a dump's data, counted as it streams by: COPY text and INSERT statements, in bounded memory."""

from __future__ import annotations

import re

_END = b"\\.\n"
_TOKENS = re.compile(rb"'|\"|\(|\)|;|(?i:\bVALUES\b)|(?i:\bINSERT\s+INTO\b)|(?i:\bDEFAULT\s+VALUES\b)")
_TAIL = 24  # no word that matters is longer, so a piece's last bytes wait for the next one


class CopyRows:
    """Counts the lines of COPY text up to the line that holds a backslash and a dot alone.

    A line break inside a value is written as two characters, so every line is a row (COPY, "Text Format").

    >>> counter = CopyRows()
    >>> counter.feed(b"1\\ta\\n2\\tb\\\\nb\\n"), counter.feed(b"\\\\.\\nrest"), counter.rows, counter.ended
    (b'', b'rest', 2, True)
    """

    def __init__(self) -> None:
        self.rows, self.ended = 0, False
        self._held = b""  # a line's beginning that may become the end mark
        self._fresh = True  # whether what comes next begins a line

    def feed(self, piece: bytes) -> bytes:
        """Count the next bytes; gives those behind the end mark, which are no rows."""
        data, self._held = self._held + piece, b""
        if self._fresh and data.startswith(_END):
            self.ended = True
            return data[len(_END) :]
        at = data.find(b"\n" + _END)
        if at >= 0:
            self.rows += data.count(b"\n", 0, at + 1)
            self.ended = True
            return data[at + 1 + len(_END) :]
        newest = data.rfind(b"\n") + 1
        self.rows += data.count(b"\n", 0, newest)
        tail = data[newest:]
        self._fresh = (bool(newest) or self._fresh) and _END.startswith(tail)
        self._held = tail if self._fresh else b""
        return b""


class InsertRows:
    """Counts the rows of INSERT statements as pg_dump --inserts, --column-inserts and --rows-per-insert write them.

    >>> counter = InsertRows()
    >>> counter.feed(b"INSERT INTO t (a) VALUES ('x;('''), (2);\\nINSERT INTO t DEFAULT VALUES;\\n")
    >>> counter.finish()
    >>> counter.rows
    3
    """

    def __init__(self) -> None:
        self.rows = 0
        self._inside, self._quote, self._depth, self._values = False, b"", 0, False
        self._held = b""

    def feed(self, piece: bytes) -> None:
        """Count the next bytes."""
        self._read(self._held + piece, last=False)

    def finish(self) -> None:
        """Count what waited for more."""
        self._read(self._held, last=True)

    @property
    def ended(self) -> bool:
        """Whether the last statement was whole."""
        return not self._inside and not self._quote

    def _read(self, data: bytes, last: bool) -> None:
        stop = len(data) if last else max(len(data) - _TAIL, 0)
        at = 0
        while at < stop:
            if self._quote:
                end = data.find(self._quote, at)
                if end < 0:
                    at = len(data)
                    break
                at, self._quote = end + 1, b""
                continue
            found = _TOKENS.search(data, at)
            if found is None or (found.start() >= stop and not last):
                at = max(at, stop)
                break
            at = found.end()
            self._token(found[0])
        self._held = data[at:]

    def _token(self, token: bytes) -> None:
        if token in (b"'", b'"'):
            self._quote = token  # a doubled quote closes and opens again: the text goes on
        elif token == b"(":
            if self._inside and self._values and not self._depth:
                self.rows += 1
            self._depth += 1
        elif token == b")":
            self._depth = max(self._depth - 1, 0)
        elif token == b";":
            if not self._depth:
                self._inside = self._values = False
        elif not self._depth:
            word = token.upper().split()
            if word[0] == b"INSERT":
                self._inside, self._values = True, False
            elif word[0] == b"DEFAULT" and self._inside and not self._values:
                self.rows += 1
            elif word[0] == b"VALUES" and self._inside:
                self._values = True
