"""Calls of object-relational mappers and query builders that remove or hide rows, in languages without a parser here.

ActiveRecord, Sequelize, TypeORM, Prisma, Knex, Objection, Kysely, Drizzle, MikroORM, Supabase's client, Eloquent and
Laravel's query builder, Doctrine, Phinx, Yii, GORM, ent, bun, squirrel, Spring Data, jOOQ, Exposed, Entity Framework,
FluentMigrator, Ecto, Diesel, SeaORM, Fluent and R's DBI: each call as its documentation writes it. What looks the same
but reaches no database (a route, a set, a cache, a file) differs in its chain, its arguments or what it is called on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from triage_kit.parse.chains import Call, blank_literals, call_at
from triage_kit.parse.code import only_held, told
from triage_kit.parse.migration import Operation
from triage_kit.sql import hides_rows

_MOST_CALLS = 2_000
_TEXT_LIMIT = 4_000


class Told(NamedTuple):
    """What a call does, to which class or table, whether a condition limits it, what else than usual it loses, and what
    columns it sets.
    """

    operation: str
    object: str = ""
    bounded: bool | None = None
    loses: str = ""
    changes: tuple[str, ...] = ()


Reader = Callable[[Call, str], Told | None]


class _Rule(NamedTuple):
    clue: str  # without it in the text the pattern finds nothing
    pattern: re.Pattern[str]
    read: Reader


_LIMITS = re.compile(
    r"(?i)(?:\b|_)(?:where|and_?where|filter|find_?by|having|limit|in_batches|eq|older)\w*!?\s*[({]|\b(?:where|from)\b:"
)


def limited(call: Call) -> bool:
    return bool(_LIMITS.search(call.chain)) or bool(_LIMITS.search(call.following.split(";")[0].split("\n\n")[0]))


def _named(operation: str, *, bounded: bool | None = None) -> Reader:
    """A call whose pattern names its object in the text, or in a literal that the call begins with."""

    def read(call: Call, text: str) -> Told:
        groups = call.found.groupdict()
        name = (groups.get("name") or "").strip()
        if not name and (first := _FIRST.match(call.arguments)):
            name = next(each for each in first.groups() if each)
        return Told(operation, name.rsplit("\\", 1)[-1], bounded)

    return read


_FIRST = re.compile(
    r"""\s*(?:name:\s*)?(?:['"`]([\w.$-]+)['"`]|&?(?:\[\])?(?:\w+\.)*([A-Z]\w*)\{|new\((?:\w+\.)*([A-Z]\w*)\)|"""
    r"""\\?((?:\w+\\)*[A-Z]\w*)::class|:([a-z]\w*))"""
)

# Ruby -------------------------------------------------------------------------------------------------------------
_CONSTANT = re.compile(r"\A\s*(?:::)?((?:[A-Z]\w*::)*[A-Z]\w*)(?=[.&])")
_ASSOCIATION = re.compile(r"\A(?:@\w+|\w+)[.&]+(?:\w+[.&]+)*?([a-z]\w*)")
_NO_RECORDS = frozenset(("Rails", "File", "Dir", "FileUtils", "Redis", "Sidekiq", "ActionMailer", "Resque", "Find"))
_RUBY_COLUMN = re.compile(r"(?:\A|[\s,({])['\":]?(\w+)['\"]?\s*(?::|=>)\s*(nil|false|true)?")


def _held(call: Call, text: str) -> Call:
    """The call with a local name or a block's, with which its chain begins, written out as what it holds."""
    begins = re.match(r"[a-z_]\w*", call.chain)
    if begins is None:
        return call
    name, before = re.escape(begins[0]), text[max(0, call.found.start() - _HELD_NEAR) : call.found.start()]
    pattern = rf"(?m)^[ \t]*{name}[ \t]*=[ \t]*((?:::)?[A-Z][^\n]*)$|{_BLOCK_OF}\|{name}\|"
    held = re.findall(pattern, before)
    chain = next((each for each in held[-1] if each), "") if held else ""
    return call._replace(chain=chain + call.chain[begins.end() :]) if chain else call


_HELD_NEAR = 1_000
_BLOCK_OF = r"((?:::)?[A-Z][\w:]*\.[^\n]{0,200}?)[ \t]*(?:\bdo\b|\{)[ \t]*"


def _record(call: Call) -> str | None:
    """The class whose rows a chain of ActiveRecord selects, or the association; None where it is something else."""
    owner = call.name(_CONSTANT, call.chain + ".")
    if owner:
        return None if owner.split("::")[0] in _NO_RECORDS else owner.rsplit("::", 1)[-1]
    return call.name(_ASSOCIATION, call.chain + ".") or None


def _ruby_delete(call: Call, text: str) -> Told | None:
    call = _held(call, text)
    owner = _record(call)
    return Told("delete", owner, limited(call) or "_by" in call.found[0]) if owner else None


def _ruby_update(call: Call, text: str) -> Told | None:
    call = _held(call, text)
    owner, given = _record(call), _RUBY_COLUMN.findall(call.arguments)
    hides = any(
        hides_rows(column, value == "nil", {"false": False, "true": True}.get(value)) for column, value in given
    )
    bounded = limited(call)
    if owner is None or not (hides or not bounded):
        return None
    changes = [column for column, _ in given] or re.findall(r"[\s'\",](\w+)\s*=[^=>~]", f" {call.arguments}")
    return Told("update", owner, bounded, "visibility" if hides else "values", tuple(changes))


_RUBY = [
    _Rule("_all", re.compile(r"[.&](?:delete_all|destroy_all)\b"), _ruby_delete),
    _Rule(
        "&:",
        re.compile(r"[.&](?:in_batches|find_each|each)\(&:(?:delete_all|destroy_all|delete|destroy)!?\)"),
        _ruby_delete,
    ),
    _Rule("_by", re.compile(r"\.(?:delete_by|destroy_by)\b"), _ruby_delete),
    _Rule("update_all", re.compile(r"\.update_all\b"), _ruby_update),
]

# JavaScript and TypeScript ----------------------------------------------------------------------------------------
_PRISMA_OWNER = re.compile(r"(?:\A|[.\s!])(?:prisma\w*|tx|trx|db|client|\w*[pP]risma\w*)[.?]+(\w+)\Z")
_SEQUELIZE_OWNER = re.compile(r"(?:\A|[.\s])((?:[A-Z]\w*)|(?<=models\.)\w+)\Z")
_EMPTY = re.compile(r"\A\s*(?:\{\s*(?:where\s*:\s*\{\s*\}\s*,?\s*)?\}\s*)?\Z")
_TABLE_CALL = re.compile(
    r"(?:(?:\A|[.\s])(?:knex|k|db|trx|tx|conn|connection|pg|qb|\w*[kK]nex\w*)|\.(?:from|table|into|withSchema\([^)]*\)))"
    r"\(\s*['\"`]([\w.]+)['\"`]\s*\)"
)
_QUERY_OWNER = re.compile(r"\A([A-Z]\w*)\.query\(")
_REPOSITORY = re.compile(
    r"getRepository\(\s*(\w+)\s*\)\Z|(?:\A|\.)(\w+)(?:Repository|Repo)\Z|\A(?:this\.)?(?:repository|repo)()\Z"
)


def _prisma(call: Call, text: str) -> Told | None:
    if not _mentions(text, "prisma") and (_mentions(text, "mongo") or call.arguments.strip(" {}\n")):
        return None
    owner = call.name(_PRISMA_OWNER)
    return Told("delete", owner, not _EMPTY.match(call.arguments)) if owner else None


def _sequelize(call: Call, text: str) -> Told | None:
    owner = call.name(_SEQUELIZE_OWNER)
    if not owner or not re.search(r"\b(?:where|truncate)\b", call.arguments):
        return None
    return Told(
        "delete", owner, not (re.search(r"\btruncate\s*:\s*true", call.arguments) or _EMPTY.match(call.arguments))
    )


def _builder(call: Call, text: str) -> Told | None:
    """Knex's and Objection's ``del()``, ``delete()`` and ``truncate()``, and Supabase's ``from('a').delete()``."""
    if "storage" in call.chain or (call.arguments.strip() and not _mentions(text, "supabase")):
        return None
    table = call.name(_TABLE_CALL) or call.name(_QUERY_OWNER)
    if not table:
        return None
    if "truncate" in call.found[0]:
        return Told("truncate", table)
    return Told(
        "delete", table, limited(call) or bool(re.match(r"\s*\.\s*(?!select|then|returning)\w", call.following))
    )


def _entity(call: Call, text: str) -> str | None:
    """The class of a repository of TypeORM, told by its type or by its name; None where there is none."""
    owner = re.search(r"(\w+)\s*\Z", call.chain)
    typed = re.search(rf"\b{owner[1]}\s*[?!]?:\s*Repository<(?:\w+\.)*(\w+)>", text) if owner else None
    if typed:
        return typed[1]
    told = _REPOSITORY.search(call.chain)
    name = next((each for each in told.groups() if each), "") if told else None
    return name[:1].upper() + name[1:] if name is not None else None


def _typeorm(call: Call, text: str) -> Told | None:
    if "delete" in call.found[0] and not (call.arguments.strip() and _EMPTY.match(call.arguments)):
        return None
    entity = _entity(call, text)
    if entity is None:
        return None
    return Told("truncate", entity) if "clear" in call.found[0] else Told("delete", entity, False)


def _typeorm_soft(call: Call, text: str) -> Told | None:
    """``softDelete(…)`` of a repository, a manager that is given the class, or a query builder: the rows are hidden."""
    given = re.match(r"\s*([A-Z]\w*)\s*,", call.arguments)
    builder = re.search(r"\.createQueryBuilder\([^()]*\)\s*\Z", call.chain)
    owner = call._replace(chain=call.chain[: builder.start()]) if builder else call
    entity = given[1] if given else _entity(owner, text)
    if entity is None and not builder:
        return None
    return Told("update", entity or "", bool(call.arguments.strip()) or limited(call), "visibility", ("deletedAt",))


def _typeorm_builder(call: Call, text: str) -> Told | None:
    """``createQueryBuilder().delete()``, of the class that ``from(…)`` or the repository names."""
    before = re.search(r"\.?createQueryBuilder\([^()]*\)\s*\Z", call.chain)
    if before is None:
        return None
    source = re.match(r"\s*\.\s*from\(\s*(\w+)", call.following)
    entity = source[1] if source else _entity(call._replace(chain=call.chain[: before.start()]), text)
    return Told("delete", entity or "", limited(call))


_DRIZZLE_OWNER = re.compile(r"\A(?:db|tx|trx|database)\Z|D[bB]\Z")


def _drizzle(call: Call, text: str) -> Told | None:
    table = re.match(r"\s*(?:\w+\.)?([a-z]\w*)\s*\Z", call.arguments)
    if table is None or not _of_drizzle(text):
        return None
    owner = re.search(r"(\w+)(?:\(\))?\s*\Z", f"{call.chain}{call.found[0].rpartition('.')[0]}")
    name = owner[1] if owner else ""
    if not (_DRIZZLE_OWNER.search(name) or re.search(rf"\b{name}\s*(?::[^=;\n]{{1,80}})?=\s*drizzle\(", text)):
        return None
    return Told("delete", table[1], limited(call))


@lru_cache(maxsize=8)
def _of_drizzle(text: str) -> bool:
    return "drizzle" in text or re.search(r"from\s+['\"][^'\"]*schema['\"]", text) is not None


_JAVASCRIPT = [
    _Rule("deleteMany", re.compile(r"\.deleteMany\b(?=\()"), _prisma),
    _Rule("destroy", re.compile(r"\.destroy\b(?=\()"), _sequelize),
    _Rule("del", re.compile(r"\.(?:del|delete)\b(?=\()"), _builder),
    _Rule("truncate", re.compile(r"\.truncate\b(?=\()"), _builder),
    _Rule("clear", re.compile(r"\.clear\b(?=\(\s*\))"), _typeorm),
    _Rule("delete", re.compile(r"\.delete\b(?=\(\s*\{)"), _typeorm),
    _Rule("softDelete", re.compile(r"\.softDelete\b(?=\()"), _typeorm_soft),
    _Rule("createQueryBuilder", re.compile(r"\.delete\b(?=\(\s*\))"), _typeorm_builder),
    _Rule("delete", re.compile(r"(?:\b\w+|\))\s*\.delete\b(?=\()"), _drizzle),
    _Rule("deleteFrom", re.compile(r"\.deleteFrom\b(?=\()"),
          lambda call, text: Told("delete", call.name(_FIRST, call.arguments), limited(call))),
    _Rule("nativeDelete", re.compile(r"\.nativeDelete\(\s*(?P<name>\w+)"), _named("delete", bounded=True)),
    _Rule("dropSchema", re.compile(r"\bdropSchema\s*:\s*true\b"), _named("drop_table")),
    _Rule("chema", re.compile(r"\b(?:schema|getSchemaGenerator\(\))\s*\.\s*(?:drop|refresh|clear)[SD]\w+\("),
          _named("drop_table")),
    _Rule("force", re.compile(r"\bsync\(\s*\{[^{}]*\bforce(?:\s*:\s*(?!false\b|!1\b|undefined\b|null\b)\S|\s*[,}])"),
          _named("drop_table")),
]  # fmt: skip

# PHP --------------------------------------------------------------------------------------------------------------
_PHP_TABLE = re.compile(r"(?:::|->)table\(\s*['\"]([\w.]+)['\"]")
_ELOQUENT = re.compile(
    r"(?:\A|[\s\\(])([A-Z]\w*)::(?:query|where\w*|orWhere\w*|withTrashed|onlyTrashed|withoutGlobalScopes?|newQuery|"
    r"latest|oldest|has|doesntHave|select)\("
)
_PHP_HELPERS = frozenset(
    ("Str", "Storage", "Cache", "File", "Log", "Arr", "Session", "Cookie", "Redis", "Queue", "Auth")
)


def _php_rows(call: Call, text: str) -> Told | None:
    table = call.name(_PHP_TABLE) or call.name(_ELOQUENT)
    if not table:
        return _dbal(call)
    if "truncate" in call.found[0]:
        return Told("truncate", table)
    return Told("delete", table, limited(call))


def _dbal(call: Call) -> Told | None:
    """Doctrine's ``$conn->delete('a', […])`` and ``createQueryBuilder()->delete(A::class, 'a')``."""
    told = _FIRST.match(call.arguments)
    if told is None or not re.search(
        r"(?i)(?:conn(?:ection)?|db|createQueryBuilder\(\)|qb|wpdb)\Z", call.chain.strip()
    ):
        return None
    name = next(each for each in told.groups() if each).rsplit("\\", 1)[-1]
    return Told("delete", name, "," in call.arguments or limited(call))


def _static(call: Call, text: str) -> Told | None:
    name = call.found["name"]
    if name in _PHP_HELPERS:
        return None
    return Told("truncate", name) if "truncate" in call.found[0] else Told("delete", name, True)


def _php_column(call: Call, text: str) -> Told | None:
    if (table := _YII_TABLE.match(call.arguments)) and (
        own := re.match(r"\s*,\s*['\"](\w+)['\"]", call.arguments[table.end() :])
    ):
        return Told("drop_column", f"{'{…}' if table[1] else ''}{table[2] or table[3]}.{own[1]}")
    before = re.findall(r"Schema::table\(\s*['\"]([\w.]+)['\"]", text[: call.found.start()])
    column = call.name(re.compile(r"['\"](\w+)['\"]"), call.arguments)
    return Told("drop_column", ".".join(filter(None, (before[-1] if before else "", column)))) if column else None


# Yii writes {{%orders}} for orders with the prefix of all tables, and {{orders}} without it.
_YII_TABLE = re.compile(r"\s*['\"](?:\{\{(%?)([\w.]+)\}\}|([\w.]+))['\"]")
_YII_DOES = {"truncateTable": "truncate", "dropTable": "drop_table", "renameTable": "rename_table", "delete": "delete"}


def _yii(call: Call, text: str) -> Told | None:
    """What a migration or a command of Yii does: ``$this->truncateTable('{{%orders}}')``."""
    table = _YII_TABLE.match(call.arguments)
    if table is None or not (_mentions(text, "yii") or "{{" in table[0]):
        return None
    name = f"{{…}}{table[2]}" if table[1] else table[2] or table[3]
    operation = _YII_DOES[call.found["what"]]
    return Told(operation, name, "," in call.arguments[table.end() :] if operation == "delete" else None)


_PHINX_TABLE = re.compile(r"->table\(\s*['\"]([\w.]+)['\"]")
_PHINX_DOES = {"removeColumn": "drop_column", "drop": "drop_table", "rename": "rename_table",
               "renameTable": "rename_table", "changeColumn": "alter_column_type"}  # fmt: skip


def _phinx(call: Call, text: str) -> Told | None:
    """What Phinx and CakePHP do to ``$this->table('a')``, or to the variable that holds it."""
    if not re.search(r"\b(?:Abstract|Base)(?:Migration|Seed)\b", text):
        return None
    table = call.name(_PHINX_TABLE)
    if not table and (begins := re.match(r"\s*(\$\w+)", call.chain)):
        held = re.findall(rf"{re.escape(begins[1])}\s*=\s*\$this{_PHINX_TABLE.pattern}", text[: call.found.start()])
        table = held[-1] if held else ""
    if not table:
        return None
    operation, column = _PHINX_DOES[call.found["what"]], call.name(_FIRST, call.arguments)
    wider = re.search(r",\s*['\"](?:text|string|biginteger|jsonb)['\"]\s*(?:,|\Z)", call.arguments)
    if operation == "alter_column_type":
        return None if wider else Told(operation, f"{table}.{column}")
    return Told(operation, f"{table}.{column}" if operation == "drop_column" else table)


def _doctrine_table(call: Call, text: str) -> Told | None:
    """``$schema->dropTable('a')`` of Doctrine, and Phinx's of old; Yii's is read above."""
    yii = _YII_TABLE.match(call.arguments) and _mentions(text, "yii")
    return None if yii else Told("drop_table", call.name(_FIRST, call.arguments))


_PHP = [
    _Rule("able", re.compile(r"->(?P<what>removeColumn|drop|rename|renameTable|changeColumn)\b(?=\()"), _phinx),
    _Rule("dropTable", re.compile(r"\$(?:schema|this)->dropTable\b(?=\()"),
          _doctrine_table),
    _Rule("Table", re.compile(r"(?:\$this|createCommand\([^()]*\))->(?P<what>(?:truncate|drop|rename)Table)\b(?=\()"),
          _yii),
    _Rule("delete", re.compile(r"(?:\$this|createCommand\([^()]*\))->(?P<what>delete)\b(?=\()"), _yii),
    _Rule("deleteAll", re.compile(r"\b(?P<name>[A-Z]\w*)::deleteAll\b(?=\()"),
          lambda call, text: Told("delete", call.found["name"], bool(call.arguments.strip()))),
    _Rule("Prunable", re.compile(r"\bclass\s+(?P<name>[A-Z]\w*)[^{]*\{(?=[^{}]*\buse\s[^;{}]*\b(?:Mass)?Prunable\b)"),
          _named("delete", bounded=True)),
    _Rule("->", re.compile(r"->(?:delete|forceDelete|truncate)\b(?=\()"), _php_rows),
    _Rule("::", re.compile(r"\b(?P<name>[A-Z]\w*)::(?:truncate|destroy)\b(?=\()"), _static),
    _Rule("Schema", re.compile(r"\bSchema::(?:drop|dropIfExists)\b(?=\()"), _named("drop_table")),
    _Rule("dropAll", re.compile(r"\bSchema::dropAll\w+\b"), _named("drop_table")),
    _Rule("dropColumn", re.compile(r"->dropColumn\b(?=\()"), _php_column),
    _Rule("dropColumns", re.compile(r"\bSchema::dropColumns\b(?=\()"), _named("drop_column")),
    _Rule("Schema", re.compile(r"\bSchema::rename\b(?=\()"), _named("rename_table")),
    _Rule("chema", re.compile(r"(?i)\$\w*schemaTool->(?:dropSchema|dropDatabase)\b"), _named("drop_table")),
]  # fmt: skip

# Go ---------------------------------------------------------------------------------------------------------------
_MODEL = re.compile(r"\.\s*Model\(\s*\(\*(?:\w+\.)*(\w+)\)|\.\s*Model\(\s*&?(?:\[\])?(?:\w+\.)*([A-Z]\w*)\{")


# What a mapper's connection is called; maps, caches and clusters have a Delete of their own.
_OF_GORM = re.compile(
    r"(?:\b|\.)(?:\w*[dD][bB]|tx|orm|conn)\b(?:\([^()]*\))?(?:\.\w+\([^()]*\))*\Z|\.(?:Where|Unscoped|Session)\("
)


def _gorm(call: Call, text: str) -> Told | None:
    told = _FIRST.match(call.arguments)
    if told is None or not (told[1] or _mentions(text, "gorm") or _OF_GORM.search(call.chain)):
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
    return Told(operation, call.name(_MODEL, call.following), bounded)


_GO = [
    _Rule("Delete", re.compile(r"\.Delete\b(?=\((?!\s*\)))"), _gorm),
    _Rule("Delete", re.compile(r"\.Delete\b(?=\(\s*\))"), _ent),
    _Rule("New", re.compile(r"\.New(?P<what>Delete|DropTable|TruncateTable)\b(?=\(\s*\))"), _bun),
    _Rule("DropTable", re.compile(r"\.DropTable\b(?=\()"), _named("drop_table")),
    _Rule("DropColumn", re.compile(r"\.DropColumn\b(?=\()"), _named("drop_column")),
]

# Java, Kotlin and Scala -------------------------------------------------------------------------------------------
_ENTITY = re.compile(r"\b(?:interface|trait)\s+\w+[^{]*?\b\w*Repository\s*[<\[]\s*(?:\w+\.)*(\w+)")


def _spring(call: Call, text: str) -> Told:
    name = re.sub(r"(?:Repository|Repo|Dao|DAO)\Z", "", call.found["name"])
    return Told("delete", name[:1].upper() + name[1:], bool(call.arguments.strip()))


def _derived(call: Call, text: str) -> Told | None:
    entity = _ENTITY.search(text)
    return Told("delete", entity[1], True) if entity else None


_JVM = [
    _Rule("delete", re.compile(r"\b(?P<name>\w*(?:[rR]epository|[rR]epo|[dD]ao))\.delete(?:All\w*|InBatch)\b(?=\()"),
          _spring),
    _Rule("Repository", re.compile(r"(?<=[\s>])(?:delete|remove)(?:All)?By[A-Z]\w*(?=\()"), _derived),
    _Rule("@Delete", re.compile(r"@Delete\b(?!\s*\(\s*[\"{v])"), _derived),
    _Rule("deleteFrom", re.compile(r"\.deleteFrom\(\s*(?P<name>[\w.]+)\s*\)"),
          lambda call, text: Told("delete", call.found["name"].lower(), limited(call))),
    _Rule("truncate", re.compile(r"\.truncate(?:Table)?\(\s*(?P<name>[A-Z][A-Z_.]+)\s*\)"),
          lambda call, text: Told("truncate", call.found["name"].lower())),
    _Rule("dropTable", re.compile(r"\.dropTable(?:IfExists)?\(\s*(?P<name>[A-Z][A-Z_.]+)\s*\)"),
          lambda call, text: Told("drop_table", call.found["name"].lower())),
    _Rule("delete", re.compile(r"\b(?P<name>[A-Z]\w*)\.(?:deleteAll\(\s*\)|deleteWhere\b)"),
          lambda call, text: Told("delete", call.found["name"], "Where" in call.found[0])),
    _Rule("SchemaUtils", re.compile(r"\bSchemaUtils\.drop\w*\(\s*(?P<name>\w+)"), _named("drop_table")),
    _Rule("lyway", re.compile(r"\b\w*[fF]lyway\w*\.clean\(\s*\)"), _named("drop_schema")),
]  # fmt: skip

# C#, Elixir, Rust -------------------------------------------------------------------------------------------------
_DBSET = re.compile(r"\.Set<(\w+)>\(|\A\w+\.(\w+)")


def _argument(call: Call, keyword: str) -> str:
    return call.name(re.compile(rf"\b{keyword}:\s*\"(\w+)\""), call.arguments)


_IN_QUOTES = r"\(\s*\"([\w.]+)\""


def _fluent_migrator(operation: str) -> Reader:
    """A sentence of FluentMigrator: ``Delete.Column("a").FromTable("b").InSchema("c")``."""

    def read(call: Call, text: str) -> Told | None:
        if not _mentions(text, "fluentmigrator"):
            return None
        following = call.following.partition(";")[0]
        first = call.name(_FIRST, call.arguments)
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


_CSHARP = [
    _Rule("ExecuteDelete", re.compile(r"\.ExecuteDelete(?:Async)?\b(?=\()"),
          lambda call, text: Told("delete", call.name(_DBSET), limited(call))),
    _Rule("EnsureDeleted", re.compile(r"\.EnsureDeleted(?:Async)?\b(?=\()"), _named("drop_database")),
    _Rule("DropTable", re.compile(r"\bmigrationBuilder\.DropTable\b(?=\()"), _named("drop_table")),
    _Rule("DropSchema", re.compile(r"\bmigrationBuilder\.DropSchema\b(?=\()"), _named("drop_schema")),
    _Rule("RenameTable", re.compile(r"\bmigrationBuilder\.RenameTable\b(?=\()"), _named("rename_table")),
    _Rule("DropColumn", re.compile(r"\bmigrationBuilder\.DropColumn\b(?=\()"),
          lambda call, text: Told("drop_column", f"{_argument(call, 'table')}.{_argument(call, 'name')}")),
    *(
        _Rule(clue, re.compile(rf"(?:(?<=[\s;{{}}])|\A){begins}\b(?=\()"), _fluent_migrator(operation))
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
_ECTO_SOURCE = re.compile(r"\bin\s+\"?([A-Za-z]\w*(?:\.\w+)*)|\A\s*([A-Z][\w.]*)|from\(\s*([A-Z][\w.]*)")


_ECTO_PIPED = re.compile(r"\bfrom\b[ (]+\w+\s+in\s+\"?([A-Za-z][\w.]*)|([A-Z][\w.]*)\s*\|>")


def _ecto(call: Call, text: str) -> Told:
    source = call.name(_ECTO_SOURCE, call.arguments)
    piped = text[max(0, call.found.start() - _HELD_NEAR) : call.found.start()]
    if not source and re.search(r"\|>\s*(?:\w+\.)*\Z", piped):
        source = next((name for found in reversed(_ECTO_PIPED.findall(piped)) for name in found if name), "")
    return Told(
        "delete",
        source.rsplit(".", 1)[-1],
        bool(re.search(r"\bwhere\b|\|>|\A\s*[a-z]\w*\s*\Z|\A\s*\Z", call.arguments)),
    )


def _ecto_column(call: Call, text: str) -> Told:
    table = re.findall(r"\balter\s*\(?\s*table\(\s*:(\w+)", text[: call.found.start()])
    return Told("drop_column", ".".join(filter(None, (table[-1] if table else "", call.found["name"]))))


# Ecto's macro stands by itself; Map.drop and its like take keys out of a value.
ECTO_DROP = r"(?<![\w.])(?:Ecto\.Migration\.)?drop(?:_if_exists)?[ (]\s*table"
_ELIXIR = [
    _Rule("delete_all", re.compile(r"\bRepo\.delete_all\b(?=\()"), _ecto),
    _Rule("drop", re.compile(rf"{ECTO_DROP}\(\s*[:\"](?P<name>\w+)"), _named("drop_table")),
    _Rule("remove", re.compile(r"(?m)^\s*remove(?:_if_exists)?[ (]\s*:(?P<name>\w+)"), _ecto_column),
]
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


_RUST = [
    _Rule("Table::drop", re.compile(r"\bTable::drop\b(?=\(\s*\))"), _sea("drop_table")),
    _Rule("Table::truncate", re.compile(r"\bTable::truncate\b(?=\(\s*\))"), _sea("truncate")),
    _Rule("Table::rename", re.compile(r"\bTable::rename\b(?=\(\s*\))"), _sea("rename_table")),
    _Rule("Table::alter", re.compile(r"\bTable::alter\b(?=\(\s*\))"), _sea("drop_column")),
    _Rule("Query::delete", re.compile(r"\bQuery::delete\b(?=\(\s*\))"), _sea("delete")),
    _Rule("diesel", re.compile(r"\bdiesel::delete\(\s*(?:\w+::)*?(?P<name>\w+)(?:::table)?\b"),
          lambda call, text: Told("delete", call.found["name"], text.startswith(".filter", call.found.end()))),
    _Rule("delete_many", re.compile(r"\b(?P<name>\w+)(?:::Entity)?::delete_many\(\s*\)"),
          lambda call, text: Told("delete", call.found["name"], ".filter(" in call.following)),
]  # fmt: skip

# Swift and R --------------------------------------------------------------------------------------------------------
_FLUENT_MODEL = re.compile(r"\b([A-Z]\w*)\.query\(on:")
_FLUENT_TABLE = re.compile(r"\.schema\(\s*(?:\"([\w.]+)\"|([A-Z]\w*)\.schema)")


def _fluent(call: Call, text: str) -> Told | None:
    """Vapor's Fluent: ``Hold.query(on: db)….delete()`` takes rows, ``db.schema("holds").delete()`` the table."""
    if table := call.name(_FLUENT_TABLE):
        if "Field" in call.found[0]:
            column = call.name(re.compile(r"\A\s*(?:\"(\w+)\"|\.(\w+))"), call.arguments)
            return Told("drop_column", ".".join(filter(None, (table, column))))
        return Told("drop_table", table)
    model = call.name(_FLUENT_MODEL)
    return Told("delete", model, limited(call)) if model and "Field" not in call.found[0] else None


_R_TABLE = re.compile(
    r"(?:\bschema\s*=\s*[\"'](?P<schema>\w+)[\"']\s*,\s*)?(?:\btable\s*=\s*|\A[^,]*,\s*(?:name\s*=\s*)?(?:(?:DBI::)?(?:SQL|Id)\(\s*)?)"
    r"[\"'](?P<name>[\w.]+)[\"']|(?:\b(?:name|layer|table)\s*=\s*|,\s*)[\"'](?P<other>[\w.]+)[\"']"
)


def _r_table(operation: str) -> Reader:
    """A call of R that is given its connection and a table."""

    def read(call: Call, text: str) -> Told:
        told = _R_TABLE.search(call.arguments)
        name = told["name"] or told["other"] if told else ""
        return Told(operation, f"{told['schema']}.{name}" if told and told["schema"] else name)

    return read


def _r_write(call: Call, text: str) -> Told | None:
    """A frame as a table: a new one, where it is temporary or neither replaces nor continues one that stands."""
    given = {name: value[0] == "T" for name, value in _R_GIVEN.findall(call.arguments)}
    passing = given.get("temporary", call.found[0] == "copy_to")
    replaces = any(map(given.get, ("overwrite", "delete_layer", "delete_dsn")))
    if given.get("append"):
        return None
    return _r_table("drop_table" if replaces and not passing else "create_table")(call, text)


_R_GIVEN = re.compile(r"\b(temporary|overwrite|append|delete_layer|delete_dsn)\s*=\s*(T(?:RUE)?|F(?:ALSE)?)\b")
_SWIFT = [_Rule("delete", re.compile(r"\.delete(?:Field)?\b(?=\()"), _fluent)]
_R = [
    _Rule("(", re.compile(r"\b(?:dbWriteTable|dbCreateTable|copy_to|st_write|write_sf)\b(?=\()"), _r_write),
    _Rule("db", re.compile(r"\b(?:dbRemoveTable|db_drop_table)\b(?=\()"), _r_table("drop_table")),
    _Rule("sql", re.compile(r"\bsqlDrop\b(?=\()"), _r_table("drop_table")),
    _Rule("sql", re.compile(r"\bsqlClear\b(?=\()"), _r_table("delete")),
]  # fmt: skip

_LANGUAGES = {
    ("rb", "rake"): _RUBY,
    ("js", "jsx", "ts", "tsx", "mjs", "cjs", "vue"): _JAVASCRIPT,
    ("php",): _PHP,
    ("go",): _GO,
    ("java", "kt", "scala", "groovy"): _JVM,
    ("cs",): _CSHARP,
    ("ex", "exs"): _ELIXIR,
    ("rs",): _RUST,
    ("swift",): _SWIFT,
    ("r",): _R,
}
RULES = {suffix: rules for suffixes, rules in _LANGUAGES.items() for suffix in suffixes}


def orm_calls(text: str, suffix: str) -> Iterator[Operation]:
    """Operations of a mapper's calls in text whose comments are blanked already.

    >>> [(each.operation, each.object, each.bounded) for each in orm_calls("Order.where(a: 1).delete_all", "rb")]
    [('delete', 'Order', True)]
    """
    rules = [each for each in RULES.get(suffix, ()) if each.clue in text]
    text = _LONG_LINE.sub(r"\1", text) if rules else ""
    blanked = blank_literals(text)
    for rule in rules:
        for found in islice(rule.pattern.finditer(blanked), _MOST_CALLS):
            written = rule.pattern.match(text, found.start())
            call = call_at(text, blanked, written or found)
            does = rule.read(call, text)
            if does is not None and not only_shown(call, text, found.start()):
                line = text.count("\n", 0, found.start()) + 1
                shown = _line(text, found.start())
                made = Operation(line, "", does.operation, does.object, does.bounded, text=shown, how="pattern")
                made.loses, made.changes = does.loses, does.changes
                yield made


# The text of a statement that is made; who made it may still send it.
_MADE = re.compile(
    r"(?:\s*(?:\.|->)\w+\([^()]{0,400}\))*\s*(?:\.|->)"
    r"(?:toSQL|toSql|to_sql|toString|toQuery|toRawSql|getSQL|ToQueryString|compile)\b(?:\(\))?(?:(?:\.|->)sql\b)?"
)


def only_shown(call: Call, text: str, at: int) -> bool:
    """Whether a call ends as text that is only looked at or told to somebody."""
    made = _MADE.match(call.following)
    start = at - len(call.chain)
    if made is None:
        return False
    return only_held(call.following, 0, made.end()) or only_held(text, start, at) or told(text, start)


# A minified line holds no call of a person; looking through it would take the square of its length.
_LONG_LINE = re.compile(r"(?m)^(.{2000}).+$")


@lru_cache(maxsize=8)
def _mentions(text: str, word: str) -> bool:
    return word in text.lower()


def _line(text: str, at: int) -> str:
    end = text.find("\n", at)
    return text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else None].strip()[:_TEXT_LIMIT]
