"""``backups:`` of the case: dumps, base backups, lists of backup tools, archives of WAL; and ``data_directory:``.

What a file is, its first bytes say. Nothing is restored, run or unpacked onto the disk; each thing that cannot be read
becomes a row that says why.
"""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import Case, resolve
from triage_kit.collect import dumps, named_files, packed, wal
from triage_kit.collect.dumps import Looked
from triage_kit.errors import SourceError
from triage_kit.parse import archive, base_backup
from triage_kit.parse.backup_lists import read_list
from triage_kit.parse.dump import NotReadable
from triage_kit.redact import redact

COSTS = {
    "backups": "whether a backup holds the rows, and from when it is",
    "data_directory": "the file times and the control file of the copied data directory",
}
MOST_THINGS, MOST_INSIDE = 500, 20_000
MOST_TEXT, MOST_MANIFEST = 8 << 20, 512 << 20
SECONDS = 300.0
SQL = (b"PostgreSQL database", b"pg_dump", b"\\connect", b"SET ", b"CREATE ", b"INSERT INTO", b"COPY ")
_UNREAD = (NotReadable, SourceError, tarfile.TarError, OSError, EOFError, ValueError, KeyError, RecursionError,
           MemoryError)  # fmt: skip


def read_backups(case: Case, draft: Draft, notify: Callable[..., None]) -> None:
    """Fill ``backups``, ``backup_tables``, ``wal_archive`` and ``data_directories``."""
    looked: list[Looked] = []
    if case.backups and not draft.has("backups"):
        looked = _backups(case, draft, notify)
    runs = [row for one in looked for row in one.archive] + _named_segments(case)
    if looked or runs:
        with draft.together():
            draft.write("backups", schemas.frame("backups", [_redacted(one.backup) for one in looked if one.backup]))
            rows = [row for one in looked for row in one.tables]
            draft.write("backup_tables", schemas.frame("backup_tables", rows))
            draft.write("wal_archive", schemas.frame("wal_archive", runs))
    if case.data_directory is not None:
        _data_directory(case, draft, notify, case.data_directory)


def _backups(case: Case, draft: Draft, notify: Callable[..., None]) -> list[Looked]:
    looked, nowhere, until = [], [], time.monotonic() + SECONDS
    for pattern in case.backups:
        places = resolve(case, pattern)
        if not places:
            nowhere.append(named_files.shown(pattern))
        for path in places[:MOST_THINGS]:
            for one in _things(path, _shown(case, path, pattern)):
                looked.append(one)
                notify("backup", file=one.backup.get("file"), state=one.backup.get("state"))
                if time.monotonic() > until:
                    nowhere.append(f"what follows {one.backup.get('file')} (time was up after {SECONDS:.0f} s)")
                    break
    unread = [one for one in looked if one.backup and one.backup["state"] == "unreadable"]
    reasons = [f"nothing matches {name}" for name in nowhere]
    reasons += [f"{one.backup['file']}: {one.backup['trouble']}" for one in unread]
    status = "answered" if len(looked) > len(unread) else "failed"
    reason = redact("; ".join(reasons[:5])) or (None if looked else "nothing was found")
    rows = sum(1 for one in looked if one.backup) or len(looked)
    draft.answer(source="backups", status=status, reason=reason, costs=COSTS["backups"], rows=rows, named=True)
    notify("question", source="backups", status=status, rows=rows, reason=reason, done=1, total=1)
    return looked


def _shown(case: Case, path: Path, pattern: str) -> str:
    try:
        return path.relative_to(case.folder).as_posix()
    except ValueError:
        return named_files.shown(pattern) if "*" not in pattern else path.name


def _things(path: Path, shown: str, depth: int = 0) -> Iterator[Looked]:
    """What a file or folder is; a folder of several things is looked into, two levels deep."""
    facts = {"file": shown, "packing": "none"}
    try:
        stat = path.stat()
        facts |= {"modified_at": datetime.fromtimestamp(stat.st_mtime, UTC), "bytes": stat.st_size}
        if path.is_dir():
            yield from _folder(path, shown, facts, depth)
        elif path.is_file():
            yield from _file(path, facts)
        else:
            yield _unreadable(facts, "it is no ordinary file")
    except packed.Broken as error:
        yield Looked(_unreadable(facts, str(error)).backup | {"state": "cut"})
    except _UNREAD as error:
        yield _unreadable(facts, str(error) or type(error).__name__)


def _unreadable(facts: dict, why: str) -> Looked:
    return Looked(facts | {"kind": "dump", "state": "unreadable", "trouble": redact(" ".join(why.split()))[:500]})


def _folder(path: Path, shown: str, facts: dict, depth: int) -> Iterator[Looked]:
    inside = {}
    for number, one in enumerate(path.iterdir()):
        if number >= MOST_INSIDE:
            break
        inside[one.name] = one
    if "toc.dat" in inside:
        yield dumps.directory(path, facts)
        return
    if "PG_VERSION" in inside or "backup_manifest" in inside or "backup_label" in inside:
        yield _base_backup(path, inside, facts)
        return
    segments = [name for name in inside if archive.NAME.fullmatch(name)]
    if segments:
        yield _segments(path, inside, segments, facts)
    for name in sorted(inside):
        if (
            name in segments
            or inside[name].is_symlink()
            or (archive.NAME.search(name[:24]) and name.endswith(".history"))
        ):
            continue
        if depth < 2 or inside[name].is_file():
            yield from _things(inside[name], f"{shown}/{name}", depth + 1)


def _segments(path: Path, inside: dict[str, Path], names: list[str], facts: dict) -> Looked:
    plain = [inside[name].stat() for name in names if len(name) == 24]
    size = max((stat.st_size for stat in plain), default=archive.DEFAULT_SIZE)
    size = size if size in {1 << power for power in range(20, 31)} else archive.DEFAULT_SIZE
    runs = archive.runs((name[:24] for name in names if not name.endswith(".partial")), size)
    for run in runs:
        last = next(inside[name] for name in sorted(names) if name.startswith(run["last"]))
        run |= {"source": facts["file"], "modified_at": datetime.fromtimestamp(last.stat().st_mtime, UTC)}
    return Looked({}, archive=runs)


def _named_segments(case: Case) -> list[dict]:
    """Runs of the segments that ``wal:`` names."""
    if case.wal is None:
        return []
    names = [packed.bare(path.name) for path in wal.segment_files(case, case.wal)]
    runs = archive.runs(name for name in names if len(name) == 24)
    return [run | {"source": named_files.shown(case.wal)} for run in runs]


def _file(path: Path, facts: dict) -> Iterator[Looked]:
    with path.open("rb") as stream:
        first = stream.read(262)
        stream.seek(0)
        facts["packing"] = packed.packing(first)
        if first.startswith(b"PGDMP"):
            yield dumps.custom(stream, facts)
            return
    if not path.stat().st_size:
        raise SourceError("the file is empty")
    if tarfile.is_tarfile(path):
        yield _tar(path, facts)
        return
    if base_backup.HISTORY.fullmatch(path.name) or path.name.startswith("backup_label"):
        label = base_backup.read_label(path.read_bytes()[:10_000].decode("utf-8", "replace"))
        if label:
            alone = {"kind": "base_backup", "format": "label", "state": "unknown",
                     "trouble": "only its label is here: the backup itself was not looked at"}  # fmt: skip
            yield Looked(facts | alone | label)
            return
    if path.name.startswith("backup_manifest"):
        yield _manifest_alone(path, facts)
        return
    yield from _text(path, facts)


def _text(path: Path, facts: dict) -> Iterator[Looked]:
    with path.open("rb") as stream:
        head = next(packed.pieces(stream), b"")[:4096]
        stream.seek(0)
        if head.startswith(b"PGDMP"):
            yield dumps.custom(dumps.Forward(packed.until_broken(stream)), facts)  # type: ignore[arg-type]
            return
        if any(mark in head for mark in SQL) and (found := dumps.plain(stream, facts)):
            yield found
            return
    text = packed.content(path, MOST_TEXT).decode("utf-8", "surrogateescape")
    backups, archives = read_list(text)
    if not backups and not archives and (named := archive.names(text)):
        runs = [run | {"source": facts["file"]} for run in archive.runs(named)]
        yield Looked({}, archive=runs)
        return
    if not backups and not archives:
        raise SourceError("it is no dump, base backup, list of a backup tool or list of WAL segments")
    runs = [{"source": facts["file"], "newest": True} | row for row in archives]
    for number, row in enumerate(backups):
        yield Looked(facts | {"bytes": None} | row | {"file": f"{facts['file']}: {row['label']}"},
                     archive=runs if not number else [])  # fmt: skip
    if not backups:
        yield Looked({}, archive=runs)


def _tar(path: Path, facts: dict) -> Looked:
    with tarfile.open(path, "r:*") as whole:
        for number, member in enumerate(whole):
            if member.name == "toc.dat":
                break
            if member.name.removeprefix("./") == "backup_label" and member.isfile() and member.size < MOST_TEXT:
                stream = whole.extractfile(member)
                label = base_backup.read_label(stream.read(10_000).decode("utf-8", "replace") if stream else "")
                manifest = path.with_name("backup_manifest")
                told = _manifest(manifest) if manifest.is_file() else {}
                state = "complete" if told else "unknown"
                return Looked(facts | {"kind": "base_backup", "format": "tar", "state": state} | (label or {}) | told)
            if number > MOST_INSIDE:
                raise SourceError("it is an archive without a dump's table of contents or a backup_label")
        else:
            raise SourceError("it is an archive without a dump's table of contents or a backup_label")
    return dumps.tar(path, facts)


def _manifest(path: Path) -> dict:
    told = base_backup.read_manifest(packed.content(path, MOST_MANIFEST))
    told.pop("files")
    newest = told.pop("newest_file")
    return {key: value for key, value in told.items() if value is not None} | {"finished_at": newest}


def _manifest_alone(path: Path, facts: dict) -> Looked:
    try:
        told = _manifest(path)
    except ValueError as error:
        return _unreadable(facts | {"kind": "base_backup"}, f"the manifest is cut or damaged: {error}")
    return Looked(facts | {"kind": "base_backup", "format": "manifest", "state": "unknown",
                           "trouble": "only its manifest is here: the files were not looked at"} | told)  # fmt: skip


def _base_backup(path: Path, inside: dict[str, Path], facts: dict) -> Looked:
    """A folder that a server could be started from: its label, its manifest, its control file."""
    label = base_backup.read_label(_small(inside.get("backup_label"))) if "backup_label" in inside else None
    version = _small(inside.get("PG_VERSION")).strip() or None
    row = facts | {"kind": "base_backup" if label else "snapshot", "format": "files", "server_version": version,
                   "state": "unknown"} | (label or {})  # fmt: skip
    control = _control(path)
    row["system_identifier"] = control.get("system_identifier")
    row["timeline"] = row.get("timeline") or control.get("timeline")
    if "backup_manifest" in inside:
        try:
            told = base_backup.read_manifest(packed.content(inside["backup_manifest"], MOST_MANIFEST))
        except ValueError:
            return Looked(row | {"state": "cut", "trouble": "its manifest is cut: the backup did not finish"})
        files, newest = told.pop("files"), told.pop("newest_file")
        row |= {key: value for key, value in told.items() if value is not None} | {"finished_at": newest}
        lacking = _lacking(path, files)
        row |= ({"state": "cut", "trouble": f"{len(lacking)} of {len(files)} files of its manifest are missing or of "
                 f"another size, as {lacking[0]}"} if lacking else {"state": "complete"})  # fmt: skip
    elif not label:
        row |= {"began_at": control.get("control_at"), "trouble": "a copy of a data directory without backup_label: "
                "whole only if the server was stopped, or all of it was taken in one instant"}  # fmt: skip
    else:
        row["trouble"] = "it has no manifest, so that no missing file can be seen"
    return Looked(row)


def _lacking(folder: Path, files: dict[str, int]) -> list[str]:
    root, lacking = folder.resolve(), []
    for name, size in list(files.items())[:500_000]:
        path = folder / name
        if name.startswith("/") or ".." in Path(name).parts or not path.resolve().is_relative_to(root):
            continue  # a tablespace, or a manifest that points elsewhere: not followed
        try:
            if path.stat().st_size != size:
                lacking.append(name)
        except OSError:
            lacking.append(name)
    return lacking


def _small(path: Path | None) -> str:
    if path is None or not path.is_file():
        return ""
    with path.open("rb") as stream:
        return stream.read(10_000).decode("utf-8", "replace")


def _control(folder: Path) -> dict:
    try:
        with (folder / "global" / "pg_control").open("rb") as stream:
            return base_backup.read_control(stream.read(512)) or {}
    except OSError:
        return {}


def _data_directory(case: Case, draft: Draft, notify: Callable[..., None], named: str) -> None:
    shown, status, reason, rows = named_files.shown(named), "answered", None, []
    for path in resolve(case, named):
        if (path / "PG_VERSION").is_file():
            rows.append(_directory(path, shown))
    if not rows:
        status = "failed"
        reason = f"{shown}: no folder with a file PG_VERSION is there: name the data directory itself"
    else:
        draft.write("data_directories", schemas.frame("data_directories", rows))
    draft.answer(source="data_directory", status=status, reason=reason, costs=COSTS["data_directory"],
                 rows=len(rows) or None, named=True)  # fmt: skip
    notify("question", source="data_directory", status=status, rows=len(rows), reason=reason, done=1, total=1)


def _directory(path: Path, shown: str) -> dict:
    version, control = _small(path / "PG_VERSION").strip(), _control(path)
    folders = sorted(one.name for one in (path / "base").glob("*") if one.name.isdigit())
    made = (path / "PG_VERSION").stat().st_mtime
    return control | {"path": shown, "major": int(version) if version.isdigit() else None, "databases": folders,
                      "backup_label": (path / "backup_label").is_file(),
                      "made_at": datetime.fromtimestamp(made, UTC)}  # fmt: skip


def _redacted(row: dict) -> dict:
    return {key: redact(value) if key in ("trouble", "label") and isinstance(value, str) else value
            for key, value in row.items()}  # fmt: skip
