"""Reach and explanation on graphs whose answers are written down by hand; one is the seed incident's."""

from __future__ import annotations

import networkx as nx
import pytest

from triage_kit.analyse import foreign_keys as fk

# child -> parent, ON DELETE, as in the seed incident
SEED = [
    ("assets", "client_accounts", "no_action"),
    ("assets", "engagements", "no_action"),
    ("assets", "raw_import_records", "no_action"),
    ("discovery_flows", "data_imports", "no_action"),
    ("discovery_flows", "crewai_flow_state_extensions", "cascade"),
    ("raw_import_records", "data_imports", "no_action"),
    *[
        (child, "collection_flows", "cascade")
        for child in (
            "adaptive_questionnaires",
            "collection_data_gaps",
            "collected_data_inventory",
            "collection_questionnaire_responses",
            "collection_gap_analysis",
            "collection_flow_applications",
        )
    ],
]


def graph(edges, partitioned=()):
    found = nx.MultiDiGraph()
    for child, parent, rule in edges:
        for name in (child, parent):
            found.add_node(name, kind="partitioned" if name in partitioned else "table", parts=("migration", name))
        found.add_edge(parent, child, on_delete=rule, name=f"{child}_{parent}")
    return found


def test_truncate_follows_every_key_and_delete_only_those_that_cascade():
    reach = graph(SEED)
    assert fk.truncate_reach(reach, ["data_imports"]) == {
        "data_imports",
        "discovery_flows",
        "raw_import_records",
        "assets",
    }
    assert fk.delete_reach(reach, ["data_imports"]) == {"data_imports"}
    assert fk.delete_reach(reach, ["crewai_flow_state_extensions"]) == {
        "crewai_flow_state_extensions",
        "discovery_flows",
    }


def test_three_roots_explain_the_seed_incident_exactly():
    reach = graph(SEED)
    damaged = {parent for _, parent, _ in SEED} | {child for child, _, _ in SEED}
    damaged -= {"client_accounts", "engagements"}
    story = fk.explain(reach, damaged)
    assert story.roots == ("collection_flows", "crewai_flow_state_extensions", "data_imports")
    assert (story.explained, story.of, story.extra) == (12, 12, ())
    assert story.reaches["data_imports"] == ("assets", "discovery_flows", "raw_import_records")


def test_a_table_that_the_statement_would_have_hit_but_was_spared_counts_as_extra():
    story = fk.explain(graph(SEED), {"data_imports", "discovery_flows", "raw_import_records"})
    assert (story.roots, story.explained, story.of, story.extra) == (("data_imports",), 3, 3, ("assets",))


def test_in_a_circle_any_table_may_have_been_named():
    reach = graph([("a", "b", "no_action"), ("b", "a", "no_action"), ("c", "a", "no_action")])
    story = fk.explain(reach, {"a", "b", "c"})
    assert (story.roots, story.equivalents, story.explained) == (("a",), (("b",),), 3)


def test_a_partitioned_parent_is_named_when_all_its_leaves_were_hit():
    reach = graph([("p1", "p", "partition"), ("p2", "p", "partition"), ("x", "y", "cascade")], partitioned={"p"})
    story = fk.explain(reach, {"p1", "p2"})
    assert (story.roots, story.explained, story.of) == (("p",), 2, 2)
    assert fk.explain(reach, {"p1"}).roots == ("p1",)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (("migration", "assets"), "TRUNCATE migration.assets CASCADE"),
        (("a.b", 'o"dd'), 'TRUNCATE "a.b"."o""dd" CASCADE'),
    ],
)
def test_names_are_quoted_where_they_need_it(parts, text):
    reach = nx.MultiDiGraph()
    reach.add_node("t", parts=parts)
    assert fk.truncate_text(reach, ["t"], True) == text
