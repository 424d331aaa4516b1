"""Places that partitions by time leave open between others, and the lines beside each other in one file."""

import pandas as pd
import pytest

from triage_kit.analyse.holes import lacking


def relations(*parts: tuple[str, str, str]) -> pd.DataFrame:
    """A partitioned table and partitions of it: name, begin, end."""
    rows = [{"oid": 1, "schema": "pegel", "name": "reading", "parent_oid": None, "partition_bound": None}]
    for oid, (name, begin, end) in enumerate(parts, 2):
        bound = f"FOR VALUES FROM ('{begin}') TO ('{end}')"
        rows.append({"oid": oid, "schema": "pegel", "name": name, "parent_oid": 1, "partition_bound": bound})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("parts", "gone"),
    [
        # As pg_get_expr writes bounds of timestamptz in UTC; the tenth month was dropped.
        (
            [
                ("reading_2026_8", "2026-08-01 00:00:00+00", "2026-09-01 00:00:00+00"),
                ("reading_2026_9", "2026-09-01 00:00:00+00", "2026-10-01 00:00:00+00"),
                ("reading_2026_11", "2026-11-01 00:00:00+00", "2026-12-01 00:00:00+00"),
            ],
            {"pegel.reading_2026_10"},
        ),
        (
            [
                ("r_y2025m11", "2025-11-01", "2025-12-01"),
                ("r_y2025m12", "2025-12-01", "2026-01-01"),
                ("r_y2026m03", "2026-03-01", "2026-04-01"),
                ("r_y2026m04", "2026-04-01", "2026-05-01"),
            ],
            {"pegel.r_y2026m01", "pegel.r_y2026m02"},
        ),
        ([(f"r_{day:02}_11_2026", f"2026-11-{day:02}", f"2026-11-{day + 1:02}") for day in (19, 20, 21, 23)],
         {"pegel.r_22_11_2026"}),
        # Whole, made on demand, named after nothing, and numbers that do not tell which part of the date they are.
        ([(f"r_2026_{m:02}", f"2026-{m:02}-01", f"2026-{m + 1:02}-01") for m in (6, 7, 8, 9)], set()),
        ([(f"r_2026_{m:02}", f"2026-{m:02}-01", f"2026-{m + 1:02}-01") for m in (2, 5, 8, 9)], set()),
        ([(name, f"2026-{m:02}-01", f"2026-{m + 1:02}-01") for name, m in (("a", 6), ("b", 7), ("d", 9))], set()),
        ([(f"r_{at}", f"2026-{m:02}-01", f"2026-{m + 1:02}-01") for at, m in ((1, 6), (2, 7), (4, 9))], set()),
    ],
)  # fmt: skip
def test_open_places_bear_the_names_that_their_neighbours_tell(parts, gone):
    found = lacking(relations(*parts))
    assert set(found) == gone
    assert set(found.values()) <= {"pegel.reading"}
