"""A big log of a container engine: the scan sees what the server wrote, and its finds stand where the file has them."""

import io
import json
import random
from pathlib import Path

import pytest
from fuzz_parsers import PREFIX, damaged, line, no_traffic, wrapped_lines

from triage_kit.parse import Entry, parse
from triage_kit.parse.scan import Source, scan, significant, wrapped
from triage_kit.parse.wrappers import Unwrapper


def pieces(data, size):
    return lambda: (data[at : at + size] for at in range(0, len(data), size))


def plain(layer, data):
    """The lines that the wrapper's own reader gives."""
    return list(Unwrapper((layer,)).lines(io.BytesIO(data)))


def bare(data):
    lines = data.split(b"\n")
    return [each.replace(b"\0", b"").removesuffix(b"\r") for each in (lines[:-1] if data.endswith(b"\n") else lines)]


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
