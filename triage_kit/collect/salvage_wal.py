"""The WAL once more, for the rows of some files: copies that the case names, else the server's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from triage_kit.case import Case
from triage_kit.collect import address, packed, wal
from triage_kit.collect.server import Refused, Session
from triage_kit.errors import SourceError
from triage_kit.parse.wal import Span, segment
from triage_kit.parse.wal.gather import File, Gathered, Gatherer
from triage_kit.parse.wal.pages import NAME, NotWal, belongs, number

Segments = Iterable[tuple[str, Callable[[], bytes]]]
LISTED = """
SELECT name, size::bigint AS bytes,
       pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                                  ELSE pg_catalog.pg_current_wal_insert_lsn() END, '0/0')::bigint AS now
FROM pg_catalog.pg_ls_waldir()
"""


def gather(case: Case, files: set[File]) -> tuple[Gathered, list[Span], list[str]]:
    """Row versions of the files, the pieces of WAL that were read, and what there is to say of them.

    Raises SourceError where no segment can be read.
    """
    copies = _copies(case)
    if copies:
        return _fed(files, ((packed.bare(path.name), lambda path=path: packed.content(path, wal.LARGEST))
                            for path in copies))  # fmt: skip
    if case.database is None:
        raise SourceError("the case names no WAL and no server: add `wal:` with a copy of pg_wal or of the archive")
    named = case.database
    with Session(address.parameters(named.url, named.url_env, named.service)) as session:
        try:
            return _fed(files, _of_server(session))
        except Refused as error:
            raise SourceError(f"the server's WAL cannot be read ({error}): {wal.GRANT}") from None


def _copies(case: Case) -> list[Path]:
    named = case.wal
    if named is None and case.data_directory is not None:
        named = str(Path(case.data_directory) / "pg_wal")
    if named is None:
        return []
    found = sorted(wal.segment_files(case, named), key=lambda path: path.name)
    if not found and case.wal is not None:
        raise SourceError(f"{named}: no file there is named like a WAL segment (24 hexadecimal digits)")
    return found


def _of_server(session: Session) -> Segments:
    listed = [row for row in session.read(LISTED) if NAME.fullmatch(row["name"]) and len(row["name"]) == 24]
    for row in sorted(listed, key=lambda row: row["name"]):
        size = int(row["bytes"])
        if size and _position(row["name"], size) <= int(row["now"]):
            # Files beyond the present position are recycled ones, still to be written.
            what = {"name": row["name"], "bytes": size}
            yield row["name"], lambda what=what: bytes(session.read(wal.READ, what, wal.PATIENCE)[0]["data"] or b"")


def _position(name: str, size: int) -> int:
    return number(f"{name[8:16]}/0") + int(name[16:], 16) * size


def _fed(files: set[File], segments: Segments) -> tuple[Gathered, list[Span], list[str]]:
    reader, refused = Gatherer(files), []
    for name, content in segments:
        try:
            data = content()
            if not any(data[:64]):
                continue  # made beforehand, nothing is written in it yet
            part = segment(data)
            if belongs(part, name):
                reader.feed(part)
        except (NotWal, SourceError) as error:
            if isinstance(error, Refused) and not reader.tally.spans:
                raise
            refused.append(f"{name}: {error}")
    spans = reader.tally.spans
    if not spans:
        raise SourceError(f"no segment of WAL could be read: {refused[0] if refused else 'there is none'}")
    remarks = [f"{len(refused)} segments not read, as {refused[0]}"] if refused else []
    if len(spans) > 1:
        remarks.append(f"the WAL has {len(spans) - 1} gaps: rows that were deleted or changed in one may look lost")
    return reader.gathered, spans, remarks
