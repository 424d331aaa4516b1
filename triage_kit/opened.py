"""One case as an analyst holds it: its evidence as tables, and the people's own words about it."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from triage_kit import __version__, handover, schemas
from triage_kit import case as cases
from triage_kit.bundle import Bundle
from triage_kit.errors import CaseError
from triage_kit.mask import COLUMNS, Mask

if TYPE_CHECKING:
    from triage_kit.analyse import Investigation

KEY = "mask.key"
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

    def __init__(self, bundle: Bundle, told: dict[str, pd.DataFrame], mask: Mask | None = None) -> None:
        self._bundle = bundle
        self._read = dict(told)
        self._mask = mask

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in schemas.evidence_names():
            raise KeyError(name)
        if name not in self._read:
            frame = self._bundle.table(name)
            self._read[name] = frame if self._mask is None else self._mask.frame(name, frame)
        return self._read[name].copy(deep=False)  # pandas copies what a caller changes

    def __iter__(self) -> Iterator[str]:
        return iter(schemas.evidence_names())

    def _ipython_key_completions_(self) -> list[str]:
        return list(schemas.evidence_names())  # completes evidence["…

    def __repr__(self) -> str:
        return f"<evidence: {len(self)} tables, {', '.join(self)}>"

    def __len__(self) -> int:
        return len(schemas.evidence_names())


class OpenCase:
    """A collected case: ``case.log_events`` and every other evidence table are DataFrames, ``case.sql`` asks them all.

    ``evidence`` is the mapping of all tables that analyse takes; ``tables`` joins what is known of each table.

    >>> import tempfile
    >>> from triage_kit.bundle import Draft
    >>> orders = {"oid": 1, "schema": "shop", "name": "orders", "kind": "table"}
    >>> with tempfile.TemporaryDirectory() as folder, Draft.begin(Path(folder)) as draft:
    ...     rows = draft.write("relations", schemas.frame("relations", [orders]))
    ...     bundle = draft.seal()
    ...     case = open_case(folder)
    ...     case.tables["qualified_name"].tolist()
    ...     case.sql("select kind, count(*) as tables from relations group by kind").to_dict("records")
    ['shop.orders']
    [{'kind': 'table', 'tables': 1}]
    """

    def __init__(self, bundle: Bundle, told: dict[str, pd.DataFrame], folder: Path, mask: Mask | None = None) -> None:
        self.bundle = bundle
        self.folder = folder
        self.masked = mask is not None
        self._unmasked_views = set(COLUMNS) if mask else set()
        self._sessions: pd.DataFrame | None = None
        self._investigation: Investigation | None = None
        self._told = told
        self.evidence = Evidence(bundle, told, mask)
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

    @property
    def sessions(self) -> pd.DataFrame:
        """One row a connection: who, where from, from when to when, what it ran, how it ended.

        Put together from the log's events and pg_stat_activity; ``case.sql`` knows it as ``sessions``.
        """
        if self._sessions is None:
            from triage_kit.analyse import sessions  # derived, so that only who asks for it waits for it

            self._sessions = sessions.sessions(self.evidence["log_events"], self.evidence["activity"])
            self.bundle.overlay("sessions", self._sessions)
        return self._sessions.copy(deep=False)

    @property
    def investigation(self) -> Investigation:
        """Every conclusion, as ``analyse.investigate(case.evidence)`` draws it.

        Drawn when it is first asked for; the kernel of a report takes over what was drawn for all four notebooks.
        """
        if self._investigation is None:
            self._investigation = handover.taken(self.fingerprint)
        if self._investigation is None:
            from triage_kit.analyse import investigate

            self._investigation = investigate(self.evidence)
        return self._investigation

    @property
    def fingerprint(self) -> str:
        """A digest of all that the conclusions rest on: the sealed evidence, case.yaml, the mask and this kit."""
        told = {name: frame.to_dict("split") for name, frame in sorted(self._told.items())}
        of = (__version__, self.bundle.manifest["sha256"], self.masked, told)
        return hashlib.sha256(repr(of).encode("utf-8", "surrogateescape")).hexdigest()

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the evidence in SQL (DuckDB), as ``select kind, count(*) from log_events group by 1``; times are UTC."""
        if "sessions" in query.lower():
            _ = self.sessions  # defines the view
        for name in sorted(self._unmasked_views):  # on demand, since masking a large log takes seconds
            self.bundle.overlay(name, self.evidence[name])
            self._unmasked_views.remove(name)
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
        names = ", ".join(f"<code>{name}</code>" for name in schemas.evidence_names())
        ask = f"<code>.tables</code>, <code>.sql('select …')</code>, and as DataFrames {names}"
        return (
            f"<p><strong>{escape(self.title)}</strong></p><table>{rows}</table>"
            f"<details><summary>What one may ask</summary><p>{ask}</p></details>"
        )

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


def open_case(path: str | Path, mask: bool = False) -> OpenCase:
    """Open a collected case by its folder, its case.yaml or its evidence folder; no server is asked.

    ``incident``, ``reported`` and ``notes`` come from case.yaml where there is one, so that it may be amended later;
    without it, from the bundle. With ``mask``, literals of statements and values in messages are stable tokens
    (``triage_kit.mask``); the key is made once in the case folder, as ``mask.key``, and must stay there. Raises
    NotSealed, Tampered or CaseError.
    """
    bundle = Bundle.open(path)
    given = Path(path)
    folder = given.parent if given.is_file() else given
    if folder.resolve() == bundle.folder.resolve():
        folder = bundle.folder.parent
    told = cases.incident_frames(cases.load(folder)) if (folder / "case.yaml").is_file() else {}
    return OpenCase(bundle, told, folder, Mask(_key(folder), _names(bundle)) if mask else None)


def _key(folder: Path) -> bytes:
    """The case's own key; made at the first call, for its owner's eyes alone."""
    path = folder / KEY
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise CaseError(
            f"the key that masks values cannot be written to {path}: {error.strerror}; "
            "copy the case to a folder that you may write to"
        ) from None
    else:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
    key = path.read_bytes().strip()
    if len(key) < 32 or path.is_symlink():
        raise CaseError(f"{path} is no key of this kit, got {len(key)} bytes: delete it, and a new one is made")
    return key


def _names(bundle: Bundle) -> set[str]:
    """Names of everything that the catalogue names; they are no one's data."""
    columns = {"relations": ("schema", "name"), "columns": ("name",), "constraints": ("name",), "roles": ("name",),
               "databases": ("name",), "indexes": ("name",), "sequences": ("name",), "settings": ("name",),
               "policies": ("name",), "triggers": ("name", "function")}  # fmt: skip
    return {str(each) for table, named in columns.items() for name in named for each in bundle.table(table)[name]}
