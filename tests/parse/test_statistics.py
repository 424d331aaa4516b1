"""Statistics files as people make them: psql --csv, spreadsheets, psql's own tables, Markdown."""

from datetime import UTC, datetime

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
