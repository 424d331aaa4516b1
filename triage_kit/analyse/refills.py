"""Rows that came back or went elsewhere: tables emptied and filled again at once, and rows moved to another table.

The physical act is a TRUNCATE or DELETE like any other; what it meant is told by what stands afterwards. A read model
that is rebuilt holds as many rows as before, an archive got as many as were deleted, a staging table is filled by the
hand that empties it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.records import Records
from triage_kit.analyse.statements import FAILURES, Seen

WHOLE = 0.95  # of what stood before: a rebuild that leaves out a few stale rows is one all the same
FEW_ROWS = 20  # judgement: equal numbers below it are chance
SHELF = re.compile(r"(?i)(?<![a-z])(archiv\w*|arquiv\w*|hist(?:ory|oric\w*)?|old|past|cold|moved|retired|trash|deleted)"
                   r"(?![a-z])")  # fmt: skip
_WRITTEN = r'((?:"(?:[^"]|"")+"|\w+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|\w+))?)'
_INTO = re.compile(r"(?i)\b(?:insert\s+into|copy|merge\s+into)\s+(?:only\s+)?" + _WRITTEN)
# Every row of one table and no other: columns by name or *, and nothing behind the table but an order.
_ALL_OF = (r'(?:select\s+(?!distinct\b)(?:\*|[\w\s",.$]+?)\s+from|table)\s+(?:only\s+)?' + _WRITTEN
           + r"(?:\s+order\s+by\s+[^()]+)?\s*;?\s*\Z")  # fmt: skip
_COPIED = re.compile(r"(?is)\s*insert\s+into\s+" + _WRITTEN + r"(?:\s*\([^()]*\))?\s+" + _ALL_OF)
_MADE_OF = re.compile(
    r"(?is)\s*create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?" + _WRITTEN + r"\s+as\s+" + _ALL_OF
)
_RENAMED = re.compile(
    r"(?is)\s*alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?" + _WRITTEN + r"\s+rename\s+to\s+" + _WRITTEN
)
_MADE_BY_QUERY = re.compile(
    r"(?is)\s*create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?" + _WRITTEN + r"\s+as\b"
)
SOURCE = re.compile(r"(?i)\b(?:from|join|using)\s+(?:only\s+)?" + _WRITTEN)
A_RUN = pd.Timedelta(minutes=10)  # judgement: a run of a load, from what it takes over to what it clears away
_NAME = re.compile(r'"(?:[^"]|"")+"|\w+')
_MOVES = re.compile(r"(?is)^\s*with\b.*\bdelete\b.*\breturning\b.*\binsert\s+into\b")


class Refill(NamedTuple):
    """A table that was emptied and filled again: rows that stood before, rows that were put in, and how it is known."""

    before: int
    after: int
    says: str

    @property
    def whole(self) -> bool:
        return self.after >= WHOLE * self.before


class Move(NamedTuple):
    """Rows of a table that stand in another one: how many, where, whether it is proven, and the words for it."""

    count: int
    to: str
    proven: bool
    alike: bool  # the other table is named as a place for old rows
    says: str
    source: str


def refilled(table: Dossier) -> Refill | None:
    """What the counters say of a table whose storage was replaced and that was filled again; None where they do not."""
    since, inserts, actual = table.counters.get("inserted_since_vacuum"), table.came, table.balance["actual_rows"]
    if not table.replaced or table.net is None or not actual or inserts is None:
        return None
    if table.vacuumed is False and since and since < inserts:
        before = table.net - since
        if since == actual and before > since >= FEW_ROWS and before % since == 0:
            says = (
                f"{since} rows were inserted since its storage was replaced, and {before // since} times as many before"
            )
            return Refill(since, since, f"{says}: it is emptied and filled again with the same number of rows")
        says = f"{since} rows were inserted since its storage was replaced, and ≈{before:,} stood before"
        return Refill(before, since, says) if before > 0 else None
    written = table.writers
    if written is not None and written[0] == written[1] == table.relation["xmin"] and table.net > actual:
        says = f"the transaction that replaced its storage wrote all {actual} rows; {table.net - actual} stood before"
        return Refill(table.net - actual, actual, says)
    return None


def rewritten_rows(table: Dossier, calls: int) -> Refill | None:
    """The same for a table that statements without WHERE deleted from, ``calls`` times, and that holds rows again."""
    deletes, actual = table.went, table.balance["actual_rows"]
    if not calls or not deletes or not actual or table.replaced:
        return None
    before = round(deletes / calls)
    return Refill(
        before, actual, f"each of {calls} DELETE removed ≈{before:,} rows on average, and {actual} stand again"
    )


def moves(tables: Sequence[Dossier], seen: Mapping[str, Sequence[Seen]], wal: Records) -> dict[str, Move]:
    """Tables whose lost rows stand in another table with the same columns, by name."""
    arrived: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for oid, changes in wal.changes.items():
        for change in changes:
            if change.operation == "insert":
                arrived[change.xid][oid] = arrived[change.xid].get(oid, 0) + change.rows
    holding: defaultdict[int, list[Dossier]] = defaultdict(list)
    for table in tables:
        if table.balance["actual_rows"] and not table.balance["deletes"]:
            holding[table.balance["actual_rows"]].append(table)
    by_name, found = {table.name: table for table in tables}, {}
    for table in tables:
        lost = lost_rows(table)
        if not lost:
            continue
        told = (_by_wal(table, by_name.values(), arrived, wal) or _by_statement(table, by_name, seen)
                or _by_numbers(table, lost, holding.get(lost, ())))  # fmt: skip
        if told is not None:
            found[table.name] = told
    return found


def refuted(seen: Sequence[Seen], tables: Sequence[Dossier]) -> list[Seen]:
    """The statements, those as rolled back that are a DELETE which the rows and counters of its table refute.

    A DELETE that is rolled back is counted like any other (measured on 13 to 18): where deletes are counted and as many
    rows stand as ever came, what was seen took none of them, and none of another table by a foreign key. Where only
    some were rolled back, it is the statement that counts exactly as many rows.
    """
    deleted = {table.name: table for table in tables if table.went and not table.replaced}
    whole = {
        name for name, table in deleted.items() if table.came and (table.balance["actual_rows"] or 0) >= table.came
    }
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for each in seen:
        if each.operation == "delete" and each.done:
            texts[each.table].add(each.text)

    def in_vain(each: Seen) -> bool:
        if each.operation != "delete" or each.outcome != "unknown" or each.table not in deleted:
            return False
        if each.table in whole:  # one with a WHERE may have found nothing to delete
            return each.bounded is False or bool(each.rows) or (each.rows is None and len(texts[each.table]) == 1)
        return bool(each.rows) and each.calls == 1 and each.rows == deleted[each.table].undone_deletes

    return [replace(each, outcome="rolled_back") if in_vain(each) else each for each in seen]


def passed_through(tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame]) -> frozenset[str]:
    """Tables without a key that the application's own code or jobs empty, or whatever filled another one.

    Rows are put into such a table to be worked on, and go: a staging table, whatever it is called.
    """
    if not len(evidence["indexes"]):
        return frozenset()  # which has a key is not known
    keyed = set(evidence["indexes"].loc[evidence["indexes"]["unique"].fillna(False).astype(bool), "table_oid"])
    code = evidence["code_hits"]
    own = code[code["vehicle"].isin(("application", "scheduled_job")) & code["object"].notna()]
    unbounded = (own["operation"] == "delete") & own["bounded"].eq(False).fillna(False)
    names = own.loc[(own["operation"] == "truncate") | unbounded, "object"]
    emptied = {each for name in names for each in (name, schemas.parts(name)[1])}
    filling = {
        table.relation["xmin"] for table in tables
        if table.replaced and table.writers is not None and {*table.writers} == {table.relation["xmin"]}
    }  # fmt: skip
    return frozenset(
        table.name for table in tables
        if table.oid not in keyed and (
            {table.name, table.relation["name"]} & emptied
            or (table.replaced and not table.heap_bytes and table.relation["xmin"] in filling)
            or _poured_out(table, tables)
        )
    )  # fmt: skip


def _poured_out(table: Dossier, tables: Sequence[Dossier]) -> bool:
    """Whether the transaction that emptied it also renewed a table of its columns that holds as many rows as it lost.

    What a role may see that may not count: the writers of rows are not known to it.
    """
    lost = lost_rows(table)
    if not lost or lost < FEW_ROWS or not table.replaced or table.heap_bytes:
        return False
    return any(
        other is not table and other.replaced and other.writers is None
        and other.relation["xmin"] == table.relation["xmin"]
        and other.balance["actual_rows"] == lost and shape(table) <= shape(other)
        for other in tables
    )  # fmt: skip


def copied_over(names: Iterable[str], evidence: Mapping[str, pd.DataFrame]) -> dict[str, frozenset[str]]:
    """Tables in whose place a copy stands, filled by a SELECT of all their rows, then renamed to their name.

    With the names that the original was given meanwhile: when that goes, no row goes.
    """
    copies: dict[str, str] = {}  # copy: original, as written
    renames: set[tuple[str, str]] = set()
    for text, _ in _run(evidence):
        for _, statement in sql.statements(text):
            if (told := _COPIED.match(statement) or _MADE_OF.match(statement)) is not None:
                copies[folded(told[1])] = folded(told[2])
            elif (told := _RENAMED.match(statement)) is not None:
                renames.add((folded(told[1]), schemas.parts(folded(told[2]))[1]))
    stands = {of for copy, of in copies.items() if (copy, schemas.parts(of)[1]) in renames}
    found = {}
    for name in names:
        schema, bare = schemas.parts(name)
        if {name, bare} & stands:
            former = {new for old, new in renames if old in (name, bare)}
            found[name] = frozenset(former | {schemas.qualified(schema, each) for each in former})
    return found


def made_again(tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Tables that the same query makes anew again and again, a new one taking the old one's name each time.

    ``seen`` where the statements ran twice or more, ``told`` where a job or the application drops the table that stands
    here filled: whatever drops it in the ordinary way of things makes it anew. ``derived`` where it holds as many rows
    as another table that lacks none, as what is made of that one does.
    """
    made: Counter[tuple[str, str]] = Counter()
    renames: set[tuple[str, str]] = set()
    for text, calls in _run(evidence):
        for _, statement in sql.statements(text):
            if (told := _MADE_BY_QUERY.match(statement)) is not None:
                made[folded(told[1]), statement.strip()] += calls
            elif (told := _RENAMED.match(statement)) is not None:
                renames.add((folded(told[1]), schemas.parts(folded(told[2]))[1]))
    often = {name for (name, _), count in made.items() if count > 1}
    code = evidence["code_hits"]
    own = code["vehicle"].isin(("application", "scheduled_job")) & code["operation"].eq("drop_table")
    dropped = {each for name in code.loc[own, "object"].dropna() for each in (name, schemas.parts(name)[1])}
    found = {}
    for table in tables:
        schema, bare = table.relation["schema"], table.relation["name"]
        if any((name, bare) in renames and schemas.parts(name)[0] in ("", schema) for name in often):
            found[table.name] = "seen"
        elif table.balance["actual_rows"] and {table.name, bare} & dropped:
            found[table.name] = "derived" if _as_many_as_another(table, tables) else "told"
    return found


def _as_many_as_another(table: Dossier, tables: Sequence[Dossier]) -> bool:
    """Whether a table without a key of its own holds as many rows as one that lost none, and more than a few."""
    count = table.balance["actual_rows"] or 0
    return count >= FEW_ROWS and not table.primary_key and any(
        other is not table and other.balance["actual_rows"] == count == other.net and not other.replaced
        for other in tables
    )  # fmt: skip


def _run(evidence: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, int]]:
    """Texts that ran here and may copy or rename, of log and pg_stat_statements, with their calls; no failed one."""
    events, entries = evidence["log_events"], evidence["statements"]
    done = events[
        events["statement"].notna() & ~events["severity"].isin(FAILURES) & (events["outcome"] != "rolled_back")
    ]
    here = entries[entries["database"].isin(evidence["identity"]["database"].dropna())]
    texts = pd.concat([done["statement"], here["text"].dropna()], ignore_index=True)
    calls = [1] * len(done) + here.loc[here["text"].notna(), "calls"].fillna(1).astype(int).tolist()
    if not texts.str.contains(r"(?i)\brename\s+to\b", regex=True).any():
        return
    told = texts.str.contains(r"(?is)\brename\s+to\b|\binsert\b.*\bselect\b|\btable\b.*\bas\b", regex=True)
    yield from ((text, calls[place]) for place, text in texts[told].items())


def folded(name: str) -> str:
    """A name as the server folds it; one without a schema stays so."""
    parts = [part[1:-1].replace('""', '"') if part[0] == '"' else part.lower() for part in _NAME.findall(name)]
    return schemas.qualified(parts[-2], parts[-1]) if len(parts) > 1 else parts[-1]


def shape(table: Dossier) -> frozenset[str]:
    return frozenset(column["name"] for column in table.columns if not column["dropped"])


def lost_rows(table: Dossier) -> int | None:
    """Rows that are gone from it, as far as the counters tell: deleted ones, or those that a TRUNCATE took."""
    actual = table.balance["actual_rows"]
    if table.net is None or actual is None or table.relation["is_partition"]:
        return None
    return (table.went or 0) + max(0, table.net - actual)


def _by_wal(
    table: Dossier, tables: Iterable[Dossier], arrived: Mapping[int, Mapping[int, int]], wal: Records
) -> Move | None:
    """The transaction that deleted most of them inserted as many into another table of like columns."""
    deleting = wal.deleting(table.oid)
    most = deleting[0] if deleting else None
    came = arrived.get(most.xid, {}) if most else {}
    if most is None or not any(oid != table.oid for oid in came):
        return None
    for other in tables:
        count = came.get(other.oid, 0)
        like = len(shape(table) & shape(other)) >= min(2, len(shape(table)))
        if other is not table and like and WHOLE * most.rows <= count <= most.rows / WHOLE:
            says = f"transaction {most.xid} deleted {most.rows} rows and inserted {count} into {other.name}"
            return Move(min(count, most.rows), other.name, True, True, says, most.source)
    return None


def _by_statement(table: Dossier, by_name: Mapping[str, Dossier], seen: Mapping[str, Sequence[Seen]]) -> Move | None:
    """One statement deletes and inserts what it deleted: WITH … AS (DELETE … RETURNING …) INSERT …"""
    own = [each for each in seen.get(table.name, ()) if each.operation == "delete" and each.done]
    moving = [each for each in own if _MOVES.search(each.text)]
    if not moving or len(moving) < len(own):
        return None  # another DELETE was seen too, and its rows went nowhere
    for each in moving:
        for target in targets(each.text):
            short = schemas.parts(target)[1]
            place = target if target in by_name else next(
                (name for name, other in by_name.items() if other.relation["name"] == short), None)  # fmt: skip
            came = by_name[place].balance["inserts"] if place else 0
            if place and place != table.name and came:
                says = f"the statement that deletes puts what it deletes into {place}: {each.text[:160]}"
                return Move(min(table.went or 0, came), place, True, True, says, each.where)
    return None


def _by_numbers(table: Dossier, lost: int, others: Sequence[Dossier]) -> Move | None:
    """Another table of the same columns holds exactly as many rows as are gone here, and never held others."""
    if lost < FEW_ROWS or len(shape(table)) < 2:
        return None
    bare = table.relation["name"].casefold()
    for other in others:
        if other is table or other.balance["inserts"] != lost or not shape(table) <= shape(other):
            continue
        alike = bool(SHELF.search(other.name))
        if alike or bare in other.relation["name"].casefold():
            says = f"{other.name} has the same columns and holds exactly the {lost} rows that are gone here"
            return Move(lost, other.name, False, alike, says, "pg_stat_user_tables")
    return None


def targets(text: str) -> Iterator[str]:
    """Tables that a text inserts or copies into, qualified where it says so."""
    yield from (folded(match[1]) for match in _INTO.finditer(text))


def filled_by_the_emptying_hand(events: pd.DataFrame, seen: Mapping[str, Sequence[Seen]]) -> dict[str, int]:
    """How often a session of the log emptied a table and filled it again itself, by table, once for each session."""
    emptying: defaultdict[object, set[str]] = defaultdict(set)
    for name, effects in seen.items():
        for each in effects:
            whole = each.operation == "truncate" or (each.operation == "delete" and each.bounded is False)
            if whole and each.done and each.pid is not None:
                emptying[each.pid].add(name)
    # Where the prefix names the session and not the process, its first part is the same for all its lines.
    if not emptying:
        return {}
    pairs: Counter[str] = Counter()
    done: set[tuple] = set()
    for row in rows(events[events["pid"].isin(list(emptying)) & events["statement"].notna()]):
        for target in targets(row["statement"]):
            for name in emptying[row["pid"]]:
                key = (row["pid"], row["session"], name)
                if key not in done and schemas.parts(name)[1] == schemas.parts(target)[1]:
                    done.add(key)
                    pairs[name] += 1
    return dict(pairs)
