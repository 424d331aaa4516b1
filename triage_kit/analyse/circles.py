"""Tables that refer to each other in a circle: no order lets all their rows in, so keys are checked at the commit.

ALTER CONSTRAINT makes a foreign key deferrable without reading the table (PostgreSQL documentation, ALTER TABLE), and
is taken back the same way. Setting session_replication_role to replica instead would switch off every trigger and every
foreign key of the session, and check nothing afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import networkx as nx
import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.losses import remarked, written

Key = tuple[str, str, dict]  # child, parent, row of constraints
MOST_TOLD = 4


def keys(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> list[Key]:
    """The foreign keys among some tables, as child, parent and row of constraints."""
    tables = {row["oid"]: schemas.qualified(row["schema"], row["name"]) for row in rows(evidence["relations"])}
    wanted = set(names)
    found = [(tables.get(row["table_oid"]), tables.get(row["referenced_oid"]), row)
             for row in rows(evidence["constraints"]) if row["kind"] == "foreign_key"]  # fmt: skip
    return [(child, parent, row) for child, parent, row in found if child in wanted and parent in wanted]


def of(names: Sequence[str], evidence: Mapping[str, pd.DataFrame]) -> list[Key]:
    """The foreign keys within circles of two tables or more, with those by which a table of one refers to itself."""
    every = keys(names, evidence)
    tied = nx.DiGraph((parent, child) for child, parent, _ in every)
    place = {name: number for number, ring in enumerate(nx.strongly_connected_components(tied)) if len(ring) > 1
             for name in ring}  # fmt: skip
    return [each for each in every if each[0] in place and place[each[0]] == place.get(each[1])]


def told(found: Sequence[Key]) -> Iterator[str]:
    """What is done about the circle, and with which rights, in a sentence; nothing where there is none."""
    if not found:
        return
    names = sorted({child for child, _, _ in found})
    more = f" and {len(names) - MOST_TOLD:,} more" if len(names) > MOST_TOLD else ""
    yield (
        f"{remarked(', '.join(names[:MOST_TOLD]))}{more} refer to each other: as their owner, let their keys be "
        "checked at the commit, and set that back when the rows are in. session_replication_role = replica would let "
        "rows in without any check, and is no way to take here"
    )


def late(found: Sequence[Key]) -> Iterator[str]:
    """Statements that have the keys checked at the commit."""
    yield from (f"{_altered(child, row)} DEFERRABLE INITIALLY DEFERRED" for child, _, row in found)


def again(found: Sequence[Key]) -> Iterator[str]:
    """Statements that make the keys again what they were."""
    for child, _, row in found:
        if not str(row["definition"]).endswith("INITIALLY DEFERRED"):
            was = "DEFERRABLE INITIALLY IMMEDIATE" if row["deferrable"] else "NOT DEFERRABLE"
            yield f"{_altered(child, row)} {was}"


def _altered(child: str, row: dict) -> str:
    return f"ALTER TABLE {written(child)} ALTER CONSTRAINT {sql.quote_ident(row['name'])}"
