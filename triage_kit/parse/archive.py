"""Names of archived WAL segments: which runs without a gap they make."""

from __future__ import annotations

import re
from collections.abc import Iterable

NAME = re.compile(
    r"(?<![0-9A-Fa-f])([0-9A-F]{24})(?:\.(?:gz|zst|lz4|lzo|br|bz2|xz|lzma|partial))?"
    r"(?:-[0-9a-f]{40}(?:\.\w+)?)?(?![0-9A-Za-z.])"
)
DEFAULT_SIZE = 16 << 20


def names(text: str) -> list[str]:
    """Segments that a list names, in whatever a tool printed around them; ``.backup`` and ``.history`` are none.

    >>> names("-rw------- 1 p p 16777216 Oct  7 20:00 000000010000000000000003.gz")
    ['000000010000000000000003']
    """
    return NAME.findall(text)


def runs(found: Iterable[str], size: int = DEFAULT_SIZE) -> list[dict]:
    """Unbroken runs of segments by timeline: ``timeline``, ``first``, ``last``, ``segments``, ``bytes_each``.

    >>> [(run["first"][-1], run["segments"]) for run in runs(f"{1:08X}{0:08X}{n:08X}" for n in (1, 2, 4))]
    [('1', 2), ('4', 1)]
    """
    per = max((1 << 32) // size, 1)
    rows: list[dict] = []
    before = -2
    for name in sorted(set(found)):
        timeline, at = int(name[:8], 16), int(name[8:16], 16) * per + int(name[16:], 16)
        if rows and rows[-1]["timeline"] == timeline and at == before + 1:
            rows[-1] |= {"last": name, "segments": rows[-1]["segments"] + 1}
        else:
            rows.append({"timeline": timeline, "first": name, "last": name, "segments": 1, "bytes_each": size})
        before = at
    newest = max((row["last"][8:] for row in rows), default="")
    return [row | {"newest": row["last"][8:] == newest} for row in rows]
