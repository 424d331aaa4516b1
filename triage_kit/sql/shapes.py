"""A DELETE that differs from one read before by its literals alone does the same: each shape is read once.

A log may hold a hundred thousand of them, and reading one by the grammar takes half a millisecond.
"""

from __future__ import annotations

import re

_NAME = r'(?:[A-Za-z_]\w*|"[^"]+")(?:\.(?:[A-Za-z_]\w*|"[^"]+")){0,2}'
_LITERAL = r"(?:'[^'\\]*'|-?\d+(?:\.\d+)?(?![\w.])|\$\d+)"
_TEST = rf"{_NAME}\s*(?:[=<>]|<=|>=|<>)\s*{_LITERAL}|{_NAME}\s+IN\s*\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL}){{0,200}}\s*\)"
_DELETE = re.compile(
    rf"(?i)DELETE\s+FROM\s+(?:ONLY\s+)?{_NAME}\s+WHERE\s+(?:{_TEST})(?:\s+AND\s+(?:{_TEST})){{0,20}}\Z",
)
_PARTS = re.compile(rf"({_NAME})|{_LITERAL}")
# Words that look like a column and are a value: compared with a literal they are decided by it.
_VALUES = re.compile(r"(?i)\b(?:true|false|null|not|cast|array|row|case|exists|any|all|some)\b")
MOST = 2_000  # characters: longer ones are rare


def shape(text: str) -> str | None:
    """The text without its literals, where they cannot matter to what it does; None for every other text.

    They cannot where a DELETE compares columns with them: whatever they are, the condition hangs on the row.

    >>> shape("DELETE FROM a WHERE id = 7 AND kind IN ('x', 'y')")
    "DELETE FROM a WHERE id = '' AND kind IN ('', '')"
    >>> print(shape('DELETE FROM t1 WHERE "c 2" = 3'))
    DELETE FROM t1 WHERE "c 2" = ''
    >>> shape("DELETE FROM a WHERE 1 = 1"), shape("DELETE FROM a WHERE note LIKE '%'")
    (None, None)
    """
    if len(text) > MOST or text[:6].lower() != "delete":
        return None
    bare = _PARTS.sub(lambda part: part[1] or "''", text)
    return bare if not _VALUES.search(bare) and _DELETE.match(text) else None
