"""The way back through the log: rows that its INSERT statements write out, put into a table beside and then into ours.

Only values that stand in the statement, or in its parameters, are written again, and only where they say which row it
is: a key that a default made would be another one now. The statements are not sent as they were logged: each is made
anew out of its values, so that nothing but rows can come of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.applied import notes_versions
from triage_kit.analyse.context import first, rows
from triage_kit.analyse.declared import key_of
from triage_kit.analyse.losses import Loss, literal, relations_of, way, written
from triage_kit.analyse.merging import in_psql, merged, parents_first
from triage_kit.redact_stars import HIDDEN
from triage_kit.sql.inserted import DEFAULT, Inserted, inserted

Evidence = Mapping[str, pd.DataFrame]
CLOCK = "rotation of the log: copy it"
MOST_STATEMENTS, MOST_TEXT = 300, 60_000  # that are printed: more of them are for a program, not for a page
MOST_TOLD = 4
_BESIDE = "_replayed"
_WRITES = re.compile(r"(?i)\s*(?:insert\s+into|copy)\b")


@dataclass
class _Table:
    """A damaged table that stands: its columns in order, its key, and what of the log can be written into it."""

    name: str
    columns: Sequence[dict]
    key: frozenset[str]
    lines: list[str] = field(default_factory=list)
    rows: int = 0
    left: int = 0  # statements that insert into it and cannot be written again

    def take(self, told: Inserted | None, place: str) -> None:
        """Make a statement anew, where each of its values is told and the key is among them."""
        listed = told.columns or tuple(each["name"] for each in self.columns) if told else ()
        fits = told is not None and all(
            len(row) <= len(listed) if not told.columns else len(row) == len(listed) for row in told.rows
        )
        if told is None or not fits or not self._sure(listed, told.rows):
            self.left += 1
            return
        used = listed[: max(map(len, told.rows))]
        values = ", ".join("(" + ", ".join(map(_shown, row)) + ")" for row in told.rows)
        names = ", ".join(map(sql.quote_ident, used))
        beside = _beside(self.name)
        self.lines.append(f"INSERT INTO {beside} ({names}) OVERRIDING SYSTEM VALUE VALUES {values};  -- {place}")  # noqa: S608
        self.rows += len(told.rows)

    def _sure(self, listed: Sequence[str], values: Sequence[Sequence[Any]]) -> bool:
        known = {each["name"]: each for each in self.columns}
        if not self.key or len({len(row) for row in values}) != 1 or not set(listed) <= set(known):
            return False
        for row in values:
            given = dict(zip(listed, row, strict=False))
            if any(given.get(each, DEFAULT) in (DEFAULT, None) for each in self.key):
                return False
            if any(HIDDEN in each for each in row if isinstance(each, str)):
                return False  # what was hidden when the log was read is not known any more
            if any(known[name]["generated"] and value is not DEFAULT for name, value in given.items()):
                return False
        return True


def log_replay(lost: Loss, evidence: Evidence) -> dict:
    """INSERT statements that the log holds, with what writes their rows again where their values are told."""
    settings = {row["name"]: row["value"] for row in rows(evidence["settings"])}
    logged = settings.get("log_statement")
    found = list(_inserting(lost, evidence))
    if not found:
        return _none(lost, logged)
    tables = _standing(lost, evidence)
    for name, row in found:
        if name in tables:
            tables[name].take(inserted(row["statement"], row["parameters"]), f"{row['file']}:{row['line']}")
    usable = [each for each in tables.values() if each.lines]
    places = [f"{row['file']}:{row['line']}" for _, row in found]
    told = "statement that inserts" if len(found) == 1 else "statements that insert"
    why = (
        f"the log holds {len(found):,} {told} into the damaged tables (log_statement = {logged}): "
        + ", ".join(places[:MOST_TOLD])
        + (" and on" if len(places) > MOST_TOLD else "")
    )
    lines = sum(len(each.lines) for each in usable)
    printed = lines <= MOST_STATEMENTS and sum(len(line) for each in usable for line in each.lines) <= MOST_TEXT
    count = sum(each.rows for each in usable)
    if usable:
        why += f"; {lines:,} of them write out {count:,} rows with their keys"
    if usable and not printed:
        why += ": too many for a page, so that a program must take them out of the log"
    missing = [lost.missing.get(each.name) for each in usable]
    brought = sum(min(each.rows, gone or each.rows) for each, gone in zip(usable, missing, strict=True))
    return way(
        "log_replay",
        True if usable and printed else None,
        lost,
        why,
        "rows of COPY and of INSERT … SELECT, values that a default or a function made or whose parameter is not logged"
        ", and every later change: a row that was deleted on purpose comes back, too",
        "hours",
        tuple(_commands(usable, lost, evidence)) if printed else (),
        tables=tuple(each.name for each in usable) or lost.tables,
        rows=brought if usable and printed else None,
        preconditions=_checked(tables, lines, len(found)) if usable else (),
        clock=CLOCK,
    )


def _none(lost: Loss, logged: str | None) -> dict:
    if logged in ("mod", "all"):
        why = (
            f"log_statement = {logged}: INSERT statements in the log can be run again; none was found in what was read"
        )
        lacks = "values bound as parameters where they are not logged, and generated ids"
        return way("log_replay", None, lost, why, lacks, "hours", clock=CLOCK)
    why = (
        f"log_statement = {logged}: the statements that wrote the rows are not in the log"
        if logged
        else "log_statement is not known"
    )
    return way("log_replay", False if logged else None, lost, why, "", "none")


def _inserting(lost: Loss, evidence: Evidence) -> Iterator[tuple[str, dict]]:
    """Logged statements that put rows into a damaged table before the loss, each with the table's name."""
    database = first(evidence["identity"]).get("database")
    by_bare: dict[str, list[str]] = {}
    for name in lost.tables:
        by_bare.setdefault(schemas.parts(name)[1].lower(), []).append(name)
    for row in rows(evidence["log_events"]):
        statement = row["statement"]
        if not statement or row["outcome"] in ("failed", "rolled_back") or not _WRITES.match(statement):
            continue
        elsewhere = database and row["database"] and row["database"] != database
        later = lost.until is not None and row["at"] is not None and row["at"] > lost.until
        head = statement[:400].lower()
        named = [name for bare, names in by_bare.items() if bare in head for name in names]
        if not named or elsewhere or later:
            continue
        told = inserted(statement, row["parameters"])
        yield next((name for name in named if told and _means(told.table, name)), named[0]), row


def _means(table: Sequence[str], name: str) -> bool:
    schema, bare = schemas.parts(name)
    return table[-1] == bare and (len(table) == 1 or table[0] == schema)


def _standing(lost: Loss, evidence: Evidence) -> dict[str, _Table]:
    """The damaged tables that stand, a bare name that two of them share left out."""
    relations, found = relations_of(evidence), {}
    bare = [schemas.parts(name)[1] for name in lost.tables]
    for name in lost.tables:
        relation = relations.get(name)
        if (
            relation is None
            or notes_versions(name)
            or relation["kind"] not in ("table", "partitioned")
            or bare.count(schemas.parts(name)[1]) > 1
        ):
            continue
        own = [each for each in rows(evidence["columns"])
               if each["table_oid"] == relation["oid"] and not each["dropped"]]  # fmt: skip
        keys = [each["columns"] for each in rows(evidence["constraints"])
                if each["table_oid"] == relation["oid"] and each["kind"] == "primary_key"]  # fmt: skip
        key = frozenset(keys[0] if keys else key_of(name, lost.parts))
        found[name] = _Table(name, sorted(own, key=lambda each: each["position"]), key)
    return found


def _beside(name: str) -> str:
    schema, table = schemas.parts(name)
    return sql.quote_qualified(schema, table + _BESIDE)


def _commands(tables: Sequence[_Table], lost: Loss, evidence: Evidence) -> Iterator[str]:
    """A table beside each, the rows into it, from there those that do not stand here, and the numbers past them."""
    if not tables:
        return  # the log has no row to write again: a transaction around nothing would be no way back
    by_name = {each.name: each for each in tables}
    ordered = [by_name[name] for name in parents_first([each.name for each in tables], evidence)]
    for each in ordered:
        yield (
            f"CREATE TABLE {_beside(each.name)} (LIKE {written(each.name)} INCLUDING DEFAULTS INCLUDING IDENTITY "
            "INCLUDING GENERATED);"
        )
        yield from each.lines
    yield "BEGIN;"
    yield from merged([each.name for each in ordered], evidence, _BESIDE, lost)
    yield "COMMIT;  -- or ROLLBACK; where the counts are not what they should be"
    yield from in_psql(lost, [each.name for each in ordered])
    for each in ordered:
        yield f"DROP TABLE {_beside(each.name)};  -- when the rows are back and compared"


def _checked(tables: Mapping[str, _Table], lines: int, found: int) -> tuple[str, ...]:
    checked = [f"ok: {lines:,} statements tell every value that they wrote, the key of the row among them"]
    if left := found - lines:
        checked.append(
            f"open: {left:,} statements do not (a default, a function, a parameter that is not logged, COPY)"
        )
    without = [name for name, each in tables.items() if not each.key and each.left]
    if without:
        checked.append(f"bad: {', '.join(without[:MOST_TOLD])} has no primary key, which tells what stands already")
    checked.append("open: whether the rows were changed or deleted on purpose afterwards: compare before COMMIT")
    return tuple(checked)


def _shown(value: Any) -> str:
    """A value as a literal on one line, that no terminal and no psql takes for anything else."""
    if value is None or value is DEFAULT:
        return "NULL" if value is None else "DEFAULT"
    if all(each.isprintable() for each in value):
        return literal(value)
    return "E'" + "".join(map(_escaped, value)) + "'"


def _escaped(letter: str) -> str:
    if letter in "'\\":
        return letter * 2
    return letter if letter.isprintable() else f"\\U{ord(letter):08X}"
