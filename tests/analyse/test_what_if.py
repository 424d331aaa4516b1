"""What an analyst may ask of the inference: the same ranking as the report's, and how it moves."""

from __future__ import annotations

from math import log10

import pytest
import yaml

from triage_kit import analyse
from triage_kit.analyse import knowledge, what_if

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


def added_up(evidence, column):
    """The chances that a reader finds with a pencil: columns added up, 10 decibans are ten to one."""
    sums = evidence.groupby(column)["decibans"].sum() + evidence.groupby(column)["start"].first()
    weights = 10 ** (sums / 10)
    return (weights / weights.sum()).sort_index()


@pytest.mark.parametrize("column", ["cause", "mechanism"])
def test_the_decibans_that_are_shown_add_up_to_the_chances_that_are_shown(found, column):
    if column == "cause":
        told, said = found.cause_evidence, found.causes
    else:
        both = found.mechanism_evidence, found.mechanism_probabilities
        told, said = (each.query("table == 'notes'") for each in both)
    assert len(set(told.iloc[:, 1 if column == "cause" else 2])) > 3  # several observations
    chances = added_up(told, column)
    assert (chances - said.set_index(column)["probability"].sort_index()).abs().max() < 2e-3
    again = what_if.ranking(told, "G1" if column == "cause" else "s.notes").sort_index()
    assert (again - said.set_index(column)["probability"].sort_index()).abs().max() < 1e-4


def test_the_decibans_of_causes_hold_the_power_that_their_chances_hold(found):
    stated = yaml.safe_load((knowledge.FOLDER / "causes.yaml").read_text("utf-8"))
    power = stated["sharpness"]["power"]
    prior = {word: stated["hypotheses"][word]["prior"] for word in ("manual_session", "application")}
    told = found.cause_evidence.set_index("cause")
    for word, chance in prior.items():
        assert set(told.loc[[word], "start"]) == {round(10 * power * log10(chance), 3)}
    items = found.cause_evidence.pivot_table(index="item", columns="cause", values=["decibans", "likelihood"])
    ratio = items["likelihood"]["manual_session"] / items["likelihood"]["application"]
    apart = items["decibans"]["manual_session"] - items["decibans"]["application"]
    assert all(abs(apart[item] - 10 * power * log10(ratio[item])) < 2e-3 for item in items.index)


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


@pytest.mark.parametrize("kept", [["storage"], ["storage", "rows", "inserted_since_vacuum"]])
def test_what_a_hypothesis_of_ones_own_does_not_say_moves_it_nowhere(found, kept):
    evidence = found.mechanism_evidence.query("table == 'notes' and signal in @kept")
    prior = 0.25
    told = what_if.ranking(evidence, "s.notes", add={"bit rot": {"prior": prior}})
    if len(kept) == 1:  # it stays at its share of all priors, 0.25 of 1.25
        assert told["bit rot"] == pytest.approx(prior / (1 + prior))
    stated = knowledge.mechanisms()
    weight = prior  # the mean of all that are known, by hand, for each observation
    for signal in kept:
        mine = evidence[evidence["signal"] == signal].set_index("mechanism")["likelihood"]
        weight *= sum(stated.priors[word] * mine[word] for word in stated.priors)
    others = what_if.ranking(evidence, "s.notes")
    ratio = stated.priors["truncate"] * evidence.query("mechanism == 'truncate'")["likelihood"].prod() / weight
    assert told["truncate"] / told["bit rot"] == pytest.approx(ratio)
    assert others.index[0] == told.index[0]


def test_the_matrix_and_the_sensitivity_name_every_observation(found):
    wide = what_if.matrix(found.mechanism_evidence, "notes")
    told = what_if.sensitivity(found.mechanism_evidence, "notes")
    assert set(told["assumption"]) >= {f"without {signal}" for signal in wide.index}
    assert told.iloc[0]["kept"]
    causes = what_if.matrix(found.cause_evidence, found.groups.iloc[0]["group"])
    assert "mechanism" in causes.index
