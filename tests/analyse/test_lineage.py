"""What outlives a table that was made anew: its schema's row, the totals of the database, the habits of a statement."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse
from triage_kit.analyse.rewound import another_state

AT = pd.Timestamp("2025-10-08T09:12:00Z")
CRASH = pd.Timestamp("2025-10-08T09:00:00Z")
UNUSED = {"inserts": 0, "rows": 0, "live": 0, "insv": 0, "heap": 0, "pkey": 8192, "analyzes": 0, "tuples": -1.0,
          "sequence": None}  # fmt: skip
LOG = {"file": "a.log", "severity": "LOG", "kind": "statement", "role": "app", "application": "shop", "database": "d"}


def _found(evidence):
    return analyse.investigate(evidence)


def _chance(found, table, *mechanisms, schema="s"):
    told = found.mechanism_probabilities
    mine = told[(told["table"] == table) & (told["schema"] == schema) & told["mechanism"].isin(mechanisms)]
    return float(mine["probability"].sum())


def _row(found, table, schema="s"):
    return found.findings.set_index(["schema", "table"]).loc[(schema, table)]


def _ran(text, line=3, pid=7, **more):
    return {**LOG, "line": line, "pid": pid, "at": AT + pd.Timedelta(seconds=line), "statement": text,
            "outcome": "committed", **more}  # fmt: skip


def _anew(make_table, make_evidence, counted):
    """Two tables of a first migration, and later a run of five: two are missed and empty, one got a row since."""
    facts = {"created": 940, "xmin": 940, **UNUSED}
    tables = [
        make_table("versions", 16400, created=700, inserts=2, rows=2, live=2, insv=2),
        make_table("leftovers", 16410, created=701, **{**UNUSED}),
        *[make_table(name, 16900 + 10 * n, **{**facts, "created": 940 + n}) for n, name in enumerate("abcd")],
        make_table("jurors", 16990, created=944, xmin=944, inserts=1, rows=1, live=1, insv=1, heap=8192),
    ]
    evidence = make_evidence(tables, reported=["a", "b"])
    evidence["database_counters"]["inserted"] = counted
    return _found(evidence)


def test_rows_of_tables_that_are_gone_betray_a_schema_that_was_made_anew(make_table, make_evidence):
    gone = _anew(make_table, make_evidence, counted=40_000)
    assert set(gone.findings.set_index("table").loc[["a", "b"], "mechanism"]) == {"recreate"}
    assert _chance(gone, "c", "recreate") > 0.5
    assert _chance(gone, "leftovers", "recreate") < 0.5
    # A row that came since does not make the table an old one, and nothing surely so.
    assert _chance(gone, "jurors", "none") < 0.95


def test_a_database_that_accounts_for_every_row_lost_no_object(make_table, make_evidence):
    facts = {"created": 700, "xmin": 700}
    tables = [make_table(f"t{n}", 16400 + 10 * n, **facts) for n in range(6)]
    tables.append(make_table("never", 16470, **{**UNUSED, "created": 760, "xmin": 760}))

    def chance(inserted):
        evidence = make_evidence(tables, reported=["never"])
        evidence["database_counters"]["inserted"] = inserted
        return _chance(_found(evidence), "never", "recreate", "restore")

    assert chance(6 * 143 + 260) < chance(None) < chance(40_000)


@pytest.mark.parametrize("blinded", ["crash", "scope", "standby"])
def test_totals_that_do_not_go_together_say_nothing_of_objects_that_are_gone(make_table, make_evidence, blinded):
    more = {"crashed": CRASH} if blinded == "crash" else {"in_recovery": True} if blinded == "standby" else {}
    evidence = make_evidence([make_table("a", 16400), make_table("b", 16410)], reported=["a"], **more)
    evidence["database_counters"]["inserted"] = 40_000
    if blinded == "scope":
        other = pd.DataFrame([{"oid": 2, "name": "elsewhere", "usable": True}])
        evidence["namespaces"] = pd.concat([evidence["namespaces"], other], ignore_index=True)
    assert "gone_objects" not in set(_found(evidence).mechanism_evidence["signal"])


def _spaces(evidence, *told):
    evidence["namespaces"] = pd.DataFrame([dict(zip(("oid", "name", "xmin"), row, strict=True)) for row in told])
    evidence["namespaces"]["usable"] = True
    evidence["collection"]["schemas"] = [tuple(row[1] for row in told)]


def _two_schemas(make_table, make_evidence, *spaces, reported):
    older = [make_table(name, 16400 + 10 * n, schema="north_old", created=702, xmin=702)
             for n, name in enumerate(("rooms", "stays"))]  # fmt: skip
    rooms = make_table("rooms", 16910, schema="north", created=931, xmin=931)
    stays = make_table("stays", 16920, schema="north", created=931, xmin=931, **UNUSED)
    evidence = make_evidence([*older, rooms, stays], reported=[])
    evidence["reported"] = pd.DataFrame([{"schema": "north", "table": reported}])
    _spaces(evidence, *spaces)
    return _found(evidence)


def test_a_schema_that_took_the_place_of_one_that_was_renamed(make_table, make_evidence):
    spaces = ((16390, "north_old", 930), (16900, "north", 930))
    found = _two_schemas(make_table, make_evidence, *spaces, reported="stays")
    assert _row(found, "stays", "north")["mechanism"] == "recreate"
    # All its rows were copied over, so that nothing of it is missing.
    assert _row(found, "rooms", "north")["status"] == "intact"
    assert _row(found, "rooms", "north_old")["mechanism"] == "none"


def test_a_grant_on_two_schemas_renames_neither(make_table, make_evidence):
    spaces = ((16390, "north_old", 980), (16900, "north", 980))  # GRANT writes both rows, the tables are older
    found = _two_schemas(make_table, make_evidence, *spaces, reported="stays")
    assert "swapped_schema" not in set(found.mechanism_evidence["outcome"])


def test_a_schema_that_is_older_than_those_whose_tables_are_older_than_its_own(make_table, make_evidence):
    def restored(own):
        north = [make_table(name, 16900 + 10 * n, schema="north", created=930, xmin=930)
                 for n, name in enumerate(("rooms", "stays"))]  # fmt: skip
        south = [make_table(name, 16500 + 10 * n, schema="south", created=705, xmin=705)
                 for n, name in enumerate(("rooms", "stays"))]  # fmt: skip
        evidence = make_evidence([*north, *south])
        evidence["reported"] = pd.DataFrame([{"schema": "north", "table": "stays"}])
        _spaces(evidence, (own, "north", 700), (16490, "south", 704))
        return _chance(_found(evidence), "stays", "restore", "recreate", schema="north")

    assert restored(16390) > 0.5 > restored(16890)


def test_a_change_of_type_gives_new_storage_and_writes_the_column_a_truncate_does_not(make_table, make_evidence):
    facts = {**UNUSED, "filenode": 24700, "xmin": 742, "columns": ("id", "until")}

    def truncated(written):
        evidence = make_evidence([make_table("seats", 16404, **facts), make_table("halls", 16410)], reported=["seats"])
        columns = evidence["columns"]
        columns.loc[(columns["table_oid"] == 16404) & (columns["name"] == "until"), "xmin"] = written
        return _chance(_found(evidence), "seats", "truncate")

    assert truncated(written=742) < 0.4 < 0.7 < truncated(written=700)


def test_an_unlogged_table_in_use_again_after_a_crash_was_emptied_by_it(make_table, make_evidence):
    lane = make_table("lane", 16404, persistence="unlogged", inserts=8, rows=8, live=8, insv=8, heap=8192, tuples=-1.0)
    kept = make_table("kept", 16410, persistence="permanent", inserts=8, rows=143, live=8, insv=8)
    found = _found(make_evidence([lane, kept], reported=["lane"], crashed=CRASH))
    assert (_row(found, "lane")["mechanism"], _row(found, "lane")["status"]) == ("unlogged_reset", "partial")
    assert _row(found, "kept")["mechanism"] == "none"


def test_a_standby_that_lacks_rows_is_no_table_made_anew(make_table, make_evidence):
    tables = [make_table("halls", 16400, heap=8192), *[make_table(name, 16410 + n, **UNUSED) for n, name in
              enumerate(("orders", "tickets"))]]  # fmt: skip
    found = _found(make_evidence(tables, reported=["orders", "tickets"], in_recovery=True))
    assert _row(found, "orders")["status"] == "undecided"
    assert _chance(found, "orders", "recreate", "restore") < 0.2


EMPTIED = {"filenode": 24700, "xmin": 742, "tuples": -1.0, "heap": 0, "pkey": 8192, "live": 0, "rows": 0, "insv": 0}


def test_a_statement_that_empties_what_people_miss_is_no_habit(make_table, make_evidence):
    tables = [make_table("plots", 16404, **EMPTIED), make_table("notes", 16410, **{**EMPTIED, "filenode": 24706}),
              make_table("kinds", 16420)]  # fmt: skip
    calls = [_ran("TRUNCATE s.plots, s.notes", line) for line in (1, 2, 3)]
    together = _found(make_evidence(tables, reported=["plots"], log_events=calls))
    assert set(together.findings.set_index("table").loc[["plots", "notes"], "status"]) == {"wiped"}
    alone = [_ran("TRUNCATE s.notes", line) for line in (1, 2, 3)]
    apart = _found(make_evidence(tables, reported=["plots"], log_events=alone))
    assert _row(apart, "notes")["status"] == "intact"


def test_rows_that_are_taken_in_batches_are_a_loss_where_people_miss_them(make_table, make_evidence):
    entry = {"query_id": "1", "database": "d", "role": "app", "calls": 6, "rows": 120,
             "text": "DELETE FROM s.tickets WHERE id = ANY ($1)"}  # fmt: skip
    facts = {"deletes": 120, "rows": 23, "live": 23, "dead": 120}
    queue = make_evidence([make_table("tickets", 16404, **facts)], statements=[entry])
    assert _row(_found(queue), "tickets")["status"] == "intact"
    missed = make_evidence([make_table("tickets", 16404, **facts)], statements=[entry], reported=["tickets"])
    assert _row(_found(missed), "tickets")["status"] == "partial"


def test_a_delete_on_a_partitioned_table_is_one_on_its_partitions(make_table, make_evidence):
    parent = make_table("posts", 16400, kind="partitioned")
    gone = make_table("posts_q4", 16401, parent="posts", deletes=143, rows=0, live=0, dead=143)
    thinned = make_table("posts_q3", 16402, parent="posts", deletes=90, rows=53, live=53, dead=90)
    text = "DELETE FROM s.posts WHERE day >= '2025-09-20'"
    log = [_ran(text, application="DBeaver 25.1 - Main", role="m.okafor")]
    found = _found(make_evidence([parent, gone, thinned], reported=["posts"], log_events=log))
    assert set(found.findings.set_index("table").loc[["posts_q3", "posts_q4"], "mechanism"]) == {"delete"}
    first = found.causes.sort_values("probability", ascending=False).groupby("group").first()
    assert set(first["cause"]) == {"manual_session"}


def test_a_program_that_writes_only_what_it_has_cleaned_is_no_program_of_every_day(make_table, make_evidence):
    def blamed(first):
        log = [_ran("INSERT INTO s.notes VALUES (1)", first, 8, application="w1"),
               _ran("DELETE FROM s.notes", 5, 9, application="w1")]  # fmt: skip
        tables = [make_table("notes", 16404, deletes=143, rows=0, live=0, dead=143), make_table("users", 16410)]
        found = _found(make_evidence(tables, reported=["notes"], log_events=log))
        return set(found.cause_evidence["item"])

    assert "statement_by_program" in blamed(first=1)
    assert "statement_by_program" not in blamed(first=8)


def test_who_spares_but_the_table_of_the_migration_tool_cleans_for_tests(make_table, make_evidence):
    def spared(name):
        gone = [make_table(each, 16404 + n, deletes=143, rows=0, live=0, dead=143)
                for n, each in enumerate(("notes", "users", "tags"))]  # fmt: skip
        found = _found(make_evidence([*gone, make_table(name, 16500)], reported=["notes"]))
        told = found.causes[found.causes["tables"].map(lambda tables: "s.notes" in tables)]
        return float(told.set_index("cause").loc["test_run", "probability"])

    assert spared("__EFMigrationsHistory") > 3 * spared("regions")


def test_tables_that_went_with_their_schema_are_told_though_nobody_names_them(make_table, make_evidence):
    log = [_ran("CREATE SCHEMA north", 1), _ran("CREATE TABLE north.rooms (no int)", 2),
           _ran("CREATE TABLE north.stays (no int)", 3), _ran("DROP SCHEMA north CASCADE", 9)]  # fmt: skip
    evidence = make_evidence([make_table("users", 16404)], log_events=log)
    evidence["reported"] = pd.DataFrame([{"schema": "north", "table": "stays"}])
    found = _found(evidence).findings
    assert set(found.loc[found["schema"] == "north", "status"]) == {"missing"}
    assert len(found[found["schema"] == "north"]) == 2


def test_one_reading_of_a_state_of_before_needs_no_zone_where_the_log_saw_the_shutdown(make_evidence):
    def said(message, subject, minutes):
        return {"file": "a.log", "line": minutes, "severity": "LOG", "kind": "other", "subject": subject,
                "at": AT + pd.Timedelta(minutes=minutes), "message": message}  # fmt: skip

    down = [said("shutting down", "shutdown", 1), said("database system is shut down", "shutdown", 2)]
    back = said("database system was shut down at 2025-10-01 03:10:20 CEST", "shutdown", 3)
    evidence = make_evidence([], log_events=[*down, back])
    says, source = another_state(evidence["log_events"], evidence["settings"])
    assert "another state" in says
    assert source == "a.log:3"
    ran = [said("database system is ready to accept connections", "ready", 1), back]
    unzoned = make_evidence([], log_events=ran)
    assert another_state(unzoned["log_events"], unzoned["settings"]) is None
    zoned = make_evidence([], log_events=ran)
    zone = pd.DataFrame([{"name": "log_timezone", "value": "Europe/Berlin"}])
    assert another_state(zoned["log_events"], zone) is not None


def test_what_one_run_made_late_shares_the_fate_of_a_table_that_was_surely_made_anew(make_table, make_evidence):
    def partner(created):
        tables = [
            make_table("users", 16400, rows=61, inserts=61, live=61, insv=61),
            make_table("empty", 24600, **{**UNUSED, "created": 940, "xmin": 940}),
            make_table("partner", 24610, created=created, xmin=created, inserts=2, rows=2, live=2, insv=2, heap=8192),
        ]
        evidence = make_evidence(tables, reported=["empty"])
        evidence["database_counters"]["inserted"] = 40_000
        return _chance(_found(evidence), "partner", "recreate", "restore")

    assert partner(created=941) > 0.3 > partner(created=990)
