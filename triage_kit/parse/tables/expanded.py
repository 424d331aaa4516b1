"""Tables that were turned on their side: a name and its value a line, as ``\\x`` and ``\\gx`` of psql print them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator

from triage_kit.parse.tables.row import Fits, Row, bare

_WALLS = "|│┃║"
_RECORD = re.compile(
    r"\W*\[ [^\[\]]*\d+ \]\W*|\* \S+ \d+\s*|\*+ \d+\. row \*+|(?=\W*\Z).*[-=─━═]{3}.*|\d*\+?\^?\|\S+ \d+\s*"
)
_PAIR = re.compile(r"""\s*[|│┃║]?\s*(?:[<>^]?l\|)?["'`]?(?P<name>[^\W\d]\w*)["'`]?(?P<rest>.*)""", re.DOTALL)
_INDENTED = re.compile(r"\s{9,}.*|\s{2,}[^:]*|\s*[|│┃║;:]\s.*", re.DOTALL)  # no name begins there, but what goes on
_LONGEST = 5_000  # of a line between records
_NAMED = re.compile(r"[|│┃║] \w")  # with a frame around it
_SEPARATOR = re.compile(r"""[^\w"'<>\[(+-]*""")


def read_expanded(text: str, fits: Fits) -> list[Row]:
    """Rows of which each column stands on a line of its own; a name that comes again begins the next row."""
    pairs = list(_pairs(text))
    mark = _separator([rest for _, _, rest in pairs])
    rows: list[Row] = []
    held: dict[str, str] = {}
    first = 0
    for number, name, rest in [*pairs, (0, "", "")]:
        if not name or name in held:
            if fits(list(held)):
                rows.append(Row(first, tuple(held), tuple(held.values())))
            held = {}
        if name:
            first = first if held else number
            held[name] = _value(rest, mark)
    return rows


def _pairs(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, name and what stands behind it; an empty name where a record ends."""
    number, name, rest = 0, "", ""
    for at, line in enumerate(text.splitlines(), 1):
        if not line.strip() or (len(line) < _LONGEST and _RECORD.fullmatch(line)):
            if name:
                yield number, name, rest
                number, name, rest = 0, "", ""
            yield at, "", ""
            continue
        found = None if name and _INDENTED.fullmatch(line) and not _NAMED.match(line) else _PAIR.fullmatch(line)
        if found is not None:
            if name:
                yield number, name, rest
            number, name, rest = at, found["name"].lower(), found["rest"]
        elif name:
            rest = _wrapped(rest, line)
    if name:
        yield number, name, rest


def _wrapped(rest: str, line: str) -> str:
    """A value with the next piece of it, which psql cut at the width of the terminal, or in which a line ended."""
    wall = next((each for each in _WALLS if rest.rstrip().endswith(each)), "")
    above = rest.rstrip()[:-1] if wall else rest
    piece = line.strip()
    piece = piece.strip(_WALLS + " ") if wall else piece.lstrip(_WALLS + " ")
    if above[-1:] in (".", "…") and piece[:1] == above[-1:]:
        return above[:-1] + piece[1:] + wall
    if above.rstrip()[-1:] in ("+", "↵"):
        return above.rstrip()[:-1].rstrip() + "\n" + piece + wall
    if not _INDENTED.fullmatch(line):
        return rest
    # The style old-ascii has its marks between name and value; without a frame it has none.
    if piece.startswith(": "):
        return above.rstrip() + "\n" + piece[2:] + wall
    return above.removesuffix(" ") + piece.removeprefix("; ") + wall


def _separator(rests: list[str]) -> str:
    """What stands between names and values."""
    found = Counter(_SEPARATOR.match(rest)[0].strip(" ") for rest in rests if rest)  # type: ignore[index]
    return found.most_common(1)[0][0] if found else ""


def _value(rest: str, mark: str) -> str:
    text = rest.strip(" ")
    if mark and text.startswith(mark):
        text = text[len(mark) :]
    if mark in _WALLS and mark and text.rstrip().endswith(mark):
        text = text.rstrip()[:-1]
    if mark in (",", ";", "\t", "|") and mark and text.startswith('"'):
        return next(iter(csv.reader([text], delimiter=mark)), [""])[0]
    if text.lstrip()[:3] in ("<l|", ">l|", "^l|"):
        return text.lstrip()[3:].strip().replace("\\|", "|")
    return bare(text) if mark == ":" else text.strip()
