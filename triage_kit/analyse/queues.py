"""Queues and staging tables, which rows only pass through: by their names and by how their rows came and went.

A queue is emptied again and again: what takes its last rows took those of the rounds before, by the same statement.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.hands import kinds
from triage_kit.analyse.marks import marks_deletion
from triage_kit.analyse.records import Records
from triage_kit.analyse.refills import targets
from triage_kit.analyse.series import with_missed
from triage_kit.analyse.statements import FAILURES, Seen, wording

if TYPE_CHECKING:
    from triage_kit.analyse.scene import Scene

# What people call them, and the tables of queues as their documentation names them: Symfony Messenger's Doctrine
# transport, Kombu's SQLAlchemy transport, River, Hangfire, Spring Modulith, Django Q, Quartz, pg-boss.
PASSING = re.compile(
    r"(?i)(\b|_)(stage|staging|stg|queue|queues|outbox|inbox|tmp|temp|scratch|buffer|landing|jobs)(\b|_)"
    r"|\b(messenger_messages|kombu_message|river_job|jobqueue|event_publication|django_q_ormq|qrtz_fired_triggers)\b"
    r"|\bpgboss\b|_feed\b"
)
EXPIRING = re.compile(r"(?i)(\b|_)(sessions?|cache|tokens?)(\b|_)")  # whose rows go by their age, while others stand
# PostgreSQL documentation, SELECT: SKIP LOCKED is for many consumers of a table that is used as a queue.
CONSUMES = re.compile(r"(?i)\bskip\s+locked\b")
# The first few by some order, whatever they are: no condition but their turn.
_IN_TURN = re.compile(r"(?is)\bselect\b(?:(?!\b(?:where|select)\b).)*\border\s+by\b(?:(?!\bselect\b).)*\blimit\b")
# An UPDATE of one table, its name without the schema, and the columns that it sets.
_SETS = re.compile(
    r'(?is)\bupdate\s+(?:only\s+)?(?:(?:"[^"]+"|\w+)\s*\.\s*)?("[^"]+"|\w+)(?:\s+(?:as\s+)?\w+)?\s+set\s+'
    r"(.+?)(?:\bwhere\b|\breturning\b|;|\Z)"
)
_COLUMN = re.compile(r'(?:\A|,)\s*"?(\w+)"?\s*=')
# One value for a column that is called a key, and nothing after it.
_ONE_ROW = re.compile(r"(?i)\bwhere\s+(?:\w+\.)?[\"`]?(?:id|uuid|guid|pk)[\"`]?\s*=\s*\S+\s*;?\s*\Z")
BY_HAND = {"gui", "shell", "tests", "migrator", "restore"}  # whose deletes are no everyday work
ROUNDS = 3  # times that it was emptied, each time of rows that had come since
DRAINING = 5  # calls of a DELETE with a WHERE that work a queue off
ALMOST = 0.9
# Judgement: SKIP LOCKED is written for queues and for little else; calls of a DELETE that pg_stat_statements adds up
# are rounds of a queue, or the parts of one pass over a table, which it does not tell apart. What goes in its turn goes
# as in a queue, but somebody who empties a table in parts writes it so too.
CONSUMED, IN_TURN, PASSES = 0.95, 0.78, 0.72


def succession(times: int) -> float:
    """How probable it is that what went so many times in one way went so this time too: Laplace's rule of succession.

    >>> succession(1), succession(2), succession(18)
    (0.6666666666666666, 0.75, 0.95)
    """
    return (times + 1) / (times + 2)


def worked_off(table: Dossier, scene: Scene) -> float | None:
    """How probable it is that its rows went as those of a queue go; None where nothing says so.

    Taken by consumers, little by little, or in round after round: as sure as the rounds are many that are told apart.
    """
    own = [seen for seen in scene.seen.get(table.name, ()) if seen.operation == "delete"]
    strikes = with_missed(scene)
    kept = [seen for seen in own if not strikes(seen)]  # what also took missed rows is no habit
    if own and _counted_marks(table) and _all_done_with(own, kept, table, scene):
        return succession(times(own))
    if at_once(table, scene.wal):
        return None
    rounds_ = scene.rounds.get(table.name, 0)
    ways = [(_way(seen), seen.rows or 0) for seen in kept if seen.bounded]
    if sum(rows_ for way, rows_ in ways if way) >= ALMOST * (table.balance["deletes"] or 1):
        return max(min(way for way, _ in ways if way), succession(rounds_))
    # All that ever came is gone, each time after more had come: no statement of the incident stands out among them.
    whole = table.came is not None and table.came == table.went
    if whole and not own and table.name in scene.drained:
        return scene.drained[table.name]
    return succession(rounds_) if whole and len(kept) == len(own) and rounds_ >= ROUNDS else None


def _way(seen: Seen) -> float | None:
    """How probable it is that a DELETE with a condition works a queue off, by its text and its calls."""
    if CONSUMES.search(seen.text):
        return CONSUMED
    if seen.calls > 1 and _IN_TURN.search(seen.text):
        return IN_TURN
    return PASSES if seen.calls >= DRAINING else None


def times(seen: Sequence[Seen]) -> int:
    """How often statements ran, by the source that tells of most: the log and pg_stat_statements tell of the same."""
    calls: Counter[str] = Counter()
    for each in seen:
        calls[each.where.partition(":")[0]] += each.calls
    return max(calls.values(), default=0)


def _counted_marks(table: Dossier) -> bool:
    """Whether the counters tell of as many updates as deletes: each row was marked before it went."""
    updates, deletes = table.balance["updates"], table.balance["deletes"]
    return updates is not None and deletes is not None and updates >= ALMOST * deletes


def _all_done_with(own: Sequence[Seen], kept: Sequence[Seen], table: Dossier, scene: Scene) -> bool:
    """Whether programs deleted what had been marked as done with, and nothing else was: an outbox that was sent."""
    programs = not any(kinds(seen.application, seen.user) & BY_HAND for seen in own)
    marked = all(
        seen.bounded and set(_conditions(seen.text)) & scene.settled.get(table.name, frozenset()) for seen in own
    )
    return programs and marked and len(kept) == len(own)


def settled(evidence: Mapping[str, pd.DataFrame], seen: Mapping[str, Sequence[Seen]]) -> dict[str, frozenset[str]]:
    """Columns that statements set and a DELETE on the same table asks for, by table; marks of deletion are none.

    Rows that are marked as sent, done or processed and then deleted are the work of a queue.
    """
    deleting = {
        name for name, effects in seen.items() if any(each.operation == "delete" and each.done for each in effects)
    }
    short = {schemas.parts(name)[1].lower(): name for name in deleting}
    if not short:
        return {}
    events, entries = evidence["log_events"], evidence["statements"]
    texts = pd.concat([events.loc[~events["severity"].isin(FAILURES), "statement"], entries["text"]]).dropna()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text in texts[texts.str.contains(r"(?i)\bupdate\b.*\bset\b", regex=True)].unique():
        for told in _SETS.finditer(text):
            name = short.get(told[1].strip('"').lower())
            columns = {each.lower() for each in _COLUMN.findall(told[2])}
            if name is not None:
                found[name] |= {each for each in columns if not marks_deletion(each)}
    return {name: frozenset(columns) for name, columns in found.items()}


def _conditions(text: str) -> list[str]:
    """Words of the condition of a DELETE, columns among them."""
    _, _, condition = text.lower().partition("where")
    return re.findall(r"\w+", condition)


def own_ways(
    evidence: Mapping[str, pd.DataFrame], seen: Mapping[str, Sequence[Seen]], app_role: str | None
) -> dict[str, str]:
    """Tables that were deleted from in the application's own way and in no other, with where its code says so.

    The statement stands word for word in code of the application, or that code deletes from the table with a WHERE and
    the statement with one came from the application's role, and asks for no other columns than written SQL does: carts,
    drafts and reservations go so every day.
    """
    code = evidence["code_hits"]
    own = rows(code[(code["vehicle"] == "application") & (code["operation"] == "delete")])
    written: dict[str, str] = {}
    bounded: defaultdict[str, list[tuple[frozenset[str] | None, str]]] = defaultdict(list)
    columns = frozenset(evidence["columns"]["name"].dropna().str.lower())
    for row in own:
        place = f"{row['path']}:{row['line']}"
        if row["kind"] == "sql" and row["text"]:
            written[wording(row["text"])] = place
        if row["object"] and row["bounded"] is not False and (row["kind"] == "orm" or row["text"]):
            asked = None if row["kind"] == "orm" else columns.intersection(_conditions(row["text"]))
            bounded[schemas.parts(row["object"])[1].lower()].append((asked, place))

    def place_of(each: Seen) -> str | None:
        if (said := written.get(wording(each.text))) is not None:
            return said
        if not each.bounded or not app_role or each.user != app_role:
            return None
        asks = columns.intersection(_conditions(each.text))
        alike = bounded[schemas.parts(each.table)[1].lower()]
        return next((place for asked, place in alike if asked is None or (asks and asks <= asked)), None)

    found = {}
    for name, effects in seen.items() if written or bounded else ():
        places = [place_of(each) for each in effects if each.operation == "delete" and each.done]
        if places and all(places):
            found[name] = str(places[0])
    return found


def drained(code: pd.DataFrame, names: Iterable[str]) -> dict[str, float]:
    """Tables that a program of the repository works off in their turn, and how probably rows that no source saw go so.

    An outbox that is sent in batches (``ORDER BY id LIMIT n``, ``FOR UPDATE SKIP LOCKED``) leaves by parts, and most
    logs hold none of them.
    """
    programs = code["vehicle"].isin(("application", "scheduled_job")) & (code["operation"] == "delete")
    ways: dict[str, float] = {}
    for row in rows(code[programs & code["object"].notna() & code["text"].notna()]):
        way = CONSUMED if CONSUMES.search(row["text"]) else IN_TURN if _IN_TURN.search(row["text"]) else 0.0
        bare = schemas.parts(row["object"])[1].lower()
        ways[bare] = max(way, ways.get(bare, 0.0))
    found = {name: ways.get(schemas.parts(name)[1].lower(), 0.0) for name in names}
    return {name: way for name, way in found.items() if way}


def written_ways(code: pd.DataFrame, names: Iterable[str]) -> frozenset[str]:
    """Tables that a program of the repository deletes from by a condition other than one row's key."""
    programs = code["vehicle"].isin(("application", "scheduled_job")) & (code["operation"] == "delete")
    by_condition = code[programs & code["bounded"].eq(True).fillna(False) & code["object"].notna()]
    short = {
        schemas.parts(row["object"])[1].lower() for row in rows(by_condition) if not _ONE_ROW.search(row["text"] or "")
    }
    return frozenset(name for name in names if schemas.parts(name)[1].lower() in short)


def rounds(events: pd.DataFrame, seen: Mapping[str, Sequence[Seen]]) -> dict[str, int]:
    """How often the statement that deleted from a table last did so after rows had been inserted there, by the log."""
    deleting: defaultdict[str, dict[str, str]] = defaultdict(dict)  # line: table: shape
    counts: Counter[str] = Counter()
    for name, effects in seen.items():
        for each in effects:
            if each.operation == "delete" and each.done and each.at is not None:
                deleting[each.where][name] = _shape(each.text)
                counts[name] += 1
    often = {schemas.parts(name)[1]: name for name, count in counts.items() if count >= ROUNDS}
    if not often:
        return {}
    told = events[events["statement"].notna() & ~events["severity"].isin(FAILURES)]
    about = told["statement"].str.contains("|".join(map(re.escape, often)), regex=True)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    last: dict[str, str] = {}
    filled: set[str] = set()
    for row in rows(told.loc[about, ["file", "line", "statement"]]):
        for name, shape in deleting.get(f"{row['file']}:{row['line']}", {}).items():
            found[name][shape] += name in filled
            last[name] = shape
            filled.discard(name)
        filled |= {often[bare] for target in targets(row["statement"]) if (bare := schemas.parts(target)[1]) in often}
    return {name: found[name][shape] for name, shape in last.items() if name in often.values()}


def _shape(text: str) -> str:
    return " ".join(re.sub(r"'[^']*'|\d+", "?", text).split())


def at_once(table: Dossier, wal: Records) -> bool:
    """Whether the WAL has one transaction that deleted most of what is gone: many calls are no habit then."""
    recorded = wal.deleting(table.oid)
    if not recorded or table.came is None or not table.went:
        return False
    gone = min(table.went, table.came - (table.balance["actual_rows"] or 0))  # rolled-back deletes are counted too
    return recorded[0].rows >= ALMOST * max(gone, 1)
