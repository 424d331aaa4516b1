"""Destructive statements that were seen, failed ones too, and what could have been seen.

A log shows a statement only if log_statement or a duration setting covers it; an ERROR always shows its statement.
pg_stat_statements counts rolled-back statements like committed ones and failed ones never (measured on 13 to 18). So
each statement carries its outcome, and silence is weighed only where it would have been broken.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import at_latest, in_order, rows
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.marks import hides


def _losing(*what: str) -> set[str]:
    return {name for name, operation in sql.OPERATIONS.items() if operation.loses in what}


# Detached rows are gone from the table that people ask about, and those of an unlogged one with the next crash. What a
# refresh replaces is reckoned anew from rows that stand.
REMOVES_ROWS = _losing("rows") - {"refresh_materialized_view"} | {"detach_partition", "no_inherit", "set_unlogged"}
REMOVES_COLUMNS = _losing("columns")
# An upsert is how applications write; none of its rows goes.
MOVES_ROWS = _losing("values", "visibility") - REMOVES_ROWS - {"upsert"}
HIDES_ROWS = _losing("visibility") - REMOVES_ROWS
DESTRUCTIVE = REMOVES_ROWS | REMOVES_COLUMNS | MOVES_ROWS

AWAY = ("drop_database", "rename_database")  # what leaves nothing under a database's name, run from another one
_DATABASE_AWAY = re.compile(r"(?i)\bdrop\s+database\b|\balter\s+database\b[^;]*\brename\b")
OUTCOMES = {
    "unknown": "outcome unknown",
    "rolled_back": "rolled back",
    "carried_out": "carried out",
}  # in words; the others say themselves
FAILURES = ("ERROR", "FATAL", "PANIC")
NOTHING = "nothing: a statement that fails changes no row"
COLUMN_ONLY = "no rows: at most the columns of that type"
HIDES_ONLY = "no rows: it changes who sees them, or under which name"

LITTLE = 10  # judgement: what took less than one in so many of the deleted rows is no explanation of the rest

# Comments and blanks, then a command that counts what it removes.
_PLAIN = re.compile(r"(?is)(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*(?:delete|update|merge|truncate|insert)\b")


@dataclass(frozen=True)
class Seen:
    """One effect of a statement that was seen on one table."""

    operation: str
    table: str
    bounded: bool | None
    cascade: bool
    outcome: str
    at: pd.Timestamp | None
    user: str | None
    application: str | None
    text: str
    rows: int | None
    evidence: str
    where: str
    calls: int = 1
    column: str = ""
    xid: int | None = None  # as the log line has it: the top-level one
    hands: frozenset[tuple] = frozenset()
    pid: int | None = None
    client: str | None = None
    message: str | None = None  # of a statement that failed
    ran: tuple[pd.Timestamp, pd.Timestamp] | None = None  # between which instants, as the log's stamps tell
    fixed: tuple[str, ...] = ()  # columns of which a DELETE takes rows of one value each

    @property
    def done(self) -> bool:
        """Whether it may have taken effect: nothing says that it failed or was rolled back."""
        return self.outcome not in ("failed", "rolled_back")


def seen_effects(evidence: Mapping[str, pd.DataFrame], names: set[str], ledger: Ledger) -> list[Seen]:
    """Every destructive effect in ``log_events`` and ``statements``, oldest first; bare names resolved if unique."""
    short = _unique_short_names(names)
    database = {row["database"] for row in rows(evidence["identity"])}
    ended = _ended(evidence["wal_transactions"])
    found = [
        seen
        for event in rows(evidence["log_events"])
        if of_here(event["database"], event["statement"], database)
        for seen in _from_log(event, short, ledger, ended)
    ]
    for entry in rows(evidence["statements"]):
        if of_here(entry["database"], entry["text"], database):
            found += _from_counters(entry, short, ledger)
    found = [seen for seen in found if seen.operation not in AWAY or not database or seen.table in database]
    early = pd.Timestamp(0, tz="UTC")
    return sorted(
        found, key=lambda seen: (seen.at is None, seen.at or early, in_order(seen.where), seen.text, seen.table)
    )


def _ended(transactions: pd.DataFrame) -> dict[int, str]:
    """How the transactions of the WAL that was read ended, subtransactions with theirs."""
    told = [row for row in rows(transactions) if row["outcome"] in ("committed", "rolled_back")]
    return {int(xid): row["outcome"] for row in told for xid in (row["xid"], *row["subxids"])}


def of_here(database: str | None, text: str | None, here: set[str]) -> bool:
    """Whether a statement is of this database: one log serves a cluster, and DROP DATABASE is run from another."""
    return not here or database is None or database in here or bool(text and _DATABASE_AWAY.search(text))


def destructive(text: str) -> list[sql.Effect]:
    """Effects that can take rows or columns away or out of sight; an UPDATE when no WHERE limits it, or it hides rows.

    >>> [effect.operation for effect in destructive("UPDATE a SET x = 1 WHERE id = 2; TRUNCATE a")]
    ['truncate']
    >>> [effect.operation for effect in destructive("SELECT lo_unlink(16401); ALTER TABLE a RENAME TO b; SELECT 1")]
    ['unlink_large_object', 'rename_table']
    """
    # A CREATE FUNCTION or RULE only stores its body; a DO block runs it.
    found = [each for each in sql.effects(text) if each.operation in DESTRUCTIVE and each.within in ("", "do")]
    return [each for each in found if each.operation != "update" or each.bounded is False or hides(each.text)]


_MOST_KNOWN = 1 << 18
_known: dict[bytes, bool] = {}  # by the digest of a statement: the texts of a log may be a gigabyte


def takes(text: str) -> bool:
    """Whether the text is destructive, kept for each: effects and sessions both ask of a log's 200,000 statements.

    >>> takes("TRUNCATE a"), takes("SELECT 1")
    (True, False)
    """
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if digest not in _known:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[digest] = bool(destructive(text))
    return _known[digest]


def created_by(evidence: Mapping[str, pd.DataFrame]) -> dict[str, set[tuple]]:
    """Who created each table in the log, by session and by role with application: a staging table has one hand."""
    found: dict[str, set[tuple]] = {}
    for event in rows(evidence["log_events"], "statement", "severity", "role", "application", "pid"):
        text = event["statement"] or ""
        if event["severity"] in FAILURES or "create" not in text.lower():
            continue
        for each in sql.effects(text):
            if each.operation == "create_table":
                found.setdefault(each.object, set()).update(_hands(event))
    return found


def _hands(event: dict) -> set[tuple]:
    """The session, and where both are known role and application, that an event came from."""
    who = (event["role"], event["application"])
    return ({(event["pid"],)} if event["pid"] is not None else set()) | ({who} if None not in who else set())


OPENINGS = ("statement: ", "execute ", "duration: ")  # of a line that only logs a statement


def attempts(found: Sequence[Seen]) -> list[Seen]:
    """Each statement once: a failed one stands in the log where it began and again with its error, which says why."""
    errors = {(each.pid, each.text) for each in found if each.pid is not None and _says_why(each)}
    return [each for each in found
            if each.outcome != "failed" or _says_why(each) or (each.pid, each.text) not in errors]  # fmt: skip


def _says_why(each: Seen) -> bool:
    return each.message is not None and not each.message.startswith(OPENINGS)


def statements_frame(found: list[Seen]) -> pd.DataFrame:
    """Table ``statements``: one row a statement, its effects joined."""
    gathered: dict[tuple, list[Seen]] = {}
    for seen in attempts(found):
        gathered.setdefault((seen.at, seen.text, seen.where), []).append(seen)
    return schemas.frame(
        "seen_statements",
        [
            {
                "at": at,
                "text": text,
                "operation": ", ".join(sorted({seen.operation for seen in group})),
                "tables": tuple(sorted({seen.table for seen in group if seen.table})),
                "user": group[0].user,
                "application": group[0].application,
                "client": group[0].client,
                "pid": group[0].pid,
                "outcome": group[0].outcome,
                "removed": removed(group),
                "message": group[0].message,
                "source": where,
                "evidence": group[0].evidence,
            }
            for (at, text, where), group in gathered.items()
        ],
    )


def removed(group: list[Seen]) -> str:
    """What the statement took away, in words, as far as its outcome tells."""
    outcome, operations = group[0].outcome, {seen.operation for seen in group}
    if outcome == "failed":
        return NOTHING
    if outcome == "rolled_back":
        return "nothing: it was rolled back"
    counted = [seen.rows for seen in group if seen.rows is not None]
    if counted and operations & {"delete", "update", "merge"}:
        source = "rolled-back calls included" if group[0].at is None else "as the server counted"
        return f"{sum(counted)} row{'s' if sum(counted) != 1 else ''}, {source}"
    if operations <= REMOVES_COLUMNS:
        return COLUMN_ONLY
    if operations <= HIDES_ROWS:
        return HIDES_ONLY
    return "every row of the tables it reaches" if "truncate" in operations else "rows: how many is not logged"


def _from_log(event: dict, short: Mapping[str, str], ledger: Ledger, ended: Mapping[int, str]) -> list[Seen]:
    text = event["statement"]
    if not text or (event["kind"] == "duration" and not event["statement"]):
        return []
    if not takes(text):
        return []
    effects = destructive(text)
    where = f"{event['file']}:{event['line']}"
    outcome = "failed" if event["severity"] in FAILURES else event["outcome"] or "unknown"
    if outcome == "unknown":  # the log does not tell, the WAL may
        outcome = ended.get(event["xid"] or 0, outcome)
    why = (event["message"] or "") if outcome == "failed" else ""
    said = f": {why}" if why and not why.startswith(OPENINGS) else ""
    word = OUTCOMES.get(outcome, outcome)
    became = f"statement, {word} to the log" if outcome == "unknown" else f"{word} statement"
    ran = _ran(event)
    reference = ledger.add("log", f"{became}{said}: {' '.join(_short(text).split())}", where, at=event["at"])
    return [
        Seen(
            effect.operation,
            _resolve(effect, short),
            effect.bounded,
            bool(effect.cascade),
            outcome,
            event["at"],
            event["role"],
            event["application"],
            _short(text),
            None,
            reference,
            where,
            column=effect.column,
            xid=event["xid"] or None,
            hands=frozenset(_hands(event)),
            pid=event["pid"],
            client=event["client"],
            message=event["message"] if outcome == "failed" else None,
            ran=ran,
            fixed=effect.fixed,
        )
        for effect in effects
    ]


def _ran(event: dict) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """From its line on as long as it took; a line with the duration is written at the end."""
    if event["at"] is None:
        return None
    took = pd.Timedelta(milliseconds=event["duration_ms"] or 0.0)
    if event["kind"] == "duration":
        return event["at"] - took, at_latest(event["at"])
    return event["at"], at_latest(event["at"]) + took


def _from_counters(entry: dict, short: Mapping[str, str], ledger: Ledger) -> list[Seen]:
    effects = destructive(entry["text"] or "")
    if not effects:
        return []
    says = (
        f"pg_stat_statements: {entry['calls']} calls, {entry['rows']} rows, by {entry['role']}: {_short(entry['text'])}"
    )
    reference = ledger.add("statements", says, "pg_stat_statements", str(entry["query_id"]))
    single = len({effect.object for effect in effects}) == 1 and counts_rows_removed(entry["text"])
    return [
        Seen(
            effect.operation,
            _resolve(effect, short),
            effect.bounded,
            bool(effect.cascade),
            "unknown",
            None,
            entry["role"],
            None,
            _short(entry["text"]),
            entry["rows"] if single else None,
            reference,
            "pg_stat_statements",
            entry["calls"] or 1,
            effect.column,
            fixed=effect.fixed,
        )
        for effect in effects
    ]


def counts_rows_removed(text: str) -> bool:
    """Whether the rows of an entry of pg_stat_statements are those that its statement removed or changed.

    A DO block has none whatever it did, a function and a WITH have those that they return (measured on 13 to 18).

    >>> counts_rows_removed("/* nightly */ DELETE FROM a"), counts_rows_removed("DO $$ BEGIN DELETE FROM a; END $$")
    (True, False)
    """
    return bool(_PLAIN.match(text))


def _short(text: str, most: int = 2000) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{schemas.cut(text, most)} ({len(text)} characters)"


def wording(text: str) -> str:
    """A statement without the literals and spaces in which two runs of it differ.

    >>> wording("DELETE FROM a\\n WHERE n = 'x' AND m = $1;") == wording("delete from a where n = 'y' and m = 7")
    True
    """
    text = re.sub(r"'(?:[^']|'')*'|\$\d+|%s|\?|:\w+|\b\d+(?:\.\d+)?\b", "?", text.strip().rstrip(";"))
    return " ".join(text.lower().split())


def took_least(done: Sequence[Seen]) -> set[str]:
    """Shapes of the statements that took far fewer rows than another one, by pg_stat_statements: everyday work.

    The log has the hand and the time of each, cut to seconds, and counts no rows.
    """
    rows_of: Counter[str] = Counter()
    for seen in done:
        if seen.rows is not None and seen.where == "pg_stat_statements":
            rows_of[wording(seen.text)] += seen.rows
    most = max(rows_of.values(), default=0)
    return {each for each, count in rows_of.items() if LITTLE * count < most}


def resolver(names: Iterable[str]) -> Callable[[sql.Effect], str]:
    """What turns the object of an effect into a qualified name: a bare one is resolved where one schema only has it."""
    short = _unique_short_names(set(names))
    return lambda effect: _resolve(effect, short)


def _unique_short_names(names: set[str]) -> dict[str, str]:
    gathered: dict[str, list[str]] = {}
    for name in names:
        gathered.setdefault(schemas.parts(name)[1], []).append(name)
    return {short: full[0] for short, full in gathered.items() if len(full) == 1}


def _resolve(effect: sql.Effect, short: Mapping[str, str]) -> str:
    """The qualified name that the text means; a bare name is resolved when one schema only has it."""
    if len(effect.parts) >= 2:
        return schemas.qualified(*effect.parts[-2:])
    return short.get(effect.object, effect.object)
