"""Single files that the case names: found, unpacked within bounds, kept byte for byte in raw/."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path

import pyarrow as pa

from triage_kit.bundle import Draft
from triage_kit.case import Case, resolve
from triage_kit.errors import SourceError

NO_FILE = "no file matches: paths are relative to case.yaml, and * stands for any part of a name"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def content(case: Case, pattern: str, limit: int) -> bytes:
    """The bytes of the one file that the case names, unpacked where it is gzip, zstd or a tar with one file in it.

    Raises SourceError when there is no such file, several, or more than ``limit`` bytes.
    """
    found = resolve(case, pattern)
    if not found:
        raise SourceError(NO_FILE)
    if len(found) > 1:
        raise SourceError(f"{len(found)} files match, name one: {', '.join(path.name for path in found[:5])}")
    if not found[0].is_file():
        raise SourceError("it is no ordinary file")
    try:
        data = _unpacked(found[0], limit)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, pa.ArrowException) as error:
        raise SourceError(f"the packed file is cut or broken: {error}") from error
    except OSError as error:
        raise SourceError(f"it cannot be read: {error.strerror or type(error).__name__}") from error
    if len(data) > limit:
        raise SourceError(f"it holds more than {limit >> 20} MiB, which is no {Path(pattern).suffix or 'such'} file")
    if not data.strip():
        raise SourceError("the file is empty")
    return data


def _unpacked(path: Path, limit: int) -> bytes:
    with path.open("rb") as stream:
        magic = stream.read(4)
    if tarfile.is_tarfile(path):
        return _from_tar(path, limit)
    if magic.startswith(_GZIP):
        with gzip.open(path, "rb") as stream:
            return stream.read(limit + 1)
    if magic == _ZSTD:
        with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as stream:
            return stream.read(limit + 1)
    with path.open("rb") as stream:
        return stream.read(limit + 1)


def _from_tar(path: Path, limit: int) -> bytes:
    """The largest ordinary file of an archive; nothing is ever unpacked onto the disk."""
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.isfile()]
        if not members:
            raise SourceError("the archive holds no file")
        stream = archive.extractfile(max(members, key=lambda member: member.size))
        data = stream.read(limit + 1) if stream else b""
    return gzip.decompress(data) if data.startswith(_GZIP) and len(data) <= limit else data


def shown(pattern: str) -> str:
    """A file's name for people: as the case writes it, and never an absolute path.

    >>> shown("statistics/stats.csv"), shown("/home/ines/stats.csv")
    ('statistics/stats.csv', 'stats.csv')
    """
    return Path(pattern).name if Path(pattern).is_absolute() or pattern.startswith("~") else pattern


def keep(draft: Draft, source: str, pattern: str, data: bytes) -> str:
    """Keep the source in raw/; gives the words of a reason why not, or nothing."""
    reason = draft.keep_raw(f"{source}-{Path(shown(pattern)).name}", data)
    return f"raw copy: {reason}" if reason else ""
