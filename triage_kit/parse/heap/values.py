"""Stored bytes of one column as the text that COPY takes back.

The forms are those of PostgreSQL's own send and store functions (utils/adt: numeric.c, timestamp.c, date.c,
network.c, arrayfuncs.c) on little-endian machines, and the same from 13 to 18. What has no reader here is ``Raw``.
"""

from __future__ import annotations

import ipaddress
import struct
import uuid
from collections.abc import Callable
from datetime import date

from triage_kit.parse.heap import jsonb

_FIRST, _LAST = date(1, 1, 1), date(9999, 12, 31)
ELEMENTS = {  # of arrays: OID of the type (pg_type.dat): its name, length and alignment
    16: ("bool", 1, "c"), 20: ("int8", 8, "d"), 21: ("int2", 2, "s"), 23: ("int4", 4, "i"), 25: ("text", -1, "i"),
    26: ("oid", 4, "i"), 700: ("float4", 4, "i"), 701: ("float8", 8, "d"), 1042: ("bpchar", -1, "i"),
    1043: ("varchar", -1, "i"), 1082: ("date", 4, "i"), 1114: ("timestamp", 8, "d"), 1184: ("timestamptz", 8, "d"),
    1700: ("numeric", -1, "i"), 2950: ("uuid", 16, "c"), 3802: ("jsonb", -1, "i"), 114: ("json", -1, "i"),
}  # fmt: skip
ALIGNS = {"c": 1, "s": 2, "i": 4, "d": 8}


class Raw(ValueError):
    """A value that this module does not read."""


def _number(form: str) -> Callable[[bytes], str]:
    reader = struct.Struct(form)
    return lambda data: str(reader.unpack(data)[0])


def _float(form: str, digits: int) -> Callable[[bytes], str]:
    reader = struct.Struct(form)

    def read(data: bytes) -> str:
        value = reader.unpack(data)[0]
        if value != value or value in (float("inf"), float("-inf")):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        if digits == 17:
            return repr(value)
        # The shortest text that means the same four bytes.
        return next(text for n in range(6, 10) if reader.pack(float(text := f"{value:.{n}g}")) == data)

    return read


def _bool(data: bytes) -> str:
    return "t" if data[0] else "f"


def _text(data: bytes) -> str:
    return data.decode("utf-8")


def _name(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8")


def _bytea(data: bytes) -> str:
    return "\\x" + data.hex()


def _uuid(data: bytes) -> str:
    return str(uuid.UUID(bytes=data))


def _date(data: bytes) -> str:
    days = struct.unpack("<i", data)[0]
    if days in (0x7FFFFFFF, -0x80000000):
        return "infinity" if days > 0 else "-infinity"
    return _day(days)


def _day(days: int) -> str:
    """A day as counted from 2000-01-01, also beyond what Python's calendar holds.

    >>> _day(0), _day(-730120)
    ('2000-01-01', '0001-12-31 BC')
    """
    ordinal = days + date(2000, 1, 1).toordinal()
    if _FIRST.toordinal() <= ordinal <= _LAST.toordinal():
        return date.fromordinal(ordinal).isoformat()
    cycles = (ordinal - 1) // 146097  # the Gregorian calendar repeats every 400 years
    inner = date.fromordinal(ordinal - cycles * 146097)
    year = inner.year + cycles * 400
    shown = f"{year:04d}" if year > 0 else f"{1 - year:04d}"
    return f"{shown}-{inner:%m-%d}" + ("" if year > 0 else " BC")


def _time_of_day(micros: int) -> str:
    seconds, fraction = divmod(micros, 1_000_000)
    hours, rest = divmod(seconds, 3600)
    text = f"{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"
    return text + (f".{fraction:06d}".rstrip("0") if fraction else "")


def _moment(data: bytes, zone: str) -> str:
    micros = struct.unpack("<q", data)[0]
    if micros in (2**63 - 1, -(2**63)):
        return "infinity" if micros > 0 else "-infinity"
    days, inner = divmod(micros, 86_400_000_000)
    day, _, era = _day(days).partition(" ")
    return f"{day} {_time_of_day(inner)}{zone}" + (f" {era}" if era else "")


def _timetz(data: bytes) -> str:
    micros, west = struct.unpack("<qi", data)
    sign, east = ("-", west) if west > 0 else ("+", -west)
    zone = f"{sign}{east // 3600:02d}" + (f":{east % 3600 // 60:02d}" if east % 3600 else "")
    return _time_of_day(micros) + zone + (f":{east % 60:02d}" if east % 60 else "")


def _interval(data: bytes) -> str:
    micros, days, months = struct.unpack("<qii", data)
    if (micros, days, months) == (2**63 - 1, 2**31 - 1, 2**31 - 1):
        return "infinity"
    if (micros, days, months) == (-(2**63), -(2**31), -(2**31)):
        return "-infinity"
    sign = "-" if micros < 0 else ""
    return f"{months} mons {days} days {sign}{_time_of_day(abs(micros))}"


def _numeric(data: bytes) -> str:
    """numeric.c: a short header keeps sign, scale and weight in 16 bits, a long one has the weight apart.

    >>> _numeric(struct.pack("<Hhhh", 0x8100, 12, 3400, 0)[:6])
    '12.34'
    """
    header = struct.unpack_from("<H", data)[0]
    kind = header & 0xC000
    if kind == 0xC000:
        return {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}[header & 0xF000]
    if kind == 0x8000:
        negative, scale = bool(header & 0x2000), (header & 0x1F80) >> 7
        weight, at = (header & 0x3F) - (0x40 if header & 0x40 else 0), 2
    else:
        negative, scale = kind == 0x4000, header & 0x3FFF
        weight, at = struct.unpack_from("<h", data, 2)[0], 4
    digits = struct.unpack_from(f"<{(len(data) - at) // 2}h", data, at)

    def digit(place: int) -> int:
        return digits[place] if 0 <= place < len(digits) else 0

    whole = "".join(f"{digit(place):04d}" for place in range(weight + 1)).lstrip("0") or "0"
    part = "".join(f"{digit(place):04d}" for place in range(weight + 1, weight + 2 + scale // 4))
    text = whole + (f".{part[:scale].ljust(scale, '0')}" if scale else "")
    return f"-{text}" if negative and text.strip("0.") else text


def _inet(data: bytes, cidr: bool = False) -> str:
    family, bits = data[0], data[1]
    address = ipaddress.ip_address(data[2 : 6 if family == 2 else 18])
    full = 32 if family == 2 else 128
    return f"{address}/{bits}" if cidr or bits != full else str(address)


def _macaddr(data: bytes) -> str:
    return ":".join(f"{one:02x}" for one in data)


def _bits(data: bytes) -> str:
    length = struct.unpack_from("<i", data)[0]
    return "".join(f"{one:08b}" for one in data[4:])[:length]


def _point(data: bytes) -> str:
    x, y = (_float("<d", 17)(data[at : at + 8]).removesuffix(".0") for at in (0, 8))
    return f"({x},{y})"


def _jsonb(data: bytes) -> str:
    try:
        return jsonb.text(data, _numeric)
    except (struct.error, IndexError) as error:
        raise Raw("a jsonb that is cut") from error


READERS: dict[str, Callable[[bytes], str]] = {
    "bool": _bool, "int2": _number("<h"), "int4": _number("<i"), "int8": _number("<q"), "oid": _number("<I"),
    "float4": _float("<f", 9), "float8": _float("<d", 17), "text": _text, "varchar": _text, "bpchar": _text,
    "citext": _text, "json": _text, "xml": _text, "name": _name, "bytea": _bytea, "uuid": _uuid, "date": _date,
    "timestamp": lambda data: _moment(data, ""), "timestamptz": lambda data: _moment(data, "+00"),
    "time": lambda data: _time_of_day(struct.unpack("<q", data)[0]), "timetz": _timetz, "interval": _interval,
    "numeric": _numeric, "inet": _inet, "cidr": lambda data: _inet(data, cidr=True), "macaddr": _macaddr,
    "macaddr8": _macaddr, "bit": _bits, "varbit": _bits, "point": _point, "jsonb": _jsonb,
    "char": lambda data: "" if data == b"\0" else data.decode("latin-1"),
    "regclass": _number("<I"), "xid": _number("<I"),
}  # fmt: skip


def value(kind: str, data: bytes) -> str:
    """The text of a stored value; raises Raw where the type has no reader or the bytes do not fit it.

    >>> value("int4", b"\\x2a\\0\\0\\0"), value("bool", b"\\1")
    ('42', 't')
    """
    if kind == "array":
        return _array(data)
    reader = READERS.get(kind)
    if reader is None:
        raise Raw(f"no reader for {kind or 'this type'}")
    try:
        return reader(data)
    except (struct.error, IndexError, KeyError, StopIteration, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise Raw(f"the bytes are no {kind}") from error


def _array(data: bytes) -> str:
    """arrayfuncs.c: dimensions, OID of the elements' type, lengths, lower bounds, a bitmap of nulls, the elements."""
    try:
        count, offset, oid = struct.unpack_from("<iiI", data)
        if count == 0:
            return "{}"
        if oid not in ELEMENTS or not 0 < count <= 6:
            raise Raw(f"an array of type {oid}")
        lengths = struct.unpack_from(f"<{count}i", data, 12)
        bounds = struct.unpack_from(f"<{count}i", data, 12 + 4 * count)
        items = _items(data, offset, 12 + 8 * count, ELEMENTS[oid], lengths)
    except (struct.error, IndexError) as error:
        raise Raw("an array that is cut") from error
    text = _nested(items, lengths)
    if any(bound != 1 for bound in bounds):
        spans = "".join(f"[{low}:{low + length - 1}]" for low, length in zip(bounds, lengths, strict=True))
        return f"{spans}={text}"
    return text


def _items(
    data: bytes, offset: int, head: int, element: tuple[str, int, str], lengths: tuple[int, ...]
) -> list[str | None]:
    kind, size, align = element
    number = 1
    for length in lengths:
        number *= length
    if not 0 <= number <= len(data) * 8:
        raise Raw("an array whose lengths do not fit")
    # Offsets count from the beginning of the whole value, whose length word is cut off here.
    at = (offset - 4 if offset else head) + 4
    found: list[str | None] = []
    for place in range(number):
        if offset and not data[head + place // 8] >> place % 8 & 1:
            found.append(None)
            continue
        if size < 0:
            if data[at - 4] == 0 or not data[at - 4] & 1:
                at = -(-at // 4) * 4
            body, at = plain(data, at - 4)
            at += 4
        else:
            at = -(-at // ALIGNS[align]) * ALIGNS[align]
            body, at = data[at - 4 : at - 4 + size], at + size
        found.append(value(kind, body))
    return found


def plain(data: bytes, at: int) -> tuple[bytes, int]:
    """A value of variable length that stands in place and uncompressed, and where it ends."""
    if data[at] & 1:
        size = data[at] >> 1
        if size == 0:
            raise Raw("a pointer inside a value")
        return data[at + 1 : at + size], at + size
    word = struct.unpack_from("<I", data, at)[0]
    if word & 3:
        raise Raw("a compressed value inside a value")
    size = word >> 2
    if size < 4 or at + size > len(data):
        raise Raw("a length that does not fit")
    return data[at + 4 : at + size], at + size


def _nested(items: list[str | None], lengths: tuple[int, ...]) -> str:
    parts = [_element(item) for item in items]
    for length in reversed(lengths):
        parts = ["{" + ",".join(parts[at : at + length]) + "}" for at in range(0, len(parts), max(length, 1))]
    return parts[0] if parts else "{}"


def _element(item: str | None) -> str:
    if item is None:
        return "NULL"
    if item and item.lower() != "null" and not any(letter in ' \t\n\r\v\f{}",\\' for letter in item):
        return item
    escaped = item.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
