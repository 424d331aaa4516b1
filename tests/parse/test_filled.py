"""Migrations that fill a column which they have just added, in the manner of each tool; and those that fill another."""

import pytest

from triage_kit.parse.hits import loses_of
from triage_kit.parse.migrations import read_migrations

RAILS = "class A < ActiveRecord::Migration[7.1]\n  def up\n    {}\n  end\nend"
LARAVEL = "<?php\nreturn new class extends Migration {{ public function up() {{\n{}\n}} }};"
TYPEORM = "class A implements MigrationInterface {{ async up(queryRunner) {{\n{}\n}} }}"
ALEMBIC = "revision, down_revision = 'a', None\ndef upgrade():\n    {}"
DJANGO = """from django.db import migrations, models
def fill(apps, schema_editor):
    apps.get_model('shop', 'Order').objects.update({})
class Migration(migrations.Migration):
    operations = [migrations.AddField('order', 'prio', models.IntegerField(null=True)), migrations.RunPython(fill)]
"""
GOOSE = """package a
func init() {{ goose.AddMigration(upA, downA) }}
func upA(tx *sql.Tx) error {{
	tx.Exec(`{}`)
	_, err := tx.Exec(`{}`)
	return err
}}
func downA(tx *sql.Tx) error {{
	_, err := tx.Exec(`DROP TABLE a`)
	return err
}}
"""
FILLED = [
    ("db/migrate/1_a.rb", RAILS.format("add_column :orders, :prio, :integer\n    Order.update_all(prio: 1)"), 0),
    ("db/migrate/1_a.rb", RAILS.format("add_column :orders, :prio, :integer\n    Order.update_all('prio = rank')"), 0),
    ("db/migrate/1_a.rb", RAILS.format("add_column :orders, :prio, :integer\n    Order.update_all(rank: 1)"), 1),
    ("db/migrate/1_a.rb", RAILS.format("add_column :orders, :prio, :integer\n    Item.update_all(prio: 1)"), 1),
    (
        "db/migrate/1_a.rb",
        RAILS.format(
            "change_table :orders do |t|\n      t.integer :prio\n    end\n    execute 'UPDATE orders SET prio = 1'"
        ),
        0,
    ),
    (
        "db/migrate/1_a.rb",
        RAILS.format(
            "change_table :orders do |t|\n      t.index :rank\n    end\n    execute 'UPDATE orders SET rank = 1'"
        ),
        1,
    ),
    (
        "database/migrations/1_a.php",
        LARAVEL.format(
            "Schema::table('a', function ($t) {\n$t->string('b');\n});\nDB::statement('UPDATE a SET b = 1');"
        ),
        0,
    ),
    (
        "database/migrations/1_a.php",
        LARAVEL.format(
            "Schema::table('a', function ($t) {\n$t->string('b')->change();\n});\nDB::statement('UPDATE a SET b = 1');"
        ),
        1,
    ),
    (
        "migrations/1_a.js",
        "exports.up = async (knex) => {\n  await knex.schema.alterTable('a', (t) => {\n    t.integer('b');\n  });\n"
        "  await knex.raw('UPDATE a SET b = 1');\n};",
        0,
    ),
    (
        "migrations/1_a.js",
        "exports.up = async (knex) => {\n  await knex.schema.table('a', (t) => {\n    t.integer('b').alter();\n  });\n"
        "  await knex.raw('UPDATE a SET b = 1');\n};",
        1,
    ),
    (
        "migrations/1_a.ts",
        TYPEORM.format(
            "queryRunner.addColumn('a', new TableColumn({ name: 'b' }));\nqueryRunner.query('UPDATE a SET b = 1');"
        ),
        0,
    ),
    (
        "priv/repo/migrations/1_a.exs",
        "use Ecto.Migration\ndef up do\n  alter table(:a) do\n    add :b, :integer\n  end\n"
        '  execute "UPDATE a SET b = 1"\nend',
        0,
    ),
    (
        "migrations/versions/a.py",
        ALEMBIC.format("op.add_column('a', sa.Column('b'))\n    op.execute(sa.table('a').update().values(b=1))"),
        0,
    ),
    (
        "migrations/versions/a.py",
        ALEMBIC.format("op.add_column('a', sa.Column('b'))\n    op.execute(sa.table('a').update().values(b=1, c=2))"),
        1,
    ),
    ("migrations/00002_a.go", GOOSE.format("ALTER TABLE a ADD b int", "UPDATE a SET b = 1"), 0),
    ("migrations/00002_a.go", GOOSE.format("ALTER TABLE a ADD b int", "UPDATE a SET c = 1"), 1),
    ("migrations/00002_a.go", GOOSE.format("SELECT 1", "DROP TABLE b"), 1),
    (
        "store/all.go",
        "var all = []*gormigrate.Migration{{\n\tMigrate: func(tx *gorm.DB) error {\n"
        '\t\treturn tx.Exec("DROP TABLE a").Error\n\t},\n'
        '\tRollback: func(tx *gorm.DB) error {\n\t\treturn tx.Exec("DROP TABLE b").Error\n\t},\n}}',
        1,
    ),
    ("shop/migrations/0002_a.py", DJANGO.format("prio=1"), 0),
    ("shop/migrations/0002_a.py", DJANGO.format("rank=1"), 1),
]


@pytest.mark.parametrize(("path", "text", "losses"), FILLED)
def test_what_fills_a_new_column_overwrites_nothing(path, text, losses):
    [migration] = read_migrations(text, path)
    assert len([each for each in migration.operations if each.direction == "up" and loses_of(each)]) == losses
