# ruff: noqa: E501 S608 T201 rows of logs and SQL made for the tests stay on their lines
"""Feeds damaged logs and files to every parser: no exception, no hang, and every line in an entry or given back as unparsed.

    python tests/fuzz_parsers.py --minutes 10 --parsers stderr csv json wrapped scan stripped statistics schema code

Each find is printed with the seed that makes it again (--seed); the exit status is 1 when there is one.
"""

import argparse
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import fuzz_files

from triage_kit.errors import TriageError
from triage_kit.parse import Entry, Outcomes, Unparsed, abridge, csvlog, lines, parse
from triage_kit.parse.scan import Source, blocks, scan, significant
from triage_kit.parse.scan.wrapped import STRIPPED, Stripped
from triage_kit.parse.statistics import read_statistics
from triage_kit.parse.wrappers import Unwrapper, wrapping
from triage_kit.sql import effects
from triage_kit.sql.schema_dump import read_schema_dump

PREFIX = "%m [%p] %q%u@%d "
LONGEST = 5.0  # seconds for a few kilobytes
STAMP = "2025-10-07 20:27:38.343 UTC"
TEXTS = (
    "statement: DELETE FROM a", "statement: BEGIN", "statement: ROLLBACK", "duration: 1.5 ms", "statement: UPDATE a SET b = 'where'\n\t, c = 1",
    "execute s1: SELECT 1", "disconnection: session time: 0:00:01 user=a database=b host=[local]", "connection received: host=[local]",
    "checkpoint complete: wrote 319 buffers (1.9%); sync files=66", "checkpoint starting: time",
)  # fmt: skip
TRAFFIC = ("statement: ", "execute ", "duration: ", "connection ", "disconnection: ")
BITS = (
    b"",
    b"\0",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b"\t",
    b"\\",
    b"{",
    b"\xff\xfe",
    b",",
    b"(",
    b"$$",
    "\u2028".encode(),
    b"LOG:  ",
    b"ERROR:  ",
)


def line(chance: random.Random, format: str) -> str:
    """One entry as a server writes it."""
    pid, text = chance.choice((11, 12, 4711)), chance.choice(TEXTS)
    if format == "csv":
        quoted = text.replace('"', '""')
        return f'{STAMP},"app","shop",{pid},"[local]",68e5.{pid:x},1,"idle",2025-10-07 20:00:00 UTC,3/4,0,LOG,00000,"{quoted}",,,,,,,,,"","client backend",,0\n'
    if format == "json":
        row = {
            "timestamp": STAMP,
            "user": "app",
            "pid": pid,
            "session_id": f"68e5.{pid:x}",
            "error_severity": "LOG",
            "message": text,
        }
        return json.dumps(row, separators=(",", ":")) + "\n"
    severity = chance.choice(("LOG", "LOG", "LOG", "ERROR", "DETAIL", "STATEMENT"))
    return f"{STAMP} [{pid}] app@shop {severity}:  {text}\n"


def damaged(chance: random.Random, text: bytes) -> bytes:
    """The bytes with some of them cut, doubled, moved or replaced."""
    data = bytearray(text)
    for _ in range(chance.randint(0, 12)):
        at = chance.randrange(len(data) + 1)
        cut = chance.choice((0, 0, 1, 3, 40, 400))
        data[at : at + cut] = chance.choice((*BITS, bytes(data[at : at + 200])))
    return bytes(data)


def read(data: bytes, format: str) -> None:
    """Every line begins an entry, belongs to the one before it, or is unparsed."""
    found = list(Outcomes().follow(parse(io.BytesIO(data), format, PREFIX)))
    starts = [each.line for each in found]
    count = len(io.BytesIO(data).readlines())
    assert len(set(starts)) == len(starts), "a line is given twice"
    assert (not count) or min(starts) == 1, "the first line is lost"
    assert format != "json" or len(starts) == count, "a line is lost"


def plain(format: str) -> Callable[[random.Random], None]:
    def run(chance: random.Random) -> None:
        read(damaged(chance, "".join(line(chance, format) for _ in range(chance.randint(1, 40))).encode()), format)

    return run


RDS = "%t:%r:%u@%d:[%p]:"
PLAN = "duration: 2.5 ms  plan:\n\tQuery Text: DELETE FROM a;\n\tDelete on a  (cost=0.00..1.01 rows=0 width=0)\n\t  ->  Seq Scan on a"
WRAPPINGS: dict[str, Callable[[int, str], str]] = {
    "docker": lambda at, text: json.dumps({"log": f"{text}\n", "stream": "stderr", "time": "2025-10-07T20:27:38.343Z"}) + "\n",
    "cri": lambda at, text: f"2025-10-07T20:27:38.343Z stderr F {text}\n",
    "stamped": lambda at, text: f"2025-10-07T20:27:38.343Z {text}\n",
    "compose": lambda at, text: f"db-1  | {text}\n",
    "kubectl": lambda at, text: f"[pod/pg-0/postgres] 2025-10-07T20:27:38.343Z {text}\n",
    "syslog": lambda at, text: f"Oct  7 20:27:38 db postgres[12]: [{at + 1}-1] {text}\n",
    "rfc5424": lambda at, text: f"<134>1 2025-10-07T20:27:38.343Z db postgres 12 - - [{at + 1}-1] {text}\n",
    "journal export": lambda at, text: f"__CURSOR=s{at}\n__REALTIME_TIMESTAMP=1759868858343123\n_PID=12\nMESSAGE={text}\n\n",
    "journal json": lambda at, text: json.dumps({"__REALTIME_TIMESTAMP": "1759868858343123", "_PID": "12", "MESSAGE": text}) + "\n",
    "journal short": lambda at, text: f"2025-10-07T20:27:38+0000 db postgres[12]: {text}\n",
    "cloud sql": lambda at, text: json.dumps({"textPayload": text, "timestamp": "2025-10-07T20:27:38.343Z", "severity": "INFO"}) + "\n",
    "azure": lambda at, text: json.dumps({"time": "2025-10-07T20:27:38.343Z", "category": "PostgreSQLLogs", "properties": {"message": text}}) + "\n",
}  # fmt: skip


WHOLE: dict[str, Callable[[list[str]], str]] = {
    "document": lambda texts: json.dumps({"records": [{"properties": {"message": text}} for text in texts]}),
    "table": lambda texts: "id,timestamp,event_message\n" + "".join(
        '{},1759868858343123,"{}"\n'.format(at, text.replace('"', '""')) for at, text in enumerate(texts)),
    "events": lambda texts: json.dumps({"events": [{"timestamp": 1759868858343, "message": text} for text in texts]}, indent=4),
    "numbered": lambda texts: "".join(
        WRAPPINGS["journal json"](at, f"[{at + 1}-1] {text}") for at, text in enumerate(texts)),
    "services": lambda texts: "".join(f"db-1   | {text}\nweb-1  | GET /a\n" for text in texts),
}  # fmt: skip


def wrapped(chance: random.Random) -> None:
    """What containers, journals, syslog and hosters write around lines leaves them what they were."""
    made, name, prefix = [], chance.choice([*WRAPPINGS, *WHOLE]), chance.choice((PREFIX, RDS))
    for _ in range(chance.randint(1, 30)):
        text = line(chance, "stderr").rstrip("\n")
        if chance.random() < 0.1:
            text = f"{text[: text.index(':  ')].rpartition(' ')[0]} LOG:  {PLAN}"
        if prefix == RDS:
            text = "2025-10-07 20:27:38 UTC:10.0.0.1(5432):app@shop:[12]:" + text.partition("@shop ")[2]
        made += text.split("\n")
    text = WHOLE[name](made) if name in WHOLE else "".join(WRAPPINGS[name](at, each) for at, each in enumerate(made))
    data = text.encode()
    if whole := chance.random() < 0.3:
        layers = wrapping(data, prefix)
    else:
        data = damaged(chance, data)
        layers = wrapping(data, prefix)
    unwrapper = Unwrapper(layers, data)
    found = list(parse(unwrapper.lines(io.BytesIO(data)), "stderr", prefix))
    if whole:
        bare = parse(io.BytesIO("".join(f"{each}\n" for each in made).encode()), "stderr", prefix)
        told = [(each.message, each.detail, each.statement) if isinstance(each, Entry) else each.text for each in bare]
        ours = [(each.message, each.detail, each.statement) if isinstance(each, Entry) else each.text for each in found]
        assert ours == told, f"{name}: {ours} instead of {told}"


def scanned(chance: random.Random) -> None:
    """The scan counts and keeps what the plain parsers do, wherever blocks and ranges end."""
    format = chance.choice(("stderr", "csv", "json"))
    data = "".join(line(chance, format) for _ in range(chance.randint(1, 60))).encode()
    if torn := chance.random() < 0.7:
        data = damaged(chance, data)
    blocks.SIZE = chance.choice((300, 2000, 256 << 10))
    with long_from(chance.choice((1 << 20, 1 << 20, 3000))):
        compared(chance, data, format, torn)


@contextmanager
def long_from(size: int) -> Iterator[None]:
    """Entries of this size and more are read in pieces, and abridged."""
    places = ((blocks, "LONG"), (lines, "PIECE"), (csvlog, "PIECE"), (abridge, "LONG"))
    try:
        for module, name in places:
            setattr(module, name, size)
        yield
    finally:
        for module, name in places:
            setattr(module, name, 1 << 20)


def compared(chance: random.Random, data: bytes, format: str, torn: bool) -> None:
    with tempfile.NamedTemporaryFile(suffix=".log") as stream:
        stream.write(data)
        stream.flush()
        ours = scan(Source(Path(stream.name), format, PREFIX), size=chance.choice((1000, 64 << 20)))
    theirs = list(Outcomes().follow(parse(io.BytesIO(data), format, PREFIX)))
    outcomes = Outcomes()
    outcomes.open_books |= ours.books
    found = {each.offset: each for each in outcomes.follow(ours.found)}
    for each in theirs:
        if not isinstance(each, Unparsed) and (not significant(each) or no_traffic(each)):
            continue
        assert each.offset in found, f"missed at byte {each.offset}"
        ours_is, theirs_is = found[each.offset], each
        if torn and isinstance(each, Entry) and isinstance(ours_is, Entry):  # whose statement it is may be damaged
            ours_is, theirs_is = (replace(one, outcome=None, duration_ms=None) for one in (ours_is, each))
        elif isinstance(each, Unparsed) and isinstance(ours_is, Unparsed):  # of a long line the first piece
            ours_is, theirs_is = (replace(one, text=one.text[:1000]) for one in (ours_is, each))
        assert ours_is == theirs_is, f"{ours_is} instead of {theirs_is}"
    assert ours.entries == sum(isinstance(each, Entry) for each in theirs), "entries are counted differently"


def no_traffic(entry: Entry) -> bool:
    """A damaged line of traffic, "disconnection: s", says nothing; a bare duration has no STATEMENT beside it."""
    return (entry.kind == "other" and entry.message.startswith(TRAFFIC)) or entry.subject == "duration"


def wrapped_lines(chance: random.Random, layer: str, inner: str) -> bytes:
    """The lines as a container engine keeps them, long ones in pieces, with another stream between them."""
    made, stamp, size = [], "2025-10-07T20:27:38.343Z", chance.choice((16384, 50))
    for each in inner.splitlines(keepends=True):
        if layer == "stamped":
            made.append(f"{stamp} {each}")
        elif layer == "cri":
            bare = each.rstrip("\n")
            parts = [bare[at : at + size] for at in range(0, len(bare), size)] or [""]
            made += [f"{stamp} stderr {'P' if part is not parts[-1] else 'F'} {part}\n" for part in parts]
        else:
            parts = [(each[at : at + size], "stderr") for at in range(0, len(each), size)]
            parts += [("out\n", "stdout")] if chance.random() < 0.1 else []
            ascii = chance.random() < 0.5
            made += [json.dumps({"log": part, "stream": stream, "time": stamp}, ensure_ascii=ascii, separators=(",", ":")) + "\n"
                     for part, stream in parts]  # fmt: skip
    return "".join(made).encode()


def stripped(chance: random.Random) -> None:
    """What the scan is given of a container engine's log is what the plain reader of the wrapper gives."""
    layer, format = chance.choice(STRIPPED), chance.choice(("stderr", "csv", "json"))
    data = damaged(
        chance, wrapped_lines(chance, layer, "".join(line(chance, format) for _ in range(chance.randint(1, 60))))
    )
    size = chance.choice((100, 1000, 1 << 20))
    log = Stripped(layer, lambda: (data[at : at + size] for at in range(0, len(data), size)))
    ours = b"".join(log.unpacked()).replace(b"\0", b"")
    unwrapped = Unwrapper((layer,)).lines(io.BytesIO(data))
    theirs = b"".join(each.text.encode("utf-8", "surrogateescape") + b"\n" for each in unwrapped)
    assert ours.replace(b"\r\n", b"\n").rstrip(b"\r\n") == theirs.replace(b"\r\n", b"\n").rstrip(b"\r\n"), (
        "the lines differ"
    )


STATEMENTS = (
    "INSERT INTO a VALUES (1, 'x')", "INSERT INTO a (updated_at) VALUES (1, 'delete from b; drop table c')", "SELECT 'it''s'", "SELECT 1 -- '\n",
    "DELETE FROM b WHERE id = 7", "TRUNCATE a, m.b CASCADE", 'DROP TABLE "it\'s; here"', "/* ; ' */ SELECT (1)", "BEGIN", "COMMIT",
    "DO $x$BEGIN DELETE FROM c; INSERT INTO d VALUES (1); END$x$", "INSERT INTO a VALUES ($$ it's; drop table e $$)",
    "INSERT INTO a VALUES (E'\\'; drop table f; ')", "UPDATE a SET b = 1", "UPDATE a SET b = 'where' WHERE c = 2",
    "WITH g AS (DELETE FROM h RETURNING *) SELECT * FROM g", 'SELECT "a" FROM "b;" WHERE c IN (1, 2)',
)  # fmt: skip


def abridged(chance: random.Random) -> None:
    """What a long script does is what its abridged text does, however it comes."""
    script = [chance.choice(STATEMENTS)]
    for _ in range(chance.randint(1, 12)):
        script.append(chance.choice(STATEMENTS))
        if chance.random() < 0.4:  # a load between them, as rows or as one statement
            many = chance.randint(1, 500)
            script.append(chance.choice(("INSERT INTO big VALUES " + ", ".join(["(1, 'to drop; \"x\"', 2)"] * many),
                                         ";".join(["INSERT INTO big VALUES (1, 'x')"] * many),
                                         "INSERT INTO big VALUES ('" + "delete it; " * many + "')",
                                         "DELETE FROM big WHERE id IN (" + ", ".join(["7"] * many) + ")")))  # fmt: skip
    text = ";\n".join(script)
    found = []
    with long_from(1000):
        for size in (chance.choice((17, 1000)), 1 << 20):
            whole = abridge.Text()
            for at in range(0, len(text), size):
                whole.add(text[at : at + size])
            found.append(whole.text())
    assert found[0] == found[1], "the pieces make a difference"
    losing = [
        [(each.operation, each.object, each.bounded, each.cascade) for each in effects(one) if each.loses]
        for one in (text, found[0])
    ]
    assert losing[0] == losing[1], f"{losing[0]} became {losing[1]}"


def described(reader: Callable, text: str) -> Callable[[random.Random], None]:
    def run(chance: random.Random) -> None:
        try:
            found = reader(damaged(chance, text.encode()))
            if hasattr(found, "__next__"):
                list(found)
        except TriageError:
            pass  # refused in words

    return run


def statistics(chance: random.Random) -> None:
    """A table in any form: what is read of it are names, whole numbers and instants, or it is refused in words."""
    text = chance.choice((STATISTICS, *PRINTED))
    described(read_statistics, text)(chance)


PRINTED = tuple(
    json.loads(Path(__file__).with_name("parse").joinpath("statistics_by_psql.json").read_text("utf-8")).values()
)
STATISTICS = 'schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\nshop,orders,81,33,0\nshop,"a ""b""",8,0,0\n'
SCHEMA = "CREATE TABLE shop.orders (\n    id integer NOT NULL,\n    note text DEFAULT 'a;b'::text\n);\nALTER TABLE ONLY shop.items ADD CONSTRAINT i FOREIGN KEY (a) REFERENCES shop.orders(id) ON DELETE CASCADE;\n"
PARSERS = {
    "stderr": plain("stderr"), "csv": plain("csv"), "json": plain("json"), "wrapped": wrapped, "scan": scanned, "stripped": stripped,
    "abridged": abridged,
    "statistics": statistics, "schema": described(lambda data: read_schema_dump(data.decode("utf-8", "replace")), SCHEMA),
    **fuzz_files.PARSERS,
}  # fmt: skip


def once(name: str, seed: int) -> str:
    """What is wrong with one run of a parser; empty when nothing is."""
    began = time.process_time()
    try:
        PARSERS[name](random.Random(seed))
    except Exception as error:  # noqa: BLE001 whatever it is, it is a find
        return f"{type(error).__name__}: {error}"
    took = time.process_time() - began
    return f"took {took:.1f} s" if took > LONGEST else ""


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--minutes", type=float, default=1.0, help="for each parser")
    asked.add_argument("--parsers", nargs="+", default=list(PARSERS), choices=list(PARSERS))
    asked.add_argument("--seed", type=int, default=0, help="the first seed")
    options = asked.parse_args()
    finds = 0
    for name in options.parsers:
        seed, until = options.seed, time.monotonic() + options.minutes * 60
        while time.monotonic() < until:
            if told := once(name, seed):
                finds += 1
                print(f"{name}: seed {seed}: {told}")
            seed += 1
        print(f"{name}: {seed - options.seed} damaged inputs")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
