"""Reading a sealed bundle: tables, SQL over them, raw sources, and whether it is still what was sealed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from triage_kit import schemas
from triage_kit.bundle import manifest as manifests
from triage_kit.bundle.manifest import MANIFEST
from triage_kit.errors import BundleError, NotSealed, Tampered

SEALED = "evidence"
PARTIAL = "evidence.partial"
ARROW = {
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
    "bool": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "texts": pa.list_(pa.string()),
}


def digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def arrow_schema(name: str) -> pa.Schema:
    """The Arrow types of one evidence table."""
    return pa.schema([(column.name, ARROW[column.type]) for column in schemas.get(name).columns])


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """An Arrow table in the types that triage_kit.schemas uses: Int64, str, boolean, aware microseconds, tuples."""
    table = table.cast(pa.schema([(field.name, _plain(field.type)) for field in table.schema]))
    mapper = {
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
        pa.string(): pd.StringDtype(na_value=float("nan")),
    }
    frame = table.to_pandas(types_mapper=mapper.get)
    for field in table.schema:
        if pa.types.is_list(field.type):
            frame[field.name] = pd.Series([() if v is None else tuple(v) for v in frame[field.name]], dtype="object")
    return frame


def _later(held: pd.DataFrame, name: str) -> list[str]:
    return [column for column in schemas.get(name).names if column not in held.columns]


def _plain(kind: pa.DataType) -> pa.DataType:
    # A sum of BIGINT is a 128-bit number in DuckDB and arrives as decimal.
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_timestamp(kind) and kind.tz:
        return pa.timestamp("us", tz="UTC")
    return kind


def find(path: str | Path) -> Path:
    """The sealed folder that a case folder, its case.yaml or the evidence folder itself means.

    Raises NotSealed when collection never ran or was interrupted.
    """
    given = Path(path)
    folder = given.parent if given.is_file() else given
    for candidate in (folder / SEALED, folder):
        if (candidate / MANIFEST).is_file() and candidate.name != PARTIAL:
            return candidate
    if (folder / PARTIAL).is_dir() or folder.name == PARTIAL:
        raise NotSealed(f"the collection in {folder} was interrupted: `triage collect {folder}` asks what is left")
    raise NotSealed(f"there is no evidence in {folder}: collect it first with `triage collect {folder}`")


class Bundle:
    """One sealed bundle, read lazily; every file is held against its SHA-256 before it is used.

    ``manifest`` is the content of manifest.json: ``questions``, ``files``, ``server``, ``collection``, ``not_kept``.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest
        self._files = {entry["path"]: entry for entry in manifest["files"]}
        self._checked: set[str] = set()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._pending: list[Callable[[duckdb.DuckDBPyConnection], object]] = []

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Open the bundle of a case folder (or of the evidence folder itself).

        Raises NotSealed, Tampered when the manifest was changed or names files outside the bundle, and BundleError
        when a newer kit wrote it.
        """
        folder = find(path)
        return cls(folder, manifests.read(folder / MANIFEST))

    def table(self, name: str) -> pd.DataFrame:
        """One evidence table with the columns of its schema; without rows when it was not collected.

        An empty frame does not tell whether the answer was empty or missing: the table ``questions`` does.
        """
        path = f"{name}.parquet"
        if path not in self._files:
            return schemas.empty(schemas.get(name).name)
        held = to_pandas(pq.read_table(self._trusted(path)))
        # A bundle that an older kit sealed has not the columns that came later: what was not asked is missing.
        return schemas.check(held.reindex(columns=[*held.columns, *_later(held, name)]), name)

    def sql(self, query: str) -> pd.DataFrame:
        """Ask the evidence tables in SQL (DuckDB); every table is a view, times are UTC.

        Columns that SQL has words for want quotes, as ``"at"`` and ``"table"``. Files beyond the bundle cannot be read.
        Raises BundleError with DuckDB's message when the query is wrong.
        """
        try:
            answer = self._database().cursor().sql(query)
            return pd.DataFrame() if answer is None else to_pandas(answer.to_arrow_table())
        except (duckdb.Error, pa.ArrowException) as error:
            hint = '; columns such as "at" and "table" want quotes' if isinstance(error, duckdb.ParserException) else ""
            raise BundleError(f"the query cannot be answered: {error}{hint}") from error

    def define(self, name: str, query: str) -> None:
        """Name a query, so that ``sql`` knows it as a view."""
        self._when_connected(lambda connection: connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {query}'))

    def overlay(self, name: str, frame: pd.DataFrame) -> None:
        """Let ``sql`` see a frame in place of the collected table."""
        held = to_arrow(frame, name)
        self._when_connected(lambda connection: _keep(connection, f"given_{name}", held))
        self.define(name, f'SELECT * FROM "given_{name}"')  # noqa: S608 a name of triage_kit.schemas

    def raw_names(self) -> list[str]:
        """Names of the sources that were kept byte for byte, as they were given."""
        return [entry["source"] for entry in self.manifest["files"] if entry["kind"] == "raw"]

    def raw(self, name: str) -> IO[bytes]:
        """The bytes of a kept source as a stream; BundleError when it was not kept."""
        for entry in self.manifest["files"]:
            if entry["kind"] == "raw" and entry["source"] == name:
                return pa.CompressedInputStream(pa.OSFile(str(self._trusted(entry["path"]))), "zstd")
        raise BundleError(f"the bundle did not keep {name!r}; it has {', '.join(self.raw_names()) or 'no raw source'}")

    def named_unread(self) -> list[str]:
        """``source (reason)`` of each source that the case names and that could not be read or held nothing usable.

        A question that the role's privileges do not allow is a gap of the report; the collector does not mark it so.
        """
        unread = [row for row in self.manifest["questions"] if row["named"] and row["status"] != "answered"]
        return [f"{row['source']} ({row['reason']})" for row in unread]

    def verify(self) -> list[str]:
        """Every difference between the folder and its manifest, one sentence each; empty when all is as sealed."""
        problems = []
        present = dict(_walk(self.folder))
        for path, entry in self._files.items():
            kind = present.pop(path, None)
            if kind is None:
                problems.append(f"{path} is missing")
            elif kind != "file":
                problems.append(f"{path} is a {kind}, not the file that was sealed")
            elif digest(self.folder / path) != entry["sha256"]:
                problems.append(f"{path} was changed: its SHA-256 is not that of the manifest")
        present.pop(MANIFEST, None)
        added = sorted(path for path, kind in present.items() if kind != "folder" or path != "raw")
        return problems + [f"{path} was added after sealing" for path in added]

    def _trusted(self, path: str) -> Path:
        file = self.folder / path
        if path not in self._checked:
            if not file.is_file() or file.is_symlink():
                raise Tampered(f"{path} is missing from {self.folder}: run `triage verify` and use an intact copy")
            if digest(file) != self._files[path]["sha256"]:
                raise Tampered(f"{path} in {self.folder} was changed after sealing: run `triage verify`, use a copy")
            self._checked.add(path)
        return file

    def _when_connected(self, step: Callable[[duckdb.DuckDBPyConnection], object]) -> None:
        """Do a step of the database now, or when there is one: most who open a bundle ask it nothing in SQL."""
        self._pending.append(step)
        if self._connection is not None:
            self._database()

    def _database(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            self._connection = self._connect()
        # A step that was interrupted is done again before any answer: an overlay may be what masks a table.
        while self._pending:
            self._pending[0](self._connection)
            del self._pending[0]
        return self._connection

    def _connect(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        connection.execute("SET TimeZone = 'UTC'")
        files = {
            entry["table"]: str(self._trusted(path)) for path, entry in self._files.items() if entry["kind"] == "table"
        }
        # The query is the analyst's own, but may be pasted: it reaches these files and no other, and no network.
        connection.execute("SET allowed_paths = $1", [list(files.values())])
        connection.execute("SET enable_external_access = false")
        for name in schemas.evidence_names():
            if name in files:
                source = "read_parquet('" + files[name].replace("'", "''") + "')"
            else:
                _keep(connection, f"empty_{name}", arrow_schema(name).empty_table())
                source = f'"empty_{name}"'
            connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM {source}')  # noqa: S608 our own names
        connection.execute("SET lock_configuration = true")
        return connection


def _keep(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    # What is registered belongs to one connection alone; its cursors, which answer the queries, see a table.
    connection.register("arriving", table)
    connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM arriving')  # noqa: S608 our own names
    connection.unregister("arriving")


def to_arrow(frame: pd.DataFrame, name: str) -> pa.Table:
    """The checked frame of an evidence table as Arrow; further columns follow in the types that Arrow sees."""
    checked = schemas.check(frame, name)
    declared = arrow_schema(name)
    extra = [column for column in checked.columns if column not in declared.names]
    table = pa.Table.from_pandas(checked[declared.names], schema=declared, preserve_index=False)
    for column in extra:
        table = table.append_column(column, pa.array(checked[column], from_pandas=True))
    # pandas' own description of itself would make the file depend on its version.
    return table.replace_schema_metadata({"triage_kit.table": name})


def _walk(folder: Path) -> Iterable[tuple[str, str]]:
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root) / name
            kind = (
                "link" if path.is_symlink() else "folder" if path.is_dir() else "file" if path.is_file() else "device"
            )
            yield path.relative_to(folder).as_posix(), kind
