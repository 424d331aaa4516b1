"""A blood service in Indonesian on Knex and Hasura: an unset variable, a rollback of all, donors put back, a filter."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

BLOOD = (
    "CREATE TABLE pendonor (id serial PRIMARY KEY, nik text UNIQUE NOT NULL, nama text NOT NULL, golongan text NOT "
    "NULL)",
    "CREATE TABLE unit_mobil (id serial PRIMARY KEY, lokasi text NOT NULL, tanggal date NOT NULL)",
    "CREATE TABLE donasi (id serial PRIMARY KEY, pendonor_id int NOT NULL REFERENCES pendonor, unit_mobil_id int "
    "REFERENCES unit_mobil, tanggal date NOT NULL, volume_ml int)",
    "CREATE TABLE kantong (id serial PRIMARY KEY, donasi_id int NOT NULL REFERENCES donasi ON DELETE CASCADE, komponen "
    "text NOT NULL, kedaluwarsa date NOT NULL, status text NOT NULL DEFAULT 'tersedia')",
    "CREATE TABLE uji_lab (id serial PRIMARY KEY, kantong_id int NOT NULL REFERENCES kantong ON DELETE CASCADE, jenis "
    "text NOT NULL, reaktif boolean)",
    "CREATE INDEX kantong_donasi_id_index ON kantong (donasi_id)",
    "CREATE INDEX uji_lab_kantong_id_index ON uji_lab (kantong_id)",
)
REQUESTS = (
    "CREATE TABLE permintaan (id serial PRIMARY KEY, rumah_sakit text NOT NULL, golongan text NOT NULL, jumlah int NOT "
    "NULL, dibuat timestamptz NOT NULL)"
)
BOOKED = "INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('{}', {}, now())"
INIT, ASKED = "20230605021133_init.js", "20240311074501_permintaan.js"
TABLES = (
    "CREATE SCHEMA hdb_catalog",
    "CREATE TABLE hdb_catalog.hdb_metadata (id int PRIMARY KEY, metadata json NOT NULL, resource_version int NOT NULL)",
    "CREATE TABLE hdb_catalog.event_log (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), trigger_name text NOT NULL, "
    "payload jsonb NOT NULL, delivered boolean NOT NULL DEFAULT false, created_at timestamp NOT NULL DEFAULT now())",
    "INSERT INTO hdb_catalog.hdb_metadata VALUES (1, '{\"version\": 3}', 41)",
    "CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch int, migration_time timestamptz)",
    "CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked int)",
    "INSERT INTO knex_migrations_lock (is_locked) VALUES (0)",
    *BLOOD,
    BOOKED.format(INIT, 1),
    REQUESTS,
    BOOKED.format(ASKED, 2),
)
HASURA = "hasura"
DONATED = act(
    "hasura",
    HASURA,
    "INSERT INTO pendonor (nik, nama, golongan) SELECT '3578' || 100000 + g, 'Pendonor ' || g, (ARRAY['A', 'B', 'AB', "
    "'O'])[1 + g % 4] FROM generate_series(1, 2600) g",
    "INSERT INTO unit_mobil (lokasi, tanggal) SELECT 'Kelurahan ' || g, date '2026-01-03' + 2 * g FROM "
    "generate_series(1, 140) g",
    "INSERT INTO donasi (pendonor_id, unit_mobil_id, tanggal, volume_ml) SELECT 1 + g % 2600, 1 + g % 140, date "
    "'2026-01-03' + g / 16, 350 FROM generate_series(1, 5200) g",
    "INSERT INTO kantong (donasi_id, komponen, kedaluwarsa) SELECT 1 + g % 5200, (ARRAY['PRC', 'FFP'])[1 + g / 5201], "
    "date '2026-02-07' + g / 32 FROM generate_series(1, 10400) g",
    "INSERT INTO uji_lab (kantong_id, jenis, reaktif) SELECT 1 + g % 10400, 'HIV', false FROM "
    "generate_series(1, 10400) g",
    "INSERT INTO permintaan (rumah_sakit, golongan, jumlah, dibuat) SELECT 'RS ' || g % 37, 'O', 2, timestamptz "
    "'2026-06-01 08:00+07' + g * interval '3 hours' FROM generate_series(1, 900) g",
)
DELIVERED = (
    act("hasura", HASURA, "INSERT INTO hdb_catalog.event_log (trigger_name, payload) SELECT 'kirim_sms', '{}' FROM "
        "generate_series(1, 160) g"),
    act("hasura", HASURA, "UPDATE hdb_catalog.event_log SET delivered = true WHERE NOT delivered"),
    act("hasura", HASURA, "DELETE FROM hdb_catalog.event_log WHERE delivered"),
)  # fmt: skip
ASKED_TODAY = act("hasura", HASURA, "INSERT INTO permintaan (rumah_sakit, golongan, jumlah, dibuat) VALUES ('RS 4', "
                  "'AB', 1, '2026-11-26 07:40+07'), ('RS 9', 'O', 3, '2026-11-26 07:55+07')")  # fmt: skip
STANDING = {
    "hdb_catalog.hdb_metadata": ok(1),
    "hdb_catalog.event_log": ok(0, "delete", accepts=["none"]),
    "public.knex_migrations": ok(2),
    "public.knex_migrations_lock": ok(1),
    "public.pendonor": ok(2600),
    "public.unit_mobil": ok(140),
    "public.donasi": ok(5200),
    "public.kantong": ok(10400),
    "public.uji_lab": ok(10400),
    "public.permintaan": ok(902),
}
SCOPE = ("public", "hdb_catalog")
QUEUE = {"hdb_catalog.event_log": ("none", "rollback")}
ROLES = {"hasura": "darah", "wulan": "darah", "bi_baca": ""}
SETTINGS = {"log_line_prefix": "%m [%p] %q%u@%d/%a ", "log_timezone": "Asia/Jakarta"}
MODULE = "exports.up = async (knex) => {{\n{}\n}}\n\nexports.down = async (knex) => {{\n{}\n}}\n"


def _migration(up: tuple[str, ...], down: tuple[str, ...]) -> str:
    return MODULE.format(*("\n".join(f"  await knex.raw(`{each}`)" for each in part) for part in (up, down)))


GONE = tuple(f'drop table "{name}"' for name in ("uji_lab", "kantong", "donasi", "unit_mobil", "pendonor"))
FIRST = Commit(21000, "Skema awal", {
    f"migrations/{INIT}": _migration(BLOOD, GONE),
    "knexfile.js": "module.exports = {\n  client: 'pg',\n  connection: process.env.DATABASE_URL,\n  migrations: { "
    "directory: './migrations' },\n}\n",
    "docker-compose.yml": "services:\n  hasura:\n    image: hasura/graphql-engine:v1.3.3\n    environment:\n      "
    "HASURA_GRAPHQL_DATABASE_URL: postgres://hasura@db/udd_jatim?application_name=hasura\n",
    "seeds/dev/01_pendonor.js": "// hanya laptop\nexports.seed = async (knex) => {\n  await knex('pendonor').del()"
    "\n  await knex('pendonor').insert(require('./pendonor.json'))\n}\n",
})  # fmt: skip
SECOND = Commit(15000, "Permintaan rumah sakit", {f"migrations/{ASKED}": _migration(
    (REQUESTS,), ('drop table "permintaan"',))})  # fmt: skip
COLUMN = 'alter table "unit_mobil" add column "kapasitas" integer'
THIRD = "20261126001500_kapasitas.js"
MIGRATED = act("darah", "", "update \"knex_migrations_lock\" set \"is_locked\" = 1 where \"is_locked\" = 0", COLUMN,
               BOOKED.format(THIRD, 3), "update \"knex_migrations_lock\" set \"is_locked\" = 0")  # fmt: skip
CAPACITY = Commit(5, "Kapasitas unit", {f"migrations/{THIRD}": _migration(
    (COLUMN,), ('alter table "unit_mobil" drop column "kapasitas"',))})  # fmt: skip
LATER = act("hasura", HASURA, "INSERT INTO permintaan (rumah_sakit, golongan, jumlah, dibuat) VALUES ('RS 2', 'B', 1, "
            "'2026-11-27 06:10+07')")  # fmt: skip
AFTER = {**STANDING, "public.knex_migrations": ok(3), "public.knex_migrations_lock": ok(1, accepts=["update"])}

MUTATION = (
    'WITH "donasi__mutation_result_alias" AS (DELETE FROM "public"."donasi" WHERE (\'true\') RETURNING *), '
    '"donasi__all_columns_alias" AS (SELECT "id" AS "id" FROM "donasi__mutation_result_alias") SELECT '
    "json_build_object('affected_rows', (SELECT COUNT(*) FROM \"donasi__all_columns_alias\"))"
)
DELETED = ("public.donasi", "public.kantong", "public.uji_lab")
BY_PAGE = {"cause": "application", "tables": DELETED}
variable_that_was_never_set = Script(
    "variable_that_was_never_set",
    "A page strikes off one donation by GraphQL; its variable is not set, and _eq: null is true of every donation",
    "udd_jatim",
    "darah",
    TABLES,
    [
        DONATED,
        *DELIVERED,
        ASKED_TODAY,
        checkpoint,
        MIGRATED,
        act("wulan", "psql", "DELETE FROM kantong WHERE status = 'rusak'", undone=True),
        act("hasura", HASURA, MUTATION),
        act("hasura", HASURA, "INSERT INTO kantong (donasi_id, komponen, kedaluwarsa) VALUES (5114, 'TC', '2026-12-1')",
            fails=True),
        act("bi_baca", "Metabase v0.56", "SELECT count(*) FROM donasi", fails=True),
        act("wulan", "psql", "DELETE FROM pendonor WHERE id = 77 AND nama = gagal", fails=True),
        act("hasura", HASURA, "INSERT INTO donasi (pendonor_id, tanggal, volume_ml) VALUES (5, '2026-11-26', 350), (8, "
            "'2026-11-26', 350), (11, '2026-11-26', 250)",
            "INSERT INTO kantong (donasi_id, komponen, kedaluwarsa) SELECT id, 'PRC', '2026-12-31' FROM donasi"),
        *DELIVERED,
        checkpoint,
    ],
    {
        **AFTER,
        "public.donasi": lost("delete", 5200, 3),
        "public.kantong": lost("cascade_delete", 10400, 3, via=["public.donasi"]),
        "public.uji_lab": lost("cascade_delete", 10400, via=["public.donasi"]),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    roots=["public.donasi"],
    causes=[BY_PAGE],
    app_role="hasura",
    reported=["donasi", "kantong"],
    commits=[FIRST, SECOND, Commit(70, "Coret donasi ganda", {"web/src/donasi/hapus.ts": "import { gql } from "
        "'@apollo/client'\n\nexport const HAPUS_DONASI = gql`\n  mutation HapusDonasi($id: Int) {\n    delete_donasi("
        "where: { id: { _eq: $id } }) {\n      affected_rows\n    }\n  }\n`\n\nexport const hapus = (donasi: Donasi) =>"
        "\n  client.mutate({ mutation: HAPUS_DONASI, variables: { id: donasi.idDonasi } })\n"}), CAPACITY],
    later=[LATER],
    settings=SETTINGS,
    # A statement that no log shows and that the page's file does not spell out in SQL; a CSV knows no keys.
    views={view: {"untellable": {**QUEUE, **(dict.fromkeys(DELETED[1:], ("delete",)) if view == "stats_csv" else {})},
                  "causes": ({**BY_PAGE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

TAKEN_BACK = (
    'drop table "permintaan"',
    'delete from "knex_migrations" where "name" = \'20240311074501_permintaan.js\'',
)
TAKEN_BACK_TOO = (*GONE, 'delete from "knex_migrations" where "name" = \'20230605021133_init.js\'')
MADE_ANEW = ("pendonor", "unit_mobil", "donasi", "kantong", "uji_lab", "permintaan")
BY_PIPELINE = {"cause": "migration", "tables": tuple(f"public.{name}" for name in MADE_ANEW)}
rolled_back_all_then_latest = Script(
    "rolled_back_all_then_latest",
    "The pipeline's variable for staging was production's: knex migrate:rollback --all, then migrate:latest",
    "udd_jatim",
    "darah",
    TABLES,
    [
        DONATED,
        *DELIVERED,
        ASKED_TODAY,
        checkpoint,
        act("darah", "", *TAKEN_BACK, whole=True),
        act("darah", "", *TAKEN_BACK_TOO, whole=True),
        act("hasura", HASURA, "SELECT nama FROM public.pendonor WHERE nik = '3578100044'", fails=True),
        act("darah", "", *BLOOD, BOOKED.format(INIT, 1), whole=True),
        act("darah", "", REQUESTS, BOOKED.format(ASKED, 1), whole=True),
        act("hasura", HASURA, "INSERT INTO donasi (pendonor_id, tanggal) VALUES (441, '2026-11-26')", fails=True),
        act("hasura", HASURA, "INSERT INTO pendonor (nik, nama, golongan) VALUES ('3578900001', 'Sari', 'O'), "
            "('3578900002', 'Bagus', 'A')"),
        act("wulan", "psql", "SELECT count(*) FROM kantong", "DELETE FROM kantongs WHERE id = 1", fails=True),
        *DELIVERED,
        checkpoint,
    ],
    {
        **STANDING,
        # The tool strikes off what it took back, and writes it down again.
        "public.knex_migrations": {**ok(2, "delete", accepts=["none"]), "statuses": ("partial", "undecided")},
        **{f"public.{name}": lost("recreate", None) for name in MADE_ANEW},
        "public.pendonor": lost("recreate", None, 2),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=[f"public.{name}" for name in MADE_ANEW],
    causes=[BY_PIPELINE],
    app_role="hasura",
    reported=["pendonor", "kantong", "permintaan"],
    commits=[FIRST, SECOND, Commit(30, "Staging selalu segar", {".gitlab-ci.yml": "staging:\n  stage: deploy\n  script:"
        "\n    - export DATABASE_URL=$STAGING_DATABASE_URL\n    - npx knex migrate:rollback --all\n    - npx knex "
        "migrate:latest\n\nproduction:\n  stage: deploy\n  when: manual\n  script:\n    - npx knex migrate:latest\n"})],
    later=[act("hasura", HASURA, "INSERT INTO unit_mobil (lokasi, tanggal) VALUES ('Balai Kota', '2026-11-27')")],
    settings={**SETTINGS, "log_statement": "ddl"},
    views={
        "no_log": {"untellable": QUEUE, "causes": ({**BY_PIPELINE, "accepts": ("unknown",)},)},
        "stats_csv": {"untellable": {**QUEUE, **{f"public.{name}": ("none", "restore", "new_cluster", "counters_reset")
                                                 for name in MADE_ANEW}},
                      "causes": ({**BY_PIPELINE, "accepts": ("unknown", "not_lost")},)},
    },
    holdout=True,
)  # fmt: skip

FRIDAY: deeds.Dump = {
    "COPY public.pendonor (id, nik, nama, golongan) FROM stdin":
        [(n, f"3578{100000 + n}", f"Pendonor {n}", ("A", "B", "AB", "O")[n % 4]) for n in range(1, 2481)],
}  # fmt: skip


def _donors_of_friday(stage: Stage) -> None:
    """Names were spoilt by an UPDATE; the donors are emptied and put back, and CASCADE takes what hangs on them."""
    deeds.copied(stage, "wulan", "psql", ["TRUNCATE pendonor CASCADE"], {})
    deeds.copied(stage, "wulan", "pg_restore", ["SELECT pg_catalog.set_config('search_path', '', false)"], FRIDAY)


HANGING = ("public.donasi", "public.kantong", "public.uji_lab")
PUT_BACK = {"cause": "restore", "tables": ("public.pendonor", *HANGING)}
donors_of_friday = Script(
    "donors_of_friday",
    "Donors are put back from Friday's dump, after a TRUNCATE that had to be CASCADE: donations and bags went with it",
    "udd_jatim",
    "darah",
    TABLES,
    [
        DONATED,
        *DELIVERED,
        ASKED_TODAY,
        checkpoint,
        MIGRATED,
        act("wulan", "psql", "UPDATE pendonor SET nama = initcap(nama)"),
        act("wulan", "psql", "TRUNCATE pendonor", fails=True),
        _donors_of_friday,
        act("hasura", HASURA, "INSERT INTO kantong (donasi_id, komponen, kedaluwarsa) VALUES (5114, 'TC', '2026-12-1')",
            fails=True),
        act("bi_baca", "Metabase v0.56", "SELECT count(*) FROM donasi", fails=True),
        *DELIVERED,
        checkpoint,
    ],
    {
        **AFTER,
        "public.pendonor": lost("restore", None, 2480, accepts=["truncate"]),
        "public.donasi": lost("truncate", 5200, via=["public.pendonor"]),
        "public.kantong": lost("truncate", 10400, via=["public.pendonor"]),
        "public.uji_lab": lost("truncate", 10400, via=["public.pendonor"]),
    },
    "restore",
    scope=SCOPE,
    roles=ROLES,
    roots=["public.pendonor"],
    causes=[{**PUT_BACK, "accepts": ("manual_session",)}],
    app_role="hasura",
    reported=["donasi", "kantong"],
    commits=[FIRST, SECOND, CAPACITY, Commit(8000, "Cadangan", {"ops/backup.sh": "#!/bin/sh\nexec pg_dump -Fc -d "
        "udd_jatim -f /backup/udd_jatim-$(date +%u).dump\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "mod"},
    # Without the log neither who emptied the donors nor what filled them again is told.
    views={view: {"untellable": {**QUEUE, "public.pendonor": ("truncate", "rollback") if view == "stats_csv"
                                 else ("truncate",)},
                  "tables": {"public.pendonor": lost("restore", None, 2480, accepts=["truncate"],
                                                     statuses=["undecided"])},
                  "causes": ({**PUT_BACK, "accepts": ("manual_session", "unknown")},)}
           for view in ("no_log", "stats_csv")},
    holdout=True,
)  # fmt: skip

no_bags_on_the_screen = Script(
    "no_bags_on_the_screen",
    "False alarm: a permission in Hasura's metadata filters every bag; events were cleared and a table rewritten",
    "udd_jatim",
    "darah",
    TABLES,
    [
        DONATED,
        *DELIVERED,
        *DELIVERED,
        ASKED_TODAY,
        checkpoint,
        MIGRATED,
        act("hasura", HASURA, "UPDATE hdb_catalog.hdb_metadata SET metadata = '{\"version\": 3, \"filter\": {\"status\""
            ": {\"_eq\": \"x-hasura-status\"}}}', resource_version = 42"),
        act("hasura", HASURA, "UPDATE kantong SET status = 'kedaluwarsa' WHERE kedaluwarsa < '2026-05-01'"),
        act("hasura", HASURA, "SELECT count(*) FROM kantong WHERE status = 'null'"),
        act("wulan", "psql", "DELETE FROM kantong WHERE kedaluwarsa < '2026-11-26'", undone=True),
        act("bi_baca", "Metabase v0.56", "DELETE FROM kantong", fails=True),
        act("postgres", "psql", "VACUUM FULL uji_lab", "REINDEX TABLE kantong"),
        *DELIVERED,
        checkpoint,
    ],
    {
        **AFTER,
        "hdb_catalog.hdb_metadata": ok(1, accepts=["update"]),
        "public.kantong": ok(10400, accepts=["update", "delete"]),
        # What a rolled-back DELETE reached is counted too.
        "public.uji_lab": ok(10400, accepts=["cascade_delete", "delete"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("application",), "tables": ()}],
    app_role="hasura",
    reported=["kantong"],
    commits=[FIRST, SECOND, CAPACITY, Commit(4, "Perawat hanya melihat stoknya", {
        "hasura/metadata/tables.yaml": "- table: {schema: public, name: kantong}\n  select_permissions:\n    - role: "
        "perawat\n      permission:\n        columns: '*'\n        filter: {status: {_eq: x-hasura-status}}\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": QUEUE} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        variable_that_was_never_set, rolled_back_all_then_latest, donors_of_friday, no_bags_on_the_screen,
    )
)  # fmt: skip
