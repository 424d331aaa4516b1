"""A brewery on Rails: a runner by hand, a drained job queue, a dump of staging, a table copied over, reset counters."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

RECIPES = (
    "CREATE TABLE recipes (id bigint PRIMARY KEY, name character varying NOT NULL, archived boolean NOT NULL DEFAULT "
    "false)",
    "CREATE TABLE hop_additions (id bigint PRIMARY KEY, recipe_id bigint, grams integer, minute smallint)",
)
TABLES = (
    "CREATE TABLE schema_migrations (version character varying PRIMARY KEY)",
    "CREATE TABLE ar_internal_metadata (key character varying PRIMARY KEY, value character varying)",
    "INSERT INTO schema_migrations VALUES ('20240301101500'), ('20250110090000')",
    "INSERT INTO ar_internal_metadata VALUES ('environment', 'production')",
    *RECIPES,
    "CREATE TABLE batches (id bigserial PRIMARY KEY, recipe_id bigint, brewed_on date NOT NULL, litres integer)",
    "CREATE TABLE gravity_readings (id bigserial PRIMARY KEY, batch_id bigint NOT NULL, plato numeric(4, 1), read_at "
    "timestamp(6) NOT NULL)",
    "CREATE TABLE kegs (serial character varying PRIMARY KEY, batch_id bigint, location character varying)",
    "CREATE TABLE good_jobs (id uuid PRIMARY KEY, queue_name text, serialized_params jsonb, finished_at timestamp(6))",
)
BREWED = act(
    "brewery",
    "puma: brewery",
    "INSERT INTO recipes SELECT g, 'Recipe ' || g, g % 3 = 0 FROM generate_series(1, 210) g",
    "INSERT INTO hop_additions SELECT g, 1 + g % 210, 50, 60 FROM generate_series(1, 840) g",
    "INSERT INTO batches (recipe_id, brewed_on, litres) SELECT 1 + g % 210, date '2024-01-01' + g, 1000 FROM "
    "generate_series(1, 1000) g",
    "INSERT INTO gravity_readings (batch_id, plato, read_at) SELECT 1 + g % 1000, 12.4, timestamp '2024-01-01' + g * "
    "interval '2 hours' FROM generate_series(1, 11000) g",
    "INSERT INTO kegs SELECT 'K' || g, 1 + g % 1000, 'cellar' FROM generate_series(1, 1300) g",
)
FILLED = act("brewery", "puma: brewery", "INSERT INTO batches (recipe_id, brewed_on, litres) VALUES (7, '2026-11-26', "
             "2000), (8, '2026-11-26', 2000)")  # fmt: skip
STANDING = {
    "public.schema_migrations": ok(2),
    "public.ar_internal_metadata": ok(1),
    "public.recipes": ok(210),
    "public.hop_additions": ok(840),
    "public.batches": ok(1002),
    "public.gravity_readings": ok(11000),
    "public.kegs": ok(1300),
    "public.good_jobs": ok(0),
}
SETTINGS = {"log_line_prefix": "%m [%p] %u %d %a > ", "log_timezone": "Europe/Prague"}
FIRST = Commit(6900, "Brewery", {
    "db/migrate/20240301101500_create_batches.rb": "class CreateBatches < ActiveRecord::Migration[7.1]\n  def change\n"
        "    create_table :batches do |t|\n      t.bigint :recipe_id\n      t.date :brewed_on, null: false\n    end\n"
        "  end\nend\n",
    "app/models/batch.rb": "class Batch < ApplicationRecord\n  has_many :gravity_readings\nend\n"})  # fmt: skip
LATER = act("brewery", "puma: brewery", "INSERT INTO kegs VALUES ('N1', 1, 'pub'), ('N2', 2, 'pub')")

READINGS = 'DELETE FROM "gravity_readings" WHERE "gravity_readings"."batch_id" <= 900'
readings_deleted_in_a_console = Script(
    "readings_deleted_in_a_console",
    "In a console on production somebody deletes the readings of batches up to 900 and had 90 in mind",
    "brewery",
    "brewery",
    TABLES,
    [
        BREWED,
        FILLED,
        checkpoint,
        act("jnovotny", "bin/rails console", 'DELETE FROM "gravity_reading"', fails=True),
        act("jnovotny", "bin/rails console", 'SELECT count(*) FROM "gravity_readings"', READINGS),
        act("brewery", "bin/rails db:migrate", "ALTER TABLE kegs ADD COLUMN cleaned_on date",
            "INSERT INTO schema_migrations VALUES ('20261125080000')", whole=True),
        FILLED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.batches": ok(1004),
        "public.schema_migrations": ok(3),
        "public.gravity_readings": lost("delete", 9900, 1100),
    },
    "manual_session",
    roles={"jnovotny": "brewery"},
    roots=["public.gravity_readings"],
    reported=["gravity_readings"],
    later=[LATER],
    settings=SETTINGS,
    # There is no repository, and a default log shows a person's failed attempt, no more.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

ROUNDS = tuple(
    step
    for number in range(4)
    for step in (
        act("brewery", "puma: brewery", "INSERT INTO good_jobs SELECT md5('j' || g)::uuid, 'labels', '{}' FROM "
            f"generate_series({1 + 30 * number}, {30 + 30 * number}) g"),
        act("brewery", "good_job", *[f"DELETE FROM good_jobs WHERE id = md5('j{n}')::uuid"
                                     for n in range(1 + 30 * number, 31 + 30 * number)]),
    )
)  # fmt: skip
jobs_all_done = Script(
    "jobs_all_done",
    "False alarm: good_job deletes each job when it is done; nobody has printed a label today, and the queue is empty",
    "brewery",
    "brewery",
    TABLES,
    [
        BREWED,
        *ROUNDS,
        FILLED,
        checkpoint,
        act("jnovotny", "psql", "TRUNCATE good_job", fails=True),
        act("postgres", "maintenance", "VACUUM FULL kegs"),
    ],
    {**STANDING, "public.good_jobs": ok(0, "delete", accepts=["none"])},
    "not_lost",
    roles={"jnovotny": ""},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    reported=["good_jobs"],
    commits=[FIRST, Commit(2600, "Jobs in the database", {"config/initializers/good_job.rb": "Rails.application."
        "configure do\n  config.good_job.preserve_job_records = false\nend\n", "app/jobs/label_job.rb": "class "
        "LabelJob < ApplicationJob\n  queue_as :labels\nend\n"})],
    later=[LATER],
    settings=SETTINGS,
    # Whoever sees no statement cannot tell a queue that is emptied job by job from one that was emptied at once.
    views={view: {"untellable": {"public.good_jobs": ("none", "rollback")}} for view in BLIND},
    holdout=True,
)  # fmt: skip

STAGING: dict[str, list[tuple]] = {
    "COPY public.recipes (id, name, archived) FROM stdin": [(n, f"Staging {n}", "f") for n in range(1, 13)],
    "COPY public.hop_additions (id, recipe_id, grams, minute) FROM stdin": [(n, 1, 5, 5) for n in range(1, 31)],
}


def _staging_restored(stage: Stage) -> None:
    deeds.copied(
        stage, "postgres", "pg_restore",
        ["DROP TABLE public.hop_additions", "DROP TABLE public.recipes",
         "CREATE TABLE public.recipes (id bigint NOT NULL, name character varying NOT NULL, archived boolean DEFAULT "
         "false NOT NULL)",
         "CREATE TABLE public.hop_additions (id bigint NOT NULL, recipe_id bigint, grams integer, minute smallint)",
         "ALTER TABLE public.recipes OWNER TO brewery", "ALTER TABLE public.hop_additions OWNER TO brewery"],
        STAGING,
        ["ALTER TABLE ONLY public.recipes ADD CONSTRAINT recipes_pkey PRIMARY KEY (id)",
         "ALTER TABLE ONLY public.hop_additions ADD CONSTRAINT hop_additions_pkey PRIMARY KEY (id)"],
    )  # fmt: skip


PUT_BACK = ("public.recipes", "public.hop_additions")
recipes_of_staging_restored = Script(
    "recipes_of_staging_restored",
    "Two tables of staging were restored with --clean -t recipes -t hop_additions: the URL was production's",
    "brewery",
    "brewery",
    TABLES,
    [
        BREWED,
        FILLED,
        checkpoint,
        _staging_restored,
        act("brewery", "puma: brewery", "UPDATE kegs SET location = 'pub' WHERE serial = 'K7'"),
        act("brewery", "puma: brewery", "INSERT INTO recipes VALUES (7, 'Twice')", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.recipes": lost("restore", None, 12),
        "public.hop_additions": lost("restore", None, 30),
        "public.kegs": ok(1300, accepts=["update"]),
    },
    "restore",
    roots=list(PUT_BACK),
    reported=["recipes", "hop_additions"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    # New objects with rows: who reads neither rows nor statements sees no difference to tables made anew.
    views={
        view: {"untellable": dict.fromkeys(PUT_BACK, ("recreate", "none") if view == "stats_csv" else ("recreate",))}
        for view in BLIND
    },
    holdout=True,
)

COPIED_OVER = (
    "ALTER TABLE recipes RENAME TO recipes_before",
    RECIPES[0],
    "INSERT INTO recipes SELECT id, name, archived FROM recipes_before WHERE archived",
    "DROP TABLE recipes_before",
    "INSERT INTO schema_migrations VALUES ('20261125120000')",
)
recipes_copied_over = Script(
    "recipes_copied_over",
    "A migration builds the recipes anew without what is archived; the condition lost its NOT, and the old table is "
    "dropped",
    "brewery",
    "brewery",
    TABLES,
    [
        BREWED,
        FILLED,
        checkpoint,
        act("brewery", "bin/rails db:migrate", *COPIED_OVER, whole=True),
        act("brewery", "puma: brewery", "SELECT count(*) FROM recipes WHERE NOT archived"),
        act("jnovotny", "psql", "SET ROLE brewery", "TRUNCATE kegs", undone=True),
        FILLED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.batches": ok(1004),
        "public.schema_migrations": ok(3),
        "public.recipes": lost("recreate", 140, 70),
    },
    "migration",
    roles={"jnovotny": "brewery"},
    roots=["public.recipes"],
    reported=["recipes"],
    commits=[FIRST, Commit(5, "Recipes without the archived ones", {
        "db/migrate/20261125120000_slim_recipes.rb": "class SlimRecipes < ActiveRecord::Migration[7.1]\n  def up\n    "
            "execute <<~SQL\n" + "".join(f"      {statement};\n" for statement in COPIED_OVER[:4]) + "    SQL\n  end\n"
            "end\n"})],
    later=[LATER],
    settings=SETTINGS,
    # A filled table with young counters may as well be an ordinary one, or come out of a dump.
    views={"stats_csv": {"untellable": {"public.recipes": ("none", "restore")}}},
    holdout=True,
)  # fmt: skip

counters_reset_before_the_audit = Script(
    "counters_reset_before_the_audit",
    "False alarm: the counters were reset for a measurement, and the monitoring tells a database without rows",
    "brewery",
    "brewery",
    TABLES,
    [
        BREWED,
        FILLED,
        checkpoint,
        act("postgres", "pgAdmin 4", "SELECT pg_stat_reset()"),
        act("brewery", "puma: brewery", "SELECT count(*) FROM kegs"),
        act("jnovotny", "psql", "DELETE FROM kegs", fails=True),
        FILLED,
    ],
    {
        **{name: {**told, "mechanism": "counters_reset", "accepts": ("none",)} for name, told in STANDING.items()},
        "public.batches": ok(1004, "counters_reset", accepts=["none"]),
    },
    "not_lost",
    roles={"jnovotny": ""},
    reported=["kegs", "gravity_readings"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        readings_deleted_in_a_console, jobs_all_done, recipes_of_staging_restored, recipes_copied_over,
        counters_reset_before_the_audit,
    )
)  # fmt: skip
