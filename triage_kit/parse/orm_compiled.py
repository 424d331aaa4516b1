"""Calls of Go, of Java and its like, of C# and of Rust, whose calls name their table by a type or a builder."""

from __future__ import annotations

import re

from triage_kit.parse.chains import Call
from triage_kit.parse.orm_rules import FIRST, Reader, Rule, Told, limited, mentions, named

# Go
_MODEL = re.compile(r"\.\s*Model\(\s*\(\*(?:\w+\.)*(\w+)\)|\.\s*Model\(\s*&?(?:\[\])?(?:\w+\.)*([A-Z]\w*)\{")


# What a mapper's connection is called; maps, caches and clusters have a Delete of their own.
_OF_GORM = re.compile(
    r"(?:\b|\.)(?:\w*[dD][bB]|tx|orm|conn)\b(?:\([^()]*\))?(?:\.\w+\([^()]*\))*\Z|\.(?:Where|Unscoped|Session)\("
)


def _gorm(call: Call, text: str) -> Told | None:
    told = FIRST.match(call.arguments)
    if told is None or not (told[1] or mentions(text, "gorm") or _OF_GORM.search(call.chain)):
        return None
    if told[1] and not re.search(r"\b(?:sq|squirrel|psql|goqu|dialect|builder)\Z", call.chain):
        return None
    name = next(each for each in told.groups() if each)
    more = "," in call.arguments[told.end() :]
    return Told("delete", name, more or limited(call))


def _ent(call: Call, text: str) -> Told | None:
    owner = call.name(re.compile(r"\.([A-Z]\w*)\Z"))
    run = re.match(r"(?:\s*\.\s*\w+\((?:[^()]|\([^()]*\)){0,300}\))*?\s*\.\s*ExecX?\(", call.following)
    return Told("delete", owner, ".Where(" in run[0].replace(" ", "")) if owner and run else None


def _bun(call: Call, text: str) -> Told | None:
    operation = {"Delete": "delete", "DropTable": "drop_table", "TruncateTable": "truncate"}[call.found["what"]]
    bounded = limited(call) if operation == "delete" else None
    return Told(operation, call.name(_MODEL, call.following) or call.name(_BUN_TABLE, call.following), bounded)


_BUN_TABLE = re.compile(r"\A[^;]*?\.\s*Table\(\s*\"([\w.]+)\"")


GO = [
    Rule("Delete", re.compile(r"\.Delete\b(?=\((?!\s*\)))"), _gorm),
    Rule("Delete", re.compile(r"\.Delete\b(?=\(\s*\))"), _ent),
    Rule("New", re.compile(r"\.New(?P<what>Delete|DropTable|TruncateTable)\b(?=\(\s*\))"), _bun),
    Rule("DropTable", re.compile(r"\.DropTable\b(?=\()"), named("drop_table")),
    Rule("DropColumn", re.compile(r"\.DropColumn\b(?=\()"), named("drop_column")),
]

# Java, Kotlin and Scala
_ENTITY = re.compile(r"\b(?:interface|trait)\s+\w+[^{]*?\b\w*Repository\s*[<\[]\s*(?:\w+\.)*(\w+)")


def _spring(call: Call, text: str) -> Told:
    name = re.sub(r"(?:Repository|Repo|Dao|DAO)\Z", "", call.found["name"])
    return Told("delete", name[:1].upper() + name[1:], bool(call.arguments.strip()))


def _derived(call: Call, text: str) -> Told | None:
    entity = _ENTITY.search(text)
    return Told("delete", entity[1], True) if entity else None


_MOST_LISTED = 20  # tables of one call; a test's cleaner seldom lists more


def _listed(place: int) -> Reader:
    """One table of a list that Spring's JdbcTestUtils empties or drops: a rule tells one table of a call."""

    def read(call: Call, text: str) -> Told | None:
        names = re.findall(r'"([\w.$]+)"', call.arguments)
        operation = "delete" if call.found["what"] == "deleteFromTables" else "drop_table"
        bounded = False if operation == "delete" else None
        return Told(operation, names[place], bounded) if place < len(names) else None

    return read


JVM = [
    *(Rule(each, re.compile(rf"(?:\bJdbcTestUtils\.|(?<![\w.]))(?P<what>{each})\b(?=\()"), _listed(place))
      for each in ("deleteFromTables", "dropTables") for place in range(_MOST_LISTED)),
    Rule("delete", re.compile(r"\b(?P<name>\w*(?:[rR]epository|[rR]epo|[dD]ao))\.delete(?:All\w*|InBatch)\b(?=\()"),
          _spring),
    Rule("Repository", re.compile(r"(?<=[\s>])(?:delete|remove)(?:All)?By[A-Z]\w*(?=\()"), _derived),
    Rule("@Delete", re.compile(r"@Delete\b(?!\s*\(\s*[\"{v])"), _derived),
    Rule("deleteFrom", re.compile(r"\.deleteFrom\(\s*(?P<name>[\w.]+)\s*\)"),
          lambda call, text: Told("delete", call.found["name"].lower(), limited(call))),
    Rule("truncate", re.compile(r"\.truncate(?:Table)?\(\s*(?P<name>[A-Z][A-Z_.]+)\s*\)"),
          lambda call, text: Told("truncate", call.found["name"].lower())),
    Rule("dropTable", re.compile(r"\.dropTable(?:IfExists)?\(\s*(?P<name>[A-Z][A-Z_.]+)\s*\)"),
          lambda call, text: Told("drop_table", call.found["name"].lower())),
    Rule("delete", re.compile(r"\b(?P<name>[A-Z]\w*)\.(?:deleteAll\(\s*\)|deleteWhere\b)"),
          lambda call, text: Told("delete", call.found["name"], "Where" in call.found[0])),
    Rule("SchemaUtils", re.compile(r"\bSchemaUtils\.drop\w*\(\s*(?P<name>\w+)"), named("drop_table")),
    # Liquibase's changelogs in Groovy; other changes are named as what they drop.
    Rule("tableName",
          re.compile(r"(?<![\w.])delete\((?:\s*\w+:\s*['\"][\w.]*['\"],)*\s*tableName:\s*['\"](?P<name>[\w.]+)['\"]"),
          lambda call, text: Told("delete", call.found["name"], "where" in text[call.found.end() :][:200])),
    Rule("lyway", re.compile(r"\b\w*[fF]lyway\w*\.clean\(\s*\)"), named("drop_schema")),
]  # fmt: skip

# C#
_DBSET = re.compile(r"\.Set<(\w+)>\(|\A\w+\.(\w+)")


def _argument(call: Call, keyword: str) -> str:
    return call.name(re.compile(rf"\b{keyword}:\s*\"(\w+)\""), call.arguments)


def _column(call: Call) -> tuple[str, str]:
    """Table and column of Entity Framework's DropColumn, which are named or stand in the other order."""
    column, table = (*re.findall(r"\A\s*\"(\w+)\"\s*,\s*\"(\w+)\"", call.arguments), ("", ""))[0]
    return _argument(call, "table") or table, _argument(call, "name") or column


_IN_QUOTES = r"\(\s*\"([\w.]+)\""


def _fluent_migrator(operation: str) -> Reader:
    """A sentence of FluentMigrator: ``Delete.Column("a").FromTable("b").InSchema("c")``."""

    def read(call: Call, text: str) -> Told | None:
        if not mentions(text, "fluentmigrator"):
            return None
        following = call.following.partition(";")[0]
        first = call.name(FIRST, call.arguments)
        schema = call.name(re.compile(rf"\.\s*InSchema{_IN_QUOTES}"), following)
        table = call.name(re.compile(rf"\.\s*(?:From|On)Table{_IN_QUOTES}"), following)
        column = first if operation in ("drop_column", "alter_column_type") else ""
        if operation == "alter_column_type" and re.search(r"\.As(?:String\(\s*\)|Int64\()", following):
            return None
        name = ".".join(filter(None, (schema, table if column else first, column)))
        if operation == "update":
            every = "AllRows" in following
            return Told(operation, name, False, "values") if every else None
        return Told(operation, name, "AllRows" not in following if operation == "delete" else None)

    return read


_BUILDER = r"\b(?:migrationBuilder|builder|mb|m|b)"  # what Entity Framework's migrations call theirs
CSHARP = [
    Rule("ExecuteDelete", re.compile(r"\.ExecuteDelete(?:Async)?\b(?=\()"),
          lambda call, text: Told("delete", call.name(_DBSET), limited(call))),
    Rule("EnsureDeleted", re.compile(r"\.EnsureDeleted(?:Async)?\b(?=\()"), named("drop_database")),
    Rule("DropTable", re.compile(rf"{_BUILDER}\.DropTable\b(?=\()"), named("drop_table")),
    Rule("DropSchema", re.compile(rf"{_BUILDER}\.DropSchema\b(?=\()"), named("drop_schema")),
    Rule("RenameTable", re.compile(rf"{_BUILDER}\.RenameTable\b(?=\()"), named("rename_table")),
    Rule("DropColumn", re.compile(rf"{_BUILDER}\.DropColumn\b(?=\()"),
          lambda call, text: Told("drop_column", ".".join(_column(call)))),
    *(
        Rule(clue, re.compile(rf"(?:(?<=[\s;{{}}])|\A){begins}\b(?=\()"), _fluent_migrator(operation))
        for clue, begins, operation in (
            ("Delete", r"Delete\s*\.\s*Table", "drop_table"),
            ("Delete", r"Delete\s*\.\s*Schema", "drop_schema"),
            ("Delete", r"Delete\s*\.\s*Column", "drop_column"),
            ("Delete", r"Delete\s*\.\s*FromTable", "delete"),
            ("Rename", r"Rename\s*\.\s*Table", "rename_table"),
            ("Alter", r"Alter\s*\.\s*Column", "alter_column_type"),
            ("Update", r"Update\s*\.\s*Table", "update"),
        )
    ),
]  # fmt: skip

# Rust
_IDENTIFIER = r"(?:(?:\w+::)*?(?P<name>\w+)::Table|Alias::new\(\s*\"(?P<alias>\w+)\"|\"(?P<text>\w+)\")"
_IN_TABLE = re.compile(rf"\.\s*(?:from_)?table\(\s*{_IDENTIFIER}")
_COLUMNS = re.compile(r"\.\s*drop_column\(\s*(?:(?:\w+::)*(\w+)|Alias::new\(\s*\"(\w+)\"|\"(\w+)\")")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _sea(operation: str) -> Reader:
    """A statement of SeaQuery, which SeaORM's migrations give to their manager, with the table it names further on."""

    def read(call: Call, text: str) -> Told | None:
        table = (
            _IN_TABLE.search(call.following) if operation != "rename_table" else re.search(_IDENTIFIER, call.following)
        )
        name = _snake(table["name"] or table["alias"] or table["text"]) if table else ""
        if operation == "delete":
            return Told(operation, name, limited(call) or "_where(" in call.following) if table else None
        if operation == "drop_column":
            column = call.name(_COLUMNS, call.following)
            return Told(operation, f"{name}.{_snake(column)}") if column else None
        return Told(operation, name)

    return read


RUST = [
    Rule("Table::drop", re.compile(r"\bTable::drop\b(?=\(\s*\))"), _sea("drop_table")),
    Rule("Table::truncate", re.compile(r"\bTable::truncate\b(?=\(\s*\))"), _sea("truncate")),
    Rule("Table::rename", re.compile(r"\bTable::rename\b(?=\(\s*\))"), _sea("rename_table")),
    Rule("Table::alter", re.compile(r"\bTable::alter\b(?=\(\s*\))"), _sea("drop_column")),
    Rule("Query::delete", re.compile(r"\bQuery::delete\b(?=\(\s*\))"), _sea("delete")),
    Rule("diesel", re.compile(r"\bdiesel::delete\(\s*(?:\w+::)*?(?P<name>\w+)(?:::table)?\b"),
          lambda call, text: Told("delete", call.found["name"], text.startswith(".filter", call.found.end()))),
    Rule("delete_many", re.compile(r"\b(?P<name>\w+)(?:::Entity)?::delete_many\(\s*\)"),
          lambda call, text: Told("delete", call.found["name"], ".filter(" in call.following)),
]  # fmt: skip
