"""A ski resort in French, on FastAPI and Alembic: a project renamed, one table restored, a feed, a rollback too far."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

PASS = (
    "CREATE TABLE station.forfait (numero text PRIMARY KEY, produit text NOT NULL, valide_jusqu date NOT NULL, prix_ct "
    "int)"
)
SCANS = (
    "CREATE TABLE station.passage (numero text NOT NULL, remontee int NOT NULL, vu_a timestamptz NOT NULL)",
    "ALTER TABLE station.passage ADD CONSTRAINT passage_pkey PRIMARY KEY (numero, remontee, vu_a)",
)
SLOPES = (
    "CREATE TABLE station.remontee (id int PRIMARY KEY, nom text NOT NULL, debit int)",
    PASS,
    *SCANS,
    "CREATE TABLE station.moniteur (id int PRIMARY KEY, nom text NOT NULL)",
    "CREATE TABLE station.cours (id serial PRIMARY KEY, moniteur_id int NOT NULL REFERENCES station.moniteur, jour "
    "date NOT NULL, niveau text)",
    "CREATE TABLE station.inscription (id serial PRIMARY KEY, cours_id int NOT NULL REFERENCES station.cours ON DELETE "
    "CASCADE, eleve text NOT NULL)",
    "CREATE TABLE station.panier (id bigserial PRIMARY KEY, cree_le timestamptz NOT NULL DEFAULT now(), contenu jsonb)",
)
OPINIONS = "CREATE TABLE station.avis (id serial PRIMARY KEY, note smallint NOT NULL, texte text)"
BOOK = "CREATE TABLE station.alembic_version (version_num varchar(32) PRIMARY KEY)"
TABLES = (
    "CREATE SCHEMA station",
    BOOK,
    "INSERT INTO station.alembic_version VALUES ('0007_avis')",
    *SLOPES,
    OPINIONS,
)
API = "billetterie-api"
LIFTS = act("billetterie", API, "INSERT INTO station.remontee SELECT g, 'Télésiège ' || g, 1800 FROM "
            "generate_series(1, 27) g")  # fmt: skip
SOLD = "INSERT INTO station.forfait SELECT 'F' || g, 'Journée', date '2026-11-20' + g % 150, 4900 FROM {} g"
PASSES = act("billetterie", API, SOLD.format("generate_series(1, 5200)"))
SCANNED = act("billetterie", "portillons", "INSERT INTO station.passage SELECT 'F' || 1 + g % 5200, 1 + g % 27, "
              "timestamptz '2026-11-21 08:00+01' + g * interval '20 seconds' FROM generate_series(1, 14400) "
              "g")  # fmt: skip
TAUGHT = act(
    "billetterie",
    API,
    "INSERT INTO station.moniteur SELECT g, 'Moniteur ' || g FROM generate_series(1, 46) g",
    "INSERT INTO station.cours (moniteur_id, jour, niveau) SELECT 1 + g % 46, date '2026-11-21' + g / 46, 'Flocon' "
    "FROM generate_series(0, 1379) g",
    "INSERT INTO station.inscription (cours_id, eleve) SELECT 1 + g % 1380, 'Élève ' || g FROM generate_series(1, 5520)"
    " g",
    "INSERT INTO station.avis (note, texte) SELECT 1 + g % 5, 'Avis ' || g FROM generate_series(1, 940) g",
)
PAID = (
    act("billetterie", API, "INSERT INTO station.panier (contenu) SELECT '{}' FROM generate_series(1, 130) g"),
    act("billetterie", API, "DELETE FROM station.panier WHERE cree_le < now()"),
)
SEEN = act("billetterie", "portillons", "INSERT INTO station.passage VALUES ('F7', 3, '2026-11-26 09:01+01'), ('F8', "
           "3, '2026-11-26 09:02+01')")  # fmt: skip
FILLED = (LIFTS, PASSES, SCANNED, TAUGHT, *PAID)
STANDING = {
    "station.alembic_version": ok(1),
    "station.remontee": ok(27),
    "station.forfait": ok(5200),
    "station.passage": ok(14402),
    "station.moniteur": ok(46),
    "station.cours": ok(1380),
    "station.inscription": ok(5520),
    "station.avis": ok(940),
    "station.panier": ok(0, "delete", accepts=["none"]),
}
QUEUE = {"station.panier": ("none", "rollback")}
DRAINED: dict[str, dict | None] = {view: {"untellable": QUEUE} for view in BLIND}
ROLES = {"lfavre": "billetterie", "exploitation": "billetterie", "stagiaire": ""}
SETTINGS = {"log_line_prefix": "%m [%p] %q%u@%d/%a ", "log_timezone": "Europe/Paris"}


def _revision(number: str, before: str, upgrade: tuple[str, ...], downgrade: tuple[str, ...]) -> str:
    done, undone = (
        "".join(f'    op.execute("{each}")\n' for each in statements) or "    pass\n"
        for statements in (upgrade, downgrade)
    )
    return (
        f"from alembic import op\n\nrevision = '{number}'\ndown_revision = '{before}'\n\n\ndef upgrade():\n{done}\n\n"
        f"def downgrade():\n{undone}"
    )


DROPPED = "DROP TABLE station.avis"
FIRST = Commit(15000, "Billetterie", {
    "alembic/versions/0006_station.py": _revision("0006_station", "None", SLOPES, ("DROP SCHEMA station CASCADE",)),
    "alembic/versions/0007_avis.py": _revision("0007_avis", "0006_station", (OPINIONS,), (DROPPED,)),
    "docker/entrypoint.sh": "#!/bin/sh\nset -e\nalembic upgrade head\nexec uvicorn billetterie.main:app --host 0.0.0.0"
    "\n",
    "compose.yaml": "services:\n  db:\n    image: postgres:16\n    volumes: [pgdata:/var/lib/postgresql/data]\n  api:\n"
    "    build: .\nvolumes:\n  pgdata:\n",
    "scripts/raz_demo.sh": "#!/bin/sh\n# base de démonstration seulement\npsql -h demo-db -d billetterie -c 'TRUNCATE "
    "station.forfait, station.passage, station.panier'\n",
})  # fmt: skip
CARTS = Commit(6000, "Paniers abandonnés", {"billetterie/paniers.py": "async def purger(conn):\n    await conn.execute("
    "\"DELETE FROM station.panier WHERE cree_le < now() - interval '2 hours'\")\n"})  # fmt: skip
COLUMN = "ALTER TABLE station.remontee ADD COLUMN secteur text"
LATER = act("billetterie", API, "INSERT INTO station.panier (contenu) VALUES ('{}')")


def _project_renamed(stage: Stage) -> None:
    """Compose makes another volume for the project's new name; the entry point migrates the empty database."""
    stage.server.renew()
    project_given_a_name.create(stage.server)


GONE = tuple(name for name in STANDING if name not in ("station.alembic_version", "station.panier"))
project_given_a_name = Script(
    "project_given_a_name",
    "compose.yaml gets a name for its project: docker compose up makes a new volume, and Alembic fills in the schema",
    "billetterie",
    "billetterie",
    TABLES,
    [
        *FILLED,
        SEEN,
        checkpoint,
        act("lfavre", "psql", "DELETE FROM station.panier WHERE contenu IS NULL"),
        act("stagiaire", "psql", "TRUNCATE station.panier", fails=True),
        _project_renamed,
        act("billetterie", API, "SELECT count(*) FROM station.forfait"),
        act("billetterie", API, "INSERT INTO station.forfait VALUES ('F5201', 'Journée', '2026-11-26', 4900)"),
        act("billetterie", "portillons", "INSERT INTO station.passage VALUES ('F9', 3, '2026-11-26 10:01+01'), ('F11', "
            "4, '2026-11-26 10:02+01')"),
        act("billetterie", API, "INSERT INTO station.cours (moniteur_id, jour) VALUES (4, '2026-12-01')", fails=True),
        checkpoint,
    ],
    {
        **{name: lost("new_cluster", None) for name in GONE},
        "station.forfait": lost("new_cluster", None, 1),
        "station.passage": lost("new_cluster", None, 2),
        # A book of one line as before, and carts that come and go: what was in them is gone with the volume.
        "station.alembic_version": {**ok(1, "new_cluster", accepts=["none", "restore"]),
                                    "statuses": ("partial", "wiped", "undecided")},
        "station.panier": {**ok(0, "new_cluster", accepts=["none"]), "statuses": ("wiped", "undecided")},
    },
    "storage_replaced",
    scope=["station"],
    roles=ROLES,
    causes=[{"cause": "storage_replaced", "tables": GONE}],
    reported=["forfait", "passage", "cours"],
    begins=96,
    commits=[FIRST, CARTS, Commit(2, "Nom du projet", {"compose.yaml": "name: billetterie-hiver\nservices:\n  db:\n"
        "    image: postgres:16\n    volumes: [pgdata:/var/lib/postgresql/data]\n  api:\n    build: .\nvolumes:\n  "
        "pgdata:\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

NIGHT: deeds.Dump = {
    "COPY station.passage (numero, remontee, vu_a) FROM stdin":
        [(f"F{1 + n % 5200}", 1 + n % 27, f"2026-11-{21 + n // 4320} {8 + n % 9:02}:{n % 60:02}:{n // 540 % 60:02}+01")
         for n in range(9600)],
}  # fmt: skip


def _scans_of_the_night(stage: Stage) -> None:
    """One pass was to be looked up; pg_restore --clean --if-exists -t passage goes to the database in use."""
    dropped = ["SELECT pg_catalog.set_config('search_path', '', false)", "DROP TABLE IF EXISTS station.passage",
               SCANS[0], "ALTER TABLE station.passage OWNER TO billetterie"]  # fmt: skip
    deeds.copied(stage, "postgres", "pg_restore", dropped, NIGHT, [])


scans_of_the_night_before = Script(
    "scans_of_the_night_before",
    "pg_restore --clean -t passage, meant for the copy, puts the scans of three days ago in place of today's",
    "billetterie",
    "billetterie",
    TABLES,
    [
        *FILLED,
        SEEN,
        checkpoint,
        act("billetterie", "", COLUMN, "UPDATE station.alembic_version SET version_num = '0008_secteur'", whole=True),
        act("lfavre", "psql", "SELECT * FROM station.passage WHERE numero = 'F7'"),
        _scans_of_the_night,
        act("billetterie", "portillons", "INSERT INTO station.passage VALUES ('F9', 3, '2026-11-26 10:01+01'), ('F11', "
            "4, '2026-11-26 10:02+01')"),
        *PAID,
        act("stagiaire", "psql", "DELETE FROM station.passage", fails=True),
        act("lfavre", "psql", "DELETE FROM station.passage WHERE numero = 'F7' AND remontee = 'x'", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "station.alembic_version": ok(1, accepts=["update"]),
        "station.passage": lost("restore", None, 9602, accepts=["recreate"]),
    },
    "restore",
    scope=["station"],
    roles=ROLES,
    roots=["station.passage"],
    causes=[{"cause": "restore", "tables": ("station.passage",)}],
    reported=["passage"],
    commits=[FIRST, CARTS, Commit(3, "Secteurs", {"alembic/versions/0008_secteur.py": _revision(
        "0008_secteur", "0007_avis", (COLUMN,), ("ALTER TABLE station.remontee DROP COLUMN secteur",))}),
        Commit(2000, "Sauvegarde", {"ops/cron.d/sauvegarde": "30 2 * * * postgres pg_dump -Fc -d billetterie -f "
            "/srv/sauvegardes/billetterie-$(date +\\%u).dump\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)  # fmt: skip


def _passes_followed(stage: Stage) -> None:
    """The union of resorts publishes its passes; there somebody strikes off those of the season, and not of last."""
    deeds.published(
        stage, "billetterie", ("CREATE SCHEMA station", PASS), "FOR TABLE station.forfait",
        [SOLD.format(f"generate_series({n}, {n + 1299})") for n in (1, 1301, 2601, 3901)],
        ["DELETE FROM station.forfait WHERE valide_jusqu > '2026-12-01'"],
        "SELECT count(*) FROM station.forfait", (5200, 419),
    )  # fmt: skip


UPSTREAM = {"cause": "replication", "tables": ("station.forfait",)}
passes_struck_off_by_the_union = Script(
    "passes_struck_off_by_the_union",
    "The union of resorts deletes passes that are still good on its own server, and the subscription brings it here",
    "billetterie",
    "billetterie",
    TABLES,
    [
        LIFTS,
        _passes_followed,
        SCANNED,
        TAUGHT,
        *PAID,
        SEEN,
        checkpoint,
        act("billetterie", "portillons", "SELECT produit FROM station.forfait WHERE numero = 'F88'"),
        act("lfavre", "pgAdmin 4 - CONN:5512034", "DELETE FROM station.forfaits WHERE numero = 'F88'", fails=True),
        act("stagiaire", "psql", "DELETE FROM station.forfait", fails=True),
        *PAID,
        checkpoint,
    ],
    {**STANDING, "station.forfait": lost("delete", 4781, 419)},
    "replication",
    scope=["station"],
    roles=ROLES,
    roots=["station.forfait"],
    causes=[UPSTREAM],
    reported=["forfait"],
    commits=[FIRST, CARTS, Commit(7000, "Forfaits de l'union", {"docs/replication.md": "# Forfaits communs\n\n"
        "`station.forfait` vient de l'union par une souscription (`CREATE SUBSCRIPTION central`). Ne pas écrire ici.\n"
        })],
    later=[LATER],
    settings=SETTINGS,
    # The subscription is in the catalogue, and who deleted is not.
    views={view: {"untellable": QUEUE, "causes": ({**UPSTREAM, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

CANCELLED = "DELETE FROM station.cours WHERE jour >= '2026-12-11'"
ROLLED_BACK = {"cause": "migration", "tables": ("station.avis",)}
BY_API = {"cause": "application", "tables": ("station.cours", "station.inscription")}
rolled_back_one_too_far = Script(
    "rolled_back_one_too_far",
    "A failed release is rolled back by alembic downgrade -1 though its revision never ran; and the API cancels every "
    "instructor's lessons",
    "billetterie",
    "billetterie",
    TABLES,
    [
        *FILLED,
        SEEN,
        checkpoint,
        act("billetterie", API, CANCELLED),
        act("billetterie", API, "SELECT count(*) FROM station.cours WHERE moniteur_id = 12"),
        checkpoint,
        act("billetterie", "", COLUMN, "ALTER TABLE station.cours ADD COLUMN secteur int REFERENCES station.secteur",
            whole=True, fails=True),
        act("billetterie", "", DROPPED, "UPDATE station.alembic_version SET version_num = '0006_station'", whole=True),
        act("billetterie", API, "SELECT avg(note) FROM station.avis", fails=True),
        act("billetterie", "", OPINIONS, "UPDATE station.alembic_version SET version_num = '0007_avis'", whole=True),
        act("billetterie", API, "INSERT INTO station.avis (note, texte) VALUES (4, 'Neige'), (2, 'Attente')"),
        act("stagiaire", "psql", "DELETE FROM station.inscription", fails=True),
        *PAID,
        checkpoint,
    ],
    {
        **STANDING,
        "station.alembic_version": ok(1, accepts=["update"]),
        # Days 20 to 29 of thirty, 46 lessons each and four pupils a lesson.
        "station.cours": lost("delete", 460, 920),
        "station.inscription": lost("cascade_delete", 1840, 3680, via=["station.cours"]),
        "station.avis": lost("recreate", None, 2),
    },
    "migration",
    scope=["station"],
    roles=ROLES,
    roots=["station.avis", "station.cours"],
    causes=[ROLLED_BACK, BY_API],
    reported=["avis", "cours"],
    commits=[FIRST, CARTS, Commit(200, "Annulations", {"billetterie/annulations.py": "async def annuler(conn, depuis, "
        "moniteur=None):\n    requete, valeurs = 'DELETE FROM station.cours WHERE jour >= $1', [depuis]\n    if "
        "moniteur:\n        requete, valeurs = requete + ' AND moniteur_id = $2', [depuis, moniteur]\n    await conn."
        "execute(requete, *valeurs)\n"}),
        Commit(3, "Secteurs", {"alembic/versions/0008_secteur.py": _revision("0008_secteur", "0007_avis", (
            COLUMN, "ALTER TABLE station.cours ADD COLUMN secteur int REFERENCES station.secteur"), ()),
            "ops/retour_arriere.sh": "#!/bin/sh\n# après un déploiement manqué\ndocker compose run --rm api alembic "
            "downgrade -1\n"})],
    later=[LATER],
    settings=SETTINGS,
    # Whose the lessons' DELETE was is in no log of errors; the file of the API is one suspect among others.
    views={view: {"untellable": QUEUE, "causes": (ROLLED_BACK, {**BY_API, "accepts": ("unknown",)})} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        project_given_a_name, scans_of_the_night_before, passes_struck_off_by_the_union, rolled_back_one_too_far,
    )
)  # fmt: skip
