"""Tables joined by one transaction, else by one statement: what has a cause, a date and an explaining statement."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import networkx as nx
import pandas as pd

from triage_kit import schemas
from triage_kit.analyse import foreign_keys as fk
from triage_kit.analyse.dropped import REPLACES
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.records import Change
from triage_kit.analyse.repeats import Repeat, emptied_by, in_words, repeats
from triage_kit.analyse.scene import Scene
from triage_kit.analyse.statements import Seen, took_least, wording
from triage_kit.analyse.transactions import Replacement

SAME = pd.Timedelta(seconds=1)  # between the line of a statement in the log and its commit
MOST_OF = 0.9  # judgement: of the counted deletes, so that the others are everyday work
SUBTRANSACTIONS = 64  # as many xids may lie between a transaction and the savepoint that did it
# How rows went, where the mechanism's own word says it to nobody.
DEEDS = {
    "recreate": "being made anew", "restore": "an older state put back", "new_cluster": "another data directory",
    "unlogged_reset": "the reset of unlogged tables", "partition_drop": "a dropped or detached partition",
    "column_drop": "a dropped column", "unknown": "what is not known",
}  # fmt: skip
LOSSES = ("partial", "wiped", "missing", "hidden")


@dataclass(frozen=True)
class Group:
    """Tables that share one fate; ``roots`` are those a statement must have named."""

    name: str
    mechanism: str
    tables: tuple[str, ...]
    damaged: tuple[str, ...]
    roots: tuple[str, ...]
    xid: int | None
    committed_at: pd.Timestamp | None
    how: str
    via: Mapping[str, str] = field(default_factory=dict)
    reaches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    equivalents: tuple[tuple[str, ...], ...] = ()
    extra: tuple[str, ...] = ()
    explained: int = 0
    lsn: str | None = None
    dated: str = "commit timestamp"
    whole: bool = True  # the roots were emptied, not thinned out: the statement had no WHERE that spared a row
    thinned: frozenset[str] = frozenset()  # roots that still hold rows
    again: tuple[str, ...] = ()  # tables that the statement reaches as well, and that a later one emptied again
    besides: tuple[str, ...] = ()  # tables that the statement emptied as well, whose rows went at another time
    repeats: tuple[Repeat, ...] = ()  # later transactions that emptied its tables once more, by the WAL
    ran: tuple[pd.Timestamp, pd.Timestamp] | None = None  # of the first of several statements that the log alone tells
    batches: tuple[Change, ...] = ()  # a DELETE in many commits, by the WAL: each of them, ``xid`` is the first

    @property
    def deed(self) -> str:
        """What took the rows, as a sentence says it after "by"."""
        return DEEDS.get(self.mechanism, self.mechanism.replace("_", " "))


def find_groups(
    findings: Sequence[dict], replaced: Sequence[Replacement], reach: nx.MultiDiGraph, scene: Scene
) -> list[Group]:
    """Groups by their damage: storage replaced by one transaction, cascades of DELETE, then tables of one mechanism."""
    by_name = {schemas.qualified(row["schema"], row["table"]): row for row in findings}
    found: list[Group] = []
    taken: set[str] = set()
    for each in replaced:
        tables = tuple(name for name in each.tables if by_name[name]["mechanism"] == "truncate")
        if tables and any(by_name[name]["status"] in LOSSES for name in tables):
            # The catalogue names the last transaction that gave a table new storage: an earlier one may have, too.
            later = {name for other in replaced if other.xid > each.xid for name in other.tables}
            # Where the WAL tells which took the rows, those of a lower one were gone when this one came.
            gone = {name for other in replaced if other.xid < each.xid for name in other.tables if name in scene.chains}
            besides = (emptied_by(each.xids, scene.chains) | gone) - set(tables)
            found.append(_truncated(tables, by_name, reach, each.xid, each.committed_at, each.how, later, besides))
            taken |= set(tables)
    lost = [name for name, row in by_name.items() if row["status"] in LOSSES and name not in taken]
    deleted = [name for name in lost if by_name[name]["mechanism"] in ("delete", "cascade_delete")]
    found += _of_one_transaction(_deleted(deleted, by_name, reach), by_name, scene)
    loose = tuple(sorted(name for name in lost if by_name[name]["mechanism"] == "truncate" and name in reach))
    if loose:
        found.append(_truncated(loose, by_name, reach, None, None, _without_transaction(loose, reach)))
    joined = {"delete", "cascade_delete", *(("truncate",) if loose else ())}
    for mechanism in sorted({by_name[name]["mechanism"] for name in lost} - joined):
        tables = tuple(sorted(name for name in lost if by_name[name]["mechanism"] == mechanism))
        found.append(Group("", mechanism, tables, tables, tables, None, None, f"the same mechanism: {mechanism}"))
    found.sort(key=lambda group: (-sum(by_name[name]["missing_rows"] or 0 for name in group.tables), group.tables))
    return [_told(group, f"G{number}", by_name, scene) for number, group in enumerate(found, 1)]


def _told(group: Group, name: str, by_name: Mapping[str, dict], scene: Scene) -> Group:
    """The group with its name, and with what the WAL and the log say of its transaction."""
    if run := _run(group, scene):
        return _by_log(replace(group, name=name), run, scene)
    xid, at, batches = group.xid, group.committed_at, ()
    if xid is None and group.mechanism in ("delete", "cascade_delete"):
        batches = tuple(_batches(group, by_name, scene))
        xid = scene.clock.full(batches[0].xid) if batches else None
    if xid is None and group.mechanism in REPLACES:
        xid = _before_the_drop(group, scene)
    if xid is not None:
        above = _top_level(group, xid, scene)
        at = (at or scene.clock.commit_time(xid)) if len(batches) < 2 else None
        xid = above if above is not None else xid
    told = {"name": name, "xid": xid, "committed_at": at, "batches": batches}
    if xid is not None:
        told |= {"lsn": scene.clock.lsns.get(xid), "dated": scene.clock.dated_by(xid)}
    return replace(group, **told, repeats=tuple(repeats(group, told, scene.chains)))  # type: ignore[arg-type]


def _run(group: Group, scene: Scene) -> tuple[Seen, ...]:
    """The TRUNCATEs of the log of which the group's is the last, where it would show what came in between.

    Where the WAL has the table's files, it has told already which of them held the rows.
    """
    if group.mechanism != "truncate" or not scene.visible.statements or scene.chains.keys() & set(group.tables):
        return ()
    mine = (scene.runs[root] for root in group.roots if root in scene.runs)
    known = group.committed_at
    return next((run for run in mine if known is None or abs(run[-1].at - known) <= SAME), ())  # type: ignore[operator]


def _by_log(group: Group, run: Sequence[Seen], scene: Scene) -> Group:
    """The group as the first of several TRUNCATEs made it: the catalogue has only the last one's transaction."""
    xid = None if run[0].xid is None else scene.clock.full(run[0].xid)
    again = (Repeat(None, each.at, group.roots, None) for each in run[1:])
    how = f"emptied by the first of {len(run)} TRUNCATEs in the log, between which no more than a few rows were put in"
    at = None if xid is None else scene.clock.commit_time(xid)
    dated = group.dated if xid is None else scene.clock.dated_by(xid)
    return replace(group, xid=xid, committed_at=at, dated=dated, how=how, ran=run[0].ran, repeats=tuple(again))


def _before_the_drop(group: Group, scene: Scene) -> int | None:
    """The transaction that emptied every table of the group before it was dropped: with the DROP no rows went."""
    took = [scene.chains[name].took if name in scene.chains else None for name in group.damaged]
    xids = {None if link is None or link.dropped else link.xid for link in took}
    return xids.pop() if len(xids) == 1 else None


def _batches(group: Group, by_name: Mapping[str, dict], scene: Scene) -> list[Change]:
    """The transactions that took most rows of each root, by the WAL; none where roots began with different ones."""
    told = [scene.wal.batches(by_name[root]["oid"], scene.about.window_start) for root in group.roots]
    began = {each[0].xid for each in told if each}
    return max(told, key=len) if len(began) == 1 else []


def _recorded(group: Group, by_name: Mapping[str, dict], scene: Scene) -> int | None:
    """The first of those transactions."""
    told = _batches(group, by_name, scene)
    return scene.clock.full(told[0].xid) if told else None


def _of_one_transaction(groups: Sequence[Group], by_name: Mapping[str, dict], scene: Scene) -> list[Group]:
    """The groups of deleted tables, those joined into one that the same transaction deleted from, by the WAL."""
    found: list[Group] = []
    by_xid: dict[int, list[Group]] = {}
    for group in groups:
        xid = _recorded(group, by_name, scene)
        if xid is None:
            found.append(group)
        else:
            by_xid.setdefault(xid, []).append(group)
    return found + [parts[0] if len(parts) == 1 else _joined(parts) for parts in by_xid.values()]


def _joined(parts: Sequence[Group]) -> Group:
    tables = tuple(sorted(name for part in parts for name in part.tables))
    return replace(
        parts[0],
        tables=tables,
        damaged=tuple(sorted(name for part in parts for name in part.damaged)),
        roots=tuple(sorted(name for part in parts for name in part.roots)),
        how="deleted by one transaction",
        via={table: root for part in parts for table, root in part.via.items()},
        reaches={root: names for part in parts for root, names in part.reaches.items()},
        extra=tuple(sorted({name for part in parts for name in part.extra} - set(tables))),
        explained=len(tables),
        whole=all(part.whole for part in parts),
        thinned=frozenset(name for part in parts for name in part.thinned),
    )


def _top_level(group: Group, xid: int, scene: Scene) -> int | None:
    """The xid of the statement's log line: %x shows the top-level one, just below its subtransactions."""
    for table in group.roots:
        for seen in scene.seen.get(table, ()):
            if seen.xid is not None and seen.done and 0 <= xid - scene.clock.full(seen.xid) <= SUBTRANSACTIONS:
                return scene.clock.full(seen.xid)
    return None


def _without_transaction(tables: Sequence[str], reach: nx.MultiDiGraph) -> str:
    """How tables were joined of which no catalogue names the transaction."""
    parts = nx.number_weakly_connected_components(reach.subgraph(tables))
    if parts == 1:
        return "no transaction id: joined by foreign keys" if len(tables) > 1 else "no transaction id: on its own"
    return f"no transaction id: joined by foreign keys, their {parts} parts by the same mechanism"


def _truncated(
    tables: tuple[str, ...],
    by_name: Mapping[str, dict],
    reach: nx.MultiDiGraph,
    xid: int | None,
    committed_at: pd.Timestamp | None,
    how: str,
    later: Collection[str] = (),
    besides: Collection[str] = (),
) -> Group:
    story = fk.explain(reach, tables)
    # Of a table whose rows nobody counted it cannot be said that the statement would have emptied it in vain.
    unknown = [name for name in story.extra if xid is None and (by_name.get(name) or {}).get("actual_rows") is None]
    damaged = tuple(name for name in tables if by_name[name]["status"] in LOSSES)
    via: dict[str, str] = {}
    # Where several roots lead to a table, the one with the widest reach is named.
    for root in sorted(story.roots, key=lambda name: (-len(story.reaches[name]), name)):
        for table in story.reaches[root]:
            via.setdefault(table, root)
    via = {table: root for table, root in via.items() if table not in story.roots and table in tables}
    return Group(
        "",
        "truncate",
        tables,
        damaged,
        story.roots,
        xid,
        committed_at,
        how,
        via,
        story.reaches,
        story.equivalents,
        tuple(name for name in story.extra if name not in {*unknown, *later, *besides}),
        story.explained,
        again=tuple(name for name in story.extra if name in later and name not in besides),
        besides=tuple(name for name in story.extra if name in besides),
    )


def _deleted(names: Sequence[str], by_name: Mapping[str, dict], reach: nx.MultiDiGraph) -> list[Group]:
    """Deleted tables joined along ON DELETE CASCADE: the ones that no other leads to are the roots."""
    cascades = nx.DiGraph()
    cascades.add_nodes_from(names)
    cascades.add_edges_from(
        (u, v)
        for u, v, d in reach.edges(data=True)
        if d.get("on_delete") == "cascade" and u in cascades and v in cascades
    )
    found = []
    for part in nx.weakly_connected_components(cascades):
        tables = tuple(sorted(part))
        circles = nx.condensation(cascades.subgraph(part))
        roots = tuple(sorted(min(circles.nodes[node]["members"]) for node in circles if circles.in_degree(node) == 0))
        reaches = {root: tuple(sorted(nx.descendants(cascades, root))) for root in roots}
        via = {table: root for root in roots for table in reaches[root]}
        how = "joined by ON DELETE CASCADE" if len(tables) > 1 else "deleted on its own"
        spared = [
            name
            for name in sorted(fk.delete_reach(reach, roots) - set(tables))
            if (by_name.get(name) or {}).get("actual_rows")
        ]
        thinned = frozenset(root for root in roots if by_name[root]["actual_rows"] != 0)
        whole = not thinned
        extra = tuple(spared) if whole else ()
        found.append(
            Group(
                "",
                "delete",
                tables,
                tables,
                roots,
                None,
                None,
                how,
                via,
                reaches,
                (),
                extra,
                len(tables),
                None,
                whole=whole,
                thinned=thinned,
            )
        )
    return found


def explaining_frame(groups: Sequence[Group], reach: nx.MultiDiGraph, scene: Scene, ledger: Ledger) -> pd.DataFrame:
    """Table ``explaining_statements``: the statement that would do exactly this, observed or inferred."""
    found = []
    for group in groups:
        if group.mechanism not in ("truncate", "delete") or not all(root in reach for root in group.roots):
            continue
        seen = [_observed(group, root, scene) for root in group.roots]
        if group.mechanism == "truncate":  # one statement names all of its roots
            seen = [next(filter(None, seen), None)]
        observed = all(seen)
        text = "; ".join(dict.fromkeys(each.text for each in seen if each)) if observed else _text(group, reach)
        says = (
            f"{text[:300]} would reach {group.explained} of the {len(group.tables)} tables of {group.name}"
            f" and {len(group.extra)} others" + (f" ({', '.join(group.extra[:5])})" if group.extra else "")
        )
        if group.again:
            names = ", ".join(group.again[:5])
            says += f"; {len(group.again)} more that it reaches got new storage again later ({names})"
        if group.besides:
            names = ", ".join(group.besides[:5])
            says += f"; {len(group.besides)} more got new storage by it whose rows went at another time ({names})"
        reference = ledger.add("foreign keys", says, "pg_constraint", group.name)
        found.append(
            {
                "group": group.name,
                "text": text,
                "observed": observed,
                "xid": group.xid,
                "roots": group.roots,
                "equivalent": tuple(fk.truncate_text(reach, roots, True) for roots in group.equivalents),
                "reaches": tuple(f"{root}: {', '.join(group.reaches.get(root, ()))}" for root in group.roots),
                "explained": group.explained,
                "of": len(group.tables),
                "extra": len(group.extra),
                "evidence": reference,
            }
        )
    return schemas.frame("explaining_statements", found)


def _observed(group: Group, root: str, scene: Scene) -> Seen | None:
    wanted = "truncate" if group.mechanism == "truncate" else "delete"
    fitting = [seen for seen in scene.seen.get(root, ()) if seen.operation == wanted and seen.done
               and (seen.bounded is not True or root in group.thinned)]  # fmt: skip
    small = took_least(fitting)
    likely = (seen for seen in fitting if wording(seen.text) not in small)
    return next(likely, None) or (_took_all(group, root, scene) if wanted == "delete" else None)


def _took_all(group: Group, root: str, scene: Scene) -> Seen | None:
    """A DELETE with a condition that every row met, as the rows that it took tell."""
    table = scene.balances.get(root) or {}
    took = [seen for seen in scene.seen.get(root, ()) if seen.operation == "delete" and seen.done and seen.rows]
    counted: dict[str, int] = {}
    for seen in took:
        counted[seen.text] = max(counted.get(seen.text, 0), seen.rows or 0)  # the log and the counters tell of the same
    whole = [seen for seen in took if counted[seen.text] >= MOST_OF * (table.get("deletes") or 1)]
    return max(whole, key=lambda seen: seen.at is not None, default=None)


def _text(group: Group, reach: nx.MultiDiGraph) -> str:
    if group.mechanism == "truncate":
        cascades = len(group.tables) > len(group.roots) or any(group.reaches.values())
        return fk.truncate_text(reach, group.roots, cascades)
    return "; ".join(
        fk.delete_text(reach, root) + (" WHERE …" if root in group.thinned else "") for root in group.roots
    )


def groups_frame(groups: Sequence[Group], findings: pd.DataFrame, dates: Mapping[str, dict]) -> pd.DataFrame:
    """Table ``groups`` with the missing rows and the window of each."""
    missing = {
        schemas.qualified(s, t): m
        for s, t, m in zip(findings["schema"], findings["table"], findings["missing_rows"], strict=True)
    }
    return schemas.frame(
        "groups",
        [
            {
                "group": group.name,
                "xid": group.xid,
                "tables": group.tables,
                "damaged": len(group.damaged),
                "missing_rows": sum(
                    int(missing[name]) for name in group.tables if name in missing and not pd.isna(missing[name])
                ),
                **_mechanism(findings[findings["group"] == group.name]),
                "committed_at": group.committed_at,
                "how": group.how,
                "lsn": group.lsn,
                "repeated": in_words(group.repeats),
                **dates.get(group.name, {}),
            }
            for group in groups
        ],
    )


def _mechanism(members: pd.DataFrame) -> dict:
    """What happened to a group's tables, and how sure that is of the least sure of them; its one figure everywhere.

    Tables that a cascade reached say what happened to their root, and empty ones lost nothing: they are left out where
    others are there.
    """
    damaged = members[members["status"].isin(LOSSES)]
    told = damaged if len(damaged) else members
    told = told[told["via"].isna()] if told["via"].isna().any() else told
    if told.empty:
        return {}
    mechanism = told["mechanism"].mode().iloc[0]
    return {"mechanism": mechanism, "probability": told.loc[told["mechanism"] == mechanism, "probability"].min()}


def members(groups: Sequence[Group]) -> dict[str, Group]:
    """The group of each table."""
    return {name: group for group in groups for name in group.tables}


def apply(findings: Sequence[dict], groups: Sequence[Group], dates: Mapping[str, dict]) -> list[dict]:
    """Findings with group, transaction, root and dating filled in."""
    joined = members(groups)
    found = []
    for row in findings:
        group = joined.get(schemas.qualified(row["schema"], row["table"]))
        if group is None:
            found.append({**row, "group": None})
            continue
        name = schemas.qualified(row["schema"], row["table"])
        when = dates.get(group.name, {})
        found.append(
            {
                **row,
                "group": group.name,
                "xid": group.xid,
                "committed_at": group.committed_at,
                "via": group.via.get(name),
                **when,
            }
        )
    return found
