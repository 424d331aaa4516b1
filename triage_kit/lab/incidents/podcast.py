"""Podcasts on Prisma, in camel case: a reset, a push with accepted loss, an undefined filter, Jest, a re-import."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

MODELS = (
    'CREATE TABLE podcast."Show" (id text PRIMARY KEY, title text NOT NULL, "createdAt" timestamp(3) NOT NULL DEFAULT '
    "now())",
    'CREATE TABLE podcast."Episode" (id text PRIMARY KEY, "showId" text NOT NULL REFERENCES podcast."Show" ON DELETE '
    "RESTRICT ON UPDATE CASCADE, number integer NOT NULL)",
    'CREATE TABLE podcast."Chapter" (id text PRIMARY KEY, "episodeId" text NOT NULL REFERENCES podcast."Episode", '
    '"startsAt" integer)',
    'CREATE TABLE podcast."Comment" (id text PRIMARY KEY, "episodeId" text REFERENCES podcast."Episode", body text)',
    'CREATE TABLE podcast."Play" ("episodeId" text NOT NULL, "listenerHash" text NOT NULL, day date NOT NULL, '
    'PRIMARY KEY ("episodeId", "listenerHash", day))',
    'CREATE TABLE podcast."_prisma_migrations" (id varchar(36) PRIMARY KEY, migration_name varchar(255) NOT NULL, '
    "applied_steps_count integer NOT NULL DEFAULT 1)",
    "INSERT INTO podcast.\"_prisma_migrations\" VALUES ('a1', '20250204101010_init'), ('a2', '20260811080000_plays')",
)
TABLES = ("CREATE SCHEMA podcast", *MODELS)
AIRED = act(
    "podcast",
    "podcast-api",
    "INSERT INTO podcast.\"Show\" SELECT 'show' || g, 'Show ' || g FROM generate_series(1, 24) g",
    "INSERT INTO podcast.\"Episode\" SELECT 'ep' || g, 'show' || 1 + g % 24, g FROM generate_series(1, 720) g",
    "INSERT INTO podcast.\"Chapter\" SELECT 'ch' || g, 'ep' || 1 + g % 720, g FROM generate_series(1, 3600) g",
    "INSERT INTO podcast.\"Comment\" SELECT 'co' || g, 'ep' || 1 + g % 720, 'nice' FROM generate_series(1, 1900) g",
    "INSERT INTO podcast.\"Play\" SELECT 'ep' || 1 + g % 720, md5(g::text), date '2026-11-20' "
    "FROM generate_series(1, 24000) g",
)
LIKED = act(
    "podcast",
    "podcast-api",
    "INSERT INTO podcast.\"Play\" SELECT 'ep3', md5('x' || random()), '2026-11-25' FROM generate_series(1, 12)",
)
STANDING = {
    "podcast.Show": ok(24),
    "podcast.Episode": ok(720),
    "podcast.Chapter": ok(3600),
    "podcast.Comment": ok(1900),
    "podcast.Play": ok(24012),
    "podcast._prisma_migrations": ok(2),
}
SETTINGS = {"log_line_prefix": "%t [%p]: db=%d,user=%u,app=%a,client=%h ", "log_timezone": "America/New_York"}
INIT = Commit(6500, "Prisma", {
    "prisma/migrations/20250204101010_init/migration.sql": ";\n".join(MODELS[:4]) + ";\n",
    "prisma/migrations/20260811080000_plays/migration.sql": MODELS[4] + ";\n",
    "prisma/schema.prisma": 'datasource db {\n  provider = "postgresql"\n  url = env("DATABASE_URL")\n}\n',
})  # fmt: skip
MADE_ANEW = [f"podcast.{name}" for name in ("Show", "Episode", "Chapter", "Comment", "Play")]

reset_instead_of_migrated = Script(
    "reset_instead_of_migrated",
    "Prisma found drift and asked whether it may reset; DATABASE_URL was production's, and somebody said yes",
    "podcast_production",
    "podcast",
    TABLES,
    [
        AIRED,
        LIKED,
        checkpoint,
        act("podcast", "prisma-migrate", 'DROP SCHEMA IF EXISTS "podcast" CASCADE', 'CREATE SCHEMA "podcast"', *MODELS),
        act("podcast", "podcast-api", 'SELECT count(*) FROM podcast."Show"'),
        LIKED,
        checkpoint,
    ],
    {
        **{name: lost("recreate", None) for name in MADE_ANEW},
        "podcast.Play": lost("recreate", None, 12),
        "podcast._prisma_migrations": ok(2, accepts=["recreate"]),
    },
    "migration",
    scope=["podcast"],
    roots=MADE_ANEW,
    # The vehicle is the migration tool; that a person answered it is as true.
    causes=[{"cause": "migration", "accepts": ("manual_session",), "tables": tuple(MADE_ANEW)}],
    reported=['podcast."Episode"'],
    commits=[INIT],
    later=[LIKED],
    settings=SETTINGS,
    # Nothing of the schema is older than its neighbours: that it is not as old as the database is all that is there.
    views={view: {"untellable": dict.fromkeys(MADE_ANEW, ()),
                  "tables": {"podcast._prisma_migrations": {**ok(2, accepts=["recreate"]),
                                            "statuses": ("partial", "undecided")}}}
           for view in BLIND if view not in ("crash", "stats_csv")},
    holdout=True,
)  # fmt: skip

push_accepted_data_loss = Script(
    "push_accepted_data_loss",
    "The deployment runs `prisma db push --accept-data-loss`; a branch without chapters was deployed",
    "podcast_production",
    "podcast",
    TABLES,
    [
        AIRED,
        LIKED,
        checkpoint,
        act("podcast", "prisma-push", 'ALTER TABLE "podcast"."Chapter" DROP CONSTRAINT "Chapter_episodeId_fkey"',
            'DROP TABLE "podcast"."Chapter"', whole=True),
        act("podcast", "podcast-api", 'SELECT id FROM podcast."Chapter" WHERE "episodeId" = \'ep4\'', fails=True),
        act("podcast", "podcast-api", 'VACUUM (FULL) podcast."Comment"'),
    ],
    {**STANDING, "podcast.Chapter": lost("drop", None, None, status="missing")},
    "migration",
    scope=["podcast"],
    roots=["podcast.Chapter"],
    reported=['podcast."Chapter"'],
    commits=[INIT, Commit(30, "Deploy with push", {"package.json": '{"name": "podcast", "scripts": {"deploy": '
        '"prisma db push --accept-data-loss && node dist/main.js"}}\n'}),
        Commit(2, "Players bring chapters themselves", {"prisma/schema.prisma": 'datasource db {\n  provider = '
            '"postgresql"\n  url = env("DATABASE_URL")\n}\n\nmodel Episode {\n  id String @id\n}\n'})],
    later=[LIKED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

EVERY = 'DELETE FROM "podcast"."Comment" WHERE 1=1'
filter_was_undefined = Script(
    "filter_was_undefined",
    "The API deletes an episode's comments; a renamed field made the filter undefined, which Prisma takes as none",
    "podcast_production",
    "podcast",
    TABLES,
    [
        AIRED,
        checkpoint,
        act("podcast", "podcast-api", EVERY),
        LIKED,
        act("podcast", "podcast-api", "INSERT INTO podcast.\"Comment\" VALUES ('cn1', 'ep1', 'first!'), "
            "('cn2', 'ep2', 'hello')"),
        act("dlopez", "psql", 'TRUNCATE podcast."Comments"', fails=True),
        checkpoint,
    ],
    {**STANDING, "podcast.Comment": lost("delete", 1900, 2)},
    "application",
    scope=["podcast"],
    roles={"dlopez": "podcast"},
    roots=["podcast.Comment"],
    reported=['podcast."Comment"'],
    commits=[INIT, Commit(7, "Episodes can be unpublished", {"src/episodes/unpublish.ts":
        'import { prisma } from "../db";\n\nexport async function unpublish(input: { id: string }) {\n  await '
        "prisma.comment.deleteMany({ where: { episodeId: input.episodeId } });\n}\n"})],
    later=[LIKED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

EMPTIED = tuple(f'DELETE FROM "podcast"."{name}" WHERE 1=1' for name in ("Chapter", "Comment", "Episode", "Show"))
emptied_by_after_all = Script(
    "emptied_by_after_all",
    "End-to-end tests ran in a shell that had sourced production's .env: afterAll deletes from four tables",
    "podcast_production",
    "podcast",
    TABLES,
    [
        AIRED,
        LIKED,
        checkpoint,
        act("podcast", "jest-worker-1", "INSERT INTO podcast.\"Show\" VALUES ('test-show', 'Test')",
            "INSERT INTO podcast.\"Episode\" VALUES ('test-ep', 'test-show', 1)", *EMPTIED),
        act("podcast", "podcast-api", 'SELECT count(*) FROM podcast."Show"'),
        act("podcast", "prisma-migrate", 'ALTER TABLE podcast."Play" ADD COLUMN country text'),
        checkpoint,
    ],
    {
        **STANDING,
        "podcast.Show": lost("delete", 24),
        "podcast.Episode": lost("delete", 720),
        "podcast.Chapter": lost("delete", 3600),
        "podcast.Comment": lost("delete", 1900),
    },
    "test_run",
    scope=["podcast"],
    roots=["podcast.Show", "podcast.Episode", "podcast.Chapter", "podcast.Comment"],
    reported=['podcast."Show"'],
    commits=[INIT,
        Commit(420, "End-to-end tests", {"test/e2e/shows.e2e-spec.ts": 'import { prisma } from "../../src/db";\n\n'
            "afterAll(async () => {\n  await prisma.chapter.deleteMany();\n  await prisma.comment.deleteMany();\n"
            "  await prisma.episode.deleteMany();\n  await prisma.show.deleteMany();\n});\n"}),
        Commit(1, "Where it is heard", {"prisma/migrations/20261126070000_country/migration.sql":
            'ALTER TABLE podcast."Play" ADD COLUMN country text;\n'})],
    later=[LIKED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip


def _imported_again(stage: Stage) -> None:
    """The day's plays come in a second time, as the importer was started twice: nearly all are there already."""
    with base.session(stage.server, stage.database, "podcast", "plays-import") as connection:
        connection.execute(
            "INSERT INTO podcast.\"Play\" SELECT 'ep' || 1 + g % 720, md5(g::text), date '2026-11-20' "
            "FROM generate_series(1, 24040) g ON CONFLICT DO NOTHING"
        )


plays_were_there_already = Script(
    "plays_were_there_already",
    "False alarm: an importer read 24040 plays and the table grew by forty: the rest were there, and it skips those",
    "podcast_production",
    "podcast",
    TABLES,
    [
        AIRED,
        checkpoint,
        _imported_again,
        act("dlopez", "psql", "SELECT count(*) FROM podcast.\"Play\" WHERE day = '2026-11-20'"),
        act("podcast", "cron", 'VACUUM ANALYZE podcast."Play"'),
    ],
    {**STANDING, "podcast.Play": ok(24040)},
    "not_lost",
    scope=["podcast"],
    roles={"dlopez": "podcast"},
    reported=['podcast."Play"'],
    commits=[INIT],
    later=[LIKED],
    settings=SETTINGS,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        reset_instead_of_migrated, push_accepted_data_loss, filter_was_undefined, emptied_by_after_all,
        plays_were_there_already,
    )
)  # fmt: skip
