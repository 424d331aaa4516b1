"""An allotment society on Rails: losses that were repeated, and a repetition that is none."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Commit, Script, act, checkpoint, lost, noted, ok

LAND = (
    "CREATE TABLE sites (id bigserial PRIMARY KEY, name varchar NOT NULL)",
    "CREATE TABLE plots (id bigserial PRIMARY KEY, site_id bigint NOT NULL REFERENCES sites, number varchar NOT NULL, "
    "soil text)",
    "CREATE TABLE weather_readings (id bigserial PRIMARY KEY, station varchar NOT NULL, taken_on date, mm numeric)",
)
PEOPLE = (
    "CREATE TABLE members (id bigserial PRIMARY KEY, name varchar NOT NULL, email varchar)",
    "CREATE TABLE tenancies (id bigserial PRIMARY KEY, plot_id bigint NOT NULL REFERENCES plots, member_id bigint NOT "
    "NULL REFERENCES members, since date NOT NULL)",
    "CREATE TABLE payments (id bigserial PRIMARY KEY, member_id bigint NOT NULL REFERENCES members, year int NOT NULL,"
    " cents int NOT NULL)",
    "CREATE TABLE harvests (id bigserial PRIMARY KEY, crop varchar NOT NULL, grams int NOT NULL)",
)
BOOK = "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)"
NOTED = "INSERT INTO schema_migrations (version) VALUES ('{}')"
TABLES = (BOOK, *LAND, *PEOPLE, NOTED.format("20240210090000"), NOTED.format("20240317120000"))
PUMA = "bin/rails"
GROWN = act(
    "allot_web",
    PUMA,
    "INSERT INTO sites (name) SELECT 'Site ' || g FROM generate_series(1, 24) g",
    "INSERT INTO plots (site_id, number) SELECT 1 + g % 24, 'P' || g FROM generate_series(1, 900) g",
    "INSERT INTO weather_readings (station, taken_on) SELECT 'S' || g % 8, current_date - 2 - g / 8 FROM "
    "generate_series(0, 479) g",
    "INSERT INTO members (name, email) SELECT 'Member ' || g, g || '@example.org' FROM generate_series(1, 760) g",
    "INSERT INTO tenancies (plot_id, member_id, since) SELECT g, 1 + g % 760, date '2020-04-01' + g FROM "
    "generate_series(1, 880) g",
    "INSERT INTO payments (member_id, year, cents) SELECT 1 + g % 760, 2020 + g % 6, 4500 FROM generate_series(1, 4200)"
    " g",
    "INSERT INTO harvests (crop, grams) SELECT 'Crop ' || g % 30, 100 + g FROM generate_series(1, 2600) g",
)
STANDING = {
    "public.schema_migrations": ok(2),
    "public.sites": ok(24),
    "public.plots": ok(900),
    "public.weather_readings": ok(480),
    "public.members": ok(760),
    "public.tenancies": ok(880),
    "public.payments": ok(4200),
    "public.harvests": ok(2600),
}
ROLES = {"allot_web": "allot", "allot_night": "allot", "runa": "allot", "piet": "allot", "auditor": ""}
LOGS = {"log_line_prefix": "%m [%p] %q%u@%d %a "}


def _rails(name: str, *statements: str) -> str:
    run = "".join(f"    execute {statement!r}\n" for statement in statements)
    return f"class {name} < ActiveRecord::Migration[7.2]\n  def up\n{run}  end\nend\n"


FIRST = Commit(20000, "Plots and people", {
    "db/migrate/20240210090000_land.rb": _rails("Land", *LAND),
    "db/migrate/20240317120000_people.rb": _rails("People", *PEOPLE),
    "config/database.yml": "default: &default\n  adapter: postgresql\n  url: <%= ENV['DATABASE_URL'] %>\nproduction:\n"
    "  <<: *default\ntest:\n  <<: *default\n",
    "Gemfile": "source 'https://rubygems.org'\ngem 'rails', '~> 7.2'\ngem 'pg'\ngem 'database_cleaner-active_record', "
    "group: :test\n",
}, author="Runa Holm <runa@example.org>")  # fmt: skip
LATER = act("allot_web", PUMA, "INSERT INTO members (name) VALUES ('Nadia'), ('Ola')")

CLEANED = tuple(name for name in STANDING if name != "public.schema_migrations")
CLEAN = "TRUNCATE TABLE " + ", ".join(f'"{name.removeprefix("public.")}"' for name in CLEANED) + (
    " RESTART IDENTITY CASCADE")  # fmt: skip
FACTORY = (
    "INSERT INTO sites (name) VALUES ('Site 1')",
    "INSERT INTO plots (site_id, number) VALUES (1, 'P1')",
    "INSERT INTO members (name) VALUES ('Member 1'), ('Member 2')",
)
BY_CLEANER = {"cause": "test_run", "tables": CLEANED}
cleaned_after_every_example = Script(
    "cleaned_after_every_example",
    "RSpec with the live DATABASE_URL: DatabaseCleaner truncates every table before the suite and after each of two "
    "examples, whose factories fill a few rows in between",
    "allotments",
    "allot",
    TABLES,
    [
        GROWN,
        act("postgres", "psql", "VACUUM FULL plots", "VACUUM FULL payments"),  # their storage was replaced before
        checkpoint,
        act("piet", "psql", "DELETE FROM harvests WHERE grams < 0"),
        noted("before"),
        act("allot_web", "rspec", CLEAN),
        noted("after"),
        act("allot_web", "rspec", *FACTORY),
        act("allot_web", "rspec", CLEAN),
        act("allot_web", "rspec", *FACTORY, "INSERT INTO tenancies (plot_id, member_id, since) VALUES (1, 2, now())"),
        act("allot_web", "rspec", CLEAN),
        act("auditor", "psql", "SELECT count(*) FROM payments", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.sites": lost("truncate", 24),
        "public.plots": lost("truncate", 900),
        "public.weather_readings": lost("truncate", 480),
        "public.members": lost("truncate", 760),
        "public.tenancies": lost("truncate", 880),
        "public.payments": lost("truncate", 4200),
        "public.harvests": lost("truncate", 2600),
    },
    "test_run",
    roles=ROLES,
    app_role="allot_web",
    roots=CLEANED,
    causes=[BY_CLEANER],
    reported=["payments"],
    commits=[FIRST, Commit(900, "Specs", {
        "spec/rails_helper.rb": "require 'database_cleaner/active_record'\nDatabaseCleaner.strategy = :truncation\n"
        "RSpec.configure do |config|\n  config.before(:suite) { DatabaseCleaner.clean_with(:truncation) }\n  config."
        "after { DatabaseCleaner.clean }\nend\n",
        "spec/models/tenancy_spec.rb": "RSpec.describe Tenancy do\n  it { expect(create(:tenancy)).to be_valid }\n"
        "end\n"})],
    later=[LATER],
    settings=LOGS,
    views={view: {"untellable": dict.fromkeys(CLEANED, ("none", "recreate", "counters_reset"))
                  if view == "stats_csv" else {},
                  "causes": ({**BY_CLEANER, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

BY_RUNA = {"cause": "manual_session", "tables": ("public.payments",)}
deleted_then_truncated_for_its_numbers = Script(
    "deleted_then_truncated_for_its_numbers",
    "A DELETE of one year's payments lacks its WHERE; a colleague finds the table empty and truncates it, so that the "
    "numbers begin at 1 again",
    "allotments",
    "allot",
    TABLES,
    [
        GROWN,
        checkpoint,
        act("runa", "psql", "SELECT count(*) FROM payments WHERE year = 2019"),
        noted("before"),
        act("runa", "psql", "DELETE FROM payments"),
        noted("after"),
        act("allot_web", PUMA, "SELECT sum(cents) FROM payments WHERE member_id = 8"),
        act("piet", "psql", "SELECT count(*) FROM payments", "TRUNCATE payments RESTART IDENTITY"),
        act("allot_web", PUMA, "INSERT INTO payments (member_id, year, cents) VALUES (12, 2026, 4500)"),
        act("auditor", "psql", "DELETE FROM payments", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.payments": lost("delete", 4200, 1)},
    "manual_session",
    roles=ROLES,
    app_role="allot_web",
    roots=["public.payments"],
    causes=[BY_RUNA],
    reported=["payments"],
    commits=[FIRST],
    later=[LATER],
    settings=LOGS,
    # Where no statement is seen the counters tell of the DELETE; without them the storage tells of the TRUNCATE.
    views={view: {"untellable": {"public.payments": ("truncate", "none", "counters_reset")}
                  if view in ("crash", "stats_csv") else {},
                  "causes": ({**BY_RUNA, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

LOADED = tuple(
    f'{verb} "{name}"{rest}'
    for name, columns in (("harvests", PEOPLE[3]), ("weather_readings", LAND[2]))
    for verb, rest in (("DROP TABLE IF EXISTS", " CASCADE"), ("CREATE TABLE", columns.partition(name)[2]))
)
BY_LOAD = {"cause": "manual_session", "accepts": ("migration", "application", "scheduled_job", "test_run"),
           "tables": ("public.harvests", "public.weather_readings")}  # fmt: skip
schema_loaded_and_truncated = Script(
    "schema_loaded_and_truncated",
    "db:schema:load of two tables on the live database, taken for the copy: it drops and makes them anew; then "
    "db:truncate_all of the same, to be sure",
    "allotments",
    "allot",
    TABLES,
    [
        GROWN,
        checkpoint,
        noted("before"),
        act("allot", "bin/rails", *LOADED, whole=True),
        noted("after"),
        act("allot", "bin/rails", 'TRUNCATE TABLE "harvests", "weather_readings" RESTART IDENTITY CASCADE'),
        act("allot_web", PUMA, "INSERT INTO harvests (crop, grams) VALUES ('Leek', 900)"),
        act("auditor", "psql", "TRUNCATE members CASCADE", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.harvests": lost("recreate", 2600, 1),
        "public.weather_readings": lost("recreate", 480),
    },
    "manual_session",
    roles=ROLES,
    app_role="allot_web",
    causes=[BY_LOAD],
    reported=["harvests"],
    commits=[FIRST],
    later=[LATER],
    settings=LOGS,
    # Without the DROP in WAL or log a table made anew may as well have been put back empty, or from a dump.
    views={view: {"untellable": dict.fromkeys(BY_LOAD["tables"], ("truncate", "none", "counters_reset", "restore")),
                  "causes": ({**BY_LOAD, "accepts": ("unknown", "restore")},)} for view in BLIND},
)  # fmt: skip

FETCHED = (
    "INSERT INTO weather_readings (station, taken_on) SELECT 'S' || g % 8, current_date - g / 8 FROM "
    "generate_series(0, 483) g",
)
BY_NIGHT = {"cause": "scheduled_job", "tables": ("public.weather_readings",)}
readings_that_did_not_come_tonight = Script(
    "readings_that_did_not_come_tonight",
    "A nightly job truncates the readings and fetches them anew; in the third night the provider answers nothing",
    "allotments",
    "allot",
    TABLES,
    [
        GROWN,
        checkpoint,
        act("allot_night", "bin/jobs", "TRUNCATE weather_readings", *FETCHED),
        act("allot_night", "bin/jobs", "TRUNCATE weather_readings", *FETCHED),
        act("postgres", "psql", "VACUUM FULL weather_readings"),
        noted("before"),
        act("allot_night", "bin/jobs", "TRUNCATE weather_readings"),
        noted("after"),
        act("allot_web", PUMA, "SELECT sum(mm) FROM weather_readings"),
        act("auditor", "psql", "TRUNCATE members CASCADE", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.weather_readings": lost("truncate", 484, accepts=["none"], statuses=["intact", "hidden"])},
    "scheduled_job",
    roles=ROLES,
    app_role="allot_web",
    roots=["public.weather_readings"],
    causes=[BY_NIGHT],
    reported=["weather_readings"],
    commits=[FIRST, Commit(7000, "Readings of the weather service", {
        "app/jobs/readings_job.rb": "class ReadingsJob < ApplicationJob\n  def perform\n    ActiveRecord::Base."
        "connection.execute('TRUNCATE weather_readings')\n    Provider.readings.each { |one| WeatherReading.create!"
        "(one) }\n  end\nend\n",
        "config/recurring.yml": "production:\n  readings:\n    class: ReadingsJob\n    schedule: every day at 2am\n"})],
    later=[LATER],
    settings=LOGS,
    views={view: {"untellable": dict.fromkeys(BY_NIGHT["tables"], ("none", "recreate", "counters_reset", "rollback")),
                  "causes": ({**BY_NIGHT, "accepts": ("unknown",)},)} for view in BLIND},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        cleaned_after_every_example,
        deleted_then_truncated_for_its_numbers,
        schema_loaded_and_truncated,
        readings_that_did_not_come_tonight,
    )
)
