"""What the server sends as text, and its instants, as Python's values: whatever bytes and years they hold."""

from __future__ import annotations

import codecs
import contextlib
import re
from datetime import UTC, datetime

import psycopg
from psycopg import abc, adapt

TEXT_TYPES = ("text", "varchar", "bpchar", "name", "json")  # json: a plan names tables


class _Text(adapt.Loader):
    # Databases in SQL_ASCII hold any bytes, and names of roles and databases are in the encoding of whichever database
    # they were made in; what is no UTF-8 must arrive all the same.
    def __init__(self, oid: int, context: abc.AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        told = self.connection.info.parameter_status if self.connection else lambda _: None
        raw = told("client_encoding") == "SQL_ASCII"
        self._codec = _codec(told("server_encoding") or "") if raw else None

    def load(self, data: bytes | bytearray | memoryview) -> str:
        try:
            return bytes(data).decode("utf-8")
        except UnicodeDecodeError:
            return self._foreign(bytes(data))

    def _foreign(self, data: bytes) -> str:
        if self._codec:
            with contextlib.suppress(UnicodeDecodeError):
                return data.decode(self._codec)
        return data.decode("utf-8", "surrogateescape")


def _codec(encoding: str) -> str | None:
    """Python's name of a server's encoding, None where it has none.

    >>> _codec("EUC_JP"), _codec("WIN1251"), _codec("SQL_ASCII")
    ('euc_jp', 'cp1251', None)
    """
    try:
        return codecs.lookup(re.sub(r"^WIN(?=\d)", "cp", encoding)).name
    except LookupError:
        return None


class _Instant(adapt.Loader):
    # 'infinity', years before Christ and beyond 9999 are no instants that a datetime can hold: they are missing.
    def load(self, data: bytes | bytearray | memoryview) -> datetime | None:
        try:
            return datetime.fromisoformat(bytes(data).decode()).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def adapters() -> adapt.AdaptersMap:
    """How values of the server become Python's: psycopg's own ways but for texts and instants."""
    made = adapt.AdaptersMap(psycopg.adapters)
    for name in TEXT_TYPES:
        made.register_loader(name, _Text)
    made.register_loader("timestamptz", _Instant)
    return made
