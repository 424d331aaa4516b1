"""The hostile database when its server is gone: its statistics as a table of commas, its schema dump, its logs, its
repository. Nothing of them acts, and every name arrives whole."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path

import hostile
import programs
import pytest
import yaml
from attacks import Attacked, triage
from bs4 import BeautifulSoup
from test_hostile_names import UNSEEN, browse, qualified, spelt, whole

COUNTERS = "COPY (SELECT * FROM pg_stat_user_tables) TO STDOUT WITH (FORMAT csv, HEADER)"


@pytest.fixture(scope="module")
def left(attacked: Attacked, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess]:
    """The case of what is left of the server, and what ``triage run`` said of it."""
    folder = tmp_path_factory.mktemp("left") / "case {x} 'q' \u202e"
    shutil.copytree(attacked.case.folder, folder, ignore=shutil.ignore_patterns("evidence", "report", "raw"))
    programs.dump(attacked.server, hostile.DATABASE, folder / "schema <b>.sql", "--schema-only")
    with attacked.server.connect(hostile.DATABASE) as connection, connection.cursor().copy(COUNTERS) as copied:
        (folder / "counters %s.csv").write_bytes(b"".join(copied))
    keys = yaml.safe_load((folder / "case.yaml").read_text("utf-8"))
    del keys["database"]
    keys |= {"statistics": "counters %s.csv", "schema_dump": "schema <b>.sql"}
    (folder / "case.yaml").write_text(yaml.safe_dump(keys, allow_unicode=True), "utf-8")
    return folder, triage("run", str(folder))


def tables(folder: Path) -> dict[tuple[str, str], str]:
    findings = json.loads((folder / "report" / "findings.json").read_text("utf-8"))
    return {(each["schema"], each["table"]): each["status"] for each in findings["tables"]}


def test_the_run_finds_the_damage_and_holds_every_name_exactly(left, attacked: Attacked) -> None:
    folder, said = left
    assert said.returncode == 0, said.stderr.decode()
    found = tables(folder)
    assert set(found) == set(tables(attacked.case.folder))  # also the one that begins and ends with a blank
    lost = {name for name, status in found.items() if status in ("wiped", "partial")}
    assert lost == attacked.case.emptied | {("public", hostile.DELETED)}


def test_every_name_stands_whole_and_nothing_that_acts_is_written_anywhere(left) -> None:
    folder, said = left
    page = (folder / "report" / "report.html").read_text("utf-8")
    shown = BeautifulSoup(page, "html.parser").find("body").get_text()
    assert [name for name in hostile.NAMES if spelt(qualified(name)) not in shown] == []
    for text in (page, said.stdout.decode("utf-8"), said.stderr.decode("utf-8")):
        assert {each for each in text if unicodedata.category(each) in UNSEEN and each not in "\n\t"} == set()


def test_nothing_runs_in_a_browser_with_the_policy_taken_out(left, chromium: Path, tmp_path: Path) -> None:
    folder, _ = left
    bare = re.sub(
        r"<meta[^>]*Content-Security-Policy[^>]*>", "", whole((folder / "report" / "report.html").read_text())
    )
    shown, asked = browse(chromium, bare, tmp_path / "bare")
    assert shown.title.get_text() == spelt(hostile.TITLE)
    assert shown.select("th button")  # our own script ran
    assert asked == set()
    body = shown.find("body").get_text()
    assert [each for each in hostile.NAMES if spelt(qualified(each)) not in body] == []
