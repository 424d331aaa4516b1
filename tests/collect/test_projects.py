"""A small project of every migration tool: what it would do, and what its version table says has run."""

import hashlib
from pathlib import Path

import pytest
import yaml

from triage_kit import case as cases
from triage_kit import schemas
from triage_kit.analyse.applied import migration_states
from triage_kit.bundle import Draft
from triage_kit.collect.repository import read_repository

PROJECTS = yaml.safe_load((Path(__file__).parents[1] / "sql_cases" / "projects.yaml").read_text("utf-8"))


@pytest.fixture(params=PROJECTS)
def project(request, tmp_path):
    told = PROJECTS[request.param]
    for name, text in told["files"].items():
        path = tmp_path / "repo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    (tmp_path / "case").mkdir()
    case = cases.build({"repository": "../repo"}, tmp_path / "case" / "case.yaml")
    draft = Draft.begin(tmp_path / "case")
    read_repository(case, draft)
    return told.get("tool", request.param), told, draft


def version(told, written):
    # Drizzle's table holds the hash of the file's bytes.
    name = str(written).removeprefix("sha256:")
    return hashlib.sha256(told["files"][name].encode()).hexdigest() if name in told["files"] else str(written)


def test_a_project_is_read_without_running_it(project):
    tool, told, draft = project
    found = draft.written("migration_operations")[["path", "line", "direction", "operation", "object"]]
    assert found.to_numpy().tolist() == told["operations"]
    assert set(draft.written("migrations")["tool"]) == {tool}
    up = draft.written("migration_operations").query("direction != 'down' and renamed.notna()")
    assert dict(zip(up["object"], up["renamed"], strict=True)) == told.get("renamed", {})


def test_a_project_is_held_against_its_version_table(project):
    _, told, draft = project
    rows = [
        {"tool": tool, "schema": "public", "table": "t", "version": version(told, v)} for tool, v in told["versions"]
    ]
    found = migration_states(draft.written("migrations"), schemas.frame("version_tables", rows))
    assert found[["revision", "state"]].to_numpy().tolist() == told["states"]
    silent = migration_states(draft.written("migrations"), schemas.empty("version_tables"))
    assert set(silent["state"]) == {"unknown"}
