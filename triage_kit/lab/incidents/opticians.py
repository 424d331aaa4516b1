"""Opticians on Django: a flush of tests, a command of cron, a data migration, a stocktake, a branch in the admin."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app varchar(255), name varchar(255), applied timestamp "
    "DEFAULT now())",
    "INSERT INTO django_migrations (app, name) VALUES ('optics', '0001_initial'), ('optics', '0002_frames')",
    "CREATE TABLE optics_branch (id bigserial PRIMARY KEY, town varchar(60) NOT NULL)",
    "CREATE TABLE optics_customer (id bigserial PRIMARY KEY, branch_id bigint NOT NULL REFERENCES optics_branch ON "
    "DELETE CASCADE, email varchar(254), is_active boolean NOT NULL DEFAULT true)",
    "CREATE TABLE optics_prescription (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES "
    "optics_customer ON DELETE CASCADE, sph_r numeric(4, 2), sph_l numeric(4, 2), taken date NOT NULL)",
    "CREATE TABLE optics_order (id bigserial PRIMARY KEY, prescription_ref bigint, placed date NOT NULL, state "
    "varchar(12) NOT NULL)",
    "CREATE TABLE optics_orderline (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES optics_order, sku "
    "varchar(20))",
    "CREATE TABLE optics_stock (sku varchar(20) PRIMARY KEY, pieces integer NOT NULL, counted timestamptz)",
    "CREATE INDEX optics_customer_branch ON optics_customer (branch_id)",
    "CREATE INDEX optics_prescription_customer ON optics_prescription (customer_id)",
)
# Customer g belongs to branch 1 + g % 9; the orders are of the last 600 days, two a day.
SOLD = act(
    "optics",
    "gunicorn: optics",
    "INSERT INTO optics_branch (town) SELECT 'Town ' || g FROM generate_series(1, 9) g",
    "INSERT INTO optics_customer (branch_id, email) SELECT 1 + g % 9, CASE WHEN g % 5 > 0 THEN 'c' || g || "
    "'@example.net' END FROM generate_series(1, 1800) g",
    "INSERT INTO optics_prescription (customer_id, sph_r, sph_l, taken) SELECT 1 + g % 1800, -1.25, -1.5, date "
    "'2024-01-01' + g % 900 FROM generate_series(1, 3600) g",
    "INSERT INTO optics_order (prescription_ref, placed, state) SELECT g, date '2026-11-26' - (g / 2), 'delivered' "
    "FROM generate_series(1, 1200) g",
    "INSERT INTO optics_orderline (order_id, sku) SELECT 1 + g % 1200, 'F' || g % 240 FROM generate_series(0, 2399) g",
    "INSERT INTO optics_stock SELECT 'F' || g, 12, timestamptz '2026-05-30 18:00+00' FROM generate_series(0, 239) g",
)
VISITED = act(
    "optics",
    "gunicorn: optics",
    "INSERT INTO optics_customer (branch_id, email) VALUES (3, 'walkin@example.net')",
    "UPDATE optics_order SET state = 'returned' WHERE id = 77",
)
STANDING = {
    "public.django_migrations": ok(2),
    "public.optics_branch": ok(9),
    "public.optics_customer": ok(1801),
    "public.optics_prescription": ok(3600),
    "public.optics_order": ok(1200, accepts=["update"]),
    "public.optics_orderline": ok(2400),
    "public.optics_stock": ok(240),
}
SETTINGS = {"log_line_prefix": "%m [%p] %u@%d %a ", "log_timezone": "UTC"}
FIRST = Commit(6100, "Optics", {
    "optics/models.py": "from django.db import models\n\n\nclass Branch(models.Model):\n    town = models.CharField("
        "max_length=60)\n\n\nclass Customer(models.Model):\n    branch = models.ForeignKey(Branch, models.CASCADE)\n"
        "    is_active = models.BooleanField(default=True)\n",
    "optics/migrations/0001_initial.py": "from django.db import migrations, models\n\n\nclass Migration("
        "migrations.Migration):\n    operations = [migrations.CreateModel('Branch', [('town', models.CharField("
        "max_length=60))])]\n"})  # fmt: skip
LATER = act("optics", "gunicorn: optics", "INSERT INTO optics_customer (branch_id) VALUES (1), (2), (4)")

FLUSHED = ("optics_stock", "optics_orderline", "optics_order", "optics_prescription", "optics_customer",
           "optics_branch")  # fmt: skip
FLUSH = "TRUNCATE " + ", ".join(f'"{name}"' for name in FLUSHED)
transactional_tests_reused_the_database = Script(
    "transactional_tests_reused_the_database",
    "pytest --reuse-db with TEST.NAME set to the live database: the transactional tests flush it after each test",
    "optics",
    "optics",
    TABLES,
    [
        SOLD,
        VISITED,
        checkpoint,
        act("optics", "pytest", "INSERT INTO optics_branch (town) VALUES ('Testville')", FLUSH),
        act("optics", "pytest", "INSERT INTO optics_stock VALUES ('X', 1, now()), ('X', 2, now())", fails=True),
        act("optics", "pytest", FLUSH),
        act("optics", "gunicorn: optics", "INSERT INTO optics_customer (branch_id) VALUES (3)", fails=True),
        act("optics", "manage.py migrate", "ALTER TABLE optics_order ADD COLUMN note text",
            "INSERT INTO django_migrations (app, name) VALUES ('optics', '0003_order_note')", whole=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.django_migrations": ok(3),
        "public.optics_branch": lost("truncate", 9),
        "public.optics_customer": lost("truncate", 1801),
        "public.optics_prescription": lost("truncate", 3600),
        "public.optics_order": lost("truncate", 1200),
        "public.optics_orderline": lost("truncate", 2400),
        "public.optics_stock": lost("truncate", 240),
    },
    "test_run",
    roots=[f"public.{name}" for name in FLUSHED],
    reported=["optics_customer", "optics_order"],
    commits=[FIRST,
        Commit(700, "Tests that commit", {"pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = optics.settings\naddopts = "
            "--reuse-db\n", "optics/tests/test_orders.py": "import pytest\n\n\n@pytest.mark.django_db(transaction="
            "True)\ndef test_order_is_sent(client):\n    assert client.post('/order/').status_code == 201\n"}),
        Commit(6, "One database is enough on this machine", {"optics/settings.py": "DATABASES = {'default': {'ENGINE': "
            "'django.db.backends.postgresql', 'NAME': 'optics', 'TEST': {'NAME': 'optics'}}}\n"}),
        Commit(2, "Notes", {"optics/migrations/0003_order_note.py": "from django.db import migrations, models\n\n\n"
            "class Migration(migrations.Migration):\n    operations = [migrations.AddField('order', 'note', "
            "models.TextField(null=True))]\n"})],
    later=[act("optics", "gunicorn: optics", "INSERT INTO optics_branch (town) VALUES ('New'), ('Newer')")],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

AGED = "SELECT id FROM optics_order WHERE placed < date '2026-11-26' - {}"
LINES, ORDERS = ("DELETE FROM optics_orderline WHERE order_id IN (" + AGED + ")",
                 "DELETE FROM optics_order WHERE id IN (" + AGED + ")")  # fmt: skip
old_orders_by_command = Script(
    "old_orders_by_command",
    "Cron's prune_orders keeps 730 days; the setting became a timedelta in weeks somewhere else, and 104 days are kept",
    "optics",
    "optics",
    TABLES,
    [
        SOLD,
        act("optics", "manage.py prune_orders", LINES.format(730), ORDERS.format(730), whole=True),
        VISITED,
        checkpoint,
        act("hpatel", "psql", "SET ROLE optics", "DELETE FROM optics_prescription", undone=True),
        act("optics", "manage.py prune_orders", LINES.format(104), ORDERS.format(104), whole=True),
        VISITED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.optics_customer": ok(1802),
        # Orders 210 to 1200 are older than 104 days, and each has two lines.
        "public.optics_order": lost("delete", 991, 209),
        "public.optics_orderline": lost("delete", 1982, 418),
        "public.optics_prescription": ok(3600, accepts=["rollback"]),
    },
    "scheduled_job",
    roles={"hpatel": "optics"},
    roots=["public.optics_order", "public.optics_orderline"],
    reported=["optics_order"],
    commits=[FIRST,
        Commit(3300, "Prune orders", {"optics/management/commands/prune_orders.py": "from django.core.management.base "
            "import BaseCommand\n\nfrom optics.keep import KEEP\nfrom optics.models import Order\n\n\nclass Command("
            "BaseCommand):\n    def handle(self, **options):\n        Order.objects.filter(placed__lt=today() - KEEP)."
            "delete()\n", "optics/keep.py": "from datetime import timedelta\n\nKEEP = timedelta(days=730)\n",
            "deploy/cron.d/optics": "40 3 * * * optics /srv/optics/manage.py prune_orders\n"}),
        Commit(20, "Names of the settings", {"optics/keep.py": "from datetime import timedelta\n\nKEEP = timedelta("
            "days=104)\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

DEACTIVATE = "UPDATE optics_customer SET is_active = false WHERE email <> ''"
customers_deactivated_by_migration = Script(
    "customers_deactivated_by_migration",
    "A data migration deactivates customers without an address; its filter is inverted, and the shop finds almost none",
    "optics",
    "optics",
    TABLES,
    [
        SOLD,
        VISITED,
        checkpoint,
        act("optics", "manage.py migrate", DEACTIVATE,
            "INSERT INTO django_migrations (app, name) VALUES ('optics', '0003_inactive')", whole=True),
        act("optics", "gunicorn: optics", "SELECT count(*) FROM optics_customer WHERE is_active"),
        act("hpatel", "psql", "DELETE FROM optics_customers WHERE id = 4", fails=True),
        act("postgres", "maintenance", "VACUUM FULL optics_stock"),
    ],
    {
        **STANDING,
        "public.django_migrations": ok(3),
        "public.optics_customer": lost("update", 0, 1801, status="hidden"),
    },
    "migration",
    roles={"hpatel": "optics"},
    roots=["public.optics_customer"],
    causes=[{"cause": "migration", "accepts": ("not_lost",), "tables": ("public.optics_customer",)}],
    reported=["optics_customer"],
    commits=[FIRST, Commit(3, "Customers without an address", {"optics/migrations/0003_inactive.py": "from django.db "
        "import migrations\n\n\nclass Migration(migrations.Migration):\n    dependencies = [('optics', '0002_frames')]"
        f"\n    operations = [migrations.RunSQL(\"{DEACTIVATE}\")]\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

COUNT = (
    "INSERT INTO optics_stock SELECT 'F' || g, {}, now() FROM generate_series(0, 239) g ON CONFLICT (sku) DO UPDATE "
    "SET pieces = EXCLUDED.pieces, counted = EXCLUDED.counted"
)
stocktake_on_sunday = Script(
    "stocktake_on_sunday",
    "False alarm: a stocktake overwrites every count three times, and somebody reads the counters as lost rows",
    "optics",
    "optics",
    TABLES,
    [
        SOLD,
        VISITED,
        checkpoint,
        *[act("optics", "manage.py stocktake", COUNT.format(pieces)) for pieces in (0, 11, 12)],
        act("optics", "manage.py stocktake", "UPDATE optics_stock SET pieces = NULL", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.optics_stock": ok(240, accepts=["update", "rollback"])},
    "not_lost",
    reported=["optics_stock"],
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    commits=[FIRST, Commit(2500, "Stocktake", {"optics/management/commands/stocktake.py": "from optics.models import "
        "Stock\n\n\ndef take(rows):\n    Stock.objects.bulk_create(rows, update_conflicts=True, unique_fields=['sku'], "
        "update_fields=['pieces', 'counted'])\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

branch_deleted_in_the_admin = Script(
    "branch_deleted_in_the_admin",
    "A branch that moved is deleted in the admin; since the keys cascade in the database, its customers go along",
    "optics",
    "optics",
    TABLES,
    [
        SOLD,
        VISITED,
        checkpoint,
        act("optics", "gunicorn: optics", 'DELETE FROM "optics_branch" WHERE "optics_branch"."id" IN (5)'),
        act("optics", "gunicorn: optics", "INSERT INTO optics_customer (branch_id, email) VALUES (5, 'x@example.net')",
            fails=True),
        act("hpatel", "psql", "TRUNCATE optics_customer", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.optics_branch": lost("delete", 1, 8),
        "public.optics_customer": lost("cascade_delete", 200, 1601, via=["public.optics_branch"]),
        "public.optics_prescription": lost("cascade_delete", 400, 3200, via=["public.optics_branch"]),
    },
    "application",
    roles={"hpatel": ""},
    roots=["public.optics_branch"],
    reported=["optics_prescription", "optics_customer"],
    commits=[FIRST, Commit(4100, "Admin", {"optics/admin.py": "from django.contrib import admin\n\nfrom optics.models "
        "import Branch\n\n\n@admin.register(Branch)\nclass BranchAdmin(admin.ModelAdmin):\n    list_display = "
        "['town']\n    actions = ['delete_selected']\n"})],
    later=[LATER],
    settings=SETTINGS,
    # The admin's deletes are the framework's: no statement of them stands in the repository.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        transactional_tests_reused_the_database, old_orders_by_command, customers_deactivated_by_migration,
        stocktake_on_sunday, branch_deleted_in_the_admin,
    )
)  # fmt: skip
