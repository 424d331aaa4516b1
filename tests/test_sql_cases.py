"""The texts of sql_cases, written before the readers that they judge: what loses something, and what only looks so."""

from pathlib import Path

import pytest
import yaml

from triage_kit.sql import effects

CASES = Path(__file__).parent / "sql_cases"
DESTRUCTIVE = yaml.safe_load((CASES / "destructive.yaml").read_text("utf-8"))
HARMLESS = yaml.safe_load((CASES / "harmless.yaml").read_text("utf-8"))


def lost(case):
    """What is lost of which object, for every effect of a case that loses something."""
    return [(each.loses, each.object) for each in effects(case["text"]) if each.loses]


def name(written):
    return written[1:-1].replace('""', '"') if written.startswith('"') else written


@pytest.mark.parametrize("case", [each for each in DESTRUCTIVE if "path" not in each], ids=lambda each: each["id"])
def test_sql_that_loses_something_is_found(case):
    found = lost(case)
    assert (case["loses"], name(case["of"])) in found or (
        case["loses"] in ("rows", "suspect") and case["of"] == "" and case["loses"] in [each for each, _ in found]
    ), found


@pytest.mark.parametrize("text", HARMLESS["statements"])
def test_sql_that_loses_nothing_raises_no_alarm(text):
    assert [each for each in effects(text) if each.loses] == []
