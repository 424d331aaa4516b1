"""Scripts, jobs, tests and application code: which line, whose vehicle, started by what; and files that mean harm."""

import os
from collections import Counter

import pytest

from tests.collect.test_repository import collected, git, question
from triage_kit.collect.code import hit_rows, scan
from triage_kit.parse.checkout import read_code
from triage_kit.parse.hits import MOST_HITS, read_hits
from triage_kit.parse.models import models

FILES = {
    "etc/cron.d/shop": "# m h\n15 3 * * * app /srv/shop/scripts/nightly.sh >> /var/log/x\n",
    "cron/shop": "MAILTO=it\n10 2 * * * jobs /opt/shop/tools/sweep.rb\n",
    "tools/sweep.rb": "db.exec('DELETE FROM swept')\n",
    "scripts/nightly.sh": "#!/bin/sh\npython scripts/purge.py\npsql -f sql/clean.sql\n",
    "scripts/purge.py": "import db\n\ndef purge():\n    db.execute('TRUNCATE stage')\n",
    "sql/clean.sql": "DELETE FROM old_carts;\n",
    "scripts/by_hand.sh": "psql -d shop <<'EOF'\nBEGIN;\nTRUNCATE orders CASCADE;\nCOMMIT;\nEOF\n",
    "deploy/purge.timer": "[Timer]\nOnCalendar=daily\n",
    "deploy/purge.service": "[Service]\nExecStart=/usr/bin/psql -c 'DELETE FROM logs'\n",
    ".github/workflows/nightly.yml": "on:\n  schedule:\n    - cron: '5 4 * * *'\njobs:\n  reset:\n    steps:\n"
    "      - run: npx prisma migrate reset --force\n",
    ".github/workflows/test.yml": "jobs:\n  t:\n    steps:\n      - run: bin/rails db:reset\n",
    "docker-compose.yml": "services:\n  job:\n    image: x\n    command: sh -c \"psql -c 'DROP TABLE a'\"\n",
    "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef clean(engine):\n    Base.metadata.drop_all(engine)\n",
    "spec/rails_helper.rb": "RSpec.configure do |c|\n  DatabaseCleaner.strategy = :truncation\nend\n",
    "app/views.py": "def remove(request):\n    Order.objects.filter(pk=1).delete()\n    Cart.objects.all().delete()\n",
    "src/db.go": 'package db\nfunc Purge() { db.Exec("DELETE FROM sessions WHERE user_id = $1", id) }\n',
    "package.json": '{"scripts": {"wipe": "sequelize db:drop && sequelize db:create"}}\n',
    "Makefile": "wipe:\n\tdocker compose down -v\n",
    "look.ipynb": '{"cells": [\n {"cell_type": "code", "source": [\n  "%%sql\\n",\n  "DELETE FROM notes"]}]}\n',
    "sql/routines/expire.sql": "CREATE OR REPLACE PROCEDURE shop.expire(keep int) LANGUAGE sql AS $$\n"
    "DELETE FROM carts WHERE age > keep\n$$;\n",
    "sql/schedule.sql": "SELECT cron.schedule('expire', '0 4 * * 1', 'CALL shop.expire(30)');\n",
    "sql/routines/forget.sql": "CREATE FUNCTION forget() RETURNS void LANGUAGE sql AS $$ DELETE FROM visits $$;\n",
    "app/forget.py": "def run(db):\n    db.execute('SELECT forget()')\n",
    "src/source.ts": "export const s = new DataSource({\n  synchronize: true,\n});\n",
    "src/application.properties": "spring.jpa.hibernate.ddl-auto=create-drop\n",
    "latin.py": "# caf\udce9\nc.execute('TRUNCATE latin')\n",
}
FOUND = {
    ("scripts/purge.py", 4, "scheduled_job", "truncate", "stage"),
    ("sql/clean.sql", 1, "scheduled_job", "delete", "old_carts"),
    ("tools/sweep.rb", 1, "scheduled_job", "delete", "swept"),
    ("scripts/by_hand.sh", 3, "script", "truncate", "orders"),
    ("deploy/purge.service", 2, "scheduled_job", "delete", "logs"),
    (".github/workflows/nightly.yml", 7, "scheduled_job", "drop_schema", None),
    (".github/workflows/test.yml", 4, "test_run", "drop_table", None),
    ("docker-compose.yml", 4, "application", "drop_table", "a"),
    ("tests/conftest.py", 5, "test_run", "drop_table", None),
    ("spec/rails_helper.rb", 2, "test_run", "truncate", None),
    ("app/views.py", 2, "application", "delete", "Order"),
    ("app/views.py", 3, "application", "delete", "Cart"),
    ("src/db.go", 2, "application", "delete", "sessions"),
    ("package.json", 1, "script", "drop_table", None),
    ("Makefile", 2, "script", "drop_database", None),
    ("look.ipynb", 4, "script", "delete", "notes"),
    ("sql/routines/expire.sql", 2, "scheduled_job", "delete", "carts"),
    ("sql/routines/forget.sql", 1, "application", "delete", "visits"),
    ("src/source.ts", 2, "application", "drop_table", None),
    ("src/application.properties", 1, "application", "drop_table", None),
    ("latin.py", 2, "application", "truncate", "latin"),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "case").mkdir()
    for name, text in FILES.items():
        path = tmp_path / "backend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return tmp_path / "case"


def test_every_line_is_found_with_what_starts_it(folder):
    draft, _ = collected(folder)
    hits = draft.written("code_hits").astype(object)
    hits = hits.where(hits.notna(), None)
    told = hits[["path", "line", "vehicle", "operation", "object"]]
    assert set(told.itertuples(index=False, name=None)) == FOUND
    by_path = hits.set_index("path")
    assert by_path.loc["sql/clean.sql", "started_by"] == ("scripts/nightly.sh:3",)
    assert by_path.loc["sql/clean.sql", "schedule"] == "15 3 * * *"
    assert by_path.loc["sql/routines/expire.sql", "started_by"] == ("sql/schedule.sql:1",)
    assert by_path.loc["sql/routines/expire.sql", "schedule"] == "0 4 * * 1"
    assert by_path.loc["scripts/purge.py", "name"] == "purge"
    assert by_path.loc[".github/workflows/nightly.yml", "schedule"] == "5 4 * * *"
    assert list(by_path.loc["app/views.py", "bounded"]) == [True, False]
    assert question(draft, "code_hits")["status"] == "answered"


MODELS = {
    "app/models/order.rb": ("class Order < ApplicationRecord\n  self.table_name = 'legacy_orders'\nend\n", ""),
    "lib/tasks/a.rake": ("task :a do\n  Order.delete_all\nend\n", "legacy_orders"),
    "shop/models.py": (
        "class Note(models.Model):\n    class Meta:\n        ordering = ['id']\n\n"
        "class Cart(models.Model):\n    x = 1\n    class Meta:\n        db_table = 'baskets'\n\n"
        "class Base(models.Model):\n    class Meta:\n        abstract = True\n",
        "",
    ),
    "shop/a.py": ("Note.objects.all().delete()\n", "shop_note"),
    "shop/b.py": ("Cart.objects.all().delete()\n", "baskets"),
    "shop/c.py": ("Base.objects.all().delete()\n", "Base"),
    "core/tables.py": (
        "class Item(Base):\n    __tablename__ = 'items_v2'\n    __table_args__ = {'schema': 'wms'}\n",
        "",
    ),
    "core/d.py": ("session.query(Item).delete()\n", "wms.items_v2"),
    "prisma/schema.prisma": ('model Venue {\n  id Int @id\n  @@map("venues_all")\n}\n', ""),
    "src/seed.ts": ("await prisma.venue.deleteMany();\n", "venues_all"),
    "one/models.py": ("class Twice(models.Model):\n    pass\n", ""),
    "two/models/__init__.py": ("class Twice(models.Model):\n    pass\n", ""),
    "e.py": ("Twice.objects.all().delete()\n", "Twice"),  # either may be meant
}


def test_a_class_is_called_by_the_table_that_it_stands_for(folder):
    for name, (text, _) in MODELS.items():
        path = folder.parent / "backend" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    draft, _ = collected(folder)
    found = draft.written("code_hits").set_index("path")["object"]
    assert {name: found.get(name) for name, (_, table) in MODELS.items() if table} == {
        name: table for name, (_, table) in MODELS.items() if table
    }


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ('@Entity()\n@Table(name = "ord", schema = "s")\npublic class Order {}', "Order.java", {"Order": "s.ord"}),
        ("@Entity('users_v2')\nexport class User {}", "user.entity.ts", {"User": "users_v2"}),
        ("@Entity({ name: 'logs', schema: 'audit' })\nexport class Log {}", "log.ts", {"Log": "audit.logs"}),
        ("sequelize.define('Log', {}, { tableName: 'logs' })", "log.js", {"Log": "logs"}),
        ("class Cart extends Model {\n    protected $table = 'baskets';\n}", "Cart.php", {"Cart": "baskets"}),
        ("class A(models.Model):\n    class Meta:\n        app_label = 'core'\n", "x/y.py", {"A": "core_a"}),
        ("class A(models.Model):\n    pass\n", "x/y.py", {}),
        ("class A:\n    pass\n", "x/models.py", {}),
    ],
)
def test_tables_that_classes_name(text, path, told):
    assert models(text, path) == told


def test_who_changed_a_file_last(folder):
    backend = folder.parent / "backend"
    git(backend, "init", "-q", "-b", "main")
    git(backend, "add", "scripts")
    git(backend, "commit", "-q", "-m", "first")
    (backend / "scripts/purge.py").write_text("db.execute('TRUNCATE other')\n")
    git(backend, "add", "scripts/purge.py")
    git(backend, "commit", "-q", "-m", "wider: password=hunter2", at="2025-10-08T09:00:00Z")
    draft, _ = collected(folder)
    every = draft.written("last_changes")
    changes = every[every["line"].isna()].set_index("path")
    assert set(changes.index) == {"scripts/purge.py", "scripts/by_hand.sh"}
    assert changes.loc["scripts/purge.py", "committed_at"].isoformat() == "2025-10-08T09:00:00+00:00"
    assert changes.loc["scripts/purge.py", "subject"] == "wider: password=***"
    assert changes.loc["scripts/by_hand.sh", "author"] == "Ann Müller"


@pytest.mark.parametrize(
    ("between", "told"),
    [("", {1: "first", 4: "first", 5: "second: token=***"}), ("-- not committed\n", {1: "first"})],
    ids=["as committed", "lines that moved have no history of their own"],
)
def test_who_changed_a_line_last_apart_from_its_file(folder, between, told):
    backend = folder.parent / "backend"
    git(backend, "init", "-q", "-b", "main")
    path = backend / "two.sql"
    path.write_text("TRUNCATE old;\n\nSELECT 1;\nTRUNCATE moved;\n")
    git(backend, "add", "two.sql")
    git(backend, "commit", "-q", "-m", "first")
    path.write_text("TRUNCATE old;\n\nSELECT 2;\nTRUNCATE moved;\nDELETE FROM late;\n")
    git(backend, "commit", "-q", "-am", "second: token=hunter2", at="2025-10-08T09:00:00Z")
    path.write_text(f"TRUNCATE old;\n{between}\nSELECT 2;\nTRUNCATE moved;\nDELETE FROM late;\n")
    draft, _ = collected(folder)
    changes = draft.written("last_changes")
    mine = changes[changes["path"] == "two.sql"]
    assert mine[mine["line"].notna()].set_index("line")["subject"].to_dict() == told
    assert mine[mine["line"].isna()]["subject"].tolist() == ["second: token=***"]


def test_a_secret_beside_a_command_is_hidden(folder):
    (folder.parent / "backend" / "x.sh").write_text("psql postgresql://a:hunter2@db/shop -c 'TRUNCATE secret'\n")
    draft, _ = collected(folder)
    table = draft.written("code_hits")
    assert "secret" in set(table["object"].dropna())
    assert "hunter2" not in table.to_csv()


def test_names_from_a_hostile_place_are_read_and_links_are_not_followed(folder):
    backend = folder.parent / "backend"
    (backend / "link.sql").symlink_to("/etc/passwd")
    name = b"\xff'; DROP\n<b>.sql"
    (backend / os.fsdecode(name)).write_text("TRUNCATE odd;")
    (backend / "big.sql").write_bytes(b"DELETE FROM big;\n" * 200_000)
    (backend / "binary.sql").write_bytes(b"DROP TABLE b;\0")
    draft, _ = collected(folder)
    assert "odd" in set(draft.written("code_hits")["object"].dropna())
    reason = question(draft, "code_hits")["reason"]
    assert "1 links" in reason
    assert "1 binary files" in reason
    assert "1 files larger than 2 MiB" in reason


HOSTILE = {
    "a.sh": "docker compose " * 130_000,
    "b.sh": "psql -c '" * 200_000,
    "c.sh": "cat <<A\n" * 200_000,
    "d.js": "knex('a')" * 200_000,
    "e.rb": "execute <<~SQL\n" * 130_000,
    "f.py": "(" * 500_000,
    "g.py": "x" + ".filter()" * 100_000 + ".delete()",
    "h.go": '"DROP ' * 30_000,
    "i.ipynb": "[" * 500_000,
    "j.ts": "exports.up " * 180_000,
    "k.sql": "DELETE FROM a;" * 20_000,
    "Makefile": "a:" * 900_000,
    "l.yml": "- cron: 1 2 3 4 5\n" * 100_000,
    "n.js": "every()" * 100_000,
    "o.ts": "cron.schedule(a);\n" + "import a\n" * 100_000,
    "p.py": "add_job(a)\nfrom " + "." * 100_000,
    "m.rb": "execute 'DROP TABLE a'\n" + "[" * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_holds_the_reader_up(name):
    # Work that grows with the square of such a file takes hours: this test would never end.
    assert len(read_code(name, HOSTILE[name].encode()).hits) <= MOST_HITS


@pytest.mark.parametrize(("statements", "said"), [(2_990, []), (3_100, [1])])
def test_a_file_of_which_not_all_is_read_is_counted(tmp_path, statements, said):
    kept = 'db.Exec("TRUNCATE a")\n' * statements
    (tmp_path / "seed.go").write_text(f"package a\nfunc a() {{\n{kept}}}\n")
    passed = Counter()
    assert scan(tmp_path, (), passed).files == 1
    assert [count for what, count in passed.items() if "in part" in what] == said


@pytest.mark.parametrize(("statements", "said"), [(MOST_HITS - 1, []), (MOST_HITS + 1, [1])])
def test_a_file_of_which_not_all_hits_are_told_is_counted(tmp_path, statements, said):
    (tmp_path / "seed.sql").write_text("TRUNCATE a;\n" * statements)
    passed = Counter()
    scan(tmp_path, (), passed)
    assert [count for what, count in passed.items() if "only the first" in what] == said


def test_calls_of_routines_are_told_by_line_and_bounded(tmp_path):
    (tmp_path / "a.sql").write_text('\nSELECT ops.tidy(); CALL "Sweep"(1);\n\nPERFORM purge(now());\n')
    assert scan(tmp_path, (), Counter()).calls == [
        ("tidy", "a.sql", 2), ("sweep", "a.sql", 2), ("purge", "a.sql", 4)
    ]  # fmt: skip
    (tmp_path / "b.js").write_text("select f(x);\n" * 150_000)
    assert len(scan(tmp_path, (), Counter()).calls) == 20_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "PRUNE = 'DELETE FROM каталог.реставрация r USING list s WHERE r.id = s.id'\n",
            [("delete", "каталог.реставрация")],
        ),
        ("CLEAR: str = 'TRUNCATE stage'\nconnection.execute(CLEAR)\n", [("truncate", "stage")]),  # once, where it runs
        (
            "SQLExecuteQueryOperator(task_id='a', sql=\"DELETE FROM f WHERE d >= '{{ params.day }}'\")\n",
            [("delete", "f")],
        ),
        ("import sqlite3\nPRUNE = 'DELETE FROM cache'\n", []),
        ("def prune():\n    'DELETE FROM a is what this does not do'\n", []),
        ("KEEP = 'SELECT id FROM a'\nWORDS = 'delete from the list what is old'\n", []),
    ],
)
def test_statements_that_python_keeps_under_a_name(text, found):
    assert [(each.operation, each.object) for each in read_hits(text, "archive/retention.py")] == found


def test_a_dag_runs_what_its_operators_are_given():
    dag = "with DAG('backfill', schedule='@daily'):\n    SQLExecuteQueryOperator(sql='DELETE FROM marts.sales')\n"
    assert [(each.vehicle, each.object) for each in read_hits(dag, "dags/backfill.py")] == [
        ("scheduled_job", "marts.sales")
    ]


def test_a_routine_that_a_migration_creates_belongs_to_what_calls_it(tmp_path):
    """Sqitch, migratus and others: the file creates it and drops a table besides; only the body waits for a call."""
    made = 'CREATE PROCEDURE "løn".tidy(since date) LANGUAGE sql AS $$\nDELETE FROM loans WHERE due < since\n$$;\n'
    files = {
        "migrations/1-tidy.up.sql": f"{made}DROP TABLE gone;\n",
        "migrations/2-close.up.sql": made.replace('"løn".tidy', "rx.close").replace("loans", "charts"),
        "migrations/3-idle.up.sql": made.replace('"løn".tidy', "rx.idle").replace("loans", "idle"),
        "ops/tidy.service": '[Service]\nExecStart=/usr/bin/psql -c "CALL \\"løn\\".tidy(now())"\n',
        "ops/tidy.timer": "[Timer]\nOnCalendar=*-*-* 03:30\n",
        "lib/Ward.pm": "package Ward;\nsub close { db->query('SELECT rx.close(?)', shift) }\n1;\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = scan(tmp_path, [name for name in files if name.startswith("migrations/")], Counter())
    assert {(row["object"], row["vehicle"], row["schedule"]) for row in hit_rows(found)} == {
        ("loans", "scheduled_job", "*-*-* 03:30"), ("charts", "application", None), ("idle", "script", None),
    }  # fmt: skip


def _vehicles(folder, files: dict[str, str]) -> set[tuple]:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text)
    return {(row["object"], row["vehicle"]) for row in hit_rows(scan(folder, (), Counter()))}


def test_what_a_target_of_the_tests_runs_is_the_tests(tmp_path):
    """make and npm: `test` by convention runs the tests; a file that another target starts too is a script's."""
    found = _vehicles(tmp_path, {
        "Makefile": "seed:\n\tpsql -f db/seed.sql\n\ntest:\n\tpsql -f db/fixtures.sql\n\tpsql -f db/seed.sql\n"
        "\tpsql -c 'TRUNCATE marks'\nwipe:\n\tpsql -c 'TRUNCATE wiped'\n",
        "db/seed.sql": "DELETE FROM seeds;\n",
        "db/fixtures.sql": "DELETE FROM gifts;\n",
        "t/020_lots.sql": "DELETE FROM lots;\n",  # prove and pg_prove read t/
    })  # fmt: skip
    assert found == {("gifts", "test_run"), ("seeds", "script"), ("marks", "test_run"), ("wiped", "script"),
                     ("lots", "test_run")}  # fmt: skip


def test_a_routine_that_a_page_calls_as_well_as_cron_is_not_the_jobs_alone(tmp_path):
    body = "CREATE FUNCTION fb.{0}(y int) RETURNS void LANGUAGE sql AS $$\nDELETE FROM {1} WHERE y < 1\n$$;\n"
    found = _vehicles(tmp_path, {
        "sql/close.sql": body.format("close_year", "shares"),
        "sql/tidy.sql": body.format("tidy_year", "notes"),
        "etc/crontab": "10 3 1 7 * psql -c 'SELECT fb.close_year(1)'\n10 4 1 7 * psql -c 'SELECT fb.tidy_year(1)'\n",
        "web/year.php": "<?php\n$q = db()->prepare('SELECT fb.close_year(?)');\n",
    })  # fmt: skip
    assert found == {("shares", "script"), ("notes", "scheduled_job")}


# What a clock starts bears another name than its source: a compiler's output, a program, a module, a function.
STARTED = {
    "deploy/cron.yaml": "kind: CronJob\nspec:\n  schedule: '5 4 * * *'\n  args: [node, dist/register/sweep.js]\n",
    "src/register/sweep.ts": "await db.query('DELETE FROM pupils');\n",
    "src/other/sweep.ts": "await db.query('DELETE FROM others');\n",
    "cmd/rotate/main.go": 'package main\nvar s = "DELETE FROM weeks"\n',
    "cmd/serve/main.go": 'package main\nvar s = "DELETE FROM served"\n',
    "cmd/rotate/rotate.timer": "[Timer]\nOnCalendar=Thu 03:40\n",
    "cmd/rotate/rotate.service": "[Service]\nExecStart=/opt/app/bin/rotate\n",
    "etc/cron.d/close": "1 2 * * * app python3 -m shop.close.year\n3 4 * * * app ./manage.py forget_guests\n",
    "shop/close/year.py": "c.execute('DELETE FROM year')\n",
    "shop/management/commands/forget_guests.py": "c.execute('DELETE FROM guests')\n",
    "shop/clock.py": "from shop.visits import purge as p\nfrom shop.core import plan\nplan.add_job(p, 'cron')\n",
    "shop/visits.py": "def purge():\n    c.execute('DELETE FROM visits')\n\n\ndef leave(n):\n"
    "    c.execute('DELETE FROM stays')\n",
}


def test_a_job_owns_what_it_starts_under_another_name(tmp_path):
    for name, text in STARTED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {row["object"]: (row["vehicle"], row["schedule"]) for row in hit_rows(scan(tmp_path, [], Counter()))}
    assert found == {
        "pupils": ("scheduled_job", "5 4 * * *"), "weeks": ("scheduled_job", "Thu 03:40"),
        "year": ("scheduled_job", "1 2 * * *"), "guests": ("scheduled_job", "3 4 * * *"),
        "visits": ("scheduled_job", "as a job"),
        # a namesake elsewhere, another program, another function of the file
        "others": ("application", None), "served": ("application", None), "stays": ("application", None),
    }  # fmt: skip


# As the documentation of each framework starts what it declares.
NAMED = {
    "etc/crontab": "1 2 * * * www cd /srv && php artisan carts:forget --days=9\n"
    "2 2 * * * www bin/console --env=prod app:purge\n# 9 9 * * * www php artisan carts:keep\n"
    "3 2 * * * www bundle exec rake db:visits:clear\n4 2 * * * www mix shop.drop_old\n"
    "5 2 * * * www flask close-year\n6 2 * * * www php artisan shared:name\n",
    "systemd/forget.service": "[Service]\nExecStart=/usr/bin/node ace coats:forget --days=540\n",
    "systemd/forget.timer": "[Timer]\nOnCalendar=02:00\n",
    "app/Console/Commands/Forget.php": "<?php\nprotected $signature = 'carts:forget {--days=}';\n"
    "DB::statement('DELETE FROM carts');\n",
    "app/Console/Commands/Keep.php": "<?php\nprotected $signature = 'carts:keep';\n"
    "DB::statement('DELETE FROM kept');\n",
    "src/Command/Purge.php": "<?php\n#[AsCommand(name: 'app:purge')]\n$c->executeStatement('DELETE FROM mails');\n",
    "lib/tasks/clear.rake": "namespace :db do\n  namespace :visits do\n    task clear: :environment do\n"
    '      execute("DELETE FROM visits")\n    end\n  end\nend\n',
    "lib/mix/tasks/drop_old.ex": 'defmodule Mix.Tasks.Shop.DropOld do\n  Repo.query!("DELETE FROM old")\nend\n',
    "shop/cli.py": "@app.cli.command('close-year')\ndef close():\n    c.execute('DELETE FROM years')\n",
    "commands/coats_forget.ts": "static commandName = 'coats:forget'\nawait db.rawQuery('DELETE FROM coats')\n",
    "one/A.php": "<?php\nprotected $signature = 'shared:name';\nDB::statement('DELETE FROM first');\n",
    "two/A.php": "<?php\nprotected $signature = 'shared:name';\nDB::statement('DELETE FROM second');\n",
}


def test_a_job_owns_the_command_that_it_starts_by_a_name_of_the_framework(tmp_path):
    for name, text in NAMED.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = {row["object"]: row["schedule"] for row in hit_rows(scan(tmp_path, [], Counter()))}
    assert found == {
        "carts": "1 2 * * *", "mails": "2 2 * * *", "visits": "3 2 * * *", "old": "4 2 * * *", "years": "5 2 * * *",
        "coats": "02:00",
        # not started by any line, and one name of two files
        "kept": None, "first": None, "second": None,
    }  # fmt: skip
