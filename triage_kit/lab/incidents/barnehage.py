"""Kindergartens in Norwegian on NestJS and MikroORM, log as CSV: a fresh schema, half a register, a dump, a hand."""

from __future__ import annotations

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, Step, act, checkpoint, log_rotated, lost, ok

ENTITIES = {
    "barnehage.avdeling": "(id serial PRIMARY KEY, navn text NOT NULL, plasser int NOT NULL)",
    "barnehage.foresatt": "(id serial PRIMARY KEY, navn text NOT NULL, epost text)",
    "barnehage.barn": "(fødselsnr text PRIMARY KEY, navn text NOT NULL, avdeling_id int REFERENCES barnehage.avdeling)",
    "barnehage.barn_foresatt": "(fødselsnr text NOT NULL REFERENCES barnehage.barn ON DELETE CASCADE, foresatt_id int "
    "NOT NULL REFERENCES barnehage.foresatt, PRIMARY KEY (fødselsnr, foresatt_id))",
    "barnehage.oppmøte": "(fødselsnr text NOT NULL REFERENCES barnehage.barn ON DELETE CASCADE, dag date NOT NULL, "
    "timer numeric(3, 1), PRIMARY KEY (fødselsnr, dag))",
    "barnehage.venteliste": "(id serial PRIMARY KEY, navn text NOT NULL, meldt date NOT NULL, ønske int)",
    "økonomi.faktura": "(id serial PRIMARY KEY, foresatt_id int NOT NULL, måned date NOT NULL, øre int NOT NULL)",
    "økonomi.fakturalinje": "(id serial PRIMARY KEY, faktura_id int NOT NULL REFERENCES økonomi.faktura ON DELETE "
    "CASCADE, tekst text NOT NULL, øre int NOT NULL)",
    "økonomi.innbetaling": "(id serial PRIMARY KEY, faktura_id int NOT NULL CONSTRAINT innbetaling_faktura REFERENCES "
    "økonomi.faktura, øre int NOT NULL)",
    "økonomi.varsel": "(id bigserial PRIMARY KEY, epost text NOT NULL, innhold jsonb)",
}
MADE = tuple(f"CREATE TABLE {name} {columns}" for name, columns in ENTITIES.items())
READ_IN = "CREATE TABLE barnehage.fr_innlesing (fødselsnr text NOT NULL, navn text NOT NULL)"
BOOK = (
    "CREATE TABLE public.mikro_orm_migrations (id serial PRIMARY KEY, name varchar(255), executed_at timestamptz "
    "DEFAULT now())"
)
NOTED = "INSERT INTO public.mikro_orm_migrations (name) VALUES ('{}')"
TABLES = (
    "CREATE SCHEMA barnehage",
    "CREATE SCHEMA økonomi",
    BOOK,
    *MADE,
    READ_IN,
    NOTED.format("Migration20230810101500_grunnlag"),
    NOTED.format("Migration20240201093000_folkeregister"),
)
API = ""  # neither the service nor anything else sets a name
ENROLLED = act(
    "barnehage",
    API,
    "INSERT INTO barnehage.avdeling (navn, plasser) SELECT 'Avdeling ' || g, 40 FROM generate_series(1, 18) g",
    "INSERT INTO barnehage.foresatt (navn, epost) SELECT 'Foresatt ' || g, g || '@example.no' FROM "
    "generate_series(1, 1300) g",
    "INSERT INTO barnehage.barn SELECT '1506' || 2200000 + g, 'Barn ' || g, 1 + g % 18 FROM generate_series(1, 720) g",
    "INSERT INTO barnehage.barn_foresatt SELECT '1506' || 2200001 + g % 720, g FROM generate_series(1, 1300) g",
    "INSERT INTO barnehage.oppmøte SELECT '1506' || 2200001 + g % 720, date '2026-11-02' + g / 720, 7.5 FROM "
    "generate_series(0, 10799) g",
    "INSERT INTO barnehage.venteliste (navn, meldt, ønske) SELECT 'Søker ' || g, date '2025-10-01' + g, 1 + g % 18 FROM"
    " generate_series(1, 410) g",
    "INSERT INTO økonomi.faktura (foresatt_id, måned, øre) SELECT 1 + g % 1300, date '2026-08-01' + 31 * (g / 1300), "
    "200000 FROM generate_series(0, 5199) g",
    "INSERT INTO økonomi.fakturalinje (faktura_id, tekst, øre) SELECT 1 + g % 5200, 'Kost', 40000 FROM "
    "generate_series(1, 10400) g",
    "INSERT INTO økonomi.innbetaling (faktura_id, øre) SELECT g, 200000 FROM generate_series(1, 4700) g",
)  # fmt: skip
MAILED = (
    act("barnehage", API, "INSERT INTO økonomi.varsel (epost, innhold) SELECT g || '@example.no', '{}' FROM "
        "generate_series(1, 140) g"),
    act("barnehage", API, "DELETE FROM økonomi.varsel"),
)  # fmt: skip
UPSERTED = (
    "INSERT INTO barnehage.barn (fødselsnr, navn) SELECT fødselsnr, navn FROM barnehage.fr_innlesing ON CONFLICT "
    "(fødselsnr) DO UPDATE SET navn = excluded.navn"
)
SWEPT = (
    "DELETE FROM barnehage.barn b WHERE NOT EXISTS (SELECT 1 FROM barnehage.fr_innlesing f WHERE f.fødselsnr = "
    "b.fødselsnr)"
)
EMPTIED = "TRUNCATE barnehage.fr_innlesing"


def _register(lines: int) -> Step:
    """The nightly job: the file of the register is read in, then children are written and swept by it."""
    file = {"COPY barnehage.fr_innlesing (fødselsnr, navn) FROM stdin": [
        (f"1506{2200000 + n}", f"Barn {n}") for n in range(1, lines + 1)]}  # fmt: skip

    def step(stage: Stage) -> None:
        deeds.copied(stage, "fr_sync", "fr-sync", [EMPTIED], file)
        act("fr_sync", "fr-sync", UPSERTED, SWEPT, whole=True)(stage)

    return step


CAME = act("barnehage", API, "INSERT INTO barnehage.oppmøte SELECT '1506' || 2200000 + g, '2026-11-26', 7 FROM "
           "generate_series(1, 60) g")  # fmt: skip
STANDING = {
    "public.mikro_orm_migrations": ok(2),
    "barnehage.avdeling": ok(18),
    "barnehage.foresatt": ok(1300),
    "barnehage.barn": ok(720, accepts=["update"]),
    "barnehage.barn_foresatt": ok(1300),
    "barnehage.oppmøte": ok(10860),
    "barnehage.venteliste": ok(410),
    # Emptied and read in anew every night.
    "barnehage.fr_innlesing": ok(720, "truncate", accepts=["none", "restore"]),
    "økonomi.faktura": ok(5200),
    "økonomi.fakturalinje": ok(10400),
    "økonomi.innbetaling": ok(4700),
    "økonomi.varsel": ok(0, "delete", accepts=["none"]),
}
SCOPE = ("barnehage", "økonomi", "public")
STAGED = {"økonomi.varsel": ("none", "rollback"), "barnehage.fr_innlesing": ("none", "restore")}
ROLES = {"fr_sync": "barnehage", "oaasen": "barnehage", "leser": ""}
SETTINGS = {
    "logging_collector": True,
    "log_destination": "csvlog",
    "log_filename": "barnehage.log",
    "log_timezone": "Europe/Oslo",
}
LOGS = {"logs": ["log/*.csv"]}


def _migration(name: str, statements: tuple[str, ...]) -> str:
    return (
        f"import {{ Migration }} from '@mikro-orm/migrations';\n\nexport class {name} extends Migration {{\n  async "
        "up(): Promise<void> {\n" + "".join(f"    this.addSql(`{each};`);\n" for each in statements) + "  }\n}\n"
    )


FIRST = Commit(26000, "Grunnlag", {
    "src/migrations/Migration20230810101500_grunnlag.ts": _migration("Migration20230810101500_grunnlag", MADE),
    "src/migrations/Migration20240201093000_folkeregister.ts": _migration(
        "Migration20240201093000_folkeregister", (READ_IN,)),
    "src/varsel/varsel.service.ts": "@Injectable()\nexport class VarselService {\n  constructor(private readonly em: "
    "EntityManager) {}\n\n  @Interval(60_000)\n  async send() {\n    // sendt eller ikke: i morgen kommer en ny\n    "
    "await this.em.getConnection().execute('DELETE FROM økonomi.varsel');\n  }\n}\n",
    "src/mikro-orm.config.ts": "export default defineConfig({\n  clientUrl: process.env.DATABASE_URL,\n  entities: "
    "['dist/**/*.entity.js'],\n  migrations: { tableName: 'mikro_orm_migrations' },\n});\n",
})  # fmt: skip
SYNC = Commit(15500, "Folkeregisteret hver natt", {
    "src/fr/sync.ts": "import { createReadStream } from 'node:fs';\nimport { from as copyFrom } from 'pg-copy-streams';"
    f"\n\nexport async function sync(db: Client) {{\n  await db.query('{EMPTIED}');\n  await pipeline(createReadStream("
    "'/data/fr/uttrekk.tsv'), db.query(copyFrom('COPY barnehage.fr_innlesing (fødselsnr, navn) FROM stdin')));\n  "
    f"await db.query('BEGIN');\n  await db.query(`{UPSERTED}`);\n  // flyttet ut av kommunen\n  await db.query(`{SWEPT}"
    "`);\n  await db.query('COMMIT');\n}\n",
    "deploy/fr-sync.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata:\n  name: fr-sync\nspec:\n  schedule: \"30 4 "
    "* * *\"\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          restartPolicy: Never\n          "
    "containers:\n            - name: fr-sync\n              image: barnehage:latest\n              args: [node, "
    "dist/fr/sync.js]\n",
})  # fmt: skip
COLUMN = "ALTER TABLE barnehage.avdeling ADD COLUMN telefon text"
MIGRATED = act("barnehage", API, COLUMN, NOTED.format("Migration20261126070000_telefon"), whole=True)
PHONES = Commit(5, "Telefon til avdelingen", {"src/migrations/Migration20261126070000_telefon.ts": _migration(
    "Migration20261126070000_telefon", (COLUMN,))})  # fmt: skip
LATER = act("barnehage", API, "INSERT INTO barnehage.venteliste (navn, meldt) VALUES ('Søker 900', '2026-11-27')")

FRESH = (*(f"DROP TABLE IF EXISTS {name} CASCADE" for name in ENTITIES), *MADE)
LOST = tuple(name for name in ENTITIES if name != "økonomi.varsel")
BY_START = {"cause": "migration", "tables": LOST}
ENTRYPOINT = "#!/bin/sh\nset -e\n{}exec node dist/main.js\n"
schema_made_fresh_at_start = Script(
    "schema_made_fresh_at_start",
    "An entry point makes the schema fresh where a preview is meant; a chart's common values set its switch for all",
    "barnehage",
    "barnehage",
    TABLES,
    [
        ENROLLED,
        _register(720),
        *MAILED,
        CAME,
        checkpoint,
        act("oaasen", "psql", "DELETE FROM barnehage.barna WHERE navn = ''", fails=True),
        act("barnehage", API, *FRESH),
        act("barnehage", API, "INSERT INTO barnehage.avdeling (navn, plasser) VALUES ('Revebamsen', 9), ('Ekornet', 9)",
            "INSERT INTO barnehage.foresatt (navn) VALUES ('Kari Demo')"),
        act("barnehage", API, "INSERT INTO barnehage.oppmøte VALUES ('15062200009', '2026-11-27', 7)", fails=True),
        act("leser", "Grafana", "SELECT count(*) FROM barnehage.barn", fails=True),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        **{name: lost("recreate", None) for name in LOST},
        "barnehage.avdeling": lost("recreate", None, 2),
        "barnehage.foresatt": lost("recreate", None, 1),
        "økonomi.varsel": {**ok(0, "recreate", accepts=["none", "delete"]), "statuses": ("wiped", "undecided")},
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=list(LOST),
    causes=[BY_START],
    reported=["barnehage.barn", "økonomi.faktura"],
    commits=[FIRST, SYNC, Commit(900, "Miljø for hver gren", {"docker/entrypoint.sh": ENTRYPOINT.format(
        "if [ \"$SCHEMA_FRESH\" = 1 ]; then\n  npx mikro-orm schema:fresh --run --seed DemoSeeder\nelse\n  npx "
        "mikro-orm migration:up\nfi\n"), "deploy/preview.yaml": "env:\n  SCHEMA_FRESH: \"1\"\n",
        "deploy/common.yaml": "env:\n  NODE_ENV: production\n", "src/seeders/DemoSeeder.ts": "export class DemoSeeder "
        "extends Seeder {\n  async run(em: EntityManager) {\n    em.create(Avdeling, { navn: 'Revebamsen', plasser: 9 "
        "});\n    em.create(Avdeling, { navn: 'Ekornet', plasser: 9 });\n    em.create(Foresatt, { navn: 'Kari Demo' })"
        ";\n  }\n}\n"}),
        Commit(2, "Rydd i verdiene", {"deploy/common.yaml": "env:\n  NODE_ENV: production\n  SCHEMA_FRESH: \"1\"\n",
            "deploy/preview.yaml": "env: {}\n"})],
    later=[act("barnehage", API, "INSERT INTO barnehage.foresatt (navn) VALUES ('Ola Demo')")],
    settings={**SETTINGS, "log_statement": "ddl"},
    case=LOGS,
    # New tables in place of the old; the switch stands in the repository, not that it was this server's.
    views={
        "no_log": {"untellable": STAGED, "causes": ({**BY_START, "accepts": ("unknown",)},)},
        "stats_csv": {"untellable": {**STAGED, **dict.fromkeys(ENTITIES, ("none", "restore", "new_cluster",
                                                                          "counters_reset"))},
                      "causes": ({**BY_START, "accepts": ("unknown", "not_lost")},)},
    },
    holdout=True,
)  # fmt: skip

BY_JOB = {"cause": "scheduled_job", "tables": ("barnehage.barn", "barnehage.barn_foresatt", "barnehage.oppmøte")}
half_a_register = Script(
    "half_a_register",
    "The extract of the register broke off after 300 lines; the nightly job sweeps the children that it does not name",
    "barnehage",
    "barnehage",
    TABLES,
    [
        ENROLLED,
        _register(720),
        CAME,
        *MAILED,
        checkpoint,
        MIGRATED,
        act("oaasen", "psql", "SELECT count(*) FROM barnehage.venteliste WHERE meldt < '2026-01-01'"),
        _register(300),
        act("barnehage", API, "INSERT INTO barnehage.oppmøte VALUES ('15062200500', '2026-11-27', 7)", fails=True),
        act("oaasen", "psql", "DELETE FROM barnehage.barn WHERE født < '2019-01-01'", fails=True),
        act("leser", "Grafana", "TRUNCATE barnehage.oppmøte", fails=True),
        *MAILED,
        act("postgres", "psql", "VACUUM FULL økonomi.fakturalinje"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.mikro_orm_migrations": ok(3),
        "barnehage.barn": lost("delete", 420, 300),
        # Of 1300 pairs 701 are of the children 301 to 720; fifteen days each, and today's are of the first sixty.
        "barnehage.barn_foresatt": lost("cascade_delete", 701, 599, via=["barnehage.barn"]),
        "barnehage.oppmøte": lost("cascade_delete", 6300, 4560, via=["barnehage.barn"]),
        "barnehage.fr_innlesing": {**ok(300, "truncate", accepts=["none", "restore"]), "statuses": ("partial",
                                                                                                     "undecided")},
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["barnehage.barn"],
    causes=[BY_JOB],
    reported=["barnehage.barn"],
    commits=[FIRST, SYNC, PHONES],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    # The job's file is one suspect; no log of errors says that it ran.
    views={view: {"untellable": {**STAGED, **(dict.fromkeys(BY_JOB["tables"][1:], ("delete",)) if view == "stats_csv"
                                              else dict.fromkeys(BY_JOB["tables"], ("none", "counters_reset", "delete"))
                                              if view == "crash" else {})},
                  "causes": ({**BY_JOB, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

OCTOBER: deeds.Dump = {
    "COPY økonomi.faktura (id, foresatt_id, måned, øre) FROM stdin":
        [(1 + n, 1 + n % 1300, f"2026-{8 + n // 1300:02}-01", 200000) for n in range(2600)],
    "COPY økonomi.fakturalinje (id, faktura_id, tekst, øre) FROM stdin":
        [(1 + n, 1 + n % 2600, "Kost", 40000) for n in range(5200)],
}  # fmt: skip
DROPPED = (
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "DROP TABLE IF EXISTS økonomi.fakturalinje",
    "DROP TABLE IF EXISTS økonomi.faktura CASCADE",
    "CREATE TABLE økonomi.faktura (id integer NOT NULL, foresatt_id integer NOT NULL, måned date NOT NULL, øre integer "
    "NOT NULL)",
    "CREATE TABLE økonomi.fakturalinje (id integer NOT NULL, faktura_id integer NOT NULL, tekst text NOT NULL, øre "
    "integer NOT NULL)",
    "ALTER TABLE økonomi.faktura OWNER TO barnehage",
    "ALTER TABLE økonomi.fakturalinje OWNER TO barnehage",
    "CREATE SEQUENCE økonomi.faktura_id_seq AS integer",
    "ALTER SEQUENCE økonomi.faktura_id_seq OWNER TO barnehage",
    "ALTER SEQUENCE økonomi.faktura_id_seq OWNED BY økonomi.faktura.id",
    "ALTER TABLE ONLY økonomi.faktura ALTER COLUMN id SET DEFAULT nextval('økonomi.faktura_id_seq'::regclass)",
)
KEYED = (
    "SELECT pg_catalog.setval('økonomi.faktura_id_seq', 2600, true)",
    "ALTER TABLE ONLY økonomi.faktura ADD CONSTRAINT faktura_pkey PRIMARY KEY (id)",
    "ALTER TABLE ONLY økonomi.fakturalinje ADD CONSTRAINT fakturalinje_pkey PRIMARY KEY (id)",
    "ALTER TABLE ONLY økonomi.fakturalinje ADD CONSTRAINT fakturalinje_faktura_id_fkey FOREIGN KEY (faktura_id) "
    "REFERENCES økonomi.faktura(id) ON DELETE CASCADE",
)


def _dump_of_october(stage: Stage) -> None:
    """First as pg_dump wrote it, which payments forbid; then with CASCADE added by hand. The host was PGHOST's."""
    refused = [each.removesuffix(" CASCADE") for each in DROPPED]
    base.attempt(lambda: deeds.copied(stage, "oaasen", "psql", refused[1:3], {}))
    deeds.copied(stage, "oaasen", "psql", DROPPED, OCTOBER, KEYED)


BACK = ("økonomi.faktura", "økonomi.fakturalinje")
BY_DUMP = {"cause": "restore", "tables": BACK}
bills_of_october_again = Script(
    "bills_of_october_again",
    "October's dump of the bills was for the training server, and PGHOST was production's; its DROP needed CASCADE",
    "barnehage",
    "barnehage",
    TABLES,
    [
        ENROLLED,
        _register(720),
        CAME,
        *MAILED,
        checkpoint,
        MIGRATED,
        _dump_of_october,
        act("barnehage", API, "INSERT INTO økonomi.faktura (foresatt_id, måned, øre) VALUES (7, '2026-12-01', 200000)"),
        act("barnehage", API, "SELECT count(*) FROM økonomi.innbetaling"),
        act("leser", "Grafana", "DELETE FROM økonomi.innbetaling", fails=True),
        *MAILED,
        _register(720),
        checkpoint,
    ],
    {
        **STANDING,
        "public.mikro_orm_migrations": ok(3),
        "økonomi.faktura": lost("restore", None, 2601, accepts=["recreate"]),
        "økonomi.fakturalinje": lost("restore", None, 5200, accepts=["recreate"]),
    },
    "restore",
    scope=SCOPE,
    roles=ROLES,
    roots=list(BACK),
    causes=[{**BY_DUMP, "accepts": ("manual_session",)}],
    reported=["økonomi.faktura"],
    commits=[FIRST, SYNC, PHONES, Commit(3000, "Opplæring", {"docs/opplæring.md": "# Opplæringsserveren\n\n```\nexport "
        "PGHOST=opplaering-db\npsql -d barnehage -f /backup/okonomi-2026-10.sql\n```\n", "ops/backup.sh": "#!/bin/sh\n"
        "exec pg_dump --clean --if-exists -n økonomi -d barnehage -f /backup/okonomi-$(date +%Y-%m).sql\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "ddl"},
    case=LOGS,
    views={
        "no_log": {"untellable": {**STAGED, **dict.fromkeys(BACK, ("none",))},
                   "causes": ({**BY_DUMP, "accepts": ("manual_session", "unknown")},)},
        "stats_csv": {"untellable": {**STAGED, **dict.fromkeys(BACK, ("none", "new_cluster", "counters_reset"))},
                      "causes": ({**BY_DUMP, "accepts": ("manual_session", "unknown", "not_lost")},)},
    },
    holdout=True,
)  # fmt: skip

OLD = "DELETE FROM barnehage.venteliste WHERE meldt < '2026-08-01'"
# Timer, page and runbook send the same statement under the same login; the hand that it was left no trace of its own.
BY_SOMEBODY = {"cause": "manual_session", "accepts": ("unknown",), "tables": ("barnehage.venteliste",)}
waiting_list_tidied_by_somebody = Script(
    "waiting_list_tidied_by_somebody",
    "Applications of this year are gone from the waiting list: one login, one statement for three ways, a rotated log",
    "barnehage",
    "barnehage",
    TABLES,
    [
        ENROLLED,
        _register(720),
        *MAILED,
        CAME,
        checkpoint,
        act("barnehage", API, OLD.replace("2026-08", "2025-10")),
        act("barnehage", API, OLD),
        act("barnehage", API, "SELECT count(*) FROM barnehage.venteliste"),
        MIGRATED,
        checkpoint,
        log_rotated,
        act("barnehage", API, "INSERT INTO barnehage.venteliste (navn, meldt) VALUES ('Søker 501', '2026-11-26'), "
            "('Søker 502', '2026-11-26')"),
        act("leser", "Grafana", "DELETE FROM barnehage.venteliste", fails=True),
        act("oaasen", "psql", "DELETE FROM barnehage.ventelista WHERE id = 3", fails=True),
        _register(720),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.mikro_orm_migrations": ok(3),
        # One a day since the 2nd of October 2025: 303 until the end of July.
        "barnehage.venteliste": lost("delete", 303, 109),
    },
    "manual_session",
    scope=SCOPE,
    roles=ROLES,
    roots=["barnehage.venteliste"],
    causes=[BY_SOMEBODY],
    reported=["barnehage.venteliste"],
    commits=[FIRST, SYNC, PHONES, Commit(2200, "Gamle søknader", {
        "src/venteliste/venteliste.controller.ts": "@Controller('venteliste')\nexport class VentelisteController {\n  "
        "@Delete()\n  @Roles('styrer')\n  rydd(@Query('for') dato: string) {\n    return this.db.query('DELETE FROM "
        "barnehage.venteliste WHERE meldt < $1', [dato]);\n  }\n}\n",
        "src/venteliste/rydd.task.ts": "@Injectable()\nexport class RyddTask {\n  @Cron('0 3 1 * *')\n  async run() {\n"
        "    const dato = subYears(new Date(), 2);\n    await this.db.query('DELETE FROM barnehage.venteliste WHERE "
        "meldt < $1', [dato]);\n  }\n}\n",
        "docs/drift.md": "# Drift\n\nEr ventelisten for lang, kjør som `barnehage`:\n\n```sql\nDELETE FROM "
        "barnehage.venteliste WHERE meldt < '2024-08-01';\n```\n"})],
    later=[LATER],
    settings=SETTINGS,
    case=LOGS,
    views={view: {"untellable": {**STAGED, **({"barnehage.venteliste": ("none", "counters_reset", "rollback")}
                                              if view == "crash" else {})}} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        schema_made_fresh_at_start, half_a_register, bills_of_october_again, waiting_list_tidied_by_somebody,
    )
)  # fmt: skip
