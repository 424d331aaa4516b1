"""Tables whose rows were put into another table before the same hand emptied them: what stood there was taken over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.records import Records
from triage_kit.analyse.refills import A_RUN, FEW_ROWS, SOURCE, folded, lost_rows, shape, targets
from triage_kit.analyse.statements import FAILURES, Seen


def handed_over(
    tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame], seen: Mapping[str, Sequence[Seen]], wal: Records
) -> frozenset[str]:
    """Tables whose rows stand in another one: as a session of the log says, or as many as they lost.

    Those came with the transaction that emptied them, or by a statement that pg_stat_statements counts.
    """
    by_numbers = (*_by_transaction(tables, wal), *_by_entry(tables, evidence))
    return _by_session(evidence["log_events"], seen) | frozenset(by_numbers)


def _by_entry(tables: Sequence[Dossier], evidence: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Truncated tables of which a statement put as many rows as they lost into one that holds them still.

    Texts name tables without their schema as a rule: of namesakes nobody knows which is meant, and temporary tables,
    and those of other databases, hold nothing here.
    """
    namesakes = Counter(table.relation["name"] for table in tables)
    alone = [table for table in tables if namesakes[table.relation["name"]] == 1]
    stand = {table.relation["name"]: table.balance["actual_rows"] or 0 for table in alone}
    lost = {table.relation["name"]: (table.name, lost_rows(table) or 0) for table in alone if table.replaced}
    entries = evidence["statements"]
    told = entries["rows"].isin([count for _, count in lost.values() if count >= FEW_ROWS]) & entries["text"].notna()
    here = entries["database"].isin(evidence["identity"]["database"].dropna())
    for row in rows(entries[told & here]):
        into = {schemas.parts(name)[1] for name in targets(row["text"])}
        read = {schemas.parts(folded(match[1]))[1] for match in SOURCE.finditer(row["text"])} - into
        kept = any(stand.get(name, 0) >= row["rows"] for name in into)
        yield from (lost[name][0] for name in read & set(lost) if kept and lost[name][1] == row["rows"])


def _by_session(events: pd.DataFrame, seen: Mapping[str, Sequence[Seen]]) -> frozenset[str]:
    emptied: defaultdict[object, list[tuple[pd.Timestamp, str]]] = defaultdict(list)
    for name, effects in seen.items():
        for each in effects:
            whole = each.operation == "truncate" or (each.operation == "delete" and each.bounded is False)
            if whole and each.done and each.pid is not None and each.at is not None:
                emptied[each.pid].append((each.at, name))
    if not emptied:
        return frozenset()
    found = set()
    kept = events["pid"].isin(list(emptied)) & events["statement"].str.contains(r"(?i)\b(?:insert|merge)\b", regex=True)
    for row in rows(events[kept.fillna(False) & ~events["severity"].isin(FAILURES)]):
        into = {schemas.parts(name)[1] for name in targets(row["statement"])}
        read = {schemas.parts(folded(match[1]))[1] for match in SOURCE.finditer(row["statement"])} - into
        for at, name in emptied[row["pid"]] if into and read and row["at"] is not None else ():
            if schemas.parts(name)[1] in read and row["at"] <= at <= row["at"] + A_RUN:
                found.add(name)
    return frozenset(found)


def _by_transaction(tables: Sequence[Dossier], wal: Records) -> Iterator[str]:
    """Truncated tables of which as many rows as they lost came into one that has all of their columns, and maybe more.

    The transaction of that is the one that replaced the storage (pg_class.xmin): the WAL counts its rows, and where it
    wrote every row that stands there, the rows themselves (xmin).
    """
    for table in tables:
        count, xid = lost_rows(table) or 0, table.relation["xmin"]
        if count >= FEW_ROWS and table.replaced and not table.heap_bytes:
            others = (other for other in tables if other is not table and shape(table) <= shape(other))
            if any(count in _came(other, xid, wal) for other in others):
                yield table.name


def _came(table: Dossier, xid: int, wal: Records) -> Iterable[int]:
    """Rows that a transaction put into a table, as each source counts them."""
    yield sum(each.rows for each in wal.changes.get(table.oid, ()) if each.xid == xid and each.operation == "insert")
    if table.writers == (xid, xid):
        yield table.balance["actual_rows"] or 0
