"""What was learned from WAL as evidence tables."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import starmap

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.parse.wal import Tally, Transaction
from triage_kit.parse.wal.named import Dropped, Named, NamingReader
from triage_kit.parse.wal.pages import position
from triage_kit.parse.wal.records import File

MOST_ROWS = 100_000  # files whose rows are told


def write(
    draft: Draft, tally: Tally, source: str, how: str, naming: NamingReader | None = None
) -> tuple[int, list[str]]:
    """Write ``wal_spans``, ``wal_transactions``, ``wal_changes``, ``wal_rows``, ``wal_storage`` and ``wal_dropped``.

    Gives the number of records read, and remarks. ``naming`` is the reader that made the tally, where it kept names.
    """
    tally.close()
    storage = naming.storage() if naming is not None else {}
    owners = _owners(draft, storage)
    spans = [_span(span, source, how) for span in tally.spans]
    changes = [row for one in tally.kept for row in _changes(one, owners)]
    stored = sorted(tally.stored.items())
    transactions = [_transaction(one, tally.commits, source) for one in tally.kept]
    with draft.together():
        draft.write("wal_spans", schemas.frame("wal_spans", spans))
        draft.write("wal_transactions", schemas.frame("wal_transactions", transactions))
        draft.write("wal_changes", schemas.frame("wal_changes", changes))
        rows = [_stored(file, each, owners) for file, each in stored[:MOST_ROWS]]
        draft.write("wal_rows", schemas.frame("wal_rows", rows))
        draft.write(
            "wal_storage", schemas.frame("wal_storage", list(starmap(_held, sorted(storage.items())[:MOST_ROWS])))
        )
        dropped = naming.dropped(_schemas(draft)) if naming is not None else []
        draft.write("wal_dropped", schemas.frame("wal_dropped", [_dropped(each) for each in dropped]))
    remarks = [f"{span['from_lsn']}: {span['broken']}" for span in spans if span["broken"]][:3]
    if tally.left_out:
        remarks.append(f"{tally.left_out} changes or pages passed the bounds and were left out")
    return sum(span.records for span in tally.spans), remarks


def _owners(draft: Draft, storage: Mapping[tuple[int, int], Named]) -> dict[tuple[int, int], int]:
    """Tables of the case's database by their present file, by those that the WAL tells of, and by their first."""
    identity, relations = draft.written("identity"), draft.written("relations")
    if identity.empty or identity["database_oid"].isna().all():
        return {}
    database = int(identity["database_oid"].iloc[0])
    known = relations[relations["filenode"].fillna(0) > 0]
    first = {(database, int(oid)): int(oid) for oid in known["oid"]}
    # Files of what was dropped stay nobody's: their OIDs are in no catalogue any more.
    between = {file: row.oid for file, row in storage.items() if (database, row.oid) in first}
    return (
        between
        | first
        | {(database, int(node)): int(oid) for oid, node in zip(known["oid"], known["filenode"], strict=True)}
    )


def _schemas(draft: Draft) -> dict[int, str]:
    """Names of the schemas that stand in the case's database, by OID."""
    there = draft.written("namespaces")
    return {int(oid): name for oid, name in zip(there["oid"], there["name"], strict=True) if oid == oid}


def _held(file: tuple[int, int], row: Named) -> dict:
    return {
        "database_oid": file[0], "filenode": file[1], "table_oid": row.oid, "table": row.name, "pages": row.pages,
        "tuples": row.tuples,
    }  # fmt: skip


def _dropped(one: Dropped) -> dict:
    row = one.table
    return {
        "xid": one.xid, "database_oid": one.database, "schema": one.schema, "table": row.name, "oid": row.oid,
        "filenode": row.filenode, "toast_oid": row.toast, "kind": row.kind, "partition": row.partition,
        "pages": row.pages, "tuples": row.tuples, "made": one.made,
    }  # fmt: skip


def _span(span: object, source: str, how: str) -> dict:
    facts = vars(span)
    return {
        "source": source, "how": how, "timeline": facts["timeline"], "from_lsn": position(facts["start"]),
        "to_lsn": position(facts["end"]), "records": facts["records"], "transactions": facts["transactions"],
        "from_at": facts["from_at"], "to_at": facts["to_at"], "system_identifier": facts["system_identifier"],
        "broken": facts["broken"] or None,
    }  # fmt: skip


def _transaction(one: Transaction, commits: int, source: str) -> dict:
    return {
        "xid": one.xid, "outcome": one.outcome, "ended_at": one.at,
        "lsn": None if one.lsn is None else position(one.lsn),
        "end_lsn": None if one.end is None else position(one.end),
        "first_lsn": position(one.first), "subxids": one.subxids, "database_oid": one.database,
        "old_files": tuple(map(named, one.removed)), "new_files": tuple(map(named, one.created)),
        "origin": one.origin, "after": None if one.lsn is None else commits - one.commits,
        "deletes": one.deletes, "source": source,
    }  # fmt: skip


def named(file: File) -> str:
    """A file as tablespace/database/filenode.

    >>> named((1663, 5, 16384))
    '1663/5/16384'
    """
    return "/".join(map(str, file))


def _changes(one: Transaction, owners: dict[tuple[int, int], int]) -> list[dict]:
    found = {key: (change.rows, change.first, change.last) for key, change in one.changes.items()}
    for file in one.removed:
        found[file, "removed"] = (0, one.lsn or one.first, one.lsn or one.first)
    return [
        {"xid": one.xid, "tablespace_oid": file[0], "database_oid": file[1], "filenode": file[2],
         "table_oid": owners.get(file[1:]), "operation": what, "rows": rows, "first_lsn": position(first),
         "last_lsn": position(last)}
        for (file, what), (rows, first, last) in found.items()
    ]  # fmt: skip


def _stored(file: File, each: object, owners: dict[tuple[int, int], int]) -> dict:
    images = each.images  # type: ignore[attr-defined]
    return {
        "database_oid": file[1], "filenode": file[2], "table_oid": owners.get(file[1:]),
        "inserted": each.inserted, "pages": len(images), "page_rows": sum(images.values()),  # type: ignore[attr-defined]
        "rows": each.rows, "oldest_lsn": position(each.first), "newest_lsn": position(each.last),  # type: ignore[attr-defined]
    }  # fmt: skip
