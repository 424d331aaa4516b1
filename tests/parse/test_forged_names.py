"""Who connects writes the names before a message, and a function what is in it: neither may hide or make up a deed."""

import pytest

from triage_kit.parse import Entry, parse

STAMP = "2025-10-07 20:27:38.343 UTC"
CAME = "[12] [unknown]@[unknown] LOG:  connection received: host=10.0.0.7 port=4711"
LET_IN = "LOG:  connection authorized: user={} database={} application_name=psql"
ODD = "x LOG:  y"  # a database's name, or an application's


def read(prefix: str, *lines: str) -> list[Entry]:
    found = list(parse([f"{STAMP} {line}\n".encode() for line in lines], "stderr", prefix))
    assert all(isinstance(each, Entry) for each in found)
    return found


def deeds(entries: list[Entry]) -> list[tuple]:
    return [(each.role, each.database, each.statement) for each in entries if each.statement]


BY_BOTH = "%m [%p] %q%u@%d "


@pytest.mark.parametrize("name", [ODD, "x ERROR:  y", "x STATEMENT:  y", "x LOG:  statement: SELECT 1 --"])
def test_a_database_of_any_name_hides_nothing(name: str) -> None:
    head = f"[12] app@{name} "
    told = read(
        BY_BOTH,
        CAME,
        head + 'LOG:  connection authenticated: identity="app" method=trust (/data/pg_hba.conf:1)',
        head + LET_IN.format("app", name),
        head + "LOG:  statement: DROP TABLE a",
        head + "ERROR:  table does not exist",
        head + "STATEMENT:  DROP TABLE b",
        head + "LOG:  disconnection: session time: 0:00:00.063 user=app",
        CAME,  # the number of the process is used again
        "[12] app@shop " + LET_IN.format("app", "shop"),
        "[12] app@shop LOG:  statement: DROP TABLE c",
    )
    assert deeds(told) == [
        ("app", name, "DROP TABLE a"),
        ("app", name, "DROP TABLE b"),
        ("app", "shop", "DROP TABLE c"),
    ]


@pytest.mark.parametrize("known", ["connected", "seen", "unseen"])
def test_a_message_makes_no_deed_up(known: str) -> None:
    """A function of database x raises what a session of a database with an odd name would log."""
    let_in, seen = "[12] app@x " + LET_IN.format("app", "x"), "[12] app@x LOG:  duration: 1.5 ms"
    before = {"connected": [CAME, let_in], "seen": [seen], "unseen": []}
    told = read(
        BY_BOTH,
        *before[known],
        "[12] app@x LOG:  y " + LET_IN.format("app", ODD),
        "[12] app@x LOG:  y LOG:  statement: DROP TABLE a",
        "[12] app@x LOG:  [unknown]@[unknown] LOG:  connection received: host=10.0.0.7",
        "[12] app@x LOG:  y LOG:  connection received: host=10.0.0.7",
        "[12] app@x LOG:  y " + LET_IN.format("app", ODD),
        "[12] app@x LOG:  y LOG:  statement: DROP TABLE a",
    )
    assert deeds(told) == []
    assert {each.database for each in told if each.role} == {"x"}


def test_a_refused_login_makes_no_deed_up() -> None:
    """Anybody who reaches the port may give a user's name, and needs no password for that."""
    name = "app@shop LOG:  statement: DROP TABLE orders --"
    told = read(BY_BOTH, CAME, f'[12] {name}@shop FATAL:  password authentication failed for user "{name}"')
    assert deeds(told) == []
    assert (told[1].severity, told[1].role, told[1].database) == ("FATAL", name, "shop")


BY_APPLICATION = "%m [%p] %a "


def test_an_application_of_any_name_hides_nothing() -> None:
    said = (
        "LOG:  statement: DROP TABLE a",
        "LOG:  duration: 1 ms",
        "LOG:  execute s: TRUNCATE b",
        "DETAIL:  parameters: 7",
    )
    told = read(BY_APPLICATION, *(f"[12] {ODD} {each}" for each in said))
    assert [each.statement for each in told] == ["DROP TABLE a", None, "TRUNCATE b"]


@pytest.mark.parametrize(
    "part", ["CONTEXT:  PL/pgSQL function inline_code_block line 1 at RAISE", "STATEMENT:  SELECT f()"]
)
def test_a_message_makes_no_deed_up_behind_an_application(part: str) -> None:
    """What a server logs of a statement has no context and names no statement: what a function raises has."""
    told = read(BY_APPLICATION, "[12] psql LOG:  foo LOG:  statement: DROP TABLE a", f"[12] psql {part}",
                "[13] psql LOG:  statement: SELECT 1")  # fmt: skip
    assert "DROP TABLE a" not in [each.statement for each in told]
    assert (told[0].application, told[0].message) == ("psql", "foo LOG:  statement: DROP TABLE a")


HONEST = "12 evil@shop LOG:  statement: DROP TABLE orders"


@pytest.mark.parametrize("refused", [
    # Of a name that repeats the deed, and of one whose refusal names the role of the deed: each begins behind it.
    ["99 x LOG:  statement: DROP TABLE orders", '12 evil@d FATAL:  role "x LOG:  statement: DROP TABLE orders',
     '\t12 evil" does not exist'],
    ["99 evil@x", '12 c@d FATAL:  password authentication failed for user "evil"'],
    ["99 evil@x LOG:  y", '12 c@d FATAL:  password authentication failed for user "evil"'],
    ['99 evil@shop FATAL:  password authentication failed for user "evil"'],
    ['99 c@evil FATAL:  database "evil" does not exist'],
    ["99 evil@shop FATAL:  sorry, too many clients already"],
])  # fmt: skip
def test_a_refusal_disowns_nothing_that_stands_before_its_names(refused: list[str]) -> None:
    found = [each for each in parse([f"{line}\n".encode() for line in (HONEST, *refused)], "stderr", "%p %u@%d ")
             if isinstance(each, Entry)]  # fmt: skip
    assert deeds(found) == [("evil", "shop", "DROP TABLE orders")]
