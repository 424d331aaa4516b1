"""Beginning a case: the commented case.yaml and the notebooks of a new folder."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from triage_kit import case as cases
from triage_kit.errors import CaseError
from triage_kit.files import copy_private, private_folder, write_private
from triage_kit.resources import resource_dir

EXAMPLE_URL = "postgresql://triage@localhost:5432/postgres"


def init(folder: str | Path, url: str | None = None) -> list[Path]:
    """Write the commented case.yaml and copy the notebooks beside it; returns what was written.

    Raises CaseError when a file is there already (nothing is overwritten, nothing written) or when the URL is wrong
    or holds a password.
    """
    home = Path(folder)
    file = home / "case.yaml"
    text = (resource_dir("templates") / "case.yaml").read_text(encoding="utf-8")
    if url is not None:
        _check_url(url, file)
        text = text.replace(EXAMPLE_URL, json.dumps(url))  # a JSON text is a YAML text, whatever it holds
    copies = {home / source.name: source for source in sorted(resource_dir("notebooks").glob("*.ipynb"))}
    with _written(home):
        there = [path.name for path in (file, *copies) if path.exists()]
    if there:
        raise CaseError(f"{home} has {', '.join(there)} already: name another folder, or move them away")
    with _written(home), _whole_or_not(home, (file, *copies)):
        _begin(home, file, text)
        for path, source in copies.items():
            copy_private(source, path)
    return [file, *copies]


@contextlib.contextmanager
def _whole_or_not(home: Path, paths: tuple[Path, ...]) -> Iterator[None]:
    """Take back what was written when the rest cannot be: what is half there would stop the next try."""
    made = not home.exists()
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):
                home.rmdir()
        raise


def baseline_case(folder: str | Path, url: str) -> cases.Case:
    """The case of a baseline, written to ``folder``: the database alone, no logs, no counting.

    Raises CaseError when the URL is wrong or holds a password, or when the folder has another case.
    """
    home = Path(folder)
    file = home / "case.yaml"
    _check_url(url, file)
    text = f"title: Baseline\ndatabase: {{url: {json.dumps(url)}}}\ncounting: none\n"
    if file.exists() and file.read_text(encoding="utf-8") != text:
        raise CaseError(f"{file} is the case of something else: name another folder for the baseline")
    with _written(home):
        _begin(home, file, text)
    return cases.load(file)


def _begin(home: Path, file: Path, text: str) -> None:
    if not home.is_dir():  # one that is there may be shared on purpose
        private_folder(home)
    write_private(file, text)


@contextlib.contextmanager
def _written(home: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CaseError(f"{home} cannot be written ({error.strerror or error}): name another folder") from None


def _check_url(url: str, file: Path) -> None:
    try:
        cases.build({"database": {"url": url}}, file)
    except CaseError as error:  # which says where in case.yaml: here it stands on the command line
        raise CaseError(str(error).split("\n", 1)[-1].strip().replace("database.url", "--url", 1)) from None
