"""A game's seasons: a purge in many commits, a snapshot put back, a new disk, a column and a table gone, a reset."""

from __future__ import annotations

from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE TABLE player (id int PRIMARY KEY, nick text, loadout jsonb)",
    "CREATE TABLE season (no int PRIMARY KEY, name text)",
    "CREATE TABLE match (id bigserial PRIMARY KEY, season int REFERENCES season, ended timestamptz)",
    "CREATE TABLE score (match bigint, player int, points int)",
    "CREATE TABLE guild (id int PRIMARY KEY, name text)",
)
SEEDS = act("arena", "arena-server", "INSERT INTO season SELECT g, 'Season ' || g FROM generate_series(1, 8) g")
PLAYED = act(
    "arena",
    "arena-server",
    "INSERT INTO player SELECT g, 'nick' || g, '{\"hat\": 3}' FROM generate_series(1, 500) g",
    "INSERT INTO match (season, ended) SELECT 1 + g % 8, timestamptz '2026-11-01 00:00+00' + g * interval '10 min' "
    "FROM generate_series(1, 3000) g",
    "INSERT INTO score SELECT 1 + g % 3000, 1 + g % 500, g % 40 FROM generate_series(1, 30000) g",
    "INSERT INTO guild SELECT g, 'guild' FROM generate_series(1, 25) g",
)
MORE = act("arena", "arena-server", "INSERT INTO score SELECT g, 1, 5 FROM generate_series(1, 18) g")
PREFIX = {"log_line_prefix": "<%m %p %s> ", "log_timezone": "Asia/Tokyo"}
STANDING = {
    "public.player": ok(500),
    "public.season": ok(8),
    "public.match": ok(3000),
    "public.score": ok(30018),
    "public.guild": ok(25),
}

PURGE = """CREATE PROCEDURE purge_scores(keep int) LANGUAGE plpgsql AS $$
DECLARE gone bigint;
BEGIN
  LOOP
    DELETE FROM score WHERE ctid = ANY (ARRAY(SELECT ctid FROM score WHERE points < keep LIMIT 4000));
    GET DIAGNOSTICS gone = ROW_COUNT;
    COMMIT;
    EXIT WHEN gone = 0;
  END LOOP;
END $$"""

scores_purged = Script(
    "scores_purged",
    "The scheduler's purge procedure deletes in many small commits; its threshold was raised from one point to thirty",
    "arena",
    "arena",
    (*TABLES, PURGE),
    [
        SEEDS,
        PLAYED,
        act("arena", "pg_cron scheduler", "CALL purge_scores(0)"),
        checkpoint,
        act("arena", "pg_cron scheduler", "CALL purge_scores(30)"),
        MORE,
        act("arena", "goose", "CREATE INDEX score_player ON score (player)"),
    ],
    {**STANDING, "public.score": lost("delete", 22500, 7518)},
    "scheduled_job",
    roots=["public.score"],
    reported=["score"],
    commits=[
        Commit(700, "Purge", {"sql/purge.sql": PURGE + ";\n",
                              "sql/cron.sql": "SELECT cron.schedule('purge', '0 4 * * *', 'CALL purge_scores(0)');\n"}),
        Commit(8, "Keep thirty", {"sql/cron.sql":
                                  "SELECT cron.schedule('purge', '0 4 * * *', 'CALL purge_scores(30)');\n"}),
        Commit(1, "Find scores", {"goose/00012_index.sql": "-- +goose Up\nCREATE INDEX score_player ON score "
                                  "(player);\n"}),
    ],
    later=[MORE],
    settings={**PREFIX, "log_line_prefix": "<%m %p %s %a %u> "},
)  # fmt: skip


def _snapshot(stage: Stage) -> None:
    stage.server.stop()
    stage.server.keep(stage.server.folder / "snapshot")
    stage.server.start()


def _back_to_snapshot(stage: Stage) -> None:
    stage.server.stop()
    stage.server.put_back(stage.server.folder / "snapshot")
    stage.server.start()


snapshot_put_back = Script(
    "snapshot_put_back",
    "The storage team put an older snapshot of the volume back; nobody told the application's people",
    "arena",
    "arena",
    TABLES,
    [SEEDS, _snapshot, PLAYED, MORE, checkpoint, _back_to_snapshot, MORE],
    {
        "public.player": lost("restore", None),
        "public.match": lost("restore", None),
        "public.guild": lost("restore", None),
        "public.score": lost("restore", None, 18),
        "public.season": ok(8, accepts=["restore"]),
    },
    "restore",
    causes=[{"cause": "restore", "accepts": ("storage_replaced",),
             "tables": ("public.player", "public.match", "public.guild", "public.score")}],
    reported=["player", "match", "score"],
    later=[MORE],
    settings=PREFIX,
    # The state is that of the older day in every page: without the log nothing remembers that there was a later one.
    views={view: {"untellable": {f"public.{name}": ("none",) for name in ("player", "match", "guild", "score")}}
           for view in ("no_log", "stats_csv")},
)  # fmt: skip


def _new_disk(stage: Stage) -> None:
    stage.server.renew()
    new_disk.create(stage.server)


new_disk = Script(
    "new_disk",
    "The machine came back with a new disk: initdb, migrations, and the eight rows that the server seeds itself",
    "arena",
    "arena",
    TABLES,
    [SEEDS, PLAYED, checkpoint, _new_disk, SEEDS, MORE],
    {
        "public.player": lost("new_cluster", None),
        "public.match": lost("new_cluster", None),
        "public.guild": lost("new_cluster", None),
        "public.score": lost("new_cluster", None, 18),
        "public.season": {**ok(8, "new_cluster", accepts=["none"]), "statuses": ("partial", "undecided")},
    },
    "storage_replaced",
    causes=[{"cause": "storage_replaced",
             "tables": ("public.player", "public.match", "public.guild", "public.score")}],
    reported=["player", "match"],
    begins=48,
    later=[MORE],
    settings=PREFIX,
    commits=[Commit(600, "Arena", {"goose/00001_tables.sql": "-- +goose Up\n" + ";\n".join(TABLES) + ";\n"})],
    views={"stats_csv": {"untellable": {f"public.{name}": ("none",)
                                        for name in ("player", "match", "guild", "score", "season")}}},
)  # fmt: skip

loadouts_dropped = Script(
    "loadouts_dropped",
    "A migration drops a column and adds it anew in another type: every row stands, and its loadout is gone",
    "arena",
    "arena",
    TABLES,
    [
        SEEDS,
        PLAYED,
        checkpoint,
        act("arena", "goose", "ALTER TABLE player DROP COLUMN loadout", "ALTER TABLE player ADD COLUMN loadout text",
            whole=True),
        MORE,
        act("arena", "psql", "TRUNCATE player", undone=True),
    ],
    {**STANDING, "public.player": ok(500, "column_drop")},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("public.player",)}],
    reported=["player"],
    commits=[
        Commit(600, "Arena", {"goose/00001_tables.sql": "-- +goose Up\n" + ";\n".join(TABLES) + ";\n"}),
        Commit(3, "Loadouts are text", {"goose/00009_loadout.sql": "-- +goose Up\nALTER TABLE player DROP COLUMN "
                                        "loadout;\nALTER TABLE player ADD COLUMN loadout text;\n"}),
    ],
    later=[MORE],
    settings=PREFIX,
)  # fmt: skip

DATA_SOURCE = """import { DataSource } from "typeorm";
import { Player, Season, Match, Score } from "./entities";

export const source = new DataSource({
  type: "postgres",
  entities: [Player, Season, Match, Score],
  synchronize: true, // keeps the tables as the entities are
});
"""

guilds_synchronised_away = Script(
    "guilds_synchronised_away",
    "The application keeps its tables as its entities are, and the entity of guilds was taken out",
    "arena",
    "arena",
    TABLES,
    [
        SEEDS,
        PLAYED,
        checkpoint,
        act("arena", "arena-server", 'DROP TABLE "guild"'),
        act("arena", "guild-bot", "SELECT name FROM guild WHERE id = 3", fails=True),
        MORE,
    ],
    {**STANDING, "public.guild": lost("drop", None, None, status="missing")},
    "application",
    roots=["public.guild"],
    reported=["guild"],
    causes=[{"cause": "application", "accepts": ("migration",), "tables": ("public.guild",)}],
    commits=[
        Commit(600, "Entities", {"src/data-source.ts": DATA_SOURCE.replace("Score]", "Score, Guild]"),
                                 "src/entities/guild.ts": "@Entity()\nexport class Guild {}\n"}),
        Commit(1, "Guilds move to their own service", {"src/data-source.ts": DATA_SOURCE}),
    ],
    later=[MORE],
    settings=PREFIX,
)  # fmt: skip

one_counter_reset = Script(
    "one_counter_reset",
    "False alarm: somebody reset the counters of one table, then rebuilt it with VACUUM FULL and an index",
    "arena",
    "arena",
    TABLES,
    [
        SEEDS,
        PLAYED,
        MORE,
        checkpoint,
        act("postgres", "psql", "SELECT pg_stat_reset_single_table_counters('match'::regclass)"),
        act("postgres", "psql", "VACUUM FULL match", "CREATE INDEX CONCURRENTLY match_season ON match (season)"),
        act("arena", "psql", "DELETE FROM matches", fails=True),
    ],
    {**STANDING, "public.match": ok(3000, "counters_reset", accepts=["none"])},
    "not_lost",
    reported=["match"],
    later=[MORE],
    settings=PREFIX,
    views={view: {"untellable": {"public.match": ("none",)}} for view in ("crash", "stats_csv")},
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        scores_purged, snapshot_put_back, new_disk, loadouts_dropped, guilds_synchronised_away, one_counter_reset,
    )
)  # fmt: skip
