"""Buses and trams in Greek, 120,000 times of stops: an empty feed, a month too much, a copy, a right, a cut COPY."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, lost, ok

MONTHS = (6, 7, 8, 9, 10)
MANAGE = """CREATE PROCEDURE rt.διαχείριση(κράτα int) LANGUAGE plpgsql AS $$
DECLARE παλιά name;
BEGIN
  FOR παλιά IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent = 'rt.θέση'::regclass ORDER BY 1 DESC OFFSET κράτα LOOP
    EXECUTE format('DROP TABLE rt.%I', παλιά);
  END LOOP;
END $$"""
TABLES = (
    "CREATE SCHEMA gtfs",
    "CREATE SCHEMA rt",
    "CREATE TABLE gtfs.φορέας (κωδικός text PRIMARY KEY, όνομα text NOT NULL)",
    "CREATE TABLE gtfs.στάση (id int PRIMARY KEY, όνομα text NOT NULL, lat real, lon real)",
    "CREATE TABLE gtfs.δρομολόγιο (id int PRIMARY KEY, φορέας text NOT NULL REFERENCES gtfs.φορέας, γραμμή text)",
    "CREATE TABLE gtfs.ώρα (δρομολόγιο int NOT NULL, σειρά smallint NOT NULL, στάση int NOT NULL, ώρα interval, "
    "PRIMARY KEY (δρομολόγιο, σειρά))",
    "CREATE TABLE gtfs.εισαγωγή (LIKE gtfs.ώρα)",
    "CREATE TABLE gtfs.έκτακτο (id bigint PRIMARY KEY, ημέρα date NOT NULL, γραμμή text)",
    "CREATE TABLE gtfs.εισιτήριο (id bigint PRIMARY KEY, φορέας name NOT NULL, λεπτά int)",
    "CREATE TABLE rt.θέση (όχημα int NOT NULL, πότε date NOT NULL, lat real, lon real) PARTITION BY RANGE (πότε)",
    *[f"CREATE TABLE rt.θέση_2026_{month:02} PARTITION OF rt.θέση FOR VALUES FROM ('2026-{month:02}-01') TO "
      f"('2026-{month + 1:02}-01')" for month in MONTHS],
    MANAGE,
)  # fmt: skip
DRIVEN = act(
    "transit",
    "otp-loader",
    "INSERT INTO gtfs.φορέας SELECT 'Φ' || g, 'Φορέας ' || g FROM generate_series(1, 6) g",
    "INSERT INTO gtfs.στάση SELECT g, 'Στάση ' || g, 37.9, 23.7 FROM generate_series(1, 2400) g",
    "INSERT INTO gtfs.δρομολόγιο SELECT g, 'Φ' || 1 + g % 6, 'Γ' || g % 90 FROM generate_series(1, 6000) g",
    "INSERT INTO gtfs.ώρα SELECT 1 + (g - 1) / 20, g % 20, 1 + g % 2400, g * interval '1 s' FROM "
    "generate_series(1, 120000) g",
    "INSERT INTO gtfs.εισιτήριο SELECT g, 'ktel', 120 FROM generate_series(1, 5200) g",
    "INSERT INTO rt.θέση SELECT g % 300, date '2026-06-01' + g % 153, 37.9, 23.7 FROM generate_series(1, 30600) g",
)
SOLD = act("transit", "ticket-api", "INSERT INTO gtfs.εισιτήριο VALUES (90001, 'ktel', 120), (90002, 'ktel', 60)")
# Two hundred positions a day of thirty, thirty-one, thirty-one, thirty and thirty-one days.
STANDING = {
    "gtfs.φορέας": ok(6),
    "gtfs.στάση": ok(2400),
    "gtfs.δρομολόγιο": ok(6000),
    "gtfs.ώρα": ok(120000),
    "gtfs.εισαγωγή": ok(0),
    "gtfs.έκτακτο": ok(0),
    "gtfs.εισιτήριο": ok(5202),
    "rt.θέση": ok(30600),
    **{f"rt.θέση_2026_{month:02}": ok(6000 if month in (6, 9) else 6200) for month in MONTHS},
}
SETTINGS = {"log_line_prefix": "%m [%p] %q%u@%d (%a) ", "log_timezone": "Europe/Athens"}
FIRST = Commit(6100, "GTFS", {"sql/schema.sql": ";\n".join(TABLES) + ";\n"})
LATER = act("transit", "ticket-api", "INSERT INTO gtfs.εισιτήριο VALUES (91001, 'ktel', 9), (91002, 'ktel', 9)")

ANTI = ("DELETE FROM gtfs.ώρα w WHERE NOT EXISTS (SELECT FROM gtfs.εισαγωγή e WHERE e.δρομολόγιο = w.δρομολόγιο AND "
        "e.σειρά = w.σειρά)")  # fmt: skip
UPSERT = ("INSERT INTO gtfs.ώρα SELECT * FROM gtfs.εισαγωγή ON CONFLICT (δρομολόγιο, σειρά) DO UPDATE SET ώρα = "
          "EXCLUDED.ώρα")  # fmt: skip
times_reconciled_with_nothing = Script(
    "times_reconciled_with_nothing",
    "The nightly DAG removes times that the feed does not have any more; the download gave a header and no line",
    "transit",
    "transit",
    TABLES,
    [
        DRIVEN,
        SOLD,
        checkpoint,
        act("etl", "airflow: gtfs_sync.reconcile", "TRUNCATE gtfs.εισαγωγή", ANTI, UPSERT, whole=True),
        act("transit", "ticket-api", "SELECT min(ώρα) FROM gtfs.ώρα WHERE στάση = 7"),
        act("npapas", "psql", "DELETE FROM gtfs.ώρες", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "gtfs.ώρα": lost("delete", 120000),
        # It was empty before it was emptied.
        "gtfs.εισαγωγή": ok(0, "truncate", accepts=["none"]),
    },
    "scheduled_job",
    scope=["gtfs", "rt"],
    roles={"etl": "transit", "npapas": ""},
    roots=["gtfs.ώρα"],
    causes=[{"cause": "scheduled_job", "tables": ("gtfs.ώρα",)}],
    reported=["gtfs.ώρα"],
    commits=[FIRST, Commit(1700, "Συγχρονισμός", {"dags/gtfs_sync.py": "from airflow.decorators import dag, task\n\n"
        f"ANTI = '''{ANTI}'''\nUPSERT = '''{UPSERT}'''\n\n\n@dag(schedule='15 3 * * *', catchup=False)\ndef "
        "gtfs_sync():\n    @task\n    def reconcile():\n        with hook().get_conn() as connection, "
        "connection.cursor() as c:\n            c.execute('TRUNCATE gtfs.εισαγωγή')\n    "
        "        c.copy_expert(COPY, latest())\n            c.execute(ANTI)\n            c.execute(UPSERT)\n\n    "
        "reconcile()\n\n\ngtfs_sync()\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

OLDEST = "rt.θέση_2026_06"
positions_managed_away = Script(
    "positions_managed_away",
    "pg_cron calls the procedure that drops old months; it was told to keep four, and the contract says five",
    "transit",
    "transit",
    TABLES,
    [
        DRIVEN,
        SOLD,
        act("cron", "pg_cron", "CALL rt.διαχείριση(5)"),
        checkpoint,
        act("cron", "pg_cron", "CALL rt.διαχείριση(4)"),
        act("transit", "ticket-api", "SELECT count(*) FROM rt.θέση WHERE πότε < '2026-07-01'"),
        act("transit", "reports", "SELECT avg(lat) FROM rt.θέση_2026_06", fails=True),
        act("postgres", "maintenance", "VACUUM FULL gtfs.στάση"),
        checkpoint,
    ],
    {
        **STANDING,
        "rt.θέση": lost("partition_drop", None, 24600, accepts=["drop"]),
        OLDEST: lost("partition_drop", None, None, status="missing", accepts=["drop"]),
    },
    "scheduled_job",
    scope=["gtfs", "rt"],
    roles={"cron": "transit"},
    roots=[OLDEST],
    reported=["rt.θέση"],
    commits=[FIRST, Commit(1400, "Μήνες", {"sql/cron.sql": "SELECT cron.schedule('months', '0 2 1 * *', 'CALL "
        "rt.διαχείριση(5)');\n"}),
        Commit(30, "Λιγότεροι μήνες", {"sql/cron.sql": "SELECT cron.schedule('months', '0 2 1 * *', 'CALL "
            "rt.διαχείριση(4)');\n"})],
    later=[LATER],
    settings=SETTINGS,
    # A CSV of counters does not remember a month that was dropped.
    views={"stats_csv": {"tables": {"rt.θέση": None, OLDEST: None},
        "causes": ({"cause": "not_lost", "accepts": ("scheduled_job", "unknown"), "tables": ()},)}},
    holdout=True,
)  # fmt: skip

REPACK = (
    "LOCK TABLE gtfs.στάση IN ACCESS EXCLUSIVE MODE",
    "CREATE TABLE gtfs.στάση_νέα (LIKE gtfs.στάση INCLUDING ALL)",
    "ALTER TABLE gtfs.στάση_νέα OWNER TO transit",
    "INSERT INTO gtfs.στάση_νέα SELECT * FROM gtfs.στάση ORDER BY lat, id",
    "ALTER TABLE gtfs.στάση RENAME TO στάση_παλιά",
    "ALTER TABLE gtfs.στάση_νέα RENAME TO στάση",
    "DROP TABLE gtfs.στάση_παλιά",
)
stops_copied_to_shrink = Script(
    "stops_copied_to_shrink",
    "False alarm: stops were copied into a smaller table that took the name; a monitor saw the old one disappear",
    "transit",
    "transit",
    TABLES,
    [
        DRIVEN,
        SOLD,
        checkpoint,
        act("npapas", "repack.sh", *REPACK, whole=True),
        act("npapas", "psql", "DROP TABLE gtfs.στάση_παλιά", fails=True),
        act("transit", "ticket-api", "SELECT count(*) FROM gtfs.στάση"),
        checkpoint,
    ],
    {**STANDING, "gtfs.στάση": ok(2400, "recreate", accepts=["none", "restore"])},
    "not_lost",
    scope=["gtfs", "rt"],
    roles={"npapas": "transit"},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    reported=["gtfs.στάση"],
    commits=[FIRST, Commit(200, "Συμπύκνωση", {"ops/repack.sh": "#!/bin/sh\npsql transit -1 <<SQL\n"
        + ";\n".join(REPACK) + ";\nSQL\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip
stops_copied_to_shrink.tables["gtfs.στάση"]["statuses"] = ("undecided",)

POLICY = (
    "ALTER TABLE gtfs.εισιτήριο ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY του_φορέα ON gtfs.εισιτήριο USING (pg_has_role(current_user, φορέας, 'member'))",
    "GRANT USAGE ON SCHEMA gtfs, rt TO web",
    "GRANT SELECT ON ALL TABLES IN SCHEMA gtfs, rt TO web",
)
tickets_of_a_left_group = Script(
    "tickets_of_a_left_group",
    "An audit of roles takes the web's login out of its operator's group: the policy asks for it, and shows no ticket",
    "transit",
    "transit",
    (*TABLES, *POLICY),
    [
        DRIVEN,
        SOLD,
        act("web", "ticket-web", "SELECT count(*) FROM gtfs.εισιτήριο"),
        checkpoint,
        act("postgres", "psql", "REVOKE ktel FROM web"),
        act("web", "ticket-web", "SELECT count(*) FROM gtfs.εισιτήριο", "SELECT count(*) FROM gtfs.στάση"),
        act("npapas", "psql", "DELETE FROM gtfs.εισιτήριο", fails=True),
        act("transit", "ticket-api", "INSERT INTO gtfs.εισιτήριο VALUES (92001, 'ktel', 60)"),
    ],
    {**STANDING, "gtfs.εισιτήριο": lost("hidden", 0, 5203, status="hidden")},
    "not_lost",
    scope=["gtfs", "rt"],
    roles={"ktel": "", "web": "ktel", "npapas": ""},
    app_role="web",
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("gtfs.εισιτήριο",)}],
    reported=["gtfs.εισιτήριο"],
    commits=[FIRST, Commit(4000, "Πολιτική", {"sql/policy.sql": ";\n".join(POLICY) + ";\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": {"gtfs.εισιτήριο": ("none",)}}},
    holdout=True,
)


def _broke_off(stage: Stage) -> None:
    """Forty thousand special services in one COPY; one of the last has a thirtieth of February."""
    with base.session(stage.server, stage.database, "transit", "special-services") as connection:

        def load() -> None:
            with connection.cursor() as cursor, cursor.copy("COPY gtfs.έκτακτο FROM stdin") as copy:
                for number in range(40000):
                    day = "2026-02-30" if number == 39900 else "2026-12-24"
                    copy.write_row((number, day, f"Γ{number % 90}"))

        base.attempt(load)


special_services_broke_off = Script(
    "special_services_broke_off",
    "False alarm: the special services were never there, their COPY of forty thousand failed near its end",
    "transit",
    "transit",
    TABLES,
    [
        DRIVEN,
        SOLD,
        checkpoint,
        _broke_off,
        act("transit", "ticket-api", "SELECT count(*) FROM gtfs.έκτακτο"),
        act("npapas", "psql", "TRUNCATE gtfs.έκτακτο", undone=True),
        checkpoint,
    ],
    {**STANDING, "gtfs.έκτακτο": ok(0, "rollback", accepts=["none"])},
    "not_lost",
    scope=["gtfs", "rt"],
    roles={"npapas": "transit"},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    reported=["gtfs.έκτακτο"],
    commits=[FIRST, Commit(100, "Έκτακτα", {"load/special.py": "def load(cursor, lines):\n    with cursor.copy('COPY "
        "gtfs.έκτακτο FROM stdin') as copy:\n        for line in lines:\n            copy.write(line)\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        times_reconciled_with_nothing, positions_managed_away, stops_copied_to_shrink, tickets_of_a_left_group,
        special_services_broke_off,
    )
)  # fmt: skip
