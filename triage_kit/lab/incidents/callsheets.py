"""Call sheets of film sets on Supabase and PostgREST, logging as installed: end-to-end tests, a script that resets."""

from __future__ import annotations

from typing import Any

from triage_kit.lab.incidents.script import BLIND, Act, Commit, Script, Stage, act, checkpoint, log_rotated, lost, ok

ID = "id uuid PRIMARY KEY DEFAULT gen_random_uuid()"
FILMS = (
    f"CREATE TABLE public.productions ({ID}, title text NOT NULL, org_id uuid NOT NULL, wraps_on date)",
    f"CREATE TABLE public.locations ({ID}, production_id uuid NOT NULL REFERENCES public.productions ON DELETE CASCADE,"
    " name text NOT NULL, lat double precision, lon double precision)",
    f"CREATE TABLE public.crew ({ID}, production_id uuid NOT NULL REFERENCES public.productions ON DELETE CASCADE, "
    "full_name text NOT NULL, department text, phone text)",
    f"CREATE TABLE public.scenes ({ID}, production_id uuid NOT NULL REFERENCES public.productions ON DELETE CASCADE, "
    "number text NOT NULL, location_id uuid REFERENCES public.locations ON DELETE SET NULL, UNIQUE (production_id, "
    "number))",
)
SHEETS = (
    f"CREATE TABLE public.call_sheets ({ID}, production_id uuid NOT NULL REFERENCES public.productions ON DELETE "
    "CASCADE, shoot_day date NOT NULL, general_call time NOT NULL, UNIQUE (production_id, shoot_day))",
    "CREATE TABLE public.call_times (call_sheet_id uuid NOT NULL REFERENCES public.call_sheets ON DELETE CASCADE, "
    "crew_id uuid NOT NULL REFERENCES public.crew ON DELETE CASCADE, at time NOT NULL, seen_at timestamptz, PRIMARY "
    "KEY (call_sheet_id, crew_id))",
    f"CREATE TABLE public.expenses ({ID}, production_id uuid NOT NULL REFERENCES public.productions, claimed_by text "
    "NOT NULL, cents int NOT NULL, created_at timestamptz NOT NULL DEFAULT now())",
    "CREATE INDEX call_times_crew ON public.call_times (crew_id)",
)
SEEN = (
    f"CREATE TABLE public.push_outbox ({ID}, crew_id uuid NOT NULL, body jsonb NOT NULL)",
    "ALTER TABLE public.scenes ADD COLUMN pages numeric(4, 2)",
)
CHANGES = {"20250301090000_films": FILMS, "20250401090000_sheets": SHEETS, "20250915090000_outbox": SEEN}
NOTED = "INSERT INTO supabase_migrations.schema_migrations VALUES ('{}', '{}')"
GRANTED = (
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO service_role",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO authenticated",
)
TABLES = (
    "CREATE SCHEMA supabase_migrations",
    "CREATE TABLE supabase_migrations.schema_migrations (version text PRIMARY KEY, name text)",
    *(
        statement
        for name, statements in CHANGES.items()
        for statement in (*statements, NOTED.format(*name.split("_", 1)))
    ),
    *GRANTED,
)
ROLES = {"authenticator": "", "authenticated": "authenticator", "service_role": "authenticator", "maya": "supabase"}
REST, STUDIO, EDGE = "PostgREST 13.0.4", "postgres-meta 0.91.0", "edge-push"
# As the images of Supabase do it: one login for every request, which becomes the role that its token names.
LOGINS = act(
    "postgres",
    "",
    "REVOKE authenticator FROM authenticated, service_role",
    "GRANT authenticated, service_role TO authenticator",
    "ALTER ROLE service_role BYPASSRLS",
)


def _asked(role: str, *statements: str, **how: Any) -> Act:
    return act("authenticator", REST, f"SET LOCAL ROLE {role}", *statements, whole=True, **how)


def _deleted(name: str) -> Act:
    """`.from(name).delete().not('id', 'is', null)`, as PostgREST puts it."""
    return _asked("service_role", f'WITH pgrst_source AS (DELETE FROM "public"."{name}" WHERE NOT "public"."{name}".'
                  "\"id\" IS NULL RETURNING 1) SELECT '' AS total_result_set, pg_catalog.count(_postgrest_t) AS "
                  "page_total FROM (SELECT * FROM pgrst_source) _postgrest_t")  # fmt: skip


SHOT = (
    LOGINS,
    *(_asked("authenticated", statement) for statement in (
        "INSERT INTO productions (id, title, org_id) SELECT md5('p' || g)::uuid, 'Film ' || g, md5('o' || g % 5)::uuid "
        "FROM generate_series(1, 26) g",
        "INSERT INTO locations (id, production_id, name) SELECT md5('l' || g)::uuid, md5('p' || 1 + g % 26)::uuid, "
        "'Location ' || g FROM generate_series(1, 210) g",
    )),
    *(_asked("authenticated",
        "INSERT INTO crew (id, production_id, full_name, department) SELECT md5('c' || g)::uuid, md5('p' || 1 + g % 26)"
        f"::uuid, 'Crew ' || g, 'Grip' FROM generate_series({first}, {first + 287}) g",
        "INSERT INTO scenes (production_id, number, location_id, pages) SELECT md5('p' || 1 + g % 26)::uuid, g::text, "
        f"md5('l' || 1 + g % 210)::uuid, 1.5 FROM generate_series({3 * first}, {3 * first + 863}) g",
        "INSERT INTO call_sheets (id, production_id, shoot_day, general_call) SELECT md5('s' || g)::uuid, md5('p' || 1 "
        f"+ g % 26)::uuid, date '2026-02-02' + g, '07:00' FROM generate_series({first}, {first + 224}) g",
        f"INSERT INTO call_times (call_sheet_id, crew_id, at) SELECT md5('s' || g)::uuid, md5('c' || ({first} + (g * 16"
        f" + k) % 288))::uuid, '06:30' FROM generate_series({first}, {first + 224}) g, generate_series(0, 15) k",
        "INSERT INTO expenses (production_id, claimed_by, cents) SELECT md5('p' || 1 + g % 26)::uuid, 'Crew ' || g % "
        f"900, 1250 FROM generate_series({first}, {first + 679}) g") for first in (1, 301, 601, 901)),
)  # fmt: skip
# Calls are written again and again while a day is planned, and marked as seen on four hundred telephones.
PLANNED = (
    _asked("authenticated", "INSERT INTO call_times (call_sheet_id, crew_id, at) SELECT md5('s' || g)::uuid, md5('c' "
           "|| (901 + (g * 16 + k) % 288))::uuid, '05:45' FROM generate_series(1101, 1125) g, generate_series(0, 15) k "
           "ON CONFLICT (call_sheet_id, crew_id) DO UPDATE SET at = EXCLUDED.at"),
    _asked("authenticated", "INSERT INTO push_outbox (crew_id, body) SELECT md5('c' || g)::uuid, '{\"call\": \"05:45\"}"
           "' FROM generate_series(901, 1020) g"),
    act("authenticator", EDGE, *["DELETE FROM push_outbox WHERE id IN (SELECT id FROM push_outbox LIMIT 60)"] * 2),
    _asked("authenticated", "UPDATE call_times SET seen_at = now() WHERE call_sheet_id = md5('s1104')::uuid"),
)  # fmt: skip
STANDING = {
    "supabase_migrations.schema_migrations": ok(3),
    "public.productions": ok(26),
    "public.locations": ok(210),
    "public.crew": ok(1152),
    "public.scenes": ok(3456),
    "public.call_sheets": ok(900),
    "public.call_times": ok(14400, accepts=["update"]),
    "public.expenses": ok(2720),
    "public.push_outbox": ok(0, "delete", accepts=["none"]),
}
QUEUE = {"public.push_outbox": ("none", "rollback")}
SCOPE = ("public", "supabase_migrations")
COMPOSE = (
    "name: callsheet\nservices:\n  db:\n    image: supabase/postgres:${PG_TAG}\n    volumes:\n      - db-data:/var/lib"
    '/postgresql/data\n  rest:\n    image: postgrest/postgrest:v13.0.4\n    environment: {PGRST_DB_URI: "postgres://'
    'authenticator@db/callsheet"}\n  studio:\n    image: supabase/studio\nvolumes:\n  db-data:\n'
)
FIRST = Commit(15000, "Call sheets", {
    **{f"supabase/migrations/{name}.sql": "".join(f"{each};\n" for each in statements)
       for name, statements in CHANGES.items()},
    "docker/docker-compose.yml": COMPOSE,
    "supabase/functions/push/index.ts": "import { Pool } from 'jsr:@db/postgres';\n\nconst pool = new Pool(Deno.env.get"
    "('SUPABASE_DB_URL') + '?application_name=edge-push', 2);\n\nDeno.serve(async () => {\n  using c = await pool."
    "connect();\n  const { rows } = await c.queryObject`DELETE FROM push_outbox WHERE id IN (SELECT id FROM "
    "push_outbox LIMIT 60) RETURNING *`;\n  await Promise.all(rows.map(send));\n  return new Response('ok');\n});\n",
    "src/lib/expenses.ts": "import { supabase } from './supabase';\n\nexport const removeExpense = (id: string) =>\n  "
    "supabase.from('expenses').delete().eq('id', id);\n",
    "package.json": '{"scripts": {"dev": "vite", "e2e": "playwright test", "test": "vitest run"}, "devDependencies": '
    '{"@playwright/test": "^1.55.0", "supabase": "^2.48.3"}, "dependencies": {"@supabase/supabase-js": "^2.57.4"}}\n',
}, author="Maya Okafor <maya@example.film>")  # fmt: skip
LATER = _asked("authenticated", "INSERT INTO productions (title, org_id) VALUES ('New film', md5('o1')::uuid)")

CLEANED = ("expenses", "call_sheets", "crew")
BY_TESTS = {"cause": "test_run", "tables": tuple(f"public.{name}" for name in (*CLEANED, "call_times"))}
teardown_with_the_service_key = Script(
    "teardown_with_the_service_key",
    "Playwright's teardown deletes every expense, sheet and crew member through the API; .env.local still holds the "
    "service key of production, put there in the morning to look at one bug",
    "callsheet",
    "supabase",
    TABLES,
    [
        *SHOT,
        *PLANNED,
        checkpoint,
        _asked("authenticated", "DELETE FROM expenses WHERE cents = 0 AND claimed_by = 'Crew 17'"),
        _asked("service_role", "INSERT INTO crew (production_id, full_name) VALUES (md5('p1')::uuid, 'E2E Gaffer')",
               "INSERT INTO call_sheets (production_id, shoot_day, general_call) VALUES (md5('p1')::uuid, '2031-01-01',"
               " '07:00')"),
        _asked("authenticated", "INSERT INTO call_sheets (production_id, shoot_day, general_call) VALUES (md5('p1')::"
               "uuid, '2031-01-01', '08:00')", fails=True),
        *(_deleted(name) for name in CLEANED),
        act("maya", STUDIO, "SELECT count(*) FROM public.crew", "DELETE FROM public.expense WHERE cents < 0",
            fails=True),
        _asked("authenticated", "INSERT INTO call_sheets (id, production_id, shoot_day, general_call) VALUES (md5("
               "'s2001')::uuid, md5('p3')::uuid, '2026-11-29', '06:00')"),
        _asked("authenticated", "INSERT INTO call_times (call_sheet_id, crew_id, at) VALUES (md5('s2001')::uuid, md5("
               "'c910')::uuid, '06:00')", fails=True),
        _asked("authenticated", "INSERT INTO push_outbox (crew_id, body) VALUES (md5('c910')::uuid, '{}')"),
        act("authenticator", EDGE, "DELETE FROM push_outbox WHERE id IN (SELECT id FROM push_outbox LIMIT 60)"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.expenses": lost("delete", 2720),
        "public.call_sheets": lost("delete", 900, 1),
        "public.crew": lost("delete", 1152),
        "public.call_times": lost("cascade_delete", 14400, via=["public.call_sheets"]),
    },
    "test_run",
    scope=SCOPE,
    roles=ROLES,
    app_role="authenticated",
    roots=["public.expenses", "public.call_sheets", "public.crew"],
    causes=[BY_TESTS],
    reported=["call_sheets", "crew", "expenses"],
    commits=[FIRST, Commit(2200, "End to end", {
        "playwright.config.ts": "import { config } from 'dotenv';\nimport { defineConfig } from '@playwright/test';\n\n"
        "config({ path: '.env.local' });\n\nexport default defineConfig({\n  testDir: 'e2e',\n  globalSetup: './e2e/"
        "setup.ts',\n  globalTeardown: './e2e/teardown.ts',\n});\n",
        "e2e/admin.ts": "import { createClient } from '@supabase/supabase-js';\n\nexport const admin = createClient("
        "process.env.SUPABASE_URL!, process.env.SUPABASE_SERVICE_ROLE_KEY!);\n",
        "e2e/setup.ts": "import { admin } from './admin';\n\nexport default async () => {\n  const { data } = await "
        "admin.from('productions').select('id').limit(1).single();\n  await admin.from('crew').insert({ production_id: "
        "data!.id, full_name: 'E2E Gaffer' });\n  await admin.from('call_sheets').insert({ production_id: data!.id, "
        "shoot_day: '2031-01-01', general_call: '07:00' });\n};\n",
        "e2e/teardown.ts": "import { admin } from './admin';\n\nexport default async () => {\n  for (const table of "
        "['expenses', 'call_sheets', 'crew']) {\n    await admin.from(table).delete().not('id', 'is', null);\n  }\n};"
        "\n",
        "e2e/sheet.spec.ts": "import { expect, test } from '@playwright/test';\n\ntest('two sheets of a day', async ({ "
        "page }) => {\n  await page.goto('/sheets/new?day=2031-01-01');\n  await page.getByRole('button', { name: "
        "'Save' }).click();\n  await expect(page.getByText('already has a sheet')).toBeVisible();\n});\n"}),
        Commit(30, "Show pages on the scene list", {"src/routes/scenes.tsx": "export const Scenes = ({ scenes }) => "
        "scenes.map((s) => <li key={s.id}>{s.number} ({s.pages})</li>);\n"})],
    later=[LATER],
    # The log of a server as installed holds what failed, and no name; every request is the same login's.
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(BY_TESTS["tables"], ("none", "rollback", "counters_reset",
                                                                                "delete", "update"))
                                             if view == "crash" else {"public.call_times": ("delete",)}
                                             if view == "stats_csv" else {})},
                  "causes": ({**BY_TESTS, "accepts": ("unknown", "application")},)} for view in BLIND},
    holdout=True,
)  # fmt: skip


def _reset(stage: Stage) -> None:
    """`docker compose down -v` and up again: containers go with their logs, volumes too; migrations are pushed anew."""
    stage.server.stop()
    log_rotated(stage)
    stage.server.renew()
    reset_script_of_the_docs.create(stage.server)
    LOGINS(stage)


FILLED = tuple(name for name in STANDING if name.startswith("public.") and name != "public.push_outbox")
reset_script_of_the_docs = Script(
    "reset_script_of_the_docs",
    "Containers would not come up after an update; reset.sh, taken over from the documents for self-hosting, brings "
    "them down with their volumes. It ran on the host that sets are planned on",
    "callsheet",
    "supabase",
    TABLES,
    [
        *SHOT,
        *PLANNED,
        checkpoint,
        act("maya", STUDIO, "DELETE FROM public.productions WHERE title = 'test'"),
        _reset,
        _asked("authenticated", "SELECT id, shoot_day FROM call_sheets WHERE production_id = md5('p3')::uuid"),
        _asked("authenticated", "INSERT INTO crew (production_id, full_name) VALUES (md5('p3')::uuid, 'Late Hire')",
               fails=True),
        _asked("authenticated", "INSERT INTO productions (id, title, org_id) VALUES (md5('p3')::uuid, 'Film 3', md5("
               "'o3')::uuid)", "INSERT INTO locations (production_id, name) VALUES (md5('p3')::uuid, 'Quay'), (md5('p3'"
               ")::uuid, 'Studio B'), (md5('p3')::uuid, 'Canteen')"),
        act("maya", STUDIO, "SELECT count(*) FROM public.crew", "SELECT count(*) FROM public.call_sheets"),
        checkpoint,
    ],
    {
        **{name: lost("new_cluster", None) for name in FILLED},
        "public.productions": lost("new_cluster", None, 1),
        "public.locations": lost("new_cluster", None, 3),
        # The same migrations were pushed; the outbox was empty in both.
        "supabase_migrations.schema_migrations": {**ok(3, accepts=["new_cluster"]), "statuses": ("partial",
                                                                                                "undecided")},
        "public.push_outbox": {**ok(0, accepts=["new_cluster"]), "statuses": ("undecided", "wiped")},
    },
    "storage_replaced",
    scope=SCOPE,
    roles=ROLES,
    app_role="authenticated",
    causes=[{"cause": "storage_replaced", "tables": FILLED}],
    reported=["call_sheets", "crew", "productions"],
    begins=200,
    commits=[FIRST, Commit(9000, "Self-hosting", {"docker/reset.sh": "#!/usr/bin/env bash\nset -e\n\necho \"This will "
        "remove all containers and container data, and reset .env\"\nread -p 'Are you sure? (y/N) ' -r\n[[ $REPLY =~ "
        "^[Yy]$ ]] || exit 1\n\ndocker compose -f docker-compose.yml down -v --remove-orphans\nrm -f .env\ncp .env."
        "example .env\n", "docker/.env.example": "POSTGRES_DB=callsheet\nJWT_SECRET=\n", "Makefile": "push:\n\tnpx "
        "supabase db push --db-url $$DB_URL\n"}), Commit(4, "Update studio and auth", {
            "docker/docker-compose.yml": COMPOSE.replace("supabase/studio", "supabase/studio:2026.11.24")})],
    later=[LATER],
    views={"stats_csv": {"untellable": dict.fromkeys(STANDING, ("none", "recreate", "counters_reset", "restore"))}},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (teardown_with_the_service_key, reset_script_of_the_docs))
