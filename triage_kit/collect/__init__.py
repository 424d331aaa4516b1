"""Collecting the evidence of one case: the only room that touches the outside, and it only reads.

Sources that fail become gaps with their reasons; what was read is on the disk at once, so an interrupted run goes on
where it ended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from triage_kit.bundle import Bundle, Draft
from triage_kit.case import Case, incident_frames, sources_named
from triage_kit.collect import database
from triage_kit.errors import LoginRefused, SourceError, Unreachable

BASELINE = (
    "identity",
    "table_counters",
    "database_counters",
    "cluster_counters",
    "relations",
    "storage",
    "indexes",
    "columns",
    "constraints",
    "sequences",
    "settings",
    "extensions",
    "namespaces",
    "databases",
)
COSTS = {
    "database": "everything the server itself tells: counters, storage, foreign keys, who is connected",
    "wal": "what else the transaction of the loss did and when it ended, and rows that could be read back from the WAL",
    "backups": "whether a backup holds the rows, and from when it is",
    "snapshot": "what the read-only script wrote on the database's own host",
    "statistics": "counters that were copied by hand",
    "schema_dump": "tables and foreign keys as the dump has them",
    "containers": "whether a volume was replaced or a container made anew",
    "data_directory": "the file times and the control file of the copied data directory",
}


@dataclass(frozen=True)
class Collected:
    """What a collecting run ended with.

    ``named_unread`` holds, as ``source (reason)``, the sources that the case names and that could not be read;
    ``refused`` is the server's refusal when others made up for it; ``wal_bytes`` is what the whole server wrote to its
    WAL meanwhile (missing on a standby).
    """

    bundle: Bundle
    named_unread: list[str]
    refused: SourceError | None = None
    wal_bytes: int | None = None


def collect(
    case: Case,
    *,
    again: bool = False,
    only: str | Iterable[str] | None = None,
    notify: Callable[..., None] | None = None,
) -> Collected:
    """Read the case's sources and seal ``evidence/``.

    ``only`` names the questions to ask (``"baseline"`` for the few of a baseline); by default all, and logs and
    repository with them. ``notify(event, **facts)`` hears ``target`` before anything is read, ``question`` after each
    answer, and ``sealed``. Raises the server's refusal (LoginRefused, Unreachable, SourceError) when no other source
    answered, and Unreachable when the connection is lost for good in the middle: what was read is kept then, and the
    next call goes on from there.
    """
    tell = notify or _silent
    wanted = BASELINE if only == "baseline" else only
    with Draft.begin(case.folder, again=again) as draft:
        _keep_case(case, draft)
        refused, wal_bytes = _read_server(case, draft, wanted, tell)
        if wanted is None:
            _read_files(case, draft, tell)
        if refused is not None and not _answered(draft):
            raise refused
        bundle = draft.seal()
    questions = bundle.table("questions")
    gaps = questions[questions["status"] != "answered"]
    unread = gaps[gaps["named"].fillna(False)]
    tell("sealed", path=str(bundle.folder), answered=len(questions) - len(gaps), gaps=len(gaps))
    return Collected(bundle, [f"{row.source} ({row.reason})" for row in unread.itertuples()], refused, wal_bytes)


def _keep_case(case: Case, draft: Draft) -> None:
    for name, frame in incident_frames(case).items():
        draft.write(name, frame)


def _read_server(
    case: Case, draft: Draft, wanted: Iterable[str] | None, tell: Callable[..., None]
) -> tuple[SourceError | None, int | None]:
    """The server's answers; its refusal is returned when other sources may make up for it."""
    if case.database is None:
        return None, None
    others = [key for key in sources_named(case) if key not in ("database", "migrations", "baseline")]
    try:
        wal_bytes = database.read(case, draft, wanted, tell, alone=not others)
    except (database.Interrupted, database.Unfit):
        raise
    except SourceError as error:
        status = "refused" if isinstance(error, LoginRefused) else "unavailable"
        draft.answer(source="database", status=status, named=True, reason=str(error), costs=COSTS["database"])
        tell("question", source="database", status=status, rows=None, reason=str(error), done=0, total=0)
        return error, None
    draft.answer(source="database", status="answered", named=True, costs=COSTS["database"])
    return None, wal_bytes


def _read_files(case: Case, draft: Draft, tell: Callable[..., None]) -> None:
    from triage_kit.collect.backups import read_backups
    from triage_kit.collect.containers import read_containers
    from triage_kit.collect.described import read_described
    from triage_kit.collect.earlier import read_earlier
    from triage_kit.collect.log import read_logs
    from triage_kit.collect.repository import read_repository
    from triage_kit.collect.snapshot import read_snapshots
    from triage_kit.collect.wal import read_copies

    read_snapshots(case, draft, tell)
    read_described(case, draft, tell)
    read_containers(case, draft, tell)
    read_earlier(case, draft, tell)
    settings = draft.written("settings")
    known = dict(zip(settings["name"], settings["value"], strict=True))
    read_logs(case, draft, {name: value for name, value in known.items() if isinstance(value, str)}, tell)
    read_copies(case, draft, tell)
    read_backups(case, draft, tell)
    read_repository(case, draft, tell)


def _answered(draft: Draft) -> bool:
    """Whether any source was read, in this run or in the one that it goes on from."""
    return bool(draft.resumed)


def _silent(event: str, **facts: object) -> None:
    """Nobody listens."""


__all__ = ["BASELINE", "Collected", "LoginRefused", "SourceError", "Unreachable", "collect"]
