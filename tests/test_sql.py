"""A held-out corpus: what a text does, written down before the code was run on it; and texts that do nothing."""

import subprocess
import sys

import pytest

from triage_kit.sql import OPERATIONS, effects, quote_ident, quote_qualified, statements, suspicious
from triage_kit.sql.fallback import by_words

# text, then each effect that can cost something: operation, object, whether a WHERE limits it, CASCADE.
DESTRUCTIVE = [
    ("DELETE FROM shop.orders", "delete shop.orders unbounded"),
    ("delete from only orders o using c where o.id = c.id", "delete orders bounded"),
    ("DELETE FROM orders WHERE true", "delete orders unbounded"),
    ("DELETE FROM orders WHERE 1 = 1", "delete orders unbounded"),
    ("DELETE FROM orders WHERE 'a' = 'a' OR id = 3", "delete orders unbounded"),
    ("DELETE FROM orders WHERE id = id AND true", "delete orders unbounded"),
    ("DELETE FROM orders WHERE NOT false", "delete orders unbounded"),
    ("DELETE FROM orders WHERE 't'::bool", "delete orders unbounded"),
    ("DELETE FROM orders WHERE 1 <> 2", "delete orders unbounded"),
    ("DELETE FROM orders WHERE id IN (SELECT id FROM old WHERE true)", "delete orders bounded"),
    ("DELETE FROM orders WHERE 1 = 2", "delete orders bounded"),
    ("DELETE FROM a WHERE CURRENT OF c", "delete a bounded"),
    ("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", "delete a unbounded"),
    ("WITH x AS (SELECT 1) DELETE FROM a WHERE id IN (TABLE x)", "delete a bounded"),
    ("UPDATE accounts SET deleted_at = now()", "update accounts unbounded"),
    ("UPDATE accounts SET active = false WHERE id > 7", "update accounts bounded"),
    ('TRUNCATE "Sales"."Order Items"', "truncate Sales.Order Items"),
    ("TRUNCATE TABLE ONLY a, b.c RESTART IDENTITY CASCADE", "truncate a cascade, truncate b.c cascade"),
    ("DROP TABLE IF EXISTS a, m.b CASCADE", "drop_table a cascade, drop_table m.b cascade"),
    ("drop schema staging cascade", "drop_schema staging cascade"),
    ("DROP DATABASE shop WITH (FORCE)", "drop_database shop"),
    ("DROP TYPE IF EXISTS migration.flowstatus CASCADE", "drop_type migration.flowstatus cascade"),
    ("DROP DOMAIN email CASCADE", "drop_type email cascade"),
    ("DROP EXTENSION hstore CASCADE", "drop_extension hstore cascade"),
    ("DROP OWNED BY app CASCADE", "drop_owned app cascade"),
    ("DROP MATERIALIZED VIEW m", "drop_materialized_view m"),
    ("ALTER TABLE a DROP COLUMN b, DROP COLUMN IF EXISTS c CASCADE", "drop_column a, drop_column a cascade"),
    ("ALTER TABLE IF EXISTS a ALTER b TYPE int USING b::int", "alter_column_type a"),
    ("ALTER TABLE a RENAME TO a_old", "rename_table a"),
    ("ALTER TABLE a SET SCHEMA attic", "set_schema a"),
    ("ALTER SCHEMA a RENAME TO b", "rename_schema a"),
    ("ALTER TABLE a SET UNLOGGED", "set_unlogged a"),
    ("ALTER TABLE m DETACH PARTITION m_2024 CONCURRENTLY", "detach_partition m_2024"),
    ("ALTER TABLE child NO INHERIT parent", "no_inherit child"),
    ("ALTER TABLE a ENABLE ROW LEVEL SECURITY", "enable_row_security a"),
    ("CREATE POLICY p ON a USING (false)", "create_policy a"),
    ("ALTER ROLE app SET search_path = other", "set_search_path app"),
    ("VACUUM (FULL, ANALYZE) a", "vacuum_full a"),
    ("VACUUM a", "vacuum a"),
    ("CLUSTER a USING a_pkey", "cluster a"),
    ("REFRESH MATERIALIZED VIEW m WITH NO DATA", "refresh_materialized_view m"),
    ("MERGE INTO a USING b ON a.id = b.id WHEN NOT MATCHED BY SOURCE THEN DELETE", "merge a bounded, delete a bounded"),
    ("EXPLAIN (ANALYZE, COSTS OFF) DELETE FROM a", "delete a unbounded"),
    ("COPY (DELETE FROM a RETURNING *) TO STDOUT", "delete a unbounded"),
    (
        "CREATE RULE r AS ON INSERT TO a DO ALSO (DELETE FROM b; DELETE FROM c WHERE id = 1)",
        "delete b unbounded, delete c bounded",
    ),
    ("DO $$ BEGIN DELETE FROM a; EXECUTE 'TRUNCATE b'; END $$", "delete a unbounded, truncate b"),
    ("DO LANGUAGE plpgsql 'BEGIN TRUNCATE a; END'", "truncate a"),
    (
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP EXECUTE format('DROP TABLE %I', r); END LOOP; END $$",
        "dynamic",
    ),
    (
        "DO $x$ BEGIN IF true THEN DELETE FROM a WHERE id = 1; ELSE DELETE FROM a; END IF; END $x$",
        "delete a bounded, delete a unbounded",
    ),
    (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM log; RETURN OLD; END $$",
        "delete log unbounded",
    ),
    ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'TRUNCATE a'", "truncate a"),
    (
        "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM a; DELETE FROM b WHERE id = 1; END",
        "delete a unbounded, delete b bounded",
    ),
    (
        "CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a WHERE id=n; RETURN 1; END $$",
        "delete a bounded",
    ),
    ("CREATE FUNCTION f() RETURNS void LANGUAGE plpython3u AS $$ plpy.execute('DROP TABLE a') $$", "drop_table a"),
    ("CREATE FUNCTION f() RETURNS void LANGUAGE plpython3u AS $$ plpy.execute('DROP ' + kind) $$", "dynamic"),
    ("BEGIN; DELETE FROM a; DELETE FROM b WHERE id = 1; COMMIT", "delete a unbounded, delete b bounded"),
    ("EXECUTE cleanup(3)", "dynamic cleanup"),
    (
        "DELETE FROM migration.collection_flows WHERE status \\!= 'completed';",
        "delete migration.collection_flows bounded",
    ),
    ("TRUNCATE a, b CASC", "truncate a, truncate b"),
    ("DELETE FROM a WHERE name = 'unfin", "delete a bounded"),
    ("DELETE FROM a WHERE (SELECT 1; DROP TABLE b;", "delete a bounded, drop_table b"),
    ("\\set ON_ERROR_STOP 1\n\\c shop\nTRUNCATE a;", "truncate a"),
    ("COPY a FROM STDIN;\n1\tDELETE FROM b;\n\\.\nDELETE FROM c;", "delete c unbounded"),
    ("SELECT 1 FROM (; DELETE FROM a; ALTER TABLE b DROP COLUMN c;", "delete a unbounded, drop_column b"),
    ('DELETE FROM :"schema".orders WHERE (', "delete :schema.orders bounded"),
    ("DELETE FROM a WHERE true AND (", "delete a bounded"),
    ("DROP TABL orders", "unparsed"),
    ("DROP TABLE a; not sql at all (((", "drop_table a"),
]

HARMLESS = [
    "SELECT * FROM orders",
    "GRANT TRUNCATE, DELETE ON a TO b",
    "REVOKE DELETE ON ALL TABLES IN SCHEMA s FROM b",
    "SELECT 'DROP TABLE a'",
    "SELECT E'it\\'s DELETE FROM a'",
    "SELECT $$TRUNCATE a$$",
    "SELECT $tag$ DELETE FROM a; $$ $tag$",
    "-- DROP TABLE a\nSELECT 1",
    "/* DELETE FROM a; /* nested */ TRUNCATE b */ SELECT 1",
    'SELECT "delete", "truncate" FROM "drop"',
    "INSERT INTO audit (statement) VALUES ('DELETE FROM a')",
    "INSERT INTO a VALUES (1) ON CONFLICT (id) DO NOTHING",
    "SELECT * FROM a FOR UPDATE",
    "CREATE TABLE a (id int REFERENCES b ON DELETE CASCADE ON UPDATE CASCADE)",
    "CREATE TRIGGER t AFTER DELETE OR TRUNCATE ON a FOR EACH STATEMENT EXECUTE FUNCTION f()",
    "EXPLAIN DELETE FROM a",
    "EXPLAIN (ANALYZE false) DELETE FROM a",
    "PREPARE p AS DELETE FROM a",
    "COMMENT ON TABLE a IS 'do not drop table a'",
    "CREATE TEMP TABLE t (id int); DELETE FROM t; TRUNCATE t; DROP TABLE t",
    "CREATE TEMP TABLE t AS SELECT 1; DROP TABLE t",
    "DROP TABLE pg_temp.scratch",
    "ANALYZE a",
    "REINDEX TABLE a",
    "DROP INDEX i",
    "ALTER TABLE a ADD COLUMN b int",
    "ALTER TABLE a ALTER COLUMN b DROP NOT NULL, ALTER COLUMN b DROP DEFAULT",
    "ALTER TYPE mood ADD VALUE 'ok'",
    "ALTER TABLE a DISABLE ROW LEVEL SECURITY",
    "SELECT truncate(1.5), delete_me FROM a",
    "SET search_path = a",
    "BEGIN; COMMIT",
    "",
    "   -- nothing",
    ";;;",
    "no sql here, we will drop in tomorrow",
    "SELECT 'unfinished",
    "\\d orders",
    "VACUUMED (",
]


def told(found):
    words = {True: "bounded", False: "unbounded", None: ""}
    return ", ".join(
        " ".join(filter(None, (each.operation, each.object, words[each.bounded], "cascade" * each.cascade)))
        for each in found
    )


def costly(text):
    return told(each for each in effects(text) if each.costs)


@pytest.mark.parametrize(("text", "expected"), DESTRUCTIVE)
def test_what_a_text_costs(text, expected):
    assert costly(text) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_what_costs_nothing(text):
    assert costly(text) == ""


@pytest.mark.parametrize("text", [text for text, _ in DESTRUCTIVE])
def test_the_prefilter_lets_every_costly_text_pass(text):
    assert suspicious(text)


VALID = [text for text, _ in DESTRUCTIVE][: [text for text, _ in DESTRUCTIVE].index("EXECUTE cleanup(3)")]


@pytest.mark.parametrize("text", VALID)
def test_valid_sql_is_read_by_the_grammar(text):
    # Bodies may still be read by words, where their variables are declared outside of them.
    assert effects(text)[0].how == "parsed"


@pytest.mark.parametrize(
    ("text", "expected"), [each for each in DESTRUCTIVE if each[0].startswith(("TRUNC", "DROP", "drop"))]
)
def test_words_alone_find_what_is_dropped_or_truncated(text, expected):
    assert told(by_words(text)) == expected


def test_words_alone_raise_no_false_alarm():
    alarms = {text: [each.operation for each in by_words(text) if each.costs] for text in HARMLESS}
    assert {text: found for text, found in alarms.items() if found} == {}


def test_lines_are_those_of_the_text():
    text = "-- a\nBEGIN;\n\nDELETE FROM a;\nDO $$\nBEGIN\n  DELETE\n    FROM b;\n  EXECUTE x;\nEND $$;\nTRUNCATE c"
    found = [(each.operation, each.object, each.line, each.within) for each in effects(text)]
    assert found == [
        ("delete", "a", 4, ""),
        ("delete", "b", 7, "do"),
        ("dynamic", "", 9, "do"),
        ("truncate", "c", 11, ""),
    ]
    broken = "SELECT (;\n\nDELETE FROM a;\n\nTRUNCATE b;"
    assert [(each.operation, each.line) for each in effects(broken)] == [("delete", 3), ("truncate", 5)]


def test_a_broken_statement_hides_no_neighbour():
    found = effects("DELETE FROM a; DELETE FROM b WHERE status \\!= 'x'; TRUNCATE c")
    assert [(each.object, each.how) for each in found] == [("a", "parsed"), ("b", "tokens"), ("c", "parsed")]


def test_names_can_be_quoted_again():
    [found] = effects('DELETE FROM "My Schema"."a.b"')
    assert found.parts == ("My Schema", "a.b")
    assert quote_qualified(*found.parts) == '"My Schema"."a.b"'
    assert [quote_ident(name) for name in ("a", "A", "1a", "select", "a-b", "", "ä")] == [
        "a", '"A"', '"1a"', '"select"', '"a-b"', '""', '"ä"',
    ]  # fmt: skip


def test_columns_and_partners_are_named():
    found = [
        (each.object, each.column) for each in effects("ALTER TABLE a DROP COLUMN b; ALTER TABLE p DETACH PARTITION q")
    ]
    assert found == [("a", "b"), ("q", "p")]


def test_statements_are_split_with_their_lines():
    text = "SELECT ';';\nCREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;\n\n/* ; */ SELECT 3"
    assert [line for line, _ in statements(text)] == [1, 2, 4]
    assert statements(text)[2] == (4, "SELECT 3")


def test_every_operation_has_a_meaning_and_known_costs():
    for each in OPERATIONS.values():
        assert each.meaning
        assert each.costs <= {"rows", "storage", "columns", "visibility"}


HOSTILE = {
    "operands": "SELECT " + "a+" * 50_000 + "a; DROP TABLE x",
    "concatenations": "SELECT " + "a||" * 200 + "a; DROP TABLE x",
    "calls": "SELECT " + "f(" * 300 + "1" + ")" * 300 + "; DROP TABLE x",
    "parentheses": "SELECT " + "(" * 100_000 + "; DROP TABLE x",
    "not": "SELECT " + "NOT " * 30_000 + "true; DROP TABLE x",
    "unions": "SELECT 1" + " UNION SELECT 1" * 20_000 + "; DROP TABLE x",
    "joins": "SELECT 1 FROM a" + " JOIN a ON true" * 20_000 + "; DROP TABLE x",
    "arrays": "SELECT " + "ARRAY[" * 5_000 + "1" + "]" * 5_000 + "; DROP TABLE x",
    "casts": "SELECT 1" + "::int" * 30_000 + "; DROP TABLE x",
    "cases": "SELECT " + "CASE WHEN true THEN " * 5_000 + "1" + " END" * 5_000 + "; DROP TABLE x",
    "signs": "SELECT " + "- " * 50_000 + "1; DROP TABLE x",
    "collations": "SELECT a" + ' COLLATE "C"' * 20_000 + "; DROP TABLE x",
    "null tests": "SELECT a" + " ISNULL" * 30_000 + "; DROP TABLE x",
    "zones": "SELECT a" + " AT LOCAL" * 20_000 + "; DROP TABLE x",
    "ands": "SELECT " + "a AND " * 50_000 + "a; DROP TABLE x",
    "with": "WITH a AS (" * 5_000 + "; DROP TABLE x",
    "explain": "EXPLAIN " * 20_000 + "SELECT 1; DROP TABLE x",
    "set of types": "SELECT a" + " OPERATOR(+) a" * 10_000 + "; DROP TABLE x",
    "dots": "SELECT a" + ".a" * 50_000 + "; DROP TABLE x",
    "plpgsql": "DO $$ BEGIN " + "IF true THEN " * 5_000 + " END $$; DROP TABLE x",
    "plpgsql blocks": "DO $$ " + "BEGIN " * 20_000 + " END $$; DROP TABLE x",
    "nul": "SELECT '\0'; DROP TABLE x",
    "surrogate": "SELECT '\udcff'; DROP TABLE x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_ends_the_process(name):
    """In a process of its own, on a thread with a small stack: a crash of C code is no exception."""
    program = (
        "import sys, threading\n"
        "from triage_kit.sql import effects\n"
        "text = sys.stdin.buffer.read().decode('utf-8', 'surrogateescape')\n"
        "found = []\n"
        "threading.stack_size(1 << 20)\n"
        "thread = threading.Thread(target=lambda: found.extend(effects(text)))\n"
        "thread.start(); thread.join()\n"
        "sys.stdout.write(found[-1].operation + ' ' + found[-1].object if found else 'nothing')\n"
    )
    data = HOSTILE[name].encode("utf-8", "surrogateescape")
    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout in (b"drop_table x", b"truncate x"), done


def test_without_the_grammar_the_words_serve_alone():
    program = (
        "import sys; sys.modules['postgast'] = None\n"
        "from triage_kit.sql import effects\n"
        "found = effects('DELETE FROM a; DO $$ BEGIN TRUNCATE b CASCADE; END $$')\n"
        "sys.stdout.write(str([(each.operation, each.object, each.how, each.within) for each in found]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[('delete', 'a', 'tokens', ''), ('truncate', 'b', 'tokens', 'do')]"


LOSES = {
    "BEGIN; DELETE FROM a; ROLLBACK": "",
    "BEGIN; DELETE FROM a; SAVEPOINT s; DELETE FROM b; ROLLBACK TO s; COMMIT": "rows a",
    "BEGIN; SAVEPOINT s; DELETE FROM a; SAVEPOINT t; DELETE FROM b; ROLLBACK TO t; COMMIT": "rows a",
    "BEGIN; SAVEPOINT s; DELETE FROM a; RELEASE s; DELETE FROM b; COMMIT": "rows a, rows b",
    "DELETE FROM a WHERE false; DELETE FROM b WHERE 2 = 1.0; UPDATE c SET x = 0 WHERE NULL": "",
    "DELETE FROM a WHERE 1 = 1.0; DELETE FROM b WHERE ' 1' = 1": "rows a, rows b",
    "DELETE FROM a WHERE false OR x": "rows a",
    "CREATE TABLE a (i int); DELETE FROM a; DROP TABLE a": "",
    "CREATE TABLE a (i int); SELECT (; DELETE FROM a; DROP TABLE a": "",
    "CREATE TABLE IF NOT EXISTS a (i int); DELETE FROM a; DROP TABLE a": "rows a, rows a",
    "CREATE TABLE IF NOT EXISTS a (i int); SELECT (; DELETE FROM a; DROP TABLE a": "rows a, rows a",
    "CREATE TABLE a (i int); DELETE FROM a": "rows a",
    "DROP TABLE a; CREATE TABLE a (i int); TRUNCATE a; DROP TABLE a": "rows a",
    "BEGIN; CREATE TABLE a (i int); ROLLBACK; TRUNCATE a; DROP TABLE a": "rows a, rows a",
    "\\if false\nDROP TABLE a;\n\\else\nDROP TABLE b;\n\\endif": "rows b",
    "\\if :{?x}\nDROP TABLE a;\n\\elif off\nDROP TABLE b;\n\\else\nDROP TABLE c;\n\\endif": "rows a, rows c",
    "\\if on\n\\if 0\nDROP TABLE a;\n\\endif\nDROP TABLE b;\n\\else\nDROP TABLE c;\n\\endif": "rows b",
    "BEGIN; DELETE FROM a; COMMIT; BEGIN; DELETE FROM b; ROLLBACK": "rows a",
    "DROP TYPE mood": "",
    "DROP SERVER remote CASCADE": "visibility remote",
    'DROP COLLATION "de" CASCADE': "columns de",
    "ALTER TABLE a ALTER b TYPE text": "",
    # A server refuses a value that is too long, but rounds a number and cuts what a USING cuts.
    "ALTER TABLE a ALTER b TYPE varchar(10); ALTER TABLE a ALTER c TYPE char(3)": "",
    "ALTER TABLE a ALTER b TYPE varchar(10) USING left(b, 10)": "columns a",
    "ALTER TABLE a ALTER b TYPE numeric(8,1); ALTER TABLE b ALTER c TYPE timestamptz(0)": "columns a, columns b",
    "DELETE FROM a WHERE id = NULL; DELETE FROM b WHERE x = 1 AND y <> NULL; DELETE FROM c WHERE NOT (x = NULL)": "",
    "DELETE FROM a WHERE x NOT IN (1, NULL); UPDATE b SET i = 0 WHERE x LIKE NULL": "",
    "DELETE FROM a WHERE x = 1 OR y = NULL; DELETE FROM b WHERE x IN (1, NULL)": "rows a, rows b",
    "DELETE FROM a WHERE x IS NOT DISTINCT FROM NULL; DELETE FROM b WHERE coalesce(x, NULL) = 1": "rows a, rows b",
    "ALTER TABLE a ADD b int, ADD c int; UPDATE a SET b = 1, c = x; ALTER TABLE a DROP b": "",
    "ALTER TABLE a ADD b int; UPDATE a SET b = 1, c = 2": "values a",
    "ALTER TABLE a ADD IF NOT EXISTS b int; UPDATE a SET b = 1; ALTER TABLE a DROP b": "values a, columns a",
    "ALTER TABLE a ADD b int; ALTER TABLE a DROP b; ALTER TABLE a DROP b; UPDATE c SET b = 1": "columns a, values c",
    "UPDATE a SET b = 1; ALTER TABLE a ADD b int": "values a",
    "CREATE TABLE a (i int); ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE a ALTER i TYPE smallint": "",
    "CREATE TABLE IF NOT EXISTS a (i int); ALTER TABLE a ENABLE ROW LEVEL SECURITY": "visibility a",
    "CREATE SCHEMA w; CREATE TABLE w.t (i int); TRUNCATE w.t; DROP SCHEMA w CASCADE; DROP SCHEMA w CASCADE": "rows w",
    "CREATE SCHEMA IF NOT EXISTS w; DROP SCHEMA w CASCADE": "rows w",
    "CREATE SCHEMA w; ALTER TABLE a SET SCHEMA w; DROP SCHEMA w CASCADE": "visibility a, rows w",
    "CREATE TABLE p (i int) PARTITION BY RANGE (i); ALTER TABLE p ATTACH PARTITION a DEFAULT; DROP TABLE p": "rows p",
    "CREATE TABLE a (i int); ALTER TABLE b ADD REFERENCES a; TRUNCATE a CASCADE; DROP TABLE a": "rows a",
    "CREATE TABLE n (i int); DROP TABLE a; ALTER TABLE n RENAME TO a; DROP TABLE a": "rows a, rows a",
    "CREATE TABLE a (i int); CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'": "rows a",
    "CREATE SERVER s FOREIGN DATA WRAPPER w; DROP SERVER s CASCADE; DROP SERVER t CASCADE": "visibility t",
    "CREATE EXTENSION x; DROP EXTENSION x CASCADE; CREATE EXTENSION IF NOT EXISTS y; DROP EXTENSION y": "columns y",
    "CREATE TYPE mood AS ENUM ('a'); DROP TYPE mood CASCADE; DROP TYPE mood CASCADE": "columns mood",
    "CREATE ROLE r; ALTER ROLE r SET search_path = x; DROP OWNED BY r; DROP ROLE r": "",
    # Who is given what others owned owns more than the text has made.
    "CREATE ROLE r; REASSIGN OWNED BY q TO r; DROP OWNED BY r": "visibility q, rows r",
    "CREATE ROLE r; ALTER TABLE a OWNER TO r; DROP OWNED BY r": "rows r",
    "CREATE DATABASE d; DROP DATABASE d; DROP DATABASE d": "rows d",
    "CREATE SCHEMA s; ALTER SCHEMA s RENAME TO t; DROP SCHEMA t CASCADE; DROP SCHEMA s CASCADE": "rows s",
    "DO $$ BEGIN CREATE TABLE z (i int); DELETE FROM z; DROP TABLE z; END $$": "",
    "DO $$ BEGIN IF x THEN CREATE TABLE z (i int); END IF; TRUNCATE z; END $$": "rows z",
    "DO $$ BEGIN IF x THEN CREATE ROLE r; END IF; END $$; DROP OWNED BY r": "rows r",
    "ALTER TABLE a ADD b int; DO $$ BEGIN UPDATE a SET b = 1; END $$": "",
    "SET session_replication_role = replica; INSERT INTO a VALUES (1); RESET session_replication_role": "",
    "SET session_replication_role = replica; DELETE FROM a; SET session_replication_role = origin": "rows a",
    "ALTER TABLE a DISABLE TRIGGER ALL; COPY a FROM 'x'; ALTER TABLE a ENABLE TRIGGER ALL": "",
    "ALTER TABLE a DISABLE TRIGGER ALL; ALTER TABLE b ENABLE TRIGGER ALL": "suspect a",
    "ALTER TABLE a ENABLE TRIGGER ALL; ALTER TABLE a DISABLE TRIGGER ALL": "suspect a",
    "\\set sure 0\n\\if :sure\nDROP TABLE a;\n\\endif": "",
    "\\set sure 1\n\\if :sure\nDROP TABLE a;\n\\endif": "rows a",
    "\\set sure 0\nSELECT true AS sure \\gset\n\\if :sure\nDROP TABLE a;\n\\endif": "rows a",
    "\\set sure 0\n\\if :{?x}\n\\set sure 1\n\\endif\n\\if :sure\nDROP TABLE a;\n\\endif": "rows a",
    "DROP POLICY IF EXISTS p ON a; CREATE POLICY p ON a FOR DELETE USING (x)": "",
    "DROP POLICY IF EXISTS p ON a; CREATE POLICY p ON a FOR SELECT USING (x)": "",
    "DROP POLICY IF EXISTS p ON a; CREATE POLICY p ON a USING (false)": "visibility a, visibility a",
    "DROP POLICY IF EXISTS p ON a; CREATE POLICY q ON a USING (x)": "visibility a",
    "DROP POLICY p ON a; CREATE POLICY p ON a FOR DELETE USING (x)": "visibility a",
    "DROP POLICY p ON a; CREATE POLICY p ON a FOR SELECT USING (x); DROP POLICY q ON a": "visibility a",
    # A policy made anew under its name is a renewal, unless the new one shuts everybody out.
    "DROP POLICY p ON a; CREATE POLICY p ON a USING (b > 3)": "",
    "DROP POLICY p ON a; CREATE POLICY p ON a USING (false)": "visibility a, visibility a",
    "DROP POLICY p ON a; CREATE POLICY q ON a USING (b > 3)": "visibility a",
    "DROP POLICY p ON a; CREATE POLICY p ON a USING (true)": "",
    "DROP POLICY p ON a; CREATE POLICY p ON a USING (x); DROP POLICY p ON a": "visibility a, visibility a",
    "DROP MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT 1": "",
    "DROP MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT 1 WITH NO DATA": "rows m",
    "DROP MATERIALIZED VIEW m CASCADE; CREATE MATERIALIZED VIEW m AS SELECT 1": "",
    "CREATE TYPE n AS ENUM ('a'); ALTER TABLE a ALTER b TYPE n USING b::text::n": "",
    "CREATE TYPE n AS ENUM ('a'); ALTER TABLE a ALTER b TYPE n USING 'a'::n": "columns a",
    "CREATE TYPE n AS ENUM ('a'); ALTER TABLE a ALTER b TYPE n USING c::n": "columns a",
    "CREATE TYPE n AS ENUM ('a'); ALTER TABLE a ALTER b TYPE n USING b::varchar(1)::n": "columns a",
    "ALTER TABLE a ALTER b TYPE n USING b::text::n": "columns a",
    "CREATE POLICY p ON a AS RESTRICTIVE FOR UPDATE USING (x); CREATE POLICY q ON a FOR INSERT WITH CHECK (false)": "",
    "ALTER TABLE a ALTER b TYPE text USING 'x'": "columns a",
    # One row that a key picks is what an application hides all day; several are not.
    "UPDATE a SET deleted_at = now() WHERE id = 1": "",
    "UPDATE a SET deleted_at = now() WHERE tenant = 3 AND a.a_id = $1::bigint": "",
    "UPDATE a SET deleted_at = now() WHERE id = 1 OR id = 2": "visibility a",
    "UPDATE a SET deleted_at = now() WHERE id IN (1, 2)": "visibility a",
    "UPDATE a SET deleted_at = now() WHERE id > 1": "visibility a",
    "UPDATE a SET deleted_at = now() WHERE b_id = 1": "visibility a",
    "UPDATE a SET deleted_at = now() FROM b WHERE id = b.a": "visibility a",
    "COPY a TO STDOUT;\nCOPY b FROM STDIN;\n1\tdrop table; delete from\n\\.\n": "",
    "COPY a FROM STDIN;\n1\n\\.\nBEGIN; COPY b (c)\n FROM STDIN;\nx; truncate b;\n\\.\nDELETE FROM b": "rows b",
    "UPDATE a SET deleted_at = NULL WHERE id = 1": "",
    "UPDATE a SET is_active = false WHERE tenant = 7": "visibility a",
    "UPDATE a SET is_active = true WHERE tenant = 7": "",
    "DELETE FROM a WHERE deleted_at IS NOT NULL": "rows a",
    "CREATE POLICY p ON a USING (owner = current_user)": "",
    "CREATE POLICY p ON a USING (false)": "visibility a",
    "CREATE POLICY p ON a AS RESTRICTIVE USING (tenant = 1)": "visibility a",
    "CREATE RULE r AS ON INSERT TO a DO INSTEAD NOTHING": "visibility a",
    "SELECT cron.schedule('nightly', '0 3 * * *', 'DELETE FROM a')": "rows a",
    "SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 1')": "",
    "SELECT dblink_exec('dbname=other', 'TRUNCATE b')": "rows b",
    "SELECT drop_chunks('conditions', interval '3 months')": "rows conditions",
    "SELECT set_config('session_replication_role', 'replica', true)": "suspect ",
    "COPY a TO PROGRAM 'rm -rf x'": "suspect ",
    "\\copy a FROM 'a.csv'": "",
    "\\copy (DELETE FROM a RETURNING *) TO 'a.csv'": "rows a",
    "\\! dropdb shop": "suspect ",
    "INSERT INTO a (id) VALUES (7), (8); DELETE FROM a WHERE id IN (7, 8); DELETE FROM a WHERE id = 9": "rows a",
    "INSERT INTO a (id, b) VALUES (7, 1); DELETE FROM a WHERE b = 1; DELETE FROM c WHERE id = 7": "rows a, rows c",
    "INSERT INTO a (id) VALUES (7) ON CONFLICT DO NOTHING; DELETE FROM a WHERE id = 7": "rows a",
    "INSERT INTO a (id) VALUES (7); DELETE FROM a WHERE id = 7 OR b; DELETE FROM a WHERE id > 7": "rows a, rows a",
    "SELECT '\\gexec'": "",
    "SELECT format('CREATE TABLE p_%s PARTITION OF p DEFAULT', y) FROM years \\gexec": "",
    "SELECT 'ANALYZE ' || t, format('TRUNCATE %I', t) FROM old \\gexec": "suspect ",
    "SELECT s FROM todo \\gexec": "suspect ",
    "PREPARE d AS DELETE FROM a; EXECUTE d": "rows a",
    "DO $$ BEGIN CREATE TEMP TABLE w AS SELECT 1; DELETE FROM w; DELETE FROM a; END $$": "rows a",
    "CREATE TEMP TABLE w(); SELECT (; DELETE FROM w; DELETE FROM a": "rows a",
    "CREATE TEMP TABLE a(); CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'": "rows a",
}


@pytest.mark.parametrize(("text", "expected"), LOSES.items())
def test_what_is_lost_in_the_light_of_the_rest(text, expected):
    assert ", ".join(f"{each.loses} {each.object}" for each in effects(text) if each.loses) == expected


TAUTOLOGIES = (
    "1 = 1", "true", "id IS NOT NULL", "a.id = a.id", "x = 1 OR true", "NOT (1 = 2)", "2 > 1", "'a' = 'a'",
    "lower(n) = lower(n)", "n LIKE '%'", "EXISTS (SELECT 1)", "id IN (SELECT id FROM a)", "true IS NOT FALSE",
    "'on'::bool",
)  # fmt: skip
LIMITS = (
    "1 = 2", "false", "gone_at IS NOT NULL", "a.id = b.id", "x = 1 AND true", "NOT x", "n > 1", "n LIKE 'a%'",
    "EXISTS (SELECT 1 FROM b)", "id IN (SELECT id FROM b)", "id IN (SELECT id FROM a WHERE x)", "lower(n) = upper(n)",
)  # fmt: skip


@pytest.mark.parametrize(("condition", "bounded"), [*((t, False) for t in TAUTOLOGIES), *((t, True) for t in LIMITS)])
def test_a_condition_that_is_always_true_limits_nothing(condition, bounded):
    [found] = effects(" WHERE ".join(("DELETE FROM a", condition)))
    assert found.bounded is bounded


@pytest.mark.parametrize(
    ("condition", "fixed"),
    [
        ("id = 12 AND owner = $1 AND n > 3", ("id", "owner")),
        ("'x' = name", ("name",)),
        ("id = 12 OR owner = 3", ()),
        ("id IN (1, 2)", ()),
        ("id = owner", ()),
        ("id = NULL", ()),
    ],
)
def test_the_columns_that_a_delete_gives_one_value(condition, fixed):
    [effect] = effects(" ".join(("DELETE FROM notes WHERE", condition)))
    assert effect.fixed == fixed


def test_a_value_of_another_table_fixes_no_column_of_this_one():
    [effect] = effects("DELETE FROM notes USING owners WHERE owners.id = 3 AND notes.owner = owners.id")
    assert effect.fixed == ()


def test_at_least_25_kinds_of_loss_are_told_apart():
    assert len([each for each in OPERATIONS.values() if each.loses]) >= 25


def test_a_long_script_is_read_to_its_end():
    text = "INSERT INTO a VALUES (1, 'drop; table');\n" * 40_000 + "DELETE FROM a;\n-- end"
    [found] = [each for each in effects(text) if each.loses]
    assert (found.operation, found.object, found.line) == ("delete", "a", 40_001)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("format('DELETE FROM shop.orders WHERE id = %L', x)", [("delete", "shop.orders")]),
        ("'DELETE FROM orders WHERE note = ' || quote_literal(x)", [("delete", "orders")]),
        ("format('TRUNCATE %I.%I', s, t)", [("dynamic", "")]),
        ("'DROP TABLE ' || t || ' CASCADE'", [("dynamic", "")]),
        ("format('CREATE INDEX ON %I (%I)', t, c)", []),
        ("pg_catalog.format('SELECT count(*) FROM %1$I.%2$I', s, t)", []),
        ("format('SELECT %I()', f)", [("dynamic", "")]),
        ("'SELECT ' || f", [("dynamic", "")]),
        ("format('ALTER TABLE %I %s', t, what)", [("dynamic", "")]),
        ("format('%s', statement)", [("dynamic", "")]),
        ("statement", [("dynamic", "")]),
        ("format('%s', 'ANALYZE a') || rest", [("dynamic", "")]),
        ("'" + "SELECT 1 AS a, " * 2_000 + "' || t", [("dynamic", "")]),
    ],
)
def test_text_that_a_routine_builds_is_known_where_its_statement_and_its_table_are(expression, told):
    body = f"DO $$ BEGIN EXECUTE {expression}; END $$"
    assert [(each.operation, each.object) for each in effects(body) if each.loses] == told


def test_a_hole_in_a_name_hides_no_later_table():
    body = "BEGIN EXECUTE 'CREATE TEMP TABLE ' || t || ' (a int)'; EXECUTE 'TRUNCATE ' || t; TRUNCATE a; END"
    assert [each.operation for each in effects(f"DO $$ {body} $$") if each.loses] == ["dynamic", "truncate"]


SHAPED = [
    "DELETE FROM t1 WHERE id = 1",
    "DELETE FROM t2 WHERE id = 2",
    "delete from only m.t1 where t1.c2 <= -3.5 AND kind IN ('a', 'b')",
    'DELETE FROM "A 1" WHERE "c 1" = \'--;\'',
    'DELETE FROM "A 2" WHERE "c 1" = \'--;\'',
    "DELETE FROM t WHERE id = $1",
    "DELETE FROM user WHERE id = 4",
    "DELETE FROM t WHERE true = 't'",
    "DELETE FROM t WHERE true = 'f'",
    "DELETE FROM t WHERE id = 7 OR 1 = 1",
    "DELETE FROM t WHERE id = 7;",
    "DELETE FROM t WHERE id = 'a\nb'",
    "DELETE FROM t WHERE id = 1; DELETE FROM u",
    "DELETE FROM t WHERE id = 5 -- AND",
]


@pytest.mark.parametrize("text", SHAPED)
def test_a_delete_that_is_read_by_its_shape_is_read_as_by_the_grammar(text) -> None:
    from triage_kit.sql.fallback import Unreadable
    from triage_kit.sql.grammar import by_grammar

    for each in SHAPED:
        effects(each)  # what was read before must not speak for its neighbours
    try:
        expected = by_grammar(text)
    except Unreadable:
        expected = by_words(text)
    assert effects(text) == expected


TRIGGER = """
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.late THEN {} END IF; RETURN new; END $$;
CREATE TRIGGER t {} ON m.a FOR EACH ROW EXECUTE FUNCTION f();
"""


@pytest.mark.parametrize(
    ("does", "when", "lost"),
    [
        ("RETURN NULL;", "BEFORE INSERT", ["m.a"]),
        ("RAISE NOTICE 'late'; RETURN NULL;", "BEFORE UPDATE OR INSERT", ["m.a"]),
        ("INSERT INTO a_2026 SELECT new.*; RETURN NULL;", "BEFORE INSERT", []),  # as old partitioned tables route rows
        ("EXECUTE 'INSERT INTO x SELECT $1.*' USING new; RETURN NULL;", "BEFORE INSERT", []),
        ("new.late := false;", "BEFORE INSERT", []),
        ("RETURN NULL;", "BEFORE DELETE", []),  # which keeps rows
        ("RETURN NULL;", "AFTER INSERT", []),  # whose result nobody looks at
    ],
)
def test_a_trigger_that_throws_new_rows_away_is_told_and_one_that_keeps_them_is_not(does, when, lost):
    found = effects(TRIGGER.format(does, when))
    assert [each.object for each in found if each.operation == "swallow_inserts" and each.loses == "visibility"] == lost


def test_a_trigger_that_only_calls_what_another_text_makes_is_not_told():
    assert [each.loses for each in effects(TRIGGER.format("", "BEFORE INSERT").split(";\n")[-2])] == [""]
