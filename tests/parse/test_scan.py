# ruff: noqa: E501 S608 rows of logs and SQL made for the tests stay on their lines
"""The scan gives what the plain parsers give, whatever the log holds and wherever it is cut."""

import concurrent.futures
import csv
import io
import json
import random
import re
import subprocess
import sys

import pytest

from triage_kit.parse import Entry, Outcomes, Unparsed, parse
from triage_kit.parse.scan import Source, engine, heads, scan, significant
from triage_kit.parse.scan import blocks as blocks_module
from triage_kit.parse.scan.formats import odd_lines
from triage_kit.parse.scan.grammar import begins_with_time, ordinary
from triage_kit.parse.scan.heads import HeadMatcher, matcher
from triage_kit.parse.scan.significance import costly, quiet, unbounded_update

PREFIX = "%m [%p] %q%u@%d/%a "
STATEMENTS = (
    "SELECT abalance FROM accounts WHERE aid = 12345",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "END",
    "SAVEPOINT a",
    "ROLLBACK TO a",
    "UPDATE accounts SET balance = 1 WHERE id = 7",
    "UPDATE accounts SET balance = 1",
    "update accounts set note = 'where'",
    "UPDATE accounts SET note = 1 -- where nothing",
    "UPDATE t\nSET a = 1\n\twhere b = 2",
    "UPDATE t\nSET a = 1\n",
    "INSERT INTO log VALUES ('delete-button clicked')",
    "INSERT INTO log VALUES ('truncate', \"drop\")",
    "DELETE FROM a",
    "delete\nfrom b\n\twhere id = 1\n\n",
    "SELECT 'ERROR:  not one'",
    "SELECT 1 /* drop table a */",
    "SELECT updated_at, created_at FROM rules_applied",
    "TRUNCATE a, b CASCADE",
    "DO $$BEGIN EXECUTE 'DELETE FROM x'; END$$",
    "EXECUTE purge(7)",
    "WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone",
    "CREATE TABLE stage (a int)",
    "SELECT 'ümlaut ☃' -- DETAIL:  no",
    "DROP TABLE stage; COMMIT",
    "  LOG:  statement: DROP TABLE x",
    "SELECT run($a$ first:  EXECUTE a $a$)",
    "SELEC [7] x@y/z LOG:  execute s1: SELECT 1",
    "duration: 1.5 ms  execute s1: SELECT 1",
    "SELECT 'a\n2025-10-07 20:27:38.343 UTC [7] x@y/z LOG:  statement: DROP TABLE b'",
)
MESSAGES = (
    ("ERROR", 'relation "a" does not exist at character 15'),
    ("NOTICE", 'truncate cascades to table "b"'),
    ("LOG", "checkpoint starting: time"),
    ("LOG", "something nobody has seen"),
    ("FATAL", "terminating connection due to administrator command"),
    ("LOG", "disconnection: session time: 0:00:01.000 user=app database=shop host=[local]"),
    ("LOG", "connection received: host=[local]"),
    ("LOG", "server process (PID 12) was terminated by signal 9: Killed"),
)


def entries(seed, count=400):
    """Severity, message, and further parts, of a made-up log with eight sessions that take turns."""
    chance = random.Random(seed)
    for number in range(count):
        pid = chance.choice((11, 12, 13, 111, 112, 4711, 4712, 7))
        kind = chance.random()
        parts = {}
        if kind < 0.6:
            statement = chance.choice(STATEMENTS)
            header = chance.choice(
                ("statement: ", "execute <unnamed>: ", "execute s1: ", "duration: 1.5 ms  statement: ")
            )
            severity, message = "LOG", header + statement
            if header.startswith("execute") and chance.random() < 0.5:
                parts["DETAIL"] = "Parameters: $1 = 'where update delete'"
        elif kind < 0.8:
            severity, message = "LOG", f"duration: {chance.randint(0, 99)}.123 ms"
        else:
            severity, message = chance.choice(MESSAGES)
            if severity == "ERROR":
                parts["STATEMENT"] = chance.choice(STATEMENTS)
        yield number, pid, severity, message, parts


def stamp(number):
    return f"2025-10-07 20:{number // 6000 % 60:02}:{number // 100 % 60:02}.{number % 100:03} UTC"


def stderr(seed, end="\n", interleaved=False, **options):
    chance, lines, later = random.Random(seed), [], []
    for number, pid, severity, message, parts in entries(seed, **options):
        head = f"{stamp(number)} [{pid}] {('app', 'root')[pid % 2]}@shop/cron: x "
        lines += (head + f"{severity}:  {message}").replace("\n", end + "\t").split(end)
        for label, text in parts.items():
            told = (head + f"{label}:  {text}").replace("\n", end + "\t").split(end)
            (later if interleaved and chance.random() < 0.2 else lines).extend(told)
        if later and chance.random() < 0.3:
            lines += later
            later = []
    return (end.join(lines) + end).encode()


def csvlog(seed, **options):
    stream = io.StringIO()
    for number, pid, severity, message, parts in entries(seed, **options):
        tag = next((word for word in ("UPDATE", "DELETE", "SELECT") if word in message), "idle")
        row = [
            f"{stamp(number)}", "app", "shop", pid, "[local]", f"68e5{pid:x}.{pid:x}", number, tag, stamp(number)[:19] + " UTC",
            "3/4", 0, severity, "00000" if severity in ("LOG", "NOTICE") else "42P01", message, parts.get("DETAIL", ""), "",
            "", "", "", parts.get("STATEMENT", ""), "", "", "a,b \"c\"", "client backend", "", 0,
        ]  # fmt: skip
        texts = {1, 2, 4, 5 + 2, 9, 13, 14, 19, 22, 23}
        told = [
            '"' + str(each).replace('"', '""') + '"' if at in texts and each != "" else str(each)
            for at, each in enumerate(row)
        ]
        stream.write(",".join(told) + "\n")
    return stream.getvalue().encode()


def jsonlog(seed, **options):
    lines = []
    for number, pid, severity, message, parts in entries(seed, **options):
        row = {"timestamp": stamp(number), "user": "app", "dbname": "shop", "pid": pid, "session_id": f"68e5{pid:x}.{pid:x}",
               "ps": "DELETE", "error_severity": severity}  # fmt: skip
        row |= {"state_code": "42P01"} if severity == "ERROR" else {}
        row |= {"message": message} | {key.lower(): text for key, text in parts.items()}
        row |= {"application_name": 'x"error_severity":"LOG"', "backend_type": "client backend"}
        lines.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
    return ("\n".join(lines) + "\n").encode()


def reference(data, format, prefix=PREFIX):
    found = list(Outcomes().follow(parse(io.BytesIO(data), format, prefix)))
    return (
        [each for each in found if isinstance(each, Unparsed) or significant(each)],
        sum(isinstance(each, Entry) for each in found),
        sum(isinstance(each, Unparsed) for each in found),
        len(io.BytesIO(data).readlines()),
    )


def scanned(tmp_path, data, format, prefix=PREFIX, executor=None, size=64 << 20):
    path = tmp_path / "server.log"
    path.write_bytes(data)
    result = scan(Source(path, format, prefix), executor, size=size)
    outcomes = Outcomes()
    outcomes.open_books |= result.books
    found = list(outcomes.follow(result.found))
    return (
        [each for each in found if isinstance(each, Unparsed) or significant(each)],
        result.entries,
        result.unparsed,
        result.lines,
    )


def assert_same(ours, theirs):
    for our, their in zip(ours[0], theirs[0], strict=False):
        assert our == their
    assert len(ours[0]) == len(theirs[0])
    assert ours[1:] == theirs[1:]


@pytest.fixture(params=[(2000, True), (256 << 10, True), (20_000, False)], ids=["small", "usual", "without hyperscan"])
def block_size(request, monkeypatch):
    """Blocks of several sizes, and the matcher that serves where there is no Hyperscan."""
    size, compiled = request.param
    monkeypatch.setattr(blocks_module, "SIZE", size)
    if not compiled:
        monkeypatch.setattr(engine, "hyperscan", None)
    elif engine.hyperscan is None:
        pytest.skip("the package hyperscan is not there")
    return size


@pytest.mark.parametrize("make", [stderr, csvlog, jsonlog])
def test_generated_logs(tmp_path, make, block_size):
    format = {"stderr": "stderr", "csvlog": "csv", "jsonlog": "json"}[make.__name__]
    for seed in range(4):
        data = make(seed)
        assert_same(scanned(tmp_path, data, format), reference(data, format))


def test_windows_line_ends(tmp_path, block_size):
    data = stderr(5, end="\r\n")
    assert_same(scanned(tmp_path, data, "stderr"), reference(data, "stderr"))


def test_backends_that_write_into_each_other(tmp_path, block_size):
    for seed in range(4):
        data = stderr(seed, interleaved=True)
        assert_same(scanned(tmp_path, data, "stderr"), reference(data, "stderr"))


@pytest.mark.parametrize("size", [200, 700, 3000])
def test_a_part_stands_blocks_and_ranges_behind_its_entry(tmp_path, monkeypatch, size):
    """Between a statement and its DETAIL stand so many entries of others that both are not read at once."""
    monkeypatch.setattr(blocks_module, "SIZE", size)
    for between in (3, 20, 60, 80):
        lines = []
        for number, statement in enumerate(("SELECT 1", "DELETE FROM a", "UPDATE a SET b = 1 WHERE c = 2")):
            lines.append(f"{stamp(number)} [11] app@shop/x LOG:  execute s1: {statement}")
            lines += [f"{stamp(number)} [12] app@shop/x LOG:  statement: SELECT {at}" for at in range(between)]
            lines.append(f"{stamp(number)} [11] app@shop/x DETAIL:  Parameters: $1 = '{number}'")
        data = "".join(f"{each}\n" for each in lines).encode()
        assert_same(scanned(tmp_path, data, "stderr"), reference(data, "stderr"))
        assert_same(scanned(tmp_path, data, "stderr", size=1500), reference(data, "stderr"))
    for seed in (7, 67):
        data = stderr(seed, interleaved=True)
        assert_same(scanned(tmp_path, data, "stderr", size=3000), reference(data, "stderr"))


def json_lines(*told):
    """One line of json each for (pid, message) or a line as it is."""
    lines = []
    for at, each in enumerate(told):
        pid, message = each if isinstance(each, tuple) else (0, each)
        row = {
            "timestamp": stamp(at),
            "user": "app",
            "pid": pid,
            "session_id": f"68e5.{pid:x}",
            "error_severity": "LOG",
            "message": message,
        }
        lines.append(json.dumps(row, separators=(",", ":")) if pid else message)
    return ("\n".join(lines) + "\n").encode()


def test_a_log_of_prepared_statements_alone_tells_that_everything_is_logged(tmp_path, block_size):
    """Drivers of the extended protocol write execute where psql writes statement."""
    data = json_lines((11, "execute <unnamed>: DELETE FROM a"), (11, "duration: 1 ms"), (12, "execute S_2: select 2"))
    assert_same(scanned(tmp_path, data, "json"), reference(data, "json"))
    assert [each.outcome for each in scanned(tmp_path, data, "json")[0]] == ["committed"]


def test_of_a_transaction_the_nearest_blocks_are_looked_at(tmp_path, monkeypatch):
    """One session's beginning is looked for before the range; of another's it stands in it, a few blocks back."""
    monkeypatch.setattr(blocks_module, "SIZE", 300)
    others = [(12, f"statement: SELECT {at}") for at in range(7)]
    told = [
        *others,
        (11, "statement: BEGIN"),
        (11, "statement: ROLLBACK"),
        *others,
        (11, "statement: BEGIN"),
        others[0],
    ]
    told += [
        (13, "statement: DELETE FROM a"),
        *others[:3],
        (11, "statement: DELETE FROM a"),
        *others,
        (11, "statement: ROLLBACK"),
    ]
    data = json_lines(*told * 3)
    for size in range(1500, 3500, 150):
        assert_same(scanned(tmp_path, data, "json", size=size), reference(data, "json"))


def test_damage_that_only_looks_whole(tmp_path, block_size):
    """Records with too few columns, half a character for a session, parts behind a line that is none."""
    good = csvlog(2, count=3).decode().splitlines(keepends=True)[0]
    row = good[: good.index("LOG,00000") if "LOG,00000" in good else good.index(",0,") + 3]
    cut = row + 'LOG,00000,"statement: SELECT 1",,,"a\nb"\n'
    data = "".join([good, cut, good, cut, row + 'LOG,00000,"statement: SELECT\n1",,,,,,,,,"x"\n', good]).encode()
    assert_same(scanned(tmp_path, data, "csv"), reference(data, "csv"))
    data = json_lines((11, "statement: DELETE FROM a"), (11, "statement: SELECT 1")).replace(
        b"68e5.b", b"\\ud83d\\ud83d"
    )
    assert [each.outcome for each in scanned(tmp_path, data, "json")[0]] == ["unknown"]
    head = f"{stamp(1)} [11] app@shop/x "
    lines = [
        head + "LOG:  statement: DELETE FROM a",
        head + "ERROR:  no",
        *[head + "LOG:  duration: 1.5 ms"] * 3,
        head + "\\OR:  x",
    ]
    data = "".join(
        f"{each}\n" for each in [*lines, head + "STATEMENT:  SELECT 1", *lines, head + "STATEMENT:\0  x"] * 2
    ).encode()
    assert_same(scanned(tmp_path, data, "stderr"), reference(data, "stderr"))
    assert_same(scanned(tmp_path, data, "stderr", size=400), reference(data, "stderr"))


def test_of_a_key_that_comes_twice_the_latter_counts(tmp_path, block_size):
    """A forged line of json may say twice how severe it is, and what it says."""
    usual = '{"timestamp":"2025-10-07 20:27:38.343 UTC","pid":11,"session_id":"68e5b.b","error_severity":"LOG",'
    usual += '"message":"statement: SELECT 1"'
    ends = ["}", ',"error_severity":"ERROR"}', ',"message":"checkpoint starting: time"}', ',"ps":"a"}',
            ',"backend_type":"x","message":"statement: DROP TABLE a"}', ',"m\\u0065ssage":"checkpoint starting: time"}']  # fmt: skip
    data = "".join(f"{usual}{end}\n" for end in ends * 3).encode()
    assert_same(scanned(tmp_path, data, "json"), reference(data, "json"))
    assert len(reference(data, "json")[0]) == 12


@pytest.mark.parametrize("torn", ["", " \r", "20\n25", "x", '"', ","])
def test_a_time_that_is_torn(tmp_path, block_size, torn):
    """A record whose times are damaged is one, unless what it has instead ends a field or a line."""
    good = (
        f'{stamp(1)},"app","shop",11,"[local]",68e5.b,1,"idle",{stamp(1)},3/4,0,LOG,00000,"statement: SELECT 1"'
        + ",,,,,,,,,,,,0\n"
    )
    for broken in (good.replace(" UTC,", f"{torn},", 1), good.replace(" UTC,3", f"{torn},3", 1)):
        data = (good + broken + good).encode()
        assert_same(scanned(tmp_path, data, "csv"), reference(data, "csv"))


@pytest.mark.parametrize("make", [stderr, csvlog, jsonlog])
def test_damage(tmp_path, make, block_size):
    """Cut lines, NULs, foreign lines and a missing beginning: every line is in an entry or unparsed, as it is without the scan."""
    format = {"stderr": "stderr", "csvlog": "csv", "jsonlog": "json"}[make.__name__]
    for seed in range(6):
        chance = random.Random(seed)
        data = bytearray(make(seed, count=300))
        for _ in range(seed):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(1, 400)] = chance.choice((b"", b"\0" * 20, b"\nbash: DELETE\n", b'"', b"\r"))
        assert_same(scanned(tmp_path, bytes(data), format), reference(bytes(data), format))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("insert into a values ('delete')", True),
        ("INSERT INTO a SELECT b, 'it''s to drop' FROM c WHERE d = $1", True),
        ("insert into a values ('x'); drop table b", False),
        ("insert into a values ('x') -- '; drop table b", False),
        ("insert into a values (E'\\\\'); drop table b; --')", False),
        ("insert into a values ($$'$$); delete from b where c = '", False),
        ("insert into a values ('x", False),
        ("insert into a values (1) on conflict do update set b = 2", False),
        ("insert into a values ('x')\n; truncate b", False),
        ("with a as (delete from b) insert into c values ('drop')", False),
    ],
)
def test_what_is_surely_noise(text, expected):
    """An INSERT is passed over without its parser only when nothing of it can be a statement of its own."""
    lines = {
        "stderr": f"{stamp(1)} [11] app@shop/x LOG:  statement: {text}".replace("\n", "\n\t"),
        "csv": f'{stamp(1)},"app","shop",11,"[local]",68e5.b,1,"INSERT",{stamp(1)[:19]} UTC,3/4,0,LOG,00000,"statement: {text}",,,,',
        "json": json.dumps(
            {"error_severity": "LOG", "message": f"execute s1: {text}", "ps": "x"}, separators=(",", ":")
        ),
    }
    for format, line in lines.items():
        assert quiet(f"{line}\n".encode(), format) is expected
        assert not quiet(line.replace("insert", "select").replace("INSERT INTO", "select").encode(), format)
    assert not (expected and costly(text))


@pytest.mark.parametrize("make", [stderr, csvlog, jsonlog])
def test_ranges_are_one_file(tmp_path, make):
    format = {"stderr": "stderr", "csvlog": "csv", "jsonlog": "json"}[make.__name__]
    data = make(9)
    assert_same(scanned(tmp_path, data, format, size=3000), reference(data, format))


def test_ranges_on_processes(tmp_path):
    data = stderr(9)
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        assert_same(scanned(tmp_path, data, "stderr", executor=executor, size=30_000), reference(data, "stderr"))


@pytest.mark.parametrize("make", [stderr, csvlog, jsonlog])
@pytest.mark.parametrize("piece", [1, 700, 1 << 20])
def test_a_packed_log_comes_in_pieces(tmp_path, monkeypatch, make, piece):
    monkeypatch.setattr(blocks_module, "SIZE", 3000)
    format = {"stderr": "stderr", "csvlog": "csv", "jsonlog": "json"}[make.__name__]
    data = make(3, interleaved=True) if make is stderr else make(3)

    def unpacked():
        return (data[at : at + piece] for at in range(0, len(data), piece))

    result = scan(Source(tmp_path / "no such file", format, PREFIX, unpacked=unpacked), size=1000)
    outcomes = Outcomes()
    outcomes.open_books |= result.books
    found = [each for each in outcomes.follow(result.found) if isinstance(each, Unparsed) or significant(each)]
    assert_same((found, result.entries, result.unparsed, result.lines), reference(data, format))


def test_pyarrow_is_not_loaded_for_what_hyperscan_finds(tmp_path):
    pytest.importorskip("hyperscan")
    log = tmp_path / "server.log"
    # Of the UPDATE is to be learnt whether all of its database is logged: a second pass.
    said = ("BEGIN", "UPDATE t SET a = 1", "COMMIT", "SELECT 1")
    log.write_text("".join(f"{stamp(1)} [7] a@b/c LOG:  statement: {each}\n" for each in said))
    code = (f"import sys; from pathlib import Path; from triage_kit.parse.scan import Source, scan; "
            f"scan(Source(Path({str(log)!r}), 'stderr', {PREFIX!r})); print('pyarrow' in sys.modules)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_progress_is_the_size_of_the_file(tmp_path):
    path = tmp_path / "server.log"
    path.write_bytes(stderr(1))
    done = []
    scan(Source(path, "stderr", PREFIX), progress=done.append)
    assert sum(done) == path.stat().st_size


def test_a_statement_of_many_megabytes(tmp_path):
    filler = "x" * 1000
    long = "SELECT 1\n" + "".join(f"\t, '{filler}'\n" for _ in range(3000)) + "\t; DROP TABLE a"
    data = (f"{stamp(1)} [11] app@shop/x LOG:  statement: {long}\n").encode() + stderr(1, count=20)
    assert_same(scanned(tmp_path, data, "stderr"), reference(data, "stderr"))


def test_a_long_statement_is_read_to_its_end(tmp_path):
    """Who looks at the beginning alone sees neither the DELETE nor the COMMIT that stand behind a megabyte."""
    long = "'" + "x" * (2 << 20) + "'"
    statements = ("BEGIN", "DELETE FROM a", f"SELECT {long}; COMMIT", f"INSERT INTO a VALUES ({long}, 'to drop')", "ROLLBACK",
                  f"INSERT INTO a VALUES ({long}); DROP TABLE a", "BEGIN", f"SELECT {long}; DELETE FROM b", "ROLLBACK")  # fmt: skip
    for header in ("statement: ", "execute <unnamed>: "):
        lines = [f"{stamp(at)} [11] app@shop/x LOG:  {header}{each}\n" for at, each in enumerate(statements)]
        ours, theirs = (
            read("".join(lines).encode())
            for read in (lambda data: scanned(tmp_path, data, "stderr"), lambda data: reference(data, "stderr"))
        )
        assert_same(ours, theirs)
        assert [each.outcome for each in ours[0]] == ["committed", "committed", "rolled_back"]


def test_one_statement_of_fifty_megabytes(tmp_path):
    """It ends in what matters, another session works meanwhile, and its own ROLLBACK stands far behind it."""
    long = b"SELECT '" + b"x" * (50 << 20) + b"'; DELETE FROM a"
    head = f"{stamp(1)} [11] app@shop/x LOG:  statement: "
    data = f"{head}BEGIN\n{head}".encode() + long + f"\n{stamp(2)} [12] app@shop/x LOG:  statement: SELECT 1\n".encode()
    data += f"{head}ROLLBACK\n".encode()
    path = tmp_path / "server.log"
    path.write_bytes(data)
    found = scan(Source(path, "stderr", PREFIX))
    told = [each for each in Outcomes().follow(found.found) if isinstance(each, Entry) and significant(each)]
    [kept] = told
    assert kept.statement.startswith("SELECT 'xxx")
    assert kept.statement.endswith(f" … {50 << 20} characters'; DELETE FROM a")
    assert kept.outcome == "rolled_back"
    assert (found.entries, found.unparsed, found.lines) == (4, 0, 4)


@pytest.mark.parametrize(
    "prefix", ["%m [%p] ", "%t:%r:%u@%d:[%p]:", "%t [%p]: [%l-1] user=%u,db=%d,app=%a,client=%h ", "%c %x %e %Q %v "]
)
def test_what_is_ordinary_is_told_by_what_is_not(prefix):
    """Cut, doubled or changed at any place, a line is odd exactly when it does not begin as the grammar says."""
    good = re.compile(ordinary("stderr", prefix).match.encode())
    find = engine.Matcher({"odd": odd_lines("stderr", prefix)})
    values = {"m": stamp(1), "t": "2025-10-07 20:27:38 CEST", "p": "4711", "r": "10.0.0.1(5432)", "u": "app", "d": "shop",
              "l": "12", "a": "web", "h": "[local]", "c": "68e5b.b", "x": "0", "e": "00000", "Q": "-12", "v": "3/4"}  # fmt: skip
    line = re.sub("%(.)", lambda found: values[found[1]], prefix) + "LOG:  statement: SELECT 1"
    changes = [(cut, more) for cut in (0, 1) for more in ("", "x", "7", " ")]
    lines = [line[:at] + more + line[at + cut :] for at in range(len(line)) for cut, more in changes]
    block = engine.Lines("".join(f"{each}\n" for each in lines).encode())
    assert find(block)["odd"].tolist() == [at for at in range(len(lines)) if not good.match(block.text(at))]
    assert good.match(line.encode())


HEADED = ["%m [%p] ", "%t:%r:%u@%d:[%p]:", "< %m >%q %u@%d %c ", "%s [%p] %q%u@%d/%a ", "%t %u@%d [%p]: "]


def headed_lines(chance, prefix):
    """Lines of some sessions under a prefix, some of them changed at one place, some no ordinary entries."""
    made = []
    for _ in range(chance.randint(1, 400)):
        at, who = chance.randrange(60), chance.choice((("app", 7), ("app", 12345), ("a_longer_one", 88), ("ü", 9)))
        values = {"m": stamp(at), "t": f"2025-10-07 20:27:{at:02} CEST", "p": str(who[1]), "r": f"10.0.0.{who[1] % 256}(5432)", "u": who[0],
                  "d": "shop", "a": "web", "c": f"68e5b.{who[1]:x}", "s": f"2025-10-07 20:{at:02}:38 UTC", "q": ""}  # fmt: skip
        text = chance.choice(("statement: SELECT 1", "duration: 1.5 ms", "execute a: SELECT 1", "connection received: host=a",
                              "connection authorized: user=app", "disconnection: session time: 0:00:01", "checkpoint starting: time",
                              "statement", "durations: 1", ""))  # fmt: skip
        head = re.sub("%(.)", lambda found, values=values: values[found[1]], prefix)
        line = f"{head}{chance.choice(('LOG', 'LOG', 'LOG', 'ERROR'))}:  {text}"
        if chance.random() < 0.2:
            place = chance.randrange(len(line))
            line = (
                line[:place] + chance.choice(("", "x", "7", "\t", ":", "\xb0")) + line[place + chance.randint(0, 1) :]
            )
        made += [line, "\tmore"] if chance.random() < 0.1 else [line]
    return made


@pytest.mark.parametrize("prefix", HEADED)
@pytest.mark.parametrize("slotted", [0, 200])
def test_known_heads_tell_what_the_grammar_tells(monkeypatch, prefix, slotted):
    monkeypatch.setattr(heads, "_MOST_SLOTTED", slotted)
    monkeypatch.setattr(heads, "_ASKED", 10**9)  # so many damaged lines would make it give up
    good, find = re.compile(ordinary("stderr", prefix).match.encode(), re.DOTALL), HeadMatcher({"odd": "a"}, prefix)
    for seed in range(40):
        made = headed_lines(random.Random(seed), prefix)
        block = engine.Lines("".join(f"{each}\n" for each in made).encode())
        odd = [at for at in range(len(made)) if not made[at].startswith("\t") and not good.match(block.text(at))]
        assert find.heads.odd(block).tolist() == odd
    assert find.heads.asked < find.heads.seen * 0.7, "hardly a line was told by its head"


def test_where_every_head_is_new_the_matcher_of_the_grammar_tells():
    prefix = "%m [%p] "
    find = matcher({"odd": odd_lines("stderr", prefix)}, "stderr", prefix)
    for pid in range(0, 9000, 1000):
        made = [f"{stamp(1)} [{pid + at}] LOG:  statement: SELECT 1\n" for at in range(1000)]
        found = find(engine.Lines("".join([*made[:500], "nothing\n", *made[500:]]).encode()))
        assert found["odd"].tolist() == [500]
    assert find.heads.odd(engine.Lines(b"a\n")) is None
    assert len(find.heads.known) < 4000


def test_the_time_that_a_prefix_begins_with():
    told = {
        each: begins_with_time(each)
        for each in ("%m [%p] ", "%p %m ", "[%t] ", "9%m ", "%n [%p] ", "%-30m ", "", "%%%s ")
    }
    day = "9999-99-99 99:99:99"
    assert told == {"%m [%p] ": f"{day}.999 ", "%p %m ": "", "[%t] ": f"[{day} ", "9%m ": "", "%n [%p] ": "", "%-30m ": "", "": "",
                    "%%%s ": f"%{day} "}  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE a SET b = (SELECT c FROM d WHERE e)", True),
        ("UPDATE a SET b = 1; UPDATE c SET d = 2 WHERE e", True),
        ("WITH x AS (SELECT 1 WHERE true) UPDATE a SET b = 1", True),
        ('UPDATE "a" SET "b" = \'it\'\'s\', c = now() WHERE "id" = 7', False),
        ("SELECT 1 FROM jobs WHERE a FOR UPDATE SKIP LOCKED", False),
        ("INSERT INTO a VALUES (1) ON CONFLICT (id) DO UPDATE SET b = 2", False),
        ("SELECT f('update a set b = ''no where''')", True),
        ("UPDATE a SET b = $1 WHERE c = $2", False),
    ],
)
def test_an_update_is_costly_without_a_where_of_its_own(statement, expected):
    assert costly(statement) is expected or (not expected and " DO " in statement)
    line = f"{stamp(1)} [11] app@shop/x LOG:  statement: {statement}\n".encode()
    if expected:
        assert len(engine.Matcher({"update": f"(?i){unbounded_update()}"})(engine.Lines(line))["update"])


@pytest.mark.filterwarnings("default::ResourceWarning", "default::DeprecationWarning")
def test_ranges_on_a_dask_cluster(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra `scale` (dask) is not installed")
    data = stderr(9)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        executor = client.get_executor()
        assert_same(scanned(tmp_path, data, "stderr", executor=executor, size=30_000), reference(data, "stderr"))


def test_csv_reader_agrees_with_the_generator():
    rows = list(csv.reader(io.StringIO(csvlog(1, count=50).decode())))
    assert {len(row) for row in rows} == {26}
