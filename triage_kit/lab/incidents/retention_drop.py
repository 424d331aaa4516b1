"""A nightly job drops a partition that is still wanted: its retention was set in days, meant in weeks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from psycopg import sql

from triage_kit.lab import history
from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.base import Incident, table
from triage_kit.lab.server import Server

DATABASE, OWNER, JOB = "telemetry", "metrics_app", "retention_job"
DROPPED = "metrics.readings_w36"

SETTINGS = {"log_checkpoints": True, "log_statement": "ddl", "log_line_prefix": "%m [%p] %q%u@%d/%a "}

TRUTH = {
    "tables": {
        "metrics.readings": {
            **table("partial", "partition_drop", None, inserts=None, deletes=None, rows=1220),
            "kind": "partitioned",
        },
        DROPPED: {
            **table("missing", "partition_drop", None, inserts=None, deletes=None, rows=None),
            "rows_before": 640,
        },
        "metrics.readings_w37": table(inserts=610, rows=610),
        "metrics.readings_w38": table(inserts=610, rows=610),
        "metrics.sensors": table(inserts=40, rows=40),
    },
    "cause": "scheduled_job",
    "roots": [DROPPED],
}


def build(server: Server, folder: Path) -> dict:
    """Rebuild the incident; gives the keys of case.yaml."""
    _repository(folder / "metrics")
    base.roles(server, DATABASE, OWNER, {JOB: OWNER})
    started = base.now()  # the database is older than the window
    with base.session(server, DATABASE, OWNER, "migrate") as connection:
        connection.execute("CREATE SCHEMA metrics")
        connection.execute(sql.SQL(base.material("metrics", "001_metrics.sql")))
    with base.session(server, DATABASE, OWNER, "ingest") as connection, connection.transaction():
        connection.execute("INSERT INTO metrics.sensors (place) SELECT 'Hall ' || g FROM generate_series(1, 40) g")
        connection.execute("INSERT INTO metrics.readings SELECT 1 + g % 40, 36, g FROM generate_series(1, 640) g")
        connection.execute(
            "INSERT INTO metrics.readings SELECT 1 + g % 40, 37 + g % 2, g FROM generate_series(1, 1220) g"
        )
    base.checkpoint(server)
    with base.session(server, DATABASE, JOB, "cron: retention.sh") as connection:
        connection.execute("DROP TABLE IF EXISTS metrics.readings_w36")
    base.checkpoint(server)
    base.settled(server, DATABASE, INCIDENT.counters)
    noticed = base.now()
    return {
        "title": "Readings of week 36 are missing",
        "incident": {"id": "INC-PRACTICE-4", "service": "telemetry", "severity": "medium", "author": "data team"},
        "timezone": "UTC",
        "noticed_at": noticed,
        "window": {"start": started, "end": noticed},
        "database": {"name": DATABASE, "schemas": ["metrics"], "app_role": OWNER},
        "reported": ["metrics.readings"],
        "logs": ["log/*.log"],
        "repository": "metrics",
        "notes": [{"at": noticed, "text": "The weekly report has a hole"}],
        "counting": "safe",
    }


def _repository(folder: Path) -> None:
    now = base.now()
    author = "Priya Nair <priya@example.com>"
    history.write(
        folder,
        [
            history.Commit(
                now - timedelta(hours=2000),
                author,
                "Readings by week",
                {"migrations/001_metrics.sql": base.material("metrics", "001_metrics.sql")},
            ),
            history.Commit(
                now - timedelta(hours=20),
                author,
                "Retention: drop old weeks every night",
                {
                    "jobs/retention.sh": base.material("metrics", "retention.sh"),
                    "jobs/crontab": base.material("metrics", "crontab"),
                },
            ),
        ],
    )


# DROP takes every row of the catalogue along: without the log no source names the partition that is gone, and a parent
# whose other partitions stand whole is all that is left to look at.
UNTOLD = {"tables": {DROPPED: None}, "untellable": {"metrics.readings": ()}}
INCIDENT = Incident(
    "retention_drop",
    "A partition dropped by the nightly retention job",
    TRUTH,
    build,
    SETTINGS,
    views={"no_log": UNTOLD, "stats_csv": UNTOLD},
)
