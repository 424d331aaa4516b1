"""A chess federation on TypeORM: a column synchronised away, a policy, a purge function, a MERGE, a publisher."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

FOLLOWED = (
    'CREATE TABLE fed."club" ("id" int PRIMARY KEY, "name" varchar NOT NULL, "region" varchar NOT NULL)',
    'CREATE TABLE fed."licence" ("number" int PRIMARY KEY, "clubId" int NOT NULL, "until" date)',
)
TABLES = (
    "CREATE SCHEMA fed",
    'CREATE TABLE fed."typeorm_migrations" ("id" serial PRIMARY KEY, "timestamp" bigint, "name" varchar)',
    'INSERT INTO fed."typeorm_migrations" ("timestamp", "name") VALUES (1735689600000, \'Init1735689600000\')',
    *FOLLOWED,
    'CREATE TABLE fed."player" ("id" uuid PRIMARY KEY, "clubId" int NOT NULL, "surname" text NOT NULL, "rating" int)',
    'CREATE TABLE fed."game" ("id" bigserial PRIMARY KEY, "season" smallint NOT NULL, "whiteId" uuid, "blackId" uuid, '
    '"result" varchar(7), "playedAt" timestamptz NOT NULL DEFAULT now())',
    'CREATE TABLE fed."pairing" ("id" bigserial PRIMARY KEY, "season" smallint NOT NULL, "round" int, "board" int)',
    'CREATE TABLE fed."feed" ("surname" varchar PRIMARY KEY, "rating" int, "gone" boolean NOT NULL DEFAULT false)',
    "GRANT USAGE ON SCHEMA fed TO fed_web",
    "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA fed TO fed_web",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA fed TO fed_web",
)
CLUBS = ("INSERT INTO fed.club SELECT g, 'Club ' || g, 'R' || g % 8 FROM generate_series(1, 64) g",
         "INSERT INTO fed.licence SELECT g, 1 + g % 64, '2026-12-31' FROM generate_series(1, 2400) g")  # fmt: skip
PLAYED = act(
    "fed_web",
    "nest-api",
    "INSERT INTO fed.player SELECT md5('p' || g)::uuid, 1 + g % 64, 'Surname' || g, 1200 + g % 900 "
    "FROM generate_series(1, 2400) g",
    'INSERT INTO fed.game ("season", "whiteId", "blackId", "result", "playedAt") SELECT 2021 + g % 6, '
    "md5('p' || 1 + g % 2400)::uuid, md5('p' || 1 + (g + 7) % 2400)::uuid, '1-0', timestamptz '2021-10-01 18:00+00' + "
    "g * interval '5 hours' FROM generate_series(1, 9000) g",
    'INSERT INTO fed.pairing ("season", "round", "board") SELECT 2021 + g % 6, 1 + g % 9, g FROM '
    "generate_series(1, 1800) g",
    "INSERT INTO fed.feed SELECT 'Surname' || g, 1250 + g % 900 FROM generate_series(1, 2400) g",
)
CLUBBED = act("fed_web", "nest-api", *CLUBS)
ENTERED = act("fed_web", "nest-api",
              'INSERT INTO fed.game ("season", "result") VALUES (2026, \'0-1\'), (2026, \'1-0\')')  # fmt: skip
STANDING = {
    "fed.typeorm_migrations": ok(1),
    "fed.club": ok(64),
    "fed.licence": ok(2400),
    "fed.player": ok(2400),
    "fed.game": ok(9002),
    "fed.pairing": ok(1800),
    "fed.feed": ok(2400),
}
WEB = {"fed_web": ""}
SETTINGS = {"log_line_prefix": "%t:%r:%u@%d:[%p]:%a: ", "log_timezone": "Europe/Budapest"}
FIRST = Commit(7400, "Federation", {"src/migrations/1735689600000-Init.ts": "export class Init1735689600000 implements "
    "MigrationInterface {\n  async up(q: QueryRunner) {\n    await q.query(`CREATE TABLE fed.\"club\" (\"id\" int "
    "PRIMARY KEY, \"name\" varchar NOT NULL, \"region\" varchar NOT NULL)`);\n  }\n}\n"})  # fmt: skip
LATER = act("fed_web", "nest-api", 'INSERT INTO fed.pairing ("season", "round", "board") VALUES (2026, 1, 900), '
            "(2026, 1, 901)")  # fmt: skip

SYNCHRONISED = ('ALTER TABLE "fed"."player" DROP COLUMN "rating"', 'ALTER TABLE "fed"."player" ADD "elo" integer')
rating_synchronised_away = Script(
    "rating_synchronised_away",
    "TypeORM's synchronize is on in production: a property renamed from rating to elo costs the column; no row is gone",
    "chess",
    "fed_owner",
    TABLES,
    [
        CLUBBED,
        PLAYED,
        ENTERED,
        checkpoint,
        act("fed_owner", "nest-api", *SYNCHRONISED, whole=True),
        act("fed_web", "nest-api", "SELECT \"rating\" FROM fed.player WHERE \"surname\" = 'Surname5'", fails=True),
        act("lkovacs", "psql", "DELETE FROM fed.players", fails=True),
        checkpoint,
    ],
    {**STANDING, "fed.player": ok(2400, "column_drop")},
    "not_lost",
    scope=["fed"],
    roles={**WEB, "lkovacs": ""},
    app_role="fed_web",
    causes=[{"cause": "not_lost", "accepts": ("application", "migration"), "tables": ()}],
    reported=["fed.player"],
    commits=[FIRST,
        Commit(800, "One data source", {"src/data-source.ts": "export default new DataSource({ type: 'postgres', "
            "schema: 'fed', synchronize: true, entities: [Player, Game] });\n",
            "src/player.entity.ts": "@Entity()\nexport class Player {\n  @Column({ nullable: true }) rating: number;\n"
            "}\n"}),
        Commit(1, "Call it Elo", {"src/player.entity.ts": "@Entity()\nexport class Player {\n  @Column({ nullable: true"
            " }) elo: number;\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

POLICY = (
    "ALTER TABLE fed.game ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY own_region ON fed.game FOR ALL TO fed_web USING (\"season\"::text = current_setting('fed.season', "
    "true))",
)
arbiters_see_no_games = Script(
    "arbiters_see_no_games",
    "A migration brings row security by a setting that the service never sets: every game stands, and none is shown",
    "chess",
    "fed_owner",
    TABLES,
    [
        CLUBBED,
        PLAYED,
        ENTERED,
        checkpoint,
        act("fed_owner", "typeorm migration:run", *POLICY, "INSERT INTO fed.typeorm_migrations (\"timestamp\", \"name"
            "\") VALUES (1764100000000, 'SeasonPolicy1764100000000')", whole=True),
        act("fed_web", "nest-api", "SELECT count(*) FROM fed.game"),
        act("fed_web", "nest-api", 'INSERT INTO fed.game ("season", "result") VALUES (2026, \'1-0\')', fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "fed.game": lost("hidden", 0, 9002, status="hidden"),
        "fed.typeorm_migrations": ok(2),
    },
    "not_lost",
    scope=["fed"],
    roles=WEB,
    app_role="fed_web",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("fed.game",)}],
    reported=["fed.game"],
    commits=[FIRST, Commit(2, "A season at a time", {"src/migrations/1764100000000-SeasonPolicy.ts": "export class "
        "SeasonPolicy1764100000000 implements MigrationInterface {\n  async up(q: QueryRunner) {\n    await q.query(`"
        f"{POLICY[0]}`);\n    await q.query(`{POLICY[1]}`);\n  }}\n}}\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

PURGE = """CREATE FUNCTION fed.purge_season(season smallint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE gone bigint;
BEGIN
  DELETE FROM fed.pairing p WHERE p.season = coalesce(purge_season.season, p.season);
  DELETE FROM fed.game g WHERE g.season = coalesce(purge_season.season, g.season);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END $$"""
season_purged_with_null = Script(
    "season_purged_with_null",
    "Somebody purges a season that does not exist: the subquery gives NULL, and for NULL the function takes every one",
    "chess",
    "fed_owner",
    (*TABLES, PURGE),
    [
        CLUBBED,
        PLAYED,
        ENTERED,
        checkpoint,
        act("lkovacs", "DBeaver 25.2", "DELETE FROM fed.game WHERE season == 2019", fails=True),
        act("lkovacs", "DBeaver 25.2",
            'SELECT fed.purge_season((SELECT min("season") FROM fed.game WHERE "season" < 2021)::smallint)'),
        act("fed_web", "nest-api", "SELECT count(*) FROM fed.game"),
        ENTERED,
        checkpoint,
    ],
    {**STANDING, "fed.game": lost("delete", 9002, 2), "fed.pairing": lost("delete", 1800)},
    "manual_session",
    scope=["fed"],
    roles={**WEB, "lkovacs": "fed_owner"},
    app_role="fed_web",
    roots=["fed.game", "fed.pairing"],
    reported=["fed.game"],
    commits=[FIRST, Commit(1500, "Purge of a season", {"sql/purge_season.sql": PURGE + ";\n"})],
    later=[LATER],
    settings=SETTINGS,
    # The failed attempt tells a person's tool; that this person called the function, no default log says.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

MERGED = (
    'MERGE INTO fed.player p USING fed.feed f ON p."surname" = f."surname" WHEN MATCHED AND f."gone" THEN DELETE '
    'WHEN MATCHED THEN UPDATE SET "rating" = f."rating"'
)
players_merged_away = Script(
    "players_merged_away",
    "The monthly MERGE of the world list deletes who is marked gone; the feed's columns moved by one, and most are",
    "chess",
    "fed_owner",
    TABLES,
    [
        CLUBBED,
        PLAYED,
        ENTERED,
        act("ratings", "ratings-sync", MERGED),
        checkpoint,
        act("ratings", "ratings-sync", "UPDATE fed.feed SET \"gone\" = true WHERE \"rating\" > 1300", MERGED),
        act("fed_web", "nest-api", "SELECT count(*) FROM fed.player"),
        act("lkovacs", "psql", "SET ROLE fed_owner", "TRUNCATE fed.pairing", undone=True),
        checkpoint,
    ],
    {
        **STANDING,
        # Surname g has a feed rating of 1250 + g % 900: residues 1 to 50 stay thrice, 0 twice.
        "fed.player": lost("delete", 2248, 152),
        "fed.feed": ok(2400, accepts=["update"]),
    },
    "scheduled_job",
    scope=["fed"],
    roles={**WEB, "ratings": "fed_owner", "lkovacs": "fed_owner"},
    app_role="fed_web",
    roots=["fed.player"],
    reported=["fed.player"],
    commits=[FIRST, Commit(1200, "World list", {"jobs/ratings-sync.sql": f"{MERGED};\n", "jobs/crontab": "0 5 2 * * "
        "ratings psql chess -f /srv/jobs/ratings-sync.sql\n"})],
    later=[LATER],
    settings=SETTINGS,
    since=15,
    holdout=True,
)  # fmt: skip


def _region_left(stage: Stage) -> None:
    """The national office strikes off the licences of one region; its clubs stand."""
    deeds.published(
        stage, "fed_owner", ("CREATE SCHEMA fed", *FOLLOWED), "FOR TABLE fed.club, fed.licence",
        [CLUBS[0], *[f"INSERT INTO fed.licence SELECT g, 1 + g % 64, '2026-12-31' FROM generate_series({n}, {n + 599}) "
                     "g" for n in (1, 601, 1201, 1801)]],
        ['DELETE FROM fed.licence WHERE "clubId" IN (SELECT "id" FROM fed.club WHERE "region" <> \'R3\')'],
        "SELECT (SELECT count(*) FROM fed.club) + (SELECT count(*) FROM fed.licence)", (2464, 364),
    )  # fmt: skip


licences_struck_off_upstream = Script(
    "licences_struck_off_upstream",
    "The national office deletes the licences of every region but one, and this subscriber follows row by row",
    "chess",
    "fed_owner",
    TABLES,
    [
        PLAYED,
        _region_left,
        ENTERED,
        act("lkovacs", "psql", 'DELETE FROM fed.licence WHERE "clubId" = 3', fails=True),
        act("fed_web", "nest-api", "SELECT count(*) FROM fed.licence"),
        checkpoint,
    ],
    # Eight clubs of 64 are of region 3: 300 licences.
    {**STANDING, "fed.licence": lost("delete", 2100, 300)},
    "replication",
    scope=["fed"],
    roles={**WEB, "lkovacs": ""},
    app_role="fed_web",
    roots=["fed.licence"],
    reported=["fed.licence"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"causes": ({"cause": "replication", "accepts": ("unknown",), "tables": ("fed.licence",)},)}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        rating_synchronised_away, arbiters_see_no_games, season_purged_with_null, players_merged_away,
        licences_struck_off_upstream,
    )
)  # fmt: skip
