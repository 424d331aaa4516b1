"""Writing a bundle: every answer is on the disk before the next question is asked.

``evidence.partial/`` has a journal, ``manifest.partial.json``, that is replaced whole after each answer: a run that
was killed loses the question it was asking and nothing else. A file is written beside its place, told in the journal,
and then moved: what a kill comes between is moved by the next run. Sealing completes the same document, calls it
``manifest.json`` and renames the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from triage_kit import __version__, clock, schemas
from triage_kit.bundle import manifest as manifests
from triage_kit.bundle.lock import Lock
from triage_kit.bundle.manifest import FORMAT, MANIFEST, canonical
from triage_kit.bundle.reading import PARTIAL, SEALED, Bundle, digest, to_arrow
from triage_kit.errors import BundleError, Tampered
from triage_kit.files import private_folder, private_stream, sync_folder

JOURNAL = "manifest.partial.json"
RAW_LIMIT = 256 << 20  # bytes on the disk, all kept sources together
ROW_GROUP = 200_000  # rows; a window of time then reads few groups of a large log
PIECE = 1 << 20
KEPT_ROWS = 10_000  # of one table that is read again while collecting: larger ones stay on the disk alone
AGREEING = timedelta(seconds=1)  # clocks that differ by less: the way to the server and back is in it too
STATUSES = ("answered", "refused", "unavailable", "failed", "skipped", "not_built")


class Draft:
    """A bundle that is being collected; begin it, write, answer, seal."""

    def __init__(self, case_folder: Path, journal: dict[str, Any], lock: Lock) -> None:
        self.case_folder = case_folder
        self.folder = case_folder / PARTIAL
        self.raw_limit = RAW_LIMIT
        self._journal = journal
        self._lock = lock
        self._unmoved: list[Path] = []  # files that stand beside their places yet
        self._read: dict[str, pd.DataFrame] = {}  # small tables, as `written` read them: many questions ask again
        self._holding = False
        self.ahead = timedelta(0)  # of our clock, as ``follow`` found the server's

    @classmethod
    def begin(cls, case_folder: str | Path, again: bool = False) -> Draft:
        """Start ``evidence.partial/``, or go on with the one that an interrupted run left.

        ``again`` allows it beside a sealed bundle, which is moved to evidence-1/ when this one is sealed. Raises
        BundleError when evidence is sealed already, or when another collector is at work, and Tampered when a file of
        the interrupted run was changed.
        """
        home = Path(case_folder)
        if not home.is_dir():
            raise BundleError(f"there is no folder {home}: create it, or name the folder of the case")
        lock = Lock(home / ".triage.lock", "another `triage collect` is at work in this case: wait until it has ended")
        lock.acquire()
        try:
            journal = _continued(home / PARTIAL)
            again = again or journal.get("again", False)
            if (home / SEALED).exists() and not again:
                raise BundleError(
                    f"{home / SEALED} is sealed and is never changed: `triage collect --again` keeps it as evidence-1/ "
                    "and collects anew"
                )
            journal["again"] = again
            draft = cls(home, journal, lock)
            draft._prepare()
        except BaseException:
            lock.release()
            raise
        return draft

    @property
    def resumed(self) -> list[str]:
        """Sources that an interrupted run had answered."""
        return [row["source"] for row in self._journal["questions"] if row["status"] == "answered"]

    def has(self, source: str) -> bool:
        """Whether the question was answered, perhaps by the run before; one that failed is asked again."""
        return source in self.resumed

    def write(self, table: str, frame: pd.DataFrame) -> int:
        """Keep one evidence table, replacing what it held; returns its rows. SchemaError when columns do not fit."""
        arrow = to_arrow(frame, table)
        self._read.pop(table, None)
        path = f"{table}.parquet"
        with self._beside(path) as stream:
            pq.write_table(arrow, stream, compression="zstd", row_group_size=ROW_GROUP)
        self._record({"path": path, "kind": "table", "table": table, "rows": arrow.num_rows})
        return arrow.num_rows

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Let what is written and answered inside count all at once at the end: none of it after a kill before.

        Within another one, all counts at the end of that.
        """
        outside, self._holding = self._holding, True
        try:
            yield
        finally:
            self._holding = outside
        self._save()

    def written(self, table: str) -> pd.DataFrame:
        """What this draft holds of a table so far; without rows when nothing was written."""
        if table not in self._read:
            self._move()
            held = Bundle(self.folder, self._journal).table(table)
            if len(held) > KEPT_ROWS:
                return held
            self._read[table] = held
        return self._read[table].copy()  # who asked may change theirs

    def answer(self, **row: Any) -> None:
        """Record how a question was answered: the columns of ``questions``; a later answer replaces an earlier one.

        ``status`` is answered, refused, unavailable, failed, skipped or not_built; all but answered want a ``reason``.
        """
        if row.get("status") not in STATUSES:
            raise BundleError(f"question {row.get('source')!r}: got status {row.get('status')!r}, want {STATUSES}")
        row.setdefault("asked_at", self.now())
        checked = schemas.frame("questions", [row]).iloc[0]
        told = {name: _told(checked[name]) for name in checked.index}
        rest = [old for old in self._journal["questions"] if old["source"] != told["source"]]
        self._journal["questions"] = [*rest, told]
        self._save()

    def now(self) -> datetime:
        """This moment by the server's clock, once ``follow`` told how far it is from ours."""
        return clock.now() + self.ahead

    def follow(self, ahead: timedelta) -> timedelta:
        """Tell time by a server whose clock is so far ahead of ours; returns by how much the two differ, or zero.

        All instants of the evidence are of one clock then. When collection began is told by it too, once for all runs
        that go on with this draft.
        """
        self.ahead = ahead if abs(ahead) >= AGREEING else timedelta(0)
        if self.ahead and "clock_ahead_seconds" not in self.notes:
            began = datetime.fromisoformat(self._journal["began_at"])
            self.note(collected_at=began + self.ahead, clock_ahead_seconds=self.ahead.total_seconds())
        return self.ahead

    def note(self, **facts: Any) -> None:
        """Record facts of the collection: columns of ``collection`` and whatever else the manifest shall tell."""
        self._journal["collection"].update({key: _told(value) for key, value in facts.items()})
        self._save()

    @property
    def notes(self) -> dict[str, Any]:
        """The facts noted so far, those of an interrupted run too; times as ISO text."""
        return dict(self._journal["collection"])

    def keep_raw(self, name: str, data: bytes | IO[bytes] | Iterable[bytes]) -> str:
        """Keep a source byte for byte; returns an empty text, or the reason why it was not kept.

        Bounded: all kept sources together take at most ``raw_limit`` bytes (compressed). One that would pass it is
        left out whole and recorded under ``not_kept``.
        """
        self._forget(name)
        path = f"raw/{_file_name(name, {entry['path'] for entry in self._journal['files']})}"
        room = self.raw_limit - sum(entry["bytes"] for entry in self._journal["files"] if entry["kind"] == "raw")
        try:
            facts = self._pack(path, data, room)
        except _NotKept as error:
            self._journal["not_kept"].append({"source": name, "reason": str(error)})
            self._save()
            return str(error)
        self._record({"path": path, "kind": "raw", "rows": None, "source": name, **facts})
        return ""

    def _pack(self, path: str, data: bytes | IO[bytes] | Iterable[bytes], room: int) -> dict[str, Any]:
        seen = hashlib.sha256()
        length = 0
        with self._beside(path) as stream:
            with pa.CompressedOutputStream(pa.PythonFile(_LeftOpen(stream), "w"), "zstd") as packed:
                for piece in _pieces(data):
                    seen.update(piece)
                    length += len(piece)
                    packed.write(piece)
                    if stream.tell() > room:
                        break
            if stream.tell() > room:
                raise _NotKept(f"more than the {self.raw_limit >> 20} MiB that all kept sources may take together")
        return {"source_bytes": length, "source_sha256": seen.hexdigest()}

    def seal(self) -> Bundle:
        """Complete the manifest and rename the folder to evidence/; returns it opened. The draft is used up."""
        began = {"collected_at": self._journal["began_at"]}
        self.note(**{**began, **self.notes, "sealed_at": self.now(), "kit_version": __version__})
        names = schemas.get("collection").names
        self.write("collection", schemas.frame("collection", [{name: self.notes.get(name) for name in names}]))
        self.write("questions", schemas.frame("questions", self._journal["questions"]))
        self._journal["server"] = self._server()
        again = self._journal.pop("again", False)
        self._journal["files"].sort(key=lambda entry: entry["path"])
        self._save(MANIFEST)
        (self.folder / JOURNAL).unlink()
        self._sweep()
        sealed = self.case_folder / SEALED
        with _written(self.case_folder):
            if sealed.exists() and again:
                sealed.rename(_next_free(self.case_folder))
            self.folder.rename(sealed)
            sync_folder(self.case_folder)
        self._lock.release()
        return Bundle.open(self.case_folder)

    def close(self) -> None:
        """Let go of the case without sealing: the next run goes on from here."""
        self._lock.release()

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _prepare(self) -> None:
        with _written(self.case_folder):
            for folder in (self.folder, self.folder / "raw"):
                private_folder(folder)
        self._save()
        # A run that was killed while it sealed left the finished manifest under its last name: it is the journal now.
        (self.folder / MANIFEST).unlink(missing_ok=True)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what no journal knows: half-written files of a killed run."""
        known = {entry["path"] for entry in self._journal["files"]} | {JOURNAL, MANIFEST}
        for path in [*self.folder.iterdir(), *(self.folder / "raw").iterdir()]:
            if path.is_file() and path.relative_to(self.folder).as_posix() not in known:
                path.unlink()

    def _server(self) -> dict[str, Any]:
        names = ("version", "version_num", "system_identifier", "database", "role", "in_recovery", "address", "port")
        rows = self.written("identity").head(1)
        return {name: _told(rows[name].iloc[0]) if len(rows) else None for name in names}

    @contextlib.contextmanager
    def _beside(self, path: str) -> Iterator[IO[bytes]]:
        with _written(self.folder), private_stream(_temporary(self.folder / path)) as stream:
            yield stream

    def _record(self, entry: dict[str, Any]) -> None:
        place = self.folder / entry["path"]
        file = _temporary(place)
        entry |= {"bytes": file.stat().st_size, "sha256": digest(file)}
        self._journal["files"] = [old for old in self._journal["files"] if old["path"] != entry["path"]] + [entry]
        self._unmoved = [old for old in self._unmoved if old != place] + [place]
        self._save()

    def _forget(self, name: str) -> None:
        gone = [entry for entry in self._journal["files"] if entry.get("source") == name]
        self._journal["files"] = [entry for entry in self._journal["files"] if entry not in gone]
        self._journal["not_kept"] = [entry for entry in self._journal["not_kept"] if entry["source"] != name]
        if gone:
            self._move(always=True)
            for entry in gone:
                (self.folder / entry["path"]).unlink(missing_ok=True)

    def _save(self, name: str = JOURNAL) -> None:
        if self._holding:
            return
        with _written(self.folder):
            file = self.folder / name
            with private_stream(_temporary(file)) as stream:
                stream.write(canonical(self._journal))
            _temporary(file).replace(file)
            sync_folder(self.folder)
            for place in self._unmoved:
                _temporary(place).replace(place)
            for folder in {place.parent for place in self._unmoved}:
                sync_folder(folder)
            self._unmoved = []

    def _move(self, always: bool = False) -> None:
        """Save in the middle of what is held together, since a file is needed in its place, or is to be removed."""
        held, self._holding = self._holding, False
        if always or self._unmoved:
            self._save()
        self._holding = held


def _continued(folder: Path) -> dict[str, Any]:
    """The journal of an interrupted run, or a new one."""
    for path in (folder, folder / "raw"):
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise BundleError(f"{path} is no folder of its own: move it away, then collect again")
    file = next((folder / name for name in (JOURNAL, MANIFEST) if (folder / name).is_file()), None)
    if file is None:
        _nothing_else(folder)
        began = {"format": FORMAT, "began_at": _told(clock.now()), "kit_version": __version__}
        return began | {"collection": {}, "questions": [], "files": [], "not_kept": [], "server": {}}
    try:
        journal = manifests.read(file)
    except Tampered:
        raise Tampered(f"{file} is damaged or foreign: move {folder} away, then collect again") from None
    for entry in journal["files"]:
        path = folder / entry["path"]
        if not _holds(path, entry):
            if not _holds(_temporary(path), entry):
                raise Tampered(f"{path} was changed after it was written: move {folder} away, then collect again")
            _temporary(path).replace(path)
    journal.pop("sha256", None)
    if file.name == MANIFEST:  # it was about to take the place of what is sealed, so it may
        journal["again"] = True
    return journal


def _holds(path: Path, entry: dict[str, Any]) -> bool:
    return path.is_file() and not path.is_symlink() and digest(path) == entry["sha256"]


def _nothing_else(folder: Path) -> None:
    """Refuse a folder with somebody's files: what no journal knows is removed from a draft."""
    found = sorted(path.name for path in folder.iterdir() if path.name != "raw") if folder.is_dir() else []
    if foreign := [name for name in found if name != _temporary(folder / JOURNAL).name]:
        raise BundleError(f"{folder} has no journal, but files, as {foreign[0][:80]!r}: move it away and collect again")


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


@contextlib.contextmanager
def _written(folder: Path) -> Iterator[None]:
    """What the system says when writing fails, as the one paragraph that a reader can act on."""
    try:
        yield
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be written ({error.strerror or error}): free space or let this account write there, "
            "then run the same command again; what was read before is kept"
        ) from None


class _NotKept(Exception):
    """A source that is not kept byte for byte; the text says why."""


class _LeftOpen(io.RawIOBase):
    """A stream that Arrow may close while its file stays open: it has to be synced yet."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        return self._stream.write(piece)


def _pieces(data: bytes | IO[bytes] | Iterable[bytes]) -> Iterator[bytes]:
    if isinstance(data, (bytes, bytearray, memoryview)):
        data = io.BytesIO(data)
    pieces = iter(lambda: data.read(PIECE), b"") if hasattr(data, "read") else iter(data)
    while True:
        try:
            piece = next(pieces, None)
        except OSError as error:
            raise _NotKept(f"it could not be read again: {error.strerror or error}") from None
        if piece is None:
            return
        yield piece


def _file_name(name: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[-100:] or "source"
    for suffix in ("", *(f"-{count}" for count in range(2, 100_000))):
        if f"raw/{plain}{suffix}.zst" not in taken:
            return f"{plain}{suffix}.zst"
    raise BundleError(f"too many sources are called {plain}")


def _next_free(folder: Path) -> Path:
    count = 1
    while (folder / f"{SEALED}-{count}").exists():
        count += 1
    return folder / f"{SEALED}-{count}"


def _told(value: Any) -> Any:
    """A value as JSON tells it: times ISO 8601 in UTC with microseconds, missing as null."""
    if isinstance(value, (list, tuple)):
        return [_told(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _told(item) for key, item in value.items()}
    if value is None or pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if hasattr(value, "item"):
        return value.item()
    return value if isinstance(value, (bool, int, float, str)) else str(value)
