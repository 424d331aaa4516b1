"""Containers by saved files and by an engine's command line; what they say of the loss."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from triage_kit import case as cases
from triage_kit.analyse import investigate
from triage_kit.analyse.managed import SERVICES, recognise, table
from triage_kit.collect import collect
from triage_kit.opened import open_case

sys.path.insert(0, str(Path(__file__).parents[1] / "parse"))
from test_containers import DOCKER, VOLUME

STATS = "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\nm,a,100,0,0\nm,b,50,0,0\nm,c,7,0,0\n"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    (tmp_path / "inspect.json").write_bytes(DOCKER)
    (tmp_path / "volume.json").write_bytes(VOLUME)
    (tmp_path / "stats.csv").write_text(STATS, encoding="utf-8")
    return tmp_path


def case_in(folder: Path, **keys: object) -> cases.Case:
    return cases.build({"statistics": "stats.csv", **keys}, folder / "case.yaml")


def test_saved_files_fill_the_tables_of_the_host(saved: Path) -> None:
    done = collect(case_in(saved, containers=["inspect.json", "volume.json"]))
    assert done.named_unread == []
    assert list(done.bundle.table("containers")["name"]) == ["migration_postgres"]
    assert list(done.bundle.table("volumes")["name"]) == ["pgdata"]
    assert list(done.bundle.table("container_environment")["name"]) == ["PGDATA", "POSTGRES_PASSWORD"]


def test_no_secret_of_a_container_enters_the_bundle(saved: Path) -> None:
    import pyarrow as pa

    bundle = collect(case_in(saved, containers=["inspect.json"])).bundle
    kept = [path for path in bundle.folder.rglob("*") if path.is_file()]
    assert any("inspect.json" in path.name for path in kept)
    for path in kept:
        data = path.read_bytes()
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            data = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()
        assert b"hunter2hunter2" not in data


def test_a_missing_file_and_an_unknown_engine_are_named(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(saved / "nothing"))
    done = collect(case_in(saved, containers=["gone.json", "migration_postgres", "-H"]))
    assert len(done.named_unread) == 3
    assert any("docker nor podman is installed" in each for each in done.named_unread)


@pytest.fixture
def engine(saved: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that answers inspect as the docker client does, and writes down what it was told."""
    folder = saved / "bin"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f"""#!/bin/sh
echo "$@" >> {saved}/told
case "$1 $3" in
  "container migration_postgres") cat {saved}/inspect.json;;
  "volume pgdata") cat {saved}/volume.json;;
  *) echo "Error: No such object: $3" >&2; exit 1;;
esac
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return saved / "told"


def test_an_engine_is_only_told_to_inspect(saved: Path, engine: Path) -> None:
    done = collect(case_in(saved, containers=["migration_postgres", "unknown"]))
    assert [each.partition(" ")[0] for each in done.named_unread] == ["containers:unknown"]
    assert "No such object: unknown" in done.named_unread[0]
    told = engine.read_text().splitlines()
    assert told[:2] == ["container inspect migration_postgres", "volume inspect pgdata"]
    assert {line.split()[1] for line in told} == {"inspect"}
    assert list(done.bundle.table("volumes")["source"]) == ["docker"]


def test_a_volume_younger_than_the_data_points_to_replaced_storage(saved: Path) -> None:
    def asked(**keys: object) -> tuple[pd.DataFrame, pd.DataFrame]:
        case = case_in(saved, noticed_at="2025-10-08T10:37:29Z", **keys)
        collect(case, again=(saved / "evidence").exists())
        told = investigate(open_case(saved).evidence)
        return told.mechanism_probabilities.pivot_table("probability", "table", "mechanism"), told.timeline

    window = {"start": "2025-10-01T00:00:00Z", "end": "2025-10-08T12:00:00Z"}
    without, _ = asked(window=window)
    young, timeline = asked(window=window, containers=["inspect.json", "volume.json"])
    assert young.loc["a", "new_cluster"] > 10 * without.loc["a", "new_cluster"]
    assert any("volume pgdata was made" in text for text in timeline["text"])
    assert any("container migration_postgres was started, restarted 2 times" in text for text in timeline["text"])
    old, _ = asked(window={"start": "2025-10-08T00:00:00Z"}, containers=["inspect.json", "volume.json"])
    assert old.loc["a", "new_cluster"] <= without.loc["a", "new_cluster"]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"settings": ["rds.extensions", "work_mem"]}, "Amazon RDS"),
        ({"settings": ["rds.extensions", "apg_plan_mgmt.capture_plan_baselines"]}, "Amazon Aurora"),
        ({"settings": ["cloudsql.iam_authentication"]}, "Google Cloud SQL"),
        ({"settings": ["azure.extensions"]}, "Azure Database for PostgreSQL"),
        ({"settings": [], "roles": ["supabase_admin"]}, "Supabase"),
        ({"settings": [], "host": "monorail.proxy.rlwy.net:5432/railway"}, "Railway"),
        ({"settings": [], "variables": ["RAILWAY_PROJECT_ID"]}, "Railway"),
    ],
)
def test_a_managed_service_is_recognised(facts: dict, name: str) -> None:
    found = recognise(**facts)
    assert found is not None
    assert found[0].name == name


def test_a_server_of_ones_own_is_none(server18: object, ask: Callable, database18: str) -> None:
    bundle = ask(server18, database18, only=("settings", "roles")).bundle
    assert recognise(bundle.table("settings")["name"], bundle.table("roles")["name"]) is None


def test_the_readme_lists_every_service() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert table() in readme
    assert len(SERVICES) >= 6
