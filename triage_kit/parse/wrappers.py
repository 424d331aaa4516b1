"""What stands around the server's own lines when something else kept the log: told by its beginning, and taken off.

Each wrapper gives numbered lines again, so several may lie around each other (a Kubernetes node's file of a pod that
writes JSON records), and the parsers of the server's formats read what is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain

from triage_kit.parse.exports import document, header, is_document, table
from triage_kit.parse.lines import Gluer, Line, numbered
from triage_kit.parse.prefix import SEVERITY, pattern
from triage_kit.parse.records import is_record, journal_export, json_array, json_records
from triage_kit.parse.syslog import HEADER, Syslog, is_numbered, joined
from triage_kit.parse.times import Clock

_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_CRI = re.compile(rf"(?P<at>{_STAMP}) (?P<stream>stdout|stderr) (?P<tags>[FP](?::\w+)*)(?: (?P<text>.*)|\Z)", re.DOTALL)
_STAMPED = re.compile(rf"(?P<at>{_STAMP}) (?P<text>.*)|(?P<alone>{_STAMP})\Z", re.DOTALL)
_COLOUR = r"(?:\x1b\[[\d;]*m)*"
_NAMED = re.compile(
    rf"\A{_COLOUR}(?P<name>\[pod/[^\]]+\] |[\w.-]+ +(?={_COLOUR}\|)(?:{_COLOUR}\| )|"
    r"app\[\w+\] [a-z]{3} \[\w+\] ?|\{\w+=\"[^\n]{0,500}?\"\} )" + _COLOUR
)
_ALIKE = ("[pod/", "app[", "{")  # whoever writes these pads nothing
# As a terminal takes it, and as cat -v and syslog write it.
_COLOURS = re.compile(r"(?:\x1b|\^\[|#033)\[[\d;:]*[mK]")
_PLAIN_AGAIN = re.compile(r"(?:\x1b|\^\[|#033)\[0*m")
_INSIDE = re.compile(rf"{_STAMP} ")
_PIECE = 16384  # docker cuts longer lines, and `docker logs -t` stamps every piece
_LAYERS = 3


def wrapping(head: bytes, prefix: str | None = None) -> tuple[str, ...]:
    """Names of the wrappers around a log, the outermost first; empty when the server wrote the file itself.

    ``prefix`` is the log_line_prefix that the case or the server names: what it explains is no wrapper.

    >>> wrapping(b'{"log":"2025-10-07 20:27:38.343 UTC [1] LOG:  hello\\\\n","stream":"stderr"}')
    ('json',)
    """
    found: list[str] = []
    whole = head.splitlines(keepends=True)
    while len(found) < _LAYERS:
        layers = tuple(found)
        sample = [line.text for line in Unwrapper(layers, head).lines(whole) if line.text.strip()][:400]
        name = _outermost(sample, head if not found else b"")
        if found and found[-1] in ("json", "journal", "array") and sum(map(is_numbered, sample)) * 2 > len(sample):
            name = "numbered"  # what a server gave to a syslog that is a journal
        # A journal's records may hold a container engine's, one record in the other.
        if (
            not name
            or (name in layers and name != "json")
            or (name == "named" and prefix and _written_by(prefix, sample))
        ):
            break
        found.append(name)
    return tuple(found)


def _outermost(sample: list[str], head: bytes) -> str:
    if re.search(rb"(?m)^__(?:CURSOR|REALTIME_TIMESTAMP)=", head):
        return "journal"
    if re.match(rb"\s*(?:\[\s*)?\{\s*\n", head):  # objects over several lines, in an array or one behind the other
        return "array"
    if sample and head and is_document(sample[0]):
        return "document"
    if sample and head and header(sample[0]) is not None:
        return "table"
    votes = [_vote(line) for line in sample]
    best = max(("json", "cri", "syslog", "stamped", "named"), key=votes.count)
    if best == "named" and not _aligned(sample):
        best = ""
    if votes and votes.count(best) * 2 > len(votes):
        return best
    return "coloured" if any(map(_coloured, sample)) else ""


def _coloured(line: str) -> bool:
    """Whether a terminal's colours stand before the end of a severity: what a statement holds is its own.

    What colours a log takes each colour back on the same line; a name that holds the code of one does not.
    """
    found = _COLOURS.search(line, 0, _SOON)
    if found is None or _PLAIN_AGAIN.search(line, found.end()) is None:
        return False
    severity = SEVERITY.search(_COLOURS.sub("", line[: 2 * _SOON]))
    return severity is not None and found.start() < severity.end()


def _aligned(sample: list[str]) -> bool:
    """Compose pads the names of services to one width; fields of a prefix, as ``%a | %u | ``, have any."""
    found = [_NAMED.match(line) for line in sample]
    return len({each.end() for each in found if each and not each["name"].startswith(_ALIKE)}) <= 1


def _written_by(prefix: str, sample: list[str]) -> bool:
    """Whether the server's prefix fits the lines better as they are than without a name before them."""
    whole = pattern(prefix)
    bare = [_NAMED.sub("", line, count=1) for line in sample]
    return sum(whole.match(line) is not None for line in sample) > sum(whole.match(line) is not None for line in bare)


def _vote(line: str) -> str:
    line = line.removeprefix("\x1e")  # journalctl -o json-seq
    if line.startswith("{"):
        try:
            return "json" if is_record(json.loads(line)) else ""
        except (ValueError, RecursionError):
            # The end of the head cuts a line; the longest line of a container's log is 16 kB.
            if line.startswith('{"'):
                return "json" if line.startswith('{"log":') else ""
    if _CRI.match(line):
        return "cri"
    if HEADER.match(line):
        return "syslog"
    if _STAMPED.match(line):
        return "stamped"
    return "named" if _NAMED.match(line) else ""


class Unwrapper:
    """Takes the wrappers off a stream of byte lines; ``foreign`` counts lines of other programs that it left out.

    head is the beginning of the log, latest the time of the file, for stamps without a year.
    """

    def __init__(
        self, layers: tuple[str, ...], head: bytes = b"", clock: Clock | None = None, latest: datetime | None = None
    ) -> None:
        self.layers, self.head = layers, head
        self.clock, self.latest = clock or Clock(), latest
        self.syslog: Syslog | None = None
        self.others = 0  # lines of other containers

    @property
    def foreign(self) -> int:
        return self.others + (self.syslog.foreign if self.syslog else 0)

    def lines(self, source: Iterable[bytes | Line]) -> Iterator[Line]:
        layers = list(self.layers)
        if layers[:1] == ["journal"]:
            layers.pop(0)
            lines = journal_export(each for each in source if isinstance(each, bytes))
        else:
            lines = numbered(source, whole=True)
        for at, name in enumerate(layers):
            lines = self._off(name, lines, tuple(self.layers[: len(self.layers) - len(layers) + at]))
        return lines

    def _off(self, name: str, lines: Iterator[Line], before: tuple[str, ...]) -> Iterator[Line]:
        if name == "syslog":
            sample = Unwrapper(before, self.head).lines(self.head.splitlines(keepends=True))
            self.syslog = Syslog([line.text for line in sample], self.clock, self.latest)
            return self.syslog.read(lines)
        if name == "named":
            sample = Unwrapper(before, self.head).lines(self.head.splitlines(keepends=True))
            return self._named(lines, frozenset(_speaking(line.text for line in sample)))
        return _OFF[name](lines)

    def _named(self, lines: Iterable[Line], names: frozenset[str]) -> Iterator[Line]:
        """The lines without names before them; those of other containers, which stand between, are left out."""
        for line in lines:
            found = None if line.more else _NAMED.match(line.text)
            if found and names and found["name"] not in names:
                self.others += 1
            else:
                yield line._replace(text=line.text[found.end() :]) if found else line


def _cri(lines: Iterable[Line]) -> Iterator[Line]:
    pieces = Gluer()
    for line in lines:
        found = None if line.more else _CRI.match(line.text)
        if found is None:
            yield from pieces.between(line)
            continue
        piece = line._replace(text=found["text"] or "", at=found["at"])
        yield from pieces.add(found["stream"], piece, found["tags"].startswith("F"))
    yield from pieces.rest()


def _stamped(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        found = None if line.more else _STAMPED.match(line.text)
        if found is None:
            yield line
        else:
            text = found["text"] or ""
            yield line._replace(
                text=_without_inner_stamps(text) if len(text) >= _PIECE // 4 else text, at=found["at"] or found["alone"]
            )


def _without_inner_stamps(text: str) -> str:
    return without_inner_stamps(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


def without_inner_stamps(data: bytes) -> bytes:
    """A line of ``docker logs -t`` behind its stamp, without those of its further pieces."""
    view, parts, at = memoryview(data), [], 0
    while at < len(data):
        end = at + _PIECE
        found = _INSIDE.match(data[end : end + 50].decode("latin-1"))
        if found is None:
            break
        parts.append(view[at:end])
        at = end + found.end()
    return b"".join([*parts, view[at:]]) if parts else data


def _without_colours(lines: Iterable[Line]) -> Iterator[Line]:
    return (line._replace(text=_COLOURS.sub("", line.text)) if "[" in line.text else line for line in lines)


def _speaking(sample: Iterable[str]) -> Iterator[str]:
    """The names before lines that hold a severity as a server writes it."""
    for line in sample:
        found = _NAMED.match(line)
        if found and SEVERITY.search(line, found.end(), found.end() + _SOON):
            yield found["name"]


_SOON = 500  # characters in which a severity comes


_OFF: dict[str, Callable[[Iterator[Line]], Iterator[Line]]] = {
    "json": json_records,
    "array": json_array,
    "cri": _cri,
    "stamped": _stamped,
    "coloured": _without_colours,
    "document": document,
    "table": table,
    "numbered": joined,
}


def unwrapped_head(layers: tuple[str, ...], head: bytes, clock: Clock | None = None) -> bytes:
    """The beginning of the server's own log, for telling its format and prefix."""
    lines = Unwrapper(layers, head, clock).lines(head.splitlines(keepends=True))
    return b"".join(chain.from_iterable((line.text.encode("utf-8", "surrogateescape"), b"\n") for line in lines))
