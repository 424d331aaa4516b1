"""A loss that was repeated is dated by the transaction that took the rows; the server itself says which that was."""

from datetime import datetime
from pathlib import Path

import majors
import pandas as pd
import pytest
from counters import counted

from triage_kit import case as cases
from triage_kit.analyse import investigate
from triage_kit.analyse.investigation import Investigation
from triage_kit.collect import collect
from triage_kit.lab.server import Server
from triage_kit.opened import open_case

LOADED = (
    "CREATE TABLE beds (id int PRIMARY KEY, label text)",
    "CREATE TABLE sown (id int PRIMARY KEY, bed int NOT NULL REFERENCES beds, crop text)",
    "INSERT INTO beds SELECT g, 'bed ' || g FROM generate_series(1, 120) g",
    "INSERT INTO sown SELECT g, 1 + g % 120, 'crop ' || g FROM generate_series(1, 700) g",
    "CHECKPOINT",
)
AGAIN = "INSERT INTO sown SELECT g, 1, 'again' FROM generate_series(1, {}) g"
ANEW = ("DROP TABLE sown", "CREATE TABLE sown (id int PRIMARY KEY, bed int, crop text)")
TRUE = "->"  # stands before the statement that took the rows
REPEATED = {
    "truncated twice, with a few rows in between": (
        "truncate", f"{TRUE} TRUNCATE beds CASCADE", "INSERT INTO beds VALUES (1, 'test')", "TRUNCATE beds CASCADE"),
    "rewritten before, between and after": (
        "truncate", "VACUUM FULL sown", f"{TRUE} TRUNCATE sown", "VACUUM FULL sown", "TRUNCATE sown",
        "ALTER TABLE sown ALTER id TYPE bigint"),
    "reloaded every night but the last": (
        "truncate", "TRUNCATE sown", AGAIN.format(702), "TRUNCATE sown", AGAIN.format(705), f"{TRUE} TRUNCATE sown"),
    "deleted, then truncated": ("delete", "-> DELETE FROM sown", "TRUNCATE sown"),
    "dropped, made anew, truncated": ("recreate", f"{TRUE} {ANEW[0]}", ANEW[1], AGAIN.format(3), "TRUNCATE sown"),
    "truncated, then dropped and made anew": ("recreate", f"{TRUE} TRUNCATE sown", *ANEW),
    "an older state put back twice": (
        "restore", "ANALYZE sown", f"{TRUE} {ANEW[0]}", ANEW[1], AGAIN.format(640), *ANEW, AGAIN.format(640)),
}  # fmt: skip


def done(server: Server, database: str, statements: tuple[str, ...]) -> dict[str, object]:
    """Run each in a transaction of its own; gives id, and the server's clock on both sides, of the true one."""
    told: dict[str, object] = {}
    with counted(server, database) as connection:
        for each in statements:
            if not each.startswith(TRUE):
                connection.execute(each)
                continue
            clock = "SELECT clock_timestamp()"
            told["after"] = connection.execute(clock).fetchone()[0]
            with connection.transaction():
                connection.execute(each.removeprefix(TRUE))
                told["xid"] = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()[0]
            told["before"] = connection.execute(clock).fetchone()[0]
    return told


def looked_at(server: Server, database: str, folder: Path, *reported: str) -> Investigation:
    keys = {"database": {"url": server.url(database)}, "reported": list(reported), "counting": "exact"}
    bundle = collect(cases.build(keys, folder / "case.yaml")).bundle
    return investigate(open_case(bundle.folder.parent).evidence)


@pytest.mark.parametrize("how", REPEATED)
def test_the_transaction_that_took_the_rows_dates_the_loss(server, database, tmp_path, how) -> None:
    mechanism, *statements = REPEATED[how]
    with server.connect(database) as connection:
        for each in LOADED:
            connection.execute(each)
    true = done(server, database, tuple(statements))
    found = looked_at(server, database, tmp_path, "sown")
    [sown] = found.findings[found.findings["table"] == "sown"].to_dict("records")
    assert sown["mechanism"] == mechanism or how.startswith("an older state")  # whose few rows say less than a dump
    assert sown["lost_from"] == sown["lost_to"]
    assert true["after"] <= sown["lost_to"].to_pydatetime() <= true["before"]
    [group] = found.groups[found.groups["group"] == sown["group"]].to_dict("records")
    if mechanism in ("truncate", "delete"):  # DROP is no group's transaction: its tables may go in several
        assert group["xid"] == true["xid"]
    targets = {row["target_xid"] for row in found.recovery.to_dict("records") if pd.notna(row["target_xid"])}
    assert targets == {true["xid"]}


def test_the_repetition_is_told_and_takes_nothing_for_itself(server, database, tmp_path) -> None:
    with server.connect(database) as connection:
        for each in LOADED:
            connection.execute(each)
    true = done(server, database, (f"{TRUE} TRUNCATE beds CASCADE", "INSERT INTO beds VALUES (1, 'test')"))
    again = done(server, database, (f"{TRUE} TRUNCATE beds CASCADE",))
    found = looked_at(server, database, tmp_path, "sown", "beds")
    assert found.findings.set_index("table")["missing_rows"].to_dict() == {"beds": 120, "sown": 700}
    [group] = found.groups.to_dict("records")
    assert group["xid"] == true["xid"]
    assert f"(transaction {again['xid']}) on 2 tables, which held at most 1 rows by then" in group["repeated"]
    at = datetime.fromisoformat(group["repeated"].partition("repeated at ")[2].partition(" UTC")[0] + "+00:00")
    assert again["after"].replace(microsecond=0) <= at <= again["before"]


def test_a_second_statement_over_other_roots_claims_no_rows_of_the_first(server, database, tmp_path) -> None:
    with server.connect(database) as connection:
        for each in LOADED:
            connection.execute(each)
        connection.execute("CREATE TABLE tools (id int PRIMARY KEY)")
        connection.execute("ALTER TABLE sown ADD COLUMN tool int REFERENCES tools")
        connection.execute("INSERT INTO tools SELECT generate_series(1, 30)")
    first = done(server, database, (f"{TRUE} TRUNCATE beds CASCADE",))
    second = done(server, database, (f"{TRUE} TRUNCATE tools CASCADE",))
    found = looked_at(server, database, tmp_path, "sown", "tools")
    xids = found.groups.set_index("xid")["tables"].to_dict()
    assert xids == {first["xid"]: ("public.beds", "public.sown"), second["xid"]: ("public.tools",)}
    told = found.explaining_statements.set_index("xid")
    assert told["extra"].to_dict() == {first["xid"]: 0, second["xid"]: 0}
    assert found.findings.set_index("table")["xid"].to_dict() == {
        "beds": first["xid"], "sown": first["xid"], "tools": second["xid"]
    }  # fmt: skip


@pytest.mark.parametrize("major", sorted(majors.found()) or [None])
def test_where_the_wal_is_not_read_the_log_tells_the_first_of_two(tmp_path, major) -> None:
    if major is None:
        pytest.skip("no PostgreSQL was found")
    settings = {"log_statement": "mod", "track_commit_timestamp": True, "autovacuum": False}
    with Server(settings, binaries=majors.found()[major]) as server:
        with server.connect("postgres") as connection:
            connection.execute("CREATE DATABASE farm")
            connection.execute("CREATE ROLE looker LOGIN IN ROLE pg_monitor")
        with server.connect("farm") as connection:
            for each in (*LOADED, "CREATE TABLE rates (id int)", "INSERT INTO rates SELECT generate_series(1, 90)"):
                connection.execute(each)
        few = ("INSERT INTO beds VALUES (1, 'test'), (2, 'test')", "TRUNCATE beds CASCADE")
        true = done(server, "farm", (f"{TRUE} TRUNCATE beds CASCADE", *few))
        nightly = ("TRUNCATE rates", "INSERT INTO rates SELECT generate_series(1, 95)", f"{TRUE} TRUNCATE rates")
        last = done(server, "farm", nightly)
        keys = {
            "database": {"url": server.url("farm", "looker")},
            "reported": ["sown", "rates"],
            "logs": [str(server.log_directory / "*")],
        }
        bundle = collect(cases.build(keys, tmp_path / "case.yaml")).bundle
        found = investigate(open_case(bundle.folder.parent).evidence)
    assert found.gaps["source"].tolist().count("wal") == 1
    told = found.findings.set_index("table")
    for name, by in (("beds", true), ("sown", true), ("rates", last)):
        # A line of the log is cut to milliseconds, and its statement ends before the commit.
        after = pd.Timestamp(by["after"]).floor("ms")
        assert after <= told.loc[name, "lost_from"] <= told.loc[name, "lost_to"] <= by["before"], name
    groups = found.groups.set_index("tables")
    assert "(by the log) on 1 table" in groups.loc[[("public.beds", "public.sown")], "repeated"].iloc[0]
    assert pd.isna(groups.loc[[("public.rates",)], "repeated"].iloc[0])
