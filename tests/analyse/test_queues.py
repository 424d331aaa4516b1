"""Queues by how their rows come and go, counters that come late, and rows that are counted into what is gone."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse.catalogue import catalogue_rows
from triage_kit.analyse.queues import PASSING

AT = pd.Timestamp("2025-10-08T09:00:00Z")
GONE = {"inserts": 72, "deletes": 72, "live": 0, "dead": 72, "mod": 144, "rows": 0, "heap": 8192, "insv": 72}
EMPTIED = {"filenode": 24600, "xmin": 742, "insv": 0, "live": 0, "rows": 0, "heap": 0, "mod": 156, "tuples": -1.0}
COME, GO = "INSERT INTO s.post VALUES (1)", "DELETE FROM s.post WHERE lane = 'async'"


def lines(*texts: str) -> list[dict]:
    return [
        {"file": "a.log", "line": at, "at": AT + pd.Timedelta(seconds=at), "severity": "LOG", "database": "d", "pid": 7,
         "kind": "statement", "outcome": "unknown", "role": "o", "application": "worker", "statement": text}
        for at, text in enumerate(texts)
    ]  # fmt: skip


def status(found: analyse.Investigation, name: str) -> str:
    return found.findings.set_index("table")["status"][name]


@pytest.mark.parametrize(("texts", "told"), [
    ((COME, GO) * 3, "intact"),  # round after round
    ((COME, GO) * 2, "wiped"),
    ((COME, COME, COME, GO, GO, GO), "wiped"),  # batches of one purge
    (((COME, GO) * 3) + (COME, "DELETE FROM s.post WHERE made < now()"), "wiped"),  # another statement took the last
])  # fmt: skip
def test_a_queue_is_told_by_rounds_and_not_by_the_number_of_its_deletes(make_table, make_evidence, texts, told):
    tables = [make_table("post", 16404, **GONE), make_table("users", 16500)]
    assert status(analyse.investigate(make_evidence(tables, log_events=lines(*texts))), "post") == told


def test_a_table_that_people_miss_rows_of_is_no_queue_for_its_rounds(make_table, make_evidence):
    tables = [make_table("post", 16404, **GONE), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["post"], log_events=lines(*(COME, GO) * 3))
    assert status(analyse.investigate(evidence), "post") == "wiped"


@pytest.mark.parametrize(("text", "told"), [
    ("DELETE FROM s.post WHERE id IN (SELECT id FROM s.post LIMIT $1 FOR UPDATE SKIP LOCKED)", "intact"),
    ("DELETE FROM s.post WHERE id IN (SELECT id FROM s.post LIMIT $1)", "wiped"),
    ("DELETE FROM s.post WHERE id IN (SELECT id FROM s.post ORDER BY id LIMIT $1)", "intact"),  # each in its turn
    ("DELETE FROM s.post WHERE id IN (SELECT id FROM s.post WHERE made < $1 ORDER BY id LIMIT $2)", "wiped"),
])  # fmt: skip
def test_what_skips_the_rows_that_others_have_locked_is_a_consumer(make_table, make_evidence, text, told):
    tables = [make_table("post", 16404, **GONE), make_table("users", 16500)]
    entry = {"database": "d", "role": "o", "query_id": 1, "text": text, "calls": 2, "rows": 72}
    assert status(analyse.investigate(make_evidence(tables, statements=[entry])), "post") == told


@pytest.mark.parametrize(("reported", "took", "told"), [
    ([], (36, 36), "intact"),
    ([], (72,), "wiped"),  # in one go, whatever the code says
    (["post"], (36, 36), "wiped"),
])  # fmt: skip
def test_what_code_works_off_in_its_turn_went_so_where_no_source_saw_it_go(
    make_table, make_evidence, reported, took, told
):
    code = {
        "path": "src/Sender.php",
        "line": 9,
        "vehicle": "application",
        "kind": "sql",
        "operation": "delete",
        "object": "s.post",
        "loses": "rows",
        "bounded": True,
        "text": "DELETE FROM s.post WHERE id IN (SELECT id FROM s.post ORDER BY id LIMIT 500) RETURNING at, body",
    }
    changes = [{"xid": 740 + n, "table_oid": 16404, "operation": "delete", "rows": rows} for n, rows in enumerate(took)]
    ends = [{"xid": each["xid"], "outcome": "committed", "source": "pg_wal", "subxids": []} for each in changes]
    tables = [make_table("post", 16404, **GONE), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=reported, code_hits=[code], wal_changes=changes,
                             wal_transactions=ends)  # fmt: skip
    assert status(analyse.investigate(evidence), "post") == told


def test_tables_of_queues_go_by_the_names_that_their_documentation_gives_them():
    assert all(PASSING.search(name) for name in ("public.messenger_messages", "pgboss.job", "shop.order_outbox"))
    assert not any(PASSING.search(name) for name in ("public.messages", "hr.job", "public.messenger", "s.buffered"))


@pytest.mark.parametrize(("facts", "told"), [
    ({}, "intact"),
    ({"xmin": 743}, "wiped"),  # another transaction
    ({"rows": 150, "live": 150}, "wiped"),  # other rows
    ({"columns": ("id",)}, "wiped"),  # of another shape
])  # fmt: skip
def test_what_a_feed_lost_stands_in_the_table_that_its_transaction_renewed(make_table, make_evidence, facts, told):
    feed = make_table("feed_in", 16400, **{**EMPTIED, "inserts": 156, "pkey": None})
    into = {"filenode": 24610, "xmin": 742, "inserts": 156, "insv": 156, "live": 156, "rows": 156, "tuples": -1.0}
    rates = make_table("rates", 16404, **{**into, **facts})
    keys = [{"oid": 1, "table_oid": 16404, "name": "pk", "unique": True, "primary": True}]
    found = analyse.investigate(make_evidence([feed, rates, make_table("users", 16500)], indexes=keys))
    assert status(found, "feed_in") == told


def test_counters_of_a_session_that_goes_on_are_not_held_against_what_the_file_can_hold(make_table, make_evidence):
    """Measured on 13 to 18: TRUNCATE and INSERT in one session leave n_live_tup and n_ins_since_vacuum as they were."""
    late = {"filenode": 24600, "xmin": 742, "inserts": 1246, "insv": 1246, "live": 1246, "rows": None, "heap": 8192,
            "mod": 1246, "analyzes": 0, "tuples": -1.0}  # fmt: skip
    tables = [make_table("quota", 16404, **late), make_table("users", 16500)]
    row = analyse.investigate(make_evidence(tables, reported=["quota"])).findings.set_index("table").loc["quota"]
    assert (row["status"], row["mechanism"]) == ("partial", "truncate")
    assert pd.isna(row["missing_rows"])  # n_live_tup says all of them, which is wrong


@pytest.mark.parametrize(("inserted", "told"), [(2837, "intact"), (4200, "partial"), (1600, "partial")])
def test_one_late_table_that_holds_what_came_into_gone_ones_is_a_copy(make_table, make_evidence, inserted, told):
    """The database counts what its tables count, the rows of pg_catalog that making them took, and what is gone."""
    copy = {"inserts": 2400, "live": 2400, "rows": 2400, "insv": 2400, "created": 797, "xmin": 797, "tuples": -1.0}
    tables = [make_table("stop", 16700, **copy), *(make_table(name, 16500 + at) for at, name in enumerate("abc"))]
    evidence = make_evidence(tables, reported=["stop"])
    made = catalogue_rows(evidence)
    counted = {"database": "d", "inserted": 2400 + 3 * 143 + inserted - 561 + made}
    found = analyse.investigate(make_evidence(tables, reported=["stop"], database_counters=[counted]))
    assert status(found, "stop") == told


def test_the_work_of_a_queue_is_no_habit_of_truncating_it(make_table, make_evidence):
    """Sessions that end one by one, and a TRUNCATE of all that stood."""
    emptied = {**EMPTIED, "inserts": 7, "deletes": 6, "dead": 0, "mod": 13}
    tables = [make_table("logins", 16404, **emptied), make_table("users", 16500)]
    entry = {"database": "d", "role": "o", "query_id": 1, "text": "DELETE FROM s.logins WHERE u = $1", "calls": 7,
             "rows": 6}  # fmt: skip
    assert status(analyse.investigate(make_evidence(tables, statements=[entry])), "logins") == "wiped"


TAKE, CLEAR = "INSERT INTO s.parts SELECT * FROM s.load ON CONFLICT DO NOTHING", "TRUNCATE s.load"


@pytest.mark.parametrize(("texts", "missed", "told"), [
    ((TAKE, CLEAR), False, "intact"),
    ((CLEAR, TAKE), False, "wiped"),  # emptied before it was read
    (("INSERT INTO s.parts SELECT * FROM s.users", CLEAR), False, "wiped"),
    ((TAKE, CLEAR), True, "wiped"),
    ((TAKE, CLEAR) * 3, True, "intact"),  # each night: who misses rows looks for them in the wrong table
    ((CLEAR,) * 3, True, "wiped"),
])  # fmt: skip
def test_what_a_session_takes_over_and_clears_was_staged(make_table, make_evidence, texts, missed, told):
    load = make_table("load", 16400, **{**EMPTIED, "inserts": 156})
    tables = [load, make_table("parts", 16404), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["load"] if missed else [], log_events=lines(*texts))
    assert status(analyse.investigate(evidence), "load") == told


@pytest.mark.parametrize(("facts", "told"), [
    ({}, "intact"),
    ({"rows": 312, "live": 312}, "wiped"),  # not as many as went
    ({"columns": ("id",)}, "wiped"),  # it has no place for all that went
])  # fmt: skip
def test_what_the_emptying_transaction_wrote_elsewhere_was_taken_over(make_table, make_evidence, facts, told):
    """A rack with a key, whose rows of the day go into a book that has a column more, before it is truncated."""
    rack = make_table("rack", 16400, **{**EMPTIED, "inserts": 156}, columns=("id", "coat"))
    book = {"inserts": 156, "live": 156, "rows": 156, "columns": ("day", "id", "coat"), "tuples": -1.0}
    tables = [rack, make_table("book", 16404, **{**book, **facts}), make_table("users", 16500)]
    for writer, status_ in ((742, told), (741, "wiped")):
        wrote = [{"oid": 16404, "oldest_xid": writer, "newest_xid": writer}]
        assert status(analyse.investigate(make_evidence(tables, row_transactions=wrote)), "rack") == status_


PUT = "INSERT INTO s.book SELECT $1, id FROM s.rack"


@pytest.mark.parametrize(("entry", "told"), [
    ({}, "intact"),
    ({"rows": 100}, "wiped"),
    ({"text": "INSERT INTO s.rack SELECT id FROM s.book"}, "wiped"),
    ({"text": "SELECT id FROM s.rack"}, "wiped"),
    ({"database": "other"}, "wiped"),
    ({"text": "INSERT INTO aside SELECT id FROM s.rack"}, "wiped"),  # a temporary table, gone with its session
    ({"text": "INSERT INTO s.users SELECT id FROM s.rack"}, "wiped"),  # which does not hold so many
])  # fmt: skip
def test_as_many_rows_as_a_statement_put_elsewhere_were_taken_over(make_table, make_evidence, entry, told):
    tables = [make_table("rack", 16400, **{**EMPTIED, "inserts": 156}), make_table("users", 16500),
              make_table("book", 16404, inserts=156, live=156, rows=156)]  # fmt: skip
    counted = {"database": "d", "role": "o", "query_id": 1, "text": PUT, "calls": 1, "rows": 156, **entry}
    assert status(analyse.investigate(make_evidence(tables, statements=[counted])), "rack") == told


SWAP = ("CREATE TABLE s.index_new AS SELECT id, count(*) FROM s.a GROUP BY id", "DROP TABLE IF EXISTS s.index",
        "ALTER TABLE s.index_new RENAME TO index")  # fmt: skip
LATE = {"created": 760, "xmin": 760, "filenode": 16700}


@pytest.mark.parametrize(("texts", "told"), [(SWAP * 2, "intact"), (SWAP, "partial"), (SWAP[:2] * 2, "partial")])
def test_a_table_that_one_query_makes_anew_each_time_lost_nothing_by_it(make_table, make_evidence, texts, told):
    tables = [make_table("index", 16700, **LATE), *(make_table(name, 16500 + at) for at, name in enumerate("abc"))]
    found = analyse.investigate(make_evidence(tables, reported=["index"], log_events=lines(*texts)))
    assert status(found, "index") == told


@pytest.mark.parametrize(("vehicle", "sure"), [("scheduled_job", (0.6, 0.8)), ("script", (0.85, 1.0))])
def test_a_job_that_drops_a_table_which_stands_filled_may_make_it_anew(make_table, make_evidence, vehicle, sure):
    code = {"path": "ops/index.sql", "line": 3, "vehicle": vehicle, "kind": "sql", "operation": "drop_table",
            "object": "s.index", "loses": "rows", "text": SWAP[1]}  # fmt: skip
    others = [make_table(name, 16500 + at) for at, name in enumerate("abc")]
    own = {**LATE, "inserts": 150, "rows": 150, "live": 150, "insv": 150}
    tables = [make_table("index", 16700, **own), *others]
    more = {"code_hits": [code], "log_events": lines("DROP TABLE s.index")}
    found = analyse.investigate(make_evidence(tables, reported=["index"], **more))
    assert status(found, "index") == "partial"
    assert sure[0] < found.findings.set_index("table")["status_probability"]["index"] <= sure[1]
    unmissed = analyse.investigate(make_evidence(tables, reported=["a"], **more))
    assert (status(unmissed, "index") == "intact") is (vehicle == "scheduled_job")
    # as many rows as the table that it is made of
    derived = analyse.investigate(
        make_evidence([make_table("index", 16700, **LATE), *others], reported=["index"], **more)
    )
    assert (status(derived, "index") == "intact") is (vehicle == "scheduled_job")


def test_a_delete_above_that_took_nothing_along_is_no_sign_of_a_cascade(make_table, make_evidence):
    """VACUUM FULL gave the child new storage; it counts no delete, and a cascade would have been counted."""
    moved = make_table("movement", 16404, filenode=24600, xmin=742)
    entry = {"database": "d", "role": "o", "query_id": 1, "text": "DELETE FROM s.batch WHERE due < $1", "calls": 1,
             "rows": 3}  # fmt: skip
    batch = make_table("batch", 16405, deletes=3, live=140, rows=140, dead=3, mod=3)
    evidence = make_evidence([moved, batch, make_table("users", 16500)], [("movement", "batch", "cascade")],
                             reported=["movement"], statements=[entry])  # fmt: skip
    found = analyse.investigate(evidence)
    assert status(found, "movement") == "intact"
    seen = found.mechanism_evidence
    assert "delete_parent" not in set(seen.loc[seen["table"] == "movement", "outcome"])


@pytest.mark.parametrize(("facts", "missed", "sure"), [
    ({}, ["parts"], False), ({}, ["load"], True), ({}, [], True), ({"keyed": True}, ["parts"], True),
])  # fmt: skip
def test_a_table_without_a_key_that_nobody_misses_is_less_surely_lost(make_table, make_evidence, facts, missed, sure):
    load = make_table("load", 16400, **{**EMPTIED, "inserts": 156})
    tables = [load, *(make_table(name, 16500 + 4 * at) for at, name in enumerate(("parts", "users", "c", "d")))]
    keyed = [16500 + 4 * at for at in range(4)] + ([16400] if facts else [])
    keys = [{"oid": oid + 1, "table_oid": oid, "name": f"{oid}_pkey", "unique": True, "primary": True} for oid in keyed]
    row = analyse.investigate(make_evidence(tables, reported=missed, indexes=keys)).findings.set_index("table")
    assert row["status"]["load"] == "wiped"
    assert bool(row["status_probability"]["load"] > 0.9) is sure


ALL, RAN = "DELETE FROM s.post", "DELETE FROM s.post WHERE shopper = $1 AND touched < now() - interval $2"
CODE = {"path": "shop/carts.py", "line": 9, "vehicle": "application", "kind": "sql", "operation": "delete",
        "object": "post", "loses": "rows", "bounded": False, "text": f"{ALL};"}  # fmt: skip
MAPPED = {**CODE, "kind": "orm", "bounded": True, "text": "Post.objects.filter(shopper=shopper).delete()"}

ASKED = {**CODE, "bounded": True, "text": "DELETE FROM s.post WHERE id < $1 - 7200"}


@pytest.mark.parametrize(("reported", "code", "text", "told"), [
    (["users"], CODE, ALL, "intact"),  # word for word what the application's code deletes
    (["users"], MAPPED, RAN, "intact"),  # what its mapper makes of it, by its role
    (["users"], ASKED, "DELETE FROM s.post WHERE id < $1", "intact"),  # of the same columns, by its role
    (["users"], ASKED, "DELETE FROM s.post WHERE body = $1", "undecided"),  # of another column
    ([], CODE, ALL, "undecided"),
    (["post"], CODE, ALL, "wiped"),  # people miss its rows
    (["users"], CODE, "DELETE FROM s.post WHERE true", "wiped"),  # another statement
    (["users"], {**CODE, "vehicle": "script"}, ALL, "wiped"),
])  # fmt: skip
def test_what_the_code_of_the_application_deletes_is_its_ordinary_way(
    make_table, make_evidence, reported, code, text, told
):
    tables = [make_table("post", 16404, **GONE), make_table("users", 16500)]
    entry = {"database": "d", "role": "o", "query_id": 1, "text": text, "calls": 2, "rows": 72}
    evidence = make_evidence(tables, reported=reported, statements=[entry], code_hits=[code])
    evidence["incident"]["app_role"] = pd.Series(["o"], dtype=evidence["incident"]["app_role"].dtype)
    assert status(analyse.investigate(evidence), "post") == told


SENT = {**GONE, "updates": 72, "dead": 144, "mod": 216}
OUT = ("INSERT INTO s.post VALUES (1)", "UPDATE s.post SET sent = true WHERE NOT sent", "DELETE FROM s.post WHERE sent")


@pytest.mark.parametrize(("facts", "texts", "application", "told"), [
    (SENT, OUT, "send_post.php", "intact"),  # marked as sent, then deleted
    (GONE, OUT, "send_post.php", "undecided"),  # nothing was marked
    (SENT, OUT, "psql", "undecided"),  # by a person
    (SENT, (*OUT[:2], "DELETE FROM s.post WHERE id < 99"), "send_post.php", "undecided"),  # whatever the mark says
    (SENT, (OUT[0], "UPDATE s.post SET deleted = true", "DELETE FROM s.post WHERE deleted"), "web", "undecided"),
])  # fmt: skip
def test_what_is_marked_as_done_with_and_deleted_then_is_worked_off(
    make_table, make_evidence, facts, texts, application, told
):
    events = [{**line, "application": application} for line in lines(*texts)]
    tables = [make_table("post", 16404, **facts), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["users"], log_events=events)
    assert status(analyse.investigate(evidence), "post") == told


@pytest.mark.parametrize(("facts", "text", "calls", "sure"), [
    (SENT, "DELETE FROM s.post WHERE sent", 2, 3 / 4),  # Laplace's rule of succession: 3 of 4 after two
    (SENT, "DELETE FROM s.post WHERE sent", 18, 19 / 20),
    (GONE, ALL, 3, 4 / 5),
    (GONE, "DELETE FROM s.post WHERE lane = $1", 9, 0.72),  # rounds of a queue, or parts of one pass
])  # fmt: skip
def test_a_habit_is_as_sure_as_the_times_that_tell_of_it_are_many(make_table, make_evidence, facts, text, calls, sure):
    told = [{**lines(OUT[1])[0], "application": "send_post.php"}]
    entry = {"database": "d", "role": "o", "query_id": 1, "text": text, "calls": calls, "rows": 72}
    tables = [make_table("post", 16404, **facts), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["users"], log_events=told, statements=[entry])
    found = analyse.investigate(evidence)
    post = found.findings.set_index("table").loc["post"]
    chances = found.mechanism_probabilities.query("table == 'post'").set_index("mechanism")["probability"]
    assert post["status"] == "intact"
    assert 1 - post["status_probability"] == pytest.approx((1 - sure) * chances["delete"], abs=0.03)


@pytest.mark.parametrize(("cascade", "told"), [("", "intact"), (" CASCADE", "wiped")])
def test_what_took_missed_rows_along_by_cascade_is_no_habit(make_table, make_evidence, cascade, told):
    """Tests that empty a table three times empty each time what hangs on it, which people miss."""
    entry = {"database": "d", "role": "o", "query_id": 1, "text": f"TRUNCATE s.garage{cascade}", "calls": 3, "rows": 0}
    tables = [make_table("garage", 16404, **EMPTIED), make_table("permit", 16410, **{**EMPTIED, "filenode": 24606}),
              make_table("users", 16500)]  # fmt: skip
    evidence = make_evidence(tables, [("permit", "garage", "no action")], reported=["permit"], statements=[entry])
    assert status(analyse.investigate(evidence), "garage") == told
