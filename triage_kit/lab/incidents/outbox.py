"""An event store with read models: a projection rebuilt, a load that failed, a mirror, evidence that is gone."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import (
    ANONYMOUS,
    BLIND,
    Commit,
    Script,
    Stage,
    act,
    checkpoint,
    log_rotated,
    lost,
    ok,
)
from triage_kit.lab.server import Server

PREFIX = {"log_line_prefix": "%n [%p] %d/%u ", "log_timezone": "Europe/London"}
TABLES = (
    "CREATE SCHEMA es",
    "CREATE SCHEMA read",
    "CREATE TABLE es.events (position bigserial PRIMARY KEY, stream uuid, type text, body jsonb)",
    "CREATE TABLE es.outbox (position bigint PRIMARY KEY, sent timestamptz)",
    "CREATE TABLE es.snapshots (stream uuid PRIMARY KEY, position bigint)",
    "CREATE TABLE read.balances (account int PRIMARY KEY, cents bigint)",
    "CREATE TABLE read.rates (day date, pair text, rate numeric, PRIMARY KEY (day, pair))",
)
REBUILD = (
    "INSERT INTO read.balances SELECT (body->>'account')::int, sum((body->>'cents')::int) FROM es.events GROUP BY 1"
)
HAPPENED = act(
    "ledgerd",
    "ledger-writer",
    "INSERT INTO es.events (stream, type, body) SELECT md5((g % 300)::text)::uuid, 'Posted', "
    "jsonb_build_object('account', g % 300, 'cents', g) FROM generate_series(1, 12000) g",
    "INSERT INTO es.outbox SELECT position, now() FROM es.events WHERE position <= 400",
    "INSERT INTO es.snapshots SELECT stream, min(position) FROM es.events GROUP BY stream",
    "DELETE FROM es.outbox WHERE sent IS NOT NULL",
    REBUILD,
    "INSERT INTO read.rates SELECT date '2026-01-01' + g / 8, 'P' || g % 8, 1.1 FROM generate_series(1, 640) g",
)
APPENDED = act(
    "ledgerd",
    "ledger-writer",
    "INSERT INTO es.events (stream, type, body) SELECT md5('x')::uuid, 'Opened', '{}' FROM generate_series(1, 20)",
)
STANDING = {
    "es.events": ok(12020),
    "es.outbox": ok(0, "delete", accepts=["none"]),
    "es.snapshots": ok(300),
    "read.balances": ok(300),
    "read.rates": ok(640),
}
# Ordinary traffic drains the outbox in every incident here; without statements its deletes could be anything.
DRAINED = {
    "tables": {
        "es.outbox": {**ok(0, "delete", accepts=["none", "rollback", "unknown"]), "statuses": ("undecided",)},
    }
}


projection_rebuilt = Script(
    "projection_rebuilt",
    "False alarm: a read model is emptied and rebuilt from the events in one transaction; it holds what it held",
    "eventstore",
    "ledgerd",
    TABLES,
    [
        HAPPENED,
        checkpoint,
        act("ledgerd", "projection-rebuilder", "TRUNCATE read.balances", REBUILD, whole=True),
        APPENDED,
    ],
    {**STANDING, "read.balances": ok(300, "none", accepts=["truncate"])},
    "not_lost",
    scope=["es", "read"],
    reported=["read.balances"],
    commits=[Commit(300, "Rebuild projections", {"ledger/projections.py": "def rebuild(connection):\n    with "
        'connection.transaction():\n        connection.execute("TRUNCATE read.balances")\n        connection.execute('
        f'"""{REBUILD}""")\n'})],
    later=[APPENDED],
    settings=PREFIX,
    # A TRUNCATE with a reload is seen; that the reload brought back everything is known to the events alone.
    views={view: {**DRAINED, "untellable": {"read.balances": ("truncate",)}} for view in BLIND},
)  # fmt: skip


def _failing_load(stage: Stage) -> None:
    """One session: TRUNCATE commits by itself, then the COPY breaks off at a bad line and is undone."""
    with base.session(stage.server, stage.database, "rates_job", "load_rates.py") as connection:
        connection.execute("TRUNCATE read.rates")

        def load() -> None:
            with connection.cursor() as cursor, cursor.copy("COPY read.rates FROM stdin WITH (FORMAT csv)") as copy:
                for number in range(700):
                    copy.write(f"2026-02-{1 + number % 28:02},Q{number},1.2\n")
                copy.write("2026-02-30,Q0,n/a\n")

        base.attempt(load)


rates_load_failed = Script(
    "rates_load_failed",
    "A nightly load empties its table first, and then the file has a day that does not exist",
    "eventstore",
    "ledgerd",
    TABLES,
    [HAPPENED, checkpoint, _failing_load, APPENDED],
    {**STANDING, "read.rates": lost("truncate", 640)},
    "scheduled_job",
    scope=["es", "read"],
    roles={"rates_job": "ledgerd"},
    roots=["read.rates"],
    reported=["read.rates"],
    commits=[Commit(300, "Load rates every night", {
        "jobs/load_rates.py": "def main(connection, path):\n    connection.execute('TRUNCATE read.rates')\n"
                              "    with connection.cursor().copy('COPY read.rates FROM stdin WITH (FORMAT csv)') as "
                              "copy:\n        copy.write(path.read_bytes())\n",
        "jobs/crontab": "5 0 * * * python jobs/load_rates.py\n"})],
    later=[APPENDED],
    settings={**PREFIX, "log_line_prefix": "%n [%p] %d/%u/%a "},
    views=dict.fromkeys(BLIND, DRAINED),
)  # fmt: skip


def _mirrored(stage: Stage) -> None:
    """Tables with rows of their own accord are copied at first, then followed; then the publisher truncates two."""
    with Server({"wal_level": "logical", "max_wal_senders": 6}, binaries=stage.server.binaries) as source:
        base.roles(source, stage.database, "ledgerd", {})
        with base.session(source, stage.database, "ledgerd", "migrate") as connection:
            for statement in TABLES:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO read.rates SELECT '2026-01-01'::date + g, 'P', 1 FROM generate_series(1, 90) g"
            )
        with base.session(source, stage.database, "postgres", "psql") as connection:
            connection.execute("CREATE PUBLICATION models FOR TABLE read.rates, read.balances, es.snapshots")
        told = f"host={source.folder} port=5432 dbname={stage.database} user=postgres"
        with base.session(stage.server, stage.database, "postgres", "psql") as connection:
            connection.execute(f"CREATE SUBSCRIPTION mirror CONNECTION '{told}' PUBLICATION models")
        with base.session(source, stage.database, "ledgerd", "ledger-writer") as connection:
            for table, rows in (("read.balances", 2000), ("es.snapshots", 500)):
                value = "md5(g::text)::uuid" if table == "es.snapshots" else "g"
                connection.execute(f"INSERT INTO {table} SELECT {value}, g FROM generate_series(1, {rows}) g")
        _holds(stage, (90, 2000, 500))
        with base.session(source, stage.database, "ledgerd", "psql") as connection:
            connection.execute("TRUNCATE read.rates, read.balances")
        _holds(stage, (0, 0, 500))


def _holds(stage: Stage, wanted: tuple[int, int, int]) -> None:
    counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in ("read.rates", "read.balances", "es.snapshots"))

    def check() -> object:
        with base.session(stage.server, stage.database, "postgres", "triage_lab") as connection:
            seen = connection.execute(f"SELECT {counts}").fetchone()
        return seen == wanted or seen

    base.waited(check, f"{wanted} rows in the mirror")


mirror_truncated = Script(
    "mirror_truncated",
    "A mirror of read models follows its publisher, where somebody truncated two of three",
    "eventstore",
    "ledgerd",
    TABLES,
    [APPENDED, checkpoint, _mirrored, APPENDED],
    {
        "es.events": ok(40),
        "es.outbox": ok(0),
        "es.snapshots": ok(500),
        "read.balances": lost("truncate", 2000),
        "read.rates": lost("truncate", 90),
    },
    "replication",
    scope=["es", "read"],
    roots=["read.balances", "read.rates"],
    reported=["read.balances"],
    later=[APPENDED],
    settings=PREFIX,
)


def _many_statements(stage: Stage) -> None:
    """More kinds of statements than pg_stat_statements keeps: the least used and oldest go."""
    with base.session(stage.server, stage.database, "ledgerd", "report-builder") as connection:
        for _ in range(2):
            for width in range(1, 180):
                connection.execute("SELECT " + ", ".join(["position"] * width) + " FROM es.outbox")


statements_forgotten = Script(
    "statements_forgotten",
    "Somebody deleted most snapshots; the log was rotated away, and pg_stat_statements has forgotten",
    "eventstore",
    "ledgerd",
    TABLES,
    [
        HAPPENED,
        checkpoint,
        act("ledgerd", "", "DELETE FROM es.snapshots WHERE position > 12"),
        _many_statements,
        log_rotated,
        APPENDED,
    ],
    {**STANDING, "es.snapshots": lost("delete", 288, 12)},
    "manual_session",
    scope=["es", "read"],
    roots=["es.snapshots"],
    reported=["es.snapshots"],
    later=[APPENDED],
    settings={**PREFIX, "shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": 100},
    # Whoever did it left no name anywhere, under any logging.
    views={"everything": ANONYMOUS["plain"], **{view: {**DRAINED, "untellable": {}} for view in BLIND}},
)

INCIDENTS = tuple(
    each.incident() for each in (projection_rebuilt, rates_load_failed, mirror_truncated, statements_forgotten)
)
