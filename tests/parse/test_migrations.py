# ruff: noqa: E501, S608 -- a case is one line; its SQL is only read
"""Migration files: Alembic read from its syntax tree, SQL files by name and marker; lines were counted by hand."""

import textwrap

import pytest

from triage_kit.parse.alembic import is_alembic, read_alembic
from triage_kit.parse.entries import entry_hits
from triage_kit.parse.hits import loses_of
from triage_kit.parse.migrations import read_migrations
from triage_kit.parse.sql_files import read_sql_migration

ALEMBIC = '''\
"""Clean up flows

Revision ID: 087
Create Date: 2025-10-07 18:40:00.123456+02:00
"""
from typing import Union
import sqlalchemy as sa
from alembic import op

revision: str = "087"
down_revision: Union[str, None] = "086"
SCHEMA = "migration"
CHILDREN = ("a", "b")


def _drop(name, schema=SCHEMA):
    op.execute(f"DROP TABLE {schema}.{name} CASCADE")


def upgrade() -> None:
    for table in CHILDREN:
        op.execute(sa.text("TRUNCATE %s.%s" % (SCHEMA, table)))
    _drop("old", "migration")
    op.execute(
        """
        UPDATE flows SET status = 'x';
        DELETE FROM flows
        """
    )
    bind = op.get_bind()
    bind.execute(sa.text("DELETE FROM {}".format(bind.name)))
    bind.execute(f"DELETE FROM known WHERE id = {bind.id}")
    op.execute(open("clean.sql").read())
    with op.batch_alter_table("flows", schema=SCHEMA) as batch:
        batch.drop_column("phase")
    op.drop_column("flows", "step", schema=SCHEMA)
    if bind.dialect.name == "postgresql":
        try:
            users = sa.table("users", sa.column("id"))
            bind.execute(users.delete())
            bind.execute(sa.delete(users).where(users.c.id == 1))
        finally:
            sa.Enum(name="mood", schema=SCHEMA).drop(bind, checkfirst=True)
    op.alter_column("flows", "n", type_=sa.BigInteger())
    op.execute("DELETE "
               "FROM joined")
    print("DROP TABLE printed")


def downgrade() -> None:
    op.rename_table("flows", "flows_old")
    op.drop_table("flows_old")
'''


def test_alembic_operations_with_their_lines():
    found = read_alembic(ALEMBIC)
    assert (found.revision, found.parents, found.title) == ("087", ("086",), "Clean up flows")
    assert found.created_at.isoformat() == "2025-10-07T16:40:00.123456+00:00"
    assert [(each.direction, each.line, each.operation, each.object, each.bounded) for each in found.operations] == [
        ("up", 22, "truncate", "migration.a", None),
        ("up", 22, "truncate", "migration.b", None),
        ("up", 17, "drop_table", "migration.old", None),
        ("up", 26, "update", "flows", False),
        ("up", 27, "delete", "flows", False),
        ("up", 31, "dynamic", "", None),
        ("up", 32, "delete", "known", True),
        ("up", 33, "dynamic", "", None),
        ("up", 35, "drop_column", "migration.flows.phase", None),
        ("up", 36, "drop_column", "migration.flows.step", None),
        ("up", 40, "delete", "users", False),
        ("up", 41, "delete", "users", True),
        ("up", 43, "drop_type", "migration.mood", None),
        ("up", 44, "alter_column_type", "flows", None),
        ("up", 45, "delete", "joined", False),
        ("down", 51, "rename_table", "flows", None),
        ("down", 52, "drop_table", "flows_old", None),
    ]


def test_a_statement_keeps_the_line_of_its_literal():
    padding = "\n" * 100
    source = (
        'revision = "086"\ndown_revision = None\n'
        + padding
        + "def upgrade():\n    pass\n"
        + '    op.execute("DROP TYPE IF EXISTS migration.collectionflowstatus CASCADE")\n'
    )
    [found] = read_alembic(source).operations
    # 2 lines, 100 empty ones, 2 of the function: the statement is on 105.
    assert (found.line, found.operation, found.object, found.cascade) == (
        105,
        "drop_type",
        "migration.collectionflowstatus",
        True,
    )


def test_merge_revisions_have_several_parents():
    assert read_alembic('revision = "c"\ndown_revision = ("a", "b")\n').parents == ("a", "b")
    assert read_alembic('revision = "a"\ndown_revision = None\n').parents == ()


def test_nothing_of_the_file_runs(tmp_path):
    trap = tmp_path / "ran"
    source = f"""
        import pathlib
        pathlib.Path({str(trap)!r}).write_text("x")
        revision = "a"
        down_revision = None
        def upgrade():
            op.execute("{{0.__class__.__init__.__globals__}}".format(pathlib))
            op.execute("%999999999s" % "x")
            op.execute("{{:>999999999}}".format("x"))
    """
    found = read_alembic(textwrap.dedent(source))
    assert not trap.exists()
    assert [each.operation for each in found.operations] == ["dynamic"] * 3


@pytest.mark.parametrize(
    "body",
    [
        "    s = 'x'\n" + "    for a in 'TABLES':\n        s = s + s\n" * 40 + "    op.execute(s)\n",
        "    T = [1,2,3,4,5,6,7,8,9,10]\n" + "".join(f"{'    ' * (d + 1)}for v{d} in T:\n" for d in range(9)) + "    " * 10 + "op.execute('DELETE FROM a')\n",
        "    op.execute(" + "+".join(["'a'"] * 3000) + ")\n",
        "    upgrade()\n",
    ],
)  # fmt: skip
def test_hostile_code_ends_in_time(body):
    source = f"revision = 'a'\ndown_revision = None\ndef upgrade():\n{body}"
    try:
        found = read_alembic(source).revision
    except ValueError as error:
        found = str(error)
    assert found in ("a", "the file nests too deep to be read")


def test_other_python_is_no_revision():
    assert not is_alembic("revision = 1")
    assert read_alembic("x = 'down_revision'\n") is None
    with pytest.raises(SyntaxError):
        read_alembic("revision = = 'a'; down_revision")


SQL = [
    ("db/migrations/20250101120000_drop_old.sql", "20250101120000", "drop old", "up"),
    ("db/migrations/V2.1__drop_old.sql", "2.1", "drop old", "up"),
    ("db/migrations/U2.1__drop_old.sql", "U2.1__drop_old", None, "down"),
    ("migrations/000007_drop_old.up.sql", "000007", "drop old", "up"),
    ("migrations/000007_drop_old.down.sql", "000007", "drop old", "down"),
    ("prisma/migrations/20250101_drop_old/migration.sql", "20250101", "drop old", "up"),
    ("migrations/2025-01-01-120000_drop_old/down.sql", "20250101120000", "drop old", "down"),
    ("revert/drop_old.sql", "drop_old", "drop old", "down"),
]


@pytest.mark.parametrize(("path", "revision", "title", "direction"), SQL)
def test_names_of_sql_migrations(path, revision, title, direction):
    found = read_sql_migration("DROP TABLE a;", path)
    assert [each.direction for each in found.operations] == [direction]
    if title:
        assert (found.revision, found.title) == (revision, title)


@pytest.mark.parametrize(
    "markers",
    [("-- migrate:up", "-- migrate:down"), ("-- +goose Up", "-- +goose Down"), ("-- +migrate Up", "-- +migrate Down")],
)
def test_markers_divide_a_file(markers):
    up, down = markers
    text = f"{up}\nCREATE TABLE a ();\nTRUNCATE b;\n\n{down}\nDROP TABLE a;\n{up}\nDELETE FROM c;\n"
    found = [(each.line, each.direction, each.operation) for each in read_sql_migration(text, "1.sql").operations]
    assert found == [(2, "up", "create_table"), (3, "up", "truncate"), (6, "down", "drop_table"), (8, "up", "delete")]


REVISION = "from alembic import op\nimport sqlalchemy as sa\nrevision = '1'\ndown_revision = None\ndef upgrade():\n"
RAILS = "class A < ActiveRecord::Migration[7.1]\n  def up\n{}\n  end\nend\n"
DJANGO = "from django.db import migrations, models\nclass Migration(migrations.Migration):\n    operations = [{}]\n"
XML = "<databaseChangeLog><changeSet id='1' author='a'>{}</changeSet></databaseChangeLog>"
YAML = "databaseChangeLog: [{{changeSet: {{id: 1, author: a, changes: [{}]}}}}]"
ADDED = "<addColumn tableName='a'><column name='x' type='text'/><column name='y' type='text'/></addColumn>"
ADDED_YAML = "{addColumn: {tableName: a, columns: [{column: {name: x, type: text}}]}}"
OWN = [
    ("v/1.py", REVISION + "    op.add_column('a', sa.Column('x', sa.Text()))\n    op.execute('UPDATE a SET x = 1')\n", []),
    ("v/1.py", REVISION + "    op.add_column('a', sa.Column('x'))\n    op.execute('UPDATE a SET x = 1, y = 2')\n",
     ["values a"]),
    ("v/1.py", REVISION + "    op.add_column('a', sa.Column('x'), if_not_exists=True)\n    op.execute('UPDATE a SET x = 1')\n",
     ["values a"]),
    ("v/1.py", REVISION + "    op.alter_column('a', 'x', type_=sa.BigInteger())\n"
     "    op.alter_column('b', 'x', type_=sa.String(9))\n", []),
    ("v/1.py", REVISION + "    op.alter_column('a', 'x', type_=sa.Numeric(9, 0))\n"
     "    op.alter_column('b', 'x', type_=sa.Text(), postgresql_using='left(x, 2)')\n", ["columns a", "columns b"]),
    ("db/migrate/1_a.rb", RAILS.format("add_column :a, :x, :text\nexecute 'UPDATE a SET x = 1'"), []),
    ("db/migrate/1_a.rb", RAILS.format("add_column :a, :x, :text, if_not_exists: true\nexecute 'UPDATE a SET x = 1'"),
     ["values a"]),
    ("db/migrate/1_a.rb", RAILS.format("change_column :accounts, :x, :bigint\nchange_column :b, :y, 'text'"), []),
    ("db/migrate/1_a.rb", RAILS.format("change_column :a, :x, :integer\nchange_column :b, :y, :text, using: 'left(y, 2)'"),
     ["columns a", "columns b"]),
    ("shop/migrations/1.py", DJANGO.format("migrations.AddField('order', 'x', models.ForeignKey('b')), "
     "migrations.RunSQL('UPDATE shop_order SET x_id = 1')"), []),
    ("shop/migrations/1.py", DJANGO.format("migrations.AlterField('order', 'x', models.BigIntegerField()), "
     "migrations.AlterField('order', 'y', models.OneToOneField('shop.b'))"), []),
    ("shop/migrations/1.py", DJANGO.format("migrations.AlterField('order', 'x', models.CharField(max_length=5))"),
     ["columns shop_order"]),
    ("log.xml", XML.format(ADDED + "<sql>UPDATE a SET y = x</sql>"
     "<update tableName='a'><column name='x' value='1'/></update>"), []),
    ("log.xml", XML.format(ADDED + "<update tableName='a'><column name='x'/><column name='z'/></update>"), ["values a"]),
    ("log.xml", XML.format("<modifyDataType tableName='a' columnName='x' newDataType='varchar(9)'/>"
     "<modifyDataType tableName='b' columnName='x' newDataType='smallint'/>"), ["columns b"]),
    ("log.yaml", YAML.format(ADDED_YAML + ", {update: {tableName: a, columns: [{column: {name: x, value: 1}}]}}"), []),
    ("log.yaml", YAML.format(ADDED_YAML + ", {update: {tableName: a, columns: [{column: {name: z, value: 1}}]}}"),
     ["values a"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "expected"), OWN)
def test_what_a_migration_does_to_its_own_columns_costs_nothing(path, text, expected):
    [migration] = read_migrations(text, path)
    ups = [each for each in migration.operations if each.direction == "up"]
    assert [f"{loses_of(each)} {each.object}" for each in ups if loses_of(each)] == expected


ENTRIES = """# we never drop_table here
- drop_table: {table: alpha}
- drop_table:
    table: beta
- down:
    - drop_table: {table: kept}
- drop_table: {table: gamma}
"""


def test_an_entry_stands_where_its_own_table_is_named():
    found = [(each.line, each.object, each.text) for each in entry_hits(ENTRIES, "yaml")]
    assert found == [(2, "alpha", "- drop_table: {table: alpha}"), (3, "beta", "- drop_table:"),
                     (7, "gamma", "- drop_table: {table: gamma}")]  # fmt: skip


def test_a_remark_is_no_marker_of_the_way_back_because_an_address_stands_in_the_file():
    text = "INSERT INTO mail VALUES ('ada@example.org');\n-- Rollback\nDROP TABLE ledger;\n"
    (one,) = read_migrations(text, "db/migrations/007_mail.sql")
    assert [(each.operation, each.object, each.direction) for each in one.operations if each.object == "ledger"] == [
        ("drop_table", "ledger", "up")
    ]
