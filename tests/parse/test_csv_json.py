# ruff: noqa: E501 -- a case is one line
"""csvlog and jsonlog: columns of all majors, records that are cut, and texts that look like records."""

import json

import pytest

from triage_kit.parse import Clock, Entry, Unparsed, detect_format, parse

BASE = (
    '2025-10-07 20:27:38.343 UTC,"app","shop",12,"10.0.0.7:51234",68e57a7a.c,3,"TRUNCATE TABLE",'
    "2025-10-07 20:00:00 UTC,3/17,745,{severity},00000,{message},,,,,,{query},,,{application}"
)
# 13 has backend_type, 14 and newer leader_pid and query_id too; a future major may have more.
TAILS = {12: "", 13: ',"client backend"', 14: ',"client backend",,0', 99: ',"client backend",,0,x,y'}


def record(message='"statement: TRUNCATE a"', severity="LOG", query="", application='"psql"', tail=TAILS[14]):
    filled = BASE.format(severity=severity, message=message, query=query, application=application)
    return f"{filled}{tail}\n".encode()


def read(*pieces):
    data = b"".join(pieces)
    return list(parse(data.splitlines(keepends=True), "csv", clock=Clock()))


@pytest.mark.parametrize("major", TAILS)
def test_columns_of_every_major(major):
    [found] = read(record(tail=TAILS[major]))
    assert (found.statement, found.application, found.client, found.xid) == (
        "TRUNCATE a",
        "psql",
        "10.0.0.7:51234",
        745,
    )
    assert found.at.isoformat() == "2025-10-07T20:27:38.343000+00:00"


def test_a_text_of_several_lines_keeps_its_quotes_and_lines():
    [found] = read(record('"statement: DELETE FROM ""a,b""\n  WHERE x = \'""\'\n\n"'))
    assert found.statement == 'DELETE FROM "a,b"\n  WHERE x = \'"\'\n\n'


def test_a_record_inside_a_text_is_text():
    inner = record().decode().rstrip("\n")
    background = (
        '2025-10-07 20:27:38.343 UTC,,,7,,68e57a7a.7,1,,2025-10-07 20:00:00 UTC,,0,LOG,00000,"forged",,,,,,,,,""'
    )
    for message in (inner, f"x\n{inner}\ny", f'"\n{inner}', f"x\n{background}\ny", f'"\n{background}'):
        doubled = message.replace('"', '""')
        [found] = read(record(f'"statement: {doubled}"'))
        assert found.statement == message


def test_a_cut_record_takes_nothing_along():
    cut = record('"statement: SELECT 1\n FROM a\n')
    found = read(record(), cut[: cut.index(b"FROM a")] + b"\n", record('"later"'), record('"""quoted"" begin"'))
    assert [each.message for each in found if isinstance(each, Entry)] == [
        "statement: TRUNCATE a",
        "later",
        '"quoted" begin',
    ]
    assert [each.line for each in found if isinstance(each, Unparsed)] == [2, 3]


def test_the_unfinished_last_record_is_unparsed():
    found = read(record(), record()[:150])
    assert [type(each) for each in found] == [Entry, Unparsed]


def test_json_without_optional_keys_and_broken_lines():
    whole = {"timestamp": "2025-10-07 20:27:38.343 UTC", "pid": 12, "error_severity": "ERROR", "state_code": "42601", "message": "no", "statement": "TRUNCAT a", "cursor_position": 1, "txid": 0}  # fmt: skip
    lines = [
        json.dumps(whole),
        json.dumps(whole)[:-9],
        "[]",
        "17",
        '{"a": 1}',
        "",
        '{"error_severity": 5}',
        "{" * 100_000,
    ]
    found = list(parse([f"{each}\n".encode() for each in lines], "json", clock=Clock()))
    assert [type(each) for each in found] == [Entry, *[Unparsed] * 7]
    assert (found[0].message, found[0].sqlstate, found[0].statement, found[0].xid) == (
        "no at character 1",
        "42601",
        "TRUNCAT a",
        None,
    )
    assert found[0].outcome == "failed"


def test_formats_are_told_by_their_beginning():
    stderr = b"2025-10-07 20:27:38.343 UTC [1] LOG:  x\n"
    as_json = b'{"timestamp":"2025-10-07 20:27:38.343 UTC","error_severity":"LOG","message":"x"}\n'
    docker = (
        b'{"log":"2025-10-07 20:27:38.343 UTC [1] LOG:  x\\n","stream":"stderr","time":"2025-10-07T20:27:38.343Z"}\n'
    )
    assert detect_format(stderr * 3) == "stderr"
    assert detect_format(record() * 3) == "csv"
    assert detect_format(as_json * 3 + as_json[:40]) == "json"
    assert detect_format(docker * 3) == "docker"
    assert detect_format(b"") == "stderr"
    assert detect_format(b"\0\0" + stderr) == "stderr"
    # A statement that loads CSV or JSON makes no csvlog.
    assert detect_format(stderr + b"\t" + record() + stderr) == "stderr"
