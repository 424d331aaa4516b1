"""Tables that row security shuts to the application, named by people or not."""

from __future__ import annotations

import pandas as pd
import pytest

from triage_kit import analyse

AT = pd.Timestamp("2025-10-08T09:12:00Z")


def _secures(name):
    text = f"ALTER TABLE s.{name} ENABLE ROW LEVEL SECURITY"
    return {"file": "a.log", "line": 3, "severity": "LOG", "at": AT, "kind": "statement", "statement": text,
            "outcome": "committed"}  # fmt: skip


def _policy(oid, using, permissive=True):
    return {"table_oid": oid, "name": "p", "permissive": permissive, "command": "ALL", "roles": (), "using": using}


@pytest.fixture
def judge(make_table, make_evidence):
    """Findings by table: notes and bills are secured, tags are not; the application is portal."""

    def of(seen=(), app_role="portal", **more):
        tables = [make_table("notes", 16404, rls=True), make_table("bills", 16405, rls=True), make_table("tags", 16406)]
        evidence = make_evidence(tables, log_events=[_secures(name) for name in seen], **more)
        evidence["incident"]["app_role"] = app_role
        return analyse.investigate(evidence).findings.set_index("table")

    return of


def test_a_table_that_was_shut_with_one_that_people_miss_is_hidden_though_nobody_names_it(judge):
    found = judge(seen=("notes", "bills"), reported=["notes"])
    assert list(found["status"]) == ["hidden", "hidden", "intact"]
    assert found.loc["bills", "status_probability"] > 0.7
    assert found.loc["bills", "missing_rows"] == 0


def test_a_table_that_was_shut_in_the_window_is_hidden_though_nobody_misses_anything(judge):
    assert judge(seen=("bills",)).loc["bills", "status"] == "hidden"


def test_a_table_that_was_shut_long_ago_and_that_nobody_misses_is_left_alone(judge):
    # As where a provider's interface reads with the application's role, and the service with one that is exempt.
    found = judge()
    assert set(found["status"]) == {"intact"}


@pytest.mark.parametrize(
    "policies",
    [[_policy(16405, "false")], [_policy(16405, "true"), _policy(16405, "false", permissive=False)]],
    ids=["permits nothing", "forbids everything"],
)
def test_a_policy_that_is_false_shuts_a_table_as_the_want_of_one_does(judge, policies):
    assert judge(seen=("bills",), policies=policies).loc["bills", "status"] == "hidden"


def test_a_policy_by_tenant_hides_with_the_table_that_people_miss_and_not_by_itself(judge):
    using = "(tenant = current_setting('app.tenant'::text, true))"
    policies = [_policy(16404, using), _policy(16405, using)]
    assert judge(seen=("notes", "bills"), policies=policies, reported=["notes"]).loc["bills", "status"] == "hidden"
    assert judge(seen=("notes", "bills"), policies=policies, reported=["tags"]).loc["bills", "status"] == "intact"


@pytest.mark.parametrize(
    ("operation", "written", "named"),
    [
        ("enable_row_security", "s.notes", True),
        ("drop_policy", "s.notes", True),
        ("set_search_path", "portal", True),
        ("set_search_path", "reports", False),
        ("enable_row_security", "s.tags", False),
    ],
)
def test_a_migration_that_hides_the_rows_is_named_and_not_called_harmless(
    make_table, make_evidence, operation, written, named
):
    evidence = make_evidence(
        [make_table("notes", 16404, rls=True), make_table("tags", 16406)],
        reported=["notes"],
        log_events=[_secures("notes")],
        questions=[{"source": "migrations", "status": "answered"}],
        migrations=[{"path": "m/2.sql", "revision": "2", "tool": "flyway"}],
        migration_operations=[{"path": "m/2.sql", "line": 6, "revision": "2", "direction": "up", "operation": operation,
                               "object": written, "text": "t", "how": "parsed"}],
    )  # fmt: skip
    evidence["incident"]["app_role"] = "portal"
    found = analyse.investigate(evidence)
    assert found.causes["cause"].iloc[0] == "not_lost"
    items = set(found.cause_evidence["item"])
    assert ("hiding_in_migration" in items, "migrations_harmless" in items) == (named, not named)
    if named:
        told = found.cause_evidence[found.cause_evidence["item"] == "hiding_in_migration"]["evidence"].iloc[0]
        assert found.evidence.set_index("id").loc[told, "source"] == "m/2.sql:6"
