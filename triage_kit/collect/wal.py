"""The write-ahead log: copies of its segments, else the server's own, within bounds and without changing anything.

Segments are taken apart by ``parse.wal``. Where the role may not read the server's files, pg_walinspect (15 and newer)
says the same by transaction, if it is installed: it is never created here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from triage_kit.bundle import Draft
from triage_kit.case import Case, resolve
from triage_kit.collect import named_files, packed, wal_frames, wal_inspect
from triage_kit.collect.asking import Inquiry
from triage_kit.collect.server import Limits, Refused
from triage_kit.errors import SourceError
from triage_kit.parse.wal import segment
from triage_kit.parse.wal.named import NamingReader
from triage_kit.parse.wal.pages import NAME, NotWal, belongs, number

COSTS = "what else the transaction of the loss did and when it ended, and rows that could be read back from the WAL"
GRANT = ("GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO the role, or name "
         "a copy of pg_wal as `wal:`")  # fmt: skip
MOST_COPIES, MOST_SERVER = 2 << 30, 256 << 20  # bytes of WAL that are read, the newest
SECONDS = {"files": 120.0, "server_files": 40.0}
LARGEST = 1 << 30  # of one segment, unpacked: PostgreSQL's own limit
PATIENCE = Limits(statement=20_000)
READ = "SELECT pg_catalog.pg_read_binary_file('pg_wal/' || %(name)s, 0, %(bytes)s, true) AS data"
MAY = """
SELECT pg_catalog.has_function_privilege('pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean)', 'EXECUTE')
         AND pg_catalog.pg_has_role('pg_read_server_files', 'MEMBER') AS files,
       (SELECT n.nspname::text FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_walinspect') AS inspect, pg_catalog.pg_is_in_recovery() AS standby
"""


def read_copies(case: Case, draft: Draft, notify: Callable[..., None]) -> None:
    """Read ``wal:`` of the case; of a copied data directory its pg_wal, where the case names no ``wal``."""
    named = case.wal
    if named is None and case.data_directory is not None and not draft.has("wal"):
        inside = str(Path(case.data_directory) / "pg_wal")
        named = inside if segment_files(case, inside) else None
    if named is None:
        return
    try:
        reader, remarks = _copies(case, named)
    except SourceError as error:
        _answer(draft, notify, "failed", f"{named_files.shown(named)}: {error}", named=case.wal is not None)
        return
    records, more = wal_frames.write(draft, reader.tally, named_files.shown(named), "files", reader)
    _answer(draft, notify, "answered", "; ".join(remarks + more) or None, records, case.wal is not None, "files")


def segment_files(case: Case, pattern: str) -> list[Path]:
    """Files named like WAL segments, packed or not, in what a path or glob of the case means, by their position."""
    found: dict[str, Path] = {}
    for place in resolve(case, pattern):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if NAME.fullmatch(packed.bare(path.name)) and path.is_file() and not path.is_symlink():
                found.setdefault(packed.bare(path.name), path)
    return [found[name] for name in sorted(found, key=lambda name: (name[8:24], name))]


def _copies(case: Case, pattern: str) -> tuple[NamingReader, list[str]]:
    if not resolve(case, pattern):
        raise SourceError("no file or folder matches")
    files = segment_files(case, pattern)
    if not files:
        raise SourceError("no file in it is named like a WAL segment (24 hexadecimal digits): name a copy of pg_wal or "
                          "of the archive")  # fmt: skip
    size = max(max(path.stat().st_size for path in files), 1 << 20)
    chosen = files[-max(MOST_COPIES // size, 1) :]
    # A timeline's segments in a row: each new timeline begins again at the segment in which the old one was left.
    chosen.sort(key=lambda path: path.name)
    reader, remarks = _fed(
        ((packed.bare(path.name), lambda path=path: packed.content(path, LARGEST)) for path in chosen), "files"
    )
    if not reader.tally.spans:
        raise SourceError(f"none of {len(files)} segments could be read: {remarks[0] if remarks else 'they are empty'}")
    if len(chosen) < len(files):
        remarks.insert(0, f"the oldest {len(files) - len(chosen)} of {len(files)} segments were left out")
    return reader, remarks


def _fed(segments: Iterable[tuple[str, Callable[[], bytes]]], how: str) -> tuple[NamingReader, list[str]]:
    """Read segments by name and contents until they end or time is up."""
    reader, refused, until = NamingReader(), [], time.monotonic() + SECONDS[how]
    remarks = []
    for name, content in segments:
        if time.monotonic() > until:
            remarks.append(f"reading ended after {SECONDS[how]:.0f} s, before segment {name}")
            break
        try:
            part = segment(content())
            if belongs(part, name):
                reader.feed(part)
        except (NotWal, SourceError) as error:
            if isinstance(error, Refused) and not reader.tally.spans:
                raise
            refused.append(f"{name}: {error}")
    if refused:
        remarks.append(f"{len(refused)} segments not read, as {refused[0]}")
    return reader, remarks


def read_through_server(inquiry: Inquiry) -> None:
    """Read the server's newest WAL as far as the role may; what it may not is a gap with its reason."""
    if inquiry.draft.has("wal"):
        return
    remarks: list[str] = []
    reader: NamingReader | None = None
    try:
        may = inquiry.session.read(MAY)[0]
        if may["files"]:
            how, (reader, remarks) = "server_files", _server_files(inquiry)
            tally = reader.tally
        elif may["inspect"] and not may["standby"]:
            how, tally = "pg_walinspect", wal_inspect.read(inquiry, may["inspect"], MOST_SERVER)
        else:
            raise Refused(f"the role {inquiry.role!r} may not read the server's files, and pg_walinspect is not "
                          f"installed: {GRANT}", "refused", None)  # fmt: skip
    except Refused as error:
        _answer(inquiry.draft, inquiry.notify, error.status, str(error))
        return
    if not tally.spans:
        _answer(inquiry.draft, inquiry.notify, "failed", "; ".join(remarks) or "pg_wal holds no segment")
        return
    records, more = wal_frames.write(inquiry.draft, tally, "pg_wal", how, reader)
    _answer(inquiry.draft, inquiry.notify, "answered", "; ".join(remarks + more) or None, records, False, how)


def _server_files(inquiry: Inquiry) -> tuple[NamingReader, list[str]]:
    """The newest segments of the server, as long as they are not yet to be written: those are recycled files."""
    listed, identity = inquiry.written("wal_files"), inquiry.written("identity")
    sizes = {name: int(size) for name, size in zip(listed["name"], listed["bytes"], strict=True)
             if NAME.fullmatch(str(name)) and len(name) == 24 and size == size and 0 < size <= MOST_SERVER}  # fmt: skip
    if not sizes:
        raise Refused("pg_wal was not listed, or its segments are larger than what is read", "unavailable", None)
    size = next(iter(sizes.values()))
    now = number(str(identity["lsn"].iloc[0])) // size if len(identity) and identity["lsn"].notna().all() else None
    per = (1 << 32) // size
    there = [name for name in sizes if now is None or int(name[8:16], 16) * per + int(name[16:], 16) <= now]
    chosen = sorted(there, key=lambda name: (name[8:], name))[-max(MOST_SERVER // size, 1) :]
    chosen.sort()
    session = inquiry.session

    def content(name: str) -> bytes:
        return bytes(session.read(READ, {"name": name, "bytes": size}, PATIENCE)[0]["data"] or b"")

    return _fed(((name, lambda name=name: content(name)) for name in chosen), "server_files")


def _answer(
    draft: Draft, notify: Callable[..., None], status: str, reason: str | None, rows: int | None = None,
    named: bool = False, variant: str | None = None,
) -> None:  # fmt: skip
    draft.answer(source="wal", status=status, reason=reason, costs=COSTS, rows=rows, named=named, variant=variant)
    notify("question", source="wal", status=status, rows=rows, reason=reason, done=1, total=1)
