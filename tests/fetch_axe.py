"""Fetch axe-core, which checks a page's accessibility, from npm into a folder: python tests/fetch_axe.py FOLDER

Afterwards FOLDER/axe.min.js is there and TRIAGE_AXE=FOLDER lets the tests of the page use it, without a network. What
is there already is kept. Needs npm, nothing of the package is executed by it. axe-core is MPL-2.0 and is not shipped.
"""

import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
FILE = "axe.min.js"


def main(folder: Path) -> int:
    """Fetch what is missing; returns the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / FILE).is_file():
        try:
            fetch(folder)
        except (OSError, subprocess.CalledProcessError, tarfile.TarError) as error:
            print(f"axe-core {VERSION} could not be fetched by npm: {error}", file=sys.stderr)
            return 1
    print(f"axe-core in {folder / FILE}")
    return 0


def fetch(folder: Path) -> None:
    """Unpack the one file of the package that a browser needs."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        subprocess.run(["npm", "pack", "--silent", f"axe-core@{VERSION}"], cwd=scratch, check=True, stdout=sys.stderr)
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as packed:
            packed.extraction_filter = getattr(tarfile, "data_filter", None)  # it came with 3.11.4
            packed.extract(f"package/{FILE}", scratch)
        (Path(scratch) / "package" / FILE).rename(folder / FILE)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/fetch_axe.py FOLDER")
    sys.exit(main(Path(sys.argv[1]).absolute()))
