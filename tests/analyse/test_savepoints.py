"""Deletes of which some were taken back to a savepoint: what the counters, the WAL and the calls say of them together.

The numbers are those that servers of 13 and 18 showed after one transaction with a savepoint for each of 240 pilots:
the deletes of twenty pilots, and of their 200 flights, were rolled back to it.
"""

from __future__ import annotations

import pytest

from triage_kit import analyse

NEVER_ANALYSED = {"analyzes": 0, "tuples": -1.0, "sequence": None}
PILOTS = {"inserts": 640, "deletes": 240, "rows": 420, "live": 420, "dead": 220, "mod": 860, "insv": 640,
          **NEVER_ANALYSED}  # fmt: skip
FLIGHTS = {"inserts": 6401, "deletes": 2400, "rows": 4201, "live": 4201, "dead": 2200, "mod": 8601, "insv": 6401,
           "heap": 442368, "pkey": 163840, **NEVER_ANALYSED}  # fmt: skip


def _told(found: analyse.Investigation, table: str) -> tuple[str, str]:
    row = found.findings.set_index("table").loc[table]
    return row["status"], row["mechanism"]


def _others(make_table):
    return [make_table(name, 16600 + number) for number, name in enumerate(("aircraft", "fees", "notams"))]


def test_deletes_that_were_taken_back_are_no_import_that_was_rolled_back(make_table, make_evidence):
    tables = [make_table("pilots", 16404, **PILOTS), *_others(make_table)]
    found = analyse.investigate(make_evidence(tables, reported=["pilots"]))
    row = found.findings.set_index("table").loc["pilots"]
    assert (row["mechanism"], row["status"], row["missing_rows"]) == ("delete", "partial", 220)
    assert row["probability"] > 0.7
    signals = found.mechanism_evidence.query("table == 'pilots' and signal == 'changed_since_analyze'")
    assert set(signals["outcome"]) == {"whole"}


def test_rolled_back_inserts_are_told_from_them(make_table, make_evidence):
    # 220 of 640 inserted rows were rolled back: as many dead rows, and n_mod_since_analyze misses them.
    facts = {**PILOTS, "deletes": 0, "mod": 420}
    tables = [make_table("pilots", 16404, **facts), *_others(make_table)]
    found = analyse.investigate(make_evidence(tables, reported=["pilots"]))
    assert _told(found, "pilots") == ("intact", "rollback")


def _wal(*changes: tuple[int, int, int]) -> dict[str, list[dict]]:
    """``changes`` are (xid, OID, rows deleted), each of a committed transaction."""
    xids = sorted({xid for xid, _, _ in changes})
    return {
        "wal_transactions": [{"xid": xid, "outcome": "committed", "source": "pg_wal", "lsn": f"0/{xid:X}",
                              "subxids": ()} for xid in xids],
        "wal_changes": [{"xid": xid, "table_oid": oid, "operation": "delete", "rows": rows}
                        for xid, oid, rows in changes],
    }  # fmt: skip


CALLS = [{"query_id": "1", "database": "d", "role": "gdpr", "text": "DELETE FROM s.flights WHERE pilot_id = $1",
          "calls": 240, "rows": 2400}]  # fmt: skip
AT_ONCE = _wal((787, 16404, 220), (787, 16420, 2200))
ONE_BY_ONE = _wal((787, 16404, 220), *((800 + number, 16420, 10) for number in range(220)))


@pytest.mark.parametrize(("wal", "told"), [(AT_ONCE, ("partial", "delete")), (ONE_BY_ONE, ("intact", "none"))],
                         ids=["one transaction", "one each"])  # fmt: skip
def test_many_calls_are_a_habit_unless_one_transaction_made_them(wal, told, make_table, make_evidence):
    tables = [make_table("pilots", 16404, **PILOTS), make_table("flights", 16420, **FLIGHTS), *_others(make_table)]
    found = analyse.investigate(make_evidence(tables, reported=["pilots"], statements=CALLS, **wal))
    assert _told(found, "flights") == told
    assert _told(found, "pilots") == ("partial", "delete")


def test_the_transaction_that_took_missed_rows_is_named_for_a_table_that_nobody_names(make_table, make_evidence):
    tables = [make_table("pilots", 16404, **PILOTS), make_table("flights", 16420, **FLIGHTS), *_others(make_table)]
    found = analyse.investigate(make_evidence(tables, reported=["pilots"], **AT_ONCE))
    says = " ".join(found.evidence["says"])
    assert "transaction 787 deleted 2200 rows here and rows of s.pilots, which people miss" in says
