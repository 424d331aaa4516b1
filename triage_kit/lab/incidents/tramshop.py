"""A workshop for trams in Croatian, on PHP and Yii: acceptance tests, a page of parts, two hands, a policy."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

APPLIED = (
    "INSERT INTO rad_migration VALUES ('m000000_000000_base', 1700000000), ('m240210_081500_radionica', 1707552900)"
)
WORK = (
    "CREATE TABLE rad_vozilo (id int PRIMARY KEY, garazni_broj text UNIQUE NOT NULL, serija text NOT NULL)",
    "CREATE TABLE rad_nalog (id serial PRIMARY KEY, vozilo_id int NOT NULL REFERENCES rad_vozilo, pogon text NOT NULL, "
    "otvoren date NOT NULL)",
    "CREATE TABLE rad_kvar (id serial PRIMARY KEY, nalog_id int NOT NULL REFERENCES rad_nalog ON DELETE CASCADE, opis "
    "text NOT NULL)",
    "CREATE TABLE rad_dio (sifra text PRIMARY KEY, naziv text NOT NULL, kolicina int NOT NULL)",
    "CREATE TABLE rad_dio_uvoz (sifra text, naziv text, kolicina int)",
    "CREATE TABLE rad_ugradnja (id serial PRIMARY KEY, nalog_id int NOT NULL REFERENCES rad_nalog ON DELETE CASCADE, "
    "dio text NOT NULL REFERENCES rad_dio ON DELETE CASCADE, komada smallint NOT NULL)",
    "CREATE TABLE rad_dnevnik (id bigserial PRIMARY KEY, u timestamptz NOT NULL DEFAULT now(), tekst text NOT NULL)",
)
BOOK = "CREATE TABLE rad_migration (version varchar(180) PRIMARY KEY, apply_time int)"
TABLES = (
    BOOK,
    APPLIED,
    *WORK,
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO rad_web",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO rad_web",
)
WORKED = act(
    "rad_web",
    "",
    "INSERT INTO rad_vozilo SELECT g, '22' || g, CASE WHEN g % 3 = 0 THEN 'TMK 2200' ELSE 'T4' END FROM "
    "generate_series(1, 142) g",
    "INSERT INTO rad_nalog (vozilo_id, pogon, otvoren) SELECT 1 + g % 142, CASE WHEN g % 2 = 0 THEN 'Trešnjevka' ELSE "
    "'Dubrava' END, date '2025-01-01' + g / 2 FROM generate_series(1, 994) g",
    "INSERT INTO rad_kvar (nalog_id, opis) SELECT 1 + g % 994, 'Kvar ' || g FROM generate_series(1, 1988) g",
    "INSERT INTO rad_dnevnik (tekst) SELECT 'Prijava ' || g FROM generate_series(1, 3100) g",
)
UPSERT = (
    "INSERT INTO rad_dio SELECT sifra, naziv, kolicina FROM rad_dio_uvoz ON CONFLICT (sifra) DO UPDATE SET kolicina = "
    "excluded.kolicina"
)
GONE = "DELETE FROM rad_dio d WHERE NOT EXISTS (SELECT 1 FROM rad_dio_uvoz u WHERE u.sifra = d.sifra)"
EMPTIED = "TRUNCATE rad_dio_uvoz"


def _parts(last: int) -> tuple:
    """One run of the transformation: the export is loaded, what is new comes in, what is gone goes."""
    return (
        act("etl", "kitchen", f"INSERT INTO rad_dio_uvoz SELECT 'D' || g, 'Dio ' || g, g % 40 FROM "
            f"generate_series(1, {last}) g"),
        act("etl", "kitchen", UPSERT, GONE, EMPTIED, whole=True),
    )  # fmt: skip


FITTED = act("rad_web", "", "INSERT INTO rad_ugradnja (nalog_id, dio, komada) SELECT 1 + g % 994, 'D' || 1 + g % 560, "
             "2 FROM generate_series(1, 1680) g")  # fmt: skip
NOTED = act("rad_web", "", "INSERT INTO rad_dnevnik (tekst) VALUES ('Prijava Z1'), ('Odjava Z1')")
STANDING = {
    "public.rad_migration": ok(2),
    "public.rad_vozilo": ok(142),
    "public.rad_nalog": ok(994),
    "public.rad_kvar": ok(1988),
    "public.rad_dio": ok(560, accepts=["update"]),
    "public.rad_dio_uvoz": ok(0, "truncate", accepts=["none"]),
    "public.rad_ugradnja": ok(1680),
    "public.rad_dnevnik": ok(3102),
}
# That every run leaves the table of the import empty is told by the statements alone.
STAGED = {"public.rad_dio_uvoz": ("none",)}
UNSEEN = {"public.rad_dio_uvoz": {**STANDING["public.rad_dio_uvoz"], "statuses": ("undecided",)}}
DRAINED: dict[str, dict | None] = {view: {"untellable": STAGED, "tables": UNSEEN} for view in BLIND}
ROLES = {"rad_web": "", "etl": "radionica", "mhorvat": "radionica", "ijuric": ""}
SETTINGS = {"log_line_prefix": "%m [%p] %q%u@%d ", "log_timezone": "Europe/Zagreb"}
CREATED = "".join(f"        $this->execute('{each}');\n" for each in WORK)
FIRST = Commit(14000, "Radionica", {"migrations/m240210_081500_radionica.php": "<?php\nclass m240210_081500_radionica "
    f"extends yii\\db\\Migration\n{{\n    public function safeUp()\n    {{\n{CREATED}    }}\n}}\n",
    "models/Kvar.php": "<?php\nclass Kvar extends yii\\db\\ActiveRecord\n{\n    public static function tableName()\n"
    "    {\n        return '{{%kvar}}';\n    }\n}\n"})  # fmt: skip
ETL = Commit(8000, "Dijelovi iz SAP-a", {
    "etl/crontab": "15 4 * * * etl /opt/pdi/kitchen.sh -file=/srv/etl/dijelovi.kjb\n",
    "etl/dijelovi.ktr": "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<transformation>\n" + "".join(
        f"  <step><type>ExecSQL</type><sql>{each}</sql></step>\n" for each in (UPSERT, GONE, EMPTIED))
    + "</transformation>\n"})  # fmt: skip
LATER = act("rad_web", "", "INSERT INTO rad_dnevnik (tekst) VALUES ('Prijava Z2')")

TESTED = tuple(name for name in STANDING if name not in ("public.rad_migration", "public.rad_dio_uvoz"))
LOOKS_YOUNG = ("none", "new_cluster", "counters_reset", "restore")
acceptance_tests_drop_the_schema = Script(
    "acceptance_tests_drop_the_schema",
    "Codeception's Db module cleans up before it fills in its dump: DROP SCHEMA public CASCADE, with production's DSN",
    "radionica",
    "radionica",
    TABLES,
    [
        act("postgres", "psql", "ALTER SCHEMA public OWNER TO radionica"),
        WORKED,
        *_parts(560),
        FITTED,
        NOTED,
        checkpoint,
        act("radionica", "", "DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public", BOOK, APPLIED, *WORK,
            "INSERT INTO rad_vozilo VALUES (1, 'TEST-1', 'T4'), (2, 'TEST-2', 'T4')",
            "INSERT INTO rad_nalog (vozilo_id, pogon, otvoren) VALUES (1, 'Dubrava', '2024-01-01')"),
        act("rad_web", "", "SELECT count(*) FROM public.rad_nalog", fails=True),
        act("ijuric", "psql", "DELETE FROM public.rad_nalog WHERE id = 12", fails=True),
        checkpoint,
    ],
    {
        **{name: lost("recreate", None) for name in TESTED},
        "public.rad_vozilo": lost("recreate", None, 2),
        "public.rad_nalog": lost("recreate", None, 1),
        # As many lines of the book of migrations as before, and an import that is always empty.
        "public.rad_migration": {**ok(2, "recreate", accepts=["none", "restore"]),
                                 "statuses": ("partial", "wiped", "undecided")},
        "public.rad_dio_uvoz": {**ok(0, "recreate", accepts=["none"]), "statuses": ("wiped", "undecided")},
    },
    "test_run",
    roles=ROLES,
    app_role="rad_web",
    roots=list(TESTED),
    causes=[{"cause": "test_run", "tables": TESTED}],
    reported=["rad_nalog", "rad_vozilo"],
    commits=[FIRST, ETL, Commit(300, "Testovi", {"codeception.yml": "actor_suffix: Tester\nmodules:\n  config:\n    "
        "Db:\n      dsn: '%DB_DSN%'\n      user: '%DB_USER%'\n      password: '%DB_PASSWORD%'\n      dump: tests/_data/"
        "dump.sql\n      populate: true\n      cleanup: true\nparams:\n  - env\n", "tests/_data/dump.sql":
        ";\n".join((BOOK, APPLIED, *WORK, "INSERT INTO rad_vozilo VALUES (1, 'TEST-1', 'T4'), (2, 'TEST-2', 'T4')"))
        + ";\n"})],
    settings=SETTINGS,
    # Nothing there says who made the schema anew; of the module's clean-up the repository holds one word.
    views={**ANONYMOUS, "stats_csv": {"untellable": dict.fromkeys((*TESTED, "public.rad_migration",
                                                                   "public.rad_dio_uvoz"), LOOKS_YOUNG)}},
    holdout=True,
)  # fmt: skip

SHORT = {"cause": "scheduled_job", "tables": ("public.rad_dio", "public.rad_ugradnja")}
first_page_of_parts = Script(
    "first_page_of_parts",
    "The list of parts comes in pages of a hundred since the supplier's update; the night's job deletes the others",
    "radionica",
    "radionica",
    TABLES,
    [
        WORKED,
        *_parts(560),
        FITTED,
        *_parts(560),
        NOTED,
        checkpoint,
        *_parts(100),
        act("rad_web", "", "INSERT INTO rad_ugradnja (nalog_id, dio, komada) VALUES (7, 'D311', 1)", fails=True),
        act("mhorvat", "psql", "SELECT count(*) FROM rad_dio", "DELETE FROM rad_dijelovi", fails=True),
        act("rad_web", "", "INSERT INTO rad_ugradnja (nalog_id, dio, komada) VALUES (7, 'D31', 1)"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.rad_dio": lost("delete", 460, 100),
        # Three fittings are of each part; one came after.
        "public.rad_ugradnja": lost("cascade_delete", 1380, 301, via=["public.rad_dio"]),
    },
    "scheduled_job",
    roles=ROLES,
    app_role="rad_web",
    roots=["public.rad_dio"],
    causes=[SHORT],
    reported=["rad_dio", "rad_ugradnja"],
    commits=[FIRST, ETL],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)

JOURNAL = ("TRUNCATE rad_dnevnik", "ALTER TABLE rad_dnevnik ADD COLUMN korisnik_id int NOT NULL")
BY_HAND = {"cause": "manual_session", "tables": ("public.rad_kvar",)}
BY_MIGRATION = {"cause": "migration", "tables": ("public.rad_dnevnik",)}
faults_by_hand_and_journal_by_release = Script(
    "faults_by_hand_and_journal_by_release",
    "A foreman deletes faults of the first forty vehicles by hand; that evening a release empties the journal",
    "radionica",
    "radionica",
    TABLES,
    [
        WORKED,
        *_parts(560),
        FITTED,
        NOTED,
        checkpoint,
        act("mhorvat", "DBeaver 25.1.2 - SQLEditor <Script.sql>",
            "DELETE FROM rad_kvar WHERE nalog_id IN (SELECT id FROM rad_nalog WHERE vozilo_id <= 40)"),
        act("rad_web", "", "SELECT count(*) FROM rad_kvar WHERE nalog_id = 40"),
        checkpoint,
        act("radionica", "", *JOURNAL, "INSERT INTO rad_migration VALUES ('m261126_170000_dnevnik', 1795712400)",
            whole=True),
        act("rad_web", "", "INSERT INTO rad_dnevnik (tekst, korisnik_id) VALUES ('Prijava', 4), ('Odjava', 4)"),
        act("ijuric", "psql", "TRUNCATE rad_kvar", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.rad_migration": ok(3),
        # Every vehicle has seven orders, every order two faults.
        "public.rad_kvar": lost("delete", 560, 1428),
        "public.rad_dnevnik": lost("truncate", 3102, 2),
    },
    "manual_session",
    roles=ROLES,
    app_role="rad_web",
    roots=["public.rad_kvar", "public.rad_dnevnik"],
    causes=[BY_HAND, BY_MIGRATION],
    reported=["rad_kvar", "rad_dnevnik"],
    commits=[FIRST, ETL, Commit(3, "Dnevnik po korisniku", {"migrations/m261126_170000_dnevnik.php": "<?php\nclass "
        "m261126_170000_dnevnik extends yii\\db\\Migration\n{\n    public function safeUp()\n    {\n        $this->"
        "truncateTable('{{%dnevnik}}');\n        $this->addColumn('{{%dnevnik}}', 'korisnik_id', $this->integer()->"
        "notNull());\n    }\n}\n"})],
    settings=SETTINGS,
    # Whose the DELETE was, no log of errors tells; the release is in the repository and in the book of migrations.
    views={view: {"untellable": STAGED, "tables": UNSEEN,
                  "causes": ({**BY_HAND, "accepts": ("unknown",)}, {**BY_MIGRATION, "accepts": ()})} for view in BLIND},
    holdout=True,
)  # fmt: skip

POLICY = ("ALTER TABLE rad_nalog ENABLE ROW LEVEL SECURITY",
          "CREATE POLICY po_pogonu ON rad_nalog USING (pogon = current_setting('app.pogon', true))")  # fmt: skip
orders_of_no_depot = Script(
    "orders_of_no_depot",
    "A release shows each depot its own orders by a policy; the web never sets the depot, and nobody sees an order",
    "radionica",
    "radionica",
    TABLES,
    [
        WORKED,
        *_parts(560),
        FITTED,
        NOTED,
        checkpoint,
        act("radionica", "", *POLICY, "INSERT INTO rad_migration VALUES ('m261126_060000_pogon', 1795672800)",
            whole=True),
        act("rad_web", "", "SELECT count(*) FROM rad_nalog", "SELECT count(*) FROM rad_kvar"),
        act("mhorvat", "psql", "DELETE FROM rad_nalog WHERE otvoren < '2020-01-01'"),
        act("ijuric", "psql", "DELETE FROM rad_nalog", fails=True),
        *_parts(560),
        checkpoint,
    ],
    {
        **STANDING,
        "public.rad_migration": ok(3),
        "public.rad_nalog": lost("hidden", 0, 994, status="hidden"),
    },
    "not_lost",
    roles=ROLES,
    app_role="rad_web",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("public.rad_nalog",)}],
    reported=["rad_nalog"],
    commits=[FIRST, ETL, Commit(4, "Nalozi po pogonu", {"migrations/m261126_060000_pogon.php": "<?php\nclass "
        "m261126_060000_pogon extends yii\\db\\Migration\n{\n    public function safeUp()\n    {\n" + "".join(
            f'        $this->execute("{each}");\n' for each in POLICY) + "    }\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        acceptance_tests_drop_the_schema, first_page_of_parts, faults_by_hand_and_journal_by_release,
        orders_of_no_depot,
    )
)  # fmt: skip
