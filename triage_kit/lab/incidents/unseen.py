"""Rows that stand and are not seen: row security, search_path, rows marked deleted or moved."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Commit, Script, act, checkpoint, lost, ok

row_security_enabled = Script(
    "row_security_enabled",
    "A migration switches row security on and forgets the policy of the application's role",
    "bookings",
    "bookings_owner",
    ("CREATE TABLE bookings (id int PRIMARY KEY, owner_name text)", "CREATE TABLE rooms (id int PRIMARY KEY)"),
    [
        act("bookings_owner", "migrate", "GRANT SELECT, INSERT, UPDATE ON bookings, rooms TO bookings_web"),
        act("bookings_web", "bookings-web", "INSERT INTO bookings SELECT g, 'x' FROM generate_series(1, 143) g",
            "INSERT INTO rooms SELECT g FROM generate_series(1, 20) g"),
        checkpoint,
        act("bookings_owner", "migrate", "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY own ON bookings FOR SELECT TO bookings_owner USING (true)"),
    ],
    {"public.bookings": lost("hidden", 0, 143, status="hidden"), "public.rooms": ok(20)},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("public.bookings",)}],
    roles={"bookings_web": ""},
    app_role="bookings_web",
    reported=["bookings"],
    commits=[Commit(6, "Row security",
        {"migrations/004_rls.sql": "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY;\nCREATE POLICY own ON bookings "
            "FOR SELECT TO bookings_owner USING (true);\n"})],
    later=[act("bookings_owner", "migrate", "INSERT INTO rooms SELECT g FROM generate_series(21, 25) g")],
)  # fmt: skip

search_path_changed = Script(
    "search_path_changed",
    "The application's search_path was changed: it reads empty tables of the same names",
    "payroll",
    "payroll_owner",
    ("CREATE SCHEMA payroll", "CREATE SCHEMA payroll_v2",
     *[f"CREATE TABLE {schema}.{table} (id int PRIMARY KEY, v int)" for schema in ("payroll", "payroll_v2")
       for table in ("slips", "staff")],
     "CREATE TABLE payroll.banks (id int PRIMARY KEY)",
     "GRANT USAGE ON SCHEMA payroll, payroll_v2 TO payroll_web",
     "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA payroll TO payroll_web",
     "GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA payroll_v2 TO payroll_web"),
    [
        act("postgres", "psql", "ALTER ROLE payroll_web SET search_path = payroll"),
        act("payroll_web", "payroll-web", "INSERT INTO slips SELECT g, g FROM generate_series(1, 240) g",
            "INSERT INTO staff SELECT g, g FROM generate_series(1, 60) g",
            "INSERT INTO payroll.banks SELECT g FROM generate_series(1, 6) g"),
        checkpoint,
        act("postgres", "psql", "ALTER ROLE payroll_web SET search_path = payroll_v2, payroll"),
    ],
    {"payroll.slips": lost("hidden", 0, 240, status="hidden"), "payroll.staff": lost("hidden", 0, 60, status="hidden"),
     "payroll.banks": ok(6), "payroll_v2.slips": ok(0), "payroll_v2.staff": ok(0)},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("payroll.slips", "payroll.staff")}],
    scope=["payroll", "payroll_v2"],
    roles={"payroll_web": ""},
    app_role="payroll_web",
    reported=["slips"],
    later=[act("payroll_owner", "batch", "INSERT INTO payroll.banks SELECT g FROM generate_series(11, 14) g")],
)  # fmt: skip

soft_delete_script = Script(
    "soft_delete_script",
    "A person marks every row deleted: the application filters on deleted_at",
    "members",
    "members_app",
    ("CREATE TABLE memberships (id int PRIMARY KEY, name text, deleted_at timestamptz)",
        "CREATE TABLE clubs (id int PRIMARY KEY)"),
    [
        act("members_app", "members-web", "INSERT INTO memberships SELECT g, 'm' FROM generate_series(1, 115) g",
            "INSERT INTO clubs SELECT g FROM generate_series(1, 7) g"),
        checkpoint,
        act("opr_silva", "psql", "UPDATE memberships SET deleted_at = now()"),
    ],
    {"public.memberships": lost("update", 0, 115, status="hidden"), "public.clubs": ok(7)},
    "manual_session",
    roles={"opr_silva": "members_app"},
    roots=["public.memberships"],
    causes=[{"cause": "manual_session", "accepts": ("not_lost",), "tables": ("public.memberships",)}],
    reported=["memberships"],
    later=[act("members_app", "members-web", "INSERT INTO clubs SELECT g FROM generate_series(11, 14) g")],
    settings={"log_line_prefix": "%m [%p] %q%u@%d/%a "},
)  # fmt: skip

moved_to_other_tenant = Script(
    "moved_to_other_tenant",
    "The application gives every row of one tenant to another",
    "helpdesk",
    "helpdesk",
    ("CREATE TABLE tickets (id int PRIMARY KEY, tenant_id int NOT NULL, t text)",
        "CREATE TABLE agents (id int PRIMARY KEY, tenant_id int)"),
    [
        act("helpdesk", "helpdesk-api", "INSERT INTO tickets SELECT g, 4, 't' FROM generate_series(1, 310) g",
            "INSERT INTO agents SELECT g, 1 + g % 5 FROM generate_series(1, 40) g"),
        checkpoint,
        act("helpdesk", "helpdesk-api", "UPDATE tickets SET tenant_id = 9 WHERE tenant_id IN (1, 2, 3, 4)"),
    ],
    {"public.tickets": lost("update", 0, 310, status="hidden"), "public.agents": ok(40)},
    "application",
    roots=["public.tickets"],
    causes=[{"cause": "application", "accepts": ("not_lost",), "tables": ("public.tickets",)}],
    reported=["tickets"],
    later=[act("helpdesk", "helpdesk-api", "INSERT INTO tickets SELECT g, 9, 'n' FROM generate_series(1001, 1009) g")],
    settings={"log_line_prefix": "%t [%p] %a %u "},
)  # fmt: skip

moved_between_partitions = Script(
    "moved_between_partitions",
    "An UPDATE of the partition key moves rows: one partition seems to lose what another gains",
    "survey",
    "survey",
    ("CREATE TABLE answers (id int, wave int) PARTITION BY LIST (wave)",
     "CREATE TABLE answers_w1 PARTITION OF answers FOR VALUES IN (1)",
     "CREATE TABLE answers_w2 PARTITION OF answers FOR VALUES IN (2)", "CREATE TABLE waves (id int PRIMARY KEY)"),
    [
        act("survey", "survey-app", "INSERT INTO answers SELECT g, 1 FROM generate_series(1, 120) g",
            "INSERT INTO answers SELECT g, 2 FROM generate_series(1, 90) g", "INSERT INTO waves VALUES (1), (2)"),
        checkpoint,
        act("survey", "survey-app", "UPDATE answers SET wave = 2 WHERE wave = 1 AND id <= 70"),
    ],
    {"public.answers_w1": lost("update", 0, 50, status="hidden", statuses=["intact"], accepts=["none"]),
     "public.answers_w2": ok(160, accepts=["update"]), "public.waves": ok(2)},
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("application",), "tables": ("public.answers_w1",)}],
    reported=["answers_w1"],
    # Measured: without a statement, WAL or an earlier bundle it looks like DELETE here and INSERT there.
    views={view: {"untellable": {"public.answers_w1": ("delete",)}} for view in BLIND},
    later=[act("survey", "survey-app", "INSERT INTO answers SELECT g, 2 FROM generate_series(501, 515) g")],
)  # fmt: skip

archived_by_job = Script(
    "archived_by_job",
    "A nightly job archives every contract instead of the expired ones; the application shows none that is archived",
    "contracts",
    "contracts_app",
    ('CREATE TABLE "Contract" (id int PRIMARY KEY, "archived" boolean NOT NULL DEFAULT false, n text)',
     'CREATE TABLE "Customer" (id int PRIMARY KEY)'),
    [
        act("contracts_app", "contracts-web",
            'INSERT INTO "Contract" SELECT g, false, \'c\' FROM generate_series(1, 205) g',
            'INSERT INTO "Customer" SELECT g FROM generate_series(1, 33) g'),
        checkpoint,
        act("archiver", "nightly archive job", 'UPDATE "Contract" SET "archived" = true'),
    ],
    {"public.Contract": lost("update", 0, 205, status="hidden"), "public.Customer": ok(33)},
    "scheduled_job",
    roles={"archiver": "contracts_app"},
    roots=["public.Contract"],
    causes=[{"cause": "scheduled_job", "accepts": ("not_lost",), "tables": ("public.Contract",)}],
    reported=["Contract"],
    later=[act("contracts_app", "contracts-web", 'INSERT INTO "Customer" SELECT g FROM generate_series(41, 44) g')],
    settings={"log_line_prefix": "%t [%p] %u@%d %a "},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        row_security_enabled, search_path_changed, soft_delete_script, moved_to_other_tenant, moved_between_partitions,
        archived_by_job,
    )
)  # fmt: skip
