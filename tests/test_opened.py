"""open_case: the evidence as frames, with people's own words from case.yaml where there is one."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from triage_kit import case as cases
from triage_kit import open_case, schemas
from triage_kit.bundle import Draft
from triage_kit.errors import NotSealed

CASE = """\
title: <b>Assets</b> empty
logs: a.log
reported: [migration.assets]
notes: [{at: 2025-10-08T10:37:29Z, text: seen}]
"""


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """A case with two tables, a partitioned parent, an index's and a view's row, and one question refused."""
    folder = tmp_path / "case"
    folder.mkdir()
    (folder / "case.yaml").write_text(CASE)
    oids = {"assets": "table", "parted": "partitioned", "orders": "table", "shown": "view", "away": "foreign_table"}
    relations = [
        {"oid": n, "schema": "migration", "name": name, "kind": kind} for n, (name, kind) in enumerate(oids.items(), 1)
    ]
    counters = [{"oid": 1, "schema": "migration", "table": "assets", "inserts": 81, "deletes": 33, "live": 48,
                 "last_vacuum": "2025-10-07T18:00:00Z", "last_autovacuum": "2025-10-07T18:25:35Z"}]  # fmt: skip
    with Draft.begin(folder) as draft:
        draft.write("identity", schemas.frame("identity", [{"version": "18.6", "database": "migration_db"}]))
        draft.write("relations", schemas.frame("relations", relations))
        draft.write("table_counters", schemas.frame("table_counters", counters))
        draft.write("storage", schemas.frame("storage", [{"oid": 1, "heap_bytes": 0}, {"oid": 3, "heap_bytes": 8192}]))
        draft.write("row_counts", schemas.frame("row_counts", [{"oid": 1, "rows": 0, "method": "empty_file"}]))
        for name, frame in cases.incident_frames(cases.load(folder)).items():
            draft.write(name, frame)
        draft.answer(source="relations", status="answered", rows=5)
        draft.answer(source="statements", status="refused", reason="permission denied")
        draft.seal()
    return folder


def test_every_evidence_table_is_a_frame_and_an_attribute(collected: Path) -> None:
    case = open_case(collected)
    assert set(case.evidence) == set(schemas.evidence_names())
    assert len(case.evidence) == len(schemas.evidence_names())
    assert case.relations["name"].tolist() == ["assets", "parted", "orders", "shown", "away"]
    assert case.log_events.empty
    assert "log_events" in dir(case)
    with pytest.raises(AttributeError, match="relations"):
        _ = case.relation
    with pytest.raises(KeyError):
        case.evidence["findings"]


def test_tables_joins_what_is_known_of_each_table(collected: Path) -> None:
    tables = open_case(collected).tables.set_index("table")
    assert tables.index.tolist() == ["assets", "away", "orders", "parted"]
    assert tables.loc["assets", ["inserts", "deletes", "rows", "heap_bytes"]].tolist() == [81, 33, 0, 0]
    assert tables.loc["assets", "qualified_name"] == "migration.assets"
    assert tables.loc["assets", "vacuumed_at"] == pd.Timestamp("2025-10-07T18:25:35Z")
    assert pd.isna(tables.loc["orders", "rows"])
    assert tables.loc["orders", "heap_bytes"] == 8192


def test_sql_sees_tables_and_evidence_alike(collected: Path) -> None:
    case = open_case(collected)
    found = case.sql("SELECT t.kind, count(*) AS n FROM tables t JOIN relations r USING (oid) GROUP BY 1 ORDER BY 1")
    assert dict(zip(found["kind"], found["n"], strict=True)) == {"foreign_table": 1, "partitioned": 1, "table": 2}


def test_changing_a_frame_changes_no_evidence(collected: Path) -> None:
    case = open_case(collected)
    mine = case.relations
    mine["name"] = "changed"
    mine.loc[0, "oid"] = 99
    assert case.relations["oid"].tolist() == [1, 2, 3, 4, 5]
    assert case.evidence["relations"]["name"].tolist()[0] == "assets"


def test_the_words_of_case_yaml_may_be_amended_after_sealing(collected: Path) -> None:
    assert open_case(collected).reported["table"].tolist() == ["assets"]
    (collected / "case.yaml").write_text(CASE.replace("[migration.assets]", "[migration.assets, orders]"))
    case = open_case(collected / "case.yaml")
    assert case.reported["table"].tolist() == ["assets", "orders"]
    assert case.sql('SELECT "table" FROM reported')["table"].tolist() == ["assets", "orders"]
    assert case.title == "<b>Assets</b> empty"


@pytest.mark.parametrize("inside", [True, False])
def test_the_evidence_alone_is_a_case(collected: Path, tmp_path: Path, inside: bool) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(collected / "evidence", copy / "evidence")
    case = open_case(copy / "evidence" if inside else copy)
    assert case.title == "<b>Assets</b> empty"
    assert case.notes["text"].tolist() == ["seen"]
    assert case.folder == copy


def test_the_evidence_folder_of_a_case_is_that_case(collected: Path) -> None:
    (collected / "case.yaml").write_text(CASE.replace("text: seen", "text: amended"))
    assert open_case(collected / "evidence").notes["text"].tolist() == ["amended"]


def test_the_case_shows_itself_escaped_and_without_its_path(collected: Path) -> None:
    case = open_case(collected)
    page = case._repr_html_()
    assert "&lt;b&gt;Assets&lt;/b&gt;" in page
    assert "<b>Assets" not in page
    assert "1 of 2 answered" in page
    assert "PostgreSQL 18.6" in repr(case)
    assert str(collected) not in page + repr(case)


def test_without_evidence_it_says_how_to_collect(tmp_path: Path) -> None:
    with pytest.raises(NotSealed, match="triage collect"):
        open_case(tmp_path)


def test_names_of_tables_are_completed(collected: Path) -> None:
    case = open_case(collected)
    assert {"tables", "sql", "log_events", "relations"} <= set(dir(case))
    assert "relations" in case.evidence._ipython_key_completions_()
    assert "relations" in repr(case.evidence)
    assert "<code>relations</code>" in case._repr_html_()
