"""Databases that lost nothing: healthy ones, queues, look-alikes, failed attempts, counters that were reset."""

from __future__ import annotations

from triage_kit.lab.incidents.script import BLIND, Script, act, checkpoint, crash, ok

queue_drained = Script(
    "queue_drained",
    "False alarm: a job queue that its workers have drained",
    "worker",
    "worker",
    ("CREATE TABLE jobs (id serial PRIMARY KEY, what text)", "CREATE TABLE results (id serial PRIMARY KEY, job int)"),
    [
        step
        for round_ in range(5)
        for step in (
            act("worker", "web", "INSERT INTO jobs (what) SELECT 'j' FROM generate_series(1, 40)"),
            act("worker", "worker-1", "INSERT INTO results (job) SELECT id FROM jobs",
                *[f"DELETE FROM jobs WHERE id = {number}" for number in range(1 + 40 * round_, 41 + 40 * round_)]),
        )
    ],
    {"public.jobs": ok(0, "delete"), "public.results": ok(200)},
    "not_lost",
    reported=["jobs"],
    # Whoever sees no statement cannot tell a queue that is emptied job by job from one that was emptied at once.
    views={view: {"untellable": {"public.jobs": ("none", "rollback") if view == "crash" else ()}} for view in BLIND},
    later=[act("worker", "web", "INSERT INTO jobs (what) SELECT 'j' FROM generate_series(1, 10)", "DELETE FROM jobs")],
)  # fmt: skip

upserts = Script(
    "upserts",
    "False alarm: nightly upserts count inserts that added no row, and updates of every row",
    "rates",
    "rates",
    ("CREATE TABLE rate (code text PRIMARY KEY, v int)", "CREATE TABLE seen (code text PRIMARY KEY)"),
    [
        act("rates", "rates-svc", "INSERT INTO rate SELECT 'R' || g, g FROM generate_series(1, 143) g",
            "INSERT INTO seen SELECT 'R' || g FROM generate_series(1, 143) g"),
        *[act("rates", "cron upsert", "INSERT INTO rate SELECT 'R' || g, g + 1 FROM generate_series(1, 143) g "
              "ON CONFLICT (code) DO UPDATE SET v = excluded.v",
              "INSERT INTO seen SELECT 'R' || g FROM generate_series(1, 143) g ON CONFLICT DO NOTHING")] * 2,
        checkpoint,
    ],
    {"public.rate": ok(143), "public.seen": ok(143)},
    "not_lost",
    reported=["rate"],
    later=[act("rates", "rates-svc", "UPDATE rate SET v = 3 WHERE code < 'R2'")],
)  # fmt: skip

healthy_and_rewritten = Script(
    "healthy_and_rewritten",
    "False alarm: VACUUM FULL, a type change and CLUSTER replaced the storage; every row stands",
    "archive",
    "archivist",
    ("CREATE TABLE papers (id int PRIMARY KEY, n int)", "CREATE TABLE boxes (id int PRIMARY KEY, n int)",
     "CREATE TABLE shelves (id int PRIMARY KEY, n int)"),
    [
        act("archivist", "archive-ui", *[f"INSERT INTO {table} SELECT g, g FROM generate_series(1, 143) g"
                                         for table in ("papers", "boxes", "shelves")]),
        checkpoint,
        act("archivist", "psql", "VACUUM FULL papers", "ALTER TABLE boxes ALTER n TYPE bigint",
            "CLUSTER shelves USING shelves_pkey"),
        checkpoint,
    ],
    {"public.papers": ok(143), "public.boxes": ok(143), "public.shelves": ok(143)},
    "not_lost",
    reported=["papers"],
    later=[act("archivist", "archive-ui", "INSERT INTO papers SELECT g, g FROM generate_series(1001, 1010) g")],
)  # fmt: skip

healthy = Script(
    "healthy",
    "A healthy database under ordinary traffic, of which nobody complains",
    "cafe",
    "cafe",
    ("CREATE TABLE menu (id serial PRIMARY KEY, dish text)",
        "CREATE TABLE orders (id serial PRIMARY KEY, dish int REFERENCES menu, done bool)",
     "CREATE TABLE guests (id serial PRIMARY KEY, name text)", "CREATE TABLE unused (id int)"),
    [
        act("cafe", "cafe-pos", "INSERT INTO menu (dish) SELECT 'd' FROM generate_series(1, 40)",
            "INSERT INTO orders (dish, done) SELECT 1 + g % 40, false FROM generate_series(1, 700) g",
            "INSERT INTO guests (name) SELECT 'g' FROM generate_series(1, 90)",
            "UPDATE orders SET done = true WHERE id < 500", "DELETE FROM orders WHERE id <= 12",
            "DELETE FROM guests WHERE id = 5"),
        checkpoint,
        act("cafe", "cafe-pos", "INSERT INTO orders (dish, done) SELECT 1, false FROM generate_series(1, 30) g"),
    ],
    {"public.menu": ok(40), "public.orders": ok(718), "public.guests": ok(89), "public.unused": ok(0)},
    "not_lost",
    later=[act("cafe", "cafe-pos", "INSERT INTO orders (dish, done) SELECT 2, false FROM generate_series(1, 50) g")],
)  # fmt: skip

failed_attempts_only = Script(
    "failed_attempts_only",
    "False alarm: only statements that failed are in the log, and a report that was read wrongly",
    "museum",
    "museum",
    ("CREATE TABLE exhibits (id int PRIMARY KEY, state text)", "CREATE TABLE tours (id int PRIMARY KEY)"),
    [
        act("museum", "museum-app", "INSERT INTO exhibits SELECT g, 's' FROM generate_series(1, 180) g",
            "INSERT INTO tours SELECT g FROM generate_series(1, 31) g"),
        checkpoint,
        act("museum", "psql", "DELETE FROM exhibits WHERE status \\!= 'shown'", fails=True),
        act("museum", "psql", "TRUNCATE exhibits, no_such_table", fails=True),
        act("museum", "psql", "DROP TABLE exhibitss", fails=True),
    ],
    {"public.exhibits": ok(180), "public.tours": ok(31)},
    "not_lost",
    reported=["exhibits"],
    later=[act("museum", "museum-app", "INSERT INTO tours SELECT g FROM generate_series(41, 50) g")],
    settings={"log_line_prefix": "%m [%p] %u %d %a "},
)  # fmt: skip

statistics_reset = Script(
    "statistics_reset",
    "False alarm: pg_stat_reset() made every counter zero; the rows stand",
    "observatory",
    "astro",
    ("CREATE TABLE stars (id int PRIMARY KEY)", "CREATE TABLE plates (id int PRIMARY KEY)"),
    [
        act("astro", "catalogue", "INSERT INTO stars SELECT g FROM generate_series(1, 1200) g",
            "INSERT INTO plates SELECT g FROM generate_series(1, 64) g"),
        checkpoint,
        act("postgres", "psql", "SELECT pg_stat_reset()"),
    ],
    {"public.stars": ok(1200, "counters_reset", accepts=["none"]), "public.plates": ok(64, "counters_reset",
        accepts=["none"])},
    "not_lost",
    reported=["stars"],
    later=[act("astro", "catalogue", "INSERT INTO stars SELECT g FROM generate_series(2001, 2020) g")],
)  # fmt: skip

crash_without_loss = Script(
    "crash_without_loss",
    "False alarm: the server crashed and recovered; every counter is zero and every row stands",
    "tickets",
    "boxoffice",
    ("CREATE TABLE seats (id int PRIMARY KEY)", "CREATE TABLE sold (id int PRIMARY KEY, seat int REFERENCES seats)"),
    [
        act("boxoffice", "boxoffice", "INSERT INTO seats SELECT g FROM generate_series(1, 300) g",
            "INSERT INTO sold SELECT g, g FROM generate_series(1, 210) g"),
        checkpoint,
        crash,
    ],
    {"public.seats": ok(300, "counters_reset", accepts=["none"]), "public.sold": ok(210, "counters_reset",
        accepts=["none"])},
    "not_lost",
    reported=["sold"],
    later=[act("boxoffice", "boxoffice", "INSERT INTO sold SELECT g, 1 FROM generate_series(501, 510) g")],
)  # fmt: skip

import_in_savepoint = Script(
    "import_in_savepoint",
    "False alarm: an import whose inner block was rolled back; the rest was committed",
    "gallery",
    "gallery",
    ("CREATE TABLE imports (id serial PRIMARY KEY, f text)", "CREATE TABLE pictures (id serial PRIMARY KEY, f text)",
     "CREATE TABLE rooms (id int PRIMARY KEY)"),
    [
        act("gallery", "gallery-app", "INSERT INTO rooms SELECT g FROM generate_series(1, 9) g",
            "INSERT INTO imports (f) SELECT 'i' FROM generate_series(1, 3)"),
        checkpoint,
        act("gallery", "importer", "INSERT INTO imports (f) VALUES ('today')", "SAVEPOINT rows",
            "INSERT INTO pictures (f) SELECT 'p' FROM generate_series(1, 420)", "ROLLBACK TO rows", whole=True),
    ],
    {"public.imports": ok(4), "public.pictures": ok(0, "rollback"), "public.rooms": ok(9)},
    "not_lost",
    reported=["pictures"],
    later=[act("gallery", "gallery-app", "INSERT INTO rooms SELECT g FROM generate_series(11, 14) g")],
)  # fmt: skip

view_refreshed = Script(
    "view_refreshed",
    "False alarm: a materialized view is refreshed every hour and holds what its query gives",
    "press",
    "press",
    ("CREATE TABLE articles (id int PRIMARY KEY, day date)",
     "CREATE MATERIALIZED VIEW latest AS SELECT * FROM articles WHERE day > '2026-11-20' WITH NO DATA"),
    [
        act("press", "press-cms",
            "INSERT INTO articles SELECT g, date '2026-11-01' + g % 24 FROM generate_series(1, 480) g"),
        act("press", "cron refresh", "REFRESH MATERIALIZED VIEW latest"),
        checkpoint,
        act("press", "cron refresh", "REFRESH MATERIALIZED VIEW latest"),
    ],
    {"public.articles": ok(480), "public.latest": ok(80)},
    "not_lost",
    reported=["latest"],
    views={"stats_csv": {"untellable": {"public.latest": ()}}},
    later=[act("press", "press-cms", "INSERT INTO articles SELECT g, '2026-11-02' FROM generate_series(1001, 1020) g")],
)  # fmt: skip

staging_always_emptied = Script(
    "staging_always_emptied",
    "False alarm: a staging table that every load empties",
    "dwh",
    "loader",
    (
        "CREATE SCHEMA stage",
        "CREATE SCHEMA mart",
        "CREATE TABLE stage.bookings (id int, v text)",
        "CREATE TABLE mart.bookings (id int PRIMARY KEY, v text)",
    ),
    [
        act(
            "loader",
            "load_bookings",
            "TRUNCATE stage.bookings",
            f"INSERT INTO stage.bookings SELECT g, 'b' FROM generate_series({start}, {start + 99}) g",
            "INSERT INTO mart.bookings SELECT * FROM stage.bookings",
            "TRUNCATE stage.bookings",
        )
        for start in (1, 101, 201, 301)
    ],
    {"stage.bookings": ok(0, "truncate"), "mart.bookings": ok(400)},
    "not_lost",
    scope=["stage", "mart"],
    reported=["stage.bookings"],
    views={view: {"untellable": {"stage.bookings": ("none",) if view == "crash" else ("rollback",)}} for view in BLIND},
    later=[act("loader", "load_bookings", "TRUNCATE stage.bookings",
               "INSERT INTO mart.bookings SELECT g, 'b' FROM generate_series(401, 450) g")],
)  # fmt: skip

truncate_rolled_back = Script(
    "truncate_rolled_back",
    "False alarm: somebody truncated inside a transaction and rolled it back",
    "hr",
    "hr_app",
    ("CREATE TABLE employees (id int PRIMARY KEY, name text)", "CREATE TABLE leave_days (id int PRIMARY KEY, who int)"),
    [
        act("hr_app", "hr-portal", "INSERT INTO employees SELECT g, 'e' FROM generate_series(1, 143) g",
            "INSERT INTO leave_days SELECT g, g FROM generate_series(1, 500) g"),
        checkpoint,
        act("mveber", "psql", "TRUNCATE employees, leave_days", undone=True),
        act("mveber", "psql", "DELETE FROM leave_days", undone=True),
    ],
    {"public.employees": ok(143), "public.leave_days": ok(500, accepts=["rollback"])},
    "not_lost",
    roles={"mveber": "hr_app"},
    reported=["employees"],
    later=[act("hr_app", "hr-portal", "INSERT INTO leave_days SELECT g, 1 FROM generate_series(501, 520) g")],
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        queue_drained, upserts, healthy_and_rewritten, healthy, failed_attempts_only, statistics_reset,
        crash_without_loss, import_in_savepoint, view_refreshed, staging_always_emptied, truncate_rolled_back,
    )
)  # fmt: skip
