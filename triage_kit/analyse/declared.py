"""Keys, numbering, defaults, indexes and triggers that a table had by its migrations or the log, and that it lacks now.

A restore of single tables (``pg_restore --table``, CREATE TABLE … AS) brings rows without what hangs on the table, and
DROP TABLE … CASCADE takes the foreign keys of others along. Statements are read in their order, those that take a thing
away too; what cannot be read as SQL declares nothing. Only what names columns that stand is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

import pandas as pd

from triage_kit import schemas, sql
from triage_kit.analyse.applied import migration_states, notes_versions
from triage_kit.analyse.context import by_table, rows
from triage_kit.analyse.declared_calls import as_sql
from triage_kit.analyse.dropped import REPLACES
from triage_kit.analyse.inquiry import answered
from triage_kit.analyse.ledger import Ledger
from triage_kit.analyse.losses import literal, relations_of, written
from triage_kit.sql.schema_dump import SchemaDump, read_schema_dump

Evidence = Mapping[str, pd.DataFrame]
# In this order they can be made: numbers and defaults first, keys before what refers to them, triggers when all is in.
KINDS = ("numbering", "default", "primary_key", "unique", "exclusion", "check", "index", "foreign_key", "trigger")
MOST_TEXTS, MOST_REFUSED = 20_000, 2
SOURCE = "pg_constraint"
DAMAGED = ("partial", "wiped", "missing", "undecided")
_NULL = re.compile(r'null value in column "([^"]+)" of relation "([^"]+)"')  # of relation: 13 and newer
UNRUN = ("pending", "way_back", "absent")
_MAKES = re.compile(r"(?i)\s*(?:create\b(?!\s+(?:temp|temporary|database|role|user)\b)|alter\s+table\b)")
_TAKES = re.compile(r"(?i)drop|remove|rename")
_TABLE_LEVEL = re.compile(r"(?i)(?:primary\s+key|unique)\b[^(]*\(")
_AT_COMMIT = re.compile(r"(?i)\binitially\s+deferred\b")
_ACTIONS = {"restrict": "RESTRICT", "cascade": "CASCADE", "set_null": "SET NULL", "set_default": "SET DEFAULT"}
_SPACE = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|\s+""")


@dataclass(frozen=True)
class Part:
    """One thing that a table lacks: ``told`` is its definition, of index and trigger the statement.

    ``name`` is that of the constraint, the index, the trigger or the sequence, ``place`` where it is declared.
    """

    table: str
    kind: str
    name: str
    columns: tuple[str, ...]
    told: str
    place: str
    referenced: str | None = None
    partitioned: bool = False

    def says(self) -> str:
        """It in a few words, its table left out."""
        if self.kind == "numbering":
            return f"numbering of {self.columns[0]}"
        if self.kind == "default":
            return f"DEFAULT {self.told} of {self.columns[0]}"
        return f"{self.kind} {self.name}" if self.kind in ("index", "trigger") else self.told

    def statements(self) -> Iterator[str]:
        """SQL that gives it back, each statement on a line; nothing where it cannot stand on one."""
        if self.kind == "numbering":
            yield from self._numbering()
        elif self.kind == "default":
            if (told := _one_line(self.told)) is not None:
                yield f"ALTER TABLE {written(self.table)} ALTER COLUMN {sql.quote_ident(self.name)} SET DEFAULT {told}"
        elif self.kind in ("index", "trigger"):
            yield from ([line] if (line := _one_line(self.told)) else [])
        elif (told := _one_line(self.told)) is not None:
            table, name = written(self.table), sql.quote_ident(self.name)
            late = self.kind in ("foreign_key", "check") and not self.partitioned
            yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {told}{' NOT VALID' if late else ''}"
            if late:
                yield f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"

    def _numbering(self) -> Iterator[str]:
        table, column, sequence = written(self.table), sql.quote_ident(self.columns[0]), written(self.name)
        if self.told:  # an identity
            yield (
                f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL, ALTER COLUMN {column} ADD GENERATED "
                f"{self.told.upper()} AS IDENTITY (SEQUENCE NAME {sequence})"
            )
        else:
            yield f"CREATE SEQUENCE IF NOT EXISTS {sequence}"
            yield f"ALTER SEQUENCE {sequence} OWNED BY {table}.{column}"
            yield f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval({literal(sequence)})"
        yield (
            f"SELECT setval({literal(sequence)}, greatest(coalesce((SELECT max({column}) FROM {table}), 0) + 1, "  # noqa: S608
            f"(SELECT last_value FROM {sequence})), false)"
        )


def lacking(names: Collection[str], evidence: Evidence, before: pd.Timestamp | None = None) -> tuple[Part, ...]:
    """What the tables of these names that stand were declared to have and lack, and foreign keys that led to them.

    ``before`` is the beginning of the loss: what the log has of later statements declares nothing.
    """
    standing = {name: row for name, row in relations_of(evidence).items() if row["kind"] in ("table", "partitioned")}
    if not names or not (len(evidence["constraints"]) or answered(evidence, "constraints")):
        return ()  # nobody told of any constraint: that none is there is not known
    reader = _Reader(standing, set(names))
    columns = by_table(evidence["columns"])
    stand = {name: {each["name"] for each in columns[row["oid"]]} for name, row in standing.items()}
    for operation, object_, text, place in islice(_texts(evidence, before), MOST_TEXTS):
        named = reader.name(schemas.parts(object_)) if operation and object_ else ""
        called = as_sql(text, named, stand[named]) if named in stand else ""
        reader.read(operation, object_, text, called or text, place, bool(called))
    there = _There(evidence)
    wanted = [each for each in reader.parts.values()
              if each.table in standing and (each.table in names or each.referenced in names)
              and not notes_versions(each.table) and not there.has(each, standing)]  # fmt: skip
    return tuple(sorted(wanted, key=lambda each: (KINDS.index(each.kind), each.table, each.name)))


def key_of(name: str, parts: Iterable[Part]) -> tuple[str, ...]:
    """The columns of the primary key that a table lacks: rows are told apart by it nevertheless."""
    return next((each.columns for each in parts if each.table == name and each.kind == "primary_key"), ())


def told(parts: Sequence[Part]) -> str:
    """All of them in a sentence's part, table by table, each with the places that declare it.

    >>> told([Part("s.a", "primary_key", "a_pkey", ("id",), "PRIMARY KEY (id)", "m/1.sql:3")])
    's.a lacks PRIMARY KEY (id) (m/1.sql:3)'
    """
    by_name: dict[str, list[Part]] = {}
    for each in parts:
        by_name.setdefault(each.table, []).append(each)
    return "; ".join(
        f"{name} lacks {', '.join(each.says() for each in own)} ({', '.join(dict.fromkeys(p.place for p in own))})"
        for name, own in sorted(by_name.items())
    )


def anew(parts: Sequence[Part]) -> Iterator[str]:
    """Statements that give all of them back, in an order in which each finds what it needs."""
    for each in parts:
        yield from each.statements()


def remarks(parts: Sequence[Part]) -> Iterator[str]:
    """What a reader must know before these statements are run, each in a sentence."""
    if not parts:
        return
    yield f"{told(parts)}: what follows gives that back, as it is declared there, when the rows are in"
    if any(each.kind in ("primary_key", "unique", "exclusion") for each in parts):
        yield "a key is refused where two rows have the same one: look at both, and keep one"
    if any(each.kind == "foreign_key" for each in parts):
        yield (
            "a foreign key holds for new rows from NOT VALID on; VALIDATE names a row whose parent is not there, and "
            "may be run again when the parents are back"
        )


def of_findings(concluded: Sequence[dict], evidence: Evidence, before: pd.Timestamp | None) -> tuple[Part, ...]:
    """What the tables lack that some findings and the ways back are about: both are told the same."""
    names = {schemas.qualified(row["schema"], row["table"]) for row in concluded
             if _damaged(row) or row["status"] == "hidden"}  # fmt: skip
    return lacking(names, evidence, before)


def _damaged(row: Mapping) -> bool:
    return row["status"] in DAMAGED or row["mechanism"] in REPLACES


def noted(concluded: Sequence[dict], parts: Sequence[Part], evidence: Evidence, ledger: Ledger) -> list[dict]:
    """Findings with what each table lacks besides rows, and the errors of the log that come of it, as evidence."""
    refused = list(_refused(evidence)) if parts else []
    found = []
    for row in concluded:
        name = schemas.qualified(row["schema"], row["table"])
        if own := [each for each in parts if each.table == name and _damaged(row)]:
            proofs = [ledger.add("catalogue", f"{told(own)}: it is declared there and stands no more", SOURCE, name)]
            mine = [
                each for each in refused if each[0] == row["table"] and any(each[1] in part.columns for part in own)
            ]
            proofs += [ledger.add("log", says, place, name, at) for *_, says, place, at in mine[:MOST_REFUSED]]
            row = {**row, "because": (*row["because"], *proofs), "parts_lost": tuple(each.says() for each in own)}
        found.append(row)
    return found


def _refused(evidence: Evidence) -> Iterator[tuple[str, str, str, str, pd.Timestamp | None]]:
    """Rows that were refused since a number was not given: table, column, message, place and time."""
    for row in rows(evidence["log_events"], "message", "file", "line", "at"):
        if told := _NULL.search(row["message"] or ""):
            yield told[2], told[1], row["message"], f"{row['file']}:{row['line']}", row["at"]


def _names(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def _of_another(name: str, part: Part) -> bool:
    return part.table != name


class _Reader:
    """What the statements so far gave to each table."""

    def __init__(self, standing: Mapping[str, dict], names: set[str]) -> None:
        self.parts: dict[tuple, Part] = {}
        self._standing = standing
        self._wanted = {schemas.parts(name)[1] for name in names}
        self._bare: dict[str, list[str]] = {}
        for name in {*standing, *names}:
            self._bare.setdefault(schemas.parts(name)[1], []).append(name)

    def read(self, operation: str, object_: str, text: str, made: str, place: str, called: bool) -> None:
        """Take one statement in; ``made`` is what it declares, as SQL, where it is a call of a tool's own."""
        if operation == "drop_table":
            gone = self.name(schemas.parts(object_))
            self._keep(lambda each: gone not in (each.table, each.referenced))
            return
        if _TAKES.search(text):
            self._keep(lambda each: not _names(text, each.name) or (
                each.kind == "default" and not _names(text, schemas.parts(each.table)[1])))  # fmt: skip
        if _MAKES.match(made) and any(bare in made for bare in self._wanted):
            self._take(read_schema_dump(made), place, bool(operation), called)

    def _keep(self, wanted: Callable[[Part], bool]) -> None:
        self.parts = {key: each for key, each in self.parts.items() if wanted(each)}

    def _take(self, dump: SchemaDump, place: str, anew: bool, called: bool) -> None:
        # Of the log the CREATE TABLE of the restore itself may be the last: it takes nothing back that was declared.
        for made in dump.relations if anew else ():
            self._keep(partial(_of_another, self.name(made)))
        for row in dump.constraints:
            # A model may have a table of another name than its own: what does not stand was perhaps never there.
            known = not called or not row["referenced"] or self.name(row["referenced"]) in self._standing
            if row["columns"] and known:
                self._add(row["kind"], row, row["columns"], self._definition(row), place, anew)
        for (pair, column), told in dump.defaults.items():
            key = (self.name(pair), "default", (column,), None)
            self.parts.pop(key, None)
            if told and "nextval" not in told.lower():  # that is numbering
                self.parts[key] = Part(key[0], "default", column, (column,), told, place)
        for row in dump.sequences.values():
            if row["table"] and row["column"]:
                self._add("numbering", row, (row["column"],), str(row.get("identity") or ""), place, anew)
        for kind, found in (("index", dump.indexes.values()), ("trigger", dump.triggers)):
            for row in found:
                if row["name"] and row["table"] and self.name(row["table"]) == schemas.qualified(*row["table"]):
                    self._add(kind, row, (), row["told"], place, anew)

    def _add(
        self, kind: str, row: Mapping, columns: Sequence[str], definition: str, place: str, anew: bool
    ) -> None:  # fmt: skip
        table = self.name(row["table"])
        named = row["name"]
        if kind == "numbering":  # a sequence is named with its schema, which is its table's where none was written
            named = schemas.qualified(schemas.parts(table)[0], named) if row["schema"] == "public" else (
                schemas.qualified(row["schema"], named))  # fmt: skip
        parent = self.name(row["referenced"]) if row.get("referenced") else None
        partitioned = self._standing.get(table, {}).get("kind") == "partitioned"
        part = Part(table, kind, named, tuple(columns), definition, place, parent, partitioned)
        key = (table, kind, part.columns or part.name, parent)
        if anew:
            self.parts[key] = part
        else:
            self.parts.setdefault(key, part)  # where a migration declares it, its file is the better place to name

    def name(self, pair: tuple[str, str]) -> str:
        """The table that a statement means: an unqualified name is the one that stands, where it is alone."""
        name = schemas.qualified(*pair)
        alike = self._bare.get(pair[1], [])
        return alike[0] if name not in alike and pair[0] in ("", "public") and len(alike) == 1 else name

    def _definition(self, row: dict) -> str:
        listed = ", ".join(map(sql.quote_ident, row["columns"]))
        if row["kind"] in ("primary_key", "unique"):
            bare = "PRIMARY KEY" if row["kind"] == "primary_key" else "UNIQUE"
            return row["definition"] if _TABLE_LEVEL.match(row["definition"]) else f"{bare} ({listed})"
        if row["kind"] != "foreign_key":
            return row["definition"]
        theirs = ", ".join(map(sql.quote_ident, row["referenced_columns"]))
        said = f"FOREIGN KEY ({listed}) REFERENCES {written(self.name(row['referenced']))}"
        said += f" ({theirs})" if theirs else ""
        for event in ("delete", "update"):
            if action := _ACTIONS.get(row[f"on_{event}"]):
                said += f" ON {event.upper()} {action}"
        late = " INITIALLY DEFERRED" if _AT_COMMIT.search(row["definition"]) else ""
        return said + (f" DEFERRABLE{late}" if row["deferrable"] or late else "")


class _There:
    """What the catalogue has of each table."""

    def __init__(self, evidence: Evidence) -> None:
        self._columns, self._constraints, self._triggers = (
            by_table(evidence[name]) for name in ("columns", "constraints", "triggers")
        )
        self._indexes = {(row["table_oid"], row["name"]) for row in rows(evidence["indexes"])}
        self._numbered = {(row["table_oid"], row["column"]) for row in rows(evidence["sequences"])}
        self._asked = {row["source"] for row in rows(evidence["questions"]) if row["status"] == "answered"}
        self._asked |= {name for name in ("sequences", "indexes", "triggers") if len(evidence[name])}

    def has(self, part: Part, standing: Mapping[str, dict]) -> bool:
        """Whether it stands, or whether that is not known."""
        oid = standing[part.table]["oid"]
        stand = {row["name"]: row["has_default"] for row in self._columns[oid] if not row["dropped"]}
        if not stand.keys() >= set(part.columns):
            return True  # the table is another one now
        if part.kind == "default":
            return stand[part.columns[0]] is not False
        if part.kind == "numbering":
            return "sequences" not in self._asked or (oid, part.columns[0]) in self._numbered
        if part.kind == "index":
            return "indexes" not in self._asked or (oid, part.name) in self._indexes
        if part.kind == "trigger":
            return "triggers" not in self._asked or any(row["name"] == part.name for row in self._triggers[oid])
        parent = standing.get(part.referenced or "", {}).get("oid")
        keys = ("primary_key", "unique")
        return (oid, part.name) in self._indexes or any(
            (row["kind"] == part.kind or (row["kind"] in keys and part.kind in keys))
            and (row["name"] == part.name or set(row["columns"]) == set(part.columns))
            and (part.kind != "foreign_key" or row["referenced_oid"] == parent)
            for row in self._constraints[oid]
        )


def _texts(evidence: Evidence, before: pd.Timestamp | None) -> Iterator[tuple[str, str, str, str]]:
    """Operation, object, text and place of what ran: migrations in their order, then the log until the loss."""
    states = migration_states(evidence["migrations"], evidence["version_tables"])
    unrun = {(row["path"], row["revision"]) for row in rows(states) if row["state"] in UNRUN}
    for row in rows(evidence["migration_operations"]):
        if row["direction"] != "down" and row["text"] and (row["path"], row["revision"]) not in unrun:
            yield row["operation"] or "", row["object"] or "", row["text"], f"{row['path']}:{row['line']}"
    if before is None:
        return
    for row in rows(evidence["log_events"], "statement", "outcome", "at", "file", "line"):
        text = row["statement"] or ""
        done = row["outcome"] not in ("failed", "rolled_back") and row["at"] is not None and row["at"] < before
        if done and _MAKES.match(text):
            yield "", "", text, f"{row['file']}:{row['line']}"


def _one_line(text: str) -> str | None:
    """A statement on one line, its literals as they are; None where a remark or a literal would break over it."""
    if "--" in text or "/*" in text or "$$" in text:
        return None
    line = _SPACE.sub(lambda found: found[1] or " ", text).strip().rstrip(";").rstrip()
    return line if line.isprintable() else None
