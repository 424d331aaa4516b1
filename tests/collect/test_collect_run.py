"""A collecting run as a whole: refusals, scope, interruption and going on."""

import re
import threading

import psycopg
import pytest
from everything import EVERY

from triage_kit.bundle import PARTIAL, Bundle
from triage_kit.case import build
from triage_kit.collect import address, collect
from triage_kit.collect.server import Limits, Refused, Session
from triage_kit.errors import LoginRefused, NotSealed, SourceError, Unreachable
from triage_kit.lab.server import Server

LOG = '2025-10-08 10:00:00.000 UTC [7] ERROR:  relation "x" does not exist\n'


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "server.log"
    path.write_text(LOG * 3)
    return str(path)


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("postgresql://triage@127.0.0.1:1/shop", Unreachable, "database 'shop' at 127.0.0.1, port 1, as role 'triage'"),
        ("postgresql://triage@no-such-host.invalid/shop", Unreachable, "no-such-host.invalid"),
    ],
)
def test_a_server_that_does_not_answer_is_named_with_what_to_do(new_case, url, error, words) -> None:
    case = new_case(database={"url": url})
    with pytest.raises(error, match=re.escape(words)) as raised:
        collect(case)
    assert "check host and port" in str(raised.value)
    assert "\n" not in str(raised.value)
    with pytest.raises(NotSealed):
        Bundle.open(case.folder)


def test_a_refused_login_names_role_and_database(server, new_case) -> None:
    for database, role, words in (
        ("postgres", "nobody_there", "as role 'nobody_there'"),
        ("no_such_db", "postgres", "database 'no_such_db'"),
    ):
        with pytest.raises(LoginRefused, match=words) as raised:
            collect(new_case(database={"url": server.url(database, role)}))
        assert "does not exist" in str(raised.value)


def test_another_source_makes_up_for_a_refused_login(server18, new_case, log) -> None:
    done = collect(new_case(database={"url": server18.url("postgres", "nobody_there")}, logs=[log]))
    assert isinstance(done.refused, LoginRefused)
    assert [entry.partition(" ")[0] for entry in done.named_unread] == ["database"]
    assert len(done.bundle.table("log_events")) == 3
    gap = done.bundle.table("questions").set_index("source").loc["database"]
    assert (gap["status"], gap["named"]) == ("refused", True)


def test_a_schema_that_is_not_there(server, database, new_case, ask) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)")
    with pytest.raises(SourceError, match=r"'shopp', which this database does not have; it has 'public', 'shop'"):
        ask(server, database, schemas=["shopp"])
    half = ask(server, database, schemas=["shop", "gone"])
    assert [entry.partition(" ")[0] for entry in half.named_unread] == ["schemas"]
    assert half.bundle.table("relations")["name"].tolist() == ["orders"]
    # A table of it is reported: that the schema is gone may be the incident itself.
    dropped = ask(server, database, schemas=["gone"], reported=["gone.orders"])
    assert len(dropped.bundle.table("identity")) == 1


def test_the_target_is_told_first_and_progress_after_each_answer(server18, database18, new_case) -> None:
    events = []
    collect(
        new_case(database={"url": server18.url(database18)}),
        only=EVERY,
        notify=lambda event, **facts: events.append((event, facts)),
    )
    assert events[0][0] == "target"
    assert events[0][1]["database"] == database18
    assert events[0][1]["role"] == "postgres"
    assert events[0][1]["version"].startswith("18")
    asked = [facts for event, facts in events if event == "question"]
    assert [facts["source"] for facts in asked] == list(EVERY)
    assert [facts["done"] for facts in asked] == list(range(1, len(EVERY) + 1))
    assert events[-1][0] == "sealed"


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_server_that_dies_in_the_middle(new_case, comes_back) -> None:
    with Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS id")
        case = new_case(database={"url": server.url()})

        def strike(event: str, **facts: object) -> None:
            if event == "question" and facts["source"] == "relations":
                server.crash()
                if comes_back:
                    server.start()

        if comes_back:
            done = collect(case, only=EVERY, notify=strike)
            questions = done.bundle.table("questions").set_index("source")
            assert "lost once and made anew" in questions.loc["connection", "reason"]
        else:
            with pytest.raises(Unreachable, match=r"22 questions are open, the first is statements"):
                collect(case, only=EVERY, notify=strike)
            assert (case.folder / PARTIAL / "relations.parquet").is_file()
            server.start()
            before = (case.folder / PARTIAL / "relations.parquet").stat().st_mtime_ns
            done = collect(case, only=EVERY)
            assert (done.bundle.folder / "relations.parquet").stat().st_mtime_ns == before
        assert done.bundle.verify() == []
        assert done.bundle.table("row_counts")["rows"].tolist() == [1]


def test_a_partial_bundle_of_another_database_is_not_gone_on_with(server18, database18, new_case) -> None:
    case = new_case(database={"url": server18.url(database18)})

    class Stop(Exception):
        pass

    def strike(event: str, **facts: object) -> None:
        if event == "question" and facts["source"] == "locks":
            raise Stop

    with pytest.raises(Stop):
        collect(case, only=EVERY, notify=strike)
    other = build({"database": {"url": server18.url("postgres")}}, case.path)
    with pytest.raises(SourceError, match="begun on another server or database"):
        collect(other, only=EVERY)


def test_a_cancelled_or_slow_statement_costs_its_answer_only(server18, database18) -> None:
    with Session(address.parameters(url=server18.url(database18))) as session:
        with pytest.raises(Refused, match="statement timeout") as slow:
            session.read("SELECT pg_catalog.pg_sleep(5)", limits=Limits(statement=100))
        assert slow.value.status == "failed"
        pid = session.read("SELECT pg_catalog.pg_backend_pid() AS pid")[0]["pid"]
        with server18.connect() as other:
            timer = threading.Timer(0.3, other.execute, ["SELECT pg_cancel_backend(%s)", (pid,)])
            timer.start()
            with pytest.raises(Refused, match="cancel"):
                session.read("SELECT pg_catalog.pg_sleep(5)")
            timer.join()
        assert session.read("SELECT 1 AS one") == [{"one": 1}]
        assert session.reconnections == 0


def test_an_idle_standby_default_does_not_stop_the_questions(server18, database18, ask) -> None:
    with server18.connect(database18) as connection:
        connection.execute(f"ALTER DATABASE {database18} SET default_transaction_read_only = on")
        connection.execute(f"ALTER DATABASE {database18} SET default_transaction_isolation = 'serializable'")
        connection.execute(f"ALTER DATABASE {database18} SET datestyle = 'German, DMY'")
        connection.execute(f"ALTER DATABASE {database18} SET search_path = ''")
    done = ask(server18, database18)
    assert "failed" not in set(done.bundle.table("questions")["status"])
    identity = done.bundle.table("identity").iloc[0]
    with server18.connect() as connection:
        started = connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0]
    assert identity["started_at"] == started


def test_the_drivers_own_errors_do_not_come_through(server18, database18) -> None:
    with Session(address.parameters(url=server18.url(database18))) as session, pytest.raises(Refused) as refusal:
        session.read("SELECT * FROM nowhere")
    assert refusal.value.status == "unavailable"
    assert not isinstance(refusal.value.__context__, psycopg.Error)
