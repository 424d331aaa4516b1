"""A case like the first incident, written by hand: evidence tables as a collector would have filled them.

The numbers are those of the published post-mortem; nothing here comes from the code under test.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from triage_kit import schemas
from triage_kit.bundle import Draft

DAY = "2025-10-07T"
LOST = f"{DAY}20:27:58.481516Z"
XID = 742

# table: inserts, deletes, rows now, emptied in the one transaction
TABLES = {
    "assets": (81, 33, 0, True),
    "discovery_flows": (8, 1, 0, True),
    "data_imports": (8, 0, 0, True),
    "raw_import_records": (115, 0, 0, True),
    "collection_flows": (143, 101, 2, True),
    "crewai_flow_state_extensions": (136, 70, 2, True),
    "users": (11, 0, 11, False),
    "canonical_applications": (8, 0, 8, False),
    "client_accounts": (1, 0, 1, False),
    "engagements": (1, 0, 1, False),
    **dict.fromkeys((
        "adaptive_questionnaires", "collection_data_gaps", "collected_data_inventory",
        "collection_questionnaire_responses", "collection_gap_analysis", "collection_flow_applications",
    ), (0, 0, 0, True)),
}  # fmt: skip
KEYS = [
    ("assets", "client_accounts", "no_action"),
    ("assets", "engagements", "no_action"),
    ("assets", "raw_import_records", "no_action"),
    ("discovery_flows", "data_imports", "no_action"),
    ("discovery_flows", "crewai_flow_state_extensions", "cascade"),
    ("raw_import_records", "data_imports", "no_action"),
    *((child, "collection_flows", "cascade") for child in list(TABLES)[10:]),
]
OPERATION = "DROP TYPE IF EXISTS migration.collectionflowstatus CASCADE"
DELETE = r"DELETE FROM migration.collection_flows WHERE status \!= 'completed';"


def evidence(**renamed: str) -> dict[str, pd.DataFrame]:
    """Every evidence table by name; ``renamed`` gives tables another name, as ``assets='<b>x</b>'``."""
    names = {name: renamed.get(name, name) for name in TABLES}
    rows = {**_server(), **_tables(names), **_keys(names), **_log(), **_case(names), **_repository()}
    return {name: schemas.frame(name, rows.get(name, [])) for name in schemas.evidence_names()}


def write(folder: Path, **renamed: str) -> Path:
    """A case folder with a sealed bundle and a case.yaml; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = evidence(**renamed)
    draft = Draft.begin(folder)
    for name, frame in frames.items():
        if name not in ("collection", "questions"):
            draft.write(name, frame)
    for row in _questions():
        draft.answer(**row)
    draft.note(
        collected_at=pd.Timestamp("2025-10-08T10:45:00Z").to_pydatetime(),
        host="db.internal:5432/migration_db",
        schemas=["migration"],
    )
    draft.seal()
    (folder / "case.yaml").write_text(CASE, encoding="utf-8")
    return folder


CASE = """\
title: Assets empty after migration 087
incident: {id: INC-2025-1008, service: migration backend, severity: high, author: on-call}
timezone: Europe/Berlin
noticed_at: 2025-10-08T10:37:29Z
database: {url: "postgresql://triage@db.internal:5432/migration_db", schemas: [migration]}
reported: [migration.assets]
notes:
  - {at: 2025-10-08T10:37:29Z, text: User discovers assets table is empty}
"""


def _server() -> dict[str, list[dict]]:
    settings = {"log_statement": "none", "log_min_messages": "warning", "log_checkpoints": "on",
                "log_min_error_statement": "error", "log_min_duration_statement": "-1", "wal_level": "replica",
                "archive_mode": "off", "autovacuum": "on", "track_counts": "on"}  # fmt: skip
    born = "2025-09-25T08:00:00Z"
    return {
        "identity": [{
            "version": "18.0", "version_num": 180000, "system_identifier": "7553100000000000000", "initdb_at": born,
            "database": "migration_db", "database_oid": 16384, "role": "triage", "superuser": False,
            "memberships": ["pg_monitor"], "in_recovery": False, "timeline": 1, "started_at": born,
            "asked_at": "2025-10-08T10:45:00Z", "next_xid": 760, "oldest_xid": 760, "wal_level": "replica",
            "lsn": "0/1A00000", "track_commit_timestamp": False,
        }],
        "settings": [{"name": name, "value": value} for name, value in settings.items()],
        "cluster_counters": [{"bgwriter_reset": born, "archiver_reset": born, "wal_reset": born}],
        "database_counters": [{"oid": 16384, "database": "migration_db", "commits": 900, "rollbacks": 20,
                               "inserted": 5000, "updated": 300, "deleted": 900}],
        "namespaces": [{"oid": 16400, "name": "migration", "usable": True}],
        "version_tables": [{"tool": "alembic", "schema": "migration", "table": "alembic_version",
                            "version": "087_add_paused_remove_phase_values"}],
    }  # fmt: skip


def _tables(names: dict[str, str]) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {name: [] for name in ("relations", "table_counters", "storage", "row_counts")}
    for place, (plain, (inserts, deletes, rows, emptied)) in enumerate(TABLES.items()):
        oid, name = 16500 + place * 10, names[plain]
        live = {"oid": oid, "schema": "migration", "table": name}
        xmin = XID if emptied else 700 + place
        found["relations"].append({
            "oid": oid, "schema": "migration", "name": name, "kind": "table", "persistence": "permanent",
            "filenode": oid + 5000 if emptied else oid, "xmin": xmin, "frozenxid": xmin, "pages": 0 if emptied else 1,
            "tuples": -1.0 if emptied else float(rows), "is_partition": False, "row_security": False, "readable": True,
        })  # fmt: skip
        found["table_counters"].append({
            **live, "inserts": inserts, "updates": 0, "deletes": deletes, "live": rows, "dead": 0,
            "inserted_since_vacuum": rows, "changed_since_analyze": inserts + deletes, "vacuums": 0,
            "autovacuums": int(plain == "collection_flows"),
            "last_autovacuum": f"{DAY}18:25:35.102Z" if plain == "collection_flows" else None,
        })  # fmt: skip
        size = 8192 if rows else 0
        found["storage"].append(
            {
                "oid": oid,
                "heap_bytes": size,
                "fsm_bytes": 0,
                "vm_bytes": 0,
                "toast_bytes": 0,
                "index_bytes": 16384,
                "primary_key_bytes": 16384 if rows else 8192,
            }
        )
        found["row_counts"].append({**live, "rows": rows, "method": "exact" if rows else "empty_file"})
    return found


def _keys(names: dict[str, str]) -> dict[str, list[dict]]:
    oids = {name: 16500 + place * 10 for place, name in enumerate(TABLES)}
    return {"constraints": [{
        "oid": 18000 + place, "name": f"{child}_{parent}_fkey"[:63], "kind": "foreign_key", "table_oid": oids[child],
        "referenced_oid": oids[parent], "columns": [f"{parent}_id"], "referenced_columns": ["id"], "on_delete": action,
        "on_update": "no_action", "validated": True, "deferrable": False, "xmin": 600 + place,
    } for place, (child, parent, action) in enumerate(KEYS)]}  # fmt: skip


def _log() -> dict[str, list[dict]]:
    def entry(line: int, at: str, severity: str, message: str, kind: str, **more: object) -> dict:
        return {"file": "log/postgresql.log", "line": line, "offset": line * 100, "at": f"{DAY}{at}Z", "pid": 71,
                "severity": severity, "message": message, "kind": kind, **more}  # fmt: skip

    unsafe = 'unsafe use of new value "running" of enum type migration.collectionflowstatus'
    checkpoint = (
        "checkpoint complete: wrote {0} buffers (2.0%), wrote 3 SLRU buffers; 0 WAL file(s) added; sync files={1}"
    )
    return {
        "log_sources": [{"file": "log/postgresql.log", "format": "stderr", "prefix": "%m [%p] ",
                         "prefix_from": "server",
                         "bytes": 20000, "lines": 200, "entries": 190, "unparsed": 0,
                         "first_at": f"{DAY}18:00:00Z", "last_at": "2025-10-08T10:40:00Z"}],
        "log_events": [
            entry(101, "18:22:49.013", "ERROR", "invalid input value for enum migration.collectionflowstatus: \"x\"",
                  "error", sqlstate="22P02", outcome="failed",
                  statement="ALTER TABLE migration.collection_flows ALTER COLUMN status TYPE "
                  "migration.collectionflowstatus USING status::text::migration.collectionflowstatus"),
            entry(104, "18:23:28.240", "ERROR", unsafe, "error", sqlstate="55P04", outcome="failed",
                  statement="UPDATE migration.collection_flows SET status = 'running'"),
            entry(120, "18:25:35.102", "LOG", 'automatic vacuum of table "migration_db.migration.collection_flows"',
                  "autovacuum"),
            entry(130, "18:28:20.000", "LOG", checkpoint.format(319, 66), "checkpoint_complete"),
            entry(150, "20:27:38.772", "ERROR", 'syntax error at or near "\\"', "error", sqlstate="42601",
                  outcome="failed", statement=DELETE, application="psql", role="postgres"),
            entry(160, "20:28:20.000", "LOG", checkpoint.format(315, 210), "checkpoint_complete"),
        ],
    }  # fmt: skip


def _case(names: dict[str, str]) -> dict[str, list[dict]]:
    return {
        "incident": [{"title": "Assets empty after migration 087", "incident_id": "INC-2025-1008",
                      "service": "migration backend", "severity": "high", "author": "on-call",
                      "timezone": "Europe/Berlin", "noticed_at": "2025-10-08T10:37:29Z", "counting": "safe"}],
        "reported": [{"schema": "migration", "table": names["assets"]}],
        "notes": [{"at": "2025-10-08T10:37:29Z", "text": "User discovers assets table is empty"}],
        "questions": _questions(),
        "collection": [{"collected_at": "2025-10-08T10:45:00Z", "kit_version": "0", "schemas": ["migration"],
                        "host": "db.internal:5432/migration_db"}],
    }  # fmt: skip


def _questions() -> list[dict]:
    return [
        {"source": "table_counters", "status": "answered", "rows": 16, "named": True},
        {"source": "statements", "status": "unavailable", "reason": "extension pg_stat_statements is not installed",
         "costs": "statements that left no trace in the log cannot be named", "named": False},
        {"source": "file_times", "status": "refused", "reason": "permission denied for function pg_stat_file",
         "costs": "the second of a TRUNCATE cannot be read from file times", "named": False},
        {"source": "backups", "status": "not_built", "reason": "dumps are not read yet", "named": True,
         "costs": "whether a dump holds the rows is not known"},
    ]  # fmt: skip


def _repository() -> dict[str, list[dict]]:
    versions = "backend/alembic/versions"
    paths = [
        f"{versions}/086_fix_collection_flow_status_adr012.py",
        f"{versions}/087_add_paused_remove_phase_values.py",
    ]
    return {
        "migrations": [
            {"path": paths[0], "tool": "alembic", "revision": "086_fix_collection_flow_status_adr012",
             "title": "fix collection flow status", "created_at": "2025-10-06T09:00:00Z"},
            {"path": paths[1], "tool": "alembic", "revision": "087_add_paused_remove_phase_values",
             "parents": ["086_fix_collection_flow_status_adr012"], "title": "add paused",
             "created_at": "2025-10-07T09:00:00Z"},
        ],
        "migration_operations": [
            {"path": paths[0], "line": 106, "revision": "086_fix_collection_flow_status_adr012", "direction": "up",
             "operation": "drop_type", "object": "migration.collectionflowstatus", "bounded": False, "cascade": True,
             "text": OPERATION, "how": "parsed"},
            {"path": paths[1], "line": 31, "revision": "087_add_paused_remove_phase_values", "direction": "up",
             "operation": "alter_type", "object": "migration.collectionflowstatus", "bounded": False, "cascade": False,
             "text": "ALTER TYPE migration.collectionflowstatus ADD VALUE 'paused'", "how": "parsed"},
        ],
        "commits": [{"sha": "9f1c2ab", "author": "dev", "authored_at": "2025-10-06T09:05:00Z",
                     "committed_at": "2025-10-06T09:05:00Z", "subject": "Fix status enum", "paths": paths}],
    }  # fmt: skip
