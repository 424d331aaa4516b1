# ruff: noqa: E501 S608 RET504 rows of logs and SQL made for the tests stay on their lines
"""Logs that a container engine, a journal or syslog kept: the same entries as without what stands around them."""

import csv
import gzip
import io
import json
import re
from datetime import UTC, datetime

import pytest

from triage_kit.parse import Clock, Entry, Unparsed, detect_format, infer_prefix, parse
from triage_kit.parse.wrappers import Unwrapper, unwrapped_head, wrapping

STAMP = "2025-10-07 20:27:38.343 UTC"
LONG = "DELETE FROM a WHERE id IN (" + ", ".join(str(number) for number in range(9000)) + ")"
PLAIN = [
    f"{STAMP} [12] LOG:  statement: {LONG}",
    f"{STAMP} [12] LOG:  statement: TRUNCATE a,",
    "\tb CASCADE",
    f'{STAMP} [13] ERROR:  syntax error at or near "\\" at character 44',
    f"{STAMP} [13] STATEMENT:  DELETE FROM migration.collection_flows WHERE status \\!= 'completed'",
    f"{STAMP} [7] LOG:  checkpoint starting: time",
]
SECOND = "2025-10-07T20:27:38"


def read(data, prefix=None, latest=None):
    clock = Clock()
    layers = wrapping(data)
    inner = unwrapped_head(layers, data)
    format = detect_format(inner)
    if format == "stderr" and prefix is None:
        prefix = infer_prefix(inner.decode("utf-8", "surrogateescape").splitlines())
    unwrapper = Unwrapper(layers, data, clock, latest)
    return layers, list(parse(unwrapper.lines(io.BytesIO(data)), format, prefix or "", clock)), unwrapper


def told(entries):
    return [(each.at, each.severity, each.pid, each.message, each.statement) for each in entries]


def expected():
    return told(parse([line.encode() + b"\n" for line in PLAIN], "stderr", "%m [%p] "))


def pieces(text, size=16384):
    return [text[at : at + size] for at in range(0, len(text), size)]


def docker_json():
    lines = []
    for line in PLAIN:
        for part in pieces(line + "\n"):
            lines.append(json.dumps({"log": part, "stream": "stderr", "time": f"{SECOND}.343123456Z"}))
            if "TRUNCATE" not in part:
                lines.append(json.dumps({"log": "from stdout\n", "stream": "stdout", "time": f"{SECOND}.3Z"}))
    return ("\n".join(lines) + "\n").encode()


def docker_stamps():
    # Every piece of a long line is stamped, and only its last piece ends the line.
    return "".join("".join(f"{SECOND}.343123456Z {part}" for part in pieces(line + "\n")) for line in PLAIN).encode()


def cri():
    lines = []
    for line in PLAIN:
        parts = pieces(line)
        lines += [
            f"{SECOND}.343123456Z stderr {'F' if at == len(parts) - 1 else 'P'} {part}" for at, part in enumerate(parts)
        ]
    return ("\n".join(lines) + "\n").encode()


def syslog_pieces(number, text, limit=900):
    """As write_syslog of src/backend/utils/error/elog.c cuts a message: at newlines, and at a space before the limit."""
    piece = 0
    for line in text.split("\n"):
        while line:
            part = line[:limit]
            if len(line) > limit and not line[limit].isspace():
                part = part[: part.rfind(" ")]
            piece += 1
            yield f"[{number}-{piece}] " + part.replace("\t", "#011")
            line = line[len(part) :]


def messages():
    """The plain lines as messages: main line, continuation and parts together."""
    found = []
    for line in PLAIN:
        if line.startswith("\t") or "STATEMENT:  " in line:
            found[-1] += "\n" + line
        else:
            found.append(line)
    return found


def syslog(header):
    lines = []
    for number, message in enumerate(messages(), 5):
        pid = int(message.split("[")[1].split("]")[0])
        lines += [header.format(pid=pid) + part for part in syslog_pieces(number, message)]
        lines.append("Oct  7 20:27:39 db1 sshd[99]: Accepted publickey for root")
    return ("\n".join(lines) + "\n").encode()


def journal_export():
    out = b""
    for line in PLAIN:
        out += b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1759868858343123\n_PID=4711\n"
        if "\t" in line:
            raw = line.encode()
            out += b"MESSAGE\n" + len(raw).to_bytes(8, "little") + raw + b"\n"
        else:
            out += f"MESSAGE={line}\n".encode()
        out += b"_COMM=postgres\n\n"
    return out


def cloud_sql():
    rows = [
        {
            "textPayload": message,
            "timestamp": f"{SECOND}.343{at:03}Z",
            "severity": "INFO",
            "resource": {"type": "cloudsql_database"},
        }
        for at, message in enumerate(messages())
    ]
    return rows


def lines_of(rows):
    return ("\n".join(json.dumps(row) for row in rows) + "\n").encode()


def table(stamp, message, rows):
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerows([("id", stamp, message), *((at, *row) for at, row in enumerate(rows))])
    return stream.getvalue().encode()


def numbered_records():
    """What a server gave to a syslog that is a journal, pieces and all."""
    for number, message in enumerate(messages(), 5):
        pid = message.split("[")[1].split("]")[0]
        for part in syslog_pieces(number, message):
            text = part.replace("#011", "\t")
            yield {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1759868858343123", "_PID": pid, "MESSAGE": text}


WRAPPED = {
    "json": (("json",), docker_json),
    "stamped": (("stamped",), docker_stamps),
    "cri": (("cri",), cri),
    "rfc3164": (("syslog",), lambda: syslog("Oct  7 20:27:38 db1 postgres[{pid}]: ")),
    "rfc3164 with priority": (("syslog",), lambda: syslog("<134>Oct  7 20:27:38 db1 postgres[{pid}]: ")),
    "iso": (("syslog",), lambda: syslog("2025-10-07T22:27:38.343123+02:00 db1 postgres[{pid}]: ")),
    "rfc5424": (("syslog",), lambda: syslog("<134>1 2025-10-07T20:27:38.343123Z db1 postgres {pid} - - ")),
    "journal": (("journal",), journal_export),
    "journal json": (
        ("json",),
        lambda: lines_of({"MESSAGE": line, "__REALTIME_TIMESTAMP": "1759868858343123", "_PID": "12"} for line in PLAIN),
    ),
    "cloud sql": (("json",), lambda: lines_of(cloud_sql())),
    "cloud sql array": (("array",), lambda: json.dumps(cloud_sql()[::-1], indent=2).encode()),
    "azure": (
        ("json",),
        lambda: lines_of({"properties": {"message": each}, "time": f"{SECOND}Z"} for each in messages()),
    ),
    "compose": (("named", "stamped"), lambda: "".join(f"db-1  | {SECOND}.343Z {line}\n" for line in PLAIN).encode()),
    "compose with others": (
        ("named",),
        lambda: "".join(f"db-1    | {line}\nweb-1   | GET /a LOG: b\n" for line in PLAIN).encode(),
    ),
    "compose in colours": (
        ("named",),
        lambda: "".join(f"\x1b[36mdb-1  | \x1b[0m{line}\n" for line in PLAIN).encode(),
    ),
    "kubectl": (
        ("named", "stamped"),
        lambda: "".join(f"[pod/pg-0/postgres] {SECOND}.343Z {line}\n" for line in PLAIN).encode(),
    ),
    "fly": (
        ("stamped", "named"),
        lambda: "".join(f"{SECOND}Z app[148e] ams [info] {line}\n" for line in PLAIN).encode(),
    ),
    "logcli": (("stamped", "named"), lambda: "".join(f'{SECOND}Z {{job="pg"}} {line}\n' for line in PLAIN).encode()),
    "cloud sql on one line": (("document",), lambda: json.dumps(cloud_sql()[::-1]).encode()),
    "azure records": (
        ("document",),
        lambda: json.dumps({"records": [{"properties": {"message": each}} for each in messages()]}).encode(),
    ),
    "cloudwatch": (
        ("array",),
        lambda: json.dumps(
            {"events": [{"timestamp": 1759868858343, "message": each} for each in messages()], "next": "x"}, indent=4
        ).encode(),
    ),
    "supabase": (
        ("array",),
        lambda: json.dumps(
            [
                {"timestamp": 1759868858343123 - at, "event_message": each}
                for at, each in enumerate(reversed(messages()))
            ],
            indent=2,
        ).encode(),
    ),
    "supabase table": (
        ("table",),
        lambda: table("timestamp", "event_message", [(1759868858343123, each) for each in messages()]),
    ),
    "cloud sql table": (
        ("table",),
        lambda: table("timestamp", "textPayload", [(f"{SECOND}.343Z", each) for each in messages()]),
    ),
    "logs insights": (
        ("table",),
        lambda: table("@timestamp", "@message", [("2025-10-07 20:27:38.343", each) for each in messages()]),
    ),
    "syslog in a journal": (("json", "numbered"), lambda: lines_of(numbered_records())),
    "syslog in an exported journal": (("journal", "numbered"), lambda: exported(numbered_records())),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_entries_are_those_of_the_server(name):
    layers, make = WRAPPED[name]
    found, entries, unwrapper = read(make())
    assert unwrapper.foreign == make().count(b"sshd[99]") + make().count(b"GET /a")
    assert found == layers
    foreign = [each for each in entries if isinstance(each, Unparsed)]
    assert {each.text for each in foreign} <= {"from stdout"}
    assert told(each for each in entries if isinstance(each, Entry)) == expected()


def journal_records(lines):
    return [{"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1759868858343123", "_PID": "99", "_COMM": "dockerd", "MESSAGE": line}
            for line in lines]  # fmt: skip


def partial_records():
    """The journal's entries of docker's log driver, which cuts a long line into entries."""
    for line in PLAIN:
        parts = pieces(line)
        for at, part in enumerate(parts):
            more = {"CONTAINER_PARTIAL_MESSAGE": "true"} if at < len(parts) - 1 else {}
            yield journal_records([part])[0] | {"CONTAINER_ID": "68e57a7a"} | more


def exported(rows):
    return "".join("".join(f"{name}={value}\n" for name, value in row.items()) + "\n" for row in rows).encode()


JOURNALS = {
    "json": (("json", "json"), lambda: lines_of(journal_records(docker_json().decode().splitlines()))),
    "json-seq": (("json", "json"), lambda: b"".join(b"\x1e" + line for line in JOURNALS["json"][1]().splitlines(True))),
    "json-pretty": (("array", "json"), lambda: "\n".join(json.dumps(each, indent=8) for each in journal_records(docker_json().decode().splitlines())).encode()),
    "export": (("journal", "json"), lambda: exported(journal_records(docker_json().decode().splitlines()))),
    "short-iso": (("syslog", "json"), lambda: "".join(f"2025-10-07T22:27:38+0200 host dockerd[99]: {line}\n" for line in docker_json().decode().splitlines()).encode()),
    "short-full": (("syslog", "json"), lambda: "".join(f"Tue 2025-10-07 20:27:38 UTC host dockerd[99]: {line}\n" for line in docker_json().decode().splitlines()).encode()),
    "short-unix": (("syslog", "cri"), lambda: "".join(f"1759868858.343123 host kubelet[99]: {line}\n" for line in cri().decode().splitlines()).encode()),
    "json of cri": (("json", "cri"), lambda: lines_of(journal_records(cri().decode().splitlines()))),
    "json in pieces": (("json",), lambda: lines_of(partial_records())),
    "export in pieces": (("journal",), lambda: exported(partial_records())),
    "json-pretty in pieces": (("array",), lambda: "\n".join(json.dumps(each, indent=8) for each in partial_records()).encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", JOURNALS)
def test_a_journal_around_what_a_container_engine_wrote(name):
    layers, make = JOURNALS[name]
    found, entries, _ = read(make())
    assert found == layers
    assert {each.text for each in entries if isinstance(each, Unparsed)} <= {"from stdout"}
    assert told(each for each in entries if isinstance(each, Entry)) == expected()


PIPES = "%q%a | %u | %d | %m | "


def piped(*applications):
    return "".join(
        f"{each} | app | shop | {STAMP} | LOG:  statement: DELETE FROM a\n" for each in applications
    ).encode()


def test_names_of_any_width_before_a_pipe_are_fields_of_a_prefix():
    assert wrapping(piped("psql", "cms-editor", "psql")) == ()
    assert wrapping(b"web-1  | hello\ndb-1   | LOG:  hello\ndb-1   | LOG:  bye\n") == ("named",)


def test_what_the_prefix_of_the_server_explains_is_no_wrapper():
    assert wrapping(piped("psql", "psql"), PIPES) == ()
    compose = "".join(f"db-1  | {line}\n" for line in PLAIN).encode()
    assert wrapping(compose, "%m [%p] ") == ("named",)
    assert wrapping(b"db-1  | app@shop LOG:  hello\n", "%u@%d ") == ("named",)


def test_lines_of_other_programs_are_counted():
    _, entries, unwrapper = read(WRAPPED["rfc3164"][1]())
    assert unwrapper.foreign == len(messages())
    assert all(isinstance(each, Entry) for each in entries)


def test_a_prefix_without_time_and_process_takes_those_around_it():
    lines = [
        "Dec 31 23:59:59 db1 postgres[12]: [3-1] app@shop LOG:  statement: DELETE FROM a",
        "Jan  1 00:00:01 db1 postgres[13]: [1-1] app@shop ERROR:  boom",
        "Jan  1 00:00:01 db1 postgres[13]: [1-2] app@shop STATEMENT:  DROP TABLE a",
    ]
    latest = datetime(2026, 1, 2, tzinfo=UTC)
    _, entries, _ = read(("\n".join(lines) + "\n").encode(), "%u@%d ", latest)
    assert [(each.at.isoformat(), each.pid, each.statement) for each in entries] == [
        ("2025-12-31T23:59:59+00:00", 12, "DELETE FROM a"),
        ("2026-01-01T00:00:01+00:00", 13, "DROP TABLE a"),
    ]


def test_processes_that_take_turns_in_syslog_keep_their_own_lines():
    lines = [
        "2025-10-07T20:27:38Z db1 postgres[1]: [7-1] LOG:  statement: DELETE",
        "2025-10-07T20:27:38Z db1 postgres[2]: [9-1] LOG:  statement: TRUNCATE",
        "2025-10-07T20:27:38Z db1 postgres[1]: [7-2] #011FROM a",
        "2025-10-07T20:27:38Z db1 postgres[2]: [9-2] #011b",
    ]
    _, entries, _ = read(("\n".join(lines) + "\n").encode(), "")
    assert [(each.pid, each.statement) for each in entries] == [(1, "DELETE\nFROM a"), (2, "TRUNCATE\nb")]


def test_a_record_of_cloudnativepg_is_a_csv_entry():
    record = {"log_time": STAMP, "user_name": "app", "database_name": "shop", "process_id": "12", "connection_from": "[local]",
              "session_id": "68e5.c", "session_line_num": "1", "command_tag": "idle", "session_start_time": STAMP[:19] + " UTC",
              "virtual_transaction_id": "3/4", "transaction_id": "0", "error_severity": "LOG", "sql_state_code": "00000",
              "message": 'statement: DELETE FROM "a,b"\nWHERE 1=1', "application_name": "psql", "backend_type": "client backend"}  # fmt: skip
    row = {"level": "info", "ts": "2025-10-07T20:27:38Z", "logger": "postgres", "msg": "record", "record": record}
    layers, [entry], _ = read(lines_of([row]))
    assert (layers, entry.statement, entry.role) == (("json",), 'DELETE FROM "a,b"\nWHERE 1=1', "app")


def test_rds_prefix():
    line = "2025-10-07 20:27:38 UTC:10.0.0.7(4711):app@shop:[12]:LOG:  statement: TRUNCATE a\n"
    layers, [entry], _ = read(line.encode())
    assert (layers, entry.client, entry.role, entry.database, entry.pid) == ((), "10.0.0.7:4711", "app", "shop", 12)


def test_verbose_errors_carry_their_state():
    lines = [
        f'{STAMP} [13] ERROR:  42601: syntax error at or near "x" at character 8',
        f"{STAMP} [13] LOCATION:  scanner_yyerror, scan.l:1176",
        f"{STAMP} [13] STATEMENT:  DELETE x",
    ]
    _, [entry], _ = read(("\n".join(lines) + "\n").encode())
    assert (entry.sqlstate, entry.message) == ("42601", 'syntax error at or near "x" at character 8')


@pytest.mark.parametrize(
    ("severity", "label", "statement", "error"),
    [
        ("LOG", "ANWEISUNG", "Anweisung", "FEHLER"),
        ("LOG", "INSTRUCTION ", "instruction ", "ERREUR"),
        ("LOG", "SENTENCIA", "sentencia", "ERROR"),
        ("LOG", "ISTRUZIONE", "istruzione", "ERRORE"),
        ("СООБЩЕНИЕ", "ОПЕРАТОР", "оператор", "ОШИБКА"),
        ("LOG", "文", "文", "ERROR"),
        ("日志", "语句", "语句", "错误"),
        ("로그", "명령 구문", "명령 구문", "오류"),
        ("LOGG", "SATS", "sats", "FEL"),
        ("ЗАПИСУВАННЯ", "ІНСТРУКЦІЯ", "оператор", "ПОМИЛКА"),
        ("LOG", "COMANDO", "comando", "ERRO"),
        ("DZIENNIK", "WYRAŻENIE", "wyrażenie", "BŁĄD"),
    ],
)
def test_other_languages(severity, label, statement, error):
    text = f"{STAMP} [12] {severity}:  {statement}: TRUNCATE a\n{STAMP} [12] {error}:  ?\n{STAMP} [12] {label}:  DROP TABLE b\n"
    _, entries, _ = read(text.encode())
    assert [(each.severity, each.kind, each.statement, each.outcome) for each in entries] == [
        ("LOG", "statement", "TRUNCATE a", "unknown"),
        ("ERROR", "error", "DROP TABLE b", "failed"),
    ]


RED, OFF = "\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"
PAINTED = {
    "time": lambda line: line.replace(STAMP, f"{RED}{STAMP}{OFF}", 1),
    "severity": lambda line: re.sub(r"(LOG|ERROR|STATEMENT)(?=:  )", rf"{RED}\1{OFF}", line, count=1),
    "errors alone": lambda line: f"{RED}{line}{OFF}" if " ERROR:  " in line else line,
    "words within": lambda line: f"{RED}{STAMP[:10]}{OFF}{line[10:]}".replace("TRUNCATE", f"{RED}TRUNCATE{OFF}") if line[0] != "\t" else line,
    "cat -v": lambda line: f"^[[32m{line}^[[0m" if line[0] != "\t" else line,
    "compose": lambda line: f"\x1b[36mdb-1  |\x1b[0m {line}",
    "docker logs -t": lambda line: f"\x1b[2m{SECOND}.343123456Z\x1b[0m {line}",
    "json-file": lambda line: json.dumps({"log": f"\x1b[2m{line}\x1b[0m\n", "stream": "stderr", "time": f"{SECOND}.3Z"}),
}  # fmt: skip


@pytest.mark.parametrize("paint", PAINTED)
def test_colours_of_a_terminal_are_taken_off(paint):
    """What `grep --color=always`, log viewers and terminals that were copied leave in a log."""
    lines = [line for line in PLAIN if line != PLAIN[0] and not line.startswith("\t")]
    told_plain = told(parse([line.encode() + b"\n" for line in lines], "stderr", "%m [%p] "))
    painted = "".join(f"{PAINTED[paint](line)}\n" for line in lines).encode()
    assert told(read(painted)[1]) == told_plain


def test_colours_in_a_statement_stay():
    data = f"{STAMP} [12] LOG:  statement: SELECT '{RED}'\n".encode()
    layers, [entry], _ = read(data)
    assert (layers, entry.statement) == ((), f"SELECT '{RED}'")


def test_a_server_log_is_wrapped_in_nothing():
    assert wrapping(("\n".join(PLAIN) + "\n").encode()) == ()
    assert wrapping(b'{"timestamp":"2025-10-07 20:27:38.343 UTC","error_severity":"LOG","message":"x"}\n') == ()
    assert wrapping(b"") == wrapping(gzip.compress(b"x")) == ()


@pytest.mark.parametrize(
    ("module", "piece"),
    [
        ("lines", '{"log":"DELETE ","stream":"stderr","time":"2025-10-07T20:27:38.343Z"}\n'),
        ("lines", "2025-10-07T20:27:38.343Z stderr P DELETE \n"),
        ("syslog", "2025-10-07T20:27:38.343Z host postgres[12]: [7-2] DELETE \n"),
    ],
)
def test_pieces_that_nothing_ends_are_not_gathered_without_bound(monkeypatch, module, piece):
    monkeypatch.setattr(f"triage_kit.parse.{module}.PIECE", 10_000)
    data = piece.replace("-2]", "-1]").encode() + piece.encode() * 1000
    found = list(Unwrapper(wrapping(data), data).lines(io.BytesIO(data)))
    assert max(len(each.text) for each in found) < 2000
    assert "".join(each.text for each in found) == "DELETE " * 1001
    assert [each.more for each in found] == [False] + [True] * (len(found) - 1)
