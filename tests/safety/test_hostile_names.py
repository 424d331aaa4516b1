"""Names and contents of a real server that try to be code: shown whole, and never run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import unicodedata
from pathlib import Path

import hostile
import nbformat
from attacks import Attacked
from bs4 import BeautifulSoup
from nbconvert import HTMLExporter

UNSEEN = ("Cc", "Cf", "Zl", "Zp")
ACTING = ("src", "href", "action", "formaction", "data", "poster", "background", "srcset", "xlink:href", "ping")


def spelt(text: str) -> str:
    """Text as a reader sees it: what has no shape is written as an escape."""
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in UNSEEN else each for each in text
    )


def qualified(name: str, schema: str = "public") -> str:
    """The name as the report writes it: a part in quotes where it holds a point, comma, colon or quote."""
    return ".".join(
        f'"{part.replace(chr(34), chr(34) * 2)}"' if set(part) & set('.",:') else part for part in (schema, name)
    )


def test_the_run_ends_well_and_finds_the_damage(attacked: Attacked) -> None:
    assert attacked.said.returncode == 0, attacked.said.stderr.decode()
    tables = {(each["schema"], each["table"]): each for each in read_findings(attacked)["tables"]}
    lost = {name for name, each in tables.items() if each["status"] == "wiped"}
    assert lost == attacked.case.emptied | {("public", hostile.DELETED)}
    assert {tables[name]["mechanism"] for name in attacked.case.emptied} == {"truncate"}


def test_findings_hold_every_name_exactly(attacked: Attacked) -> None:
    findings = read_findings(attacked)
    names = {each["table"] for each in findings["tables"] if each["schema"] == "public"}
    assert names >= set(hostile.NAMES)
    assert hostile.SCHEMA in {each["schema"] for each in findings["tables"]}
    assert findings["title"] == hostile.TITLE
    assert findings["server"]["database"] == hostile.DATABASE
    assert hostile.ROLE in {each["user"] for each in findings["statements"]}
    assert hostile.NOTE in {each["text"] for each in findings["timeline"]}
    paths = {each["path"] for each in findings["review"]}
    assert paths >= {f"migrations/{path.name}" for path in (attacked.case.folder / "repo/migrations").iterdir()}


def test_every_name_stands_whole_in_the_page(attacked: Attacked) -> None:
    page = (attacked.report / "report.html").read_text("utf-8")
    shown = BeautifulSoup(page, "html.parser").find("body").get_text()
    missing = [name for name in hostile.NAMES if spelt(qualified(name)) not in shown]
    assert missing == []
    for text in (hostile.TITLE, hostile.SCHEMA.replace('"', '""'), hostile.ROLE, hostile.DATABASE):
        assert spelt(text) in shown, text
    unseen = {each for each in page if unicodedata.category(each) in UNSEEN and each not in "\n\t"}
    assert unseen == set()


def test_the_drawing_names_its_tables_whole(attacked: Attacked) -> None:
    page = BeautifulSoup((attacked.report / "report.html").read_text("utf-8"), "html.parser")
    titles = " ".join(each.get_text() for each in page.select("figure.inline svg title"))
    for schema, name in attacked.case.emptied:
        assert spelt(qualified(name, schema)) in titles


def test_the_page_asks_for_nothing_and_offers_no_export(attacked: Attacked) -> None:
    page = BeautifulSoup((attacked.report / "report.html").read_text("utf-8"), "html.parser")
    wanted = [
        (each.name, name, each[name])
        for each in page.find_all(True)
        for name in ACTING
        if each.has_attr(name) and not each[name].startswith(("#", "data:image/"))
    ]
    assert wanted == []
    assert [each.name for each in page.find_all(["link", "iframe", "object", "embed", "base", "form"])] == []
    assert [name for each in page.find_all(True) for name in each.attrs if name.lower().startswith("on")] == []
    assert len(page.find_all("script")) == 1
    assert len(page.find_all("style")) == 1
    assert re.findall(r"@import|url\((?!data:)", page.find("style").get_text()) == []
    # No spreadsheet is ever written, so no cell can become a formula: the page must not offer to make one.
    own = page.find("script").get_text() + " ".join(each.get_text() for each in page.find_all("button"))
    assert re.findall(r"(?i)csv|blob|createObjectURL|download|clipboard|fetch\(|XMLHttp", own) == []


def test_no_table_is_exported_for_a_spreadsheet(attacked: Attacked) -> None:
    written = {
        each.suffix
        for each in attacked.case.folder.rglob("*")
        if each.is_file() and not {"repo", "log"} & set(each.relative_to(attacked.case.folder).parts)
    }
    assert written <= {".parquet", ".json", ".html", ".ipynb", ".yaml", ".zst", ""}


def test_nothing_runs_in_a_browser(attacked: Attacked, chromium: Path, tmp_path: Path) -> None:
    text = whole((attacked.report / "report.html").read_text("utf-8"))
    bare = re.sub(r"<meta[^>]*Content-Security-Policy[^>]*>", "", text)
    assert bare != text
    control = bare.replace("</main>", f"<p>{hostile.SCRIPT}</p><img src='https://evil.invalid/control'></main>")
    shown, asked = {}, {}
    for name, content in (("guarded", text), ("bare", bare), ("control", control)):
        shown[name], asked[name] = browse(chromium, content, tmp_path / name)
    assert shown["control"].title.get_text() == "XSS"  # the browser runs scripts and asks for images
    assert any("evil.invalid" in url for url in asked["control"])
    for name in ("guarded", "bare"):
        assert shown[name].title.get_text() == spelt(hostile.TITLE)
        assert shown[name].select("th button")  # our own script ran
        assert shown[name].select("button.more")  # and holds rows back until they are asked for
        assert asked[name] == set()
        body = shown[name].find("body").get_text()
        assert [each for each in hostile.NAMES if spelt(qualified(each)) not in body] == []


def whole(text: str) -> str:
    """The page with all rows of its long tables put in, as before it is printed; its policy lets that one line run."""
    asks = 'dispatchEvent(new Event("beforeprint"))'
    allowed = base64.b64encode(hashlib.sha256(asks.encode()).digest()).decode()
    assert text.count("script-src ") == text.count("</body>") == 1
    return text.replace("script-src ", f"script-src 'sha256-{allowed}' ").replace(
        "</body>", f"<script>{asks}</script></body>"
    )


def test_executed_notebooks_run_nothing_in_the_stock_exporter(
    attacked: Attacked, chromium: Path, tmp_path: Path
) -> None:
    cells = []
    for path in sorted(attacked.report.glob("*.ipynb")):
        cells += nbformat.read(path, 4).cells
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
    joined = nbformat.v4.new_notebook(cells=cells)
    stock, _ = HTMLExporter().from_notebook_node(joined, {"metadata": {"name": "joined"}})
    outputs = BeautifulSoup(stock, "html.parser").select(".jp-OutputArea-output")
    assert len(outputs) > 20
    acting = [each for output in outputs for each in output.find_all(["script", "iframe", "object", "embed"])]
    acting += [
        each
        for output in outputs
        for each in output.find_all(True)
        if any(name.lower().startswith("on") for name in each.attrs)
    ]
    assert acting == []
    local = re.sub(r"<script[^>]*(?:src=|type=.module)[^>]*>.*?</script>", "", stock, flags=re.DOTALL)
    page, asked = browse(chromium, local, tmp_path / "stock")
    assert page.title.get_text() == "joined"
    assert not any("evil" in url for url in asked)


def test_the_console_shows_what_would_act_on_a_terminal(attacked: Attacked) -> None:
    for stream in (attacked.said.stdout, attacked.said.stderr):
        said = stream.decode("utf-8")
        assert {each for each in said if unicodedata.category(each) in UNSEEN and each not in "\n\t"} == set()
    said = attacked.said.stdout.decode("utf-8")
    lines = said.splitlines()
    assert lines[0].startswith("looking at ")
    assert spelt(hostile.DATABASE) in lines[0]
    assert not [line for line in lines if line.startswith(("report:    /forged", "stop now: nothing", '".'))]
    assert spelt(hostile.SCHEMA.replace('"', '""')) in said


def test_an_error_shows_what_would_act_on_a_terminal(tmp_path: Path) -> None:
    from attacks import triage

    (tmp_path / "case.yaml").write_bytes('title: x\n"k\\e[2J\u202e": 1\n'.encode())
    for arguments in (("collect", str(tmp_path)), ("collect", str(tmp_path) + "/\x1b[2J\u202e"), ("\x1b]0;x\x07",)):
        said = triage(*arguments).stderr.decode("utf-8")
        assert {each for each in said if unicodedata.category(each) in UNSEEN and each not in "\n\t"} == set()
        assert "\\x1b" in said or arguments[0] != "collect"


def read_findings(attacked: Attacked) -> dict:
    return json.loads((attacked.report / "findings.json").read_text("utf-8"))


def browse(chromium: Path, text: str, folder: Path) -> tuple[BeautifulSoup, set[str]]:
    """The page's elements after its scripts ran, and the URLs that it asked for beyond itself."""
    folder.mkdir()
    page, log = folder / "page.html", folder / "net.json"
    page.write_text(text, "utf-8")
    command = [str(chromium), "--headless=new", "--no-sandbox", "--disable-gpu",
               "--virtual-time-budget=3000", f"--user-data-dir={folder / 'profile'}",
               f"--log-net-log={log}", "--dump-dom", page.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    urls = set(re.findall(r'"url":"([^"]+)"', log.read_text("utf-8", "replace")))
    return BeautifulSoup(done.stdout.decode("utf-8"), "html.parser"), {url for url in urls if not own(url, page)}


def own(url: str, page: Path) -> bool:
    """Whether a URL is the page itself, or one that the browser asks for on its own whatever the page."""
    googles = r"https?://([\w-]+\.)*(google|googleapis|gvt1|gstatic|googleusercontent)\.com[/:]"
    return url in (page.as_uri(), "about:blank") or bool(re.match(googles + "|chrome|devtools|data:image/", url))
