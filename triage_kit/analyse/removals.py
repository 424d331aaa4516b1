"""Every transaction that took rows of a damaged table: how many, when it committed, and who sent the statement.

One loss may be the work of several DELETEs. The WAL has each with its rows and its commit record, the log the role and
the text; a line of the log belongs to a transaction of the WAL by its xid (``%x``), else by time, where only one fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.groups import LOSSES, Group
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.statements import Seen

MOST = 100  # of one table: everyday work deletes too, and a list of thousands tells nobody anything
_DELETES = ("delete", "cascade_delete")
_SECOND = pd.Timedelta(seconds=1)


@dataclass(frozen=True)
class _Removal:
    xid: int | None
    operation: str
    rows: int | None
    at: pd.Timestamp | None
    lsn: str | None
    how: str
    said: Seen | None = None


def removals(findings: Sequence[dict], groups: Sequence[Group], scene: Scene) -> pd.DataFrame:
    """Table ``removals``: the transactions that took rows of each damaged table, in the order of their commits."""
    by_group = {group.name: group for group in groups}
    told = []
    for row in findings:
        if row["status"] not in LOSSES and row.get("xid") is None:
            continue
        group = by_group.get(row["group"] or "")
        for each in _of_table(row, group, scene):
            told.append(
                {
                    "schema": row["schema"],
                    "table": row["table"],
                    "xid": each.xid,
                    "operation": each.operation,
                    "rows": each.rows,
                    "committed_at": each.at,
                    "lsn": each.lsn,
                    "role": each.said.user if each.said else None,
                    "application": each.said.application if each.said else None,
                    "text": each.said.text if each.said else None,
                    "how": each.how,
                    "group": row["group"],
                }
            )
    return schemas.frame("removals", told)


def settled(seen: Sequence[Seen], told: pd.DataFrame) -> list[Seen]:
    """The statements, those as committed that a removal is the doing of: its transaction's commit is on record.

    A log at log_statement = mod holds no COMMIT, so that it does not tell itself.
    """
    found = list(seen)
    for row in rows(told[told["committed_at"].notna() & told["text"].notna()]):
        who, by = (row["text"], row["role"], row["application"]), row["committed_at"] + _SECOND
        mine = [
            at for at, each in enumerate(found)
            if (each.text, each.user, each.application) == who and each.at is not None and each.at <= by
        ]  # fmt: skip
        last = max(mine, key=lambda at: found[at].at, default=None)  # type: ignore[arg-type, return-value]
        for at in mine if last is not None else ():
            if found[at].outcome == "unknown" and found[at].where == found[last].where:
                found[at] = replace(found[at], outcome="committed")
    return found


def _of_table(row: dict, group: Group | None, scene: Scene) -> list[_Removal]:
    own = _of_group(row, group)
    found = {each.xid: each for each in own}
    if row["status"] in LOSSES and row["mechanism"] in _DELETES:
        for each in _recorded(row, scene):
            known = found.get(each.xid)
            found[each.xid] = (
                replace(known, rows=each.rows, lsn=known.lsn or each.lsn, at=known.at or each.at) if known else each
            )
    with_words = _said(list(found.values()), _deletes_seen(row, group, scene), scene)
    latest = pd.Timestamp.max.tz_localize("UTC")
    return sorted(with_words, key=lambda each: (each.at or latest, each.xid or 0))


def _of_group(row: dict, group: Group | None) -> list[_Removal]:
    """The one transaction that the table's group stands for."""
    if row.get("xid") is None:
        return []
    lsn, how = (group.lsn, group.how) if group else (None, "")
    return [_Removal(int(row["xid"]), row["mechanism"], None, row.get("committed_at"), lsn, how)]


def _recorded(row: dict, scene: Scene) -> list[_Removal]:
    """The transactions of the WAL that deleted rows of the table, those before the window left out where it has any."""
    late = scene.wal.deleting(row["oid"], scene.about.window_start) if row.get("oid") is not None else []
    return [
        _Removal(scene.clock.full(each.xid), "delete", each.rows, each.ended_at, each.lsn, f"the WAL ({each.source})")
        for each in late[:MOST]
    ]


def _deletes_seen(row: dict, group: Group | None, scene: Scene) -> list[Seen]:
    """Statements of the log that removed rows of the table, or of the one whose cascade reached it."""
    name = schemas.qualified(row["schema"], row["table"])
    names = [name, *filter(None, [row.get("via"), group.via.get(name) if group else None])]
    seen = [each for of in dict.fromkeys(names) for each in scene.effects_on(of) if each.at is not None]
    return [each for each in seen if each.done and each.operation in ("delete", "truncate", "merge")]


def _said(found: list[_Removal], seen: Sequence[Seen], scene: Scene) -> list[_Removal]:
    """The removals with the statement of each, and those statements that no removal stands for."""
    pairs = _by_xid(found, seen, scene)
    pairs |= _by_time(
        {at: each for at, each in enumerate(found) if at not in pairs},
        [each for each in seen if each not in pairs.values()],
    )
    told = [replace(each, said=pairs.get(at)) for at, each in enumerate(found)]
    used = {id(each) for each in pairs.values()}
    # What the log alone tells of a DELETE is told where no other source counts this table's transactions.
    if not any(each.rows is not None for each in found):
        told += [each for each in _of_log(seen, scene) if id(each.said) not in used][:MOST]
    return told


def _by_xid(found: list[_Removal], seen: Sequence[Seen], scene: Scene) -> dict[int, Seen]:
    named = {scene.clock.top(each.xid): each for each in seen if each.xid is not None}
    return {at: named[each.xid] for at, each in enumerate(found) if each.xid is not None and each.xid in named}


def _by_time(found: Mapping[int, _Removal], seen: Sequence[Seen]) -> dict[int, Seen]:
    """Statements during whose run, or just after, one transaction committed, where neither has another to go with."""
    fits = {
        at: [one for one in seen if one.ran and each.at and one.ran[0] - _SECOND <= each.at <= one.ran[1] + _SECOND]
        for at, each in found.items()
    }
    exact = {at: [one for one in some if one.ran and _within(found[at], one)] or some for at, some in fits.items()}
    single = {at: some[0] for at, some in exact.items() if len(some) == 1}
    return {at: one for at, one in single.items() if sum(other is one for other in single.values()) == 1}


def _within(removal: _Removal, seen: Seen) -> bool:
    return bool(seen.ran and removal.at and seen.ran[0] <= removal.at <= seen.ran[1])


def _of_log(seen: Sequence[Seen], scene: Scene) -> Iterator[_Removal]:
    for each in seen:
        if each.operation == "delete" and each.outcome == "committed":
            xid = scene.clock.top(each.xid) if each.xid is not None else None
            at = scene.clock.commit_time(xid) if xid is not None else None
            yield _Removal(xid, "delete", each.rows, at or each.at, None, f"the log ({each.where})", each)
