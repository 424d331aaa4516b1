"""How much was read, and how."""

import pandas as pd
import pytest

from triage_kit import schemas
from triage_kit.analyse.provenance import coverage


def counted(counting: str) -> str:
    evidence = {name: schemas.empty(name) for name in schemas.evidence_names()}
    evidence["incident"] = schemas.frame("incident", [{"title": "t", "counting": counting}])
    methods = ["exact", "exact", "empty_file", "none"]
    evidence["row_counts"] = schemas.frame("row_counts", [
        {"oid": number, "schema": "s", "table": f"t{number}", "method": method,
         "rows": pd.NA if method == "none" else 5} for number, method in enumerate(methods)
    ])  # fmt: skip
    told = coverage(evidence)
    return told.loc[told["source"] == "row counts", "read"].iloc[0]


@pytest.mark.parametrize(("counting", "how"), [
    ("safe", "counted in a way that leaves dead rows where they are"), ("exact", "counted"),
])  # fmt: skip
def test_who_reads_that_nobody_should_select_is_told_how_rows_were_counted(counting: str, how: str) -> None:
    assert counted(counting) == f"3 of 4 tables known exactly: 1 by an empty file, 2 {how}, 1 not counted"


def test_what_a_case_may_name_and_does_not_is_told() -> None:
    evidence = {name: schemas.empty(name) for name in schemas.evidence_names()}
    evidence["questions"] = schemas.frame("questions", [{"source": "backups", "status": "answered"}])
    told = coverage(evidence).set_index("source")["read"]
    everything = "a repository (migrations, jobs, scripts), containers and volumes, an earlier bundle"
    assert told["not named in the case"] == everything
    evidence["commits"] = schemas.frame("commits", [{"sha": "1", "paths": ["a.py"]}])
    assert "repository" not in coverage(evidence).set_index("source")["read"]["not named in the case"]
