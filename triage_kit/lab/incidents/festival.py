"""A film festival on Rails: a schema loaded over the live one, a purge of blobs, a DO block, an edition archived."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

FILMS = (
    "CREATE TABLE films (id bigserial PRIMARY KEY, title character varying, created_at timestamp(6) NOT NULL "
    "DEFAULT now())",
    "CREATE TABLE screenings (id bigserial PRIMARY KEY, film_id bigint NOT NULL REFERENCES films, starts_at "
    "timestamp(6))",
    "CREATE TABLE submissions (id bigserial PRIMARY KEY, edition integer NOT NULL, title character varying)",
    "CREATE TABLE jury_members (id bigserial PRIMARY KEY, name character varying)",
    "CREATE TABLE jury_votes (id bigserial PRIMARY KEY, submission_id bigint REFERENCES submissions, "
    "jury_member_id bigint REFERENCES jury_members, points integer)",
    "CREATE TABLE active_storage_blobs (id bigserial PRIMARY KEY, key character varying NOT NULL, byte_size bigint)",
    "CREATE TABLE active_storage_attachments (id bigserial PRIMARY KEY, record_type character varying NOT NULL, "
    "record_id bigint NOT NULL, blob_id bigint NOT NULL REFERENCES active_storage_blobs ON DELETE CASCADE)",
)
TABLES = (
    *FILMS,
    "CREATE TABLE schema_migrations (version character varying PRIMARY KEY)",
    "CREATE TABLE submission_archives (LIKE submissions)",
    "INSERT INTO schema_migrations VALUES ('20250110120000'), ('20260402083000')",
)
SHOWN = act(
    "festival",
    "puma: cluster worker 0",
    "INSERT INTO films (title) SELECT 'Film ' || g FROM generate_series(1, 84) g",
    "INSERT INTO screenings (film_id) SELECT 1 + g % 84 FROM generate_series(1, 240) g",
    "INSERT INTO submissions (edition, title) SELECT 2024 + g % 3, 'S' || g FROM generate_series(1, 1500) g",
    "INSERT INTO jury_members (name) SELECT 'Juror ' || g FROM generate_series(1, 9) g",
    "INSERT INTO jury_votes (submission_id, jury_member_id, points) SELECT 3 * g - 1, 1 + g % 9, g % 10 "
    "FROM generate_series(1, 450) g",
    "INSERT INTO active_storage_blobs (key, byte_size) SELECT 'k' || g, 1000 FROM generate_series(1, 320) g",
    "INSERT INTO active_storage_attachments (record_type, record_id, blob_id) SELECT CASE WHEN g % 4 = 0 THEN 'Film' "
    "ELSE 'Submission' END, g, g FROM generate_series(1, 320) g",
    "UPDATE submissions SET title = upper(title) WHERE id % 11 = 0",
)
ADDED = act("festival", "puma: cluster worker 1", "INSERT INTO screenings (film_id) VALUES (1), (2), (3), (4), (5)")
STANDING = {
    "public.films": ok(84),
    "public.screenings": ok(245),
    "public.submissions": ok(1500, accepts=["update"]),
    "public.jury_members": ok(9),
    "public.jury_votes": ok(450),
    "public.active_storage_blobs": ok(320),
    "public.active_storage_attachments": ok(320),
    "public.schema_migrations": ok(2),
    "public.submission_archives": ok(0),
}
SETTINGS = {"log_line_prefix": "%u %d %a [%p] %m %i ", "log_timezone": "America/Toronto"}
NAMES = ("films", "screenings", "submissions", "jury_members", "jury_votes", "active_storage_blobs",
         "active_storage_attachments")  # fmt: skip
MADE_ANEW = [f"public.{name}" for name in NAMES]
SCHEMA = (
    "ActiveRecord::Schema[8.0].define(version: 2026_04_02_083000) do\n"
    + "".join(
        f'  create_table "{name}", force: :cascade do |t|\n    t.datetime "created_at"\n  end\n' for name in NAMES
    )
    + "end\n"
)
LOADED_OVER = [
    part
    for name, create in zip(NAMES, FILMS, strict=True)
    for part in (f'DROP TABLE IF EXISTS "{name}" CASCADE', create)
]

schema_loaded_over_production = Script(
    "schema_loaded_over_production",
    "A deployment ran db:schema:load where db:migrate was meant: `force: :cascade` drops every table and makes it anew",
    "festival_production",
    "festival",
    TABLES,
    [
        SHOWN,
        ADDED,
        checkpoint,
        act("festival", "bin/rails", *LOADED_OVER),
        act("festival", "puma: cluster worker 1", "INSERT INTO jury_members (name) VALUES ('New Juror')"),
        checkpoint,
    ],
    {
        **{name: lost("recreate", None) for name in MADE_ANEW},
        "public.jury_members": lost("recreate", None, 1),
        "public.schema_migrations": ok(2),
        "public.submission_archives": ok(0),
    },
    "migration",
    roots=MADE_ANEW,
    causes=[{"cause": "migration", "accepts": ("manual_session",), "tables": tuple(MADE_ANEW)}],
    reported=["films", "submissions"],
    commits=[
        Commit(3000, "Schema", {"db/schema.rb": SCHEMA}),
        Commit(1, "Prepare the database when deploying", {"bin/deploy": "#!/usr/bin/env bash\nset -e\nbundle install\n"
            "DISABLE_DATABASE_ENVIRONMENT_CHECK=1 bin/rails db:schema:load\nbin/rails assets:precompile\n"}),
    ],
    later=[act("festival", "puma: cluster worker 1", "INSERT INTO films (title) VALUES ('A'), ('B'), ('C')")],
    settings=SETTINGS,
)  # fmt: skip

UNATTACHED = (
    "DELETE FROM active_storage_blobs b WHERE NOT EXISTS (SELECT FROM active_storage_attachments a "
    "WHERE a.blob_id = b.id AND a.record_type = 'Film')"
)

blobs_purged_by_task = Script(
    "blobs_purged_by_task",
    "A nightly task purges blobs that no film is attached to: those of submissions go, and their attachments",
    "festival_production",
    "festival",
    TABLES,
    [
        SHOWN,
        checkpoint,
        act("festival", "rake storage:purge_unattached", UNATTACHED),
        act("dmarkovic", "psql", "TRUNCATE active_storage_blobs", fails=True),
        ADDED,
    ],
    {
        **STANDING,
        "public.active_storage_blobs": lost("delete", 240, 80),
        "public.active_storage_attachments": lost("cascade_delete", 240, 80, via=["public.active_storage_blobs"]),
    },
    "scheduled_job",
    roles={"dmarkovic": ""},
    roots=["public.active_storage_blobs"],
    reported=["active_storage_blobs", "active_storage_attachments"],
    commits=[
        Commit(3000, "Schema", {"db/schema.rb": SCHEMA}),
        Commit(18, "Purge what nothing is attached to", {
            "lib/tasks/storage.rake": "namespace :storage do\n  task purge_unattached: :environment do\n    "
                f"ActiveRecord::Base.connection.execute(<<~SQL)\n      {UNATTACHED}\n    SQL\n  end\nend\n",
            "config/schedule.rb": "every 1.day, at: '2:30 am' do\n  rake 'storage:purge_unattached'\nend\n"}),
    ],
    later=[ADDED],
    settings=SETTINGS,
)  # fmt: skip

DO = """DO $$
DECLARE listed text;
BEGIN
  SELECT string_agg(quote_ident(relname), ', ') INTO listed FROM pg_class
   WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname LIKE 'jury%';
  EXECUTE 'TRUNCATE ' || listed;
END $$"""

jury_cleared_in_a_block = Script(
    "jury_cleared_in_a_block",
    "Somebody clears the jury's tables for the next edition in a DO block that finds them by their names",
    "festival_production",
    "festival",
    TABLES,
    [
        SHOWN,
        checkpoint,
        act("dmarkovic", "psql", "TRUNCATE jury_members", fails=True),
        act("dmarkovic", "psql", "SET ROLE festival", DO),
        act("festival", "bin/rails", "ALTER TABLE films ADD COLUMN runtime integer",
            "INSERT INTO schema_migrations VALUES ('20261125090000')", whole=True),
        ADDED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.jury_members": lost("truncate", 9),
        "public.jury_votes": lost("truncate", 450),
        "public.schema_migrations": ok(3),
    },
    "manual_session",
    roles={"dmarkovic": "festival"},
    roots=["public.jury_members", "public.jury_votes"],
    reported=["jury_votes"],
    commits=[
        Commit(3000, "Schema", {"db/schema.rb": SCHEMA}),
        Commit(2, "Running time", {"db/migrate/20261125090000_add_runtime_to_films.rb": "class AddRuntimeToFilms < "
            "ActiveRecord::Migration[8.0]\n  def change\n    add_column :films, :runtime, :integer\n  end\nend\n"}),
    ],
    later=[ADDED],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
)  # fmt: skip

MOVE = ("INSERT INTO submission_archives SELECT * FROM submissions WHERE edition = 2024",
        "DELETE FROM submissions WHERE edition = 2024")  # fmt: skip

edition_archived = Script(
    "edition_archived",
    "False alarm: submissions of an old edition were archived on purpose, in one transaction of a task",
    "festival_production",
    "festival",
    TABLES,
    [
        SHOWN,
        checkpoint,
        act("festival", "rake editions:archive", *MOVE, whole=True),
        act("dmarkovic", "psql", "SELECT count(*) FROM submissions WHERE edition = 2024"),
        ADDED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.submissions": {**ok(1000, "delete", accepts=["update"]), "statuses": ("hidden",)},
        "public.submission_archives": ok(500),
    },
    "not_lost",
    roles={"dmarkovic": "festival"},
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["submissions"],
    commits=[
        Commit(3000, "Schema", {"db/schema.rb": SCHEMA}),
        Commit(400, "Archive editions", {"lib/tasks/editions.rake": "namespace :editions do\n  task archive: "
            ":environment do\n    ActiveRecord::Base.transaction do\n      ActiveRecord::Base.connection.execute("
            f'"{MOVE[0]}")\n      ActiveRecord::Base.connection.execute("{MOVE[1]}")\n    end\n  end\nend\n'}),
    ],
    later=[ADDED],
    settings=SETTINGS,
    # Deleted here and inserted there, as many and at once: a strong hint, no proof, to whoever reads counters alone.
    views={view: {"untellable": {"public.submissions": ("none",) if view == "crash" else ()}} for view in BLIND},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (schema_loaded_over_production, blobs_purged_by_task, jury_cleared_in_a_block, edition_archived)
)
