"""A worker deletes every order: its optional WHERE was left out, the order's children go by cascade."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from psycopg import sql

from triage_kit.lab import history
from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.base import Incident, table
from triage_kit.lab.server import Server

DATABASE, OWNER, WORKER, HUMAN = "webshop", "shop_owner", "shop_worker", "rlindqvist"
ROOT = "shop.orders"
DELETE = "DELETE FROM shop.orders"
MIGRATIONS = ("0040_shop", "0041_order_archive", "0042_drop_legacy_sku")

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "log_checkpoints": True,
    "log_line_prefix": "%t [%p]: user=%u,db=%d,app=%a ",
}

TRUTH = {
    "tables": {
        "shop.orders": table("wiped", "delete", 356, inserts=371, deletes=371, rows=0),
        "shop.order_items": table("wiped", "cascade_delete", 1068, inserts=1113, deletes=1113, rows=0, via=(ROOT,)),
        "shop.shipments": table("wiped", "cascade_delete", 118, inserts=123, deletes=123, rows=0, via=(ROOT,)),
        "shop.customers": table(inserts=64, rows=64),
        "shop.products": table(inserts=210, rows=210),
        "shop.invoices": table(inserts=371, rows=371),
        "shop.stock_audit": table(inserts=90, rows=90),
    },
    "cause": "application",
    "roots": [ROOT],
}


def build(server: Server, folder: Path) -> dict:
    """Rebuild the incident; gives the keys of case.yaml."""
    _repository(folder / "shop")
    _schema(server)
    started = base.now()  # the database is older than the window
    _trade(server)
    base.checkpoint(server)
    _red_herring(server)
    with base.session(server, DATABASE, WORKER, "order-worker") as connection:
        connection.execute(sql.SQL(DELETE))
    base.settled(server, DATABASE, INCIDENT.counters)
    noticed = base.now()
    return {
        "title": "The order list is empty",
        "incident": {"id": "INC-PRACTICE-2", "service": "web shop", "severity": "high", "author": "support"},
        "timezone": "Europe/Stockholm",
        "noticed_at": noticed,
        "window": {"start": started, "end": noticed},
        "database": {"name": DATABASE, "schemas": ["shop"], "app_role": WORKER},
        "reported": ["orders"],
        "logs": ["log/*.log"],
        "repository": "shop",
        "migrations": ["migrations"],
        "notes": [{"at": noticed, "text": "Support: customers see no orders"}],
        "counting": "safe",
    }


def _schema(server: Server) -> None:
    base.roles(server, DATABASE, OWNER, {WORKER: "", HUMAN: ""})
    with base.session(server, DATABASE, "postgres", "psql") as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    with base.session(server, DATABASE, OWNER, "migrate") as connection:
        connection.execute("CREATE SCHEMA shop")
        for name in MIGRATIONS[:2]:
            connection.execute(sql.SQL(base.material("shop", f"{name}.sql")))
        connection.execute(
            sql.SQL(
                "GRANT USAGE ON SCHEMA shop TO {worker}, {human}; GRANT SELECT, INSERT, UPDATE, DELETE "
                "ON ALL TABLES IN SCHEMA shop TO {worker}; GRANT SELECT ON ALL TABLES IN SCHEMA shop "
                "TO {human}"
            ).format(worker=sql.Identifier(WORKER), human=sql.Identifier(HUMAN))
        )


def _trade(server: Server) -> None:
    with base.session(server, DATABASE, WORKER, "shop-api") as connection, connection.transaction():
        connection.execute(
            "INSERT INTO shop.customers (email, city) SELECT 'c' || g || '@example.com', 'Town ' || g % 9 "
            "FROM generate_series(1, 64) g"
        )
        connection.execute(
            "INSERT INTO shop.products (name, legacy_sku, price_cents) "
            "SELECT 'Product ' || g, 'OLD-' || g, 100 * g FROM generate_series(1, 210) g"
        )
    with base.session(server, DATABASE, WORKER, "shop-api") as connection, connection.transaction():
        connection.execute("INSERT INTO shop.orders (customer_id) SELECT 1 + g % 64 FROM generate_series(1, 371) g")
        connection.execute(
            "INSERT INTO shop.order_items SELECT o.id, l, 1 + (o.id * l) % 210, l FROM shop.orders o, "
            "generate_series(1, 3) l"
        )
        connection.execute(
            "INSERT INTO shop.shipments (order_id, carrier) SELECT id, 'post' FROM shop.orders WHERE id % 3 = 0"
        )
        connection.execute(
            "INSERT INTO shop.invoices (customer_id, order_number, total_cents) "
            "SELECT customer_id, id, 1000 FROM shop.orders"
        )
        connection.execute(
            "INSERT INTO shop.stock_audit (product_id, change) SELECT g, -g FROM generate_series(1, 90) g"
        )
    with base.session(server, DATABASE, WORKER, "order-worker") as connection:
        connection.execute("DELETE FROM shop.orders WHERE id <= 15")


def _red_herring(server: Server) -> None:
    """What looks guilty: a person whose TRUNCATE was refused, and a migration that drops a column."""
    with base.session(server, DATABASE, HUMAN, "psql") as connection:
        base.attempt(lambda: connection.execute("TRUNCATE shop.order_items, shop.stock_audit"))
    with base.session(server, DATABASE, OWNER, "migrate") as connection:
        connection.execute(sql.SQL(base.material("shop", "0042_drop_legacy_sku.sql")))


def _repository(folder: Path) -> None:
    now = base.now()
    author = "Maja Holm <maja@example.com>"

    def migration(name: str) -> dict[str, str]:
        return {f"migrations/{name}.sql": base.material("shop", f"{name}.sql")}

    history.write(
        folder,
        [
            history.Commit(now - timedelta(hours=900), author, "The shop's tables", migration(MIGRATIONS[0])),
            history.Commit(
                now - timedelta(hours=30),
                author,
                "Orders can be archived",
                {**migration(MIGRATIONS[1]), "worker/archive.py": base.material("shop", "archive.py")},
            ),
            history.Commit(now - timedelta(hours=3), author, "Drop the legacy SKU", migration(MIGRATIONS[2])),
        ],
    )


INCIDENT = Incident(
    "delete_without_where", "Orders gone: a worker's DELETE without WHERE, children by cascade", TRUTH, build, SETTINGS
)
