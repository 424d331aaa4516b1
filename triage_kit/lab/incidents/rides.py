"""Rides on Ecto with UUIDs: an Oban worker, a maintenance of partitions, a row filter, a resync by hand, a standby."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok

DAYS = (21, 22, 23, 24, 25)
ZONES = "CREATE TABLE zones (code text PRIMARY KEY, city text NOT NULL, live boolean NOT NULL DEFAULT true)"
TABLES = (
    "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp(0))",
    "INSERT INTO schema_migrations VALUES (20250601120000, now()), (20260301080000, now())",
    ZONES,
    "CREATE TABLE riders (id uuid PRIMARY KEY, phone text, inserted_at timestamp(6) NOT NULL DEFAULT now())",
    "CREATE TABLE trips (id uuid PRIMARY KEY, rider_id uuid NOT NULL REFERENCES riders, finished_at timestamp(6))",
    "CREATE TABLE receipts (trip_id uuid NOT NULL REFERENCES trips ON DELETE CASCADE, cents int)",
    "CREATE TABLE pings (day date NOT NULL, driver int NOT NULL, lat real, lon real) PARTITION BY RANGE (day)",
    *[
        f"CREATE TABLE pings_p202611{day} PARTITION OF pings FOR VALUES FROM ('2026-11-{day}') TO ('2026-11-{day + 1}')"
        for day in DAYS
    ],
    "CREATE TABLE oban_jobs (id bigserial PRIMARY KEY, state text NOT NULL DEFAULT 'available', worker text)",
    "CREATE INDEX receipts_trip ON receipts (trip_id)",
)
DRIVEN = act(
    "rides",
    "rides@10.0.3.7",
    "INSERT INTO riders SELECT md5('r' || g)::uuid, '+351' || g FROM generate_series(1, 3000) g",
    "INSERT INTO trips SELECT md5('t' || g)::uuid, md5('r' || 1 + g % 3000)::uuid, timestamp '2026-11-25' - g * "
    "interval '10 min' FROM generate_series(1, 12000) g",
    "INSERT INTO receipts SELECT md5('t' || g)::uuid, 900 FROM generate_series(1, 12000) g",
    "INSERT INTO pings SELECT date '2026-11-21' + g % 5, g % 90, 38.7, -9.1 FROM generate_series(1, 25000) g",
)
ZONED = act("rides", "rides@10.0.3.7", "INSERT INTO zones SELECT 'Z' || g, 'Lisboa' FROM generate_series(1, 30) g")
QUEUED = act("rides", "rides@10.0.3.7", "INSERT INTO oban_jobs (worker) SELECT 'Rides.Mail' FROM generate_series(1, 9)")
STANDING = {
    "public.schema_migrations": ok(2),
    "public.zones": ok(30),
    "public.riders": ok(3000),
    "public.trips": ok(12000),
    "public.receipts": ok(12000),
    "public.pings": ok(25000),
    **{f"public.pings_p202611{day}": ok(5000) for day in DAYS},
    "public.oban_jobs": ok(9),
}
SETTINGS = {"log_line_prefix": "%t %a [%p:%s] %u/%d ", "log_timezone": "UTC"}
ECTO = Commit(4400, "Rides", {"priv/repo/migrations/20250601120000_trips.exs": "defmodule Rides.Repo.Migrations.Trips "
    "do\n  use Ecto.Migration\n\n  def change do\n    create table(:trips, primary_key: false) do\n      add :id, "
    ":uuid, primary_key: true\n    end\n  end\nend\n"})  # fmt: skip

FORGET = "DELETE FROM trips AS t0 WHERE t0.finished_at < timestamp '2026-11-25' - interval '{}'"
trips_forgotten_by_worker = Script(
    "trips_forgotten_by_worker",
    "Oban's nightly worker forgets trips after 90; a refactoring made days of it hours, and receipts go by cascade",
    "rides_prod",
    "rides",
    TABLES,
    [
        DRIVEN,
        ZONED,
        act("rides", "Oban.Worker Rides.ForgetTrips", FORGET.format("90 days")),
        checkpoint,
        act("rides", "Oban.Worker Rides.ForgetTrips", FORGET.format("90 hours")),
        QUEUED,
        act("rides", "mix ecto.migrate", "ALTER TABLE riders ADD COLUMN locale text",
            "INSERT INTO schema_migrations VALUES (20261125090000, now())", whole=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.trips": lost("delete", 11460, 540),
        "public.receipts": lost("cascade_delete", 11460, 540, via=["public.trips"]),
        "public.schema_migrations": ok(3),
    },
    "scheduled_job",
    roots=["public.trips"],
    reported=["trips"],
    commits=[ECTO,
        Commit(2100, "Forget trips", {"lib/rides/forget_trips.ex": "defmodule Rides.ForgetTrips do\n  use Oban.Worker\n"
            "\n  def perform(_job) do\n    Rides.Repo.delete_all(from t in Trip, where: t.finished_at < ago(90, "
            "\"day\"))\n    :ok\n  end\nend\n",
            "config/config.exs": "config :rides, Oban,\n  plugins: [{Oban.Plugins.Cron, crontab: [{\"0 4 * * *\", "
            "Rides.ForgetTrips}]}]\n"}),
        Commit(20, "Units in one place", {"lib/rides/forget_trips.ex": "defmodule Rides.ForgetTrips do\n  use "
            "Oban.Worker\n  @keep {90, \"hour\"}\n\n  def perform(_job) do\n    {n, unit} = @keep\n    Rides.Repo."
            "delete_all(from t in Trip, where: t.finished_at < ago(^n, ^unit))\n    :ok\n  end\nend\n"}),
        Commit(1, "Locale", {"priv/repo/migrations/20261125090000_locale.exs": "defmodule Rides.Repo.Migrations.Locale "
            "do\n  use Ecto.Migration\n\n  def change do\n    alter table(:riders) do\n      add :locale, :text\n    "
            "end\n  end\nend\n"})],
    later=[QUEUED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

GONE = [f"public.pings_p202611{day}" for day in DAYS[:3]]
partitions_maintained_away = Script(
    "partitions_maintained_away",
    "pg_partman's maintenance drops three days of pings: somebody set retention to two days, as on staging",
    "rides_prod",
    "rides",
    (*TABLES, "CREATE TABLE part_config (parent_table text PRIMARY KEY, retention text, retention_keep_table boolean)",
     "INSERT INTO part_config VALUES ('public.pings', '90 days', false)"),
    [
        DRIVEN,
        ZONED,
        checkpoint,
        act("nmatos", "psql", "UPDATE part_config SET retention = '2 days'"),
        act("partman", "pg_partman_bgw", *[f"DROP TABLE {name}" for name in GONE]),
        QUEUED,
        act("rides", "rides@10.0.3.7", "SELECT avg(lat) FROM pings_p20261122", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "public.pings": lost("partition_drop", None, 10000, accepts=["drop"]),
        **{name: lost("partition_drop", None, None, status="missing", accepts=["drop"]) for name in GONE},
        "public.part_config": ok(1, accepts=["update"]),
    },
    "scheduled_job",
    roles={"partman": "rides", "nmatos": "rides"},
    roots=GONE,
    reported=["pings"],
    commits=[ECTO, Commit(4000, "Pings by day", {"priv/repo/pings.sql": ";\n".join(TABLES[6:12]) + ";\n",
        "deploy/postgresql.conf": "shared_preload_libraries = 'pg_partman_bgw'\npg_partman_bgw.interval = 3600\n"
        "pg_partman_bgw.role = 'partman'\n"})],
    later=[QUEUED],
    settings=SETTINGS,
    # Nothing in a CSV of counters remembers the days that were dropped.
    views={"stats_csv": {"tables": {"public.pings": None, **dict.fromkeys(GONE)},
        "causes": ({"cause": "not_lost", "accepts": ("scheduled_job", "unknown"), "tables": ()},)}},
    holdout=True,
)  # fmt: skip


def _filtered(stage: Stage) -> None:
    deeds.published(
        stage, "rides", [ZONES], "FOR TABLE zones WHERE (live)",
        [f"INSERT INTO zones SELECT 'Z' || g, 'Porto' FROM generate_series({first}, {first + 29}) g"
         for first in (1, 31, 61, 91)],
        ["ALTER TABLE zones REPLICA IDENTITY FULL", "UPDATE zones SET live = false WHERE code <> 'Z1'"],
        "SELECT count(*) FROM zones", (120, 1),
    )  # fmt: skip


left_the_row_filter = Script(
    "left_the_row_filter",
    "Headquarters marks zones as not live; the publication filters on that, so here their rows are deleted",
    "rides_prod",
    "rides",
    TABLES,
    [DRIVEN, _filtered, QUEUED, act("nmatos", "psql", "DELETE FROM zone", fails=True), checkpoint],
    {**STANDING, "public.zones": lost("delete", 119, 1)},
    "replication",
    roles={"nmatos": "rides"},
    roots=["public.zones"],
    reported=["zones"],
    commits=[ECTO],
    later=[QUEUED],
    settings=SETTINGS,
    since=15,
    holdout=True,
)


def _zones_arrive(stage: Stage) -> None:
    deeds.published(
        stage, "rides", [ZONES], "FOR TABLE zones",
        [f"INSERT INTO zones SELECT 'Z' || g, 'Porto' FROM generate_series({first}, {first + 49}) g"
         for first in (1, 51, 101)],
        [], "SELECT count(*) FROM zones", (150, 150),
    )  # fmt: skip


emptied_to_be_synchronised = Script(
    "emptied_to_be_synchronised",
    "Somebody empties a replicated table so that it be copied anew, and then the publisher cannot be reached",
    "rides_prod",
    "rides",
    TABLES,
    [
        DRIVEN,
        _zones_arrive,
        checkpoint,
        act("nmatos", "psql", "TRUNCATE zones"),
        act("postgres", "psql", "ALTER SUBSCRIPTION central REFRESH PUBLICATION", fails=True),
        QUEUED,
        act("rides", "rides@10.0.3.7", "SELECT count(*) FROM zones"),
        checkpoint,
    ],
    {**STANDING, "public.zones": lost("truncate", 150)},
    "manual_session",
    roles={"nmatos": "rides"},
    roots=["public.zones"],
    reported=["zones"],
    commits=[ECTO],
    later=[QUEUED],
    settings=SETTINGS,
    # A subscription that brings this very table, and no statement: from the publisher or from here, nothing says.
    views={view: {"untellable": {}, "causes": ({"cause": "manual_session", "accepts": ("replication",),
                                                "tables": ("public.zones",)},)} for view in ANONYMOUS},
    holdout=True,
)  # fmt: skip

UNSEEN = {**lost("unknown", None, 0, status="undecided"), "accepts": ("none", "hidden", "counters_reset")}
replica_of_another_day = Script(
    "replica_of_another_day",
    "The reports' pool still points to a replica that was left behind by a failover: it has riders, and no trips",
    "rides_prod",
    "rides",
    TABLES,
    [act("rides", "rides@10.0.3.7", DRIVEN.statements[0], *ZONED.statements), checkpoint, deeds.cut_off],
    {
        "public.schema_migrations": ok(2, accepts=["counters_reset"]),
        "public.zones": ok(30, accepts=["counters_reset"]),
        "public.riders": ok(3000, accepts=["counters_reset"]),
        "public.trips": UNSEEN,
        "public.receipts": UNSEEN,
        **{name: {**ok(0, accepts=["counters_reset", "unknown", "hidden"]), "statuses": ("undecided",)}
           for name in ("public.oban_jobs", *[f"public.pings_p202611{day}" for day in DAYS])},
    },
    "not_lost",
    causes=[{"cause": "not_lost", "accepts": ("unknown",), "tables": ()}],
    reported=["trips", "receipts"],
    settings={**SETTINGS, "hot_standby": True},
    views={"vacuum": None, "day_later": None, "crash": None},
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        trips_forgotten_by_worker, partitions_maintained_away, left_the_row_filter, emptied_to_be_synchronised,
        replica_of_another_day,
    )
)  # fmt: skip
