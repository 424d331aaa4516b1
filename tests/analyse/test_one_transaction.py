"""Tables that one transaction deleted from are one group, whether a foreign key joins them or not."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

THINNED = {"inserts": 440, "deletes": 220, "live": 220, "rows": 220, "dead": 220, "mod": 660, "insv": 440,
           "analyzes": 0, "tuples": -1.0, "sequence": 440}  # fmt: skip
EMPTIED = {**THINNED, "deletes": 440, "live": 0, "rows": 0, "dead": 440, "mod": 880}


def deleted(make_table, make_evidence, game_xid, pairing_xid, **more):
    tables = [make_table("game", 16410, **THINNED), make_table("pairing", 16420, **EMPTIED)]
    xids = (game_xid, pairing_xid)
    ended = [{"xid": xid, "outcome": "committed", "lsn": f"0/{xid}", "source": "pg_wal", "subxids": ()}
             for xid in sorted(set(xids))]  # fmt: skip
    changes = [{"xid": xid, "table_oid": oid, "operation": "delete", "rows": rows}
               for xid, oid, rows in zip(xids, (16410, 16420), (220, 440), strict=True)]  # fmt: skip
    return analyse.investigate(make_evidence(tables, reported=["game", "pairing"], wal_transactions=ended,
                                             wal_changes=changes, **more))  # fmt: skip


@pytest.mark.parametrize(
    ("pairing_xid", "groups"), [(798, [["s.game", "s.pairing"]]), (799, [["s.pairing"], ["s.game"]])]
)
def test_what_the_wal_says_of_one_transaction_is_one_group(make_table, make_evidence, pairing_xid, groups):
    found = deleted(make_table, make_evidence, 798, pairing_xid)
    assert [list(tables) for tables in found.groups["tables"]] == groups
    assert set(found.groups["xid"]) == {798, pairing_xid}
    assert set(found.causes["group"]) == {f"G{number}" for number in range(1, len(groups) + 1)}


def test_each_table_keeps_its_own_statement_and_only_the_thinned_one_has_a_condition(make_table, make_evidence):
    found = deleted(make_table, make_evidence, 798, 798)
    [story] = found.explaining_statements.to_dict("records")
    assert (story["text"], story["observed"]) == ("DELETE FROM s.game WHERE …; DELETE FROM s.pairing", False)
    assert (story["explained"], story["of"], story["extra"]) == (2, 2, 0)


def test_statements_are_called_seen_when_that_of_each_table_was(make_table, make_evidence):
    ran = {"DELETE FROM s.game WHERE season = $1": 220, "DELETE FROM s.pairing": 440}
    calls = [
        {"query_id": text, "database": "d", "role": "o", "text": text, "calls": 1, "rows": rows}
        for text, rows in ran.items()
    ]
    asked = [{"source": "statements", "status": "answered"}]
    both = deleted(make_table, make_evidence, 798, 798, statements=calls, questions=asked)
    one = deleted(make_table, make_evidence, 798, 798, statements=calls[:1], questions=asked)
    assert both.explaining_statements[["text", "observed"]].to_numpy().tolist() == [
        ["DELETE FROM s.game WHERE season = $1; DELETE FROM s.pairing", True]
    ]
    assert one.explaining_statements["observed"].tolist() == [False]


def test_a_statement_that_counted_no_rows_is_not_the_one_that_did_it(make_table, make_evidence):
    ran = {"DELETE FROM s.game WHERE day < $1": 0, "DELETE FROM s.game USING s.c WHERE c.id = $1": 220,
           "DELETE FROM s.pairing": 440}  # fmt: skip
    calls = [{"query_id": text, "database": "d", "role": "o", "text": text, "calls": 1, "rows": rows}
             for text, rows in ran.items()]  # fmt: skip
    logged = [{"file": "a.log", "line": line, "at": f"2025-10-07T20:27:3{line}Z", "pid": line, "kind": "statement",
               "statement": text.replace("$1", "7")} for line, text in enumerate(ran)]  # fmt: skip
    given = {"statements": calls, "log_events": logged, "questions": [{"source": "statements", "status": "answered"}]}
    found = deleted(make_table, make_evidence, 798, 798, **given).explaining_statements
    assert found["text"].tolist() == ["DELETE FROM s.game USING s.c WHERE c.id = 7; DELETE FROM s.pairing"]


@pytest.mark.parametrize(("xmin", "extra"), [(760, 0), (None, 1)])
def test_what_a_later_transaction_emptied_again_was_not_spared(make_table, make_evidence, xmin, extra):
    # The catalogue names the last transaction that gave a table new storage, and hides that an earlier one did too.
    gone = {"insv": 0, "rows": 0, "heap": 0, "pkey": 8192, "live": 0, "tuples": -1.0}
    kept = {} if xmin is None else {**gone, "filenode": 24620, "xmin": xmin}
    tables = [make_table("plwyf", 16410, **gone, filenode=24600, xmin=742),
              make_table("llun", 16420, **gone, filenode=24610, xmin=742),
              make_table("person", 16430, **kept)]  # fmt: skip
    keys = [("llun", "plwyf", "no_action"), ("person", "plwyf", "no_action")]
    ended = {"xid": 742, "outcome": "committed", "lsn": "0/742", "source": "pg_wal", "subxids": (),
             "ended_at": pd.Timestamp("2025-10-08T09:00:00Z")}  # fmt: skip
    found = analyse.investigate(make_evidence(tables, keys, reported=["plwyf"], wal_transactions=[ended]))
    stories = found.explaining_statements.set_index("text")
    assert stories.loc["TRUNCATE s.plwyf CASCADE", ["explained", "of", "extra"]].tolist() == [2, 2, extra]
    assert found.evidence["says"].str.contains("1 more that it reaches got new storage again later").any() != extra
    dated = found.evidence[found.evidence["says"].str.startswith("transaction 742 committed at")]
    assert set(dated["source"]) == {"pg_wal"}  # nobody asked the server for its commit timestamps


@pytest.mark.parametrize(("rows", "outcome"), [((2200, 41), "deleted_mass"), ((60,) * 40, "deleted_some")])
def test_a_fifth_of_a_table_in_one_transaction_is_more_than_everyday_deletes(make_table, make_evidence, rows, outcome):
    """PostgreSQL documentation: autovacuum_vacuum_scale_factor is 0.2, the share of dead rows that the server minds."""
    came, left = 9260, 9260 - sum(rows)
    facts = {"inserts": came, "deletes": sum(rows), "live": left, "rows": left, "dead": sum(rows), "insv": came,
             "mod": came + sum(rows), "analyzes": 0, "heap": 655360}  # fmt: skip
    ended = [{"xid": 800 + n, "outcome": "committed", "source": "pg_wal", "subxids": ()} for n, _ in enumerate(rows)]
    changes = [{"xid": 800 + n, "table_oid": 16410, "operation": "delete", "rows": each} for n, each in enumerate(rows)]
    tables = [make_table("reads", 16410, **facts), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, wal_transactions=ended, wal_changes=changes))
    told = found.mechanism_evidence.set_index(["table", "signal"])["outcome"]
    assert set(told.loc[[("reads", "wal")]]) == {outcome}
