"""A ferry line in Swedish: a timetable and cabins that follow the head office, a domain, check-ins, a sweep."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, crash, lost, ok

CENTRAL = (
    "CREATE SCHEMA farja",
    "CREATE TABLE farja.avgang (id int PRIMARY KEY, linje text NOT NULL, tid timestamptz)",
    "CREATE TABLE farja.hytt (id int PRIMARY KEY, avgang int NOT NULL, klass char(1))",
)
TABLES = (
    *CENTRAL,
    "CREATE DOMAIN farja.hamnkod AS char(5) CHECK (VALUE ~ '^SE')",
    "CREATE TABLE farja.hamn (namn text PRIMARY KEY, kod farja.hamnkod, djup numeric(4, 1))",
    "CREATE TABLE farja.bokning (nr bigint PRIMARY KEY, avgang int NOT NULL, namn text, senast timestamptz NOT NULL)",
    "CREATE UNLOGGED TABLE farja.incheckning (nr bigint PRIMARY KEY, lucka smallint)",
    "CREATE UNLOGGED TABLE farja.felkod (nr bigint, kod text)",
)
BOOKED = act(
    "farja",
    "bokning-api",
    "INSERT INTO farja.hamn SELECT 'Hamn ' || g, 'SE' || lpad(g::text, 3, '0'), 8.5 FROM generate_series(1, 22) g",
    "INSERT INTO farja.bokning SELECT g, 1 + g % 90, 'Resenär ' || g, timestamptz '2026-11-25 10:00+00' + g "
    "* interval '1 min' FROM generate_series(1, 5200) g",
    "INSERT INTO farja.incheckning SELECT g, g % 4 FROM generate_series(1, 310) g",
)
SAILED = act(
    "farja",
    "bokning-api",
    "INSERT INTO farja.avgang SELECT g, 'Linje ' || g % 5, now() FROM generate_series(1, 90) g",
    "INSERT INTO farja.hytt SELECT g, 1 + g % 90, 'B' FROM generate_series(1, 1080) g",
)
ASKED = act("farja", "bokning-api", "INSERT INTO farja.hamn VALUES ('Gästhamn', 'SE900', 2.5), ('Kaj', 'SE901', 3)")
STANDING = {
    "farja.avgang": ok(90),
    "farja.hytt": ok(1080),
    "farja.hamn": ok(24),
    "farja.bokning": ok(5200),
    "farja.incheckning": ok(310),
    "farja.felkod": ok(0),
}
RESET = {"farja.incheckning": lost("unlogged_reset", None)}


def _crashed(*causes: dict) -> dict:
    """After a crash nobody is checked in, whatever else befell; the table of faults was empty before."""
    return {
        "tables": {**RESET, "farja.felkod": ok(0, accepts=["unlogged_reset", "counters_reset"])},
        "causes": (*causes, {"cause": "crash", "tables": tuple(RESET)}),
    }


SETTINGS = {"log_line_prefix": "%m %a %u %d %p: ", "log_timezone": "Europe/Stockholm"}
FIRST = Commit(6600, "Tabeller", {"sql/0001_tabeller.sql": ";\n".join(TABLES) + ";\n"})
FOLLOWED = (
    *[f"INSERT INTO farja.avgang SELECT g, 'Linje ' || g % 5, now() FROM generate_series({n}, {n + 44}) g"
      for n in (1, 46)],
    *[f"INSERT INTO farja.hytt SELECT g, 1 + g % 90, 'B' FROM generate_series({n}, {n + 359}) g"
      for n in (1, 361, 721)],
)  # fmt: skip


def _followed(stage: Stage, keys: str, deed: str, left: int) -> None:
    """The head office publishes departures and cabins; it has a key between them, which this server has not."""
    deeds.published(
        stage, "farja", (*CENTRAL, keys), "FOR TABLE farja.avgang, farja.hytt", FOLLOWED, [deed],
        "SELECT (SELECT count(*) FROM farja.avgang) + (SELECT count(*) FROM farja.hytt)", (1170, left),
    )  # fmt: skip


def _timetable_truncated(stage: Stage) -> None:
    key = "ALTER TABLE farja.hytt ADD FOREIGN KEY (avgang) REFERENCES farja.avgang"
    _followed(stage, key, "TRUNCATE farja.avgang CASCADE", 0)


timetable_truncated_at_head_office = Script(
    "timetable_truncated_at_head_office",
    "Head office truncates the departures, CASCADE takes the cabins there, and both are truncated here as well",
    "farja",
    "farja",
    TABLES,
    [BOOKED, _timetable_truncated, ASKED, act("klund", "psql", "TRUNCATE farja.avgangar", fails=True), checkpoint],
    {**STANDING, "farja.avgang": lost("truncate", 90), "farja.hytt": lost("truncate", 1080)},
    "replication",
    scope=["farja"],
    roles={"klund": "farja"},
    roots=["farja.avgang", "farja.hytt"],
    reported=["farja.avgang", "farja.hytt"],
    commits=[FIRST],
    later=[act("farja", "bokning-api", "INSERT INTO farja.hamn VALUES ('Ny', 'SE910', 2), ('Nyare', 'SE911', 3)")],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "replication", "accepts": ("unknown",),
                              "tables": ("farja.avgang", "farja.hytt")})},
    holdout=True,
)  # fmt: skip


def _line_closed(stage: Stage) -> None:
    key = "ALTER TABLE farja.hytt ADD FOREIGN KEY (avgang) REFERENCES farja.avgang ON DELETE CASCADE"
    _followed(stage, key, "DELETE FROM farja.avgang WHERE linje <> 'Linje 0'", 234)


line_closed_at_head_office = Script(
    "line_closed_at_head_office",
    "Head office deletes the departures of all lines but one; its cascade arrives here as deletes of both tables",
    "farja",
    "farja",
    TABLES,
    [BOOKED, _line_closed, ASKED, act("klund", "psql", "DELETE FROM farja.avgang WHERE id = 1", undone=True),
     checkpoint],
    {
        **STANDING,
        "farja.avgang": lost("delete", 72, 18),
        # There a key's cascade deleted them; here no key joins the two, and rows were deleted one by one.
        "farja.hytt": lost("delete", 864, 216, accepts=["cascade_delete"]),
    },
    "replication",
    scope=["farja"],
    roles={"klund": "farja"},
    roots=["farja.avgang", "farja.hytt"],
    reported=["farja.avgang"],
    commits=[FIRST],
    later=[act("farja", "bokning-api", "INSERT INTO farja.hamn VALUES ('Ny', 'SE910', 2), ('Nyare', 'SE911', 3)")],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "replication", "accepts": ("unknown",),
                              "tables": ("farja.avgang", "farja.hytt")})},
    holdout=True,
)  # fmt: skip

domain_dropped = Script(
    "domain_dropped",
    "Somebody drops a domain that is thought to be unused, with CASCADE: every harbour stands, and none has its code",
    "farja",
    "farja",
    TABLES,
    [
        BOOKED,
        SAILED,
        ASKED,
        checkpoint,
        act("klund", "psql", "DROP DOMAIN farja.hamnkod", fails=True),
        act("klund", "psql", "DROP DOMAIN farja.hamnkod CASCADE"),
        act("farja", "bokning-api", "SELECT kod FROM farja.hamn WHERE namn = 'Kaj'", fails=True),
        checkpoint,
    ],
    {**STANDING, "farja.hamn": ok(24, "column_drop")},
    "not_lost",
    scope=["farja"],
    roles={"klund": "farja"},
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ()}],
    reported=["farja.hamn"],
    commits=[FIRST],
    later=[act("farja", "bokning-api", "INSERT INTO farja.hytt VALUES (5001, 3, 'A'), (5002, 3, 'A')")],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "not_lost", "accepts": ("manual_session",), "tables": ()})},
    holdout=True,
)

check_ins_after_two_falls = Script(
    "check_ins_after_two_falls",
    "The server fell twice in a night: unlogged check-ins are empty; faults were empty before; a migration ran between",
    "farja",
    "farja",
    TABLES,
    [
        BOOKED,
        SAILED,
        act("farja", "cron", "ANALYZE"),
        checkpoint,
        crash,
        act("farja", "alembic", "ALTER TABLE farja.incheckning ADD COLUMN fordon text"),
        ASKED,
        crash,
        act("farja", "bokning-api", "SELECT count(*) FROM farja.incheckning"),
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "farja.incheckning": lost("unlogged_reset", None),
        "farja.felkod": ok(0, accepts=["counters_reset", "unlogged_reset"]),
    },
    "crash",
    scope=["farja"],
    roots=["farja.incheckning"],
    reported=["farja.incheckning"],
    commits=[FIRST, Commit(4, "Fordon", {"alembic/versions/0018_fordon.py": "from alembic import op\n\nrevision = "
        "'0018'\n\n\ndef upgrade():\n    op.execute('ALTER TABLE farja.incheckning ADD COLUMN fordon text')\n"})],
    later=[act("farja", "bokning-api", "INSERT INTO farja.hamn VALUES ('Ny', 'SE910', 2), ('Nyare', 'SE911', 3)")],
    settings=SETTINGS,
    views={"crash": _crashed()},
    holdout=True,
)  # fmt: skip

SWEEP = "DELETE FROM farja.bokning WHERE senast < timestamptz '2026-11-29 00:00+00'"
swept_at_start = Script(
    "swept_at_start",
    "The service sweeps bookings that ran out whenever it starts; its host's clock was three days ahead",
    "farja",
    "farja",
    TABLES,
    [
        BOOKED,
        SAILED,
        checkpoint,
        act("farja", "bokning-api", SWEEP),
        ASKED,
        act("klund", "psql", "TRUNCATE farja.bokningar", fails=True),
        act("farja", "bokning-api", "INSERT INTO farja.bokning VALUES (9001, 3, 'Ny', now() + interval '9 days')"),
        checkpoint,
    ],
    {**STANDING, "farja.bokning": lost("delete", 5159, 42)},
    "application",
    scope=["farja"],
    roles={"klund": ""},
    roots=["farja.bokning"],
    reported=["farja.bokning"],
    commits=[FIRST, Commit(900, "Sweep at start", {"bokning/start.py": "async def startup(pool, clock):\n    await "
        "pool.execute('DELETE FROM farja.bokning WHERE senast < $1', clock.now())\n"})],
    later=[act("farja", "bokning-api", "INSERT INTO farja.hamn VALUES ('Ny', 'SE910', 2), ('Nyare', 'SE911', 3)")],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "application", "tables": ("farja.bokning",)})},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        timetable_truncated_at_head_office, line_closed_at_head_office, domain_dropped, check_ins_after_two_falls,
        swept_at_start,
    )
)  # fmt: skip
