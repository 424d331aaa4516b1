"""Which line of the repository reaches a damaged table, and whether it ran."""

from dataclasses import replace

import networkx as nx
import pandas as pd
import pytest

from triage_kit import analyse, schemas
from triage_kit.analyse.groups import Group
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.silence import Visibility
from triage_kit.analyse.statements import Seen
from triage_kit.analyse.suspects import Scene, review, suspects

AT = pd.Timestamp("2025-10-07T20:28:00Z")
GROUP = Group("G1", "truncate", ("m.assets", "m.imports"), ("m.assets", "m.imports"), ("m.imports",), 742, AT, "xid")
MIGRATIONS = [
    {"path": "v/1.py", "tool": "alembic", "revision": "1"},
    {"path": "v/2.py", "tool": "alembic", "revision": "2", "parents": ["1"]},
]
OPERATIONS = [
    ("v/1.py", 106, "1", "up", "drop_type", "m.flowstatus", True),
    ("v/2.py", 9, "2", "up", "truncate", "m.imports", True),
    ("v/2.py", 15, "2", "down", "drop_table", "m.other", False),
    ("v/2.py", 16, "2", "down", "drop_table", "m.assets", False),
    ("v/2.py", 11, "2", "up", "create_table", "m.new", False),
]
HITS = [
    ("jobs/a.sql", 3, "scheduled_job", "truncate", "imports", "TRUNCATE imports CASCADE", True, "rows"),
    ("app/b.py", 4, "application", "delete", "User", "session.query(User).delete()", False, "rows"),
    ("tools/c.sql", 5, "script", "delete", "assets", "DELETE FROM assets", False, "rows"),
]


def seen(operation, table, text, outcome="committed"):
    return Seen(operation, table, None, False, outcome, AT, "app", "psql", text, None, "E1", "log:7")


def evidence(**given):
    return {name: schemas.frame(name, given.get(name, [])) for name in schemas.evidence_names()}


def told(*statements, visible=False, routine=None):
    reach = nx.MultiDiGraph([("m.imports", "m.assets", {"on_delete": "no action"})])
    reach.add_node("m.users")
    keys = ("path", "line", "revision", "direction", "operation", "object", "cascade")
    hit = ("path", "line", "vehicle", "operation", "object", "text", "cascade", "loses")
    frames = evidence(
        incident=[{"window_start": AT - pd.Timedelta(days=1), "noticed_at": AT}],
        questions=[{"source": "version_tables", "status": "answered"}],
        migrations=MIGRATIONS,
        version_tables=[{"tool": "alembic", "schema": "m", "table": "alembic_version", "version": "1"}],
        migration_operations=[dict(zip(keys, row, strict=True)) | {"how": "parsed"} for row in OPERATIONS],
        code_hits=[
            dict(zip(hit, row, strict=True)) | {"kind": "sql", "how": "parsed", "name": routine} for row in HITS
        ],
        last_changes=[{"path": "jobs/a.sql", "sha": "abc", "author": "Ann", "committed_at": AT, "subject": "s"}],
    )
    scene = Scene([GROUP], reach, statements, Visibility(visible, "because"))
    return suspects(frames, scene), frames


def test_what_a_line_reaches_in_this_database():
    found = told()[0].set_index(["path", "line"])
    assert found.loc[("v/2.py", 9), "tables"] == ("m.assets", "m.imports")
    assert found.loc[("jobs/a.sql", 3), "damaged"] == ("m.assets", "m.imports")
    assert found.loc[("jobs/a.sql", 3), "groups"] == ("G1",)
    assert found.loc[("app/b.py", 4), "tables"] == ("m.users",)
    assert ("v/2.py", 11) not in found.index


def test_whether_it_ran():
    found = told(
        seen("truncate", "m.imports", "truncate imports\n cascade;"), seen("delete", "m.assets", "x", "failed")
    )
    ran = found[0].set_index(["path", "line"])["ran"]
    assert ran[("v/1.py", 106)] == "applied"
    assert ran[("v/2.py", 9)] == "not_applied"
    assert ran[("v/2.py", 15)] == "unknown"
    assert ran[("jobs/a.sql", 3)] == "ran"
    assert ran[("tools/c.sql", 5)] == "failed"
    assert ran[("app/b.py", 4)] == "unknown"
    other = told(seen("truncate", "m.imports", "TRUNCATE m.imports, m.x CASCADE"), visible=True)
    ran = other[0].set_index(["path", "line"])["ran"]
    assert ran[("jobs/a.sql", 3)] == "similar"
    assert ran[("tools/c.sql", 5)] == "not_seen"


def test_the_run_that_is_told_is_none_that_failed():
    failed, done = [seen("delete", "m.assets", "DELETE FROM assets", outcome) for outcome in ("failed", "committed")]
    found = told(replace(failed, where="log:3"), done)[0].set_index("path").loc["tools/c.sql"]
    assert (found["ran"], found["ran_because"]) == ("ran", "this statement was seen: log:7")


def test_what_a_routine_does_is_not_told_by_the_failure_of_another_text():
    typed = seen("delete", "m.assets", "DELETE FROM m.assets WHERE x == 1", "failed")
    ran = {routine: told(typed, visible=True, routine=routine)[0].set_index("path")["ran"].loc["tools/c.sql"]
           for routine in (None, "purge")}  # fmt: skip
    assert ran == {None: "failed", "purge": "unknown"}


def test_who_changed_it_and_when():
    line = told()[0].set_index("path").loc["jobs/a.sql"]
    assert (line["changed_by"], line["commit"], line["in_window"]) == ("Ann", "abc", True)


def test_the_review_begins_with_what_ran_and_ends_with_downgrades():
    lines, frames = told(seen("truncate", "m.imports", "TRUNCATE imports CASCADE"))
    ledger = Ledger()
    listed = review(lines, frames["migration_operations"], ledger)
    assert list(zip(listed["path"], listed["line"], strict=True)) == [
        ("jobs/a.sql", 3), ("tools/c.sql", 5), ("v/1.py", 106), ("app/b.py", 4), ("v/2.py", 9), ("v/2.py", 15),
    ]  # fmt: skip
    why = listed.set_index("path")["why"]
    assert "removes rows of a damaged table (m.assets, m.imports); scheduled job; it ran" in why["jobs/a.sql"]
    assert "costs at most the columns of that type, and no rows; it was applied" in why["v/1.py"]
    assert set(listed["evidence"]) <= set(ledger.frame()["id"])


def test_what_the_file_spares_is_no_line_of_the_review():
    """A file that empties the table which it has just made loses nothing; only the collector has the whole file."""
    told = {"path": "v/3.py", "revision": "3", "line": 4, "direction": "up", "operation": "truncate", "how": "parsed",
            "object": "m.imports"}  # fmt: skip
    for loses, listed in (("nothing", []), ("rows", [4]), (None, [4])):
        frames = evidence(migration_operations=[told | {"loses": loses}])
        found = suspects(frames, Scene([GROUP], nx.MultiDiGraph(), (), Visibility(False, "because")))
        assert found["line"].tolist() == listed


def test_an_operation_that_runs_both_ways_is_listed_once_more_as_a_downgrade_alone():
    """CreateModel of Django stands on one line and drops its table when it is taken back."""
    found = told()
    operations = found[1]["migration_operations"]
    both = pd.concat(
        [operations, operations[operations["line"] == 16].assign(direction="up", operation="create_table")]
    )
    listed = review(found[0], both, Ledger())
    [why] = listed.loc[(listed["path"] == "v/2.py") & (listed["line"].isin([15, 16])), "why"]
    assert "a downgrade, which removes what this migration made" in why


def test_a_line_that_means_a_table_by_its_former_name_reaches_it():
    operations = [
        ("v/1.py", 3, "1", "up", "truncate", "old", None),
        ("v/1.py", 4, "1", "up", "rename_table", "old", "older"),
        ("v/1.py", 5, "1", "up", "rename_table", "older", "assets"),
        ("v/2.py", 6, "2", "up", "rename_table", "m.later", "m.imports"),
        ("v/2.py", 7, "2", "up", "truncate", "m.later", None),
        ("v/1.py", 8, "1", "up", "rename_table", "round", "about"),
        ("v/1.py", 9, "1", "up", "rename_table", "about", "round"),
    ]
    keys = ("path", "line", "revision", "direction", "operation", "object", "renamed")
    frames = told()[1] | evidence(
        migration_operations=[dict(zip(keys, row, strict=True)) | {"how": "parsed"} for row in operations],
        code_hits=[{"path": "a.rb", "line": 1, "vehicle": "script", "kind": "orm", "operation": "delete",
                    "object": "older", "text": "x", "loses": "rows", "how": "pattern"}],
        questions=[{"source": "version_tables", "status": "answered"}],
        migrations=MIGRATIONS,
        version_tables=[{"tool": "alembic", "schema": "m", "table": "alembic_version", "version": "1"}],
    )  # fmt: skip
    reach = nx.MultiDiGraph()
    reach.add_nodes_from(["m.assets", "m.imports"])
    found = suspects(frames, Scene([GROUP], reach, (), Visibility(False, "because"))).set_index(["path", "line"])
    assert found.loc[("v/1.py", 3), "tables"] == ("m.assets",)
    assert found.loc[("a.rb", 1), "tables"] == ("m.assets",)
    assert found.loc[("v/2.py", 7), "tables"] == ()  # the second migration did not run
    assert found.loc[("v/1.py", 8), "tables"] == ()


@pytest.mark.parametrize(("name", "means"), [("{…}orders", True), ("{…}s", False), ("{…}", False)])
def test_a_table_whose_prefix_is_put_on_at_run_time_is_found_by_the_rest(make_table, make_evidence, name, means):
    operation = {"path": "m/1.php", "revision": "1", "direction": "up", "line": 4,
                 "operation": "truncate", "object": name, "how": "pattern", "text": "truncateTable"}  # fmt: skip
    tables = [make_table("app_orders", 16404, rows=0, live=0, insv=0, filenode=24600, heap=0), make_table("u", 16500)]
    found = analyse.investigate(
        make_evidence(tables, reported=["app_orders"], migration_operations=[operation],
                      migrations=[{"path": "m/1.php", "tool": "yii", "revision": "1"}],
                      questions=[{"source": "migrations", "status": "answered"}])
    )  # fmt: skip
    told = found.suspects.set_index("path").loc["m/1.php", "tables"]
    assert told == (("s.app_orders",) if means else ())


@pytest.mark.parametrize(("path", "others", "means"), [
    ("jegy/tasks.py", (), True), ("jegy/tasks.py", ("bolt_foglalas",), True),
    ("core/tasks.py", ("bolt_foglalas",), False),
])  # fmt: skip
def test_a_model_stands_for_the_table_that_bears_its_package_before_its_name(
    make_table, make_evidence, path, others, means
):
    """Django documentation, Options.db_table: `foglalas` of the application `jegy` is `jegy_foglalas`."""
    gone = {"deletes": 143, "rows": 0, "live": 0, "dead": 143, "mod": 143}
    code = {"path": path, "line": 9, "vehicle": "application", "kind": "orm", "operation": "delete", "loses": "rows",
            "object": "Foglalas", "text": "Foglalas.objects.exclude(lejar__gte=now).delete()"}  # fmt: skip
    tables = [make_table("jegy_foglalas", 16404, **gone), make_table("users", 16500)]
    tables += [make_table(name, 16600) for name in others]
    lines = analyse.investigate(make_evidence(tables, reported=["jegy_foglalas"], code_hits=[code])).suspects
    assert (lines["tables"].iloc[0] == ("s.jegy_foglalas",)) is means
