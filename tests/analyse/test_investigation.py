"""The whole analysis on evidence written by hand: groups, statements, causes, words on the terminal."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from triage_kit import analyse, schemas

GONE = {"rows": 0, "live": 0, "insv": 0, "filenode": 24600, "heap": 0, "pkey": 8192, "xmin": 742, "tuples": -1.0}
AT = pd.Timestamp("2025-10-07T20:27:38Z")
KEYS = [("items", "orders", "cascade"), ("notes", "orders", "no_action")]


def log(statement, severity="ERROR", outcome=None, **more):
    return {
        "file": "postgresql.log", "line": 7, "at": AT, "severity": severity, "statement": statement, "message": "m",
        "kind": "statement" if severity == "LOG" else "error", "outcome": outcome, **more,
    }  # fmt: skip


@pytest.fixture
def shop(make_table):
    return lambda **facts: [
        make_table(name, 16400 + 10 * n, **facts) for n, name in enumerate(("orders", "items", "notes"))
    ]


def found_in(make_evidence, tables, make_table, **more):
    return analyse.investigate(make_evidence([*tables, make_table("users", 17000)], keys=KEYS, **more))


def test_one_truncate_cascade_explains_three_tables_and_names_its_root(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(**GONE), make_table)
    story = found.explaining_statements.iloc[0]
    assert story["text"] == "TRUNCATE s.orders CASCADE"
    assert (story["roots"], story["explained"], story["of"], story["extra"], story["observed"]) == (
        ("s.orders",),
        3,
        3,
        0,
        False,
    )
    via = found.findings.set_index("table")["via"]
    assert (via["items"], via["notes"]) == ("s.orders", "s.orders")
    assert pd.isna(via["orders"])
    assert set(found.findings.loc[found.findings["table"] != "users", "xid"]) == {742}


def test_a_failed_statement_stands_there_as_failed_and_removed_nothing(shop, make_table, make_evidence):
    broken = "DELETE FROM s.orders WHERE status \\!= 'completed';"
    found = found_in(make_evidence, shop(**GONE), make_table, log_events=[log(broken)])
    seen = found.statements.iloc[0]
    assert (seen["text"], seen["outcome"], seen["tables"]) == (broken, "failed", ("s.orders",))
    assert seen["removed"].startswith("nothing")
    assert set(found.findings.loc[found.findings["table"] != "users", "mechanism"]) == {"truncate"}


def test_a_failed_delete_does_not_make_an_untouched_table_damaged(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(), make_table, log_events=[log("DELETE FROM s.orders")])
    assert set(found.findings["status"]) == {"intact"}
    assert found.causes.iloc[0]["cause"] == "not_lost"


def test_a_logged_truncate_is_the_statement_and_names_its_session(shop, make_table, make_evidence):
    logged = log("TRUNCATE s.orders CASCADE", "LOG", "committed", role="maria", application="psql")
    found = found_in(make_evidence, shop(**GONE), make_table, log_events=[logged])
    assert bool(found.explaining_statements.iloc[0]["observed"])
    assert found.causes.iloc[0]["cause"] == "manual_session"
    group = found.groups.iloc[0]
    # A line that is stamped with whole seconds was written at some moment of its second.
    end = AT + pd.Timedelta(seconds=1)
    assert (group["lost_from"], group["lost_to"], group["dated_by"]) == (AT, end, "statement in the log")


@pytest.mark.parametrize(
    ("stamp", "more", "start", "end"),
    [
        ("20:27:38.417", {}, "20:27:38.417", "20:27:38.417"),
        ("20:27:38.417", {"duration_ms": 1500.0}, "20:27:38.417", "20:27:39.917"),
        ("20:27:38.417", {"duration_ms": 1500.0, "kind": "duration"}, "20:27:36.917", "20:27:38.417"),
        ("20:27:38", {"duration_ms": 1500.0, "kind": "duration"}, "20:27:36.500", "20:27:39"),
    ],
)
def test_a_statement_in_the_log_is_dated_for_as_long_as_it_ran(
    shop, make_table, make_evidence, stamp, more, start, end
):
    logged = {
        **log("TRUNCATE s.orders CASCADE", "LOG", "committed"),
        "at": pd.Timestamp(f"2025-10-07T{stamp}Z"),
        **more,
    }
    group = found_in(make_evidence, shop(**GONE), make_table, log_events=[logged]).groups.iloc[0]
    assert (group["lost_from"], group["lost_to"]) == tuple(pd.Timestamp(f"2025-10-07T{each}Z") for each in (start, end))


def test_silence_in_a_log_that_shows_no_statements_is_no_evidence(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(**GONE), make_table)
    assert "statement" not in set(found.mechanism_evidence["signal"])


def test_a_migration_that_drops_a_type_is_listed_as_costing_no_rows(shop, make_table, make_evidence):
    operation = {
        "path": "versions/086.py", "line": 106, "revision": "086", "direction": "up", "operation": "drop_type",
        "object": "s.status", "cascade": True, "text": "DROP TYPE IF EXISTS s.status CASCADE", "how": "parsed",
    }  # fmt: skip
    found = found_in(make_evidence, shop(**GONE), make_table, migration_operations=[operation])
    line = found.review.iloc[0]
    assert (line["path"], line["line"]) == ("versions/086.py", 106)
    assert "at most" in line["why"]
    assert "no rows" in line["why"]


def test_a_table_that_a_logged_drop_took_is_missing(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(), make_table, log_events=[log("DROP TABLE s.audit", "LOG", "committed")])
    row = found.findings.set_index("table").loc["audit"]
    assert (row["status"], row["mechanism"]) == ("missing", "drop")


@pytest.mark.parametrize(("creator", "missing"), [({"pid": 7}, False), ({"pid": 8, "role": "migrator"}, True)])
def test_a_staging_table_that_comes_and_goes_by_one_hand_is_no_loss(shop, make_table, make_evidence, creator, missing):
    events = [
        log("CREATE TABLE s.staging (id int)", "LOG", "committed", **creator),
        log("DROP TABLE s.staging", "LOG", "committed", line=8, pid=7, role="loader", application="etl"),
    ]
    found = found_in(make_evidence, shop(), make_table, log_events=events)
    assert ("staging" in set(found.findings["table"])) is missing


def test_reported_tables_of_another_database_are_undecided(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(), make_table, reported=["ledger.elsewhere"])
    assert found.findings.set_index("table").loc["elsewhere", "status"] == "undecided"


def test_a_reported_table_of_a_schema_that_stands_here_is_missing(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(), make_table, reported=["s.elsewhere"])
    assert found.findings.set_index("table").loc["elsewhere", ["status", "mechanism"]].tolist() == ["missing", "drop"]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (("s",), {"lost": "undecided"}),
        (("s", "other"), {"lost": "missing", "elsewhere": "missing"}),
    ],
)
def test_a_table_of_a_schema_that_was_not_looked_at_is_not_called_missing(
    shop, make_table, make_evidence, scope, expected
):
    # The log of the whole database names one, people the other; which schemas were asked for decides.
    given = make_evidence(
        [*shop(), make_table("there", 18000, schema="other")] if "other" in scope else shop(),
        keys=KEYS,
        reported=["other.lost"],
        namespaces=[{"oid": 2, "name": "other", "usable": True}],
        log_events=[log("DROP TABLE other.elsewhere", severity="LOG", outcome="committed")],
    )
    given["collection"] = schemas.frame("collection", [{"collected_at": AT, "schemas": scope}])
    found = analyse.investigate(given).findings
    told = found[(found["schema"] == "other") & (found["table"] != "there")].set_index("table")["status"].to_dict()
    assert told == expected


def test_the_newest_migration_of_each_tool_is_named(shop, make_table, make_evidence):
    lines = [("flyway", "1", "2025-01-01"), ("flyway", "2", "2025-01-02"), ("alembic", "087_b", None)]
    versions = [
        {
            "tool": tool,
            "schema": "s",
            "table": tool,
            "version": version,
            "applied_at": day and pd.Timestamp(day, tz="UTC"),
        }
        for tool, version, day in lines
    ]
    found = found_in(make_evidence, shop(), make_table, version_tables=versions)
    assert found.server["migrations"] == ["087_b", "2"]
    assert found.server["tables_bytes"] == 4 * 16384  # two pages of heap each


def test_probabilities_sum_to_one_and_unknown_is_always_among_them(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(**GONE), make_table)
    sums = found.mechanism_probabilities.groupby(["schema", "table"])["probability"].sum()
    assert ((sums - 1).abs() < 1e-4).all()
    assert abs(found.causes.groupby("group")["probability"].sum() - 1).max() < 1e-4
    assert (found.causes["cause"] == "unknown").sum() == 1


def test_every_evidence_id_that_is_cited_exists(shop, make_table, make_evidence):
    found = found_in(make_evidence, shop(**GONE), make_table, log_events=[log("DELETE FROM s.orders WHERE (")])
    known = set(found.evidence["id"])
    cited = {each for row in found.findings["because"] for each in row}
    cited |= {each for column in ("for", "against") for row in found.causes[column] for each in row}
    cited |= set(found.mechanism_evidence["evidence"]) | set(found.explaining_statements["evidence"])
    assert cited
    assert cited <= known


def test_the_verdict_says_what_how_sure_and_what_to_stop(shop, make_table, make_evidence):
    lines = analyse.verdict(found_in(make_evidence, shop(**GONE), make_table))
    assert lines[0] == "3 of 4 tables are damaged (3 wiped), 429 rows missing"
    assert any("TRUNCATE s.orders CASCADE; explains 3 of 3, 0 extra" in line for line in lines)
    assert sum(line.startswith("stop now: ") for line in lines) == 4
    assert len(lines) <= 12


def test_the_same_frames_give_the_same_findings(shop, make_table, make_evidence):
    told = [json.dumps(analyse.findings_dict(found_in(make_evidence, shop(**GONE), make_table))) for _ in range(2)]
    assert told[0] == told[1]
