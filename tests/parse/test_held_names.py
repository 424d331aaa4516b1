"""Tables and columns whose names stand in a variable: what it holds, and what nobody can know."""

import pytest

from triage_kit.parse.hits import read_hits
from triage_kit.parse.migrations import read_migrations

RAILS = "class A < ActiveRecord::Migration[7.1]\n"
LARAVEL = "<?php\nuse Illuminate\\Database\\Migrations\\Migration;\nreturn new class extends Migration {\n"


@pytest.mark.parametrize(
    ("path", "text", "objects"),
    [
        ("1_a.js", "const T = 'a';\nexports.up = (knex) => knex.schema.dropTableIfExists(T);", ["a"]),
        ("1_a.js", "exports.up = async (knex) => {\n  for (const t of ['a', 'b']) await knex(t).del();\n}", ["a", "b"]),
        ("1_a.js", "exports.up = (knex) => Promise.all(['a', 'b'].map((t) => knex.schema.dropTable(t)));", ["a", "b"]),
        ("1_a.js", "const T = 'a';\nexports.up = (knex) => knex.schema.table(T, (t) => t.dropColumn('c'));", ["a.c"]),
        ("1_a.js", "import { T } from './names';\nexports.up = (knex) => knex.schema.dropTable(T);", ["{…}"]),
        ("1_a.js", "const T = 'a';\nconst down = (k) => k.schema.dropTable(T);\nmodule.exports = { up, down };", []),
        ("1_a.rb", f"{RAILS}  TABLES = %i[a b].freeze\n  def up\n    TABLES.each {{ |t| drop_table t }}\n  end\nend",
         ["a", "b"]),
        ("1_a.rb", f"{RAILS}  def up\n    [:c, :d].each do |each|\n      remove_column :a, each\n    end\n  end\nend",
         ["a.c", "a.d"]),
        ("1_a.php", f"{LARAVEL}  const T = 'a';\n  function up() {{ Schema::dropIfExists(self::T); }}\n}};", ["a"]),
        ("1_a.exs", "defmodule A do\n  use Ecto.Migration\n  def up do\n    for t <- ~w(a b)a, do: drop table(t)\n"
         "  end\nend", ["a", "b"]),
        ("1_a.cs", 'class A : Migration {\n  const string T = "a";\n  protected override void Up(MigrationBuilder '
         "migrationBuilder) {\n    migrationBuilder.DropTable(name: T);\n  }\n}", ["a"]),
    ],
)  # fmt: skip
def test_a_migration_s_variable_is_told_by_what_it_holds(path, text, objects):
    found = [each for one in read_migrations(text, f"migrations/{path}") for each in one.operations]
    assert [each.object for each in found if each.direction == "up" and each.operation != "create_table"] == objects
    assert not [each.text for each in found if "held__" in f"{each.text}{each.object}"]


@pytest.mark.parametrize(
    ("path", "text", "objects"),
    [
        ("a.rb", "connection.tables.each { |t| connection.drop_table(t) }", ["{…}"]),
        ("a.rb", "def drop_table(name)\n  seats.drop_table(name)\nend", []),
        ("a.php", "<?php foreach (['a', 'b'] as $t) { DB::table($t)->truncate(); }", ["a", "b"]),
        ("a.php", "<?php $this->hall->table($t)->delete(); $this->table($h, $rows); $db->table($u)->get();", ["{…}"]),
        ("a.ex", "Map.drop(table(t), [:a])\nEnum.drop(table(:a), 2)\nKeyword.drop table(:b), [:c]", []),
        ("a.exs", "drop table(:a)\nEcto.Migration.drop_if_exists(table(:b))", ["a", "b"]),
        ("a.ts", "class Hall { dropTable(table: string) { this.grid.dropTable(table); } }", []),
        ("a.js", "const T = 'a';\nseen.delete(T);\nfor (const t of ['a', 'b']) cache.del(t);", []),
        ("a.js", "const T = 'a';\nknex(T).del();\nconst U = 'b';\nknex(U).truncate();", ["a", "b"]),
    ],
)
def test_a_program_s_variable_is_told_by_what_it_holds(path, text, objects):
    assert [each.object for each in read_hits(text, path)] == objects


@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("a.go", 'const t = "a"\nfunc f() { db.Exec(fmt.Sprintf("DELETE FROM %s WHERE id = $1", t), id) }', "a"),
        ("a.go", 'var t string = "a"\nfunc f() { db.Exec("TRUNCATE " + t) }', "a"),
        ("a.go", 'func f(t string) { db.Exec("TRUNCATE " + t) }', "{…}"),
        (
            "A.java",
            'static final String T = "s.a"; int f() { return jdbc.update("DELETE FROM " + T + " WHERE b"); }',
            "s.a",
        ),
        ("A.java", 'int f(String t) { return jdbc.update("DELETE FROM " + t + " WHERE b"); }', "{…}"),
        ("a.kt", 'const val T = "a"\nfun f() { st.execute("TRUNCATE ${T}") }', "a"),
        ("a.ts", 'const T = "a";\nconst U = "b";\nawait pool.query(`DELETE FROM ${U} WHERE c`);', "b"),
        ("a.sh", 'T=a; psql -c "TRUNCATE $T"', "a"),
        ("a.sh", "export T='s.a'\npsql <<SQL\nDELETE FROM ${T} WHERE b;\nSQL", "s.a"),
        ("a.sh", 'T=$1\npsql -c "TRUNCATE $T"', "{…}"),
        ("a.sh", 'T=a\nT=b\npsql -c "TRUNCATE $T"', "{…}"),
        ("a.sh", 'T=a\nfor T in $(tables); do psql -c "TRUNCATE $T"; done', "{…}"),
    ],
)
def test_a_table_of_a_statement_is_named_by_what_its_variable_holds(path, text, name):
    assert [each.object for each in read_hits(text, path)] == [name]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.sh", 'T=a\nfor T in b c; do psql -c "TRUNCATE $T"; done'),
        ("a.ts", "const all = ['b', 'c'] as const\nfor (const t of all) await db.query(`TRUNCATE ${t}`)"),
        ("a.rs", 'for t in ["b", "c"] { sqlx::query(&format!("TRUNCATE {t}")).execute(&pool).await?; }'),
    ],
)
def test_each_table_that_a_loop_goes_through_is_named(path, text):
    assert [each.object for each in read_hits(text, path)] == ["b", "c"]
