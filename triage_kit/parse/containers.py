"""What ``docker inspect``, ``docker volume inspect`` and their podman twins print, without any value of a variable."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from triage_kit.errors import SourceError

_FRACTION = re.compile(r"(\.\d{6})\d+")
_ZONE_NAME = re.compile(r"\s+(?:[A-Z]{3,5}|[+-]\d{4})$")
_SPACED = re.compile(r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\S*) ([+-]\d{4})")
_NEVER = 1970  # engines write year 1 for "not yet"


@dataclass
class Inspected:
    """Rows of the evidence tables ``containers``, ``container_mounts``, ``volumes`` and ``container_environment``."""

    containers: list[dict] = field(default_factory=list)
    mounts: list[dict] = field(default_factory=list)
    volumes: list[dict] = field(default_factory=list)
    environment: list[dict] = field(default_factory=list)
    images: dict[str, datetime | None] = field(default_factory=dict)

    def join(self, other: Inspected) -> None:
        """Add what another answer held."""
        for name in ("containers", "mounts", "volumes", "environment"):
            getattr(self, name).extend(getattr(other, name))
        self.images |= other.images


def read_inspect(data: bytes | str, source: str) -> Inspected:
    """Containers, volumes and images of one inspect output: an array, one object, or one object a line.

    Raises SourceError when it is no such output, or holds none of the three.

    >>> read_inspect('[{"Name": "pg", "Driver": "local", "CreatedAt": "2025-09-25T08:00:00Z", "Mountpoint": "/x"}]',
    ...              "volume.json").volumes[0]["name"]
    'pg'
    """
    found = Inspected()
    for each in _objects(data):
        if "Mountpoint" in each and "Driver" in each:
            found.volumes.append({"name": each.get("Name"), "driver": each.get("Driver"), "source": source,
                                  "created_at": instant(each.get("CreatedAt"))})  # fmt: skip
        elif isinstance(each.get("State"), dict):
            _container(each, source, found)
        elif "RepoTags" in each or "RootFS" in each:
            found.images[_short(each.get("Id"))] = instant(each.get("Created"))
    if not (found.containers or found.volumes or found.images):
        raise SourceError("it holds no container and no volume; save what `docker inspect NAME` and "
                          "`docker volume inspect NAME` print")  # fmt: skip
    return found


def _objects(data: bytes | str) -> list[dict]:
    text = data.decode("utf-8-sig", "replace") if isinstance(data, bytes) else data
    try:
        read = json.loads(text)
    except ValueError:
        try:
            read = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise SourceError(f"it is no JSON: {error}") from None
    every = read if isinstance(read, list) else [read]
    flat = [part for each in every for part in (each if isinstance(each, list) else [each])]
    return [each for each in flat if isinstance(each, dict)]


def _container(each: dict, source: str, found: Inspected) -> None:
    name, state, config = str(each.get("Name") or "").lstrip("/"), each["State"], _object(each.get("Config"))
    health = state.get("Health") or state.get("Healthcheck") or {}
    found.containers.append({
        "name": name, "id": _short(each.get("Id")), "image": each.get("ImageName") or config.get("Image"),
        "image_id": _short(each.get("Image")), "created_at": instant(each.get("Created")),
        "started_at": instant(state.get("StartedAt")), "finished_at": instant(state.get("FinishedAt")),
        "restarts": _number(each.get("RestartCount")), "status": state.get("Status"),
        "exit_code": _number(state.get("ExitCode")), "out_of_memory": bool(state.get("OOMKilled")),
        "health": (health.get("Status") or None) if isinstance(health, dict) else None, "source": source,
    })  # fmt: skip
    for mount in _list(each.get("Mounts")):
        if not isinstance(mount, dict):
            continue
        bind = mount.get("Type") == "bind"
        found.mounts.append({
            "container": name, "kind": mount.get("Type"), "volume": None if bind else mount.get("Name") or None,
            "source": str(mount.get("Source") or "").rstrip("/").rpartition("/")[2] if bind else None,
            "destination": mount.get("Destination"), "writable": bool(mount.get("RW", True)),
        })  # fmt: skip
    names = {str(entry).partition("=")[0] for entry in _list(config.get("Env"))}
    found.environment += [{"container": name, "name": each} for each in sorted(names)]


def without_values(data: bytes) -> bytes:
    """The output with the value of every variable left out, for keeping."""
    every = _objects(data)
    for each in every:
        config = each.get("Config")
        if isinstance(config, dict) and config.get("Env"):
            config["Env"] = [f"{str(entry).partition('=')[0]}=" for entry in _list(config["Env"])]
        for key in ("Args", "Path", "ProcessLabel"):
            each.pop(key, None)
        if isinstance(config, dict):
            for key in ("Cmd", "Entrypoint", "Labels", "CreateCommand"):
                config.pop(key, None)
    return json.dumps(every, indent=1).encode()


def _object(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list:
    return value if isinstance(value, list) else []


def _short(value: object) -> str:
    return str(value or "").removeprefix("sha256:")[:12]


_LARGEST = 1 << 31  # of restarts and exit codes


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) and abs(value) < _LARGEST else None


def instant(value: object) -> datetime | None:
    """An instant as the engines write it, nanoseconds and all; year 1 means never.

    >>> instant("2025-09-25T08:00:00.123456789Z"), instant("0001-01-01T00:00:00Z")
    (datetime.datetime(2025, 9, 25, 8, 0, 0, 123456, tzinfo=datetime.timezone.utc), None)
    >>> instant("2025-09-25 10:00:00.5 +0200 CEST").hour
    8
    """
    if not isinstance(value, str):
        return None
    text = _FRACTION.sub(r"\1", value)
    spaced = _SPACED.match(text)
    try:
        at = datetime.fromisoformat(f"{spaced[1]}T{spaced[2]}{spaced[3]}" if spaced else _ZONE_NAME.sub("", text))
    except ValueError:
        return None
    if at.tzinfo is None or at.year < _NEVER:
        return None
    return at.astimezone(UTC)
