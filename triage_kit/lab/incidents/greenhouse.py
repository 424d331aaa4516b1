"""Readings of greenhouses by month: the parent truncated, months dropped, unlogged buffers after a power cut."""

from __future__ import annotations

from triage_kit.lab.incidents.script import Act, Commit, Script, Stage, act, checkpoint, lost, ok

MONTHS = {"2026_08": ("2026-08-01", "2026-09-01"), "2026_09": ("2026-09-01", "2026-10-01"),
          "2026_10": ("2026-10-01", "2026-11-01"), "2026_11": ("2026-11-01", "2026-12-01")}  # fmt: skip
TABLES = (
    "CREATE SCHEMA iot",
    "CREATE TABLE iot.sensors (id int PRIMARY KEY, house text, unit text)",
    "CREATE TABLE iot.readings (sensor int NOT NULL, at timestamptz NOT NULL, v real) PARTITION BY RANGE (at)",
    *[
        f"CREATE TABLE iot.readings_{month} PARTITION OF iot.readings FOR VALUES FROM ('{first}') TO ('{after}')"
        for month, (first, after) in MONTHS.items()
    ],
    "CREATE INDEX ON iot.readings (sensor, at)",
    "CREATE TABLE iot.alerts (id bigserial PRIMARY KEY, sensor int, said text)",
)


def _measured(rows: int) -> str:
    """That many readings for each month from August to November."""
    return (
        "INSERT INTO iot.readings SELECT g % 8, timestamptz '2026-08-01 06:00+00' + (g % 4) * interval '1 month' "
        f"+ (g % 25) * interval '1 day', g FROM generate_series(1, {4 * rows}) g"
    )


def _ingested(rows: int) -> Act:
    return act(
        "ingest",
        "mqtt-bridge",
        "INSERT INTO iot.sensors SELECT g, 'house ' || g, 'C' FROM generate_series(1, 8) g",
        _measured(rows),
        "INSERT INTO iot.alerts (sensor, said) SELECT g % 8, 'dry' FROM generate_series(1, 130) g",
    )


ALERTED = act("ingest", "mqtt-bridge", "INSERT INTO iot.alerts (sensor, said) VALUES (3, 'hot'), (4, 'hot')")
ZONE = {"log_line_prefix": "%t %p %l %e %r %u %d %a: ", "log_timezone": "America/Sao_Paulo"}

parent_truncated = Script(
    "parent_truncated",
    "A job that should empty one month truncates the partitioned table: two hundred thousand readings are gone",
    "greenhouse",
    "ingest",
    TABLES,
    [
        _ingested(50000),
        checkpoint,
        act("ingest", "mqtt-bridge", "ANALYZE"),
        act("compactor", "compact.py", "TRUNCATE TABLE iot.readings"),
        ALERTED,
        checkpoint,
    ],
    {
        "iot.readings": lost("truncate", 200000),
        **{f"iot.readings_{month}": lost("truncate", 50000) for month in MONTHS},
        "iot.sensors": ok(8),
        "iot.alerts": ok(132),
    },
    "scheduled_job",
    scope=["iot"],
    roles={"compactor": "ingest"},
    roots=["iot.readings_2026_08", "iot.readings_2026_09", "iot.readings_2026_10", "iot.readings_2026_11"],
    reported=["iot.readings"],
    commits=[
        Commit(3000, "Readings by month", {"schema.sql": ";\n".join(TABLES) + ";\n"}),
        Commit(26, "Compact after the rollup", {
            "jobs/compact.py": "def compact(connection, month):\n    # the month is rolled up; its rows may go\n"
                               '    connection.execute("TRUNCATE TABLE iot.readings")\n',
            "deploy/compact.timer": "[Timer]\nOnCalendar=daily\n\n[Install]\nWantedBy=timers.target\n",
            "deploy/compact.service": "[Service]\nExecStart=/usr/bin/python3 /srv/jobs/compact.py\n"}),
    ],
    later=[act("ingest", "mqtt-bridge", _measured(5))],
    settings=ZONE,
)  # fmt: skip

KEEP = """CREATE FUNCTION iot.drop_months(before date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE part regclass;
BEGIN
  FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'iot.readings'::regclass
    AND to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') < before
  LOOP EXECUTE format('DROP TABLE %s', part); END LOOP;
END $$"""

months_dropped = Script(
    "months_dropped",
    "The scheduler's retention function is called with today's date and drops every month but this one",
    "greenhouse",
    "ingest",
    (*TABLES, KEEP),
    [
        _ingested(1000),
        checkpoint,
        act("ingest", "pg_cron", "SELECT iot.drop_months(date '2026-08-01')"),
        act("ingest", "pg_cron", "SELECT iot.drop_months(date '2026-11-01')"),
        ALERTED,
    ],
    {
        **{
            f"iot.readings_{month}": lost("partition_drop", None, None, status="missing", accepts=["drop"])
            for month in ("2026_08", "2026_09", "2026_10")
        },
        "iot.readings": lost("partition_drop", None, 1000),
        "iot.readings_2026_11": ok(1000),
        "iot.sensors": ok(8),
        "iot.alerts": ok(132),
    },
    "scheduled_job",
    scope=["iot"],
    roots=["iot.readings_2026_08", "iot.readings_2026_09", "iot.readings_2026_10"],
    reported=["iot.readings_2026_08", "iot.readings_2026_09", "iot.readings_2026_10"],
    commits=[
        Commit(3000, "Readings by month", {"schema.sql": ";\n".join(TABLES) + ";\n"}),
        Commit(40, "Retention", {"functions/drop_months.sql": KEEP + ";\n", "schedule.sql":
            "SELECT cron.schedule('retention', '0 3 * * *', 'SELECT iot.drop_months(current_date)');\n"}),
    ],
    later=[ALERTED],
    settings=ZONE,
)  # fmt: skip


def _power_cut(stage: Stage) -> None:
    stage.server.crash()
    stage.server.start()


buffer_after_power_cut = Script(
    "buffer_after_power_cut",
    "The power fails: an unlogged buffer is empty afterwards, whatever was truncated in vain the hour before",
    "greenhouse",
    "ingest",
    (
        *TABLES,
        "CREATE UNLOGGED TABLE iot.buffer (id bigserial PRIMARY KEY, payload jsonb)",
        "CREATE UNLOGGED TABLE iot.dedupe (k text PRIMARY KEY)",
    ),
    [
        _ingested(40),
        act("ingest", "mqtt-bridge",
            "INSERT INTO iot.buffer (payload) SELECT jsonb_build_object('v', g) FROM generate_series(1, 5000) g",
            "INSERT INTO iot.dedupe SELECT 'k' || g FROM generate_series(1, 700) g", "VACUUM ANALYZE iot.buffer"),
        act("gardener", "psql", "TRUNCATE iot.buffer", fails=True),
        act("ingest", "migrate", "CREATE INDEX alerts_sensor ON iot.alerts (sensor)"),
        checkpoint,
        ALERTED,
        _power_cut,
        ALERTED,
    ],
    {
        "iot.buffer": lost("unlogged_reset", None),
        "iot.dedupe": lost("unlogged_reset", None),
        "iot.sensors": ok(8, accepts=["counters_reset"]),
        "iot.alerts": ok(134, accepts=["counters_reset"]),
        "iot.readings": ok(160, accepts=["counters_reset"]),
        **{f"iot.readings_{month}": ok(40, accepts=["counters_reset"]) for month in MONTHS},
    },
    "crash",
    scope=["iot"],
    roles={"gardener": ""},
    roots=["iot.buffer", "iot.dedupe"],
    reported=["iot.buffer"],
    commits=[Commit(5, "Find alerts of a sensor", {"migrations/0007.sql":
                                                   "CREATE INDEX alerts_sensor ON iot.alerts (sensor);\n"})],
    later=[ALERTED],
    settings={"logging_collector": True, "log_destination": "jsonlog", "log_filename": "iot.log"},
    case={"logs": ["log/*.json"]},
    since=15,
)  # fmt: skip

INCIDENTS = tuple(each.incident() for each in (parent_truncated, months_dropped, buffer_after_power_cut))
