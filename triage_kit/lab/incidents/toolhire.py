"""A hirer of tools on Rails: a suite with production's URL, duplicates merged, a rotated log, jobs that clear away."""

from __future__ import annotations

from triage_kit.lab.incidents.script import (
    BLIND,
    Commit,
    Script,
    act,
    checkpoint,
    log_rotated,
    lost,
    ok,
)

YARD = (
    "CREATE TABLE depots (id bigserial PRIMARY KEY, name varchar NOT NULL)",
    "CREATE TABLE machines (id bigserial PRIMARY KEY, depot_id bigint NOT NULL REFERENCES depots, asset_tag varchar "
    "NOT NULL, category varchar)",
    "CREATE TABLE customers (id bigserial PRIMARY KEY, account_no varchar NOT NULL, name varchar NOT NULL, email "
    "varchar)",
    "CREATE TABLE hires (id bigserial PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, machine_id bigint "
    "NOT NULL REFERENCES machines, out_on date NOT NULL, back_on date)",
    "CREATE TABLE inspections (id bigserial PRIMARY KEY, machine_id bigint NOT NULL REFERENCES machines ON DELETE "
    "CASCADE, done_on date NOT NULL, passed boolean)",
    "CREATE TABLE invoices (id bigserial PRIMARY KEY, account_no varchar NOT NULL, issued_on date NOT NULL, pence int)",
    "CREATE TABLE audits (id bigserial PRIMARY KEY, auditable_type varchar, auditable_id bigint, created_at timestamp "
    "NOT NULL)",
    "CREATE TABLE good_jobs (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), job_class text, finished_at timestamp)",
)
TABLES = (
    "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
    "CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar)",
    "INSERT INTO schema_migrations VALUES ('20230214100000'), ('20230302090000'), ('20240118153000')",
    "INSERT INTO ar_internal_metadata VALUES ('environment', 'production')",
    *YARD,
)
PUMA, WORKER = "puma: cluster worker 1: 31 [toolhire]", "good_job"
HIRED = act(
    "toolhire",
    PUMA,
    "INSERT INTO depots (name) SELECT 'Depot ' || g FROM generate_series(1, 9) g",
    "INSERT INTO machines (depot_id, asset_tag, category) SELECT 1 + g % 9, 'TH' || 4000 + g, 'C' || g % 31 FROM "
    "generate_series(1, 1260) g",
    "INSERT INTO customers (account_no, name, email) SELECT 'A' || g, 'Customer ' || g, CASE WHEN g % 5 > 0 THEN 'c' "
    "|| g || '@example.com' END FROM generate_series(1, 815) g",
    "INSERT INTO hires (customer_id, machine_id, out_on, back_on) SELECT 1 + g % 815, 1 + g % 1260, date '2023-06-01' "
    "+ g / 6, date '2023-06-04' + g / 6 FROM generate_series(1, 6520) g",
    "INSERT INTO inspections (machine_id, done_on, passed) SELECT 1 + g % 1260, date '2024-01-01' + g / 5, g % 40 > 0 "
    "FROM generate_series(1, 3780) g",
    "INSERT INTO invoices (account_no, issued_on, pence) SELECT 'A' || 1 + g % 815, date '2023-06-01' + g / 5, 4500 "
    "FROM generate_series(1, 5900) g",
    "INSERT INTO audits (auditable_type, auditable_id, created_at) SELECT 'Hire', g % 6520, timestamp '2024-10-01' + g "
    "* interval '2 hours' FROM generate_series(1, 8200) g",
)
MAILED = (
    act("toolhire", PUMA, "INSERT INTO good_jobs (job_class) SELECT 'ReceiptJob' FROM generate_series(1, 240) g"),
    act("toolhire", WORKER, "UPDATE good_jobs SET finished_at = now()"),
    act("toolhire", WORKER, "DELETE FROM good_jobs WHERE finished_at <= now()"),
)
COUNTED = act("toolhire", PUMA, "INSERT INTO hires (customer_id, machine_id, out_on) VALUES (4, 70, '2026-11-26'), (7, "
              "71, '2026-11-26')")  # fmt: skip
STANDING = {
    "public.schema_migrations": ok(3),
    "public.ar_internal_metadata": ok(1),
    "public.depots": ok(9),
    "public.machines": ok(1260),
    "public.customers": ok(815),
    "public.hires": ok(6522),
    "public.inspections": ok(3780),
    "public.invoices": ok(5900),
    "public.audits": ok(8200),
    "public.good_jobs": ok(0, "delete", accepts=["none"]),
}
QUEUE = {"public.good_jobs": ("none", "rollback")}
DRAINED: dict[str, dict | None] = {view: {"untellable": QUEUE} for view in BLIND}
ROLES = {"mperry": "toolhire", "reporting": ""}
SETTINGS = {"log_line_prefix": "%t [%p]: user=%u,db=%d,app=%a,client=%h ", "log_timezone": "Europe/London"}
CLASS = "class {} < ActiveRecord::Migration[7.1]\n  def change\n{}\n  end\nend\n"
FIRST = Commit(20000, "Yard", {
    "db/migrate/20230214100000_create_yard.rb": CLASS.format("CreateYard", "\n".join(
        f"    execute \"{each}\"" for each in YARD)),
    "db/migrate/20230302090000_add_email.rb": CLASS.format("AddEmail", "    # merged into the first"),
    "app/models/customer.rb": "class Customer < ApplicationRecord\n  has_many :hires, dependent: :delete_all\nend\n",
    "config/initializers/good_job.rb": "Rails.application.configure do\n  config.good_job.preserve_job_records = true\n"
    "  config.good_job.cleanup_preserved_jobs_before_seconds_ago = 3600\nend\n",
    "db/seeds.rb": "if Rails.env.development?\n  [Hire, Machine, Customer, Depot].each(&:delete_all)\nend\n",
})  # fmt: skip
OLD = "DELETE FROM audits WHERE created_at < '2024-11-26'"
PURGE = Commit(9000, "Keep audits for two years", {
    "lib/tasks/audits.rake": "namespace :audits do\n  task purge: :environment do\n    Audit.where(\"created_at < ?\", "
    "2.years.ago).in_batches(of: 5000).delete_all\n  end\nend\n",
    "config/schedule.rb": "every 1.day, at: \"3:40 am\" do\n  rake \"audits:purge\"\nend\n"})  # fmt: skip
PURGED = act("toolhire", "bin/rails", OLD)
# From the first of October 2024, twelve a day: those of 56 days but the last are older than two years.
AUDITS_LEFT = 8200 - (56 * 12 - 1)
RETAINED = {**ok(AUDITS_LEFT, "delete", accepts=["none"]), "statuses": ("undecided",)}
COLUMN = "ALTER TABLE machines ADD COLUMN noise_db smallint"
MIGRATED = act("toolhire", "bin/rails", COLUMN, "INSERT INTO schema_migrations VALUES ('20261126074500')", whole=True)
NOISE = Commit(4, "Noise level", {"db/migrate/20261126074500_add_noise_db.rb": CLASS.format(
    "AddNoiseDb", "    add_column :machines, :noise_db, :smallint")})  # fmt: skip
LATER = act("toolhire", PUMA, "INSERT INTO audits (auditable_type, auditable_id, created_at) VALUES ('Hire', 4, "
            "'2026-11-27')")  # fmt: skip

CLEANED = ("depots", "machines", "customers", "hires", "inspections", "invoices", "audits", "good_jobs")
EMPTIED = "TRUNCATE TABLE " + ", ".join(f'"public"."{name}"' for name in CLEANED) + " RESTART IDENTITY CASCADE"
suite_against_the_url_of_production = Script(
    "suite_against_the_url_of_production",
    "RSpec in a shell where DATABASE_URL was production's: the suite's first act is to truncate every table",
    "hire_production",
    "toolhire",
    TABLES,
    [
        HIRED,
        *MAILED,
        COUNTED,
        MIGRATED,
        checkpoint,
        PURGED,
        act("toolhire", "/usr/local/bundle/bin/rspec", "SELECT version FROM schema_migrations", EMPTIED),
        act("toolhire", "/usr/local/bundle/bin/rspec", "INSERT INTO depots (name) VALUES ('Factory depot')",
            "INSERT INTO customers (account_no, name) VALUES ('F1', 'Factory customer')", undone=True),
        act("toolhire", PUMA, "INSERT INTO hires (customer_id, machine_id, out_on) VALUES (4, 70, '2026-11-26')",
            fails=True),
        act("reporting", "psql", "DELETE FROM hires WHERE back_on IS NULL", fails=True),
        act("toolhire", PUMA, "INSERT INTO audits (auditable_type, auditable_id, created_at) VALUES ('User', 3, "
            "'2026-11-26'), ('User', 4, '2026-11-26')"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        **{name: lost("truncate", told["rows"]) for name, told in STANDING.items()
           if name.removeprefix("public.") in CLEANED},
        "public.audits": lost("truncate", AUDITS_LEFT, 2),
        "public.good_jobs": ok(0, "truncate", accepts=["none", "delete"]),
    },
    "test_run",
    roles=ROLES,
    roots=[f"public.{name}" for name in CLEANED],
    reported=["hires", "machines", "customers"],
    commits=[FIRST, PURGE, Commit(5000, "Specs", {"spec/rails_helper.rb": "require \"database_cleaner/active_record\"\n"
        "DatabaseCleaner.allow_remote_database_url = true\nRSpec.configure do |config|\n  config.use_transactional_"
        "fixtures = true\n  config.before(:suite) { DatabaseCleaner.clean_with(:truncation) }\nend\n",
        ".gitlab-ci.yml": "rspec:\n  services: [postgres:16]\n  variables: { DATABASE_URL: postgres://postgres@postgres/"
        "hire_test }\n  script: bundle exec rspec\n"}), NOISE],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

# Customer 5 is kept; every other customer without an address is a duplicate of it to SQL's IS NULL.
MERGED = [
    statement
    for number in range(10, 816, 5)
    for statement in (
        f'DELETE FROM "hires" WHERE "hires"."customer_id" = {number}',
        f'DELETE FROM "customers" WHERE "customers"."id" = {number}',
    )
]
MERGE = """class MergeCustomers
  def initialize(keep) = @keep = keep

  def call
    Customer.transaction do
      Customer.where(email: @keep.email).where.not(id: @keep.id).destroy_all
    end
  end
end
"""
customers_without_an_address_merged = Script(
    "customers_without_an_address_merged",
    "A clerk merges a customer's duplicates; his e-mail address is empty, and everybody without one is destroyed",
    "hire_production",
    "toolhire",
    TABLES,
    [
        HIRED,
        *MAILED,
        COUNTED,
        checkpoint,
        PURGED,
        MIGRATED,
        act("mperry", "psql", "SELECT count(*) FROM customers"),
        act("toolhire", PUMA, *MERGED, whole=True),
        *MAILED,
        act("toolhire", PUMA, "INSERT INTO hires (customer_id, machine_id, out_on) VALUES (20, 70, '2026-11-26')",
            fails=True),
        act("reporting", "psql", "DELETE FROM customers WHERE email IS NULL", fails=True),
        act("toolhire", PUMA, "INSERT INTO customers (account_no, name) VALUES ('A816', 'New')"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        "public.audits": RETAINED,
        # 163 customers have no address, one is kept; each has eight hires, and customer 4 and 7 one more.
        "public.customers": lost("delete", 162, 654),
        "public.hires": lost("delete", 1296, 5226),
    },
    "application",
    roles=ROLES,
    roots=["public.customers", "public.hires"],
    causes=[{"cause": "application", "tables": ("public.customers", "public.hires")}],
    reported=["customers", "hires"],
    commits=[FIRST, PURGE, Commit(60, "Merge duplicates", {"app/services/merge_customers.rb": MERGE,
        "app/admin/customers.rb": "ActiveAdmin.register Customer do\n  member_action :merge, method: :put do\n    "
        "MergeCustomers.new(resource).call\n    redirect_to admin_customers_path\n  end\nend\n"}), NOISE],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)  # fmt: skip

invoices_gone_and_the_log_too = Script(
    "invoices_gone_and_the_log_too",
    "Old invoices are deleted by hand in psql to make an export fit; when they are missed the log is rotated away",
    "hire_production",
    "toolhire",
    TABLES,
    [
        HIRED,
        *MAILED,
        COUNTED,
        checkpoint,
        PURGED,
        act("mperry", "psql", "SELECT count(*) FROM invoices WHERE issued_on < '2025-04-06'",
            "DELETE FROM invoices WHERE issued_on < '2025-04-06'"),
        checkpoint,
        MIGRATED,
        *MAILED,
        log_rotated,
        act("reporting", "psql", "DELETE FROM invoices", fails=True),
        act("toolhire", PUMA, "INSERT INTO invoices (account_no, issued_on, pence) VALUES ('A12', '2026-11-26', 900)"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        "public.audits": RETAINED,
        # Invoice 3375 is the first of the 6th of April 2025, 675 days after the first of June 2023.
        "public.invoices": lost("delete", 3374, 2527),
    },
    "manual_session",
    roles=ROLES,
    roots=["public.invoices"],
    causes=[{"cause": "manual_session", "tables": ("public.invoices",)}],
    reported=["invoices"],
    commits=[FIRST, PURGE, NOISE, Commit(3000, "Archive paid invoices", {"lib/tasks/invoices.rake": "namespace "
        ":invoices do\n  # by hand, once a year, after the export\n  task archive: :environment do\n    Invoice.where("
        "\"issued_on < ?\", 7.years.ago).delete_all\n  end\nend\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": QUEUE, "causes": (
        {"cause": "manual_session", "tables": ("public.invoices",), "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

quiet_day_at_the_yard = Script(
    "quiet_day_at_the_yard",
    "False alarm: the yard's tablet had a filter set; jobs were cleared, old audits purged, a table rewritten",
    "hire_production",
    "toolhire",
    TABLES,
    [
        HIRED,
        *MAILED,
        COUNTED,
        checkpoint,
        PURGED,
        MIGRATED,
        *MAILED,
        act(
            "toolhire",
            PUMA,
            "UPDATE machines SET category = 'C7' WHERE category = 'C8'",
            "INSERT INTO machines (depot_id, asset_tag) VALUES (3, 'TH9999')",
            "DELETE FROM machines WHERE asset_tag = 'TH9999'",
        ),
        act("mperry", "psql", "DELETE FROM inspections WHERE passed", undone=True),
        act("reporting", "psql", "DELETE FROM machines", fails=True),
        act("postgres", "psql", "VACUUM FULL audits", "REINDEX TABLE hires"),
        *MAILED,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        "public.machines": ok(1260, accepts=["delete", "update"]),
        "public.inspections": ok(3780, accepts=["delete"]),
        "public.audits": RETAINED,
    },
    "not_lost",
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job", "application"), "tables": ()}],
    reported=["machines"],
    commits=[FIRST, PURGE, NOISE],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        suite_against_the_url_of_production, customers_without_an_address_merged, invoices_gone_and_the_log_too,
        quiet_day_at_the_yard,
    )
)  # fmt: skip
