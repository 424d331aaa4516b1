"""Car parks of a city on Go and dbmate, its log as RDS writes it: a pipeline, weeks, a blank plate, a quiet night."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Commit, Script, act, checkpoint, lost, ok

WEEKS = {44: 26, 45: 2, 46: 9, 47: 16, 48: 23}
SITES = (
    "CREATE TABLE parking.garage (garage_id int PRIMARY KEY, name text NOT NULL, spaces int NOT NULL)",
    "CREATE TABLE parking.customer (customer_id uuid PRIMARY KEY, email text NOT NULL UNIQUE)",
    "CREATE TABLE parking.vehicle (vehicle_id bigserial PRIMARY KEY, customer_id uuid NOT NULL REFERENCES "
    "parking.customer, plate text NOT NULL)",
    "CREATE TABLE parking.permit (permit_id bigserial PRIMARY KEY, vehicle_id bigint NOT NULL REFERENCES "
    "parking.vehicle ON DELETE CASCADE, garage_id int NOT NULL REFERENCES parking.garage, valid_to date NOT NULL)",
    "CREATE INDEX ON parking.permit (vehicle_id)",
)
MONEY = (
    "CREATE TABLE parking.tariff (tariff_id int PRIMARY KEY, garage_id int NOT NULL REFERENCES parking.garage, "
    "from_minute int NOT NULL, cents int NOT NULL)",
    "CREATE TABLE parking.tariff_exception (day date NOT NULL, garage_id int NOT NULL, cents int, PRIMARY KEY (day, "
    "garage_id))",
    "CREATE TABLE parking.fine (fine_id bigserial PRIMARY KEY, permit_id bigint REFERENCES parking.permit ON DELETE "
    "SET NULL, plate text NOT NULL, cents int NOT NULL, issued timestamptz NOT NULL)",
    "CREATE TABLE parking.event_outbox (event_id bigserial PRIMARY KEY, topic text NOT NULL, body jsonb NOT NULL)",
)


def _week(week: int) -> tuple[str, str]:
    """First day of a week of autumn 2026 and of the one after it."""
    first = f"2026-{10 if week == 44 else 11}-{WEEKS[week]:02}"
    return first, f"2026-11-{WEEKS[week + 1]:02}" if week < 48 else "2026-11-30"


OCCUPANCY = (
    "CREATE TABLE parking.occupancy (garage_id int NOT NULL, seen timestamptz NOT NULL, taken int NOT NULL) PARTITION "
    "BY RANGE (seen)",
    *[f"CREATE TABLE parking.occupancy_w{week} PARTITION OF parking.occupancy FOR VALUES FROM ('{_week(week)[0]} "
      f"00:00+00') TO ('{_week(week)[1]} 00:00+00')" for week in WEEKS],
)  # fmt: skip
TABLES = (
    "CREATE SCHEMA parking",
    "CREATE TABLE public.schema_migrations (version varchar(128) PRIMARY KEY)",
    *SITES,
    *MONEY,
    *OCCUPANCY,
    "INSERT INTO public.schema_migrations VALUES ('20240311080000'), ('20240402080000'), ('20250115080000')",
)
API = "parkd"
PARKED = act(
    "parkd",
    API,
    "INSERT INTO parking.garage SELECT g, 'Garage ' || g, 300 + g FROM generate_series(1, 24) g",
    "INSERT INTO parking.customer SELECT md5(g::text)::uuid, 'c' || g || '@example.org' FROM generate_series(1, 1800) "
    "g",
    "INSERT INTO parking.vehicle (customer_id, plate) SELECT md5((1 + g % 1800)::text)::uuid, (ARRAY['KX', 'LV', "
    "'RT'])[1 + g % 3] || 1000 + g FROM generate_series(1, 2400) g",
    "INSERT INTO parking.permit (vehicle_id, garage_id, valid_to) SELECT g, 1 + g % 24, date '2026-12-31' + g % 90 "
    "FROM generate_series(1, 2000) g",
    "INSERT INTO parking.tariff SELECT g, 1 + g % 24, 30 * (g / 24), 120 FROM generate_series(1, 144) g",
    "INSERT INTO parking.tariff_exception SELECT date '2026-01-01' + g / 24, 1 + g % 24, 0 FROM generate_series(0, 287)"
    " g",
    "INSERT INTO parking.fine (permit_id, plate, cents, issued) SELECT CASE WHEN g % 4 = 0 THEN g END, 'KX' || 1000 + "
    "g, 2500, timestamptz '2026-03-01' + g * interval '5 hours' FROM generate_series(1, 960) g",
    "INSERT INTO parking.occupancy SELECT 1 + g % 24, timestamptz '2026-10-26 00:00+00' + g / 24 * interval '1 hour', "
    "g % 300 FROM generate_series(0, 17855) g",
)  # fmt: skip
# Thirty-one days of twenty-four hours and garages, until the 25th of November.
WEEKLY = 24 * 24 * 7
TODAY = act("parkd", API, "INSERT INTO parking.occupancy SELECT g, '2026-11-26 09:00+00', 40 FROM "
            "generate_series(1, 24) g")  # fmt: skip
SENT = (
    act("parkd", API, "INSERT INTO parking.event_outbox (topic, body) SELECT 'permit', '{}' FROM "
        "generate_series(1, 210) g"),
    act("relay", "outbox-relay", "DELETE FROM parking.event_outbox WHERE event_id IN (SELECT event_id FROM "
        "parking.event_outbox ORDER BY event_id LIMIT 500)"),
)  # fmt: skip
STANDING = {
    "public.schema_migrations": ok(3),
    "parking.garage": ok(24),
    "parking.customer": ok(1800),
    "parking.vehicle": ok(2400),
    "parking.permit": ok(2000),
    "parking.tariff": ok(144),
    "parking.tariff_exception": ok(288),
    "parking.fine": ok(960),
    "parking.event_outbox": ok(0, "delete", accepts=["none"]),
    "parking.occupancy": ok(17880),
    **{f"parking.occupancy_w{week}": ok(WEEKLY) for week in (44, 45, 46, 47)},
    "parking.occupancy_w48": ok(17856 - 4 * WEEKLY + 24),
}
SCOPE = ("parking", "public")
QUEUE = {"parking.event_outbox": ("none", "rollback")}
ROLES = {"relay": "parkd", "rotate": "parkd", "tnovak": "parkd", "bi_reader": ""}
SETTINGS = {"log_line_prefix": "%t:%r:%u@%d:[%p]:", "log_timezone": "UTC"}


def _migration(up: tuple[str, ...], down: str) -> str:
    return "-- migrate:up\n" + ";\n".join(up) + f";\n\n-- migrate:down\n{down};\n"


FIRST = Commit(21000, "Permits, fines and occupancy", {
    "db/migrations/20240311080000_sites.sql": _migration(SITES, "DROP SCHEMA parking CASCADE"),
    "db/migrations/20240402080000_money.sql": _migration(MONEY, "DROP TABLE parking.fine, parking.tariff, "
        "parking.tariff_exception, parking.event_outbox"),
    "db/migrations/20250115080000_occupancy.sql": _migration(OCCUPANCY, "DROP TABLE parking.occupancy"),
    "cmd/relay/main.go": "package main\n\nconst take = `DELETE FROM parking.event_outbox WHERE event_id IN (\n  SELECT "
    "event_id FROM parking.event_outbox ORDER BY event_id LIMIT 500) RETURNING topic, body`\n",
    "Makefile": "migrate:\n\tdbmate --url $(DATABASE_URL) up\nreset-dev:\n\tdbmate --url "
    "postgres://parkd@localhost/parking drop\n",
})  # fmt: skip
NOTED = "ALTER TABLE parking.garage ADD COLUMN operator text"
MIGRATED = act("parkd", "", NOTED, "INSERT INTO public.schema_migrations VALUES ('20261126070000')", whole=True)
OPERATOR = Commit(4, "Operators of garages", {"db/migrations/20261126070000_operator.sql": _migration(
    (NOTED,), "ALTER TABLE parking.garage DROP COLUMN operator")})  # fmt: skip
LATER = act("parkd", API, "INSERT INTO parking.fine (plate, cents, issued) VALUES ('LV9', 2500, '2026-11-27 08:00+00')")

EMPTIED = "TRUNCATE parking.customer, parking.garage, parking.tariff_exception RESTART IDENTITY CASCADE"
REACHED = ("parking.customer", "parking.garage", "parking.tariff_exception", "parking.vehicle", "parking.permit",
           "parking.tariff", "parking.fine")  # fmt: skip
BY_PIPELINE = {"cause": "test_run", "tables": REACHED}
FIXTURE = (
    'package store_test\n\nimport (\n\t"context"\n\t"os"\n\t"testing"\n\n\t"github.com/jackc/pgx/v5"\n)\n\n'
    "func freshStore(t *testing.T) *pgx.Conn {\n\tt.Helper()\n\tconn, err := pgx.Connect(context.Background(), "
    'os.Getenv("DATABASE_URL"))\n\tif err != nil {\n\t\tt.Fatal(err)\n\t}\n\tconn.Exec(context.Background(), `'
    f"{EMPTIED}`)\n\treturn conn\n}}\n"
)
WORKFLOW = (
    "on: [push]\njobs:\n  integration:\n    runs-on: [self-hosted, vpc]\n    env:\n      DATABASE_URL: ${{{{ secrets."
    "{} }}}}\n    steps:\n      - run: go test ./internal/store/...\n"
)
garages_of_the_integration_tests = Script(
    "garages_of_the_integration_tests",
    "The pipeline's integration tests got the secret of production: a helper truncates three tables and what hangs on "
    "them, test after test",
    "parking",
    "parkd",
    TABLES,
    [
        PARKED,
        *SENT,
        TODAY,
        checkpoint,
        MIGRATED,
        *[act("parkd", "store.test", EMPTIED, "INSERT INTO parking.garage VALUES (1, 'test garage', 2)",
              f"INSERT INTO parking.customer VALUES ('00000000-0000-0000-0000-00000000000{n}', 't{n}@test.invalid')")
          for n in (1, 2, 3)],
        act("parkd", API, "INSERT INTO parking.permit (vehicle_id, garage_id, valid_to) VALUES (77, 3, '2027-01-31')",
            fails=True),
        act("tnovak", "psql", "SELECT count(*) FROM parking.garage"),
        act("bi_reader", "Metabase", "DELETE FROM parking.fine", fails=True),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        # Each test leaves one of its own, which the next one truncates with the rest.
        "parking.garage": lost("truncate", None, 1),
        "parking.customer": lost("truncate", None, 1),
        "parking.tariff_exception": lost("truncate", 288),
        "parking.vehicle": lost("truncate", 2400, via=["parking.customer"]),
        "parking.permit": lost("truncate", 2000, via=["parking.customer", "parking.garage"]),
        "parking.tariff": lost("truncate", 144, via=["parking.garage"]),
        "parking.fine": lost("truncate", 960, via=["parking.customer", "parking.garage"]),
    },
    "test_run",
    scope=SCOPE,
    roles=ROLES,
    roots=["parking.customer", "parking.garage", "parking.tariff_exception"],
    causes=[BY_PIPELINE],
    reported=["parking.permit", "parking.vehicle"],
    commits=[FIRST, Commit(6000, "Tests against a real database", {"internal/store/fresh_test.go": FIXTURE,
        ".github/workflows/integration.yml": WORKFLOW.format("STAGING_DATABASE_URL")}), OPERATOR,
        Commit(2, "One secret less to rotate", {".github/workflows/integration.yml": WORKFLOW.format("DATABASE_URL")})],
    later=[LATER],
    settings=SETTINGS,
    # The helper is in the repository; that it met this server only a statement shows.
    views={view: {"untellable": QUEUE, "causes": ({**BY_PIPELINE, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

GONE = ("parking.occupancy_w44", "parking.occupancy_w45")
LET_GO = "parking.occupancy_w46"
BY_ROTATION = {"cause": "scheduled_job", "tables": ("parking.occupancy", *GONE, LET_GO)}
DETACHED = "ALTER TABLE parking.occupancy DETACH PARTITION {}"
ROTATION = (
    'package main\n\nimport "time"\n\nconst week = 7 * 24 * time.Hour\n\n// run by cmd/rotate/rotate.timer\nfunc '
    "rotate(now time.Time, conn Conn) error {\n\tlimit := now.Add({})\n\tfor _, part := range "
    'partitionsBefore(conn, limit) {{\n\t\tif err := conn.Exec("ALTER TABLE parking.occupancy DETACH PARTITION " + '
    'part.Name); err != nil {{\n\t\t\treturn err\n\t\t}}\n\t\tif err := conn.Exec("DROP TABLE " + part.Name); err != '
    "nil {{\n\t\t\treturn err\n\t\t}}\n\t}}\n\treturn nil\n}}\n"
).replace("error {\n", "error {{\n")
weeks_taken_for_days = Script(
    "weeks_taken_for_days",
    "The rotation keeps weeks of occupancy; its constant became a day's: two weeks are dropped, a third is let go only",
    "parking",
    "parkd",
    TABLES,
    [
        PARKED,
        TODAY,
        *SENT,
        checkpoint,
        MIGRATED,
        act("bi_reader", "Metabase", "SELECT max(seen) FROM parking.occupancy", fails=True),
        act("postgres", "psql", "CREATE VIEW public.week46 AS SELECT * FROM parking.occupancy_w46"),
        act("rotate", "rotate", DETACHED.format(GONE[0]), f"DROP TABLE {GONE[0]}", DETACHED.format(GONE[1]),
            f"DROP TABLE {GONE[1]}", DETACHED.format(LET_GO), f"DROP TABLE {LET_GO}", fails=True),
        act("tnovak", "psql", "SELECT count(*) FROM parking.occupancy", "TRUNCATE parking.occupancy_old", fails=True),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        "parking.occupancy": lost("partition_drop", None, 17880 - 3 * WEEKLY),
        **{name: lost("partition_drop", None, None, status="missing", accepts=["drop"]) for name in GONE},
        LET_GO: lost("partition_drop", 0, WEEKLY, status="hidden", accepts=["hidden"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=[*GONE, LET_GO],
    causes=[BY_ROTATION],
    reported=["parking.occupancy"],
    commits=[FIRST, Commit(8000, "Occupancy is kept for ten weeks", {"cmd/rotate/main.go": ROTATION.format(
        "-10 * week"), "cmd/rotate/rotate.timer": "[Timer]\nOnCalendar=Thu 03:40\n\n[Install]\nWantedBy=timers.target"
        "\n", "cmd/rotate/rotate.service": "[Service]\nType=oneshot\nExecStart=/opt/parkd/bin/rotate\nEnvironment="
        "PGUSER=rotate\n"}), OPERATOR, Commit(30, "Say it in days",
        {"cmd/rotate/main.go": ROTATION.format("-10 * day").replace("week = 7 * 24", "day = 24")})],
    later=[LATER],
    settings=SETTINGS,
    # The DROP that failed stands in a log of errors, and no login but the prefix's; elsewhere nothing names the job.
    views={view: {"untellable": QUEUE, "causes": ({**BY_ROTATION, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)  # fmt: skip

BLANK = "DELETE FROM parking.vehicle WHERE plate LIKE 'KX' || '%'"
SLIP = "TRUNCATE parking.tariff_exception"
BY_API = {"cause": "application", "tables": ("parking.vehicle", "parking.permit")}
BY_HAND = {"cause": "manual_session", "tables": ("parking.tariff_exception",)}
plates_that_begin_alike = Script(
    "plates_that_begin_alike",
    "DELETE /vehicles?plate=KX takes every plate that begins so, permits go by cascade; that evening a psql meant for "
    "staging empties the exceptions of the tariff",
    "parking",
    "parkd",
    TABLES,
    [
        PARKED,
        *SENT,
        TODAY,
        checkpoint,
        act("parkd", API, "DELETE FROM parking.vehicle WHERE plate LIKE 'ZZ1' || '%'", BLANK),
        act("parkd", API, "INSERT INTO parking.permit (vehicle_id, garage_id, valid_to) VALUES (3, 3, '2027-01-31')",
            fails=True),
        checkpoint,
        *SENT,
        act("tnovak", "psql", "SELECT count(*) FROM parking.tariff_exception WHERE day < '2026-06-01'", SLIP),
        act("tnovak", "psql", "INSERT INTO parking.tariff_exception VALUES ('2026-12-24', 1, 0), ('2026-12-24', 2, 0)"),
        act("tnovak", "psql", "DELETE FROM parking.fines WHERE cents = 0", fails=True),
        MIGRATED,
        act("bi_reader", "Metabase", "TRUNCATE parking.vehicle", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        # Every third plate, 800 of 2400; permits are of the first two thousand, of which 666 are theirs.
        "parking.vehicle": lost("delete", 800, 1600),
        "parking.permit": lost("cascade_delete", 666, 1334, via=["parking.vehicle"]),
        "parking.tariff_exception": lost("truncate", 288, 2),
        # What fines knew of those permits is NULL now.
        "parking.fine": ok(960, accepts=["update"]),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    roots=["parking.vehicle", "parking.tariff_exception"],
    causes=[BY_API, BY_HAND],
    reported=["parking.vehicle", "parking.tariff_exception"],
    commits=[FIRST, OPERATOR, Commit(400, "Vehicles can be removed by plate", {"internal/api/vehicles.go":
        "package api\n\nimport \"net/http\"\n\nfunc (s *Server) deleteVehicles(w http.ResponseWriter, r "
        "*http.Request) {\n\tplate := r.URL.Query().Get(\"plate\")\n\t_, err := s.db.Exec(r.Context(), `DELETE FROM "
        "parking.vehicle WHERE plate LIKE $1 || '%'`, plate)\n\tif err != nil {\n\t\thttp.Error(w, \"conflict\", 409)\n"
        "\t\treturn\n\t}\n\tw.WriteHeader(http.StatusNoContent)\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    # Neither the call nor the TRUNCATE by hand left a word there.
    views={view: {"untellable": {**QUEUE, **({"parking.permit": ("delete",)} if view == "stats_csv" else {}),
                                 **({"parking.vehicle": ("none", "counters_reset"), "parking.permit": ("none",
                                     "counters_reset", "delete")} if view == "crash" else {})},
                  "causes": ({**BY_API, "accepts": ("unknown",)}, {**BY_HAND, "accepts": ("unknown",)})}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

FORGOTTEN = "DELETE FROM parking.fine WHERE issued < '2026-03-09 00:00+00'"
night_of_maintenance = Script(
    "night_of_maintenance",
    "A healthy night: the outbox is drained, old fines end as the law wants it, an upload is merged, tables rewritten",
    "parking",
    "parkd",
    (*TABLES, "CREATE TABLE parking.upload (line int, plate text, read_at timestamptz)"),
    [
        PARKED,
        *SENT,
        TODAY,
        checkpoint,
        act("parkd", API, "INSERT INTO parking.upload SELECT g, 'KX' || g, now() FROM generate_series(1, 600) g"),
        act("parkd", API, "UPDATE parking.vehicle v SET plate = v.plate FROM parking.upload u WHERE u.plate = v.plate",
            "TRUNCATE parking.upload", whole=True),
        act("rotate", "rotate", FORGOTTEN),
        MIGRATED,
        act("postgres", "psql", "VACUUM FULL parking.fine", "VACUUM FULL parking.event_outbox"),
        act("tnovak", "psql", "DELETE FROM parking.permit WHERE valid_to < 'today'::dat", fails=True),
        act("tnovak", "psql", "DELETE FROM parking.permit", undone=True),
        act("bi_reader", "Metabase", "TRUNCATE parking.customer", fails=True),
        *SENT,
        checkpoint,
    ],
    {
        **STANDING,
        "public.schema_migrations": ok(4),
        # From five in the morning of the 1st of March every five hours: 38 until the 8th is over.
        "parking.fine": {**ok(922, "delete", accepts=["none"]), "statuses": ("partial", "undecided")},
        "parking.permit": ok(2000, accepts=["delete"]),
        "parking.vehicle": ok(2400, accepts=["update"]),
        "parking.upload": ok(0, "truncate", accepts=["none"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("scheduled_job",), "tables": ()}],
    reported=["parking.permit"],
    commits=[FIRST, OPERATOR, Commit(9000, "Fines end after their term", {"cmd/rotate/fines.go": "package main\n\n// "
        "the data protection officer asks for 263 days, see docs/retention.md\nconst forget = `DELETE FROM parking.fine"
        " WHERE issued < now() - interval '263 days'`\n", "docs/retention.md": "# Retention\n\n| table | kept | why |\n"
        "|---|---|---|\n| parking.fine | 263 days | limitation of administrative offences |\n| parking.event_outbox | "
        "until relayed | |\n", "cmd/rotate/rotate.timer": "[Timer]\nOnCalendar=*-*-* 03:40\n"}),
        Commit(7000, "Upload of readers", {"internal/api/upload.go": "package api\n\nconst merge = `UPDATE "
        "parking.vehicle v SET plate = v.plate FROM parking.upload u WHERE u.plate = v.plate`\nconst clear = `TRUNCATE "
        "parking.upload`\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {**QUEUE, "parking.upload": ("none",), "parking.fine": ("none", "rollback")}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        garages_of_the_integration_tests, weeks_taken_for_days, plates_that_begin_alike, night_of_maintenance,
    )
)  # fmt: skip
