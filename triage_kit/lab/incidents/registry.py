"""A land registry with Polish names: a trigger, traces that are all gone, the training database, JUnit's clean-up."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, log_rotated, lost, ok

TABLES = (
    "CREATE SCHEMA ewidencja",
    "CREATE TABLE ewidencja.właściciel (pesel text PRIMARY KEY, nazwisko text NOT NULL, stan text DEFAULT 'czynny')",
    "CREATE TABLE ewidencja.działka (numer text PRIMARY KEY, obręb smallint, pesel text REFERENCES "
    "ewidencja.właściciel)",
    "CREATE TABLE ewidencja.wpis (id bigserial PRIMARY KEY, numer text NOT NULL REFERENCES ewidencja.działka, "
    "treść text)",
    'CREATE TABLE ewidencja."Kolejka pism" (id bigserial PRIMARY KEY, numer text, wysłane boolean DEFAULT false)',
    "CREATE TABLE ewidencja.słownik (kod text PRIMARY KEY, opis text)",
)
KEPT = act(
    "ewidencja",
    "ewid-portal",
    "INSERT INTO ewidencja.właściciel SELECT '9' || lpad(g::text, 10, '0'), 'Nazwisko ' || g "
    "FROM generate_series(1, 150) g",
    "INSERT INTO ewidencja.działka SELECT '141201_' || g, 1 + g % 9, '9' || lpad((1 + g % 150)::text, 10, '0') "
    "FROM generate_series(1, 400) g",
    "INSERT INTO ewidencja.wpis (numer, treść) SELECT '141201_' || 1 + g % 400, 'wpis nr ' || g "
    "FROM generate_series(1, 2600) g",
    "INSERT INTO ewidencja.\"Kolejka pism\" (numer) SELECT '141201_' || g FROM generate_series(1, 55) g",
    "INSERT INTO ewidencja.słownik SELECT 'K' || g, 'opis' FROM generate_series(1, 28) g",
)
FILED = act(
    "ewidencja",
    "ewid-portal",
    "INSERT INTO ewidencja.\"Kolejka pism\" (numer) VALUES ('141201_3'), ('141201_9'), ('141201_27')",
)
STANDING = {
    "ewidencja.właściciel": ok(150),
    "ewidencja.działka": ok(400),
    "ewidencja.wpis": ok(2600),
    "ewidencja.Kolejka pism": ok(58),
    "ewidencja.słownik": ok(28),
}
SETTINGS = {"log_line_prefix": "%m [%p] {%u|%d|%a} ", "log_timezone": "Europe/Warsaw"}
FIRST = Commit(5000, "Ewidencja", {"db/migration/V1__ewidencja.sql": ";\n".join(TABLES) + ";\n"})

FORGET = """CREATE FUNCTION ewidencja.usuń_wpisy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.stan = 'wykreślony' THEN
    DELETE FROM ewidencja.wpis w USING ewidencja.działka d WHERE d.pesel = NEW.pesel AND w.id > 40;
  END IF;
  RETURN NULL;
END $$"""
BOUND = (
    "CREATE TRIGGER po_wykreśleniu AFTER UPDATE ON ewidencja.właściciel FOR EACH ROW "
    "EXECUTE FUNCTION ewidencja.usuń_wpisy()"
)

owner_struck_off = Script(
    "owner_struck_off",
    "A clerk strikes off one owner in the portal; a trigger whose join lost its condition deletes everybody's entries",
    "rejestr",
    "ewidencja",
    (*TABLES, FORGET, BOUND),
    [
        KEPT,
        checkpoint,
        act("ewidencja", "ewid-portal", "UPDATE ewidencja.właściciel SET nazwisko = 'Nowak' WHERE pesel LIKE '%5'"),
        act("ewidencja", "ewid-portal", "UPDATE ewidencja.właściciel SET stan = 'wykreślony' "
            "WHERE pesel = '90000000017'"),
        FILED,
        act("ewidencja", "flyway", "CREATE INDEX wpis_numer ON ewidencja.wpis (numer)"),
        checkpoint,
    ],
    {
        **STANDING,
        "ewidencja.wpis": lost("delete", 2560, 40),
        "ewidencja.właściciel": ok(150, accepts=["update"]),
    },
    "application",
    scope=["ewidencja"],
    roots=["ewidencja.wpis"],
    causes=[{"cause": "application", "accepts": ("migration",), "tables": ("ewidencja.wpis",)}],
    reported=["ewidencja.wpis"],
    commits=[
        FIRST,
        Commit(26, "Wykreślenie", {"db/migration/V2__wykreslenie.sql": f"{FORGET};\n{BOUND};\n"}),
        Commit(1, "Szukanie wpisów", {"db/migration/V3__indeks.sql":
                                      "CREATE INDEX wpis_numer ON ewidencja.wpis (numer);\n"}),
    ],
    later=[FILED],
    settings=SETTINGS,
)  # fmt: skip

nothing_left_to_tell = Script(
    "nothing_left_to_tell",
    "Entries were deleted by hand; then came VACUUM, a crash that cost the counters, and logrotate",
    "rejestr",
    "ewidencja",
    TABLES,
    [
        KEPT,
        act("ewidencja", "ewid-portal", "ANALYZE"),
        checkpoint,
        act("k.zielinska", "psql", "DELETE FROM ewidencja.wpis WHERE id > 900"),
        act("ewidencja", "cron", "VACUUM ANALYZE"),
        crash,
        log_rotated,
        FILED,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "ewidencja.wpis": lost("delete", 1700, 900),
    },
    "manual_session",
    scope=["ewidencja"],
    roles={"k.zielinska": "ewidencja"},
    roots=["ewidencja.wpis"],
    reported=["ewidencja.wpis"],
    later=[FILED],
    settings=SETTINGS,
    # pg_stat_statements outlives an immediate shutdown, where it was on. Else there is a table with rows, young
    # counters, and people who miss some: whoever calls it sound or open says all that can be known.
    views={view: {"untellable": {"ewidencja.wpis": ("none", "counters_reset", "rollback", "cascade_delete", "update",
                                                    "restore")}} for view in BLIND},
)  # fmt: skip


def _the_real_one(stage: Stage) -> None:
    """Where the registry is kept: a database beside the training one, on the same server."""
    with base.session(stage.server, "postgres", "postgres", "psql") as connection:
        connection.execute("CREATE DATABASE rejestr OWNER ewidencja")
    with base.session(stage.server, "rejestr", "ewidencja", "flyway") as connection:
        for statement in (*TABLES, *KEPT.statements):
            connection.execute(statement)


ABSENT = {
    **lost("unknown", None, 0, status="undecided", statuses=["intact"]),
    "accepts": ("none", "hidden"),
}

training_database_asked = Script(
    "training_database_asked",
    "The training database was asked, which has a dictionary and a few owners; the registry stands beside it",
    "rejestr_szkolenie",
    "ewidencja",
    TABLES,
    [
        _the_real_one,
        act("ewidencja", "flyway", KEPT.statements[4],
            "INSERT INTO ewidencja.właściciel SELECT 'T' || g, 'Kursant' FROM generate_series(1, 5) g"),
        act("k.zielinska", "psql", "SELECT count(*) FROM ewidencja.wpis"),
        act("k.zielinska", "psql", "SELECT count(*) FROM ewidencja.wpisy", fails=True),
        FILED,
        checkpoint,
    ],
    {
        "ewidencja.słownik": ok(28),
        "ewidencja.właściciel": ok(5),
        "ewidencja.Kolejka pism": ok(3),
        "ewidencja.wpis": ABSENT,
        "ewidencja.działka": ABSENT,
    },
    "not_lost",
    scope=["ewidencja"],
    roles={"k.zielinska": "ewidencja"},
    causes=[{"cause": "not_lost", "accepts": ("unknown",), "tables": ()}],
    reported=["ewidencja.wpis", "ewidencja.działka"],
    later=[FILED],
    settings=SETTINGS,
    # Bare counters say neither that the rows are elsewhere nor that there never were any.
    views={"stats_csv": {"untellable": {"ewidencja.wpis": ("none",), "ewidencja.działka": ("none",)}}},
)  # fmt: skip

CLEAN = 'TRUNCATE TABLE ewidencja.działka, ewidencja.wpis, ewidencja."Kolejka pism" RESTART IDENTITY CASCADE'
JUNIT = """package pl.ewidencja.portal;

import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.jdbc.Sql;

@SpringBootTest
@Sql(scripts = "/czyszczenie.sql")
class WpisRepositoryIT {
}
"""

junit_cleans_production = Script(
    "junit_cleans_production",
    "Integration tests ran with production's profile: their @Sql script truncates three tables before each class",
    "rejestr",
    "ewidencja",
    TABLES,
    [
        KEPT,
        checkpoint,
        *[act("ewidencja", "PostgreSQL JDBC Driver", CLEAN,
              "INSERT INTO ewidencja.działka VALUES ('TEST-1', 1, '90000000001')") for _ in range(2)],
        act("ewidencja", "PostgreSQL JDBC Driver", CLEAN),
        FILED,
        act("ewidencja", "flyway", "ALTER TABLE ewidencja.słownik ADD COLUMN uwagi text"),
        checkpoint,
    ],
    {
        **STANDING,
        "ewidencja.działka": lost("truncate", 400),
        "ewidencja.wpis": lost("truncate", 2600),
        "ewidencja.Kolejka pism": lost("truncate", 55, 3),
    },
    "test_run",
    scope=["ewidencja"],
    roots=["ewidencja.działka", "ewidencja.wpis", "ewidencja.Kolejka pism"],
    reported=["ewidencja.działka"],
    commits=[
        FIRST,
        Commit(100, "Testy repozytoriów", {"src/test/resources/czyszczenie.sql": CLEAN + ";\n",
            "src/test/java/pl/ewidencja/portal/WpisRepositoryIT.java": JUNIT}),
        Commit(1, "Uwagi", {"db/migration/V4__uwagi.sql": "ALTER TABLE ewidencja.słownik ADD COLUMN uwagi text;\n"}),
    ],
    later=[FILED],
    settings=SETTINGS,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (owner_struck_off, nothing_left_to_tell, training_database_asked, junit_cleans_production)
)
