"""What psql is given of a dump of SQL text: nothing that leads away from the database beside."""

import subprocess

import pytest

from triage_kit import schemas
from triage_kit.analyse.dump_ways import _section
from triage_kit.parse.dump_plain import read_plain

# As pg_dumpall --clean of 18 writes it, cut short: roles and databases before the first \\connect, then a part each.
CLUSTER = """\
DROP DATABASE shop;
CREATE ROLE ada;
\\connect template1
CREATE TABLE public.template ();
\\unrestrict x
CREATE DATABASE shop WITH TEMPLATE = template0;
{connect}
\\restrict x
SET client_encoding = 'UTF8';
ALTER DATABASE shop SET search_path TO 'a';
COPY public.items (id, said) FROM stdin;
1\tCREATE DATABASE shop
\\.
\\unrestrict x
\\connect other
COPY public.items (id, said) FROM stdin;
2\tof another database
\\.
"""
KEPT = """\
\\restrict x
SET client_encoding = 'UTF8';
COPY public.items (id, said) FROM stdin;
1\tCREATE DATABASE shop
\\.
\\unrestrict x
"""
HERE = {"identity": schemas.frame("identity", [{"database": "shop"}])}


@pytest.mark.parametrize(
    "connect", ["\\connect shop", '\\connect "shop"', "\\connect -reuse-previous=on \"dbname='shop'\""]
)
def test_of_a_cluster_only_the_part_of_the_damaged_database_reaches_psql(connect: str) -> None:
    command = _section({"database": "other, shop, template1"}, HERE)
    told = CLUSTER.replace("{connect}", connect)
    done = subprocess.run(["sh", "-c", f"cat |{command} cat"], input=told, capture_output=True, text=True, check=True)
    assert done.stdout == KEPT


def test_a_name_that_no_filter_is_sure_of_has_none() -> None:
    assert _section({"database": "my shop"}, HERE) is None
    assert _section({"database": "a, b"}, HERE) is None


@pytest.mark.parametrize(
    ("line", "leads"),
    [
        ("\\c other", {"\\c other"}),
        ("SELECT 1; \\c other -", {"\\c other"}),
        ("  \\connect other", {"\\connect other"}),
        ("\\i more.sql", {"\\i more.sql"}),
        ("COMMENT ON TABLE a IS 'under C:\\copies';  -- \\c other", set()),
        ("\\restrict x", set()),
        ("\\unrestrict x", set()),
    ],
)
def test_an_edited_dump_that_leads_away_has_no_filter(line: str, leads: set[str]) -> None:
    told = read_plain([f"-- PostgreSQL database dump\n{line}\nCOPY a (b) FROM stdin;\n\\\\c d\n\\.\n".encode()])
    assert told.leading == leads
    assert (_section({"database": ", ".join(["shop", *sorted(leads)])}, HERE) is None) == bool(leads)
