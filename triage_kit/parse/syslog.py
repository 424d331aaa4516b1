"""Lines that a syslog daemon or the journal wrote: RFC 3164, RFC 5424, and the short forms of journalctl.

PostgreSQL numbers its messages and their pieces, ``[7-2]``, since syslog takes one line of about 900 bytes at a time:
https://www.postgresql.org/docs/current/runtime-config-logging.html (syslog_sequence_numbers, syslog_split_messages).
A daemon writes a TAB as ``#011``; a line of a message begins with one, a piece of a long line does not.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from triage_kit.parse.lines import LONGEST, PIECE, Line
from triage_kit.parse.prefix import COLON, SEVERITY_WORDS, SUB_ENTRY_WORDS
from triage_kit.parse.times import Clock

_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)"
_OLD = r"[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?"
_FULL = r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? \S+"  # journalctl -o short-full
_UNIX = r"\d{9,}\.\d{6}"
HEADER = re.compile(
    rf"(?:<\d{{1,3}}>)?(?:1 (?P<at5424>{_ISO}|-) \S+ (?P<program5424>\S+) (?P<pid5424>\d+|-) \S+ "
    r"(?:-|(?:\[(?:[^\]\\]|\\.)*\])+) ?(?:\ufeff)?"
    rf"|(?:(?P<iso>{_ISO})|(?P<old>{_OLD})|(?P<full>{_FULL})|(?P<unix>{_UNIX})) "
    r"(?:\S+ )?(?P<program>[A-Za-z_][^\s\[\]:]*)(?:\[(?P<pid>\d+)\])?:(?!  ) ?)"
)
_NUMBERED = re.compile(r"\[(\d+)-(\d+)\] ?(?=\S|\t|\Z| )")
_ABOUT = re.compile(rf"(?:{SEVERITY_WORDS}|{SUB_ENTRY_WORDS}){COLON}")
_SUB = re.compile(rf"(?P<head>.{{0,300}}?)(?:{SUB_ENTRY_WORDS}){COLON}", re.DOTALL)
_MAIN = re.compile(rf"(?P<head>.{{0,300}}?)(?:{SEVERITY_WORDS}){COLON}", re.DOTALL)
_USUAL = re.compile(r"(?i)postgres|postmaster|\bpg\b|edb")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
# Messages that may be open at the same time, each in its own process.
_WINDOW = 64


def programs(sample: Iterable[str]) -> frozenset[str]:
    """Names under which a PostgreSQL server speaks in these lines: its own, or syslog_ident's."""
    found = set()
    for line in sample:
        header = HEADER.match(line)
        name = (header["program"] or header["program5424"]) if header else None
        if header and name and (_USUAL.search(name) or _ABOUT.search(line, header.end())):
            found.add(name)
    return frozenset(found)


class Syslog:
    """Takes the header off each line and joins the pieces; lines of other programs are left out and counted."""

    def __init__(self, sample: Iterable[str], clock: Clock, latest: datetime | None = None) -> None:
        self.programs = programs(sample)
        self.clock, self.latest = clock, latest
        self.foreign = 0
        self._stamp: tuple[str, str | None] = ("", None)

    def read(self, lines: Iterable[Line]) -> Iterator[Line]:
        return joined(self._bare(lines))

    def _bare(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            found = HEADER.match(line.text)
            if found is None:
                yield line
                continue
            name = found["program"] or found["program5424"]
            if self.programs and name not in self.programs and not _USUAL.search(name):
                self.foreign += 1
                continue
            pid = found["pid"] or found["pid5424"]
            text = line.text[found.end() :].replace("#011", "\t")
            at = self._at(found)
            # A numbered piece is one line: what looks like the end of one is the statement's own.
            numbered = _NUMBERED.match(text) is not None
            for part in [text] if numbered else text.split("#012"):
                yield Line(line.number, line.offset, part, at, int(pid) if pid and pid.isdigit() else None)

    def _at(self, found: re.Match[str]) -> str | None:
        if found["iso"] or found["at5424"]:
            return found["iso"] or found["at5424"]
        written = found["old"] or found["full"] or found["unix"]
        if self._stamp[0] != written:
            at = self._instant(found, written)
            self._stamp = (written, at.isoformat() if at else None)
        return self._stamp[1]

    def _instant(self, found: re.Match[str], written: str) -> datetime | None:
        if found["unix"]:
            return self.clock.epoch(written)
        if found["full"]:
            return self.clock.instant(written[4:])
        return self._without_year(written)

    def _without_year(self, written: str) -> datetime | None:
        """A time without its year: the last such time that is not later than the file."""
        month, day, *rest = written.split()
        years = [each for each in rest if ":" not in each]
        clock = next(each for each in rest if ":" in each)
        if month not in _MONTHS:
            return None
        date = f"{_MONTHS.index(month) + 1:02}-{int(day):02}"
        if years or self.latest is None:
            return self.clock.instant(f"{years[0]}-{date} {clock}") if years else None
        for year in range(self.latest.year + 1, self.latest.year - 9, -1):
            at = self.clock.instant(f"{year}-{date} {clock}")
            if at is not None and at <= self.latest + timedelta(days=1):
                return at
        return None


class _Message:
    """One message of the server, of which more pieces may come."""

    def __init__(self, line: Line, number: str) -> None:
        self.begun, self.number, self.open = [(line, [line.text])], number, True
        self.length = 0
        found = _MAIN.match(line.text)
        self.head = re.sub(r"\d+", "0", found["head"]) if found else None

    def add(self, line: Line) -> None:
        self.length += len(line.text) + 64
        if line.text.startswith("\t") or self._begins(line.text):
            self.begun.append((line, [line.text]))
        else:  # the piece of a line that was cut at a space, which stands at its beginning
            self.begun[-1][1].append(line.text)

    def lines(self) -> Iterator[Line]:
        for line, pieces in self.begun:
            if pieces or not line.more:
                yield line._replace(text="".join(pieces))

    def flow(self) -> Iterator[Line]:
        """What there is so far; what comes goes on with its last line."""
        yield from self.lines()
        self.begun, self.length = [(self.begun[-1][0]._replace(more=True), [])], 0

    def _begins(self, text: str) -> bool:
        found = _SUB.match(text)
        return found is not None and re.sub(r"\d+", "0", found["head"]) == self.head


def is_numbered(text: str) -> bool:
    """Whether a line begins with the number of a message and of its piece."""
    return _NUMBERED.match(text) is not None


def joined(lines: Iterable[Line]) -> Iterator[Line]:
    """Messages in the order in which they began, each with all of its pieces; a long one is given on while it comes."""
    waiting: deque[_Message] = deque()
    latest: dict[int | None, _Message] = {}
    for line in lines:
        found = _NUMBERED.match(line.text)
        message = latest.get(line.pid)
        if found is None:
            waiting.append(_Message(line, ""))
            waiting[-1].open = False
        else:
            rest = line._replace(text=line.text[found.end() :])
            if message is not None and message.open and found[2] != "1" and message.number == found[1]:
                message.add(rest)
            else:
                if message is not None:
                    message.open = False
                latest[line.pid] = _Message(rest, found[1])
                waiting.append(latest[line.pid])
        long = message is not None and message.open and message.length > LONGEST  # no others hold it back any more
        while waiting and (not waiting[0].open or len(waiting) > _WINDOW or (long and waiting[0] is not message)):
            done = waiting.popleft()
            done.open = False
            if latest.get(pid := done.begun[0][0].pid) is done:
                del latest[pid]
            yield from done.lines()
        if waiting and waiting[0].length > PIECE:
            yield from waiting[0].flow()
    for done in waiting:
        yield from done.lines()
