"""case.yaml as the kit writes it: whatever a name or a note holds, it is read back as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import hostile
import pytest
import yaml

from triage_kit import case as cases
from triage_kit.lab import demo
from triage_kit.lab.incidents import INCIDENTS
from triage_kit.start import init

SAYINGS = [
    *(name for name in hostile.NAMES if name.strip()),  # a table may be called so; a note that says nothing is refused
    hostile.NOTE,
    hostile.TITLE,
    "- {a: b}",
    "a: b # c",
    "? x",
    "%YAML 1.1",
    "'",
    '"',
    "\\",
    "|\n",
]


def test_the_demo_writes_a_case_that_is_read_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    server = SimpleNamespace(log_directory=tmp_path / "log", url=lambda database, role: _url(database, role))
    seen = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    keys = {
        "title": hostile.TITLE,
        "database": {"name": hostile.DATABASE, "schemas": [hostile.SCHEMA, "null", "1e5", "=cmd()"]},
        "reported": ["yes", "@x"],
        "notes": [{"at": seen, "text": text} for text in SAYINGS],
        "noticed_at": seen,
    }
    (tmp_path / "case").mkdir()
    demo.write_case(tmp_path / "case", INCIDENTS["seed"], keys, server, hostile.ROLE)
    read = cases.load(tmp_path / "case")
    assert [(note.at, note.text) for note in read.notes] == [(seen, text) for text in SAYINGS]
    assert (read.title, read.noticed_at, read.reported) == (hostile.TITLE, seen, ["yes", "@x"])
    assert read.database.schemas == keys["database"]["schemas"]
    assert read.database.url == _url(hostile.DATABASE, hostile.ROLE)


def _url(database: str, role: str) -> str:
    return f"postgresql://{quote(role, safe='')}@/{quote(database, safe='')}?host=%2Ftmp"


@pytest.mark.parametrize("name", ["o'brien", 'a"b', "{x: y} # z", "@x", "- !!python/object", "%s\\N\u202e", "🚀"])
def test_init_writes_a_url_that_is_read_back_as_it_was(name: str, tmp_path: Path) -> None:
    url = f"postgresql://me@h:5432/{quote(name, safe=chr(39) + '!{}:,')}"
    init(tmp_path / "case", url)
    assert cases.load(tmp_path / "case").database.url == url
    assert yaml.safe_load((tmp_path / "case" / "case.yaml").read_text("utf-8"))["database"]["url"] == url
