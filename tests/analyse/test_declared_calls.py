"""What Alembic's and Django's own calls declare counts as the SQL does that they send."""

from __future__ import annotations

import pytest

from triage_kit import schemas
from triage_kit.analyse import declared
from triage_kit.analyse.declared_calls import as_sql
from triage_kit.parse.alembic import read_alembic
from triage_kit.parse.django import name_tables, read_django

ALEMBIC = '''
"""layers"""
import sqlalchemy as sa
from alembic import op
revision = "1a"
down_revision = None

def upgrade():
    op.create_table("pit", sa.Column("id", sa.Integer(), nullable=False), sa.Column("owner", sa.Integer(), index=True),
                    sa.Column("place", sa.Text(), server_default="it's"),
                    sa.PrimaryKeyConstraint("id", name=op.f("pk_pit")))
    op.create_foreign_key("pit_owner", "pit", "person", ["owner"], ["id"], ondelete="SET NULL")
    op.create_unique_constraint("one_place", "pit", ["place"])
    op.create_unique_constraint("gone", "pit", ["owner"])
    op.drop_constraint("gone", "pit")
    op.alter_column("pit", "owner", server_default=sa.text("f(1, 2)"))
    op.alter_column("pit", "id", server_default=sa.func.now())
    op.alter_column("pit", "id", server_default=None)
    with op.batch_alter_table("pit") as batch_op:
        batch_op.create_index("by_place", ["place", sa.text("lower(place)")])

def downgrade():
    op.create_unique_constraint("never", "pit", ["owner", "place"])
'''
DJANGO = """
from django.db import migrations, models
class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel(name="Pit", fields=[
            ("id", models.BigAutoField(primary_key=True, serialize=False)), ("place", models.TextField(default="x")),
            ("owner", models.ForeignKey(on_delete=models.CASCADE, to="snow.Person")),
            ("guide", models.ForeignKey(on_delete=models.CASCADE, to="snow.Elsewhere"))],
            options={"db_table": "pit", "unique_together": {("place", "owner")}}),
        migrations.AddIndex(model_name="pit", index=models.Index(fields=["owner", "-place"], name="by_owner")),
        migrations.AddIndex(model_name="pit", index=models.Index(fields=["place"], name="gone")),
        migrations.RemoveIndex(model_name="pit", name="gone"),
        migrations.AddConstraint(model_name="pit", constraint=models.UniqueConstraint(
            fields=["place"], name="one_place")),
        migrations.AddConstraint(model_name="pit", constraint=models.UniqueConstraint(
            fields=["place"], condition=models.Q(owner=None), name="in_part")),
    ]
"""
COLUMNS = {"alembic": ("id", "owner", "place"), "django": ("id", "owner_id", "guide_id", "place")}
WANTED = {
    "alembic": {
        ("numbering", "id"), ("primary_key", "PRIMARY KEY (id)"), ("unique", "UNIQUE (place)"),
        ("default", "'it''s'"), ("default", "f(1, 2)"),
        ("index", "CREATE INDEX ix_pit_owner ON s.pit (owner)"),
        ("index", "CREATE INDEX by_place ON s.pit (place, (lower(place)))"),
        ("foreign_key", "FOREIGN KEY (owner) REFERENCES s.person (id) ON DELETE SET NULL"),
    },
    "django": {
        ("numbering", "id"), ("primary_key", "PRIMARY KEY (id)"), ("unique", "UNIQUE (place)"),
        ("unique", "UNIQUE (place, owner_id)"), ("index", "CREATE INDEX by_owner ON s.pit (owner_id, place DESC)"),
        ("foreign_key", "FOREIGN KEY (owner_id) REFERENCES s.snow_person DEFERRABLE INITIALLY DEFERRED"),
    },
}  # fmt: skip


@pytest.mark.parametrize("tool", ["alembic", "django"])
def test_calls_of_a_tool_declare_what_a_table_lacks(make_evidence, tool) -> None:
    read = read_alembic(ALEMBIC) if tool == "alembic" else read_django(DJANGO, "snow/migrations/0001_initial.py")
    name_tables([read])
    path = "migrations/1.py"
    operations = [{**each.row(), "path": path, "revision": read.revision} for each in read.operations]
    parent = "person" if tool == "alembic" else "snow_person"
    relations = [{"oid": 7, "schema": "s", "name": "pit", "kind": "table"},
                 {"oid": 8, "schema": "s", "name": parent, "kind": "table"}]  # fmt: skip
    columns = [
        {"table_oid": 7, "name": name, "position": at, "dropped": False, "has_default": False}
        for at, name in enumerate(COLUMNS[tool])
    ]
    key = {"oid": 90, "name": "own", "kind": "primary_key", "table_oid": 8, "columns": ("id",)}
    asked = [{"source": name, "status": "answered"} for name in ("sequences", "indexes", "triggers")]
    told = {"relations": relations, "columns": columns, "constraints": [key], "migration_operations": operations,
            "migrations": [{"path": path, "revision": read.revision, "tool": tool}], "questions": asked}  # fmt: skip
    evidence = make_evidence([]) | {name: schemas.frame(name, rows) for name, rows in told.items()}
    found = declared.lacking(["s.pit"], evidence)
    assert {(each.kind, each.columns[0] if each.kind == "numbering" else each.told) for each in found} == WANTED[tool]
    assert {each.place.rpartition(":")[0] for each in found} == {path}


@pytest.mark.parametrize("text", [
    "op.create_table('a', sa.Column('id', sa.Integer(), primary_key=True), ",  # cut where it was collected
    "op.create_index('i', 'a', [name])",
    "op.create_index('i', 'a', ['b'], postgresql_where=made())",
    "op.create_primary_key('p', 'a', columns)",
    "op.drop_table('a')",
    "op.create_foreign_key('f', 'a', parent, ['b'], ['id'])",
    "CREATE TABLE a (id int)",
])  # fmt: skip
def test_what_only_a_run_would_tell_declares_nothing(text) -> None:
    assert as_sql(text, "a", ("b",)) == ""
