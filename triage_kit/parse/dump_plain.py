"""A dump in plain SQL, read line by line as it streams: whose it is, which tables, how many rows, whole or cut."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from triage_kit.parse.dump_rows import CopyRows, InsertRows

LONGEST_LINE = 1 << 20  # of a line more is not looked at; its end is still found
_NAME = r'(?:"(?:[^"]|"")+"|[^\s".(]+)'
_COPY = re.compile(rf"COPY ({_NAME}(?:\.{_NAME})?)(?: \(.*\))? FROM stdin;\s*$", re.DOTALL)
_INSERT = re.compile(rf"INSERT INTO ({_NAME}(?:\.{_NAME})?)[\s(]")
_CREATE = re.compile(rf"CREATE (?:UNLOGGED |FOREIGN )?TABLE (?:IF NOT EXISTS )?({_NAME}(?:\.{_NAME})?)[\s(]")
_CONNECT = re.compile(r'\\connect (?:-reuse-previous=on )?"?(?:dbname=\')?((?:[^"\'\\]|\\.)+?)\'?"?\s*$')
# What an edited dump may hold besides: another way to the same, or what no dump says (\\i, \\!). psql takes it anywhere
# on a line outside of texts; pg_dump of 2025 and later begins with \\restrict.
_LEADS = re.compile(
    r"\\(?!connect\b|(?:un)?restrict\b)(?:[A-Za-z]+\+?|!)[ \t]*[^\s;\\]*|(?<=.)\\connect\b[ \t]*[^\s;\\]*"
)
_TEXTS = re.compile(r"'(?:[^']|'')*(?:'|\Z)|\"[^\"]*(?:\"|\Z)|--.*|\$\w*\$.*", re.DOTALL)
_VERSION = re.compile(r"-- Dumped (from database|by pg_(?:dump|dumpall)) version (\S+)")
_STARTED = re.compile(r"-- (Started|Completed) on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: \S+)?)")
_LEXEMES = re.compile(r"--[^\n]*|'|\"|\$(?:[A-Za-z_]\w*)?\$|/\*|\*/")
_PART = re.compile(r'"((?:[^"]|"")*)"|([^".]+)')


@dataclass
class PlainTable:
    """One table's data in one database of the dump."""

    database: str
    schema: str
    table: str
    rows: int = 0
    whole: bool = False
    how: str = "copy"


@dataclass
class Plain:
    """What a plain dump holds; ``cluster`` says that pg_dumpall wrote it."""

    server_version: str = ""
    by_version: str = ""
    database: str = ""
    started: str = ""
    completed: str = ""
    complete: bool = False
    cluster: bool = False
    created: set[tuple[str, str, str]] = field(default_factory=set)
    tables: dict[tuple[str, str, str], PlainTable] = field(default_factory=dict)
    recognised: bool = False
    leading: set[str] = field(
        default_factory=set
    )  # psql's commands that no dump has: they may lead to another database


def read_plain(pieces: Iterable[bytes]) -> Plain:
    """Read a plain dump from its bytes; whatever they are, nothing is raised and nothing is kept but counts.

    >>> dump = read_plain([b"-- Dumped by pg_dump version 18.6\\nCOPY s.t (a) FROM stdin;\\n1\\n2\\n\\\\.\\n"])
    >>> dump.tables["", "s", "t"].rows, dump.complete
    (2, False)
    """
    reader = _Reader()
    for piece in pieces:
        reader.feed(piece)
    reader.finish()
    return reader.dump


class _Reader:
    """Takes the bytes; outside of COPY data a line at a time, with the quote that is open at its beginning."""

    def __init__(self) -> None:
        self.dump = Plain()
        self.copying: tuple[CopyRows, PlainTable] | None = None
        self.inserting: tuple[InsertRows, PlainTable] | None = None
        self.open = ""
        self.held = b""

    def feed(self, piece: bytes) -> None:
        data, self.held = self.held + piece, b""
        while data:
            if self.copying:
                data = self._copied(data)
                continue
            end = data.find(b"\n") + 1
            if not end and len(data) <= LONGEST_LINE:
                self.held = data
                return
            self._line(data[: end or len(data)])
            data = data[end:] if end else b""

    def finish(self) -> None:
        if self.held:
            self._line(self.held)
        if self.inserting:
            self._counted(last=True)

    def _copied(self, data: bytes) -> bytes:
        assert self.copying is not None
        counter, table = self.copying
        before = counter.rows
        rest = counter.feed(data)
        table.rows += counter.rows - before
        if counter.ended:
            table.whole, self.copying = True, None
        return rest

    def _line(self, line: bytes) -> None:
        if self.inserting:
            self.inserting[0].feed(line)
            self._counted(last=line.rstrip().endswith(b";"))
            return
        text = line.decode("utf-8", "surrogateescape")
        if not self.open:
            if text.startswith("COPY ") and (found := _COPY.match(text)):
                self.copying = CopyRows(), self._table(found[1], "copy")
                return
            if text.startswith("INSERT INTO ") and (found := _INSERT.match(text)):
                self.inserting = InsertRows(), self._table(found[1], "inserts")
                self._line(line)
                return
            self._statement(text)
        self._quotes(text)

    def _counted(self, last: bool) -> None:
        """Look whether the INSERT is over: only where a line ends in a semicolon, which may stand inside a text."""
        assert self.inserting is not None
        counter, table = self.inserting
        if not last:
            return
        counter.finish()
        if counter.ended:
            table.rows += counter.rows
            table.whole, self.inserting = True, None

    def _statement(self, text: str) -> None:
        dump = self.dump
        if text.startswith("--"):
            self._comment(text)
        elif text.startswith("\\connect") and (found := _CONNECT.match(text)):
            dump.database, dump.recognised = found[1], True
        elif "\\" in text and (led := _LEADS.search(_TEXTS.sub("''", text))):
            dump.leading.add(led[0].strip())
        elif text.startswith("CREATE ") and (found := _CREATE.match(text)):
            dump.created.add((dump.database, *_parts(found[1])))

    def _comment(self, text: str) -> None:
        dump = self.dump
        if found := _VERSION.match(text):
            dump.recognised = True
            setattr(dump, "server_version" if found[1].startswith("from") else "by_version", found[2])
        elif found := _STARTED.match(text):
            setattr(dump, found[1].lower(), found[2])
        elif text.startswith("-- PostgreSQL database cluster dump"):
            dump.cluster = dump.recognised = True
            dump.complete = "complete" in text
        elif text.startswith("-- PostgreSQL database dump"):
            dump.recognised = True
            dump.complete = "complete" in text and not dump.cluster

    def _table(self, name: str, how: str) -> PlainTable:
        key = (self.dump.database, *_parts(name))
        self.dump.recognised = True
        known = self.dump.tables.setdefault(key, PlainTable(*key, how=how))
        known.whole = False
        return known

    def _quotes(self, text: str) -> None:
        """Follow quotes, dollar quotes and comments to the line's end, so that a text's lines are taken for no SQL."""
        at = 0
        while at < len(text):
            if self.open:
                closing = "*/" if self.open == "/*" else self.open
                end = text.find(closing, at)
                if end < 0:
                    return
                at, self.open = end + len(closing), ""
                continue
            found = _LEXEMES.search(text, at)
            if not found:
                return
            at = found.end()
            if not found[0].startswith("--") and found[0] != "*/":
                self.open = found[0]


def _parts(name: str) -> tuple[str, str]:
    parts = [quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(name)]
    return (parts[-2] if len(parts) > 1 else "", parts[-1] if parts else "")
