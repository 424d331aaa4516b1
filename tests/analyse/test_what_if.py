"""What an analyst may ask of the inference: the same ranking as the report's, and how it moves."""

from __future__ import annotations

import pytest

from triage_kit import analyse
from triage_kit.analyse import what_if

GONE = {"rows": 0, "live": 0, "insv": 0, "filenode": 24600, "heap": 0, "pkey": 8192, "xmin": 742, "tuples": -1.0}


@pytest.fixture
def found(make_table, make_evidence):
    others = [make_table(name, 16500 + number) for number, name in enumerate(("users", "tags"))]
    return analyse.investigate(make_evidence([make_table("notes", 16404, **GONE), *others], reported=["notes"]))


def test_without_changes_the_ranking_is_that_of_the_report(found):
    told = what_if.ranking(found.mechanism_evidence, "s.notes")
    said = found.mechanism_probabilities.query("table == 'notes'").set_index("mechanism")["probability"]
    assert told.index[0] == "truncate"
    assert abs(told["truncate"] - said["truncate"]) < 1e-4


def test_without_the_decisive_items_another_hypothesis_may_lead(found):
    decisive = ["storage", "inserted_since_vacuum", "rows"]
    before = what_if.ranking(found.mechanism_evidence, "notes")["truncate"]
    assert what_if.ranking(found.mechanism_evidence, "notes", strike=decisive)["truncate"] < before / 2


def test_a_hypothesis_of_ones_own_joins_the_race(found):
    told = what_if.ranking(
        found.mechanism_evidence, "notes", add={"bit rot": {"prior": 0.9, "storage": 0.9, "rows": 0.9}}
    )
    assert told["bit rot"] > 0
    assert abs(told.sum() - 1) < 1e-9


def test_the_matrix_and_the_sensitivity_name_every_observation(found):
    wide = what_if.matrix(found.mechanism_evidence, "notes")
    told = what_if.sensitivity(found.mechanism_evidence, "notes")
    assert set(told["assumption"]) >= {f"without {signal}" for signal in wide.index}
    assert told.iloc[0]["kept"]
    causes = what_if.matrix(found.cause_evidence, found.groups.iloc[0]["group"])
    assert "mechanism" in causes.index
