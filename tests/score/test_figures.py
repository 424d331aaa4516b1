"""What the scoreboard counts as right, and how it adds up, on records written by hand."""

import math

import pandas as pd
import pytest

from triage_kit.lab.incidents.base import Incident, table
from triage_kit.score import figures
from triage_kit.score.__main__ import groups, text
from triage_kit.score.expected import causes_expected, tables_expected
from triage_kit.score.judge import _ranked

HEAD = {"incident": "one", "holdout": False, "major": 18, "view": "plain"}


def record(unit, right, p, incident="one", truth="truncate", damaged=True):
    return {
        **HEAD, "incident": incident, "level": "mechanism", "unit": unit, "truth": truth, "accepted": (truth,),
        "said": truth if right else "delete", "p": p, "right": right, "in_three": right, "brier": 0.0,
        "damaged": damaged, "complete": True,
    }  # fmt: skip


def test_wilson_interval_is_the_published_one():
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263 and 0 of 20, method 3.
    assert figures.wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert figures.wilson(0.0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_tables_of_one_incident_and_truth_count_once():
    many = [record(f"t{number}", True, 0.9) for number in range(12)]
    records = figures.weighted(pd.DataFrame([*many, record("u", False, 0.9, incident="two")]))
    assert figures.share(records)[:1] == (0.5,)
    assert figures.share(records).n == 2


def test_untouched_tables_do_not_drown_the_struck_one():
    spared = [record(f"t{number}", True, 0.99, truth="none", damaged=False) for number in range(300)]
    row = figures.summary(pd.DataFrame([*spared, record("gone", False, 0.9)])).iloc[0]
    assert row["mechanism AC@1, struck"].startswith("0.000")
    assert row["mechanism AC@1, spared"].startswith("1.000")


def test_words_that_look_alike_are_one_class():
    chances = {"truncate": 0.5, "rollback": 0.3, "none": 0.2}
    told = _ranked(HEAD, "mechanism", "t", "rollback", ("rollback", "truncate", "unknown"), chances, True, True)
    assert told.right
    assert told.brier == pytest.approx(0.2**2 + 0.2**2)
    strict = _ranked(HEAD, "mechanism", "t", "rollback", ("rollback",), chances, True, True)
    assert not strict.right
    assert strict.brier == pytest.approx(0.7**2 + 0.5**2 + 0.2**2)


def test_what_a_view_cannot_tell_is_right_as_unknown_only_there():
    truth = {"tables": {"a.t": table("wiped", "truncate", 5, inserts=5, rows=0)}, "cause": "test_run", "roots": ["a.t"]}
    incident = Incident("x", "x", truth, lambda server, folder: {})
    csv = tables_expected(incident, "stats_csv", {})["a.t"]
    assert (csv.statuses, csv.mechanisms) == (("wiped", "undecided"), ("truncate", "rollback", "unknown"))
    full = tables_expected(incident, "everything", {})["a.t"]
    assert (full.statuses, full.mechanisms) == (("wiped",), ("truncate",))
    assert tables_expected(incident, "day_later", {"a.t": 3})["a.t"].statuses == ("partial",)
    assert causes_expected(incident, "stats_csv")[0].causes == ("test_run", "unknown")
    assert causes_expected(incident, "everything")[0].causes == ("test_run",)


def test_a_sure_mistake_stands_in_its_bin_and_in_the_errors():
    records = pd.DataFrame([record("t", False, 0.97), record("u", True, 0.6, incident="two")])
    assert figures.errors(figures.weighted(records)) == {
        "wrong at ≥ 0.8": "1 of 2 (50.0 %)",
        "wrong at ≥ 0.95": "1 of 2 (50.0 %)",
    }
    bins = figures.reliability(records).set_index("said")["right"]
    assert bins["(0.95, 0.99]"].startswith("0.000")
    assert math.isnan(figures.share(figures.weighted(records).iloc[:0]).value)


def test_deletes_that_nobody_saw_nor_misses_may_be_ordinary():
    tables = {"a.t": table("partial", "delete", 5, inserts=9, deletes=5, rows=4)}
    truth = {"tables": tables, "cause": "application", "roots": ["a.t"]}
    incident = Incident("x", "x", truth, lambda server, folder: {})
    assert tables_expected(incident, "plain", {})["a.t"].statuses == ("partial", "undecided", "intact")
    assert tables_expected(incident, "everything", {})["a.t"].statuses == ("partial",)
    named = Incident("x", "x", truth, lambda server, folder: {}, reported=("t",))
    assert tables_expected(named, "plain", {})["a.t"].statuses == ("partial", "undecided")
    assert tables_expected(named, "plain", {})["a.t"].mechanisms == ("delete",)


def test_scoreboard_keeps_three_groups_apart():
    known = {"seed": False, "pilots_retained_by_savepoint": True, "written_tomorrow": True}  # name: whether held out
    records = pd.DataFrame(
        [{**record("t", True, 0.9, incident=name), "holdout": held, "view": "everything"}
         for name, held in known.items()]
    )  # fmt: skip
    told = text(records)
    assert told.startswith("3 incidents (1 held out, 1 once and studied since) on PostgreSQL 18; 3 conclusions.")
    titles = ("Incidents that likelihoods may be adjusted on", "Held out once, studied since: ", "Hold-out: ")
    _, *parts = told.split("\n\n**")
    assert [part.count("(1 incidents, ") for part in parts[:3]] == [1, 1, 1]
    assert [part.startswith(title) for part, title in zip(parts, titles, strict=False)] == [True] * 3
    assert [list(group["incident"]) for group in groups(records)] == [[name] for name in known]
