"""Asking one question after the other: every answer and every refusal is kept before the next is asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

import pandas as pd

from triage_kit import schemas
from triage_kit.bundle import Draft
from triage_kit.collect import questions, scope
from triage_kit.collect.questions import Question
from triage_kit.collect.scope import Scope
from triage_kit.collect.server import Capabilities, Limits, Refused, Session, in_chunks
from triage_kit.errors import SchemaError
from triage_kit.redact import redact

LOCK_TIMEOUT, CANCELED = "55P03", "57014"
# Tables are opened for less than a second at a time.
OPENING = Limits(statement=900)
MOST_BROKEN = 100  # relations that fail alone; with more, the reason is not theirs

Notify = Callable[..., None]


class Inquiry:
    """What the questions of one collecting run share: session, draft, scope, and what was answered so far."""

    def __init__(self, session: Session, draft: Draft, within: Scope, notify: Notify, version_num: int) -> None:
        self.session, self.draft, self.scope, self.notify = session, draft, within, notify
        self.version_num = version_num
        self.role = session.target.role
        self.total = self.done = 0

    @cached_property
    def capabilities(self) -> Capabilities:
        """What this server can do, by name."""
        identity = self.written("identity")
        return Capabilities(self.version_num, bool(identity["in_recovery"].fillna(False).any()))

    def written(self, table: str) -> pd.DataFrame:
        """A table as this run or the one before it wrote it; without rows when it was not answered."""
        return self.draft.written(table)

    def read(self, question: Question) -> tuple[str, list[dict]]:
        """Variant and rows of a question that is one query; of one that opens tables, chunk by chunk."""
        variant, sql = questions.load(question.name, self.version_num)
        if question.chunk:
            return variant, self.in_chunks(sql, list(self.scope.relations), question.chunk, question)
        values = {"namespaces": list(self.scope.schemas.values()), "oids": list(self.scope.relations)}
        return variant, self.session.read(sql, values if "%(" in sql else None)

    def in_chunks(self, sql: str, oids: list[int], size: int, question: Question) -> list[dict]:
        """Rows of a query over ``%(oids)s`` that must not open ``%(locked)s``, in transactions of under a second.

        A chunk that meets a lock, takes too long or fails is halved; a single relation that is in the way is named
        as locked, and one that cannot be read at all, as with a damaged catalogue, is left out and told.
        """
        locked = scope.locked(self.session)
        rows: list[dict] = []
        broken: dict[int, str] = {}
        pending = in_chunks(oids, size)
        while pending:
            chunk = pending.pop(0)
            try:
                rows += self.session.read(sql, {"oids": chunk, "locked": sorted(locked)}, OPENING)
            except Refused as error:
                waits = error.sqlstate in (LOCK_TIMEOUT, CANCELED)
                if error.status in ("refused", "unavailable") or len(broken) == MOST_BROKEN:
                    raise
                if len(chunk) > 1:
                    pending[:0] = in_chunks(chunk, (len(chunk) + 1) // 2)
                elif waits and chunk[0] not in locked:
                    locked.add(chunk[0])
                    pending.insert(0, chunk)
                elif waits:
                    raise
                else:
                    broken[chunk[0]] = str(error)
        self._tell_broken(question, broken, len(oids))
        return rows

    def _tell_broken(self, question: Question, broken: dict[int, str], of: int) -> None:
        if not broken:
            return
        said = "; ".join(f"OID {oid}: {reason}" for oid, reason in list(broken.items())[:5])
        self.draft.answer(
            source=f"{question.name}: damaged",
            status="failed",
            reason=f"{len(broken)} of {of} relations could not be read, as after damage to the catalogue ({said})",
            costs=question.costs,
            role=self.role,
            named=False,
        )

    def ask(self, question: Question, read: Callable[[Question], tuple[str, list[dict]]] | None = None) -> None:
        """Ask, redact, write and record one question; one that the draft has is left as it is."""
        if self.draft.has(question.name):
            self._tell(question, "answered", None, len(self.written(question.name)))
            return
        with self.recorded(question) as answer:
            variant, rows = (read or self.read)(question)
            kept = schemas.frame(question.name, [_redacted(row, question.redacted) for row in rows])
            self.draft.write(question.name, kept)
            answer.update(variant=variant, rows=len(kept))

    @contextmanager
    def recorded(self, question: Question, named: bool = False) -> Iterator[dict]:
        """Record what comes of the block: an answer, filled into the dictionary, or a refusal with its reason."""
        answer: dict = {"status": "answered", "reason": None, "rows": None, "variant": None}
        asked_at, began = self.moment(question), time.monotonic()
        with self.draft.together():  # table and answer in one: each saving waits for the disk several times
            try:
                yield answer
            except Refused as error:
                answer.update(status=error.status, reason=self._why(error))
            except SchemaError as error:
                # A value that no table holds must cost this answer, not the run on a server that may be gone soon.
                answer.update(status="failed", reason=f"the answer does not fit its table: {error}")
            milliseconds = (time.monotonic() - began) * 1000
            self.draft.answer(
                source=question.name,
                costs=question.costs,
                role=self.role,
                asked_at=asked_at,
                ms=milliseconds,
                named=named,
                **answer,
            )
        self._tell(question, answer["status"], answer["reason"], answer["rows"])

    def moment(self, question: Question) -> datetime:
        """When the question was asked: now."""
        return self.draft.now()

    def lacking(self, part: str, reason: str, status: str = "refused") -> None:
        """Record that an answer lacks a part that is worth a line among the gaps; ``part`` is one of PARTS."""
        question = questions.get(part)
        self.draft.answer(source=part, status=status, reason=reason, costs=question.costs, role=self.role, named=False)

    def _tell(self, question: Question, status: str, reason: str | None, rows: int | None) -> None:
        self.done += 1
        self.notify(
            "question", source=question.name, status=status, rows=rows, reason=reason, done=self.done, total=self.total
        )

    def _why(self, error: Refused) -> str:
        if error.sqlstate == LOCK_TIMEOUT:
            return f"a lock was not granted in time: {error}"
        return str(error)


def _redacted(row: dict, columns: tuple[str, ...]) -> dict:
    def one(value: object) -> object:
        if isinstance(value, str):
            return redact(value)
        return [redact(item) for item in value] if isinstance(value, list) else value

    return {key: one(value) if key in columns else value for key, value in row.items()}
