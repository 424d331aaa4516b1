"""One file, or a range of its bytes, in blocks; several ranges on any executor, joined again in their order.

Two passes: the first finds the entries that matter. The second follows the sessions whose statements it found, since
BEGIN, COMMIT, ROLLBACK, an error or the next entry say what became of them.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from triage_kit.parse.entry import Entry, Unparsed
from triage_kit.parse.formats import parse
from triage_kit.parse.lines import Line
from triage_kit.parse.scan.blocks import MOST_WINDOW, WINDOW, Block, begins, blocks, boundary, stray_part
from triage_kit.parse.scan.engine import Matcher
from triage_kit.parse.scan.following import Books, Following, following_patterns
from triage_kit.parse.scan.formats import odd_pattern
from triage_kit.parse.scan.heads import matcher
from triage_kit.parse.scan.select import FirstPass, Selection, first_patterns
from triage_kit.parse.scan.sessions import Session, Who
from triage_kit.parse.scan.significance import significant
from triage_kit.parse.times import Clock

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

RANGE = 64 << 20
TAIL = 256 << 10
MOST_UNPARSED = 1_000  # lines that are no entry, given back; all are counted
_MOST_TEXT = 64 << 10
_TRIES = 50  # edges that are tried where backends wrote into each other


@dataclass(frozen=True)
class Source:
    """A log on the disk and how it is read; a plain one travels to other processes.

    unpacked gives the bytes of a packed one from its beginning, each time it is called: it is read as one range.
    """

    path: Path
    format: str
    prefix: str = ""
    log_timezone: str = "UTC"
    size: int = 0
    unpacked: Callable[[], Iterator[bytes]] | None = None

    def whole(self) -> int:
        """How many bytes there are; of a packed log nobody knows before it was read."""
        if self.unpacked:
            return sys.maxsize
        return self.size or self.path.stat().st_size


@dataclass
class Scanned:
    """What one range gave: entries and unparsed lines in the order of the file, and exact counts.

    Line numbers count from the beginning of the range until ``merged`` has added those before it.
    """

    found: list[Entry | Unparsed] = field(default_factory=list)
    lines: int = 0
    entries: int = 0
    unparsed: int = 0
    plain_bytes: int = 0  # read by the plain parser alone, since backends wrote into each other there
    zones_unresolved: int = 0  # times whose zone was taken from log_timezone
    books: set[Who] = field(default_factory=set)  # roles and databases of which everything is logged
    tail: bytes = b""  # its last bytes
    unresolved: set[Session] = field(default_factory=set)  # sessions of which a second pass must tell more


def ranges(source: Source, size: int = RANGE) -> list[tuple[int, int]]:
    """Byte ranges of about this size that begin with an entry each, and cover the file."""
    whole = source.whole()
    if source.unpacked:
        return [(0, whole)]
    edges = [0]
    with source.path.open("rb") as stream:
        for at in range(size, whole, size):
            edge = _clean_edge(stream.fileno(), at, whole, source)
            if edges[-1] < edge < whole:
                edges.append(edge)
    return list(zip(edges, [*edges[1:], whole], strict=True))


def _clean_edge(descriptor: int, at: int, whole: int, source: Source) -> int:
    """The first byte from ``at`` on with which an entry begins, and behind which no part of an earlier one stands."""
    edge = boundary(descriptor, at, whole, source.format, source.prefix)
    for _ in range(_TRIES if source.format == "stderr" else 0):
        stray = stray_part(descriptor, edge, whole, source.prefix)
        if stray is None or edge >= whole:
            break
        edge = boundary(descriptor, stray, whole, source.format, source.prefix)
    return edge


def scan_range(
    source: Source,
    start: int,
    end: int,
    sessions: frozenset[Session] = frozenset(),
    wanted: frozenset[Who] = frozenset(),
    found: frozenset[int] = frozenset(),
    progress: Callable[[int], None] | None = None,
) -> Scanned:
    """Entries of a byte range that begins with an entry: those that matter and what tells how they ended.

    With sessions, or with wanted, it is a second pass, and gives what more tells of those sessions. wanted are roles
    and databases of which is to be learnt whether everything is logged; found are the bytes at which entries begin that
    a first pass has found.
    """
    if sessions or wanted:
        return _second_range(source, start, end, sessions, wanted, found)
    clock, result, selection = Clock(source.log_timezone), Scanned(), Selection()
    find = matcher(first_patterns(source), source.format, source.prefix, keep=True)
    books = Books(source, frozenset())
    select = FirstPass(source, start, find)
    stream = _selected(source, start, end, find, select, selection, result, progress, books)
    for each in parse(stream, source.format, source.prefix, clock):
        loose = selection.loose(each.offset)
        if isinstance(each, Unparsed):
            result.unparsed += 1
            # Every line of json, and every head of csv, was taken for an entry.
            result.entries -= not loose and (source.format == "json" or begins_csv(source, each.text))
            if result.unparsed <= MOST_UNPARSED:
                each.text = each.text[:_MOST_TEXT]
                result.found.append(each)
            continue
        result.entries += loose
        if loose:
            books.learn(each)
        matters = significant(each)
        if matters or not loose:
            result.found.append(each)
        if matters and _open_ended(each):
            books.want((each.role, each.database))
            if each.offset not in select.around.handled:
                result.unresolved.add(each.session or each.pid or 0)
    result.found += _looked_for(source, select.rest(), clock)
    result.found += _looked_for(source, _ahead(source, end, find, select, result.lines), clock)
    select.around.unclear()
    result.unresolved |= select.around.unresolved
    result.zones_unresolved, result.books = clock.unresolved, books.found
    return result


def _open_ended(entry: Entry) -> bool:
    return entry.outcome == "unknown" and bool(entry.statement) and bool(entry.session or entry.pid)


def _ahead(source: Source, end: int, find: Matcher, select: FirstPass, line: int) -> Iterator[Line]:
    """Entries behind the range that tell of statements in it."""
    if not select.around.pending or end >= source.whole():
        return
    for block in blocks(source, end, source.whole(), find, line):
        if block.shape is None:
            return
        yield from select.ahead(block)
        if not select.around.pending:
            return


def _looked_for(source: Source, lines: Iterator[Line], clock: Clock) -> list[Entry]:
    return [each for each in parse(lines, source.format, source.prefix, clock) if isinstance(each, Entry)]


def _second_range(
    source: Source, start: int, end: int, sessions: frozenset[Session], wanted: frozenset[Who], found: frozenset[int]
) -> Scanned:
    result, selection = Scanned(), Selection()
    books = Books(source, wanted)
    if not sessions:
        # Without a matcher pyarrow would be loaded, which takes longer than a small log.
        find = matcher(odd_pattern(source.format, source.prefix), source.format, source.prefix, keep=True)
        for block in blocks(source, start, end, find):
            books.look(block, block.shape)
            if not books.wanted:
                break
        return Scanned(books=books.found)
    find = matcher(following_patterns(source, sessions), source.format, source.prefix)
    select = Following(source, sessions, books, found)
    stream = _selected(source, start, end, find, select, selection, result, None, None)
    for each in parse(stream, source.format, source.prefix, Clock(source.log_timezone)):
        if isinstance(each, Entry) and (each.session or each.pid) in sessions:
            result.found.append(each)
    result.books = books.found
    return result


def begins_csv(source: Source, line: str) -> bool:
    return source.format == "csv" and begins(line.encode("utf-8", "surrogateescape"), "csv", "")


def _selected(
    source: Source,
    start: int,
    end: int,
    find: Matcher,
    select: FirstPass | Following,
    selection: Selection,
    result: Scanned,
    progress: Callable | None,
    books: Books | None,
) -> Iterator[Line]:
    """Lines that the plain parser shall see: chosen entries of clear blocks, everything of the others."""
    held: deque[Block] = deque()
    last = b""
    for block in blocks(source, start, end, find):
        if books is not None and books.wanted:
            books.look(block, block.shape)
        held.append(block)
        while held and (block.shape is None or _settled(held)):
            # A part of an entry before an unclear block may stand in it.
            yield from _chosen(held[0], block.shape is None, select, selection, result)
            if progress is not None:
                progress(held[0].length)
            last = held.popleft().data[-TAIL:]
    result.tail = b"".join(each.data[-TAIL:] for each in held)[-TAIL:] or last
    for block in held:
        yield from _chosen(block, False, select, selection, result)
        if progress is not None:
            progress(block.length)
    if isinstance(select, Following):
        yield from select.rest()


def _settled(held: deque[Block]) -> bool:
    """Whether so much stands behind the first block that no part of its entries can come any more."""
    later = list(islice(held, 1, None))
    entries = sum(each.shape.entries for each in later if each.shape is not None)
    return entries >= WINDOW or sum(each.length for each in later) > MOST_WINDOW


def _chosen(
    block: Block, before_unclear: bool, select: FirstPass | Following, selection: Selection, result: Scanned
) -> Iterator[Line]:
    if block.shape is None or before_unclear:
        selection.add(block.offset)
        yield from select.rest()
        yield from block.every()
        selection.end(block.offset + block.length)
        result.plain_bytes += block.length
        result.lines += block.count
        select.unclear()
        return
    result.lines += block.count
    result.entries += block.shape.entries
    yield from select(block)


def merged(parts: Iterable[Scanned]) -> Scanned:
    """One result of the results of neighbouring ranges, in their order; lines count from the file's beginning."""
    whole = Scanned()
    shown = 0
    for part in parts:
        for each in part.found:
            each.line += whole.lines
            shown += isinstance(each, Unparsed)
            if shown <= MOST_UNPARSED or isinstance(each, Entry):
                whole.found.append(each)
        whole.lines += part.lines
        whole.entries += part.entries
        whole.unparsed += part.unparsed
        whole.plain_bytes += part.plain_bytes
        whole.tail = part.tail or whole.tail
        whole.zones_unresolved += part.zones_unresolved
        whole.unresolved |= part.unresolved
        whole.books |= part.books
    return whole


def scan(
    source: Source,
    executor: Executor | None = None,
    logs_everything: bool = False,
    progress: Callable[[int], None] | None = None,
    size: int = RANGE,
) -> Scanned:
    """The whole file: entries that matter, and of their sessions what tells how their statements ended.

    ``executor`` is any of concurrent.futures, a Dask cluster's too (``Client.get_executor()``); without one the ranges
    are read one after the other. ``progress`` is given the number of bytes that are done.
    """
    parts = ranges(source, size)
    first = _run(source, parts, frozenset(), frozenset(), frozenset(), executor, progress)
    known = {each.offset: each for each in first.found}
    open_ended = [each for each in first.found if isinstance(each, Entry) and _open_ended(each) and significant(each)]
    sessions = frozenset(each.session or each.pid or 0 for each in open_ended) & first.unresolved
    wanted = {(each.role, each.database) for each in open_ended} if not logs_everything else set()
    if sessions or wanted - first.books:
        offsets = frozenset(known)
        second = _run(source, parts, sessions, frozenset(wanted - first.books), offsets, executor, None)
        known |= {each.offset: each for each in second.found if each.offset not in known}
        first.books |= second.books
    first.found = [known[offset] for offset in sorted(known)]
    return first


def _run(
    source: Source,
    parts: list[tuple[int, int]],
    sessions: frozenset[Session],
    wanted: frozenset[Who],
    known: frozenset[int],
    executor: Executor | None,
    progress: Callable[[int], None] | None,
) -> Scanned:
    if executor is None or len(parts) == 1:
        return merged(scan_range(source, start, end, sessions, wanted, known, progress) for start, end in parts)
    futures = [
        executor.submit(scan_range, source, start, end, sessions, wanted, _within(known, start, end))
        for start, end in parts
    ]
    return merged(_results(parts, futures, progress))


def _within(known: frozenset[int], start: int, end: int) -> frozenset[int]:
    return frozenset(each for each in known if start <= each < end)


def _results(
    parts: list[tuple[int, int]], futures: list[Future[Scanned]], progress: Callable[[int], None] | None
) -> Iterator[Scanned]:
    for (start, end), future in zip(parts, futures, strict=True):
        yield future.result()
        if progress is not None:
            progress(end - start)


def last_instant(source: Source, tail: bytes) -> datetime | None:
    """The time of the last entry that has one, from the last bytes of a log."""
    found = parse(tail.splitlines(keepends=True), source.format, source.prefix, Clock(source.log_timezone))
    return max((each.at for each in found if isinstance(each, Entry) and each.at is not None), default=None)
