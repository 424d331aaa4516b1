"""A group of hotels, one schema a house, in French: a role's attribute, a house dropped, restored, renamed away."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

HOUSES = {"h_annecy": 40, "h_bordeaux": 90, "h_colmar": 25}


def _house(schema: str) -> tuple[str, ...]:
    return (
        f"CREATE SCHEMA {schema}",
        f"CREATE TABLE {schema}.chambre (no smallint PRIMARY KEY, etage smallint, lits smallint DEFAULT 2)",
        f"CREATE TABLE {schema}.client (ref text PRIMARY KEY, nom text NOT NULL)",
        f"CREATE TABLE {schema}.sejour (ref text REFERENCES {schema}.client, chambre smallint REFERENCES "
        f"{schema}.chambre, arrivee date, nuits smallint, PRIMARY KEY (ref, arrivee))",
        f"CREATE TABLE {schema}.facture (no text PRIMARY KEY, ref text REFERENCES {schema}.client, centimes int)",
    )


def _full(schema: str) -> tuple[str, ...]:
    size = HOUSES[schema]
    return (
        f"INSERT INTO {schema}.chambre SELECT g, g / 10 FROM generate_series(1, {size}) g",
        f"INSERT INTO {schema}.client SELECT 'C' || g, 'Nom ' || g FROM generate_series(1, {4 * size}) g",
        f"INSERT INTO {schema}.sejour SELECT 'C' || 1 + g % {4 * size}, 1 + g % {size}, date '2026-01-01' + g, 2 "
        f"FROM generate_series(1, {8 * size}) g",
        f"INSERT INTO {schema}.facture SELECT 'F' || g, 'C' || 1 + g % {4 * size}, 100 * g "
        f"FROM generate_series(1, {6 * size}) g",
    )


TABLES = (
    *[statement for schema in HOUSES for statement in _house(schema)],
    "CREATE SCHEMA groupe",
    "CREATE TABLE groupe.maison (code text PRIMARY KEY, ville text)",
    "CREATE TABLE groupe.carte (no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, maison text REFERENCES "
    "groupe.maison, points int)",
)
LODGED = act(
    "hotellerie",
    "resa-web",
    *[statement for schema in HOUSES for statement in _full(schema)],
    "INSERT INTO groupe.maison VALUES ('annecy', 'Annecy'), ('bordeaux', 'Bordeaux'), ('colmar', 'Colmar')",
    "INSERT INTO groupe.carte (maison, points) SELECT 'annecy', g FROM generate_series(1, 700) g",
)
STAMPED = act("hotellerie", "resa-web", "INSERT INTO groupe.carte (maison, points) VALUES ('colmar', 3), ('colmar', 4)")


def _standing(schema: str) -> dict[str, dict]:
    size = HOUSES[schema]
    rows = {"chambre": size, "client": 4 * size, "sejour": 8 * size, "facture": 6 * size}
    return {f"{schema}.{name}": ok(count) for name, count in rows.items()}


STANDING = {
    **{name: told for schema in HOUSES for name, told in _standing(schema).items()},
    "groupe.maison": ok(3),
    "groupe.carte": ok(702),
}
SCOPE = [*HOUSES, "groupe"]
SETTINGS = {"log_line_prefix": "%m;%p;%u;%d;%a;%e; ", "log_timezone": "Europe/Paris"}

attribute_taken = Script(
    "attribute_taken",
    "An audit takes BYPASSRLS from the application's role: policies that never mattered hide all loyalty cards",
    "hotels",
    "hotellerie",
    (
        *TABLES,
        "GRANT USAGE ON SCHEMA groupe TO resa",
        "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA groupe TO resa",
        "CREATE POLICY par_maison ON groupe.carte TO resa USING (maison = current_setting('resa.maison', true))",
        "ALTER TABLE groupe.carte ENABLE ROW LEVEL SECURITY",
    ),
    [
        act("postgres", "psql", "ALTER ROLE resa BYPASSRLS"),
        LODGED,
        STAMPED,
        act("resa", "resa-web", "SELECT count(*) FROM groupe.carte"),
        checkpoint,
        act("postgres", "psql", "ALTER ROLE resa NOBYPASSRLS"),
        act("resa", "resa-web", "SELECT count(*) FROM groupe.carte"),
        act("hotellerie", "flyway", "CREATE INDEX carte_maison ON groupe.carte (maison)"),
        checkpoint,
    ],
    {**STANDING, "groupe.carte": lost("hidden", 0, 702, status="hidden")},
    "not_lost",
    scope=SCOPE,
    roles={"resa": ""},
    app_role="resa",
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("groupe.carte",)}],
    reported=["groupe.carte"],
    later=[STAMPED],
    settings=SETTINGS,
    # The policy and the role's attribute are in the catalogue; that it was another one yesterday, only in a log.
    views={view: {"untellable": {"groupe.carte": ()}} for view in BLIND},
)

LEAVE = "DROP SCHEMA h_colmar CASCADE"
GONE = {name: lost("drop", None, rows=None, status="missing") for name in _standing("h_colmar")}

house_left_the_group = Script(
    "house_left_the_group",
    "The group's service offboards a house that left, and it was given the code of one that stays",
    "hotels",
    "hotellerie",
    TABLES,
    [
        LODGED,
        checkpoint,
        act("hotellerie", "maison-service", LEAVE, "UPDATE groupe.maison SET ville = ville || ' (parti)' "
            "WHERE code = 'colmar'", whole=True),
        STAMPED,
        act("hotellerie", "resa-web", "SELECT no FROM h_colmar.facture WHERE ref = 'C7'", fails=True),
        checkpoint,
    ],
    {**STANDING, **GONE, "groupe.maison": ok(3, accepts=["update"])},
    "application",
    scope=SCOPE,
    roots=list(GONE),
    reported=["h_colmar.sejour", "h_colmar.facture"],
    commits=[
        Commit(3000, "Colmar", {"sql/V7__colmar.sql": ";\n".join(_house("h_colmar")) + ";\n"}),
        Commit(500, "Houses come and go", {"services/maison/depart.py":
            "def quitter(connexion, schema):\n    with connexion.transaction():\n        connexion.execute("
            "f'DROP SCHEMA {schema} CASCADE')\n"}),
    ],
    later=[STAMPED],
    settings=SETTINGS,
    # What is gone and was not named by anybody cannot be known from today's counters.
    views={"stats_csv": {"tables": {"h_colmar.chambre": None, "h_colmar.client": None},
        "causes": ({"cause": "application", "tables": ("h_colmar.sejour", "h_colmar.facture")},)}},
)  # fmt: skip

OLD: dict[str, list[tuple]] = {
    "COPY h_annecy.chambre (no, etage, lits) FROM stdin": [(n, n // 10, 2) for n in range(1, 41)],
    "COPY h_annecy.client (ref, nom) FROM stdin": [(f"C{n}", f"Nom {n}") for n in range(1, 101)],
    "COPY h_annecy.sejour (ref, chambre, arrivee, nuits) FROM stdin": [
        (f"C{1 + n % 100}", 1 + n % 40, f"2025-{1 + n // 28:02}-{1 + n % 28:02}", 2) for n in range(200)
    ],
    "COPY h_annecy.facture (no, ref, centimes) FROM stdin": [(f"F{n}", f"C{n % 100 + 1}", 9) for n in range(1, 151)],
}


def _restored(stage: Stage) -> None:
    """pg_restore --clean --schema h_annecy of last winter's dump, one session without an enclosing transaction."""
    with base.session(stage.server, stage.database, "postgres", "pg_restore") as connection:
        for name in ("sejour", "facture", "client", "chambre"):
            connection.execute(f"DROP TABLE IF EXISTS h_annecy.{name} CASCADE")
        for statement in (
            "CREATE TABLE h_annecy.chambre (no smallint NOT NULL, etage smallint, lits smallint DEFAULT 2)",
            "CREATE TABLE h_annecy.client (ref text NOT NULL, nom text NOT NULL)",
            "CREATE TABLE h_annecy.facture (no text NOT NULL, ref text, centimes integer)",
            "CREATE TABLE h_annecy.sejour (ref text NOT NULL, chambre smallint, arrivee date NOT NULL, nuits smallint)",
            *[
                f"ALTER TABLE h_annecy.{name} OWNER TO hotellerie"
                for name in ("chambre", "client", "facture", "sejour")
            ],
        ):
            connection.execute(statement)
        for command, rows in OLD.items():
            with connection.cursor() as cursor, cursor.copy(command) as copy:
                for row in rows:
                    copy.write_row(row)
        for name, keys in (("chambre", "no"), ("client", "ref"), ("facture", "no"), ("sejour", "ref, arrivee")):
            connection.execute(f"ALTER TABLE ONLY h_annecy.{name} ADD CONSTRAINT {name}_pkey PRIMARY KEY ({keys})")
        for name in ("facture", "sejour"):
            connection.execute(
                f"ALTER TABLE ONLY h_annecy.{name} ADD CONSTRAINT {name}_ref_fkey FOREIGN KEY (ref) "
                "REFERENCES h_annecy.client(ref)"
            )


RESTORED = {
    "h_annecy.chambre": lost("restore", None, 40, statuses=["intact", "undecided"]),
    "h_annecy.client": lost("restore", None, 100),
    "h_annecy.sejour": lost("restore", None, 200),
    "h_annecy.facture": lost("restore", None, 150),
}

house_restored_from_winter = Script(
    "house_restored_from_winter",
    "One house's schema was put back from last winter's dump over the live one; the other houses stand",
    "hotels",
    "hotellerie",
    TABLES,
    [LODGED, checkpoint, _restored, STAMPED, checkpoint],
    {**STANDING, **RESTORED},
    "restore",
    scope=SCOPE,
    roots=list(RESTORED),
    reported=["h_annecy.sejour", "h_annecy.client"],
    later=[STAMPED],
    settings=SETTINGS,
    # New objects with rows: who reads neither rows nor statements sees no difference to tables made anew.
    views={
        view: {"untellable": dict.fromkeys(RESTORED, ("recreate", "none") if view == "stats_csv" else ("recreate",))}
        for view in BLIND
    },
)

AWAY = "ALTER SCHEMA h_bordeaux RENAME TO h_bordeaux_2026"
AFRESH = (AWAY, *_house("h_bordeaux"),
          "INSERT INTO h_bordeaux.chambre SELECT * FROM h_bordeaux_2026.chambre")  # fmt: skip
SWAPPED = {
    f"h_bordeaux.{name}": lost("recreate", None, 0, status="hidden", statuses=["wiped"])
    for name in ("client", "sejour", "facture")
}

year_closed_too_early = Script(
    "year_closed_too_early",
    "The year's closing job ran in November: it renames a house's schema away and makes it anew with rooms alone",
    "hotels",
    "hotellerie",
    TABLES,
    [
        LODGED,
        checkpoint,
        act("cloture", "cloture_annuelle.sh", "SET ROLE hotellerie", *AFRESH, whole=True),
        STAMPED,
        act("hotellerie", "resa-web", "SELECT count(*) FROM h_bordeaux.sejour"),
        checkpoint,
    ],
    {
        **STANDING,
        **{name.replace("bordeaux", "bordeaux_2026"): told for name, told in _standing("h_bordeaux").items()},
        **SWAPPED,
        # All its rows were copied over: a new table of the same name that holds what the old one holds.
        "h_bordeaux.chambre": {**ok(90, "recreate", accepts=["none"]), "statuses": ("hidden",)},
    },
    "scheduled_job",
    scope=[*SCOPE, "h_bordeaux_2026"],
    roles={"cloture": "hotellerie"},
    roots=list(SWAPPED),
    causes=[{"cause": "scheduled_job", "accepts": ("not_lost",), "tables": tuple(SWAPPED)}],
    reported=["h_bordeaux.sejour"],
    commits=[
        Commit(2000, "Bordeaux", {"sql/V3__bordeaux.sql": ";\n".join(_house("h_bordeaux")) + ";\n"}),
        Commit(800, "Close the year", {"jobs/cloture_annuelle.sh": "#!/bin/sh\nexec psql hotels -1 <<'SQL'\n"
            + ";\n".join(AFRESH) + ";\nSQL\n", "jobs/crontab": "0 4 25 11 * cloture /srv/jobs/cloture_annuelle.sh\n"}),
    ],
    later=[STAMPED],
    settings=SETTINGS,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (attribute_taken, house_left_the_group, house_restored_from_winter, year_closed_too_early)
)
