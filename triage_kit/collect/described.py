"""A case without a server: what a statistics file and a schema dump say of its tables, joined by their names.

Neither holds OIDs, so tables are numbered by the order of their names, below zero: no number of a server is like it.
Where the server or a snapshot of it answered, its own tables stay and these files are only kept.
"""

from __future__ import annotations

from collections.abc import Callable

from triage_kit import clock, schemas
from triage_kit.bundle import Draft
from triage_kit.case import Case
from triage_kit.collect import named_files, questions
from triage_kit.errors import SourceError
from triage_kit.parse.statistics import Statistics, read_statistics
from triage_kit.redact import redact
from triage_kit.sql.schema_dump import SchemaDump, read_schema_dump

MOST_STATISTICS, MOST_DUMP = 64 << 20, 256 << 20
COSTS = {
    "statistics": "how many rows were inserted and deleted, so what is missing cannot be reckoned",
    "schema_dump": "which tables there are and which of them a CASCADE reaches",
}
WITHOUT_SERVER = ("identity", "storage", "settings", "statements")
COUNTED = "the column rows of the statistics file"
Name = tuple[str, str]


def read_described(case: Case, draft: Draft, notify: Callable[..., None]) -> None:
    """Read ``statistics:`` and ``schema_dump:`` of the case into the tables that a server would have filled."""
    if case.statistics is None and case.schema_dump is None:
        return
    told = _read(draft, notify, "statistics", case.statistics, lambda pattern: _statistics(case, draft, pattern))
    dump = _read(draft, notify, "schema_dump", case.schema_dump, lambda pattern: _schema_dump(case, draft, pattern))
    if draft.has("relations") or (told is None and dump is None):
        return
    if case.schema_dump is None:
        _unasked(draft, "constraints", "no schema dump is named, and no server answered")
    for name in WITHOUT_SERVER:
        _unasked(draft, name, "no server answered: the counters and tables of this case come from files")
    with draft.together():
        _write(draft, _oids(told, dump), told or Statistics(), dump or SchemaDump())


def _read(draft: Draft, notify: Callable[..., None], source: str, pattern: str | None, read: Callable) -> object | None:
    """What one file holds; None where it is not named or cannot be read, which is recorded."""
    if pattern is None:
        return None
    try:
        found, rows, remarks, variant = read(pattern)
    except SourceError as error:
        reason = f"{named_files.shown(pattern)}: {redact(str(error))}"
        draft.answer(source=source, status="failed", reason=reason, costs=COSTS[source], named=True)
        notify("question", source=source, status="failed", rows=None, reason=reason, done=0, total=0)
        return None
    if draft.has("relations"):
        remarks.append("kept beside the server's own answers, which are used")
    reason = "; ".join(filter(None, remarks)) or None
    draft.answer(source=source, status="answered", rows=rows, reason=reason, named=True, variant=variant)
    notify("question", source=source, status="answered", rows=rows, reason=reason, done=1, total=1)
    return found


def _statistics(case: Case, draft: Draft, pattern: str) -> tuple[Statistics, int, list[str], str]:
    data = named_files.content(case, pattern, MOST_STATISTICS)
    found = read_statistics(data)
    remarks = [named_files.keep(draft, "statistics", pattern, data), _some("not read", found.unread)]
    remarks.append(_some("in doubt", found.doubts))
    return found, len(found.rows), remarks, "csv"


def _schema_dump(case: Case, draft: Draft, pattern: str) -> tuple[SchemaDump, int, list[str], str]:
    data = named_files.content(case, pattern, MOST_DUMP)
    if data.startswith(b"PGDMP"):
        raise SourceError("it is a dump in custom format; write it as text first: "
                          "`pg_restore --schema-only --file=schema.sql DUMP`")  # fmt: skip
    dump = read_schema_dump(data.decode("utf-8-sig", "surrogateescape"))
    if not dump.relations:
        raise SourceError(f"none of its {dump.statements} statements creates a table; "
                          "write it by `pg_dump --schema-only --file=schema.sql`")  # fmt: skip
    unread = [f"line {line}: {text[:80]}" for line, text in dump.unread]
    remarks = [named_files.keep(draft, "schema_dump", pattern, data), _some("statements not understood", unread)]
    return dump, len(dump.relations), remarks, f"pg_dump {dump.by or 'unknown'} of server {dump.server or 'unknown'}"


def _some(what: str, lines: list[str]) -> str:
    return redact(f"{len(lines)} {what}, as {lines[0]}") if lines else ""


def _unasked(draft: Draft, name: str, reason: str) -> None:
    draft.answer(source=name, status="unavailable", reason=reason, costs=questions.get(name).costs, named=False)


def _oids(told: Statistics | None, dump: SchemaDump | None) -> dict[Name, int]:
    """A number for every table, index, sequence and constraint, by kind and name, the same for the same files."""
    names = {(row["schema"], row["table"]) for row in told.rows} if told else set()
    names |= set(dump.relations) if dump else set()
    return {name: -number for number, name in enumerate(sorted(names), 1)}


def _write(draft: Draft, oids: dict[Name, int], told: Statistics, dump: SchemaDump) -> None:
    below = -len(oids)
    everything = {
        "relations": [_relation(name, oid, oids, dump) for name, oid in oids.items()],
        "columns": [{**column, "table_oid": oids[table], "dropped": False}
                    for table, columns in dump.columns.items() if table in oids for column in columns],
        "constraints": _constraints(dump, oids, below),
        "indexes": [_of(row, oids) | {"oid": below - len(dump.constraints) - number}
                    for number, row in enumerate(dump.indexes.values(), 1) if row["table"] in oids],
        "sequences": [_of(row, oids) | {"oid": below - len(dump.constraints) - len(dump.indexes) - number,
                                        "readable": False}
                      for number, row in enumerate(dump.sequences.values(), 1)],
        "policies": [_of(row, oids) for row in dump.policies if row["table"] in oids],
        "triggers": [_of(row, oids) for row in dump.triggers],
        "namespaces": [{**row, "oid": -number} for number, row in enumerate(dump.namespaces.values(), 1)],
        "extensions": list(dump.extensions.values()),
        "table_counters": [_without(row, "rows") | {"oid": oids[row["schema"], row["table"]]} for row in told.rows],
        "row_counts": _row_counts(told, oids),
    }  # fmt: skip
    for table, rows in everything.items():
        if rows:
            kept = questions.get(table).redacted
            draft.write(table, schemas.frame(table, [_redacted(row, kept) for row in rows]))
    draft.note(schemas=sorted({schema for schema, _ in oids}))


def _relation(name: Name, oid: int, oids: dict[Name, int], dump: SchemaDump) -> dict:
    row = dict(dump.relations.get(name, {"schema": name[0], "name": name[1], "kind": "table", "options": ()}))
    return row | {"oid": oid, "parent_oid": oids.get(row.pop("parent", None)), "is_partition": row.get("is_partition")}


def _constraints(dump: SchemaDump, oids: dict[Name, int], below: int) -> list[dict]:
    return [_of(row, oids) | {"oid": below - number, "referenced_oid": oids.get(row["referenced"])}
            for number, row in enumerate(dump.constraints, 1) if row["table"] in oids]  # fmt: skip


def _of(row: dict, oids: dict[Name, int]) -> dict:
    """The row with its table's number for its name."""
    return _without(row, "table", "referenced", "told", "identity") | {"table_oid": oids.get(row["table"])}


def _without(row: dict, *keys: str) -> dict:
    return {key: value for key, value in row.items() if key not in keys}


def _row_counts(told: Statistics, oids: dict[Name, int]) -> list[dict]:
    if "rows" not in told.columns:
        return []
    now = clock.now()
    return [{"oid": oids[row["schema"], row["table"]], "schema": row["schema"], "table": row["table"],
             "rows": row["rows"], "method": "none" if row["rows"] is None else "exact", "asked_at": now,
             "reason": COUNTED if row["rows"] is not None else "the column rows of the statistics file is empty here"}
            for row in told.rows]  # fmt: skip


def _redacted(row: dict, columns: tuple[str, ...]) -> dict:
    return {key: redact(value) if key in columns and isinstance(value, str) else value for key, value in row.items()}
