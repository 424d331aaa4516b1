"""A loss that was done once more: on tables that were empty by then, or as good as empty."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from triage_kit.analyse.chains import FAR, UNKNOWN, Chain, Link
from triage_kit.analyse.context import rows
from triage_kit.analyse.falls import FEW
from triage_kit.analyse.refills import targets
from triage_kit.analyse.statements import FAILURES, Seen
from triage_kit.schemas import parts, qualified

if TYPE_CHECKING:
    from triage_kit.analyse.groups import Group

MOST = 3  # of those that are told one by one
DELETES = ("delete", "cascade_delete")


@dataclass(frozen=True)
class Repeat:
    """One transaction that emptied tables of a group again; ``rows`` had come since, None where nothing tells.

    Of one that the log alone tells ``xid`` may not be known.
    """

    xid: int | None
    at: pd.Timestamp | None
    tables: tuple[str, ...]
    rows: int | None


def emptied_by(xids: Collection[int], told: Mapping[str, Chain]) -> set[str]:
    """Tables a file of which went with one of the transactions."""
    return {name for name, chain in told.items() if any(link.xid in xids for link in chain.links)}


def repeats(group: Group, known: Mapping, told: Mapping[str, Chain]) -> Iterator[Repeat]:
    """The transactions that replaced storage of the group's tables after the one that took their rows, in order."""
    found: dict[int, list[tuple[str, Link]]] = {}
    for name in group.tables:
        for link in _after(told.get(name, Chain(())), group, known):
            found.setdefault(link.xid, []).append((name, link))
    for xid, hit in sorted(found.items(), key=lambda item: (item[1][0][1].at or FAR, item[0])):
        yield Repeat(xid, hit[0][1].at, tuple(name for name, _ in hit), _held([link for _, link in hit]))


def _held(links: Sequence[Link]) -> int | None:
    """Rows in all the files that one transaction let go; None where a file is not known."""
    if any(link.rows is None or link.filenode == UNKNOWN for link in links):
        return None
    return sum(link.rows or 0 for link in links)


def _after(chain: Chain, group: Group, known: Mapping) -> Sequence[Link]:
    if group.mechanism not in DELETES:
        return chain.later
    # A DELETE lets no file go: what comes after it in the WAL took the emptied ones.
    ended = [each.ended_at for each in known["batches"] if each.ended_at is not None] or [known["committed_at"]]
    last = max((at for at in ended if at is not None), default=None)
    return [link for link in chain.links if last is not None and link.at is not None and link.at > last]


def runs(events: pd.DataFrame, seen: Mapping[str, Sequence[Seen]]) -> dict[str, tuple[Seen, ...]]:
    """The last TRUNCATEs of each table in the log that came one after the other, no more than a few rows between them.

    Only tables of which there are two: the first of them took the rows, as far as the log shows all that is put in.
    """
    emptying: defaultdict[str, dict[str, Seen]] = defaultdict(dict)  # table: line
    for name, effects in seen.items():
        for each in effects:
            if each.operation == "truncate" and each.done and each.at is not None and each.ran is not None:
                emptying[name][each.where] = each
    twice = {name: lines for name, lines in emptying.items() if len(lines) > 1}
    if not twice:
        return {}
    found: defaultdict[str, list[Seen]] = defaultdict(list)
    came: defaultdict[str, float] = defaultdict(float)
    told = events[events["statement"].notna() & ~events["severity"].isin(FAILURES)]
    for row in rows(told[["file", "line", "statement"]]):
        where, put = f"{row['file']}:{row['line']}", {parts(one)[1] for one in targets(row["statement"])}
        for name, lines in twice.items():
            if where in lines:
                found[name] = [*(found[name] if came[name] < FEW else []), lines[where]]
                came[name] = 0
            elif parts(name)[1] in put:
                came[name] += put_in(row["statement"])
    return {name: tuple(each) for name, each in found.items() if len(each) > 1}


def put_in(statement: str) -> float:
    """How many rows a statement that fills a table may bring: those written out, else any number.

    >>> put_in("INSERT INTO a VALUES (1, 'x'), (2, 'y')"), put_in("COPY a FROM STDIN")
    (2, inf)
    """
    listed = re.search(r"(?is)\bVALUES\s*\(", statement)
    return len(re.findall(r"\)\s*,\s*\(", statement[listed.start() :])) + 1 if listed else float("inf")


def without_late_rows(row: dict, told: Mapping[str, Chain]) -> dict:
    """The finding without the rows that the counters know and that were in other files than the one that was lost.

    What a test put in between two of its runs nobody misses, nor what a nightly job has brought anew since.
    """
    chain = told.get(qualified(row["schema"], row["table"]))
    if row["mechanism"] != "truncate" or not row["missing_rows"] or chain is None or chain.took is None:
        return row
    late = sum(link.rows or 0 for link in chain.later if link.counted)
    missing = chain.took.rows if chain.took.counted else row["missing_rows"] - late
    if missing is None or not 0 < missing < row["missing_rows"]:
        return row
    expected = missing + (row["actual_rows"] or 0)
    bound = {name: min(row[name], expected) for name in ("expected_low", "expected_high") if row[name] is not None}
    says = f"{row['missing_rows'] - missing:,} more were counted and had gone before, or came since, by the WAL"
    return {**row, **bound, "missing_rows": missing, "expected_rows": expected, "bias": (*row["bias"], says)}


def in_words(told: Sequence[Repeat]) -> str | None:
    """When a loss was repeated and on how many rows.

    >>> at = pd.Timestamp("2025-10-08T10:37:29.5Z")
    >>> in_words([Repeat(811, at, ("s.a", "s.b"), 0), Repeat(815, None, ("s.a",), 2)]).split("; ")[1]
    'and (transaction 815) on 1 table, which held at most 2 rows by then'
    >>> in_words([Repeat(811, at, ("s.a", "s.b"), 0)])
    'repeated at 2025-10-08 10:37:29.500 UTC (transaction 811) on 2 tables, empty by then'
    >>> in_words([Repeat(None, None, ("s.a",), None)])
    'repeated (by the log) on 1 table'
    """
    if not told:
        return None
    more = len(told) - MOST
    return "repeated " + "; and ".join(map(_one, told[:MOST])) + (f"; and {more} times more" if more > 0 else "")


def _one(each: Repeat) -> str:
    when = "" if each.at is None else f"at {each.at:%Y-%m-%d %H:%M:%S}.{each.at.microsecond // 1000:03d} UTC "
    held = ", empty by then" if each.rows == 0 else ""
    held = f", which held at most {each.rows:,} rows by then" if each.rows else held
    count = len(each.tables)
    source = "by the log" if each.xid is None else f"transaction {each.xid}"
    return f"{when}({source}) on {count} table{'' if count == 1 else 's'}{held}"
