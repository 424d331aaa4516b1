"""Making a report: the same twice, without paths of this machine, and whole even where a cell fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import brief  # tests/brief.py; conftest.py puts this folder on the path
import nbformat
import pandas as pd
import pytest
import seedlike
from bs4 import BeautifulSoup

from triage_kit import cli, schemas
from triage_kit.bundle import Draft
from triage_kit.errors import ReportError
from triage_kit.report import copies, kernel, make, making, printing, sanitise, secrets


@pytest.fixture
def with_notebooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def replace(**extra: str) -> None:
        folder = brief.notebooks(tmp_path / "notebooks", **extra)
        monkeypatch.setattr(making, "resource_dir", lambda _: folder)

    return replace


def test_the_same_evidence_gives_the_same_bytes_elsewhere(reported, tmp_path: Path) -> None:
    first, made, told = reported
    assert [facts["name"] for event, facts in told if event == "notebook"] == list(making.NOTEBOOKS)
    second = tmp_path / "elsewhere" / "{two} $HOME"
    second.mkdir(parents=True)
    for name in ("evidence", "case.yaml"):
        (shutil.copytree if (first / name).is_dir() else shutil.copy)(first / name, second / name)
    again = make(second / "case.yaml")
    for path in (made.html, made.findings, *made.notebooks):
        here, there = path.read_bytes(), (again.html.parent / path.name).read_bytes()
        assert here == there, path.name
        for place in (tmp_path, first.parent, Path.home(), Path(__file__).parents[2], os.sep + "tmp" + os.sep):
            assert os.fsencode(place) not in here, f"{path.name} holds {place}"


def test_the_executed_copies_run_again_where_they_lie(tmp_path: Path, with_notebooks) -> None:
    with_notebooks()
    made = make(seedlike.write(tmp_path / "case"))
    copy = nbformat.read(made.notebooks[0], 4)
    injected = [cell.source for cell in copy.cells if "injected-parameters" in cell.metadata.get("tags", [])]
    assert injected == ['# Parameters\ncase = ".."\n'] or injected == ['# Parameters\ncase = ".."']
    listed = next(cell.outputs[0].data["text/plain"] for cell in copy.cells if "listdir" in cell.source)
    assert "'case.yaml', 'evidence', 'report'" in listed


TAKING = """from triage_kit import analyse, open_case
def investigate(evidence): raise AssertionError("drawn once more")
analyse.investigate = investigate
open_case(case).investigation.incident["title"]"""


def test_the_kernels_take_the_conclusions_over(tmp_path: Path, with_notebooks, monkeypatch) -> None:
    # The third shows what it shows six seconds after its cell is done, as on a machine that has too much to do.
    late = "import sys, time; sys.stdout.flush = sys.stderr.flush = lambda: None; "
    late += "get_ipython().kernel.iopub_thread.schedule(lambda: time.sleep(6))"
    with_notebooks(stats=TAKING, timeline=TAKING, fk_graph=f"{late}; 'late'")
    case = seedlike.write(tmp_path / "case")
    assert make(case).failed == []
    # Where the file cannot be written, or somebody else's lies in its place, each kernel draws its own.
    monkeypatch.setattr(making.Offer, "give", lambda offer, *_: offer._path.write_bytes(b"c" * 99))
    assert make(case).failed == ["stats", "timeline"]


def test_a_failing_cell_is_shown_and_the_others_still_run(tmp_path: Path, with_notebooks) -> None:
    with_notebooks(timeline="raise ValueError('no such <b>lane</b>')", fk_graph="import os; os._exit(3)")
    made = make(seedlike.write(tmp_path / "case"))
    assert made.failed == ["fk_graph", "timeline"]
    soup = BeautifulSoup(made.html.read_text("utf-8"), "html.parser")
    alerts = [each.get_text() for each in soup.select("header .failed")]
    assert "the notebook timeline stopped at this cell: ValueError: no such <b>lane</b>" in alerts[1]
    links = [each["href"].removeprefix("#") for each in soup.select("header .failed a")]
    assert all("rror" in soup.find(id=link).get_text() for link in links)
    assert [each.get_text() for each in soup.find_all("h2")] == list(making.NOTEBOOKS)
    kept = nbformat.read(tmp_path / "case/report/timeline.ipynb", 4)
    assert copies.failure(kept)[1] == "ValueError: no such <b>lane</b>"
    assert made.findings.exists()


def test_a_failed_notebook_is_told_by_the_exit_status(tmp_path: Path, with_notebooks, capsys) -> None:
    with_notebooks(timeline="1 / 0")
    case = seedlike.write(tmp_path / "case")
    assert cli.main(["report", str(case), "--quiet"]) == 1
    assert "these notebooks failed, the report lacks their part: timeline" in capsys.readouterr().err
    assert "ZeroDivisionError" in (case / "report/report.html").read_text("utf-8")


def test_a_home_that_cannot_be_written_to_is_no_obstacle(tmp_path: Path, monkeypatch, with_notebooks) -> None:
    for name in ("LANG", "LC_ALL", "XDG_RUNTIME_DIR", "TERM", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/no-home")
    with_notebooks(stats="import matplotlib.pyplot, pathlib; pathlib.Path('~').expanduser().exists()")
    assert make(seedlike.write(tmp_path / "case")).failed == []


def test_a_module_beside_the_notebooks_is_never_imported(tmp_path: Path, with_notebooks) -> None:
    with_notebooks(stats="import pandas; pandas.__version__ == 'hostile'")
    case = seedlike.write(tmp_path / "case")
    (case / "report").mkdir()
    (case / "report" / "pandas.py").write_text("__version__ = 'hostile'", "utf-8")
    assert make(case).failed == []
    kept = nbformat.read(case / "report" / "stats.ipynb", 4)
    assert kept.cells[-1].outputs[0].data["text/plain"] == "False"


def test_a_password_in_the_output_stops_the_report(tmp_path: Path, monkeypatch, with_notebooks) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", "postgresql://me:s3cr%40t-canary@host/db")
    with_notebooks(stats="'it is ' + 's3cr' + '@' + 't-canary'")
    case = seedlike.write(tmp_path / "case")
    with pytest.raises(ReportError, match=r"stats\.ipynb would hold the password .* TRIAGE_DATABASE_URL"):
        make(case)
    assert list((case / "report").glob("*")) == []


def test_an_unknown_parameter_is_refused(tmp_path: Path) -> None:
    source = brief.notebooks(tmp_path / "n") / "stats.ipynb"
    with pytest.raises(ReportError, match="has no parameter cse"):
        kernel.execute(source, {"cse": ".."}, tmp_path, tmp_path / "k")


def test_missing_executed_notebooks_are_named(tmp_path: Path) -> None:
    case = seedlike.write(tmp_path / "case")
    with pytest.raises(ReportError, match="got none: run stats, fk_graph, timeline, hypotheses with papermill"):
        make(case, notebooks=[])


@pytest.mark.parametrize(("given", "kept"), [
    ('<a href="javascript:x()">a</a>', "<a>a</a>"),
    ('<a href="https://example.org">a</a>', "<a>a</a>"),
    ('<p style="background:url(https://e.org)">a</p>', "<p>a</p>"),
    ("<iframe src=x></iframe><form><input></form>", ""),
    ('<svg onload="x()"><circle/></svg>', ""),
])  # fmt: skip
def test_foreign_markup_is_removed(given: str, kept: str) -> None:
    assert sanitise.html(given) == kept


def test_a_drawing_keeps_shapes_and_loses_what_acts() -> None:
    given = '<svg viewBox="0 0 1 1"><a href="https://e.org"><text x="1">t</text></a>'
    given += "<foreignObject><p>x</p></foreignObject></svg>"
    assert sanitise.svg(given) == '<svg viewBox="0 0 1 1"><text x="1">t</text></svg>'


def test_secrets_are_found_where_variables_hold_them() -> None:
    environment = {"PGPASSWORD": "abc", "A": "postgresql://u:longer@h/d", "B": "https://example.org", "C": "x://["}
    assert secrets.found(environment) == {"A": "longer"}  # three characters occur in any text


def test_the_page_is_printed_by_a_browser(tmp_path: Path, chromium: Path, monkeypatch, with_notebooks) -> None:
    monkeypatch.setenv("TRIAGE_CHROMIUM", str(chromium))
    with_notebooks(stats="'seen on paper'")
    made = make(seedlike.write(tmp_path / "case"), pdf=True)
    assert made.pdf == tmp_path / "case/report/report.pdf"
    assert made.pdf.read_bytes().startswith(b"%PDF-")
    assert made.pdf.stat().st_mode & 0o077 == 0
    again = make(tmp_path / "case")  # without: no paper of an earlier page stays beside the new one
    assert not again.html.with_suffix(".pdf").exists()


def test_no_browser_is_said_before_anything_is_run(tmp_path: Path, monkeypatch, with_notebooks) -> None:
    with_notebooks()
    case = seedlike.write(tmp_path / "case")
    monkeypatch.setattr(printing, "PLACES", ())
    monkeypatch.delenv("TRIAGE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReportError, match=r"no PDF was made: none of chromium, .* print it"):
        make(case, pdf=True)
    monkeypatch.setenv("TRIAGE_CHROMIUM", "no-such-browser")
    with pytest.raises(ReportError, match="TRIAGE_CHROMIUM names 'no-such-browser'"):
        make(case, pdf=True)
    assert not (case / "report").exists()


def test_a_browser_that_fails_leaves_the_page_and_says_what_it_said(tmp_path: Path) -> None:
    page, failing = tmp_path / "report.html", tmp_path / "browser"
    page.write_text("<p>x</p>", "utf-8")
    failing.write_text("#!/bin/sh\necho no display >&2\nexit 7\n", "utf-8")
    failing.chmod(0o755)
    with pytest.raises(ReportError, match=r"ended with 7: no display; .* print it"):
        printing.pdf(page, str(failing))
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".pdf"] == []


def test_the_frame_of_a_page_weighs_little(tmp_path: Path) -> None:
    """Style, script, words and code of a page that has nothing to show: what every mail of a report carries."""
    draft = Draft.begin(tmp_path)
    for name in schemas.evidence_names():
        if name not in ("collection", "questions"):
            draft.write(name, schemas.empty(name))
    asked = pd.Timestamp("2025-10-08T10:45:00Z").to_pydatetime()
    draft.note(collected_at=asked, host="db", schemas=["s"])
    draft.seal()
    (tmp_path / "case.yaml").write_text("title: Nothing\ndatabase: {url: postgresql://db/d, schemas: [s]}\n")
    page = BeautifulSoup(make(tmp_path).html.read_text(encoding="utf-8"), "html.parser")
    for figure in page.find_all("figure"):
        figure.decompose()
    assert len(str(page).encode()) <= 60_000
