"""Beekeepers in Finnish, on Go and goose: a lost WHERE, a keeper closed, a new claim, go test, a winter."""

from __future__ import annotations

from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok

TABLES = (
    "CREATE SCHEMA mehi",
    "CREATE TABLE mehi.goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT "
    "NULL, tstamp timestamp DEFAULT now())",
    "INSERT INTO mehi.goose_db_version (version_id, is_applied) VALUES (0, true), (20240210090000, true)",
    "CREATE TABLE mehi.tarhaaja (id int PRIMARY KEY, nimi text NOT NULL)",
    "CREATE TABLE mehi.tarha (id int PRIMARY KEY, tarhaaja int NOT NULL REFERENCES mehi.tarhaaja ON DELETE CASCADE, "
    "kunta text)",
    "CREATE TABLE mehi.pesä (id int PRIMARY KEY, tarha int NOT NULL REFERENCES mehi.tarha ON DELETE CASCADE)",
    "CREATE TABLE mehi.tarkastus (id serial PRIMARY KEY, pesä int NOT NULL REFERENCES mehi.pesä ON DELETE CASCADE, "
    "pvm date NOT NULL, punkit smallint)",
    "CREATE TABLE mehi.hunajaerä (erä text PRIMARY KEY, kilot numeric(6, 1), lähetetty boolean DEFAULT false)",
)
KEPT = act(
    "mehi",
    "mehid",
    "INSERT INTO mehi.tarhaaja SELECT g, 'Tarhaaja ' || g FROM generate_series(1, 15) g",
    "INSERT INTO mehi.tarha SELECT g, CASE WHEN g <= 30 THEN 1 ELSE 2 + g % 13 END, 'Kunta ' || g FROM "
    "generate_series(1, 41) g",
    "INSERT INTO mehi.pesä SELECT g, 1 + g % 41 FROM generate_series(1, 230) g",
    "INSERT INTO mehi.tarkastus (pesä, pvm, punkit) SELECT 1 + g % 230, date '2026-04-01' + g % 150, g % 7 FROM "
    "generate_series(1, 900) g",
    "INSERT INTO mehi.hunajaerä SELECT 'E' || g, 12.5 FROM generate_series(1, 75) g",
)
CHECKED = act("mehi", "mehid", "INSERT INTO mehi.tarkastus (pesä, pvm, punkit) VALUES (41, '2026-11-20', 2)")
STANDING = {
    "mehi.goose_db_version": ok(2),
    "mehi.tarhaaja": ok(15),
    "mehi.tarha": ok(41),
    "mehi.pesä": ok(230),
    "mehi.tarkastus": ok(901),
    "mehi.hunajaerä": ok(75),
}
SETTINGS = {"log_line_prefix": "%t [%p] %u@%d %a: ", "log_timezone": "Europe/Helsinki"}
FIRST = Commit(7000, "Skeema", {"db/migrations/20240210090000_mehi.sql": "-- +goose Up\n" + ";\n".join(TABLES[3:])
    + ";\n"})  # fmt: skip
LATER = act("mehi", "mehid", "INSERT INTO mehi.hunajaerä VALUES ('N1', 10), ('N2', 11)")
COLUMN = "ALTER TABLE mehi.tarha ADD COLUMN mesikasvi text"
NOTED = "INSERT INTO mehi.goose_db_version (version_id, is_applied) VALUES (20261125070000, true)"
MIGRATED = act("mehi", "goose", COLUMN, NOTED, whole=True)
SECOND = Commit(2, "Mesikasvi", {"db/migrations/20261125070000_mesikasvi.sql": f"-- +goose Up\n{COLUMN};\n"})

checks_lost_their_where = Script(
    "checks_lost_their_where",
    "In psql the WHERE stood on the line that was not sent: BEGIN, DELETE of every check, a look elsewhere, COMMIT",
    "mehilaiset",
    "mehi",
    TABLES,
    [
        KEPT,
        CHECKED,
        MIGRATED,
        checkpoint,
        act("mrinne", "psql", "DELETE FROM mehi.tarkastukset WHERE pvm < '2025-01-01'", fails=True),
        act("mrinne", "psql", "SELECT count(*) FROM mehi.tarkastus WHERE pvm < '2025-01-01'",
            "DELETE FROM mehi.tarkastus", "SELECT count(*) FROM mehi.pesä", whole=True),
        CHECKED,
        checkpoint,
    ],
    {**STANDING, "mehi.goose_db_version": ok(3), "mehi.tarkastus": lost("delete", 901, 1)},
    "manual_session",
    scope=["mehi"],
    roles={"mrinne": "mehi"},
    roots=["mehi.tarkastus"],
    reported=["mehi.tarkastus"],
    commits=[FIRST, SECOND],
    later=[LATER],
    settings=SETTINGS,
    # A person's failed statement names this very table wrongly; whose the DELETE was, no default log says.
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

keeper_closed_by_the_service = Script(
    "keeper_closed_by_the_service",
    "The service closes a keeper's account with one DELETE; thirty apiaries had been booked on keeper 1 by default",
    "mehilaiset",
    "mehi",
    TABLES,
    [
        KEPT,
        CHECKED,
        checkpoint,
        act("mehi", "mehid", "SELECT nimi FROM mehi.tarhaaja WHERE id = 1", "DELETE FROM mehi.tarhaaja WHERE id = 1"),
        act("mrinne", "psql", "TRUNCATE mehi.tarha", fails=True),
        act("mehi", "mehid", "SELECT count(*) FROM mehi.tarha"),
        act("postgres", "maintenance", "VACUUM FULL mehi.hunajaerä"),
        checkpoint,
    ],
    {
        **STANDING,
        "mehi.tarhaaja": lost("delete", 1, 14),
        "mehi.tarha": lost("cascade_delete", 30, 11, via=["mehi.tarhaaja"]),
        # Hives are dealt to 41 apiaries in turn, checks to 230 hives; the newest check is of apiary 1.
        "mehi.pesä": lost("cascade_delete", 175, 55, via=["mehi.tarhaaja"]),
        "mehi.tarkastus": lost("cascade_delete", 681, 220, via=["mehi.tarhaaja"]),
    },
    "application",
    scope=["mehi"],
    roles={"mrinne": ""},
    roots=["mehi.tarhaaja"],
    reported=["mehi.tarha", "mehi.pesä"],
    commits=[FIRST, Commit(3000, "Tilin sulkeminen", {"internal/tili/sulje.go": "package tili\n\nfunc (s *Store) Sulje("
        "ctx context.Context, id int) error {\n\t_, err := s.db.Exec(ctx, `DELETE FROM mehi.tarhaaja WHERE id = $1`, "
        "id)\n\treturn err\n}\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

CLAIM = """resource "kubernetes_persistent_volume_claim_v1" "{name}" {{
  metadata {{ name = "{name}" }}
  spec {{
    access_modes       = ["ReadWriteOnce"]
    storage_class_name = "{kind}"
    resources {{ requests = {{ storage = "20Gi" }} }}
  }}
}}
"""


def _applied(stage: Stage) -> None:
    """terraform replaces the claim, whose class cannot be changed; goose then makes the same schema."""
    stage.server.renew()
    claim_replaced_by_terraform.create(stage.server)


claim_replaced_by_terraform = Script(
    "claim_replaced_by_terraform",
    "terraform apply changes the storage class of the database's claim, which forces a new one: a new cluster",
    "mehilaiset",
    "mehi",
    TABLES,
    [
        KEPT,
        CHECKED,
        checkpoint,
        _applied,
        act("mehi", "mehid", "SELECT nimi FROM mehi.tarhaaja WHERE id = 1",
            "INSERT INTO mehi.hunajaerä VALUES ('E900', 14), ('E901', 9)"),
        act("mehi", "mehid", "INSERT INTO mehi.tarha VALUES (42, 3, 'Kunta')", fails=True),
    ],
    {
        "mehi.goose_db_version": ok(2, accepts=["new_cluster", "recreate", "restore"]),
        **{f"mehi.{name}": lost("new_cluster", None) for name in ("tarhaaja", "tarha", "pesä", "tarkastus")},
        "mehi.hunajaerä": lost("new_cluster", None, 2),
    },
    "storage_replaced",
    scope=["mehi"],
    reported=["mehi.tarhaaja", "mehi.tarha", "mehi.pesä", "mehi.tarkastus", "mehi.hunajaerä"],
    begins=150,
    commits=[FIRST, Commit(5000, "Klusteri", {"infra/db.tf": CLAIM.format(name="mehi-db", kind="standard")}),
        Commit(1, "Nopeampi levy", {"infra/db.tf": CLAIM.format(name="mehi-db", kind="premium-rwo")})],
    later=[LATER],
    settings=SETTINGS,
    views={"stats_csv": {"untellable": {f"mehi.{name}": ("none", "recreate", "counters_reset", "restore")
        for name in ("tarhaaja", "tarha", "pesä", "tarkastus", "hunajaerä")}}},
    holdout=True,
)  # fmt: skip
# The bookkeeping of migrations is written anew in a new cluster: as many rows, none of the old.
claim_replaced_by_terraform.tables["mehi.goose_db_version"]["statuses"] = ("partial", "undecided", "wiped")

WIPE = "TRUNCATE mehi.tarhaaja, mehi.hunajaerä RESTART IDENTITY CASCADE"
go_test_took_the_variable = Script(
    "go_test_took_the_variable",
    "go test ./... in a shell that still had production's DATABASE_URL: each test begins by truncating two roots",
    "mehilaiset",
    "mehi",
    TABLES,
    [
        KEPT,
        CHECKED,
        checkpoint,
        act("mehi", "store.test", WIPE, "INSERT INTO mehi.tarhaaja VALUES (1, 'Testi Tarhaaja')"),
        act("mehi", "store.test", "INSERT INTO mehi.tarha VALUES (1, 99, 'Testikunta')", fails=True),
        act("mehi", "store.test", WIPE, "INSERT INTO mehi.tarhaaja VALUES (1, 'Testi Tarhaaja')"),
        act("mehi", "mehid", "SELECT count(*) FROM mehi.hunajaerä WHERE NOT lähetetty"),
        MIGRATED,
        checkpoint,
    ],
    {
        **STANDING,
        "mehi.goose_db_version": ok(3),
        "mehi.tarhaaja": lost("truncate", 15, 1),
        **{f"mehi.{name}": lost("truncate", rows, via=["mehi.tarhaaja"])
           for name, rows in (("tarha", 41), ("pesä", 230), ("tarkastus", 901))},
        "mehi.hunajaerä": lost("truncate", 75),
    },
    "test_run",
    scope=["mehi"],
    roots=["mehi.tarhaaja", "mehi.hunajaerä"],
    reported=["mehi.tarha", "mehi.hunajaerä"],
    commits=[FIRST, SECOND, Commit(900, "Testit", {"internal/store/store_test.go": "package store\n\nfunc setup(t "
        "*testing.T) *pgxpool.Pool {\n\tpool, err := pgxpool.New(ctx, os.Getenv(\"DATABASE_URL\"))\n\tif err != nil {\n"
        f"\t\tt.Fatal(err)\n\t}}\n\t_, err = pool.Exec(ctx, `{WIPE}`)\n\treturn pool\n}}\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

winter_feed_planned = Script(
    "winter_feed_planned",
    "A healthy database in November: every hive moved once, batches clustered, a check taken back, a refused TRUNCATE",
    "mehilaiset",
    "mehi",
    TABLES,
    [
        KEPT,
        CHECKED,
        checkpoint,
        act(
            "mehi",
            "mehid",
            "UPDATE mehi.pesä SET tarha = 1 + (tarha % 41)",
            "UPDATE mehi.hunajaerä SET lähetetty = true WHERE kilot > 10",
            "DELETE FROM mehi.tarkastus WHERE id = 17",
            "INSERT INTO mehi.tarkastus (pesä, pvm, punkit) VALUES (17, '2026-11-21', 0)",
        ),
        act("mehi", "cron", "CLUSTER mehi.hunajaerä USING hunajaerä_pkey", "ANALYZE mehi.hunajaerä"),
        act("mrinne", "psql", "TRUNCATE mehi.tarkastus", fails=True),
        act("mehi", "mehid", "DELETE FROM mehi.tarhaaja", undone=True),
        MIGRATED,
        checkpoint,
    ],
    {
        **STANDING,
        "mehi.goose_db_version": ok(3),
        "mehi.pesä": ok(230, accepts=["update"]),
        "mehi.hunajaerä": ok(75, accepts=["update"]),
        "mehi.tarkastus": ok(901, accepts=["update", "delete"]),
    },
    "not_lost",
    scope=["mehi"],
    roles={"mrinne": ""},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    commits=[FIRST, SECOND],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        checks_lost_their_where, keeper_closed_by_the_service, claim_replaced_by_terraform, go_test_took_the_variable,
        winter_feed_planned,
    )
)  # fmt: skip
