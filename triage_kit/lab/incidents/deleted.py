"""Rows that went by DELETE or MERGE: by hand, in a function, by a trigger, by a sync, through foreign keys."""

from __future__ import annotations

from triage_kit.lab.incidents.script import Commit, Script, act, checkpoint, lost, ok

PURGE = """CREATE FUNCTION ops.purge_events(keep interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ops.event_payloads p USING ops.events e WHERE p.event_id = e.id AND e.at < now() - keep;
  DELETE FROM ops.events WHERE at < now() - keep;
END $$"""

purge_function = Script(
    "purge_function",
    "A scheduled purge function is called with minutes where days were meant",
    "events",
    "events_owner",
    (
        "CREATE SCHEMA ops",
        "CREATE TABLE ops.events (id int PRIMARY KEY, at timestamptz NOT NULL)",
        "CREATE TABLE ops.event_payloads (event_id int, body text)",
        "CREATE TABLE ops.event_types (id int PRIMARY KEY, name text)",
        PURGE,
    ),
    [
        act("events_owner", "events-api",
            "INSERT INTO ops.events SELECT g, now() - make_interval(hours => g) FROM generate_series(1, 430) g",
            "INSERT INTO ops.event_payloads SELECT g, 'x' FROM generate_series(1, 430) g",
            "INSERT INTO ops.event_types SELECT g, 't' FROM generate_series(1, 9) g"),
        checkpoint,
        act("purger", "pg_cron scheduler", "SELECT ops.purge_events('30 minutes')"),
        checkpoint,
    ],
    {"ops.events": lost("delete", 430), "ops.event_payloads": lost("delete", 430), "ops.event_types": ok(9)},
    "scheduled_job",
    scope=["ops"],
    roles={"purger": "events_owner"},
    roots=["ops.events", "ops.event_payloads"],
    reported=["ops.events"],
    commits=[
        Commit(700, "Events", {"db/001_events.sql": PURGE + ";\n"}),
        Commit(10, "Purge events",
            {"db/cron.sql": "SELECT cron.schedule('p', '0 * * * *', $$SELECT ops.purge_events('30 minutes')$$);\n"}),
    ],
    settings={"log_statement": "ddl", "log_line_prefix": "%m [%p] %q%u@%d/%a "},
    later=[act("events_owner", "events-api",
               "INSERT INTO ops.events SELECT g, now() FROM generate_series(1001, 1040) g")],
)  # fmt: skip

TRIGGER = """CREATE FUNCTION drop_old_drafts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM drafts WHERE updated < now();
  RETURN NEW;
END $$"""

trigger_deletes = Script(
    "trigger_deletes",
    "A trigger on one table deletes the rows of another with every insert of the application",
    "publishing",
    "cms",
    (
        "CREATE TABLE articles (id serial PRIMARY KEY, title text)",
        "CREATE TABLE drafts (id serial PRIMARY KEY, title text, updated timestamptz DEFAULT now())",
        "CREATE TABLE authors (id serial PRIMARY KEY, name text)",
        TRIGGER,
    ),
    [
        act("cms", "cms-web", "INSERT INTO authors (name) SELECT 'a' FROM generate_series(1, 21)",
            "INSERT INTO drafts (title) SELECT 'd' FROM generate_series(1, 188)",
            "INSERT INTO articles (title) SELECT 't' FROM generate_series(1, 75)"),
        act("cms", "migrate",
            "CREATE TRIGGER tidy AFTER INSERT ON articles FOR EACH STATEMENT EXECUTE FUNCTION drop_old_drafts()"),
        checkpoint,
        act("cms", "cms-web", "INSERT INTO articles (title) VALUES ('published')"),
        checkpoint,
    ],
    {"public.drafts": lost("delete", 188), "public.articles": ok(76), "public.authors": ok(21)},
    "application",
    roots=["public.drafts"],
    causes=[{"cause": "application", "accepts": ("migration",), "tables": ("public.drafts",)}],
    reported=["drafts"],
    later=[act("cms", "cms-web", "INSERT INTO authors (name) SELECT 'n' FROM generate_series(1, 4)")],
    settings={"log_line_prefix": "%t %u %d [%p] "},
)  # fmt: skip

SHARED = (
    "CREATE TABLE tenants (id int PRIMARY KEY, name text)",
    "CREATE TABLE projects (id int PRIMARY KEY, tenant_id int REFERENCES tenants ON DELETE CASCADE)",
    "CREATE TABLE tasks (id int PRIMARY KEY, project_id int REFERENCES projects ON DELETE CASCADE, done bool)",
    "CREATE TABLE comments (id int PRIMARY KEY, task_id int REFERENCES tasks ON DELETE CASCADE, t text)",
    "CREATE TABLE plans (id int PRIMARY KEY, name text)",
)

cascade_from_tenant = Script(
    "cascade_from_tenant",
    "One tenant's row deleted by hand takes its projects, tasks and comments along",
    "saas",
    "saas",
    SHARED,
    [
        act("saas", "saas-api", "INSERT INTO plans SELECT g, 'p' FROM generate_series(1, 4) g",
            "INSERT INTO tenants SELECT g, 't' FROM generate_series(1, 10) g",
            "INSERT INTO projects SELECT g, 1 + g % 10 FROM generate_series(1, 100) g",
            "INSERT INTO tasks SELECT g, 1 + g % 100, false FROM generate_series(1, 1000) g",
            "INSERT INTO comments SELECT g, 1 + g % 1000, 'c' FROM generate_series(1, 2000) g"),
        checkpoint,
        act("support_lea", "psql", "DELETE FROM tenants WHERE id IN (3, 4)"),
    ],
    {
        "public.tenants": lost("delete", 2, 8),
        "public.projects": lost("cascade_delete", 20, 80, via=["public.tenants"]),
        "public.tasks": lost("cascade_delete", 200, 800, via=["public.tenants"]),
        "public.comments": lost("cascade_delete", 400, 1600, via=["public.tenants"]),
        "public.plans": ok(4),
    },
    "manual_session",
    roles={"support_lea": "saas"},
    roots=["public.tenants"],
    reported=["projects", "tenants"],
    later=[act("saas", "saas-api",
        "INSERT INTO tasks SELECT g, 10 * (g % 2) + 1, true FROM generate_series(2001, 2050) g")],
)  # fmt: skip

merge_sync = Script(
    "merge_sync",
    "A nightly MERGE deletes what the supplier's broken feed marks as discontinued",
    "stock",
    "stock",
    ("CREATE TABLE articles (sku text PRIMARY KEY, n int)", "CREATE TABLE feed (sku text, n int, discontinued bool)",
     "CREATE TABLE shelves (id int PRIMARY KEY, place text)"),
    [
        act("stock", "stock-ui", "INSERT INTO articles SELECT 'A' || g, g FROM generate_series(1, 143) g",
            "INSERT INTO shelves SELECT g, 's' FROM generate_series(1, 30) g"),
        checkpoint,
        act("sync", "sync-job", "INSERT INTO feed SELECT 'A' || g, g, g > 43 FROM generate_series(1, 143) g",
            "MERGE INTO articles a USING feed f ON a.sku = f.sku WHEN MATCHED AND f.discontinued THEN DELETE "
            "WHEN MATCHED THEN UPDATE SET n = f.n", whole=True),
        checkpoint,
    ],
    {"public.articles": lost("delete", 100, 43), "public.feed": ok(143), "public.shelves": ok(30)},
    "scheduled_job",
    roles={"sync": "stock"},
    roots=["public.articles"],
    reported=["articles"],
    since=15,
    later=[act("stock", "stock-ui", "UPDATE shelves SET place = 'x' WHERE id < 5")],
    settings={"log_line_prefix": "%m [%p] %q[user=%u,db=%d,app=%a] "},
)  # fmt: skip

delete_using_sync = Script(
    "delete_using_sync",
    "The application's sync deletes every price that the new list does not hold; the list was cut off",
    "pricing",
    "pricing_svc",
    ("CREATE TABLE price (sku text PRIMARY KEY, cents int)", "CREATE TABLE incoming (sku text PRIMARY KEY)",
     "CREATE TABLE region (code text PRIMARY KEY)"),
    [
        act("pricing_svc", "pricing-service", "INSERT INTO price SELECT 'S' || g, g FROM generate_series(1, 600) g",
            "INSERT INTO region VALUES ('N'), ('S'), ('W')"),
        checkpoint,
        act("pricing_svc", "pricing-service", "INSERT INTO incoming SELECT 'S' || g FROM generate_series(1, 50) g",
            "DELETE FROM price p WHERE NOT EXISTS (SELECT FROM incoming i WHERE i.sku = p.sku)"),
    ],
    {"public.price": lost("delete", 550, 50), "public.incoming": ok(50), "public.region": ok(3)},
    "application",
    roots=["public.price"],
    reported=["price"],
    later=[act("pricing_svc", "pricing-service", "INSERT INTO price SELECT 'T' || g, g FROM generate_series(1, 20) g")],
    settings={"log_line_prefix": "%m [%p] %a %u@%d "},
)  # fmt: skip

by_hand_and_by_job = Script(
    "by_hand_and_by_job",
    "Two losses at once: a person truncates the cart tables, and a job deletes vouchers",
    "outlet",
    "outlet",
    ("CREATE TABLE carts (id int PRIMARY KEY, v text)",
        "CREATE TABLE cart_lines (id int PRIMARY KEY, cart_id int REFERENCES carts)",
     "CREATE TABLE vouchers (code text PRIMARY KEY, expires date)", "CREATE TABLE shoppers (id int PRIMARY KEY)"),
    [
        act("outlet", "outlet-web", "INSERT INTO carts SELECT g, 'c' FROM generate_series(1, 140) g",
            "INSERT INTO cart_lines SELECT g, 1 + g % 140 FROM generate_series(1, 444) g",
            "INSERT INTO vouchers SELECT 'V' || g, '2020-01-01' FROM generate_series(1, 260) g",
            "INSERT INTO shoppers SELECT g FROM generate_series(1, 77) g"),
        checkpoint,
        act("voucher_job", "cron expire_vouchers", "DELETE FROM vouchers WHERE expires < now() OR true"),
        act("tgruber", "pgAdmin 4 - CONN:4711", "TRUNCATE carts CASCADE"),
        checkpoint,
    ],
    {
        "public.carts": lost("truncate", 140),
        "public.cart_lines": lost("truncate", 444, via=["public.carts"]),
        "public.vouchers": lost("delete", 260),
        "public.shoppers": ok(77),
    },
    "manual_session",
    roots=["public.carts", "public.vouchers"],
    causes=[
        {"cause": "manual_session", "tables": ("public.carts", "public.cart_lines")},
        {"cause": "scheduled_job", "tables": ("public.vouchers",)},
    ],
    roles={"voucher_job": "outlet", "tgruber": "outlet"},
    reported=["carts", "vouchers"],
    commits=[Commit(100, "Expire vouchers",
        {"cron/expire_vouchers.sql": "DELETE FROM vouchers WHERE expires < now() OR true;\n"})],
    later=[act("outlet", "outlet-web", "INSERT INTO shoppers SELECT g FROM generate_series(101, 120) g")],
    settings={"log_line_prefix": "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h "},
)  # fmt: skip

migration_data_fix = Script(
    "migration_data_fix",
    "A migration that removes duplicates has a condition that every row meets",
    "clinic",
    "clinic",
    ("CREATE TABLE visits (id int PRIMARY KEY, patient int, day date)",
        "CREATE TABLE patients (id int PRIMARY KEY, n text)",
     "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
     "INSERT INTO alembic_version VALUES ('7a1')"),
    [
        act("clinic", "clinic-api", "INSERT INTO patients SELECT g, 'p' FROM generate_series(1, 95) g",
            "INSERT INTO visits SELECT g, 1 + g % 95, '2026-01-01' FROM generate_series(1, 380) g"),
        checkpoint,
        act("clinic", "alembic", "DELETE FROM visits a USING visits b WHERE a.patient = b.patient AND a.day <= b.day",
            "UPDATE alembic_version SET version_num = '7a2'", whole=True),
        checkpoint,
    ],
    {"public.visits": lost("delete", 380), "public.patients": ok(95), "public.alembic_version": ok(1)},
    "migration",
    roots=["public.visits"],
    reported=["visits"],
    commits=[
        Commit(600, "Visits",
            {"alembic/versions/7a1_visits.py": 'revision = "7a1"\ndown_revision = None\n\n\ndef upgrade():\n    '
                'op.execute("CREATE TABLE visits (id int PRIMARY KEY, patient int, day date)")\n',
                               "alembic.ini": "[alembic]\nscript_location = alembic\n"}),
        Commit(3, "No visit twice",
            {"alembic/versions/7a2_unique.py": 'revision = "7a2"\ndown_revision = "7a1"\n\n\ndef upgrade():\n    '
                'op.execute("DELETE FROM visits a USING visits b WHERE a.patient = b.patient AND a.day <= b.day")\n'}),
    ],
    later=[act("clinic", "clinic-api",
        "INSERT INTO visits SELECT g, 1, '2026-02-01' FROM generate_series(1001, 1011) g")],
)  # fmt: skip

failed_then_partial = Script(
    "failed_then_partial",
    "After two failed attempts a person deletes too much with a wrong condition; no log reaches back",
    "library",
    "library",
    ("CREATE SCHEMA lib", "CREATE TABLE lib.loans (id int PRIMARY KEY, due date, returned bool)",
     "CREATE TABLE lib.books (id int PRIMARY KEY, title text)"),
    [
        act("library", "library-app", "INSERT INTO lib.books SELECT g, 'b' FROM generate_series(1, 210) g",
            "INSERT INTO lib.loans SELECT g, date '2026-01-01' + g, g % 4 = 0 FROM generate_series(1, 520) g"),
        act("librarian", "psql", "DELETE FROM lib.loans WHERE retrned", fails=True),
        act("librarian", "psql", "DELETE FROM lib.loans WHERE returned = 'ja'", fails=True),
        act("librarian", "psql", "DELETE FROM lib.loans WHERE NOT returned"),
    ],
    {"lib.loans": lost("delete", 390, 130), "lib.books": ok(210)},
    "manual_session",
    scope=["lib"],
    roles={"librarian": "library"},
    roots=["lib.loans"],
    reported=["lib.loans"],
    later=[act("library", "library-app",
        "INSERT INTO lib.loans SELECT g, '2026-06-01', false FROM generate_series(1001, 1030) g")],
)  # fmt: skip

tests_delete_everything = Script(
    "tests_delete_everything",
    "An end-to-end test deletes every user of the database that it was pointed at",
    "community",
    "community",
    ('CREATE TABLE "Users" (id int PRIMARY KEY, "displayName" text)',
     'CREATE TABLE "Posts" (id int PRIMARY KEY, "userId" int REFERENCES "Users" ON DELETE CASCADE)',
     'CREATE TABLE "Badges" (id int PRIMARY KEY)'),
    [
        act("community", "next-server", 'INSERT INTO "Users" SELECT g, \'u\' FROM generate_series(1, 155) g',
            'INSERT INTO "Posts" SELECT g, 1 + g % 155 FROM generate_series(1, 610) g',
            'INSERT INTO "Badges" SELECT g FROM generate_series(1, 15) g'),
        checkpoint,
        act("community", "jest-worker", 'DELETE FROM "Users"', 'INSERT INTO "Users" VALUES (9001, \'test user\')'),
    ],
    {"public.Users": lost("delete", 155, 1), "public.Posts": lost("cascade_delete", 610, via=["public.Users"]),
     "public.Badges": ok(15)},
    "test_run",
    roots=["public.Users"],
    reported=["Users"],
    commits=[Commit(200, "Tests",
        {"e2e/setup.test.js": "beforeEach(async () => {\n  await db.query('DELETE FROM \"Users\"');\n});\n"})],
    later=[act("community", "next-server", 'INSERT INTO "Users" SELECT g, \'n\' FROM generate_series(2001, 2010) g')],
    settings={"log_line_prefix": "%m [%p] %q%u@%d (%a) "},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        purge_function, trigger_deletes, cascade_from_tenant, merge_sync, delete_using_sync, by_hand_and_by_job,
        migration_data_fix, failed_then_partial, tests_delete_everything,
    )
)  # fmt: skip
