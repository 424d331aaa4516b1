"""The page as PDF, printed by a browser of this machine; the kit brings none."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from triage_kit.errors import ReportError

VARIABLE = "TRIAGE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
PATIENCE = 180  # seconds; a page of 3 MB takes few
ELSE = "or open report.html in any browser and print it"


def browser() -> str:
    """Path of a Chromium-like browser: ``$TRIAGE_CHROMIUM``, else the first on PATH or in its usual place.

    Raises ReportError that says where was looked.
    """
    named = os.environ.get(VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ReportError(f"{VARIABLE} names {named!r}, which is no program: correct it, {ELSE}")
        return found
    on_path = [path for path in map(shutil.which, NAMES) if path]
    placed = [path for path in PLACES if os.access(path, os.X_OK)]
    if not (on_path or placed):
        raise ReportError(
            f"no PDF was made: none of {', '.join(NAMES)} is on PATH; install one, name it in {VARIABLE}, {ELSE}"
        )
    return (on_path + placed)[0]


def pdf(page: Path, program: str | None = None) -> Path:
    """Print the page beside itself, as ``.pdf``; its owner alone may read it.

    Parameters
    ----------
    page : the HTML file; nothing else is loaded, its own policy forbids it.
    program : the browser; by default the one that ``browser`` finds.

    Raises
    ------
    ReportError when there is no browser, or when it makes no PDF: the message says what it said.
    """
    chosen = program or browser()
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="tk-", ignore_cleanup_errors=True) as private:
        made = Path(private) / "page.pdf"
        command = [chosen, "--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking",
                   "--disable-sync", "--disable-component-update", "--no-pdf-header-footer",
                   f"--user-data-dir={Path(private) / 'profile'}", f"--print-to-pdf={made}"]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium's own sandbox refuses root
        try:
            done = subprocess.run([*command, page.resolve().as_uri()], stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=PATIENCE, check=False)  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReportError(f"no PDF was made: {chosen} failed ({type(error).__name__}): {ELSE}") from None
        if not made.is_file() or not made.read_bytes().startswith(b"%PDF-"):
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise ReportError(
                f"no PDF was made: {chosen} ended with {done.returncode}"
                f"{': ' + said[-1][:300] if said else ''}; update it, {ELSE}"
            )
        _put(made, target)
    return target


def _put(made: Path, target: Path) -> None:
    beside = target.with_suffix(".pdf.new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(made.read_bytes())
        beside.replace(target)
    except OSError as error:
        raise ReportError(f"{target} cannot be written ({error.strerror or error}): free space, {ELSE}") from None
