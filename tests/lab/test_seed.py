"""The seed incident: what its truth says is asked of the server with plain SQL, on several majors."""

import ast
import os
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import majors
import pytest
from programs import git
from psycopg import sql

from triage_kit import case
from triage_kit.errors import LabError
from triage_kit.lab import demo
from triage_kit.lab.incidents import INCIDENTS, base

ROOTS = {"data_imports", "collection_flows", "crewai_flow_state_extensions"}
CHILDREN = {
    "adaptive_questionnaires", "collection_data_gaps", "collected_data_inventory",
    "collection_questionnaire_responses", "collection_gap_analysis", "collection_flow_applications",
}  # fmt: skip
DAMAGED = {"assets", "discovery_flows", "raw_import_records", *ROOTS}
INTACT = {"users", "canonical_applications", "client_accounts", "engagements"}
# Table: inserts, deletes, rows left, as the post-mortem prints them.
PUBLISHED = {
    "assets": (81, 33, 0),
    "discovery_flows": (8, 1, 0),
    "data_imports": (8, 0, 0),
    "raw_import_records": (115, 0, 0),
    "collection_flows": (143, 101, 2),
    "users": (11, 0, 11),
    "canonical_applications": (8, 0, 8),
    "crewai_flow_state_extensions": (136, 70, 2),
}
TESTED = [major for major in (13, 15, 18) if major in majors.found()]


@pytest.fixture(scope="module", params=TESTED or [None], ids=lambda major: f"pg{major}")
def rebuilt(request, tmp_path_factory):
    if request.param is None:
        pytest.skip("neither PostgreSQL 13, 15 nor 18 was found")
    stages = []
    out = tmp_path_factory.mktemp("seed") / "case"
    with demo.rebuild(
        "seed", out, lambda event, **facts: stages.append((event, facts)), binaries=majors.found()[request.param]
    ) as made:
        yield made, stages


@pytest.fixture
def ask(rebuilt):
    with rebuilt[0].server.connect("migration_db") as connection:
        yield lambda query: connection.execute(query).fetchall()


def counted(name: str) -> sql.Composed:
    return sql.SQL("SELECT count(*) FROM migration.{}").format(sql.Identifier(name))


@pytest.fixture
def log(rebuilt):
    return (rebuilt[0].folder / "log" / "postgresql.log").read_text()


def test_counters_and_rows_are_the_published_ones(ask):
    seen = {
        name: (inserts, deletes)
        for name, inserts, deletes in ask(
            "SELECT relname, n_tup_ins, n_tup_del FROM pg_stat_user_tables WHERE schemaname = 'migration'"
        )
    }
    assert set(seen) == DAMAGED | CHILDREN | INTACT
    assert {name: seen[name] for name in PUBLISHED} == {name: both[:2] for name, both in PUBLISHED.items()}
    assert all(seen[name] == (0, 0) for name in CHILDREN)
    for name, (_, _, rows) in PUBLISHED.items():
        assert (name, ask(counted(name))) == (name, [(rows,)])
    assert not any(ask(counted(name))[0][0] for name in CHILDREN)
    assert ask("SELECT sum(n_tup_upd)::int FROM pg_stat_user_tables WHERE schemaname = 'migration'") == [(0,)]


def test_the_truth_agrees_with_the_published_numbers(rebuilt):
    truth = rebuilt[0].incident.truth
    tables = {name.removeprefix("migration."): of for name, of in truth["tables"].items()}
    assert {
        name: (of["inserts"], of["deletes"], of["rows"]) for name, of in tables.items() if name in PUBLISHED
    } == PUBLISHED
    assert {name: of["missing_rows"] for name, of in tables.items() if of["missing_rows"]} == {
        "assets": 48, "discovery_flows": 7, "data_imports": 8, "raw_import_records": 115, "collection_flows": 40,
        "crewai_flow_state_extensions": 64}  # fmt: skip
    assert {name for name, of in tables.items() if of["mechanism"] == "truncate"} == DAMAGED | CHILDREN
    assert {name for name, of in tables.items() if of["status"] == "wiped"} == DAMAGED - {
        "collection_flows",
        "crewai_flow_state_extensions",
    }
    assert truth["cause"] == "manual_session"


def test_one_transaction_replaced_the_storage_of_exactly_twelve_tables(ask):
    rows = ask(
        "SELECT relname, relfilenode <> oid, xmin::text, relfrozenxid::text FROM pg_class "
        "WHERE relnamespace = 'migration'::regnamespace AND relkind = 'r'"
    )
    assert {name for name, replaced, *_ in rows if replaced} == DAMAGED | CHILDREN
    assert len({xmin for _, replaced, xmin, _ in rows if replaced}) == 1
    assert all(xmin == frozen for _, replaced, xmin, frozen in rows if replaced)


def test_no_old_row_is_left_where_two_rows_stand(ask):
    assert ask("SELECT array_agg(id ORDER BY id) FROM migration.collection_flows") == [([142, 143],)]
    assert ask("SELECT min(id) > 134, count(DISTINCT xmin::text) FROM migration.crewai_flow_state_extensions") == [
        (True, 1)
    ]


def test_autovacuum_took_collection_flows_alone_and_counters_are_not_bent(ask):
    assert ask(
        "SELECT relname, autovacuum_count, vacuum_count FROM pg_stat_user_tables "
        "WHERE schemaname = 'migration' AND autovacuum_count + vacuum_count > 0"
    ) == [("collection_flows", 1, 0)]
    assert ask(
        "SELECT relname, n_live_tup, n_ins_since_vacuum FROM pg_stat_user_tables "
        "WHERE n_live_tup <> 0 AND relname = ANY('{assets,collection_flows,raw_import_records,"
        "crewai_flow_state_extensions,data_imports,discovery_flows}') ORDER BY 1"
    ) == [("collection_flows", 2, 2), ("crewai_flow_state_extensions", 2, 2)]
    assert ask(
        "SELECT count(*) FROM pg_class WHERE reloptions IS NOT NULL AND relnamespace = 'migration'::regnamespace"
    ) == [(0,)]


def test_foreign_keys_are_the_published_twelve(ask):
    edges = {
        tuple(row)
        for row in ask(
            "SELECT conrelid::regclass::text, confrelid::regclass::text, confdeltype::text FROM pg_constraint "
            "WHERE contype = 'f'"
        )
    }
    plain = [
        ("assets", "client_accounts"),
        ("assets", "engagements"),
        ("assets", "raw_import_records"),
        ("discovery_flows", "data_imports"),
        ("raw_import_records", "data_imports"),
    ]
    cascading = [
        ("discovery_flows", "crewai_flow_state_extensions"),
        *((child, "collection_flows") for child in CHILDREN),
    ]
    wanted = {(f"migration.{a}", f"migration.{b}", "a") for a, b in plain}
    wanted |= {(f"migration.{a}", f"migration.{b}", "c") for a, b in cascading}
    assert edges == wanted


def test_drop_type_cascade_cost_no_column(ask):
    assert ask(
        "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "WHERE a.attisdropped AND c.relnamespace = 'migration'::regnamespace"
    ) == [(0,)]
    assert ask("SELECT enumlabel FROM pg_enum WHERE enumlabel IN ('paused', 'gap_analysis')") == [("paused",)]
    assert ask("SELECT version_num FROM public.alembic_version") == [("087_add_paused_remove_phase_values",)]


def test_log_holds_the_failures_and_the_checkpoints_and_not_the_truncate(log):
    assert re.search(r"ERROR:  syntax error at or near \"\\\"", log)
    assert "STATEMENT:  DELETE FROM migration.collection_flows WHERE status \\!= 'completed';" in log
    assert log.count('ERROR:  unsafe use of new value "running"') == 3
    assert log.count("ERROR:  invalid input value for enum") == 1
    assert "TRUNCATE" not in log
    assert "FATAL" not in log
    assert log.count("ERROR:") == 5
    written = [tuple(map(int, found)) for found in re.findall(r"wrote (\d+) buffers .*sync files=(\d+)", log)]
    traffic, truncation = written[-2:]
    # New storage for twelve tables and their indexes: more files than buffers; ordinary traffic: fewer.
    assert truncation[1] > 1.3 * truncation[0]
    assert traffic[1] < traffic[0]
    assert truncation[1] >= 50


def test_order_of_events_is_the_story(log, ask):
    failed = log.index("unsafe use of new value")
    between = log.index("checkpoint complete", failed)
    by_hand = log.index("syntax error")
    assert log.index("invalid input value for enum") < failed < between < by_hand < log.rindex("checkpoint complete")
    migrated = datetime.fromisoformat(re.findall(r"(\S+ \S+) UTC .*unsafe use of new value", log)[-1] + "+00:00")
    at = datetime.fromisoformat(re.findall(r"(\S+ \S+) UTC .*checkpoint starting", log)[-2] + "+00:00")
    vacuumed = ask("SELECT last_autovacuum FROM pg_stat_user_tables WHERE relname = 'collection_flows'")[0][0]
    assert migrated < vacuumed < at


def test_case_is_one_that_the_kit_accepts(rebuilt):
    made, stages = rebuilt
    loaded = case.load(made.folder)
    assert loaded.practice == "seed"
    assert loaded.reported == ["migration.assets"]
    assert loaded.window.start < loaded.noticed_at <= datetime.now(UTC)
    assert loaded.database.url == made.server.url("migration_db", "postgres")
    assert (made.folder / loaded.repository / "alembic" / "versions").is_dir()
    assert [event for event, _ in stages] == ["stage"] * 3
    assert os.access(made.folder / "log" / "postgresql.log", os.R_OK)


def test_line_106_and_what_was_run_are_the_files_in_the_repository(rebuilt):
    versions = rebuilt[0].folder / "backend" / "alembic" / "versions"
    text = (versions / "086_fix_collection_flow_status_adr012.py").read_text()
    assert text.splitlines()[105].strip() == (
        'op.execute("DROP TYPE IF EXISTS migration.collectionflowstatus CASCADE")'
    )
    assert "DROP TYPE IF EXISTS migration.collectionflowstatus CASCADE" in base.upgrade_statements(text)
    for path in versions.iterdir():
        revision = next(
            ast.literal_eval(node.value)
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Assign) and node.targets[0].id == "revision"
        )
        assert revision == path.stem


def test_history_is_real_and_names_no_one_from_this_machine(rebuilt):
    done = subprocess.run(
        [git(), "-c", "safe.directory=*", "log", "--format=%ae|%ct|%s", "--name-only"],
        cwd=rebuilt[0].folder / "backend",
        capture_output=True,
        text=True,
        check=True,
    )
    heads = [line.split("|") for line in done.stdout.splitlines() if "|" in line]
    assert {author for author, *_ in heads} == {"ines@example.com", "tom@example.com", "lena@example.com"}
    times = [int(at) for _, at, _ in heads]
    assert times == sorted(times, reverse=True)
    assert times[0] < datetime.now(UTC).timestamp()
    assert done.stdout.count("086_fix_collection_flow_status_adr012.py") == 3


def test_folder_in_use_is_refused_and_untouched(tmp_path: Path):
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(LabError, match=r"not an empty folder"), demo.build("seed", tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_unknown_incident_names_the_known_ones(tmp_path: Path):
    with (
        pytest.raises(LabError, match=r"no practice incident is called 'sed'; there are seed"),
        demo.build("sed", tmp_path / "case"),
    ):
        pass
    assert "seed" in INCIDENTS
