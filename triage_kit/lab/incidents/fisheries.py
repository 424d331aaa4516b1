"""Fisheries in Icelandic: quotas of the directorate, a standby, a spool and a unit, ships, a trigger, ports, quiet."""

from __future__ import annotations

from triage_kit.lab.incidents import deeds
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

QUOTA = 'CREATE TABLE afli.kvóti (skip int, tegund text, kíló int NOT NULL, PRIMARY KEY (skip, tegund))'  # fmt: skip
TABLES = (
    "CREATE SCHEMA afli",
    "CREATE TABLE afli.schema_version (rank int PRIMARY KEY, script text)",
    "INSERT INTO afli.schema_version VALUES (1, 'V1__grunnur.sql')",
    QUOTA,
    "CREATE TABLE afli.skip (id int PRIMARY KEY, nafn text NOT NULL, höfn text)",
    "CREATE TABLE afli.höfn (nafn text PRIMARY KEY, opin boolean NOT NULL)",
    "CREATE TABLE afli.löndun (id bigserial PRIMARY KEY, skip int NOT NULL, kíló int, dags date NOT NULL)",
    "CREATE TABLE afli.skeyti (id bigint PRIMARY KEY, sent bigint NOT NULL, efni text)",
)
SHIPPED = (
    "INSERT INTO afli.skip SELECT g, 'Skip ' || g, 'Höfn ' || g % 26 FROM generate_series(1, 310) g",
    "INSERT INTO afli.höfn SELECT 'Höfn ' || g, g % 4 > 0 FROM generate_series(1, 52) g",
)
LANDED = (
    "INSERT INTO afli.löndun (skip, kíló, dags) SELECT 1 + g % 310, 4000, date '2026-01-01' + g % 320 FROM "
    "generate_series(1, 18600) g",
    # Seconds since 1970, one message a minute until the 26th of November 2026.
    "INSERT INTO afli.skeyti SELECT g, 1795651200 - g * 60, 'staða' FROM generate_series(1, 64000) g",
)
FISHED = act("afli", "fiskistofa", *SHIPPED, *LANDED)
QUOTED = act("afli", "fiskistofa", "INSERT INTO afli.kvóti SELECT g, 'þorskur', 90000 FROM generate_series(1, 310) g")
WEIGHED = act("afli", "fiskistofa", "INSERT INTO afli.löndun (skip, kíló, dags) VALUES (4, 5100, '2026-11-26'), "
              "(5, 200, '2026-11-26')")  # fmt: skip
STANDING = {
    "afli.schema_version": ok(1),
    "afli.kvóti": ok(310),
    "afli.skip": ok(310),
    "afli.höfn": ok(52),
    "afli.löndun": ok(18602),
    "afli.skeyti": ok(64000),
}
SETTINGS = {"log_line_prefix": "%m %u@%d/%a[%p] ", "log_timezone": "Atlantic/Reykjavik"}
FIRST = Commit(9000, "Grunnur", {"src/main/resources/db/migration/V1__grunnur.sql": ";\n".join(TABLES[3:])
    + ";\n"})  # fmt: skip
LATER = act("afli", "fiskistofa", "INSERT INTO afli.skeyti VALUES (90001, 1795651300, 'x'), (90002, 1795651310, 'x')")


def _quota_year(stage: Stage) -> None:
    """The directorate clears the quotas for the new year; this port's server follows them."""
    deeds.published(
        stage, "afli", ["CREATE SCHEMA afli", QUOTA], "FOR TABLE afli.kvóti",
        [f"INSERT INTO afli.kvóti SELECT g, '{kind}', 90000 FROM generate_series(1, 310) g"
         for kind in ("þorskur", "ýsa", "ufsi", "karfi")],
        ["TRUNCATE afli.kvóti", "INSERT INTO afli.kvóti SELECT g, 'þorskur', 80000 FROM generate_series(1, 6) g"],
        "SELECT count(*) FROM afli.kvóti", (1240, 6),
    )  # fmt: skip


quotas_cleared_by_the_directorate = Script(
    "quotas_cleared_by_the_directorate",
    "The directorate truncates its quotas and begins to write the new year's; both arrive here by a subscription",
    "afli",
    "afli",
    TABLES,
    [
        FISHED,
        _quota_year,
        WEIGHED,
        act("sgunn", "psql", "DELETE FROM afli.kvotar", fails=True),
        act("afli", "fiskistofa", "SELECT sum(kíló) FROM afli.kvóti"),
        checkpoint,
    ],
    {**STANDING, "afli.kvóti": lost("truncate", 1240, 6)},
    "replication",
    scope=["afli"],
    roles={"sgunn": "afli"},
    roots=["afli.kvóti"],
    reported=["afli.kvóti"],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    views={"crash": {"causes": ({"cause": "replication", "accepts": ("unknown",), "tables": ("afli.kvóti",)},)}},
    holdout=True,
)

UNSEEN = {**lost("unknown", None, 0, status="undecided"), "accepts": ("none", "hidden", "counters_reset")}
port_asks_a_standby_behind = Script(
    "port_asks_a_standby_behind",
    "The port's screens ask a standby that stopped following in spring: ships and quotas, no landing, no message",
    "afli",
    "afli",
    TABLES,
    [act("afli", "fiskistofa", *SHIPPED), QUOTED, checkpoint, deeds.cut_off],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "afli.löndun": UNSEEN,
        "afli.skeyti": UNSEEN,
    },
    "not_lost",
    scope=["afli"],
    causes=[{"cause": "not_lost", "accepts": ("unknown",), "tables": ()}],
    reported=["afli.löndun", "afli.skeyti"],
    commits=[FIRST],
    settings={**SETTINGS, "hot_standby": True},
    views={"vacuum": None, "day_later": None, "crash": None},
    holdout=True,
)

FORGET = "DELETE FROM afli.skeyti WHERE sent < (extract(epoch FROM timestamptz '2026-11-26 00:00+00'){} - 86400 * 90)"
LOADED = (
    "CREATE UNLOGGED TABLE afli.kvóti_nýr (LIKE afli.kvóti INCLUDING ALL)",
    "INSERT INTO afli.kvóti_nýr SELECT g, 'þorskur', 70000 FROM generate_series(1, 340) g",
    "DROP TABLE afli.kvóti",
    "ALTER TABLE afli.kvóti_nýr RENAME TO kvóti",
)
spool_fell_and_messages_forgotten = Script(
    "spool_fell_and_messages_forgotten",
    "Two things: a loader swaps in an unlogged table that a crash empties, and a timer's cut-off is in milliseconds",
    "afli",
    "afli",
    TABLES,
    [
        FISHED,
        QUOTED,
        act("afli", "kvota-hledsla", *LOADED, whole=True),
        act("afli", "fiskistofa", "ANALYZE afli.kvóti", "SELECT sum(kíló) FROM afli.kvóti"),
        checkpoint,
        crash,
        WEIGHED,
        act("timer", "systemd: skeyti-hreinsun", FORGET.format(" * 1000")),
        act("afli", "fiskistofa", "SELECT count(*) FROM afli.kvóti"),
        act("sgunn", "psql", "TRUNCATE afli.skeyti", fails=True),
        checkpoint,
    ],
    {
        **{name: {**told, "accepts": ("counters_reset",)} for name, told in STANDING.items()},
        "afli.kvóti": lost("unlogged_reset", None),
        "afli.skeyti": lost("delete", 64000),
    },
    "crash",
    scope=["afli"],
    roles={"timer": "afli", "sgunn": ""},
    roots=["afli.kvóti", "afli.skeyti"],
    causes=[{"cause": "crash", "tables": ("afli.kvóti",)}, {"cause": "scheduled_job", "tables": ("afli.skeyti",)}],
    reported=["afli.kvóti", "afli.skeyti"],
    commits=[FIRST,
        Commit(3300, "Hreinsun", {"ops/skeyti-hreinsun.sql": FORGET.format("") + ";\n", "ops/skeyti-hreinsun.service":
            "[Service]\nExecStart=/usr/bin/psql afli -f /srv/ops/skeyti-hreinsun.sql\n", "ops/skeyti-hreinsun.timer":
            "[Timer]\nOnCalendar=daily\n"}),
        Commit(600, "Hraðari hleðsla", {"hledsla/kvoti.py": "LOAD = [\n"
            + "".join(f"    {text!r},\n" for text in LOADED) + "]\n"}),
        Commit(12, "Millisekúndur", {"ops/skeyti-hreinsun.sql": FORGET.format(" * 1000") + ";\n"})],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

ships_dropped_as_a_leftover = Script(
    "ships_dropped_as_a_leftover",
    "Somebody tidies up tables that the new service no longer needs, and the old one still reads its ships",
    "afli",
    "afli",
    TABLES,
    [
        FISHED,
        QUOTED,
        WEIGHED,
        checkpoint,
        act("sgunn", "DataGrip 2026.2", "DROP TABLE afli.skip"),
        act("afli", "fiskistofa", "SELECT nafn FROM afli.skip WHERE id = 4", fails=True),
        act("afli", "flyway", "CREATE INDEX löndun_skip ON afli.löndun (skip)",
            "INSERT INTO afli.schema_version VALUES (2, 'V2__visir.sql')", whole=True),
        act("afli", "fiskistofa", "SELECT count(*) FROM afli.löndun l JOIN afli.skip s ON s.id = l.skip", fails=True),
        checkpoint,
    ],
    {**STANDING, "afli.schema_version": ok(2), "afli.skip": lost("drop", None, None, status="missing")},
    "manual_session",
    scope=["afli"],
    roles={"sgunn": "afli"},
    roots=["afli.skip"],
    reported=["afli.skip"],
    commits=[FIRST, Commit(3, "Vísir", {"src/main/resources/db/migration/V2__visir.sql": "CREATE INDEX löndun_skip ON "
        "afli.löndun (skip);\n"})],
    later=[LATER],
    settings=SETTINGS,
    views=ANONYMOUS,
    holdout=True,
)  # fmt: skip

CLOSES = """CREATE FUNCTION afli.loka() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM afli.löndun l WHERE l.skip IN (SELECT s.id FROM afli.skip s WHERE NOT EXISTS (SELECT FROM afli.höfn h
    WHERE h.nafn = s.höfn AND h.opin));
  RETURN NULL;
END $$"""
CLOSE = "CREATE TRIGGER loka AFTER UPDATE ON afli.höfn FOR EACH STATEMENT EXECUTE FUNCTION afli.loka()"
landings_went_with_a_port = Script(
    "landings_went_with_a_port",
    "The service closes one port; an old trigger deletes the landings of every ship whose port is not open",
    "afli",
    "afli",
    (*TABLES, CLOSES, CLOSE),
    [
        FISHED,
        QUOTED,
        WEIGHED,
        checkpoint,
        act("afli", "fiskistofa", "UPDATE afli.höfn SET opin = false WHERE nafn = 'Höfn 5'"),
        act("afli", "fiskistofa", "SELECT count(*) FROM afli.löndun"),
        act("sgunn", "psql", "DELETE FROM afli.landanir", fails=True),
        checkpoint,
    ],
    # Gone are those of ships whose port is closed, or is a port 0, which there is not.
    {**STANDING, "afli.höfn": ok(52, accepts=["update"]), "afli.löndun": lost("delete", 5702, 12900)},
    "application",
    scope=["afli"],
    roles={"sgunn": "afli"},
    roots=["afli.löndun"],
    causes=[{"cause": "application", "tables": ("afli.löndun",)}],
    reported=["afli.löndun"],
    commits=[FIRST, Commit(5000, "Lokun hafna", {"src/main/resources/db/migration/R__loka.sql": f"{CLOSES};\n"
        f"{CLOSE};\n", "src/main/kotlin/Hafnir.kt": "fun loka(nafn: String) = db.update(\"UPDATE afli.höfn SET "
        "opin = false WHERE nafn = ?\", nafn)\n"})],
    later=[LATER],
    settings=SETTINGS,
    views={view: {"causes": ({"cause": "application", "accepts": ("unknown",), "tables": ("afli.löndun",)},)}
           for view in BLIND},
    holdout=True,
)  # fmt: skip

SLIM = (
    "CREATE TABLE afli.höfn_ný AS SELECT nafn, opin FROM afli.höfn WHERE opin IS FALSE",
    "ALTER TABLE afli.höfn_ný ADD PRIMARY KEY (nafn)",
    "ALTER TABLE afli.höfn RENAME TO höfn_gömul",
    "ALTER TABLE afli.höfn_ný RENAME TO höfn",
    "DROP TABLE afli.höfn_gömul",
)
ports_selected_the_wrong_way = Script(
    "ports_selected_the_wrong_way",
    "A migration keeps the ports that are closed instead of the open ones: CREATE TABLE AS, renames; the log is gone",
    "afli",
    "afli",
    TABLES,
    [
        FISHED,
        QUOTED,
        checkpoint,
        act("afli", "flyway", *SLIM, "INSERT INTO afli.schema_version VALUES (2, 'V2__opnar_hafnir.sql')", whole=True),
        act("sgunn", "psql", "SELECT count(*) FROM afli.höfn"),
        WEIGHED,
        checkpoint,
        log_rotated,
        act("afli", "fiskistofa", "SELECT count(*) FROM afli.höfn WHERE opin"),
    ],
    {**STANDING, "afli.schema_version": ok(2), "afli.höfn": lost("recreate", 39, 13)},
    "migration",
    scope=["afli"],
    roles={"sgunn": "afli"},
    roots=["afli.höfn"],
    reported=["afli.höfn"],
    commits=[FIRST, Commit(4, "Aðeins opnar hafnir", {"src/main/resources/db/migration/V2__opnar_hafnir.sql":
        ";\n".join(SLIM) + ";\n"})],
    later=[LATER],
    settings=SETTINGS,
    # A filled table with young counters may as well be an ordinary one, or come out of a dump.
    views={"stats_csv": {"untellable": {"afli.höfn": ("none", "restore")}}},
    holdout=True,
)  # fmt: skip

calm_week = Script(
    "calm_week",
    "A healthy database in a calm week: a cursor fetched, a queue of messages corrected, indexes rebuilt, no complaint",
    "afli",
    "afli",
    TABLES,
    [
        FISHED,
        QUOTED,
        WEIGHED,
        checkpoint,
        act(
            "afli",
            "fiskistofa",
            "UPDATE afli.skeyti SET efni = 'höfn' WHERE id % 5 = 0",
            "DELETE FROM afli.skeyti WHERE id IN (7, 8, 9)",
            "INSERT INTO afli.skeyti VALUES (7, 1795650780, 'a'), (8, 1795650720, 'a'), (9, 1795650660, 'a')",
        ),
        act("postgres", "maintenance", "VACUUM FULL afli.löndun", "REINDEX TABLE afli.skip", "ANALYZE"),
        act("sgunn", "psql", "DROP TABLE afli.löndun", fails=True),
        act("afli", "kvota-hledsla", "INSERT INTO afli.kvóti VALUES (1, 'þorskur', 5)", fails=True),
        checkpoint,
    ],
    {
        **STANDING,
        "afli.skeyti": ok(64000, accepts=["update", "delete"]),
        "afli.kvóti": ok(310, accepts=["rollback"]),  # the refused insert is one
    },
    "not_lost",
    scope=["afli"],
    roles={"sgunn": ""},
    causes=[{"cause": "not_lost", "accepts": (), "tables": ()}],
    commits=[FIRST],
    later=[LATER],
    settings=SETTINGS,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        quotas_cleared_by_the_directorate, port_asks_a_standby_behind, spool_fell_and_messages_forgotten,
        ships_dropped_as_a_leftover, landings_went_with_a_port, ports_selected_the_wrong_way, calm_week,
    )
)  # fmt: skip
