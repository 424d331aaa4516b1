"""Incidents of schemas that no practice incident has, as frames: what was done is not always what it meant."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse.marks import hides, marks_deletion

AT = pd.Timestamp("2025-10-08T09:12:00Z")
REFILLED = {"filenode": 24700, "xmin": 742, "tuples": -1.0, "heap": 16384}
LOG = {"file": "a.log", "severity": "LOG"}


def counted(text, calls=1, rows=0):
    return {
        "query_id": str(abs(hash(text))),
        "database": "d",
        "role": "app",
        "text": text,
        "calls": calls,
        "rows": rows,
    }


def logged(text, line=3, **more):
    return {**LOG, "line": line, "at": AT, "kind": "statement", "statement": text, "outcome": "committed", **more}


def said(message, subject, at, line):
    return {**LOG, "line": line, "at": pd.Timestamp(at), "kind": "other", "subject": subject, "message": message}


@pytest.fixture
def judge(make_table, make_evidence):
    """Findings by table of a database with three more tables in use."""

    def of(*tables, change=None, **more):
        rest = [make_table(name, 16300 + n, rows=61 + n, inserts=61 + n, live=61 + n, insv=61 + n)
                for n, name in enumerate(("vessels", "berths", "pilots"))]  # fmt: skip
        evidence = make_evidence([*rest, *tables], **more)
        if change is not None:
            change(evidence)
        found = analyse.investigate(evidence)
        told = found.evidence.set_index("id")["says"]
        proof = [told[ids[0]] if ids else "" for ids in found.findings["because"]]
        return found.findings.assign(proof=proof).set_index("table")

    return of


def test_a_summary_that_is_emptied_and_rebuilt_at_once_holds_what_it_held(judge, make_table):
    totals = make_table("daily_totals", 16404, inserts=286, rows=143, live=143, insv=143, **REFILLED)
    row = judge(totals, reported=["daily_totals"]).loc["daily_totals"]
    assert (row["status"], row["mechanism"], row["missing_rows"]) == ("intact", "truncate", 0)
    assert row["status_probability"] < 0.95  # what came back may be something else: nobody compared it


def test_a_table_that_got_a_third_back_lost_the_rest(judge, make_table):
    cargo = make_table("cargo", 16404, inserts=190, rows=47, live=47, insv=47, **REFILLED)
    row = judge(cargo, reported=["cargo"]).loc["cargo"]
    assert (row["status"], row["mechanism"], row["missing_rows"]) == ("partial", "truncate", 143)


def test_a_full_refresh_by_delete_and_insert_leaves_its_table_whole(judge, make_table):
    feed = make_table("tide_table", 16404, inserts=1430, deletes=1287, rows=143, live=143, dead=143, insv=1430)
    entries = [counted("DELETE FROM s.tide_table", calls=9, rows=1287)]
    assert judge(feed, statements=entries).loc["tide_table", "status"] == "intact"


MOVE = (
    "WITH gone AS (DELETE FROM s.calls WHERE day < $1 RETURNING *) INSERT INTO s.calls_before_2024 SELECT * FROM gone"
)


def test_rows_that_one_statement_moves_stand_in_the_other_table(judge, make_table):
    calls = make_table("calls", 16404, inserts=900, deletes=600, rows=300, live=300, dead=600, insv=900)
    shelf = make_table("calls_before_2024", 16410, inserts=600, rows=600, live=600, insv=600)
    row = judge(calls, shelf, reported=["calls"], statements=[counted(MOVE, rows=600)]).loc["calls"]
    assert (row["status"], row["hidden_rows"], row["missing_rows"]) == ("hidden", 600, 0)


def test_nobody_lost_what_a_statement_moved(make_table, make_evidence):
    """The rows stand in another table: whoever moved them, the application does not look there."""
    calls = make_table("calls", 16404, inserts=900, deletes=600, rows=300, live=300, dead=600, insv=900)
    shelf = make_table("calls_before_2024", 16410, inserts=600, rows=600, live=600, insv=600)

    def likeliest(text):
        entries = [counted(text, rows=600)]
        return analyse.investigate(make_evidence([calls, shelf], reported=["calls"], statements=entries)).causes.iloc[0]

    assert likeliest(MOVE)["cause"] == "not_lost"
    assert likeliest(MOVE.replace("calls_before_2024", "calls_log"))["cause"] != "not_lost"


def test_a_second_delete_beside_the_move_is_a_loss_again(judge, make_table):
    calls = make_table("calls", 16404, inserts=900, deletes=900, rows=0, live=0, dead=900, insv=900)
    shelf = make_table("calls_before_2024", 16410, inserts=600, rows=600, live=600, insv=600)
    entries = [counted(MOVE, rows=600), counted("DELETE FROM s.calls", rows=300)]
    assert judge(calls, shelf, reported=["calls"], statements=entries).loc["calls", "status"] == "wiped"


def test_equal_numbers_in_an_archive_are_a_hint_and_no_proof(judge, make_table):
    calls = make_table("calls", 16404, inserts=900, deletes=617, rows=283, live=283, dead=617, insv=900)
    shelf = make_table("archived_calls", 16410, inserts=617, rows=617, live=617, insv=617)
    row = judge(calls, shelf, reported=["calls"]).loc["calls"]
    assert row["status"] in ("hidden", "undecided")
    assert row["status_probability"] < 0.9
    alone = judge(calls, reported=["calls"]).loc["calls"]
    assert (alone["status"], alone["mechanism"]) == ("partial", "delete")


@pytest.mark.parametrize(
    "column", ["удалено", "gelöscht_am", "estáBorrado", "supprimé", "削除フラグ", "ativo", "IsDeleted"]
)
def test_a_mark_in_any_language_hides_the_rows(judge, make_table, column):
    crew = make_table("crew", 16404, updates=143, dead=143, mod=143, columns=("id", "body", column))
    row = judge(crew, reported=["crew"]).loc["crew"]
    assert (row["status"], row["mechanism"]) == ("hidden", "update")


@pytest.mark.parametrize("column", ["activity", "state_code", "visibility_km", "removals_count", "dateline"])
def test_a_word_that_only_looks_like_a_mark_is_none(judge, make_table, column):
    assert not marks_deletion(column)
    crew = make_table("crew", 16404, updates=143, dead=143, mod=143, columns=("id", "body", column))
    assert judge(crew).loc["crew", "status"] == "intact"


def test_a_state_that_becomes_a_word_for_gone_is_a_soft_delete(judge, make_table):
    text = "UPDATE s.permits SET state = 'archiviert' WHERE year < 2025"
    assert hides(text)
    assert not hides("UPDATE s.permits SET note = 'call back' WHERE state = 'archived'")
    permits = make_table("permits", 16404, updates=130, dead=130, mod=130, columns=("id", "state"))
    row = judge(permits, reported=["permits"], log_events=[logged(text)]).loc["permits"]
    assert (row["status"], row["mechanism"]) == ("hidden", "update")


def test_a_policy_on_the_only_secured_table_that_people_miss_hides_it(judge, make_table):
    def secure(evidence):
        evidence["incident"]["app_role"] = "portal"

    log = make_table("pilotage", 16404, rls=True)
    policy = {"table_oid": 16404, "name": "by_port", "permissive": True, "command": "ALL", "roles": (),
              "using": "(port = current_setting('app.port'::text, true))"}  # fmt: skip
    row = judge(log, reported=["pilotage"], policies=[policy], change=secure).loc["pilotage"]
    assert (row["status"], row["mechanism"]) == ("hidden", "hidden")
    assert "by_port shows portal only rows with (port = current_setting('app.port'::text, true))" in row["proof"]


def _zone(evidence):
    known = pd.DataFrame([{"name": "log_timezone", "value": "Europe/Lisbon"}])
    evidence["settings"] = pd.concat([evidence["settings"], known], ignore_index=True)
    evidence["identity"]["lsn"] = "0/3000000"


BACK = [
    said("database system is ready to accept connections", "ready", "2025-10-08T08:00:00Z", 1),
    said("database system was shut down at 2025-10-06 03:00:00 WEST", "shutdown", "2025-10-08T09:00:00Z", 2),
]
AHEAD = [
    said("checkpoint starting: time", "checkpoint_starting", "2025-10-08T08:00:00Z", 1),
    said("checkpoint complete: wrote 3 buffers; lsn=0/5000028, redo lsn=0/5000000", "checkpoint_complete",
         "2025-10-08T08:00:03Z", 2),
]  # fmt: skip
CHOSEN = [
    said("starting point-in-time recovery to 2025-10-06 03:00:00+00", "restore_point", "2025-10-08T09:00:00Z", 1),
    said("recovery stopping before commit of transaction 812", "restore_point", "2025-10-08T09:00:09Z", 2),
]
UNUSED = {"inserts": 0, "rows": 0, "live": 0, "insv": 0, "heap": 0, "pkey": 8192, "analyzes": 0, "tuples": -1.0,
          "sequence": None}  # fmt: skip


@pytest.mark.parametrize("events", [BACK, AHEAD, CHOSEN], ids=["last up earlier", "checkpoint ahead", "chosen point"])
def test_an_older_state_that_was_put_back_is_no_untouched_table(judge, make_table, events):
    tables = [make_table("manifests", 16404, **UNUSED), make_table("tolls", 16410)]
    found = judge(*tables, reported=["manifests"], log_events=events, change=_zone)
    assert (found.loc["manifests", "status"], found.loc["manifests", "mechanism"]) == ("wiped", "restore")
    assert found.loc["tolls", "status"] in ("intact", "undecided")


def test_a_restart_of_the_same_state_is_no_older_one(judge, make_table):
    events = [
        said("database system is ready to accept connections", "ready", "2025-10-06T08:00:00Z", 1),
        said("database system was shut down at 2025-10-08 10:00:00 WEST", "shutdown", "2025-10-08T09:00:02Z", 2),
    ]
    found = judge(make_table("manifests", 16404), reported=["manifests"], log_events=events, change=_zone)
    assert found.loc["manifests", "mechanism"] != "restore"


def test_all_tables_of_a_data_directory_made_after_the_loss_are_of_it(judge, make_table, make_evidence):
    def younger(evidence):
        evidence["incident"]["window_start"] = evidence["identity"]["initdb_at"].iloc[0] - pd.Timedelta(days=2)

    tables = [make_table(name, 16404 + 6 * n, **UNUSED) for n, name in enumerate(("manifests", "tolls"))]
    found = judge(*tables, reported=["manifests"], change=younger)
    assert set(found.loc[["manifests", "tolls"], "mechanism"]) == {"new_cluster"}


def test_an_unlogged_table_without_a_trace_of_rows_is_not_called_whole_after_a_crash(judge, make_table):
    seen = make_table("dedupe", 16404, persistence="unlogged", **{**UNUSED, "columns": ("key", "body")})
    row = judge(seen, crashed=pd.Timestamp("2025-10-08T09:00:00Z")).loc["dedupe"]
    assert row["mechanism"] == "unlogged_reset"
    assert row["status"] in ("wiped", "undecided")


def test_children_of_a_few_deleted_parents_went_along_in_proportion(judge, make_table):
    owners = make_table("owners", 16404, inserts=20, deletes=4, rows=16, live=16, dead=4, insv=20)
    boats = make_table("boats", 16410, inserts=100, deletes=20, rows=80, live=80, dead=20, insv=100)
    events = [logged("DELETE FROM s.owners WHERE lapsed")]
    found = judge(owners, boats, keys=[("boats", "owners", "cascade")], reported=["boats"], log_events=events)
    assert (found.loc["boats", "status"], found.loc["boats", "mechanism"]) == ("partial", "cascade_delete")
    assert found.loc["owners", "mechanism"] == "delete"


def test_a_delete_that_was_rolled_back_does_not_clear_the_one_that_was_committed(judge, make_table):
    # 500 came, 430 deletes are counted, 80 of them were committed and lie there dead: the rest were undone.
    row = judge(
        make_table("tickets", 16404, inserts=500, deletes=430, rows=420, live=420, dead=80, insv=500),
        reported=["tickets"], log_events=[logged("DELETE FROM s.tickets WHERE paid")],
    ).loc["tickets"]  # fmt: skip
    assert (row["status"], row["mechanism"], row["missing_rows"]) == ("partial", "delete", 80)


def test_a_delete_of_all_that_was_rolled_back_leaves_the_table_whole(judge, make_table):
    row = judge(make_table("tickets", 16404, deletes=143), reported=["tickets"]).loc["tickets"]
    assert row["status"] == "intact"


def test_counters_of_one_table_that_were_reset_are_no_loss(judge, make_table):
    berths = make_table("moorings", 16404, inserts=0, rows=None, live=0, insv=0, analyzes=0, filenode=24700, xmin=742)
    row = judge(berths, reported=["moorings"]).loc["moorings"]
    assert (row["status"], row["mechanism"]) == ("intact", "counters_reset")


def test_a_schema_of_which_nothing_was_ever_used_was_made_anew_as_a_whole(judge, make_table):
    fresh = [make_table(name, 16900 + n, schema="harbour", created=900 + n, xmin=900 + n, **UNUSED)
             for n, name in enumerate(("docks", "cranes", "shifts"))]  # fmt: skip
    found = judge(*fresh, reported=["harbour.docks"])
    assert set(found.loc[["docks", "cranes", "shifts"], "mechanism"]) == {"recreate"}


def test_a_table_that_was_made_with_its_neighbours_and_never_used_lost_nothing(judge, make_table):
    row = judge(make_table("newsletters", 16404, created=701, xmin=741, **UNUSED), reported=["newsletters"])
    assert row.loc["newsletters", "status"] in ("intact", "undecided")


def test_a_delete_that_was_refused_in_the_log_took_nothing(judge, make_table):
    row = judge(make_table("tugs", 16404), reported=["tugs"], log_events=[logged("DELETE FROM s.tugs", outcome=None)])
    assert row.loc["tugs", "mechanism"] != "delete"


def test_a_table_that_its_own_hand_empties_and_fills_each_time_is_a_staging_table(judge, make_table):
    texts = ("TRUNCATE s.arrivals_in", "INSERT INTO s.arrivals_in SELECT 1")
    events = [logged(text, line=10 * run + n, pid=400 + run, session=str(run)) for run in (1, 2)
              for n, text in enumerate(texts)]  # fmt: skip
    load = make_table("arrivals_in", 16404, inserts=190, rows=47, live=47, insv=47, **REFILLED)
    assert judge(load, reported=["pilots"], log_events=events).loc["arrivals_in", "status"] == "intact"


def test_statements_that_pg_stat_statements_had_no_room_for_are_not_ruled_out(judge, make_table):
    def full(evidence):
        known = pd.DataFrame([{"name": "pg_stat_statements.max", "value": "100"}])
        evidence["settings"] = pd.concat([evidence["settings"], known], ignore_index=True)
        asked = {"source": "statements", "status": "answered"}
        evidence["questions"] = pd.concat([evidence["questions"], pd.DataFrame([asked])], ignore_index=True)

    entries = [counted(f"SELECT {number}") for number in range(97)]
    log = make_table("ledger", 16404, inserts=300, deletes=288, rows=12, live=12, dead=288, insv=300)
    row = judge(log, reported=["ledger"], statements=entries, change=full).loc["ledger"]
    assert (row["status"], row["mechanism"]) == ("partial", "delete")


def test_a_table_that_is_gone_from_the_application_s_own_database_is_missing(judge, make_table):
    def own(evidence):
        evidence["incident"]["app_role"] = "o"

    row = judge(reported=["guild_x"], change=own).loc["guild_x"]
    assert (row["status"], row["mechanism"]) == ("missing", "drop")
    assert row["status_probability"] < 0.95


def test_a_table_that_was_renamed_away_stands_under_another_name(judge, make_table):
    key = {"oid": 77001, "table_oid": 16404, "name": "charts_pkey", "primary": True, "unique": True, "valid": True}
    row = judge(make_table("charts_obsolete", 16404), reported=["charts"], indexes=[key]).loc["charts"]
    assert (row["status"], row["mechanism"], row["hidden_rows"]) == ("hidden", "hidden", 143)


@pytest.mark.parametrize(("role", "text", "status"), [
    ("portal", "SELECT * FROM charts", "hidden"), ("guest", "SELECT * FROM charts", None),
    ("portal", "DELETE FROM charts", None),
])  # fmt: skip
def test_a_table_that_the_application_is_refused_to_read_is_hidden(judge, make_table, role, text, status):
    def own(evidence):
        evidence["incident"]["app_role"] = "portal"

    event = {**logged(text), "severity": "ERROR", "outcome": "failed", "role": role,
             "message": "permission denied for table charts"}  # fmt: skip
    row = judge(make_table("charts", 16404), reported=["charts"], log_events=[event], change=own).loc["charts"]
    assert (row["status"] == "hidden") == (status is not None)
