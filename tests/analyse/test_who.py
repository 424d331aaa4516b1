"""Who is named for a loss: by a statement's session, by what a scheduler starts, by a state that was put back."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse import knowledge
from triage_kit.analyse.hands import kinds

AT = pd.Timestamp("2025-10-08T09:00:00Z")
EMPTIED = {"filenode": 24600, "insv": 0, "rows": 0, "heap": 0, "pkey": 8192, "xmin": 742, "live": 0, "tuples": -1.0}
_DELETE = "DELETE FROM s.notes WHERE {}"
THINNED = {"deletes": 101, "live": 42, "dead": 101, "mod": 101, "rows": 42}


def _said(statement: str | None = None, minutes: float = 0, **facts) -> dict:
    at = AT + pd.Timedelta(minutes=minutes)
    line = {"file": "a.log", "line": 7, "at": at, "severity": "LOG", "database": "d", "pid": 7, "kind": "statement"}
    return {**line, "statement": statement, **facts}


def _ranked(found: analyse.Investigation) -> pd.Series:
    return found.causes.set_index("cause")["probability"].sort_values(ascending=False)


def _emptied(make_table, make_evidence, events, **more) -> analyse.Investigation:
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]
    return analyse.investigate(make_evidence(tables, reported=["notes"], log_events=events, **more))


@pytest.mark.parametrize(
    ("role", "application", "cause"),
    [
        ("ada", "psql", "manual_session"),
        ("ada", "DataGrip 2025.2", "manual_session"),
        ("o", "pgAdmin 4 - CONN:1", "manual_session"),
        ("o", "QuartzScheduler_Worker-3", "scheduled_job"),
        ("svc", "purge-carts-29384756-x7k2p", "scheduled_job"),
        ("o", "/usr/src/app vitest", "test_run"),
        ("o", "Flyway by Redgate", "migration"),
        ("deployer", "", "migration"),
    ],
)
def test_the_session_of_the_statement_names_the_cause(make_table, make_evidence, role, application, cause):
    deed = _said("TRUNCATE s.notes", role=role, application=application or None)
    traffic = _said("INSERT INTO s.notes VALUES (1)", role="o", application="shop-web", pid=9)
    assert _ranked(_emptied(make_table, make_evidence, [traffic, deed])).index[0] == cause


def test_the_program_that_writes_the_rows_is_the_application(make_table, make_evidence):
    sessions = [_said("INSERT INTO s.notes VALUES (1)", application="shop-web", role="o", pid=pid) for pid in (8, 9)]
    found = _emptied(make_table, make_evidence, [*sessions, _said("TRUNCATE s.notes", application="shop-web")])
    assert _ranked(found).index[0] == "application"


def test_nobody_is_accused_where_nothing_points_at_anybody(make_table, make_evidence):
    emptied = _ranked(_emptied(make_table, make_evidence, []))
    assert list(emptied.index[:2]) == ["unknown", "manual_session"]
    assert emptied.iloc[1] < 0.3
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    thinned = _ranked(analyse.investigate(make_evidence(tables, reported=["notes"])))
    assert thinned.index[0] == "unknown"
    assert thinned.iloc[1] < 0.3


def test_a_job_that_the_scheduler_says_it_starts_is_a_statement_of_a_job(make_table, make_evidence):
    told = _said(None, kind=None, message="cron job 3 starting: TRUNCATE s.notes", pid=11)
    assert _ranked(_emptied(make_table, make_evidence, [told])).index[0] == "scheduled_job"


def test_even_intervals_speak_for_a_clock(make_table, make_evidence):
    def jobs(minutes: tuple[float, ...]) -> float:
        deeds = [_said("TRUNCATE s.notes", at, role="svc", application="umber") for at in minutes]
        return _ranked(_emptied(make_table, make_evidence, deeds))["scheduled_job"]

    assert jobs((-30, -20, -10, 0)) > 2 * jobs((-30, -29, -3, 0))


def test_a_deed_upstream_of_a_cascade_is_found(make_table, make_evidence):
    tables = [make_table("lines", 16404, **THINNED), make_table("orders", 16405), make_table("users", 16500)]
    deed = _said("DELETE FROM s.orders WHERE closed", role="ada", application="psql")
    keys = [("lines", "orders", "cascade")]
    found = analyse.investigate(make_evidence(tables, keys, reported=["lines"], log_events=[deed]))
    assert "statement_by_shell" in set(found.cause_evidence["item"])
    assert _ranked(found).index[0] == "manual_session"


def test_tables_that_a_subscription_copied_are_emptied_by_their_publisher(make_table, make_evidence):
    worker = 'logical replication table synchronization worker for subscription "m", table "notes" has finished'
    mirrored = _emptied(
        make_table, make_evidence, [_said(None, kind=None, subject="logical_replication", message=worker)]
    )
    other = _emptied(
        make_table,
        make_evidence,
        [_said(None, kind=None, subject="logical_replication", message=worker.replace("notes", "users"))],
    )
    assert _ranked(mirrored).index[0] == "replication"
    assert _ranked(other)["replication"] < 0.1


def test_a_last_statement_that_the_server_still_shows_counts(make_table, make_evidence):
    session = {"pid": 5, "database": "d", "role": "ada", "application": "TablePlus", "kind": "client backend",
               "state": "idle", "query": "TRUNCATE s.notes", "query_at": AT}  # fmt: skip
    assert _ranked(_emptied(make_table, make_evidence, [], activity=[session])).index[0] == "manual_session"


@pytest.mark.parametrize(
    ("begins", "other"),
    [
        ("database system was shut down at 2025-10-08 11:00:00 CEST", False),
        ("database system was shut down at 2025-10-01 03:10:20 CEST", True),
        ("database system was interrupted; last known up at 2025-10-08 10:59:00 CEST", True),
    ],
)
def test_a_server_that_begins_from_another_state_than_it_left(make_table, make_evidence, begins, other):
    lines = [
        _said(None, kind="shutdown", subject="shutdown", message="shutting down", line=0),
        _said(None, kind="shutdown", subject="shutdown", message="database system is shut down", line=1),
        _said(
            None, 1, kind="startup", subject="interrupted" if "interrupted" in begins else "shutdown", message=begins
        ),
    ]
    found = _emptied(make_table, make_evidence, lines)
    seen = found.cause_evidence[found.cause_evidence["item"] == "older_than_its_log"]
    assert bool(len(seen)) is other


def test_keys_that_are_added_as_a_dump_adds_them_speak_for_a_restore(make_table, make_evidence):
    loads = [
        _said("COPY s.notes (id, body) FROM stdin", role="postgres", application="psql"),
        _said("ALTER TABLE ONLY s.notes ADD CONSTRAINT notes_pkey PRIMARY KEY (id)", role="postgres"),
    ]
    with_dump = _ranked(_emptied(make_table, make_evidence, loads))["restore"]
    assert with_dump > 10 * _ranked(_emptied(make_table, make_evidence, []))["restore"]


def test_a_name_is_taken_by_its_words():
    assert kinds("contest", "attestation", "latest") == frozenset()
    assert kinds("jobcentre-webinar") == frozenset()
    assert kinds(None, "") == frozenset()
    assert kinds("load.sh", files=(("db/tests/load.sh", "test_run"),)) == {"script", "worker", "tests"}


@pytest.mark.parametrize(("applied_at", "blamed"), [("2025-09-01T00:00:00Z", False), ("2025-10-08T08:59:58Z", True)])
def test_a_migration_that_ran_long_before_the_window_is_not_blamed(make_table, make_evidence, applied_at, blamed):
    found = _emptied(
        make_table,
        make_evidence,
        [],
        questions=[{"source": source, "status": "answered"} for source in ("migrations", "version_tables")],
        migrations=[{"path": "db/migration/V7__clear.sql", "tool": "flyway", "revision": "7", "parents": ()}],
        migration_operations=[{"path": "db/migration/V7__clear.sql", "revision": "7", "line": 1, "direction": "up",
                               "operation": "truncate", "object": "s.notes", "text": "TRUNCATE s.notes"}],
        version_tables=[{"tool": "flyway", "schema": "s", "table": "flyway_schema_history", "version": "7",
                         "applied_at": applied_at}],
    )  # fmt: skip
    assert (_ranked(found).index[0] == "migration") is blamed


def test_who_was_connected_is_told_and_weighs_little(make_table, make_evidence):
    came = _said(None, kind="connection", message="connection authorized: user=o database=d application_name=vitest")
    found = _emptied(make_table, make_evidence, [came])
    assert "connected_by_tests" in set(found.cause_evidence["item"])
    assert 0.1 < _ranked(found)["test_run"] < 0.9
    before = _emptied(make_table, make_evidence, [{**came, "at": AT - pd.Timedelta(days=3)}])
    assert "connected_by_tests" not in set(before.cause_evidence["item"])


@pytest.mark.parametrize(("first", "restored"), [(90_000, True), (24_603, False)])
def test_keys_that_are_younger_than_all_tables_speak_for_a_dump(make_table, make_evidence, first, restored):
    fresh = {"inserts": 0, "live": 0, "insv": 0, "rows": 0, "heap": 0, "pkey": 8192, "analyzes": 0, "tuples": -1.0,
             "sequence": None, "created": 742}  # fmt: skip
    tables = [make_table("notes", 24_600, **fresh), make_table("lines", 24_610, **fresh), make_table("users", 16500)]
    keys = [
        {"oid": first + number * 10, "table_oid": 24_600 + number * 10, "primary": True, "name": f"{name}_pkey"}
        for number, name in enumerate(("notes", "lines"))
    ]
    found = analyse.investigate(make_evidence(tables, reported=["notes", "lines"], indexes=keys))
    assert set(found.findings.set_index("table").loc[["notes", "lines"], "mechanism"]) == {"recreate"}
    assert (_ranked(found).index[0] == "restore") is restored


def test_the_statement_of_the_transaction_that_the_catalogue_names_is_taken(make_table, make_evidence):
    deeds = [
        _said("TRUNCATE s.notes", 0, role="ada", application="psql", xid=742),
        _said("TRUNCATE s.notes", 5, role="svc", application="nightly-job", xid=750, pid=8),
    ]
    assert _ranked(_emptied(make_table, make_evidence, deeds)).index[0] == "manual_session"
    without = [{**deed, "xid": None} for deed in deeds]
    assert _ranked(_emptied(make_table, make_evidence, without)).index[0] == "scheduled_job"
    commits = [{"xid": 742, "committed_at": AT + pd.Timedelta(seconds=1)}]
    dated = _emptied(make_table, make_evidence, without, commit_times=commits)
    assert _ranked(dated).index[0] == "manual_session"


def test_the_role_that_writes_is_found_in_the_log(make_table, make_evidence):
    sessions = [_said("INSERT INTO s.notes VALUES (1)", role="shop", pid=pid) for pid in (8, 9)]

    def chance(role: str) -> float:
        deed = _said("TRUNCATE s.notes", role=role)
        return _ranked(_emptied(make_table, make_evidence, [*sessions, deed]))["application"]

    assert chance("shop") > 5 * chance("ada")


def test_a_standby_that_took_over_is_told_apart_from_a_recovery(make_table, make_evidence):
    took_over = _said(None, kind=None, subject="promotion", message="received promote request")
    begins = _said(None, 1, kind=None, subject="new_timeline", message="selected new timeline ID: 2")
    found = _emptied(make_table, make_evidence, [took_over, begins])
    assert {"promoted"} == {"promoted", "recovered"} & set(found.cause_evidence["item"])
    without = _emptied(make_table, make_evidence, [begins])
    assert _ranked(without)["restore"] > _ranked(found)["restore"]


def test_a_service_with_a_role_of_its_own_is_no_person(make_table, make_evidence):
    deed = _said("TRUNCATE s.notes", role="authenticator", application="PostgREST 12.2")
    traffic = _said("INSERT INTO s.notes VALUES (1)", role="o", application="importer", pid=9)
    assert _ranked(_emptied(make_table, make_evidence, [traffic, deed])).index[0] == "application"


@pytest.mark.parametrize(("counted", "blamed"), [(101, True), (0, False), (1, False)])
def test_a_statement_that_took_next_to_nothing_is_not_blamed_for_the_rest(make_table, make_evidence, counted, blamed):
    """101 rows are deleted; the one DELETE that was seen found so many of them as pg_stat_statements counts."""
    deed = _said("DELETE FROM s.notes WHERE id = 1", role="ada", application="psql")
    entry = {"database": "d", "role": "ada", "text": "DELETE FROM s.notes WHERE id = $1", "calls": 1, "rows": counted}
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    ranked = _ranked(
        analyse.investigate(make_evidence(tables, reported=["notes"], log_events=[deed], statements=[entry]))
    )
    assert (ranked["manual_session"] > 0.6) == blamed


def test_every_table_but_the_tools_own_emptied_by_hand_is_not_sure_to_be_a_test(make_table, make_evidence):
    # Django's flush empties every table but that one, whether a test calls it or a person.
    tables = [make_table(name, 16404 + n, **{**EMPTIED, "filenode": 24600 + n}) for n, name in enumerate("abc")]
    tables.append(make_table("django_migrations", 16600))
    ranked = _ranked(analyse.investigate(make_evidence(tables, reported=["a"])))
    assert set(ranked.index[:2]) == {"test_run", "manual_session"}
    assert ranked.iloc[1] > 0.1


def test_a_partitioned_table_is_not_counted_beside_its_parts_among_what_was_spared(make_table, make_evidence):
    tables = [make_table("notes", 16404, **EMPTIED), make_table("days", 16500, kind="partitioned", sequence=None)]
    tables += [make_table(f"day_{n}", 16510 + n, parent="days") for n in range(5)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"]))
    told = found.evidence["says"][found.evidence["says"].str.contains("tables with rows were spared")]
    assert told.tolist() == ["5 tables with rows were spared: s.day_0, s.day_1, s.day_2, s.day_3 and 1 more"]


@pytest.mark.parametrize(("keys", "blamed"), [([("pages", "pages", "cascade")], True), ([], False)])
def test_a_delete_of_one_row_explains_a_tree_below_it(keys, blamed, make_table, make_evidence):
    # Measured: pg_stat_statements counts the rows of the statement, none of those that went along by the key.
    facts = {"inserts": 1000, "deletes": 111, "rows": 889, "live": 889, "dead": 111, "mod": 111}
    entry = {"query_id": "1", "database": "d", "role": "o", "text": "DELETE FROM s.pages WHERE id = $1", "calls": 1,
             "rows": 1}  # fmt: skip
    tables = [make_table("pages", 16404, **facts), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, keys=keys, reported=["pages"], statements=[entry]))
    items = set(found.cause_evidence["item"])
    assert ("repeated" in items) is blamed  # the calls of the statement that was taken


@pytest.mark.parametrize(("second", "blamed"), [("09:00:07", True), ("09:00:06", False)])
def test_a_failed_attempt_of_the_second_in_which_the_window_begins_counts(make_table, make_evidence, second, blamed):
    failed = _said("DELETE FROM s.notes WHERE x == 1", role="ada", application="psql", severity="ERROR",
                   at=pd.Timestamp(f"2025-10-08T{second}Z"), kind="error", message="no such operator")  # fmt: skip
    begin = pd.Timestamp("2025-10-08T09:00:07.4Z")  # a log with %t writes 09:00:07 for whatever came until 09:00:08
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["notes"], log_events=[failed])
    evidence["incident"] = evidence["incident"].assign(window_start=begin)
    moved = analyse.investigate(evidence).cause_evidence
    by_hand = moved[(moved["item"] == "failed_attempt_by_hand") & (moved["cause"] == "manual_session")]
    assert bool((by_hand["decibans"] > 0).any()) == blamed


@pytest.mark.parametrize(("subject", "operation", "tried"), [
    ("permission_denied", "TRUNCATE s.notes", None),  # who may not do it has not done it
    ("permission_denied", "DROP TABLE s.notes", True),  # another privilege
    ("lock_timeout", "TRUNCATE s.notes", True),
])  # fmt: skip
def test_an_attempt_that_wants_the_privilege_speaks_for_nobody(make_table, make_evidence, subject, operation, tried):
    failed = _said(operation, role="ada", application="DBeaver", severity="ERROR", subject=subject, message="no")
    seen = [{"pid": 7, "role": "ada", "application": "DBeaver", "database": "d", "started_at": AT}]
    begun = {**failed, "line": 6, "severity": "LOG", "subject": None, "message": None, "outcome": "failed"}
    found = _emptied(make_table, make_evidence, [begun, failed], activity=seen)
    items = found.cause_evidence.set_index("item")["likelihood"]
    assert ("failed_attempt_by_hand" in items.index) is (tried is not None)
    assert "connected_by_shell" not in items.index  # whoever tried was connected; who was refused did not do it


def test_a_delete_that_empties_by_a_join_is_measured_by_its_own_table(make_table, make_evidence):
    gone = {"deletes": 143, "live": 0, "dead": 143, "mod": 143, "rows": 0}
    many = {**gone, "inserts": 2000, "deletes": 2000, "dead": 2000, "insv": 2000, "mod": 2000}
    tables = [make_table("lease", 16404, **gone), make_table("rent", 16405, **many), make_table("users", 16500)]
    entry = {"database": "d", "role": "ada", "query_id": 1, "calls": 1, "rows": 143,
             "text": "DELETE FROM s.lease l USING s.users n WHERE n.id < $1"}  # fmt: skip
    found = analyse.investigate(
        make_evidence(tables, [("rent", "lease", "cascade")], reported=["lease"], statements=[entry],
                      questions=[{"source": "statements", "status": "answered"}])
    )  # fmt: skip
    items = set(found.cause_evidence["item"])
    assert "nobody_seen" not in items
    assert "repeated" in items  # it was found


def test_a_migration_that_drops_the_schema_drops_its_tables(make_table, make_evidence):
    dropped = {"path": "v2.sql", "line": 1, "revision": "2", "direction": "up", "operation": "drop_schema",
               "object": "s", "cascade": True, "text": "DROP SCHEMA IF EXISTS s CASCADE", "how": "parsed"}  # fmt: skip

    def migrations(name: str) -> set[str]:
        evidence = make_evidence(
            [make_table("users", 16500)], reported=["s.flag"], migration_operations=[{**dropped, "object": name}],
            migrations=[{"path": "v2.sql", "revision": "2", "tool": "flyway", "parents": ()}],
            questions=[{"source": "migrations", "status": "answered"}],
        )  # fmt: skip
        return set(analyse.investigate(evidence).cause_evidence["item"])

    assert "statement_in_migration" in migrations("s")
    assert "migrations_harmless" in migrations("other")


@pytest.mark.parametrize(("places", "exact"), [
    ([("a.kt", 2), ("a.kt", 4)], True), ([("a.kt", 2), ("b.kt", 4)], False),
    ([("a.kt", 2), ("a.kt", 4), ("a.kt", 6)], False),
])  # fmt: skip
def test_lines_of_one_file_that_name_just_the_emptied_tables_are_one_pointer(make_table, make_evidence, places, exact):
    names = ("feed", "rates", "users")
    code = [{"path": path, "line": line, "vehicle": "application", "kind": "sql", "operation": "truncate", "object":
             f"s.{name}", "loses": "rows", "text": f"TRUNCATE s.{name}"}
            for name, (path, line) in zip(names, places, strict=False)]  # fmt: skip
    tables = [make_table("feed", 16404, **EMPTIED), make_table("rates", 16410, **{**EMPTIED, "filenode": 24606}),
              make_table("users", 16500)]  # fmt: skip
    found = analyse.investigate(make_evidence(tables, reported=["rates"], code_hits=code))
    assert ("exact_code_of_application" in set(found.cause_evidence["item"])) is exact


@pytest.mark.parametrize(("writers", "told"), [
    ([("ada", "psql", 'INSERT INTO "s"."articles" VALUES (1)')], True),
    ([("ada", "psql", "INSERT INTO s.articles VALUES (1)"), ("o", "web", "INSERT INTO s.articles VALUES (2)")], False),
    ([("ada", "psql", "INSERT INTO s.articles_old VALUES (1)")], False),  # another table
    ([("ada", "psql", "UPDATE s.articles SET title = 'a'")], False),  # which does not fire it
])  # fmt: skip
def test_what_a_trigger_removed_is_laid_to_the_one_hand_that_fires_it(make_table, make_evidence, writers, told):
    trigger = {"table_oid": 16500, "name": "tidy", "enabled": "origin", "timing": "after", "events": ("insert",),
               "function": "s.tidy", "function_body": "BEGIN DELETE FROM s.drafts; RETURN NULL; END"}  # fmt: skip
    events = [
        {"file": "a.log", "line": number, "at": AT, "severity": "LOG", "kind": "statement", "database": "d",
         "role": role, "application": application, "statement": text, "pid": number, "outcome": "committed"}
        for number, (role, application, text) in enumerate(writers)
    ]  # fmt: skip
    gone = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 286}
    tables = [make_table("drafts", 16404, **gone), make_table("articles", 16500), make_table("articles_old", 16600)]
    found = analyse.investigate(make_evidence(tables, reported=["drafts"], log_events=events, triggers=[trigger]))
    items = set(found.cause_evidence["item"])
    assert ("statement_by_shell" in items, "trigger_reaches" in items) == (told, not told)
    assert (found.causes.iloc[0]["cause"] == "manual_session") is told


CLEARED = "DELETE FROM s.feed WHERE made < $1 AND lane = $2"


@pytest.mark.parametrize(("path", "vehicle", "text", "item", "cause"), [
    ("bin/clear.sh", "scheduled_job", CLEARED, "verbatim_code_of_scheduled_job", "scheduled_job"),
    ("shop/orders.py", "application", CLEARED, "verbatim_code_of_application", "application"),
    ("shop/orders.py", "application", "DELETE FROM s.feed WHERE id = $1", "code_of_application", "application"),
    # Celery documentation, autodiscover_tasks: what stands in `tasks` is run by a worker, most often by a schedule.
    ("src/sync.ts", "application", CLEARED, "verbatim_code_of_worker", "application"),
    ("shop/tasks.py", "application", CLEARED, "verbatim_code_of_scheduled_job", "scheduled_job"),
])  # fmt: skip
def test_a_statement_that_stands_in_a_file_word_for_word_points_at_it(
    make_table, make_evidence, path, vehicle, text, item, cause
):
    code = {"path": path, "line": 9, "vehicle": vehicle, "kind": "sql", "operation": "delete", "object": "s.feed",
            "loses": "rows", "bounded": True, "text": text}  # fmt: skip
    entry = {"database": "d", "role": "o", "query_id": 1, "text": CLEARED, "calls": 1, "rows": 143}
    gone = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 286}
    tables = [make_table("feed", 16404, **gone), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["feed"], statements=[entry], code_hits=[code]))
    moved = found.cause_evidence[found.cause_evidence["item"] == item].set_index("cause")["decibans"]
    # By the stated chances, 0.45 against 0.02 or 0.03: ten to one at least; of a mere likeness much less.
    assert bool(moved[cause] - moved["migration"] > 10 * knowledge.causes().sharpness) is item.startswith("verbatim")
    assert found.causes.iloc[0]["cause"] == cause


BODY = "DELETE FROM s.notes WHERE ward = ward"
MADE = f"CREATE FUNCTION s.close_ward(ward text) RETURNS void LANGUAGE sql AS $$\n  {BODY}\n$$"


@pytest.mark.parametrize(("call", "role", "cause"), [
    ("SELECT s.close_ward('C7')", "o", "application"), ('CALL "s"."close_ward"(7)', "o", "application"),
    ("SELECT s.close_ward('C7')", "purge_job", "scheduled_job"), ("SELECT s.close_wards('C7')", "o", None),
])  # fmt: skip
def test_who_calls_a_routine_does_what_its_body_does(make_table, make_evidence, call, role, cause):
    """What a migration creates it does not run: the body waits for a call, and no log shows what it does then."""
    up = {"path": "d/close.sql", "line": 1, "revision": "1", "direction": "up", "cascade": False, "how": "parsed"}
    operations = [{**up, "operation": "create_function", "object": "s.close_ward", "text": MADE},
                  {**up, "line": 2, "operation": "delete", "object": "s.notes", "text": BODY}]  # fmt: skip
    gone = {"deletes": 143, "live": 0, "dead": 143, "mod": 143, "rows": 0}
    entry = {"database": "d", "role": role, "query_id": 1, "calls": 1, "rows": 1, "text": call}
    evidence = make_evidence(
        [make_table("notes", 16404, **gone), make_table("users", 16500)], reported=["notes"], statements=[entry],
        migration_operations=operations, migrations=[{"path": "d/close.sql", "revision": "1", "tool": "sqitch"}],
        questions=[{"source": name, "status": "answered"} for name in ("migrations", "statements")],
    )  # fmt: skip
    evidence["incident"]["app_role"] = "o"
    found = analyse.investigate(evidence)
    items = set(found.cause_evidence["item"])
    assert {"code_of_routine", "migrations_harmless"} <= items
    assert "statement_in_migration" not in items
    assert ("nobody_seen" in items) is (cause is None)
    assert cause is None or _ranked(found).index[0] == cause


def test_a_failed_attempt_names_no_doer(make_table, make_evidence):
    failed = _said("TRUNCATE s.notes", role="ada", application="psql", severity="ERROR", message="timeout")
    found = _emptied(make_table, make_evidence, [failed])
    named = found.cause_evidence[found.cause_evidence["item"] == "doer_named"].set_index("cause")["likelihood"]
    assert named["unknown"] > named["manual_session"]
    assert set(_ranked(found).index[:2]) == {"manual_session", "unknown"}


@pytest.mark.parametrize(("role", "app", "superuser", "item"), [
    ("o", "web", False, "statement_by_owner"), ("o", "web", True, "statement_by_own_role"),
    ("ada", "web", False, "statement_by_own_role"), ("o", "o", False, None),
])  # fmt: skip
def test_the_owner_of_the_tables_is_nobodys_own_role(make_table, make_evidence, role, app, superuser, item):
    entry = {"database": "d", "role": role, "query_id": 1, "calls": 1, "rows": 0, "text": "TRUNCATE s.notes"}
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["notes"], statements=[entry],
                             roles=[{"oid": 1, "name": "o", "superuser": superuser}])  # fmt: skip
    evidence["incident"]["app_role"] = app
    items = set(analyse.investigate(evidence).cause_evidence["item"])
    assert {each for each in items if "own" in each} == ({item} if item else set())
    # pg_stat_statements knows no application: that the role is named after no tool leaves open who logged in as it.
    assert not items & {"statement_by_job", "statement_by_migrator", "statement_by_tests", "statement_by_restore"}


def test_ci_deploys_and_tests():
    assert set(kinds("ci")) == set(kinds("shop-cicd")) | {"tests"} == {"migrator", "tests"}
    assert not kinds("civic")


def test_the_failure_of_a_typed_text_clears_no_job(make_table, make_evidence):
    # Where only failures are logged, a job that ran through leaves no line, whatever somebody typed in vain.
    line = {"path": "bin/purge.pl", "line": 7, "vehicle": "scheduled_job", "kind": "sql", "operation": "delete",
            "object": "notes", "loses": "rows", "bounded": True, "cascade": False, "how": "parsed",
            "text": "DELETE FROM notes WHERE at > ?"}  # fmt: skip
    typed = _said("DELETE FROM s.notes WHERE id == 4", role="ada", application="psql", severity="ERROR", message="no")
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["notes"], log_events=[typed], code_hits=[line])
    ranked = _ranked(analyse.investigate(evidence))
    assert ranked.index[0] == "scheduled_job"


def test_a_session_that_also_notes_a_revision_is_a_migration_tools(make_table, make_evidence):
    """A later run writes the version table's row anew, so that only the log tells which session noted what."""
    tool = {"role": "o", "pid": 11}
    noted = [
        _said("DELETE FROM s.notes WHERE old", **tool),
        _said("UPDATE s.alembic_version SET version_num = 'b'", minutes=0.1, line=8, **tool),
    ]
    shares = {}
    for own, pid in (("same", 11), ("another", 12)):
        tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
        events = [noted[0], noted[1] | {"pid": pid}]
        found = analyse.investigate(make_evidence(tables, reported=["notes"], log_events=events))
        shares[own] = _ranked(found)["migration"]
    assert shares["same"] > 0.9 > 0.5 > shares["another"]


def test_what_only_a_way_down_does_leaves_the_migration_possible(make_table, make_evidence):
    facts = {"path": "v/2.py", "line": 9, "revision": "2", "how": "parsed", "text": "TRUNCATE notes", "object": "notes"}
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]

    def chance(direction: str, operation: str) -> float:
        evidence = make_evidence(
            tables,
            reported=["notes"],
            questions=[{"source": "migrations", "status": "answered"}],
            migrations=[{"path": "v/2.py", "tool": "alembic", "revision": "2"}],
            migration_operations=[facts | {"direction": direction, "operation": operation}],
        )
        return _ranked(analyse.investigate(evidence))["migration"]

    assert chance("down", "truncate") > 3 * chance("up", "create_index")


def test_a_migration_that_the_version_table_holds_no_more_was_taken_back(make_table, make_evidence):
    """Its way down names exactly the tables that went: told apart from one that is still held, or that names others."""
    down = {"path": "m/7_bids.down.sql", "revision": "7", "how": "parsed", "direction": "down"}

    def chance(held: str, objects: tuple[str, ...]) -> float:
        evidence = make_evidence(
            [make_table("users", 16500), make_table("halls", 16600)],
            reported=["lots", "bids"],
            questions=[{"source": name, "status": "answered"} for name in ("migrations", "version_tables")],
            migrations=[
                {"path": f"m/{number}_{name}.up.sql", "tool": "golang-migrate", "revision": number}
                for number, name in (("3", "users"), ("7", "bids"))
            ],
            version_tables=[
                {"tool": "schema_migrations", "schema": "s", "table": "schema_migrations", "version": held}
            ],
            migration_operations=[
                down | {"line": line, "operation": "drop_table", "object": name, "text": f"DROP TABLE {name}"}
                for line, name in enumerate(objects, 1)
            ],
        )  # fmt: skip
        return _ranked(analyse.investigate(evidence))["migration"]

    taken_back, standing = chance("3", ("bids", "lots")), chance("7", ("bids", "lots"))
    assert taken_back > 0.9
    assert taken_back > standing > chance("7", ("bids", "lots", "halls"))


def test_a_script_that_starts_a_migration_tool_is_no_hand_of_its_own(make_table, make_evidence):
    line = {"path": "ops/back.sh", "line": 3, "vehicle": "script", "kind": "tool", "operation": "truncate",
            "object": None, "loses": "rows", "cascade": False, "how": "pattern"}  # fmt: skip
    tables = [make_table("notes", 16404, **EMPTIED), make_table("users", 16500)]

    def odds(text: str) -> float:
        hits = [line | {"text": text}]
        ranked = _ranked(analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=hits)))
        return ranked["migration"] / ranked["manual_session"]

    assert odds("docker compose run --rm api alembic downgrade -1") > 5 * odds("./empty everything")


def test_a_session_without_a_name_under_the_role_of_all_is_not_surely_the_application(make_table, make_evidence):
    """Its jobs share the role: what tells the application from them is a name, its own or that of the others."""

    def chance(application: str | None) -> float:
        traffic = [
            _said("INSERT INTO s.notes VALUES (1)", role="o", pid=pid, application=application) for pid in (8, 9)
        ]
        deed = _said("DELETE FROM s.notes WHERE id IN (1, 2)", role="o", application=application, line=9)
        tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
        evidence = make_evidence(tables, reported=["notes"], log_events=[*traffic, deed])
        evidence["incident"]["app_role"] = pd.Series(["o"], dtype=evidence["incident"]["app_role"].dtype)
        return _ranked(analyse.investigate(evidence))["application"]

    assert chance("shop-web") > 0.9 > chance(None) > 0.5


ROUTE, CLOCK = "DELETE FROM s.notes WHERE id = 4", "DELETE FROM s.notes WHERE saved < '2025-10-01'"


def _two_hands(make_table, make_evidence, **more) -> analyse.Investigation:
    """Two DELETEs in one second of the log, whose %t is cut to seconds; the first is the application's own."""
    traffic = [_said("INSERT INTO s.notes VALUES (1)", -5, application="web", role="o", pid=pid) for pid in (3, 4)]
    deeds = [_said(ROUTE, application="web", role="o"), _said(CLOCK, application="drafts-job", role="o", line=8, pid=8)]
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    return analyse.investigate(make_evidence(tables, reported=["notes"], log_events=[*traffic, *deeds], **more))


def test_of_two_statements_the_one_that_took_the_rows_names_the_hand(make_table, make_evidence):
    counted = [{"query_id": str(n), "database": "d", "role": "o", "text": text, "calls": 1, "rows": rows}
               for n, (text, rows) in enumerate([("DELETE FROM s.notes WHERE id = $1", 1),
                                                 ("DELETE FROM s.notes WHERE saved < $1", 100)])]  # fmt: skip
    assert _ranked(_two_hands(make_table, make_evidence)).index[0] == "application"  # nothing tells them apart
    assert _ranked(_two_hands(make_table, make_evidence, statements=counted)).index[0] == "scheduled_job"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("DELETE FROM s.notes WHERE id = $1", False),
        ("DELETE FROM s.notes WHERE id < $1", True),
        ("DELETE FROM s.notes WHERE owner = $1", True),
    ],
)
def test_a_line_that_deletes_one_row_a_call_explains_no_hundred(make_table, make_evidence, text, told):
    code = {"path": "app/notes.py", "line": 3, "vehicle": "application", "kind": "sql", "operation": "delete",
            "object": "s.notes", "bounded": True, "loses": "rows", "text": text}  # fmt: skip
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["notes"], code_hits=[code], constraints=[
        {"oid": 1, "name": "notes_pkey", "kind": "primary_key", "table_oid": 16404, "columns": ("id",)}])  # fmt: skip
    items = set(analyse.investigate(evidence).cause_evidence["item"])
    assert ("code_of_application" in items) is told


@pytest.mark.parametrize(
    ("role", "application", "told"), [("o", None, False), ("o", "psql", True), ("ada", None, True)]
)
def test_a_failed_attempt_of_a_nameless_program_is_no_persons(make_table, make_evidence, role, application, told):
    failed = _said("DELETE FROM s.notes WHERE x = 1", role=role, application=application, severity="ERROR",
                   kind="error", message="no such column")  # fmt: skip
    evidence = make_evidence([make_table("notes", 16404, **THINNED)], reported=["notes"], log_events=[failed])
    evidence["incident"] = evidence["incident"].assign(app_role="o")
    items = set(analyse.investigate(evidence).cause_evidence["item"])
    assert ("failed_attempt_by_hand" in items) is told


@pytest.mark.parametrize(("role", "seen"), [("sync", False), ("o", True)])
def test_a_worker_under_a_role_of_its_own_is_not_the_program_that_writes_rows(make_table, make_evidence, role, seen):
    wrote = "INSERT INTO s.notes VALUES (1)"
    traffic = [_said(wrote, -5, application="web", role="o", pid=3)]
    traffic += [_said(wrote, -4, application="register-sync", role=role, pid=pid) for pid in (5, 6)]
    deed = _said("DELETE FROM s.notes WHERE id > 42", application="register-sync", role=role)
    evidence = make_evidence([make_table("notes", 16404, **THINNED)], reported=["notes"], log_events=[*traffic, deed])
    evidence["incident"] = evidence["incident"].assign(app_role="o")
    found = analyse.investigate(evidence)
    items = found.cause_evidence[found.cause_evidence["cause"] == "application"].set_index("item")["decibans"]
    assert bool(items.get("statement_by_program", 0) > 0) is seen


@pytest.mark.parametrize(("statement", "told"), [("TRUNCATE s.notes", True), ("TRUNCATE s.users", False)])
def test_who_tried_the_same_in_vain_is_somebody_to_ask(make_table, make_evidence, statement, told):
    failed = _said(statement, role="ada", application="psql", severity="ERROR", subject="permission_denied",
                   kind="error", message="permission denied for table notes")  # fmt: skip
    evidence = _emptied(make_table, make_evidence, [failed]).evidence
    assert evidence["says"].str.contains("tried in vain at 09:00:00.000000 UTC by ada / psql").any() == told


@pytest.mark.parametrize(
    ("condition", "unique", "by_hand"),
    [
        ("id = 12 AND owner = 0", (), False),
        ("id IN (12, 13)", (), True),
        ("owner = 12", (), True),
        ("owner = 12 AND nr = 1", ("owner", "nr"), False),
    ],
)
def test_who_deleted_the_one_row_of_a_key_did_not_delete_a_hundred(
    make_table, make_evidence, condition, unique, by_hand
):
    hand = _said(_DELETE.format(condition), -2, role="ada", application="psql", pid=8)
    deed = _said("DELETE FROM s.notes WHERE begins > now()", role="o", application=None)
    keys = [{"oid": 1, "name": "notes_pkey", "kind": "primary_key", "table_oid": 16404, "columns": ("id",)}]
    keys += [{"oid": 2, "name": "notes_key", "kind": "unique", "table_oid": 16404, "columns": unique}] if unique else []
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    evidence = make_evidence(tables, reported=["notes"], log_events=[hand, deed], constraints=keys)
    evidence["incident"] = evidence["incident"].assign(app_role="o")
    items = analyse.investigate(evidence).cause_evidence.set_index("item")
    assert ("statement_by_shell" in items.index) is by_hand
    assert ("statement_by_nameless" in items.index) is not by_hand


def test_one_row_a_call_is_many_rows_in_as_many_calls(make_table, make_evidence):
    loop = [_said(_DELETE.format(f"id = {number}"), role="ada", application="psql") for number in range(60)]
    keys = [{"oid": 1, "name": "notes_pkey", "kind": "primary_key", "table_oid": 16404, "columns": ("id",)}]
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], log_events=loop, constraints=keys))
    assert _ranked(found).index[0] == "manual_session"


@pytest.mark.parametrize(
    ("noted", "path", "items"),
    [
        ("schemaversions", "Db/Scripts/0006_Cancelled.sql", {"statement_in_migration"}),
        ("schemaversions", "Db/Scripts/cancelled.sql", {"code_of_script"}),
        ("versions", "Db/Scripts/0006_Cancelled.sql", {"code_of_script", "without_migrations"}),
        ("schemaversions", "Db/Scripts/0007_Others.sql", {"without_migrations"}),  # which leaves these rows alone
    ],
)
def test_numbered_scripts_are_migrations_where_a_tool_notes_what_it_ran(make_table, make_evidence, noted, path, items):
    of = "users" if "Others" in path else "notes"
    code = {"path": path, "line": 1, "vehicle": "script", "kind": "sql", "operation": "delete", "object": f"s.{of}",
            "loses": "rows", "bounded": True, "text": "DELETE FROM t WHERE done"}  # fmt: skip
    tables = [make_table("notes", 16404, **THINNED), make_table("users", 16500), make_table(noted, 16600)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=[code]))
    says = found.cause_evidence["evidence"].map(found.evidence.set_index("id")["says"])
    told = found.cause_evidence[~says.str.contains("none would do it")]
    wanted = {"statement_in_migration", "code_of_script", "without_migrations"}
    assert wanted & set(told["item"]) == items


@pytest.mark.parametrize(
    ("text", "harmless"), [("npx mikro-orm schema:fresh --run", False), ("psql -f reset.sql", True)]
)
def test_a_tool_that_drops_by_itself_is_not_cleared_by_its_migrations(make_table, make_evidence, text, harmless):
    code = {"path": "docker/entrypoint.sh", "line": 4, "vehicle": "script", "kind": "tool", "operation": "drop_table",
            "object": None, "loses": "rows", "text": text}  # fmt: skip
    found = analyse.investigate(
        make_evidence(
            [make_table("users", 16500)], reported=["s.flag"], code_hits=[code],
            migrations=[{"path": "m/1.sql", "revision": "1", "tool": "flyway"}],
            questions=[{"source": "migrations", "status": "answered"}],
        )
    )  # fmt: skip
    items = set(found.cause_evidence["item"])
    assert ("code_of_migrator" in items, "migrations_harmless" in items) == (not harmless, harmless)


PUT_BACK = {"path": "units/drill.service", "line": 4, "vehicle": "scheduled_job", "kind": "tool", "how": "pattern",
            "operation": "drop_table", "object": None, "loses": "rows", "schedule": "*-*-28 05:00"}  # fmt: skip


@pytest.mark.parametrize(("only", "item"), [("", True), ("-n s ", True), ("--schema=other ", False)])
def test_a_job_that_puts_a_dump_back_is_the_doer_of_a_restore(make_table, make_evidence, only, item):
    """pg_restore documentation: -n names the only schemas that are put back; what starts it is told beside it."""
    line = PUT_BACK | {"text": f"pg_restore --clean --if-exists {only}-d d last.dump"}
    found = analyse.investigate(make_evidence([make_table("users", 16500)], reported=["notes"], code_hits=[line]))
    moved = found.cause_evidence.drop_duplicates(["item", "cause"]).set_index(["item", "cause"])["decibans"]
    assert (("code_of_restore", "restore") in moved.index) is item
    # The scheduler is no rival of what it starts.
    assert ("code_of_scheduled_job", "scheduled_job") in moved.index
    assert moved["code_of_scheduled_job", "scheduled_job"] < 0
    assert not item or moved["code_of_restore", "restore"] > 5


@pytest.mark.parametrize(("parent", "reaches"), [("users", False), ("notes", True), ("{…}", True)])
def test_a_job_that_takes_partitions_off_another_table_is_none_of_this_one(make_table, make_evidence, parent, reaches):
    job = {"path": "opt/turn.py", "vehicle": "scheduled_job", "kind": "sql", "object": "{…}", "how": "parsed"}
    hits = [
        job | {"line": 1, "operation": "detach_partition", "loses": "visibility",
               "text": f"ALTER TABLE s.{parent} DETACH PARTITION {{…}}"},
        job | {"line": 2, "operation": "drop_table", "loses": "rows", "text": "DROP TABLE {…}"},
    ]  # fmt: skip
    found = analyse.investigate(
        make_evidence([make_table("users", 16500)], reported=["notes"], code_hits=hits, migration_operations=[])
    )
    told = found.cause_evidence.drop_duplicates(["item", "cause"]).set_index(["item", "cause"])["decibans"]
    assert bool(told["code_of_scheduled_job", "scheduled_job"] > 0) is reaches


@pytest.mark.parametrize(("empty", "seen"), [(("lines", "files"), False), ((), True)])
def test_rows_that_are_put_into_one_of_many_emptied_tables_are_no_restore(make_table, make_evidence, empty, seen):
    """What puts an older state back puts it back into all that went: a hand that reloads one table leaves the rest."""
    facts = {**EMPTIED, "rows": 12, "live": 12, "heap": 8192, "insv": 12, "inserts": 155}
    gone = {**EMPTIED, "filenode": 24610}
    tables = [make_table("notes", 16404, **facts), make_table("users", 16500)]
    tables += [make_table(name, 16600 + n, **{**gone, "filenode": 24610 + n}) for n, name in enumerate(empty)]
    keys = [(name, "notes", "no_action") for name in empty]
    deed = _said("TRUNCATE s.notes CASCADE", role="ada", application="psql")
    load = _said("COPY s.notes FROM STDIN", 1, role="ada", application="psql", line=8)
    found = analyse.investigate(make_evidence(tables, keys, reported=["notes"], log_events=[deed, load]))
    moved = found.cause_evidence.set_index(["item", "cause"])["decibans"]
    assert bool(moved["loaded_by_copy", "restore"] > 0) is seen
    assert seen or _ranked(found).index[0] == "manual_session"


def test_no_cause_that_nothing_speaks_for_is_likelier_than_unknown(make_table, make_evidence):
    """A test that would do it is in the repository; what is left for a hand is owed to its prior alone."""
    line = {"path": "e2e/teardown.ts", "line": 5, "vehicle": "test_run", "kind": "orm", "operation": "delete",
            "object": None, "loses": "rows", "text": "await admin.from(table).delete()", "how": "pattern"}  # fmt: skip
    gone = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 286}
    tables = [make_table("notes", 16404, **gone), make_table("users", 16500)]
    found = analyse.investigate(make_evidence(tables, reported=["notes"], code_hits=[line]))
    ranked = _ranked(found)
    moved = found.cause_evidence.set_index("item")
    pointing = moved[(moved["decibans"] >= 1) & ~moved.index.isin(["mechanism", "doer_named", "unspoken"])]
    silent = set(ranked.index) - set(pointing["cause"]) - {"unknown", "not_lost"}
    assert "manual_session" in silent
    assert ranked["unknown"] >= ranked[sorted(silent)].max()
    first = found.causes.iloc[0]
    assert first["for"], first["cause"]
    assert abs(ranked.sum() - 1) < 1e-4


def test_no_evidence_row_speaks_both_for_a_cause_and_against_it(make_table, make_evidence):
    """One session is read in several ways: that of psql is no job's and no restore tool's, and still one row."""
    deed = _said("TRUNCATE s.notes", role="ada", application="psql")
    traffic = _said("INSERT INTO s.notes VALUES (1)", role="o", application="shop-web", pid=9)
    found = _emptied(make_table, make_evidence, [traffic, deed])
    for row in found.causes.to_dict("records"):
        assert not set(row["for"]) & set(row["against"]), row["cause"]
        assert len(row["for"]) == len(set(row["for"]))
    assert found.causes.iloc[0]["for"]
