"""Tickets of concert halls, keyed by UUID in two schemas: a procedure that truncates, batches, a standby, a slip."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, act, checkpoint, lost, ok

TABLES = (
    "CREATE SCHEMA venue",
    "CREATE SCHEMA sales",
    "CREATE TABLE venue.halls (hall_id uuid PRIMARY KEY, name text NOT NULL)",
    "CREATE TABLE venue.seats (seat_id uuid PRIMARY KEY, hall_id uuid NOT NULL REFERENCES venue.halls, label text)",
    "CREATE TABLE sales.shows (show_id uuid PRIMARY KEY, hall_id uuid NOT NULL REFERENCES venue.halls, title text)",
    "CREATE TABLE sales.orders (order_id uuid PRIMARY KEY, buyer text, paid boolean, placed_at timestamptz "
    "DEFAULT now())",
    "CREATE TABLE sales.holds (hold_id uuid PRIMARY KEY, show_id uuid REFERENCES sales.shows, until timestamptz)",
    "CREATE TABLE sales.tickets (ticket_id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES sales.orders, "
    "show_id uuid NOT NULL REFERENCES sales.shows, seat_id uuid)",
    "CREATE TABLE sales.scans (ticket_id uuid NOT NULL REFERENCES sales.tickets, gate text)",
    "CREATE INDEX tickets_by_order ON sales.tickets (order_id)",
)


def _id(kind: str, number: str = "g") -> str:
    return f"md5('{kind}' || {number})::uuid"


SOLD = act(
    "box",
    "boxoffice-api",
    f"INSERT INTO venue.halls SELECT {_id('hall')}, 'Hall ' || g FROM generate_series(1, 4) g",
    f"INSERT INTO venue.seats SELECT {_id('seat')}, {_id('hall', '1 + g % 4')}, 'R' || g "
    "FROM generate_series(1, 480) g",
    f"INSERT INTO sales.shows SELECT {_id('show')}, {_id('hall', '1 + g % 4')}, 'Show ' || g "
    "FROM generate_series(1, 60) g",
    f"INSERT INTO sales.orders SELECT {_id('order')}, 'buyer' || g, CASE WHEN g % 6 = 0 THEN true END "
    "FROM generate_series(1, 900) g",
    f"INSERT INTO sales.holds SELECT {_id('hold')}, {_id('show', '1 + g % 60')}, now() + interval '20 min' "
    "FROM generate_series(1, 35) g",
    f"INSERT INTO sales.tickets SELECT {_id('ticket')}, {_id('order', '1 + g % 900')}, {_id('show', '1 + g % 60')}, "
    f"{_id('seat', '1 + g % 480')} FROM generate_series(1, 1800) g",
)
SCANNED = act(
    "box",
    "gate-scanner",
    f"INSERT INTO sales.scans SELECT ticket_id, 'N' FROM sales.tickets WHERE order_id = {_id('order', '6')}",
)
BOUGHT = act(
    "box",
    "boxoffice-api",
    "INSERT INTO sales.orders VALUES (gen_random_uuid(), 'late buyer', true), (gen_random_uuid(), 'later buyer', true)",
)
STANDING = {
    "venue.halls": ok(4),
    "venue.seats": ok(480),
    "sales.shows": ok(60),
    "sales.orders": ok(902),
    "sales.holds": ok(35),
    "sales.tickets": ok(1800),
    "sales.scans": ok(2),
}
SCOPE = ["venue", "sales"]
SETTINGS = {"log_line_prefix": "ts=%m pid=%p db=%d user=%u app=%a from=%h ", "log_timezone": "Europe/Madrid"}

CLOSE = """CREATE OR REPLACE PROCEDURE sales.close_night() LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM sales.holds WHERE until < now();
  EXECUTE format('TRUNCATE %I.%I{cascade}', 'sales', '{table}');
END $$"""
FIRST, SECOND = CLOSE.format(cascade="", table="scans"), CLOSE.format(cascade=" CASCADE", table="shows")

night_closed_by_procedure = Script(
    "night_closed_by_procedure",
    "The nightly procedure was rewritten: its dynamic TRUNCATE names the shows, and CASCADE takes tickets and holds",
    "boxoffice",
    "box",
    (*TABLES, FIRST),
    [
        SOLD,
        SCANNED,
        act("night_close", "close_night.sh", "CALL sales.close_night()"),
        checkpoint,
        act("box", "alembic", SECOND),
        SCANNED,
        act("night_close", "close_night.sh", "CALL sales.close_night()"),
        BOUGHT,
        act("box", "boxoffice-api", "ANALYZE venue.seats"),
    ],
    {
        **STANDING,
        "sales.shows": lost("truncate", 60),
        "sales.holds": lost("truncate", 35, via=["sales.shows"]),
        "sales.tickets": lost("truncate", 1800, via=["sales.shows"]),
        # Emptied on purpose every night, and this time by the cascade.
        "sales.scans": {**ok(0, "truncate"), "statuses": ("wiped",)},
    },
    "scheduled_job",
    scope=SCOPE,
    roles={"night_close": "box"},
    roots=["sales.shows"],
    reported=["sales.tickets", "sales.shows"],
    commits=[
        Commit(900, "Close the night", {"db/procedures/close_night.sql": FIRST + ";\n",
            "ops/close_night.sh": "#!/bin/sh\nexec psql boxoffice -c 'CALL sales.close_night()'\n",
            "ops/crontab": "30 3 * * * night_close /srv/ops/close_night.sh\n"}),
        Commit(20, "Shows of the past go too", {"db/procedures/close_night.sql": SECOND + ";\n"}),
    ],
    later=[BOUGHT],
    settings=SETTINGS,
)  # fmt: skip

EXPIRE = (
    "DELETE FROM sales.tickets WHERE ctid = ANY (ARRAY(SELECT t.ctid FROM sales.tickets t JOIN sales.orders o "
    "USING (order_id) WHERE o.paid IS NOT TRUE LIMIT 250))"
)

unpaid_expired_in_batches = Script(
    "unpaid_expired_in_batches",
    "The shop expires tickets of unpaid orders in batches; a release writes `paid` late, so nearly all look unpaid",
    "boxoffice",
    "box",
    TABLES,
    [
        SOLD,
        checkpoint,
        *[act("box", "boxoffice-api", EXPIRE) for _ in range(7)],
        SCANNED,
        BOUGHT,
        act("box", "alembic", "CREATE INDEX tickets_by_show ON sales.tickets (show_id)"),
        checkpoint,
    ],
    {**STANDING, "sales.tickets": lost("delete", 1500, 300)},
    "application",
    scope=SCOPE,
    roots=["sales.tickets"],
    reported=["tickets"],
    commits=[
        Commit(60, "Expire what nobody paid", {"boxoffice/api/expiry.py":
            f'EXPIRE = """{EXPIRE}"""\n\n\nasync def after_request(pool):\n    await pool.execute(EXPIRE)\n'}),
        Commit(1, "Find tickets of a show", {"alembic/versions/0044_show.py": "from alembic import op\n\nrevision = "
            "'0044'\n\n\ndef upgrade():\n    op.execute('CREATE INDEX tickets_by_show ON sales.tickets (show_id)')\n"}),
    ],
    later=[BOUGHT],
    settings=SETTINGS,
)  # fmt: skip

scans_and_tickets_by_hand = Script(
    "scans_and_tickets_by_hand",
    "Somebody clears rehearsal scans: TRUNCATE is refused for the foreign key, and both tables are named then",
    "boxoffice",
    "box",
    TABLES,
    [
        SOLD,
        SCANNED,
        BOUGHT,
        checkpoint,
        act("lperez", "psql", "TRUNCATE sales.tickets", fails=True),
        act("lperez", "psql", "TRUNCATE sales.tickets, sales.scans"),
        act("box", "alembic", "ALTER TABLE sales.orders ADD COLUMN channel text DEFAULT 'web'"),
        act("box", "boxoffice-api", f"INSERT INTO sales.tickets SELECT {_id('new')}, {_id('order')}, {_id('show')} "
            "FROM generate_series(1, 3) g"),
        checkpoint,
    ],
    {**STANDING, "sales.tickets": lost("truncate", 1800, 3), "sales.scans": lost("truncate", 2)},
    "manual_session",
    scope=SCOPE,
    roles={"lperez": "box"},
    roots=["sales.tickets", "sales.scans"],
    reported=["sales.tickets"],
    commits=[Commit(1, "Channels", {"alembic/versions/0045_channel.py": "from alembic import op\n\nrevision = '0045'\n"
        "\n\ndef upgrade():\n    op.execute(\"ALTER TABLE sales.orders ADD COLUMN channel text DEFAULT 'web'\")\n"})],
    later=[BOUGHT],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
)  # fmt: skip


UNSEEN = {**lost("unknown", None, 0, status="undecided"), "accepts": ("none", "hidden")}

lagging_standby_asked = Script(
    "lagging_standby_asked",
    "The reporting standby was asked: it has halls, seats and shows of this morning, and no order since",
    "boxoffice",
    "box",
    TABLES,
    [
        act("box", "boxoffice-api", *SOLD.statements[:3]),
        checkpoint,
        deeds.cut_off,
    ],
    {
        **{name: ok(rows, accepts=["counters_reset"])
           for name, rows in (("venue.halls", 4), ("venue.seats", 480), ("sales.shows", 60))},
        "sales.orders": UNSEEN,
        "sales.tickets": UNSEEN,
        "sales.holds": {**ok(0, accepts=["counters_reset", "unknown", "hidden"]), "statuses": ("undecided",)},
        "sales.scans": {**ok(0, accepts=["counters_reset", "unknown", "hidden"]), "statuses": ("undecided",)},
    },
    "not_lost",
    scope=SCOPE,
    causes=[{"cause": "not_lost", "accepts": ("unknown",), "tables": ()}],
    reported=["sales.orders", "sales.tickets"],
    settings={**SETTINGS, "hot_standby": True},
    views={"vacuum": None, "day_later": None, "crash": None},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        night_closed_by_procedure, unpaid_expired_in_batches, scans_and_tickets_by_hand, lagging_standby_asked,
    )
)  # fmt: skip
