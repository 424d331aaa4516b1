"""Calls of mappers and query builders: what each removes of what, and what only looks like one of them."""

import pytest

from triage_kit.parse.hits import read_hits
from triage_kit.parse.migrations import read_migrations


def found(path, text):
    return [(each.line, each.operation, each.object, each.bounded) for each in read_hits(text, path)]


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        ("a.rb", "Order.where(a: 1).delete_all", [(1, "delete", "Order", True)]),
        ("a.rb", "Shop::Order.unscoped\n  .where('a (')\n  .destroy_all", [(3, "delete", "Order", True)]),
        ("a.rb", "user.notes.delete_all", [(1, "delete", "notes", False)]),
        ("a.rb", "Order.update_all(deleted_at: Time.now)", [(1, "update", "Order", False)]),
        ("a.rb", "Order.where(a: 1).update_all(deleted_at: nil)", []),
        ("a.rb", "Rails.cache.delete_all", []),
        ("a.ts", "await prisma.order.deleteMany({ where: { a: 1 } })", [(1, "delete", "order", True)]),
        ("a.ts", "await prisma.order.deleteMany({})", [(1, "delete", "order", False)]),
        ("a.js", "// mongodb\nawait db.orders.deleteMany({ a: 1 })", []),
        ("a.js", "Order.destroy({ where: {}, force: true })", [(1, "delete", "Order", True)]),
        ("a.js", "Order.destroy({ where: {} })", [(1, "delete", "Order", False)]),
        ("a.js", "req.session.destroy()", []),
        ("a.js", "knex('a').where('b', '<', knex.raw('now()')).del()", [(1, "delete", "a", True)]),
        ("a.js", "await db('a').del()", [(1, "delete", "a", False)]),
        ("a.js", "seen.delete(id); cache.del('a')", []),
        ("a.ts", "await supabase.from('a').delete().neq('id', 0)", [(1, "delete", "a", True)]),
        ("a.ts", "await supabase.storage.from('a').delete(['b'])", []),
        ("a.ts", "x: Repository<Note>;\nthis.x.clear()", [(2, "truncate", "Note", None)]),
        ("a.ts", "import 'drizzle-orm';\nawait db.delete(notes)", [(2, "delete", "notes", False)]),
        ("a.ts", "import 'drizzle-orm';\nawait db\n  .delete(notes)\n  .where(eq(notes.id, 3))",
         [(2, "delete", "notes", True)]),
        ("a.ts", "await db.delete(notes)", []),
        ("a.php", "<?php DB::table('a')->where('b', 1)->delete();", [(1, "delete", "a", True)]),
        ("a.php", "<?php Note::query()->delete(); Note::truncate();",
         [(1, "delete", "Note", False), (1, "truncate", "Note", None)]),
        ("a.php", "<?php Storage::disk('s3')->delete('a'); $file->delete();", []),
        ("a.php", "<?php $em->createQuery('DELETE App\\Entity\\Note n WHERE n.a = 1');", [(1, "delete", "note", True)]),
        ("a.php", "<?php $conn->delete('note', ['id' => 1]);", [(1, "delete", "note", True)]),
        ("a.php", "<?php // yii\n$this->truncateTable('{{%note}}'); $this->delete('{{note}}');",
         [(2, "truncate", "{…}note", None), (2, "delete", "note", False)]),
        ("a.php", "<?php Note::deleteAll(['<', 'made', $day]); Note::deleteAll();", [(1, "delete", "Note", True)]),
        ("a.php", "<?php Yii::$app->db->createCommand()->dropTable('note')->execute();",
         [(1, "drop_table", "note", None)]),
        ("a.php", "<?php $this->delete('/notes/{id}', Remove::class);", []),
        ("a.go", 'db.Where("a = ?", 1).Delete(&m.Note{})', [(1, "delete", "Note", True)]),
        ("a.go", "db.Delete(&Note{}, 3)", [(1, "delete", "Note", True)]),
        ("a.go", 'pods("x").Delete(ctx, name)\nlist.Delete()', []),
        ("a.go", "c.Note.Delete().Where(note.AGT(3)).Exec(ctx)", [(1, "delete", "Note", True)]),
        ("a.go", "db.NewDelete().Model((*Note)(nil)).Where(w).Exec(ctx)", [(1, "delete", "Note", True)]),
        ("a.java", "noteRepository.deleteAll();", [(1, "delete", "Note", False)]),
        ("a.java", 'JdbcTestUtils.deleteFromTables(jdbc, "s.a",\n "b");',
         [(1, "delete", "s.a", False), (1, "delete", "b", False)]),
        ("a.java", 'JdbcTestUtils.dropTables(jdbc, "a");', [(1, "drop_table", "a", None)]),
        ("a.java", 'assertEquals(2, JdbcTestUtils.countRowsInTable(jdbc, "a")); mine.deleteFromTables("b");', []),
        ("a.java", "interface A extends JpaRepository<Note, Long> { void deleteByState(String s); }",
         [(1, "delete", "Note", True)]),
        ("a.java", "void deleteByState(String s) { map.clear(); }", []),
        ("a.java", '@Query("delete Order o where o.a = 1")', [(1, "delete", "order", True)]),
        ("a.java", 'q("DELETE FROM a "\n + "WHERE b = 1");', [(1, "delete", "a", True)]),
        ("a.kt", "Notes.deleteWhere { Notes.a eq 1 }", [(1, "delete", "Notes", True)]),
        ("a.cs", "await db.Notes.Where(n => n.A).ExecuteDeleteAsync();", [(1, "delete", "Notes", True)]),
        ("a.cs", "db.Database.EnsureDeleted();", [(1, "drop_database", None, None)]),
        ("a.ex", "Repo.delete_all(from n in Note, where: n.a == 1)", [(1, "delete", "Note", True)]),
        ("a.rs", "diesel::delete(notes::table).execute(c)?;", [(1, "delete", "notes", False)]),
        ("a.rs", 'println!("DELETE FROM a");', []),
    ],
)  # fmt: skip
def test_a_mappers_call_is_told_from_what_looks_like_one(path, text, told):
    assert found(path, text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("q = Note.objects.filter(a=1)\nq.delete()", [(2, "delete", "Note", True)]),
        ("q = Note.objects.all()\nfor n in q:\n    print(n)\nq.delete()", [(4, "delete", "Note", False)]),
        ("q = [1]\nq.delete()", []),
        ("s.execute(delete(Note))", [(1, "delete", "Note", False)]),
        ("s.execute(sa.delete(m.Note).where(m.Note.a == 1))", [(1, "delete", "Note", True)]),
        ("s.execute(delete(note))", []),
        ("s.execute(Note.__table__.delete())", [(1, "delete", "Note", False)]),
        ("for t in metadata.sorted_tables:\n    c.execute(t.delete())", [(2, "delete", None, False)]),
        ("s.execute(update(Note).where(a).values(deleted_at=now))", [(1, "update", "Note", True)]),
        ("s.execute(update(Note).where(a).values(deleted_at=None))", []),
        ("Note.objects.filter(a=1).update(is_deleted=True)", [(1, "update", "Note", True)]),
        ("Note.objects.filter(a=1).update(is_deleted=False)", []),
        ("Note.delete().where(Note.a == 1).execute()", [(1, "delete", "Note", True)]),
        ("Operator(task_id='a', sql='TRUNCATE a')", [(1, "truncate", "a", None)]),
        ("d = {}\nd.update(deleted_at=1)\nrequests.delete(url)", []),
    ],
)
def test_rows_of_a_python_mapper(text, told):
    assert found("a.py", text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a.b.postgresql_query:\n    query: >-\n      DELETE FROM a\n      WHERE b", [(3, "delete", "a", True)]),
        ("- postgresql_db: name=shop state=absent", [(1, "drop_database", "shop", None)]),
        ("- postgresql_table: {name: a, truncate: yes}", [(1, "truncate", "a", None)]),
        ("- postgresql_table: {name: a, state: present}", []),
        ("- file: path=/var/lib/pgsql/15/data state=absent", [(1, "drop_database", None, None)]),
        ("- a.b.file: {path: /var/lib/postgresql/16/main/, state: absent}", [(1, "drop_database", None, None)]),
        ("- file: {path: '{{ postgresql_data_dir }}', state: absent}", [(1, "drop_database", None, None)]),
        ("- file: {path: /var/lib/postgresql/16/main/postmaster.pid, state: absent}", []),
        ("- file: {path: /var/lib/postgresql/16/main, state: directory}", []),
        ("- docker_volume: {name: shop, state: absent}", [(1, "drop_database", "shop", None)]),
        ("- docker_compose_v2: {state: absent, remove_volumes: true}", [(1, "drop_database", None, None)]),
        ("- docker_compose_v2: {state: absent}", []),
        ("- k8s: {kind: PersistentVolumeClaim, name: data-0, state: absent}", [(1, "drop_database", "data-0", None)]),
        ("- k8s: {kind: Pod, name: db-0, state: absent}", []),
        ("script: rm -rf /var/lib/pgsql/data/*", [(1, "drop_database", None, None)]),
        ("data:\n  x.sql: |\n    SELECT 1;\n    DROP TABLE b;", [(4, "drop_table", "b", None)]),
        ("query: Delete from the list", []),
        ("data:\n  x.sql: |\n    DELETE FROM a;\n    DROP TABLE b;",
         [(3, "delete", "a", False), (4, "drop_table", "b", None)]),
        ('command: [bundle, exec, rails, "db:reset"]', [(1, "drop_table", None, None)]),
        ("description: |\n  Delete from the list", []),
        ("args: ['--delete-after', 'update']", []),
        ("query: &a [*a]", []),
        ("{{ template }}: [", []),
    ],
)  # fmt: skip
def test_sql_and_modules_in_yaml(text, told):
    assert found("a.yml", text) == told


@pytest.mark.parametrize(
    ("path", "text", "tool", "revision", "told"),
    [
        (
            "database/migrations/2024_01_02_000000_slim.php",
            "<?php\nreturn new class extends Migration {\n public function up() {\n"
            "  Schema::table('users', function ($t) {\n   $t->dropColumn('fax');\n  });\n"
            "  DB::table('jobs')->truncate();\n"
            " }\n public function down() {\n  Schema::dropIfExists('users');\n }\n};",
            "laravel",
            "2024_01_02_000000_slim",
            [("drop_column", "users.fax", "up"), ("truncate", "jobs", "up"), ("drop_table", "users", "down")],
        ),
        (
            "migrations/Version20240102.php",
            "<?php\nclass Version20240102 extends AbstractMigration {\n public function up(Schema $s): void {\n"
            "  $this->addSql('DROP TABLE note');\n }\n public function down(Schema $s): void {\n"
            "  $this->addSql('DROP TABLE a');\n }\n}",
            "doctrine",
            "Version20240102",
            [("drop_table", "note", "up"), ("drop_table", "a", "down")],
        ),
        (
            "Migrations/20240102_Slim.cs",
            "partial class Slim : Migration {\n protected override void Up(MigrationBuilder migrationBuilder) {\n"
            '  migrationBuilder.DropColumn(\n   name: "Fax",\n   table: "Users");\n'
            '  migrationBuilder.Sql("DELETE FROM note");\n }\n'
            " protected override void Down(MigrationBuilder migrationBuilder) {\n"
            '  migrationBuilder.DropTable(name: "A");\n }\n}',
            "entity framework",
            "20240102_Slim",
            [("drop_column", "Users.Fax", "up"), ("delete", "note", "up"), ("drop_table", "A", "down")],
        ),
        (
            "priv/repo/migrations/20240102_slim.exs",
            "defmodule A do\n use Ecto.Migration\n def up do\n  alter table(:users) do\n   remove :fax\n  end\n"
            "  drop table(:tags)\n end\n def down do\n  execute \"DELETE FROM a\"\n end\nend",
            "ecto",
            "20240102",
            [("drop_column", "users.fax", "up"), ("drop_table", "tags", "up"), ("delete", "a", "down")],
        ),
    ],
    ids=["laravel", "doctrine", "entity framework", "ecto"],
)  # fmt: skip
def test_migrations_of_other_tools(path, text, tool, revision, told):
    [migration] = read_migrations(text, path)
    assert (migration.tool, migration.revision) == (tool, revision)
    assert [(each.operation, each.object, each.direction) for each in migration.operations] == told


LOOKED_AT = {
    ("a.js", "expect(build()).toEqual('DELETE FROM a')"): [],
    ("a.js", "pool.query('DELETE FROM a').then(r => r.length)"): ["a"],
    ("a.js", "expect(knex('a').del().toString()).toBe(sql)"): [],
    ("a.js", "const q = knex('a').where('x', 1).del().toSQL();\nclient.query(q.sql, q.bindings)"): ["a"],
    ("A.java", 'assertEquals(sql, "DELETE FROM a"); names.remove("DROP TABLE a");'): [],
    ("A.java", 'statement.executeUpdate("DELETE FROM a".toString());'): ["a"],
    ("a.go", 'if q == "DELETE FROM a" {\n\tdb.Exec("DELETE FROM b")\n}'): ["b"],
    ("a.rb", "seen.reject! { |q| q == 'DROP TABLE a' }\nconnection.execute('DROP TABLE b')"): ["b"],
    ("a.sh", 'grep -q "DELETE FROM a" x.log\npsql -c "DELETE FROM b"\n'): ["b"],
    ("a.py", "import boto3\nbucket.objects.filter(Prefix='x').delete()\nOrder.objects.filter(x=1).delete()"): ["Order"],
    ("a.py", "def f(c):\n    c.execute('CREATE TEMP TABLE w (i int)')\n    c.execute('DELETE FROM w')"): [],
    ("a.py", "def f(c):\n    c.execute('CREATE TEMP TABLE w (i int)')\ndef g(c):\n    c.execute('DELETE FROM w')"): [
        "w"
    ],
    ("a.py", "def f(c):\n    c.execute('DELETE FROM w')\n    c.execute('CREATE TEMP TABLE w (i int)')"): ["w"],
    ("a.ts", "const d = drizzle(pool);\nawait d.delete(users).where(lt(users.at, x));\nseen.delete(users);"): ["users"],
    ("a.js", "sequelize.sync({ force: false });\nsequelize.sync({ logging: false, force });"): [None],
    ("a.js", "sequelize.sync({ alter: true });\nsequelize.sync({ force: process.env.RESET === 'yes' });"): [None],
    ("a.xml", "<mapper><delete id='x'>DELETE FROM a <where>b = #{c}</where></delete></mapper>"): ["a"],
    ("a.xml", "<mapper><!-- <delete id='x'>DELETE FROM a</delete> --><select id='y'>TABLE a</select></mapper>"): [],
    ("a.xml", "<page><delete>DELETE FROM a</delete></page>"): [],
    ("models/a.sql", "{{ config(pre_hook='delete from {{ this }}') }} select 1"): ["{…}"],
    ("a.sh", 'db=t_$$\npsql -c "CREATE DATABASE $db"\npsql -c "DROP DATABASE $db"'): [],
    ("a.sh", 'db=t_$$\npsql -c "DROP DATABASE $db"'): ["{…}"],
    ("a.test.ts", "expect(parse('DROP TABLE a')).toEqual(x); expect(() => run('DROP TABLE b')).toThrow(Refused);"): [],
    ("a.test.ts", "run('DROP TABLE a'); expect(await run('DROP TABLE b')).toBe(1);"): ["a", "b"],
    ("a_test.go", 'mock.ExpectExec("DELETE FROM a").WillReturnError(err)\ndb.Exec("DELETE FROM b")'): ["b"],
    ("A.java", 'verify(jdbc).update("DELETE FROM a"); when(jdbc.update("DELETE FROM b")).thenReturn(1);'): [],
    ("A.java", 'jdbc.execute(String.format("DELETE FROM a", x));'): ["a"],
    ("a.php", "<?php $this->logger->info('DELETE FROM a'); $this->db->exec('DELETE FROM b');"): ["b"],
    ("a.sh", 'PGDATA=$(mktemp -d)\ninitdb\nrm -rf "$PGDATA"'): [],
    ("a.sh", 'PGDATA=/srv/pg\ninitdb\nrm -rf "$PGDATA"'): [None],
    ("a.sh", "psql -Atc \"select 'drop table ' || relname from pg_class\" | psql"): [None],
    ("a.py", "def finish():\n    drop_database(url)\n    client.drop_database('x')"): [None],
    # What a function makes it may remove; another function's may be somebody else's, but for one of the same tests.
    ("a.py", "def f(c):\n    c.execute('CREATE TABLE w (i int)')\n    c.execute('DROP TABLE w')"): [],
    ("a.py", "def f(c):\n    c.execute('CREATE TABLE w (i int)')\ndef g(c):\n    c.execute('DROP TABLE w')"): ["w"],
    ("a.py", "def f(c):\n    c.execute('CREATE TABLE IF NOT EXISTS w (i int)')\n    c.execute('DROP TABLE w')"): ["w"],
    ("a.py", "def f(c):\n    c.execute('DROP TABLE w')\n    c.execute('CREATE TABLE w (i int)')"): ["w"],
    ("a.go", "func f() {\n\tdb.Exec(`CREATE TABLE w (i int)`)\n\tdb.Exec(`DROP TABLE w`)\n}"): [],
    ("a.go", "func f() {\n\tdb.Exec(`CREATE TABLE w (i int)`)\n}\nfunc g() {\n\tdb.Exec(`DROP TABLE w`)\n}"): ["w"],
    (
        "a.test.ts",
        "beforeAll(() => db.query('CREATE TABLE w (i int)'));\nafterAll(() => db.query('DROP TABLE w'));",
    ): [],
    ("a.test.ts", "afterEach(() => db.query('TRUNCATE w'));\nbeforeAll(() => db.query('CREATE TABLE w (i int)'));"): [
        "w"
    ],
    # A server that the test starts itself is thrown away; one that may be named from outside is not.
    ("tests/conftest.py", "with PostgresContainer('postgres:17'):\n    c.execute('DELETE FROM a')"): [],
    ("tests/conftest.py", "os.environ.get('U') or PostgresContainer('postgres:17')\nc.execute('DELETE FROM a')"): ["a"],
    ("jobs/clean.py", "with PostgresContainer('postgres:17'):\n    c.execute('DELETE FROM a')"): ["a"],
    ("a.js", "import Database from 'better-sqlite3';\ndb.exec('DELETE FROM a');"): [],
    ("a.js", "import Database from 'better-sqlite3';\nimport pg from 'pg';\ndb.exec('DELETE FROM a');"): ["a"],
    ("tests/test_a.py", "with c.transaction(force_rollback=True):\n    c.execute('DELETE FROM a')"): [],
    ("tests/test_a.py", "with c.transaction(force_rollback=True):\n    c.execute('DELETE FROM a')\nc.commit()"): ["a"],
    ("a.sh", "cat <<EOF\n  dropdb a\nEOF\ndropdb b"): ["b"],
    ("a.sh", "cat <<EOF | psql\nDELETE FROM a;\nEOF\ncat <<EOF >x.sh\ndropdb b\nEOF"): ["a", "b"],
    ("a.sh", "db=t_$RANDOM\ncreatedb $db\ndropdb $db"): [],
    ("a.sh", "db=t_$RANDOM\ndropdb $db"): ["$db"],
    ("a.sh", "db=shop\ncreatedb $db\ndropdb $db"): ["$db"],
    ("a.yaml", "note: 'kubectl delete pvc a'\nrun: kubectl delete pvc b"): ["b"],
    ("Makefile", "PSQL ?= psql -X\nx:\n\t$(PSQL) -c 'TRUNCATE a'"): ["a"],
    ("Makefile", "DC := docker compose -p x\nx:\n\t$(DC) down -v\n\t$(DC) up"): [None],
    ("a.rb", "Order.where(a: 1).in_batches(of: 9) do |part|\n  part.delete_all\nend"): ["Order"],
    ("a.rb", "old = Order.where(a: 1)\nold.delete_all\nlist.delete_all"): ["Order"],
}


@pytest.mark.parametrize(("file", "objects"), LOOKED_AT.items(), ids=str)
def test_what_is_only_looked_at_or_temporary_is_no_hit(file, objects):
    path, text = file
    assert [each.object for each in read_hits(text, path)] == objects


YII = """<?php
class m261126_170000_note extends yii\\db\\Migration
{
    public function safeUp()
    {
        $this->dropColumn('{{%note}}', 'body');
        $this->execute("TRUNCATE note_old");
    }
    public function safeDown()
    {
        $this->dropTable('{{%note}}');
    }
}
"""


def test_a_migration_of_yii_is_read_with_its_prefixed_tables():
    (migration,) = read_migrations(YII, "migrations/m261126_170000_note.php")
    assert (migration.tool, migration.revision) == ("yii", "m261126_170000_note")
    assert [(each.operation, each.object, each.direction) for each in migration.operations] == [
        ("drop_column", "{…}note.body", "up"), ("truncate", "note_old", "up"), ("drop_table", "{…}note", "down"),
    ]  # fmt: skip


CODECEPTION = "modules:\n  config:\n    Db:\n      dsn: '%D%'\n      populate: true\n      cleanup: true\n"


def test_codeception_that_cleans_up_before_its_dump_is_a_test_that_drops_tables():
    (hit,) = read_hits(CODECEPTION, "codeception.yml")
    assert (hit.line, hit.operation, hit.vehicle) == (6, "drop_table", "test_run")
    assert read_hits(CODECEPTION.replace("cleanup: true", "cleanup: false"), "tests/api.suite.yml") == []
    assert read_hits("Db:\n  populate: true\nRedis:\n  cleanup: true\n", "codeception.yml") == []
    assert read_hits(CODECEPTION, "config/app.yml") == []


KETTLE = """<?xml version="1.0"?>
<transformation>
  <!-- <sql>DROP TABLE kept</sql> -->
  <step><type>ExecSQL</type><sql>TRUNCATE ${SCHEMA}.part_load</sql></step>
  <step><type>TableInput</type><sql>SELECT a FROM part WHERE b &lt; 3</sql></step>
  <step><sql>DELETE FROM part WHERE b &lt; 3</sql></step>
</transformation>
"""


def test_the_statements_of_a_loading_tool_are_read_out_of_its_file():
    found = read_hits(KETTLE, "etl/parts.ktr")
    assert [(each.line, each.operation, each.object, each.bounded, each.vehicle) for each in found] == [
        (4, "truncate", "{…}.part_load", None, "scheduled_job"), (6, "delete", "part", True, "scheduled_job"),
    ]  # fmt: skip
    (task,) = read_hits('<SQLTask SQLTask:SqlStatementSource="DELETE FROM dbo.x WHERE a &gt; 1"/>', "ssis/load.dtsx")
    assert (task.operation, task.object, task.bounded) == ("delete", "dbo.x", True)


@pytest.mark.parametrize(("path", "found_in"), [(".github/workflows/test.yml", 0), ("deploy/compose.yml", 1)])
def test_a_ci_job_resets_its_own_service_and_a_compose_file_what_somebody_keeps(path, found_in):
    text = (
        "services:\n  db:\n    image: postgres:17\n  web:\n    command: bin/rails db:schema:load\nx-env:\n"
        "      DATABASE_URL: postgres://shop@db/shop\n"
    )
    assert len(read_hits(text, path)) == found_in


@pytest.mark.parametrize(("text", "told"), [
    ("class PlwyfFixture extends \\Cake\\TestSuite\\Fixture\\TestFixture\n{\n    public string $table = 'a.plwyf';\n}",
     ("truncate", "a.plwyf")),
    ("class OrderLinesFixture extends TestFixture\n{\n}", ("truncate", "order_lines")),
    ("class UserFixture extends ActiveFixture\n{\n    public $tableName = 'user';\n}", ("delete", "user")),
])  # fmt: skip
def test_a_fixture_of_php_is_a_test_that_empties_the_table_it_names(text, told):
    (hit,) = read_hits(f"<?php\n{text}\n", "tests/Fixture/SomeFixture.php")
    assert (hit.operation, hit.object, hit.line, hit.vehicle) == (*told, 2, "test_run")


def test_a_fixture_that_names_no_table_by_its_framework_empties_none_that_is_known():
    assert read_hits("<?php\nclass UserFixture extends ActiveFixture\n{\n}\n", "tests/fixtures/UserFixture.php") == []
