"""A town council's small database: ten settings, another schema, another database, a sync, the wrong server, health."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE setting (name text PRIMARY KEY, value text)",
    "CREATE TABLE setting_old (name text PRIMARY KEY, value text)",
    "CREATE TABLE councillor (id smallint PRIMARY KEY, ward text NOT NULL, elected date)",
    "CREATE TABLE petition (ref text PRIMARY KEY, title text NOT NULL, opened date NOT NULL)",
    "CREATE TABLE signature (ref text NOT NULL REFERENCES petition, email text NOT NULL, at timestamptz NOT NULL "
    "DEFAULT now(), PRIMARY KEY (ref, email))",
    "CREATE TABLE bin_round (postcode text PRIMARY KEY, weekday smallint)",
)
SIGNED = act(
    "council",
    "council-web",
    "INSERT INTO setting SELECT 'k' || g, 'v' || g FROM generate_series(1, 10) g",
    "INSERT INTO setting_old SELECT 'k' || g, 'old' || g FROM generate_series(1, 9) g",
    "INSERT INTO councillor SELECT g, 'Ward ' || g % 13, '2024-05-02' FROM generate_series(1, 39) g",
    "INSERT INTO petition SELECT 'P' || g, 'Title ' || g, date '2026-01-01' + g FROM generate_series(1, 70) g",
    "INSERT INTO signature SELECT 'P' || 1 + g % 70, 'c' || g || '@example.org', timestamptz '2026-11-25 12:00+00' - g "
    "* interval '1 hour' FROM generate_series(1, 2800) g",
    "INSERT INTO bin_round SELECT 'ZX' || g, 1 + g % 5 FROM generate_series(1, 460) g",
)
MORE = act("council", "council-web", "INSERT INTO petition VALUES ('P901', 'New', '2026-11-25'), ('P902', 'Newer', "
           "'2026-11-25')")  # fmt: skip
STANDING = {
    "public.setting": ok(10),
    "public.setting_old": ok(9),
    "public.councillor": ok(39),
    "public.petition": ok(72),
    "public.signature": ok(2800),
    "public.bin_round": ok(460),
}
SETTINGS = {"log_line_prefix": "%t [%p] %q%u %d %a: ", "log_timezone": "Europe/London"}
FIRST = Commit(7000, "Tables", {"schema/001_tables.sql": ";\n".join(TABLES) + ";\n"})
LATER = act("council", "council-web", "INSERT INTO petition VALUES ('P911', 'A', now()), ('P912', 'B', now())")

ten_settings = Script(
    "ten_settings",
    "Somebody means setting_old and truncates the ten settings that the site starts with; nine old ones stand",
    "council",
    "council",
    TABLES,
    [
        SIGNED,
        MORE,
        checkpoint,
        act("owen", "psql", "TRUNCATE settings_old", fails=True),
        act("owen", "psql", "TRUNCATE setting"),
        act("council", "council-web", "SELECT value FROM setting WHERE name = 'k1'"),
    ],
    {**STANDING, "public.setting": lost("truncate", 10)},
    "manual_session",
    roles={"owen": "council"},
    roots=["public.setting"],
    reported=["setting"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
    holdout=True,
)

MOVE = ("CREATE SCHEMA democracy", "ALTER TABLE petition SET SCHEMA democracy",
        "ALTER TABLE signature SET SCHEMA democracy")  # fmt: skip
moved_to_a_schema_of_its_own = Script(
    "moved_to_a_schema_of_its_own",
    "A migration moves petitions to a schema of their own; the site's search_path does not have it, and finds none",
    "council",
    "council",
    TABLES,
    [
        SIGNED,
        MORE,
        checkpoint,
        act("council", "migrate", *MOVE, whole=True),
        act("council", "council-web", "SELECT count(*) FROM petition", fails=True),
        act("council", "council-web", "SELECT count(*) FROM signature", fails=True),
        act("owen", "psql", "VACUUM FULL bin_round", ),
    ],
    {
        **{name: told for name, told in STANDING.items() if name not in ("public.petition", "public.signature")},
        # They stand under the same names in another schema, where the site does not look.
        "democracy.petition": {**lost("hidden", 0, 72, status="hidden", statuses=["intact"]), "accepts": ("none",)},
        "democracy.signature": {**lost("hidden", 0, 2800, status="hidden", statuses=["intact"]), "accepts": ("none",)},
    },
    "not_lost",
    scope=["public", "democracy"],
    roles={"owen": "council"},
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("democracy.petition", "democracy.signature")}],
    reported=["petition", "signature"],
    commits=[FIRST, Commit(2, "Democracy", {"schema/014_democracy.sql": ";\n".join(MOVE) + ";\n"})],
    later=[act("council", "council-web", "INSERT INTO councillor VALUES (101, 'W', now()), (102, 'W', now())")],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip


def _renamed_database(stage: Stage) -> None:
    """Tried as a rehearsal of the upgrade: the database renamed away, another made, and the schema loaded into it."""
    with base.session(stage.server, "postgres", "postgres", "psql") as connection:
        connection.execute("ALTER DATABASE council RENAME TO council_before_upgrade")
        connection.execute("CREATE DATABASE council OWNER council")
    with base.session(stage.server, stage.database, "council", "psql") as connection:
        for statement in TABLES:
            connection.execute(statement)


AWAY = ("setting", "setting_old", "councillor", "petition", "signature", "bin_round")
rehearsal_was_production = Script(
    "rehearsal_was_production",
    "The rehearsal of an upgrade ran on production: the database was renamed, and an empty one made in its place",
    "council",
    "council",
    TABLES,
    [SIGNED, checkpoint, _renamed_database, MORE, act("council", "council-web", "SELECT count(*) FROM signature")],
    {
        # The rows stand in the database beside it; of this one's tables none ever held them.
        **{f"public.{name}": lost("recreate", None, status="hidden", statuses=["wiped", "undecided"]) for name in AWAY},
        "public.petition": lost("recreate", None, 2, status="hidden", statuses=["partial", "wiped", "undecided"]),
    },
    "manual_session",
    causes=[{"cause": "manual_session", "accepts": ("not_lost",), "tables": tuple(f"public.{name}" for name in AWAY)}],
    reported=["signature", "petition"],
    begins=24,
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    # A database that is younger than the window, and another beside it: who renamed it, a log would tell.
    views={view: {"untellable": {f"public.{name}": ("none", "new_cluster", "restore") if view == "stats_csv" else ()
                                 for name in AWAY}} for view in BLIND},
    holdout=True,
)  # fmt: skip

FORGET = "DELETE FROM signature WHERE at < now() - '{} days'::interval"
variable_was_unset = Script(
    "variable_was_unset",
    "A nightly script forgets old signatures; KEEP_DAYS was renamed in its settings, and without it the default is 0",
    "council",
    "council",
    TABLES,
    [
        SIGNED,
        MORE,
        act("housekeeping", "housekeeping.sh", FORGET.format(730)),
        checkpoint,
        act("housekeeping", "housekeeping.sh", FORGET.format(0)),
        act("council", "council-web", "INSERT INTO signature VALUES ('P1', 'late@example.org', now())"),
        checkpoint,
    ],
    {**STANDING, "public.signature": lost("delete", 2800, 1)},
    "scheduled_job",
    roles={"housekeeping": "council"},
    roots=["public.signature"],
    reported=["signature"],
    commits=[FIRST,
        Commit(3000, "Housekeeping", {"ops/housekeeping.sh": "#!/bin/sh\npsql council -c \""
            + FORGET.format("${KEEP_DAYS:-0}") + "\"\n", "ops/housekeeping.env": "KEEP_DAYS=730\n",
            "ops/cron.d/housekeeping": "20 2 * * * housekeeping . /srv/ops/housekeeping.env; "
                "/srv/ops/housekeeping.sh\n"}),
        Commit(15, "Names of settings", {"ops/housekeeping.env": "SIGNATURE_KEEP_DAYS=730\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

SYNC = ("DELETE FROM bin_round", SIGNED.statements[5])
bins_synchronised = Script(
    "bins_synchronised",
    "False alarm: the rounds are deleted and inserted again from the contractor's list each hour, in one transaction",
    "council",
    "council",
    TABLES,
    [
        SIGNED,
        *[act("council", "bins-sync", *SYNC, whole=True) for _ in range(3)],
        MORE,
        act("owen", "psql", "SELECT count(*) FROM bin_round"),
        checkpoint,
    ],
    {**STANDING, "public.bin_round": ok(460, "delete", accepts=["none"])},
    "not_lost",
    roles={"owen": "council"},
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job", "application"), "tables": ()}],
    reported=["bin_round"],
    commits=[FIRST, Commit(2000, "Rounds", {"sync/bins.py": "SYNC = 'DELETE FROM bin_round'\n\n\ndef run(connection, "
        "rows):\n    with connection.transaction():\n        connection.execute(SYNC)\n        copy(rows)\n",
        "sync/cron": "0 * * * * council python3 -m sync.bins\n"})],
    later=[LATER],
    settings=SETTINGS,
    # 460 deleted thrice and inserted four times: that nothing else was deleted is likely, and not proved.
    views={view: {"tables": {"public.bin_round": {**ok(460, "delete", accepts=["none"]), "statuses": ("undecided",)}},
                  "causes": ({"cause": "not_lost", "accepts": ("scheduled_job", "application", "unknown"),
                              "tables": ()},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

ABSENT = {**lost("unknown", None, 0, status="undecided", statuses=["intact"]),
          "accepts": ("none", "hidden", "counters_reset", "new_cluster")}  # fmt: skip
acceptance_cluster_asked = Script(
    "acceptance_cluster_asked",
    "The acceptance environment's server was asked: settings, councillors, and not one petition; none were ever there",
    "council",
    "council",
    TABLES,
    [
        act("council", "council-web", *SIGNED.statements[:3]),
        act("owen", "psql", "SELECT count(*) FROM signature"),
        act("owen", "psql", "SELECT count(*) FROM signatures", fails=True),
        checkpoint,
    ],
    {
        "public.setting": ok(10),
        "public.setting_old": ok(9),
        "public.councillor": ok(39),
        "public.petition": ABSENT,
        "public.signature": ABSENT,
        "public.bin_round": {**ok(0), "statuses": ("undecided",)},
    },
    "not_lost",
    roles={"owen": "council"},
    causes=[{"cause": "not_lost", "accepts": ("unknown", "storage_replaced"), "tables": ()}],
    reported=["petition", "signature"],
    later=[LATER],
    settings=SETTINGS,
    views={"day_later": None},
    holdout=True,
)  # fmt: skip

ordinary_week = Script(
    "ordinary_week",
    "A healthy database after its weekly maintenance: VACUUM FULL, a rebuilt index, a failed attempt, nobody complains",
    "council",
    "council",
    TABLES,
    [
        SIGNED,
        MORE,
        act(
            "council",
            "council-web",
            "UPDATE petition SET title = title || '.' WHERE opened > '2026-02-20'",
            "DELETE FROM setting_old WHERE name = 'k9'",
            "INSERT INTO setting_old VALUES ('k9', 'old9')",
        ),
        checkpoint,
        act("postgres", "maintenance", "VACUUM FULL signature", "REINDEX TABLE petition", "ANALYZE"),
        act("owen", "psql", "DROP TABLE petition", fails=True),
    ],
    {
        **STANDING,
        "public.petition": ok(72, accepts=["update"]),
        "public.setting_old": ok(9, accepts=["delete"]),
    },
    "not_lost",
    roles={"owen": ""},
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        ten_settings, moved_to_a_schema_of_its_own, rehearsal_was_production, variable_was_unset, bins_synchronised,
        acceptance_cluster_asked, ordinary_week,
    )
)  # fmt: skip
