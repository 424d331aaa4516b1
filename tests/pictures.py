"""Pictures of pages as readers see them, to be looked at, and what a machine can say of the same pages.

    TRIAGE_AXE=FOLDER python tests/pictures.py OUT REPORT.html…

For each page OUT/NAME/ holds the first screen and the whole page in slices, on a desktop, in the dark and on a phone,
and every printed page (pdftoppm of poppler turns them into pictures; without it there is the PDF). NAME is the name of
the folder that holds the page's ``report/``. Printed is for each page: how high the first screen's summary reaches,
what lies beside the window, which words are broken inside, what it asked of the network, what its console said, and
what axe-core calls serious.
The README's first picture is a first screen of these.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import browser

LOOKS = {"desktop": (1280, 800, "light"), "dark": (1280, 800, "dark"), "phone": (390, 844, "light")}
NAMES = ("chromium", "chromium-browser", "google-chrome")
SLICE, MOST = 1800, 60  # pixels of a slice; slices of one look
A4 = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True, "preferCSSPageSize": True}
GRAVE = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(
  each => `${each.impact}: ${each.id} (${each.nodes.length}): ${each.nodes[0].target.join(' ')}`))"""
CUT = """[...document.querySelectorAll('body *')].filter(each => {
  for (let up = each; up; up = up.parentElement) if (getComputedStyle(up).overflowX !== 'visible') return false;
  return each.getBoundingClientRect().right > innerWidth + 1;
}).map(each => each.outerHTML.slice(0, 120))"""

PUSHED = """[...document.querySelectorAll('.scroll, figure, pre')]
  .filter(each => each.scrollWidth > each.clientWidth + 1)
  .map(each => `${each.getAttribute('aria-label') ?? each.tagName} by ${each.scrollWidth - each.clientWidth}`)"""


def main(out: Path, pages: list[Path]) -> int:
    """Look at each page; returns the exit status: 1 where something grave was found."""
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        print("no Chromium was found on PATH: install one", file=sys.stderr)
        return 2
    grave = 0
    with tempfile.TemporaryDirectory() as scratch, browser.opened(Path(program), Path(scratch)) as tab:
        for page in pages:
            folder = out / page.resolve().parents[1].name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            told = [said for look in LOOKS for said in on_screen(tab, page, look, folder)]
            printed(tab, page, folder)
            grave += any(not said.startswith("  ") for said in told)
            print(f"{folder.name}:", *(said.strip() for said in told), sep="\n  ")
    return 1 if grave else 0


def on_screen(tab: browser.Page, page: Path, look: str, folder: Path) -> list[str]:
    """Take the slices of one look; lines of what is to be said, indented where it is no fault."""
    width, height, scheme = LOOKS[look]
    tab.size(width, height)
    tab.prefer(scheme=scheme)
    tab.open(page.resolve().as_uri())
    tab.picture(folder / f"{look}-first.png")
    ends = tab.ask("Math.round(document.querySelector('.brief')?.getBoundingClientRect().bottom ?? 0)")
    total = tab.ask("document.documentElement.scrollHeight")
    said = [f"  {look}: the summary ends at {ends} of {height}, the page at {total}"]
    asked = [each for each in tab.requests if not each.startswith(("data:", "file:"))]
    said += [f"{look}: {word}: {each}" for word, found in (("asked", asked), ("console", tab.said)) for each in found]
    said += [f"{look}: beside the window: {each}" for each in tab.ask(CUT)]
    said += [f"{look}: broken inside: {each}" for each in tab.ask(browser.BROKEN)[:9]]
    said += [f"  {look}: to be pushed sideways: {each}" for each in tab.ask(PUSHED) if width > 900]
    said += [f"{'' if each.startswith(('serious', 'critical')) else '  '}{look}: axe: {each}" for each in axe(tab)]
    tab.size(width, SLICE)
    for number, top in enumerate(range(0, min(tab.ask("document.documentElement.scrollHeight"), SLICE * MOST), SLICE)):
        tab.ask(f"scrollTo({{top: {top}, behavior: 'instant'}})")
        tab.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        tab.picture(folder / f"{look}-{number:02d}.png")
    return said


def axe(tab: browser.Page) -> list[str]:
    """What axe-core finds, with its weight; nothing where it is not there."""
    script = Path(os.environ.get("TRIAGE_AXE", "")) / "axe.min.js"
    if not script.is_file():
        return []
    tab.ask(f"{script.read_text('utf-8')}; 0")
    return tab.ask(GRAVE) or ["none: nothing found"]


def printed(tab: browser.Page, page: Path, folder: Path) -> None:
    """The page as it leaves a desktop's printer; a telephone's drawings are no part of that."""
    tab.size(*LOOKS["desktop"][:2])
    tab.open(page.resolve().as_uri())
    tab.call("Emulation.setEmulatedMedia", media="", features=[])
    pdf = folder / "print.pdf"
    pdf.write_bytes(base64.b64decode(tab.call("Page.printToPDF", **A4)["data"]))
    if shutil.which("pdftoppm"):
        subprocess.run(["pdftoppm", "-r", "60", "-png", str(pdf), str(folder / "print")], check=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]]))
