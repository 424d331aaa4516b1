"""case.yaml: every mistake is named with what to write instead, and no password is ever shown."""

import os
import subprocess
import sys
import traceback
from datetime import UTC
from pathlib import Path

import pandas as pd
import pytest

from triage_kit import case as cases
from triage_kit.errors import CaseError
from triage_kit.resources import resource_dir

CANARY = "hunter2canary"  # no word in it that the masking looks for
EVERY_KEY = """\
title: Assets empty after migration 087
incident: {id: INC-2025-1008, service: migration backend, severity: high, author: on-call}
timezone: Europe/Berlin
noticed_at: 2025-10-08T12:37:29+02:00
window: {start: 2025-10-07T00:00:00Z, end: 2025-10-08T12:00:00Z}
database:
  url: postgresql://triage@db.internal:5432/migration_db
  schemas: [migration]
  app_role: storefront
reported: [migration.assets, orders, '"Odd.Schema"."a.b"']
logs: ["log/*.log", "log/*.csv", docker:migration_postgres]
log_line_prefix: "%m [%p] "
log_timezone: UTC
repository: ../backend
migrations: [alembic/versions]
wal: pg_wal/
backups: ["dumps/*.dump"]
baseline: ../2025-10-01/evidence
notes:
  - {at: 2025-10-08T10:37:29Z, text: User discovers assets table is empty}
counting: safe
snapshot: collected.tar
statistics: stats.csv
schema_dump: schema.sql
containers: [migration_postgres, inspect.json]
data_directory: /copies/pgdata
"""


def written(folder: Path, text: str) -> Path:
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(CaseError) as caught:
        cases.load(written(folder, text))
    assert caught.value.exit_status == 2
    return str(caught.value)


def test_every_key_of_a_full_case_is_read(tmp_path: Path) -> None:
    case = cases.load(written(tmp_path, EVERY_KEY))
    assert case.folder == tmp_path
    assert case.incident.id == "INC-2025-1008"
    assert case.noticed_at == pd.Timestamp("2025-10-08T10:37:29Z")
    assert case.noticed_at.tzinfo is UTC
    assert case.log_line_prefix == "%m [%p] "
    assert cases.address(case) == "db.internal:5432/migration_db"
    assert cases.docker_logs(case) == ["migration_postgres"]
    assert set(cases.sources_named(case)) == {
        "database", "logs", "repository", "migrations", "wal", "backups", "baseline", "snapshot", "statistics",
        "schema_dump", "containers", "data_directory",
    }  # fmt: skip


def test_the_folder_and_its_file_are_the_same_case(tmp_path: Path) -> None:
    written(tmp_path, "logs: a.log")
    assert cases.load(tmp_path) == cases.load(tmp_path / "case.yaml")


def test_frames_of_a_case_hold_utc_and_split_names(tmp_path: Path) -> None:
    frames = cases.incident_frames(cases.load(written(tmp_path, EVERY_KEY)))
    incident = frames["incident"].iloc[0]
    assert (incident["incident_id"], incident["timezone"], incident["app_role"]) == (
        "INC-2025-1008", "Europe/Berlin", "storefront",
    )  # fmt: skip
    assert incident["noticed_at"] == pd.Timestamp("2025-10-08T10:37:29Z")
    assert frames["reported"]["table"].tolist() == ["assets", "orders", "a.b"]
    assert frames["reported"]["schema"].fillna("-").tolist() == ["migration", "-", "Odd.Schema"]
    assert frames["notes"]["at"].dt.tz is not None
    assert frames["notes"]["text"].tolist() == ["User discovers assets table is empty"]


@pytest.mark.parametrize("scalar", ["yes", "no", "1.10", "0123", "12:30", "2025-10-08", "off"])
def test_a_scalar_is_the_text_that_was_written(tmp_path: Path, scalar: str) -> None:
    assert cases.load(written(tmp_path, f"title: {scalar}\nlogs: a.log")).title == scalar


def test_an_empty_key_is_a_key_left_out(tmp_path: Path) -> None:
    case = cases.load(written(tmp_path, "title:\nwal: ~\nlogs: a.log\nincident: {id: }"))
    assert (case.title, case.wal, case.incident.id) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lgos: [a.log]", ["lgos", "did you mean logs?"]),
        ("logs: a.log\nseverity: high", ["severity", "write it under incident:"]),
        ("logs: a.log\nwindow: {strat: 2025-10-07T00:00:00Z}", ["window.strat", "did you mean start?"]),
        (
            "logs: a.log\nnoticed_at: 2025-10-08T10:37:29",
            ["noticed_at", "'2025-10-08T10:37:29'", "2025-10-08T10:37:29Z"],
        ),
        ("logs: a.log\nnoticed_at: yesterday", ["noticed_at", "'yesterday'", "2025-10-08T10:37:29Z"]),
        ("logs: a.log\ncounting: fast", ["counting", "'fast'", "'none', 'safe' or 'exact'"]),
        ("logs: a.log\ntimezone: europe/berlin", ["timezone", "'europe/berlin'", "write Europe/Berlin"]),
        ("logs: a.log\ntimezone: ../../etc/passwd", ["timezone", "Europe/Berlin"]),
        ("logs: a.log\nlogs: b.log", ["logs", "lines 1 and 2"]),
        ("logs: a.log\nreported: [a.b.c]", ["reported[0]", "'a.b.c'", "schema.table"]),
        ("logs: a.log\nnotes: [{at: 2025-10-08T10:37:29Z}]", ["notes[0].text", "is missing"]),
        ("logs: a.log\nwindow: {start: 2025-10-08T00:00:00Z, end: 2025-10-07T00:00:00Z}", ["window", "after its end"]),
        ("title: nothing to read", ["no source is named", "database"]),
        ("database: {schemas: [a]}", ["database", "none of them", "exactly one of url, url_env and service"]),
        ("database: {url: postgresql://h/d, service: x}", ["url and service", "exactly one"]),
        ("database: {url: mysql://h/d}", ["database.url", "postgresql://role@host:5432/database"]),
        ("database: {url: 'postgresql://h:x/d'}", ["database.url", "%40"]),
        ("database: production", ["database", "'production'", "{key: value}"]),
        ("log_line_prefix: %m [%p]", ["line 1", "put the value in quotes"]),
        ("logs: [a.log", ["line 1"]),
        ("a: &x [b]\nlogs: *x", ["line 2", "alias"]),
        ("- a.log", ["no keys"]),
        ("", ["no keys"]),
    ],
)
def test_a_mistake_names_key_value_and_remedy(tmp_path: Path, text: str, parts: list[str]) -> None:
    message = refusal(tmp_path, text)
    assert [part for part in parts if part not in message] == []


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, "lgos: a\ncounting: fast\nnoticed_at: 10:37\ntitle: a\ntitle: b\ndatabase: {url: x}")
    assert message.startswith(f"{tmp_path / 'case.yaml'} has 5 mistakes:")
    assert [key for key in ("lgos:", "counting:", "noticed_at:", "title:", "database.url:") if key not in message] == []


@pytest.mark.parametrize(
    "text",
    [
        f"database: {{url: 'postgresql://triage:{CANARY}@db/shop'}}",
        f"database: {{url: 'postgresql://triage:a/{CANARY}@db/shop'}}",
        f"database: {{url: 'postgresql://triage:a?{CANARY}@db/shop'}}",
        f"database: {{url: 'postgresql://triage:{CANARY}#x@db/shop'}}",
        f"database: {{url: 'postgresql://triage:7@{CANARY}@db/shop'}}",
        f"database: {{url: 'postgresql://triage@db/shop?password={CANARY}'}}",
        f"database: {{url: 'postgresql://db/shop?sslmode=require&sslpassword={CANARY}'}}",
        f"database: {{url: 'host=db password={CANARY}'}}",
        f"database: postgresql://triage:{CANARY}@db/shop",
        f"database: {{ulr: 'postgresql://triage:{CANARY}@db/shop'}}",
        f"logs: a.log\npassword: {CANARY}",
        f"logs: a.log\ncounting: postgresql://triage:{CANARY}@db/shop",
        f"database:\n  url: 'postgresql://triage:{CANARY}@db/shop\n",
        f"database:\n  url: postgresql://triage:{CANARY}@db/shop\n bad",
        f"database:\n\turl: postgresql://triage:{CANARY}@db/shop",
    ],
)
def test_a_password_is_refused_and_never_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(CaseError) as caught:
        cases.load(written(tmp_path, text))
    error: BaseException | None = caught.value
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    while error is not None:  # the errors behind it, which a debugger or a log handler prints
        assert CANARY not in f"{error!r} {error}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("secret", ["a", "a/b", "a?b", "a#b", "a@b", "7/b", ""])
def test_a_password_is_recognised_whatever_it_holds(tmp_path: Path, secret: str) -> None:
    told = refusal(tmp_path, f"database: {{url: 'postgresql://me:{secret}{CANARY}@db/shop'}}")
    assert "a password stands in the URL: put it into PGPASSWORD" in told


def test_a_password_is_allowed_in_the_variable_and_stays_out_of_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases.load(written(tmp_path, "database: {url_env: TRIAGE_TEST_URL}"))
    assert cases.address(case) == "$TRIAGE_TEST_URL (not set)"
    monkeypatch.setenv("TRIAGE_TEST_URL", f"postgresql://triage:{CANARY}/@db:5433/shop")
    assert cases.address(case) == "db:5433/shop"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://me@db/shop", "db:5432/shop"),
        ("postgres://[::1]:5433/shop", "::1:5433/shop"),
        ("postgresql+psycopg://me@one:5001,two:5002/shop", "one:5001/shop"),
        ("postgresql:///shop?host=/run/postgresql", "local socket:5432/shop"),
        ("postgresql://db?dbname=sh%40p", "db:5432/sh@p"),
    ],
)
def test_the_address_follows_libpqs_urls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, address: str
) -> None:
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    assert cases.address(cases.load(written(tmp_path, f"database: {{url: '{url}'}}"))) == address


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "case"
    for name in ("log/b.log", "log/a.log", "log/[odd].log"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).touch()
    (tmp_path / "beside.log").touch()
    monkeypatch.chdir(tmp_path)
    case = cases.load(written(inner, "logs: x"))
    assert [path.name for path in cases.resolve(case, "log/*.log")] == ["[odd].log", "a.log", "b.log"]
    assert cases.resolve(case, "log/[odd].log") == [inner / "log/[odd].log"]
    assert [path.name for path in cases.resolve(case, "../*.log")] == ["beside.log"]
    assert [path.name for path in cases.resolve(case, f"{inner}/log/a*")] == ["a.log"]
    assert cases.resolve(case, "missing.log") == []


def test_the_template_is_a_case_that_shows_every_key(tmp_path: Path) -> None:
    text = (resource_dir("templates") / "case.yaml").read_text(encoding="utf-8")
    assert cases.load(written(tmp_path, text)).counting == "safe"
    keys = set(cases.Case.model_fields) - {"practice"} | set(cases.Database.model_fields)
    assert [key for key in sorted(keys) if f"{key}:" not in text] == []
    # Every commented key, taken into use, is right as well; url_env and service exclude url.
    used = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ") and ": " in line[:20]]
    used = [line for line in used if line.split(":")[0] in cases.Case.model_fields]
    assert len(used) >= 15
    cases.load(written(tmp_path, text + "\n" + "\n".join(line for line in used if not line.startswith("notes"))))


def test_zones_are_known_where_the_machine_has_none(tmp_path: Path) -> None:
    written(tmp_path, "logs: a.log\ntimezone: Europe/Berlin")
    code = "import sys; from triage_kit import case; print(case.load(sys.argv[1]).timezone)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={"PYTHONTZPATH": "", "PYTHONPATH": os.pathsep.join([str(Path(cases.__file__).parents[2]), *sys.path])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "Europe/Berlin"
