"""Inspect outputs in the shapes that docker and podman print; values of variables never come along."""

from datetime import UTC, datetime

import pytest

from triage_kit.errors import SourceError
from triage_kit.parse.containers import read_inspect, without_values

# Shapes of `docker inspect`, API 1.43, shortened to what is read.
DOCKER = b"""[{"Id": "9c1d0f3a7b2e4455aabbccdd", "Created": "2025-09-25T07:58:11.123456789Z",
 "Name": "/migration_postgres",
 "State": {"Status": "running", "Running": true, "OOMKilled": false, "ExitCode": 0, "Error": "",
  "StartedAt": "2025-09-30T06:00:01.5Z", "FinishedAt": "2025-09-30T05:59:58Z", "Health": {"Status": "healthy"}},
 "Image": "sha256:0123456789abcdef", "RestartCount": 2, "Args": ["postgres", "-c", "password=hunter2hunter2"],
 "Mounts": [{"Type": "volume", "Name": "pgdata", "Source": "/var/lib/docker/volumes/pgdata/_data",
   "Destination": "/var/lib/postgresql/data", "Driver": "local", "RW": true},
  {"Type": "bind", "Source": "/home/ines/init", "Destination": "/docker-entrypoint-initdb.d", "RW": false}],
 "Config": {"Image": "postgres:16", "Env": ["POSTGRES_PASSWORD=hunter2hunter2", "PGDATA=/var/lib/postgresql/data"],
  "Cmd": ["postgres"], "Labels": {"token": "hunter2hunter2"}}}]"""
VOLUME = b"""[{"CreatedAt": "2025-10-07T19:02:33+02:00", "Driver": "local", "Labels": null, "Mountpoint":
 "/var/lib/docker/volumes/pgdata/_data", "Name": "pgdata", "Options": null, "Scope": "local"}]"""
PODMAN = b"""[{"Id": "aa11", "Created": "2025-09-25T09:58:11.123456789+02:00", "Name": "pg",
 "ImageName": "docker.io/postgres:16",
 "Image": "0123456789abcdef", "State": {"Status": "exited", "ExitCode": 137, "OOMKilled": true,
 "StartedAt": "2025-09-30T08:00:01+02:00", "FinishedAt": "0001-01-01T00:00:00Z", "Healthcheck": {"Status": ""}},
 "RestartCount": 0, "Mounts": [], "Config": {"Env": ["A=b=c"]}}]"""


def test_a_container_of_docker() -> None:
    found = read_inspect(DOCKER, "inspect.json")
    [row] = found.containers
    assert row["name"] == "migration_postgres"
    assert row["created_at"] == datetime(2025, 9, 25, 7, 58, 11, 123456, tzinfo=UTC)
    assert row["started_at"] == datetime(2025, 9, 30, 6, 0, 1, 500000, tzinfo=UTC)
    assert (row["image"], row["restarts"], row["health"], row["status"]) == ("postgres:16", 2, "healthy", "running")
    assert [each["volume"] for each in found.mounts] == ["pgdata", None]
    assert found.mounts[1]["source"] == "init"  # of a host path only its last part
    assert [each["name"] for each in found.environment] == ["PGDATA", "POSTGRES_PASSWORD"]


def test_a_volume() -> None:
    [row] = read_inspect(VOLUME, "volume.json").volumes
    assert row == {"name": "pgdata", "driver": "local", "source": "volume.json",
                   "created_at": datetime(2025, 10, 7, 17, 2, 33, tzinfo=UTC)}  # fmt: skip


def test_a_container_of_podman() -> None:
    [row] = read_inspect(PODMAN, "pg.json").containers
    assert (row["image"], row["exit_code"], row["out_of_memory"]) == ("docker.io/postgres:16", 137, True)
    assert (row["finished_at"], row["health"]) == (None, None)


def test_objects_of_several_files_may_be_joined() -> None:
    lines = b"\n".join(part.replace(b"\n", b" ") for part in (DOCKER, VOLUME))
    found = read_inspect(lines, "both.txt")
    assert (len(found.containers), len(found.volumes)) == (1, 1)


def test_no_value_is_kept() -> None:
    kept = without_values(DOCKER)
    assert b"hunter2hunter2" not in kept
    assert b"POSTGRES_PASSWORD=" in kept
    assert "hunter2hunter2" not in repr(read_inspect(DOCKER, "x"))


@pytest.mark.parametrize("data", [b"", b"not json", b"[]", b"{}", b'[{"Name": "network"}]', b"[1, 2]"])
def test_what_is_no_inspect_output_is_said(data: bytes) -> None:
    with pytest.raises(SourceError):
        read_inspect(data, "x")
