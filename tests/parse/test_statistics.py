"""Statistics files as people make them: psql in every form it prints, clients' exports, spreadsheets, Markdown."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage_kit.errors import SourceError
from triage_kit.parse.statistics import read_statistics

WANT = {"schema": "m", "table": "assets", "inserts": 81, "deletes": 33, "live": 0}


@pytest.mark.parametrize(
    "text",
    [
        "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\nm,assets,81,33,0\n",
        "SCHEMANAME;RelName;N_Tup_Ins;n_tup_del;n_live_tup\r\nm;assets;81;33;0\r\n",
        '"n_live_tup","n_tup_del","n_tup_ins","relname","schemaname"\n"0","33","81","assets","m"\n',
        "schemaname\trelname\tn_tup_ins\tn_tup_del\tn_live_tup\nm\tassets\t81\t33\t0",
        " schemaname | relname | n_tup_ins | n_tup_del | n_live_tup \n------------+---------+----+----+---\n"
        " m          | assets  |        81 |        33 |          0\n(1 row)\n\n",
        "schemaname|relname|n_tup_ins|n_tup_del|n_live_tup\nm|assets|81|33|0\n(1 row)\n",
        "| schemaname | relname | n_tup_ins | n_tup_del | n_live_tup |\n|---|:--|--:|---|---|\n"
        "| m | assets | 81 | 33 | 0 |",
        "what I saw at ten\n\nschemaname,relname,n_tup_ins,n_tup_del,n_live_tup,relid\nm,assets,81.0,33,0,16385\n",
        "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\nm,assets,80,33,0\n"
        "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\nm,assets,81,33,0\n",
    ],
    ids=["csv", "semicolons", "quoted", "tabs", "psql", "unaligned", "markdown", "heading", "twice"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_dialects_say_the_same(text: str, encoding: str) -> None:
    [row] = read_statistics(text.encode(encoding)).rows
    assert {key: row[key] for key in WANT} == WANT


def test_more_columns_are_used_and_empty_is_missing() -> None:
    text = ("schemaname,relname,n_tup_ins,n_tup_del,n_live_tup,last_autovacuum,autovacuum_count,rows\n"
            "m,a,1,,0,2025-10-07 18:25:35.123456+02,3,\nm,b,1,0,1,NULL,0,7\n")  # fmt: skip
    first, second = read_statistics(text.encode()).rows
    assert first["last_autovacuum"] == datetime(2025, 10, 7, 16, 25, 35, 123456, tzinfo=UTC)
    assert (first["deletes"], first["rows"], first["autovacuums"]) == (None, None, 3)
    assert (second["last_autovacuum"], second["rows"]) == (None, 7)


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ("m,a,many,0,0", "whole number"),
        ("m,a,-1,0,0", "whole number"),
        ("m,a,1,0", "4 values"),
        ("m,,1,0,0", "no name"),
    ],
)
def test_what_cannot_be_read_is_named_and_never_zero(cells: str, word: str) -> None:
    text = f"schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\n{cells}\nm,good,5,1,4\n"
    found = read_statistics(text.encode())
    assert word in found.unread[0]
    assert "line 2" in found.unread[0]
    assert all(row["inserts"] != 0 for row in found.rows)


def test_an_instant_without_offset_is_none() -> None:
    text = "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup,last_vacuum\nm,a,1,0,1,2025-10-07 18:25:35\n"
    found = read_statistics(text.encode())
    assert found.rows[0]["last_vacuum"] is None
    assert "without its offset" in found.unread[0]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "schemaname,relname,n_tup_ins\nm,a,1\n",
                                  "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\n"])  # fmt: skip
def test_a_file_without_a_balance_is_an_error(text: str) -> None:
    with pytest.raises(SourceError):
        read_statistics(text.encode())


# What psql 15 prints of these rows under each setting, made by `psql -P … -c 'SELECT … FROM (VALUES …)'`.
PRINTED = json.loads(Path(__file__).with_name("statistics_by_psql.json").read_text(encoding="utf-8"))
ROWS = [
    ("migration", "assets", 81, 33, 0, datetime(2025, 10, 7, 18, 25, 35, 123456, UTC)),
    ("migration", "größen", 1234567, 1000, 1233567, None),
    ("Odd schema", '表 | "b".', 8, 0, 8, datetime(2025, 10, 7, 18, 25, 35, 0, UTC)),
    ("migration", "a_table_whose_name_is_long_enough_to_be_wrapped_by_psql", 5, 0, 5, None),
]
TWO_LINES = [("m", "two\nlines", 81, 33, 0, None), ("m", "one", 1, 0, 1, None)]
REFUSED = {"latex": r"LaTeX.*\\pset format csv", "troff": "troff", "tuples only": "names"}


def _refused(settings: str) -> str | None:
    return next((words for form, words in REFUSED.items() if form in settings and "expanded" not in settings), None)


def read(text: str | bytes) -> list[tuple]:
    found = read_statistics(text if isinstance(text, bytes) else text.encode())
    return [tuple(row.get(name) for name in ("schema", "table", "inserts", "deletes", "live", "last_autovacuum"))
            for row in found.rows]  # fmt: skip


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_filled_up_to_one_width_hold_no_blanks_of_names(mark: str) -> None:
    """As SQL*Plus-like clients and ``column -o`` write them: the longest name needs no blank."""
    lines = ("schemaname|relname   |n_tup_ins|n_tup_del|n_live_tup",
             "public    |orders    |      120|      120|         0",
             "billing   |line_items|7        |0        |7         ")  # fmt: skip
    text = "\n".join(line.replace("|", mark) for line in lines)
    assert read(text) == [("public", "orders", 120, 120, 0, None), ("billing", "line_items", 7, 0, 7, None)]


def test_blanks_of_one_name_among_others_belong_to_it() -> None:
    text = "schemaname,relname,n_tup_ins,n_tup_del,n_live_tup\nm, a ,1,0,1\nm,a,2,0,2\nm,b ,3,0,3\n"
    assert [row[1] for row in read(text)] == [" a ", "a", "b "]


@pytest.mark.parametrize("settings", [each for each in PRINTED if not _refused(each) and "tex" not in each
                                      and "troff" not in each])  # fmt: skip
def test_every_form_of_psql_says_the_same(settings: str) -> None:
    found = read_statistics(PRINTED[settings].encode())
    rows = read(PRINTED[settings])
    if settings in ("format=unaligned expanded=off", "zero recordsep"):  # nothing tells which | separates
        assert rows == [ROWS[0], ROWS[1], ROWS[3]]
        assert found.unread == ["line 4: 7 values for 6 columns"]
    elif settings == "datestyle SQL, MDY":  # nothing tells the month from the day
        assert [row[:5] for row in rows] == [row[:5] for row in ROWS]
        assert ["want an instant" in each for each in found.unread] == [True, True]
    else:
        assert rows == (TWO_LINES if settings.startswith("newline") else ROWS)
        assert not found.unread
    assert not found.doubts


@pytest.mark.parametrize("settings", [each for each in PRINTED if _refused(each)])
def test_forms_that_cannot_be_read_are_refused_with_what_to_do(settings: str) -> None:
    with pytest.raises(SourceError, match=_refused(settings)) as refused:
        read_statistics(PRINTED[settings].encode())
    assert "csv" in str(refused.value).lower()


HEAD = ("schemaname", "relname", "n_tup_ins", "n_tup_del", "n_live_tup", "last_autovacuum")
OBJECT = dict(zip(HEAD, ("m", "a;b", 1234567, 33, 0, None), strict=True))
PGADMIN = (
    '"schemaname";"relname";"n_tup_ins";"n_tup_del";"n_live_tup";"last_autovacuum"\n"m";"a;b";"1234567";"33";"0";NULL\n'
)
DBEAVER = "\ufeffschemaname,relname,n_tup_ins,n_tup_del,n_live_tup,last_autovacuum\nm,a;b,1234567,33,0,[NULL]\n"
DATAGRIP = "schemaname\trelname\tn_tup_ins\tn_tup_del\tn_live_tup\tlast_autovacuum\nm\ta;b\t1234567\t33\t0\t<null>\n"
EXCEL = 'sep=;\r\nschemaname;relname;n_tup_ins;n_tup_del;n_live_tup;last_autovacuum\r\nm;"a;b";1.234.567;33;0;\r\n'


@pytest.mark.parametrize(
    "data",
    [
        PGADMIN.encode(),
        DBEAVER.encode(),
        DATAGRIP.encode(),
        DATAGRIP.encode("utf-16"),
        DATAGRIP.encode("utf-16-le"),
        EXCEL.encode(),
        EXCEL.replace("1.234.567", '"1,234,567"').encode("utf-8-sig"),
        EXCEL.replace("1.234.567", "1 234 567").encode("utf-16"),
        EXCEL.replace("1.234.567", "1\u202f234\u202f567").encode(),
        EXCEL.replace("1.234.567", "12,34,567").encode(),  # India
        EXCEL.replace("1.234.567", "1.234567E+06").encode(),
        EXCEL.replace("1.234.567", "1,234567e6").encode(),
        b"| `schemaname` | **relname** | n\\_tup\\_ins | n_tup_del | n_live_tup | last_autovacuum |\n"
        b"| --- | :--- | ---: | ---: | ---: | --- |\n| m | `a;b` | 1,234,567 | 33 | 0 | |\n",
        b'schemaname|relname|n_tup_ins|n_tup_del|n_live_tup|last_autovacuum\n"m"|"a;b"|"1234567"|"33"|"0"|""\n',
        json.dumps([OBJECT]).encode(),
        json.dumps({"pg_stat_user_tables": [OBJECT]}, indent=1).encode(),
        "\n".join(json.dumps(OBJECT | {"n_tup_ins": number}) for number in (5, 1234567)).encode(),
        b"<table><thead><tr><th>schemaname<th>relname<th>n_tup_ins<th>n_tup_del<th>n_live_tup</thead>"
        b"<tr><td>m<td>a;b<td>1234567<td>33<td>0</table>",
        b"*************************** 1. row ***************************\nschemaname: m\n   relname: a;b\n"
        b" n_tup_ins: 1234567\n n_tup_del: 33\nn_live_tup: 0\n",
        b"shop=> select * from s;\n schemaname relname n_tup_ins n_tup_del n_live_tup\n0  m  a;b  1234567  33  0\n",
        b"schemaname    relname    n_tup_ins    n_tup_del    n_live_tup\nm    a;b    1234567    33    0\n",
    ],
)  # fmt: skip
def test_exports_of_clients_and_spreadsheets_say_the_same(data: bytes) -> None:
    assert read(data) == [("m", "a;b", 1234567, 33, 0, None)]


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (("1,234", "5", "6"), (1234, 5, 6)),
        (("1.234", "5", "6"), (1234, 5, 6)),
        (("1'234'567", "5", "6"), (1234567, 5, 6)),
        (("1.234,00", "5,00", "6,00"), (1234, 5, 6)),
        (("1,234.0", "5.0", "6.0"), (1234, 5, 6)),
        (("81.000", "5.50", "6"), (81, None, 6)),  # points are decimal here
        (("81.000", "1.234", "6"), (81000, 1234, 6)),  # and not here
        (("81,000", "12345", "6"), (81, 12345, 6)),  # what is long has no mark
        (("81.000", "5", "6"), (None, 5, 6)),  # nothing tells
        (("5e3", "1.5E0", "-3"), (5000, None, None)),
        (("1,23", "0x10", "٣"), (None, None, None)),
    ],
)
def test_marks_in_numbers_are_told_by_the_file(numbers: tuple[str, ...], expected: tuple[int | None, ...]) -> None:
    found = read_statistics(("\t".join(HEAD[:5]) + "\nm\ta\t" + "\t".join(numbers) + "\n").encode())
    assert tuple(found.rows[0][name] for name in ("inserts", "deletes", "live")) == expected
    assert len(found.unread) == expected.count(None)


def test_what_may_mean_something_else_is_said() -> None:
    text = "schemaname;relname;n_tup_ins;n_tup_del;n_live_tup\nm;größen;1,23E+05;1;0\n"
    found = read_statistics(text.encode("cp1252"))
    assert [found.rows[0][name] for name in ("table", "inserts")] == ["größen", 123000]
    assert [("UTF-8" in each, "123000" in each) for each in found.doubts] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-10-07 18:25:35.123456789 +00:00", "2025-10-07T18:25:35.123456+00:00"),
        ("2025-10-07 20:25:35.5 +0200", "2025-10-07T18:25:35.500000+00:00"),
        ("2025-10-07T18:25:35Z", "2025-10-07T18:25:35+00:00"),
        ("2025-10-07 20:25:35 CEST", "2025-10-07T18:25:35+00:00"),
        ("2025-10-07 20:25:35 CST", None),
        ("07.10.2025 20:25", None),
    ],
)
def test_instants_are_read_with_their_offset_or_not_at_all(text: str, expected: str | None) -> None:
    found = read_statistics(f"{','.join(HEAD)}\nm,a,1,0,1,{text}\n".encode())
    at = found.rows[0]["last_autovacuum"]
    assert (at and at.isoformat()) == expected
    assert bool(found.unread) == (expected is None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04\x14\0\x06\0", "spreadsheet"),
        (b"INSERT INTO s (schemaname, relname) VALUES ('m', 'a');", "statements"),
        (b"m,assets,81,33,0\nm,b,1,0,1\n", "names of the columns are missing"),
        (b"schemaname,relname,n_tup_ins,n_tup_del,n_live_tup@@m,a,1,0,1@@", "no row below"),
    ],
)
def test_what_is_no_table_of_text_is_refused_by_its_kind(data: bytes, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        read_statistics(data)
