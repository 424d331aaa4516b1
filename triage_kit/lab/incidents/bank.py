"""A bank's ledger with composite keys and quarterly partitions: bounded deletes, overwritten balances, a bad commit."""

from __future__ import annotations

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE SCHEMA core",
    "CREATE SCHEMA aud",
    "CREATE TABLE core.branch (branch_no char(4) PRIMARY KEY, city text)",
    "CREATE TABLE core.acct (branch_no char(4) NOT NULL REFERENCES core.branch, acct_no bigint NOT NULL, holder text, "
    "bal_minor bigint NOT NULL, ccy char(3) NOT NULL, PRIMARY KEY (branch_no, acct_no))",
    "CREATE TABLE core.postg (branch_no char(4) NOT NULL, acct_no bigint NOT NULL, value_dt date NOT NULL, seq int "
    "NOT NULL, amt_minor bigint, PRIMARY KEY (branch_no, acct_no, value_dt, seq), FOREIGN KEY (branch_no, acct_no) "
    "REFERENCES core.acct DEFERRABLE INITIALLY DEFERRED) PARTITION BY RANGE (value_dt)",
    "CREATE TABLE core.postg_2026q3 PARTITION OF core.postg FOR VALUES FROM ('2026-07-01') TO ('2026-10-01')",
    "CREATE TABLE core.postg_2026q4 PARTITION OF core.postg FOR VALUES FROM ('2026-10-01') TO ('2027-01-01')",
    "CREATE TABLE core.fee_sched (fee_cd varchar(8) PRIMARY KEY, minor int NOT NULL)",
    "CREATE TABLE aud.trail (seq bigint GENERATED ALWAYS AS IDENTITY, what text, at timestamptz NOT NULL)",
)
# Every day from the first of July on has 25 postings: 2300 in the third quarter, 1700 in the fourth.
BOOKED = act(
    "corebank",
    "posting-engine",
    "INSERT INTO core.branch SELECT lpad(g::text, 4, '0'), 'City ' || g FROM generate_series(1, 6) g",
    "INSERT INTO core.acct SELECT lpad((1 + g % 6)::text, 4, '0'), 700000 + g, 'Holder ' || g, 100 * g, 'NOK' "
    "FROM generate_series(1, 300) g",
    "INSERT INTO core.postg SELECT lpad((1 + (1 + g % 300) % 6)::text, 4, '0'), 700001 + g % 300, "
    "date '2026-07-01' + g % 160, g, g * 7 FROM generate_series(1, 4000) g",
    "INSERT INTO core.fee_sched SELECT 'F' || g, 50 * g FROM generate_series(1, 40) g",
    "INSERT INTO aud.trail (what, at) SELECT 'login', now() - g * interval '1 hour' FROM generate_series(1, 2000) g",
    "UPDATE core.acct SET bal_minor = bal_minor + 1 WHERE acct_no % 5 = 0",
)
SEEN = act("corebank", "teller-web", "INSERT INTO aud.trail (what, at) VALUES ('login', now()), ('transfer', now())")
STANDING = {
    "core.branch": ok(6),
    "core.acct": ok(300, accepts=["update"]),
    "core.postg": ok(4000),
    "core.postg_2026q3": ok(2300),
    "core.postg_2026q4": ok(1700),
    "core.fee_sched": ok(40),
    "aud.trail": ok(2002),
}
SCOPE = ["core", "aud"]
SETTINGS = {"log_line_prefix": "%t %d %u %a %p.%l %x | ", "log_timezone": "Europe/Oslo"}

month_end_deleted_twice = Script(
    "month_end_deleted_twice",
    "Somebody takes back the postings of the last day of September and asks for all from the first of it on",
    "corebank",
    "corebank",
    TABLES,
    [
        BOOKED,
        checkpoint,
        act("m.okafor", "DBeaver 25.1.0 - Main", "DELETE FROM core.postg WHERE valuedt >= '2026-09-01'", fails=True),
        act("m.okafor", "DBeaver 25.1.0 - SQLEditor <Script-3.sql>",
            "DELETE FROM core.postg WHERE value_dt >= '2026-09-01'"),
        act("corebank", "liquibase", "ALTER TABLE core.acct ADD COLUMN opened date"),
        SEEN,
        checkpoint,
    ],
    {
        **STANDING,
        "core.postg": lost("delete", 2450, 1550),
        "core.postg_2026q3": lost("delete", 750, 1550),
        "core.postg_2026q4": lost("delete", 1700),
    },
    "manual_session",
    scope=SCOPE,
    roles={"m.okafor": "corebank"},
    roots=["core.postg_2026q3", "core.postg_2026q4"],
    reported=["core.postg"],
    commits=[Commit(1, "Opening day", {"changelog/2026-11-25-opened.sql": "--liquibase formatted sql\n--changeset "
        "core:118\nALTER TABLE core.acct ADD COLUMN opened date;\n"})],
    later=[SEEN],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
)  # fmt: skip

balances_overwritten = Script(
    "balances_overwritten",
    "An UPDATE without its condition sets every balance to nothing: no row is gone, and what they held is",
    "corebank",
    "corebank",
    TABLES,
    [
        BOOKED,
        checkpoint,
        act("m.okafor", "psql", "UPDATE core.acct SET bal_minor = 0, holder = 'CLOSED'"),
        SEEN,
        act("corebank", "posting-engine", "VACUUM FULL core.fee_sched"),
    ],
    # The rows stand and are seen; `update` is the physical act, though nothing was moved nor marked as deleted.
    {**STANDING, "core.acct": ok(300, "update", accepts=["none"])},
    "not_lost",
    scope=SCOPE,
    roles={"m.okafor": "corebank"},
    causes=[{"cause": "not_lost", "accepts": ("manual_session",), "tables": ()}],
    reported=["core.acct"],
    later=[SEEN],
    settings=SETTINGS,
    # How often rows were updated is seen; what stands in them now only by whoever reads the statement or a row.
    views={view: {"untellable": {"core.acct": ("none",)}} for view in BLIND},
)


def _loaded_in_vain(stage: Stage) -> None:
    """A deferred foreign key is checked at COMMIT: nine thousand postings come in, the last account is not there."""
    with base.session(stage.server, stage.database, "corebank", "swift-import") as connection:

        def load() -> None:
            with connection.transaction(), connection.cursor() as cursor:
                command = "COPY core.postg (branch_no, acct_no, value_dt, seq, amt_minor) FROM STDIN"
                with cursor.copy(command) as copy:
                    for number in range(1, 9001):
                        account = 700001 + number % 300 if number < 9000 else 999999
                        branch = f"{1 + (1 + number % 300) % 6:04}"
                        copy.write_row((branch, account, "2026-12-20", 100000 + number, number))

        base.attempt(load)


postings_refused_at_commit = Script(
    "postings_refused_at_commit",
    "False alarm: an import of nine thousand postings failed at its COMMIT, on a deferred foreign key",
    "corebank",
    "corebank",
    TABLES,
    [BOOKED, checkpoint, _loaded_in_vain, SEEN, checkpoint],
    {
        **STANDING,
        "core.postg": ok(4000, accepts=["rollback"]),
        "core.postg_2026q4": ok(1700, "rollback"),
    },
    "not_lost",
    scope=SCOPE,
    reported=["core.postg"],
    later=[SEEN],
    settings=SETTINGS,
)

PURGE = "DELETE FROM aud.trail WHERE at < now() - interval '{}'"
HANDS = (
    {"cause": "migration", "tables": ("core.fee_sched",)},
    {"cause": "scheduled_job", "tables": ("aud.trail",)},
)

fees_dropped_and_trail_purged = Script(
    "fees_dropped_and_trail_purged",
    "A migration drops the fees that the engine still reads; that night the purge takes days for years",
    "corebank",
    "corebank",
    TABLES,
    [
        BOOKED,
        act("batch", "purge_trail.ksh", PURGE.format("2 years")),
        checkpoint,
        act("corebank", "liquibase", "DROP TABLE core.fee_sched"),
        act("corebank", "posting-engine", "SELECT minor FROM core.fee_sched WHERE fee_cd = 'F7'", fails=True),
        SEEN,
        checkpoint,
        act("batch", "purge_trail.ksh", PURGE.format("2 days")),
    ],
    {
        **STANDING,
        "core.fee_sched": lost("drop", None, rows=None, status="missing"),
        "aud.trail": lost("delete", 1953, 49),
    },
    "migration",
    scope=SCOPE,
    roles={"batch": "corebank"},
    roots=["core.fee_sched", "aud.trail"],
    causes=HANDS,
    reported=["core.fee_sched", "aud.trail"],
    commits=[
        Commit(2000, "Ledger", {"changelog/0001-ledger.sql": "--liquibase formatted sql\n--changeset core:1\n"
            + ";\n".join(TABLES) + ";\n"}),
        Commit(900, "Purge the trail", {"batch/purge_trail.ksh": "#!/bin/ksh\npsql corebank -c \""
            + PURGE.format("2 years") + "\"\n", "batch/crontab": "10 2 * * * batch /opt/batch/purge_trail.ksh\n"}),
        Commit(30, "Keep less of the trail", {"batch/purge_trail.ksh": "#!/bin/ksh\npsql corebank -c \""
            + PURGE.format("2 days") + "\"\n"}),
        Commit(2, "Fees moved to pricing", {"changelog/0119-fees.sql": "--liquibase formatted sql\n--changeset "
            "core:119\nDROP TABLE core.fee_sched;\n"}),
    ],
    later=[SEEN],
    settings=SETTINGS,
    # A CSV of counters shows what is there: of the table that is not, its report alone tells, and not who did it.
    views={"stats_csv": {"causes": ({**HANDS[0], "accepts": ("unknown",)}, {**HANDS[1], "accepts": ("unknown",)})}},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        month_end_deleted_twice, balances_overwritten, postings_refused_at_commit, fees_dropped_and_trail_purged,
    )
)  # fmt: skip
