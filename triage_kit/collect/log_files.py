"""Log files as streams of byte lines: plain, gzip or zstd, never more than was there when reading began."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from triage_kit.errors import SourceError

PIECE = 1 << 20
# Logs shrink ten to thirty times; a file that grows more than this is no log, and would fill the memory or the time.
_MOST_GROWTH = 200
_MOST_BLANK = 256 << 10  # bytes of blank lines in a row: each is a line for the reader, and a packed file has millions
_LEAST_BOUND = 16 << 20
_LONGEST_LINE = 16 << 20  # a file without a line end must not be held whole
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


class LogFile:
    """One file at one moment: its size is fixed when it is opened, since a server may go on writing.

    ``complaint`` tells, after reading, why not all of the file was read, and ``bomb`` the same where it unpacks to more
    than a log does; empty when all was read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.complaint = self.bomb = ""
        self.consumed = 0  # bytes of a packed file that were unpacked
        with path.open("rb") as stream:
            magic = stream.read(4)
        self.packing = "gzip" if magic.startswith(_GZIP) else "zstd" if magic == _ZSTD else ""

    def pieces(self) -> Iterator[bytes]:
        """The bytes on the disk, as raw/ keeps them."""
        with self.path.open("rb") as stream:
            left = self.size
            while left and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece

    def sha256(self) -> str:
        seen = hashlib.sha256()
        for piece in self.pieces():
            seen.update(piece)
        return seen.hexdigest()

    def changed(self, before: str) -> str:
        """What to say when the bytes that were there at first, of the digest ``before``, are no longer there."""
        try:
            same = self.sha256() == before
        except OSError:
            same = False
        return "" if same else "the file was changed, cut or replaced while it was read: the raw copy may differ"

    def unpacked(self) -> Iterator[bytes]:
        """The log's own bytes; ends early, with a complaint, where a packed file is cut, broken or grows too much."""
        if not self.packing:
            yield from self.pieces()
            return
        grown = blank = 0
        try:
            for piece in self._gunzipped() if self.packing == "gzip" else self._unzstd():
                grown += len(piece)
                if grown > max(_LEAST_BOUND, self.consumed * _MOST_GROWTH):
                    self.bomb = self.complaint = (
                        f"it unpacks to more than {_MOST_GROWTH} times its size, {grown} bytes out of the first "
                        f"{self.consumed}, which no log does: read no further"
                    )
                    return
                blank = 0 if piece.strip() else blank + len(piece)
                if blank > _MOST_BLANK:
                    self.bomb = self.complaint = (
                        f"it unpacks to more than {_MOST_BLANK >> 10} KiB of nothing but blank lines after "
                        f"{grown - blank} bytes, which no log does: read no further"
                    )
                    return
                yield piece
        except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
            self.complaint = f"the {self.packing} file is cut or broken after {grown} unpacked bytes: {error}"

    def _gunzipped(self) -> Iterator[bytes]:
        # gzip's own reader drops what it had unpacked already when it meets the end of a cut file.
        member, fed = zlib.decompressobj(wbits=31), False
        fed_in = 0
        for data in self.pieces():
            fed_in += len(data)
            out = b""
            while data or len(out) == PIECE:
                out = member.decompress(data, PIECE)
                self.consumed = fed_in - len(member.unconsumed_tail) - len(member.unused_data)
                yield out
                data, fed = member.unconsumed_tail, True
                if member.eof:  # the next member, as after `cat a.gz b.gz`, or padding
                    data, fed, out = member.unused_data.lstrip(b"\0"), False, b""
                    member = zlib.decompressobj(wbits=31)
        if fed:
            raise EOFError("it ends in the middle")

    def _unzstd(self) -> Iterator[bytes]:
        with pa.OSFile(str(self.path), "rb") as packed, pa.CompressedInputStream(packed, "zstd") as stream:
            while piece := stream.read(1 << 16):
                self.consumed = packed.tell()
                yield piece

    def head(self, size: int) -> bytes:
        """The first bytes of the log, for telling its format."""
        held = b""
        for piece in self.unpacked():
            held += piece
            if len(held) >= size:
                break
        return held[:size]

    def lines(self) -> Iterator[bytes]:
        """Byte lines with their ends; what a line has beyond a bound is left out, and counted in the complaint."""
        rest: list[bytes] = []
        held = cut = 0
        for piece in self.unpacked():
            first, *others = piece.split(b"\n")
            for other in others:
                yield b"".join([*rest, first[: max(0, _LONGEST_LINE - held)]]) + b"\n"
                cut += held + len(first) > _LONGEST_LINE
                rest, held, first = [], 0, other
            rest.append(first[: max(0, _LONGEST_LINE - held)])
            held += len(first)
        if last := b"".join(rest):
            yield last
        if cut := cut + (held > _LONGEST_LINE):
            told = f"{cut} lines are longer than {_LONGEST_LINE >> 20} MiB and were cut there: offsets behind differ"
            self.complaint = "; ".join(filter(None, (self.complaint, told)))


def opened(path: Path) -> LogFile:
    """The file, or SourceError that says in the system's words why it cannot be read."""
    if path.is_dir():
        raise SourceError("it is a folder: name the files in it, as log/*.log")
    if not path.is_file():
        raise SourceError("it is no ordinary file")
    try:
        return LogFile(path)
    except OSError as error:
        advice = "; run as an account that may read it, or name a copy" if isinstance(error, PermissionError) else ""
        raise SourceError(f"it cannot be opened: {error.strerror or error}{advice}") from error
