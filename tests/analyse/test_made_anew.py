"""Objects that took another's place, statements that failed, tables that are filled again: what each leaves behind.

The numbers are those that real servers of 13 and 18 showed for the histories which the tests name.
"""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse.making import migration_ranks, out_of_order

NOTICED = pd.Timestamp("2025-10-08T10:37:29Z")
UNUSED = {"inserts": 0, "rows": 0, "live": 0, "insv": 0, "heap": 0, "pkey": 8192, "analyzes": 0, "tuples": -1.0,
          "sequence": None}  # fmt: skip


def _chances(evidence, table):
    told = analyse.investigate(evidence).mechanism_probabilities
    return told[told["table"] == table].set_index("mechanism")["probability"]


def _finding(evidence, table):
    return analyse.investigate(evidence).findings.set_index("table").loc[table]


def _in_new_cluster(make_table, make_evidence, databases):
    """A database whose tables were never used, in a data directory that was made in the window."""
    tables = [make_table(name, 16460 + 10 * n, created=783 + n, xmin=783 + n, **UNUSED) for n, name in enumerate("abc")]
    evidence = make_evidence(tables, reported=["a"], databases=databases)
    born = NOTICED - pd.Timedelta(hours=2)
    facts = {"initdb_at": born, "started_at": born, "database": "shop", "database_oid": 16451, "database_xmin": 782}
    evidence["identity"] = evidence["identity"].assign(**facts)
    return evidence


def test_a_database_that_took_the_name_of_another_needs_no_new_data_directory(make_table, make_evidence):
    databases = [{"oid": 16391, "name": "shop_before", "xmin": 781, "is_template": False},
                 {"oid": 16451, "name": "shop", "xmin": 782, "is_template": False}]  # fmt: skip
    renamed = _chances(_in_new_cluster(make_table, make_evidence, databases), "a")
    assert renamed["recreate"] > 0.5 > 0.1 > renamed["new_cluster"]
    alone = _chances(_in_new_cluster(make_table, make_evidence, databases[1:]), "a")
    assert alone["new_cluster"] > 0.5 > alone["recreate"]


def test_tables_of_a_database_that_took_anothers_place_are_young_alike(make_table, make_evidence):
    """That all are of one age says nothing against a restore where the whole database is younger than its name."""
    databases = [{"oid": 16391, "name": "shop_before", "xmin": 781, "is_template": False},
                 {"oid": 16451, "name": "shop", "xmin": 782, "is_template": False}]  # fmt: skip
    tables = [make_table("a", 16460, created=783, xmin=783), make_table("z", 16500, created=900, xmin=900)]
    for named, told in ((databases, set()), (databases[1:], {"contemporary"})):
        evidence = make_evidence(tables, reported=["a"], databases=named)
        facts = {"database": "shop", "database_oid": 16451, "database_xmin": 782}
        evidence["identity"] = evidence["identity"].assign(**facts)
        seen = analyse.investigate(evidence).mechanism_evidence
        assert set(seen.loc[(seen["signal"] == "object_age") & (seen["table"] == "a"), "outcome"]) == told


def test_a_database_whose_drop_was_seen_has_young_tables_alike(make_table, make_evidence):
    """The log dates the DROP, which pg_stat_statements counts as well; what came after it is in use or is not."""
    dropped = "DROP DATABASE shop"
    tables = [make_table("a", 16460, created=783, xmin=783, **UNUSED), make_table("z", 16500, created=784, xmin=784)]
    logged = {"file": "a.log", "line": 9, "at": NOTICED - pd.Timedelta(hours=1), "severity": "LOG", "role": "o",
              "database": "postgres", "kind": "statement", "statement": dropped, "outcome": "committed"}  # fmt: skip
    entry = {"database": "postgres", "role": "o", "query_id": 1, "text": dropped, "calls": 1, "rows": 0}
    evidence = make_evidence(tables, reported=["a"], log_events=[logged], statements=[entry])
    facts = {"database": "shop", "database_oid": 16451, "database_xmin": 782}
    evidence["identity"] = evidence["identity"].assign(**facts)
    seen = analyse.investigate(evidence).mechanism_evidence
    told = seen[seen["table"] == "a"].drop_duplicates("signal").set_index("signal")["outcome"]
    assert told["database"] == "replaced"
    assert "object_age" not in told
    assert _chances(evidence, "a")["recreate"] > 0.5


def test_databases_that_were_made_one_after_another_are_no_renaming(make_table, make_evidence):
    databases = [{"oid": 16450, "name": "billing", "xmin": 781, "is_template": False},
                 {"oid": 16451, "name": "shop", "xmin": 782, "is_template": False}]  # fmt: skip
    assert _chances(_in_new_cluster(make_table, make_evidence, databases), "a")["new_cluster"] > 0.5


def test_rows_of_tables_that_are_gone_speak_against_those_made_later(make_table, make_evidence):
    tables = [make_table("first", 16400), make_table("second", 16410)]
    tables += [make_table(name, 16500 + n, created=n, xmin=n) for name, n in (("late", 790), ("later", 791))]

    def anew(table, inserted):
        evidence = make_evidence(tables, reported=["late"])
        evidence["database_counters"]["inserted"] = inserted
        chances = _chances(evidence, table)
        return chances["recreate"] + chances["restore"]

    assert anew("late", 40_000) > 5 * anew("late", 4 * 143 + 150)
    assert anew("first", 40_000) < 0.05


@pytest.mark.parametrize(("inserted", "anew"), [(40_000, True), (2 * 143 + 280 + 170, False)])
def test_what_came_into_one_table_since_makes_none_of_its_run_old(make_table, make_evidence, inserted, anew):
    """An ORM that drops and makes everything at its start, and then works: only the rows that are gone remember."""
    mailed = {"inserts": 280, "deletes": 280, "rows": 0, "live": 0, "dead": 280, "insv": 280, "mod": 560}
    tables = [make_table("versions", 16400), make_table("staging", 16410)]
    tables += [
        make_table(name, 16500 + n, created=790 + n, xmin=790 + n, **UNUSED) for n, name in enumerate(("a", "b"))
    ]
    tables.append(make_table("mails", 16520, created=792, xmin=792, **mailed))
    evidence = make_evidence(tables, reported=["a"])
    evidence["database_counters"]["inserted"] = inserted
    found = analyse.investigate(evidence).findings.set_index("table")
    assert set(found.loc[["versions", "staging"], "status"]) == {"intact"}
    assert ((found.loc["b", "status"], found.loc["b", "mechanism"]) == ("wiped", "recreate")) is anew
    assert (found.loc["a", "mechanism"] == "recreate") is anew


CASCADED = {"inserts": 3001, "deletes": 100, "live": 2900, "rows": 2900, "dead": 101, "insv": 3001, "analyzes": 0,
            "mod": 3100, "heap": 139264}  # one INSERT of 3001 failed  # fmt: skip


def test_one_failed_insert_hides_no_deletes(make_table, make_evidence):
    tables = [
        make_table("farm", 16400, inserts=30, deletes=1, live=29, rows=29, dead=1),
        make_table("milk", 16410, **CASCADED),
    ]
    evidence = make_evidence(tables, keys=[("milk", "farm", "cascade")], reported=["farm", "milk"])
    found = _finding(evidence, "milk")
    assert (found["status"], found["mechanism"]) == ("partial", "cascade_delete")


def test_an_import_that_was_rolled_back_is_still_one(make_table, make_evidence):
    # FACTS §6 c: INSERT 103, DELETE 101, INSERT 40 rolled back.
    history = {
        "inserts": 143,
        "deletes": 101,
        "live": 2,
        "rows": 2,
        "dead": 141,
        "insv": 143,
        "analyzes": 0,
        "mod": 204,
    }
    evidence = make_evidence([make_table("flows", 16400, **history), make_table("b", 16410)], reported=["flows"])
    assert _finding(evidence, "flows")["mechanism"] == "rollback"


def test_a_failed_insert_into_a_table_made_anew_is_not_what_emptied_it(make_table, make_evidence):
    facts = {"created": 790, "xmin": 790, **UNUSED}
    tables = [make_table("first", 16400), *[make_table(f"t{n}", 16500 + 10 * n, **facts) for n in range(3)]]
    tables.append(make_table("studios", 16560, **{**facts, "inserts": 1, "insv": 1, "dead": 1, "heap": 8192}))
    evidence = make_evidence(tables, reported=["studios", "t0"])
    evidence["database_counters"]["inserted"] = 40_000
    chances = _chances(evidence, "studios")
    assert chances["recreate"] > 0.5 > chances["rollback"]


def _with_heirs(make_table, make_evidence, columns, key):
    """A parent of one heir by inheritance; the year before it stands without a parent, its columns as young as told."""
    tables = [make_table("shots", 16400, **UNUSED), make_table("shots_2026", 16420, created=702),
              make_table("shots_2025", 16410, created=columns)]  # fmt: skip
    evidence = make_evidence(tables, reported=["shots"], indexes=[
        {"oid": 16411, "table_oid": 16410, "name": "shots_2025_pkey", "primary": True, "xmin": key}])  # fmt: skip
    heir = evidence["relations"]["name"] == "shots_2026"
    evidence["relations"].loc[heir, "parent_oid"] = 16400
    return evidence


def test_an_heir_that_was_let_go_is_hidden_not_whole(make_table, make_evidence):
    # Measured: NO INHERIT writes every inherited column anew and leaves the row of the primary key.
    found = _finding(_with_heirs(make_table, make_evidence, columns=784, key=701), "shots_2025")
    assert (found["status"], found["mechanism"]) == ("hidden", "partition_drop")
    never = _chances(_with_heirs(make_table, make_evidence, columns=701, key=701), "shots_2025")
    assert never["partition_drop"] < found["probability"]


@pytest.mark.parametrize(("inserts", "status"), [(96, "intact"), (90, "partial")])
def test_a_table_filled_again_with_as_many_rows_each_time_lost_none(make_table, make_evidence, inserts, status):
    # Three times TRUNCATE and INSERT of 24 rows in one transaction, after a first load of 24; or 66 rows before.
    history = {"inserts": inserts, "live": 24, "rows": 24, "insv": 24, "filenode": 16467, "analyzes": 0, "mod": inserts,
               "heap": 8192, "pkey": 16384}  # fmt: skip
    evidence = make_evidence([make_table("price", 16449, **history), make_table("b", 16410)], reported=["price"])
    found = _finding(evidence, "price")
    assert (found["status"], found["mechanism"]) == (status, "truncate")


def test_a_reload_that_was_rolled_back_leaves_nothing(make_table, make_evidence):
    # TRUNCATE, then 900 rows in a subtransaction that failed: the file holds their dead rows, and nobody may count.
    history = {"inserts": 1800, "live": 0, "dead": 900, "rows": None, "insv": 900, "mod": 900, "analyzes": 0,
               "filenode": 16464, "heap": 40960}  # fmt: skip
    evidence = make_evidence([make_table("zero", 16440, **history), make_table("b", 16410)], reported=["zero"])
    found = _finding(evidence, "zero")
    assert (found["status"], found["mechanism"], found["old_rows_left"]) == ("wiped", "truncate", 0)


def test_what_a_migration_tool_wrote_again_into_its_own_table_is_no_loss(make_table, make_evidence):
    facts = {"created": 790, "xmin": 790}
    tables = [make_table("a", 16500, **UNUSED, **facts), make_table("b", 16510, **UNUSED, **facts),
              make_table("flyway_schema_history", 16520, inserts=2, rows=2, live=2, insv=2, **facts)]  # fmt: skip
    evidence = make_evidence(tables, reported=["a", "b"])
    evidence["database_counters"]["inserted"] = 40_000
    evidence["identity"] = evidence["identity"].assign(database_xmin=740)
    found = analyse.investigate(evidence).findings.set_index("table")
    assert set(found.loc[["a", "b"], "status"]) == {"wiped"}
    assert found.loc["flyway_schema_history", "status"] == "intact"


def test_versions_that_name_no_parents_are_run_in_their_order(make_evidence):
    made = {"1": "customer", "2": "tariff", "10": "claim"}
    evidence = make_evidence(
        [],
        migrations=[{"path": f"V{v}__x.sql", "tool": "flyway", "revision": v, "parents": ()} for v in ("10", "2", "1")],
        migration_operations=[
            {
                "path": f"V{v}__x.sql",
                "line": 1,
                "revision": v,
                "direction": "up",
                "operation": "create_table",
                "object": name,
            }
            for v, name in made.items()
        ],
    )
    ranks = migration_ranks(evidence)
    assert sorted(ranks, key=ranks.__getitem__) == ["customer", "tariff", "claim"]


def test_a_table_of_the_first_migration_that_is_younger_than_the_second_was_made_anew(make_table, make_evidence):
    tables = [
        make_table("tariff", 16434, created=764),
        make_table("customer", 16450, created=790, **UNUSED | {"xmin": 790}),
    ]
    made = [("1", "customer"), ("2", "tariff")]
    evidence = make_evidence(
        tables,
        reported=["customer"],
        migrations=[{"path": f"V{v}__x.sql", "tool": "flyway", "revision": v, "parents": ()} for v, _ in made],
        migration_operations=[
            {
                "path": f"V{v}__x.sql",
                "line": 1,
                "revision": v,
                "direction": "up",
                "operation": "create_table",
                "object": name,
            }
            for v, name in made
        ],
    )
    assert _chances(evidence, "customer")["recreate"] > 0.5
    assert out_of_order([], {}) == {}


def test_a_new_table_beside_emptied_ones_is_simply_new(make_table, make_evidence):
    # One migration truncates two tables and makes a third: measured, 278 rows inserted in the catalogue and no other.
    facts = {"filenode": 24600, "insv": 0, "rows": 0, "live": 0, "heap": 0, "pkey": 8192, "xmin": 780, "tuples": -1.0}
    tables = [make_table("companies", 16390), *[make_table(name, 16400 + n, **facts) for n, name in enumerate("ab")]]
    tables.append(make_table("tags", 16452, **{**UNUSED, "created": 780, "xmin": 780}))
    made = [{"xid": 700, "committed_at": NOTICED - pd.Timedelta(days=9)}, {"xid": 780, "committed_at": NOTICED}]
    evidence = make_evidence(tables, reported=["a"], commit_times=made)
    evidence["incident"] = evidence["incident"].assign(window_start=NOTICED - pd.Timedelta(hours=1))
    evidence["database_counters"]["inserted"] = 3 * 143 + 170
    found = analyse.investigate(evidence).findings.set_index("table")
    assert (found.loc["tags", "status"], found.loc["tags", "mechanism"]) == ("intact", "none")
    assert found.loc["tags", "probability"] > 0.9
    assert set(found.loc[["a", "b"], "status"]) == {"wiped"}


def test_a_database_that_the_log_saw_renamed_away_names_who_did_it(make_table, make_evidence):
    evidence = _in_new_cluster(
        make_table, make_evidence, [{"oid": 16451, "name": "shop", "xmin": 782, "is_template": False}]
    )
    deed = {"file": "a.log", "line": 7, "at": NOTICED - pd.Timedelta(hours=1), "severity": "LOG", "kind": "statement",
            "database": "postgres", "role": "ada", "application": "psql", "pid": 7,
            "statement": "ALTER DATABASE shop RENAME TO shop_before"}  # fmt: skip
    evidence["log_events"] = schemas.frame("log_events", [deed])
    found = analyse.investigate(evidence)
    assert set(found.findings["mechanism"]) == {"recreate"}
    assert found.causes.iloc[0]["cause"] == "manual_session"


@pytest.mark.parametrize(("minutes", "younger"), [(-5, True), (5, False)])
def test_a_log_that_is_older_than_the_data_directory_tells_that_another_stood_before(
    make_table, make_evidence, minutes, younger
):
    """The system identifier's time is cut to whole seconds, so that no statement on its own cluster is older."""
    begun = {"inserts": 2, "live": 2, "insv": 2, "rows": 2, "tuples": -1.0, "sequence": None}
    tables = [make_table("notes", 16404, **begun), make_table("users", 16500, **begun)]
    evidence = make_evidence(tables, reported=["notes"])
    born = evidence["identity"]["initdb_at"].iloc[0]
    at = born + pd.Timedelta(minutes=minutes)
    evidence["log_events"] = schemas.frame("log_events", [
        {"file": "a.log", "line": 3, "at": at, "severity": "LOG", "database": "d", "pid": 7, "kind": "statement",
         "statement": "INSERT INTO s.notes SELECT g FROM generate_series(1, 900) g"}])  # fmt: skip
    evidence["log_sources"] = schemas.frame("log_sources", [{"file": "a.log", "first_at": at}])
    told = analyse.investigate(evidence).findings.set_index("table").loc["notes", "mechanism"]
    assert (told == "new_cluster") is younger


# 150 rows stood, 160 came: as their counters tell after TRUNCATE, and after DELETE, each before a load of its own.
TRUNCATED = {"inserts": 310, "insv": 160, "rows": 160, "live": 160, "mod": 310, "filenode": 24600, "xmin": 742,
             "tuples": -1.0}  # fmt: skip
DELETED = {"inserts": 310, "deletes": 150, "insv": 310, "rows": 160, "live": 160, "dead": 150, "mod": 460}
DUMPED, WRITTEN = "COPY s.orders (id, body) FROM stdin;", "COPY s.orders (id, body) FROM STDIN WITH (FORMAT binary)"


@pytest.mark.parametrize("facts", [(TRUNCATED, "TRUNCATE s.orders"), (DELETED, "DELETE FROM s.orders")])
@pytest.mark.parametrize(("load", "told"), [(DUMPED, "partial"), (WRITTEN, "intact")])
def test_a_dump_that_is_put_into_an_emptied_table_is_no_rebuilding_of_its_rows(
    make_table, make_evidence, facts, load, told
):
    counters, emptied = facts
    texts = [
        {"database": "d", "role": "o", "query_id": number, "text": text, "calls": 1, "rows": rows}
        for number, (text, rows) in enumerate(((emptied, 150 * ("DELETE" in emptied)), (load, 160)))
    ]
    tables = [make_table("orders", 16404, **counters), make_table("users", 16500)]
    orders = _finding(make_evidence(tables, reported=["users"], statements=texts), "orders")
    assert (orders["status"], orders["status_probability"] < 0.95) == (told, True)


def test_a_copy_that_is_run_again_and_again_is_not_told_to_be_a_dump(make_table, make_evidence):
    """psql writes its own COPY as pg_dump does; a job that empties and loads does so every night."""

    def restored(calls: int) -> float:
        texts = [
            {"database": "d", "role": "o", "query_id": n, "text": text, "calls": calls, "rows": rows}
            for n, (text, rows) in enumerate((("TRUNCATE s.orders", 0), (DUMPED, 160 * calls)))
        ]
        tables = [make_table("orders", 16404, **TRUNCATED), make_table("users", 16500)]
        found = analyse.investigate(make_evidence(tables, statements=texts)).mechanism_probabilities
        return found.set_index(["table", "mechanism"])["probability"]["orders", "restore"]

    assert restored(2) < restored(1)


def test_a_rewrite_of_a_table_made_anew_is_no_older_state_put_back(make_table, make_evidence):
    """A copy that is filled beside, gets another type (ALTER TYPE writes new files) and takes the name of the table.

    Neither way of putting an older state back leaves both marks: in place it keeps the object, anew it keeps the file.
    """
    times = [{"xid": xid, "committed_at": NOTICED - pd.Timedelta(hours=hours)} for xid, hours in ((740, 30), (790, 1))]
    tables = [*(make_table(name, 16400 + n) for n, name in enumerate("abc")),
              make_table("bids", 16500, filenode=16520, created=790, xmin=792, analyzes=0, mod=143)]  # fmt: skip
    evidence = make_evidence(tables, reported=["bids"], commit_times=times)
    evidence["database_counters"]["inserted"] = 40_000
    chances = _chances(evidence, "bids")
    assert chances.idxmax() == "recreate"
