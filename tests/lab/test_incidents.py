"""The other practice incidents: what each truth says is asked of the server with plain SQL."""

from collections import Counter
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from urllib.parse import unquote

import majors
import pytest
from psycopg import sql

from triage_kit import case, schemas
from triage_kit.lab import demo, incidents
from triage_kit.lab.incidents import INCIDENTS, NEVER_ADJUSTED_ON, SEEN_SINCE, STUDIED

STATUS = {"intact", "partial", "wiped", "missing", "hidden", "undecided"}
MECHANISMS = {
    "none", "delete", "cascade_delete", "truncate", "recreate", "drop", "partition_drop", "rollback", "unlogged_reset",
    "restore", "new_cluster", "update", "column_drop", "hidden", "counters_reset", "unknown",
}  # fmt: skip
CAUSES = {
    "manual_session", "scheduled_job", "migration", "application", "test_run", "restore", "storage_replaced", "crash",
    "replication", "not_lost", "unknown",
}  # fmt: skip
TESTED = [major for major in (13, 18) if major in majors.found()] or [None]


@pytest.fixture(scope="module")
def rebuilt(request, tmp_path_factory):
    """One incident rebuilt on one major, shared by the tests that ask for the same pair."""
    name, major = request.param
    if major is None:
        pytest.skip("neither PostgreSQL 13 nor 18 was found")
    with demo.rebuild(name, tmp_path_factory.mktemp(name) / "case", binaries=majors.found()[major]) as made:
        yield made


def on(*names: str) -> pytest.MarkDecorator:
    pairs = [(name, major) for name in names for major in TESTED]
    return pytest.mark.parametrize("rebuilt", pairs, indirect=True, ids=lambda pair: f"{pair[0]}-pg{pair[1]}")


def ask(made: demo.Demo, query: str) -> list[tuple]:
    loaded = case.load(made.folder)
    with made.server.connect(unquote(loaded.database.url.split("/")[3].split("?")[0])) as connection:
        return connection.execute(sql.SQL(query)).fetchall()


@on("delete_without_where", "rolled_back_import", "retention_drop")
def test_counters_and_rows_are_those_of_the_truth(rebuilt):
    wanted = rebuilt.incident.truth["tables"]
    seen = {
        name: both
        for name, *both in ask(rebuilt, "SELECT relid::regclass::text, n_tup_ins, n_tup_del FROM pg_stat_user_tables")
    }
    for name, table in wanted.items():
        if table["inserts"] is not None:
            assert (name, seen[name]) == (name, [table["inserts"], table["deletes"]])
        if table["rows"] is not None:
            rows = ask(rebuilt, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*name.split("."))).as_string())
            assert (name, rows) == (name, [(table["rows"],)])
    # On 13 a partitioned parent has no counters of its own.
    assert set(seen) | {"metrics.readings"} >= {name for name, table in wanted.items() if table["status"] != "missing"}


@pytest.mark.parametrize("name", INCIDENTS)
def test_truth_speaks_the_words_of_the_findings(name):
    truth = INCIDENTS[name].truth
    assert {"tables", "cause", "roots"} <= set(truth) <= {"tables", "cause", "causes", "roots"}
    for each in truth.get("causes", ()):
        assert each["cause"] in CAUSES
        assert set(each["tables"]) <= set(truth["tables"])
    assert truth["cause"] in CAUSES - {"unknown"}
    assert set(truth["roots"]) <= set(truth["tables"])
    for table in truth["tables"].values():
        assert table["status"] in STATUS
        assert table["mechanism"] in MECHANISMS
        assert set(table["via"]) <= set(truth["roots"])
        if table["status"] == "intact":
            assert table["missing_rows"] == 0


@on("delete_without_where", "rolled_back_import", "retention_drop")
def test_case_is_one_that_the_kit_accepts(rebuilt):
    loaded = case.load(rebuilt.folder)
    assert loaded.practice == rebuilt.incident.name
    assert (rebuilt.folder / loaded.repository).is_dir()
    assert list(rebuilt.folder.glob(loaded.logs[0]))


@on("delete_without_where")
def test_delete_is_in_the_statistics_and_the_red_herring_in_the_log(rebuilt):
    assert ask(
        rebuilt,
        "SELECT r.rolname::text, s.rows FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid "
        "WHERE s.query = 'DELETE FROM shop.orders'",
    ) == [("shop_worker", 356)]
    assert ask(
        rebuilt,
        "SELECT count(*) FROM pg_class c WHERE relkind = 'r' AND relfilenode <> oid "
        "AND relnamespace = 'shop'::regnamespace",
    ) == [(0,)]
    assert ask(
        rebuilt, "SELECT attnum FROM pg_attribute WHERE attisdropped AND attrelid = 'shop.products'::regclass"
    ) == [(3,)]
    log = (rebuilt.folder / "log" / "postgresql.log").read_text()
    assert "user=rlindqvist,db=webshop,app=psql ERROR:  permission denied for table order_items" in log
    assert "DELETE FROM shop.orders" not in log


@on("old_years_cleaned", "hubs_closed_by_job", "owner_struck_off", "erasure_matched_nothing")
def test_rows_of_names_that_must_be_quoted_and_of_cascades_are_those_of_the_truth(rebuilt):
    for name, table in rebuilt.incident.truth["tables"].items():
        counted = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*schemas.parts(name)))
        assert (name, ask(rebuilt, counted.as_string())) == (name, [(table["rows"],)])


@on("hubs_closed_by_job")
def test_log_is_csv_in_the_zone_of_the_server(rebuilt):
    log = (rebuilt.folder / "log" / "courier.csv").read_text()
    assert " IST," in log.splitlines()[-1]
    assert ask(rebuilt, "SELECT n_tup_del FROM pg_stat_user_tables WHERE relname = 'stop'") == [(480,)]


@on("rolled_back_import")
def test_rolled_back_rows_were_counted_and_storage_is_the_first_one(rebuilt):
    assert ask(
        rebuilt,
        "SELECT c.relfilenode = c.oid, s.n_mod_since_analyze, s.n_live_tup, "
        "s.n_dead_tup = 115 OR s.autovacuum_count > 0 "
        "FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.relname = 'device_imports'",
    ) == [(True, 0, 0, True)]
    assert (
        'ERROR:  invalid input syntax for type integer: "n/a"'
        in (rebuilt.folder / "log" / "postgresql.log").read_text()
    )


@on("retention_drop")
def test_partition_is_gone_and_the_log_says_who_dropped_it(rebuilt):
    assert ask(rebuilt, "SELECT inhrelid::regclass::text FROM pg_inherits ORDER BY 1") == [
        ("metrics.readings_w37",),
        ("metrics.readings_w38",),
    ]
    log = (rebuilt.folder / "log" / "postgresql.log").read_text()
    assert (
        "retention_job@telemetry/cron: retention.sh LOG:  statement: DROP TABLE IF EXISTS metrics.readings_w36" in log
    )


HELD_OUT = [incident for incident in INCIDENTS.values() if incident.holdout]


@pytest.mark.parametrize("incidents", [list(INCIDENTS.values()), HELD_OUT], ids=["all", "held out"])
def test_every_mechanism_and_cause_is_there(incidents):
    truths = [incident.truth for incident in incidents]
    assert {table["mechanism"] for truth in truths for table in truth["tables"].values()} == MECHANISMS
    causes = {each["cause"] for truth in truths for each in truth.get("causes", [truth])}
    assert causes == CAUSES - {"unknown"}


def test_a_third_of_the_incidents_at_least_is_held_out():
    assert len(INCIDENTS) - len(HELD_OUT) >= 40
    assert len(HELD_OUT) * 3 >= len(INCIDENTS)


def test_a_batch_of_the_hold_out_is_studied_as_a_whole_or_not_at_all():
    # To count only its failures as studied would leave what went right as the hold-out.
    assert {incident.name for incident in HELD_OUT} >= STUDIED
    for module in (*SEEN_SINCE, *NEVER_ADJUSTED_ON):
        names = {incident.name for incident in module.INCIDENTS}
        assert names <= STUDIED if module in SEEN_SINCE else not names & STUDIED
        assert all(incident.holdout for incident in module.INCIDENTS)


def test_every_incident_of_a_module_is_listed_and_no_two_bear_the_same_name():
    # The later one would take the earlier one's place in silence, and inherit what was said of it.
    files = [import_module(f"{incidents.__name__}.{found.name}") for found in iter_modules(incidents.__path__)]
    written = Counter(each.name for module in files for each in _of(module))
    assert written == Counter(INCIDENTS.keys())


def _of(module: ModuleType) -> tuple:
    return getattr(module, "INCIDENTS", None) or tuple(filter(None, [getattr(module, "INCIDENT", None)]))


def test_hold_out_has_healthy_databases_and_truths_that_cannot_be_told():
    healthy = [each for each in HELD_OUT if all(of["status"] == "intact" for of in each.truth["tables"].values())]
    undecided = [each for each in HELD_OUT if any(of["status"] == "undecided" for of in each.truth["tables"].values())]
    assert len(healthy) >= 4
    assert len(undecided) >= 2


@pytest.mark.parametrize("name", sorted(INCIDENTS))
def test_a_log_that_only_the_collector_writes_has_its_collector(name: str) -> None:
    settings = INCIDENTS[name].settings or {}
    if settings.get("log_destination") in ("csvlog", "jsonlog"):
        assert settings.get("logging_collector")
