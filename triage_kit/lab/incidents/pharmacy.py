"""A hospital's pharmacy on Perl and Sqitch: a sign turned round, a rebase, a name twice, a register, a stocktake."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, lost, ok

INTERACTION = (
    "CREATE TABLE rx.interaction (drug_a int NOT NULL, drug_b int NOT NULL, severity smallint, PRIMARY KEY (drug_a, "
    "drug_b))"
)
TABLES = (
    "CREATE SCHEMA sqitch",
    "CREATE TABLE sqitch.changes (change_id text PRIMARY KEY, change text NOT NULL, project text NOT NULL, "
    "committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name text NOT NULL)",
    "CREATE TABLE sqitch.events (event text NOT NULL, change_id text NOT NULL, change text NOT NULL, committed_at "
    "timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (change_id, committed_at))",
    "INSERT INTO sqitch.changes (change_id, change, project, committer_name) VALUES ('a91c', 'stock', 'pharmacy', "
    "'Deploy'), ('b27e', 'rx', 'pharmacy', 'Deploy'), ('c803', 'interactions', 'pharmacy', 'Deploy')",
    "CREATE SCHEMA stock",
    "CREATE SCHEMA rx",
    "CREATE TABLE stock.item (id int PRIMARY KEY, code text UNIQUE NOT NULL, name text NOT NULL, controlled boolean)",
    "CREATE TABLE stock.batch (id int PRIMARY KEY, item int NOT NULL REFERENCES stock.item, lot text NOT NULL, expires "
    "date NOT NULL, qty int NOT NULL)",
    "CREATE TABLE stock.movement (id bigserial PRIMARY KEY, batch int NOT NULL REFERENCES stock.batch ON DELETE "
    "CASCADE, at timestamptz NOT NULL DEFAULT now(), qty int NOT NULL)",
    "CREATE TABLE stock.cd_register (id int PRIMARY KEY, item int NOT NULL REFERENCES stock.item, qty int NOT NULL, "
    "balance int NOT NULL, witness text NOT NULL)",
    "CREATE TABLE rx.chart (id serial PRIMARY KEY, ward text NOT NULL, hospital_no text NOT NULL)",
    "CREATE TABLE rx.line (chart int NOT NULL REFERENCES rx.chart ON DELETE CASCADE, no smallint NOT NULL, item int "
    "NOT NULL REFERENCES stock.item, dose text, PRIMARY KEY (chart, no))",
    INTERACTION,
    "CREATE TABLE rx.label_queue (id bigserial PRIMARY KEY, chart int NOT NULL, zpl text NOT NULL)",
)
DISPENSED = act(
    "pharmacy",
    "starman worker",
    "INSERT INTO stock.item SELECT g, 'DMD' || 30000 + g, 'Item ' || g, g % 17 = 0 FROM generate_series(1, 310) g",
    "INSERT INTO stock.batch SELECT g, 1 + g % 310, 'L' || g, date '2026-05-01' + 2 * g, 40 FROM "
    "generate_series(1, 480) g",
    "INSERT INTO stock.movement (batch, qty) SELECT 1 + g % 480, -1 - g % 4 FROM generate_series(1, 2400) g",
    "INSERT INTO stock.cd_register SELECT g, 17 * (1 + g % 18), 1, 500 - g % 300, 'SN' || g % 9 FROM "
    "generate_series(1, 905) g",
    "INSERT INTO rx.chart (ward, hospital_no) SELECT 'C' || g % 11, 'H' || 700000 + g FROM generate_series(1, 352) g",
    "INSERT INTO rx.line SELECT 1 + (g - 1) / 4, g % 4, 1 + g % 310, '1 tds' FROM generate_series(1, 1408) g",
    "INSERT INTO rx.interaction SELECT g, g + 3, 1 + g % 4 FROM generate_series(1, 640) g",
)
MOVED = act("pharmacy", "starman worker", "INSERT INTO stock.movement (batch, qty) VALUES (5, -2), (6, -1)")
PRINTED = (
    act("pharmacy", "starman worker", "INSERT INTO rx.label_queue (chart, zpl) SELECT g, '^XA' || g FROM "
        "generate_series(1, 64) g"),
    act("pharmacy", "labeld", "DELETE FROM rx.label_queue WHERE id IN (SELECT id FROM rx.label_queue ORDER BY id LIMIT "
        "100 FOR UPDATE SKIP LOCKED) RETURNING zpl"),
)  # fmt: skip
STANDING = {
    "stock.item": ok(310),
    "stock.batch": ok(480),
    "stock.movement": ok(2402),
    "stock.cd_register": ok(905),
    "rx.chart": ok(352),
    "rx.line": ok(1408),
    "rx.interaction": ok(640),
    "rx.label_queue": ok(0, "delete", accepts=["none"]),
}
# That each label which came and went was printed is known to the queue alone.
QUEUE = {"rx.label_queue": ("none", "rollback")}
DRAINED: dict[str, dict | None] = {view: {"untellable": QUEUE} for view in BLIND}
SCOPE = ("stock", "rx")
ROLES = {"jobs": "pharmacy", "nwhite": ""}
SETTINGS = {"log_line_prefix": "%t:%r:%u@%d:[%p] %a ", "log_timezone": "Europe/London"}
PLAN = (
    "%syntax-version=1.0.0\n%project=pharmacy\n\nstock 2024-03-01T09:00:00Z N. White\n"
    "rx 2024-03-02T09:00:00Z N. White\n"
)
INTERACTIONS = {
    "sqitch.plan": PLAN + "interactions [rx] 2025-06-11T14:00:00Z N. White\n",
    "deploy/interactions.sql": f"-- Deploy pharmacy:interactions to pg\nBEGIN;\n{INTERACTION};\nCOMMIT;\n",
    "revert/interactions.sql": "-- Revert pharmacy:interactions from pg\nBEGIN;\nDROP TABLE rx.interaction;\nCOMMIT;\n",
}
FIRST = Commit(15000, "Stock and prescriptions", {
    "sqitch.plan": PLAN,
    "deploy/stock.sql": "BEGIN;\n" + ";\n".join(TABLES[6:10]) + ";\nCOMMIT;\n",
    "deploy/rx.sql": "BEGIN;\n" + ";\n".join((*TABLES[10:12], TABLES[13])) + ";\nCOMMIT;\n",
    "revert/rx.sql": "BEGIN;\nDROP TABLE rx.label_queue, rx.line, rx.chart;\nCOMMIT;\n",
})  # fmt: skip
LATER = act("pharmacy", "starman worker", "INSERT INTO stock.movement (batch, qty) VALUES (7, -1)")

EXPIRED = "DELETE FROM stock.batch WHERE expires > {}"
expired_batches_the_wrong_way = Script(
    "expired_batches_the_wrong_way",
    "Cron clears away batches that expired ninety days ago; a rewrite turned the sign, and those still good went",
    "pharmacy",
    "pharmacy",
    TABLES,
    [
        DISPENSED,
        *PRINTED,
        MOVED,
        checkpoint,
        act("jobs", "purge_expired.pl", EXPIRED.format("'2026-08-28'")),
        act("pharmacy", "starman worker", "INSERT INTO stock.movement (batch, qty) VALUES (300, -1)", fails=True),
        act("nwhite", "psql", "DELETE FROM stock.batch WHERE lot = 'L77'", fails=True),
        act("pharmacy", "starman worker", "INSERT INTO stock.movement (batch, qty) VALUES (12, -3)"),
        checkpoint,
    ],
    {
        **STANDING,
        # Batch 60 is the first that expires after the 28th of August; five movements are of each batch.
        "stock.batch": lost("delete", 421, 59),
        "stock.movement": lost("cascade_delete", 2105, 298, via=["stock.batch"]),
    },
    "scheduled_job",
    scope=SCOPE,
    roles=ROLES,
    roots=["stock.batch"],
    causes=[{"cause": "scheduled_job", "tables": ("stock.batch", "stock.movement")}],
    reported=["stock.batch", "stock.movement"],
    commits=[FIRST, Commit(9000, "Interactions", INTERACTIONS), Commit(20, "Tidy the nightly scripts", {
        "cron/pharmacy": "MAILTO=pharmacy-it\n10 2 * * * jobs /opt/pharmacy/bin/purge_expired.pl\n",
        "bin/purge_expired.pl": "#!/usr/bin/perl\nuse v5.36;\nuse DBI;\nuse POSIX 'strftime';\nmy $limit = strftime("
        "'%F', localtime(time - 90 * 86400));\nmy $dbh = DBI->connect('dbi:Pg:service=pharmacy', '', '', { RaiseError "
        f"=> 1 }});\n$dbh->do('{EXPIRED.format('?')}', undef, $limit);\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)  # fmt: skip

REBASED = {"cause": "migration", "tables": ("rx.interaction",)}
rebased_in_production = Script(
    "rebased_in_production",
    "sqitch rebase of the last change, meant for the developer's database: the table is dropped and made anew",
    "pharmacy",
    "pharmacy",
    TABLES,
    [
        DISPENSED,
        *PRINTED,
        MOVED,
        checkpoint,
        # Sqitch hands the scripts to psql and keeps its book in a session of its own.
        act("pharmacy", "psql", "DROP TABLE rx.interaction", whole=True),
        act("pharmacy", "sqitch", "DELETE FROM sqitch.changes WHERE change_id = 'c803'",
            "INSERT INTO sqitch.events (event, change_id, change) VALUES ('revert', 'c803', 'interactions')",
            whole=True),
        act("pharmacy", "psql", INTERACTION, whole=True),
        act("pharmacy", "sqitch", "INSERT INTO sqitch.changes (change_id, change, project, committer_name) VALUES "
            "('d514', 'interactions', 'pharmacy', 'N. White')", "INSERT INTO sqitch.events (event, change_id, change) "
            "VALUES ('deploy', 'd514', 'interactions')", whole=True),
        act("pharmacy", "starman worker", "INSERT INTO rx.interaction VALUES (3, 90, 2), (4, 91, 3), (17, 40, 1)"),
        act("nwhite", "psql", "SELECT count(*) FROM rx.interaction", "TRUNCATE rx.label_queue", fails=True),
        checkpoint,
    ],
    {**STANDING, "rx.interaction": lost("recreate", None, 3)},
    "migration",
    scope=SCOPE,
    roles=ROLES,
    roots=["rx.interaction"],
    causes=[REBASED],
    reported=["rx.interaction"],
    commits=[FIRST, Commit(5, "Interactions", INTERACTIONS)],
    later=[LATER],
    settings=SETTINGS,
    # A CSV of counters has no catalogue: a table made anew looks like a young one.
    views={**DRAINED, "stats_csv": {"untellable": {**QUEUE, "rx.interaction": ("none", "new_cluster", "restore",
                                                                                "counters_reset")}}},
    holdout=True,
)  # fmt: skip

CLOSE = """CREATE FUNCTION rx.close_ward(ward text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM rx.chart WHERE ward = ward
$$"""
every_ward_closed = Script(
    "every_ward_closed",
    "The service closes a ward by a function in SQL, whose argument has the column's name: the column wins, all go",
    "pharmacy",
    "pharmacy",
    (*TABLES, CLOSE),
    [
        DISPENSED,
        *PRINTED,
        MOVED,
        checkpoint,
        act("pharmacy", "starman worker", "SELECT rx.close_ward('C7')"),
        act("pharmacy", "starman worker", "INSERT INTO rx.line VALUES (40, 9, 12, '1 od')", fails=True),
        act("nwhite", "psql", "DELETE FROM rx.chart WHERE ward = 'C7'", fails=True),
        act("pharmacy", "starman worker", "INSERT INTO rx.chart (ward, hospital_no) VALUES ('C2', 'H709001')",
            "INSERT INTO rx.line VALUES (353, 0, 12, '1 od'), (353, 1, 80, '2 bd')"),
        *PRINTED,
        checkpoint,
    ],
    {
        **STANDING,
        "rx.chart": lost("delete", 352, 1),
        "rx.line": lost("cascade_delete", 1408, 2, via=["rx.chart"]),
    },
    "application",
    scope=SCOPE,
    roles=ROLES,
    roots=["rx.chart"],
    causes=[{"cause": "application", "tables": ("rx.chart", "rx.line")}],
    reported=["rx.chart"],
    commits=[FIRST, Commit(9000, "Interactions", INTERACTIONS), Commit(70, "Close a ward", {
        "deploy/close_ward.sql": f"BEGIN;\n{CLOSE};\nCOMMIT;\n", "lib/Pharmacy/Controller/Ward.pm": "package Pharmacy::"
        "Controller::Ward;\nuse Mojo::Base 'Mojolicious::Controller', -signatures;\n\nsub close ($self) {\n    $self->"
        "pg->db->query('SELECT rx.close_ward(?)', $self->param('ward'));\n    $self->redirect_to('wards');\n}\n1;\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)  # fmt: skip

SUNDAY: deeds.Dump = {
    "COPY stock.cd_register (id, item, qty, balance, witness) FROM stdin":
        [(n, 17 * (1 + n % 18), 1, 500 - n % 300, f"SN{n % 9}") for n in range(1, 741)],
}  # fmt: skip


def _register_put_back(stage: Stage) -> None:
    """One wrong line was to be compared; instead the whole table is emptied and loaded from Sunday's dump."""
    deeds.copied(stage, "postgres", "psql", ["TRUNCATE stock.cd_register"], {})
    deeds.copied(stage, "postgres", "pg_restore", ["SELECT pg_catalog.set_config('search_path', '', false)"], SUNDAY)


PUT_BACK = {"cause": "restore", "tables": ("stock.cd_register",)}
register_of_last_sunday = Script(
    "register_of_last_sunday",
    "The register of controlled drugs is emptied and filled by pg_restore -a from Sunday's dump: four days are gone",
    "pharmacy",
    "pharmacy",
    TABLES,
    [
        DISPENSED,
        *PRINTED,
        MOVED,
        checkpoint,
        act("nwhite", "psql", "UPDATE stock.cd_register SET balance = 40 WHERE id = 300", fails=True),
        _register_put_back,
        act("pharmacy", "starman worker", "SELECT balance FROM stock.cd_register WHERE item = 34 ORDER BY id DESC"),
        act("pharmacy", "starman worker", "DELETE FROM stock.item WHERE id = 17", fails=True),
        checkpoint,
    ],
    {**STANDING, "stock.cd_register": lost("restore", None, 740, accepts=["truncate"])},
    "restore",
    scope=SCOPE,
    roles=ROLES,
    roots=["stock.cd_register"],
    causes=[PUT_BACK],
    reported=["stock.cd_register"],
    commits=[FIRST, Commit(9000, "Interactions", INTERACTIONS)],
    later=[LATER],
    settings=SETTINGS,
    # Neither log nor statistics tells there who emptied the register, nor what filled it again.
    views={view: {"untellable": {**QUEUE, "stock.cd_register": ("truncate", "rollback") if view == "stats_csv"
                                 else ("truncate",)},
                  "tables": {"stock.cd_register": lost("restore", None, 740, accepts=["truncate"],
                                                       statuses=["undecided"])}}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

stocktake_in_the_pharmacy = Script(
    "stocktake_in_the_pharmacy",
    "A healthy database: labels printed, batches counted and set right, an item struck off, a table rewritten",
    "pharmacy",
    "pharmacy",
    TABLES,
    [
        DISPENSED,
        *PRINTED,
        *PRINTED,
        *PRINTED,
        checkpoint,
        act("pharmacy", "starman worker", "UPDATE stock.batch SET qty = qty - 1 WHERE id % 3 = 0",
            "INSERT INTO stock.item VALUES (311, 'DMD1', 'Mistyped', false)", "DELETE FROM stock.item WHERE id = 311"),
        act("nwhite", "psql", "TRUNCATE stock.movement", fails=True),
        act("jobs", "purge_expired.pl", "DELETE FROM stock.batch WHERE expires < '2025-08-28'"),
        act("postgres", "vacuumdb", "VACUUM FULL stock.movement", "ANALYZE stock.movement"),
        act("pharmacy", "psql", "DELETE FROM rx.chart", undone=True),
        MOVED,
        checkpoint,
    ],
    {
        **STANDING,
        "stock.batch": ok(480, accepts=["update"]),
        "stock.item": ok(310, accepts=["delete"]),
    },
    "not_lost",
    scope=SCOPE,
    roles=ROLES,
    causes=[{"cause": "not_lost", "accepts": ("application",), "tables": ()}],
    reported=["stock.movement"],
    commits=[FIRST, Commit(9000, "Interactions", INTERACTIONS)],
    later=[LATER],
    settings=SETTINGS,
    views=DRAINED,
    holdout=True,
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        expired_batches_the_wrong_way, rebased_in_production, every_ward_closed, register_of_last_sunday,
        stocktake_in_the_pharmacy,
    )
)  # fmt: skip
