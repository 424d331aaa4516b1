"""A housing society on Kotlin and Exposed: a join forgotten, an empty feed, a meter list, a new volume, a crash."""

from __future__ import annotations

from triage_kit.lab.incidents import base, deeds
from triage_kit.lab.incidents.script import (
    ANONYMOUS,
    BLIND,
    Commit,
    Script,
    Stage,
    act,
    checkpoint,
    crash,
    log_rotated,
    lost,
    ok,
)

METERED = ("CREATE TABLE housing.meter (serial text PRIMARY KEY, flat int NOT NULL, kind char(1) NOT NULL)",)
TABLES = (
    "CREATE SCHEMA housing",
    'CREATE SCHEMA "Ledger"',
    "CREATE TABLE housing.flat (id int PRIMARY KEY, street text NOT NULL, sqm numeric(5, 1))",
    "CREATE TABLE housing.lease (id int PRIMARY KEY, flat int NOT NULL REFERENCES housing.flat, since date NOT NULL)",
    "CREATE TABLE housing.rent (lease int NOT NULL REFERENCES housing.lease ON DELETE CASCADE, month date NOT NULL, "
    "cents int NOT NULL, PRIMARY KEY (lease, month))",
    'CREATE TABLE "Ledger"."Deposit" ("Id" int PRIMARY KEY, "Lease" int NOT NULL REFERENCES housing.lease ON DELETE '
    'CASCADE, "Cents" bigint)',
    "CREATE TABLE housing.notice (id serial PRIMARY KEY, lease int NOT NULL, effective date NOT NULL)",
    "CREATE TABLE housing.index_feed (month date, points numeric(6, 2))",
    "CREATE TABLE housing.index_rate (month date PRIMARY KEY, points numeric(6, 2) NOT NULL)",
    *METERED,
)
METERS = tuple(
    f"INSERT INTO housing.meter SELECT 'Z' || g, 1 + g % 160, 'W' FROM generate_series({first}, {first + 119}) g"
    for first in (1, 121, 241, 361)
)
LET = act(
    "housing",
    "housing-api",
    "INSERT INTO housing.flat SELECT g, 'Ringstr. ' || g, 40 + g % 60 FROM generate_series(1, 840) g",
    "INSERT INTO housing.lease SELECT g, g, date '2019-01-01' + g FROM generate_series(1, 840) g",
    "INSERT INTO housing.rent SELECT 1 + g % 840, date '2025-12-01' + (g / 840) * 31, 70000 FROM "
    "generate_series(0, 10079) g",
    'INSERT INTO "Ledger"."Deposit" SELECT g, g, 210000 FROM generate_series(1, 700) g',
    "INSERT INTO housing.notice (lease, effective) SELECT 7 * g, date '2025-06-30' + 10 * g FROM "
    "generate_series(1, 66) g",
)
FED = "INSERT INTO housing.index_feed SELECT date '2014-01-01' + 31 * g, 100 + g FROM generate_series(1, 156) g"
RATED = (
    "TRUNCATE housing.index_rate",
    "INSERT INTO housing.index_rate SELECT month, points FROM housing.index_feed",
    "TRUNCATE housing.index_feed",
)
INDEXED = (act("housing", "housing-api", FED), act("housing", "housing-api", *RATED, whole=True))
METERED_HERE = act("housing", "housing-api", *METERS)
PAID = act("housing", "housing-api", "INSERT INTO housing.rent VALUES (11, '2026-12-01', 70000), (12, '2026-12-01', 1)")
STANDING = {
    "housing.flat": ok(840),
    "housing.lease": ok(840),
    "housing.rent": ok(10082),
    "Ledger.Deposit": ok(700),
    "housing.notice": ok(66),
    # Every run leaves the feed empty and fills the rates anew.
    "housing.index_feed": ok(0, "truncate", accepts=["none"]),
    "housing.index_rate": ok(156, "truncate", accepts=["none"]),
    "housing.meter": ok(480),
}
SCOPE = ("housing", "Ledger")
SETTINGS = {"log_line_prefix": "%m|%p|%u|%d|%a|%x|", "log_timezone": "Europe/Zurich"}
REPOSITORY = (
    Commit(7000, "Tables", {"src/main/kotlin/Tables.kt": "object Lease : IntIdTable(\"housing.lease\") {\n    val flat "
        "= reference(\"flat\", Flat)\n}\nfun boot() = transaction { SchemaUtils.create(Flat, Lease, Rent) }\n"}),
    Commit(3000, "Consumer price index", {"src/main/kotlin/IndexRates.kt": "fun refresh() = transaction {\n"
        + "".join(f"    exec(\"{each}\")\n" for each in RATED) + "}\n"}),
)  # fmt: skip
LATER = act("housing", "housing-api", "INSERT INTO housing.rent VALUES (13, '2026-12-01', 70000)")
# Without statements nobody sees that a feed is emptied by every run and that the rates came back whole.
STAGED = {"housing.index_feed": ("none",), "housing.index_rate": ("none",)}
RELOADED = {name: {**STANDING[name], "statuses": ("undecided",)} for name in STAGED}

ENDED = "DELETE FROM housing.lease l USING housing.notice n WHERE n.effective < '2026-01-01'"
leases_ended_without_a_join = Script(
    "leases_ended_without_a_join",
    "Somebody ends the leases under notice by DELETE … USING and forgets the join: every lease goes, rents with it",
    "housing",
    "housing",
    TABLES,
    [
        LET,
        *INDEXED,
        METERED_HERE,
        PAID,
        checkpoint,
        act("agraf", "psql", "SELECT count(*) FROM housing.notice WHERE effective < '2026-01-01'", ENDED),
        act("housing", "housing-api", "INSERT INTO housing.rent VALUES (14, '2026-12-01', 1)", fails=True),
        act("dunning", "dunning-cron", "DELETE FROM housing.notice WHERE effective < '2020-01-01'"),
        log_rotated,
        act("dunning", "dunning-cron", "DELETE FROM housing.leases WHERE id = 4", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "housing.lease": lost("delete", 840),
        "housing.rent": lost("cascade_delete", 10082, via=["housing.lease"]),
        "Ledger.Deposit": lost("cascade_delete", 700, via=["housing.lease"]),
    },
    "manual_session",
    scope=SCOPE,
    roles={"agraf": "housing", "dunning": "housing"},
    roots=["housing.lease"],
    causes=[{"cause": "manual_session", "tables": ("housing.lease", "housing.rent", "Ledger.Deposit")}],
    reported=["housing.lease", "housing.rent"],
    settings=SETTINGS,
    views={view: {"untellable": STAGED, "tables": RELOADED} for view in ANONYMOUS},
    holdout=True,
)  # fmt: skip


def _feed_refused(stage: Stage) -> None:
    """The office put a line with the unit over the numbers: the load fails, and the refresh runs all the same."""
    with base.session(stage.server, stage.database, "housing", "housing-api") as connection:

        def load() -> None:
            with connection.cursor() as cursor, cursor.copy("COPY housing.index_feed FROM stdin") as copy:
                copy.write(b"2014-01-01\t100.4\nMonat\tPunkte\n")

        base.attempt(load)


rates_refreshed_from_nothing = Script(
    "rates_refreshed_from_nothing",
    "The service renews its rates from a feed that could not be loaded: TRUNCATE, and an INSERT of no row",
    "housing",
    "housing",
    TABLES,
    [
        LET,
        *INDEXED,
        METERED_HERE,
        checkpoint,
        _feed_refused,
        act("housing", "housing-api", *RATED, whole=True),
        PAID,
        act("agraf", "DataGrip 2025.3", "DELETE FROM housing.index_rate WHERE points < 0", fails=True),
        checkpoint,
    ],
    {**STANDING, "housing.index_rate": lost("truncate", 156)},
    "application",
    scope=SCOPE,
    roles={"agraf": ""},
    roots=["housing.index_rate"],
    causes=[{"cause": "application", "tables": ("housing.index_rate",)}],
    reported=["housing.index_rate"],
    commits=REPOSITORY,
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": {"housing.index_feed": ("none", "rollback")},
                  "tables": {"housing.index_feed": RELOADED["housing.index_feed"]}} for view in BLIND},
    holdout=True,
)  # fmt: skip


def _meters_listed_anew(stage: Stage) -> None:
    """The utility empties its list of meters and sends the ones of its new contract."""
    deeds.published(
        stage, "housing", ("CREATE SCHEMA housing", *METERED), "FOR TABLE housing.meter", METERS,
        ["TRUNCATE housing.meter", "INSERT INTO housing.meter SELECT 'N' || g, g, 'H' FROM generate_series(1, 36) g"],
        "SELECT count(*) FROM housing.meter", (480, 36),
    )  # fmt: skip


FOLLOWED = {"cause": "replication", "tables": ("housing.meter",)}
meters_listed_anew_by_the_utility = Script(
    "meters_listed_anew_by_the_utility",
    "The utility truncates the meters it publishes and inserts those of a new contract: here stand 36 of another kind",
    "housing",
    "housing",
    TABLES,
    [
        LET,
        _meters_listed_anew,
        PAID,
        act("agraf", "psql", "TRUNCATE housing.meters", fails=True),
        act("agraf", "psql", "DELETE FROM housing.meter WHERE kind = 'W'", undone=True),
        checkpoint,
    ],
    {
        **STANDING,
        "housing.index_feed": ok(0),
        "housing.index_rate": ok(0),
        "housing.meter": lost("truncate", None, 36),
    },
    "replication",
    scope=SCOPE,
    roles={"agraf": "housing"},
    roots=["housing.meter"],
    causes=[FOLLOWED],
    reported=["housing.meter"],
    commits=REPOSITORY[:1],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"causes": ({**FOLLOWED, "accepts": ("unknown",)},)} for view in BLIND},
    holdout=True,
)


def _new_volume(stage: Stage) -> None:
    stage.server.renew()
    moved_to_a_new_volume.create(stage.server)


ANEW = ("housing.flat", "housing.lease", "housing.rent", "Ledger.Deposit", "housing.notice", "housing.meter")
moved_to_a_new_volume = Script(
    "moved_to_a_new_volume",
    "The compose project was renamed, and its volume with it: initdb ran, the service made its tables anew",
    "housing",
    "housing",
    TABLES,
    [
        LET,
        METERED_HERE,
        checkpoint,
        act("agraf", "psql", "TRUNCATE housing.leases", fails=True),
        _new_volume,
        act("housing", "housing-api", "INSERT INTO housing.flat VALUES (900, 'Neubau 1', 55), (901, 'Neubau 2', 60)"),
        act("housing", "housing-api", "INSERT INTO housing.lease VALUES (900, 900, '2026-12-01')"),
        checkpoint,
    ],
    {
        **{name: lost("new_cluster", None) for name in ANEW},
        "housing.flat": lost("new_cluster", None, 2),
        "housing.lease": lost("new_cluster", None, 1),
        "housing.index_feed": {**ok(0, "new_cluster", accepts=["none"]), "statuses": ("wiped", "undecided")},
        "housing.index_rate": {**ok(0, "new_cluster", accepts=["none"]), "statuses": ("wiped", "undecided")},
    },
    "storage_replaced",
    scope=SCOPE,
    roles={"agraf": "housing"},
    causes=[{"cause": "storage_replaced", "tables": ANEW}],
    reported=["housing.lease", "housing.rent"],
    begins=72,
    commits=[*REPOSITORY[:1], Commit(1, "Rename the project", {"compose.yaml": "name: wohnen\nservices:\n  db:\n    "
             "image: postgres:18\n    volumes: [data:/var/lib/postgresql]\nvolumes:\n  data:\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": dict.fromkeys((*ANEW, *STAGED), ("none",))}},
    holdout=True,
)  # fmt: skip

counted_after_the_crash = Script(
    "counted_after_the_crash",
    "False alarm: after a crash the monitoring counts two leases, for the counters began anew; all 842 stand",
    "housing",
    "housing",
    TABLES,
    [
        LET,
        METERED_HERE,
        checkpoint,
        crash,
        PAID,
        act("housing", "housing-api", "INSERT INTO housing.lease VALUES (841, 1, '2026-12-01')",
            "INSERT INTO housing.lease VALUES (842, 2, '2026-12-01')"),
        act("agraf", "psql", "DELETE FROM housing.lease WHERE id = 5", undone=True),
        act("agraf", "psql", "TRUNCATE housing.leases", fails=True),
        checkpoint,
    ],
    {
        **{name: {**told, "mechanism": "counters_reset", "accepts": ("none",)} for name, told in STANDING.items()},
        "housing.lease": ok(842, "counters_reset", accepts=["none", "rollback"]),
        "housing.index_feed": ok(0, "counters_reset", accepts=["none"]),
        "housing.index_rate": ok(0, "counters_reset", accepts=["none"]),
    },
    "not_lost",
    scope=SCOPE,
    roles={"agraf": "housing"},
    causes=[{"cause": "not_lost", "accepts": ("crash",), "tables": ()}],
    reported=["housing.lease"],
    commits=REPOSITORY[:1],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

end_of_the_month = Script(
    "end_of_the_month",
    "A healthy database at the end of a month: rates renewed three times, rents clustered, a view filled",
    "housing",
    "housing",
    (*TABLES, 'CREATE MATERIALIZED VIEW "Ledger"."Owed" AS SELECT lease, sum(cents) FROM housing.rent GROUP BY lease '
     "WITH NO DATA"),
    [
        LET,
        *INDEXED,
        METERED_HERE,
        *INDEXED,
        *INDEXED,
        PAID,
        act("housing", "housing-api", 'REFRESH MATERIALIZED VIEW "Ledger"."Owed"',
            "UPDATE housing.meter SET kind = 'V' WHERE kind = 'W'"),
        act("postgres", "upkeep", "CLUSTER housing.rent USING rent_pkey", "VACUUM FULL housing.flat"),
        act("housing", "housing-api", "DELETE FROM housing.notice WHERE id = 9",
            "INSERT INTO housing.notice (lease, effective) VALUES (70, '2027-01-31')"),
        act("agraf", "psql", "DELETE FROM housing.rents", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "Ledger.Owed": ok(840, accepts=["truncate", "recreate"]),
        "housing.meter": ok(480, accepts=["update"]),
        "housing.notice": ok(66, accepts=["delete"]),
    },
    "not_lost",
    scope=SCOPE,
    roles={"agraf": "housing"},
    causes=[{"cause": "not_lost", "accepts": ("application",), "tables": ()}],
    commits=REPOSITORY,
    later=[LATER],
    settings=SETTINGS,
    views={view: {"untellable": STAGED, "tables": RELOADED} for view in BLIND},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        leases_ended_without_a_join, rates_refreshed_from_nothing, meters_listed_anew_by_the_utility,
        moved_to_a_new_volume, counted_after_the_crash, end_of_the_month,
    )
)  # fmt: skip
