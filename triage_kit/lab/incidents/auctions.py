"""An auction house in Turkish, on Kotlin: tests that drop and tidy up, a prepare, a check of backups, two losses."""

from __future__ import annotations

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, lost, ok

TABLES = (
    "CREATE TABLE muzayede (id integer PRIMARY KEY, ad varchar(120) NOT NULL, tarih date)",
    "CREATE TABLE eser (id integer PRIMARY KEY, muzayede_id integer NOT NULL REFERENCES muzayede, baslik text)",
    "CREATE TABLE teklif (id bigserial PRIMARY KEY, eser_id integer NOT NULL REFERENCES eser, teklif_veren text, "
    "tutar numeric(12, 2) NOT NULL)",
    "CREATE UNLOGGED TABLE salon_ekrani (eser_id integer PRIMARY KEY, son_tutar numeric(12, 2))",
    "CREATE TABLE uye (kullanici_adi text PRIMARY KEY, sehir text)",
    "CREATE INDEX teklif_eser ON teklif (eser_id)",
)
# Members are called uye1…, and seven of them begin with `test`: the firm Testa and its people.
BID = act(
    "muzayede",
    "muzayede-service",
    "INSERT INTO muzayede SELECT g, 'Sonbahar ' || g, date '2026-09-01' + g FROM generate_series(1, 16) g",
    "INSERT INTO eser SELECT g, 1 + g % 16, 'Eser ' || g FROM generate_series(1, 1280) g",
    "INSERT INTO uye SELECT 'uye' || g, 'Bursa' FROM generate_series(1, 640) g",
    "INSERT INTO uye SELECT 'testa' || g, 'Izmir' FROM generate_series(1, 7) g",
    "INSERT INTO teklif (eser_id, teklif_veren, tutar) SELECT 1 + g % 1280, CASE WHEN g % 20 = 0 THEN 'testa' || 1 + "
    "g % 7 ELSE 'uye' || 1 + g % 640 END, 100 + g FROM generate_series(1, 14000) g",
    "INSERT INTO salon_ekrani SELECT g, 100 FROM generate_series(1, 80) g",
)
JOINED = act("muzayede", "muzayede-service", "INSERT INTO uye SELECT 'yeni' || g, 'Van' FROM generate_series(1, 5) g")
STANDING = {
    "public.muzayede": ok(16),
    "public.eser": ok(1280),
    "public.teklif": ok(14000),
    "public.salon_ekrani": ok(80),
    "public.uye": ok(652),
}
SCREEN = {"public.salon_ekrani": lost("unlogged_reset", None)}


def _crashed(*causes: dict) -> dict:
    """After a crash the hall's screen is empty, whatever else befell."""
    return {"tables": SCREEN, "causes": (*causes, {"cause": "crash", "tables": ("public.salon_ekrani",)})}


SETTINGS = {"log_line_prefix": "%m [%p] %u|%d|%a|%x ", "log_timezone": "Asia/Riyadh", "max_prepared_transactions": 4}
KOTLIN = Commit(6200, "Tablolar", {"src/main/resources/schema.sql": ";\n".join(TABLES) + ";\n"})
LATER = act("muzayede", "muzayede-service", "INSERT INTO uye SELECT 'son' || g, 'Van' FROM generate_series(1, 4) g")

DROPPED = {name: lost("drop", None, None, status="missing") for name in ("public.teklif", "public.eser",
                                                                         "public.muzayede")}  # fmt: skip
dropped_by_after_each = Script(
    "dropped_by_after_each",
    "Repository tests used the service's data source: SchemaUtils.drop after each test removes three tables",
    "muzayede",
    "muzayede",
    TABLES,
    [
        BID,
        JOINED,
        checkpoint,
        act("muzayede", "Gradle Test Executor 4", "INSERT INTO muzayede VALUES (9001, 'test', now())",
            "DROP TABLE IF EXISTS teklif", "DROP TABLE IF EXISTS eser", "DROP TABLE IF EXISTS muzayede"),
        act("muzayede", "muzayede-service", "SELECT max(tutar) FROM teklif WHERE eser_id = 7", fails=True),
        act("muzayede", "muzayede-service", "SELECT ad FROM muzayede WHERE id = 3", fails=True),
    ],
    {**STANDING, **DROPPED},
    "test_run",
    roots=list(DROPPED),
    reported=["teklif", "eser", "muzayede"],
    commits=[KOTLIN, Commit(700, "Testler", {"src/test/kotlin/TeklifRepositoryTest.kt": "class TeklifRepositoryTest "
        "{\n    private val db = Database.connect(System.getenv(\"DATABASE_URL\"))\n\n    @AfterEach\n    fun tearDown("
        ") = transaction(db) { SchemaUtils.drop(Teklifler, Eserler, Muzayedeler) }\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "test_run", "tables": tuple(DROPPED)})},
    holdout=True,
)  # fmt: skip

TEARDOWN = "DELETE FROM teklif WHERE teklif_veren LIKE 'test%'"
load_test_cleans_up = Script(
    "load_test_cleans_up",
    "A load test removes its own bids afterwards: whoever is called test…, and so the firm Testa's seven hundred",
    "muzayede",
    "muzayede",
    TABLES,
    [
        BID,
        checkpoint,
        act("muzayede", "k6 load test", "INSERT INTO teklif (eser_id, teklif_veren, tutar) SELECT 9, 'test_vu' || g, 1 "
            "FROM generate_series(1, 60) g"),
        act("muzayede", "k6 load test", TEARDOWN),
        JOINED,
        act("muzayede", "flyway", "ALTER TABLE eser ADD COLUMN taban numeric"),
        checkpoint,
    ],
    {**STANDING, "public.teklif": lost("delete", 700, 13300)},
    "test_run",
    roots=["public.teklif"],
    reported=["teklif"],
    commits=[KOTLIN,
        Commit(90, "Load test", {"test/load/bids.js": "import sql from 'k6/x/sql';\n\nexport function teardown() {\n  "
            f"db.exec(\"{TEARDOWN}\");\n}}\n"}),
        Commit(1, "Taban", {"db/migration/V12__taban.sql": "ALTER TABLE eser ADD COLUMN taban numeric;\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "test_run", "tables": ("public.teklif",)})},
    holdout=True,
)  # fmt: skip


def _prepared(stage: Stage) -> None:
    """The coordinator dies between the two phases: the catalogue's 400 works are prepared, and nobody commits them."""
    with base.session(stage.server, stage.database, "muzayede", "katalog-import", autocommit=False) as connection:
        connection.execute("INSERT INTO eser SELECT g, 16, 'Katalog ' || g FROM generate_series(2001, 2400) g")
        connection.execute("PREPARE TRANSACTION 'katalog-2026-11-25'")


prepared_and_forgotten = Script(
    "prepared_and_forgotten",
    "False alarm: a catalogue of 400 works is not to be seen: its transaction is prepared, and was never committed",
    "muzayede",
    "muzayede",
    TABLES,
    [BID, JOINED, checkpoint, _prepared, act("muzayede", "muzayede-service", "SELECT count(*) FROM eser"),
     act("eaydin", "psql", "TRUNCATE eserler", fails=True)],
    # Rows that were never committed, and that one command brings in still.
    {**STANDING, "public.eser": ok(1280, accepts=["rollback", "unknown"])},
    "not_lost",
    roles={"eaydin": ""},
    reported=["eser"],
    commits=[KOTLIN],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "not_lost", "accepts": ("crash",), "tables": ()})},
    holdout=True,
)  # fmt: skip

OLD: dict[str, list[tuple]] = {
    "COPY public.muzayede (id, ad, tarih) FROM stdin": [(n, f"Sonbahar {n}", "2026-09-01") for n in range(1, 13)],
    "COPY public.eser (id, muzayede_id, baslik) FROM stdin": [(n, 1 + n % 12, f"Eser {n}") for n in range(1, 901)],
    "COPY public.teklif (id, eser_id, teklif_veren, tutar) FROM stdin": [
        (n, 1 + n % 900, f"uye{n % 600}", 100 + n) for n in range(1, 5001)
    ],
}
DROPS = ("DROP TABLE IF EXISTS public.teklif", "DROP TABLE IF EXISTS public.eser",
         "DROP TABLE IF EXISTS public.muzayede")  # fmt: skip


def _checked_here(stage: Stage) -> None:
    owned = [f"ALTER TABLE public.{name} OWNER TO muzayede" for name in ("muzayede", "eser", "teklif")]
    deeds.copied(stage, "yedek", "pg_restore", (*DROPS, *TABLES[:3]), OLD, owned)


CHECKED = {
    "public.muzayede": lost("restore", None, 12),
    "public.eser": lost("restore", None, 900),
    "public.teklif": lost("restore", None, 5000),
}
backup_checked_in_production = Script(
    "backup_checked_in_production",
    "The nightly check of backups restores last week's dump to see that it can; its host was lost from the settings",
    "muzayede",
    "muzayede",
    TABLES,
    [
        BID,
        JOINED,
        act("postgres", "psql", "ALTER ROLE yedek SUPERUSER"),
        checkpoint,
        _checked_here,
        act("muzayede", "muzayede-service", "SELECT count(*) FROM teklif"),
        checkpoint,
    ],
    {**STANDING, **CHECKED},
    "restore",
    roles={"yedek": "muzayede"},
    roots=list(CHECKED),
    reported=["teklif", "eser"],
    commits=[KOTLIN, Commit(1100, "Yedekleri sina", {"ops/check-backup.sh": "#!/bin/sh\n: \"${CHECK_HOST:=}\"\n"
        "pg_restore --clean --if-exists -h \"$CHECK_HOST\" -d muzayede /yedek/latest.dump && echo ok\n",
        "ops/crontab": "40 5 * * * yedek /srv/ops/check-backup.sh\n"})],
    later=[LATER],
    settings=SETTINGS,
    # New objects with rows: who reads neither rows nor statements sees no difference to tables made anew.
    views={view: {"untellable": dict.fromkeys(CHECKED, ("recreate", "none") if view == "stats_csv" else ("recreate",)),
                  **(_crashed({"cause": "restore", "tables": tuple(CHECKED)}) if view == "crash" else {})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

TWO = (
    {"cause": "manual_session", "tables": ("public.teklif",)},
    {"cause": "crash", "tables": ("public.salon_ekrani",)},
)
screen_and_bids = Script(
    "screen_and_bids",
    "The server crashes and the hall's screen is empty; in the haste somebody truncates the bids instead of the screen",
    "muzayede",
    "muzayede",
    TABLES,
    [
        BID,
        JOINED,
        checkpoint,
        crash,
        act("eaydin", "psql", "TRUNCATE salon_ekran", fails=True),
        act("eaydin", "psql", "TRUNCATE teklif"),
        act("muzayede", "muzayede-service", "INSERT INTO teklif (eser_id, teklif_veren, tutar) VALUES (3, 'uye9', 9)"),
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "public.teklif": lost("truncate", 14000, 1),
        "public.salon_ekrani": lost("unlogged_reset", None),
    },
    "manual_session",
    roles={"eaydin": "muzayede"},
    roots=["public.teklif", "public.salon_ekrani"],
    causes=TWO,
    reported=["teklif", "salon_ekrani"],
    commits=[KOTLIN],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {}, "causes": ({**TWO[0], "accepts": ("unknown",)}, TWO[1])}
           for view in ("no_log", "stats_csv")},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        dropped_by_after_each, load_test_cleans_up, prepared_and_forgotten, backup_checked_in_production,
        screen_and_bids,
    )
)  # fmt: skip
