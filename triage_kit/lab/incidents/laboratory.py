"""A laboratory's plates and readouts: a cascade by hand, an image with another folder, a mirror, a pipeline's swap."""

from __future__ import annotations

import json

from triage_kit.lab.incidents import base
from triage_kit.lab.incidents.script import ANONYMOUS, Commit, Script, Stage, act, checkpoint, lost, ok
from triage_kit.lab.server import Server

TABLES = (
    "CREATE SCHEMA lims",
    "CREATE TABLE lims.plate (barcode text PRIMARY KEY, purpose text NOT NULL)",
    "CREATE TABLE lims.well (barcode text NOT NULL REFERENCES lims.plate ON DELETE CASCADE, pos smallint NOT NULL, "
    "sample text, PRIMARY KEY (barcode, pos))",
    "CREATE TABLE lims.readout (barcode text NOT NULL, pos smallint NOT NULL, channel smallint NOT NULL, trace real[], "
    "FOREIGN KEY (barcode, pos) REFERENCES lims.well ON DELETE CASCADE)",
    "CREATE TABLE lims.protocol (code text PRIMARY KEY, steps text[])",
    "CREATE TABLE lims.run_log (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, said text)",
    "CREATE INDEX readout_well ON lims.readout (barcode, pos)",
)
# Fifty plates of 24 wells and two channels; every fifth plate is a pilot's.
MEASURED = act(
    "lims",
    "plate-reader",
    "INSERT INTO lims.plate SELECT 'BC' || g, CASE WHEN g % 5 = 0 THEN 'pilot' ELSE 'screen' END "
    "FROM generate_series(1, 50) g",
    "INSERT INTO lims.well SELECT 'BC' || 1 + g / 24, g % 24, 'S' || g FROM generate_series(0, 1199) g",
    "INSERT INTO lims.readout SELECT 'BC' || 1 + (g % 1200) / 24, g % 24, g / 1200, ARRAY[g, g + 1, g + 2]::real[] "
    "FROM generate_series(0, 2399) g",
    "INSERT INTO lims.protocol SELECT 'P' || lpad(g::text, 3, '0'), ARRAY['mix', 'spin'] FROM generate_series(1, 80) g",
)
RAN = act("lims", "plate-reader", "INSERT INTO lims.run_log (said) SELECT 'plate in' FROM generate_series(1, 14) g")
STANDING = {
    "lims.plate": ok(50),
    "lims.well": ok(1200),
    "lims.readout": ok(2400),
    "lims.protocol": ok(80),
    "lims.run_log": ok(14),
}
SETTINGS = {"log_line_prefix": "%n %p [%v] %u:%d:%a ", "log_timezone": "Europe/Zurich"}

pilots_deleted_from_r = Script(
    "pilots_deleted_from_r",
    "A scientist deletes pilot plates from an R session: wells and readouts go along, pilots of today among them",
    "lims",
    "lims",
    TABLES,
    [
        MEASURED,
        RAN,
        checkpoint,
        act("aferrari", "RStudio 2026.09.1", "DELETE FROM lims.plates WHERE purpose = 'pilot'", fails=True),
        act("aferrari", "RStudio 2026.09.1", "DELETE FROM lims.plate WHERE purpose = 'pilot'"),
        act("lims", "flask db upgrade", "ALTER TABLE lims.run_log ADD COLUMN at timestamptz"),
        checkpoint,
    ],
    {
        **STANDING,
        "lims.plate": lost("delete", 10, 40),
        "lims.well": lost("cascade_delete", 240, 960, via=["lims.plate"]),
        "lims.readout": lost("cascade_delete", 480, 1920, via=["lims.plate"]),
    },
    "manual_session",
    scope=["lims"],
    roles={"aferrari": "lims"},
    roots=["lims.plate"],
    reported=["lims.readout"],
    commits=[Commit(2, "When it ran", {"migrations/versions/7c1f_at.py": "from alembic import op\n\nrevision = '7c1f'\n"
        "\n\ndef upgrade():\n    op.execute('ALTER TABLE lims.run_log ADD COLUMN at timestamptz')\n"})],
    later=[RAN],
    settings=SETTINGS,
    views={"no_log": ANONYMOUS["no_log"]},
)  # fmt: skip

COMPOSE = """services:
  db:
    image: postgres:{tag}
    environment:
      POSTGRES_DB: lims
    volumes:
      - lims_pgdata:/var/lib/postgresql/data
volumes:
  lims_pgdata: {{}}
"""


def _image_with_another_folder(stage: Stage) -> None:
    """The new image keeps its data in a folder that the volume is not mounted at: an anonymous volume, and initdb."""
    stage.server.renew()
    image_keeps_data_elsewhere.create(stage.server)
    made = base.now().isoformat().replace("+00:00", "Z")
    container = {
        "Id": "9be2d41c", "Name": "/lims-db-1", "Created": made, "RestartCount": 0, "Image": "sha256:77",
        "State": {"Status": "running", "Running": True, "StartedAt": made, "FinishedAt": "0001-01-01T00:00:00Z",
                  "ExitCode": 0},
        "Config": {"Image": "postgres:18", "Env": ["POSTGRES_DB=lims", "PGDATA=/var/lib/postgresql/18/docker"]},
        "Mounts": [
            {"Type": "volume", "Name": "lims_pgdata", "Destination": "/var/lib/postgresql/data", "RW": True},
            {"Type": "volume", "Name": "5d0f3ac4b7", "Destination": "/var/lib/postgresql", "RW": True},
        ],
    }  # fmt: skip
    (stage.folder / "inspect.json").write_text(json.dumps([container], indent=1), encoding="utf-8")


image_keeps_data_elsewhere = Script(
    "image_keeps_data_elsewhere",
    "The image was raised to the next major, which keeps its data in another folder: a new cluster beside the volume",
    "lims",
    "lims",
    TABLES,
    [MEASURED, RAN, checkpoint, _image_with_another_folder, RAN],
    {
        **{f"lims.{name}": lost("new_cluster", None) for name in ("plate", "well", "readout", "protocol")},
        "lims.run_log": lost("new_cluster", None, 14),
    },
    "storage_replaced",
    scope=["lims"],
    reported=["lims.plate", "lims.readout"],
    begins=96,
    commits=[
        Commit(4000, "Database in a container", {"compose.yaml": COMPOSE.format(tag="17"),
            "migrations/0001_lims.sql": ";\n".join(TABLES) + ";\n"}),
        Commit(3, "PostgreSQL 18", {"compose.yaml": COMPOSE.format(tag="18")}),
    ],
    case={"containers": ["inspect.json"]},
    later=[RAN],
    settings=SETTINGS,
    # Young counters of empty tables: as of tables made anew, or never filled.
    views={"stats_csv": {"untellable": {f"lims.{name}": ("none", "recreate", "counters_reset")
                                        for name in ("plate", "well", "readout", "protocol", "run_log")}}},
)  # fmt: skip


def _followed(stage: Stage) -> None:
    """The institute's server publishes its protocols; somebody deletes there, and this server follows."""
    with Server({"wal_level": "logical", "max_wal_senders": 6}, binaries=stage.server.binaries) as source:
        base.roles(source, stage.database, "lims", {})
        with base.session(source, stage.database, "lims", "migrate") as connection:
            connection.execute(TABLES[0])
            connection.execute(TABLES[4])
        with base.session(source, stage.database, "postgres", "psql") as connection:
            connection.execute("CREATE PUBLICATION protocols FOR TABLE lims.protocol")
        told = f"host={source.folder} port=5432 dbname={stage.database} user=postgres"
        with base.session(stage.server, stage.database, "postgres", "psql") as connection:
            connection.execute(f"CREATE SUBSCRIPTION institute CONNECTION '{told}' PUBLICATION protocols")
        for first in (1, 61, 121, 181):
            with base.session(source, stage.database, "lims", "lims-central") as connection:
                connection.execute(
                    "INSERT INTO lims.protocol SELECT 'P' || lpad(g::text, 3, '0'), ARRAY['mix'] "
                    f"FROM generate_series({first}, {first + 59}) g"
                )
        _arrived(stage, 240)
        with base.session(source, stage.database, "postgres", "psql") as connection:
            connection.execute("DELETE FROM lims.protocol WHERE code >= 'P025'")
        _arrived(stage, 24)


def _arrived(stage: Stage, rows: int) -> None:
    def check() -> object:
        with base.session(stage.server, stage.database, "postgres", "triage_lab") as connection:
            seen = connection.execute("SELECT count(*) FROM lims.protocol").fetchone()
        return seen == (rows,) or seen

    base.waited(check, f"{rows} protocols from the institute")


protocols_deleted_upstream = Script(
    "protocols_deleted_upstream",
    "Protocols are replicated from the institute, where somebody deleted nine in ten; here no statement was run",
    "lims",
    "lims",
    TABLES,
    [
        act("lims", "plate-reader", *MEASURED.statements[:3]),
        _followed,
        act("aferrari", "RStudio 2026.09.1", "DELETE FROM lims.protocols", fails=True),
        RAN,
        checkpoint,
    ],
    {**STANDING, "lims.protocol": lost("delete", 216, 24)},
    "replication",
    scope=["lims"],
    roles={"aferrari": "lims"},
    roots=["lims.protocol"],
    reported=["lims.protocol"],
    later=[RAN],
    settings=SETTINGS,
)

RECALCULATE = (
    "CREATE TABLE lims.readout_next AS SELECT r.* FROM lims.readout r JOIN lims.plate p USING (barcode) "
    "WHERE p.purpose = 'pilot'",
    "DROP TABLE lims.readout",
    "ALTER TABLE lims.readout_next RENAME TO readout",
)

readouts_recalculated = Script(
    "readouts_recalculated",
    "The nightly pipeline replaces the readouts by a recalculated table, whose query keeps the pilots alone",
    "lims",
    "lims",
    TABLES,
    [
        MEASURED,
        RAN,
        checkpoint,
        act("pipeline", "snakemake", "SET ROLE lims", *RECALCULATE, whole=True),
        act("lims", "plate-reader", "INSERT INTO lims.readout VALUES ('BC1', 1, 0, '{1,2}'), ('BC1', 2, 0, '{1,2}')"),
        checkpoint,
    ],
    {**STANDING, "lims.readout": lost("recreate", None, 482)},
    "scheduled_job",
    scope=["lims"],
    roles={"pipeline": "lims"},
    roots=["lims.readout"],
    reported=["lims.readout"],
    commits=[
        Commit(2500, "Tables", {"migrations/0001_lims.sql": ";\n".join(TABLES) + ";\n"}),
        Commit(40, "Recalculate every night", {"pipeline/recalculate.sql": ";\n".join(RECALCULATE) + ";\n",
            "pipeline/Snakefile": "rule recalculate:\n    shell: \"psql lims -1 -f pipeline/recalculate.sql\"\n",
            "pipeline/crontab": "0 3 * * * pipeline snakemake --cores 4 recalculate\n"}),
    ],
    later=[RAN],
    settings=SETTINGS,
    # A filled table with young counters may as well be an ordinary one, or come out of a dump.
    views={"stats_csv": {"untellable": {"lims.readout": ("none", "restore")}}},
)  # fmt: skip

INCIDENTS = tuple(
    each.incident()
    for each in (
        pilots_deleted_from_r, image_keeps_data_elsewhere, protocols_deleted_upstream, readouts_recalculated,
    )
)  # fmt: skip
