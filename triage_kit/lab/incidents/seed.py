"""Tables empty after a clean-up: TRUNCATE … CASCADE by hand, between innocent migrations and a failed DELETE."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg

from triage_kit.lab import history
from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.base import Incident, table
from triage_kit.lab.server import Server

DATABASE = "migration_db"
OWNER, HUMAN = "migration_app", "tadeyemi"
FAILED_DELETE = "DELETE FROM migration.collection_flows WHERE status \\!= 'completed';"
TRUNCATE = "TRUNCATE migration.data_imports, migration.collection_flows, migration.crewai_flow_state_extensions CASCADE"
ROOTS = ["migration.data_imports", "migration.collection_flows", "migration.crewai_flow_state_extensions"]
CHILDREN = (
    "adaptive_questionnaires",
    "collection_data_gaps",
    "collected_data_inventory",
    "collection_questionnaire_responses",
    "collection_gap_analysis",
    "collection_flow_applications",
)
EARLIER = ("083_create_tenancy_tables", "084_create_discovery_tables", "085_create_collection_tables")
FIX, PAUSED = "086_fix_collection_flow_status_adr012", "087_add_paused_remove_phase_values"
ANALYZED = ("assets", "collection_flows", "crewai_flow_state_extensions", "raw_import_records")

SETTINGS = {
    "log_checkpoints": True,
    # sync files, which tell new storage from ordinary writes, are counted only where files are synchronised.
    "fsync": True,
    # Autovacuum is off while data is loaded, on after the migrations, and at its default pace after one round, so that
    # no worker's own writes fall into the interval of the TRUNCATE. The dead rows of collection_flows (101) must bring
    # it, those of crewai_flow_state_extensions (70) must not.
    "autovacuum": False,
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_threshold": 80,
}

TRUTH = {
    "tables": {
        "migration.assets": table("wiped", "truncate", 48, inserts=81, deletes=33, rows=0, via=(ROOTS[0],)),
        "migration.discovery_flows": table(
            "wiped", "truncate", 7, inserts=8, deletes=1, rows=0, via=(ROOTS[0], ROOTS[2])
        ),
        "migration.data_imports": table("wiped", "truncate", 8, inserts=8, rows=0),
        "migration.raw_import_records": table("wiped", "truncate", 115, inserts=115, rows=0, via=(ROOTS[0],)),
        "migration.collection_flows": table("partial", "truncate", 40, inserts=143, deletes=101, rows=2),
        "migration.crewai_flow_state_extensions": table("partial", "truncate", 64, inserts=136, deletes=70, rows=2),
        "migration.users": table(inserts=11, rows=11),
        "migration.canonical_applications": table(inserts=8, rows=8),
        "migration.client_accounts": table(inserts=3, rows=3),
        "migration.engagements": table(inserts=5, rows=5),
        **{f"migration.{child}": table("intact", "truncate", inserts=0, rows=0, via=(ROOTS[1],)) for child in CHILDREN},
    },
    "cause": "manual_session",
    "roots": ROOTS,
}


def build(server: Server, folder: Path) -> dict:
    """Rebuild the incident; gives the keys of case.yaml."""
    _repository(folder / "backend")
    _schema(server)
    started = base.now()  # the database is older than the window
    _load(server)
    _clean_old_flows(server)
    _migrate(server)
    _vacuum(server)
    base.checkpoint(server)
    _by_hand(server)
    base.checkpoint(server)
    _new_flows(server)
    base.settled(server, DATABASE, INCIDENT.counters)
    noticed = base.now()
    return {
        "title": "Assets empty after migration 087",
        "incident": {"id": "INC-PRACTICE-1", "service": "migration backend", "severity": "high", "author": "on-call"},
        "timezone": "UTC",
        "noticed_at": noticed,
        "window": {"start": started, "end": noticed},
        "database": {"name": DATABASE, "schemas": ["migration"], "app_role": OWNER},
        "reported": ["migration.assets"],
        "logs": ["log/*.log"],
        "repository": "backend",
        "notes": [{"at": noticed, "text": "User discovers assets table is empty"}],
        "counting": "safe",
    }


def _schema(server: Server) -> None:
    base.roles(server, DATABASE, OWNER, {HUMAN: OWNER})
    with base.session(server, DATABASE, OWNER, "alembic") as connection:
        connection.execute("CREATE SCHEMA migration")
    with base.session(server, DATABASE, "postgres", "psql") as connection:
        connection.execute("CREATE TABLE public.alembic_version (version_num varchar(128) PRIMARY KEY)")
        connection.execute(f"ALTER TABLE public.alembic_version OWNER TO {OWNER}")
    with base.session(server, DATABASE, OWNER, "alembic") as connection:
        connection.execute("INSERT INTO public.alembic_version VALUES ('')")
        for revision in EARLIER:
            base.apply(connection, base.material("seed", f"{revision}.py"), revision)
    base.checkpoint(server)


def _load(server: Server) -> None:
    for load in (_load_tenants, _load_imports, _load_flows, _load_assets):
        with base.session(server, DATABASE, OWNER, "backend-api") as connection, connection.transaction():
            load(connection)


def _load_tenants(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO migration.client_accounts (name, industry) "
        "VALUES ('Northwind Rail', 'transport'), ('Alder Health', 'health'), ('Kestrel Foods', 'food')"
    )
    connection.execute(
        "INSERT INTO migration.engagements (client_account_id, name, starts_on) "
        "SELECT 1 + g % 3, 'Wave ' || g, date '2025-07-01' + 14 * g FROM generate_series(1, 5) g"
    )
    connection.execute(
        "INSERT INTO migration.users (email, full_name) "
        "SELECT 'user' || g || '@example.com', 'User ' || g FROM generate_series(1, 11) g"
    )
    connection.execute(
        "INSERT INTO migration.canonical_applications (name, criticality, tags) "
        "SELECT 'Application ' || g, (ARRAY['low', 'medium', 'high'])[1 + g % 3], "
        "jsonb_build_object('tier', g % 3) FROM generate_series(1, 8) g"
    )


def _load_imports(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO migration.data_imports (filename, source_system, total_records) "
        "SELECT 'servers_' || g || '.csv', (ARRAY['cmdb', 'vcenter'])[1 + g % 2], 15 - g / 8 * 5 "
        "FROM generate_series(1, 8) g"
    )
    connection.execute(
        "INSERT INTO migration.raw_import_records (data_import_id, row_number, raw_data) "
        "SELECT 1 + (g - 1) / 15, 1 + (g - 1) % 15, jsonb_build_object('hostname', 'srv-' || g, "
        "'os', 'linux', 'memory_gb', 8 * (1 + g % 8)) FROM generate_series(1, 115) g"
    )


def _load_flows(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO migration.crewai_flow_state_extensions (flow_id, flow_type, persistence_data) "
        "SELECT gen_random_uuid(), CASE WHEN g <= 8 THEN 'discovery' ELSE 'collection' END, "
        "jsonb_build_object('step', g) FROM generate_series(1, 134) g"
    )
    connection.execute(
        "INSERT INTO migration.discovery_flows (flow_id, data_import_id, flow_name) "
        "SELECT flow_id, id, 'Discovery ' || id FROM migration.crewai_flow_state_extensions "
        "WHERE flow_type = 'discovery' ORDER BY id"
    )
    connection.execute(
        "INSERT INTO migration.collection_flows (engagement_id, flow_name, status, progress_percentage) "
        "SELECT 1 + g % 5, 'Collection ' || g, (ARRAY['initialized', 'platform_detection', "
        "'automated_collection', 'gap_analysis', 'manual_collection', 'completed', 'failed'])[1 + g % 7]"
        "::migration.collectionflowstatus, g % 100 FROM generate_series(1, 141) g"
    )


def _load_assets(connection: psycopg.Connection) -> None:
    connection.execute(
        "INSERT INTO migration.assets (client_account_id, engagement_id, raw_import_record_id, name, "
        "status, custom_attributes) SELECT 1 + g % 3, 1 + g % 5, g, 'srv-' || g, "
        "(ARRAY['discovered', 'mapped', 'assessed'])[1 + g % 3], jsonb_build_object('rack', g % 12) "
        "FROM generate_series(1, 81) g"
    )


def _clean_old_flows(server: Server) -> None:
    """What the application removes in its ordinary course: these rows belong to nobody's loss."""
    with base.session(server, DATABASE, OWNER, "backend-api") as connection, connection.transaction():
        connection.execute("DELETE FROM migration.assets WHERE id <= 33")
        connection.execute("DELETE FROM migration.discovery_flows WHERE id = 8")
    with base.session(server, DATABASE, OWNER, "backend-api") as connection, connection.transaction():
        connection.execute("DELETE FROM migration.crewai_flow_state_extensions WHERE id BETWEEN 9 AND 78")
        connection.execute("DELETE FROM migration.collection_flows WHERE id <= 101")


def _migrate(server: Server) -> None:
    with base.session(server, DATABASE, OWNER, "alembic") as connection:
        _fails(connection, "086_attempt_1.py")
    for _ in range(3):
        with base.session(server, DATABASE, OWNER, "alembic") as connection:
            _fails(connection, "086_attempt_2.py")
    for revision in (FIX, PAUSED):
        with base.session(server, DATABASE, OWNER, "alembic") as connection:
            base.apply(connection, base.material("seed", f"{revision}.py"), revision)


def _fails(connection: psycopg.Connection, name: str) -> None:
    base.attempt(lambda: base.apply(connection, base.material("seed", name)))


def _vacuum(server: Server) -> None:
    """Switch autovacuum on and wait for its round: one vacuum, and the tables with enough changes analyzed."""
    server.reload(autovacuum=None)

    def check() -> object:
        with base.session(server, DATABASE, "postgres", "triage_lab") as connection:
            seen = dict(
                connection.execute(
                    "SELECT relname, ARRAY[autovacuum_count, autoanalyze_count] "
                    "FROM pg_stat_user_tables WHERE relname = ANY(%s)",
                    (list(ANALYZED),),
                )
            )
        done = seen["collection_flows"][0] >= 1 and all(seen[name][1] >= 1 for name in ANALYZED)
        return done or f"(vacuums, analyzes) {seen}"

    base.waited(check, "autovacuum")
    server.reload(autovacuum_naptime=None)
    base.quiet(server)


def _by_hand(server: Server) -> None:
    with base.session(server, DATABASE, HUMAN, "psql") as connection:
        base.attempt(lambda: connection.execute(FAILED_DELETE))
    with base.session(server, DATABASE, HUMAN, "psql") as connection:
        connection.execute(TRUNCATE)


def _new_flows(server: Server) -> None:
    with base.session(server, DATABASE, OWNER, "backend-api") as connection, connection.transaction():
        connection.execute(
            "INSERT INTO migration.crewai_flow_state_extensions (flow_id, flow_type) "
            "SELECT gen_random_uuid(), 'collection' FROM generate_series(1, 2)"
        )
        connection.execute(
            "INSERT INTO migration.collection_flows (engagement_id, flow_name) "
            "SELECT 1, 'Collection ' || g FROM generate_series(142, 143) g"
        )


def _repository(folder: Path) -> None:
    now = base.now()
    ines, tom, lena = (
        f"{name} <{name.split()[0].lower()}@example.com>" for name in ("Ines Moreau", "Tom Adeyemi", "Lena Fischer")
    )

    def commit(hours: float, author: str, message: str, **files: str) -> history.Commit:
        texts = {path: base.material("seed", name) for path, name in files.items()}
        return history.Commit(now - timedelta(hours=hours), author, message, texts)

    def version(revision: str, name: str | None = None) -> dict[str, str]:
        return {f"alembic/versions/{revision}.py": f"{name or revision}.py"}

    history.write(
        folder,
        [
            commit(
                960,
                ines,
                "Start the backend: configuration and migrations",
                **{"README.md": "README.md", "alembic.ini": "alembic.ini", "alembic/env.py": "env.py"},
                **version(EARLIER[0]),
            ),
            commit(720, ines, "Discovery: imports, flows, assets", **version(EARLIER[1])),
            commit(
                340,
                lena,
                "Collection flows and their children",
                **version(EARLIER[2]),
                **{"app/models/collection_flow.py": "collection_flow.py"},
            ),
            commit(
                7.5, lena, "ADR-012: collection flow status is the life cycle only", **version(FIX, "086_attempt_1")
            ),
            commit(5.2, lena, "086: add the running state before it is used", **version(FIX, "086_attempt_2")),
            commit(4.1, tom, "086: replace the enum type instead, old rows keep their phases", **version(FIX)),
            commit(3.6, lena, "087: add paused, remove the phase values", **version(PAUSED)),
        ],
    )


INCIDENT = Incident(
    "seed",
    "Assets empty after migration 087: a clean-up by hand, TRUNCATE … CASCADE of three roots",
    TRUTH,
    build,
    SETTINGS,
)
