"""The whole way on a case like the first incident: papermill alone, then the report, with hostile names throughout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import claims
import nbformat
import pytest
import seedlike
from bs4 import BeautifulSoup

from triage_kit.report import make
from triage_kit.resources import PACKAGE, resource_dir

SECTIONS = [
    "Summary and recovery clock", "Affected tables", "Findings with evidence", "Foreign keys", "Timeline", "Hypotheses",
    "Recovery options", "Recommendations", "Next steps", "Files to review", "Gaps and provenance", "Glossary",
]  # fmt: skip
SCRIPT = "<script>document.title='XSS'</script>"
IMAGE = "<img src=x onerror=\"document.title='XSS'\">"
BREAKING = "a\"'}{ \u202eb\nc"
LONG = "ש" * 31


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A case whose tables and title try to break out of the page; its folder has braces and blanks."""
    folder = tmp_path_factory.mktemp("hostile") / "case {x} y"
    seedlike.write(folder, assets=SCRIPT, users=IMAGE, engagements=BREAKING, data_imports=LONG)
    told = (folder / "case.yaml").read_text("utf-8")
    (folder / "case.yaml").write_text(
        told.replace("Assets empty after", SCRIPT.replace("'", "`")).replace("[migration.assets]", "[]"), "utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def executed(hostile: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Each notebook through papermill's own command line with the parameter ``case`` and nothing else."""
    copies = tmp_path_factory.mktemp("executed")
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    for source in sorted(resource_dir("notebooks").glob("*.ipynb")):
        command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), str(copies / source.name)]
        parameter = ["-p", "case", str(hostile)]
        done = subprocess.run([*command, *parameter], capture_output=True, cwd=copies, env=environment, timeout=300)
        assert done.returncode == 0, f"{source.name}: {done.stderr.decode()[-3000:]}"
    return sorted(copies.glob("*.ipynb"))


@pytest.fixture(scope="module")
def page(hostile: Path, executed: list[Path]) -> Iterator[Path]:
    """The report made of the executed notebooks."""
    made = make(hostile, notebooks=executed)
    assert made.failed == []
    return made.html


def test_papermill_alone_runs_every_notebook(executed: list[Path]) -> None:
    assert [path.stem for path in executed] == ["fk_graph", "hypotheses", "stats", "timeline"]
    for path in executed:
        outputs = [each for cell in nbformat.read(path, 4).cells for each in cell.get("outputs", [])]
        assert sum(each.output_type == "execute_result" for each in outputs) >= 3
        assert not [each for each in outputs if each.output_type == "error"]


def test_the_report_has_every_section_in_order(page: Path) -> None:
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    assert [each.get_text() for each in soup.find_all("h2")] == SECTIONS
    assert [each.get_text() for each in soup.select("#contents > li > a")] == SECTIONS
    ids = [each["id"] for each in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_every_link_leads_to_a_place_in_the_page(page: Path) -> None:
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    ids = {each["id"] for each in soup.find_all(id=True)}
    links = [each["href"] for each in soup.find_all("a", href=True)]
    assert len([link for link in links if re.match(r"#E\d+$", link)]) > 30
    assert {link.removeprefix("#") for link in links} <= ids


def test_every_claim_of_the_page_leads_to_an_evidence_row(page: Path) -> None:
    assert claims.unlinked(page) == []


def test_the_page_asks_nothing_of_the_network(page: Path) -> None:
    text = page.read_text("utf-8")
    soup = BeautifulSoup(text, "html.parser")
    sources = [
        each.get(name) for each in soup.find_all(True) for name in ("src", "href", "xlink:href", "action", "data")
    ]
    assert not [each for each in sources if each and not each.startswith(("#", "data:image/"))]
    assert not soup.find_all(["link", "iframe", "object", "embed", "base", "form"])
    assert not re.search(
        r"@import|url\(\s*['\"]?(?!data:|#)", "".join(each.get_text() for each in soup.find_all("style"))
    )
    assert len(soup.find_all("script")) == 1


def test_the_head_names_incident_server_and_collection(page: Path) -> None:
    head = BeautifulSoup(page.read_text("utf-8"), "html.parser").find("header").get_text(" ")
    for fact in ("INC-2025-1008", "migration backend", "high", "on-call", "PostgreSQL 18.0", "migration_db", "triage",
                 "2025-10-08 10:45:00 UTC (12:45:00 Europe/Berlin)"):  # fmt: skip
        assert fact in head
    assert "Practice incident" not in head


def test_hostile_names_are_shown_whole(page: Path) -> None:
    shown = BeautifulSoup(page.read_text("utf-8"), "html.parser").find("main").get_text()
    for name in (SCRIPT, IMAGE.replace('"', '""'), "\\u202eb\\nc", LONG):
        assert name in shown
    assert "\u202e" not in page.read_text("utf-8")


def test_figures_have_alternative_texts(page: Path) -> None:
    soup = BeautifulSoup(page.read_text("utf-8"), "html.parser")
    assert len(soup.find_all("img")) >= 6
    assert all(len(each["alt"]) > 20 for each in soup.find_all("img"))
    drawn = [each["aria-label"] for each in soup.find_all("figure", role="img")]
    assert drawn[0].startswith("Rows that stand and rows that are gone. migration.")
    assert drawn[1].startswith("Foreign-key graph of")


def test_nothing_runs_in_a_browser_with_the_policy_and_without(page: Path, chromium: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    bare = re.sub(r"<meta[^>]*Content-Security-Policy[^>]*>", "", text)
    assert bare != text
    control = bare.replace("</main>", f"<p>{SCRIPT}</p></main>")
    shown = {}
    for name, content in (("guarded", text), ("bare", bare), ("control", control)):
        (tmp_path / f"{name}.html").write_text(content, "utf-8")
        shown[name] = BeautifulSoup(dump(chromium, tmp_path / f"{name}.html", tmp_path), "html.parser")
    assert shown["control"].title.get_text() == "XSS"  # the browser does run scripts
    for name in ("guarded", "bare"):
        assert shown[name].title.get_text().startswith("<script>document.title=`XSS`</script>")
        assert shown[name].select("th button")  # our own script ran


def dump(chromium: Path, page: Path, folder: Path) -> str:
    """The page's elements after its scripts ran."""
    command = [str(chromium), "--headless=new", "--no-sandbox", "--disable-gpu",
               "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


def test_findings_fit_their_schema_and_a_broken_one_does_not(page: Path) -> None:
    import jsonschema

    schema = json.loads((Path(make.__code__.co_filename).parent / "findings.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    findings = json.loads((page.parent / "findings.json").read_text("utf-8"))
    assert list(validator.iter_errors(findings)) == []
    for path, wrong in (("status", "gone"), ("probability", 1.2), ("lost_between", ["2025-10-08 10:00", None]),
                        ("mechanisms", {"truncate": 1.0}), ("because", ["3"])):  # fmt: skip
        damaged = {**findings, "tables": [{**findings["tables"][0], path: wrong}]}
        assert list(validator.iter_errors(damaged)), path
    assert list(validator.iter_errors({key: value for key, value in findings.items() if key != "gaps"}))


def test_the_findings_are_those_of_the_incident(page: Path) -> None:
    findings = json.loads((page.parent / "findings.json").read_text("utf-8"))
    missing = {each["table"]: each["missing_rows"] for each in findings["tables"] if each["missing_rows"]}
    assert missing == {SCRIPT: 48, "discovery_flows": 7, LONG: 8, "raw_import_records": 115, "collection_flows": 40,
                       "crewai_flow_state_extensions": 64}  # fmt: skip
