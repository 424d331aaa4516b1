"""Tables emptied by TRUNCATE: by tests, migrations, jobs and people, and emptied tables that nobody lost."""

from __future__ import annotations

from triage_kit.lab.incidents.script import Commit, Script, act, checkpoint, lost, ok

CONFTEST = '''"""Fixtures: every test begins with an empty database."""
import os
import pytest
import psycopg

TABLES = ["invoices", "invoice_lines", "payments", "accounts"]

@pytest.fixture(autouse=True)
def clean_db():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY CASCADE")
        yield connection
'''
BILLING = (
    "CREATE TABLE accounts (id serial PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE invoices (id serial PRIMARY KEY, account_id int NOT NULL REFERENCES accounts, total int)",
    "CREATE TABLE invoice_lines (id serial PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoices, what text)",
    "CREATE TABLE payments (id serial PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoices, cents int)",
    "CREATE TABLE currencies (code text PRIMARY KEY)",
)
BILLED = act(
    "billing_app",
    "billing-web",
    "INSERT INTO accounts (name) SELECT 'Account ' || g FROM generate_series(1, 70) g",
    "INSERT INTO invoices (account_id, total) SELECT 1 + g % 70, g FROM generate_series(1, 420) g",
    "INSERT INTO invoice_lines (invoice_id, what) SELECT 1 + g % 420, 'line' FROM generate_series(1, 1260) g",
    "INSERT INTO payments (invoice_id, cents) SELECT g, g FROM generate_series(1, 300) g",
    "INSERT INTO currencies VALUES ('EUR'), ('SEK'), ('CHF')",
)

tests_on_production = Script(
    "tests_on_production",
    "A test suite was pointed at production: its fixture truncates before every test",
    "billing",
    "billing_app",
    BILLING,
    [
        BILLED,
        checkpoint,
        act(
            "billing_app",
            "pytest",
            "TRUNCATE invoices, invoice_lines, payments, accounts RESTART IDENTITY CASCADE",
            "INSERT INTO accounts (name) VALUES ('fixture')",
            "TRUNCATE invoices, invoice_lines, payments, accounts RESTART IDENTITY CASCADE",
        ),
        checkpoint,
    ],
    {
        "public.accounts": lost("truncate", 70),
        "public.invoices": lost("truncate", 420),
        "public.invoice_lines": lost("truncate", 1260),
        "public.payments": lost("truncate", 300),
        "public.currencies": ok(3),
    },
    "test_run",
    reported=["invoices"],
    commits=[
        Commit(900, "Billing tables", {"migrations/001.sql": ";\n".join(BILLING) + ";\n"}),
        Commit(50, "Clean the database between tests", {"tests/conftest.py": CONFTEST}),
    ],
    later=[
        act("billing_app", "billing-web", "INSERT INTO accounts (name) SELECT 'New ' || g FROM generate_series(1, 5) g")
    ],
    settings={"log_line_prefix": "%m [%p] %q%u@%d %a "},
)

DJANGO = """from django.db import migrations

class Migration(migrations.Migration):
    dependencies = [("crm", "0011_contacts")]
    operations = [
        migrations.RunSQL("CREATE TABLE crm.contact_tags (contact_id int REFERENCES crm.contacts, tag text)"),
        migrations.RunSQL("TRUNCATE crm.contacts CASCADE", migrations.RunSQL.noop),
    ]
"""

migration_truncate_cascade = Script(
    "migration_truncate_cascade",
    "A migration truncates one table with CASCADE and takes all that refer to it",
    "crm",
    "crm_owner",
    (
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.companies (id int PRIMARY KEY, name text)",
        "CREATE TABLE crm.contacts (id int PRIMARY KEY, company_id int REFERENCES crm.companies, mail text)",
        "CREATE TABLE crm.calls (id int PRIMARY KEY, contact_id int REFERENCES crm.contacts ON DELETE RESTRICT, at "
        "timestamptz DEFAULT now())",
        "CREATE TABLE crm.notes (id int PRIMARY KEY, contact_id int REFERENCES crm.contacts, call_id int REFERENCES "
        "crm.calls)",
        "CREATE TABLE django_migrations (id serial PRIMARY KEY, app text, name text, applied timestamptz)",
        "INSERT INTO django_migrations (app, name) VALUES ('crm', '0011_contacts')",
    ),
    [
        act(
            "crm_owner",
            "gunicorn",
            "INSERT INTO crm.companies SELECT g, 'C' || g FROM generate_series(1, 33) g",
            "INSERT INTO crm.contacts SELECT g, 1 + g % 33, g || '@example.org' FROM generate_series(1, 512) g",
            "INSERT INTO crm.calls SELECT g, 1 + g % 512 FROM generate_series(1, 777) g",
            "INSERT INTO crm.notes SELECT g, 1 + g % 512, 1 + g % 777 FROM generate_series(1, 90) g",
        ),
        checkpoint,
        act(
            "crm_owner",
            "manage.py migrate",
            "CREATE TABLE crm.contact_tags (contact_id int REFERENCES crm.contacts, tag text)",
            "TRUNCATE crm.contacts CASCADE",
            "INSERT INTO django_migrations (app, name) VALUES ('crm', '0012_tags')",
            whole=True,
        ),
        checkpoint,
    ],
    {
        "crm.companies": ok(33),
        "crm.contacts": lost("truncate", 512),
        "crm.calls": lost("truncate", 777, via=["crm.contacts"]),
        "crm.notes": lost("truncate", 90, via=["crm.contacts"]),
        "crm.contact_tags": ok(0, accepts=["truncate"]),
    },
    "migration",
    scope=["crm"],
    roots=["crm.contacts"],
    reported=["crm.contacts", "crm.calls"],
    commits=[
        Commit(
            400,
            "Contacts",
            {
                "crm/migrations/0011_contacts.py": "from django.db import migrations\n\nclass "
                "Migration(migrations.Migration):\n    operations = []\n"
            },
        ),
        Commit(2, "Tags for contacts", {"crm/migrations/0012_tags.py": DJANGO}),
    ],
    later=[
        act("crm_owner", "gunicorn", "INSERT INTO crm.contacts SELECT g, 1, 'n' FROM generate_series(2001, 2030) g")
    ],
)

seed_script_one_session = Script(
    "seed_script_one_session",
    "A seed script loads, truncates and loads again in one session; the counters come out wrong",
    "kiosk",
    "kiosk",
    (
        "CREATE TABLE items (id serial PRIMARY KEY, label text)",
        "CREATE TABLE sales (id serial PRIMARY KEY, item_id int REFERENCES items, sold_at timestamptz DEFAULT now())",
    ),
    [
        act(
            "annalena",
            "psql",
            "INSERT INTO items (label) SELECT 'i' || g FROM generate_series(1, 81) g",
            "INSERT INTO sales (item_id) SELECT 1 + g % 81 FROM generate_series(1, 640) g",
            "TRUNCATE items, sales",
            "INSERT INTO items (label) VALUES ('demo one'), ('demo two')",
        ),
        checkpoint,
    ],
    {"public.items": lost("truncate", 81, 2), "public.sales": lost("truncate", 640)},
    "manual_session",
    roles={"annalena": "kiosk"},
    roots=["public.items", "public.sales"],
    reported=["sales"],
    later=[act("kiosk", "kiosk-pos", "INSERT INTO items (label) SELECT 'x' FROM generate_series(1, 9)")],
    settings={"log_line_prefix": "%t:%r:%u@%d:[%p]: "},
)

truncate_beside_vacuum_full = Script(
    "truncate_beside_vacuum_full",
    "A person truncates one table while maintenance rewrites others: only one transaction lost rows",
    "logistik",
    "logistik_owner",
    (
        'CREATE SCHEMA "Lager"',
        'CREATE TABLE "Lager"."Aufträge" (id int PRIMARY KEY, "Kunde" text)',
        'CREATE TABLE "Lager"."Bestände" (id int PRIMARY KEY, menge int)',
        'CREATE TABLE "Lager"."Lieferanten" (id int PRIMARY KEY, name text)',
        'CREATE TABLE "Lager"."Fahrzeuge" (id int PRIMARY KEY, kennzeichen text)',
    ),
    [
        act(
            "logistik_owner",
            "Disposition",
            'INSERT INTO "Lager"."Aufträge" SELECT g, \'K\' FROM generate_series(1, 230) g',
            'INSERT INTO "Lager"."Bestände" SELECT g, g FROM generate_series(1, 900) g',
            'INSERT INTO "Lager"."Lieferanten" SELECT g, \'L\' FROM generate_series(1, 41) g',
            'INSERT INTO "Lager"."Fahrzeuge" SELECT g, \'B-\' || g FROM generate_series(1, 17) g',
        ),
        checkpoint,
        act("logistik_owner", "maintenance", 'VACUUM FULL "Lager"."Aufträge"', 'VACUUM FULL "Lager"."Lieferanten"'),
        act("jkrause", "DBeaver 24.1 - SQLEditor", 'TRUNCATE TABLE "Lager"."Bestände"'),
        act("logistik_owner", "maintenance", 'ALTER TABLE "Lager"."Fahrzeuge" ALTER kennzeichen TYPE varchar(20)'),
        checkpoint,
    ],
    {
        "Lager.Aufträge": ok(230),
        "Lager.Bestände": lost("truncate", 900),
        "Lager.Lieferanten": ok(41),
        "Lager.Fahrzeuge": ok(17),
    },
    "manual_session",
    scope=["Lager"],
    roles={"jkrause": "logistik_owner"},
    roots=["Lager.Bestände"],
    reported=["Lager.Bestände"],
    later=[
        act(
            "logistik_owner",
            "Disposition",
            'INSERT INTO "Lager"."Aufträge" SELECT g, \'K\' FROM generate_series(1001, 1020) g',
        )
    ],
    settings={"log_line_prefix": "%m [%p] user=%u,db=%d,app=%a,client=%h "},
)

cleanup_job_several_schemas = Script(
    "cleanup_job_several_schemas",
    "A nightly clean-up job truncates the working tables of two schemas instead of one",
    "reporting",
    "etl",
    (
        "CREATE SCHEMA work",
        "CREATE SCHEMA live",
        "CREATE TABLE work.sessions (id bigserial PRIMARY KEY, v text)",
        "CREATE TABLE live.sessions (id bigserial PRIMARY KEY, v text)",
        "CREATE TABLE live.visits (id bigserial PRIMARY KEY, session_id bigint, v text)",
        "CREATE TABLE live.goals (id int PRIMARY KEY, title text)",
    ),
    [
        act(
            "etl",
            "collector",
            "INSERT INTO work.sessions (v) SELECT 'w' FROM generate_series(1, 60)",
            "INSERT INTO live.sessions (v) SELECT 'l' FROM generate_series(1, 310)",
            "INSERT INTO live.visits (session_id, v) SELECT g, 'l' FROM generate_series(1, 1400) g",
            "INSERT INTO live.goals SELECT g, 'goal' FROM generate_series(1, 12) g",
        ),
        checkpoint,
        act(
            "nightly", "cron nightly_cleanup.sh", "TRUNCATE work.sessions, live.sessions, live.visits RESTART IDENTITY"
        ),
        checkpoint,
    ],
    {
        "work.sessions": lost("truncate", 60),
        "live.sessions": lost("truncate", 310),
        "live.visits": lost("truncate", 1400),
        "live.goals": ok(12),
    },
    "scheduled_job",
    scope=["work", "live"],
    roles={"nightly": "etl"},
    roots=["work.sessions", "live.sessions", "live.visits"],
    reported=["live.visits"],
    commits=[
        Commit(1200, "Collector", {"README": "collector\n"}),
        Commit(
            20,
            "Clean up at night",
            {
                "jobs/nightly_cleanup.sh": '#!/bin/sh\npsql -c "TRUNCATE work.sessions, live.sessions, live.visits '
                'RESTART IDENTITY"\n',
                "jobs/crontab": "5 3 * * * /srv/jobs/nightly_cleanup.sh\n",
            },
        ),
    ],
    later=[
        act("etl", "collector", "INSERT INTO live.visits (session_id, v) SELECT g, 'n' FROM generate_series(1, 25) g")
    ],
)

full_refresh_from_empty_feed = Script(
    "full_refresh_from_empty_feed",
    "A scheduled full refresh truncates prices and reloads them from a feed that is nearly empty",
    "catalogue",
    "catalogue",
    ("CREATE TABLE prices (sku text PRIMARY KEY, cents int)",
        "CREATE TABLE products (sku text PRIMARY KEY, name text)"),
    [
        act(
            "catalogue",
            "catalogue-api",
            "INSERT INTO products SELECT 'S' || g, 'p' FROM generate_series(1, 800) g",
            "INSERT INTO prices SELECT 'S' || g, g FROM generate_series(1, 800) g",
        ),
        checkpoint,
        act("catalogue", "airflow: refresh_prices", "TRUNCATE prices",
            "INSERT INTO prices SELECT 'S' || g, g FROM generate_series(1, 14) g", whole=True),
        checkpoint,
    ],
    {"public.prices": lost("truncate", 786, 14), "public.products": ok(800)},
    "scheduled_job",
    roots=["public.prices"],
    reported=["prices"],
    later=[act("catalogue", "catalogue-api", "UPDATE products SET name = 'q' WHERE sku < 'S3'")],
    settings={"log_statement": "ddl"},
)  # fmt: skip

savepoint_flush = Script(
    "savepoint_flush",
    "A management command empties tables in nested blocks: each has a sub-transaction of its own",
    "forum",
    "forum",
    (
        "CREATE TABLE threads (id int PRIMARY KEY, t text)",
        "CREATE TABLE posts (id int PRIMARY KEY, thread_id int REFERENCES threads, t text)",
        "CREATE TABLE likes (post_id int REFERENCES posts, who int)",
        "CREATE TABLE members (id int PRIMARY KEY, nick text)",
        "CREATE TABLE audit (id serial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), what text)",
    ),
    [
        act("forum", "forum-web", "INSERT INTO threads SELECT g, 't' FROM generate_series(1, 44) g",
            "INSERT INTO posts SELECT g, 1 + g % 44, 'p' FROM generate_series(1, 950) g",
            "INSERT INTO likes SELECT 1 + g % 950, g FROM generate_series(1, 333) g",
            "INSERT INTO members SELECT g, 'm' FROM generate_series(1, 120) g",
            *["INSERT INTO audit (what) VALUES ('a')"] * 4),
        checkpoint,
        act("ops_ines", "psql", "SAVEPOINT a", "TRUNCATE likes", "RELEASE a", "SAVEPOINT b", "TRUNCATE posts, likes",
            "RELEASE b", "TRUNCATE threads CASCADE", whole=True),
        act("forum", "forum-web", *["INSERT INTO audit (what) VALUES ('b')"] * 4),
        checkpoint,
    ],
    {
        "public.threads": lost("truncate", 44),
        "public.posts": lost("truncate", 950),
        "public.likes": lost("truncate", 333),
        "public.members": ok(120),
        "public.audit": ok(8),
    },
    "manual_session",
    roles={"ops_ines": "forum"},
    roots=["public.threads"],
    reported=["posts", "threads"],
    later=[act("forum", "forum-web", "INSERT INTO threads SELECT g, 't' FROM generate_series(51, 60) g")],
    settings={"log_line_prefix": "%t [%p-%l] %u@%d "},
)  # fmt: skip

reset_button = Script(
    "reset_button",
    "An administrator's page of the application has a reset button that truncates, and somebody pressed it",
    "rental",
    "rental_web",
    ("CREATE TABLE cars (id int PRIMARY KEY, plate text)", "CREATE TABLE bookings (id int PRIMARY KEY, car int)",
     "CREATE TABLE damages (id int PRIMARY KEY, booking int)", "CREATE TABLE branches (id int PRIMARY KEY)"),
    [
        act("rental_web", "rental-web", "INSERT INTO cars SELECT g, 'K' FROM generate_series(1, 66) g",
            "INSERT INTO bookings SELECT g, 1 + g % 66 FROM generate_series(1, 512) g",
            "INSERT INTO damages SELECT g, g FROM generate_series(1, 44) g",
            "INSERT INTO branches SELECT g FROM generate_series(1, 9) g"),
        checkpoint,
        act("rental_web", "rental-web", "TRUNCATE bookings, damages"),
        checkpoint,
    ],
    {"public.bookings": lost("truncate", 512), "public.damages": lost("truncate", 44), "public.cars": ok(66),
     "public.branches": ok(9)},
    "application",
    roots=["public.bookings", "public.damages"],
    reported=["bookings"],
    commits=[Commit(90, "Reset demo data", {"web/admin.py": "def reset(connection):\n"
                                            '    connection.execute("TRUNCATE bookings, damages")\n'})],
    later=[act("rental_web", "rental-web", "INSERT INTO bookings SELECT g, 1 FROM generate_series(601, 620) g")],
    settings={"log_line_prefix": "%m [%p] %q%a %u@%d "},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        tests_on_production, migration_truncate_cascade, seed_script_one_session, truncate_beside_vacuum_full,
        cleanup_job_several_schemas, full_refresh_from_empty_feed,
        savepoint_flush, reset_button,
    )
)  # fmt: skip
