"""The order in which tables were made, against the order that migrations and foreign keys demand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from triage_kit import schemas
from triage_kit.analyse.context import rows
from triage_kit.analyse.dossier import Dossier
from triage_kit.analyse.lineage import NEAR

NAMING = ("alembic", "django")  # tools whose migrations name what they build upon
APART = 2  # judgement: times the transactions between the other tables of a schema


def older_references(tables: Sequence[Dossier], constraints: pd.DataFrame) -> dict[str, str]:
    """Tables that an older table has referenced since its own making, which cannot be unless they were made anew."""
    by_oid = {table.oid: table for table in tables}
    found = {}
    for row in rows(constraints):
        child, parent = by_oid.get(row["table_oid"]), by_oid.get(row["referenced_oid"])
        if row["kind"] != "foreign_key" or child is None or parent is None or child.oid >= parent.oid:
            continue
        made, born = child.created_xid, parent.created_xid
        written = {column["name"]: column["xmin"] for column in child.columns}
        if made is None or born is None or made >= born:
            continue
        if all(written.get(name) == made for name in row["columns"]):
            found[parent.name] = (
                f"after {child.name}, which has referred to it by {row['columns'][0]} from the beginning"
            )
    return found


def migration_ranks(evidence: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    """The place of the migration that makes each table, by short name, counted along the chain of revisions."""
    parents = {row["revision"]: row["parents"] for row in _chained(rows(evidence["migrations"])) if row["revision"]}
    depth: dict[str, int] = {}
    for revision in parents:
        stack = [revision]
        while stack:
            above = [each for each in parents.get(stack[-1], ()) if each in parents and each not in depth]
            if above and len(stack) <= len(parents):
                stack.append(above[0])
            else:
                last = stack.pop()
                depth[last] = 1 + max((depth.get(each, 0) for each in parents[last]), default=0)
    ranks: dict[str, int] = {}
    for row in rows(evidence["migration_operations"]):
        if row["operation"] == "create_table" and row["direction"] != "down" and row["revision"] in depth:
            ranks.setdefault(schemas.parts(row["object"] or "")[1], depth[row["revision"]])
    return ranks


def out_of_order(tables: Sequence[Dossier], ranks: Mapping[str, int]) -> dict[str, str]:
    """Tables that a migration makes before others which nevertheless are older in the catalogue."""
    known = [(ranks[table.relation["name"]], table) for table in tables
             if table.relation["name"] in ranks and table.created_xid is not None]  # fmt: skip
    found = {}
    for rank, table in known:
        later = [other for place, other in known if place > rank and other.oid < table.oid
                 and other.created_xid < table.created_xid]  # type: ignore[operator]  # fmt: skip
        if later:
            found[table.name] = f"after {later[0].name}, which the migrations make after it"
    return found


def youngest(tables: Sequence[Dossier], ranks: Mapping[str, int]) -> dict[str, str]:
    """Tables that were created alone and after all others of their schema, unless the last migration makes them.

    ``apart`` where far more transactions lie between them and the others than between the others themselves.
    """
    found: dict[str, str] = {}
    by_schema: defaultdict[str, list[Dossier]] = defaultdict(list)
    for table in tables:
        if table.created_xid is not None:
            by_schema[table.relation["schema"]].append(table)
    last_rank = max(ranks.values(), default=0)
    for siblings in by_schema.values():
        if len(siblings) < 3:
            continue
        created = sorted({table.created_xid for table in siblings if table.created_xid is not None})
        last = [table for table in siblings if table.created_xid == created[-1]]
        newest_oid = max(table.oid for table in siblings)
        if len(created) > 1 and len(last) < len(siblings) / 2 and any(each.oid == newest_oid for each in last):
            gap, span = created[-1] - created[-2], created[-2] - created[0]
            if gap <= NEAR:
                continue  # made in one go with the one before it
            word = "apart" if gap > APART * max(span, 1) + APART else "youngest"
            found |= {table.name: word for table in last if ranks.get(table.relation["name"], -1) != last_rank}
    return found


def _chained(migrations: Sequence[dict]) -> list[dict]:
    """The migrations, each with the one before it as its parent where its tool numbers them instead of naming parents.

    Flyway, Rails, Knex, Laravel, Prisma and the like run their files in the order of their versions (documentation of
    the tools); of a tool that names parents anywhere the names alone count.
    """
    by_tool: defaultdict[str, list[dict]] = defaultdict(list)
    for row in migrations:
        by_tool[row["tool"] or ""].append(row)
    told = []
    for tool, mine in by_tool.items():
        if tool in NAMING or any(row["parents"] for row in mine):
            told += mine
            continue
        ordered = sorted((row for row in mine if row["revision"]), key=lambda row: _version(row["revision"]))
        told += [{**row, "parents": (before["revision"],) if before else ()}
                 for before, row in zip((None, *ordered), ordered, strict=False)]  # fmt: skip
    return told


def _version(revision: str) -> tuple[tuple[int, ...], str]:
    """What a tool sorts a version by: the numbers in it, one after another."""
    return tuple(int(number) for number in re.findall(r"\d+", revision)), revision
