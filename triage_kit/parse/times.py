"""Timestamps of a log as instants: the server writes local time with an abbreviation, which may mean several zones."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from triage_kit.errors import SourceError

# Hours east of UTC, for abbreviations that mean one zone the world over (tz database). Ambiguous ones (CST, IST, BST,
# AST, GST, CDT, ADT, SST …) are left out on purpose: they are read with the log's own zone, and counted.
_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "UCT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "MDT": -6, "MST": -7, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "JST": 9, "KST": 9, "HKT": 8, "PKT": 5, "SAST": 2, "CAT": 2, "EAT": 3, "WAT": 1, "WIB": 7, "AEST": 10,
    "AEDT": 11, "AWST": 8, "ACST": 9.5, "ACDT": 10.5, "NZST": 12, "NZDT": 13, "NST": -3.5, "NDT": -2.5, "WITA": 8,
    "WIT": 9, "ChST": 10,
}  # fmt: skip
_NUMERIC = re.compile(r"<?([+-])(\d{1,2}):?(\d{2})?(?::?\d{2})?>?")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?: ?(\S+))?")


class Clock:
    """Reads the timestamps of one log; ``unresolved`` counts those whose zone was taken from log_timezone instead.

    >>> Clock("Europe/Berlin").instant("2025-10-26 02:30:00.343 CET").isoformat()
    '2025-10-26T01:30:00.343000+00:00'
    """

    def __init__(self, log_timezone: str = "UTC") -> None:
        self.zone = _zone(log_timezone)
        self.unresolved = 0
        self._last: tuple[str | None, str, datetime, int] | None = None
        self._before: str = ""
        self._behind: str | None = None  # what stands around the milliseconds of the last one

    def instant(self, written: str | None) -> datetime | None:
        """The instant of ``2025-10-07 20:27:38.343 CEST`` (fraction and zone may be missing); None if it is none."""
        if written and written[:20] == self._before and written[23:] == self._behind and written[20:23].isdecimal():
            # Mostly it is another one of the same second.
            assert self._last is not None
            self.unresolved += self._last[3]
            return self._last[2] + timedelta(0, 0, int(written[20:23]) * 1000)  # in half the time of replace
        found = _STAMP.fullmatch(written) if written else None
        if found is None:
            return None
        second, fraction, abbreviation = found.groups()
        microsecond = int((fraction or "").ljust(6, "0"))
        if self._last and self._last[0] == abbreviation and self._last[1] == second:
            self.unresolved += self._last[3]
            return self._last[2].replace(microsecond=microsecond)
        before = self.unresolved
        try:
            at = self._aware(datetime.fromisoformat(second), abbreviation).astimezone(UTC)
        except (ValueError, OverflowError):
            return None
        self._last = abbreviation, second, at, self.unresolved - before
        self._before, self._behind = f"{second}.", f" {abbreviation}" if abbreviation else None
        return at.replace(microsecond=microsecond)

    def epoch(self, written: str) -> datetime | None:
        """The instant of %n: seconds since 1970 with milliseconds, no zone in it."""
        seconds, _, fraction = written.partition(".")
        try:
            whole = datetime.fromtimestamp(int(seconds), UTC)
        except (ValueError, OverflowError, OSError):
            return None
        return whole.replace(microsecond=int((fraction or "0")[:6].ljust(6, "0")))

    def written(self, iso: str) -> datetime | None:
        """The instant of ISO 8601 as containers, journals and syslog write it; nanoseconds are cut to microseconds."""
        try:
            at = datetime.fromisoformat(iso.replace(",", "."))
        except ValueError:
            return None
        try:
            return (at if at.tzinfo else at.replace(tzinfo=self.zone)).astimezone(UTC)
        except OverflowError:
            return None

    def _aware(self, local: datetime, abbreviation: str | None) -> datetime:
        if abbreviation is None:
            self.unresolved += 1
            return local.replace(tzinfo=self.zone)
        if found := _NUMERIC.fullmatch(abbreviation):
            minutes = int(found[2]) * 60 + int(found[3] or 0)
            return local.replace(tzinfo=timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes)))
        for fold in (0, 1):  # the hour that happens twice: the abbreviation says which
            candidate = local.replace(tzinfo=self.zone, fold=fold)
            if candidate.tzname() == abbreviation:
                return candidate
        if abbreviation in _HOURS:
            return local.replace(tzinfo=timezone(timedelta(hours=_HOURS[abbreviation])))
        if "/" in abbreviation:  # a full name, as some tools write it
            with suppress(SourceError):
                return local.replace(tzinfo=_zone(abbreviation))
        self.unresolved += 1
        return local.replace(tzinfo=self.zone)


def _zone(name: str) -> tzinfo:
    if name.upper() in ("UTC", "GMT", "ETC/UTC", "Z", ""):
        return UTC
    if found := _NUMERIC.fullmatch(name):
        minutes = int(found[2]) * 60 + int(found[3] or 0)
        return timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise SourceError(
            f"log_timezone {name!r} is no zone of the tz database; write a name such as Europe/Berlin "
            "or an offset such as +02:00"
        ) from error
