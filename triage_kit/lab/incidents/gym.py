"""A chain of gyms on Laravel: RefreshDatabase, a rolled-back migration, a schedule, sessions that end, a seeder."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

SCHEMA = (
    "CREATE TABLE migrations (id serial PRIMARY KEY, migration varchar(255) NOT NULL, batch integer NOT NULL)",
    "CREATE TABLE studios (id bigserial PRIMARY KEY, name varchar(255) NOT NULL, created_at timestamp(0))",
    "CREATE TABLE plans (id bigserial PRIMARY KEY, studio_id bigint REFERENCES studios, cents integer)",
    "CREATE TABLE members (id bigserial PRIMARY KEY, plan_id bigint REFERENCES plans, email varchar(255) UNIQUE, "
    "deleted_at timestamp(0), created_at timestamp(0) DEFAULT now())",
    "CREATE TABLE check_ins (id bigserial PRIMARY KEY, member_id bigint NOT NULL REFERENCES members ON DELETE CASCADE, "
    "at timestamp(0) DEFAULT now())",
    "CREATE TABLE vouchers (id bigserial PRIMARY KEY, member_id bigint REFERENCES members, code varchar(20))",
    "CREATE TABLE sessions (id varchar(255) PRIMARY KEY, payload text, last_activity integer NOT NULL)",
)
RAN = "INSERT INTO migrations (migration, batch) VALUES ('2025_01_01_000000_create_studios_table', 1), " \
    "('2025_01_01_000001_create_members_table', 1), ('2026_10_02_091500_create_vouchers_table', 2)"  # fmt: skip
TABLES = (*SCHEMA, RAN)
TRAINED = act(
    "gym",
    "php-fpm",
    "INSERT INTO studios (name) SELECT 'Studio ' || g FROM generate_series(1, 14) g",
    "INSERT INTO plans (studio_id, cents) SELECT 1 + g % 14, 2900 FROM generate_series(1, 42) g",
    "INSERT INTO members (plan_id, email) SELECT 1 + g % 42, 'm' || g || '@example.com' "
    "FROM generate_series(1, 2200) g",
    "INSERT INTO check_ins (member_id) SELECT 1 + g % 2200 FROM generate_series(1, 15000) g",
    "INSERT INTO vouchers (member_id, code) SELECT 1 + g % 2200, 'V' || g FROM generate_series(1, 130) g",
    "INSERT INTO sessions SELECT md5(g::text), 'x', 1790000000 + g FROM generate_series(1, 400) g",
)
ENTERED = act("gym", "php-fpm", "INSERT INTO sessions SELECT md5('n' || random()), 'y', 1795000000 "
              "FROM generate_series(1, 7)")  # fmt: skip
STANDING = {
    "public.migrations": ok(3),
    "public.studios": ok(14),
    "public.plans": ok(42),
    "public.members": ok(2200),
    "public.check_ins": ok(15000),
    "public.vouchers": ok(130),
    "public.sessions": ok(407),
}
SETTINGS = {"log_line_prefix": "%m %u %d %r [%p] %a - ", "log_timezone": "Europe/Lisbon"}
APP = Commit(5000, "Gym", {
    "database/migrations/2025_01_01_000000_create_studios_table.php": "<?php\n\nreturn new class extends Migration {\n"
        "    public function up(): void\n    {\n        Schema::create('studios', function (Blueprint $table) {\n"
        "            $table->id();\n        });\n    }\n};\n"})  # fmt: skip
VOUCHERS = Commit(1300, "Vouchers", {
    "database/migrations/2026_10_02_091500_create_vouchers_table.php": "<?php\n\nreturn new class extends Migration {\n"
        "    public function up(): void\n    {\n        Schema::create('vouchers', function (Blueprint $table) {\n"
        "            $table->id();\n        });\n    }\n\n    public function down(): void\n    {\n        "
        "Schema::dropIfExists('vouchers');\n    }\n};\n"})  # fmt: skip
FRESH = ("migrations", "studios", "plans", "members", "check_ins", "vouchers", "sessions")
WIPE = "drop table " + ", ".join(f'"public"."{name}"' for name in FRESH) + " cascade"

refreshed_by_phpunit = Script(
    "refreshed_by_phpunit",
    "phpunit ran on the server with a cached configuration: RefreshDatabase does migrate:fresh before the first test",
    "gym",
    "gym",
    TABLES,
    [
        TRAINED,
        ENTERED,
        checkpoint,
        act("gym", "phpunit", WIPE, *SCHEMA, RAN),
        act("gym", "phpunit", "INSERT INTO studios (name) VALUES ('Feature Test Studio')", undone=True),
        ENTERED,
        act("gym", "php-fpm", "SELECT count(*) FROM members"),
        checkpoint,
    ],
    {
        **{f"public.{name}": lost("recreate", None) for name in FRESH[1:]},
        "public.sessions": lost("recreate", None, 7),
        "public.migrations": ok(3, accepts=["recreate"]),
    },
    "test_run",
    roots=[f"public.{name}" for name in FRESH[1:]],
    causes=[{"cause": "test_run", "tables": tuple(f"public.{name}" for name in FRESH[1:])}],
    reported=["members", "studios"],
    commits=[APP, VOUCHERS, Commit(2000, "Feature tests", {
        "phpunit.xml": "<phpunit>\n  <php>\n    <env name=\"DB_DATABASE\" value=\"gym_test\"/>\n  </php>\n</phpunit>\n",
        "tests/Feature/MemberTest.php": "<?php\n\nuse Illuminate\\Foundation\\Testing\\RefreshDatabase;\n\n"
            "class MemberTest extends TestCase\n{\n    use RefreshDatabase;\n}\n"})],
    later=[ENTERED],
    settings=SETTINGS,
    # Nothing of the schema is older than its neighbours: that it is not as old as the database is all that is there.
    views={view: {"untellable": dict.fromkeys([f"public.{name}" for name in FRESH[1:]], ()),
                  "tables": {"public.migrations": {**ok(3, accepts=["recreate"]),
                                            "statuses": ("partial", "undecided")}}}
           for view in BLIND if view not in ("crash", "stats_csv")},
    holdout=True,
)  # fmt: skip

rolled_back_after_health_check = Script(
    "rolled_back_after_health_check",
    "A deployment script answers a failed health check with migrate:rollback: the last batch was the vouchers'",
    "gym",
    "gym",
    TABLES,
    [
        TRAINED,
        ENTERED,
        checkpoint,
        act("gym", "artisan migrate:rollback", 'drop table if exists "vouchers"',
            "DELETE FROM migrations WHERE migration = '2026_10_02_091500_create_vouchers_table'"),
        act("gym", "php-fpm", "SELECT code FROM vouchers WHERE member_id = 5", fails=True),
        act("gym", "php-fpm", "INSERT INTO vouchers (member_id, code) VALUES (5, 'V900')", fails=True),
    ],
    {
        **STANDING,
        "public.vouchers": lost("drop", None, None, status="missing"),
        # The tool strikes off what it took back, as it should.
        "public.migrations": {**ok(2, "delete", accepts=["none"]), "statuses": ("partial",)},
    },
    "migration",
    roots=["public.vouchers"],
    causes=[{"cause": "migration", "tables": ("public.vouchers",)}],
    reported=["vouchers"],
    commits=[APP, VOUCHERS, Commit(900, "Take a bad release back", {"deploy.sh": "#!/bin/sh\nphp artisan migrate "
        "--force\ncurl -fs localhost/up || php artisan migrate:rollback --force\n"})],
    later=[ENTERED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

EXPIRE = 'update "members" set "deleted_at" = now() where "created_at" > now() - interval \'1 year\''
everybody_expired = Script(
    "everybody_expired",
    "The scheduler marks members deleted who have not come for a year; the comparison is turned round",
    "gym",
    "gym",
    TABLES,
    [
        TRAINED,
        ENTERED,
        checkpoint,
        act("gym", "artisan schedule:run", EXPIRE),
        act("gym", "php-fpm", "SELECT count(*) FROM members WHERE deleted_at IS NULL"),
        act("sduarte", "psql", "TRUNCATE member", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.members": lost("update", 0, 2200, status="hidden")},
    "scheduled_job",
    roles={"sduarte": ""},
    roots=["public.members"],
    causes=[{"cause": "scheduled_job", "accepts": ("not_lost",), "tables": ("public.members",)}],
    reported=["members"],
    commits=[APP, VOUCHERS, Commit(12, "Members who stay away", {
        "app/Console/Commands/ExpireMembers.php": "<?php\n\nclass ExpireMembers extends Command\n{\n    protected "
            "$signature = 'members:expire';\n\n    public function handle(): void\n    {\n        DB::statement(<<<"
            f"'SQL'\n{EXPIRE}\nSQL);\n    }}\n}}\n",
        "routes/console.php": "<?php\n\nSchedule::command('members:expire')->dailyAt('03:30');\n"})],
    later=[ENTERED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

sessions_collected = Script(
    "sessions_collected",
    "False alarm: expired sessions are collected as every night; members say that they were logged out",
    "gym",
    "gym",
    TABLES,
    [
        TRAINED,
        checkpoint,
        act("gym", "php-fpm", 'delete from "sessions" where "last_activity" <= 1790000250'),
        ENTERED,
        act("gym", "php-fpm", 'delete from "sessions" where "last_activity" <= 1790000400'),
        act("sduarte", "psql", "DELETE FROM members", fails=True),
        checkpoint,
    ],
    {**STANDING, "public.sessions": ok(7, "delete")},
    "not_lost",
    roles={"sduarte": ""},
    causes=[{"cause": "not_lost", "accepts": ("application",), "tables": ()}],
    reported=["sessions"],
    commits=[APP, VOUCHERS, Commit(4000, "Sessions in the database", {"config/session.php": "<?php\n\nreturn [\n    "
        "'driver' => 'database',\n    'lifetime' => 120,\n    'lottery' => [2, 100],\n];\n"})],
    later=[ENTERED],
    settings=SETTINGS,
    # Rows were deleted and nobody sees by whom: a loss of sessions and their collection look alike.
    views={view: {"untellable": {"public.sessions": ("none",)},
                  "tables": {"public.sessions": {**ok(7, "delete"), "statuses": ("partial",)}},
                  "causes": ({"cause": "not_lost", "accepts": ("application",), "tables": ()},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

seeded_by_hand = Script(
    "seeded_by_hand",
    "Somebody runs a seeder that brings two new plans: it truncates the plans first, and CASCADE takes the members",
    "gym",
    "gym",
    TABLES,
    [
        TRAINED,
        ENTERED,
        checkpoint,
        act("sduarte", "artisan db:seed", 'truncate "plans" restart identity cascade',
            "INSERT INTO plans (studio_id, cents) VALUES (1, 3900), (2, 4900)"),
        act("gym", "php-fpm", "SELECT count(*) FROM members"),
        checkpoint,
    ],
    {
        **STANDING,
        "public.plans": lost("truncate", None, 2),
        "public.members": lost("truncate", 2200, via=["public.plans"]),
        "public.check_ins": lost("truncate", 15000, via=["public.plans"]),
        "public.vouchers": lost("truncate", 130, via=["public.plans"]),
    },
    "manual_session",
    roles={"sduarte": "gym"},
    roots=["public.plans"],
    reported=["members"],
    commits=[APP, VOUCHERS, Commit(800, "Plans", {"database/seeders/PlanSeeder.php": "<?php\n\nclass PlanSeeder "
        "extends Seeder\n{\n    public function run(): void\n    {\n        DB::table('plans')->truncate();\n        "
        "Plan::factory()->count(2)->create();\n    }\n}\n"})],
    later=[ENTERED],
    settings=SETTINGS,
    # The truncating seeder lies in the repository; that a person started it, no default log says.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        refreshed_by_phpunit, rolled_back_after_health_check, everybody_expired, sessions_collected, seeded_by_hand,
    )
)  # fmt: skip
