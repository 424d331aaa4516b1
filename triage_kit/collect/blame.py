"""Who changed a line last: git blame of the lines that matter, within bounds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from triage_kit.collect.git import Commit, run
from triage_kit.errors import SourceError

_SECONDS, _ONE = 30.0, 10.0  # in all, and for one file
_MOST_FILES, _MOST_LINES, _LARGEST = 200, 60, 2 << 20
_ARGUMENTS = ("blame", "--porcelain", "--no-textconv")


def read_last_lines(folder: Path, lines: Mapping[str, Iterable[int]]) -> tuple[dict[tuple[str, int], Commit], str]:
    """The commit of the checked-out branch that wrote each line, and what was left out.

    A line that differs from the commit's own, because the file was changed since or lines moved, is left out: the
    history says nothing of it. Whatever git refuses for one file leaves that file out.
    """
    until, found, left = time.monotonic() + _SECONDS, {}, 0
    for number, (path, wanted) in enumerate(sorted(lines.items())):
        if number >= _MOST_FILES or time.monotonic() > until:
            left += 1
            continue
        standing = _standing(folder / path)
        chosen = [line for line in sorted(set(wanted)) if 0 < line <= len(standing)][:_MOST_LINES]
        if not chosen:
            continue
        spans = [part for line in chosen for part in ("-L", f"{line},{line}")]
        for line, commit, text in _blamed(_told(folder, path, spans)):
            if line in chosen and text.rstrip(b"\r") == standing[line - 1].rstrip(b"\r"):
                found[path, line] = commit
    return found, f"{left} files whose lines were not looked up" if left else ""


def _told(folder: Path, path: str, spans: list[str]) -> bytes:
    for bounds in (spans, []):  # git refuses a line that the commit does not have: then all lines are asked for
        try:
            return run(folder, [*_ARGUMENTS, *bounds, "HEAD", "--", path], _ONE)
        except SourceError:
            continue
    return b""


def _standing(path: Path) -> list[bytes]:
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            return []
        return path.read_bytes().split(b"\n")
    except OSError:
        return []


def _blamed(told: bytes) -> Iterator[tuple[int, Commit, bytes]]:
    """Line, commit and text out of ``git blame --porcelain``: a commit is described where it comes first."""
    known: dict[str, dict[str, str]] = {}
    sha, line, about = "", 0, {}
    for row in told.split(b"\n"):
        if row.startswith(b"\t"):
            known[sha] = known.get(sha, {}) | about
            yield line, _commit(sha, known[sha]), row[1:]
            sha, about = "", {}
            continue
        first, _, rest = row.decode("utf-8", "surrogateescape").partition(" ")
        if not sha:
            places = rest.split()
            sha, line = first, int(places[1]) if len(places) > 1 else 0
        else:
            about[first] = rest


def _commit(sha: str, about: Mapping[str, str]) -> Commit:
    authored, committed = (datetime.fromtimestamp(int(about.get(key, "0")), UTC)
                           for key in ("author-time", "committer-time"))  # fmt: skip
    return Commit(sha, about.get("author", ""), authored, committed, about.get("summary", ""), ())
