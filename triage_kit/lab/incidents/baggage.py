"""Baggage of an airport, 160,000 rows: a job of the day, a killed server, a trigger, a feed, a terminal."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import Commit, Script, Stage, act, checkpoint, crash, lost, ok

TABLES = (
    "CREATE SCHEMA bhs",
    "CREATE TYPE bhs.leg AS ENUM ('in', 'out', 'transfer')",
    "CREATE TABLE bhs.season (code char(3) PRIMARY KEY, begins date)",
    "CREATE TABLE bhs.flight (day date NOT NULL, number text NOT NULL, leg bhs.leg, PRIMARY KEY (day, number))",
    "CREATE TABLE bhs.bag (lpn bigint PRIMARY KEY, day date NOT NULL, number text NOT NULL, kg numeric(4, 1))",
    "CREATE TABLE bhs.allocation (day date, number text, belt smallint, PRIMARY KEY (day, number))",
    "CREATE UNLOGGED TABLE bhs.position (lpn bigint PRIMARY KEY, conveyor smallint, at timestamptz DEFAULT now())",
    "CREATE TABLE bhs.scan (terminal text NOT NULL, lpn bigint NOT NULL, reader smallint) PARTITION BY LIST (terminal)",
    *[f"CREATE TABLE bhs.scan_t{n} PARTITION OF bhs.scan FOR VALUES IN ('T{n}')" for n in (1, 2, 3)],
    "CREATE INDEX scan_lpn ON bhs.scan (lpn)",
)
HANDLED = act(
    "bhs_core",
    "bhs-core",
    "INSERT INTO bhs.season VALUES ('S26', '2026-03-29'), ('W26', '2026-10-25')",
    "INSERT INTO bhs.flight SELECT date '2026-11-20' + g % 8, 'TK' || g, 'out' FROM generate_series(1, 800) g",
    "INSERT INTO bhs.bag SELECT 100000000 + g, date '2026-11-20' + g % 8, 'TK' || 1 + g % 800, 20 "
    "FROM generate_series(1, 160000) g",
    "INSERT INTO bhs.allocation SELECT date '2026-11-20' + g % 8, 'TK' || g, g % 14 FROM generate_series(1, 800) g",
    "INSERT INTO bhs.position SELECT 100000000 + g, g % 60 FROM generate_series(1, 1500) g",
    "INSERT INTO bhs.scan SELECT 'T' || 1 + g % 3, 100000000 + g, g % 40 FROM generate_series(1, 6000) g",
)
SCANNED = act(
    "bhs_core", "reader-gw", "INSERT INTO bhs.scan SELECT 'T1', 100007000 + g, 3 FROM generate_series(1, 9) g"
)
STANDING = {
    "bhs.season": ok(2),
    "bhs.flight": ok(800),
    "bhs.bag": ok(160000),
    "bhs.allocation": ok(800),
    "bhs.position": ok(1500),
    "bhs.scan": ok(6009),
    "bhs.scan_t1": ok(2009),
    "bhs.scan_t2": ok(2000),
    "bhs.scan_t3": ok(2000),
}
RESET = {"bhs.position": lost("unlogged_reset", None)}


def _crashed(*causes: dict) -> dict:
    """After a crash the unlogged positions are empty, whatever else befell."""
    return {"tables": RESET, "causes": (*causes, {"cause": "crash", "tables": ("bhs.position",)})}


SETTINGS = {"log_line_prefix": "%m|%p|%u@%d|%a|%e|", "log_timezone": "Europe/Istanbul"}
CLOSE = "DELETE FROM bhs.bag WHERE day <= {}"

day_closed_a_week_ahead = Script(
    "day_closed_a_week_ahead",
    "The nightly job closes a day and adds the seven days of grace instead of taking them away: today's bags go too",
    "airport",
    "bhs_core",
    TABLES,
    [
        HANDLED,
        checkpoint,
        act("dayclose", "dayclose.timer", CLOSE.format("date '2026-11-19' - 7")),
        SCANNED,
        act("dayclose", "dayclose.timer", CLOSE.format("date '2026-11-19' + 7")),
        act("bhs_core", "bhs-core", "ANALYZE bhs.flight"),
        checkpoint,
    ],
    {**STANDING, "bhs.bag": lost("delete", 140000, 20000)},
    "scheduled_job",
    scope=["bhs"],
    roles={"dayclose": "bhs_core"},
    roots=["bhs.bag"],
    reported=["bhs.bag"],
    commits=[
        Commit(2200, "Close the day", {"ops/dayclose.sql": CLOSE.format("current_date - 7") + ";\n",
            "ops/systemd/dayclose.service": "[Service]\nType=oneshot\nUser=dayclose\n"
                "ExecStart=/usr/bin/psql airport -f /srv/ops/dayclose.sql\n",
            "ops/systemd/dayclose.timer": "[Timer]\nOnCalendar=*-*-* 03:10:00\n"}),
        Commit(9, "Seven days of grace", {"ops/dayclose.sql": CLOSE.format("current_date + 7") + ";\n"}),
    ],
    later=[SCANNED],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "scheduled_job", "tables": ("bhs.bag",)})},
    holdout=True,
)  # fmt: skip

positions_after_the_oom_killer = Script(
    "positions_after_the_oom_killer",
    "The kernel killed the postmaster: positions were unlogged for speed; a person had truncated allocations in vain",
    "airport",
    "bhs_core",
    TABLES,
    [
        HANDLED,
        act("pkaya", "psql", "TRUNCATE bhs.allocations", fails=True),
        checkpoint,
        crash,
        SCANNED,
        act("bhs_core", "bhs-core", "INSERT INTO bhs.position SELECT 100009000 + g, 1 FROM generate_series(1, 35) g"),
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "bhs.position": lost("unlogged_reset", None, 35),
    },
    "crash",
    scope=["bhs"],
    roles={"pkaya": "bhs_core"},
    roots=["bhs.position"],
    reported=["bhs.position"],
    later=[SCANNED],
    settings=SETTINGS,
    views={"crash": _crashed()},
    holdout=True,
)

ON_SEASON = """CREATE FUNCTION bhs.new_season() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE bhs.allocation;
  RETURN NULL;
END $$"""

season_corrected_and_belts_gone = Script(
    "season_corrected_and_belts_gone",
    "A planner corrects the first day of a season in the application; a statement trigger empties the allocations",
    "airport",
    "bhs_core",
    (*TABLES, ON_SEASON,
     "CREATE TRIGGER season_changed AFTER INSERT OR UPDATE ON bhs.season EXECUTE FUNCTION bhs.new_season()"),
    [
        HANDLED,
        checkpoint,
        act("bhs_core", "planning-ui", "UPDATE bhs.season SET begins = '2026-10-26' WHERE code = 'W26'"),
        SCANNED,
        act("pkaya", "psql", "VACUUM FULL bhs.flight"),
        act("bhs_core", "planning-ui", "INSERT INTO bhs.allocation VALUES ('2026-11-27', 'TK900', 4), "
            "('2026-11-27', 'TK901', 5)"),
        checkpoint,
    ],
    {**STANDING, "bhs.allocation": lost("truncate", 800, 2), "bhs.season": ok(2, accepts=["update"])},
    "application",
    scope=["bhs"],
    roles={"pkaya": "bhs_core"},
    roots=["bhs.allocation"],
    causes=[{"cause": "application", "accepts": ("migration",), "tables": ("bhs.allocation",)}],
    reported=["bhs.allocation"],
    commits=[Commit(3100, "Baggage", {"db/010_tables.sql": ";\n".join(TABLES) + ";\n"}),
        Commit(1900, "A season begins with no allocation", {"db/024_season.sql": ON_SEASON + ";\n"})],
    later=[SCANNED],
    settings=SETTINGS,
    views={"crash": _crashed({"cause": "application", "accepts": ("migration",), "tables": ("bhs.allocation",)})},
    holdout=True,
)  # fmt: skip


def _feed_timed_out(stage: Stage) -> None:
    """The day's flights and bags in one transaction: the bags came, and the last statement waited too long."""
    with base.session(stage.server, stage.database, "bhs_core", "airline-feed") as connection:

        def load() -> None:
            with connection.transaction():
                connection.execute("SET LOCAL statement_timeout = '900ms'")
                connection.execute(
                    "INSERT INTO bhs.bag SELECT 200000000 + g, date '2026-11-28', 'LH1', 20 "
                    "FROM generate_series(1, 700) g"
                )
                connection.execute("SELECT pg_sleep(30)")

        base.attempt(load)


feed_timed_out = Script(
    "feed_timed_out",
    "False alarm: the feed of tomorrow's bags ran into its statement timeout and was rolled back whole",
    "airport",
    "bhs_core",
    TABLES,
    [HANDLED, SCANNED, checkpoint, _feed_timed_out, act("pkaya", "psql", "REINDEX TABLE bhs.bag"), checkpoint],
    {**STANDING, "bhs.bag": ok(160000, "rollback", accepts=["none"])},
    "not_lost",
    scope=["bhs"],
    roles={"pkaya": "bhs_core"},
    reported=["bhs.bag"],
    later=[SCANNED],
    settings=SETTINGS,
    views={"crash": _crashed()},
    holdout=True,
)

terminal_left_detached = Script(
    "terminal_left_detached",
    "Somebody detaches the scans of a terminal to repair its index, and goes home before it is attached again",
    "airport",
    "bhs_core",
    TABLES,
    [
        HANDLED,
        SCANNED,
        checkpoint,
        act("pkaya", "psql", "REINDEX TABLE bhs.scan_t2s", fails=True),
        act("pkaya", "psql", "SET ROLE bhs_core", "ALTER TABLE bhs.scan DETACH PARTITION bhs.scan_t2"),
        act("pkaya", "psql", "REINDEX TABLE bhs.scan_t2"),
        act("bhs_core", "reader-gw", "INSERT INTO bhs.scan VALUES ('T2', 100007100, 4)", fails=True),
    ],
    {**{name: told for name, told in STANDING.items() if name != "bhs.scan"},
     "bhs.scan_t2": lost("partition_drop", 0, 2000, status="hidden")},
    "not_lost",
    scope=["bhs"],
    roles={"pkaya": "bhs_core"},
    roots=["bhs.scan_t2"],
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ("bhs.scan_t2",)}],
    reported=["bhs.scan"],
    commits=[Commit(3100, "Baggage", {"db/010_tables.sql": ";\n".join(TABLES) + ";\n"})],
    later=[SCANNED],
    settings=SETTINGS,
    # Bare counters know nothing of partitions.
    views={"stats_csv": {"untellable": {"bhs.scan_t2": ("none",)}},
           "crash": _crashed({"cause": "not_lost", "accepts": ("manual_session",), "tables": ("bhs.scan_t2",)})},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        day_closed_a_week_ahead, positions_after_the_oom_killer, season_corrected_and_belts_gone, feed_timed_out,
        terminal_left_detached,
    )
)  # fmt: skip
