"""Waste collection in Romanian on golang-migrate and cron: unset months, a register, a dedupe and a hand, a mount."""

from __future__ import annotations

from triage_kit.lab.incidents.script import (
    BLIND,
    Commit,
    Script,
    Stage,
    act,
    checkpoint,
    log_rotated,
    lost,
    ok,
)

MONTHS = (9, 10, 11)
STREETS = (
    "CREATE SCHEMA salubritate",
    "CREATE TABLE salubritate.strada (id serial PRIMARY KEY, nume text NOT NULL)",
    "CREATE TABLE salubritate.adresa (cod text PRIMARY KEY, strada_id int NOT NULL REFERENCES salubritate.strada, "
    "numar text, din_registru boolean NOT NULL)",
    "CREATE TABLE salubritate.pubela (id serial PRIMARY KEY, adresa_cod text NOT NULL, eticheta text, fractie text)",
    "CREATE TABLE salubritate.ridicare (pubela_id int NOT NULL, ridicat_la timestamptz NOT NULL, kg numeric(6, 1)) "
    "PARTITION BY RANGE (ridicat_la)",
    *[f"CREATE TABLE salubritate.ridicare_2026_{month:02} PARTITION OF salubritate.ridicare FOR VALUES FROM "
      f"('2026-{month:02}-01 00:00+00') TO ('2026-{month + 1:02}-01 00:00+00')" for month in MONTHS],
)  # fmt: skip
BILLS = (
    "CREATE TABLE salubritate.contract (id serial PRIMARY KEY, client text NOT NULL, tarif_bani int NOT NULL)",
    "CREATE TABLE salubritate.factura (id serial PRIMARY KEY, contract_id int NOT NULL REFERENCES salubritate.contract"
    ", luna date NOT NULL, bani int NOT NULL)",
    "CREATE TABLE salubritate.plata (id serial PRIMARY KEY, factura_id int NOT NULL REFERENCES salubritate.factura ON "
    "DELETE CASCADE, bani int NOT NULL)",
    "CREATE INDEX plata_factura_id ON salubritate.plata (factura_id)",
    "CREATE TABLE salubritate.reclamatie (id serial PRIMARY KEY, adresa_cod text NOT NULL, deschisa date NOT NULL, "
    "inchisa date, text text)",
    "CREATE TABLE salubritate.sms (id bigserial PRIMARY KEY, numar text NOT NULL, trimis boolean NOT NULL DEFAULT "
    "false)",
)
NAMED = "INSERT INTO salubritate.strada (nume) SELECT 'Strada ' || g FROM generate_series(1, 120) g"
BOOK = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
TABLES = (BOOK, *STREETS, *BILLS, NAMED, "INSERT INTO schema_migrations VALUES (3, false)")
PHP = "php-fpm"
COLLECTED = act(
    "salub",
    PHP,
    "INSERT INTO salubritate.adresa SELECT 'A' || g, 1 + g % 120, g % 90, g > 20 FROM generate_series(1, 1500) g",
    "INSERT INTO salubritate.pubela (adresa_cod, eticheta, fractie) SELECT 'A' || 1 + g % 1500, CASE WHEN g % 3 > 0 "
    "THEN 'E' || g END, (ARRAY['rezidual', 'hartie'])[1 + g % 2] FROM generate_series(1, 3000) g",
    "INSERT INTO salubritate.ridicare SELECT 1 + g % 3000, timestamptz '2026-09-01 06:00+00' + g % 86 * interval '1 "
    "day', 12 FROM generate_series(1, 8600) g",
    "INSERT INTO salubritate.contract (client, tarif_bani) SELECT 'Client ' || g, 3150 FROM generate_series(1, 1400) g",
    "INSERT INTO salubritate.factura (contract_id, luna, bani) SELECT 1 + g % 1400, date '2026-05-01' + 31 * (g / "
    "1400), 3150 FROM generate_series(1, 8400) g",
    "INSERT INTO salubritate.plata (factura_id, bani) SELECT 1 + g % 8400, 3150 FROM generate_series(1, 7000) g",
    "INSERT INTO salubritate.reclamatie (adresa_cod, deschisa, inchisa) SELECT 'A' || g, date '2026-02-01' + g / 3, "
    "CASE WHEN g <= 590 THEN date '2026-02-08' + g / 3 END FROM generate_series(1, 640) g",
)  # fmt: skip
SENT = (
    act("salub", PHP, "INSERT INTO salubritate.sms (numar) SELECT '07' || 20000000 + g FROM generate_series(1, 90) g"),
    act("salub", "php trimite_sms.php", "UPDATE salubritate.sms SET trimis = true WHERE NOT trimis"),
    act("salub", "php trimite_sms.php", "DELETE FROM salubritate.sms WHERE trimis"),
)
TODAY = act("cititor", "cititor-rfid", "INSERT INTO salubritate.ridicare SELECT g, '2026-11-26 06:30+00', 11 FROM "
            "generate_series(1, 40) g")  # fmt: skip
STANDING = {
    "public.schema_migrations": ok(1),
    "salubritate.strada": ok(120),
    "salubritate.adresa": ok(1500),
    "salubritate.pubela": ok(3000),
    # A hundred a day, in thirty, thirty-one and twenty-five days, and forty today.
    "salubritate.ridicare": ok(8640),
    "salubritate.ridicare_2026_09": ok(3000),
    "salubritate.ridicare_2026_10": ok(3100),
    "salubritate.ridicare_2026_11": ok(2540),
    "salubritate.contract": ok(1400),
    "salubritate.factura": ok(8400),
    "salubritate.plata": ok(7000),
    "salubritate.reclamatie": ok(640),
    "salubritate.sms": ok(0, "delete", accepts=["none"]),
}
SCOPE = ("salubritate", "public")
QUEUE = {"salubritate.sms": ("none", "rollback")}
ROLES = {"cititor": "salub", "salub_cron": "salub", "idumitru": "salub", "primarie": ""}
SETTINGS = {"log_line_prefix": "%t [%p] %u@%d %a: ", "log_timezone": "Europe/Bucharest"}


def _migrated(version: int, statements: str) -> tuple:
    """What golang-migrate does: the version is written as dirty, the file sent at once, the version written again."""
    told = [
        (
            'TRUNCATE "public"."schema_migrations"',
            f'INSERT INTO "public"."schema_migrations" VALUES ({version}, {dirty})',
        )
        for dirty in (True, False)
    ]
    return (act("salub", "", *told[0], whole=True), act("salub", "", statements), act("salub", "", *told[1],
            whole=True))  # fmt: skip


COUNTED = {"public.schema_migrations": ok(1, "truncate", accepts=["none"])}
FIRST = Commit(19000, "Schema", {
    "migrations/000001_strazi.up.sql": ";\n".join(STREETS) + ";\n",
    "migrations/000001_strazi.down.sql": "DROP SCHEMA salubritate CASCADE;\n",
    "migrations/000002_facturi.up.sql": ";\n".join(BILLS) + ";\n",
    "migrations/000002_facturi.down.sql": "DROP TABLE salubritate.sms, salubritate.reclamatie, salubritate.plata, "
    "salubritate.factura, salubritate.contract;\n",
    "migrations/000003_nume.up.sql": NAMED + ";\n",
    "migrations/000003_nume.down.sql": "DELETE FROM salubritate.strada;\n",
    "bin/trimite_sms.php": "<?php\n$db = require __DIR__ . '/../db.php';\n$db->exec('UPDATE salubritate.sms SET trimis "
    "= true WHERE NOT trimis');\n$db->exec('DELETE FROM salubritate.sms WHERE trimis');\n",
})  # fmt: skip
SURFACE = "ALTER TABLE salubritate.strada ADD COLUMN cartier text"
DISTRICT = _migrated(4, SURFACE)
DISTRICTS = Commit(6, "Cartiere", {"migrations/000004_cartier.up.sql": SURFACE + ";\n",
    "migrations/000004_cartier.down.sql": "ALTER TABLE salubritate.strada DROP COLUMN cartier;\n"})  # fmt: skip
LATER = act("salub", PHP, "INSERT INTO salubritate.reclamatie (adresa_cod, deschisa) VALUES ('A9', '2026-11-27')")

CLEARED = "DELETE FROM salubritate.ridicare WHERE ridicat_la < '2026-11-26'"
PICKUPS = ("salubritate.ridicare_2026_09", "salubritate.ridicare_2026_10", "salubritate.ridicare_2026_11")
BY_TIMER = {"cause": "scheduled_job", "tables": ("salubritate.ridicare", *PICKUPS)}
months_that_were_not_set = Script(
    "months_that_were_not_set",
    "A line of cron became a timer without the line that says how many months are kept: none is; the log was rotated",
    "salubritate",
    "salub",
    TABLES,
    [
        COLLECTED,
        *SENT,
        checkpoint,
        *DISTRICT,
        act("salub_cron", "psql", CLEARED),
        act("idumitru", "DBeaver 25.2.0 - Main <salubritate>", "SELECT count(*) FROM salubritate.ridicare"),
        checkpoint,
        log_rotated,
        TODAY,
        act("primarie", "psql", "DELETE FROM salubritate.ridicare", fails=True),
        act("idumitru", "DBeaver 25.2.0 - Main <salubritate>", "DELETE FROM salubritate.pubela WHERE eticheta = 'E1'",
            undone=True),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        **COUNTED,
        "salubritate.ridicare": lost("delete", 8600, 40),
        PICKUPS[0]: lost("delete", 3000),
        PICKUPS[1]: lost("delete", 3100),
        PICKUPS[2]: lost("delete", 2500, 40),
        # The pubela that a session meant to delete stands.
        "salubritate.pubela": ok(3000, accepts=["delete"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["salubritate.ridicare", *PICKUPS],
    causes=[BY_TIMER],
    reported=["salubritate.ridicare"],
    commits=[FIRST, Commit(9000, "Ridicările se păstrează 24 de luni", {
        "ops/crontab": "LUNI=24\n25 3 * * * salub_cron /srv/salub/bin/curata_ridicari.sh\n",
        "bin/curata_ridicari.sh": "#!/bin/sh\nset -e\nlimita=$(date -d \"-${LUNI:-0} months\" +%F)\nexec psql -d "
        "salubritate -c \"DELETE FROM salubritate.ridicare WHERE ridicat_la < '$limita'\"\n"}), DISTRICTS,
        Commit(15, "De la cron la systemd", {"ops/crontab": "# mutat in systemd\n", "ops/curata-ridicari.service":
            "[Service]\nType=oneshot\nUser=salub_cron\nExecStart=/srv/salub/bin/curata_ridicari.sh\n",
            "ops/curata-ridicari.timer": "[Timer]\nOnCalendar=*-*-* 03:25\n[Install]\nWantedBy=timers.target\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "mod"},
    # The log of the deed is gone for whoever looks afterwards.
    views={view: {"untellable": {**QUEUE, **({PICKUPS[2]: ("none", "counters_reset")} if view == "crash" else {})},
                  "causes": ({**BY_TIMER, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

KEYED = ("ALTER TABLE salubritate.pubela ADD CONSTRAINT pubela_adresa FOREIGN KEY (adresa_cod) REFERENCES "
         "salubritate.adresa ON DELETE CASCADE")  # fmt: skip
READ_ANEW = (
    "CREATE TEMP TABLE registru ON COMMIT DROP AS SELECT * FROM salubritate.adresa WHERE din_registru",
    "DELETE FROM salubritate.adresa WHERE din_registru",
    "INSERT INTO salubritate.adresa SELECT * FROM registru",
)
REGISTER = act("salub_cron", "php sincronizare.php", *READ_ANEW, whole=True)
BY_REGISTER = {"cause": "scheduled_job", "tables": ("salubritate.pubela",)}
bins_of_a_register_read_anew = Script(
    "bins_of_a_register_read_anew",
    "Every night the town's addresses are deleted and written again; since the morning's migration bins hang on them",
    "salubritate",
    "salub",
    TABLES,
    [
        COLLECTED,
        *SENT,
        REGISTER,
        TODAY,
        checkpoint,
        *_migrated(4, KEYED),
        act("salub", PHP, "INSERT INTO salubritate.pubela (adresa_cod, eticheta) VALUES ('A1501', 'E9')", fails=True),
        checkpoint,
        REGISTER,
        act("salub", PHP, "SELECT count(*) FROM salubritate.pubela"),
        act("primarie", "psql", "TRUNCATE salubritate.pubela", fails=True),
        act("idumitru", "psql", "DELETE FROM salubritate.pubele WHERE id = 7", fails=True),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        **COUNTED,
        # What the register has is written again in the same transaction.
        "salubritate.adresa": {**ok(1500, "delete", accepts=["none", "restore"]), "statuses": ("partial", "undecided")},
        # Twenty addresses are not of the register, with two bins each.
        "salubritate.pubela": lost("cascade_delete", 2960, 40, via=["salubritate.adresa"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["salubritate.adresa"],
    causes=[BY_REGISTER],
    reported=["salubritate.pubela"],
    commits=[FIRST, Commit(12000, "Registrul primăriei", {"ops/crontab": "10 2 * * * salub_cron php /srv/salub/bin/"
        "sincronizare.php\n", "bin/sincronizare.php": "<?php\n$db = require __DIR__ . '/../db.php';\n$db->"
        "beginTransaction();\n$db->exec('CREATE TEMP TABLE registru (LIKE salubritate.adresa) ON COMMIT DROP');\n$db->"
        "pgsqlCopyFromArray('registru', file('/srv/registru/adrese.tsv'));\n$db->exec('DELETE FROM salubritate.adresa "
        "WHERE din_registru');\n$db->exec('INSERT INTO salubritate.adresa SELECT * FROM registru');\n$db->commit();"}),
        Commit(8, "Pubele fără adresă nu intră", {"migrations/000004_pubela_adresa.up.sql": KEYED + ";\n",
        "migrations/000004_pubela_adresa.down.sql": "ALTER TABLE salubritate.pubela DROP CONSTRAINT pubela_adresa;"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {**QUEUE, **({"salubritate.pubela": ("none",)} if view == "crash" else
                                             {"salubritate.pubela": ("delete",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_REGISTER, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

ONE_A_MONTH = (
    "DELETE FROM salubritate.factura a USING salubritate.factura b WHERE a.contract_id = b.contract_id AND a.id < b.id"
    ";\nALTER TABLE salubritate.factura ADD CONSTRAINT factura_luna UNIQUE (contract_id, luna);\n"
)
CLOSED = "DELETE FROM salubritate.reclamatie WHERE inchisa IS NOT NULL OR deschisa > '2026-01-01'"
CONSOLE = "DataGrip 2026.2.1"
BY_RELEASE = {"cause": "migration", "tables": ("salubritate.factura", "salubritate.plata")}
BY_HAND = {"cause": "manual_session", "tables": ("salubritate.reclamatie",)}
bills_deduplicated_and_complaints_closed = Script(
    "bills_deduplicated_and_complaints_closed",
    "A migration keeps one bill a contract instead of one a month; that day somebody deletes complaints in DataGrip",
    "salubritate",
    "salub",
    TABLES,
    [
        COLLECTED,
        *SENT,
        TODAY,
        checkpoint,
        *_migrated(4, ONE_A_MONTH),
        act("salub", PHP, "INSERT INTO salubritate.plata (factura_id, bani) VALUES (4410, 3150)", fails=True),
        checkpoint,
        act("idumitru", CONSOLE, CLOSED.replace("inchisa", "închisă"), fails=True),
        act("idumitru", CONSOLE, CLOSED),
        act("salub", PHP, "INSERT INTO salubritate.reclamatie (adresa_cod, deschisa) VALUES ('A12', '2026-11-26'), "
            "('A88', '2026-11-26')"),
        act("primarie", "psql", "DELETE FROM salubritate.factura WHERE bani = 0", fails=True),
        act("postgres", "psql", "VACUUM FULL salubritate.adresa"),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        **COUNTED,
        # Six bills a contract, of which the last stays; payments are of the bills 2 to 7001.
        "salubritate.factura": lost("delete", 7000, 1400),
        "salubritate.plata": lost("cascade_delete", 6999, 1, via=["salubritate.factura"]),
        "salubritate.reclamatie": lost("delete", 640, 2),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=["salubritate.factura", "salubritate.reclamatie"],
    causes=[BY_RELEASE, BY_HAND],
    reported=["salubritate.factura", "salubritate.reclamatie"],
    commits=[FIRST, Commit(5, "O factură pe lună", {"migrations/000004_factura_luna.up.sql": ONE_A_MONTH,
        "migrations/000004_factura_luna.down.sql": "ALTER TABLE salubritate.factura DROP CONSTRAINT factura_luna;\n"})],
    later=[LATER],
    settings={**SETTINGS, "log_statement": "ddl"},
    # The file of the migration is in the repository; of the console only the log knows.
    views={view: {"untellable": {**QUEUE, **({"salubritate.plata": ("delete",)} if view == "stats_csv" else {})},
                  "causes": ({**BY_RELEASE, "accepts": ("unknown",)}, {**BY_HAND, "accepts": ("unknown",)})}
           for view in ("no_log", "stats_csv")},
    holdout=True,
)  # fmt: skip

VALUES = "postgresql:\n  image: docker.io/library/postgres:17\n  persistence:\n    mountPath: {}\n    subPath: {}\n"


def _mounted_elsewhere(stage: Stage) -> None:
    """The chart mounts the claim without its subPath: the image finds no cluster there and makes one."""
    stage.server.renew()
    claim_without_its_folder.create(stage.server)


HELD = tuple(name for name in STANDING if name not in (
    "public.schema_migrations", "salubritate.strada", "salubritate.sms"))  # fmt: skip
claim_without_its_folder = Script(
    "claim_without_its_folder",
    "A chart mounts the claim without its subPath: initdb makes a cluster beside the old one, the init job migrates it",
    "salubritate",
    "salub",
    TABLES,
    [
        COLLECTED,
        *SENT,
        checkpoint,
        act("idumitru", CONSOLE, "DELETE FROM salubritate.reclamatie WHERE text = ''"),
        act("primarie", "psql", "TRUNCATE salubritate.ridicare", fails=True),
        _mounted_elsewhere,
        act("salub", PHP, "SELECT count(*) FROM salubritate.contract"),
        act("salub", PHP, "INSERT INTO salubritate.factura (contract_id, luna, bani) VALUES (41, '2026-12-01', 3150)",
            fails=True),
        TODAY,
        act("salub", PHP, "INSERT INTO salubritate.reclamatie (adresa_cod, deschisa) VALUES ('A12', '2026-11-26')"),
        checkpoint,
    ],
    {
        **{name: lost("new_cluster", None) for name in HELD},
        "salubritate.ridicare": lost("new_cluster", None, 40),
        "salubritate.ridicare_2026_11": lost("new_cluster", None, 40),
        "salubritate.reclamatie": lost("new_cluster", None, 1),
        # Streets come with the migrations, and messages come and go: nobody misses what was in them.
        "public.schema_migrations": {**ok(1, "new_cluster", accepts=["none", "restore"]),
                                     "statuses": ("partial", "wiped", "undecided")},
        "salubritate.strada": {**ok(120, "new_cluster", accepts=["none", "restore"]),
                               "statuses": ("partial", "wiped", "undecided")},
        "salubritate.sms": {**ok(0, "new_cluster", accepts=["none"]), "statuses": ("wiped", "undecided")},
    },
    "storage_replaced",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "storage_replaced", "tables": HELD}],
    reported=["salubritate.contract", "salubritate.factura", "salubritate.pubela"],
    begins=120,
    commits=[FIRST, Commit(7000, "Kubernetes", {"deploy/values.yaml": VALUES.format("/var/lib/postgresql/data", "pgdata"
        ), "deploy/templates/migrate-job.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  "
        "annotations: {\"helm.sh/hook\": post-upgrade}\nspec:\n  template:\n    spec:\n      containers:\n        - "
        "name: migrate\n          image: migrate/migrate:v4.18.1\n          args: [-path, /migrations, -database, "
        "$(DATABASE_URL), up]\n      restartPolicy: Never\n"}),
        Commit(3, "Valori mai simple", {"deploy/values.yaml": VALUES.format("/var/lib/postgresql", "\"\"")})],
    later=[LATER],
    settings=SETTINGS,
    # Young counters of tables that may as well be new, or never filled.
    views={"stats_csv": {"untellable": dict.fromkeys(STANDING, ("none", "recreate", "counters_reset", "restore"))}},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        months_that_were_not_set, bins_of_a_register_read_anew, bills_deduplicated_and_complaints_closed,
        claim_without_its_folder,
    )
)  # fmt: skip
