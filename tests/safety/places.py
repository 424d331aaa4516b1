"""Hostile texts in places that are seldom looked at: whatever a database, an engine, a log or a repository may name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from hostile import SCRIPT
from programs import committed
from psycopg import sql

from triage_kit.lab.server import Server

TERMINAL = "\x1b]0;pwned\x07\x1b[2J\u202e<img src=x onerror=document.title='XSS'>"  # acts on a terminal and on a page
SETTINGS = {"max_prepared_transactions": 4, "log_statement": "mod", "log_line_prefix": "%m [%p] %q%u@%d/%a "}
TEXTS = (SCRIPT, TERMINAL)
# In the order in which each needs the one before.
STATEMENTS = (
    "CREATE TABLE {name} (id int PRIMARY KEY, note text DEFAULT {literal})",
    "INSERT INTO {name} SELECT generate_series(1, 20)",
    "CREATE PUBLICATION {name} FOR TABLE {name}",
    "CREATE SUBSCRIPTION {name} CONNECTION 'host=nowhere.invalid' PUBLICATION {name} "
    "WITH (connect = false, slot_name = NONE)",
    "CREATE COLLATION {name} (locale = 'C')",
    "CREATE DOMAIN {other} AS text CHECK (VALUE <> {literal})",
    "CREATE INDEX {other} ON {name} ((1))",
    "CREATE STATISTICS {other} ON id, note FROM {name}",
    "CREATE FOREIGN DATA WRAPPER {name}",
    "CREATE SERVER {name} FOREIGN DATA WRAPPER {name} OPTIONS (host {literal})",
    'CREATE USER MAPPING FOR CURRENT_USER SERVER {name} OPTIONS ("user" {literal})',
    "CREATE FOREIGN TABLE {third} (id int) SERVER {name} OPTIONS (x {literal})",
    "COMMENT ON TABLE {name} IS {literal}",
    "COMMENT ON INDEX {other} IS {literal}",
    "CREATE FUNCTION {name}() RETURNS event_trigger LANGUAGE plpgsql AS {body}",
    "CREATE EVENT TRIGGER {name} ON sql_drop EXECUTE FUNCTION {name}()",
    "CREATE ROLE {name} LOGIN",
    "ALTER ROLE {name} SET myapp.greeting = {literal}",
    "SELECT pg_replication_origin_create({literal})",
    "TRUNCATE {name}",
    "BEGIN; INSERT INTO {name} VALUES (7); PREPARE TRANSACTION {literal}",
)
# What `docker inspect` may say of a container that somebody else named and labelled.
INSPECTED = [{
    "Id": "abc", "Name": f"/{TERMINAL} db", "Image": f"sha256:{SCRIPT}", "Created": "2026-01-01T00:00:00Z",
    "RestartCount": 3,
    "State": {"Status": "running", "StartedAt": "2026-01-01T00:00:00Z", "Error": TERMINAL + " error",
              "Health": {"Status": SCRIPT, "Log": [{"Output": TERMINAL}]}},
    "Config": {"Image": f"postgres:{TERMINAL}", "Env": [f"PGDATA={SCRIPT}", f"{SCRIPT}=x"], "Cmd": [SCRIPT, TERMINAL],
               "Labels": {SCRIPT: TERMINAL, "com.docker.compose.project": SCRIPT}},
    "Mounts": [{"Type": "volume", "Name": SCRIPT + " volume", "Source": f"/{TERMINAL}", "Destination": f"/{SCRIPT}",
                "RW": True}],
}]  # fmt: skip


def build(server: Server, folder: Path) -> Path:
    """Put the texts wherever they go, and write the case; each of two tables loses twenty rows."""
    for text in TEXTS:
        with server.connect(application=text) as connection:
            _place(connection, text)
    (folder / "log").mkdir(parents=True)
    for text in TEXTS:
        shutil.copy(server.log_file, folder / "log" / f"{text.replace('/', '')}.log")
    (folder / "inspect.json").write_text(json.dumps(INSPECTED))
    (folder / "repo" / "migrations").mkdir(parents=True)
    (folder / "repo" / "migrations" / f"001 {TERMINAL.replace('/', '')}.sql").write_text("DELETE FROM x;", "utf-8")
    committed(folder / "repo", TERMINAL, f"Bobby {TERMINAL}", f"{SCRIPT[1:-1]}@example.org")
    keys = {
        "title": TERMINAL, "incident": {"id": TERMINAL, "author": SCRIPT},
        "database": {"url": server.url(), "app_role": TERMINAL}, "logs": ["log/*.log"], "containers": ["inspect.json"],
        "repository": "repo", "reported": [f'"{TERMINAL}"'],
        "notes": [{"at": "2026-01-02T03:04:05Z", "text": text} for text in TEXTS],
    }  # fmt: skip
    (folder / "case.yaml").write_text(yaml.safe_dump(keys, allow_unicode=True), "utf-8")
    return folder


def _place(connection: Any, text: str) -> None:
    name, other, third = (sql.Identifier(text + end) for end in ("", " 2", " 3"))
    body = sql.Literal(f"BEGIN\n-- {text}\nEND")
    for statement in STATEMENTS:
        connection.execute(
            sql.SQL(statement).format(name=name, other=other, third=third, literal=sql.Literal(text), body=body)
        )
