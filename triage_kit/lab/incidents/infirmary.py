"""A clinic's records: a rule that deletes, row security, one table restored, an import that was killed."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

PREFIX = {"log_line_prefix": "%m [%p]: user=%u,db=%d,app=%a,client=%r ", "log_timezone": "America/New_York"}
TABLES = (
    "CREATE SCHEMA care",
    "CREATE TABLE care.patients (mrn bigint PRIMARY KEY, family text NOT NULL, born date)",
    "CREATE TABLE care.encounters (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mrn bigint NOT NULL "
    "REFERENCES care.patients, ward text, at timestamptz DEFAULT now())",
    "CREATE TABLE care.observations (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mrn bigint NOT NULL "
    "REFERENCES care.patients, code text, value numeric)",
    "CREATE TABLE care.merges (drop_mrn bigint, keep_mrn bigint, at timestamptz DEFAULT now())",
    "GRANT USAGE ON SCHEMA care TO ward_app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA care TO ward_app",
    "CREATE INDEX ON care.observations (mrn)",
)
ADMITTED = act(
    "ward_app",
    "ward-frontend",
    "INSERT INTO care.patients SELECT g, 'Patient ' || g, date '1950-01-01' + g FROM generate_series(1, 60) g",
    "INSERT INTO care.encounters (mrn, ward) SELECT 1 + g % 60, 'B' FROM generate_series(1, 210) g",
    "INSERT INTO care.observations (mrn, code, value) SELECT 1 + g % 60, 'hr', 70 FROM generate_series(1, 3600) g",
    "UPDATE care.encounters SET ward = 'ICU' WHERE id % 9 = 0",
)
VISITED = act(
    "ward_app", "ward-frontend", "INSERT INTO care.encounters (mrn, ward) VALUES (3, 'A'), (4, 'A'), (9, 'C')"
)

RULE = (
    "CREATE RULE forget_merged AS ON INSERT TO care.merges DO ALSO "
    "DELETE FROM care.observations WHERE mrn <> NEW.keep_mrn"
)

merge_rule_deletes = Script(
    "merge_rule_deletes",
    "A rewrite rule on one table deletes from another: merging two patients takes everybody's observations",
    "ehr",
    "ehr_owner",
    (*TABLES, RULE),
    [
        ADMITTED,
        checkpoint,
        act("ward_app", "ward-frontend", "INSERT INTO care.merges (drop_mrn, keep_mrn) VALUES (17, 4)"),
        VISITED,
        act("ehr_owner", "psql", "CREATE INDEX encounters_ward ON care.encounters (ward)", "ANALYZE care.encounters"),
    ],
    {
        "care.observations": lost("delete", 3540, 60),
        "care.patients": ok(60),
        "care.encounters": ok(213),
        "care.merges": ok(1),
    },
    "application",
    scope=["care"],
    roles={"ward_app": ""},
    app_role="ward_app",
    roots=["care.observations"],
    causes=[{"cause": "application", "accepts": ("migration",), "tables": ("care.observations",)}],
    reported=["care.observations"],
    later=[VISITED],
    settings=PREFIX,
    commits=[Commit(400, "Patients can be merged", {"db/changelog/014-merge.sql": RULE + ";\n"})],
)

policy_by_ward = Script(
    "policy_by_ward",
    "An administrator forces row security by a session variable that the application never sets",
    "ehr",
    "ehr_owner",
    TABLES,
    [
        ADMITTED,
        checkpoint,
        act("ward_app", "psql", "DELETE FROM care.encounters WHERE wrad = 'ICU'", fails=True),
        act(
            "ehr_owner",
            "pgAdmin 4 - CONN:5570913",
            "CREATE POLICY by_ward ON care.encounters USING (ward = current_setting('app.ward', true))",
            "ALTER TABLE care.encounters ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE care.encounters FORCE ROW LEVEL SECURITY",
        ),
        act("ehr_owner", "nightly maintenance", "VACUUM FULL care.observations"),
        checkpoint,
    ],
    {
        "care.encounters": lost("hidden", 0, 210, status="hidden"),
        "care.observations": ok(3600),
        "care.patients": ok(60),
        "care.merges": ok(0),
    },
    "not_lost",
    scope=["care"],
    roles={"ward_app": ""},
    app_role="ward_app",
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("care.encounters",)}],
    reported=["encounters"],
    later=[act("ward_app", "ward-frontend", "INSERT INTO care.merges (drop_mrn, keep_mrn) VALUES (1, 2)")],
    settings=PREFIX,
)


def _restore_one_table(stage: Stage) -> None:
    """pg_restore --clean --table observations of last month's archive."""
    with base.session(stage.server, stage.database, "postgres", "pg_restore") as connection:
        for statement in (
            "DROP TABLE IF EXISTS care.observations",
            "CREATE TABLE care.observations (id bigint NOT NULL, mrn bigint NOT NULL, code text, value numeric)",
            "ALTER TABLE care.observations OWNER TO ehr_owner",
        ):
            connection.execute(statement)
        command = "COPY care.observations (id, mrn, code, value) FROM stdin"
        with connection.cursor() as cursor, cursor.copy(command) as copy:
            for number in range(1, 1801):
                copy.write_row((number, 1 + number % 60, "hr", 71))
        for statement in (
            "ALTER TABLE ONLY care.observations ADD CONSTRAINT observations_pkey PRIMARY KEY (id)",
            "CREATE INDEX observations_mrn_idx ON care.observations USING btree (mrn)",
            "ALTER TABLE ONLY care.observations ADD CONSTRAINT observations_mrn_fkey FOREIGN KEY (mrn) "
            "REFERENCES care.patients(mrn)",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON care.observations TO ward_app",
        ):
            connection.execute(statement)


one_table_restored = Script(
    "one_table_restored",
    "One table was put back from last month's dump over the live one; its neighbours stand",
    "ehr",
    "ehr_owner",
    TABLES,
    [ADMITTED, checkpoint, _restore_one_table, VISITED, checkpoint],
    {
        "care.observations": lost("restore", None, 1800),
        "care.patients": ok(60),
        "care.encounters": ok(213),
        "care.merges": ok(0),
    },
    "restore",
    scope=["care"],
    roles={"ward_app": ""},
    app_role="ward_app",
    roots=["care.observations"],
    reported=["care.observations"],
    later=[VISITED],
    settings=PREFIX,
    # A new object filled with rows: whoever reads neither rows nor statements sees no difference to one made anew.
    views={view: {"untellable": {"care.observations": ("recreate",)}} for view in BLIND},
)


def _killed(stage: Stage) -> None:
    """A bulk load that an administrator ends before it commits."""
    with base.session(stage.server, stage.database, "ward_app", "lis-import", autocommit=False) as loader:
        loader.execute("INSERT INTO care.observations (mrn, code, value) SELECT 1 + g % 60, 'lab', g "
                       "FROM generate_series(1, 60000) g")  # fmt: skip
        with base.session(stage.server, stage.database, "postgres", "psql") as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s)", (loader.info.backend_pid,))


import_terminated = Script(
    "import_terminated",
    "False alarm: an import of sixty thousand laboratory values was terminated before it committed",
    "ehr",
    "ehr_owner",
    TABLES,
    [ADMITTED, checkpoint, _killed, VISITED],
    {
        "care.observations": ok(3600, "rollback"),
        "care.patients": ok(60),
        "care.encounters": ok(213),
        "care.merges": ok(0),
    },
    "not_lost",
    scope=["care"],
    roles={"ward_app": ""},
    app_role="ward_app",
    reported=["observations"],
    later=[VISITED],
    settings=PREFIX,
)

INCIDENTS = tuple(
    each.incident() for each in (merge_rule_deletes, policy_by_ward, one_table_restored, import_terminated)
)
