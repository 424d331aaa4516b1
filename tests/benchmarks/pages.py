"""How long a page takes, and how heavy it is: python -m tests.benchmarks.pages OUT [--tables 5000] [--events 200000]

Writes a case like the first incident into OUT (``seedlike``), with as many tables beside it, of which every fourth was
emptied by the same transaction, and as many log events: sessions that come and go, statements, a DELETE with ever
other values, errors and checkpoints. Then it makes the report and prints the seconds and the kilobytes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
import seedlike

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.report import make

SUBJECTS = ("orders", "invoices", "shipment_lines", "customer_addresses", "payment_attempts", "price_list_versions",
            "stock_movements", "audit_entries")  # fmt: skip
EMPTIED = 4  # every fourth table
FAMILY = 9  # tables that refer to one parent


def write(folder: Path, tables: int, events: int) -> Path:
    """The case; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = seedlike.evidence()
    for name, rows in {**_tables(tables), "log_events": _events(events)}.items():
        if rows:
            more = schemas.frame(name, rows)
            frames[name] = pd.concat([frames[name], more], ignore_index=True).astype(frames[name].dtypes)
    draft = Draft.begin(folder)
    for name, frame in frames.items():
        if name not in ("collection", "questions"):
            draft.write(name, frame)
    for row in seedlike._questions():
        draft.answer(**row)
    draft.note(collected_at=pd.Timestamp("2025-10-08T10:45:00Z").to_pydatetime(), host="db.internal:5432/migration_db",
               schemas=["migration"])  # fmt: skip
    draft.seal()
    (folder / "case.yaml").write_text(seedlike.CASE, encoding="utf-8")
    return folder


def _tables(number: int) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {name: [] for name in ("relations", "table_counters", "storage", "row_counts")}
    found["constraints"] = []
    for place in range(number):
        oid, name = 100_000 + place * 10, f"{SUBJECTS[place % len(SUBJECTS)]}_{place:04d}"
        emptied, rows = place % EMPTIED == 0, 10 ** (place % 7) + place
        live = {"oid": oid, "schema": "migration", "table": name}
        stands = 0 if emptied else rows
        found["relations"].append({
            "oid": oid, "schema": "migration", "name": name, "kind": "table", "persistence": "permanent",
            "filenode": oid + 5 if emptied else oid, "xmin": seedlike.XID if emptied else 600, "pages": stands // 50,
            "frozenxid": seedlike.XID if emptied else 600, "tuples": -1.0 if emptied else float(rows),
            "is_partition": False, "row_security": False, "readable": True,
        })  # fmt: skip
        found["table_counters"].append({**live, "inserts": rows, "updates": 0, "deletes": 0, "live": stands, "dead": 0,
                                        "vacuums": 0, "autovacuums": 0})  # fmt: skip
        found["storage"].append({"oid": oid, "heap_bytes": stands * 100 // 8192 * 8192, "index_bytes": 16384,
                                 "toast_bytes": 0, "fsm_bytes": 0, "vm_bytes": 0})  # fmt: skip
        found["row_counts"].append({**live, "rows": stands, "method": "empty_file" if emptied else "exact"})
        if place % FAMILY:
            parent = 100_000 + (place - place % FAMILY) * 10
            action = ("cascade", "no_action", "set_null", "restrict")[place % 4]
            found["constraints"].append({
                "oid": 900_000 + place, "name": f"{name}_parent_fkey", "kind": "foreign_key", "table_oid": oid,
                "referenced_oid": parent, "columns": ["parent_id"], "referenced_columns": ["id"], "on_delete": action,
                "on_update": "no_action", "validated": True, "deferrable": False, "xmin": 600,
            })  # fmt: skip
    return found


def _events(number: int) -> list[dict]:
    start, step = pd.Timestamp("2025-10-07T18:30:00Z"), pd.Timedelta(hours=15) / max(number, 1)
    return [
        {"file": "log/postgresql.log", "line": 1000 + place, "offset": place * 100 + 100_000,
         "at": start + step * place, "pid": 1000 + place // 10, "severity": "LOG", **_said(place)}
        for place in range(number)
    ]  # fmt: skip


def _said(place: int) -> dict:
    who = {"role": "app", "database": "migration_db", "application": "backend", "client": "10.0.0.7"}
    kind = place % 10
    if kind == 0:
        return {**who, "kind": "connection", "message": "connection authorized: user=app database=migration_db"}
    if kind == 9:
        return {**who, "kind": "disconnection", "message": "disconnection: session time: 0:00:01.100 user=app"}
    if place % 5000 == 8:
        return {"kind": "checkpoint_complete", "message": f"checkpoint complete: wrote {place % 500} buffers (2.0%)"}
    if kind == 8:
        return {**who, "severity": "ERROR", "kind": "error", "sqlstate": "23505", "outcome": "failed",
                "message": 'duplicate key value violates unique constraint "users_pkey"',
                "statement": "INSERT INTO migration.users VALUES ($1)"}  # fmt: skip
    text = f"{'DELETE FROM' if kind < 5 else 'SELECT * FROM'} migration.users WHERE id = {place}"
    return {**who, "kind": "statement", "outcome": "unknown", "message": f"statement: {text}", "statement": text}


def main() -> None:
    """Write, make, tell."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("out", type=Path)
    asked.add_argument("--tables", type=int, default=0)
    asked.add_argument("--events", type=int, default=0)
    given = asked.parse_args()
    folder = write(given.out, given.tables, given.events)
    start = time.monotonic()
    made = make(folder)
    took = time.monotonic() - start
    weight = made.html.stat().st_size / 1000
    sys.stdout.write(f"{given.tables:,} more tables, {given.events:,} events: {took:.1f} s, {weight:,.0f} kB\n")


if __name__ == "__main__":
    main()
