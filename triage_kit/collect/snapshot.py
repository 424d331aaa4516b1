"""A snapshot that collect.sql wrote, read as if its server answered now.

The answers stand in for the session: the same functions that question a server read them, so that rows, redaction and
the words for what is lacking are those of a direct connection. What psql cannot do is said: the clock's offset, tables
that are counted only after EXPLAIN was seen, chunks that are halved when they meet a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.case import Case
from triage_kit.collect import damage, named_files, questions, rows, scope, special, versions
from triage_kit.collect.asking import Inquiry
from triage_kit.collect.questions import QUESTIONS, Question
from triage_kit.collect.scope import Scope
from triage_kit.collect.server import STATUS, Limits, Refused, quoted
from triage_kit.errors import SourceError
from triage_kit.parse.snapshot import Snapshot, instant, read_snapshot
from triage_kit.redact import redact

MOST = 512 << 20
COSTS = "everything that the server itself would tell: counters, storage, foreign keys, who was connected"
NOT_COUNTED = "the script counts only small tables of which the counters prove that they hold no dead row"
CUT = "the file ends before its last line: psql was stopped, or the copy is not whole"


def read_snapshots(case: Case, draft: Draft, notify: Callable[..., None]) -> None:
    """Read ``snapshot:`` of the case into the tables of a server; beside a server that answered it is only kept."""
    if case.snapshot is None:
        return
    try:
        data = named_files.content(case, case.snapshot, MOST)
        found = read_snapshot(data.decode("utf-8", "surrogateescape"))
        if "identity" not in found.answers or not found.answers["identity"].rows:
            raise SourceError("it does not say which server it is from: its first question has no answer")
    except SourceError as error:
        reason = f"{named_files.shown(case.snapshot)}: {redact(str(error))}"
        draft.answer(source="snapshot", status="failed", reason=reason, costs=COSTS, named=True)
        notify("question", source="snapshot", status="failed", rows=None, reason=reason, done=0, total=0)
        return
    remarks = [named_files.keep(draft, "snapshot", case.snapshot, data)]
    if draft.has("relations") and not draft.has("snapshot"):
        remarks.append("kept beside the server's own answers, which are used")
    else:
        _replay(case, draft, found, notify)
    _judge(draft, found, remarks)


def _judge(draft: Draft, found: Snapshot, remarks: list[str]) -> None:
    """Record the source: a cut file is a named source that was not read whole."""
    if found.unread:
        remarks.append(f"{len(found.unread)} lines are no part of a snapshot, the first is line {found.unread[0]}")
    reason = "; ".join(filter(None, remarks))
    if found.complete:
        draft.answer(source="snapshot", status="answered", named=True, costs=COSTS, reason=reason or None,
                     rows=len(found.answers), variant=f"kit {found.kit}")  # fmt: skip
    else:
        draft.answer(source="snapshot", status="failed", named=True, costs=COSTS,
                     reason="; ".join(filter(None, (CUT, reason))))  # fmt: skip


def _replay(case: Case, draft: Draft, found: Snapshot, notify: Callable[..., None]) -> None:
    [identity] = found.answers["identity"].rows[:1]
    wanted = case.database.schemas if case.database else []
    within = _scope(found, wanted)
    inquiry = Replay(_Recorded(found), draft, within, notify, int(identity["version_num"]))
    inquiry.total = len(QUESTIONS)
    begun = found.answers["identity"].at
    draft.note(host=_host(identity), schemas=list(within.schemas), **({"collected_at": begun} if begun else {}))
    for question in QUESTIONS:
        inquiry.ask(question, _way(case, inquiry, question))


def _host(identity: Mapping) -> str:
    place = f"{identity['address']}:{identity['port']}" if identity.get("address") else "local socket"
    return f"{place}/{identity['database']}"


def _scope(found: Snapshot, wanted: list[str]) -> Scope:
    """The schemas that the script asked for, or those of them that the case names."""
    there = {row["name"]: row["oid"] for row in _rows(found, "scope.namespaces")}
    chosen = {name: there[name] for name in wanted if name in there} if wanted else there
    inside = set(chosen)
    named = {row["oid"]: row["schema"] for row in _rows(found, "relations")}
    known = [row for row in _rows(found, "scope.relations") if named.get(row["oid"]) in inside]
    return Scope(schemas=chosen, missing=tuple(name for name in wanted if name not in there), existing=tuple(there),
                 relations=tuple(row["oid"] for row in known),
                 views=tuple(row["oid"] for row in known if row["kind"] == "v"))  # fmt: skip


def _rows(found: Snapshot, key: str) -> list[dict]:
    return found.answers[key].rows if key in found.answers else []


class _Recorded:
    """The session of a snapshot: a query is answered by what the script recorded of it."""

    def __init__(self, found: Snapshot) -> None:
        self.found = found
        self.target = SimpleNamespace(role=found.answers["identity"].role)
        self.keys = {special.CONTROL: "identity.control", special.VIEWS: "relations.views",
                     special.CURRENT_LOG: "log_files.current", special.STATEMENTS: "statements.extension",
                     scope.LOCKED: "scope.locked"}  # fmt: skip
        for question in QUESTIONS:
            self.keys |= dict.fromkeys(questions.texts(question.name).values(), question.name)
        for extension in _rows(found, "statements.extension"):
            place = quoted(extension["schema"])
            texts = questions.texts("statements").values()
            for key, written in (("statements", texts), ("statements.bare", map(special.without_texts, texts))):
                self.keys |= {text.replace("{schema}", place): key for text in written}

    def read(
        self,
        query: str,
        parameters: Mapping[str, object] | None = None,
        limits: Limits | None = None,
        extra: str = "",
        plan: Callable | None = None,
    ) -> list[dict]:
        """Rows as a session gives them, or Refused with what the server had said."""
        return self.rows(self.keys[query])

    def rows(self, key: str) -> list[dict]:
        answer = self.found.answers.get(key)
        if answer is None or not answer.sqlstate:
            raise Refused(CUT, "failed", None)
        if answer.refused:
            raise Refused(redact(answer.error), STATUS.get(answer.sqlstate, "failed"), answer.sqlstate)
        return [_timed(row) for row in answer.rows]


def _timed(row: dict) -> dict:
    return {key: instant(value) if key in _times() else value for key, value in row.items()}


def _times() -> frozenset[str]:
    return frozenset(column.name for name in schemas.evidence_names() for column in schemas.get(name).columns
                     if column.type == "time")  # fmt: skip


class Replay(Inquiry):
    """An inquiry whose answers were recorded; what it asks in chunks was asked in chunks then."""

    session: _Recorded

    def in_chunks(self, sql: str, oids: list[int], size: int, question: Question) -> list[dict]:
        """Rows of the recorded chunks; those that were refused are named, all refused is a refusal."""
        key = self.session.keys[sql]
        answer = self.session.found.answers.get(key)
        if answer is not None and answer.sqlstate and 0 < answer.chunks < answer.asked:
            name = key.split(".")[0]
            self.draft.answer(source=f"{name}: some tables", status=STATUS.get(answer.sqlstate, "failed"),
                              reason=redact(answer.error) or f"{answer.asked - answer.chunks} of {answer.asked} "
                              "parts of it were refused", costs=question.costs, named=False)  # fmt: skip
            found = [_timed(row) for row in answer.rows]
        else:
            found = self.session.rows(key)
        wanted = set(oids)
        return [row for row in found if row.get("table_oid", row.get("oid")) in wanted]

    def read(self, question: Question) -> tuple[str, list[dict]]:
        """As for a server, with the variant that was asked then and nothing outside the scope of the case."""
        variant, found = super().read(question)
        answer = self.session.found.answers.get(question.name)
        return (answer.variant if answer else variant), [row for row in found if self._inside(row)]

    def _inside(self, row: dict) -> bool:
        return row.get("schema") is None or "oid" not in row or row["schema"] in self.scope.schemas

    def moment(self, question: Question) -> datetime:
        """When the script asked."""
        answer = self.session.found.answers.get(question.name)
        return answer.at if answer is not None and answer.at is not None else self.draft.now()


def _way(case: Case, inquiry: Replay, question: Question) -> Callable[[Question], tuple[str, list[dict]]]:
    """How a recorded question is read, as ``database`` chooses it for one that is asked."""
    if question.name == "identity":
        return lambda asked: _identity(inquiry, asked)
    if question.name == "sequences":
        return lambda asked: _sequences(inquiry, asked)
    if question.name == "row_counts":
        return lambda asked: rows.count(inquiry, asked, case.counting, _Counted)
    if question.name == "version_tables":
        return lambda asked: versions.read(inquiry, asked, _versions)
    own = special.SPECIAL.get(question.name)
    return (lambda asked: own(inquiry, asked)) if own else inquiry.read


def _identity(inquiry: Replay, question: Question) -> tuple[str, list[dict]]:
    variant, [row] = inquiry.read(question)
    try:
        row |= inquiry.session.rows("identity.control")[0]
    except Refused as error:
        inquiry.lacking("identity: control file", str(error), error.status)
    return variant, [row]


def _sequences(inquiry: Replay, question: Question) -> tuple[str, list[dict]]:
    variant, found = inquiry.read(question)
    values = {row["oid"]: row["value"] for row in _rows(inquiry.session.found, "sequences.values")}
    return variant, special.with_values(inquiry, found, values)


def _versions(inquiry: Replay, tool: versions.Tool, table: dict) -> list[dict]:
    found = [row for row in _rows(inquiry.session.found, "version_tables.rows") if row["oid"] == table["oid"]]
    told = [{"version": row["version"], "applied_at": instant(row["applied_at"])} for row in found]
    beginning = datetime(1, 1, 1, tzinfo=UTC)
    return sorted(told, key=lambda row: (row["applied_at"] or beginning, row["version"] or ""))


class _Counted(rows.Counting):
    """Counts that the script made; what it did not count is not counted."""

    def __init__(self, inquiry: Replay, mode: str) -> None:
        super().__init__(inquiry, mode)
        self.counted = {row["oid"]: row for row in _rows(inquiry.session.found, "row_counts.exact")}

    def run(self, tables: list[rows.Table]) -> list[rows.Count]:
        at = self.inquiry.moment(questions.get("row_counts"))
        found = [self._without_reading(table) or self._recorded(table) for table in tables]
        hurt = self._damaged([each.table for each in found if each.method == "empty_file"])
        hurt |= self._shortened(tables)
        found = [hurt.get(each.table.oid, each) for each in found]
        return [each if each.method == "exact" else replace(each, asked_at=at) for each in found]

    def _broken(self, empty: list[rows.Table]) -> dict[int, str]:
        return damage.contradicted(self.inquiry, empty)  # nobody can be asked to open a file any more

    def _recorded(self, table: rows.Table) -> rows.Count:
        row = self.counted.get(table.oid)
        if row is None:
            return rows.Count(table, reason=NOT_COUNTED)
        return rows.Count(table, row["rows"], "exact", asked_at=instant(row["asked_at"]) or self.inquiry.draft.now())

    def _stattuple(self) -> str | None:
        return None
