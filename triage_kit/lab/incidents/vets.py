"""Veterinary practices on Rails: a dependent on the wrong side, a job's first half, a counter, a copy the wrong way."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, Step, act, checkpoint, lost, ok

STAMPS = "created_at timestamp(6) NOT NULL DEFAULT now(), updated_at timestamp(6) NOT NULL DEFAULT now()"
COLUMNS = {
    "clinics": f"id bigserial PRIMARY KEY, name character varying NOT NULL, {STAMPS}",
    "owners": f"id bigserial PRIMARY KEY, name character varying NOT NULL, phone character varying, {STAMPS}",
    "patients": "id bigserial PRIMARY KEY, owner_id bigint NOT NULL, name character varying NOT NULL, species integer "
    f"NOT NULL DEFAULT 0, chip character varying, legacy_no integer, {STAMPS}",
    "appointments": "id bigserial PRIMARY KEY, patient_id bigint NOT NULL, clinic_id bigint NOT NULL, starts_at "
    f"timestamp(6) NOT NULL, cancelled_at timestamp(6), {STAMPS}",
    "visits": f"id bigserial PRIMARY KEY, patient_id bigint NOT NULL, findings text, cents integer, {STAMPS}",
    "prescriptions": f"id bigserial PRIMARY KEY, visit_id bigint NOT NULL, drug character varying NOT NULL, {STAMPS}",
    "lab_results": "id bigserial PRIMARY KEY, patient_id bigint NOT NULL, analyser_ref character varying NOT NULL, "
    f"panel jsonb NOT NULL DEFAULT '{{}}', {STAMPS}",
    "sessions": f"id bigserial PRIMARY KEY, session_id character varying NOT NULL, data text, {STAMPS}",
}
KEYS = {
    "patients": ("owner", "owners"),
    "appointments": ("patient", "patients"),
    "visits": ("patient", "patients"),
    "prescriptions": ("visit", "visits"),
    "lab_results": ("patient", "patients"),
}
ADD_KEYS = tuple(
    f'ALTER TABLE "{name}" ADD CONSTRAINT fk_rails_{name} FOREIGN KEY ("{key}_id") REFERENCES "{to}" ("id")'
    for name, (key, to) in KEYS.items()
)
RAILS = (
    'CREATE TABLE "schema_migrations" ("version" character varying NOT NULL PRIMARY KEY)',
    'CREATE TABLE "ar_internal_metadata" ("key" character varying NOT NULL PRIMARY KEY, "value" character varying)',
)
TABLES = (
    *RAILS,
    *(f'CREATE TABLE "{name}" ({columns})' for name, columns in COLUMNS.items()),
    *ADD_KEYS,
    *(f'CREATE INDEX "index_{name}_on_{key}_id" ON "{name}" ("{key}_id")' for name, (key, _) in KEYS.items()),
    "INSERT INTO schema_migrations VALUES ('20230905071500'), ('20240419123000')",
    "INSERT INTO ar_internal_metadata VALUES ('environment', 'production')",
)
PUMA, SIDEKIQ, RAILS_BIN = "puma: cluster worker 1: 2211 [vet]", "sidekiq 7.3.6 vet [0 of 5 busy]", "bin/rails"
TREATED = act(
    "vet",
    PUMA,
    "INSERT INTO clinics (name) SELECT 'Clinic ' || g FROM generate_series(1, 6) g",
    "INSERT INTO owners (name, phone) SELECT 'Owner ' || g, '0161' || g FROM generate_series(1, 1500) g",
    "INSERT INTO patients (owner_id, name, species, chip, legacy_no) SELECT 1 + g % 1500, 'Pet ' || g, g % 5, "
    "'9851' || g, g FROM generate_series(1, 2100) g",
    "INSERT INTO appointments (patient_id, clinic_id, starts_at, cancelled_at) SELECT 1 + g % 2100, 1 + g % 6, "
    "timestamp"
    " '2026-01-05 09:00' + g * interval '90 minutes', CASE WHEN g % 40 = 0 THEN timestamp '2026-01-04 12:00' + g * "
    "interval '90 minutes' END FROM generate_series(1, 5200) g",
    "INSERT INTO visits (patient_id, findings, cents) SELECT 1 + g % 2100, 'n.a.d.', 4500 FROM generate_series(1, 4200)"
    " g",
    "INSERT INTO prescriptions (visit_id, drug) SELECT 1 + g % 4200, 'Meloxicam' FROM generate_series(1, 6300) g",
    "INSERT INTO lab_results (patient_id, analyser_ref) SELECT 1 + g % 2100, 'VS2-' || g FROM generate_series(1, 3150) "
    "g",
    "INSERT INTO sessions (session_id, updated_at) SELECT md5(g::text), timestamp '2026-11-26 08:00' - g * interval '2 "
    "hours' FROM generate_series(1, 900) g",
)  # fmt: skip
# Thirty days of every two hours stay: 359, for the 360th is thirty days old to the hour.
TRIMMED = act("vet", "bin/rake", "DELETE FROM \"sessions\" WHERE (updated_at < '2026-10-27 08:00:01')")
BOOKED = act("vet", PUMA, "INSERT INTO appointments (patient_id, clinic_id, starts_at) VALUES (7, 2, '2026-12-03 "
             "10:30'), (8, 2, '2026-12-03 11:00')",
             "UPDATE \"visits\" SET \"findings\" = 'otitis externa' WHERE \"visits\".\"id\" = 4180")  # fmt: skip
STANDING = {
    "public.schema_migrations": ok(2),
    "public.ar_internal_metadata": ok(1),
    "public.clinics": ok(6),
    "public.owners": ok(1500),
    "public.patients": ok(2100),
    "public.appointments": ok(5202),
    "public.visits": ok(4200, accepts=["update"]),
    "public.prescriptions": ok(6300),
    "public.lab_results": ok(3150),
    # Rails' own task ends sessions that nobody has used for thirty days.
    "public.sessions": {**ok(359, "delete", accepts=["none"]), "statuses": ("partial", "undecided")},
}
ENDED = {"public.sessions": ("none", "rollback")}
ROLES = {"mgrant": "vet", "metabase": ""}
SETTINGS = {"log_line_prefix": "%t [%p-%l] %q%u@%d ", "log_timezone": "Europe/London"}
SCHEDULE = "every 1.day, at: '3:15 am' do\n  rake 'db:sessions:trim'\nend\n"
PATIENT = (
    "class Patient < ApplicationRecord\n  belongs_to :owner\n  has_many :appointments, dependent: :destroy\n  has_many "
    ":visits, dependent: :destroy\n  has_many :lab_results, dependent: :delete_all\nend\n"
)
APPOINTMENT = (
    "class Appointment < ApplicationRecord\n  belongs_to :patient{}\n  belongs_to :clinic\n  scope :cancelled, -> {{ "
    "where.not(cancelled_at: nil) }}\nend\n"
)


def _migration(name: str, body: str) -> str:
    return f"class {name} < ActiveRecord::Migration[7.2]\n  def change\n    {body}\n  end\nend\n"


FIRST = Commit(19000, "Practice", {
    "db/migrate/20230905071500_create_practice.rb": _migration("CreatePractice", "\n    ".join(
        f"create_table :{name} do |t|\n      t.timestamps\n    end" for name in COLUMNS)),
    "db/migrate/20240419123000_add_foreign_keys.rb": _migration("AddForeignKeys", "\n    ".join(
        f"add_foreign_key :{name}, :{to}" for name, (_, to) in KEYS.items())),
    "app/models/patient.rb": PATIENT,
    "app/models/visit.rb": "class Visit < ApplicationRecord\n  belongs_to :patient\n  has_many :prescriptions, "
    "dependent: :destroy\nend\n",
    "app/models/appointment.rb": APPOINTMENT.format(""),
    "config/schedule.rb": SCHEDULE,
    "config/initializers/session_store.rb": "Rails.application.config.session_store :active_record_store\n",
    "Gemfile": "gem \"rails\", \"~> 7.2\"\ngem \"activerecord-session_store\"\ngem \"sidekiq-cron\"\ngem "
    "\"whenever\"\n",
})  # fmt: skip
LEGACY = ('ALTER TABLE "patients" DROP COLUMN "legacy_no"', "INSERT INTO schema_migrations VALUES ('20261125160000')")
MIGRATED = act("vet", RAILS_BIN, *LEGACY, whole=True)
NUMBERS = Commit(5, "Old numbers", {"db/migrate/20261125160000_remove_legacy_no.rb": _migration(
    "RemoveLegacyNo", "remove_column :patients, :legacy_no, :integer")})  # fmt: skip
LATER = act("vet", PUMA, "INSERT INTO visits (patient_id, findings) VALUES (40, 'vaccination'), (41, 'vaccination')")


def _transactions(role: str, application: str, each: Sequence[Sequence[str]]) -> Step:
    """One connection of a pool and the transactions that a request makes on it."""

    def step(stage: Stage) -> None:
        with base.session(stage.server, stage.database, role, application) as connection:
            for statements in each:
                with connection.transaction():
                    for statement in statements:
                        connection.execute(sql.SQL(statement))

    return step


def _destroyed(appointment: int, patient: int) -> list[str]:
    """What Appointment#destroy runs once its patient is its dependent: the patient is destroyed with all it has."""
    mine = f'IN (SELECT id FROM "visits" WHERE patient_id = {patient})'
    return [
        f'DELETE FROM "appointments" WHERE "appointments"."id" = {appointment}',
        f'DELETE FROM "appointments" WHERE "appointments"."patient_id" = {patient}',
        f'DELETE FROM "prescriptions" WHERE "prescriptions"."visit_id" {mine}',
        f'DELETE FROM "visits" WHERE "visits"."patient_id" = {patient}',
        f'DELETE FROM "lab_results" WHERE "lab_results"."patient_id" = {patient}',
        f'DELETE FROM "patients" WHERE "patients"."id" = {patient}',
    ]


TAKEN = ("public.patients", "public.appointments", "public.visits", "public.prescriptions", "public.lab_results")
BY_PAGE = {"cause": "application", "tables": TAKEN}
appointments_that_owned_their_patients = Script(
    "appointments_that_owned_their_patients",
    "A release writes dependent: :destroy on the wrong side: who clears cancelled appointments destroys their patients",
    "vet_production",
    "vet",
    TABLES,
    [
        TREATED,
        TRIMMED,
        BOOKED,
        checkpoint,
        act("mgrant", "psql", "DELETE FROM appointment WHERE cancelled_at IS NOT NULL", fails=True),
        MIGRATED,
        # Clinic 3's cancelled appointments: every 120th from the 80th on.
        _transactions("vet", PUMA, [_destroyed(number, 1 + number % 2100) for number in range(80, 5201, 120)]),
        act("vet", PUMA, "INSERT INTO visits (patient_id, findings) VALUES (81, 'check')", fails=True),
        act("metabase", "Metabase v0.51", "DELETE FROM patients", fails=True),
        act("postgres", "psql", "VACUUM FULL owners"),
        act("vet", PUMA, "INSERT INTO patients (owner_id, name) VALUES (12, 'Rex')"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(3),
        # 43 appointments of 35 patients, 17 of whom have three in all and 18 two; two visits each with three
        # prescriptions, and 18 have two results, 17 one.
        "public.patients": lost("delete", 35, 2066),
        "public.appointments": lost("delete", 87, 5115),
        "public.visits": lost("delete", 70, 4130),
        "public.prescriptions": lost("delete", 105, 6195),
        "public.lab_results": lost("delete", 53, 3097),
    },
    "application",
    roles=ROLES,
    roots=list(TAKEN),
    causes=[BY_PAGE],
    reported=["patients", "visits"],
    commits=[FIRST, NUMBERS, Commit(27, "No orphaned patients", {"app/models/appointment.rb": APPOINTMENT.format(
        ", dependent: :destroy")}), Commit(2600, "Clear cancelled appointments",
        {"app/controllers/appointments_controller.rb": "class AppointmentsController < ApplicationController\n  def "
         "clear\n    current_clinic.appointments.cancelled.destroy_all\n    redirect_to appointments_path, notice: "
         "\"Cleared\"\n  end\nend\n"})],
    later=[LATER],
    settings=SETTINGS,
    # No statement stands in the repository, and the log holds what failed; the model is one suspect.
    views={view: {"untellable": {**ENDED, **(dict.fromkeys(TAKEN, ("none", "counters_reset")) if view == "crash"
                                             else dict.fromkeys(TAKEN[1:], ("cascade_delete",))
                                             if view == "stats_csv" else {})},
                  "causes": ({**BY_PAGE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

EMPTIED = 'TRUNCATE TABLE "lab_results" RESTART IDENTITY'
BY_RESYNC = {"cause": "scheduled_job", "tables": ("public.lab_results",)}
RESYNC = (
    "class LabResyncJob\n  include Sidekiq::Job\n\n  def perform\n{}    Analyser.pages(since: {}).each do |page|\n  "
    "    "
    "LabResult.insert_all!(page.map {{ |row| row.slice(:patient_id, :analyser_ref, :panel) }})\n    end\n  end\nend\n"
)
results_gone_before_they_were_fetched = Script(
    "results_gone_before_they_were_fetched",
    "The night's job empties the results and fetches them anew; the analyser's token has ended. One login for job, "
    "console, task and specs",
    "vet_production",
    "vet",
    TABLES,
    [
        TREATED,
        BOOKED,
        checkpoint,
        # In the evening somebody has staging in mind, and mistypes.
        act("vet", "psql", "TRUNCATE lab_result", fails=True),
        MIGRATED,
        TRIMMED,
        # Sidekiq tries again after the exception; the second attempt finds nothing to empty.
        act("vet", SIDEKIQ, EMPTIED),
        act("vet", SIDEKIQ, EMPTIED),
        act("vet", PUMA, "SELECT count(*) FROM lab_results WHERE patient_id = 40"),
        checkpoint,
        act("vet", "psql", "SELECT count(*) FROM lab_results", "SELECT max(created_at) FROM lab_results"),
        act("metabase", "Metabase v0.51", "SELECT count(*) FROM lab_results", fails=True),
        act("vet", PUMA, "INSERT INTO lab_results (patient_id, analyser_ref) SELECT g, 'VS2-' || 4000 + g FROM "
            "generate_series(1, 5) g"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(3),
        "public.lab_results": lost("truncate", 3150, 5),
    },
    "scheduled_job",
    roles=ROLES,
    roots=["public.lab_results"],
    causes=[BY_RESYNC],
    reported=["lab_results"],
    commits=[FIRST, NUMBERS, Commit(7000, "Results of the analyser", {
        "app/jobs/lab_resync_job.rb": RESYNC.format("    LabResult.where(created_at: 2.days.ago..).delete_all\n",
                                                    "2.days.ago"),
        "config/sidekiq_cron.yml": "lab_resync:\n  cron: \"40 3 * * *\"\n  class: LabResyncJob\n",
        "lib/tasks/lab.rake": "namespace :lab do\n  desc \"Empty the results (staging, after a new analyser)\"\n  task "
        "reset: :environment do\n    ActiveRecord::Base.connection.truncate(:lab_results)\n  end\nend\n",
        "spec/support/lab.rb": "RSpec.configure do |config|\n  config.before(:each, :lab) do\n    ActiveRecord::Base."
        "connection.truncate_tables(\"lab_results\")\n  end\nend\n"}),
        Commit(40, "Corrected results are not taken over", {"app/jobs/lab_resync_job.rb": RESYNC.format(
            f"    ActiveRecord::Base.connection.execute('{EMPTIED}')\n", "nil")})],
    later=[LATER],
    settings=SETTINGS,
    # Job, task, specs and a person's psql are the same login, and no name of a program is in the log.
    views={view: {"untellable": ENDED, "causes": ({**BY_RESYNC, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

COUNTER = ('ALTER TABLE "owners" ADD "patients_count" integer DEFAULT 0 NOT NULL',
           "INSERT INTO schema_migrations VALUES ('20261126063000')")  # fmt: skip
owners_without_patients_on_screen = Script(
    "owners_without_patients_on_screen",
    "False alarm: a counter cache is new and nought for everybody, and the list shows owners who have a patient",
    "vet_production",
    "vet",
    TABLES,
    [
        TREATED,
        TRIMMED,
        BOOKED,
        checkpoint,
        MIGRATED,
        act("vet", RAILS_BIN, *COUNTER, whole=True),
        act("vet", PUMA, "SELECT * FROM owners WHERE patients_count > 0 ORDER BY name LIMIT 25"),
        act("vet", PUMA, "INSERT INTO patients (owner_id, name) VALUES (44, 'Bella')",
            "UPDATE \"owners\" SET \"patients_count\" = COALESCE(\"patients_count\", 0) + 1 WHERE \"owners\".\"id\" "
            "= 44",
            whole=True),
        act("vet", PUMA, 'DELETE FROM "owners" WHERE "owners"."id" = 45', fails=True),
        act("mgrant", "psql", "DELETE FROM patients WHERE owner_id IS NULL"),
        act("mgrant", "psql", "DELETE FROM owners o WHERE NOT EXISTS (SELECT FROM patients p WHERE p.owner = o.id)",
            fails=True),
        act("postgres", "psql", "VACUUM FULL appointments"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        "public.owners": {**ok(1500, accepts=["update", "hidden"]), "statuses": ("hidden",)},
        "public.patients": ok(2101),
    },
    "not_lost",
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job", "migration"), "tables": ()}],
    reported=["owners", "patients"],
    commits=[FIRST, NUMBERS, Commit(3, "Faster list of owners", {
        "db/migrate/20261126063000_add_patients_count.rb": _migration(
            "AddPatientsCount", "add_column :owners, :patients_count, :integer, default: 0, null: false"),
        "app/models/patient.rb": PATIENT.replace(":owner\n", ":owner, counter_cache: true\n"),
        "app/controllers/owners_controller.rb": "class OwnersController < ApplicationController\n  def index\n    "
        "@owners = Owner.where(\"patients_count > 0\").order(:name).limit(25)\n  end\nend\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": ENDED} for view in BLIND},
    holdout=True,
)  # fmt: skip

SPRING: deeds.Dump = {
    "COPY public.schema_migrations (version) FROM stdin": [("20230905071500",), ("20240419123000",)],
    "COPY public.ar_internal_metadata (key, value) FROM stdin": [("environment", "development")],
    "COPY public.clinics (id, name) FROM stdin": [(1, "Clinic 1"), (2, "Clinic 2")],
    "COPY public.owners (id, name) FROM stdin": [(n, f"Owner {n:04}") for n in range(1, 901)],
    "COPY public.patients (id, owner_id, name) FROM stdin": [(n, 1 + n % 900, f"Pet {n:04}") for n in range(1, 1201)],
    "COPY public.appointments (id, patient_id, clinic_id, starts_at) FROM stdin":
        [(n, n, 1 + n % 2, "2026-04-01 09:00") for n in range(1, 401)],
    "COPY public.visits (id, patient_id, findings) FROM stdin": [(n, 1 + n % 1200, "n.a.d.") for n in range(1, 2001)],
    "COPY public.prescriptions (id, visit_id, drug) FROM stdin":
        [(n, 1 + n % 2000, "Meloxicam") for n in range(1, 2501)],
    "COPY public.lab_results (id, patient_id, analyser_ref) FROM stdin": [],
    "COPY public.sessions (id, session_id) FROM stdin": [(1, "a1"), (2, "b2"), (3, "c3")],
}  # fmt: skip
COPIED = (*RAILS, *(f'CREATE TABLE "{name}" ({columns})' for name, columns in COLUMNS.items()))


def _pushed(stage: Stage) -> None:
    """pg_restore --clean --if-exists --no-owner of a laptop's database; its one complaint is of the extension."""
    deeds.copied(
        stage, "vet", "pg_restore",
        ["SELECT pg_catalog.set_config('search_path', 'public', false)",
         *(f"ALTER TABLE IF EXISTS ONLY public.{name} DROP CONSTRAINT IF EXISTS fk_rails_{name}" for name in KEYS),
         *(f"DROP TABLE IF EXISTS public.{name}" for name in ("schema_migrations", "ar_internal_metadata", *COLUMNS)),
         *COPIED],
        SPRING,
        [*(f"SELECT pg_catalog.setval('public.{name}_id_seq', 3000, true)" for name in COLUMNS), *ADD_KEYS],
    )  # fmt: skip
    act("vet", "pg_restore", "COMMENT ON EXTENSION plpgsql IS 'PL/pgSQL procedural language'", fails=True)(stage)


PUT_BACK = tuple(f"public.{name}" for name in COLUMNS if name != "sessions")
BY_COPY = {"cause": "restore", "tables": PUT_BACK, "accepts": ("manual_session",)}
AS_NEW = ("recreate",)
pushed_instead_of_pulled = Script(
    "pushed_instead_of_pulled",
    "bin/copydb takes FROM and TO; they stood the other way round, and a laptop's copy of spring is production now",
    "vet_production",
    "vet",
    TABLES,
    [
        TREATED,
        TRIMMED,
        BOOKED,
        MIGRATED,
        checkpoint,
        act("mgrant", "psql", "SELECT count(*) FROM owners"),
        _pushed,
        act("metabase", "Metabase v0.51", "SELECT count(*) FROM owners", fails=True),
        act("vet", PUMA, "INSERT INTO appointments (patient_id, clinic_id, starts_at) VALUES (9, 1, '2026-12-04 "
            "10:30')"),
        act("vet", PUMA, "INSERT INTO visits (patient_id, findings) VALUES (2044, 'check')", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": {**lost("restore", 1, 2, accepts=AS_NEW), "statuses": ("intact", "undecided")},
        "public.ar_internal_metadata": {**ok(1, "restore", accepts=["recreate", "none"]),
                                        "statuses": ("partial", "undecided")},
        "public.clinics": lost("restore", None, 2, accepts=AS_NEW),
        "public.owners": lost("restore", None, 900, accepts=AS_NEW),
        "public.patients": lost("restore", None, 1200, accepts=AS_NEW),
        "public.appointments": lost("restore", None, 401, accepts=AS_NEW),
        "public.visits": lost("restore", None, 2000, accepts=AS_NEW),
        "public.prescriptions": lost("restore", None, 2500, accepts=AS_NEW),
        "public.lab_results": lost("restore", None, 0, accepts=AS_NEW),
        "public.sessions": lost("restore", None, 3, accepts=["recreate", "delete"], statuses=["intact", "undecided"]),
    },
    "restore",
    roles=ROLES,
    roots=list(PUT_BACK),
    causes=[BY_COPY],
    reported=["owners", "visits", "lab_results"],
    commits=[FIRST, NUMBERS, Commit(8000, "Copy production to a laptop", {
        "bin/copydb": "#!/bin/sh\n# bin/copydb FROM TO: both are URLs\nset -e\npg_dump -Fc --no-owner \"$1\" | "
        "pg_restore --clean --if-exists --no-owner -d \"$2\"\nDATABASE_URL=\"$2\" bin/rails db:environment:set "
        "RAILS_ENV=development\n",
        "docs/laptop.md": "# Data on a laptop\n\n```\nbin/copydb \"$PROD_URL\" "
        "postgres://localhost/vet_development\nbin"
        "/rails anonymise\n```\n"})],
    later=[act("vet", PUMA, "INSERT INTO owners (name) VALUES ('New owner'), ('Newer owner')")],
    settings=SETTINGS,
    # New tables with rows in place of the old; what was put into them, and from where, only a statement shows.
    views={
        "no_log": {"untellable": dict.fromkeys([*PUT_BACK, "public.sessions"], ("none",)),
                   "causes": ({**BY_COPY, "accepts": ("manual_session", "unknown")},)},
        "stats_csv": {"untellable": dict.fromkeys([*PUT_BACK, "public.sessions", "public.schema_migrations"],
                                                  ("none", "new_cluster", "counters_reset")),
                      "causes": ({**BY_COPY, "accepts": ("manual_session", "unknown", "not_lost")},)},
    },
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        appointments_that_owned_their_patients, results_gone_before_they_were_fetched,
        owners_without_patients_on_screen, pushed_instead_of_pulled,
    )
)  # fmt: skip
