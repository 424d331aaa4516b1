"""The way back of tables that were renamed or moved away: give them their names back, where it is they beyond doubt.

An index keeps the name that it was made with when its table gets another (measured on 13 to 18). In another schema the
same index name proves nothing, since every tenant's schema has it: there the catalogue's rows have to say that the
table moved, or a text that renamed it. What is printed moves a table that stands: a mere likeness is told, not printed
as a thing to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.context import rows
from triage_kit.analyse.dropped import REPLACES
from triage_kit.analyse.identity import named_after
from triage_kit.analyse.lineage import NEAR, was_renamed
from triage_kit.analyse.losses import Loss, relations_of, way, written
from triage_kit.analyse.statements import of_here

Evidence = Mapping[str, pd.DataFrame]
_TOLD = re.compile(r"(?i)\brename\b|\bset\s+schema\b")
_ASIDE = "triage_replaced"
CHECKED = "COMMIT;  -- or ROLLBACK; where a count is not what it was"
_ALIKE = 0.8  # judgement: of the columns of the table that stands in its place; a column or two may have come since


@dataclass(frozen=True)
class _Former:
    """A table that may be the lost one under another name: how many rows it has, and why it is thought to be it."""

    name: str
    schema: str
    rows: int
    why: str
    sure: bool


def rename_back(lost: Loss, evidence: Evidence) -> list[dict]:
    """At most two ways: one of the tables that are known to be the lost ones, one of those that may be."""
    catalogue = _Catalogue(evidence)
    known: dict[str, _Former] = {}
    perhaps: dict[str, list[_Former]] = {}
    for name in lost.of(*REPLACES):
        found = list(catalogue.formers(name))
        sure = [each for each in found if each.sure]
        if len(sure) == 1:
            known[name] = sure[0]
        elif found:
            perhaps[name] = found
    return [*_certain(lost, known, catalogue), *_uncertain(lost, perhaps)]


def _certain(lost: Loss, known: Mapping[str, _Former], catalogue: _Catalogue) -> list[dict]:
    if not known:
        return []
    lines = ["BEGIN;"]
    if any(former.schema != schemas.parts(name)[0] and name in catalogue.relations for name, former in known.items()):
        # Within one schema the indexes of both would have the same names.
        lines.append(f"CREATE SCHEMA IF NOT EXISTS {_ASIDE};")
    for name, former in known.items():
        schema, bare = schemas.parts(name)
        lines.append(f"SELECT count(*) FROM {written(former.name)};  -- {former.rows} when this was collected")  # noqa: S608
        if name in catalogue.relations:
            aside = (
                f"SET SCHEMA {_ASIDE}" if former.schema != schema else f"RENAME TO {sql.quote_ident(f'{bare}_emptied')}"
            )
            lines.append(f"ALTER TABLE {written(name)} {aside};")
        if schemas.parts(former.name)[1] != bare:
            lines.append(f"ALTER TABLE {written(former.name)} RENAME TO {sql.quote_ident(bare)};")
        if former.schema != schema:
            here = sql.quote_qualified(former.schema, bare)
            lines.append(f"ALTER TABLE {here} SET SCHEMA {sql.quote_ident(schema)};")
    told = "; ".join(
        f"{former.name} is the table that was called {name} before: {former.why} ({former.rows} rows stand in it)"
        for name, former in known.items()
    )
    lacks = "rows written into the new table since; foreign keys, grants and views stay with their own table"
    return [
        way(
            "rename_back", True, lost, told, lacks, "minutes", (*lines, CHECKED), tables=tuple(known),
            rows=sum(former.rows for former in known.values()),
            clock="a clean-up may drop the renamed table: stop it",
        )
    ]  # fmt: skip


def _uncertain(lost: Loss, perhaps: Mapping[str, list[_Former]]) -> list[dict]:
    if not perhaps:
        return []
    told = "; ".join(
        f"{former.name} may be what was called {name} before, and may be a table of its own: {former.why}"
        for name, found in perhaps.items()
        for former in found[:3]
    )
    lacks = "all of it, where the other table is another one: ask its owner, and compare the rows, before it is moved"
    return [way("rename_back", None, lost, told, lacks, "minutes", tables=tuple(perhaps))]


class _Catalogue:
    """What the catalogue says of tables and schemas, and which were given another name by a text that was read."""

    def __init__(self, evidence: Evidence) -> None:
        self.relations = relations_of(evidence)
        self.spaces = {row["name"]: row for row in rows(evidence["namespaces"])}
        self.indexes: dict[int, set[str]] = {}
        self.columns: dict[int, set[str]] = {}
        self.made: dict[int, int] = {}  # the transaction of a table's oldest column
        for row in rows(evidence["indexes"]):
            self.indexes.setdefault(row["table_oid"], set()).add(row["name"])
        for row in rows(evidence["columns"]):
            self.columns.setdefault(row["table_oid"], set()).add(row["name"])
            if row["xmin"] is not None:
                self.made[row["table_oid"]] = min(row["xmin"], self.made.get(row["table_oid"], row["xmin"]))
        self.counts = {row["oid"]: row["live"] for row in rows(evidence["table_counters"])}
        self.counts |= {row["oid"]: row["rows"] for row in rows(evidence["row_counts"]) if row["rows"] is not None}
        self.told = tuple(_renames(evidence))

    def formers(self, name: str) -> Iterator[_Former]:
        """Older tables with rows that may be the one which had this name."""
        now = self.relations.get(name)
        for other, row in self.relations.items():
            size = self.counts.get(row["oid"])
            if other == name or row["kind"] not in ("table", "partitioned") or not size:
                continue
            if now and (row["oid"] > now["oid"] or not self._alike(row["oid"], now["oid"])):
                continue
            why, sure = self._reason(name, row, now)
            if why:
                yield _Former(other, row["schema"], size, why, sure)

    def _alike(self, other: int, now: int) -> bool:
        mine, theirs = self.columns.get(now, set()), self.columns.get(other, set())
        return not mine or not theirs or len(mine & theirs) >= _ALIKE * len(mine)

    def _reason(self, name: str, row: dict, now: dict | None) -> tuple[str, bool]:
        """Why a table is thought to be the lost one, and whether that leaves no doubt; nothing where it is not."""
        schema, bare = schemas.parts(name)
        for told in self.told:
            if told.fits((schema, bare), (row["schema"], row["name"])):
                return f"{told.where} gave it that name", True
        carried = [each for each in sorted(self.indexes.get(row["oid"], ())) if _carries(each, bare, row["name"])]
        if row["schema"] == schema:
            return (f"its index is still called {carried[0]}", self._at_that_time(row, now)) if carried else ("", False)
        if now is None or not (row["name"] == bare or carried):
            return "", False
        if self._schema_renamed(schema, row):
            return f"the schema {schema} was made when {row['schema']}, an older one, was given its present name", True
        made, own = self.made.get(now["oid"]), self.made.get(row["oid"])
        # Its row was written anew long after it was made: what one script makes beside it has neighbouring xids, too.
        known = None not in (row["xmin"], made, own)
        if known and row["xmin"] - own > NEAR and abs(row["xmin"] - made) <= NEAR:
            return f"its row in pg_class was written when {name} was made", True
        return "", False

    def _at_that_time(self, row: dict, now: dict | None) -> bool:
        """Whether the table's row was not last written long before the new one was made, as by an older swap.

        Where nothing stands in its place, nothing tells an old swap from this one.
        """
        made = self.made.get(now["oid"]) if now else None
        return made is not None and row["xmin"] is not None and row["xmin"] >= made - NEAR

    def _schema_renamed(self, schema: str, row: dict) -> bool:
        new, old = self.spaces.get(schema), self.spaces.get(row["schema"])
        if not new or not old or row["xmin"] is None:
            return False
        return was_renamed(old, new) and row["xmin"] < old["xmin"]


def _carries(index: str, bare: str, present: str) -> bool:
    """Whether an index was named after a table of the former name, and not after the one that it is on.

    >>> _carries("orders_pkey", "orders", "orders_old"), _carries("order_items_pkey", "order", "order_items")
    (True, False)
    """
    return named_after(index, "index") == bare or (index.startswith(f"{bare}_") and not index.startswith(f"{present}_"))


@dataclass(frozen=True)
class _Told:
    """A statement that gave tables another name: schema and table, None where the text says nothing of it."""

    before: tuple[str | None, str | None]
    after: tuple[str | None, str | None]
    where: str

    def fits(self, before: tuple[str, str], after: tuple[str, str]) -> bool:
        """Whether it gave the second name to the table of the first; into another schema only where it names both."""
        given = (*zip(self.before, before, strict=True), *zip(self.after, after, strict=True))
        kept = before[0] == after[0] or None not in (self.before[0], self.after[0])
        return kept and all(told in (None, name) for told, name in given)


def _renames(evidence: Evidence) -> Iterator[_Told]:
    """What the statements that ran in this database renamed or moved."""
    here, log = set(evidence["identity"]["database"].dropna()), evidence["log_events"]
    ran = rows(log[~log["outcome"].isin(("failed", "rolled_back"))])
    texts = [(row["statement"], f"{row['file']}:{row['line']}") for row in ran if of_here(row["database"], None, here)]
    texts += [(row["text"], "pg_stat_statements") for row in rows(evidence["statements"])
              if of_here(row["database"], None, here)]  # fmt: skip
    for text, where in texts:
        for each in sql.effects(text) if text and _TOLD.search(text) else ():
            schema, bare = ([None, *each.parts])[-2:] if each.parts else (None, None)
            if each.operation == "rename_table":
                yield _Told((schema, bare), (schema, each.column), where)
            elif each.operation == "set_schema":
                yield _Told((schema, bare), (each.column, bare), where)
            elif each.operation == "rename_schema":
                yield _Told((bare, None), (each.column, None), where)
