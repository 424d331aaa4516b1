"""Evidence frames written by hand, for analyses that need no server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from triage_kit import schemas

BIRTH = pd.Timestamp("2025-09-25T08:00:00Z")
START = pd.Timestamp("2025-09-30T06:00:00Z")
NOTICED = pd.Timestamp("2025-10-08T10:37:29Z")
ASKED = pd.Timestamp("2025-10-08T11:00:00Z")

Evidence = dict[str, pd.DataFrame]


def table(name: str, oid: int, **facts: Any) -> dict[str, Any]:
    """One table as a flat dict; the defaults are 143 loaded, analysed, untouched rows."""
    return {
        "name": name,
        "oid": oid,
        "schema": "s",
        "inserts": 143,
        "updates": 0,
        "deletes": 0,
        "live": 143,
        "dead": 0,
        "mod": 0,
        "insv": 143,
        "rows": 143,
        "filenode": oid,
        "heap": 16384,
        "fsm": 0,
        "pkey": 16384,
        "xmin": 700,
        "persistence": "permanent",
        "vacuums": 0,
        "analyzes": 1,
        "tuples": 143.0,
        "created": 700,
        "columns": ("id", "body"),
        "dropped": 0,
        "sequence": 143,
        "rls": False,
        "parent": None,
        "kind": "table",
        **facts,
    }


def build(
    tables: list[dict[str, Any]],
    keys: list[tuple[str, str, str]] = (),
    reported: list[str] = (),
    crashed: pd.Timestamp | None = None,
    in_recovery: bool = False,
    **more: list[dict[str, Any]],
) -> Evidence:
    """Evidence of one server: ``keys`` are (child, parent, on_delete), ``more`` holds rows of further tables."""
    oids = {each["name"]: each["oid"] for each in tables}
    reset = crashed or BIRTH
    rows: dict[str, list[dict[str, Any]]] = {
        "identity": [
            {
                "version": "18.6",
                "version_num": 180006,
                "database": "d",
                "role": "postgres",
                "initdb_at": BIRTH,
                "started_at": START,
                "asked_at": ASKED,
                "in_recovery": in_recovery,
                "checkpoint_at": ASKED,
                "system_identifier": "1",
            }
        ],
        "cluster_counters": [{"bgwriter_reset": reset, "archiver_reset": reset}],
        "database_counters": [{"database": "d"}],
        "collection": [{"collected_at": ASKED, "kit_version": "0", "schemas": ("s",)}],
        "incident": [{"title": "t", "noticed_at": NOTICED, "window_start": NOTICED - pd.Timedelta(days=1)}],
        "reported": [dict(zip(("schema", "table"), ("s", *name.split("."))[-2:], strict=True)) for name in reported],
        "namespaces": [{"oid": 1, "name": "s", "usable": True}],
        "settings": [{"name": "log_statement", "value": "none"}],
        "constraints": [
            {
                "oid": 9000 + number,
                "name": f"{child}_{parent}_fkey",
                "kind": "foreign_key",
                "table_oid": oids[child],
                "referenced_oid": oids[parent],
                "columns": ("x",),
                "referenced_columns": ("id",),
                "on_delete": rule,
                "validated": True,
            }
            for number, (child, parent, rule) in enumerate(keys)
        ],
    }
    for each in tables:
        _add(rows, each, oids)
    for name, extra in more.items():
        rows[name] = rows.get(name, []) + extra
    return {name: schemas.frame(name, rows.get(name, [])) for name in schemas.evidence_names()}


def _add(rows: dict[str, list[dict[str, Any]]], each: dict[str, Any], oids: dict[str, int]) -> None:
    def put(name: str, /, **row: Any) -> None:
        rows.setdefault(name, []).append(row)

    oid, key = each["oid"], {"oid": each["oid"], "schema": each["schema"], "table": each["name"]}
    put(
        "relations",
        oid=oid,
        schema=each["schema"],
        name=each["name"],
        kind=each["kind"],
        persistence=each["persistence"],
        owner="o",
        filenode=0 if each["kind"] == "partitioned" else each["filenode"],
        xmin=each["xmin"],
        frozenxid=each["xmin"],
        tuples=each["tuples"],
        row_security=each["rls"],
        force_row_security=False,
        is_partition=each["parent"] is not None,
        parent_oid=oids[each["parent"]] if each["parent"] else None,
        readable=True,
    )
    if each["kind"] == "partitioned":
        return
    put(
        "table_counters",
        **key,
        inserts=each["inserts"],
        updates=each["updates"],
        deletes=each["deletes"],
        live=each["live"],
        dead=each["dead"],
        changed_since_analyze=each["mod"],
        inserted_since_vacuum=each["insv"],
        vacuums=each["vacuums"],
        autovacuums=0,
        analyzes=each["analyzes"],
        autoanalyzes=0,
    )
    put("storage", oid=oid, heap_bytes=each["heap"], fsm_bytes=each["fsm"], primary_key_bytes=each["pkey"])
    if each["rows"] is not None:
        method = "empty_file" if each["heap"] == 0 else "exact"
        put("row_counts", **key, rows=each["rows"], method=method)
    for position, column in enumerate(each["columns"], 1):
        put("columns", table_oid=oid, position=position, name=column, type="text", dropped=False, xmin=each["created"])
    if each["dropped"]:
        put(
            "columns",
            table_oid=oid,
            position=9,
            name="........pg.dropped.9........",
            dropped=True,
            xmin=each["dropped"],
        )
    if each["sequence"] is not None:
        put(
            "sequences",
            oid=oid + 50000,
            schema="s",
            name=f"{each['name']}_id_seq",
            table_oid=oid,
            last_value=each["sequence"] or None,
            increment=1,
            start_value=1,
            readable=True,
        )


@pytest.fixture
def make_table() -> Callable[..., dict[str, Any]]:
    return table


@pytest.fixture
def make_evidence() -> Callable[..., Evidence]:
    return build
