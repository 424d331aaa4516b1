"""Every table that crosses a border of the kit: its columns, their types, units and meaning.

A table is declared once, as text that reads like its documentation; ``check`` guards each door (a frame enters the
bundle, an analysis or a figure only through it), ``empty`` makes the frame of a question that nobody could ask.

Types and what they become in pandas:

========  =====================  ==========================================================
int       ``Int64``              whole number, missing allowed (64-bit: xids with epoch, OIDs)
float     ``float64``            NaN is missing
text      ``str``                missing allowed; foreign bytes arrive as backslash escapes
bool      ``boolean``            missing allowed
time      ``datetime64[us,UTC]`` aware, microseconds kept
texts     ``object``             tuple of str, never missing (an empty tuple instead)
========  =====================  ==========================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import pandas as pd

from triage_kit.errors import SchemaError

_PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
DTYPES = {
    "int": "Int64",
    "float": "float64",
    "text": "str",
    "bool": "boolean",
    "time": "datetime64[us, UTC]",
    "texts": "object",
}


@dataclass(frozen=True)
class Column:
    """One column: its type (a key of DTYPES) and what a value of it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table: what a row of it is, and its columns in order."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def table(declaration: str) -> Table:
    """Read one declaration: first line ``name: meaning of a row``, then a line ``column type meaning`` each.

    >>> table("note: what somebody saw\\n at time when\\n text text what").names
    ['at', 'text']
    """
    head, *lines = [line.strip() for line in declaration.strip().splitlines() if line.strip()]
    name, _, meaning = head.partition(":")
    columns = []
    for line in lines:
        column, kind, *words = line.split(maxsplit=2)
        if kind not in DTYPES:
            raise SchemaError(f"table {name!r}: column {column!r} has the unknown type {kind!r}")
        columns.append(Column(column, kind, words[0] if words else ""))
    return Table(name.strip(), meaning.strip(), tuple(columns))


def tables(declarations: str) -> dict[str, Table]:
    """Read declarations that are separated by blank lines."""
    found = [table(block) for block in declarations.strip().split("\n\n")]
    return {each.name: each for each in found}


@cache
def known() -> dict[str, Table]:
    """Every declared table by name, evidence and findings together."""
    from triage_kit.schemas import backups, findings, host, log, server, sources

    every = [server.TABLES, log.TABLES, host.TABLES, backups.TABLES, sources.TABLES, findings.TABLES]
    merged = {name: each for part in every for name, each in part.items()}
    if len(merged) < sum(map(len, every)):
        raise SchemaError("a table is declared twice; evidence and findings share one list of names")
    return merged


@cache
def evidence_names() -> tuple[str, ...]:
    """Names of the tables that a bundle holds, in the order of their declaration."""
    from triage_kit.schemas import backups, host, log, server, sources

    return tuple(server.TABLES | log.TABLES | host.TABLES | backups.TABLES | sources.TABLES)


def get(name: str) -> Table:
    """The declaration of one table; SchemaError names the near misses."""
    try:
        return known()[name]
    except KeyError:
        raise SchemaError(f"no table is called {name!r}; there are {', '.join(sorted(known()))}") from None


def empty(name: str) -> pd.DataFrame:
    """A frame of the table without rows, every column in its type."""
    return _empty(name).copy(deep=False)  # pandas copies what a caller changes


@cache
def _empty(name: str) -> pd.DataFrame:
    declared = get(name)
    return pd.DataFrame({c.name: _series([], c, name) for c in declared.columns}, columns=declared.names)


def frame(name: str, rows: list[dict]) -> pd.DataFrame:
    """Build a checked frame from dictionaries; keys that are left out are missing values.

    >>> frame("notes", [{"at": "2025-10-08T10:37:29Z", "text": "empty"}]).dtypes["at"]
    datetime64[us, UTC]
    """
    if not rows:
        return empty(name)
    declared = get(name)
    unknown = {key for row in rows for key in row} - set(declared.names)
    if unknown:
        raise SchemaError(f"table {name!r} has no column {', '.join(sorted(map(repr, unknown)))}")
    data = {c.name: _series([row.get(c.name) for row in rows], c, name).array for c in declared.columns}
    return pd.DataFrame(data, columns=declared.names, copy=False)  # nobody else holds these arrays


COMMITS, DROPS = "commit records of", "the WAL, which names the tables that were dropped"  # beginnings of `dated_by`


def by_commits(groups: pd.DataFrame) -> bool:
    """Whether each row of ``groups`` has its commit on record, or those of all its transactions.

    >>> by_commits(frame("groups", [{"group": "G1", "dated_by": "commit records of 6 transactions"}]))
    True
    """
    several = groups["dated_by"].str.startswith((COMMITS, DROPS)).fillna(False)
    return len(groups) > 0 and bool((groups["committed_at"].notna() | several).all())


def cut(text: str, most: int) -> str:
    """The text up to its last whole word within ``most`` characters; one long word is cut where it must be.

    >>> cut("rows that were written since", 16), cut("rows", 16)
    ('rows that were …', 'rows')
    """
    if len(text) <= most:
        return text
    return f"{text[:most].rpartition(' ')[0] or text[:most]} …"


def qualified(schema: str, name: str) -> str:
    """One unambiguous spelling of a table's name for people and keys; for SQL there is ``sql.quote_qualified``.

    >>> qualified("migration", "assets"), qualified("a.b", "c")
    ('migration.assets', '"a.b".c')
    """
    return ".".join('"' + part.replace('"', '""') + '"' if set(part) & set('.",:') else part for part in (schema, name))


def parts(name: str) -> tuple[str, str]:
    """Schema and table of a name that ``qualified`` wrote; the schema is empty when the name has none.

    >>> parts("migration.assets"), parts('"a.b".c'), parts("orders")
    (('migration', 'assets'), ('a.b', 'c'), ('', 'orders'))
    """
    found = [quoted.replace('""', '"') if quoted else plain for quoted, plain in _PART.findall(name)]
    return (found[-2] if len(found) > 1 else "", found[-1] if found else "")


def check(given: pd.DataFrame, name: str) -> pd.DataFrame:
    """The frame with the table's columns in order and in their types; further columns are kept behind them.

    Raises SchemaError naming the table, the column and the value that does not fit.
    """
    declared = get(name)
    missing = [column for column in declared.names if column not in given.columns]
    if missing:
        raise SchemaError(
            f"table {name!r} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, given.columns))}"
        )
    data = {c.name: _typed(given[c.name], c, name) for c in declared.columns}
    checked = pd.DataFrame(data, columns=declared.names)
    for extra in [column for column in given.columns if column not in declared.names]:
        checked[extra] = given[extra].to_numpy()
    return checked


def _typed(given: pd.Series, column: Column, name: str) -> pd.Series:
    """The column in its type; one that has it already is taken as it is, for 200,000 values take seconds to convert."""
    arrow = getattr(given.dtype, "storage", "pyarrow") == "pyarrow"  # which holds no lone surrogate
    if column.type != "texts" and given.dtype == DTYPES[column.type] and arrow:
        return given.reset_index(drop=True)
    return _series(given.tolist(), column, name)


def _series(values: list, column: Column, name: str) -> pd.Series:
    try:
        if column.type == "texts":
            kept = [tuple(map(_text, value)) if _present(value) else () for value in values]
            return pd.Series(kept, dtype="object")
        kept = [value if _present(value) else None for value in values]
        if column.type == "time":
            return _times(kept)
        if column.type == "text":
            kept = [value if value is None else _text(value) for value in kept]
        return pd.Series(kept, dtype=DTYPES[column.type])
    except (TypeError, ValueError) as error:
        raise SchemaError(f"table {name!r}, column {column.name!r} wants {column.type}: {error}") from error


def _present(value: object) -> bool:
    if value is None or value is pd.NA:
        return False
    return isinstance(value, (list, tuple)) or bool(getattr(value, "ndim", 0)) or value == value


def _text(value: object) -> str:
    # Arrow and JSON hold no lone surrogates; the bytes stay readable as \xNN and whole in raw/.
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _times(values: list) -> pd.Series:
    instants = [None if value is None else pd.Timestamp(value) for value in values]
    naive = [value for value in instants if value is not None and value.tzinfo is None]
    if naive:
        raise ValueError(f"instant without a time zone, got {naive[0]}")
    return pd.Series(pd.to_datetime(pd.Series(instants, dtype="object"), utc=True)).astype(DTYPES["time"])
