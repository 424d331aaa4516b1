"""The post-mortem that the project began with, from what its authors had: no server, three files and two migrations.

The statistics are the numbers of their table, the schema was written by pg_dump 18 from a database with their tables,
the log holds their failed DELETE and their two checkpoint lines.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from triage_kit import case as cases
from triage_kit.analyse import investigate, verdict
from triage_kit.analyse.investigation import Investigation
from triage_kit.collect import Collected, collect
from triage_kit.lab.incidents import base, seed
from triage_kit.opened import open_case
from triage_kit.plot import first_screen
from triage_kit.report import make

SOURCES = Path(__file__).parent / "seed_as_written"
TABLE = {  # expected, actual, inserts, deletes, status: the authors' own table
    "assets": (48, 0, 81, 33, "wiped"),
    "discovery_flows": (7, 0, 8, 1, "wiped"),
    "data_imports": (8, 0, 8, 0, "wiped"),
    "raw_import_records": (115, 0, 115, 0, "wiped"),
    "collection_flows": (42, 2, 143, 101, "partial"),
    "users": (11, 11, 11, 0, "intact"),
    "canonical_applications": (8, 8, 8, 0, "intact"),
    "crewai_flow_state_extensions": (66, 2, 136, 70, "partial"),
}
DAMAGED = sorted(f"migration.{name}" for name, row in TABLE.items() if row[4] != "intact")
CASE = """
title: Tables were wiped clean
noticed_at: 2025-10-08T10:37:29Z
statistics: stats.csv
schema_dump: schema.sql
logs: postgresql.log
migrations: [alembic/versions]
repository: backend
reported: [migration.assets]
notes:
  - {at: 2025-10-08T10:37:29Z, text: User discovers assets table is empty}
"""


def written(folder: Path, text: str = CASE) -> cases.Case:
    for name in ("stats.csv", "schema.sql", "postgresql.log"):
        shutil.copy(SOURCES / name, folder)
    versions = folder / "backend/alembic/versions"
    versions.mkdir(parents=True)
    for revision in (seed.FIX, seed.PAUSED):
        (versions / f"{revision}.py").write_text(base.material("seed", f"{revision}.py"), encoding="utf-8")
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    return cases.load(folder)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Collected:
    return collect(written(tmp_path_factory.mktemp("as-written")))


@pytest.fixture(scope="module")
def evidence(collected: Collected) -> Mapping[str, pd.DataFrame]:
    return open_case(collected.bundle.folder.parent).evidence


@pytest.fixture(scope="module")
def told(evidence: Mapping[str, pd.DataFrame]) -> Investigation:
    return investigate(evidence)


def test_every_named_source_was_read(collected: Collected) -> None:
    assert collected.named_unread == []


def test_the_balance_is_the_authors_table(told: Investigation) -> None:
    found = {
        row.table: (row.expected_low, row.actual_rows, row.inserts, row.deletes)
        for row in told.balance.itertuples()
        if row.table in TABLE
    }
    assert found == {name: row[:4] for name, row in TABLE.items()}
    expected = told.findings.set_index("table")["expected_rows"]
    assert {name: expected[name] for name in TABLE} == {name: row[0] for name, row in TABLE.items()}


def test_statuses_are_the_authors(told: Investigation) -> None:
    status = told.findings.set_index("table")["status"]
    assert {name: status[name] for name in TABLE} == {name: row[4] for name, row in TABLE.items()}


def test_a_table_known_by_name_alone_is_undecided(told: Investigation) -> None:
    status = told.findings.set_index("table")["status"]
    assert {status[name] for name in (*seed.CHILDREN, "client_accounts", "engagements")} == {"undecided"}


def test_the_balance_says_that_the_age_of_the_counters_is_unknown(told: Investigation) -> None:
    bias = told.balance.set_index("table")["bias"]
    assert all("age of the counters is unknown" in " ".join(bias[name]) for name in TABLE)


def test_truncate_and_rolled_back_inserts_are_the_candidates(told: Investigation) -> None:
    chances = told.mechanism_probabilities.pivot_table("probability", "table", "mechanism")
    for name in (row.removeprefix("migration.") for row in DAMAGED):
        losses = chances.loc[name].drop(["none", "unknown"]).sort_values(ascending=False)
        assert list(losses.index[:2]) == ["truncate", "rollback"]
        assert losses.iloc[0] < 0.9  # counters alone do not prove it
        assert losses.iloc[1] > 0.05


def test_one_truncate_cascade_of_three_roots_explains_all_six(told: Investigation) -> None:
    [statement] = told.explaining_statements.to_dict("records")
    assert statement["text"].startswith("TRUNCATE ")
    assert statement["text"].endswith(" CASCADE")
    assert sorted(statement["roots"]) == sorted(seed.ROOTS)
    assert (statement["explained"], statement["of"], statement["extra"]) == (6, 6, 0)
    assert not statement["observed"]
    assert "no transaction id: joined by foreign keys" in told.groups["how"].iloc[0]


def test_the_next_test_separates_the_two(told: Investigation) -> None:
    best = told.next_tests.iloc[0]
    assert "TRUNCATE from rolled-back inserts" in best["test"]
    assert "relfilenode" in best["command"]
    assert all(name in best["command"] for name in DAMAGED)


def test_the_second_checkpoint_dates_the_damage(told: Investigation) -> None:
    damaged = told.findings[told.findings["status"].isin(["wiped", "partial"])]
    assert set(damaged["dated_by"]) == {"checkpoint interval"}
    assert {f"{at:%H:%M:%S}" for at in damaged["lost_from"]} == {"18:28:20"}
    assert {f"{at:%H:%M:%S}" for at in damaged["lost_to"]} == {"20:28:20"}


def test_the_failed_delete_is_shown_as_failed(told: Investigation) -> None:
    [statement] = told.statements.to_dict("records")
    assert (statement["outcome"], f"{statement['at']:%H:%M:%S}") == ("failed", "20:27:38")


def test_the_migration_is_among_the_files_to_review(told: Investigation) -> None:
    assert any(path.endswith(f"{seed.FIX}.py") and line == 106
               for path, line in zip(told.review["path"], told.review["line"], strict=True))  # fmt: skip


def test_what_no_server_could_say_is_a_gap(told: Investigation) -> None:
    assert {"identity", "storage"} <= set(told.gaps["source"])


def test_without_the_log_the_candidates_stay_the_same(evidence: Mapping[str, pd.DataFrame]) -> None:
    silent = {**evidence, "log_events": evidence["log_events"].iloc[:0]}
    told = investigate(silent)
    chances = told.mechanism_probabilities.pivot_table("probability", "table", "mechanism")
    losses = chances.loc["raw_import_records"].drop(["none", "unknown"]).sort_values(ascending=False)
    assert list(losses.index[:2]) == ["truncate", "rollback"]


def test_terminal_and_page_give_one_figure_for_what_happened(told: Investigation) -> None:
    [line] = [each for each in verdict(told) if each.startswith("what: truncate")]
    figure = line.partition("(")[2].partition(")")[0]
    assert f"Emptied by TRUNCATE ({figure} sure" in BeautifulSoup(first_screen(told), "html.parser").get_text()
    damaged = told.findings[told.findings["status"].isin(["wiped", "partial"])]
    assert len(set(damaged["probability"])) > 1  # so that two places could have chosen two of them


def test_the_report_holds_it_all(collected: Collected) -> None:
    made = make(collected.bundle.folder.parent)
    assert made.failed == []
    html = made.html.read_text(encoding="utf-8").replace("<wbr/>", "")  # where a long name may break
    assert "TRUNCATE migration.collection_flows" in html
    said = " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())
    candidates = said[said.index("Candidates for what happened to the rows") :]
    first, second, test = (candidates.index(each) for each in (
        "emptied by TRUNCATE", "inserted, but never committed", "Tell TRUNCATE from rolled-back inserts"))  # fmt: skip
    assert first < second < test
    assert "between 2025-10-07 18:28:20 UTC and 2025-10-07 20:28:20 UTC" in said
    findings = json.loads(made.findings.read_text(encoding="utf-8"))
    assets = next(row for row in findings["tables"] if row["table"] == "assets")
    assert (assets["expected_rows"], assets["actual_rows"], assets["missing_rows"]) == (48, 0, 48)
    assert assets["mechanisms"]["rollback"] > 0.05
    assert findings["server"]["version"] is None
