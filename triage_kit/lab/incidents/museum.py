"""A museum's catalogue in Russian: an importer's swap, a mount that was missing, a right revoked, two tries, a rule."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE SCHEMA каталог",
    "CREATE TABLE каталог.зал (номер smallint PRIMARY KEY, название text)",
    'CREATE TABLE каталог."Экспонаты" (инв_номер text PRIMARY KEY, зал smallint, название text NOT NULL, век smallint)',
    "CREATE TABLE каталог.выдача (ид bigserial PRIMARY KEY, инв_номер text, кому text, вернули boolean DEFAULT false)",
    "CREATE TABLE каталог.реставрация (ид bigserial PRIMARY KEY, инв_номер text, мастер text)",
    "CREATE TABLE каталог.журнал (ид bigserial PRIMARY KEY, запись text, время timestamptz DEFAULT now())",
)
SHOWN = act(
    "muzej",
    "katalog-web",
    "INSERT INTO каталог.зал SELECT g, 'Зал ' || g FROM generate_series(1, 35) g",
    "INSERT INTO каталог.\"Экспонаты\" SELECT 'КП-' || g, 1 + g % 35, 'Предмет ' || g, 15 + g % 6 "
    "FROM generate_series(1, 5600) g",
    "INSERT INTO каталог.выдача (инв_номер, кому, вернули) SELECT 'КП-' || g, 'Музей ' || g % 9, g % 4 > 0 "
    "FROM generate_series(1, 480) g",
    "INSERT INTO каталог.реставрация (инв_номер, мастер) SELECT 'КП-' || 3 * g, 'Мастер' FROM generate_series(1, 77) g",
    'UPDATE каталог."Экспонаты" SET зал = 2 WHERE зал = 35',
)
LOGGED = act("muzej", "katalog-web", "INSERT INTO каталог.журнал (запись) VALUES ('вход'), ('поиск'), ('выход')")
STANDING = {
    "каталог.зал": ok(35),
    "каталог.Экспонаты": ok(5600, accepts=["update"]),
    "каталог.выдача": ok(480),
    "каталог.реставрация": ok(77),
    "каталог.журнал": ok(3),
}
SETTINGS = {"log_line_prefix": "%t %u@%d %a [%p] %c ", "log_timezone": "Europe/Samara"}
FIRST = Commit(9000, "Каталог", {"sql/001.sql": ";\n".join(TABLES) + ";\n"})

SWAP = (
    'CREATE TABLE каталог."Экспонаты_новые" (LIKE каталог."Экспонаты" INCLUDING ALL)',
    'INSERT INTO каталог."Экспонаты_новые" SELECT * FROM каталог."Экспонаты" WHERE век < 16',
    'DROP TABLE каталог."Экспонаты"',
    'ALTER TABLE каталог."Экспонаты_новые" RENAME TO "Экспонаты"',
)
catalogue_swapped_by_importer = Script(
    "catalogue_swapped_by_importer",
    "The weekly import builds a new table and swaps it in; the file of this week ends after the fifteenth century",
    "музей",
    "muzej",
    TABLES,
    [
        SHOWN,
        LOGGED,
        checkpoint,
        act("import_kp", "import-kamis.timer", "SET ROLE muzej", *SWAP, whole=True),
        act("muzej", "katalog-web", 'SELECT count(*) FROM каталог."Экспонаты"'),
        act("orlova", "psql", "TRUNCATE каталог.экспонаты", fails=True),
        checkpoint,
    ],
    {**STANDING, "каталог.Экспонаты": lost("recreate", 4667, 933)},
    "scheduled_job",
    scope=["каталог"],
    roles={"import_kp": "muzej", "orlova": ""},
    roots=["каталог.Экспонаты"],
    reported=['каталог."Экспонаты"'],
    commits=[FIRST, Commit(3000, "Импорт из КАМИС", {"import/kamis.sql": "BEGIN;\n" + ";\n".join(SWAP) + ";\nCOMMIT;\n",
        "import/import-kamis.timer": "[Timer]\nOnCalendar=weekly\n", "import/import-kamis.service":
        "[Service]\nUser=import_kp\nExecStart=/usr/bin/psql музей -f /srv/import/kamis.sql\n"})],
    later=[LOGGED],
    settings=SETTINGS,
    # A filled table with young counters may as well be an ordinary one, or come out of a dump.
    views={"stats_csv": {"untellable": {"каталог.Экспонаты": ("none", "restore")}}},
    holdout=True,
)  # fmt: skip


def _initialised_again(stage: Stage) -> None:
    """The disk was not mounted after a reboot, and the unit's ExecStartPre made a cluster in the empty mount point."""
    stage.server.renew()
    mount_was_missing.create(stage.server)


mount_was_missing = Script(
    "mount_was_missing",
    "After a reboot the disk was not mounted; the unit runs initdb where it finds nothing, and the site its schema",
    "музей",
    "muzej",
    TABLES,
    [SHOWN, LOGGED, checkpoint, _initialised_again, LOGGED, LOGGED],
    {
        **{name: lost("new_cluster", None) for name in STANDING if name != "каталог.журнал"},
        "каталог.журнал": lost("new_cluster", None, 6),
    },
    "storage_replaced",
    scope=["каталог"],
    reported=['каталог."Экспонаты"', "каталог.выдача"],
    begins=60,
    commits=[FIRST, Commit(8000, "Unit", {"systemd/postgresql-muzej.service": "[Service]\nExecStartPre=/bin/sh -c "
        "'test -s /srv/pg/PG_VERSION || initdb -D /srv/pg'\nExecStart=/usr/bin/postgres -D /srv/pg\n"})],
    later=[LOGGED],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": dict.fromkeys(STANDING, ("none", "recreate", "counters_reset"))}},
    holdout=True,
)  # fmt: skip

reading_was_revoked = Script(
    "reading_was_revoked",
    "An administrator revokes what the site may read, and the site shows an error of rights as an empty catalogue",
    "музей",
    "muzej",
    (*TABLES, "GRANT USAGE ON SCHEMA каталог TO sajt", "GRANT SELECT ON ALL TABLES IN SCHEMA каталог TO sajt"),
    [
        SHOWN,
        LOGGED,
        act("sajt", "sajt-php", 'SELECT count(*) FROM каталог."Экспонаты"'),
        checkpoint,
        act("postgres", "psql", 'REVOKE ALL ON каталог."Экспонаты" FROM sajt'),
        *[act("sajt", "sajt-php", 'SELECT count(*) FROM каталог."Экспонаты"', fails=True) for _ in range(3)],
        checkpoint,
    ],
    {
        **STANDING,
        "каталог.Экспонаты": {
            **lost("hidden", 0, 5600, status="hidden", statuses=["intact"]),
            "accepts": ("none", "update"),
        },
    },
    "not_lost",
    scope=["каталог"],
    roles={"sajt": ""},
    app_role="sajt",
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("каталог.Экспонаты",)}],
    reported=['каталог."Экспонаты"'],
    commits=[FIRST],
    later=[LOGGED],
    settings=SETTINGS,
    holdout=True,
)

tried_first_and_deleted_then = Script(
    "tried_first_and_deleted_then",
    "A registrar truncates the loans to see that it works, takes it back, and then deletes with the condition reversed",
    "музей",
    "muzej",
    TABLES,
    [
        SHOWN,
        LOGGED,
        checkpoint,
        act("orlova", "psql", "TRUNCATE каталог.выдача", undone=True),
        act("orlova", "psql", "DELETE FROM каталог.выдачи WHERE вернули", fails=True),
        act("orlova", "psql", "DELETE FROM каталог.выдача WHERE NOT вернули"),
        act("muzej", "alembic", "ALTER TABLE каталог.реставрация ADD COLUMN начало date"),
        checkpoint,
    ],
    {**STANDING, "каталог.выдача": lost("delete", 120, 360)},
    "manual_session",
    scope=["каталог"],
    roles={"orlova": "muzej"},
    roots=["каталог.выдача"],
    reported=["каталог.выдача"],
    commits=[FIRST, Commit(1, "Начало реставрации", {"alembic/versions/0007_start.py": "from alembic import op\n\n"
        "revision = '0007'\n\n\ndef upgrade():\n    op.execute('ALTER TABLE каталог.реставрация ADD COLUMN начало "
        "date')\n"})],
    later=[LOGGED],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
    holdout=True,
)  # fmt: skip


def _pruned_by_session(stage: Stage) -> None:
    """The archive's retention in one session, a temporary table for the list, as its script has it."""
    with base.session(stage.server, stage.database, "arhiv", "retention.py") as connection:
        connection.execute("CREATE TEMP TABLE список AS SELECT ид FROM каталог.реставрация")
        connection.execute("DELETE FROM каталог.реставрация r USING список s WHERE r.ид = s.ид AND s.ид <> 5")


restorations_pruned_from_a_list = Script(
    "restorations_pruned_from_a_list",
    "The archive's nightly retention lists what may go in a temporary table; the list's filter was lost in a merge",
    "музей",
    "muzej",
    TABLES,
    [
        SHOWN,
        LOGGED,
        checkpoint,
        act("orlova", "psql", "DELETE FROM каталог.реставрации", fails=True),
        _pruned_by_session,
        act("muzej", "katalog-web", "SELECT count(*) FROM каталог.реставрация"),
        checkpoint,
    ],
    {**STANDING, "каталог.реставрация": lost("delete", 76, 1)},
    "scheduled_job",
    scope=["каталог"],
    roles={"arhiv": "muzej", "orlova": ""},
    roots=["каталог.реставрация"],
    reported=["каталог.реставрация"],
    commits=[FIRST, Commit(30, "Хранение", {"archive/retention.py": "LIST = 'CREATE TEMP TABLE список AS SELECT ид "
        "FROM каталог.реставрация'\nPRUNE = 'DELETE FROM каталог.реставрация r USING список s WHERE r.ид = s.ид AND "
        "s.ид <> 5'\n", "archive/crontab": "5 4 * * * arhiv python3 /srv/archive/retention.py\n"})],
    later=[LOGGED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        catalogue_swapped_by_importer, mount_was_missing, reading_was_revoked, tried_first_and_deleted_then,
        restorations_pruned_from_a_list,
    )
)  # fmt: skip
