"""Log files as streams of byte lines: plain, gzip, zstd or UTF-16, never more than was there when reading began."""

from __future__ import annotations

import codecs
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from triage_kit.errors import SourceError
from triage_kit.parse.lines import PIECE as LONG
from triage_kit.parse.lines import Piece, cut

PIECE = 1 << 20
# Logs shrink ten to thirty times; a file that grows more than this is no log, and would fill the memory or the time.
_MOST_GROWTH = 200
_MOST_BLANK = 256 << 10  # bytes of blank lines in a row: each is a line for the reader, and a packed file has millions
_LEAST_BOUND = 16 << 20
_LONGEST_LINE = 16 << 20  # a file without a line end must not be held whole
_MOST_LAYERS = 3  # of packing, one in the other
_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xff\xfe": "utf-16",  # what PowerShell makes of `docker logs NAME > FILE`
    b"\xfe\xff": "utf-16",
}


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
        self.layers: list[str] = []  # the outermost first
        while len(self.layers) < _MOST_LAYERS and (layer := self._next_layer()):
            self.layers.append(layer)
        self.packing = " in ".join(reversed(self.layers))

    def _next_layer(self) -> str:
        """How what lies in the layers that are known is packed, by its first bytes; empty when it is not."""
        try:
            head = next(filter(None, self._through()), b"")
        except (EOFError, zlib.error, pa.ArrowException, UnicodeError):
            return ""
        return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")

    def _through(self) -> Iterator[bytes]:
        """The bytes inside the layers."""
        inside = self.pieces()
        for depth, layer in enumerate(self.layers):
            inside = {"gzip": self._gunzipped, "zstd": self._unzstd, "utf-16": self._recoded}[layer](inside, depth == 0)
        return inside

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
            for piece in self._through():
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
        except (EOFError, OSError, zlib.error, pa.ArrowException, UnicodeError) as error:
            self.complaint = f"the {self.packing} file is cut or broken after {grown} unpacked bytes: {error}"

    def _gunzipped(self, packed: Iterator[bytes], outermost: bool) -> Iterator[bytes]:
        # gzip's own reader drops what it had unpacked already when it meets the end of a cut file.
        member, fed = zlib.decompressobj(wbits=31), False
        fed_in = 0
        for data in packed:
            fed_in += len(data)
            out = b""
            while data or len(out) == PIECE:
                out = member.decompress(data, PIECE)
                if outermost:
                    self.consumed = fed_in - len(member.unconsumed_tail) - len(member.unused_data)
                yield out
                data, fed = member.unconsumed_tail, True
                if member.eof:  # the next member, as after `cat a.gz b.gz`, or padding
                    data, fed, out = member.unused_data.lstrip(b"\0"), False, b""
                    member = zlib.decompressobj(wbits=31)
        if fed:
            raise EOFError("it ends in the middle")

    def _unzstd(self, packed: Iterator[bytes], outermost: bool) -> Iterator[bytes]:
        source = _Fed(packed)
        with pa.PythonFile(source, "r") as file, pa.CompressedInputStream(file, "zstd") as stream:
            while piece := stream.read(1 << 16):
                if outermost:
                    self.consumed = source.given
                yield piece

    def _recoded(self, pieces: Iterator[bytes], outermost: bool) -> Iterator[bytes]:
        """UTF-16 as UTF-8; what is no UTF-16 becomes the replacement character."""
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        for piece in pieces:
            if outermost:
                self.consumed += len(piece)
            yield decoder.decode(piece).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")

    def head(self, size: int) -> bytes:
        """The first bytes of the log, for telling its format."""
        held = b""
        for piece in self.unpacked():
            held += piece
            if len(held) >= size:
                break
        return held[:size]

    def pieced(self) -> Iterator[bytes]:
        """Byte lines with their ends; a long one as its beginning and a Piece for each part that follows."""
        rest, kind = b"", bytes
        for piece in self.unpacked():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                yield kind(line + b"\n")
                kind = bytes
            if len(rest) >= LONG and (end := cut(rest, len(rest))):
                yield kind(rest[:end])
                rest, kind = rest[end:], Piece
        if rest:
            yield kind(rest)

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


class _Fed(io.RawIOBase):
    """A stream of pieces as a file that can be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest, self.given = pieces, b"", 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while not self._rest and (piece := next(self._pieces, None)) is not None:
            self._rest = piece
        taken, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        self.given += len(taken)
        return taken


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
