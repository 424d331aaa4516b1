# ruff: noqa: E501 S608 rows of logs and SQL made for the tests stay on their lines
"""A big log of a container engine: the scan sees what the server wrote, and its finds stand where the file has them."""

import gc
import io
import json
import random
import sys
import tracemalloc
from pathlib import Path

import pytest
from fuzz_parsers import PREFIX, damaged, line, no_traffic, wrapped_lines

from triage_kit.parse import Entry, lines, parse
from triage_kit.parse.scan import Source, scan, significant, wrapped
from triage_kit.parse.wrappers import Unwrapper


def pieces(data, size):
    return lambda: (data[at : at + size] for at in range(0, len(data), size))


def plain(layer, data):
    """The lines that the wrapper's own reader gives."""
    return list(Unwrapper((layer,)).lines(io.BytesIO(data)))


def bare(data):
    found = data.split(b"\n")
    return [each.replace(b"\0", b"").removesuffix(b"\r") for each in (found[:-1] if data.endswith(b"\n") else found)]


@pytest.mark.parametrize("harm", [False, True])
@pytest.mark.parametrize("format", ["stderr", "csv", "json"])
@pytest.mark.parametrize("layer", wrapped.STRIPPED)
def test_the_servers_lines_and_their_places(monkeypatch, layer, format, harm):
    for seed in range(8):
        chance = random.Random(f"{layer}{format}{harm}{seed}")
        data = wrapped_lines(chance, layer, "".join(line(chance, format) for _ in range(chance.randint(1, 50))))
        data = damaged(chance, data) if harm else data
        monkeypatch.setattr(wrapped, "_PIECE", chance.choice((100, 1000, 128 << 10)))
        log = wrapped.Stripped(layer, pieces(data, chance.choice((100, 1000, 1 << 20))))
        lines = plain(layer, data)
        assert bare(b"".join(log.unpacked())) == [each.text.encode("utf-8", "surrogateescape") for each in lines]
        assert log.lines == len(io.BytesIO(data).readlines())
        found = scan(Source(Path("unread"), format, PREFIX, unpacked=log.unpacked)).found
        log.place(found)
        places = {(each.line, each.offset) for each in found}
        for each in parse(iter(lines), format, PREFIX):
            if isinstance(each, Entry) and significant(each) and not no_traffic(each):
                assert (each.line, each.offset) in places


def test_the_usual_records_are_cut_out_without_decoding(monkeypatch):
    monkeypatch.setattr(json, "loads", None)
    texts = ["plain"] * 20 + ['a "b" <c> \t d', "e\\f", "{}"] * 400
    rows = "".join(json.dumps({"log": f"{text}\n", "stream": "stderr", "time": "2025-10-07T20:27:38.3Z"},
                              separators=(",", ":")).replace("<", "\\u003c") + "\n" for text in texts)  # fmt: skip
    monkeypatch.setattr(wrapped, "_PIECE", 1000)
    assert b"".join(wrapped.Stripped("json", pieces(rows.encode(), 777)).unpacked()).decode().split("\n")[:-1] == texts


def test_a_record_of_another_form_takes_no_longer():
    broken = b'{"log":"' + b"a" * 200_000 + b'x\\q","stream":"stderr","time":"t"}\n'
    log = wrapped.Stripped("json", pieces(b"{}\n" + broken, 1 << 20))
    assert b"".join(log.unpacked()) == b"{}\n" + broken


@pytest.mark.parametrize("layer", ["json", "cri"])
@pytest.mark.parametrize("longest", [500, 64 << 20])
def test_a_line_longer_than_any_piece_flows_through(monkeypatch, layer, longest):
    """Lines of another stream come behind it, and what nothing ends is ended; nothing is lost."""
    for module in (lines, wrapped):
        monkeypatch.setattr(module, "PIECE", 300)
        monkeypatch.setattr(module, "WAITING", longest)
    head, stamp = "2025-10-07 20:27:38.343 UTC [11] app@shop LOG:  statement: ", "2025-10-07T20:27:38.343Z"
    texts = [(f"{head}SELECT 1\n", "a"), (head, "a"), *[("x" * 50, "a")] * 10, ("whole\n", "b"), ("no record", ""), ("cut", "b"),
             *[("ü" * 50, "a")] * 10, (f"{head}cut again\n", "b"), ("; DELETE FROM b\n", "a"), ("last\n", "a"), ("open", "b")]  # fmt: skip
    data = "".join(
        text + "\n" if not stream
        else json.dumps({"log": text, "stream": stream, "time": stamp}, separators=(",", ":")) + "\n" if layer == "json"
        else f"{stamp} {'stdout' if stream == 'a' else 'stderr'} {'F' if text.endswith(chr(10)) else 'P'} {text.rstrip(chr(10))}\n"
        for text, stream in texts
    ).encode()  # fmt: skip
    for size in (100, 1000, 1 << 20):
        monkeypatch.setattr(wrapped, "_PIECE", size)
        log = wrapped.Stripped(layer, pieces(data, size))
        ours = b"".join(log.unpacked()).decode()
        theirs = [*Unwrapper((layer,)).lines(io.BytesIO(data))]
        assert (
            ours == "".join(("" if each.more or not at else "\n") + each.text for at, each in enumerate(theirs)) + "\n"
        )
        assert sum(map(len, ours.splitlines())) == sum(len(text.rstrip("\n")) for text, _ in texts)
        if longest > 500:
            assert ours.splitlines() == [f"{head}SELECT 1", f"{head}{'x' * 500}{'ü' * 500}; DELETE FROM b", "whole", "no record",
                                         f"cut{head}cut again", "last", "open"]  # fmt: skip
            found = [Entry(at, ours.encode().find(text)) for at, text in enumerate((b"whole", b"cut", b"last"))]
            log.place(found)
            assert [each.line for each in found] == [13, 15, 28]


@pytest.mark.parametrize(("layer", "times"), [("json", 3.5), ("cri", 3.5), ("stamped", 4.5)])
def test_one_long_line_is_not_held_in_its_pieces_too(layer, times):
    head, stamp = "2025-10-07 20:27:38.343 UTC [11] LOG:  statement: ", "2025-10-07T20:27:38.343Z"
    text = f"{head}SELECT '{'x' * (16 << 20)}'"
    written = {
        "json": lambda line: json.dumps({"log": f"{line}\n", "stream": "stderr", "time": stamp}, separators=(",", ":")),
        "cri": lambda line: f"{stamp} stderr F {line}",
        "stamped": lambda line: f"{stamp} {line}",
    }[layer]
    data = f"{written(head)}\n{written(text)}\n".encode()
    log = wrapped.Stripped(layer, pieces(data, 1 << 20))
    tracemalloc.start()
    try:
        size = sum(map(len, log.unpacked()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == len(head) + len(text) + 2
    assert peak < times * len(text)


def test_a_piece_of_a_stamped_line_is_told_by_its_bytes():
    """docker cuts at 16,384 bytes, whatever the letters."""
    stamp = "2025-10-07T20:27:38.343Z"
    data = f"{stamp} {'ü' * 8192}{stamp} DELETE\n".encode()
    [line] = Unwrapper(("stamped",)).lines([data])
    assert line.text == "ü" * 8192 + "DELETE"
    assert b"".join(wrapped.Stripped("stamped", pieces(data, 1 << 20)).unpacked()).decode() == f"{line.text}\n"


STAMP = "2025-10-07T20:27:38.343Z"
PART = f"{STAMP} stderr P {'x' * 8000}\n".encode()
SHAPES = {  # what follows a line that is long, or that nothing ends
    "cut lines": (PART * 60 + f"{STAMP} stderr F end\n".encode(), b""),
    "no records": (b"loose " + b"x" * 8000 + b"\n", PART * 200),
    "another stream": (f"{STAMP} stdout F {'y' * 80}\n".encode(), PART * 200),
}


def reachable(held: object) -> int:
    """Bytes of everything that a value holds, each object once."""
    seen, size, left = set(), 0, [held]
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, type):
            continue
        seen.add(id(each))
        size += sys.getsizeof(each)
        left += gc.get_referents(each) if not isinstance(each, (bytes, str, int)) else []
    return size


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_kept_of_cut_lines_does_not_grow_with_them(monkeypatch, shape):
    monkeypatch.setattr(wrapped, "WAITING", 1 << 20)
    again, first = SHAPES[shape]
    kept = {}
    for size in (4 << 20, 32 << 20):
        data = first + again * (size // len(again))
        log = wrapped.Stripped("cri", pieces(data, 1 << 18))
        given = [len(out) for out in log.unpacked()]
        assert max(given) < 4 << 20
        assert sum(given) == len(b"".join(wrapped.Stripped("cri", pieces(data, 1 << 20)).unpacked()))
        kept[size] = reachable(log.marks)
    # A mark a piece of 128 kB is all that may be added: some hundred bytes.
    assert kept[32 << 20] < kept[4 << 20] + 1_000 * (28 << 20) / wrapped._PIECE
