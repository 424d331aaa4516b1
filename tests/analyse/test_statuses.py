"""Tables that mislead: partitions, views, queues, standbys, other databases, statements that were rolled back."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse.statuses import expected_rows

EMPTIED = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}
TRUNCATED = {"rows": 0, "live": 0, "insv": 0, "filenode": 24600, "heap": 0, "pkey": 8192, "xmin": 742, "tuples": -1.0}
AT = pd.Timestamp("2025-10-07T20:00:00Z")


@pytest.fixture
def statuses(make_table, make_evidence):
    def of(*tables, **more):
        others = [make_table(name, 16900 + number) for number, name in enumerate(("users", "tags"))]
        found = analyse.investigate(make_evidence([*tables, *others], **more))
        rows = found.findings.set_index("table")
        return found, {name: (rows.loc[name, "status"], rows.loc[name, "mechanism"]) for name in rows.index}

    return of


def partitioned(make_table, **facts):
    parent = make_table("m", 16400, kind="partitioned", sequence=None)
    return [parent, *(make_table(f"m_{n}", 16410 + n, parent="m", **facts) for n in (1, 2))]


def logged(text, **more):
    return {
        "file": "a.log",
        "line": 3,
        "at": AT,
        "severity": "LOG",
        "kind": "statement",
        "statement": text,
        "outcome": "committed",
        **more,
    }


def counted(text, **more):
    return {"query_id": "1", "database": "d", "role": "app", "text": text, "calls": 1, "rows": 0, **more}


def test_a_delete_on_the_partitioned_parent_is_weighed_for_its_leaves(make_table, statuses):
    events = [logged("DELETE FROM s.m")]
    found, told = statuses(*partitioned(make_table, **EMPTIED), reported=["m"], log_events=events)
    assert told["m_1"] == told["m_2"] == ("wiped", "delete")
    assert told["m"][0] == "wiped"
    assert found.causes.iloc[0]["cause"] != "not_lost"


@pytest.mark.parametrize(("older", "told"), [
    ({"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}, "partial"), ({}, "intact"),
])  # fmt: skip
def test_a_partition_is_thinned_by_what_emptied_the_older_one(make_table, statuses, older, told):
    """What clears rows up to a day takes the months before it whole, and most of the month that it lies in."""
    thinned = {"deletes": 130, "rows": 13, "live": 13, "dead": 130, "mod": 130}
    parts = [make_table("m_1", 16411, parent="m", **older), make_table("m_2", 16412, parent="m", **thinned)]
    _, found = statuses(make_table("m", 16400, kind="partitioned", sequence=None), *parts, reported=["m"])
    assert found["m_2"][0] == told


def test_parents_of_parents_sum_their_leaves_and_are_named_as_the_root(make_table, statuses):
    top = make_table("top", 16300, kind="partitioned", sequence=None)
    middle = make_table("m", 16400, kind="partitioned", parent="top", sequence=None)
    leaves = [make_table(f"m_{n}", 16410 + n, parent="m", **TRUNCATED) for n in (1, 2)]
    found, told = statuses(top, middle, *leaves)
    assert told["top"][0] == told["m"][0] == "wiped"
    assert found.findings.set_index("table").loc["top", "missing_rows"] == 286
    assert found.explaining_statements.iloc[0]["text"] == "TRUNCATE s.top CASCADE"


def test_a_partitioned_table_without_partitions_is_not_called_intact(make_table, statuses):
    _, told = statuses(make_table("m", 16400, kind="partitioned", sequence=None))
    assert told["m"][0] == "undecided"


def test_a_refreshed_materialized_view_has_lost_nothing(make_table, statuses):
    # Every REFRESH counts as inserts into new storage: 286 inserted, 143 since the last one.
    view = make_table("mv", 16400, kind="materialized_view", inserts=286, rows=143, filenode=24600, sequence=None)
    _, told = statuses(view)
    assert told["mv"][0] == "intact"


def test_what_is_intact_has_a_row_of_evidence_also_where_neither_rows_nor_storage_were_looked_at(make_table, statuses):
    view = make_table("mv", 16400, kind="materialized_view", inserts=143, rows=143, sequence=None)
    found, told = statuses(view)
    assert told["mv"] == ("intact", "none")
    shown = found.evidence.set_index("id")["says"]
    assert [shown[one] for one in found.findings.set_index("table").loc["mv", "because"]] == [
        "s.mv: only REFRESH changes its rows"
    ]


def test_a_queue_that_never_held_many_rows_is_drained_and_not_lost(make_table, statuses):
    queue = make_table(
        "jobs", 16400, inserts=50000, deletes=50000, rows=0, live=0, heap=0, fsm=24576, pkey=16384, vacuums=9, insv=40
    )
    found, told = statuses(queue)
    assert told["jobs"][0] == "intact"
    assert found.causes.iloc[0]["cause"] == "not_lost"


def test_a_big_table_that_was_deleted_keeps_its_big_key_and_is_lost(make_table, statuses):
    orders = make_table(
        "orders",
        16400,
        inserts=50000,
        deletes=50000,
        rows=0,
        live=0,
        heap=0,
        fsm=24576,
        pkey=1130496,
        vacuums=2,
        insv=0,
    )
    _, told = statuses(orders, reported=["orders"])
    assert told["orders"] == ("wiped", "delete")


def test_a_staging_table_that_is_truncated_every_night_is_not_lost(make_table, statuses):
    entries = [counted("TRUNCATE s.staging", calls=40)]
    _, told = statuses(make_table("staging", 16400, **TRUNCATED), statements=entries)
    assert told["staging"] == ("intact", "truncate")


def test_a_detached_partition_is_hidden(make_table, statuses):
    leaf = make_table("m_3", 16420, xmin=800)
    events = [logged("ALTER TABLE s.m DETACH PARTITION s.m_3")]
    _, told = statuses(*partitioned(make_table), leaf, reported=["m_3"], log_events=events)
    assert told["m_3"] == ("hidden", "partition_drop")


def test_a_truncate_that_left_the_old_storage_was_rolled_back(make_table, statuses):
    _, told = statuses(make_table("notes", 16400), reported=["notes"], statements=[counted("TRUNCATE s.notes")])
    assert told["notes"][0] == "intact"


def test_statements_of_another_database_say_nothing_of_this_one(make_table, statuses):
    events = [logged("TRUNCATE s.notes", database="staging")]
    found, told = statuses(make_table("notes", 16400), log_events=events)
    assert told["notes"] == ("intact", "none")
    assert len(found.statements) == 0


@pytest.mark.parametrize("more", [{"crashed": AT}, {"in_recovery": True}])
def test_an_estimate_that_a_crash_or_a_standby_set_to_zero_is_no_loss(make_table, statuses, more):
    notes = make_table("notes", 16400, rows=None, inserts=0, live=0, insv=0, analyzes=0)
    _, told = statuses(notes, reported=["notes"], **more)
    assert told["notes"][0] not in ("wiped", "partial")


def test_an_unlogged_table_on_a_standby_is_not_called_empty(make_table, statuses):
    notes = make_table("notes", 16400, rows=None, heap=0, persistence="unlogged", inserts=0, live=0)
    found, told = statuses(notes, in_recovery=True)
    assert told["notes"][0] not in ("wiped", "partial")
    assert pd.isna(found.findings.set_index("table").loc["notes", "actual_rows"])


def test_a_create_that_failed_makes_no_staging_table(make_table, statuses):
    events = [
        logged("CREATE TABLE s.audit (id int)", severity="ERROR", outcome="failed", line=1),
        logged("DROP TABLE s.audit", line=2),
    ]
    _, told = statuses(make_table("notes", 16400), log_events=events)
    assert told["audit"] == ("missing", "drop")


def test_a_log_that_begins_after_the_window_proves_nothing_by_its_silence(make_table, make_evidence):
    def signals(first_at):
        evidence = make_evidence(
            [make_table("notes", 16400, **EMPTIED), make_table("users", 16500)],
            reported=["notes"], log_events=[logged("SELECT 1")],
            log_sources=[{"file": "a.log", "first_at": first_at, "last_at": AT, "lines": 1}],
        )  # fmt: skip
        evidence["settings"] = evidence["settings"].assign(value="mod")
        return set(analyse.investigate(evidence).mechanism_evidence["signal"])

    window = pd.Timestamp("2025-10-07T10:37:29Z")
    assert "statement" in signals(window - pd.Timedelta(hours=1))
    assert "statement" not in signals(window + pd.Timedelta(hours=5))


def test_the_recovery_target_lies_before_the_first_of_two_losses(make_table, make_evidence):
    early = make_table("orders", 16400, **{**TRUNCATED, "xmin": 742, "inserts": 10, "sequence": 10})
    late = make_table("items", 16410, **{**TRUNCATED, "xmin": 900})
    times = [{"xid": 742, "committed_at": AT}, {"xid": 900, "committed_at": AT + pd.Timedelta(hours=1)}]
    found = analyse.investigate(make_evidence([early, late, make_table("users", 16500)], commit_times=times))
    assert found.groups["xid"].tolist() == [900, 742]
    pitr = found.recovery.set_index("option").loc["pitr"]
    assert (pitr["target_xid"], pitr["target_time"]) == (742, AT)


def test_dead_rows_of_an_undecided_table_are_frozen_too(make_table, make_evidence):
    # DELETE not yet reported by a running session: counters full, rows counted as zero, storage the old one.
    notes = make_table("notes", 16400, rows=0, dead=0)
    found = analyse.investigate(make_evidence([notes, make_table("users", 16500)], reported=["notes"]))
    row = found.findings.set_index("table").loc["notes"]
    if row["status"] == "undecided":
        assert pd.isna(row["missing_rows"])
    assert found.freeze["command"].str.contains("autovacuum").any()
    assert found.causes.iloc[0]["cause"] != "not_lost"


NOTED = {"schema": "public", "inserts": 9, "rows": 1, "live": 1, "insv": 1, "mod": 9, "filenode": 24600, "xmin": 742,
         "heap": 8192, "analyzes": 0, "tuples": -1.0}  # fmt: skip


@pytest.mark.parametrize(("facts", "told"), [
    ({}, "intact"),  # golang-migrate: TRUNCATE, then INSERT of the version, at each step
    ({"insv": 9, "filenode": 16404, "deletes": 8, "dead": 8, "mod": 17}, "intact"),  # the same by DELETE
    ({"name": "settings"}, "partial"),  # any other table that holds one row of nine
])  # fmt: skip
def test_what_a_migration_tool_notes_is_written_anew_by_each_of_its_runs(make_table, statuses, facts, told):
    facts = {"name": "schema_migrations", **NOTED, **facts}
    name = facts.pop("name")
    events = [logged("DELETE FROM public.schema_migrations")] if facts.get("deletes") else []
    _, found = statuses(make_table(name, 16404, **facts), log_events=events)
    assert found[name][0] == told


def test_what_a_migration_tool_notes_is_lost_with_the_tables_that_went_by_the_same_transaction(make_table, statuses):
    others = [make_table(name, 16410 + n, **TRUNCATED) for n, name in enumerate(("orders", "lines"))]
    _, told = statuses(make_table("schema_migrations", 16404, **NOTED), *others)
    assert told["schema_migrations"][0] == "partial"


@pytest.mark.parametrize(("reported", "after", "told"), [
    (["lines"], 138, "partial"),  # five rows fewer than before the TRUNCATE that also took what people miss
    (["lines"], 143, "intact"),
    (["users"], 138, "intact"),  # a rebuild that leaves out a few stale rows
])  # fmt: skip
def test_what_was_put_back_after_the_loss_is_whole_only_with_all_its_rows(make_table, statuses, reported, after, told):
    facts = {**TRUNCATED, "inserts": 143 + after, "rows": after, "live": after, "insv": after, "heap": 16384}
    tables = [make_table("orders", 16404, **facts), make_table("lines", 16410, **TRUNCATED)]
    _, found = statuses(*tables, keys=[("lines", "orders", "no action")], reported=reported)
    assert found["orders"][0] == told
    assert found["lines"][0] == "wiped"


def test_a_table_that_lost_rows_referred_to_was_not_empty_before(make_table, make_evidence):
    """FACTS §2 A 4c: TRUNCATE in the session that inserts next leaves live and n_ins_since_vacuum as they were."""
    late = {**TRUNCATED, "inserts": 27, "live": 27, "insv": 27, "rows": None, "heap": 8192, "pkey": 16384,
            "sequence": None}  # fmt: skip
    tables = [make_table("garages", 16400, **late), make_table("permits", 16410, columns=("id", "x"), **TRUNCATED)]
    evidence = make_evidence(
        [*tables, make_table("users", 16900)], keys=[("permits", "garages", "no action")], reported=["permits"]
    )
    lost = {}
    for bound in (True, False):
        evidence["columns"] = evidence["columns"].assign(not_null=bound)
        found = analyse.investigate(evidence).findings.set_index("table").loc["garages"]
        lost[bound] = found["status_probability"] if found["status"] == "partial" else 0.0
    assert lost[True] > lost[False] + 0.1


COPIED = {"filenode": 24600, "xmin": 742, "tuples": -1.0}


@pytest.mark.parametrize(("more", "told"), [({}, "intact"), ({"inserts": 400, "insv": 143}, "partial")])
def test_a_table_that_was_emptied_and_loaded_holds_all_that_ever_came(make_table, statuses, more, told):
    """TRUNCATE keeps n_tup_ins: 143 of 143 stand, or 257 others stood before."""
    texts = [counted("TRUNCATE s.register"), {**counted("COPY s.register (id, body) FROM stdin"), "query_id": 2}]
    _, found = statuses(make_table("register", 16400, **COPIED, **more), statements=texts, reported=["users"])
    assert found["register"][0] == told


@pytest.mark.parametrize(("mechanism", "bounds"), [("restore", (None, None)), ("recreate", (17_400, 17_401))])
def test_numbers_that_came_with_a_copy_bound_nothing_that_stood_before(mechanism, bounds) -> None:
    balance = {"actual_rows": 17_400, "expected_low": 17_400, "expected_high": 17_400}
    table = SimpleNamespace(balance=balance, name="s.paid", net=17_400, then=None, relation={"tuples": -1.0},
                            sequences=[{"last_value": 17_401, "increment": 1}])  # fmt: skip
    told = expected_rows(SimpleNamespace(table=table), SimpleNamespace(earlier=None), mechanism)
    assert (told.low, told.high) == bounds
