# ruff: noqa: E501 rows and texts made for the tests stay on their lines
"""Damaged files of a project and of backups for fuzz_parsers: code, migrations, models, snapshots, dumps, inspections.

Each reader gives what it found, or refuses in the words of its own error; nothing else is raised, nothing takes long,
lines are lines of the file, and of a dump that comes in pieces the pieces make no difference.
"""

import contextlib
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import texts

from triage_kit import schemas
from triage_kit.errors import TriageError
from triage_kit.parse import base_backup, dump
from triage_kit.parse.backup_lists import read_list
from triage_kit.parse.containers import read_inspect, without_values
from triage_kit.parse.dump_plain import read_plain
from triage_kit.parse.hits import promising, read_hits
from triage_kit.parse.migrations import SUFFIXES, read_migrations
from triage_kit.parse.models import models
from triage_kit.parse.snapshot import read_snapshot

HERE = Path(__file__).parent
BITS = (b"", b"\0", b"\n", b"\r\n", b'"', b"'", b'"""', b"\\", b"(", b")", b"{", b"}", b"[", b"]", b";", b"$$", b"--", b"/*", b"*/",
        b"\xff\xfe", b"<", b">", b"#", b"%", b"\t", b"  ", b":", b"- ", b"&a", b"*a", b"f'{x}'", b"DELETE FROM a", b"op.drop_table",
        "\u2028".encode(), b"((((((((", b"[[[[[[[[", b"0", b"-1", b"99999999999999999999")  # fmt: skip
OTHERS = (None, True, 0, -1, 1e308, "", "x", "2025-10-07T20:27:38Z", [], {}, [None], {"x": []}, "9" * 30)


def _texts(value: Any, path: str = "a.sql") -> Iterator[tuple[str, str]]:
    """Every text of the studied cases, with the path of its file."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        here = value["path"] if isinstance(value.get("path"), str) else path
        for key, each in value.items():
            yield from _texts(each, key if isinstance(key, str) and "." in key else here)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, path)


CORPUS = sorted({each for name in texts.names() for each in _texts(texts.read(name))})
MIGRATIONS = [each for each in CORPUS if Path(each[0]).suffix in SUFFIXES]


def damaged(chance: random.Random, data: bytes) -> bytes:
    """The bytes with some of them cut, doubled, moved or replaced."""
    found = bytearray(data)
    for _ in range(chance.randint(0, 10)):
        at = chance.randrange(len(found) + 1)
        cut = chance.choice((0, 0, 1, 4, 30, 300))
        found[at : at + cut] = chance.choice((*BITS, bytes(found[at : at + 100])))
    return bytes(found)


def mistyped(chance: random.Random, value: Any) -> Any:
    """A document in which some values are of another kind, or missing."""
    if chance.random() < 0.06:
        return chance.choice(OTHERS)
    if isinstance(value, dict):
        return {key: mistyped(chance, each) for key, each in value.items() if chance.random() > 0.03}
    if isinstance(value, list):
        return [mistyped(chance, each) for each in value]
    return value


def code(chance: random.Random) -> None:
    """Scripts and programs, and the mappers' models in them."""
    path, text = chance.choice(CORPUS)
    data = damaged(chance, text.encode())
    read = data.decode("utf-8", "replace")
    promising(data)
    lines = max(1, read.count("\n") + 1)
    for hit in read_hits(read, path):
        assert 1 <= hit.line <= lines + read.count("\r"), f"line {hit.line} of {lines}"
    models(read, path)


def migrations(chance: random.Random) -> None:
    """Files of migration tools; one that is broken is refused as Python and XML refuse it."""
    path, text = chance.choice(MIGRATIONS)
    read = damaged(chance, text.encode()).decode("utf-8", "replace")
    refused(lambda: read_migrations(read, path, chosen=chance.random() < 0.5), SyntaxError, ValueError)


SNAPSHOT = """# triage snapshot 1 kit 0.1
# ask identity identity/130000 {"role": "ada", "at": "2025-10-07T20:27:38+00:00"}
{"database": "shop", "version": "18.6"}
# end identity 00000 0
!
# ask row_counts row_counts/130000 {"asked": 2}
# chunk 1
{"schema": "a", "rows": 12}
# end row_counts 42501 1
! permission denied
for table b
# end of snapshot
"""


def snapshot(chance: random.Random) -> None:
    """What psql wrote on a host without Python."""
    read = damaged(chance, SNAPSHOT.encode()).decode("utf-8", "replace")
    refused(lambda: read_snapshot(read))


PLAIN = b"""--
-- PostgreSQL database dump
--
-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6
-- Started on 2025-10-07 20:27:38 UTC
CREATE TABLE shop.orders (id integer, note text DEFAULT 'a;b'::text);
COPY shop.orders (id, note) FROM stdin;
1\ta
2\tb\\nb
\\.
INSERT INTO shop.items VALUES (1, 'it''s; (x)'), (2, NULL);
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ COPY a FROM stdin; $$;
\\connect other
COPY public.b (id) FROM stdin;
7
\\.
-- Completed on 2025-10-07 20:27:39 UTC
-- PostgreSQL database dump complete
--
"""


def plain_dump(chance: random.Random) -> None:
    """A dump as text: however it comes, its tables and rows are the same."""
    data = damaged(chance, PLAIN)
    size = chance.choice((1, 7, 100))
    whole, pieces = read_plain([data]), read_plain(data[at : at + size] for at in range(0, len(data), size))
    assert whole == pieces, f"{pieces} in pieces of {size} instead of {whole}"


def _archives() -> list[bytes]:
    with zipfile.ZipFile(HERE / "collect" / "archives.zip") as kept:
        names = [name for name in kept.namelist() if name.endswith(("custom", "toc.dat"))]
        return [kept.read(name)[:20_000] for name in names]


ARCHIVES = _archives()


def archive(chance: random.Random) -> None:
    """The table of contents of a dump in pg_dump's own format."""
    data = damaged(chance, chance.choice(ARCHIVES))
    refused(lambda: dump.read_contents(io.BytesIO(data)), dump.NotReadable)


LABEL = """START WAL LOCATION: 0/2000028 (file 000000010000000000000002)
STOP WAL LOCATION: 0/2000120 (file 000000010000000000000002)
CHECKPOINT LOCATION: 0/2000060
BACKUP METHOD: streamed
START TIME: 2025-10-07 20:27:38 UTC
LABEL: nightly
START TIMELINE: 1
"""
MANIFEST = {"PostgreSQL-Backup-Manifest-Version": 2, "System-Identifier": 7, "WAL-Ranges": [
    {"Timeline": 1, "Start-LSN": "0/2000028", "End-LSN": "0/2000120"}], "Files": [
    {"Path": "base/1/2", "Size": 8192, "Last-Modified": "2025-10-07 20:27:38 GMT"}]}  # fmt: skip
PGBACKREST = [{"name": "main", "archive": [{"id": "18-1", "min": "000000010000000000000001", "max": "000000010000000000000009"}],
               "db": [{"id": 1, "system-id": 7, "version": "18"}], "status": {"code": 0}, "backup": [
                   {"label": "20251007-202738F", "type": "full", "timestamp": {"start": 1759868858, "stop": 1759868860},
                    "archive": {"start": "000000010000000000000002", "stop": "000000010000000000000002"}, "database": {"id": 1},
                    "lsn": {"start": "0/2000028", "stop": "0/2000120"}, "info": {"size": 1, "repository": {"size": 1}}, "error": False}]}]  # fmt: skip
BARMAN = {"main": [{"backup_id": "20251007T202738", "begin_time": "2025-10-07 20:27:38+00:00", "status": "DONE",
                    "begin_wal": "000000010000000000000002", "begin_xlog": "0/2000028", "size_bytes": 1, "timeline": 1}]}  # fmt: skip


def backups(chance: random.Random) -> None:
    """Labels, manifests and control files of base backups, and the lists of tools that keep them."""
    base_backup.read_label(damaged(chance, LABEL.encode()).decode("utf-8", "replace"))
    base_backup.read_control(damaged(chance, bytes(chance.randrange(256) for _ in range(400))))
    manifest = json.dumps(mistyped(chance, MANIFEST)).encode()
    refused(lambda: base_backup.read_manifest(manifest), ValueError)
    for told in (PGBACKREST, BARMAN):
        listed = read_list(json.dumps(mistyped(chance, told)))
        schemas.frame("backups", listed[0])
        read_list(damaged(chance, json.dumps(told, indent=1).encode()).decode("utf-8", "replace"))


INSPECTED = [{"Id": "ab", "Name": "/db", "Image": "sha256:1", "Created": "2025-09-25T10:00:00.123456789Z", "RestartCount": 2,
              "State": {"Status": "running", "StartedAt": "2025-09-25T10:00:01Z", "FinishedAt": "0001-01-01T00:00:00Z"},
              "Config": {"Image": "postgres:18", "Env": ["PGDATA=/d", "POSTGRES_PASSWORD=x"], "Cmd": ["postgres"]},
              "Mounts": [{"Type": "volume", "Name": "data", "Source": "/v", "Destination": "/d", "RW": True}]},
             {"Name": "data", "Driver": "local", "CreatedAt": "2025-09-25T10:00:00Z", "Mountpoint": "/v", "Labels": None}]  # fmt: skip


def inspected(chance: random.Random) -> None:
    """What docker and podman say of containers and volumes."""
    told = json.dumps(mistyped(chance, INSPECTED)).encode()
    data = told if chance.random() < 0.7 else damaged(chance, told)
    try:
        found = read_inspect(data, "inspect.json")
    except TriageError:
        return
    for table, rows in (
        ("containers", found.containers),
        ("container_mounts", found.mounts),
        ("volumes", found.volumes),
    ):
        schemas.frame(table, rows)
    refused(lambda: without_values(data))


def refused(read: Callable[[], object], *errors: type[Exception]) -> None:
    """Read, or be refused in words."""
    with contextlib.suppress(TriageError, *errors):
        read()


PARSERS: dict[str, Callable[[random.Random], None]] = {
    "code": code, "migrations": migrations, "snapshot": snapshot, "plain dump": plain_dump, "archive": archive, "backups": backups,
    "inspected": inspected,
}  # fmt: skip
