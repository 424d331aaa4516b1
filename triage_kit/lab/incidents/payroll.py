"""Payroll on Sequelize, in mixed case: force, a tautology, a column, a clean restore, a crash, a month's end."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, lost, ok

PAY = (
    'CREATE TABLE {}"Pay"."Runs" ("Id" int PRIMARY KEY, "Month" date NOT NULL, "State" varchar(12))',
    'CREATE TABLE {}"Pay"."BankAccounts" ("EmployeeId" int PRIMARY KEY, "Iban" varchar(34), "Holder" varchar(120))',
    'CREATE TABLE {}"Pay"."Payslips" ("Id" bigserial PRIMARY KEY, "RunId" int NOT NULL REFERENCES "Pay"."Runs", '
    '"EmployeeId" int NOT NULL, "Cents" bigint)',
)
TABLES = (
    'CREATE SCHEMA "Hr"',
    'CREATE SCHEMA "Pay"',
    'CREATE TABLE public."SequelizeMeta" (name varchar(255) PRIMARY KEY)',
    "INSERT INTO public.\"SequelizeMeta\" VALUES ('20240105-init.js'), ('20250711-runs.js')",
    'CREATE TABLE "Hr"."Departments" ("Id" int PRIMARY KEY, "Name" varchar(80))',
    'CREATE TABLE "Hr"."Employees" ("Id" int PRIMARY KEY, "DepartmentId" int REFERENCES "Hr"."Departments" ON DELETE '
    'SET NULL, "Name" varchar(120), "LeftOn" date, "DeletedAt" timestamptz)',
    *[statement.format("") for statement in PAY],
)
PAID = act(
    "payroll",
    "node dist/server.js",
    'INSERT INTO "Hr"."Departments" SELECT g, \'Department \' || g FROM generate_series(1, 24) g',
    'INSERT INTO "Hr"."Employees" SELECT g, 1 + g % 24, \'Employee \' || g, CASE WHEN g % 9 = 0 THEN date '
    "'2024-03-31' END FROM generate_series(1, 1850) g",
    "INSERT INTO \"Pay\".\"Runs\" SELECT g, date '2024-12-01' + g * 30, 'paid' FROM generate_series(1, 23) g",
    "INSERT INTO \"Pay\".\"BankAccounts\" SELECT g, 'DE' || lpad(g::text, 20, '0'), 'Employee ' || g FROM "
    "generate_series(1, 1850) g",
    'INSERT INTO "Pay"."Payslips" ("RunId", "EmployeeId", "Cents") SELECT 1 + g % 23, 1 + g % 1850, 290000 FROM '
    "generate_series(1, 42550) g",
)
HIRED = act("payroll", "node dist/server.js", 'INSERT INTO "Hr"."Employees" VALUES (2001, 4, \'New\', NULL, NULL)')
STANDING = {
    "public.SequelizeMeta": ok(2),
    "Hr.Departments": ok(24),
    "Hr.Employees": ok(1851),
    "Pay.Runs": ok(23),
    "Pay.BankAccounts": ok(1850),
    "Pay.Payslips": ok(42550),
}
SETTINGS = {"log_line_prefix": "%m [%p] user=%u db=%d app=%a ", "log_timezone": "Europe/Vienna"}
FIRST = Commit(8000, "Payroll", {
    "migrations/20240105-init.js": "module.exports = {\n  async up(q) {\n    await q.createTable({ schema: 'Hr', "
        "tableName: 'Departments' }, { Id: { type: 'int', primaryKey: true } });\n  },\n};\n",
    "src/models/payslip.js": "module.exports = (s, T) => s.define('Payslip', { Cents: T.BIGINT }, { schema: 'Pay', "
        "tableName: 'Payslips' });\n"})  # fmt: skip
LATER = act("payroll", "node dist/server.js", "UPDATE \"Hr\".\"Departments\" SET \"Name\" = 'Moved' WHERE \"Id\" = 3",
            "INSERT INTO \"Hr\".\"Departments\" VALUES (31, 'New'), (32, 'Newer')")  # fmt: skip
SCOPE = ["public", "Hr", "Pay"]

FORCED = (
    *[f'DROP TABLE IF EXISTS "Pay"."{name}" CASCADE' for name in ("Payslips", "BankAccounts", "Runs")],
    *[statement.format("IF NOT EXISTS ") for statement in PAY],
)
server_synchronised_with_force = Script(
    "server_synchronised_with_force",
    "The server calls sequelize.sync({ force }) when it starts; the flag's default turned round with its new name",
    "payroll",
    "payroll",
    TABLES,
    [
        PAID,
        HIRED,
        checkpoint,
        act("payroll", "node dist/server.js", *FORCED,
            "INSERT INTO \"Pay\".\"Runs\" VALUES (1, '2026-11-01', 'draft')"),
        act("payroll", "node dist/server.js", 'SELECT sum("Cents") FROM "Pay"."Payslips"'),
        act("tberger", "pgAdmin 4", 'DROP TABLE "Hr"."Employees"', fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "Pay.Runs": lost("recreate", None, 1),
        "Pay.BankAccounts": lost("recreate", None),
        "Pay.Payslips": lost("recreate", None),
    },
    "application",
    scope=SCOPE,
    roles={"tberger": ""},
    roots=["Pay.Runs", "Pay.BankAccounts", "Pay.Payslips"],
    reported=['"Pay"."Payslips"', '"Pay"."BankAccounts"'],
    commits=[FIRST, Commit(2400, "Sync in development", {"src/db.js": "const { Sequelize } = require('sequelize');\n"
        "const db = new Sequelize(process.env.DATABASE_URL);\nmodule.exports.start = () => db.sync({ force: process."
        "env.RESET_DB === 'true' });\n"}),
        Commit(9, "One prefix for all variables", {"src/db.js": "const { Sequelize } = require('sequelize');\nconst db "
            "= new Sequelize(process.env.PAY_DATABASE_URL);\nmodule.exports.start = () => db.sync({ force: process.env."
            "PAY_KEEP_DB !== 'true' });\n"})],
    later=[LATER],
    settings=SETTINGS,
    # A CSV of counters has no catalogue: tables made anew look like young ones.
    views={"stats_csv": {"untellable": dict.fromkeys(
        ("Pay.Runs", "Pay.BankAccounts", "Pay.Payslips"), ("none", "new_cluster", "counters_reset", "restore"))}},
    holdout=True,
)  # fmt: skip

TAUTOLOGY = 'UPDATE "Hr"."Employees" SET "DeletedAt" = now() WHERE "Id" = "Id" AND "DeletedAt" IS NULL'
leavers_marked_by_a_tautology = Script(
    "leavers_marked_by_a_tautology",
    "A script for the right to be forgotten marks leavers as deleted; its variable became the column, and all are",
    "payroll",
    "payroll",
    TABLES,
    [
        PAID,
        HIRED,
        checkpoint,
        act("tberger", "psql", "SELECT count(*) FROM \"Hr\".\"Employees\" WHERE \"LeftOn\" < '2025-01-01'", TAUTOLOGY),
        act("payroll", "node dist/server.js", 'SELECT count(*) FROM "Hr"."Employees" WHERE "DeletedAt" IS NULL'),
        act("tberger", "psql", "DELETE FROM Employees", fails=True),
        act("payroll", "sequelize-cli", 'CREATE INDEX payslips_run ON "Pay"."Payslips" ("RunId")',
            "INSERT INTO public.\"SequelizeMeta\" VALUES ('20261125-index.js')", whole=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.SequelizeMeta": ok(3),
        "Hr.Employees": lost("update", 0, 1851, status="hidden", statuses=["undecided"]),
    },
    "manual_session",
    scope=SCOPE,
    roles={"tberger": "payroll"},
    roots=["Hr.Employees"],
    causes=[{"cause": "manual_session", "accepts": ("not_lost",), "tables": ("Hr.Employees",)}],
    reported=['"Hr"."Employees"'],
    commits=[FIRST, Commit(400, "Forget leavers", {"scripts/forget.sql": TAUTOLOGY + ";\n", "scripts/README.md": "psql "
        "-v id=4711 -f scripts/forget.sql\n"})],
    later=[LATER],
    settings=SETTINGS,
    # An update of every row shows in the counters; what it set shows only to who may read the rows or the log.
    views={view: {"untellable": {"Hr.Employees": ("none",)}} for view in BLIND},
    holdout=True,
)  # fmt: skip

iban_column_removed = Script(
    "iban_column_removed",
    "A migration removes the plain IBAN after its encryption, which was never run: accounts stand without a number",
    "payroll",
    "payroll",
    TABLES,
    [
        PAID,
        HIRED,
        checkpoint,
        act("payroll", "sequelize-cli", 'ALTER TABLE "Pay"."BankAccounts" ADD COLUMN "Sealed" bytea',
            'ALTER TABLE "Pay"."BankAccounts" DROP COLUMN "Iban"',
            "INSERT INTO public.\"SequelizeMeta\" VALUES ('20261126-seal.js')", whole=True),
        act("payroll", "node dist/server.js", 'SELECT "Iban" FROM "Pay"."BankAccounts" LIMIT 1', fails=True),
        act("tberger", "psql", 'TRUNCATE "Pay"."BankAccounts"', fails=True),
        checkpoint,
    ],
    {**STANDING, "public.SequelizeMeta": ok(3), "Pay.BankAccounts": ok(1850, "column_drop")},
    "not_lost",
    scope=SCOPE,
    roles={"tberger": ""},
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ()}],
    reported=['"Pay"."BankAccounts"'],
    commits=[FIRST, Commit(2, "Seal", {"migrations/20261126-seal.js": "module.exports = {\n  async up(q, S) {\n    "
        "const t = { schema: 'Pay', tableName: 'BankAccounts' };\n    await q.addColumn(t, 'Sealed', S.BLOB);\n    "
        "await q.removeColumn(t, 'Iban');\n  },\n};\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

JANUARY: dict[str, list[tuple]] = {
    'COPY "Pay"."Runs" ("Id", "Month", "State") FROM stdin': [(n, "2025-01-01", "paid") for n in range(1, 14)],
    'COPY "Pay"."Payslips" ("Id", "RunId", "EmployeeId", "Cents") FROM stdin':
        [(n, 1 + n % 13, 1 + n % 1700, 280000) for n in range(1, 22101)],
}  # fmt: skip


def _january_restored(stage: Stage) -> None:
    deeds.copied(
        stage, "postgres", "pg_restore",
        ['ALTER TABLE IF EXISTS ONLY "Pay"."Payslips" DROP CONSTRAINT IF EXISTS "Payslips_RunId_fkey"',
         'DROP TABLE IF EXISTS "Pay"."Payslips"', 'DROP TABLE IF EXISTS "Pay"."Runs"',
         'CREATE TABLE "Pay"."Runs" ("Id" integer NOT NULL, "Month" date NOT NULL, "State" character varying(12))',
         'CREATE TABLE "Pay"."Payslips" ("Id" bigint NOT NULL, "RunId" integer NOT NULL, "EmployeeId" integer NOT '
         'NULL, "Cents" bigint)',
         'ALTER TABLE "Pay"."Runs" OWNER TO payroll', 'ALTER TABLE "Pay"."Payslips" OWNER TO payroll'],
        JANUARY,
        ['ALTER TABLE ONLY "Pay"."Runs" ADD CONSTRAINT "Runs_pkey" PRIMARY KEY ("Id")',
         'ALTER TABLE ONLY "Pay"."Payslips" ADD CONSTRAINT "Payslips_pkey" PRIMARY KEY ("Id")',
         'ALTER TABLE ONLY "Pay"."Payslips" ADD CONSTRAINT "Payslips_RunId_fkey" FOREIGN KEY ("RunId") REFERENCES '
         '"Pay"."Runs"("Id")'],
    )  # fmt: skip


BACK = ("Pay.Runs", "Pay.Payslips")
january_restored_over_november = Script(
    "january_restored_over_november",
    "pg_restore --clean --if-exists -n Pay of January's dump, to answer a question of the auditors, over November",
    "payroll",
    "payroll",
    TABLES,
    [
        PAID,
        HIRED,
        checkpoint,
        _january_restored,
        act("payroll", "node dist/server.js", 'SELECT max("Month") FROM "Pay"."Runs"'),
        act("payroll", "node dist/server.js", 'INSERT INTO "Pay"."Payslips" VALUES (22001, 1, 1, 1)', fails=True),
        checkpoint,
    ],
    {**STANDING, "Pay.Runs": lost("restore", None, 13), "Pay.Payslips": lost("restore", None, 22100)},
    "restore",
    scope=SCOPE,
    roots=list(BACK),
    reported=['"Pay"."Payslips"', '"Pay"."Runs"'],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    # New objects that are full: who reads neither rows nor statements sees no difference to tables made anew.
    views={view: {"untellable": dict.fromkeys(BACK, ("recreate", "none") if view == "stats_csv" else ("recreate",))}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

fell_and_counted_nothing = Script(
    "fell_and_counted_nothing",
    "False alarm: the server was killed and recovered; every counter is nought since, and a dashboard says no rows",
    "payroll",
    "payroll",
    TABLES,
    [
        PAID,
        HIRED,
        checkpoint,
        crash,
        act("payroll", "node dist/server.js", 'SELECT count(*) FROM "Hr"."Departments"'),
        act("tberger", "psql", 'DELETE FROM "Pay"."Payslips"', fails=True),
    ],
    {name: {**told, "mechanism": "counters_reset", "accepts": ("none",)} for name, told in STANDING.items()},
    "not_lost",
    scope=SCOPE,
    roles={"tberger": ""},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    reported=['"Pay"."Payslips"', '"Hr"."Employees"'],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

month_was_closed = Script(
    "month_was_closed",
    "A healthy database at the end of a month: a type made wider, a run of all updates, a draft dropped and written",
    "payroll",
    "payroll",
    TABLES,
    [
        PAID,
        HIRED,
        checkpoint,
        act("payroll", "sequelize-cli", 'ALTER TABLE "Pay"."BankAccounts" ALTER COLUMN "EmployeeId" TYPE bigint',
            "INSERT INTO public.\"SequelizeMeta\" VALUES ('20261124-wide.js')", whole=True),
        act("payroll", "node dist/server.js", 'UPDATE "Pay"."Payslips" SET "Cents" = "Cents" + 1 WHERE "RunId" > 20',
            "INSERT INTO \"Pay\".\"Runs\" VALUES (24, '2026-11-01', 'draft')",
            'DELETE FROM "Pay"."Runs" WHERE "Id" = 24',
            "INSERT INTO \"Pay\".\"Runs\" VALUES (24, '2026-11-01', 'paid')"),
        act("tberger", "psql", 'TRUNCATE "Pay"."Runs" CASCADE', undone=True),
        act("postgres", "maintenance", 'REINDEX TABLE "Hr"."Employees"', 'VACUUM "Pay"."Payslips"'),
        checkpoint,
    ],
    {
        **STANDING,
        "public.SequelizeMeta": ok(3),
        "Pay.Payslips": ok(42550, accepts=["update"]),
        "Pay.Runs": ok(24, accepts=["delete"]),
    },
    "not_lost",
    scope=SCOPE,
    roles={"tberger": "payroll"},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    commits=[FIRST, Commit(40, "Wider", {"migrations/20261124-wide.js": "module.exports = {\n  async up(q, S) {\n    "
        "await q.changeColumn({ schema: 'Pay', tableName: 'BankAccounts' }, 'EmployeeId', S.BIGINT);\n  },\n};\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        server_synchronised_with_force, leavers_marked_by_a_tautology, iban_column_removed,
        january_restored_over_november, fell_and_counted_nothing, month_was_closed,
    )
)  # fmt: skip
