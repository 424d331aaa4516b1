# ruff: noqa: S608 SQL made for the tests
"""A very long text is kept in part: what it does stays the same, and its memory is bounded."""

import io
import json
import subprocess
import sys

import pytest

from triage_kit.parse import Outcomes, parse
from triage_kit.parse.abridge import LONG, Text
from triage_kit.sql import effects

MANY = 30_000
VALUES = ", ".join(f"({at}, 'it''s to delete; drop table x', '{{\"a\": 1}}')" for at in range(MANY))
NUMBERS = ", ".join(map(str, range(200_000)))
ROWS = "".join(f"INSERT INTO a (updated_at) VALUES ({at}, 'drop table q');\n" for at in range(MANY))


def kept(text, size=70_000):
    whole = Text()
    for at in range(0, len(text), size):
        whole.add(text[at : at + size])
    return whole.text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"INSERT INTO a VALUES {VALUES}", []),
        (f"INSERT INTO a VALUES {VALUES}; TRUNCATE b; INSERT INTO a VALUES {VALUES}", [("truncate", "b", None)]),
        (f"SELECT '{'x' * LONG}'; DELETE FROM a", [("delete", "a", False)]),
        (f"DELETE FROM a WHERE id IN ({NUMBERS})", [("delete", "a", True)]),
        (
            f"WITH gone AS (DELETE FROM a WHERE id IN ({NUMBERS}) RETURNING *) SELECT * FROM gone",
            [("delete", "a", True)],
        ),
        (
            f"WITH ids AS (VALUES {VALUES}), gone AS (DELETE FROM a USING ids WHERE a.id = 1), more AS (INSERT INTO b "
            f"VALUES {VALUES}) SELECT 1",
            [("delete", "a", True)],
        ),
        (f"{ROWS}TRUNCATE a, b CASCADE;\n{ROWS}", [("truncate", "a", None), ("truncate", "b", None)]),
        (f"DO $$BEGIN\n{ROWS}DELETE FROM c WHERE d;\n{ROWS}END$$", [("delete", "c", True)]),
        (f"INSERT INTO a VALUES ($q$ it's drop table; {'z ' * LONG} $q$); DROP TABLE b", [("drop_table", "b", None)]),
        (f"INSERT INTO a VALUES (E'it\\'s; drop; {'z ' * LONG} \\' '); DROP TABLE b", [("drop_table", "b", None)]),
        ("/* drop table x; /* ' */ */ SELECT 1; -- it's; drop table c\n" * MANY + "DROP TABLE b; SELECT 1",
         [("drop_table", "b", None)]),
    ],
    ids=["load", "between", "literal", "list", "returning", "middle", "rows", "body", "dollar", "escapes", "comments"],
)  # fmt: skip
def test_what_a_long_text_does_is_kept(text, expected):
    short = kept(text)
    assert len(text) > LONG > 4 * len(short)
    assert short == kept(text, 999)
    assert "characters" in short
    found = [(each.operation, each.object, each.bounded) for each in effects(short) if each.loses]
    assert found == expected


def test_thousands_of_costly_statements_are_kept_by_their_shapes():
    rows = "".join(f"DELETE FROM a WHERE id = {at};" for at in range(100_000))
    short = kept(f"{rows}DELETE FROM b;{rows}ROLLBACK")
    assert len(short) < LONG
    found = {(each.object, each.bounded) for each in effects(short) if each.loses}
    assert found == {("a", True), ("b", False)}
    assert short.endswith("ROLLBACK")


def test_a_text_of_usual_length_is_kept_as_it_is():
    text = "DELETE FROM a WHERE b = 'x'; " * 30_000
    assert kept(text[: LONG // 2]) == text[: LONG // 2]


STAMP = "2025-10-07 20:27:38.343 UTC"


def written(format, pid, message):
    if format == "stderr":
        return f"{STAMP} [{pid}] app@shop LOG:  ".encode() + message.replace("\n", "\n\t").encode() + b"\n"
    if format == "csv":
        quoted = message.replace('"', '""')
        row = f'{STAMP},"app","shop",{pid},"[local]",68e5.{pid:x},1,"idle",2025-10-07 20:00:00 UTC,3/4,0,LOG,00000,'
        return f'{row}"{quoted}",,,,,,,,,"","client backend",,0\n'.encode()
    row = {"timestamp": STAMP, "user": "app", "dbname": "shop", "pid": pid, "session_id": f"68e5.{pid:x}"}
    return json.dumps(row | {"error_severity": "LOG", "message": message}, separators=(",", ":")).encode() + b"\n"


PREFIX = "%m [%p] %q%u@%d "
SCANNED = """
import sys
from pathlib import Path
from triage_kit.parse import Entry, Outcomes
from triage_kit.parse.scan import Source, scan
found = scan(Source(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
outcomes = Outcomes()
outcomes.open_books |= found.books
followed = [each for each in outcomes.follow(found.found) if isinstance(each, Entry)]
told = [(each.statement, each.outcome) for each in followed if each.statement]
print([each for each in told if "TRUNCATE" in each[0]], found.entries, found.unparsed, found.lines)
status = Path("/proc/self/status")  # getrusage tells the peak of whoever started this process, too
lines = status.read_text().splitlines() if status.exists() else ["VmHWM: 0 kB"]
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize(("format", "size"), [("stderr", 50), ("csv", 20), ("json", 20)])
def test_a_statement_of_fifty_megabytes_takes_less_than_a_hundred(tmp_path, format, size):
    """The whole process with its interpreter and all that it imports, while several sessions work."""
    load = "\", it''s to drop; " * (size << 15)
    message = f"statement: INSERT INTO a VALUES ('{load}');\nTRUNCATE a CASCADE;\nSELECT '{load}'"
    path = tmp_path / "server.log"
    with path.open("wb") as stream:
        stream.write(written(format, 11, "statement: BEGIN") + written(format, 11, message))
        stream.write(written(format, 12, "statement: SELECT 1") + written(format, 11, "statement: ROLLBACK"))
    assert path.stat().st_size > size << 20
    command = [sys.executable, "-c", SCANNED, str(path), format, PREFIX]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told, peak = done.stdout.splitlines()
    assert "TRUNCATE a CASCADE" in told
    assert told.endswith(f"'rolled_back')] 4 0 {4 if format == 'json' else 6}")
    assert int(peak) < 100 << 10  # kilobytes


def plainly(data, format):
    return list(Outcomes().follow(parse(io.BytesIO(data), format, PREFIX)))


@pytest.mark.parametrize("format", ["stderr", "csv", "json"])
def test_a_failed_long_statement_is_the_one_that_was_logged(format):
    """Both lines hold its text, which is abridged in each alike."""
    text = f"SELECT '{'x' * LONG}'; DELETE FROM a"
    if format == "stderr":
        failed = f"{STAMP} [11] app@shop ERROR:  no\n{STAMP} [11] app@shop STATEMENT:  {text}\n".encode()
    elif format == "csv":
        failed = written(format, 11, "no").replace(b"LOG,00000", b"ERROR,42P01")
        failed = failed.replace(b'"no",,,,,,', f'"no",,,,,,"{text}"'.encode())
    else:
        row = json.loads(written(format, 11, "no")) | {"error_severity": "ERROR", "statement": text}
        failed = json.dumps(row).encode() + b"\n"
    logged, error = plainly(written(format, 11, f"statement: {text}") + failed, format)
    assert logged.outcome == error.outcome == "failed"
    assert logged.statement == error.statement
    assert logged.statement.endswith("DELETE FROM a")


@pytest.mark.parametrize("format", ["csv", "json"])
def test_a_long_record_that_is_cut_gives_its_lines_back(format):
    broken = written(format, 11, "statement: SELECT 1\n" + "x\n" * 100_000)[:-500]
    data = broken + b"\n" + written(format, 12, "statement: DELETE FROM a")
    found = plainly(data, format)
    assert [each.line for each in found] == list(range(1, data.count(b"\n") + 1))
    assert found[-1].statement == "DELETE FROM a"
    assert [each.offset for each in found][:2] == [0, data.index(b"\n") + 1]
