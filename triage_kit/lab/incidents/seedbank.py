"""A bank of seeds in Catalan, on TypeScript and Drizzle: a lost volume, a rename pushed, Vitest, a WHERE left out."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok

GERMINATION = (
    "CREATE TABLE banc.{} (id serial PRIMARY KEY, accessio int NOT NULL REFERENCES banc.accessio, sembrat date NOT "
    "NULL, germinades smallint NOT NULL)"
)
BANK = (
    "CREATE TABLE banc.especie (codi text PRIMARY KEY, nom text NOT NULL)",
    "CREATE TABLE banc.accessio (id int PRIMARY KEY, especie text NOT NULL REFERENCES banc.especie, recollit date NOT "
    "NULL, grams numeric(8, 2))",
    "CREATE TABLE banc.sobre (id serial PRIMARY KEY, accessio int NOT NULL REFERENCES banc.accessio, calaix text NOT "
    "NULL, llavors int)",
    GERMINATION.format("prova_germinacio"),
    "CREATE TABLE banc.retirada (id uuid PRIMARY KEY, sobre int NOT NULL REFERENCES banc.sobre, quan timestamptz NOT "
    "NULL DEFAULT now(), llavors int NOT NULL)",
    "CREATE TABLE banc.sessio (token text PRIMARY KEY, usuari int NOT NULL, caduca timestamptz NOT NULL)",
)
TABLES = (
    "CREATE SCHEMA drizzle",
    "CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)",
    "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('5f2c', 1722499200000)",
    "CREATE SCHEMA banc",
    *BANK,
)
STORED = act(
    "banc",
    "",
    "INSERT INTO banc.especie SELECT 'ESP' || g, 'Especie ' || g FROM generate_series(1, 74) g",
    "INSERT INTO banc.accessio SELECT g, 'ESP' || 1 + g % 74, date '2008-06-01' + 10 * g, 45 FROM "
    "generate_series(1, 530) g",
    "INSERT INTO banc.sobre (accessio, calaix, llavors) SELECT 1 + g % 530, 'C' || g % 24, 200 FROM "
    "generate_series(1, 1590) g",
    "INSERT INTO banc.prova_germinacio (accessio, sembrat, germinades) SELECT 1 + g % 530, date '2015-03-01' + g, g % "
    "50 FROM generate_series(1, 1060) g",
    "INSERT INTO banc.retirada (id, sobre, llavors) SELECT md5('r' || g)::uuid, 1 + g % 1590, 25 FROM "
    "generate_series(1, 612) g",
)
# Who logs in again ends the session before.
LOGGED_IN = tuple(
    act("banc", "", "DELETE FROM banc.sessio WHERE usuari = 3",
        f"INSERT INTO banc.sessio VALUES ('t{n}', 3, now() + interval '1 day')")
    for n in range(1, 8)
)  # fmt: skip
TAKEN = act("banc", "", "INSERT INTO banc.retirada (id, sobre, llavors) VALUES (md5('z1')::uuid, 40, 10)")
STANDING = {
    "banc.especie": ok(74),
    "banc.accessio": ok(530),
    "banc.sobre": ok(1590),
    "banc.prova_germinacio": ok(1060),
    "banc.retirada": ok(613),
    # Six sessions of seven have ended, one by one.
    "banc.sessio": ok(1, "delete", accepts=["none"]),
}
ROLES = {"ci": "banc", "msoler": "banc", "estudiant": ""}
SETTINGS = {"log_line_prefix": "%t [%p]: [%l-1] user=%u,db=%d,app=%a ", "log_timezone": "Europe/Andorra"}
SCHEMA = """import {{ date, integer, pgSchema, serial, smallint, text, uuid }} from 'drizzle-orm/pg-core';
export const banc = pgSchema('banc');
export const accessio = banc.table('accessio', {{ id: integer('id').primaryKey(), especie: text('especie') }});
export const provaGerminacio = banc.table('{}', {{
  id: serial('id').primaryKey(),
  accessio: integer('accessio').notNull().references(() => accessio.id),
  sembrat: date('sembrat').notNull(),
  germinades: smallint('germinades').notNull(),
}});
export const retirada = banc.table('retirada', {{ id: uuid('id').primaryKey(), sobre: integer('sobre').notNull() }});
export const sessio = banc.table('sessio', {{ token: text('token').primaryKey(), usuari: integer('usuari') }});
"""
FIRST = Commit(16000, "Esquema", {"drizzle/0000_banc.sql": ";\n--> statement-breakpoint\n".join(BANK) + ";\n",
    "src/db/schema.ts": SCHEMA.format("prova_germinacio"), "src/server/login.ts": "import { eq } from 'drizzle-orm';\n"
    "export async function login(usuari: number) {\n  await db.delete(sessio).where(eq(sessio.usuari, usuari));\n  "
    "await db.insert(sessio).values({ token: nou(), usuari });\n}\n"})  # fmt: skip
LATER = act("banc", "", "INSERT INTO banc.retirada (id, sobre, llavors) VALUES (md5('z9')::uuid, 1, 10)")
VALUES = "image: ghcr.io/banc/web:{}\npostgresql:\n  primary:\n    persistence:\n      enabled: {}\n      size: 8Gi\n"


def _rescheduled(stage: Stage) -> None:
    """Without a claim the data lie in an emptyDir, which goes with its pod; the next one starts with initdb."""
    stage.server.renew()
    chart_without_persistence.create(stage.server)


FILLED = tuple(name for name in STANDING if name != "banc.sessio")
chart_without_persistence = Script(
    "chart_without_persistence",
    "A values.yaml of the test cluster is taken for production: persistence is off, and a drained node takes the data",
    "llavors",
    "banc",
    TABLES,
    [
        STORED,
        TAKEN,
        *LOGGED_IN,
        checkpoint,
        act("msoler", "psql", "DELETE FROM banc.retirades", fails=True),
        _rescheduled,
        act("banc", "", "SELECT count(*) FROM banc.accessio", "INSERT INTO banc.especie VALUES ('ESP1', 'Triticum')",
            "INSERT INTO banc.accessio VALUES (1, 'ESP1', '2026-11-26', 12)"),
        act("banc", "", "INSERT INTO banc.sobre (accessio, calaix) VALUES (12, 'C4')", fails=True),
        checkpoint,
    ],
    {
        **{name: lost("new_cluster", None) for name in FILLED},
        "banc.especie": lost("new_cluster", None, 1),
        "banc.accessio": lost("new_cluster", None, 1),
        # One session, of which nothing but the traffic before knew.
        "banc.sessio": lost("new_cluster", None, accepts=["none"], statuses=["intact", "undecided"]),
    },
    "storage_replaced",
    scope=["banc"],
    roles=ROLES,
    causes=[{"cause": "storage_replaced", "tables": FILLED}],
    reported=["accessio", "prova_germinacio", "retirada"],
    begins=120,
    commits=[FIRST, Commit(9000, "Helm", {"deploy/values.yaml": VALUES.format("1.8", "true")}),
        Commit(26, "Versió 1.9", {"deploy/values.yaml": VALUES.format("1.9", "false")})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": dict.fromkeys(STANDING, ("none", "recreate", "counters_reset", "restore"))}},
    holdout=True,
)  # fmt: skip

PUSHED = {"cause": "migration", "tables": ("banc.prova_germinacio",)}
rename_pushed_as_a_drop = Script(
    "rename_pushed_as_a_drop",
    "A table gets another name in the schema's file; drizzle-kit push --force drops the old and makes the new one",
    "llavors",
    "banc",
    TABLES,
    [
        STORED,
        TAKEN,
        *LOGGED_IN,
        checkpoint,
        act("ci", "", GERMINATION.format("germinacio"), "DROP TABLE banc.prova_germinacio CASCADE"),
        act("banc", "", "SELECT count(*) FROM banc.prova_germinacio", fails=True),
        # What the role of the deployment makes is its own.
        act("banc", "", "SELECT count(*) FROM banc.germinacio", fails=True),
        act("msoler", "psql", "DELETE FROM banc.retirada WHERE llavors = 0"),
        act("estudiant", "psql", "TRUNCATE banc.sobre", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "banc.prova_germinacio": lost("drop", None, None, status="missing"),
        "banc.germinacio": {**ok(0, accepts=["recreate"]), "statuses": ("undecided",)},
    },
    "migration",
    scope=["banc"],
    roles=ROLES,
    roots=["banc.prova_germinacio"],
    causes=[PUSHED],
    reported=["banc.prova_germinacio"],
    commits=[FIRST, Commit(700, "Desplegament", {".github/workflows/deploy.yml": "on: { push: { branches: [main] } }\n"
        "jobs:\n  deploy:\n    runs-on: ubuntu-latest\n    env: { DATABASE_URL: \"${{ secrets.DATABASE_URL }}\" }\n"
        "    steps:\n      - uses: actions/checkout@v4\n      - run: npx drizzle-kit push --force\n"}),
        Commit(2, "Noms més curts", {"src/db/schema.ts": SCHEMA.format("germinacio")})],
    later=[LATER],
    settings=SETTINGS,
    # The statements of a push stand in no file, and no log of errors has them.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

CLEAN = """DO $$
DECLARE t record;
BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'banc' LOOP
    EXECUTE format('TRUNCATE TABLE banc.%I RESTART IDENTITY CASCADE', t.tablename);
  END LOOP;
END $$"""
SOWN = ("INSERT INTO banc.especie VALUES ('TEST', 'Especie de prova')",
        "INSERT INTO banc.accessio VALUES (1, 'TEST', '2020-01-01', 1)")  # fmt: skip
vitest_with_the_tunnel_open = Script(
    "vitest_with_the_tunnel_open",
    "vitest while the tunnel to production held the local port: beforeEach truncates every table in a DO block",
    "llavors",
    "banc",
    TABLES,
    [
        STORED,
        TAKEN,
        *LOGGED_IN,
        checkpoint,
        act("banc", "", CLEAN, *SOWN, CLEAN, *SOWN, "INSERT INTO banc.sobre (accessio, calaix) VALUES (1, 'C1')", CLEAN,
            *SOWN),
        act("banc", "", "SELECT count(*) FROM banc.sobre"),
        act("estudiant", "psql", "DELETE FROM banc.accessio WHERE grams IS NULL", fails=True),
        act("msoler", "psql", "DELETE FROM banc.sessio WHERE usuari = 4"),
        checkpoint,
    ],
    {
        **{name: lost("truncate", told["rows"]) for name, told in STANDING.items()},
        "banc.especie": lost("truncate", 74, 1),
        "banc.accessio": lost("truncate", 530, 1),
    },
    "test_run",
    scope=["banc"],
    roles=ROLES,
    roots=list(STANDING),
    reported=["accessio", "sobre"],
    commits=[FIRST, Commit(4000, "Proves", {"vitest.config.ts": "import { defineConfig } from 'vitest/config';\nexport "
        "default defineConfig({ test: { setupFiles: ['test/setup.ts'], fileParallelism: false } });\n",
        "test/setup.ts": "import { beforeEach } from 'vitest';\nimport { sql } from 'drizzle-orm';\nimport { drizzle } "
        "from 'drizzle-orm/node-postgres';\n\nconst db = drizzle(process.env.DATABASE_URL ?? 'postgres://banc@localhost:"
        f"5433/llavors');\nbeforeEach(async () => {{\n  await db.execute(sql`{CLEAN}`);\n}});\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

withdrawals_without_where = Script(
    "withdrawals_without_where",
    "Taking back one withdrawal: a rewritten server action calls db.delete(retirada) and leaves out .where",
    "llavors",
    "banc",
    TABLES,
    [
        STORED,
        TAKEN,
        *LOGGED_IN,
        checkpoint,
        act("banc", "", "SELECT sobre FROM banc.retirada WHERE id = md5('r70')::uuid", "DELETE FROM banc.retirada"),
        act("banc", "", "INSERT INTO banc.retirada (id, sobre, llavors) VALUES (md5('z2')::uuid, 41, 5), "
            "(md5('z3')::uuid, 42, 5), (md5('z4')::uuid, 42, 15)"),
        act("ci", "", "CREATE INDEX ON banc.retirada (sobre)",
            "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES ('91ab', 1764144000000)", whole=True),
        act("msoler", "psql", "DELETE FROM banc.retirada WHERE sobre = '7b'", fails=True),
        act("msoler", "psql", "TRUNCATE banc.retirada", undone=True),
        checkpoint,
    ],
    {**STANDING, "banc.retirada": lost("delete", 613, 3)},
    "application",
    scope=["banc"],
    roles=ROLES,
    roots=["banc.retirada"],
    causes=[{"cause": "application", "tables": ("banc.retirada",)}],
    reported=["banc.retirada"],
    commits=[FIRST, Commit(6000, "Desfer una retirada", {"src/server/retirades.ts": "'use server';\nimport { eq } from "
        "'drizzle-orm';\n\nexport async function desfer(id: string) {\n  await db.delete(retirada).where(eq(retirada.id"
        ", id));\n}\n"}),
        Commit(5, "Comprova abans de desfer", {"src/server/retirades.ts": "'use server';\n\nexport async function "
            "desfer(id: string) {\n  const [vella] = await db.query.retirada.findMany({ where: { id } });\n  if "
            "(vella) await db.delete(retirada);\n}\n",
            "drizzle/0001_index.sql": "CREATE INDEX ON banc.retirada (sobre);\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        chart_without_persistence, rename_pushed_as_a_drop, vitest_with_the_tunnel_open, withdrawals_without_where,
    )
)  # fmt: skip
