"""One case as an analyst holds it: its evidence as tables, and the people's own words about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from triage_kit import case as cases
from triage_kit import schemas
from triage_kit.bundle import Bundle

TOLD = ("incident", "reported", "notes")  # what case.yaml itself says, so that it may be amended after sealing

TABLES_VIEW = """
SELECT r.oid, r.schema, r.name AS "table", r.schema || '.' || r.name AS qualified_name, r.kind, r.persistence,
       c.inserts, c.updates, c.deletes, c.live, c.dead, n.rows, n.method AS rows_from, n.reason AS not_counted,
       s.heap_bytes, s.toast_bytes, s.index_bytes, r.pages, r.tuples, r.filenode, r.xmin, r.frozenxid,
       greatest(c.last_vacuum, c.last_autovacuum) AS vacuumed_at,
       greatest(c.last_analyze, c.last_autoanalyze) AS analyzed_at,
       r.owner, r.row_security, r.parent_oid, r.readable
FROM relations r
LEFT JOIN table_counters c USING (oid)
LEFT JOIN storage s USING (oid)
LEFT JOIN row_counts n USING (oid)
WHERE r.kind IN ('table', 'partitioned', 'materialized_view', 'foreign_table')
ORDER BY r.schema, r.name
"""


class Evidence(Mapping[str, pd.DataFrame]):
    """Every evidence table by name, read when it is first asked for; each look-up gives a frame of its own."""

    def __init__(self, bundle: Bundle, told: dict[str, pd.DataFrame]) -> None:
        self._bundle = bundle
        self._read = dict(told)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in schemas.evidence_names():
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._bundle.table(name)
        return self._read[name].copy(deep=False)  # pandas copies what a caller changes

    def __iter__(self) -> Iterator[str]:
        return iter(schemas.evidence_names())

    def __len__(self) -> int:
        return len(schemas.evidence_names())


class OpenCase:
    """A collected case: ``case.log_events`` and every other evidence table are DataFrames, ``case.sql`` asks them all.

    ``evidence`` is the mapping of all tables that analyse takes; ``tables`` joins what is known of each table.
    """

    def __init__(self, bundle: Bundle, told: dict[str, pd.DataFrame], folder: Path) -> None:
        self.bundle = bundle
        self.folder = folder
        self.evidence = Evidence(bundle, told)
        bundle.define("tables", TABLES_VIEW)
        for name, frame in told.items():
            bundle.overlay(name, frame)

    @property
    def title(self) -> str:
        """The case's title; without one, the database that lost rows."""
        for title in self.evidence["incident"]["title"].dropna():
            return str(title)
        for database in self.evidence["identity"]["database"].dropna():
            return f"Possible loss of rows in {database}"
        return "Possible loss of rows"

    @property
    def tables(self) -> pd.DataFrame:
        """One row a table: counters, rows and how they are known, sizes, and who wrote its catalogue row last."""
        return self.sql("SELECT * FROM tables")

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the evidence in SQL (DuckDB), as ``select kind, count(*) from log_events group by 1``; times are UTC."""
        return self.bundle.sql(query)

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name in schemas.evidence_names():
            return self.evidence[name]
        raise AttributeError(f"a case has no {name!r}; its tables are {', '.join(schemas.evidence_names())}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *schemas.evidence_names()})

    def __repr__(self) -> str:
        facts = self._facts()
        return f"<case {self.title!r}: " + ", ".join(f"{name} {value}" for name, value in facts.items()) + ">"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in self._facts().items())
        return f"<p><strong>{escape(self.title)}</strong></p><table>{rows}</table>"

    def _facts(self) -> dict[str, Any]:
        manifest = self.bundle.manifest
        answered = sum(row["status"] == "answered" for row in manifest["questions"])
        server = manifest["server"]
        return {
            "server": f"PostgreSQL {server.get('version')}" if server.get("version") else "none was read",
            "database": server.get("database") or "unknown",
            "collected": manifest["collection"].get("collected_at") or "unknown",
            "questions": f"{answered} of {len(manifest['questions'])} answered",
            "tables": len(self.sql("SELECT oid FROM tables")),
            "log entries": len(self.sql("SELECT line FROM log_events")),
        }


def open_case(path: str | Path) -> OpenCase:
    """Open a collected case by its folder, its case.yaml or its evidence folder; no server is asked.

    ``incident``, ``reported`` and ``notes`` come from case.yaml where there is one, so that it may be amended later;
    without it, from the bundle. Raises NotSealed, Tampered or CaseError.
    """
    bundle = Bundle.open(path)
    given = Path(path)
    folder = given.parent if given.is_file() else given
    if folder.resolve() == bundle.folder.resolve():
        folder = bundle.folder.parent
    told = cases.incident_frames(cases.load(folder)) if (folder / "case.yaml").is_file() else {}
    return OpenCase(bundle, told, folder)
