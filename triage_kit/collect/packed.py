"""Packed files as bounded streams: gzip, zstd and lz4, by what their first bytes say, never by their names."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import pyarrow as pa

from triage_kit.errors import SourceError

PIECE = 1 << 20
_ARROW_PIECE = 1 << 14  # what a call of Arrow had unpacked is lost when it meets the end of a stream that is cut
MAGICS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\x04\x22\x4d\x18": "lz4"}
ENDINGS = (".gz", ".zst", ".lz4")


class Broken(SourceError):
    """A packed stream that ends early or does not hold together; what stood before has been given."""


def packing(first: bytes) -> str:
    """How bytes are packed by their beginning: gzip, zstd, lz4 or none.

    >>> packing(b"\\x1f\\x8b\\x08"), packing(b"PGDMP")
    ('gzip', 'none')
    """
    return next((name for magic, name in MAGICS.items() if first.startswith(magic)), "none")


def bare(name: str) -> str:
    """A file's name without what a packer added.

    >>> bare("000000010000000000000001.gz"), bare("a.sql")
    ('000000010000000000000001', 'a.sql')
    """
    return next((name[: -len(end)] for end in ENDINGS if name.endswith(end)), name)


def pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """The unpacked bytes of an open file from its beginning, a piece at a time.

    Raises Broken where the packed stream is cut or damaged, after the pieces that stood before.
    """
    how = packing(stream.read(4))
    stream.seek(0)
    if how == "none":
        while piece := stream.read(PIECE):
            yield piece
        return
    try:
        yield from _gunzipped(stream) if how == "gzip" else _by_arrow(stream, how)
    except (EOFError, zlib.error, pa.ArrowException, OSError) as error:
        raise Broken(f"the {how} stream is cut or broken: {error}") from error


def _gunzipped(stream: IO[bytes]) -> Iterator[bytes]:
    # Several members in a row are one file (RFC 1952, 2.2); gzip's own reader drops what it had when it meets the end.
    engine, began = zlib.decompressobj(31), False
    while raw := stream.read(1 << 16):
        while raw:
            piece = engine.decompress(raw, PIECE)
            began = True
            if piece:
                yield piece
            if engine.eof:
                raw, engine, began = engine.unused_data.lstrip(b"\0"), zlib.decompressobj(31), False
            else:
                raw = engine.unconsumed_tail
    if began:
        raise EOFError("its end is missing")


def _by_arrow(stream: IO[bytes], how: str) -> Iterator[bytes]:
    with pa.CompressedInputStream(pa.PythonFile(_KeptOpen(stream), "r"), how) as unpacked:
        while piece := unpacked.read(_ARROW_PIECE):
            yield piece


def until_broken(stream: IO[bytes]) -> Iterator[bytes]:
    """The unpacked bytes that can be had: a packed stream that is cut just ends, as an unpacked one does."""
    with suppress(Broken):
        yield from pieces(stream)


class _KeptOpen:
    """A stream for Arrow, which closes what it is given."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.read, self.closed = stream.read, False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def content(path: Path, most: int) -> bytes:
    """All bytes of a file, unpacked; raises SourceError when there are more than ``most``, or it cannot be read."""
    kept, size = [], 0
    try:
        with path.open("rb") as stream:
            for piece in pieces(stream):
                kept.append(piece)
                size += len(piece)
                if size > most:
                    raise SourceError(f"it holds more than {most >> 20} MiB")
    except OSError as error:
        raise SourceError(f"it cannot be read: {error.strerror or type(error).__name__}") from error
    return b"".join(kept)
