"""Charging points on Node and node-pg-migrate, logging as installed: a semicolon, a folder, days, a linter."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

PLACES = (
    "CREATE TABLE site (id serial PRIMARY KEY, name text NOT NULL, city text)",
    "CREATE TABLE charger (id serial PRIMARY KEY, site_id int NOT NULL REFERENCES site, serial text NOT NULL UNIQUE, "
    "booted_at timestamptz)",
    "CREATE TABLE connector (id serial PRIMARY KEY, charger_id int NOT NULL REFERENCES charger, kind text NOT NULL)",
    "CREATE TABLE tariff (id serial PRIMARY KEY, site_id int NOT NULL REFERENCES site, cents_per_kwh int NOT NULL)",
)
CHARGING = (
    "CREATE TABLE driver (id serial PRIMARY KEY, email text NOT NULL UNIQUE, rfid text)",
    "CREATE TABLE charging_session (id bigserial PRIMARY KEY, connector_id int NOT NULL REFERENCES connector, "
    "driver_id int REFERENCES driver, started_at timestamptz NOT NULL, kwh numeric(7, 3))",
    "CREATE TABLE meter_value (id bigserial PRIMARY KEY, session_id bigint NOT NULL REFERENCES charging_session ON "
    "DELETE CASCADE, sampled_at timestamptz NOT NULL, wh int NOT NULL)",
    "CREATE INDEX meter_value_session ON meter_value (session_id)",
    "CREATE TABLE invoice (id bigserial PRIMARY KEY, driver_id int NOT NULL REFERENCES driver, month date NOT NULL, "
    "cents int NOT NULL)",
    "CREATE TABLE ocpp_command (id bigserial PRIMARY KEY, charger_id int NOT NULL, payload jsonb NOT NULL)",
)
BOOK = "CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)"
NOTED = 'INSERT INTO "public"."pgmigrations" (name, run_on) VALUES (\'{}\', NOW())'
TABLES = (
    BOOK,
    *PLACES,
    *CHARGING,
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO cpo_api, cpo_cron",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO cpo_api, cpo_cron",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana",
    NOTED.format("1706000000000_places"),
    NOTED.format("1706100000000_charging"),
)
NODE = ""  # node-postgres sets no name
SOLD = act(
    "cpo_api",
    NODE,
    "INSERT INTO site (name, city) SELECT 'Site ' || g, 'City ' || g % 9 FROM generate_series(1, 24) g",
    "INSERT INTO charger (site_id, serial) SELECT 1 + g % 24, 'ABB-' || 4000 + g FROM generate_series(1, 120) g",
    "INSERT INTO connector (charger_id, kind) SELECT 1 + g % 120, CASE g % 2 WHEN 0 THEN 'CCS' ELSE 'Type2' END FROM "
    "generate_series(1, 240) g",
    "INSERT INTO tariff (site_id, cents_per_kwh) SELECT g, 45 + g FROM generate_series(1, 24) g",
    "INSERT INTO driver (email, rfid) SELECT g || '@example.com', md5(g::text) FROM generate_series(1, 900) g",
    # One every three hours of 375 days, the last three hours and five minutes ago.
    "INSERT INTO charging_session (connector_id, driver_id, started_at, kwh) SELECT 1 + g % 240, 1 + g % 900, now() - "
    "(3001 - g) * interval '3 hours' - interval '5 minutes', 22.5 FROM generate_series(1, 3000) g",
    "INSERT INTO meter_value (session_id, sampled_at, wh) SELECT s.id, s.started_at + k * interval '20 minutes', k * "
    "7500 FROM charging_session s, generate_series(0, 2) k WHERE s.id % 2 = 0 ORDER BY s.id",
    "INSERT INTO meter_value (session_id, sampled_at, wh) SELECT s.id, s.started_at + k * interval '20 minutes', k * "
    "7500 FROM charging_session s, generate_series(0, 2) k WHERE s.id % 2 = 1 ORDER BY s.id",
    "INSERT INTO invoice (driver_id, month, cents) SELECT 1 + g % 900, date '2026-01-01' + (g / 240) * 30, 990 + g FROM"
    " generate_series(1, 2400) g",
)
COMMANDED = (
    act("cpo_api", NODE, "INSERT INTO ocpp_command (charger_id, payload) SELECT g, '{\"action\": \"TriggerMessage\"}' "
        "FROM generate_series(1, 120) g"),
    *(act("cpo_api", NODE, "DELETE FROM ocpp_command WHERE id IN (SELECT id FROM ocpp_command ORDER BY id FOR UPDATE "
          "SKIP LOCKED LIMIT 50) RETURNING *") for _ in range(3)),
)  # fmt: skip
BOOTED = act(
    "cpo_api",
    NODE,
    "UPDATE charger SET booted_at = now() WHERE serial = 'ABB-4017'",
    "UPDATE charger SET booted_at = now() WHERE serial = 'ABB-4099'",
)
PLUGGED_IN = act(
    "cpo_api",
    NODE,
    "INSERT INTO charging_session (connector_id, driver_id, started_at) VALUES (14, 88, now()) RETURNING id",
    "INSERT INTO charging_session (connector_id, driver_id, started_at) VALUES (201, 512, now()) RETURNING id",
)
STANDING = {
    "public.pgmigrations": ok(2),
    "public.site": ok(24),
    "public.charger": ok(120, accepts=["update"]),
    "public.connector": ok(240),
    "public.tariff": ok(24),
    "public.driver": ok(900),
    "public.charging_session": ok(3002),
    "public.meter_value": ok(9000),
    "public.invoice": ok(2400),
    "public.ocpp_command": ok(0, "delete", accepts=["none"]),
}
ROLES = {"cpo_api": "", "cpo_cron": "", "grafana": "", "dwierzbicki": "cpo"}
QUEUE = {"public.ocpp_command": ("none", "rollback")}


def _migration(*statements: str) -> str:
    called = "".join(f"  pgm.sql(`{each}`);\n" for each in statements)
    return f"exports.up = (pgm) => {{\n{called}}};\nexports.down = false;\n"


COMPOSE = (
    "services:\n  db:\n    image: postgres:18\n    restart: unless-stopped\n    environment:\n      POSTGRES_PASSWORD_"
    "FILE: /run/secrets/pg\n    volumes:\n      - pgdata:/var/lib/postgresql\n  csms:\n    build: {}\n    command: sh "
    '-c "npx node-pg-migrate up && node src/server.js"\nvolumes:\n  pgdata:\n'
)
FIRST = Commit(21000, "Central system", {
    "migrations/1706000000000_places.js": _migration(*PLACES),
    "migrations/1706100000000_charging.js": _migration(*CHARGING),
    "docker-compose.yml": COMPOSE.format("."),
    "package.json": '{"dependencies": {"express": "^4.19.2", "node-pg-migrate": "^7.6.1", "pg": "^8.12.0", "ws": '
    '"^8.18.0"}}\n',
    "src/db.js": "const { Pool } = require('pg');\nmodule.exports = new Pool({ connectionString: process.env."
    "DATABASE_URL });\n",
    "src/commands.js": "const pool = require('./db');\n\n// every second; what was taken is sent to its charger\n"
    "module.exports.take = () =>\n  pool.query(`DELETE FROM ocpp_command WHERE id IN (SELECT id FROM ocpp_command\n"
    "    ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 50) RETURNING *`);\n",
}, author="Ada Lind <ada@example.net>")  # fmt: skip
COLUMN = "ALTER TABLE tariff ADD COLUMN blocking_cents int"
BLOCKING = Commit(30, "Blocking fee", {"migrations/1764150000000_blocking-fee.js": _migration(COLUMN)})
MIGRATED = act("cpo", NODE, COLUMN, NOTED.format("1764150000000_blocking-fee"), whole=True)
LATER = act("cpo_api", NODE, "INSERT INTO driver (email) VALUES ('new1@example.com'), ('new2@example.com')")

BY_HAND = {"cause": "manual_session", "tables": ("public.charging_session", "public.meter_value")}
semicolon_before_the_where = Script(
    "semicolon_before_the_where",
    "Sessions of one charger in the workshop were to go; the first line typed in psql ended with a semicolon",
    "chargepoint",
    "cpo",
    TABLES,
    [
        SOLD,
        BOOTED,
        *COMMANDED,
        MIGRATED,
        checkpoint,
        act("dwierzbicki", "psql", "SELECT id, serial FROM charger WHERE serial = 'ABB-4031'",
            "DELETE FROM charging_session"),
        act("dwierzbicki", "psql", "WHERE connector_id IN (SELECT id FROM connector WHERE charger_id = 31)",
            fails=True),
        act("dwierzbicki", "psql", "SELECT count(*) FROM charging_session"),
        act("cpo_api", NODE, "INSERT INTO meter_value (session_id, sampled_at, wh) VALUES (3000, now(), 9000)",
            fails=True),
        PLUGGED_IN,
        *COMMANDED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.pgmigrations": ok(3),
        "public.charging_session": lost("delete", 3000, 2),
        "public.meter_value": lost("cascade_delete", 9000, via=["public.charging_session"]),
    },
    "manual_session",
    roles=ROLES,
    app_role="cpo_api",
    roots=["public.charging_session"],
    causes=[BY_HAND],
    reported=["charging_session"],
    commits=[FIRST, BLOCKING],
    later=[LATER],
    # The log of a server as it was installed holds the failed second half, and no name at all.
    views={view: {"untellable": {**QUEUE, **(
        dict.fromkeys(BY_HAND["tables"], ("none", "rollback", "counters_reset", "delete")) if view == "crash"
        else {"public.meter_value": ("delete",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_HAND, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip


def _came_up_elsewhere(stage: Stage) -> None:
    """Compose names a volume after the folder of its file: from the new one, `up -d` makes another, empty volume."""
    stage.server.renew()
    compose_file_in_another_folder.create(stage.server)


FILLED = tuple(name for name in STANDING if name not in ("public.pgmigrations", "public.ocpp_command"))
compose_file_in_another_folder = Script(
    "compose_file_in_another_folder",
    "The compose file moves to deploy/, so the project's name changes and with it the volume's; the service migrates "
    "the empty database, and chargers that boot register anew",
    "chargepoint",
    "cpo",
    TABLES,
    [
        SOLD,
        BOOTED,
        PLUGGED_IN,
        *COMMANDED,
        checkpoint,
        act("dwierzbicki", "psql", "DELETE FROM driver WHERE email = 'test@example.com'"),
        _came_up_elsewhere,
        act("cpo_api", NODE, "INSERT INTO site (name) VALUES ('unassigned')",
            "INSERT INTO charger (site_id, serial, booted_at) SELECT 1, 'ABB-' || 4000 + g, now() FROM "
            "generate_series(1, 18) g"),
        act("cpo_api", NODE, "INSERT INTO charging_session (connector_id, driver_id, started_at) VALUES (14, 88, "
            "now()) RETURNING id", fails=True),
        act("dwierzbicki", "psql", "SELECT count(*) FROM driver", "SELECT count(*) FROM charging_session"),
        checkpoint,
    ],
    {
        **{name: lost("new_cluster", None) for name in FILLED},
        "public.site": lost("new_cluster", None, 1),
        "public.charger": lost("new_cluster", None, 18),
        # The migrations ran in both; the queue was empty in both.
        "public.pgmigrations": {**ok(2, accepts=["new_cluster"]), "statuses": ("partial", "undecided")},
        "public.ocpp_command": {**ok(0, accepts=["new_cluster"]), "statuses": ("undecided", "wiped")},
    },
    "storage_replaced",
    roles=ROLES,
    app_role="cpo_api",
    causes=[{"cause": "storage_replaced", "tables": FILLED}],
    reported=["driver", "charging_session"],
    begins=150,
    commits=[FIRST, Commit(3, "Tidy up: what is deployed goes to deploy/", {"deploy/docker-compose.yml": COMPOSE.format(
        ".."), "README.md": "    cd deploy && docker compose up -d --build\n"})],
    later=[act("cpo_api", NODE, "INSERT INTO charger (site_id, serial, booted_at) VALUES (1, 'ABB-4051', now()), (1, "
               "'ABB-4052', now())")],
    views={"stats_csv": {"untellable": dict.fromkeys(STANDING, ("none", "recreate", "counters_reset", "restore"))}},
    holdout=True,
)  # fmt: skip

PRUNED = (
    "DELETE FROM meter_value WHERE id IN (SELECT id FROM meter_value WHERE sampled_at < now() - make_interval({} => 13)"
    " LIMIT 2500)"
)
PRUNE = (
    "const pool = require('../db');\nconst keep = Number(process.env.{0} || 13);\n\nmodule.exports = async () => {{\n"
    "  let gone;\n  do {{\n    const res = await pool.query(`DELETE FROM meter_value WHERE id IN (SELECT id FROM "
    "meter_value\n      WHERE sampled_at < now() - make_interval({1} => $1) LIMIT 2500)`, [keep]);\n    gone = res."
    "rowCount;\n  }} while (gone > 0);\n}};\n"
)
BY_CRON = {"cause": "scheduled_job", "tables": ("public.meter_value",)}
thirteen_days_of_meter_values = Script(
    "thirteen_days_of_meter_values",
    "Meter values are kept for thirteen months; a commit turns the nightly job's unit into days and leaves the number",
    "chargepoint",
    "cpo",
    TABLES,
    [
        act("postgres", "psql", "CREATE EXTENSION pg_stat_statements"),
        SOLD,
        BOOTED,
        *COMMANDED,
        act("cpo_cron", NODE, PRUNED.format("months")),
        MIGRATED,
        checkpoint,
        act("dwierzbicki", "DBeaver 25.2.3 - SQLEditor <Script-4.sql>", "DELETE FROM meter_value WHERE wh < 0"),
        act("cpo_cron", NODE, *[PRUNED.format("days")] * 5),
        PLUGGED_IN,
        act("grafana", "", "SELECT count(*) FROM meter_value WHERE sampled_at > now() - interval '60 days'"),
        act("grafana", "", "DELETE FROM meter_value", fails=True),
        *COMMANDED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.pgmigrations": ok(3),
        # The 104th session from the end began 312 hours and five minutes ago; of it only the first value is too old.
        "public.meter_value": lost("delete", 8689, 311),
    },
    "scheduled_job",
    roles=ROLES,
    app_role="cpo_api",
    roots=["public.meter_value"],
    causes=[BY_CRON],
    reported=["meter_value"],
    commits=[FIRST, BLOCKING, Commit(9500, "Calibration law: thirteen months", {
        "src/jobs/pruneMeterValues.js": PRUNE.format("METER_VALUE_MONTHS", "months"),
        "crontab": "20 2 * * * PGUSER=cpo_cron node -e \"require('./src/jobs/pruneMeterValues')()\"\n"}),
        Commit(20, "Retention in days everywhere", {
            "src/jobs/pruneMeterValues.js": PRUNE.format("METER_VALUE_DAYS", "days"),
            ".env.example": "SESSION_LOG_DAYS=30\nMETER_VALUE_DAYS=\n"})],
    later=[LATER],
    settings={"shared_preload_libraries": "pg_stat_statements", "log_line_prefix": "%m [%p] %q%u@%d ",
              "log_min_duration_statement": "2s", "log_timezone": "Europe/Stockholm"},
    views={view: {"untellable": {**QUEUE, **({"public.meter_value": ("none", "counters_reset")} if view == "crash"
                                             else {})},
                  "causes": ({**BY_CRON, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

SECURED = ("public.driver", "public.charging_session", "public.invoice")
SECURE = tuple(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY" for name in SECURED)
secured_for_the_linter = Script(
    "secured_for_the_linter",
    "Nothing is lost: the provider's advisor warns of tables without row security, a migration turns it on, and there "
    "is no policy; the service sees no driver, no session, no invoice",
    "chargepoint",
    "cpo",
    TABLES,
    [
        SOLD,
        BOOTED,
        PLUGGED_IN,
        *COMMANDED,
        checkpoint,
        act("cpo", NODE, *SECURE, NOTED.format("1764160000000_enable-rls"), whole=True),
        act("cpo_api", NODE, "SELECT id FROM driver WHERE rfid = md5('88')", "SELECT count(*) FROM charging_session"),
        act("cpo_api", NODE, "INSERT INTO charging_session (connector_id, driver_id, started_at) VALUES (14, 88, "
            "now()) RETURNING id", fails=True),
        act("dwierzbicki", "psql", "DELETE FROM drivers WHERE email = 'test@example.com'", fails=True),
        act("dwierzbicki", "psql", "DELETE FROM driver WHERE id > 890 AND email LIKE '%test%'"),
        act("cpo_cron", NODE, "DELETE FROM meter_value WHERE sampled_at < now() - interval '13 months'"),
        *COMMANDED,
        checkpoint,
    ],
    {**STANDING, "public.pgmigrations": ok(3), **{
        "public.driver": lost("hidden", 0, 900, status="hidden"),
        "public.charging_session": lost("hidden", 0, 3002, status="hidden"),
        "public.invoice": lost("hidden", 0, 2400, status="hidden")}},
    "not_lost",
    roles=ROLES,
    app_role="cpo_api",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": SECURED}],
    reported=["driver", "charging_session"],
    commits=[FIRST, Commit(2, "Advisor: RLS disabled in public", {
        "migrations/1764160000000_enable-rls.js": _migration(*SECURE)}), Commit(9500, "Thirteen months", {
        "crontab": "20 2 * * * psql -U cpo_cron chargepoint -c \"DELETE FROM meter_value WHERE sampled_at < now() - "
        "interval '13 months'\"\n"})],
    later=[act("cpo_api", NODE, "UPDATE tariff SET cents_per_kwh = 59 WHERE id = 3")],
    settings={"log_line_prefix": "%m [%p] %q%u@%d/%a ", "track_commit_timestamp": True},
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(SECURED, ("none",)) if view == "stats_csv" else {})}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        semicolon_before_the_where,
        compose_file_in_another_folder,
        thirteen_days_of_meter_values,
        secured_for_the_linter,
    )
)
