"""A false alarm: the counters show 115 inserts and no delete, yet the import was never committed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from triage_kit.lab import history
from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.base import Incident, table
from triage_kit.lab.server import Server

DATABASE, OWNER = "inventory", "importer"

SETTINGS = {"log_checkpoints": True}

TRUTH = {
    "tables": {
        "inventory.device_imports": table("intact", "rollback", inserts=115, rows=0),
        "inventory.devices": table(inserts=240, rows=240),
        "inventory.sites": table(inserts=12, rows=12),
    },
    "cause": "not_lost",
    "roots": [],
}


def build(server: Server, folder: Path) -> dict:
    """Rebuild the incident; gives the keys of case.yaml."""
    started = base.now()
    history.write(
        folder / "inventory",
        [
            history.Commit(
                started - timedelta(hours=50),
                "Sam Okoro <sam@example.com>",
                "Tables of the inventory",
                {"migrations/001_inventory.sql": base.material("inventory", "001_inventory.sql")},
            )
        ],
    )
    base.roles(server, DATABASE, OWNER, {})
    begins = base.now()  # the database is older than the window
    with base.session(server, DATABASE, OWNER, "migrate") as connection:
        connection.execute("CREATE SCHEMA inventory")
        connection.execute(sql.SQL(base.material("inventory", "001_inventory.sql")))
    with base.session(server, DATABASE, OWNER, "inventory-api") as connection, connection.transaction():
        connection.execute("INSERT INTO inventory.sites (name) SELECT 'Site ' || g FROM generate_series(1, 12) g")
        connection.execute(
            "INSERT INTO inventory.devices (site_id, serial) "
            "SELECT 1 + g % 12, 'SN' || g FROM generate_series(1, 240) g"
        )
    base.checkpoint(server)
    with base.session(server, DATABASE, OWNER, "csv-import") as connection:
        base.attempt(lambda: _import(connection))
    base.checkpoint(server)
    base.settled(server, DATABASE, INCIDENT.counters)
    noticed = base.now()
    return {
        "title": "Imported devices have vanished",
        "incident": {"id": "INC-PRACTICE-3", "service": "inventory", "severity": "medium", "author": "on-call"},
        "timezone": "UTC",
        "noticed_at": noticed,
        "window": {"start": begins, "end": noticed},
        "database": {"name": DATABASE, "schemas": ["inventory"], "app_role": OWNER},
        "reported": ["inventory.device_imports"],
        "logs": ["log/*.log"],
        "repository": "inventory",
        "notes": [{"at": noticed, "text": "The import said 115 rows, the table is empty"}],
        "counting": "safe",
    }


def _import(connection: psycopg.Connection) -> None:
    with connection.transaction():
        connection.execute(
            "INSERT INTO inventory.device_imports (batch, serial, payload) SELECT 7, 'SN' || g, "
            "jsonb_build_object('row', g) FROM generate_series(1, 115) g"
        )
        connection.execute(
            "INSERT INTO inventory.devices (site_id, serial) "
            "SELECT coalesce(payload ->> 'site', 'n/a')::integer, 'X' || serial FROM inventory.device_imports"
        )


INCIDENT = Incident(
    "rolled_back_import",
    "False alarm: an import that failed at its last step and was rolled back",
    TRUTH,
    build,
    SETTINGS,
)
