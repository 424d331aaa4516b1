"""Timestamps of a log: expected instants worked out by hand from the offsets that the zones had on those days."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from triage_kit.errors import SourceError
from triage_kit.parse import Clock

# written, the log's zone, UTC, times whose zone had to be taken from log_timezone
STAMPS = [
    ("2025-10-07 20:27:38.343 UTC", "UTC", "2025-10-07T20:27:38.343000+00:00", 0),
    ("2025-10-07 20:27:38 GMT", "UTC", "2025-10-07T20:27:38+00:00", 0),
    ("2025-10-07 20:27:38.005 CEST", "UTC", "2025-10-07T18:27:38.005000+00:00", 0),
    ("2025-01-07 20:27:38 CET", "UTC", "2025-01-07T19:27:38+00:00", 0),
    ("2025-10-07 20:27:38.343 CEST", "Europe/Berlin", "2025-10-07T18:27:38.343000+00:00", 0),
    ("2025-10-26 02:30:00 CEST", "Europe/Berlin", "2025-10-26T00:30:00+00:00", 0),
    ("2025-10-26 02:30:00 CET", "Europe/Berlin", "2025-10-26T01:30:00+00:00", 0),
    ("2025-07-07 12:00:00 CST", "Asia/Shanghai", "2025-07-07T04:00:00+00:00", 0),
    ("2025-01-07 12:00:00 CST", "America/Chicago", "2025-01-07T18:00:00+00:00", 0),
    ("2025-11-02 01:30:00 CDT", "America/Chicago", "2025-11-02T06:30:00+00:00", 0),
    ("2025-11-02 01:30:00 CST", "America/Chicago", "2025-11-02T07:30:00+00:00", 0),
    ("2025-01-07 12:00:00 IST", "Asia/Kolkata", "2025-01-07T06:30:00+00:00", 0),
    ("2025-07-07 12:00:00 IST", "Europe/Dublin", "2025-07-07T11:00:00+00:00", 0),
    ("2025-01-07 12:00:00 CST", "UTC", "2025-01-07T12:00:00+00:00", 1),
    ("2025-01-07 12:00:00 XYZ", "Asia/Kolkata", "2025-01-07T06:30:00+00:00", 1),
    ("2025-01-07 12:00:00 -03", "UTC", "2025-01-07T15:00:00+00:00", 0),
    ("2025-01-07 12:00:00.9 +0530", "UTC", "2025-01-07T06:30:00.900000+00:00", 0),
    ("2025-01-07 12:00:00 +05:45", "UTC", "2025-01-07T06:15:00+00:00", 0),
    ("2025-01-07 12:00:00 NST", "America/St_Johns", "2025-01-07T15:30:00+00:00", 0),
    ("2025-01-07 12:00:00 +08", "Asia/Singapore", "2025-01-07T04:00:00+00:00", 0),
    ("2025-07-07 12:00:00", "Europe/Berlin", "2025-07-07T10:00:00+00:00", 1),
    ("2025-01-07 12:00:00 America/New_York", "UTC", "2025-01-07T17:00:00+00:00", 0),
    ("2025-01-07 12:00:00 Mars/Base", "UTC", "2025-01-07T12:00:00+00:00", 1),
    ("2025-07-07 12:00:00 PDT", "America/Los_Angeles", "2025-07-07T19:00:00+00:00", 0),
]


@pytest.mark.parametrize(("written", "zone", "expected", "unresolved"), STAMPS)
def test_instants(written, zone, expected, unresolved):
    clock = Clock(zone)
    assert clock.instant(written).isoformat() == expected
    assert clock.unresolved == unresolved


@pytest.mark.parametrize("written", ["", "yesterday", "2025-13-07 12:00:00 UTC", "2025-02-30 12:00:00 UTC"])
def test_what_is_no_time_is_none(written):
    assert Clock().instant(written) is None


def test_epoch_has_milliseconds_and_no_zone():
    # 1759868858 is 2025-10-07T20:27:38Z: 20368 days of 86400 s, and 73658 s.
    assert Clock("Asia/Tokyo").epoch("1759868858.343").isoformat() == "2025-10-07T20:27:38.343000+00:00"


def test_an_unknown_log_timezone_says_what_to_write():
    with pytest.raises(SourceError, match="'Mars/Base' is no zone of the tz database; write a name"):
        Clock("Mars/Base")


def test_every_line_of_one_second_counts():
    clock = Clock()
    for _ in range(3):
        clock.instant("2025-01-07 12:00:00 CST")
    assert clock.unresolved == 3


@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", "Europe/London", "Europe/Dublin", "America/New_York", "America/Chicago", "America/St_Johns",
     "Australia/Lord_Howe", "Australia/Adelaide", "Asia/Kolkata", "Asia/Tehran", "America/Sao_Paulo",
     "Africa/Casablanca", "Pacific/Auckland", "Asia/Jerusalem"],
)  # fmt: skip
def test_every_half_hour_of_a_year_is_read_as_it_was_written(name):
    """A server writes local time and the zone's abbreviation; of an hour that happens twice that tells which it is."""
    zone, clock = ZoneInfo(name), Clock(name)
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    wrong = []
    for at in (begin + timedelta(minutes=30 * step) for step in range(365 * 48)):
        local = at.astimezone(zone)
        if clock.instant(f"{local:%Y-%m-%d %H:%M:%S}.343 {local:%Z}") != at.replace(microsecond=343_000):
            wrong.append(at)
    assert wrong == []
    assert clock.unresolved == 0


@pytest.mark.parametrize("abbreviation", ["IST", "BST", "CST", "AST"])
def test_an_abbreviation_of_several_zones_is_counted_where_nobody_says_which(abbreviation):
    clock = Clock()
    assert clock.instant(f"2025-10-26 01:30:00.343 {abbreviation}") is not None
    assert clock.unresolved == 1
