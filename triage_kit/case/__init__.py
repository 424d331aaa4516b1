"""case.yaml: what is known of one incident and where its sources are.

Every scalar is read as it is written: YAML's own guesses (``yes`` becomes true, ``1.10`` becomes 1.1, a time without
an offset becomes somebody's local time) lose evidence. All mistakes of a file are reported together, and no message
and no traceback holds a password.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from triage_kit import schemas
from triage_kit.case.address import Target, parse_url, target_of
from triage_kit.case.reading import explain, read_yaml
from triage_kit.errors import CaseError

if TYPE_CHECKING:
    import pandas as pd

SOURCES = (
    "database", "logs", "repository", "wal", "backups", "snapshot", "statistics", "schema_dump", "containers",
    "data_directory",
)  # fmt: skip
DOCKER = "docker:"
MOST_TOLD = 50  # mistakes of one file
_NAME = r'(?:"(?:[^"]|"")+"|[^".]+)'  # a part of a qualified name, quoted or not


def _mistake(message: str) -> PydanticCustomError:
    # A custom error carries text alone: pydantic would keep the value itself beside a ValueError.
    return PydanticCustomError("triage", "{message}", {"message": message})


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        moment = value
    else:
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise _mistake("write an instant with its offset, as 2025-10-08T10:37:29Z") from None
    if moment.tzinfo is None:
        spelled = moment.isoformat()
        raise _mistake(f"the time has no zone: write {spelled}Z if it is UTC, else its offset, as {spelled}+02:00")
    return moment.astimezone(UTC)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (KeyError, ValueError, OSError):
        names = {name.lower(): name for name in available_timezones()}
        near = names.get(value.lower())
        hint = f"write {near}" if near else "write a name of the time zone database, as Europe/Berlin or UTC"
        raise _mistake(hint) from None


def _several(value: object) -> object:
    """One text stands for a list of one: logs: server.log."""
    return [value] if isinstance(value, str) else value


def _filled(value: str) -> str:
    if not value.strip():
        raise _mistake("the text is empty: leave the key out instead")
    return value


def _url(value: str) -> str:
    problem = parse_url(value)[1]
    if problem:
        raise _mistake(problem)
    return value


def _table(value: str) -> str:
    if not 1 <= len(split_name(value)) <= 2:
        raise _mistake('write table or schema.table, with quotes around a name that holds a dot, as public."a.b"')
    return value


Text = Annotated[str, AfterValidator(_filled)]
Texts = Annotated[list[Text], BeforeValidator(_several)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Zone = Annotated[Text, AfterValidator(_zone)]


class Part(BaseModel):
    """A mapping of case.yaml: unknown keys are mistakes, and messages never hold the input."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, data: object) -> object:
        """A key without a value is a key left out, as a template's are."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}


class Incident(Part):
    """Free text for the report's head."""

    id: Text | None = None
    service: Text | None = None
    severity: Text | None = None
    author: Text | None = None


class Window(Part):
    """The span that is looked at; either end may be open."""

    start: Instant | None = None
    end: Instant | None = None


class Database(Part):
    """How the server is reached; exactly one of url, url_env and service."""

    url: Annotated[Text, AfterValidator(_url)] | None = None
    url_env: Text | None = None
    service: Text | None = None
    schemas: Texts = []
    app_role: Text | None = None


class Note(Part):
    """What somebody saw, for the timeline."""

    at: Instant
    text: Text


class Case(Part):
    """One incident as case.yaml tells it; every instant is aware UTC, every path still as written."""

    title: Text | None = None
    incident: Incident = Incident()
    timezone: Zone = "UTC"
    noticed_at: Instant | None = None
    window: Window = Window()
    database: Database | None = None
    reported: Annotated[list[Annotated[Text, AfterValidator(_table)]], BeforeValidator(_several)] = []
    logs: Texts = []
    log_line_prefix: Text = "auto"
    log_timezone: Zone = "UTC"
    repository: Text | None = None
    migrations: Texts = []
    wal: Text | None = None
    backups: Texts = []
    baseline: Text | None = None
    notes: list[Note] = []
    counting: Literal["none", "safe", "exact"] = "safe"
    snapshot: Text | None = None
    statistics: Text | None = None
    schema_dump: Text | None = None
    containers: Texts = []
    data_directory: Text | None = None
    practice: Text | None = None

    _path: Path = PrivateAttr(default=Path("case.yaml"))

    @property
    def path(self) -> Path:
        """The file that was read."""
        return self._path

    @property
    def folder(self) -> Path:
        """The case folder: relative paths start here, evidence/ and report/ lie here."""
        return self._path.parent


def load(path: str | Path) -> Case:
    """Read the case of a folder, or of its case.yaml.

    Raises CaseError, with every mistake on a line of its own: the key's path, what was found, what to write instead.
    """
    given = Path(path)
    file = given / "case.yaml" if given.is_dir() else given
    if file.exists() and not file.is_file():
        raise CaseError(f"{file} is no file: name a case folder, or the case.yaml in it")
    if not file.is_file():
        raise CaseError(f"there is no case at {given}: write one with `triage init {given}`")
    data, problems = read_yaml(file)
    return build(data, file, problems)


def build(data: object, file: Path, problems: list[str] | None = None) -> Case:
    """A case from keys and values that need no file yet; ``file`` says where relative paths start."""
    problems = list(problems or [])
    case = None
    if not isinstance(data, dict):
        problems.append("the file holds no keys: it begins with a line as `title: Orders are empty`")
    else:
        try:
            case = Case.model_validate(data)
        except ValidationError as error:
            problems += explain(error.errors(include_url=False), Case)
        problems += _contradictions(data, case)
    # Raised outside the except block, so that no traceback can reach an error that knows the input.
    if problems or case is None:
        count = "one mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        told = problems[:MOST_TOLD] + ["and more of them"] * (len(problems) > MOST_TOLD)
        raise CaseError(f"{file} has {count}:\n" + "\n".join(f"  {problem}" for problem in told))
    case._path = file.absolute()
    return case


def _contradictions(data: dict, case: Case | None) -> list[str]:
    """What no single key can tell; looks at the raw keys, so that it speaks even when another key is wrong."""
    found = []
    if not any(data.get(key) for key in SOURCES):
        found.append(f"no source is named: write database: or another of {', '.join(SOURCES[1:])}")
    database = data.get("database")
    if isinstance(database, dict):
        ways = [key for key in ("url", "url_env", "service") if database.get(key)]
        if len(ways) != 1:
            got = " and ".join(ways) or "none of them"
            found.append(f"database: got {got}, write exactly one of url, url_env and service")
    if case and case.window.start and case.window.end and case.window.start > case.window.end:
        found.append(f"window: starts at {case.window.start:%FT%TZ}, after its end at {case.window.end:%FT%TZ}")
    return found


def split_name(name: str) -> list[str]:
    """The parts of a table's name as they are written, quotes taken off; an empty list when it is none.

    Case is kept: a case file is no SQL, and most tools show a name as it is stored.

    >>> split_name("migration.assets"), split_name('"My.Schema"."a""b"'), split_name("a..b")
    (['migration', 'assets'], ['My.Schema', 'a"b'], [])
    """
    text = name.strip()
    if not re.fullmatch(rf"{_NAME}(?:\.{_NAME})*", text):
        return []
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in re.findall(_NAME, text)]


def resolve(case: Case, pattern: str) -> list[Path]:
    """Files and folders that a path or glob of the case means, sorted; empty when nothing is there.

    A name that exists is taken as it is, so that brackets in it are no glob.
    """
    path = Path(pattern).expanduser()
    literal = case.folder / path
    if literal.exists():
        return [literal]
    if path.is_absolute():
        return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return sorted(_climb(case.folder, path))


def _climb(folder: Path, pattern: Path) -> list[Path]:
    # Path.glob refuses patterns that begin with '..'.
    parts = list(pattern.parts)
    while parts and parts[0] == "..":
        folder, parts = folder / "..", parts[1:]
    return list(folder.glob(str(Path(*parts)))) if parts else []


def sources_named(case: Case) -> tuple[str, ...]:
    """Keys of the sources that the case names, in the file's order; migrations and baseline among them.

    >>> sources_named(build({"logs": ["a.log"], "wal": "pg_wal"}, Path("case.yaml")))
    ('logs', 'wal')
    """
    return tuple(key for key in Case.model_fields if key in (*SOURCES, "migrations", "baseline") and getattr(case, key))


def docker_logs(case: Case) -> list[str]:
    """Container names of the ``docker:NAME`` entries of ``logs``."""
    return [entry.removeprefix(DOCKER) for entry in case.logs if entry.startswith(DOCKER)]


def target(case: Case) -> Target | None:
    """Host, port, database and role that the case names, without any secret; None when it names no database."""
    named = case.database
    return None if named is None else target_of(url=named.url, url_env=named.url_env, service=named.service)


def address(case: Case) -> str | None:
    """The server as ``host:port/database``, free of secrets; None when the case names no database.

    >>> address(build({"database": {"url": "postgresql://triage@db:5433/shop"}}, Path("case.yaml")))
    'db:5433/shop'
    """
    found = target(case)
    return None if found is None else found.address


def incident_frames(case: Case) -> dict[str, pd.DataFrame]:
    """The tables that the case itself fills: ``incident`` (one row), ``reported`` and ``notes``."""
    incident = {
        "title": case.title,
        "incident_id": case.incident.id,
        "service": case.incident.service,
        "severity": case.incident.severity,
        "author": case.incident.author,
        "timezone": case.timezone,
        "noticed_at": case.noticed_at,
        "window_start": case.window.start,
        "window_end": case.window.end,
        "app_role": case.database.app_role if case.database else None,
        "counting": case.counting,
        "practice": case.practice,
    }
    names = [split_name(name) for name in case.reported]
    reported = [{"schema": parts[0] if len(parts) == 2 else None, "table": parts[-1]} for parts in names]
    notes = [{"at": note.at, "text": note.text} for note in case.notes]
    return {
        "incident": schemas.frame("incident", [incident]),
        "reported": schemas.frame("reported", reported),
        "notes": schemas.frame("notes", notes),
    }
