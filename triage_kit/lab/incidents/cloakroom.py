"""Cloakrooms of theatres in Basque, on AdonisJS and Lucid: a timer whose unit is another one, racks that are free."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Act, Commit, Script, act, checkpoint, lost, ok

HOUSE = (
    'create table "antzokiak" ("id" serial primary key, "izena" varchar(120) not null)',
    'create table "saioak" ("id" serial primary key, "antzoki_id" integer not null references "antzokiak" ("id"), '
    '"hasiera" timestamptz not null, "izenburua" varchar(255) not null)',
    'create table "langileak" ("id" serial primary key, "izena" varchar(120) not null, "pin" char(4) not null)',
)
COATS = (
    'create table "gordailuak" ("id" bigserial primary key, "saio_id" integer not null references "saioak" ("id"), '
    '"txartela" integer not null, "utzia" timestamptz not null, "itzulia" timestamptz null)',
    'create table "piezak" ("id" bigserial primary key, "gordailu_id" bigint not null references "gordailuak" ("id") on'
    ' delete cascade, "mota" varchar(20) not null)',
    'create index "piezak_gordailu_id_index" on "piezak" ("gordailu_id")',
    'create table "esekitokiak" ("zenbakia" integer primary key, "gordailu_id" bigint not null)',
    'create table "galduak" ("id" serial primary key, "mota" varchar(20) not null, "aurkitua" date not null, '
    '"jabea" varchar(120) null)',
    'create table "esekitoki_egunak" ("eguna" date not null, "zenbakia" integer not null, "gordailu_id" bigint not '
    'null, primary key ("eguna", "zenbakia", "gordailu_id"))',
    'create materialized view "hileko_txostena" as select s."antzoki_id", date_trunc(\'month\', g."utzia") as "hilea", '
    'count(*) as "kopurua" from "gordailuak" g join "saioak" s on s."id" = g."saio_id" group by 1, 2',
)
BOOK = (
    'create table "adonis_schema" ("id" serial primary key, "name" varchar(255) not null, "batch" integer not null, '
    '"migration_time" timestamptz default CURRENT_TIMESTAMP)',
    'create table "adonis_schema_versions" ("version" integer primary key)',
)
NOTED = 'insert into "adonis_schema" ("batch", "name") values ({}, \'database/migrations/{}\')'
TABLES = (
    *BOOK,
    *HOUSE,
    NOTED.format(1, "1650000000000_antzokiak"),
    *COATS,
    NOTED.format(1, "1650000000100_gordailuak"),
    'insert into "adonis_schema_versions" values (2)',
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO txostenak",
)
# A season of 150 evenings with 120 coats each; one in thousand is never fetched. Tonight's 300 come by themselves.
SEASON = act(
    "jantzitegia",
    "",
    "INSERT INTO antzokiak (izena) VALUES ('Arriaga'), ('Campos'), ('Victoria Eugenia')",
    "INSERT INTO saioak (antzoki_id, hasiera, izenburua) SELECT 1 + g % 3, timestamptz '2026-01-10 19:30+01' + g * "
    "interval '2 days', 'Saioa ' || g FROM generate_series(1, 150) g",
    "INSERT INTO langileak (izena, pin) SELECT 'Langilea ' || g, lpad(g::text, 4, '0') FROM generate_series(1, 26) g",
    "INSERT INTO gordailuak (saio_id, txartela, utzia, itzulia) SELECT 1 + g / 120, g % 120, now() - interval '300 days"
    "' + g / 120 * interval '2 days', CASE WHEN g % 1000 > 0 THEN now() - interval '300 days' + g / 120 * interval '2 "
    "days' + interval '215 minutes' END FROM generate_series(0, 17999) g",
    "INSERT INTO piezak (gordailu_id, mota) SELECT g, 'berokia' FROM generate_series(1, 18000) g",
    "INSERT INTO piezak (gordailu_id, mota) SELECT g * 2, 'aterkia' FROM generate_series(1, 9000) g",
    "INSERT INTO galduak (mota, aurkitua) SELECT 'eskularrua', date '2026-01-12' + g FROM generate_series(1, 240) g",
    "REFRESH MATERIALIZED VIEW hileko_txostena",
)
TONIGHT = (
    act("jantzitegia", "", "INSERT INTO gordailuak (saio_id, txartela, utzia) SELECT 150, g, now() - interval '4 "
        "hours' FROM generate_series(1, 300) g",
        "INSERT INTO piezak (gordailu_id, mota) SELECT id, 'berokia' FROM gordailuak WHERE saio_id = 150 AND utzia > "
        "now() - interval '1 day'",
        "INSERT INTO esekitokiak SELECT txartela, id FROM gordailuak WHERE saio_id = 150 AND utzia > now() - interval "
        "'1 day'"),
    act("jantzitegia", "", "UPDATE gordailuak SET itzulia = now() - interval '40 minutes' WHERE itzulia IS NULL AND "
        "utzia > now() - interval '1 day' AND txartela > 2"),
)  # fmt: skip


# After the last coat the racks' day is written down, and the racks are free.
def _freed(day: str = "current_date") -> Act:
    return act(
        "jantzitegia",
        "psql",
        f"INSERT INTO esekitoki_egunak SELECT {day}, zenbakia, gordailu_id FROM esekitokiak",
        "TRUNCATE esekitokiak",
        whole=True,
    )


STANDING = {
    "public.adonis_schema": ok(2),
    "public.adonis_schema_versions": ok(1),
    "public.antzokiak": ok(3),
    "public.saioak": ok(150),
    "public.langileak": ok(26),
    "public.gordailuak": ok(18300, accepts=["update"]),
    "public.piezak": ok(27300),
    "public.esekitokiak": ok(0, "truncate", accepts=["none"]),
    "public.galduak": ok(240),
    "public.esekitoki_egunak": ok(300),
    "public.hileko_txostena": ok(None),
}
ROLES = {"nerea": "jantzitegia", "txostenak": ""}
SETTINGS = {
    "logging_collector": True,
    "log_destination": "csvlog",
    "log_filename": "jantzitegia.log",
    "log_timezone": "Europe/Madrid",
}
LOGS = {"logs": ["log/*.csv"]}


def _migration(*statements: str) -> str:
    return (
        "import { BaseSchema } from '@adonisjs/lucid/schema'\n\nexport default class extends BaseSchema {\n  async up()"
        " {\n" + "".join(f"    this.schema.raw(`{each}`)\n" for each in statements) + "  }\n}\n"
    )


def _command(name: str, doc: str, body: str) -> str:
    return (
        "import { BaseCommand, flags } from '@adonisjs/core/ace'\nimport db from '@adonisjs/lucid/services/db'\nimport "
        "{ DateTime } from 'luxon'\n\nexport default class extends BaseCommand {\n  static commandName = '"
        f"{name}'\n  static description = '{doc}'\n  static options = {{ startApp: true }}\n\n  @flags.number()\n  "
        f"declare atzerapena: number\n\n  async run() {{\n{body}  }}\n}}\n"
    )


FIRST = Commit(30000, "Jantzitegia", {
    "database/migrations/1650000000000_antzokiak.ts": _migration(*HOUSE),
    "database/migrations/1650000000100_gordailuak.ts": _migration(*COATS),
    "package.json": '{\n  "name": "jantzitegia",\n  "type": "module",\n  "scripts": {\n    "dev": "node ace serve '
    '--watch",\n    "db:berri": "node ace migration:fresh --seed",\n    "start": "node bin/server.js"\n  },\n  '
    '"dependencies": {"@adonisjs/core": "^6.14.0", "@adonisjs/lucid": "^21.3.0", "luxon": "^3.5.0", "pg": "^8.13.0"}\n'
    "}\n",
    "config/database.ts": "import env from '#start/env'\nimport { defineConfig } from '@adonisjs/lucid'\n\nexport "
    "default defineConfig({\n  connection: 'postgres',\n  connections: { postgres: { client: 'pg', connection: { "
    "connectionString: env.get('DATABASE_URL') } } },\n})\n",
    "systemd/apalak.service": "[Unit]\nDescription=Apalak hutsik bihar goizerako\n\n[Service]\nType=oneshot\nExecStart="
    "/usr/bin/psql -1 jantzitegia -f /opt/jantzitegia/sql/apalak.sql\n",
    "systemd/apalak.timer": "[Timer]\nOnCalendar=*-*-* 01:15 Europe/Madrid\n\n[Install]\nWantedBy=timers.target\n",
    "sql/apalak.sql": "-- eguna gorde, apalak hustu\nINSERT INTO esekitoki_egunak SELECT current_date, zenbakia, "
    "gordailu_id FROM esekitokiak;\nTRUNCATE esekitokiak;\n",
}, author="Ane Etxeberria <ane@example.eus>")  # fmt: skip
FORGET = Commit(5000, "Itzulitako gordailuak urte eta erdi gordetzen dira", {
    "commands/gordailuak_ahaztu.ts": _command("gordailuak:ahaztu", "Itzulitakoak, egun hauek baino zaharragoak",
        "    const muga = DateTime.now().minus({ days: this.atzerapena })\n    await db.from('gordailuak').where("
        "'itzulia', '<', muga.toSQL()!).delete()\n"),
    "systemd/ahaztu.service": "[Service]\nType=oneshot\nWorkingDirectory=/opt/jantzitegia\nExecStart=/usr/bin/node ace "
    "gordailuak:ahaztu --atzerapena=540\n",
    "systemd/ahaztu.timer": "[Timer]\nOnCalendar=*-*-* 02:00 Europe/Madrid\n\n[Install]\nWantedBy=timers.target\n",
}, author="Ane Etxeberria <ane@example.eus>")  # fmt: skip
LATER = act("jantzitegia", "", "INSERT INTO saioak (antzoki_id, hasiera, izenburua) VALUES (2, now() + interval '1 "
            "day', 'Bihar')")  # fmt: skip

FORGOTTEN = ("public.gordailuak", "public.piezak")
BY_TIMER = {"cause": "scheduled_job", "tables": FORGOTTEN}
COLOURED = 'alter table "piezak" add column "kolorea" varchar(20) null'
COLOURS = "1764150000000_piezen_kolorea"
evening_forgotten_in_minutes = Script(
    "evening_forgotten_in_minutes",
    "Deposits that were fetched are kept 540 days; one duration for all commands made minutes of it, the unit file "
    "kept its number: that night all that was fetched before the evening goes, garments by cascade",
    "jantzitegia",
    "jantzitegia",
    TABLES,
    [
        act("postgres", "", "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"),
        SEASON,
        *TONIGHT,
        act("jantzitegia", "", COLOURED, NOTED.format(2, COLOURS), whole=True),
        act("txostenak", "Metabase v0.55", "DELETE FROM piezak", fails=True),
        _freed(),
        checkpoint,
        act("jantzitegia", "", "delete from \"gordailuak\" where \"itzulia\" < now() - interval '540 minutes'"),
        checkpoint,
        act("nerea", "psql", "SELECT count(*) FROM piezak", "UPDATE galduak SET jabea = 'Miren' WHERE id = 238"),
        act("nerea", "psql", "TRUNCATE gordailuak", fails=True),
        act("jantzitegia", "", "INSERT INTO gordailuak (saio_id, txartela, utzia) SELECT 150, 300 + g, now() FROM "
            "generate_series(1, 9) g"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.adonis_schema": ok(3),
        # Eighteen were never fetched, and of tonight's 300 nothing is older than four hours.
        "public.gordailuak": lost("delete", 17982, 327),
        # Nine thousand umbrellas had the even numbers, and no unfetched deposit has one: 1, 1001, 2001 …
        "public.piezak": lost("cascade_delete", 26982, 318, via=["public.gordailuak"]),
        "public.galduak": ok(240, accepts=["update"]),
    },
    "scheduled_job",
    roles=ROLES,
    roots=["public.gordailuak"],
    causes=[BY_TIMER],
    reported=["piezak"],
    commits=[FIRST, FORGET, Commit(26, "Iraupen bakarra komando guztientzat", {
        "app/iraupena.ts": "import { DateTime, Duration } from 'luxon'\n\n// minututan, .env-ean bezala\nexport const "
        "duela = (zenbat: number) => DateTime.now().minus(Duration.fromObject({ minutes: zenbat }))\n",
        "commands/gordailuak_ahaztu.ts": _command("gordailuak:ahaztu", "Itzulitakoak, hau baino zaharragoak",
            "    await db.from('gordailuak').where('itzulia', '<', duela(this.atzerapena).toSQL()!).delete()\n")
        .replace("import { DateTime } from 'luxon'", "import { duela } from '#app/iraupena'")},
        author="Nerea Agirre <nerea@example.eus>"),
        Commit(5, "Piezen kolorea", {f"database/migrations/{COLOURS}.ts": _migration(COLOURED)},
               author="Ane Etxeberria <ane@example.eus>")],
    later=[LATER],
    settings={**SETTINGS, "shared_preload_libraries": "pg_stat_statements"},
    case=LOGS,
    views={view: {"untellable": {"public.esekitokiak": ("none", "rollback"), **(
        dict.fromkeys(FORGOTTEN, ("none", "counters_reset")) if view == "crash" else
        {**dict.fromkeys(FORGOTTEN, ("delete", "cascade_delete")), "public.hileko_txostena": ()}
        if view == "stats_csv" else {})},
                  "causes": ({**BY_TIMER, "accepts": ("unknown", "application")},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

REPORT = "1764140000000_txostena"
racks_free_in_the_morning = Script(
    "racks_free_in_the_morning",
    "False alarm: a new colleague finds every rack empty and a TRUNCATE in the log; their day is written down before, "
    "each night. That night deposits were clustered and the report rebuilt; an old script of development stands by",
    "jantzitegia",
    "jantzitegia",
    TABLES,
    [
        SEASON,
        act("jantzitegia", "", "INSERT INTO esekitokiak SELECT g, 17600 + g FROM generate_series(1, 260) g"),
        _freed("current_date - 2"),
        act("jantzitegia", "", "INSERT INTO esekitokiak SELECT g, 17700 + g FROM generate_series(1, 280) g"),
        _freed("current_date - 1"),
        checkpoint,
        *TONIGHT,
        _freed(),
        act("postgres", "vacuumdb", "VACUUM FULL galduak", "CLUSTER gordailuak USING gordailuak_pkey"),
        act("jantzitegia", "", "DROP MATERIALIZED VIEW hileko_txostena", COATS[-1], "GRANT SELECT ON hileko_txostena TO"
            " txostenak", NOTED.format(2, REPORT), whole=True),
        checkpoint,
        act("nerea", "psql", "SELECT count(*) FROM esekitokiak", "SELECT count(*) FROM galduak WHERE jabea IS NULL"),
        act("txostenak", "Metabase v0.55", "DROP TABLE esekitokiak", fails=True),
        act("nerea", "psql", "DELETE FROM gordailua WHERE itzulia IS NULL", fails=True),
        act("nerea", "psql", "UPDATE galduak SET jabea = 'Jon' WHERE id = 17"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.adonis_schema": ok(3),
        "public.esekitokiak": ok(0, "truncate"),
        "public.galduak": ok(240, accepts=["update"]),
        "public.esekitoki_egunak": ok(840),
        # It was dropped and made anew by the release, and holds what its query gives.
        "public.hileko_txostena": ok(None, "recreate", accepts=["none", "counters_reset"]),
    },
    "not_lost",
    roles=ROLES,
    reported=["esekitokiak"],
    commits=[FIRST, FORGET, Commit(400, "Zaborra garatzaileentzat", {"scripts/garbitu.sh": "#!/bin/sh\n# nire makinan "
        "soilik!\npsql \"$DATABASE_URL\" -c 'TRUNCATE gordailuak, piezak, esekitokiak RESTART IDENTITY'\nnode ace "
        "db:seed\n"}, author="Nerea Agirre <nerea@example.eus>"),
        Commit(12, "Hileko txostena: antzokika", {f"database/migrations/{REPORT}.ts": _migration(
            'drop materialized view "hileko_txostena"', COATS[-1])}, author="Ane Etxeberria <ane@example.eus>")],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "mod"},
    case=LOGS,
    views={view: {"untellable": {"public.esekitokiak": ("none", "rollback"),
                                 **({"public.hileko_txostena": ()} if view == "stats_csv" else {})}} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (evening_forgotten_in_minutes, racks_free_in_the_morning))
