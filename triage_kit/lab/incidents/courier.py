"""A parcel service that logs to CSV in India's time: cascades, MERGE, a reload that is too small, a drained queue."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, act, checkpoint, lost, ok

CSV = {
    "logging_collector": True,
    "log_destination": "csvlog",
    "log_filename": "courier.log",
    "log_timezone": "Asia/Kolkata",
    "timezone": "Asia/Kolkata",
}
LOGS = {"logs": ["log/*.csv"]}
TABLES = (
    "CREATE SCHEMA dispatch",
    "CREATE TABLE dispatch.hub (code text PRIMARY KEY, city text, closed boolean DEFAULT false)",
    "CREATE TABLE dispatch.route (id int PRIMARY KEY, hub text REFERENCES dispatch.hub ON DELETE CASCADE)",
    "CREATE TABLE dispatch.stop (id int PRIMARY KEY, route int REFERENCES dispatch.route ON DELETE CASCADE)",
    "CREATE TABLE dispatch.driver (id int PRIMARY KEY, hub text REFERENCES dispatch.hub ON DELETE SET NULL)",
    "CREATE TABLE dispatch.scan (id bigserial PRIMARY KEY, parcel int, at timestamptz DEFAULT now())",
    "CREATE TABLE dispatch.label_jobs (id bigserial PRIMARY KEY, parcel int)",
)
LOADED = act(
    "dispatch",
    "dispatch-web",
    "INSERT INTO dispatch.hub SELECT 'H' || g, 'city' FROM generate_series(1, 12) g",
    "INSERT INTO dispatch.route SELECT g, 'H' || 1 + g % 12 FROM generate_series(1, 96) g",
    "INSERT INTO dispatch.stop SELECT g, 1 + g % 96 FROM generate_series(1, 1920) g",
    "INSERT INTO dispatch.driver SELECT g, 'H' || 1 + g % 12 FROM generate_series(1, 48) g",
    "INSERT INTO dispatch.scan (parcel) SELECT g FROM generate_series(1, 9000) g",
)
SCANNED = act("dispatch", "dispatch-web", "INSERT INTO dispatch.scan (parcel) SELECT g FROM generate_series(1, 15) g")
STANDING = {
    "dispatch.hub": ok(12),
    "dispatch.route": ok(96),
    "dispatch.stop": ok(1920),
    "dispatch.driver": ok(48),
    "dispatch.scan": ok(9015),
    "dispatch.label_jobs": ok(0),
}

hubs_closed_by_job = Script(
    "hubs_closed_by_job",
    "A nightly job deletes closed hubs; three were only marked for rebuilding, and their routes and stops go along",
    "parcels",
    "dispatch",
    TABLES,
    [
        LOADED,
        checkpoint,
        act("dispatch", "dispatch-web", "UPDATE dispatch.hub SET closed = true WHERE code IN ('H2', 'H5', 'H7')"),
        act("housekeeping", "housekeeping.sh", "DELETE FROM dispatch.hub WHERE closed"),
        SCANNED,
        act("dispatch", "flyway", "ALTER TABLE dispatch.scan ADD COLUMN device text"),
    ],
    {
        **STANDING,
        "dispatch.hub": lost("delete", 3, 9),
        "dispatch.route": lost("cascade_delete", 24, 72, via=["dispatch.hub"]),
        "dispatch.stop": lost("cascade_delete", 480, 1440, via=["dispatch.hub"]),
        "dispatch.driver": ok(48, accepts=["update"]),
    },
    "scheduled_job",
    scope=["dispatch"],
    roles={"housekeeping": "dispatch"},
    roots=["dispatch.hub"],
    reported=["dispatch.stop", "dispatch.route"],
    commits=[
        Commit(700, "Housekeeping", {"ops/housekeeping.sh": "#!/bin/sh\npsql parcels -c \"DELETE FROM dispatch.hub "
                                     "WHERE closed\"\n", "ops/crontab": "15 1 * * * /srv/ops/housekeeping.sh\n"}),
        Commit(2, "Remember the device", {"db/migration/V31__device.sql":
                                          "ALTER TABLE dispatch.scan ADD COLUMN device text;\n"}),
    ],
    later=[SCANNED],
    settings=CSV,
    case=LOGS,
)  # fmt: skip

MERGE = (
    "MERGE INTO dispatch.stop t USING dispatch.stop_feed s ON t.id = s.id WHEN MATCHED THEN UPDATE SET route = s.route "
    "WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.route) WHEN NOT MATCHED BY SOURCE THEN DELETE"
)

stops_merged_away = Script(
    "stops_merged_away",
    "The application's synchronisation merges a feed that broke off: what the feed lacks is deleted",
    "parcels",
    "dispatch",
    (*TABLES, "CREATE TABLE dispatch.stop_feed (id int PRIMARY KEY, route int)"),
    [
        LOADED,
        act("dispatch", "stop-sync", "TRUNCATE dispatch.stop_feed",
            "INSERT INTO dispatch.stop_feed SELECT g, 1 + g % 96 FROM generate_series(1, 1920) g", MERGE),
        checkpoint,
        act("dispatch", "stop-sync", "TRUNCATE dispatch.stop_feed",
            "INSERT INTO dispatch.stop_feed SELECT g, 1 + g % 96 FROM generate_series(1, 40) g", MERGE),
        SCANNED,
    ],
    {
        **STANDING,
        "dispatch.stop": lost("delete", 1880, 40),
        "dispatch.stop_feed": ok(40, accepts=["truncate"]),
    },
    "application",
    scope=["dispatch"],
    roots=["dispatch.stop"],
    reported=["stop"],
    commits=[Commit(90, "Synchronise stops", {"services/stops/sync.py": f'MERGE = """{MERGE}"""\n\n\ndef sync(pool):\n'
                                              "    with pool.connection() as connection:\n"
                                              "        connection.execute(MERGE)\n"})],
    later=[SCANNED],
    settings=CSV,
    case=LOGS,
    since=17,
    # A staging table that every run empties and fills: counters show a TRUNCATE with a reload, and no more.
    views={view: {"untellable": {"dispatch.stop_feed": ("truncate",)}} for view in BLIND},
)  # fmt: skip

scans_backfilled = Script(
    "scans_backfilled",
    "A person empties the scans and refills them in one transaction from a copy that holds a third of them",
    "parcels",
    "dispatch",
    (*TABLES, "CREATE TABLE dispatch.scan_copy (id bigint, parcel int, at timestamptz)"),
    [
        LOADED,
        act("dispatch", "dispatch-web", "INSERT INTO dispatch.scan_copy SELECT * FROM dispatch.scan WHERE id <= 3000"),
        checkpoint,
        act("s.iyer", "DBeaver 25.2.3 - SQLEditor <Script-7.sql>", "TRUNCATE dispatch.scan",
            "INSERT INTO dispatch.scan SELECT * FROM dispatch.scan_copy", whole=True),
        SCANNED,
        act("dispatch", "flyway", "ALTER TABLE dispatch.driver ADD COLUMN shift text DEFAULT 'day'"),
        checkpoint,
    ],
    {**STANDING, "dispatch.scan": lost("truncate", 6000, 3015), "dispatch.scan_copy": ok(3000)},
    "manual_session",
    scope=["dispatch"],
    roles={"s.iyer": "dispatch"},
    roots=["dispatch.scan"],
    reported=["dispatch.scan"],
    commits=[Commit(1, "Shifts", {"db/migration/V32__shift.sql":
                                  "ALTER TABLE dispatch.driver ADD COLUMN shift text DEFAULT 'day';\n"})],
    later=[SCANNED],
    settings=CSV,
    case=LOGS,
    views=ANONYMOUS,
)  # fmt: skip

TAKEN = (
    "DELETE FROM dispatch.label_jobs WHERE id IN "
    "(SELECT id FROM dispatch.label_jobs ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)"
)

labels_printed = Script(
    "labels_printed",
    "False alarm: printers take their label jobs in batches until none is left; a DELETE beside it was rolled back",
    "parcels",
    "dispatch",
    TABLES,
    [
        LOADED,
        *[
            step
            for printer in range(1, 7)
            for step in (
                act("dispatch", "dispatch-web",
                    "INSERT INTO dispatch.label_jobs (parcel) SELECT g FROM generate_series(1, 2000) g"),
                act("dispatch", f"label-printer-{printer}", *[TAKEN] * 4),
            )
        ],
        act("s.iyer", "psql", "DELETE FROM dispatch.scan WHERE id < 8000", undone=True),
        SCANNED,
        checkpoint,
    ],
    {**STANDING, "dispatch.label_jobs": ok(0, "delete"), "dispatch.scan": ok(9015, accepts=["rollback"])},
    "not_lost",
    scope=["dispatch"],
    roles={"s.iyer": "dispatch"},
    reported=["label_jobs"],
    later=[SCANNED],
    settings=CSV,
    case=LOGS,
    views={view: {"untellable": {"dispatch.label_jobs": ("none", "rollback") if view == "crash" else ()}}
           for view in BLIND},
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (hubs_closed_by_job, stops_merged_away, scans_backfilled, labels_printed))
