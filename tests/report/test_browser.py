"""The page in a real browser: nothing asked of the network, nothing cut on a phone, usable by keyboard and reader."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import browser  # tests/browser.py; conftest.py puts this folder on the path
import pytest

GRAVE = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .map(each => [each.id, each.nodes.map(node => node.target.join(' ') + ': ' + node.failureSummary)]))"""
BESIDE = """[...document.querySelectorAll('body *')].filter(each => {
  for (let up = each; up; up = up.parentElement) if (getComputedStyle(up).overflowX !== 'visible') return false;
  return each.getBoundingClientRect().right > innerWidth + 1;
}).map(each => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def address(reported) -> str:
    """The report of a case like the first incident, as a file."""
    return reported.made.html.as_uri()


@pytest.fixture(scope="module")
def tab(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Page]:
    with browser.opened(chromium, tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(tab: browser.Page, address: str) -> browser.Page:
    """The report on a desktop, light; each test opens it anew."""
    tab.prefer()
    tab.size(1300)
    tab.open(address)
    return tab


def test_it_asks_nothing_of_the_network_and_complains_of_nothing(page: browser.Page, address: str) -> None:
    page.ask("scrollTo(0, document.body.scrollHeight)")
    page.until("scrollY > 0")
    assert {each for each in page.requests if not each.startswith("data:image/")} == {address}
    assert page.said == []


@pytest.mark.parametrize("width", [320, 390, 768, 1300])
def test_the_page_never_scrolls_sideways(page: browser.Page, width: int) -> None:
    page.size(width)
    assert page.ask("document.documentElement.scrollWidth") <= width
    assert page.ask(BESIDE) == []


@pytest.mark.parametrize(("width", "media"), [(390, "screen"), (1280, "screen"), (700, "print")])
def test_a_long_name_breaks_at_its_joints_and_no_word_inside(page: browser.Page, width: int, media: str) -> None:
    page.prefer(media)
    page.size(width)
    assert page.ask(browser.BROKEN) == []


def test_on_a_desktop_no_table_has_to_be_pushed_sideways(page: browser.Page) -> None:
    page.size(1280)
    wide = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth + 1)"
    assert page.ask(f"{wide}.map(each => each.getAttribute('aria-label'))") == []


@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (1300, "dark"), (390, "light")])
def test_axe_finds_nothing_serious(page: browser.Page, width: int, scheme: str) -> None:
    script = Path(os.environ.get("TRIAGE_AXE", "")) / "axe.min.js"
    if not script.is_file():
        pytest.skip("axe-core was not found; run python tests/fetch_axe.py FOLDER and set TRIAGE_AXE=FOLDER")
    page.size(width)
    page.prefer(scheme=scheme)
    page.ask(f"{script.read_text('utf-8')}; 0")
    assert page.ask(GRAVE) == []


def test_the_first_screen_answers_on_one_screen(page: browser.Page) -> None:
    for word in ("What did it", "Who", "Since when", "Can it come back", "Stop now", "To decide"):
        top = page.ask(
            f"[...document.querySelectorAll('dt')].find(e => e.textContent === '{word}').getBoundingClientRect().top"
        )
        assert 0 < top < 880, word
    assert page.ask("document.querySelector('.glance').getBoundingClientRect().bottom") < 880


def test_contents_follow_the_reader(page: browser.Page) -> None:
    page.ask("document.querySelector('#s-timeline').scrollIntoView()")
    assert page.until("document.querySelector('nav [aria-current]')?.getAttribute('href') === '#s-timeline'")


def test_a_table_sorts_and_filters_by_keyboard(page: browser.Page) -> None:
    column = "[...document.querySelector('table.data').tBodies[0].rows].map(row => row.cells[3].textContent)"
    page.ask("document.querySelectorAll('table.data th button')[3].focus()")
    page.press("Enter", 13, "\r")
    page.until("document.querySelector('table.data th[aria-sort=ascending]')?.cellIndex === 3")
    rising = page.ask(column)
    page.press("Enter", 13, "\r")
    page.until("document.querySelector('table.data th[aria-sort=descending]')?.cellIndex === 3")
    falling = page.ask(column)
    assert sorted(map(int, rising)) == list(map(int, rising))
    assert sorted(map(int, falling), reverse=True) == list(map(int, falling))
    page.ask("document.querySelector('.filter input').focus()")
    page.call("Input.insertText", text="assets")
    shown = page.until("document.querySelector('.filter output').textContent")
    visible = page.ask("[...document.querySelector('table.data').tBodies[0].rows].filter(row => !row.hidden).length")
    assert shown == f"{visible} of {len(rising)} rows"
    assert 0 < visible < len(rising)


def test_a_long_table_shows_its_first_rows_and_keeps_the_others(page: browser.Page, address: str) -> None:
    findings = json.loads(Path(address.removeprefix("file://")).with_name("findings.json").read_text("utf-8"))
    every = [each["id"] for each in findings["evidence"]]
    table = "[...document.querySelectorAll('table.data')].find(t => t.caption.textContent === 'Evidence')"
    seen = f"[...{table}.tBodies[0].rows].map(row => row.id)"
    filtered = f"{table}.closest('.scroll').previousElementSibling.querySelector('input')"
    assert page.ask(seen) == every[:40]
    page.ask(f"{table}.tHead.rows[0].cells[4].querySelector('button').click()")  # sorted by source, out of all rows
    assert len(page.ask(seen)) == 40
    page.ask(f"{filtered}.focus()")
    page.call("Input.insertText", text=every[-1])
    page.until(f"{filtered}.parentElement.querySelector('output').textContent")
    assert every[-1] in page.ask(seen)
    page.ask(f"{filtered}.value = ''; {filtered}.dispatchEvent(new Event('input'))")
    page.ask("dispatchEvent(new Event('beforeprint'))")
    assert set(page.ask(seen)) == set(every)
    page.ask("dispatchEvent(new Event('afterprint'))")
    away = next(each for each in every if each not in page.ask(seen))
    page.ask(f"location.hash = '#{away}'")
    assert page.until("document.querySelector('tr:target')?.id") == away
    page.ask(f"{table}.closest('.scroll').nextElementSibling.click()")
    assert set(page.ask(seen)) == set(every)


def test_a_claim_leads_to_its_evidence_and_that_to_its_source(page: browser.Page) -> None:
    page.click(".answers a[href^='#E']")
    assert page.until("document.querySelector('tr:target')?.id").startswith("E")
    page.ask("document.querySelector(\"tr[id^='E'] a[href^='#Q-']\").focus()")
    page.press("Enter", 13, "\r")
    page.until("location.hash.startsWith('#Q-')")
    assert page.ask("document.querySelector('tr:target').textContent.length") > 10


def test_on_a_phone_a_row_is_a_card_and_still_a_row(page: browser.Page) -> None:
    page.size(390)
    first = "document.querySelector('table.data tbody tr')"
    assert page.ask(f"{first}.cells[1].getBoundingClientRect().top > {first}.cells[0].getBoundingClientRect().top")
    assert page.ask(f"getComputedStyle({first}.cells[1], '::before').content") == '"Expected rows"'
    assert page.ask(f"[{first}, {first}.cells[0]].map(each => each.getAttribute('role'))") == ["row", "cell"]
    assert page.ask(f"{first}.getBoundingClientRect().right") <= 390


def test_a_long_label_of_a_card_pushes_what_follows_it_down(page: browser.Page) -> None:
    page.size(390)
    cell = "document.querySelector('table.data tbody tr').cells[1]"
    height = f"{cell}.getBoundingClientRect().height"
    before = page.ask(height)
    page.ask(f"{cell}.dataset.label = 'as many words as nobody puts into one line of a label'")
    assert page.ask(height) > before * 2


def test_on_a_phone_a_command_is_pushed_sideways_in_its_box_and_never_broken(page: browser.Page) -> None:
    page.size(390)
    told = page.ask("""[...document.querySelectorAll('.where+pre, .freeze pre, .steps pre')].map(box => {
      const tops = [...box.querySelector('code').getClientRects()].map(each => Math.round(each.top));
      return {
        lines: box.textContent.trimEnd().split("\\n").length, high: new Set(tops).size,
        pushed: box.scrollWidth > box.clientWidth + 1, reached: box.tabIndex === 0,
        scrolls: getComputedStyle(box).overflowX, wide: box.getBoundingClientRect().right <= innerWidth,
      };
    })""")
    assert any(each["pushed"] for each in told)
    for each in told:
        assert each["wide"]
        assert each["reached"] is each["pushed"]
        assert each["scrolls"] == "auto"
        assert each["high"] <= each["lines"]


def test_a_table_of_two_columns_stays_one_on_a_phone(page: browser.Page) -> None:
    page.size(390)
    table = "[...document.querySelectorAll('table.data')].find(each => each.caption.textContent === 'Provenance')"
    row = f"{table}.tBodies[0].rows[0]"
    assert page.ask(f"{row}.cells[0].getBoundingClientRect().top === {row}.cells[1].getBoundingClientRect().top")
    assert page.ask(f"getComputedStyle({row}.cells[1], '::before').content") == "none"


def test_on_a_phone_figures_stand_in_pictures_of_its_width(page: browser.Page) -> None:
    image = "document.querySelector('img[alt^=\"Bars of expected\"]')"
    wide = page.ask(f"{image}.currentSrc")
    page.size(390)
    page.until(f"{image}.currentSrc !== {json.dumps(wide)} && {image}.complete")
    assert page.ask(f"{image}.naturalWidth") == 340
    pushed = "[...document.querySelectorAll('figure')].filter(each => each.scrollWidth > each.clientWidth)"
    assert page.ask(f"{pushed}.map(each => each.innerHTML.slice(0, 200))") == []
    keys = "document.querySelector('figure[aria-label^=\"Foreign-key graph\"]')"
    assert page.ask(f"{keys}.querySelector('svg').clientWidth") == 0
    assert page.ask(f"{keys}.querySelector('img').naturalWidth") == 340
    page.size(1280)
    assert page.ask(f"{keys}.querySelector('svg').clientWidth") > 400
    assert page.ask(f"{keys}.querySelector('img').clientWidth") == 0


def test_code_is_folded_until_it_is_asked_for(page: browser.Page) -> None:
    shown = "[...document.querySelectorAll('details.source')].filter(each => each.offsetParent).length"
    assert page.ask(shown) == 0
    page.click("#codes")
    assert page.ask(shown) > 10
    assert page.ask("document.querySelector('#codes').getAttribute('aria-pressed')") == "true"


def test_no_printed_figure_takes_more_than_half_a_sheet(page: browser.Page) -> None:
    page.prefer("print")
    page.size(703)  # 186 mm, what A4 leaves between the margins
    tall = page.ask("Math.max(...[...document.querySelectorAll('figure')].map(each => each.clientHeight))")
    assert 0 < tall < 148.5 / 25.4 * 96


def test_a_command_that_is_longer_than_half_a_sheet_leaves_no_sheet_empty(page: browser.Page) -> None:
    page.prefer("print")
    page.size(703)
    told = page.ask("""[...document.querySelectorAll('main pre')].map(each => (
      {high: each.getBoundingClientRect().height, breaks: getComputedStyle(each).breakInside}))""")
    half = 148.5 / 25.4 * 96
    assert {each["breaks"] for each in told if each["high"] > half} == {"auto"}
    assert {each["breaks"] for each in told if 0 < each["high"] < half / 4} == {"avoid"}


def test_print_cuts_nothing_and_shows_no_controls(page: browser.Page) -> None:
    page.size(794)  # A4 at 96 dots an inch
    page.prefer("print")
    assert page.ask("[...document.querySelectorAll('nav, .filter, .source')].filter(e => e.offsetParent).length") == 0
    cut = "[...document.querySelectorAll('.scroll')].filter(each => each.scrollHeight > each.clientHeight + 1).length"
    assert page.ask(cut) == 0
    assert page.ask("document.documentElement.scrollWidth") <= 794


def test_paper_shows_what_folds_on_a_screen_and_the_screen_folds_it_again(page: browser.Page) -> None:
    folds = "[...document.querySelectorAll('main details:not(.source, .ids)')]"
    assert page.ask(f"{folds}.length") > 0
    page.ask("dispatchEvent(new Event('beforeprint'))")
    assert page.ask(f"{folds}.filter(each => !each.open && each.textContent.length < 1000).length") == 0
    page.ask("dispatchEvent(new Event('afterprint'))")
    assert page.ask(f"{folds}.filter(each => each.open).length") == 0


def test_a_table_that_goes_on_repeats_its_headers_on_paper(page: browser.Page, tmp_path: Path) -> None:
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext was not found; install poppler-utils")
    page.call("Emulation.setEmulatedMedia", media="", features=[])
    (tmp_path / "page.pdf").write_bytes(base64.b64decode(page.call("Page.printToPDF")["data"]))
    said = subprocess.run(["pdftotext", "-layout", "page.pdf", "-"], cwd=tmp_path, capture_output=True, text=True)
    heads = [sheet for sheet in said.stdout.split("\f") if re.search(r"^ *Id +Kind +At +Says +Source", sheet, re.M)]
    assert len(heads) > 2  # the evidence fills several sheets
