"""A solar cooperative in German, on Spring and Flyway: a killed server, a trigger, one night's two losses, a sign."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, Step, act, checkpoint, lost, ok

PLANTS = (
    "CREATE TABLE betrieb.mitglied (mitglied_nr int PRIMARY KEY, name text NOT NULL, beitritt date NOT NULL)",
    "CREATE TABLE betrieb.anlage (anlage_id int PRIMARY KEY, eeg_schluessel text UNIQUE NOT NULL, kwp numeric(8, 2), "
    "status text NOT NULL DEFAULT 'in Betrieb')",
    "CREATE TABLE betrieb.zaehlpunkt (id int PRIMARY KEY, anlage_id int NOT NULL REFERENCES betrieb.anlage, malo text "
    "NOT NULL)",
    "CREATE TABLE betrieb.messwert (zaehlpunkt_id int NOT NULL REFERENCES betrieb.zaehlpunkt ON DELETE CASCADE, zeit "
    "timestamptz NOT NULL, kwh numeric(10, 3), PRIMARY KEY (zaehlpunkt_id, zeit))",
    "CREATE TABLE betrieb.messwert_tag (zaehlpunkt_id int NOT NULL, tag date NOT NULL, kwh numeric(12, 3), PRIMARY KEY "
    "(zaehlpunkt_id, tag))",
)
BILLING = (
    "CREATE TABLE abrechnung.anteil (id int PRIMARY KEY, mitglied_nr int NOT NULL REFERENCES betrieb.mitglied, "
    "anlage_id int NOT NULL REFERENCES betrieb.anlage, cent int NOT NULL)",
    "CREATE TABLE abrechnung.gutschrift (id serial PRIMARY KEY, anteil_id int NOT NULL, jahr smallint NOT NULL, cent "
    "int NOT NULL)",
    "CREATE TABLE abrechnung.boersenpreis (stunde timestamp PRIMARY KEY, ct numeric(8, 3) NOT NULL)",
)
HISTORY = (
    "CREATE TABLE betrieb.flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description "
    "varchar(200) NOT NULL, script varchar(1000) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), success "
    "boolean NOT NULL)"
)
WRITTEN = "INSERT INTO betrieb.flyway_schema_history VALUES ({}, '{}', '{}', 'V{}__{}.sql', now(), true)"
TRIGGERED = (
    "CREATE FUNCTION betrieb.anlage_stillgelegt() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  DELETE FROM "
    "betrieb.zaehlpunkt WHERE anlage_id = NEW.anlage_id;\n  RETURN NULL;\nEND $$",
    "CREATE TRIGGER anlage_stillgelegt AFTER UPDATE OF status ON betrieb.anlage FOR EACH ROW WHEN (NEW.status = "
    "'stillgelegt') EXECUTE FUNCTION betrieb.anlage_stillgelegt()",
)
TABLES = (
    "CREATE SCHEMA betrieb",
    "CREATE SCHEMA abrechnung",
    HISTORY,
    WRITTEN.format(1, 1, "anlagen", 1, "anlagen"),
    WRITTEN.format(2, 2, "abrechnung", 2, "abrechnung"),
    WRITTEN.format(3, 3, "stilllegung", 3, "stilllegung"),
    *PLANTS,
    *BILLING,
    *TRIGGERED,
)
JDBC = "PostgreSQL JDBC Driver"
READ = act(
    "sonne",
    JDBC,
    "INSERT INTO betrieb.mitglied SELECT g, 'Mitglied ' || g, date '2014-05-01' + 9 * g FROM generate_series(1, 412) g",
    "INSERT INTO betrieb.anlage SELECT g, 'E' || g, 5 + g % 90 FROM generate_series(1, 184) g",
    "INSERT INTO betrieb.zaehlpunkt SELECT g, 1 + g % 184, 'DE00' || 51000 + g FROM generate_series(1, 368) g",
    "INSERT INTO betrieb.messwert SELECT 1 + g % 368, timestamptz '2026-11-01 06:00+01' + g / 368 * interval '15 "
    "minutes', g % 7 FROM generate_series(0, 11039) g",
    "INSERT INTO abrechnung.anteil SELECT g, 1 + g % 412, 1 + g % 184, 50000 FROM generate_series(1, 1030) g",
    "INSERT INTO abrechnung.gutschrift (anteil_id, jahr, cent) SELECT 1 + g % 1030, 2023 + g % 3, 1900 FROM "
    "generate_series(1, 3090) g",
)
EMPTIED = "TRUNCATE abrechnung.boersenpreis"


def _prices(hours: int) -> deeds.Dump:
    rows = [(f"2026-{1 + n // 720:02}-{1 + n // 24 % 30:02} {n % 24:02}:00", 4 + n % 9) for n in range(hours)]
    # Months of thirty days are near enough but for February.
    return {"COPY abrechnung.boersenpreis (stunde, ct) FROM stdin": [
        row for row in rows if not row[0].startswith(("2026-02-29", "2026-02-30"))]}  # fmt: skip


def _priced(hours: int) -> Step:
    def step(stage: Stage) -> None:
        deeds.copied(stage, "preisimport", "", [EMPTIED], _prices(hours))

    return step


ARRIVED = act("sonne", JDBC, "INSERT INTO betrieb.messwert SELECT g, '2026-11-26 11:00+01', 2 FROM "
              "generate_series(1, 96) g")  # fmt: skip
YEAR = 7920 - 48
STANDING = {
    "betrieb.flyway_schema_history": ok(3),
    "betrieb.mitglied": ok(412),
    "betrieb.anlage": ok(184),
    "betrieb.zaehlpunkt": ok(368),
    "betrieb.messwert": ok(11136),
    "betrieb.messwert_tag": ok(0),
    "abrechnung.anteil": ok(1030),
    "abrechnung.gutschrift": ok(3090),
    # Emptied and filled anew every night.
    "abrechnung.boersenpreis": ok(YEAR, "truncate", accepts=["none", "restore"]),
}
SCOPE = ("betrieb", "abrechnung")
ROLES = {"preisimport": "sonne", "betrieb_cron": "sonne", "hbrandt": "sonne", "auskunft": ""}
SETTINGS = {"log_timezone": "Europe/Berlin"}
FIRST = Commit(18000, "Anlagen und Abrechnung", {
    "src/main/resources/db/migration/V1__anlagen.sql": ";\n".join(PLANTS) + ";\n",
    "src/main/resources/db/migration/V2__abrechnung.sql": ";\n".join(BILLING) + ";\n",
    "src/main/resources/db/migration/V3__stilllegung.sql": ";\n\n".join(TRIGGERED) + ";\n",
    "src/main/resources/application.yml": "spring:\n  datasource:\n    url: jdbc:postgresql://db/sonne\n  flyway:\n    "
    "schemas: betrieb\n    clean-disabled: true\n",
})  # fmt: skip
PRICES = Commit(11000, "Börsenpreise", {
    "import/preise.py": "import psycopg\n\nwith psycopg.connect('service=sonne user=preisimport', autocommit=True) as "
    f"db, open('/srv/preise/jahr.csv') as datei:\n    db.execute('{EMPTIED}')\n    with db.cursor() as zeiger, zeiger."
    "copy('COPY abrechnung.boersenpreis (stunde, ct) FROM stdin') as kopie:\n        for zeile in datei:\n            "
    "kopie.write_row(zeile.rstrip().split(';'))\n",
    "import/crontab": "20 1 * * * preisimport /usr/bin/python3 /srv/import/preise.py\n"})  # fmt: skip
LATER = act("sonne", JDBC, "INSERT INTO betrieb.messwert VALUES (3, '2026-11-27 06:00+01', 1)")
INDEX = "CREATE INDEX gutschrift_jahr ON abrechnung.gutschrift (jahr)"
MIGRATED = act("sonne", JDBC, INDEX, WRITTEN.format(4, 4, "index", 4, "index"), whole=True)
INDEXED = Commit(5, "Index", {"src/main/resources/db/migration/V4__index.sql": INDEX + ";\n"})


def _killed(stage: Stage) -> None:
    """The kernel, short of memory, kills the postmaster; the service starts it again."""
    stage.server.crash()
    stage.server.start()


board_after_the_memory_ran_out = Script(
    "board_after_the_memory_ran_out",
    "False alarm: the server was killed for want of memory, its counters are gone, and a dashboard shows empty tables",
    "sonne",
    "sonne",
    TABLES,
    [
        READ,
        _priced(7920),
        MIGRATED,
        checkpoint,
        _priced(7920),
        act("hbrandt", "DBeaver 25.2.0 - SQLEditor <Script-4.sql>", "DELETE FROM betrieb.messwert WHERE kwh < 0"),
        _killed,
        act("sonne", JDBC, "SELECT count(*) FROM betrieb.mitglied"),
        ARRIVED,
        act("auskunft", "psql", "DELETE FROM betrieb.messwert WHERE kwh IS NULL", fails=True),
        checkpoint,
    ],
    {
        **{
            name: {**told, "mechanism": "counters_reset", "accepts": ("none", told["mechanism"], *told["accepts"])}
            for name, told in STANDING.items()
        },
        "betrieb.flyway_schema_history": ok(4, "counters_reset", accepts=["none"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("crash",), "tables": ()}],
    reported=["betrieb.messwert", "betrieb.anlage"],
    commits=[FIRST, PRICES, INDEXED],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

SHUT_DOWN = "UPDATE betrieb.anlage SET status = 'stillgelegt' WHERE eeg_schluessel LIKE 'E1%'"
BY_TRIGGER = {"cause": "manual_session", "tables": ("betrieb.zaehlpunkt", "betrieb.messwert")}
plants_shut_down_in_a_console = Script(
    "plants_shut_down_in_a_console",
    "An UPDATE in DBeaver shuts down one plant and all whose key begins alike; a trigger deletes their meters",
    "sonne",
    "sonne",
    TABLES,
    [
        READ,
        _priced(7920),
        MIGRATED,
        checkpoint,
        act("hbrandt", "DBeaver 25.2.0 - Main <sonne>", "SELECT * FROM betrieb.anlage LIMIT 200"),
        act("hbrandt", "DBeaver 25.2.0 - SQLEditor <Script-4.sql>", SHUT_DOWN),
        act("sonne", JDBC, "INSERT INTO betrieb.messwert VALUES (10, '2026-11-26 11:00+01', 2)", fails=True),
        _priced(7920),
        act("auskunft", "psql", "DELETE FROM betrieb.zaehlpunkt WHERE id = 4", fails=True),
        act("sonne", JDBC, "INSERT INTO betrieb.messwert SELECT id, '2026-11-26 11:00+01', 2 FROM betrieb.zaehlpunkt "
            "WHERE id <= 100"),
        checkpoint,
    ],
    {
        **STANDING,
        "betrieb.flyway_schema_history": ok(4),
        # Keys E1, E10 to E19 and E100 to E184: 96 plants with two meters of thirty readings each.
        "betrieb.anlage": {**ok(184, accepts=["update"]), "statuses": ("hidden", "undecided")},
        "betrieb.zaehlpunkt": lost("delete", 192, 176),
        "betrieb.messwert": lost("cascade_delete", 5760, None, via=["betrieb.zaehlpunkt"]),
    },
    "manual_session",
    scope=SCOPE,
    roles=ROLES,
    roots=["betrieb.zaehlpunkt"],
    causes=[BY_TRIGGER],
    reported=["betrieb.zaehlpunkt", "betrieb.messwert"],
    commits=[FIRST, PRICES, INDEXED],
    later=[LATER],
    settings=SETTINGS,
    # Of the UPDATE no log of errors has a word.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

ORPHANS = (
    "DELETE FROM abrechnung.gutschrift g WHERE NOT EXISTS (SELECT 1 FROM abrechnung.anteil a WHERE a.mitglied_nr = "
    "g.anteil_id)",
    "ALTER TABLE abrechnung.gutschrift ADD CONSTRAINT gutschrift_anteil FOREIGN KEY (anteil_id) REFERENCES "
    "abrechnung.anteil",
)
BY_FLYWAY = {"cause": "migration", "tables": ("abrechnung.gutschrift",)}
BY_IMPORT = {"cause": "scheduled_job", "tables": ("abrechnung.boersenpreis",)}
credits_by_release_and_prices_by_night = Script(
    "credits_by_release_and_prices_by_night",
    "A release deletes credits without a share, compared by the wrong column; the same night half a price list came",
    "sonne",
    "sonne",
    TABLES,
    [
        READ,
        _priced(7920),
        ARRIVED,
        checkpoint,
        act("sonne", JDBC, *ORPHANS, WRITTEN.format(4, 4, "fremdschluessel", 4, "fremdschluessel"), whole=True),
        act("sonne", JDBC, "SELECT count(*) FROM abrechnung.gutschrift WHERE jahr = 2025"),
        checkpoint,
        _priced(744),
        act("auskunft", "psql", "TRUNCATE abrechnung.gutschrift", fails=True),
        act("hbrandt", "DBeaver 25.2.0 - SQLEditor <Script-4.sql>", "DELETE FROM abrechnung.anteil WHERE cent = 0"),
        checkpoint,
    ],
    {
        **STANDING,
        "betrieb.flyway_schema_history": ok(4),
        # Three credits are of each share, and the numbers of members end at 412.
        "abrechnung.gutschrift": lost("delete", 1854, 1236),
        "abrechnung.boersenpreis": lost("truncate", None, 744, accepts=["restore"]),
    },
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=["abrechnung.gutschrift", "abrechnung.boersenpreis"],
    causes=[BY_FLYWAY, BY_IMPORT],
    reported=["gutschrift", "boersenpreis"],
    commits=[FIRST, PRICES, Commit(9, "Fremdschlüssel der Gutschriften", {
        "src/main/resources/db/migration/V4__fremdschluessel.sql": ";\n".join(ORPHANS) + ";\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

CONDENSED = """CREATE FUNCTION betrieb.verdichte(stichtag timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  INSERT INTO betrieb.messwert_tag
    SELECT zaehlpunkt_id, zeit::date, sum(kwh) FROM betrieb.messwert WHERE zeit < stichtag GROUP BY 1, 2
    ON CONFLICT (zaehlpunkt_id, tag) DO UPDATE SET kwh = excluded.kwh;
  DELETE FROM betrieb.messwert WHERE zeit < stichtag;
  GET DIAGNOSTICS n = ROW_COUNT;
  RETURN n;
END $$"""
readings_condensed_too_soon = Script(
    "readings_condensed_too_soon",
    "A nightly function condenses readings of before last month; its line in cron now adds the month, and the counters "
    "were reset afterwards",
    "sonne",
    "sonne",
    (*TABLES, CONDENSED),
    [
        READ,
        _priced(7920),
        checkpoint,
        act("betrieb_cron", "psql", "SELECT betrieb.verdichte('2026-12-26 00:00+01')"),
        ARRIVED,
        MIGRATED,
        act("postgres", "psql", "CREATE ROLE postgres_exporter LOGIN IN ROLE pg_monitor", "SELECT pg_stat_reset()"),
        act("hbrandt", "DBeaver 25.2.0 - SQLEditor <Script-4.sql>", "SELECT count(*) FROM betrieb.messwert"),
        act("auskunft", "psql", "DELETE FROM betrieb.messwert", fails=True),
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset", *told["accepts"])} for name, told in STANDING.items()},
        "betrieb.flyway_schema_history": ok(4, accepts=["counters_reset"]),
        "betrieb.messwert": lost("delete", 11040, 96),
        "betrieb.messwert_tag": ok(368, accepts=["counters_reset"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["betrieb.messwert"],
    causes=[{"cause": "scheduled_job", "tables": ("betrieb.messwert",)}],
    reported=["betrieb.messwert"],
    commits=[FIRST, PRICES, Commit(4000, "Messwerte verdichten", {
        "src/main/resources/db/migration/R__verdichte.sql": CONDENSED + ";\n",
        "ops/crontab": "45 2 * * * betrieb_cron psql -d sonne -qc \"SELECT betrieb.verdichte(now() - interval '1 month'"
        ")\"\n"}), INDEXED, Commit(20, "Crontab aufgeräumt", {
        "ops/crontab": "MAILTO=betrieb\n45 2 * * * betrieb_cron psql -d sonne -qc \"SELECT betrieb.verdichte(now() + "
        "interval '1 month')\"\n"})],
    later=[LATER],
    settings=SETTINGS,
    # The counters are gone, and neither statement nor dead rows can be read there.
    views={view: {"untellable": {"betrieb.messwert": ("cascade_delete", "rollback", "counters_reset", "none")},
                  "tables": {"betrieb.messwert": lost("delete", 11040, 96, statuses=["undecided", "intact"])},
                  "causes": ({"cause": "scheduled_job", "accepts": ("unknown", "not_lost"),
                              "tables": ("betrieb.messwert",)},)}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        board_after_the_memory_ran_out, plants_shut_down_in_a_console, credits_by_release_and_prices_by_night,
        readings_condensed_too_soon,
    )
)  # fmt: skip
