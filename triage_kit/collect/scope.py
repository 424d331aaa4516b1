"""Which schemas and relations of the database are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage_kit.collect.server import Session

NAMESPACES = """
SELECT n.oid::bigint AS oid, n.nspname::text AS name FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_(toast|temp_|toast_temp_|catalog)' AND n.nspname <> 'information_schema' ORDER BY n.nspname
"""
RELATIONS = """
SELECT c.oid::bigint AS oid, c.relkind::text AS kind FROM pg_catalog.pg_class c
WHERE c.relnamespace = ANY (%(namespaces)s::oid[]) AND c.relkind IN ('r', 'p', 'm', 'f', 'v')
  AND c.relpersistence <> 't' ORDER BY c.oid
"""
# A lock on an index or on TOAST stops whoever asks for the size of the table.
LOCKED = """
SELECT DISTINCT coalesce(t.oid, i.indrelid, l.relation)::bigint AS oid
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
LEFT JOIN pg_catalog.pg_class t ON t.reltoastrelid = coalesce(i.indrelid, l.relation)
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
"""


@dataclass(frozen=True)
class Scope:
    """Schemas in scope by name with their OIDs, those that the case names in vain, and the relations in scope."""

    schemas: dict[str, int]
    missing: tuple[str, ...]
    existing: tuple[str, ...]
    relations: tuple[int, ...]
    views: tuple[int, ...]

    @property
    def tables(self) -> list[int]:
        """OIDs of everything in scope but views."""
        return [oid for oid in self.relations if oid not in set(self.views)]

    @property
    def complaint(self) -> str:
        """What is wrong with the schemas that the case names; empty when all of them exist."""
        if not self.missing:
            return ""
        names = ", ".join(map(repr, self.missing))
        there = ", ".join(map(repr, self.existing)) or "none but the system's"
        return (
            f"database.schemas names {names}, which this database does not have; it has {there}: correct the name, "
            "or the database, unless the schema itself was dropped"
        )


def find(session: Session, wanted: Sequence[str]) -> Scope:
    """The scope of a case: the schemas it names, or all but the system's."""
    there = {row["name"]: row["oid"] for row in session.read(NAMESPACES)}
    chosen = {name: there[name] for name in wanted if name in there} if wanted else there
    rows = session.read(RELATIONS, {"namespaces": list(chosen.values())})
    return Scope(
        schemas=chosen,
        missing=tuple(name for name in dict.fromkeys(wanted) if name not in there),
        existing=tuple(there),
        relations=tuple(row["oid"] for row in rows),
        views=tuple(row["oid"] for row in rows if row["kind"] == "v"),
    )


def locked(session: Session) -> set[int]:
    """OIDs of tables and sequences that somebody holds or awaits ACCESS EXCLUSIVE on: whoever opens them waits."""
    return {row["oid"] for row in session.read(LOCKED)}
