"""Fixtures of test frameworks of PHP: a class that names a table, which the framework empties around every test."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage_kit.parse.migration import Operation

# CakePHP documentation, Fixtures: TruncateStrategy, the one that is taken by itself, truncates a fixture's table after
# each test. Yii 2 source, ActiveFixture::resetTable: everything is deleted before the rows are loaded.
_CLASS = re.compile(
    r"\bclass\s+(?P<name>\w+?)(?:Fixture)?\s+extends\s+(?:\\?\w+\\)*(?P<base>TestFixture|ActiveFixture)\b"
)
_TABLE = re.compile(r"(?m)\$(?:table|tableName)\s*=\s*['\"]([\w.]+)['\"]")
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def fixture_hits(text: str) -> Iterator[Operation]:
    """The table that each fixture class of a file stands for: the one that it names, else its own name as CakePHP's.

    >>> [(each.operation, each.object) for each in fixture_hits("class OrderLinesFixture extends TestFixture {}")]
    [('truncate', 'order_lines')]
    """
    classes = list(_CLASS.finditer(text))
    for number, found in enumerate(classes):
        end = classes[number + 1].start() if number + 1 < len(classes) else len(text)
        told = _TABLE.search(text, found.end(), end)
        cake = found["base"] == "TestFixture"
        if told is None and not cake:
            continue
        table = told[1] if told else _SEAM.sub("_", found["name"]).lower()
        line = text.count("\n", 0, found.start()) + 1
        yield Operation(
            line, "", "truncate" if cake else "delete", table, bounded=False, cascade=cake, text=found[0], how="pattern"
        )
