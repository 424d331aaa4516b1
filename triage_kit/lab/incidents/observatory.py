"""An observatory in Spanish, with inheritance and arrays: a child let go, a half restore, a clock, a timer, a crash."""

from __future__ import annotations

from pathlib import Path

from triage_kit.lab.incidents import deeds
from triage_kit.lab.incidents.script import BLIND, Commit, Script, Stage, act, checkpoint, crash, lost, ok

TABLES = (
    "CREATE SCHEMA obs",
    "CREATE TABLE obs.telescopio (sigla text PRIMARY KEY, apertura_mm int)",
    "CREATE TABLE obs.exposicion (id bigint NOT NULL, sigla text NOT NULL, mjd double precision, filtro char(2))",
    "CREATE TABLE obs.exposicion_2025 (CHECK (mjd < 61041), PRIMARY KEY (id)) INHERITS (obs.exposicion)",
    "CREATE TABLE obs.exposicion_2026 (CHECK (mjd >= 61041), PRIMARY KEY (id)) INHERITS (obs.exposicion)",
    "CREATE TABLE obs.fuente (id bigint PRIMARY KEY, flujo real[] NOT NULL, ra double precision, dec double precision)",
    "CREATE TABLE obs.calibracion (noche date NOT NULL, sigla text REFERENCES obs.telescopio, cero real, "
    "PRIMARY KEY (noche, sigla))",
    "CREATE TABLE obs.bitacora (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nota text)",
)
OBSERVED = act(
    "obs",
    "reductor.py",
    "INSERT INTO obs.telescopio VALUES ('T1', 1200), ('T2', 2500), ('T3', 400)",
    "INSERT INTO obs.exposicion_2025 SELECT g, 'T' || 1 + g % 3, 60700 + g % 300, 'r' FROM generate_series(1, 4200) g",
    "INSERT INTO obs.exposicion_2026 SELECT g, 'T' || 1 + g % 3, 61050 + g % 300, 'g' "
    "FROM generate_series(4201, 9000) g",
    "INSERT INTO obs.fuente SELECT g, ARRAY[g, g + 1]::real[], g % 360, g % 90 FROM generate_series(1, 30000) g",
    "INSERT INTO obs.calibracion SELECT date '2026-01-01' + g / 3, 'T' || 1 + g % 3, 22.5 "
    "FROM generate_series(0, 899) g",
)
NOTED = act("obs", "bitacora-web", "INSERT INTO obs.bitacora (nota) SELECT 'nubes' FROM generate_series(1, 6)")
STANDING = {
    "obs.telescopio": ok(3),
    "obs.exposicion_2025": ok(4200),
    "obs.exposicion_2026": ok(4800),
    "obs.fuente": ok(30000),
    "obs.calibracion": ok(900),
    "obs.bitacora": ok(6),
}
SETTINGS = {"log_line_prefix": "%m [%p]: [%l-1] %u@%d app=%a ", "log_timezone": "America/Santiago"}
FIRST = Commit(8000, "Esquema", {"sql/001_esquema.sql": ";\n".join(TABLES) + ";\n"})

child_let_go = Script(
    "child_let_go",
    "A migration takes last year's table out of the inheritance: the parent is asked, and a year of exposures is gone",
    "observatorio",
    "obs",
    TABLES,
    [
        OBSERVED,
        NOTED,
        checkpoint,
        act("obs", "sqitch", "ALTER TABLE obs.exposicion_2025 NO INHERIT obs.exposicion"),
        act("obs", "archivo-web", "SELECT count(*) FROM obs.exposicion"),
        act("mrojas", "psql", "TRUNCATE obs.exposicion_2024", fails=True),
        checkpoint,
    ],
    # Let go as a partition that is detached: its rows stand, and nobody who asks the parent sees them.
    {**STANDING, "obs.exposicion_2025": {**lost("partition_drop", 0, 4200, status="hidden"), "accepts": ("hidden",)}},
    "not_lost",
    scope=["obs"],
    roles={"mrojas": ""},
    causes=[{"cause": "not_lost", "accepts": ("migration",), "tables": ("obs.exposicion_2025",)}],
    reported=["obs.exposicion"],
    commits=[FIRST, Commit(5, "El archivo guarda 2025", {"sql/deploy/archivo_2025.sql":
        "-- Deploy obs:archivo_2025 to pg\nBEGIN;\nALTER TABLE obs.exposicion_2025 NO INHERIT obs.exposicion;\n"
        "COMMIT;\n"})],
    later=[NOTED],
    settings=SETTINGS,
    # A catalogue shows a table that has no parent, and perhaps had none; bare counters know nothing of parents.
    views={view: {"untellable": {"obs.exposicion_2025": ("none",) if view == "stats_csv" else ()}} for view in BLIND},
    holdout=True,
)  # fmt: skip

DUMPED: dict[str, list[tuple]] = {
    "COPY obs.telescopio (sigla, apertura_mm) FROM stdin": [("T1", 1200), ("T2", 2500), ("T3", 400)],
    "COPY obs.exposicion_2025 (id, sigla, mjd, filtro) FROM stdin": [
        (n, f"T{1 + n % 3}", 60700 + n % 300, "r") for n in range(1, 4201)
    ],
}


def _restored_by_half(stage: Stage) -> None:
    """The schema was dropped to be restored; the disk of the dump failed after the second table's rows."""
    dropped = ("DROP SCHEMA obs CASCADE", *TABLES, "GRANT ALL ON SCHEMA obs TO obs",
               "GRANT ALL ON ALL TABLES IN SCHEMA obs TO obs")  # fmt: skip
    deeds.copied(stage, "postgres", "pg_restore", dropped, DUMPED)


HALF = ("obs.exposicion_2026", "obs.fuente", "obs.calibracion")
restored_by_half = Script(
    "restored_by_half",
    "A schema was dropped to be restored from this night's dump, and the dump's disk failed after two tables",
    "observatorio",
    "obs",
    TABLES,
    [OBSERVED, checkpoint, _restored_by_half, NOTED,
     act("mrojas", "psql", "SELECT count(*) FROM obs.fuente"), checkpoint],
    {
        **{name: lost("restore", None, accepts=["recreate"]) for name in HALF},
        # What the dump had in time stands again, as it was in the night: no row is missing.
        "obs.telescopio": ok(3, "restore", accepts=["none", "recreate"]),
        "obs.exposicion_2025": ok(4200, "restore", accepts=["none", "recreate"]),
        "obs.bitacora": ok(6, accepts=["recreate", "restore"]),
    },
    "restore",
    scope=["obs"],
    roles={"mrojas": "obs"},
    roots=list(HALF),
    causes=[{"cause": "restore", "tables": HALF}],
    reported=["obs.fuente", "obs.calibracion"],
    commits=[FIRST],
    later=[NOTED],
    settings=SETTINGS,
    # At default logging a schema is there that is younger than its database: who filled two of its tables, none says.
    views={view: {"untellable": {
        **dict.fromkeys(HALF, ("recreate", *(("none", "new_cluster") if view == "stats_csv" else ()))),
        **dict.fromkeys(("obs.telescopio", "obs.exposicion_2025"), ("none", "restore", "recreate"))}}
        for view in BLIND},
    holdout=True,
)  # fmt: skip


def _kept(stage: Stage) -> Path:
    return stage.server.folder / "base-backup"


def _backed_up(stage: Stage) -> None:
    """A cold base backup of the evening."""
    stage.server.stop()
    stage.server.keep(_kept(stage))
    stage.server.start()


def _recovered_too_early(stage: Stage) -> None:
    """Recovery from the backup to a target before the night's work: local time was given where UTC was meant."""
    stage.server.stop()
    stage.server.put_back(_kept(stage))
    deeds.signalled(stage, "recovery.signal")
    with stage.server.connect() as connection:
        connection.execute("CHECKPOINT")


RECOVERED = {
    "obs.exposicion_2026": lost("restore", 1200, 3600),
    "obs.fuente": lost("restore", 22500, 7500),
    "obs.calibracion": lost("restore", 900),
}
recovered_to_the_wrong_hour = Script(
    "recovered_to_the_wrong_hour",
    "Point-in-time recovery was given local time for UTC: the cluster is of before the night, on a new timeline",
    "observatorio",
    "obs",
    TABLES,
    [
        act("obs", "reductor.py", *OBSERVED.statements[:2],
            "INSERT INTO obs.exposicion_2026 SELECT g, 'T1', 61050 + g % 300, 'g' FROM generate_series(4201, 7800) g",
            "INSERT INTO obs.fuente SELECT g, ARRAY[g, g + 1]::real[], g % 360, 0 FROM generate_series(1, 7500) g"),
        NOTED,
        _backed_up,
        act("obs", "reductor.py",
            "INSERT INTO obs.exposicion_2026 SELECT g, 'T2', 61400, 'g' FROM generate_series(7801, 9000) g",
            "INSERT INTO obs.fuente SELECT g, ARRAY[g, g + 1]::real[], g % 360, 0 FROM generate_series(7501, 30000) g",
            OBSERVED.statements[4]),
        checkpoint,
        _recovered_too_early,
    ],
    {
        "obs.telescopio": ok(3, accepts=["counters_reset", "restore"]),
        "obs.exposicion_2025": ok(4200, accepts=["counters_reset", "restore"]),
        "obs.bitacora": ok(6, accepts=["counters_reset", "restore"]),
        **{name: {**told, "statuses": ("undecided",)} for name, told in RECOVERED.items()},
    },
    "restore",
    scope=["obs"],
    causes=[{"cause": "restore", "accepts": ("storage_replaced",), "tables": tuple(RECOVERED)}],
    reported=["obs.fuente", "obs.calibracion"],
    commits=[FIRST],
    later=[NOTED],
    settings={**SETTINGS, "restore_command": "false"},
    # The state is that of the evening in every page; the timeline's number and the log alone say that there was more.
    views={view: {"untellable": dict.fromkeys(RECOVERED, ("none", "counters_reset"))}
           for view in ("plain", "no_log", "stats_csv", "crash")},
    holdout=True,
)  # fmt: skip

RELOAD = """CREATE PROCEDURE obs.recalibrar() LANGUAGE plpgsql AS $$
BEGIN
  TRUNCATE obs.calibracion;
  BEGIN
    INSERT INTO obs.calibracion SELECT date '2026-01-01' + g / 3, 'T' || 1 + g % 4, 22.5 FROM generate_series(0, 899) g;
  EXCEPTION WHEN OTHERS THEN
    INSERT INTO obs.bitacora (nota) VALUES ('recalibrar: ' || sqlerrm);
  END;
END $$"""
zero_points_not_reloaded = Script(
    "zero_points_not_reloaded",
    "A timer's procedure truncates the zero points and loads them anew; the load fails, and the handler only notes it",
    "observatorio",
    "obs",
    (*TABLES, RELOAD),
    [
        OBSERVED,
        NOTED,
        checkpoint,
        act("calib", "recalibrar.timer", "CALL obs.recalibrar()"),
        act("obs", "cron", "VACUUM FULL obs.exposicion_2026"),
        act("mrojas", "psql", "DELETE FROM obs.calibraciones", fails=True),
        checkpoint,
    ],
    {**STANDING, "obs.calibracion": lost("truncate", 900), "obs.bitacora": ok(7)},
    "scheduled_job",
    scope=["obs"],
    roles={"calib": "obs", "mrojas": ""},
    roots=["obs.calibracion"],
    reported=["obs.calibracion"],
    commits=[FIRST, Commit(700, "Recalibrar cada noche", {"sql/040_recalibrar.sql": RELOAD + ";\n",
        "systemd/recalibrar.timer": "[Timer]\nOnCalendar=daily\n",
        "systemd/recalibrar.service": "[Service]\nUser=calib\n"
            "ExecStart=/usr/bin/psql observatorio -c 'CALL obs.recalibrar()'\n"})],
    later=[NOTED],
    settings=SETTINGS,
    holdout=True,
)  # fmt: skip

statistics_lost_in_a_crash = Script(
    "statistics_lost_in_a_crash",
    "False alarm: a dashboard of counters shows zero sources after a power cut; all thirty thousand stand",
    "observatorio",
    "obs",
    TABLES,
    [
        OBSERVED,
        NOTED,
        act("mrojas", "psql", "DELETE FROM obs.fuente WHERE id > 10", undone=True),
        checkpoint,
        crash,
        act("obs", "archivo-web", "SELECT count(*) FROM obs.telescopio"),
    ],
    {name: {**told, "mechanism": "counters_reset", "accepts": ("none",)} for name, told in STANDING.items()},
    "not_lost",
    scope=["obs"],
    roles={"mrojas": "obs"},
    reported=["obs.fuente"],
    later=[NOTED],
    settings=SETTINGS,
    holdout=True,
)

INCIDENTS = tuple(
    each.incident()
    for each in (
        child_let_go, restored_by_half, recovered_to_the_wrong_hour, zero_points_not_reloaded,
        statistics_lost_in_a_crash,
    )
)  # fmt: skip
