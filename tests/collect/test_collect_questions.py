"""Every question: declared, parsed, harmless to read, and answered or refused by every kind of role."""

import re

import pytest
from waiting import reported

from triage_kit import schemas
from triage_kit.collect import questions
from triage_kit.collect.questions import PARTS, QUESTIONS
from triage_kit.errors import SourceError
from triage_kit.schemas import server as server_tables

NAMES = [question.name for question in QUESTIONS]
VARIANTS = [(name, path) for name in NAMES for path in questions.variants(name).values()]

SAMPLE = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers (id serial PRIMARY KEY, name text CHECK (name <> ''), city text);
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer int REFERENCES shop.customers ON DELETE CASCADE,
                          EXCLUDE USING btree (id WITH =));
CREATE TABLE shop.visits (at timestamptz, note text) PARTITION BY RANGE (at);
CREATE TABLE shop.visits_2025 PARTITION OF shop.visits FOR VALUES FROM ('2025-01-01') TO ('infinity');
CREATE UNLOGGED TABLE shop.cache (id int);
CREATE VIEW shop.names AS SELECT name FROM shop.customers;
CREATE MATERIALIZED VIEW shop.cities AS SELECT count(*) FROM shop.customers;
ALTER TABLE shop.customers DROP COLUMN city CASCADE;
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.orders FOR SELECT TO PUBLIC USING (customer > 0);
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted BEFORE INSERT OR DELETE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.note();
CREATE TABLE alembic_version (version_num varchar(32));
INSERT INTO alembic_version VALUES ('087_add_paused');
INSERT INTO shop.customers (name) SELECT 'n' || i FROM generate_series(1, 20) i;
INSERT INTO shop.orders SELECT i, i FROM generate_series(1, 12) i;
"""


SEEN_BESIDES = ("row_transactions", "row_times")  # what the counting of rows sees in the same look


def test_the_folders_are_the_questions_and_the_questions_are_the_servers_tables() -> None:
    folders = {path.name for path in questions.HERE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(NAMES)
    assert set(server_tables.TABLES) == {*NAMES, *SEEN_BESIDES}


@pytest.mark.parametrize(("name", "path"), VARIANTS, ids=[f"{name}-{path.stem}" for name, path in VARIANTS])
def test_a_variant_says_what_it_answers_and_only_selects(name: str, path) -> None:
    postgast = pytest.importorskip("postgast")
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- \S+ \S+ \S+", text), "the first comment says what the query answers"
    _, text = questions.load(name, int(path.stem))
    bare = re.sub(r"%\(\w+\)s", "NULL", text).replace("{schema}", "public")
    statements = postgast.parse(bare).stmts
    assert [statement.stmt.WhichOneof("node") for statement in statements] == ["select_stmt"]
    code = re.sub(r"--[^\n]*", "", text)
    assert not re.search(r"txid_current|nextval|export_snapshot|pg_sequence_last_value|FOR (UPDATE|SHARE)", code)
    assert not re.search(r"(?:FROM|JOIN)\s+(?!pg_catalog\.|LATERAL|\{schema\}\.|\()(?:pg_)\w+", code), "names qualified"


@pytest.mark.parametrize("question", [*QUESTIONS, *PARTS], ids=lambda question: question.name)
def test_a_question_says_what_its_absence_costs(question) -> None:
    assert len(question.costs.split()) >= 4
    assert not question.costs.endswith(".")
    assert all("{role}" in line for line in question.grant.splitlines())


def test_a_variant_is_the_newest_that_the_server_has_reached() -> None:
    assert questions.load("cluster_counters", 130_023)[0] == "cluster_counters/130000"
    assert questions.load("cluster_counters", 169_999)[0] == "cluster_counters/140000"
    assert questions.load("cluster_counters", 190_000)[0] == "cluster_counters/170000"
    with pytest.raises(SourceError, match="variants start at"):
        questions.load("identity", 120_000)


def test_what_the_superuser_gets_is_what_the_statements_did(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute(SAMPLE)
        connection.execute("DELETE FROM shop.customers WHERE id <= 5")
        connection.execute("TRUNCATE shop.orders")
        xid, at = connection.execute(
            "SELECT xmin::text::bigint, pg_xact_commit_timestamp(xmin) FROM pg_class "
            "WHERE oid = 'shop.orders'::regclass"
        ).fetchone()
    reported(server, database, "shop.orders", inserts=12)
    reported(server, database, "shop.customers", deletes=5)
    table = ask(server, database, schemas=["shop"]).bundle.table
    relations = table("relations").set_index("name")
    assert set(relations.index) == {"customers", "orders", "visits", "visits_2025", "cache", "names", "cities"}
    assert relations.loc["orders", "xmin"] == relations.loc["orders", "frozenxid"] == xid
    assert relations.loc["orders", "filenode"] != relations.loc["orders", "oid"]
    assert relations.loc["visits_2025", "partition_bound"].startswith("FOR VALUES FROM")
    assert relations.loc["visits_2025", "parent_oid"] == relations.loc["visits", "oid"]
    assert "shop.customers" in relations.loc["names", "definition"]
    counters = table("table_counters").set_index("table")
    # TRUNCATE leaves the inserts and wipes the rest; the cascade of the DELETE was rolled over by it.
    assert counters.loc["customers", ["inserts", "deletes"]].tolist() == [20, 5]
    assert counters.loc["orders", ["inserts", "live", "dead"]].tolist() == [12, 0, 0]
    storage = table("storage").set_index("oid")
    assert storage.loc[relations.loc["orders", "oid"], ["heap_bytes", "primary_key_bytes"]].tolist() == [0, 8192]
    columns = table("columns")
    dropped = columns[columns["dropped"] & columns["table_oid"].eq(relations.loc["customers", "oid"])]
    assert dropped["name"].tolist() == ["........pg.dropped.3........"]
    keys = table("constraints")
    foreign = keys[keys["kind"] == "foreign_key"].iloc[0]
    told = (foreign["on_delete"], foreign["columns"], foreign["referenced_columns"])
    assert told == ("cascade", ("customer",), ("id",))
    assert table("policies").loc[0, ["command", "roles", "using"]].tolist() == ["SELECT", ("public",), "(customer > 0)"]
    trigger = table("triggers").set_index("name").loc["noted"]
    assert (trigger["timing"], trigger["events"]) == ("before row", ("insert", "delete"))
    sequence = table("sequences").iloc[0]
    assert (sequence["last_value"], sequence["column"], sequence["readable"]) == (20, "id", True)
    assert table("commit_times").set_index("xid").loc[xid, "committed_at"] == at
    assert table("version_tables")[["tool", "version"]].to_numpy().tolist() == [["alembic", "087_add_paused"]]
    counts = table("row_counts").set_index("table")["rows"].dropna().to_dict()
    assert counts == {"customers": 15, "orders": 0, "visits_2025": 0, "cache": 0, "cities": 1}


def test_no_question_is_beyond_a_superuser(server, database, ask) -> None:
    told = ask(server, database).bundle.table("questions").set_index("source")
    asked = told.loc[told.index.intersection([question.name for question in QUESTIONS])]
    assert set(asked.index) == {question.name for question in QUESTIONS}
    open_ = asked.loc[~asked["status"].isin(["answered", "skipped"]), "reason"].to_dict()
    assert set(open_) <= {"statements"}, open_  # its extension is another test's


def test_foreign_bytes_survive_in_the_database_that_holds_them(foreign_bytes, ask) -> None:
    bundle = ask(foreign_bytes, "ascii_only", only=("relations", "table_counters", "statements")).bundle
    assert set(bundle.table("questions")["status"]) == {"answered"}, bundle.table("questions")["reason"].tolist()
    assert r"caf\xe9" in set(bundle.table("relations")["name"])
    assert bundle.table("statements")["text"].str.contains("TRUNCATE plain").any()


def test_the_schemas_know_each_question() -> None:
    assert all(schemas.get(name).columns for name in NAMES)


def test_an_acl_tells_who_may_delete_and_who_may_truncate(server, database, ask) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE ROLE acl_writer")
        connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.plain (id int); CREATE TABLE shop.shared (id int)")
        connection.execute("GRANT DELETE ON shop.shared TO acl_writer; GRANT TRUNCATE ON shop.shared TO PUBLIC")
        owner = connection.execute("SELECT current_user").fetchone()[0]
    try:
        found = ask(server, database, schemas=["shop"], only=("relations",)).bundle.table("relations").set_index("name")
    finally:
        with server.connect(database) as connection:
            connection.execute("DROP OWNED BY acl_writer; DROP ROLE acl_writer")
    # A table on which nobody granted anything has no ACL: it is its owner's alone.
    assert found.loc["plain", ["deleters", "truncaters"]].tolist() == [(owner,), (owner,)]
    assert found.loc["shared", "deleters"] == tuple(sorted(("acl_writer", owner)))
    assert found.loc["shared", "truncaters"] == tuple(sorted(("public", owner)))
