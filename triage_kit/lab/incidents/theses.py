"""Theses of a university in Czech, on Spring: a changeset, a batch step, two hands, an end of term, tests' teardown."""

from __future__ import annotations

from triage_kit.lab.incidents.script import (
    ANONYMOUS,
    BLIND,
    Commit,
    Script,
    act,
    checkpoint,
    log_rotated,
    lost,
    ok,
)

TABLES = (
    "CREATE SCHEMA zaverky",
    "CREATE TABLE zaverky.databasechangelog (id text PRIMARY KEY, author text, filename text, dateexecuted timestamp "
    "DEFAULT now())",
    "INSERT INTO zaverky.databasechangelog VALUES ('1', 'pavel', 'db/001.sql'), ('2', 'pavel', 'db/002.sql')",
    "CREATE TABLE zaverky.fakulta (kod text PRIMARY KEY, nazev text NOT NULL)",
    "CREATE TABLE zaverky.obor (id int PRIMARY KEY, fakulta text NOT NULL REFERENCES zaverky.fakulta, nazev text)",
    "CREATE TABLE zaverky.prace (id bigint PRIMARY KEY, obor int NOT NULL REFERENCES zaverky.obor, nazev text NOT NULL,"
    " rok smallint NOT NULL)",
    "CREATE TABLE zaverky.posudek (id bigserial PRIMARY KEY, prace bigint REFERENCES zaverky.prace, znamka char(1))",
    "CREATE TABLE zaverky.otisk (prace bigint NOT NULL, usek int NOT NULL, hash text NOT NULL)",
    "CREATE TABLE zaverky.pristup (id bigserial PRIMARY KEY, kdo text, kdy timestamptz NOT NULL)",
)
HANDED_IN = act(
    "zaverky",
    "zaverky-web",
    "INSERT INTO zaverky.fakulta SELECT 'F' || g, 'Fakulta ' || g FROM generate_series(1, 12) g",
    "INSERT INTO zaverky.obor SELECT g, 'F' || 1 + g % 12, 'Obor ' || g FROM generate_series(1, 96) g",
    "INSERT INTO zaverky.prace SELECT g, 1 + g % 96, 'Prace ' || g, 2016 + g % 11 FROM generate_series(1, 4400) g",
    "INSERT INTO zaverky.posudek (prace, znamka) SELECT 1 + g % 4400, 'A' FROM generate_series(1, 8800) g",
    "INSERT INTO zaverky.otisk SELECT 1 + g % 4400, g / 4400, md5((g % 5000)::text) FROM generate_series(1, 17600) g",
    "INSERT INTO zaverky.pristup (kdo, kdy) SELECT 'x' || g % 200, timestamptz '2026-11-26 00:00+00' - g * interval "
    "'3 hours' FROM generate_series(1, 2400) g",
)
GRADED = act("zaverky", "zaverky-web", "INSERT INTO zaverky.posudek (prace, znamka) VALUES (3, 'B'), (4, 'C')")
STANDING = {
    "zaverky.databasechangelog": ok(2),
    "zaverky.fakulta": ok(12),
    "zaverky.obor": ok(96),
    "zaverky.prace": ok(4400),
    "zaverky.posudek": ok(8802),
    "zaverky.otisk": ok(17600),
    "zaverky.pristup": ok(2400),
}
SETTINGS = {"log_line_prefix": "%m|%p|%u|%d|%a| ", "log_timezone": "Europe/Prague"}
FIRST = Commit(8100, "Databaze", {"src/main/resources/db/001.sql": "--liquibase formatted sql\n--changeset pavel:1\n"
    + ";\n".join(TABLES[3:]) + ";\n"})  # fmt: skip
LATER = act("zaverky", "zaverky-web", "INSERT INTO zaverky.posudek (prace, znamka) VALUES (9, 'A'), (10, 'A')")

RELOAD = (
    "TRUNCATE zaverky.obor CASCADE",
    "INSERT INTO zaverky.obor SELECT g, 'F' || 1 + g % 12, 'Obor ' || g FROM generate_series(1, 98) g",
)
changeset_reloads_a_code_list = Script(
    "changeset_reloads_a_code_list",
    "A changeset loads the list of fields anew: TRUNCATE … CASCADE takes the theses and their reviews with it",
    "zaverky",
    "zaverky",
    TABLES,
    [
        HANDED_IN,
        GRADED,
        checkpoint,
        act("zaverky", "Liquibase", *RELOAD,
            "INSERT INTO zaverky.databasechangelog VALUES ('3', 'pavel', 'db/003-obory.sql')", whole=True),
        act("zaverky", "zaverky-web", "SELECT count(*) FROM zaverky.prace"),
        act("zaverky", "zaverky-web", "INSERT INTO zaverky.posudek (prace, znamka) VALUES (5, 'A')", fails=True),
        act("dhora", "psql", "DELETE FROM zaverky.prace WHERE rok < 2017", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "zaverky.databasechangelog": ok(3),
        # Ninety-six before and ninety-eight now: the list itself is whole again.
        "zaverky.obor": {**lost("truncate", None, 98, statuses=["intact", "undecided"]), "accepts": ("none",)},
        "zaverky.prace": lost("truncate", 4400, via=["zaverky.obor"]),
        "zaverky.posudek": lost("truncate", 8802, via=["zaverky.obor"]),
    },
    "migration",
    scope=["zaverky"],
    roles={"dhora": ""},
    roots=["zaverky.obor"],
    causes=[{"cause": "migration", "tables": ("zaverky.prace", "zaverky.posudek")}],
    reported=["zaverky.prace", "zaverky.posudek"],
    commits=[FIRST, Commit(4, "Obory podle akreditace", {"src/main/resources/db/003-obory.sql": "--liquibase formatted "
        "sql\n--changeset pavel:3\n" + ";\n".join(RELOAD) + ";\n"})],
    later=[act("zaverky", "zaverky-web", "INSERT INTO zaverky.pristup (kdo, kdy) VALUES ('a', now()), ('b', now())")],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

DOUBLES = ("DELETE FROM zaverky.otisk a USING zaverky.otisk b WHERE a.hash = b.hash AND (a.prace, a.usek) > "
           "(b.prace, b.usek)")  # fmt: skip
fingerprints_deduplicated = Script(
    "fingerprints_deduplicated",
    "The nightly batch removes doubled fingerprints of a thesis, and forgets to compare the thesis; the log is rotated",
    "zaverky",
    "zaverky",
    TABLES,
    [
        HANDED_IN,
        GRADED,
        checkpoint,
        act("davka", "spring-batch: otisky", DOUBLES),
        act("dhora", "psql", "VACUUM FULL zaverky.pristup", fails=True),
        checkpoint,
        log_rotated,
        GRADED,
        act("zaverky", "zaverky-web", "SELECT count(*) FROM zaverky.otisk"),
    ],
    # Five thousand fingerprints are different, and one of each stays.
    {**STANDING, "zaverky.posudek": ok(8804), "zaverky.otisk": lost("delete", 12600, 5000)},
    "scheduled_job",
    scope=["zaverky"],
    roles={"davka": "zaverky", "dhora": ""},
    roots=["zaverky.otisk"],
    reported=["zaverky.otisk"],
    commits=[FIRST, Commit(700, "Otisky jednou", {"src/main/java/cz/zaverky/OtiskyStep.java": "class OtiskyStep {\n  "
        "@Scheduled(cron = \"0 30 1 * * *\")\n  void run() {\n    jdbc.update(\"\"\"\n      "
        f"{DOUBLES}\n      \"\"\");\n  }}\n}}\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

FORGET = "DELETE FROM zaverky.pristup WHERE kdy < timestamptz '2026-11-26 00:00+00' - interval '{}'"
emptied_by_hand_and_forgotten_by_cron = Script(
    "emptied_by_hand_and_forgotten_by_cron",
    "Two things: somebody truncates the fingerprints to compute them again, and cron keeps three days of accesses for "
    "thirty",
    "zaverky",
    "zaverky",
    TABLES,
    [
        HANDED_IN,
        act("uklid", "pristup-uklid", FORGET.format("365 days")),
        GRADED,
        checkpoint,
        act("dhora", "psql", "TRUNCATE zaverky.otisk"),
        GRADED,
        checkpoint,
        act("uklid", "pristup-uklid", FORGET.format("3 days")),
        act("zaverky", "zaverky-web", "SELECT count(*) FROM zaverky.pristup"),
        checkpoint,
    ],
    {
        **STANDING,
        "zaverky.posudek": ok(8804),
        "zaverky.otisk": lost("truncate", 17600),
        # Eight accesses a day, and three days stay.
        "zaverky.pristup": lost("delete", 2376, 24),
    },
    "manual_session",
    scope=["zaverky"],
    roles={"uklid": "zaverky", "dhora": "zaverky"},
    roots=["zaverky.otisk", "zaverky.pristup"],
    causes=[{"cause": "manual_session", "tables": ("zaverky.otisk",)},
            {"cause": "scheduled_job", "tables": ("zaverky.pristup",)}],
    reported=["zaverky.otisk", "zaverky.pristup"],
    commits=[FIRST,
        Commit(4000, "Uklid", {"ops/pristup-uklid.sql": FORGET.format("365 days") + ";\n",
            "ops/crontab": "15 4 * * * uklid psql zaverky -f /srv/ops/pristup-uklid.sql\n"}),
        Commit(20, "Mene pristupu", {"ops/pristup-uklid.sql": FORGET.format("3 days") + ";\n"})],
    later=[LATER],
    settings=SETTINGS,
    # No default log says who truncated; the job's statement lies in the repository.
    views={view: {"causes": (
        {"cause": "manual_session", "accepts": ("unknown",), "tables": ("zaverky.otisk",)},
        {"cause": "scheduled_job", "tables": ("zaverky.pristup",)})} for view in BLIND},
    holdout=True,
)  # fmt: skip

end_of_term = Script(
    "end_of_term",
    "A healthy database at the end of term: many updates, one review taken back, VACUUM FULL, a DROP that was refused",
    "zaverky",
    "zaverky",
    TABLES,
    [
        HANDED_IN,
        GRADED,
        checkpoint,
        act("zaverky", "zaverky-web", "UPDATE zaverky.posudek SET znamka = 'B' WHERE id % 3 = 0",
            "DELETE FROM zaverky.posudek WHERE id = 44",
            "INSERT INTO zaverky.posudek (prace, znamka) VALUES (45, 'A')"),
        act("postgres", "maintenance", "VACUUM FULL zaverky.otisk", "ANALYZE"),
        act("dhora", "psql", "DROP TABLE zaverky.prace", fails=True),
        act("zaverky", "Liquibase", "CREATE INDEX posudek_prace ON zaverky.posudek (prace)",
            "INSERT INTO zaverky.databasechangelog VALUES ('3', 'pavel', 'db/003-index.sql')", whole=True),
        checkpoint,
    ],
    {
        **STANDING,
        "zaverky.databasechangelog": ok(3),
        # One review is deleted on purpose and another written: the trade of this table.
        "zaverky.posudek": ok(8802, accepts=["update", "delete"]),
    },
    "not_lost",
    scope=["zaverky"],
    roles={"dhora": ""},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    commits=[FIRST, Commit(5, "Index", {"src/main/resources/db/003-index.sql": "--liquibase formatted sql\n--changeset "
        "pavel:3\nCREATE INDEX posudek_prace ON zaverky.posudek (prace);\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

TEARDOWN = ("delete from zaverky.posudek", "delete from zaverky.prace", "delete from zaverky.pristup")
torn_down_after_each = Script(
    "torn_down_after_each",
    "Integration tests of an IDE took the profile of production: @AfterEach deletes reviews, theses and accesses",
    "zaverky",
    "zaverky",
    TABLES,
    [
        HANDED_IN,
        GRADED,
        checkpoint,
        act("zaverky", "PraceRepositoryTest", "INSERT INTO zaverky.pristup (kdo, kdy) VALUES ('test', now())",
            *TEARDOWN),
        act("zaverky", "PraceRepositoryTest", "INSERT INTO zaverky.prace VALUES (1, 999, 'Test', 2000)", fails=True),
        act("zaverky", "PraceRepositoryTest", *TEARDOWN),
        act("zaverky", "zaverky-web", "INSERT INTO zaverky.pristup (kdo, kdy) VALUES ('a', now()), ('b', now())"),
        act("postgres", "maintenance", "VACUUM FULL zaverky.obor"),
        checkpoint,
    ],
    {
        **STANDING,
        "zaverky.posudek": lost("delete", 8802),
        "zaverky.prace": lost("delete", 4400),
        "zaverky.pristup": lost("delete", None, 2),
    },
    "test_run",
    scope=["zaverky"],
    roots=["zaverky.posudek", "zaverky.prace", "zaverky.pristup"],
    reported=["zaverky.prace", "zaverky.posudek"],
    later=[LATER],
    settings=SETTINGS,
    # There is no repository; a test's name stands in the log, beside its failed statement.
    views={"no_log": ANONYMOUS["no_log"]},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        changeset_reloads_a_code_list, fingerprints_deduplicated, emptied_by_hand_and_forgotten_by_cron, end_of_term,
        torn_down_after_each,
    )
)  # fmt: skip
