"""A sample of the scoreboard on the oldest and the newest major: full evidence tells, and no view is surely wrong.

All of it, which takes long: ``python -m triage_kit.score``.
"""

import json
from pathlib import Path

import claims
import majors
import pytest

from triage_kit.analyse import investigate
from triage_kit.lab.incidents import INCIDENTS
from triage_kit.opened import open_case
from triage_kit.score.__main__ import BEGIN, END, main
from triage_kit.score.run import Job, jobs, run

SAMPLE = ("truncate_beside_vacuum_full", "import_in_savepoint")
TESTED = {major: majors.found()[major] for major in (13, 18) if major in majors.found()}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cases"))


@pytest.fixture(scope="module")
def done(cases):
    if not TESTED:
        pytest.skip("neither PostgreSQL 13 nor 18 was found")
    return [run(job) for job in jobs(SAMPLE, TESTED, ("everything", "no_log"), cases)]


@pytest.fixture(scope="module")
def records(done):
    assert [each.failure for each in done] == [None] * len(done)
    return [record for each in done for record in each.records]


def test_statuses_and_mechanisms_are_right_where_everything_is_seen(records):
    seen = [each for each in records if each["view"] == "everything" and each["level"] in ("status", "mechanism")]
    assert {each["incident"] for each in seen} == set(SAMPLE)
    assert [each for each in seen if not each["right"]] == []


def test_nothing_wrong_is_said_with_certainty(records):
    assert [each for each in records if not each["right"] and each["p"] >= 0.95] == []


def test_every_table_of_the_truth_is_judged_in_each_view(records):
    for name in SAMPLE:
        wanted = set(INCIDENTS[name].truth["tables"])
        for major in TESTED:
            for view in ("everything", "no_log"):
                judged = {
                    each["unit"]
                    for each in records
                    if (each["incident"], each["major"], each["view"], each["level"])
                    == (name, major, view, "mechanism")
                }
                assert judged == wanted


def test_every_claim_of_every_case_names_an_evidence_row(records, cases):
    folders = [each.parent for each in Path(cases).rglob("evidence") if each.is_dir()]
    assert len(folders) == len(SAMPLE) * len(TESTED) * 2
    assert [lack for each in folders for lack in claims.unproved(investigate(open_case(each).evidence))] == []


def test_kept_cases_are_judged_again_without_a_server(records, cases, tmp_path):
    again = run(Job(SAMPLE[0], max(TESTED), str(tmp_path), ("everything", "no_log"), cases))
    assert again.failure is None
    first = [each for each in records if (each["incident"], each["major"]) == (SAMPLE[0], max(TESTED))]
    assert sorted(again.records, key=str) == sorted(first, key=str)


def test_results_of_runs_add_up_and_go_into_a_readme(records, tmp_path, capsys):
    out, readme = tmp_path / "results.jsonl", tmp_path / "README.md"
    # One of the two as if it were held out: the sample has none, lest a red test should have anybody adjust on it.
    marked = [{**record, "holdout": record["incident"] == SAMPLE[0]} for record in records]
    out.write_text("".join(json.dumps(record) + "\n" for record in marked))
    readme.write_text(f"# Kit\n{BEGIN}\nold figures\n{END}\nthe end\n")
    assert main(["--figures-only", "--out", str(out), "--readme", str(readme)]) == 0
    told = readme.read_text()
    assert "old figures" not in told
    assert told.startswith(f"# Kit\n{BEGIN}\n2 incidents (1 held out)")
    assert told.endswith(f"{END}\nthe end\n")
    tuned, held = told.split("**Hold-out: no likelihood was ever adjusted on these** (1 incidents, ")
    assert tuned.count("(1 incidents, ") == 1
    for part in (tuned, held):
        assert "| everything | " in part
        assert "Said and right:" in part
    assert "mechanism AC@1, struck" in capsys.readouterr().out
