"""Rows whose parents are not there: one of them would end a whole transaction, so they wait in the tables beside.

ON CONFLICT DO NOTHING passes over keys that stand already, and over no foreign key (PostgreSQL documentation, INSERT).
Each row is looked at when the parents' own rows are in, so that what hangs on a waiting row waits, too. Of a table that
refers to itself the rows are followed from those whose parents stand, or that have none. Of a circle of several tables,
or of two keys to the table itself, no order tells which row is there first: beside, each row is marked whose parent is
neither here nor to come with it, until no more are; rows that come through a pipe are let in whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import networkx as nx
import pandas as pd

from triage_kit import sql
from triage_kit.analyse import circles
from triage_kit.analyse.losses import literal, relations_of, written

Evidence = Mapping[str, pd.DataFrame]
WAITS = "triage_waits"  # a column of the tables beside


def conditions(
    names: Sequence[str], evidence: Evidence, beside: Callable[[str], str], whole: Mapping[str, str] | None = None
) -> dict[str, str]:
    """For each table that refers to any, that a row of ``triage_old`` finds its parent in every one of them.

    ``beside`` gives the name, in SQL, of the table whose rows are to go in, ``whole`` what a row must meet by itself.
    """
    ring = {row["oid"] for _, _, row in circles.of(names, evidence)}
    found: dict[str, dict[str, None]] = {name: {told: None} for name, told in (whole or {}).items() if name in names}
    own: dict[str, list[dict]] = {}
    for child, parent, row in _keys(names, evidence):
        if row["oid"] in ring:
            continue
        if parent == child:
            own.setdefault(child, []).append(row)
        else:
            found.setdefault(child, {})[_finds(parent, row)] = None
    for name, rows in own.items():
        if len(rows) == 1:
            others = " AND ".join(found.get(name, ()))
            found.setdefault(name, {})[_reached(name, rows[0], beside(name), others)] = None
    return {child: " AND ".join(each) for child, each in found.items()}


def _reached(name: str, row: dict, beside: str, others: str) -> str:
    """That the parent of a row within its own table stands, goes in with it, is the row itself, or that it has none."""
    own = _listed("triage_old", row["columns"])
    theirs, fits = (_listed(alias, row["referenced_columns"]) for alias in ("triage_old", "triage_fits"))
    first = f"({_finds(name, row)} OR ({own}) = ({theirs}))"
    rest = f"{beside} AS triage_old JOIN triage_fits ON ({own}) = ({fits})"
    also, only = (f" {word} {others}" if others else "" for word in ("AND", "WHERE"))
    follows = (
        f"WITH RECURSIVE triage_fits AS (SELECT {theirs} FROM {beside} AS triage_old WHERE {first}{also} "  # noqa: S608
        f"UNION SELECT {theirs} FROM {rest}{only}) SELECT {fits} FROM triage_fits WHERE num_nulls({fits}) = 0"
    )
    return f"({first} OR ({own}) IN ({follows}))"


def _listed(alias: str, columns: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{sql.quote_ident(each)}" for each in columns)


def _keys(names: Sequence[str], evidence: Evidence) -> list[circles.Key]:
    """Foreign keys of some tables, wherever they lead: an undamaged parent may have lost a row since, too."""
    return [each for each in circles.keys([*relations_of(evidence)], evidence) if each[0] in set(names)]


def _finds(parent: str, row: dict) -> str:
    own = [f"triage_old.{sql.quote_ident(each)}" for each in row["columns"]]
    same = " AND ".join(
        f"triage_parent.{sql.quote_ident(theirs)} = {ours}"
        for theirs, ours in zip(row["referenced_columns"], own, strict=True)
    )
    null = " OR ".join(f"{each} IS NULL" for each in own)  # such a row refers to nothing
    return f"({null} OR EXISTS (SELECT FROM {written(parent)} AS triage_parent WHERE {same}))"


def circling(names: Sequence[str], evidence: Evidence) -> list[dict[str, list[circles.Key]]]:
    """The circles among some tables, each by table with its keys within it; a table with two keys to itself is one."""
    inner = circles.of(names, evidence)
    tied = nx.Graph((child, parent) for child, parent, _ in inner)
    found = []
    for ring in nx.connected_components(tied):
        found.append({name: [each for each in inner if each[0] == name] for name in sorted(ring)})
    own: dict[str, list[circles.Key]] = {}
    for each in _keys(names, evidence):
        if each[0] == each[1] and each[0] not in tied:
            own.setdefault(each[0], []).append(each)
    return found + [{name: each} for name, each in sorted(own.items()) if len(each) > 1]


def marked(
    ring: Mapping[str, Sequence[circles.Key]], beside: Callable[[str], str], others: Mapping[str, str]
) -> Iterator[str]:
    """Statements that mark the rows of a circle's tables beside that have to wait, until no more have to.

    ``others`` is what a row of each table must meet besides.
    """
    steps = []
    for name, own in ring.items():
        yield f"ALTER TABLE {beside(name)} ADD COLUMN IF NOT EXISTS {WAITS} boolean"
        yield f"UPDATE {beside(name)} SET {WAITS} = false"  # noqa: S608 quoted names
        comes = [_finds(parent, row)[:-1] + f" OR EXISTS ({_coming(beside(parent), row)}))" for _, parent, row in own]
        fits = " AND ".join(filter(None, [*comes, others.get(name, "")]))
        steps.append(
            f"UPDATE {beside(name)} AS triage_old SET {WAITS} = true WHERE NOT {WAITS} AND NOT ({fits}); "  # noqa: S608
            "GET DIAGNOSTICS one = ROW_COUNT; more := more + one;"
        )
    yield (
        "DO $triage$ DECLARE one bigint; more bigint; BEGIN LOOP more := 0; "
        f"{' '.join(steps)} EXIT WHEN more = 0; END LOOP; END $triage$"
    )


def _coming(beside: str, row: dict) -> str:
    """The parent of a row that comes with it."""
    same = " AND ".join(
        f"triage_next.{sql.quote_ident(theirs)} = triage_old.{sql.quote_ident(ours)}"
        for theirs, ours in zip(row["referenced_columns"], row["columns"], strict=True)
    )
    return f"SELECT FROM {beside} AS triage_next WHERE {same} AND NOT triage_next.{WAITS}"


def waiting(name: str, beside: str, condition: str, what: str) -> str:
    """The query that counts the rows that are left beside."""
    told = literal(f"rows of {name} that {what}")
    return f"SELECT {told}, count(*) FROM {beside} AS triage_old WHERE NOT ({condition});"  # noqa: S608 quoted names


def held_up(counts: Mapping[str, int], missing: Mapping[str, int | None], evidence: Evidence) -> dict[str, list[str]]:
    """Of tables whose rows come back in part those that may have to wait, with the damaged parents they wait for.

    ``counts`` are the rows that come back, ``missing`` those that each damaged table lacks. A parent that is itself
    held up holds up its children.
    """
    short = {name for name, gone in missing.items() if gone is None or counts.get(name, 0) < gone}
    every = _keys([*counts], evidence)
    found: dict[str, list[str]] = {}
    while True:
        more = [(child, parent) for child, parent, _ in every
                if parent in (short | set(found)) and parent not in found.get(child, ())]  # fmt: skip
        if not more:
            return found
        for child, parent in more:
            if parent not in found.setdefault(child, []):
                found[child].append(parent)


__all__ = ["circling", "conditions", "held_up", "marked", "waiting"]
