"""All questions to one server, in order, on one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from triage_kit.bundle import Draft
from triage_kit.case import Case
from triage_kit.collect import address, questions, rows, scope, special, versions, wal
from triage_kit.collect.asking import Inquiry
from triage_kit.collect.questions import QUESTIONS, Question
from triage_kit.collect.scope import Scope
from triage_kit.collect.server import OLDEST, Refused, Session
from triage_kit.errors import LoginRefused, SourceError, Unreachable

WAL = """
SELECT CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint END AS bytes,
       pg_catalog.current_setting('server_version_num')::int AS version
"""
FOOTPRINT = "how much the collecting itself may have written"
SCHEMAS = "every table of the schemas that are not there"


class Interrupted(Unreachable):
    """The server was lost in the middle; what it had answered is kept in evidence.partial/."""


class Unfit(SourceError):
    """The case and the server, or the draft and the server, do not fit: going on would mix or miss evidence."""


def read(case: Case, draft: Draft, wanted: Iterable[str] | None, tell: Callable[..., None], alone: bool) -> int | None:
    """Ask everything, or the ``wanted`` questions; returns the bytes of WAL that the whole server wrote meanwhile.

    ``alone`` says that no other source could make up for a scope without tables. Raises SourceError, LoginRefused or
    Unreachable when nothing can be asked, Interrupted when the server is lost in the middle.
    """
    named = case.database
    with Session(address.parameters(named.url, named.url_env, named.service)) as session:
        target = session.target
        tell(
            "target",
            host=target.host,
            port=target.port,
            database=target.database,
            role=target.role,
            version=session.version,
        )
        draft.note(host=target.short)
        try:
            return _ask_all(case, draft, session, _chosen(wanted), tell, alone, whole=wanted is None)
        except (Unreachable, LoginRefused) as error:
            left = [q.name for q in _chosen(wanted) if not draft.has(q.name)]
            raise Interrupted(
                f"{error}; {len(left)} questions are open, the first is {left[0] if left else 'none'}: "
                "what was read is kept in evidence.partial/, run `triage collect` again to go on "
                "and seal it"
            ) from None


def _chosen(wanted: Iterable[str] | None) -> list[Question]:
    names = None if wanted is None else {"identity", *wanted}
    unknown = (names or set()) - {question.name for question in QUESTIONS}
    if unknown:
        raise SourceError(
            f"there is no question {', '.join(sorted(unknown))}; "
            f"there are {', '.join(question.name for question in QUESTIONS)}"
        )
    return [question for question in QUESTIONS if names is None or question.name in names]


def _ask_all(
    case: Case, draft: Draft, session: Session, chosen: list[Question], tell: Callable[..., None], alone: bool,
    whole: bool,
) -> int | None:  # fmt: skip
    try:
        [before] = session.read(WAL)
        within = scope.find(session, case.database.schemas)
    except Refused as error:
        raise SourceError(
            f"{session.target} lets us in, but the catalogue itself cannot be read: {error}; somebody may hold a lock "
            "on it (VACUUM FULL, REINDEX SYSTEM), or it is damaged: look at pg_locks and the server's log, wait, and "
            "run the command again"
        ) from None
    if before["version"] < OLDEST:
        raise SourceError(f"the server runs PostgreSQL {session.version}; 13 is the oldest that can be read")
    _check_scope(case, draft, within, alone)
    inquiry = Inquiry(session, draft, within, tell, before["version"])
    inquiry.total = len(chosen)
    _same_server(inquiry)
    draft.note(schemas=list(within.schemas))
    for question in chosen:
        inquiry.ask(question, _way(case, inquiry, question))
    if whole and case.wal is None:
        wal.read_through_server(inquiry)
    _tell_login_triggers(inquiry)
    if session.reconnections:
        times = "once" if session.reconnections == 1 else f"{session.reconnections} times"
        draft.answer(
            source="connection",
            status="answered",
            named=False,
            costs="whether all answers are of one moment",
            reason=f"the connection was lost {times} and made anew: the answers lie on both sides of it",
        )
    return _footprint(draft, session, before["bytes"])


def _tell_login_triggers(inquiry: Inquiry) -> None:
    """Say what runs whenever somebody connects: it ran for this session too, before the first question."""
    triggers = inquiry.written("triggers")
    at_login = triggers["events"].map(lambda events: "login" in events) & (triggers["timing"] == "event")
    found = triggers[at_login & triggers["enabled"].isin(["enabled", "always"])]
    if not found.empty:
        inquiry.draft.answer(
            source="login_trigger",
            status="answered",
            named=False,
            costs="whether connecting itself wrote something",
            reason=f"{', '.join(found['function'])} runs for whoever connects to this database, and ran for this "
            "session: what it writes is not the kit's, and not among the bytes of WAL that are stated",
        )


def _way(case: Case, inquiry: Inquiry, question: Question) -> Callable[[Question], tuple[str, list[dict]]]:
    """How a question is read: by its query alone, or as ``special``, ``rows`` and ``versions`` know."""
    if question.name == "row_counts":
        return lambda asked: rows.count(inquiry, asked, case.counting)
    if question.name == "version_tables":
        return lambda asked: versions.read(inquiry, asked)
    own = special.SPECIAL.get(question.name)
    return (lambda asked: own(inquiry, asked)) if own else inquiry.read


def _check_scope(case: Case, draft: Draft, within: Scope, alone: bool) -> None:
    if within.complaint and not within.schemas and alone and not case.reported:
        raise Unfit(within.complaint)
    if within.complaint:
        draft.answer(source="schemas", status="unavailable", named=True, reason=within.complaint, costs=SCHEMAS)
    earlier = draft.notes.get("schemas")
    if earlier is not None and set(earlier) != set(within.schemas) and draft.has("relations"):
        raise Unfit(
            f"evidence.partial/ was begun with the schemas {', '.join(earlier)}, and the case now has "
            f"{', '.join(within.schemas)} in scope: move evidence.partial/ away and collect again"
        )


def _same_server(inquiry: Inquiry) -> None:
    """Refuse to go on with a draft that another server or another database began."""
    earlier = inquiry.written("identity")
    if earlier.empty:
        return
    try:
        now = special.identity(inquiry, questions.get("identity"))[1][0]
    except Refused:
        return
    for column in ("system_identifier", "database_oid"):
        was, is_ = earlier[column].iloc[0], now.get(column)
        if is_ is not None and str(was) not in ("nan", "<NA>", str(is_)):
            raise Unfit(
                f"evidence.partial/ was begun on another server or database ({column} {was}, here "
                f"{is_}): move it away and collect again"
            )


def _footprint(draft: Draft, session: Session, before: int | None) -> int | None:
    try:
        after = session.read(WAL)[0]["bytes"]
    except Refused:
        return None
    if before is None or after is None:
        return None
    draft.note(wal_bytes=after - before)
    draft.answer(
        source="wal_written",
        status="answered",
        named=False,
        costs=FOOTPRINT,
        reason=f"the whole server wrote {after - before:,} bytes of WAL between the first and the last question",
    )
    return after - before
