"""What the WAL says of the rows of a table that was dropped."""

from triage_kit.analyse.dropped import Drop, noted
from triage_kit.analyse.ledger import Ledger

GONE = {"schema": "s", "table": "a", "mechanism": "drop", "status": "missing", "oid": None, "because": (), "bias": ()}


def test_how_many_rows_a_dropped_table_held_is_told_as_far_as_the_wal_knows() -> None:
    told = {"s.a": (Drop("s.a", 7, None, 16400, 950, 900, False, False),)}
    [row] = noted([GONE | {"expected_rows": None}], told, Ledger())
    said = "how many rows it held is not known: the planner took it for 900, and the WAL holds 950"
    assert row["bias"] == (said,)
    [known] = noted([GONE | {"expected_rows": 940}], told, Ledger())
    assert known["bias"] == ()


def test_what_the_wal_holds_more_than_stands_is_probably_missing_where_nothing_else_tells() -> None:
    told = {"s.a": (Drop("s.a", 7, None, 16400, 640, None, False, False),)}
    older = GONE | {"mechanism": "restore", "status": "partial", "oid": 16500, "expected_rows": None}
    [row] = noted([older | {"missing_rows": None, "actual_rows": 560}], told, Ledger())
    assert (row["former_rows"], row["likely_missing"]) == (640, 80)
    [counted] = noted([older | {"missing_rows": 75, "actual_rows": 560}], told, Ledger())
    assert counted["likely_missing"] is None  # a count is better
    [more] = noted([older | {"missing_rows": None, "actual_rows": 700}], told, Ledger())
    assert more["likely_missing"] is None
