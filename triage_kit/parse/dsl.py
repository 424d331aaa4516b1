"""Migrations in Ruby, JavaScript, PHP, C#, Elixir, Rust and Swift: the calls that drop, truncate or run SQL.

There is no parser of these languages here. A call is taken where its name and a literal stand on the page as the tool's
documentation has them (Rails, Knex, Sequelize, TypeORM, MikroORM, node-pg-migrate, Laravel, Doctrine, Phinx, Yii,
Entity Framework, FluentMigrator, Ecto, SeaORM, Fluent); whatever else runs SQL is a suspect, never silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from triage_kit.parse.added import added_columns
from triage_kit.parse.code import literal_hits
from triage_kit.parse.comments import blank, closable
from triage_kit.parse.held_names import with_names
from triage_kit.parse.loops import rounds
from triage_kit.parse.migration import Migration, Operation
from triage_kit.parse.orm import orm_calls
from triage_kit.sql import effects, suspicious

_TEXT_LIMIT = 4000
_NAME = (
    r"""(?:\{\s*(?:schema\s*:\s*['"`](?P<schema>\w+)['"`]\s*,\s*)?(?:n|tableN)ame\s*:\s*)?"""
    r"""[:'"`]+(?P<name>[\w.$-]+)['"`]?"""
)
_OTHER = r"""(?:\s*,\s*[:'"`]+(?P<renamed>[\w.$-]+))?"""
# Every value that can be cast to one of these without a USING fits in it, or is refused.
_WIDER = (
    r"""\s*,\s*[:'"`]+\w+['"`]?\s*,\s*(?:[:'"`]+(?:text|string|bigint|jsonb|citext|timestamptz)\b|"""
    r"""\{\s*type\s*:\s*(?:Sequelize|DataTypes|S)\.(?:TEXT|STRING|BIGINT|JSONB|CITEXT)\b)(?![^\n]*\busing\b)"""
)
# A word without which the pattern finds nothing, the pattern, and what the call does.
_CALLS = [
    (
        ("drop",),
        re.compile(rf"\b(?:drop_table|dropTable|dropTableIfExists|drop_join_table)\b\s*\(?\s*{_NAME}"),
        "drop_table",
    ),
    (
        ("olumn", "remove_"),
        re.compile(
            rf"\b(?:remove_(?:columns?|timestamps|reference|belongs_to)|removeColumn|dropColumns?)\b\s*\(?\s*{_NAME}(?:\s*,\s*[\[{{]?\s*[:'\"`]+(?P<column>\w+))?"
        ),
        "drop_column",
    ),
    (("run", "lear"), re.compile(rf"\b(?:truncate|truncate_tables|clearTable)\b\s*\(?\s*{_NAME}"), "truncate"),
    (("ename",), re.compile(rf"\b(?:rename_table|renameTable)\b\s*\(?\s*{_NAME}{_OTHER}"), "rename_table"),
    (
        ("hange",),
        re.compile(rf"\b(?:change_column|changeColumn)\b\s*\(?\s*(?>{_NAME})(?P<wider>{_WIDER})?"),
        "alter_column_type",
    ),
    (
        ("alterColumn",),
        re.compile(
            rf"\balterColumn\s*\(\s*{_NAME}\s*,\s*['\"`]\w+['\"`]\s*,\s*\{{[^{{}}]*?\btype\s*:"
            rf"(?P<wider>\s*['\"`](?:text|bigint|jsonb|citext)['\"`](?![^{{}}]*\busing\s*:))?"
        ),
        "alter_column_type",
    ),
    (
        ("dd",),
        re.compile(rf"\b(?:add_column|addColumn)\b\s*\(?\s*{_NAME}\s*,\s*[:'\"`]+(?P<new>\w+)"),
        "add_column",
    ),
    (("rop",), re.compile(rf"\b(?:drop_schema|dropSchema|dropSchemaIfExists)\b\s*\(?\s*{_NAME}"), "drop_schema"),
    (("reate",), re.compile(rf"\b(?:create_table|createTable)\b\s*\(?\s*{_NAME}"), "create_table"),
    (("bulkDelete",), re.compile(rf"\bbulkDelete\s*\(\s*{_NAME}"), "delete"),
    (("rop",), re.compile(r"\b(?:dropAllTables|dropDatabase|drop_database|dropAllSchemas)\b"), "drop_table"),
    (("sync",), re.compile(r"\bsynchronize\(\s*true\b"), "drop_table"),
    # TypeORM drops what its entities no longer have, at the start of the application.
    (("DataSource", "TypeOrm", "createConnection"), re.compile(r"\bsynchronize\s*:\s*true\b"), "drop_table"),
    (("DatabaseCleaner",), re.compile(r"\bDatabaseCleaner\b[^\n]*:(?:truncation|deletion)\b"), "truncate"),
    (("DatabaseCleaner",), re.compile(r"\bDatabaseCleaner\.(?:clean|clean_with|cleaning)\b"), "truncate"),
]
_OF_MONGO = re.compile(r"\bmongoose\b|\bfrom\s+['\"]mongodb['\"]|require\(['\"]mongodb['\"]\)")
_TYPED = frozenset(("cs", "rs", "swift"))
_OTHERS = _TYPED | frozenset(("php", "ex", "exs"))  # their calls are parse.orm's
_MOST_CALLS = 2_000
_MOST_HEREDOCS = 500
_LITERAL = (
    r"""(?:~[sS]|@\$?|\$@?)?(?:\"{3}(?P<triple>.*?)\"{3}|<<[~-]?['"]?(?P<here>\w+)['"]?[^\n]*\n(?P<heredoc>.*?)^\s*(?P=here)\b|`(?P<tick>[^`]*)`"""
    r"""|'(?P<one>(?:[^'\\]|\\.)*)'|"(?P<two>(?:[^"\\]|\\.)*)")"""
)
_KINDS = ("triple", "heredoc", "tick", "one", "two")
_RUN_NAMES = (
    r"addSql|statement|(?:execute_)?unprepared|Sql|execute|raw|query|queryRawUnsafe|executeRawUnsafe|\$executeRaw|\$queryRaw|"
    r"exec_query|exec|sql"
)
_SANITIZES = r"(?:(?:[\w:]+\.)?sanitize_sql(?:_array)?\s*\(?\s*\[?\s*)?"  # Rails puts values into a text so
_RUNS = re.compile(rf"(?ms)\b(?:{_RUN_NAMES})!?\s*\(?\s*{_SANITIZES}{_LITERAL}")
_RUN_CLUES = ("exec", "query", "sql", "Sql", "raw", "statement", "unprepared")  # in each of the names one
_DOWN = re.compile(
    r"(?m)^\s*(?:def\s+down\b|exports\.down\b|(?:(?:export|public|protected|override|static|final)\s+)*(?:(?:const|let|var)\s+)?"
    r"(?:async\s+)?(?:(?:function|fn)\s+)?(?:safeD|d)own\s*[(:=]|(?:public|protected)\s+override\s+void\s+Down\s*\(|"
    r"(?:public\s+)?func\s+revert\s*\()"
)
_LINE_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#(?!\{).*$")
_JS_COMMENT = re.compile(r"//(?<!\S//)[^\n]*|/\*(?:[^*]|\*(?!/))*\*/")  # begins with its sign, which is quickly found


def tool_of(text: str) -> str | None:
    """The tool that a Ruby or JavaScript migration belongs to, told by what it says of itself; None for no migration.

    >>> tool_of("class A < ActiveRecord::Migration[7.1]"), tool_of("const a = 1")
    ('rails', None)
    """
    for tool, marks in _TOOLS:
        if all(mark.search(text) for mark in marks):
            return tool
    return None


_UP = re.compile(
    r"exports\.up\b|export\s+(?:async\s+)?(?:function|const)\s+up\b|"
    r"(?:module\.exports\s*=|export)\s*\{[\s\w,]{0,80}\bup\b[\s\w,]{0,80}\}"
)
_TOOLS = [
    ("rails", [re.compile(r"<\s*ActiveRecord::Migration")]),
    ("typeorm", [re.compile(r"implements\s+MigrationInterface|\bqueryRunner\b")]),
    ("sequelize", [re.compile(r"\bqueryInterface\b")]),
    ("node-pg-migrate", [_UP, re.compile(r"\bpgm\b|MigrationBuilder")]),
    ("knex", [_UP]),
    ("mikro-orm", [re.compile(r"extends\s+Migration\b"), re.compile(r"@mikro-orm/migrations")]),
    ("doctrine", [re.compile(r"extends\s+AbstractMigration\b"), re.compile(r"->addSql\(")]),
    ("phinx", [re.compile(r"extends\s+(?:AbstractMigration|BaseMigration)\b")]),
    (
        "yii",
        [re.compile(r"extends\s+(?:\\?yii\\db\\)?Migration\b"), re.compile(r"\byii\\db\b|\bsafe(?:Up|Down)\b|\{\{%")],
    ),
    ("laravel", [re.compile(r"extends\s+Migration\b"), re.compile(r"\b(?:Schema|DB)::|Illuminate")]),
    ("entity framework", [re.compile(r":\s*Migration\b"), re.compile(r"\bMigrationBuilder\b")]),
    (
        "fluentmigrator",
        [re.compile(r":\s*(?:ForwardOnly|AutoReversing)?Migration\b"), re.compile(r"\bFluentMigrator\b")],
    ),
    ("seaorm", [re.compile(r"\bMigrationTrait\b")]),
    ("fluent", [re.compile(r":\s*(?:Async)?Migration\b"), re.compile(r"\bfunc\s+prepare\(on\b")]),
    ("ecto", [re.compile(r"\buse\s+Ecto\.Migration\b")]),
    ("goose", [re.compile(r"\bgoose\.Add(?:Named)?Migration\w*\(")]),
    ("gormigrate", [re.compile(r"\bgormigrate\.Migration\b")]),
]
_NUMBERED = frozenset(("rails", "phinx", "ecto", "goose"))  # their tables hold the number alone


def read_dsl(text: str, path: str, tool: str) -> Migration:
    """The migration in one file; direction changes where its ``down`` begins.

    >>> found = read_dsl("exports.up = k => k.schema.dropTable('a')\\nexports.down = k => 1", "1_a.js", "knex")
    >>> [(each.operation, each.object, each.direction) for each in found.operations]
    [('drop_table', 'a', 'up')]
    """
    name = PurePosixPath(path).stem
    number = re.match(r"(\d+)[_-]?(.*)", name)
    revision = number[1] if number and tool in _NUMBERED else name
    found = Migration(tool, revision, (), (number[2] if number else name).replace("_", " ") or None)
    down = _DOWN.search(text)
    boundary = text.count("\n", 0, down.start()) + 1 if down else None
    suffix = path.rsplit(".", 1)[-1]
    if suffix == "go":
        found.operations = list(_of_go(text))
        return found
    operations = [*added_columns(uncommented(text, suffix)), *dsl_calls(text, suffix)]
    if suffix in _TYPED:  # whose literals are of more kinds than those that stand in a call above
        told = {(each.line, each.operation, each.object) for each in operations}
        literal = literal_hits(text)
        operations += [each for each in literal if (each.line, each.operation, each.object) not in told]
    for each in sorted(operations, key=lambda each: each.line):
        each.direction = "down" if boundary is not None and each.line >= boundary else "up"
        found.operations.append(each)
    return found


_GOOSE = re.compile(r"\bgoose\.Add(?:Named)?Migration\w*\((?:\s*\"[^\"\n]*\"\s*,)?\s*\w+\s*,\s*(?P<down>\w+)\s*,?\s*\)")
_BACK = re.compile(r"\bRollback:\s*func\b")


def _of_go(text: str) -> Iterator[Operation]:
    """What the functions of a Go migration do; down is what goose is given second, and gormigrate's Rollback."""
    blanked = uncommented(text, "go")
    found = [*literal_hits(blanked), *orm_calls(blanked, "go")]
    backs = [each.end() for each in islice(_BACK.finditer(blanked), _MOST_CALLS // 10)]
    for each in islice(_GOOSE.finditer(blanked), _MOST_CALLS // 10):
        begins = re.search(rf"\bfunc\s+{each['down']}\(", blanked)
        backs += [begins.end()] if begins else []
    down = [_span(blanked, at) for at in backs]
    for operation in sorted(found, key=lambda each: each.line):
        operation.direction = "down" if any(first <= operation.line <= last for first, last in down) else "up"
        yield operation


def _span(text: str, at: int) -> tuple[int, int]:
    """The lines of the function whose head a place is in: to the brace that stands as deep as its first line."""
    start = text.rfind("\n", 0, at) + 1
    indent = text[start : start + len(text[start:at]) - len(text[start:at].lstrip())]
    ends = text.find(f"\n{indent}}}", at)
    first = text.count("\n", 0, at) + 1
    return first, first + text.count("\n", at, ends if ends >= 0 else len(text)) + 1


def dsl_calls(text: str, suffix: str) -> Iterator[Operation]:
    """Operations of the calls in Ruby or JavaScript text, in order of their lines."""
    return with_names(uncommented(text, suffix), suffix, lambda written: _calls(written, suffix))


def _calls(blanked: str, suffix: str) -> Iterator[Operation]:
    blanked = _spelled_out(blanked) if suffix == "rb" else blanked
    if blanked.count("<<") > _MOST_HEREDOCS:  # each unfinished one would be looked for to the end of the file
        blanked = blanked.replace("<<", "  ")
    found = []
    for clues, pattern, operation in () if suffix in _OTHERS else _CALLS:
        calls = pattern.finditer(blanked) if any(clue in blanked for clue in clues) else iter(())
        for call in islice(calls, _MOST_CALLS):
            if call[0] == "dropDatabase" and _OF_MONGO.search(blanked):
                continue
            named = call.groupdict()
            object_ = ".".join(filter(None, map(named.get, ("schema", "name", "column"))))
            within = _altered(blanked, call.start()) if operation == "drop_column" else ""
            if within and (not named.get("column") or call[0].startswith("dropColumns")):  # Knex names columns alone
                object_ = f"{within}.{named['name']}"
            if not within and not named.get("column") and call[0].startswith("removeColumn"):
                continue  # of a table on a page: those of a database are given their table, too
            bounded = False if operation == "delete" else None
            line = blanked.count("\n", 0, call.start()) + 1
            cascade = "cascade" in blanked[call.end() : blanked.find("\n", call.end()) % (len(blanked) + 1)].lower()
            made = Operation(line, "", operation, object_, bounded, cascade, _line(blanked, call), "pattern")
            made.renamed = named.get("renamed") or ""
            made.harmless = bool(named.get("wider"))
            # One that is added where it is missing may be there already.
            made.column = "" if "if_not_exists" in made.text else named.get("new") or ""
            found.append(made)
    runs = any(clue in blanked for clue in _RUN_CLUES) and suspicious(blanked)
    for run in islice(_RUNS.finditer(blanked), _MOST_CALLS) if runs else ():
        written = next(each for each in map(run.group, _KINDS) if each is not None)
        if not suspicious(written):
            continue
        first = blanked.count("\n", 0, run.start()) + 1 + (1 if run["heredoc"] is not None else 0)
        texts = [re.sub(r"[#$]\{[^}]*\}", "__unresolved__", each) for each in rounds(written, blanked)]
        for each in (effect for plain in texts for effect in effects(plain)):
            made = Operation.of(each, "", first + each.line - 1)
            made.object = made.object.replace("__unresolved__", "{…}")
            made.text = made.text.replace("__unresolved__", "{…}")
            found.append(made)
    found += orm_calls(blanked, suffix)
    return iter(sorted(found, key=lambda each: each.line))


_CHANGED_TABLE = re.compile(
    r"(?ms)^(?P<indent>[ \t]*)change_table\b\s*\(?\s*[:'\"](?P<name>[\w.]+)[^\n]*\bdo\s*\|(?P<of>\w+)\|[^\n]*\n"
    r"(?P<body>.{0,4000}?)^(?P=indent)end\b"
)


def _spelled_out(text: str) -> str:
    """Rails' change_table with the calls on its block's variable as those that name their table.

    >>> _spelled_out("change_table :a, bulk: true do |t|\\n  t.remove :b, type: :text\\nend")
    'change_table :a, bulk: true do |t|\\n  remove_columns :a, :b, type: :text\\nend'
    """

    def calls(found: re.Match[str]) -> str:
        return re.sub(
            rf"\b{re.escape(found['of'])}\.(?P<call>remove(?:_timestamps|_references|_belongs_to)?|change)\b"
            r"[ \t]*\(?[ \t]*(?=:|\n)",
            lambda call: f"{'change_column' if call['call'] == 'change' else 'remove_columns'} :{found['name']}, ",
            found[0],
        )

    return _CHANGED_TABLE.sub(calls, text) if "change_table" in text else text


_TABLE = re.compile(rf"\.(?:alterTable|table)\(\s*{_NAME}")
_NEAR = 2_000


def _altered(text: str, at: int) -> str:
    """Knex's table whose callback a place is in; empty for none."""
    opened = list(_TABLE.finditer(text, max(0, at - _NEAR), at))
    return opened[-1]["name"] if opened else ""


def uncommented(text: str, suffix: str) -> str:
    """The text with its comments blanked, so that lines and places stay."""
    if suffix in ("rb", "rake", "ex", "exs"):
        return _LINE_COMMENT.sub(blank, text)
    return _JS_COMMENT.sub(blank, closable(text))


def _line(text: str, call: re.Match[str]) -> str:
    start = text.rfind("\n", 0, call.start()) + 1
    end = text.find("\n", call.end())
    return text[start : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
