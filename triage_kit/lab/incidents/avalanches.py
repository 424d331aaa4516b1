"""An avalanche service: observers in Slovenian on SQLAlchemy and yoyo, a subscription, a restore of one table."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

STATION = "CREATE TABLE plaz.postaja (sifra text PRIMARY KEY, ime text NOT NULL, nadmorska int NOT NULL)"
MEASURED = (
    STATION,
    "CREATE TABLE plaz.odčitek (postaja text NOT NULL REFERENCES plaz.postaja ON DELETE CASCADE, cas timestamptz NOT "
    "NULL, sneg_cm int, temp numeric(4, 1), PRIMARY KEY (postaja, cas))",
)
DUG = (
    "CREATE TABLE plaz.profil (id serial PRIMARY KEY, kraj text NOT NULL, dan date NOT NULL, opazovalec text)",
    "CREATE TABLE plaz.plast (profil_id int NOT NULL REFERENCES plaz.profil ON DELETE CASCADE, od_cm int NOT NULL, "
    "trdota text, PRIMARY KEY (profil_id, od_cm))",
)
ISSUED = (
    "CREATE TABLE plaz.območje (id int PRIMARY KEY, ime text NOT NULL)",
    "CREATE TABLE plaz.bilten (id serial PRIMARY KEY, izdan timestamptz NOT NULL, avtor text NOT NULL)",
    "CREATE TABLE plaz.ocena (bilten_id int NOT NULL REFERENCES plaz.bilten ON DELETE CASCADE, območje_id int NOT NULL "
    "REFERENCES plaz.območje, stopnja smallint NOT NULL, PRIMARY KEY (bilten_id, območje_id))",
    "CREATE TABLE plaz.bilten_prevod (bilten_id int NOT NULL REFERENCES plaz.bilten, jezik char(2) NOT NULL, besedilo "
    "text NOT NULL, PRIMARY KEY (bilten_id, jezik))",
    "CREATE TABLE plaz.naročnik (id serial PRIMARY KEY, e_naslov text NOT NULL)",
    "CREATE TABLE plaz.pošta (id bigserial PRIMARY KEY, komu text NOT NULL, bilten_id int NOT NULL)",
    "CREATE VIEW plaz.objavljeno AS SELECT b.id, b.izdan, s.besedilo FROM plaz.bilten b JOIN plaz.bilten_prevod s ON "
    "s.bilten_id = b.id AND s.jezik = 'sl'",
)
BOOK = (
    "CREATE TABLE public._yoyo_migration (migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255), "
    "applied_at_utc timestamp)"
)
NOTED = "INSERT INTO public._yoyo_migration VALUES (md5('{0}'), '{0}', now() AT TIME ZONE 'UTC')"
TABLES = (
    "CREATE SCHEMA plaz",
    BOOK,
    *MEASURED,
    *DUG,
    *ISSUED,
    *(NOTED.format(f"000{number}.{name}") for number, name in ((1, "postaje"), (2, "profili"), (3, "bilten"))),
)
WEB, TIMER = "plaz-splet", "plaz-opravila"
STATIONS = act("plaz", "", "INSERT INTO plaz.postaja SELECT 'P' || g, 'Postaja ' || g, 700 + 20 * g FROM "
               "generate_series(1, 80) g")  # fmt: skip
WINTER = (
    STATIONS,
    act(
        "plaz",
        WEB,
        "INSERT INTO plaz.odčitek SELECT 'P' || 1 + g % 80, timestamptz '2026-11-25 00:00+01' + g / 80 * interval '15 "
        "minutes', 90 + g % 40, -4 FROM generate_series(0, 9599) g",
        "INSERT INTO plaz.profil (kraj, dan, opazovalec) SELECT 'Kraj ' || g % 50, date '2023-12-01' + g, 'Opazovalec '"
        " || g % 12 FROM generate_series(1, 640) g",
        "INSERT INTO plaz.plast SELECT 1 + g / 4, g % 4 * 25, '4F' FROM generate_series(0, 2559) g",
        "INSERT INTO plaz.območje SELECT g, 'Območje ' || g FROM generate_series(1, 14) g",
        "INSERT INTO plaz.bilten (izdan, avtor) SELECT timestamptz '2025-11-15 17:00+01' + g * interval '1 day', "
        "'mkranjc' FROM generate_series(1, 210) g",
        "INSERT INTO plaz.ocena SELECT 1 + g / 14, 1 + g % 14, 1 + g % 4 FROM generate_series(0, 2939) g",
        "INSERT INTO plaz.bilten_prevod SELECT g, 'sl', 'Nevarnost plazov' FROM generate_series(1, 210) g",
        "INSERT INTO plaz.bilten_prevod SELECT g, 'en', 'Avalanche danger' FROM generate_series(171, 210) g",
        "INSERT INTO plaz.naročnik (e_naslov) SELECT g || '@example.si' FROM generate_series(1, 900) g",
    ),
)
MAILED = (
    act("plaz", WEB, "INSERT INTO plaz.pošta (komu, bilten_id) SELECT g || '@example.si', 210 FROM generate_series(1, "
        "300) g"),
    act("plaz_timer", TIMER, *[f"DELETE FROM plaz.pošta WHERE id % 3 = {part}" for part in range(3)]),
)  # fmt: skip
ARRIVED, ARRIVED_AFTER = (
    act("plaz", WEB, f"INSERT INTO plaz.odčitek SELECT sifra, '2026-11-26 {at}+01', 110, -6 FROM plaz.postaja")
    for at in ("08:00", "08:15")
)
STANDING = {
    "public._yoyo_migration": ok(3),
    "plaz.postaja": ok(80),
    "plaz.odčitek": ok(9680),
    "plaz.profil": ok(640),
    "plaz.plast": ok(2560),
    "plaz.območje": ok(14),
    "plaz.bilten": ok(210),
    "plaz.ocena": ok(2940),
    "plaz.bilten_prevod": ok(250),
    "plaz.naročnik": ok(900),
    "plaz.pošta": ok(0, "delete", accepts=["none"]),
}
SCOPE = ("plaz", "public")
ROLES = {"plaz_timer": "plaz", "mkranjc": "plaz", "bralec": ""}
SETTINGS = {
    "log_line_prefix": "%t:%r:%u@[%d]:[%p]:%a: ",
    "log_timezone": "Europe/Ljubljana",
    "log_statement": "ddl",
    "shared_preload_libraries": "pg_stat_statements",
}
STATS = act("postgres", "psql", "CREATE EXTENSION pg_stat_statements")
QUEUE = {"plaz.pošta": ("none", "rollback")}


def _yoyo(*steps: str) -> str:
    called = "".join(f'    step("""{each}"""),\n' for each in steps)
    return f"from yoyo import step\n\n__depends__ = {{}}\n\nsteps = [\n{called}]\n"


FIRST = Commit(24000, "Postaje, profili, bilten", {
    "migracije/0001.postaje.py": _yoyo("CREATE SCHEMA plaz", *MEASURED),
    "migracije/0002.profili.py": _yoyo(*DUG),
    "migracije/0003.bilten.py": _yoyo(*ISSUED),
    "yoyo.ini": "[DEFAULT]\nsources = migracije\ndatabase = postgresql://plaz@db/plazovi\n",
    "opravila/posta.py": "from sqlalchemy import text\n\nfrom plaz.baza import motor\n\n\ndef poslji():\n    for del_ "
    "in range(3):\n        with motor.begin() as c:\n            for vrsta in c.execute(text('DELETE FROM plaz.pošta W"
    "HERE id % 3 = :d RETURNING komu, bilten_id'), {'d': del_}):\n                smtp(vrsta)\n",
    "systemd/plaz-posta.timer": "[Timer]\nOnCalendar=*:0/5\n",
    "systemd/plaz-posta.service": "[Service]\nEnvironment=PGUSER=plaz_timer PGAPPNAME=plaz-opravila\nExecStart="
    "/usr/bin/python3 -m opravila.posta\n",
})  # fmt: skip
COLUMN = "ALTER TABLE plaz.območje ADD COLUMN barva text"
COLOURED = act("plaz", "", COLUMN, NOTED.format("0004.barva"), whole=True)
COLOURS = Commit(5, "Barve območij", {"migracije/0004.barva.py": _yoyo(COLUMN)})
LATER = act("plaz", WEB, "INSERT INTO plaz.profil (kraj, dan) VALUES ('Vršič', '2026-11-27')")

TWINS = (
    "DELETE FROM plaz.odčitek a USING plaz.odčitek b WHERE a.postaja = b.postaja AND date_trunc('hour', a.cas) = "
    "date_trunc('hour', b.cas) AND a.cas > b.cas"
)
BY_TIMER = {"cause": "scheduled_job", "tables": ("plaz.odčitek",)}
quarters_taken_for_twins = Script(
    "quarters_taken_for_twins",
    "Stations report every quarter of an hour since this winter; the nightly job that removes a second reading of the "
    "same hour removes three of four",
    "plazovi",
    "plaz",
    TABLES,
    [
        STATS,
        *WINTER,
        *MAILED,
        checkpoint,
        COLOURED,
        ARRIVED,
        act("mkranjc", "psql", "DELETE FROM plaz.odčitek WHERE sneg_cm > 900"),
        act("plaz_timer", TIMER, TWINS),
        act("mkranjc", "psql", "SELECT count(*) FROM plaz.odčitek", "SELECT * FROM plaz.postaja LIMIT 5"),
        act("bralec", "DBeaver 25.2.0 - Main <plazovi>", "DELETE FROM plaz.odčitek", fails=True),
        act("mkranjc", "psql", "TRUNCATE plaz.odcitek", fails=True),
        ARRIVED_AFTER,
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public._yoyo_migration": ok(4),
        # Thirty hours of eighty stations, four readings an hour, of which one is left; 160 came one by one.
        "plaz.odčitek": lost("delete", 7200, 2560),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["plaz.odčitek"],
    causes=[BY_TIMER],
    reported=["odčitek"],
    commits=[FIRST, COLOURS, Commit(9000, "Podvojeni odčitki", {
        "opravila/podvojeni.py": "from sqlalchemy import text\n\nfrom plaz.baza import motor\n\n# postaja včasih isto "
        f"uro pošlje dvakrat\nDVOJNI = \"{TWINS}\"\n\nwith motor.begin() as c:\n    c.execute(text(DVOJNI))\n",
        "systemd/plaz-podvojeni.timer": "[Timer]\nOnCalendar=03:40\n",
        "systemd/plaz-podvojeni.service": "[Service]\nEnvironment=PGUSER=plaz_timer PGAPPNAME=plaz-opravila\nExecStart="
        "/usr/bin/python3 -m opravila.podvojeni\n"}), Commit(400, "Postaje na četrt ure", {
        "docs/postaje.md": "Od novembra postaje sporočajo vsakih 15 minut.\n"})],
    later=[LATER],
    settings=SETTINGS,
    # Only pg_stat_statements tells whose login deleted.
    views={view: {"untellable": {**QUEUE, **({"plaz.odčitek": ("none", "counters_reset")} if view == "crash" else {})},
                  "causes": ({**BY_TIMER, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip


def _valley_given_up(stage: Stage) -> None:
    """The environment agency sends what changes of stations; it strikes off those of the valleys on its own server."""
    deeds.published(
        stage, "plaz", ("CREATE SCHEMA plaz", STATION),
        "FOR TABLE plaz.postaja WITH (publish = 'update, delete')",
        # The first copy is over, of a table that is empty there yet: the stations are here already.
        [],
        [*STATIONS.statements, "UPDATE plaz.postaja SET ime = 'Kredarica' WHERE sifra = 'P70'",
         "DELETE FROM plaz.postaja WHERE nadmorska < 1000"],
        "SELECT count(*) FROM plaz.postaja WHERE (SELECT bool_and(srsubstate IN ('r', 's')) FROM pg_subscription_rel)",
        (80, 66),
    )  # fmt: skip


BY_AGENCY = {"cause": "replication", "tables": ("plaz.postaja",)}
stations_of_the_valleys = Script(
    "stations_of_the_valleys",
    "The environment agency gives up its stations in the valleys, and the subscription deletes them here; their "
    "readings stay, since no cascade runs in an apply worker, but the map joins them away",
    "plazovi",
    "plaz",
    TABLES,
    [
        STATS,
        *WINTER,
        *MAILED,
        ARRIVED,
        checkpoint,
        COLOURED,
        act("plaz_timer", TIMER, "DELETE FROM plaz.odčitek WHERE cas < '2024-11-26'"),
        _valley_given_up,
        act("plaz", WEB, "INSERT INTO plaz.odčitek VALUES ('P3', '2026-11-26 08:30+01', 12, 1)", fails=True),
        act("mkranjc", "psql", "SELECT count(*) FROM plaz.odčitek JOIN plaz.postaja ON sifra = postaja"),
        act("mkranjc", "psql", "DELETE FROM plaz.postaja WHERE ime = ''"),
        act("bralec", "DBeaver 25.2.0 - Main <plazovi>", "TRUNCATE plaz.postaja CASCADE", fails=True),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public._yoyo_migration": ok(4),
        # From 720 m upwards in steps of 20 m.
        "plaz.postaja": lost("delete", 14, 66),
        # 1694 of them have no station any more.
        "plaz.odčitek": {**ok(9680), "statuses": ("hidden",)},
    },
    "replication",
    scope=SCOPE,
    roles=ROLES,
    roots=["plaz.postaja"],
    causes=[BY_AGENCY],
    reported=["postaja", "odčitek"],
    commits=[FIRST, COLOURS, Commit(15000, "Postaje agencije", {"ops/agencija.sql": "-- enkrat, kot postgres; postaje "
        "so bile prepisane iz datoteke, od tu sledijo spremembam\nCREATE SUBSCRIPTION central CONNECTION "
        "'service=agencija' PUBLICATION central;\n"}), Commit(14000, "Dve leti odčitkov", {
        "opravila/stari.py": "from sqlalchemy import text\n\nfrom plaz.baza import motor\n\nwith motor.begin() as c:"
        "\n    c.execute(text(\"DELETE FROM plaz.odčitek WHERE cas < now() - interval '2 years'\"))\n"})],
    later=[LATER],
    settings=SETTINGS,
    # That a subscription follows the table is in the catalogue; that it deleted is not.
    views={view: {"untellable": {**QUEUE, **({"plaz.postaja": ("none", "counters_reset")} if view == "crash" else {})},
                  "causes": ({**BY_AGENCY, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

TWO_TONGUES = (
    "CREATE OR REPLACE VIEW plaz.objavljeno AS SELECT b.id, b.izdan, s.besedilo, e.besedilo AS text_en FROM plaz.bilte"
    "n b JOIN plaz.bilten_prevod s ON s.bilten_id = b.id AND s.jezik = 'sl' JOIN plaz.bilten_prevod e ON e.bilten_id = "
    "b.id AND e.jezik = 'en'"
)
bulletins_without_a_translation = Script(
    "bulletins_without_a_translation",
    "False alarm: a new view of what is published joins the English text, and only forty bulletins of 210 have one",
    "plazovi",
    "plaz",
    TABLES,
    [
        STATS,
        *WINTER,
        *MAILED,
        checkpoint,
        act("plaz", "", TWO_TONGUES, NOTED.format("0004.dvojezicno"), whole=True),
        act("plaz", WEB, "SELECT count(*) FROM plaz.objavljeno"),
        act("mkranjc", "psql", "DELETE FROM plaz.ocena WHERE bilten_id < 40", undone=True),
        act("mkranjc", "psql", "SELECT count(*) FROM plaz.objavljeno"),
        act("plaz_timer", TIMER, "DELETE FROM plaz.bilten WHERE izdan < '2016-11-26'"),
        act("mkranjc", "psql", "DELETE FROM plaz.bilten WHERE id = 12", fails=True),
        act("postgres", "psql", "VACUUM FULL plaz.naročnik"),
        act("bralec", "DBeaver 25.2.0 - Main <plazovi>", "TRUNCATE plaz.bilten CASCADE", fails=True),
        ARRIVED,
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public._yoyo_migration": ok(4),
        "plaz.ocena": ok(2940, accepts=["delete", "cascade_delete", "rollback"]),
        "plaz.bilten": {**ok(210, accepts=["hidden"]), "statuses": ("hidden",)},
        "plaz.bilten_prevod": {**ok(250, accepts=["hidden"]), "statuses": ("hidden",)},
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ()}],
    reported=["bilten"],
    commits=[FIRST, Commit(7, "Dvojezični bilten", {"migracije/0004.dvojezicno.py": _yoyo(TWO_TONGUES)}),
             Commit(8000, "Deset let biltenov", {"opravila/stari.py": "from sqlalchemy import text\n\nfrom plaz.baza "
        "import motor\n\nwith motor.begin() as c:\n    c.execute(text(\"DELETE FROM plaz.bilten WHERE izdan < now() - "
        "interval '10 years'\"))\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": QUEUE} for view in BLIND},
    holdout=True,
)  # fmt: skip

PITS = ("plaz.profil", "plaz.plast")
WEEK_OLD: deeds.Dump = {
    "COPY plaz.plast (profil_id, od_cm, trdota) FROM stdin": [
        (str(1 + n // 4), str(n % 4 * 25), "4F") for n in range(2240)
    ],
    "COPY plaz.profil (id, kraj, dan, opazovalec) FROM stdin": [
        (str(n), f"Kraj {n % 50}", f"{2023 + n // 360}-{1 + n // 30 % 12:02}-{1 + n % 28:02}", f"Opazovalec {n % 12}")
        for n in range(1, 561)
    ],
}


def _pits_put_back(stage: Stage) -> None:
    """pg_restore -c -t profil -t plast: the tables alone, so neither sequence nor key nor default comes back."""
    deeds.copied(
        stage, "postgres", "pg_restore",
        ["SELECT pg_catalog.set_config('search_path', '', false)", "DROP TABLE plaz.plast", "DROP TABLE plaz.profil",
         "CREATE TABLE plaz.plast (profil_id integer NOT NULL, od_cm integer NOT NULL, trdota text)",
         "ALTER TABLE plaz.plast OWNER TO plaz",
         "CREATE TABLE plaz.profil (id integer NOT NULL, kraj text NOT NULL, dan date NOT NULL, opazovalec text)",
         "ALTER TABLE plaz.profil OWNER TO plaz"],
        WEEK_OLD,
    )  # fmt: skip


BY_RESTORE = {"cause": "restore", "tables": PITS}
one_snow_pit_from_last_week = Script(
    "one_snow_pit_from_last_week",
    "An observer deleted a snow pit by mistake; pg_restore -c of the two tables fetches it from last week's dump, and "
    "eighty pits dug since are gone, with key and default",
    "plazovi",
    "plaz",
    TABLES,
    [
        STATS,
        *WINTER,
        *MAILED,
        act("plaz", WEB, "DELETE FROM plaz.profil WHERE id = 511"),
        checkpoint,
        COLOURED,
        act("mkranjc", "psql", "SELECT * FROM plaz.profil WHERE id = 511"),
        _pits_put_back,
        act("mkranjc", "psql", "SELECT * FROM plaz.profil WHERE id = 511"),
        act("plaz", WEB, "INSERT INTO plaz.profil (kraj, dan) VALUES ('Vogel', '2026-11-26')", fails=True),
        act("mkranjc", "psql", "DELETE FROM plaz.plasti WHERE profil_id > 560", fails=True),
        act("bralec", "DBeaver 25.2.0 - Main <plazovi>", "DELETE FROM plaz.profil", fails=True),
        ARRIVED,
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public._yoyo_migration": ok(4),
        "plaz.profil": lost("restore", None, 560, accepts=["recreate"]),
        "plaz.plast": lost("restore", None, 2240, accepts=["recreate"]),
    },
    "restore",
    scope=SCOPE,
    roles=ROLES,
    roots=PITS,
    causes=[BY_RESTORE],
    reported=["profil"],
    commits=[FIRST, COLOURS, Commit(16000, "Kopije", {"ops/cron.d/kopija": "0 2 * * 4 postgres pg_dump -Fc -d plazovi "
        "-f /srv/kopije/plazovi-$(date +\\%V).dump\n"})],
    later=[act("plaz", WEB, "INSERT INTO plaz.naročnik (e_naslov) VALUES ('nov@example.si')")],
    settings=SETTINGS,
    views={view: {"untellable": {**QUEUE, **dict.fromkeys(PITS, ("none", "counters_reset") if view == "stats_csv" else
                                                          ())},
                  "causes": ({**BY_RESTORE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        quarters_taken_for_twins,
        stations_of_the_valleys,
        bulletins_without_a_translation,
        one_snow_pit_from_last_week,
    )
)
