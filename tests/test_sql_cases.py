"""The texts of sql_cases, written before the readers that they judge: what loses something, and what only looks so."""

import io

import pytest
import texts

from triage_kit.parse import Outcomes, parse
from triage_kit.parse.hits import loses_of, read_hits, readable
from triage_kit.parse.migrations import read_migrations
from triage_kit.parse.prefix import infer_prefix
from triage_kit.sql import effects

DESTRUCTIVE = texts.read("destructive")
HELD_OUT = texts.read("held_out")
HARMLESS = texts.read("harmless")


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


def lines_of(path, text):
    """Operations of a file, downgrades left out, with what each loses."""
    migrations = read_migrations(text, path)
    if migrations:
        operations = [each for one in migrations for each in one.operations if each.direction != "down"]
        return [(loses_of(each), each) for each in operations if loses_of(each)]
    return [(each.loses, each) for each in (read_hits(text, path) if readable(path) else [])]


def lost_in_file(path, text):
    """What a file would lose of which object."""
    return [(loses, each.object or "") for loses, each in lines_of(path, text)]


@pytest.mark.parametrize("case", [each for each in DESTRUCTIVE if "path" in each], ids=lambda each: each["id"])
def test_a_file_that_loses_something_is_found(case):
    found = lost_in_file(case["path"], case["text"])
    assert (case["loses"], case["of"]) in [(loses, name.split(".vat_id")[0]) for loses, name in found], found


@pytest.mark.parametrize("case", HARMLESS["files"], ids=lambda each: each["path"])
def test_a_file_that_loses_nothing_raises_no_alarm(case):
    assert lost_in_file(case["path"], case["text"]) == []


def test_there_are_60_and_200_of_them():
    assert (len(DESTRUCTIVE), len(HARMLESS["statements"]) + len(HARMLESS["files"])) == (60, 200)


def operations(case):
    """Operation and object of everything that a held-out text loses."""
    if "path" in case:
        return {(each.operation, each.object or "") for _, each in lines_of(case["path"], case["text"])}
    return {(each.operation, each.object) for each in effects(case["text"]) if each.loses}


@pytest.mark.parametrize("case", HELD_OUT["destructive"] + HELD_OUT["stated"], ids=lambda each: each.get("id"))
def test_every_effect_of_a_held_out_text_is_found(case):
    assert operations(case) >= set(map(tuple, case["effects"]))


@pytest.mark.parametrize("text", HELD_OUT["harmless_statements"])
def test_a_held_out_statement_raises_no_alarm(text):
    assert operations({"text": text}) == set()


@pytest.mark.parametrize("case", HELD_OUT["harmless_files"], ids=lambda each: each["path"])
def test_a_held_out_file_raises_no_alarm(case):
    assert operations(case) == set()


def test_held_out_are_60_and_200():
    harmless = [*HELD_OUT["harmless_statements"], *HELD_OUT["harmless_files"], *HELD_OUT["stated"]]
    assert (len(HELD_OUT["destructive"]), len(harmless)) == (60, 200)


# Written beside the rule that they try: calls and entries of tools that no reader knows, and what only looks like them.
GENERAL = texts.read("general")
LATER = (
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
)
SETS = [texts.read(name) for name in ("unseen", *LATER)]
UNSEEN = {kind: [each for one in SETS for each in one[kind]] for kind in SETS[0]}


def lost_in_log(text):
    """What the statements of a server's log that were not undone have lost."""
    entries = parse(io.BytesIO(text.encode()), "stderr", infer_prefix(text.splitlines()))
    done = [each for each in Outcomes().follow(entries) if each.outcome not in ("failed", "rolled_back")]
    return [found for each in done for found in lost({"text": each.statement or ""})]


def told_by(case):
    """What is lost of which object, as the review says it; names without quotes, folded."""
    if case.get("log"):  # what did run: the reader of logs tells it, that of code what may run
        found = lost_in_log(case["text"])
    else:
        found = lost_in_file(case["path"], case["text"]) if "path" in case else lost(case)
    return [(loses, (of or "").replace('"', "").lower().removeprefix("public.")) for loses, of in found]


def missed(case):
    """What is told of a case in place of what it loses; nothing where that is told."""
    names = [case["of"]] if isinstance(case["of"], str) else case["of"]
    # A reader writes a hole for Yii's prefix of all tables.
    names = [each.replace("{{%", "{…}").replace("}}", "") for each in names]
    objects = [each.replace('"', "").lower().removeprefix("public.") for each in names]
    found = told_by(case)
    right = [of for loses, of in found if case["loses"] in ("any", loses)]
    # A column that is named after its table is one of the table.
    told = any("" in objects or of in objects or of.startswith(tuple(f"{each}." for each in objects)) for of in right)
    return None if told else found


@pytest.mark.parametrize(
    "case",
    UNSEEN["destructive"] + UNSEEN["stated"],
    ids=lambda each: each["id"],
)
def test_an_unseen_text_that_loses_something_is_found(case):
    assert missed(case) is None


@pytest.mark.parametrize("case", GENERAL["destructive"], ids=lambda each: each["id"])
def test_a_removal_of_an_unknown_tool_is_found(case):
    assert missed(case) is None


@pytest.mark.parametrize("case", GENERAL["harmless_files"], ids=lambda each: each["path"])
def test_what_only_looks_like_a_removal_raises_no_alarm(case):
    assert lost_in_file(case["path"], case["text"]) == []


@pytest.mark.parametrize("text", UNSEEN["harmless_statements"])
def test_an_unseen_statement_raises_no_alarm(text):
    assert lost({"text": text}) == []


@pytest.mark.parametrize("case", UNSEEN["harmless_files"], ids=lambda each: each["path"])
def test_an_unseen_file_raises_no_alarm(case):
    assert lost_in_file(case["path"], case["text"]) == []


@pytest.mark.parametrize(("name", "one"), list(zip(LATER, SETS[1:], strict=True)), ids=LATER)
def test_a_later_set_has_60_and_200(name, one):
    harmless = [*one["harmless_statements"], *one["harmless_files"], *one["stated"], *one.get("open", ())]
    of_its_own = {"eleventh": (41, 19), "twelfth": (60, 60), "fifteenth": (29, 100), "sixteenth": (29, 100)}
    assert (len(one["destructive"] + one.get("overwriting", [])), len(harmless)) == of_its_own.get(name, (60, 200))


@pytest.mark.parametrize(
    "case", [case for one in SETS for case in one.get("overwriting", ())], ids=lambda each: each["id"]
)
def test_values_that_a_condition_picks_are_no_loss_of_rows(case):
    assert lost(case) == []


# Written beside the classes that the twelfth set missed, and beside those of other tools: what loses something and its
# look-alikes.
NEIGHBOURS = texts.read("neighbours")


@pytest.mark.parametrize("case", NEIGHBOURS["destructive"], ids=lambda each: each["id"])
def test_a_neighbour_that_loses_something_is_found(case):
    assert missed(case) is None


@pytest.mark.parametrize("text", NEIGHBOURS["harmless_statements"])
def test_a_neighbouring_statement_raises_no_alarm(text):
    assert lost({"text": text}) == []


@pytest.mark.parametrize("case", NEIGHBOURS["harmless_files"], ids=lambda each: each["path"])
def test_a_neighbouring_file_raises_no_alarm(case):
    assert lost_in_file(case["path"], case["text"]) == []
