"""Which files held the lost rows, and which transactions took them: what reading rows out of WAL has to look for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.dropped import REPLACES
from triage_kit.analyse.records import records as batched

TAKES = {"delete", "removed"}
DEEDS = {"update": {"update"}, "rollback": {"insert"}}
STATUSES = ("partial", "wiped", "missing", "undecided")


def lost_files(
    findings: pd.DataFrame, evidence: Mapping[str, pd.DataFrame], only: Sequence[str] = (), xids: Sequence[int] = ()
) -> list[dict]:
    """One dictionary for each damaged table, with the keys of ``collect.salvage.Wanted``.

    Parameters
    ----------
    findings : frame of this name.
    only : tables by name, with or without their schema; also such as the findings do not call damaged.
    xids : the transactions that took the rows, where people know them better than the evidence.
    """
    database = first(evidence["identity"]).get("database_oid")
    names = {row["name"]: row["oid"] for row in rows(evidence["namespaces"])}
    found = []
    for row in rows(findings):
        name = schemas.qualified(row["schema"], row["table"])
        asked = name in only or row["table"] in only
        if row["kind"] == "partitioned" or not (asked if only else row["status"] in STATUSES):
            continue
        if row["status"] == "undecided":
            row |= {"mechanism": None, "xid": None}  # the WAL may tell what the counters do not
        one = _wanted(row, evidence, database, tuple(xids)) | {"namespace": names.get(row["schema"])}
        if asked or row["status"] != "undecided" or one["xids"]:
            found.append(one)
    return found


def _wanted(row: dict, evidence: Mapping[str, pd.DataFrame], database: int | None, xids: tuple[int, ...]) -> dict:
    relation = next((one for one in rows(evidence["relations"])
                     if (one["schema"], one["name"]) == (row["schema"], row["table"])), None)  # fmt: skip
    oid = relation["oid"] if relation else None
    took = xids or _took(row, oid, evidence)
    mine = [one for one in rows(evidence["wal_changes"]) if one["table_oid"] == oid and one["xid"] in took
            and one["operation"] in DEEDS.get(row["mechanism"], TAKES)] if oid is not None else []  # fmt: skip
    files = {(one["database_oid"], one["filenode"]): one["operation"] for one in mine}
    dropped = oid is None or (row["mechanism"] in REPLACES and not files)
    taken = {tuple(map(int, name.split("/")[1:])) for one in rows(evidence["wal_transactions"])
             if one["xid"] in took for name in one["old_files"]}  # fmt: skip
    if relation and not files and not dropped and not taken and relation["filenode"]:
        files = {(database, relation["filenode"]): "delete"}
    return {
        "schema": row["schema"], "table": row["table"], "database": database, "xids": tuple(sorted(took)),
        "files": tuple(sorted(files)), "removed": "removed" in files.values(), "undone": row["mechanism"] == "rollback",
        "toast": _toast(relation, took, evidence, database),
        "columns": tuple(one for one in rows(evidence["columns"]) if one["table_oid"] == oid),
        "missing": row["missing_rows"], "oid": None if dropped else oid, "taken": tuple(sorted(taken)),
    }  # fmt: skip


def _took(row: dict, oid: int | None, evidence: Mapping[str, pd.DataFrame]) -> set[int]:
    """Top-level ids: of the finding's own transaction, else of all that the WAL shows to have done such a thing."""
    ended = rows(evidence["wal_transactions"])
    if row["xid"] is not None:
        own = int(row["xid"]) % (1 << 32)
        batches = {
            each.xid for each in batched(evidence).batches(oid or 0, first(evidence["incident"]).get("window_start"))
        }
        if row["mechanism"] in ("delete", "cascade_delete") and own in batches:
            return batches
        return {one["xid"] for one in ended if own == one["xid"] or str(own) in one["subxids"]} or {own}
    deeds = DEEDS.get(row["mechanism"], TAKES)
    outcome = "rolled_back" if row["mechanism"] == "rollback" else "committed"
    fitting = {one["xid"] for one in ended if one["outcome"] == outcome}
    share: dict[int, int] = {}
    for one in rows(evidence["wal_changes"]):
        # The file of a table that another took the place of belongs to an OID that the catalogue has no more.
        gone = one["table_oid"] is None and one["operation"] == "removed" and row["mechanism"] in REPLACES
        if one["xid"] in fitting and one["operation"] in deeds and (gone or oid in (None, one["table_oid"])):
            count = one["rows"] if one["operation"] != "removed" else row["missing_rows"] or 1
            share[one["xid"]] = share.get(one["xid"], 0) + (count or 0)
    # Of many small ones only those that took a tenth as much as the biggest: the rest is everyday work.
    return {xid for xid, count in share.items() if oid is None or count * 10 >= max(share.values())}


def _toast(
    relation: dict | None, took: set[int], evidence: Mapping[str, pd.DataFrame], database: int | None
) -> tuple[tuple[int, int], ...]:
    """Files that may hold what was stored out of line: the TOAST table's first one, and files without a known table."""
    if relation is None or relation["toast_oid"] is None or database is None:
        return ()
    loose = {(one["database_oid"], one["filenode"]) for one in rows(evidence["wal_changes"])
             if one["xid"] in took and one["table_oid"] is None and one["operation"] in TAKES}  # fmt: skip
    return tuple(sorted({(database, relation["toast_oid"]), *loose}))


def labels(evidence: Mapping[str, pd.DataFrame]) -> dict[int, str]:
    """Labels of every enum that a column of the evidence has, by OID."""
    told = [one.partition(":") for row in rows(evidence["columns"]) for one in row["labels"]]
    return {int(oid): label for oid, _, label in told}
